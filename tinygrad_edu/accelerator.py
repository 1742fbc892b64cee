"""What PyTorch scripts ask of `torch.accelerator`: there is none, so they run on the CPU."""

from __future__ import annotations

__all__ = [
    "current_accelerator",
    "device_count",
    "empty_cache",
    "is_available",
    "synchronize",
]


def is_available() -> bool:
    """False: tensors live on the CPU. PyTorch: `torch.accelerator.is_available`.

    >>> tg.accelerator.current_accelerator().type if tg.accelerator.is_available() else "cpu"
    'cpu'
    """
    return False


def current_accelerator(check_available: bool = False) -> None:
    """None: there is no accelerator. PyTorch: `torch.accelerator.current_accelerator`."""


def device_count() -> int:
    """The number of accelerators: 0. PyTorch: `torch.accelerator.device_count`."""
    return 0


def synchronize(device: object = None) -> None:
    """Nothing to wait for. PyTorch: `torch.accelerator.synchronize`."""


def empty_cache() -> None:
    """Nothing to empty. PyTorch: `torch.accelerator.empty_cache`."""
