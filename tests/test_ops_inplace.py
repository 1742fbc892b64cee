"""In-place forms do what their functions do, in the same memory, or refuse."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.testing import check_op

IN_PLACE = {
    "add_": (2.5,),
    "sub_": (2.5,),
    "mul_": (2.5,),
    "div_": (2.5,),
    "pow_": (2,),
    "remainder_": (0.7,),
    "clamp_": (0.5, 1.5),
    "exp_": (),
    "log_": (),
    "sqrt_": (),
    "abs_": (),
    "neg_": (),
    "sigmoid_": (),
    "tanh_": (),
    "floor_": (),
    "reciprocal_": (),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_an_in_place_form_does_what_its_function_does(name):
    arguments = IN_PLACE[name]
    x = np.array([0.3, 1.2, 2.6])
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
    assert x is before
    assert x.tolist() == [6.25, 31.0]


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


def test_a_saved_value_changed_in_place_is_noticed():
    x = tg.ones(2, requires_grad=True)
    y = x.exp()
    z = y * y
    y.add_(1)
    with pytest.raises(RuntimeError, match=r"Mul"):
        z.sum().backward()
