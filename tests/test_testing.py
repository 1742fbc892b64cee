"""The checker is checked: errors are planted, and each must be found."""

import gc
from typing import ClassVar

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.autograd.fused import Fused
from tinygrad_edu.autograd.graph import Operation, apply, wrap
from tinygrad_edu.testing import (
    GradcheckError,
    check_op,
    gradcheck,
    gradgradcheck,
    numerical_gradient,
    operations,
)
from tinygrad_edu.testing.strategies import (
    spread,
)

SQUARE = spread((3, 3), 1)
X = spread((2, 3), 2)
BIAS = spread((3,), 3)


def function(forward, backward):
    """A user's Function of these two; `forward` may keep what `backward` needs in ctx."""
    made = type(
        "Planted",
        (tg.autograd.Function,),
        {"forward": staticmethod(forward), "backward": staticmethod(backward)},
    )
    return made.apply


def saving(compute):
    """A forward that saves its inputs."""

    def forward(ctx, *inputs):
        ctx.save_for_backward(*inputs)
        return compute(*inputs)

    return forward


def rule(compute, backward):
    """A Function whose backward is `backward(grad, *inputs)`."""
    return function(saving(compute), lambda ctx, grad: backward(grad, *ctx.saved_tensors))


def cube(x):
    return x * x * x


def add_bias(x, bias):
    return x + bias


def transposed(x):
    return wrap(x.array.T.copy())


def flipped(x):
    return wrap(np.ascontiguousarray(x.array.T))


