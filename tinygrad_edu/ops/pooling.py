"""Max-pooling: the largest element of each window of (N, C, L) or (N, C, H, W).

The windows of K×K elements are seen as K² strided slices of the input: slice (i, j) holds element
(i, j) of every window, and pooling combines the slices element by element. The kernels keep the
memory layout of their input, be it channels-first or channels-last.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import Array, Operation, TensorBase, Value, apply, run
from ..autograd.leaving import without_gradient
from ..autograd.mode import MODE
from .arguments import Sizes, integers
from .dtypes import int64
from .pooling_windows import Axis, check_input, shifts, windows

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool2d_with_indices",
    "max_unpool1d",
    "max_unpool2d",
]


class PickWinners(Operation):
    """z = in each window the element with the number `index`        grad_x = grad at its place"""

    __slots__ = ("axes", "index")
    scratch = ("index",)

    def __init__(self, axes: Sequence[Axis], index: Array | None = None) -> None:
        self.axes = axes
        self.index = index

    def forward(self, x: Array) -> Array:
        assert self.index is not None
        out = np.zeros_like(self.index, x.dtype)
        for number, outs, ins in shifts(self.axes):
            np.copyto(out[outs], x[ins], where=self.index[outs] == number)
        return out

    def grad_x(self, grad: Value) -> Value:
        return run(PlaceWinners(self.axes, self.index), grad)


class PlaceWinners(Operation):
    """z = 0, with x added in each window at the number `index`        grad_x = grad at its place"""

    __slots__ = ("axes", "index")
    scratch = ("index",)

    def __init__(self, axes: Sequence[Axis], index: Array | None) -> None:
        self.axes = axes
        self.index = index

    def forward(self, x: Array) -> Array:
        index = self.index
        assert index is not None
        shape = (*x.shape[: -len(self.axes)], *(axis.size for axis in self.axes))
        tiles = all(axis.tiles for axis in self.axes)
        out = (np.empty_like if tiles else np.zeros_like)(index, x.dtype, shape=shape)
        if tuple(stride // x.itemsize for stride in x.strides) != index.strides:
            # Each pass over arrays of different layouts takes several times as long.
            x, other = np.empty_like(index, x.dtype), x
            x[...] = other
        # All bits of a number times 1 or 0: unlike x · 0, this is 0 for infinity and NaN, too.
        integer = np.dtype(f"i{x.itemsize}")
        bits = x.view(integer)
        if all(axis.disjoint for axis in self.axes):
            places = out.view(integer)
            for number, outs, ins in shifts(self.axes):
                np.multiply(bits[outs], index[outs] == number, out=places[ins])
            return out
        part = np.empty_like(x)
        for number, outs, ins in shifts(self.axes):
            np.multiply(bits, index == number, out=part.view(integer))
            out[ins] += part[outs]
        return out

    def grad_x(self, grad: Value) -> Value:
        return run(PickWinners(self.axes, self.index), grad)


class MaxPool(PickWinners):
    """z = the largest of each window        grad_x = grad where the first such element stands

    `index` is that element's number in its window, of one byte mostly: an eighth of a position.
    """

    __slots__ = ("indexed",)

    def __init__(self, axes: Sequence[Axis], indexed: bool) -> None:
        super().__init__(axes)
        self.indexed = indexed  # whether to note the winners: for a gradient or for the user

    def forward(self, x: Array) -> Array:
        slices = shifts(self.axes)
        inside = all(axis.inside for axis in self.axes)
        lowest = -inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
        if inside:
            out = x[slices[0][2]].copy(order="K")
            slices = slices[1:]
        else:
            shape = (*x.shape[: -len(self.axes)], *(axis.windows for axis in self.axes))
            out = np.full_like(x, lowest, shape=shape)
        if not self.indexed:
            for _, outs, ins in slices:
                np.maximum(out[outs], x[ins], out=out[outs])
            return out
        index = np.zeros_like(out, np.min_scalar_type(prod(axis.kernel for axis in self.axes)))
        if not inside:
            index[...] = self.first_inside()
        # Copied once, a slice is compared and combined at the speed of contiguous memory: 1.2 ms
        # instead of 1.8 for (100, 30, 24, 24) and a kernel of 2×2.
        candidate = np.empty_like(out)
        won = np.empty_like(index)
        for number, outs, ins in slices:
            if not inside:
                candidate.fill(lowest)
            candidate[outs] = x[ins]
            # The numbers ascend, so the largest is that of the last element that beat all before.
            np.multiply(candidate > out, index.dtype.type(number), out=won)
            np.maximum(index, won, out=index)
            np.maximum(out, candidate, out=out)
        if x.dtype.kind == "f" and out.size and np.isnan(out.max()):
            for number, outs, ins in shifts(self.axes):
                index[outs][np.isnan(x[ins])] = number  # The last one, as in PyTorch.
        self.index = index
        return out

    def first_inside(self) -> Array:
        """The number of the first element of each window that is not padding."""
        firsts = [-(np.minimum(axis.starts, 0) // axis.dilation) for axis in self.axes]
        kernel = tuple(axis.kernel for axis in self.axes)
        return np.ravel_multi_index(np.ix_(*firsts), kernel)

    def positions(self) -> Array:
        """Where each maximum is in its plane, counted by rows: PyTorch's indices."""
        assert self.index is not None
        numbers = np.unravel_index(self.index, [axis.kernel for axis in self.axes])
        flat: Any = 0
        for axis, start, number in zip(
            self.axes, np.ix_(*(axis.starts for axis in self.axes)), numbers, strict=True
        ):
            flat = flat * axis.size + start + number * axis.dilation
        return np.asarray(flat, dtype=int64)


