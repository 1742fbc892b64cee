"""Sorting: values, positions, gradients, and the order of equal elements."""

import numpy as np
import pytest
from cases import Case, property_test
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_edu as tg
from tinygrad_edu.testing.strategies import arrays, shapes

ROWS = arrays(shapes(min_dims=1))


def order(x):
    return st.fixed_dictionaries(
        {}, optional={"dim": st.integers(-x.ndim, x.ndim - 1), "descending": st.booleans()}
    )


def numpy_sort(x, dim=-1, descending=False):
    values = np.sort(x, dim)
    return np.flip(values, dim) if descending else values


def count(x):
    def arguments(dim):
        return st.fixed_dictionaries(
            {"k": st.integers(1, x.shape[dim]), "dim": st.just(dim)},
            optional={"largest": st.booleans()},
        )

    return st.integers(-x.ndim, x.ndim - 1).flatmap(arguments)


def numpy_topk(x, k, dim, largest=True):
    return numpy_sort(x, dim, largest).take(range(k), dim)


def rank(x):
    return count(x).map(lambda kwargs: {"k": kwargs["k"], "dim": kwargs["dim"]})


CASES = [
    Case("sort", lambda x, **kwargs: tg.sort(x, **kwargs).values, ROWS, numpy_sort, order),
    Case("sort of a number", lambda x: tg.sort(x).values, arrays(()), lambda x: x),
    Case("msort", tg.msort, ROWS, lambda x: np.sort(x, 0)),
    Case("topk", lambda x, **kwargs: tg.topk(x, **kwargs).values, ROWS, numpy_topk, count),
    Case(
        "kthvalue",
        lambda x, **kwargs: tg.kthvalue(x, **kwargs).values,
        ROWS,
        lambda x, k, dim: np.sort(x, dim).take(k - 1, dim),
        rank,
    ),
]

test_sorting_operations = property_test(CASES)

TIED = hnp.arrays(
    np.int64, hnp.array_shapes(min_dims=1, max_dims=3, max_side=5), elements=st.integers(0, 2)
)


@given(TIED, st.data())
def test_equal_elements_keep_their_order_in_both_directions(array, data):
    dim = data.draw(st.integers(-array.ndim, array.ndim - 1))
    x = tg.tensor(array)
    np.testing.assert_array_equal(tg.argsort(x, dim).numpy(), np.argsort(array, dim, kind="stable"))
    np.testing.assert_array_equal(
        tg.argsort(x, dim, descending=True).numpy(), np.argsort(-array, dim, kind="stable")
    )


@given(TIED)
def test_values_are_gathered_by_the_indices(array):
    x = tg.tensor(array)
    found = [
        (0, x.sort(0)),
        (-1, x.sort(-1, descending=True)),
        (-1, x.topk(1)),
        (0, x.kthvalue(1, 0, True)),
    ]
    for dim, (values, indices) in found:
        assert tg.equal(values, x.gather(dim, indices))
        assert indices.dtype == tg.int64


def test_nan_is_larger_than_every_number():
    x = tg.tensor([1.0, float("nan"), float("inf")])
    assert x.argsort().tolist() == [0, 2, 1]
    assert x.argsort(descending=True).tolist() == [1, 2, 0]
    assert x.topk(1).indices.tolist() == [1]


def test_integers_and_booleans_are_sorted_without_a_gradient():
    assert tg.tensor([3, 1, 2]).sort().values.tolist() == [1, 2, 3]
    assert tg.tensor([True, False]).sort().values.tolist() == [False, True]
    smallest = np.iinfo(np.int64).min
    assert tg.tensor([smallest, 0]).sort(descending=True).values.tolist() == [0, smallest]


def test_a_change_of_the_indices_does_not_move_the_gradient():
    x = tg.tensor([3.0, 1.0, 2.0], requires_grad=True)
    values, indices = x.sort()
    indices.fill_(0)
    (values * tg.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert x.grad.tolist() == [100, 1, 10]


def test_results_have_names():
    result = tg.tensor([2.0, 1.0]).sort()
    assert result.values.tolist() == [1, 2]
    assert result.indices.tolist() == [1, 0]
    assert tg.tensor([2.0, 1.0]).kthvalue(1).indices.item() == 1


def test_empty_tensors_are_sorted():
    assert tg.zeros(0).sort().values.shape == (0,)
    assert tg.zeros(2, 0).argsort(0).shape == (2, 0)
    assert tg.zeros(3).topk(0).values.shape == (0,)


ERRORS = {
    "sort": (lambda: tg.zeros(2).sort(1), IndexError, r"range of \[-1, 0\], but got 1"),
    "topk": (
        lambda: tg.zeros(2).topk(3),
        RuntimeError,
        r"k=3 is out of range: dimension 0 of shape \(2,\) has 2",
    ),
    "topk number": (lambda: tg.tensor(1.0).topk(0), RuntimeError, r"0-dimensional"),
    "kthvalue": (lambda: tg.zeros(2).kthvalue(0), RuntimeError, r"k=0 is out of range"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_impossible_order_is_explained(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()
