"""MNIST and Digits as datasets: items, batches, transforms."""

from __future__ import annotations

import builtins
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from data_cases import IMAGES, LABELS, Tiny, digest, put

import tinygrad_edu as tg
from tinygrad_edu.datasets import (
    MNIST,
    Digits,
    FashionMNIST,
)
from tinygrad_edu.utils.data import DataLoader, Subset, random_split


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    return Tiny(root=put(tmp_path / "tiny_data"))


def test_an_item_is_a_scaled_image_and_an_int(tiny: Tiny) -> None:
    image, label = tiny[2]
    assert isinstance(image, tg.Tensor)
    assert (tuple(image.shape), image.dtype) == ((1, 28, 28), tg.float32)
    np.testing.assert_array_equal(image.numpy()[0], IMAGES[2].astype(np.float32) / 255)
    assert label == 4
    assert type(label) is int


@pytest.mark.parametrize(
    ("index", "rows"),
    [
        (slice(1, 4), [1, 2, 3]),
        (slice(None, None, -2), [5, 3, 1]),
        ([0, 5], [0, 5]),
        (np.array([2, 2, -1]), [2, 2, 5]),
        (np.array([True, False, True, False, False, True]), [0, 2, 5]),
        (tg.tensor([1, 0]), [1, 0]),
    ],
)
@pytest.mark.parametrize("transform", [None, lambda image: image])
def test_several_indices_give_a_batch(
    tiny: Tiny, index: Any, rows: list[int], transform: Callable[[Any], Any] | None
) -> None:
    tiny.transform = transform
    images, labels = tiny[index]
    assert tuple(images.shape) == (len(rows), 1, 28, 28)
    assert (images.dtype, labels.dtype) == (tg.float32, tg.int64)
    np.testing.assert_array_equal(images.numpy()[:, 0], IMAGES[rows] / np.float32(255))
    np.testing.assert_array_equal(labels.numpy(), LABELS[rows])


def test_no_indices_give_an_empty_batch(tiny: Tiny) -> None:
    images, labels = tiny[[]]
    assert (tuple(images.shape), tuple(labels.shape)) == ((0, 1, 28, 28), (0,))
    tiny.transform = lambda image: image
    with pytest.raises(IndexError, match="no samples"):
        tiny[[]]


@pytest.mark.parametrize("index", [2, np.int64(2), tg.tensor(2), np.array(2), -4])
def test_every_kind_of_integer_gives_one_item(tiny: Tiny, index: Any) -> None:
    image, label = tiny[index]
    assert (tuple(image.shape), label) == ((1, 28, 28), 4)


@pytest.mark.parametrize("index", [6, -7, [0, 6]])
def test_an_index_beyond_the_end_is_an_index_error(tiny: Tiny, index: Any) -> None:
    with pytest.raises(IndexError, match="out of bounds"):
        tiny[index]


def test_an_index_that_is_no_number_is_refused(tiny: Tiny) -> None:
    with pytest.raises(TypeError):
        tiny["0"]
    with pytest.raises(TypeError):
        tiny[1.0]


def test_a_dataset_can_be_walked_through(tiny: Tiny) -> None:
    assert [label for _, label in tiny] == LABELS.tolist()


def test_flattened_images_are_vectors(tiny: Tiny) -> None:
    tiny.flatten = True
    assert tuple(tiny[0][0].shape) == (784,)
    assert tuple(tiny[0:2][0].shape) == (2, 784)


def test_transforms_get_the_scaled_image_and_the_label(tmp_path: Path) -> None:
    seen = []

    def half(image: tg.Tensor) -> tg.Tensor:
        seen.append((tuple(image.shape), image.dtype))
        return image * 0.5

    root = put(tmp_path / "data")
    dataset = Tiny(root, True, half, lambda label: -label)
    image, label = dataset[1]
    assert seen == [((1, 28, 28), tg.float32)]
    np.testing.assert_array_equal(image.numpy(), Tiny(root)[1][0].numpy() / 2)
    assert label == -1
    images, labels = next(iter(DataLoader(dataset, batch_size=4)))
    np.testing.assert_array_equal(images.numpy(), Tiny(root)[0:4][0].numpy() / 2)
    assert labels.tolist() == [-3, -1, -4, -1]


def test_changing_a_batch_changes_nothing_in_the_dataset(tiny: Tiny) -> None:
    for images, labels in DataLoader(tiny, batch_size=6):
        images.add_(1)
        labels.add_(1)
    np.testing.assert_array_equal(tiny.data.numpy(), IMAGES)
    np.testing.assert_array_equal(tiny.targets.numpy(), LABELS)


