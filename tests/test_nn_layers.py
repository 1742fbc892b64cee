"""Layers: parameters and their first values, training and evaluation, what is shown and refused."""

import math

import numpy as np
import pytest

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F

# Linear and its relatives.


@pytest.mark.parametrize(("inputs", "outputs"), [(784, 100), (3, 400)])
def test_linear_starts_uniform_on_one_over_the_root_of_its_inputs(inputs, outputs):
    layer = nn.Linear(inputs, outputs)
    bound = 1 / math.sqrt(inputs)
    for parameter, count in ((layer.weight, inputs * outputs), (layer.bias, outputs)):
        values = parameter.detach().numpy()
        assert np.abs(values).max() <= bound
        assert values.std() == pytest.approx(bound / math.sqrt(3), rel=4 / math.sqrt(count))
        assert values.mean() == pytest.approx(0, abs=4 * bound / math.sqrt(count))


def test_linear_computes_x_w_transposed_plus_b():
    layer = nn.Linear(3, 2)
    x = tg.randn(4, 5, 3)
    expected = x.numpy() @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, rtol=1e-5, atol=1e-6)


def test_linear_without_bias_has_none_and_shows_it():
    layer = nn.Linear(3, 2, bias=False)
    assert layer.bias is None
    assert list(layer.state_dict()) == ["weight"]
    assert repr(layer) == "Linear(in_features=3, out_features=2, bias=False)"


def test_linear_takes_type_and_device_and_forgets_on_reset():
    layer = nn.Linear(3, 2, device="cpu", dtype=tg.float64)
    assert layer.weight.dtype == layer.bias.dtype == tg.float64
    before = layer.weight.clone()
    layer.reset_parameters()
    assert not tg.equal(before, layer.weight)
    assert layer.weight.requires_grad
    assert layer.weight.is_leaf


def test_linear_without_inputs_is_its_bias():
    with pytest.warns(UserWarning, match="zero-element"):
        layer = nn.Linear(0, 2)
    assert tg.equal(layer(tg.ones(3, 0)), layer.bias.expand(3, 2))
    assert layer.bias.tolist() == [0.0, 0.0]


def test_the_same_seed_gives_the_same_layer():
    def weight():
        tg.manual_seed(3)
        return nn.Linear(4, 5).weight

    assert tg.equal(weight(), weight())


def test_a_wrong_input_is_told_with_the_layer():
    net = nn.Sequential(nn.Linear(784, 100), nn.ReLU(), nn.Linear(50, 10))
    with pytest.raises(RuntimeError, match=r"the input has 100 features .* takes 50") as caught:
        net(tg.ones(2, 784))
    assert "2 (Linear" in str(caught.value) + "".join(getattr(caught.value, "__notes__", []))


def test_images_that_were_not_flattened_are_told_to_be():
    with pytest.raises(RuntimeError, match=r"Flatten each sample first: `x.flatten\(1\)`"):
        nn.Linear(784, 10)(tg.ones(5, 1, 28, 28))


def test_bilinear():
    layer = nn.Bilinear(2, 3, 4)
    x, y = tg.randn(5, 2), tg.randn(5, 3)
    w, b = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    expected = np.einsum("ni,oij,nj->no", x.numpy(), w, y.numpy()) + b
    np.testing.assert_allclose(layer(x, y).detach().numpy(), expected, rtol=1e-4, atol=1e-6)
    assert np.abs(w).max() <= 1 / math.sqrt(2)
    assert repr(layer) == "Bilinear(in1_features=2, in2_features=3, out_features=4, bias=True)"
    assert nn.Bilinear(2, 3, 4, bias=False).bias is None
    with pytest.raises(ValueError, match="in1_features must be > 0, but got 0"):
        nn.Bilinear(0, 3, 4)


def test_identity_flatten_and_unflatten():
    x = tg.randn(2, 3, 4)
    assert nn.Identity("anything", goes=True)(x) is x
    assert nn.Flatten()(x).shape == (2, 12)
    assert nn.Flatten(0, 1)(x).shape == (6, 4)
    assert tg.equal(nn.Unflatten(1, (3, 4))(nn.Flatten()(x)), x)
    assert repr(nn.Flatten()) == "Flatten(start_dim=1, end_dim=-1)"
    assert repr(nn.Unflatten(1, [2, 2])) == "Unflatten(dim=1, unflattened_size=(2, 2))"
    with pytest.raises(TypeError, match="must be a tuple of ints"):
        nn.Unflatten(1, 4)


# Activations.

