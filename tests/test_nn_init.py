"""Initial weights: distributions, fans, gains, determinism, errors."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu import nn
from tinygrad_edu.nn import init

SIZE = (400, 500)  # 200,000 numbers: the standard error of a mean is 0.0022 standard deviations
TOLERANCE = 0.01


def filled(fill, *args, size=SIZE, dtype=tg.float32, **kwargs):
    weight = tg.empty(*size, dtype=dtype)
    assert getattr(init, fill)(weight, *args, **kwargs) is weight
    return weight.numpy().astype(np.float64)


# Distributions.


@pytest.mark.parametrize("dtype", [tg.float32, tg.float64])
def test_uniform_fills_its_range_evenly(dtype):
    drawn = filled("uniform_", -1, 3, dtype=dtype)
    assert drawn.min() >= -1
    assert drawn.max() <= 3
    counts, _ = np.histogram(drawn, bins=8, range=(-1, 3))
    np.testing.assert_allclose(counts / drawn.size, 1 / 8, rtol=0.03)


@pytest.mark.parametrize("dtype", [tg.float32, tg.float64])
def test_normal_has_its_moments(dtype):
    drawn = filled("normal_", 5, 2, dtype=dtype)
    z = (drawn - 5) / 2
    assert abs(z.mean()) < TOLERANCE
    assert abs(z.std() - 1) < TOLERANCE
    assert abs((z**4).mean() - 3) < 0.1
    assert abs((np.abs(z) < 1).mean() - 0.6827) < TOLERANCE


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"),
    [
        (0, 1, -2, 2),
        (1, 2, 0, 10),
        (0, 1, 3, 5),
        (0, 1, 6, math.inf),
        (0, 1, -math.inf, -3),
        (0, 1, -0.01, 0.01),
        (0, 0.02, -2, 2),
    ],
)
def test_the_truncated_normal_has_the_moments_of_its_density(mean, std, a, b):
    drawn = filled("trunc_normal_", mean, std, a, b)
    assert drawn.min() >= a
    assert drawn.max() <= b
    low, high = max(a, mean - 12 * std), min(b, mean + 12 * std)
    x = np.linspace(low, high, 200_001)
    density = np.exp(-(((x - mean) / std) ** 2) / 2)
    density /= density.sum()
    expected = (x * density).sum()
    spread = math.sqrt(((x - expected) ** 2 * density).sum())
    assert abs(drawn.mean() - expected) < TOLERANCE * spread
    assert abs(drawn.std() / spread - 1) < TOLERANCE


def scale_of(drawn):
    return drawn.mean(), drawn.std()


SCALES = [
    ("xavier_normal_", {}, math.sqrt(2 / 900)),
    ("xavier_uniform_", {"gain": 2.0}, 2 * math.sqrt(2 / 900)),
    ("kaiming_normal_", {}, math.sqrt(2 / 500)),
    ("kaiming_normal_", {"nonlinearity": "relu", "mode": "fan_out"}, math.sqrt(2 / 400)),
    ("kaiming_uniform_", {"nonlinearity": "relu"}, math.sqrt(2 / 500)),
    ("kaiming_uniform_", {"a": math.sqrt(5)}, math.sqrt(1 / 1500)),
    ("kaiming_uniform_", {"nonlinearity": "tanh"}, 5 / 3 / math.sqrt(500)),
]


@pytest.mark.parametrize(("fill", "kwargs", "std"), SCALES)
def test_weights_have_the_scale_of_their_formula(fill, kwargs, std):
    drawn = filled(fill, **kwargs)
    assert abs(drawn.mean()) < TOLERANCE * std
    assert abs(drawn.std() / std - 1) < TOLERANCE
    if fill.endswith("uniform_"):
        bound = math.sqrt(3) * std
        assert bound * 0.999 < np.abs(drawn).max() <= bound * (1 + 1e-6)
    else:
        assert np.abs(drawn).max() > 4 * std


def test_convolution_weights_count_the_kernel_in_their_fans():
    assert init._calculate_fan_in_and_fan_out(tg.empty(6, 4, 3, 5)) == (60, 90)
    drawn = filled("kaiming_normal_", size=(64, 32, 5, 5))
    assert abs(drawn.std() / math.sqrt(2 / 800) - 1) < TOLERANCE


def test_he_weights_keep_the_scale_of_a_signal_through_relu_layers():
    signal = np.random.default_rng(0).standard_normal((200, 256))
    before = (signal**2).mean()
    for _ in range(20):
        signal = np.maximum(signal @ filled("kaiming_normal_", size=(256, 256)).T, 0)
    assert 0.3 < (signal**2).mean() / before < 3


@pytest.mark.parametrize("size", [(30, 30), (10, 30), (30, 10), (8, 4, 3, 3), (50, 4, 3, 3)])
def test_orthogonal_rows_or_columns(size):
    matrix = filled("orthogonal_", gain=2, size=size).reshape(size[0], -1)
    short = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    np.testing.assert_allclose(short @ short.T, 4 * np.eye(len(short)), atol=1e-5)


def test_orthogonal_matrices_are_drawn_evenly():
    traces = [np.trace(filled("orthogonal_", size=(3, 3))) for _ in range(2000)]
    assert abs(np.mean(traces)) < 0.07
    assert abs(np.var(traces) - 1) < 0.1


def test_sparse_zeroes_a_fraction_of_each_column():
    drawn = filled("sparse_", 0.3, std=2, size=(1000, 50))
    np.testing.assert_array_equal((drawn == 0).sum(axis=0), 300)
    assert abs(drawn[drawn != 0].std() - 2) < 0.05
    assert len({tuple(np.flatnonzero(column)) for column in drawn.T}) == 50
    np.testing.assert_array_equal((filled("sparse_", 0.25, size=(5, 3)) == 0).sum(axis=0), 2)
    assert not filled("sparse_", 1, size=(5, 3)).any()


# Fixed values.


def test_constants():
    assert filled("ones_", size=(2,)).tolist() == [1, 1]
    assert filled("zeros_", size=(2,)).tolist() == [0, 0]
    assert filled("constant_", 0.25, size=(2,)).tolist() == [0.25, 0.25]
    assert init.constant_(tg.empty(2, dtype=tg.int64), 2.5).tolist() == [2, 2]


def test_eye_of_a_rectangle():
    assert filled("eye_", size=(2, 3)).tolist() == [[1, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize("kernel", [(3,), (3, 5), (3, 3, 3)])
def test_dirac_puts_a_one_into_the_middle_of_matching_channels(kernel):
    weight = filled("dirac_", size=(3, 2, *kernel))
    middle = tuple(size // 2 for size in kernel)
    assert weight[(slice(None), slice(None), *middle)].tolist() == [[1, 0], [0, 1], [0, 0]]
    assert weight.sum() == 2


def test_dirac_starts_anew_in_each_group():
    weight = filled("dirac_", 2, size=(4, 2, 3))
    assert weight[:, :, 1].tolist() == [[1, 0], [0, 1], [1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("nonlinearity", "param", "gain"),
    [
        ("linear", None, 1),
        ("conv2d", None, 1),
        ("conv_transpose3d", None, 1),
        ("sigmoid", None, 1),
        ("tanh", None, 5 / 3),
        ("relu", None, math.sqrt(2)),
        ("leaky_relu", None, 1.4141428569978354),
        ("leaky_relu", 0.2, 1.3867504905630728),
        ("selu", None, 0.75),
    ],
)
def test_gains_are_those_of_pytorch(nonlinearity, param, gain):
    assert init.calculate_gain(nonlinearity, param) == pytest.approx(gain, rel=1e-12)


# What all of them share.

RANDOM = [
    ("uniform_", ()),
    ("normal_", ()),
    ("trunc_normal_", ()),
    ("xavier_uniform_", ()),
    ("xavier_normal_", ()),
    ("kaiming_uniform_", ()),
    ("kaiming_normal_", ()),
    ("orthogonal_", ()),
    ("sparse_", (0.5,)),
]


@pytest.mark.parametrize(("fill", "args"), RANDOM)
def test_the_seed_decides(fill, args):
    tg.manual_seed(1)
    first, second = (filled(fill, *args, size=(4, 3)) for _ in range(2))
    tg.manual_seed(1)
    np.testing.assert_array_equal(first, filled(fill, *args, size=(4, 3)))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize(("fill", "args"), RANDOM)
def test_a_generator_of_ones_own_decides_and_leaves_the_default_alone(fill, args):
    state = tg.get_rng_state()
    draws = [
        filled(fill, *args, size=(4, 3), generator=tg.Generator().manual_seed(5)) for _ in range(2)
    ]
    np.testing.assert_array_equal(*draws)
    assert tg.get_rng_state() == state


@pytest.mark.parametrize(
    ("fill", "args"), [*RANDOM, ("constant_", (1,)), ("ones_", ()), ("zeros_", ()), ("eye_", ())]
)
def test_a_parameter_is_filled_unrecorded_and_its_version_counts(fill, args):
    parameter = nn.Parameter(tg.zeros(4, 3))
    getattr(init, fill)(parameter, *args)
    assert parameter.requires_grad
    assert parameter.is_leaf
    assert parameter._version > 0


def test_a_part_of_a_parameter_can_be_filled():
    bias = nn.Parameter(tg.zeros(4))
    init.ones_(bias[1:3])
    assert bias.tolist() == [0, 1, 1, 0]


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 3))
def test_uniform_bounds_hold_for_every_shape(outputs, inputs, kernel):
    weight = init.kaiming_uniform_(tg.empty(outputs, inputs, *[2] * kernel))
    assert np.abs(weight.numpy()).max() <= math.sqrt(6 / (inputs * 2**kernel)) * (1 + 1e-6)


@pytest.mark.parametrize("fill", ["kaiming_uniform_", "kaiming_normal_"])
def test_a_weight_without_elements_is_warned_about(fill):
    with pytest.warns(UserWarning, match="zero-element tensors is a no-op"):
        getattr(init, fill)(tg.empty(0, 2))


@pytest.mark.parametrize("fill", ["xavier_uniform_", "xavier_normal_", "orthogonal_"])
def test_other_fillers_let_a_weight_without_elements_be(fill):
    assert getattr(init, fill)(tg.empty(0, 0)).shape == (0, 0)


ERRORS = [
    (lambda: init.kaiming_uniform_(tg.empty(3)), ValueError, "fewer than 2 dimensions"),
    (lambda: init.xavier_normal_(tg.empty(3)), ValueError, r"this one has shape \(3,\)"),
    (lambda: init.kaiming_normal_(tg.empty(3, 2), mode="x"), ValueError, "use 'fan_in' or 'fan_o"),
    (
        lambda: init.kaiming_normal_(tg.empty(3, 2), nonlinearity="gelu"),
        ValueError,
        "Unsupported nonlinearity 'gelu'; known are linear",
    ),
    (lambda: init.calculate_gain("leaky_relu", True), ValueError, "slope True .* not a number"),
    (lambda: init.eye_(tg.empty(3)), ValueError, "only tensors with 2 dimensions"),
    (lambda: init.sparse_(tg.empty(3), 0.1), ValueError, "only tensors with 2 dimensions"),
    (lambda: init.sparse_(tg.empty(3, 2), 1.5), ValueError, "a fraction from 0 to 1; got 1.5"),
    (lambda: init.dirac_(tg.empty(3, 2)), ValueError, "only tensors with 3, 4 or 5 dimensions"),
    (lambda: init.dirac_(tg.empty(3, 2, 3), 2), ValueError, "3 output channels .* among 2 groups"),
    (lambda: init.orthogonal_(tg.empty(3)), ValueError, "2 or more dimensions"),
    (lambda: init.uniform_(tg.empty(3), 2, 1), RuntimeError, "low must not exceed high"),
    (lambda: init.normal_(tg.empty(3), 2, -1), RuntimeError, "cannot be negative; got -1"),
    (lambda: init.trunc_normal_(tg.empty(3), 0, 1, 3, 2), RuntimeError, "needs a <= b"),
    (lambda: init.normal_(tg.empty(3, dtype=tg.int64)), RuntimeError, "floating type"),
    (lambda: init.zeros_(np.zeros(3)), TypeError, "fills a tensor in place; got ndarray"),
    (lambda: init.ones_(nn.Module()), TypeError, "For a layer, pass its weight"),
]


@pytest.mark.parametrize(("fill", "error", "message"), ERRORS)
def test_errors_say_what_is_wrong(fill, error, message):
    with pytest.raises(error, match=message):
        fill()
