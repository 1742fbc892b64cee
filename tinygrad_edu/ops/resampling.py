"""Resampling: planes and lines in another size, and channels turned into space or back.

Every kind of interpolation is a weighted sum along one dimension, then along the next: result o is
Σ_t weights[t, o] x[places[t, o]], with one term for "nearest", two for "linear", four for "cubic".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import Array, Operation, Value, apply, run
from .adaptive_pooling import adaptive_avg_pool1d, adaptive_avg_pool2d
from .arguments import check_tensor

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "channel_shuffle",
    "interpolate",
    "pixel_shuffle",
    "pixel_unshuffle",
    "upsample",
    "upsample_bilinear",
    "upsample_nearest",
]


class Resample(Operation):
    """z[o] = Σ_t weights[t, o] x[places[t, o]]        grad_x = grad, spread by the same weights"""

    __slots__ = ("dim", "places", "size", "weights")

    def __init__(self, dim: int, size: int, places: Array, weights: Array | None) -> None:
        self.dim = dim  # counted from the end
        self.size = size  # of the input
        self.places = places  # (terms, outputs), each row ascending
        self.weights = weights  # (terms, outputs), or None for one term of weight 1

    def scaled(self, x: Array, term: int) -> Array:
        """x times the weights of one term."""
        if self.weights is None:
            return x
        return x * self.weights[term].astype(x.dtype).reshape(-1, *[1] * (-1 - self.dim))  # type: ignore[no-any-return]

    def forward(self, x: Array) -> Array:
        out = self.scaled(x.take(self.places[0], self.dim), 0)
        for term in range(1, len(self.places)):
            out += self.scaled(x.take(self.places[term], self.dim), term)
        return out

    def grad_x(self, grad: Value) -> Value:
        return run(Spread(self.dim, self.size, self.places, self.weights), grad)


def _slice(positions: Array) -> Any:
    """Ascending positions as a slice, if they are equally far apart."""
    if len(positions) == 1:
        return slice(int(positions[0]), int(positions[0]) + 1)
    steps = np.diff(positions)
    if len(steps) and (steps == steps[0]).all():
        return slice(int(positions[0]), int(positions[-1]) + 1, int(steps[0]))
    return positions


def _pieces(to: Array, of: Array) -> list[tuple[Any, Any]]:
    """Pairs of ascending positions, as slices where all but the outermost allow it."""
    for ends in ([], [1, len(to) - 1]):
        pieces = [
            (_slice(a), _slice(b))
            for a, b in zip(np.split(to, ends), np.split(of, ends), strict=True)
        ]
        if all(isinstance(part, slice) for piece in pieces for part in piece):
            return pieces
    return [(to, of)]


class Spread(Resample):
    """z = 0, with weights[t, o] x[o] added to z[places[t, o]]        grad_x = grad, resampled"""

    __slots__ = ()

    def forward(self, x: Array) -> Array:
        shape = list(x.shape)
        shape[self.dim] = self.size
        out = np.zeros(shape, x.dtype)
        after = (slice(None),) * (-1 - self.dim)
        for term, places in enumerate(self.places):
            scaled = self.scaled(x, term)
            # The places ascend, so those of one element are neighbours: add the first of each, then
            # the second of each ..., which are strided slices as a rule. np.add.at and reduceat
            # take 5 to 10 times as long.
            count = np.bincount(places, minlength=self.size)
            first = np.cumsum(count) - count
            for i in range(count.max(initial=0)):
                some = np.flatnonzero(count > i)
                for to, of in _pieces(some, first[some] + i):
                    out[(..., to, *after)] += scaled[(..., of, *after)]
        return out

    def grad_x(self, grad: Value) -> Value:
        return run(Resample(self.dim, self.size, self.places, self.weights), grad)


# Places and weights. Positions are computed in the type of the input, as PyTorch does: in float32
# another element can be the nearest than in float64.


def _step(size: int, count: int, factor: float | None, align_corners: bool, dtype: Any) -> Any:
    """The distance of neighbouring outputs in elements of the input."""
    if align_corners:
        return dtype.type(size - 1) / dtype.type(count - 1) if count > 1 else dtype.type(0)
    return dtype.type(1 / factor) if factor is not None else dtype.type(size) / dtype.type(count)


def _nearest(size: int, count: int, factor: float | None, exact: bool, dtype: Any) -> Array:
    """The place of each output for "nearest" and "nearest-exact"."""
    step = _step(size, count, factor, False, dtype)
    outputs = np.arange(count, dtype=dtype)
    half = dtype.type(0.5)
    positions = step * (outputs + half) - half + half if exact else step * outputs
    return np.asarray(np.minimum(np.floor(positions).astype(np.int64), size - 1)[None])


def _positions(
    size: int, count: int, factor: float | None, align_corners: bool, dtype: Any
) -> Array:
    """Where each output lies between the elements of the input."""
    step = _step(size, count, factor, align_corners, dtype)
    outputs = np.arange(count, dtype=dtype)
    if align_corners:
        return np.asarray(step * outputs)
    half = dtype.type(0.5)
    return np.asarray(step * (outputs + half) - half)


def _between(positions: Array, size: int) -> tuple[Array, Array]:
    """The element before each position, and the distance from there."""
    before = np.minimum(np.floor(positions).astype(np.int64), size - 1)
    return before, np.clip(positions - before.astype(positions.dtype), 0, 1)


def _linear(positions: Array, size: int) -> tuple[Array, Array]:
    """The two neighbours of each position, weighted by nearness."""
    before, distance = _between(np.maximum(positions, 0), size)
    places = np.stack([before, np.minimum(before + 1, size - 1)])
    return places, np.stack([1 - distance, distance])


def _cubic(positions: Array, size: int) -> tuple[Array, Array]:
    """Four neighbours of each position, weighted by a piecewise cubic polynomial."""
    before, distance = _between(positions, size)
    offsets = np.arange(-1, 3)[:, None]
    places = np.clip(before + offsets, 0, size - 1)
    return places, _cubic_filter(distance - offsets.astype(distance.dtype), -0.75)


# Filters of the distance from an output, and how far each reaches.


def _triangle(x: Array) -> Array:
    return np.maximum(1 - np.abs(x), 0)  # type: ignore[no-any-return]


def cubic_near(x: Value, a: float) -> Value:
    """Keys' kernel, 1 at 0, 0 at the other integers, smooth: for 0 <= x <= 1."""
    return ((a + 2) * x - (a + 3)) * x * x + 1


