"""Average-pooling and power-average pooling: the mean or the norm of each window."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import Array, Operation, Value, apply, run, wrap
from . import unary
from .activations import relu
from .arguments import Sizes, integers
from .dtypes import int64
from .pooling import pool_maxima
from .pooling_windows import Axis, check_input, windows

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["avg_pool1d", "avg_pool2d", "lp_pool1d", "lp_pool2d"]


# Sums, one dimension after the other: K + K slices instead of K².


class WindowSum(Operation):
    """z = the sum of each window along one dimension        grad_x = each window's grad, spread

    `spans` are pairs of slices: of windows, and of as many elements, one to add to each of them.
    """

    __slots__ = ("count", "dim", "disjoint", "size", "spans")

    def __init__(
        self,
        dim: int,
        size: int,
        count: int,
        spans: Sequence[tuple[slice, slice]],
        disjoint: bool = False,
    ) -> None:
        self.dim = dim  # counted from the end
        self.size = size
        self.count = count
        self.spans = spans
        self.disjoint = disjoint  # no element belongs to two windows

    def along(self, part: slice) -> tuple[Any, ...]:
        return (..., part, *(slice(None),) * (-1 - self.dim))

    def zeros(self, x: Array, size: int) -> Array:
        """An array of zeros like x, but of another size along the dimension."""
        shape = list(x.shape)
        shape[self.dim] = size
        return np.zeros_like(x, shape=tuple(shape))

    def forward(self, x: Array) -> Array:
        spans = self.spans
        if spans and spans[0][0] == slice(0, self.count):
            out = x[self.along(spans[0][1])].copy(order="K")
            spans = spans[1:]
        else:
            out = self.zeros(x, self.count)
        for outs, ins in spans:
            out[self.along(outs)] += x[self.along(ins)]
        return out  # type: ignore[no-any-return]

    def grad_x(self, grad: Value) -> Value:
        return run(WindowSpread(*self.description()), grad)

    def description(self) -> tuple[Any, ...]:
        return self.dim, self.size, self.count, self.spans, self.disjoint


class WindowSpread(WindowSum):
    """z = the sum of x over all windows that an element is in        grad_x = sums of windows"""

    __slots__ = ()

    def forward(self, x: Array) -> Array:
        out = self.zeros(x, self.size)
        for outs, ins in self.spans:
            if self.disjoint:
                out[self.along(ins)] = x[self.along(outs)]
            else:
                out[self.along(ins)] += x[self.along(outs)]
        return out

    def grad_x(self, grad: Value) -> Value:
        return run(WindowSum(*self.description()), grad)


# The functions.


def window_sums(input: Tensor, axes: Sequence[Axis]) -> Tensor:
    """The sum of each window."""
    for dim, axis in zip(range(-len(axes), 0), axes, strict=True):
        spans = [axis.at(i) for i in range(axis.kernel)]
        operation = WindowSum(dim, axis.size, axis.windows, spans, disjoint=axis.disjoint)
        input = apply(operation, input)
    return input


def divided(sums: Tensor, divisor: Any) -> Tensor:
    """Sums divided by a number or an array of numbers; integers are rounded towards 0."""
    if sums.dtype.kind == "f":
        same = divisor.size == 1 or (divisor == divisor.flat[0]).all()
        divisor = divisor.flat[0] if same else wrap(divisor.astype(sums.dtype))
        return sums / (float(divisor) if same else divisor)
    quotient = np.abs(sums.array) // np.abs(divisor)
    return wrap(quotient * np.sign(sums.array) * np.sign(divisor))


def _avg_pool(
    name: str,
    n: int,
    input: Tensor,
    sizes: Sequence[Any],
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: Any = None,
) -> Tensor:
    x = check_input(name, input, n, "fi")
    if x.dtype.kind == "i" and x.dtype != int64:
        raise RuntimeError(f"{name} is not defined for {x.dtype}. Convert first: `x.float()`.")
    axes = windows(name, x, n, (*sizes, 1), ceil_mode)
    if divisor_override is not None:
        if not hasattr(divisor_override, "__index__"):
            raise TypeError(f"{name}: divisor_override is an integer; got {divisor_override!r}.")
        if divisor_override == 0:
            raise RuntimeError(f"{name}: the divisor must be not zero.")
        return divided(window_sums(input, axes), np.array(divisor_override))
    lengths = []
    for axis in axes:
        begin, end = axis.starts, axis.starts + axis.kernel
        if count_include_pad:
            lengths.append(np.minimum(end, axis.size + axis.padding) - begin)
        else:
            lengths.append(np.minimum(end, axis.size) - np.maximum(begin, 0))
    return divided(window_sums(input, axes), np.asarray(prod(np.ix_(*lengths))))


def avg_pool1d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window of (N, C, L) or (C, L). PyTorch: `F.avg_pool1d`.

    As `avg_pool2d`, along one dimension.

    >>> F.avg_pool1d(tg.tensor([[1.0, 3.0, 2.0, 5.0]]), 2)
    tensor([[2.0000, 3.5000]])
    """
    sizes = (kernel_size, stride, padding)
    return _avg_pool("avg_pool1d", 1, input, sizes, ceil_mode, count_include_pad)


