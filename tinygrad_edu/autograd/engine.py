"""The reverse pass: how gradients flow back through a recorded graph.

Every node carries its number of creation, and an operation is always younger than what it was
computed from. So visiting the reachable nodes by descending number is a topological order: when a
node's turn comes, every gradient that flows into it has arrived. A heap of pending nodes does this
without recursion, however deep the graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from typing import Any, TypeAlias

import numpy as np

from .anomaly import check_gradient
from .graph import Operation, Output, TensorBase, Value, output_node, wrap
from .hooks import run_node_hooks
from .mode import MODE

__all__ = ["Edge", "sweep"]

Edge: TypeAlias = Operation | TensorBase


def sweep(
    roots: Iterable[tuple[Edge, Value]],
    *,
    keep: bool,
    create_graph: bool,
    targets: frozenset[Edge] | None = None,
) -> dict[Edge, Value]:
    """Carry gradients from the roots to the leaves, or to `targets`; return what arrived there.

    `keep` leaves saved arrays in place for another pass. Under `create_graph` every value is a
    Tensor.
    """
    roots = list(roots)
    on_path = None if targets is None else _leading_to(targets, [edge for edge, _ in roots])
    wanted = None if on_path is None else on_path.__contains__
    anomaly = MODE.get().anomaly
    pending: dict[Operation, Value] = {}
    summed: set[Operation] = set()  # whose pending gradient is a sum made here, free to be added to
    heap: list[tuple[int, Operation]] = []
    arrived: dict[Edge, Value] = {}
    owned: set[int] = set()  # arrays that already became some tensor's gradient

    def send(edge: Edge, grad: Value, own: bool) -> None:
        """Add one contribution to what is pending for an edge."""
        if isinstance(edge, Operation):
            before = pending.get(edge)
            if before is None:
                pending[edge] = grad
                heappush(heap, (-edge.number, edge))
            elif create_graph or edge not in summed:
                pending[edge] = before + grad
                summed.add(edge)
            else:
                pending[edge] = np.add(before, grad, out=before) if before.ndim else before + grad
            return
        before = arrived.get(edge)
        if before is not None:
            arrived[edge] = before + grad if create_graph else np.add(before, grad, out=before)
        else:
            # A gradient array has one owner. A fresh result of a rule is taken as it is.
            array = grad.array if create_graph else grad
            fresh = own and type(array) is np.ndarray and array.base is None
            if not fresh or id(array) in owned:
                grad = grad.clone() if create_graph else np.array(grad)
                array = grad.array if create_graph else grad
            owned.add(id(array))
            arrived[edge] = grad

    for edge, grad in roots:
        if wanted is None or wanted(edge):
            send(edge, grad, False)
    while heap:
        node = heappop(heap)[1]
        grad = pending.pop(node)
        notes = node.notes
        if notes is not None:
            grad = run_node_hooks(node, grad, create_graph)
        if targets is not None and node in targets:
            arrived[node] = grad
            if not any(parent is not None and wanted(parent) for parent in node.parents):  # type: ignore[misc]
                continue
        if type(node) is Output:
            # The operation with several results waits for all of their gradients, in a list.
            parent: Any = node.parents[0]
            parts = pending.setdefault(parent, {})
            if not parts:
                heappush(heap, (-parent.number, parent))
            # A result that was saved has a second such node under `create_graph`.
            parts[node.index] = parts[node.index] + grad if node.index in parts else grad
            continue
        values = _saved_values(node, create_graph)
        for edge, contribution in node.differentiate(grad, values, wanted):
            if contribution is None:
                continue
            part = contribution
            if part.shape != edge.shape:
                part = unbroadcast(part, edge.shape, node)
            if part.dtype != edge.dtype:
                part = part.astype(edge.dtype)
            if anomaly:
                check_gradient(node, part, [edge for edge, _ in roots])
            send(edge, part, node.owns_results and part is not grad)
        if not keep:
            node.release()
    return arrived


def unbroadcast(grad: Value, shape: tuple[int, ...], node: Operation) -> Value:
    """Undo broadcasting: sum over the dimensions in which an input of `shape` was repeated."""
    lead = len(grad.shape) - len(shape)
    stretched = (
        tuple(axis for axis, size in enumerate(shape) if size == 1 and grad.shape[lead + axis] != 1)
        if lead >= 0
        else ()
    )
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
            "or autograd.grad(), or compute the loss anew before each backward()."
        )
    values: dict[int, Value] = {}
    for slot, (value, version, count) in saved.items():
        if version is not None and version[0] != count:
            which = (
                "its result"
                if slot < 0
                else f"input {dict(enumerate(node.inputs)).get(slot, slot)}"
            )
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
    nodes: set[Operation] = set()
    stack = [edge for edge in roots if isinstance(edge, Operation)]
    found: set[Edge] = {edge for edge in roots if edge in targets}
    while stack:
        node = stack.pop()
        if node in nodes:
            continue
        nodes.add(node)
        stack.extend(parent for parent in node.parents if isinstance(parent, Operation))
    for node in sorted(nodes, key=lambda node: node.number):
        if node in targets or any(
            parent in found or parent in targets for parent in node.parents if parent is not None
        ):
            found.add(node)
    return found | targets
