"""Views that step through memory by themselves: as_strided, unfold, other types of the same bytes.

Also the operations that change a tensor's own shape in place (`squeeze_`, `t_`, ...).
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import Array, Operation, TensorBase, Value, View, apply, run
from ..autograd.inplace import check_writable
from ..autograd.mode import switched
from ..autograd.notes import Kept
from . import shape
from .arguments import check_tensor
from .dims import normalize_dim, numpy_names
from .indexing import IndexArrays, PlaceArrays

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "adjoint",
    "as_strided",
    "as_strided_",
    "detach",
    "detach_",
    "dim_order",
    "narrow_copy",
    "squeeze_",
    "storage_offset",
    "sum_to_size",
    "swapaxes_",
    "swapdims_",
    "t_",
    "transpose_",
    "unfold",
    "unsqueeze_",
]

Size = int | Sequence[int]


# Any walk through memory.


def _span(array: Array) -> tuple[int, int]:
    """Addresses of the first element of an array, and of the first byte after its last one."""
    low, high = np.lib.array_utils.byte_bounds(array)
    return low, high


def _walk(x: Array, to: tuple[int, ...], strides: tuple[int, ...], offset: int) -> Array:
    """The view of the memory of `x` that begins `offset` bytes after its first element.

    `np.lib.stride_tricks.as_strided` would hide whose memory it is, and cannot begin before `x`.
    """
    root = x
    while isinstance(root.base, np.ndarray):
        root = root.base
    order = sorted(range(root.ndim), key=lambda dim: -root.strides[dim])
    begin = x.__array_interface__["data"][0] - root.__array_interface__["data"][0] + offset
    if 0 in to:
        begin, strides = 0, (0,) * len(to)
    return np.ndarray(to, x.dtype, root.transpose(order), begin, strides)


def _overlaps(to: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    """Whether two elements may share a place: unless each stride steps over all smaller ones."""
    reach = 0
    for step, size in sorted((abs(s), n) for s, n in zip(strides, to, strict=True) if n > 1):
        if step <= reach:
            return True
        reach += step * (size - 1)
    return False


def _places(to: tuple[int, ...], strides: tuple[int, ...], offset: int) -> Array:
    """Where the elements of a walk stand, counted in steps of one element."""
    result = np.full((1,) * len(to), offset, np.intp)
    for dim, (size, step) in enumerate(zip(to, strides, strict=True)):
        result = result + np.arange(size).reshape(-1, *[1] * (len(to) - 1 - dim)) * step
    return result


class AsStrided(Operation):
    """z[i, j, ...] = the element of x's memory at offset + i s0 + j s1 + ...

    grad_x = the gradients of all elements of z that stand where the element of x stands.
    """

    __slots__ = ("input_shape", "input_strides", "offset", "strides", "to")
    is_view = True

    def __init__(self, to: tuple[int, ...], strides: tuple[int, ...], offset: int) -> None:
        self.to = to
        self.strides = strides  # in elements, like the offset, which counts from x's first element
        self.offset = offset

    def forward(self, x: Array) -> Array:
        size = x.itemsize
        self.input_shape = x.shape
        self.input_strides = tuple(step // size for step in x.strides)
        strides = tuple(step * size for step in self.strides)
        result = _walk(x, self.to, strides, self.offset * size)
        result.flags.writeable = x.flags.writeable and not _overlaps(self.to, self.strides)
        return result

    def grad_x(self, grad: Value) -> Value:
        own = _places(self.input_shape, self.input_strides, 0)
        seen = _places(self.to, self.strides, self.offset)
        begin = min(own.min(initial=0), seen.min(initial=0))
        own, seen = (own - begin).reshape(-1), (seen - begin).reshape(-1)
        count = 1 + max(own.max(initial=0), seen.max(initial=0))
        memory = run(PlaceArrays((True,), (int(count),)), grad.reshape(seen.size), seen)
        result = run(IndexArrays((True,)), memory, own)
        if _overlaps(self.input_shape, self.input_strides):
            # The gradients of elements that are one place in memory will be added up: they share.
            result = result / np.bincount(own)[own].astype(self.dtype)
        return result.reshape(self.input_shape)


def as_strided(
    input: Tensor,
    size: Sequence[int],
    stride: Sequence[int],
    storage_offset: int | None = None,
) -> Tensor:
    """A view of x's memory: z[i, j, ...] is the element at offset + i s0 + j s1 + ...

    Strides and offset count elements from the start of the memory that x looks into; without
    `storage_offset`, from x's first element. Elements may appear several times: their gradients add
    up, and such a view cannot be written to. Raises RuntimeError for sizes and strides that do not
    fit together, are negative, or leave the memory. PyTorch: `torch.as_strided`.

    >>> tg.as_strided(tg.arange(5), (3, 3), (1, 1))
    tensor([[0, 1, 2],
            [1, 2, 3],
            [2, 3, 4]])
    """
    check_tensor("as_strided", input)
    to, strides = shape.sizes(size, ()), shape.sizes(stride, ())
    if len(to) != len(strides):
        raise RuntimeError(
            f"as_strided: sizes and strides are equally many; got {to} and {strides}."
        )
    if min(to + strides, default=0) < 0 or (storage_offset or 0) < 0:
        raise RuntimeError(
            f"as_strided: sizes, strides and offset cannot be negative; got {to}, {strides} and "
            f"{storage_offset}."
        )
    here = storage_offset_of(input)
    offset = 0 if storage_offset is None else int(storage_offset) - here
    last = offset + sum(step * (n - 1) for step, n in zip(strides, to, strict=True))
    base: Any = input if input.view_of is None else input.view_of.base
    low, high = _span(base.array)
    elements = (high - low) // input.array.itemsize
    if 0 not in to and here + last >= elements:
        raise RuntimeError(
            f"as_strided: sizes {to}, strides {strides} and offset {here + offset} reach element "
            f"{here + last}, but the memory of this tensor ends with element {elements - 1}."
        )
    if base is input or _within(input.array, to, strides, offset):
        return apply(AsStrided(to, strides, offset), input)
    # It looks at neighbours of x, too: so it is a view of what x is a view of, for the gradient.
    return apply(AsStrided(to, strides, here + offset), base)


def _within(x: Array, to: tuple[int, ...], strides: tuple[int, ...], offset: int) -> bool:
    """Whether a walk meets elements of `x` alone."""
    own = _places(x.shape, tuple(step // x.itemsize for step in x.strides), 0)
    return bool(np.isin(_places(to, strides, offset), own).all())


def storage_offset_of(input: TensorBase) -> int:
    base = input if input.view_of is None else input.view_of.base
    start = input.array.__array_interface__["data"][0] - _span(base.array)[0]
    return start // input.array.itemsize if input.array.size else 0


def storage_offset(input: Tensor) -> int:
    """How many elements stand before this tensor's first one in the memory that it looks into.

    PyTorch: `Tensor.storage_offset`.

    >>> tg.arange(6).reshape(2, 3)[1, 1:].storage_offset()
    4
    """
    return storage_offset_of(input)


class SlidingWindows(Operation):
    """z[..., i, ..., k] = x[..., i step + k, ...]        grad_x = the windows' gradients, summed"""

    __slots__ = ("dim", "input_shape", "size", "step")
    is_view = True

    def __init__(self, dim: int, size: int, step: int) -> None:
        self.dim = dim
        self.size = size
        self.step = step

    def forward(self, x: Array) -> Array:
        self.input_shape = x.shape
        count = (x.shape[self.dim] - self.size) // self.step + 1
        to = (*x.shape[: self.dim], count, *x.shape[self.dim + 1 :], self.size)
        stride = x.strides[self.dim]
        strides = (
            *x.strides[: self.dim],
            stride * self.step,
            *x.strides[self.dim + 1 :],
            stride,
        )
        result = _walk(x, to, strides, 0)
        result.flags.writeable = x.flags.writeable and (count < 2 or self.step >= self.size)
        return result

    def grad_x(self, grad: Value) -> Value:
        count = grad.shape[self.dim]
        windows = np.arange(count)[:, None] * self.step + np.arange(self.size)
        layout = (False,) * self.dim + (True,)
        grad = np.moveaxis(grad, -1, self.dim + 1)
        unique = self.step >= self.size
        return run(PlaceArrays(layout, self.input_shape, unique), grad, windows)


