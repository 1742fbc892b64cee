"""Norms of vectors and matrices, and what is made of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import wrap
from . import elementwise, extrema, reductions, shape, unary
from .arguments import check_tensor
from .decompositions import svdvals
from .dims import normalize_dim, numpy_names
from .dtypes import DTypeLike, cast, constant, to_dtype
from .reducing import refuse_integers
from .solving import LinAlgError, floating_only, inverse

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["cond", "matrix_norm", "norm", "norm_except_dim", "renorm", "vector_norm"]

Dims = int | Sequence[int] | None


def _real(x: Tensor, dtype: DTypeLike, name: str) -> Tensor:
    """A tensor of a floating type, after the conversion asked for."""
    if x.dtype.kind != "f":
        raise RuntimeError(
            f"{name}: a floating type is needed; got {x.dtype}. Convert it: `x.float()`."
        )
    return x if dtype is None else cast(x, to_dtype(dtype))


@numpy_names
def vector_norm(
    x: Tensor,
    ord: float = 2,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: DTypeLike = None,
) -> Tensor:
    """(Σ |x|^p)^(1/p) of all elements, or along dimensions. PyTorch: `torch.linalg.vector_norm`.

    ord = inf is the largest |x|, -inf the smallest, 0 the number of nonzero elements. The gradient
    is 0 at x = 0. Raises RuntimeError for integers, and for ord < 0 or inf of nothing.

    >>> tg.linalg.vector_norm(tg.tensor([3.0, -4.0]))
    tensor(5.)
    """
    if isinstance(ord, str) or ord is None:
        raise TypeError(f"linalg.vector_norm: ord is a number; got {ord!r}.")
    x = _real(x, dtype, "linalg.vector_norm")
    if x.array.ndim == 0 and dim is not None and dim != ():
        normalize_dim(dim if isinstance(dim, int) else dim[0], 0)
    return reductions.norm(x, float(ord), dim, keepdim)


_NAMED = ("fro", "nuc")


@numpy_names
def matrix_norm(
    A: Tensor,
    ord: float | str = "fro",
    dim: Sequence[int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: DTypeLike = None,
) -> Tensor:
    """A norm of the matrices in two dimensions. PyTorch: `torch.linalg.matrix_norm`.

    "fro": sqrt Σ x²; "nuc": the sum of the singular values; 2 and -2: the largest and smallest of
    them; 1 and -1: the largest and smallest sum of |x| in a column; inf and -inf: in a row. Raises
    RuntimeError for other orders, and unless there are two different dimensions.

    >>> A = tg.tensor([[3.0, 0.0], [0.0, -4.0]])
    >>> [tg.linalg.matrix_norm(A, ord).item() for ord in ("fro", "nuc", 2, 1)]
    [5.0, 7.0, 4.0, 4.0]
    """
    name = "linalg.matrix_norm"
    if A.array.ndim < 2:
        raise RuntimeError(f"{name}: a matrix or a batch of them is needed; got shape {A.shape}.")
    if isinstance(dim, int) or len(dim) != 2:
        raise RuntimeError(f"{name}: dim names two dimensions; got {dim}.")
    if ord not in (*_NAMED, 2, -2, 1, -1, math.inf, -math.inf):
        raise RuntimeError(
            f"{name}: the orders are 'fro', 'nuc', 2, -2, 1, -1, inf and -inf; got {ord!r}."
        )
    A = _real(A, dtype, name)
    rows, columns = (normalize_dim(d, A.array.ndim) for d in dim)
    if rows == columns:
        raise RuntimeError(f"{name}: the two dimensions are the same in dim={tuple(dim)}.")
    if ord == "fro":
        return reductions.norm(A, 2.0, (rows, columns), keepdim)
    if ord in ("nuc", 2, -2):
        values = svdvals(shape.movedim(A, (rows, columns), (-2, -1)))
        if ord == "nuc":
            result = reductions.sum(values, -1)
        else:
            result = _extreme(values, ord == 2, -1, False)
        if keepdim:
            for place in sorted((rows, columns)):
                result = shape.unsqueeze(result, place)
        return result
    summed, rest = (rows, columns) if ord in (1, -1) else (columns, rows)
    sums = reductions.sum(unary.abs(A), summed, keepdim=True)
    result = _extreme(sums, ord in (1, math.inf), rest, True)
    return result if keepdim else shape.squeeze(result, (rows, columns))


def _extreme(values: Tensor, largest: bool, dim: int, keepdim: bool) -> Tensor:
    """The largest or smallest of numbers that are not negative; 0 as the largest of none."""
    if largest and values.shape[dim] == 0:
        return reductions.sum(values, dim, keepdim)
    return (extrema.amax if largest else extrema.amin)(values, dim, keepdim)


@numpy_names
def norm(
    A: Tensor,
    ord: float | str | None = None,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: DTypeLike = None,
) -> Tensor:
    """A norm of vectors or matrices. PyTorch: `torch.linalg.norm`.

    With one `dim`, that of vectors; with two, or without `dim` of a matrix if `ord` is given, that
    of matrices; without both, the square root of the sum of all squares. See `vector_norm` and
    `matrix_norm`. Raises RuntimeError for `ord` without `dim` unless there are 1 or 2 dimensions.

    >>> A = tg.tensor([[3.0, 0.0], [0.0, -4.0]])
    >>> tg.linalg.norm(A), tg.linalg.norm(A, 1), tg.linalg.norm(A, dim=1)
    (tensor(5.), tensor(4.), tensor([3., 4.]))
    """
    count = None if dim is None else (1 if isinstance(dim, int) else len(dim))
    if count not in (None, 1, 2):
        raise RuntimeError(f"linalg.norm: dim names one or two dimensions; got {dim}.")
    if ord is not None and count is None and A.array.ndim not in (1, 2):
        raise RuntimeError(
            "linalg.norm: with ord and without dim, a vector or a matrix is needed; got shape "
            f"{A.shape}."
        )
    if ord is not None and (count == 2 or (count is None and A.array.ndim == 2)):
        plane: Any = (-2, -1) if dim is None else dim
        return matrix_norm(A, ord, plane, keepdim, dtype=dtype)
    if isinstance(ord, str):
        raise RuntimeError(f"linalg.norm: the order {ord!r} is one of matrices; this is a vector.")
    return vector_norm(A, 2 if ord is None else ord, dim, keepdim, dtype=dtype)


def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """The norm over all dimensions but one, which stays in place: that of weight normalization.

    PyTorch: `torch.norm_except_dim`.

    >>> tg.norm_except_dim(tg.tensor([[3.0, 4.0], [0.0, 1.0]]))
    tensor([[5.],
            [1.]])
    """
    if dim == -1:
        return reductions.norm(v, float(pow))
    keep = normalize_dim(dim, v.array.ndim)
    others = [place for place in range(v.array.ndim) if place != keep]
    return reductions.norm(v, float(pow), others, keepdim=True) if others else unary.abs(v)


def cond(A: Tensor, p: float | str | None = None) -> Tensor:
    """The condition number ‖A‖ ‖A⁻¹‖; with p=None or 2, the ratio of the singular values.

    p is an order of `matrix_norm`. Of a singular matrix, infinity. PyTorch: `torch.linalg.cond`.

    Unlike PyTorch, every order has a gradient.

    >>> tg.linalg.cond(tg.tensor([[2.0, 0.0], [0.0, 0.5]]))
    tensor(4.)
    """
    check_tensor("cond", A)
    if A.array.ndim < 2:
        raise RuntimeError(f"linalg.cond: a matrix is needed; got shape {A.shape}.")
    if A.array.size == 0:
        return wrap(np.zeros(A.shape[:-2], floating_only(A, "linalg.cond").dtype))
    if p is None or p in (2, -2):
        values = svdvals(A)
        large, small = shape.select(values, -1, 0), shape.select(values, -1, -1)
        return elementwise.div(small, large) if p == -2 else elementwise.div(large, small)
    floating_only(A, "linalg.cond")
    try:
        inverses = inverse(A)
    except LinAlgError:
        regular = np.linalg.det(A.array) != 0
        if A.array.ndim == 2 or not regular.any():
            return wrap(np.full(A.shape[:-2], np.inf, A.dtype))
        safe = elementwise.where(
            wrap(regular[..., None, None]), A, wrap(np.eye(A.shape[-1], dtype=A.dtype))
        )
        found = cond(safe, p)
        return elementwise.where(wrap(regular), found, math.inf)  # type: ignore[no-any-return]
    return elementwise.mul(matrix_norm(A, p), matrix_norm(inverses, p))


@numpy_names
def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """x with every slice along `dim` shrunk to the p-norm `maxnorm`, if it has a larger one.

    A slice is multiplied by maxnorm / (its norm + 1e-7). Raises RuntimeError for fewer than two
    dimensions, integers, p <= 0, and a negative maxnorm. PyTorch: `torch.renorm`.

    >>> tg.renorm(tg.tensor([[3.0, 4.0], [0.3, 0.4]]), 2, 0, 1)
    tensor([[0.6000, 0.8000],
            [0.3000, 0.4000]])
    """
    refuse_integers(input, "renorm")
    if p <= 0:
        raise RuntimeError(f"renorm: the order p must be positive; got {p}.")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: maxnorm cannot be negative; got {maxnorm}.")
    x: Any = input
    if x.ndim < 2:
        raise RuntimeError(f"renorm: the input has at least two dimensions; got shape {x.shape}.")
    axis = normalize_dim(dim, x.ndim)
    size: Any = reductions.norm(
        x, p, [other for other in range(x.ndim) if other != axis], keepdim=True
    )
    large = wrap(constant(size) > maxnorm)
    factor = elementwise.where(large, maxnorm / (size + 1e-7), 1.0)
    return elementwise.mul(x, factor)
