"""Experiment 9: how the scale of the initial weights spreads the activations of a deep network."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import manual_seed, nn, no_grad, randn, relu, sigmoid, tanh
from ..tensor import Tensor
from ..viz import Monitor
from .experiment import Check, Experiment, Result, Setting, Table
from .figures import COLOURS, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["EXPERIMENT"]

LAYERS, UNITS, SAMPLES, BINS = 5, 100, 1000, 30
# With the interval that the values come from; those of ReLU have none.
ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], tuple[float, float] | None]] = {
    "sigmoid": (sigmoid, (0, 1)),
    "tanh": (tanh, (-1, 1)),
    "ReLU": (relu, None),
}
SCALES = {
    "std 1": 1.0,
    "std 0.01": 0.01,
    "Xavier": 1 / np.sqrt(UNITS),
    "He": np.sqrt(2 / UNITS),
}


class Layer(nn.Module):
    """An activation of x W, with weights from N(0, std²)."""

    def __init__(self, activation: Callable[[Tensor], Tensor], std: float) -> None:
        super().__init__()
        self.activation = activation
        self.weight = nn.Parameter(std * randn(UNITS, UNITS))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 100) becomes (N, 100)."""
        return self.activation(x @ self.weight)


def network(
    activation: Callable[[Tensor], Tensor], std: float, seed: int
) -> tuple[nn.Module, Tensor]:
    """Five layers, and 1000 inputs of 100 numbers from N(0, 1)."""
    manual_seed(seed)
    x = randn(SAMPLES, UNITS)
    return nn.Sequential(*(Layer(activation, std) for _ in range(LAYERS))), x


def activations(activation: Callable[[Tensor], Tensor], std: float, seed: int) -> list[Tensor]:
    """The outputs of the five layers."""
    model, z = network(activation, std, seed)
    outputs = []
    with no_grad():
        for layer in model.children():
            z = layer(z)
            outputs.append(z)
    return outputs


def run(setting: Setting) -> Result:
    """Three activations, four scales: where do the values lie in each layer?"""
    outputs = {
        name: {scale: activations(f, std, setting.seed) for scale, std in SCALES.items()}
        for name, (f, _) in ACTIVATIONS.items()
    }
    spread = {
        name: {scale: [z.std().item() for z in layers] for scale, layers in scales.items()}
        for name, scales in outputs.items()
    }
    table = Table(
        "Standard deviation of the activations",
        ["activation", "weights", *(f"layer {layer + 1}" for layer in range(LAYERS))],
        [
            [name, scale, *(f"{each:.3g}" for each in layers)]
            for name, scales in spread.items()
            for scale, layers in scales.items()
        ],
    )
    return Result(
        figures={name.lower(): draw(name, setting) for name in ACTIVATIONS},
        numbers={"standard deviation of the activations": spread},
        checks=check(outputs),
        tables=[table],
        remarks=["He's scale is √(2/n). Where the notes print 2/√n, it is a slip of the pen."],
    )


def check(outputs: dict[str, dict[str, list[Tensor]]]) -> list[Check]:
    """What the histograms of the fifth layer show, in numbers."""

    def last(name: str, scale: str) -> Any:
        return outputs[name][scale][-1].numpy()

    def share(scale: str, low: float, high: float) -> float:
        distance = np.abs(last("sigmoid", scale) - 0.5)
        return float(np.mean((low <= distance) & (distance <= high)))

    def mean_square(scale: str) -> float:
        return float(np.mean(last("ReLU", scale) ** 2))

    # Of 300 seeds all lie between these.
    return [
        _check("sigmoid, std 1: share below 0.1 or above 0.9", share("std 1", 0.4, 0.5), 0.5, 1),
        _check("sigmoid, std 0.01: share from 0.4 to 0.6", share("std 0.01", 0, 0.1), 0.99, 1),
        _check("sigmoid, Xavier: share from 0.4 to 0.6", share("Xavier", 0, 0.1), 0.4, 0.75),
        _check("ReLU, He: mean square (1, were n infinite)", mean_square("He"), 0.3, 3),
        _check("ReLU, Xavier: mean square (1/32)", mean_square("Xavier"), 0.3 / 32, 3 / 32),
    ]


def _check(name: str, value: float, low: float, high: float) -> Check:
    expected = f"{low:.2g} – {high:.2g}"
    return Check(name, f"{value:.3f}", expected, passed=low <= value <= high)


def draw(name: str, setting: Setting) -> Figure:
    """A row of histograms for each scale, a column for each layer."""
    activation, interval = ACTIVATIONS[name]
    figure, axes = new_figure(
        f"Activations of five layers: {name} (seed {setting.seed})",
        len(SCALES),
        LAYERS,
        width=2.4,
        height=1.6,
        sharex=interval is not None,
        sharey=True,
    )
    for row, (scale, std) in zip(axes, SCALES.items(), strict=True):
        model, x = network(activation, std, setting.seed)
        # Without an interval the bins of a layer reach from its smallest to its largest value.
        with Monitor(model, bins=BINS, limits=interval, sampled=SAMPLES * UNITS) as monitor:
            model(x)
        row[0].set_ylabel(scale)
        for each, found in zip(row, monitor.layers.values(), strict=True):
            (histogram,) = found.histograms
            shares = histogram.counts / histogram.counts.sum()
            each.stairs(shares, histogram.edges, fill=True, color=COLOURS[0])
            each.set(xlim=(histogram.low, histogram.high), ylim=(0, 0.3))
            each.locator_params(axis="x", nbins=4)
            each.ticklabel_format(axis="x", scilimits=(-2, 3))
            (spread,) = found.std
            text = f"std {spread:.0f}" if spread >= 100 else f"std {spread:.2g}"
            each.text(0.93, 0.92, text, transform=each.transAxes, ha="right", va="top", fontsize=9)
    for layer, each in enumerate(axes[0]):
        each.set_title(f"layer {layer + 1}", fontsize=10)
    figure.supylabel("share of the values in each of 30 bins (cut off at 0.3)", fontsize=10)
    return figure


EXPERIMENT = Experiment(
    number=9,
    name="activation-histograms",
    title="Activations of five layers: the scale of the weights",
    run=run,
    seconds=(1, 1),
    needs_data=False,
)
