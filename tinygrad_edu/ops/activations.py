"""Activations made of straight pieces: relu and its relatives.

Their slopes are constants, so a rule multiplies the gradient by an array of them, and the second
derivative is zero. At a kink the slope is PyTorch's, which is that of one side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import Array, Operation, TensorBase, Value, apply
from ..autograd.inplace import overwrite
from ..random import Generator, resolve
from .arguments import check_tensor
from .dtypes import as_tensor_operand, constant, floating, quiet
from .elementwise import where

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "leaky_relu_",
    "prelu",
    "relu",
    "relu6",
    "relu_",
    "rrelu",
    "softshrink",
    "threshold",
]


def activate(operation: Operation, input: Tensor, inplace: bool) -> Tensor:
    """Apply an activation, or let its result take the place of its input."""
    if inplace:
        overwrite(input, operation)
        return input
    return apply(operation, input)


def passed(grad: Value, mask: Value) -> Value:
    """grad where the mask is true, else 0, also where 0 · grad would be NaN."""
    if type(grad) is not np.ndarray or grad.ndim == 0:
        return np.where(mask, grad, 0)
    # All bits of a number, or none: 6 µs for 128×100 numbers; np.where takes 15.
    integer = np.dtype(f"i{grad.itemsize}")
    bits = mask.astype(integer)
    np.negative(bits, out=bits)
    bits &= grad.view(integer)
    return bits.view(grad.dtype)


class Relu(Operation):
    """z = max(x, 0)        grad_x = grad where z > 0, else 0"""

    __slots__ = ()

    def forward(self, x: Array) -> Array:
        # NumPy's maximum takes two arrays 2.4 times as fast as an array and a number (128×100: 2.4
        # instead of 5.6 µs; 100×2880: 43 instead of 109). So the fresh result holds the zeros that
        # it is compared with. zeros_like keeps the memory layout of x, but is slower on small
        # arrays.
        out = np.zeros(x.shape, x.dtype) if x.flags.c_contiguous else np.zeros_like(x)
        return np.maximum(x, out, out=out)

    def grad_x(self, grad: Value, out: Value) -> Value:
        return passed(grad, out > 0)


class LeakyRelu(Operation):
    """z = x where x > 0, else slope x        grad_x = grad where x > 0, else slope grad"""

    __slots__ = ("slope",)

    def __init__(self, slope: Any) -> None:
        self.slope = slope  # a number, or one for each element

    @quiet
    def forward(self, x: Array) -> Array:
        if isinstance(self.slope, float) and 0 < self.slope <= 1:
            return np.maximum(x, x * self.slope)
        return np.where(x > 0, x, x * self.slope)

    def grad_x(self, grad: Value, x: Value) -> Value:
        above = constant(x) > 0
        if not isinstance(self.slope, float):
            return grad * np.where(above, 1, self.slope)
        # Looked up in a table of two: 10 µs for 128×100 numbers, np.where takes 14.
        return grad * np.array([self.slope, 1], grad.dtype).take(above)


class Hardtanh(Operation):
    """z = min(max(x, low), high)        grad_x = grad where low < x < high, else 0"""

    __slots__ = ("high", "low")

    def __init__(self, low: float, high: float) -> None:
        self.low = low
        self.high = high

    def forward(self, x: Array) -> Array:
        return np.clip(x, self.low, self.high)

    def grad_x(self, grad: Value, x: Value) -> Value:
        return passed(grad, (x > self.low) & (x < self.high))


class Hardsigmoid(Operation):
    """z = min(max(x/6 + 1/2, 0), 1)        grad_x = grad/6 where -3 < x < 3, else 0"""

    __slots__ = ()

    def forward(self, x: Array) -> Array:
        return np.clip(x / 6 + 0.5, 0, 1)

    def grad_x(self, grad: Value, x: Value) -> Value:
        return passed(grad / 6, (x > -3) & (x < 3))


class Hardswish(Operation):
    """z = x h, h = min(max(x + 3, 0), 6)/6        slope: x/3 + 1/2 for -3 < x < 3, else 0 or 1"""

    __slots__ = ()

    @quiet
    def forward(self, x: Array) -> Value:
        return x * (np.clip(x + 3, 0, 6) / 6)

    def grad_x(self, grad: Value, x: Value) -> Value:
        return np.where(x <= -3, 0, grad * np.where(x >= 3, 1, x / 3 + 0.5))


class Hardshrink(Operation):
    """z = 0 where |x| <= λ, else x        grad_x = 0 where |x| <= λ, else grad"""

    __slots__ = ("lambd",)

    def __init__(self, lambd: float) -> None:
        self.lambd = lambd

    def forward(self, x: Array) -> Array:
        return x * ~(np.abs(x) <= self.lambd)

    def grad_x(self, grad: Value, x: Value) -> Value:
        return passed(grad, ~(np.abs(constant(x)) <= self.lambd))


class Softshrink(Operation):
    """z = x moved towards 0 by λ, but not past it        grad_x = 0 where |x| <= λ, else grad"""

    __slots__ = ("lambd",)

    def __init__(self, lambd: float) -> None:
        self.lambd = lambd

    def forward(self, x: Array) -> Value:
        return x - np.clip(x, -self.lambd, self.lambd)

    def grad_x(self, grad: Value, x: Value) -> Value:
        return passed(grad, ~(np.abs(constant(x)) <= self.lambd))


class Threshold(Operation):
    """z = value where x <= threshold, else x        grad_x = 0 where x <= threshold, else grad"""

    __slots__ = ("threshold", "value")

    def __init__(self, threshold: float, value: float) -> None:
        self.threshold = threshold
        self.value = value

    def forward(self, x: Array) -> Array:
        return np.where(x <= self.threshold, self.value, x).astype(x.dtype, copy=False)

    def grad_x(self, grad: Value, x: Value) -> Value:
        return passed(grad, ~(constant(x) <= self.threshold))


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0), elementwise; the derivative is 1 for x > 0, else 0. Integers stay integers.

    `inplace=True` writes the result into `input`. Raises RuntimeError for booleans. PyTorch:
    `torch.relu`, `F.relu`. Source: Nair and Hinton, "Rectified linear units improve restricted
    Boltzmann machines", 2010.

    >>> tg.relu(tg.tensor([-1.0, 0.0, 2.0]))
    tensor([0., 0., 2.])
    """
    if not isinstance(input, TensorBase):
        input = as_tensor_operand(input, "relu")
        input = input if isinstance(input, TensorBase) else floating(input, "relu")
    if input.array.dtype.kind == "b":
        raise RuntimeError("relu: booleans have no sign. Convert first: `x.float()`.")
    return activate(Relu(), input, inplace)


