"""Where tensors live: on the CPU. Other devices that PyTorch scripts name are refused by name."""

from __future__ import annotations

from enum import Enum
from typing import Any

__all__ = [
    "channels_last",
    "channels_last_3d",
    "check_device",
    "contiguous_format",
    "device",
    "layout",
    "memory_format",
    "preserve_format",
    "strided",
]


class device:
    """A place for tensors; there is one, the CPU. PyTorch: `torch.device`.

    Raises RuntimeError for any other.

    >>> tg.device("cpu")
    device(type='cpu')
    """

    __slots__ = ("index", "type")

    def __init__(self, type: str | device = "cpu", index: int | None = None) -> None:
        name, _, number = str(type).partition(":")
        if name != "cpu" or not (number == "" or number.isdigit()):
            raise RuntimeError(
                f"tinygrad_edu computes on the CPU: there is no device {str(type)!r}. Use 'cpu' "
                'or the usual device = "cuda" if tg.cuda.is_available() else "cpu".'
            )
        self.type = name
        self.index = int(number) if number else index

    def __enter__(self) -> device:
        """`with tg.device("cpu"):`, where tensors are made anyway."""
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type={self.type!r}{index})"


CPU = device("cpu")


def check_device(name: Any) -> None:
    """Raise RuntimeError unless `name` is None or means the CPU."""
    if name is not None and not isinstance(name, device):
        device(name)


class layout(Enum):
    """How elements lie in memory; there is one way. PyTorch: `torch.layout`.

    >>> tg.ones(2, layout=tg.strided).layout
    tinygrad_edu.strided
    """

    strided = "strided"

    def __repr__(self) -> str:
        return f"tinygrad_edu.{self.value}"


class memory_format(Enum):
    """The order of dimensions in memory, never a matter of values. PyTorch: `torch.memory_format`.

    >>> tg.zeros_like(tg.ones(2), memory_format=tg.preserve_format)
    tensor([0., 0.])
    """

    contiguous_format = "contiguous_format"
    preserve_format = "preserve_format"
    channels_last = "channels_last"
    channels_last_3d = "channels_last_3d"

    def __repr__(self) -> str:
        return f"tinygrad_edu.{self.value}"


strided = layout.strided
contiguous_format = memory_format.contiguous_format
preserve_format = memory_format.preserve_format
channels_last = memory_format.channels_last
channels_last_3d = memory_format.channels_last_3d
