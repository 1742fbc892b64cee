"""In-place forms do what their functions do, in the same memory, or refuse."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.ops import unary
from tinygrad_edu.testing import check_op

IN_PLACE = {
    "add_": (2.5,),
    "sub_": (2.5,),
    "mul_": (2.5,),
    "div_": (2.5,),
    "pow_": (2,),
    "remainder_": (0.7,),
    "fmod_": (0.7,),
    "floor_divide_": (0.7,),
    "clamp_": (0.5, 1.5),
    "round_": (),
} | {f"{name}_": () for name in unary.TABLE if name != "angle"}
IN_PLACE |= {
    "clamp_min_": (0.5,),
    "clamp_max_": (1.5,),
    "atan2_": (tg.tensor(2.0),),
    "hypot_": (tg.tensor(2.0),),
    "addcmul_": (tg.tensor([1.0, 2.0, 3.0]), tg.tensor(2.0)),
    "addcdiv_": (tg.tensor([1.0, 2.0, 3.0]), tg.tensor(2.0)),
    "sgn_": (),
    "copysign_": (-1,),
    "ldexp_": (tg.tensor(3),),
    "nan_to_num_": (),
    "xlogy_": (2.0,),
    "logit_": (0.01,),
    "erf_": (),
    "erfc_": (),
    "erfinv_": (),
    "lgamma_": (),
    "digamma_": (),
    "polygamma_": (1,),
    "mvlgamma_": (1,),
    "i0_": (),
    "cumsum_": (0,),
    "cumprod_": (0,),
}
# Of functions that are not defined, or have a kink, at 0.3, 1.2 or 2.6.
INSIDE = {"acosh_": 1.5} | dict.fromkeys(["asin_", "acos_", "atanh_", "erfinv_", "logit_"], 0.2)


@pytest.mark.parametrize("name", IN_PLACE)
def test_an_in_place_form_does_what_its_function_does(name):
    arguments = IN_PLACE[name]
    x = np.array([0.3, 1.2, 2.6])
    if name in INSIDE:
        x = np.array([1.0, 1.1, 1.3]) * INSIDE[name]
    outside = getattr(tg.Tensor, name[:-1])

    def in_place(x):
        y = x * 1.0
        memory = y.array
        assert getattr(y, name)(*arguments) is y
        assert y.array is memory
        return y

    check_op(in_place, x, plain=lambda x: outside(x * 1.0, *arguments), layouts=False)


def test_in_place_operators_keep_the_tensor():
    x = before = tg.tensor([5.0, 7.0])
    x += 1
    x -= tg.tensor([1.0, 2.0])
    x *= 3
    x /= 2
    x **= 2
    x %= 50
    x //= 2
    assert x is before
    assert x.tolist() == [3.0, 15.0]


def test_in_place_operators_on_bits_keep_the_tensor():
    x = before = tg.tensor([True, True, False])
    view = x[1:]
    x &= tg.tensor([True, False, True])
    assert view.tolist() == [False, False]
    x |= tg.tensor([False, True, False])
    x ^= tg.tensor([True, True, True])
    assert x is before
    assert x.tolist() == [False, False, True]


def test_bits_in_place_fit_shape_and_type():
    with pytest.raises(
        RuntimeError, match=r"bitwise_or_: the result, of shape \(2,\) and type int"
    ):
        tg.tensor([True, False]).bitwise_or_(1)
    with pytest.raises(RuntimeError, match=r"bitwise_and_: the result, of shape \(2, 2\)"):
        tg.tensor([1, 2]).bitwise_and_(tg.ones(2, 2, dtype=tg.int64))


def test_division_in_place_rounds_if_asked_to():
    x = tg.tensor([-7.0, 7.0])
    assert x.clone().div_(2, rounding_mode="floor").tolist() == [-4.0, 3.0]
    assert x.clone().div_(2, rounding_mode="trunc").tolist() == [-3.0, 3.0]
    with pytest.raises(RuntimeError, match=r"div_: rounding_mode is None, 'trunc' or 'floor'"):
        x.div_(2, rounding_mode="up")


@pytest.mark.parametrize("name", ["remainder_", "fmod_", "floor_divide_"])
def test_integer_division_by_zero_in_place_is_refused(name):
    with pytest.raises(RuntimeError, match=rf"{name}: integer division by zero"):
        getattr(tg.tensor([1, 2]), name)(0)


def test_in_place_on_a_leaf_that_requires_grad_is_refused():
    x = tg.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"add_: a leaf tensor that requires grad.*no_grad"):
        x.add_(1)
    with tg.no_grad():
        x.add_(1)
    assert x.tolist() == [2.0, 2.0]


def test_in_place_cannot_change_shape_or_kind():
    with pytest.raises(RuntimeError, match=r"add_: the result has shape \(3, 2\)"):
        tg.ones(2).add_(tg.ones(3, 2))
    with pytest.raises(RuntimeError, match=r"can't be cast"):
        tg.tensor([1, 2]).add_(0.5)
    with pytest.raises(RuntimeError, match=r"can't be cast"):
        tg.tensor([1, 2]).div_(2)
    with pytest.raises(RuntimeError, match=r"can't be cast"):
        tg.tensor([True]).add_(1)


def test_in_place_with_another_type_keeps_the_type_also_of_gradients():
    x = tg.ones(2, requires_grad=True)
    y = x * 1
    y.mul_(tg.tensor([2.0, 3.0], dtype=tg.float64)).add_(tg.tensor([1, 2]))
    y.retain_grad()
    y.sum().backward()
    assert (y.dtype, y.grad.dtype, x.grad.dtype) == (tg.float32,) * 3
    assert x.grad.tolist() == [2.0, 3.0]


def test_a_leaf_changed_through_its_detached_tensor_keeps_its_gradient():
    weight = tg.tensor([1.0, 2.0], requires_grad=True)
    memory = weight.detach()
    memory.add_(weight)
    memory.sum().backward()
    assert memory.tolist() == [2, 4]
    assert weight.grad.tolist() == [1, 1]


def test_a_view_filled_with_a_number_stays_in_the_graph_of_its_base():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    base = x * 1
    part = base[:1]
    part.fill_(5)
    assert part.requires_grad
    (part * 3 + base).sum().backward()
    assert x.grad.tolist() == [0, 1]


def test_a_saved_value_changed_in_place_is_noticed():
    x = tg.ones(2, requires_grad=True)
    y = x.exp()
    z = y * y
    y.add_(1)
    with pytest.raises(RuntimeError, match=r"Mul"):
        z.sum().backward()


WITHOUT_GRADIENT = {
    "bitwise_not_": ([5, -3], (), [-6, 2]),
    "bitwise_left_shift_": ([5, -3], (1,), [10, -6]),
    "bitwise_right_shift_": ([5, -3], (1,), [2, -2]),
    "gcd_": ([12, 7], (tg.tensor(8),), [4, 1]),
    "lcm_": ([12, 7], (tg.tensor(8),), [24, 56]),
    "eq_": ([1.0, 2.0], (2,), [0.0, 1.0]),
    "ne_": ([1.0, 2.0], (2,), [1.0, 0.0]),
    "lt_": ([1.0, 2.0], (2,), [1.0, 0.0]),
    "le_": ([1.0, 2.0], (2,), [1.0, 1.0]),
    "gt_": ([1, 2], (1,), [0, 1]),
    "ge_": ([1, 2], (1,), [1, 1]),
    "greater_": ([1, 2], (1,), [0, 1]),
    "greater_equal_": ([1, 2], (2,), [0, 1]),
    "less_": ([1, 2], (2,), [1, 0]),
    "less_equal_": ([1, 2], (1,), [1, 0]),
    "not_equal_": ([1, 2], (1,), [0, 1]),
    "logical_and_": ([2, 0], (tg.tensor(1),), [1, 0]),
    "logical_or_": ([2, 0], (tg.tensor(0),), [1, 0]),
    "logical_xor_": ([2, 0], (tg.tensor(1),), [0, 1]),
    "logical_not_": ([2.0, 0.0], (), [0.0, 1.0]),
    "heaviside_": ([-1.0, 0.0], (tg.tensor([0.5]),), [0.0, 0.5]),
    "nextafter_": ([1.0, 0.0], (tg.tensor([1.0, 0.0]),), [1.0, 0.0]),
    "igamma_": ([1.0, 1.0], (tg.tensor(0.0),), [0.0, 0.0]),
    "igammac_": ([1.0, 1.0], (tg.tensor(0.0),), [1.0, 1.0]),
    "square_": ([3, -2], (), [9, 4]),
}


@pytest.mark.parametrize("name", WITHOUT_GRADIENT)
def test_an_in_place_form_without_a_gradient_keeps_memory_and_type(name):
    values, arguments, expected = WITHOUT_GRADIENT[name]
    x = tg.tensor(values)
    memory, dtype = x.array, x.dtype
    assert getattr(x, name)(*arguments) is x
    assert x.array is memory
    assert x.dtype == dtype
    assert x.tolist() == expected


def test_interpolation_in_place_has_both_gradients():
    x, end = (tg.tensor([value, 3.0], requires_grad=True) for value in (1.0, 5.0))
    y = x * 1
    y.lerp_(end, 0.25).sum().backward()
    assert y.tolist() == [2.0, 3.0]
    assert (x.grad.tolist(), end.grad.tolist()) == ([0.75, 0.75], [0.25, 0.25])


def test_rows_are_shrunk_in_place():
    x = tg.tensor([[3.0, 4.0], [0.3, 0.4]])
    assert x.renorm_(2, 0, 1) is x
    np.testing.assert_allclose(x.numpy(), [[0.6, 0.8], [0.3, 0.4]], rtol=1e-6)


def test_shift_operators():
    x = tg.tensor([1, 3])
    assert ((x << 2).tolist(), (x >> 1).tolist()) == ([4, 12], [0, 1])
    assert ((1 << x).tolist(), (8 >> x).tolist()) == ([2, 8], [4, 1])
    before = x
    x <<= 3
    x >>= 1
    assert x is before
    assert x.tolist() == [4, 12]


@pytest.mark.parametrize("name", ["frac_", "reciprocal_", "exp_", "erf_", "logit_", "float_power_"])
def test_a_floating_result_is_not_written_into_integers(name):
    arguments = (2,) if name == "float_power_" else ()
    with pytest.raises(RuntimeError, match=f"{name}: the result, of shape .* does not fit"):
        getattr(tg.tensor([1, 2]), name)(*arguments)


def test_a_result_of_double_precision_is_not_written_into_single():
    with pytest.raises(RuntimeError, match=r"float_power_: the result.*float64.*float32"):
        tg.tensor([2.0]).float_power_(2)


def test_integers_of_any_size_are_written_into_each_other():
    x = tg.tensor([250, 3], dtype=tg.uint8)
    assert x.add_(tg.tensor([10, 1])).tolist() == [4, 4]


def test_a_tensor_may_be_its_own_argument():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    y.hypot_(y)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [2**0.5] * 2, rtol=1e-6)


def test_a_leaf_that_requires_grad_is_refused_by_every_form():
    x = tg.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"xlogy_: a leaf tensor that requires grad"):
        x.xlogy_(2.0)


def test_functions_in_place_are_those_of_the_methods():
    x = tg.tensor([4.0])
    assert tg.sqrt_(x) is x
    assert tg.clamp_(x, max=1.5).item() == 1.5
    assert tg.negative_ is tg.neg_ is tg.Tensor.neg_
