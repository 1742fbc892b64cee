"""Trainer: the training loop, written once. A hand-written loop works just as well."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias

from ..autograd import no_grad
from ..nn import Module
from ..optim import Optimizer
from ..optim.lr_scheduler import ReduceLROnPlateau
from ..tensor import Tensor
from .history import History
from .interrupt import Interrupt, Stopped
from .lint import LintWarning, lint
from .lints.findings import check_language
from .metrics import accuracy
from .predictions import Predictions
from .progress import Progress

__all__ = ["Trainer"]

Batches: TypeAlias = Iterable[Any]  # of pairs (input, target)


class Scheduler(Protocol):
    """Anything that adapts the learning rate after an epoch or a batch."""

    def step(self) -> object:
        """An epoch, or a batch, is over."""


class Trainer:
    """Trains a model and keeps its history.

    Args:
        loss_fn: `loss_fn(output, target)`, a module or function; the mean over the batch.
        train_loader, test_loader: a `DataLoader` or whatever can be iterated over once an epoch
            and gives pairs (input, target). The test loader may be left out.
        metric: `metric(output, target)` for a batch, a number; None for the loss alone.
        scheduler: changes the learning rate; its `step()` is called after each epoch. A
            `ReduceLROnPlateau` gets the epoch's loss, or in its mode "max" the metric: those of the
            test loader if there is one.
        scheduler_interval: "batch" for a scheduler that steps after each batch (`OneCycleLR`,
            `CyclicLR`) instead of each "epoch".
        progress: a bar on a terminal and a line for each epoch elsewhere; False for silence.
        lint: look for common mistakes with the first batch, before anything is learnt; what is
            found is shown as warnings, `LintWarning`, in English, or with lint="ja" in Japanese.
            See `training.lint`.

    `fit` may be called again and goes on. Its first Ctrl-C ends it after the running batch: the
    history keeps the finished epochs, the model what it has learnt. A second one does not wait.

    >>> from tinygrad_edu.training import Trainer
    >>> from tinygrad_edu.utils.data import DataLoader, TensorDataset
    >>> x = tg.tensor([[-1.0], [-0.5], [0.5], [1.0]])
    >>> loader = DataLoader(TensorDataset(x, (x[:, 0] > 0).long()), batch_size=2)
    >>> model = nn.Linear(1, 2)
    >>> optimizer = optim.SGD(model.parameters(), lr=5.0)
    >>> trainer = Trainer(model, nn.CrossEntropyLoss(), optimizer, loader, progress=False)
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
        metric: Callable[[Tensor, Tensor], Any] | None = accuracy,
        scheduler: Scheduler | ReduceLROnPlateau | None = None,
        scheduler_interval: str = "epoch",
        progress: bool = True,
        lint: bool | str = False,
    ) -> None:
        if scheduler_interval not in ("epoch", "batch"):
            raise ValueError(
                f"scheduler_interval is 'epoch' or 'batch'; got {scheduler_interval!r}."
            )
        self.model = model
        self.loss_fn = loss_fn
        self.optimizer = optimizer
        self.train_loader = train_loader
        self.test_loader = test_loader
        self.metric = metric
        self.scheduler = scheduler
        self.scheduler_interval = scheduler_interval
        self.progress = progress
        self.lint = lint
        if isinstance(lint, str):
            check_language(lint)
        self.history = History()

    def fit(self, epochs: int) -> History:
        """Train for so many epochs more; returns the history.

        Raises ValueError if a loader gives no batch, or something else than pairs.
        """
        if epochs < 0:
            raise ValueError(f"epochs is 0 or more; got {epochs}.")
        watched = self._watched()
        history = self.history
        history.interrupted = False
        first = len(history) + 1
        last = len(history) + epochs
        with (
            Progress(_length(self.train_loader), enabled=self.progress) as progress,
            Interrupt() as interrupt,
        ):
            finished = len(history.batch_losses)
            try:
                for epoch in range(first, last + 1):
                    progress.start_epoch(epoch, last)
                    row = self._epoch(epoch, progress, interrupt)
                    history.epochs.append(row)
                    finished = len(history.batch_losses)
                    if isinstance(self.scheduler, ReduceLROnPlateau):
                        self.scheduler.step(row[watched])
                    elif self.scheduler is not None and self.scheduler_interval == "epoch":
                        self.scheduler.step()
                    progress.end_epoch(row)
                    interrupt.check()
            except (Stopped, KeyboardInterrupt) as stop:
                history.interrupted = True
                if interrupt.requested and isinstance(stop, KeyboardInterrupt):
                    raise  # the second Ctrl-C
                progress.note(f"Stopped; {_epochs(len(history))} finished.")
            finally:
                del history.batch_losses[finished:]
        return history

    def _watched(self) -> str:
        """The figure of an epoch that a `ReduceLROnPlateau` looks at."""
        figure = "loss"
        if isinstance(self.scheduler, ReduceLROnPlateau):
            if self.scheduler_interval == "batch":
                raise ValueError(
                    "ReduceLROnPlateau looks at the figures of an epoch: use "
                    "scheduler_interval='epoch'."
                )
            if self.scheduler.mode == "max":
                if self.metric is None:
                    raise ValueError(
                        "ReduceLROnPlateau(mode='max') waits for a metric to rise, but "
                        "metric=None: use mode='min' for the loss."
                    )
                figure = _name(self.metric)
        return f"{'train' if self.test_loader is None else 'test'}_{figure}"

    def _epoch(self, epoch: int, progress: Progress, interrupt: Interrupt) -> dict[str, float]:
        """Train once over the training loader, and evaluate."""
        start = time.perf_counter()
        self.model.train()
        means = _Means()
        for batch in self.train_loader:
            input, target = _pair(batch)
            if self.lint and not self.history.batch_losses:
                self._show_findings(input, target)
            output, loss = self._step(input, target)
            if self.scheduler is not None and self.scheduler_interval == "batch":
                self.scheduler.step()  # type: ignore[call-arg]
            value = loss.item()
            self.history.batch_losses.append(value)
            means.add(self._figures(value, output, target), _size(target))
            progress.advance(value)
            interrupt.check()
        if not means.count:
            raise ValueError(_no_batch("training", self.train_loader, epoch))
        row: dict[str, float] = {"epoch": epoch}
        row |= {f"train_{name}": value for name, value in means.result().items()}
        if self.test_loader is not None:
            figures = self._evaluate(self.test_loader, interrupt, epoch)
            row |= {f"test_{name}": value for name, value in figures.items()}
        row["seconds"] = time.perf_counter() - start
        return row

    def _step(self, input: Any, target: Any) -> tuple[Tensor, Tensor]:
        """Learn from one batch; returns output and loss."""
        self.optimizer.zero_grad()
        output: Tensor = self.model(input)
        loss = self.loss_fn(output, target)
        loss.backward()
        self.optimizer.step()
        return output, loss

    def _show_findings(self, input: Any, target: Any) -> None:
        """What `lint` finds, as warnings of the line that has called `fit`."""
        findings = lint(
            self.model,
            self.loss_fn,
            (input, target),
            self.optimizer,
            step=self._step,
            loader=self.train_loader,
            language=self.lint if isinstance(self.lint, str) else "en",
        )
        for finding in findings:
            warnings.warn(str(finding), LintWarning, stacklevel=4)

    def evaluate(self, loader: Batches) -> dict[str, float]:
        """Mean loss and metric over a loader, without recording and in evaluation mode.

        Afterwards every module is in the mode in which it was. Raises ValueError as `fit` does.
        """
        return self._evaluate(loader, Interrupt(), 1)

    @no_grad()
    def predict(self, loader: Batches) -> Predictions:
        """What the model answers to a loader, in evaluation mode: inputs, targets and outputs.

        Every module is afterwards in the mode in which it was. Raises ValueError as `fit` does, and
        unless inputs, targets and outputs are tensors.
        """
        batches: list[tuple[Tensor, Tensor, Tensor]] = []
        with self._evaluating():
            for batch in loader:
                input, target = _pair(batch)
                batches.append((input, target, self.model(input)))
        if not batches:
            raise ValueError(_no_batch("test", loader, 1))
        return Predictions.joined(batches)

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """The model in evaluation mode; afterwards every module is in the mode in which it was."""
        modes = [(module, module.training) for module in self.model.modules()]
        self.model.eval()
        try:
            yield
        finally:
            for module, training in modes:
                module.training = training

    @no_grad()
    def _evaluate(self, loader: Batches, interrupt: Interrupt, epoch: int) -> dict[str, float]:
        means = _Means()
        with self._evaluating():
            for batch in loader:
                input, target = _pair(batch)
                output = self.model(input)
                loss = self.loss_fn(output, target).item()
                means.add(self._figures(loss, output, target), _size(target))
                interrupt.check()
        if not means.count:
            raise ValueError(_no_batch("test", loader, epoch))
        return means.result()

    def _figures(self, loss: float, output: Tensor, target: Tensor) -> dict[str, float]:
        if self.metric is None:
            return {"loss": loss}
        with no_grad():
            value = float(self.metric(output.detach(), target))
        return {"loss": loss, _name(self.metric): value}


