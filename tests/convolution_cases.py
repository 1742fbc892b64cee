"""What the tests of convolution share: its definition as loops, and what the cases draw."""

import itertools

import numpy as np
from hypothesis import strategies as st

from tinygrad_edu.testing.strategies import spread

# The definitions, as loops.


def several(value, n):
    values = tuple(value) if isinstance(value, tuple) else (value,)
    return values * n if len(values) == 1 else values


def places(size, kernel, stride, dilation):
    """How many windows, and the pixels of each."""
    count = [
        (a - d * (k - 1) - 1) // s + 1
        for a, k, s, d in zip(size, kernel, stride, dilation, strict=True)
    ]
    windows = {}
    for place in itertools.product(*map(range, count)):
        windows[place] = tuple(
            slice(p * s, p * s + d * (k - 1) + 1, d)
            for p, s, k, d in zip(place, stride, kernel, dilation, strict=True)
        )
    return count, windows


def by_loops(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    """Convolution: one number after the other."""
    n = w.ndim - 2
    if x.ndim < w.ndim:
        return by_loops(x[None], w, b, stride, padding, dilation, groups)[0]
    kernel, dilation = w.shape[2:], several(dilation, n)
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        widths = [(t // 2, t - t // 2) for t in total]
    else:
        widths = [(p, p) for p in several(0 if padding == "valid" else padding, n)]
    x = np.pad(x, [(0, 0), (0, 0), *widths])
    count, windows = places(x.shape[2:], kernel, several(stride, n), dilation)
    out = np.zeros((len(x), len(w), *count))
    each = len(w) // groups
    for o in range(len(w)):
        channels = slice(o // each * w.shape[1], (o // each + 1) * w.shape[1])
        for place, window in windows.items():
            product = x[(slice(None), channels, *window)] * w[o]
            out[(slice(None), o, *place)] = product.sum(axis=tuple(range(1, n + 2)))
    return out if b is None else out + b.reshape(-1, *[1] * n)


def transposed_by_loops(x, w, b=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """Transposed convolution: each pixel times the weights, added up."""
    n = w.ndim - 2
    if x.ndim < w.ndim:
        out = transposed_by_loops(x[None], w, b, stride, padding, output_padding, groups, dilation)
        return out[0]
    stride, padding, dilation, more = (
        several(value, n) for value in (stride, padding, dilation, output_padding)
    )
    whole = [
        (a - 1) * s + d * (k - 1) + 1 + m
        for a, s, d, k, m in zip(x.shape[2:], stride, dilation, w.shape[2:], more, strict=True)
    ]
    _, windows = places(
        [a - m for a, m in zip(whole, more, strict=True)], w.shape[2:], stride, dilation
    )
    inputs, outputs = len(w) // groups, w.shape[1]
    out = np.zeros((len(x), outputs * groups, *whole))
    for c in range(len(w)):
        to = slice(c // inputs * outputs, (c // inputs + 1) * outputs)
        for place, window in windows.items():
            pixel = x[(slice(None), c, *place)].reshape(-1, *[1] * (n + 1))
            out[(slice(None), to, *window)] += pixel * w[c]
    inside = tuple(slice(p, a - p) for p, a in zip(padding, whole, strict=True))
    out = out[(..., *inside)]
    return out if b is None else out + b.reshape(-1, *[1] * n)


# What the cases draw.


@st.composite
def tensors(draw, n, *, transposed=False, bias=True, depthwise=False):
    """Input, weight and, perhaps, bias of a convolution in n dimensions."""
    number = st.integers(1, 3)
    # Without a bias, nothing tells the groups of a transposed convolution.
    groups = draw(st.integers(2, 3) if depthwise else st.sampled_from([1, 1, 2])) if bias else 1
    inputs, outputs = (1, 1) if depthwise else (draw(number), draw(number))
    batch = draw(st.sampled_from([(), (1,), (2,)]))
    size = [draw(st.integers(1, 4 if n == 2 else 7)) for _ in range(n)]
    kernel = [draw(number) for _ in range(n)]
    first, second = (groups * inputs, outputs) if transposed else (groups * outputs, inputs)
    shapes = [(*batch, groups * inputs, *size), (first, second, *kernel)]
    shapes += [(groups * outputs,)] * bias
    seed = draw(st.integers(0, 2**32 - 1))
    return tuple(spread(shape, seed + i) for i, shape in enumerate(shapes))


def drawn(draw, n, low, high):
    """An argument for n dimensions: one integer or a tuple."""
    each = tuple(draw(st.integers(low, high)) for _ in range(n))
    return each if n > 1 and draw(st.booleans()) else each[0]


def arguments(x, w, *_):
    """Keywords of a convolution with which at least one window fits."""

    @st.composite
    def build(draw):
        n = w.ndim - 2
        kwargs = {"groups": x.shape[-n - 1] // w.shape[1]} if x.shape[-n - 1] > w.shape[1] else {}
        kwargs["dilation"] = dilation = drawn(draw, n, 1, 2)
        if draw(st.booleans()):
            return {**kwargs, "padding": "same"}
        missing = [
            d * (k - 1) + 1 - size
            for d, k, size in zip(several(dilation, n), w.shape[2:], x.shape[-n:], strict=True)
        ]
        if max(missing) <= 0 and draw(st.booleans()):
            kwargs["padding"] = "valid"
        else:
            least = max(0, (max(missing) + 1) // 2)
            kwargs["padding"] = drawn(draw, n, least, least + 2)
        return {**kwargs, "stride": drawn(draw, n, 1, 3)}

    return build()


def transposed_arguments(x, w, b=None):
    """Keywords of a transposed convolution that leave something of the result."""

    @st.composite
    def build(draw):
        n = w.ndim - 2
        stride, dilation = drawn(draw, n, 1, 3), drawn(draw, n, 1, 2)
        steps, gaps = several(stride, n), several(dilation, n)
        more = draw(st.integers(0, min(map(max, steps, gaps)) - 1))
        whole = [
            (size - 1) * s + d * (k - 1) + 1 + more
            for size, s, d, k in zip(x.shape[-n:], steps, gaps, w.shape[2:], strict=True)
        ]
        kwargs = {"stride": stride, "dilation": dilation, "output_padding": more}
        kwargs["padding"] = drawn(draw, n, 0, min(3, (min(whole) - 1) // 2))
        return kwargs if b is None else {**kwargs, "groups": len(b) // w.shape[1]}

    return build()
