"""Triangles and diagonals of matrices, and of each matrix of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..autograd.graph import Array, Operation, Value, apply, run
from .arguments import check_tensor
from .dims import normalize_dim
from .shape import clone, flatten

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["diag", "diag_embed", "diagflat", "diagonal", "tril", "triu"]


class Tril(Operation):
    """z = x on and below a diagonal, 0 above        grad_x = grad on and below"""

    __slots__ = ("offset",)

    def __init__(self, offset: int) -> None:
        self.offset = offset

    def forward(self, x: Array) -> Array:
        return np.tril(x, self.offset)

    def grad_x(self, grad: Value) -> Value:
        return run(Tril(self.offset), grad)


class Triu(Operation):
    """z = x on and above a diagonal, 0 below        grad_x = grad on and above"""

    __slots__ = ("offset",)

    def __init__(self, offset: int) -> None:
        self.offset = offset

    def forward(self, x: Array) -> Array:
        return np.triu(x, self.offset)

    def grad_x(self, grad: Value) -> Value:
        return run(Triu(self.offset), grad)


def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangle of each matrix; the rest is 0. PyTorch: `torch.tril`.

    `diagonal` > 0 keeps as many diagonals above the main one, < 0 leaves out some below. Raises
    RuntimeError for fewer than two dimensions.

    >>> tg.tril(tg.ones(2, 2))
    tensor([[1., 0.],
            [1., 1.]])
    """
    check_tensor("tril", input)
    return apply(Tril(diagonal), _matrices(input, "tril"))


def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangle of each matrix; the rest is 0. PyTorch: `torch.triu`.

    `diagonal` > 0 leaves out as many diagonals from the main one on, < 0 keeps some below. Raises
    RuntimeError for fewer than two dimensions.

    >>> tg.triu(tg.ones(2, 2), diagonal=1)
    tensor([[0., 1.],
            [0., 0.]])
    """
    check_tensor("triu", input)
    return apply(Triu(diagonal), _matrices(input, "triu"))


def _matrices(input: Tensor, name: str) -> Tensor:
    if input.array.ndim < 2:
        raise RuntimeError(
            f"{name}: at least two dimensions are needed; this tensor has shape {input.shape}."
        )
    return input


class Diagonal(Operation):
    """z = a diagonal of x, a view        grad_x = 0, but grad on the diagonal"""

    __slots__ = ("dim1", "dim2", "input_shape", "offset")
    is_view = True

    def __init__(self, offset: int, dim1: int, dim2: int) -> None:
        self.offset = offset
        self.dim1 = dim1
        self.dim2 = dim2

    def forward(self, x: Array) -> Array:
        self.input_shape = x.shape
        out = x.diagonal(self.offset, self.dim1, self.dim2)
        out.flags.writeable = (
            x.flags.writeable
        )  # NumPy's own caution: its views of diagonals cannot be written to.
        return out

    def grad_x(self, grad: Value) -> Value:
        return run(DiagEmbed(self.offset, self.dim1, self.dim2, self.input_shape), grad)


class DiagEmbed(Operation):
    """z = 0, but x on a diagonal        grad_x = the diagonal of grad"""

    __slots__ = ("dim1", "dim2", "offset", "to")

    def __init__(self, offset: int, dim1: int, dim2: int, to: tuple[int, ...]) -> None:
        self.offset = offset
        self.dim1 = dim1
        self.dim2 = dim2
        self.to = to

    def forward(self, x: Array) -> Array:
        out = np.zeros(self.to, x.dtype)
        Diagonal(self.offset, self.dim1, self.dim2).forward(out)[...] = x
        return out

    def grad_x(self, grad: Value) -> Value:
        return run(Diagonal(self.offset, self.dim1, self.dim2), grad)


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """A view of a diagonal of the matrices in the dimensions `dim1` and `dim2`.

    It becomes the last dimension. `offset` > 0 is above the main diagonal, < 0 below. Raises
    RuntimeError if the dimensions are the same. PyTorch: `torch.diagonal`.

    >>> tg.diagonal(tg.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    check_tensor("diagonal", input)
    ndim = input.array.ndim
    first, second = normalize_dim(dim1, ndim), normalize_dim(dim2, ndim)
    if first == second:
        raise RuntimeError(
            f"diagonal: two dimensions are needed; dim1={dim1} and dim2={dim2} are the same."
        )
    return apply(Diagonal(offset, first, second), input)


def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices with the last dimension of x on a diagonal, 0 elsewhere.

    The dimensions of the matrices are `dim1` and `dim2` of the result. Raises RuntimeError if they
    are the same. PyTorch: `torch.diag_embed`.

    >>> tg.diag_embed(tg.tensor([1, 2]), offset=1)
    tensor([[0, 1, 0],
            [0, 0, 2],
            [0, 0, 0]])
    """
    check_tensor("diag_embed", input)
    ndim = input.array.ndim + 1
    if ndim < 2:
        raise RuntimeError(
            "diag_embed: at least one dimension is needed; this tensor is a single number."
        )
    first, second = normalize_dim(dim1, ndim), normalize_dim(dim2, ndim)
    if first == second:
        raise RuntimeError(
            f"diag_embed: two dimensions are needed; dim1={dim1} and dim2={dim2} are the same."
        )
    if first > second:
        # The matrices are then transposed, and so the diagonal changes sides.
        first, second, offset = second, first, -offset
    size = input.shape[-1] + abs(offset)
    to = list(input.shape[:-1])
    to.insert(first, size)
    to.insert(second, size)
    return apply(DiagEmbed(offset, first, second, tuple(to)), input)


def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """A square matrix with the vector x on a diagonal, or a copy of a diagonal of the matrix x.

    Raises RuntimeError unless x has one or two dimensions. PyTorch: `torch.diag`.

    >>> tg.diag(tg.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    >>> tg.diag(tg.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    check_tensor("diag", input)
    if input.array.ndim == 1:
        return diag_embed(input, diagonal)
    if input.array.ndim != 2:
        raise RuntimeError(
            f"diag: a vector or a matrix is needed; this tensor has shape {input.shape}."
        )
    return clone(apply(Diagonal(diagonal, 0, 1), input))


def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """A square matrix with all elements of x on a diagonal. PyTorch: `torch.diagflat`.

    >>> tg.diagflat(tg.tensor([[1], [2]]))
    tensor([[1, 0],
            [0, 2]])
    """
    return diag_embed(flatten(input), offset)
