"""The gamma function's family: its logarithm, the derivatives of that, zeta, incomplete gamma."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import Array, Operation, Value, apply, run
from .approximation import chebyshev, in_double, polynomial
from .coefficients import LGAMMA
from .dtypes import floating, floating_operands
from .unary import in_rule, unary

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "digamma",
    "igamma",
    "igammac",
    "lgamma",
    "multigammaln",
    "mvlgamma",
    "polygamma",
    "zeta",
]

# Bernoulli numbers B2, B4, ... as they stand in the asymptotic series, highest power first: of
# ln Γ, B2k / (2k (2k - 1)); of ψ, B2k / 2k.
_STIRLING = (-3617 / 122400, 1 / 156, -691 / 360360, 1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12)  # fmt: skip # noqa: E501
_DIGAMMA = (-3617 / 8160, 1 / 12, -691 / 32760, 1 / 132, -1 / 240, 1 / 252, -1 / 120, 1 / 12)
# B2k / (2k)!, k = 1, 2, ...
_EULER_MACLAURIN = (
    1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000,
    1 / 74724249600, -3617 / 10670622842880000, 43867 / 5109094217170944000,
    -174611 / 802857662698291200000, 77683 / 14101100039391805440000,
    -236364091 / 1693824136731743669452800000,
)  # fmt: skip


def _stirling(x: Array) -> Array:
    """ln Γ(x) - ((x - 1/2) ln x - x + ln √2π), for x >= 8."""
    return polynomial(_STIRLING, 1 / (x * x)) / x


def _near_one(t: Array) -> Array:
    """ln Γ(1 + t) for 0 <= t <= 1, with all its digits where it is small."""
    series: Array = t * (t - 1) * chebyshev(LGAMMA, 2 * t - 1)
    return series


def _sine_of_pi(x: Array) -> Array:
    """sin πx, right to the last digits for large x, too."""
    rest = x - 2 * np.round(x / 2)
    return np.sin(np.pi * np.where(np.abs(rest) > 0.5, np.copysign(1, rest) - rest, rest))


@in_double
def _lgamma(x: Array) -> Array:
    # Γ(x) = Γ(x + 1) / x below 1; below 0 by reflection, Γ(x) Γ(1 - x) = π / sin πx.
    y = np.where(x < 0, 1 - x, np.where(x < 1, 1 + x, x))
    large = y >= 8
    product = np.ones_like(y)
    z = np.where(large, 1.5, y)
    while (above := z >= 2).any():
        z = np.where(above, z - 1, z)
        product = np.where(above, product * z, product)
    # Where y = 1 + x was rounded, t is x itself.
    t = np.where((x >= 0) & (x < 1), x, z - 1)
    result = np.log(product) + _near_one(t)
    w = np.where(large, y, 8)
    asymptotic = (w - 0.5) * (np.log(w) - 1) - 0.5 + 0.5 * math.log(2 * math.pi) + _stirling(w)
    result = np.where(large, asymptotic, result)
    result = np.where((x >= 0) & (x < 1), result - np.log(x), result)
    reflected = math.log(math.pi) - np.log(np.abs(_sine_of_pi(x))) - result
    result = np.where(x < 0, reflected, result)
    return np.where(np.isnan(x), x, np.where(np.isinf(x), np.inf, result))


@in_double
def _digamma(x: Array) -> Array:
    # ψ(1 - x) - ψ(x) = π / tan πx.
    y = np.where(x < 0, 1 - x, x)
    result = np.zeros_like(y)
    while (small := y < 10).any():
        result = np.where(small, result - 1 / y, result)
        y = np.where(small, y + 1, y)
    square = 1 / (y * y)
    result += np.log(y) - 0.5 / y - square * polynomial(_DIGAMMA, square)
    rest = x - np.round(x)
    result = np.where(x < 0, result - np.pi / np.tan(np.pi * rest), result)
    result = np.where((x < 0) & (rest == 0), np.nan, result)
    result = np.where(x == 0, np.copysign(np.inf, -x), result)
    return np.where(np.isnan(x) | (x == -np.inf), np.nan, np.where(x == np.inf, np.inf, result))


def _zeta_above(s: Array, q: Array) -> Array:
    """Σ (q + k)^-s over k >= 0 for s > 1, q > 0: some terms, the rest by Euler and Maclaurin."""
    total = np.zeros_like(q)
    at = q.copy()
    while True:
        term = at**-s
        pending = (at < 10 + np.minimum(s, 120) / 3) & (term > 1e-17 * total)
        if not pending.any():
            break
        total = np.where(pending, total + term, total)
        at = np.where(pending, at + 1, at)
    rest = term * (at / (s - 1) + 0.5)
    factor = term * s / at
    for k, coefficient in enumerate(_EULER_MACLAURIN):
        rest += factor * coefficient
        factor = factor * (s + 2 * k + 1) * (s + 2 * k + 2) / (at * at)
    return np.where(term > 1e-17 * total, total + rest, total)


@in_double
def _zeta(s: Array, q: Array) -> Array:
    whole = np.floor(q)
    below = (q < 0) & (q != whole)
    # Below 0 the series runs over both sides of it: for an integer s, each side is a zeta again.
    start = np.where(below, q - whole, np.where(q > 0, q, 1))
    order = np.where(s > 1, s, 2)
    result = _zeta_above(order, start)
    if below.any():
        sign = np.where(order % 2 == 0, 1, -1)
        other = np.where(below, 1 - start, 1)
        mirrored = _zeta_above(order, other) - _zeta_above(order, np.where(below, 1 - q, 1))
        result = np.where(below, result + sign * mirrored, result)
        result = np.where(below & (order != np.floor(order)), np.nan, result)
    result = np.where((q <= 0) & (q == whole), np.inf, result)
    result = np.where(s == np.inf, np.where(q > 1, 0, np.where(q == 1, 1, np.inf)), result)
    result = np.where(q == np.inf, 0, result)
    result = np.where(s > 1, result, np.where(s == 1, np.inf, np.nan))
    return np.where(np.isnan(s) | np.isnan(q), np.nan, result)


class Zeta(Operation):
    """z = Σ (q + k)^-s over k = 0, 1, ...        grad_q = -grad s zeta(s + 1, q)"""

    __slots__ = ()

    def forward(self, s: Array, q: Array) -> Array:
        return _zeta(s, q)

    def grad_q(self, grad: Value, s: Value, q: Value) -> Value:
        return -grad * s * run(Zeta(), s + 1, q)


class Polygamma(Operation):
    """z = derivative number n of ψ        grad_x = grad polygamma(n + 1, x)"""

    __slots__ = ("n",)

    def __init__(self, n: int) -> None:
        self.n = n

    def forward(self, x: Array) -> Array:
        if self.n == 0:
            return _digamma(x)
        # (-1)^(n+1) n! zeta(n + 1, x), in float64 before it is rounded.
        factorial = math.exp(min(math.lgamma(self.n + 1), 709.7)) if self.n < 171 else math.inf
        x = np.asarray(x)
        values = _zeta(np.float64(self.n + 1), x.astype(np.float64))
        with np.errstate(all="ignore"):
            result = (factorial if self.n % 2 else -factorial) * values
        return np.asarray(result).astype(x.dtype)

    def grad_x(self, grad: Value, x: Value) -> Value:
        return grad * run(Polygamma(self.n + 1), x)


# fmt: off
lgamma = unary("lgamma", _lgamma, lambda x: run(Polygamma(0), x),
               "ln |Γ(x)|, where Γ(n + 1) = n!; derivative digamma x.",
               ("[3.0, 0.5]", "tensor([0.6931, 0.5724])"), listed=False)
# fmt: on


def digamma(input: Tensor) -> Tensor:
    """ψ(x), the derivative of ln Γ(x); its own derivative is polygamma(1, x).

    Elementwise. A floating tensor keeps its type; integers become the default float type. It is
    infinite at 0 and NaN at negative integers. PyTorch: `torch.digamma`.

    >>> tg.digamma(tg.tensor([1.0, 0.5]))
    tensor([-0.5772, -1.9635])
    """
    return apply(Polygamma(0), floating(input, "digamma"))


def polygamma(n: int, input: Tensor) -> Tensor:
    """The n-th derivative of digamma: (-1)^(n+1) n! zeta(n + 1, x).

    Elementwise; integers become the default float type. Raises RuntimeError for a negative n.
    PyTorch: `torch.polygamma`.

    >>> tg.polygamma(1, tg.tensor([1.0, 0.5]))
    tensor([1.6449, 4.9348])
    """
    if not isinstance(n, int) or n < 0:
        raise RuntimeError(f"polygamma(n, x): n is an integer from 0 on; got {n!r}.")
    return apply(Polygamma(n), floating(input, "polygamma"))


def polygamma_method(input: Tensor, n: int) -> Tensor:
    """The n-th derivative of digamma at this tensor. PyTorch: `Tensor.polygamma`.

    >>> tg.tensor([1.0]).polygamma(1)
    tensor([1.6449])
    """
    return polygamma(n, input)


def mvlgamma(input: Tensor, p: int) -> Tensor:
    """The multivariate ln Γ: p (p - 1) / 4 ln π + Σ ln Γ(x - j/2) over j = 0, ..., p - 1.

    Elementwise; integers become the default float type. It is meant for x > (p - 1) / 2. Raises
    RuntimeError unless p >= 1. PyTorch: `torch.mvlgamma`.

    >>> tg.mvlgamma(tg.tensor([2.0]), 2)
    tensor([0.4516])
    """
    if p < 1:
        raise RuntimeError(f"mvlgamma: p is at least 1; got {p}.")
    x: Any = floating(input, "mvlgamma")
    result = lgamma(x) + p * (p - 1) / 4 * math.log(math.pi)
    for j in range(1, p):
        result = result + lgamma(x - j / 2)
    return result


multigammaln = mvlgamma


def zeta(input: Tensor | float, other: Tensor | float) -> Tensor:
    """The Hurwitz zeta function Σ (q + k)^-s over k = 0, 1, ..., s = input, q = other.

    Elementwise, broadcast; integers become the default float type. Infinite at s = 1 and where q
    is 0 or a negative integer, NaN for s < 1. It has a gradient with respect to q: raises
    NotImplementedError for an s that requires grad, as PyTorch does in backward. PyTorch:
    `torch.special.zeta`.

    >>> tg.special.zeta(tg.tensor([2.0, 4.0]), 1)
    tensor([1.6449, 1.0823])
    """
    return apply(Zeta(), *_two(input, other, "zeta"))


# Incomplete gamma functions.


def _excess(mu: Array) -> Array:
    """mu - ln(1 + mu), without cancellation for small mu."""
    r = mu / (2 + mu)
    square = np.where(np.abs(mu) < 0.3, r * r, 0)
    series = polynomial(tuple(1 / k for k in range(25, 1, -2)), square)
    near: Array = r * mu - 2 * r * square * series
    return np.where(np.abs(mu) < 0.3, near, mu - np.log1p(mu))


def _density(a: Array, x: Array) -> Array:
    """x^a e^-x / Γ(a + 1): by Stirling's formula for a >= 10, where powers would lose digits."""
    large = a >= 10
    w: Array = np.where(large, a, 10)
    stirling: Array = np.exp(-w * _excess((x - w) / w) - _stirling(w)) / np.sqrt(2 * np.pi * w)
    return np.where(large, stirling, np.exp(a * np.log(x) - x - _lgamma(a + 1)))


