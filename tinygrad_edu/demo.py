"""The demo: a network learns to read handwritten digits, and shows that its gradients are right."""

from __future__ import annotations

import copy
import json
import platform
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import __version__, datasets, nn, optim, serialization, viz
from .autograd import enable_grad, no_grad
from .datasets import MNIST, DatasetError, Digits
from .nn import Module
from .nn import functional as F
from .random import manual_seed
from .tensor import Tensor
from .training import History, Trainer
from .utils.data import DataLoader

__all__ = ["GradientReport", "compare_gradients", "run"]


@dataclass(frozen=True)
class GradientReport:
    """How backpropagation compares with numerical differentiation, for one parameter."""

    name: str
    checked: int
    mean_difference: float
    largest_difference: float
    largest_gradient: float


def compare_gradients(
    model: Module, images: Tensor, labels: Tensor, samples: int = 25, seed: int = 0
) -> list[GradientReport]:
    """Compare dL/dw by backpropagation with (L(w + h) - L(w - h)) / 2h, h = 1e-5, in float64.

    `samples` weights of each parameter are chosen at random. The model itself is not changed.
    """
    model = copy.deepcopy(model).double().eval()
    inputs, h = images.double(), 1e-5
    with enable_grad():
        model.zero_grad()
        F.cross_entropy(model(inputs), labels).backward()
    choose = np.random.default_rng(seed)
    reports = []
    with no_grad():
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None
            weights, gradients = parameter.array.reshape(-1), parameter.grad.array.reshape(-1)
            differences = []
            for index in choose.permutation(weights.size)[:samples]:
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


def choose_data(data: str) -> tuple[Any, Any, str]:
    """Training and test set, and a sentence that says which and why."""
    if data in ("auto", "mnist"):
        try:
            train, test = MNIST(train=True), MNIST(train=False)
        except DatasetError as error:
            if data == "mnist":
                raise
            reason = str(error).splitlines()[0]
            return Digits(train=True), Digits(train=False), f"Digits, because MNIST cannot be had: {reason}"
        return train, test, f"MNIST, found in {datasets.MNIST.find(train=True)}"
    return Digits(train=True), Digits(train=False), "Digits, as asked for"


def run(
    out: Path, data: str = "auto", epochs: int | None = None, seed: int = 0, progress: bool = True
) -> tuple[History, dict[str, Any]]:
    """Train, report, and write the files of the demo into `out`; returns the history and the metrics."""
    say = sys.stdout.write if progress else lambda text: 0
    start = time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    probe = out / ".writable"
    probe.touch()
    probe.unlink()
    train, test, why = choose_data(data)
    is_mnist = isinstance(train, MNIST)
    epochs = epochs if epochs is not None else (5 if is_mnist else 60)
    size = int(np.prod(train.data.shape[1:]))
    manual_seed(seed)
    model = nn.Sequential(
        nn.Flatten(),
        nn.Linear(size, 100),
        nn.ReLU(),
        nn.Linear(100, 100),
        nn.ReLU(),
        nn.Linear(100, 10),
    )
    say(f"Data: {why}.\n{size}-100-100-10, {len(train):,} images to learn from, {len(test):,} to be tested on.\n")
    trainer = Trainer(
        model,
        nn.CrossEntropyLoss(),
        optim.Adam(model.parameters(), lr=0.001),
        DataLoader(train, batch_size=128 if is_mnist else 32, shuffle=True),
        DataLoader(test, batch_size=1000),
        progress=progress,
    )
    history = trainer.fit(epochs)
    if not len(history):
        return history, {}
    images, labels = test[np.arange(min(3, len(test)))]
    gradients = compare_gradients(model, images, labels, seed=seed)
    accuracy = history["test_accuracy"][-1]
    metrics: dict[str, Any] = {
        "data": type(train).__name__,
        "model": f"{size}-100-100-10",
        "seed": seed,
        "test_accuracy": accuracy,
        "epochs": history.epochs,
        "interrupted": history.interrupted,
        "gradients": [vars(report) for report in gradients],
        "versions": {
            "tinygrad_edu": __version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }
    written = write(out, model, test, history, metrics)
    metrics["seconds"] = time.perf_counter() - start
    say(f"\nTest accuracy: {accuracy:.4f}\n\n{gradient_table(gradients)}\n\nWritten to {out}: {', '.join(written)}\n")
    if "graph.svg" not in written:
        say("graph.svg needs Graphviz's `dot` program (apt install graphviz); graph.dot has the same graph as text.\n")
    return history, metrics


def gradient_table(reports: list[GradientReport]) -> str:
    """The comparison of gradients as text."""
    lines = [
        "Backpropagation against numerical differentiation, for this model:",
        f"{'parameter':<12} {'checked':>7} {'mean difference':>16} {'largest':>10} {'largest gradient':>17}",
    ]
    lines += [
        f"{r.name:<12} {r.checked:>7} {r.mean_difference:>16.1e} {r.largest_difference:>10.1e} "
        f"{r.largest_gradient:>17.1e}"
        for r in reports
    ]
    return "\n".join(lines)


def write(out: Path, model: Module, test: Any, history: History, metrics: dict[str, Any]) -> list[str]:
    """Curves, predictions, graph, metrics and model; returns the names of the files."""
    title = f"{metrics['model']} on {metrics['data']}"
    viz.plot_history(history, title).savefig(out / "curves.png")
    images, labels = test[np.arange(min(40, len(test)))]
    with no_grad():
        predicted = model(images).argmax(dim=1)
    picture = viz.plot_predictions(
        images.reshape(len(images), *images.shape[-2:]),
        labels,
        predicted,
        title=f"{title}: test images, true label (and the wrong guess)",
    )
    picture.savefig(out / "predictions.png")
    model.zero_grad()
    loss = F.cross_entropy(model(images), labels)
    loss.backward(retain_graph=True)
    graph = viz.draw(loss)
    (out / "graph.dot").write_text(graph.source, encoding="utf-8")
    written = ["curves.png", "predictions.png", "graph.dot"]
    if shutil.which("dot"):
        (out / "graph.svg").write_text(graph.pipe(format="svg", encoding="utf-8"), encoding="utf-8")
        written.append("graph.svg")
    (out / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    serialization.save(model.state_dict(), out / "model.safetensors")
    return [*written, "metrics.json", "model.safetensors"]
