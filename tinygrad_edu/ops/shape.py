"""Shape: the same elements in another arrangement; parts along a dimension.

Where the result can share memory with the tensor it is a view: a change in place of one is seen in
the other, and the gradient knows of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..autograd.graph import Array, Operation, TensorBase, Value, apply, run, wrap
from .arguments import check_tensor
from .dims import normalize_dim, normalize_dims, numpy_names
from .dtypes import to_dtype
from .indexing import WHOLE, Index, index_along

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_tensors",
    "broadcast_to",
    "clone",
    "contiguous",
    "expand",
    "expand_as",
    "flatten",
    "flip",
    "fliplr",
    "flipud",
    "moveaxis",
    "movedim",
    "narrow",
    "numel",
    "permute",
    "ravel",
    "repeat",
    "repeat_interleave",
    "reshape",
    "reshape_as",
    "roll",
    "select",
    "squeeze",
    "swapaxes",
    "swapdims",
    "t",
    "tile",
    "transpose",
    "unflatten",
    "unsqueeze",
    "view",
    "view_as",
]

Size = int | Sequence[int]


def sizes(first: Any, more: tuple[Any, ...]) -> tuple[int, ...]:
    """Several integers, given one by one or as one sequence, as a tuple."""
    if more or not isinstance(first, (tuple, list)):
        first = (first, *more)
    return tuple(size if type(size) is int else size.__index__() for size in first)


# The same elements in the same order, in another shape.


class Reshape(Operation):
    """z = x in another shape        grad_x = grad in the shape of x"""

    __slots__ = ("input_shape", "to")
    is_view = True

    def __init__(self, to: tuple[int, ...]) -> None:
        self.to = to

    def forward(self, x: Array) -> Array:
        self.input_shape = x.shape
        return x.reshape(self.to)

    def grad_x(self, grad: Value) -> Value:
        return grad.reshape(self.input_shape)


class Flatten(Reshape):
    """z = x with neighbouring dimensions made one"""

    __slots__ = ()


class Squeeze(Reshape):
    """z = x without some dimensions of size 1"""

    __slots__ = ()


class Unsqueeze(Reshape):
    """z = x with one more dimension of size 1"""

    __slots__ = ()


def reshape(input: Tensor, shape: Size, *more: int) -> Tensor:
    """The elements of x in another shape; one size may be -1, which stands for what is left.

    A view if the memory allows it, otherwise a copy. `x.reshape(2, 3)` and `x.reshape((2, 3))` are
    the same. Raises RuntimeError if the number of elements differs. PyTorch: `torch.reshape`.

    >>> tg.reshape(tg.arange(6), (2, -1))
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    check_tensor("reshape", input)
    return apply(Reshape(sizes(shape, more)), input)


def view(input: Tensor, shape: Any, *more: int) -> Tensor:
    """`reshape` that never copies: the result shares memory with x. PyTorch: `Tensor.view`.

    `x.view(tg.int32)`, with a type, reads the same bytes as numbers of that type, outside the
    graph; the last dimension grows or shrinks if its elements have another size. Raises
    RuntimeError if that is impossible, as for most shapes of a transposed tensor.

    >>> tg.arange(6).view(3, 2)
    tensor([[0, 1],
            [2, 3],
            [4, 5]])
    """
    if isinstance(shape, (np.dtype, type)):
        return _reinterpreted(input, shape)
    to = sizes(shape, more)
    result = apply(Reshape(to), input)
    if result.version is not input.version and result.array.size:
        if input.view_of is None:
            # Not transposed by anybody: a kernel has laid its result out with the channels last,
            # where PyTorch's lie in order. No value changes when this one is laid out so, too.
            input.array = np.ascontiguousarray(input.array)
            return apply(Reshape(to), input)
        raise RuntimeError(
            f"view: the shape {to} would need a copy, because elements of this tensor of shape "
            f"{input.shape} that "
            "are neighbours in it are not neighbours in memory. Use `x.reshape(...)`, or "
            "`x.contiguous().view(...)`."
        )
    return result


