"""What stands beside the graph: hooks and their handles, notes on a node, the user's line in
errors.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

__all__ = ["AccumulateGrad", "Handle", "Notes", "explained", "note_origin"]


class Notes:
    """What only some nodes carry: hooks, a tensor that retains its gradient, the user's line."""

    __slots__ = ("hooks", "nonfinite", "retain", "trace")

    def __init__(self) -> None:
        self.hooks: dict[int, Callable[[Any], Any]] = {}
        self.retain: Any = None  # weak reference to a tensor
        self.trace: str | None = None
        self.nonfinite = False


class AccumulateGrad:
    """The end of a path in the graph: the leaf whose `grad` the gradient is added to."""

    __slots__ = ("variable",)

    def __init__(self, variable: Any) -> None:
        self.variable = variable

    name = "AccumulateGrad"
    next_functions = ()

    def __repr__(self) -> str:
        return f"<AccumulateGrad of a leaf of shape {self.variable.shape}>"


class Handle:
    """Takes a hook away again with `remove()`; also a context manager."""

    _ids: ClassVar[itertools.count[int]] = itertools.count()

    def __init__(self, hooks: dict[int, Any], hook: Any) -> None:
        self._hooks = hooks
        self.id = next(self._ids)
        hooks[self.id] = hook

    def remove(self) -> None:
        """Remove the hook; a second call does nothing."""
        self._hooks.pop(self.id, None)

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


def explained(operation: str, inputs: Sequence[Any], error: ValueError) -> RuntimeError:
    """NumPy's complaint, with the operation and the shapes it was about."""
    shapes = " and ".join(str(x.shape) for x in inputs if isinstance(x, np.ndarray))
    return RuntimeError(
        f"{operation.lower()}: {str(error).rstrip('. ')} (the inputs have shapes {shapes})."
    )


def note_origin(notes: Notes, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
    """Under `detect_anomaly`: the user's line, and whether NaN or infinity first appeared here."""
    import traceback

    package = __name__.partition(".")[0]
    frames = [
        frame
        for frame in traceback.extract_stack()
        if f"/{package}/" not in frame.filename.replace("\\", "/")
    ]
    notes.trace = "".join(traceback.format_list(frames[-1:])).rstrip() or None
    notes.nonfinite = not all(map(_finite, outputs)) and all(map(_finite, inputs))


def _finite(x: Any) -> bool:
    return not isinstance(x, np.ndarray) or x.dtype.kind != "f" or bool(np.isfinite(x).all())
