"""The calls of modules in a recorded graph: what was recorded in each, and what repeats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...autograd.graph import Operation, Output
from ...autograd.mode import Scope
from ...nn import Module

__all__ = ["Call", "Calls", "Run"]

# So many calls in a row are drawn as one: of layers three, of blocks, which are larger, two.
_LAYERS, _BLOCKS = 3, 2


class Call:
    """One call of a module: the operations recorded in it, and the calls it made, in order."""

    __slots__ = ("count", "first", "items", "kind", "last", "level", "module", "parent", "scope")

    def __init__(self, scope: Scope, parent: Call | None) -> None:
        self.scope = scope  # kept alive: calls are found by its identity
        self.module: Module = scope.module
        self.parent = parent
        self.level: int = 0 if parent is None else parent.level + 1
        self.items: list[Operation | Call] = []
        self.first = self.last = -1  # positions among all operations
        self.count = 0
        self.kind = -1  # calls of equal structure have the same one

    @property
    def is_layer(self) -> bool:
        """Whether it called no other module."""
        return not any(isinstance(item, Call) for item in self.items)

    @property
    def only_operation(self) -> Operation | None:
        """What it did, if that was a single operation."""
        if len(self.items) == 1 and isinstance(item := self.items[0], Operation):
            return item
        return None


class Run:
    """Calls of equal structure one after the other, or side by side; often just one."""

    def __init__(self, call: Call) -> None:
        self.calls = [call]
        self.parallel = False


class Calls:
    """The calls in a graph, as a tree. `items` are the outermost ones, and what is outside."""

    def __init__(self, nodes: Sequence[Operation]) -> None:
        self.items: list[Operation | Call] = []
        self.all: list[Call] = []  # callers before those they called
        self._nodes = nodes
        self._by_scope: dict[int, Call] = {}
        self._position: dict[Operation, int] = {}
        for position, node in enumerate(nodes):
            self._position[node] = position
            call = self._call(node.scope)
            if not isinstance(node, Output):
                (self.items if call is None else call.items).append(node)
            while call is not None:
                call.first = position if call.first < 0 else call.first
                call.last = position
                call.count += 1
                call = call.parent

    def _call(self, scope: Scope | None) -> Call | None:
        """The call of this scope; made, with those around it, where it is new."""
        new: list[Scope] = []
        while scope is not None and id(scope) not in self._by_scope:
            new.append(scope)
            scope = scope.parent
        call = None if scope is None else self._by_scope[id(scope)]
        for inner in reversed(new):
            parent, call = call, Call(inner, call)
            self._by_scope[id(inner)] = call
            (self.items if parent is None else parent.items).append(call)
            self.all.append(call)
        return call

    def roots(self) -> list[Module]:
        """The modules that no other module called, each once."""
        modules = [call.module for call in self.all if call.parent is None]
        return list({id(module): module for module in modules}.values())

    def compare(self) -> None:
        """Give calls of one class, with parameters and operations of equal shapes, one `kind`."""
        kinds: dict[Any, int] = {}
        parameters: dict[int, tuple[Any, ...]] = {}  # by module
        for call in reversed(self.all):
            module = call.module
            if id(module) not in parameters:
                parameters[id(module)] = tuple(
                    (name, parameter.shape) for name, parameter in module.named_parameters()
                )
            done = tuple(
                item.kind if isinstance(item, Call) else (item.name, item.shape, item.dtype)
                for item in call.items
            )
            call.kind = kinds.setdefault((type(module), parameters[id(module)], done), len(kinds))

    def runs(self, items: Sequence[Operation | Call]) -> Iterator[Operation | Run]:
        """The items, with calls that repeat the one before as one run (after `compare`)."""
        run: Run | None = None
        for item in items:
            if run is not None:
                if isinstance(item, Call) and self._continues(run, item):
                    run.calls.append(item)
                    continue
                yield from _long_enough(run)
            run = Run(item) if isinstance(item, Call) else None
            if isinstance(item, Operation):
                yield item
        if run is not None:
            yield from _long_enough(run)

    def _continues(self, run: Run, call: Call) -> bool:
        """Whether a call repeats the run's last one, with nothing else between or in them.

        As one box, calls with something between them might lead out of it and in again.
        """
        last = run.calls[-1]
        if (
            call.kind != last.kind
            or call.first != last.last + 1
            or any(each.count != each.last - each.first + 1 for each in (last, call))
        ):
            return False
        start = run.calls[0].first
        sources = {
            position
            for node in self._nodes[call.first : call.last + 1]
            for parent in node.parents
            if isinstance(parent, Operation)
            and start <= (position := self._position[parent]) < call.first
        }
        parallel = not sources
        if not parallel and max(sources) < last.first:  # not from the last one
            return False
        if len(run.calls) == 1:
            run.parallel = parallel
        return run.parallel == parallel


def _long_enough(run: Run) -> Iterator[Run]:
    if len(run.calls) >= (_LAYERS if run.calls[0].is_layer else _BLOCKS):
        yield run
    else:
        yield from map(Run, run.calls)