class Unpool(Operation):
    """z = 0, but z[index] = x in each plane        grad_x = grad[index]"""

    __slots__ = ("to",)

    def __init__(self, to: tuple[int, ...]) -> None:
        self.to = to  # the spatial shape of the result

    def forward(self, x: Array, indices: Array) -> Array:
        lead = x.shape[: -len(self.to)]
        out = np.zeros((*lead, prod(self.to)), x.dtype)
        places, values = (a.reshape(*lead, prod(x.shape[len(lead) :])) for a in (indices, x))
        np.put_along_axis(out, places, values, -1)
        return out.reshape(*lead, *self.to)

    def grad_x(self, grad: Value, indices: Value) -> Value:
        lead = grad.shape[: -len(self.to)]
        planes = grad.reshape(*lead, prod(self.to))
        places = indices.reshape(*lead, prod(indices.shape[len(lead) :]))
        return np.take_along_axis(planes, places, -1).reshape(indices.shape)


# The functions.


def pool_maxima(input: Tensor, axes: tuple[Axis, ...], return_indices: bool) -> Any:
    """The maxima of all windows; with indices if they are asked for."""
    operation = MaxPool(axes, return_indices or (MODE.get().grad and input.requires_grad))
    out = apply(operation, input)
    if not return_indices:
        return out
    return out, without_gradient("the indices of max_pool", operation.positions(), input)


def max_pool1d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window of (N, C, L) or (C, L). PyTorch: `F.max_pool1d`.

    As `max_pool2d`, along one dimension.

    >>> F.max_pool1d(tg.tensor([[1.0, 3.0, 2.0, 5.0]]), 2)
    tensor([[3., 5.]])
    """
    x = check_input("max_pool1d", input, 1, "fiu")
    sizes = (kernel_size, stride, padding, dilation)
    axes = windows("max_pool1d", x, 1, sizes, ceil_mode)
    return pool_maxima(input, axes, return_indices)


def max_pool2d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window of (N, C, H, W) or (C, H, W). PyTorch: `F.max_pool2d`.

    (N, C, H, W) becomes (N, C, H', W') with H' = ⌊(H + 2 padding - dilation (kernel_size - 1) - 1)
    / stride⌋ + 1, rounded up with `ceil_mode` unless the last window would begin behind the input.
    `stride` is `kernel_size` if None; the padding is -infinity. Each argument is one integer or a
    pair. The gradient goes to the first of equal elements; NaN counts as the largest, the last one
    first. `return_indices=True`: also the position of each maximum in its plane, counted by rows,
    int64, as `max_unpool2d` takes them.
    Raises RuntimeError for another number of dimensions, for booleans, for a padding above half of
    the kernel size, and where no window fits.

    >>> x = tg.tensor([[[1.0, 2.0, 0.0, 0.0], [3.0, 4.0, 0.0, 7.0]]])
    >>> F.max_pool2d(x, 2)
    tensor([[[4., 7.]]])
    >>> F.max_pool2d(x, 2, return_indices=True)[1]
    tensor([[[5, 7]]])
    """
    x = check_input("max_pool2d", input, 2, "fiu")
    sizes = (kernel_size, stride, padding, dilation)
    axes = windows("max_pool2d", x, 2, sizes, ceil_mode)
    return pool_maxima(input, axes, return_indices)


