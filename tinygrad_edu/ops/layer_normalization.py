"""Normalisation of each sample by itself: layer norm and RMS norm.

The kernels work on rows: the numbers that are normalised together lie side by side. They keep only
the mean and the deviation of each row, as PyTorch does, and compute the rest again in backward.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.fused import Fused
from ..autograd.graph import Array, apply
from . import unary
from .arguments import check_tensor
from .dtypes import quiet
from .softmax import ones

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "affine",
    "center",
    "check_floating",
    "check_vectors",
    "first_piece",
    "layer_norm",
    "pieces",
    "rms_norm",
]

#: Elements that a kernel works on at a time, so that its intermediate results stay in the L2 cache:
#: 8192 rows of 512 take 14 ms (forward and backward) instead of 24.
_PIECE = 1 << 17


def pieces(rows: int, width: int) -> Iterator[slice]:
    """The rows in pieces of about `_PIECE` elements."""
    step = max(1, _PIECE // max(width, 1))
    for start in range(0, rows, step):
        yield slice(start, start + step)


def first_piece(x: Array) -> slice:
    """The first piece, the largest."""
    return next(pieces(*x.shape), slice(0))


def center(x: Array, out: Array) -> tuple[Array, Array]:
    """x - μ into `out`; returns the mean μ and the biased variance σ² of each row."""
    width = x.shape[1]
    mean = x @ ones(width, x.dtype)
    mean /= width
    np.subtract(x, mean[:, None], out=out)
    var = np.vecdot(out, out)
    var /= width
    return mean, var


class LayerNorm(Fused):
    """z = w (x - μ)/√(σ² + ε) + b, with the mean μ and biased variance σ² of each row of D numbers

    With r = 1/√(σ² + ε) and y = (x - μ) r: grad_w = Σ grad y        grad_b = Σ grad
    grad_x = r (grad w - (Σ grad w)/D - y (Σ grad w y)/D), with sums over the row
    """

    __slots__ = ("eps", "inverse", "mean", "shape_of_row")
    scratch = ("inverse", "mean")

    def __init__(self, shape: tuple[int, ...], eps: float) -> None:
        self.shape_of_row = shape
        self.eps = eps

    @quiet
    def forward(self, input: Array, weight: Array | None, bias: Array | None) -> Array:
        x = _rows(input, self.shape_of_row)
        out = np.empty(x.shape, x.dtype)
        self.mean = np.empty(len(x), x.dtype)
        self.inverse = np.empty(len(x), x.dtype)
        for piece in pieces(*x.shape):
            z = out[piece]
            self.mean[piece], var = center(x[piece], z)
            inverse = self.inverse[piece] = 1 / np.sqrt(var + self.eps)
            z *= inverse[:, None]
            if weight is not None:
                z *= weight.reshape(-1)
            if bias is not None:
                z += bias.reshape(-1)
        return out.reshape(input.shape)

    def backward(
        self, grad: Array, input: Array, weight: Array | None, bias: Array | None
    ) -> tuple[Array | None, ...]:
        x, g = _rows(input, self.shape_of_row), _rows(grad, self.shape_of_row)
        width = x.shape[1]
        w = ones(width, x.dtype) if weight is None else weight.reshape(-1)
        grad_input = np.empty(grad.shape, x.dtype)  # as returned: the engine copies views
        out = grad_input.reshape(x.shape)
        grad_weight, grad_bias = np.zeros((2, width), x.dtype)
        product = np.empty(x[first_piece(x)].shape, x.dtype)
        for piece in pieces(*x.shape):
            g_piece, inverse = g[piece], self.inverse[piece]
            centered = out[piece]  # in the memory of what it becomes
            product = product[: len(centered)]
            np.subtract(x[piece], self.mean[piece][:, None], out=centered)
            np.multiply(g_piece, centered, out=product)
            grad_weight += inverse @ product
            grad_bias += ones(len(g_piece), g.dtype) @ g_piece
            if not self.needs(0):
                continue
            # Sums over rows by BLAS: Σ grad w y and Σ grad w are products of matrix and vector.
            slope = product @ w
            slope *= inverse**3 / -width
            offset = g_piece @ w
            offset *= inverse / width
            np.multiply(g_piece, inverse[:, None], out=product)
            if weight is not None:
                product *= w
            centered *= slope[:, None]
            centered += product
            centered -= offset[:, None]
        return (
            grad_input if self.needs(0) else None,
            None if weight is None else grad_weight.reshape(weight.shape),
            None if bias is None else grad_bias.reshape(bias.shape),
        )

    def plain(self, input: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        dims = tuple(range(-len(self.shape_of_row), 0))
        centered = input - input.mean(dim=dims, keepdim=True)
        var = (centered * centered).mean(dim=dims, keepdim=True)
        return affine(centered / unary.sqrt(var + self.eps), weight, bias)


def affine(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    """w x + b."""
    if weight is not None:
        x = x * weight
    return x if bias is None else x + bias


def _rows(x: Array, shape: tuple[int, ...]) -> Array:
    """x as a matrix with one row for each part of this shape."""
    return x.reshape(prod(x.shape[: x.ndim - len(shape)]), prod(shape))


class RMSNorm(Fused):
    """z = w x/√(m + ε), with the mean m of the squares of each row of D numbers

    With r = 1/√(m + ε): grad_w = Σ grad x r        grad_x = r (grad w - x r² (Σ grad w x)/D)
    """

    __slots__ = ("eps", "inverse", "shape_of_row")
    scratch = ("inverse",)

    def __init__(self, shape: tuple[int, ...], eps: float) -> None:
        self.shape_of_row = shape
        self.eps = eps

    @quiet
    def forward(self, input: Array, weight: Array | None) -> Array:
        x = _rows(input, self.shape_of_row)
        out = np.empty(x.shape, x.dtype)
        self.inverse = np.empty(len(x), x.dtype)
        for piece in pieces(*x.shape):
            inverse = np.vecdot(x[piece], x[piece]) / x.shape[1]
            inverse = self.inverse[piece] = 1 / np.sqrt(inverse + self.eps)
            z = np.multiply(x[piece], inverse[:, None], out=out[piece])
            if weight is not None:
                z *= weight.reshape(-1)
        return out.reshape(input.shape)

    def backward(
        self, grad: Array, input: Array, weight: Array | None
    ) -> tuple[Array | None, Array | None]:
        x, g = _rows(input, self.shape_of_row), _rows(grad, self.shape_of_row)
        width = x.shape[1]
        w = ones(width, x.dtype) if weight is None else weight.reshape(-1)
        grad_input = np.empty(grad.shape, x.dtype)  # as returned: the engine copies views
        out = grad_input.reshape(x.shape)
        grad_weight = np.zeros(width, x.dtype)
        spread = np.empty(x[first_piece(x)].shape, x.dtype)
        for piece in pieces(*x.shape):
            inverse, product = self.inverse[piece], out[piece]
            spread = spread[: len(product)]
            np.multiply(g[piece], x[piece], out=product)
            grad_weight += inverse @ product
            if not self.needs(0):
                continue
            slope = product @ w
            slope *= inverse**3 / width
            np.multiply(x[piece], slope[:, None], out=spread)
            np.multiply(g[piece], inverse[:, None], out=product)
            if weight is not None:
                product *= w
            product -= spread
        return (
            grad_input if self.needs(0) else None,
            None if weight is None else grad_weight.reshape(weight.shape),
        )

    def plain(self, input: Tensor, weight: Tensor | None) -> Tensor:
        dims = tuple(range(-len(self.shape_of_row), 0))
        square = (input * input).mean(dim=dims, keepdim=True)
        return affine(input / unary.sqrt(square + self.eps), weight, None)


# Public functions.


def check_floating(name: str, input: Any) -> None:
    check_tensor(name, input)
    if input.array.dtype.kind != "f":
        raise RuntimeError(
            f"{name}: the input is floating; got {input.dtype}. Convert it: `x.float()`."
        )


def check_vectors(name: str, x: Array, shape: tuple[int, ...], **vectors: Tensor | None) -> None:
    """Weight, bias and estimates have the shape and the type that the input asks for."""
    for which, t in vectors.items():
        if t is None:
            continue
        if t.array.shape != shape:
            raise RuntimeError(
                f"{name}: for the input of shape {x.shape}, {which} has shape {shape}; got "
                f"{t.array.shape}."
            )
        if t.array.dtype != x.dtype:
            raise RuntimeError(
                f"{name}: the input is {x.dtype}, but {which} is {t.array.dtype}. Convert one: "
                f"`layer.to(tg.{x.dtype})`, or `x.to(tg.{t.array.dtype})`."
            )


def _row_shape(name: str, input: Tensor, normalized_shape: Sequence[int]) -> tuple[int, ...]:
    """The shape of what is normalised together: the last dimensions of the input."""
    check_floating(name, input)
    if isinstance(normalized_shape, int):
        raise TypeError(
            f"{name}: normalized_shape is a tuple or list, the last dimensions of the input. Write "
            f"({normalized_shape},)."
        )
    shape = tuple(normalized_shape)
    if not shape:
        raise RuntimeError(f"{name}: normalized_shape names at least one dimension; it is empty.")
    if input.array.shape[-len(shape) :] != shape:
        raise RuntimeError(
            f"{name}: given normalized_shape={list(shape)}, expected an input whose shape ends in "
            f"{shape}, but got input of size {list(input.shape)}."
        )
    return shape


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """w (x - μ)/√(σ² + eps) + b, with μ and σ² over the last dimensions of each sample.

    `normalized_shape` is the shape of these dimensions, and of weight and bias; σ² is the biased
    variance. Raises RuntimeError for shapes and types that do not fit. PyTorch: `F.layer_norm`.
    Source: Ba, Kiros and Hinton, "Layer normalization", 2016.

    >>> F.layer_norm(tg.tensor([[1.0, 3.0], [10.0, 30.0]]), (2,))
    tensor([[-1.0000,  1.0000],
            [-1.0000,  1.0000]])
    """
    shape = _row_shape("layer_norm", input, normalized_shape)
    check_vectors("layer_norm", input.array, shape, weight=weight, bias=bias)
    return apply(LayerNorm(shape, eps), input, weight, bias)


def rms_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """w x/√(m + eps), with the mean m of x² over the last dimensions of each sample.

    `normalized_shape` is the shape of these dimensions, and of the weight. `eps=None` is the
    spacing of the numbers after 1 in the input's type. Raises RuntimeError for shapes and types
    that do not fit. PyTorch: `F.rms_norm`. Source: Zhang and Sennrich, "Root mean square layer
    normalization", 2019.

    >>> F.rms_norm(tg.tensor([[3.0, 4.0]]), (2,)).square().mean()
    tensor(1.)
    """
    shape = _row_shape("rms_norm", input, normalized_shape)
    check_vectors("rms_norm", input.array, shape, weight=weight)
    if eps is None:
        eps = float(np.finfo(input.array.dtype).eps)
    return apply(RMSNorm(shape, eps), input, weight)
