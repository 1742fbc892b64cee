"""Picking and placing along a dimension: gather, index_select and its kin, masks, positions.

All of them are made of the four operations of `indexing.py`; what differs is how an index becomes a
key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import Array, Operation, TensorBase, Value, apply, wrap
from ..autograd.leaving import without_gradient
from .arguments import check_tensor
from .dims import normalize_dim, numpy_names
from .dtypes import constant
from .indexing import AddArrays, IndexArrays, SetArrays, getitem, write

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "argwhere",
    "gather",
    "index_add",
    "index_add_",
    "index_copy",
    "index_copy_",
    "index_fill",
    "index_fill_",
    "index_select",
    "masked_fill",
    "masked_fill_",
    "masked_select",
    "nonzero",
    "nonzero_static",
    "take",
    "take_along_dim",
]


# Along one dimension.


def index_of(index: Any, name: str) -> Any:
    """An index of positions, as a tensor or an own array."""
    if isinstance(index, TensorBase):
        dtype = index.dtype
    else:
        index = np.array(index)
        if index.size == 0:
            index = index.astype(np.intp)
        dtype = index.dtype
    if dtype.kind not in "iu":
        raise RuntimeError(
            f"{name}: the index must be of an integer type; got {dtype}. Convert it: "
            "`index.long()`."
        )
    return index


def _check_range(
    index: Any, size: int, dim: int, name: str, error: type[Exception] = RuntimeError
) -> None:
    """Refuse positions outside 0 ... size - 1; negative ones do not count from the end here."""
    values = constant(index)
    if values.size == 0:
        return
    low, high = int(values.min()), int(values.max())
    if low < 0 or high >= size:
        raise error(
            f"{name}: index {low if low < 0 else high} is out of bounds for dimension {dim} with "
            f"size {size}."
        )


def _rows(
    input: Tensor, dim: int, index: Any, name: str, error: type[Exception]
) -> tuple[int, Any]:
    """The dimension and the one-dimensional index of index_select and its kin, checked."""
    dim = normalize_dim(dim, input.array.ndim)
    index = index_of(index, name)
    if len(index.shape) == 0:
        index = index.reshape((1,))
    if len(index.shape) != 1:
        raise IndexError(f"{name}: the index has one dimension; got shape {index.shape}.")
    _check_range(index, input.shape[dim], dim, name, error)
    return dim, index


def _layout(dim: int) -> tuple[bool, ...]:
    return (False,) * dim + (True,)


@numpy_names
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices of x along `dim` that `index` names, in that order. PyTorch: `torch.index_select`.

    `index` has one dimension and an integer type. Raises IndexError if a position is out of range
    or negative.

    >>> tg.index_select(tg.tensor([[1.0, 2.0], [3.0, 4.0]]), 1, tg.tensor([1, 1, 0]))
    tensor([[2., 2., 1.],
            [4., 4., 3.]])
    """
    if not input.array.ndim:
        return index_select(input.reshape(1), dim, index).reshape(())
    dim, index = _rows(input, dim, index, "index_select", IndexError)
    return apply(IndexArrays(_layout(dim)), input, index)


@numpy_names
def index_add(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1
) -> Tensor:
    """x with `alpha` times each slice of `source` added to the slice that `index` names for it.

    `source` has the shape of x but along `dim`, where it is as long as `index`. Raises RuntimeError
    for shapes and types that do not fit, IndexError for positions out of range.
    PyTorch: `torch.index_add`.

    >>> tg.index_add(tg.zeros(3), 0, tg.tensor([0, 2, 0]), tg.tensor([1.0, 2.0, 3.0]))
    tensor([4., 0., 2.])
    """
    if not input.array.ndim:
        return index_add(input.reshape(1), dim, index, source.reshape(1), alpha=alpha).reshape(())
    dim, index, source = rows_along(input, dim, index, source, "index_add")
    return apply(AddArrays(_layout(dim)), input, source if alpha == 1 else source * alpha, index)


@numpy_names
def index_add_(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1
) -> Tensor:
    """`index_add`, in place. PyTorch: `Tensor.index_add_`.

    >>> tg.zeros(3).index_add_(0, tg.tensor([0, 2, 0]), tg.tensor([1.0, 2.0, 3.0]))
    tensor([4., 0., 2.])
    """
    if not input.array.ndim:
        index_add_(input.reshape(1), dim, index, source.reshape(1), alpha=alpha)
        return input
    dim, index, source = rows_along(input, dim, index, source, "index_add_")
    scaled = source if alpha == 1 else source * alpha
    write(input, AddArrays(_layout(dim), in_place=True), scaled, index, name="index_add_")
    return input