RIGHT = {
    "cube": (rule(cube, lambda grad, x: grad * 3 * x * x), (X,)),
    "product": (rule(lambda x, y: x * y, lambda grad, x, y: (grad * y, grad * x)), (X, BIAS)),
    "bias": (
        rule(add_bias, lambda grad, x, bias: (grad, grad.sum(dim=0))),
        (X, BIAS),
    ),
    "mean": (rule(lambda x: x.mean(), lambda grad, x: grad / 6 * tg.ones_like(x)), (X,)),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_rule_passes(name):
    planted, inputs = RIGHT[name]
    check_op(planted, *inputs)
    tensors = [tg.tensor(x, requires_grad=True) for x in inputs]
    assert gradcheck(planted, tensors)
    assert gradcheck(planted, tensors, fast_mode=True)
    assert gradgradcheck(planted, tensors)


# name: (function, inputs, what the message of check_op says)
WRONG_GRADIENT = {
    "0.1 % too large": (
        rule(cube, lambda grad, x: grad * 3.003 * x * x),
        (X,),
        "1.001 times the numerical gradient",
    ),
    "0.1 % in one element": (
        rule(
            cube,
            lambda grad, x: grad * 3 * x * x * (1 + 1e-3 * (x.detach() == x.detach().max())),
        ),
        (X,),
        "wrong in 1 of 6 elements",
    ),
    "a dropped term": (
        rule(lambda x: x * x + x.sin(), lambda grad, x: grad * 2 * x),
        (X,),
        "wrong in 6 of 6 elements",
    ),
    "a transposed result": (
        rule(cube, lambda grad, x: (grad * 3 * x * x).T),
        (SQUARE,),
        "It is the numerical gradient, transposed",
    ),
    "a transposed factor": (
        rule(cube, lambda grad, x: grad * (3 * x * x).T),
        (SQUARE,),
        "is wrong in",
    ),
    "a missing sum over a broadcast dimension": (
        rule(add_bias, lambda grad, x, bias: (grad, grad[0])),
        (X, BIAS),
        "input 1, of shape",
    ),
    "a mean instead of a sum": (
        rule(add_bias, lambda grad, x, bias: (grad, grad.mean(dim=0))),
        (X, BIAS),
        "0.5 times the numerical gradient",
    ),
    "a factor of the batch size": (
        rule(lambda x: x.mean(dim=0), lambda grad, x: grad * tg.ones_like(x)),
        (X,),
        "2 times the numerical gradient",
    ),
    "the incoming gradient ignored": (
        rule(cube, lambda grad, x: 3 * x * x),
        (X,),
        "is wrong in",
    ),
    "the wrong sign": (
        rule(lambda x, y: x - y, lambda grad, x, y: (grad, grad)),
        (X, BIAS),
        "-1 times the numerical gradient",
    ),
    "two inputs swapped": (
        rule(lambda x, y: x * y, lambda grad, x, y: (grad * x, grad * y)),
        (X, X[::-1].copy()),
        "is wrong in",
    ),
    "no gradient for an input": (
        rule(lambda x, y: x * y, lambda grad, x, y: (grad * y, None)),
        (X, X),
        "input 1.*analytic gradient is zero",
    ),
    "a gradient for an input that does not matter": (
        rule(lambda x, y: x * 2, lambda grad, x, y: (grad * 2, grad)),
        (X, X),
        "input 1.*does not depend on this input",
    ),
    "detached": (lambda x: x.detach() * 2, (X,), "leave the graph"),
    "not finite": (rule(cube, lambda grad, x: grad * x / 0), (X,), "not finite"),
    "random in forward": (
        lambda x: x * tg.tensor(np.random.default_rng().uniform(size=x.shape)),
        (X,),
        "not deterministic",
    ),
    "random in backward": (
        rule(cube, lambda grad, x: grad * 3 * x * x + 1e-9 * np.random.default_rng().uniform()),
        (X,),
        "Backward is not deterministic",
    ),
}


@pytest.mark.parametrize("name", WRONG_GRADIENT)
def test_a_wrong_gradient_is_found(name):
    planted, inputs, message = WRONG_GRADIENT[name]
    with pytest.raises(AssertionError, match=message):
        check_op(planted, *inputs, second_order=False)


@pytest.mark.parametrize("name", WRONG_GRADIENT)
def test_gradcheck_finds_all_that_exceeds_its_tolerances(name):
    planted, inputs, message = WRONG_GRADIENT[name]
    tensors = [tg.tensor(x, requires_grad=True) for x in inputs]
    if "factor" not in message and "times" not in message:
        with pytest.raises(GradcheckError, match=message):
            gradcheck(planted, tensors)
    assert gradcheck(planted, tensors, raise_exception=False) is False
    if "in one element" not in name:
        assert gradcheck(planted, tensors, raise_exception=False, fast_mode=True) is False


def wrong_second_derivative(x):
    """x³ whose rule takes the square out of the graph."""
    return rule(cube, lambda grad, x: grad * 3 * (x * x).detach())(x)


def test_a_wrong_second_derivative_is_found_and_its_first_is_not_blamed():
    with pytest.raises(AssertionError, match=r"Gradient of the gradient: .*input 0"):
        check_op(wrong_second_derivative, X)
    x = tg.tensor(X, requires_grad=True)
    assert gradcheck(wrong_second_derivative, x)
    with pytest.raises(GradcheckError):
        gradgradcheck(wrong_second_derivative, x)
    assert not gradgradcheck(wrong_second_derivative, x, raise_exception=False, fast_mode=True)


# Errors in an operation of the package's own kind.


class Twice(Operation):
    """z = 2 x: right. Its descendants are wrong in one way each."""

    __slots__ = ()

    def forward(self, x):
        return x * 2

    def grad_x(self, grad):
        return grad * 2


class MutatesInput(Twice):
    __slots__ = ()

    def forward(self, x):
        result = x * 2
        x += 1
        return result


class MutatesGradient(Twice):
    __slots__ = ()

    def grad_x(self, grad):
        grad *= 2
        return grad


class MutatesSaved(Twice):
    __slots__ = ()

    def forward(self, x):
        return x * x

    def grad_x(self, grad, x):
        if isinstance(x, np.ndarray):
            x *= 2
            return grad * x
        return grad * 2 * x


class Widens(Twice):
    __slots__ = ()

    def forward(self, x):
        return x * np.float64(2)


class Imprecise(Twice):
    """Works in half precision where the inputs are float32."""

    __slots__ = ()

    def forward(self, x):
        return x * 2 if x.dtype == np.float64 else (x.astype(np.float16) * 2).astype(x.dtype)


class IgnoresStrides(Twice):
    """Reads memory as if it were contiguous."""

    __slots__ = ()

    def forward(self, x):
        return np.lib.stride_tricks.as_strided(x, x.shape, np.empty(x.shape, x.dtype).strides) * 2


class WritesInput(Twice):
    """Puts its result into the input's memory and back: fails on read-only arrays."""

    __slots__ = ()

    def forward(self, x):
        x += 0
        return x * 2


class Leaks(Twice):
    """Keeps every node."""

    __slots__ = ("more",)
    kept: ClassVar[list[Operation]] = []

    def __init__(self):
        self.kept.append(self)


class Cycle(Twice):
    """A node that refers to itself: freed by the garbage collector only."""

    __slots__ = ("me",)

    def __init__(self):
        self.me = self


class KeepsGradient(Twice):
    """Hands out an array that it keeps."""

    __slots__ = ("kept",)

    def grad_x(self, grad):
        self.kept = grad * 2
        return self.kept


class OneForBoth(Operation):
    """z = x + y, with one array as the gradient of both: allowed, the engine makes two of it."""

    __slots__ = ()

    def forward(self, x, y):
        return x + y

    def backward(self, grad):
        both = grad * 1
        return both, both


class SavesTooLittle(Operation):
    """z = x y, saving y only if x needs a gradient, and using it for both."""

    __slots__ = ("other",)

    def forward(self, x, y):
        return x * y

    def grad_x(self, grad, y):
        self.other = y
        return grad * y

    def grad_y(self, grad, x):
        return grad * x if hasattr(self, "other") else grad * x * 1.001


WRONG_OPERATION = {
    MutatesInput: "Inputs unmutated: array 0 was changed",
    MutatesGradient: "Incoming gradient unmutated|Backward is not deterministic",
    MutatesSaved: "Inputs unmutated|Backward is not deterministic",
    Widens: "dtype kept: float32 inputs gave result 0 in float64",
    Imprecise: "Value in float32 against float64",
    IgnoresStrides: "Layout",
    Leaks: "Graph freed: with the results dropped, without backward, Leaks stayed alive",
    Cycle: "Graph freed.*Cycle stayed alive",
    KeepsGradient: "Gradients unaliased: .* input 0 shares its memory with an array that KeepsGr",
}


def test_the_right_operation_passes():
    check_op(lambda x: apply(Twice(), x), X, reference=lambda x: 2 * x)


@pytest.mark.parametrize("operation", WRONG_OPERATION, ids=lambda operation: operation.__name__)
def test_a_wrong_operation_is_found(operation):
    with pytest.raises(AssertionError, match=WRONG_OPERATION[operation]):
        check_op(lambda x: apply(operation(), x), X, second_order=False)
    Leaks.kept.clear()


def test_an_operation_that_needs_writeable_inputs_is_found():
    with pytest.raises(RuntimeError, match=r"writesinput: .*read-only"):
        check_op(lambda x: apply(WritesInput(), x), X, second_order=False)


def test_a_gradient_that_depends_on_the_other_inputs_need_is_found():
    with pytest.raises(AssertionError, match="input 1 when no other requires grad"):
        check_op(lambda x, y: apply(SavesTooLittle(), x, y), X, X, second_order=False)


def test_one_array_for_two_gradients_is_separated_by_the_engine():
    check_op(lambda x, y: apply(OneForBoth(), x, y), X, X)


class Scaled(Fused):
    """z = factor x, with its plain composition."""

    __slots__ = ()
    factor = 3

    def forward(self, x):
        return x * self.factor

    def backward(self, grad, x):
        return (grad * self.factor,)

    def plain(self, x):
        return x * 3


class ScaledOtherwise(Scaled):
    """The kernel and its rule agree with each other, but not with the plain composition."""

    __slots__ = ()
    factor = 3.003


def test_a_fused_operation_is_held_against_its_plain_composition():
    check_op(lambda x: apply(Scaled(), x), X)
    with pytest.raises(AssertionError, match="ScaledOtherwise: the fused value against its plain"):
        check_op(lambda x: apply(ScaledOtherwise(), x), X, second_order=False)


def test_the_value_is_held_against_the_reference_and_the_plain_composition():
    check_op(tg.exp, X, reference=np.exp, plain=lambda x: x.exp())
    with pytest.raises(AssertionError, match=r"Value against the reference: 6 of 6.*At \[0, 0\]"):
        check_op(tg.exp, X, reference=lambda x: np.exp(x) * (1 + 1e-7))
    with pytest.raises(AssertionError, match=r"shape .* instead of"):
        check_op(tg.exp, X, reference=lambda x: np.exp(x).T)
    with pytest.raises(AssertionError, match="Value against the plain composition"):
        check_op(tg.exp, X, plain=lambda x: x.exp() + 1e-3)
    with pytest.raises(AssertionError, match="Gradient against the plain composition"):
        check_op(tg.exp, X, plain=lambda x: x.exp().detach() + x * 0)


def test_an_operation_recorded_under_no_grad_is_found():
    def stubborn(x):
        with tg.enable_grad():
            return x * 2

    with pytest.raises(AssertionError, match="recorded under no_grad"):
        check_op(stubborn, X)


def test_several_results_and_inputs_without_gradient():
    index = np.array([1, 0])

    def function(x, index):
        return x[index], x.sum(dim=0), x > 0

    check_op(function, X, index)


def test_check_op_leaves_the_garbage_collector_as_it_was():
    assert gc.isenabled()
    check_op(tg.exp, X)
    assert gc.isenabled()
    gc.disable()
    try:
        check_op(tg.exp, X)
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        ((X.astype(np.float32),), ValueError, "input 0 is float32. Pass float64"),
        ((np.array(["a"]),), TypeError, "inputs are arrays of numbers"),
    ],
)
def test_check_op_refuses_inputs_that_it_cannot_differentiate(inputs, error, message):
    with pytest.raises(error, match=message):
        check_op(tg.exp, *inputs)


