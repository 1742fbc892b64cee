"""Figures of a network's layers: filters, and how weights and activations are spread."""

from __future__ import annotations

from math import ceil, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import Array, TensorBase
from ..autograd.mode import no_grad
from ..nn import Module
from ..nn.scope import describe
from ..tensor import Tensor
from .figures import BLUE, ORANGE, titled, written
from .tables import one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_activations", "plot_filters", "plot_weights"]

_COLUMNS = 5
_PANELS = 40  # histograms in one figure
_BINS = 40


def plot_filters(
    weight: Tensor,
    *,
    image_shape: tuple[int, ...] | None = None,
    count: int = 64,
    columns: int = 8,
    title: str = "",
) -> Figure:
    """The filters of a layer as images: what each of its units looks for.

    A convolution's weight (O, C, H, W): three channels are the colours of one image; other numbers
    of channels stand side by side, in rows. A linear layer's (O, D) with `image_shape` (H, W) or
    (C, H, W), D = C H W. Blue is negative, white 0, red positive, in one scale for all; colours are
    scaled over each filter. Up to `count` filters are shown. Returns a matplotlib Figure. Raises
    ValueError for other shapes, ImportError without matplotlib.

    >>> figure = tg.viz.plot_filters(nn.Conv2d(1, 6, 5).weight)
    >>> len(figure.axes[0].images)
    6
    >>> figure = tg.viz.plot_filters(nn.Linear(64, 4).weight, image_shape=(8, 8))
    """
    filters = _filters(weight.array, image_shape)
    if count < 1 or columns < 1:
        raise ValueError(f"count and columns are 1 or more; got {count} and {columns}.")
    many, channels = filters.shape[:2]
    filters = filters[:count]
    tiles = _tiles(filters)
    height, width = tiles[0].shape[:2]
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    tall = 0.85 * height / width
    default = (
        f"{len(tiles)} of {many} filters"
        if len(tiles) < many
        else f"{many} filter{'s' * (many > 1)}"
    )
    if channels > 1:
        default += f", {channels} channels" + (" as colours" if channels == 3 else " row by row")
    figure = titled(max(4.5, 0.95 * columns + 1), (tall + 0.12) * rows + 0.6, title or default)
    axes = figure.subplots()
    axes.set_axis_off()
    limit = float(np.abs(filters).max()) or 1.0
    # Farther apart than the channels within a filter are.
    gap = width * (0.12 if channels in (1, 3) else 0.25)
    step, down = width + gap, height + gap
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        left, top = step * column, -down * row
        image = axes.imshow(
            tile,
            cmap="RdBu_r",
            vmin=-limit,
            vmax=limit,
            interpolation="nearest",
            extent=(left, left + width, top - height, top),
        )
    axes.set_xlim(-0.02 * width, step * columns)
    axes.set_ylim(-down * rows, 0.02 * height)
    if channels != 3:
        figure.colorbar(image, ax=axes, shrink=0.8, aspect=25).ax.tick_params(labelsize=7)
    return figure  # type: ignore[no-any-return]


def _filters(weight: Array, image_shape: tuple[int, ...] | None) -> Array:
    """The weight as (O, C, H, W)."""
    if image_shape is not None:
        shape = tuple(image_shape)
        fits = len(shape) in (2, 3) and weight.ndim == 2 and np.prod(shape) == weight.shape[1]
        if not fits:
            raise ValueError(
                "plot_filters: image_shape is (H, W) or (C, H, W), of as many numbers as a row of "
                f"the weight (O, D); got {shape} and a weight {weight.shape}."
            )
        weight = weight.reshape(len(weight), *(1, *shape)[-3:])
    if weight.ndim == 3:  # one dimension: a row each
        weight = weight[:, :, None]
    if weight.ndim != 4 or not weight.size:
        hint = " For a linear layer say image_shape=(H, W)." if weight.ndim == 2 else ""
        raise ValueError(
            "plot_filters takes the weight of a convolution, (O, C, H, W) or (O, C, L); got "
            f"{weight.shape}.{hint}"
        )
    return weight


def _tiles(filters: Array) -> list[Array]:
    """One image for each filter."""
    if filters.shape[1] == 3:
        low = filters.min(axis=(1, 2, 3), keepdims=True)
        spread = filters.max(axis=(1, 2, 3), keepdims=True) - low
        return list(((filters - low) / np.where(spread > 0, spread, 1)).transpose(0, 2, 3, 1))
    many, channels, height, width = filters.shape
    if channels == 1:
        return list(filters[:, 0])
    across = ceil(sqrt(channels * height / width))
    down = ceil(channels / across)
    # Each number as a square of points, one of which is left blank between two channels.
    points = 4
    large = filters.repeat(points, axis=2).repeat(points, axis=3)
    cells = np.full((many, down * across, height * points + 1, width * points + 1), np.nan)
    cells[:, :channels, :-1, :-1] = large
    grid = cells.reshape(many, down, across, *cells.shape[2:]).swapaxes(2, 3)
    return list(grid.reshape(many, down * cells.shape[2], across * cells.shape[3])[:, :-1, :-1])


