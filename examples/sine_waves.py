"""Two LSTM cells learn sine waves by LBFGS, and continue them.

Written for PyTorch; only the import lines differ.
"""

from __future__ import annotations

import numpy as np

import tinygrad_edu as torch
import tinygrad_edu.nn as nn
import tinygrad_edu.optim as optim


class Sequence(nn.Module):
    """Two LSTM cells and a linear layer, one step of time after the other."""

    def __init__(self, hidden: int = 16) -> None:
        super().__init__()
        self.lstm1 = nn.LSTMCell(1, hidden)
        self.lstm2 = nn.LSTMCell(hidden, hidden)
        self.linear = nn.Linear(hidden, 1)
        self.hidden = hidden

    def forward(self, x: torch.Tensor, future: int = 0) -> torch.Tensor:
        """What follows each value of the waves (N, T), and `future` values more."""
        outputs = []
        h1 = torch.zeros(x.size(0), self.hidden)
        c1, h2, c2 = (torch.zeros_like(h1) for _ in range(3))
        output = x[:, :1]
        for now in x.split(1, dim=1) + (None,) * future:
            h1, c1 = self.lstm1(output if now is None else now, (h1, c1))
            h2, c2 = self.lstm2(h1, (h2, c2))
            output = self.linear(h2)
            outputs.append(output)
        return torch.cat(outputs, dim=1)


def build() -> nn.Module:
    """The network."""
    return Sequence()


def waves() -> torch.Tensor:
    """Six waves of 60 values, shifted against each other."""
    times = np.arange(60) + np.arange(6)[:, None] * 7
    return torch.tensor(np.sin(times / 6)).to(torch.get_default_dtype())


def train(model: nn.Module, steps: int = 20) -> list[float]:
    """The loss after each evaluation by LBFGS, of which there are as many as `steps`."""
    data = waves()
    criterion = nn.MSELoss()
    optimizer = optim.LBFGS(model.parameters(), lr=0.5, max_iter=5, history_size=10)
    losses: list[float] = []

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = criterion(model(data[:, :-1]), data[:, 1:])
        loss.backward()
        losses.append(loss.item())
        return loss

    while len(losses) < steps:
        optimizer.step(closure)
    return losses[:steps]


def main() -> None:
    """Train, and continue the first wave."""
    torch.manual_seed(0)
    model = build()
    losses = train(model, steps=200)
    print(f"loss {losses[0]:.4f} -> {losses[-1]:.6f}; the first wave, continued:")
    with torch.no_grad():
        future = model(waves()[:1], future=20)[0, -20:]
    print(" ".join(f"{value:.2f}" for value in future.tolist()))


if __name__ == "__main__":
    main()
