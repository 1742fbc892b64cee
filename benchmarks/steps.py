"""The training steps that are measured: one source for both frameworks, since the names are the
same.

Run as a program it is a worker: it builds one step and runs as many as each line of standard input
says, answering with the seconds they took.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable
from typing import Any

Step = Callable[[], Any]


def training_step(torch: Any, model: Any, optimizer: Any, batch: int) -> Step:
    """Forward, backward and update on images of noise."""
    functional = importlib.import_module(f"{torch.__name__}.nn.functional")
    images = torch.rand(batch, 784)
    labels = torch.randint(0, 10, (batch,))

    def step() -> None:
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()

    return step


def mlp(torch: Any, sizes: list[int], activation: str, batch_norm: bool = False) -> Any:
    """Linear layers with an activation between them."""
    nn = importlib.import_module(f"{torch.__name__}.nn")
    layers = []
    for i in range(len(sizes) - 1):
        layers.append(nn.Linear(sizes[i], sizes[i + 1]))
        if i < len(sizes) - 2:
            if batch_norm:
                layers.append(nn.BatchNorm1d(sizes[i + 1]))
            layers.append(getattr(nn, activation)())
    return nn.Sequential(*layers)


def mlp_adam(torch: Any) -> Step:
    """784-100x4-10 ReLU, batch 128, Adam"""
    model = mlp(torch, [784, 100, 100, 100, 100, 10], "ReLU")
    return training_step(torch, model, torch.optim.Adam(model.parameters(), lr=0.001), 128)


def mlp_sgd(torch: Any) -> Step:
    """784-100x4-10 ReLU, batch 128, SGD"""
    model = mlp(torch, [784, 100, 100, 100, 100, 10], "ReLU")
    return training_step(torch, model, torch.optim.SGD(model.parameters(), lr=0.01), 128)


def sigmoid_sgd(torch: Any) -> Step:
    """784-40-20-10 sigmoid, batch 100, SGD"""
    model = mlp(torch, [784, 40, 20, 10], "Sigmoid")
    return training_step(torch, model, torch.optim.SGD(model.parameters(), lr=0.1), 100)


def batch_norm_sgd(torch: Any) -> Step:
    """784-100x5-10 ReLU with batch norm, batch 100, SGD"""
    model = mlp(torch, [784, 100, 100, 100, 100, 100, 10], "ReLU", batch_norm=True)
    return training_step(torch, model, torch.optim.SGD(model.parameters(), lr=0.01), 100)


def scalar_chain(torch: Any) -> Step:
    """a chain of 1,000 scalar operations, forward and backward"""

    def step() -> None:
        x = torch.tensor(1.0, requires_grad=True)
        y = x
        for _ in range(500):
            y = y * 0.999
            y = y + 0.001
        y.backward()

    return step


STEPS: dict[str, Callable[[Any], Step]] = {
    "mlp-adam": mlp_adam,
    "mlp-sgd": mlp_sgd,
    "sigmoid-sgd": sigmoid_sgd,
    "batch-norm": batch_norm_sgd,
    "scalar-chain": scalar_chain,
}


def main() -> None:
    """Worker: framework, step and number of threads as arguments."""
    framework, name, threads = sys.argv[1:]
    torch = importlib.import_module(framework)
    importlib.import_module(f"{framework}.optim")
    torch.manual_seed(0)
    if framework == "torch":
        torch.set_num_threads(int(threads))
    step = STEPS[name](torch)
    for line in sys.stdin:
        count = int(line)
        start = time.perf_counter()
        for _ in range(count):
            step()
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