def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """`max_pool1d(..., return_indices=True)`. PyTorch: `F.max_pool1d_with_indices`.

    >>> F.max_pool1d_with_indices(tg.tensor([[1.0, 3.0, 2.0, 5.0]]), 2)
    (tensor([[3., 5.]]), tensor([[1, 3]]))
    """
    return max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)  # type: ignore[no-any-return]


def max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:
    """`max_pool2d(..., return_indices=True)`. PyTorch: `F.max_pool2d_with_indices`.

    >>> F.max_pool2d_with_indices(tg.tensor([[[1.0, 3.0], [2.0, 5.0]]]), 2)
    (tensor([[[5.]]]), tensor([[[3]]]))
    """
    return max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, True)  # type: ignore[no-any-return]


def _max_unpool(
    name: str, n: int, input: Tensor, indices: Tensor, sizes: Sequence[Any], output_size: Any
) -> Tensor:
    x = check_input(name, input, n, "fiu", empty_channels=True)
    if not isinstance(indices, TensorBase) or indices.dtype != int64:
        kind = indices.dtype if isinstance(indices, TensorBase) else type(indices).__name__
        raise RuntimeError(
            f"{name}: the indices are those of max-pooling with return_indices=True, of type "
            f"int64; got {kind}."
        )
    if indices.shape != x.shape:
        raise RuntimeError(
            f"{name}: expected shape of indices to be same as that of the input, {x.shape}, but "
            f"got {indices.shape}."
        )
    kernels = integers(name, "kernel_size", sizes[0], n)
    strides = kernels if sizes[1] is None else integers(name, "stride", sizes[1], n)
    paddings = integers(name, "padding", sizes[2], n)
    pairs = zip(x.shape[-n:], kernels, strides, paddings, strict=True)
    default = tuple((size - 1) * s + k - 2 * p for size, k, s, p in pairs)
    to = default if output_size is None else tuple(output_size)
    if len(to) == n + 2:
        to = to[2:]
    if len(to) != n:
        raise ValueError(
            f"{name}: output_size has {n} or {n + 2} elements, those of the shape that was pooled; "
            f"got {output_size}."
        )
    if any(abs(size - d) >= s for size, d, s in zip(to, default, strides, strict=True)):
        raise ValueError(
            f"{name}: invalid output_size {output_size}: these windows come from a size near "
            f"{default}, less than stride {strides} away."
        )
    places = indices.array
    if places.size and not 0 <= places.min() <= places.max() < prod(to):
        wrong = int(places.min() if places.min() < 0 else places.max())
        raise RuntimeError(
            f"{name}: found an invalid max index: {wrong} is outside of a plane of size {to}."
        )
    return apply(Unpool(to), input, indices)


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Put maxima back to where `max_pool1d` found them, among zeros. PyTorch: `F.max_unpool1d`.

    As `max_unpool2d`, along one dimension.

    >>> values, indices = F.max_pool1d(tg.tensor([[1.0, 3.0, 2.0, 5.0]]), 2, return_indices=True)
    >>> F.max_unpool1d(values, indices, 2)
    tensor([[0., 3., 0., 5.]])
    """
    return _max_unpool(
        "max_unpool1d", 1, input, indices, (kernel_size, stride, padding), output_size
    )


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Put maxima back to where `max_pool2d` found them, among zeros. PyTorch: `F.max_unpool2d`.

    `indices` are those of `max_pool2d(..., return_indices=True)`. Pooling rounds sizes, so
    `output_size` may name the one that was pooled; else H = (H' - 1) stride + kernel_size -
    2 padding. Raises ValueError for a size that pooling would not have given this shape,
    RuntimeError for indices of another type or shape, or outside of the plane.

    >>> x = tg.tensor([[[1.0, 3.0], [2.0, 5.0]]])
    >>> values, indices = F.max_pool2d(x, 2, return_indices=True)
    >>> F.max_unpool2d(values, indices, 2)
    tensor([[[0., 0.],
             [0., 5.]]])
    """
    return _max_unpool(
        "max_unpool2d", 2, input, indices, (kernel_size, stride, padding), output_size
    )
