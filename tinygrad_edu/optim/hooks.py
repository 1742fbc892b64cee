"""Hooks of an optimizer: functions that it calls around `step`, `state_dict`, `load_state_dict`."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

from ..autograd.notes import Handle

__all__ = ["Hooks", "hooked"]

Step = TypeVar("Step", bound=Callable[..., Any])

_KINDS = (
    "step_pre",
    "step_post",
    "state_dict_pre",
    "state_dict_post",
    "load_state_dict_pre",
    "load_state_dict_post",
)


class Hooks:
    """The hooks of one optimizer, by kind, and the methods that register them."""

    def __init__(self) -> None:
        self._hooks: dict[str, OrderedDict[int, Any]] = {kind: OrderedDict() for kind in _KINDS}

    def _register(self, kind: str, hook: Any, prepend: bool = False) -> Handle:
        handle = Handle(self._hooks[kind], hook)
        if prepend:
            self._hooks[kind].move_to_end(handle.id, last=False)
        return handle

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call `hook(optimizer, args, kwargs)` before every `step`; returns a handle to remove it.

        `args` begins with the optimizer itself. The hook returns None, or (args, kwargs) to be
        used instead; RuntimeError for anything else.

        >>> w = tg.ones(1, requires_grad=True)
        >>> opt = optim.SGD([w], lr=0.1)
        >>> handle = opt.register_step_pre_hook(lambda opt, args, kwargs: print("now"))
        >>> opt.step()
        now
        """
        return self._register("step_pre", hook)

    def register_step_post_hook(self, hook: Callable[..., None]) -> Handle:
        """Call `hook(optimizer, args, kwargs)` after every `step`."""
        return self._register("step_post", hook)

    def register_state_dict_pre_hook(
        self, hook: Callable[..., None], prepend: bool = False
    ) -> Handle:
        """Call `hook(optimizer)` before every `state_dict`."""
        return self._register("state_dict_pre", hook, prepend)

    def register_state_dict_post_hook(
        self, hook: Callable[..., dict[str, Any] | None], prepend: bool = False
    ) -> Handle:
        """Call `hook(optimizer, state_dict)` with every result of `state_dict`.

        What it returns, unless None, is the result instead.
        """
        return self._register("state_dict_post", hook, prepend)

    def register_load_state_dict_pre_hook(
        self, hook: Callable[..., dict[str, Any] | None], prepend: bool = False
    ) -> Handle:
        """Call `hook(optimizer, state_dict)` before every `load_state_dict`.

        It gets a shallow copy; what it returns, unless None, is loaded instead.
        """
        return self._register("load_state_dict_pre", hook, prepend)

    def register_load_state_dict_post_hook(
        self, hook: Callable[..., None], prepend: bool = False
    ) -> Handle:
        """Call `hook(optimizer)` after every `load_state_dict`."""
        return self._register("load_state_dict_post", hook, prepend)

    def _run_hooks(self, kind: str) -> None:
        for hook in list(self._hooks[kind].values()):
            hook(self)

    def _pass_through_hooks(self, kind: str, state_dict: dict[str, Any]) -> dict[str, Any]:
        for hook in list(self._hooks[kind].values()):
            answer = hook(self, state_dict)
            if answer is not None:
                state_dict = answer
        return state_dict


def hooked(step: Step) -> Step:
    """Make a `step` method run the hooks, and note for a scheduler that it was called."""

    @functools.wraps(step)
    def with_hooks(self: Any, *args: Any, **kwargs: Any) -> Any:
        # A call of super().step() within a step is a part of it.
        if type(self).step is not with_hooks:
            return step(self, *args, **kwargs)
        if not getattr(self, "_opt_called", True):
            self._opt_called = True
        before, after = self._hooks["step_pre"], self._hooks["step_post"]
        if not (before or after):
            return step(self, *args, **kwargs)
        args = (self, *args)
        for hook in list(before.values()):
            answer = hook(self, args, kwargs)
            if answer is not None:
                if not isinstance(answer, tuple) or len(answer) != 2:
                    raise RuntimeError(
                        "A step pre-hook must return None or a tuple of (new_args, new_kwargs); "
                        f"got {answer!r}."
                    )
                args, kwargs = answer
        result = step(*args, **kwargs)
        for hook in list(after.values()):
            hook(self, args, kwargs)
        return result

    return with_hooks  # type: ignore[return-value]