def _reinterpreted(input: Tensor, dtype: Any) -> Tensor:
    """The same bytes as numbers of another type."""
    wanted, array = to_dtype(dtype), input.array
    old, new = array.dtype.itemsize, wanted.itemsize
    if wanted == array.dtype:
        return view(input, input.shape)
    if old != new:
        if array.ndim == 0 or (array.strides[-1] != old and array.shape[-1] != 1):
            raise RuntimeError(
                f"view: to be seen as {wanted}, whose elements have another size than those of "
                f"{array.dtype}, a tensor needs a last dimension that is contiguous; this one has "
                f"shape {array.shape}. Use `x.contiguous().view(...)`."
            )
        if array.shape[-1] * old % new or any(step % new for step in array.strides[:-1]):
            raise RuntimeError(
                f"view: rows of {array.shape[-1]} elements of {array.dtype} ({old} bytes each) "
                f"cannot be divided into elements of {wanted} ({new} bytes)."
            )
    return wrap(array.view(wanted), None, input.version)


def view_as(input: Tensor, other: Tensor) -> Tensor:
    """`view` in the shape of `other`. PyTorch: `Tensor.view_as`.

    >>> tg.arange(4).view_as(tg.zeros(2, 2))
    tensor([[0, 1],
            [2, 3]])
    """
    return view(input, other.shape)


