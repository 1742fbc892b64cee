"""Memory layouts, and what the strategies of the test kit draw."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu.testing import LAYOUTS, relayout
from tinygrad_edu.testing.strategies import (
    arrays,
    axes,
    broadcastable_shapes,
    dtypes,
    layouts,
    shapes,
    spread,
)

X = spread((2, 3), 2)


@pytest.mark.parametrize("dtype", [np.float64, np.int64, np.uint8, np.bool_])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_changes_memory_not_values(layout, dtype):
    array = np.arange(6).reshape(2, 3).astype(dtype)
    other = relayout(array, layout)
    np.testing.assert_array_equal(other, array)
    assert other.dtype == array.dtype
    assert not np.shares_memory(other, array)
    assert other.flags.c_contiguous == (layout in ("contiguous", "readonly"))
    assert other.flags.writeable == (layout != "readonly")


def test_relayout_refuses_unknown_names():
    with pytest.raises(ValueError, match="layout is one of contiguous, transposed"):
        relayout(X, "diagonal")


@given(arrays(shapes(min_side=0), low=-2.0, high=2.0, kinks=(0.0, 1.0), margin=0.1))
def test_drawn_values_keep_away_from_kinks_ends_and_each_other(x):
    assert np.all(np.abs(x) < 2)
    for kink in (-2.0, 0.0, 1.0, 2.0):
        assert np.all(np.abs(x - kink) >= 0.1 - 1e-12)
    values = np.sort(x.reshape(-1))
    assert np.all(np.diff(values) >= 0.5 * (4 - 6 * 0.1) / max(x.size, 1) - 1e-12)


def test_spread_is_a_function_of_its_seed():
    np.testing.assert_array_equal(spread((4,), 1), spread((4,), 1))
    assert not np.array_equal(spread((4,), 1), spread((4,), 2))


def test_spread_knows_half_open_domains():
    assert np.all(spread((50,), low=1.0, high=np.inf) > 1)
    assert np.all(spread((50,), low=-np.inf, high=-1.0) < -1)


def test_spread_refuses_margins_that_leave_no_room():
    with pytest.raises(ValueError, match=r"margin of 0\.5 around"):
        spread((2,), low=0.0, high=1.0, margin=0.5)


@given(st.data())
def test_drawn_dimensions_can_be_reduced_over(data):
    ndim = data.draw(st.integers(0, 4))
    dim = data.draw(axes(ndim))
    assert np.ones((1,) * ndim).sum(axis=dim).size == 1


def test_axes_refuses_to_draw_from_nothing():
    with pytest.raises(ValueError, match="allow none=True"):
        axes(0, none=False)


@given(broadcastable_shapes(3))
def test_drawn_shapes_broadcast(drawn):
    assert len(np.broadcast_shapes(*drawn)) <= 3


@given(dtypes("float", "int"), layouts(np.ones((2, 2))))
def test_drawn_types_and_layouts(dtype, array):
    assert dtype.kind in "fiu"
    assert array.sum() == 4


def test_dtypes_refuses_unknown_kinds():
    with pytest.raises(ValueError, match="kinds are float, int, bool; got complex"):
        dtypes("complex")


def test_hypothesis_is_imported_only_for_strategies():
    code = "import sys, tinygrad_edu.testing; assert 'hypothesis' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_hypothesis_the_strategies_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(ImportError, match="pip install hypothesis"):
        shapes()
