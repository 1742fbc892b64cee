"""In-place changes: who may be changed, what the graph learns, and views of the same memory."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from .graph import Alias, Array, Operation, TensorBase, Value, apply, record, renew, run, wrap
from .mode import MODE
from .notes import hand_over, keep_written

__all__ = ["WriteView", "attach", "check_writable", "holds", "overwrite", "rebind"]


def attach(view: TensorBase) -> None:
    """Before a recorded change through a view: find its node, even if it was made unrecorded."""
    link = view.view_of
    if (
        link is not None
        and (view.node is None or link.seen != view.version[1])
        and link.base.edge is not None
    ):
        renew(view)


class WriteView(Operation):
    """The base after a write through one of its views: `base[region] = value`."""

    __slots__ = ("order", "path")

    def __init__(self, base: Array, path: tuple[Operation, ...]) -> None:
        self.path = path  # of view operations that lead to the region
        # Of the dimensions in memory: in another one, a reshape in the path might copy.
        self.order = tuple(sorted(range(base.ndim), key=lambda dim: -abs(base.strides[dim])))

    def forward(self, base: Value, value: Value) -> Value:
        return base  # The write has happened already.

    def grad_base(self, grad: Value) -> Value:
        if isinstance(grad, TensorBase):
            kept = self.grad_base(np.ones_like(grad.array))
            return np.where(kept, grad, 0)  # type: ignore[call-overload]
        kept = np.empty([self.shape[dim] for dim in self.order], self.dtype).transpose(
            np.argsort(self.order)
        )
        kept[...] = grad
        region = kept
        for operation in self.path:
            region = operation.forward(region)
        region[...] = 0
        return kept

    def grad_value(self, grad: Value) -> Value:
        for operation in self.path:
            grad = run(copy.copy(operation), grad)
        return grad


def check_writable(tensor: TensorBase, name: str) -> None:
    """Refuse an in-place operation that would destroy a value which gradients are asked for."""
    if not isinstance(tensor, TensorBase):
        raise TypeError(f"{name} changes a tensor in place; got a {type(tensor).__name__}.")
    if not tensor.array.flags.writeable:
        raise RuntimeError(
            f"{name}: this tensor cannot be written to. Several of its elements are one place in "
            "memory (expand), or it was made from a read-only array. Use a `.clone()` of it."
        )
    if not MODE.get().grad:
        return
    target = tensor if tensor.view_of is None or tensor.needs_grad else tensor.view_of.base
    if target.node is None and target.needs_grad:
        what = "a leaf tensor" if target is tensor else "a view of a leaf tensor"
        raise RuntimeError(
            f"{name}: {what} that requires grad cannot be changed in place while operations are "
            "recorded; the value that its gradient belongs to would be lost. Update parameters "
            "inside `with tg.no_grad():`, or compute a new tensor (`x = x + 1` instead of `x += "
            "1`)."
        )


def rebind(tensor: TensorBase, node: Operation | None) -> None:
    """After a recorded in-place change: `node` made the new values of `tensor`, and of its base."""
    link = tensor.view_of
    hand_over(tensor.node, node)
    if link is not None:
        base = link.base
        write = WriteView(base.array, link.path)
        record(write, (), (base.edge, node), 0, (base,))
        if MODE.get().values:
            keep_written(write.annotate(), tensor.array, base.array)
        base.node = write
    tensor.version[1] += 1
    tensor.node = node
    if link is not None and node is not None:  # Without a node it is derived from the base again.
        link.seen = tensor.version[1]


def holds(dtype: np.dtype[Any], result: np.dtype[Any]) -> bool:
    """Whether a result of another type may be written: not floats into integers, nor into bool."""
    kinds = ["b", "iu", "f"]
    levels = [next(i for i, kind in enumerate(kinds) if t.kind in kind) for t in (dtype, result)]
    return levels[0] >= levels[1]


def overwrite(tensor: TensorBase, operation: Operation, *others: Any) -> None:
    """`tensor.operation_(others)`: the result takes the place of the first input."""
    name = f"{operation.name.lower()}_"
    check_writable(tensor, name)
    if MODE.get().grad:
        attach(tensor)
    needs = [tensor.edge, *(x.edge for x in others if isinstance(x, TensorBase))]
    recording = MODE.get().grad and any(edge is not None for edge in needs)
    before: TensorBase = tensor
    if recording:
        # Rules save the values from before the change: let them have their own copy.
        # After changes that were not recorded, counted here, this is not what the node made.
        before = wrap(tensor.array.copy(), tensor.node, [tensor.version[0] - tensor.version[1], 0])
        before.cuts = tensor.cuts
        others = tuple(
            # Through a node of its own, because x may be a leaf: w.detach().add_(w).
            wrap(x.array.copy(), apply(Alias(), x).node)
            if isinstance(x, TensorBase) and x.version is tensor.version
            else x
            for x in others
        )
    result = apply(operation, before, *others)
    if result.shape != tensor.shape:
        raise RuntimeError(
            f"{name}: the result has shape {result.shape}, but a tensor of shape {tensor.shape} "
            "cannot grow in place. Use the operation that makes a new tensor."
        )
    if not holds(tensor.dtype, result.dtype):
        raise RuntimeError(
            f"{name}: result type {result.dtype} can't be cast to the tensor's {tensor.dtype}. "
            f"Convert first, for example `x = x.to(tg.{result.dtype})`."
        )
    tensor.array[...] = result.array
    tensor.version[0] += 1
    if recording:
        rebind(tensor, result.node)
    elif needs[0] is None:  # An update of a parameter under no_grad cuts nothing off.
        tensor.cuts = result.cuts
