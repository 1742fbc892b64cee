"""RAdam: Adam that warms up by itself."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from ..autograd.graph import Array
from .adam import moments
from .optimizer import Params, State
from .per_parameter import PerParameter, count

__all__ = ["RAdam"]


class RAdam(PerParameter):
    """RAdam, rectified Adam. PyTorch: `torch.optim.RAdam`.

    g = gradient + weight_decay p (negated gradient with maximize);
        with decoupled_weight_decay p = p - lr weight_decay p instead
    m = beta1 m + (1 - beta1) g
    v = beta2 v + (1 - beta2) g²
    m̂ = m / (1 - beta1^t)
    R = 2 / (1 - beta2) - 1, ρ = R - 2 t beta2^t / (1 - beta2^t)
    r = sqrt((ρ - 4) (ρ - 2) R / ((R - 4) (R - 2) ρ))
    p = p - lr r m̂ sqrt(1 - beta2^t) / (sqrt(v) + eps) if ρ > 5, else p = p - lr m̂

    While v is the mean of few squares it is too uncertain to divide by: at first there is momentum
    alone. Source: Liu et al. 2020.

    >>> w = tg.tensor([3.0], requires_grad=True)
    >>> opt = optim.RAdam([w], lr=0.25)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w.detach()  # 3 - 0.25 · 6
    tensor([1.5000])
    """

    _memory = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def update(self, p: Array, g: Array, state: State, group: dict[str, Any], s: Array) -> None:
        """The formulas above, in their order."""
        beta1, beta2 = group["betas"]
        t = count(state)
        m, v = moments(state, p, g, beta1, beta2, s)
        rate = group["lr"] / (1 - beta1**t)
        limit = 2 / (1 - beta2) - 1
        rho = limit - 2 * t * beta2**t / (1 - beta2**t)
        if rho > 5:
            r = sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho))
            np.sqrt(v, out=s)
            s += group["eps"]
            np.divide(m, s, out=s)
            s *= rate * r * sqrt(1 - beta2**t)
        else:
            np.multiply(m, rate, out=s)
        p -= s
