"""Module: a part of a network that owns parameters, buffers and further modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from ..autograd.mode import SCOPE, Scope
from ..tensor import Tensor
from . import hooks, state
from .scope import explain, note_result
from .whole import Whole

__all__ = ["Module"]

_new = tuple.__new__


def _no_forward(self: Module, *inputs: Any) -> Any:
    """Compute the output. Every module that is called defines it."""
    raise NotImplementedError(
        f'Module [{self._get_name()}] is missing the required "forward" function: define '
        "forward(self, x), or call the modules inside it instead."
    )


class Module(Whole):
    """A part of a network: parameters, buffers, submodules, and `forward`, which uses them.

    Write a subclass: assign nn.Parameter, modules and buffers to attributes in `__init__`, after
    `super().__init__()`; define `forward`. Then `net(x)` computes, `net.parameters()` is what an
    optimizer changes, and `net.state_dict()` what is saved. PyTorch: `torch.nn.Module`.

    >>> class Line(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.slope = nn.Parameter(tg.tensor(2.0))
    ...
    ...     def forward(self, x):
    ...         return self.slope * x
    >>> line = Line()
    >>> line(3.0).backward()
    >>> line.slope.grad
    tensor(3.)
    """

    #: Raised by a class whose saved state changes its form; kept in the state_dict's metadata.
    _version: ClassVar[int] = 1

    _hooks: hooks.Hooks | None = None

    forward: Callable[..., Any] = _no_forward

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run `forward` and the hooks around it; operations recorded inside know this module."""
        outer = SCOPE.get()
        # Every layer of a small network pays this: without __new__ the tuple takes half as long.
        scope = _new(Scope, (self, outer))
        SCOPE.set(scope)
        try:
            if self._hooks is None:
                result = self.forward(*args, **kwargs)
            else:
                result = hooks.call_with_hooks(self, args, kwargs)
        except Exception as error:
            explain(error, scope, args, kwargs)
            raise
        finally:
            SCOPE.set(outer)
        if outer is None or type(result) is not Tensor or result.node is None:
            note_result(self, result, outer is None)
        return result

    # Attributes (attributes.py), the tree (tree.py), changes as a whole (whole.py) are inherited.
    # Saving and loading (state.py), hooks (hooks.py):

    state_dict = state.state_dict
    load_state_dict = state.load_state_dict
    get_extra_state = state.get_extra_state
    set_extra_state = state.set_extra_state
    _save_to_state_dict = state.save_to_state_dict
    _load_from_state_dict = state.load_from_state_dict
    register_state_dict_pre_hook = state.register_state_dict_pre_hook
    register_state_dict_post_hook = state.register_state_dict_post_hook
    register_load_state_dict_pre_hook = state.register_load_state_dict_pre_hook
    register_load_state_dict_post_hook = state.register_load_state_dict_post_hook
    register_forward_pre_hook = hooks.register_forward_pre_hook
    register_forward_hook = hooks.register_forward_hook
    register_full_backward_pre_hook = hooks.register_full_backward_pre_hook
    register_full_backward_hook = hooks.register_full_backward_hook

    # How it is printed.

    def extra_repr(self) -> str:
        """What stands between the brackets when the module is printed; for layers to define."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        if len(lines) == 1 and not self._modules:
            return f"{self._get_name()}({extra})"
        lines += self._child_lines()
        if not lines:
            return f"{self._get_name()}()"
        return "\n  ".join([f"{self._get_name()}(", *lines]) + "\n)"

    def _child_lines(self) -> list[str]:
        return [f"({name}): {_indented(child)}" for name, child in self._modules.items()]


def _indented(module: Module | None) -> str:
    return repr(module).replace("\n", "\n  ")
