"""The erratum of experiments 7 and 8: a sigmoid whose derivative is taken of the wrong value."""

from __future__ import annotations

from typing import Any

from .. import nn
from ..autograd import Function
from ..tensor import Tensor

__all__ = ["WrongSigmoid", "WrongSigmoidLayer"]


class WrongSigmoid(Function):
    """z = σ(u) with the backward rule of the course's listing, which is WRONG.

    The listing computes σ' as (1 − σ(x))·σ(x), which is right for x = u. But it is handed the
    activated z, so it applies σ twice: (1 − σ(z))·σ(z). As z lies between 0 and 1, that is always
    between 0.197 and 0.25, however far the unit is in saturation. The right rule needs no second
    σ: (1 − z)·z.

    >>> from tinygrad_edu.course.wrong_sigmoid import WrongSigmoid
    >>> u = tg.tensor([-6.0, 0.0, 6.0], requires_grad=True)
    >>> WrongSigmoid.apply(u).sum().backward()
    >>> u.grad  # σ'(u) is 0.0025, 0.25, 0.0025
    tensor([0.2500, 0.2350, 0.1968])
    """

    @staticmethod
    def forward(ctx: Any, u: Tensor) -> Tensor:
        """σ(u), which is right."""
        z = u.sigmoid()
        ctx.save_for_backward(z)
        return z

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        """The wrong rule."""
        (z,) = ctx.saved_tensors
        derivative: Tensor = (1 - z.sigmoid()) * z.sigmoid()
        return grad * derivative


class WrongSigmoidLayer(nn.Module):
    """A drop-in for `nn.Sigmoid` with the wrong rule: its outputs are right, its gradients not.

    >>> from tinygrad_edu.course.models import MultiLayerNet
    >>> from tinygrad_edu.course.wrong_sigmoid import WrongSigmoidLayer
    >>> MultiLayerNet(784, [50], 10, activation=WrongSigmoidLayer)[1]
    WrongSigmoidLayer()
    """

    def forward(self, u: Tensor) -> Tensor:
        """σ(u)."""
        z: Tensor = WrongSigmoid.apply(u)
        return z
