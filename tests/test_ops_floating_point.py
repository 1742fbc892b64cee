"""Parts of floating numbers, steps, and three tensors in one step."""

import numpy as np
import pytest
from cases import Case, pair, property_test, tuples
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.testing.strategies import arrays, broadcastable_shapes

inf, nan = np.inf, np.nan
AWAY_FROM_ZERO = {"low": 0.5, "high": 3.0}
BOTH_SIGNS = {"kinks": (0.0,)}
WEIGHTS = st.sampled_from([-1.0, 0.0, 0.3, 0.5, 0.8, 1.0, 2.0])


@st.composite
def three(draw, last=None):
    """Three arrays that are broadcast together."""
    x, y, z = draw(broadcastable_shapes(3, max_dims=2, max_side=3))
    return draw(arrays(x)), draw(arrays(y)), draw(arrays(z, **(last or {})))


def value():
    return st.fixed_dictionaries({}, optional={"value": st.sampled_from([-2, 0.5, 3])})


CASES = [
    Case("lerp", tg.lerp, three(), reference=lambda x, y, w: x + w * (y - x)),
    Case(
        "lerp with a number",
        tg.lerp,
        pair(),
        reference=lambda x, y, weight: x + weight * (y - x),
        kwargs=st.fixed_dictionaries({"weight": WEIGHTS}),
    ),
    Case(
        "addcmul",
        tg.addcmul,
        three(),
        reference=lambda x, y, z, value=1: x + value * y * z,
        kwargs=value(),
    ),
    Case(
        "addcdiv",
        tg.addcdiv,
        three(AWAY_FROM_ZERO),
        reference=lambda x, y, z, value=1: x + value * y / z,
        kwargs=value(),
    ),
    Case("copysign", tg.copysign, pair(BOTH_SIGNS, BOTH_SIGNS), reference=np.copysign),
    Case("nextafter", tg.nextafter, pair(), reference=np.nextafter),
    Case(
        "ldexp",
        tg.ldexp,
        tuples(arrays((3,)), st.sampled_from([np.array([3, 0, 4]), np.array([[1], [2]])])),
        reference=np.ldexp,
    ),
    Case("ldexp by a fraction", tg.ldexp, pair(), reference=lambda x, y: x * 2**y),
    Case(
        "frexp",
        lambda x: tg.frexp(x)[0],
        arrays(
            kinks=(-2.0, -1.0, -0.5, -0.25, -0.125, 0.0, 0.125, 0.25, 0.5, 1.0, 2.0), margin=0.01
        ),
        reference=lambda x: np.frexp(x)[0],
    ),
    Case(
        "float_power",
        tg.float_power,
        pair(AWAY_FROM_ZERO, {}),
        reference=np.float_power,
        options={"float32": False},
    ),
    Case(
        "heaviside",
        lambda values: tg.heaviside(tg.tensor([-1.0, 0.0, 2.0], dtype=values.dtype), values),
        arrays((2, 3)),
        reference=lambda values: np.heaviside([-1.0, 0.0, 2.0], values),
    ),
    Case("nan_to_num", tg.nan_to_num, arrays(), reference=lambda x: x),
    Case("fmax", tg.fmax, pair(), reference=np.fmax),
    Case("fmin", tg.fmin, pair(), reference=np.fmin),
    Case("sgn", tg.sgn, arrays(kinks=(0.0,)), reference=np.sign),
    Case("positive", lambda x: tg.positive(x) * 1, arrays(), reference=lambda x: x),
    Case(
        "clamp_min",
        tg.clamp_min,
        arrays(kinks=(0.5,)),
        reference=lambda x, min: np.clip(x, min, None),
        kwargs={"min": 0.5},
    ),
    Case(
        "clamp_max",
        tg.clamp_max,
        arrays(kinks=(0.5,)),
        reference=lambda x, max: np.clip(x, None, max),
        kwargs={"max": 0.5},
    ),
]
test_value_gradient_and_second_gradient = property_test(CASES)


def test_lerp_reaches_both_ends_exactly():
    x, end = tg.tensor([1e8, inf, 1.0]), tg.tensor([1.0, 2.0, inf])
    assert tg.lerp(tg.tensor([1e8]), tg.tensor([1.0]), 1.0).item() == 1.0
    np.testing.assert_array_equal(tg.lerp(x, end, 0.5).numpy(), [5e7, inf, nan])


def test_values_of_addcmul_stay_integers_among_integers():
    one = tg.tensor([1])
    assert tg.addcmul(one, tg.tensor([2]), tg.tensor([3]), value=2).tolist() == [13]
    assert tg.addcmul(one, tg.tensor([2]), tg.tensor([3]), value=0.5).tolist() == [1]
    assert tg.addcmul(one, tg.tensor([2.0]), tg.tensor([3])).dtype == tg.float32


def test_signs_of_zero_and_nan_are_copied():
    result = tg.copysign(tg.tensor([1.0, 1.0, 0.0]), tg.tensor([-0.0, nan, -1.0]))
    np.testing.assert_array_equal(result.numpy()[:2], [-1.0, 1.0])
    assert result.signbit().tolist() == [True, False, True]
    assert tg.copysign(tg.tensor([1, 2]), -1).dtype == tg.float32


