"""The demo: a network learns to read handwritten digits, and shows that its gradients are right."""

from __future__ import annotations

import contextlib
import copy
import http.client
import io
import json
import platform
import queue
import shutil
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from . import __version__, nn, optim, viz
from .autograd import enable_grad, no_grad
from .datasets import DATA_VARIABLE, MNIST, DatasetError, Digits, LabelledImages, cache_folder
from .nn import Module
from .nn import functional as F
from .random import manual_seed
from .runs import check_folder, one_thread, png, unwritable
from .serialization import save, write_whole
from .tensor import Tensor
from .training import History, Trainer
from .utils.data import DataLoader
from .viz.figures import make_figure

__all__ = ["GradientReport", "Outcome", "compare_gradients", "run"]

_PATIENCE = 4.0  # seconds to wait for a sign of life from the servers that have MNIST


@dataclass(frozen=True)
class Recipe:
    """How a dataset is learnt: with Adam, at a tenth of the learning rate in the last quarter."""

    epochs: int
    batch_size: int
    lr: float


RECIPES = {"MNIST": Recipe(8, 128, 0.002), "Digits": Recipe(30, 32, 0.003)}


@dataclass(frozen=True)
class GradientReport:
    """How backpropagation compares with numerical differentiation, for one parameter."""

    name: str
    checked: int
    mean_difference: float
    largest_difference: float
    largest_gradient: float


@dataclass
class Outcome:
    """What the demo has done: figures, and the names of the files it has written."""

    history: History
    metrics: dict[str, Any] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)


