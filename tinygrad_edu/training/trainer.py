"""Trainer: the training loop, written once. A hand-written loop works just as well."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..autograd import no_grad
from ..nn import Module
from ..optim import Optimizer
from ..tensor import Tensor
from .progress import Progress

__all__ = ["History", "Trainer", "accuracy"]

Batches = Iterable[tuple[Tensor, Tensor]]
Metric = Callable[[Tensor, Tensor], float]


def accuracy(output: Tensor, target: Tensor) -> float:
    """The fraction of rows of `output` (N, C) whose largest element is at the class in `target` (N,).

    One-hot targets (N, C) are accepted too.

    >>> from tinygrad_edu.training import accuracy
    >>> accuracy(tg.tensor([[0.1, 0.9], [0.8, 0.2]]), tg.tensor([1, 1]))
    0.5
    """
    classes = target.array if target.ndim == 1 else target.array.argmax(axis=1)
    if output.ndim != 2 or len(output) != len(classes):
        raise ValueError(
            f"accuracy compares outputs (N, C) with classes (N,); got {output.shape} and {target.shape}."
        )
    return float((output.array.argmax(axis=1) == classes).mean())


@dataclass
class History:
    """What happened during training: one entry for each epoch, and the loss of every batch.

    `epochs` is a list of dicts with "epoch", "train_loss", "seconds", with a metric "train_accuracy", with a test
    loader "test_loss" and "test_accuracy". `interrupted` says whether Ctrl-C ended it.
    """

    epochs: list[dict[str, float]] = field(default_factory=list)
    batch_losses: list[float] = field(default_factory=list)
    interrupted: bool = False

    def __getitem__(self, name: str) -> list[float]:
        """One figure over the epochs: `history["test_accuracy"]`."""
        if self.epochs and name not in self.epochs[0]:
            raise KeyError(f"The history has {', '.join(self.epochs[0])}; not {name!r}.")
        return [row[name] for row in self.epochs]

    def __len__(self) -> int:
        return len(self.epochs)


class Trainer:
    """Trains a model and keeps its history.

    `loss_fn(output, target)` is a loss module or function whose result is the mean over the batch; `metric(output,
    target)` a fraction such as `accuracy`, or None. `progress`: a bar on a terminal and a line for each epoch
    elsewhere; False for silence. Ctrl-C ends `fit` after the running batch, with the history kept.

    >>> from tinygrad_edu.training import Trainer
    >>> from tinygrad_edu.utils.data import DataLoader, TensorDataset
    >>> x = tg.tensor([[-1.0], [-0.5], [0.5], [1.0]])
    >>> loader = DataLoader(TensorDataset(x, (x[:, 0] > 0).long()), batch_size=2)
    >>> model = nn.Linear(1, 2)
    >>> trainer = Trainer(model, nn.CrossEntropyLoss(), optim.SGD(model.parameters(), lr=5.0), loader, progress=False)
    >>> history = trainer.fit(epochs=20)
    >>> history["train_accuracy"][-1]
    1.0
    """

    def __init__(
        self,
        model: Module,
        loss_fn: Callable[[Tensor, Tensor], Tensor],
        optimizer: Optimizer,
        train_loader: Batches,
        test_loader: Batches | None = None,
        *,
        metric: Metric | None = accuracy,
        progress: bool = True,
    ) -> None:
        self.model = model
        self.loss_fn = loss_fn
        self.optimizer = optimizer
        self.train_loader = train_loader
        self.test_loader = test_loader
        self.metric = metric
        self.progress = progress
        self.history = History()

    def fit(self, epochs: int) -> History:
        """Train for a number of epochs, continuing the history if there is one."""
        if epochs < 0:
            raise ValueError(f"epochs must not be negative; got {epochs}.")
        first = len(self.history) + 1
        self.history.interrupted = False
        total = _length(self.train_loader)
        with Progress(epochs, total, enabled=self.progress) as progress:
            try:
                for epoch in range(first, first + epochs):
                    start = time.perf_counter()
                    progress.start_epoch(epoch, first + epochs - 1)
                    row = {"epoch": float(epoch), **self._train_epoch(progress)}
                    if self.test_loader is not None:
                        row |= {f"test_{name}": value for name, value in self.evaluate(self.test_loader).items()}
                    row["seconds"] = time.perf_counter() - start
                    self.history.epochs.append(row)
                    progress.end_epoch(row)
            except KeyboardInterrupt:
                self.history.interrupted = True
                progress.note(f"Stopped after {len(self.history)} epochs; the history is kept.")
        return self.history

    def _train_epoch(self, progress: Progress) -> dict[str, float]:
        self.model.train()
        sums = _Means()
        for input, target in self.train_loader:
            self.optimizer.zero_grad()
            output = self.model(input)
            loss = self.loss_fn(output, target)
            loss.backward()
            self.optimizer.step()
            value = loss.item()
            self.history.batch_losses.append(value)
            sums.add(self._figures(value, output, target), len(target))
            progress.advance(value)
        return {f"train_{name}": value for name, value in sums.means()}

    @no_grad()
    def evaluate(self, loader: Batches) -> dict[str, float]:
        """Mean loss and metric over a loader, with the model in evaluation mode and then as it was before."""
        was_training = self.model.training
        self.model.eval()
        sums = _Means()
        try:
            for input, target in loader:
                output = self.model(input)
                sums.add(self._figures(self.loss_fn(output, target).item(), output, target), len(target))
        finally:
            self.model.train(was_training)
        return dict(sums.means())

    def _figures(self, loss: float, output: Tensor, target: Tensor) -> dict[str, float]:
        figures = {"loss": loss}
        if self.metric is not None:
            name = getattr(self.metric, "__name__", type(self.metric).__name__.lower())
            figures[name] = self.metric(output, target)
        return figures


class _Means:
    """Means over samples, from means over batches of different sizes."""

    def __init__(self) -> None:
        self.sums: dict[str, float] = {}
        self.count = 0

    def add(self, figures: dict[str, float], count: int) -> None:
        for name, value in figures.items():
            self.sums[name] = self.sums.get(name, 0.0) + value * count
        self.count += count

    def means(self) -> Iterator[tuple[str, float]]:
        for name, total in self.sums.items():
            yield name, total / self.count if self.count else float(np.nan)


def _length(loader: Any) -> int | None:
    try:
        return len(loader)
    except TypeError:
        return None
