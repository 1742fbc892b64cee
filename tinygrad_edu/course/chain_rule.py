"""Experiment 4: the chain rule, on z = t² with t = x + y, one node after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import tinygrad_edu as tg

from .. import viz
from ..tensor import Tensor
from .experiment import Check, Experiment, Result, Setting, Table, exactly
from .figures import COLOURS, graph_files, new_figure
from .tools import numerical_gradient

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["EXPERIMENT"]

X, Y = 3.0, 1.0


def forward(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """t = x + y, z = t²."""
    t = x + y
    z = t**2
    return t, z


def by_backpropagation(x: float, y: float) -> tuple[float, float]:
    """∂z/∂x and ∂z/∂y."""
    leaves = [tg.tensor(each, dtype=tg.float64, requires_grad=True) for each in (x, y)]
    _, z = forward(*leaves)
    dx, dy = tg.autograd.grad(z, leaves)
    return dx.item(), dy.item()


def by_differences(x: float, y: float) -> tuple[float, float]:
    """The same by (z(x + h) − z(x − h)) / 2h, with h = 1e-4."""
    dx, dy = numerical_gradient(lambda at: float((at[0] + at[1]) ** 2), np.array([x, y]))
    return float(dx), float(dy)


class Steps(NamedTuple):
    """The nodes of the graph, with what came to each on the way back, and what it sent on."""

    values: dict[str, Tensor]
    gradients: dict[str, float]
    rows: list[tuple[str, ...]]


def step_through() -> Steps:
    """Each node at (3, 1): incoming gradient × local derivative = outgoing gradient."""
    x = tg.tensor(X, dtype=tg.float64, requires_grad=True)
    y = tg.tensor(Y, dtype=tg.float64, requires_grad=True)
    t, z = forward(x, y)
    # The derivative of a node with respect to its own inputs, before anything is multiplied.
    (dz_dt,) = tg.autograd.grad(z, t, retain_graph=True)
    dt_dx, dt_dy = tg.autograd.grad(t, [x, y], retain_graph=True)
    # Only leaves keep their gradients, unless one asks for it.
    t.retain_grad()
    z.retain_grad()
    z.backward()
    values = {"x": x, "y": y, "t": t, "z": z}
    gradients = {name: each.grad.item() for name, each in values.items() if each.grad is not None}
    rows: list[tuple[str, ...]] = []
    for node, formula, rule, local, to in (
        ("z", "t²", "∂z/∂t = 2t", dz_dt.item(), "t"),
        ("t", "x + y", "∂t/∂x = 1", dt_dx.item(), "x"),
        ("t", "x + y", "∂t/∂y = 1", dt_dy.item(), "y"),
    ):
        value, incoming = f"{values[node].item():g}", gradients[node]
        outgoing = f"{incoming:g} · {local:g} = {incoming * local:g}, to {to}"
        rows.append((node, formula, value, f"{incoming:g}", f"{rule} → {local:g}", outgoing))
    rows += [
        (leaf, "leaf", f"{values[leaf].item():g}", f"{gradients[leaf]:g}", "", "") for leaf in "xy"
    ]
    return Steps(values, gradients, rows)


def run(setting: Setting) -> Result:
    """Drawn, stepped through at (3, 1), and compared at twenty points drawn at random."""
    values, gradients, rows = step_through()
    picture = viz.draw(values["z"], names=values, direction="LR")
    points = np.random.default_rng(setting.seed).uniform(-5, 5, (20, 2))
    found = [
        (by_backpropagation(a, b), by_differences(a, b), 2 * (a + b)) for a, b in points.tolist()
    ]
    from_formula = max(abs(each - exact) for ours, _, exact in found for each in ours)
    from_differences = max(
        abs(a - b) for ours, numerical, _ in found for a, b in zip(ours, numerical, strict=True)
    )
    return Result(
        figures={"steps": draw_steps(values, gradients), "slope": draw_slope()},
        numbers={
            "values": {name: each.item() for name, each in values.items()},
            "gradients": gradients,
            "points": points,
            "by backpropagation": [ours for ours, _, _ in found],
            "by differences": [numerical for _, numerical, _ in found],
        },
        checks=[
            exactly("dz/dx at (3, 1)", gradients["x"], 2 * (X + Y)),
            exactly("dz/dy at (3, 1)", gradients["y"], 2 * (X + Y)),
            Check(
                "20 points: differs from 2(x + y) by at most",
                f"{from_formula:.1e}",
                "below 1e-12",
                passed=from_formula < 1e-12,
            ),
            Check(
                "20 points: differs from numerical differentiation by at most",
                f"{from_differences:.1e}",
                "below 1e-7",
                passed=from_differences < 1e-7,
            ),
        ],
        tables=[
            Table(
                "Backwards through the graph, node by node",
                ("node", "formula", "value", "incoming gradient", "local derivative", "outgoing"),
                rows,
            )
        ],
        attachments=graph_files("graph", picture),
    )


def draw_steps(values: dict[str, Tensor], gradients: dict[str, float]) -> Figure:
    """The graph, with values on the way forward and gradients on the way back."""
    title = "Forward: values. Backward: incoming gradient × local derivative"
    figure, axes = new_figure(title, width=10, height=3.8)
    nodes = {"x": (0.0, 1.0), "y": (0.0, -1.0), "+": (2.5, 0.0), "( )²": (5.0, 0.0)}
    for name, place in nodes.items():
        axes.scatter(*place, s=1700, color="white", edgecolor="black", zorder=3)
        axes.text(*place, name, ha="center", va="center", fontsize=12, zorder=4)
    ends = {**nodes, "end": (7.5, 0.0)}
    back = {name: f"{gradient:g}" for name, gradient in gradients.items()}
    arrows = (
        ("x", "+", "x", f"∂z/∂x = {back['t']} · ∂t/∂x = {back['x']}"),
        ("y", "+", "y", f"∂z/∂y = {back['t']} · ∂t/∂y = {back['y']}"),
        ("+", "( )²", "t", f"∂z/∂t = {back['z']} · 2t = {back['t']}"),
        ("( )²", "end", "z", f"∂z/∂z = {back['z']}"),
    )
    for source, target, name, gradient in arrows:
        start, end = np.array(ends[source]), np.array(ends[target])
        along = (end - start) / np.linalg.norm(end - start)
        aside = np.array([-along[1], along[0]])
        tail, tip, middle = start + 0.34 * along, end - 0.34 * along, (start + end) / 2
        turn = np.degrees(np.arctan2(along[1], along[0]))
        style = {"ha": "center", "va": "center", "rotation": turn, "fontsize": 9}
        for side, text in ((1, f"{name} = {values[name].item():g}"), (-1, gradient)):
            points = (tail, tip) if side > 0 else (tip, tail)
            colour = COLOURS[0] if side > 0 else COLOURS[1]
            first, last = (point + 0.06 * side * aside for point in points)
            line = {"arrowstyle": "->", "color": colour, "lw": 1.6, "shrinkA": 0, "shrinkB": 0}
            axes.annotate("", last, first, arrowprops=line)
            axes.text(*(middle + 0.2 * side * aside), text, color=colour, **style)
    axes.set(xlim=(-0.4, 7.6), ylim=(-1.5, 1.5), aspect="equal")
    axes.set_axis_off()
    return figure


def draw_slope() -> Figure:
    """z over x at y = 1, and the line of the slope that backpropagation found."""
    figure, axes = new_figure(f"z = (x + y)² at y = {Y:g}: the derivative is a slope")
    x = np.linspace(-2, 5, 141)
    slope, _ = by_backpropagation(X, Y)
    axes.plot(x, (x + Y) ** 2, color=COLOURS[0], label="z")
    near = x[np.abs(x - X) <= 1.6]
    line = (X + Y) ** 2 + slope * (near - X)
    axes.plot(near, line, color=COLOURS[1], ls="--", label=f"slope {slope:g} at x = {X:g}")
    axes.plot([X], [(X + Y) ** 2], color=COLOURS[1], marker="o")
    axes.set(xlabel="x", ylabel="z")
    axes.legend()
    return figure


EXPERIMENT = Experiment(
    number=4,
    name="chain-rule",
    title="Chain rule: z = (x + y)², forward and backward",
    run=run,
    seconds=(1, 1),
    needs_data=False,
)
