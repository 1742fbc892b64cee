"""Normalisation of channels within each sample: group, instance and local response norm."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from ..autograd.fused import Fused
from ..autograd.graph import Array, apply
from . import unary
from .batch_normalization import batch_norm, move_estimate
from .dtypes import quiet
from .joining import pad
from .layer_normalization import (
    affine,
    center,
    check_floating,
    check_vectors,
    first_piece,
    pieces,
)
from .shape import narrow
from .softmax import ones

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["group_norm", "instance_norm", "local_response_norm"]


class GroupNorm(Fused):
    """z = w (x - μ)/√(σ² + ε) + b, with μ and σ² of each group of channels of each sample

    The gradients are those of `LayerNorm`, but w and b belong to channels. One channel in a group:
    instance norm.
    """

    __slots__ = ("eps", "groups", "inverse", "mean", "var")
    scratch = ("inverse", "mean", "var")

    def __init__(self, groups: int, eps: float) -> None:
        self.groups = groups
        self.eps = eps

    # A sample is seen as (G, M), rows that are normalised, and as (C, size), its channels.

    @quiet
    def forward(self, input: Array, weight: Array | None, bias: Array | None) -> Array:
        samples, channels = input.shape[:2]
        size = prod(input.shape[2:])
        groups, width = self.groups, channels // self.groups * size
        x = input.reshape(samples, groups * width)
        out = np.empty(x.shape, x.dtype)
        self.mean = np.empty((samples, groups), x.dtype)
        self.var = np.empty((samples, groups), x.dtype)
        for piece in pieces(*x.shape):
            rows = (len(x[piece]) * groups, width)
            z = out[piece].reshape(rows)
            mean, var = center(x[piece].reshape(rows), z)
            self.mean[piece], self.var[piece] = mean.reshape(-1, groups), var.reshape(-1, groups)
            inverse = 1 / np.sqrt(var + self.eps)
            if weight is None:
                z *= inverse[:, None]
            else:
                scale = inverse.reshape(-1, groups, 1) * weight.reshape(groups, -1)
                z = z.reshape(scale.size, size)
                z *= scale.reshape(-1, 1)
            if bias is not None:
                z = z.reshape(len(x[piece]), channels, size)
                z += bias[:, None]
        self.inverse = 1 / np.sqrt(self.var + self.eps)
        return out.reshape(input.shape)

    def backward(
        self, grad: Array, input: Array, weight: Array | None, bias: Array | None
    ) -> tuple[Array | None, ...]:
        samples, channels = grad.shape[:2]
        size = prod(grad.shape[2:])
        groups, width = self.groups, channels // self.groups * size
        x, g = input.reshape(samples, groups * width), grad.reshape(samples, groups * width)
        w = ones(channels, x.dtype) if weight is None else weight
        grad_input = np.empty(grad.shape, x.dtype)  # as returned: the engine copies views
        out = grad_input.reshape(x.shape)
        grad_weight, grad_bias = np.zeros((2, channels), x.dtype)
        buffer = np.empty(x[first_piece(x)].size, x.dtype)
        one = ones(size, x.dtype)
        in_groups = w.reshape(groups, -1)
        for piece in pieces(*x.shape):
            count = len(x[piece])
            rows, columns = (count * groups, width), (count * channels, size)
            inverse = self.inverse[piece][..., None]
            centered = out[piece].reshape(rows)  # in the memory of what it becomes
            product = buffer[: centered.size].reshape(columns)
            g_columns = g[piece].reshape(columns)
            np.subtract(x[piece].reshape(rows), self.mean[piece].reshape(-1, 1), out=centered)
            np.multiply(centered.reshape(columns), g_columns, out=product)
            # For each channel of each sample.
            along = (product @ one).reshape(-1, groups, channels // groups)
            total = (g_columns @ one).reshape(along.shape)
            grad_weight += (along * inverse).sum(axis=0).reshape(-1)
            grad_bias += total.sum(axis=0).reshape(-1)
            if not self.needs(0):
                continue
            slope = (along * in_groups).sum(axis=2, keepdims=True) * (inverse**3 / -width)
            offset = (total * in_groups).sum(axis=2, keepdims=True) * (inverse / width)
            np.multiply(g_columns, (inverse * in_groups).reshape(-1, 1), out=product)
            centered *= slope.reshape(-1, 1)
            centered += product.reshape(rows)
            centered -= offset.reshape(-1, 1)
        return (
            grad_input if self.needs(0) else None,
            None if weight is None else grad_weight,
            None if bias is None else grad_bias,
        )

    def plain(self, input: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        samples, channels = input.shape[:2]
        width = channels // self.groups * prod(input.shape[2:])
        x = input.reshape(samples, self.groups, width)
        centered = x - x.mean(dim=2, keepdim=True)
        var = (centered * centered).mean(dim=2, keepdim=True)
        normal = (centered / unary.sqrt(var + self.eps)).reshape(input.shape)
        vectors = [
            None if v is None else v.reshape(-1, *[1] * (input.ndim - 2)) for v in (weight, bias)
        ]
        return affine(normal, *vectors)


class LocalResponseNorm(Fused):
    """z = x d^(-β), d = k + α/n Σ x² over n neighbouring channels

    grad_x = grad d^(-β) - 2 α β/n x Σ grad x d^(-β-1), with the sum over the channels whose
    neighbour x is
    """

    __slots__ = ("alpha", "base", "beta", "count", "k")
    scratch = ("base",)

    def __init__(self, size: int, alpha: float, beta: float, k: float) -> None:
        self.count = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    @quiet
    def forward(self, input: Array) -> Array:
        before = self.count // 2
        self.base = _window_sum(input * input, before, self.count - 1 - before)
        self.base *= self.alpha / self.count
        self.base += self.k
        out = self.base ** (-self.beta)
        out *= input
        return out

    def backward(self, grad: Array, input: Array) -> tuple[Array]:
        after = self.count // 2
        power = self.base ** (-self.beta)
        power *= grad
        spread = _window_sum(power * input / self.base, self.count - 1 - after, after)
        spread *= input
        spread *= 2 * self.alpha * self.beta / self.count
        power -= spread
        return (power,)

    def plain(self, input: Tensor) -> Tensor:
        before = self.count // 2
        edges = (*(0, 0) * (input.ndim - 2), before, self.count - 1 - before)
        square = pad(input * input, edges)
        total = sum(narrow(square, 1, start, input.shape[1]) for start in range(self.count))
        return input / (self.k + self.alpha / self.count * total) ** self.beta


def _window_sum(x: Array, before: int, after: int) -> Array:
    """For each channel the sum over so many channels before it, itself, and so many after it."""
    total = x.copy()
    channels = x.shape[1]
    for step in range(1, min(before, channels - 1) + 1):
        total[:, step:] += x[:, :-step]
    for step in range(1, min(after, channels - 1) + 1):
        total[:, :-step] += x[:, step:]
    return total


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """w (x - μ)/√(σ² + eps) + b, with μ and σ² over each group of channels of each sample.

    The input is (N, C, ...); its C channels form `num_groups` groups of neighbours; weight and bias
    have shape (C). Raises RuntimeError for shapes and types that do not fit and if C is not a
    multiple of `num_groups`, ValueError if there is one number only. PyTorch: `F.group_norm`.
    Source: Wu and He, "Group normalization", 2018.

    >>> F.group_norm(tg.tensor([[1.0, 3.0, 10.0, 30.0]]), 2)
    tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])
    """
    check_floating("group_norm", input)
    x = input.array
    if x.ndim < 2:
        raise RuntimeError(
            f"group_norm: expected at least 2 dimensions, (N, C, ...); got shape {x.shape}."
        )
    if num_groups < 1 or x.shape[1] % num_groups:
        raise RuntimeError(
            "group_norm: expected the number of channels to be divisible by num_groups; got "
            f"{x.shape[1]} channels (input of shape {x.shape}) and num_groups={num_groups}."
        )
    if x.shape[0] * x.shape[1] // num_groups * prod(x.shape[2:]) == 1:
        raise ValueError(
            "Expected more than 1 value per channel when training, got input size "
            f"{x.shape} with num_groups={num_groups}: the variance of one value is 0."
        )
    check_vectors("group_norm", x, x.shape[1:2], weight=weight, bias=bias)
    return apply(GroupNorm(num_groups, eps), input, weight, bias)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """w (x - μ)/√(σ² + eps) + b, with μ and σ² over each channel of each sample of (N, C, ...).

    The running estimates, where given, move as in `batch_norm`, by the mean over the samples; with
    `use_input_stats=False` they are what is normalised by. weight, bias and the estimates have
    shape (C). Raises ValueError for one number in a channel and for one estimate without the
    other, RuntimeError for shapes and types that do not fit.
    PyTorch: `F.instance_norm`. Source: Ulyanov et al., "Instance normalization", 2016.

    >>> F.instance_norm(tg.tensor([[[1.0, 3.0], [10.0, 30.0]]]))
    tensor([[[-1.0000,  1.0000],
             [-1.0000,  1.0000]]])
    """
    check_floating("instance_norm", input)
    x = input.array
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise RuntimeError(
                "instance_norm: expected running_mean and running_var to be defined when "
                "use_input_stats is False."
            )
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    if (running_mean is None) != (running_var is None):
        raise ValueError(
            "instance_norm: running_mean and running_var must either both be None or neither be "
            "None."
        )
    size = prod(x.shape[2:])
    if size == 1:
        raise ValueError(
            f"Expected more than 1 spatial element when training, got input size {x.shape}: the "
            "input is (N, C, ...), and the variance of one value is 0."
        )
    check_vectors(
        "instance_norm",
        x,
        x.shape[1:2],
        running_mean=running_mean,
        running_var=running_var,
        weight=weight,
        bias=bias,
    )
    operation = GroupNorm(x.shape[1], eps)
    result = apply(operation, input, weight, bias)
    if x.size:
        move_estimate(running_mean, operation.mean.mean(axis=0), momentum)
        unbiased = size / (size - 1)
        move_estimate(running_var, operation.var.mean(axis=0) * unbiased, momentum)
    return result


def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """x / (k + alpha/size Σ x²)^beta, with the sum over `size` neighbouring channels.

    The input is (N, C, L), (N, C, H, W), ...; size // 2 of the neighbours are before the channel,
    and beyond the first and the last one are zeros. Raises ValueError for fewer than 3 dimensions,
    and unless size > 0. PyTorch: `F.local_response_norm`. Source: Krizhevsky, Sutskever and
    Hinton, "ImageNet classification with deep convolutional neural networks", 2012.

    >>> F.local_response_norm(tg.ones(1, 3, 1), size=3, alpha=3.0, beta=1.0).flatten()
    tensor([0.3333, 0.2500, 0.3333])
    """
    check_floating("local_response_norm", input)
    if input.ndim < 3:
        raise ValueError(
            "local_response_norm: expected an input of 3 or more dimensions, (N, C, L), (N, C, H, "
            f"W), ... (got {input.ndim} dimensions, shape {input.shape})."
        )
    if size < 1:
        raise ValueError(f"local_response_norm: size is at least 1; got {size}.")
    if input.array.size == 0:
        return input
    return apply(LocalResponseNorm(size, alpha, beta, k), input)
