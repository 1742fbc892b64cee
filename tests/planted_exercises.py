"""Exercises with right and wrong solutions: the mistakes that learners make, by their cause."""

import numpy as np

import tinygrad_edu as tg
import tinygrad_edu.nn.functional as F
from tinygrad_edu.course.wrong_sigmoid import WrongSigmoid
from tinygrad_edu.testing import Exercise


def exercise(forward, backward=None, name="Planted"):
    """An Exercise of these two functions."""
    body = {"forward": staticmethod(forward)}
    if backward is not None:
        body["backward"] = staticmethod(backward)
    return type(name, (Exercise,), body)


def saving(compute):
    """A forward that saves its inputs."""

    def forward(ctx, *inputs):
        ctx.save_for_backward(*inputs)
        return compute(*inputs)

    return forward


def of_one(compute, rule):
    """An Exercise of x, its backward `rule(grad, x)`."""

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return compute(x)

    return exercise(forward, lambda ctx, grad: rule(grad, *ctx.saved_tensors))


def of_two(compute, rule):
    """An Exercise of x and y."""

    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return compute(x, y)

    return exercise(forward, lambda ctx, grad: rule(grad, *ctx.saved_tensors))


def of_three(compute, rule):
    """An Exercise of x, w and b."""

    def forward(ctx, x, w, b):
        ctx.save_for_backward(x, w, b)
        return compute(x, w, b)

    return exercise(forward, lambda ctx, grad: rule(grad, *ctx.saved_tensors))


def from_output(compute, rule):
    """An Exercise that saves its result: its backward is `rule(grad, y)`."""

    def forward(ctx, x):
        y = compute(x)
        ctx.save_for_backward(y)
        return y

    return exercise(forward, lambda ctx, grad: rule(grad, *ctx.saved_tensors))


def linear(x, w, b):
    return x @ w.T + b


def linear_rule(grad, x, w, b):
    return grad @ w, grad.T @ x, grad.sum(dim=0)


def softmax_rule(grad, s):
    return s * (grad - (grad * s).sum(dim=1, keepdim=True))


def matmul_rule(grad, x, y):
    return grad @ y.T, x.T @ grad


def layer_norm_rule(grad, x):
    mean = x.mean(dim=1, keepdim=True)
    deviation = ((x - mean).square().mean(dim=1, keepdim=True) + 1e-5).sqrt()
    y = (x - mean) / deviation
    centred = grad - grad.mean(dim=1, keepdim=True)
    return (centred - y * (grad * y).mean(dim=1, keepdim=True)) / deviation


def max_rule(grad, x):
    chosen = x == x.amax(dim=1, keepdim=True)
    return grad.unsqueeze(1) * chosen / chosen.sum(dim=1, keepdim=True)


def softmax(x):
    return tg.softmax(x, 1)


RIGHT = {
    "mul": (of_two(tg.mul, lambda g, x, y: (g * y, g * x)), tg.mul),
    "matmul": (of_two(tg.matmul, matmul_rule), tg.matmul),
    "linear": (of_three(linear, linear_rule), F.linear),
    "softmax": (from_output(softmax, softmax_rule), softmax),
    "mean": (of_one(tg.mean, lambda g, x: g / x.numel() * tg.ones_like(x)), np.mean),
    "max": (of_one(lambda x: x.amax(dim=1), max_rule), lambda x: np.max(x, axis=1)),
    "relu": (of_one(tg.relu, lambda g, x: g * (x > 0)), lambda x: np.maximum(x, 0)),
    "log": (of_one(tg.log, lambda g, x: g / x), np.log),
    "sigmoid": (from_output(tg.sigmoid, lambda g, y: g * y * (1 - y)), tg.sigmoid),
    "sum": (of_one(tg.sum, lambda g, x: g.expand(x.shape)), np.sum),
    "layer norm": (
        of_one(lambda x: F.layer_norm(x, x.shape[1:]), layer_norm_rule),
        lambda x: F.layer_norm(x, x.shape[1:]),
    ),
    "affine": (
        of_three(lambda x, w, b: x * w + b, lambda g, x, w, b: (g * w, (g * x).sum(0), g.sum(0))),
        lambda x, w, b: x * w + b,
    ),
    "fused multiply-add": (
        of_three(lambda x, w, b: x * w + b, lambda g, x, w, b: (g * w, g * x, g)),
        lambda x, w, b: x * w + b,
    ),
    "inverse": (
        from_output(tg.linalg.inv, lambda g, y: -y.T @ g @ y.T),
        tg.linalg.inv,
    ),
}


