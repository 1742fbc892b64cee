"""Looking on while a model runs: hooks that leave nothing behind, and which array is which."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from ..autograd.graph import Array, TensorBase
from ..autograd.notes import Handle
from ..autograd.trees import leaves
from ..nn import Module
from ..tensor import Tensor

__all__ = ["Known", "ModuleHooks", "owner", "tensors"]


class Hook:
    """A hook that copies of a module, also those by pickle, do not have: there it does nothing."""

    def __init__(self, function: Callable[..., None]) -> None:
        self.function = function

    def __call__(self, *arguments: Any) -> None:
        """Look."""
        self.function(*arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Hook, (_look_away,))


def _look_away(*_: Any) -> None:
    """What a copied hook does."""


class ModuleHooks:
    """Forward hooks on a model and all modules in it; `remove` leaves the modules as they were."""

    def __init__(self) -> None:
        self._handles: list[Handle] = []
        self._bare: list[Module] = []  # modules that had no hooks

    def add(
        self,
        model: Module,
        after: Callable[..., None],
        before: Callable[[Module, Any], None] | None = None,
    ) -> None:
        """Call `before(module, args)` and `after(module, args, kwargs, output)` at each call.

        They return nothing. With `before`, each call of it has its `after`: if the module fails,
        its output is None.
        """
        for module in model.modules():
            if "_hooks" not in vars(module):
                self._bare.append(module)
            if before is not None:
                self._handles.append(module.register_forward_pre_hook(Hook(before), prepend=True))
            handle = module.register_forward_hook(
                Hook(after), with_kwargs=True, always_call=before is not None
            )
            self._handles.append(handle)

    def remove(self) -> None:
        """Take all hooks away again."""
        for handle in self._handles:
            handle.remove()
        for module in self._bare:
            hooks = vars(module).get("_hooks")
            # A module without hooks is called without looking for them; keep those of others.
            if hooks is not None and not any(vars(hooks).values()):
                del module._hooks
        self._handles, self._bare = [], []


def tensors(value: Any) -> list[Tensor]:
    """The tensors in what a module takes or returns, whatever they are packed in."""
    return [each for each in leaves(value) if isinstance(each, Tensor)]


def owner(array: Array) -> Array:
    """The array that the memory of a view belongs to."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


class Known:
    """The arrays that were met, without keeping them alive."""

    def __init__(self) -> None:
        self._met: dict[int, tuple[weakref.ref[Array], int]] = {}

    def meet(self, tensor: TensorBase) -> None:
        """Note the tensor's memory, as it is now."""
        array = owner(tensor.array)
        self._met[id(array)] = (weakref.ref(array), tensor.version[0])

    def same_memory(self, tensor: TensorBase) -> bool:
        """Whether the tensor looks into memory that was met."""
        array = owner(tensor.array)
        # Another array may have come to where a dead one was.
        return id(array) in self._met and self._met[id(array)][0]() is array

    def same_values(self, tensor: TensorBase) -> bool:
        """Whether, besides, nothing was written into it since."""
        return (
            self.same_memory(tensor) and self._met[id(owner(tensor.array))][1] == tensor.version[0]
        )
