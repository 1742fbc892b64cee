"""Order statistics and covariance: medians, quantiles, modes, cov, corrcoef."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import Array, TensorBase, apply, wrap
from ..autograd.leaving import without_gradient
from . import elementwise, linalg
from .arguments import check_tensor
from .diagonals import diagonal
from .dims import normalize_dim, numpy_names
from .dtypes import floating
from .extrema import Extremum, Pick, ValuesIndices
from .gathering import gather
from .reducing import refuse_booleans, single
from .sorting import sort
from .ternary import lerp

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["corrcoef", "cov", "median", "mode", "nanmedian", "nanquantile", "quantile"]


# Medians.


class Median(Extremum):
    """z = the lower median of all x        grad_x = grad, shared by the elements equal to z"""

    __slots__ = ("ignore_nan",)
    inputs = ("x",)

    def __init__(self, ignore_nan: bool) -> None:
        super().__init__(np.median, None, False)
        self.ignore_nan = ignore_nan

    @property
    def name(self) -> str:
        """Median or Nanmedian: which of the two this is."""
        return "Nanmedian" if self.ignore_nan else "Median"

    def forward(self, x: Array) -> Any:
        return _lower_median(x, self.ignore_nan)


def _lower_median(x: Array, ignore_nan: bool) -> Any:
    flat = x.reshape(-1)
    missing = np.isnan(flat) if x.dtype.kind == "f" else np.zeros(flat.size, bool)
    if flat.size == 0 or missing.all() or (missing.any() and not ignore_nan):
        if x.dtype.kind != "f":
            return np.iinfo(x.dtype).min  # as PyTorch answers for no integers at all
        return x.dtype.type(np.nan)
    present = flat[~missing]
    middle = (present.size - 1) // 2
    return np.partition(present, middle)[middle]


def _median(input: Tensor, dim: int | None, keepdim: bool, ignore_nan: bool) -> Any:
    name = "nanmedian" if ignore_nan else "median"
    x = input.array
    refuse_booleans(input, name)
    if dim is None:
        if x.dtype.kind == "f":
            return apply(Median(ignore_nan), input)
        return wrap(np.asarray(_lower_median(x, ignore_nan), x.dtype))
    axis = _axis(input, dim, name)
    if not x.ndim:
        return _picked(input, axis, np.zeros((1,), np.int64), keepdim)
    order = x.argsort(axis=axis, kind="stable")
    missing = np.isnan(x) if x.dtype.kind == "f" else np.zeros(x.shape, bool)
    count = np.count_nonzero(~missing, axis=axis, keepdims=True)
    if not ignore_nan:
        # NaN, if there is one: the first of them, which is the first of those sorted last.
        middle = np.where(count < x.shape[axis], count, (x.shape[axis] - 1) // 2)
    else:
        middle = np.maximum(count - 1, 0) // 2
    return _picked(input, axis, np.take_along_axis(order, middle, axis), keepdim)


def _axis(input: Tensor, dim: Any, name: str) -> int:
    """The dimension to reduce, which must not be empty."""
    axis = normalize_dim(single(dim, name), input.array.ndim)
    if input.array.ndim and not input.shape[axis]:
        raise IndexError(
            f"{name}(): Expected reduction dim {axis} to have non-zero size: there is no {name} of "
            f"nothing; the shape is {input.shape}."
        )
    return axis


def _picked(input: Tensor, axis: int, indices: Array, keepdim: bool) -> ValuesIndices:
    """The elements at `indices`, which have size 1 along the axis, and the indices."""
    if input.array.ndim == 0:
        indices = indices.reshape(())
    elif not keepdim:
        indices = indices.squeeze(axis)
    index = without_gradient("the indices of median or mode", indices, input)
    return ValuesIndices(apply(Pick(axis, keepdim), input, index), index)


@numpy_names
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The middle element, the lower of two; along `dim`, with indices. PyTorch: `torch.median`.

    `median(x)` is a tensor of one number, whose gradient equal elements share; `median(x, dim)` a
    named tuple (values, indices). NaN if there is a NaN; `quantile(x, 0.5)` takes the mean of the
    two in the middle. Raises RuntimeError for booleans, IndexError for a dimension out of range or
    of size 0.

    >>> tg.median(tg.tensor([3.0, 1.0, 4.0, 2.0]))
    tensor(2.)
    >>> values, indices = tg.median(tg.tensor([[3.0, 1.0, 2.0], [6.0, 5.0, 4.0]]), dim=1)
    >>> values, indices
    (tensor([2., 5.]), tensor([2, 1]))
    """
    return _median(input, dim, keepdim, False)


