"""Joining tensors, splitting one into views, and padding."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import Array, Operation, TensorBase, Value, apply, apply_multiple, wrap
from .arguments import check_tensor
from .dims import normalize_dim, numpy_names
from .dtypes import cast, result_type, type_name
from .indexing import WHOLE, Index, index_along
from .shape import atleast_1d, atleast_2d, atleast_3d, reshape, sizes

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "cat",
    "chunk",
    "column_stack",
    "concat",
    "concatenate",
    "constant_pad_nd",
    "dsplit",
    "dstack",
    "hsplit",
    "hstack",
    "pad",
    "row_stack",
    "split",
    "split_with_sizes",
    "stack",
    "tensor_split",
    "unbind",
    "unsafe_chunk",
    "unsafe_split",
    "unsafe_split_with_sizes",
    "vsplit",
    "vstack",
]


class Cat(Operation):
    """z = tensors one after another along `dim`        each takes its part of grad"""

    __slots__ = ("dim", "lengths")
    inputs = ()  # any number

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, *arrays: Array) -> Array:
        self.lengths = [array.shape[self.dim] for array in arrays]
        return np.concatenate(arrays, self.dim)

    def backward(self, grad: Value) -> tuple[Value, ...]:
        ends = itertools.accumulate(self.lengths)
        before = (WHOLE,) * self.dim
        return tuple(
            grad[(*before, slice(end - length, end))] if self.needs(index) else None
            for index, (end, length) in enumerate(zip(ends, self.lengths, strict=True))
        )


class Stack(Operation):
    """z = tensors side by side along a new dimension `dim`        each takes its slice of grad"""

    __slots__ = ("dim",)
    inputs = ()

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, *arrays: Array) -> Array:
        return np.stack(arrays, self.dim)

    def backward(self, grad: Value) -> tuple[Value, ...]:
        before = (WHOLE,) * self.dim
        return tuple(
            grad[(*before, index)] if self.needs(index) else None
            for index in range(len(self.parents))
        )


def _tensors(tensors: Iterable[Tensor], name: str) -> list[Tensor]:
    """The tensors to join, in their common type."""
    if isinstance(tensors, TensorBase):
        raise TypeError(f"{name}: a list or tuple of tensors is needed; got one tensor.")
    parts = list(tensors)
    if not parts:
        error = ValueError if name == "cat" else RuntimeError  # as in PyTorch
        raise error(f"{name}: at least one tensor is needed; got none.")
    for place, part in enumerate(parts):
        if not isinstance(part, TensorBase):
            raise TypeError(f"{name}: element {place} is not a tensor but {type_name(part)}.")
    dtype = parts[0].dtype
    if any(part.dtype is not dtype for part in parts):
        dtype = result_type(*parts)
        parts = [cast(part, dtype) for part in parts]
    return parts


@numpy_names
def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors one after another along the dimension `dim`. PyTorch: `torch.cat`.

    Their shapes are equal in the other dimensions (empty tensors of shape (0,) are passed over);
    their types are promoted. Raises RuntimeError for shapes that do not fit and for 0-dimensional
    tensors.

    >>> tg.cat([tg.tensor([1, 2]), tg.tensor([3])])
    tensor([1, 2, 3])
    """
    parts = _tensors(tensors, "cat")
    for place, part in enumerate(parts):
        if part.array.ndim == 0:
            raise RuntimeError(
                f"cat: the tensor at position {place} is 0-dimensional and cannot be concatenated; "
                "`tg.stack` joins single numbers."
            )
    if len(parts) > 1:
        parts = [part for part in parts if part.shape != (0,)] or parts[:1]
    dim = normalize_dim(dim, parts[0].array.ndim)
    shape = parts[0].shape
    for place, part in enumerate(parts):
        if (
            len(part.shape) != len(shape)
            or part.shape[:dim] + part.shape[dim + 1 :] != shape[:dim] + shape[dim + 1 :]
        ):
            raise RuntimeError(
                f"cat: sizes must match except in dimension {dim}: expected {_like(shape, dim)} "
                "but got "
                f"{part.shape} for tensor number {place} in the list."
            )
    return apply(Cat(dim), *parts)


concat = concatenate = cat


def _like(shape: tuple[int, ...], dim: int) -> str:
    return (
        "("
        + ", ".join("*" if place == dim else str(size) for place, size in enumerate(shape))
        + ")"
    )


