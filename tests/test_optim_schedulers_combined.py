"""Schedules: of the momentum, by results, and made of schedules; bad arguments."""

from __future__ import annotations

from math import cos, pi

import numpy as np
import pytest
from optim_cases import go, one_cycle, optimizer_with, rates_of, triangle

import tinygrad_edu as tg
from tinygrad_edu import optim
from tinygrad_edu.optim.lr_scheduler import (
    ChainedScheduler,
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    CyclicLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    OneCycleLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)

# Momentum.


@pytest.mark.parametrize(("cls", "options"), [(optim.SGD, {"momentum": 0.5}), (optim.Adam, {})])
def test_the_momentum_moves_against_the_rate(cls, options):
    def momentum(group):
        return group["betas"][0] if cls is optim.Adam else group["momentum"]

    optimizer = optimizer_with(0.1, cls=cls, **options)
    group = optimizer.param_groups[0]
    cyclic = CyclicLR(optimizer, 0.1, 0.9, 4, base_momentum=0.6, max_momentum=1.0 - 1e-9)
    for t in range(10):
        np.testing.assert_allclose(momentum(group), 1 - 0.4 * triangle(t, 4, 4)[1], rtol=1e-6)
        go(optimizer, cyclic)
    optimizer = optimizer_with(0.1, cls=cls, **options)
    group = optimizer.param_groups[0]
    one = OneCycleLR(optimizer, 1.0, 20)
    for t in range(19):
        expected = one_cycle(t, [(0, 0.95), (5, 0.85), (19, 0.95)])
        np.testing.assert_allclose(momentum(group), expected, rtol=1e-12)
        go(optimizer, one)


def test_a_cycle_has_an_end():
    optimizer = optimizer_with()
    scheduler = OneCycleLR(optimizer, 1.0, 3, pct_start=0.5)
    go(optimizer, scheduler, epochs=3)
    with pytest.raises(ValueError, match=r"Tried to step 4 times.*total steps is 3"):
        go(optimizer, scheduler)


# A plateau.


@pytest.mark.parametrize(
    ("options", "figures", "reduced"),
    [
        # After which epochs the rate is halved.
        ({"patience": 1}, [5, 4, 4, 4, 4, 4, 3], [3, 5]),
        ({"patience": 0}, [5, 5, 4, 6], [1, 3]),
        ({"patience": 0, "threshold": 0.5}, [8, 5, 3], [1]),
        ({"patience": 0, "threshold": 2, "threshold_mode": "abs"}, [8, 7, 5, 3.5], [1, 3]),
        ({"patience": 0, "mode": "max"}, [1, 2, 2, 3, 1], [2, 4]),
        ({"patience": 0, "mode": "max", "threshold": 0.5}, [2, 2.9, 3.1], [1]),
        (
            {"patience": 0, "mode": "max", "threshold": 1, "threshold_mode": "abs"},
            [2, 2.9, 3.1],
            [1],
        ),
        ({"patience": 0, "cooldown": 2}, [5, 5, 5, 5, 5, 5], [1, 4]),
        ({"patience": 0}, [5, float("nan"), 4], [1]),
        ({"patience": 0, "min_lr": 0.3}, [5, 5, 5, 5], [1, 2]),
        ({"patience": 0, "eps": 0.2}, [5, 5, 5, 5], [1, 2]),
    ],
)
def test_the_rate_is_reduced_on_a_plateau(options, figures, reduced):
    optimizer = optimizer_with(1.0)
    scheduler = ReduceLROnPlateau(optimizer, factor=0.5, **options)
    lowest = {"min_lr": 0.3, "eps": 0.25}
    expected = 1.0
    for epoch, figure in enumerate(figures):
        optimizer.step()
        scheduler.step(tg.tensor(figure, dtype=tg.float64) if epoch % 2 else figure)
        if epoch in reduced:
            expected = max(expected / 2, *(lowest[name] for name in options if name in lowest), 0)
        assert rates_of(optimizer) == scheduler.get_last_lr() == [expected]


def test_a_plateau_continues_exactly_from_its_state_dict():
    figures = [5, 5, 4, 4, 4, 4, 4, 4, 4, 3, 3, 3, 3]

    def make(rate):
        optimizer = optimizer_with(rate)
        return optimizer, ReduceLROnPlateau(optimizer, factor=0.5, patience=1, cooldown=1)

    optimizer, scheduler = make(1.0)
    for figure in figures[:6]:
        scheduler.step(figure)
    second, resumed = make(9.0)
    resumed.load_state_dict(scheduler.state_dict())
    second.load_state_dict(optimizer.state_dict())
    for figure in figures[6:]:
        scheduler.step(figure)
        resumed.step(figure)
        assert rates_of(second) == rates_of(optimizer)
    assert rates_of(optimizer) < [0.5]
    assert resumed.in_cooldown == scheduler.in_cooldown