def plot_weights(model: Module, *, title: str = "") -> Figure:
    """A histogram of each parameter, with mean and standard deviation, in the model's order.

    Returns a matplotlib Figure; of more than 40 parameters those with the most dimensions (weights,
    not biases) come first into it. Raises ValueError for a model without parameters, ImportError
    without matplotlib.

    >>> figure = tg.viz.plot_weights(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)))
    >>> [axes.get_title().split()[0] for axes in figure.axes]
    ['0.weight', '0.bias', '2.weight', '2.bias']
    """
    panels = [
        (name, "×".join(map(str, parameter.shape)), parameter.array)
        for name, parameter in model.named_parameters()
    ]
    if not panels:
        raise ValueError(f"plot_weights: {model._get_name()} has no parameters.")
    if len(panels) > _PANELS:
        order = sorted(range(len(panels)), key=lambda each: -panels[each][2].ndim)[:_PANELS]
        panels = [panels[each] for each in sorted(order)]
    return _histograms(panels, title or f"{model._get_name()}: parameters")


@no_grad()
def plot_activations(model: Module, x: Tensor, *, title: str = "") -> Figure:
    """A histogram of what each layer answers to the batch `x`, with mean and standard deviation.

    Layers are the modules without modules inside, in the order of their calls; those that change no
    number, such as Flatten, are left out. The model runs once, in the mode in which it is, without
    recording. The share of exact zeros, which ReLU makes, is written too. Returns a matplotlib
    Figure of up to 40 layers. Raises ValueError if there is no layer whose output is a tensor,
    ImportError without matplotlib.

    >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> figure = tg.viz.plot_activations(model, tg.randn(16, 4))
    >>> [axes.get_title().split()[0] for axes in figure.axes]
    ['0', '1', '2']
    """
    panels: list[tuple[str, str, Array]] = []
    handles = []
    for path, module in model.named_modules():
        if not module._modules:

            def note(module: Module, args: Any, output: Any, path: str = path) -> None:
                if not isinstance(output, TensorBase) or output.array.dtype.kind != "f":
                    return
                # Flatten, and dropout in evaluation, only pass on what was shown already.
                given = args[0] if args and isinstance(args[0], TensorBase) else None
                if given is None or not np.may_share_memory(given.array, output.array):
                    panels.append((path, describe(module), np.array(output.array)))

            handles.append(module.register_forward_hook(note))
    try:
        model(x)
    finally:
        for handle in handles:
            handle.remove()
    if not panels:
        raise ValueError(f"plot_activations: no layer of {model._get_name()} returned a tensor.")
    if len(panels) > _PANELS:
        places = np.linspace(0, len(panels) - 1, _PANELS).round().astype(int)
        panels = [panels[place] for place in places]
    return _histograms(panels, title or f"{model._get_name()}: activations")


def _histograms(panels: list[tuple[str, str, Array]], title: str) -> Figure:
    columns = min(_COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    figure = titled(max(4.5, 2.5 * columns), 2.0 * rows + 0.6, title)
    every = np.atleast_1d(figure.subplots(rows, columns, squeeze=False)).ravel()
    for axes, (name, kind, values) in zip(every, panels, strict=False):
        text = "\n".join(one_line(part, 30) for part in (name, kind) if part)
        axes.set_title(**written(text, "label"), fontsize=8)
        axes.tick_params(labelsize=7)
        axes.set_yticks([])
        axes.spines[["top", "right", "left"]].set_visible(False)
        _histogram(axes, values.ravel())
    for axes in every[len(panels) :]:
        axes.remove()
    return figure  # type: ignore[no-any-return]


def _histogram(axes: Any, values: Array) -> None:
    finite = values[np.isfinite(values)].astype(np.float64)
    lines = []
    if finite.size:
        low, high = float(finite.min()), float(finite.max())
        if low == high:
            low, high = low - 0.5, high + 0.5
        bins = int(np.clip(2 * finite.size ** (1 / 3), 5, _BINS))
        counts, edges = np.histogram(finite, bins, (low, high))
        axes.stairs(counts, edges, fill=True, color=BLUE)
        if low <= 0 <= high:
            axes.axvline(0, color="black", lw=0.6, alpha=0.5)
        axes.locator_params(axis="x", nbins=4)
        axes.ticklabel_format(axis="x", scilimits=(-3, 4))
        lines = [f"mean {finite.mean():.3g}", f"std {finite.std():.3g}"]
        zeros = float((finite == 0).mean())
        if zeros > 0.01:
            lines.append(f"{100 * zeros:.0f} % are 0")
    else:
        axes.set_xticks([])
    odd = values.size - finite.size
    colour = "black"
    if odd:
        lines.append(f"{odd} NaN or inf")
        colour = ORANGE
    if not values.size:
        lines = ["empty"]
    axes.margins(y=0.35)
    axes.text(
        *(0.98, 0.97, "\n".join(lines)),
        transform=axes.transAxes,
        ha="right",
        va="top",
        fontsize=7,
        color=colour,
    )
