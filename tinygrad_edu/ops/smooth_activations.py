"""Activations with curvature: gelu, silu, softplus, elu and their relatives.

Those whose derivative would cost as much as the function again are `Fused`: the kernel keeps what
both share, and `plain` is the definition.
"""

from __future__ import annotations

from math import pi, sqrt
from typing import TYPE_CHECKING

import numpy as np

from ..autograd.fused import Fused
from ..autograd.graph import Array, Operation, TensorBase, Value, apply
from . import unary
from .activations import activate
from .dtypes import constant, floating, quiet
from .special import erf, erf_array

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "celu",
    "elu",
    "gelu",
    "logsigmoid",
    "mish",
    "selu",
    "silu",
    "softplus",
    "softsign",
    "tanhshrink",
]

_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946
_sigmoid_array = unary.TABLE["sigmoid"].operation.forward


def sigmoid_of(x: Value) -> Value:
    """The sigmoid of a value in a rule: of an array, or recorded of a tensor."""
    if isinstance(x, TensorBase):
        return unary.sigmoid(x)  # type: ignore[arg-type]
    return _sigmoid_array(x)


class Elu(Operation):
    """z = s x where x > 0, else s α (e^(kx) - 1)        slope: s, or s α k e^(kx)"""

    __slots__ = ("alpha", "rate", "scale")

    def __init__(self, alpha: float, scale: float = 1.0, rate: float = 1.0) -> None:
        self.alpha = alpha
        self.scale = scale
        self.rate = rate

    def forward(self, x: Array) -> Array:
        below = np.minimum(x, 0)
        below *= self.rate
        below = np.expm1(below)
        below *= self.alpha * self.scale
        # One of the two is 0. (np.where would take longer than both.)
        below += np.maximum(x, 0) * self.scale
        return below

    def grad_x(self, grad: Value, x: Value) -> Value:
        steepest = self.alpha * self.scale * self.rate
        slope = np.exp(np.minimum(x, 0) * self.rate) * steepest
        return grad * (slope if steepest == self.scale else np.where(x > 0, self.scale, slope))


class Softplus(Operation):
    """z = ln(1 + e^(βx))/β, but x where βx > threshold        slope: sigmoid(βx), but 1 there"""

    __slots__ = ("beta", "threshold")

    def __init__(self, beta: float, threshold: float) -> None:
        self.beta = beta
        self.threshold = threshold

    @quiet
    def forward(self, x: Array) -> Array:
        scaled = x * self.beta
        # max(x, 0) + ln(1 + e^-|x|) neither overflows nor loses digits; np.logaddexp is six times
        # slower.
        out = np.asarray(np.abs(scaled))
        np.negative(out, out=out)
        np.exp(out, out=out)
        np.log1p(out, out=out)
        out += np.maximum(scaled, 0)
        out /= self.beta
        beyond = scaled > self.threshold
        return np.where(beyond, x, out) if beyond.any() else out

    def grad_x(self, grad: Value, x: Value) -> Value:
        scaled = x * self.beta
        beyond = constant(scaled) > self.threshold
        slope = sigmoid_of(scaled)
        return grad * (np.where(beyond, 1, slope) if beyond.any() else slope)


class Logsigmoid(Operation):
    """z = ln sigmoid(x) = min(x, 0) - ln(1 + e^-|x|)        slope: sigmoid(-x)"""

    __slots__ = ()

    def forward(self, x: Array) -> Array:
        return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))

    def grad_x(self, grad: Value, x: Value) -> Value:
        return grad * sigmoid_of(-x)


class Softsign(Operation):
    """z = x/(1 + |x|)        slope: 1/(1 + |x|)²"""

    __slots__ = ()

    @quiet
    def forward(self, x: Array) -> Value:
        return x / (1 + np.abs(x))

    def grad_x(self, grad: Value, x: Value) -> Value:
        return grad / (1 + np.abs(x)) ** 2