def _lower_series(a: Array, x: Array) -> Array:
    """P(a, x), x below a + 1 or so: density · (1 + x/(a+1) + x²/((a+1)(a+2)) + ...)."""
    term = np.ones_like(x)
    total = np.ones_like(x)
    n = 0
    while (term > 1e-17 * total).any():
        n += 1
        term = term * (x / (a + n))
        total += term
    result: Array = _density(a, x) * total
    return result


def _upper_small(a: Array, x: Array) -> Array:
    """Q(a, x) for small a and x, where 1 - P would lose its digits."""
    power = a * np.log(x)
    near = np.where(a <= 1, a, 0)
    log_gamma = np.where(a <= 1, _near_one(near), _lgamma(1 + a))  # of a + 1
    term = np.ones_like(x)
    total = np.zeros_like(x)
    for n in range(1, 40):
        term = term * (-x / n)
        total += term / (a + n)
    result: Array = -np.expm1(power - log_gamma) - np.exp(power - log_gamma) * a * total
    return result


def _upper_fraction(a: Array, x: Array) -> Array:
    """Q(a, x) for x above a + 1, by Lentz's evaluation of Legendre's continued fraction."""
    tiny = 1e-300
    b = x + 1 - a
    c = np.full_like(x, 1 / tiny)
    d = 1 / b
    h = d
    n = 0
    step = np.zeros_like(x)
    while (np.abs(step - 1) > 2e-16).any() and n < 10_000:
        n += 1
        numerator = -n * (n - a)
        b = b + 2
        d = numerator * d + b
        d = 1 / np.where(np.abs(d) < tiny, tiny, d)
        c = b + numerator / c
        c = np.where(np.abs(c) < tiny, tiny, c)
        step = d * c
        h = h * step
    return _density(a, x) * a * h