def test_check_op_refuses_a_function_that_leaves_the_tensors():
    with pytest.raises(AssertionError, match="returned ndarray, not a tensor"):
        check_op(lambda x: x.detach().numpy(), X)


# numerical_gradient, gradcheck, gradgradcheck: the interface.


def test_numerical_gradient_agrees_with_calculus():
    x = tg.tensor(X)
    (gradient,) = numerical_gradient(lambda x: (x.sin() * x).sum(), x)
    np.testing.assert_allclose(gradient, np.cos(X) * X + np.sin(X), rtol=1e-7, atol=1e-8)


def test_numerical_gradient_weighs_results_with_cotangents():
    x, n = tg.tensor(X), tg.tensor([1, 2])
    weights = np.arange(6.0).reshape(2, 3)
    gradients = numerical_gradient(lambda x, n: x * x * n[0], [x, n], weights)
    np.testing.assert_allclose(gradients[0], 2 * X * weights, rtol=1e-7, atol=1e-8)
    assert gradients[1] is None
    np.testing.assert_array_equal(x.numpy(), X)


def test_numerical_gradient_moves_tensors_that_the_function_does_not_take_as_arguments():
    w = tg.tensor(X, requires_grad=True)
    (gradient,) = numerical_gradient(lambda _: (w * w).sum(), w)
    np.testing.assert_allclose(gradient, 2 * X, rtol=1e-7, atol=1e-9)
    assert gradcheck(lambda _: w.exp(), w)


