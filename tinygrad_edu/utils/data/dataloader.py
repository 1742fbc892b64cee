"""The DataLoader: a dataset and an order, turned into batches."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Any, Generic, TypeAlias, TypeVar, cast

from ... import random
from ...random import AnyGenerator
from .collate import default_collate, default_convert
from .dataset import Dataset, IterableDataset, fetch_batch, samples_at, size_of
from .sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    check_positive,
)

__all__ = ["DataLoader", "get_worker_info"]

T_co = TypeVar("T_co", covariant=True)
Collate: TypeAlias = Callable[[Any], Any]


class DataLoader(Generic[T_co]):
    """Iterates over a dataset in batches, one epoch per ``for`` loop.

    Args:
        dataset: map-style (``dataset[i]``, ``len(dataset)``) or an `IterableDataset`.
        batch_size: samples per batch; None gives the samples themselves, without a batch
            dimension.
        shuffle: visit the samples in a random order, another one in each epoch.
        sampler: an iterable of indices, instead of `shuffle`.
        batch_sampler: an iterable of lists of indices, instead of `batch_size`, `shuffle`,
            `sampler` and `drop_last`.
        collate_fn: makes a batch of a list of samples; `default_collate` if it is None.
        drop_last: leave out a last batch that is smaller.
        generator: where a shuffled order comes from; the default generator, which
            ``tg.manual_seed`` sets, if it is None.
        num_workers, pin_memory, timeout, prefetch_factor, persistent_workers,
            multiprocessing_context, pin_memory_device, in_order: accepted, and checked as in
            PyTorch, so that scripts run unchanged; they have no effect on the batches.

    Batches are made in the main process whatever `num_workers` says. A dataset of arrays is indexed
    one whole batch at a time (``__getbatch__``, see `Dataset`), which takes microseconds; handing
    a batch over from another process takes longer than that.

    Raises:
        ValueError: for options that exclude each other, and for a `worker_init_fn` with
            ``num_workers > 0``: there is no worker process in which it could be called.

    The order of an epoch is a function of the generator's state when the epoch begins.
    PyTorch: `torch.utils.data.DataLoader`.

    Unlike PyTorch, batches are made in the main process, whatever `num_workers` says.

    >>> from tinygrad_edu.utils.data import DataLoader, TensorDataset
    >>> dataset = TensorDataset(tg.arange(7), tg.arange(7) % 2)
    >>> for x, y in DataLoader(dataset, batch_size=3):
    ...     print(x.tolist(), y.tolist())
    [0, 1, 2] [0, 1, 0]
    [3, 4, 5] [1, 0, 1]
    [6] [0]
    >>> len(DataLoader(dataset, batch_size=3, shuffle=True, drop_last=True))
    2
    """

    # The samplers are made from these once; a change afterwards would be silently ignored.
    _fixed = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset")

    def __init__(
        self,
        dataset: Dataset[T_co],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Sampler[Any] | Iterable[Any] | None = None,
        batch_sampler: Sampler[list[Any]] | Iterable[list[Any]] | None = None,
        num_workers: int = 0,
        collate_fn: Collate | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: AnyGenerator = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_worker_options(
            num_workers,
            timeout,
            worker_init_fn,
            multiprocessing_context,
            prefetch_factor,
            persistent_workers,
        )
        stream = isinstance(dataset, IterableDataset)
        if stream:
            _check_stream_options(shuffle, sampler, batch_sampler)
        if sampler is not None and shuffle:
            raise ValueError(
                "sampler and shuffle exclude each other: the sampler alone decides the order"
            )
        if batch_sampler is not None and (
            batch_size != 1 or shuffle or sampler is not None or drop_last
        ):
            raise ValueError(
                "batch_sampler excludes batch_size, shuffle, sampler and drop_last: it alone "
                "decides what is in a batch"
            )
        if batch_size is None and drop_last:
            raise ValueError("batch_size=None makes no batches, so there is no last one to drop")
        if generator is not None:
            random.resolve(generator)

        if batch_sampler is not None:
            batch_size = None
        elif batch_size is not None:
            check_positive("batch_size", batch_size)
        if not stream:
            if sampler is None:
                size_of(dataset)
                sampler = (
                    RandomSampler(cast(Sized, dataset), generator=generator)
                    if shuffle
                    else SequentialSampler(cast(Sized, dataset))
                )
            if batch_size is not None:
                batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        if collate_fn is None:
            single = batch_size is None and batch_sampler is None
            collate_fn = default_convert if single else default_collate

        self.dataset = dataset
        self.batch_size = batch_size
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.collate_fn = collate_fn
        self.drop_last = drop_last
        self.generator = generator
        self.num_workers = num_workers
        self.pin_memory = pin_memory
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.prefetch_factor = prefetch_factor
        self.persistent_workers = persistent_workers
        self.pin_memory_device = pin_memory_device
        self.in_order = in_order
        self._ready = True

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._fixed and "_ready" in vars(self):
            raise ValueError(
                f"{name} cannot change once the DataLoader is made; make a new DataLoader"
            )
        super().__setattr__(name, value)

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        if isinstance(self.dataset, IterableDataset):
            size = size_of(self.dataset)
            if self.batch_size is None:
                return size
            whole, rest = divmod(size, self.batch_size)
            return whole if self.drop_last or not rest else whole + 1
        return size_of(self.sampler if self.batch_sampler is None else self.batch_sampler)

    def __iter__(self) -> Iterator[Any]:
        dataset: Any = self.dataset
        collate, batch_sampler = self.collate_fn, self.batch_sampler
        if isinstance(dataset, IterableDataset):
            return self._batches_of(iter(dataset))
        if batch_sampler is None:
            assert self.sampler is not None
            return (collate(dataset[index]) for index in self.sampler)
        batches: Iterator[Any] = (
            batch_sampler.fast_batches()
            if isinstance(batch_sampler, BatchSampler)
            else iter(batch_sampler)
        )
        if collate is default_collate:
            return map(functools.partial(fetch_batch, dataset), batches)
        return (collate(samples_at(dataset, indices)) for indices in batches)

    def _batches_of(self, stream: Iterator[Any]) -> Iterator[Any]:
        if self.batch_size is None:
            yield from map(self.collate_fn, stream)
            return
        while samples := list(itertools.islice(stream, self.batch_size)):
            if len(samples) == self.batch_size or not self.drop_last:
                yield self.collate_fn(samples)


def get_worker_info() -> None:
    """None, as PyTorch answers in the main process: every batch is made there."""


def _check_worker_options(
    num_workers: int,
    timeout: float,
    worker_init_fn: Callable[[int], None] | None,
    multiprocessing_context: Any,
    prefetch_factor: int | None,
    persistent_workers: bool,
) -> None:
    if num_workers < 0:
        raise ValueError(f"num_workers is 0 or more, not {num_workers}")
    if timeout < 0:
        raise ValueError(f"timeout is 0 or more, not {timeout}")
    if prefetch_factor is not None and prefetch_factor < 0:
        raise ValueError(f"prefetch_factor is 0 or more, not {prefetch_factor}")
    if num_workers > 0 and worker_init_fn is not None:
        raise ValueError(
            f"worker_init_fn would never be called: batches are made in the main process, and "
            f"num_workers={num_workers} starts no other. Leave it out, or do its work before the "
            "loop."
        )
    for name, given in (
        ("prefetch_factor", prefetch_factor is not None),
        ("persistent_workers", persistent_workers),
        ("multiprocessing_context", multiprocessing_context is not None),
    ):
        if given and num_workers == 0:
            raise ValueError(f"{name} needs num_workers > 0; leave it out")


def _check_stream_options(shuffle: Any, sampler: Any, batch_sampler: Any) -> None:
    for name, value in (
        ("shuffle", shuffle or None),
        ("sampler", sampler),
        ("batch_sampler", batch_sampler),
    ):
        if value is not None:
            raise ValueError(
                f"{name} does not go with an IterableDataset: the stream itself decides the "
                "order. Do it in the dataset's __iter__."
            )
