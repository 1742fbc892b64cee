"""Windows as columns and back: unfold and fold, im2col and col2im.

Each is the other's gradient: unfold copies a pixel into every window that sees it, fold adds up
what the windows hold for a pixel.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ..autograd.graph import Array, Operation, TensorBase, Value, apply, run
from .arguments import Sizes, check_tensor, integers
from .columns import Pair, Window, cut

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["col2im", "fold", "im2col", "unfold"]


class Unfold(Operation):
    """z = the windows of x, one in each column        grad_x = for each pixel the sum of grad"""

    __slots__ = ("size", "window")

    def __init__(self, window: Window) -> None:
        self.window = window

    def forward(self, x: Array) -> Array:
        self.size = x.shape[2], x.shape[3]
        x, padding = cut(x, self.window.padding)
        x = np.pad(x, ((0, 0), (0, 0), *padding))
        (down, across), (high, wide) = self.window.stride, self.window.dilation
        sn, sc, sh, sw = x.strides
        windows = as_strided(
            x,
            (*x.shape[:2], *self.window.kernel, *self.window.places(self.size)),
            (sn, sc, sh * high, sw * wide, sh * down, sw * across),
        )
        rows, columns = prod(windows.shape[1:4]), prod(windows.shape[4:])
        return windows.reshape(len(x), rows, columns)

    def grad_x(self, grad: Value) -> Value:
        return run(Fold(self.window, self.size), grad)


class Fold(Operation):
    """z = for each pixel the sum over the windows x that see it        grad_x = grad's windows"""

    __slots__ = ("size", "window")

    def __init__(self, window: Window, size: Pair) -> None:
        self.window = window
        self.size = size

    def forward(self, x: Array) -> Array:
        kernel, (down, across) = self.window.kernel, self.window.stride
        lines, places = self.window.places(self.size)
        channels = x.shape[1] // prod(kernel)
        each = x.reshape(len(x), channels, *kernel, lines, places)
        (top, _), (left, _) = self.window.padding
        height, width = self.window.padded(self.size)
        # Negative padding cuts off pixels that no window sees: they are zero.
        inside = max(height, top + self.size[0]), max(width, left + self.size[1])
        total = np.zeros((len(x), channels, *inside), x.dtype)
        for i, j in np.ndindex(kernel):
            first, left_most = i * self.window.dilation[0], j * self.window.dilation[1]
            below, right = first + (lines - 1) * down + 1, left_most + (places - 1) * across + 1
            total[:, :, first:below:down, left_most:right:across] += each[:, :, i, j]
        return total[:, :, top : top + self.size[0], left : left + self.size[1]]

    def grad_x(self, grad: Value) -> Value:
        return run(Unfold(self.window), grad)


def _window(
    name: str, kernel_size: Sizes, dilation: Sizes, padding: Sizes, stride: Sizes
) -> Window:
    """The arguments as pairs."""
    values = {
        "kernel_size": integers(name, "kernel_size", kernel_size, 2),
        "stride": integers(name, "stride", stride, 2),
        "dilation": integers(name, "dilation", dilation, 2),
    }
    for argument, pair in values.items():
        if min(pair) <= 0:
            raise RuntimeError(f"{name}: {argument} should be greater than zero; got {pair}.")
    border = integers(name, "padding", padding, 2)
    if min(border) < 0:
        raise RuntimeError(f"{name}: padding should be non-negative; got {border}.")
    kernel, strides, dilations = values.values()
    return Window(
        (kernel[0], kernel[1]),
        (strides[0], strides[1]),
        ((border[0], border[0]), (border[1], border[1])),
        (dilations[0], dilations[1]),
    )


def _tensor(name: str, input: Any, ndim: int, meant: str) -> TensorBase:
    """The input, a tensor with or without a batch."""
    x = check_tensor(name, input)
    if x.array.ndim not in (ndim - 1, ndim) or 0 in x.shape[x.array.ndim - ndim + 1 :]:
        raise RuntimeError(
            f"{name}: the input has the shape {meant}, where only the batch may be empty; got "
            f"{x.shape}."
        )
    return x


