"""RMSprop: AdaGrad that forgets."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.graph import Array
from .adagrad import root
from .optimizer import Optimizer, Params

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    """RMSprop. PyTorch: `torch.optim.RMSprop`.

    g = gradient + weight_decay p (negated gradient with maximize)
    v = alpha v + (1 - alpha) g²
    a = alpha a + (1 - alpha) g, w = v - a² if centered, else w = v
    d = g / (sqrt(w) + eps)
    b = momentum b + d, p = p - lr b with momentum, else p = p - lr d

    Where a course writes g / sqrt(v + eps), say `eps_inside_sqrt=True`. Source: Hinton, lecture 6e
    of the course "Neural Networks for Machine Learning", 2012; Graves 2013 (centered).

    >>> w = tg.tensor([3.0], requires_grad=True)
    >>> opt = optim.RMSprop([w], lr=0.1, alpha=0.75)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w.detach()  # 3 - 0.1 · 6 / sqrt(0.25 · 36)
    tensor([2.8000])
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        eps_inside_sqrt: bool = False,
        maximize: bool = False,
        **options: Any,
    ) -> None:
        defaults = {
            "lr": lr,
            "alpha": alpha,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "centered": centered,
            "eps_inside_sqrt": eps_inside_sqrt,
            "maximize": maximize,
        }
        super().__init__(params, defaults, options)

    def init_state(self, p: Array, group: dict[str, Any]) -> dict[str, Array]:
        """The mean square v; the mean a if centered; the buffer b with momentum."""
        state = {"square_avg": np.zeros_like(p)}
        if group["momentum"]:
            state["momentum_buffer"] = np.zeros_like(p)
        if group["centered"]:
            state["grad_avg"] = np.zeros_like(p)
        return state

    def update(
        self, p: Array, g: Array, state: dict[str, Array], t: int, group: dict[str, Any], s: Array
    ) -> None:
        """The formulas above, in their order."""
        alpha, v = group["alpha"], state["square_avg"]
        b = state["momentum_buffer"] if group["momentum"] else None
        a = state["grad_avg"] if group["centered"] else None
        v *= alpha
        np.multiply(g, g, out=s)
        s *= 1 - alpha
        v += s
        w = v
        if a is not None:
            a *= alpha
            a += np.multiply(g, 1 - alpha, out=s)
            w = v - a * a
        root(w, group, s)
        d = np.divide(g, s, out=s)
        if b is not None:
            b *= group["momentum"]
            b += d
            p -= np.multiply(b, group["lr"], out=s)
        else:
            d *= group["lr"]
            p -= d
