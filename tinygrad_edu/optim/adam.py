"""Adam: momentum and RMSprop together, both corrected for their start at zero."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from ..autograd.graph import Array
from .optimizer import Optimizer, Params

__all__ = ["Adam"]


class Adam(Optimizer):
    """Adam. PyTorch: `torch.optim.Adam`.

    g = gradient + weight_decay p (negated gradient with maximize)
    m = beta1 m + (1 - beta1) g
    v = beta2 v + (1 - beta2) g²
    m̂ = m / (1 - beta1^t), v̂ = v / (1 - beta2^t); with amsgrad v̂ is that of the largest v so far
    p = p - lr m̂ / (sqrt(v̂) + eps)

    Sources: Kingma and Ba 2015; Reddi, Kale and Kumar 2018 (amsgrad).

    >>> w = tg.tensor([3.0], requires_grad=True)
    >>> opt = optim.Adam([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w.detach()  # the first step has the size of lr, whatever the gradient
    tensor([2.5000])
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        **options: Any,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
        }
        super().__init__(params, defaults, options)

    def check(self, group: dict[str, Any]) -> None:
        """Refuse senseless values; there are two betas."""
        super().check(group)
        if len(group["betas"]) != 2:
            raise ValueError(f"Adam: betas are two numbers (beta1, beta2); got {group['betas']!r}.")

    def init_state(self, p: Array, group: dict[str, Any]) -> dict[str, Array]:
        """The mean m, the mean square v, and with amsgrad the largest v."""
        state = {"exp_avg": np.zeros_like(p), "exp_avg_sq": np.zeros_like(p)}
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = np.zeros_like(p)
        return state

    def update(
        self, p: Array, g: Array, state: dict[str, Array], t: int, group: dict[str, Any], s: Array
    ) -> None:
        """The formulas above, in their order."""
        beta1, beta2 = group["betas"]
        m, v = state["exp_avg"], state["exp_avg_sq"]
        largest = state["max_exp_avg_sq"] if group["amsgrad"] else None
        m *= beta1
        m += np.multiply(g, 1 - beta1, out=s)
        v *= beta2
        np.multiply(g, g, out=s)
        s *= 1 - beta2
        v += s
        if largest is not None:
            v = np.maximum(largest, v, out=largest)
        # m̂ / (sqrt(v̂) + eps) with both corrections gathered in two numbers: two passes less over
        # the arrays.
        correction = sqrt(1 - beta2**t)
        np.sqrt(v, out=s)
        s += group["eps"] * correction
        np.divide(m, s, out=s)
        s *= group["lr"] * correction / (1 - beta1**t)
        p -= s
