"""linear, dropout, batch_norm and the other functions of layers, beyond the table of cases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
import tinygrad_edu.nn.functional as F
from tinygrad_edu.testing import operations
from tinygrad_edu.testing.strategies import spread

# Linear.


def test_linear_is_one_node():
    x, w, b = (tg.ones(shape, requires_grad=True) for shape in ((2, 3), (4, 3), (4,)))
    assert [node.name for node in operations(F.linear(x, w, b))] == ["Linear"]


def test_linear_does_not_compute_what_nobody_asks_for():
    x = tg.ones(2, 3)
    weight = tg.ones(4, 3, requires_grad=True)
    node = F.linear(x, weight).grad_fn
    assert set(node.saved) == {0}, "the weight is saved although the images need no gradient"


def test_linear_of_no_samples():
    x, w, b = (tg.ones(shape, requires_grad=True) for shape in ((0, 3), (4, 3), (4,)))
    F.linear(x, w, b).sum().backward()
    assert x.grad.shape == (0, 3)
    assert not w.grad.any()
    assert not b.grad.any()


def test_linear_of_infinities_does_not_warn():
    x = tg.tensor([[np.inf, -np.inf]])
    assert F.linear(x, tg.ones(1, 2)).isnan().all()


@pytest.mark.parametrize(
    ("shapes", "error", "message"),
    [
        (
            [(2, 3), (4, 5)],
            RuntimeError,
            r"linear: the input has 3 features in its last dimension \(its shape is \(2, 3\)\), "
            r"but the weight of shape \(4, 5\) takes 5",
        ),
        ([(2, 4), (4, 5)], RuntimeError, "perhaps it is transposed"),
        ([(7, 2, 3), (4, 6)], RuntimeError, r"Flatten each sample first: `x.flatten\(1\)`"),
        ([(2, 3), (4, 3), (3,)], RuntimeError, r"the bias has shape \(4,\); got \(3,\)"),
        ([(), (4, 3)], RuntimeError, "at least one dimension"),
        ([(2, 3), (4, 3, 1)], RuntimeError, r"\(outputs, inputs\); got \(4, 3, 1\)"),
    ],
)
def test_linear_refuses_shapes_that_do_not_fit(shapes, error, message):
    with pytest.raises(error, match=message):
        F.linear(*(tg.ones(shape) for shape in shapes))


def test_linear_refuses_mixed_types_and_other_objects():
    with pytest.raises(
        RuntimeError,
        match=r"got float64, float32, float32. Convert the input: `x.to\(tg.float32\)`",
    ):
        F.linear(tg.ones(2, 3, dtype=tg.float64), tg.ones(4, 3), tg.ones(4))
    with pytest.raises(TypeError, match="tensors; got ndarray"):
        F.linear(np.ones((2, 3)), tg.ones(4, 3))
    with pytest.raises(TypeError, match="the bias is a tensor or None; got float"):
        F.linear(tg.ones(2, 3), tg.ones(4, 3), 1.0)


def test_bilinear_refuses_shapes_that_do_not_fit():
    with pytest.raises(RuntimeError, match=r"got \(2, 3\), \(2, 4\) and \(5, 4, 3\)"):
        F.bilinear(tg.ones(2, 3), tg.ones(2, 4), tg.ones(5, 4, 3))


# Dropout.


@given(p=st.floats(0, 1), double=st.booleans())
def test_dropout_zeroes_or_scales_each_element_and_its_gradient_alike(p, double):
    x = tg.tensor(spread((200,), low=0.5, high=3.0), dtype=tg.float64 if double else tg.float32)
    x.requires_grad_()
    y = F.dropout(x, p)
    y.sum().backward()
    factor = y.detach().numpy() / x.detach().numpy()
    np.testing.assert_allclose(factor, x.grad.numpy(), rtol=1e-6)
    kept = factor != 0
    np.testing.assert_allclose(factor[kept], 1 / (1 - p) if p < 1 else 0, rtol=1e-6)
    assert y.dtype == x.dtype


def test_dropout_drops_the_share_p():
    for p in (0.1, 0.5, 0.9):
        dropped = (F.dropout(tg.ones(20000), p) == 0).float().mean().item()
        assert dropped == pytest.approx(p, abs=0.02)


def test_dropout_is_exact_at_the_ends_and_in_evaluation():
    x = tg.randn(3)
    assert F.dropout(x, 0.0) is x
    assert F.dropout(x, 0.7, training=False) is x
    assert tg.equal(F.dropout(x, 1.0), tg.zeros(3))


def test_dropout_is_a_function_of_the_generator_and_the_same_in_both_types():
    def mask(dtype, seed=5):
        return (
            F.dropout(tg.ones(50, dtype=dtype), generator=tg.Generator().manual_seed(seed)).numpy()
            > 0
        )

    np.testing.assert_array_equal(mask(tg.float32), mask(tg.float64))
    assert (mask(tg.float32) != mask(tg.float32, 6)).any()
    tg.manual_seed(1)
    first = F.dropout(tg.ones(50))
    tg.manual_seed(1)
    assert tg.equal(first, F.dropout(tg.ones(50)))


def test_dropout_that_scales_at_test_time():
    x = tg.ones(1000)
    assert set(F.dropout(x, 0.25, scale_at="test").tolist()) == {0.0, 1.0}
    assert tg.equal(F.dropout(x, 0.25, training=False, scale_at="test"), x * 0.75)
    with pytest.raises(ValueError, match="scale_at is 'train' or 'test'; got 'never'"):
        F.dropout(x, scale_at="never")


def test_dropout_in_place():
    x = tg.ones(100)
    assert F.dropout(x, inplace=True) is x
    assert set(x.tolist()) == {0.0, 2.0}


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (F.dropout1d, (6, 5, 4)),
        (F.dropout1d, (30, 4)),
        (F.dropout2d, (6, 5, 2, 3)),
        (F.dropout3d, (6, 5, 2, 1, 3)),
        (F.dropout3d, (30, 2, 1, 3)),
        (F.feature_alpha_dropout, (6, 5, 4)),
    ],
)
def test_feature_dropout_drops_whole_channels(function, shape):
    y = function(tg.ones(shape), 0.5, training=True).numpy()
    rows = y.reshape(30, -1)
    assert (rows == rows[:, :1]).all()
    assert len(np.unique(rows)) == 2
    assert tg.equal(function(tg.ones(shape), 0.5, training=False), tg.ones(shape))


def test_alpha_dropout_keeps_mean_and_variance():
    y = F.alpha_dropout(tg.randn(100000), 0.4, training=True)
    assert y.mean().item() == pytest.approx(0, abs=0.02)
    assert y.std().item() == pytest.approx(1, abs=0.02)
    assert not F.alpha_dropout(tg.ones(3), 1.0, training=True).any()


def test_dropouts_check_their_arguments():
    x = tg.ones(2, 3)
    for function in (F.dropout, F.dropout1d, F.alpha_dropout, F.feature_alpha_dropout):
        with pytest.raises(ValueError, match="has to be between 0 and 1, but got 1"):
            function(x, 1.5, training=True)
    with pytest.raises(
        RuntimeError, match=r"dropout1d: the input has the shape \(N, C, L\) or \(C, L\)"
    ):
        F.dropout1d(tg.ones(3))
    with pytest.raises(RuntimeError, match=r"the shape \(N, C, ...\)"):
        F.feature_alpha_dropout(tg.ones(3), training=True)
    with pytest.warns(UserWarning, match="Its second dimension is taken as the channels"):
        F.dropout2d(tg.ones(2, 3, 4))
    with pytest.raises(TypeError, match="generator"):
        F.dropout(x, generator=7)


# Batch normalisation.


def test_batch_norm_moves_the_running_estimates_with_the_unbiased_variance():
    x = tg.randn(8, 3, 5)
    mean, var = tg.zeros(3), tg.ones(3)
    F.batch_norm(x, mean, var, training=True, momentum=0.25)
    array = x.numpy()
    np.testing.assert_allclose(mean.numpy(), 0.25 * array.mean((0, 2)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(var.numpy(), 0.75 + 0.25 * array.var((0, 2), ddof=1), rtol=1e-5)


def test_batch_norm_leaves_the_estimates_alone_in_evaluation():
    mean, var = tg.zeros(3), tg.ones(3)
    F.batch_norm(tg.randn(8, 3), mean, var)
    assert mean.tolist() == [0.0] * 3
    assert var.tolist() == [1.0] * 3


def test_batch_norm_notices_that_its_estimates_changed_before_backward():
    mean, var = tg.zeros(3), tg.ones(3)
    x = tg.randn(8, 3, requires_grad=True)
    y = F.batch_norm(x, mean, var)
    F.batch_norm(tg.randn(8, 3), mean, var, training=True)
    with pytest.raises(RuntimeError, match="changed by an in-place operation"):
        y.sum().backward()


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_of_channels_last_memory(training):
    values = np.random.default_rng(0).normal(size=(4, 5, 6, 3))
    weights = np.random.default_rng(1).normal(size=(4, 3, 5, 6))
    found = []
    for array in (values.transpose(0, 3, 1, 2), np.ascontiguousarray(values.transpose(0, 3, 1, 2))):
        x = tg.from_numpy(array).requires_grad_()
        w, b = (
            tg.ones(3, dtype=tg.float64, requires_grad=True),
            tg.ones(3, dtype=tg.float64, requires_grad=True),
        )
        mean, var = tg.zeros(3, dtype=tg.float64), tg.ones(3, dtype=tg.float64)
        y = F.batch_norm(x, mean, var, w, b, training=training)
        (y * tg.from_numpy(weights)).sum().backward()
        found.append([y, x.grad, w.grad, b.grad, mean, var])
        assert y.stride() == x.stride()
    for first, second in zip(*found, strict=True):
        np.testing.assert_allclose(
            first.detach().numpy(), second.detach().numpy(), rtol=1e-9, atol=1e-11
        )


def test_batch_norm_of_a_constant_channel_is_its_bias():
    x = tg.full((4, 2), 7.0, requires_grad=True)
    y = F.batch_norm(x, None, None, None, tg.tensor([1.0, 2.0]), training=True)
    y.sum().backward()
    np.testing.assert_array_equal(y.detach().numpy(), [[1, 2]] * 4)
    assert np.isfinite(x.grad.numpy()).all()


def test_batch_norm_is_right_for_a_mean_far_from_0():
    x = tg.randn(1000, 2) + 1000
    y = F.batch_norm(x, None, None, training=True).numpy()
    np.testing.assert_allclose(y.std(0), 1, rtol=1e-3)


def test_batch_norm_of_no_samples():
    x = tg.ones(0, 3, requires_grad=True)
    mean = tg.zeros(3)
    F.batch_norm(x, mean, tg.ones(3), training=True).sum().backward()
    assert x.grad.shape == (0, 3)
    assert mean.tolist() == [0.0] * 3


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda x: F.batch_norm(x[:1], None, None, training=True),
            ValueError,
            r"Expected more than 1 value per channel when training, got input size \(1, 3\)",
        ),
        (
            lambda x: F.batch_norm(x, None, None),
            RuntimeError,
            "running_mean and running_var are needed",
        ),
        (
            lambda x: F.batch_norm(x, tg.zeros(2), tg.ones(2), training=True),
            RuntimeError,
            r"has 3 channels, so running_mean has shape \(3,\); got \(2,\)",
        ),
        (
            lambda x: F.batch_norm(x, None, None, tg.ones(3, dtype=tg.float64), training=True),
            RuntimeError,
            "the input is float32, but weight is float64",
        ),
        (lambda x: F.batch_norm(x[0], None, None, training=True), RuntimeError, r"\(N, C, ...\)"),
    ],
)
def test_batch_norm_refuses_what_it_cannot_normalise(call, error, message):
    with pytest.raises(error, match=message):
        call(tg.ones(4, 3))


# The rest.


def test_normalize_of_a_zero_vector_is_zero_with_a_finite_gradient():
    x = tg.zeros(2, 3, requires_grad=True)
    y = F.normalize(x)
    y.sum().backward()
    assert not y.any()
    assert np.isfinite(x.grad.numpy()).all()
    assert F.cosine_similarity(x, tg.ones(2, 3)).tolist() == [0.0, 0.0]


def test_normalize_gives_length_1():
    x = tg.tensor(spread((4, 5)))
    for p in (1.0, 2.0, 3.0, np.inf):
        np.testing.assert_allclose(F.normalize(x, p, dim=0).norm(p, dim=0).numpy(), 1)


def test_one_hot():
    classes = tg.tensor([[0, 2], [1, 1]])
    expected = np.eye(3, dtype=int)[classes.numpy()]
    assert tg.equal(F.one_hot(classes), tg.tensor(expected))
    assert F.one_hot(classes, 5).shape == (2, 2, 5)
    assert F.one_hot(tg.tensor(1), 3).tolist() == [0, 1, 0]
    assert F.one_hot(tg.zeros(0, dtype=tg.int64), 3).shape == (0, 3)


@pytest.mark.parametrize(
    ("classes", "count", "message"),
    [
        ([0.0], -1, "classes are integers; got float32"),
        ([-1], -1, "classes are not negative; got -1"),
        ([3], 3, "class 3 needs num_classes of at least 4; got 3"),
        ([0], 0, "num_classes is positive"),
    ],
)
def test_one_hot_refuses_what_is_no_class(classes, count, message):
    with pytest.raises(RuntimeError, match=message):
        F.one_hot(tg.tensor(classes), count)


def test_one_hot_of_nothing_needs_the_number_of_classes():
    with pytest.raises(RuntimeError, match="Give num_classes"):
        F.one_hot(tg.zeros(0, dtype=tg.int64))


@pytest.mark.parametrize(
    "function",
    [
        F.relu,
        F.relu6,
        F.hardtanh,
        F.hardsigmoid,
        F.hardswish,
        lambda x: F.threshold(x, 0.0, 0.0),
        lambda x: F.hardshrink(x, 10.0),
        lambda x: F.softshrink(x, 10.0),
    ],
)
@pytest.mark.parametrize("create_graph", [False, True])
def test_an_infinite_gradient_does_not_pass_where_the_slope_is_zero(function, create_graph):
    x = tg.tensor([-5.0], requires_grad=True)
    # The square root has an infinite slope at 0, the value of each function at -5.
    y = (function(x) - function(x).detach()).sqrt()
    (gradient,) = tg.autograd.grad(y.sum(), x, create_graph=create_graph)
    assert gradient.tolist() == [0.0]