def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """A view of all windows of x along a dimension, `step` apart; they are a new last dimension.

    Windows that overlap cannot be written to. Raises RuntimeError for a window larger than the
    dimension or a step that is not positive. PyTorch: `Tensor.unfold`.

    >>> tg.arange(5).unfold(0, 3, 1)
    tensor([[0, 1, 2],
            [1, 2, 3],
            [2, 3, 4]])
    """
    dim = normalize_dim(dimension, input.array.ndim)
    length = input.shape[dim] if input.array.ndim else 1
    if size < 0 or step <= 0:
        raise RuntimeError(
            f"unfold: the size is at least 0 and the step at least 1; got {size} and {step}."
        )
    if size > length:
        raise RuntimeError(
            f"unfold: a window of {size} is larger than dimension {dim}, of size {length}."
        )
    if input.array.ndim == 0:
        return shape.reshape(input, (1,)) if size else shape.reshape(input, (1,))[:0]
    return apply(SlidingWindows(dim, size, step), input)


# Small relatives of the views in shape.py.


def adjoint(input: Tensor) -> Tensor:
    """Each matrix transposed: for real numbers the same as `x.mT`. PyTorch: `torch.adjoint`.

    Raises RuntimeError for a vector.

    >>> tg.adjoint(tg.tensor([[1.0, 2.0]]))
    tensor([[1.],
            [2.]])
    """
    check_tensor("adjoint", input)
    return input if input.array.ndim == 0 else shape.matrix_transpose(input)


