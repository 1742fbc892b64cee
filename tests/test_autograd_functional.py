"""Jacobians, Hessians and their products with vectors."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.autograd import functional as AF
from tinygrad_edu.autograd.gradcheck import numerical_gradient

X = tg.tensor([0.5, -1.0, 2.0], dtype=tg.float64)
Y = tg.tensor([1.5, 0.25, -0.5], dtype=tg.float64)
V = tg.tensor([1.0, -2.0, 0.5], dtype=tg.float64)


def curved(x):
    """A number with a full Hessian."""
    return (x.sin() * x.sum()).sum() + (x.exp() @ x)


def several(x, y):
    """A matrix and a number of two inputs."""
    return tg.outer(x.exp(), y), (x * y**2).sum()


def numerical(function, *inputs):
    """One block of the Jacobian for each input, by central differences."""
    size = function(*inputs).array.size
    points = tuple(x.clone().requires_grad_() for x in inputs)
    rows = []
    for index in range(size):
        direction = np.zeros(size)
        direction[index] = 1
        rows.append(
            numerical_gradient(lambda *p: function(*p).reshape(-1), points, direction, eps=1e-5)
        )
    shape = function(*inputs).shape
    return [np.reshape([row[i] for row in rows], shape + x.shape) for i, x in enumerate(inputs)]


def close(result, expected):
    np.testing.assert_allclose(result.detach().array, expected, rtol=1e-6, atol=1e-8)


# Values.


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_jacobian_is_that_of_numerical_differentiation(create_graph):
    result = AF.jacobian(several, (X, Y), create_graph=create_graph)
    for index, row in enumerate(result):
        expected = numerical(lambda x, y, i=index: several(x, y)[i], X, Y)
        for block, values in zip(row, expected, strict=True):
            close(block, values)


def test_its_nesting_follows_inputs_and_outputs():
    single = lambda x: x * 2  # noqa: E731
    assert AF.jacobian(single, X).shape == (3, 3)
    assert [j.shape for j in AF.jacobian(single, (X,))] == [(3, 3)]
    pair = AF.jacobian(lambda x: (x.sum(), x), X)
    assert [j.shape for j in pair] == [(3,), (3, 3)]
    both = AF.jacobian(several, (X, Y))
    assert [[j.shape for j in row] for row in both] == [[(3, 3, 3)] * 2, [(3,)] * 2]


@pytest.mark.parametrize("vectorize", [False, True])
def test_a_hessian_is_symmetric_and_that_of_numerical_differentiation(vectorize):
    result = AF.hessian(curved, X, vectorize=vectorize)
    close(result, result.array.T)
    (expected,) = numerical(lambda x: AF.jacobian(curved, x), X)
    close(result, expected)


def test_a_hessian_of_two_inputs_has_four_blocks():
    result = AF.hessian(lambda x, y: (x**2 * y).sum(), (X, Y))
    close(result[0][0], np.diag(2 * Y.array))
    close(result[0][1], np.diag(2 * X.array))
    close(result[1][0], np.diag(2 * X.array))
    close(result[1][1], np.zeros((3, 3)))


def test_products_are_those_with_the_matrices():
    jacobian = AF.jacobian(lambda x: tg.outer(x, x).sin()[0], X).array
    hessian = AF.hessian(curved, X).array
    row = lambda x: tg.outer(x, x).sin()[0]  # noqa: E731
    close(AF.vjp(row, X, V)[1], V.array @ jacobian)
    close(AF.jvp(row, X, V)[1], jacobian @ V.array)
    close(AF.hvp(curved, X, V)[1], hessian @ V.array)
    close(AF.vhp(curved, X, V)[1], V.array @ hessian)
    for product in (AF.hvp, AF.vhp):
        close(product(curved, X, V)[0], curved(X).array)


def test_products_of_several_inputs_and_outputs():
    outputs, (to_x, to_y) = AF.vjp(several, (X, Y), (tg.outer(V, V), tg.tensor(2.0).double()))
    close(outputs[0], several(X, Y)[0].array)
    matrix, number = AF.jacobian(several, (X, Y))
    weights = np.outer(V.array, V.array)
    for result, m, n in zip((to_x, to_y), matrix, number, strict=True):
        close(result, np.tensordot(weights, m.array, 2) + 2 * n.array)
    _, (first, second) = AF.jvp(several, (X, Y), (V, V))
    close(first, matrix[0].array @ V.array + matrix[1].array @ V.array)
    close(second, number[0].array @ V.array + number[1].array @ V.array)


def test_v_may_be_left_out_for_one_number():
    close(AF.vjp(curved, X)[1], AF.jacobian(curved, X).array)
    close(AF.jvp(lambda x: x * V, tg.tensor(2.0).double())[1], V.array)
    close(AF.hvp(lambda x: x**3, tg.tensor(2.0))[1], 12)


@pytest.mark.parametrize("name", ["jacobian", "hessian", "vjp", "jvp", "hvp", "vhp"])
def test_what_does_not_depend_on_an_input_has_derivative_zero(name):
    result = getattr(AF, name)(lambda x, y: x.sum() * 2, (X, Y), **with_v(name, (V, V)))
    derivative = result if name in ("jacobian", "hessian") else result[1]
    last = derivative
    while isinstance(last, tuple):
        last = last[-1]
    close(last, np.full(last.shape, 0.0) if name != "jvp" else 2 * V.array.sum())


def with_v(name, v):
    if name in ("jacobian", "hessian"):
        return {}
    return {"v": tg.tensor(1.0).double() if name == "vjp" else v}


def test_outputs_without_elements():
    assert AF.jacobian(lambda x: x[:0], X).shape == (0, 3)


# Graphs.


@pytest.mark.parametrize("name", ["jacobian", "hessian", "vjp", "jvp", "hvp", "vhp"])
def test_results_have_a_graph_only_if_asked_for(name):
    x = X.clone().requires_grad_()
    for create_graph in (False, True):
        result = getattr(AF, name)(curved, x, create_graph=create_graph, **with_v(name, V))
        results = result if isinstance(result, tuple) else (result,)
        assert [r.requires_grad for r in results] == [create_graph] * len(results)
    if name == "hessian":
        result.sum().backward()
        (expected,) = numerical(lambda x: AF.hessian(curved, x).sum(), X)
        close(x.grad, expected)


def test_the_inputs_and_their_gradients_are_left_alone():
    x = X.clone().requires_grad_()
    AF.hessian(curved, x)
    assert x.grad is None
    integer_free = X.clone()
    AF.jacobian(curved, integer_free)
    assert not integer_free.requires_grad


def test_no_grad_around_it_does_not_matter():
    with tg.no_grad():
        close(AF.jacobian(lambda x: x**2, X), np.diag(2 * X.array))


# Errors.


def test_strict_mode_forbids_independence():
    with pytest.raises(RuntimeError, match=r"Output 0 .* does not require grad"):
        AF.jacobian(lambda x: tg.ones(2), X, strict=True)
    with pytest.raises(RuntimeError, match="Output 0 of the function is independent of input 1"):
        AF.jacobian(lambda x, y: x, (X, Y), strict=True)
    for product in (AF.vjp, AF.jvp):
        with pytest.raises(RuntimeError, match="is independent of input 1"):
            product(lambda x, y: x, (X, Y), V if product is AF.vjp else (V, V), strict=True)
    for product in (AF.hvp, AF.vhp):
        with pytest.raises(RuntimeError, match="independent of input 0"):
            product(lambda x: (x * 2).sum(), X, V, strict=True)
    with pytest.raises(RuntimeError, match="independent of input 0"):
        AF.hessian(lambda x: (x * 2).sum(), X, strict=True)
    with pytest.raises(RuntimeError, match="strict mode forbids with create_graph=True"):
        AF.jacobian(lambda x: x * 2, X, strict=True, create_graph=True)
    with pytest.raises(RuntimeError, match="The Jacobian of output 0 is independent"):
        AF.jvp(lambda x: x * 2, X, V, strict=True, create_graph=True)


def test_strict_mode_allows_what_depends():
    close(AF.jacobian(lambda x: x**2, X, strict=True), np.diag(2 * X.array))
    assert AF.hessian(curved, X, strict=True, create_graph=True).requires_grad
    assert AF.jvp(curved, X, V, strict=True)[1].shape == ()
    assert AF.hvp(curved, X, V, strict=True)[1].shape == (3,)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: AF.jacobian(lambda x: x, [X]), TypeError, "inputs given to jacobian .* it is a l"),
        (lambda: AF.vjp(lambda x, y: x, (X, 1.0)), TypeError, "index 1 is a float"),
        (lambda: AF.jvp(lambda x: x, X, [V]), TypeError, "The v given to jvp"),
        (lambda: AF.jacobian(lambda x: [x], X), TypeError, "outputs of the function given to jac"),
        (lambda: AF.vjp(lambda x: x, X), RuntimeError, "v can be left out only if the user-prov"),
        (lambda: AF.jvp(lambda x: x, X), RuntimeError, "only if the input is"),
        (lambda: AF.vjp(lambda x: x, X, (V, V)), RuntimeError, "v has 2 tensors, but 1 are needed"),
        (
            lambda: AF.vjp(lambda x: x, X, V[:2]),
            RuntimeError,
            r"has shape \(2,\); it should be \(3,",
        ),
        (
            lambda: AF.hessian(lambda x: x, X),
            RuntimeError,
            r"one element; it returned shape \(3,\)",
        ),
        (lambda: AF.hvp(lambda x: (x, x), X, V), RuntimeError, "it returned 2 outputs"),
        (
            lambda: AF.jacobian(lambda x: x, X, strategy="x"),
            ValueError,
            "\"forward-mode\"; got 'x'",
        ),
        (
            lambda: AF.jacobian(lambda x: x, X, strategy="forward-mode"),
            NotImplementedError,
            "goes with vectorize=True",
        ),
        (
            lambda: AF.jacobian(
                lambda x: x, X, create_graph=True, strategy="forward-mode", vectorize=True
            ),
            NotImplementedError,
            "does not go with create_graph=True",
        ),
        (
            lambda: AF.hessian(curved, X, strict=True, vectorize=True),
            RuntimeError,
            "strict=True does not go with vectorize=True",
        ),
        (lambda: AF.jacobian(lambda x: x, tg.tensor([1])), RuntimeError, "floating type"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_the_other_strategy_gives_the_same_numbers():
    result = AF.jacobian(lambda x: x**2, X, strategy="forward-mode", vectorize=True)
    close(result, np.diag(2 * X.array))


def test_it_is_found_below_autograd():
    assert tg.autograd.functional is AF


def test_variable_is_a_tensor_on_the_same_memory():
    x = tg.ones(2)
    variable = tg.autograd.Variable(x, requires_grad=True)
    assert type(variable) is tg.Tensor
    assert variable.array is x.array
    assert (variable.requires_grad, x.requires_grad) == (True, False)
    assert not tg.autograd.Variable(variable).requires_grad
    with pytest.raises(TypeError, match="made from a tensor; got list"):
        tg.autograd.Variable([1.0])


FUNCTIONS = {
    "elements": (lambda t, x: x**3, [(3,)]),
    "matrices": (lambda t, x, y: t.sin(x @ y), [(2, 3), (3, 2)]),
    "several": (lambda t, x, y: (x * y.sum(), (x**2).sum()), [(3,), (2,)]),
    "number": (lambda t, x, y: (t.exp(x) * y).sum(), [(3,), (3,)]),
    "softmax": (lambda t, x: t.softmax(x, -1), [(4,)]),
    "no dimension": (lambda t, x: x * x, [()]),
    "unused": (lambda t, x, y: x * 2, [(3,), (2,)]),
    "linear": (lambda t, x: x * 3, [(2,)]),
}


@pytest.mark.torch
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("name", ["jacobian", "hessian", "vjp", "jvp", "hvp", "vhp"])
def test_pytorch_gives_the_same(name, function):
    import torch

    body, shapes = FUNCTIONS[function]
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape) for shape in shapes]
    for strict in (False, True):
        for create_graph in (False, True):
            answers = []
            for library in (torch, tg):
                inputs = tuple(library.from_numpy(a.copy()).requires_grad_() for a in arrays)
                options = {"strict": strict, "create_graph": create_graph}
                if name not in ("jacobian", "hessian"):
                    like = body(library, *inputs) if name == "vjp" else inputs
                    options["v"] = (
                        tuple(x.detach() * 0 + 2 for x in like)
                        if isinstance(like, tuple)
                        else like.detach() * 0 + 2
                    )
                call = getattr(library.autograd.functional, name)
                try:
                    answers.append(call(lambda *x, t=library: body(t, *x), inputs, **options))
                except RuntimeError as error:
                    answers.append(type(error))
            same(*answers)


def same(theirs, ours):
    if isinstance(theirs, tuple):
        assert isinstance(ours, tuple)
        for a, b in zip(theirs, ours, strict=True):
            same(a, b)
    elif isinstance(theirs, type):
        assert ours is theirs
    else:
        assert ours.requires_grad == theirs.requires_grad
        np.testing.assert_allclose(ours.detach().array, theirs.detach().numpy(), atol=1e-12)
