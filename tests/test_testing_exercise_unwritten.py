"""Exercises until their backward is written: gradients by numerical differentiation."""

import warnings

import numpy as np
import pytest
from planted_exercises import exercise, of_one

import tinygrad_edu as tg
import tinygrad_edu.nn.functional as F
import tinygrad_edu.optim as optim
from tinygrad_edu.testing import Exercise, Report, UnwrittenBackwardWarning
from tinygrad_edu.testing.strategies import spread


class Softplus(Exercise):
    @staticmethod
    def forward(ctx, x):
        return (1 + x.exp()).log()


def fresh(forward):
    """An exercise without backward, whose notice is awaited."""
    return exercise(forward, name="Unwritten")


def test_without_backward_the_gradient_is_numerical():
    x = tg.tensor(spread((2, 3)), requires_grad=True)
    with pytest.warns(UnwrittenBackwardWarning, match="Softplus has no backward yet") as notices:
        y = Softplus.apply(x)
    y.backward(tg.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], dtype=tg.float64))
    expected = tg.sigmoid(x.detach()).numpy() * np.arange(1, 7).reshape(2, 3)
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-8)
    assert y.grad_fn.name == "Softplus"
    assert notices[0].filename == __file__
    # Once for each class.
    Softplus.apply(x).sum().backward()


def test_no_notice_where_no_gradient_is_needed():
    unwritten = fresh(lambda ctx, x: x * 2)
    assert unwritten.apply(tg.ones(2)).tolist() == [2, 2]
    with tg.no_grad():
        unwritten.apply(tg.ones(2, requires_grad=True))


def test_the_notice_is_in_the_language_of_the_exercise():
    unwritten = fresh(lambda ctx, x: x * 2)
    unwritten.language = "ja"
    with pytest.warns(UnwrittenBackwardWarning, match="backward がありません"):
        unwritten.apply(tg.ones(2, requires_grad=True))


def test_a_language_that_is_not_there():
    unwritten = fresh(lambda ctx, x: x * 2)
    unwritten.language = "fr"
    with pytest.raises(ValueError, match="language is one of en, ja; got 'fr'"):
        unwritten.apply(tg.ones(2, requires_grad=True))


def quietly(function, *args):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnwrittenBackwardWarning)
        return function.apply(*args)


def test_a_training_with_an_unwritten_backward():
    unwritten = fresh(lambda ctx, x, w, b: x @ w.T + b)
    x = tg.randn(8, 2)
    target = x @ tg.tensor([[2.0, -1.0]]).T + 0.5
    w, b = tg.zeros(1, 2, requires_grad=True), tg.zeros(1, requires_grad=True)
    optimizer = optim.SGD([w, b], lr=0.3)
    for _ in range(60):
        optimizer.zero_grad()
        loss = F.mse_loss(quietly(unwritten, x, w, b), target)
        loss.backward()
        optimizer.step()
    assert loss.item() < 1e-5
    assert (w.dtype, w.grad.dtype, w.grad.shape) == (tg.float32, tg.float32, (1, 2))


def test_float32_inputs_get_gradients_as_good_as_float64():
    x = tg.tensor([0.1, 1.0, 10.0], requires_grad=True)
    quietly(fresh(lambda ctx, x: x.sin()), x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.cos(x.detach().numpy()), rtol=1e-6)


def test_changes_after_forward_do_not_reach_the_gradient():
    x = tg.tensor([2.0], requires_grad=True)
    y = quietly(fresh(lambda ctx, x: x * x), x)
    with tg.no_grad():
        x += 100
    y.backward()
    assert x.grad.item() == pytest.approx(4)


def test_several_results_integers_and_inputs_without_gradient():
    def forward(ctx, x, places, w):
        return x[places] * w, x.argmax(), (x * w[0]).sum()

    x, w = tg.tensor([1.0, 2.0], requires_grad=True), tg.tensor([3.0, 4.0])
    first, _, total = quietly(fresh(forward), x, tg.tensor([1, 1]), w)
    (first.sum() + 2 * total).backward()
    np.testing.assert_allclose(x.grad.numpy(), [6, 13], rtol=1e-6)
    assert w.grad is None


def test_random_forward_is_differentiated_as_it_was_drawn():
    def forward(ctx, x):
        return x * (tg.rand(4) < 0.5)

    x = tg.ones(4, requires_grad=True)
    y = quietly(fresh(forward), x)
    state = tg.get_rng_state()
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), y.detach().numpy(), atol=1e-6)
    assert tg.get_rng_state() == state


def test_the_numerical_gradient_has_no_gradient():
    x = tg.ones(2, requires_grad=True)
    y = quietly(fresh(lambda ctx, x: x * x), x)
    with pytest.raises(RuntimeError, match="Unwritten: create_graph=True needs a backward that"):
        tg.autograd.grad(y.sum(), x, create_graph=True)


def test_forward_in_place():
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(3)

    x = tg.ones(2, requires_grad=True)
    quietly(fresh(forward), x * x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [6, 6], rtol=1e-6)
    exercise(forward, lambda ctx, grad: 3 * grad).assert_correct()


def test_once_written_it_is_an_ordinary_function():
    cube = of_one(lambda x: x**3, lambda g, x: 3 * g * x * x)
    x = tg.tensor(2.0, requires_grad=True)
    cube.apply(x).backward()
    assert x.grad.item() == 12
    assert tg.testing.gradcheck(cube.apply, tg.tensor([0.5], dtype=tg.float64, requires_grad=True))


def test_unwritten_gradients_are_announced_with_their_shapes():
    report = fresh(lambda ctx, x, w: x @ w).check(shapes=[(2, 3), (3, 1)])
    assert isinstance(report, Report)
    assert [verdict.text() for verdict in report.verdicts] == [
        "to be written; its shape is (2, 3)",
        "to be written; its shape is (3, 1)",
    ]
    assert report.verdicts[0].expected.shape == (2, 3)
    assert not report.passed
