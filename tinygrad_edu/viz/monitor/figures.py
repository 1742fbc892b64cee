"""Figures of a monitor: how values are spread over time, gradients by depth, changes of weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..figures import BLUE, GREY, name_ticks, titled, written
from ..tables import one_line
from .log import Layer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .monitor import Monitor

__all__ = ["plot_gradients", "plot_histograms", "plot_monitor", "plot_updates"]

_PANELS = 24  # histograms in one figure
_COLUMNS = 6
_NAMED = 12  # layers on an axis or in a legend; of more, some


def plot_monitor(monitor: Monitor, title: str, layers: Sequence[str] | None) -> Figure:
    """Everything in one figure: see `Monitor.plot`."""
    chosen = _chosen(monitor, layers)
    rows = -(-len(chosen) // _COLUMNS)
    columns = -(-len(chosen) // max(rows, 1))
    high = 1.9 * rows + 0.5
    count = len(monitor.steps)
    default = f"{monitor.model._get_name()}: {count} recorded step{'s' * (count > 1)}"
    figure = titled(max(10.0, 2.0 * columns), high + 4.2, title or default)
    above, below = figure.subfigures(2, 1, height_ratios=(max(high, 0.1), 3.8))
    if chosen:
        panels = np.atleast_1d(above.subplots(rows, columns, squeeze=False)).ravel()
        for axes, layer in zip(panels, chosen, strict=False):
            plot_histograms(axes, layer)
        for axes in panels[len(chosen) :]:
            axes.set_axis_off()
        over = count > 1
        above.supxlabel("step" if over else "value", fontsize=9)
        above.supylabel("value (dark: many)" if over else "share of values", fontsize=9)
    left, right = below.subplots(1, 2)
    plot_gradients(left, monitor)
    plot_updates(right, monitor)
    return figure  # type: ignore[no-any-return]


def _chosen(monitor: Monitor, paths: Sequence[str] | None) -> list[Layer]:
    if paths is not None:
        for path in paths:
            if path not in monitor.layers:
                known = ", ".join(map(repr, list(monitor.layers)[:_PANELS]))
                raise KeyError(f"{path!r} is not among the layers {known}.")
        return [monitor.layers[path] for path in paths]
    layers = [layer for layer in monitor.layers.values() if layer.histograms]
    places = np.linspace(0, len(layers) - 1, min(len(layers), _PANELS)).round().astype(int)
    return [layers[place] for place in places]


def plot_histograms(axes: Any, layer: Layer) -> None:
    """How the values of a layer are spread: a column for each step, or one histogram for one."""
    title = f"{_name(layer, 26)}\n{one_line(layer.kind, 26)}"
    axes.set_title(**written(title, "label"), fontsize=8)
    axes.tick_params(labelsize=7)
    if not layer.histograms:
        return
    if len(layer.histograms) == 1:
        (only,) = layer.histograms
        axes.stairs(only.counts / only.counts.sum().clip(1), only.edges, fill=True, color=BLUE)
        axes.locator_params(nbins=4)
        return
    low, high = _interval(layer)
    edges = np.linspace(low, high, len(layer.histograms[0].counts) + 1)
    # Few values in a wide bin are still seen: the root of their share.
    image = np.sqrt(np.transpose([_rebinned(each, edges) for each in layer.histograms]))
    steps = [each.step for each in layer.histograms]
    width = (steps[-1] - steps[0]) / (len(steps) - 1)
    axes.imshow(
        image,
        vmax=_darkest(image),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        cmap="Blues",
        extent=(steps[0] - width / 2, steps[-1] + width / 2, low, high),
    )
    axes.locator_params(nbins=4)


def _darkest(image: Any) -> float:
    """The share that gets the darkest colour: that of the second bin of a column, mostly.

    The zeros of a ReLU, all in one bin, would leave nothing of the colours for the others.
    """
    second = np.sort(image, axis=0)[-2] if len(image) > 1 else image
    return float(np.quantile(second, 0.9) or image.max() or 1)


def _interval(layer: Layer) -> tuple[float, float]:
    """Where the values lie, without outliers of single steps."""
    lows, highs = zip(*((each.low, each.high) for each in layer.histograms), strict=True)
    low, high = float(np.quantile(lows, 0.02)), float(np.quantile(highs, 0.98))
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _rebinned(histogram: Any, edges: Any) -> Any:
    """The share of values in other bins: values spread evenly in each of the old ones."""
    total = max(int(histogram.counts.sum()), 1)
    below = np.concatenate([[0], np.cumsum(histogram.counts)]) / total
    return np.diff(np.interp(edges, histogram.edges, below, left=0, right=below[-1]))


def plot_gradients(axes: Any, monitor: Monitor) -> None:
    """The norms of the gradients by depth, at the first, the middle and the last steps."""
    layers = [layer for layer in monitor.layers.values() if not np.isnan(layer.grad).all()]
    # Norms of scales and shifts, which are few, would jump up and down between them.
    layers = [layer for layer in layers if layer.has_weights] or layers
    axes.set_title("gradient norm by depth", fontsize=10)
    axes.set_ylabel("‖∂L/∂w‖")
    axes.grid(alpha=0.3)
    if not layers:
        axes.text(0.5, 0.5, "no gradient was computed", transform=axes.transAxes, ha="center")
        return
    norms = np.array([layer.grad for layer in layers])
    # A tenth of the steps each: single batches scatter.
    count = norms.shape[1]
    part = max(1, count // 10)
    starts = sorted({0, (count - part) // 2, count - part})
    shades = ("#9ecae1", "#4292c6", "#08306b")[-len(starts) :]
    for start, colour in zip(starts, shades, strict=False):
        span = norms[:, start : start + part]
        known = np.isfinite(span) & (span > 0)
        values = np.where(known, span, 0).sum(1) / np.maximum(known.sum(1), 1)
        first, last = monitor.steps[start], monitor.steps[start + part - 1]
        steps = f"step {first}" if first == last else f"steps {first}–{last}"
        axes.plot(
            np.arange(len(layers)),
            np.where(values > 0, values, np.nan),
            color=colour,
            marker="o",
            ms=4,
            label=steps,
        )
    _logarithmic(axes)
    _name_layers(axes, layers)
    axes.legend(fontsize=8)


def _logarithmic(axes: Any) -> None:
    """A logarithmic scale of two decades at least: less would make hills of molehills."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    missing = 100 * low / high
    if missing > 1:
        axes.set_ylim(low / missing**0.5, high * missing**0.5)


