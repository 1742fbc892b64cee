"""Adam: momentum and RMSprop together, both corrected for their start at zero."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from ..autograd.graph import Array
from .optimizer import Params, State
from .per_parameter import PerParameter, count, remembered

__all__ = ["Adam", "AdamW", "moments"]


class Adam(PerParameter):
    """Adam. PyTorch: `torch.optim.Adam`.

    g = gradient + weight_decay p (negated gradient with maximize)
    m = beta1 m + (1 - beta1) g
    v = beta2 v + (1 - beta2) g²
    m̂ = m / (1 - beta1^t), v̂ = v / (1 - beta2^t); with amsgrad v̂ is that of the largest v so far
    p = p - lr m̂ / (sqrt(v̂) + eps)

    With decoupled_weight_decay the first line is that of `AdamW`. Sources: Kingma and Ba 2015;
    Reddi, Kale and Kumar 2018 (amsgrad).

    >>> w = tg.tensor([3.0], requires_grad=True)
    >>> opt = optim.Adam([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w.detach()  # the first step has the size of lr, whatever the gradient
    tensor([2.5000])
    """

    _memory = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def update(self, p: Array, g: Array, state: State, group: dict[str, Any], s: Array) -> None:
        """The formulas above, in their order."""
        beta1, beta2 = group["betas"]
        t = count(state)
        m, v = moments(state, p, g, beta1, beta2, s)
        if group["amsgrad"]:
            largest = remembered(state, "max_exp_avg_sq", p)
            v = np.maximum(largest, v, out=largest)
        # m̂ / (sqrt(v̂) + eps) with both corrections gathered in two numbers: two passes less over
        # the arrays.
        correction = sqrt(1 - beta2**t)
        np.sqrt(v, out=s)
        s += group["eps"] * correction
        np.divide(m, s, out=s)
        s *= group["lr"] * correction / (1 - beta1**t)
        p -= s


def moments(
    state: State, p: Array, g: Array, beta1: float, beta2: float, s: Array
) -> tuple[Array, Array]:
    """The running means of the gradient and of its square, brought up to date.

    m = beta1 m + (1 - beta1) g
    v = beta2 v + (1 - beta2) g²
    """
    m, v = remembered(state, "exp_avg", p), remembered(state, "exp_avg_sq", p)
    m *= beta1
    m += np.multiply(g, 1 - beta1, out=s)
    v *= beta2
    np.multiply(g, g, out=s)
    s *= 1 - beta2
    v += s
    return m, v


class AdamW(Adam):
    """Adam whose weight decay does not pass through its means. PyTorch: `torch.optim.AdamW`.

    p = p - lr weight_decay p
    g = gradient (negated with maximize)
    m, v, and the step as in `Adam`

    In `Adam` weight decay is a part of the gradient and is divided by sqrt(v̂) with it: weights with
    large gradients decay less. Here all decay alike. Source: Loshchilov and Hutter 2019.

    >>> w = tg.tensor([3.0], requires_grad=True)
    >>> opt = optim.AdamW([w], lr=0.5, weight_decay=0.1)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w.detach()  # 3 - 0.5 · 0.1 · 3 - 0.5
    tensor([2.3500])
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def _completed(self, new: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
        # A state of Adam may be loaded; the decay stays this class's.
        return {**super()._completed(new, old), "decoupled_weight_decay": True}
