"""Trainings that a monitor looks at, for its tests."""

import numpy as np

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
import tinygrad_edu.optim as optim
from tinygrad_edu.viz import Monitor


def mlp(activation=nn.ReLU):
    return nn.Sequential(nn.Linear(6, 8), activation(), nn.Linear(8, 3))


def batches(steps, size=50, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        yield (
            tg.tensor(rng.standard_normal((size, 6)), dtype=tg.float32),
            tg.tensor(rng.integers(0, 3, size)),
        )


def train(model, steps=12, lr=0.1, *, optimizer=None, data=None, **options):
    """A monitor that has seen a training."""
    optimizer = optimizer or optim.SGD(model.parameters(), lr=lr)
    with Monitor(model, optimizer=optimizer, **options) as monitor:
        for x, y in data or batches(steps):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    return monitor


def train_digits(model, digits, optimizer, steps=100, shape=(-1, 64), size=100):
    rng = np.random.default_rng(0)
    pairs = (digits.batch(rng, size) for _ in range(steps))
    return train(model, optimizer=optimizer, data=((x.reshape(shape), y) for x, y in pairs))


class Functional(nn.Module):
    """Activations without modules of their own."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(6, 8)
        self.fc2 = nn.Linear(8, 4)
        self.fc3 = nn.Linear(4, 3)

    def forward(self, x):
        x = F.relu(self.fc1(x)).reshape(len(x), 4, 2).flatten(1)
        return F.log_softmax(self.fc3(tg.sigmoid(self.fc2(x))), -1)
