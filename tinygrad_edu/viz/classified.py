"""Figures of a classification: which classes are taken for which, and the worst mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import Array, TensorBase, wrap
from ..tensor import Tensor
from .figures import (
    BLUE,
    ORANGE,
    check_probabilities,
    class_name,
    name_ticks,
    plot_predictions,
    titled,
)
from .tables import one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_confusion", "plot_misclassified"]

_WRITTEN = 20  # classes; the cells of more are too small for numbers
_NOTABLE = 0.02  # the share of a confusion that gets the full colour, if none is larger
_NAMED = 60  # classes; of more, some are named


def plot_confusion(
    labels: Tensor,
    predicted: Tensor,
    classes: Sequence[object] | None = None,
    title: str = "",
) -> Figure:
    """The confusion matrix: how many samples of each class (row) are taken for which (column).

    Labels and predictions are integers of shape (N). The percentages are those of the row. Right
    answers are blue, wrong ones orange, the most frequent confusion the darkest. `classes` are
    names instead of numbers. Returns a matplotlib Figure. Raises ValueError for other shapes and
    types, negative classes, no sample, and too few names; ImportError without matplotlib.

    >>> labels, predicted = tg.tensor([0, 0, 1, 1]), tg.tensor([0, 1, 1, 1])
    >>> figure = tg.viz.plot_confusion(labels, predicted, ["cat", "dog"])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['1\\n50 %', '1\\n50 %', '0', '2\\n100 %']
    """
    counts = _counts(labels, predicted, 0 if classes is None else len(classes))
    size = len(counts)
    if classes is not None:
        class_name(classes, size - 1)
    names = [str(each) for each in (range(size) if classes is None else classes)]
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)

    right, total = int(counts.trace()), int(counts.sum())
    default = f"Confusion matrix: {right} of {total} right, {right / total:.2%}"
    side = 1.8 + (0.62 * size if size <= _WRITTEN else 9.0)
    figure = titled(max(4.6, side), max(4.2, side), title or default)
    axes = figure.subplots()
    axes.imshow(_colours(shares))
    if size <= _WRITTEN:
        _write(axes, counts, shares)
    step = -(-size // _NAMED)
    shown = range(0, size, step)
    sideways = 0 if max(map(len, names)) <= 4 else 90
    for set_ticks, set_labels, rotation in (
        (axes.set_xticks, axes.set_xticklabels, sideways),
        (axes.set_yticks, axes.set_yticklabels, 0),
    ):
        set_ticks(shown)
        texts = [one_line(names[each], 18) for each in shown]
        name_ticks(set_labels, texts, fontsize=8, rotation=rotation)
    axes.set_xticks(np.arange(1, size) - 0.5, minor=True)
    axes.set_yticks(np.arange(1, size) - 0.5, minor=True)
    axes.grid(which="minor", color="white", lw=1 if size <= _WRITTEN else 0.2)
    axes.tick_params(which="both", length=0)
    axes.set(xlabel="predicted class", ylabel="true class")
    return figure  # type: ignore[no-any-return]


def _counts(labels: Tensor, predicted: Tensor, size: int) -> Array:
    """How often each pair of classes occurs, (true, predicted)."""
    arrays = []
    for name, tensor in (("labels", labels), ("predicted", predicted)):
        array = tensor.array if isinstance(tensor, TensorBase) else np.asarray(tensor)
        if array.ndim != 1 or array.dtype.kind not in "iu" or not array.size:
            hint = " Of outputs (N, C) take .argmax(1)." if array.ndim == 2 else ""
            raise ValueError(
                f"plot_confusion: {name} holds classes, at least one, integers of shape (N,); got "
                f"shape {array.shape} and {array.dtype}.{hint}"
            )
        if array.min() < 0:
            raise ValueError(f"plot_confusion: a class in {name} is negative: {array.min()}.")
        arrays.append(array.astype(np.int64))
    if len(arrays[0]) != len(arrays[1]):
        raise ValueError(
            f"plot_confusion: a prediction for each label; got {len(arrays[0])} labels and "
            f"{len(arrays[1])} predictions."
        )
    size = max(size, int(max(array.max() for array in arrays)) + 1)
    pairs = np.bincount(arrays[0] * size + arrays[1], minlength=size * size)
    return pairs.reshape(size, size)


def _colours(shares: Array) -> Array:
    """Blue on the diagonal, orange beside it, where the colour is relative to the worst confusion.

    Small shares are seen, too: the colour is their root.
    """
    from matplotlib.colors import to_rgb

    diagonal = np.eye(len(shares), dtype=bool)
    worst = max(shares[~diagonal].max(initial=0), _NOTABLE)
    strength = np.sqrt(np.where(diagonal, shares, 0.7 * shares / worst))[..., None]
    diagonal = diagonal[..., None]
    colour = np.where(diagonal, np.array(to_rgb(BLUE)), np.array(to_rgb(ORANGE)))
    return np.asarray(1 + strength * (colour - 1))


def _write(axes: Any, counts: Array, shares: Array) -> None:
    for row, column in np.ndindex(counts.shape):
        share = shares[row, column]
        digits = 1 if share < 0.995 and len(counts) > 2 else 0
        text = f"{counts[row, column]}\n{100 * share:.{digits}f} %" if share else "0"
        light = row == column and share > 0.35
        colour = "white" if light else "black" if share else "#aaaaaa"
        axes.text(column, row, text, ha="center", va="center", fontsize=7, color=colour)


def plot_misclassified(
    images: Tensor,
    labels: Tensor,
    predicted: Tensor,
    probabilities: Tensor | None = None,
    *,
    count: int = 24,
    columns: int = 8,
    classes: Sequence[object] | None = None,
    title: str = "",
) -> Figure:
    """The images whose class was not recognised, the worst first.

    With `probabilities` (N, C), such as `outputs.softmax(1)`, the worst is the one whose true class
    was given the lowest probability; without them the order is that of the images. Returns a
    matplotlib Figure with up to `count` images; of none, if all are right. Raises ValueError as
    `plot_predictions` does.

    >>> images, labels = tg.rand(3, 8, 8), tg.tensor([0, 1, 1])
    >>> probabilities = tg.tensor([[0.4, 0.6], [0.9, 0.1], [0.2, 0.8]])
    >>> figure = tg.viz.plot_misclassified(images, labels, probabilities.argmax(1), probabilities)
    >>> figure.axes[0].texts[0].get_text()
    'pred 0: 90%\\ntrue 1: 10%'
    """
    if count < 1:
        raise ValueError(f"count is 1 or more; got {count}.")
    if not labels.shape == predicted.shape == (len(images),):
        raise ValueError(
            f"plot_misclassified takes one label and one prediction for each of {len(images)} "
            f"images; got shapes {labels.shape} and {predicted.shape}."
        )
    check_probabilities("plot_misclassified", probabilities, len(images))
    wrong = np.flatnonzero(labels.array != predicted.array)
    if probabilities is not None:
        true = probabilities.array[wrong, labels.array[wrong]]
        wrong = wrong[np.argsort(true, kind="stable")]
    default = f"{len(wrong)} of {len(images)} misclassified"
    if len(wrong) > count:
        default += f", the {'worst' if probabilities is not None else 'first'} {count}"
    if not len(wrong):
        return titled(5, 0.8, title or default)  # type: ignore[no-any-return]
    chosen = wrong[:count]
    shown = [wrap(each.array[chosen]) for each in (images, labels, predicted)]
    return plot_predictions(
        shown[0],
        shown[1],
        shown[2],
        min(columns, max(4, len(chosen))),
        title or default,
        probabilities=None if probabilities is None else wrap(probabilities.array[chosen]),
        classes=classes,
    )