def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """`reshape` to the shape of `other`. PyTorch: `Tensor.reshape_as`.

    >>> tg.arange(4).reshape_as(tg.zeros(2, 2))
    tensor([[0, 1],
            [2, 3]])
    """
    return reshape(input, other.shape)


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dimensions `start_dim` to `end_dim` as one; without arguments, all. PyTorch: `torch.flatten`.

    Raises RuntimeError if start_dim comes after end_dim.

    >>> tg.flatten(tg.zeros(2, 3, 4), start_dim=1).shape
    (2, 12)
    """
    check_tensor("flatten", input)
    shape = input.array.shape
    start, end = normalize_dim(start_dim, len(shape)), normalize_dim(end_dim, len(shape))
    if start > end:
        raise RuntimeError(f"flatten: start_dim={start_dim} cannot come after end_dim={end_dim}.")
    middle = math.prod(shape[start : end + 1])
    return apply(Flatten((*shape[:start], middle, *shape[end + 1 :])), input)


def ravel(input: Tensor) -> Tensor:
    """All elements in one dimension. PyTorch: `torch.ravel`.

    >>> tg.ravel(tg.tensor([[1, 2], [3, 4]]))
    tensor([1, 2, 3, 4])
    """
    return flatten(input)


@numpy_names
def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """One dimension as several, of the given sizes; one of them may be -1.

    Raises RuntimeError if the sizes do not multiply to that of the dimension.
    PyTorch: `torch.unflatten`.

    >>> tg.unflatten(tg.zeros(2, 6), 1, (3, -1)).shape
    (2, 3, 2)
    """
    shape = input.array.shape
    dim = normalize_dim(dim, len(shape))
    if not shape:
        raise RuntimeError("unflatten: a single number has no dimension to divide; view does it.")
    parts = list(sizes)
    if parts.count(-1) == 1:
        known = math.prod(size for size in parts if size != -1)
        if known and shape[dim] % known == 0:
            parts[parts.index(-1)] = shape[dim] // known
    if -1 in parts or math.prod(parts) != shape[dim]:
        raise RuntimeError(
            f"unflatten: the sizes {tuple(sizes)} do not multiply to {shape[dim]}, the size of "
            f"dimension {dim}."
        )
    return apply(Reshape((*shape[:dim], *parts, *shape[dim + 1 :])), input)


@numpy_names
def squeeze(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """x without its dimensions of size 1, or without those in `dim` that have size 1.

    PyTorch: `torch.squeeze`.

    >>> tg.squeeze(tg.zeros(1, 3, 1)).shape, tg.squeeze(tg.zeros(1, 3, 1), dim=0).shape
    ((3,), (3, 1))
    """
    shape = input.array.shape
    dims = range(len(shape)) if dim is None else _dims(dim, len(shape))
    return apply(
        Squeeze(tuple(size for place, size in enumerate(shape) if size != 1 or place not in dims)),
        input,
    )


@numpy_names
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """x with a dimension of size 1 inserted at `dim`. PyTorch: `torch.unsqueeze`.

    >>> tg.unsqueeze(tg.zeros(3), 0).shape, tg.unsqueeze(tg.zeros(3), -1).shape
    ((1, 3), (3, 1))
    """
    shape = input.array.shape
    dim = normalize_dim(dim, len(shape) + 1)
    return apply(Unsqueeze((*shape[:dim], 1, *shape[dim:])), input)


def _dims(dim: int | Sequence[int], ndim: int) -> tuple[int, ...]:
    """The dimensions named, where an empty sequence names none."""
    if not isinstance(dim, int) and len(dim) == 0:
        return ()
    return normalize_dims(dim, ndim)


def _atleast(ndim: int, place: Any, tensors: tuple[Any, ...]) -> Any:
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
        return tuple(reshape(x, place(x.shape)) if x.array.ndim < ndim else x for x in tensors)
    results = tuple(reshape(x, place(x.shape)) if x.array.ndim < ndim else x for x in tensors)
    return results[0] if len(results) == 1 else results


def atleast_1d(*tensors: Any) -> Any:
    """Numbers as vectors of one element; other tensors as they are. PyTorch: `torch.atleast_1d`.

    One tensor gives a tensor; several, or a sequence of tensors, give a tuple.

    >>> tg.atleast_1d(tg.tensor(1.0))
    tensor([1.])
    """
    return _atleast(1, lambda shape: (1,), tensors)


def atleast_2d(*tensors: Any) -> Any:
    """Numbers and vectors as matrices of one row. PyTorch: `torch.atleast_2d`.

    >>> tg.atleast_2d(tg.tensor([1.0, 2.0]))
    tensor([[1., 2.]])
    """
    return _atleast(2, lambda shape: (1,) * (2 - len(shape)) + shape, tensors)


def atleast_3d(*tensors: Any) -> Any:
    """Numbers, vectors (1, n, 1) and matrices (m, n, 1) with three dimensions.

    PyTorch: `torch.atleast_3d`.

    >>> tg.atleast_3d(tg.zeros(4)).shape, tg.atleast_3d(tg.zeros(2, 4)).shape
    ((1, 4, 1), (2, 4, 1))
    """
    return _atleast(3, lambda shape: (*((1,) * (2 - len(shape)) + shape), 1), tensors)


# The dimensions in another order.


class Permute(Operation):
    """z = x with its dimensions in the order `dims`        grad_x = grad in the former order"""

    __slots__ = ("dims",)
    is_view = True

    def __init__(self, dims: tuple[int, ...]) -> None:
        self.dims = dims

    def forward(self, x: Array) -> Array:
        return x.transpose(self.dims)

    def grad_x(self, grad: Value) -> Value:
        back = [0] * len(self.dims)
        for place, dim in enumerate(self.dims):
            back[dim] = place
        return run(type(self)(tuple(back)), grad)


class Transpose(Permute):
    """z = x with two dimensions exchanged"""

    __slots__ = ()


def permute(input: Tensor, dims: Size, *more: int) -> Tensor:
    """A view of x with its dimensions in the order `dims`. PyTorch: `torch.permute`.

    Raises RuntimeError unless every dimension is named once.

    >>> tg.permute(tg.zeros(2, 3, 4), (2, 0, 1)).shape
    (4, 2, 3)
    """
    check_tensor("permute", input)
    ndim = input.array.ndim
    order = sizes(dims, more)
    if len(order) != ndim:
        raise RuntimeError(
            f"permute: a tensor of {ndim} dimensions needs {ndim} of them; got {order}."
        )
    return apply(Permute(_dims(order, ndim)), input)


@numpy_names
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """A view of x with two dimensions exchanged. PyTorch: `torch.transpose`.

    >>> tg.transpose(tg.tensor([[1, 2, 3], [4, 5, 6]]), 0, 1)
    tensor([[1, 4],
            [2, 5],
            [3, 6]])
    """
    ndim = input.array.ndim
    dim0, dim1 = normalize_dim(dim0, ndim), normalize_dim(dim1, ndim)
    dims = list(range(ndim))
    if ndim:
        dims[dim0], dims[dim1] = dim1, dim0
    return apply(Transpose(tuple(dims)), input)


swapaxes = swapdims = transpose


def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; vectors and numbers as they are. PyTorch: `torch.t`.

    Raises RuntimeError for more than two dimensions.

    >>> tg.t(tg.tensor([[1, 2], [3, 4]]))
    tensor([[1, 3],
            [2, 4]])
    """
    check_tensor("t", input)
    if input.array.ndim > 2:
        raise RuntimeError(
            f"t: a tensor with at most 2 dimensions is expected; this one has shape {input.shape}. "
            "Use `x.mT` to transpose each matrix of a batch, or `x.transpose(dim0, dim1)`."
        )
    return reversed_dims(input)


