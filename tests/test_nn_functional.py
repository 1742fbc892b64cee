"""nn.functional without the losses: activations, softmax, linear, dropout, normalisation."""

import math

import numpy as np
import pytest
from cases import Case, property_test
from hypothesis import strategies as st

import tinygrad_edu as tg
import tinygrad_edu.nn.functional as F
from tinygrad_edu.ops.neural import Linear
from tinygrad_edu.testing.strategies import arrays, axes, shapes

erf = np.vectorize(math.erf, otypes=[float])
erfc = np.vectorize(math.erfc, otypes=[float])


def sigmoid(x):
    return 0.5 * (1 + np.tanh(0.5 * x))


def softmax(x, dim):
    e = np.exp(x - x.max(axis=dim, keepdims=True))
    return e / e.sum(axis=dim, keepdims=True)


def one_dim(x, *_):
    """Any one dimension of x."""
    return st.fixed_dictionaries({"dim": axes(x.ndim, several=False, none=False)})


def numbers(**values):
    """Keywords, each drawn from its list."""
    return st.fixed_dictionaries(
        {}, optional={key: st.sampled_from(v) for key, v in values.items()}
    )


def piecewise(name, reference, *kinks, **values):
    """An elementwise activation with kinks, over all values of its keywords."""
    return Case(
        name, getattr(F, name), arrays(low=-8, high=8, kinks=kinks), reference, numbers(**values)
    )


def hardtanh(x, min_val=-1.0, max_val=1.0):
    return np.clip(x, min_val, max_val)


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(x))


def celu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(x / alpha))


def gelu(x, approximate="none"):
    if approximate == "none":
        return 0.5 * x * (1 + erf(x / math.sqrt(2)))
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def softplus(x, beta=1.0, threshold=20.0):
    return np.where(x * beta > threshold, x, np.log(1 + np.exp(x * beta)) / beta)


@st.composite
def linear_inputs(draw, bias):
    lead = draw(shapes(min_dims=0, max_dims=3, max_side=3))
    features, outputs = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    inputs = [draw(arrays(shape)) for shape in ((*lead, features), (outputs, features))]
    return (*inputs, draw(arrays((outputs,)))) if bias else tuple(inputs)


@st.composite
def bilinear_inputs(draw):
    lead = draw(shapes(min_dims=1, max_dims=2, max_side=3))
    first, second, outputs = (draw(st.integers(1, 3)) for _ in range(3))
    return tuple(
        draw(arrays(shape))
        for shape in ((*lead, first), (*lead, second), (outputs, first, second), (outputs,))
    )


@st.composite
def channels(draw, vectors, positive=None):
    """x (N, C, ...) with at least two values per channel, and so many vectors of C numbers."""
    channel_count = draw(st.integers(1, 3))
    more = draw(shapes(min_dims=0, max_dims=2, max_side=3))
    x = draw(arrays((draw(st.integers(2, 4)), channel_count, *more)))
    found = [draw(arrays((channel_count,))) for _ in range(vectors)]
    if positive is not None:
        found[positive] = np.abs(found[positive]) + 0.3
    return (x, *found)


def across(vector, x):
    return vector.reshape(-1, *[1] * (x.ndim - 2))


def batch_norm(x, weight=None, bias=None, eps=1e-5):
    dims = (0, *range(2, x.ndim))
    y = (x - x.mean(dims, keepdims=True)) / np.sqrt(x.var(dims, keepdims=True) + eps)
    y = y if weight is None else y * across(weight, x)
    return y if bias is None else y + across(bias, x)


def generator():
    return tg.Generator().manual_seed(2)


def noise(x):
    return np.random.default_rng(2).random(x.shape, dtype=np.float32)


def seeded(name, reference):
    """A kind of dropout with p = 0.4; the reference is told what is kept."""
    return Case(
        name,
        lambda x: getattr(F, name)(x, 0.4, training=True, generator=generator()),
        arrays(),
        lambda x: reference(x, noise(x) >= 0.4),
    )