def _name_layers(axes: Any, layers: Sequence[Layer]) -> None:
    places = range(0, len(layers), -(-len(layers) // _NAMED))
    names = [_name(layers[place], 20) for place in places]
    turned = max(map(len, names)) > 4
    axes.set_xticks(places)
    name_ticks(
        axes.set_xticklabels,
        names,
        fontsize=7,
        rotation=45 if turned else 0,
        ha="right" if turned else "center",
    )
    axes.set_xlim(-0.5, len(layers) - 0.5)
    axes.set_xlabel("layer")


def plot_updates(axes: Any, monitor: Monitor) -> None:
    """The change of the weights over the steps, from light (first layer) to dark (last)."""
    from matplotlib import colormaps

    axes.set_title("change of the weights in a step", fontsize=10)
    axes.set(xlabel="step", ylabel="‖Δw‖/‖w‖")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(alpha=0.3)
    layers = [
        layer
        for layer in monitor.layers.values()
        if layer.has_weights and not np.isnan(layer.update).all()
    ]
    if not layers:
        axes.text(0.5, 0.5, "no weight changed", transform=axes.transAxes, ha="center")
        return
    shades = colormaps["viridis"](np.linspace(0.92, 0.0, len(layers)))
    named = set(np.linspace(0, len(layers) - 1, min(len(layers), 8)).round().astype(int).tolist())
    for index, (layer, colour) in enumerate(zip(layers, shades, strict=True)):
        values = np.where(np.asarray(layer.update) > 0, layer.update, np.nan)
        # matplotlib takes a label that begins with an underscore for none.
        label = f" {_name(layer, 20)}" if index in named else "_"
        axes.plot(
            monitor.steps,
            values,
            color=colour,
            lw=1,
            marker="." if len(monitor.steps) < 30 else "",
            label=label,
        )
    axes.axhline(1e-3, color=GREY, ls=":", lw=1)
    _logarithmic(axes)
    legend = axes.legend(fontsize=7, ncols=2)
    for text in legend.get_texts():
        text.set(**written(text.get_text(), "text"))


def _name(layer: Layer, limit: int) -> str:
    return one_line(layer.path, limit) or "the model"