class Tanhshrink(Operation):
    """z = x - tanh x        slope: tanh² x"""

    __slots__ = ()

    def forward(self, x: Array) -> Array:
        return x - np.tanh(x)

    def grad_x(self, grad: Value, x: Value) -> Value:
        return grad * np.tanh(x) ** 2


class Silu(Fused):
    """z = x s, with s = sigmoid(x)        slope: s (1 + x (1 - s))"""

    __slots__ = ("gate",)
    scratch = ("gate",)

    @quiet
    def forward(self, x: Array) -> Value:
        self.gate = _sigmoid_array(x)
        return x * self.gate

    def grad_x(self, grad: Array, x: Array) -> Value:
        slope = 1 - self.gate
        slope *= x
        slope += 1
        slope *= self.gate
        slope *= grad
        return slope

    def plain(self, x: Tensor) -> Tensor:
        return x * unary.sigmoid(x)


class Mish(Fused):
    """z = x t, with t = tanh(softplus(x))        slope: t + x s (1 - t²), with s = sigmoid(x)"""

    __slots__ = ("gate",)
    scratch = ("gate",)

    @quiet
    def forward(self, x: Array) -> Value:
        # tanh(ln(1 + e^x)) = (u² - 1)/(u² + 1) with u = 1 + e^x. It is 1 to the last digit of the
        # type before e^2x overflows.
        self.gate = np.exp(np.minimum(x, 5 if x.dtype == np.float16 else 20))
        numerator = self.gate * (self.gate + 2)
        return x * (numerator / (numerator + 2))

    @quiet
    def grad_x(self, grad: Array, x: Array) -> Value:
        e = self.gate
        numerator = e * (e + 2)
        tanh = numerator / (numerator + 2)
        return grad * (tanh + x * (e / (1 + e)) * (1 - tanh * tanh))

    def plain(self, x: Tensor) -> Tensor:
        return x * unary.tanh(softplus(x))


class Gelu(Fused):
    """z = x Φ(x), with Φ the normal distribution's        slope: Φ(x) + x φ(x)"""

    __slots__ = ("gate",)
    scratch = ("gate",)

    @quiet
    def forward(self, x: Array) -> Value:
        gate = np.asarray(erf_array(x * sqrt(0.5)))
        gate += 1
        gate *= 0.5
        self.gate = gate
        return x * gate

    def grad_x(self, grad: Array, x: Array) -> Array:
        slope = np.asarray(np.square(x))
        slope *= -0.5
        np.exp(slope, out=slope)
        slope *= 1 / sqrt(2 * pi)
        slope *= x
        slope += self.gate
        slope *= grad
        return slope

    def plain(self, x: Tensor) -> Tensor:
        return x * (erf(x * sqrt(0.5)) + 1) * 0.5


