"""Where a gradient becomes exactly zero: a reverse pass that only looks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..autograd.engine import Contributions, Edge, sweep, unbroadcast
from ..autograd.graph import Array, Operation, Output, TensorBase
from ..autograd.mode import switched
from .causes import ABLE, Cause, cause_of
from .walk import Names, Walk

__all__ = ["Block", "Trace", "block", "path_lines", "suspects", "trace"]


@dataclass
class Trace:
    """What flowed on the way from the loss to the tensor that was asked about."""

    totals: dict[Edge, Array] = field(default_factory=dict)
    #: From which operation, to which of its inputs, and whether anything but zeros.
    sent: list[tuple[Operation, int, bool]] = field(default_factory=list)
    #: Operations of the user's that returned None for an input on the way.
    refused: list[Operation] = field(default_factory=list)

    def flows(self, edge: Edge) -> bool:
        """Whether a gradient other than zero arrives here."""
        return bool(np.any(self.totals.get(edge, 0)))


@dataclass
class Block:
    """The operation behind which the gradient is zero, the input concerned, and why."""

    node: Operation
    index: int
    cause: Cause


def trace(roots: list[Edge], gradients: list[Array], target: Edge) -> Trace | None:
    """Carry gradients from the roots to the target and write down what flows; change nothing.

    None where saved arrays were freed, or changed in place since.
    """
    found = Trace()

    def add(edge: Edge, part: Array) -> None:
        before = found.totals.get(edge)
        found.totals[edge] = part if before is None else before + part
        if isinstance(edge, Output):
            parent: Any = edge.parents[0]
            add(parent, np.abs(part).sum().reshape(1))

    def look(node: Operation, contributions: Contributions) -> Iterator[tuple[Edge, Any]]:
        index = -1
        for parent, part in contributions:
            index = next(
                i for i in range(index + 1, len(node.parents)) if node.parents[i] is parent
            )
            if part is None:
                found.refused.append(node)
            else:
                found.sent.append((node, index, bool(np.any(part))))
                whole = unbroadcast(np.asarray(part), parent.shape, node)
                add(parent, whole.astype(parent.dtype, copy=False))
            yield parent, part

    for root, gradient in zip(roots, gradients, strict=True):
        add(root, gradient)
    try:
        with switched(grad=False, hooks=False), np.errstate(all="ignore"):
            sweep(
                list(zip(roots, gradients, strict=True)),
                keep=True,
                create_graph=False,
                targets=frozenset([target]),
                observer=look,
            )
    except RuntimeError:
        return None
    return found


def block(found: Trace, leading: set[Edge]) -> Block | None:
    """Of the operations that stop the gradient, the one nearest to the tensor."""
    ends: list[tuple[Operation, int, bool]] = []
    for node, index, nonzero in found.sent:
        parent = node.parents[index]
        if parent in leading and found.flows(node) and not found.flows(parent):
            ends.append((node, index, nonzero))
    if not ends:
        return None
    node, index, _ = min(ends, key=lambda end: end[0].number)
    parent = node.parents[index]
    if any(nonzero for other, i, nonzero in ends if other.parents[i] is parent):
        sentence = "gradients arrive from its result on several ways and add up to exactly 0"
        remedy = "Does the loss depend on this at all? x - x, or a mean subtracted, cancels."
        return Block(node, index, Cause("cancelled", sentence, remedy))
    values = {slot: value for slot, (value, *_) in (node.saved or {}).items()}
    return Block(node, index, cause_of(node, index, found.totals[node], values))


def suspects(walk: Walk, leading: set[Edge], target: Edge) -> tuple[list[Operation], list[Edge]]:
    """When the graph is freed: operations that can have stopped the gradient, and leaves above.

    Seen from the tensor upwards, as far as operations of which a leaf has got a gradient.
    """
    children: dict[Edge, list[Operation]] = {}
    for node in walk.nodes:
        if node in leading:
            for parent in node.parents:
                if parent is not None:
                    children.setdefault(parent, []).append(node)
    able, alive = [], list[Edge]()
    seen: set[Edge] = set()
    stack = list(children.get(target, ()))
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        leaves = [
            parent
            for parent in node.parents
            if isinstance(parent, TensorBase)
            and parent is not target
            and parent._grad is not None
            and np.any(parent._grad.array)
        ]
        if type(node).__name__ in ABLE and not _is_harmless(node, target):
            able.append(node)
        if leaves:
            alive.extend(leaves)
        else:
            stack.extend(children.get(node, ()))
    # The nearer to the leaves above, the likelier.
    return sorted(able, key=lambda node: -node.number), list(dict.fromkeys(alive))


def _is_harmless(node: Operation, target: Edge) -> bool:
    """A layer stops nothing if its weight is not zero, or its bias gets no gradient either."""
    if type(node).__name__ not in ("Linear", "Convolution", "ConvolutionTranspose"):
        return False
    weight, bias = node.parents[1], node.parents[2] if len(node.parents) > 2 else None
    if weight is target:
        grad = bias._grad if isinstance(bias, TensorBase) else None
        return grad is not None and not np.any(grad.array)
    return isinstance(weight, TensorBase) and bool(np.any(weight.array))


def path_lines(
    walk: Walk, leading: set[Edge], target: Edge, names: Names, at: Block | None
) -> tuple[str, ...]:
    """A way from the loss down to the tensor, past the block; where it passes the block, marked."""
    upper: list[Edge] = [] if at is None else _way(walk.roots, at.node, leading)
    start = walk.roots[0] if at is None else at.node.parents[at.index]
    assert start is not None
    lower = _way([start], target, leading)
    lines = [names.edge(edge) for edge in upper if type(edge) is not Output]
    if at is not None:
        lines[-1] += "   <-- the gradient becomes 0 here"
    below = [names.edge(edge) for edge in lower if type(edge) is not Output]
    return ("loss", *_short(lines, 6), *_short(below, 8))


def _way(starts: list[Edge], target: Edge, leading: set[Edge]) -> list[Edge]:
    """The nodes on a shortest way down from the starts to the target, both ends included."""
    before: dict[Edge, Edge | None] = dict.fromkeys(starts)
    queue = list(starts)
    for edge in queue:
        if edge is target:
            break
        if isinstance(edge, Operation):
            for parent in edge.parents:
                if parent is not None and parent in leading and parent not in before:
                    before[parent] = edge
                    queue.append(parent)
    way: list[Edge] = []
    step: Edge | None = target
    while step is not None:
        way.append(step)
        step = before.get(step)
    return way[::-1]


def _short(lines: list[str], most: int) -> list[str]:
    if len(lines) <= most:
        return lines
    half = most // 2
    return [*lines[:half], f"... {len(lines) - 2 * half} more ...", *lines[-half:]]
