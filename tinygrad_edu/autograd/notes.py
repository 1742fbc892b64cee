"""What stands beside the graph: hooks, notes on a node, the user's line in errors."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

__all__ = ["AccumulateGrad", "Handle", "Notes", "explained", "hand_over", "note_origin"]

_PACKAGE = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")


class Notes:
    """What only some nodes carry: hooks, a tensor that retains its gradient, the user's line."""

    __slots__ = ("hooks", "nonfinite", "retain", "trace")

    def __init__(self) -> None:
        self.hooks: dict[int, Callable[[Any], Any]] = {}
        self.retain: Any = None  # weak reference to a tensor
        self.trace: str | None = None
        self.nonfinite = False


def hand_over(old: Any, new: Any) -> None:
    """A retained gradient is that of the tensor's present values, which `new` has made."""
    if new is not None and old is not None and old.notes is not None:
        new.annotate().retain, old.notes.retain = old.notes.retain, None


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


def explained(operation: str, inputs: Sequence[Any], error: Exception) -> RuntimeError:
    """NumPy's complaint, with the operation and the shapes it was about."""
    shapes = " and ".join(str(x.shape) for x in inputs if isinstance(x, np.ndarray))
    return RuntimeError(
        f"{operation.lower()}: {str(error).rstrip('. ')} (the inputs have shapes {shapes})."
    )


def note_origin(notes: Notes, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
    """Under `detect_anomaly`: the user's line, and whether NaN or infinity first appeared here."""
    import traceback

    # By folder, not by name: a user's script may lie in another folder called tinygrad_edu.
    frames = [
        frame for frame in traceback.extract_stack() if not frame.filename.startswith(_PACKAGE)
    ]
    notes.trace = "".join(traceback.format_list(frames[-1:])).rstrip() or None
    notes.nonfinite = not all(map(_finite, outputs)) and all(map(_finite, inputs))


def _finite(x: Any) -> bool:
    return not isinstance(x, np.ndarray) or x.dtype.kind != "f" or bool(np.isfinite(x).all())