ACTIVATIONS = [
    (nn.ReLU(), F.relu, "ReLU()"),
    (nn.ReLU6(), F.relu6, "ReLU6()"),
    (nn.LeakyReLU(0.2), lambda x: F.leaky_relu(x, 0.2), "LeakyReLU(negative_slope=0.2)"),
    (nn.RReLU(0.1, 0.3).eval(), lambda x: F.leaky_relu(x, 0.2), "RReLU(lower=0.1, upper=0.3)"),
    (nn.PReLU(3, 0.5), lambda x: F.leaky_relu(x, 0.5), "PReLU(num_parameters=3)"),
    (nn.ELU(0.5), lambda x: F.elu(x, 0.5), "ELU(alpha=0.5)"),
    (nn.CELU(0.5), lambda x: F.celu(x, 0.5), "CELU(alpha=0.5)"),
    (nn.SELU(), F.selu, "SELU()"),
    (nn.GELU("tanh"), lambda x: F.gelu(x, "tanh"), "GELU(approximate='tanh')"),
    (nn.SiLU(), F.silu, "SiLU()"),
    (nn.Mish(), F.mish, "Mish()"),
    (nn.Sigmoid(), tg.sigmoid, "Sigmoid()"),
    (nn.LogSigmoid(), F.logsigmoid, "LogSigmoid()"),
    (nn.Tanh(), tg.tanh, "Tanh()"),
    (nn.Tanhshrink(), F.tanhshrink, "Tanhshrink()"),
    (nn.Softsign(), F.softsign, "Softsign()"),
    (nn.Softplus(2.0, 5.0), lambda x: F.softplus(x, 2, 5), "Softplus(beta=2.0, threshold=5.0)"),
    (nn.Hardtanh(-2, 0.5), lambda x: F.hardtanh(x, -2, 0.5), "Hardtanh(min_val=-2, max_val=0.5)"),
    (nn.Hardsigmoid(), F.hardsigmoid, "Hardsigmoid()"),
    (nn.Hardswish(), F.hardswish, "Hardswish()"),
    (nn.Hardshrink(0.3), lambda x: F.hardshrink(x, 0.3), "Hardshrink(0.3)"),
    (nn.Softshrink(0.3), lambda x: F.softshrink(x, 0.3), "Softshrink(0.3)"),
    (
        nn.Threshold(0.1, 20),
        lambda x: F.threshold(x, 0.1, 20),
        "Threshold(threshold=0.1, value=20)",
    ),
    (nn.GLU(0), lambda x: F.glu(x, 0), "GLU(dim=0)"),
    (nn.Softmax(1), lambda x: tg.softmax(x, 1), "Softmax(dim=1)"),
    (nn.Softmin(1), lambda x: F.softmin(x, 1), "Softmin(dim=1)"),
    (nn.LogSoftmax(1), lambda x: tg.log_softmax(x, 1), "LogSoftmax(dim=1)"),
]


@pytest.mark.parametrize(
    ("layer", "function", "shown"), ACTIVATIONS, ids=[row[2] for row in ACTIVATIONS]
)
def test_activation_is_its_function_and_shows_its_options(layer, function, shown):
    x = tg.randn(4, 3)
    assert tg.equal(layer(x), function(x))
    assert repr(layer) == shown


IN_PLACE = [
    "ReLU",
    "ReLU6",
    "LeakyReLU",
    "RReLU",
    "ELU",
    "CELU",
    "SELU",
    "SiLU",
    "Mish",
    "Hardtanh",
]
IN_PLACE += ["Hardsigmoid", "Hardswish"]


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_activation_changes_its_input(name):
    layer = getattr(nn, name)(inplace=True).eval()
    x = tg.tensor([-1.0, 0.5, 8.0])
    expected = getattr(nn, name)().eval()(x)
    assert layer(x) is x
    assert tg.equal(x, expected)
    assert "inplace=True" in repr(layer)


def test_random_leaky_relu_draws_slopes_while_training():
    layer = nn.RReLU(0.2, 0.4, generator=tg.Generator().manual_seed(1))
    slopes = -layer(tg.full((1000,), -1.0)).numpy()
    assert slopes.min() >= 0.2
    assert slopes.max() <= 0.4
    assert slopes.std() == pytest.approx(0.2 / math.sqrt(12), rel=0.1)


def test_prelu_learns_one_slope_for_each_channel():
    layer = nn.PReLU(2)
    layer(tg.tensor([[-1.0, 3.0], [-2.0, -5.0]])).sum().backward()
    assert layer.weight.grad.tolist() == [-3.0, -5.0]
    nn.init.zeros_(layer.weight)
    layer.reset_parameters()
    assert layer.weight.tolist() == [0.25, 0.25]


