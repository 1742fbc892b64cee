"""Array kernels of convolution: products of the images' windows (see columns.py) with the weights.

The matrix of the windows times the weights is the result; its transpose times the gradient of the
result is the gradient of the weights. Inputs may have any layout in memory; results are
contiguous.

Where every channel has a kernel of its own (depthwise), the matrices would have one column, and the
kernels work element by element instead: the sum over the elements of the kernel of a shifted image
times a weight for each channel.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from ..autograd.graph import Array
from .columns import Columns, Pair, Window, blocks
from .softmax import ones

__all__ = ["bias_gradient", "correlate", "input_gradient", "weight_gradient"]

#: Up to so many products OpenBLAS multiplies matrices as they are, without a copy in its own order.
SMALL = 1_000_000

# A freed array of more than 128 KB goes back to the system at first, and the next one comes as new
# pages that the system has to clear: a third of the time of a training step of a small network of
# convolutions (20 ms, 14 without). GNU's malloc keeps what is freed once a block of that size has
# been freed before; this one, below its limit of 32 MB, is never touched.
np.empty(2**25 - 2**16, np.uint8)


def correlate(x: Array, weight: Array, bias: Array | None, window: Window) -> Array:
    """The sum over each window of x (N, C, H, W) times weight (O, C/groups, KH, KW), plus bias."""
    groups, columns = window.groups, Columns(x, window)
    outputs, (height, width) = len(weight) // groups, columns.places
    out = np.empty((len(x), groups, outputs, height, width), x.dtype)
    if is_depthwise(weight, window):
        depthwise_products(columns, weight, out[:, :, 0])
    else:
        matrix = matrices(weight, groups)
        turned = np.ascontiguousarray(matrix.swapaxes(1, 2))
        for images, lines, block in columns:
            result = out[images, :, :, lines]
            count, high = len(result), result.shape[3]
            if columns.by_lines:
                flat = result.reshape(count, groups, outputs, high * width)
                np.matmul(turned, block, out=flat)
            else:
                pixels = multiply(block, matrix).reshape(groups, count, high, width, outputs)
                result[...] = pixels.transpose(1, 0, 4, 2, 3)
    if bias is not None:
        out += bias.reshape(groups, outputs, 1, 1)
    return out.reshape(len(x), groups * outputs, height, width)


def weight_gradient(x: Array, grad: Array, weight: Array, window: Window) -> Array:
    """The gradient of the weights from that of the result, (N, O, H', W')."""
    groups, kernel = window.groups, window.kernel
    outputs, channels = weight.shape[0] // groups, weight.shape[1]
    columns = Columns(x, window)
    result = np.empty(weight.shape, x.dtype)
    if is_depthwise(weight, window):
        result[:, 0] = depthwise_weight_gradient(columns, grad)
        return result
    grad = grad.reshape(len(grad), groups, outputs, *columns.places)
    total = np.zeros((groups, prod(kernel) * channels, outputs), x.dtype)
    for images, lines, block in columns:
        part = grad[images, :, :, lines]
        if columns.by_lines:
            pixels = part.reshape(*part.shape[:3], -1).swapaxes(2, 3)
            total += (block @ pixels).sum(axis=0)
        else:
            pixels = part.transpose(1, 0, 3, 4, 2).reshape(groups, -1, outputs)
            total += transposed_product(block, pixels)
    split = total.reshape(groups, *kernel, channels, outputs)
    result.reshape(groups, outputs, channels, *kernel)[...] = split.transpose(0, 4, 3, 1, 2)
    return result


def bias_gradient(grad: Array) -> Array:
    """The sum over all pixels of each channel."""
    images, channels, height, width = grad.shape
    if not grad.flags.c_contiguous:
        return np.asarray(grad.sum(axis=(2, 3)).sum(axis=0))
    # By BLAS: 0.1 ms instead of 0.3 for (100, 16, 28, 28).
    rows = grad.reshape(images * channels, height * width) @ ones(height * width, grad.dtype)
    return np.asarray(ones(images, grad.dtype) @ rows.reshape(images, channels))


def input_gradient(grad: Array, weight: Array, window: Window, size: Pair) -> Array:
    """The gradient of images (N, C, H, W) from that of the result, (N, O, H', W').

    Every pixel of the gradient goes, times the weights, to all pixels of its window. For a stride
    of 1 this is a correlation, too, with the kernel turned around: faster for more than a few
    channels.
    """
    groups, kernel = window.groups, window.kernel
    outputs, channels = weight.shape[0] // groups, weight.shape[1]
    depthwise = is_depthwise(weight, window)
    if window.stride == (1, 1) and (channels >= 8 or depthwise):
        (top, bottom), (left, right) = window.padding
        down, across = window.reach
        back = (down - top, down - bottom), (across - left, across - right)
        split = weight.reshape(groups, outputs, channels, *kernel)[..., ::-1, ::-1]
        turned = split.swapaxes(1, 2).reshape(groups * channels, outputs, *kernel)
        return correlate(grad, turned, None, window._replace(padding=back))
    if depthwise:
        return depthwise_overlapping_sums(grad, weight, window, size)
    return overlapping_sums(grad, weight, window, size)


def overlapping_sums(grad: Array, weight: Array, window: Window, size: Pair) -> Array:
    """`input_gradient`, one element of the kernel after the other: its products, added in place."""
    groups, (down, across) = window.groups, window.stride
    outputs, channels = weight.shape[0] // groups, weight.shape[1]
    (height, width), (lines, places) = bordered(window, size), window.places(size)
    flat = window.stride == (1, 1)
    # With lines as wide as the padded image, zeros at their ends, all of them are added as one
    # line, which the elements of the kernel shift: 2.1 ms instead of 3.2 for (100, 6, 14, 14), 5×5.
    pitch = width if flat else places
    matrix = matrices(weight, groups)
    grad = grad.reshape(len(grad), groups, outputs, lines, places).transpose(1, 2, 0, 3, 4)
    out = np.empty((grad.shape[2], groups, channels, *size), grad.dtype)
    line = pitch * groups * matrix.shape[1] * grad.itemsize
    for images, block in blocks(len(out), lines, line):
        count, high = images.stop - images.start, block.stop - block.start
        if block.start == 0:
            # One line more than needed: the zeros behind the last line are added, too.
            total = np.zeros((groups, channels, count, height + 1, width), grad.dtype)
        pixels = np.zeros((groups, outputs, count, high, pitch), grad.dtype)
        pixels[..., :places] = grad[:, :, images, block]
        products = matrix @ pixels.reshape(groups, outputs, -1)
        each = products.reshape(groups, *window.kernel, channels, count, high, pitch)
        for (i, j), (y, x) in elements(window, block.start):
            if flat:
                run = total.reshape(groups, channels, count, -1)[..., y * width + x :]
                run[..., : high * pitch] += each[:, i, j].reshape(groups, channels, count, -1)
            else:
                below, right = y + (high - 1) * down + 1, x + (places - 1) * across + 1
                total[..., y:below:down, x:right:across] += each[:, i, j]
        if block.stop == lines:
            (top, _), (left, _) = window.padding
            inside = total[..., top : top + size[0], left : left + size[1]]
            out[images] = inside.transpose(2, 0, 1, 3, 4)
    return out.reshape(len(out), groups * channels, *size)


def bordered(window: Window, size: Pair) -> Pair:
    """The size of an image with its border, and with what negative padding cuts off from it."""
    (top, _), (left, _) = window.padding
    height, width = window.padded(size)
    return max(height, top + size[0]), max(width, left + size[1])


def elements(window: Window, line: int) -> Iterator[tuple[Pair, Pair]]:
    """Each element of the kernel, and where it lies in the image for a line's first place."""
    first = line * window.stride[0]
    for i, j in np.ndindex(window.kernel):
        yield (i, j), (first + i * window.dilation[0], j * window.dilation[1])


