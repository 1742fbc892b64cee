"""Writing at many places: scatter, index_put, put, masked_scatter, and into views of a copy.

The operations that place and add are those of `indexing.py`; here are those that reduce, and the
functions with their in-place forms.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import Array, Operation, TensorBase, Value, apply, run, wrap
from . import elementwise, reductions, shape
from .arguments import check_tensor
from .diagonals import Diagonal, tril, triu
from .dims import normalize_dim, numpy_names
from .dtypes import cast, constant
from .gathering import check_same_dtype, elements_along, index_of, mask_of, number_of, rows_along
from .indexing import (
    WHOLE,
    AddArrays,
    Arrays,
    Index,
    IndexArrays,
    SetArrays,
    plan_index,
    write,
)
from .joining import cat
from .views import AsStrided
from .writing_back import written_back

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "as_strided_scatter",
    "diagonal_scatter",
    "fill_diagonal_",
    "index_put",
    "index_put_",
    "index_reduce",
    "index_reduce_",
    "masked_scatter",
    "masked_scatter_",
    "put",
    "put_",
    "scatter",
    "scatter_",
    "scatter_add",
    "scatter_add_",
    "scatter_reduce",
    "scatter_reduce_",
    "select_scatter",
    "slice_scatter",
    "tril_",
    "triu_",
]


# At an index.


def index_put(
    input: Tensor, indices: Sequence[Tensor | None], values: Tensor, accumulate: bool = False
) -> Tensor:
    """x, but x[indices] = values; accumulate=True adds them instead. PyTorch: `torch.index_put`.

    `indices` is a tuple of integer or boolean tensors, None for a whole dimension. Of several
    values for one place the last stays, or all are added. Raises RuntimeError if types or shapes
    differ, IndexError for positions out of range.

    Unlike PyTorch, of values for one place only the one that stays has a gradient.

    >>> tg.index_put(tg.zeros(3), (tg.tensor([0, 0]),), tg.tensor([1.0, 2.0]), accumulate=True)
    tensor([3., 0., 0.])
    """
    if isinstance(indices, TensorBase) or not isinstance(indices, (tuple, list)):
        raise TypeError("index_put: the indices are a tuple of tensors.")
    if not isinstance(values, TensorBase):
        raise TypeError(f"index_put: the values are a tensor; got {type(values).__name__}.")
    check_same_dtype(input, values, "index_put")
    items = tuple(WHOLE if index is None else index for index in indices)
    layout, arrays = plan_index(input, items)
    kind = AddArrays if accumulate else SetArrays
    return _explained(kind(layout), input, values, arrays)


def _explained(operation: Operation, input: Tensor, values: Tensor, arrays: list[Any]) -> Tensor:
    try:
        return apply(operation, input, values, *arrays)
    except IndexError as error:
        raise IndexError(f"index_put: {error} (the tensor has shape {input.shape}).") from None


index_put_ = written_back(
    index_put,
    "index_put_",
    ("tg.zeros(3).index_put_((tg.tensor([1]),), tg.tensor(5.0))", "tensor([0., 5., 0.])"),
)


def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """x with elements replaced at positions of the flattened tensor; accumulate=True adds.

    Negative positions count from the end. Raises IndexError for positions out of range and if index
    and source differ in size, RuntimeError if types differ. PyTorch: `torch.put`.

    >>> tg.put(tg.zeros(2, 2), tg.tensor([0, -1]), tg.tensor([1.0, 2.0]))
    tensor([[1., 0.],
            [0., 2.]])
    """
    index = index_of(index, "put")
    if index.array.size != source.array.size:
        raise IndexError(
            f"put: index and source need equally many elements; got {index.array.size} and "
            f"{source.array.size}."
        )
    check_same_dtype(input, source, "put")
    size, positions = input.array.size, index.array
    outside = positions[(positions < -size) | (positions >= size)]
    if outside.size:
        raise IndexError(f"put: index {outside[0]} is out of range for {size} elements.")
    kind = AddArrays if accumulate else SetArrays
    flat = apply(
        kind((True,)),
        shape.reshape(input, (size,)),
        shape.reshape(source, (source.array.size,)),
        shape.reshape(index, (positions.size,)),
    )
    return shape.reshape(flat, input.shape)


put_ = written_back(
    put, "put_", ("tg.zeros(3).put_(tg.tensor([1]), tg.tensor([5.0]))", "tensor([0., 5., 0.])")
)


def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """x with the elements of `source`, in order, where `mask` is true.

    x and mask are broadcast; of the source as many elements are used as there are true ones. Raises
    RuntimeError if there are too few, if types differ or the mask is not boolean. PyTorch:
    `torch.masked_scatter`.

    >>> tg.masked_scatter(tg.zeros(3), tg.tensor([True, False, True]), tg.tensor([1.0, 2.0]))
    tensor([1., 0., 2.])
    """
    mask = mask_of(mask, "masked_scatter")
    check_same_dtype(input, source, "masked_scatter")
    try:
        whole = np.broadcast_shapes(input.shape, mask.shape)
    except ValueError:
        raise RuntimeError(
            f"masked_scatter: the shapes {input.shape} and {mask.shape} (of the mask) cannot be "
            "broadcast."
        ) from None
    x, mask = shape.expand(input, whole), shape.expand(mask, whole)
    count = int(np.count_nonzero(mask.array))
    if source.array.size < count:
        raise RuntimeError(
            f"masked_scatter: {count} elements are to be written, but the source has only "
            f"{source.array.size}."
        )
    values = shape.flatten(source)[:count]
    if not x.shape:
        return shape.reshape(masked_scatter(shape.reshape(x, (1,)), mask.reshape(1), values), ())
    return apply(SetArrays((True,)), x, values, mask)


masked_scatter_ = written_back(
    masked_scatter,
    "masked_scatter_",
    (
        "tg.zeros(2).masked_scatter_(tg.tensor([False, True]), tg.tensor([1.0]))",
        "tensor([0., 1.])",
    ),
)


# Reductions at an index.


class ReduceExtreme(Arrays):
    """z = x, but z[key] = the largest (or smallest) of what is written there, and of x

    grad_x, grad_value = grad[key], shared evenly by those that are equal to z.
    """

    __slots__ = ("include_self", "share_of_value", "share_of_x", "ufunc")
    scratch = ("share_of_value", "share_of_x")
    values = 2

    def __init__(self, layout: tuple[bool, ...], ufunc: np.ufunc, include_self: bool) -> None:
        super().__init__(layout)
        self.ufunc = ufunc
        self.include_self = include_self

    @property
    def name(self) -> str:
        """Which of the two this is."""
        return "ScatterMax" if self.ufunc is np.maximum else "ScatterMin"

    def forward(self, x: Array, value: Array, *indices: Array) -> Array:
        key = self.key(indices)
        out = x.copy()
        if not self.include_self:
            out[key] = _worst(x.dtype, self.ufunc)
        self.ufunc.at(out, key, value)
        mine = (out == x) | ((out != out) & (x != x))
        if not self.include_self:
            mine[key] = False
        theirs = (value == out[key]) | ((value != value) & (out[key] != out[key]))
        count = mine.astype(np.intp)
        np.add.at(count, key, theirs)
        shares = 1 / np.maximum(count, 1)
        kind = x.dtype if x.dtype.kind == "f" else np.float32
        self.share_of_x = np.where(mine, shares, 0).astype(kind)
        self.share_of_value = np.where(theirs, shares[key], 0).astype(kind)
        return out

    def grad_x(self, grad: Value, *indices: Value) -> Value:
        return grad * self.share_of_x

    def grad_value(self, grad: Value, *indices: Value) -> Value:
        return run(IndexArrays(self.layout), grad, *indices) * self.share_of_value


def _worst(dtype: Any, ufunc: np.ufunc) -> Any:
    """What every other number beats."""
    low = ufunc is np.maximum
    if dtype.kind == "f":
        return -np.inf if low else np.inf
    if dtype.kind == "b":
        return not low
    limits = np.iinfo(dtype)
    return limits.min if low else limits.max


_REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")


def _reduced(
    input: Tensor,
    values: Tensor,
    layout: tuple[bool, ...],
    key: Sequence[Any],
    reduce: str,
    include_self: bool,
) -> Tensor:
    """x with `values` reduced into x[key]."""
    if reduce in ("amax", "amin"):
        ufunc = np.maximum if reduce == "amax" else np.minimum
        return apply(ReduceExtreme(layout, ufunc, include_self), input, values, *key)
    if reduce == "prod":
        return _multiplied(input, values, layout, key, include_self)
    start = input if include_self else apply(SetArrays(layout), input, 0, *key)
    total = apply(AddArrays(layout), start, values, *key)
    if reduce == "sum":
        return total
    count = np.ones(input.shape, np.intp) if include_self else np.zeros(input.shape, np.intp)
    AddArrays(layout, in_place=True).accumulate(count, 1, [constant(index) for index in key])
    mode = None if input.dtype.kind == "f" else "floor"
    divisor = wrap(np.maximum(count, 1).astype(input.dtype))
    return elementwise.div(total, divisor, rounding_mode=mode)


def _multiplied(
    input: Tensor,
    values: Tensor,
    layout: tuple[bool, ...],
    key: Sequence[Any],
    include_self: bool,
) -> Tensor:
    """One row for each element that is written to, with all its factors: their product.

    So the gradient is that of a product, right also where factors are 0.
    """
    arrays = [constant(index) for index in key]
    where = Arrays(layout).positions(input.shape, arrays).reshape(-1)
    if where.size == 0:
        return shape.clone(input)
    targets, group = np.unique(where, return_inverse=True)
    order = np.argsort(group, kind="stable")
    counts = np.bincount(group)
    column = np.arange(where.size) - np.repeat(np.cumsum(counts) - counts, counts)
    one = input.array.size + where.size  # the place of a factor 1
    factors = np.full((targets.size, 1 + counts.max()), one)
    if include_self:
        factors[:, 0] = targets
    factors[group[order], 1 + column] = input.array.size + order
    pool = cat(
        [
            shape.reshape(input, (input.array.size,)),
            shape.reshape(values, (where.size,)),
            wrap(np.ones(1, input.dtype)),
        ]
    )
    products = reductions.prod(apply(IndexArrays((True,)), pool, factors), 1)
    flat = shape.reshape(input, (input.array.size,))
    flat = apply(SetArrays((True,), unique=True), flat, cast(products, input.dtype), targets)
    return shape.reshape(flat, input.shape)


def _check_reduction(reduce: str, names: tuple[str, ...], name: str) -> None:
    if reduce not in names:
        raise RuntimeError(f"{name}: reduce is one of {', '.join(names)}; got {reduce!r}.")


@numpy_names
def scatter_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
) -> Tensor:
    """x with the elements of `src` reduced into where `index` points along `dim`.

    `reduce`: "sum", "prod", "mean", "amax" or "amin", of x's own element and all that are written
    there, or of the latter alone with include_self=False. Elements nothing is written to stay.
    Raises RuntimeError for another name and as `scatter`. PyTorch: `torch.scatter_reduce`.

    >>> index = tg.tensor([0, 0, 2])
    >>> tg.scatter_reduce(tg.ones(3), 0, index, tg.tensor([2.0, 3.0, 4.0]), "prod")
    tensor([6., 1., 4.])
    """
    _check_reduction(reduce, _REDUCTIONS, "scatter_reduce")
    layout, key, size = elements_along(input, dim, index, "scatter_reduce")
    check_same_dtype(input, src, "scatter_reduce")
    if src.shape != size:
        if len(src.shape) != len(size) or any(n > m for n, m in zip(size, src.shape, strict=True)):
            raise RuntimeError(
                f"scatter_reduce: the index of shape {size} must not be larger than the source of "
                f"shape {src.shape}."
            )
        src = src[tuple(slice(n) for n in size)]
    return _reduced(input, src, layout, key, reduce, include_self)


scatter_reduce_ = written_back(
    scatter_reduce,
    "scatter_reduce_",
    (
        'tg.zeros(2).scatter_reduce_(0, tg.tensor([0, 0]), tg.tensor([1.0, 2.0]), "amax")',
        "tensor([2., 0.])",
    ),
)


@numpy_names
def index_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
) -> Tensor:
    """x with each slice of `source` reduced into the slice that `index` names for it.

    `reduce`: "prod", "mean", "amax" or "amin"; for sums there is `index_add`. See `scatter_reduce`.
    PyTorch: `torch.index_reduce`.

    >>> tg.index_reduce(tg.ones(2), 0, tg.tensor([1, 1]), tg.tensor([4.0, 5.0]), "amax")
    tensor([1., 5.])
    """
    _check_reduction(reduce, _REDUCTIONS[1:], "index_reduce")
    at, index, source = rows_along(input, dim, index, source, "index_reduce")
    return _reduced(input, source, (False,) * at + (True,), [index], reduce, include_self)


index_reduce_ = written_back(
    index_reduce,
    "index_reduce_",
    (
        'tg.ones(2).index_reduce_(0, tg.tensor([1]), tg.tensor([4.0]), "prod")',
        "tensor([1., 4.])",
    ),
)


# One element for each element of an index, along a dimension.


class Scatter(SetArrays):
    """z = x, but z[index[i, j], j] = source[i, j], and likewise along other dimensions"""

    __slots__ = ()


class ScatterAdd(AddArrays):
    """z = x, with source[i, j] added to z[index[i, j], j], and likewise along other dimensions"""

    __slots__ = ()


def _source(input: Tensor, src: Any, shape: tuple[int, ...], name: str) -> Any:
    """What to scatter: a number, or the part of a tensor that the index covers."""
    if not isinstance(src, TensorBase):
        return number_of(src, name)
    check_same_dtype(input, src, name)  # type: ignore[arg-type]
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
    name: str,
    input: Tensor,
    dim: int,
    index: Any,
    src: Any,
    value: Any = None,
    reduce: str | None = None,
    in_place: bool = False,
) -> Tensor:
    if (src is None) == (value is None):
        raise TypeError(f"{name}: one of src (a tensor) and value (a number) is needed.")
    if reduce not in (None, "add", "multiply"):
        raise RuntimeError(f"{name}: reduce is None, 'add' or 'multiply'; got {reduce!r}.")
    layout, key, size = elements_along(input, dim, index, name)
    source = _source(input, value if src is None else src, size, name)
    if reduce == "multiply":
        whole = (
            shape.expand(source, size)  # type: ignore[arg-type]
            if isinstance(source, TensorBase)
            else wrap(np.full(size, source, input.dtype))
        )
        return _multiplied(input, whole, layout, key, True)
    kind = Scatter if reduce is None else ScatterAdd
    if not in_place:
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
    values for one element the last stays; with reduce="add" or "multiply" all are added to x's own,
    or multiplied with it. Raises RuntimeError for positions out of range or negative, and for
    shapes or types that do not fit. PyTorch: `torch.scatter`.

    Unlike PyTorch, of sources for one place only the one whose value stays has a gradient.

    >>> tg.scatter(tg.zeros(2, 3), 1, tg.tensor([[2], [0]]), 1.0)
    tensor([[0., 0., 1.],
            [1., 0., 0.]])
    """
    return _scatter("scatter", input, dim, index, src, value, reduce)


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
    if reduce == "multiply":
        return _scatter_multiply_(input, dim, index, src, value=value, reduce=reduce)
    return _scatter("scatter_", input, dim, index, src, value, reduce, in_place=True)


