"""How far the numbers of three course experiments scatter: PyTorch, trained with many seeds.

    python benchmarks/course_ranges.py                  16 seeds of each, some minutes
    python benchmarks/course_ranges.py dropout -n 3     three seeds of one

A range over a few seeds is narrower than what the next seeds give. Here the networks of the
experiments `optimizers`, `weight-decay` and `dropout` are trained by PyTorch, an implementation
that has nothing in common with this one, and the lowest, mean and highest of each number are
printed. Needs MNIST (`tinygrad_edu.datasets` finds or downloads it) and PyTorch.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import nn

from tinygrad_edu.course.data import images

Numbers = dict[str, float]


def network(hidden: int, dropout: float = 0.0) -> nn.Sequential:
    """784-100×hidden-10 with ReLU, He's weights and biases of zero."""
    layers: list[nn.Module] = []
    width = 784
    for _ in range(hidden):
        layers += [nn.Linear(width, 100), nn.ReLU(), nn.Dropout(dropout)]
        width = 100
    layers.append(nn.Linear(width, 10))
    for layer in layers:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=math.sqrt(2 / layer.in_features))
            nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers)


def accuracy(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    """The share of images that the model reads rightly."""
    model.eval()
    with torch.no_grad():
        right = (model(x).argmax(1) == y).float().mean().item()
    model.train()
    return right


class Mnist:
    """The images as PyTorch's tensors."""

    def __init__(self) -> None:
        data = images("mnist")
        self.x, self.y, self.test_x, self.test_y = (
            torch.from_numpy(part.array) for part in (data.x, data.y, data.test_x, data.test_y)
        )


def epochs(count: int) -> Iterator[torch.Tensor]:
    """Batches of 100 of the first 300 images, each image once in an epoch."""
    for _ in range(count):
        yield from torch.randperm(300).split(100)


def overfitting(data: Mnist, count: int, decay: float, dropout: float) -> Numbers:
    """784-100×6-10 on 300 images, SGD with lr 0.01, batch 100, so many epochs."""
    model = network(6, dropout)
    weights = [layer.weight for layer in model if isinstance(layer, nn.Linear)]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for chosen in epochs(count):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(data.x[chosen]), data.y[chosen])
        if decay:
            loss = loss + decay / 2 * sum((w**2).sum() for w in weights)
        loss.backward()
        optimizer.step()
    return {
        "train": accuracy(model, data.x[:300], data.y[:300]),
        "test": accuracy(model, data.test_x, data.test_y),
    }


def optimizers(data: Mnist) -> Numbers:
    """784-100×4-10, batch 128, 2000 iterations: the mean of the last hundred losses."""
    rules: dict[str, Callable[..., torch.optim.Optimizer]] = {
        "SGD": lambda p: torch.optim.SGD(p, lr=0.01),
        "Momentum": lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9),
        "AdaGrad": lambda p: torch.optim.Adagrad(p, lr=0.01),
        "RMSprop": lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.99),
        "Adam": lambda p: torch.optim.Adam(p, lr=0.001),
    }
    found = {}
    for name, rule in rules.items():
        model = network(4)
        optimizer = rule(model.parameters())
        losses = []
        for _ in range(2000):
            chosen = torch.randint(len(data.x), (128,))
            optimizer.zero_grad()
            loss = F.cross_entropy(model(data.x[chosen]), data.y[chosen])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        found[name] = sum(losses[-100:]) / 100
    return found


EXPERIMENTS: dict[str, Callable[[Mnist], Numbers]] = {
    "optimizers": optimizers,
    "weight-decay": lambda data: overfitting(data, 201, decay=0.1, dropout=0.0),
    "dropout": lambda data: overfitting(data, 301, decay=0.0, dropout=0.2),
}


def main() -> None:
    """Train, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(EXPERIMENTS)}")
    parser.add_argument("-n", "--seeds", type=int, default=16, metavar="N", help="default: 16")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(EXPERIMENTS):
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(EXPERIMENTS)}")
    if arguments.seeds < 1:
        parser.error("a range needs a seed or more")
    torch.set_num_threads(1)
    data = Mnist()
    print(f"{'experiment':<14} {'number':<10} {'lowest':>8} {'mean':>8} {'highest':>8}")
    for name in arguments.names or EXPERIMENTS:
        runs = []
        for seed in range(arguments.seeds):
            torch.manual_seed(seed)
            runs.append(EXPERIMENTS[name](data))
        for number in runs[0]:
            values = [run[number] for run in runs]
            mean = sum(values) / len(values)
            print(f"{name:<14} {number:<10} {min(values):8.4f} {mean:8.4f} {max(values):8.4f}")


if __name__ == "__main__":
    main()
