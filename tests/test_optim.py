"""Optimizers: what every one of them does. All are discovered from `optim.__all__`."""

from __future__ import annotations

import numpy as np
import pytest
from optim_cases import EVERY, IDS, OPTIMIZERS, PLAIN, ROWS, SETTINGS, follow, gradients, takes

import tinygrad_edu as tg
from tinygrad_edu import optim

MAXIMIZING = [cls for cls in EVERY if takes(cls, "maximize")]
DECAYING = [cls for cls in EVERY if takes(cls, "weight_decay")]


def closure_of(optimizer, loss_of):
    """A closure as users write it."""

    def closure():
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        return loss

    return closure


def run(optimizer, loss_of, steps):
    """So many steps with a closure, which every optimizer takes."""
    for _ in range(steps):
        optimizer.step(closure_of(optimizer, loss_of))


def bowl(*params):
    """A loss with its minimum at zero."""
    return sum((p * p).sum() for p in params)


# The formulas.


def test_every_optimizer_has_a_plain_formula_and_settings():
    assert set(PLAIN) == set(SETTINGS) == set(OPTIMIZERS)
    assert len(EVERY) == len(OPTIMIZERS) + 1 >= 14


@pytest.mark.parametrize("shape", [(2, 3), (4,), (2, 2, 3)], ids=str)
@pytest.mark.parametrize(("cls", "options"), ROWS, ids=IDS)
def test_steps_follow_the_formula(cls, options, shape):
    start, steps = np.linspace(-1, 1, np.prod(shape)).reshape(shape), gradients(shape, 9)
    p = tg.tensor(start, requires_grad=True)
    follow(p, cls([p], **options), steps)
    expected = PLAIN[cls](start, steps, **options)
    np.testing.assert_allclose(p.array, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_parameters_that_are_not_contiguous_are_updated_in_place(cls):
    steps = gradients((5, 3), 2)
    p = tg.from_numpy(np.zeros((3, 5)).T)
    memory = p.array
    p.requires_grad_()
    follow(p, cls([p], lr=0.05), steps)
    assert p.array is memory
    np.testing.assert_allclose(
        p.array, PLAIN[cls](np.zeros(p.shape), steps, lr=0.05), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("t0", [0, 2])
def test_asgd_keeps_the_mean_of_the_points_after_t0(t0):
    start, steps = np.linspace(-1, 1, 4), gradients((4,), 7)
    p = tg.tensor(start, requires_grad=True)
    optimizer = optim.ASGD([p], lr=0.05, t0=t0)
    follow(p, optimizer, steps)
    # The point after step t0 is replaced by the next one, whose weight is 1.
    points = [PLAIN[optim.ASGD](start, steps[: i + 1], lr=0.05) for i in range(7)][t0 + 1 :]
    np.testing.assert_allclose(optimizer.state[p]["ax"].array, np.mean(points, 0), rtol=1e-12)


def test_adam_with_decoupled_weight_decay_is_adamw():
    steps = gradients((3,), 5)
    results = []
    for cls, more in ((optim.Adam, {"decoupled_weight_decay": True}), (optim.AdamW, {})):
        p = tg.ones(3, dtype=tg.float64, requires_grad=True)
        follow(p, cls([p], lr=0.1, weight_decay=0.2, **more), steps)
        results.append(p.tolist())
    assert results[0] == results[1]


def test_radam_begins_with_momentum_alone():
    p, q = (tg.zeros(1, dtype=tg.float64, requires_grad=True) for _ in range(2))
    large = optim.RAdam([p], lr=1.0)
    for _ in range(5):
        follow(p, large, [np.full(1, 100.0)])
    assert p.item() == pytest.approx(-500)  # five steps of lr · g
    follow(q, optim.RAdam([q], lr=1.0), [np.full(1, 100.0)] * 6)
    assert abs(q.item() - p.item()) < 1  # the sixth is divided by the size of g


# What all have in common.


@pytest.mark.parametrize("cls", EVERY)
def test_it_finds_the_minimum_of_a_bowl(cls):
    p = tg.tensor([3.0, -2.0], requires_grad=True)
    rates = {optim.Adagrad: 0.5, optim.Adadelta: 2.0}
    optimizer = cls([p], lr=rates.get(cls, 0.05))
    run(optimizer, lambda: bowl(p), 500)
    assert float(p.detach().abs().max()) < 0.05


@pytest.mark.parametrize("cls", MAXIMIZING)
def test_to_maximize_is_to_minimize_the_negative(cls):
    start = [3.0, -2.0, 0.5]
    p, q = (tg.tensor(start, dtype=tg.float64, requires_grad=True) for _ in range(2))
    down, up = cls([p], lr=0.05), cls([q], lr=0.05, maximize=True)
    run(down, lambda: (p**4).sum() / 20 - p.sum(), 10)
    run(up, lambda: q.sum() - (q**4).sum() / 20, 10)
    np.testing.assert_array_equal(p.array, q.array)
    assert p.tolist() != start


def test_maximize_is_an_option_of_all_but_lbfgs():
    assert set(EVERY) - set(MAXIMIZING) == {optim.LBFGS}


@pytest.mark.parametrize("cls", DECAYING)
def test_weight_decay_alone_leads_to_zero(cls):
    p = tg.full((2, 2), 4.0, requires_grad=True)
    optimizer = cls([p], lr=0.1, weight_decay=0.5)
    follow(p, optimizer, [np.zeros((2, 2), np.float32)] * 3)
    assert 0 < float(p.detach().max()) < 4


@pytest.mark.parametrize("cls", EVERY)
def test_parameters_of_any_shape_are_updated_even_without_elements(cls):
    shapes = [(0,), (), (3, 0, 2), (1,), (2, 3)]
    params = [tg.full(shape, 2.0, requires_grad=True) for shape in shapes]
    optimizer = cls(params, lr=0.01)
    run(optimizer, lambda: bowl(*params), 3)
    for p, shape in zip(params, shapes, strict=True):
        assert p.shape == shape
        assert (p.array != 2).all()


@pytest.mark.parametrize("cls", EVERY)
def test_parameters_without_a_gradient_stay_as_they_are(cls):
    p, q = tg.ones(2, requires_grad=True), tg.ones(2, requires_grad=True)
    optimizer = cls([p, q], lr=0.1)
    run(optimizer, lambda: bowl(p), 3)
    assert q.tolist() == [1.0, 1.0]
    assert p.tolist() != [1.0, 1.0]
    assert q not in optimizer.state


@pytest.mark.parametrize(("cls", "options"), ROWS, ids=IDS)
def test_the_gradient_is_not_changed_and_not_kept(cls, options):
    p = tg.zeros(3, requires_grad=True)
    p.grad = tg.tensor([1.0, 2.0, 3.0])
    optimizer = cls([p], **options)
    optimizer.step()
    optimizer.step()
    assert p.grad.tolist() == [1.0, 2.0, 3.0]
    for value in optimizer.state[p].values():
        if isinstance(value, tg.Tensor):
            assert not np.shares_memory(value.array, p.grad.array)
            assert not np.shares_memory(value.array, p.array)


@pytest.mark.parametrize(("cls", "options"), ROWS, ids=IDS)
def test_float32_stays_float32_to_the_last_state(cls, options):
    p = tg.zeros(2, 2, requires_grad=True)
    optimizer = cls([p], **{**options, "lr": np.float64(0.05)})
    follow(p, optimizer, gradients((2, 2), 3, dtype=np.float32))
    assert p.dtype == tg.float32
    for value in optimizer.state[p].values():
        assert isinstance(value, (int, float)) or value.dtype == tg.float32


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_parameters_of_different_types_keep_theirs(cls):
    params = [tg.ones(3, dtype=dtype, requires_grad=True) for dtype in (tg.float32, tg.float64)]
    alone = tg.ones(3, dtype=tg.float64, requires_grad=True)
    run(cls(params, lr=0.1), lambda: bowl(*params), 3)
    optimizer = cls([alone], lr=0.1)
    run(optimizer, lambda: bowl(alone), 3)
    assert [p.dtype for p in params] == [tg.float32, tg.float64]
    assert params[1].tolist() == alone.tolist()


@pytest.mark.parametrize(
    "number", [np.float64, np.float32, np.array, tg.tensor], ids=lambda f: f.__name__
)
@pytest.mark.parametrize("cls", EVERY)
def test_a_rate_that_is_a_tensor_or_of_numpy_is_a_number(cls, number):
    p, q = (tg.tensor([1.0, -2.0], requires_grad=True) for _ in range(2))
    run(cls([p], lr=0.25), lambda: bowl(p), 3)
    run(cls([q], lr=number(0.25)), lambda: bowl(q), 3)
    assert p.tolist() == q.tolist()


@pytest.mark.parametrize("cls", EVERY)
def test_a_step_is_counted_as_a_change_of_the_parameter(cls):
    p = tg.ones(2, requires_grad=True)
    optimizer = cls([p], lr=0.1)
    loss = (p * p).sum()
    run(optimizer, lambda: bowl(p), 1)
    with pytest.raises(RuntimeError, match="in-place"):
        loss.backward()


@pytest.mark.parametrize("cls", EVERY)
def test_the_closure_is_called_with_recording_and_its_loss_returned(cls):
    p = tg.tensor([1.0], requires_grad=True)
    optimizer = cls([p], lr=0.25)
    with tg.no_grad():
        loss = optimizer.step(closure_of(optimizer, lambda: bowl(p)))
    assert loss.item() == 1
    assert p.item() < 1


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_steps_do_not_record(cls):
    p = tg.ones(2, requires_grad=True)
    optimizer = cls([p], lr=0.1)
    p.grad = tg.ones(2)
    assert optimizer.step() is None
    assert p.is_leaf
    assert p.requires_grad


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_gradients_that_are_not_finite_raise_no_warning(cls):
    p = tg.ones(3, requires_grad=True)
    optimizer = cls([p], lr=0.1)
    follow(p, optimizer, [np.array([np.nan, np.inf, 1e38], np.float32)] * 2)
    assert np.isnan(p.array[0])


@pytest.mark.parametrize(
    ("cls", "option"),
    [
        (optim.SGD, {"momentum": 0.9}),
        (optim.RMSprop, {"momentum": 0.9}),
        (optim.RMSprop, {"centered": True}),
        (optim.Adam, {"amsgrad": True}),
    ],
)
def test_an_option_set_in_mid_run_finds_its_state(cls, option):
    p = tg.zeros(2, requires_grad=True)
    optimizer = cls([p], lr=0.1)
    follow(p, optimizer, gradients((2,), 2, dtype=np.float32))
    optimizer.param_groups[0].update(option)
    before = set(optimizer.state[p])
    follow(p, optimizer, [np.ones(2, np.float32)])
    assert set(optimizer.state[p]) > before
    assert np.isfinite(p.array).all()


def test_adagrad_has_the_spelling_of_textbooks_too():
    assert optim.AdaGrad is optim.Adagrad


# Bad values.


def leaf():
    return tg.zeros(2, requires_grad=True)


ERRORS = [
    (optim.SGD, {"lr": -0.1}, ValueError, r"Invalid learning rate: -0\.1 \(SGD: 0 <= lr\)"),
    (optim.SGD, {"lr": float("nan")}, ValueError, "Invalid learning rate: nan"),
    (optim.SGD, {"lr": tg.ones(2)}, ValueError, r"Tensor lr must be 1-element; its shape is \(2,"),
    (optim.SGD, {"momentum": -1}, ValueError, "Invalid momentum value: -1"),
    (optim.SGD, {"weight_decay": -1}, ValueError, "Invalid weight_decay value: -1"),
    (optim.SGD, {"nesterov": True}, ValueError, "requires a momentum and zero damp.*momentum=0,"),
    (
        optim.SGD,
        {"nesterov": True, "momentum": 0.9, "dampening": 0.5},
        ValueError,
        r"dampening=0\.5",
    ),
    (optim.Adam, {"betas": (0.9, 1.0)}, ValueError, r"Invalid beta parameter at index 1: 1\.0"),
    (optim.NAdam, {"betas": (-0.1, 0.9)}, ValueError, r"index 0: -0\.1 \(NAdam: 0 <= betas < 1"),
    (optim.Adam, {"betas": (0.9,)}, ValueError, r"betas are two numbers.*\(0\.9,\)"),
    (optim.Adam, {"eps": -1}, ValueError, "Invalid epsilon value: -1"),
    (optim.NAdam, {"momentum_decay": -1}, ValueError, "Invalid momentum_decay value: -1"),
    (optim.RMSprop, {"alpha": -1}, ValueError, "Invalid alpha value: -1"),
    (optim.Adagrad, {"lr_decay": -1}, ValueError, "Invalid lr_decay value: -1"),
    (
        optim.Adagrad,
        {"initial_accumulator_value": -1},
        ValueError,
        "Invalid initial_accumulator_value value: -1",
    ),
    (optim.Adadelta, {"rho": 1.5}, ValueError, r"Invalid rho value: 1\.5"),
    (optim.Rprop, {"etas": (1.5, 2)}, ValueError, r"Invalid eta values: 1\.5, 2"),
    (optim.Rprop, {"step_sizes": (2, 1)}, ValueError, "Invalid step_sizes: 2, 1"),
    (optim.Adafactor, {"beta2_decay": 0.5}, ValueError, r"should be <= 0 but is: 0\.5"),
    (optim.Adafactor, {"d": 0.5}, ValueError, r"should be >= 1 but is: 0\.5"),
    (optim.Adafactor, {"eps": (-1, 0.1)}, ValueError, "Invalid epsilon value at index 0: -1"),
    (optim.Adafactor, {"eps": (None, -1)}, ValueError, "Invalid epsilon value at index 1: -1"),
    (optim.LBFGS, {"lr": -1}, ValueError, "Invalid learning rate: -1"),
    (optim.LBFGS, {"history_size": 0}, ValueError, "history_size is 1 or more; got 0"),
    (optim.LBFGS, {"line_search_fn": "wolfe"}, RuntimeError, "only 'strong_wolfe'.*'wolfe'"),
    (optim.Adam, {"learning_rate": 0.1}, TypeError, "unexpected keyword.*'learning_rate'"),
    (optim.Adam, {"differentiable": True}, ValueError, "differentiable=True is not supported"),
    (optim.AdamW, {"capturable": True}, ValueError, "AdamW: capturable=True is not supported"),
    (optim.SGD, {"foreach": True, "fused": True}, RuntimeError, "cannot be `True` together"),
]


@pytest.mark.parametrize(("cls", "options", "error", "message"), ERRORS)
def test_bad_values_are_refused(cls, options, error, message):
    with pytest.raises(error, match=message):
        cls([leaf()], **options)


def test_bad_values_of_a_group_are_refused_too():
    with pytest.raises(ValueError, match="Invalid learning rate: -5"):
        optim.SGD([{"params": [leaf()], "lr": -5}], lr=0.1)


@pytest.mark.parametrize("cls", EVERY)
def test_options_that_only_choose_a_kernel_have_no_effect(cls):
    p, q = leaf(), leaf()
    known = {"foreach": True, "differentiable": False, "capturable": False}
    options = {name: value for name, value in known.items() if takes(cls, name)}
    for x, more in ((p, {}), (q, options)):
        run(cls([x], lr=0.1, **more), lambda x=x: ((x - 1) ** 2).sum(), 2)
    assert p.tolist() == q.tolist()
