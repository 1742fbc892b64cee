"""`detect_anomaly`: which operation, on which line, made the first NaN or infinity."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .graph import Operation, TensorBase, Value
from .mode import Setter, Switch
from .reach import reachable

__all__ = ["detect_anomaly", "set_detect_anomaly"]


class detect_anomaly(Switch):
    """Stop at the first NaN or infinity in a gradient, and name the operation and its line.

    Operations recorded inside remember the line of user code that called them. As soon as the
    reverse pass produces a gradient that is not finite, a RuntimeError names the operation whose
    rule produced it and the first forward operation that made a NaN or infinity out of finite
    inputs. Slow: for finding errors only.

    PyTorch: `torch.autograd.detect_anomaly`.

    >>> x = tg.tensor([0.0], requires_grad=True)
    >>> with tg.autograd.detect_anomaly():
    ...     y = x.sqrt().sum()
    ...     y.backward()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    RuntimeError: detect_anomaly: the gradient of Sqrt contains inf...
    """

    def __init__(self, check_nan: bool = True) -> None:
        super().__init__(anomaly=check_nan)


class set_detect_anomaly(Setter):
    """Switch anomaly detection on or off, at once and, as a context manager, until the block ends.

    PyTorch: `torch.autograd.set_detect_anomaly`.

    >>> with tg.autograd.set_detect_anomaly(True):
    ...     tg.ones(2, requires_grad=True).log().sum().backward()
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        super().__init__(anomaly=mode and check_nan)


def check_gradient(node: Operation, grad: Value, roots: Iterable[Any]) -> None:
    """Raise if a gradient that `node` produced is not finite."""
    array = grad.array if isinstance(grad, TensorBase) else np.asarray(grad)
    if np.isfinite(array).all():
        return
    kind = "NaN" if np.isnan(array).any() else "inf"
    message = f"detect_anomaly: the gradient of {node.name} contains {kind}."
    if node.notes is not None and node.notes.trace:
        message += f"\nIt was recorded here:\n{node.notes.trace}"
    first = _first_nonfinite(roots)
    if first is not None and first.notes is not None:
        message += (
            f"\nThe first NaN or infinity of the forward pass was made by {first.name}, here:"
            f"\n{first.notes.trace or '  (the line is not known)'}"
        )
    raise RuntimeError(message)


def _first_nonfinite(roots: Iterable[Any]) -> Operation | None:
    """The oldest operation below the roots that made NaN or infinity out of finite inputs."""
    return next((node for node in reachable(roots) if node.notes and node.notes.nonfinite), None)
