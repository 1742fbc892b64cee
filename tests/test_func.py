"""Functions that make functions: gradients, Jacobians, maps; modules as functions; compile."""

from collections import OrderedDict
from functools import partial
from typing import NamedTuple

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import func, nn

X = tg.tensor([0.5, -1.0, 2.0], dtype=tg.float64)
TWO = tg.tensor(2.0)


def cube(x):
    return x**3


def close(result, expected):
    np.testing.assert_allclose(result.detach().array, expected, rtol=1e-6, atol=1e-8)


class Pair(NamedTuple):
    first: tg.Tensor
    second: tg.Tensor


# Gradients.


def test_gradients_nest():
    first = func.grad(cube)
    second = func.grad(first)
    third = func.grad(second)
    assert [f(TWO).item() for f in (first, second, third)] == [12.0, 12.0, 6.0]


def test_an_inner_gradient_may_use_the_outer_variable():
    """d/dx (x · d/dy x y²) = d/dx 2 x² y = 4 x y, at x = 2 and y = 3."""
    outer = func.grad(lambda x: x * func.grad(lambda y: x * y**2)(tg.tensor(3.0)))
    assert outer(TWO).item() == 24.0


def test_the_same_tensor_at_two_levels_is_two_variables():
    mixed = func.grad(lambda x: func.grad(lambda y: x * y)(x) * x)
    assert mixed(TWO).item() == 4.0


@pytest.mark.parametrize(
    ("argnums", "expected"), [(0, 3.0), (1, 2.0), (-1, 2.0), ((0, 1), (3.0, 2.0)), ((1,), (2.0,))]
)
def test_argnums_chooses_the_arguments(argnums, expected):
    result = func.grad(lambda x, y: x * y, argnums)(TWO, tg.tensor(3.0))
    values = tuple(r.item() for r in result) if isinstance(result, tuple) else result.item()
    assert values == expected


def test_arguments_may_be_nested():
    tree = {"w": TWO, "rest": [tg.tensor(3.0), Pair(tg.tensor(4.0), tg.tensor(5.0))]}

    def product(tree, factor):
        (x, pair) = tree["rest"]
        return factor * tree["w"] * x * pair.first + 0 * pair.second

    result = func.grad(product)(tree, factor=10)
    assert result["w"].item() == 120.0
    assert result["rest"][0].item() == 80.0
    assert type(result["rest"][1]) is Pair
    assert [x.item() for x in result["rest"][1]] == [60.0, 0.0]
    ordered = func.grad(lambda d: d["a"] ** 2)(OrderedDict(a=TWO))
    assert type(ordered) is OrderedDict


def test_values_and_further_results_come_along():
    assert [x.item() for x in func.grad_and_value(cube)(TWO)] == [12.0, 8.0]
    with_aux = lambda x: (x**3, {"square": x**2, "name": "x"})  # noqa: E731
    gradient, aux = func.grad(with_aux, has_aux=True)(TWO)
    assert (gradient.item(), aux["square"].item(), aux["name"]) == (12.0, 4.0, "x")
    assert not aux["square"].requires_grad
    gradient, (value, aux) = func.grad_and_value(with_aux, has_aux=True)(TWO)
    assert (gradient.item(), value.item(), aux["square"].item()) == (12.0, 8.0, 4.0)


def test_what_is_not_used_has_gradient_zero():
    assert func.grad(lambda x, y: x * 1, 1)(TWO, X).tolist() == [0.0] * 3
    assert func.grad(lambda x: tg.tensor(1.0))(TWO).item() == 0.0


def test_results_have_a_graph_only_of_what_requires_grad_outside():
    assert not func.grad(cube)(TWO).requires_grad
    x = tg.tensor(2.0, requires_grad=True)
    func.grad(cube)(x).backward()
    assert x.grad.item() == 12.0
    weight = tg.tensor(5.0, requires_grad=True)
    func.grad(lambda x: weight * x**2)(TWO).backward()
    assert weight.grad.item() == 4.0
    with tg.no_grad():
        assert not func.grad(cube)(x).requires_grad
        assert func.grad(cube)(x).item() == 12.0


