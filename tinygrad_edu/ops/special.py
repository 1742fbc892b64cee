"""The error function and its complement, which NumPy does not have."""

from __future__ import annotations

from math import pi, sqrt
from typing import TYPE_CHECKING

import numpy as np

from ..autograd.graph import Array, Operation, Value, apply
from .dtypes import floating, quiet

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["erf", "erfc"]

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


def _polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    """Horner's scheme; the highest power comes first."""
    result = x * coefficients[0]
    for coefficient in coefficients[1:-1]:
        result += coefficient
        result *= x
    result += coefficients[-1]
    return result


def _quotient(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: Array) -> Array:
    result = _polynomial(coefficients[0], x)
    result /= _polynomial(coefficients[1], x)
    return result


def _tail(y: Array) -> Array:
    """erfc(y) for y > 0.46875, in float64."""
    result = np.zeros_like(y)  # erfc(27) is below the smallest float64.
    for region, coefficients in ((y <= 4, _MIDDLE), ((y > 4) & (y < 27), _FAR)):
        part = y[region]
        if coefficients is _MIDDLE:
            ratio = _quotient(coefficients, part)
        else:
            inverse = 1 / (part * part)
            ratio = (1 / sqrt(pi) - inverse * _quotient(coefficients, inverse)) / part
        # e^(-y²) with y² split into a part that is exact and a small rest: y² itself is rounded.
        head = np.trunc(part * 16) / 16
        result[region] = ratio * np.exp(-head * head) * np.exp(-(part - head) * (part + head))
    return result


def _pieces(x: Array, complement: bool) -> Array:
    """erf(x), or erfc(x), in float64."""
    x = np.asarray(x, dtype=np.float64)
    result = np.array(x)  # NaN stays NaN.
    y = np.abs(x)
    near, far = y <= 0.46875, y > 0.46875
    small = x[near] * _quotient(_NEAR, np.square(y[near]))
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
    inner = _polynomial(_SINGLE, np.asarray(np.square(x)))
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