@numpy_names
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The median of the elements that are not NaN, as `median`. PyTorch: `torch.nanmedian`.

    >>> tg.nanmedian(tg.tensor([3.0, float("nan"), 1.0]))
    tensor(1.)
    """
    return _median(input, dim, keepdim, True)


@numpy_names
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> ValuesIndices:
    """The most frequent element along `dim`, the smallest of several, as (values, indices).

    The index is that of its last occurrence; the gradient goes there. Raises IndexError for a
    dimension out of range or of size 0. PyTorch: `torch.mode`.

    >>> values, indices = tg.mode(tg.tensor([1, 3, 2, 3, 2]))
    >>> values, indices
    (tensor(2), tensor(4))
    """
    x = input.array
    axis = _axis(input, dim, "mode")
    if not x.ndim:
        return _picked(input, axis, np.zeros((1,), np.int64), keepdim)
    order = np.moveaxis(x, axis, -1).argsort(axis=-1, kind="stable")
    ordered = np.take_along_axis(np.moveaxis(x, axis, -1), order, -1)
    starts = np.ones(ordered.shape, bool)
    starts[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    places = np.arange(x.shape[axis])
    length = places - np.maximum.accumulate(np.where(starts, places, 0), axis=-1)
    last = length.argmax(-1, keepdims=True)  # The end of the first run of the greatest length.
    indices = np.moveaxis(np.take_along_axis(order, last, -1), -1, axis)
    return _picked(input, axis, indices, keepdim)


# Quantiles.

_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantile(
    input: Tensor,
    q: Tensor | float,
    dim: int | None,
    keepdim: bool,
    interpolation: str,
    ignore_nan: bool,
) -> Tensor:
    name = "nanquantile" if ignore_nan else "quantile"
    x: Any = input
    levels: Any = _levels(x, q, name)
    if interpolation not in _INTERPOLATIONS:
        raise RuntimeError(
            f"{name}: interpolation is one of {', '.join(_INTERPOLATIONS)}; got {interpolation!r}."
        )
    axis = None if dim is None else normalize_dim(single(dim, name), x.ndim)
    ndim = x.ndim
    rows = x.reshape(-1) if axis is None or not ndim else x.movedim(axis, -1)
    ordered = sort(rows, -1).values
    missing = np.isnan(ordered.array)
    size = rows.shape[-1]
    if ignore_nan:
        last = np.maximum(size - missing.sum(-1, keepdims=True) - 1, 0)
    else:
        last = np.full((*rows.shape[:-1], 1), size - 1)
    ranks = levels.reshape(-1) * wrap(last.astype(x.dtype))
    if not ignore_nan:
        # A row with a NaN has it at its end, and answers with it.
        ranks = elementwise.where(
            wrap(missing.any(-1, keepdims=True)), wrap(last.astype(x.dtype)), ranks
        )
    result = _between(ordered, ranks, interpolation)
    result = result.squeeze(-1) if levels.ndim == 0 else result.movedim(-1, 0)
    if keepdim and ndim:
        shape = [1] * ndim if axis is None else [*x.shape[:axis], 1, *x.shape[axis + 1 :]]
        result = result.reshape((*levels.shape, *shape))
    return result  # type: ignore[no-any-return]


def _levels(x: Any, q: Any, name: str) -> Tensor:
    """`q` as a tensor of the input's type, both checked."""
    if x.dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise RuntimeError(
            f"{name}: the input is a float32 or float64 tensor; got {x.dtype}. Convert first: "
            "`x.float()`."
        )
    if x.numel() == 0:
        raise RuntimeError(f"{name}: there is no quantile of nothing; the shape is {x.shape}.")
    if not isinstance(q, TensorBase):
        q = wrap(np.asarray(q, x.dtype))
    if q.dtype != x.dtype:
        raise RuntimeError(
            f"{name}: q has the type of the input, {x.dtype}; got {q.dtype}. Convert it: "
            f"`q.to(tg.{x.dtype})`."
        )
    if q.array.ndim > 1:
        raise RuntimeError(f"{name}: q is a number or a vector; got shape {q.shape}.")
    if not ((q.array >= 0) & (q.array <= 1)).all():
        raise RuntimeError(f"{name}: q lies between 0 and 1; got {q.array}.")
    levels: Tensor = q
    return levels


def _between(ordered: Tensor, ranks: Any, interpolation: str) -> Any:
    """What stands at fractional places along the last dimension of the sorted values."""
    places = ranks.array
    rounding: dict[str, Any] = {"lower": np.floor, "higher": np.ceil, "nearest": np.round}
    whole = rounding.get(interpolation)
    if whole is not None:
        return gather(ordered, -1, wrap(whole(places).astype(np.int64)))
    below, above = np.floor(places), np.ceil(places)
    low = gather(ordered, -1, wrap(below.astype(np.int64)))
    high = gather(ordered, -1, wrap(above.astype(np.int64)))
    weight = ranks - wrap(below) if interpolation == "linear" else 0.5
    return lerp(low, high, weight)