def cubic_far(x: Value, a: float) -> Value:
    """The same for 1 <= x <= 2; beyond, it is 0."""
    return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a


def _cubic_filter(x: Array, a: float = -0.5) -> Array:
    x = np.abs(x)
    return np.where(x < 1, cubic_near(x, a), np.where(x < 2, cubic_far(x, a), 0))


def _lanczos(x: Array) -> Array:
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


FILTERS: dict[str, tuple[Callable[[Array], Array], int]] = {
    "bilinear": (_triangle, 1),
    "bicubic": (_cubic_filter, 2),
    "lanczos": (_lanczos, 3),
}


def _smooth(mode: str, size: int, count: int, step: Any) -> tuple[Array, Array]:
    """Antialiasing: a filter as wide as the distance of the outputs, where that is above 1."""
    kernel, reach = FILTERS[mode]
    stretch = max(float(step), 1.0)
    support = reach * stretch
    center = float(step) * (np.arange(count) + 0.5)
    begin = np.maximum((center - support + 0.5).astype(np.int64), 0)
    end = np.minimum((center + support + 0.5).astype(np.int64), size)
    terms = np.arange(max(int((end - begin).max()), 1))[:, None]
    places = begin + terms
    weights = np.where(places < end, kernel((places - center + 0.5) / stretch), 0)
    return np.minimum(places, size - 1), weights / weights.sum(0)


