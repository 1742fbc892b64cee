"""What NumPy's functions are here: `np.sum(t, axis=0)` is `tg.sum(t, dim=0)`, and is recorded.

A table from NumPy's functions to ours. Where names of parameters or meanings differ, a function
stands between that has NumPy's signature: `np.var` divides by n, `np.transpose` reverses,
`np.concatenate` takes arrays as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import TensorBase, wrap
from ..autograd.leaving import without_gradient
from . import (
    comparison,
    contraction,
    creation,
    cumulative,
    diagonals,
    elementwise,
    extrema,
    gathering,
    joining,
    linalg,
    reductions,
    shape,
    sorting,
    unary,
)
from .conversion import convert
from .dtypes import DTypeLike, as_tensor_operand, bool_, floating, to_dtype
from .from_data import to_array
from .shape import expand, reshape

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["FUNCTIONS"]

Axis = int | Sequence[int] | None


def as_tensors(*values: Any) -> Any:
    """Tensors of arrays and lists among the arguments; tensors as they are."""
    return [x if isinstance(x, TensorBase) else wrap(to_array(x)) for x in values]


def plain(x: Any) -> Any:
    """The arguments with the arrays of tensors in place of the tensors."""
    if isinstance(x, TensorBase):
        return x.array
    if isinstance(x, (list, tuple)):
        return type(x)([plain(part) for part in x])
    return x


def _one(a: Any) -> Tensor:
    return as_tensors(a)[0]  # type: ignore[no-any-return]


# Reductions.


def _sum(
    a: Tensor, axis: Axis = None, dtype: DTypeLike = None, *, keepdims: bool = False
) -> Tensor:
    return reductions.sum(a, axis, keepdims, dtype=dtype)


def _nansum(
    a: Tensor, axis: Axis = None, dtype: DTypeLike = None, *, keepdims: bool = False
) -> Tensor:
    return reductions.nansum(a, axis, keepdims, dtype=dtype)


def _prod(
    a: Tensor, axis: Axis = None, dtype: DTypeLike = None, *, keepdims: bool = False
) -> Tensor:
    a = a if dtype is None else convert(a, to_dtype(dtype))
    if axis is None:
        result = reductions.prod(a)
        return reshape(result, (1,) * a.ndim) if keepdims else result
    for dim in sorted((d % a.ndim for d in _several(axis)), reverse=True):
        a = reductions.prod(a, dim, keepdims)
    return a


def _several(axis: int | Sequence[int]) -> Sequence[int]:
    return [axis] if isinstance(axis, int) else axis


def _mean(
    a: Tensor, axis: Axis = None, dtype: DTypeLike = None, *, keepdims: bool = False
) -> Tensor:
    a = floating(a, "np.mean") if dtype is None else convert(a, to_dtype(dtype))
    return reductions.mean(a, axis, keepdims)


def _nanmean(
    a: Tensor, axis: Axis = None, dtype: DTypeLike = None, *, keepdims: bool = False
) -> Tensor:
    return reductions.nanmean(a, axis, keepdims, dtype=dtype)


def _var(
    a: Tensor, axis: Axis = None, dtype: DTypeLike = None, *, ddof: int = 0, keepdims: bool = False
) -> Tensor:
    a = floating(a, "np.var") if dtype is None else convert(a, to_dtype(dtype))
    return reductions.var(a, axis, correction=ddof, keepdim=keepdims)


def _std(
    a: Tensor, axis: Axis = None, dtype: DTypeLike = None, *, ddof: int = 0, keepdims: bool = False
) -> Tensor:
    a = floating(a, "np.std") if dtype is None else convert(a, to_dtype(dtype))
    return reductions.std(a, axis, correction=ddof, keepdim=keepdims)


def _max(a: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    return extrema.amax(a, _axes(a, axis), keepdims)


def _min(a: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    return extrema.amin(a, _axes(a, axis), keepdims)


def _axes(a: Tensor, axis: Axis) -> Any:
    return tuple(range(a.ndim)) if axis is None else axis


def _ptp(a: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    return _max(a, axis, keepdims=keepdims) - _min(a, axis, keepdims=keepdims)


def _argmax(a: Tensor, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
    return without_gradient("argmax", np.argmax(a.array, axis, keepdims=keepdims), a)


def _argmin(a: Tensor, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
    return without_gradient("argmin", np.argmin(a.array, axis, keepdims=keepdims), a)


def _any(a: Tensor, axis: Any = None, *, keepdims: bool = False) -> Tensor:
    return without_gradient("any", np.any(a.array, axis, keepdims=keepdims), a)


def _all(a: Tensor, axis: Any = None, *, keepdims: bool = False) -> Tensor:
    return without_gradient("all", np.all(a.array, axis, keepdims=keepdims), a)


def _count_nonzero(a: Tensor, axis: Any = None, *, keepdims: bool = False) -> Tensor:
    count = np.asarray(np.count_nonzero(a.array, axis, keepdims=keepdims))
    return without_gradient("count_nonzero", count, a)


def _cumsum(a: Tensor, axis: int | None = None, dtype: DTypeLike = None) -> Tensor:
    a = a if dtype is None else convert(a, to_dtype(dtype))
    return cumulative.cumsum(_flat(a), 0) if axis is None else cumulative.cumsum(a, axis)


def _cumprod(a: Tensor, axis: int | None = None, dtype: DTypeLike = None) -> Tensor:
    a = a if dtype is None else convert(a, to_dtype(dtype))
    return cumulative.cumprod(_flat(a), 0) if axis is None else cumulative.cumprod(a, axis)


def _flat(a: Tensor) -> Tensor:
    return reshape(a, (-1,))


def _diff(a: Tensor, n: int = 1, axis: int = -1) -> Tensor:
    for _ in range(n):
        along = shape.movedim(a, axis, 0)
        a = shape.movedim(along[1:] - along[:-1], 0, axis)
    return a


# Shape.


def _reshape(
    a: Tensor, /, shape: Any = None, order: str = "C", *, newshape: Any = None, copy: Any = None
) -> Tensor:
    _only_c_order(order, "np.reshape")
    to = newshape if shape is None else shape
    return reshape(a, (to,) if isinstance(to, int) else tuple(to))


def _only_c_order(order: str, name: str) -> None:
    if order not in ("C", "K", "A"):
        raise TypeError(
            f"{name}: tensors are read in row-major order (order='C'); got order={order!r}."
        )


def _ravel(a: Tensor, order: str = "C") -> Tensor:
    _only_c_order(order, "np.ravel")
    return _flat(a)


def _transpose(a: Tensor, axes: Sequence[int] | None = None) -> Tensor:
    return shape.permute(a, tuple(reversed(range(a.ndim))) if axes is None else tuple(axes))


def _swapaxes(a: Tensor, axis1: int, axis2: int) -> Tensor:
    return shape.transpose(a, axis1, axis2)


def _moveaxis(a: Tensor, source: Any, destination: Any) -> Tensor:
    return shape.movedim(a, source, destination)


def _squeeze(a: Tensor, axis: Axis = None) -> Tensor:
    if axis is None:
        return shape.squeeze(a)
    axes = {d % a.ndim for d in _several(axis)}
    if any(a.shape[d] != 1 for d in axes):
        raise ValueError(f"np.squeeze: only dimensions of size 1 can go; the shape is {a.shape}.")
    return reshape(a, tuple(size for d, size in enumerate(a.shape) if d not in axes))


def _expand_dims(a: Tensor, axis: int | Sequence[int]) -> Tensor:
    ndim = a.ndim + (1 if isinstance(axis, int) else len(axis))
    sizes = iter(a.shape)
    new = {d % ndim for d in _several(axis)}
    return reshape(a, tuple(1 if d in new else next(sizes) for d in range(ndim)))


def _broadcast_to(array: Tensor, shape: Any, subok: bool = False) -> Tensor:
    return expand(array, (shape,) if isinstance(shape, int) else tuple(shape))


def _broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Tensor, ...]:
    tensors = as_tensors(*args)
    common = np.broadcast_shapes(*(t.shape for t in tensors))
    return tuple(expand(t, common) for t in tensors)


def _atleast_1d(*arys: Any) -> Any:
    return shape.atleast_1d(*as_tensors(*arys))


def _atleast_2d(*arys: Any) -> Any:
    return shape.atleast_2d(*as_tensors(*arys))


def _atleast_3d(*arys: Any) -> Any:
    return shape.atleast_3d(*as_tensors(*arys))


def _concatenate(arrays: Sequence[Any], axis: int | None = 0, *, dtype: DTypeLike = None) -> Tensor:
    tensors = as_tensors(*arrays)
    result = joining.cat([_flat(t) for t in tensors] if axis is None else tensors, axis or 0)
    return result if dtype is None else convert(result, to_dtype(dtype))


def _stack(arrays: Sequence[Any], axis: int = 0, *, dtype: DTypeLike = None) -> Tensor:
    result = joining.stack(as_tensors(*arrays), axis)
    return result if dtype is None else convert(result, to_dtype(dtype))


def _vstack(tup: Sequence[Any]) -> Tensor:
    return joining.vstack(as_tensors(*tup))


def _hstack(tup: Sequence[Any]) -> Tensor:
    return joining.hstack(as_tensors(*tup))


def _dstack(tup: Sequence[Any]) -> Tensor:
    return joining.dstack(as_tensors(*tup))


def _column_stack(tup: Sequence[Any]) -> Tensor:
    columns = [reshape(t, (-1, 1)) if t.ndim < 2 else t for t in as_tensors(*tup)]
    return joining.cat(columns, 1)


def _array_split(ary: Tensor, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    return list(joining.tensor_split(ary, indices_or_sections, axis))


def _split(ary: Tensor, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    size = ary.shape[axis]
    if isinstance(indices_or_sections, int) and size % indices_or_sections:
        raise ValueError(
            f"np.split: {size} elements do not make {indices_or_sections} equal parts."
        )
    return _array_split(ary, indices_or_sections, axis)


def _flip(m: Tensor, axis: Axis = None) -> Tensor:
    return shape.flip(m, tuple(range(m.ndim)) if axis is None else tuple(_several(axis)))


def _fliplr(m: Tensor) -> Tensor:
    return _flip(m, 1)


def _flipud(m: Tensor) -> Tensor:
    return _flip(m, 0)


def _roll(a: Tensor, shift: Any, axis: Any = None) -> Tensor:
    return shape.roll(a, shift, axis)


def _rot90(m: Tensor, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Tensor:
    turns = {
        0: lambda: m,
        1: lambda: shape.transpose(_flip(m, axes[1]), axes[0], axes[1]),
        2: lambda: _flip(m, axes),
        3: lambda: _flip(shape.transpose(m, axes[0], axes[1]), axes[1]),
    }
    return turns[k % 4]()


def _tile(A: Tensor, reps: Any) -> Tensor:
    return shape.tile(A, (reps,) if isinstance(reps, int) else tuple(reps))


def _repeat(a: Tensor, repeats: Any, axis: int | None = None) -> Tensor:
    return shape.repeat_interleave(a, repeats, axis)


def _tril(m: Tensor, k: int = 0) -> Tensor:
    return diagonals.tril(m, k)


def _triu(m: Tensor, k: int = 0) -> Tensor:
    return diagonals.triu(m, k)


def _diag(v: Tensor, k: int = 0) -> Tensor:
    return diagonals.diag(v, k)


def _diagonal(a: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    return diagonals.diagonal(a, offset, axis1, axis2)


def _trace(a: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    return reductions.sum(diagonals.diagonal(a, offset, axis1, axis2), -1)


def _pad(
    array: Tensor, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0
) -> Tensor:
    widths = np.broadcast_to(np.asarray(pad_width), (array.ndim, 2)).tolist()
    if mode == "constant":
        # PyTorch begins at the last dimension.
        amounts = [n for width in reversed(widths) for n in width]
        return joining.pad(array, amounts, value=constant_values)
    if mode not in ("edge", "reflect", "symmetric", "wrap"):
        raise TypeError(
            f"np.pad: the mode is constant, edge, reflect, symmetric or wrap; got {mode!r}."
        )
    for dim, width in enumerate(widths):
        if any(width):
            index = np.pad(np.arange(array.shape[dim]), width, mode)  # type: ignore[call-overload]
            array = gathering.index_select(array, dim, wrap(index))
    return array


# Linear algebra.


def _dot(a: Any, b: Any) -> Tensor:
    a, b = as_tensors(a, b)
    if a.ndim == 0 or b.ndim == 0:
        return elementwise.mul(a, b)
    if b.ndim == 1 or max(a.ndim, b.ndim) == 2:
        return linalg.matmul(a, b)
    return contraction.tensordot(a, b, ((-1,), (-2,)))


def _inner(a: Any, b: Any) -> Tensor:
    a, b = as_tensors(a, b)
    if a.ndim == 0 or b.ndim == 0:
        return elementwise.mul(a, b)
    return contraction.tensordot(a, b, ((-1,), (-1,)))


def _vdot(a: Any, b: Any) -> Tensor:
    a, b = as_tensors(a, b)
    return linalg.matmul(_flat(a), _flat(b))


def _outer(a: Any, b: Any) -> Tensor:
    a, b = as_tensors(a, b)
    return elementwise.mul(reshape(a, (-1, 1)), reshape(b, (1, -1)))


def _kron(a: Any, b: Any) -> Tensor:
    a, b = as_tensors(a, b)
    return linalg.kron(a, b)


def _einsum(subscripts: str, *operands: Any, optimize: Any = False) -> Tensor:
    return contraction.einsum(subscripts, *as_tensors(*operands))


def _tensordot(a: Any, b: Any, axes: Any = 2) -> Tensor:
    if not isinstance(axes, int):
        axes = tuple(tuple(_several(axis)) for axis in axes)
    a, b = as_tensors(a, b)
    return contraction.tensordot(a, b, axes)


def _norm(x: Tensor, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Tensor:
    x = floating(x, "np.linalg.norm")
    axes = tuple(range(x.ndim)) if axis is None else tuple(_several(axis))
    if ord in (None, "fro"):
        return reductions.norm(x, 2.0, axes, keepdims)
    if len(axes) == 1:
        return reductions.norm(x, ord, axes, keepdims)
    if len(axes) != 2 or ord not in (1, -1, np.inf, -np.inf):
        raise TypeError(
            "np.linalg.norm: matrices have the norms None, 'fro', 1, -1, inf and -inf here; got "
            f"ord={ord!r} for {len(axes)} dimensions."
        )
    sums = reductions.sum(unary.abs(x), axes[0] if abs(ord) == 1 else axes[1], True)
    return (extrema.amax if ord > 0 else extrema.amin)(sums, axes, keepdims)


# Order, selection, comparison.


def _sort(a: Tensor, axis: int | None = -1, kind: Any = None, *, stable: Any = None) -> Tensor:
    a, axis = (_flat(a), 0) if axis is None else (a, axis)
    return sorting.sort(a, axis)[0]


def _argsort(a: Tensor, axis: int | None = -1, kind: Any = None, *, stable: Any = None) -> Tensor:
    a, axis = (_flat(a), 0) if axis is None else (a, axis)
    return sorting.argsort(a, axis)


def _take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Tensor:
    arr, indices = as_tensors(arr, indices)
    return gathering.take_along_dim(arr, indices, axis)


def _take(a: Tensor, indices: Any, axis: int | None = None) -> Tensor:
    (indices,) = as_tensors(indices)
    a, axis = (_flat(a), 0) if axis is None else (a, axis % a.ndim)
    return a[(*[slice(None)] * axis, indices)]


def _where(condition: Any, /, *choices: Any) -> Any:
    (condition,) = as_tensors(condition)
    if not choices:
        return _nonzero(condition)
    return elementwise.where(convert(condition, bool_), *choices)


def _nonzero(a: Tensor) -> tuple[Tensor, ...]:
    return tuple(without_gradient("nonzero", index, a) for index in np.nonzero(a.array))


def _clip(
    a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None
) -> Tensor:
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    low, high = (x if x is None else as_tensor_operand(x, "np.clip") for x in (low, high))
    return elementwise.clamp(_one(a), low, high)


def _round(a: Tensor, decimals: int = 0) -> Tensor:
    return elementwise.round(a, decimals=decimals)


def _isclose(
    a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    close = np.isclose(plain(a), plain(b), rtol, atol, equal_nan)
    return without_gradient("isclose", close, a, b)


def _copy(a: Tensor, order: str = "K") -> Tensor:
    return shape.clone(a)


def _like(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def like(a: Tensor, dtype: DTypeLike = None) -> Tensor:
        return function(a, dtype=dtype)

    return like


def _full_like(a: Tensor, fill_value: Any, dtype: DTypeLike = None) -> Tensor:
    return creation.full_like(a, fill_value, dtype=dtype)


def _nan_to_num(
    x: Tensor,
    copy: bool = True,
    nan: float = 0.0,
    posinf: float | None = None,
    neginf: float | None = None,
) -> Tensor:
    limits = np.finfo(x.dtype)
    high = float(limits.max) if posinf is None else posinf
    low = float(limits.min) if neginf is None else neginf
    finite: Tensor = elementwise.where(comparison.isnan(x), nan, x)
    finite = elementwise.where(wrap(np.isposinf(x.array)), high, finite)
    finite = elementwise.where(wrap(np.isneginf(x.array)), low, finite)
    return finite


def _on_arrays(function: Callable[..., Any]) -> Callable[..., Any]:
    """For functions that have no gradient and answer with something else than an array."""

    def on_arrays(*args: Any, **kwargs: Any) -> Any:
        return function(*plain(args), **{name: plain(value) for name, value in kwargs.items()})

    return on_arrays


def _counted(function: Callable[..., Any]) -> Callable[..., Any]:
    """For functions of discrete meaning, without gradient: arrays in the answer become tensors."""

    def counted(*args: Any, **kwargs: Any) -> Any:
        answer = function(*plain(args), **{name: plain(value) for name, value in kwargs.items()})
        if isinstance(answer, tuple):
            return tuple(
                without_gradient(function.__name__, part, *args)
                if isinstance(part, np.ndarray)
                else part
                for part in answer
            )
        return without_gradient(function.__name__, answer, *args)

    return counted


FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    # Reductions.
    np.sum: _sum,
    np.nansum: _nansum,
    np.prod: _prod,
    np.mean: _mean,
    np.nanmean: _nanmean,
    np.var: _var,
    np.std: _std,
    np.max: _max,
    np.min: _min,
    np.amax: _max,
    np.amin: _min,
    np.ptp: _ptp,
    np.argmax: _argmax,
    np.argmin: _argmin,
    np.any: _any,
    np.all: _all,
    np.count_nonzero: _count_nonzero,
    np.cumsum: _cumsum,
    np.cumprod: _cumprod,
    np.diff: _diff,
    # Shape.
    np.reshape: _reshape,
    np.ravel: _ravel,
    np.transpose: _transpose,
    np.permute_dims: _transpose,
    np.matrix_transpose: lambda x: shape.transpose(x, -1, -2),
    np.swapaxes: _swapaxes,
    np.moveaxis: _moveaxis,
    np.squeeze: _squeeze,
    np.expand_dims: _expand_dims,
    np.broadcast_to: _broadcast_to,
    np.broadcast_arrays: _broadcast_arrays,
    np.atleast_1d: _atleast_1d,
    np.atleast_2d: _atleast_2d,
    np.atleast_3d: _atleast_3d,
    np.concatenate: _concatenate,
    np.concat: _concatenate,
    np.stack: _stack,
    np.vstack: _vstack,
    np.hstack: _hstack,
    np.dstack: _dstack,
    np.column_stack: _column_stack,
    np.split: _split,
    np.array_split: _array_split,
    np.flip: _flip,
    np.fliplr: _fliplr,
    np.flipud: _flipud,
    np.roll: _roll,
    np.rot90: _rot90,
    np.tile: _tile,
    np.repeat: _repeat,
    np.tril: _tril,
    np.triu: _triu,
    np.diag: _diag,
    np.diagonal: _diagonal,
    np.trace: _trace,
    np.pad: _pad,
    np.copy: _copy,
    # Linear algebra.
    np.dot: _dot,
    np.inner: _inner,
    np.vdot: _vdot,
    np.outer: _outer,
    np.einsum: _einsum,
    np.tensordot: _tensordot,
    np.kron: _kron,
    np.linalg.norm: _norm,
    # Order, selection, comparison.
    np.sort: _sort,
    np.argsort: _argsort,
    np.take: _take,
    np.take_along_axis: _take_along_axis,
    np.where: _where,
    np.nonzero: _nonzero,
    np.clip: _clip,
    np.round: _round,
    np.around: _round,
    np.nan_to_num: _nan_to_num,
    np.isclose: _isclose,
    np.allclose: _on_arrays(np.allclose),
    np.array_equal: _on_arrays(np.array_equal),
    np.array_equiv: _on_arrays(np.array_equiv),
    # New tensors.
    np.zeros_like: _like(creation.zeros_like),
    np.ones_like: _like(creation.ones_like),
    np.empty_like: _like(creation.empty_like),
    np.full_like: _full_like,
    # Without a gradient.
    np.shape: _on_arrays(np.shape),
    np.ndim: _on_arrays(np.ndim),
    np.size: _on_arrays(np.size),
    np.iscomplexobj: _on_arrays(np.iscomplexobj),
    np.isrealobj: _on_arrays(np.isrealobj),
    np.result_type: _on_arrays(np.result_type),
    np.can_cast: _on_arrays(np.can_cast),
    np.shares_memory: _on_arrays(np.shares_memory),
    np.may_share_memory: _on_arrays(np.may_share_memory),
    np.array_repr: _on_arrays(np.array_repr),
    np.array_str: _on_arrays(np.array_str),
    np.array2string: _on_arrays(np.array2string),
    np.save: _on_arrays(np.save),
    np.savez: _on_arrays(np.savez),
    np.savetxt: _on_arrays(np.savetxt),
    np.argwhere: _counted(np.argwhere),
    np.flatnonzero: _counted(np.flatnonzero),
    np.bincount: _counted(np.bincount),
    np.unique: _counted(np.unique),
    np.isin: _counted(np.isin),
    np.searchsorted: _counted(np.searchsorted),
    np.digitize: _counted(np.digitize),
    np.histogram: _counted(np.histogram),
    np.lexsort: _counted(np.lexsort),
}
