"""Functions of one number, applied to every element: a table of derivatives to read.

Each row is a name, the NumPy function, and the derivative, written in terms of the input `x` or
the result `out`, whichever is cheaper; a derivative names what it needs, and only that is saved.
`domain` is the open interval that the tests draw from, `kinks` are points without a derivative
inside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, pi
from math import log as ln
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import Array, Operation, TensorBase, Value, apply, run
from ..autograd.leaving import without_gradient
from .dtypes import as_tensor_operand, constant, floating, quiet

if TYPE_CHECKING:
    from ..tensor import Tensor

UnaryFunction = Callable[["Tensor"], "Tensor"]


def _sigmoid(x: Array) -> Array:
    # 1/(1 + e^-x) is right at both ends: e^-x overflows to infinity where the result is 0.
    out = np.negative(x)
    if out.ndim == 0:
        return 1 / (1 + np.exp(out))
    np.exp(out, out=out)
    out += 1
    return np.reciprocal(out, out=out)


def _angle(x: Array) -> Any:
    return np.where(np.isnan(x), x, np.where(x < 0, x.dtype.type(pi), x.dtype.type(0)))


def _sign(x: Array) -> Any:
    if x.dtype.kind == "f":
        return np.where(np.isnan(x), x.dtype.type(0), np.sign(x))
    return np.array(x) if x.dtype.kind == "b" else np.sign(x)


def _slope_of_sinc(x: Value, out: Value) -> Value:
    # Near 0 the difference loses all digits: there, the first terms of its series.
    u = (pi * x) ** 2
    series = -pi * pi / 3 * x * (1 - u / 10 * (1 - u / 28 * (1 - u / 54 * (1 - u / 88))))
    near = np.abs(constant(x)) < 0.1
    return np.where(near, series, (np.cos(pi * x) - out) / np.where(near, 1, x))


@quiet
def _square(x: Array) -> Any:
    return x.astype(np.int64) if x.dtype.kind == "b" else np.square(x)


_NEVER = np.array(False)


def nothing(grad: Value) -> Value:
    """The gradient of what is constant: 0, also where 0 · grad would be NaN."""
    return np.where(_NEVER, grad, 0)


@dataclass(frozen=True)
class Row:
    """What the tests know of a unary function."""

    name: str
    function: UnaryFunction
    operation: type[Operation]
    domain: tuple[float, float]
    kinks: tuple[float, ...]


#: Of the functions that keep integers, those that booleans have, too.
_OF_BOOLEANS = ("sign", "square")

TABLE: dict[str, Row] = {}
_OPERATIONS: dict[UnaryFunction, type[Operation]] = {}


def in_rule(function: UnaryFunction, x: Value) -> Value:
    """A function made by `unary`, in a rule: of arrays, or recorded."""
    return run(_OPERATIONS[function](), x)


def description(operation: type[Operation]) -> str | None:
    """The formula and derivative of an operation made by `unary`, as its documentation has them."""
    for function, kind in _OPERATIONS.items():
        if kind is operation:
            return (function.__doc__ or "").partition("\n")[0]
    return None


def _operation(
    name: str, forward: Callable[..., Any], derivative: Callable[..., Any]
) -> type[Operation]:
    """The operation z = f(x) with grad_x = grad · f'."""
    uses = derivative.__code__.co_varnames[: derivative.__code__.co_argcount]

    def of_input(self: Operation, grad: Value, x: Value) -> Value:
        return grad * derivative(x)

    def of_result(self: Operation, grad: Value, out: Value) -> Value:
        return grad * derivative(out)

    def of_both(self: Operation, grad: Value, x: Value, out: Value) -> Value:
        return grad * derivative(x, out)

    def constant(self: Operation, grad: Value) -> Value:
        slope = derivative()
        return grad * slope if slope else nothing(grad)

    rules: dict[tuple[str, ...], Any] = {
        ("x",): of_input,
        ("out",): of_result,
        ("x", "out"): of_both,
        (): constant,
    }
    members = {
        "__slots__": (),
        "__doc__": f"z = {name}(x)",
        "inputs": ("x",),
        "forward": staticmethod(forward),
        "grad_x": rules[uses],
    }
    class_name = "".join(part.capitalize() for part in name.split("_"))
    return type(class_name, (Operation,), members)