def test_data_and_targets_can_be_cut_as_with_torchvision(tiny: Tiny) -> None:
    tiny.data, tiny.targets = tiny.data[:2], tiny.targets[:2]
    assert (len(tiny), [label for _, label in tiny]) == (2, [3, 1])


def test_a_subclass_with_an_item_of_its_own_is_asked_for_it(tmp_path: Path) -> None:
    class Negative(Tiny):
        def __getitem__(self, index: Any) -> tuple[Any, Any]:
            image, label = super().__getitem__(index)
            return 1 - image, label

    dataset = Negative(root=put(tmp_path / "data"))
    for subset in (dataset, Subset(dataset, range(6)), *random_split(dataset, [6])):
        images = sum(images.numpy().sum() for images, _ in DataLoader(subset, batch_size=4))
        assert images == pytest.approx((1 - IMAGES / 255).sum(), rel=1e-4)


def test_the_repr_says_what_torchvision_says(tiny: Tiny, tmp_path: Path) -> None:
    assert repr(tiny) == (
        "Dataset Tiny\n"
        "    Number of datapoints: 6\n"
        f"    Root location: {tmp_path / 'tiny_data'}\n"
        "    Split: Train"
    )
    tiny.transform = tiny.target_transform = abs
    assert repr(tiny).endswith(f"Transform: {abs}\n    Target transform: {abs}")


def test_classes_have_names() -> None:
    assert MNIST.classes[7] == "7 - seven"
    assert FashionMNIST.classes[9] == "Ankle boot"
    assert Digits().class_to_idx == {str(digit): digit for digit in range(10)}


# Digits


def test_digits_are_split_once_for_all_and_evenly_by_class() -> None:
    train, test = Digits(), Digits(train=False)
    assert (len(train), len(test)) == (1437, 360)
    in_train, in_test = (
        np.bincount(dataset.targets.numpy(), minlength=10) for dataset in (train, test)
    )
    assert np.abs(in_test - (in_train + in_test) / 5).max() < 1
    assert digest(train.data.numpy().tobytes() + test.targets.numpy().tobytes()) == (
        "66f652056ca747a7903e967962e38d12583ee8e4bb842ae8d9d95f0c55689500"
    )
    rows = {image.tobytes() for image in train.data.numpy()}
    assert rows.isdisjoint(image.tobytes() for image in test.data.numpy())


def test_digits_are_scaled_from_16_to_1() -> None:
    digits = Digits(train=False)
    images, labels = digits[:]
    assert digits.data.dtype == tg.uint8
    assert tuple(images.shape) == (360, 1, 8, 8)
    np.testing.assert_array_equal(images.numpy()[:, 0] * 16, digits.data.numpy())
    assert (images.numpy().min(), images.numpy().max()) == (0, 1)
    assert labels.dtype == tg.int64


def test_digits_without_scikit_learn_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without_sklearn(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("sklearn"):
            raise ModuleNotFoundError(f"No module named {name!r}")
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_sklearn)
    with pytest.raises(ImportError, match=r'pip install "tinygrad_edu\[course\]"'):
        Digits()


def test_scikit_learn_is_imported_by_digits_alone() -> None:
    program = "import sys, tinygrad_edu.datasets; sys.exit('sklearn' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


# The real files


@pytest.mark.mnist
@pytest.mark.parametrize(
    ("train", "size", "first", "per_class"),
    [
        (
            True,
            60_000,
            [5, 0, 4, 1, 9],
            [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
        ),
        (
            False,
            10_000,
            [7, 2, 1, 0, 4],
            [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
        ),
    ],
)
def test_the_real_mnist_is_read(
    train: bool, size: int, first: list[int], per_class: list[int]
) -> None:
    dataset = MNIST(train=train, download=False)
    assert tuple(dataset.data.shape) == (size, 28, 28)
    assert (dataset.data.dtype, dataset.targets.dtype) == (tg.uint8, tg.int64)
    assert dataset.targets[:5].tolist() == first
    assert np.bincount(dataset.targets.numpy()).tolist() == per_class


@pytest.mark.mnist
def test_mnist_is_not_taken_for_fashion_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = MNIST.find(train=False)
    monkeypatch.setenv("TINYGRAD_EDU_DATA", str(folder))
    assert FashionMNIST.find(train=False) is None