def test_no_slope_of_copysign_at_zero():
    x = tg.tensor([0.0, -2.0], requires_grad=True)
    tg.copysign(x, 1.0).sum().backward()
    assert x.grad.tolist() == [0.0, -1.0]


def test_neighbours_of_numbers():
    one = tg.tensor([1.0, 1.0, 0.0], dtype=tg.float64)
    up, down, tiny = tg.nextafter(one, tg.tensor([2.0, 0.0, 1.0], dtype=tg.float64)).tolist()
    assert (up, down, tiny) == (1 + 2**-52, 1 - 2**-53, 5e-324)


def test_mantissa_and_exponent_of_special_values():
    mantissa, exponent = tg.frexp(tg.tensor([0.0, -8.3, inf, nan, 1.0]))
    np.testing.assert_allclose(mantissa.numpy(), [0.0, -0.51875, inf, nan, 0.5], rtol=1e-6)
    assert exponent.tolist() == [0, 4, 0, 0, 1]
    assert exponent.dtype == tg.int32
    assert tg.frexp(tg.tensor([2.0])).exponent.item() == 2


def test_float_power_is_of_double_precision():
    assert tg.float_power(tg.tensor([2]), 3).dtype == tg.float64
    assert tg.float_power(2, tg.tensor([0.5])).item() == 2**0.5
    assert tg.float_power(2, 3).item() == 8.0
    assert tg.tensor([2.0]).float_power(tg.tensor([-1])).item() == 0.5


def test_the_step_is_zero_for_nan_and_takes_the_given_value_at_zero():
    result = tg.heaviside(tg.tensor([nan, -1.0, 0.0, 3.0]), tg.tensor([0.5]))
    assert result.tolist() == [0.0, 0.0, 0.5, 1.0]
    assert tg.heaviside(tg.tensor([-2, 0]), tg.tensor([7])).tolist() == [0, 7]


def test_not_numbers_become_numbers():
    x = tg.tensor([nan, inf, -inf, 1.0], requires_grad=True)
    largest = float(np.finfo(np.float32).max)
    assert tg.nan_to_num(x).tolist() == [0.0, largest, -largest, 1.0]
    result = tg.nan_to_num(x, nan=2.0, posinf=3.0, neginf=-4.0)
    result.sum().backward()
    assert result.tolist() == [2.0, 3.0, -4.0, 1.0]
    assert x.grad.tolist() == [0.0, 0.0, 0.0, 1.0]
    assert tg.nan_to_num(tg.tensor([1, 2]), 5).tolist() == [1, 2]


@pytest.mark.parametrize("name", ["fmax", "fmin"])
def test_numbers_win_over_nan_and_take_the_gradient(name):
    x = tg.tensor([nan, 1.0, nan, 2.0], requires_grad=True)
    y = tg.tensor([3.0, nan, nan, 2.0], requires_grad=True)
    result = getattr(tg, name)(x, y)
    result.nansum().backward()
    np.testing.assert_array_equal(result.detach().numpy(), [3.0, 1.0, nan, 2.0])
    assert x.grad.tolist() == [0.0, 1.0, 0.0, 1.0]
    assert y.grad.tolist() == [1.0, 0.0, 0.0, 0.0]


def test_sign_of_nan_is_zero():
    assert tg.sgn(tg.tensor([nan, -0.0, -3.0])).tolist() == [0.0, 0.0, -1.0]
    assert tg.sign(tg.tensor([True, False])).tolist() == [True, False]


def test_angles_of_real_numbers():
    result = tg.angle(tg.tensor([-0.0, nan, -1.0, inf, -inf]))
    np.testing.assert_allclose(result.numpy(), [0.0, nan, np.pi, 0.0, np.pi], rtol=1e-6)
    assert tg.tensor([-1, 1]).angle().dtype == tg.float32


ERRORS = {
    "lerp types": (
        lambda x: tg.lerp(x, x.double(), 0.5),
        RuntimeError,
        "float32 and float64.*end.to",
    ),
    "lerp integers": (lambda x: tg.lerp(x.int(), x.int(), 0.5), RuntimeError, "int32"),
    "lerp number": (lambda x: tg.lerp(x, 1.0, 0.5), TypeError, "end is a tensor; got float"),
    "lerp weights": (
        lambda x: tg.lerp(x, x, tg.ones(2, dtype=tg.float64)),
        RuntimeError,
        "weights must have the type",
    ),
    "addcmul number": (lambda x: tg.addcmul(x, x, 3), TypeError, "tensor2 is a tensor; got int"),
    "addcmul bool": (lambda x: tg.addcmul(*[x > 0] * 3), RuntimeError, "not defined for booleans"),
    "addcdiv": (lambda x: tg.addcdiv(x, x.int(), x.int()), RuntimeError, "two integer tensors"),
    "nextafter": (lambda x: tg.nextafter(x.int(), x.int()), RuntimeError, "got integers"),
    "frexp": (lambda x: tg.frexp(x.int()), RuntimeError, "got int32"),
    "heaviside": (lambda x: tg.heaviside(x, x.int()), RuntimeError, "float32 and int32"),
    "positive": (lambda x: tg.positive(x > 0), RuntimeError, "not defined for booleans"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_what_cannot_be_computed_is_explained(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call(tg.tensor([1.0, 2.0]))
