"""Elementwise operations on two or more tensors, with broadcasting.

Rules do not undo broadcasting: the engine does, in one place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import Array, Operation, TensorBase, Value, apply, wrap
from ..autograd.leaving import without_gradient
from . import unary
from .arguments import check_tensor
from .comparison import COMMON_TYPE, described
from .dtypes import as_tensor_operand, cast, floating_operands, operands, quiet, result_type
from .unary import nothing

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "add",
    "arctan2",
    "atan2",
    "clamp",
    "clamp_max",
    "clamp_min",
    "clip",
    "div",
    "divide",
    "floor_divide",
    "fmax",
    "fmin",
    "fmod",
    "hypot",
    "logaddexp",
    "maximum",
    "minimum",
    "mul",
    "multiply",
    "pow",
    "remainder",
    "round",
    "rsub",
    "sub",
    "subtract",
    "true_divide",
    "where",
]


class Add(Operation):
    """z = x + y        grad_x = grad        grad_y = grad"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(quiet(np.add))

    def grad_x(self, grad: Value) -> Value:
        return grad

    def grad_y(self, grad: Value) -> Value:
        return grad


class Sub(Operation):
    """z = x - y        grad_x = grad        grad_y = -grad"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(quiet(np.subtract))

    def grad_x(self, grad: Value) -> Value:
        return grad

    def grad_y(self, grad: Value) -> Value:
        return -grad


class Mul(Operation):
    """z = x y        grad_x = grad y        grad_y = grad x"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(quiet(np.multiply))

    def grad_x(self, grad: Value, y: Value) -> Value:
        return grad * y

    def grad_y(self, grad: Value, x: Value) -> Value:
        return grad * x


class Div(Operation):
    """z = x / y        grad_x = grad / y        grad_y = -grad x / y²"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(quiet(np.true_divide))

    def grad_x(self, grad: Value, y: Value) -> Value:
        return grad / y

    def grad_y(self, grad: Value, x: Value, y: Value) -> Value:
        # Not from the result: scripts change that in place, as in `x /= y.sum(); x += 1`.
        return -grad * (x / y / y)


class Pow(Operation):
    """z = x^y        grad_x = grad y x^(y-1)        grad_y = grad z ln x"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(quiet(np.power))

    def grad_x(self, grad: Value, x: Value, y: Value) -> Value:
        if isinstance(y, (int, float)):
            if y == 2:
                return grad * x * 2
            return nothing(grad) if y == 0 else grad * (y * x ** (y - 1))
        # x^0 is constant, also at x = 0, where x^(0-1) is infinite.
        return np.where(y == 0, 0, grad * (y * x ** np.where(y == 0, 1, y - 1)))

    def grad_y(self, grad: Value, x: Value, y: Value, out: Value) -> Value:
        # 0^y is constant for y > 0, where ln x is infinite.
        zero = (x == 0) & (y >= 0)
        return np.where(zero, 0, grad * (out * np.log(np.where(zero, 1, x))))


class Maximum(Operation):
    """z = max(x, y)        the larger takes the gradient; equal ones share it, as in PyTorch"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(np.maximum)

    def grad_x(self, grad: Value, x: Value, y: Value) -> Value:
        return _share(grad, x < y, x == y)

    def grad_y(self, grad: Value, x: Value, y: Value) -> Value:
        return _share(grad, y < x, x == y)


class Minimum(Operation):
    """z = min(x, y)        the smaller takes the gradient; equal ones share it, as in PyTorch"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(np.minimum)

    def grad_x(self, grad: Value, x: Value, y: Value) -> Value:
        return _share(grad, x > y, x == y)

    def grad_y(self, grad: Value, x: Value, y: Value) -> Value:
        return _share(grad, y > x, x == y)


