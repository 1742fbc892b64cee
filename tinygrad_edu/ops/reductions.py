"""Reductions: sum and its relatives over any dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..autograd.graph import Array, Operation, Value, apply

if TYPE_CHECKING:
    from ..tensor import Tensor


class Sum(Operation):
    """z = sum of x over `axes`        grad_x = grad, spread over the summed dimensions"""

    __slots__ = ("axes", "input_shape", "keepdims")

    def __init__(self, axes: tuple[int, ...], keepdims: bool) -> None:
        self.axes = axes
        self.keepdims = keepdims

    def forward(self, x: Array) -> Array:
        self.input_shape = x.shape
        return x.sum(axis=self.axes, keepdims=self.keepdims)

    def grad_x(self, grad: Value) -> Value:
        import numpy as np

        if not self.keepdims:
            grad = np.expand_dims(grad, self.axes)
        return np.broadcast_to(grad, self.input_shape)


def sum(input: Tensor, dim: object = None, keepdim: bool = False) -> Tensor:
    return apply(Sum(tuple(range(input.array.ndim)), keepdim), input)
