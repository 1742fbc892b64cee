"""Learning-rate schedules: the formulas in closed form, resuming, combinations, errors."""

from __future__ import annotations

import copy
import pickle
from math import cos, floor, log, pi

import numpy as np
import pytest
from optim_cases import go, one_cycle, optimizer_with, rates_of, triangle

import tinygrad_edu as tg
from tinygrad_edu import optim
from tinygrad_edu.optim import lr_scheduler
from tinygrad_edu.optim.lr_scheduler import (
    ChainedScheduler,
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    CyclicLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiplicativeLR,
    MultiStepLR,
    OneCycleLR,
    PolynomialLR,
    SequentialLR,
    StepLR,
)

# Formulas: the schedule, and lr(t) for a group that starts with `base`.


def restarts(t, first, factor):
    """The epoch within its run, and the length of the run."""
    length = first
    while t >= length:
        t, length = t - length, length * factor
    return t / length


FORMULAS = {
    "StepLR": (lambda o: StepLR(o, 3, 0.5), lambda base, t: base * 0.5 ** (t // 3)),
    "MultiStepLR": (
        lambda o: MultiStepLR(o, [2, 5, 5], 0.5),
        lambda base, t: base * 0.5 ** ((t >= 2) + 2 * (t >= 5)),
    ),
    "ExponentialLR": (lambda o: ExponentialLR(o, 0.9), lambda base, t: base * 0.9**t),
    "ConstantLR": (
        lambda o: ConstantLR(o, 0.25, 4),
        lambda base, t: base * (0.25 if t < 4 else 1),
    ),
    "LinearLR": (
        lambda o: LinearLR(o, 0.2, 0.8, 6),
        lambda base, t: base * (0.2 + 0.6 * min(t / 6, 1)),
    ),
    "PolynomialLR": (
        lambda o: PolynomialLR(o, 8, 1.5),
        lambda base, t: base * (1 - min(t, 8) / 8) ** 1.5,
    ),
    "LambdaLR": (lambda o: LambdaLR(o, lambda t: 1 / (1 + t)), lambda base, t: base / (1 + t)),
    "MultiplicativeLR": (
        lambda o: MultiplicativeLR(o, lambda t: 1 + 1 / t),
        lambda base, t: base * (1 + t),
    ),
    "CosineAnnealingLR": (
        lambda o: CosineAnnealingLR(o, 7, 0.1),
        lambda base, t: 0.1 + (base - 0.1) * (1 + cos(pi * t / 7)) / 2,
    ),
    "CosineAnnealingWarmRestarts": (
        lambda o: CosineAnnealingWarmRestarts(o, 2, 3, 0.1),
        lambda base, t: 0.1 + (base - 0.1) * (1 + cos(pi * restarts(t, 2, 3))) / 2,
    ),
    "CyclicLR": (
        lambda o: CyclicLR(o, 0.1, 0.9, 4, 6, cycle_momentum=False),
        lambda _, t: 0.1 + 0.8 * triangle(t, 4, 6)[1],
    ),
    "CyclicLR triangular2": (
        lambda o: CyclicLR(o, 0.1, 0.9, 3, mode="triangular2", cycle_momentum=False),
        lambda _, t: 0.1 + 0.8 * triangle(t, 3, 3)[1] / 2 ** (triangle(t, 3, 3)[0] - 1),
    ),
    "CyclicLR exp_range": (
        lambda o: CyclicLR(o, 0.1, 0.9, 3, mode="exp_range", gamma=0.9, cycle_momentum=False),
        lambda _, t: 0.1 + 0.8 * triangle(t, 3, 3)[1] * 0.9**t,
    ),
    "CyclicLR scale_fn": (
        lambda o: CyclicLR(o, 0.1, 0.9, 3, scale_fn=lambda c: 1 / c, cycle_momentum=False),
        lambda _, t: 0.1 + 0.8 * triangle(t, 3, 3)[1] / triangle(t, 3, 3)[0],
    ),
    "OneCycleLR": (
        lambda o: OneCycleLR(o, 1.0, 30, cycle_momentum=False),
        lambda _, t: one_cycle(t, [(0, 1 / 25), (8, 1.0), (29, 1 / 25e4)]),
    ),
    "OneCycleLR three_phase": (
        lambda o: OneCycleLR(
            o, 1.0, epochs=3, steps_per_epoch=10, three_phase=True, cycle_momentum=False
        ),
        lambda _, t: one_cycle(t, [(0, 1 / 25), (8, 1.0), (16, 1 / 25), (29, 1 / 25e4)]),
    ),
    "OneCycleLR linear": (
        lambda o: OneCycleLR(
            o,
            2.0,
            30,
            pct_start=0.5,
            anneal_strategy="linear",
            div_factor=2.0,
            final_div_factor=10.0,
            cycle_momentum=False,
        ),
        lambda _, t: np.interp(t, [0, 14, 29], [1, 2, 0.1]),
    ),
    "SequentialLR": (
        lambda o: SequentialLR(
            o, [LinearLR(o, 0.5, total_iters=3), StepLR(o, 2), ExponentialLR(o, 0.9)], [3, 9]
        ),
        lambda base, t: (
            base * ((3 + min(t, 3)) / 6 if t < 3 else 0.1 ** ((t - 3) // 2))
            if t < 9
            else base * 0.9 ** (t - 9)
        ),
    ),
    "ChainedScheduler": (
        lambda o: ChainedScheduler([ConstantLR(o, 0.5, 4), StepLR(o, 5), ExponentialLR(o, 0.9)]),
        lambda base, t: base * (0.5 if t < 4 else 1) * 0.1 ** (t // 5) * 0.9**t,
    ),
}
NAMES = list(FORMULAS)
PARTED = ("SequentialLR", "ChainedScheduler")


def test_every_schedule_has_a_formula_here():
    named = {name.split()[0] for name in FORMULAS}
    assert named == set(lr_scheduler.__all__) - {"LRScheduler", "ReduceLROnPlateau"}
    assert optim.lr_scheduler is lr_scheduler


@pytest.mark.parametrize("name", NAMES)
def test_the_rates_are_those_of_the_formula(name):
    make, formula = FORMULAS[name]
    optimizer = optimizer_with(0.5, 0.2)
    scheduler = make(optimizer)
    for t, rates in enumerate(go(optimizer, scheduler, epochs=28)):
        np.testing.assert_allclose(rates, [formula(0.5, t), formula(0.2, t)], rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_the_last_rates_are_those_of_the_optimizer(name):
    optimizer = optimizer_with(0.5, 0.2)
    scheduler = FORMULAS[name][0](optimizer)
    for _ in range(5):
        assert scheduler.get_last_lr() == rates_of(optimizer)
        go(optimizer, scheduler)


@pytest.mark.parametrize("name", NAMES)
def test_rates_are_numbers_of_python(name):
    optimizer = optimizer_with(np.float32(0.5))
    scheduler = FORMULAS[name][0](optimizer)
    go(optimizer, scheduler, epochs=6)
    assert type(optimizer.param_groups[0]["lr"]) is float


@pytest.mark.parametrize("name", NAMES)
def test_a_rate_that_is_a_tensor_is_filled(name):
    rate = tg.tensor(0.5, dtype=tg.float64)
    optimizer = optimizer_with(rate)
    scheduler = FORMULAS[name][0](optimizer)
    for t in range(6):
        assert optimizer.param_groups[0]["lr"] is rate
        np.testing.assert_allclose(rate.item(), FORMULAS[name][1](0.5, t), rtol=1e-9)
        last = scheduler.get_last_lr()[0]
        assert last is not rate
        assert last.item() == rate.item()
        optimizer.step()
        scheduler.step()


# Going on after a break.


@pytest.mark.parametrize("stop", [0, 1, 2, 7, 10])
@pytest.mark.parametrize("name", NAMES)
def test_a_schedule_continues_exactly_from_its_state_dict(name, stop):
    make = FORMULAS[name][0]
    first = optimizer_with(0.5, 0.2)
    scheduler = make(first)
    go(first, scheduler, epochs=stop)
    saved, of_optimizer = copy.deepcopy(scheduler.state_dict()), first.state_dict()
    second = optimizer_with(9.0, 9.0)
    resumed = make(second)
    resumed.load_state_dict(saved)
    second.load_state_dict(of_optimizer)
    assert resumed.get_last_lr() == rates_of(second)
    assert go(second, resumed, epochs=12) == go(first, scheduler, epochs=12)


# Those that know all they need from the epoch and the rates.
RESUMED = {
    StepLR: {"step_size": 3, "gamma": 0.5},
    MultiStepLR: {"milestones": [2, 5, 5], "gamma": 0.5},
    ExponentialLR: {"gamma": 0.9},
    ConstantLR: {"factor": 0.25, "total_iters": 4},
    LinearLR: {"start_factor": 0.2, "end_factor": 0.8, "total_iters": 6},
    PolynomialLR: {"total_iters": 8, "power": 1.5},
    LambdaLR: {"lr_lambda": lambda t: 1 / (1 + t)},
    MultiplicativeLR: {"lr_lambda": lambda t: 1 + 1 / t},
    CosineAnnealingLR: {"T_max": 7, "eta_min": 0.1},
    OneCycleLR: {"max_lr": 1.0, "total_steps": 30, "cycle_momentum": False},
}


@pytest.mark.parametrize("epochs", [1, 7])
@pytest.mark.parametrize("cls", RESUMED)
def test_a_schedule_continues_from_the_last_epoch(cls, epochs):
    first, second = optimizer_with(0.5, 0.2), optimizer_with(9.0, 9.0)
    go(first, cls(first, **RESUMED[cls]), epochs=epochs)
    second.load_state_dict(first.state_dict())
    resumed = cls(second, **RESUMED[cls], last_epoch=epochs - 1)
    formula = FORMULAS[cls.__name__][1]
    for t, rates in enumerate(go(second, resumed, epochs=6), epochs):
        np.testing.assert_allclose(rates, [formula(0.5, t), formula(0.2, t)], rtol=1e-12)


def test_without_initial_rates_there_is_nothing_to_resume():
    with pytest.raises(KeyError, match=r"'initial_lr' is not specified in param_groups\[0\]"):
        StepLR(optimizer_with(), 3, last_epoch=4)


@pytest.mark.parametrize("way", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_schedule_and_its_optimizer_are_copied_together(way):
    optimizer = optimizer_with(0.5)
    scheduler = ExponentialLR(optimizer, 0.5)
    optimizer.step()
    twin = way(scheduler)
    twin.step()
    go(twin.optimizer, twin)
    assert rates_of(twin.optimizer) == [0.125]
    assert rates_of(optimizer) == [0.5]


class Power:
    """A callable object: its attributes are part of a schedule's state."""

    def __init__(self, base):
        self.base = base

    def __call__(self, t):
        return self.base**t


@pytest.mark.parametrize("cls", [LambdaLR, MultiplicativeLR])
def test_functions_are_not_saved_but_the_attributes_of_objects_are(cls):
    optimizer = optimizer_with(0.5, 0.2)
    scheduler = cls(optimizer, [lambda t: 0.5, Power(0.9)])
    saved = scheduler.state_dict()
    assert saved["lr_lambdas"] == [None, {"base": 0.9}]
    other = cls(optimizer_with(0.5, 0.2), [lambda t: 0.5, Power(0.1)])
    before = copy.deepcopy(saved)
    other.load_state_dict(saved)
    assert saved == before
    assert other.lr_lambdas[1].base == 0.9


def test_the_scale_of_cycles_is_saved_like_that():
    def make(base):
        return CyclicLR(optimizer_with(), 0.1, 0.9, 3, scale_fn=Power(base), cycle_momentum=False)

    other = make(0.1)
    other.load_state_dict(make(0.7).state_dict())
    assert other.scale_fn(1) == 0.7
    plain = CyclicLR(optimizer_with(), 0.1, 0.9, 3, cycle_momentum=False)
    assert plain.state_dict()["_scale_fn_custom"] is None


# Stepping.


@pytest.mark.parametrize("name", [n for n in NAMES if n not in (*PARTED, "MultiplicativeLR")])
def test_an_epoch_can_be_jumped_to_but_is_warned_about(name):
    make, formula = FORMULAS[name]
    optimizer = optimizer_with(0.5, 0.2)
    scheduler = make(optimizer)
    optimizer.step()
    for t in (4, 11, 2, 0):
        if name == "CosineAnnealingWarmRestarts":
            scheduler.step(t)
        else:
            with pytest.warns(UserWarning, match="epoch parameter.*deprecated"):
                scheduler.step(t)
        assert scheduler.last_epoch == t
        np.testing.assert_allclose(
            rates_of(optimizer), [formula(0.5, t), formula(0.2, t)], rtol=1e-12
        )


def test_warm_restarts_take_fractions_of_epochs():
    optimizer = optimizer_with(1.0)
    scheduler = CosineAnnealingWarmRestarts(optimizer, 2, 2)
    optimizer.step()
    for t in (0.25, 1.75, 2.5, 5.9, 6.0, 13.5):
        scheduler.step(t)
        n = int(log(t / 2 + 1, 2))
        start, length = 2 * (2**n - 1), 2 * 2**n
        expected = (1 + cos(pi * (t - start) / length)) / 2
        np.testing.assert_allclose(rates_of(optimizer), expected, rtol=1e-12, atol=1e-15)
        assert scheduler.last_epoch == floor(t)
    with pytest.raises(ValueError, match="non-negative epoch, but got -1"):
        scheduler.step(-1)


@pytest.mark.parametrize(
    "name", [n for n in NAMES if n not in (*PARTED, "CosineAnnealingWarmRestarts")]
)
def test_a_schedule_that_is_stepped_first_is_warned_about(name):
    optimizer = optimizer_with()
    scheduler = FORMULAS[name][0](optimizer)
    with pytest.warns(UserWarning, match=r"`lr_scheduler\.step\(\)` before `optimizer\.step\(\)`"):
        scheduler.step()
    scheduler.step()  # once is enough


def test_a_step_of_your_own_optimizer_counts():
    class Still(optim.Optimizer):
        def step(self, closure=None):
            return None

    optimizer = Still([tg.ones(1, requires_grad=True)], {"lr": 0.5})
    assert go(optimizer, ExponentialLR(optimizer, 0.5)) == [[0.5], [0.25]]


def test_steps_before_the_schedule_was_made_do_not_count():
    optimizer = optimizer_with()
    optimizer.step()
    scheduler = StepLR(optimizer, 1)
    with pytest.warns(UserWarning, match="first learning rate of the schedule is skipped"):
        scheduler.step()


def test_to_compute_the_next_rates_is_not_to_ask_for_the_present_ones():
    scheduler = StepLR(optimizer_with(), 1)
    with pytest.warns(UserWarning, match=r"please use `get_last_lr\(\)`"):
        scheduler.get_lr()


def test_a_rate_set_by_hand_stays_where_a_schedule_multiplies():
    optimizer = optimizer_with(0.5)
    scheduler = ExponentialLR(optimizer, 0.5)
    optimizer.param_groups[0]["lr"] = 8.0
    assert go(optimizer, scheduler, epochs=2) == [[8.0], [4.0], [2.0]]


def test_schedules_side_by_side_multiply():
    optimizer = optimizer_with(0.5)
    schedulers = [
        StepLR(optimizer, 2, 0.5),
        LinearLR(optimizer, 0.25, total_iters=4),
        PolynomialLR(optimizer, 10),
    ]
    for t, rates in enumerate(go(optimizer, *schedulers, epochs=8)):
        expected = 0.5 * 0.5 ** (t // 2) * (0.25 + 0.75 * min(t / 4, 1)) * (1 - t / 10)
        np.testing.assert_allclose(rates, expected, rtol=1e-12)


def test_groups_come_before_the_schedule():
    optimizer = optimizer_with(0.5)
    scheduler = LambdaLR(optimizer, lambda t: 0.9)
    optimizer.add_param_group({"params": [tg.ones(1, requires_grad=True)]})
    optimizer.step()
    with pytest.raises(ValueError, match="rates for 1 parameter groups, the optimizer has 2: add"):
        scheduler.step()


def test_a_schedule_of_your_own_defines_get_lr():
    class Halves(LRScheduler):
        def get_lr(self):
            return [base / 2**self.last_epoch for base in self.base_lrs]

    optimizer = optimizer_with(0.8, 0.4)
    assert go(optimizer, Halves(optimizer), epochs=2)[-1] == [0.2, 0.1]
    with pytest.raises(NotImplementedError, match=r"LRScheduler does not define get_lr\(\)"):
        LRScheduler(optimizer)
