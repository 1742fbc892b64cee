"""Orthogonal polynomials p_n(x), by their recurrences in n; made of other operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import wrap
from . import elementwise
from .dtypes import floating_operands

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "chebyshev_polynomial_t",
    "chebyshev_polynomial_u",
    "chebyshev_polynomial_v",
    "chebyshev_polynomial_w",
    "hermite_polynomial_h",
    "hermite_polynomial_he",
    "laguerre_polynomial_l",
    "legendre_polynomial_p",
    "shifted_chebyshev_polynomial_t",
    "shifted_chebyshev_polynomial_u",
    "shifted_chebyshev_polynomial_v",
    "shifted_chebyshev_polynomial_w",
]

Polynomial = Callable[["Tensor | float", "Tensor | float"], "Tensor"]
#: p_(k+1) from x, k, p_k and p_(k-1).
Step = Callable[[Any, int, Any, Any], Any]


def _polynomial(
    name: str, first: Callable[[Any], Any], step: Step, formula: str, example: tuple[str, str]
) -> Polynomial:
    """The function x, n -> p_n(x), where p_0 = 1 and p_1 = first(x)."""

    def function(input: Tensor | float, n: Tensor | float) -> Tensor:
        x, degree = floating_operands(input, n, name)
        degrees = np.trunc(degree.array)
        x, wanted = _broadcast(x, degrees, name)
        before: Any = x * 0 + 1
        current = first(x)
        result: Tensor = elementwise.where(wrap(wanted == 0), before, elementwise.mul(x, 0.0))
        for k in range(1, int(wanted.max(initial=0)) + 1):
            if (wanted == k).any():
                result = elementwise.where(wrap(wanted == k), current, result)
            before, current = current, step(x, k, current, before)
        return result

    values, expected = example
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""{formula}

    Elementwise, broadcast; n holds degrees (a tensor or a number), without gradient, and a negative
    one gives 0. Integers become the default float type. The work grows with the largest degree.
    PyTorch: `torch.special.{name}`, which has no gradient.

    >>> tg.special.{name}(tg.tensor([0.5, 2.0]), {values})
    {expected}
    """
    return function


def _broadcast(x: Any, degrees: Any, name: str) -> tuple[Any, Any]:
    try:
        shape = np.broadcast_shapes(x.shape, degrees.shape)
    except ValueError:
        raise RuntimeError(
            f"{name}: the shapes {x.shape} and {degrees.shape} cannot be broadcast."
        ) from None
    return x.expand(shape), np.broadcast_to(degrees, shape)


def _chebyshev(x: Any, k: int, current: Any, before: Any) -> Any:
    return 2 * x * current - before


def _shifted(x: Any, k: int, current: Any, before: Any) -> Any:
    return 2 * (2 * x - 1) * current - before


chebyshev_polynomial_t = _polynomial(
    "chebyshev_polynomial_t",
    lambda x: x * 1,
    _chebyshev,
    "Chebyshev's T_n(x): T_1 = x, T_(n+1) = 2 x T_n - T_(n-1); cos nθ at x = cos θ.",
    ("2", "tensor([-0.5000,  7.0000])"),
)
chebyshev_polynomial_u = _polynomial(
    "chebyshev_polynomial_u",
    lambda x: 2 * x,
    _chebyshev,
    "Chebyshev's U_n(x): U_1 = 2x, U_(n+1) = 2 x U_n - U_(n-1).",
    ("2", "tensor([ 0., 15.])"),
)
chebyshev_polynomial_v = _polynomial(
    "chebyshev_polynomial_v",
    lambda x: 2 * x - 1,
    _chebyshev,
    "Chebyshev's V_n(x): V_1 = 2x - 1, V_(n+1) = 2 x V_n - V_(n-1).",
    ("2", "tensor([-1., 11.])"),
)
chebyshev_polynomial_w = _polynomial(
    "chebyshev_polynomial_w",
    lambda x: 2 * x + 1,
    _chebyshev,
    "Chebyshev's W_n(x): W_1 = 2x + 1, W_(n+1) = 2 x W_n - W_(n-1).",
    ("2", "tensor([ 1., 19.])"),
)
shifted_chebyshev_polynomial_t = _polynomial(
    "shifted_chebyshev_polynomial_t",
    lambda x: 2 * x - 1,
    _shifted,
    "Chebyshev's T_n(2x - 1), on 0 ... 1.",
    ("2", "tensor([-1., 17.])"),
)
shifted_chebyshev_polynomial_u = _polynomial(
    "shifted_chebyshev_polynomial_u",
    lambda x: 2 * (2 * x - 1),
    _shifted,
    "Chebyshev's U_n(2x - 1), on 0 ... 1.",
    ("2", "tensor([-1., 35.])"),
)
shifted_chebyshev_polynomial_v = _polynomial(
    "shifted_chebyshev_polynomial_v",
    lambda x: 2 * (2 * x - 1) - 1,
    _shifted,
    "Chebyshev's V_n(2x - 1), on 0 ... 1.",
    ("2", "tensor([-1., 29.])"),
)
shifted_chebyshev_polynomial_w = _polynomial(
    "shifted_chebyshev_polynomial_w",
    lambda x: 2 * (2 * x - 1) + 1,
    _shifted,
    "Chebyshev's W_n(2x - 1), on 0 ... 1.",
    ("2", "tensor([-1., 41.])"),
)
hermite_polynomial_h = _polynomial(
    "hermite_polynomial_h",
    lambda x: 2 * x,
    lambda x, k, current, before: 2 * x * current - 2 * k * before,
    "Hermite's H_n(x), of physics: H_1 = 2x, H_(n+1) = 2 x H_n - 2 n H_(n-1).",
    ("2", "tensor([-1., 14.])"),
)
hermite_polynomial_he = _polynomial(
    "hermite_polynomial_he",
    lambda x: x * 1,
    lambda x, k, current, before: x * current - k * before,
    "Hermite's He_n(x), of probability: He_1 = x, He_(n+1) = x He_n - n He_(n-1).",
    ("2", "tensor([-0.7500,  3.0000])"),
)
laguerre_polynomial_l = _polynomial(
    "laguerre_polynomial_l",
    lambda x: 1 - x,
    lambda x, k, current, before: ((2 * k + 1 - x) * current - k * before) / (k + 1),
    "Laguerre's L_n(x): L_1 = 1 - x, (n+1) L_(n+1) = (2n + 1 - x) L_n - n L_(n-1).",
    ("2", "tensor([ 0.1250, -1.0000])"),
)
legendre_polynomial_p = _polynomial(
    "legendre_polynomial_p",
    lambda x: x * 1,
    lambda x, k, current, before: ((2 * k + 1) * x * current - k * before) / (k + 1),
    "Legendre's P_n(x): P_1 = x, (n+1) P_(n+1) = (2n + 1) x P_n - n P_(n-1).",
    ("2", "tensor([-0.1250,  5.5000])"),
)
