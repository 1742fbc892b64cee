"""Where a gradient arrives: hooks that see or replace it, and the `grad` that it is added to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .graph import Operation, TensorBase, Value, wrap

__all__ = ["accumulate", "run_node_hooks", "run_tensor_hooks"]


def run_node_hooks(node: Operation, grad: Value, create_graph: bool) -> Value:
    """A node's hooks, in order of registration, then the tensor that retains its gradient."""
    notes = node.notes
    assert notes is not None
    if type(grad) is dict:
        return grad
    grad = run_tensor_hooks(notes.hooks, grad, create_graph)
    tensor = None if notes.retain is None else notes.retain()
    if tensor is not None:
        accumulate(tensor, grad if create_graph else np.array(grad))
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
        # A copy: the hook may return a tensor of its own, or the same one for two leaves.
        grad = (
            answer.to(grad.dtype, copy=True)  # type: ignore[attr-defined]
            if create_graph
            else np.array(answer.array, dtype=grad.dtype)
        )
    return grad


def accumulate(tensor: TensorBase, grad: Value) -> None:
    """Add a gradient, which nobody else owns, to `tensor.grad`."""
    before = tensor._grad
    if before is None:
        tensor._grad = grad if isinstance(grad, TensorBase) else wrap(grad)  # type: ignore[assignment]
    elif isinstance(grad, TensorBase):
        tensor._grad = before + grad  # type: ignore[arg-type]
    elif before.node is not None or not before.array.flags.writeable:
        tensor._grad = wrap(before.array + grad)
    else:
        np.add(before.array, grad, out=before.array)
        before.version[0] += 1