@numpy_names
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """x with the slices that `index` names replaced by those of `source`.

    Of several for one place the last stays. Raises RuntimeError for shapes and types that do not
    fit, IndexError for positions out of range. PyTorch: `torch.index_copy`.

    Unlike PyTorch, of sources for one place only the one whose value stays has a gradient.

    >>> tg.index_copy(tg.zeros(3), 0, tg.tensor([2, 0]), tg.tensor([1.0, 2.0]))
    tensor([2., 0., 1.])
    """
    if not input.array.ndim:
        return index_copy(input.reshape(1), dim, index, source.reshape(1)).reshape(())
    dim, index, source = rows_along(input, dim, index, source, "index_copy")
    return apply(SetArrays(_layout(dim)), input, source, index)


@numpy_names
def index_copy_(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """`index_copy`, in place. PyTorch: `Tensor.index_copy_`.

    >>> tg.zeros(3).index_copy_(0, tg.tensor([2, 0]), tg.tensor([1.0, 2.0]))
    tensor([2., 0., 1.])
    """
    if not input.array.ndim:
        index_copy_(input.reshape(1), dim, index, source.reshape(1))
        return input
    dim, index, source = rows_along(input, dim, index, source, "index_copy_")
    write(input, SetArrays(_layout(dim), in_place=True), source, index, name="index_copy_")
    return input


def rows_along(
    input: Tensor, dim: int, index: Any, source: Tensor, name: str
) -> tuple[int, Any, Tensor]:
    """Check that `source` is x with another length along `dim`: that of `index`."""
    dim, index = _rows(input, dim, index, name, IndexError)
    if not isinstance(source, TensorBase):
        raise TypeError(f"{name}: the source is a tensor; got {type(source).__name__}.")
    expected = (*input.shape[:dim], index.shape[0], *input.shape[dim + 1 :])
    if source.shape != expected:
        raise RuntimeError(
            f"{name}: the source must have one slice along dimension {dim} for each of the "
            f"{index.shape[0]} "
            f"indices, so shape {expected}; got {source.shape}."
        )
    check_same_dtype(input, source, name)
    return dim, index, source


def check_same_dtype(input: Tensor, source: Tensor, name: str) -> None:
    if input.dtype != source.dtype:
        raise RuntimeError(
            f"{name}: the tensor ({input.dtype}) and the source ({source.dtype}) must have the "
            "same type. "
            f"Convert first: `source.to(tg.{input.dtype})`."
        )


@numpy_names
def index_fill(input: Tensor, dim: int, index: Tensor, value: Tensor | float) -> Tensor:
    """x with one number in all slices that `index` names. PyTorch: `torch.index_fill`.

    `value` is a number or a 0-dimensional tensor; negative positions count from the end. Raises
    IndexError for positions out of range.

    >>> tg.index_fill(tg.ones(2, 3), 1, tg.tensor([0, 2]), -1)
    tensor([[-1.,  1., -1.],
            [-1.,  1., -1.]])
    """
    if not input.array.ndim:
        return index_fill(input.reshape(1), dim, index, value).reshape(())
    dim, index = _rows(input, dim, _counted(input, dim, index), "index_fill", IndexError)
    return apply(SetArrays(_layout(dim)), input, number_of(value, "index_fill"), index)


@numpy_names
def index_fill_(input: Tensor, dim: int, index: Tensor, value: Tensor | float) -> Tensor:
    """`index_fill`, in place. PyTorch: `Tensor.index_fill_`.

    >>> tg.ones(3).index_fill_(0, tg.tensor([0, 2]), -1)
    tensor([-1.,  1., -1.])
    """
    if not input.array.ndim:
        index_fill_(input.reshape(1), dim, index, value)
        return input
    dim, index = _rows(input, dim, _counted(input, dim, index), "index_fill_", IndexError)
    number = number_of(value, "index_fill_")
    write(input, SetArrays(_layout(dim), in_place=True), number, index, name="index_fill_")
    return input


def _counted(input: Tensor, dim: int, index: Any) -> Any:
    """An index whose negative positions count from the end."""
    size = input.shape[normalize_dim(dim, input.array.ndim)]
    values = constant(index)
    if not isinstance(values, np.ndarray) or values.dtype.kind != "i" or not (values < 0).any():
        return index
    return np.where((values < 0) & (values >= -size), values + size, values)


def number_of(value: Any, name: str) -> Any:
    """A value to fill with: a number or a 0-dimensional tensor."""
    if isinstance(value, TensorBase):
        if value.array.ndim:
            raise RuntimeError(
                f"{name}: the value is a number or a 0-dimensional tensor; this tensor has shape "
                f"{value.shape}."
            )
        return value
    if isinstance(value, (bool, int, float, np.generic)):
        return value
    raise TypeError(f"{name}: the value is a number or a tensor; got {type(value).__name__}.")


# One element for each element of an index of the same number of dimensions.


class Gather(IndexArrays):
    """z[i, j] = x[index[i, j], j], and likewise along other dimensions"""

    __slots__ = ()


def elements_along(
    input: Tensor, dim: int, index: Any, name: str
) -> tuple[tuple[bool, ...], list[Any], tuple[int, ...]]:
    """Layout and arrays of a key with one element of x for each of `index`; the index's shape."""
    ndim = input.array.ndim
    dim = normalize_dim(dim, ndim)
    index = index_of(index, name)
    shape = index.shape
    if len(shape) != ndim:
        raise RuntimeError(
            f"{name}: the index must have the same number of dimensions as the tensor; it has "
            f"shape {shape}, the "
            f"tensor {input.shape}."
        )
    if any(
        wanted > size
        for at, (wanted, size) in enumerate(zip(shape, input.shape, strict=True))
        if at != dim
    ):
        raise RuntimeError(
            f"{name}: the index of shape {shape} must not be larger than the tensor of shape "
            f"{input.shape} apart "
            f"from dimension {dim}."
        )
    _check_range(index, input.shape[dim] if ndim else 1, dim, name)
    grids: list[Any] = [
        np.arange(size).reshape(-1, *[1] * (ndim - 1 - at)) for at, size in enumerate(shape)
    ]
    if ndim:
        grids[dim] = index
    return (True,) * ndim, grids, shape


@numpy_names
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """The elements of x that `index` names along `dim`, one for each element of `index`.

    z[i, j] = x[index[i, j], j] for dim=0, x[i, index[i, j]] for dim=1. The result has the shape of
    `index`. Raises RuntimeError for positions out of range or negative, for shapes that do not fit,
    and for `sparse_grad`, as there are no sparse tensors. PyTorch: `torch.gather`.

    >>> scores = tg.tensor([[0.1, 0.9], [0.8, 0.2]])
    >>> tg.gather(scores, 1, tg.tensor([[1], [0]]))
    tensor([[0.9000],
            [0.8000]])
    """
    if sparse_grad:
        raise RuntimeError("gather: there are no sparse tensors here; leave sparse_grad out.")
    layout, key, _ = elements_along(input, dim, index, "gather")
    return apply(Gather(layout), input, *key)


def take(input: Tensor, index: Tensor) -> Tensor:
    """The elements of the flattened x at these positions, in the shape of `index`.

    Negative positions count from the end. Raises IndexError if one is out of range.
    PyTorch: `torch.take`.

    >>> tg.take(tg.tensor([[1, 2], [3, 4]]), tg.tensor([0, -1]))
    tensor([1, 4])
    """
    index = index_of(index, "take")
    size = input.array.size
    values = constant(index)
    outside = values[(values < -size) | (values >= size)]
    if outside.size:
        raise IndexError(
            f"take: index {outside[0]} is out of range for a tensor of {size} elements."
        )
    return apply(IndexArrays((True,)), input.reshape(-1), index)


@numpy_names
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """`gather` where the other dimensions are broadcast and negative positions count from the end.

    Takes what `argsort` and `argmax(keepdim=True)` return; without `dim`, x and the indices are
    flattened. PyTorch: `torch.take_along_dim`; NumPy's `take_along_axis`.

    >>> x = tg.tensor([[3, 1, 2]])
    >>> tg.take_along_dim(x, x.argsort(dim=1), dim=1)
    tensor([[1, 2, 3]])
    """
    if dim is None:
        return take(input, indices.reshape(-1))
    dim = normalize_dim(dim, input.array.ndim)
    index = index_of(indices, "take_along_dim")
    shape, wanted = list(input.shape), list(index.shape)
    if len(shape) != len(wanted):
        raise RuntimeError(
            "take_along_dim: the tensor and the indices must have the same number of dimensions; "
            "got shapes "
            f"{input.shape} and {index.shape}."
        )
    size = shape[dim] if shape else 1
    values = constant(index)
    outside = values[(values < -size) | (values >= size)]
    if outside.size:
        raise IndexError(
            f"take_along_dim: index {outside[0]} is out of bounds for dimension {dim} with size "
            f"{size}."
        )
    if shape:
        shape[dim] = wanted[dim] = 1
        try:
            common = list(np.broadcast_shapes(tuple(shape), tuple(wanted)))
        except ValueError:
            raise RuntimeError(
                f"take_along_dim: the shapes {input.shape} and {index.shape} cannot be broadcast "
                "apart from "
                f"dimension {dim}."
            ) from None
        common[dim] = size
        input = input.expand(common)
        common[dim] = index.shape[dim]
        index = np.broadcast_to(values % size if size else values, common).copy()
    return gather(input, dim, index)


# Masks.


class MaskedFill(Operation):
    """z = value where mask, else x        each takes the gradient where it was taken"""

    __slots__ = ("in_place",)

    def __init__(self, in_place: bool = False) -> None:
        self.in_place = in_place

    def forward(self, x: Array, mask: Array, value: Value) -> Array:
        if not self.in_place:
            x = np.array(np.broadcast_to(x, np.broadcast_shapes(x.shape, mask.shape)))
        np.copyto(x, value, casting="unsafe", where=mask)
        return x

    def grad_x(self, grad: Value, mask: Value) -> Value:
        return np.where(mask, 0, grad)

    def grad_value(self, grad: Value, mask: Value) -> Value:
        return np.where(mask, grad, 0)


def mask_of(mask: Any, name: str) -> Tensor:
    mask = wrap(mask.copy()) if isinstance(mask, np.ndarray) else mask
    if not isinstance(mask, TensorBase) or mask.dtype != np.bool_:
        got = mask.dtype if isinstance(mask, TensorBase) else type(mask).__name__
        raise RuntimeError(
            f"{name}: the mask must be a boolean tensor, for example `x > 0`; got {got}."
        )
    return mask  # type: ignore[return-value]


def masked_fill(input: Tensor, mask: Tensor, value: Tensor | float) -> Tensor:
    """x with one number where `mask` is true; the mask is broadcast. PyTorch: `torch.masked_fill`.

    `value` is a number or a 0-dimensional tensor, cast to x's type. Raises RuntimeError if the mask
    is not boolean or does not fit.

    >>> tg.masked_fill(tg.tensor([1.0, 2.0]), tg.tensor([True, False]), float("-inf"))
    tensor([-inf, 2.])
    """
    return apply(MaskedFill(), input, mask_of(mask, "masked_fill"), number_of(value, "masked_fill"))


def masked_fill_(input: Tensor, mask: Tensor, value: Tensor | float) -> Tensor:
    """`masked_fill`, in place. PyTorch: `Tensor.masked_fill_`.

    >>> tg.tensor([1.0, 2.0]).masked_fill_(tg.tensor([True, False]), 0)
    tensor([0., 2.])
    """
    mask = mask_of(mask, "masked_fill_")
    write(
        input,
        MaskedFill(in_place=True),
        mask,
        number_of(value, "masked_fill_"),
        name="masked_fill_",
    )
    return input


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements of x where `mask` is true, in one dimension; x and mask are broadcast.

    Raises RuntimeError if the mask is not boolean or does not fit. PyTorch: `torch.masked_select`.

    >>> tg.masked_select(tg.tensor([1, 2, 3]), tg.tensor([True, False, True]))
    tensor([1, 3])
    """
    mask = mask_of(mask, "masked_select")
    try:
        shape = np.broadcast_shapes(input.shape, mask.shape)
    except ValueError:
        raise RuntimeError(
            f"masked_select: the shapes {input.shape} and {mask.shape} (of the mask) cannot be "
            "broadcast."
        ) from None
    return getitem(input.expand(shape), mask.expand(shape))


def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """Where x is not zero: one row of positions for each such element.

    `as_tuple=True` returns one tensor for each dimension instead. The tuple is an index:
    x[x.nonzero(as_tuple=True)] are these elements. No gradient. PyTorch: `torch.nonzero`.

    >>> tg.nonzero(tg.tensor([[0, 5], [7, 0]]))
    tensor([[0, 1],
            [1, 0]])
    """
    check_tensor("nonzero", input)
    if as_tuple:
        places = np.atleast_1d(input.array).nonzero()
        return tuple(without_gradient("nonzero", where, input) for where in places)
    return without_gradient("nonzero", np.argwhere(input.array), input)


def argwhere(input: Tensor) -> Tensor:
    """Where x is not zero: one row of positions for each such element. No gradient.

    PyTorch: `torch.argwhere`.

    >>> tg.argwhere(tg.tensor([0, 5, 7]))
    tensor([[1],
            [2]])
    """
    check_tensor("argwhere", input)
    return without_gradient("argwhere", np.argwhere(input.array), input)


def nonzero_static(input: Tensor, *, size: int, fill_value: int = -1) -> Tensor:
    """`nonzero` with exactly `size` rows: cut off, or filled up with `fill_value`.

    PyTorch: `torch.nonzero_static`.

    >>> tg.nonzero_static(tg.tensor([0, 5, 7]), size=3)
    tensor([[ 1],
            [ 2],
            [-1]])
    """
    if size < 0:
        raise RuntimeError(f"nonzero_static: the size cannot be negative; got {size}.")
    found = np.argwhere(input.array)[:size]
    rows = np.full((size, found.shape[1]), fill_value, np.int64)
    rows[: len(found)] = found
    return without_gradient("nonzero_static", rows, input)
