"""NAdam: Adam with Nesterov's look ahead."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..autograd.graph import Array
from .adam import moments
from .optimizer import Params, State
from .per_parameter import PerParameter, count

__all__ = ["NAdam"]


class NAdam(PerParameter):
    """NAdam. PyTorch: `torch.optim.NAdam`.

    g = gradient + weight_decay p (negated gradient with maximize);
        with decoupled_weight_decay p = p - lr weight_decay p instead
    μ_t = beta1 (1 - 0.96^(t momentum_decay) / 2), M = μ_1 μ_2 ... μ_t
    m = beta1 m + (1 - beta1) g
    v = beta2 v + (1 - beta2) g²
    m̂ = μ_(t+1) m / (1 - M μ_(t+1)) + (1 - μ_t) g / (1 - M), v̂ = v / (1 - beta2^t)
    p = p - lr m̂ / (sqrt(v̂) + eps)

    Source: Dozat 2016.

    >>> w = tg.tensor([3.0], requires_grad=True)
    >>> opt = optim.NAdam([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w.detach()
    tensor([2.4718])
    """

    _memory = ("exp_avg", "exp_avg_sq")
    _numbers: ClassVar[dict[str, type]] = {"step": int, "mu_product": float}

    def __init__(
        self,
        params: Params,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def update(self, p: Array, g: Array, state: State, group: dict[str, Any], s: Array) -> None:
        """The formulas above, in their order."""
        beta1, beta2 = group["betas"]
        t = count(state)
        mu, mu_next = (beta1 * (1 - 0.96 ** (i * group["momentum_decay"]) / 2) for i in (t, t + 1))
        product = state["mu_product"] = state.get("mu_product", 1.0) * mu
        m, v = moments(state, p, g, beta1, beta2, s)
        np.multiply(m, mu_next / (1 - product * mu_next), out=s)
        look_ahead = np.multiply(g, (1 - mu) / (1 - product), out=self.scratch(p, 3))
        look_ahead += s
        np.divide(v, 1 - beta2**t, out=s)
        np.sqrt(s, out=s)
        s += group["eps"]
        look_ahead /= s
        look_ahead *= group["lr"]
        p -= look_ahead
