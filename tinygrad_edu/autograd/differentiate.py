"""`backward` and `grad`: what users call to run the reverse pass, with its arguments checked."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .engine import Edge, sweep
from .graph import Operation, TensorBase, Value, wrap
from .hooks import accumulate, run_tensor_hooks
from .mode import switched
from .passes import note_pass

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["backward", "grad"]


def _root(tensor: TensorBase, grad: Any, create_graph: bool) -> tuple[Edge, Value]:
    """A tensor to differentiate, and the gradient to begin with."""
    if not isinstance(tensor, TensorBase):
        raise TypeError(f"Tensors are differentiated, not a {type(tensor).__name__}.")
    edge = tensor.edge
    if edge is None:
        raise RuntimeError(
            "This tensor does not require grad and has no grad_fn, so there is nothing to "
            "differentiate: it was computed from tensors without requires_grad=True, under "
            "no_grad(), or after detach(). tg.explain_grad(tensor) says which of these."
        )
    if grad is None:
        if tensor.array.size != 1:
            raise RuntimeError(
                "grad can be implicitly created only for scalar outputs; this one has shape "
                f"{tensor.shape}. Reduce it first, for example `loss.sum().backward()`, or pass "
                "the gradient: `y.backward(gradient=tg.ones_like(y))`."
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
    one = isinstance(x, (TensorBase, np.ndarray)) or not isinstance(x, Iterable)
    return [x] if one else list(x)


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
        if not isinstance(tensor, TensorBase):
            raise TypeError(f"Input {index} is no tensor, but a {type(tensor).__name__}.")
        edge = tensor.edge
        if edge is None:
            raise RuntimeError(
                f"Input {index}, of shape {tensor.shape}, does not require grad: set "
                "requires_grad=True before it is used. tg.explain_grad(input) says more."
            )
        edges.append(edge)
    return edges


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensor | Iterable[Tensor] | None = None,
) -> None:
    """Add the gradients of `tensors` to the `grad` of every leaf they were computed from.

    Computes dL/dx for L = sum of grad_tensors · tensors; without `grad_tensors` each tensor must be
    a single number. With `inputs`, only those leaves (or retained intermediates) receive a
    gradient.

    Raises RuntimeError if a tensor has no graph, was freed by an earlier pass, or if a saved array
    was changed in place since.

    PyTorch: `torch.autograd.backward`.

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
        roots = _roots(tensors, grad_tensors, create_graph)
        arrived = sweep(
            roots,
            keep=keep,
            create_graph=create_graph,
            targets=None if edges is None else frozenset(edges),
        )
        for edge, gradient in arrived.items():
            if isinstance(edge, TensorBase):
                accumulate(edge, run_tensor_hooks(edge.hooks, gradient, create_graph))
        for edge, tensor in dict(zip(edges or (), chosen or (), strict=True)).items():
            retained = isinstance(edge, Operation) and edge.notes is not None and edge.notes.retain
            if edge in arrived and isinstance(edge, Operation) and not retained:
                gradient = arrived[edge]
                accumulate(tensor, gradient if create_graph else np.array(gradient))
    _note("backward", roots, edges, grad_tensors is not None)


def _note(kind: str, roots: list[tuple[Edge, Value]], inputs: Any, given: bool) -> None:
    """Remember the pass for `explain_grad`, and whether it began with given gradients of zero."""
    zero = given and not any(np.any(getattr(grad, "array", grad)) for _, grad in roots)
    note_pass(kind, [edge for edge, _ in roots], inputs, zero)


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Iterable[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor, ...]:
    """The gradients of `outputs` with respect to `inputs`, returned instead of accumulated.

    Only the paths that lead to `inputs` are computed. `create_graph=True` records the pass itself,
    so that its results can be differentiated again. An input that the outputs do not depend on is
    an error, or None under `allow_unused=True`, or zeros under `materialize_grads=True`.

    With `is_grads_batched=True` every gradient of `grad_outputs` has a further first dimension, one
    pass for each place of it, and so have the results. `only_inputs` is PyTorch's old argument,
    without effect. PyTorch: `torch.autograd.grad`.

    >>> x = tg.tensor(3.0, requires_grad=True)
    >>> (first,) = tg.autograd.grad(x**3, x, create_graph=True)
    >>> (second,) = tg.autograd.grad(first, x)
    >>> first.item(), second.item()
    (27.0, 18.0)
    """
    if not only_inputs:
        warnings.warn(
            "grad: only_inputs=False has no effect; autograd.backward() adds up the gradients of "
            "all leaves.",
            FutureWarning,
            stacklevel=2,
        )
    keep = create_graph if retain_graph is None else retain_graph
    tensors = _as_list(inputs)
    edges = _targets(tensors)
    if is_grads_batched:
        options = (create_graph, True, allow_unused, False, materialize_grads)
        return _batched(outputs, tensors, grad_outputs, keep, options)
    if allow_unused is False and materialize_grads:
        raise ValueError(
            "materialize_grads=True makes zeros of unused inputs: allow_unused cannot be False."
        )
    with switched(grad=create_graph), np.errstate(all="ignore"):
        roots = _roots(outputs, grad_outputs, create_graph)
        arrived = sweep(
            roots,
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
                    "outputs. Pass allow_unused=True to get None for it, or "
                    "materialize_grads=True to get zeros. tg.explain_grad(input, output) says why "
                    "it is not part of them."
                )
    _note("grad", roots, edges, grad_outputs is not None)
    return tuple(results)


def _batched(
    outputs: Tensor | Sequence[Tensor],
    inputs: list[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None,
    keep: bool,
    options: tuple[Any, ...],
) -> tuple[Tensor, ...]:
    """`grad` once for each place of the first dimension of `grad_outputs`."""
    batches = [] if grad_outputs is None else _as_list(grad_outputs)
    counts = {x.shape[0] if isinstance(x, TensorBase) and x.shape else 0 for x in batches}
    if len(counts) != 1 or 0 in counts:
        raise RuntimeError(
            "grad: is_grads_batched=True needs grad_outputs whose first dimension, of the same "
            "length and not empty in all, counts the gradients; got shapes "
            f"{[tuple(getattr(x, 'shape', ())) for x in batches]}."
        )
    count = counts.pop()
    passes = [
        grad(outputs, inputs, [x[i] for x in batches], keep or i < count - 1, *options)
        for i in range(count)
    ]
    stack: Any = np.stack  # which records, for tensors
    found: list[Any] = [
        None if parts[0] is None else stack(parts) for parts in zip(*passes, strict=True)
    ]
    return tuple(found)
