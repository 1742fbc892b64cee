"""ASGD: gradient descent that also keeps the mean of the points it has been to."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..autograd.graph import Array
from .optimizer import Params, State
from .per_parameter import PerParameter, count, remembered

__all__ = ["ASGD"]


class ASGD(PerParameter):
    """Averaged stochastic gradient descent. PyTorch: `torch.optim.ASGD`.

    g = gradient + weight_decay p (negated gradient with maximize)
    p = p - lambd η p - η g
    a = a + μ (p - a)
    η = lr / (1 + lambd lr t)^alpha, at first lr; μ = 1 / max(1, t - t0), at first 1

    From step t0 + 2 on a is the mean of the points p, before that p itself. It is
    `optimizer.state[p]["ax"]`; p does not become it by itself. Source: Polyak and Juditsky 1992.

    >>> w = tg.tensor([3.0], requires_grad=True)
    >>> opt = optim.ASGD([w], lr=0.25, lambd=0.0, t0=0)
    >>> for _ in range(3):
    ...     opt.zero_grad()
    ...     (w * w).sum().backward()
    ...     opt.step()
    >>> w.detach(), opt.state[w]["ax"]  # 1.5, 0.75, 0.375
    (tensor([0.3750]), tensor([0.5625]))
    """

    _memory = ("ax",)
    _numbers: ClassVar[dict[str, type]] = {"step": int, "eta": float, "mu": float}

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def update(self, p: Array, g: Array, state: State, group: dict[str, Any], s: Array) -> None:
        """The formulas above, in their order."""
        t = count(state)
        lr, lambd = group["lr"], group["lambd"]
        eta, mu = state.get("eta", lr), state.get("mu", 1.0)
        p *= 1 - lambd * eta
        p -= np.multiply(g, eta, out=s)
        a = remembered(state, "ax", p)
        if mu == 1:
            np.copyto(a, p)
        else:
            np.subtract(p, a, out=s)
            s *= mu
            a += s
        state["eta"] = lr / (1 + lambd * lr * t) ** group["alpha"]
        state["mu"] = 1 / max(1, t - group["t0"])
