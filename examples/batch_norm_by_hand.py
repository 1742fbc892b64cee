"""Batch normalisation written with tensor operations, beside the layer.

Written for PyTorch; only the import lines differ.
"""

from __future__ import annotations

from digits import digits

import tinygrad_edu as torch
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F


class BatchNormByHand(nn.Module):
    """Mean 0 and variance 1 for each feature of the batch, then a scale and a shift."""

    def __init__(self, features: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(1, features))
        self.beta = nn.Parameter(torch.zeros(1, features))
        self.register_buffer("moving_mean", torch.zeros(1, features))
        self.register_buffer("moving_var", torch.ones(1, features))
        self.eps, self.momentum = eps, momentum

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, D) to (N, D)."""
        if self.training:
            mean = x.mean(dim=0, keepdim=True)
            var = ((x - mean) ** 2).mean(dim=0, keepdim=True)
            with torch.no_grad():
                n = x.shape[0]
                self.moving_mean.mul_(1 - self.momentum).add_(mean, alpha=self.momentum)
                self.moving_var += self.momentum * (var * n / (n - 1) - self.moving_var)
        else:
            mean, var = self.moving_mean, self.moving_var
        return self.gamma * ((x - mean) / torch.sqrt(var + self.eps)) + self.beta


def build() -> nn.Module:
    """By hand in the first layer, the library's in the second."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(64, 32),
        BatchNormByHand(32),
        nn.Sigmoid(),
        nn.Linear(32, 16),
        nn.BatchNorm1d(16),
        nn.Sigmoid(),
        nn.Linear(16, 10),
    )


def train(model: nn.Module, steps: int = 20) -> list[float]:
    """The loss of each step of gradient descent, which is written out as well."""
    images, labels = digits()
    losses = []
    model.train()
    for step in range(steps):
        chosen = slice(step * 64 % 1792, step * 64 % 1792 + 64)
        loss = F.cross_entropy(model(torch.tensor(images[chosen])), torch.tensor(labels[chosen]))
        loss.backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= 0.5 * parameter.grad  # noqa: PLW2901 - in place
                parameter.grad.zero_()
        losses.append(loss.item())
    return losses


def main() -> None:
    """Train, and show the moving averages of both kinds."""
    torch.manual_seed(0)
    model = build()
    losses = train(model, steps=200)
    print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
    print("moving mean by hand:", model[2].moving_mean[0, :4])
    print("running mean of the layer:", model[5].running_mean[:4])


if __name__ == "__main__":
    main()
