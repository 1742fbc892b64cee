"""Metrics: how good an output is, as a number to look at."""

from __future__ import annotations

from ..tensor import Tensor

__all__ = ["accuracy"]


def accuracy(output: Tensor, target: Tensor) -> float:
    """The fraction of rows of `output` (N, C) whose largest element is at the class in `target`.

    `target` holds classes, integers of shape (N), or is one-hot, of the shape (N, C). Raises
    ValueError for other shapes and types, and for no row at all.

    >>> from tinygrad_edu.training import accuracy
    >>> accuracy(tg.tensor([[0.1, 0.9], [0.8, 0.2]]), tg.tensor([1, 1]))
    0.5
    """
    scores, classes = output.array, target.array
    if scores.ndim == 2 and scores.shape[1] > 1 and classes.shape == scores.shape:
        classes = classes.argmax(axis=1)
    elif scores.ndim != 2 or classes.shape != scores.shape[:1] or classes.dtype.kind not in "iu":
        raise ValueError(
            "accuracy compares outputs (N, C) with classes, integers (N), or one-hot targets "
            f"(N, C); got {scores.shape} with {classes.shape} of {classes.dtype}. For a "
            "regression give the Trainer metric=None, or a metric(output, target) of your own."
        )
    if not len(scores):
        raise ValueError("accuracy of no samples: the batch is empty.")
    return float((scores.argmax(axis=1) == classes).mean())
