"""The reverse pass of the explorer: the engine's own, watched, with nothing changed by it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from ...autograd.engine import Contributions, Edge, sweep, unbroadcast
from ...autograd.function import Function
from ...autograd.graph import Array, Operation, Output, TensorBase
from ...autograd.mode import switched
from ...ops import (
    activations,
    dtypes,
    elementwise,
    floating_point,
    gamma,
    logarithms,
    neural,
    smooth_activations,
    special,
    ternary,
    unary,
)

__all__ = ["Arrival", "Gradients", "local_derivatives"]

# Modules of operations of which element i of the result depends on elements i of the inputs only.
_ELEMENTWISE = {
    module.__name__
    for module in (
        activations,
        dtypes,
        elementwise,
        floating_point,
        gamma,
        logarithms,
        smooth_activations,
        special,
        ternary,
        unary,
    )
}


class Arrival(NamedTuple):
    """One contribution to a gradient: the operation that it comes from, and by which input."""

    source: Operation
    input: int
    grad: Array


class Gradients:
    """The gradients of a loss at every node and leaf, and the contributions they are sums of."""

    def __init__(self, root: Edge) -> None:
        self.arrivals: dict[Edge, list[Arrival]] = {}
        self.totals: dict[Edge, Array] = {root: np.ones(root.shape, root.dtype)}
        with switched(grad=False, anomaly=False, hooks=False), np.errstate(all="ignore"):
            sweep(
                [(root, np.ones(root.shape, root.dtype))],
                keep=True,
                create_graph=False,
                observer=self._observe,
            )

    def _observe(
        self, node: Operation, contributions: Contributions
    ) -> Iterator[tuple[Edge, Array]]:
        """Note what flows from a node to each input that needs a gradient, and pass it on."""
        needed = [index for index, parent in enumerate(node.parents) if parent is not None]
        for index, (edge, grad) in zip(needed, contributions, strict=False):
            if grad is not None:
                part = grad if grad.shape == edge.shape else unbroadcast(grad, edge.shape, node)
                # The engine may add to the array that it is given.
                self._add(edge, Arrival(node, index, np.array(part, edge.dtype)))
            yield edge, grad

    def _add(self, edge: Edge, arrival: Arrival) -> None:
        before = self.totals.get(edge)
        self.totals[edge] = arrival.grad if before is None else before + arrival.grad
        self.arrivals.setdefault(edge, []).append(arrival)

    def of(self, edge: Edge) -> Array | None:
        """The gradient of the loss with respect to a node's result or a leaf, if one arrived."""
        return self.totals.get(edge)

    def contribution(self, node: Operation, index: int) -> Array | None:
        """What a node sent to one of its inputs."""
        parent = node.parents[index]
        if parent is None:
            return None
        if isinstance(node, Output):
            return self.of(node)
        arrivals = self.arrivals.get(parent, [])
        return next((a.grad for a in arrivals if a.source is node and a.input == index), None)


def local_derivatives(node: Operation) -> dict[int, Array]:
    """∂z/∂input by input: where z is one number, or depends on the input element by element.

    It is what the node's own rule makes of a gradient of ones.
    """
    if type(node).__module__ == Function.__module__ or node.multiple or isinstance(node, Output):
        return {}  # The user's rule has run once, in the reverse pass, and may do anything.
    elementwise = type(node).__module__ in _ELEMENTWISE or isinstance(node, neural.Dropout)
    if not elementwise and np.prod(node.shape, dtype=int) != 1:
        return {}
    assert node.saved is not None
    values = {slot: value for slot, (value, _, _) in node.saved.items()}
    found: dict[int, Array] = {}
    needed = [index for index, parent in enumerate(node.parents) if parent is not None]
    with switched(grad=False, hooks=False), np.errstate(all="ignore"):
        answers: Iterable[tuple[Operation | TensorBase, Array]] = node.differentiate(
            np.ones(node.shape, node.dtype), values, None
        )
        for index, (_, slope) in zip(needed, answers, strict=False):
            if slope is not None:
                found[index] = np.array(slope)
    return found
