"""Adadelta: steps in the unit of the parameters, without a learning rate to choose."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.graph import Array
from .optimizer import Params, State
from .options import number
from .per_parameter import PerParameter, count, remembered

__all__ = ["Adadelta"]


class Adadelta(PerParameter):
    """Adadelta. PyTorch: `torch.optim.Adadelta`.

    g = gradient + weight_decay p (negated gradient with maximize)
    v = rho v + (1 - rho) g²
    d = sqrt(u + eps) / sqrt(v + eps) · g
    u = rho u + (1 - rho) d²
    p = p - lr d

    Source: Zeiler 2012.

    >>> w = tg.tensor([3.0], requires_grad=True)
    >>> opt = optim.Adadelta([w], rho=0.75, eps=0.01)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w.detach()  # 3 - sqrt(0.01) / sqrt(0.25 · 36 + 0.01) · 6
    tensor([2.8001])
    """

    _memory = ("square_avg", "acc_delta")

    def __init__(
        self,
        params: Params,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _check_group(self, group: dict[str, Any]) -> None:
        super()._check_group(group)
        if not 0 <= number(group["rho"]) <= 1:
            raise ValueError(f"Invalid rho value: {group['rho']} (Adadelta: 0 <= rho <= 1)")

    def update(self, p: Array, g: Array, state: State, group: dict[str, Any], s: Array) -> None:
        """The formulas above, in their order."""
        count(state)
        rho, eps = group["rho"], group["eps"]
        v, u = remembered(state, "square_avg", p), remembered(state, "acc_delta", p)
        v *= rho
        np.multiply(g, g, out=s)
        s *= 1 - rho
        v += s
        d = np.add(u, eps, out=self.scratch(p, 3))
        np.sqrt(d, out=d)
        np.add(v, eps, out=s)
        d /= np.sqrt(s, out=s)
        d *= g
        u *= rho
        np.multiply(d, d, out=s)
        s *= 1 - rho
        u += s
        d *= group["lr"]
        p -= d
