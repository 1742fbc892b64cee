"""Agreement of optimizers and schedules with PyTorch: numbers, states, signatures, refusals."""

from __future__ import annotations

import copy
import inspect
import warnings

import numpy as np
import pytest
from optim_cases import EVERY, IDS, ROWS, gradients, takes

import tinygrad_edu as tg
from tinygrad_edu import optim
from tinygrad_edu.optim import lr_scheduler

pytestmark = pytest.mark.torch

SHARED = [cls for cls in EVERY if cls is not optim.Momentum]  # which PyTorch does not have
OURS_ALONE = {"eps_inside_sqrt"}
# With the same options; float32 in addition to float64 where nothing else differs.
AGREEING = [
    pytest.param(cls, options, id=name)
    for (cls, options), name in zip(ROWS, IDS, strict=True)
    if cls in SHARED and not OURS_ALONE & options.keys()
]


@pytest.fixture
def torch():
    """PyTorch, whose counters and step sizes are float64 for the time of a test."""
    torch = pytest.importorskip("torch")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield torch
    torch.set_default_dtype(before)


def theirs(torch, cls):
    return getattr(torch.optim, cls.__name__)


def both(torch, cls, options, start):
    """Parameters and optimizers of both libraries."""
    p = [tg.tensor(array, requires_grad=True) for array in start]
    q = [torch.tensor(array, requires_grad=True) for array in start]
    return p, q, cls(p, **options), theirs(torch, cls)(q, **options)


def step(torch, p, q, ours, other, grads):
    for x, y, g in zip(p, q, grads, strict=True):
        x.grad, y.grad = tg.tensor(g), torch.tensor(g)
    ours.step()
    other.step()


def compare(p, q, **tolerance):
    for x, y in zip(p, q, strict=True):
        np.testing.assert_allclose(x.array, y.detach().numpy(), **tolerance)


SHAPES = [(3, 4), (5,), (2, 3, 2), ()]
TOLERANCES = {"float64": {"rtol": 1e-12, "atol": 1e-13}, "float32": {"rtol": 1e-6, "atol": 4e-6}}


def arrays(dtype):
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape).astype(dtype) for shape in SHAPES]


def many_gradients(dtype, steps):
    columns = [gradients(shape, steps, seed, dtype) for seed, shape in enumerate(SHAPES)]
    return list(zip(*columns, strict=True))


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize(("cls", "options"), AGREEING)
def test_fifty_steps_agree_and_so_do_the_states(torch, cls, options, dtype):
    torch.set_default_dtype(getattr(torch, dtype))
    p, q, ours, other = both(torch, cls, options, arrays(dtype))
    for grads in many_gradients(dtype, 50):
        step(torch, p, q, ours, other, grads)
    compare(p, q, **TOLERANCES[dtype])
    state, expected = ours.state_dict(), other.state_dict()
    for group in state["param_groups"]:
        for name in OURS_ALONE & group.keys():
            del group[name]
    assert state["param_groups"] == expected["param_groups"]
    assert state["state"].keys() == expected["state"].keys()
    for index, entries in expected["state"].items():
        assert state["state"][index].keys() == entries.keys()
        for name, value in entries.items():
            mine = state["state"][index][name]
            mine = mine.array if isinstance(mine, tg.Tensor) else mine
            np.testing.assert_allclose(mine, value.numpy(), rtol=2e-6, atol=1e-5)


def in_torch(torch, value):
    """Our tensors as PyTorch's, in whatever they are packed."""
    if isinstance(value, tg.Tensor):
        return torch.tensor(value.numpy())
    if isinstance(value, dict):
        return {key: in_torch(torch, entry) for key, entry in value.items()}
    return [in_torch(torch, entry) for entry in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("cls", "options"), AGREEING)
