"""Bessel functions of order 0 and 1, and Airy's function.

Near 0 a series in x or x²; beyond, one in 1/x, times the exponential or the oscillation that it
leaves (ops/coefficients.py). float64 is right to a few units in the last place of the largest
value.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt

import numpy as np

from ..autograd.graph import Array, Value
from . import coefficients as c
from .approximation import chebyshev, in_double
from .coefficients import Series
from .dtypes import constant
from .unary import UnaryFunction, in_rule, unary

__all__ = [
    "airy_ai",
    "bessel_j0",
    "bessel_j1",
    "bessel_y0",
    "bessel_y1",
    "i0",
    "i0e",
    "i1",
    "i1e",
    "modified_bessel_i0",
    "modified_bessel_i1",
    "modified_bessel_k0",
    "modified_bessel_k1",
    "scaled_modified_bessel_k0",
    "scaled_modified_bessel_k1",
    "spherical_bessel_j0",
]

Kernel = Callable[[Array], Array]


# Modified Bessel functions: I grows, K decays exponentially.


def _scaled_i(near: Series, far: Series, order: int) -> Kernel:
    """e^-|x| I(x)."""

    def kernel(x: Array) -> Array:
        size = np.abs(x)
        small = np.minimum(size, 8)
        large = np.maximum(size, 8)
        inner = chebyshev(near, small / 4 - 1)
        outer = chebyshev(far, 16 / large - 1) / np.sqrt(large)
        if order == 0:
            return np.where(size == 0, 1, np.where(size <= 8, inner, outer))
        return np.where(size <= 8, inner * x, np.copysign(outer, x))

    return kernel


def _scaled_k(near: Series, far: Series, order: int) -> Kernel:
    """e^x K(x); infinite at 0, NaN below."""
    scaled_i = _I1E if order else _I0E

    def kernel(x: Array) -> Array:
        small = np.minimum(x, 2)
        large = np.maximum(x, 2)
        logarithm = np.log(small / 2) * scaled_i(small) * np.exp(small)
        series = chebyshev(near, small * small / 2 - 1)
        inner = series / small + logarithm if order else series - logarithm
        outer = chebyshev(far, 4 / large - 1) / np.sqrt(large)
        result = np.where(x <= 2, inner * np.exp(small), outer)
        return np.where(x == 0, np.inf, np.where(x == np.inf, 0, result))

    return kernel


_I0E = _scaled_i(c.I0_NEAR, c.I0_FAR, 0)
_I1E = _scaled_i(c.I1_NEAR, c.I1_FAR, 1)
_K0E = _scaled_k(c.K0_NEAR, c.K0_FAR, 0)
_K1E = _scaled_k(c.K1_NEAR, c.K1_FAR, 1)


def _times_exponential(kernel: Kernel, sign: int) -> Kernel:
    def product(x: Array) -> Array:
        # In two factors: e^x alone overflows before the product does.
        half = np.exp(sign * np.minimum(np.abs(x) if sign > 0 else x, 1500) / 2)
        result = half * kernel(x) * half
        return np.where(np.isinf(x) & (sign > 0), np.copysign(np.inf, kernel(x)), result)

    return product


# Bessel functions: they oscillate.


def _near_y(series: Series, y: Array) -> Array:
    return chebyshev(series, y / 32 - 1)


def _oscillation(p: Series, q: Series, x: Array, order: int, second: bool) -> Array:
    """sqrt(2/(πx)) (P cos - Q/x sin) for J, (P sin + Q/x cos) for Y; the angle is x - π/4 - ..."""
    v = 128 / (x * x) - 1
    cosine, sine = np.cos(x), np.sin(x)
    # cos and sin of x - π/4 and x - 3π/4, by their sums: no digits of x are lost.
    forward = (cosine + sine, sine - cosine) if order == 0 else (sine - cosine, -sine - cosine)
    real, imaginary = chebyshev(p, v), chebyshev(q, v) / x
    wave = (
        real * forward[1] + imaginary * forward[0]
        if second
        else real * forward[0] - imaginary * forward[1]
    )
    return np.where(np.isinf(x), 0, wave / np.sqrt(pi * x))


def _j(x: Array, order: int) -> Array:
    size = np.abs(x)
    small, large = np.minimum(size, 8), np.maximum(size, 8)
    if order == 0:
        outer = _oscillation(c.P0, c.Q0, large, 0, False)
        inner = np.where(size == 0, 1, _near_y(c.J0_NEAR, small * small))
        return np.where(size <= 8, inner, outer)
    outer = _oscillation(c.P1, c.Q1, large, 1, False)
    return np.where(size <= 8, _near_y(c.J1_NEAR, small * small) * x, outer * np.sign(x))


def _y(x: Array, order: int) -> Array:
    small, large = np.minimum(x, 8), np.maximum(x, 8)
    logarithm = 2 / pi * np.log(small / 2) * _j(small, order)
    if order == 0:
        inner = _near_y(c.Y0_NEAR, small * small) + logarithm
        outer = _oscillation(c.P0, c.Q0, large, 0, True)
    else:
        inner = _near_y(c.Y1_NEAR, small * small) / small + logarithm
        outer = _oscillation(c.P1, c.Q1, large, 1, True)
    result = np.where(x <= 8, inner, outer)
    return np.where(x == 0, -np.inf, np.where(x < 0, np.nan, result))


# Airy's function Ai and its derivative.

_Z2, _Z6 = 2 / 3 * 2**1.5, 2 / 3 * 6**1.5


def _airy(x: Array, slope: bool) -> Array:
    near = (x >= -6) & (x <= 2)
    middle = np.where(near, x, 0)
    t = middle / 4 + 0.5
    result = chebyshev(c.AIRY_SLOPE_NEAR if slope else c.AIRY_NEAR, t)
    size = np.where(x > 2, x, np.where(x < -6, -x, 6))
    root = np.sqrt(size)
    z = 2 / 3 * size * root
    power = np.sqrt(root)  # x^(1/4)
    amplitude = power if slope else 1 / power
    rising = chebyshev(c.AIRY_SLOPE_FAR if slope else c.AIRY_FAR, 2 * _Z2 / z - 1)
    decay = amplitude * np.exp(-z) * rising / (2 * sqrt(pi))
    v = 2 * (_Z6 / z) ** 2 - 1
    p = chebyshev(c.AIRY_SLOPE_P if slope else c.AIRY_P, v)
    q = chebyshev(c.AIRY_SLOPE_Q if slope else c.AIRY_Q, v) / z
    sine, cosine = np.sin(z), np.cos(z)
    cosine, sine = (cosine + sine) / sqrt(2), (sine - cosine) / sqrt(2)  # of z - π/4
    wave = amplitude * (p * sine - q * cosine if slope else p * cosine + q * sine) / sqrt(pi)
    result = np.where(x > 2, decay, np.where(x < -6, wave, result))
    infinite = np.isinf(x)
    result = np.where(infinite, 0 if not slope else np.where(x > 0, 0, np.nan), result)
    return np.where(np.isnan(x), x, result)


# Derivatives with a removable singularity at 0.


def _over(numerator: Value, x: Value, at_zero: float) -> Value:
    """numerator / x, with its limit at 0."""
    return np.where(x == 0, at_zero, numerator / np.where(x == 0, 1, x))


def _i1_slope(x: Value, out: Value) -> Value:
    return in_rule(i0, x) - _over(out, x, 0.5)


def _i1e_slope(x: Value, out: Value) -> Value:
    return in_rule(i0e, x) - np.sign(x) * out - _over(out, x, 0.5)


def _j1_slope(x: Value, out: Value) -> Value:
    return in_rule(bessel_j0, x) - _over(out, x, 0.5)


def _spherical_j0(x: Array) -> Array:
    return np.where(np.isinf(x), 0, np.where(x == 0, 1, np.sin(x) / np.where(x == 0, 1, x)))


def _spherical_slope(x: Value, out: Value) -> Value:
    # Near 0 the difference loses all digits: there, the first terms of its series.
    u = x * x
    series = -x / 3 * (1 - u / 10 * (1 - u / 28 * (1 - u / 54 * (1 - u / 88))))
    near = np.abs(constant(x)) < 0.3
    return np.where(near, series, (np.cos(x) - out) / np.where(near, 1, x))


def _row(
    name: str,
    kernel: Kernel,
    derivative: Callable[..., Value],
    formula: str,
    values: str,
    result: str,
    namespace: str = "special.",
) -> UnaryFunction:
    """One of the functions below."""
    example = (f"[{values}]", f"tensor([{result}])")
    forward = in_double(kernel)
    return unary(name, forward, derivative, formula, example, namespace=namespace, listed=False)


# fmt: off
_I0 = _times_exponential(_I0E, 1)
_I1 = _times_exponential(_I1E, 1)

i0: UnaryFunction = _row(
    "i0", _I0, lambda x: in_rule(i1, x), "The modified Bessel function I0(x); derivative I1(x).",
    "0.0, 1.0", "1.0000, 1.2661", namespace="")
i0e: UnaryFunction = _row(
    "i0e", _I0E, lambda x, out: in_rule(i1e, x) - np.sign(x) * out,
    "e^-|x| I0(x); derivative i1e x - sign x i0e x.", "0.0, 1.0", "1.0000, 0.4658")
i1: UnaryFunction = _row(
    "i1", _I1, _i1_slope, "The modified Bessel function I1(x); derivative I0(x) - I1(x)/x.",
    "0.0, 1.0", "0.0000, 0.5652")
i1e: UnaryFunction = _row(
    "i1e", _I1E, _i1e_slope, "e^-|x| I1(x); derivative i0e x - (sign x + 1/x) i1e x.",
    "0.0, 1.0", "0.0000, 0.2079")
modified_bessel_i0: UnaryFunction = _row(
    "modified_bessel_i0", _I0, lambda x: in_rule(i1, x),
    "The modified Bessel function I0(x), as `i0`; derivative I1(x).",
    "0.0, 1.0", "1.0000, 1.2661")
modified_bessel_i1: UnaryFunction = _row(
    "modified_bessel_i1", _I1, _i1_slope,
    "The modified Bessel function I1(x), as `i1`; derivative I0(x) - I1(x)/x.",
    "0.0, 1.0", "0.0000, 0.5652")
modified_bessel_k0: UnaryFunction = _row(
    "modified_bessel_k0", _times_exponential(_K0E, -1),
    lambda x: -in_rule(modified_bessel_k1, x),
    "The modified Bessel function K0(x), infinite at 0; derivative -K1(x).",
    "1.0, 2.0", "0.4210, 0.1139")
modified_bessel_k1: UnaryFunction = _row(
    "modified_bessel_k1", _times_exponential(_K1E, -1),
    lambda x, out: -in_rule(modified_bessel_k0, x) - out / x,
    "The modified Bessel function K1(x), infinite at 0; derivative -K0(x) - K1(x)/x.",
    "1.0, 2.0", "0.6019, 0.1399")
scaled_modified_bessel_k0: UnaryFunction = _row(
    "scaled_modified_bessel_k0", _K0E,
    lambda x, out: out - in_rule(scaled_modified_bessel_k1, x),
    "e^x K0(x); derivative e^x (K0(x) - K1(x)).", "1.0, 2.0", "1.1445, 0.8416")
scaled_modified_bessel_k1: UnaryFunction = _row(
    "scaled_modified_bessel_k1", _K1E,
    lambda x, out: out - in_rule(scaled_modified_bessel_k0, x) - out / x,
    "e^x K1(x); derivative e^x (K1(x) - K0(x) - K1(x)/x).", "1.0, 2.0", "1.6362, 1.0335")
bessel_j0: UnaryFunction = _row(
    "bessel_j0", lambda x: _j(x, 0), lambda x: -in_rule(bessel_j1, x),
    "The Bessel function of the first kind J0(x); derivative -J1(x).",
    "0.0, 1.0", "1.0000, 0.7652")
bessel_j1: UnaryFunction = _row(
    "bessel_j1", lambda x: _j(x, 1), _j1_slope,
    "The Bessel function of the first kind J1(x); derivative J0(x) - J1(x)/x.",
    "0.0, 1.0", "0.0000, 0.4401")
bessel_y0: UnaryFunction = _row(
    "bessel_y0", lambda x: _y(x, 0), lambda x: -in_rule(bessel_y1, x),
    "The Bessel function of the second kind Y0(x), NaN below 0; derivative -Y1(x).",
    "1.0, 2.0", "0.0883, 0.5104")
bessel_y1: UnaryFunction = _row(
    "bessel_y1", lambda x: _y(x, 1), lambda x, out: in_rule(bessel_y0, x) - out / x,
    "The Bessel function of the second kind Y1(x), NaN below 0; derivative Y0(x) - Y1(x)/x.",
    "1.0, 2.0", "-0.7812, -0.1070")
spherical_bessel_j0: UnaryFunction = _row(
    "spherical_bessel_j0", _spherical_j0, _spherical_slope,
    "sin(x)/x, 1 at 0; derivative (cos x - sin(x)/x)/x.", "0.0, 1.0", "1.0000, 0.8415")
airy_ai: UnaryFunction = _row(
    "airy_ai", lambda x: _airy(x, False), lambda x: in_rule(airy_slope, x),
    "Airy's function Ai(x), the solution of y'' = x y that decays; derivative Ai'(x).",
    "0.0, 1.0", "0.3550, 0.1353")
airy_slope: UnaryFunction = unary(
    "airy_ai_slope", in_double(lambda x: _airy(x, True)), lambda x: x * in_rule(airy_ai, x),
    "Ai'(x); derivative x Ai(x).", ("[0.0]", "tensor([-0.2588])"), listed=False)
# fmt: on
