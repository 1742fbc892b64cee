"""A convolutional network as textbooks write it: NumPy, im2col, a class for each layer, no graph.

What the fast kernels are measured against. Its arrays are of NumPy's default type, float64, since
`np.zeros` makes the columns; it has no other extravagance: one matrix product for each convolution
and direction, and Python loops over the positions of the kernel only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


def im2col(x: Array, high: int, wide: int, stride: int = 1, pad: int = 0) -> Array:
    """Every window of the images (N, C, H, W) as a row: (N OH OW, C high wide)."""
    n, c, h, w = x.shape
    rows = (h + 2 * pad - high) // stride + 1
    columns = (w + 2 * pad - wide) // stride + 1
    padded = np.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
    windows = np.zeros((n, c, high, wide, rows, columns))
    for i in range(high):
        for j in range(wide):
            windows[:, :, i, j] = padded[
                :, :, i : i + stride * rows : stride, j : j + stride * columns : stride
            ]
    return windows.transpose(0, 4, 5, 1, 2, 3).reshape(n * rows * columns, -1)


def col2im(
    grad: Array, shape: tuple[int, ...], high: int, wide: int, stride: int = 1, pad: int = 0
) -> Array:
    """The images of `shape` that get back, added up, what each window sends them."""
    n, c, h, w = shape
    rows = (h + 2 * pad - high) // stride + 1
    columns = (w + 2 * pad - wide) // stride + 1
    windows = grad.reshape(n, rows, columns, c, high, wide).transpose(0, 3, 4, 5, 1, 2)
    padded = np.zeros((n, c, h + 2 * pad + stride - 1, w + 2 * pad + stride - 1))
    for i in range(high):
        for j in range(wide):
            padded[:, :, i : i + stride * rows : stride, j : j + stride * columns : stride] += (
                windows[:, :, i, j]
            )
    return padded[:, :, pad : h + pad, pad : w + pad]


class Convolution:
    """z = columns of x · columns of w + b."""

    def __init__(self, before: int, after: int, kernel: int, pad: int) -> None:
        scale = np.sqrt(2 / (before * kernel * kernel))
        self.params = [scale * np.random.randn(after, before, kernel, kernel), np.zeros(after)]  # noqa: NPY002 - as the textbook
        self.pad = pad

    def forward(self, x: Array) -> Array:
        weight, bias = self.params
        after, _, high, wide = weight.shape
        self.shape = x.shape
        self.columns = im2col(x, high, wide, pad=self.pad)
        out = self.columns @ weight.reshape(after, -1).T + bias
        rows = x.shape[2] + 2 * self.pad - high + 1
        return out.reshape(len(x), rows, -1, after).transpose(0, 3, 1, 2)

    def backward(self, grad: Array) -> Array:
        weight, _ = self.params
        after, _, high, wide = weight.shape
        grad = grad.transpose(0, 2, 3, 1).reshape(-1, after)
        self.grads = [(self.columns.T @ grad).T.reshape(weight.shape), grad.sum(0)]
        return col2im(grad @ weight.reshape(after, -1), self.shape, high, wide, pad=self.pad)


class MaxPool:
    """The largest value of each window of 2×2."""

    params: list[Array] = []  # noqa: RUF012 - none

    def forward(self, x: Array) -> Array:
        n, c, h, w = self.shape = x.shape
        windows = im2col(x, 2, 2, stride=2).reshape(-1, 4)
        self.largest = windows.argmax(1)
        return windows.max(1).reshape(n, h // 2, w // 2, c).transpose(0, 3, 1, 2)

    def backward(self, grad: Array) -> Array:
        grad = grad.transpose(0, 2, 3, 1)
        windows = np.zeros((grad.size, 4))
        windows[np.arange(grad.size), self.largest] = grad.ravel()
        return col2im(windows.reshape(grad.size // grad.shape[3], -1), self.shape, 2, 2, stride=2)


class Relu:
    """max(0, x)."""

    params: list[Array] = []  # noqa: RUF012 - none

    def forward(self, x: Array) -> Array:
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, grad: Array) -> Array:
        grad[self.mask] = 0
        return grad


class Affine:
    """z = x w + b, of images as rows of numbers."""

    def __init__(self, before: int, after: int) -> None:
        self.params = [np.sqrt(2 / before) * np.random.randn(before, after), np.zeros(after)]  # noqa: NPY002 - as the textbook

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        self.x = x.reshape(len(x), -1)
        return self.x @ self.params[0] + self.params[1]

    def backward(self, grad: Array) -> Array:
        self.grads = [self.x.T @ grad, grad.sum(0)]
        return (grad @ self.params[0].T).reshape(self.shape)


def adam(param: Array, grad: Array, m: Array, v: Array, rate: float) -> None:
    """One update, in place."""
    m += 0.1 * (grad - m)
    v += 0.001 * (grad**2 - v)
    param -= rate * m / (np.sqrt(v) + 1e-7)


def training_step(layers: list[Any], hidden: list[int]) -> Callable[[], None]:
    """Forward, backward and Adam on a batch of 100 images of noise, 28×28.

    `layers` is a list of convolutions (before, after, kernel, padding) and "pool"; `hidden` the
    widths of the fully connected layers.
    """
    network: list[Any] = []
    for layer in layers:
        network += [MaxPool()] if layer == "pool" else [Convolution(*layer), Relu()]
    for index in range(len(hidden) - 1):
        network += [Affine(hidden[index], hidden[index + 1]), Relu()]
    network.pop()  # no ReLU after the last layer
    moments = [
        [(np.zeros_like(param), np.zeros_like(param)) for param in layer.params]
        for layer in network
    ]
    images = np.random.rand(100, 1, 28, 28).astype(np.float32)  # noqa: NPY002 - as the textbook
    labels = np.random.randint(0, 10, 100)  # noqa: NPY002 - as the textbook
    time = 0

    def step() -> None:
        nonlocal time
        x: Array = images
        for layer in network:
            x = layer.forward(x)
        x = np.exp(x - x.max(1, keepdims=True))
        grad = x / x.sum(1, keepdims=True)
        grad[np.arange(100), labels] -= 1
        grad /= 100
        for layer in reversed(network):
            grad = layer.backward(grad)
        time += 1
        rate = 0.001 * np.sqrt(1 - 0.999**time) / (1 - 0.9**time)
        for layer, pairs in zip(network, moments, strict=True):
            if layer.params:
                for param, slope, (m, v) in zip(layer.params, layer.grads, pairs, strict=True):
                    adam(param, slope, m, v, rate)

    return step
