"""nn.utils: clipped gradients, parameters as a vector, normed weights, parametrizations."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
from tinygrad_edu.nn.utils import parametrizations, parametrize
from tinygrad_edu.testing.strategies import arrays


def with_gradients(*gradients):
    parameters = [nn.Parameter(tg.zeros(np.shape(grad), dtype=tg.float64)) for grad in gradients]
    for parameter, grad in zip(parameters, gradients, strict=True):
        parameter.grad = tg.tensor(grad, dtype=tg.float64)
    return parameters


# Clipping.


@given(
    gradients=st.lists(arrays(), min_size=1, max_size=3),
    order=st.sampled_from([1.0, 2.0, 3.0, np.inf]),
    bound=st.sampled_from([0.5, 2.0, 1e6]),
)
def test_clipped_gradients_keep_their_direction_and_lose_their_length(gradients, order, bound):
    everything = np.concatenate([grad.reshape(-1) for grad in gradients])
    expected = np.linalg.norm(everything, order) if everything.size else 0.0
    parameters = with_gradients(*gradients)
    total = nn.utils.clip_grad_norm_(parameters, bound, norm_type=order)
    assert total.item() == pytest.approx(expected)
    factor = min(1.0, bound / (expected + 1e-6))
    for parameter, grad in zip(parameters, gradients, strict=True):
        np.testing.assert_allclose(parameter.grad.numpy(), grad * factor, rtol=1e-12)


def test_the_norm_is_taken_over_all_tensors():
    assert nn.utils.get_total_norm([tg.tensor([3.0]), tg.tensor([[4.0]])]).item() == 5.0
    assert nn.utils.get_total_norm(tg.tensor([3.0, -4.0]), float("inf")).item() == 4.0
    assert nn.utils.get_total_norm([]).item() == 0.0
    assert nn.utils.get_total_norm([tg.ones(1, dtype=tg.float64)]).dtype == tg.float64


def test_one_parameter_needs_no_list_and_one_without_a_gradient_is_left_alone():
    (parameter,) = with_gradients([3.0, 4.0])
    nn.utils.clip_grad_norm_(parameter, 1.0, foreach=True)
    assert parameter.grad.tolist() == pytest.approx([0.6, 0.8])
    other = nn.Parameter(tg.zeros(1))
    assert nn.utils.clip_grad_norm_([parameter, other], 1.0).item() == pytest.approx(1.0)
    nn.utils.clip_grad_value_([parameter, other], 0.7)
    assert parameter.grad.tolist() == pytest.approx([0.6, 0.7])
    assert other.grad is None


def test_gradients_are_clipped_in_place_and_autograd_knows():
    (parameter,) = with_gradients([3.0, 4.0])
    grad, version = parameter.grad, parameter.grad._version
    nn.utils.clip_grad_norm_(parameter, 1.0)
    nn.utils.clip_grad_value_(parameter, 0.1)
    assert parameter.grad is grad
    assert grad._version == version + 2
    assert grad.tolist() == [0.1, 0.1]


def test_float32_gradients_stay_float32():
    parameter = nn.Parameter(tg.zeros(2))
    parameter.grad = tg.tensor([3.0, 4.0])
    assert nn.utils.clip_grad_norm_([parameter], 1.0).dtype == tg.float32
    assert parameter.grad.dtype == tg.float32


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_a_norm_that_is_not_finite_is_an_error_if_asked_for(value):
    (parameter,) = with_gradients([value, 1.0])
    with pytest.raises(RuntimeError, match=r"non-finite .*set `error_if_nonfinite=False`"):
        nn.utils.clip_grad_norm_(parameter, 1.0, error_if_nonfinite=True)
    assert parameter.grad[1].item() == 1.0
    nn.utils.clip_grad_norm_(parameter, 1.0)
    assert parameter.grad[1].item() != 1.0


def test_an_empty_generator_of_parameters_warns():
    used = nn.Linear(1, 1).parameters()
    list(used)
    with pytest.warns(UserWarning, match=r"empty generator") as caught:
        assert nn.utils.clip_grad_norm_(used, 1.0).item() == 0.0
    assert caught[0].filename == __file__
    assert nn.utils.clip_grad_norm_([], 1.0).item() == 0.0


# Vectors.


def test_parameters_become_a_vector_and_come_back():
    layer = nn.Linear(3, 2)
    vector = nn.utils.parameters_to_vector(layer.parameters())
    assert vector.tolist() == [*layer.weight.reshape(-1).tolist(), *layer.bias.tolist()]
    vector.sum().backward()
    assert tg.equal(layer.weight.grad, tg.ones(2, 3))
    other = nn.Linear(3, 2)
    weight = other.weight
    nn.utils.vector_to_parameters(vector.detach(), other.parameters())
    assert other.weight is weight
    assert tg.equal(layer.weight, other.weight)
    assert tg.equal(layer.bias, other.bias)


def test_a_vector_of_another_length_is_refused():
    with pytest.raises(RuntimeError, match=r"have 8 elements; got a tensor of shape \(9,\)"):
        nn.utils.vector_to_parameters(tg.ones(9), nn.Linear(3, 2).parameters())
    with pytest.raises(TypeError, match="expected a tensor as the vector, but got: list"):
        nn.utils.vector_to_parameters([1.0], nn.Linear(3, 2).parameters())


# Weight and spectral normalization, old and new.

NORMED = [nn.utils.weight_norm, parametrizations.weight_norm]
SPECTRAL = [nn.utils.spectral_norm, parametrizations.spectral_norm]
UNDO = {
    NORMED[0]: nn.utils.remove_weight_norm,
    SPECTRAL[0]: nn.utils.remove_spectral_norm,
    NORMED[1]: lambda module: parametrize.remove_parametrizations(module, "weight"),
    SPECTRAL[1]: lambda module: parametrize.remove_parametrizations(module, "weight"),
}


@pytest.mark.parametrize("dim", [0, 1, None])
@pytest.mark.parametrize("norm", NORMED)
def test_weight_norm_splits_length_and_direction_and_keeps_the_weight(norm, dim):
    layer = nn.Linear(3, 4, dtype=tg.float64)
    before = layer.weight.detach().clone()
    x = tg.randn(2, 3, dtype=tg.float64)
    expected = layer(x)
    assert norm(layer, dim=dim) is layer
    np.testing.assert_allclose(layer(x).detach().numpy(), expected.detach().numpy(), rtol=1e-12)
    bias, g, v = layer.parameters()
    assert bias is layer.bias
    assert g.shape == {0: (4, 1), 1: (1, 3), None: ()}[dim]
    assert tg.equal(v, before)
    with tg.no_grad():
        g *= 2
        v *= 5
    np.testing.assert_allclose(
        (layer(x) - layer.bias).detach().numpy(),
        2 * (expected - layer.bias).detach().numpy(),
        rtol=1e-12,
    )
    layer(x).sum().backward()
    axes = {0: 1, 1: 0, None: (0, 1)}[dim]
    along = (v.grad.numpy() * v.detach().numpy()).sum(axis=axes)
    np.testing.assert_allclose(along, 0, atol=1e-12)  # the length of v does not matter
    assert g.grad.abs().max().item() > 0


@pytest.mark.parametrize("norm", SPECTRAL)
def test_spectral_norm_divides_by_the_largest_singular_value(norm):
    layer = nn.Linear(3, 4, dtype=tg.float64)
    largest = np.linalg.norm(layer.weight.detach().numpy(), 2)
    before = layer.weight.detach().clone()
    norm(layer, n_power_iterations=200)
    layer(tg.ones(3, dtype=tg.float64)).sum().backward()
    np.testing.assert_allclose(
        layer.weight.detach().numpy(), before.numpy() / largest, rtol=1e-8, atol=1e-10
    )
    original = dict(layer.named_parameters()).popitem()[1]
    # Along the weight itself, the result does not change.
    assert abs((original.grad * before).sum().item()) < 1e-7


@pytest.mark.parametrize("norm", SPECTRAL)
def test_the_singular_vectors_move_only_while_training(norm):
    layer = norm(nn.Linear(3, 4))
    layer.eval()
    with tg.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(tg.randn(parameter.shape))
    before = [buffer.clone() for buffer in layer.buffers()]
    layer(tg.ones(3))
    assert all(tg.equal(a, b) for a, b in zip(before, layer.buffers(), strict=True))
    layer.train()
    layer(tg.ones(3))
    assert not all(tg.equal(a, b) for a, b in zip(before, layer.buffers(), strict=True))


@pytest.mark.parametrize("norm", [*NORMED, *SPECTRAL])
def test_a_norm_can_be_taken_away_again(norm):
    layer = norm(nn.Linear(3, 4)).eval()
    expected = layer(tg.ones(3))
    assert UNDO[norm](layer) is layer
    assert type(layer) is nn.Linear
    assert list(layer.state_dict()) == ["bias", "weight"]
    assert isinstance(layer.weight, nn.Parameter)
    assert tg.allclose(layer(tg.ones(3)), expected)
    with pytest.raises(ValueError, match="weight"):
        UNDO[norm](layer)


@pytest.mark.parametrize("norm", [NORMED[0], SPECTRAL[0]])
def test_two_hooks_on_one_weight_are_refused(norm):
    with pytest.raises(RuntimeError, match=f"two {norm.__name__} hooks on the same parameter"):
        norm(norm(nn.Linear(3, 4)))
    with pytest.raises(ValueError, match=f"{norm.__name__} cannot be applied: Linear has no param"):
        norm(nn.Linear(3, 4, bias=False), "bias")


@pytest.mark.parametrize("norm", SPECTRAL)
def test_spectral_norm_needs_iterations(norm):
    with pytest.raises(ValueError, match=r"n_power_iterations to be positive, but got .*=0"):
        norm(nn.Linear(3, 4), n_power_iterations=0)


def test_spectral_norm_of_a_vector_and_of_what_is_not_there():
    layer = parametrizations.spectral_norm(nn.Linear(3, 4), "bias")
    assert layer.bias.norm().item() == pytest.approx(1.0)
    with pytest.raises(ValueError, match="no parameter or buffer with name 'gain'"):
        parametrizations.spectral_norm(nn.Linear(3, 4), "gain")
    with pytest.raises(IndexError, match=r"range of \[-2, 1\] but got 2"):
        parametrizations.spectral_norm(nn.Linear(3, 4), dim=2)


def test_a_state_of_the_old_weight_norm_loads_into_the_new():
    old, new = nn.utils.weight_norm(nn.Linear(3, 4)), parametrizations.weight_norm(nn.Linear(3, 4))
    new.load_state_dict(old.state_dict())
    assert tg.equal(new.weight, old.weight)
    again = parametrizations.weight_norm(nn.Linear(3, 4))
    again.load_state_dict(new.state_dict())
    assert tg.equal(again.weight, new.weight)


def test_the_weights_of_a_recurrent_layer_can_be_normed():
    network = parametrizations.weight_norm(nn.LSTM(2, 3), "weight_hh_l0")
    network(tg.ones(4, 1, 2))[0].sum().backward()
    assert network.parametrizations.weight_hh_l0.original0.grad is not None


# Parametrizations of your own.


class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).T

    def right_inverse(self, x):
        return x.triu()


class Doubled(nn.Module):
    def forward(self, x):
        return 2 * x


def test_a_parametrized_tensor_is_computed_from_its_original():
    layer = nn.Linear(3, 3)
    weight = layer.weight
    assert parametrize.register_parametrization(layer, "weight", Symmetric()) is layer
    assert tg.equal(layer.weight, layer.weight.T)
    assert layer.parametrizations.weight.original is weight
    assert list(layer.state_dict()) == ["bias", "parametrizations.weight.original"]
    assert isinstance(layer, nn.Linear)
    assert repr(layer).startswith("ParametrizedLinear(\n  in_features=3, out_features=3, bias=True")
    layer(tg.ones(3)).sum().backward()
    assert weight.grad.tril(-1).any().item() is False
    assert parametrize.type_before_parametrizations(layer) is nn.Linear
    assert isinstance(layer.parametrizations.weight, parametrize.ParametrizationList)


def test_a_parametrized_tensor_can_be_assigned_to():
    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Symmetric())
    layer.weight = tg.tensor([[1.0, 2.0], [2.0, 3.0]])
    assert layer.weight.tolist() == [[1.0, 2.0], [2.0, 3.0]]
    assert layer.parametrizations.weight.original.tolist() == [[1.0, 2.0], [0.0, 3.0]]
    parametrize.register_parametrization(layer, "bias", Doubled())
    with pytest.raises(RuntimeError, match="Doubled does not implement right_inverse"):
        layer.bias = tg.zeros(2)
    with pytest.raises(ValueError, match="has dtype float64, while the original has dtype float32"):
        layer.weight = tg.ones(2, 2, dtype=tg.float64)


def test_parametrizations_are_applied_in_order():
    layer = nn.Linear(2, 2)
    parametrize.register_parametrization(layer, "weight", Symmetric())
    symmetric = layer.weight.detach().clone()
    parametrize.register_parametrization(layer, "weight", Doubled())
    assert tg.equal(layer.weight, 2 * symmetric)
    assert len(layer.parametrizations.weight) == 2


def test_a_buffer_can_be_parametrized():
    module = nn.BatchNorm1d(2)
    parametrize.register_parametrization(module, "running_mean", Doubled())
    module.parametrizations.running_mean.original.fill_(1.0)
    assert module.running_mean.tolist() == [2.0, 2.0]
    parametrize.remove_parametrizations(module, "running_mean")
    assert module.running_mean.tolist() == [2.0, 2.0]
    assert "running_mean" in dict(module.named_buffers())


def test_inside_cached_a_tensor_is_computed_once():
    layer = parametrizations.weight_norm(nn.Linear(2, 2))
    with parametrize.cached():
        weight = layer.weight
        with parametrize.cached():
            assert layer.weight is weight
        assert layer.weight is weight
    assert layer.weight is not weight


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_parametrized_module_can_be_copied(duplicate):
    layer = parametrizations.weight_norm(nn.Linear(2, 3))
    twin = duplicate(layer)
    assert tg.equal(twin.weight, layer.weight)
    parametrize.remove_parametrizations(layer, "weight")
    assert parametrize.is_parametrized(twin)
    assert not parametrize.is_parametrized(layer)
    assert twin(tg.ones(2)).shape == (3,)


def test_removing_leaves_the_value_or_the_original():
    for leave, expected in ((True, [2.0, 2.0]), (False, [1.0, 1.0])):
        layer = nn.Linear(2, 2)
        with tg.no_grad():
            layer.bias.fill_(1.0)
        bias = layer.bias
        parametrize.register_parametrization(layer, "bias", Doubled())
        parametrize.register_parametrization(layer, "weight", Doubled())
        parametrize.remove_parametrizations(layer, "bias", leave_parametrized=leave)
        assert layer.bias is bias
        assert bias.tolist() == expected
        assert parametrize.is_parametrized(layer, "weight")
        assert not parametrize.is_parametrized(layer, "bias")


def returning(value, inverse=None):
    """A parametrization that returns this whatever it is given."""
    module = nn.Module()
    module.forward = lambda *x: value
    if inverse is not None:
        module.right_inverse = lambda x: inverse
    return module


def register(*parametrizations, name="weight", **options):
    layer = nn.Linear(2, 2)
    for module in parametrizations:
        parametrize.register_parametrization(layer, name, module, **options)
    return layer


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: register(Doubled(), name="gain"),
            "does not have a parameter, a buffer, or a .*'ga",
        ),
        (lambda: register(returning(3.0)), "must return a tensor. Got float"),
        (lambda: register(returning(tg.ones(3))), r"shape \(2, 2\) became float32 of shape \(3,\)"),
        (lambda: register(Doubled(), returning(tg.ones(3))), r"became float32 of shape \(3,\)"),
        (
            lambda: register(Doubled(), returning(tg.ones(2, 2), tg.ones(3))),
            "The right_inverse of a second parametrization may not change",
        ),
        (lambda: register(returning(tg.ones(2, 2), 7)), "must return a Tensor or a Sequence"),
        (
            lambda: register(returning(tg.ones(2, 2), tg.ones(2, 2).double())),
            "may not change the dtype: the original is float32",
        ),
        (lambda: parametrize.ParametrizationList([], tg.ones(1)), "one or more modules"),
        (
            lambda: parametrize.remove_parametrizations(nn.Linear(2, 2), "weight"),
            "Linear does not have a parametrization on 'weight'",
        ),
        (
            lambda: parametrize.remove_parametrizations(
                parametrizations.weight_norm(nn.Linear(2, 2)), "weight", False
            ),
            "in terms of a sequence of tensors",
        ),
    ],
)
def test_parametrizations_that_do_not_fit_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_unsafe_lets_the_shape_change():
    layer = register(returning(tg.ones(3, 2)), unsafe=True)
    assert layer.weight.shape == (3, 2)


def test_originals_of_a_wrong_number_are_refused():
    layer = parametrizations.weight_norm(nn.Linear(2, 2))
    layer.parametrizations.weight[0].right_inverse = lambda x: (x,)
    with pytest.raises(ValueError, match="must return 2 tensors; got 1"):
        layer.weight = tg.ones(2, 2)
