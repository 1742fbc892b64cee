"""What the types of elements can hold: finfo, iinfo, can_cast."""

from __future__ import annotations

import numpy as np

from . import dtypes
from .dtypes import DType, DTypeLike, get_default_dtype, to_dtype

__all__ = ["can_cast", "finfo", "iinfo"]


class finfo:
    """Limits of a floating type, as Python numbers; of the default type if none is given.

    `bits`, `eps` (the distance from 1 to the next number), `max`, `min`, `tiny` and
    `smallest_normal`, `resolution`, and `dtype`, its name. Raises TypeError for other types.
    PyTorch: `torch.finfo`.

    >>> tg.finfo(tg.float32).eps
    1.1920928955078125e-07
    >>> tg.finfo(tg.float64).bits, tg.finfo(tg.float64).dtype
    (64, 'float64')
    """

    __slots__ = ("bits", "dtype", "eps", "max", "min", "resolution", "smallest_normal", "tiny")

    def __init__(self, type: DTypeLike = None) -> None:
        dtype = get_default_dtype() if type is None else to_dtype(type)
        if dtype.kind != "f":
            raise TypeError(f"finfo is for floating types; for {dtype} there is tg.iinfo.")
        limits = np.finfo(dtype)
        self.bits = int(limits.bits)
        self.dtype = str(dtype)
        self.eps = float(limits.eps)
        self.max = float(limits.max)
        self.min = float(limits.min)
        self.resolution = float(str(limits.resolution))
        self.smallest_normal = self.tiny = float(limits.smallest_normal)

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, "
            f"eps={self.eps:g}, smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, "
            f"dtype={self.dtype})"
        )


class iinfo:
    """Limits of an integer type: `bits`, `max`, `min`, and `dtype`, its name.

    Raises TypeError for other types. PyTorch: `torch.iinfo`.

    >>> tg.iinfo(tg.int8).max
    127
    """

    __slots__ = ("bits", "dtype", "max", "min")

    def __init__(self, type: DTypeLike) -> None:
        dtype = to_dtype(type)
        if dtype.kind not in "iu":
            hint = "; for it there is tg.finfo" if dtype.kind == "f" else ""
            raise TypeError(f"iinfo is for integer types; got {dtype}{hint}.")
        limits = np.iinfo(dtype)
        self.bits, self.dtype = int(limits.bits), str(dtype)
        self.max, self.min = int(limits.max), int(limits.min)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"


def can_cast(from_: DTypeLike, to: DTypeLike) -> bool:
    """Whether a result of one type may be written into a tensor of another, in place.

    Not from floating numbers to integers, nor from numbers to booleans. PyTorch: `torch.can_cast`.

    >>> tg.can_cast(tg.float64, tg.float32), tg.can_cast(tg.float32, tg.int64)
    (True, False)
    """
    first, second = to_dtype(from_), to_dtype(to)
    return _kind(first) <= _kind(second)


def _kind(dtype: DType) -> int:
    return 0 if dtype == dtypes.bool_ else 2 if dtype.kind == "f" else 1
