"""A small GPT: causal attention learns to add two numbers digit by digit.

Written for PyTorch; only the import lines differ.
"""

from __future__ import annotations

import math

import numpy as np

import tinygrad_edu as torch
import tinygrad_edu.nn as nn
import tinygrad_edu.optim as optim
from tinygrad_edu.nn import functional as F

SYMBOLS = "0123456789+="
LENGTH = 9  # "12+34=" and the sum, last digit first


class CausalSelfAttention(nn.Module):
    """Every position looks at itself and what stands before it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.c_attn = nn.Linear(width, 3 * width)
        self.c_proj = nn.Linear(width, width)
        self.heads = heads
        self.register_buffer("mask", torch.tril(torch.ones(LENGTH, LENGTH)).bool())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, T, D) to (N, T, D)."""
        n, t, d = x.shape
        q, k, v = self.c_attn(x).split(d, dim=2)
        q, k, v = (a.view(n, t, self.heads, d // self.heads).transpose(1, 2) for a in (q, k, v))
        weights = (q @ k.transpose(-2, -1)) / math.sqrt(k.size(-1))
        weights = weights.masked_fill(~self.mask[:t, :t], float("-inf"))
        y = F.softmax(weights, dim=-1) @ v
        return self.c_proj(y.transpose(1, 2).contiguous().view(n, t, d))


class FlashSelfAttention(CausalSelfAttention):
    """The same by one function."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, T, D) to (N, T, D)."""
        n, t, d = x.shape
        q, k, v = self.c_attn(x).chunk(3, dim=-1)
        q, k, v = (a.view(n, t, self.heads, -1).transpose(1, 2) for a in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).reshape(n, t, d))


class Block(nn.Module):
    """Attention and a network of two layers, each added to what came in."""

    def __init__(self, attention: nn.Module, width: int) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = attention
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, T, D) to (N, T, D)."""
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    """Token and position embeddings, two blocks, scores; the embedding is also the last weight."""

    def __init__(self, width: int = 32, heads: int = 4) -> None:
        super().__init__()
        self.wte = nn.Embedding(len(SYMBOLS), width)
        self.wpe = nn.Embedding(LENGTH, width)
        self.h = nn.ModuleList(
            [
                Block(CausalSelfAttention(width, heads), width),
                Block(FlashSelfAttention(width, heads), width),
            ]
        )
        self.ln_f = nn.LayerNorm(width)
        self.lm_head = nn.Linear(width, len(SYMBOLS), bias=False)
        self.lm_head.weight = self.wte.weight
        self.apply(self.initialise)

    @staticmethod
    def initialise(module: nn.Module) -> None:
        """GPT-2's initial weights."""
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, mean=0.0, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Scores (N, T, symbols) of what follows each of the tokens (N, T)."""
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.size(1)))
        for block in self.h:
            x = block(x)
        return self.lm_head(self.ln_f(x))


def build() -> nn.Module:
    """The network."""
    return GPT()


def sums(rng: np.random.Generator, count: int) -> torch.Tensor:
    """Tokens (N, 9) of sums such as 12+34=640."""
    pairs = rng.integers(0, 100, (count, 2))
    lines = [f"{a:02}+{b:02}={f'{a + b:03}'[::-1]}" for a, b in pairs]
    return torch.tensor([[SYMBOLS.index(c) for c in line] for line in lines])


def train(model: nn.Module, steps: int = 20) -> list[float]:
    """The loss of each step of AdamW, with a warm-up and a cosine; the question is not scored."""
    rng = np.random.default_rng(0)
    decayed = [p for p in model.parameters() if p.dim() >= 2]
    others = [p for p in model.parameters() if p.dim() < 2]
    groups = [
        {"params": decayed, "weight_decay": 0.1},
        {"params": others, "weight_decay": 0.0},
    ]
    optimizer = optim.AdamW(groups, lr=1e-2, betas=(0.9, 0.95))
    scheduler = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-2, total_steps=max(steps, 20))
    losses = []
    for _ in range(steps):
        tokens = sums(rng, 64)
        targets = tokens[:, 1:].clone()
        targets[:, :5] = -1
        scores = model(tokens[:, :-1])
        loss = F.cross_entropy(
            scores.reshape(-1, scores.size(-1)), targets.reshape(-1), ignore_index=-1
        )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    return losses


def main() -> None:
    """Train, and ask for some sums."""
    torch.manual_seed(0)
    model = build()
    losses = train(model, steps=1000)
    print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
    model.eval()
    rng = np.random.default_rng(1)
    with torch.no_grad():
        tokens = sums(rng, 5)[:, :6]
        for _ in range(3):
            tokens = torch.cat([tokens, model(tokens)[:, -1:].argmax(-1)], dim=1)
    for row in tokens.tolist():
        line = "".join(SYMBOLS[t] for t in row)
        print(line[:6] + line[:5:-1])


if __name__ == "__main__":
    main()
