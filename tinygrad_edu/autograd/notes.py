"""What stands beside the graph: hooks, notes on a node, the user's line in errors."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from .cuts import Cuts
from .passes import Pass

__all__ = [
    "AccumulateGrad",
    "Handle",
    "Kept",
    "Notes",
    "explained",
    "hand_over",
    "keep",
    "keep_written",
    "take_notes",
]

_PACKAGE = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")


class Notes:
    """What only some nodes carry: hooks, a tensor that retains its gradient, the user's line."""

    __slots__ = ("cuts", "hooks", "kept", "nonfinite", "passed", "retain", "since", "trace")

    def __init__(self) -> None:
        self.hooks: dict[int, Callable[[Any], Any]] = {}
        self.retain: Any = None  # weak reference to a tensor
        self.trace: str | None = None
        self.nonfinite = False
        # For `explain_grad`: cuts among the inputs, the last pass that began here, when `retain`
        # was set.
        self.cuts: Cuts = ()
        self.passed: Pass | None = None
        self.since = -1
        # Under `viz.keep_values`: the inputs, None where they were overwritten, and the results.
        self.kept: tuple[list[Kept | None], list[Kept]] | None = None


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


def take_notes(operation: Any, mode: Any, inputs: Sequence[Any], results: Sequence[Any]) -> None:
    """What `detect_anomaly` and `viz.keep_values` want to know of an operation just recorded."""
    notes = operation.annotate()
    if mode.anomaly:
        _note_origin(notes, [getattr(x, "array", x) for x in inputs], [x.array for x in results])
    if mode.values:
        keep(notes, inputs, results)


def _note_origin(notes: Notes, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
    """Under `detect_anomaly`: the user's line, and whether NaN or infinity first appeared here."""
    import traceback

    # By folder, not by name: a user's script may lie in another folder called tinygrad_edu.
    frames = [
        frame for frame in traceback.extract_stack() if not frame.filename.startswith(_PACKAGE)
    ]
    notes.trace = "".join(traceback.format_list(frames[-1:])).rstrip() or None
    notes.nonfinite = not all(map(_finite, outputs)) and all(map(_finite, inputs))


def keep(notes: Notes, inputs: Sequence[Any], results: Sequence[Any]) -> None:
    """Under `viz.keep_values`: what an operation was given, and what it made, with versions."""
    owners = [x for x in inputs if hasattr(x, "version")]
    # An operation in place has written over what it was given, and others may write there again,
    # under another version counter.
    written = [
        (x, result)
        for result in results
        for x in owners
        if x.version is not result.version and np.may_share_memory(x.array, result.array)
    ]
    lost = {id(x) for x, _ in written}
    copied = {id(result) for _, result in written}
    notes.kept = (
        [None if id(x) in lost else _kept(x) for x in inputs],
        [_copied(result.array) if id(result) in copied else _kept(result) for result in results],
    )


def keep_written(notes: Notes, value: Any, base: Any) -> None:
    """Under `viz.keep_values`: what was written through a view, and the base after that."""
    # Copies: the next write is likely to change this memory again.
    notes.kept = [None, _copied(value)], [_copied(base)]


class Kept(NamedTuple):
    """A value, its version counter (None for a copy) and what that was: like saved arrays."""

    value: Any
    version: list[int] | None
    changes: int


def _kept(x: Any) -> Kept:
    return Kept(x.array, x.version, x.version[0]) if hasattr(x, "version") else Kept(x, None, 0)


def _copied(array: Any) -> Kept:
    return Kept(np.array(array), None, 0)


def _finite(x: Any) -> bool:
    return not isinstance(x, np.ndarray) or x.dtype.kind != "f" or bool(np.isfinite(x).all())
