"""Medians, quantiles, modes, covariance."""

import numpy as np
import pytest
from cases import Case, property_test
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_edu as tg
from tinygrad_edu.testing.strategies import arrays, axes, shapes

nan = np.nan
ROWS = shapes(min_dims=1)
INTERPOLATIONS = ["linear", "lower", "higher", "midpoint", "nearest"]


def along(x):
    return st.fixed_dictionaries(
        {"dim": st.integers(-x.ndim, x.ndim - 1)}, optional={"keepdim": st.booleans()}
    )


def numpy_median(x, dim=None, keepdim=False):
    """The lower one of two in the middle."""
    return np.quantile(x, 0.5, axis=dim, keepdims=keepdim, method="lower")


def levels(x):
    return st.fixed_dictionaries(
        {"q": st.sampled_from([0.0, 0.3, 0.5, 1.0, np.array([0.25, 0.9]), np.array([0.5])])},
        optional={
            "dim": axes(x.ndim, several=False),
            "keepdim": st.booleans(),
            "interpolation": st.sampled_from(INTERPOLATIONS),
        },
    )


def numpy_quantile(x, q, dim=None, keepdim=False, interpolation="linear"):
    return np.quantile(x, q, axis=dim, keepdims=keepdim, method=interpolation)


def own_type(function):
    """The function, with q in the type of the input."""

    def call(x, q, **kwargs):
        if not isinstance(q, float):
            q = tg.as_tensor(q).to(x.dtype)
        return function(x, q, **kwargs)

    return call


@st.composite
def tables(draw):
    """Rows of observations, without a linear dependence."""
    return draw(arrays(draw(st.sampled_from([(2, 5), (3, 6), (1, 4)]))))


def weights(x):
    size = x.shape[-1]
    return st.fixed_dictionaries(
        {},
        optional={
            "correction": st.sampled_from([0, 1, 2]),
            "fweights": st.just(np.arange(1, size + 1)),
            "aweights": st.just(np.linspace(0.5, 2.0, size)),
        },
    )


def weighted_cov(x, correction=1, fweights=None, aweights=None):
    if fweights is not None:
        fweights = tg.as_tensor(fweights)
    if aweights is not None:
        aweights = tg.as_tensor(aweights).to(x.dtype)
    return tg.cov(x, correction=correction, fweights=fweights, aweights=aweights)


def numpy_cov(x, correction=1, fweights=None, aweights=None):
    return np.cov(x, ddof=correction, fweights=fweights, aweights=aweights)


CASES = [
    Case("median", tg.median, arrays(), reference=numpy_median),
    Case("nanmedian", tg.nanmedian, arrays(), reference=numpy_median),
    Case("median along", lambda x, **k: tg.median(x, **k)[0], arrays(ROWS), numpy_median, along),
    Case(
        "nanmedian along", lambda x, **k: tg.nanmedian(x, **k)[0], arrays(ROWS), numpy_median, along
    ),
    Case(
        "mode",
        lambda x, **k: tg.mode(x, **k)[0],
        arrays(ROWS),
        lambda x, dim, keepdim=False: x.min(axis=dim, keepdims=keepdim),
        along,
    ),
    Case("quantile", own_type(tg.quantile), arrays(), numpy_quantile, levels),
    Case("nanquantile", own_type(tg.nanquantile), arrays(), numpy_quantile, levels),
    Case("cov", weighted_cov, tables(), numpy_cov, weights),
    Case("corrcoef", tg.corrcoef, arrays((3, 6)), reference=np.corrcoef),
]
test_value_gradient_and_second_gradient = property_test(CASES)


def test_nan_decides_the_median_and_is_left_out_of_the_nanmedian():
    x = tg.tensor([[2.0, 1.0, 1.0, 2.0], [nan, 1.0, nan, 3.0], [nan, nan, nan, nan]])
    values, indices = tg.median(x, 1)
    np.testing.assert_array_equal(values.numpy(), [1.0, nan, nan])
    assert indices.tolist()[1:] == [0, 0]
    np.testing.assert_array_equal(tg.nanmedian(x, 1).values.numpy(), [1.0, 1.0, nan])
    assert np.isnan(tg.median(x).item())
    assert tg.nanmedian(x).item() == 1.0
    assert np.isnan(tg.nanmedian(x[2]).item())


def test_equal_elements_share_the_gradient_of_the_median_of_all():
    x = tg.tensor([2.0, 1.0, 2.0, 5.0], requires_grad=True)
    tg.median(x).backward()
    assert x.grad.tolist() == [0.5, 0.0, 0.5, 0.0]


def test_medians_of_integers_of_numbers_and_of_nothing():
    assert tg.median(tg.tensor([3, 1, 2, 9])).item() == 2
    assert tg.median(tg.tensor([3, 1, 2, 9]), 0).values.dtype == tg.int64
    assert [part.item() for part in tg.median(tg.tensor(5.0), 0)] == [5.0, 0]
    assert np.isnan(tg.median(tg.zeros(0)).item())
    assert tg.median(tg.zeros(0, 2), 1).values.shape == (0,)


def test_the_mode_is_the_smallest_of_the_most_frequent_and_its_last_place():
    values, indices = tg.mode(tg.tensor([[1, 3, 2, 3, 2], [3, 1, 3, 1, 3]]))
    assert (values.tolist(), indices.tolist()) == ([2, 3], [4, 4])
    values, indices = tg.mode(tg.tensor([True, False, True]), keepdim=True)
    assert (values.tolist(), indices.tolist()) == ([True], [2])
    assert tg.tensor(4.0).mode().values.item() == 4.0
    assert tg.mode(tg.zeros(0, 3)).values.shape == (0,)