_scatter_multiply_ = written_back(scatter, "scatter_")


@numpy_names
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """x with each element of `src` added at the position that `index` names along `dim`.

    Where a position is named several times, all are added. Raises as `scatter`.
    PyTorch: `torch.scatter_add`.

    >>> tg.scatter_add(tg.zeros(3), 0, tg.tensor([0, 2, 0]), tg.tensor([1.0, 2.0, 3.0]))
    tensor([4., 0., 2.])
    """
    return _scatter("scatter_add", input, dim, index, src, reduce="add")


@numpy_names
def scatter_add_(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """`scatter_add`, in place. PyTorch: `Tensor.scatter_add_`.

    >>> tg.zeros(3).scatter_add_(0, tg.tensor([0, 2, 0]), tg.tensor([1.0, 2.0, 3.0]))
    tensor([4., 0., 2.])
    """
    return _scatter("scatter_add_", input, dim, index, src, reduce="add", in_place=True)


# Into a view of a copy.


class WriteInto(Operation):
    """z = x, but view(z) = value        grad_x = grad, but 0 there; grad_value = view(grad)"""

    __slots__ = ("view",)

    def __init__(self, view: Operation) -> None:
        self.view = view

    def forward(self, x: Array, value: Value) -> Array:
        out = np.array(x, order="C")
        copy.copy(self.view).forward(out)[...] = value
        return out

    def grad_x(self, grad: Value) -> Value:
        return run(WriteInto(self.view), grad, 0)

    def grad_value(self, grad: Value) -> Value:
        # In the order of memory that the view was made for.
        if isinstance(grad, TensorBase):
            return run(copy.copy(self.view), shape.contiguous(grad))  # type: ignore[arg-type]
        return run(copy.copy(self.view), np.array(grad, order="C"))


def _into(input: Tensor, src: Tensor, view: Operation, name: str) -> Tensor:
    region = copy.copy(view).forward(np.broadcast_to(np.empty((), input.dtype), input.shape))
    if src.shape != region.shape:
        raise RuntimeError(
            f"{name}: the source must have the shape of the part that it replaces, {region.shape}; "
            f"got {src.shape}."
        )
    return apply(WriteInto(view), input, cast(src, input.dtype))


@numpy_names
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy of x with `src` as slice number `index` along `dim`. PyTorch: `torch.select_scatter`.

    >>> tg.select_scatter(tg.zeros(2, 2), tg.ones(2), 0, 1)
    tensor([[0., 0.],
            [1., 1.]])
    """
    at = normalize_dim(dim, input.array.ndim)
    size = input.shape[at] if input.shape else 0
    if not -size <= index < size:
        raise IndexError(
            f"select_scatter: index {index} is out of range for dimension {at} with size {size}."
        )
    return _into(input, src, Index((*(WHOLE,) * at, int(index), ...)), "select_scatter")


@numpy_names
def slice_scatter(
    input: Tensor,
    src: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Tensor:
    """A copy of x with `src` in place of the slices start:end:step along `dim`.

    PyTorch: `torch.slice_scatter`.

    >>> tg.slice_scatter(tg.zeros(4), tg.ones(2), 0, 1, 3)
    tensor([0., 1., 1., 0.])
    """
    at = normalize_dim(dim, input.array.ndim)
    if step <= 0:
        raise RuntimeError(f"slice_scatter: the step must be positive; got {step}.")
    part = (WHOLE,) * at + (slice(start, end, step),)
    return _into(input, src, Index(part), "slice_scatter")


def diagonal_scatter(
    input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Tensor:
    """A copy of x with `src` on a diagonal. PyTorch: `torch.diagonal_scatter`.

    >>> tg.diagonal_scatter(tg.zeros(2, 2), tg.tensor([1.0, 2.0]))
    tensor([[1., 0.],
            [0., 2.]])
    """
    check_tensor("diagonal_scatter", input)
    ndim = input.array.ndim
    first, second = normalize_dim(dim1, ndim), normalize_dim(dim2, ndim)
    if first == second:
        raise RuntimeError(
            f"diagonal_scatter: two dimensions are needed; got dim1={dim1} and dim2={dim2}."
        )
    return _into(input, src, Diagonal(offset, first, second), "diagonal_scatter")


def as_strided_scatter(
    input: Tensor,
    src: Tensor,
    size: Sequence[int],
    stride: Sequence[int],
    storage_offset: int | None = None,
) -> Tensor:
    """A copy of x with `src` where `as_strided(x, size, stride, storage_offset)` would look.

    The copy lies in memory row by row, whatever the order of x. Raises RuntimeError where elements
    would be written twice. PyTorch: `torch.as_strided_scatter`.

    Unlike PyTorch, what is written over has the gradient 0.

    >>> tg.as_strided_scatter(tg.zeros(4), tg.ones(2), (2,), (2,))
    tensor([1., 0., 1., 0.])
    """
    check_tensor("as_strided_scatter", input)
    x = shape.contiguous(input)
    seen = shape.clone(x).as_strided(size, stride, storage_offset)
    if not seen.array.flags.writeable:
        raise RuntimeError(
            f"as_strided_scatter: sizes {tuple(size)} and strides {tuple(stride)} name some "
            "elements twice."
        )
    if src.shape != seen.shape:
        raise RuntimeError(
            f"as_strided_scatter: the source must have shape {seen.shape}; got {src.shape}."
        )
    view = AsStrided(tuple(size), tuple(stride), storage_offset or 0)
    return apply(WriteInto(view), x, cast(src, input.dtype))


def fill_diagonal_(input: Tensor, fill_value: float, wrap: bool = False) -> Tensor:
    """Set the main diagonal to one number. PyTorch: `Tensor.fill_diagonal_`.

    More than two dimensions need to be equal: then it is the elements with equal indices.
    wrap=True: in a tall matrix the diagonal begins again after each square. Raises RuntimeError for
    fewer than two dimensions, and for a leaf that requires grad while operations are recorded.

    >>> tg.zeros(2, 2).fill_diagonal_(5)
    tensor([[5., 0.],
            [0., 5.]])
    """
    sizes = input.shape
    if len(sizes) < 2:
        raise RuntimeError(f"fill_diagonal_: at least two dimensions are needed; got {sizes}.")
    if len(sizes) > 2 and len(set(sizes)) > 1:
        raise RuntimeError(f"fill_diagonal_: all sizes need to be equal; got {sizes}.")
    count = sizes[0] if wrap and len(sizes) == 2 else min(sizes)
    number = np.arange(count)
    if wrap and len(sizes) == 2 and sizes[0] > sizes[1]:
        number = number[number % (sizes[1] + 1) < sizes[1]]
        key = [number, number % (sizes[1] + 1)]
    else:
        number = number[: min(sizes)]
        key = [number] * len(sizes)
    operation = SetArrays((True,) * len(sizes), in_place=True, unique=True)
    write(input, operation, fill_value, *key, name="fill_diagonal_")
    return input


tril_ = written_back(tril, "tril_", ("tg.ones(2, 2).tril_()[0]", "tensor([1., 0.])"))
triu_ = written_back(triu, "triu_", ("tg.ones(2, 2).triu_()[1]", "tensor([0., 1.])"))
