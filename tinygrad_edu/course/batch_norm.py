"""Experiment 11: batch normalisation lets the network learn that did not learn at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .. import manual_seed, optim
from ..nn import functional as F
from ..viz import Monitor
from ..viz.monitor.figures import plot_histograms
from .data import Images, images
from .experiment import Experiment, Result, Setting, within
from .figures import COLOURS, MARKERS, new_figure
from .models import MultiLayerNet
from .tools import accuracy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["EXPERIMENT"]


class Run(NamedTuple):
    """With or without, at which rate; what the notes report, and the measured test accuracy."""

    use_batchnorm: bool
    lr: float
    reported: str
    measured: tuple[float, float]


RUNS = {
    "with, lr 0.1": Run(True, 0.1, "", (0.90, 0.91)),
    "with, lr 0.01": Run(True, 0.01, "0.8051, lr not stated", (0.55, 0.69)),
    "without, lr 0.1": Run(False, 0.1, "", (0.098, 0.114)),
    "without, lr 0.01": Run(False, 0.01, "0.1135", (0.1135, 0.1135)),
}


def train(
    each: Run, data: Images, setting: Setting, label: str
) -> tuple[dict[str, list[float]], Monitor]:
    """784-40-20-10 with sigmoids from N(0, 0.01²) by SGD, batch 100."""
    manual_seed(setting.seed)
    rng = np.random.default_rng(setting.seed)
    model = MultiLayerNet(
        data.size, [40, 20], 10, "sigmoid", 0.01, use_batchnorm=each.use_batchnorm
    )
    optimizer = optim.SGD(model.parameters(), lr=each.lr)
    curves: dict[str, list[float]] = {"iteration": [], "test": []}
    with Monitor(model, every=10, optimizer=optimizer, limits=(0, 1)) as monitor:
        for iteration in setting.track(range(1, setting.steps(1000, 300) + 1), label):
            x, y = data.batch(rng, 100)
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            if iteration % 10 == 0:
                # Batch normalisation takes its running mean and variance here, not the batch's.
                curves["iteration"].append(iteration)
                curves["test"].append(accuracy(model, data.test_x, data.test_y))
    return curves, monitor


def run(setting: Setting) -> Result:
    """The same network and batches with and without batch normalisation, at two rates."""
    data = images(setting.data)
    runs = {label: train(each, data, setting, label) for label, each in RUNS.items()}
    curves = {label: each for label, (each, _) in runs.items()}
    monitors = {label: monitor for label, (_, monitor) in runs.items()}
    # At lr 0.1 the running statistics limp behind the weights, and single accuracies scatter by
    # ±0.01: the mean of the last ten is what a run can be held to.
    last = {label: round(float(np.mean(each["test"][-10:])), 4) for label, each in curves.items()}

    figure, axes = new_figure(
        f"Batch normalisation: {data.size}-40-20-10, sigmoid, std 0.01 ({setting})",
        width=8,
        height=4.5,
    )
    for index, (label, curve) in enumerate(curves.items()):
        axes.plot(
            curve["iteration"],
            curve["test"],
            color=COLOURS[index],
            marker=MARKERS[index],
            markevery=max(1, len(curve["test"]) // 12),
            ms=5,
            label=label,
        )
    if setting.is_the_courses:
        axes.axhline(0.8051, color="black", ls=":", label="reported, 0.8051")
    axes.set(xlabel="iteration", ylabel="test accuracy", ylim=(0, 1))
    figure.legend(loc="outside lower center", ncols=5, fontsize=9)
    return Result(
        figures={"accuracy": figure, "activations": draw_activations(monitors, setting)},
        numbers={**curves, "the last 100 iterations": last},
        checks=[
            within(
                f"test accuracy of the last 100 iterations, {label}",
                last[label],
                *each.measured,
                setting=setting,
                reported=each.reported,
            )
            for label, each in RUNS.items()
        ],
        remarks=[
            "The notes do not state the learning rate of their 0.8051: it lies between the two.",
            "In the notes the variance and the standard deviation of the batch are printed with "
            "the sign of the mean, μ: σ² = 1/m Σ (x − μ)², x̂ = (x − μ) / √(σ² + ε).",
        ],
    )


def draw_activations(monitors: dict[str, Monitor], setting: Setting) -> Figure:
    """Where the values of the two sigmoid layers lie, over the iterations."""
    title = f"Batch normalisation: the values of the sigmoids ({setting})"
    figure, axes = new_figure(title, 2, len(monitors), width=2.6, height=2.0, sharey=True)
    for column, (label, monitor) in zip(axes.T, monitors.items(), strict=True):
        layers = [layer for layer in monitor.layers.values() if layer.kind == "Sigmoid"]
        for panel, layer in zip(column, layers, strict=True):
            plot_histograms(panel, layer)
            panel.set_title("")
            panel.grid(visible=False)
        column[0].set_title(label, fontsize=10)
    for row, panels in enumerate(axes):
        panels[0].set_ylabel(f"layer {row + 1}")
    figure.supxlabel("iteration", fontsize=10)
    figure.supylabel("value of the sigmoid; dark: many", fontsize=10)
    return figure


EXPERIMENT = Experiment(
    number=11,
    name="batch-norm",
    title="Batch normalisation: a network that did not learn, learns",
    run=run,
    seconds=(11, 1),
)
