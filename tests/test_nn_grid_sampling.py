"""grid_sample and affine_grid: against loops over the positions, at the borders, errors."""

from math import floor, inf, nan

import numpy as np
import pytest
from cases import Case, property_test
from hypothesis import strategies as st

import tinygrad_edu as tg
import tinygrad_edu.nn.functional as F
from tinygrad_edu.testing.strategies import arrays, spread


@st.composite
def planes_and_positions(draw, align_corners):
    """An input and a grid, whose positions are away from elements, edges and the middle between."""
    n, channels, height, width, rows, columns = (
        draw(st.integers(low, high))
        for low, high in ((1, 2), (1, 2), (2, 4), (2, 4), (1, 2), (1, 2))
    )
    seed = draw(st.integers(0, 1000))
    rng = np.random.default_rng(seed)
    grid = np.empty((n, rows, columns, 2))
    for place, size in ((0, width), (1, height)):
        cells = rng.integers(-2, size + 2, grid.shape[:3])
        at = cells + rng.choice([0.0, 0.5], grid.shape[:3]) + rng.uniform(0.1, 0.4, grid.shape[:3])
        grid[..., place] = at * 2 / (size - 1) - 1 if align_corners else (at * 2 + 1) / size - 1
    return spread((n, channels, height, width), seed), grid


def folded(at, size, padding_mode, align_corners):
    """A position inside the plane, or None."""
    if padding_mode == "reflection":
        low, high = (0, size - 1) if align_corners else (-0.5, size - 0.5)
        while not low <= at <= high:
            at = 2 * low - at if at < low else 2 * high - at
    if padding_mode != "zeros":
        at = min(max(at, 0), size - 1)
    return at


def weights_at(at, size, mode, padding_mode, align_corners):
    """The weight of each element of a line at one position."""
    found = np.zeros(size)
    if mode == "bicubic":
        terms = [(i, cubic(abs(at - i))) for i in range(floor(at) - 1, floor(at) + 3)]
        terms = [(round(folded(i, size, padding_mode, align_corners)), w) for i, w in terms]
    else:
        at = folded(at, size, padding_mode, align_corners)
        low = floor(at)
        terms = (
            [(round(at), 1)] if mode == "nearest" else [(low, low + 1 - at), (low + 1, at - low)]
        )
    for i, weight in terms:
        if 0 <= i < size:
            found[i] += weight
    return found


def cubic(x, a=-0.75):
    if x < 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a


def sampled(x, grid, align_corners, **modes):
    n, channels, height, width = x.shape
    out = np.empty((n, channels, *grid.shape[1:3]))
    for sample, row, column in np.ndindex(grid.shape[:3]):
        weights = []
        for coordinate, size in zip(grid[sample, row, column], (width, height), strict=True):
            at = (coordinate + 1) / 2 * (size - 1)
            if not align_corners:
                at = ((coordinate + 1) * size - 1) / 2
            weights.append(weights_at(at, size, align_corners=align_corners, **modes))
        out[sample, :, row, column] = weights[1] @ x[sample] @ weights[0]
    return out


def affine(theta, size, align_corners):
    height, width = size[2:]
    x, y = (
        np.linspace(-1, 1, count) if align_corners else (np.arange(count) * 2 + 1) / count - 1
        for count in (width, height)
    )
    points = np.stack([*np.meshgrid(x, y), np.ones((height, width))], -1)
    return np.einsum("hwk,njk->nhwj", points, theta)


MODES = {
    "mode": st.sampled_from(["bilinear", "nearest", "bicubic"]),
    "padding_mode": st.sampled_from(["zeros", "border", "reflection"]),
}

CASES = [
    *(
        Case(
            f"grid_sample, {'corners aligned' if align else 'edges aligned'}",
            F.grid_sample,
            planes_and_positions(align),
            sampled,
            st.fixed_dictionaries({**MODES, "align_corners": st.just(align)}),
        )
        for align in (True, False)
    ),
    Case(
        "affine_grid",
        F.affine_grid,
        arrays(st.tuples(st.integers(1, 2), st.just(2), st.just(3))),
        affine,
        lambda theta: st.tuples(st.integers(2, 4), st.integers(2, 4), st.booleans()).map(
            lambda drawn: {"size": (len(theta), 1, *drawn[:2]), "align_corners": drawn[2]}
        ),
    ),
]

test_gradients = property_test(CASES)


@pytest.mark.parametrize("align_corners", [True, False])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_the_identity_samples_the_input(mode, align_corners):
    x = tg.tensor(spread((2, 3, 4, 5)))
    theta = tg.eye(2, 3, dtype=tg.float64).expand(2, 2, 3)
    grid = F.affine_grid(theta, x.shape, align_corners)
    y = F.grid_sample(x, grid, mode, "border", align_corners)
    np.testing.assert_allclose(y.numpy(), x.numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("count", "below"), [(11, [0, 1, 6]), (12, [0, 6]), (14, []), (28, [0, 2, 6, 15])]
)
def test_positions_of_the_identity_are_rounded_as_pytorch_rounds_them(count, below):
    """Those that fall below their element take their slope from its other side."""
    grid = F.affine_grid(tg.eye(2, 3).unsqueeze(0), (1, 1, count, count), False)
    x = ((grid[0, 0, :, 0].numpy() + 1) * count - 1) / 2
    assert x.dtype == np.float32
    assert np.flatnonzero(np.floor(x) != np.arange(count)).tolist() == below


def test_outside_are_zeros_or_the_border_even_at_infinity():
    x = tg.ones(1, 1, 2, 2)
    grid = tg.tensor([[[[inf, 0.0], [-inf, 0.0], [nan, 0.0], [1e30, 0.0]]]])
    assert not F.grid_sample(x, grid, align_corners=False).any()
    assert (F.grid_sample(x, grid, padding_mode="border", align_corners=False) == 1).all()


def test_a_plane_of_one_element():
    x = tg.full((1, 1, 1, 1), 3.0)
    grid = tg.tensor([[[[0.3, -0.2]]]])
    for mode in ("border", "reflection"):
        for align in (True, False):
            assert F.grid_sample(x, grid, "bilinear", mode, align).item() == 3
    theta = tg.tensor([[[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]]])
    assert F.affine_grid(theta, (1, 1, 1, 1), True).tolist() == [[[[0.5, 0.0]]]]


X, G = tg.ones(1, 1, 2, 2), tg.zeros(1, 1, 1, 2)

ERRORS = {
    "mode": (lambda: F.grid_sample(X, G, "linear"), ValueError, "'bicubic'; got 'linear'"),
    "padding": (lambda: F.grid_sample(X, G, "nearest", "wrap"), ValueError, "got 'wrap'"),
    "array": (lambda: F.grid_sample(X, np.zeros((1, 1, 1, 2))), TypeError, "got ndarray"),
    "volume": (lambda: F.grid_sample(X[None], G[None]), RuntimeError, r"got \(1, 1, 1, 2, 2\)"),
    "samples": (lambda: F.grid_sample(X.expand(2, 1, 2, 2), G), RuntimeError, r"\(N, H', W', 2\)"),
    "types": (lambda: F.grid_sample(X, G.double()), RuntimeError, "got float32 and float64"),
    "theta": (lambda: F.affine_grid(X, (1, 1, 2, 2)), RuntimeError, r"theta of shape \(N, 2, 3\)"),
    "size": (
        lambda: F.affine_grid(tg.ones(1, 2, 3), (1, 1, 0, 2)),
        RuntimeError,
        r"positive; got \(1, 1, 0, 2\)",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()
