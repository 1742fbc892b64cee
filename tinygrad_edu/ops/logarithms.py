"""Products with logarithms that are 0 where a factor is, log-odds, entropy."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import Operation, Value, apply
from .comparison import described
from .dtypes import floating, floating_operands, quiet
from .unary import unary

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["entr", "logaddexp2", "logit", "xlog1py", "xlogy"]


class XLogY(Operation):
    """z = x ln y, 0 where x = 0        grad_x = grad ln y        grad_y = grad x / y"""

    __slots__ = ()

    @quiet
    def forward(self, x: Any, y: Any) -> Any:
        return np.where((x == 0) & ~np.isnan(y), 0, x * np.log(y))

    def grad_x(self, grad: Value, x: Value, y: Value) -> Value:
        zero = (x == 0) & (y <= 0)
        return grad * np.log(np.where(zero, 1, y))

    def grad_y(self, grad: Value, x: Value, y: Value) -> Value:
        return grad * (x / y)


class XLog1pY(Operation):
    """z = x ln(1 + y), 0 where x = 0        grad_x = grad ln(1 + y)    grad_y = grad x / (1 + y)"""

    __slots__ = ()

    @quiet
    def forward(self, x: Any, y: Any) -> Any:
        return np.where((x == 0) & ~np.isnan(y), 0, x * np.log1p(y))

    def grad_x(self, grad: Value, x: Value, y: Value) -> Value:
        zero = (x == 0) & (y <= -1)
        return grad * np.log1p(np.where(zero, 0, y))

    def grad_y(self, grad: Value, x: Value, y: Value) -> Value:
        return grad * (x / (1 + y))


class Logaddexp2(Operation):
    """z = log2(2^x + 2^y)    grad_x = grad / (1 + 2^(y-x))    grad_y = grad / (1 + 2^(x-y))"""

    __slots__ = ()
    inputs = ("x", "y")
    forward = staticmethod(quiet(np.logaddexp2))

    def grad_x(self, grad: Value, x: Value, y: Value) -> Value:
        return grad / (1 + np.exp2(y - x))

    def grad_y(self, grad: Value, x: Value, y: Value) -> Value:
        return grad / (1 + np.exp2(x - y))


class Logit(Operation):
    """z = ln(x / (1 - x)), x clamped to eps ... 1 - eps    grad_x = grad / (x (1 - x)) inside"""

    __slots__ = ("eps",)

    def __init__(self, eps: float | None) -> None:
        self.eps = eps

    @quiet
    def forward(self, x: Any) -> Any:
        if self.eps is not None:
            # As PyTorch clamps, in this order: for eps > 1/2 the upper bound comes last.
            x = np.where(x < self.eps, self.eps, np.where(x > 1 - self.eps, 1 - self.eps, x))
        return np.log(x / (1 - x))

    def grad_x(self, grad: Value, x: Value) -> Value:
        slope = grad / (x * (1 - x))
        low = 0 if self.eps is None else self.eps
        outside = (x < low) | (x > 1 - low)
        return np.where(outside, np.nan if self.eps is None else 0, slope)


def _entropy(x: Any) -> Any:
    terms = -x * np.log(np.where(x > 0, x, 1))
    return np.where(np.isnan(x), x, np.where(x < 0, -np.inf, terms)).astype(x.dtype)


# fmt: off
entr = unary("entr", quiet(_entropy), lambda x: -1 - np.log(x),
             "-x ln x, 0 at 0, -inf below: a term of the entropy; derivative -1 - ln x.",
             ("[0.5, 2.0]", "tensor([ 0.3466, -1.3863])"), namespace="special.", listed=False)
# fmt: on


def _product(
    name: str, operation: type[Operation], formula: str, example: tuple[str, str]
) -> Callable[[Tensor | float, Tensor | float], Tensor]:
    def function(input: Tensor | float, other: Tensor | float) -> Tensor:
        return apply(operation(), *floating_operands(input, other, name))

    described(function, name, formula, example, "Integers become the default float type.")
    function.__name__ = function.__qualname__ = name.rpartition(".")[2]
    return function


xlogy = _product(
    "xlogy",
    XLogY,
    "x ln y, and 0 where x = 0, whatever y is, unless it is NaN.",
    ("tg.xlogy(tg.tensor([0.0, 2.0]), tg.tensor([0.0, 1.0]))", "tensor([0., 0.])"),
)
xlog1py = _product(
    "special.xlog1py",
    XLog1pY,
    "x ln(1 + y), and 0 where x = 0, whatever y is, unless it is NaN.",
    ("tg.special.xlog1py(tg.tensor([0.0, 2.0]), tg.tensor([-1.0, 0.0]))", "tensor([0., 0.])"),
)
logaddexp2 = _product(
    "logaddexp2",
    Logaddexp2,
    "log2(2^x + 2^y), without overflow in between.",
    ("tg.logaddexp2(tg.tensor([3.0]), tg.tensor([3.0]))", "tensor([4.])"),
)


def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """ln(x / (1 - x)), the inverse of sigmoid; derivative 1/(x (1 - x)). PyTorch: `torch.logit`.

    NaN outside 0 ... 1; with `eps`, x is clamped to eps ... 1 - eps first, and the gradient is 0
    where it was clamped. Integers become the default float type.

    >>> tg.logit(tg.tensor([0.5, 0.9, 1.0]), eps=1e-6)
    tensor([ 0.0000,  2.1972, 13.8023])
    """
    return apply(Logit(eps), floating(input, "logit"))