def test_the_arguments_are_left_alone():
    x = tg.tensor(2.0, requires_grad=True)
    func.grad(cube)(x)
    assert x.grad is None


# Products and Jacobians.


def test_vjp_pulls_vectors_back_again_and_again():
    y, pull_back = func.vjp(lambda x: x**2, X)
    close(y, X.array**2)
    for factor in (1, 3):
        (result,) = pull_back(tg.full_like(X, factor))
        close(result, 2 * factor * X.array)
    outputs, pull_back, aux = func.vjp(lambda x: ({"a": x * 2}, x.sum()), X, has_aux=True)
    close(outputs["a"], 2 * X.array)
    close(aux, 1.5)
    close(pull_back({"a": X})[0], 2 * X.array)


def test_jvp_and_linearize_push_vectors_forward():
    function = lambda x, y: {"product": x * y, "sum": y.sum()}  # noqa: E731
    tangents = (tg.ones_like(X), X)
    outputs, changes = func.jvp(function, (X, X * 2), tangents)
    close(outputs["product"], 2 * X.array**2)
    close(changes["product"], 2 * X.array + X.array**2)
    close(changes["sum"], X.array.sum())
    outputs, push_forward = func.linearize(function, X, X * 2)
    close(push_forward(*tangents)["product"], changes["product"].array)
    close(push_forward(tangents[0], tangents[0])["sum"], 3)
    assert func.jvp(lambda x: (x, 7), (X,), (X,), has_aux=True)[2] == 7
    with pytest.raises(RuntimeError, match="does not depend on the arguments"):
        func.jvp(lambda x: tg.ones(2), (X,), (X,), strict=True)
    close(func.jvp(lambda x: tg.ones(2), (X,), (X,))[1], [0, 0])


def test_jacobians_follow_the_structure_of_outputs_and_arguments():
    result = func.jacrev(lambda x, y: {"a": x * y.sum(), "b": x.sum()}, (0, 1))(X, X[:2])
    assert {key: [j.shape for j in row] for key, row in result.items()} == {
        "a": [(3, 3), (3, 2)],
        "b": [(3,), (2,)],
    }
    close(result["a"][0], np.eye(3) * X.array[:2].sum())
    close(func.jacfwd(lambda x: x**2)(X), np.diag(2 * X.array))
    jacobian, aux = func.jacrev(lambda x: (x**2, "aux"), has_aux=True)(X)
    close(jacobian, np.diag(2 * X.array))
    assert aux == "aux"
    assert func.jacrev(lambda x: x[:0])(X).shape == (0, 3)


def test_hessians_and_higher_derivatives():
    close(func.hessian(lambda x: (x**3).sum())(X), np.diag(6 * X.array))
    third = func.jacrev(func.hessian(lambda x: (x**3).sum()))(X)
    assert third.shape == (3, 3, 3)
    close(third.sum(), 18)


def test_gradient_of_a_directional_derivative():
    """The Hessian times a vector, forward over reverse and reverse over forward."""
    function = lambda x: (x.sin() * x.sum()).sum()  # noqa: E731
    vector = tg.ones_like(X)
    expected = func.hessian(function)(X).array @ vector.array
    close(func.jvp(func.grad(function), (X,), (vector,))[1], expected)
    close(func.grad(lambda x: func.jvp(function, (x,), (vector,))[1])(X), expected)


# Maps.


def test_vmap_slices_and_stacks():
    a, b = tg.rand(3, 4), tg.rand(4, 3)
    close(func.vmap(tg.dot, in_dims=(0, 1))(a, b), np.einsum("ij,ji->i", a.array, b.array))
    close(func.vmap(lambda x: x * 2, in_dims=1, out_dims=1)(a), 2 * a.array)
    close(func.vmap(lambda x: x * 2, in_dims=-1)(a), 2 * a.array.T)
    close(func.vmap(lambda x, y: x + y, (0, None))(a, tg.ones(4)), a.array + 1)
    total, parts = func.vmap(lambda d: (d["x"].sum(), [d["x"]]), out_dims=(0, 1))({"x": a})
    close(total, a.array.sum(1))
    close(parts[0], a.array.T)
    close(func.vmap(lambda d, y: d["x"] * y, ({"x": 0}, None))({"x": a}, 2.0), 2 * a.array)
    nested = func.vmap(func.vmap(lambda x, y: x * y, (None, 0)), (0, None))
    close(nested(tg.arange(2.0), tg.arange(3.0)), np.outer(np.arange(2), np.arange(3)))
    assert tg.vmap is func.vmap


