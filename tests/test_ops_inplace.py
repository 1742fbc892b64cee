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
} | {f"{name}_": () for name in unary.TABLE}
# Of functions that are not defined, or have a kink, at 0.3, 1.2 or 2.6.
INSIDE = {"acosh_": 1.5, "asin_": 0.2, "acos_": 0.2, "atanh_": 0.2}


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
