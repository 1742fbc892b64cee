"""A generator and a discriminator made of convolutions play against each other (DCGAN).

Written for PyTorch; only the import lines differ.
"""

from __future__ import annotations

import numpy as np
from digits import digits

import tinygrad_edu as torch
import tinygrad_edu.nn as nn
import tinygrad_edu.optim as optim

LATENT = 16


def generator() -> nn.Module:
    """Noise (N, 16, 1, 1) to images (N, 1, 8, 8) between -1 and 1."""
    return nn.Sequential(
        nn.ConvTranspose2d(LATENT, 32, 2, 1, 0, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(True),
        nn.ConvTranspose2d(32, 16, 4, 2, 1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(True),
        nn.ConvTranspose2d(16, 1, 4, 2, 1, bias=False),
        nn.Tanh(),
    )


def discriminator() -> nn.Module:
    """Images (N, 1, 8, 8) to the score (N,) of being real."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 4, 2, 1, bias=False),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(16, 32, 4, 2, 1, bias=False),
        nn.BatchNorm2d(32),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(32, 1, 2, 1, 0, bias=False),
        nn.Flatten(0),
    )


def weights_init(module: nn.Module) -> None:
    """The paper's initial weights."""
    name = module.__class__.__name__
    if name.find("Conv") != -1:
        nn.init.normal_(module.weight.data, 0.0, 0.02)
    elif name.find("BatchNorm") != -1:
        nn.init.normal_(module.weight.data, 1.0, 0.02)
        nn.init.constant_(module.bias.data, 0)


def build() -> nn.Module:
    """Both players."""
    players = nn.ModuleDict({"generator": generator(), "discriminator": discriminator()})
    players.apply(weights_init)
    return players


def train(players: nn.Module, steps: int = 20) -> list[float]:
    """The sum of both losses in each step."""
    rng = np.random.default_rng(0)
    images, _ = digits(scale=2.0, shift=-1.0)
    g, d = players["generator"], players["discriminator"]
    criterion = nn.BCEWithLogitsLoss()
    optimizer_d = optim.Adam(d.parameters(), lr=2e-4, betas=(0.5, 0.999))
    optimizer_g = optim.Adam(g.parameters(), lr=2e-4, betas=(0.5, 0.999))
    losses = []
    for _ in range(steps):
        real = torch.tensor(images[rng.integers(0, len(images), 32)])
        noise = torch.tensor(rng.standard_normal((32, LATENT, 1, 1))).to(real.dtype)

        d.zero_grad()
        label = torch.full((32,), 1.0, dtype=real.dtype)
        loss_real = criterion(d(real), label)
        loss_real.backward()
        fake = g(noise)
        label.fill_(0.0)
        loss_fake = criterion(d(fake.detach()), label)
        loss_fake.backward()
        optimizer_d.step()

        g.zero_grad()
        label.fill_(1.0)
        loss_g = criterion(d(fake), label)
        loss_g.backward()
        optimizer_g.step()
        losses.append((loss_real + loss_fake + loss_g).item())
    return losses


def main() -> None:
    """Play, and show an image of the generator."""
    torch.manual_seed(0)
    players = build()
    losses = train(players, steps=600)
    print(f"sum of the losses {losses[0]:.3f} -> {losses[-1]:.3f}; a generated image:")
    players.eval()
    with torch.no_grad():
        picture = players["generator"](torch.randn(1, LATENT, 1, 1)).view(8, 8)
    for row in picture.tolist():
        print("".join(" .:-=+*#%@"[min(int(5 * (p + 1)), 9)] * 2 for p in row))


if __name__ == "__main__":
    main()