def reversed_dims(input: Tensor) -> Tensor:
    """A view of x with its dimensions in reverse order; for a matrix, its transpose.

    PyTorch: `Tensor.T`.
    """
    return apply(Transpose(tuple(range(input.array.ndim))[::-1]), input)


def matrix_transpose(input: Tensor) -> Tensor:
    """A view of x with its last two dimensions exchanged: each matrix of a batch transposed.

    Raises RuntimeError for fewer than two dimensions. PyTorch: `Tensor.mT`.
    """
    if input.array.ndim < 2:
        raise RuntimeError(
            f"mT: at least two dimensions are needed; this tensor has shape {input.shape}."
        )
    return transpose(input, -2, -1)


def movedim(input: Tensor, source: Size, destination: Size) -> Tensor:
    """A view of x with the dimensions `source` moved to the places `destination`.

    PyTorch: `torch.movedim`.

    >>> tg.movedim(tg.zeros(2, 3, 4), 0, -1).shape
    (3, 4, 2)
    """
    check_tensor("movedim", input)
    ndim = input.array.ndim
    sources, places = _dims(source, ndim), _dims(destination, ndim)
    if len(sources) != len(places):
        raise RuntimeError(
            f"movedim: source and destination name equally many dimensions; got {source} and "
            f"{destination}."
        )
    order = [dim for dim in range(ndim) if dim not in sources]
    for place, dim in sorted(zip(places, sources, strict=True)):
        order.insert(place, dim)
    return apply(Permute(tuple(order)), input)


moveaxis = movedim


# More elements.


class Expand(Operation):
    """z = x, repeated along dimensions of size 1 without a copy        grad_x = sum of grad"""

    __slots__ = ("to",)
    is_view = True

    def __init__(self, to: tuple[int, ...]) -> None:
        self.to = to

    def forward(self, x: Array) -> Array:
        if x.size == math.prod(self.to):
            return x.reshape(self.to)
        return np.broadcast_to(x, self.to)

    def grad_x(self, grad: Value) -> Value:
        return grad