class Fmax(Operation):
    """z = the larger of x and y, of two equal ones x, of a number and NaN the number"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(quiet(np.fmax))

    def grad_x(self, grad: Value, x: Value, y: Value) -> Value:
        return np.where((x >= y) | np.isnan(y), grad, 0)

    def grad_y(self, grad: Value, x: Value, y: Value) -> Value:
        return np.where((x >= y) | np.isnan(y), 0, grad)


class Fmin(Operation):
    """z = the smaller of x and y, of two equal ones x, of a number and NaN the number"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(quiet(np.fmin))

    def grad_x(self, grad: Value, x: Value, y: Value) -> Value:
        return np.where((x <= y) | np.isnan(y), grad, 0)

    def grad_y(self, grad: Value, x: Value, y: Value) -> Value:
        return np.where((x <= y) | np.isnan(y), 0, grad)


def _share(grad: Value, loses: Value, ties: Value) -> Value:
    """Nothing where an input loses, half where it ties, else all of it (also beside NaN)."""
    return np.where(loses, 0, np.where(ties, grad * 0.5, grad))


class Atan2(Operation):
    """z = angle of (y, x)        grad_y = grad x / (x² + y²)        grad_x = -grad y / (x² + y²)"""

    __slots__ = ()
    inputs = ("y", "x")
    forward = staticmethod(np.arctan2)

    def grad_y(self, grad: Value, y: Value, x: Value) -> Value:
        return grad * x / _square_of_distance(x, y)

    def grad_x(self, grad: Value, y: Value, x: Value) -> Value:
        return -grad * y / _square_of_distance(x, y)


def _square_of_distance(x: Value, y: Value) -> Value:
    """x² + y²; 1 at the origin, which gives `atan2` the gradient 0 there, as in PyTorch."""
    square = x * x + y * y
    return np.where(square == 0, 1, square)


class Hypot(Operation):
    """z = sqrt(x² + y²)        grad_x = grad x / z        grad_y = grad y / z"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(quiet(np.hypot))

    def grad_x(self, grad: Value, x: Value, out: Value) -> Value:
        return grad * x / out

    def grad_y(self, grad: Value, y: Value, out: Value) -> Value:
        return grad * y / out


class Logaddexp(Operation):
    """z = ln(e^x + e^y)    grad_x = grad / (1 + e^(y-x))    grad_y = grad / (1 + e^(x-y))"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(quiet(np.logaddexp))

    def grad_x(self, grad: Value, x: Value, y: Value) -> Value:
        return grad * _sigmoid(x - y)

    def grad_y(self, grad: Value, x: Value, y: Value) -> Value:
        return grad * _sigmoid(y - x)


def _sigmoid(x: Value) -> Value:
    if isinstance(x, np.ndarray | np.generic):
        return unary.TABLE["sigmoid"].operation.forward(x)
    return unary.sigmoid(x)


class Remainder(Operation):
    """z = x - y floor(x / y)        grad_x = grad        grad_y = -grad floor(x / y)"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(quiet(np.remainder))

    def grad_x(self, grad: Value) -> Value:
        return grad

    def grad_y(self, grad: Value, x: Value, y: Value) -> Value:
        return -grad * (x // y)


class Fmod(Operation):
    """z = x - y trunc(x / y)        grad_x = grad        grad_y = -grad trunc(x / y)"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(quiet(np.fmod))

    def grad_x(self, grad: Value) -> Value:
        return grad

    def grad_y(self, grad: Value, x: Value, y: Value) -> Value:
        return -grad * np.trunc(x / y)


class RoundedDiv(Operation):
    """z = x / y, rounded down or towards 0        grad_x = grad_y = 0"""

    __slots__ = ("mode",)

    def __init__(self, mode: str) -> None:
        self.mode = mode

    @quiet
    def forward(self, x: Array, y: Array) -> Any:
        if self.mode == "floor":
            return np.floor_divide(x, y)
        if np.result_type(x, y).kind == "f":
            return np.trunc(x / y)
        # In integers, because a floating quotient of large ones would not be exact.
        quotient: Any = np.floor_divide(x, y)
        return quotient + ((quotient < 0) & (np.remainder(x, y) != 0))

    def grad_x(self, grad: Value) -> Value:
        return nothing(grad)

    def grad_y(self, grad: Value) -> Value:
        return nothing(grad)


