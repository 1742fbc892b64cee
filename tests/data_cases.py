"""Small datasets that several test modules share."""

from __future__ import annotations

import gzip
import hashlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.datasets import MNIST, IdxFile, encode_idx
from tinygrad_edu.utils.data import Dataset, IterableDataset, TensorDataset


class Squares(Dataset[tuple[int, int]]):
    """Samples made one by one."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> tuple[int, int]:
        return index, index * index


class Stream(IterableDataset[int]):
    def __init__(self, *numbers: int) -> None:
        self.numbers = numbers

    def __iter__(self) -> Iterator[int]:
        return iter(self.numbers)

    def __len__(self) -> int:
        return len(self.numbers)


def numbers(size: int) -> TensorDataset:
    return TensorDataset(tg.arange(size))


def drawn(loader: Any) -> list[list[int]]:
    """The first field of each batch, as lists."""
    return [(batch[0] if isinstance(batch, list | tuple) else batch).tolist() for batch in loader]


def flat(loader: Any) -> list[int]:
    return list(itertools.chain.from_iterable(drawn(loader)))


IMAGES = (np.arange(6 * 28 * 28) % 251).astype(np.uint8).reshape(6, 28, 28)
LABELS = np.array([3, 1, 4, 1, 5, 9], dtype=np.uint8)
IMAGE_BYTES, LABEL_BYTES = encode_idx(IMAGES), encode_idx(LABELS)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def zipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


class Tiny(MNIST):
    """Six images that are searched, verified and downloaded as MNIST is."""

    slug: ClassVar[str] = "tiny"
    files: ClassVar[dict[bool, tuple[IdxFile, IdxFile]]] = {
        train: (
            IdxFile(f"{prefix}-images", IMAGES.shape, digest(IMAGE_BYTES)),
            IdxFile(f"{prefix}-labels", LABELS.shape, digest(LABEL_BYTES)),
        )
        for train, prefix in ((True, "train"), (False, "test"))
    }


def put(folder: Path, images: bytes = IMAGE_BYTES, labels: bytes = LABEL_BYTES) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train-images").write_bytes(images)
    (folder / "train-labels").write_bytes(labels)
    return folder