def expand(input: Tensor, size: Size, *more: int) -> Tensor:
    """A view of x in a larger shape: dimensions of size 1 are repeated, new ones added in front.

    -1 keeps a size. The elements are not copied, so the result cannot be written to: use `x.repeat`
    or a `.clone()` for that. Raises RuntimeError if another dimension than one of size 1 would
    change. PyTorch: `Tensor.expand`.

    >>> tg.tensor([[1], [2]]).expand(-1, 3)
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    shape = input.array.shape
    to = sizes(size, more)
    new = len(to) - len(shape)
    if new < 0:
        raise RuntimeError(f"expand: {len(to)} sizes are too few for a tensor of shape {shape}.")
    if -1 in to[:new]:
        raise RuntimeError(
            f"expand: -1 keeps the size of a dimension, but {to} begins with {new} new ones."
        )
    result = to[:new] + tuple(
        old if size == -1 else size for size, old in zip(to[new:], shape, strict=True)
    )
    for dim, (new_size, old) in enumerate(zip(result[new:], shape, strict=True), new):
        if new_size != old and old != 1:
            raise RuntimeError(
                f"expand: the size {new_size} of dimension {dim} must match the existing size "
                f"{old}, because only "
                f"size 1 can grow. Target sizes: {to}; the tensor has shape {shape}."
            )
    return apply(Expand(result), input)


def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """`expand` to the shape of `other`. PyTorch: `Tensor.expand_as`.

    >>> tg.tensor([1, 2]).expand_as(tg.zeros(2, 2))
    tensor([[1, 2],
            [1, 2]])
    """
    return expand(input, other.shape)


def broadcast_to(input: Tensor, shape: Size, *more: int) -> Tensor:
    """`expand` as a function. PyTorch: `torch.broadcast_to`.

    >>> tg.broadcast_to(tg.tensor([1, 2]), (2, 2))
    tensor([[1, 2],
            [1, 2]])
    """
    check_tensor("broadcast_to", input)
    return expand(input, sizes(shape, more))


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Views of the tensors in the one shape that all of them broadcast to.

    Raises RuntimeError if there is none. PyTorch: `torch.broadcast_tensors`.

    >>> x, y = tg.broadcast_tensors(tg.zeros(3), tg.zeros(2, 1))
    >>> x.shape, y.shape
    ((2, 3), (2, 3))
    """
    shapes = [x.shape for x in tensors]
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        raise RuntimeError(
            f"broadcast_tensors: the shapes {shapes} cannot be broadcast to one."
        ) from None
    return tuple(expand(x, shape) for x in tensors)


class Repeat(Operation):
    """z = copies of x side by side        grad_x = the sum of the gradients of the copies"""

    __slots__ = ("counts", "input_shape")

    def __init__(self, counts: tuple[int, ...]) -> None:
        self.counts = counts

    def forward(self, x: Array) -> Array:
        self.input_shape = (1,) * (len(self.counts) - x.ndim) + x.shape
        return np.tile(x, self.counts)

    def grad_x(self, grad: Value) -> Value:
        pairs = [part for pair in zip(self.counts, self.input_shape, strict=True) for part in pair]
        return grad.reshape(tuple(pairs)).sum(axis=tuple(range(0, len(pairs), 2)))


def repeat(input: Tensor, repeats: Size, *more: int) -> Tensor:
    """Copies of x side by side, so many along each dimension.

    More numbers than dimensions add dimensions in front.     Raises RuntimeError for fewer numbers
    than dimensions. PyTorch: `Tensor.repeat`; NumPy's `tile`.

    >>> tg.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    counts = sizes(repeats, more)
    if len(counts) < input.array.ndim:
        raise RuntimeError(
            f"repeat: {len(counts)} numbers are too few for a tensor of shape {input.shape}: one "
            "for each dimension "
            "is needed. `x.tile` fills up with ones, `x.repeat_interleave` repeats single elements."
        )
    if any(count < 0 for count in counts):
        raise RuntimeError(f"repeat: numbers of copies cannot be negative; got {counts}.")
    return apply(Repeat(counts), input)


def tile(input: Tensor, dims: Size, *more: int) -> Tensor:
    """`repeat` where missing numbers in front are ones. PyTorch: `torch.tile`.

    >>> tg.tile(tg.tensor([[1, 2]]), (2,))
    tensor([[1, 2, 1, 2]])
    """
    check_tensor("tile", input)
    counts = sizes(dims, more)
    return repeat(input, (1,) * (input.array.ndim - len(counts)) + counts)


@numpy_names
def repeat_interleave(
    input: Tensor, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each element of x (flattened), or each slice along `dim`, several times in a row.

    `repeats` is one number, or one for each element; with x alone, x are the repeats, and the
    result are positions. `output_size`, if given, has to be the size of the result. Raises
    RuntimeError for negative or too many numbers, and for such that are no integers.
    PyTorch: `torch.repeat_interleave`; NumPy's `repeat`.

    >>> tg.repeat_interleave(tg.tensor([1, 2]), 2)
    tensor([1, 1, 2, 2])
    >>> tg.repeat_interleave(tg.tensor([1, 2]))
    tensor([0, 1, 1])
    """
    if repeats is None:
        if input.array.ndim != 1:
            raise RuntimeError(
                f"repeat_interleave: repeats alone are a vector; got shape {input.shape}."
            )
        return repeat_interleave(
            wrap(np.arange(input.array.size)), input, 0, output_size=output_size
        )
    if dim is None:
        input, dim = ravel(input), 0
    dim = normalize_dim(dim, input.array.ndim)
    counts = repeats.array if isinstance(repeats, TensorBase) else np.asarray(repeats)
    if counts.ndim and counts.size not in (1, input.shape[dim]):
        raise RuntimeError(
            f"repeat_interleave: one number, or one for each of the {input.shape[dim]} slices "
            "along dimension "
            f"{dim}, is needed; got {counts.size}."
        )
    if counts.dtype.kind not in "iu" or counts.min(initial=0) < 0:
        raise RuntimeError(
            "repeat_interleave: the numbers of repeats are integers, not negative; got "
            f"{counts.tolist()} ({counts.dtype})."
        )
    positions = np.repeat(np.arange(input.shape[dim]), counts)
    if output_size not in (None, positions.size):
        raise RuntimeError(
            f"repeat_interleave: output_size={output_size}, but the result has {positions.size}."
        )
    return index_along(input, dim, positions)