class Where(Operation):
    """z = x where condition, else y        each takes the gradient where it was taken"""

    __slots__ = ()

    def forward(self, condition: Array, x: Value, y: Value) -> Any:
        return np.where(condition, x, y)

    def grad_x(self, grad: Value, condition: Value) -> Value:
        return np.where(condition, grad, 0)

    def grad_y(self, grad: Value, condition: Value) -> Value:
        return np.where(condition, 0, grad)


class Clamp(Operation):
    """z = min(max(x, low), high), numbers as bounds    grad_x = grad where low <= x <= high"""

    __slots__ = ("high", "low")

    def __init__(self, low: float | None, high: float | None) -> None:
        self.low = low
        self.high = high

    def forward(self, x: Array) -> Array:
        return np.clip(x, self.low, self.high)

    def grad_x(self, grad: Value, x: Value) -> Value:
        inside: Any = True
        if self.low is not None:
            inside = x >= self.low
        if self.high is not None:
            inside = (x <= self.high) & inside
        return np.where(inside, grad, 0)


class ClampBetween(Operation):
    """z = min(max(x, low), high), tensors as bounds    grad to the one that was taken"""

    __slots__ = ()

    def forward(self, x: Array, low: Array | None, high: Array | None) -> Array:
        if low is not None:
            x = np.maximum(x, low)
        return x if high is None else np.minimum(x, high)

    def grad_x(self, grad: Value, x: Value, low: Value, high: Value) -> Value:
        inside: Any = True
        if low is not None:
            inside = x >= low
        if high is not None:
            inside = (x <= high) & inside
        return np.where(inside, grad, 0)

    def grad_low(self, grad: Value, x: Value, low: Value, high: Value) -> Value:
        below = x < low
        return np.where(below if high is None else below & (low < high), grad, 0)

    def grad_high(self, grad: Value, x: Value, low: Value, high: Value) -> Value:
        above = x > high
        return np.where(above if low is None else above | (high < low), grad, 0)


Binary = Callable[["Tensor | float", "Tensor | float"], "Tensor"]
Number = float | int | bool


def _binary(
    name: str, operation: type[Operation], formula: str, example: tuple[str, str], note: str = ""
) -> Binary:
    """A public function of two tensors or numbers, with broadcasting."""

    def function(input: Tensor | float, other: Tensor | float) -> Tensor:
        return apply(operation(), *operands(input, other, name))

    def division(input: Tensor | float, other: Tensor | float) -> Tensor:
        x, y = operands(input, other, name)
        refuse_zero(x, y, name)
        return apply(operation(), x, y)

    divides = operation in (Remainder, Fmod)
    return described(
        division if divides else function, name, formula, example, f"{COMMON_TYPE} {note}".rstrip()
    )


def times(x: Tensor | float, alpha: Number) -> Tensor | float:
    # A number times a number stays one: it must not widen or narrow what it is added to.
    return mul(x, alpha) if isinstance(x, (TensorBase, np.ndarray)) else x * alpha


def _scaled(input: Any, other: Any, alpha: Number, name: str) -> tuple[Any, Any]:
    """The operands in their common type, the second one times alpha."""
    x, y = operands(input, other, name)
    dtype = result_type(x, y)
    if dtype.kind != "f" and isinstance(alpha, float):
        raise RuntimeError(
            f"{name}: for integers, alpha is an integer, too; got {alpha}. Convert first: "
            "`x.float()`."
        )
    y = times(y, alpha)
    return x, cast(y, dtype) if isinstance(y, TensorBase) else y


def add(input: Tensor | float, other: Tensor | float, *, alpha: Number = 1) -> Tensor:
    """x + alpha y, broadcast. PyTorch: `torch.add`.

    The type is `tg.result_type(input, other)`. Raises RuntimeError if the shapes cannot be
    broadcast.

    >>> tg.add(tg.tensor([1.0, 2.0]), tg.tensor([[10.0], [20.0]]))
    tensor([[11., 12.],
            [21., 22.]])
    """
    if alpha != 1:
        return apply(Add(), *_scaled(input, other, alpha, "add"))
    return apply(Add(), *operands(input, other, "add"))


