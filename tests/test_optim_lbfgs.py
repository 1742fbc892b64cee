"""L-BFGS and its line search."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import optim
from tinygrad_edu.optim.line_search import Trial, cubic_minimum, strong_wolfe


def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def problem(start, loss_of, **options):
    """A parameter, its optimizer, the closure, and how often that was called."""
    p = tg.tensor(start, dtype=tg.float64, requires_grad=True)
    optimizer = optim.LBFGS([p], **options)
    calls = []

    def closure():
        optimizer.zero_grad()
        loss = loss_of(p)
        loss.backward()
        calls.append(loss.item())
        return loss

    return p, optimizer, closure, calls


@pytest.mark.parametrize("size", [2, 6])
def test_the_minimum_of_rosenbrocks_valley_is_found(size):
    start = np.resize([-1.2, 1.0], size)
    p, optimizer, closure, calls = problem(
        start, rosenbrock, max_iter=100, tolerance_change=1e-14, line_search_fn="strong_wolfe"
    )
    optimizer.step(closure)
    np.testing.assert_allclose(p.array, 1, atol=1e-5)
    assert len(calls) < 130  # gradient descent takes thousands


def test_a_quadratic_of_n_dimensions_takes_few_steps():
    scales = tg.tensor([1.0, 10.0, 100.0], dtype=tg.float64)
    p, optimizer, closure, _ = problem(
        [1.0, 1.0, 1.0], lambda x: (scales * x * x).sum(), line_search_fn="strong_wolfe"
    )
    optimizer.step(closure)
    assert abs(p.array).max() < 1e-6
    assert optimizer.state[p]["n_iter"] < 20


def test_without_a_line_search_the_step_is_lr():
    p, optimizer, closure, calls = problem(
        [3.0], lambda x: (x * x).sum(), lr=0.5, max_iter=2, max_eval=9
    )
    optimizer.step(closure)
    # At first 0.5 · min(1, 1/6) · 6 = 0.5; then half of the way to the minimum, by the secant.
    np.testing.assert_allclose(p.array, [1.25])
    assert calls == [9.0, 6.25]  # not once more after the last step


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_the_loss_of_the_beginning_is_returned(search):
    _, optimizer, closure, _ = problem([3.0], lambda x: (x * x).sum(), line_search_fn=search)
    assert optimizer.step(closure).item() == 9
    assert optimizer.step(closure).item() < 1e-9


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_evaluations_are_limited_and_counted(search):
    p, optimizer, closure, calls = problem(
        [-1.2, 1.0], rosenbrock, lr=1e-3, max_eval=6, line_search_fn=search
    )
    optimizer.step(closure)
    assert 1 < len(calls) <= 7  # a search that has begun ends with a trial
    assert optimizer.state[p]["func_evals"] == len(calls)
    assert optimizer.param_groups[0]["max_iter"] == 20
    assert optim.LBFGS([p], max_iter=8).param_groups[0]["max_eval"] == 10


def test_nothing_is_done_where_the_gradient_is_small_enough():
    p, optimizer, closure, calls = problem([1e-3], lambda x: (x * x).sum(), tolerance_grad=0.01)
    optimizer.step(closure)
    assert p.tolist() == [1e-3]
    assert len(calls) == 1


def test_the_history_forgets_the_oldest_pair():
    p, optimizer, closure, _ = problem(
        [-1.2, 1.0], rosenbrock, lr=1e-3, history_size=3, max_iter=10
    )
    optimizer.step(closure)
    state = optimizer.state[p]
    assert len(state["old_dirs"]) == len(state["old_stps"]) == len(state["ro"]) == 3


def test_parameters_of_several_shapes_and_without_gradient_are_one_vector():
    a, b, c = (tg.ones(shape, requires_grad=True) for shape in ((2, 3), (), (4,)))
    optimizer = optim.LBFGS([a, b, c], line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = ((a - 3) ** 2).sum() + (b - 2) ** 2
        loss.backward()
        return loss

    optimizer.step(closure)
    np.testing.assert_allclose(a.array, 3, atol=1e-4)
    np.testing.assert_allclose(b.array, 2, atol=1e-4)
    assert c.tolist() == [1, 1, 1, 1]
    assert a.dtype == tg.float32
    assert optimizer.state[a]["d"].shape == (11,)


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_a_run_continues_exactly_from_its_state_dict(search):
    options = {"lr": 1e-3, "max_iter": 4, "line_search_fn": search}
    p, first, closure, _ = problem([-1.2, 1.0], rosenbrock, **options)
    first.step(closure)
    q, second, other, _ = problem(p.tolist(), rosenbrock)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    first.step(closure)
    second.step(other)
    assert q.tolist() == p.tolist()
    assert p.tolist() != [-1.2, 1.0]


def test_a_loss_that_becomes_infinite_on_the_way_is_stepped_back_from():
    p, optimizer, closure, calls = problem(
        [0.5], lambda x: (-x.log() + x * 1e-3).sum(), line_search_fn="strong_wolfe", max_iter=60
    )
    for _ in range(5):
        optimizer.step(closure)
    assert np.isfinite(p.array).all()
    assert calls[-1] < calls[0]


def test_a_closure_is_needed():
    optimizer = optim.LBFGS([tg.ones(1, requires_grad=True)])
    with pytest.raises(TypeError, match=r"write optimizer\.step\(closure\)"):
        optimizer.step()


def test_there_is_one_group():
    p, q = (tg.ones(1, requires_grad=True) for _ in range(2))
    with pytest.raises(ValueError, match="doesn't support per-parameter options"):
        optim.LBFGS([{"params": [p]}, {"params": [q]}])
    with pytest.raises(ValueError, match="doesn't support per-parameter options"):
        optim.LBFGS([p]).add_param_group({"params": [q]})


# The line search alone.

CURVES = {
    "a bowl": (lambda t: (t - 3) ** 2, lambda t: 2 * (t - 3)),
    "a quartic": (lambda t: (t - 0.1) ** 4, lambda t: 4 * (t - 0.1) ** 3),
    "a long slope": (lambda t: np.exp(-t) + 1e-3 * t, lambda t: -np.exp(-t) + 1e-3),
    "waves": (lambda t: -t / 9 + np.sin(3 * t), lambda t: -1 / 9 + 3 * np.cos(3 * t)),
}


@pytest.mark.parametrize("t", [1e-3, 0.2, 1.0, 30.0])
@pytest.mark.parametrize("name", CURVES)
def test_the_strong_wolfe_conditions_hold_at_the_end(name, t):
    f, slope = CURVES[name]
    sign = -np.sign(slope(0.0))  # along falling values
    d = np.array([sign])

    def at(t):
        return float(f(sign * t)), np.array([slope(sign * t)])

    value, gradient = at(0.0)
    start = Trial(0.0, value, gradient, float(gradient @ d))
    found, evaluations = strong_wolfe(at, d, start, t, 25, 1e-12)
    assert found.f <= start.f + 1e-4 * found.t * start.slope
    assert abs(found.slope) <= 0.9 * abs(start.slope)
    assert 1 <= evaluations <= 25


def test_a_search_that_may_not_iterate_returns_the_lower_end():
    start = Trial(0.0, 1.0, np.array([-1.0]), -1.0)
    d = np.array([1.0])
    worse, evaluations = strong_wolfe(lambda t: (5.0, np.array([1.0])), d, start, 1.0, 0, 1e-9)
    assert worse is start
    assert evaluations == 1
    better, _ = strong_wolfe(lambda t: (0.5, np.array([-1.0])), d, start, 1.0, 0, 1e-9)
    assert better.f == 0.5


def trial(t, f, slope):
    return Trial(t, f, np.array([slope]), slope)


def test_the_minimum_of_a_cubic_is_exact_from_either_side():
    def cubic(t):
        return trial(t, t**3 - 3 * t, 3 * t**2 - 3)

    assert cubic_minimum(cubic(0.0), cubic(3.0), 0.0, 3.0) == pytest.approx(1)
    assert cubic_minimum(cubic(3.0), cubic(0.0), 0.0, 3.0) == pytest.approx(1)
    assert cubic_minimum(cubic(0.0), cubic(3.0), 1.5, 3.0) == 1.5


@pytest.mark.parametrize(
    "ends",
    [
        (trial(0.0, 0.0, -1.0), trial(1.0, -1.0, -1.0)),  # a straight line has no minimum
        (trial(0.0, 0.0, 1.0), trial(1.0, 2 / 3, 1.0)),  # the discriminant is negative
        (trial(0.0, 0.0, -1.0), trial(1.0, float("inf"), 1.0)),
        (trial(0.0, 0.0, -1.0), trial(1.0, float("nan"), float("nan"))),
    ],
)
def test_without_a_minimum_the_middle_is_taken(ends):
    assert cubic_minimum(*ends, 0.0, 1.0) == 0.5