COUNTED = hnp.arrays(
    np.int64, hnp.array_shapes(min_dims=1, max_dims=2, max_side=6), elements=st.integers(0, 3)
)


@given(COUNTED)
def test_the_mode_occurs_most_often(array):
    values, indices = tg.mode(tg.tensor(array))
    for row, value, index in zip(
        array.reshape(-1, array.shape[-1]),
        values.numpy().ravel(),
        indices.numpy().ravel(),
        strict=True,
    ):
        counts = np.bincount(row)
        assert value == counts.argmax()
        assert index == np.flatnonzero(row == value)[-1]


def test_quantiles_of_rows_with_nan():
    x = tg.tensor([[1.0, nan, 3.0], [4.0, 5.0, 6.0], [nan, nan, nan]])
    np.testing.assert_array_equal(tg.quantile(x, 0.5, dim=1).numpy(), [nan, 5.0, nan])
    np.testing.assert_array_equal(tg.nanquantile(x, 0.5, dim=1).numpy(), [2.0, 5.0, nan])
    both = tg.nanquantile(x, tg.tensor([0.0, 1.0]), dim=1, keepdim=True)
    np.testing.assert_array_equal(both.numpy()[:, :, 0], [[1.0, 4.0, nan], [3.0, 6.0, nan]])


def test_a_vector_of_levels_adds_a_first_dimension():
    x = tg.arange(24.0).reshape(2, 3, 4)
    q = tg.tensor([0.1, 0.5])
    assert tg.quantile(x, q).shape == (2,)
    assert tg.quantile(x, q, dim=1).shape == (2, 2, 4)
    assert tg.quantile(x, q, dim=1, keepdim=True).shape == (2, 2, 1, 4)
    assert tg.quantile(x, 0.5, keepdim=True).shape == (1, 1, 1)
    assert tg.quantile(x, tg.tensor([])).shape == (0,)
    assert tg.quantile(tg.tensor(3.0), 0.5, dim=0, keepdim=True).shape == ()


def test_the_gradient_of_a_quantile_goes_to_its_two_neighbours_and_to_the_level():
    x = tg.tensor([4.0, 1.0, 3.0], requires_grad=True)
    q = tg.tensor(0.25, requires_grad=True)
    tg.quantile(x, q).backward()
    assert x.grad.tolist() == [0.0, 0.5, 0.5]
    assert q.grad.item() == 4.0


def test_covariance_of_one_variable_is_a_number():
    assert tg.cov(tg.tensor([1.0, 2.0, 3.0])).item() == 1.0
    assert tg.cov(tg.tensor([[1, 2, 3]])).shape == ()
    assert tg.corrcoef(tg.tensor([1.0, 2.0])).item() == 1.0


def test_too_few_observations_are_warned_of():
    with pytest.warns(UserWarning, match="degrees of freedom is <= 0: 2 observations"):
        result = tg.cov(tg.tensor([[1.0, 2.0], [4.0, 2.0]]), correction=2)
    assert result.tolist() == [[np.inf, -np.inf], [-np.inf, np.inf]]


ERRORS = {
    "median bool": (
        lambda x: tg.median(x > 0),
        RuntimeError,
        r"median\(\) is not defined for bool",
    ),
    "median empty": (lambda x: tg.median(tg.zeros(2, 0), 1), IndexError, "non-zero size"),
    "median dims": (lambda x: tg.median(x, (0, 1)), TypeError, "dim is one integer"),
    "mode empty": (lambda x: tg.mode(tg.zeros(0)), IndexError, "non-zero size"),
    "quantile int": (lambda x: tg.quantile(x.int(), 0.5), RuntimeError, r"int32.*x\.float"),
    "quantile empty": (lambda x: tg.quantile(tg.zeros(0), 0.5), RuntimeError, "of nothing"),
    "quantile range": (lambda x: tg.quantile(x, 1.5), RuntimeError, "between 0 and 1; got 1.5"),
    "quantile type": (lambda x: tg.quantile(x, x.double()), RuntimeError, "got float64"),
    "quantile shape": (lambda x: tg.quantile(x, tg.zeros(1, 1)), RuntimeError, "a vector"),
    "quantile between": (
        lambda x: tg.quantile(x, 0.5, interpolation="cubic"),
        RuntimeError,
        "linear, lower, higher, midpoint, nearest; got 'cubic'",
    ),
    "cov dims": (lambda x: tg.cov(tg.zeros(2, 2, 2)), RuntimeError, "at most two dimensions"),
    "cov shape": (lambda x: tg.cov(x, fweights=tg.ones(4).int()), RuntimeError, "fweights has one"),
    "cov kind": (lambda x: tg.cov(x, fweights=tg.ones(3)), RuntimeError, "an integer type; got"),
    "cov kind 2": (
        lambda x: tg.cov(x, aweights=tg.ones(3).int()),
        RuntimeError,
        "a floating type; got int32",
    ),
    "cov sign": (lambda x: tg.cov(x, aweights=-tg.ones(3)), RuntimeError, "cannot be negative"),
    "cov zero": (lambda x: tg.cov(x, aweights=tg.zeros(3)), RuntimeError, "sum to zero"),
    "cov bool": (lambda x: tg.cov(x > 0), RuntimeError, "not defined for booleans"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_what_has_no_answer_is_explained(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call(tg.tensor([1.0, 2.0, 3.0]))
