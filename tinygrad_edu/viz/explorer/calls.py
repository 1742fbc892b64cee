"""The calls of modules, as boxes that can be collapsed, and which of them are so at first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from ...autograd.mode import Scope

__all__ = ["CallTree"]


class CallTree:
    """Every call of a module during the computation, with the calls inside it."""

    def __init__(self, scopes: Iterable[Scope | None]) -> None:
        self.scopes: list[Scope] = []  # callers before what they call
        self._numbers: dict[int, int] = {}  # by identity: equal scopes are different calls
        for scope in scopes:
            self._add(scope)

    def _add(self, scope: Scope | None) -> None:
        chain = []
        while scope is not None and id(scope) not in self._numbers:
            chain.append(scope)
            scope = scope.parent
        for call in reversed(chain):
            self._numbers[id(call)] = len(self.scopes)
            self.scopes.append(call)

    def number(self, scope: Scope | None) -> int | None:
        """The number of a call."""
        return None if scope is None else self._numbers[id(scope)]

    def parent(self, call: int) -> int | None:
        """The call from which this one was made."""
        return self.number(self.scopes[call].parent)

    def common(self, first: int | None, second: int | None) -> int | None:
        """The innermost call that contains both."""
        while first != second:
            # A caller has a smaller number than what it calls.
            if second is None or (first is not None and first > second):
                assert first is not None
                first = self.parent(first)
            else:
                second = self.parent(second)
        return first

    def depths(self) -> list[int]:
        """How deep each call is inside others; 0 for the outermost."""
        depths: list[int] = []
        for call in range(len(self.scopes)):
            parent = self.parent(call)
            depths.append(0 if parent is None else depths[parent] + 1)
        return depths

    def collapsed(self, modules: Sequence[int | None], limit: int) -> tuple[set[int], int]:
        """Which calls to collapse so that at most `limit` boxes are seen; also how many are.

        None if all nodes fit; else those at one depth, as deep as suffices. `modules` has the
        innermost call of each node.
        """
        if len(modules) <= limit or not self.scopes:
            return set(), len(modules)
        depths = self.depths()
        best: tuple[set[int], int] = set(), len(modules)
        for depth in range(max(depths), -1, -1):
            inside: list[int | None] = []  # for each call, the one at this depth that contains it
            for call, deep in enumerate(depths):
                parent = self.parent(call)
                inside.append(call if deep == depth else None if parent is None else inside[parent])
            hidden = Counter(inside[m] for m in modules if m is not None)
            hidden.pop(None, None)
            seen = len(modules) - sum(hidden.values()) + len(hidden)
            best = {call for call in hidden if call is not None}, seen
            if seen <= limit:
                break
        return best

    def describe(
        self, labels: Sequence[tuple[str, str]], modules: Sequence[int | None], collapsed: set[int]
    ) -> list[dict[str, Any]]:
        """The `modules` of the page; `labels` has path and class of each call's module."""
        inside: list[list[int]] = [[] for _ in self.scopes]
        for node, call in enumerate(modules):
            if call is not None:
                inside[call].append(node)
        total = Counter(id(scope.module) for scope in self.scopes)
        so_far: Counter[int] = Counter()
        entries = []
        for call, scope in enumerate(self.scopes):
            so_far[id(scope.module)] += 1
            path, name = labels[call]
            entries.append(
                {
                    "id": call,
                    "path": path,
                    "class": name,
                    "parent": self.parent(call),
                    "collapsed": call in collapsed,
                    "label": f"{path}: {name}" if path else name,
                    "calls": total[id(scope.module)],
                    "call": so_far[id(scope.module)],
                    "nodes": inside[call],
                }
            )
        return entries
