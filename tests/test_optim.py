"""Optimizers: the update formulas, groups, state, and errors. Every optimizer is discovered and
tested.
"""

from __future__ import annotations

import copy
import inspect

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import optim

OPTIMIZERS = [
    getattr(optim, name) for name in optim.__all__ if name not in ("Optimizer", "AdaGrad")
]


# The formulas once more, as plainly as they can be written: p, gradients g1, g2, ... -> p.


def plain_sgd(
    p, gradients, lr, momentum=0, dampening=0, weight_decay=0, nesterov=False, maximize=False
):
    b = None
    for gradient in gradients:
        g = (-gradient if maximize else gradient) + weight_decay * p
        if momentum:
            b = g if b is None else momentum * b + (1 - dampening) * g
            g = g + momentum * b if nesterov else b
        p = p - lr * g
    return p


def plain_momentum(p, gradients, lr, momentum=0.9, weight_decay=0, maximize=False):
    v = 0
    for gradient in gradients:
        g = (-gradient if maximize else gradient) + weight_decay * p
        v = momentum * v - lr * g
        p = p + v
    return p


def plain_adagrad(
    p,
    gradients,
    lr,
    lr_decay=0,
    weight_decay=0,
    initial_accumulator_value=0,
    eps=1e-10,
    eps_inside_sqrt=False,
    maximize=False,
):
    h = initial_accumulator_value
    for t, gradient in enumerate(gradients, 1):
        g = (-gradient if maximize else gradient) + weight_decay * p
        h = h + g**2
        root = np.sqrt(h + eps) if eps_inside_sqrt else np.sqrt(h) + eps
        p = p - lr / (1 + (t - 1) * lr_decay) * g / root
    return p


def plain_rmsprop(
    p,
    gradients,
    lr,
    alpha=0.99,
    eps=1e-8,
    weight_decay=0,
    momentum=0,
    centered=False,
    eps_inside_sqrt=False,
    maximize=False,
):
    v = a = b = 0
    for gradient in gradients:
        g = (-gradient if maximize else gradient) + weight_decay * p
        v = alpha * v + (1 - alpha) * g**2
        a = alpha * a + (1 - alpha) * g
        w = v - a**2 if centered else v
        b = momentum * b + g / (np.sqrt(w + eps) if eps_inside_sqrt else np.sqrt(w) + eps)
        p = p - lr * b
    return p


def plain_adam(
    p, gradients, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False, maximize=False
):
    m = v = largest = 0
    for t, gradient in enumerate(gradients, 1):
        g = (-gradient if maximize else gradient) + weight_decay * p
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        largest = np.maximum(largest, v)
        corrected = (largest if amsgrad else v) / (1 - betas[1] ** t)
        p = p - lr * m / (1 - betas[0] ** t) / (np.sqrt(corrected) + eps)
    return p


PLAIN = {
    optim.SGD: plain_sgd,
    optim.Momentum: plain_momentum,
    optim.Adagrad: plain_adagrad,
    optim.RMSprop: plain_rmsprop,
    optim.Adam: plain_adam,
}
COMMON = [{}, {"weight_decay": 0.1}, {"maximize": True}, {"weight_decay": 0.1, "maximize": True}]
SETTINGS = {
    optim.SGD: [
        {"momentum": 0.9},
        {"momentum": 0.9, "nesterov": True},
        {"momentum": 0.8, "dampening": 0.3, "weight_decay": 0.1},
    ],
    optim.Momentum: [{"momentum": 0.5}],
    optim.Adagrad: [
        {"lr_decay": 0.1, "initial_accumulator_value": 0.5},
        {"eps": 0.1},
        {"eps": 0.1, "eps_inside_sqrt": True},
    ],
    optim.RMSprop: [
        {"alpha": 0.9, "momentum": 0.5},
        {"centered": True},
        {"centered": True, "momentum": 0.5, "weight_decay": 0.1},
        {"eps": 0.1, "eps_inside_sqrt": True},
    ],
    optim.Adam: [
        {"betas": (0.5, 0.9), "eps": 0.1},
        {"amsgrad": True},
        {"amsgrad": True, "weight_decay": 0.1},
    ],
}
ROWS = [(cls, options) for cls in OPTIMIZERS for options in COMMON + SETTINGS[cls]]
IDS = [f"{cls.__name__}-{'-'.join(options) or 'plain'}" for cls, options in ROWS]


