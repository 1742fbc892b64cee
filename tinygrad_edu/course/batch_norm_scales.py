"""Experiment 12: with batch normalisation a network learns from almost any initial scale."""

from __future__ import annotations

import numpy as np

from .. import manual_seed, optim
from ..nn import functional as F
from .data import Images, images
from .experiment import Experiment, Result, Setting, Table, within
from .figures import line, new_figure
from .models import MultiLayerNet
from .tools import accuracy

__all__ = ["EXPERIMENT"]

SCALES = np.logspace(0, -4, 16)
WITHOUT, WITH = "without", "with batch normalisation"


def train(data: Images, std: float, use_batchnorm: bool, setting: Setting) -> list[float]:
    """Training accuracies of 784-100×5-10, ReLU, after 0, 1, 2 ... 20 epochs of SGD, lr 0.01."""
    manual_seed(setting.seed)
    rng = np.random.default_rng(setting.seed)
    model = MultiLayerNet(data.size, [100] * 5, 10, "relu", std, use_batchnorm=use_batchnorm)
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    accuracies = [accuracy(model, data.x, data.y)]
    for _ in range(setting.steps(20, 10)):
        for chosen in np.split(rng.permutation(len(data.x)), len(data.x) // 100):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(data.x[chosen]), data.y[chosen])
            loss.backward()
            optimizer.step()
        accuracies.append(accuracy(model, data.x, data.y))
    return accuracies


def run(setting: Setting) -> Result:
    """Sixteen scales on 1000 images, with and without."""
    data = images(setting.data).first(1000)
    curves: dict[str, list[list[float]]] = {WITHOUT: [], WITH: []}
    for std in setting.track(SCALES.tolist(), "scales"):
        curves[WITHOUT].append(train(data, std, False, setting))
        curves[WITH].append(train(data, std, True, setting))
    last = {label: [each[-1] for each in rows] for label, rows in curves.items()}
    # A network that has learned nothing gives all images one digit, which is right for a tenth.
    learned = {label: sum(value > 0.2 for value in values) for label, values in last.items()}

    figure, axes = new_figure(
        f"Batch normalisation: {data.size}-100×5-10 from 16 initial scales ({setting})",
        4, 4, width=2.8, height=2.1, sharex=True, sharey=True,
    )  # fmt: skip
    for index, each in enumerate(axes.flat):
        for style, label in enumerate((WITH, WITHOUT)):
            each.plot(curves[label][index], **line(style, markevery=5, label=label))
        each.set_title(f"std {SCALES[index]:.2g}", fontsize=10)
        each.set(ylim=(0, 1.02))
    for each in axes[-1]:
        each.set_xlabel("epoch")
    figure.supylabel("accuracy on the 1000 training images", fontsize=10)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return Result(
        figures={"scales": figure},
        numbers={"scales": SCALES, "accuracies": curves},
        checks=[
            within("scales that learn, without", learned[WITHOUT], 2, 3, setting=setting, digits=2),
            within("scales that learn, with", learned[WITH], 14, 16, setting=setting, digits=2),
        ],
        tables=[
            Table(
                f"Training accuracy after {setting.steps(20, 10)} epochs",
                ["initial std", *last],
                [
                    [f"{std:.4f}", *(f"{values[index]:.3f}" for values in last.values())]
                    for index, std in enumerate(SCALES)
                ],
            )
        ],
    )


EXPERIMENT = Experiment(
    number=12,
    name="batch-norm-scales",
    title="Batch normalisation: sixteen initial scales",
    run=run,
    seconds=(15, 4),
)
