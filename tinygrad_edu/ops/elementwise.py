"""Elementwise operations on two or more tensors, with broadcasting; comparisons and logic; in-place forms.

Rules do not undo broadcasting: the engine does, in one place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import Array, Operation, TensorBase, Value, apply, overwrite, wrap
from . import unary
from .dtypes import as_tensor_operand, cast, floating, operands, quiet, result_type

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "add",
    "atan2",
    "clamp",
    "clip",
    "div",
    "divide",
    "eq",
    "equal",
    "floor_divide",
    "fmod",
    "ge",
    "gt",
    "hypot",
    "isfinite",
    "isinf",
    "isnan",
    "le",
    "logaddexp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "lt",
    "maximum",
    "minimum",
    "mul",
    "multiply",
    "ne",
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
    forward = staticmethod(np.add)

    def grad_x(self, grad: Value) -> Value:
        return grad

    def grad_y(self, grad: Value) -> Value:
        return grad


class Sub(Operation):
    """z = x - y        grad_x = grad        grad_y = -grad"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(np.subtract)

    def grad_x(self, grad: Value) -> Value:
        return grad

    def grad_y(self, grad: Value) -> Value:
        return -grad


class Mul(Operation):
    """z = x y        grad_x = grad y        grad_y = grad x"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(np.multiply)

    def grad_x(self, grad: Value, y: Value) -> Value:
        return grad * y

    def grad_y(self, grad: Value, x: Value) -> Value:
        return grad * x


class Div(Operation):
    """z = x / y        grad_x = grad / y        grad_y = -grad z / y"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(quiet(np.true_divide))

    def grad_x(self, grad: Value, y: Value) -> Value:
        return grad / y

    def grad_y(self, grad: Value, y: Value, out: Value) -> Value:
        return -grad * out / y


class Pow(Operation):
    """z = x^y        grad_x = grad y x^(y-1)        grad_y = grad z ln x"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(quiet(np.power))

    def grad_x(self, grad: Value, x: Value, y: Value) -> Value:
        if isinstance(y, (int, float)):
            if y == 2:
                return grad * x * 2
            return grad * 0 * x if y == 0 else grad * (y * x ** (y - 1))
        # x^0 is constant, also at x = 0, where x^(0-1) is infinite.
        return grad * np.where(y == 0, 0, y * x ** np.where(y == 0, 1, y - 1))

    def grad_y(self, grad: Value, x: Value, y: Value, out: Value) -> Value:
        # 0^y is constant for y > 0, where ln x is infinite.
        zero = (x == 0) & (y >= 0)
        return grad * np.where(zero, 0, out * np.log(np.where(zero, 1, x)))


class Maximum(Operation):
    """z = max(x, y)        the larger one takes the gradient; equal ones share it, as in PyTorch"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(np.maximum)

    def grad_x(self, grad: Value, x: Value, y: Value) -> Value:
        return grad * _share(x > y, x == y, grad)

    def grad_y(self, grad: Value, x: Value, y: Value) -> Value:
        return grad * _share(y > x, x == y, grad)


class Minimum(Operation):
    """z = min(x, y)        the smaller one takes the gradient; equal ones share it, as in PyTorch"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(np.minimum)

    def grad_x(self, grad: Value, x: Value, y: Value) -> Value:
        return grad * _share(x < y, x == y, grad)

    def grad_y(self, grad: Value, x: Value, y: Value) -> Value:
        return grad * _share(y < x, x == y, grad)


def _share(wins: Value, ties: Value, grad: Value) -> Array:
    """1 where an input wins, 1/2 where it ties, in the gradient's type: a constant of the rule."""
    wins, ties = (x.array if isinstance(x, TensorBase) else x for x in (wins, ties))
    return np.asarray(wins + ties * 0.5, dtype=grad.dtype)


class Atan2(Operation):
    """z = angle of (y, x)        grad_y = grad x / (x² + y²)        grad_x = -grad y / (x² + y²)"""

    __slots__ = ()
    inputs = ("y", "x")
    forward = staticmethod(np.arctan2)

    def grad_y(self, grad: Value, y: Value, x: Value) -> Value:
        return grad * x / (x * x + y * y)

    def grad_x(self, grad: Value, y: Value, x: Value) -> Value:
        return -grad * y / (x * x + y * y)


