"""Adafactor: the squares of a matrix's gradients remembered as one row and one column."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from ..autograd.graph import Array, wrap
from .optimizer import Params, State
from .options import check_options, number
from .per_parameter import PerParameter, count, remembered

__all__ = ["Adafactor"]


class Adafactor(PerParameter):
    """Adafactor, with little memory. PyTorch: `torch.optim.Adafactor`.

    g = gradient (negated with maximize)
    β = 1 - t^beta2_decay, α = max(eps[1], rms(p)) · min(lr, 1 / sqrt(t))
    p = p - lr weight_decay p
    r = β r + (1 - β) mean of g² over columns, c = β c + (1 - β) mean of g² over rows
    v = r c / max(mean of r, eps[0]); for vectors v = β v + (1 - β) g²
    u = g / sqrt(max(v, eps[0]²))
    p = p - α u / max(1, rms(u) / d)

    rms is the root of the mean square; eps[0]=None means the type's machine epsilon. Rows and
    columns are the last two dimensions. Source: Shazeer and Stern 2018, with PyTorch's use of lr
    and eps.

    >>> w = tg.tensor([3.0], requires_grad=True)
    >>> opt = optim.Adafactor([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w.detach()  # 3 - 3 · 0.1
    tensor([2.7000])
    """

    _memory = ("variance",)

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _check_group(self, group: dict[str, Any]) -> None:
        first, second = group["eps"]
        check_options("Adafactor", {**group, "eps": (first or 0.0, second)})
        if not number(group["beta2_decay"]) <= 0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {group['beta2_decay']}")
        if not number(group["d"]) >= 1:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {group['d']}")

    def _effective(self, p: Array, g: Array, group: dict[str, Any]) -> Array:
        # The step depends on the size of p before its decay: `update` takes care of that.
        return super()._effective(p, g, {**group, "weight_decay": 0})

    def update(self, p: Array, g: Array, state: State, group: dict[str, Any], s: Array) -> None:
        """The formulas above, in their order."""
        t = count(state)
        if not p.size:
            return
        eps1, eps2 = group["eps"]
        eps1 = float(np.finfo(p.dtype).eps) if eps1 is None else eps1
        lr, forget = group["lr"], t ** group["beta2_decay"]  # 1 - β
        alpha = max(eps2, _rms(p, s)) * min(lr, 1 / sqrt(t))
        p *= 1 - lr * group["weight_decay"]
        np.multiply(g, g, out=s)
        if g.ndim > 1:
            r = _running_mean(state, "row_var", s.mean(-1, keepdims=True), forget)
            c = _running_mean(state, "col_var", s.mean(-2, keepdims=True), forget)
            v = np.multiply(r, c, out=s)
            v /= np.maximum(r.mean(-2, keepdims=True), eps1)
        else:
            variance = remembered(state, "variance", p)
            variance *= 1 - forget
            s *= forget
            variance += s
            v = variance
        np.maximum(v, eps1 * eps1, out=s)
        np.sqrt(s, out=s)
        u = np.divide(g, s, out=s)
        u *= alpha / max(1.0, _rms(u, self.scratch(p, 3)) / group["d"])
        p -= u


def _rms(x: Array, s: Array) -> float:
    return sqrt(np.multiply(x, x, out=s).mean())


def _running_mean(state: State, name: str, new: Array, forget: float) -> Array:
    """x = (1 - forget) x + forget · new, with x in the state and at first 0."""
    if name not in state:
        state[name] = wrap(np.zeros_like(new))
    x: Array = state[name].array
    x *= 1 - forget
    x += forget * new
    return x
