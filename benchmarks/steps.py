"""The training steps that are measured: one source for both frameworks, since the names are the
same.

Run as a program it is a worker: it builds one step and runs as many as each line of standard input
says, answering with the seconds they took and the bytes by which the process's memory has grown at
its peak since the data and the model were made.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable
from typing import Any

Step = Callable[[], Any]


def training_step(
    torch: Any, model: Any, optimizer: Any, batch: int, shape: tuple[int, ...] = (784,)
) -> Step:
    """Forward, backward and update on images of noise."""
    functional = importlib.import_module(f"{torch.__name__}.nn.functional")
    images = torch.rand(batch, *shape)
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


def convolutions(torch: Any, layers: list[Any], hidden: list[int], form: str = "layers") -> Step:
    """A network of convolutions and max-pooling ("pool"), then linear layers; batch 100, Adam.

    A convolution is (channels before, channels after, size of the kernel, padding). Its `form` is
    the framework's "layers"; "recorded", the definition by im2col as operations on tensors; or
    "textbook", a network in NumPy alone.
    """
    if form == "textbook":
        return importlib.import_module("textbook").training_step(layers, hidden)  # type: ignore[no-any-return]
    nn = importlib.import_module(f"{torch.__name__}.nn")
    modules = []
    for layer in layers:
        if layer == "pool":
            modules.append(nn.MaxPool2d(2))
        else:
            before, after, kernel, padding = layer
            kind = nn.Conv2d if form == "layers" else recorded_convolution(torch)
            modules += [kind(before, after, kernel, padding=padding), nn.ReLU()]
    model = nn.Sequential(*modules, nn.Flatten(), mlp(torch, hidden, "ReLU"))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    return training_step(torch, model, optimizer, 100, (1, 28, 28))


def conv_net(torch: Any, form: str = "layers") -> Step:
    """conv 30@5x5, max-pool 2, 100, 10, ReLU, batch 100, Adam"""
    return convolutions(torch, [(1, 30, 5, 0), "pool"], [30 * 12 * 12, 100, 10], form)


def lenet(torch: Any, form: str = "layers") -> Step:
    """LeNet-5: conv 6@5x5, pool, conv 16@5x5, pool, 120, 84, 10, ReLU, batch 100, Adam"""
    layers = [(1, 6, 5, 2), "pool", (6, 16, 5, 0), "pool"]
    return convolutions(torch, layers, [16 * 5 * 5, 120, 84, 10], form)


def deep_conv_net(torch: Any, form: str = "layers") -> Step:
    """six convolutions 3x3 (16, 16, pool, 32, 32, pool, 64, 64, pool), 50, 10, batch 100, Adam"""
    layers = [
        *[(1, 16, 3, 1), (16, 16, 3, 1), "pool"],
        *[(16, 32, 3, 1), (32, 32, 3, 2), "pool"],
        *[(32, 64, 3, 1), (64, 64, 3, 1), "pool"],
    ]
    return convolutions(torch, layers, [64 * 4 * 4, 50, 10], form)


def recorded_convolution(torch: Any) -> Any:
    """A Conv2d that is the definition by im2col: index arrays take every window of the images as a
    column, a product of matrices does the rest.
    """
    nn = importlib.import_module(f"{torch.__name__}.nn")

    class RecordedConv2d(nn.Conv2d):  # type: ignore[misc,name-defined]
        def forward(self, x: Any) -> Any:
            (kernel, _), padding = self.kernel_size, self.padding[0]
            x = nn.functional.pad(x, (padding, padding, padding, padding))
            high, wide = (side - kernel + 1 for side in x.shape[2:])
            channel, i, j = torch.meshgrid(
                *(torch.arange(n) for n in (x.shape[1], kernel, kernel)), indexing="ij"
            )
            row = i.reshape(-1, 1) + torch.arange(high).repeat_interleave(wide)
            column = j.reshape(-1, 1) + torch.arange(wide).repeat(high)
            columns = x[:, channel.reshape(-1, 1), row, column]
            out = self.weight.flatten(1) @ columns + self.bias.reshape(-1, 1)
            return out.reshape(len(x), -1, high, wide)

    return RecordedConv2d


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
    "conv-net": conv_net,
    "lenet": lenet,
    "deep-conv-net": deep_conv_net,
}


def resident(name: str) -> int:
    """Bytes of this process in memory: "VmRSS" now, "VmHWM" at the peak. Linux; 0 elsewhere."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith(name))
    except OSError:
        return 0


#: Those that have other forms.
CONVOLUTIONS: dict[str, Callable[..., Step]] = {
    "conv-net": conv_net,
    "lenet": lenet,
    "deep-conv-net": deep_conv_net,
}


def forget_peak() -> None:
    """Let the peak of the memory begin anew: importing may have taken more than a step does."""
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    except OSError:
        pass


def main() -> None:
    """Worker: framework, step and number of threads as arguments."""
    framework, name, threads = sys.argv[1:]
    torch = importlib.import_module(framework)
    importlib.import_module(f"{framework}.optim")
    torch.manual_seed(0)
    if framework == "torch":
        torch.set_num_threads(int(threads))
    name, _, form = name.partition(":")
    step = CONVOLUTIONS[name](torch, form) if form else STEPS[name](torch)
    forget_peak()
    before = resident("VmRSS")
    for line in sys.stdin:
        count = int(line)
        start = time.perf_counter()
        for _ in range(count):
            step()
        print(time.perf_counter() - start, resident("VmHWM") - before, flush=True)


if __name__ == "__main__":
    main()