def test_states_are_loaded_in_both_directions(torch, cls, options):
    p, q, ours, other = both(torch, cls, options, arrays("float64"))
    grads = many_gradients("float64", 8)
    for entry in grads[:4]:
        step(torch, p, q, ours, other, entry)
    p2, q2, ours2, other2 = both(torch, cls, {}, [x.detach().numpy() for x in p])
    ours2.load_state_dict(other.state_dict())
    other2.load_state_dict(in_torch(torch, copy.deepcopy(ours.state_dict())))
    for entry in grads[4:]:
        step(torch, p, q, ours, other, entry)
        step(torch, p2, q2, ours2, other2, entry)
    compare(p2, q, rtol=1e-11, atol=1e-13)
    compare(p, q2, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("cls", SHARED)
def test_constructors_have_the_same_arguments(torch, cls):
    assert arguments(cls) == arguments(theirs(torch, cls))


def arguments(function):
    """Names, defaults and kinds of the parameters, in their order, without those of ours alone."""
    parameters = inspect.signature(function).parameters.items()
    return [(name, p.default, p.kind) for name, p in parameters if name not in OURS_ALONE]


@pytest.mark.parametrize("name", lr_scheduler.__all__)
def test_schedules_have_the_same_arguments(torch, name):
    assert set(lr_scheduler.__all__) == set(torch.optim.lr_scheduler.__all__)
    other = getattr(torch.optim.lr_scheduler, name)
    assert arguments(getattr(lr_scheduler, name)) == arguments(other)


BAD = [
    {"lr": -1},
    {"eps": -1},
    {"weight_decay": -1},
    {"momentum": -1},
    {"betas": (0.9, 1.0)},
    {"betas": (-0.1, 0.9)},
    {"rho": 2},
    {"etas": (1.5, 2)},
    {"alpha": -1},
    {"lr_decay": -1},
    {"initial_accumulator_value": -1},
    {"momentum_decay": -1},
    {"nesterov": True},
    {"d": 0.5},
    {"beta2_decay": 1},
    {"unknown": 1},
]


@pytest.mark.parametrize("cls", SHARED)
def test_what_pytorch_refuses_is_refused_with_the_same_error(torch, cls):
    checked = 0
    for options in BAD:
        (name,) = options
        if name != "unknown" and not takes(cls, name):
            continue
        try:
            theirs(torch, cls)([torch.ones(1, requires_grad=True)], **options)
        except (ValueError, TypeError) as error:
            with pytest.raises(type(error)):
                cls([tg.ones(1, requires_grad=True)], **options)
            checked += 1
    assert checked >= 2


# L-BFGS.


def rosenbrock(x):
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


def quartic(x):
    return ((x - 1) ** 4).sum() + 0.1 * (x**2).sum()


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lr": 0.5},
        {"history_size": 2},
        {"max_iter": 1},
        {"max_iter": 7, "max_eval": 5},
        {"max_eval": 1},
        {"tolerance_grad": 1e-2},
        {"tolerance_change": 1e-3},
    ],
    ids=str,
)
@pytest.mark.parametrize("loss_of", [quartic, rosenbrock])
def test_lbfgs_evaluates_the_same_losses(torch, loss_of, options, search):
    if loss_of is rosenbrock and search is None:
        options = {**options, "lr": 1e-3}  # it would leave the valley

    def losses(library, cls):
        p = library.tensor([-1.2, 0.7], dtype=library.float64, requires_grad=True)
        optimizer = cls([p], line_search_fn=search, **options)
        seen = []

        def closure():
            optimizer.zero_grad()
            loss = loss_of(p)
            loss.backward()
            seen.append(loss.item())
            return loss

        for _ in range(3):
            optimizer.step(closure)
        return seen

    ours, other = losses(tg, optim.LBFGS), losses(torch, torch.optim.LBFGS)
    assert len(ours) == len(other)
    # Later ones differ where rounding is magnified.
    np.testing.assert_allclose(ours[:15], other[:15], rtol=1e-9)


# Schedules.


class Power:
    """A callable object, whose attributes are saved."""

    def __init__(self, base):
        self.base = base

    def __call__(self, t):
        return self.base**t


SIMPLE = [
    lambda L, o: L.StepLR(o, 3),
    lambda L, o: L.MultiStepLR(o, [2, 5, 5], 0.3),
    lambda L, o: L.MultiStepLR(o, [0, 4]),
    lambda L, o: L.ExponentialLR(o, 0.9),
    lambda L, o: L.ConstantLR(o, 0.7, 3),
    lambda L, o: L.LinearLR(o),
    lambda L, o: L.LinearLR(o, 0.1, 0.7, 4),
    lambda L, o: L.PolynomialLR(o, 9, 1.5),
    lambda L, o: L.LambdaLR(o, Power(0.8)),
    lambda L, o: L.MultiplicativeLR(o, lambda t: 0.95),
    lambda L, o: L.CosineAnnealingLR(o, 5, 0.01),
    lambda L, o: L.CosineAnnealingLR(o, 1),
]
WHOLE = [
    lambda L, o: L.CosineAnnealingWarmRestarts(o, 2, 2, 0.01),
    lambda L, o: L.CosineAnnealingWarmRestarts(o, 3),
    lambda L, o: L.CyclicLR(o, [0.1, 0.2], [1.0, 2.0], 3, 5, "triangular2"),
    lambda L, o: L.CyclicLR(o, 0.1, 1.0, 4, mode="exp_range", gamma=0.9, max_momentum=[0.8, 0.9]),
    lambda L, o: L.CyclicLR(o, 0.1, 1.0, 3, scale_fn=Power(0.5), scale_mode="iterations"),
    lambda L, o: L.OneCycleLR(o, 1.0, 40),
    lambda L, o: L.OneCycleLR(
        o, [1.0, 2.0], epochs=5, steps_per_epoch=8, anneal_strategy="linear", three_phase=True
    ),
]