def test_softmax2d_is_over_channels():
    x = tg.randn(2, 3, 4, 5)
    assert tg.equal(nn.Softmax2d()(x), tg.softmax(x, 1))
    assert tg.equal(nn.Softmax2d()(x[0]), tg.softmax(x[0], 0))
    with pytest.raises(
        ValueError, match=r"expected 3D or 4D input \(got 2D input of shape \(3, 4\)\)"
    ):
        nn.Softmax2d()(tg.ones(3, 4))


@pytest.mark.parametrize("name", ["Softmax", "Softmin", "LogSoftmax"])
def test_softmax_layers_without_dim_warn(name):
    with pytest.warns(UserWarning, match="without dim, dimension 1 is taken"):
        getattr(nn, name)()(tg.ones(2, 3))


def test_hardtanh_refuses_an_empty_interval():
    with pytest.raises(ValueError, match=r"min_val must be below max_val; got 1\.0 and 1\.0"):
        nn.Hardtanh(1.0, 1.0)


# Dropout.


def test_dropout_drops_while_training_only():
    layer = nn.Dropout(0.25)
    x = tg.ones(1000)
    np.testing.assert_allclose(np.unique(layer(x).numpy()), [0, 1 / 0.75], rtol=1e-6)
    assert layer.eval()(x) is x
    assert repr(layer) == "Dropout(p=0.25, inplace=False)"


def test_dropout_of_the_course_scales_at_test_time():
    layer = nn.Dropout(0.25, scale_at="test")
    x = tg.ones(20000)
    training = layer(x)
    assert set(training.tolist()) == {0.0, 1.0}
    evaluated = layer.eval()(x)
    assert set(evaluated.tolist()) == {0.75}
    assert training.mean().item() == pytest.approx(0.75, abs=0.02)
    assert repr(layer) == "Dropout(p=0.25, inplace=False, scale_at='test')"
    with pytest.raises(ValueError, match="scale_at is 'train' or 'test'; got 'both'"):
        nn.Dropout(scale_at="both")


@pytest.mark.parametrize(
    "name",
    ["Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"],
)
def test_dropout_layers(name):
    layer = getattr(nn, name)(0.5, generator=tg.Generator().manual_seed(4))
    shape = {"Dropout1d": (5, 4, 3), "Dropout2d": (5, 4, 3, 2), "Dropout3d": (5, 4, 3, 2, 1)}.get(
        name, (5, 4, 3)
    )
    x = tg.ones(shape)
    first = layer(x)
    assert len(np.unique(first.numpy())) == 2
    assert not tg.equal(first, layer(x))
    same = getattr(nn, name)(0.5, generator=tg.Generator().manual_seed(4))
    assert tg.equal(first, same(x))
    assert tg.equal(layer.eval()(x), x)
    with pytest.raises(
        ValueError, match=f"{name}: dropout probability has to be between 0 and 1, but got -0.1"
    ):
        getattr(nn, name)(-0.1)


def test_dropout_in_place():
    x = tg.ones(10)
    assert nn.Dropout(inplace=True)(x) is x


# Batch normalisation.


def test_batch_norm_starts_as_pytorch_and_has_its_state():
    layer = nn.BatchNorm1d(3)
    state = layer.state_dict()
    assert list(state) == ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    assert [state[key].tolist() for key in state] == [[1.0] * 3, [0.0] * 3, [0.0] * 3, [1.0] * 3, 0]
    assert state["num_batches_tracked"].dtype == tg.int64
    assert len(list(layer.parameters())) == 2
    assert repr(layer) == (
        "BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)"
    )


