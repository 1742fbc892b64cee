"""AdaGrad: a learning rate for each parameter, from the squares of all its gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.graph import Array
from .optimizer import Params, State
from .per_parameter import PerParameter, count, remembered

__all__ = ["AdaGrad", "Adagrad", "root"]


class Adagrad(PerParameter):
    """AdaGrad. PyTorch: `torch.optim.Adagrad`.

    g = gradient + weight_decay p (negated gradient with maximize)
    h = h + g², at first h = initial_accumulator_value
    p = p - lr / (1 + (t - 1) lr_decay) · g / (sqrt(h) + eps)

    Where a course writes g / sqrt(h + eps), say `eps_inside_sqrt=True`. `AdaGrad` is the same
    class. Source: Duchi, Hazan and Singer 2011.

    >>> w = tg.tensor([3.0], requires_grad=True)
    >>> opt = optim.Adagrad([w], lr=1.0)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w.detach()  # the first step has the size of lr, whatever the gradient
    tensor([2.])
    """

    _memory = ("sum",)

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        eps_inside_sqrt: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "eps_inside_sqrt": eps_inside_sqrt,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def update(self, p: Array, g: Array, state: State, group: dict[str, Any], s: Array) -> None:
        """The formulas above, in their order."""
        t = count(state)
        h = remembered(state, "sum", p, group["initial_accumulator_value"])
        h += np.multiply(g, g, out=s)
        root(h, group, s)
        np.divide(g, s, out=s)
        s *= group["lr"] / (1 + (t - 1) * group["lr_decay"])
        p -= s


def root(h: Array, group: dict[str, Any], out: Array) -> Array:
    """sqrt(h) + eps, or sqrt(h + eps) with `eps_inside_sqrt`."""
    if group["eps_inside_sqrt"]:
        np.add(h, group["eps"], out=out)
        return np.sqrt(out, out=out)
    np.sqrt(h, out=out)
    out += group["eps"]
    return out


AdaGrad = Adagrad