def test_each_group_has_its_lowest_rate():
    optimizer = optimizer_with(1.0, 1.0)
    scheduler = ReduceLROnPlateau(optimizer, patience=0, min_lr=[0.5, 0.01])
    for _ in range(4):
        scheduler.step(1.0)
    np.testing.assert_allclose(rates_of(optimizer), [0.5, 0.01])
    optimizer.add_param_group({"params": [tg.ones(1, requires_grad=True)], "lr": 1.0})
    with pytest.raises(RuntimeError, match=r"param groups in the `optimizer` \(3\) differs.*\(2\)"):
        scheduler.step(1.0)


def test_a_group_added_later_has_the_lowest_rate_of_all():
    optimizer = optimizer_with(1.0)
    scheduler = ReduceLROnPlateau(optimizer, patience=0, min_lr=0.5)
    optimizer.add_param_group({"params": [tg.ones(1, requires_grad=True)], "lr": 1.0})
    for _ in range(3):
        scheduler.step(1.0)
    assert rates_of(optimizer) == [0.5, 0.5]


def test_an_epoch_of_a_plateau_is_deprecated_too():
    scheduler = ReduceLROnPlateau(optimizer_with())
    with pytest.warns(UserWarning, match="epoch parameter"):
        scheduler.step(1.0, epoch=7)
    assert scheduler.last_epoch == 7


# Schedules of schedules.


def test_combined_schedules_may_be_combined_again():
    def chain(optimizer, gamma):
        return ChainedScheduler([ExponentialLR(optimizer, gamma), ConstantLR(optimizer, 0.5, 2)])

    def chained(base, t, gamma):
        return base * gamma**t * (0.5 if t < 2 else 1)

    optimizer = optimizer_with(0.8)
    inner = SequentialLR(optimizer, [StepLR(optimizer, 1, 0.5), chain(optimizer, 0.9)], [2])
    outer = SequentialLR(
        optimizer, [chain(optimizer, 0.8), inner, CosineAnnealingLR(optimizer, 6)], [3, 8]
    )
    seen = go(optimizer, outer, epochs=12)
    expected = [chained(0.8, t, 0.8) for t in range(3)]
    expected += [0.8, 0.4]
    expected += [chained(0.8, t, 0.9) for t in range(3)]
    expected += [0.4 * (1 + cos(pi * t / 6)) for t in range(5)]
    np.testing.assert_allclose(np.ravel(seen), expected, rtol=1e-12)


def test_a_sequence_within_a_sequence_may_be_the_first():
    optimizer = optimizer_with(0.8)
    inner = SequentialLR(
        optimizer, [ConstantLR(optimizer, 0.25, 9), ExponentialLR(optimizer, 0.5)], [2]
    )
    outer = SequentialLR(optimizer, [inner, ConstantLR(optimizer, 0.1, 9)], [4])
    np.testing.assert_allclose(
        np.ravel(go(optimizer, outer, epochs=5)), [0.2, 0.2, 0.8, 0.4, 0.08, 0.08]
    )


def two():
    return optimizer_with(), optimizer_with()


def mixed(combine):
    first, second = two()
    return combine(first, [StepLR(first, 1), StepLR(second, 1)])


def sequence(optimizer, schedulers):
    return SequentialLR(optimizer, schedulers, [1] * (len(schedulers) - 1))


def chain(optimizer, schedulers):
    return ChainedScheduler(schedulers, optimizer)


COMBINED_ERRORS = [
    (lambda make: make(optimizer_with(), []), ValueError, "at least one scheduler"),
    (lambda make: make(optimizer_with(), [3]), TypeError, "index 0 should have `optimizer`"),
    (mixed, ValueError, "same optimizer, but that of the StepLR at index 1 is another one"),
    (
        lambda make: make(o := optimizer_with(), [ReduceLROnPlateau(o)]),
        ValueError,
        "does not support `ReduceLROnPlateau`.*index 0",
    ),
]


@pytest.mark.parametrize("make", [sequence, chain])
@pytest.mark.parametrize(("call", "error", "message"), COMBINED_ERRORS)
def test_what_cannot_be_combined_is_refused(call, error, message, make):
    with pytest.raises(error, match=message):
        call(make)