# Parts, and another order along a dimension.


@numpy_names
def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """A view of `length` slices of x along `dim`, from `start` on. PyTorch: `torch.narrow`.

    Raises IndexError if the start, RuntimeError if the end is out of range.

    >>> tg.narrow(tg.arange(5), 0, 1, 3)
    tensor([1, 2, 3])
    """
    dim = normalize_dim(dim, input.array.ndim)
    start, length = int(start), int(length)
    if input.array.ndim == 0:
        raise RuntimeError("narrow: a 0-dimensional tensor has no dimension to cut.")
    size = input.shape[dim]
    if not -size <= start <= size:
        raise IndexError(
            f"narrow: start {start} is out of range for dimension {dim} with size {size}."
        )
    start += size if start < 0 else 0
    if length < 0 or start + length > size:
        raise RuntimeError(
            f"narrow: start ({start}) + length ({length}) exceeds the size of dimension {dim} "
            f"({size})."
        )
    return apply(Index((WHOLE,) * dim + (slice(start, start + length),)), input)


@numpy_names
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """A view of slice number `index` of x along `dim`. PyTorch: `torch.select`.

    Raises IndexError if the index is out of range.

    >>> tg.select(tg.tensor([[1, 2], [3, 4]]), 1, 0)
    tensor([1, 3])
    """
    dim = normalize_dim(dim, input.array.ndim)
    index = int(index)
    size = input.shape[dim] if input.array.ndim else 0
    if not -size <= index < size:
        raise IndexError(
            f"select: index {index} is out of range for dimension {dim} with size {size} of a "
            "tensor of shape "
            f"{input.shape}."
        )
    return apply(Index((*(WHOLE,) * dim, index, ...)), input)


class Flip(Operation):
    """z = x in reverse order along `dims`        grad_x = grad in reverse order"""

    __slots__ = ("dims",)

    def __init__(self, dims: tuple[int, ...]) -> None:
        self.dims = dims

    def forward(self, x: Array) -> Array:
        return np.flip(x, self.dims).copy()

    def grad_x(self, grad: Value) -> Value:
        return run(Flip(self.dims), grad)


def flip(input: Tensor, dims: Size, *more: int) -> Tensor:
    """x in reverse order along the dimensions `dims`; a copy, as in PyTorch: `torch.flip`.

    >>> tg.flip(tg.tensor([[1, 2], [3, 4]]), dims=[0])
    tensor([[3, 4],
            [1, 2]])
    """
    check_tensor("flip", input)
    return apply(Flip(_dims(sizes(dims, more), input.array.ndim)), input)