def test_inputs_are_put_back_even_if_the_function_fails():
    x = tg.tensor(X)
    memory = x.array

    def fails(x):
        if not np.array_equal(x.array, X):
            raise KeyError("moved")
        return x.sum()

    with pytest.raises(KeyError):
        numerical_gradient(fails, x)
    assert x.array is memory
    np.testing.assert_array_equal(memory, X)


def test_numerical_gradient_needs_cotangents_for_several_numbers():
    with pytest.raises(ValueError, match=r"shapes \[\(2, 3\)\]; without cotangents"):
        numerical_gradient(tg.exp, tg.tensor(X))


@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
def test_inputs_must_be_float64_and_require_grad(check):
    with pytest.raises(ValueError, match=r"input 0 is float32.*rounding error.*double\(\)"):
        check(tg.exp, tg.ones(2, requires_grad=True))
    with pytest.raises(ValueError, match="no input requires grad"):
        check(tg.exp, tg.tensor(X))


@pytest.mark.parametrize(
    "option",
    [
        {"check_batched_grad": True},
        {"check_batched_forward_grad": True},
        {"check_forward_ad": True},
        {"check_backward_ad": False},
        {"masked": True},
    ],
    ids=str,
)
def test_gradcheck_refuses_by_name_what_does_not_exist_here(option):
    (name,) = option
    with pytest.raises(ValueError, match=f"gradcheck: {name}="):
        gradcheck(tg.exp, tg.tensor(X, requires_grad=True), **option)


