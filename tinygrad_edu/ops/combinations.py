"""Grids and combinations: meshgrid, cartesian_prod, combinations, block_diag, vander, rot90."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import TensorBase, wrap
from . import elementwise, joining, shape
from .arguments import check_tensor
from .dims import normalize_dim
from .dtypes import cast, int64, result_type
from .indexing import index_along

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "block_diag",
    "broadcast_shapes",
    "cartesian_prod",
    "combinations",
    "meshgrid",
    "rot90",
    "unravel_index",
    "vander",
]


def _sequence(tensors: tuple[Any, ...]) -> tuple[Any, ...]:
    """Tensors given one by one or as one list."""
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        return tuple(tensors[0])
    return tensors


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Coordinates of the points of a grid: one tensor of the grid's shape for each vector.

    indexing="ij": the first vector runs along the first dimension; "xy": along the second, as in
    pictures. Without `indexing` it is "ij", with a UserWarning, as in PyTorch. The results are
    views (expanded). Raises RuntimeError for matrices, different types, another `indexing`.
    PyTorch: `torch.meshgrid`.

    >>> rows, columns = tg.meshgrid(tg.tensor([1, 2]), tg.tensor([3, 4, 5]), indexing="ij")
    >>> rows
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    vectors = _sequence(tensors)
    if indexing is None:
        warnings.warn(
            "meshgrid: pass indexing='ij' (what you get now) or indexing='xy'; the default will "
            "change in PyTorch.",
            UserWarning,
            stacklevel=2,
        )
        indexing = "ij"
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f"meshgrid: indexing is 'ij' or 'xy'; got {indexing!r}.")
    if not vectors:
        raise RuntimeError("meshgrid: at least one tensor is needed; got none.")
    for x in vectors:
        if x.array.ndim > 1:
            raise RuntimeError(f"meshgrid: vectors are expected; got shape {x.shape}.")
        if x.dtype != vectors[0].dtype:
            raise RuntimeError(
                "meshgrid: all tensors need the same type; got "
                f"{vectors[0].dtype} and {x.dtype}. Convert one: `x.to(tg.{vectors[0].dtype})`."
            )
    order = list(range(len(vectors)))
    if indexing == "xy" and len(vectors) > 1:
        order[0], order[1] = 1, 0
    sizes = [0] * len(vectors)
    for place, x in zip(order, vectors, strict=True):
        sizes[place] = x.array.size
    results = []
    for place, x in zip(order, vectors, strict=True):
        along = [1] * len(vectors)
        along[place] = x.array.size
        results.append(shape.expand(shape.reshape(x, along), sizes))
    return tuple(results)


def cartesian_prod(*tensors: Any) -> Tensor:
    """All combinations of one element of each vector, as rows. PyTorch: `torch.cartesian_prod`.

    Of a single vector, the vector itself. Raises RuntimeError for anything but vectors of one type.

    >>> tg.cartesian_prod(tg.tensor([1, 2]), tg.tensor([4, 5]))
    tensor([[1, 4],
            [1, 5],
            [2, 4],
            [2, 5]])
    """
    vectors = _sequence(tensors)
    for x in vectors:
        if x.array.ndim != 1:
            raise RuntimeError(f"cartesian_prod: vectors are expected; got shape {x.shape}.")
    if len(vectors) == 1:
        return vectors[0]  # type: ignore[no-any-return]
    columns = [shape.flatten(x) for x in meshgrid(*vectors, indexing="ij")]
    return joining.stack(columns, 1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All choices of `r` elements of a vector, in order, as rows. PyTorch: `torch.combinations`.

    Raises RuntimeError for anything but a vector and for a negative `r`.

    >>> tg.combinations(tg.tensor([1, 2, 3]))
    tensor([[1, 2],
            [1, 3],
            [2, 3]])
    """
    check_tensor("combinations", input)
    if input.array.ndim != 1:
        raise RuntimeError(f"combinations: a vector is expected; got shape {input.shape}.")
    if r < 0:
        raise RuntimeError(f"combinations: the number of elements cannot be negative; got {r}.")
    if r == 0:
        return wrap(np.empty(0, input.dtype))
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    chosen = np.array(list(choose(range(input.array.size), r)), np.intp).reshape(-1, r)
    return index_along(input, 0, chosen)


