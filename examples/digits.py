"""The 1,797 handwritten digits of scikit-learn, as arrays for any library."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_edu as torch


def digits(scale: float = 1.0, shift: float = 0.0) -> tuple[Any, Any]:
    """Images (1797, 1, 8, 8) of the default type, from `shift` to `shift + scale`; labels."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    dtype = str(torch.get_default_dtype()).removeprefix("torch.")
    images = (images / 16 * scale + shift).reshape(-1, 1, 8, 8).astype(dtype)
    return images, labels.astype(np.int64)