@pytest.mark.parametrize(
    "option",
    [
        {"check_batched_grad": True},
        {"check_fwd_over_rev": True},
        {"check_rev_over_rev": False},
        {"masked": True},
    ],
    ids=str,
)
def test_gradgradcheck_refuses_by_name_what_does_not_exist_here(option):
    (name,) = option
    with pytest.raises(ValueError, match=f"gradgradcheck: {name}="):
        gradgradcheck(tg.exp, tg.tensor(X, requires_grad=True), **option)


def test_the_message_names_input_element_and_both_values():
    x = tg.tensor([1.0, 2.0], dtype=tg.float64, requires_grad=True)
    halved = rule(cube, lambda grad, x: grad * tg.tensor([3.0, 6.0], dtype=tg.float64) * x)
    message = (
        r"gradient of input 1, of shape \(2,\), is wrong in 1 of 2 elements. The largest deviation "
        r"is .* at index \[1\]: numerical .*, analytic .*; allowed"
    )
    off = rule(cube, lambda grad, x: grad * tg.tensor([3.0, 6.6], dtype=tg.float64) * x)
    assert gradcheck(lambda n, x: halved(x), (3, x))
    with pytest.raises(GradcheckError, match=message):
        gradcheck(lambda n, x: off(x), (3, x))


def test_a_backward_that_is_not_repeatable_is_within_nondet_tol_or_not():
    noisy = rule(cube, lambda grad, x: grad * 3 * x * x + 1e-9 * np.random.default_rng().uniform())
    x = tg.tensor(X, requires_grad=True)
    with pytest.raises(GradcheckError, match="Backward is not deterministic"):
        gradcheck(noisy, x)
    assert gradcheck(noisy, x, nondet_tol=1e-8)


def test_a_result_that_was_not_used_counts_as_one_with_gradient_zero():
    def backward(_, first, second):
        # Wrong: without the second result, the first one's gradient is taken twice.
        return first + (first if second is None else second)

    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        return x * 1, x * 1

    planted = function(forward, backward)
    x = tg.tensor(X, requires_grad=True)
    with pytest.raises(GradcheckError, match="With only result 0 of 2 in the loss"):
        gradcheck(planted, x)
    assert gradcheck(lambda x: (x.exp(), x.sin()), x)


def test_gradgradcheck_takes_grad_outputs():
    x = tg.tensor(X, requires_grad=True)
    v = tg.tensor(X, requires_grad=True)
    assert gradgradcheck(tg.sin, x, v)
    assert gradgradcheck(tg.sin, x, gen_non_contig_grad_outputs=True)


def test_a_function_whose_result_does_not_depend_on_its_inputs_has_gradient_zero():
    x = tg.tensor(X, requires_grad=True)
    assert gradcheck(lambda x: tg.ones(2, dtype=tg.float64), x)
    assert gradgradcheck(lambda x: x * 2, x)


def test_operations_lists_the_graph_from_the_oldest():
    x = tg.tensor([1.0], requires_grad=True)
    first, second = (x * 2).exp(), x.detach()
    assert [node.name for node in operations([first], second)] == ["Mul", "Exp"]
