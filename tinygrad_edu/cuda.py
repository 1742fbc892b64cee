"""What PyTorch scripts ask of `torch.cuda`: there is no CUDA here, so they run on the CPU."""

from __future__ import annotations

from importlib import import_module

__all__ = [
    "current_device",
    "device_count",
    "empty_cache",
    "get_device_name",
    "is_available",
    "is_bf16_supported",
    "is_initialized",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "memory_allocated",
    "memory_reserved",
    "reset_peak_memory_stats",
    "seed_all",
    "set_device",
    "synchronize",
]


def __getattr__(name: str) -> object:
    if name == "amp":  # As torch.cuda.amp; loaded by scripts that speak of it only.
        return import_module("..amp", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_MISSING = "There is no CUDA device: tinygrad_edu computes on the CPU. Ask tg.cuda.is_available()."


def is_available() -> bool:
    """False: tensors live on the CPU. PyTorch: `torch.cuda.is_available`.

    >>> device = "cuda" if tg.cuda.is_available() else "cpu"
    >>> tg.ones(2).to(device)
    tensor([1., 1.])
    """
    return False


def device_count() -> int:
    """The number of devices: 0. PyTorch: `torch.cuda.device_count`."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing to seed; `tg.manual_seed` is what counts. PyTorch: `torch.cuda.manual_seed`."""


def manual_seed_all(seed: int) -> None:
    """Nothing to seed; `tg.manual_seed` is what counts. PyTorch: `torch.cuda.manual_seed_all`."""


def empty_cache() -> None:
    """Nothing to empty. PyTorch: `torch.cuda.empty_cache`."""


def synchronize() -> None:
    """Nothing to wait for. PyTorch: `torch.cuda.synchronize`."""


def seed_all() -> None:
    """Nothing to seed. PyTorch: `torch.cuda.seed_all`."""


def is_initialized() -> bool:
    """False: nothing starts. PyTorch: `torch.cuda.is_initialized`."""
    return False


def is_bf16_supported() -> bool:
    """False: there is no bfloat16. PyTorch: `torch.cuda.is_bf16_supported`."""
    return False


def memory_allocated(device: object = None) -> int:  # noqa: ARG001
    """The bytes on a GPU: 0. PyTorch: `torch.cuda.memory_allocated`."""
    return 0


max_memory_allocated = memory_reserved = memory_allocated


def reset_peak_memory_stats(device: object = None) -> None:
    """Nothing to reset. PyTorch: `torch.cuda.reset_peak_memory_stats`."""


def current_device() -> int:
    """Refused: there is none. Raises RuntimeError. PyTorch: `torch.cuda.current_device`."""
    raise RuntimeError(_MISSING)


def get_device_name(device: object = None) -> str:  # noqa: ARG001
    """Refused: there is none. Raises RuntimeError. PyTorch: `torch.cuda.get_device_name`."""
    raise RuntimeError(_MISSING)


def set_device(device: object) -> None:  # noqa: ARG001
    """Refused: there is none. Raises RuntimeError. PyTorch: `torch.cuda.set_device`."""
    raise RuntimeError(_MISSING)