def test_gradients_flow_through_a_map():
    x = tg.rand(3, 2, requires_grad=True)
    func.vmap(lambda row: (row**2).sum())(x).sum().backward()
    close(x.grad, 2 * x.array)


def test_gradients_of_each_sample():
    model = nn.Linear(3, 1)
    parameters = {name: p.detach() for name, p in model.named_parameters()}

    def loss(parameters, x, y):
        return ((func.functional_call(model, parameters, (x,)) - y) ** 2).sum()

    xs, ys = tg.rand(5, 3), tg.rand(5, 1)
    each = func.vmap(func.grad(loss), in_dims=(None, 0, 0))(parameters, xs, ys)
    assert each["weight"].shape == (5, 1, 3)
    for index in range(5):
        model.zero_grad()
        ((model(xs[index]) - ys[index]) ** 2).sum().backward()
        close(each["weight"][index], model.weight.grad.array)


def test_random_functions_in_a_map_are_a_choice():
    noisy = lambda x: x + tg.rand(())  # noqa: E731
    zeros = tg.zeros(4)
    with pytest.raises(RuntimeError, match='randomness="error" forbids'):
        func.vmap(noisy)(zeros)
    assert len(set(func.vmap(noisy, randomness="different")(zeros).tolist())) == 4
    assert len(set(func.vmap(noisy, randomness="same")(zeros).tolist())) == 1


# Modules as functions.


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 2, bias=False)
        self.second = nn.Linear(2, 2, bias=False)
        self.second.weight = self.first.weight

    def forward(self, x, scale=1):
        return self.second(self.first(x)) * scale


def test_a_module_is_called_with_other_tensors():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2, affine=False))
    before = [x.array.copy() for x in model.state_dict().values()]
    weight, mean = tg.ones(2, 2, requires_grad=True), tg.zeros(2)
    func.functional_call(
        model, ({"0.weight": weight}, {"1.running_mean": mean}), tg.rand(4, 2)
    ).sum().backward()
    assert weight.grad is not None
    assert model[0].weight.grad is None
    assert mean.tolist() != [0.0, 0.0]
    for value, old in zip(model.state_dict().values(), before, strict=True):
        if value.array.shape == (2,) or value.array.shape == (2, 2):
            assert value.array.shape == old.shape
    np.testing.assert_array_equal(model[0].weight.array, before[0])
    np.testing.assert_array_equal(model[1].running_mean.array, before[2])


def test_the_module_is_as_before_after_an_error():
    model = nn.Linear(2, 2)
    weight = model.weight
    with pytest.raises(RuntimeError, match="features"):
        func.functional_call(model, {"weight": tg.ones(2, 2)}, tg.ones(3))
    assert model.weight is weight


def test_tied_parameters_are_replaced_under_all_their_names():
    x, double = tg.ones(1, 2), 2 * tg.eye(2)
    model = Tied()
    close(func.functional_call(model, {"first.weight": double}, x), [[4, 4]])
    close(func.functional_call(model, {"second.weight": double}, (x,), {"scale": 2}), [[8, 8]])
    model.first.weight.data = tg.eye(2)
    loose = func.functional_call(model, {"first.weight": double}, x, tie_weights=False)
    close(loose, [[2, 2]])
    both = {"first.weight": double, "second.weight": double}
    close(func.functional_call(model, both, x, strict=True), [[4, 4]])
    close(func.functional_call(model, {"first.weight": double}, x, strict=True), [[4, 4]])
    with pytest.raises(ValueError, match="which are tied"):
        func.functional_call(model, {**both, "second.weight": tg.eye(2)}, x)


