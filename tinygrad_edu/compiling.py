"""`compile`, which has nothing to do here."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

__all__ = ["compile"]


def compile(
    model: Callable[..., Any] | None = None,
    *,
    fullgraph: bool = False,  # noqa: ARG001 - the choices of a compiler
    dynamic: bool | None = None,  # noqa: ARG001
    backend: str | Callable[..., Any] = "inductor",  # noqa: ARG001
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    disable: bool = False,
) -> Any:
    """The model or function itself, with a notice: every operation is run as it is called.

    Also a decorator, with or without options. `disable=True` says nothing. Raises RuntimeError if
    `mode` and `options` are both given, TypeError for what cannot be called.

    PyTorch: `torch.compile`.

    Unlike PyTorch, nothing is compiled.

    >>> net = nn.Linear(2, 1)
    >>> tg.compile(net, disable=True) is net
    True
    """
    if mode is not None and options is not None:
        raise RuntimeError("compile: either mode or options can be given, not both.")
    if model is None:
        return lambda decorated: _unchanged(decorated, disable, stacklevel=3)
    return _unchanged(model, disable, stacklevel=3)


def _unchanged(model: Any, disable: bool, stacklevel: int) -> Any:
    if not callable(model):
        raise TypeError(f"compile: expected a module or function, got {type(model).__name__}.")
    if not disable:
        # Python shows a warning once for each line that causes it.
        warnings.warn(
            "tinygrad_edu does not compile: the model runs as it is, and computes the same.",
            UserWarning,
            stacklevel=stacklevel,
        )
    return model