def run(
    out: Path,
    data: str = "auto",
    epochs: int | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Outcome:
    """Train a network on `data` ("mnist", "digits" or "auto") and write the results into `out`.

    Everything but the time it takes is a function of the arguments. Raises RunError, DatasetError
    or ImportError, before anything is written, if something is missing here.
    """
    start = time.perf_counter()
    make_figure(1, 1)  # without matplotlib it is better to fail now than after the training
    train, test, why = choose_data(data)
    check_folder(out)
    recipe = RECIPES[type(train).__name__]
    epochs = recipe.epochs if epochs is None else epochs
    say = _say if progress else _say_nothing
    with one_thread():
        manual_seed(seed)
        trainer = _make_trainer(train, test, recipe, epochs, progress)
        say(f"Data: {why}.")
        say(
            f"Network: {_sizes(trainer.model)} with ReLU, Adam; {len(train):,} images to learn "
            f"from, {len(test):,} to be tested on, seed {seed}."
        )
        history = trainer.fit(epochs)
        if not len(history):
            say("There is nothing to report, and nothing was written.")
            return Outcome(history)
        shown = _to_show(trainer.model, test)
        gradients = compare_gradients(trainer.model, *test[shown], seed=seed)
        metrics = _measure(trainer, type(train).__name__, seed, gradients)
        say(f"\nTest accuracy: {metrics['test_accuracy']:.4f}\n\n{gradient_table(gradients)}\n")
        files = _write(out, _contents(trainer.model, test, shown, history, metrics))
    say(f"Written to {out}: {', '.join(files)}")
    if "graph.svg" not in files:
        say("(graph.svg needs the program `dot`: apt install graphviz.)")
    say(f"Done in {time.perf_counter() - start:.0f} seconds.")
    return Outcome(history, metrics, files)


def _make_trainer(
    train: LabelledImages, test: LabelledImages, recipe: Recipe, epochs: int, progress: bool
) -> Trainer:
    """The network, and how it learns."""
    model = nn.Sequential(
        nn.Flatten(),
        nn.Linear(int(np.prod(train.data.shape[1:])), 100),
        nn.ReLU(),
        nn.Linear(100, 100),
        nn.ReLU(),
        nn.Linear(100, 10),
    )
    optimizer = optim.Adam(model.parameters(), lr=recipe.lr)
    return Trainer(
        model,
        nn.CrossEntropyLoss(),
        optimizer,
        DataLoader(train, batch_size=recipe.batch_size, shuffle=True),
        DataLoader(test, batch_size=1000),
        scheduler=optim.lr_scheduler.MultiStepLR(optimizer, [epochs - epochs // 4]),
        progress=progress,
    )


def _sizes(model: Module) -> str:
    """The widths of the layers, as "784-100-10"."""
    layers = [module for module in model.modules() if isinstance(module, nn.Linear)]
    return "-".join(map(str, [layers[0].in_features, *(layer.out_features for layer in layers)]))


def _measure(
    trainer: Trainer, data: str, seed: int, gradients: Sequence[GradientReport]
) -> dict[str, Any]:
    """The figures of the trained network, for metrics.json."""
    assert trainer.test_loader is not None
    # After Ctrl-C the model has learnt a part of another epoch: these are the figures of what is
    # written.
    figures = trainer.evaluate(trainer.test_loader)
    history = trainer.history
    return {
        "data": data,
        "model": _sizes(trainer.model),
        "parameters": sum(parameter.numel() for parameter in trainer.model.parameters()),
        "seed": seed,
        "test_accuracy": figures["accuracy"],
        "test_loss": figures["loss"],
        "interrupted": history.interrupted,
        "epochs": [
            {key: value for key, value in row.items() if key != "seconds"} for row in history.epochs
        ],
        "gradients": [asdict(report) for report in gradients],
        "versions": {
            "tinygrad_edu": __version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }


def compare_gradients(
    model: Module, images: Tensor, labels: Tensor, samples: int = 20, seed: int = 0
) -> list[GradientReport]:
    """Compare dL/dw by backpropagation with (L(w + h) - L(w - h)) / 2h, h = 1e-6, in float64.

    Of each parameter, `samples` weights chosen at random are checked, and as many where the
    gradient is largest. (A weight at the border of the images, which are white there, has none.)
    The model itself is not changed.
    """
    model = copy.deepcopy(model).double().eval()
    inputs, h = images.double(), 1e-6
    with enable_grad():
        model.zero_grad()
        F.cross_entropy(model(inputs), labels).backward()
    choose = np.random.default_rng(seed)
    reports = []
    with no_grad():
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None
            weights, gradients = parameter.array.reshape(-1), parameter.grad.array.reshape(-1)
            chosen = {
                *choose.permutation(weights.size)[:samples].tolist(),
                *np.argsort(-abs(gradients), kind="stable")[:samples].tolist(),
            }
            differences = []
            for index in sorted(chosen):
                weight = weights[index]
                losses = []
                for step in (h, -h):
                    weights[index] = weight + step
                    losses.append(F.cross_entropy(model(inputs), labels).item())
                weights[index] = weight
                differences.append(abs((losses[0] - losses[1]) / (2 * h) - gradients[index]))
            reports.append(
                GradientReport(
                    name,
                    len(differences),
                    float(np.mean(differences)),
                    float(np.max(differences)),
                    float(np.abs(gradients).max()),
                )
            )
    return reports


def gradient_table(reports: Sequence[GradientReport]) -> str:
    """The comparison of gradients as text."""
    heads = ("parameter", "weights checked", "mean difference", "largest", "largest gradient")
    rows = [
        (
            report.name,
            str(report.checked),
            f"{report.mean_difference:.1e}",
            f"{report.largest_difference:.1e}",
            f"{report.largest_gradient:.1e}",
        )
        for report in reports
    ]
    lines = [
        "  ".join(f"{cell:>{len(head)}}" for cell, head in zip(row, heads, strict=True))
        for row in (heads, *rows)
    ]
    title = "Backpropagation against numerical differentiation, for this very model:"
    return "\n".join([title, *lines])


# Data.


def choose_data(data: str) -> tuple[LabelledImages, LabelledImages, str]:
    """Training and test set, and which they are and why."""
    if data == "digits":
        return Digits(train=True), Digits(train=False), "Digits, as you asked"
    try:
        _check_that_mnist_can_be_had()
        train, test = MNIST(train=True), MNIST(train=False)
    except DatasetError as error:
        if data == "mnist":
            raise
        # The cause of a failed download is the mirrors' failure, after the list of folders.
        cause = error.__cause__ if isinstance(error.__cause__, DatasetError) else error
        reason = str(cause).splitlines()[0].rstrip(".:")
        try:
            why = f"Digits, because {reason}"
            return Digits(train=True), Digits(train=False), why
        except ImportError as missing:
            raise ImportError(f"{missing} Digits would stand in for MNIST: {reason}.") from None
    return train, test, f"MNIST, from {train.folder}"


def _check_that_mnist_can_be_had() -> None:
    """Raise DatasetError at once if MNIST is not here and no server that has it answers.

    The download itself waits longer, and looking up a name has no limit of time at all.
    """
    if MNIST.find(train=True) and MNIST.find(train=False):
        return
    addresses = [f"{mirror}{MNIST.files[True][0].name}.gz" for mirror in MNIST.mirrors]
    if not _any_answers(addresses, _PATIENCE):
        hosts = " nor ".join(urlsplit(address).netloc for address in addresses)
        names = ", ".join(f"{file.name}.gz" for files in MNIST.files.values() for file in files)
        raise DatasetError(
            f"MNIST is not on this machine and neither {hosts} answers.\n"
            f"Put {names} into a folder that {DATA_VARIABLE} names or into "
            f"{cache_folder() / MNIST.slug}, or use --data digits."
        )


def _any_answers(addresses: Sequence[str], seconds: float) -> bool:
    """Whether one of the servers answers, whatever it says, within so many seconds."""
    answers: queue.Queue[bool] = queue.Queue()

    def ask(address: str) -> None:
        request = urllib.request.Request(
            address, method="HEAD", headers={"User-Agent": "tinygrad_edu"}
        )
        try:
            urllib.request.urlopen(request, timeout=seconds).close()
        except urllib.error.HTTPError as error:
            error.close()
        except (OSError, http.client.HTTPException, ValueError):
            answers.put(False)
            return
        answers.put(True)

    for address in addresses:
        threading.Thread(target=ask, args=(address,), daemon=True).start()
    end = time.monotonic() + seconds
    with contextlib.suppress(queue.Empty):
        for _ in addresses:
            if answers.get(timeout=max(0.0, end - time.monotonic())):
                return True
    return False


# Files.


def _contents(
    model: Module,
    test: LabelledImages,
    shown: Sequence[int],
    history: History,
    metrics: dict[str, Any],
) -> dict[str, bytes]:
    """The files of the demo, by name. Nothing is written before all of them are made."""
    title = f"{metrics['model']} on {metrics['data']}"
    images, labels = test[shown]
    with no_grad():
        predicted = model(images).argmax(dim=1)
    mistakes = int((predicted != labels).sum().item())
    # The first images once more, as a leaf, so that they are in the picture of the graph.
    images_drawn = images[:8].requires_grad_()
    model.zero_grad()
    loss = F.cross_entropy(model(images_drawn), labels[:8])
    loss.backward()
    graph = viz.draw(loss, names={"images": images_drawn})
    model.zero_grad()
    curves = viz.plot_history(history, f"{title}: test accuracy {metrics['test_accuracy']:.2%}")
    predictions = viz.plot_predictions(
        images,
        labels,
        predicted,
        title=f"{title}: test images, and at the end {mistakes} that it gets wrong",
    )
    weights = io.BytesIO()
    save(model.state_dict(), weights)
    contents = {
        "curves.png": png(curves),
        "predictions.png": png(predictions),
        "graph.dot": graph.source.encode(),
        "metrics.json": (json.dumps(metrics, indent=2) + "\n").encode(),
        "model.safetensors": weights.getvalue(),
    }
    if shutil.which("dot"):
        contents["graph.svg"] = graph.pipe(format="svg")
    return contents


def _to_show(model: Module, test: LabelledImages, first: int = 32, wrong: int = 8) -> list[int]:
    """The first images that are read correctly, and then the first mistakes."""
    images, labels = test[:]
    with no_grad():
        right = (model(images).argmax(dim=1) == labels).array
    return [*np.flatnonzero(right)[:first].tolist(), *np.flatnonzero(~right)[:wrong].tolist()]


def _write(out: Path, contents: dict[str, bytes]) -> list[str]:
    """Write the files, each complete or not at all; returns their names."""
    for name, content in contents.items():
        try:
            write_whole(out / name, content)
        except OSError as error:
            raise unwritable(out / name, error) from None
    if "graph.svg" not in contents:
        # One of an earlier run would not be this run's.
        (out / "graph.svg").unlink(missing_ok=True)
    return list(contents)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _say_nothing(text: str) -> None:
    """For a demo without progress."""
