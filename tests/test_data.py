"""Datasets, samplers and collation."""

from __future__ import annotations

import collections
import itertools
import random as python_random
from typing import Any, NamedTuple

import numpy as np
import pytest
from data_cases import Squares, Stream, drawn, flat, numbers
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.utils.data import (
    BatchSampler,
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
    StackDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    default_convert,
    random_split,
)

# Datasets


def test_a_tensor_dataset_gives_rows() -> None:
    x, y = tg.arange(6).reshape(3, 2), tg.tensor([5, 6, 7])
    dataset = TensorDataset(x, y)
    row, label = dataset[1]
    assert (len(dataset), row.tolist(), label.item()) == (3, [2, 3], 6)
    assert [part.tolist() for part in dataset[1:]] == [[[2, 3], [4, 5]], [6, 7]]


def test_a_tensor_dataset_shares_the_memory_of_arrays() -> None:
    x = np.zeros((3, 2), dtype=np.float32)
    dataset = TensorDataset(x)
    x[1] = 7
    assert dataset[1][0].tolist() == [7, 7]


@pytest.mark.parametrize(
    ("tensors", "error", "message"),
    [
        ((tg.zeros(3), tg.zeros(4, 3)), AssertionError, r"Size mismatch.*\(3,\), \(4, 3\)"),
        ((tg.zeros(3), tg.tensor(1.0)), AssertionError, r"Size mismatch.*\(3,\), \(\)"),
        ((), TypeError, "at least one tensor"),
        (([tg.zeros(3), tg.zeros(3)],), TypeError, r"each as an argument of its own.*found list"),
    ],
)
def test_a_tensor_dataset_refuses(
    tensors: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        TensorDataset(*tensors)


def test_stacked_datasets_stand_side_by_side() -> None:
    x, y = tg.arange(3), ["a", "b", "c"]
    assert StackDataset(x, y)[-1] == (tg.tensor(2), "c")
    assert len(StackDataset(image=x, label=y)) == 3
    loader = DataLoader(StackDataset(image=x, label=y), batch_size=2)
    assert [batch["image"].tolist() for batch in loader] == [[0, 1], [2]]


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {}, "needs datasets"),
        (([1],), {"label": [1]}, "all by name"),
        (([1], [1, 2]), {}, r"equal lengths, not \[1, 2\]"),
    ],
)
def test_a_stack_of_datasets_refuses(args: Any, kwargs: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StackDataset(*args, **kwargs)


def test_adding_datasets_puts_one_behind_the_other() -> None:
    both = Squares(2) + Squares(3)
    assert isinstance(both, ConcatDataset)
    assert [sample[0] for sample in both] == [0, 1, 0, 1, 2]
    assert both.cumulative_sizes == [2, 5]
    assert (both[-1], both[-5]) == ((2, 4), (0, 0))


@pytest.mark.parametrize(("index", "error"), [(5, IndexError), (-6, ValueError)])
def test_a_concatenation_refuses_an_index_beyond_its_ends(
    index: int, error: type[Exception]
) -> None:
    with pytest.raises(error, match=f"index {index} is out of range .* of 5 samples"):
        ConcatDataset([Squares(2), Squares(3)])[index]


@pytest.mark.parametrize(
    ("datasets", "message"), [([], "at least one"), ([Squares(1), Stream(1)], "ChainDataset")]
)
def test_a_concatenation_refuses(datasets: list[Any], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        ConcatDataset(datasets)


def test_adding_streams_chains_them() -> None:
    both = Stream(1, 2) + Stream(3)
    assert isinstance(both, ChainDataset)
    assert (list(both), len(both)) == ([1, 2, 3], 3)
    with pytest.raises(AssertionError, match="found Squares"):
        list(ChainDataset([Stream(1), Squares(1)]))


@pytest.mark.parametrize(
    "indices", [[4, 2], (4, 2), range(4, 0, -2), np.array([4, 2]), tg.tensor([4, 2])], ids=repr
)
@pytest.mark.parametrize("dataset", [numbers(6), Squares(6)], ids=["whole", "single"])
def test_a_subset_takes_every_kind_of_indices(indices: Any, dataset: Any) -> None:
    subset = Subset(dataset, indices)
    assert (len(subset), int(subset[1][0])) == (2, 2)
    assert drawn(DataLoader(subset, batch_size=2)) == [[4, 2]]
    assert sorted(flat(DataLoader(subset, batch_size=2, shuffle=True))) == [2, 4]


def test_a_subset_of_a_subset_is_a_subset() -> None:
    subset = Subset(Subset(numbers(10), [9, 7, 5, 3]), [2, 0])
    assert drawn(DataLoader(subset, batch_size=2)) == [[5, 9]]
    assert subset[[1, 0]][0].tolist() == [9, 5]


def test_datasets_say_what_a_subclass_forgot() -> None:
    class Forgotten(Dataset[int]):
        pass

    with pytest.raises(NotImplementedError, match=r"Forgotten needs a method __getitem__"):
        Forgotten()[0]
    with pytest.raises(NotImplementedError, match=r"needs a method __iter__"):
        iter(IterableDataset())
    with pytest.raises(NotImplementedError, match=r"needs a method __iter__"):
        iter(Sampler())
    with pytest.raises(TypeError, match=r"Forgotten has no length: define __len__"):
        DataLoader(Forgotten())


# random_split


@given(size=st.integers(1, 60), cuts=st.lists(st.integers(0, 60), max_size=4), data=st.data())
def test_a_split_shares_out_every_sample_once(
    size: int, cuts: list[int], data: st.DataObject
) -> None:
    edges = [0, *sorted(min(cut, size) for cut in cuts), size]
    lengths = [b - a for a, b in itertools.pairwise(edges)]
    if sum(lengths) == 1:  # would be read as fractions, and warn of empty parts
        lengths = [1]
    parts = random_split(numbers(size), lengths, tg.Generator().manual_seed(size))
    assert [len(part) for part in parts] == lengths
    assert sorted(i for part in parts for i in part.indices) == list(range(size))
    part = data.draw(st.sampled_from([part for part in parts if len(part)]))
    assert flat(DataLoader(part, batch_size=3)) == list(part.indices)


@pytest.mark.parametrize(
    ("size", "fractions", "lengths"),
    [
        (10, [0.8, 0.2], [8, 2]),
        (10, [0.5, 0.25, 0.25], [6, 2, 2]),
        (11, [1 / 3, 1 / 3, 1 / 3], [4, 4, 3]),
        (7, [0.7, 0.2, 0.1], [5, 2, 0]),
        (100, [0.1] * 10, [10] * 10),
    ],
)
@pytest.mark.filterwarnings("ignore:random_split. part 2 is empty")
def test_fractions_are_rounded_down_and_the_rest_is_dealt_out(
    size: int, fractions: list[float], lengths: list[int]
) -> None:
    assert [len(part) for part in random_split(numbers(size), fractions)] == lengths


def test_an_empty_part_of_fractions_is_warned_of() -> None:
    with pytest.warns(UserWarning, match=r"part 1 is empty \(0.1 of 3 samples\)"):
        random_split(numbers(3), [0.9, 0.1])


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([3, 3], r"has 7 samples, but the lengths are \[3, 3\] \(sum 6\)"),
        ([8, -1], r"\[8, -1\]"),
        ([3.0, 4.0], r"whole numbers"),
        ([0.5, 0.4], r"\(sum 0.9\)"),
        ([1.5, -0.5], r"the fraction at index 0 is 1.5"),
        ([], r"\[\]"),
    ],
)
def test_a_split_refuses_lengths_that_do_not_fit(lengths: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        random_split(numbers(7), lengths)


def test_a_split_is_a_function_of_the_generator() -> None:
    def split(seed: int) -> list[int]:
        return list(random_split(range(50), [30, 20], tg.Generator().manual_seed(seed))[0].indices)

    assert split(1) == split(1) != split(2)
    tg.manual_seed(3)
    first = random_split(range(50), [50])[0].indices
    tg.manual_seed(3)
    assert random_split(range(50), [50])[0].indices == first


# Samplers


def test_a_random_sampler_draws_another_order_each_time() -> None:
    sampler = RandomSampler(range(100), generator=np.random.default_rng(0))
    first, second = list(sampler), list(sampler)
    assert sorted(first) == sorted(second) == list(range(100))
    assert first != second
    assert all(type(index) is int for index in first)


def test_sampling_with_replacement_draws_independently_and_evenly() -> None:
    sampler = RandomSampler(
        range(4), replacement=True, num_samples=100_000, generator=np.random.default_rng(0)
    )
    counts = np.bincount(list(sampler))
    assert (len(sampler), counts.sum()) == (100_000, 100_000)
    assert np.abs(counts - 25_000).max() < 5 * np.sqrt(25_000 * 3 / 4)


def test_more_samples_than_there_are_repeat_whole_orders() -> None:
    sampler = RandomSampler(range(4), num_samples=10, generator=np.random.default_rng(0))
    order = list(sampler)
    assert [sorted(order[:4]), sorted(order[4:8]), len(order)] == [[0, 1, 2, 3]] * 2 + [10]
    assert len(set(order[8:])) == 2


def test_a_huge_number_of_samples_is_drawn_in_pieces() -> None:
    sampler = RandomSampler(range(4), replacement=True, num_samples=10**15)
    batches = iter(DataLoader(numbers(4), batch_size=5, sampler=sampler))
    assert [len(next(batches)[0]) for _ in range(3)] == [5, 5, 5]


def test_a_random_sampler_follows_a_data_source_that_grows() -> None:
    source = [0, 1]
    sampler = RandomSampler(source)
    source.append(2)
    assert (len(sampler), sorted(sampler)) == (3, [0, 1, 2])


@pytest.mark.parametrize(
    "indices", [[7, 3, 5], np.array([7, 3, 5]), tg.tensor([7, 3, 5])], ids=repr
)
def test_a_subset_random_sampler_shuffles_its_indices(indices: Any) -> None:
    sampler = SubsetRandomSampler(indices, generator=np.random.default_rng(0))
    orders = {tuple(sampler) for _ in range(50)}
    assert orders == set(itertools.permutations([3, 5, 7]))
    assert len(sampler) == 3


def test_weights_decide_how_often_an_index_comes() -> None:
    sampler = WeightedRandomSampler([1, 0, 3], 40_000, generator=np.random.default_rng(0))
    counts = np.bincount(list(sampler))
    assert counts[1] == 0
    assert abs(counts[2] - 30_000) < 5 * np.sqrt(40_000 * 3 / 16)
    assert sampler.weights.dtype == tg.float64


def test_weights_without_replacement_give_each_index_once() -> None:
    sampler = WeightedRandomSampler(tg.tensor([1.0, 0.0, 3.0]), 2, replacement=False)
    assert sorted(sampler) == [0, 2]


@pytest.mark.parametrize("batch_size", [1, 3, 4, 9])
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("size", [1, 8, 9])
def test_a_batch_sampler_cuts_lists(batch_size: int, drop_last: bool, size: int) -> None:
    sampler = BatchSampler(SequentialSampler(range(size)), batch_size, drop_last)
    expected = [list(range(size))[i : i + batch_size] for i in range(0, size, batch_size)]
    if drop_last:
        expected = [batch for batch in expected if len(batch) == batch_size]
    assert list(sampler) == expected
    assert len(sampler) == len(expected)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: RandomSampler([]), ValueError, "num_samples is a positive integer, not 0"),
        (lambda: RandomSampler([1], num_samples=-1), ValueError, "not -1"),
        (lambda: RandomSampler([1], num_samples=1.5), ValueError, r"not 1\.5"),
        (lambda: RandomSampler([1], replacement=1), TypeError, "replacement is True or False"),
        (lambda: WeightedRandomSampler([1.0], 0), ValueError, "num_samples is a positive"),
        (lambda: WeightedRandomSampler([1.0], True), ValueError, "num_samples is a positive"),
        (lambda: WeightedRandomSampler([1.0], 1, 1), ValueError, "replacement is True or False"),
        (lambda: WeightedRandomSampler([[1.0]], 1), ValueError, r"shape \(1, 1\)"),
        (lambda: WeightedRandomSampler([1.0, -1.0], 1), ValueError, "finite numbers ≥ 0"),
        (lambda: WeightedRandomSampler([np.nan], 1), ValueError, "finite numbers ≥ 0"),
        (lambda: WeightedRandomSampler([0.0], 1), ValueError, "at least one of them > 0"),
        (lambda: WeightedRandomSampler([1, 0, 1], 3, False), ValueError, "only 2 indices"),
        (lambda: BatchSampler([1], 0, False), ValueError, "batch_size is a positive integer"),
        (lambda: BatchSampler([1], True, False), ValueError, "batch_size is a positive integer"),
        (lambda: BatchSampler([1], 1, None), ValueError, "drop_last is True or False, not None"),
        (
            lambda: list(RandomSampler([1], generator=python_random.Random())),
            TypeError,
            "tg.Generator or a numpy.random.Generator",
        ),
    ],
)
def test_samplers_refuse(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


# Collation


class Point(NamedTuple):
    x: Any
    y: Any


@pytest.mark.parametrize(
    ("samples", "dtype", "values"),
    [
        ([1, 2], tg.int64, [1, 2]),
        ([True, False], tg.bool, [True, False]),
        ([0.5, 1], tg.float64, [0.5, 1]),
        ([np.float32(0.5), np.float32(1)], tg.float32, [0.5, 1]),
        ([np.float64(0.5)], tg.float64, [0.5]),
        ([np.uint8(3)], tg.uint8, [3]),
        ([np.zeros(2, np.float32)] * 2, tg.float32, [[0, 0], [0, 0]]),
        ([tg.tensor([1, 2]), tg.tensor([3, 4])], tg.int64, [[1, 2], [3, 4]]),
        ([tg.tensor(1.0)], tg.float32, [1]),
    ],
)
def test_numbers_and_arrays_become_one_tensor(
    samples: list[Any], dtype: Any, values: list[Any]
) -> None:
    batch = default_collate(samples)
    assert isinstance(batch, tg.Tensor)
    assert (batch.dtype, batch.tolist()) == (dtype, values)


def test_collated_memory_is_not_shared_with_the_samples() -> None:
    sample = tg.zeros(2)
    default_collate([sample]).add_(1)
    assert sample.tolist() == [0, 0]


def test_tensors_that_require_grad_are_stacked_in_the_graph() -> None:
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    default_collate([x, x.detach(), x]).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [2, 2]


def test_nested_samples_are_collated_field_by_field() -> None:
    samples = [{"image": np.full((1, 2), i), "meta": (i, [f"name {i}", 0.5 * i])} for i in range(3)]
    batch = default_collate(samples)
    assert batch["image"].tolist() == [[[0, 0]], [[1, 1]], [[2, 2]]]
    label, (name, half) = batch["meta"]
    assert label.tolist() == [0, 1, 2]
    assert list(name) == ["name 0", "name 1", "name 2"]
    assert half.tolist() == [0, 0.5, 1]


def test_containers_keep_their_type() -> None:
    assert isinstance(default_collate([Point(1, 2), Point(3, 4)]), Point)
    ordered = default_collate([collections.OrderedDict(b=1, a=2)])
    assert (type(ordered), list(ordered)) == (collections.OrderedDict, ["b", "a"])
    assert default_collate([(1,), (2,)])[0].tolist() == [1, 2]
    assert default_collate([b"x", b"y"]) == [b"x", b"y"]
    first = {"a": 1}
    default_collate([first, {"a": 2}])
    assert first == {"a": 1}


@pytest.mark.parametrize(
    ("samples", "error", "message"),
    [
        ([np.zeros(3), np.zeros(4)], RuntimeError, r"sample 0 has \(3,\) and sample 1 has \(4,\)"),
        ([tg.zeros(3), tg.zeros(3), tg.zeros(1)], RuntimeError, "equal shapes.*sample 2"),
        ([tg.zeros(2), 1], TypeError, "found tensors among other things"),
        ([np.zeros(2), None], RuntimeError, r"sample 0 has \(2,\) and sample 1 has \(\)"),
        ([(1, 2), (1,)], RuntimeError, "equal lengths.*collate_fn"),
        ([None], TypeError, "found NoneType"),
        ([1, None], TypeError, "found arrays of dtype object"),
        ([np.array(["a"])], TypeError, "found arrays of dtype <U1"),
        ([{1, 2}], TypeError, "found set"),
        ([], IndexError, "no samples"),
    ],
)
def test_collation_refuses(samples: list[Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        default_collate(samples)


def test_conversion_touches_arrays_only() -> None:
    sample = {"x": np.arange(2), "p": Point(np.float32(1), "a"), "t": (1, b"c"), "s": np.array("d")}
    converted = default_convert(sample)
    assert isinstance(converted["x"], tg.Tensor)
    assert converted["p"].x.dtype == tg.float32
    assert (converted["p"].y, converted["t"]) == ("a", [1, b"c"])
    assert converted["s"] is sample["s"]
