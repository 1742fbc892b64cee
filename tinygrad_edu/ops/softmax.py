"""softmax and its logarithm."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from ..autograd.graph import Array, Operation, Value, apply
from .arguments import check_tensor
from .dims import normalize_dim, numpy_names
from .dtypes import DTypeLike, cast, quiet, to_dtype

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["log_softmax", "softmax", "softmin"]


@functools.lru_cache(maxsize=64)
def ones(count: int, dtype: np.dtype[np.generic]) -> Array:
    """A vector of ones, read-only: `ones @ x` sums the rows of x.

    BLAS sums the columns of a 128×100 array in 1.7 µs, `x.sum(0)` in 4.1 (10,000×100: 63 and 240
    µs); making the vector anew would cost 0.9 µs.
    """
    vector = np.ones(count, dtype)
    vector.flags.writeable = False
    return vector


@functools.lru_cache(maxsize=64)
def row_starts(rows: int, length: int) -> Array:
    """Where each row of a matrix starts in memory, read-only (made anew: 0.5 µs for 128 rows)."""
    starts = np.arange(0, rows * length, length)
    starts.flags.writeable = False
    return starts


def row_maxima(x: Array) -> Value:
    """The largest element of each row of a matrix, as a column.

    NumPy finds the place of a maximum faster than the maximum: 2.4 instead of 6.5 µs for 128×10,
    4.5 instead of 7.8 for 128×100.
    """
    places = x.argmax(axis=1)
    places += row_starts(*x.shape)
    return x.reshape(-1)[places][:, None]


def row_sums(x: Array) -> Array:
    """The sum of each row of a matrix, as a column (128×10: 1.1 µs; `x.sum(1)`: 3.5)."""
    return (x @ ones(x.shape[1], x.dtype))[:, None]


def shifted(x: Array, dim: int) -> Value:
    """x minus its largest element along `dim`, so that no exponential overflows; a new array."""
    if x.ndim == 2 and dim == 1 and x.size:
        return x - row_maxima(x)
    return np.asarray(x - np.maximum.reduce(x, axis=dim, keepdims=True, initial=-np.inf))


def sums(x: Array, dim: int) -> Array:
    """The sums along `dim`, which stays as a dimension of size 1."""
    if x.ndim == 2 and dim == 1:
        return row_sums(x)
    return np.add.reduce(x, axis=dim, keepdims=True)


class Softmax(Operation):
    """z_i = e^(x_i) / Σ_j e^(x_j)        grad_x = z (grad - Σ grad z)"""

    __slots__ = ("dim",)

    def __init__(self, dim: int) -> None:
        self.dim = dim

    @quiet
    def forward(self, x: Array) -> Value:
        if x.ndim == 0:
            return x / x * 0 + 1  # 1, but NaN for NaN and infinity
        z = shifted(x, self.dim)
        np.exp(z, out=z)
        z /= sums(z, self.dim)
        return z

    def grad_x(self, grad: Value, out: Value) -> Value:
        weighted = grad * out
        if isinstance(weighted, np.ndarray) and weighted.ndim:
            weighted -= out * sums(weighted, self.dim)
            return weighted
        return weighted - out * weighted.sum(
            axis=self.dim if weighted.ndim else None, keepdims=True
        )


class LogSoftmax(Operation):
    """z_i = x_i - ln Σ_j e^(x_j)        grad_x = grad - e^z Σ grad"""

    __slots__ = ("dim",)

    def __init__(self, dim: int) -> None:
        self.dim = dim

    @quiet
    def forward(self, x: Array) -> Value:
        if x.ndim == 0:
            return x - x
        z = shifted(x, self.dim)
        z -= np.log(sums(np.exp(z), self.dim))
        return z

    def grad_x(self, grad: Value, out: Value) -> Value:
        if isinstance(grad, np.ndarray) and grad.ndim:
            spread = np.exp(out)
            spread *= sums(grad, self.dim)
            return np.subtract(grad, spread, out=spread)
        return grad - np.exp(out) * grad.sum(axis=self.dim if grad.ndim else None, keepdims=True)


def _prepared(input: Tensor, dim: int, dtype: DTypeLike, name: str) -> tuple[Tensor, int]:
    check_tensor(name, input)
    if dtype is not None:
        input = cast(input, to_dtype(dtype))
    if input.array.dtype.kind != "f":
        raise RuntimeError(
            f"{name}: the input has the type {input.dtype}, which cannot hold probabilities. Pass "
            "`x.float()`, or dtype=tg.float32."
        )
    return input, normalize_dim(dim, input.array.ndim)


@numpy_names
def softmax(input: Tensor, dim: int, dtype: DTypeLike = None) -> Tensor:
    """e^(x_i) / Σ_j e^(x_j) along `dim`: positive numbers that sum to 1.

    The largest x is subtracted first, so that logits of 1000 do not overflow. `dtype` converts the
    input before. -inf becomes 0; a row of -inf only becomes NaN. Raises RuntimeError for integers,
    IndexError for a dimension that does not exist. PyTorch: `torch.softmax`.

    >>> tg.softmax(tg.tensor([1000.0, 1000.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000, 0.0000])
    """
    x, axis = _prepared(input, dim, dtype, "softmax")
    return apply(Softmax(axis), x)


@numpy_names
def log_softmax(input: Tensor, dim: int, dtype: DTypeLike = None) -> Tensor:
    """ln softmax(x) = x_i - ln Σ_j e^(x_j) along `dim`, right where the softmax itself is 0.

    Arguments and errors as for `softmax`. PyTorch: `torch.log_softmax`.

    >>> tg.log_softmax(tg.tensor([1000.0, 0.0]), dim=0)
    tensor([    0., -1000.])
    """
    x, axis = _prepared(input, dim, dtype, "log_softmax")
    return apply(LogSoftmax(axis), x)


@numpy_names
def softmin(input: Tensor, dim: int, dtype: DTypeLike = None) -> Tensor:
    """softmax(-x): the smallest element gets the largest share. PyTorch: `F.softmin`.

    >>> F.softmin(tg.tensor([0.0, 0.0, 1000.0]), dim=0)
    tensor([0.5000, 0.5000, 0.0000])
    """
    x, axis = _prepared(input, dim, dtype, "softmin")
    return apply(Softmax(axis), -x)
