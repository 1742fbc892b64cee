"""Gradient descent, and gradient descent with a memory."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..autograd.graph import Array, wrap
from .optimizer import Params, State
from .per_parameter import PerParameter, count, remembered

__all__ = ["SGD", "Momentum"]


class SGD(PerParameter):
    """Stochastic gradient descent, with momentum if asked for. PyTorch: `torch.optim.SGD`.

    g = gradient + weight_decay p (negated gradient with maximize)
    b = momentum b + (1 - dampening) g, at first b = g
    d = g + momentum b with nesterov, b with momentum, else g
    p = p - lr d

    Sources: Robbins and Monro 1951; Sutskever et al. 2013 for Nesterov's form.

    >>> w = tg.tensor([1.0], requires_grad=True)
    >>> opt = optim.SGD([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w.detach()
    tensor([0.])
    """

    _memory = ("momentum_buffer",)
    _numbers: ClassVar[dict[str, type]] = {}

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def _check_group(self, group: dict[str, Any]) -> None:
        super()._check_group(group)
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ValueError(
                "Nesterov momentum requires a momentum and zero dampening; got momentum="
                f"{group['momentum']}, dampening={group['dampening']}."
            )

    def update(self, p: Array, g: Array, state: State, group: dict[str, Any], s: Array) -> None:
        """The formulas above, in their order."""
        momentum = group["momentum"]
        if momentum:
            buffer = state.get("momentum_buffer")
            if buffer is None:
                b = np.array(g)
                state["momentum_buffer"] = wrap(b)
            else:
                b = buffer.array
                b *= momentum
                if group["dampening"]:
                    b += np.multiply(g, 1 - group["dampening"], out=s)
                else:
                    b += g
            if group["nesterov"]:
                np.multiply(b, momentum, out=s)
                s += g
                g = s
            else:
                g = b
        p -= np.multiply(g, group["lr"], out=s)


class Momentum(PerParameter):
    """Gradient descent with a velocity, in the form of textbooks.

    v = momentum v - lr g
    p = p + v

    With a constant learning rate this is `SGD(momentum=...)`; when the rate changes, the velocity
    here keeps the rate it was made with. PyTorch has no such class. Source: Polyak 1964.

    >>> w = tg.tensor([1.0], requires_grad=True)
    >>> opt = optim.Momentum([w], lr=0.25)
    >>> for _ in range(2):
    ...     opt.zero_grad()
    ...     (w * w).sum().backward()
    ...     opt.step()
    >>> w.detach()  # 1 - 0.5, then 0.5 - 0.25 - 0.9 · 0.5
    tensor([-0.2000])
    """

    _memory = ("velocity",)

    def __init__(
        self,
        params: Params,
        lr: float = 1e-2,
        momentum: float = 0.9,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def update(self, p: Array, g: Array, state: State, group: dict[str, Any], s: Array) -> None:
        """The formulas above, in their order."""
        count(state)
        v = remembered(state, "velocity", p)
        v *= group["momentum"]
        v -= np.multiply(g, group["lr"], out=s)
        p += v
