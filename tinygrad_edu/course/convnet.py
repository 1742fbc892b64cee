"""Experiment 20: a convolutional network reads MNIST, and what its filters become."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import optim
from ..autograd import no_grad
from ..nn import functional as F
from ..tensor import Tensor
from .data import images
from .experiment import Check, Experiment, Result, Setting
from .figures import COLOURS, new_figure, show_images
from .models import SimpleConvNet
from .tools import accuracy, smooth_curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["EXPERIMENT"]

BATCH = 100
GOAL = 0.985


def run(setting: Setting) -> Result:
    """conv 30@5×5 - ReLU - max-pool 2 - 100 - ReLU - 10 by Adam, lr 0.001, batch 100."""
    data = images(setting.data)
    shape = 1, data.side, data.side
    x, test_x = data.x.reshape(-1, *shape), data.test_x.reshape(-1, *shape)
    # Digits has a fortieth of the images: as many steps need more epochs.
    epochs = setting.steps(8, 1) if setting.data == "mnist" else setting.steps(60, 20)

    rng = np.random.default_rng(setting.seed)
    model = SimpleConvNet(input_dim=shape)
    optimizer = optim.Adam(model.parameters(), lr=0.001)
    before = model.conv1.weight.detach().clone()
    losses, train_accuracy, test_accuracy = [], [], []
    for epoch in range(1, epochs + 1):
        order = rng.permutation(len(x))
        for start in setting.track(range(0, len(x), BATCH), f"epoch {epoch} of {epochs}"):
            chosen = order[start : start + BATCH]
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x[chosen]), data.y[chosen])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        train_accuracy.append(accuracy(model, x[:1000], data.y[:1000], batch=1000))
        test_accuracy.append(accuracy(model, test_x, data.test_y, batch=1000))
    after = model.conv1.weight.detach()

    name = f"30@5×5, pool, 100, 10; Adam 0.001, {epochs} epochs ({setting})"
    passed = test_accuracy[-1] >= GOAL if setting.is_the_courses else None
    return Result(
        figures={
            "learning": draw_learning(losses, train_accuracy, test_accuracy, name),
            "filters": draw_filters(before, after, name),
            "maps": draw_maps(model, test_x[:1], name),
        },
        numbers={
            "losses": losses,
            "accuracy on 1000 training images": train_accuracy,
            "test accuracy": test_accuracy,
            "filters before": before.tolist(),
            "filters after": after.tolist(),
        },
        checks=[
            Check("test accuracy", f"{test_accuracy[-1]:.4f}", f"{GOAL} or more", passed=passed)
        ],
    )


def draw_learning(
    losses: list[float], train_accuracy: list[float], test_accuracy: list[float], name: str
) -> Figure:
    """The loss of each batch, and the accuracy after each epoch."""
    figure, (left, right) = new_figure(name, columns=2, width=5, height=3.6)
    epochs = np.arange(1, len(test_accuracy) + 1)
    steps = np.arange(1, len(losses) + 1) * len(epochs) / len(losses)
    left.plot(steps, smooth_curve(losses), color=COLOURS[0], lw=1)
    left.set(xlabel="epoch", ylabel="loss (smoothed)", yscale="log")
    left.xaxis.get_major_locator().set_params(integer=True)
    right.plot(epochs, train_accuracy, "o-", color=COLOURS[0], ms=4, label="1000 training images")
    right.plot(epochs, test_accuracy, "s-", color=COLOURS[1], ms=4, label="all test images")
    right.axhline(GOAL, color="black", ls="--", lw=1, label=f"{GOAL}")
    right.set(xlabel="epoch", ylabel="accuracy")
    right.xaxis.get_major_locator().set_params(integer=True)
    right.legend(loc="lower right")
    return figure


def draw_filters(before: Tensor, after: Tensor, name: str) -> Figure:
    """The filters of the first layer, each in its own range of greys."""
    figure, axes = new_figure(f"Filters: {name}", rows=5, columns=13, width=0.75, height=0.8)
    for tensor, first, label in [(before, 0, "before training"), (after, 7, "after training")]:
        block = axes[:, first : first + 6]
        show_images(list(block.flat), list(tensor[:, 0].numpy()))
        block[0, 2].set_title(label, fontsize=10, loc="left")
    show_images(list(axes[:, 6]), [])
    return figure


def draw_maps(model: SimpleConvNet, image: Tensor, name: str) -> Figure:
    """A digit, and what the six filters that answer most see in it, before and behind pooling."""
    with no_grad():
        convolved = model.relu1(model.conv1(image))
        pooled = model.pool1(convolved)
    figure, axes = new_figure(f"What filters see: {name}", rows=3, columns=7, width=1.4, height=1.5)
    show_images(list(axes[:, 0]), [image[0, 0].numpy()], [f"{image.shape[2]}×{image.shape[3]}"])
    filters = model.conv1.weight.detach()
    strongest = np.argsort(-convolved[0].numpy().sum(axis=(1, 2)))[:6].tolist()
    for column, index in enumerate(strongest, 1):
        rows = [filters[index, 0], convolved[0, index], pooled[0, index]]
        titles = [f"filter {index + 1}", "conv, ReLU", "max-pool 2"]
        show_images(list(axes[:, column]), [each.numpy() for each in rows], titles)
    return figure


EXPERIMENT = Experiment(
    number=20,
    name="convnet",
    title="A convolutional network on MNIST, and its filters",
    run=run,
    seconds=(70, 3),
)
