"""Adaptive pooling: as many windows as the output is to have, as equal as the sizes allow.

Of O windows along a dimension of size I, window o begins at ⌊o I/O⌋ and ends before ⌈(o + 1) I/O⌉.
If O divides I, these are the windows of ordinary pooling; otherwise they overlap and differ by one
in length.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ..autograd.graph import Array, apply, wrap
from ..autograd.leaving import without_gradient
from .arguments import integers
from .average_pooling import WindowSum, divided, window_sums
from .dtypes import int64
from .gathering import gather
from .pooling import pool_maxima
from .pooling_windows import Axis, check_input

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices",
]

#: The size of the output: one integer, or one for each dimension, None for that of the input.
OutputSize: TypeAlias = int | Sequence[int | None] | None


def _counts(name: str, x: Array, n: int, output_size: Any) -> tuple[int, ...]:
    """The number of windows along each of the last n dimensions of x."""
    entries = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * n
    filled = [size if o is None else o for o, size in zip(entries, x.shape[-n:], strict=False)]
    if len(entries) != n:
        raise RuntimeError(
            f"{name}: output_size must be an integer or have {n} elements; got {output_size!r}."
        )
    counts = integers(name, "output_size", filled, n)
    if min(counts) < 0:
        raise RuntimeError(
            f"{name}: elements of output_size must be greater than or equal to 0 but received "
            f"{counts}."
        )
    return counts


def _bounds(size: int, count: int) -> list[slice]:
    """The windows along one dimension."""
    return [slice(o * size // count, -(-(o + 1) * size // count)) for o in range(count)]


def _equal(x: Array, counts: Sequence[int]) -> tuple[Axis, ...] | None:
    """The windows as those of ordinary pooling, if they are of one size and do not overlap."""
    sizes = x.shape[-len(counts) :]
    if any(count == 0 or size % count for size, count in zip(sizes, counts, strict=True)):
        return None
    pairs = [(size, count, size // count) for size, count in zip(sizes, counts, strict=True)]
    return tuple(Axis(size, k, k, 0, 1, count) for size, count, k in pairs)


# Means.


def _adaptive_avg_pool(name: str, n: int, input: Tensor, output_size: Any) -> Tensor:
    x = check_input(name, input, n, "f", empty_channels=True)
    counts = _counts(name, x, n, output_size)
    if set(counts) == {1}:
        return input.mean(dim=tuple(range(-n, 0)), keepdim=True)
    axes = _equal(x, counts)
    if axes is not None:
        return divided(window_sums(input, axes), np.array(prod(axis.kernel for axis in axes)))
    sums, lengths = input, []
    for dim, count in zip(range(-n, 0), counts, strict=True):
        bounds = _bounds(x.shape[dim], count)
        spans = [
            (slice(o, o + 1), slice(i, i + 1))
            for o, bound in enumerate(bounds)
            for i in range(bound.start, bound.stop)
        ]
        sums = apply(WindowSum(dim, x.shape[dim], count, spans), sums)
        lengths.append(np.array([bound.stop - bound.start for bound in bounds], dtype=int64))
    return sums / wrap(np.asarray(prod(np.ix_(*lengths))).astype(x.dtype))


def adaptive_avg_pool1d(input: Tensor, output_size: int | Sequence[int]) -> Tensor:
    """The means of `output_size` windows of (N, C, L) or (C, L). PyTorch: `F.adaptive_avg_pool1d`.

    As `adaptive_avg_pool2d`, along one dimension.

    >>> F.adaptive_avg_pool1d(tg.tensor([[1.0, 3.0, 5.0]]), 2)
    tensor([[2., 4.]])
    """
    return _adaptive_avg_pool("adaptive_avg_pool1d", 1, input, output_size)


def adaptive_avg_pool2d(input: Tensor, output_size: OutputSize) -> Tensor:
    """The means of `output_size` windows of (N, C, H, W) or (C, H, W), whatever H and W are.

    `output_size` is (H', W'), or one integer for both; None keeps the size of the input. Window o
    of O along a dimension of size I begins at ⌊o I/O⌋ and ends before ⌈(o + 1) I/O⌉.
    `output_size=1` is global average pooling. Raises RuntimeError for another number of dimensions,
    an empty plane and a type that is not floating. PyTorch: `F.adaptive_avg_pool2d`.

    >>> F.adaptive_avg_pool2d(tg.tensor([[[1.0, 2.0], [3.0, 6.0]]]), 1)
    tensor([[[3.]]])
    >>> F.adaptive_avg_pool2d(tg.ones(8, 3, 7, 5), (None, 2)).shape
    (8, 3, 7, 2)
    """
    return _adaptive_avg_pool("adaptive_avg_pool2d", 2, input, output_size)


# Maxima.


def _positions(x: Array, counts: Sequence[int]) -> Array:
    """Where the maximum of each window is in its plane, counted by rows; of NaNs the last."""
    n = len(counts)
    lead, plane = x.shape[:-n], x.shape[-n:]
    found = np.empty((*lead, *counts), int64)
    each = [_bounds(size, count) for size, count in zip(plane, counts, strict=True)]
    for place in itertools.product(*(range(count) for count in counts)):
        bounds = [bound[o] for bound, o in zip(each, place, strict=True)]
        key: Any = (..., *bounds)
        window = x[key]
        shape = window.shape[-n:]
        values = window.reshape(*lead, prod(shape))
        best = values.argmax(-1)
        nan = np.isnan(values)
        if nan.any():
            best = np.where(nan.any(-1), prod(shape) - 1 - nan[..., ::-1].argmax(-1), best)
        inside = np.unravel_index(best, shape)
        at = tuple(i + bound.start for i, bound in zip(inside, bounds, strict=True))
        key = (..., *place)
        found[key] = np.ravel_multi_index(at, plane)
    return found


def _adaptive_max_pool(
    name: str, n: int, input: Tensor, output_size: Any, return_indices: bool
) -> Any:
    x = check_input(name, input, n, "f")
    counts = _counts(name, x, n, output_size)
    axes = _equal(x, counts)
    if axes is not None:
        return pool_maxima(input, axes, return_indices)
    indices = _positions(x, counts)
    lead = x.shape[:-n]
    planes, places = (
        input.reshape(*lead, prod(x.shape[-n:])),
        wrap(indices.reshape(*lead, prod(counts))),
    )
    out = gather(planes, -1, places).reshape(indices.shape)
    if not return_indices:
        return out
    return out, without_gradient("the indices of adaptive_max_pool", indices, input)


def adaptive_max_pool1d(
    input: Tensor, output_size: int | Sequence[int], return_indices: bool = False
) -> Any:
    """The maxima of `output_size` windows of (N, C, L) or (C, L). PyTorch: `F.adaptive_max_pool1d`.

    As `adaptive_max_pool2d`, along one dimension.

    >>> F.adaptive_max_pool1d(tg.tensor([[1.0, 3.0, 5.0]]), 2)
    tensor([[3., 5.]])
    """
    return _adaptive_max_pool("adaptive_max_pool1d", 1, input, output_size, return_indices)


def adaptive_max_pool2d(
    input: Tensor, output_size: OutputSize, return_indices: bool = False
) -> Any:
    """The maxima of `output_size` windows of (N, C, H, W) or (C, H, W), whatever H and W are.

    The windows are those of `adaptive_avg_pool2d`; indices, equal elements, NaN and errors as in
    `max_pool2d`. PyTorch: `F.adaptive_max_pool2d`.

    >>> x = tg.tensor([[[1.0, 2.0, 9.0], [3.0, 6.0, 5.0]]])
    >>> F.adaptive_max_pool2d(x, (1, 2))
    tensor([[[6., 9.]]])
    >>> F.adaptive_max_pool2d(x, (1, 2), return_indices=True)[1]
    tensor([[[4, 2]]])
    """
    return _adaptive_max_pool("adaptive_max_pool2d", 2, input, output_size, return_indices)


def adaptive_max_pool1d_with_indices(
    input: Tensor, output_size: int | Sequence[int], return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool1d` with indices. PyTorch: `F.adaptive_max_pool1d_with_indices`.

    >>> F.adaptive_max_pool1d_with_indices(tg.tensor([[1.0, 3.0, 5.0]]), 2)
    (tensor([[3., 5.]]), tensor([[1, 2]]))
    """
    return adaptive_max_pool1d(input, output_size, True)  # type: ignore[no-any-return]


def adaptive_max_pool2d_with_indices(
    input: Tensor, output_size: OutputSize, return_indices: bool = False
) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool2d` with indices. PyTorch: `F.adaptive_max_pool2d_with_indices`.

    >>> F.adaptive_max_pool2d_with_indices(tg.tensor([[[1.0, 2.0], [3.0, 6.0]]]), 1)
    (tensor([[[6.]]]), tensor([[[3]]]))
    """
    return adaptive_max_pool2d(input, output_size, True)  # type: ignore[no-any-return]
