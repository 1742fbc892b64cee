"""Datasets: what can be indexed (or walked through) to get samples."""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from ... import random
from ...autograd.graph import wrap
from ...ops.dtypes import type_name
from ...tensor import Tensor
from .collate import default_collate

__all__ = [
    "ChainDataset",
    "ConcatDataset",
    "Dataset",
    "IterableDataset",
    "StackDataset",
    "Subset",
    "TensorDataset",
    "random_split",
]

T_co = TypeVar("T_co", covariant=True)
#: A whole batch: consecutive samples, an array of positions, or a list of any keys.
Indices: TypeAlias = slice | NDArray[np.int64] | Sequence[Any]


class Dataset(Generic[T_co]):
    """A map-style dataset: ``dataset[i]`` is a sample, and ``len(dataset)`` their number.

    A subclass defines ``__getitem__`` and ``__len__``. Two more methods are optional:

    - ``__getbatch__(indices)`` returns a whole batch, already collated. `indices` is a slice or an
      int64 array. Where samples are rows of arrays this is one NumPy call instead of one per
      sample. `TensorDataset`, `Subset` of it, and the datasets of `tinygrad_edu.datasets` have it.
    - ``__getitems__(indices)``, PyTorch's, returns the list of samples for a list of indices.

    A subclass that overrides ``__getitem__`` alone is asked sample by sample, whatever it inherits.
    With a `collate_fn` of its own, a DataLoader never asks for ``__getbatch__``.

    >>> from tinygrad_edu.utils.data import DataLoader, Dataset
    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 5
    ...     def __getitem__(self, i):
    ...         return i, i * i
    ...     def __getbatch__(self, indices):
    ...         x = np.arange(5)[indices]
    ...         return [tg.tensor(x), tg.tensor(x * x)]
    >>> [y.tolist() for x, y in DataLoader(Squares(), batch_size=2)]
    [[0, 1], [4, 9], [16]]
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError(
            f"{type(self).__name__} needs a method __getitem__(self, index) that returns a sample"
        )

    def __add__(self, other: Dataset[Any]) -> Dataset[Any]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co], Iterable[T_co]):
    """A dataset that is a stream: ``iter(dataset)`` yields samples.

    A subclass defines ``__iter__``, and ``__len__`` if it knows.
    PyTorch: `torch.utils.data.IterableDataset`.
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(
            f"{type(self).__name__} needs a method __iter__(self) that yields samples"
        )

    def __add__(self, other: Dataset[Any]) -> Dataset[Any]:
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Sample i is the tuple of row i of each tensor.

    Args:
        *tensors: tensors (or NumPy arrays, whose memory is shared) with equal first dimensions.

    Raises:
        AssertionError: if their first dimensions differ, as in PyTorch.

    A batch of consecutive samples is a read-only view of the tensors, without a copy: changing it
    in place would change the dataset. To change it, write ``x = x + noise`` or ``x = x.clone()``.

    >>> from tinygrad_edu.utils.data import TensorDataset
    >>> dataset = TensorDataset(tg.tensor([[1.0, 2.0], [3.0, 4.0]]), tg.tensor([0, 1]))
    >>> dataset[1]
    (tensor([3., 4.]), tensor(1))
    """

    tensors: tuple[Tensor, ...]

    def __init__(self, *tensors: Tensor | NDArray[Any]) -> None:
        if not tensors:
            raise TypeError("TensorDataset needs at least one tensor: TensorDataset(x, y)")
        for tensor in tensors:
            if not isinstance(tensor, Tensor | np.ndarray):
                raise TypeError(
                    "TensorDataset takes tensors, each as an argument of its own: "
                    f"TensorDataset(x, y); found {type_name(tensor)}"
                )
        self.tensors = tuple(x if isinstance(x, Tensor) else wrap(x) for x in tensors)
        shapes = [tuple(tensor.shape) for tensor in self.tensors]
        if not all(shape and shape[0] == shapes[0][0] for shape in shapes):
            raise AssertionError(
                "Size mismatch between tensors: TensorDataset needs as many rows in each, but the "
                f"shapes are {', '.join(map(str, shapes))}"
            )

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __getbatch__(self, indices: Any) -> list[Tensor]:
        return [take_rows(tensor, indices) for tensor in self.tensors]


class ConcatDataset(Dataset[T_co]):
    """Datasets one after the other; ``first + second`` makes one too.

    Raises:
        AssertionError: if there are none, or one of them is an IterableDataset, as in PyTorch.
    """

    datasets: list[Dataset[T_co]]
    cumulative_sizes: list[int]

    def __init__(self, datasets: Iterable[Dataset[T_co]]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("ConcatDataset needs at least one dataset")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise AssertionError(
                "ConcatDataset joins datasets with an index; chain an IterableDataset with "
                "ChainDataset([...])"
            )
        self.cumulative_sizes = list(itertools.accumulate(size_of(d) for d in self.datasets))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> T_co:
        position = index + len(self) if index < 0 else index
        if position < 0:
            raise ValueError(
                f"index {index} is out of range for a ConcatDataset of {len(self)} samples"
            )
        if position >= len(self):
            raise IndexError(
                f"index {index} is out of range for a ConcatDataset of {len(self)} samples"
            )
        which = bisect.bisect_right(self.cumulative_sizes, position)
        before = self.cumulative_sizes[which - 1] if which else 0
        return self.datasets[which][position - before]


class StackDataset(Dataset[Any]):
    """Datasets side by side: sample i holds sample i of each, as a tuple, or as a dict by name.

    Raises:
        ValueError: if there are none, or some with a name and some without, or of several lengths.

    PyTorch: `torch.utils.data.StackDataset`.

    >>> from tinygrad_edu.utils.data import StackDataset
    >>> StackDataset([1, 2, 3], ["a", "b", "c"])[1]
    (2, 'b')
    >>> StackDataset(number=[1, 2, 3], letter=["a", "b", "c"])[-1]
    {'number': 3, 'letter': 'c'}
    """

    datasets: tuple[Any, ...] | dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if bool(args) == bool(kwargs):
            raise ValueError(
                "StackDataset needs datasets, either all as StackDataset(x, y) or all by name as "
                "StackDataset(image=x, label=y)"
            )
        self.datasets = args or kwargs
        sizes = [size_of(dataset) for dataset in (*args, *kwargs.values())]
        if len(set(sizes)) > 1:
            raise ValueError(
                f"Size mismatch between datasets: StackDataset needs equal lengths, not {sizes}"
            )
        self._length = sizes[0]

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: Any) -> tuple[Any, ...] | dict[str, Any]:
        if isinstance(self.datasets, dict):
            return {name: dataset[index] for name, dataset in self.datasets.items()}
        return tuple(dataset[index] for dataset in self.datasets)


class ChainDataset(IterableDataset[Any]):
    """Streams one after the other; ``first + second`` of two IterableDatasets makes one too.

    Raises:
        AssertionError: while iterating, if a dataset is not an IterableDataset, as in PyTorch.
    """

    def __init__(self, datasets: Iterable[Dataset[Any]]) -> None:
        self.datasets = list(datasets)

    def __iter__(self) -> Iterator[Any]:
        for dataset in self._streams():
            yield from dataset

    def __len__(self) -> int:
        return sum(size_of(dataset) for dataset in self._streams())

    def _streams(self) -> Iterator[IterableDataset[Any]]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise AssertionError(
                    f"ChainDataset chains IterableDatasets; found {type(dataset).__name__}"
                )
            yield dataset


class Subset(Dataset[T_co]):
    """Those samples of a dataset that `indices` names, in that order.

    Args:
        dataset: any map-style dataset.
        indices: a sequence, an array or a tensor of positions. A ``range`` with step 1 keeps
            batches of consecutive samples free of copies.

    >>> from tinygrad_edu.utils.data import Subset, TensorDataset
    >>> dataset = TensorDataset(tg.arange(10))
    >>> Subset(dataset, [7, 1])[0]
    (tensor(7),)
    """

    dataset: Dataset[T_co]
    indices: Sequence[int]

    def __init__(self, dataset: Dataset[T_co], indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> T_co:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getbatch__(self, indices: Any) -> Any:
        return fetch_batch(self.dataset, self._chosen(indices))

    def _chosen(self, indices: Any) -> Indices:
        """Where the samples at `indices` of this subset are in the dataset behind it."""
        own: Any = self.indices.array if isinstance(self.indices, Tensor) else self.indices
        if isinstance(indices, slice):
            part: Any = own[indices]
            if isinstance(part, range) and part.step == 1 and part.start >= 0:
                return slice(part.start, part.stop)
            return np.asarray(part)
        if isinstance(own, np.ndarray):
            return np.asarray(own[indices])
        return np.fromiter(map(own.__getitem__, indices.tolist()), np.int64, len(indices))


def random_split(
    dataset: Dataset[T_co],
    lengths: Sequence[int | float],
    generator: random.Generator | np.random.Generator | None = None,
) -> list[Subset[T_co]]:
    """Split a dataset at random into parts that share no sample.

    Args:
        dataset: any map-style dataset.
        lengths: the parts' lengths; or fractions that sum up to 1, rounded down, after which what
            is left over goes to the parts in turn, the first one first.
        generator: where the randomness comes from; the default generator if it is None.

    Raises:
        ValueError: if the lengths do not sum up to ``len(dataset)``, or a fraction is not in 0..1.

    PyTorch: `torch.utils.data.random_split`.

    >>> from tinygrad_edu.utils.data import TensorDataset, random_split
    >>> train, valid = random_split(TensorDataset(tg.arange(500)), [0.8, 0.2])
    >>> len(train), len(valid)
    (400, 100)
    """
    size = size_of(dataset)
    given = list(lengths)
    counts: list[Any] = given
    if math.isclose(sum(given), 1):
        counts = _fractions_to_counts(size, given)
    whole = all(isinstance(count, int | np.integer) and count >= 0 for count in counts)
    if not whole or sum(counts) != size:
        raise ValueError(
            f"random_split: the dataset has {size} samples, but the lengths are {given} (sum "
            f"{sum(given)}). Give whole numbers that sum up to {size}, or fractions that sum up "
            "to 1."
        )
    order = random.resolve(generator).permutation(size).tolist()
    ends = list(itertools.accumulate(counts))
    return [
        Subset(dataset, order[end - count : end]) for end, count in zip(ends, counts, strict=True)
    ]


def _fractions_to_counts(size: int, fractions: Sequence[float]) -> list[int]:
    for index, fraction in enumerate(fractions):
        if not 0 <= fraction <= 1:
            raise ValueError(
                f"random_split: the fraction at index {index} is {fraction}, not between 0 and 1"
            )
    counts = [math.floor(size * fraction) for fraction in fractions]
    for index in range(size - sum(counts)):
        counts[index % len(counts)] += 1
    for index, count in enumerate(counts):
        if count == 0:
            warnings.warn(
                f"random_split: part {index} is empty ({fractions[index]} of {size} samples)",
                stacklevel=3,
            )
    return counts


def size_of(dataset: Any) -> int:
    """``len(dataset)``, with a hint where the dataset has none."""
    if not hasattr(dataset, "__len__"):
        raise TypeError(
            f"{type(dataset).__name__} has no length: define __len__(self), the number of samples"
        )
    return len(dataset)


def take_rows(tensor: Tensor, indices: Any) -> Tensor:
    """Rows of a tensor: a read-only view for a slice, one copy for an array of positions."""
    if tensor.requires_grad:
        return tensor[indices]
    array = tensor.array
    if isinstance(indices, slice):
        rows = array[indices]
        # A batch that is changed in place must not change the dataset.
        rows.flags.writeable = False
        return wrap(rows, version=tensor.version)
    # `take` gathers rows almost twice as fast as array[indices], but copies all of a strided array.
    return wrap(array.take(indices, axis=0) if array.flags.c_contiguous else array[indices])


def takes_whole_batches(dataset: Any) -> bool:
    """Whether ``dataset.__getbatch__`` gives the samples that ``dataset[i]`` would.

    It does unless a subclass has overridden how a single sample is made, and only that.
    """
    for cls in type(dataset).__mro__:
        if "__getbatch__" in vars(cls):
            return True
        if "__getitem__" in vars(cls) or "__getitems__" in vars(cls):
            return False
    return False


def samples_at(dataset: Any, indices: Indices) -> list[Any]:
    """The samples one by one, for a collate function."""
    if isinstance(indices, slice):
        keys: list[Any] = list(range(indices.start, indices.stop))
    else:
        keys = indices.tolist() if isinstance(indices, np.ndarray) else list(indices)
    getitems = getattr(dataset, "__getitems__", None)
    return list(getitems(keys)) if getitems is not None else [dataset[key] for key in keys]


def fetch_batch(dataset: Any, indices: Indices) -> Any:
    """The collated batch: in one piece if the dataset can, sample by sample if not."""
    if takes_whole_batches(dataset):
        if isinstance(indices, slice | np.ndarray):
            return dataset.__getbatch__(indices)
        positions = np.asarray(indices)
        if positions.ndim == 1 and positions.dtype.kind in "iu":
            return dataset.__getbatch__(positions)
    return default_collate(samples_at(dataset, indices))