@numpy_names
def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors of one shape, side by side along a new dimension. PyTorch: `torch.stack`.

    Types are promoted. Raises RuntimeError if the shapes differ.

    >>> tg.stack([tg.tensor([1, 2]), tg.tensor([3, 4])], dim=1)
    tensor([[1, 3],
            [2, 4]])
    """
    parts = _tensors(tensors, "stack")
    shape = parts[0].shape
    for place, part in enumerate(parts):
        if part.shape != shape:
            raise RuntimeError(
                f"stack: all tensors must have the same shape, but the first has {shape} and "
                f"number {place} "
                f"has {part.shape}."
            )
    return apply(Stack(normalize_dim(dim, len(shape) + 1)), *parts)


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors side by side: along dimension 1, vectors along their only one.

    PyTorch: `torch.hstack`.

    >>> tg.hstack([tg.tensor([1, 2]), tg.tensor([3])])
    tensor([1, 2, 3])
    """
    parts = atleast_1d(_tensors(tensors, "hstack"))
    return cat(parts, 0 if parts and parts[0].array.ndim == 1 else 1)


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors one below the other; vectors are rows. PyTorch: `torch.vstack`.

    >>> tg.vstack([tg.tensor([1, 2]), tg.tensor([3, 4])])
    tensor([[1, 2],
            [3, 4]])
    """
    return cat(atleast_2d(_tensors(tensors, "vstack")), 0)


row_stack = vstack


def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    """Vectors (and numbers) as the columns of a matrix; matrices side by side.

    PyTorch: `torch.column_stack`.

    >>> tg.column_stack([tg.tensor([1, 2]), tg.tensor([3, 4])])
    tensor([[1, 3],
            [2, 4]])
    """
    parts = _tensors(tensors, "column_stack")
    return hstack([reshape(x, (x.array.size, 1)) if x.array.ndim < 2 else x for x in parts])


def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors one behind the other, along dimension 2. PyTorch: `torch.dstack`.

    >>> tg.dstack([tg.tensor([1, 2]), tg.tensor([3, 4])])
    tensor([[[1, 3],
             [2, 4]]])
    """
    return cat(atleast_3d(_tensors(tensors, "dstack")), 2)


# Splitting. The pieces are views, and one operation gathers all their gradients: its work does not
# grow with the number of pieces, as it would if each brought a gradient in the size of the whole.


class Split(Operation):
    """z_i = x between two bounds along `dim`        grad_x = the pieces' gradients, joined"""

    __slots__ = ("bounds", "dim", "input_shape")
    multiple = True
    is_view = True

    def __init__(self, dim: int, bounds: Sequence[int]) -> None:
        self.dim = dim
        self.bounds = bounds  # piece i begins at bounds[i] and ends at bounds[i + 1]

    def key(self, index: int) -> tuple[Any, ...]:
        return (*(WHOLE,) * self.dim, slice(self.bounds[index], self.bounds[index + 1]))

    def part(self, index: int) -> Operation:
        """The operation that makes piece number `index` alone."""
        return Index(self.key(index))

    def forward(self, x: Array) -> list[Array]:
        self.input_shape = x.shape
        return [x[self.key(index)] for index in range(len(self.bounds) - 1)]

    def backward(self, grads: dict[int, Value]) -> tuple[Value]:
        first = next(iter(grads.values()))
        if not isinstance(first, TensorBase):
            out = np.zeros(self.input_shape, first.dtype)
            for index, grad in grads.items():
                out[self.key(index)] = grad
            return (out,)
        pieces = []
        for index in range(len(self.bounds) - 1):
            shape = list(self.input_shape)
            shape[self.dim] = self.bounds[index + 1] - self.bounds[index]
            pieces.append(grads[index] if index in grads else wrap(np.zeros(shape, first.dtype)))
        return (apply(Cat(self.dim), *pieces),)


class Unbind(Operation):
    """z_i = x[i] along `dim`        grad_x = the gradients of the slices, stacked"""

    __slots__ = ("dim", "input_shape")
    multiple = True
    is_view = True

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def part(self, index: int) -> Operation:
        """The operation that makes slice number `index` alone."""
        return Index((*(WHOLE,) * self.dim, index, ...))

    def forward(self, x: Array) -> list[Array]:
        self.input_shape = x.shape
        before = (WHOLE,) * self.dim
        keys: list[Any] = [(*before, index, ...) for index in range(x.shape[self.dim])]
        return [x[key] for key in keys]

    def backward(self, grads: dict[int, Value]) -> tuple[Value]:
        first = next(iter(grads.values()))
        if not isinstance(first, TensorBase):
            out = np.zeros(self.input_shape, first.dtype)
            slices = np.moveaxis(out, self.dim, 0)
            for index, grad in grads.items():
                slices[index] = grad
            return (out,)
        zeros = wrap(np.zeros(first.shape, first.dtype))
        pieces = [grads.get(index, zeros) for index in range(self.input_shape[self.dim])]
        return (apply(Stack(self.dim), *pieces),)


