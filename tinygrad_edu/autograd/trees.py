"""Nested tuples, lists and dicts of tensors, taken apart and put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["leaves", "rebuilt"]


def leaves(tree: Any) -> list[Any]:
    """Everything in a tree that is no container, in order.

    >>> from tinygrad_edu.autograd.trees import leaves
    >>> leaves({"a": 1, "b": (2, [3])})
    [1, 2, 3]
    """
    found: list[Any] = []
    _walk(tree, found.append)
    return found


def rebuilt(tree: Any, values: Iterator[Any]) -> Any:
    """The tree with its leaves replaced, in order, by values.

    >>> from tinygrad_edu.autograd.trees import rebuilt
    >>> rebuilt({"a": 1, "b": (2, [3])}, iter("xyz"))
    {'a': 'x', 'b': ('y', ['z'])}
    """
    return _walk(tree, lambda _: next(values))


def _walk(tree: Any, visit: Callable[[Any], Any]) -> Any:
    if isinstance(tree, dict):
        items = [(key, _walk(value, visit)) for key, value in tree.items()]
        return type(tree)(items) if type(tree) is not dict else dict(items)
    if isinstance(tree, (tuple, list)):
        parts = [_walk(value, visit) for value in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)
    return visit(tree)
