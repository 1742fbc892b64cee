"""Comparisons, logic and bits: against NumPy, NaN and infinity included; nothing is recorded."""

import numpy as np
import pytest

import tinygrad_edu as tg

inf, nan = np.inf, np.nan


@pytest.mark.parametrize(
    ("function", "numpy"),
    [
        (tg.eq, np.equal),
        (tg.ne, np.not_equal),
        (tg.lt, np.less),
        (tg.le, np.less_equal),
        (tg.gt, np.greater),
        (tg.ge, np.greater_equal),
        (tg.logical_and, np.logical_and),
        (tg.logical_or, np.logical_or),
        (tg.logical_xor, np.logical_xor),
    ],
    ids=lambda function: function.__name__,
)
def test_comparisons_and_logic_agree_with_numpy_and_record_nothing(function, numpy):
    x = np.array([[0.0, 1.0, nan, inf], [-1.0, 1.0, 2.0, -inf]], dtype=np.float32)
    y = np.array([1.0, 1.0, nan, 0.0], dtype=np.float32)
    result = function(tg.tensor(x, requires_grad=True), tg.tensor(y))
    assert result.dtype == tg.bool
    assert not result.requires_grad
    np.testing.assert_array_equal(result.numpy(), numpy(x, y))
    np.testing.assert_array_equal(function(tg.tensor(x), 1).numpy(), numpy(x, 1))
    np.testing.assert_array_equal(function(1.0, tg.tensor(x)).numpy(), numpy(1.0, x))


def test_operators_compare_elementwise_and_refuse_nothing_python_expects():
    x = tg.tensor([1.0, 2.0])
    assert (x == tg.tensor([1.0, 3.0])).tolist() == [True, False]
    assert (x != 1).tolist() == [False, True]
    assert ((x > 1) | (x == 1)).tolist() == [True, True]
    assert (~(x > 1) & (x - 1 < 1)).tolist() == [True, False]
    assert (x == None) is False  # noqa: E711
    assert x != "text"


def test_bits():
    x, y = tg.tensor([6, 5]), tg.tensor([3, 3])
    assert (x & y).tolist() == [2, 1]
    assert (x | y).tolist() == [7, 7]
    assert (x ^ y).tolist() == [5, 6]
    assert (~x).tolist() == [-7, -6]
    assert tg.bitwise_and(x, 4).tolist() == [4, 4]
    with pytest.raises(RuntimeError, match="bitwise_or: bits are defined for integers"):
        tg.ones(2) | 1
    with pytest.raises(TypeError, match="bitwise_not: bits are defined for integers"):
        ~tg.ones(2)


def test_classification_of_numbers():
    x = tg.tensor([0.0, 1.0, inf, -inf, nan])
    assert x.isnan().tolist() == [False, False, False, False, True]
    assert x.isinf().tolist() == [False, False, True, True, False]
    assert x.isfinite().tolist() == [True, True, False, False, False]
    assert x.logical_not().tolist() == [True, False, False, False, False]
    assert tg.tensor([1, 2]).isfinite().tolist() == [True, True]


def test_equality_of_whole_tensors():
    x = tg.tensor([1.0, nan])
    assert not tg.equal(x, x)
    assert tg.equal(tg.tensor([1.0]), tg.tensor([1.0], dtype=tg.float64))
    assert not tg.equal(tg.ones(2), tg.ones(3))
    assert tg.allclose(x, x, equal_nan=True)
    assert not tg.allclose(x, x)
    assert tg.isclose(tg.tensor([1.0, 1.0]), tg.tensor([1.1, 1.2]), rtol=0, atol=0.15).tolist() == [
        True,
        False,
    ]
    with pytest.raises(RuntimeError, match=r"allclose: the shapes \(2,\) and \(3,\)"):
        tg.allclose(tg.ones(2), tg.ones(3))


def test_second_names_of_comparisons():
    pairs = [("less", "lt"), ("less_equal", "le"), ("greater", "gt"), ("greater_equal", "ge")]
    for second, first in [*pairs, ("not_equal", "ne")]:
        assert getattr(tg, second) is getattr(tg, first)
        assert getattr(tg.Tensor, second) is getattr(tg, first)


def test_infinities_and_signs_are_told_apart():
    x = tg.tensor([inf, -inf, nan, -0.0, 1.0])
    assert tg.isposinf(x).tolist() == [True, False, False, False, False]
    assert tg.isneginf(x).tolist() == [False, True, False, False, False]
    assert tg.isreal(x).all()
    assert tg.signbit(x).tolist() == [False, True, False, True, False]
    assert tg.signbit(tg.tensor([-1, 0])).tolist() == [True, False]
    assert tg.signbit(tg.tensor([True])).tolist() == [False]


@pytest.mark.parametrize(
    ("function", "numpy"),
    [
        (tg.gcd, np.gcd),
        (tg.lcm, np.lcm),
        (tg.bitwise_left_shift, np.left_shift),
        (tg.bitwise_right_shift, np.right_shift),
    ],
    ids=lambda function: function.__name__,
)
def test_functions_of_integers_agree_with_numpy(function, numpy):
    x = np.array([[12, -7, 0], [64, 5, -8]])
    y = np.array([8, 3, 2])
    np.testing.assert_array_equal(function(tg.tensor(x), tg.tensor(y)).numpy(), numpy(x, y))
    assert function(tg.tensor([3], dtype=tg.uint8), tg.tensor([1])).dtype == tg.int64


def test_shifts_beyond_the_last_bit():
    x = tg.tensor([1, -8])
    assert (x << 64).tolist() == [0, 0]
    assert (x >> 70).tolist() == [0, -1]


@pytest.mark.parametrize("name", ["gcd", "lcm", "bitwise_left_shift", "bitwise_right_shift"])
def test_functions_of_integers_refuse_other_types(name):
    function = getattr(tg, name)
    with pytest.raises(RuntimeError, match=f"{name}: bits are defined for integers"):
        function(tg.tensor([1.5]), tg.tensor([1]))
    with pytest.raises(RuntimeError, match=f"{name} is not defined for booleans"):
        function(tg.tensor([True]), tg.tensor([True]))
    with pytest.raises(RuntimeError, match=f"{name}: Python integer 300 out of bounds for uint8"):
        function(tg.tensor([1], dtype=tg.uint8), 300)


def test_equal_compares_tensors():
    with pytest.raises(TypeError, match="equal: two tensors are compared; got int"):
        tg.equal(tg.ones(2), 3)
