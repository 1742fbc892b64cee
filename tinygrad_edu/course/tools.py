"""The course's own tools, under its names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..autograd import no_grad
from ..autograd.graph import wrap
from ..nn.functional import im2col
from ..tensor import Tensor
from ..training import Trainer

__all__ = [
    "Trainer",
    "accuracy",
    "im2col",
    "numerical_gradient",
    "shuffle_dataset",
    "smooth_curve",
]

Array = np.ndarray[Any, np.dtype[Any]]


def smooth_curve(values: Sequence[float], window: int = 11) -> Array:
    """A curve smoothed by a Kaiser window (β = 2) of `window` values; as long as the curve.

    >>> from tinygrad_edu.course.tools import smooth_curve
    >>> smooth_curve([1.0] * 5).round(6).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0]
    """
    curve = np.asarray(values, float)
    half = window // 2
    # Mirrored at both ends, so that the curve keeps its length.
    extended = np.pad(curve, half, mode="symmetric") if len(curve) else curve
    weights = np.kaiser(2 * half + 1, 2)
    return np.convolve(extended, weights / weights.sum(), mode="valid") if len(curve) else curve


def shuffle_dataset(x: Tensor, t: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Samples and labels in one random order.

    >>> from tinygrad_edu.course.tools import shuffle_dataset
    >>> x, t = shuffle_dataset(tg.arange(4), tg.arange(4), np.random.default_rng(0))
    >>> tg.equal(x, t), sorted(x.tolist())
    (True, [0, 1, 2, 3])
    """
    order = rng.permutation(len(x))
    return wrap(x.array[order]), wrap(t.array[order])


def numerical_gradient(f: Callable[[Array], float], x: Array, h: float = 1e-4) -> Array:
    """The gradient of f at x by central differences: (f(x + h) - f(x - h)) / 2h in each element.

    `f` takes the array, which is changed in place and restored.

    >>> from tinygrad_edu.course.tools import numerical_gradient
    >>> numerical_gradient(lambda x: float((x**2).sum()), np.array([3.0, 4.0])).round(8)
    array([6., 8.])
    """
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        value = x[index]
        x[index] = value + h
        above = f(x)
        x[index] = value - h
        below = f(x)
        x[index] = value
        gradient[index] = (above - below) / (2 * h)
    return gradient


def accuracy(model: Any, x: Tensor, y: Tensor, batch: int = 10_000) -> float:
    """The share of images that the model reads rightly, in evaluation mode."""
    was_training = model.training
    model.eval()
    try:
        with no_grad():
            right = sum(
                int((model(x[i : i + batch]).array.argmax(1) == y.array[i : i + batch]).sum())
                for i in range(0, len(x), batch)
            )
    finally:
        model.train(was_training)
    return right / len(x)
