"""What PyTorch scripts say of mixed precision: there is none here, so they run in full precision.

On a machine without CUDA PyTorch does the same: `autocast("cuda")` and `GradScaler()` warn and do
nothing.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from .optim.optimizer import Optimizer
    from .tensor import Tensor

__all__ = ["GradScaler", "autocast", "is_autocast_available"]

Function = TypeVar("Function", bound=Callable[..., Any])


def is_autocast_available(device_type: str) -> bool:  # noqa: ARG001
    """False. PyTorch: `torch.amp.is_autocast_available`."""
    return False


class autocast:
    """A block, or a decorated function, in which nothing is cast.

    On "cuda", which is not there, it warns and does nothing, as in PyTorch. On "cpu" it has to be
    switched off: `enabled=False`. Raises RuntimeError otherwise. PyTorch: `torch.autocast`,
    `torch.amp.autocast`.

    >>> with tg.autocast("cpu", enabled=False):
    ...     (tg.ones(2) * 2).dtype
    dtype('float32')
    """

    def __init__(
        self,
        device_type: str = "cuda",
        dtype: Any = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        self.device = device_type
        if enabled and device_type == "cpu":
            raise RuntimeError(
                'autocast("cpu") computes in bfloat16 in PyTorch, a type that NumPy does not have. '
                "Leave it out, or pass enabled=False."
            )
        if enabled:
            warnings.warn(
                f"autocast({device_type!r}): there is no such device; disabling.",
                UserWarning,
                stacklevel=2,
            )

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def __call__(self, function: Function) -> Function:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapper  # type: ignore[return-value]


class GradScaler:
    """The scaler of losses for half precision, switched off: `scale` and `step` pass things on.

    Enabled, it warns that there is no CUDA, as PyTorch does without one.
    PyTorch: `torch.amp.GradScaler`.

    >>> scaler = tg.amp.GradScaler(enabled=False)
    >>> scaler.scale(tg.tensor(2.0))
    tensor(2.)
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 65536.0,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        if enabled:
            warnings.warn(
                "GradScaler: losses are scaled for half precision on CUDA, which is not there; "
                "disabling.",
                UserWarning,
                stacklevel=2,
            )

    def scale(self, outputs: Tensor) -> Tensor:
        """The loss itself."""
        return outputs

    def unscale_(self, optimizer: Optimizer) -> None:
        """Nothing to undo."""

    def step(self, optimizer: Optimizer, *args: Any, **kwargs: Any) -> Any:
        """`optimizer.step()`."""
        return optimizer.step(*args, **kwargs)

    def update(self, new_scale: float | None = None) -> None:
        """Nothing to update."""

    def get_scale(self) -> float:
        """1."""
        return 1.0

    def is_enabled(self) -> bool:
        """False."""
        return False

    def state_dict(self) -> dict[str, Any]:
        """Empty, as in PyTorch for a scaler that is switched off."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Nothing to load."""
