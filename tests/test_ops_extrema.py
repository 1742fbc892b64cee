"""The largest and the smallest: values, indices, and who takes the gradient of a tie."""

import numpy as np
import pytest
from cases import Case, numpy_axis, property_test, reduction
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.testing.strategies import arrays

inf, nan = float("inf"), float("nan")


def grad_of(function, values):
    """The gradient of sum(function(x)) at x."""
    x = tg.tensor(values, requires_grad=True)
    function(x).sum().backward()
    return x.grad.tolist()


# Against NumPy and differences.


def along_or_kept(x):
    limit = max(x.ndim, 1)
    return st.fixed_dictionaries(
        {"dim": st.integers(-limit, limit - 1)}, optional={"keepdim": st.booleans()}
    )


def numpy_extremum(largest, index):
    def reference(x, dim, keepdim=False):
        if not x.ndim:
            return x, np.zeros((), dtype=np.int64)
        return (
            largest(x, axis=dim, keepdims=keepdim),
            index(x, axis=dim, keepdims=keepdim),
        )

    return reference


CASES = [
    Case("max", tg.max, arrays(), reference=np.max),
    Case("min", tg.min, arrays(), reference=np.min),
    Case(
        "max dim",
        tg.max,
        arrays(),
        kwargs=along_or_kept,
        reference=numpy_extremum(np.max, np.argmax),
    ),
    Case(
        "min dim",
        tg.min,
        arrays(),
        kwargs=along_or_kept,
        reference=numpy_extremum(np.min, np.argmin),
    ),
    Case("amax", tg.amax, arrays(), kwargs=reduction, reference=numpy_axis(np.max)),
    Case("amin", tg.amin, arrays(), kwargs=reduction, reference=numpy_axis(np.min)),
]
test_value_gradient_and_second_gradient = property_test(CASES)


# Ties, NaN, indices.


def test_ties_share_the_gradient_of_max_evenly():
    assert grad_of(tg.max, [2.0, 5.0, 5.0, 1.0]) == [0.0, 0.5, 0.5, 0.0]
    assert grad_of(tg.min, [[1.0, 5.0], [1.0, 1.0]]) == pytest.approx(
        np.array([[1, 0], [1, 1]]) / 3
    )


def test_max_along_a_dimension_gives_its_gradient_to_the_first_of_several():
    assert grad_of(lambda x: x.max(1).values, [[5.0, 5.0], [1.0, 2.0]]) == [[1, 0], [0, 1]]
    assert grad_of(lambda x: x.min(0)[0], [[5.0, 1.0], [5.0, 2.0]]) == [[1, 1], [0, 0]]


def test_amax_shares_the_gradient_along_each_dimension():
    assert grad_of(lambda x: x.amax(1), [[5.0, 5.0], [1.0, 2.0]]) == [[0.5, 0.5], [0, 1]]
    assert grad_of(lambda x: x.amin((0, 1)), [[1.0, 1.0], [1.0, 1.0]]) == [[0.25] * 2] * 2


def test_max_along_a_dimension_answers_values_and_indices():
    result = tg.tensor([[1.0, 7.0, 3.0], [9.0, 9.0, 2.0]], requires_grad=True).max(
        dim=1, keepdim=True
    )
    assert result.values.tolist() == [[7.0], [9.0]]
    assert result.indices.tolist() == [[1], [0]]
    assert result.indices.dtype == tg.int64
    assert not result.indices.requires_grad
    values, indices = result
    assert values is result.values
    assert indices is result.indices


@pytest.mark.parametrize(("name", "expected"), [("max", [3.0, 5.0]), ("min", [1.0, 4.0])])
def test_max_of_two_tensors_is_elementwise(name, expected):
    x, y = tg.tensor([1.0, 5.0]), tg.tensor([3.0, 4.0])
    assert getattr(tg, name)(x, y).tolist() == expected
    assert getattr(x, name)(other=y).tolist() == expected


@pytest.mark.parametrize("name", ["max", "min"])
def test_nan_wins_and_takes_the_gradient(name):
    function = getattr(tg, name)
    x = tg.tensor([1.0, nan, 3.0])
    assert tg.isnan(function(x))
    assert function(x, 0).indices.item() == 1
    assert grad_of(function, [1.0, nan, 3.0]) == [0.0, 1.0, 0.0]


def test_an_infinite_gradient_stays_with_its_element():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    x.max().backward(tg.tensor(inf))
    assert x.grad.tolist() == [0.0, inf]
    x.grad = None
    x.max(0).values.backward(tg.tensor(inf))
    assert x.grad.tolist() == [0.0, inf]


def test_indices_changed_before_backward_are_noticed():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    values, indices = x.max(0)
    indices.zero_()
    with pytest.raises(RuntimeError, match="in-place"):
        values.backward()


@pytest.mark.parametrize("name", ["max", "min", "amax", "amin"])
def test_there_is_no_extremum_of_nothing(name):
    function = getattr(tg, name)
    with pytest.raises(RuntimeError, match="dim to be specified"):
        function(tg.ones(0, 3))
    with pytest.raises(IndexError, match="dim 0 to have non-zero size"):
        function(tg.ones(0, 3), 0)
    result = function(tg.ones(0, 3), 1)
    assert (result if name.startswith("a") else result.values).shape == (0,)


@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_there_is_no_index_into_nothing(name):
    with pytest.raises(IndexError, match="dim to be specified"):
        getattr(tg, name)(tg.ones(0))
    with pytest.raises(IndexError, match="non-zero size"):
        getattr(tg, name)(tg.ones(0, 3), 0)
    assert getattr(tg, name)(tg.ones(0, 3), 1).shape == (0,)


@pytest.mark.parametrize("name", ["max", "min"])
def test_keepdim_needs_a_dimension(name):
    with pytest.raises(TypeError, match=rf"tg\.a{name}\(x, keepdim=True\)"):
        getattr(tg, name)(tg.ones(2), keepdim=True)


def test_argmax_finds_the_first_of_the_largest():
    x = tg.tensor([[1.0, 9.0, 9.0], [9.0, 0.0, -1.0]])
    assert x.argmax().item() == 1
    assert x.argmin().item() == 5
    assert x.argmax(1).tolist() == [1, 0]
    assert x.argmax(dim=-2, keepdim=True).tolist() == [[1, 0, 0]]
    assert x.argmin(keepdim=True).shape == (1, 1)
    assert tg.tensor([1.0, nan, 2.0]).argmin().item() == 1
    assert tg.tensor(3.0).argmax().item() == 0


@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_booleans_have_no_argmax(name):
    with pytest.raises(RuntimeError, match="does not support bool input"):
        getattr(tg, name)(tg.tensor([True, False]))


@pytest.mark.parametrize("dtype", [tg.bool, tg.uint8, tg.int32, tg.float16])
def test_extrema_keep_the_type(dtype):
    x = tg.tensor([0, 1, 1], dtype=dtype)
    assert x.max().dtype == x.amin().dtype == x.max(0).values.dtype == dtype
    assert x.max().item() == 1
    assert x.max(0).indices.item() == 1


def test_aminmax_is_a_named_pair():
    result = tg.aminmax(tg.tensor([[3.0, 1.0], [2.0, 8.0]]), dim=0)
    assert result.min.tolist() == [2.0, 1.0]
    assert result.max.tolist() == [3.0, 8.0]
    smallest, largest = tg.tensor([3.0, 1.0]).aminmax()
    assert (smallest.item(), largest.item()) == (1.0, 3.0)