# The functions.

SPATIAL = {"linear": 1, "bilinear": 2, "bicubic": 2, "lanczos": 2}
ALIGNED = ("linear", "bilinear", "bicubic", "lanczos")
MODES = ("nearest", "nearest-exact", "area", *ALIGNED)


def _per_dimension(name: str, value: Any, shape: tuple[int, ...]) -> list[Any]:
    """One entry for each spatial dimension."""
    n = len(shape) - 2
    entries = list(value) if isinstance(value, (tuple, list)) else [value] * n
    if len(entries) != n:
        raise ValueError(
            f"interpolate: {name} is one number or one for each of the {n} spatial dimensions of "
            f"the input, whose shape is {shape}; got {value!r}."
        )
    return entries


def _check(x: Array, mode: str, align_corners: Any, antialias: bool) -> None:
    """Refuse an input that the mode does not take."""
    if mode not in MODES or x.ndim not in (3, 4):
        raise NotImplementedError(
            f"interpolate: inputs have the shape (N, C, L) or (N, C, H, W), and mode is one of "
            f"{', '.join(map(repr, MODES))}; got shape {x.shape} and mode {mode!r}."
        )
    if x.ndim != SPATIAL.get(mode, x.ndim - 2) + 2:
        fitting = {3: "'linear'", 4: "'bilinear' or 'bicubic'"}[x.ndim]
        raise NotImplementedError(
            f"interpolate: got {x.ndim}D input of shape {x.shape}, but mode {mode!r} needs "
            f"{SPATIAL[mode] + 2}D input. Use mode={fitting}."
        )
    if mode == "lanczos" and (align_corners or not antialias):
        raise ValueError(
            "interpolate: mode 'lanczos' requires antialias=True and does not support "
            "align_corners=True."
        )
    if x.dtype.kind != "f" and not mode.startswith("nearest"):
        raise RuntimeError(
            f"interpolate: mode {mode!r} is not defined for {x.dtype}. Convert first: `x.float()`."
        )
    if 0 in x.shape[1:]:
        raise RuntimeError(
            f"interpolate: only the dimension of the batch may be empty; the shape is {x.shape}."
        )