def hermitian(input: Tensor) -> Tensor:
    """A matrix transposed, as `x.T`. Raises RuntimeError for 1 or more than 2 dimensions.

    PyTorch: `Tensor.H`.
    """
    if input.array.ndim not in (0, 2):
        raise RuntimeError(
            f"x.H is for matrices and numbers; this tensor has shape {input.shape}. Use `x.mH` for "
            "each matrix of a batch."
        )
    return shape.reversed_dims(input)


@numpy_names
def narrow_copy(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """`narrow` as a copy. PyTorch: `Tensor.narrow_copy`.

    >>> tg.arange(5).narrow_copy(0, 1, 3)
    tensor([1, 2, 3])
    """
    return shape.clone(shape.narrow(input, dim, start, length))


def sum_to_size(input: Tensor, *size: Any) -> Tensor:
    """x summed to a shape that can be expanded to that of x. PyTorch: `Tensor.sum_to_size`.

    Raises RuntimeError for another shape.

    >>> tg.ones(2, 3).sum_to_size(1, 3)
    tensor([[2., 2., 2.]])
    """
    to = shape.sizes(size[0], size[1:]) if size else ()
    lead = input.array.ndim - len(to)
    fits = lead >= 0 and all(
        wanted in (1, here) for wanted, here in zip(to, input.shape[lead:], strict=True)
    )
    if not fits:
        raise RuntimeError(
            f"sum_to_size: the size {to} cannot be expanded to the size {input.shape} of the "
            "tensor."
        )
    dims = [*range(lead)]
    dims += [lead + d for d, n in enumerate(to) if n == 1 and input.shape[lead + d] != 1]
    return shape.reshape(input.sum(dim=dims), to) if dims else input


def dim_order(input: Tensor) -> tuple[int, ...]:
    """The dimensions by the order of their steps in memory, largest first.

    PyTorch: `Tensor.dim_order`.

    >>> tg.zeros(2, 3, 4).transpose(0, 1).dim_order()
    (1, 0, 2)
    """
    strides = input.array.strides
    return tuple(sorted(range(len(strides)), key=lambda dim: -strides[dim]))


def detach(input: Tensor) -> Tensor:
    """The same values, outside the graph; memory and version are shared. PyTorch: `torch.detach`.

    >>> tg.detach(tg.ones(1, requires_grad=True)).requires_grad
    False
    """
    return input.detach()


def detach_(input: Tensor) -> Tensor:
    """Cut a tensor off from its graph. PyTorch: `torch.detach_`.

    >>> tg.detach_(tg.ones(1, requires_grad=True) * 2).requires_grad
    False
    """
    return input.detach_()


# A tensor's own shape, in place.


def _in_place(name: str, view: Callable[..., Tensor], example: str, result: str) -> Any:
    """The form of a view operation that changes the tensor itself."""

    def function(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        check_writable(input, name)
        if input.view_of is None and (input.needs_grad or not _is_alone(input)):
            raise RuntimeError(
                f"{name}: other tensors, or the graph, know this tensor by the shape it has. "
                f"Compute a new one instead: `x = x.{name[:-1]}(...)`."
            )
        with switched(grad=True):  # What is recorded of this tensor stays true under no_grad.
            seen = view(input, *args, **kwargs)
        if seen is not input:
            _take_over(input, seen)
        return input

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""`{name[:-1]}`, in place: this tensor itself gets the new shape.

    The elements stay where they are. Raises RuntimeError for a tensor that others are views of, or
    whose values the graph has saved, because they know it by its shape: `x = x.{name[:-1]}(...)`
    always works. PyTorch: `Tensor.{name}`.

    >>> {example}
    {result}
    """
    return function


def _is_alone(tensor: TensorBase) -> bool:
    """Whether no other tensor and no node of the graph shares this tensor's version counter."""
    # A view holds its base, and every tensor on the same memory holds the one counter: so it has
    # one owner (and the argument of this call) exactly if there are none.
    if sys.getrefcount(tensor.version) <= 2:
        return True
    # What `viz.keep_values` has kept knows the values only, which stay.
    return all(
        holder is tensor or type(holder) is Kept for holder in gc.get_referrers(tensor.version)
    )


def _take_over(tensor: TensorBase, seen: TensorBase) -> None:
    """Make `tensor` what the view `seen` of it is."""
    link = tensor.view_of
    tensor.array = seen.array
    tensor.node = seen.node
    if link is not None and seen.view_of is not None:
        tensor.view_of = View(link.base, seen.view_of.steps)


squeeze_ = _in_place("squeeze_", shape.squeeze, "tg.ones(1, 3).squeeze_().shape", "(3,)")
unsqueeze_ = _in_place("unsqueeze_", shape.unsqueeze, "tg.ones(3).unsqueeze_(0).shape", "(1, 3)")
transpose_ = _in_place(
    "transpose_", shape.transpose, "tg.ones(2, 3).transpose_(0, 1).shape", "(3, 2)"
)
t_ = _in_place("t_", shape.t, "tg.ones(2, 3).t_().shape", "(3, 2)")
as_strided_ = _in_place(
    "as_strided_", as_strided, "tg.arange(4).as_strided_((2,), (2,))", "tensor([0, 2])"
)
swapaxes_ = swapdims_ = transpose_


def refused(name: str, reason: str) -> Callable[..., Any]:
    """A method of PyTorch's that cannot be had here: calling it says why."""

    def function(input: Tensor, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(f"{name}: {reason}")

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""Refused. Raises RuntimeError: {reason}

    PyTorch: `Tensor.{name}`.
    """
    return function


_OWN_MEMORY = "a NumPy array keeps its size. Make a new tensor: x.reshape(...), tg.empty(...)."
resize_ = refused("resize_", _OWN_MEMORY)
resize_as_ = refused("resize_as_", _OWN_MEMORY)
resize = refused("resize", _OWN_MEMORY)
resize_as = refused("resize_as", _OWN_MEMORY)
set_ = refused("set_", "a tensor's memory is not exchanged by methods; write x.data = other.")
_NO_STORAGE = "the memory behind a tensor is the NumPy array x.detach().numpy()."
storage = refused("storage", _NO_STORAGE)
untyped_storage = refused("untyped_storage", _NO_STORAGE)


def is_set_to(input: Tensor, tensor: Tensor) -> bool:
    """Whether both look at the same memory in the same way. PyTorch: `Tensor.is_set_to`.

    >>> x = tg.ones(2)
    >>> x.is_set_to(x.detach()), x.is_set_to(x.clone())
    (True, False)
    """
    a, b = input.array, tensor.array
    return a.__array_interface__["data"][0] == b.__array_interface__["data"][0] and (
        a.shape,
        a.strides,
        a.dtype,
    ) == (b.shape, b.strides, b.dtype)