def sub(input: Tensor | float, other: Tensor | float, *, alpha: Number = 1) -> Tensor:
    """x - alpha y, broadcast. PyTorch: `torch.sub`.

    The type is `tg.result_type(input, other)`. Raises RuntimeError if the shapes cannot be
    broadcast.

    >>> tg.sub(tg.tensor([1.0, 2.0]), 3)
    tensor([-2., -1.])
    """
    if alpha != 1:
        x, y = _scaled(input, other, alpha, "sub")
    else:
        x, y = operands(input, other, "sub")
    try:
        return apply(Sub(), x, y)
    except TypeError:
        raise RuntimeError(
            "sub: booleans cannot be subtracted. Use `x ^ y` (logical_xor) for where they differ, "
            "or convert: `x.int()`."
        ) from None


def div(
    input: Tensor | float, other: Tensor | float, *, rounding_mode: str | None = None
) -> Tensor:
    """x / y, broadcast; `rounding_mode`: "trunc" towards 0, "floor" down. PyTorch: `torch.div`.

    Integers divide to the default float type, unless a rounding mode is given: then they stay
    integers, and division by zero raises RuntimeError. Floating division by zero gives infinity or
    NaN. Raises RuntimeError if the shapes cannot be broadcast, and for another rounding mode.

    >>> tg.div(tg.tensor([1, 2]), 4)
    tensor([0.2500, 0.5000])
    >>> tg.div(tg.tensor([-7, 7]), 2, rounding_mode="trunc")
    tensor([-3,  3])
    """
    if rounding_mode is not None:
        return _rounded_div(input, other, rounding_mode, "div")
    if isinstance(input, TensorBase) and input.array.dtype.kind == "f":
        x, y = operands(input, other, "div")
    else:
        x, y = floating_operands(input, other, "div")
    return apply(Div(), x, y)


def _rounded_div(x: Tensor | float, y: Tensor | float, mode: str, name: str) -> Tensor:
    if mode not in ("floor", "trunc"):
        raise RuntimeError(f"div: rounding_mode is None, 'trunc' or 'floor'; got {mode!r}.")
    x, y = operands(x, y, name)
    refuse_zero(x, y, name)
    return apply(RoundedDiv(mode), x, y)


def refuse_zero(x: Any, y: Any, name: str) -> None:
    """Integers have no infinity: their division by zero is an error, as in PyTorch."""
    if isinstance(x, TensorBase) and not x.array.size:
        return
    if result_type(x, y).kind != "f" and not np.all(y.array if isinstance(y, TensorBase) else y):
        raise RuntimeError(
            f"{name}: integer division by zero. In floating numbers it is infinity or NaN: convert "
            "first, `x.float()`."
        )


mul = _binary(
    "mul", Mul, "The product x y.", ("tg.mul(tg.tensor([1.0, 2.0]), 3)", "tensor([3., 6.])")
)
maximum = _binary(
    "maximum",
    Maximum,
    "The larger of x and y; NaN if one of them is NaN.",
    ("tg.maximum(tg.tensor([1.0, 5.0]), tg.tensor([3.0, 4.0]))", "tensor([3., 5.])"),
    "Equal elements share the gradient.",
)
minimum = _binary(
    "minimum",
    Minimum,
    "The smaller of x and y; NaN if one of them is NaN.",
    ("tg.minimum(tg.tensor([1.0, 5.0]), tg.tensor([3.0, 4.0]))", "tensor([1., 4.])"),
    "Equal elements share the gradient.",
)
fmax = _binary(
    "fmax",
    Fmax,
    "The larger of x and y; NaN only if both are NaN.",
    ("tg.fmax(tg.tensor([1.0, float('nan')]), tg.tensor([3.0, 4.0]))", "tensor([3., 4.])"),
    "Of equal elements the first takes the gradient.",
)
fmin = _binary(
    "fmin",
    Fmin,
    "The smaller of x and y; NaN only if both are NaN.",
    ("tg.fmin(tg.tensor([1.0, float('nan')]), tg.tensor([3.0, 4.0]))", "tensor([1., 4.])"),
    "Of equal elements the first takes the gradient.",
)
remainder = _binary(
    "remainder",
    Remainder,
    "x - y floor(x / y): the remainder with the sign of y, as Python's `%`.",
    ("tg.remainder(tg.tensor([5.0, -5.0]), 3)", "tensor([2., 1.])"),
)
fmod = _binary(
    "fmod",
    Fmod,
    "x - y trunc(x / y): the remainder with the sign of x, as C's `fmod`.",
    ("tg.fmod(tg.tensor([5.0, -5.0]), 3)", "tensor([ 2., -2.])"),
)


