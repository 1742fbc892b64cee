"""Where the windows of pooling lie, and the checks of its arguments."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ..autograd.graph import Array
from .arguments import LAYOUTS, check_tensor, integers

__all__ = ["Axis", "check_input", "shifts", "windows"]

Key: TypeAlias = tuple[Any, ...]


class Axis(NamedTuple):
    """Windows along one dimension: element i of window o is at o stride + i dilation - padding."""

    size: int
    kernel: int
    stride: int
    padding: int
    dilation: int
    windows: int  # how many

    def at(self, i: int) -> tuple[slice, slice]:
        """Which windows have their element i inside the input, and where these elements are."""
        shift = i * self.dilation - self.padding
        first = max(0, -(shift // self.stride))
        end = max(first, min(self.windows, (self.size - 1 - shift) // self.stride + 1))
        begin = first * self.stride + shift
        stop = begin + (end - first - 1) * self.stride + 1 if end > first else begin
        return slice(first, end), slice(begin, stop, self.stride)

    @property
    def starts(self) -> Array:
        """Where each window begins; before the input if it begins in the padding."""
        return np.arange(self.windows) * self.stride - self.padding

    @property
    def inside(self) -> bool:
        """Whether all elements of all windows are elements of the input."""
        last = (self.windows - 1) * self.stride + (self.kernel - 1) * self.dilation
        return self.padding == 0 and last < self.size

    @property
    def disjoint(self) -> bool:
        """Whether no element belongs to two windows."""
        return self.stride >= self.kernel and self.dilation == 1

    @property
    def tiles(self) -> bool:
        """Whether every element belongs to exactly one window."""
        return self.inside and self.disjoint and self.windows * self.kernel == self.size


def shifts(axes: Sequence[Axis]) -> list[tuple[int, Key, Key]]:
    """For each element of a kernel, by rows: its number, the windows that have it, and where."""
    found = []
    each = [[axis.at(i) for i in range(axis.kernel)] for axis in axes]
    for number, pairs in enumerate(itertools.product(*each)):
        outs, ins = zip(*pairs, strict=True)
        found.append((number, (..., *outs), (..., *ins)))
    return found


# Arguments.


def check_input(name: str, input: Any, n: int, types: str, empty_channels: bool = False) -> Array:
    """The array of an input with n spatial dimensions, none of them empty."""
    x = check_tensor(name, input).array
    if x.ndim not in (n + 1, n + 2):
        hint = ""
        if x.ndim == n:
            hint = " A single plane gets a dimension of channels by `x.unsqueeze(0)`."
        raise RuntimeError(f"{name}: the input has the shape {LAYOUTS[n]}; got {x.shape}.{hint}")
    if 0 in x.shape[-n if empty_channels else -n - 1 :]:
        raise RuntimeError(
            f"{name}: only the dimension of the batch may be empty; the shape is {x.shape}."
        )
    if x.dtype.kind not in types:
        raise RuntimeError(f"{name} is not defined for {x.dtype}. Convert first: `x.float()`.")
    return x


def windows(name: str, x: Array, n: int, sizes: Sequence[Any], ceil_mode: bool) -> tuple[Axis, ...]:
    """The windows along each of the last n dimensions of x.

    `sizes` are the arguments kernel_size, stride, padding and dilation.
    """
    kernel_size, stride, padding, dilation = sizes
    kernels = integers(name, "kernel_size", kernel_size, n)
    unset = stride is None or (isinstance(stride, (tuple, list)) and not stride)
    strides = kernels if unset else integers(name, "stride", stride, n)
    paddings = integers(name, "padding", padding, n)
    dilations = integers(name, "dilation", dilation, n)
    numbers = {"kernel_size": kernels, "stride": strides, "dilation": dilations}
    for argument, values in numbers.items():
        if min(values) <= 0:
            raise RuntimeError(f"{name}: {argument} must be greater than zero, but got {values}.")
    axes = []
    for size, k, s, p, d in zip(x.shape[-n:], kernels, strides, paddings, dilations, strict=True):
        if p < 0:
            raise RuntimeError(f"{name}: padding must be non-negative, but got {p}.")
        if p > k // 2:
            raise RuntimeError(
                f"{name}: padding should be at most half of kernel size, but got padding={p} and "
                f"kernel_size={k}: a window could lie in the padding altogether."
            )
        room = size + 2 * p - d * (k - 1) - 1
        count = (room + (s - 1 if ceil_mode else 0)) // s + 1
        if ceil_mode and (count - 1) * s >= size + p:
            count -= 1  # The last window has to begin inside the input or before it.
        if count < 1:
            raise RuntimeError(
                f"{name}: the output size is too small: an input of shape {x.shape} with padding "
                f"{paddings} is smaller than one window of kernel_size {kernels} with dilation "
                f"{dilations}."
            )
        axes.append(Axis(size, k, s, p, d, count))
    return tuple(axes)