def test_an_ensemble_is_one_call():
    models = [nn.Linear(2, 1) for _ in range(3)]
    parameters, buffers = func.stack_module_state(models)
    assert all(p.requires_grad and p.is_leaf for p in parameters.values())
    x = tg.rand(4, 2)
    call = lambda p, b: func.functional_call(models[0], (p, b), x)  # noqa: E731
    result = func.vmap(call)(parameters, buffers)
    close(result, [model(x).detach().array for model in models])
    _, buffers = func.stack_module_state([nn.BatchNorm1d(2), nn.BatchNorm1d(2)])
    assert buffers["running_mean"].shape == (2, 2)


# compile.


@pytest.mark.parametrize("options", [{}, {"mode": "max-autotune", "fullgraph": True}])
def test_compile_gives_back_what_it_got_and_says_so(options):
    net = nn.Linear(2, 1)
    with pytest.warns(UserWarning, match="does not compile: the model runs as it is") as caught:
        assert tg.compile(net, backend="eager", dynamic=False, **options) is net
    assert caught[0].filename == __file__


def decorated():
    @tg.compile
    def double(x):
        return 2 * x

    @tg.compile(mode="reduce-overhead")
    def triple(x):
        return 3 * x

    return double, triple


def test_compile_is_a_decorator_with_and_without_options():
    with pytest.warns(UserWarning, match="does not compile") as caught:
        double, triple = decorated()

    assert (double(2), triple(2)) == (4, 6)
    assert {warning.filename for warning in caught} == {__file__}


def test_compile_checks_its_arguments():
    with pytest.raises(RuntimeError, match="mode or options"):
        tg.compile(abs, mode="default", options={})
    with pytest.raises(TypeError, match="expected a module or function, got int"):
        tg.compile(3)


# Errors.