def avg_pool2d(
    input: Tensor,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window of (N, C, H, W) or (C, H, W). PyTorch: `F.avg_pool2d`.

    Shapes as in `max_pool2d`. The padding is of zeros; with `count_include_pad=False` they do not
    count, so that the mean is that of the elements inside. `divisor_override` divides the sums by
    another number. int64 is rounded towards 0.
    Raises RuntimeError for another number of dimensions, for other integers and booleans, for a
    padding above half of the kernel size, for a divisor of 0, and where no window fits.

    >>> x = tg.tensor([[[1.0, 2.0], [3.0, 6.0]]])
    >>> F.avg_pool2d(x, 2)
    tensor([[[3.]]])
    >>> F.avg_pool2d(x, 2, divisor_override=1)
    tensor([[[12.]]])
    """
    sizes = (kernel_size, stride, padding)
    return _avg_pool("avg_pool2d", 2, input, sizes, ceil_mode, count_include_pad, divisor_override)


def _lp_pool(
    name: str, n: int, input: Tensor, norm_type: float, sizes: Sequence[Any], ceil_mode: bool
) -> Tensor:
    x = check_input(name, input, n, "f")  # Means of integers would be rounded.
    if abs(norm_type) == inf:
        axes = windows(name, x, n, (*sizes, 0, 1), ceil_mode)
        sign = 1 if norm_type > 0 else -1
        return pool_maxima(unary.abs(input) * sign, axes, False) * sign  # type: ignore[no-any-return]
    means = _avg_pool(name, n, input**norm_type, (*sizes, 0), ceil_mode, True)
    # A norm has no slope at 0, where that of the root is infinite; relu's is 0 there.
    sums = unary.sign(means) * relu(unary.abs(means)) * prod(integers(name, "", sizes[0], n))
    return sums ** (1.0 / norm_type)


def lp_pool1d(
    input: Tensor,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """(Σ x^p)^(1/p) of each window of (N, C, L) or (C, L). PyTorch: `F.lp_pool1d`.

    As `lp_pool2d`, along one dimension.

    >>> F.lp_pool1d(tg.tensor([[3.0, 4.0, 0.0, 0.0]]), 2, 2)
    tensor([[5., 0.]])
    """
    return _lp_pool("lp_pool1d", 1, input, norm_type, (kernel_size, stride), ceil_mode)


def lp_pool2d(
    input: Tensor,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """(Σ x^p)^(1/p) of each window of (N, C, H, W) or (C, H, W), p = norm_type.

    p = 1 is the sum, p = infinity the largest absolute value. The gradient is 0 where the norm is.
    Raises RuntimeError as `max_pool2d`, and for integers. PyTorch: `F.lp_pool2d`.

    >>> F.lp_pool2d(tg.tensor([[[3.0, 0.0], [0.0, 4.0]]]), 2, 2)
    tensor([[[5.]]])
    """
    return _lp_pool("lp_pool2d", 2, input, norm_type, (kernel_size, stride), ceil_mode)
