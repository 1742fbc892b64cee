"""Experiment 10: the scale of the initial weights decides whether a deep network learns."""

from __future__ import annotations

import numpy as np

from .. import manual_seed, optim
from ..nn import functional as F
from .data import Images, images
from .experiment import Experiment, Result, Setting, within
from .figures import COLOURS, MARKERS, new_figure
from .models import MultiLayerNet
from .tools import smooth_curve

__all__ = ["EXPERIMENT"]

# Standard deviation, and the measured mean loss of the last 100 of 2,000 iterations.
SCALES: dict[str, tuple[str | float, tuple[float, float]]] = {
    "std 0.01": (0.01, (2.295, 2.305)),
    "Xavier": ("xavier", (0.30, 0.33)),
    "He": ("he", (0.22, 0.24)),
}


def train(data: Images, std: str | float, setting: Setting, label: str) -> list[float]:
    """The losses of 784-100×4-10 with ReLU by SGD, lr 0.01, batch 128."""
    manual_seed(setting.seed)
    rng = np.random.default_rng(setting.seed)
    model = MultiLayerNet(data.size, [100] * 4, 10, weight_init_std=std)
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    losses = []
    for _ in setting.track(range(setting.steps(2000, 200)), label):
        x, y = data.batch(rng, 128)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def run(setting: Setting) -> Result:
    """Three scales of the same draw of weights, and the same batches."""
    data = images(setting.data)
    losses = {label: train(data, std, setting, label) for label, (std, _) in SCALES.items()}
    last = {label: float(np.mean(each[-100:])) for label, each in losses.items()}

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
        figures={"loss": figure},
        numbers={"losses": losses, "mean loss of the last 100": last},
        checks=[
            within(f"mean loss of the last 100, {label}", last[label], *span, setting=setting)
            for label, (_, span) in SCALES.items()
        ],
        remarks=["He's scale is √(2/n). Where the notes print 2/√n, it is a slip of the pen."],
    )


EXPERIMENT = Experiment(
    number=10,
    name="weight-init",
    title="Initial weights: N(0, 0.01²), Xavier, He",
    run=run,
    seconds=(8, 1),
)
