"""The images that the experiments learn from, as the course takes them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ..autograd.graph import wrap
from ..datasets import MNIST, Digits
from ..tensor import Tensor

__all__ = ["Images", "images"]

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Images:
    """Images scaled to 0..1 and flattened, float32 of shape (N, D), and labels (N,)."""

    name: str
    x: Tensor
    y: Tensor
    test_x: Tensor
    test_y: Tensor

    @property
    def size(self) -> int:
        """The number D of pixels: 784 for MNIST, 64 for Digits."""
        return int(self.x.shape[1])

    @property
    def side(self) -> int:
        """The height and width: 28 for MNIST, 8 for Digits."""
        return math.isqrt(self.size)

    def first(self, count: int) -> Images:
        """The first training images only, and all test images."""
        return Images(self.name, self.x[:count], self.y[:count], self.test_x, self.test_y)

    def batch(self, rng: np.random.Generator, size: int) -> tuple[Tensor, Tensor]:
        """Images drawn at random with replacement, as in the course's iterations."""
        chosen = rng.integers(0, len(self.x), size)
        return wrap(self.x.array[chosen]), wrap(self.y.array[chosen])


@cache
def images(data: str) -> Images:
    """The data set "mnist" or "digits". Raises DatasetError if it cannot be had."""
    kind = {"mnist": MNIST, "digits": Digits}[data]
    train, test = kind(train=True, flatten=True)[:], kind(train=False, flatten=True)[:]
    return Images(kind.__name__, *train, *test)
