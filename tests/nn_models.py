"""Small models that the tests of modules share."""

import tinygrad_edu as tg
from tinygrad_edu import nn


class Norm(nn.Module):
    """A parameter and three buffers: kept, transient and switched off."""

    def __init__(self, size=2):
        super().__init__()
        self.weight = nn.Parameter(tg.ones(size))
        self.register_buffer("mean", tg.zeros(size))
        self.register_buffer("cache", tg.zeros(size), persistent=False)
        self.register_buffer("off", None)
        self.register_buffer("count", tg.tensor(0))

    def forward(self, x):
        return (x - self.mean) * self.weight


class Net(nn.Module):
    """A layer, a normalization and a Sequential."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 3)
        self.norm = Norm(3)
        self.last = nn.Sequential(nn.Tanh(), nn.Linear(3, 1))

    def forward(self, x):
        return self.last(self.norm(self.first(x)))


def names(pairs):
    """The first members of pairs, as of named_parameters()."""
    return [name for name, _ in pairs]
