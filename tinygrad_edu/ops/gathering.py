"""Picking and placing along a dimension: gather and scatter, index_select and its kin, masks.

All of them are made of the four operations of `indexing.py`; what differs is how an index becomes a
key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import Array, Operation, TensorBase, Value, apply, wrap
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
    "scatter",
    "scatter_",
    "scatter_add",
    "scatter_add_",
    "take",
    "take_along_dim",
]


# Along one dimension.


def _index_along(index: Any, name: str) -> Any:
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
    if input.array.ndim == 0:
        raise IndexError(f"{name}: a 0-dimensional tensor has no dimension to index.")
    index = _index_along(index, name)
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
    dim, index = _rows(input, dim, index, "index_select", IndexError)
    return apply(IndexArrays(_layout(dim)), input, index)


@numpy_names
def index_add(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1
) -> Tensor:
    """x with `alpha` times each slice of `source` added to the slice that `index` names for it.

    `source` has the shape of x but along `dim`, where it is as long as `index`. Raises RuntimeError
    for shapes and types that do not fit and positions out of range. PyTorch: `torch.index_add`.

    >>> tg.index_add(tg.zeros(3), 0, tg.tensor([0, 2, 0]), tg.tensor([1.0, 2.0, 3.0]))
    tensor([4., 0., 2.])
    """
    dim, index, source = _with_source(input, dim, index, source, "index_add")
    return apply(AddArrays(_layout(dim)), input, source if alpha == 1 else source * alpha, index)


@numpy_names
def index_add_(
    input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1
) -> Tensor:
    """`index_add`, in place. PyTorch: `Tensor.index_add_`.

    >>> tg.zeros(3).index_add_(0, tg.tensor([0, 2, 0]), tg.tensor([1.0, 2.0, 3.0]))
    tensor([4., 0., 2.])
    """
    dim, index, source = _with_source(input, dim, index, source, "index_add_")
    scaled = source if alpha == 1 else source * alpha
    write(input, AddArrays(_layout(dim), in_place=True), scaled, index, name="index_add_")
    return input


@numpy_names
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """x with the slices that `index` names replaced by those of `source`.

    Of several for one place the last stays. Raises RuntimeError for shapes and types that do not
    fit and positions out of range. PyTorch: `torch.index_copy`.

    >>> tg.index_copy(tg.zeros(3), 0, tg.tensor([2, 0]), tg.tensor([1.0, 2.0]))
    tensor([2., 0., 1.])
    """
    dim, index, source = _with_source(input, dim, index, source, "index_copy")
    return apply(SetArrays(_layout(dim)), input, source, index)


@numpy_names
def index_copy_(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """`index_copy`, in place. PyTorch: `Tensor.index_copy_`.

    >>> tg.zeros(3).index_copy_(0, tg.tensor([2, 0]), tg.tensor([1.0, 2.0]))
    tensor([2., 0., 1.])
    """
    dim, index, source = _with_source(input, dim, index, source, "index_copy_")
    write(input, SetArrays(_layout(dim), in_place=True), source, index, name="index_copy_")
    return input


def _with_source(
    input: Tensor, dim: int, index: Any, source: Tensor, name: str
) -> tuple[int, Any, Tensor]:
    """Check that `source` is x with another length along `dim`: that of `index`."""
    dim, index = _rows(input, dim, index, name, RuntimeError)
    if not isinstance(source, TensorBase):
        raise TypeError(f"{name}: the source is a tensor; got {type(source).__name__}.")
    expected = (*input.shape[:dim], index.shape[0], *input.shape[dim + 1 :])
    if source.shape != expected:
        raise RuntimeError(
            f"{name}: the source must have one slice along dimension {dim} for each of the "
            f"{index.shape[0]} "
            f"indices, so shape {expected}; got {source.shape}."
        )
    _check_same_dtype(input, source, name)
    return dim, index, source


def _check_same_dtype(input: Tensor, source: Tensor, name: str) -> None:
    if input.dtype != source.dtype:
        raise RuntimeError(
            f"{name}: the tensor ({input.dtype}) and the source ({source.dtype}) must have the "
            "same type. "
            f"Convert first: `source.to(tg.{input.dtype})`."
        )


@numpy_names
def index_fill(input: Tensor, dim: int, index: Tensor, value: Tensor | float) -> Tensor:
    """x with one number in all slices that `index` names. PyTorch: `torch.index_fill`.

    `value` is a number or a 0-dimensional tensor. Raises IndexError for positions out of range.

    >>> tg.index_fill(tg.ones(2, 3), 1, tg.tensor([0, 2]), -1)
    tensor([[-1.,  1., -1.],
            [-1.,  1., -1.]])
    """
    dim, index = _rows(input, dim, index, "index_fill", IndexError)
    return apply(SetArrays(_layout(dim)), input, _number(value, "index_fill"), index)


@numpy_names
def index_fill_(input: Tensor, dim: int, index: Tensor, value: Tensor | float) -> Tensor:
    """`index_fill`, in place. PyTorch: `Tensor.index_fill_`.

    >>> tg.ones(3).index_fill_(0, tg.tensor([0, 2]), -1)
    tensor([-1.,  1., -1.])
    """
    dim, index = _rows(input, dim, index, "index_fill_", IndexError)
    number = _number(value, "index_fill_")
    write(input, SetArrays(_layout(dim), in_place=True), number, index, name="index_fill_")
    return input


def _number(value: Any, name: str) -> Any:
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


class Scatter(SetArrays):
    """z = x, but z[index[i, j], j] = source[i, j], and likewise along other dimensions"""

    __slots__ = ()


class ScatterAdd(AddArrays):
    """z = x, with source[i, j] added to z[index[i, j], j], and likewise along other dimensions"""

    __slots__ = ()


def _along(
    input: Tensor, dim: int, index: Any, name: str
) -> tuple[tuple[bool, ...], list[Any], tuple[int, ...]]:
    """Layout and arrays of a key with one element of x for each of `index`; the index's shape."""
    ndim = input.array.ndim
    dim = normalize_dim(dim, ndim)
    index = _index_along(index, name)
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
def gather(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The elements of x that `index` names along `dim`, one for each element of `index`.

    z[i, j] = x[index[i, j], j] for dim=0, x[i, index[i, j]] for dim=1. The result has the shape of
    `index`. Raises RuntimeError for positions out of range or negative, and for shapes that do not
    fit. PyTorch: `torch.gather`.

    >>> scores = tg.tensor([[0.1, 0.9], [0.8, 0.2]])
    >>> tg.gather(scores, 1, tg.tensor([[1], [0]]))
    tensor([[0.9000],
            [0.8000]])
    """
    layout, key, _ = _along(input, dim, index, "gather")
    return apply(Gather(layout), input, *key)


def _source(input: Tensor, src: Any, shape: tuple[int, ...], name: str) -> Any:
    """What to scatter: a number, or the part of a tensor that the index covers."""
    if not isinstance(src, TensorBase):
        return _number(src, name)
    _check_same_dtype(input, src, name)  # type: ignore[arg-type]
    if src.shape == shape or 0 in shape:
        return src if src.shape == shape else 0
    if len(src.shape) != len(shape) or any(
        wanted > size for wanted, size in zip(shape, src.shape, strict=True)
    ):
        raise RuntimeError(
            f"{name}: the index of shape {shape} must not be larger than the source of shape "
            f"{src.shape}."
        )
    return src[tuple(slice(size) for size in shape)]  # type: ignore[index]


def _scatter(
    input: Tensor, dim: int, index: Any, src: Any, value: Any, reduce: str | None, name: str
) -> Tensor:
    if (src is None) == (value is None):
        raise TypeError(f"{name}: one of src (a tensor) and value (a number) is needed.")
    if reduce not in (None, "add"):
        raise RuntimeError(f"{name}: reduce is None or 'add'; got {reduce!r}.")
    layout, key, shape = _along(input, dim, index, name)
    source = _source(input, value if src is None else src, shape, name)
    kind = Scatter if reduce is None else ScatterAdd
    if not name.endswith("_"):
        return apply(kind(layout), input, source, *key)
    write(input, kind(layout, in_place=True), source, *key, name=name)
    return input


@numpy_names
def scatter(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor | float | None = None,
    *,
    value: float | None = None,
    reduce: str | None = None,
) -> Tensor:
    """x with elements of `src`, or a number, written where `index` points along `dim`.

    z[index[i, j], j] = src[i, j] for dim=0, z[i, index[i, j]] = src[i, j] for dim=1. Of several
    values for one element the last stays; with reduce="add" all are added to x's. Raises
    RuntimeError for positions out of range or negative, and for shapes or types that do not fit.
    PyTorch: `torch.scatter`.

    >>> tg.scatter(tg.zeros(2, 3), 1, tg.tensor([[2], [0]]), 1.0)
    tensor([[0., 0., 1.],
            [1., 0., 0.]])
    """
    return _scatter(input, dim, index, src, value, reduce, "scatter")


@numpy_names
def scatter_(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor | float | None = None,
    *,
    value: float | None = None,
    reduce: str | None = None,
) -> Tensor:
    """`scatter`, in place. PyTorch: `Tensor.scatter_`.

    >>> tg.zeros(2, 3).scatter_(1, tg.tensor([[2], [0]]), 1.0)
    tensor([[0., 0., 1.],
            [1., 0., 0.]])
    """
    return _scatter(input, dim, index, src, value, reduce, "scatter_")


@numpy_names
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """x with each element of `src` added at the position that `index` names along `dim`.

    Where a position is named several times, all are added. Raises as `scatter`.
    PyTorch: `torch.scatter_add`.

    >>> tg.scatter_add(tg.zeros(3), 0, tg.tensor([0, 2, 0]), tg.tensor([1.0, 2.0, 3.0]))
    tensor([4., 0., 2.])
    """
    return _scatter(input, dim, index, src, None, "add", "scatter_add")


@numpy_names
def scatter_add_(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """`scatter_add`, in place. PyTorch: `Tensor.scatter_add_`.

    >>> tg.zeros(3).scatter_add_(0, tg.tensor([0, 2, 0]), tg.tensor([1.0, 2.0, 3.0]))
    tensor([4., 0., 2.])
    """
    return _scatter(input, dim, index, src, None, "add", "scatter_add_")


def take(input: Tensor, index: Tensor) -> Tensor:
    """The elements of the flattened x at these positions, in the shape of `index`.

    Negative positions count from the end. Raises IndexError if one is out of range.
    PyTorch: `torch.take`.

    >>> tg.take(tg.tensor([[1, 2], [3, 4]]), tg.tensor([0, -1]))
    tensor([1, 4])
    """
    index = _index_along(index, "take")
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
    index = _index_along(indices, "take_along_dim")
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


def _mask(mask: Any, name: str) -> Tensor:
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
    return apply(MaskedFill(), input, _mask(mask, "masked_fill"), _number(value, "masked_fill"))


def masked_fill_(input: Tensor, mask: Tensor, value: Tensor | float) -> Tensor:
    """`masked_fill`, in place. PyTorch: `Tensor.masked_fill_`.

    >>> tg.tensor([1.0, 2.0]).masked_fill_(tg.tensor([True, False]), 0)
    tensor([0., 2.])
    """
    mask = _mask(mask, "masked_fill_")
    write(
        input, MaskedFill(in_place=True), mask, _number(value, "masked_fill_"), name="masked_fill_"
    )
    return input


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements of x where `mask` is true, in one dimension; x and mask are broadcast.

    Raises RuntimeError if the mask is not boolean or does not fit. PyTorch: `torch.masked_select`.

    >>> tg.masked_select(tg.tensor([1, 2, 3]), tg.tensor([True, False, True]))
    tensor([1, 3])
    """
    mask = _mask(mask, "masked_select")
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
    if as_tuple:
        return tuple(wrap(where) for where in np.atleast_1d(input.array).nonzero())
    return wrap(np.argwhere(input.array))


def argwhere(input: Tensor) -> Tensor:
    """Where x is not zero: one row of positions for each such element. No gradient.

    PyTorch: `torch.argwhere`.

    >>> tg.argwhere(tg.tensor([0, 5, 7]))
    tensor([[1],
            [2]])
    """
    return wrap(np.argwhere(input.array))
