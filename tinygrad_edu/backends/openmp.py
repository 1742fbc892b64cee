"""What scripts ask of `torch.backends.openmp`: computations run in NumPy."""

from __future__ import annotations

__all__ = ["is_available"]


def is_available() -> bool:
    """False: what NumPy itself is built with, `np.show_config()` tells.

    PyTorch: `torch.backends.openmp.is_available`.
    """
    return False
