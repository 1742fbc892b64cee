"""A network of two layers learns to read handwritten digits.

Written for PyTorch; only the import lines differ.
"""

from __future__ import annotations

from digits import digits

import tinygrad_edu as torch
import tinygrad_edu.nn as nn
import tinygrad_edu.optim as optim
from tinygrad_edu.utils.data import DataLoader, TensorDataset


def build() -> nn.Module:
    """64 pixels, 32 hidden units, 10 classes."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(64, 32),
        nn.ReLU(),
        nn.Dropout(0.0),
        nn.Linear(32, 10),
    )


def train(model: nn.Module, steps: int = 20) -> list[float]:
    """The loss of each step of Adam."""
    images, labels = digits()
    loader = DataLoader(TensorDataset(torch.tensor(images), torch.tensor(labels)), batch_size=64)
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=0.01, weight_decay=1e-4)
    losses: list[float] = []
    model.train()
    while len(losses) < steps:
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if len(losses) == steps:
                break
    return losses


def main() -> None:
    """Train, and count what is read rightly."""
    torch.manual_seed(0)
    model = build()
    losses = train(model, steps=300)
    images, labels = digits()
    model.eval()
    with torch.no_grad():
        correct = (model(torch.tensor(images)).argmax(dim=1) == torch.tensor(labels)).float().mean()
    print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}, {correct.item():.1%} of the digits are read")


if __name__ == "__main__":
    main()
