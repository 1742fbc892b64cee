"""LeNet-5, with ReLU and max-pooling, on handwritten digits enlarged to 28x28.

Written for PyTorch; only the import lines differ.
"""

from __future__ import annotations

from digits import digits

import tinygrad_edu as torch
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
import tinygrad_edu.optim as optim


class LeNet(nn.Module):
    """Two convolutions with pooling, three linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, kernel_size=5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores (N, 10) of images (N, 1, 28, 28)."""
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


def build() -> nn.Module:
    """The network."""
    return LeNet()


def batch(step: int, size: int = 32) -> tuple[torch.Tensor, torch.Tensor]:
    """The images of a step and their labels."""
    images, labels = digits()
    chosen = slice(step * size % 1792, step * size % 1792 + size)
    x = F.interpolate(
        torch.tensor(images[chosen]), size=(28, 28), mode="bilinear", align_corners=False
    )
    return x, torch.tensor(labels[chosen])


def train(model: nn.Module, steps: int = 20) -> list[float]:
    """The loss of each step of SGD with momentum, at a rate that falls after every ten steps."""
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=10, gamma=0.9)
    losses = []
    for step in range(steps):
        x, y = batch(step)
        optimizer.zero_grad()
        loss = F.nll_loss(F.log_softmax(model(x), dim=1), y)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm=5.0)
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    return losses


def main() -> None:
    """Train, and count what is read rightly in a batch that was not used."""
    torch.manual_seed(0)
    model = build()
    losses = train(model, steps=150)
    with torch.no_grad():
        x, y = batch(150, size=32)
        correct = (model(x).argmax(1) == y).sum().item()
    print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}, {correct} of {len(y)} new digits are read")


if __name__ == "__main__":
    main()
