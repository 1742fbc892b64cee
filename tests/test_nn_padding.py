"""Padding layers, and F.pad in all modes against a look-up of positions."""

import pytest
from cases import Case, property_test
from hypothesis import strategies as st

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
from tinygrad_edu.testing.strategies import arrays, spread


def shapes(n):
    """(C, ...) and (N, C, ...) with n spatial dimensions."""
    return st.tuples(
        st.lists(st.integers(1, 2), min_size=1, max_size=2), *[st.integers(1, 4)] * n
    ).map(lambda drawn: (*drawn[0], *drawn[1:]))


def shown(size, before, after, mode):
    """The position along a dimension that each element of the result shows."""
    places = range(-before, size + after)
    if mode == "replicate":
        return [min(max(i, 0), size - 1) for i in places]
    if mode == "circular":
        # What is cut off is not continued.
        low, high = max(0, -before), size - max(0, -after)
        return [low + (i - low) % (high - low) for i in places]
    period = max(2 * (size - 1), 1)
    return [min(i % period, period - i % period) if size > 1 else 0 for i in places]


def looked_up(mode):
    def run(x, pad, **_):
        for dim, (before, after) in enumerate(zip(pad[::2], pad[1::2], strict=True)):
            axis = x.ndim - 1 - dim
            x = x.take(shown(x.shape[axis], before, after, mode), axis)
        return x

    return run


@st.composite
def one_pair(draw, size, mode):
    """Widths that leave at least one element and that the mode can fill."""
    low = -1 if size > 2 else 0
    before = draw(st.integers(low, size + 1))
    after = draw(st.integers(low, size + 1))
    if mode == "replicate":
        return before, after
    limit = size - 1
    if mode == "circular":
        limit = size + min(before, 0) + min(after, 0)
    return min(before, limit), min(after, limit)


def widths(n, mode):
    def build(x):
        pairs = st.tuples(*(one_pair(size, mode) for size in x.shape[: -n - 1 : -1]))
        return pairs.map(
            lambda found: {"pad": tuple(width for pair in found for width in pair), "mode": mode}
        )

    return build


CASES = [
    Case(f"pad {n}d, {mode}", F.pad, arrays(shapes(n)), looked_up(mode), widths(n, mode))
    for n in (1, 2)
    for mode in ("reflect", "replicate", "circular")
]

test_gradients = property_test(CASES)


def test_the_continued_end_of_a_circle_is_what_was_kept():
    x = tg.tensor([[0.0, 1.0, 2.0, 3.0]], requires_grad=True)
    y = F.pad(x, (-1, 2), "circular")
    assert y.tolist() == [[1.0, 2.0, 3.0, 1.0, 2.0]]
    y.sum().backward()
    assert x.grad.tolist() == [[0.0, 2.0, 2.0, 1.0]]


# Layers.

LAYERS = [
    (nn.ZeroPad1d(1), (1, 1), {}),
    (nn.ZeroPad2d((1, 2, 0, 1)), (1, 2, 0, 1), {}),
    (nn.ZeroPad2d((-1, 2, 0, -1)), (-1, 2, 0, -1), {}),
    (nn.ConstantPad1d((1, 2), 3.5), (1, 2), {"value": 3.5}),
    (nn.ConstantPad2d(1, -2.0), (1,) * 4, {"value": -2.0}),
    (nn.ReflectionPad1d((1, 2)), (1, 2), {"mode": "reflect"}),
    (nn.ReflectionPad2d(2), (2,) * 4, {"mode": "reflect"}),
    (nn.ReplicationPad1d(4), (4, 4), {"mode": "replicate"}),
    (nn.ReplicationPad2d((1, 2, 0, 3)), (1, 2, 0, 3), {"mode": "replicate"}),
    (nn.CircularPad1d((1, 2)), (1, 2), {"mode": "circular"}),
    (nn.CircularPad2d([1, 2, 0, 3]), (1, 2, 0, 3), {"mode": "circular"}),
]


@pytest.mark.parametrize(
    ("layer", "pad", "options"), LAYERS, ids=lambda value: type(value).__name__
)
@pytest.mark.parametrize("batch", [True, False])
def test_layer_pads_the_last_dimensions(layer, pad, options, batch):
    x = tg.tensor(spread((2, 3, 4, 5)[-len(pad) // 2 - 1 - batch :]))
    assert tg.equal(layer(x), F.pad(x, pad, **options))


def test_layers_are_shown_with_their_widths():
    layers = [nn.ZeroPad2d(1), nn.ConstantPad1d((1, 2), 3.5), nn.ReflectionPad1d(2)]
    assert [repr(layer) for layer in layers] == [
        "ZeroPad2d((1, 1, 1, 1))",
        "ConstantPad1d(padding=(1, 2), value=3.5)",
        "ReflectionPad1d((2, 2))",
    ]


# Errors.

X = tg.ones(2, 3, 4)

ERRORS = {
    "too few": (lambda: nn.ZeroPad2d((1, 2)), ValueError, "one integer or 4 of them; got"),
    "too many": (
        lambda: nn.ConstantPad1d((1, 2, 3), 0.0),
        ValueError,
        r"2 of them; got \(1, 2, 3\)",
    ),
    "reflection": (lambda: nn.ReflectionPad1d(4)(X), RuntimeError, "at most 3 on each side"),
    "circle": (lambda: nn.CircularPad1d(5)(X), RuntimeError, "at most 4 on each side"),
    "circle, cut": (
        lambda: nn.CircularPad1d((-2, 3))(X),
        RuntimeError,
        "dimension 2, of size 2, by at most 2",
    ),
    "circle, dims": (lambda: nn.CircularPad1d(1)(X[0, 0]), ValueError, "expected 2D or 3D input"),
    "circle, planes": (
        lambda: nn.CircularPad2d(1)(X[0]),
        ValueError,
        r"got 2D input of shape \(3,",
    ),
    "cut off": (lambda: nn.ZeroPad1d((-3, -2))(X), RuntimeError, "take more from"),
    "cut off and filled": (lambda: nn.ZeroPad1d((-5, 6))(X), RuntimeError, r"\(-5, 6\)"),
    "value": (lambda: F.pad(X, (1, 1), "circular", 2.0), RuntimeError, "got value=2.0"),
    "mode": (lambda: F.pad(X, (1, 1), "wrap"), NotImplementedError, "'circular'; got 'wrap'"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()
