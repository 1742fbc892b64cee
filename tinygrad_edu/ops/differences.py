"""Differences of neighbours, and the integrals and derivatives estimated from samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import TensorBase
from . import comparison, elementwise
from .cumulative import cumsum
from .dims import normalize_dim, normalize_dims, numpy_names
from .dtypes import floating
from .joining import cat
from .reducing import refuse_booleans
from .shape import narrow

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["cumulative_trapezoid", "diff", "gradient", "trapezoid", "trapz"]


@numpy_names
def diff(
    input: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
) -> Tensor:
    """x_(i+1) - x_i along `dim`, n times over; of booleans, where they differ.

    `prepend` and `append` are joined to x first. Raises RuntimeError for a 0-dimensional tensor, a
    negative n, and tensors that cannot be joined. PyTorch: `torch.diff`.

    >>> tg.diff(tg.tensor([1, 4, 9, 16])), tg.diff(tg.tensor([1, 4, 9, 16]), n=2)
    (tensor([3, 5, 7]), tensor([2, 2]))
    """
    if input.array.ndim == 0:
        raise RuntimeError("diff: a 0-dimensional tensor has no neighbours.")
    if n < 0:
        raise RuntimeError(f"diff: n cannot be negative; got {n}.")
    dim = normalize_dim(dim, input.array.ndim)
    parts = [part for part in (prepend, input, append) if part is not None]
    for part in parts:
        if part.array.ndim != input.array.ndim:
            raise RuntimeError(
                "diff: prepend and append have as many dimensions as the input, "
                f"{input.array.ndim}; got shape {part.shape}."
            )
    result = input if len(parts) == 1 else cat(parts, dim)
    if n == 0:
        return result.clone()
    for _ in range(min(n, result.shape[dim])):
        length = result.shape[dim] - 1
        later, earlier = narrow(result, dim, 1, length), narrow(result, dim, 0, length)
        subtract = comparison.logical_xor if result.dtype.kind == "b" else elementwise.sub
        result = subtract(later, earlier)
    return result


# Integrals.


def _panels(y: Any, x: Any, dx: float | None, dim: int, name: str) -> Any:
    """The areas between neighbouring samples: half their sum times their distance."""
    refuse_booleans(y, name)
    if y.ndim == 0:
        raise IndexError(f"{name}: a 0-dimensional tensor has no dimension {dim}.")
    dim = normalize_dim(dim, y.ndim)
    if isinstance(x, TensorBase) and dx is not None:
        raise TypeError(f"{name}: give the places x of the samples, or their distance dx.")
    size = y.shape[dim]
    if size == 0:
        return floating(y, name)
    sums: Any = narrow(y, dim, 1, size - 1) + narrow(y, dim, 0, size - 1)
    if x is None:
        return sums * (1 if dx is None else dx) / 2
    if x.ndim == 1:
        if x.shape[0] != size:
            raise RuntimeError(
                f"{name}: there must be one x for each of the {size} samples along dimension "
                f"{dim}; got {x.shape[0]}."
            )
        distances = diff(x).reshape((-1,) + (1,) * (y.ndim - dim - 1))
    else:
        distances = diff(x.reshape((1,) * (y.ndim - x.ndim) + x.shape), dim=dim)
    return sums * distances / 2


@numpy_names
def trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: float | None = None, dim: int = -1
) -> Tensor:
    """The integral of samples along `dim` by the trapezoidal rule: Σ (y_i + y_(i+1)) / 2 Δx_i.

    `x` holds the places of the samples, along `dim` or broadcast; otherwise they lie `dx` (1)
    apart. Raises TypeError for both, RuntimeError if their number is not that of the samples.
    PyTorch: `torch.trapezoid`.

    >>> tg.trapezoid(tg.tensor([1.0, 2.0, 3.0])), tg.trapezoid(
    ...     tg.tensor([1.0, 3.0]), tg.tensor([0.0, 0.5])
    ... )
    (tensor(4.), tensor(1.))
    """
    panels = _panels(y, x, dx, dim, "trapezoid")
    return panels.sum(normalize_dim(dim, y.array.ndim) - y.array.ndim)  # type: ignore[no-any-return]


trapz = trapezoid


@numpy_names
def cumulative_trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: float | None = None, dim: int = -1
) -> Tensor:
    """The integral up to each sample but the first; arguments and errors are those of `trapezoid`.

    PyTorch: `torch.cumulative_trapezoid`.

    >>> tg.cumulative_trapezoid(tg.tensor([1.0, 2.0, 3.0]))
    tensor([1.5000, 4.0000])
    """
    panels = _panels(y, x, dx, dim, "cumulative_trapezoid")
    return cumsum(panels, normalize_dim(dim, y.array.ndim) - y.array.ndim)


# Derivatives.


def _slopes(f: Any, dim: int, spacing: Any, edge_order: int) -> Tensor:
    """The derivative along one dimension: central inside, from one side at the ends."""
    size = f.shape[dim]

    def at(start: int, length: int) -> Any:
        return narrow(f, dim, start, length)

    if isinstance(spacing, TensorBase):
        places: Any = spacing
        shape = (-1,) + (1,) * (f.ndim - dim - 1)
        steps = diff(places).reshape(shape)
    else:
        steps = None
        h = spacing
    ends = []
    if steps is None:
        middle = (at(2, size - 2) - at(0, size - 2)) / (2 * h)
        for first, sign in ((0, 1), (size - 1, -1)):
            near, next_to = at(first, 1), at(first + sign, 1)
            slope = (next_to - near) / h
            if edge_order == 2:
                slope = (2 * next_to - 1.5 * near - 0.5 * at(first + 2 * sign, 1)) / h
            ends.append(slope * sign)
    else:
        before = narrow(steps, 0, 0, size - 2)
        after = narrow(steps, 0, 1, size - 2)
        middle = (
            at(0, size - 2) * (-after / (before * (before + after)))
            + at(1, size - 2) * ((after - before) / (before * after))
            + at(2, size - 2) * (before / (after * (before + after)))
        )
        for first, sign in ((0, 1), (size - 1, -1)):
            near, next_to = at(first, 1), at(first + sign, 1)
            d = narrow(steps, 0, 0 if sign > 0 else size - 2, 1)
            slope = (next_to - near) / d
            if edge_order == 2:
                e = narrow(steps, 0, 1 if sign > 0 else size - 3, 1)
                slope = (
                    near * (-(2 * d + e) / (d * (d + e)))
                    + next_to * ((d + e) / (d * e))
                    - at(first + 2 * sign, 1) * (d / (e * (d + e)))
                )
            ends.append(slope * sign)
    return cat([ends[0], middle, ends[1]], dim)


@numpy_names
def gradient(
    input: Tensor,
    *,
    spacing: float | Sequence[Any] = 1,
    dim: int | Sequence[int] | None = None,
    edge_order: int = 1,
) -> tuple[Tensor, ...]:
    """The derivatives of sampled values along each dimension, or along those in `dim`, as a tuple.

    Central differences inside, at the ends differences of order `edge_order` (1 or 2). `spacing` is
    the distance of the samples, one distance for each dimension, or a vector of their places for
    each. Integers become the default float type. Raises RuntimeError if a dimension has fewer than
    edge_order + 1 samples, and if `spacing` does not fit. PyTorch: `torch.gradient`.

    >>> tg.gradient(tg.tensor([1.0, 4.0, 9.0]))
    (tensor([3., 4., 5.]),)
    >>> tg.gradient(tg.tensor([1.0, 4.0, 9.0]), spacing=0.5, edge_order=2)
    (tensor([ 4.,  8., 12.]),)
    """
    refuse_booleans(input, "gradient")
    x: Any = floating(input, "gradient")
    if edge_order not in (1, 2):
        raise RuntimeError(f"gradient: edge_order is 1 or 2; got {edge_order}.")
    if isinstance(dim, (tuple, list)) and not dim:
        return ()
    dims = normalize_dims(dim, x.ndim)
    steps = [*spacing] if isinstance(spacing, (tuple, list)) else [spacing] * len(dims)
    if isinstance(spacing, (TensorBase, np.ndarray)) or len(steps) != len(dims):
        raise RuntimeError(
            "gradient: spacing is one number, or a sequence with one number or vector for each of "
            f"the {len(dims)} dimensions; got {spacing!r}."
        )
    for axis, step in zip(dims, steps, strict=True):
        if x.shape[axis] < edge_order + 1:
            raise RuntimeError(
                f"gradient: dimension {axis} of shape {x.shape} needs at least edge_order + 1 = "
                f"{edge_order + 1} samples."
            )
        if isinstance(step, TensorBase) and step.shape != (x.shape[axis],):
            raise RuntimeError(
                f"gradient: the places along dimension {axis} are a vector of {x.shape[axis]}; got "
                f"shape {step.shape}."
            )
    return tuple(_slopes(x, axis, step, edge_order) for axis, step in zip(dims, steps, strict=True))
