"""An LSTM learns to continue a text, character by character.

Written for PyTorch; only the import lines differ.
"""

from __future__ import annotations

import tinygrad_edu as torch
import tinygrad_edu.nn as nn
import tinygrad_edu.optim as optim

TEXT = (
    "a gradient says how much the loss changes when a weight changes a little. "
    "the chain rule carries it from the loss back to every weight. "
) * 4
CHARACTERS = sorted(set(TEXT))
LENGTH = 24


class CharacterRNN(nn.Module):
    """Embedding, two LSTM layers, a score for each character."""

    def __init__(self, characters: int, hidden: int = 48) -> None:
        super().__init__()
        self.embedding = nn.Embedding(characters, 16)
        self.lstm = nn.LSTM(16, hidden, num_layers=2, batch_first=True)
        self.out = nn.Linear(hidden, characters)

    def forward(
        self, x: torch.Tensor, state: tuple[torch.Tensor, torch.Tensor] | None = None
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        """Scores (N, T, characters), and the state after the last character."""
        output, state = self.lstm(self.embedding(x), state)
        return self.out(output), state


def build() -> nn.Module:
    """The network."""
    return CharacterRNN(len(CHARACTERS))


def train(model: nn.Module, steps: int = 20) -> list[float]:
    """The loss of each step; the state is carried over from one stretch of text to the next."""
    codes = torch.tensor([CHARACTERS.index(c) for c in TEXT])
    rows = codes[: 8 * (len(codes) // 8)].view(8, -1)
    optimizer = optim.RMSprop(model.parameters(), lr=0.005)
    losses: list[float] = []
    state = None
    for step in range(steps):
        start = step * LENGTH % (rows.size(1) - LENGTH - 1)
        x, y = rows[:, start : start + LENGTH], rows[:, start + 1 : start + LENGTH + 1]
        scores, state = model(x, state)
        state = tuple(s.detach() for s in state)
        loss = nn.functional.cross_entropy(scores.transpose(1, 2), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses


def continued(model: nn.Module, text: str, count: int) -> str:
    """The text with the characters that the network finds most likely."""
    model.eval()
    with torch.no_grad():
        x, state = torch.tensor([[CHARACTERS.index(c) for c in text]]), None
        for _ in range(count):
            scores, state = model(x, state)
            x = scores[:, -1:].argmax(dim=-1)
            text += CHARACTERS[x.item()]
    return text


def main() -> None:
    """Train, and let it write."""
    torch.manual_seed(0)
    model = build()
    losses = train(model, steps=300)
    print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
    print(continued(model, "the chain", 50))


if __name__ == "__main__":
    main()
