"""Experiment 6: regression by gradient descent: single samples, mini-batches, all samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import tinygrad_edu as tg

from .. import nn, optim
from ..tensor import Tensor
from .experiment import Check, Experiment, Result, Setting, Table
from .figures import COLOURS, line, new_figure
from .tools import smooth_curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["EXPERIMENT"]

LR = 0.07
# Samples in one update; None is all of them.
BATCHES = {"online": 1, "mini-batch": 100, "full batch": None}
ACTIVATIONS: dict[str | None, type[nn.Module]] = {None: nn.ReLU, "sigmoid": nn.Sigmoid}


def make_samples(rng: np.random.Generator, count: int) -> tuple[Tensor, Tensor]:
    """x uniform in [0, 1)², y = 3 x0 + 2 x1."""
    x = tg.from_numpy(rng.random((count, 2), dtype=np.float32))
    return x, 3 * x[:, :1] + 2 * x[:, 1:]


def half_squared_error(y: Tensor, t: Tensor) -> Tensor:
    """E = ½ (y − t)², averaged over the batch."""
    return ((y - t) ** 2).mean() / 2


def train(
    x: Tensor, t: Tensor, batch_size: int | None, setting: Setting, label: str
) -> tuple[list[float], float]:
    """The losses of the updates of a net 2-10-1, and its loss on all samples at the end."""
    tg.manual_seed(setting.seed)  # the same initial weights for each way
    rng = np.random.default_rng(setting.seed)
    model = nn.Sequential(nn.Linear(2, 10), ACTIVATIONS[setting.variant](), nn.Linear(10, 1))
    optimizer = optim.SGD(model.parameters(), lr=LR)
    losses = []
    for _ in setting.track(range(setting.steps(1000, 300)), label):
        batch_x, batch_t = x, t
        if batch_size is not None:
            chosen = tg.from_numpy(rng.integers(0, len(x), batch_size))
            batch_x, batch_t = x[chosen], t[chosen]
        optimizer.zero_grad()
        loss = half_squared_error(model(batch_x), batch_t)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with tg.no_grad():
        return losses, half_squared_error(model(x), t).item()


def run(setting: Setting) -> Result:
    """Three ways to divide the same samples into updates."""
    count = setting.steps(100_000, 10_000)
    x, t = make_samples(np.random.default_rng(setting.seed), count)
    found = {label: train(x, t, size, setting, label) for label, size in BATCHES.items()}
    losses = {label: each for label, (each, _) in found.items()}
    final = {label: end for label, (_, end) in found.items()}
    seen = {label: (size or count) * len(losses[label]) for label, size in BATCHES.items()}
    constant = float(t.var(correction=0).item() / 2)  # the best that a constant can do
    name = setting.variant or "ReLU"
    title = f"y = 3 x0 + 2 x1 by 2-10-1, {name}, SGD {LR} ({count:,} samples, seed {setting.seed})"
    return Result(
        figures={
            "online": draw_online(title, losses["online"]),
            "side-by-side": draw_ways(title, losses, count),
        },
        numbers={"losses": losses, "loss on all samples at the end": final, "samples seen": seen},
        checks=[
            Check(
                f"{label}: loss on all samples at the end",
                f"{end:.2e}",
                f"below a hundredth of {constant:.3f}, which a constant reaches",
                passed=None if setting.quick else end < constant / 100,
            )
            for label, end in final.items()
        ],
        tables=[
            Table(
                f"{len(losses['online'])} updates each",
                ("way", "samples in an update", "samples seen", "loss at the end", "spread of it"),
                [
                    (
                        label,
                        f"{size or count:,}",
                        f"{seen[label]:,}",
                        f"{final[label]:.1e}",
                        f"{np.std(losses[label][-100:]):.1e}",
                    )
                    for label, size in BATCHES.items()
                ],
            )
        ],
    )


def draw_online(title: str, losses: list[float]) -> Figure:
    """The loss of each single sample, as the notes plot it."""
    figure, axes = new_figure(title, width=7)
    axes.scatter(range(len(losses)), losses, s=8, color=COLOURS[0])
    axes.set(xlabel="update (one sample each)", ylabel="½ (y − t)²")
    return figure


def draw_ways(title: str, losses: dict[str, list[float]], count: int) -> Figure:
    """The losses over updates and, since updates differ in cost, over samples seen."""
    figure, (left, right) = new_figure(title, 1, 2, width=5.4, sharey=True)
    for index, (label, size) in enumerate(BATCHES.items()):
        update = np.arange(1, len(losses[label]) + 1)
        # A solid one of the full batch would cover that of the mini-batches.
        style = line(index, markevery=0.1, ls="-" if size else "--", label=label)
        left.scatter(update, losses[label], s=3, color=COLOURS[index], alpha=0.25)
        smooth = smooth_curve(losses[label], window=31)
        left.plot(update, smooth, **style)
        right.plot(update * (size or count), smooth, **style)
    left.set(xlabel="update", ylabel="½ (y − t)² (line: smoothed)", yscale="log", ylim=(1e-7, 20))
    right.set(xlabel="samples seen", xscale="log")
    for each in (left, right):
        each.legend(loc="lower left")
    return figure


EXPERIMENT = Experiment(
    number=6,
    name="sgd-regression",
    title="Regression by SGD: online, mini-batch, full batch",
    run=run,
    seconds=(10, 1),
    variants={"sigmoid": "sigmoid instead of ReLU"},
    needs_data=False,
)