@functools.cache
def _gauss_legendre() -> tuple[Array, Array]:
    """64 nodes and weights on 0 ... 1."""
    nodes, weights = np.polynomial.legendre.leggauss(64)
    return (nodes + 1) / 2, weights / 2


def _tail(a: Array, x: Array) -> Array:
    """For large a and x near it: the integral over the smaller side, P if x < a, else Q."""
    nodes, weights = _gauss_legendre()
    # In units of the mean: λ = t / a, with a density of about 1/√a in width.
    start = (x - a) / a
    end = np.where(x < a, np.maximum(start - 12 / np.sqrt(a), -1), start + 12 / np.sqrt(a))
    mu = start[:, None] + (end - start)[:, None] * nodes
    values = np.exp(-a[:, None] * _excess(mu)) / (1 + mu)
    integral = (values * weights).sum(1) * np.abs(end - start)
    result: Array = integral * np.sqrt(a / (2 * np.pi)) * np.exp(-_stirling(a))
    return result


def _regularized(a: Array, x: Array, upper: bool) -> Array:
    """P(a, x) or, `upper`, Q(a, x) = 1 - P(a, x), each from the one that is small."""
    result = np.full_like(x, np.nan)
    inside = (a > 0) & (x > 0) & np.isfinite(a) & np.isfinite(x)
    near = inside & (a >= 100) & (np.abs(x - a) <= 0.3 * a)
    with np.errstate(divide="ignore"):
        early = np.where(x < 0.5, -0.4 / np.log(np.minimum(x, 0.5)), x * 1.1)
    small = inside & (x <= 1.1) & (early >= a)
    lower = inside & ~near & ~small & (x < a + 1)
    above = inside & ~near & ~small & (x >= a + 1)
    for region, kernel in (
        (near & (x < a), _tail),
        (lower, _lower_series),
        (near & (x >= a), _tail),
        (small, _upper_small),
        (above, _upper_fraction),
    ):
        if region.any():
            value = kernel(a[region], x[region])
            is_upper = kernel in (_upper_small, _upper_fraction)
            if kernel is _tail:
                is_upper = bool((x[region] >= a[region]).all())
            result[region] = value if is_upper is upper else 1 - value
    full, none = (0.0, 1.0) if upper else (1.0, 0.0)
    edges = (
        ((a > 0) & (x == 0) | np.isposinf(a) & (x >= 0) & np.isfinite(x), none),
        ((a == 0) & (x > 0) | (a >= 0) & np.isfinite(a) & np.isposinf(x), full),
    )
    for where, limit in edges:
        result[where] = limit
    return result


