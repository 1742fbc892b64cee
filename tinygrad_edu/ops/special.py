"""The error function's family, which NumPy does not have, and the normal distribution."""

from __future__ import annotations

from math import pi, sqrt
from typing import TYPE_CHECKING

import numpy as np

from ..autograd.graph import Array, Operation, Value, apply
from .approximation import in_double, polynomial, quotient
from .coefficients import QUANTILE_FAR, QUANTILE_MIDDLE, QUANTILE_TAIL
from .dtypes import floating, quiet
from .unary import in_rule, unary

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["erf", "erfc", "erfcx", "erfinv", "log_ndtr", "ndtr", "ndtri"]

# Coefficients of W. J. Cody, "Rational Chebyshev approximations for the error function",
# Mathematics of Computation 23 (1969) 631-637, highest power first: numerator and denominator for
# |x| <= 0.46875, up to 4, above.
_NEAR = (
    (1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2, 3.77485237685302021e2,
     3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3,
     2.84423683343917062e3),
)  # fmt: skip
_MIDDLE = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1,
     2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
     1.23033935479799725e3),
    (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2,
     1.62138957456669019e3, 3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3,
     1.23033935480374942e3),
)  # fmt: skip
_FAR = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
     1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242e0, 1.87295284992346047e0, 5.27905102951428412e-1,
     6.05183413124413191e-2, 2.33520497626869185e-3),
)  # fmt: skip
# erf(x) = tanh(x p(x²)) in float32: coefficients of p, fitted for this file to artanh(erf x)/x on
# [0, 3.9] by reweighted least squares; beyond, p grows and the result is 1. The largest relative
# error is 3e-7; rounding alone makes 6e-8.
_SINGLE = (
    1.4184443477525452e-07, -5.668328082586086e-06, 8.763634551524125e-05, -6.197818143053689e-04,
    -1.9183440258135727e-04, 0.10276905752713443, 1.1283792740975433,
)  # fmt: skip


def _scaled_tail(y: Array) -> Array:
    """e^(y²) erfc(y) for y > 0.46875, in float64."""
    result = np.zeros_like(y)
    for region, coefficients in ((y <= 4, _MIDDLE), (y > 4, _FAR)):
        part = y[region]
        if coefficients is _MIDDLE:
            result[region] = quotient(coefficients, part)
        else:
            inverse = 1 / (part * part)
            result[region] = (1 / sqrt(pi) - inverse * quotient(coefficients, inverse)) / part
    return result


def _exp_of_square(y: Array, sign: int) -> Array:
    """e^(±y²), y² split into a part that is exact and a small rest: y² itself is rounded."""
    head = np.trunc(y * 16) / 16
    result: Array = np.exp(sign * head * head) * np.exp(sign * (y - head) * (y + head))
    return result


def _tail(y: Array) -> Array:
    """erfc(y) for y > 0.46875, in float64."""
    y = np.minimum(y, 30)  # erfc(27) is below the smallest float64.
    result: Array = _scaled_tail(y) * _exp_of_square(y, -1)
    return result


def _pieces(x: Array, complement: bool) -> Array:
    """erf(x), or erfc(x), in float64."""
    x = np.asarray(x, dtype=np.float64)
    result = np.array(x)  # NaN stays NaN.
    y = np.abs(x)
    near, far = y <= 0.46875, y > 0.46875
    small = x[near] * quotient(_NEAR, np.square(y[near]))
    large = _tail(y[far])
    positive = x[far] > 0
    if complement:
        result[near] = 1 - small
        result[far] = np.where(positive, large, 2 - large)
    else:
        result[near] = small
        result[far] = np.where(positive, 1 - large, large - 1)
    return result


@quiet
def erf_array(x: Array) -> Array:
    """erf on an array, in the array's type."""
    if x.dtype == np.float64:
        return _pieces(x, complement=False)
    if x.dtype != np.float32:
        return erf_array(x.astype(np.float32)).astype(x.dtype)  # type: ignore[no-any-return]
    # No branches, and a tanh that NumPy computes with vector instructions: 25 µs for 128×100
    # numbers, not 430.
    inner = polynomial(_SINGLE, np.asarray(np.square(x)))
    inner *= x
    return np.tanh(inner)


class Erf(Operation):
    """z = erf x        grad_x = grad 2/√π e^(-x²)"""

    __slots__ = ()

    def forward(self, x: Array) -> Value:
        return erf_array(x)

    def grad_x(self, grad: Value, x: Value) -> Value:
        return grad * (2 / sqrt(pi) * np.exp(-x * x))


class Erfc(Operation):
    """z = 1 - erf x        grad_x = -grad 2/√π e^(-x²)"""

    __slots__ = ()

    def forward(self, x: Array) -> Array:
        return _pieces(x, complement=True).astype(x.dtype)

    def grad_x(self, grad: Value, x: Value) -> Value:
        return grad * (-2 / sqrt(pi) * np.exp(-x * x))