def fliplr(input: Tensor) -> Tensor:
    """Columns in reverse order. Raises RuntimeError for fewer than two dimensions.

    PyTorch: `torch.fliplr`.

    >>> tg.fliplr(tg.tensor([[1, 2], [3, 4]]))
    tensor([[2, 1],
            [4, 3]])
    """
    check_tensor("fliplr", input)
    if input.array.ndim < 2:
        raise RuntimeError(f"fliplr: at least two dimensions are needed; got shape {input.shape}.")
    return flip(input, 1)


def flipud(input: Tensor) -> Tensor:
    """Rows in reverse order. Raises RuntimeError for a 0-dimensional tensor.

    PyTorch: `torch.flipud`.

    >>> tg.flipud(tg.tensor([1, 2, 3]))
    tensor([3, 2, 1])
    """
    check_tensor("flipud", input)
    if input.array.ndim < 1:
        raise RuntimeError(
            "flipud: at least one dimension is needed; this tensor is a single number."
        )
    return flip(input, 0)


class Roll(Operation):
    """z = x moved by `shifts` along `dims`, in a circle        grad_x = grad moved back"""

    __slots__ = ("dims", "shifts")

    def __init__(self, shifts: tuple[int, ...], dims: tuple[int, ...]) -> None:
        self.shifts = shifts
        self.dims = dims

    def forward(self, x: Array) -> Array:
        return np.roll(x, self.shifts, self.dims)

    def grad_x(self, grad: Value) -> Value:
        return run(Roll(tuple(-shift for shift in self.shifts), self.dims), grad)


@numpy_names
def roll(input: Tensor, shifts: Size, dims: Size | None = None) -> Tensor:
    """x moved by `shifts` places along `dims`; what leaves at one end enters at the other.

    Without `dims` the flattened elements move. Raises RuntimeError unless there is one shift for
    each dimension. PyTorch: `torch.roll`.

    >>> tg.roll(tg.arange(5), 2)
    tensor([3, 4, 0, 1, 2])
    """
    steps = sizes(shifts, ())
    if dims is None or (not isinstance(dims, int) and len(dims) == 0):
        if len(steps) != 1:
            raise RuntimeError(f"roll: {len(steps)} shifts need as many dims; got none.")
        return reshape(apply(Roll(steps, (0,)), ravel(input)), input.shape)
    places = tuple(normalize_dim(dim, input.array.ndim) for dim in sizes(dims, ()))
    if len(places) != len(steps):
        raise RuntimeError(
            f"roll: shifts and dims must be equally many; got {len(steps)} and {len(places)}."
        )
    return (
        apply(Roll(steps, places if input.array.ndim else ()), input)
        if input.array.ndim
        else clone(input)
    )


# Copies.


class Clone(Operation):
    """z = a copy of x        grad_x = grad"""

    __slots__ = ("order",)

    def __init__(self, order: Literal["K", "C"]) -> None:
        self.order = order  # of the elements in memory: "K" as they are, "C" row by row

    def forward(self, x: Array) -> Array:
        return x.copy(order=self.order)

    def grad_x(self, grad: Value) -> Value:
        return grad


def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy of x in memory of its own; gradients flow through it. PyTorch: `torch.clone`.

    `memory_format` is accepted for PyTorch's sake: the copy keeps the order of the elements in
    memory.

    >>> x = tg.tensor([1.0, 2.0])
    >>> y = x.clone()
    >>> y[0] = 5
    >>> x
    tensor([1., 2.])
    """
    return apply(Clone("K"), input)


def contiguous(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """x itself if its elements lie in memory row by row, otherwise a copy that does.

    PyTorch: `Tensor.contiguous`.

    >>> x = tg.zeros(2, 3)
    >>> x.contiguous() is x, x.T.contiguous().is_contiguous()
    (True, True)
    """
    return input if input.array.flags.c_contiguous else apply(Clone("C"), input)


def numel(input: Tensor) -> int:
    """The number of elements. PyTorch: `torch.numel`.

    >>> tg.numel(tg.zeros(2, 3))
    6
    """
    check_tensor("numel", input)
    return input.array.size
