"""A variational autoencoder draws digits (Kingma and Welling, 2013).

Written for PyTorch; only the import lines differ.
"""

from __future__ import annotations

import numpy as np
from digits import digits

import tinygrad_edu as torch
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
import tinygrad_edu.optim as optim

LATENT = 4


class VAE(nn.Module):
    """Pixels to mean and log-variance of a code, a code to pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(64, 48)
        self.fc21 = nn.Linear(48, LATENT)
        self.fc22 = nn.Linear(48, LATENT)
        self.fc3 = nn.Linear(LATENT, 48)
        self.fc4 = nn.Linear(48, 64)

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """Pixels (N, 64) between 0 and 1."""
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))

    def forward(
        self, x: torch.Tensor, noise: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The image again, by way of a code drawn with this noise; mean and log-variance."""
        hidden = F.relu(self.fc1(x.view(-1, 64)))
        mu, logvar = self.fc21(hidden), self.fc22(hidden)
        std = torch.exp(0.5 * logvar)
        return self.decode(mu + noise * std), mu, logvar


def build() -> nn.Module:
    """The network."""
    return VAE()


def train(model: nn.Module, steps: int = 20) -> list[float]:
    """The loss of each step: reconstruction and divergence from the standard normal."""
    rng = np.random.default_rng(0)
    images, _ = digits()
    optimizer = optim.Adam(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(steps):
        x = torch.tensor(images[rng.integers(0, len(images), 64)])
        noise = torch.tensor(rng.standard_normal((64, LATENT))).to(x.dtype)
        again, mu, logvar = model(x, noise)
        reconstruction = F.binary_cross_entropy(again, x.view(-1, 64), reduction="sum")
        divergence = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        loss = (reconstruction + divergence) / x.size(0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def main() -> None:
    """Train, and show a drawn digit."""
    torch.manual_seed(0)
    model = build()
    losses = train(model, steps=1000)
    print(f"loss {losses[0]:.2f} -> {losses[-1]:.2f}; drawn from noise:")
    with torch.no_grad():
        picture = model.decode(torch.randn(1, LATENT)).view(8, 8)
    for row in picture.tolist():
        print("".join(" .:-=+*#%@"[min(int(10 * p), 9)] * 2 for p in row))


if __name__ == "__main__":
    main()
