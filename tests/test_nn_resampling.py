"""Interpolation against loops over the outputs, shuffles, layers, errors."""

import itertools
from math import ceil, floor, inf

import numpy as np
import pytest
from cases import Case, property_test
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
from tinygrad_edu.testing.strategies import arrays, spread

SHAPES = {n: st.tuples(*[st.integers(1, 2)] * 2, *[st.integers(1, 5)] * n) for n in (1, 2)}


def other_size(n, **options):
    """`size`, or factors that give no size below 1 and no size where PyTorch ignores them."""

    def build(x):
        size = st.tuples(*[st.integers(1, 8)] * n).map(lambda sizes: {"size": sizes})
        factors = st.tuples(*(factor_for(length) for length in x.shape[2:])).map(
            lambda found: {"scale_factor": found}
        )
        both = st.one_of(size, factors)
        return st.tuples(both, st.fixed_dictionaries({}, optional=options)).map(
            lambda drawn: drawn[0] | drawn[1]
        )

    return build


def factor_for(length):
    """Factors of which no position is within rounding of another element."""
    good = [
        f
        for f in (0.53, 0.77, 1.0, 1.61, 2.0, 2.37, 3.0)
        if int(length * f) >= 1 and (f in (1.0, 2.0) or int(length * f) not in (length, 2 * length))
    ]
    return st.sampled_from(good)


# References: one output after the other, by the formula for one dimension.


def weights_along(kind, size, count, factor, align_corners):
    """The matrix that takes a line of `size` elements to one of `count`."""
    found = np.zeros((count, size))
    step = 1 / factor if factor else size / count
    if align_corners:
        step = (size - 1) / (count - 1) if count > 1 else 0
    for o in range(count):
        at = step * o if align_corners else step * (o + 0.5) - 0.5
        if kind == "nearest":
            found[o, min(floor(o * step), size - 1)] = 1
        elif kind == "nearest-exact":
            found[o, min(floor((o + 0.5) * step), size - 1)] = 1
        elif kind == "area":
            begin, end = o * size // count, ceil((o + 1) * size / count)
            found[o, begin:end] = 1 / (end - begin)
        elif kind == "linear":
            at = o if size == count else max(at, 0)
            before = min(floor(at), size - 1)
            found[o, before] += 1 - (at - before)
            found[o, min(before + 1, size - 1)] += at - before
        else:
            before = floor(at)
            for i in range(before - 1, before + 3):
                found[o, min(max(i, 0), size - 1)] += cubic(abs(at - i))
    return found


def cubic(x, a=-0.75):
    if x < 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0


def resampled(kind):
    def run(
        x,
        size=None,
        scale_factor=None,
        mode=None,
        align_corners=False,
        recompute_scale_factor=False,
    ):
        factors = scale_factor or (None,) * (x.ndim - 2)
        for dim, factor in enumerate(factors, 2):
            count = size[dim - 2] if size else int(x.shape[dim] * factor)
            kept = None if recompute_scale_factor else factor
            matrix = weights_along(kind, x.shape[dim], count, kept, align_corners)
            x = np.moveaxis(np.tensordot(x, matrix, (dim, 1)), -1, dim)
        return x

    return run


def case(kind, n, mode, **options):
    return Case(
        f"interpolate {n}d, {mode}",
        F.interpolate,
        arrays(SHAPES[n]),
        resampled(kind),
        lambda x: other_size(n, **options)(x).map(
            lambda drawn: (
                {"mode": mode, **drawn}
                | ({"recompute_scale_factor": False} if "size" in drawn else {})
            )
        ),
    )


ALIGN = {"align_corners": st.booleans(), "recompute_scale_factor": st.booleans()}
KEEP = {"recompute_scale_factor": st.just(False)}


def gradient_of(function, shape, **kwargs):
    """The gradient of a linear function as a function of what flows into it."""

    def gradient(w):
        values = np.random.default_rng(0).permutation(int(np.prod(shape))).reshape(shape)
        x = tg.tensor(values, dtype=w.dtype, requires_grad=True)
        with tg.enable_grad():
            y = function(x, **kwargs)
        (found,) = tg.autograd.grad(y, x, w, create_graph=True)
        return found if tg.is_grad_enabled() else found.detach()

    return gradient


