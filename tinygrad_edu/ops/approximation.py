"""How special functions are evaluated: polynomials, Chebyshev series, kernels in float64."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..autograd.graph import Array
from .coefficients import Series

__all__ = ["chebyshev", "in_double", "polynomial", "quotient"]


def polynomial(coefficients: Series, x: Array) -> Array:
    """Horner's scheme; the highest power comes first."""
    result = x * coefficients[0]
    for coefficient in coefficients[1:-1]:
        result += coefficient
        result *= x
    result += coefficients[-1]
    return result


def quotient(coefficients: tuple[Series, Series], x: Array) -> Array:
    """A rational function: numerator and denominator as for `polynomial`."""
    result = polynomial(coefficients[0], x)
    result /= polynomial(coefficients[1], x)
    return result


def chebyshev(series: Series, t: Array) -> Array:
    """Σ c_k T_k(t), by Clenshaw's recurrence; the lowest order comes first."""
    twice = t + t
    last: Any = 0.0
    current: Any = np.full_like(t, series[-1])
    for coefficient in series[-2:0:-1]:
        last, current = current, twice * current - last + coefficient
    result: Array = t * current - last + series[0]
    return result


def in_double(kernel: Callable[..., Array]) -> Callable[..., Array]:
    """A kernel of flat float64 arrays, for broadcast arrays of any floating type, without warnings.

    The result has the arguments' type.
    """

    @functools.wraps(kernel)
    def forward(*values: Any) -> Array:
        dtype = np.result_type(*values)
        arrays = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in values))
        with np.errstate(all="ignore"):
            result = kernel(*(x.reshape(-1) for x in arrays))
            return result.reshape(arrays[0].shape).astype(dtype, copy=False)

    return forward
