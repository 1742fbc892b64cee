"""Experiment 2: activation functions and their derivatives, by backpropagation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as tg

from ..nn import functional as F
from ..tensor import Tensor
from .experiment import Check, Experiment, Result, Setting, Table, exactly
from .figures import COLOURS, new_figure

__all__ = ["EXPERIMENT"]

Array = np.ndarray[Any, np.dtype[Any]]


def step(x: Tensor) -> Tensor:
    """1 above 0, else 0. Its derivative is 0 wherever there is one, so nothing is learnt by it."""
    # 0 x, so that there is a graph to go back through.
    y: Tensor = tg.where(x > 0, x * 0 + 1, x * 0)
    return y


# Name, formula, function.
ACTIVATIONS: tuple[tuple[str, str, Callable[[Tensor], Tensor]], ...] = (
    ("step", "1 if x > 0 else 0", step),
    ("sigmoid", "1 / (1 + e⁻ˣ)", tg.sigmoid),
    ("tanh", "(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)", tg.tanh),
    ("ReLU", "max(0, x)", F.relu),
    ("leaky ReLU", "max(0.1 x, x)", lambda x: F.leaky_relu(x, 0.1)),
    ("ELU", "x if x > 0 else eˣ − 1", F.elu),
    ("softplus", "log(1 + eˣ)", F.softplus),
    ("GELU", "x Φ(x)", F.gelu),
    ("SiLU", "x sigmoid(x)", F.silu),
)


def curve(function: Callable[[Tensor], Tensor], points: Array) -> tuple[Array, Array]:
    """Values and derivatives. The sum's gradient is the derivative at each point by itself."""
    x = tg.tensor(points, requires_grad=True)
    y = function(x)
    y.sum().backward()
    assert x.grad is not None
    return y.detach().numpy(), x.grad.numpy()


def numerical(function: Callable[[Tensor], Tensor], points: Array, h: float = 1e-4) -> Array:
    """(f(x + h) − f(x − h)) / 2h, at all points at once."""
    above, below = function(tg.tensor(points + h)), function(tg.tensor(points - h))
    return (above.numpy() - below.numpy()) / (2 * h)


def run(_: Setting) -> Result:
    """Nine functions on [−10, 10), in steps of 0.1; nothing is drawn at random."""
    x = np.arange(-100, 100) / 10
    smooth = x != 0  # the step, ReLU and its like have a kink at 0
    figure, axes = new_figure(
        "Activation functions and their derivatives", 3, 3, width=3.8, height=2.6
    )
    numbers: dict[str, Any] = {"x": x}
    rows, worst = [], 0.0
    for each, (name, formula, function) in zip(axes.flat, ACTIVATIONS, strict=True):
        y, slope = curve(function, x)
        difference = np.abs(slope - numerical(function, x))[smooth].max()
        worst = max(worst, float(difference))
        top = int(slope.argmax())
        rows.append(
            (
                name,
                formula,
                f"{slope[top]:.4g}",
                f"{x[top]:g}",
                f"{slope[0]:.1e}",
                f"{difference:.0e}",
            )
        )
        numbers[name] = {"y": y, "derivative": slope}
        each.plot(x, y, color=COLOURS[0], label="f(x)")
        each.plot(x, slope, color=COLOURS[1], ls="--", label="f′(x)")
        each.set(title=name, xlim=(-10, 10), ylim=(-1.25, 2.6))
    axes[0, 0].legend(loc="upper left")
    for each in axes[-1]:
        each.set_xlabel("x")
    slope = numbers["sigmoid"]["derivative"]
    peak = f"{slope.max():.10g} at {x[slope.argmax()]:g}"
    return Result(
        figures={"activations": figure},
        numbers=numbers,
        checks=[
            exactly("largest derivative of the sigmoid", peak, "0.25 at 0"),
            Check(
                "backpropagation and numerical derivative differ by at most",
                f"{worst:.1e}",
                "below 1e-7",
                passed=worst < 1e-7,
            ),
        ],
        tables=[
            Table(
                "Derivatives on [−10, 10)",
                ("function", "formula", "largest", "at x", "at x = −10", "numerical differs by"),
                rows,
            )
        ],
    )


EXPERIMENT = Experiment(
    number=2,
    name="activations",
    title="Activation functions and their derivatives",
    run=run,
    seconds=(1, 1),
    needs_data=False,
)