def erf(input: Tensor) -> Tensor:
    """Error function: 2/√π times the integral of e^(-t²) from 0 to x; derivative 2/√π e^(-x²).

    Elementwise. float64 is right to 1e-15, float32 to 3e-7 (relative); integers become the default
    float type. PyTorch: `torch.erf`.

    >>> tg.erf(tg.tensor([0.0, 0.5, -2.0]))
    tensor([ 0.0000,  0.5205, -0.9953])
    """
    return apply(Erf(), floating(input, "erf"))


def erfc(input: Tensor) -> Tensor:
    """1 - erf(x), with all its digits where it is tiny; derivative -2/√π e^(-x²).

    Elementwise; integers become the default float type. PyTorch: `torch.erfc`.

    >>> tg.erfc(tg.tensor([0.0, 0.5, -2.0]))
    tensor([1.0000, 0.4795, 1.9953])
    """
    return apply(Erfc(), floating(input, "erfc"))


# The inverse, the scaled complement, and the normal distribution's functions.


@in_double
def _erfcx(x: Array) -> Array:
    result = np.array(x)
    far = np.abs(x) > 0.46875
    tail = _scaled_tail(np.abs(x[far]))
    result[far] = np.where(x[far] > 0, tail, 2 * _exp_of_square(x[far], 1) - tail)
    near = np.abs(x) <= 0.46875
    result[near] = np.exp(x[near] ** 2) * _pieces(x[near], complement=True)
    result[x < -27] = np.inf  # 2 e^(x²) is beyond float64.
    return result


def _quantile(half: Array, tail: Array) -> Array:
    """The normal quantile of 1/2 + half; `tail` is the smaller one of p and 1 - p."""
    result = np.full_like(half, np.nan)
    middle = np.abs(half) <= 0.425
    part = half[middle]
    result[middle] = part * quotient(QUANTILE_MIDDLE, 0.180625 - part * part)
    inside = ~middle & (tail > 0)
    r = np.sqrt(-np.log(np.where(inside, tail, 0.5)))
    size = np.where(r <= 5, quotient(QUANTILE_TAIL, r - 1.6), quotient(QUANTILE_FAR, r - 5))
    result[inside] = np.copysign(size, half)[inside]
    end = tail == 0
    result[end] = np.copysign(np.inf, half[end])
    return result


@in_double
def _erfinv(x: Array) -> Array:
    return _quantile(x / 2, (1 - np.abs(x)) / 2) / sqrt(2)


@in_double
def _ndtri(x: Array) -> Array:
    return _quantile(x - 0.5, np.where(x < 0.5, x, 1 - x))


@in_double
def _ndtr(x: Array) -> Array:
    return 0.5 * _pieces(-x / sqrt(2), complement=True)


@in_double
def _log_ndtr(x: Array) -> Array:
    # Left of -1 from the scaled tail, which does not vanish; right of it from the other side.
    left = np.log(_erfcx(-np.minimum(x, -1) / sqrt(2)) / 2) - x * x / 2
    right = np.log1p(-0.5 * _pieces(np.maximum(x, -1) / sqrt(2), complement=True))
    return np.where(x < -1, np.where(x == -np.inf, x, left), right)


def _normal_density(x: Value) -> Value:
    return np.exp(-0.5 * x * x) / sqrt(2 * pi)


# fmt: off
erfinv = unary("erfinv", _erfinv, lambda out: sqrt(pi) / 2 * np.exp(out * out),
               "The x with erf(x) = y, -1 < y < 1, ±inf at ±1; derivative √π/2 e^(x²).",
               ("[0.0, 0.5, -1.0]", "tensor([0.0000, 0.4769,   -inf])"), listed=False)
erfcx = unary("erfcx", _erfcx, lambda x, out: 2 * x * out - 2 / sqrt(pi),
              "e^(x²) erfc(x), which does not vanish; derivative 2 x erfcx(x) - 2/√π.",
              ("[0.0, 10.0]", "tensor([1.0000, 0.0561])"), namespace="special.", listed=False)
ndtr = unary("ndtr", _ndtr, _normal_density,
             "The normal distribution function, erfc(-x/√2)/2; derivative e^(-x²/2)/√(2π).",
             ("[0.0, 1.0]", "tensor([0.5000, 0.8413])"), namespace="special.", listed=False)
ndtri = unary("ndtri", _ndtri, lambda out: sqrt(2 * pi) * np.exp(0.5 * out * out),
              "The normal quantile: the x with ndtr(x) = p; derivative √(2π) e^(x²/2).",
              ("[0.5, 0.975]", "tensor([0.0000, 1.9600])"), namespace="special.", listed=False)
log_ndtr = unary("log_ndtr", _log_ndtr, lambda x: sqrt(2 / pi) / in_rule(erfcx, -x / sqrt(2)),
                 "ln ndtr(x), without underflow; derivative √(2/π) / erfcx(-x/√2).",
                 ("[0.0, -50.0]", "tensor([-6.9315e-01, -1.2548e+03])"), namespace="special.",
                 listed=False)
# fmt: on