class Igamma(Operation):
    """z = ∫ t^(a-1) e^-t dt / Γ(a), to x        grad_x = grad x^(a-1) e^-x / Γ(a)"""

    __slots__ = ("upper",)

    def __init__(self, upper: bool) -> None:
        self.upper = upper

    @property
    def name(self) -> str:
        """Igamma or Igammac: which of the two this is."""
        return "Igammac" if self.upper else "Igamma"

    def forward(self, a: Array, x: Array) -> Array:
        return in_double(functools.partial(_regularized, upper=self.upper))(a, x)

    def grad_x(self, grad: Value, a: Value, x: Value) -> Value:
        log_gamma = in_rule(lgamma, a)
        density = np.exp((a - 1) * np.log(x) - x - log_gamma)
        return -grad * density if self.upper else grad * density


def _two(a: Any, x: Any, name: str) -> tuple[Tensor, Tensor]:
    """The operands, as floating tensors of one type; the first must not require grad."""
    a, x = floating_operands(a, x, name)
    if a.requires_grad:
        raise NotImplementedError(
            f"{name}: the derivative with respect to the first argument has no closed form and is "
            f"not implemented. Detach it: {name}(a.detach(), x)."
        )
    return a, x


def igamma(input: Tensor | float, other: Tensor | float) -> Tensor:
    """The regularized lower incomplete gamma function P(a, x), a = input, x = other.

    P(a, x) = ∫ t^(a-1) e^-t dt / Γ(a) from 0 to x: the distribution function of the gamma
    distribution. Elementwise, broadcast; NaN for negative arguments. It has a gradient with respect
    to x: raises NotImplementedError for an a that requires grad, as PyTorch does in backward.
    PyTorch: `torch.igamma`.

    >>> tg.igamma(tg.tensor([1.0, 2.0]), tg.tensor([1.0, 1.0]))
    tensor([0.6321, 0.2642])
    """
    return apply(Igamma(upper=False), *_two(input, other, "igamma"))


def igammac(input: Tensor | float, other: Tensor | float) -> Tensor:
    """The regularized upper incomplete gamma function Q(a, x) = 1 - P(a, x), also where it is tiny.

    Arguments and errors are those of `igamma`. PyTorch: `torch.igammac`.

    >>> tg.igammac(tg.tensor([1.0, 2.0]), tg.tensor([1.0, 1.0]))
    tensor([0.3679, 0.7358])
    """
    return apply(Igamma(upper=True), *_two(input, other, "igammac"))
