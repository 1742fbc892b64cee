"""Extrema and logarithmic sums so far; distances; norms held below a limit."""

import numpy as np
import pytest
from cases import Case, pair, property_test
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.testing.strategies import arrays, shapes

inf, nan = np.inf, np.nan


def along(x):
    limit = max(x.ndim, 1)
    return st.fixed_dictionaries({"dim": st.integers(-limit, limit - 1)})


def accumulated(ufunc):
    def reference(x, dim):
        return ufunc.accumulate(x, axis=dim) if x.ndim else x

    return reference


def limits(x):
    return st.fixed_dictionaries(
        {
            "p": st.sampled_from([1, 2, 3]),
            "dim": st.integers(-x.ndim, x.ndim - 1),
            "maxnorm": st.sampled_from([0.7, 100.0]),
        }
    )


def numpy_renorm(x, p, dim, maxnorm):
    others = tuple(axis for axis in range(x.ndim) if axis != dim % x.ndim)
    size = (np.abs(x) ** p).sum(axis=others, keepdims=True) ** (1 / p)
    return x * np.where(size > maxnorm, maxnorm / (size + 1e-7), 1)


CASES = [
    Case("cummax", lambda x, dim: tg.cummax(x, dim)[0], arrays(), accumulated(np.maximum), along),
    Case("cummin", lambda x, dim: tg.cummin(x, dim)[0], arrays(), accumulated(np.minimum), along),
    Case("logcumsumexp", tg.logcumsumexp, arrays(), accumulated(np.logaddexp), along),
    Case("dist", tg.dist, pair(), reference=lambda x, y: np.sqrt(((x - y) ** 2).sum())),
    Case(
        "dist of order p",
        tg.dist,
        pair(),
        reference=lambda x, y, p: (np.abs(x - y) ** p).sum() ** (1 / p),
        kwargs=st.sampled_from([{"p": 1}, {"p": 3}, {"p": 1.5}]),
    ),
    Case(
        "renorm",
        tg.renorm,
        arrays(shapes(min_dims=2, min_side=2, max_side=3), low=0.2, high=3.0),
        numpy_renorm,
        limits,
    ),
]
test_value_gradient_and_second_gradient = property_test(CASES)


def test_the_last_of_equal_extrema_is_named_and_nan_stays():
    x = tg.tensor([1.0, 3.0, 3.0, nan, 2.0, nan])
    values, indices = tg.cummax(x, 0)
    np.testing.assert_array_equal(values.numpy(), [1, 3, 3, nan, nan, nan])
    assert indices.tolist() == [0, 1, 2, 3, 3, 5]
    values, indices = tg.cummin(tg.tensor([[2, 1], [2, 0]]), 0)
    assert (values.tolist(), indices.tolist()) == ([[2, 1], [2, 0]], [[0, 0], [1, 1]])


def test_extrema_of_booleans_numbers_and_nothing():
    assert tg.cummax(tg.tensor([False, True, False]), 0).values.tolist() == [False, True, True]
    assert [part.item() for part in tg.cummax(tg.tensor(3), 0)] == [3, 0]
    assert tg.zeros(0).cummin(0).indices.shape == (0,)


def test_logarithmic_sums_neither_overflow_nor_lose_small_gradients():
    x = tg.tensor([-2000.0, 0.0, 2000.0], dtype=tg.float64, requires_grad=True)
    result = tg.logcumsumexp(x, 0)
    assert result.tolist() == [-2000.0, 0.0, 2000.0]
    (result * tg.tensor([2.0, 3.0, -5.0], dtype=tg.float64)).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [2.0, 3.0, -5.0], rtol=1e-12)
    infinite = tg.logcumsumexp(tg.tensor([-inf, -inf, 1.0, inf, 2.0]), 0)
    assert infinite.tolist() == [-inf, -inf, 1.0, inf, inf]


def test_rows_within_the_limit_are_left_alone():
    x = tg.tensor([[3.0, 4.0], [0.3, 0.4]])
    result = tg.renorm(x, 2, 0, 1.0)
    np.testing.assert_allclose(result.numpy(), [[0.6, 0.8], [0.3, 0.4]], rtol=1e-6)
    assert tg.renorm(x, inf, 0, 2.0).abs().max().item() == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: tg.cummax(x, 2), IndexError, r"range of \[-2, 1\], but got 2"),
        (lambda x: tg.cummin(x, (0, 1)), TypeError, "dim is one integer"),
        (lambda x: tg.logcumsumexp(x.int(), 0), RuntimeError, "expected a floating tensor"),
        (lambda x: tg.dist(x.int(), x.int()), RuntimeError, "expected a floating tensor"),
        (lambda x: tg.renorm(x.int(), 2, 0, 1), RuntimeError, "expected a floating tensor"),
        (lambda x: tg.renorm(x, 0, 0, 1), RuntimeError, "p must be positive; got 0"),
        (lambda x: tg.renorm(x, 2, 0, -1), RuntimeError, "maxnorm cannot be negative; got -1"),
        (lambda x: tg.renorm(x[0], 2, 0, 1), RuntimeError, r"at least two.*\(3,\)"),
    ],
)
def test_impossible_arguments_are_explained(call, error, message):
    with pytest.raises(error, match=message):
        call(tg.ones(2, 3))
