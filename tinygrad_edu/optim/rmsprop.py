"""RMSprop: AdaGrad that forgets."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.graph import Array
from .adagrad import root
from .optimizer import Params, State
from .per_parameter import PerParameter, count, remembered

__all__ = ["RMSprop"]


class RMSprop(PerParameter):
    """RMSprop. PyTorch: `torch.optim.RMSprop`.

    g = gradient + weight_decay p (negated gradient with maximize)
    v = alpha v + (1 - alpha) g²
    a = alpha a + (1 - alpha) g, w = v - a² if centered, else w = v
    d = g / (sqrt(w) + eps)
    b = momentum b + d, p = p - lr b with momentum, else p = p - lr d

    Where a course writes g / sqrt(v + eps), say `eps_inside_sqrt=True`. Sources: Hinton, lecture 6e
    of the course "Neural Networks for Machine Learning", 2012; Graves 2013 (centered).

    >>> w = tg.tensor([3.0], requires_grad=True)
    >>> opt = optim.RMSprop([w], lr=0.1, alpha=0.75)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w.detach()  # 3 - 0.1 · 6 / sqrt(0.25 · 36)
    tensor([2.8000])
    """

    _memory = ("square_avg", "momentum_buffer", "grad_avg")

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        *,
        eps_inside_sqrt: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "eps_inside_sqrt": eps_inside_sqrt,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def update(self, p: Array, g: Array, state: State, group: dict[str, Any], s: Array) -> None:
        """The formulas above, in their order."""
        count(state)
        alpha, momentum = group["alpha"], group["momentum"]
        v = w = remembered(state, "square_avg", p)
        v *= alpha
        np.multiply(g, g, out=s)
        s *= 1 - alpha
        v += s
        if group["centered"]:
            a = remembered(state, "grad_avg", p)
            a *= alpha
            a += np.multiply(g, 1 - alpha, out=s)
            np.multiply(a, a, out=s)
            w = np.subtract(v, s, out=self.scratch(p, 3))
        root(w, group, s)
        d = np.divide(g, s, out=s)
        if momentum:
            b = remembered(state, "momentum_buffer", p)
            b *= momentum
            b += d
            p -= np.multiply(b, group["lr"], out=s)
        else:
            d *= group["lr"]
            p -= d
