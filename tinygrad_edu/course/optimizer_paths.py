"""Experiment 13: the paths of five optimizers down a narrow valley."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import optim, tensor
from .experiment import Experiment, Result, Setting, Table, exactly
from .figures import line, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..optim import Optimizer
    from ..tensor import Tensor

__all__ = ["EXPERIMENT"]

START, STEPS = (-7.0, 2.0), 30
OPTIMIZERS: dict[str, Callable[[list[Tensor]], Optimizer]] = {
    "SGD, lr 0.95": lambda p: optim.SGD(p, lr=0.95),
    "Momentum, lr 0.1": lambda p: optim.Momentum(p, lr=0.1, momentum=0.9),
    "AdaGrad, lr 1.5": lambda p: optim.AdaGrad(p, lr=1.5),
    "RMSprop, lr 0.3": lambda p: optim.RMSprop(p, lr=0.3, alpha=0.99),
    "Adam, lr 0.3": lambda p: optim.Adam(p, lr=0.3),
}
# Where the update rules of the textbook lead in 30 steps. For SGD there is a closed form: each step
# multiplies x by 1 − 0.95/10 and y by 1 − 0.95·2, which is why y changes its sign in every step.
ENDS = {
    "SGD, lr 0.95": [-0.35, 0.085],
    "Momentum, lr 0.1": [0.896, 0.088],
    "AdaGrad, lr 1.5": [-0.12, 0.0],
    "RMSprop, lr 0.3": [0.0, 0.0],
    "Adam, lr 0.3": [0.136, 0.318],
}


def f(p: Any) -> Any:
    """A valley that is twenty times as steep across as along: x²/20 + y²."""
    return p[0] ** 2 / 20 + p[1] ** 2


def path(new_optimizer: Callable[[list[Tensor]], Optimizer]) -> list[list[float]]:
    """The points (x, y) from the start on."""
    p = tensor(START, requires_grad=True)
    optimizer = new_optimizer([p])
    points = [p.tolist()]
    for _ in range(STEPS):
        optimizer.zero_grad()
        f(p).backward()
        optimizer.step()
        points.append(p.tolist())
    return points


def run(_: Setting) -> Result:
    """Five paths of thirty steps from (−7, 2); nothing is random."""
    paths = {label: path(new_optimizer) for label, new_optimizer in OPTIMIZERS.items()}
    heights = {label: [f(p) for p in points] for label, points in paths.items()}
    return Result(
        figures={"paths": draw(paths, heights)},
        numbers={"paths": paths, "heights": heights},
        checks=[
            exactly(f"end of the path, {label}", [round(x, 3) + 0.0 for x in paths[label][-1]], end)
            for label, end in ENDS.items()
        ],
        tables=[
            Table(
                "Height above the minimum",
                ["optimizer", *(f"step {step}" for step in (1, 5, 10, 20, STEPS))],
                [
                    [label, *(f"{each[step]:.3g}" for step in (1, 5, 10, 20, STEPS))]
                    for label, each in heights.items()
                ],
            )
        ],
        remarks=[
            "The AdaGrad listing of Day 2 is momentum under another name: it never squares the "
            "gradient. A Momentum listing updates the parameters in its first call only. Here "
            "are the rules as their authors wrote them.",
            "RMSprop's mean of squares starts at 0, so its first step is lr/√(1 − 0.99), ten times "
            "lr; Adam corrects for that, and its first step is lr.",
        ],
    )


def draw(paths: dict[str, list[list[float]]], heights: dict[str, list[float]]) -> Figure:
    """The valley with each path, and how far down each has come."""
    figure, axes = new_figure(
        f"f = x²/20 + y² from (−7, 2), {STEPS} steps", 2, 3, width=4.4, height=3
    )
    x, y = np.meshgrid(np.linspace(-8, 4, 121), np.linspace(-2.7, 2.7, 109))
    *panels, last = axes.flat
    for index, (each, (label, points)) in enumerate(zip(panels, paths.items(), strict=True)):
        levels = np.linspace(0.15, 2.4, 8) ** 2
        each.contour(x, y, f((x, y)), levels=levels, colors="#bbbbbb", linewidths=0.8)
        each.plot(*np.transpose(points), **line(index, lw=1.2))
        each.plot(0, 0, "k+", ms=10)
        each.set_title(label, fontsize=10)
        each.set(xlabel="x", ylabel="y", xlim=(-8, 4), ylim=(-2.7, 2.7))
        last.semilogy(heights[label], **line(index, markevery=5, ms=5, lw=1.2, label=label))
    last.set_title("height of the path", fontsize=10)
    last.set(xlabel="step", ylabel="f", ylim=(1e-7, 10))
    last.legend(fontsize=8)
    return figure


EXPERIMENT = Experiment(
    number=13,
    name="optimizer-paths",
    title="Paths of five optimizers down a narrow valley",
    run=run,
    seconds=(1, 1),
    needs_data=False,
)
