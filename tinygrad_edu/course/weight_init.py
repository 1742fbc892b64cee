"""Experiment 10: the scale of the initial weights decides whether a deep network learns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import manual_seed, optim
from ..nn import functional as F
from ..viz import Monitor
from .data import Images, images
from .experiment import Experiment, Result, Setting, within
from .figures import COLOURS, MARKERS, new_figure
from .models import MultiLayerNet
from .tools import smooth_curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["EXPERIMENT"]

# Standard deviation, and the measured mean loss of the last 100 of 2,000 iterations.
SCALES: dict[str, tuple[str | float, tuple[float, float]]] = {
    "std 0.01": (0.01, (2.295, 2.305)),
    "Xavier": ("xavier", (0.30, 0.33)),
    "He": ("he", (0.22, 0.24)),
}


def train(
    data: Images, std: str | float, setting: Setting, label: str
) -> tuple[list[float], Monitor]:
    """784-100×4-10 with ReLU by SGD, lr 0.01, batch 128: the losses, and what a monitor saw."""
    manual_seed(setting.seed)
    rng = np.random.default_rng(setting.seed)
    model = MultiLayerNet(data.size, [100] * 4, 10, weight_init_std=std)
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    losses = []
    with Monitor(model, every=10, optimizer=optimizer) as monitor:
        for _ in setting.track(range(setting.steps(2000, 200)), label):
            x, y = data.batch(rng, 128)
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses, monitor


def run(setting: Setting) -> Result:
    """Three scales of the same draw of weights, and the same batches."""
    data = images(setting.data)
    runs = {label: train(data, std, setting, label) for label, (std, _) in SCALES.items()}
    losses = {label: each for label, (each, _) in runs.items()}
    last = {label: float(np.mean(each[-100:])) for label, each in losses.items()}
    monitors = {label: monitor for label, (_, monitor) in runs.items()}

    figure, axes = new_figure(f"Initial weights: {data.size}-100×4-10, ReLU, SGD 0.01 ({setting})")
    for index, (label, each) in enumerate(losses.items()):
        axes.plot(
            smooth_curve(each),
            color=COLOURS[index],
            marker=MARKERS[index],
            markevery=max(1, len(each) // 20),
            label=label,
        )
    axes.set(xlabel="iteration", ylabel="loss (smoothed)", ylim=(0, 2.5))
    axes.legend()
    return Result(
        figures={"loss": figure, "layers": draw_layers(monitors, setting)},
        numbers={"losses": losses, "mean loss of the last 100": last},
        checks=[
            within(f"mean loss of the last 100, {label}", last[label], *span, setting=setting)
            for label, (_, span) in SCALES.items()
        ],
        remarks=["He's scale is √(2/n). Where the notes print 2/√n, it is a slip of the pen."],
    )


def draw_layers(monitors: dict[str, Monitor], setting: Setting) -> Figure:
    """What the scale does on the way forth and on the way back, in the first 100 iterations."""
    title = f"Initial weights: the first 100 iterations ({setting})"
    figure, (left, right) = new_figure(title, 1, 2)
    for index, (label, monitor) in enumerate(monitors.items()):
        style: dict[str, Any] = {"color": COLOURS[index], "marker": MARKERS[index], "label": label}
        layers = monitor.layers.values()
        spread = [np.mean(layer.std[:10]) for layer in layers if layer.kind == "ReLU"]
        norms = [np.mean(layer.grad[:10]) for layer in layers if layer.has_weights]
        left.semilogy(range(1, len(spread) + 1), spread, **style)
        right.semilogy(range(1, len(norms) + 1), norms, **style)
    left.set(xlabel="hidden layer", ylabel="standard deviation of the activations")
    right.set(xlabel="layer", ylabel="norm of the gradient, ‖∂L/∂W, ∂L/∂b‖")
    for axes in (left, right):
        axes.xaxis.get_major_locator().set_params(integer=True)
    left.legend()
    return figure


EXPERIMENT = Experiment(
    number=10,
    name="weight-init",
    title="Initial weights: N(0, 0.01²), Xavier, He",
    run=run,
    seconds=(8, 1),
)