def shuffled(x, upscale_factor):
    r = upscale_factor
    *lead, c, h, w = x.shape
    y = np.empty((*lead, c // r**2, h * r, w * r))
    for i, j in itertools.product(range(r), repeat=2):
        y[..., i::r, j::r] = x[..., i * r + j :: r**2, :, :]
    return y


def unshuffled(x, downscale_factor):
    r = downscale_factor
    *lead, c, h, w = x.shape
    y = np.empty((*lead, c * r**2, h // r, w // r))
    for i, j in itertools.product(range(r), repeat=2):
        y[..., i * r + j :: r**2, :, :] = x[..., i::r, j::r]
    return y


@st.composite
def shuffle(draw, up):
    r = draw(st.integers(1, 3))
    lead = draw(st.lists(st.integers(1, 2), max_size=2))
    c, h, w = (draw(st.integers(1, 2)) for _ in range(3))
    return (*lead, c * r * r, h, w) if up else (*lead, c, h * r, w * r)


CASES = [
    case("nearest", 1, "nearest", **KEEP),
    case("nearest", 2, "nearest", **KEEP),
    case("nearest-exact", 1, "nearest-exact", **KEEP),
    case("nearest-exact", 2, "nearest-exact", **KEEP),
    case("area", 1, "area"),
    case("area", 2, "area"),
    case("linear", 1, "linear", **ALIGN),
    case("linear", 2, "bilinear", **ALIGN),
    case("cubic", 2, "bicubic", **ALIGN),
    *(
        Case(
            f"interpolate 2d, {mode} with antialias",
            F.interpolate,
            arrays(SHAPES[2]),
            kwargs=st.tuples(*[st.integers(2, 6)] * 2).map(
                lambda size, mode=mode: {"size": size, "mode": mode, "antialias": True}
            ),
        )
        for mode in ("bilinear", "bicubic", "lanczos")
    ),
    Case(
        "gradient of interpolate",
        gradient_of(F.interpolate, (1, 2, 3, 4), size=(5, 2), mode="bilinear"),
        arrays((1, 2, 5, 2)),
    ),
    Case(
        "pixel_shuffle",
        F.pixel_shuffle,
        arrays(shuffle(up=True)),
        shuffled,
        lambda x: st.sampled_from([r for r in (3, 2, 1) if x.shape[-3] % r**2 == 0]).map(
            lambda r: {"upscale_factor": r}
        ),
    ),
    Case(
        "pixel_unshuffle",
        F.pixel_unshuffle,
        arrays(shuffle(up=False)),
        unshuffled,
        lambda x: st.sampled_from(
            [r for r in (3, 2, 1) if x.shape[-1] % r == x.shape[-2] % r == 0]
        ).map(lambda r: {"downscale_factor": r}),
    ),
    Case(
        "channel_shuffle",
        F.channel_shuffle,
        arrays(st.tuples(*[st.integers(1, 6)] * 2, st.integers(1, 3))),
        lambda x, groups: x.reshape(len(x), groups, -1, x.shape[2]).swapaxes(1, 2).reshape(x.shape),
        lambda x: st.sampled_from([g for g in range(1, 7) if x.shape[1] % g == 0]).map(
            lambda g: {"groups": g}
        ),
    ),
]

test_gradients = property_test(CASES)


# Properties.


@given(
    shape=SHAPES[2],
    size=st.tuples(*[st.integers(1, 9)] * 2),
    mode=st.sampled_from(["nearest", "nearest-exact", "area", "bilinear", "bicubic"]),
    antialias=st.booleans(),
)
def test_a_constant_stays_constant(shape, size, mode, antialias):
    antialias = antialias and mode.startswith("bi")
    y = F.interpolate(tg.full(shape, 2.5, dtype=tg.float64), size, mode=mode, antialias=antialias)
    np.testing.assert_allclose(y.numpy(), np.full((*shape[:2], *size), 2.5), rtol=1e-12)


@given(
    shape=SHAPES[2],
    mode=st.sampled_from(["nearest", "nearest-exact", "area", "bilinear", "bicubic", "lanczos"]),
)
def test_the_same_size_is_the_same(shape, mode):
    x = tg.tensor(spread(shape), requires_grad=True)
    y = F.interpolate(x, shape[2:], mode=mode, antialias=mode == "lanczos")
    assert tg.equal(y, x)
    assert y is not x
    y.sum().backward()
    assert (x.grad == 1).all()


@given(shape=shuffle(up=True))
def test_unshuffling_undoes_shuffling(shape):
    x = tg.tensor(spread(shape))
    for r in (r for r in (1, 2, 3) if shape[-3] % r**2 == 0):
        assert tg.equal(F.pixel_unshuffle(F.pixel_shuffle(x, r), r), x)


def test_antialias_averages_what_a_smaller_plane_leaves_out():
    stripes = tg.tensor([[[[0.0, 1.0] * 8] * 16]])
    sharp = F.interpolate(stripes, (4, 4), mode="bilinear")
    for mode in ("bilinear", "bicubic", "lanczos"):
        smooth = F.interpolate(stripes, (4, 4), mode=mode, antialias=True)
        assert smooth.std() < 0.1
        assert smooth.mean().item() == pytest.approx(0.5, abs=0.01)
    assert sharp.shape == smooth.shape


def test_antialias_of_a_larger_plane_is_plain_interpolation():
    x = tg.tensor(spread((1, 2, 3, 4)))
    np.testing.assert_allclose(
        F.interpolate(x, (7, 9), mode="bilinear", antialias=True).numpy(),
        F.interpolate(x, (7, 9), mode="bilinear").numpy(),
        rtol=1e-12,
    )


def test_infinity_stays_among_its_neighbours():
    x = tg.zeros(1, 1, 1, 6, requires_grad=True)
    hot = x + tg.tensor([inf, 0, 0, 0, 0, 0])
    y = F.interpolate(hot, (1, 11), mode="bilinear")
    assert y[..., 3:].isfinite().all()
    y[..., -1].backward(tg.full((1, 1, 1), inf))
    assert x.grad[..., :4].tolist() == [[[[0.0] * 4]]]


def test_factors_decide_where_outputs_lie_unless_recomputed():
    x = tg.tensor([[[0.0, 1.0, 2.0, 3.0]]])
    given_factor = F.interpolate(x, scale_factor=1.6, mode="linear")
    ratio = F.interpolate(x, scale_factor=1.6, mode="linear", recompute_scale_factor=True)
    assert given_factor.shape == ratio.shape == (1, 1, 6)
    assert tg.equal(ratio, F.interpolate(x, 6, mode="linear"))
    assert not tg.equal(ratio, given_factor)


def test_planes_of_one_or_two_times_the_size_are_nearest_by_size():
    x = tg.arange(3.0).expand(1, 1, 3, 3)
    assert F.interpolate(x, scale_factor=1.3)[0, 0, 0].tolist() == [0, 1, 2]
    assert F.interpolate(x, scale_factor=2.2)[0, 0, 0].tolist() == [0, 0, 1, 1, 2, 2]
    assert F.interpolate(x[0], scale_factor=1.3)[0, 0].tolist() == [0, 0, 1]


@pytest.mark.parametrize("dtype", [tg.uint8, tg.int64, tg.bool])
def test_the_nearest_element_of_any_type(dtype):
    y = F.interpolate(tg.tensor([[[0, 1]]], dtype=dtype), 4)
    assert (y.tolist(), y.dtype) == ([[[0, 0, 1, 1]]], dtype)


def test_no_samples():
    x = tg.zeros(0, 2, 3, 4, requires_grad=True)
    for mode in ("nearest", "bilinear", "bicubic", "area"):
        F.interpolate(x, (5, 5), mode=mode).sum().backward()
    assert x.grad.shape == (0, 2, 3, 4)


def test_old_names():
    x = tg.tensor(spread((1, 2, 3, 4)))
    assert tg.equal(F.upsample(x, scale_factor=2), F.interpolate(x, scale_factor=2))
    assert tg.equal(F.upsample_nearest(x, (5, 6)), F.interpolate(x, (5, 6)))
    aligned = F.interpolate(x, (5, 6), mode="bilinear", align_corners=True)
    assert tg.equal(F.upsample_bilinear(x, (5, 6)), aligned)


# Layers.


@pytest.mark.parametrize(
    ("layer", "function"),
    [
        (nn.Upsample(scale_factor=2), lambda x: F.interpolate(x, scale_factor=2.0)),
        (nn.Upsample((5, 6), mode="bicubic"), lambda x: F.interpolate(x, (5, 6), mode="bicubic")),
        (nn.Upsample(None, [1.5, 2]), lambda x: F.interpolate(x, scale_factor=(1.5, 2.0))),
        (nn.UpsamplingNearest2d((5, 6)), lambda x: F.interpolate(x, (5, 6))),
        (nn.UpsamplingBilinear2d((5, 6)), lambda x: F.upsample_bilinear(x, (5, 6))),
        (nn.PixelShuffle(2), lambda x: F.pixel_shuffle(x, 2)),
        (nn.PixelUnshuffle(2), lambda x: F.pixel_unshuffle(x, 2)),
        (nn.ChannelShuffle(2), lambda x: F.channel_shuffle(x, 2)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_layer_is_its_function(layer, function):
    x = tg.tensor(spread((2, 4, 6, 4)))
    assert tg.equal(layer(x), function(x))


def test_layers_are_shown_with_their_options():
    layers = [nn.Upsample(scale_factor=2), nn.Upsample((5, 6), mode="bilinear")]
    layers += [nn.UpsamplingNearest2d((5, 6)), nn.PixelShuffle(2), nn.PixelUnshuffle(3)]
    assert [repr(layer) for layer in (*layers, nn.ChannelShuffle(2))] == [
        "Upsample(scale_factor=2.0, mode='nearest')",
        "Upsample(size=(5, 6), mode='bilinear')",
        "UpsamplingNearest2d(size=(5, 6), mode='nearest')",
        "PixelShuffle(upscale_factor=2)",
        "PixelUnshuffle(downscale_factor=3)",
        "ChannelShuffle(groups=2)",
    ]


# Errors.

P = tg.zeros(1, 3, 6, 6)
L = tg.zeros(1, 3, 6)

ERRORS = {
    "array": (lambda: F.interpolate(np.zeros((1, 1, 2)), 4), TypeError, "got ndarray"),
    "both": (lambda: F.interpolate(L, 4, 2.0), ValueError, "only one of size or scale_factor"),
    "neither": (lambda: F.interpolate(L), ValueError, "either size or scale_factor"),
    "many sizes": (lambda: F.interpolate(L, (4, 4)), ValueError, r"each of the 1 spatial"),
    "many factors": (lambda: F.interpolate(P, None, (2, 2, 2)), ValueError, "scale_factor is one"),
    "size float": (lambda: F.interpolate(P, 2.5), TypeError, "size is an integer"),
    "size 0": (lambda: F.interpolate(P, 0), RuntimeError, r"greater than 0.*output \(0, 0\)"),
    "empty": (lambda: F.interpolate(P[:, :0], 2), RuntimeError, "may be empty"),
    "align": (
        lambda: F.interpolate(P, 2, align_corners=True),
        ValueError,
        "mode 'nearest' has no corners",
    ),
    "recompute": (
        lambda: F.interpolate(P, 2, recompute_scale_factor=True),
        ValueError,
        "not meaningful with an explicit size",
    ),
    "antialias": (lambda: F.interpolate(P, 2, antialias=True), ValueError, "antialias is restr"),
    "lanczos": (lambda: F.interpolate(P, 2, mode="lanczos"), ValueError, "antialias=True"),
    "trilinear": (
        lambda: F.interpolate(P, 2, mode="trilinear"),
        NotImplementedError,
        "'area', 'linear'.*'trilinear'",
    ),
    "volume": (lambda: F.interpolate(P[None], 2), NotImplementedError, r"got shape \(1, 1, 3,"),
    "linear plane": (
        lambda: F.interpolate(P, 2, mode="linear"),
        NotImplementedError,
        "got 4D input.*needs 3D input. Use mode='bilinear'",
    ),
    "bicubic line": (
        lambda: F.interpolate(L, 2, mode="bicubic"),
        NotImplementedError,
        "got 3D input.*needs 4D input. Use mode='linear'",
    ),
    "integers": (
        lambda: F.interpolate(P.long(), 2, mode="area"),
        RuntimeError,
        "not defined for int64",
    ),
    "shuffle dims": (lambda: F.pixel_shuffle(P[0, 0], 2), RuntimeError, "at least 3 dimensions"),
    "shuffle channels": (
        lambda: F.pixel_shuffle(P, 2),
        RuntimeError,
        "square of upscale_factor, 4; the input has 3 channels",
    ),
    "shuffle 0": (lambda: F.pixel_shuffle(P, 0), RuntimeError, "upscale_factor must be positive"),
    "shuffle 1.5": (lambda: F.pixel_shuffle(P, 1.5), TypeError, "is an integer; got 1.5"),
    "unshuffle": (
        lambda: F.pixel_unshuffle(P, 4),
        RuntimeError,
        "divisible by downscale_factor, 4",
    ),
    "unshuffle dims": (lambda: F.pixel_unshuffle(P[0, 0], 2), RuntimeError, "at least 3 dim"),
    "groups": (lambda: F.channel_shuffle(P, 2), RuntimeError, "divisible by groups, 2"),
    "groups dims": (lambda: F.channel_shuffle(P[0, 0], 2), RuntimeError, "at least 3 dimensions"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()