@numpy_names
def quantile(
    input: Tensor,
    q: Tensor | float,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """The value below which the fraction q of the elements lies. PyTorch: `torch.quantile`.

    Of all elements or along `dim`. q is a number or a vector of the input's type; for a vector the
    result has a new first dimension. Between two elements, `interpolation` decides: "linear",
    "lower", "higher", "midpoint", "nearest". NaN if there is a NaN. The gradient goes to the one or
    two elements that the result is made of. Raises RuntimeError for other types than float32 and
    float64, for no elements, and for q outside 0 ... 1.

    >>> x = tg.tensor([4.0, 1.0, 3.0, 2.0])
    >>> tg.quantile(x, 0.5), tg.quantile(x, tg.tensor([0.0, 0.25]), interpolation="lower")
    (tensor(2.5000), tensor([1., 1.]))
    """
    return _quantile(input, q, dim, keepdim, interpolation, False)


@numpy_names
def nanquantile(
    input: Tensor,
    q: Tensor | float,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """The quantile of the elements that are not NaN, as `quantile`. PyTorch: `torch.nanquantile`.

    >>> tg.nanquantile(tg.tensor([1.0, float("nan"), 2.0]), 0.5)
    tensor(1.5000)
    """
    return _quantile(input, q, dim, keepdim, interpolation, True)


# Covariance.


def _weights(weights: Any, kinds: str, label: str, count: int) -> Tensor | None:
    """The argument `fweights` or `aweights` of `cov`, checked."""
    if weights is None:
        return None
    if weights.array.ndim > 1 or weights.numel() != count:
        raise RuntimeError(
            f"cov: {label} has one number for each of the {count} observations; got shape "
            f"{weights.shape}."
        )
    if weights.dtype.kind not in kinds:
        kind = "a floating" if kinds == "f" else "an integer"
        raise RuntimeError(f"cov: {label} is a tensor of {kind} type; got {weights.dtype}.")
    if (weights.array < 0).any():
        raise RuntimeError(f"cov: {label} cannot be negative.")
    return weights.reshape(-1)  # type: ignore[no-any-return]


def cov(
    input: Tensor,
    *,
    correction: int = 1,
    fweights: Tensor | None = None,
    aweights: Tensor | None = None,
) -> Tensor:
    """The covariance matrix of variables in rows, observations in columns. PyTorch: `torch.cov`.

    C_ij = Σ_k w_k (x_ik - mean_i)(x_jk - mean_j) / (Σ w - correction), with the frequencies
    `fweights` (integers) and importances `aweights` (floats) of the observations as w. A vector is
    one variable, its covariance one number. Integers become the default float type. Raises
    RuntimeError for more than two dimensions and weights that do not fit; warns if the divisor is
    not positive.

    >>> tg.cov(tg.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    check_tensor("cov", input)
    refuse_booleans(input, "cov")
    x: Any = floating(input, "cov")
    if x.ndim > 2:
        raise RuntimeError(f"cov: the input has at most two dimensions; got shape {x.shape}.")
    rows = x.reshape(1, -1) if x.ndim < 2 else x
    count = rows.shape[1]
    frequencies: Any = _weights(fweights, "iu", "fweights", count)
    importances: Any = _weights(aweights, "f", "aweights", count)
    w: Any = None
    if frequencies is not None:
        w = frequencies if importances is None else frequencies * importances
    elif importances is not None:
        w = importances
    if w is not None and not w.array.sum():
        raise RuntimeError("cov: the weights sum to zero, so there is no mean.")
    total = count if w is None else w.sum()
    mean = (rows if w is None else rows * w).sum(1, keepdim=True) / total
    if importances is None or correction == 0:
        divisor = total - correction
    else:
        divisor = total - correction * (w * importances).sum() / total
    if not float(divisor) > 0:
        warnings.warn(
            f"cov(): degrees of freedom is <= 0: {count} observations with a correction of "
            f"{correction} have no finite covariance.",
            UserWarning,
            stacklevel=2,
        )
        divisor = 0.0
    centred = rows - mean
    product = linalg.matmul(centred, (centred if w is None else centred * w).t())
    result: Any = product / divisor
    return result if x.ndim == 2 and rows.shape[0] != 1 else result.squeeze()  # type: ignore[no-any-return]


def corrcoef(input: Tensor) -> Tensor:
    """The correlation coefficients C_ij / sqrt(C_ii C_jj) of variables in rows.

    C is `cov(input)`; the result is clipped to -1 ... 1. PyTorch: `torch.corrcoef`.

    >>> tg.corrcoef(tg.tensor([[0.0, 1.0, 2.0], [4.0, 2.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    check_tensor("corrcoef", input)
    covariance: Any = cov(input)
    if covariance.ndim == 0:
        return covariance / covariance  # type: ignore[no-any-return]
    deviation: Any = diagonal(covariance).sqrt()
    ratio = covariance / deviation.unsqueeze(-1) / deviation.unsqueeze(-2)
    return elementwise.clamp(ratio, -1, 1)
