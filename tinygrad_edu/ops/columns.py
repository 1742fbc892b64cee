"""The windows that a kernel takes from images, as matrices: im2col, a block at a time.

The columns of all images at once would be as many times larger than the images as the kernel has
elements. A block of them stays in the cache, and the next one takes its memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ..autograd.graph import Array

__all__ = ["Columns", "Pair", "Window", "blocks", "cut"]

Pair: TypeAlias = tuple[int, int]
Block: TypeAlias = tuple[slice, slice, Array]

#: Bytes of a block of columns, to be written and read while they are in the cache. Half of it and
#: twice as much cost 5 to 10 % more time.
BLOCK = 1_500_000


class Window(NamedTuple):
    """How a kernel moves over images (H, W)."""

    kernel: Pair
    stride: Pair = (1, 1)
    #: Zeros before and after, in each dimension; a negative number cuts off so many pixels.
    padding: tuple[Pair, Pair] = ((0, 0), (0, 0))
    dilation: Pair = (1, 1)
    groups: int = 1

    @property
    def reach(self) -> Pair:
        """How far the last element of the kernel is from its first."""
        (height, width), (down, across) = self.kernel, self.dilation
        return (height - 1) * down, (width - 1) * across

    def padded(self, size: Pair) -> Pair:
        """The size of an image with its border."""
        return size[0] + sum(self.padding[0]), size[1] + sum(self.padding[1])

    def places(self, size: Pair) -> Pair:
        """How many places the kernel takes in each dimension of an image of this size."""
        (height, width), reach = self.padded(size), self.reach
        return (
            (height - reach[0] - 1) // self.stride[0] + 1,
            (width - reach[1] - 1) // self.stride[1] + 1,
        )


def cut(x: Array, padding: tuple[Pair, Pair]) -> tuple[Array, tuple[Pair, Pair]]:
    """x (..., H, W) without what negative padding cuts off, and the padding that is left."""
    (top, bottom), (left, right) = padding
    height, width = x.shape[-2:]
    lines = slice(max(0, -top), height + min(0, bottom))
    places = slice(max(0, -left), width + min(0, right))
    return x[..., lines, places], ((max(0, top), max(0, bottom)), (max(0, left), max(0, right)))


def blocks(images: int, lines: int, line_bytes: int) -> Iterator[tuple[slice, slice]]:
    """Cut images of so many lines into blocks: several whole images, or some lines of one."""
    at_once = max(1, BLOCK // max(1, line_bytes))
    if at_once >= lines:
        step = at_once // lines
        for first in range(0, images, step):
            yield slice(first, min(first + step, images)), slice(0, lines)
    else:
        for image in range(images):
            for first in range(0, lines, at_once):
                yield slice(image, image + 1), slice(first, min(first + at_once, lines))


class Columns:
    """The windows of images x (N, C, H, W), block by block.

    Iterating yields which images and which lines of the result a block is about, and its windows
    as matrices, where C are the channels of a group: (N', groups, KH KW C, H' W') if `by_lines`,
    with a window in each column; else (groups, N' H' W', KH KW C), with a window in each row.
    """

    def __init__(self, x: Array, window: Window) -> None:
        x, padding = cut(x, window.padding)
        window = window._replace(padding=padding)
        self.x = x.transpose(0, 2, 3, 1)
        self.window = window
        self.size = x.shape[2], x.shape[3]
        self.places = window.places(self.size)
        self.channels = x.shape[1] // window.groups
        # A copy takes its time by the runs of contiguous memory. Those along a line are as wide as
        # the result; those along the channels have all channels of as many pixels as the kernel is
        # wide. (100, 1, 28, 28) and a kernel of 5×5: 0.4 ms along lines, 1.5 along channels; (100,
        # 16, 28, 28) and 3×3: 2.5 and 1.8.
        together = window.groups == 1 and window.dilation[1] == 1
        run = self.channels * (window.kernel[1] if together else 1)
        self.by_lines = run < min(16, self.places[1])
        if window.kernel == (1, 1):
            # The pixels as they are, without a copy.
            self.by_lines = x.strides[3] == x.itemsize

    def __iter__(self) -> Iterator[Block]:
        shape: tuple[int, ...] = ()
        for images, lines, windows in self.windows():
            # (N', groups, KH, KW, C, H', W') or (groups, N', H', W', KH, KW, C)
            ordered = windows.transpose(1, 0, 4, 5, 6, 2, 3) if self.by_lines else windows
            if self.window.kernel == (1, 1):
                yield images, lines, self.matrices(ordered)  # the pixels themselves, mostly
                continue
            if ordered.shape != shape:
                shape = ordered.shape
                memory = np.empty(shape, self.x.dtype)
                matrices = self.matrices(memory)
            np.copyto(memory, ordered)
            yield images, lines, matrices

    def matrices(self, ordered: Array) -> Array:
        """Windows with the dimensions of rows made one, and those of columns."""
        shape = ordered.shape
        if self.by_lines:
            return ordered.reshape(*shape[:2], prod(shape[2:5]), prod(shape[5:]))
        return ordered.reshape(shape[0], prod(shape[1:4]), prod(shape[4:]))

    def windows(self) -> Iterator[Block]:
        """The windows of each block as a view: (groups, N', H', W', KH, KW, C of the group)."""
        line = self.places[1] * self.x.shape[3] * prod(self.window.kernel) * self.x.itemsize
        each = blocks(len(self.x), self.places[0], line)
        fits = self.x.strides[2 if self.by_lines else 3] == self.x.itemsize
        if fits and not any(sum(self.window.padding, ())):
            windows = self.view(self.x, self.places[0])
            for images, lines in each:
                yield images, lines, windows[:, images, lines]
        else:
            yield from self.through_a_border(each)

    def through_a_border(self, each: Iterator[tuple[slice, slice]]) -> Iterator[Block]:
        """The windows of a copy of each block, made with zeros around it."""
        (top, _), (left, right) = self.window.padding
        (height, width), stride, reach = self.size, self.window.stride[0], self.window.reach[0]
        count = 0, 0
        for images, lines in each:
            # The lines of the images that the windows see, beginning above the image perhaps.
            first = lines.start * stride - top
            end = (lines.stop - 1) * stride + reach + 1 - top
            if (images.stop - images.start, lines.stop - lines.start) != count:
                count = images.stop - images.start, lines.stop - lines.start
                border = self.zeros((count[0], end - first, left + width + right, self.x.shape[3]))
                windows = self.view(border, count[1])
            start = min(max(0, first), height)
            stop = max(start, min(height, end))
            above = max(0, start - first)
            below = above + stop - start
            if count[1] < self.places[0]:
                border[:, :above] = 0
                border[:, below:] = 0
            border[:, above:below, left : left + width] = self.x[images, start:stop]
            yield images, lines, windows

    def zeros(self, shape: tuple[int, int, int, int]) -> Array:
        """Zeros (N, H, W, C) in the order in memory in which the windows are to be copied."""
        if self.by_lines:
            images, height, width, channels = shape
            zeros = np.zeros((images, channels, height, width), self.x.dtype)
            return zeros.transpose(0, 2, 3, 1)
        return np.zeros(shape, self.x.dtype)

    def view(self, x: Array, lines: int) -> Array:
        """All windows of x (N, H, W, C) that lie on so many lines of the result."""
        (down, across), (high, wide) = self.window.stride, self.window.dilation
        sn, sh, sw, sc = x.strides
        groups, channels = self.window.groups, self.channels
        shape = groups, len(x), lines, self.places[1], *self.window.kernel, channels
        strides = sc * channels, sn, sh * down, sw * across, sh * high, sw * wide, sc
        return as_strided(x, shape, strides)
