"""One network sees two digits and learns whether they are the same (contrastive loss).

Written for PyTorch; only the import lines differ.
"""

from __future__ import annotations

import numpy as np
from digits import digits

import tinygrad_edu as torch
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
import tinygrad_edu.optim as optim


class Siamese(nn.Module):
    """The distance of two images after the same network."""

    def __init__(self) -> None:
        super().__init__()
        self.cnn = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.AvgPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
        )
        self.fc = nn.Linear(64, 8)

    def forward_once(self, x: torch.Tensor) -> torch.Tensor:
        """The code (N, 8) of images."""
        return self.fc(self.cnn(x).view(x.size(0), -1))

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Distances (N,)."""
        return F.pairwise_distance(self.forward_once(first), self.forward_once(second))


def contrastive_loss(
    distance: torch.Tensor, same: torch.Tensor, margin: float = 2.0
) -> torch.Tensor:
    """Near for the same digit, at least `margin` apart for others."""
    apart = torch.clamp(margin - distance, min=0.0)
    return torch.mean(same * distance**2 + (1 - same) * apart**2)


def build() -> nn.Module:
    """The network."""
    return Siamese()


def pairs(rng: np.random.Generator, count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Two batches of images, and 1 where they show the same digit; about half of them do."""
    images, labels = digits()
    first = rng.integers(0, len(labels), count)
    second = rng.integers(0, len(labels), count)
    for i in range(0, count, 2):
        second[i] = rng.choice(np.flatnonzero(labels == labels[first[i]]))
    same = (labels[first] == labels[second]).astype(images.dtype)
    return torch.tensor(images[first]), torch.tensor(images[second]), torch.tensor(same)


def train(model: nn.Module, steps: int = 20) -> list[float]:
    """The loss of each step."""
    rng = np.random.default_rng(0)
    optimizer = optim.Adagrad(model.parameters(), lr=0.02)
    losses = []
    for _ in range(steps):
        first, second, same = pairs(rng, 32)
        loss = contrastive_loss(model(first, second), same)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def main() -> None:
    """Train, and compare distances."""
    torch.manual_seed(0)
    model = build()
    losses = train(model, steps=300)
    print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
    model.eval()
    with torch.no_grad():
        first, second, same = pairs(np.random.default_rng(1), 200)
        distance = model(first, second)
    near, far = distance[same == 1].mean(), distance[same == 0].mean()
    print(f"mean distance: the same digit {near.item():.2f}, different ones {far.item():.2f}")


if __name__ == "__main__":
    main()