# Rules with a mistake: the cause, the input whose gradient is wrong, and the exercise.
WRONG = [
    ("sign", 0, of_one(tg.exp, lambda g, x: -g * x.exp())),
    ("sign", 1, of_two(tg.sub, lambda g, x, y: (g, g))),
    ("factor", 0, of_one(tg.square, lambda g, x: g * x)),
    ("factor", 0, of_one(lambda x: x * x * x, lambda g, x: g * x * x)),
    ("factor", 0, of_one(lambda x: 0.5 * x * x, lambda g, x: 2 * g * x)),
    ("size", 0, of_one(tg.mean, lambda g, x: g * tg.ones_like(x))),
    ("size", 0, of_one(tg.sum, lambda g, x: g / x.shape[0] * tg.ones_like(x))),
    ("size", 2, of_three(linear, lambda g, x, w, b: (g @ w, g.T @ x, g.mean(dim=0)))),
    ("size", 1, of_three(linear, lambda g, x, w, b: (g @ w, g.T @ x / len(x), g.sum(dim=0)))),
    ("transposed", 1, of_three(linear, lambda g, x, w, b: (g @ w, x.T @ g, g.sum(dim=0)))),
    ("transposed", 0, from_output(tg.linalg.inv, lambda g, y: -(y.T @ g @ y.T).T)),
    ("sum", 2, of_three(linear, lambda g, x, w, b: (g @ w, g.T @ x, g))),
    ("expand", 0, of_one(tg.mean, lambda g, x: g / x.numel())),
    ("expand", 0, of_one(lambda x: x.sum(dim=1), lambda g, x: g.unsqueeze(1))),
    (
        "reshape",
        2,
        of_three(linear, lambda g, x, w, b: (g @ w, g.T @ x, g.sum(dim=0, keepdim=True))),
    ),
    ("upstream", 0, of_one(tg.tanh, lambda g, x: 1 - x.tanh() ** 2)),
    ("upstream", 1, of_two(tg.mul, lambda g, x, y: (g * y, x))),
    ("upstream", 0, of_two(tg.matmul, lambda g, x, y: (y.T, x.T @ g))),
    ("at_output", 0, exercise(WrongSigmoid.forward, WrongSigmoid.backward)),
    ("at_output", 0, from_output(tg.tanh, lambda g, y: g * (1 - y.tanh() ** 2))),
    ("at_input", 0, of_one(tg.sigmoid, lambda g, x: g * x * (1 - x))),
    ("at_input", 0, of_one(tg.exp, lambda g, x: g * x)),
    ("diagonal", 0, from_output(softmax, lambda g, s: g * s * (1 - s))),
    ("none", 0, of_one(tg.exp, lambda g, x: None)),
    ("none", 1, of_two(tg.mul, lambda g, x, y: (g * y, None))),
    ("missing", 1, of_two(tg.mul, lambda g, x, y: g * y)),
    ("swapped", 0, of_two(tg.mul, lambda g, x, y: (g * x, g * y))),
    ("swapped", 1, of_two(tg.mul, lambda g, x, y: (g * x, g * y))),
    ("swapped", 0, of_three(linear, lambda g, x, w, b: (g.T @ x, g @ w, g.sum(dim=0)))),
    ("zero", 0, of_one(tg.exp, lambda g, x: tg.zeros_like(x))),
    ("independent", 1, of_two(lambda x, y: x * tg.ones_like(y), lambda g, x, y: (g, g))),
    ("not_finite", 0, of_one(tg.exp, lambda g, x: g / tg.zeros_like(x))),
    ("not_a_tensor", 0, of_one(tg.exp, lambda g, x: np.exp(x.numpy()) * g.numpy())),
    ("not_a_tensor", 0, of_one(tg.sum, lambda g, x: 1.0)),
    ("not_a_tensor", 0, of_one(tg.exp, lambda g, x: "text")),
]
