"""Optimizers for the tests: their formulas once more, settings to try, and short trainings."""

from __future__ import annotations

from itertools import pairwise
from math import cos, pi

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import optim

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


def plain_adamw(
    p, gradients, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, amsgrad=False, maximize=False
):
    m = v = largest = 0
    for t, gradient in enumerate(gradients, 1):
        g = -gradient if maximize else gradient
        p = p - lr * weight_decay * p
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        largest = np.maximum(largest, v)
        corrected = (largest if amsgrad else v) / (1 - betas[1] ** t)
        p = p - lr * m / (1 - betas[0] ** t) / (np.sqrt(corrected) + eps)
    return p


def decayed(p, gradient, lr, weight_decay, decoupled_weight_decay, maximize):
    """The parameter and the gradient after weight decay of either kind."""
    g = -gradient if maximize else gradient
    if decoupled_weight_decay:
        return p - lr * weight_decay * p, g
    return p, g + weight_decay * p


def plain_nadam(
    p,
    gradients,
    lr,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=0,
    momentum_decay=4e-3,
    decoupled_weight_decay=False,
    maximize=False,
):
    def mu(t):
        return betas[0] * (1 - 0.5 * 0.96 ** (t * momentum_decay))

    m = v = 0
    product = 1
    for t, gradient in enumerate(gradients, 1):
        p, g = decayed(p, gradient, lr, weight_decay, decoupled_weight_decay, maximize)
        product = product * mu(t)
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        look_ahead = mu(t + 1) * m / (1 - product * mu(t + 1)) + (1 - mu(t)) * g / (1 - product)
        p = p - lr * look_ahead / (np.sqrt(v / (1 - betas[1] ** t)) + eps)
    return p


def plain_radam(
    p,
    gradients,
    lr,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=0,
    decoupled_weight_decay=False,
    maximize=False,
):
    m = v = 0
    limit = 2 / (1 - betas[1]) - 1
    for t, gradient in enumerate(gradients, 1):
        p, g = decayed(p, gradient, lr, weight_decay, decoupled_weight_decay, maximize)
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        step = m / (1 - betas[0] ** t)
        rho = limit - 2 * t * betas[1] ** t / (1 - betas[1] ** t)
        if rho > 5:
            r = (rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho)
            step = step * np.sqrt(r * (1 - betas[1] ** t)) / (np.sqrt(v) + eps)
        p = p - lr * step
    return p


def plain_adamax(p, gradients, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, maximize=False):
    m = u = 0
    for t, gradient in enumerate(gradients, 1):
        g = (-gradient if maximize else gradient) + weight_decay * p
        m = betas[0] * m + (1 - betas[0]) * g
        u = np.maximum(betas[1] * u, abs(g) + eps)
        p = p - lr / (1 - betas[0] ** t) * m / u
    return p


def plain_adadelta(p, gradients, lr, rho=0.9, eps=1e-6, weight_decay=0, maximize=False):
    v = u = 0
    for gradient in gradients:
        g = (-gradient if maximize else gradient) + weight_decay * p
        v = rho * v + (1 - rho) * g**2
        d = np.sqrt(u + eps) / np.sqrt(v + eps) * g
        u = rho * u + (1 - rho) * d**2
        p = p - lr * d
    return p


def plain_rprop(p, gradients, lr, etas=(0.5, 1.2), step_sizes=(1e-6, 50), maximize=False):
    before, eta = np.zeros_like(p), np.full_like(p, lr)
    for gradient in gradients:
        g = -gradient if maximize else gradient
        turn = np.sign(g * before)
        eta = np.clip(eta * np.choose(turn.astype(int) + 1, [etas[0], 1, etas[1]]), *step_sizes)
        before = np.where(turn < 0, 0, g)
        p = p - eta * np.sign(before)
    return p


def plain_asgd(p, gradients, lr, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0, maximize=False):
    for t, gradient in enumerate(gradients, 1):
        eta = lr / (1 + lambd * lr * (t - 1)) ** alpha
        g = (-gradient if maximize else gradient) + weight_decay * p
        p = (1 - lambd * eta) * p - eta * g
    return p


def plain_adafactor(
    p, gradients, lr, beta2_decay=-0.8, eps=(None, 1e-3), d=1.0, weight_decay=0, maximize=False
):
    def rms(x):
        return np.sqrt(np.mean(x**2))

    small = np.finfo(p.dtype).eps if eps[0] is None else eps[0]
    rows = columns = v = 0
    for t, gradient in enumerate(gradients, 1):
        g = -gradient if maximize else gradient
        beta = 1 - t**beta2_decay
        alpha = max(eps[1], rms(p)) * min(lr, 1 / np.sqrt(t))
        p = p - lr * weight_decay * p
        if p.ndim > 1:
            rows = beta * rows + (1 - beta) * np.mean(g**2, -1, keepdims=True)
            columns = beta * columns + (1 - beta) * np.mean(g**2, -2, keepdims=True)
            v = rows * columns / np.maximum(np.mean(rows, -2, keepdims=True), small)
        else:
            v = beta * v + (1 - beta) * g**2
        u = g / np.sqrt(np.maximum(v, small**2))
        p = p - alpha * u / max(1, rms(u) / d)
    return p


