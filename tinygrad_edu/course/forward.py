"""Experiment 1: the forward pass, by one layer and by three, and the graph that it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_edu as tg

from .. import viz
from ..tensor import Tensor
from .experiment import Experiment, Result, Setting, Table, exactly
from .figures import COLOURS, graph_files, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["EXPERIMENT"]

Array = np.ndarray[Any, np.dtype[Any]]


def leaf(values: Sequence[Any]) -> Tensor:
    """Numbers that the graph begins with."""
    return tg.tensor(values, dtype=tg.float64, requires_grad=True)


def one_layer() -> dict[str, Tensor]:
    """u = xW + b, z = σ(u): four inputs, three units."""
    x = leaf([1, 5, 2, -1])
    W = leaf([[0.1, 0.2, 0.3], [0.2, 0.3, 0.4], [0.3, 0.4, 0.5], [0.4, 0.5, 0.6]])
    b = leaf([0.1, 0.2, 0.3])
    u = x @ W + b
    z = tg.sigmoid(u)
    return {"x": x, "W": W, "b": b, "u": u, "z": z}


def three_layers() -> dict[str, Tensor]:
    """2-3-2-2 with ReLU between the layers and the identity at the end."""
    x = leaf([1, 2])
    W1, b1 = leaf([[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]]), leaf([0.1, 0.2, 0.3])
    W2, b2 = leaf([[0.1, 0.4], [0.2, 0.5], [0.3, 0.6]]), leaf([0.1, 0.2])
    W3, b3 = leaf([[0.1, 0.3], [0.2, 0.4]]), leaf([1, 2])
    z1 = tg.relu(x @ W1 + b1)
    z2 = tg.relu(z1 @ W2 + b2)
    y = z2 @ W3 + b3
    weights = {"W1": W1, "b1": b1, "W2": W2, "b2": b2, "W3": W3, "b3": b3}
    return {"x": x, **weights, "z1": z1, "z2": z2, "y": y}


def rounded(tensor: Tensor) -> Any:
    """The numbers without the last digits, which are rounding error: 0.1 is not a binary number."""
    return tensor.detach().numpy().round(10).tolist()


def run(_: Setting) -> Result:
    """Both networks; nothing is drawn at random."""
    one, three = one_layer(), three_layers()
    columns = [three["x"], three["z1"], three["z2"], three["y"]]
    weights = [three["W1"], three["W2"], three["W3"]]
    biases = [three["b1"], three["b2"], three["b3"]]
    steps = ["x", "z1 = ReLU(x W1 + b1)", "z2 = ReLU(z1 W2 + b2)", "y = z2 W3 + b3"]
    figures = {
        "one-layer": draw_network(
            "One layer: u = xW + b, z = sigmoid(u)",
            [one["x"], one["z"]],
            [one["W"]],
            [one["b"]],
            ["x", "z = sigmoid(x W + b)"],
        ),
        "three-layers": draw_network("Three layers", columns, weights, biases, steps),
    }
    one_picture = viz.draw(one["z"], names=one, direction="LR")
    three_picture = viz.draw(three["y"], names=three)
    return Result(
        figures=figures,
        numbers={
            "one layer": {name: rounded(each) for name, each in one.items()},
            "three layers": {name: rounded(each) for name, each in three.items()},
        },
        checks=[
            exactly("one layer, u", rounded(one["u"]), "[1.4, 2.2, 3.0]", "[1.4, 2.2, 3.0]"),
            exactly("three layers, y", rounded(three["y"]), "[1.56, 3.222]", "[1.56, 3.222]"),
        ],
        tables=[
            Table("One layer", ("what", "shape", "value"), rows(one)),
            Table("Three layers", ("what", "shape", "value"), rows(three)),
        ],
        attachments={
            **graph_files("one-layer-graph", one_picture),
            **graph_files("three-layers-graph", three_picture),
        },
    )


def rows(named: dict[str, Tensor]) -> list[tuple[str, ...]]:
    """What the tables show of each tensor."""
    return [
        (name, "×".join(map(str, each.shape)), np.array2string(each.detach().numpy(), precision=4))
        for name, each in named.items()
    ]


def draw_network(
    title: str,
    columns: Sequence[Tensor],
    weights: Sequence[Tensor],
    biases: Sequence[Tensor],
    heads: Sequence[str],
) -> Figure:
    """Units as circles with their values, weights on the lines, bias and u below each unit."""
    figure, axes = new_figure(title, width=2.4 + 2.6 * (len(columns) - 1), height=4.6)
    places = [_places(index, len(column)) for index, column in enumerate(columns)]
    for index, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        sums = (columns[index] @ weight + bias).tolist()
        for target, end in enumerate(places[index + 1]):
            colour = COLOURS[target]
            for start in places[index]:
                axes.plot(*zip(start, end, strict=True), color=colour, lw=1, zorder=1)
            text = f"b = {bias[target].item():.3g}\nu = {sums[target]:.4g}"
            _write(axes, end - (0, 0.43), text, colour)
        lines = [(start, end) for start in places[index] for end in places[index + 1]]
        for number, point in enumerate(_free_points(lines)):
            source, target = divmod(number, len(places[index + 1]))
            _write(axes, point, f"{weight[source, target].item():.3g}", COLOURS[target])
    for column, points in zip(columns, places, strict=True):
        for value, point in zip(column.tolist(), points, strict=True):
            axes.scatter(*point, s=1500, color="white", edgecolor="black", zorder=3)
            axes.text(*point, f"{value:.4g}", ha="center", va="center", fontsize=10, zorder=4)
    top = max(point[1] for points in places for point in points)
    for index, head in enumerate(heads):
        axes.text(index * 2.0, top + 0.55, head, ha="center", fontsize=10, parse_math=False)
    axes.set(xlim=(-0.5, 2.0 * (len(columns) - 1) + 0.7), ylim=(-top - 0.7, top + 0.8))
    axes.set_axis_off()
    return figure


def _places(column: int, units: int) -> list[Array]:
    """One below the other, around the middle line."""
    return [np.array([2.0 * column, (units - 1) / 2 - unit]) for unit in range(units)]


def _free_points(lines: Sequence[tuple[Array, Array]]) -> list[Array]:
    """A point for a label on each line, as far as can be from the other lines and labels."""
    shares = np.linspace(0.05, 0.95, 91)[:, None]
    drawn = [start + shares * (end - start) for start, end in lines]
    chosen: list[Array] = []
    for number, own in enumerate(drawn):
        others = np.concatenate([each for other, each in enumerate(drawn) if other != number])
        # Between two labels there has to be twice as much room as between a label and a line.
        candidates = own[15:66]
        room = [
            min([_distance(others, point), *(_distance(each, point) / 2 for each in chosen)])
            for point in candidates
        ]
        chosen.append(candidates[int(np.argmax(room))])
    return chosen


def _distance(points: Array, point: Array) -> float:
    """To the nearest of the points; sideways it counts half, since a label is wider than high."""
    return float(np.linalg.norm((points - point) * (0.5, 1), axis=-1).min())


def _write(axes: Any, point: Array, text: str, colour: str) -> None:
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
    axes.text(*point, text, color=colour, fontsize=9, ha="center", va="center", bbox=box, zorder=2)


EXPERIMENT = Experiment(
    number=1,
    name="forward",
    title="Forward pass: one layer, three layers, and the graph",
    run=run,
    seconds=(1, 1),
    needs_data=False,
)
