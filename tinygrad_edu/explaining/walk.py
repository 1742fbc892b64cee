"""What lies below a loss: its operations and leaves, their names, and where it was cut off."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from ..autograd.cuts import Cut, Cuts
from ..autograd.engine import Edge
from ..autograd.graph import TensorBase
from ..autograd.mode import Scope
from ..autograd.reach import reachable
from ..nn import Module
from ..nn.scope import describe, module_path
from .explanation import visible

__all__ = ["Names", "Walk", "way_through_cuts"]


class Walk:
    """The nodes and leaves that some roots were computed from, the roots among them."""

    def __init__(self, roots: Iterable[Edge]) -> None:
        self.roots = list(roots)
        #: In the order in which they were recorded.
        self.nodes = reachable(self.roots)
        self.edges: set[Edge] = {*self.roots, *self.nodes}
        for node in self.nodes:
            self.edges.update(parent for parent in node.parents if parent is not None)

    def __contains__(self, edge: object) -> bool:
        return edge in self.edges

    def leading_to(self, target: Edge) -> set[Edge]:
        """The nodes from which the target is reached, and the target."""
        found = {target}
        for node in self.nodes:
            if any(parent in found for parent in node.parents if parent is not None):
                found.add(node)
        return found

    def cuts(self) -> Cuts:
        """Where the graphs ended that operations took results from, and leaves were made of."""
        leaves = (edge for edge in self.edges if isinstance(edge, TensorBase))
        found = [leaf.cuts for leaf in leaves]
        found += [node.notes.cuts for node in reversed(self.nodes) if node.notes is not None]
        return tuple({id(cut): cut for cuts in found for cut in cuts}.values())


def way_through_cuts(cuts: Cuts, target: Edge) -> tuple[Cut, ...]:
    """The cuts, nearest to the loss first, behind which the target lies; or nothing."""
    seen: set[int] = set()
    queue: deque[tuple[Cut, ...]] = deque((cut,) for cut in cuts)
    while queue:
        way = queue.popleft()
        if id(way[-1]) in seen:
            continue
        seen.add(id(way[-1]))
        behind = Walk(way[-1].alive())
        if target in behind:
            return way
        queue.extend((*way, cut) for cut in behind.cuts())
    return ()


class Names:
    """What operations and leaves are called, from the modules that were running."""

    def __init__(self, walk: Walk) -> None:
        self.called: set[int] = set()  # ids of the modules that were called
        outermost: dict[int, Module] = {}
        scopes: set[int] = set()
        for node in walk.nodes:
            scope: Scope | None = node.scope
            while scope is not None and id(scope) not in scopes:
                scopes.add(id(scope))
                self.called.add(id(scope.module))
                if scope.parent is None:
                    outermost[id(scope.module)] = scope.module
                scope = scope.parent
        self.roots = list(outermost.values())
        self._leaves: dict[int, str] = {}
        for root in self.roots:
            for path, parameter in root.named_parameters():
                self._leaves.setdefault(id(parameter), visible(path))

    def owner(self, leaf: TensorBase) -> tuple[str, Module] | None:
        """The module that a parameter belongs to, with its path."""
        for root in self.roots:
            for path, module in root.named_modules():
                if any(p is leaf for p in module.parameters(recurse=False)):
                    return visible(path), module
        return None

    def leaf(self, leaf: TensorBase) -> str:
        """The path of a parameter in its model; of other leaves, nothing."""
        return self._leaves.get(id(leaf), "")

    def edge(self, edge: Any) -> str:
        """A node or leaf on one line: `Relu in net.1 (ReLU())`, `net.2.weight (10, 100)`.

        An operation outside of modules is its name alone.
        """
        if isinstance(edge, TensorBase):
            return f"{self.leaf(edge) or 'leaf'} {edge.shape}"
        name = visible(edge.name)
        if edge.scope is None:
            return name
        path, _ = module_path(edge.scope)
        what = visible(describe(edge.scope.module))
        if path:
            return f"{name} in {visible(path)} ({what})"
        return what if what.startswith(name) else f"{name} in {what}"
