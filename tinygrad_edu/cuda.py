"""What PyTorch scripts ask of `torch.cuda`: there is no CUDA here, so they run on the CPU."""

from __future__ import annotations

__all__ = [
    "device_count",
    "empty_cache",
    "is_available",
    "manual_seed",
    "manual_seed_all",
    "synchronize",
]


def is_available() -> bool:
    """False: tensors live on the CPU. PyTorch: `torch.cuda.is_available`.

    >>> device = "cuda" if tg.cuda.is_available() else "cpu"
    >>> tg.ones(2).to(device)
    tensor([1., 1.])
    """
    return False


def device_count() -> int:
    """0. PyTorch: `torch.cuda.device_count`."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing to seed; `tg.manual_seed` is what counts. PyTorch: `torch.cuda.manual_seed`."""


def manual_seed_all(seed: int) -> None:
    """Nothing to seed; `tg.manual_seed` is what counts. PyTorch: `torch.cuda.manual_seed_all`."""


def empty_cache() -> None:
    """Nothing to empty. PyTorch: `torch.cuda.empty_cache`."""


def synchronize() -> None:
    """Nothing to wait for. PyTorch: `torch.cuda.synchronize`."""
