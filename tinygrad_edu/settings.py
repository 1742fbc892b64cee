"""What scripts set once for the process: the device, threads, how exact and repeatable to be.

There is one device, and all computations here are repeatable; so most of these are questions with
one answer.
"""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any

from .device import CPU, check_device
from .device import device as Device

if TYPE_CHECKING:
    from types import ModuleType

__all__ = [
    "are_deterministic_algorithms_enabled",
    "get_default_device",
    "get_float32_matmul_precision",
    "get_num_interop_threads",
    "get_num_threads",
    "is_autocast_enabled",
    "set_default_device",
    "set_float32_matmul_precision",
    "set_num_interop_threads",
    "set_num_threads",
    "use_deterministic_algorithms",
]


def get_default_device() -> Device:
    """Where new tensors are made: on the CPU. PyTorch: `torch.get_default_device`.

    >>> tg.get_default_device()
    device(type='cpu')
    """
    return CPU


def set_default_device(device: Any) -> None:
    """Accepts the CPU (or None), where tensors are made anyway; RuntimeError for other devices.

    PyTorch: `torch.set_default_device`.

    >>> tg.set_default_device("cpu")
    """
    check_device(device)


def _threadpoolctl() -> ModuleType | None:
    try:
        import threadpoolctl
    except ImportError:
        return None
    return threadpoolctl  # type: ignore[no-any-return]


def get_num_threads() -> int:
    """How many threads NumPy's matrix products use; needs the package threadpoolctl.

    Without it, the number of processors. PyTorch: `torch.get_num_threads`.

    >>> tg.get_num_threads() >= 1
    True
    """
    library = _threadpoolctl()
    if library is not None:
        pools = [pool["num_threads"] for pool in library.threadpool_info()]
        if pools:
            return int(max(pools))
    return os.cpu_count() or 1


def set_num_threads(num: int) -> None:
    """Let NumPy's matrix products use so many threads; needs the package threadpoolctl.

    Without it, a UserWarning says how to set the number outside. Raises RuntimeError for a number
    that is not positive. PyTorch: `torch.set_num_threads`.

    >>> before = tg.get_num_threads()
    >>> tg.set_num_threads(before)
    """
    if num <= 0:
        raise RuntimeError(f"set_num_threads: a positive number is needed; got {num}.")
    library = _threadpoolctl()
    if library is None:
        warnings.warn(
            "set_num_threads has no effect without the package threadpoolctl (pip install "
            "threadpoolctl). Or set the environment variable OPENBLAS_NUM_THREADS before Python "
            "starts.",
            UserWarning,
            stacklevel=2,
        )
        return
    library.threadpool_limits(limits=num)


def get_num_interop_threads() -> int:
    """1: operations run one after another. PyTorch: `torch.get_num_interop_threads`.

    >>> tg.get_num_interop_threads()
    1
    """
    return 1


def set_num_interop_threads(num: int) -> None:
    """Nothing to set: operations run one after another. PyTorch: `torch.set_num_interop_threads`.

    >>> tg.set_num_interop_threads(1)
    """
    if num <= 0:
        raise RuntimeError(f"set_num_interop_threads: a positive number is needed; got {num}.")


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Nothing to set: everything here gives the same result each time it is run.

    PyTorch: `torch.use_deterministic_algorithms`.

    Unlike PyTorch, every algorithm is deterministic, and this has no effect.

    >>> tg.use_deterministic_algorithms(True)
    """


def are_deterministic_algorithms_enabled() -> bool:
    """True: see `use_deterministic_algorithms`.

    Unlike PyTorch, the answer is always True.

    >>> tg.are_deterministic_algorithms_enabled()
    True
    """
    return True


def get_float32_matmul_precision() -> str:
    """'highest': products of float32 matrices are computed in float32.

    PyTorch: `torch.get_float32_matmul_precision`.

    >>> tg.get_float32_matmul_precision()
    'highest'
    """
    return "highest"


def set_float32_matmul_precision(precision: str) -> None:
    """Permission to compute less exactly, of which nobody here makes use.

    Raises RuntimeError unless it is "highest", "high" or "medium".
    PyTorch: `torch.set_float32_matmul_precision`.

    >>> tg.set_float32_matmul_precision("high")
    """
    if precision not in ("highest", "high", "medium"):
        raise RuntimeError(
            f"set_float32_matmul_precision: 'highest', 'high' or 'medium'; got {precision!r}."
        )


def is_autocast_enabled(device_type: str | None = None) -> bool:  # noqa: ARG001
    """False: types are what the tensors say. PyTorch: `torch.is_autocast_enabled`.

    >>> tg.is_autocast_enabled()
    False
    """
    return False