def _floating_binary(
    name: str, operation: type[Operation], formula: str, example: tuple[str, str]
) -> Binary:
    def function(input: Tensor | float, other: Tensor | float) -> Tensor:
        return apply(operation(), *floating_operands(input, other, name))

    return described(function, name, formula, example, "Integers become the default float type.")


atan2 = _floating_binary(
    "atan2",
    Atan2,
    "The angle of the point (x = other, y = input), between -π and π.",
    ("tg.atan2(tg.tensor([1.0, 0.0]), tg.tensor([0.0, 1.0]))", "tensor([1.5708, 0.0000])"),
)
hypot = _floating_binary(
    "hypot",
    Hypot,
    "sqrt(x² + y²), without overflow in between.",
    ("tg.hypot(tg.tensor([3.0]), tg.tensor([4.0]))", "tensor([5.])"),
)
logaddexp = _floating_binary(
    "logaddexp",
    Logaddexp,
    "ln(e^x + e^y), without overflow in between.",
    ("tg.logaddexp(tg.tensor([0.0]), tg.tensor([0.0]))", "tensor([0.6931])"),
)


def pow(input: Tensor | float, exponent: Tensor | float) -> Tensor:
    """x to the power of the exponent, elementwise, broadcast. PyTorch: `torch.pow`.

    The type is `tg.result_type(input, exponent)`. Raises RuntimeError for integers to negative
    integer powers, and if the shapes cannot be broadcast.

    Unlike PyTorch, integers to negative integer tensors are refused, as 2⁻¹ is no integer;
    PyTorch answers 0.

    >>> tg.pow(tg.tensor([1.0, 2.0]), 3)
    tensor([1., 8.])
    """
    return apply(Pow(), *operands(input, exponent, "pow"))


def floor_divide(input: Tensor | float, other: Tensor | float) -> Tensor:
    """floor(x / y), broadcast, as Python's `//`; derivative 0. PyTorch: `torch.floor_divide`.

    Integers stay integers, and their division by zero raises RuntimeError.

    >>> tg.floor_divide(tg.tensor([5, -5]), 2)
    tensor([ 2, -3])
    """
    return _rounded_div(input, other, "floor", "floor_divide")


def rsub(input: Tensor | float, other: Tensor | float, *, alpha: Number = 1) -> Tensor:
    """y - alpha x, broadcast. PyTorch: `torch.rsub`.

    >>> tg.rsub(tg.tensor([1.0, 2.0]), 3)
    tensor([2., 1.])
    """
    return sub(other, input, alpha=alpha)


def _reflected(
    function: Callable[..., Tensor], name: str
) -> Callable[[Tensor, Tensor | float], Tensor]:
    def reflected(input: Tensor, other: Tensor | float) -> Tensor:
        return function(other, input)

    reflected.__name__ = reflected.__qualname__ = name
    reflected.__doc__ = (
        f"{function.__name__}(other, input): the operator with this tensor on its right."
    )
    return reflected


rdiv = _reflected(div, "rdiv")
rpow = _reflected(pow, "rpow")
rfloor_divide = _reflected(floor_divide, "rfloor_divide")
rremainder = _reflected(remainder, "rremainder")