class Hypot(Operation):
    """z = sqrt(x² + y²)        grad_x = grad x / z        grad_y = grad y / z"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(np.hypot)

    def grad_x(self, grad: Value, x: Value, out: Value) -> Value:
        return grad * x / out

    def grad_y(self, grad: Value, y: Value, out: Value) -> Value:
        return grad * y / out


class Logaddexp(Operation):
    """z = ln(e^x + e^y)        grad_x = grad e^(x-z)        grad_y = grad e^(y-z)"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(quiet(np.logaddexp))

    def grad_x(self, grad: Value, x: Value, out: Value) -> Value:
        return grad * np.exp(x - out)

    def grad_y(self, grad: Value, y: Value, out: Value) -> Value:
        return grad * np.exp(y - out)


class Remainder(Operation):
    """z = x - y floor(x / y)        grad_x = grad        grad_y = -grad floor(x / y)"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(quiet(np.remainder))

    def grad_x(self, grad: Value) -> Value:
        return grad

    def grad_y(self, grad: Value, x: Value, y: Value) -> Value:
        return -grad * np.floor(x / y)


class Fmod(Operation):
    """z = x - y trunc(x / y)        grad_x = grad        grad_y = -grad trunc(x / y)"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(quiet(np.fmod))

    def grad_x(self, grad: Value) -> Value:
        return grad

    def grad_y(self, grad: Value, x: Value, y: Value) -> Value:
        return -grad * np.trunc(x / y)


class Where(Operation):
    """z = x where condition, else y        each takes the gradient where it was taken"""

    __slots__ = ()

    def forward(self, condition: Array, x: Value, y: Value) -> Array:
        return np.where(condition, x, y)

    def grad_x(self, grad: Value, condition: Value) -> Value:
        return np.where(condition, grad, 0)

    def grad_y(self, grad: Value, condition: Value) -> Value:
        return np.where(condition, 0, grad)


class Clamp(Operation):
    """z = min(max(x, low), high)        grad_x = grad where low <= x <= high, else 0"""

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
        return grad * inside


Binary = Callable[["Tensor | float", "Tensor | float"], "Tensor"]
Number = float | int | bool


def _binary(name: str, operation: type[Operation], formula: str, example: tuple[str, str], note: str = "") -> Binary:
    """A public function of two tensors or numbers, with broadcasting."""

    def function(input: Tensor | float, other: Tensor | float) -> Tensor:
        return apply(operation(), *operands(input, other, name))

    return _described(function, name, formula, example, note)