def gradients(shape, steps=6, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    # Growing, then shrinking: amsgrad differs from Adam only when the gradients get smaller.
    return [
        (rng.normal(size=shape) * scale).astype(dtype)
        for scale in [1, 2, 3, 0.5, 0.1, 0.01, 1, 1][:steps]
    ]


def follow(p, optimizer, steps):
    for g in steps:
        p.grad = tg.tensor(g)
        optimizer.step()


def test_every_optimizer_has_a_plain_formula_and_settings():
    assert set(PLAIN) == set(SETTINGS) == set(OPTIMIZERS)


@pytest.mark.parametrize(("cls", "options"), ROWS, ids=IDS)
def test_steps_follow_the_formula(cls, options):
    start, steps = np.linspace(-1, 1, 6).reshape(2, 3), gradients((2, 3))
    p = tg.tensor(start, requires_grad=True)
    follow(p, cls([p], lr=0.05, **options), steps)
    expected = PLAIN[cls](start, steps, lr=0.05, **options)
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


@pytest.mark.parametrize(("cls", "options"), ROWS, ids=IDS)
def test_a_run_continues_exactly_from_its_state_dict(cls, options):
    steps = gradients((4,), 8, dtype=np.float32)
    p = tg.zeros(4, requires_grad=True)
    optimizer = cls([p], lr=0.05, **options)
    follow(p, optimizer, steps[:4])
    saved, value = copy.deepcopy(optimizer.state_dict()), p.detach().clone()
    follow(p, optimizer, steps[4:])
    q = value.requires_grad_()
    second = cls([q], lr=99.0)
    second.load_state_dict(saved)
    follow(q, second, steps[4:])
    np.testing.assert_array_equal(q.array, p.array)


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_a_state_dict_that_was_loaded_is_a_copy(cls):
    p = tg.zeros(4, requires_grad=True)
    first = cls([p], lr=0.05, **({"momentum": 0.9} if cls is optim.SGD else {}))
    follow(p, first, gradients((4,), 2, dtype=np.float32))
    saved = first.state_dict()
    before = copy.deepcopy(saved["state"])
    q = tg.zeros(4, requires_grad=True)
    second = cls([q], lr=0.05)
    second.load_state_dict(saved)
    follow(q, second, gradients((4,), 2, dtype=np.float32))
    for name, value in before[0].items():
        now = first.state_dict()["state"][0][name]
        assert now == value if name == "step" else tg.equal(now, value)


@pytest.mark.parametrize(("cls", "options"), ROWS, ids=IDS)
def test_float32_stays_float32_to_the_last_state(cls, options):
    p = tg.zeros(3, requires_grad=True)
    optimizer = cls([p], lr=np.float64(0.05), **options)
    follow(p, optimizer, gradients((3,), 3, dtype=np.float32))
    assert p.dtype == tg.float32
    assert {x.dtype for name, x in optimizer.state[p].items() if name != "step"} <= {
        np.dtype("float32")
    }


@pytest.mark.parametrize(("cls", "options"), ROWS, ids=IDS)
def test_the_gradient_itself_is_not_changed(cls, options):
    p = tg.zeros(3, requires_grad=True)
    p.grad = tg.tensor([1.0, 2.0, 3.0])
    optimizer = cls([p], lr=0.1, **options)
    optimizer.step()
    optimizer.step()
    assert p.grad.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_it_finds_the_minimum_of_a_bowl(cls):
    p = tg.tensor([3.0, -2.0], requires_grad=True)
    optimizer = cls([p], lr=0.5 if cls is optim.Adagrad else 0.02)
    for _ in range(500):
        optimizer.zero_grad()
        (p * p).sum().backward()
        optimizer.step()
    assert float(p.detach().abs().max()) < 0.05


def test_a_step_is_counted_as_a_change_of_the_parameter():
    p = tg.ones(2, requires_grad=True)
    loss = (p * p).sum()
    p.grad = tg.ones(2)
    optim.SGD([p], lr=0.1).step()
    with pytest.raises(RuntimeError, match="in-place"):
        loss.backward()


def test_parameters_without_a_gradient_stay_as_they_are():
    p, q = tg.ones(2, requires_grad=True), tg.ones(2, requires_grad=True)
    p.grad = tg.ones(2)
    optimizer = optim.Adam([p, q], lr=0.1)
    optimizer.step()
    assert q.tolist() == [1.0, 1.0]
    assert q not in optimizer.state


def test_the_closure_is_called_with_recording_and_its_loss_returned():
    p = tg.tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([p], lr=0.25)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with tg.no_grad():
        assert optimizer.step(closure).item() == 1
    assert p.item() == 0.5


def test_groups_have_options_of_their_own():
    p, q = tg.zeros(1, requires_grad=True), tg.zeros(1, requires_grad=True)
    optimizer = optim.SGD([{"params": [p], "lr": 1.0}, {"params": q}], lr=0.1)
    p.grad, q.grad = tg.ones(1), tg.ones(1)
    optimizer.step()
    assert (p.item(), q.item()) == (-1, pytest.approx(-0.1))


def test_a_group_added_later_is_updated():
    p, q = tg.zeros(1, requires_grad=True), tg.zeros(1, requires_grad=True)
    optimizer = optim.SGD([p], lr=0.1)
    optimizer.add_param_group({"params": [q], "lr": 2.0})
    q.grad = tg.ones(1)
    optimizer.step()
    assert q.item() == -2


def test_changing_the_rate_of_a_group_takes_effect():
    p = tg.zeros(1, requires_grad=True)
    optimizer = optim.SGD([p], lr=0.1)
    optimizer.param_groups[0]["lr"] = 3.0
    p.grad = tg.ones(1)
    optimizer.step()
    assert p.item() == -3


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
    before = {name: copy.deepcopy(value) for name, value in optimizer.state[p].items()}
    follow(p, optimizer, [np.ones(2, np.float32)])
    assert optimizer.state[p].keys() > before.keys()
    assert optimizer.state[p]["step"] == 3
    assert np.isfinite(p.array).all()


def test_zero_grad_forgets_or_fills_with_zeros():
    p = tg.zeros(1, requires_grad=True)
    optimizer = optim.SGD([p], lr=0.1)
    p.grad = tg.ones(1)
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.tolist() == [0.0]
    optimizer.zero_grad()
    assert p.grad is None


def test_named_parameters_are_accepted():
    p = tg.zeros(1, requires_grad=True)
    assert optim.SGD([("weight", p)], lr=0.1).param_groups[0]["params"] == [p]


def test_adagrad_has_the_spelling_of_textbooks_too():
    assert optim.AdaGrad is optim.Adagrad


def leaf():
    return tg.zeros(2, requires_grad=True)


ERRORS = [
    (lambda: optim.SGD([], lr=0.1), ValueError, "empty parameter list"),
    (lambda: optim.SGD(iter(()), lr=0.1), ValueError, "empty parameter list.*used up"),
    (lambda: optim.SGD(leaf(), lr=0.1), TypeError, r"single tensor: write \[tensor\]"),
    (lambda: optim.SGD([leaf() * 2], lr=0.1), ValueError, "non-leaf Tensor.*grad_fn=Mul"),
    (lambda: optim.SGD([1.0], lr=0.1), TypeError, "only optimize Tensors.*float"),
    (lambda: optim.SGD([{"params": {leaf()}}], lr=0.1), TypeError, "a list, not a set"),
    (lambda: optim.SGD([leaf()], lr=-0.1), ValueError, "invalid learning rate: lr=-0.1"),
    (lambda: optim.SGD([leaf()], lr=float("nan")), ValueError, "invalid learning rate: lr=nan"),
    (lambda: optim.SGD([leaf()], momentum=-1), ValueError, "momentum"),
    (lambda: optim.SGD([leaf()], weight_decay=-1), ValueError, "weight_decay"),
    (lambda: optim.SGD([leaf()], nesterov=True), ValueError, "Nesterov momentum requires"),
    (
        lambda: optim.Adam([leaf()], betas=(0.9, 1.0)),
        ValueError,
        r"beta parameter: betas=\(0.9, 1.0\)",
    ),
    (lambda: optim.Adam([leaf()], betas=(0.9,)), ValueError, r"two numbers.*\(0.9,\)"),
    (lambda: optim.Adam([leaf()], eps=-1), ValueError, "epsilon"),
    (lambda: optim.RMSprop([leaf()], alpha=-1), ValueError, "alpha"),
    (lambda: optim.Adagrad([leaf()], lr_decay=-1), ValueError, "lr_decay"),
    (lambda: optim.SGD([{"params": [leaf()], "lr": -5}], lr=0.1), ValueError, "lr=-5"),
    (
        lambda: optim.Adam([leaf()], learning_rate=0.1),
        TypeError,
        "unexpected keyword argument 'learning_rate'",
    ),
    (
        lambda: optim.Adam([leaf()], differentiable=True),
        ValueError,
        "differentiable=True is not supported",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), ERRORS)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_parameter_belongs_to_one_group_once():
    p = leaf()
    with pytest.raises(ValueError, match="more than one parameter group"):
        optim.SGD([{"params": [p]}, {"params": [p]}], lr=0.1)
    with pytest.raises(ValueError, match="same parameter twice"):
        optim.SGD([p, p], lr=0.1)


def test_a_state_dict_that_does_not_fit_is_refused():
    one, two = optim.Adam([leaf()], lr=0.1), optim.Adam([leaf(), leaf()], lr=0.1)
    with pytest.raises(ValueError, match=r"doesn't match the size.*2 parameters there, 1 here"):
        one.load_state_dict(two.state_dict())
    groups = optim.Adam([{"params": [leaf()]}, {"params": [leaf()]}], lr=0.1)
    with pytest.raises(
        ValueError, match="different number of parameter groups: 2, this optimizer has 1"
    ):
        one.load_state_dict(groups.state_dict())
    p = tg.zeros(3, requires_grad=True)
    other = optim.Adam([p], lr=0.1)
    p.grad = tg.ones(3)
    other.step()
    with pytest.raises(
        ValueError, match=r"'exp_avg' has shape \(3,\), its parameter has shape \(2,\)"
    ):
        one.load_state_dict(other.state_dict())


def test_the_momentum_of_a_pytorch_state_dict_is_continued():
    p = leaf()
    optimizer = optim.SGD([p], lr=0.1, momentum=0.5)
    saved = optimizer.state_dict()
    saved["state"] = {0: {"momentum_buffer": tg.tensor([4.0, 8.0], dtype=p.dtype)}}  # no "step"
    optimizer.load_state_dict(saved)
    before, p.grad = p.detach().clone(), tg.ones_like(p)
    optimizer.step()
    np.testing.assert_allclose((before - p.detach()).numpy(), [0.3, 0.5], rtol=1e-6)


def test_an_optimizer_of_your_own_is_written_as_in_pytorch():
    class Descent(optim.Optimizer):
        def __init__(self, params, lr=0.5):
            super().__init__(params, {"lr": lr})

        @tg.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    p.add_(p.grad, alpha=-group["lr"])

    p = tg.ones(2, requires_grad=True)
    optimizer = Descent([p])
    (p * p).sum().backward()
    optimizer.step()
    assert p.tolist() == [0.0, 0.0]


def test_the_options_that_only_choose_a_kernel_are_accepted():
    optim.Adam([leaf()], foreach=None, fused=None, capturable=False)


def test_the_repr_lists_the_options_of_each_group():
    text = repr(optim.SGD([leaf()], lr=0.1))
    assert text.startswith("SGD (\nParameter Group 0\n    dampening: 0\n    lr: 0.1\n")


@pytest.mark.torch
@pytest.mark.parametrize(("cls", "options"), ROWS, ids=IDS)
def test_agreement_with_pytorch(cls, options):
    import torch

    if cls is optim.Momentum:
        assert not hasattr(torch.optim, "Momentum")
        return
    start, steps = np.linspace(-1, 1, 6).reshape(2, 3), gradients((2, 3))
    p, q = tg.tensor(start, requires_grad=True), torch.tensor(start, requires_grad=True)
    known = inspect.signature(getattr(torch.optim, cls.__name__)).parameters
    theirs = {name: value for name, value in options.items() if name in known}
    if len(theirs) < len(options):
        assert "eps_inside_sqrt" in options
        return
    follow(p, cls([p], lr=0.05, **options), steps)
    other = getattr(torch.optim, cls.__name__)([q], lr=0.05, **theirs)
    for g in steps:
        q.grad = torch.tensor(g)
        other.step()
    np.testing.assert_allclose(p.array, q.detach().numpy(), rtol=1e-11, atol=1e-13)
