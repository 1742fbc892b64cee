"""Inputs, arguments and references of pooling: one window after the other."""

import itertools
from math import inf

import numpy as np
from hypothesis import strategies as st

from tinygrad_edu.testing.strategies import arrays, spread

# Inputs and arguments.

LINES = st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(1, 6))
PLANES = st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(1, 5), st.integers(1, 5))


def with_or_without_batch(shapes):
    return st.tuples(shapes, st.booleans()).map(
        lambda drawn: drawn[0][1:] if drawn[1] else drawn[0]
    )


def lines(**options):
    return arrays(with_or_without_batch(LINES), **options)


def planes(**options):
    return arrays(with_or_without_batch(PLANES), **options)


@st.composite
def one_window(draw, size, dilated):
    """kernel_size, stride, padding and dilation with which a window fits a dimension."""
    kernel = draw(st.integers(1, min(size, 3)))
    padding = draw(st.integers(0, kernel // 2))
    room = (size + 2 * padding - 1) // max(kernel - 1, 1)
    dilation = draw(st.integers(1, max(1, min(3, room, size)))) if dilated else 1
    return kernel, draw(st.integers(1, 3)), padding, dilation


def window_arguments(n, dilated=False, padded=True, options=None):
    """The arguments of a pooling function with n spatial dimensions."""

    def build(x, *_):
        each = st.tuples(*(one_window(size, dilated) for size in x.shape[-n:]))
        names = ["kernel_size", "stride", "padding", "dilation"]

        def named(windows):
            kwargs = dict(zip(names, zip(*windows, strict=True), strict=True))
            if not dilated:
                del kwargs["dilation"]
            if not padded:
                del kwargs["padding"]
            return kwargs

        more = st.fixed_dictionaries({"ceil_mode": st.booleans(), **(options or {})})
        return st.tuples(each.map(named), more).map(lambda both: both[0] | both[1])

    return build


def output_size(n):
    return lambda x: st.tuples(*[st.integers(1, 6)] * n).map(
        lambda sizes: {"output_size": sizes if n > 1 else sizes[0]}
    )


# References: one window after the other.


def along(size, kernel, stride, padding, dilation, ceil_mode):
    """The elements of each window of a dimension, padding included."""
    begins = itertools.count(-padding, stride)
    found = []
    for begin in begins:
        last = begin + dilation * (kernel - 1)
        if last >= size + padding and not (
            ceil_mode and begin < size and (last < size + padding + stride - 1)
        ):
            return found
        found.append([begin + dilation * i for i in range(kernel)])


def pooled(x, windows, reduce):
    """`reduce(elements, windows)` of each window; `elements` are those inside of the input."""
    n = len(windows)
    out = np.empty((*x.shape[:-n], *map(len, windows)))
    for place in np.ndindex(*out.shape[-n:]):
        chosen = [window[o] for window, o in zip(windows, place, strict=True)]
        inside = [
            [i for i in window if 0 <= i < size]
            for window, size in zip(chosen, x.shape[-n:], strict=True)
        ]
        elements = x[(..., *np.ix_(*inside))].reshape(*x.shape[:-n], -1)
        out[(..., *place)] = reduce(elements, chosen)
    return out


def reference(n, reduce):
    def run(x, kernel_size, stride, padding=(0,) * 2, dilation=(1,) * 2, ceil_mode=False, **kwargs):
        windows = [
            along(*each, ceil_mode)
            for each in zip(x.shape[-n:], kernel_size, stride, padding, dilation, strict=False)
        ]
        return pooled(x, windows, lambda elements, chosen: reduce(elements, chosen, x, **kwargs))

    return run


def largest(elements, chosen, x):
    return elements.max(-1)


def mean_for(padding_of):
    """The mean as PyTorch defines it, where padding counts up to its own end."""

    def mean(elements, chosen, x, count_include_pad=True, divisor_override=None):
        if divisor_override is not None:
            return elements.sum(-1) / divisor_override
        if not count_include_pad:
            return elements.mean(-1)
        sizes = x.shape[-len(chosen) :]
        lengths = [
            sum(i < size + p for i in window)
            for window, size, p in zip(chosen, sizes, padding_of, strict=False)
        ]
        return elements.sum(-1) / np.prod(lengths)

    return mean


def average(n):
    def run(x, padding, **kwargs):
        return reference(n, mean_for(padding))(x, padding=padding, **kwargs)

    return run


def norm(n):
    def run(x, norm_type, **kwargs):
        def powers(elements, chosen, x):
            if norm_type == inf:
                return elements.max(-1)
            # PyTorch scales the mean of a window that hangs over the edge up to a whole one.
            lengths = [
                sum(i < size for i in window)
                for window, size in zip(chosen, x.shape[-n:], strict=True)
            ]
            whole = np.prod([len(window) for window in chosen])
            return ((elements**norm_type).sum(-1) / np.prod(lengths) * whole) ** (1 / norm_type)

        return reference(n, powers)(x, **kwargs)

    return run


def adaptive(n, reduce):
    def run(x, output_size):
        sizes = (output_size,) if isinstance(output_size, int) else output_size
        windows = [
            [range(o * size // count, -(-(o + 1) * size // count)) for o in range(count)]
            for size, count in zip(x.shape[-n:], sizes, strict=True)
        ]
        return pooled(x, windows, lambda elements, _: reduce(elements, -1))

    return run


@st.composite
def maxima_and_places(draw, n):
    """Values, and for each a place of its own in planes of a size that kernels of 2 come from."""
    shape = draw(st.tuples(*[st.integers(1, 2)] * 2, *[st.integers(1, 3)] * n))
    room, count = int(np.prod(shape[2:])) * 2**n, int(np.prod(shape[2:]))
    seed = draw(st.integers(0, 1000))
    generator = np.random.default_rng(seed)
    rows = [generator.permutation(room)[:count] for _ in range(shape[0] * shape[1])]
    return spread(shape, seed), np.array(rows, dtype=np.int64).reshape(shape)


def scattered(x, indices, kernel_size):
    n = x.ndim - 2
    out = np.zeros((*x.shape[:2], int(np.prod([2 * size for size in x.shape[2:]]))))
    np.put_along_axis(out, indices.reshape(*x.shape[:2], -1), x.reshape(*x.shape[:2], -1), -1)
    return out.reshape(*x.shape[:2], *(2 * size for size in x.shape[-n:]))