class _Means:
    """Means over samples, from means over batches of different sizes."""

    def __init__(self) -> None:
        self.sums: dict[str, float] = {}
        self.count = 0

    def add(self, figures: dict[str, float], count: int) -> None:
        for name, value in figures.items():
            self.sums[name] = self.sums.get(name, 0.0) + value * count
        self.count += count

    def result(self) -> dict[str, float]:
        return {name: total / self.count for name, total in self.sums.items()}


def _pair(batch: Any) -> tuple[Any, Any]:
    if not isinstance(batch, (list, tuple)) or len(batch) != 2:
        many = f" of {len(batch)}" if isinstance(batch, (list, tuple)) else ""
        raise ValueError(
            f"A Trainer's loader gives pairs (input, target); got a {type(batch).__name__}{many}. "
            "For batches of another form write the loop by hand."
        )
    return batch[0], batch[1]


def _size(target: Any) -> int:
    """The number of samples in a batch; a target without dimensions is one."""
    return len(target) if getattr(target, "ndim", 1) else 1


def _name(metric: Any) -> str:
    """A metric's name in the history."""
    name = str(getattr(metric, "__name__", type(metric).__name__)).lower()
    return name if name.isidentifier() and name not in ("loss", "partial") else "metric"


def _epochs(count: int) -> str:
    return "1 epoch is" if count == 1 else f"{count or 'no'} epochs are"


def _length(loader: Any) -> int | None:
    try:
        return len(loader)
    except TypeError:
        return None


def _no_batch(kind: str, loader: Any, epoch: int) -> str:
    if epoch > 1 and iter(loader) is loader:
        return (
            f"The {kind} loader gave no batch in epoch {epoch}: a {type(loader).__name__} can be "
            "iterated over only once. Use a DataLoader, or a list of batches."
        )
    return (
        f"The {kind} loader gave no batch: its dataset is empty, or smaller than one batch under "
        "drop_last=True, or it is an iterator that was used before."
    )
