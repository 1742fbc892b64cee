"""Copies of tensors: copy, deepcopy and pickle, for subclasses too."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from .autograd.graph import Array, TensorBase, View, wrap

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = ["Copies", "become"]


class Copies(TensorBase):
    """What Python's `copy` and `pickle` call."""

    __slots__ = ()

    def __copy__(self) -> Tensor:
        twin = wrap(self.array, self.node, self.version)
        twin.needs_grad, twin._grad, twin.cuts = self.needs_grad, self._grad, self.cuts
        if self.view_of is not None:
            twin.view_of = View(self.view_of.base, self.view_of.steps)
        result: Tensor = become(type(self), twin)
        for name, value in getattr(self, "__dict__", {}).items():
            setattr(result, name, value)
        return result

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        self._refuse_unless_leaf("deepcopy")
        if id(self) in memo:
            return memo[id(self)]  # type: ignore[no-any-return]
        twin = wrap(self.array.copy())
        twin.needs_grad, twin.cuts = self.needs_grad, self.cuts
        result: Tensor = become(type(self), twin)
        memo[id(self)] = result
        result._grad = copy.deepcopy(self._grad, memo)
        for name, value in getattr(self, "__dict__", {}).items():
            setattr(result, name, copy.deepcopy(value, memo))
        return result

    def __reduce_ex__(self, protocol: Any) -> Any:
        self._refuse_unless_leaf("pickle")
        # The gradient stays behind, as in PyTorch; a subclass's attributes come along.
        arguments = (type(self), np.asarray(self.array, order="C"), self.needs_grad)
        return _rebuild, arguments, getattr(self, "__dict__", None) or None

    def _refuse_unless_leaf(self, what: str) -> None:
        if self.node is not None:
            raise RuntimeError(
                f"Only leaf tensors support {what}: this one is part of a graph. Use `x.detach()` "
                "first."
            )


def become(cls: type[Any], tensor: Tensor) -> Any:
    """A tensor of a subclass with the values and the state of `tensor`."""
    result = object.__new__(cls)
    for name in TensorBase.__slots__:
        if name != "__weakref__":
            setattr(result, name, getattr(tensor, name))
    return result


def _rebuild(cls: type[Any], array: Array, needs_grad: bool) -> Any:
    tensor = wrap(array)
    tensor.needs_grad = needs_grad
    return become(cls, tensor)
