"""Samplers: the order in which a DataLoader visits a dataset.

The samplers here make their indices in blocks, as arrays; one by one they come out only if somebody
iterates over them by hand. So a shuffled epoch costs one permutation and a slice of it per batch.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from ... import random
from ...autograd.graph import wrap
from ...random import AnyGenerator
from ...tensor import Tensor

__all__ = [
    "BatchSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]

T_co = TypeVar("T_co", covariant=True)
_BLOCK = 1 << 16  # indices drawn at once: num_samples may be far beyond what fits into memory


class Sampler(Generic[T_co]):
    """The base of all samplers: ``__iter__`` yields indices (or batches of them).

    A subclass defines ``__iter__``, and ``__len__`` if it knows.
    PyTorch: `torch.utils.data.Sampler`.
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(
            f"{type(self).__name__} needs a method __iter__(self) that yields indices"
        )


class SequentialSampler(Sampler[int]):
    """0, 1, 2, ... up to the end of `data_source`."""

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class _BlockSampler(Sampler[int]):
    """A sampler whose indices come in arrays."""

    def blocks(self) -> Iterator[NDArray[np.int64]]:
        raise NotImplementedError

    def __iter__(self) -> Iterator[int]:
        for block in self.blocks():
            yield from block.tolist()


class RandomSampler(_BlockSampler):
    """A random order, another one in each epoch.

    Args:
        data_source: what has the length.
        replacement: draw each index independently of the others, so that one may come twice.
        num_samples: how many indices make an epoch; ``len(data_source)`` if it is None. More than
            that without replacement: one shuffled order after the other.
        generator: where the randomness comes from; the default generator if it is None.

    Raises:
        TypeError: if `replacement` is not a bool.
        ValueError: if there is nothing to draw from, or `num_samples` is not a positive integer.

    >>> from tinygrad_edu.utils.data import RandomSampler
    >>> sampler = RandomSampler(range(4), generator=np.random.default_rng(1))
    >>> sorted(sampler)
    [0, 1, 2, 3]
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: AnyGenerator = None,
    ) -> None:
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement is True or False, not {replacement!r}")
        self.data_source = data_source
        self.replacement = replacement
        self.generator = generator
        self._num_samples = num_samples
        check_positive("num_samples", self.num_samples)

    @property
    def num_samples(self) -> int:
        """The length of an epoch; follows a data source that grows."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def blocks(self) -> Iterator[NDArray[np.int64]]:
        rng = random.resolve(self.generator)
        size = len(self.data_source)
        length = _BLOCK if self.replacement else size
        for start in range(0, self.num_samples, length):
            wanted = min(length, self.num_samples - start)
            if self.replacement:
                yield rng.integers(size, size=wanted)
            else:
                yield rng.permutation(size)[:wanted]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(_BlockSampler):
    """The given indices in a random order, another one in each epoch."""

    def __init__(self, indices: Sequence[int], generator: AnyGenerator = None) -> None:
        self.indices = indices
        self.generator = generator

    def blocks(self) -> Iterator[NDArray[np.int64]]:
        own = self.indices.array if isinstance(self.indices, Tensor) else np.asarray(self.indices)
        yield own[random.resolve(self.generator).permutation(len(own))]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(_BlockSampler):
    """Index i with a probability proportional to ``weights[i]``.

    Args:
        weights: a sequence of numbers ≥ 0 that need not sum up to 1.
        num_samples: how many indices make an epoch.
        replacement: whether an index may come twice.
        generator: where the randomness comes from; the default generator if it is None.

    Raises:
        ValueError: for weights that are negative, not finite, all zero or not one-dimensional; for
            a `num_samples` that is not a positive integer, or that is larger than the number of
            indices that can be drawn without replacement.
    """

    weights: Tensor

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: AnyGenerator = None,
    ) -> None:
        check_positive("num_samples", num_samples)
        if not isinstance(replacement, bool):
            raise ValueError(f"replacement is True or False, not {replacement!r}")
        values = weights.array if isinstance(weights, Tensor) else np.asarray(weights)
        if values.ndim != 1:
            raise ValueError(f"weights are one-dimensional, but have shape {values.shape}")
        if not (np.isfinite(values).all() and (values >= 0).all() and values.any()):
            raise ValueError("weights are finite numbers ≥ 0, at least one of them > 0")
        drawable = np.count_nonzero(values)
        if not replacement and num_samples > drawable:
            raise ValueError(
                f"num_samples={num_samples}, but without replacement only {drawable} indices with "
                "a weight > 0 can be drawn"
            )
        self.weights = wrap(values.astype(np.float64))
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def blocks(self) -> Iterator[NDArray[np.int64]]:
        rng = random.resolve(self.generator)
        weights = self.weights.array
        probabilities = weights / weights.sum()
        length = _BLOCK if self.replacement else self.num_samples
        for start in range(0, self.num_samples, length):
            wanted = min(length, self.num_samples - start)
            yield rng.choice(len(weights), wanted, replace=self.replacement, p=probabilities)

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Cuts the order of another sampler into batches.

    Args:
        sampler: any iterable of indices.
        batch_size: the number of indices in a batch.
        drop_last: leave out a last batch that is smaller.

    Raises:
        ValueError: if `batch_size` is not a positive integer, or `drop_last` not a bool.

    >>> from tinygrad_edu.utils.data import BatchSampler
    >>> list(BatchSampler(range(7), batch_size=3, drop_last=False))
    [[0, 1, 2], [3, 4, 5], [6]]
    """

    def __init__(self, sampler: Iterable[Any], batch_size: int, drop_last: bool) -> None:
        check_positive("batch_size", batch_size)
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last is True or False, not {drop_last!r}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[Any]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        size = len(self.sampler)  # type: ignore[arg-type] # TypeError where it has no length
        return size // self.batch_size if self.drop_last else -(-size // self.batch_size)

    def fast_batches(self) -> Iterator[Any]:
        """The batches of ``iter(self)`` in the form that indexes arrays fastest.

        A slice for consecutive indices, an array where the sampler makes arrays, otherwise the
        list. A subclass with an ``__iter__`` of its own, here or of the sampler, is honoured.
        """
        if type(self).__iter__ is not BatchSampler.__iter__:
            return iter(self)
        order = type(self.sampler).__iter__ if isinstance(self.sampler, Sampler) else None
        if order is SequentialSampler.__iter__:
            return self._slices(len(self.sampler.data_source))  # type: ignore[attr-defined]
        if order is _BlockSampler.__iter__:
            return self._arrays(self.sampler.blocks())  # type: ignore[attr-defined]
        return iter(self)

    def _slices(self, size: int) -> Iterator[slice]:
        step = self.batch_size
        for start in range(0, size - step + 1 if self.drop_last else size, step):
            yield slice(start, min(start + step, size))

    def _arrays(self, blocks: Iterator[NDArray[np.int64]]) -> Iterator[NDArray[np.int64]]:
        step = self.batch_size
        rest = np.empty(0, dtype=np.int64)  # of a block, too short for a batch
        for block in blocks:
            indices = np.concatenate([rest, block]) if len(rest) else block
            whole = len(indices) - len(indices) % step
            for start in range(0, whole, step):
                yield indices[start : start + step]
            rest = indices[whole:]
        if len(rest) and not self.drop_last:
            yield rest


def check_positive(name: str, value: Any) -> None:
    """Raise ValueError unless `value` is a positive integer."""
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{name} is a positive integer, not {value!r}")
