"""The same values in other memory layouts: what a kernel must not notice."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["LAYOUTS", "relayout"]

Array = np.ndarray[Any, np.dtype[Any]]

#: The layouts that `relayout` knows.
LAYOUTS = ("contiguous", "transposed", "strided", "reversed", "readonly")


def relayout(array: Array, layout: str) -> Array:
    """A copy of `array`, equal in values, laid out in memory in another way.

    "transposed": column-major. "strided": every second element of a larger array, the gaps filled
    with NaN (or with the type's largest value). "reversed": negative strides. "readonly":
    row-major, not writeable. Raises ValueError for another name.

    >>> x = np.arange(6.0).reshape(2, 3)
    >>> y = relayout(x, "reversed")
    >>> y.strides, bool((x == y).all())
    ((-24, -8), True)
    """
    if layout == "contiguous":
        return array.copy(order="C")
    if layout == "transposed":
        return array.copy(order="F")
    if layout == "strided":
        # A kernel that ignores strides reads the filling, and the test sees it.
        filling = (
            np.nan
            if array.dtype.kind == "f"
            else True
            if array.dtype.kind == "b"
            else np.iinfo(array.dtype).max
        )
        wide = np.full(tuple(2 * size for size in array.shape), filling, dtype=array.dtype)
        gaps: Any = (*[slice(None, None, 2)] * array.ndim, ...)
        view: Array = wide[gaps]
        view[...] = array
        return view
    if layout == "reversed":
        back: Any = (*[slice(None, None, -1)] * array.ndim, ...)
        reverse: Array = array[back].copy()[back]
        return reverse
    if layout == "readonly":
        copy = array.copy(order="C")
        copy.flags.writeable = False
        return copy
    raise ValueError(f"relayout: layout is one of {', '.join(LAYOUTS)}; got {layout!r}.")