@numpy_names
def split(
    tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    """Views of x: pieces of one size along `dim` (the last may be smaller), or of a list of sizes.

    Raises RuntimeError if the sizes do not add up to that of the dimension. PyTorch: `torch.split`.

    >>> tg.split(tg.arange(5), 2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    >>> tg.split(tg.arange(5), [1, 4])
    (tensor([0]), tensor([1, 2, 3, 4]))
    """
    dim, size = _splittable(tensor, dim, "split")
    if isinstance(split_size_or_sections, (list, tuple)):
        lengths = sizes(split_size_or_sections, ())
        if sum(lengths) != size or min(lengths, default=0) < 0:
            raise RuntimeError(
                f"split: the sizes must add up to {size}, the size of dimension {dim}; got "
                f"{list(lengths)}, "
                f"which gives {sum(lengths)}."
            )
        return apply_multiple(Split(dim, [0, *itertools.accumulate(lengths)]), tensor)
    (length,) = sizes(split_size_or_sections, ())
    if length < 0 or (length == 0 and size):
        raise RuntimeError(f"split: the size of a piece must be positive; got {length}.")
    return apply_multiple(
        Split(dim, [*range(0, size, length or 1), size] if size else [0, 0]), tensor
    )


@numpy_names
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of x: at most `chunks` pieces along `dim`, of one size but for the last.

    Raises RuntimeError unless `chunks` is positive. PyTorch: `torch.chunk`.

    >>> tg.chunk(tg.arange(5), 3)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    if chunks <= 0:
        raise RuntimeError(f"chunk: the number of chunks must be greater than 0; got {chunks}.")
    dim, size = _splittable(input, dim, "chunk")
    if size == 0:
        return apply_multiple(Split(dim, [0] * (chunks + 1)), input)
    return split(input, -(-size // chunks), dim)


@numpy_names
def tensor_split(
    input: Tensor,
    indices_or_sections: int | Sequence[int] | Tensor | None = None,
    dim: int = 0,
    *,
    sections: int | None = None,
    indices: Sequence[int] | None = None,
) -> tuple[Tensor, ...]:
    """Views of x: so many pieces of nearly one size along `dim`, or cut at the given positions.

    By keyword, the number of pieces is `sections`, the positions are `indices`, as in PyTorch:
    `torch.tensor_split`; NumPy's `array_split`.

    >>> tg.tensor_split(tg.arange(5), 3)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    >>> tg.tensor_split(tg.arange(5), [1, 3])
    (tensor([0]), tensor([1, 2]), tensor([3, 4]))
    """
    dim, size = _splittable(input, dim, "tensor_split")
    cuts = _cuts(indices_or_sections, sections, indices, "tensor_split")
    if isinstance(cuts, TensorBase):
        cuts = cuts.array.tolist()
    if isinstance(cuts, (list, tuple)):
        # Cuts may count from the end, lie outside, or go back: then a piece is empty.
        begins = [slice(cut, None).indices(size)[0] for cut in cuts]
        pieces = [
            (begin, max(begin, end))
            for begin, end in zip([0, *begins], [*begins, size], strict=True)
        ]
        if any(end != begin for (_, end), (begin, _) in itertools.pairwise(pieces)):
            before = (WHOLE,) * dim
            return tuple(apply(Index((*before, slice(*piece))), input) for piece in pieces)
        return apply_multiple(Split(dim, [0, *(end for _, end in pieces)]), input)
    if cuts <= 0:
        raise RuntimeError(
            f"tensor_split: the number of sections must be larger than 0; got {cuts}."
        )
    small, larger = divmod(size, cuts)
    lengths = [small + 1] * larger + [small] * (cuts - larger)
    return apply_multiple(Split(dim, [0, *itertools.accumulate(lengths)]), input)


def _cuts(either: Any, sections: int | None, indices: Sequence[int] | None, name: str) -> Any:
    """Where to cut, or into how many pieces: the one of the three arguments that is given."""
    given = [cuts for cuts in (either, sections, indices) if cuts is not None]
    if len(given) != 1:
        raise TypeError(f"{name}: either the number of sections or the indices are needed.")
    return given[0]


def _split_along(
    input: Tensor, sections: int | Sequence[int], dim: int, least: int, name: str
) -> tuple[Tensor, ...]:
    """`tensor_split` along a fixed dimension, into parts of exactly one size."""
    if input.array.ndim < least:
        raise RuntimeError(
            f"{name}: at least {least} dimension(s) are needed; this tensor has shape "
            f"{input.shape}."
        )
    size = input.shape[dim]
    if isinstance(sections, int) and (sections <= 0 or size % sections):
        raise RuntimeError(
            f"{name}: dimension {dim}, of size {size}, cannot be divided into {sections} equal "
            "parts. `tg.tensor_split` makes parts of nearly one size."
        )
    return tensor_split(input, sections, dim)


def hsplit(
    input: Tensor,
    indices_or_sections: int | Sequence[int] | None = None,
    *,
    sections: int | None = None,
    indices: Sequence[int] | None = None,
) -> tuple[Tensor, ...]:
    """Views of x side by side: so many of one size, or cut at positions, along dimension 1.

    A vector is cut along its only dimension. Raises RuntimeError for a number, and if the parts
    would not be equal. PyTorch: `torch.hsplit`.

    >>> [part.shape for part in tg.hsplit(tg.zeros(2, 4), 2)]
    [(2, 2), (2, 2)]
    """
    cuts = _cuts(indices_or_sections, sections, indices, "hsplit")
    return _split_along(input, cuts, 0 if input.array.ndim == 1 else 1, 1, "hsplit")


def vsplit(
    input: Tensor,
    indices_or_sections: int | Sequence[int] | None = None,
    *,
    sections: int | None = None,
    indices: Sequence[int] | None = None,
) -> tuple[Tensor, ...]:
    """Views of x one below the other: so many of one size, or cut at positions, along dimension 0.

    Raises RuntimeError for fewer than two dimensions, and if the parts would not be equal.
    PyTorch: `torch.vsplit`.

    >>> [part.shape for part in tg.vsplit(tg.zeros(4, 3), [1])]
    [(1, 3), (3, 3)]
    """
    cuts = _cuts(indices_or_sections, sections, indices, "vsplit")
    return _split_along(input, cuts, 0, 2, "vsplit")


def dsplit(
    input: Tensor,
    indices_or_sections: int | Sequence[int] | None = None,
    *,
    sections: int | None = None,
    indices: Sequence[int] | None = None,
) -> tuple[Tensor, ...]:
    """Views of x one behind the other: so many of one size, or cut at positions, along dimension 2.

    Raises RuntimeError for fewer than three dimensions, and if the parts would not be equal.
    PyTorch: `torch.dsplit`.

    >>> [part.shape for part in tg.dsplit(tg.zeros(1, 2, 4), 4)][0]
    (1, 2, 1)
    """
    cuts = _cuts(indices_or_sections, sections, indices, "dsplit")
    return _split_along(input, cuts, 2, 3, "dsplit")


@numpy_names
def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """`split` into parts of the given sizes. PyTorch: `torch.split_with_sizes`.

    >>> tg.split_with_sizes(tg.arange(3), [1, 2])
    (tensor([0]), tensor([1, 2]))
    """
    return split(input, list(split_sizes), dim)


# PyTorch's "unsafe" forms do not notice when a part is changed in place; here all do.
unsafe_split, unsafe_chunk, unsafe_split_with_sizes = split, chunk, split_with_sizes


@numpy_names
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of all slices of x along `dim`, as in `for row in x`. PyTorch: `torch.unbind`.

    >>> tg.unbind(tg.tensor([[1, 2], [3, 4]]), 1)
    (tensor([1, 3]), tensor([2, 4]))
    """
    dim, size = _splittable(input, dim, "unbind", IndexError)
    return apply_multiple(Unbind(dim), input) if size else ()


def _splittable(
    input: Tensor, dim: int, name: str, error: type[Exception] = RuntimeError
) -> tuple[int, int]:
    """The dimension, counted from the front, and its size."""
    if input.array.ndim == 0:
        raise error(f"{name}: a 0-dimensional tensor has no dimension to split.")
    dim = normalize_dim(dim, input.array.ndim)
    return dim, input.shape[dim]


# Padding.


class Pad(Operation):
    """z = x with a border of one value        grad_x = grad inside the border"""

    __slots__ = ("input_shape", "value", "widths")

    def __init__(self, widths: list[tuple[int, int]], value: float) -> None:
        self.widths = widths
        self.value = value

    def inner(self) -> tuple[slice, ...]:
        return tuple(
            slice(before, before + size)
            for (before, _), size in zip(self.widths, self.input_shape, strict=True)
        )

    def forward(self, x: Array) -> Array:
        self.input_shape = x.shape
        shape = [
            before + size + after
            for (before, after), size in zip(self.widths, x.shape, strict=True)
        ]
        out = np.full(shape, self.value, x.dtype)
        out[self.inner()] = x
        return out

    def grad_x(self, grad: Value) -> Value:
        return grad[self.inner()]


_MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pad(
    input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    """x with a border: `pad` = (left, right, top, bottom, ...), last dimension first.

    `mode` "constant" fills with `value` (0 if None), and negative widths cut off; "reflect" mirrors
    at the edge elements, "replicate" repeats them, "circular" continues with the other end. Raises
    RuntimeError for widths that do not fit the shape and for a `value` in the other modes,
    NotImplementedError for another mode.
    PyTorch: `F.pad`.

    Unlike PyTorch, the other modes pad tensors of any number of dimensions.

    >>> F.pad(tg.tensor([[1, 2]]), (1, 0, 0, 1))
    tensor([[0, 1, 2],
            [0, 0, 0]])
    >>> F.pad(tg.tensor([1, 2, 3]), (2, 1), mode="reflect")
    tensor([3, 2, 1, 2, 3, 2])
    """
    check_tensor("pad", input)
    shape = input.array.shape
    amounts = sizes(pad, ())
    if len(amounts) % 2:
        raise RuntimeError(
            f"pad: two widths for each dimension are needed, so an even number; got {amounts}."
        )
    if len(amounts) > 2 * len(shape):
        raise RuntimeError(
            f"pad: {len(amounts)} widths are too many for a tensor of shape {shape}."
        )
    pairs = [(0, 0)] * (len(shape) - len(amounts) // 2)
    pairs += [(amounts[at], amounts[at + 1]) for at in range(len(amounts) - 2, -1, -2)]
    for dim, (before, after) in enumerate(pairs):
        if before + shape[dim] + after < 0:
            raise RuntimeError(
                f"pad: the widths {(before, after)} take more from dimension {dim} than its size "
                f"{shape[dim]}."
            )
    if mode != "constant" and mode not in _MODES:
        raise NotImplementedError(
            f"pad: mode is 'constant', 'reflect', 'replicate' or 'circular'; got {mode!r}."
        )
    if mode != "constant" and value not in (None, 0):
        raise RuntimeError(
            f"pad: mode {mode!r} takes its values from the tensor; got value={value}."
        )
    cut = [(min(0, before), min(0, after)) for before, after in pairs]
    if mode in ("constant", "circular") and any(cut_pair != (0, 0) for cut_pair in cut):
        # What is cut off does not come back as the other end of a circle.
        kept = tuple(
            slice(-before, size + after) for (before, after), size in zip(cut, shape, strict=True)
        )
        if any(size + sum(widths) < 0 for size, widths in zip(shape, cut, strict=True)):
            raise RuntimeError(f"pad: the widths {pairs} take more from {shape} than there is.")
        input = apply(Index(kept), input)
        pairs = [(max(0, before), max(0, after)) for before, after in pairs]
        shape = input.array.shape
    if mode == "constant":
        return apply(Pad(pairs, 0 if value is None else value), input)
    for dim, widths in enumerate(pairs):
        if widths != (0, 0):
            input = index_along(input, dim, _border(shape[dim], widths, mode, dim))
    return input


def constant_pad_nd(input: Tensor, pad: Sequence[int], value: float = 0) -> Tensor:
    """`F.pad` with one value. PyTorch: `torch.constant_pad_nd`.

    >>> tg.constant_pad_nd(tg.tensor([1, 2]), (1, 0), 5)
    tensor([5, 1, 2])
    """
    check_tensor("constant_pad_nd", input)
    return _pad(input, pad, "constant", value)


_pad = pad


def _border(size: int, widths: tuple[int, int], mode: str, dim: int) -> Array:
    """The positions along a dimension that a padded one shows."""
    limit = {"reflect": size - 1, "circular": size}.get(mode)
    if size == 0 or (limit is not None and max(widths) > limit):
        raise RuntimeError(
            f"pad: mode {mode!r} can pad dimension {dim}, of size {size}, by at most {limit or 0} "
            "on each side; "
            f"got {widths}."
        )
    before, after = widths
    positions = np.pad(np.arange(size), (max(0, before), max(0, after)), _MODES[mode])  # type: ignore[call-overload]
    return positions[max(0, -before) : len(positions) - max(0, -after)]  # type: ignore[no-any-return]
