"""The reverse pass: how gradients flow back through a recorded graph.

Every node carries its number of creation, and an operation is always younger than what it was
computed from. So visiting the reachable nodes by descending number is a topological order: when a
node's turn comes, every gradient that flows into it has arrived. A heap of pending nodes does this
without recursion, however deep the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from .anomaly import check_gradient
from .graph import Operation, Output, TensorBase, Value, output_node, wrap
from .mode import MODE, switched

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["backward", "grad"]

Edge: TypeAlias = Operation | TensorBase


def sweep(
    roots: Iterable[tuple[Edge, Value]],
    *,
    keep: bool,
    create_graph: bool,
    targets: frozenset[Edge] | None = None,
) -> dict[Edge, Value]:
    """Carry gradients from the roots to the leaves, or only to the `targets`; return what arrived
    there.

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
        if create_graph:
            arrived[edge] = grad if before is None else before + grad
        elif before is not None:
            np.add(before, grad, out=before)
        else:
            # Contract: a gradient array is owned by one tensor. A fresh result of a rule is taken
            # as it is.
            if (
                not own
                or type(grad) is not np.ndarray
                or grad.base is not None
                or id(grad) in owned
            ):
                grad = np.array(grad)
            owned.add(id(grad))
            arrived[edge] = grad

    for edge, grad in roots:
        if wanted is None or wanted(edge):
            send(edge, grad, False)
    while heap:
        node = heappop(heap)[1]
        grad = pending.pop(node)
        notes = node.notes
        if notes is not None:
            grad = _run_hooks(node, grad, create_graph)
        if targets is not None and node in targets:
            arrived[node] = grad
            if not any(parent is not None and wanted(parent) for parent in node.parents):  # type: ignore[misc]
                continue
        if type(node) is Output:
            # The operation with several results waits for all of their gradients, in a list.
            parent: Any = node.parents[0]
            if parent not in pending:
                pending[parent] = {}
                heappush(heap, (-parent.number, parent))
            pending[parent][node.index] = grad
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
    """What the node saved, checked against later in-place changes; as tensors of the graph if asked
    for.
    """
    saved = node.saved
    if saved is None:
        raise RuntimeError(
            f"Trying to backward through the graph a second time: the arrays that {node.name} had "
            "saved were "
            "freed by the first pass. Pass retain_graph=True to the first backward() or "
            "autograd.grad(), or "
            "compute the loss anew before each backward()."
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
                "in-place "
                f"operation: {which}, of shape {np.shape(value)} and dtype "
                f"{np.result_type(value)}, is at version "
                f"{version[0]}, but version {count} was used in the forward pass. Use the "
                "operation that makes "
                "a new tensor, or change a `.clone()`."
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


def _run_hooks(node: Operation, grad: Value, create_graph: bool) -> Value:
    """A node's hooks, in order of registration, then the tensor that retains its gradient."""
    notes = node.notes
    assert notes is not None
    if type(grad) is dict:
        return grad
    grad = run_tensor_hooks(notes.hooks, grad, create_graph)
    tensor = None if notes.retain is None else notes.retain()
    if tensor is not None:
        _accumulate(tensor, grad if create_graph else np.array(grad))
    return grad


def run_tensor_hooks(
    hooks: dict[int, Callable[..., Any]] | None, grad: Value, create_graph: bool
) -> Value:
    """Give the gradient to each hook; what a hook returns takes its place."""
    if not hooks:
        return grad
    for hook in list(hooks.values()):
        given = grad if create_graph else wrap(np.array(grad))
        answer = hook(given)
        if answer is None:
            continue
        if not isinstance(answer, TensorBase) or answer.shape != grad.shape:
            got = (
                f"shape {answer.shape}" if isinstance(answer, TensorBase) else type(answer).__name__
            )
            raise RuntimeError(
                "A gradient hook must return None or a tensor of the gradient's shape "
                f"{grad.shape}; got {got}."
            )
        grad = answer if create_graph else np.array(answer.array, dtype=grad.dtype)
    return grad


def _accumulate(tensor: TensorBase, grad: Value) -> None:
    """Add a gradient, which nobody else owns, to `tensor.grad`."""
    before = tensor._grad
    if before is None:
        tensor._grad = grad if isinstance(grad, TensorBase) else wrap(grad)  # type: ignore[assignment]
    elif isinstance(grad, TensorBase):
        tensor._grad = before + grad
    elif before.node is not None:
        tensor._grad = wrap(before.array + grad)
    else:
        np.add(before.array, grad, out=before.array)
        before.version[0] += 1


def _root(tensor: TensorBase, grad: Any, create_graph: bool) -> tuple[Edge, Value]:
    """A tensor to differentiate, and the gradient to begin with."""
    edge = tensor.edge
    if edge is None:
        raise RuntimeError(
            "This tensor does not require grad and has no grad_fn, so there is nothing to "
            "differentiate: it was "
            "computed from tensors without requires_grad=True, under no_grad(), or after detach()."
        )
    if grad is None:
        if tensor.array.size != 1:
            raise RuntimeError(
                "grad can be implicitly created only for scalar outputs; this one has shape "
                f"{tensor.shape}. "
                "Reduce it first, for example `loss.sum().backward()`, or pass the gradient: "
                "`y.backward(gradient=tg.ones_like(y))`."
            )
        array = np.ones_like(tensor.array)
        return edge, wrap(array) if create_graph else array
    if not isinstance(grad, TensorBase):
        grad = wrap(np.array(grad, dtype=tensor.dtype))
    if grad.shape != tensor.shape:
        raise RuntimeError(
            f"The gradient must have the shape of its tensor, {tensor.shape}; got {grad.shape}."
        )
    if grad.dtype.kind != "f":
        raise RuntimeError(f"The gradient must be of a floating type; got {grad.dtype}.")
    if create_graph:
        return edge, grad
    return edge, grad.array.astype(tensor.dtype, copy=False)


def _as_list(x: Any) -> list[Any]:
    return list(x) if isinstance(x, (list, tuple)) else [x]


def _roots(tensors: Any, grads: Any, create_graph: bool) -> list[tuple[Edge, Value]]:
    tensors = _as_list(tensors)
    grads = [None] * len(tensors) if grads is None else _as_list(grads)
    if len(tensors) != len(grads):
        raise RuntimeError(
            f"Got {len(tensors)} tensors and {len(grads)} gradients: one each is needed."
        )
    return [_root(tensor, grad, create_graph) for tensor, grad in zip(tensors, grads, strict=True)]


def _targets(inputs: Sequence[TensorBase]) -> list[Edge]:
    edges = []
    for index, tensor in enumerate(inputs):
        edge = tensor.edge
        if edge is None:
            raise RuntimeError(
                f"Input {index}, of shape {tensor.shape}, does not require grad: set "
                "requires_grad=True before "
                "it is used."
            )
        edges.append(edge)
    return edges


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Add the gradients of `tensors` to the `grad` of every leaf they were computed from.

    Computes dL/dx for L = sum of grad_tensors · tensors; without `grad_tensors` each tensor must be
    a single number. With `inputs`, only those leaves (or retained intermediates) receive a
    gradient. PyTorch: `torch.autograd.backward`.

    Raises RuntimeError if a tensor has no graph, was freed by an earlier pass, or if a saved array
    was changed in place since.

    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> tg.autograd.backward((x * x).sum())
    >>> x.grad
    tensor([2., 4.])
    """
    keep = create_graph if retain_graph is None else retain_graph
    chosen = None if inputs is None else _as_list(inputs)
    if chosen is not None and not chosen:
        raise RuntimeError(
            "`inputs` is empty: name the tensors that need a gradient, or leave it out."
        )
    edges = None if chosen is None else _targets(chosen)
    with switched(grad=create_graph), np.errstate(all="ignore"):
        arrived = sweep(
            _roots(tensors, grad_tensors, create_graph),
            keep=keep,
            create_graph=create_graph,
            targets=None if edges is None else frozenset(edges),
        )
        for edge, gradient in arrived.items():
            if isinstance(edge, TensorBase):
                _accumulate(edge, run_tensor_hooks(edge.hooks, gradient, create_graph))
        for edge, tensor in zip(edges or (), chosen or (), strict=True):
            retained = isinstance(edge, Operation) and edge.notes is not None and edge.notes.retain
            if edge in arrived and isinstance(edge, Operation) and not retained:
                gradient = arrived[edge]
                _accumulate(tensor, gradient if create_graph else np.array(gradient))


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    materialize_grads: bool = False,
) -> tuple[Tensor, ...]:
    """The gradients of `outputs` with respect to `inputs`, returned instead of accumulated.

    Only the paths that lead to `inputs` are computed. `create_graph=True` records the pass itself,
    so that its results can be differentiated again. An input that the outputs do not depend on is
    an error, or None under `allow_unused=True`, or zeros under `materialize_grads=True`. PyTorch:
    `torch.autograd.grad`.

    >>> x = tg.tensor(3.0, requires_grad=True)
    >>> (first,) = tg.autograd.grad(x**3, x, create_graph=True)
    >>> (second,) = tg.autograd.grad(first, x)
    >>> first.item(), second.item()
    (27.0, 18.0)
    """
    keep = create_graph if retain_graph is None else retain_graph
    tensors = _as_list(inputs)
    edges = _targets(tensors)
    if allow_unused is False and materialize_grads:
        raise ValueError(
            "materialize_grads=True makes zeros of unused inputs: allow_unused cannot be False."
        )
    with switched(grad=create_graph), np.errstate(all="ignore"):
        arrived = sweep(
            _roots(outputs, grad_outputs, create_graph),
            keep=keep,
            create_graph=create_graph,
            targets=frozenset(edges),
        )
        results: list[Any] = []
        given: set[Edge] = set()
        for index, (edge, tensor) in enumerate(zip(edges, tensors, strict=True)):
            if edge in arrived:
                gradient = arrived[edge]
                if isinstance(edge, TensorBase) and edge not in given:
                    gradient = run_tensor_hooks(edge.hooks, gradient, create_graph)
                    arrived[edge] = gradient
                if not create_graph:
                    fresh = isinstance(edge, TensorBase) and edge not in given
                    gradient = wrap(gradient if fresh else np.array(gradient))
                given.add(edge)
                results.append(gradient)
            elif materialize_grads:
                results.append(wrap(np.zeros_like(tensor.array)))
            elif allow_unused:
                results.append(None)
            else:
                raise RuntimeError(
                    f"Input {index}, of shape {tensor.shape}, was not used to compute the "
                    "outputs. Pass "
                    "allow_unused=True to get None for it, or materialize_grads=True to get zeros."
                )
    return tuple(results)
