"""Counting and looking up: unique elements, histograms, bins, membership. No gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..autograd.graph import Array, TensorBase, wrap
from ..autograd.leaving import without_gradient
from . import creation
from .arguments import check_tensor
from .dims import normalize_dim, numpy_names
from .dtypes import DType, as_tensor_operand, float32, float64, int64

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "bincount",
    "bucketize",
    "histc",
    "histogram",
    "histogramdd",
    "isin",
    "searchsorted",
    "unique",
    "unique_consecutive",
]


# Unique elements.


def _rows(x: Array, dim: int | None, name: str) -> Array:
    """What is compared: all elements, or the slices along `dim`, flattened."""
    if dim is None:
        return x.reshape(-1, 1)
    axis = normalize_dim(dim, x.ndim)
    if not x.ndim:
        raise IndexError(f"{name}: a single number has no dimension {dim}; leave dim out.")
    rest = [size for at, size in enumerate(x.shape) if at != axis]
    if 0 in rest and x.shape[axis]:
        raise RuntimeError(
            f"{name}: along dimension {axis} of shape {x.shape} the slices are empty; there is "
            "nothing to compare."
        )
    return np.moveaxis(x, axis, 0).reshape(x.shape[axis], int(np.prod(rest)))


def _distinct(x: Array, dim: int | None, ordered: bool, name: str) -> tuple[Array, Array, Array]:
    """First of each group of equal elements or slices; the group of each; sizes of the groups."""
    rows = _rows(x, dim, name)
    if not ordered:
        order = np.arange(len(rows))
    elif rows.shape[1] == 1:
        order = rows[:, 0].argsort(kind="stable")
    else:
        order = np.lexsort(rows.T[::-1]) if rows.size else np.arange(len(rows))
    rows = rows[order]
    new = np.ones(len(rows), bool)
    new[1:] = (rows[1:] != rows[:-1]).any(1)
    inverse = np.empty(len(rows), int64)
    inverse[order] = np.cumsum(new) - 1
    starts = np.flatnonzero(new)
    counts = np.diff(np.append(starts, len(rows)))
    places = order[starts]
    values = x.reshape(-1)[places] if dim is None else np.take(np.atleast_1d(x), places, dim)
    return values, inverse.reshape(x.shape) if dim is None else inverse, counts


def _answer(
    input: Tensor, found: tuple[Array, Array, Array], return_inverse: bool, return_counts: bool
) -> Any:
    parts = [found[0]]
    if return_inverse:
        parts.append(found[1])
    if return_counts:
        parts.append(found[2])
    tensors = tuple(without_gradient("unique", part, input) for part in parts)
    return tensors[0] if len(tensors) == 1 else tensors


@numpy_names
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The distinct elements, or slices along `dim`, in ascending order. PyTorch: `torch.unique`.

    With `return_inverse` also where each element of x is among them, with `return_counts` how often
    each occurs. Every NaN is distinct. The result is in order, whatever `sorted` says. Raises
    IndexError for a dimension out of range, RuntimeError for slices without elements.

    >>> tg.unique(tg.tensor([3, 1, 3]), return_inverse=True, return_counts=True)
    (tensor([1, 3]), tensor([1, 0, 1]), tensor([1, 2]))
    """
    found = _distinct(input.array, dim, True, "unique")
    return _answer(input, found, return_inverse, return_counts)


