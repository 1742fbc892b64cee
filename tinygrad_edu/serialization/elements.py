"""Bytes of a file as arrays: the types of elements that files know and NumPy does not."""

from __future__ import annotations

import sys
from typing import Literal, TypeAlias

import numpy as np

from ..autograd.graph import Array

__all__ = ["Order", "elements", "note_bfloat16"]

Order: TypeAlias = Literal["<", ">"]  # of bytes: little end first, or big end


def elements(raw: Array, code: str, order: Order = "<") -> Array:
    """The bytes `raw` as elements of the NumPy type `code`, written in the given byte order.

    A view of `raw` where that is possible. "bool" makes every other byte than 0 True: NumPy counts
    on there being no 2. "bfloat16", the upper half of a float32, becomes float32.
    """
    if code == "bool":
        if raw.size and raw.max() > 1:
            return np.asarray(raw != 0)
        return raw.view(np.bool_)
    if code == "bfloat16":
        upper = elements(raw, "uint16", order).astype(np.uint32)
        return np.left_shift(upper, 16).view(np.float32)
    array: Array = raw.view(np.dtype(code).newbyteorder(order))
    native = order == ("<" if sys.byteorder == "little" else ">")
    return array.view(code) if native else array.astype(code)


def note_bfloat16(name: str, stacklevel: int) -> None:
    """Say once per file that its bfloat16 numbers were widened; `stacklevel` leads to the user."""
    import warnings

    warnings.warn(
        f"{name} holds bfloat16 numbers, a type that NumPy does not have: they are read as "
        "float32, which holds each of them exactly.",
        stacklevel=stacklevel + 1,
    )
