"""Figures of a training, by matplotlib: learning curves and predictions. No display is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..tensor import Tensor

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..training import History

__all__ = ["plot_history", "plot_predictions"]

# Okabe and Ito's colours, which the common forms of colour blindness tell apart.
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#999999"


def _figure(width: float, height: float) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError(
            'Figures need matplotlib: pip install "tinygrad_edu[course]" or pip install matplotlib.'
        ) from None
    return Figure(figsize=(width, height), dpi=120, layout="constrained")


def plot_history(history: History, title: str = "Training") -> Figure:
    """Loss and accuracy over the epochs, and the loss of every batch behind them.

    Returns a matplotlib Figure: `.savefig("curves.png")`. Raises ValueError for an empty history.

    >>> from tinygrad_edu.training import History
    >>> rows = [{"epoch": 1.0, "train_loss": 0.7, "train_accuracy": 0.8, "seconds": 0.1}]
    >>> len(tg.viz.plot_history(History(rows, [0.9, 0.5])).axes)
    2
    """
    if not len(history):
        raise ValueError("The history is empty: no epoch was finished.")
    figure = _figure(9, 3.8)
    figure.suptitle(title)
    epochs = history["epoch"]
    left, right = figure.subplots(1, 2)
    losses = np.asarray(history.batch_losses)
    if len(losses):
        # Batches fill the epochs evenly; epoch e ends at e.
        where = epochs[0] - 1 + np.arange(1, len(losses) + 1) * len(epochs) / len(losses)
        left.plot(where, losses, color=GREY, linewidth=0.5, alpha=0.6, label="every batch")
    for axes, name in ((left, "loss"), (right, "accuracy")):
        for part, colour, marker in (("train", BLUE, "o"), ("test", ORANGE, "s")):
            key = f"{part}_{name}"
            if key in history.epochs[0]:
                axes.plot(
                    epochs, history[key], color=colour, marker=marker, markersize=4, label=part
                )
        axes.set_xlabel("epoch")
        axes.set_ylabel(name)
        axes.grid(alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend()
    if losses.max(initial=0) > 10 * max(min(history["train_loss"]), 1e-12):
        left.set_yscale("log")
    return figure  # type: ignore[no-any-return]


def plot_predictions(
    images: Tensor, labels: Tensor, predicted: Tensor, columns: int = 8, title: str = "Predictions"
) -> Figure:
    """A grid of images (N, H, W) with their true and predicted labels; wrong ones stand out in colour and text.

    Returns a matplotlib Figure. Raises ValueError if the three do not have the same length.

    >>> figure = tg.viz.plot_predictions(tg.rand(3, 8, 8), tg.tensor([1, 2, 3]), tg.tensor([1, 2, 5]))
    >>> figure.axes[2].get_title()
    '3, not 5'
    """
    if not len(images) == len(labels) == len(predicted):
        raise ValueError(
            f"One label and one prediction for each image: got {len(images)}, {len(labels)}, {len(predicted)}."
        )
    rows = -(-len(images) // columns)
    figure = _figure(1.15 * columns, 1.35 * rows + 0.5)
    figure.suptitle(title)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    for axes, image, label, guess in zip(
        grid, images.array, labels.tolist(), predicted.tolist(), strict=False
    ):
        axes.imshow(image, cmap="gray_r")
        right = label == guess
        axes.set_title(
            str(label) if right else f"{label}, not {guess}",
            color="black" if right else ORANGE,
            fontsize=10,
            fontweight="normal" if right else "bold",
        )
    return figure  # type: ignore[no-any-return]
