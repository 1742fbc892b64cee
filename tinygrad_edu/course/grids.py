"""Images as grids of cells with their numbers, and boxes with text: what pictures of convolutions
and of networks are drawn from.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["arrow", "blank", "box", "frame", "grid"]

Array = np.ndarray[Any, np.dtype[Any]]


def blank(axes: Any, width: float, height: float) -> None:
    """A sheet without ticks, on which y counts downwards, as the rows of an image do."""
    axes.set(xlim=(-0.3, width + 0.3), ylim=(height + 0.3, -0.3), aspect="equal")
    axes.set_axis_off()


def box(axes: Any, x: float, y: float, width: float, height: float, **style: Any) -> None:
    """A rectangle with its upper left corner at (x, y)."""
    from matplotlib.patches import Rectangle

    look: dict[str, Any] = {"facecolor": "white", "edgecolor": "#555555", "lw": 0.8} | style
    axes.add_patch(Rectangle((x, y), width, height, **look))


def frame(axes: Any, x: float, y: float, size: float, colour: str, style: str = "-") -> None:
    """The outline of a square window at (x, y)."""
    box(
        axes,
        x,
        y,
        size,
        size,
        facecolor="none",
        edgecolor=colour,
        lw=2.5,
        linestyle=style,
        zorder=3,
    )


def grid(
    axes: Any, values: Array, x: float, y: float, colours: Array | str = "white", digits: str = "g"
) -> None:
    """Cells of size 1 with the numbers of a matrix; NaN is an empty cell.

    `colours` is one for all cells, or an array of the matrix's shape.
    """
    colours = np.broadcast_to(np.asarray(colours), values.shape)
    for (row, column), value in np.ndenumerate(values):
        box(axes, x + column, y + row, 1, 1, facecolor=str(colours[row, column]))
        if not np.isnan(value):
            place = x + column + 0.5, y + row + 0.5
            axes.text(*place, f"{value:{digits}}", ha="center", va="center", fontsize=9)


def arrow(axes: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    """An arrow from one point to another."""
    style = {"arrowstyle": "-|>", "color": "#555555", "lw": 1.2}
    axes.annotate("", xy=end, xytext=start, arrowprops=style)
