"""Arrays as the page shows them: all numbers of small ones, a picture and statistics of large ones.

An array of up to 100 elements is written in full. Of a larger one there is an image of at most
`_PIXELS` bytes, on a scale that is symmetric around 0: byte u is the value (u - 128)/127 · high,
and byte 0 is what is not finite. Statistics are of the whole array.
"""

from __future__ import annotations

import base64
from math import ceil, isfinite, sqrt
from typing import Any

import numpy as np

from ...autograd.graph import Array

__all__ = ["Values", "number"]

_IN_FULL = 100  # elements
_PIXELS = 4096  # of an image; base64 makes 5.5 kB of them
_SIDE = 256  # rows or columns of an image
_TILES = 32  # matrices that are shown of an array with more dimensions


class Values:
    """The values of a page, each array once; `add` returns the place of one in `table`."""

    def __init__(self) -> None:
        self.table: list[dict[str, Any]] = []
        self._places: dict[int, int] = {}
        self._alive: list[Array] = []  # so that no other array gets the identity of one of them

    def add(self, array: Array | None) -> int | None:
        """The place of an array's description; None for None."""
        if array is None:
            return None
        place = self._places.get(id(array))
        if place is None:
            place = self._places[id(array)] = len(self.table)
            self._alive.append(array)
            self.table.append(_describe(array))
        return place


def number(x: Any) -> float | int | bool | str:
    """One element for JSON, with the digits of its own type; NaN and infinities are strings."""
    if isinstance(x, (bool, np.bool_)):
        return bool(x)
    if isinstance(x, (int, np.integer)):
        return int(x)
    if not isfinite(x):
        return str(float(x))
    # The shortest text that is this number in its type: 0.1, not 0.10000000149011612.
    return float(str(x))


def _describe(array: Array) -> dict[str, Any]:
    small = array.size <= _IN_FULL
    return {
        "shape": list(array.shape),
        "dtype": str(array.dtype),
        "numbers": [number(x) for x in array.ravel()] if small else None,
        "image": None if small else _image(array),
        "stats": _statistics(array),
    }


def _statistics(array: Array) -> dict[str, Any]:
    finite = np.isfinite(array)
    bad = array.size - int(np.count_nonzero(finite))
    stats: dict[str, Any] = {
        "size": array.size,
        "zeros": array.size - int(np.count_nonzero(array)),
        "nonfinite": bad,
    }
    wide = array.astype(np.float64)
    names = ("min", "max", "mean", "std", "norm")
    if not array.size:
        return stats | dict.fromkeys(names, "nan")
    with np.errstate(all="ignore"):
        numbers = (wide.min(), wide.max(), wide.mean(), wide.std(), np.linalg.norm(wide))
    return stats | {name: _rounded(x) for name, x in zip(names, numbers, strict=True)}


def _rounded(x: Any) -> float | str:
    return float(f"{x:.7g}") if isfinite(x) else str(float(x))


def _image(array: Array) -> dict[str, Any]:
    """The array as a matrix of bytes."""
    wide = array.astype(np.float64)
    note, shown, of = None, None, None
    if array.ndim == 1:
        matrix = wide[None]
    elif array.ndim == 2:
        matrix = wide
    else:
        matrices = wide.reshape(-1, *wide.shape[-2:])
        of, shown = len(matrices), min(len(matrices), _TILES)
        matrix = _tiled(matrices[:shown])
        if shown < of:
            note = "first of several"
    rows, columns = matrix.shape
    step_down, step_right = _steps(rows, columns)
    block = None
    if (step_down, step_right) != (1, 1):
        matrix = _averaged(matrix, step_down, step_right)
        block = [step_down, step_right]
        note = note or "mean over blocks"
    finite = np.isfinite(matrix)
    high = float(np.max(np.abs(matrix), where=finite, initial=0.0))
    with np.errstate(all="ignore"):
        # Not 127 / high, which is infinite where high is tiny.
        scaled = np.rint(128 + matrix / (high or 1.0) * 127)
    pixels = np.where(finite, scaled, 0).astype(np.uint8)
    return {
        "rows": pixels.shape[0],
        "columns": pixels.shape[1],
        "values": base64.b64encode(pixels.tobytes()).decode("ascii"),
        "low": -_rounded(high),  # type: ignore[operator] # it is finite
        "high": _rounded(high),
        "note": note,
        "shown": shown if note == "first of several" else None,
        "of": of if note == "first of several" else None,
        "block": block,
    }


def _tiled(matrices: Array) -> Array:
    """Matrices (N, H, W) in a grid that is about square, one pixel of 0 between them."""
    count, height, width = matrices.shape
    if not matrices.size:
        return np.zeros((1, 1))
    across = min(count, max(1, round(sqrt(count * (height + 1) / (width + 1)))))
    down = ceil(count / across)
    grid = np.zeros((down * (height + 1) - 1, across * (width + 1) - 1))
    for index, matrix in enumerate(matrices):
        top, left = index // across * (height + 1), index % across * (width + 1)
        grid[top : top + height, left : left + width] = matrix
    return grid


def _steps(rows: int, columns: int) -> tuple[int, int]:
    """How many rows and columns become one, so that an image is not too large."""
    down, right = ceil(rows / _SIDE), ceil(columns / _SIDE)
    while ceil(rows / down) * ceil(columns / right) > _PIXELS:
        if rows / down >= columns / right:
            down += 1
        else:
            right += 1
    return down, right


def _averaged(matrix: Array, down: int, right: int) -> Array:
    """The mean of each block; those at the lower and right borders may be smaller."""
    rows = np.arange(0, matrix.shape[0], down)
    columns = np.arange(0, matrix.shape[1], right)
    with np.errstate(all="ignore"):
        sums: Array = np.add.reduceat(np.add.reduceat(matrix, rows, 0), columns, 1)
    heights = np.diff(rows, append=matrix.shape[0])
    widths = np.diff(columns, append=matrix.shape[1])
    means: Array = sums / np.outer(heights, widths)
    return means
