"""Rprop: a step size for each weight, and only the sign of its gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.graph import Array
from .optimizer import Params, State
from .per_parameter import PerParameter, count, remembered

__all__ = ["Rprop"]


class Rprop(PerParameter):
    """Resilient backpropagation, for gradients of the whole training set. `torch.optim.Rprop`.

    g = gradient (negated with maximize), g' = that of the step before, at first 0; η at first lr
    η = clip(η · etas[1] if g g' > 0, η · etas[0] if g g' < 0, else η, between the step_sizes)
    g = 0 if g g' < 0: a weight that has passed its minimum waits for a step
    p = p - η sign(g)

    Source: Riedmiller and Braun 1993.

    >>> w = tg.tensor([3.0], requires_grad=True)
    >>> opt = optim.Rprop([w], lr=1.0)
    >>> for _ in range(2):
    ...     opt.zero_grad()
    ...     (w * w).sum().backward()
    ...     opt.step()
    >>> w.detach()  # 3 - 1 - 1.2
    tensor([0.8000])
    """

    _memory = ("prev", "step_size")

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _check_group(self, group: dict[str, Any]) -> None:
        super()._check_group(group)
        smaller, larger = group["etas"]
        if not 0 < smaller < 1 < larger:
            raise ValueError(
                f"Invalid eta values: {smaller}, {larger} (Rprop: 0 < etas[0] < 1 < etas[1])"
            )
        low, high = group["step_sizes"]
        if not 0 <= low <= high:
            raise ValueError(
                f"Invalid step_sizes: {low}, {high} (Rprop: 0 <= step_sizes[0] <= step_sizes[1])"
            )

    def update(self, p: Array, g: Array, state: State, group: dict[str, Any], s: Array) -> None:
        """The formulas above, in their order."""
        count(state)
        smaller, larger = group["etas"]
        previous = remembered(state, "prev", p)
        eta = remembered(state, "step_size", p, group["lr"])
        np.multiply(g, previous, out=s)
        turned = s < 0
        np.multiply(eta, larger, out=eta, where=s > 0)
        np.multiply(eta, smaller, out=eta, where=turned)
        np.clip(eta, *group["step_sizes"], out=eta)
        np.copyto(previous, g)
        np.copyto(previous, 0, where=turned)
        np.sign(previous, out=s)
        s *= eta
        p -= s
