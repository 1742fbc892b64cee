"""Which operations a result was computed by: where everything that looks at a graph begins."""

from __future__ import annotations

from collections.abc import Iterable

from .graph import Operation, TensorBase

__all__ = ["reachable"]


def reachable(edges: Iterable[Operation | TensorBase | None]) -> list[Operation]:
    """The operations among these nodes and leaves and all behind them, oldest first.

    Without recursion, each once: linear in their number, but for the sort.
    """
    stack = [edge for edge in edges if isinstance(edge, Operation)]
    seen = set(stack)
    while stack:
        for parent in stack.pop().parents:
            if isinstance(parent, Operation) and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return sorted(seen, key=lambda node: node.number)