def relu_(input: Tensor) -> Tensor:
    """`relu`, in place. PyTorch: `Tensor.relu_`.

    >>> tg.tensor([-1.0, 2.0]).relu_()
    tensor([0., 2.])
    """
    return relu(input, inplace=True)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x, 0), 6), elementwise. PyTorch: `F.relu6`.

    >>> F.relu6(tg.tensor([-1.0, 2.0, 8.0]))
    tensor([0., 2., 6.])
    """
    return activate(Hardtanh(0.0, 6.0), floating(input, "relu6"), inplace)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where x > 0, else negative_slope x, elementwise. PyTorch: `F.leaky_relu`.

    In place the slope must not be negative (the sign of the input would be lost): RuntimeError.

    >>> F.leaky_relu(tg.tensor([-1.0, 2.0]), 0.1)
    tensor([-0.1000,  2.0000])
    """
    return activate(LeakyRelu(float(negative_slope)), floating(input, "leaky_relu"), inplace)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """`leaky_relu`, in place. PyTorch: `F.leaky_relu_`.

    >>> F.leaky_relu_(tg.tensor([-1.0, 2.0]), 0.5)
    tensor([-0.5000,  2.0000])
    """
    return leaky_relu(input, negative_slope, inplace=True)


def rrelu(
    input: Tensor,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    inplace: bool = False,
    *,
    generator: Generator | np.random.Generator | None = None,
) -> Tensor:
    """`leaky_relu` with a slope drawn for each element; their mean when not training.

    Slopes are uniform on [lower, upper).
    Raises RuntimeError unless lower <= upper. PyTorch: `F.rrelu`. Source: Xu et al., "Empirical
    evaluation of rectified activations in convolutional network", 2015.

    >>> F.rrelu(tg.tensor([-8.0, 2.0]), 0.25, 0.75)
    tensor([-4.,  2.])
    """
    if not lower <= upper:
        raise RuntimeError(f"rrelu: lower must not exceed upper; got {lower} and {upper}.")
    x = floating(input, "rrelu")
    slope: Any = (lower + upper) / 2
    if training:
        noise = resolve(generator).random(x.shape, dtype=np.float32)
        slope = (noise * (upper - lower) + lower).astype(x.dtype, copy=False)
    return activate(LeakyRelu(slope), x, inplace)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x where x > 0, else weight x: a leaky relu with learned slopes.

    One slope for all, or one for each channel.
    Shapes: input (N, C, ...), weight (1) or (C); for an input of one dimension, C is 1. Raises
    RuntimeError if the weight does not fit. PyTorch: `F.prelu`. Source: He et al., "Delving deep
    into rectifiers", 2015.

    >>> F.prelu(tg.tensor([[-1.0, -1.0]]), tg.tensor([0.1, 0.5]))
    tensor([[-0.1000, -0.5000]])
    """
    check_tensor("prelu", input)
    if weight.ndim > 1:
        raise RuntimeError(f"prelu: the weight is a number or a vector; got shape {weight.shape}.")
    if weight.array.size != 1:
        channels = input.shape[1] if input.ndim > 1 else 1
        if weight.array.size != channels:
            raise RuntimeError(
                "prelu: the weight holds one slope, or one for each channel; it has "
                f"{weight.array.size}, and the input of shape {input.shape} has {channels} "
                "channels."
            )
        weight = weight.reshape(channels, *[1] * (input.ndim - 2))
    elif input.ndim == 0:
        weight = weight.reshape(())
    return where(input > 0, input, weight * input)  # type: ignore[no-any-return]


def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """min(max(x, min_val), max_val), elementwise; no gradient outside and at the bounds.

    PyTorch: `F.hardtanh`.
    Raises ValueError unless min_val <= max_val.

    >>> F.hardtanh(tg.tensor([-2.0, 0.5, 3.0]))
    tensor([-1.0000,  0.5000,  1.0000])
    """
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val must not exceed max_val; got {min_val} and {max_val}.")
    return activate(Hardtanh(min_val, max_val), floating(input, "hardtanh"), inplace)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x/6 + 1/2, 0), 1): a sigmoid of straight pieces. PyTorch: `F.hardsigmoid`.

    >>> F.hardsigmoid(tg.tensor([-4.0, 0.0, 1.5]))
    tensor([0.0000, 0.5000, 0.7500])
    """
    return activate(Hardsigmoid(), floating(input, "hardsigmoid"), inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x hardsigmoid(x).

    PyTorch: `F.hardswish`. Source: Howard et al., "Searching for MobileNetV3", 2019.

    >>> F.hardswish(tg.tensor([1.5, 4.0]))
    tensor([1.1250, 4.0000])
    """
    return activate(Hardswish(), floating(input, "hardswish"), inplace)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x, but 0 where |x| <= lambd, elementwise. PyTorch: `F.hardshrink`.

    >>> F.hardshrink(tg.tensor([-1.0, 0.3, 2.0]))
    tensor([-1.,  0.,  2.])
    """
    return apply(Hardshrink(lambd), floating(input, "hardshrink"))


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x moved towards 0 by lambd, but not past it, elementwise. PyTorch: `F.softshrink`.

    Raises RuntimeError for a negative lambd.

    >>> F.softshrink(tg.tensor([-1.0, 0.3, 2.0]))
    tensor([-0.5000,  0.0000,  1.5000])
    """
    if not lambd >= 0:
        raise RuntimeError(f"softshrink: lambd must not be negative; got {lambd}.")
    return apply(Softshrink(lambd), floating(input, "softshrink"))


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where x > threshold, else `value`, elementwise. PyTorch: `F.threshold`.

    >>> F.threshold(tg.tensor([-1.0, 0.5, 2.0]), 1, -9)
    tensor([-9., -9.,  2.])
    """
    return activate(Threshold(threshold, value), floating(input, "threshold"), inplace)