def alpha_dropout(x, kept, low=-1.7580993408473766, p=0.4):
    """Dropped elements become `low`; then mean and variance of N(0, 1) are restored."""
    scale = 1 / math.sqrt((1 - p) * (1 + p * low * low))
    return scale * (np.where(kept, x, low) - p * low)


def estimates(x):
    """A mean and a variance of each channel of x."""
    return np.linspace(-1, 1, x.shape[1]), np.linspace(0.5, 2, x.shape[1])


def evaluated_batch_norm(x, weight, bias):
    mean, var = (tg.tensor(estimate, dtype=x.dtype) for estimate in estimates(x))
    return F.batch_norm(x, mean, var, weight, bias)


def evaluated_reference(x, weight, bias):
    mean, var = (across(estimate, x) for estimate in estimates(x))
    return (x - mean) / np.sqrt(var + 1e-5) * across(weight, x) + across(bias, x)


CASES = [
    # Straight pieces.
    piecewise("relu", lambda x: np.maximum(x, 0), 0),
    piecewise("relu6", lambda x: np.clip(x, 0, 6), 0, 6),
    piecewise(
        "leaky_relu",
        lambda x, negative_slope=0.01: np.where(x > 0, x, negative_slope * x),
        0,
        negative_slope=[0.1, 0.0, -1.0, 2.0],
    ),
    piecewise(
        "rrelu",
        lambda x, lower=1 / 8, upper=1 / 3: np.where(x > 0, x, (lower + upper) / 2 * x),
        0,
        lower=[0.1],
    ),
    piecewise("hardtanh", hardtanh, -2, -1, 1, 2, min_val=[-2.0], max_val=[2.0]),
    piecewise("hardsigmoid", lambda x: np.clip(x / 6 + 0.5, 0, 1), -3, 3),
    piecewise("hardswish", lambda x: x * np.clip(x / 6 + 0.5, 0, 1), -3, 3),
    piecewise(
        "hardshrink",
        lambda x, lambd=0.5: np.where(np.abs(x) > lambd, x, 0),
        -2,
        -0.5,
        0.5,
        2,
        lambd=[2.0],
    ),
    piecewise(
        "softshrink",
        lambda x, lambd=0.5: np.sign(x) * np.maximum(np.abs(x) - lambd, 0),
        -2,
        -0.5,
        0,
        0.5,
        2,
        lambd=[2.0, 0.0],
    ),
    Case(
        "threshold",
        F.threshold,
        arrays(kinks=(0.5,)),
        lambda x, threshold, value: np.where(x > threshold, x, value),
        {"threshold": 0.5, "value": -2.0},
    ),
    Case(
        "prelu",
        F.prelu,
        st.tuples(arrays(kinks=(0,)), arrays((1,))),
        lambda x, w: np.where(x > 0, x, w[0] * x),
    ),
    Case(
        "prelu of channels",
        F.prelu,
        channels(1).map(lambda drawn: (np.where(np.abs(drawn[0]) < 0.05, 0.1, drawn[0]), drawn[1])),
        lambda x, w: np.where(x > 0, x, across(w, x) * x),
    ),
    # Curves.
    piecewise("elu", elu, 0, alpha=[0.5, 2.0]),
    piecewise("selu", lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772), 0),
    piecewise("celu", celu, 0, alpha=[0.5, -2.0]),
    piecewise("gelu", gelu, approximate=["tanh"]),
    piecewise("silu", lambda x: x * sigmoid(x)),
    piecewise("mish", lambda x: x * np.tanh(np.log(1 + np.exp(x)))),
    piecewise("softplus", softplus, beta=[0.5, 2.0]),
    Case("softplus, straight", F.softplus, arrays(low=2.1, high=9), softplus, {"threshold": 2.0}),
    piecewise("logsigmoid", lambda x: -np.log(1 + np.exp(-x))),
    piecewise("softsign", lambda x: x / (1 + np.abs(x)), 0),
    piecewise("tanhshrink", lambda x: x - np.tanh(x)),
    Case("erf", tg.erf, arrays(), erf),
    Case("erfc", tg.erfc, arrays(), erfc),
    Case(
        "glu",
        F.glu,
        arrays(st.sampled_from([(2, 4), (6,), (2, 2, 2)])),
        lambda x, dim: np.split(x, 2, dim)[0] * sigmoid(np.split(x, 2, dim)[1]),
        st.sampled_from([{"dim": 0}, {"dim": -1}]),
    ),
    Case("softmax", tg.softmax, arrays(shapes(min_dims=1)), softmax, one_dim),
    Case("softmax of one number", tg.softmax, arrays(()), lambda x, dim: np.ones(()), {"dim": 0}),
    Case(
        "log_softmax",
        tg.log_softmax,
        arrays(shapes(min_dims=1)),
        lambda x, dim: np.log(softmax(x, dim)),
        one_dim,
    ),
    Case(
        "log_softmax of one number", tg.log_softmax, arrays(()), lambda x, dim: x - x, {"dim": -1}
    ),
    Case(
        "softmin", F.softmin, arrays(shapes(min_dims=1)), lambda x, dim: softmax(-x, dim), one_dim
    ),
    # Linear and bilinear maps.
    Case(
        "linear",
        F.linear,
        linear_inputs(bias=True),
        lambda x, w, b: x @ w.T + b,
        plain=Linear.plain,
    ),
    Case(
        "linear without bias",
        F.linear,
        linear_inputs(bias=False),
        lambda x, w: x @ w.T,
        plain=lambda x, w: Linear.plain(x, w, None),
    ),
    Case(
        "linear with one output",
        F.linear,
        st.tuples(arrays((2, 3)), arrays((3,)), arrays(())),
        lambda x, w, b: x @ w + b,
    ),
    Case(
        "bilinear",
        F.bilinear,
        bilinear_inputs(),
        lambda x, y, w, b: np.einsum("...i,oij,...j->...o", x, w, y) + b,
    ),
    # Random ones, with the same seed in every call.
    seeded("dropout", lambda x, kept: x * kept / 0.6),
    seeded("alpha_dropout", alpha_dropout),
    Case(
        "rrelu, training",
        lambda x: F.rrelu(x, 0.1, 0.3, training=True, generator=generator()),
        arrays(kinks=(0,)),
        lambda x: np.where(x > 0, x, x * (0.1 + 0.2 * noise(x))),
        options={"atol": 1e-6},  # the slopes are drawn in float32
    ),
    # Normalisation.
    Case(
        "batch_norm",
        lambda x, w, b, **options: F.batch_norm(x, None, None, w, b, training=True, **options),
        channels(2),
        batch_norm,
        numbers(eps=[0.1]),
    ),
    Case(
        "batch_norm, not affine",
        lambda x, eps: F.batch_norm(x, None, None, training=True, eps=eps),
        channels(0),
        batch_norm,
        {"eps": 0.5},
    ),
    Case(
        "batch_norm without bias",
        lambda x, w: F.batch_norm(x, None, None, w, training=True),
        channels(1),
        batch_norm,
    ),
    Case("batch_norm, evaluated", evaluated_batch_norm, channels(2), evaluated_reference),
    Case(
        "normalize",
        F.normalize,
        arrays((3, 4), kinks=(0,)),
        kwargs=numbers(p=[1.0, 3.0], dim=[0, -1]),
    ),
    Case(
        "cosine_similarity",
        F.cosine_similarity,
        arrays((2, 3, 4)).map(tuple),
        lambda x, y: (x * y).sum(1) / (np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)),
    ),
    Case(
        "pairwise_distance",
        F.pairwise_distance,
        arrays((2, 3, 4)).map(tuple),
        lambda x, y, p=2.0, keepdim=False: np.linalg.norm(
            x - y + 1e-6, p, axis=-1, keepdims=keepdim
        ),
        numbers(p=[1.0, 3.0], keepdim=[True]),
    ),
]
test_value_gradient_and_second_gradient = property_test(CASES)


