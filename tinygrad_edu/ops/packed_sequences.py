"""Sequences of several lengths: rows taken out of a padded array, and put back into one."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..autograd.graph import Array, Operation, Value, run

__all__ = ["PackRows", "PadRows"]


class PackRows(Operation):
    """z = the chosen rows of x, each at most once        grad_x = grad in these rows, else 0

    The first `lead` dimensions of x count as one, that of the rows.
    """

    __slots__ = ("lead", "rows", "size")
    scratch = ("rows",)

    def __init__(self, rows: Array, lead: int) -> None:
        self.rows = rows
        self.lead = lead

    def forward(self, x: Array) -> Array:
        self.size = x.shape
        return x.reshape(prod(x.shape[: self.lead]), *x.shape[self.lead :])[self.rows]

    def grad_x(self, grad: Value) -> Value:
        return run(PadRows(self.rows, self.size[: self.lead]), grad)


class PadRows(Operation):
    """z = the rows of x in chosen places, each other row a fixed value        grad_x = grad there

    The places are counted over the dimensions `shape`, which z has instead of the first one of x.
    """

    __slots__ = ("rows", "size", "value")
    scratch = ("rows",)

    def __init__(self, rows: Array, shape: tuple[int, ...], value: Any = 0) -> None:
        self.rows = rows
        self.size = shape
        self.value = value

    def forward(self, x: Array) -> Array:
        result = np.full(self.size + x.shape[1:], self.value, x.dtype)
        result.reshape(prod(self.size), *x.shape[1:])[self.rows] = x
        return result

    def grad_x(self, grad: Value) -> Value:
        return run(PackRows(self.rows, len(self.size)), grad)