A = tg.ones(2, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: func.grad(cube)(X), RuntimeError, r"without dimensions; got one of shape \(3,\)"),
        (lambda: func.grad(cube)(A[:1, :1]), RuntimeError, "Reduce it, or use vjp or jacrev"),
        (lambda: func.grad(lambda x: 1.0)(TWO), RuntimeError, "got float.*has_aux"),
        (lambda: func.grad(cube)(2.0), ValueError, "must be tensors, .* got float"),
        (lambda: func.grad(cube)(tg.tensor(2)), RuntimeError, r"type int64.*x\.float\(\)"),
        (lambda: func.grad(cube, 1)(TWO), RuntimeError, "argnum=1, .* 1 positional"),
        (lambda: func.grad(cube, ())(TWO), RuntimeError, "argnums is empty"),
        (lambda: func.grad(cube, "x")(TWO), RuntimeError, "a tuple of ints; got str"),
        (lambda: func.grad(cube, (0, -1))(TWO), RuntimeError, "names an argument twice"),
        (lambda: func.grad(cube, has_aux=True)(TWO), RuntimeError, "a pair, .* got Tensor"),
        (lambda: func.vjp(lambda x: 1, X), RuntimeError, "return tensors only; got int"),
        (lambda: func.vjp(cube, X)[1](A), RuntimeError, r"got vectors of shapes \[\(2, 3\)\]"),
        (lambda: func.jvp(cube, X, X), RuntimeError, "primals is a tuple"),
        (lambda: func.jvp(cube, (X,), [X]), RuntimeError, "tangents is a tuple"),
        (lambda: func.jvp(cube, (X,), (A,)), RuntimeError, "should be the same"),
        (lambda: func.linearize(cube, X)[1](A), RuntimeError, "got tangents of shapes"),
        (lambda: func.jacrev(cube, chunk_size=0), ValueError, "chunk_size"),
        (lambda: func.jacfwd(cube, randomness="x"), RuntimeError, "randomness is .* got 'x'"),
        (lambda: func.vmap(cube, randomness="x"), RuntimeError, "randomness is .* got 'x'"),
        (lambda: func.vmap(cube, chunk_size=-1), ValueError, "chunk_size"),
        (func.vmap(cube), ValueError, "got no inputs"),
        (lambda: func.vmap(cube)(3.0), ValueError, r"vmap\(cube\): got in_dim=0 .* a float"),
        (lambda: func.vmap(cube)(TWO), ValueError, r"got in_dim=0 for an input of shape \(\)"),
        (lambda: func.vmap(cube, 5)(A), ValueError, "got in_dim=5"),
        (lambda: func.vmap(cube, None)(A), ValueError, "nothing is mapped over"),
        (lambda: func.vmap(cube, (0, 0))(A), ValueError, r"\(0, 0\) does not fit a tuple of 1"),
        (lambda: func.vmap(cube, ({"x": 0},))(A), ValueError, "does not fit a Tensor"),
        (lambda: func.vmap(cube, "0")(A), ValueError, "'0' does not fit"),
        (lambda: func.vmap(tg.add)(A, X), ValueError, r"same size .* got sizes \[2, 3\]"),
        (lambda: func.vmap(cube)(A[:0]), ValueError, "has size 0"),
        (lambda: func.vmap(lambda x: 1)(A), ValueError, "it returned int"),
        (lambda: func.vmap(cube, out_dims=None)(A), ValueError, "out_dims cannot be None"),
        (lambda: func.functional_call(cube, {}), TypeError, "expected a Module, got function"),
        (lambda: func.functional_call(Tied(), 3), ValueError, "as a tuple of dicts; got int"),
        (
            lambda: func.functional_call(Tied(), ({"a": A}, {"a": A})),
            ValueError,
            r"\['a'\] appear in several",
        ),
        (
            lambda: func.functional_call(nn.Linear(1, 1), {"bais": A}),
            AttributeError,
            "has no parameter or buffer 'bais'; it has .'weight', 'bias'",
        ),
        (
            lambda: func.functional_call(nn.Linear(1, 1), {"bais": A}, strict=True),
            RuntimeError,
            r"unexpected names \['bais'\], missing names \['weight', 'bias'\]",
        ),
        (lambda: func.stack_module_state([]), RuntimeError, "at least one model"),
        (
            lambda: func.stack_module_state([nn.Linear(1, 1), nn.ReLU()]),
            RuntimeError,
            "of the same class",
        ),
        (
            lambda: func.stack_module_state([nn.Linear(1, 1), nn.Linear(1, 1).eval()]),
            RuntimeError,
            "all in evaluation",
        ),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


# PyTorch.

TRANSFORMS = {
    "grad": lambda t, f: t.func.grad(lambda x: f(x).sum()),
    "grad of grad": lambda t, f: t.func.grad(lambda x: t.func.grad(lambda y: f(y).sum())(x).sum()),
    "jacrev": lambda t, f: t.func.jacrev(f),
    "jacfwd": lambda t, f: t.func.jacfwd(f),
    "hessian": lambda t, f: t.func.hessian(f),
    "jvp": lambda t, f: lambda x: t.func.jvp(f, (x,), (x * 0 + 1,)),
    "vmap": lambda t, f: t.vmap(f),
    "vmap of grad": lambda t, f: t.vmap(t.func.grad(lambda x: f(x).sum())),
    "linearize": lambda t, f: lambda x: t.func.linearize(f, x)[1](x * 0 + 1),
}


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_pytorch_gives_the_same(transform):
    import torch

    array = np.random.default_rng(0).standard_normal((2, 3))
    functions = [lambda t, x: x**3, lambda t, x: t.softmax(x, -1), lambda t, x: t.sin(x).sum()]
    for function in functions:
        theirs, ours = (
            TRANSFORMS[transform](library, partial(function, library))(
                library.from_numpy(array.copy())
            )
            for library in (torch, tg)
        )
        pairs = zip(theirs, ours, strict=True) if isinstance(theirs, tuple) else [(theirs, ours)]
        for a, b in pairs:
            np.testing.assert_allclose(b.array, a.numpy(), atol=1e-12)