PLAIN = {
    optim.SGD: plain_sgd,
    optim.Momentum: plain_momentum,
    optim.Adagrad: plain_adagrad,
    optim.RMSprop: plain_rmsprop,
    optim.Adam: plain_adam,
    optim.AdamW: plain_adamw,
    optim.NAdam: plain_nadam,
    optim.RAdam: plain_radam,
    optim.Adamax: plain_adamax,
    optim.Adadelta: plain_adadelta,
    optim.Rprop: plain_rprop,
    optim.ASGD: plain_asgd,
    optim.Adafactor: plain_adafactor,
}

#: All optimizers of the package.
EVERY = [
    value
    for name in optim.__all__
    if isinstance(value := getattr(optim, name), type)
    and value is not optim.Optimizer
    and name == value.__name__  # not the other spelling of Adagrad
]
#: Those that update each parameter on its own; LBFGS asks for a closure.
OPTIMIZERS = [cls for cls in EVERY if cls is not optim.LBFGS]

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
    optim.AdamW: [{"betas": (0.5, 0.9), "eps": 0.1}, {"amsgrad": True}],
    optim.NAdam: [
        {"betas": (0.5, 0.9), "eps": 0.1, "momentum_decay": 0.1},
        {"weight_decay": 0.1, "decoupled_weight_decay": True},
    ],
    optim.RAdam: [
        {"betas": (0.5, 0.9), "eps": 0.1},
        {"betas": (0.9, 0.5)},  # v is never certain enough
        {"weight_decay": 0.1, "decoupled_weight_decay": True},
    ],
    optim.Adamax: [{"betas": (0.5, 0.9), "eps": 0.1}],
    optim.Adadelta: [{"rho": 0.5, "eps": 0.1}, {"lr": 1.0}],
    optim.Rprop: [{"etas": (0.3, 1.5)}, {"step_sizes": (0.04, 0.06)}],
    optim.ASGD: [{"lambd": 0.1, "alpha": 0.5}],
    optim.Adafactor: [{"beta2_decay": -0.3, "eps": (1e-3, 0.1), "d": 2.0}],
}


def takes(cls, option):
    """Whether an optimizer has this option."""
    return option in cls([tg.ones(1, requires_grad=True)]).defaults


COMMON = [{}, {"weight_decay": 0.1}, {"maximize": True}, {"weight_decay": 0.1, "maximize": True}]
ROWS = [
    (cls, {"lr": 0.05, **options})
    for cls in OPTIMIZERS
    for options in COMMON + SETTINGS[cls]
    if all(takes(cls, name) for name in options)
]
IDS = [f"{cls.__name__}-{'-'.join(list(options)[1:]) or 'plain'}" for cls, options in ROWS]


def gradients(shape, steps=6, seed=0, dtype=np.float64):
    """Gradients that grow, then shrink: amsgrad differs from Adam only when they get smaller."""
    rng = np.random.default_rng(seed)
    scales = [1, 2, 3, 0.5, 0.1, 0.01, 1, 1]
    return [
        (rng.normal(size=shape) * scales[step % len(scales)]).astype(dtype) for step in range(steps)
    ]


def follow(p, optimizer, steps):
    """One step of the optimizer for each of these gradients."""
    for g in steps:
        p.grad = tg.from_numpy(np.array(g))
        optimizer.step()


# For schedules.


def optimizer_with(*rates, cls=optim.SGD, **options):
    """An optimizer with one group for each learning rate."""
    groups = [{"params": [tg.ones(1, requires_grad=True)], "lr": rate} for rate in rates or (0.5,)]
    return cls(groups, **options)


def rates_of(optimizer):
    return [group["lr"] for group in optimizer.param_groups]


def go(optimizer, *schedulers, epochs=1):
    """Train for so many epochs; the learning rates of each, and those that are next."""
    seen = [rates_of(optimizer)]
    for _ in range(epochs):
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
        seen.append(rates_of(optimizer))
    return seen


def triangle(t, up, down):
    """The number of the cycle, 1, 2, ..., and the height in it."""
    cycle, t = divmod(t, up + down)
    return cycle + 1, t / up if t <= up else (up + down - t) / down


def one_cycle(t, points):
    """The value at t on half cosines through the points (t, value)."""
    for (t0, a), (t1, b) in pairwise(points):
        if t <= t1:
            return b + (a - b) * (1 + cos(pi * (t - t0) / (t1 - t0))) / 2
    raise AssertionError
