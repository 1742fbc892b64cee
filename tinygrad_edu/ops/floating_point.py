"""Floating numbers and their parts: sign, mantissa, exponent, neighbours, and what is no number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..autograd.graph import Array, Operation, TensorBase, Value, apply, wrap
from ..autograd.leaving import without_gradient
from . import elementwise, unary
from .arguments import check_tensor
from .dtypes import as_tensor_operand, cast, constant, float64, floating_operands, operands, quiet
from .unary import nothing

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "copysign",
    "float_power",
    "frexp",
    "heaviside",
    "ldexp",
    "nan_to_num",
    "nextafter",
    "positive",
    "sgn",
]


class Copysign(Operation):
    """z = |x| with the sign of y        grad_x = ±grad, - where the sign changed, 0 at x = 0"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(quiet(np.copysign))

    def grad_x(self, grad: Value, x: Value, y: Value) -> Value:
        x, y = constant(x), constant(y)
        return np.where(x == 0, 0, grad * np.copysign(1, x) * np.copysign(1, y).astype(grad.dtype))

    def grad_y(self, grad: Value) -> Value:
        return nothing(grad)


class Nextafter(Operation):
    """z = the neighbour of x towards y        grad_x = grad, 0 where they are equal"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(quiet(np.nextafter))

    def grad_x(self, grad: Value, x: Value, y: Value) -> Value:
        return np.where(x == y, 0, grad)

    def grad_y(self, grad: Value) -> Value:
        return nothing(grad)


class Mantissa(Operation):
    """z = x / 2^e with 1/2 <= |z| < 1        grad_x = grad / 2^e"""

    __slots__ = ()

    def forward(self, x: Array) -> Array:
        return np.frexp(x)[0]

    def grad_x(self, grad: Value, x: Value) -> Value:
        x = np.asarray(constant(x))
        with np.errstate(over="ignore"):
            return grad * np.ldexp(np.ones((), x.dtype), -np.frexp(x)[1])


class NanToNum(Operation):
    """z = x where it is finite, else a number        grad_x = grad where x is finite"""

    __slots__ = ("nan", "neginf", "posinf")

    def __init__(self, nan: float | None, posinf: float | None, neginf: float | None) -> None:
        self.nan = nan
        self.posinf = posinf
        self.neginf = neginf

    @quiet
    def forward(self, x: Array) -> Any:
        limits = np.finfo(x.dtype)
        high = limits.max if self.posinf is None else x.dtype.type(self.posinf)
        low = limits.min if self.neginf is None else x.dtype.type(self.neginf)
        number = np.where(np.isnan(x), x.dtype.type(self.nan or 0), x)
        return np.where(x == np.inf, high, np.where(x == -np.inf, low, number))

    def grad_x(self, grad: Value, x: Value) -> Value:
        return np.where(np.isfinite(constant(x)), grad, 0)


class Mantissas(NamedTuple):
    """What `frexp` answers: x = mantissa · 2^exponent."""

    mantissa: Tensor
    exponent: Tensor


def sgn(input: Tensor) -> Tensor:
    """-1, 0 or 1, as `sign` for real numbers; derivative 0. PyTorch: `torch.sgn`.

    >>> tg.sgn(tg.tensor([-2.0, 0.0, 3.0]))
    tensor([-1.,  0.,  1.])
    """
    return unary.sign(input)


def positive(input: Tensor) -> Tensor:
    """The tensor itself. Raises RuntimeError for booleans. PyTorch: `torch.positive`.

    >>> tg.positive(tg.tensor([-1.0, 2.0]))
    tensor([-1.,  2.])
    """
    check_tensor("positive", input)
    if input.dtype.kind == "b":
        raise RuntimeError("positive: `+` is not defined for booleans. As numbers: `x.int()`.")
    return input


def copysign(input: Tensor | float, other: Tensor | float) -> Tensor:
    """|x| with the sign of y, also that of -0.0 and NaN, broadcast. PyTorch: `torch.copysign`.

    Integers become the default float type. The gradient of x is 0 at x = 0; y has none.

    >>> tg.copysign(tg.tensor([1.0, -2.0]), tg.tensor([-0.0, 3.0]))
    tensor([-1.,  2.])
    """
    return apply(Copysign(), *floating_operands(input, other, "copysign"))


def nextafter(input: Tensor, other: Tensor) -> Tensor:
    """The next number that the type has after x on the way to y. PyTorch: `torch.nextafter`.

    Broadcast. Raises RuntimeError for integers. The gradient of x passes as it is.

    >>> tg.nextafter(tg.tensor([1.0]), tg.tensor([2.0])) - 1
    tensor([1.1921e-07])
    """
    x, y = operands(input, other, "nextafter")
    if not all(z.dtype.kind == "f" for z in (x, y) if isinstance(z, TensorBase)):
        raise RuntimeError("nextafter: only floating numbers have neighbours; got integers.")
    return apply(Nextafter(), x, y)


def ldexp(input: Tensor, other: Tensor) -> Tensor:
    """x · 2^other, broadcast; integers become the default float type. PyTorch: `torch.ldexp`.

    Unlike PyTorch, the derivative by x is right where n is a negative integer, and not 0.

    >>> tg.ldexp(tg.tensor([1.0, 3.0]), tg.tensor([3, -1]))
    tensor([8.0000, 1.5000])
    """
    x, exponent = floating_operands(input, other, "ldexp")
    return elementwise.mul(x, elementwise.pow(2.0, exponent))


def frexp(input: Tensor) -> Mantissas:
    """x = mantissa · 2^exponent with 1/2 <= |mantissa| < 1, as a named tuple; 0 of zero.

    The exponent is int32; the gradient of the mantissa is that of x / 2^exponent. Raises
    RuntimeError for integers. PyTorch: `torch.frexp`.

    >>> mantissa, exponent = tg.frexp(tg.tensor([8.0, -0.75]))
    >>> mantissa, exponent
    (tensor([ 0.5000, -0.7500]), tensor([4, 0], dtype=int32))
    """
    check_tensor("frexp", input)
    if input.dtype.kind != "f":
        raise RuntimeError(
            f"frexp: only floating numbers have a mantissa; got {input.dtype}. Convert first: "
            "`x.float()`."
        )
    exponent = np.where(np.isfinite(input.array), np.frexp(input.array)[1], 0).astype(np.int32)
    power = without_gradient("the exponent of frexp", exponent, input)
    return Mantissas(apply(Mantissa(), input), power)


def float_power(input: Tensor | float, exponent: Tensor | float) -> Tensor:
    """x to the power y, in float64 whatever the types, broadcast. PyTorch: `torch.float_power`.

    >>> tg.float_power(tg.tensor([2, 3]), -1)
    tensor([0.5000, 0.3333], dtype=float64)
    """
    x, y = (as_tensor_operand(z, "float_power") for z in (input, exponent))
    x, y = (cast(z, float64) if isinstance(z, TensorBase) else z for z in (x, y))
    if not isinstance(x, TensorBase) and not isinstance(y, TensorBase):
        x = wrap(np.asarray(x, float64))
    return elementwise.pow(x, y)


def heaviside(input: Tensor, values: Tensor) -> Tensor:
    """The step function: 0 below 0, 1 above, `values` at 0, broadcast. PyTorch: `torch.heaviside`.

    0 for NaN. `values` has a gradient where it is taken; the step itself has derivative 0. Raises
    RuntimeError for two different types.

    >>> tg.heaviside(tg.tensor([-1.0, 0.0, 2.0]), tg.tensor([0.5]))
    tensor([0.0000, 0.5000, 1.0000])
    """
    check_tensor("heaviside", input)
    if input.dtype != values.dtype:
        raise RuntimeError(
            f"heaviside: both tensors have one type; got {input.dtype} and {values.dtype}. Convert "
            f"first: `values.to(tg.{input.dtype})`."
        )
    x = input.array
    step: Tensor = elementwise.where(wrap(x == 0), values, wrap((x > 0).astype(x.dtype)))
    return step


def nan_to_num(
    input: Tensor,
    nan: float | None = 0.0,
    posinf: float | None = None,
    neginf: float | None = None,
) -> Tensor:
    """NaN and infinities replaced by numbers: by default 0 and the type's largest and smallest.

    The gradient passes where x is finite. Integers stay as they are. PyTorch: `torch.nan_to_num`.

    >>> tg.nan_to_num(tg.tensor([float("nan"), float("inf"), 1.0]), posinf=9.0)
    tensor([0., 9., 1.])
    """
    check_tensor("nan_to_num", input)
    if input.dtype.kind != "f":
        return wrap(input.array.copy())
    return apply(NanToNum(nan, posinf, neginf), input)