IN_PLACE = ["celu", "elu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "mish", "relu"]
IN_PLACE += ["relu6", "selu", "silu"]
ELEMENTWISE = ["gelu", "hardshrink", "logsigmoid", "sigmoid", "softplus", "softshrink", "softsign"]
ELEMENTWISE += ["tanh", "tanhshrink", *IN_PLACE]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_activations_keep_type_and_take_empty_and_extreme_inputs_without_a_warning(name, dtype):
    function = getattr(F, name)
    x = tg.tensor(
        [0.0, 1.0, -1.0, 1000.0, -1000.0, np.inf, -np.inf, np.nan], dtype=dtype, requires_grad=True
    )
    result = function(x)
    result.sum().backward()
    assert result.dtype == x.grad.dtype == dtype
    assert np.isfinite(result.detach().numpy()[:5]).all()
    assert np.isfinite(x.grad.numpy()[:5]).all()
    assert np.isnan(result.detach().numpy()[7])
    assert function(tg.ones(0, 3)).shape == (0, 3)
    assert function(tg.tensor(0.5)).shape == ()


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_activations_write_into_their_input_and_keep_the_gradient(name):
    function = getattr(F, name)
    values = np.linspace(-4, 4, 9) + 0.1
    x, y = (tg.tensor(values, requires_grad=True) for _ in range(2))
    expected = function(x)
    twice = y * 1.0
    result = function(twice, inplace=True)
    assert result is twice
    np.testing.assert_array_equal(result.detach().numpy(), expected.detach().numpy())
    expected.sum().backward()
    result.sum().backward()
    np.testing.assert_array_equal(y.grad.numpy(), x.grad.numpy())
    with pytest.raises(RuntimeError, match="leaf"):
        function(y, inplace=True)


@pytest.mark.parametrize("name", ["celu", "elu", "hardtanh", "relu", "rrelu", "selu", "leaky_relu"])
def test_functions_with_an_underscore_are_the_in_place_forms(name):
    x = tg.tensor([-2.0, 2.0])
    expected = getattr(F, name)(x)
    assert getattr(F, f"{name}_")(x) is x
    assert tg.equal(x, expected)


@pytest.mark.parametrize(
    ("name", "x", "slope"),
    [
        ("relu", 0.0, 0.0),
        ("leaky_relu", 0.0, 0.01),
        ("elu", 0.0, 1.0),
        ("selu", 0.0, 1.7580993408473766),
        ("relu6", 6.0, 0.0),
        ("hardtanh", 1.0, 0.0),
        ("hardsigmoid", -3.0, 0.0),
        ("hardswish", 3.0, 1.0),
        ("hardshrink", 0.5, 0.0),
        ("softshrink", -0.5, 0.0),
        ("relu", -0.0, 0.0),
    ],
)
def test_slope_at_a_kink_is_that_of_pytorch(name, x, slope):
    x = tg.tensor(x, dtype=tg.float64, requires_grad=True)
    getattr(F, name)(x).backward()
    assert x.grad.item() == pytest.approx(slope, abs=0)


def test_relu_keeps_integers_and_refuses_booleans():
    assert tg.equal(F.relu(tg.tensor([-1, 2])), tg.tensor([0, 2]))
    assert F.relu(np.array([-1.0, 2.0])).tolist() == [0.0, 2.0]
    with pytest.raises(RuntimeError, match="booleans have no sign"):
        F.relu(tg.tensor([True]))


def test_relu_keeps_the_memory_layout_of_its_input():
    x = tg.from_numpy(np.zeros((2, 3, 4), np.float32)).permute(2, 0, 1)
    assert F.relu(x).stride() == x.stride()


def test_relu_of_a_retained_graph_gives_the_same_gradient_again():
    x = tg.tensor([-1.0, 2.0], requires_grad=True)
    y = F.relu(x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [0.0, 2.0]


def test_error_function_is_right_to_the_last_digits():
    x = np.concatenate(
        [np.linspace(-7, 7, 20001), np.linspace(-1e-3, 1e-3, 101), [1e-300, -26.0, 26.0, 30.0]]
    )
    np.testing.assert_allclose(tg.erf(tg.tensor(x)).numpy(), erf(x), rtol=1e-15)
    np.testing.assert_allclose(tg.erfc(tg.tensor(x)).numpy(), erfc(x), rtol=4e-15)


def test_error_function_in_float32_and_float16():
    x = np.linspace(-7, 7, 20001).astype(np.float32)
    result = tg.erf(tg.tensor(x)).numpy()
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, erf(x), rtol=4e-7)
    np.testing.assert_allclose(tg.erfc(tg.tensor(x)).numpy(), erfc(x), rtol=1e-6)
    half = tg.erf(tg.tensor(x[::100], dtype=tg.float16))
    assert half.dtype == tg.float16
    np.testing.assert_allclose(half.numpy(), erf(x[::100]), rtol=2e-3)


def test_error_function_at_the_ends():
    for dtype in (tg.float32, tg.float64):
        x = tg.tensor([np.inf, -np.inf, np.nan, 3e38, 0.0], dtype=dtype)
        np.testing.assert_array_equal(tg.erf(x).numpy(), [1, -1, np.nan, 1, 0])
        np.testing.assert_array_equal(tg.erfc(x).numpy(), [0, 2, np.nan, 0, 1])
    assert tg.tensor([1]).erf().dtype == tg.float32


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: F.gelu(x, "fast"), RuntimeError, "approximate is 'none' or 'tanh'; got 'fast'"),
        (lambda x: F.celu(x, 0.0), RuntimeError, "alpha cannot be 0"),
        (lambda x: F.softshrink(x, -1.0), RuntimeError, "lambd must not be negative; got -1.0"),
        (lambda x: F.hardtanh(x, 1.0, -1.0), ValueError, "min_val must not exceed max_val"),
        (lambda x: F.rrelu(x, 0.5, 0.1), RuntimeError, "lower must not exceed upper"),
        (
            F.glu,
            RuntimeError,
            r"dimension -1 is halved, but its size 3 is odd \(shape \(2, 3\)\)",
        ),
        (lambda x: F.glu(tg.tensor(1.0)), RuntimeError, "at least one dimension"),
        (
            lambda x: F.prelu(x, tg.ones(2)),
            RuntimeError,
            "it has 2, and the input of shape .2, 3. has 3 channels",
        ),
        (lambda x: F.prelu(x, tg.ones(1, 1)), RuntimeError, "a number or a vector"),
        (lambda x: F.softmax(x, 2), IndexError, "Dimension out of range"),
        (
            lambda x: F.softmax(tg.ones(2, dtype=tg.int64), 0),
            RuntimeError,
            "the type int64, which cannot hold",
        ),
        (lambda x: tg.log_softmax(np.ones(3), 0), TypeError, "the input is a tensor; got ndarray"),
    ],
)
def test_activations_refuse_what_they_cannot_compute(call, error, message):
    with pytest.raises(error, match=message):
        call(tg.ones(2, 3))


