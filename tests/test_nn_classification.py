"""Cross-entropy, of many classes and of two, beyond the table of cases in test_nn_losses.py."""

import functools

import numpy as np
import pytest

import tinygrad_edu as tg
import tinygrad_edu.nn.functional as F
from tinygrad_edu.testing import operations
from tinygrad_edu.testing.strategies import spread

# Cross-entropy.


def test_cross_entropy_from_logits_is_one_node_and_any_other_is_right_too():
    x = tg.randn(5, 3, requires_grad=True)
    target = tg.tensor([0, 2, 1, 1, 0])
    fused = F.cross_entropy(x, target)
    assert [node.name for node in operations(fused)] == ["CrossEntropy"]
    one_hot = F.one_hot(target).float()
    for same in (
        F.cross_entropy(x, one_hot),
        F.nll_loss(tg.log_softmax(x, 1), target),
        F.cross_entropy(x, target, reduction="none").mean(),
        F.cross_entropy(x, target, tg.ones(3)),
        F.cross_entropy(x, target.to(tg.int32)),
        F.cross_entropy(x, target, ignore_index=5),
    ):
        assert same.item() == pytest.approx(fused.item(), rel=1e-6)


def test_gradient_of_cross_entropy_is_the_error_of_the_probabilities():
    x = tg.tensor(spread((4, 3)), requires_grad=True)
    target = tg.tensor([0, 2, 1, 1])
    F.cross_entropy(x, target).backward()
    expected = (tg.softmax(x.detach(), 1) - F.one_hot(target)) / 4
    np.testing.assert_allclose(x.grad.numpy(), expected.numpy(), rtol=1e-12)


def test_cross_entropy_of_logits_of_1000():
    x = tg.tensor([[1000.0, 0.0], [-1000.0, 1000.0]], requires_grad=True)
    loss = F.cross_entropy(x, tg.tensor([1, 1]))
    loss.backward()
    assert loss.item() == 500
    assert x.grad.tolist() == [[0.5, -0.5], [0.0, 0.0]]


def test_cross_entropy_of_a_column_major_input():
    values = spread((4, 3))
    grads = []
    for array in (values, np.asfortranarray(values)):
        x = tg.from_numpy(array).requires_grad_()
        F.cross_entropy(x, tg.tensor([0, 1, 2, 0])).backward()
        grads.append(x.grad.numpy())
    np.testing.assert_allclose(*grads, rtol=1e-12)


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_cross_entropy_of_infinite_logits(reduction):
    x = tg.tensor([[-np.inf, 0.0], [0.0, -np.inf], [np.nan, 0.0]], requires_grad=True)
    target = tg.tensor([1, 1, 0])
    losses = F.cross_entropy(x, target, reduction="none").detach().numpy()
    np.testing.assert_array_equal(losses, [0, np.inf, np.nan])
    F.cross_entropy(x, target, reduction=reduction).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy()[0], [0, 0])


def test_the_mean_of_nothing_is_nan():
    x = tg.randn(3, 4, requires_grad=True)
    ignored = tg.full((3,), -100)
    for loss in (
        F.cross_entropy(x, ignored),
        F.cross_entropy(x, ignored, label_smoothing=0.1),
        F.nll_loss(x, ignored),
        F.cross_entropy(x[:0], ignored[:0]),
    ):
        assert loss.isnan()
    assert F.cross_entropy(x, ignored, reduction="sum").item() == 0
    assert F.cross_entropy(x, ignored, reduction="none").tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    "function",
    [F.cross_entropy, F.nll_loss, functools.partial(F.cross_entropy, label_smoothing=0.1)],
)
def test_a_batch_of_ignored_samples_has_a_gradient_of_zero(function):
    x = tg.ones(3, 4, requires_grad=True)
    loss = function(x, tg.full((3,), -100))
    loss.backward()
    assert loss.isnan()
    assert tg.equal(x.grad, tg.zeros(3, 4))


def test_an_ignored_sample_has_no_gradient_even_where_its_logarithm_is_infinite():
    x = tg.tensor([[-np.inf, 0.0], [0.5, 0.25]], requires_grad=True)
    loss = F.nll_loss(x, tg.tensor([0, 1]), ignore_index=0)
    loss.backward()
    assert loss.item() == -0.25
    assert x.grad.tolist() == [[0.0, 0.0], [0.0, -1.0]]


def test_ignore_index_may_be_a_class():
    x = tg.randn(4, 3)
    target = tg.tensor([0, 1, 0, 2])
    expected = F.cross_entropy(x[[1, 3]], target[[1, 3]])
    assert F.cross_entropy(x, target, ignore_index=0).item() == pytest.approx(
        expected.item(), rel=1e-6
    )


def test_a_target_that_changes_before_backward_is_noticed_where_it_matters():
    x = tg.randn(2, 3, requires_grad=True)
    target = tg.tensor([0, 1])
    loss = F.cross_entropy(x, target)
    target[0] = 2
    with pytest.raises(RuntimeError, match="changed by an in-place operation"):
        loss.backward()


@pytest.mark.parametrize("wrong", [3, -1, 99])
@pytest.mark.parametrize("function", [F.cross_entropy, F.nll_loss, F.multi_margin_loss])
def test_a_target_out_of_range_is_an_index_error_that_names_the_classes(function, wrong):
    message = f"Target {wrong} is out of bounds: the input has 3 classes, 0 to 2"
    with pytest.raises(IndexError, match=message):
        function(tg.randn(2, 3), tg.tensor([0, wrong]))