def _described(function: Any, name: str, formula: str, example: tuple[str, str], note: str) -> Any:
    call, result = example
    result = result.replace("\n", "\n    ")
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""{formula}

    Elementwise; the shapes are broadcast, the type is `tg.result_type(input, other)`.{note}
    Raises RuntimeError if the shapes cannot be broadcast. PyTorch: `torch.{name}`.

    >>> {call}
    {result}
    """
    return function


def _compare(name: str, compare: Callable[..., Any], formula: str, example: tuple[str, str]) -> Binary:
    """A public function whose result is boolean and has no gradient."""

    def function(input: Tensor | float, other: Tensor | float) -> Tensor:
        x, y = operands(input, other, name)
        shapes = [np.shape(z.array if isinstance(z, TensorBase) else z) for z in (x, y)]
        try:
            return wrap(compare(*(z.array if isinstance(z, TensorBase) else z for z in (x, y))))
        except ValueError:
            raise RuntimeError(f"{name}: the shapes {shapes[0]} and {shapes[1]} cannot be broadcast.") from None

    note = " The result is boolean; it has no gradient."
    return _described(function, name, formula, example, note)


def add(input: Tensor | float, other: Tensor | float, *, alpha: Number = 1) -> Tensor:
    """x + alpha y, broadcast. PyTorch: `torch.add`.

    The type is `tg.result_type(input, other)`. Raises RuntimeError if the shapes cannot be broadcast.

    >>> tg.add(tg.tensor([1.0, 2.0]), tg.tensor([[10.0], [20.0]]))
    tensor([[11., 12.],
            [21., 22.]])
    """
    if alpha != 1:
        other = mul(other, alpha)
    return apply(Add(), *operands(input, other, "add"))


def sub(input: Tensor | float, other: Tensor | float, *, alpha: Number = 1) -> Tensor:
    """x - alpha y, broadcast. PyTorch: `torch.sub`.

    The type is `tg.result_type(input, other)`. Raises RuntimeError if the shapes cannot be broadcast.

    >>> tg.sub(tg.tensor([1.0, 2.0]), 3)
    tensor([-2., -1.])
    """
    if alpha != 1:
        other = mul(other, alpha)
    return apply(Sub(), *operands(input, other, "sub"))


def div(input: Tensor | float, other: Tensor | float, *, rounding_mode: str | None = None) -> Tensor:
    """x / y, broadcast; `rounding_mode` "trunc" rounds towards zero, "floor" down. PyTorch: `torch.div`.

    Integers divide to the default float type unless a rounding mode is given; division by zero gives infinity
    or NaN. Raises RuntimeError if the shapes cannot be broadcast, ValueError for another rounding mode.

    >>> tg.div(tg.tensor([1, 2]), 4)
    tensor([0.2500, 0.5000])
    """
    if rounding_mode not in (None, "floor", "trunc"):
        raise RuntimeError(f"div: rounding_mode is None, 'trunc' or 'floor'; got {rounding_mode!r}.")
    x, y = operands(input, other, "div")
    dtype = result_type(x, y)
    if dtype.kind != "f":
        x = floating(x, "div")
        y = floating(y, "div") if isinstance(y, TensorBase) else y
    result = apply(Div(), x, y)
    if rounding_mode is not None:
        result = unary.floor(result) if rounding_mode == "floor" else unary.trunc(result)
        result = result if dtype.kind == "f" else cast(result, dtype)
    return result


mul = _binary(
    "mul", Mul, "x y, broadcast.", ("tg.mul(tg.tensor([1.0, 2.0]), 3)", "tensor([3., 6.])")
)
pow = _binary(
    "pow", Pow, "x to the power y, broadcast.", ("tg.pow(tg.tensor([1.0, 2.0]), 3)", "tensor([1., 8.])")
)
maximum = _binary(
    "maximum",
    Maximum,
    "The larger of x and y; NaN if one of them is NaN.",
    ("tg.maximum(tg.tensor([1.0, 5.0]), tg.tensor([3.0, 4.0]))", "tensor([3., 5.])"),
    " Equal elements share the gradient.",
)
minimum = _binary(
    "minimum",
    Minimum,
    "The smaller of x and y; NaN if one of them is NaN.",
    ("tg.minimum(tg.tensor([1.0, 5.0]), tg.tensor([3.0, 4.0]))", "tensor([1., 4.])"),
    " Equal elements share the gradient.",
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
        x, y = operands(input, other, name)
        return apply(operation(), *(floating(z, name) if isinstance(z, TensorBase) else z for z in (x, y)))

    return _described(function, name, formula, example, " Integers become the default float type.")


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

_EXAMPLE = "(tg.tensor([1, 2, 3]), 2)"
eq = _compare("eq", np.equal, "x = y.", (f"tg.eq{_EXAMPLE}", "tensor([False,  True, False])"))
ne = _compare("ne", np.not_equal, "x ≠ y.", (f"tg.ne{_EXAMPLE}", "tensor([ True, False,  True])"))
lt = _compare("lt", np.less, "x < y.", (f"tg.lt{_EXAMPLE}", "tensor([ True, False, False])"))
le = _compare("le", np.less_equal, "x <= y.", (f"tg.le{_EXAMPLE}", "tensor([ True,  True, False])"))
gt = _compare("gt", np.greater, "x > y.", (f"tg.gt{_EXAMPLE}", "tensor([False, False,  True])"))
ge = _compare("ge", np.greater_equal, "x >= y.", (f"tg.ge{_EXAMPLE}", "tensor([False,  True,  True])"))
_LOGIC = "(tg.tensor([True, False]), tg.tensor([True, True]))"
logical_and = _compare(
    "logical_and", np.logical_and, "Both are nonzero.", (f"tg.logical_and{_LOGIC}", "tensor([ True, False])")
)
logical_or = _compare(
    "logical_or", np.logical_or, "One is nonzero.", (f"tg.logical_or{_LOGIC}", "tensor([True, True])")
)
logical_xor = _compare(
    "logical_xor", np.logical_xor, "Exactly one is nonzero.", (f"tg.logical_xor{_LOGIC}", "tensor([False,  True])")
)


def _bitwise(name: str, function: Callable[..., Any], formula: str, example: tuple[str, str]) -> Binary:
    def bitwise(input: Tensor | float, other: Tensor | float) -> Tensor:
        if result_type(input, other).kind == "f":
            raise RuntimeError(f"{name}: bits are defined for integers and booleans; got a floating tensor.")
        x, y = operands(input, other, name)
        return wrap(function(*(z.array if isinstance(z, TensorBase) else z for z in (x, y))))

    return _described(bitwise, name, formula, example, "")


bitwise_and = _bitwise(
    "bitwise_and", np.bitwise_and, "Bits set in both; of booleans, both.", ("tg.bitwise_and(tg.tensor([6]), 3)", "tensor([2])")
)
bitwise_or = _bitwise(
    "bitwise_or", np.bitwise_or, "Bits set in one; of booleans, one.", ("tg.bitwise_or(tg.tensor([6]), 3)", "tensor([7])")
)
bitwise_xor = _bitwise(
    "bitwise_xor", np.bitwise_xor, "Bits set in exactly one.", ("tg.bitwise_xor(tg.tensor([6]), 3)", "tensor([5])")
)


def bitwise_not(input: Tensor) -> Tensor:
    """Every bit flipped; of booleans, the opposite. No gradient. PyTorch: `torch.bitwise_not`.

    Raises TypeError for a floating tensor.

    >>> tg.bitwise_not(tg.tensor([True, False]))
    tensor([False,  True])
    """
    if input.dtype.kind == "f":
        raise TypeError("bitwise_not: bits are defined for integers and booleans; got a floating tensor.")
    return wrap(np.invert(input.array))


def floor_divide(input: Tensor | float, other: Tensor | float) -> Tensor:
    """floor(x / y), broadcast, as Python's `//`. No gradient. PyTorch: `torch.floor_divide`.

    >>> tg.floor_divide(tg.tensor([5, -5]), 2)
    tensor([ 2, -3])
    """
    x, y = (z.array if isinstance(z, TensorBase) else z for z in operands(input, other, "floor_divide"))
    return wrap(quiet(np.floor_divide)(x, y))


def _reflected(function: Callable[..., Tensor], name: str) -> Callable[[Tensor, Tensor | float], Tensor]:
    def reflected(input: Tensor, other: Tensor | float) -> Tensor:
        return function(other, input)

    reflected.__name__ = reflected.__qualname__ = name
    reflected.__doc__ = f"{function.__name__}(other, input): the operator with this tensor on its right."
    return reflected


rsub = _reflected(sub, "rsub")
rdiv = _reflected(div, "rdiv")
rpow = _reflected(pow, "rpow")
rfloor_divide = _reflected(floor_divide, "rfloor_divide")
rremainder = _reflected(remainder, "rremainder")


def where(condition: Tensor, input: Tensor | float, other: Tensor | float) -> Tensor:
    """`input` where `condition` is true, `other` elsewhere; all three are broadcast. PyTorch: `torch.where`.

    Raises TypeError if the condition is not boolean.

    >>> tg.where(tg.tensor([True, False]), tg.tensor([1.0, 2.0]), 0.0)
    tensor([1., 0.])
    """
    condition = as_tensor_operand(condition, "where")
    if not isinstance(condition, TensorBase) or condition.dtype != np.bool_:
        raise TypeError("where: the condition must be a boolean tensor, for example `x > 0`.")
    return apply(Where(), condition, *operands(input, other, "where"))


def clamp(input: Tensor, min: Tensor | float | None = None, max: Tensor | float | None = None) -> Tensor:
    """min(max(x, min), max): values outside are set to the bound. PyTorch: `torch.clamp`.

    The gradient passes where min <= x <= max. Bounds are numbers or tensors. Raises RuntimeError without bounds.

    >>> tg.clamp(tg.tensor([-2.0, 0.5, 3.0]), min=0, max=1)
    tensor([0.0000, 0.5000, 1.0000])
    """
    if min is None and max is None:
        raise RuntimeError("clamp: at least one of min and max is needed.")
    if isinstance(min, TensorBase) or isinstance(max, TensorBase):
        result = input if min is None else maximum(input, min)
        return result if max is None else minimum(result, max)
    bounds = [bound for bound in (min, max) if bound is not None]
    return apply(Clamp(min, max), cast(input, result_type(input, *bounds)))


def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """Round to the nearest integer, or to `decimals` digits, halves to even; derivative 0. PyTorch: `torch.round`.

    >>> tg.round(tg.tensor([0.5, 1.5, 2.6]))
    tensor([0., 2., 3.])
    """
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
        return grad * 0


def _test(name: str, function: Callable[..., Any], formula: str, result: str) -> Callable[[Tensor], Tensor]:
    def test(input: Tensor) -> Tensor:
        return wrap(function(as_tensor_operand(input, name).array))

    test.__name__ = test.__qualname__ = name
    test.__doc__ = f"""{formula} The result is boolean; it has no gradient. PyTorch: `torch.{name}`.

    >>> tg.{name}(tg.tensor([0.0, float("inf"), float("nan")]))
    tensor({result})
    """
    return test


isnan = _test("isnan", np.isnan, "Where x is NaN.", "[False, False,  True]")
isinf = _test("isinf", np.isinf, "Where x is infinite.", "[False,  True, False]")
isfinite = _test("isfinite", np.isfinite, "Where x is neither NaN nor infinite.", "[ True, False, False]")
logical_not = _test("logical_not", np.logical_not, "Where x is zero.", "[ True, False, False]")


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and the same elements. PyTorch: `torch.equal`.

    >>> tg.equal(tg.tensor([1, 2]), tg.tensor([1, 2]))
    True
    """
    return bool(np.array_equal(input.array, other.array))


def isclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Where |x - y| <= atol + rtol |y|. PyTorch: `torch.isclose`.

    >>> tg.isclose(tg.tensor([1.0, 2.0]), tg.tensor([1.0, 2.1]))
    tensor([ True, False])
    """
    return wrap(np.isclose(input.array, other.array, rtol, atol, equal_nan))


def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    """Whether all elements are close: |x - y| <= atol + rtol |y|. PyTorch: `torch.allclose`.

    >>> tg.allclose(tg.tensor([1.0]), tg.tensor([1.0 + 1e-7]))
    True
    """
    return bool(np.allclose(input.array, other.array, rtol, atol, equal_nan))


# In-place forms: `x.add_(y)`.


def _in_place(name: str, operation: type[Operation]) -> Callable[..., Tensor]:
    def function(input: Tensor, *others: Tensor | float, alpha: Number = 1) -> Tensor:
        if alpha != 1:
            others = (mul(others[0], alpha), *others[1:])
        overwrite(input, operation(), *(as_tensor_operand(other, name) for other in others))
        return input

    function.__name__ = function.__qualname__ = f"{name}_"
    function.__doc__ = f"""`{name}`, in place: the result is written into this tensor. PyTorch: `Tensor.{name}_`.

    Raises RuntimeError for a leaf that requires grad while operations are recorded, and if the result does not
    fit the tensor's shape and type.
    """
    return function


add_ = _in_place("add", Add)
sub_ = _in_place("sub", Sub)
mul_ = _in_place("mul", Mul)
div_ = _in_place("div", Div)
pow_ = _in_place("pow", Pow)
remainder_ = _in_place("remainder", Remainder)
exp_ = _in_place("exp", unary.TABLE["exp"].operation)
log_ = _in_place("log", unary.TABLE["log"].operation)
sqrt_ = _in_place("sqrt", unary.TABLE["sqrt"].operation)
abs_ = _in_place("abs", unary.TABLE["abs"].operation)
neg_ = _in_place("neg", unary.TABLE["neg"].operation)
sigmoid_ = _in_place("sigmoid", unary.TABLE["sigmoid"].operation)
tanh_ = _in_place("tanh", unary.TABLE["tanh"].operation)
floor_ = _in_place("floor", unary.TABLE["floor"].operation)
reciprocal_ = _in_place("reciprocal", unary.TABLE["reciprocal"].operation)


def clamp_(input: Tensor, min: float | None = None, max: float | None = None) -> Tensor:
    """`clamp`, in place. PyTorch: `Tensor.clamp_`.

    >>> tg.tensor([-2.0, 3.0]).clamp_(0, 1)
    tensor([0., 1.])
    """
    if min is None and max is None:
        raise RuntimeError("clamp_: at least one of min and max is needed.")
    overwrite(input, Clamp(min, max))
    return input


# Second names, as in PyTorch.
subtract, multiply, clip = sub, mul, clamp
arctan2 = atan2
divide = true_divide = div


def tensor_where(input: Tensor, condition: Tensor, other: Tensor | float) -> Tensor:
    """This tensor where `condition` is true, `other` elsewhere. PyTorch: `Tensor.where`.

    >>> tg.tensor([1.0, 2.0]).where(tg.tensor([True, False]), 0.0)
    tensor([1., 0.])
    """
    return where(condition, input, other)
