"""One style for all figures of the course: readable in lecture notes, safe for the colour-blind."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..viz.figures import make_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..viz import Picture

__all__ = ["COLOURS", "MARKERS", "graph_files", "line", "new_figure", "show_images"]

# Okabe and Ito's colours, which the common forms of colour blindness tell apart; lines also differ
# in their markers.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


def new_figure(
    title: str,
    rows: int = 1,
    columns: int = 1,
    *,
    width: float = 6.0,
    height: float = 4.0,
    **subplots: Any,
) -> tuple[Figure, Any]:
    """A figure with its title (which names the setting) and a grid of axes (rows, columns).

    `width` and `height` are those of one pair of axes, in inches. With one row and one column the
    axes themselves are returned instead of an array.
    """
    figure = make_figure(width * columns, height * rows + 0.4)
    figure.suptitle(title, fontsize=12, parse_math=False)
    axes = figure.subplots(rows, columns, **subplots)
    for each in [axes] if rows == columns == 1 else axes.flat:
        each.grid(alpha=0.3)
        each.set_axisbelow(True)
        each.spines[["top", "right"]].set_visible(False)
    return figure, axes


def line(index: int, **more: Any) -> dict[str, Any]:
    """How line number `index` of a figure is drawn: its own colour and marker, and what is added.

    >>> from tinygrad_edu.course.figures import line
    >>> line(0, markevery=5)
    {'color': '#0072B2', 'marker': 'o', 'ms': 4, 'markevery': 5}
    """
    return {"color": COLOURS[index], "marker": MARKERS[index], "ms": 4, **more}


def show_images(
    axes: Sequence[Any], images: Any, titles: Sequence[str] = (), *, cmap: str = "gray_r"
) -> None:
    """Draw an image (H, W) into each of the axes, without ticks."""
    for index, (each, image) in enumerate(zip(axes, images, strict=False)):
        each.imshow(image, cmap=cmap, interpolation="nearest")
        if index < len(titles):
            each.set_title(titles[index], fontsize=9, parse_math=False)
    for each in axes:
        each.set_axis_off()


def graph_files(name: str, picture: Picture) -> dict[str, bytes]:
    """The picture of a graph as files: its DOT text and, where the program `dot` is, an SVG."""
    files = {f"{name}.dot": picture.source.encode()}
    if shutil.which("dot"):
        files[f"{name}.svg"] = picture.pipe(format="svg")
    return files
