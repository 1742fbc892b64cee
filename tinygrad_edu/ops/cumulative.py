"""Cumulative sums, products and extrema along a dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.fused import Fused
from ..autograd.graph import Array, Operation, Value, apply, run, wrap
from ..autograd.leaving import without_gradient
from . import elementwise
from .dims import normalize_dim, numpy_names
from .dtypes import DTypeLike, cast, int64, quiet, to_dtype
from .extrema import ValuesIndices
from .gathering import gather
from .reducing import refuse_integers, single, wide

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["cummax", "cummin", "cumprod", "cumsum", "logcumsumexp"]


class CumSum(Operation):
    """z_i = x_0 + ... + x_i        grad_x_i = grad_i + grad_(i+1) + ..., from the other end"""

    __slots__ = ("axis", "reverse")

    def __init__(self, axis: int, reverse: bool = False) -> None:
        self.axis = axis
        self.reverse = reverse

    def forward(self, x: Array) -> Array:
        if not x.ndim:
            return x.copy()
        if self.reverse:
            return np.flip(CumSum(self.axis).forward(np.flip(x, self.axis)), self.axis)
        return np.add.accumulate(wide(x), axis=self.axis).astype(x.dtype, copy=False)

    def grad_x(self, grad: Value) -> Value:
        return run(CumSum(self.axis, not self.reverse), grad)


class CumProd(Fused):
    """z_i = x_0 ... x_i        grad_x_i = Σ_(k>=i) grad_k z_k / x_i, where no x_i is zero"""

    __slots__ = ("axis",)
    inputs = ("x",)

    def __init__(self, axis: int) -> None:
        self.axis = axis

    @quiet
    def forward(self, x: Array) -> Array:
        if not x.ndim:
            return x.copy()
        return np.multiply.accumulate(wide(x), axis=self.axis).astype(x.dtype, copy=False)

    def backward(self, grad: Array, x: Array) -> tuple[Array]:
        if not x.ndim:
            return (grad,)
        # x_i changes z_k only if no other one of x_0 ... x_k is zero. So a gradient have only those
        # before the first zero, from the z_k before it, and the first zero itself, from the z_k
        # before the second one; all as if zeros were left out of the products.
        zero = x == 0
        nonzero = np.where(zero, 1, x)
        terms = grad * np.multiply.accumulate(nonzero, axis=self.axis)
        onwards = CumSum(self.axis, reverse=True).forward
        if not zero.any():
            return (onwards(terms) / x,)
        zeros = np.add.accumulate(zero, axis=self.axis)
        before_first = onwards(np.where(zeros == 0, terms, 0))
        first = np.where(zero, onwards(np.where(zeros == 1, terms, 0)), 0)
        return ((before_first + first) / nonzero,)

    def plain(self, x: Tensor) -> Tensor:
        """Products of 2, 4, 8 ... neighbours, until every element holds all before it."""
        result: Any = x * 1
        step = 1
        while x.ndim and step < x.shape[self.axis]:
            before = (slice(None),) * self.axis
            start, end = result[(*before, slice(step))], result[(*before, slice(step, None))]
            shifted = result[(*before, slice(None, -step))]
            result = np.concatenate((start, end * shifted), axis=self.axis)
            step *= 2
        return result  # type: ignore[no-any-return]


def _cumulative(
    operation: type[CumSum | CumProd], ufunc: np.ufunc, input: Tensor, dim: int, dtype: DTypeLike
) -> Tensor:
    axis = normalize_dim(single(dim, operation.__name__.lower()), input.array.ndim)
    if dtype is not None:
        input = cast(input, to_dtype(dtype))
    x = input.array
    if x.dtype.kind == "f":
        return apply(operation(axis), input)
    whole = int64 if dtype is None else x.dtype
    result = ufunc.accumulate(x, axis=axis, dtype=whole) if x.ndim else x.astype(whole)
    return without_gradient(operation.__name__.lower(), result, input)


@numpy_names
def cumsum(input: Tensor, dim: int, *, dtype: DTypeLike = None) -> Tensor:
    """The sum of the elements up to each one: z_i = x_0 + ... + x_i. PyTorch: `torch.cumsum`.

    Booleans and integers become int64; `dtype` converts first.
    Raises IndexError for a dimension out of range, TypeError for several.

    >>> tg.cumsum(tg.tensor([1.0, 2.0, 3.0]), dim=0)
    tensor([1., 3., 6.])
    """
    return _cumulative(CumSum, np.add, input, dim, dtype)


@numpy_names
def cumprod(input: Tensor, dim: int, *, dtype: DTypeLike = None) -> Tensor:
    """The product of the elements up to each one: z_i = x_0 ... x_i. PyTorch: `torch.cumprod`.

    Booleans and integers become int64; `dtype` converts first. The gradient is right where elements
    are zero, too.
    Raises IndexError for a dimension out of range, TypeError for several.

    >>> tg.cumprod(tg.tensor([1.0, 2.0, 3.0]), dim=0)
    tensor([1., 2., 6.])
    """
    return _cumulative(CumProd, np.multiply, input, dim, dtype)


# Logarithms of sums of exponentials.


class LogCumSumExp(Fused):
    """z_i = ln (e^x_0 + ... + e^x_i)        grad_x_i = Σ_(k>=i) grad_k e^(x_i - z_k)"""

    __slots__ = ("axis",)
    inputs = ("x",)

    def __init__(self, axis: int) -> None:
        self.axis = axis

    @quiet
    def forward(self, x: Array) -> Array:
        if not x.ndim:
            return x.copy()
        return np.logaddexp.accumulate(wide(x), axis=self.axis).astype(x.dtype, copy=False)

    def backward(self, grad: Array, x: Array, out: Array) -> tuple[Array]:
        if not x.ndim:
            return (grad,)
        # Sums of e^(ln |grad_k| - z_k), for positive and negative gradients apart, in logarithms:
        # e^x_i and e^-z_k alone can be out of range.
        total: Any = 0
        for sign in (1, -1):
            size = np.log(np.maximum(sign * grad, 0))
            terms = np.flip(np.where(size == -np.inf, -np.inf, size - out), self.axis)
            onwards = np.flip(np.logaddexp.accumulate(terms, axis=self.axis), self.axis)
            total = total + sign * np.exp(onwards + x)
        return (total,)

    def plain(self, x: Tensor) -> Tensor:
        """Sums of 2, 4, 8 ... neighbours, until every element holds all before it."""
        result: Any = x * 1
        step = 1
        while x.ndim and step < x.shape[self.axis]:
            before = (slice(None),) * self.axis
            start, end = result[(*before, slice(step))], result[(*before, slice(step, None))]
            shifted = result[(*before, slice(None, -step))]
            result = np.concatenate((start, elementwise.logaddexp(end, shifted)), axis=self.axis)
            step *= 2
        return result  # type: ignore[no-any-return]


@numpy_names
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """ln of the sum of e^x up to each element, without overflow in between.

    Raises RuntimeError for integers and booleans, IndexError for a dimension out of range.
    PyTorch: `torch.logcumsumexp`.

    >>> tg.logcumsumexp(tg.tensor([0.0, 0.0, 100.0]), dim=0)
    tensor([  0.0000,   0.6931, 100.0000])
    """
    refuse_integers(input, "logcumsumexp")
    axis = normalize_dim(single(dim, "logcumsumexp"), input.array.ndim)
    return apply(LogCumSumExp(axis), input)


# Extrema so far.


def _extrema(input: Tensor, dim: int, ufunc: np.ufunc, name: str) -> ValuesIndices:
    x = input.array
    axis = normalize_dim(single(dim, name), x.ndim)
    if not x.ndim:
        return ValuesIndices(input.clone(), wrap(np.zeros((), int64)))
    # The last of equal elements: where x is the extremum so far; behind a NaN, only another one.
    current = x == ufunc.accumulate(x, axis=axis)
    if x.dtype.kind == "f":
        current |= np.isnan(x)
    places = np.arange(x.shape[axis]).reshape((-1,) + (1,) * (x.ndim - axis - 1))
    found = np.maximum.accumulate(np.where(current, places, 0), axis=axis)
    indices = without_gradient(f"the indices of {name}", found, input)
    return ValuesIndices(gather(input, axis, indices), indices)


@numpy_names
def cummax(input: Tensor, dim: int) -> ValuesIndices:
    """The largest element up to each one, and where it is, the last of equal ones.

    As (values, indices). NaN stays from the first one on. The gradient goes to the elements at the
    indices. Raises IndexError for a dimension out of range. PyTorch: `torch.cummax`.

    >>> values, indices = tg.cummax(tg.tensor([1.0, 3.0, 2.0, 5.0]), dim=0)
    >>> values, indices
    (tensor([1., 3., 3., 5.]), tensor([0, 1, 1, 3]))
    """
    return _extrema(input, dim, np.maximum, "cummax")


@numpy_names
def cummin(input: Tensor, dim: int) -> ValuesIndices:
    """The smallest element up to each one, and where it is, the last of equal ones.

    As (values, indices). NaN stays from the first one on. The gradient goes to the elements at the
    indices. Raises IndexError for a dimension out of range. PyTorch: `torch.cummin`.

    >>> values, indices = tg.cummin(tg.tensor([3.0, 1.0, 2.0]), dim=0)
    >>> values, indices
    (tensor([3., 1., 1.]), tensor([0, 1, 1]))
    """
    return _extrema(input, dim, np.minimum, "cummin")