def unfold(
    input: Tensor,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> Tensor:
    """The windows of images (N, C, H, W) or (C, H, W) as columns: (N, C KH KW, L).

    L windows: in each dimension ⌊(size + 2 padding - dilation (kernel_size - 1) - 1) / stride⌋ + 1,
    by rows. A column has the channels one after the other, each by rows. Every argument is one
    integer or a pair. Raises RuntimeError for another number of dimensions, for arguments that are
    not positive (padding: negative), and where no window fits. PyTorch: `F.unfold`.

    >>> x = tg.arange(9.0).reshape(1, 3, 3)
    >>> F.unfold(x, 2)
    tensor([[0., 1., 3., 4.],
            [1., 2., 4., 5.],
            [3., 4., 6., 7.],
            [4., 5., 7., 8.]])
    """
    x = _tensor("unfold", input, 4, "(N, C, H, W) or (C, H, W)")
    window = _window("unfold", kernel_size, dilation, padding, stride)
    height, width = x.shape[-2:]
    if min(window.places((height, width))) < 1:
        raise RuntimeError(
            f"unfold: no window of kernel_size {window.kernel} with dilation {window.dilation} "
            f"fits into images of size {(height, width)}, or {window.padded((height, width))} "
            "with their padding."
        )
    if x.array.ndim == 3:
        return apply(Unfold(window), input.unsqueeze(0)).squeeze(0)
    return apply(Unfold(window), x)


def fold(
    input: Tensor,
    output_size: Sizes,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> Tensor:
    """Images (N, C, H, W) from windows as columns (N, C KH KW, L): overlapping values are added.

    The transpose of `unfold`, with the same arguments; `output_size` is (H, W). Also without a
    batch: (C KH KW, L). Raises RuntimeError if the columns do not fit the arguments.
    PyTorch: `F.fold`.

    >>> F.fold(tg.ones(1, 4, 4), output_size=3, kernel_size=2)
    tensor([[[[1., 2., 1.],
              [2., 4., 2.],
              [1., 2., 1.]]]])
    """
    x = _tensor("fold", input, 3, "(N, C KH KW, L) or (C KH KW, L)")
    window = _window("fold", kernel_size, dilation, padding, stride)
    height, width = integers("fold", "output_size", output_size, 2)
    rows, columns = x.shape[-2:]
    if rows % prod(window.kernel):
        raise RuntimeError(
            f"fold: a column has C·{window.kernel[0]}·{window.kernel[1]} numbers for kernel_size "
            f"{window.kernel}; {rows} (the input has shape {x.shape}) is no multiple of "
            f"{prod(window.kernel)}."
        )
    lines, places = window.places((height, width))
    if min(lines, places) < 1 or lines * places != columns:
        raise RuntimeError(
            f"fold: images of size {(height, width)} have {max(0, lines)}·{max(0, places)} windows "
            f"of kernel_size {window.kernel} with dilation {window.dilation}, padding "
            f"{(window.padding[0][0], window.padding[1][0])} and stride {window.stride}; the input "
            f"of shape {x.shape} has {columns}."
        )
    if x.array.ndim == 2:
        return apply(Fold(window, (height, width)), input.unsqueeze(0)).squeeze(0)
    return apply(Fold(window, (height, width)), x)


def im2col(
    input_data: Tensor, filter_h: int, filter_w: int, stride: Sizes = 1, pad: Sizes = 0
) -> Tensor:
    """The windows of images (N, C, H, W) as the rows of a matrix: (N OH OW, C filter_h filter_w).

    OH = ⌊(H + 2 pad - filter_h) / stride⌋ + 1, OW alike. A convolution is then one product of
    matrices: `im2col(x, 3, 3) @ weight.flatten(1).T`. The rows are the columns of `F.unfold`.
    Raises RuntimeError for another number of dimensions, and where no window fits. Source: Saito,
    "Deep learning from scratch", 2016, chapter 7.

    >>> F.im2col(tg.rand(10, 3, 7, 7), 5, 5).shape
    (90, 75)
    """
    x = _tensor("im2col", input_data, 4, "(N, C, H, W)")
    if x.array.ndim != 4:
        raise RuntimeError(f"im2col: the images have the shape (N, C, H, W); got {x.shape}.")
    columns = unfold(input_data, (filter_h, filter_w), padding=pad, stride=stride)
    return columns.transpose(1, 2).reshape(-1, columns.shape[1])


def col2im(
    col: Tensor,
    input_shape: tuple[int, int, int, int],
    filter_h: int,
    filter_w: int,
    stride: Sizes = 1,
    pad: Sizes = 0,
) -> Tensor:
    """Images of shape `input_shape` from the rows of `im2col`: overlapping values are added.

    The gradient of `im2col`, not its inverse. Raises RuntimeError if the matrix does not fit the
    other arguments. Source: as `im2col`.

    >>> col = F.im2col(tg.ones(1, 1, 3, 3), 2, 2)
    >>> F.col2im(col, (1, 1, 3, 3), 2, 2)
    tensor([[[[1., 2., 1.],
              [2., 4., 2.],
              [1., 2., 1.]]]])
    """
    images, channels, height, width = input_shape
    window = _window("col2im", (filter_h, filter_w), 1, pad, stride)
    lines, places = window.places((height, width))
    expected = images * lines * places, channels * filter_h * filter_w
    if not isinstance(col, TensorBase):
        raise TypeError(
            f"col2im: the matrix is a tensor; got {type(col).__name__}. Use tg.tensor(...)."
        )
    if col.shape != expected or min(lines, places) < 1:
        raise RuntimeError(
            f"col2im: im2col of images {tuple(input_shape)} with a filter {(filter_h, filter_w)}, "
            f"stride {window.stride} and pad {pad} has the shape {expected}; got {col.shape}."
        )
    columns = col.reshape(images, lines * places, expected[1]).transpose(1, 2)
    return fold(columns, (height, width), (filter_h, filter_w), padding=pad, stride=stride)
