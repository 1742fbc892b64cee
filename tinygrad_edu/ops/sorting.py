"""Sorting: the order is found by NumPy, the values are gathered by it, and so is their gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..autograd.graph import Array, apply, wrap
from ..autograd.leaving import without_gradient
from .dims import normalize_dim, numpy_names
from .extrema import ValuesIndices
from .gathering import Gather

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["argsort", "kthvalue", "msort", "sort", "topk"]


def _order(x: Array, dim: int, descending: bool) -> Array:
    """The positions that sort x along `dim`; equal elements keep their order, NaN is last."""
    if not descending:
        return x.argsort(axis=dim, kind="stable")
    # Sorted from the other end, so that equal elements keep their order here too.
    order = np.flip(np.flip(x, dim).argsort(axis=dim, kind="stable"), dim)
    return (x.shape[dim] - 1) - order  # type: ignore[no-any-return]


def _picked(input: Tensor, dim: int, order: Array) -> ValuesIndices:
    """The values of x at distinct positions along `dim`, and these positions."""
    ndim = input.array.ndim
    key = [
        np.arange(size).reshape(-1, *[1] * (ndim - 1 - at)) for at, size in enumerate(order.shape)
    ]
    # The caller may change the indices he gets: the graph keeps its own.
    key[dim] = order.copy() if input.requires_grad else order
    values = apply(Gather((True,) * ndim, unique=True), input, *key)
    return ValuesIndices(values, without_gradient("the indices of sort", order, input))


@numpy_names
def sort(
    input: Tensor, dim: int = -1, descending: bool = False, stable: bool = True
) -> ValuesIndices:
    """x sorted along `dim`, as (values, indices): values = x.gather(dim, indices).

    Equal elements keep their order, whatever `stable` says; NaN counts as larger than every number.
    The gradient of a value goes to the element that it came from. PyTorch: `torch.sort`.

    >>> values, indices = tg.sort(tg.tensor([3.0, 1.0, 2.0]), descending=True)
    >>> values, indices
    (tensor([3., 2., 1.]), tensor([0, 2, 1]))
    """
    if input.array.ndim == 0:
        normalize_dim(dim, 0)
        return ValuesIndices(input.clone(), wrap(np.zeros((), np.int64)))
    dim = normalize_dim(dim, input.array.ndim)
    return _picked(input, dim, _order(input.array, dim, descending))


@numpy_names
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """The positions that sort x along `dim`; equal elements keep their order. No gradient.

    PyTorch: `torch.argsort`.

    >>> tg.argsort(tg.tensor([3.0, 1.0, 2.0]))
    tensor([1, 2, 0])
    """
    if input.array.ndim == 0:
        normalize_dim(dim, 0)
        return without_gradient("argsort", np.zeros((), np.int64), input)
    order = _order(input.array, normalize_dim(dim, input.array.ndim), descending)
    return without_gradient("argsort", order, input)


def msort(input: Tensor) -> Tensor:
    """x sorted along its first dimension. PyTorch: `torch.msort`.

    >>> tg.msort(tg.tensor([[3, 1], [2, 4]]))
    tensor([[2, 1],
            [3, 4]])
    """
    return sort(input, 0).values


@numpy_names
def topk(
    input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> ValuesIndices:
    """The k largest (or smallest) elements along `dim`, in order, as (values, indices).

    Of equal elements the first come first; the result is in order, whatever `sorted` says. Raises
    RuntimeError if there are fewer than k. PyTorch: `torch.topk`.

    >>> values, indices = tg.topk(tg.tensor([1.0, 4.0, 2.0, 3.0]), 2)
    >>> values, indices
    (tensor([4., 3.]), tensor([1, 3]))
    """
    dim = normalize_dim(dim, input.array.ndim)
    size = input.shape[dim] if input.array.ndim else 1
    if not 0 <= k <= size:
        raise RuntimeError(
            f"topk: k={k} is out of range: dimension {dim} of shape {input.shape} has {size} "
            "elements."
        )
    if input.array.ndim == 0:
        if k == 0:
            raise RuntimeError("topk: a 0-dimensional tensor has one element; k=0 takes none.")
        return sort(input)
    order = _order(input.array, dim, largest)
    return _picked(input, dim, order[(slice(None),) * dim + (slice(k),)])


@numpy_names
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> ValuesIndices:
    """The k-th smallest element along `dim`, counted from 1, as (values, indices).

    Raises RuntimeError if k is out of range. PyTorch: `torch.kthvalue`.

    >>> values, indices = tg.kthvalue(tg.tensor([3.0, 1.0, 2.0]), 2)
    >>> values, indices
    (tensor(2.), tensor(2))
    """
    dim = normalize_dim(dim, input.array.ndim)
    size = input.shape[dim] if input.array.ndim else 1
    if not 1 <= k <= size:
        raise RuntimeError(
            f"kthvalue: k={k} is out of range: dimension {dim} of shape {input.shape} has {size} "
            "elements."
        )
    if input.array.ndim == 0:
        return sort(input)
    order = _order(input.array, dim, False)
    result = _picked(input, dim, order[(slice(None),) * dim + (slice(k - 1, k),)])
    return result if keepdim else ValuesIndices(*(part.squeeze(dim) for part in result))
