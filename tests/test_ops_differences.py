"""Differences, integrals and derivatives of samples."""

import numpy as np
import pytest
from cases import Case, property_test, tuples
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.testing.strategies import arrays, shapes

LONG = shapes(min_dims=1, min_side=3, max_side=5, max_dims=2)


def orders(x):
    return st.fixed_dictionaries(
        {}, optional={"n": st.integers(0, 4), "dim": st.integers(-x.ndim, x.ndim - 1)}
    )


def numpy_diff(x, n=1, dim=-1):
    return np.diff(x, n, axis=dim)


def spaced(x):
    return st.fixed_dictionaries(
        {}, optional={"dx": st.sampled_from([2, 0.5]), "dim": st.integers(-x.ndim, x.ndim - 1)}
    )


def numpy_trapezoid(y, x=None, dx=1.0, dim=-1):
    return np.trapezoid(y, x, dx, axis=dim)


def numpy_cumulative_trapezoid(y, x=None, dx=1.0, dim=-1):
    size = y.shape[dim]
    parts = [np.take(y, range(k + 1), dim) for k in range(1, size)]
    places = None if x is None else np.moveaxis(np.broadcast_to(x, y.shape), dim, -1)
    integrals = [
        np.trapezoid(np.moveaxis(part, dim, -1), None if x is None else places[..., : k + 2], dx)
        for k, part in enumerate(parts)
    ]
    return np.moveaxis(np.array(integrals), 0, dim)


@st.composite
def curves(draw):
    """Samples, and the places that they were taken at, not too close."""
    shape = draw(st.sampled_from([(3,), (2, 4), (3, 1, 5)]))
    y = draw(arrays(shape))
    places = np.cumsum(draw(arrays(shape[-1:], low=0.5, high=1.5)))
    return y, places


def ways(x):
    several = st.sampled_from([2.0, 0.5, [1.5] * x.ndim])
    return st.fixed_dictionaries(
        {}, optional={"spacing": several, "edge_order": st.sampled_from([1, 2])}
    )


def numpy_gradient(x, spacing=1, edge_order=1):
    steps = spacing if isinstance(spacing, list) else [spacing]
    found = np.gradient(x, *steps, edge_order=edge_order)
    return found if isinstance(found, tuple) else (found,)


CASES = [
    Case("diff", tg.diff, arrays(LONG), numpy_diff, orders),
    Case(
        "diff joined",
        lambda x, y, z: tg.diff(x, prepend=y, append=z, dim=0),
        tuples(arrays((2, 3)), arrays((1, 3)), arrays((2, 3))),
        reference=lambda x, y, z: np.diff(x, prepend=y, append=z, axis=0),
    ),
    Case("trapezoid", tg.trapezoid, arrays(LONG), numpy_trapezoid, spaced),
    Case("trapezoid at places", tg.trapezoid, curves(), numpy_trapezoid),
    Case(
        "cumulative_trapezoid",
        tg.cumulative_trapezoid,
        arrays(LONG),
        numpy_cumulative_trapezoid,
        spaced,
    ),
    Case(
        "cumulative_trapezoid at places",
        tg.cumulative_trapezoid,
        curves(),
        numpy_cumulative_trapezoid,
    ),
    Case("gradient", tg.gradient, arrays(LONG), numpy_gradient, ways),
    Case(
        "gradient at places",
        lambda y, x, edge_order: tg.gradient(y, spacing=(x,), dim=-1, edge_order=edge_order),
        curves(),
        reference=lambda y, x, edge_order: (np.gradient(y, x, axis=-1, edge_order=edge_order),),
        kwargs=st.sampled_from([{"edge_order": 1}, {"edge_order": 2}]),
    ),
]
test_value_gradient_and_second_gradient = property_test(CASES)


def test_booleans_differ_and_integers_stay_integers():
    assert tg.diff(tg.tensor([True, False, False])).tolist() == [True, False]
    assert tg.diff(tg.tensor([1, 4, 9])).dtype == tg.int64
    assert tg.diff(tg.tensor([1, 4, 9]), n=5).shape == (0,)
    copy = tg.diff(x := tg.tensor([1, 2]), n=0)
    assert copy.tolist() == [1, 2]
    assert copy is not x


def test_integrals_of_integers_are_floating():
    assert tg.trapezoid(tg.tensor([1, 2, 4])).item() == 4.5
    assert tg.trapz is tg.trapezoid
    assert tg.cumulative_trapezoid(tg.tensor([1, 2, 4])).tolist() == [1.5, 4.5]
    assert tg.trapezoid(tg.zeros(2, 0)).tolist() == [0, 0]
    assert tg.trapezoid(tg.tensor([5.0])).item() == 0.0


def test_places_of_samples_along_another_dimension():
    y = tg.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert tg.trapezoid(y, tg.tensor([0.0, 3.0]), dim=0).tolist() == [6.0, 9.0]
    assert tg.trapezoid(y, tg.tensor([[0.0, 1.0], [0.0, 2.0]])).tolist() == [1.5, 7.0]


def test_derivatives_along_some_dimensions():
    x = tg.tensor([[1.0, 4.0, 9.0], [2.0, 3.0, 4.0]])
    (rows,) = tg.gradient(x, dim=1)
    assert rows.tolist() == [[3, 4, 5], [1, 1, 1]]
    assert len(tg.gradient(x)) == 2
    assert tg.gradient(x, dim=()) == ()
    assert tg.gradient(tg.tensor([1, 4, 9]))[0].dtype == tg.float32


ERRORS = {
    "diff number": (lambda x: tg.diff(tg.tensor(1.0)), RuntimeError, "0-dimensional"),
    "diff order": (lambda x: tg.diff(x, n=-1), RuntimeError, "n cannot be negative; got -1"),
    "diff joined": (lambda x: tg.diff(x, prepend=tg.ones(1, 1)), RuntimeError, r"\(1, 1\)"),
    "trapezoid number": (lambda x: tg.trapezoid(tg.tensor(1.0)), IndexError, "0-dimensional"),
    "trapezoid both": (lambda x: tg.trapezoid(x, x, dx=1), TypeError, "x of the samples, or"),
    "trapezoid size": (lambda x: tg.trapezoid(x, tg.ones(2)), RuntimeError, "3 samples.*got 2"),
    "trapezoid bool": (lambda x: tg.trapezoid(x > 1), RuntimeError, "not defined for booleans"),
    "gradient order": (lambda x: tg.gradient(x, edge_order=3), RuntimeError, "1 or 2; got 3"),
    "gradient short": (lambda x: tg.gradient(x[:1]), RuntimeError, r"edge_order \+ 1 = 2"),
    "gradient steps": (lambda x: tg.gradient(x, spacing=[1, 2]), RuntimeError, "1 dimensions"),
    "gradient tensor": (lambda x: tg.gradient(x, spacing=x), RuntimeError, "spacing is one number"),
    "gradient places": (
        lambda x: tg.gradient(x, spacing=(tg.ones(2),)),
        RuntimeError,
        r"a vector of 3; got shape \(2,\)",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_samples_that_do_not_fit_are_explained(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call(tg.tensor([1.0, 2.0, 4.0]))
