"""The settings of cuDNN that scripts make: they can be set and read, and change nothing."""

from __future__ import annotations

__all__ = ["allow_tf32", "benchmark", "deterministic", "enabled", "is_available", "version"]

enabled = False
deterministic = True  # everything here gives the same result each time it is run
benchmark = False
allow_tf32 = False


def is_available() -> bool:
    """False: computations run in NumPy. PyTorch: `torch.backends.cudnn.is_available`."""
    return False


def version() -> int | None:
    """None. PyTorch: `torch.backends.cudnn.version`."""
    return None
