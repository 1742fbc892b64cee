"""Digits: 1,797 handwritten digits of 8×8 pixels that come with scikit-learn."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .images import LabelledImages, Transform

__all__ = ["Digits"]


class Digits(LabelledImages):
    """A small dataset that needs no download: 1,437 images for training and 360 for testing.

    Args:
        train: the training images, or the test images. The split is always the same one, drawn
            once so that each class has a fifth of its images (to within one) in the test set.
        transform, target_transform, flatten: see `LabelledImages`.

    Images are float32 tensors (1, 8, 8) in 0..1; `data` holds the original 0..16 as uint8.

    Raises:
        ImportError: if scikit-learn, which carries the images, is not installed.

    Source: E. Alpaydin, C. Kaynak, "Optical recognition of handwritten digits", UCI Machine
    Learning Repository, 1998. scikit-learn: `datasets.load_digits`.

    >>> from tinygrad_edu.datasets import Digits
    >>> test = Digits(train=False)
    >>> len(test), tuple(test[0][0].shape)
    (360, (1, 8, 8))
    """

    classes: ClassVar[list[str]] = [str(digit) for digit in range(10)]
    largest: ClassVar[int] = 16

    def __init__(
        self,
        train: bool = True,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        *,
        flatten: bool = False,
    ) -> None:
        try:
            from sklearn.datasets import load_digits
        except ImportError as error:
            raise ImportError(
                "Digits comes with scikit-learn, which cannot be imported here. Install it with "
                '`pip install "tinygrad_edu[course]"`.'
            ) from error
        bunch = load_digits()
        labels = np.asarray(bunch.target, dtype=np.int64)
        # RandomState because its stream never changes: the split is the same with every NumPy.
        shuffled = np.random.RandomState(0).permutation(len(labels))
        by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
        in_test = np.zeros(len(labels), dtype=bool)
        in_test[by_class[::5]] = True
        chosen = ~in_test if train else in_test
        super().__init__(
            np.asarray(bunch.images, dtype=np.uint8)[chosen],
            labels[chosen],
            train,
            transform,
            target_transform,
            flatten=flatten,
        )