@pytest.mark.parametrize(
    ("x", "target", "error", "message"),
    [
        (
            tg.ones(3, 5),
            tg.tensor([1, 2]),
            ValueError,
            r"input batch_size \(3\) to match .* takes targets of shape \(3,\); got \(2,\)",
        ),
        (
            tg.ones(3, 5),
            tg.ones(3, 5, dtype=tg.int64),
            RuntimeError,
            "One-hot targets are given as floating numbers",
        ),
        (
            tg.ones(3, 5),
            tg.ones(3),
            RuntimeError,
            r"integers of shape \(N,\); got float32 of shape \(3,\)",
        ),
        (tg.ones(3, 5), tg.ones(3, dtype=tg.bool), RuntimeError, "got bool"),
        (
            tg.ones(3, 5, dtype=tg.int64),
            tg.tensor([1, 2, 3]),
            RuntimeError,
            "the input holds floating numbers; got int64",
        ),
        (tg.ones(3, 5, 2), tg.tensor([1, 2, 3]), ValueError, r"targets of shape \(3, 2\)"),
        (tg.tensor(1.0), tg.tensor(1), RuntimeError, "a dimension for the classes"),
        (tg.tensor(1.0), tg.tensor(1.0), RuntimeError, "a dimension for the classes"),
        (tg.ones(3, 5), [1, 2, 3], TypeError, "tensors; got list"),
    ],
)
def test_cross_entropy_refuses_targets_that_do_not_fit(x, target, error, message):
    with pytest.raises(error, match=message):
        F.cross_entropy(x, target)


def test_cross_entropy_refuses_wrong_weights_and_smoothing():
    x, target = tg.randn(2, 3), tg.tensor([0, 1])
    with pytest.raises(
        RuntimeError, match=r"each of the 3 classes, shape \(3,\), .* got shape \(2,\)"
    ):
        F.cross_entropy(x, target, tg.ones(2))
    with pytest.raises(RuntimeError, match=r"the input's type float32; .* float64"):
        F.nll_loss(x, target, tg.ones(3, dtype=tg.float64))
    with pytest.raises(RuntimeError, match=r"label_smoothing lies between 0 and 1; got 1\.5"):
        F.cross_entropy(x, target, label_smoothing=1.5)


def test_hessian_of_cross_entropy_is_that_of_the_composition():
    x = spread((3, 4))
    target = tg.tensor([1, 0, 3])
    hessians = []
    for loss in (
        lambda x: F.cross_entropy(x, target),
        lambda x: -tg.log_softmax(x, 1)[[0, 1, 2], target].mean(),
    ):
        leaf = tg.tensor(x, requires_grad=True)
        (first,) = tg.autograd.grad(loss(leaf), leaf, create_graph=True)
        rows = [tg.autograd.grad(g, leaf, retain_graph=True)[0].numpy() for g in first.flatten()]
        hessians.append(np.array(rows))
    np.testing.assert_allclose(*hessians, atol=1e-14)


# Binary cross-entropy.


def test_binary_cross_entropy_is_finite_at_0_and_1():
    x = tg.tensor([0.0, 1.0, 0.0, 1.0], requires_grad=True)
    loss = F.binary_cross_entropy(x, tg.tensor([1.0, 0.0, 0.0, 1.0]), reduction="none")
    loss.sum().backward()
    assert loss.tolist() == [100.0, 100.0, 0.0, 0.0]
    np.testing.assert_allclose(x.grad.numpy(), [-1e12, 1e12, 0, 0])


def test_binary_cross_entropy_with_logits_of_1000():
    x = tg.tensor([1000.0, -1000.0, 1000.0, -1000.0], requires_grad=True)
    loss = F.binary_cross_entropy_with_logits(x, tg.tensor([1.0, 0.0, 0.0, 1.0]), reduction="none")
    loss.sum().backward()
    assert loss.tolist() == [0.0, 0.0, 1000.0, 1000.0]
    assert x.grad.tolist() == [0.0, 0.0, 1.0, -1.0]


@pytest.mark.parametrize("name", ["binary_cross_entropy", "binary_cross_entropy_with_logits"])
def test_binary_cross_entropy_refuses_different_shapes(name):
    with pytest.raises(
        ValueError, match=r"the target has shape \(4,\), the input \(4, 1\); they must be the same"
    ):
        getattr(F, name)(tg.ones(4, 1), tg.ones(4))


@pytest.mark.parametrize("value", [1.5, -0.5, np.nan])
def test_binary_cross_entropy_refuses_what_is_no_probability(value):
    with pytest.raises(RuntimeError, match=r"between 0 and 1; got .* Apply a sigmoid first"):
        F.binary_cross_entropy(tg.tensor([0.5, value]), tg.ones(2))
    with pytest.raises(RuntimeError, match=r"the target holds .* between 0 and 1; got .* is 0 or"):
        F.binary_cross_entropy(tg.ones(2), tg.tensor([0.5, value]))


def test_binary_cross_entropy_refuses_what_is_no_tensor():
    with pytest.raises(TypeError, match="input and target are tensors; got float"):
        F.binary_cross_entropy(tg.ones(2), 1.0)


def test_binary_cross_entropy_refuses_integer_targets_and_weights_that_do_not_fit():
    with pytest.raises(RuntimeError, match="the input is float32, the target int64"):
        F.binary_cross_entropy(tg.tensor([0.5]), tg.tensor([1]))
    with pytest.raises(
        RuntimeError, match=r"the weight of shape \(3,\) does not fit the input's \(2,\)"
    ):
        F.binary_cross_entropy(tg.tensor([0.5, 0.5]), tg.ones(2), tg.ones(3))
    with pytest.raises(RuntimeError, match="does not fit"):
        F.binary_cross_entropy_with_logits(tg.ones(2), tg.ones(2), pos_weight=tg.ones(2, 2))
