"""What all datasets of small labelled images share: indexing, transforms, batches, and repr."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..autograd.graph import wrap
from ..tensor import Tensor
from ..utils.data import Dataset, default_collate

__all__ = ["LabelledImages"]

Transform = Callable[[Any], Any]


class LabelledImages(Dataset[tuple[Any, Any]]):
    """Grey images of one size with one label each, held in memory as integers.

    Attributes:
        data: the images as stored, a uint8 tensor of shape (N, H, W).
        targets: the labels, an int64 tensor of shape (N,).
        classes: the name of each label.

    ``dataset[i]`` is the pair of an image, float32 of shape (1, H, W) and scaled to 0..1, and its
    label, an int. ``dataset[3:7]``, ``dataset[[0, 2]]`` and ``dataset[array]`` are batches: float32
    of shape (N, 1, H, W), and an int64 tensor. A DataLoader takes whole batches in the same way.

    Args:
        transform: called with the image that ``dataset[i]`` would return; what it returns is
            returned instead. Torchvision's datasets pass a PIL image here: what comes after
            ``ToTensor()`` in a torchvision pipeline is what belongs here.
        target_transform: the same for the label.
        flatten: images have shape (H·W,) instead of (1, H, W).
    """

    classes: ClassVar[list[str]] = []
    largest: ClassVar[int] = 255  # the value in `data` that becomes 1.0

    def __init__(
        self,
        data: NDArray[np.uint8],
        targets: NDArray[np.int64],
        train: bool,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        *,
        flatten: bool = False,
    ) -> None:
        self.data: Tensor = wrap(data)
        self.targets: Tensor = wrap(targets)
        self.train = train
        self.transform = transform
        self.target_transform = target_transform
        self.flatten = flatten

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The label of each class name."""
        return {name: label for label, name in enumerate(self.classes)}

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        if isinstance(index, Tensor):
            index = index.array
        if not isinstance(index, int | slice):
            index = np.asarray(index)
            if index.ndim or index.dtype.kind == "b":
                index = index if index.size else index.astype(np.int64)  # [] is an array of floats
            else:
                index = operator.index(index[()])
        if not isinstance(index, int):
            images, labels = self.__getbatch__(index)
            return images, labels
        image: Any = self._scaled(index)
        label: Any = int(self.targets.array[index])
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            label = self.target_transform(label)
        return image, label

    def __getbatch__(self, indices: Any) -> list[Any]:
        if self.transform is None and self.target_transform is None:
            # np.array copies what a slice would only show: the batch is the caller's to change.
            return [self._scaled(indices), wrap(np.array(self.targets.array[indices]))]
        chosen = np.arange(len(self))[indices]
        batch: list[Any] = default_collate([self[index] for index in chosen.tolist()])
        return batch

    def _scaled(self, index: Any) -> Tensor:
        raw = self.data.array[index]
        image = np.divide(raw, np.float32(self.largest), dtype=np.float32)
        *batch, height, width = image.shape
        size = (height * width,) if self.flatten else (1, height, width)
        return wrap(image.reshape(*batch, *size))

    def __repr__(self) -> str:
        lines = [f"Number of datapoints: {len(self)}", *self.extra_repr().splitlines()]
        if self.transform is not None:
            lines.append(f"Transform: {self.transform}")
        if self.target_transform is not None:
            lines.append(f"Target transform: {self.target_transform}")
        return "\n    ".join([f"Dataset {type(self).__name__}", *lines])

    def extra_repr(self) -> str:
        """Lines for the repr; a subclass adds its own."""
        return f"Split: {'Train' if self.train else 'Test'}"
