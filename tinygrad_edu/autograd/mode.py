"""What is being recorded right now: grad modes, anomaly detection, the module that is running.

One immutable `Mode` is current at any time. It lives in a context variable, so threads and asyncio
tasks do not see each other's modes.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple, TypeVar

from .cuts import Cut, Cuts

__all__ = [
    "enable_grad",
    "inference_mode",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "no_grad",
    "set_grad_enabled",
]

_new = tuple.__new__
F = TypeVar("F", bound=Callable[..., Any])


class Scope(NamedTuple):
    """A module whose `forward` is running, and the scope it was called from."""

    module: Any
    parent: Scope | None


class Mode(NamedTuple):
    """The switches that recording looks at."""

    grad: bool = True
    inference: bool = False
    anomaly: bool = False
    values: bool = False  # recorded operations keep their inputs and results, for pictures
    hooks: bool = True  # users' functions on gradients run
    cuts: Cuts = ()  # where recording was switched off


USUAL = Mode()
MODE: ContextVar[Mode] = ContextVar("tinygrad_edu_mode", default=USUAL)
SCOPE: ContextVar[Scope | None] = ContextVar("tinygrad_edu_scope", default=None)
# What runs is only tried, and undone afterwards: those who look on do not count it.
TRIAL: ContextVar[bool] = ContextVar("tinygrad_edu_trial", default=False)


@contextmanager
def switched(**changes: Any) -> Iterator[None]:
    """Run a block under the current mode with some switches changed."""
    before = MODE.get()
    MODE.set(before._replace(**changes))
    try:
        yield
    finally:
        # Setting the old value, not resetting a token: a generator may be resumed in another
        # context.
        MODE.set(before)


class Switch(ContextDecorator):
    """A context manager and decorator that changes the mode, and may be entered again and again."""

    def __init__(self, **changes: Any) -> None:
        self._changes = changes
        self._before: list[Mode] = []

    def __enter__(self) -> None:
        before = MODE.get()
        self._before.append(before)
        MODE.set(self._changed(before))

    def __exit__(self, *exception: object) -> None:
        MODE.set(self._before.pop())

    def _changed(self, before: Mode, name: str = "") -> Mode:
        """The mode of the block; if that is the one to stop recording, its line goes with it."""
        changes = self._changes
        if not changes.get("grad", True) and (before.grad or not before.cuts):
            changes = {**changes, "cuts": (Cut("no_grad", name or type(self).__name__),)}
        # Half the time of `_replace`, on the way into every block.
        return _new(Mode, map(changes.get, Mode._fields, before))

    def __call__(self, function: F) -> F:
        # A fresh switch for each call: the decorated function may run in many threads at once.
        name = f"@{type(self).__name__} on {getattr(function, '__name__', 'a function')}"
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def generator(*args: Any, **kwargs: Any) -> Any:
                steps = function(*args, **kwargs)
                resume, value = steps.send, None
                while True:
                    # The mode holds only while the generator's own code runs, not while its
                    # caller's does.
                    try:
                        with switched(**self._changed(MODE.get(), name)._asdict()):
                            result = resume(value)
                    except StopIteration as stop:
                        return stop.value
                    try:
                        value, resume = (yield result), steps.send
                    except GeneratorExit:
                        with switched(**self._changes):
                            steps.close()
                        raise
                    except BaseException as error:  # noqa: BLE001 - passed on into the generator
                        value, resume = error, steps.throw

            return generator  # type: ignore[return-value]

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            before = MODE.get()
            MODE.set(self._changed(before, name))
            try:
                return function(*args, **kwargs)
            finally:
                MODE.set(before)

        return wrapper  # type: ignore[return-value]


class no_grad(Switch):
    """Record nothing: for evaluation and for updating parameters. Context manager and decorator.

    PyTorch: `torch.no_grad`.

    >>> w = tg.ones(2, requires_grad=True)
    >>> with tg.no_grad():
    ...     y = w * 2
    >>> y.requires_grad
    False
    """

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        switch = super().__new__(cls)
        if function is None:
            return switch
        switch.__init__()  # type: ignore[misc]
        return switch(function)

    def __init__(self) -> None:
        # Without the call of Switch's: blocks around little work are entered often.
        self._changes = {"grad": False}
        self._before = []


class enable_grad(Switch):
    """Record again inside `no_grad`. Context manager and decorator. PyTorch: `torch.enable_grad`.

    >>> w = tg.ones(2, requires_grad=True)
    >>> with tg.no_grad(), tg.enable_grad():
    ...     y = w * 2
    >>> y.requires_grad
    True
    """

    def __init__(self) -> None:
        super().__init__(grad=True, inference=False)


class inference_mode(Switch):
    """`no_grad` for pure inference; `inference_mode(False)` switches it off.

    PyTorch: `torch.inference_mode`.

    >>> with tg.inference_mode():
    ...     y = tg.ones(2, requires_grad=True) * 2
    >>> y.requires_grad
    False
    """

    def __init__(self, mode: bool = True) -> None:
        super().__init__(grad=not mode, inference=mode)


class Setter(Switch):
    """A switch that takes effect when it is made, and as a context manager ends with the block."""

    def __init__(self, **changes: Any) -> None:
        super().__init__(**changes)
        self._at_call = MODE.get()
        MODE.set(self._changed(self._at_call))

    def __enter__(self) -> None:
        self._before.append(self._at_call)
        MODE.set(self._changed(MODE.get()))

    def __call__(self, function: F) -> F:
        MODE.set(self._at_call)  # As a decorator it concerns the function alone.
        return super().__call__(function)


class set_grad_enabled(Setter):
    """Switch recording on or off, at once and, as a context manager, until the block ends.

    PyTorch: `torch.set_grad_enabled`.

    >>> with tg.set_grad_enabled(False):
    ...     tg.is_grad_enabled()
    False
    """

    def __init__(self, mode: bool) -> None:
        super().__init__(grad=bool(mode))


def is_grad_enabled() -> bool:
    """Whether operations are being recorded. PyTorch: `torch.is_grad_enabled`.

    >>> tg.is_grad_enabled()
    True
    """
    return MODE.get().grad


def is_inference_mode_enabled() -> bool:
    """Whether `inference_mode` is on. PyTorch: `torch.is_inference_mode_enabled`.

    >>> tg.is_inference_mode_enabled()
    False
    """
    return MODE.get().inference
