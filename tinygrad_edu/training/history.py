"""History: what a training has measured."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["History"]


@dataclass
class History:
    """What a training has measured: a dict for each finished epoch, and the loss of every batch.

    The dicts of `epochs` have "epoch" (1, 2, ...), "train_loss", "seconds", with a metric
    "train_accuracy" or the like, with a test loader "test_loss" and "test_accuracy".
    `batch_losses` are those of the finished epochs. `interrupted`: Ctrl-C ended the last `fit`.

    >>> from tinygrad_edu.training import History
    >>> history = History([{"epoch": 1, "train_loss": 0.7}, {"epoch": 2, "train_loss": 0.5}])
    >>> history["train_loss"], len(history)
    ([0.7, 0.5], 2)
    """

    epochs: list[dict[str, float]] = field(default_factory=list)
    batch_losses: list[float] = field(default_factory=list)
    interrupted: bool = False

    def __getitem__(self, name: str) -> list[float]:
        """One figure over the epochs: `history["test_accuracy"]`. KeyError if it is not there."""
        for row in self.epochs:
            if name not in row:
                raise KeyError(f"Epoch {row['epoch']} has {', '.join(row)}; not {name!r}.")
        return [row[name] for row in self.epochs]

    def __len__(self) -> int:
        """The number of finished epochs."""
        return len(self.epochs)