def test_batch_norm_normalises_while_training():
    layer = nn.BatchNorm1d(3)
    y = layer(tg.randn(50, 3) * 7 + 3).detach().numpy()
    np.testing.assert_allclose(y.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(y.var(0), 1, rtol=1e-4)


def test_running_estimates_are_an_exponential_average():
    layer = nn.BatchNorm1d(2, momentum=0.3)
    mean, var = np.zeros(2), np.ones(2)
    for _ in range(4):
        x = tg.randn(6, 2, 3)
        layer(x)
        mean = 0.7 * mean + 0.3 * x.numpy().mean((0, 2))
        var = 0.7 * var + 0.3 * x.numpy().var((0, 2), ddof=1)
    np.testing.assert_allclose(layer.running_mean.numpy(), mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer.running_var.numpy(), var, rtol=1e-5)
    assert layer.num_batches_tracked.item() == 4


def test_without_momentum_the_estimates_are_the_mean_over_all_batches():
    layer = nn.BatchNorm1d(2, momentum=None)
    batches = [tg.randn(5, 2) for _ in range(7)]
    for batch in batches:
        layer(batch)
    means = np.mean([batch.numpy().mean(0) for batch in batches], axis=0)
    variances = np.mean([batch.numpy().var(0, ddof=1) for batch in batches], axis=0)
    np.testing.assert_allclose(layer.running_mean.numpy(), means, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer.running_var.numpy(), variances, rtol=1e-5)


def test_evaluation_uses_the_estimates_and_leaves_them():
    layer = nn.BatchNorm1d(2)
    layer(tg.randn(10, 2))
    state = {key: value.clone() for key, value in layer.state_dict().items()}
    x = tg.randn(1, 2)
    y = layer.eval()(x)
    expected = (x - state["running_mean"]) / (state["running_var"] + 1e-5).sqrt()
    np.testing.assert_allclose(y.detach().numpy(), expected.numpy(), rtol=1e-5, atol=1e-6)
    assert all(tg.equal(layer.state_dict()[key], value) for key, value in state.items())


def test_without_tracking_evaluation_uses_the_batch():
    layer = nn.BatchNorm1d(2, track_running_stats=False).eval()
    x = tg.randn(9, 2)
    assert tg.equal(layer(x), nn.BatchNorm1d(2)(x))
    assert layer.running_mean is None
    assert layer.num_batches_tracked is None
    assert list(layer.state_dict()) == ["weight", "bias"]


def test_batch_norm_without_parameters():
    assert list(nn.BatchNorm1d(2, affine=False).parameters()) == []
    assert nn.BatchNorm1d(2, bias=False).bias is None
    assert nn.BatchNorm1d(2, bias=False)(tg.randn(4, 2)).shape == (4, 2)


def test_reset_forgets_what_was_learned_and_seen():
    layer = nn.BatchNorm1d(2)
    fresh = {key: value.clone() for key, value in layer.state_dict().items()}
    layer(tg.randn(5, 2) + 3)
    nn.init.constant_(layer.weight, 7)
    nn.init.constant_(layer.bias, 7)
    layer.reset_parameters()
    assert all(tg.equal(layer.state_dict()[key], value) for key, value in fresh.items())


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.BatchNorm1d(3), (4, 3)),
        (nn.BatchNorm1d(3), (4, 3, 2)),
        (nn.BatchNorm2d(3), (4, 3, 2, 5)),
        (nn.BatchNorm3d(3), (4, 3, 2, 5, 1)),
    ],
)
def test_batch_norm_takes_its_dimensions_only(layer, shape):
    assert layer(tg.randn(shape)).shape == shape
    for wrong in ((3,), (4, 3), (4, 3, 2), (4, 3, 2, 5), (4, 3, 2, 5, 1)):
        if len(wrong) not in layer.dims:
            with pytest.raises(ValueError, match=rf"expected .*D input \(got {len(wrong)}D input"):
                layer(tg.randn(wrong))


def test_batch_norm_refuses_another_number_of_channels_and_a_single_value():
    layer = nn.BatchNorm1d(3)
    with pytest.raises(
        RuntimeError, match=r"BatchNorm1d\(3\): .* has 4 channels in dimension 1. .* num_features=4"
    ):
        layer(tg.randn(5, 4))
    with pytest.raises(ValueError, match="Expected more than 1 value per channel when training"):
        layer(tg.randn(1, 3))
    assert layer.eval()(tg.randn(1, 3)).shape == (1, 3)


def test_batch_norm_in_float64():
    layer = nn.BatchNorm1d(3, dtype=tg.float64)
    y = layer(tg.randn(5, 3, dtype=tg.float64))
    assert y.dtype == layer.running_var.dtype == tg.float64


def test_a_network_of_all_these_layers_learns():
    net = nn.Sequential(
        nn.Flatten(),
        nn.Linear(8, 16),
        nn.BatchNorm1d(16),
        nn.ReLU(),
        nn.Dropout(0.1),
        nn.Linear(16, 3),
    )
    x = tg.randn(60, 2, 4)
    target = x.flatten(1)[:, :3].argmax(1)
    loss_of = nn.CrossEntropyLoss()
    losses = []
    for _ in range(150):
        loss = loss_of(net(x), target)
        net.zero_grad()
        loss.backward()
        with tg.no_grad():
            for parameter in net.parameters():
                parameter.sub_(0.5 * parameter.grad)
        losses.append(loss.item())
    assert losses[0] > 0.8
    assert np.mean(losses[-10:]) < 0.2
    accuracy = (net.eval()(x).argmax(1) == target).float().mean().item()
    assert accuracy > 0.95