def unary(
    name: str,
    forward: Callable[..., Any],
    derivative: Callable[..., Any],
    formula: str,
    example: tuple[str, str],
    *,
    domain: tuple[float, float] = (-3.0, 3.0),
    kinks: tuple[float, ...] = (),
    integers: bool = False,
    namespace: str = "",
    listed: bool = True,
) -> UnaryFunction:
    """One row of the table: the public function, with its operation and its documentation.

    `integers=True`: an integer tensor keeps its type; otherwise it becomes the default float type
    first. `namespace` is "special." for functions of `tg.special`; `listed=False` leaves those of
    other files out of the table.
    """
    operation = _operation(name, forward, derivative)

    def function(input: Tensor) -> Tensor:
        if isinstance(input, TensorBase) and input.array.dtype.kind == "f":
            return apply(operation(), input)
        if not integers:
            return apply(operation(), floating(input, name))
        tensor = as_tensor_operand(input, name)
        x = tensor.array if isinstance(tensor, TensorBase) else np.asarray(tensor)
        if x.dtype.kind == "b" and name not in _OF_BOOLEANS:
            raise RuntimeError(
                f"{name} is not defined for booleans. The opposite of a mask is `~x`; as numbers, "
                "`x.int()`."
            )
        result = np.asarray(forward(x))
        result = result if result.dtype.kind in "iu" else result.astype(x.dtype, copy=False)
        return without_gradient(name, result, input)

    types = "integers stay integers" if integers else "integers become the default float type"
    values, result = example
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""{formula}

    Elementwise. A floating tensor keeps its type; {types}.
    PyTorch: `torch.{namespace}{name}`.

    >>> tg.{namespace}{name}(tg.tensor({values}))
    {result}
    """
    _OPERATIONS[function] = operation
    if listed:
        TABLE[name] = Row(name, function, operation, domain, kinks)
    return function


# fmt: off
# ruff: noqa: PLW0108 - a derivative's parameter is named after what it needs: not `np.cos` alone
exp = unary("exp", quiet(np.exp), lambda out: out, "e^x; the derivative is e^x itself.",
            ("[0.0, 1.0]", "tensor([1.0000, 2.7183])"))
exp2 = unary("exp2", quiet(np.exp2), lambda out: out * ln(2), "2^x; derivative 2^x ln 2.",
             ("[0.0, 3.0]", "tensor([1., 8.])"))
expm1 = unary("expm1", quiet(np.expm1), lambda out: out + 1,
              "e^x - 1, exact near 0; derivative e^x.", ("[0.0, 1.0]", "tensor([0.0000, 1.7183])"))
log = unary("log", quiet(np.log), lambda x: 1 / x, "Natural logarithm ln x; derivative 1/x.",
            ("[1.0, 2.7182818]", "tensor([0., 1.])"), domain=(0.0, inf))
log2 = unary("log2", quiet(np.log2), lambda x: 1 / (x * ln(2)),
             "Logarithm to base 2; derivative 1/(x ln 2).",
             ("[1.0, 8.0]", "tensor([0., 3.])"), domain=(0.0, inf))
log10 = unary("log10", quiet(np.log10), lambda x: 1 / (x * ln(10)),
              "Logarithm to base 10; derivative 1/(x ln 10).",
              ("[1.0, 10.0]", "tensor([0., 1.])"), domain=(0.0, inf))
log1p = unary("log1p", quiet(np.log1p), lambda x: 1 / (1 + x),
              "ln(1 + x), exact near 0; derivative 1/(1 + x).",
              ("[0.0, 1.0]", "tensor([0.0000, 0.6931])"), domain=(-1.0, inf))
sqrt = unary("sqrt", quiet(np.sqrt), lambda out: 0.5 / out,
             "Square root; derivative 1/(2 sqrt x), infinite at 0.",
             ("[4.0, 9.0]", "tensor([2., 3.])"), domain=(0.0, inf))
rsqrt = unary("rsqrt", quiet(lambda x: 1 / np.sqrt(x)), lambda out: -0.5 * out**3,
              "1/sqrt x; derivative -1/(2 x sqrt x).",
              ("[4.0, 0.25]", "tensor([0.5000, 2.0000])"), domain=(0.0, inf))
square = unary("square", _square, lambda x: 2 * x, "x²; derivative 2x.",
               ("[-2.0, 3.0]", "tensor([4., 9.])"), integers=True)
reciprocal = unary("reciprocal", quiet(np.reciprocal), lambda out: -out * out,
                   "1/x; derivative -1/x².",
                   ("[2.0, 4.0]", "tensor([0.5000, 0.2500])"), domain=(0.0, inf))
neg = unary("neg", np.negative, lambda: -1, "-x; derivative -1.",
            ("[1.0, -2.0]", "tensor([-1.,  2.])"), integers=True)
abs = unary("abs", np.abs, lambda x: np.sign(x), "|x|; derivative sign x, taken as 0 at 0.",
            ("[-1.0, 2.0]", "tensor([1., 2.])"), kinks=(0.0,), integers=True)

sin = unary("sin", quiet(np.sin), lambda x: np.cos(x),
            "Sine of an angle in radians; derivative cos x.",
            ("[0.0, 1.5707963]", "tensor([0., 1.])"))
cos = unary("cos", quiet(np.cos), lambda x: -np.sin(x),
            "Cosine of an angle in radians; derivative -sin x.",
            ("[0.0, 3.1415927]", "tensor([ 1., -1.])"))
tan = unary("tan", quiet(np.tan), lambda out: 1 + out * out, "Tangent; derivative 1 + tan² x.",
            ("[0.0, 0.7853982]", "tensor([0., 1.])"), domain=(-pi / 2, pi / 2))
asin = unary("asin", quiet(np.arcsin), lambda x: 1 / np.sqrt(1 - x * x),
             "Inverse sine; derivative 1/sqrt(1 - x²).",
             ("[0.0, 1.0]", "tensor([0.0000, 1.5708])"), domain=(-1.0, 1.0))
acos = unary("acos", quiet(np.arccos), lambda x: -1 / np.sqrt(1 - x * x),
             "Inverse cosine; derivative -1/sqrt(1 - x²).",
             ("[1.0, 0.0]", "tensor([0.0000, 1.5708])"), domain=(-1.0, 1.0))
atan = unary("atan", np.arctan, lambda x: 1 / (1 + x * x),
             "Inverse tangent; derivative 1/(1 + x²).", ("[0.0, 1.0]", "tensor([0.0000, 0.7854])"))
sinh = unary("sinh", quiet(np.sinh), lambda x: np.cosh(x), "(e^x - e^-x)/2; derivative cosh x.",
             ("[0.0, 1.0]", "tensor([0.0000, 1.1752])"))
cosh = unary("cosh", quiet(np.cosh), lambda x: np.sinh(x), "(e^x + e^-x)/2; derivative sinh x.",
             ("[0.0, 1.0]", "tensor([1.0000, 1.5431])"))
tanh = unary("tanh", np.tanh, lambda out: 1 - out * out,
             "Hyperbolic tangent; derivative 1 - tanh² x.",
             ("[0.0, 1.0]", "tensor([0.0000, 0.7616])"))
asinh = unary("asinh", np.arcsinh, lambda x: 1 / np.sqrt(x * x + 1),
              "Inverse of sinh; derivative 1/sqrt(x² + 1).",
              ("[0.0, 1.0]", "tensor([0.0000, 0.8814])"))
acosh = unary("acosh", quiet(np.arccosh), lambda x: 1 / np.sqrt(x * x - 1),
              "Inverse of cosh; derivative 1/sqrt(x² - 1).",
              ("[1.0, 2.0]", "tensor([0.0000, 1.3170])"), domain=(1.0, inf))
atanh = unary("atanh", quiet(np.arctanh), lambda x: 1 / (1 - x * x),
              "Inverse of tanh; derivative 1/(1 - x²).",
              ("[0.0, 0.5]", "tensor([0.0000, 0.5493])"), domain=(-1.0, 1.0))
sigmoid = unary("sigmoid", quiet(_sigmoid), lambda out: out * (1 - out),
                "1/(1 + e^-x); derivative s(1 - s).", ("[0.0, 1.0]", "tensor([0.5000, 0.7311])"))
deg2rad = unary("deg2rad", np.deg2rad, lambda: pi / 180,
                "Degrees to radians: x π/180; derivative π/180.",
                ("[180.0, 90.0]", "tensor([3.1416, 1.5708])"))
rad2deg = unary("rad2deg", np.rad2deg, lambda: 180 / pi,
                "Radians to degrees: x 180/π; derivative 180/π.",
                ("[3.1415927, 0.0]", "tensor([180.,   0.])"))

# Steps: their derivative is 0 wherever it exists.
_STEPS = tuple(float(step) for step in range(-3, 4))
floor = unary("floor", np.floor, lambda: 0, "The largest integer not above x; derivative 0.",
              ("[1.5, -1.5]", "tensor([ 1., -2.])"), kinks=_STEPS, integers=True)
ceil = unary("ceil", np.ceil, lambda: 0, "The smallest integer not below x; derivative 0.",
             ("[1.5, -1.5]", "tensor([ 2., -1.])"), kinks=_STEPS, integers=True)
trunc = unary("trunc", np.trunc, lambda: 0, "x without its fraction, towards 0; derivative 0.",
              ("[1.5, -1.5]", "tensor([ 1., -1.])"), kinks=_STEPS, integers=True)
frac = unary("frac", quiet(lambda x: x - np.trunc(x)), lambda: 1,
             "The fraction of x, with its sign; derivative 1.",
             ("[1.5, -1.25]", "tensor([ 0.5000, -0.2500])"), kinks=_STEPS)
sign = unary("sign", _sign, lambda: 0, "-1, 0 or 1, 0 for NaN; derivative 0.",
             ("[-2.0, 0.0, 3.0]", "tensor([-1.,  0.,  1.])"), kinks=(0.0,), integers=True)
angle = unary("angle", _angle, lambda: 0,
              "The angle of x in the complex plane: π if it is negative, else 0; derivative 0.",
              ("[-2.0, 3.0]", "tensor([3.1416, 0.0000])"), kinks=(0.0,))
sinc = unary("sinc", quiet(np.sinc), lambda x, out: _slope_of_sinc(x, out),
             "sin(πx)/(πx), 1 at 0; derivative (cos πx - sinc x)/x.",
             ("[0.0, 0.5]", "tensor([1.0000, 0.6366])"))
# fmt: on

# Second names, as in NumPy and PyTorch.
absolute, negative, fix = abs, neg, trunc
arcsin, arccos, arctan, arcsinh, arccosh, arctanh = asin, acos, atan, asinh, acosh, atanh
