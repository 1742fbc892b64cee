"""Experiment 15: the network of sigmoids that gradient descent cannot train, and who can."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .. import manual_seed, optim
from ..nn import functional as F
from .data import Images, images
from .experiment import Experiment, Result, Setting, within
from .figures import line, new_figure
from .models import MultiLayerNet
from .tools import accuracy

if TYPE_CHECKING:
    from ..nn import Parameter
    from ..optim import Optimizer

__all__ = ["EXPERIMENT"]


class Rule(NamedTuple):
    """An optimizer, the test accuracy that the notes report, and the measured range."""

    new: Callable[[Iterable[Parameter]], Optimizer]
    reported: str
    measured: tuple[float, float]


RULES = {
    "SGD": Rule(lambda p: optim.SGD(p, lr=0.01), "0.1135", (0.1135, 0.1135)),
    "Momentum": Rule(lambda p: optim.Momentum(p, lr=0.01, momentum=0.9), "", (0.10, 0.114)),
    "AdaGrad": Rule(lambda p: optim.AdaGrad(p, lr=0.01), "", (0.33, 0.61)),
    "RMSprop": Rule(lambda p: optim.RMSprop(p, lr=0.01, alpha=0.99), "0.9397", (0.932, 0.946)),
    "Adam": Rule(lambda p: optim.Adam(p, lr=0.01), "0.9458", (0.938, 0.950)),
}


def train(rule: Rule, data: Images, setting: Setting, label: str) -> dict[str, list[float]]:
    """784-40-20-10 with sigmoids from N(0, 0.01²), batch 100, lr 0.01: accuracies."""
    manual_seed(setting.seed)
    rng = np.random.default_rng(setting.seed)
    model = MultiLayerNet(data.size, [40, 20], 10, "sigmoid", 0.01)
    optimizer = rule.new(model.parameters())
    curves: dict[str, list[float]] = {"iteration": [], "test": []}
    for iteration in setting.track(range(1, setting.steps(1000, 500) + 1), label):
        x, y = data.batch(rng, 100)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        if iteration % 10 == 0:
            curves["iteration"].append(iteration)
            curves["test"].append(accuracy(model, data.test_x, data.test_y))
    return curves


def run(setting: Setting) -> Result:
    """The same weights, batches and rate for all five."""
    data = images(setting.data)
    curves = {label: train(rule, data, setting, label) for label, rule in RULES.items()}
    last = {label: round(float(np.mean(each["test"][-10:])), 4) for label, each in curves.items()}

    figure, axes = new_figure(
        f"Optimizers: {data.size}-40-20-10, sigmoid, std 0.01, lr 0.01 ({setting})",
        width=8,
        height=4.5,
    )
    for index, (label, curve) in enumerate(curves.items()):
        every = max(1, len(curve["test"]) // 15)
        style = line(index, markevery=every, ms=5, label=label)
        axes.plot(curve["iteration"], curve["test"], **style)
    axes.set(xlabel="iteration", ylabel="test accuracy", ylim=(0, 1))
    figure.legend(loc="outside lower center", ncols=5, fontsize=9)
    return Result(
        figures={"accuracy": figure},
        numbers={**curves, "the last 100 iterations": last},
        checks=[
            within(
                f"test accuracy of the last 100 iterations, {label}",
                last[label],
                *rule.measured,
                setting=setting,
                reported=rule.reported,
            )
            for label, rule in RULES.items()
        ],
        remarks=[
            "0.1135 is the accuracy of one answer for all images: 1135 of MNIST's 10,000 test "
            "images are a one."
        ],
    )


EXPERIMENT = Experiment(
    number=15,
    name="optimizers-sigmoid",
    title="Five optimizers on a network of sigmoids with vanishing gradients",
    run=run,
    seconds=(10, 1),
)