def block_diag(*tensors: Any) -> Tensor:
    """A matrix with these matrices along its diagonal, 0 elsewhere.

    Vectors are rows, numbers 1×1. Types are promoted. Raises RuntimeError for more dimensions.
    PyTorch: `torch.block_diag`.

    >>> tg.block_diag(tg.ones(1, 2), tg.tensor(5.0))
    tensor([[1., 1., 0.],
            [0., 0., 5.]])
    """
    parts = list(tensors)
    for place, x in enumerate(parts):
        if not isinstance(x, TensorBase):
            raise TypeError(f"block_diag: element {place} is not a tensor but {type(x).__name__}.")
        if x.array.ndim > 2:
            raise RuntimeError(
                f"block_diag: at most two dimensions each; element {place} has shape {x.shape}."
            )
    if not parts:
        return wrap(np.empty((1, 0), np.float32))
    dtype = result_type(*parts)
    blocks = [cast(x, dtype) for x in shape.atleast_2d(parts)]
    width = sum(x.shape[1] for x in blocks)
    rows, left = [], 0
    for x in blocks:
        height, own = x.shape
        sides = [wrap(np.zeros((height, n), dtype)) for n in (left, width - left - own)]
        rows.append(joining.cat([sides[0], x, sides[1]], 1))
        left += own
    return joining.cat(rows, 0)


def broadcast_shapes(*shapes: Any) -> tuple[int, ...]:
    """The shape that tensors of these shapes are broadcast to. PyTorch: `torch.broadcast_shapes`.

    Raises RuntimeError if there is none, ValueError for negative sizes.

    >>> tg.broadcast_shapes((2, 1), (3,), 3)
    (2, 3)
    """
    given = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    if any(n < 0 for each in given for n in each):
        raise ValueError(f"broadcast_shapes: sizes cannot be negative; got {given}.")
    try:
        return tuple(np.broadcast_shapes(*given))
    except ValueError:
        raise RuntimeError(
            f"broadcast_shapes: the shapes {given} cannot be broadcast to one."
        ) from None


def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """x turned by k · 90° in the plane of two dimensions, from the first towards the second.

    A copy. Raises RuntimeError for a tensor of fewer than two dimensions or other than two
    different `dims`. PyTorch: `torch.rot90`.

    >>> tg.rot90(tg.tensor([[1, 2], [3, 4]]))
    tensor([[2, 4],
            [1, 3]])
    """
    check_tensor("rot90", input)
    plane = tuple(dims)
    if len(plane) != 2 or input.array.ndim < 2:
        raise RuntimeError(
            "rot90: two dimensions of a tensor that has at least two are needed; got "
            f"dims={list(plane)} and shape {input.shape}."
        )
    first, second = (normalize_dim(dim, input.array.ndim) for dim in plane)
    if first == second:
        raise RuntimeError(f"rot90: the two dimensions are the same in dims={list(plane)}.")
    turns = k % 4
    if turns == 0:
        return shape.clone(input)
    if turns == 2:
        return shape.flip(input, (first, second))
    flipped = shape.flip(input, second if turns == 1 else first)
    return shape.contiguous(shape.transpose(flipped, first, second))


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The matrix of powers of a vector's elements: z[i, j] = x_i^(N - 1 - j), or x_i^j.

    N is the length of x if not given. Raises RuntimeError for anything but a vector and for N < 0.
    PyTorch: `torch.vander`.

    >>> tg.vander(tg.tensor([2, 3]), 3)
    tensor([[4, 2, 1],
            [9, 3, 1]])
    """
    check_tensor("vander", x)
    if x.array.ndim != 1:
        raise RuntimeError(f"vander: a vector is expected; got shape {x.shape}.")
    count = x.array.size if N is None else N
    if count < 0:
        raise RuntimeError(f"vander: the number of columns N cannot be negative; got {count}.")
    return powers(x, count if increasing else -count)


def powers(x: Tensor, count: int) -> Tensor:
    """x^0, x^1, ... in a new last dimension; in reverse for a negative `count`."""
    exponents = np.arange(abs(count))
    if count < 0:
        exponents = exponents[::-1]
    base = shape.unsqueeze(x if x.dtype.kind != "b" else x.to(int64), -1)
    return elementwise.pow(base, wrap(exponents.astype(base.dtype)))


def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """Positions in a flattened tensor as positions along each dimension of `shape`.

    Positions outside wrap around. Raises TypeError for anything but integers, ValueError for a
    negative size. PyTorch: `torch.unravel_index`.

    >>> tg.unravel_index(tg.tensor([1, 5]), (2, 3))
    (tensor([0, 1]), tensor([1, 2]))
    """
    if not isinstance(indices, TensorBase) or indices.dtype.kind not in "iu":
        raise TypeError("unravel_index: the positions are a tensor of integers.")
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    if any(n < 0 for n in sizes):
        raise ValueError(f"unravel_index: sizes cannot be negative; got {sizes}.")
    result = []
    rest: Any = indices.array
    for size in reversed(sizes):
        result.append(wrap(rest % size))
        rest = rest // size
    return tuple(reversed(result))
