"""What scripts ask of `torch.backends.mps`: tensors live on the CPU."""

from __future__ import annotations

__all__ = ["is_available", "is_built"]


def is_available() -> bool:
    """False. PyTorch: `torch.backends.mps.is_available`."""
    return False


def is_built() -> bool:
    """False. PyTorch: `torch.backends.mps.is_built`."""
    return False