@numpy_names
def unique_consecutive(
    input: Tensor,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The first of every run of equal elements, or slices along `dim`, in the order they have.

    With `return_inverse` also the run that each element belongs to, with `return_counts` the
    lengths of the runs. PyTorch: `torch.unique_consecutive`.

    >>> tg.unique_consecutive(tg.tensor([1, 1, 2, 1]), return_counts=True)
    (tensor([1, 2, 1]), tensor([2, 1, 1]))
    """
    found = _distinct(input.array, dim, False, "unique_consecutive")
    return _answer(input, found, return_inverse, return_counts)


# Counts and histograms.


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each of 0, 1, 2, ... occurs, or the sums of their `weights`.

    int64 without weights, float32 with weights of that type, else float64. Raises RuntimeError
    unless the input is a vector of integers that are not negative, and for weights of another
    length. PyTorch: `torch.bincount`.

    >>> tg.bincount(tg.tensor([1, 3, 1])), tg.bincount(tg.tensor([1, 0]), tg.tensor([0.5, 2.0]))
    (tensor([0, 2, 0, 1]), tensor([2.0000, 0.5000]))
    """
    check_tensor("bincount", input)
    x = input.array
    if x.ndim != 1 or x.dtype.kind not in "iu" or (x.size and x.min() < 0):
        raise RuntimeError(
            "bincount: counts a vector of integers that are not negative; got shape "
            f"{x.shape} and type {x.dtype}."
        )
    if minlength < 0:
        raise RuntimeError(f"bincount: minlength cannot be negative; got {minlength}.")
    values = None
    if weights is not None:
        if weights.shape != x.shape:
            raise RuntimeError(
                f"bincount: there is one weight for each element of the input, of shape {x.shape}; "
                f"got shape {weights.shape}."
            )
        values = weights.array
    counts = np.bincount(x.astype(int64), values, minlength)
    if weights is None or not x.size:
        return without_gradient("bincount", counts.astype(int64), input)
    counts = counts.astype(float32 if weights.dtype == float32 else float64)
    return without_gradient("bincount", counts, input, weights)


def _refuse_integers(x: Array, name: str) -> None:
    if x.dtype.kind != "f":
        raise RuntimeError(
            f"{name}: counts floating numbers; got {x.dtype}. Convert first: `x.float()`, or count "
            "integers with tg.bincount(x)."
        )


def _range_of(x: Array, low: float, high: float, margin: float, name: str) -> tuple[Any, Any]:
    """From the smallest to the largest, wider if they are the same."""
    if low == high and x.size:
        low, high = x.min(), x.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RuntimeError(f"{name}: the range from {low} to {high} is not finite.")
    if low == high:
        low, high = low - margin, high + margin
    return low, high


def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """Counts in `bins` bins of equal width from `min` to `max`, in the input's type.

    If both are equal: from the smallest to the largest element. Elements outside and NaN are not
    counted. Raises RuntimeError for integers, for max < min, and if the range is not finite.
    PyTorch: `torch.histc`.

    >>> tg.histc(tg.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.])
    """
    check_tensor("histc", input)
    x = input.array.reshape(-1)
    _refuse_integers(x, "histc")
    if bins <= 0:
        raise RuntimeError(f"histc: the number of bins must be positive; got {bins}.")
    if max < min:
        raise RuntimeError(f"histc: max must be larger than min; got {min} and {max}.")
    low, high = _range_of(x, min, max, 1, "histc")
    low, high = x.dtype.type(low), x.dtype.type(high)
    inside = x[(x >= low) & (x <= high)]
    places = ((inside - low) * bins / (high - low)).astype(int64)
    counts = np.bincount(np.minimum(places, bins - 1), minlength=bins)
    return without_gradient("histc", counts.astype(x.dtype), input)


class Histogram(NamedTuple):
    """Counts, and the borders of the bins."""

    hist: Tensor
    bin_edges: Any


def _edges(x: Array, bins: int | Tensor, limits: tuple[float, float] | None, name: str) -> Array:
    """The borders of the bins along one dimension."""
    if isinstance(bins, TensorBase):
        if bins.array.ndim != 1 or bins.dtype != x.dtype:
            raise RuntimeError(
                f"{name}: borders of bins are a vector of the input's type, {x.dtype}; got shape "
                f"{bins.shape} and type {bins.dtype}."
            )
        return bins.array.copy()
    if bins <= 0:
        raise RuntimeError(f"{name}: the number of bins must be positive; got {bins}.")
    if limits is None:
        low, high = _range_of(x, 0, 0, 0.5, name) if x.size else (0, 1)
    else:
        low, high = limits
        if not (np.isfinite(low) and np.isfinite(high)) or low > high:
            raise RuntimeError(f"{name}: a range is finite and ascending; got {low} to {high}.")
        if low == high:
            low, high = low - 0.5, high + 0.5
    return creation.linspace(low, high, bins + 1, dtype=x.dtype).array


def _places(x: Array, edges: Array) -> Array:
    """The bin of each element; -1 outside. The last bin contains its upper border."""
    places = np.searchsorted(edges, x, side="right") - 1
    places = np.where(x == edges[-1], len(edges) - 2, places)
    return np.where((places < 0) | (places > len(edges) - 2) | np.isnan(x), -1, places)


def _counted(
    columns: list[Array], edges: list[Array], weight: Array | None, density: bool, dtype: DType
) -> Tensor:
    places = [_places(x, borders) for x, borders in zip(columns, edges, strict=True)]
    shape = tuple(len(borders) - 1 for borders in edges)
    inside = np.logical_and.reduce([place >= 0 for place in places])
    flat = np.ravel_multi_index([place[inside] for place in places], shape)
    weights = None if weight is None else weight.reshape(-1)[inside]
    counts = np.bincount(flat, weights, int(np.prod(shape))).reshape(shape).astype(float64)
    if density:
        with np.errstate(all="ignore"):
            counts = counts / counts.sum()
            for axis, borders in enumerate(edges):
                widths = np.diff(borders.astype(float64))
                counts = counts / widths.reshape(-1, *[1] * (len(shape) - axis - 1))
    return wrap(counts.astype(dtype))


def histogram(
    input: Tensor,
    bins: int | Tensor,
    *,
    range: tuple[float, float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> Histogram:
    """Counts in bins, as a named tuple (hist, bin_edges). PyTorch: `torch.histogram`.

    `bins` is a number of bins of equal width over `range` (by default from the smallest to the
    largest element), or a vector of ascending borders. `weight` counts each element that many
    times; `density` divides by the total and the widths. Elements outside and NaN are not counted.
    Raises RuntimeError for integers, and if the range is not finite.

    >>> hist, bin_edges = tg.histogram(tg.tensor([1.0, 2.0, 1.0]), 2, range=(0.0, 3.0))
    >>> hist, bin_edges
    (tensor([2., 1.]), tensor([0.0000, 1.5000, 3.0000]))
    """
    check_tensor("histogram", input)
    x = input.array.reshape(-1)
    _refuse_integers(x, "histogram")
    if isinstance(bins, TensorBase) and range is not None:
        raise TypeError("histogram: give borders of bins, or a number of bins and their range.")
    edges = _edges(x, bins, range, "histogram")
    values = _checked_weight(weight, input.shape, "histogram")
    hist = _counted([x], [edges], values, density, x.dtype)
    return Histogram(without_gradient("histogram", hist.array, input, weight), wrap(edges))


def _checked_weight(weight: Tensor | None, shape: tuple[int, ...], name: str) -> Array | None:
    if weight is None:
        return None
    if weight.shape != shape:
        raise RuntimeError(
            f"{name}: there is one weight for each of the elements, of shape {shape}; got shape "
            f"{weight.shape}."
        )
    return weight.array


def histogramdd(
    input: Tensor,
    bins: int | Sequence[int] | Sequence[Tensor],
    *,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> Histogram:
    """Counts of points in several dimensions, as (hist, bin_edges). PyTorch: `torch.histogramdd`.

    The last dimension of the input holds the coordinates; `bins` is a number, or one number or
    vector of borders for each coordinate; `range` is (low, high, low, high, ...). `bin_edges` is a
    tuple of vectors. Otherwise as `histogram`.

    >>> points = tg.tensor([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]])
    >>> tg.histogramdd(points, 2).hist
    tensor([[0., 1.],
            [1., 1.]])
    """
    check_tensor("histogramdd", input)
    x = input.array
    _refuse_integers(x, "histogramdd")
    if x.ndim < 2:
        raise RuntimeError(
            f"histogramdd: points are rows, so the input has two dimensions or more; got shape "
            f"{x.shape}."
        )
    size = x.shape[-1]
    each: list[Any] = [bins] * size if isinstance(bins, int) else list(bins)
    if len(each) != size or (range is not None and len(range) != 2 * size):
        raise RuntimeError(
            f"histogramdd: points with {size} coordinates need {size} entries of bins and "
            f"{2 * size} of range."
        )
    columns = list(x.reshape(-1, size).T)
    pairs = [None] * size if range is None else list(zip(range[::2], range[1::2], strict=True))
    edges = [
        _edges(column, number, limits, "histogramdd")
        for column, number, limits in zip(columns, each, pairs, strict=True)
    ]
    values = _checked_weight(weight, x.shape[:-1], "histogramdd")
    hist = _counted(columns, edges, values, density, x.dtype)
    hist = without_gradient("histogramdd", hist.array, input, weight)
    return Histogram(hist, tuple(wrap(borders) for borders in edges))


# Looking up.


def searchsorted(
    sorted_sequence: Tensor,
    input: Tensor | float,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """Where `input` would be inserted to keep the last dimension of `sorted_sequence` sorted.

    Before equal elements, or after them with `right=True` (`side="right"`). A vector is searched
    for an input of any shape; otherwise all dimensions but the last agree. `sorter` is what argsort
    returns for a sequence that is not sorted. int64, or int32. Raises RuntimeError for shapes that
    do not fit. PyTorch: `torch.searchsorted`.

    Unlike PyTorch, NaN counts as the largest number with `right=True`, too.

    >>> tg.searchsorted(tg.tensor([1, 3, 5]), tg.tensor([3, 6])), tg.searchsorted(
    ...     tg.tensor([1, 3, 5]), 3, right=True
    ... )
    (tensor([1, 3]), tensor(2))
    """
    if side is not None:
        if side not in ("left", "right"):
            raise RuntimeError(f"searchsorted: side is 'left' or 'right'; got {side!r}.")
        if side == "left" and right:
            raise RuntimeError("searchsorted: side='left' contradicts right=True.")
        right = side == "right"
    sequence = sorted_sequence.array
    if sorter is not None:
        if sorter.shape != sequence.shape or sorter.dtype.kind not in "iu":
            raise RuntimeError(
                f"searchsorted: sorter has the shape of the sequence, {sequence.shape}, and an "
                f"integer type; got {sorter.shape} and {sorter.dtype}."
            )
        sequence = np.take_along_axis(sequence, sorter.array.astype(np.intp), -1)
    value = as_tensor_operand(input, "searchsorted")
    wanted = value.array if isinstance(value, TensorBase) else np.asarray(value)
    where: Any = "right" if right else "left"
    kind = np.dtype(np.int32) if out_int32 else int64
    if sequence.ndim == 1:
        found = np.asarray(np.searchsorted(sequence, wanted, where), kind)
        return without_gradient("searchsorted", found, sorted_sequence, input)
    if wanted.ndim != sequence.ndim or wanted.shape[:-1] != sequence.shape[:-1]:
        raise RuntimeError(
            "searchsorted: a sequence of several rows is searched for values in as many rows: all "
            f"dimensions but the last agree; got {sequence.shape} and {wanted.shape}."
        )
    result = np.empty(wanted.shape, kind)
    for row in np.ndindex(*sequence.shape[:-1]):
        result[row] = np.searchsorted(sequence[row], wanted[row], where)
    return without_gradient("searchsorted", result, sorted_sequence, input)


def bucketize(
    input: Tensor | float, boundaries: Tensor, *, out_int32: bool = False, right: bool = False
) -> Tensor:
    """The bucket that each element falls into, between ascending `boundaries`.

    i where boundaries[i-1] < x <= boundaries[i]; with `right=True`, boundaries[i-1] <= x <
    boundaries[i]. int64, or int32. Raises RuntimeError unless the boundaries are a vector. PyTorch:
    `torch.bucketize`.

    >>> tg.bucketize(tg.tensor([0.5, 1.0, 9.0]), tg.tensor([1.0, 2.0]))
    tensor([0, 0, 2])
    """
    if check_tensor("bucketize", boundaries, "boundaries are").array.ndim != 1:
        raise RuntimeError(f"bucketize: boundaries are a vector; got shape {boundaries.shape}.")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


def isin(
    elements: Tensor | float,
    test_elements: Tensor | float,
    *,
    assume_unique: bool = False,
    invert: bool = False,
) -> Tensor:
    """Where an element of the first is one of the second; `invert`: where it is none.

    `assume_unique` promises that neither repeats an element. NaN is none of them. PyTorch:
    `torch.isin`.

    >>> tg.isin(tg.tensor([1, 2, 3]), tg.tensor([3, 1]))
    tensor([ True, False,  True])
    """
    x, y = (as_tensor_operand(z, "isin") for z in (elements, test_elements))
    if not isinstance(x, TensorBase) and not isinstance(y, TensorBase):
        raise TypeError("isin: at least one of elements and test_elements is a tensor.")
    x, y = (z.array if isinstance(z, TensorBase) else z for z in (x, y))
    found = np.isin(x, y, assume_unique=assume_unique, invert=invert)
    return without_gradient("isin", found, elements, test_elements)
