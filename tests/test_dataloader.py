"""The DataLoader: orders, whole batches, streams and options."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from data_cases import Squares, Stream, drawn, flat, numbers
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.utils.data import (
    BatchSampler,
    DataLoader,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    default_collate,
    get_worker_info,
)


class Counted(TensorDataset):
    """Counts how it is asked."""

    def __init__(self, *tensors: Any) -> None:
        super().__init__(*tensors)
        self.batches: list[Any] = []

    def __getitem__(self, index: Any) -> tuple[tg.Tensor, ...]:
        raise AssertionError("asked for a single sample")

    def __getbatch__(self, indices: Any) -> list[tg.Tensor]:
        self.batches.append(indices)
        return super().__getbatch__(indices)


# The order of a DataLoader

loaders = st.fixed_dictionaries(
    {"batch_size": st.integers(1, 25), "shuffle": st.booleans(), "drop_last": st.booleans()}
)


@given(size=st.integers(1, 60), options=loaders, whole=st.booleans())
def test_an_epoch_visits_every_sample_once(size: int, options: dict[str, Any], whole: bool) -> None:
    dataset = numbers(size) if whole else Squares(size)
    loader = DataLoader(dataset, generator=np.random.default_rng(size), **options)
    batches = drawn(loader)
    full, rest = divmod(size, options["batch_size"])
    ends = [] if options["drop_last"] or not rest else [rest]
    assert [len(batch) for batch in batches] == [options["batch_size"]] * full + ends
    assert len(loader) == len(batches)
    visited = list(itertools.chain.from_iterable(batches))
    assert len(set(visited)) == len(visited)
    assert set(visited) <= set(range(size))
    if not options["shuffle"]:
        assert visited == list(range(len(visited)))


@given(size=st.integers(1, 60), batch_size=st.integers(1, 25), seed=st.integers(0, 2**63))
def test_whole_batches_are_the_samples_put_together(size: int, batch_size: int, seed: int) -> None:
    x, y = tg.arange(size) * 0.5, tg.arange(size)

    class OneByOne(TensorDataset):
        def __getitem__(self, index: Any) -> tuple[tg.Tensor, ...]:
            return super().__getitem__(index)

    def batches(dataset: Any) -> list[list[tg.Tensor]]:
        return list(DataLoader(dataset, batch_size, True, generator=np.random.default_rng(seed)))

    for ours, plain in zip(batches(TensorDataset(x, y)), batches(OneByOne(x, y)), strict=True):
        assert type(ours) is type(plain) is list
        for a, b in zip(ours, plain, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_each_epoch_is_shuffled_anew() -> None:
    loader = DataLoader(numbers(100), batch_size=10, shuffle=True)
    first, second = flat(loader), flat(loader)
    assert first != second
    assert sorted(first) == sorted(second) == list(range(100))


@pytest.mark.parametrize("whole", [True, False])
def test_the_order_is_a_function_of_the_generator(whole: bool) -> None:
    def two_epochs(generator: Any) -> list[list[int]]:
        dataset = numbers(50) if whole else Squares(50)
        loader = DataLoader(dataset, batch_size=7, shuffle=True, generator=generator)
        return [flat(loader), flat(loader)]

    expected = two_epochs(tg.Generator().manual_seed(5))
    assert two_epochs(tg.Generator().manual_seed(5)) == expected
    assert two_epochs(np.random.default_rng(5)) == expected
    assert two_epochs(tg.Generator().manual_seed(6)) != expected
    tg.manual_seed(5)
    assert two_epochs(None) == expected


def test_an_own_generator_leaves_the_default_one_alone() -> None:
    tg.manual_seed(0)
    expected = tg.random.default_generator().random()
    tg.manual_seed(0)
    flat(DataLoader(numbers(9), shuffle=True, generator=tg.Generator()))
    assert tg.random.default_generator().random() == expected


def test_the_order_does_not_depend_on_how_samples_are_fetched() -> None:
    orders = [
        flat(DataLoader(dataset, 4, True, generator=np.random.default_rng(1), collate_fn=collate))
        for dataset in (numbers(30), Squares(30))
        for collate in (None, functools.partial(default_collate))
    ]
    assert orders[1:] == orders[:1] * 3


def test_two_loops_over_one_loader_do_not_disturb_each_other() -> None:
    loader = DataLoader(numbers(4), batch_size=2)
    pairs = [(a[0].tolist(), b[0].tolist()) for a, b in itertools.product(loader, loader)]
    assert pairs == [([0, 1], [0, 1]), ([0, 1], [2, 3]), ([2, 3], [0, 1]), ([2, 3], [2, 3])]


def test_a_sampler_decides_the_order() -> None:
    assert drawn(DataLoader(numbers(5), batch_size=2, sampler=[4, 0, 4])) == [[4, 0], [4]]
    sampler = SubsetRandomSampler([3, 1], generator=np.random.default_rng(0))
    assert sorted(flat(DataLoader(numbers(5), batch_size=2, sampler=sampler))) == [1, 3]


def test_a_batch_sampler_decides_the_batches() -> None:
    loader = DataLoader(numbers(5), batch_sampler=[[4], [0, 4, 1], np.array([2])])
    assert drawn(loader) == [[4], [0, 4, 1], [2]]
    assert (len(loader), loader.batch_size) == (3, None)


def test_samplers_with_an_order_of_their_own_are_honoured() -> None:
    class Backwards(SequentialSampler):
        def __iter__(self) -> Iterator[int]:
            return reversed(range(len(self.data_source)))

    class Sorted(RandomSampler):
        def __iter__(self) -> Iterator[int]:
            return iter(sorted(super().__iter__()))

    class Pairs(BatchSampler):
        def __iter__(self) -> Iterator[list[int]]:
            return iter([[0, 1], [3, 2]])

    dataset = numbers(4)
    assert flat(DataLoader(dataset, 3, sampler=Backwards(dataset))) == [3, 2, 1, 0]
    assert flat(DataLoader(dataset, 3, sampler=Sorted(dataset))) == [0, 1, 2, 3]
    assert drawn(
        DataLoader(dataset, batch_sampler=Pairs(SequentialSampler(dataset), 2, False))
    ) == [[0, 1], [3, 2]]


@pytest.mark.parametrize("block", [1, 3, 7, 64])
@pytest.mark.parametrize("drop_last", [False, True])
def test_batches_are_cut_across_the_blocks_of_a_sampler(
    monkeypatch: pytest.MonkeyPatch, block: int, drop_last: bool
) -> None:
    monkeypatch.setattr("tinygrad_edu.utils.data.sampler._BLOCK", block)

    def sampler() -> RandomSampler:
        return RandomSampler(range(9), True, 20, generator=np.random.default_rng(0))

    indices = list(sampler())
    batches = drawn(DataLoader(numbers(9), 6, sampler=sampler(), drop_last=drop_last))
    expected = [indices[i : i + 6] for i in range(0, 20, 6)]
    assert batches == (expected[:3] if drop_last else expected)


# Whole batches


def test_an_unshuffled_loader_asks_for_slices_and_copies_nothing() -> None:
    x = np.zeros((10, 3), dtype=np.float32)
    dataset = Counted(x, tg.arange(10))
    batches = list(DataLoader(dataset, batch_size=4))
    assert dataset.batches == [slice(0, 4), slice(4, 8), slice(8, 10)]
    assert all(np.shares_memory(batch.array, x) for batch, _ in batches)
    assert [batch.array.base is x for batch, _ in batches] == [True] * 3


def test_a_shuffled_loader_asks_once_for_each_batch() -> None:
    dataset = Counted(np.zeros((10, 3)), tg.arange(10))
    list(DataLoader(dataset, batch_size=4, shuffle=True))
    assert [(type(batch), len(batch)) for batch in dataset.batches] == [
        (np.ndarray, 4),
        (np.ndarray, 4),
        (np.ndarray, 2),
    ]


@pytest.mark.parametrize(
    ("indices", "expected"),
    [(range(2, 7), [slice(2, 5), slice(5, 7)]), ([3, 1, 2, 0], [[3, 1, 2], [0]])],
)
def test_a_subset_hands_whole_batches_on(indices: Any, expected: list[Any]) -> None:
    dataset = Counted(tg.arange(10))
    list(DataLoader(Subset(dataset, indices), batch_size=3))
    assert [
        batch if isinstance(batch, slice) else batch.tolist() for batch in dataset.batches
    ] == expected


def test_lists_of_a_batch_sampler_become_arrays() -> None:
    dataset = Counted(tg.arange(5))
    list(DataLoader(dataset, batch_sampler=[[4, 2]]))
    assert isinstance(dataset.batches[0], np.ndarray)


def test_a_batch_that_is_a_view_cannot_be_changed_in_place() -> None:
    x = tg.zeros(4, 2)
    (batch,) = next(iter(DataLoader(TensorDataset(x), batch_size=2)))
    with pytest.raises(RuntimeError, match=r"read-only array\. Use a `\.clone\(\)` of it"):
        batch.add_(1)
    assert (batch + 1).tolist() == [[1, 1], [1, 1]]
    assert x.tolist() == [[0, 0]] * 4


def test_a_shuffled_batch_is_the_callers_own() -> None:
    x = tg.zeros(4, 2)
    (batch,) = next(iter(DataLoader(TensorDataset(x), batch_size=2, shuffle=True)))
    batch.add_(1)
    assert x.tolist() == [[0, 0]] * 4


def test_batches_of_a_strided_tensor_are_right() -> None:
    x = np.arange(12).reshape(2, 6).T
    loader = DataLoader(TensorDataset(x), batch_size=2, sampler=[5, 0])
    assert drawn(loader) == [[[5, 11], [0, 6]]]


@pytest.mark.parametrize("shuffle", [False, True])
def test_batches_of_a_tensor_that_requires_grad_are_recorded(shuffle: bool) -> None:
    x = tg.arange(3.0).requires_grad_()
    for (batch,) in DataLoader(TensorDataset(x), batch_size=2, shuffle=shuffle):
        (batch * batch).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0, 2, 4]


def test_a_collate_function_gets_the_samples_one_by_one() -> None:
    seen = []

    def collate(samples: list[Any]) -> int:
        seen.append(samples)
        return len(samples)

    assert list(DataLoader(numbers(3), batch_size=2, collate_fn=collate)) == [2, 1]
    assert [[sample[0].item() for sample in samples] for samples in seen] == [[0, 1], [2]]
    assert all(type(sample) is tuple for samples in seen for sample in samples)


def test_an_overridden_item_is_not_passed_over_for_an_inherited_batch() -> None:
    class Noisy(TensorDataset):
        def __getitem__(self, index: Any) -> tuple[tg.Tensor, ...]:
            (x,) = super().__getitem__(index)
            return (x + 100,)

    class Shifted(Subset[Any]):
        def __getitem__(self, index: Any) -> Any:
            (x,) = super().__getitem__(index)
            return (x + 1000,)

    assert flat(DataLoader(Noisy(tg.arange(3)), 2)) == [100, 101, 102]
    assert flat(DataLoader(Subset(Noisy(tg.arange(3)), [2, 0]), 2)) == [102, 100]
    assert flat(DataLoader(Shifted(numbers(3), [2, 0]), 2)) == [1002, 1000]


def test_pytorchs_getitems_is_asked_for_the_samples() -> None:
    class Listed(Squares):
        def __getitem__(self, index: Any) -> tuple[int, int]:
            raise AssertionError("asked for a single sample")

        def __getitems__(self, indices: list[int]) -> list[tuple[int, int]]:
            assert all(type(index) is int for index in indices)
            return [(index, -index) for index in indices]

    for shuffle in (False, True):
        for x, y in DataLoader(Listed(5), batch_size=2, shuffle=shuffle):
            assert (-x).tolist() == y.tolist()
    assert drawn(DataLoader(Subset(Listed(5), [3, 1]), 2)) == [[3, 1]]


def test_a_list_is_a_dataset() -> None:
    assert drawn(DataLoader([10, 20, 30], batch_size=2)) == [[10, 20], [30]]


def test_keys_need_not_be_numbers() -> None:
    loader = DataLoader({"a": 1, "b": 2}, batch_size=2, sampler=["b", "a"])  # type: ignore[arg-type]
    assert drawn(loader) == [[2, 1]]


def test_without_a_batch_size_samples_come_one_by_one() -> None:
    loader = DataLoader(Squares(3), batch_size=None)
    assert list(loader) == [[0, 0], [1, 1], [2, 4]]
    assert len(loader) == 3
    assert list(DataLoader(Stream(5, 6), batch_size=None)) == [5, 6]
    shuffled = DataLoader(numbers(20), None, shuffle=True, generator=np.random.default_rng(0))
    order = [x.item() for (x,) in shuffled]
    assert sorted(order) == list(range(20)) != order


# Streams


@pytest.mark.parametrize(
    ("drop_last", "expected"), [(False, [[1, 2], [3, 4], [5]]), (True, [[1, 2], [3, 4]])]
)
def test_a_stream_is_cut_into_batches(drop_last: bool, expected: list[list[int]]) -> None:
    loader = DataLoader(Stream(1, 2, 3, 4, 5), batch_size=2, drop_last=drop_last)
    assert drawn(loader) == drawn(loader) == expected
    assert len(loader) == len(expected)


def test_a_stream_is_read_no_further_than_needed() -> None:
    class Endless(IterableDataset[int]):
        def __iter__(self) -> Iterator[int]:
            return itertools.count()

    loader = DataLoader(Endless(), batch_size=2)
    assert [batch.tolist() for batch in itertools.islice(loader, 2)] == [[0, 1], [2, 3]]
    with pytest.raises(TypeError, match="Endless has no length"):
        len(loader)


def test_a_stream_that_shards_itself_sees_no_worker() -> None:
    class Sharded(IterableDataset[int]):
        def __iter__(self) -> Iterator[int]:
            assert get_worker_info() is None
            return iter(range(4))

    assert flat(DataLoader(Sharded(), batch_size=3, num_workers=2)) == [0, 1, 2, 3]


# Options


@pytest.mark.parametrize(
    "options",
    [
        {"num_workers": 4},
        {"num_workers": 2, "prefetch_factor": 4, "persistent_workers": True, "timeout": 5},
        {"num_workers": 2, "multiprocessing_context": "spawn", "in_order": False},
        {"pin_memory": True, "pin_memory_device": "cuda"},
        {"worker_init_fn": print},  # never called without workers, as in PyTorch
    ],
)
def test_options_about_processes_change_nothing(options: dict[str, Any]) -> None:
    def loader(**options: Any) -> list[list[int]]:
        return drawn(DataLoader(numbers(7), 2, True, generator=np.random.default_rng(0), **options))

    assert loader(**options) == loader()


def no_op(_: int) -> None:
    raise AssertionError("never called")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sampler": [0], "shuffle": True}, "sampler and shuffle exclude each other"),
        ({"batch_sampler": [[0]], "batch_size": 2}, "batch_sampler excludes batch_size"),
        ({"batch_sampler": [[0]], "shuffle": True}, "batch_sampler excludes"),
        ({"batch_sampler": [[0]], "sampler": [0]}, "batch_sampler excludes"),
        ({"batch_sampler": [[0]], "drop_last": True}, "batch_sampler excludes"),
        ({"batch_size": None, "drop_last": True}, "no last one to drop"),
        ({"batch_size": 0}, "batch_size is a positive integer, not 0"),
        ({"batch_size": 2.0}, r"batch_size is a positive integer, not 2\.0"),
        ({"drop_last": "yes"}, "drop_last is True or False, not 'yes'"),
        ({"num_workers": -1}, "num_workers is 0 or more, not -1"),
        ({"timeout": -1}, "timeout is 0 or more, not -1"),
        ({"prefetch_factor": 2}, "prefetch_factor needs num_workers > 0"),
        ({"num_workers": 1, "prefetch_factor": -2}, "prefetch_factor is 0 or more, not -2"),
        ({"persistent_workers": True}, "persistent_workers needs num_workers > 0"),
        ({"multiprocessing_context": "fork"}, "multiprocessing_context needs num_workers > 0"),
        ({"num_workers": 2, "worker_init_fn": no_op}, "worker_init_fn would never be called"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DataLoader(numbers(3), **options)


@pytest.mark.parametrize(
    "options", [{"shuffle": True}, {"sampler": [0]}, {"batch_sampler": [[0]]}, {"batch_size": 0}]
)
def test_a_stream_refuses_an_order(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(ValueError, match=f"{name} (does not go with|is a positive)"):
        DataLoader(Stream(1), **options)


def test_a_generator_of_another_kind_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match=r"tg\.Generator or a numpy\.random\.Generator"):
        DataLoader(numbers(3), generator=0)  # type: ignore[arg-type]


def test_an_empty_dataset_has_no_batches_and_cannot_be_shuffled() -> None:
    assert list(DataLoader(numbers(0), batch_size=2)) == []
    with pytest.raises(ValueError, match="num_samples is a positive integer, not 0"):
        DataLoader(numbers(0), shuffle=True)


@pytest.mark.parametrize("name", ["batch_size", "sampler", "batch_sampler", "drop_last", "dataset"])
def test_what_the_samplers_were_made_from_cannot_change(name: str) -> None:
    loader = DataLoader(numbers(3))
    with pytest.raises(ValueError, match=f"{name} cannot change.*make a new DataLoader"):
        setattr(loader, name, 1)


def test_the_arguments_are_attributes_as_in_pytorch() -> None:
    loader = DataLoader(numbers(3), batch_size=2, shuffle=True, num_workers=1)
    assert (loader.batch_size, loader.num_workers, loader.drop_last) == (2, 1, False)
    assert isinstance(loader.sampler, RandomSampler)
    assert isinstance(loader.batch_sampler, BatchSampler)
    assert loader.collate_fn is default_collate
    assert len(loader.dataset) == 3
