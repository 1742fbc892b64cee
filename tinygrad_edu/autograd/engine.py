"""The reverse pass: how gradients flow back through a recorded graph.

Every node carries its number of creation, and an operation is always younger than what it was
computed from. So visiting the reachable nodes by descending number is a topological order: when a
node's turn comes, every gradient that flows into it has arrived. A heap of pending nodes does this
without recursion, however deep the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from typing import Any, TypeAlias

import numpy as np

from .anomaly import check_gradient
from .graph import Operation, Output, TensorBase, Value, output_node, wrap
from .hooks import run_node_hooks
from .mode import MODE
from .reach import reachable

__all__ = ["Contributions", "Edge", "Observer", "sweep", "unbroadcast"]

Edge: TypeAlias = Operation | TensorBase
Contributions: TypeAlias = Iterable[tuple[Edge, Value]]
Observer: TypeAlias = Callable[[Operation, Contributions], Contributions]


def sweep(
    roots: Iterable[tuple[Edge, Value]],
    *,
    keep: bool,
    create_graph: bool,
    targets: frozenset[Edge] | None = None,
    observer: Observer | None = None,
) -> dict[Edge, Value]:
    """Carry gradients from the roots to the leaves, or to `targets`; return what arrived there.

    `keep` leaves saved arrays in place for another pass. Under `create_graph` every value is a
    Tensor. An observer sees, and passes on, what the rules of each operation return.
    """
    roots = list(roots)
    edges = [edge for edge, _ in roots]
    wanted = None if targets is None else _leading_to(targets, edges).__contains__
    anomaly = MODE.get().anomaly
    pending = Pending(create_graph)
    send, heap, received = pending.send, pending.heap, pending.received
    for edge, grad in roots:
        if wanted is None or wanted(edge):
            send(edge, grad, False)
    while heap:
        node = heappop(heap)[1]
        grad = received.pop(node)
        if node.notes is not None:
            grad = run_node_hooks(node, grad, create_graph)
        if targets is not None and node in targets:
            pending.arrived[node] = grad
            if not any(parent is not None and wanted(parent) for parent in node.parents):  # type: ignore[misc]
                continue
        if type(node) is Output:
            pending.send_part(node, grad)
            continue
        values = _saved_values(node, create_graph)
        contributions = node.differentiate(grad, values, wanted)
        if observer is not None:
            contributions = observer(node, contributions)
        for edge, contribution in contributions:
            if contribution is None:
                continue
            part = contribution
            if part.shape != edge.shape:
                part = unbroadcast(part, edge.shape, node)
            if part.dtype != edge.dtype:
                part = part.astype(edge.dtype)
            if anomaly:
                check_gradient(node, part, edges)
            send(edge, part, node.owns_results and part is not grad)
        if not keep:
            node.release()
    return pending.arrived


class Pending:
    """Gradients on their way: received by nodes that wait for their turn, and by leaves."""

    __slots__ = ("arrived", "create_graph", "heap", "owned", "received", "summed")

    def __init__(self, create_graph: bool) -> None:
        self.create_graph = create_graph
        self.heap: list[tuple[int, Operation]] = []
        self.received: dict[Operation, Value] = {}
        self.summed: set[Operation] = set()  # which received a sum made here, free to be added to
        self.arrived: dict[Edge, Value] = {}
        self.owned: set[int] = set()  # arrays that already became some tensor's gradient

    def send(self, edge: Edge, grad: Value, own: bool) -> None:
        """Add one contribution to what an edge receives; `own`: it belongs to nobody else."""
        if not isinstance(edge, Operation):
            return self.arrive(edge, grad, own)
        before = self.received.get(edge)
        if before is None:
            heappush(self.heap, (-edge.number, edge))
        elif self.create_graph or edge not in self.summed or not before.ndim:
            grad = before + grad
            self.summed.add(edge)
        else:
            grad = np.add(before, grad, out=before)
        self.received[edge] = grad

    def send_part(self, node: Output, grad: Value) -> None:
        """The operation with several results waits for all of their gradients, in a dict."""
        parent: Any = node.parents[0]
        parts = self.received.setdefault(parent, {})
        if not parts:
            heappush(self.heap, (-parent.number, parent))
        # A result that was saved has a second such node under `create_graph`.
        parts[node.index] = parts[node.index] + grad if node.index in parts else grad

    def arrive(self, leaf: TensorBase, grad: Value, own: bool) -> None:
        """Add one contribution to the gradient of a leaf, whose array has one owner."""
        before = self.arrived.get(leaf)
        if before is not None and self.create_graph:
            grad = before + grad
        elif before is not None:
            grad = np.add(before, grad, out=before)
        else:
            # A fresh result of a rule is taken as it is.
            array = grad.array if self.create_graph else grad
            fresh = own and type(array) is np.ndarray and array.base is None
            if not fresh or id(array) in self.owned:
                grad = grad.clone() if self.create_graph else np.array(grad)
            self.owned.add(id(grad.array if self.create_graph else grad))
        self.arrived[leaf] = grad


def unbroadcast(grad: Value, shape: tuple[int, ...], node: Operation) -> Value:
    """Undo broadcasting: sum over the dimensions in which an input of `shape` was repeated."""
    lead = len(grad.shape) - len(shape)
    sizes = zip(shape, grad.shape[max(lead, 0) :], strict=False)
    stretched = tuple(axis for axis, (size, repeated) in enumerate(sizes) if size == 1 != repeated)
    if lead > 0:
        grad = grad.sum(axis=tuple(range(lead)))
    if stretched:
        grad = grad.sum(axis=stretched, keepdims=True)
    if grad.shape != shape:
        raise RuntimeError(
            f"{node.name}: a rule returned a gradient of shape {grad.shape} for an input of shape "
            f"{shape}."
        )
    return grad


def _saved_values(node: Operation, create_graph: bool) -> dict[int, Value]:
    """What the node saved, unless changed in place since; under `create_graph` as tensors."""
    saved = node.saved
    if saved is None:
        raise RuntimeError(
            f"Trying to backward through the graph a second time: the arrays that {node.name} had "
            "saved were freed by the first pass. Pass retain_graph=True to the first backward() "
            "or autograd.grad(), or compute the loss anew before each backward(). "
            "tg.explain_grad(loss) names the line of that first pass, if it is known."
        )
    values: dict[int, Value] = {}
    for slot, (value, version, count) in saved.items():
        if version is not None and version[0] != count:
            name = dict(enumerate(node.inputs)).get(slot, slot)
            which = "its result" if slot < 0 else f"input {name}"
            raise RuntimeError(
                f"One of the tensors needed for the gradient of {node.name} was changed by an "
                f"in-place operation: {which}, of shape {np.shape(value)} and dtype "
                f"{np.result_type(value)}, is at version {version[0]}, but version {count} was "
                "used in the forward pass. Use the operation that makes a new tensor, or change a "
                "`.clone()`."
            )
        if not create_graph:
            values[slot] = value
        elif slot >= 0:
            parent = node.parents[slot]
            if isinstance(parent, TensorBase):
                values[slot] = parent
            elif isinstance(value, np.ndarray):
                values[slot] = wrap(value, parent, version)
            else:
                values[slot] = value
        else:
            values[slot] = result = wrap(value, None, version)
            result.node = output_node(node, -1 - slot, result) if node.multiple else node
    return values


def _leading_to(targets: frozenset[Edge], roots: Sequence[Edge]) -> set[Edge]:
    """The nodes and leaves from which some target is reached, targets included."""
    found: set[Edge] = {edge for edge in roots if edge in targets}
    for node in reachable(roots):
        if node in targets or any(
            parent in found or parent in targets for parent in node.parents if parent is not None
        ):
            found.add(node)
    return found | targets
