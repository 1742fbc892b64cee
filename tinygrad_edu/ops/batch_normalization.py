"""Batch normalisation: each channel with mean 0 and variance 1, then scaled and shifted."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from ..autograd.fused import Fused
from ..autograd.graph import Array, apply
from . import unary
from .arguments import check_tensor
from .dtypes import quiet
from .softmax import ones

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["batch_norm", "move_estimate"]

# The kernels see x in one of two layouts, in which a vector v of C channels is broadcast by
# `_across(v, x)`: (N, C), also (N, C, ...) whose memory is channels-last, and (N, C, M) with M = H
# W.


def _flat(x: Array) -> Array:
    """x (N, C, ...) as (N, C) or (N, C, M), without a copy where possible."""
    if x.ndim == 2:
        return x
    last = x.transpose(0, *range(2, x.ndim), 1)
    if last.flags.c_contiguous:
        return last.reshape(-1, x.shape[1])
    return x.reshape(*x.shape[:2], prod(x.shape[2:]))


def _empty(like: Array, flat: Array) -> tuple[Array, Array]:
    """An array for a result, and the same memory in the layout of the kernel's own array."""
    # No view is returned as a result: the engine would copy it where it becomes a leaf's gradient.
    last = flat.ndim < like.ndim and flat.ndim == 2
    result = np.empty_like(like) if last else np.empty(like.shape, like.dtype)
    return result, _like(result, flat)


def _like(grad: Array, flat: Array) -> Array:
    """The gradient in the layout of the kernel's own array."""
    if flat.ndim == 3:
        return grad.reshape(flat.shape)
    return (
        grad if grad.ndim == 2 else grad.transpose(0, *range(2, grad.ndim), 1).reshape(flat.shape)
    )


def _across(vector: Array, x: Array) -> Array:
    return vector if x.ndim == 2 else vector[:, None]


def _sums(x: Array) -> Array:
    """The sum of each channel, by BLAS (see `ones`)."""
    if x.ndim == 3:
        rows, channels, size = x.shape
        x = (x.reshape(rows * channels, size) @ ones(size, x.dtype)).reshape(rows, channels)
    return ones(len(x), x.dtype) @ x


def _product_sums(x: Array, y: Array) -> Array:
    """The sum of x y over each channel."""
    product = np.vecdot(x, y) if x.ndim == 3 else x * y
    return ones(len(x), x.dtype) @ product


