"""Checkpoints: what was saved is computed again, and the gradients are the same."""

import gc
import weakref

import numpy as np
import pytest

import tinygrad_edu as tg
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn
from tinygrad_edu.utils.checkpoint import CheckpointError, checkpoint, checkpoint_sequential


def block():
    tg.manual_seed(1)
    return nn.Sequential(
        nn.Linear(4, 8), nn.Tanh(), nn.Dropout(0.5), nn.Linear(8, 4), nn.ReLU(), nn.LayerNorm(4)
    )


def gradients(run, create_graph=False):
    """The gradients of the input and of all parameters, for the same random numbers."""
    net, x = block(), tg.rand(3, 4, requires_grad=True)
    y = run(net, x)
    return [y, *tg.autograd.grad((y**2).sum(), [x, *net.parameters()], create_graph=create_graph)]


def plainly(net, x):
    return net(x)


@pytest.mark.parametrize(
    "run",
    [
        lambda net, x: checkpoint(net, x, use_reentrant=False),
        lambda net, x: checkpoint(net, x, use_reentrant=True),
        lambda net, x: checkpoint(lambda x: checkpoint(net[3:], net[:3](x)), x),
        lambda net, x: checkpoint_sequential(net, 3, x, use_reentrant=False),
        lambda net, x: checkpoint_sequential(list(net), 1, x),
        lambda net, x: checkpoint(lambda d: {"y": net(d["x"])}, {"x": x})["y"],
    ],
)
def test_gradients_are_those_without_a_checkpoint(run):
    for result, expected in zip(gradients(run), gradients(plainly), strict=True):
        np.testing.assert_array_equal(result.array, expected.array)


def test_the_next_random_numbers_are_those_without_a_checkpoint():
    gradients(plainly)
    expected = tg.rand(3)
    gradients(checkpoint)
    assert tg.equal(tg.rand(3), expected)


def test_second_derivatives_are_those_without_a_checkpoint():
    def second(run):
        net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
        x = tg.ones(1, 2, requires_grad=True)
        (first,) = tg.autograd.grad(run(net, x).sum(), x, create_graph=True)
        return tg.autograd.grad((first**2).sum(), [x, net[0].weight])

    tg.manual_seed(0)
    expected = second(plainly)
    tg.manual_seed(0)
    for result, value in zip(second(checkpoint), expected, strict=True):
        np.testing.assert_allclose(result.array, value.array, rtol=1e-6)


def test_what_was_saved_is_gone_until_the_backward_pass():
    alive = []

    def watched(x):
        hidden = x.exp()
        alive.append(weakref.ref(hidden.array))
        return hidden.sin().sum()

    gc.disable()
    try:
        x = tg.ones(5, requires_grad=True)
        kept = watched(x)
        assert alive[0]() is not None
        y = checkpoint(watched, x)
        assert alive[1]() is None
        y.backward()
        assert len(alive) == 3
        assert alive[2]() is None
        del y
    finally:
        gc.enable()
    expected = x.grad.clone()
    x.grad = None
    kept.backward()
    assert tg.equal(x.grad, expected)


def test_the_function_is_called_again_once_for_each_graph():
    calls = []

    def counted(x):
        calls.append(1)
        return (x.exp() * x).sum()

    x = tg.ones(2, requires_grad=True)
    y = checkpoint(counted, x)
    y.backward(retain_graph=True)
    first = x.grad.clone()
    y.backward()
    assert len(calls) == 2
    assert tg.equal(x.grad, 2 * first)
    with pytest.raises(RuntimeError, match="a second time"):
        y.backward()


def test_without_recording_it_is_a_call():
    with tg.no_grad():
        assert not checkpoint(tg.exp, tg.ones(2, requires_grad=True)).requires_grad
    assert checkpoint(lambda x, k: x * k, tg.ones(2), k=3).tolist() == [3.0, 3.0]


def test_a_function_that_changes_its_mind_is_noticed():
    x = tg.ones(2, requires_grad=True)
    choices = iter([F.relu, tg.exp])
    y = checkpoint(lambda x: next(choices)(x).sum(), x)
    with pytest.raises(CheckpointError, match=r"recorded 2 operations \(Relu \(2,\), Sum .*\(Exp"):
        y.backward()


def test_an_argument_that_was_changed_since_is_noticed():
    x, data = tg.ones(2, requires_grad=True), tg.ones(2)
    y = checkpoint(lambda x, data: (x * data).sum(), x, data)
    data += 1
    with pytest.raises(CheckpointError, match="changed by an in-place operation"):
        y.backward()


def test_other_options_are_refused():
    for name in ("context_fn", "determinism_check", "debug"):
        with pytest.raises(ValueError, match=f"{name} is not supported"):
            checkpoint(tg.exp, tg.ones(2), **{name: None})
    with pytest.raises(ValueError, match="1 to 6 segments; got 7"):
        checkpoint_sequential(block(), 7, tg.ones(1, 4))