# Softmax.


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("columns", [3, 40])
def test_softmax_of_logits_of_1000(dtype, columns):
    logits = np.full((2, columns), -1000.0, dtype)
    logits[0, :2], logits[1, 2] = 1000, 0
    x = tg.tensor(logits, requires_grad=True)
    expected = np.zeros((2, columns))
    expected[0, :2], expected[1, 2] = 0.5, 1
    result = tg.softmax(x, 1)
    np.testing.assert_array_equal(result.detach().numpy(), expected)
    logs = tg.log_softmax(x, 1)
    np.testing.assert_allclose(logs.detach().numpy()[0, :2], math.log(0.5), rtol=1e-6)
    assert logs[0, 2].item() == pytest.approx(-2000 + math.log(0.5), rel=1e-6)
    logs[:, 2].sum().backward()
    np.testing.assert_allclose(x.grad.numpy()[0, :3], [-0.5, -0.5, 1], rtol=1e-6)


def test_softmax_of_infinities():
    x = tg.tensor([[-np.inf, 0.0], [-np.inf, -np.inf], [np.inf, 0.0], [np.nan, 0.0]])
    np.testing.assert_array_equal(
        tg.softmax(x, 1).numpy(), [[0, 1], [np.nan] * 2, [np.nan] * 2, [np.nan] * 2]
    )
    np.testing.assert_array_equal(
        tg.log_softmax(x, 1).numpy(), [[-np.inf, 0], [np.nan] * 2, [np.nan] * 2, [np.nan] * 2]
    )


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (2, 0, 3)])
@pytest.mark.parametrize("function", [tg.softmax, tg.log_softmax, F.softmin])
def test_softmax_of_nothing(function, shape):
    x = tg.ones(shape, requires_grad=True)
    result = function(x, dim=1)
    result.sum().backward()
    assert result.shape == x.grad.shape == shape


