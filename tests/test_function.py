"""autograd.Function: operations that users write."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.autograd import Function
from tinygrad_edu.autograd.function import once_differentiable


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return 3 * x * x * grad


class Exp(Function):
    """Saves its result, as exp does."""

    @staticmethod
    def forward(ctx, x):
        out = x.exp()
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx, grad):
        (out,) = ctx.saved_tensors
        return grad * out


class SinCos(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin(), x.cos()

    @staticmethod
    def backward(ctx, grad_sin, grad_cos):
        (x,) = ctx.saved_tensors
        return grad_sin * x.cos() - grad_cos * x.sin()


def leaf(*values):
    return tg.tensor(values, dtype=tg.float64, requires_grad=True)


def test_apply_computes_and_records():
    x = leaf(2.0)
    y = Cube.apply(x)
    y.sum().backward()
    assert (y.item(), x.grad.item()) == (8, 12)
    assert y.grad_fn.name == "Cube"


@pytest.mark.parametrize(("function", "second"), [(Cube, lambda x: 6 * x), (Exp, np.exp)])
def test_the_second_derivative_goes_through_saved_inputs_and_results(function, second):
    x = leaf(0.5)
    (first,) = tg.autograd.grad(function.apply(x).sum(), x, create_graph=True)
    (result,) = tg.autograd.grad(first.sum(), x)
    np.testing.assert_allclose(result.array, second(x.array))


def test_several_results():
    x = leaf(0.3)
    sin, cos = SinCos.apply(x)
    (2 * sin + 5 * cos).sum().backward()
    np.testing.assert_allclose(x.grad.array, 2 * np.cos(0.3) - 5 * np.sin(0.3))


def test_a_saved_result_of_several_gets_all_of_its_second_derivative():
    class ExpAndSin(Function):
        @staticmethod
        def forward(ctx, x):
            first, second = x.exp(), x.sin()
            ctx.save_for_backward(x, first)
            return first, second

        @staticmethod
        def backward(ctx, grad_first, grad_second):
            x, first = ctx.saved_tensors
            return grad_first * first + grad_second * x.cos()

    x = leaf(0.5)
    first, second = ExpAndSin.apply(x)
    (slope,) = tg.autograd.grad((first * second).sum(), x, create_graph=True)
    (slope + first**2).sum().backward()
    # (e^x sin x)' is e^x (sin x + cos x), and its derivative 2 e^x cos x.
    np.testing.assert_allclose(x.grad.item(), 2 * np.exp(0.5) * np.cos(0.5) + 2 * np.exp(1.0))


def test_a_result_that_is_not_used_gets_zeros():
    x = leaf(0.3)
    SinCos.apply(x)[1].sum().backward()
    np.testing.assert_allclose(x.grad.array, [-np.sin(0.3)])


def test_gradcheck_accepts_a_right_function():
    assert tg.testing.gradcheck(Cube.apply, (leaf(0.5, -1.5),))
    assert tg.testing.gradgradcheck(Cube.apply, (leaf(0.5, -1.5),))


def test_needs_input_grad_and_arguments_that_are_not_tensors():
    seen = []

    class Scale(Function):
        @staticmethod
        def forward(ctx, x, factor, y):
            ctx.factor = factor
            return x * factor + y

        @staticmethod
        def backward(ctx, grad):
            seen.append(ctx.needs_input_grad)
            return grad * ctx.factor, None, None

    x = leaf(1.0)
    Scale.apply(x, 3.0, tg.ones(1, dtype=tg.float64)).sum().backward()
    assert x.grad.item() == 3
    assert seen == [(True, False, False)]


def test_forward_and_setup_context_apart():
    class Square(Function):
        @staticmethod
        def forward(x):
            return x * x

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, grad):
            return 2 * ctx.saved_tensors[0] * grad

    x = leaf(3.0)
    Square.apply(x).sum().backward()
    assert x.grad.item() == 6


def test_a_saved_tensor_changed_in_place_is_refused():
    x = leaf(1.0)
    hidden = x * 1
    y = Cube.apply(hidden)
    hidden.detach().add_(1)
    with pytest.raises(RuntimeError, match=r"gradient of Cube.*in-place"):
        y.sum().backward()


def test_a_saved_tensor_that_is_neither_input_nor_result_is_refused_in_a_second_derivative():
    class Bad(Function):
        @staticmethod
        def forward(ctx, x):
            middle = x * 2
            ctx.save_for_backward(middle)
            return middle * middle

        @staticmethod
        def backward(ctx, grad):
            return 4 * ctx.saved_tensors[0] * grad

    x = leaf(3.0)
    assert tg.autograd.grad(Bad.apply(x).sum(), x)[0].item() == 24
    with pytest.raises(RuntimeError, match=r"Bad: under create_graph=True.*neither"):
        tg.autograd.grad(Bad.apply(x).sum(), x, create_graph=True)


def test_once_differentiable_refuses_create_graph():
    class Once(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        @once_differentiable
        def backward(ctx, grad):
            return grad * 2

    x = leaf(3.0)
    assert tg.autograd.grad(Once.apply(x).sum(), x)[0].item() == 2
    with pytest.raises(RuntimeError, match="once_differentiable"):
        tg.autograd.grad(Once.apply(x).sum(), x, create_graph=True)


def test_backward_may_answer_none_for_arguments_left_to_their_defaults():
    class Scaled(Function):
        @staticmethod
        def forward(ctx, x, factor=2.0):
            ctx.factor = factor
            return x * factor

        @staticmethod
        def backward(ctx, grad):
            return grad * ctx.factor, None

    x = leaf(1.0)
    Scaled.apply(x).backward()
    Scaled.apply(x, 3.0).backward()
    assert x.grad.item() == 5


def test_a_wrong_number_of_gradients_is_explained():
    class Wrong(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, grad):
            return grad

    x = leaf(1.0)
    with pytest.raises(
        RuntimeError, match=r"Wrong.backward returned 1 gradients, but forward took 2"
    ):
        Wrong.apply(x, x).sum().backward()
    Wrong.backward = staticmethod(lambda ctx, grad: (grad, grad, grad))
    with pytest.raises(RuntimeError, match="returned 3 gradients, but forward took 2 arguments"):
        Wrong.apply(x, x).sum().backward()


def test_an_input_returned_as_it_is_becomes_a_result_of_its_own():
    class Same(Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, grad):
            return grad * 7

    x = leaf(1.0)
    y = Same.apply(x)
    assert y is not x
    y.sum().backward()
    assert x.grad.item() == 7


@pytest.mark.parametrize("change", ["base", "result"])
def test_a_view_of_an_input_keeps_the_backward_of_the_function_after_a_change_in_place(change):
    class Reversed(Function):
        @staticmethod
        def forward(ctx, x):
            return x.view_as(x)

        @staticmethod
        def backward(ctx, grad):
            return -grad

    x = leaf(1.0)
    hidden = x * 2
    y = Reversed.apply(hidden)
    (hidden if change == "base" else y).mul_(3)
    y.sum().backward()
    # The result has values of its own: a change of the input does not reach them.
    assert (y.item(), x.grad.item()) == ((2, -2) if change == "base" else (6, -6))


def test_writing_into_a_result_that_forward_reshaped_is_recorded():
    class Flat(Function):
        @staticmethod
        def forward(ctx, x):
            return (x * 2).reshape(-1)

        @staticmethod
        def backward(ctx, grad):
            return (grad * 2).reshape(2, 1)

    x = tg.ones(2, 1, requires_grad=True)
    y = Flat.apply(x)
    y[0] = 0.0
    y.sum().backward()
    assert x.grad.tolist() == [[0], [2]]


def test_an_array_returned_twice_never_becomes_two_gradients():
    class Both(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, grad):
            return grad, grad

    x, y = leaf(1.0), leaf(2.0)
    Both.apply(x, y).sum().backward()
    assert not np.shares_memory(x.grad.array, y.grad.array)


def test_non_differentiable_results_have_no_gradient():
    class WithIndex(Function):
        @staticmethod
        def forward(ctx, x):
            index = x * 0
            ctx.mark_non_differentiable(index)
            return x * 2, index

        @staticmethod
        def backward(ctx, grad, _):
            return grad * 2

    first, second = WithIndex.apply(leaf(1.0))
    assert first.requires_grad
    assert not second.requires_grad


def test_an_input_changed_in_place_is_marked_dirty():
    class Double(Function):
        @staticmethod
        def forward(ctx, x):
            x.mul_(2)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, grad):
            return grad * 2

    x = leaf(1.0)
    hidden = x * 1
    y = Double.apply(hidden)
    assert y is hidden
    y.sum().backward()
    assert x.grad.item() == 2


def test_a_leaf_that_requires_grad_cannot_be_marked_dirty():
    class Double(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x.mul_(2)

        @staticmethod
        def backward(ctx, grad):
            return grad * 2

    with pytest.raises(RuntimeError, match=r"Double: a leaf tensor that requires grad"):
        Double.apply(leaf(1.0))


def test_nothing_is_recorded_under_no_grad():
    with tg.no_grad():
        assert Cube.apply(leaf(1.0)).grad_fn is None


def test_the_graph_of_a_function_is_freed_without_the_collector():
    gc.collect()
    gc.disable()
    try:
        y = Exp.apply(leaf(1.0))
        node = weakref.ref(y.grad_fn)
        del y
        assert node() is None
    finally:
        gc.enable()


def test_a_function_without_backward_says_so():
    class Forward(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

    with pytest.raises(NotImplementedError, match="no static method backward"):
        Forward.apply(leaf(1.0)).sum().backward()
