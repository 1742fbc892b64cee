"""Experiment 19: what convolution, padding, stride, channels and pooling do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_edu as tg

from ..nn import functional as F
from ..tensor import Tensor
from .data import images
from .experiment import Experiment, Result, Setting, Table, exactly
from .figures import COLOURS, new_figure, show_images
from .grids import arrow, blank, frame, grid
from .tools import im2col

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["EXPERIMENT"]

Array = np.ndarray[Any, np.dtype[Any]]

# Bright below dark gives a positive number, dark below bright a negative one.
HORIZONTAL_EDGE = [[-1.0, -1.0, -1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]
# Size of the image, size of the filter, stride, pad.
GEOMETRIES = [(6, 2, 1, 0), (6, 2, 1, 1), (6, 2, 2, 0), (6, 3, 1, 1)]
PAD, FILTER = "#e6e6e6", "#cfe0f1"


def output_size(size: int, filter_size: int, stride: int = 1, pad: int = 0) -> int:
    """(size + 2 pad - filter_size) / stride + 1."""
    return (size + 2 * pad - filter_size) // stride + 1


def run(setting: Setting) -> Result:
    """The shapes of the notes, a filter on a digit, and a filter on a series."""
    data = images(setting.data)
    five = int(np.argmax(data.y.numpy() == 5))
    digit = data.x[five].reshape(1, 1, data.side, data.side)
    maps, figure = edges(digit, setting)
    series, series_figure = smoothing(setting)

    small, large = (im2col(tg.rand(n, 3, 7, 7), 5, 5) for n in (1, 10))
    padded = F.conv2d(tg.ones(1, 1, 6, 6), tg.ones(1, 1, 2, 2), stride=1, padding=1)
    x, filters = tg.rand(10, 3, 7, 7), tg.rand(4, 3, 5, 5)
    product = im2col(x, 5, 5) @ filters.flatten(1).T
    difference = product.reshape(10, 3, 3, 4).permute(0, 3, 1, 2) - F.conv2d(x, filters)
    return Result(
        figures={
            "im2col": draw_im2col(),
            "padding-and-stride": draw_geometries(),
            "channels": draw_channels(),
            "edges-and-pooling": figure,
            "series": series_figure,
        },
        numbers={
            "maps": {name: each[0, 0].tolist() for name, each in maps.items()},
            "series": series,
            "largest difference between im2col and conv2d": difference.abs().max().item(),
        },
        checks=[
            exactly("im2col of (1, 3, 7, 7) by 5×5", small.shape, "(9, 75)", "(9, 75)"),
            exactly("im2col of (10, 3, 7, 7) by 5×5", large.shape, "(90, 75)", "(90, 75)"),
            exactly("6×6 by 2×2, stride 1, pad 1", padded.shape[2:], "(7, 7)", "7×7"),
            exactly("the same by the formula", output_size(6, 2, stride=1, pad=1), 7, "7"),
            exactly(
                "im2col times the filters is the convolution",
                difference.abs().max().item() < 1e-4,
                True,
            ),
        ],
        tables=[
            Table(
                "Output size: (in + 2·pad - filter) / stride + 1",
                ("in", "filter", "stride", "pad", "out"),
                [(*map(str, each), str(output_size(*each))) for each in GEOMETRIES],
            )
        ],
        remarks=[
            "The filter is not turned round before it is moved over the image: what networks call "
            "convolution is what signal processing calls correlation. A learned filter does not "
            "mind."
        ],
    )


def edges(digit: Tensor, setting: Setting) -> tuple[dict[str, Tensor], Figure]:
    """A digit, what the filter sees in it, and what pooling leaves of that."""
    weight = tg.tensor(HORIZONTAL_EDGE).reshape(1, 1, 3, 3)
    edge = F.conv2d(digit, weight, padding=1)
    positive = F.relu(edge)
    maps = {
        "the digit": digit,
        "horizontal edges": edge,
        "ReLU": positive,
        "max pooling 2×2": F.max_pool2d(positive, 2),
        "average pooling 2×2": F.avg_pool2d(positive, 2),
    }
    titles = [f"{name}\n{each.shape[2]}×{each.shape[3]}" for name, each in maps.items()]
    title = f"A filter of 3×3 for horizontal edges, and pooling ({setting})"
    figure, axes = new_figure(title, columns=6, width=2.1, height=2.5)
    show_images(axes[:1], [maps["the digit"][0, 0].numpy()], titles[:1])
    blank(axes[1], 3, 3)
    axes[1].set_title("the filter\n3×3", fontsize=9)
    grid(axes[1], np.array(HORIZONTAL_EDGE), 0, 0)
    limit = float(edge.abs().max())
    for each, image, name in zip(axes[2:], list(maps.values())[1:], titles[1:], strict=True):
        each.imshow(image[0, 0].numpy(), cmap="RdBu_r", vmin=-limit, vmax=limit)
        each.set_title(name, fontsize=9)
        each.set_axis_off()
    return maps, figure


def smoothing(setting: Setting) -> tuple[dict[str, list[float]], Figure]:
    """A noisy series, its moving mean, and where the mean rises and falls: two filters of 1-D."""
    rng = np.random.default_rng(setting.seed)
    t = np.arange(240)
    noisy = np.sin(2 * np.pi * t / 120) + 1.5 * (t >= 150) + rng.normal(0, 0.35, len(t))
    series = tg.tensor(noisy).reshape(1, 1, -1)
    mean = tg.full((1, 1, 15), 1 / 15, dtype=series.dtype)
    step = tg.tensor([-1.0] * 5 + [0.0] + [1.0] * 5, dtype=series.dtype).reshape(1, 1, -1) / 5
    results = {"series": series, "mean of 15": F.conv1d(series, mean, padding=7)}
    results["5 after minus 5 before"] = F.conv1d(series, step, padding=5)
    numbers = {name: each.flatten().tolist() for name, each in results.items()}

    title = f"Convolution in one dimension (seed {setting.seed})"
    figure, (above, below) = new_figure(title, rows=2, width=8, height=2.4, sharex=True)
    above.plot(numbers["series"], color="#999999", lw=0.8, label="series")
    above.plot(numbers["mean of 15"], color=COLOURS[0], lw=2, label="mean of 15: w = 1/15, ...")
    label = "mean of the 5 after minus mean of the 5 before"
    below.plot(numbers["5 after minus 5 before"], color=COLOURS[1], label=label)
    below.axvline(149.5, color="black", ls="--", lw=1, label="the level rises by 1.5")
    for axes in (above, below):
        axes.legend(fontsize=8, loc="upper left")
    # The border of zeros pulls the ends of a series that does not end at 0.
    below.set(xlabel="time", xlim=(0, len(t) - 1))
    return numbers, figure


def draw_im2col() -> Figure:
    """An image of 4×4 and a filter of 3×3: each window becomes a row."""
    image = tg.arange(1.0, 17).reshape(1, 1, 4, 4)
    weight = tg.tensor([[1.0, 0, 1], [0, 1, 0], [1, 0, 1]])
    rows = im2col(image, 3, 3)
    result = rows @ weight.reshape(9, 1)
    figure, axes = new_figure(
        "im2col: convolution as a product of matrices", width=11.5, height=4.2
    )
    blank(axes, 28, 10)
    grid(axes, image[0, 0].numpy(), 0, 1.5)
    grid(axes, weight.numpy(), 0.5, 6.9, FILTER)
    for index in range(4):
        row, column = divmod(index, 2)
        colour = COLOURS[index]
        # Shifted a little, so that no outline hides another.
        frame(axes, column + 0.06 * index, 1.5 + row + 0.06 * index, 2.8, colour)
        grid(axes, rows[index : index + 1].numpy(), 7, 2.2 + 1.3 * index)
        axes.text(6.7, 2.75 + 1.3 * index, f"{index + 1}", color=colour, ha="right", weight="bold")
        axes.plot(
            [7, 16, 16, 7, 7], np.array([0, 0, 1, 1, 0]) + 2.2 + 1.3 * index, color=colour, lw=2
        )
    grid(axes, weight.reshape(9, 1).numpy(), 18.5, 0.5, FILTER)
    for index, value in enumerate(result.flatten().tolist()):
        grid(axes, np.array([[value]]), 22, 2.2 + 1.3 * index)
    grid(axes, result.reshape(2, 2).numpy(), 25.5, 3.7)
    arrow(axes, (4.4, 3.5), (6.0, 3.5))
    arrow(axes, (23.3, 4.7), (25.2, 4.7))
    for x, y, text in [
        (2, 1, "image 4×4"),
        (2, 6.4, "filter 3×3"),
        (11.5, 1.6, "im2col: each window is a row, (4, 9)"),
        (17.25, 5.2, "×"),
        (20.5, 5.2, "="),
        (26.5, 3.2, "map 2×2"),
    ]:
        axes.text(x, y, text, ha="center", fontsize=11)
    return figure


def draw_geometries() -> Figure:
    """Padding and stride: the first window and its neighbours, and the result."""
    title = "Output size: (in + 2·pad - filter) / stride + 1"
    figure, axes = new_figure(title, columns=4, width=3.2, height=4.6)
    for each, (size, window, stride, pad) in zip(axes.flat, GEOMETRIES, strict=True):
        total, out = size + 2 * pad, output_size(size, window, stride, pad)
        blank(each, 8, 16)
        shift = (8 - total) / 2
        cells = np.pad(np.full((size, size), "white", dtype="U7"), pad, constant_values=PAD)
        values = np.pad(np.full((size, size), np.nan), pad)
        grid(each, values, shift, shift, cells)
        for index, (colour, style) in enumerate([(COLOURS[0], "-"), (COLOURS[1], "--")]):
            frame(each, shift + index * stride, shift, window, colour, style)
        cells = np.full((out, out), "white", dtype="U7")
        cells[0, :2] = "#9ecae1", "#fdbf8f"
        grid(each, np.full((out, out), np.nan), (8 - out) / 2, 8.6, cells)
        text = f"{size}×{size}, filter {window}×{window}\nstride {stride}, pad {pad}: {out}×{out}"
        each.set_title(text, fontsize=10)
    return figure


def draw_channels() -> Figure:
    """Three channels and one filter of as many: the products of all channels are added up."""
    x = (tg.arange(48.0).reshape(1, 3, 4, 4) * 7) % 5
    weight = tg.tensor([[[1.0, 0], [0, 1]], [[0, 1], [1, 0]], [[1, 1], [0, -1]]]).reshape(
        1, 3, 2, 2
    )
    parts = [F.conv2d(x[:, i : i + 1], weight[:, i : i + 1]) for i in range(3)]
    total = F.conv2d(x, weight)
    title = "Channels: (1, 3, 4, 4) by one filter (3, 2, 2) is (1, 1, 3, 3)"
    figure, axes = new_figure(title, width=9.5, height=5.6)
    blank(axes, 22, 14)
    for i, part in enumerate(parts):
        y = i * 4.8
        colour = ("#fbd9c6", "#cfe8dc", "#cfe0f1")[i]
        grid(axes, x[0, i].numpy(), 0, y, colour)
        grid(axes, weight[0, i].numpy(), 5.6, y + 1, colour)
        grid(axes, part[0, 0].numpy(), 9.5, y + 0.5, colour)
        arrow(axes, (13, y + 2), (17.5, 7 + 0.8 * (i - 1)))
        axes.text(4.8, y + 2, "∗", ha="center", va="center", fontsize=14)
        axes.text(8.5, y + 2, "=", ha="center", va="center", fontsize=14)
    grid(axes, total[0, 0].numpy(), 18, 5.3)
    axes.text(15.9, 3.4, "sum", ha="center", fontsize=11)
    axes.text(19.5, 4.8, "one map", ha="center", fontsize=11)
    return figure


EXPERIMENT = Experiment(
    number=19,
    name="convolution",
    title="Convolution: im2col, padding, stride, channels, pooling, edges, series",
    run=run,
    seconds=(2, 1),
)
