"""What becomes a box of a picture, and which frames of modules the boxes stand in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from ...autograd.graph import Operation, TensorBase
from .calls import Call, Calls, Run

__all__ = ["Arrangement", "Box", "Depth", "Frame", "Repeats", "arranged", "readable"]

Depth: TypeAlias = int | Literal["operations", "layers"]
Repeats: TypeAlias = Literal["count", "loop", "all"]

_READABLE = 50  # boxes


class Frame:
    """The frame around what one call of a module did."""

    def __init__(self, call: Call, parent: Frame | None) -> None:
        self.call = call
        self.parent = parent
        self.level: int = 1 if parent is None else parent.level + 1
        self.items: list[Box | Frame] = []


class Box:
    """An operation, or a closed module; `calls` are those that the box stands for."""

    def __init__(
        self,
        frame: Frame | None,
        *,
        node: Operation | None = None,
        calls: Sequence[Call] = (),
        like: Call | None = None,
        parallel: bool = False,
    ) -> None:
        self.frame = frame
        self.node = node  # None: closed
        self.calls = list(calls)
        self.like = like  # the call drawn beside it that its own repeat
        self.parallel = parallel
        self.leaves: list[TensorBase] = []  # parameters that this operation alone uses
        self.exits: dict[int, Operation] = {}  # what leaves a closed module
        parts = (
            [] if node is not None else {id(call.module): call.module for call in calls}.values()
        )
        self.inside = {id(parameter) for module in parts for parameter in module.parameters()}

    def add(self, call: Call) -> None:
        """Let a closed module's box stand for one call more, of the same module."""
        self.calls.append(call)


class Arrangement:
    """The frames and boxes of a picture, and the box of each operation."""

    def __init__(self, calls: Calls, depth: Depth, repeats: Repeats) -> None:
        self.items: list[Box | Frame] = []
        self.boxes: list[Box] = []
        self.box_of: dict[int, Box] = {}  # by operation
        self.call_of: dict[int, Call] = {}  # by operation, if its module is closed
        self.depth = depth
        self.closes = False  # whether some module is closed that could be opened
        self.loops = repeats == "loop"
        self._calls = calls
        self._repeats = repeats
        self._merged: dict[int, Box] = {}  # by module
        self._called: dict[int, int] = {}  # how often, by module
        if repeats == "loop":
            for call in calls.all:
                self._called[id(call.module)] = self._called.get(id(call.module), 0) + 1
        self._add(calls.items, None)

    def _add(self, items: Sequence[Operation | Call], frame: Frame | None) -> None:
        entries = self._calls.runs(items) if self._repeats == "count" else items
        for entry in entries:
            if isinstance(entry, Operation):
                self._open(Box(frame, node=entry), frame)
            else:
                run = Run(entry) if isinstance(entry, Call) else entry
                self._add_run(run, frame)

    def _add_run(self, run: Run, frame: Frame | None) -> None:
        first, *rest = run.calls
        if self._called.get(id(first.module), 1) > 1:
            if id(first.module) in self._merged:
                self._merged[id(first.module)].add(first)
                self._take_in(first, self._merged[id(first.module)])
            else:
                self._merged[id(first.module)] = self._close(Box(frame, calls=[first]), frame)
        elif self._is_closed(first):
            self.closes = True
            self._close(Box(frame, calls=run.calls, parallel=run.parallel), frame)
        else:
            if (node := first.only_operation) is not None:
                self._open(Box(frame, node=node, calls=[first]), frame)
            else:
                inner = Frame(first, frame)
                self._items(frame).append(inner)
                self._add(first.items, inner)
            if rest:
                self._close(Box(frame, calls=rest, like=first, parallel=run.parallel), frame)

    def _is_closed(self, call: Call) -> bool:
        if self.depth == "operations":
            return False
        return call.is_layer or (self.depth != "layers" and call.level >= self.depth)

    def _items(self, frame: Frame | None) -> list[Box | Frame]:
        return self.items if frame is None else frame.items

    def _open(self, box: Box, frame: Frame | None) -> None:
        assert box.node is not None
        self.box_of[id(box.node)] = box
        self.boxes.append(box)
        self._items(frame).append(box)

    def _close(self, box: Box, frame: Frame | None) -> Box:
        for call in box.calls:
            self._take_in(call, box)
        self.boxes.append(box)
        self._items(frame).append(box)
        return box

    def _take_in(self, call: Call, box: Box) -> None:
        stack = list(call.items)
        while stack:
            item = stack.pop()
            if isinstance(item, Call):
                stack += item.items
            else:
                self.box_of[id(item)] = box
                self.call_of[id(item)] = call


def arranged(calls: Calls, depth: Depth | None, repeats: Repeats) -> Arrangement:
    """The frames and boxes at this depth, or at the greatest one at which they are readable."""
    if repeats == "count":
        calls.compare()
    return Arrangement(calls, depth, repeats) if depth is not None else readable(calls, repeats)


def readable(calls: Calls, repeats: Repeats) -> Arrangement:
    """As many operations and modules as a reader can follow, or as few as there can be."""
    levels = max((call.level for call in calls.all), default=-1)
    depths: list[Depth] = ["operations", "layers", *range(levels - 1, -1, -1)]
    arrangement = Arrangement(calls, depths[0], repeats)
    if levels < 0:
        return arrangement
    for depth in depths[1:]:
        if len(arrangement.boxes) <= _READABLE:
            break
        arrangement = Arrangement(calls, depth, repeats)
    return arrangement
