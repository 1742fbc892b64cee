"""Adamax: Adam with the largest gradient in place of the mean square."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.graph import Array
from .optimizer import Params, State
from .per_parameter import PerParameter, count, remembered

__all__ = ["Adamax"]


class Adamax(PerParameter):
    """Adamax. PyTorch: `torch.optim.Adamax`.

    g = gradient + weight_decay p (negated gradient with maximize)
    m = beta1 m + (1 - beta1) g
    u = max(beta2 u, |g| + eps)
    p = p - lr / (1 - beta1^t) · m / u

    Source: Kingma and Ba 2015, section 7.

    >>> w = tg.tensor([3.0], requires_grad=True)
    >>> opt = optim.Adamax([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w.detach()
    tensor([2.5000])
    """

    _memory = ("exp_avg", "exp_inf")

    def __init__(
        self,
        params: Params,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def update(self, p: Array, g: Array, state: State, group: dict[str, Any], s: Array) -> None:
        """The formulas above, in their order."""
        beta1, beta2 = group["betas"]
        t = count(state)
        m, u = remembered(state, "exp_avg", p), remembered(state, "exp_inf", p)
        m *= beta1
        m += np.multiply(g, 1 - beta1, out=s)
        u *= beta2
        np.abs(g, out=s)
        s += group["eps"]
        np.maximum(u, s, out=u)
        np.divide(m, u, out=s)
        s *= group["lr"] / (1 - beta1**t)
        p -= s
