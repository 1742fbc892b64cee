"""Unique elements, counts, histograms, look-ups: against NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_edu as tg

inf, nan = np.inf, np.nan
SMALL = hnp.arrays(
    np.int64,
    hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4),
    elements=st.integers(0, 2),
)
FLOATS = hnp.arrays(
    np.float64, st.integers(1, 30), elements=st.floats(-3, 3, allow_nan=False, width=16)
)


@given(SMALL, st.data())
def test_unique_agrees_with_numpy(array, data):
    dim = data.draw(st.none() | st.integers(-array.ndim, array.ndim - 1))
    found = tg.unique(tg.tensor(array), return_inverse=True, return_counts=True, dim=dim)
    values, inverse, counts = np.unique(array, return_inverse=True, return_counts=True, axis=dim)
    for part, expected in zip(
        found, (values, inverse.reshape(found[1].shape), counts), strict=True
    ):
        np.testing.assert_array_equal(part.numpy(), expected)
    assert tg.equal(tg.unique(tg.tensor(array), dim=dim), found[0])


@given(SMALL, st.data())
def test_runs_put_together_again_are_the_input(array, data):
    dim = data.draw(st.none() | st.integers(-array.ndim, array.ndim - 1))
    values, inverse, counts = tg.unique_consecutive(tg.tensor(array), True, True, dim)
    if dim is None:
        np.testing.assert_array_equal(values.numpy()[inverse.numpy()], array)
        np.testing.assert_array_equal(np.repeat(values, counts), array.reshape(-1))
    else:
        np.testing.assert_array_equal(np.take(values.numpy(), inverse.numpy(), dim), array)
        np.testing.assert_array_equal(np.repeat(values.numpy(), counts.numpy(), dim), array)
    neighbours = values.numpy() if dim is None else np.moveaxis(values.numpy(), dim, 0)
    assert all((a != b).any() for a, b in zip(neighbours[1:], neighbours[:-1], strict=True))


def test_every_nan_is_distinct():
    values, inverse, counts = tg.unique(tg.tensor([3.0, nan, 1.0, nan, 1.0]), True, True, True)
    np.testing.assert_array_equal(values.numpy(), [1, 3, nan, nan])
    assert (inverse.tolist(), counts.tolist()) == ([1, 2, 0, 3, 0], [2, 1, 1, 1])
    assert tg.unique_consecutive(tg.tensor([nan, nan])).shape == (2,)


def test_unique_of_a_number_and_of_nothing():
    assert tg.unique(tg.tensor(3)).tolist() == [3]
    assert tg.unique(tg.tensor(3), return_inverse=True)[1].shape == ()
    assert tg.unique(tg.zeros(0)).shape == (0,)
    assert tg.zeros(0, 3).unique(dim=0).shape == (0, 3)


@given(hnp.arrays(np.int64, st.integers(0, 20), elements=st.integers(0, 6)), st.integers(0, 9))
def test_bincount_agrees_with_numpy(array, minlength):
    x = tg.tensor(array, dtype=tg.int64)
    np.testing.assert_array_equal(
        tg.bincount(x, minlength=minlength).numpy(), np.bincount(array, minlength=minlength)
    )
    weights = np.linspace(0, 1, len(array))
    found = tg.bincount(x, tg.tensor(weights, dtype=tg.float64), minlength)
    np.testing.assert_allclose(found.numpy(), np.bincount(array, weights, minlength))


@pytest.mark.parametrize(
    ("weights", "dtype"),
    [(None, tg.int64), (tg.float32, tg.float32), (tg.float64, tg.float64), (tg.int64, tg.float64)],
)
def test_types_of_weighted_counts(weights, dtype):
    x = tg.tensor([1, 1, 3], dtype=tg.uint8)
    given_weights = None if weights is None else tg.ones(3, dtype=weights)
    assert x.bincount(given_weights).dtype == dtype


@given(FLOATS, st.integers(1, 6), st.booleans())
def test_histogram_agrees_with_numpy(array, bins, density):
    hist, edges = tg.histogram(tg.tensor(array), bins, range=(-2.0, 2.5), density=density)
    with np.errstate(invalid="ignore"):  # Nothing inside has no density.
        expected = np.histogram(array, edges.numpy(), density=density)[0]
    np.testing.assert_allclose(edges.numpy(), np.linspace(-2, 2.5, bins + 1), rtol=1e-12)
    np.testing.assert_allclose(hist.numpy(), expected)


@given(FLOATS)
def test_borders_and_weights_of_a_histogram(array):
    borders = np.array([-1.0, 0.0, 0.5, 2.0])
    weight = np.linspace(1, 2, len(array))
    found = tg.histogram(tg.tensor(array), tg.tensor(borders), weight=tg.tensor(weight))
    np.testing.assert_allclose(found.hist.numpy(), np.histogram(array, borders, weights=weight)[0])
    assert found.bin_edges.tolist() == borders.tolist()


@given(hnp.arrays(np.float64, (12, 2), elements=st.floats(-1, 1, width=16)), st.booleans())
def test_histogramdd_agrees_with_numpy(points, density):
    hist, edges = tg.histogramdd(
        tg.tensor(points), [3, 2], range=[-1.0, 1.0, -1.0, 1.0], density=density
    )
    with np.errstate(invalid="ignore"):
        expected, borders = np.histogramdd(points, [e.numpy() for e in edges], density=density)
    np.testing.assert_allclose(hist.numpy(), expected)
    assert [len(e) for e in borders] == [4, 3]


def test_histogramdd_with_one_number_of_bins_weights_and_borders():
    points = tg.tensor([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [9.0, 9.0]])
    weight = tg.tensor([1.0, 2.0, 4.0, 8.0])
    borders = tg.tensor([0.0, 1.0, 2.0])
    hist = tg.histogramdd(points, [borders, borders], weight=weight).hist
    assert hist.tolist() == [[1.0, 0.0], [0.0, 6.0]]
    assert tg.histogramdd(points, 3).hist.sum().item() == 4.0


def test_histc_counts_in_bins_of_equal_width():
    x = tg.tensor([1.0, 2.0, 1.0, nan, 7.0])
    assert tg.histc(x, 4, 0, 3).tolist() == [0, 2, 1, 0]
    assert tg.tensor([1.0, 2.0, 3.0]).histc(4).tolist() == [1, 0, 1, 1]
    assert tg.histc(tg.tensor([1.0, 1.0]), 4).tolist() == [0, 0, 2, 0]
    assert tg.histc(tg.zeros(0), 2).tolist() == [0, 0]
    assert tg.histc(tg.tensor([3.0]), 3, 0, 3).tolist() == [0, 0, 1]


def test_a_histogram_of_equal_elements_and_of_nothing():
    assert tg.histogram(tg.ones(2), 2).bin_edges.tolist() == [0.5, 1.0, 1.5]
    hist, edges = tg.histogram(tg.zeros(0), 2)
    assert (hist.tolist(), edges.tolist()) == ([0, 0], [0.0, 0.5, 1.0])
    assert tg.histogram(tg.tensor([1.0]), 1, range=(1.0, 1.0)).hist.tolist() == [1.0]


@given(FLOATS, FLOATS, st.booleans(), st.booleans())
def test_searching_agrees_with_numpy(sequence, values, right, out_int32):
    ordered = np.sort(sequence)
    found = tg.searchsorted(tg.tensor(ordered), tg.tensor(values), right=right, out_int32=out_int32)
    assert found.dtype == (tg.int32 if out_int32 else tg.int64)
    expected = np.searchsorted(ordered, values, "right" if right else "left")
    np.testing.assert_array_equal(found.numpy(), expected)
    same = tg.bucketize(tg.tensor(values), tg.tensor(ordered), right=right)
    np.testing.assert_array_equal(same.numpy(), expected)
    shuffled = tg.searchsorted(
        tg.tensor(sequence),
        tg.tensor(values),
        side="right" if right else "left",
        sorter=tg.tensor(np.argsort(sequence)),
    )
    np.testing.assert_array_equal(shuffled.numpy(), expected)


def test_each_row_is_searched_for_its_own_values():
    rows = tg.tensor([[1, 3, 5], [2, 4, 6]])
    assert tg.searchsorted(rows, tg.tensor([[3, 6], [3, 6]])).tolist() == [[1, 3], [1, 2]]
    assert tg.searchsorted(tg.tensor([1, 3, 5]), 3).item() == 1
    assert tg.bucketize(9, tg.tensor([1, 3])).shape == ()


def test_membership():
    x = tg.tensor([[1.0, nan], [2.0, 3.0]])
    assert tg.isin(x, tg.tensor([3.0, 1.0, nan])).tolist() == [[True, False], [False, True]]
    assert tg.isin(x, 2.0, invert=True).tolist() == [[True, True], [False, True]]
    assert tg.isin(2, tg.tensor([1, 2]), assume_unique=True).item() is True


ERRORS = {
    "unique dim of a number": (
        lambda x: tg.unique(x.sum(), dim=0),
        IndexError,
        "a single number has no dimension 0",
    ),
    "unique dim": (lambda x: tg.unique(x, dim=1), IndexError, r"range of \[-1, 0\]"),
    "unique empty": (lambda x: tg.unique(tg.zeros(2, 0), dim=0), RuntimeError, "slices are empty"),
    "bincount float": (tg.bincount, RuntimeError, "and type float32"),
    "bincount sign": (lambda x: tg.bincount(-x.int()), RuntimeError, "not negative"),
    "bincount length": (lambda x: tg.bincount(x.int(), tg.ones(3)), RuntimeError, "one weight"),
    "bincount least": (lambda x: tg.bincount(x.int(), minlength=-1), RuntimeError, "got -1"),
    "histc int": (lambda x: tg.histc(x.int()), RuntimeError, r"int32.*tg\.bincount"),
    "histc bins": (lambda x: tg.histc(x, 0), RuntimeError, "bins must be positive; got 0"),
    "histc range": (lambda x: tg.histc(x, 3, 2, 1), RuntimeError, "larger than min; got 2 and 1"),
    "histc inf": (lambda x: tg.histc(x * inf), RuntimeError, "is not finite"),
    "histogram nan": (lambda x: tg.histogram(x * nan, 2), RuntimeError, "is not finite"),
    "histogram bins": (lambda x: tg.histogram(x, 0), RuntimeError, "positive; got 0"),
    "histogram range": (
        lambda x: tg.histogram(x, 2, range=(2.0, 1.0)),
        RuntimeError,
        "ascending; got 2.0 to 1.0",
    ),
    "histogram both": (lambda x: tg.histogram(x, x, range=(0.0, 1.0)), TypeError, "borders"),
    "histogram type": (lambda x: tg.histogram(x, x.double()), RuntimeError, "type float64"),
    "histogram weight": (
        lambda x: tg.histogram(x, 2, weight=tg.ones(3)),
        RuntimeError,
        r"\(2,\); got shape \(3,\)",
    ),
    "histogramdd points": (lambda x: tg.histogramdd(x, 2), RuntimeError, "points are rows"),
    "histogramdd bins": (
        lambda x: tg.histogramdd(x.reshape(1, 2), [2]),
        RuntimeError,
        "need 2 entries of bins and 4 of range",
    ),
    "side": (lambda x: tg.searchsorted(x, x, side="up"), RuntimeError, "got 'up'"),
    "sides": (
        lambda x: tg.searchsorted(x, x, side="left", right=True),
        RuntimeError,
        "contradicts right=True",
    ),
    "sorter": (lambda x: tg.searchsorted(x, x, sorter=x), RuntimeError, "an integer type; got"),
    "rows": (
        lambda x: tg.searchsorted(tg.ones(2, 3), tg.ones(3, 3)),
        RuntimeError,
        r"\(2, 3\) and \(3, 3\)",
    ),
    "boundaries": (lambda x: tg.bucketize(x, tg.ones(2, 2)), RuntimeError, "are a vector; got"),
    "isin": (lambda x: tg.isin(1, 2), TypeError, "at least one"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_what_cannot_be_counted_is_explained(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call(tg.tensor([1.0, 2.0]))