class GeluTanh(Fused):
    """z = x (1 + t)/2, t = tanh u, u = √(2/π)(x + 0.044715 x³)        slope: z/x + x(1 - t²)u'/2"""

    __slots__ = ("tanh",)
    scratch = ("tanh",)

    @quiet
    def forward(self, x: Array) -> Array:
        inner = np.asarray(np.square(x))
        inner *= sqrt(2 / pi) * 0.044715
        inner += sqrt(2 / pi)
        inner *= x
        self.tanh = np.tanh(inner, out=inner)
        return x * (0.5 * inner + 0.5)

    def grad_x(self, grad: Array, x: Array) -> Value:
        inner_slope = sqrt(2 / pi) * (1 + 3 * 0.044715 * np.square(x))
        return grad * (0.5 * (1 + self.tanh + x * (1 - np.square(self.tanh)) * inner_slope))

    def plain(self, x: Tensor) -> Tensor:
        return x * (unary.tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)) + 1) * 0.5


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, else alpha (e^x - 1), elementwise. PyTorch: `F.elu`.

    Source: Clevert et al., "Fast and accurate deep network learning by exponential linear units",
    2015.

    >>> F.elu(tg.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """
    return activate(Elu(alpha), floating(input, "elu"), inplace)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """scale · elu(x, alpha) with the constants that keep mean 0 and variance 1 from layer to layer.

    scale = 1.0507..., alpha = 1.6732... PyTorch: `torch.selu`. Source: Klambauer et al.,
    "Self-normalizing neural networks", 2017.

    >>> F.selu(tg.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])
    """
    return activate(Elu(_SELU_ALPHA, _SELU_SCALE), floating(input, "selu"), inplace)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """max(x, 0) + min(0, alpha (e^(x/alpha) - 1)): an elu with a continuous slope for every alpha.

    Raises RuntimeError for alpha = 0. PyTorch: `torch.celu`. Source: Barron, "Continuously
    differentiable exponential linear units", 2017.

    >>> F.celu(tg.tensor([-1.0, 2.0]), 0.5)
    tensor([-0.4323,  2.0000])
    """
    if alpha == 0:
        raise RuntimeError("celu: alpha cannot be 0, because the input is divided by it.")
    return activate(Elu(alpha, rate=1 / alpha), floating(input, "celu"), inplace)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """ln(1 + e^(beta x))/beta, a smooth relu; x itself where beta x > threshold.

    PyTorch: `F.softplus`.

    >>> F.softplus(tg.tensor([-1.0, 0.0, 100.0]))
    tensor([  0.3133,   0.6931, 100.0000])
    """
    return apply(Softplus(beta, threshold), floating(input, "softplus"))


def logsigmoid(input: Tensor) -> Tensor:
    """ln sigmoid(x), without underflow: -1000 gives -1000. PyTorch: `F.logsigmoid`.

    >>> F.logsigmoid(tg.tensor([-1000.0]))
    tensor([-1000.])
    """
    return apply(Logsigmoid(), floating(input, "logsigmoid"))


def softsign(input: Tensor) -> Tensor:
    """x/(1 + |x|), elementwise. PyTorch: `F.softsign`.

    >>> F.softsign(tg.tensor([-3.0, 1.0]))
    tensor([-0.7500,  0.5000])
    """
    return apply(Softsign(), floating(input, "softsign"))


def tanhshrink(input: Tensor) -> Tensor:
    """x - tanh(x), elementwise. PyTorch: `F.tanhshrink`.

    >>> F.tanhshrink(tg.tensor([-1.0, 2.0]))
    tensor([-0.2384,  1.0360])
    """
    return apply(Tanhshrink(), floating(input, "tanhshrink"))


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x sigmoid(x), also called swish, elementwise. PyTorch: `F.silu`.

    Source: Elfwing et al., "Sigmoid-weighted linear units", 2017; Ramachandran et al., "Searching
    for activation functions", 2017.

    >>> F.silu(tg.tensor([-1.0, 2.0]))
    tensor([-0.2689,  1.7616])
    """
    return activate(Silu(), floating(input, "silu"), inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x tanh(softplus(x)), elementwise. PyTorch: `F.mish`. Source: Misra, "Mish", 2019.

    >>> F.mish(tg.tensor([-1.0, 2.0]))
    tensor([-0.3034,  1.9440])
    """
    return activate(Mish(), floating(input, "mish"), inplace)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x Φ(x), with Φ the distribution function of the normal distribution, elementwise.

    `approximate="tanh"`: x/2 (1 + tanh(√(2/π)(x + 0.044715 x³))). Raises RuntimeError for another
    name. PyTorch: `F.gelu`. Source: Hendrycks and Gimpel, "Gaussian error linear units", 2016.

    >>> F.gelu(tg.tensor([-1.0, 2.0]))
    tensor([-0.1587,  1.9545])
    """
    if approximate not in ("none", "tanh"):
        raise RuntimeError(f"gelu: approximate is 'none' or 'tanh'; got {approximate!r}.")
    x = floating(input, "gelu")
    return apply(Gelu() if approximate == "none" else GeluTanh(), x)
