"""Reductions: sums, means, variances, products, norms, over all dimensions or some."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.fused import Fused
from ..autograd.graph import Array, Value, apply, wrap
from ..autograd.leaving import without_gradient
from . import elementwise, reducing, unary
from .dims import numpy_names
from .dtypes import DType, DTypeLike, cast, constant, floating, int64, quiet, to_dtype
from .extrema import Extremum
from .reducing import (
    Axes,
    Dims,
    Reduction,
    axes_of,
    group_size,
    kept,
    refuse_integers,
    result_shape,
    single,
    spread,
    wide,
)

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "all",
    "any",
    "count_nonzero",
    "logsumexp",
    "mean",
    "nanmean",
    "nansum",
    "norm",
    "prod",
    "std",
    "std_mean",
    "sum",
    "var",
    "var_mean",
]


# Sum and mean.

_SHORT = 1024


def _sum(x: Array, axes: Axes, keepdims: bool) -> Any:
    """Σ x over the axes; of half precision, in single precision.

    Products with ones are the faster sums: 1.5 µs instead of 4 for (128, 100) along dimension 0,
    27 instead of 160 for (1000, 1000) along 1. They stay short, because NumPy adds long ones in
    pairs, which loses fewer digits.
    """
    if x.dtype.char in "fd":
        if axes is None:
            if x.size >= 50_000 and x.flags.c_contiguous:
                return _long_sum(x, keepdims)
        elif x.ndim == 2 and x.shape[axes[0]] <= _SHORT:
            ones = _ones(x.shape[axes[0]], x.dtype)
            if axes[0] == 0:
                return np.dot(ones[None] if keepdims else ones, x)
            return np.dot(x, ones[:, None] if keepdims else ones)
    return reducing.add(wide(x), axis=axes, keepdims=keepdims)


def _long_sum(x: Array, keepdims: bool) -> Any:
    """Σ x of many elements, in short pieces: 30 µs instead of 150 for a million of them."""
    pieces = x.size // _SHORT
    flat = x.reshape(-1)
    sums = np.dot(flat[: pieces * _SHORT].reshape(pieces, _SHORT), _ones(_SHORT, x.dtype))
    total = reducing.add(sums) + reducing.add(flat[pieces * _SHORT :])
    return total.reshape((1,) * x.ndim) if keepdims else total


def _ones(size: int, dtype: DType) -> Array:
    ones = np.empty(size, dtype)
    ones.fill(1)  # half the time of np.ones
    return ones


class Sum(Reduction):
    """z = Σ x        grad_x = grad, repeated"""

    __slots__ = ()

    @quiet
    def forward(self, x: Array) -> Any:
        self.input_shape = x.shape
        return _sum(x, self.axes, self.keepdims).astype(x.dtype, copy=False)

    def grad_x(self, grad: Value) -> Value:
        return spread(grad, self.input_shape, self.axes)


class Mean(Reduction):
    """z = Σ x / n        grad_x = grad / n, repeated"""

    __slots__ = ()

    @quiet
    def forward(self, x: Array) -> Any:
        self.input_shape = x.shape
        # The mean of nothing is NaN, without NumPy's warning about 0 / 0.
        count = group_size(x.shape, self.axes) or math.nan
        return (_sum(x, self.axes, self.keepdims) / count).astype(x.dtype, copy=False)

    def grad_x(self, grad: Value) -> Value:
        count = group_size(self.input_shape, self.axes) or 1
        return spread(grad / count, self.input_shape, self.axes)


@numpy_names
def sum(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DTypeLike = None
) -> Tensor:
    """Σ x, of all elements or along one or more dimensions. PyTorch: `torch.sum`.

    A floating tensor keeps its type, booleans and integers become int64; `dtype` converts first.
    The sum of nothing is 0. The gradient is that of the result, repeated.
    Raises IndexError for a dimension out of range, RuntimeError for one that is named twice.

    >>> x = tg.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> tg.sum(x), x.sum(dim=0)
    (tensor(10.), tensor([4., 6.]))
    >>> x.sum(dim=1, keepdim=True)
    tensor([[3.],
            [7.]])
    """
    axes = axes_of(dim, input.array.ndim)
    if dtype is not None:
        input = cast(input, to_dtype(dtype))
    if input.array.dtype.kind == "f":
        return apply(Sum(axes, keepdim), input)
    whole = int64 if dtype is None else input.array.dtype
    total = reducing.add(input.array, axis=axes, keepdims=keepdim, dtype=whole)
    return without_gradient("sum", total, input)


@numpy_names
def mean(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DTypeLike = None
) -> Tensor:
    """Σ x / n, of all elements or along one or more dimensions. PyTorch: `torch.mean`.

    `dtype` converts first. The mean of nothing is NaN.
    Raises RuntimeError for integers and booleans, IndexError for a dimension out of range.

    >>> x = tg.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> tg.mean(x), x.mean(dim=0)
    (tensor(2.5000), tensor([2., 3.]))
    """
    if dtype is not None:
        input = cast(input, to_dtype(dtype))
    refuse_integers(input, "mean")
    return apply(Mean(axes_of(dim, input.array.ndim), keepdim), input)


@numpy_names
def nansum(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DTypeLike = None
) -> Tensor:
    """The sum of the elements that are not NaN. PyTorch: `torch.nansum`.

    >>> tg.nansum(tg.tensor([1.0, float("nan"), 2.0]))
    tensor(3.)
    """
    if input.array.dtype.kind == "f":
        input = elementwise.where(wrap(np.isnan(input.array)), 0.0, input)
    return sum(input, dim, keepdim, dtype=dtype)


@numpy_names
def nanmean(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DTypeLike = None
) -> Tensor:
    """The mean of the elements that are not NaN; NaN if there are none. PyTorch: `torch.nanmean`.

    Raises RuntimeError for integers and booleans.

    >>> tg.nanmean(tg.tensor([1.0, float("nan"), 2.0]))
    tensor(1.5000)
    """
    refuse_integers(input, "nanmean")
    if dtype is not None and to_dtype(dtype).kind != "f":
        raise RuntimeError(f"nanmean(): the result is floating; got dtype={to_dtype(dtype)}.")
    count = sum(wrap(~np.isnan(input.array)), dim, keepdim)
    return elementwise.div(nansum(input, dim, keepdim, dtype=dtype), count)


# Variance and standard deviation.


class Dispersion(Reduction):
    """What variance and standard deviation share."""

    __slots__ = ("correction",)

    def __init__(self, axes: Axes, keepdims: bool, correction: float) -> None:
        super().__init__(axes, keepdims)
        self.correction = correction

    def centred(self, x: Value) -> Value:
        """x - mean"""
        return x - x.sum(axis=self.axes, keepdims=True) / group_size(x.shape, self.axes)

    def freedom(self, shape: tuple[int, ...]) -> float:
        """n - c, or 0 where that is negative"""
        freedom = group_size(shape, self.axes) - self.correction
        return freedom if freedom > 0 else 0

    def variance(self, x: Array) -> Any:
        """Σ (x - mean)² / (n - c)"""
        centred = self.centred(x)
        squares = reducing.add(centred * centred, axis=self.axes, keepdims=self.keepdims)
        return squares / self.freedom(x.shape)


class Var(Dispersion):
    """z = Σ (x - mean)² / (n - c)        grad_x = grad 2 (x - mean) / (n - c)"""

    __slots__ = ()
    inputs = ("x",)

    @quiet
    def forward(self, x: Array) -> Any:
        return self.variance(wide(x)).astype(x.dtype, copy=False)

    def grad_x(self, grad: Value, x: Value) -> Value:
        freedom = self.freedom(x.shape)
        scale = 2 / freedom if freedom else math.inf
        return kept(grad, x.shape, self.axes) * (self.centred(x) * scale)


class Std(Dispersion):
    """z = sqrt(var x)        grad_x = grad (x - mean) / (z (n - c)), 0 where z is 0"""

    __slots__ = ()
    inputs = ("x",)

    @quiet
    def forward(self, x: Array) -> Any:
        return np.sqrt(self.variance(wide(x))).astype(x.dtype, copy=False)

    def grad_x(self, grad: Value, x: Value, out: Value) -> Value:
        # Where z is 0, x - mean is 0, too.
        scale = grad / (np.where(constant(out) == 0, 1, out) * self.freedom(x.shape))
        return kept(scale, x.shape, self.axes) * self.centred(x)


def _dispersion(
    operation: type[Dispersion],
    input: Tensor,
    dim: Dims,
    unbiased: bool | None,
    keepdim: bool,
    correction: float | None,
) -> Tensor:
    name = operation.__name__.lower()
    refuse_integers(input, name)
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if unbiased is not None and correction is not None:
        raise TypeError(
            f"{name}: unbiased is the older spelling of correction (True is 1, False is 0); "
            "give one of them."
        )
    if correction is None:
        correction = 1 if unbiased is None else int(unbiased)
    axes = axes_of(dim, input.array.ndim)
    count = group_size(input.shape, axes)
    if count <= correction:
        warnings.warn(
            f"{name}(): degrees of freedom is <= 0: {count} elements with a correction of "
            f"{correction} have no finite variance. Use correction=0, or more elements.",
            UserWarning,
            stacklevel=4,
        )
    return apply(operation(axes, keepdim, correction), input)


@numpy_names
def var(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """The variance Σ (x - mean)² / (n - correction). PyTorch: `torch.var`.

    Of all elements, or along one or more dimensions. The correction is 1 unless given, for an
    unbiased estimate from a sample. `unbiased=False` is the older spelling of `correction=0`, also
    as `var(x, False)`.
    Raises RuntimeError for integers and booleans; warns if n <= correction: not finite.

    >>> x = tg.tensor([1.0, 2.0, 3.0])
    >>> tg.var(x), tg.var(x, correction=0)
    (tensor(1.), tensor(0.6667))
    """
    return _dispersion(Var, input, dim, unbiased, keepdim, correction)


@numpy_names
def std(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """The standard deviation sqrt(Σ (x - mean)² / (n - correction)). PyTorch: `torch.std`.

    Arguments and errors are those of `var`. The gradient is taken as 0 where the deviation is 0.

    >>> x = tg.tensor([[1.0, 3.0], [2.0, 6.0]])
    >>> tg.std(x, dim=1, correction=0)
    tensor([1., 2.])
    """
    return _dispersion(Std, input, dim, unbiased, keepdim, correction)


@numpy_names
def var_mean(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """Variance and mean, in this order; arguments as for `var`. PyTorch: `torch.var_mean`.

    >>> tg.var_mean(tg.tensor([1.0, 2.0, 3.0]))
    (tensor(1.), tensor(2.))
    """
    variance = _dispersion(Var, input, dim, unbiased, keepdim, correction)
    return variance, mean(input, None if isinstance(dim, bool) else dim, keepdim)


@numpy_names
def std_mean(
    input: Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """Standard deviation and mean; arguments as for `std`. PyTorch: `torch.std_mean`.

    >>> tg.std_mean(tg.tensor([1.0, 2.0, 3.0]))
    (tensor(1.), tensor(2.))
    """
    deviation = _dispersion(Std, input, dim, unbiased, keepdim, correction)
    return deviation, mean(input, None if isinstance(dim, bool) else dim, keepdim)


# Products.


class Prod(Fused):
    """z = Π x        grad_x = grad times the product of the other elements"""

    __slots__ = ("axes", "keepdims")
    inputs = ("x",)

    def __init__(self, axes: Axes, keepdims: bool) -> None:
        self.axes = axes
        self.keepdims = keepdims

    @quiet
    def forward(self, x: Array) -> Any:
        total = reducing.multiply(wide(x), axis=self.axes, keepdims=self.keepdims)
        return total.astype(x.dtype, copy=False)

    def backward(self, grad: Array, x: Array) -> tuple[Array]:
        # If none of the others is zero, their product is that of all nonzero elements, without
        # this one; else it is 0.
        zero = x == 0
        zeros = reducing.add(zero, axis=self.axes, keepdims=True, dtype=int64)
        nonzero = np.where(zero, 1, x)
        others = reducing.multiply(nonzero, axis=self.axes, keepdims=True) / nonzero
        return (kept(grad, x.shape, self.axes) * np.where(zeros == zero, others, 0),)

    def plain(self, x: Tensor) -> Tensor:
        """One half of the elements times the other, until one is left."""
        axis = 0 if self.axes is None else self.axes[0]
        before = (slice(None),) * axis
        left: Any = x.reshape(-1) if self.axes is None else x
        rest: Any = left.sum(dim=axis, keepdim=True) * 0 + 1
        while (size := left.shape[axis]) > 1:
            half = size // 2
            if size % 2:
                rest = rest * left[(*before, slice(2 * half, None))]
            first, second = slice(half), slice(half, 2 * half)
            left = left[(*before, first)] * left[(*before, second)]
        product = left * rest if left.shape[axis] else rest
        return product.reshape(result_shape(x.shape, self.axes, self.keepdims))  # type: ignore[no-any-return]


@numpy_names
def prod(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: DTypeLike = None
) -> Tensor:
    """Π x, of all elements or along one dimension. PyTorch: `torch.prod`.

    A floating tensor keeps its type, booleans and integers become int64; `dtype` converts first.
    The product of nothing is 1. The gradient of an element is the product of the others, also where
    some are zero.
    Raises IndexError for a dimension out of range, TypeError for several dimensions.

    >>> x = tg.tensor([2.0, 0.0, 4.0], requires_grad=True)
    >>> x.prod().backward()
    >>> x.grad
    tensor([0., 8., 0.])
    """
    axes = None if dim is None else axes_of(single(dim, "prod"), input.array.ndim)
    if dtype is not None:
        input = cast(input, to_dtype(dtype))
    if input.array.dtype.kind == "f":
        return apply(Prod(axes, keepdim), input)
    whole = int64 if dtype is None else input.array.dtype
    product = reducing.multiply(input.array, axis=axes, keepdims=keepdim, dtype=whole)
    return without_gradient("prod", product, input)


# Logarithm of a sum of exponentials, and norms.


class LogSumExp(Reduction):
    """z = ln Σ e^x        grad_x = grad e^(x-z), which is grad softmax x"""

    __slots__ = ()
    inputs = ("x",)

    @quiet
    def forward(self, x: Array) -> Any:
        values = wide(x)
        # e^(x - largest) cannot overflow; infinite ones are left to e^x itself.
        largest = reducing.maximum(values, axis=self.axes, keepdims=True, initial=-np.inf)
        largest = np.where(np.isfinite(largest), largest, 0)
        total = reducing.add(np.exp(values - largest), axis=self.axes, keepdims=True)
        result = (np.log(total) + largest).astype(x.dtype, copy=False)
        return result.reshape(result_shape(x.shape, self.axes, self.keepdims))

    def grad_x(self, grad: Value, x: Value, out: Value) -> Value:
        return kept(grad, x.shape, self.axes) * np.exp(x - kept(out, x.shape, self.axes))


@numpy_names
def logsumexp(input: Tensor, dim: Dims, keepdim: bool = False) -> Tensor:
    """ln Σ e^x along dimensions, without overflow in between. PyTorch: `torch.logsumexp`.

    Integers become the default float type. Of nothing, and of -inf alone, it is -inf, and the
    gradient NaN. Raises IndexError for a dimension out of range.

    >>> tg.logsumexp(tg.tensor([[100.0, 100.0], [0.0, 0.0]]), dim=1)
    tensor([100.6931,   0.6931])
    """
    return apply(LogSumExp(axes_of(dim, input.array.ndim), keepdim), floating(input, "logsumexp"))


class Norm(Reduction):
    """z = (Σ |x|^p)^(1/p)        grad_x = grad sign(x) (|x| / z)^(p-1), 0 where x or z is 0"""

    __slots__ = ("p",)
    inputs = ("x",)

    def __init__(self, p: float, axes: Axes, keepdims: bool) -> None:
        super().__init__(axes, keepdims)
        self.p = p

    @quiet
    def forward(self, x: Array) -> Any:
        values = wide(x)
        if self.p == 0:
            total = reducing.add(values != 0, axis=self.axes, keepdims=self.keepdims)
        elif self.p == 2:
            total = np.sqrt(reducing.add(values * values, axis=self.axes, keepdims=self.keepdims))
        else:
            powers = np.abs(values) ** self.p
            total = reducing.add(powers, axis=self.axes, keepdims=self.keepdims) ** (1 / self.p)
        return total.astype(x.dtype, copy=False)

    def grad_x(self, grad: Value, x: Value, out: Value) -> Value:
        grad, out = kept(grad, x.shape, self.axes), kept(out, x.shape, self.axes)
        flat = constant(out) == 0
        ratio = x / np.where(flat, 1, out)
        if self.p == 2:
            return grad * ratio
        none = flat | (constant(x) == 0)
        if self.p == 0:
            return np.where(none, 0, grad * 0)
        return (
            grad * np.sign(x) * np.where(none, 0, np.where(none, 1, np.abs(ratio)) ** (self.p - 1))
        )


@numpy_names
def norm(
    input: Tensor,
    p: float | str | None = "fro",
    dim: Dims = None,
    keepdim: bool = False,
    dtype: DTypeLike = None,
) -> Tensor:
    """The p-norm (Σ |x|^p)^(1/p) of all elements, or along dimensions. PyTorch: `torch.norm`.

    "fro" (Frobenius) is p = 2; p = inf is the largest |x|, -inf the smallest, 0 the number of
    nonzero elements. "nuc" is the nuclear norm of matrices, `linalg.matrix_norm`. `dtype` converts
    first. The gradient is 0 at x = 0; that of p = ±inf is shared evenly by ties.
    Raises RuntimeError for integers and booleans, for another name, and for p < 0 or p = inf of
    nothing.

    >>> x = tg.tensor([[3.0, 4.0], [0.0, -5.0]])
    >>> tg.norm(x, dim=1), x.norm(1), x.norm(float("inf"))
    (tensor([5., 5.]), tensor(12.), tensor(5.))
    """
    if p == "nuc":
        from .norms import matrix_norm  # decompositions, which are loaded late

        planes = (-2, -1) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
        return matrix_norm(input, "nuc", planes, keepdim, dtype=dtype)
    if isinstance(p, str) and p != "fro":
        raise RuntimeError(
            f"norm: order {p!r} is not supported. Orders are 'fro', 'nuc' and numbers, also "
            "infinity: float('inf')."
        )
    if dtype is not None:
        input = cast(input, to_dtype(dtype))
    refuse_integers(input, "norm")
    order = 2.0 if p is None or isinstance(p, str) else float(p)
    axes = axes_of(dim, input.array.ndim)
    if (order < 0 or order == math.inf) and not group_size(input.shape, axes):
        raise RuntimeError(
            f"norm: cannot compute the {order:g} norm of nothing; the shape is {input.shape}."
        )
    if math.isinf(order):
        reduce = reducing.maximum if order > 0 else reducing.minimum
        return apply(Extremum(reduce, axes, keepdim), unary.abs(input))
    if order == 1:
        return apply(Sum(axes, keepdim), unary.abs(input))
    return apply(Norm(order, axes, keepdim), input)


# Truth and counting: no gradient.


def _truth(ufunc: np.ufunc, input: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    # No dimensions at all, dim=(), are taken at their word here, as in PyTorch.
    axes = () if dim == () else axes_of(dim, input.array.ndim)
    result = ufunc.reduce(input.array, axis=axes, keepdims=keepdim)
    # PyTorch answers in uint8 for uint8, which was its boolean type once.
    array = np.asarray(result, dtype=input.dtype if input.dtype == np.uint8 else np.bool_)
    name = "any" if ufunc is np.logical_or else "all"
    return without_gradient(name, array, input)


@numpy_names
def any(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether an element is nonzero, of all or along dimensions. PyTorch: `torch.any`.

    Of nothing, False. Boolean, without gradient; uint8 stays uint8.
    Raises IndexError for a dimension out of range.

    >>> tg.any(tg.tensor([[False, True], [False, False]]), dim=1)
    tensor([ True, False])
    """
    return _truth(np.logical_or, input, dim, keepdim)


@numpy_names
def all(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether every element is nonzero, of all or along dimensions. PyTorch: `torch.all`.

    Of nothing, True. Boolean, without gradient; uint8 stays uint8.
    Raises IndexError for a dimension out of range.

    >>> tg.all(tg.tensor([[True, True], [False, True]]), dim=1)
    tensor([ True, False])
    """
    return _truth(np.logical_and, input, dim, keepdim)


@numpy_names
def count_nonzero(input: Tensor, dim: Dims = None) -> Tensor:
    """How many elements are nonzero, of all or along dimensions. PyTorch: `torch.count_nonzero`.

    int64, without gradient. Raises IndexError for a dimension out of range.

    >>> tg.count_nonzero(tg.tensor([[0.0, 2.0], [3.0, 4.0]]), dim=0)
    tensor([1, 2])
    """
    x = input.array
    count = reducing.add(x != 0, axis=axes_of(dim, x.ndim), dtype=int64)
    return without_gradient("count_nonzero", count, input)