class BatchNorm(Fused):
    """z = w (x - μ)/√(σ² + ε) + b, with the mean μ and biased variance σ² of each channel of x

    With y = (x - μ)/√(σ² + ε) and n numbers in a channel: grad_w = Σ grad y        grad_b = Σ grad
    grad_x = w/√(σ² + ε) (grad - grad_b/n - y grad_w/n)
    """

    __slots__ = ("eps", "inverse", "mean", "var")
    scratch = ("inverse", "mean", "var")

    def __init__(self, eps: float) -> None:
        self.eps = eps

    @quiet
    def forward(self, input: Array, weight: Array | None, bias: Array | None) -> Array:
        x = _flat(input)
        count = input.size / input.shape[1] if input.size else 1
        self.mean = _sums(x) / count
        # x - μ becomes z where it stands, and is computed again in backward: on large arrays a pass
        # costs less than the memory.
        result, out = _empty(input, x)
        np.subtract(x, _across(self.mean, x), out=out)
        self.var = _product_sums(out, out) / count
        self.inverse = 1 / np.sqrt(self.var + self.eps)
        out *= _across(self.inverse if weight is None else self.inverse * weight, x)
        if bias is not None:
            out += _across(bias, x)
        return result

    def backward(self, grad: Array, input: Array, weight: Array | None) -> tuple[Array | None, ...]:
        x, inverse = _flat(input), self.inverse
        g = _like(grad, x)
        result, out = _empty(input, x)
        np.subtract(x, _across(self.mean, x), out=out)
        grad_weight = _product_sums(g, out) * inverse
        grad_bias = _sums(g)
        if not self.needs(0):
            return None, grad_weight, grad_bias
        # w/√ (grad - grad_b/n - y grad_w/n), multiplied out so that every pass over the array is
        # one operation.
        per_element = grad.shape[1] / grad.size if grad.size else 0.0
        out *= _across(inverse * grad_weight * -per_element, g)
        out += g
        out -= _across(grad_bias * per_element, g)
        out *= _across(inverse if weight is None else inverse * weight, g)
        return result, grad_weight, grad_bias

    def plain(self, input: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        dims = (0, *range(2, input.ndim))
        centered = input - input.mean(dim=dims, keepdim=True)
        var = (centered * centered).mean(dim=dims, keepdim=True)
        return _affine(centered / unary.sqrt(var + self.eps), weight, bias)


def _affine(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    """w x + b for each channel."""
    shape = (-1, *[1] * (x.ndim - 2))
    if weight is not None:
        x = x * weight.reshape(shape)
    return x if bias is None else x + bias.reshape(shape)


class BatchNormEval(Fused):
    """z = w (x - μ)/√(σ² + ε) + b, with given μ and σ²        grad_x = grad w/√(σ² + ε)"""

    __slots__ = ("eps",)

    def __init__(self, eps: float) -> None:
        self.eps = eps

    @quiet
    def forward(
        self, input: Array, weight: Array | None, bias: Array | None, mean: Array, var: Array
    ) -> Array:
        x = _flat(input)
        # x scale + shift: two passes over x instead of four.
        scale = 1 / np.sqrt(var + self.eps)
        if weight is not None:
            scale = scale * weight
        shift = -mean * scale if bias is None else bias - mean * scale
        result, out = _empty(input, x)
        np.multiply(x, _across(scale, x), out=out)
        out += _across(shift, x)
        return result

    def backward(
        self, grad: Array, input: Array, weight: Array | None, mean: Array, var: Array
    ) -> tuple[Array | None, ...]:
        x = _flat(input)
        g = _like(grad, x)
        inverse = 1 / np.sqrt(var + self.eps)
        grad_bias = _sums(g)
        grad_weight = (_product_sums(g, x) - mean * grad_bias) * inverse if self.needs(1) else None
        scale = inverse if weight is None else inverse * weight
        if not self.needs(0):
            return None, grad_weight, grad_bias, None, None
        result, out = _empty(input, x)
        np.multiply(g, _across(scale, g), out=out)
        return result, grad_weight, grad_bias, None, None

    def plain(
        self, input: Tensor, weight: Tensor | None, bias: Tensor | None, mean: Tensor, var: Tensor
    ) -> Tensor:
        shape = (-1, *[1] * (input.ndim - 2))
        normal = (input - mean.reshape(shape)) / unary.sqrt(var.reshape(shape) + self.eps)
        return _affine(normal, weight, bias)


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """w (x - μ)/√(σ² + eps) + b for each channel of (N, C), (N, C, L), (N, C, H, W), ...

    When training, μ and σ² are the mean and the biased variance over all dimensions but C, and the
    running estimates (where given) become (1 - momentum) running + momentum new, with the unbiased
    variance. Otherwise μ and σ² are the running estimates. weight, bias and the estimates have
    shape (C). Raises ValueError for training with one value per channel or eps <= 0 and for one
    estimate without the other, RuntimeError for shapes and types that do not fit.
    PyTorch: `F.batch_norm`. Source: Ioffe and Szegedy, "Batch normalization", 2015.

    >>> F.batch_norm(tg.tensor([[1.0], [3.0]]), None, None, training=True)
    tensor([[-1.0000],
            [ 1.0000]])
    """
    x = check_tensor("batch_norm", input).array
    if x.ndim < 2 or x.dtype.kind != "f":
        raise RuntimeError(
            f"batch_norm: the input is floating, (N, C, ...); got {x.dtype} of shape {x.shape}."
        )
    channels = x.shape[1]
    if (running_mean is None) != (running_var is None):
        raise ValueError(
            "batch_norm: running_mean and running_var must either both be None or neither be None."
        )
    for t in (running_mean, running_var, weight, bias):
        if t is not None and (t.array.shape != (channels,) or t.array.dtype != x.dtype):
            _refuse(x, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if not training:
        if running_mean is None or running_var is None:
            raise RuntimeError(
                "batch_norm: running_mean and running_var are needed when training=False. Without "
                "them, pass training=True: the batch's own mean and variance."
            )
        return apply(BatchNormEval(eps), input, weight, bias, running_mean, running_var)
    count = x.size // channels if channels else 0
    if count == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {x.shape}: the "
            "variance of one value is 0. Use a larger batch (drop_last=True leaves out an "
            "incomplete one), or .eval() to predict."
        )
    if eps <= 0:
        raise ValueError(f"batch_norm: eps must be positive during training, but got {eps}.")
    operation = BatchNorm(eps)
    result = apply(operation, input, weight, bias)
    if count:
        move_estimate(running_mean, operation.mean, momentum)
        # The unbiased variance divides by count - 1.
        move_estimate(running_var, operation.var * (count / (count - 1)), momentum)
    return result


def _refuse(x: Array, **vectors: Tensor | None) -> None:
    """Say what is wrong with the first vector that does not fit."""
    for name, t in vectors.items():
        if t is not None and t.array.shape != x.shape[1:2]:
            raise RuntimeError(
                f"batch_norm: the input of shape {x.shape} has {x.shape[1]} channels, so {name} "
                f"has shape ({x.shape[1]},); got {t.array.shape}."
            )
        if t is not None and t.array.dtype != x.dtype:
            raise RuntimeError(
                f"batch_norm: the input is {x.dtype}, but {name} is {t.array.dtype}. Convert one: "
                f"`layer.to(tg.{x.dtype})`, or `x.to(tg.{t.array.dtype})`."
            )


def move_estimate(running: Tensor | None, new: Array, momentum: float) -> None:
    """running ← (1 - momentum) running + momentum new"""
    if running is not None:
        running.array *= 1 - momentum
        running.array += momentum * new
        running.version[0] += 1
