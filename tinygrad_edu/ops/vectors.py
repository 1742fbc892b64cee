"""Products of vectors, diagonals and powers, as `torch.linalg` names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import elementwise, reductions, shape
from .arguments import check_tensor
from .combinations import powers
from .contraction import same_types
from .diagonals import diagonal as any_diagonal
from .dims import normalize_dim, numpy_names
from .dtypes import cast, result_type
from .indexing import index_along

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["cross", "diagonal", "vander", "vecdot"]


@numpy_names
def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """The vector product along a dimension of size 3; the others are broadcast.

    Raises RuntimeError if the size is not 3 or the shapes do not fit.
    PyTorch: `torch.linalg.cross`.

    >>> tg.linalg.cross(tg.tensor([1.0, 0.0, 0.0]), tg.tensor([0.0, 1.0, 0.0]))
    tensor([0., 0., 1.])
    """
    if input.array.ndim != other.array.ndim:
        raise RuntimeError(
            "linalg.cross: inputs must have the same number of dimensions; got the shapes "
            f"{input.shape} and {other.shape}."
        )
    at = normalize_dim(dim, input.array.ndim)
    if not input.shape or input.shape[at] != 3 or other.shape[at] != 3:
        raise RuntimeError(
            f"linalg.cross: dimension {dim} must have size 3 in both tensors; got the shapes "
            f"{input.shape} and {other.shape}."
        )
    if input.shape != other.shape:
        input, other = shape.broadcast_tensors(input, other)
    dtype = result_type(input, other)
    input, other = cast(input, dtype), cast(other, dtype)
    one, two = np.array([1, 2, 0]), np.array([2, 0, 1])
    forth = elementwise.mul(index_along(input, at, one), index_along(other, at, two))
    back = elementwise.mul(index_along(input, at, two), index_along(other, at, one))
    return elementwise.sub(forth, back)


@numpy_names
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """Σ x y along a dimension; shapes are broadcast. PyTorch: `torch.linalg.vecdot`.

    >>> tg.linalg.vecdot(tg.tensor([[1.0, 2.0], [3.0, 4.0]]), tg.tensor([1.0, 10.0]))
    tensor([21., 43.])
    """
    same_types((x, y), "linalg.vecdot")
    return reductions.sum(elementwise.mul(x, y), dim)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """`tg.diagonal` of the last two dimensions. PyTorch: `torch.linalg.diagonal`.

    >>> tg.linalg.diagonal(tg.eye(2).expand(3, 2, 2)).shape
    (3, 2)
    """
    check_tensor("diagonal", A)
    return any_diagonal(A, offset, dim1, dim2)


def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """The powers 0 ... N - 1 of each element, in a new last dimension. N: the size of the last one.

    Raises RuntimeError for N < 2. PyTorch: `torch.linalg.vander`.

    >>> tg.linalg.vander(tg.tensor([2, 3]), N=3)
    tensor([[1, 2, 4],
            [1, 3, 9]])
    """
    check_tensor("vander", x)
    if x.array.ndim == 0 or x.shape == (0,):
        raise RuntimeError(f"linalg.vander: a vector is needed, not empty; got shape {x.shape}.")
    count = x.shape[-1] if N is None else N
    if count <= 1:
        raise RuntimeError(f"linalg.vander: N must be greater than 1; got {count}.")
    return powers(x, count)