def test_softmax_of_a_row_does_not_depend_on_the_other_rows():
    x = tg.randn(50, 7)
    together = tg.softmax(x, 1).numpy()
    alone = np.stack([tg.softmax(x[i : i + 1], 1).numpy()[0] for i in range(50)])
    np.testing.assert_allclose(together, alone, rtol=1e-6)


def test_softmax_converts_to_dtype_first():
    assert tg.softmax(tg.tensor([0, 1]), 0, dtype=tg.float64).dtype == tg.float64
    assert tg.tensor([0.0, 1.0]).log_softmax(axis=0, dtype=tg.float64).dtype == tg.float64


@pytest.mark.parametrize(
    ("shape", "dim"), [((3,), 0), ((2, 3), 1), ((2, 3, 4), 0), ((1, 2, 3, 4), 1)]
)
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin"])
def test_softmax_without_dim_warns_and_takes_the_dimension_of_pytorch(name, shape, dim):
    x = tg.randn(shape)
    with pytest.warns(UserWarning, match=f"{name}: without dim, dimension {dim} is taken"):
        implicit = getattr(F, name)(x)
    assert tg.equal(implicit, getattr(F, name)(x, dim=dim))


def test_gumbel_softmax_samples_in_proportion_to_the_probabilities():
    logits = tg.tensor([0.5, 0.3, 0.2]).log().expand(4000, 3)
    samples = F.gumbel_softmax(logits, hard=True)
    assert ((samples == 0) | (samples == 1)).all()
    np.testing.assert_allclose(samples.mean(0).numpy(), [0.5, 0.3, 0.2], atol=0.03)
    soft = F.gumbel_softmax(logits, tau=0.5)
    np.testing.assert_allclose(soft.sum(-1).numpy(), 1, rtol=1e-5)


def test_a_number_is_a_sample_of_one_class():
    assert F.gumbel_softmax(tg.tensor(0.3), hard=True).item() == 1.0


def test_hard_gumbel_softmax_has_the_gradient_of_the_soft_one():
    grads = []
    for hard in (False, True):
        x = tg.tensor([0.1, 0.2, 0.3], requires_grad=True)
        sample = F.gumbel_softmax(x, hard=hard, generator=tg.Generator().manual_seed(3))
        (sample * tg.tensor([1.0, 2.0, 3.0])).sum().backward()
        grads.append(x.grad.numpy())
    np.testing.assert_array_equal(*grads)