def interpolate(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """(N, C, L) or (N, C, H, W) in another size, given as `size` or by `scale_factor`.

    `mode` is "nearest", "nearest-exact" or "area" (the mean of what an output covers), "linear" for
    lines, "bilinear" or "bicubic" for planes, "lanczos" for planes with `antialias=True`. Elements
    are squares whose outer edges coincide; with `align_corners=True`, points of which the outermost
    coincide. A factor gives the size ⌊factor · size⌋, and with `recompute_scale_factor=True` the
    ratio of the sizes is used from there on. `antialias=True` averages when planes become smaller
    ("bilinear", "bicubic", "lanczos"). Volumes and "trilinear" are not supported.
    Raises ValueError for arguments that contradict each other, NotImplementedError for a mode that
    does not exist or does not fit the dimensions, RuntimeError for sizes below 1 and for types that
    are not floating, which only the nearest modes take. PyTorch: `F.interpolate`.

    >>> x = tg.tensor([[[1.0, 3.0]]])
    >>> F.interpolate(x, scale_factor=2)
    tensor([[[1., 1., 3., 3.]]])
    >>> F.interpolate(x, size=4, mode="linear")
    tensor([[[1.0000, 1.5000, 2.5000, 3.0000]]])
    >>> F.interpolate(x, size=3, mode="linear", align_corners=True)
    tensor([[[1., 2., 3.]]])
    """
    x = check_tensor("interpolate", input).array
    if align_corners is not None and mode in ("nearest", "nearest-exact", "area"):
        raise ValueError(
            f"interpolate: align_corners is an option of {', '.join(ALIGNED)}; mode {mode!r} has "
            "no corners to align. Leave it out."
        )
    counts, factors = _sizes(x, size, scale_factor, recompute_scale_factor or mode == "area")
    if recompute_scale_factor and size is not None:
        raise ValueError(
            "interpolate: recompute_scale_factor is not meaningful with an explicit size."
        )
    if antialias and (mode not in FILTERS or x.ndim != 4):
        raise ValueError(
            f"interpolate: antialias is restricted to {', '.join(FILTERS)} and inputs "
            f"(N, C, H, W); got mode {mode!r} and shape {x.shape}."
        )
    _check(x, mode, align_corners, antialias)
    if min(counts) <= 0:
        raise RuntimeError(
            f"interpolate: input and output sizes should be greater than 0, but got input "
            f"{x.shape[2:]} and output {tuple(counts)}."
        )
    if mode == "area":
        if x.ndim == 3:
            return adaptive_avg_pool1d(input, counts)
        return adaptive_avg_pool2d(input, counts)
    dtype = x.dtype if x.dtype in (np.float32, np.float64) else np.dtype(np.float32)
    result = input
    for dim in range(2 - x.ndim, 0):
        n, count, factor = x.shape[dim], counts[dim], factors[dim]
        weights: Array | None = None
        if mode == "nearest" and x.ndim == 4 and count in (n, 2 * n):
            # PyTorch's planes, not its lines, leave the factor out of account here.
            places = (np.arange(count) * n // count)[None]
        elif mode.startswith("nearest"):
            places = _nearest(n, count, factor, mode == "nearest-exact", dtype)
        elif n == count and (mode != "bicubic" or antialias):
            continue
        elif antialias:
            step = _step(n, count, factor, bool(align_corners), dtype)
            places, weights = _smooth(mode, n, count, step)
        else:
            kind = _cubic if mode == "bicubic" else _linear
            places, weights = kind(_positions(n, count, factor, bool(align_corners), dtype), n)
        result = apply(Resample(dim, n, places, weights), result)
    return result if result is not input else input.clone()


def _sizes(
    x: Array, size: Any, scale_factor: Any, recompute: bool
) -> tuple[list[int], Sequence[float | None]]:
    """The spatial sizes of the result, and the factors that positions are computed with."""
    nothing = [None] * (x.ndim - 2)
    if size is not None and scale_factor is not None:
        raise ValueError("interpolate: only one of size or scale_factor should be defined.")
    if size is not None:
        sizes = _per_dimension("size", size, x.shape)
        if not all(hasattr(entry, "__index__") for entry in sizes):
            raise TypeError(f"interpolate: size is an integer or a tuple of them; got {size!r}.")
        return [entry.__index__() for entry in sizes], nothing
    if scale_factor is None:
        raise ValueError("interpolate: either size or scale_factor should be defined.")
    factors = _per_dimension("scale_factor", scale_factor, x.shape)
    counts = [int(n * factor) for n, factor in zip(x.shape[2:], factors, strict=True)]
    return counts, nothing if recompute else factors


def upsample(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """`interpolate` under its old name. PyTorch: `F.upsample`.

    >>> F.upsample(tg.tensor([[[1.0, 3.0]]]), 4)
    tensor([[[1., 1., 3., 3.]]])
    """
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
) -> Tensor:
    """`interpolate` with mode "nearest". PyTorch: `F.upsample_nearest`.

    >>> F.upsample_nearest(tg.tensor([[[1.0, 3.0]]]), 4)
    tensor([[[1., 1., 3., 3.]]])
    """
    return interpolate(input, size, scale_factor)


def upsample_bilinear(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
) -> Tensor:
    """`interpolate` with mode "bilinear" and `align_corners=True`. PyTorch: `F.upsample_bilinear`.

    >>> F.upsample_bilinear(tg.tensor([[[[1.0, 3.0]]]]), (1, 3))
    tensor([[[[1., 2., 3.]]]])
    """
    return interpolate(input, size, scale_factor, "bilinear", align_corners=True)


# Channels and space.


def _positive(name: str, argument: str, value: Any) -> int:
    if not hasattr(value, "__index__"):
        raise TypeError(f"{name}: {argument} is an integer; got {value!r}.")
    if value <= 0:
        raise RuntimeError(f"{name}: {argument} must be positive; got {value}.")
    return value.__index__()  # type: ignore[no-any-return]


def _at_least_3(name: str, input: Tensor) -> None:
    if input.ndim < 3:
        raise RuntimeError(
            f"{name} expects an input of at least 3 dimensions, (..., C, H, W); got {input.shape}."
        )


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """r² channels become r×r pixels: (..., C r², H, W) becomes (..., C, H r, W r).

    Raises RuntimeError for fewer than three dimensions, and if r² does not divide the number of
    channels. PyTorch: `F.pixel_shuffle`. Source: Shi et al., "Real-time single image and video
    super-resolution using an efficient sub-pixel convolutional neural network", 2016.

    >>> F.pixel_shuffle(tg.tensor([[[1.0]], [[2.0]], [[3.0]], [[4.0]]]), 2)
    tensor([[[1., 2.],
             [3., 4.]]])
    """
    check_tensor("pixel_shuffle", input)
    _at_least_3("pixel_shuffle", input)
    r = _positive("pixel_shuffle", "upscale_factor", upscale_factor)
    *lead, channels, height, width = input.shape
    if channels % (r * r):
        raise RuntimeError(
            f"pixel_shuffle: the number of channels must be divisible by the square of "
            f"upscale_factor, {r * r}; the input has {channels} channels (shape {input.shape})."
        )
    n, c = len(lead), channels // (r * r)
    apart = input.reshape(*lead, c, r, r, height, width)
    mixed = apart.permute(*range(n), n, n + 3, n + 1, n + 4, n + 2)
    return mixed.reshape(*lead, c, height * r, width * r)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """r×r pixels become r² channels: (..., C, H r, W r) becomes (..., C r², H, W).

    Raises RuntimeError for fewer than three dimensions, and if r does not divide height and width.
    PyTorch: `F.pixel_unshuffle`.

    >>> F.pixel_unshuffle(tg.tensor([[[1.0, 2.0], [3.0, 4.0]]]), 2).shape
    (4, 1, 1)
    """
    check_tensor("pixel_unshuffle", input)
    _at_least_3("pixel_unshuffle", input)
    r = _positive("pixel_unshuffle", "downscale_factor", downscale_factor)
    *lead, channels, height, width = input.shape
    if height % r or width % r:
        raise RuntimeError(
            f"pixel_unshuffle: height and width must be divisible by downscale_factor, {r}; the "
            f"shape is {input.shape}."
        )
    n = len(lead)
    apart = input.reshape(*lead, channels, height // r, r, width // r, r)
    mixed = apart.permute(*range(n), n, n + 2, n + 4, n + 1, n + 3)
    return mixed.reshape(*lead, channels * r * r, height // r, width // r)


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """The channels of (N, C, ...) dealt out: the first of each group, then the second, and so on.

    Raises RuntimeError for fewer than three dimensions, and if `groups` does not divide the number
    of channels. PyTorch: `F.channel_shuffle`. Source: Zhang et al., "ShuffleNet: an extremely
    efficient convolutional neural network for mobile devices", 2018.

    >>> F.channel_shuffle(tg.arange(4.0).reshape(1, 4, 1), 2).flatten()
    tensor([0., 2., 1., 3.])
    """
    check_tensor("channel_shuffle", input)
    _at_least_3("channel_shuffle", input)
    g = _positive("channel_shuffle", "groups", groups)
    batch, channels, *plane = input.shape
    if channels % g:
        raise RuntimeError(
            f"channel_shuffle: the number of channels must be divisible by groups, {g}; the input "
            f"has {channels} channels (shape {input.shape})."
        )
    apart = input.reshape(batch, g, channels // g, *plane)
    return apart.transpose(1, 2).reshape(input.shape)