# Products of the matrices of all groups.


def matrices(weight: Array, groups: int) -> Array:
    """Weights (O, C, KH, KW) as one matrix (KH KW C, O of the group) for each group."""
    outputs, channels, height, width = weight.shape
    split = weight.reshape(groups, outputs // groups, channels, height, width)
    return split.transpose(0, 3, 4, 2, 1).reshape(groups, -1, outputs // groups)


def parts(rows: int, products: int) -> int:
    """In how many parts to multiply so many rows with so many products each.

    One; or as many as it takes for OpenBLAS to multiply them as they are, unless that leaves a part
    too few rows. With 144 columns and 16 results: 110 billion operations a second instead of 77.
    """
    if products * 384 <= SMALL < rows * products:
        least = -(-rows * products // SMALL)
        for count in range(least, 3 * least):
            if rows % count == 0:
                return count
    return 1


def multiply(columns: Array, weight: Array) -> Array:
    """columns (groups, R, K) · weight (groups, K, O)."""
    groups, rows, width = columns.shape
    count = parts(rows, width * weight.shape[2])
    if count == 1:
        return np.asarray(columns @ weight)
    cut = columns.reshape(groups, count, rows // count, width)
    return np.asarray(cut @ weight[:, None]).reshape(groups, rows, -1)


def transposed_product(columns: Array, grad: Array) -> Array:
    """columns (groups, R, K) transposed · grad (groups, R, O)."""
    groups, rows, width = columns.shape
    outputs = grad.shape[2]
    count = parts(rows, width * outputs)
    if count == 1:
        return np.asarray(columns.swapaxes(1, 2) @ grad)
    cut = groups, count, rows // count
    each = columns.reshape(*cut, width).swapaxes(2, 3) @ grad.reshape(*cut, outputs)
    return np.asarray(each.sum(axis=1))


# Depthwise.


def is_depthwise(weight: Array, window: Window) -> bool:
    """Whether each channel has one kernel of its own."""
    return 1 < window.groups == len(weight) and weight.shape[1] == 1


def depthwise_windows(columns: Columns) -> Iterator[tuple[slice, slice, Array]]:
    """The windows of each block as a view (N', H', W', KH, KW, C), the channels together."""
    columns.by_lines = False
    for images, lines, windows in columns.windows():
        yield images, lines, windows[..., 0].transpose(1, 2, 3, 4, 5, 0)


def along_lines(weight: Array, places: int) -> Array:
    """Depthwise weights (C, 1, KH, KW) as (KH, KW, W, C), the same for each place of a line."""
    # NumPy then runs along whole lines, not along the channels of one pixel.
    return np.repeat(weight[:, 0].transpose(1, 2, 0)[:, :, None], places, axis=2)


def depthwise_products(columns: Columns, weight: Array, out: Array) -> None:
    """out (N, C, H', W') = the sum over each window times weight (C, 1, KH, KW)."""
    factors = along_lines(weight, columns.places[1])
    for images, lines, block in depthwise_windows(columns):
        total = block[:, :, :, 0, 0] * factors[0, 0]
        scratch = np.empty_like(total)
        for i, j in list(np.ndindex(columns.window.kernel))[1:]:
            total += np.multiply(block[:, :, :, i, j], factors[i, j], out=scratch)
        out[images, :, lines] = total.transpose(0, 3, 1, 2)


def depthwise_weight_gradient(columns: Columns, grad: Array) -> Array:
    """The gradient of the weights, (C, KH, KW)."""
    kernel = columns.window.kernel
    total = np.zeros((*kernel, columns.places[1], grad.shape[1]), grad.dtype)
    for images, lines, block in depthwise_windows(columns):
        pixels = np.ascontiguousarray(grad[images, :, lines].transpose(0, 2, 3, 1))
        for i, j in np.ndindex(kernel):
            total[i, j] += np.einsum("nhwc,nhwc->wc", block[:, :, :, i, j], pixels)
    return np.asarray(total.sum(axis=2)).transpose(2, 0, 1)


def depthwise_overlapping_sums(grad: Array, weight: Array, window: Window, size: Pair) -> Array:
    """`overlapping_sums` for depthwise weights."""
    (height, width), (lines, places) = bordered(window, size), window.places(size)
    (top, _), (left, _), (down, across) = *window.padding, window.stride
    factors = along_lines(weight, places)
    images, channels = grad.shape[:2]
    out = np.empty((images, channels, *size), grad.dtype)
    image = prod(window.kernel) * height * width * channels * grad.itemsize
    for each, _ in blocks(images, 1, image):
        pixels = np.ascontiguousarray(grad[each].transpose(0, 2, 3, 1))
        total = np.zeros((len(pixels), height, width, channels), grad.dtype)
        for (i, j), (y, x) in elements(window, 0):
            below, right = y + (lines - 1) * down + 1, x + (places - 1) * across + 1
            total[:, y:below:down, x:right:across] += pixels * factors[i, j]
        inside = total[:, top : top + size[0], left : left + size[1]]
        out[each] = inside.transpose(0, 3, 1, 2)
    return out