def where(
    condition: Tensor, input: Tensor | float | None = None, other: Tensor | float | None = None
) -> Any:
    """`input` where `condition` is true, `other` elsewhere, broadcast. PyTorch: `torch.where`.

    With the condition alone, the indices where it is true, one tensor for each dimension. Raises
    RuntimeError if the condition is not boolean, TypeError if only one of the two is given.

    >>> tg.where(tg.tensor([True, False]), tg.tensor([1.0, 2.0]), 0.0)
    tensor([1., 0.])
    >>> tg.where(tg.tensor([False, True]))
    (tensor([1]),)
    """
    condition = as_tensor_operand(condition, "where")
    if input is None and other is None:
        places = np.atleast_1d(condition.array).nonzero()
        return tuple(without_gradient("where", index, condition) for index in places)
    if input is None or other is None:
        raise TypeError(
            "where: give both values, where(condition, input, other), or the condition alone."
        )
    if not isinstance(condition, TensorBase) or condition.dtype != np.bool_:
        raise RuntimeError("where: the condition must be a boolean tensor, for example `x > 0`.")
    return apply(Where(), condition, *operands(input, other, "where"))


def clamp(
    input: Tensor, min: Tensor | float | None = None, max: Tensor | float | None = None
) -> Tensor:
    """min(max(x, min), max): values outside are set to the bound. PyTorch: `torch.clamp`.

    The gradient passes where min <= x <= max, elsewhere it goes to the bound, if that is a tensor.
    Where min > max, the result is max. Raises RuntimeError without bounds.

    >>> tg.clamp(tg.tensor([-2.0, 0.5, 3.0]), min=0, max=1)
    tensor([0.0000, 0.5000, 1.0000])
    """
    bounds = [bound for bound in (min, max) if bound is not None]
    if not bounds:
        raise RuntimeError("clamp: at least one of min and max is needed.")
    low, high = (
        None if bound is None else as_tensor_operand(bound, "clamp") for bound in (min, max)
    )
    bounds = [bound for bound in (low, high) if bound is not None]
    dtype = result_type(input, *bounds)
    if not any(isinstance(bound, TensorBase) for bound in bounds):
        return apply(Clamp(low, high), cast(input, dtype))
    low, high = (
        cast(bound, dtype) if isinstance(bound, TensorBase) else bound for bound in (low, high)
    )
    return apply(ClampBetween(), cast(input, dtype), low, high)


def clamp_min(input: Tensor, min: Tensor | float) -> Tensor:
    """max(x, min), as `clamp(x, min=min)`. PyTorch: `torch.clamp_min`.

    >>> tg.clamp_min(tg.tensor([-2.0, 0.5]), 0)
    tensor([0.0000, 0.5000])
    """
    return clamp(input, min=min)


def clamp_max(input: Tensor, max: Tensor | float) -> Tensor:
    """min(x, max), as `clamp(x, max=max)`. PyTorch: `torch.clamp_max`.

    >>> tg.clamp_max(tg.tensor([-2.0, 0.5]), 0)
    tensor([-2.,  0.])
    """
    return clamp(input, max=max)


def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """Round to the nearest integer, halves to even; derivative 0. PyTorch: `torch.round`.

    `decimals` is the number of digits after the point that stay.

    >>> tg.round(tg.tensor([0.5, 1.5, 2.6]))
    tensor([0., 2., 3.])
    """
    check_tensor("round", input)
    if input.dtype.kind == "b":
        raise RuntimeError("round is not defined for booleans. As numbers: `x.int()`.")
    if input.dtype.kind != "f":
        return wrap(input.array.copy())
    return apply(Round(decimals), input)


class Round(Operation):
    """z = the nearest integer        grad_x = 0"""

    __slots__ = ("decimals",)

    def __init__(self, decimals: int) -> None:
        self.decimals = decimals

    def forward(self, x: Array) -> Array:
        return np.round(x, self.decimals)

    def grad_x(self, grad: Value) -> Value:
        return nothing(grad)


# Second names, as in PyTorch.
subtract, multiply, clip = sub, mul, clamp
arctan2 = atan2
divide = true_divide = div


def tensor_where(input: Tensor, condition: Tensor, other: Tensor | float) -> Tensor:
    """This tensor where `condition` is true, `other` elsewhere. PyTorch: `Tensor.where`.

    >>> tg.tensor([1.0, 2.0]).where(tg.tensor([True, False]), 0.0)
    tensor([1., 0.])
    """
    chosen: Tensor = where(condition, input, other)
    return chosen
