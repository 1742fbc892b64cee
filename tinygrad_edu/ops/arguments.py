"""Checks of arguments that several families of operations share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from ..autograd.graph import TensorBase
from .dtypes import type_name

__all__ = ["LAYOUTS", "Sizes", "check_tensor", "integers"]

#: One integer for all spatial dimensions, or one for each.
Sizes: TypeAlias = int | Sequence[int]

#: What an input with so many spatial dimensions looks like.
LAYOUTS = {1: "(N, C, L) or (C, L)", 2: "(N, C, H, W) or (C, H, W)"}


def check_tensor(name: str, input: Any, which: str = "the input is") -> TensorBase:
    """An argument of a function, which is a tensor."""
    if not isinstance(input, TensorBase):
        hint = "Use tg.tensor(...)."
        if input is None:
            hint = "Does the forward() that made it return its result?"
        raise TypeError(f"{name}: {which} a tensor; got {type_name(input)}. {hint}")
    return input


def integers(name: str, argument: str, value: Any, n: int) -> tuple[int, ...]:
    """One integer for each of n spatial dimensions."""
    entries = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    if len(entries) == 1:
        entries *= n
    for entry in entries:
        if not hasattr(entry, "__index__"):
            raise TypeError(
                f"{name}: {argument} is an integer or a tuple of them; got {value!r}, with "
                f"{type(entry).__name__} in it."
            )
    if len(entries) != n:
        raise RuntimeError(
            f"{name}: {argument} must either be a single int, or a tuple of {n}; got {value!r}."
        )
    return tuple(entry.__index__() for entry in entries)
