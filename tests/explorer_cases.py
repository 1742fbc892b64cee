"""Computations for the tests of the backprop explorer, and how its page is read."""

import json
import re
from pathlib import Path

import numpy as np

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
from tinygrad_edu.viz import keep_values


def read(path):
    """The data in a page, as the page's script reads it."""
    text = Path(path).read_text(encoding="utf-8")
    (inside,) = re.findall(r'<script type="application/json" id="data">(.*?)</script', text, re.S)
    return json.loads(inside)


def named(data, name):
    """The only node with this name."""
    (node,) = (node for node in data["nodes"] if node["name"] == name)
    return node


def array(data, place):
    """A value that is shown in full."""
    value = data["values"][place]
    numbers = [float(x) if isinstance(x, str) else x for x in value["numbers"]]
    return np.array(numbers, value["dtype"]).reshape(value["shape"])


def mlp():
    """A loss, its model, and what it was computed from."""
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    x, y = tg.randn(5, 3), tg.tensor([0, 1, 1, 0, 1])
    with keep_values():
        loss = F.cross_entropy(model(x), y)
    return loss, model, {"x": x, "labels": y}


class Doubling(tg.autograd.Function):
    """2x, by a user's rule."""

    calls = 0

    @staticmethod
    def forward(ctx, x, factor):
        ctx.save_for_backward(x)
        ctx.factor = factor
        return x * factor

    @staticmethod
    def backward(ctx, grad):
        Doubling.calls += 1
        return grad * ctx.factor, None


def leaves(*shapes):
    return [tg.randn(*shape).requires_grad_() for shape in shapes]


def tied_weights():
    (w,) = leaves((3, 3))
    return ((tg.ones(2, 3) @ w).tanh() @ w.T).square().mean(), [w]


def lstm_step():
    cell, head = nn.LSTMCell(3, 4), nn.Linear(4, 2)
    state = None
    for x in tg.randn(3, 2, 3):
        state = cell(x, state)
    return F.mse_loss(head(state[0]), tg.ones(2, 2)), [*cell.parameters(), *head.parameters()]


def broadcast():
    x, row, column = leaves((3, 4), (4,), (3, 1))
    return ((x + row) * column / 2).sum(), [x, row, column]


def several_results():
    (x,) = leaves((4, 3))
    first, _, third, _ = x.unbind()
    low, high = (first * third).split([1, 2])
    return (low.sum() * high).sum(), [x]


def users_function():
    x, y = leaves((3,), (3,))
    return (Doubling.apply(x * y, 2.0) * x).sum(), [x, y]


def in_place():
    x, y = leaves((4,), (2,))
    z = x * 1
    z.mul_(z)
    z[1:3] = y * 3
    z[0] += 5
    return z.square().sum(), [x, y]


def attention():
    layer = nn.MultiheadAttention(4, 2, batch_first=True)
    x = tg.randn(2, 3, 4).requires_grad_()
    return layer(x, x, x)[0].sum(), [x, *layer.parameters()]


def frozen_batch_norm():
    layer = nn.BatchNorm1d(3)
    layer.weight.requires_grad_(False)
    return layer(tg.randn(4, 3)).square().mean(), [layer.bias]


COMPUTATIONS = [
    tied_weights,
    lstm_step,
    broadcast,
    several_results,
    users_function,
    in_place,
    attention,
    frozen_batch_norm,
]