def stacked(seed, kind):
    """A maker of several schedules: side by side, chained, or one after the other."""
    rng = np.random.default_rng(seed)
    parts = [SIMPLE[i] for i in rng.choice(len(SIMPLE), 3, replace=False)]
    milestones = sorted(rng.choice(np.arange(1, 12), 2, replace=False).tolist())

    def make(L, optimizer):
        schedulers = [part(L, optimizer) for part in parts]
        if kind == "chained":
            return L.ChainedScheduler(schedulers)
        return L.SequentialLR(optimizer, schedulers, milestones)

    return make


MAKERS = {
    **{f"simple {i}": make for i, make in enumerate(SIMPLE)},
    **{f"whole {i}": make for i, make in enumerate(WHOLE)},
    **{
        f"{kind} {seed}": stacked(seed, kind)
        for seed in range(12)
        for kind in ("chained", "sequential")
    },
}


def two_groups(library, optimizers, cls):
    options = {"momentum": 0.9} if cls == "SGD" else {}
    groups = [{"params": [library.ones(1, requires_grad=True)], "lr": lr} for lr in (0.5, 0.2)]
    return getattr(optimizers, cls)(groups, **options)


def settings(optimizer):
    names = ("lr", "momentum", "betas", "initial_lr", "max_lr", "min_lr", "max_momentum")
    return [{name: group.get(name) for name in names} for group in optimizer.param_groups]


@pytest.mark.parametrize("cls", ["SGD", "Adam"])
@pytest.mark.parametrize("name", MAKERS)
def test_rates_are_the_same_to_the_last_bit(torch, name, cls):
    make = MAKERS[name]
    ours = two_groups(tg, optim, cls)
    other = two_groups(torch, torch.optim, cls)
    mine, yours = make(lr_scheduler, ours), make(torch.optim.lr_scheduler, other)
    for epoch in range(30):
        assert settings(ours) == settings(other)
        assert mine.get_last_lr() == yours.get_last_lr()
        if epoch == 11:
            # Go on in a new run, from the state of PyTorch.
            saved, of_optimizer = copy.deepcopy(yours.state_dict()), other.state_dict()
            ours = two_groups(tg, optim, cls)
            mine = make(lr_scheduler, ours)
            mine.load_state_dict(saved)
            ours.load_state_dict(of_optimizer)
        ours.step()
        other.step()
        mine.step()
        yours.step()


@pytest.mark.parametrize("name", [name for name in MAKERS if name.startswith(("simple", "whole"))])
def test_epochs_are_jumped_to_alike(torch, name):
    ours, other = two_groups(tg, optim, "SGD"), two_groups(torch, torch.optim, "SGD")
    mine, yours = MAKERS[name](lr_scheduler, ours), MAKERS[name](torch.optim.lr_scheduler, other)
    for optimizer in (ours, other):
        optimizer.step()
    for epoch in (3, 9, 5, 0, 4):
        with warnings.catch_warnings(record=True) as here:
            warnings.simplefilter("always")
            mine.step(epoch)
        with warnings.catch_warnings(record=True) as there:
            warnings.simplefilter("always")
            yours.step(epoch)
        assert [w.category for w in here] == [w.category for w in there]
        assert settings(ours) == settings(other)


@pytest.mark.parametrize("seed", range(30))
def test_a_plateau_is_seen_alike(torch, seed):
    rng = np.random.default_rng(seed)
    options = {
        "mode": str(rng.choice(["min", "max"])),
        "factor": float(rng.uniform(0.1, 0.9)),
        "patience": int(rng.integers(0, 3)),
        "threshold": float(rng.choice([1e-4, 0.1])),
        "threshold_mode": str(rng.choice(["rel", "abs"])),
        "cooldown": int(rng.integers(0, 3)),
        "min_lr": [0, [0.1, 0.05]][seed % 2],
        "eps": float(rng.choice([1e-8, 0.05])),
    }
    ours, other = two_groups(tg, optim, "SGD"), two_groups(torch, torch.optim, "SGD")
    mine = lr_scheduler.ReduceLROnPlateau(ours, **options)
    yours = torch.optim.lr_scheduler.ReduceLROnPlateau(other, **options)
    for figure in rng.normal(size=40):
        mine.step(figure)
        yours.step(figure)
        assert settings(ours) == settings(other)
        assert mine.state_dict() == yours.state_dict()
