"""Where a tensor lost its graph: what `explain_grad` finds when it asks why a gradient is None.

A tensor that was cut off remembers how, on which line of the user's, and, weakly, from what. What
is computed from it inherits the memory, and a recorded operation keeps it in its notes. So a walk
from a loss finds the place where `y = x.detach()` stood, while the graph of `x` is freed with `x`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from types import CodeType, FrameType
from typing import Any, NamedTuple, TypeAlias
from weakref import ref

__all__ = [
    "Cut",
    "Cuts",
    "Place",
    "gathered",
    "lost",
    "merged",
    "note_cuts",
    "place_of",
    "unrecorded",
    "user_spot",
]

_PACKAGE = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")
_MOST = 8  # cuts that one tensor remembers
_MOST_SOURCES = 10_000  # tensors of which one block remembers that they were used in it
_MOST_NODES = 256  # that are looked at behind one cut, which then costs no more than 0.1 ms


class Place(NamedTuple):
    """A line of the user's program."""

    filename: str
    line: int


_Spot: TypeAlias = tuple[CodeType, int] | None


def user_spot(skip: int) -> _Spot:
    """Where the innermost code outside this package is; at least `skip` callers are inside."""
    frame: FrameType | None = sys._getframe(skip)
    # By folder, not by name: a user's script may lie in another folder called tinygrad_edu.
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    # The line is looked up when it is asked for; a frame would keep the user's variables alive.
    return None if frame is None else (frame.f_code, frame.f_lasti)


def place_of(spot: _Spot) -> Place | None:
    """The line of a spot."""
    if spot is None:
        return None
    code, at = spot
    lines = (line for start, end, line in code.co_lines() if start <= at < end)
    return Place(code.co_filename, next(lines, None) or code.co_firstlineno)


class Cut:
    """One way in which a graph ended.

    `kind` is "detached" (detach, a copy of the values), "no_grad" (nothing was recorded) or
    "no_derivative" (an operation that has none); `name` says what the user called.
    """

    __slots__ = ("_spot", "kind", "name", "partial", "sources")

    def __init__(self, kind: str, name: str, sources: Iterable[Any] = ()) -> None:
        self.kind = kind
        self.name = name
        self._spot = user_spot(3)
        # Nodes and leaves that were left behind; weak, so that they are freed as ever. With a
        # node its graph goes, as after `h = layer(x).detach()`: the leaves are noted by themselves.
        self.sources = set(map(ref, sources))
        self.partial = False  # more was left behind than is noted

    @property
    def place(self) -> Place | None:
        """The user's line."""
        return place_of(self._spot)

    def alive(self) -> list[Any]:
        """The nodes and leaves that were left behind, as far as they still exist."""
        found = [source() for source in tuple(self.sources)]
        return [source for source in found if source is not None]


Cuts: TypeAlias = tuple[Cut, ...]


def merged(first: Cuts, second: Cuts) -> Cuts:
    """What a result remembers of two inputs: the latest cuts, not too many."""
    if first is second or not second:
        return first
    return (first + tuple(cut for cut in second if cut not in first))[-_MOST:]


def gathered(inputs: Sequence[Any], parents: Sequence[Any]) -> Cuts:
    """The cuts of those inputs that have no graph."""
    cuts: Cuts = ()
    for x, parent in zip(inputs, parents, strict=True):
        if parent is None and (found := getattr(x, "cuts", None)):
            cuts = merged(cuts, found)
    return cuts


def lost(kind: str, name: str, parents: Sequence[Any]) -> Cuts:
    """A new cut, if one of these nodes and leaves is left behind by it, after those before it."""
    edges = [parent for parent in parents if parent is not None]
    if not edges:
        return ()
    cut = Cut(kind, name, edges)
    return merged(_behind(edges, cut), (cut,))


def _behind(edges: list[Any], cut: Cut) -> Cuts:
    """Note the leaves below some nodes in a cut; the cuts that were there before."""
    cuts: Cuts = ()
    seen = set(map(id, edges))
    rest = list(edges)
    for edge in rest:  # The list grows on the way.
        parents = getattr(edge, "parents", None)
        if parents is None:
            cut.sources.add(ref(edge))
            cuts = merged(edge.cuts, cuts)
            continue
        if edge.notes is not None and edge.notes.cuts:
            cuts = merged(edge.notes.cuts, cuts)
        if len(rest) > _MOST_NODES:
            cut.partial = True
            continue
        for parent in parents:
            if parent is not None and id(parent) not in seen:
                seen.add(id(parent))
                rest.append(parent)
    return cuts


def unrecorded(cuts: Cuts, parents: Sequence[Any]) -> Cuts:
    """The cut of a block that records nothing, in which these nodes and leaves were used."""
    if not cuts:
        return cuts
    before: Cuts = ()
    known = cuts[0].sources
    for parent in parents:
        if parent is not None and (weak := ref(parent)) not in known:
            if len(known) >= _MOST_SOURCES:
                cuts[0].partial = True
                break
            known.add(weak)
            if not hasattr(parent, "array"):  # A node; leaves, the usual ones, are quick to tell.
                before = merged(before, _behind([parent], cuts[0]))
    return merged(before, cuts) if before else cuts


def note_cuts(
    operation: Any, inputs: Sequence[Any], parents: Sequence[Any], results: Iterable[Any], mode: Any
) -> None:
    """Hand the cuts of an operation's inputs on: to its notes if it was recorded, or its results.

    `apply` does this by itself; this is for operations with several results, of which some may
    have no gradient.
    """
    cuts: Cuts = ()
    used = False
    for x, parent in zip(inputs, parents, strict=False):
        if parent is not None:
            used = True
        elif found := getattr(x, "cuts", None):
            cuts = merged(cuts, found)
    if not used:
        made = cuts
    elif mode.grad:
        if cuts:
            operation.annotate().cuts = cuts
        made = ()
    else:
        made = merged(cuts, unrecorded(mode.cuts, parents))
    for result in results:
        if result.node is None and mode.grad:
            result.cuts = merged(made, lost("no_derivative", operation.name, parents))
        elif made:
            result.cuts = made
