"""Dimensions as arguments: negative ones, several at once, and NumPy's names for them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

import numpy as np

__all__ = ["normalize_dim", "normalize_dims", "numpy_names"]

P = ParamSpec("P")
T = TypeVar("T")


def normalize_dim(dim: int, ndim: int) -> int:
    """`dim` counted from the front.

    A 0-dimensional tensor counts as having one dimension, as in PyTorch.

    >>> from tinygrad_edu.ops.dims import normalize_dim
    >>> normalize_dim(-1, 3)
    2
    """
    limit = max(ndim, 1)
    if not isinstance(dim, int):
        try:
            dim = dim.__index__()
        except AttributeError:
            raise TypeError(f"A dimension is an integer; got {type(dim).__name__}.") from None
    if not -limit <= dim < limit:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-limit}, {limit - 1}], but got "
            f"{dim})"
        )
    return dim % limit


def normalize_dims(dim: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """One dimension, several, or all (None or an empty sequence), as a tuple of different ones."""
    if dim is None or (not isinstance(dim, int) and len(dim) == 0):
        return tuple(range(ndim))
    dims = (dim,) if isinstance(dim, int) else tuple(dim)
    result = tuple(normalize_dim(d, ndim) for d in dims)
    if len(set(result)) != len(result):
        raise RuntimeError(f"A dimension appears more than once in dim={tuple(dims)}.")
    return result if ndim else ()


def numpy_names(function: Callable[P, T]) -> Callable[P, T]:
    """Accept NumPy's `axis` and `keepdims` for `dim` and `keepdim`, as PyTorch does."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> T:
        if kwargs:
            if "axis" in kwargs:
                kwargs["dim"] = kwargs.pop("axis")
            if "keepdims" in kwargs:
                kwargs["keepdim"] = kwargs.pop("keepdims")
        try:
            return function(*args, **kwargs)
        except AttributeError:
            # The usual cause, found out without costing the calls that are right.
            if args and isinstance(args[0], (np.ndarray, list, tuple, int, float, str)):
                raise TypeError(
                    f"{function.__name__}: a tensor is needed; got {type(args[0]).__name__}. "
                    "Make one: tg.tensor(x)."
                ) from None
            raise

    return wrapper