def test_a_sequence_has_one_milestone_less_than_schedules():
    optimizer = optimizer_with()
    with pytest.raises(ValueError, match="1 schedulers and 1 milestones"):
        SequentialLR(optimizer, [StepLR(optimizer, 1)], [3])


def test_the_state_of_other_parts_is_refused():
    optimizer = optimizer_with()
    one = ChainedScheduler([StepLR(optimizer, 1)])
    other = ChainedScheduler([StepLR(optimizer, 1), StepLR(optimizer, 2)])
    with pytest.raises(ValueError, match="that of 2 schedules; ChainedScheduler has 1 here"):
        one.load_state_dict(other.state_dict())


# Senseless arguments.

ERRORS = [
    (StepLR, (0,), {}, ValueError, "step_size of 1 or more, but got 0"),
    (CosineAnnealingLR, (0,), {}, ValueError, "positive T_max, but got 0"),
    (ConstantLR, (1.5,), {}, ValueError, r"between 0 and 1; got 1\.5"),
    (LinearLR, (0,), {}, ValueError, "greater than 0 and less or equal to 1; got 0"),
    (LinearLR, (0.5, -1), {}, ValueError, "between 0 and 1; got -1"),
    (LambdaLR, ([],), {}, ValueError, "Expected 1 lr_lambdas.*but got 0"),
    (MultiplicativeLR, (0.5,), {}, TypeError, "should be a function, but got float"),
    (CosineAnnealingWarmRestarts, (1.5,), {}, ValueError, r"integer T_0, but got 1\.5"),
    (CosineAnnealingWarmRestarts, (2, 0), {}, ValueError, "T_mult >= 1, but got 0"),
    (CosineAnnealingWarmRestarts, (2, 1, "low"), {}, ValueError, "eta_min, but got low"),
    (CyclicLR, (0.1, 0.9), {"mode": "square"}, ValueError, "mode is invalid.*'square'"),
    (CyclicLR, ([0.1, 0.2], 0.9), {}, ValueError, "base_lr has 2 values, param_groups has 1"),
    (OneCycleLR, (1.0,), {}, ValueError, "either total_steps OR"),
    (OneCycleLR, (1.0, 0), {}, ValueError, "positive integer total_steps, but got 0"),
    (
        OneCycleLR,
        (1.0,),
        {"epochs": 1.5, "steps_per_epoch": 2},
        ValueError,
        r"positive integer epochs, but got 1\.5",
    ),
    (
        OneCycleLR,
        (1.0,),
        {"epochs": 1, "steps_per_epoch": 0},
        ValueError,
        "positive integer steps_per_epoch, but got 0",
    ),
    (OneCycleLR, (1.0, 5), {"pct_start": 2.0}, ValueError, r"pct_start, but got 2\.0"),
    (OneCycleLR, (1.0, 5), {"anneal_strategy": "up"}, ValueError, "'cos' or 'linear'.*up"),
    (ReduceLROnPlateau, ("best",), {}, ValueError, "mode best is unknown"),
    (ReduceLROnPlateau, (), {"threshold_mode": "x"}, ValueError, "threshold mode x is unknown"),
    (ReduceLROnPlateau, (), {"factor": 1.0}, ValueError, r"should be < 1\.0; got 1\.0"),
    (ReduceLROnPlateau, (), {"min_lr": [0, 0]}, ValueError, "expected 1 min_lrs, got 2"),
]


@pytest.mark.parametrize(("cls", "args", "options", "error", "message"), ERRORS)
def test_bad_arguments_are_refused(cls, args, options, error, message):
    with pytest.raises(error, match=message):
        cls(optimizer_with(momentum=0.9), *args, **options)


@pytest.mark.parametrize(("cls", "args"), [(CyclicLR, (0.1, 0.9)), (OneCycleLR, (1.0, 9))])
def test_an_optimizer_without_momentum_cannot_cycle_it(cls, args):
    optimizer = optimizer_with(cls=optim.Adagrad)
    with pytest.raises(ValueError, match="Adagrad has neither: say cycle_momentum=False"):
        cls(optimizer, *args)
    cls(optimizer, *args, cycle_momentum=False)


@pytest.mark.parametrize(
    ("cls", "args"),
    [(StepLR, (1,)), (CyclicLR, (0.1, 0.9)), (OneCycleLR, (1.0, 9)), (ReduceLROnPlateau, ())],
)
def test_the_optimizer_comes_first(cls, args):
    with pytest.raises(TypeError, match="list is not an Optimizer: the optimizer comes first"):
        cls([tg.ones(1, requires_grad=True)], *args)
