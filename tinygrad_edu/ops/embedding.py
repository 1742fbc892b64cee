"""Embeddings: rows of a table, looked up by their numbers, one by one or in bags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import Array, Operation, TensorBase, Value, apply, run, wrap
from . import gathering
from .dtypes import constant, type_name

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["embedding", "embedding_bag"]

#: From this number of equal indices on, a product with a vector of ones adds their rows.
_MANY = 32


def _add_rows(rows: Array, index: Array, count: int) -> Array:
    """A table of `count` rows, with table[index[i]] += rows[i] for all i.

    2048 rows of 64 numbers into 1000: 0.12 ms; `np.add.at(table, index, rows)` takes 1.1 ms, over
    single numbers 0.24 ms.
    """
    width = rows.shape[1]
    table = np.zeros((count, width), rows.dtype)
    if rows.size <= 1 << 13:
        # What follows has a fixed cost of 50 µs.
        places = index[:, None] * width + np.arange(width)
        np.add.at(table.reshape(-1), places.reshape(-1), rows.reshape(-1))
        return table
    # Equal indices become neighbours, in runs; NumPy sorts 16 bits by radix, 10 times as fast.
    order = np.argsort(index.astype(np.uint16) if count <= 1 << 16 else index, kind="stable")
    index, rows = index.take(order), rows.take(order, axis=0)
    starts = np.flatnonzero(np.concatenate(([True], index[1:] != index[:-1])))
    lengths = np.diff(starts, append=len(index))
    longest_first = np.argsort(-lengths, kind="stable")
    starts, lengths = starts[longest_first], lengths[longest_first]
    sums = rows.take(starts, axis=0)
    many = int(np.searchsorted(-lengths, -_MANY, side="right"))
    one = np.ones(lengths[0], rows.dtype)
    for run_, (start, length) in enumerate(zip(starts[:many], lengths[:many], strict=True)):
        sums[run_] = one[:length] @ rows[start : start + length]
    if many < len(starts):
        # The second rows of all short runs at once, then the third ones of those that have them...
        short, ends, first = sums[many:], lengths[many:], starts[many:]
        for step in range(1, int(ends[0])):
            alive = int(np.searchsorted(-ends, -step, side="left"))
            short[:alive] += rows.take(first[:alive] + step, axis=0)
    table[index[starts]] = sums
    return table


class Embedding(Operation):
    """z[i] = w[index[i]], rows of a table        grad_w[r] = Σ grad[i] over all i with index[i] = r

    As asked for, the row `padding_idx` gets no gradient, and with `by_frequency` each row that of
    the mean of its uses instead of the sum.
    """

    __slots__ = ("by_frequency", "count", "padding_idx")

    def __init__(self, padding_idx: int | None = None, by_frequency: bool = False) -> None:
        self.padding_idx = padding_idx
        self.by_frequency = by_frequency

    def forward(self, weight: Array, index: Array) -> Array:
        self.count = len(weight)
        return weight.take(index, axis=0)

    def grad_weight(self, grad: Value, index: Value) -> Value:
        return run(AddRows(self.count, self.padding_idx, self.by_frequency), grad, index)


class AddRows(Operation):
    """z[r] = Σ x[i] over all i with index[i] = r        grad_x[i] = grad[index[i]]

    A row `padding_idx` stays 0; `by_frequency` divides each row by the number of its summands.
    """

    __slots__ = ("by_frequency", "count", "padding_idx")

    def __init__(self, count: int, padding_idx: int | None, by_frequency: bool) -> None:
        self.count = count
        self.padding_idx = padding_idx
        self.by_frequency = by_frequency

    def forward(self, x: Array, index: Array) -> Array:
        index = index.reshape(-1)
        table = _add_rows(x.reshape(len(index), x.shape[-1]), index, self.count)
        if self.padding_idx is not None:
            table[self.padding_idx] = 0
        if self.by_frequency:
            uses = np.maximum(np.bincount(index, minlength=self.count), 1)
            table /= uses[:, None].astype(x.dtype)
        return table

    def grad_x(self, grad: Value, index: Value) -> Value:
        result = run(Embedding(), grad, index)
        places = constant(index)
        if self.by_frequency:
            uses = np.bincount(places.reshape(-1), minlength=self.count)[places]
            result = result / uses[..., None].astype(grad.dtype)
        if self.padding_idx is not None:
            result = np.where((places == self.padding_idx)[..., None], 0, result)
        return result


def _check_indices(name: str, input: Any, weight: Any, error: type[Exception] = IndexError) -> None:
    """The indices are integers and name rows of a matrix."""
    if not isinstance(input, TensorBase) or not isinstance(weight, TensorBase):
        raise TypeError(
            f"{name}: indices and weight are tensors; got {type_name(input)} and "
            f"{type_name(weight)}. Use tg.tensor(...)."
        )
    index = input.array
    if index.dtype.kind not in "iu":
        hint = (
            " The indices come first, then the weight." if weight.array.dtype.kind in "iu" else ""
        )
        raise RuntimeError(
            f"{name}: the indices are integers; got {input.dtype}. Convert them: `x.long()`.{hint}"
        )
    if weight.array.ndim != 2:
        raise RuntimeError(
            f"{name}: the weight is a matrix with one row for each index; got shape "
            f"{weight.array.shape}."
        )
    rows = len(weight.array)
    if index.size:
        low, high = int(index.min()), int(index.max())
        if low < 0 or high >= rows:
            raise error(
                f"{name}: index out of range: {low if low < 0 else high}. The table has {rows} "
                f"rows, so indices go from 0 to {rows - 1}."
            )


def _padding_row(
    name: str, padding_idx: int | None, rows: int, error: type[Exception] = AssertionError
) -> int | None:
    """The row that is meant, counted from the front."""
    if padding_idx is None:
        return None
    if not -rows <= padding_idx < rows:
        raise error(
            f"{name}: padding_idx must be within num_embeddings, -{rows} to {rows - 1}; got "
            f"{padding_idx}."
        )
    return padding_idx % rows


def _refuse_sparse(name: str, sparse: bool) -> None:
    if sparse:
        raise ValueError(
            f"{name}: sparse=True is not supported: there are no sparse gradients. Leave it out; "
            "the gradient is a dense matrix."
        )


def _shorten(weight: Tensor, index: Array, max_norm: float, norm_type: float) -> None:
    """Scale the rows that are used and longer than `max_norm` to that length, in place."""
    used = np.unique(index)
    rows = weight.array[used]
    length = np.linalg.norm(rows, norm_type, axis=1)
    long = length > max_norm
    # The same small number as in PyTorch, so that rounding does not leave a row too long.
    rows[long] *= (max_norm / (length[long] + 1e-7)).astype(rows.dtype)[:, None]
    weight.array[used[long]] = rows[long]
    weight.version[0] += 1


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The row of `weight` for each index: integers (...) and (V, D) become (..., D).

    The row `padding_idx` gets no gradient. `max_norm`: rows that are used and longer are first
    shortened to this length (their `norm_type`-norm), in place. `scale_grad_by_freq` divides the
    gradient of each row by the number of its uses. Raises IndexError for an index that is negative
    or ≥ V, RuntimeError for types and shapes that do not fit, AssertionError for a `padding_idx`
    out of range, ValueError for `sparse=True`. PyTorch: `F.embedding`.

    >>> table = tg.tensor([[0.0, 0.1], [1.0, 1.1], [2.0, 2.1]])
    >>> F.embedding(tg.tensor([2, 0]), table)
    tensor([[2.0000, 2.1000],
            [0.0000, 0.1000]])
    """
    _check_indices("embedding", input, weight)
    _refuse_sparse("embedding", sparse)
    padding = _padding_row("embedding", padding_idx, len(weight.array))
    if max_norm is not None:
        _shorten(weight, input.array, max_norm, norm_type)
    return apply(Embedding(padding, scale_grad_by_freq), weight, input)


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Sum, mean or maximum of the rows of `weight` (V, D) that each bag of indices names: (B, D).

    The indices are (B, L), bags of one size; or (N), and `offsets` (B) says where each bag starts
    (with `include_last_offset`, (B + 1): also where the last one ends). An empty bag gives zeros.
    `per_sample_weights`, of the shape of the input, are factors of the rows, for mode="sum".
    Indices equal to `padding_idx` do not count. The other arguments are those of `embedding`.
    Raises ValueError for arguments that do not fit together, NotImplementedError for weights in
    another mode, RuntimeError for types, shapes, indices and offsets out of range.
    PyTorch: `F.embedding_bag`.

    Unlike PyTorch, `scale_grad_by_freq` divides by the number of times that an index occurs, as in
    `embedding`; PyTorch takes numbers that belong to other rows.

    >>> table = tg.tensor([[1.0, 2.0], [3.0, 4.0], [10.0, 20.0]])
    >>> F.embedding_bag(tg.tensor([0, 1, 2]), table, tg.tensor([0, 2]))
    tensor([[ 2.,  3.],
            [10., 20.]])
    """
    name = "embedding_bag"
    if mode not in ("sum", "mean", "max"):
        raise ValueError(f"{name}: mode has to be one of 'sum', 'mean' or 'max'; got {mode!r}.")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError(f"{name}: mode='max' does not support scale_grad_by_freq=True.")
    _refuse_sparse(name, sparse)
    _check_indices(name, input, weight, RuntimeError)
    factors = _checked_factors(input, weight, per_sample_weights, mode)
    bags, count = _bags(input, offsets, include_last_offset)
    padding = _padding_row(name, padding_idx, len(weight.array), RuntimeError)
    if max_norm is not None:
        _shorten(weight, input.array, max_norm, norm_type)
    # What is behind the last offset belongs to no bag.
    index: Tensor = input.reshape(-1)[: len(bags)]
    factors = None if factors is None else factors[: len(bags)]
    if padding is not None:
        counts = np.flatnonzero(index.array != padding)
        index, bags = wrap(index.array[counts]), bags[counts]
        if factors is not None:
            factors = gathering.index_select(factors, 0, wrap(counts))
    if mode == "max":
        return _largest(weight, index.array, bags, count)
    rows = apply(Embedding(None, scale_grad_by_freq), weight, index)
    if factors is not None:
        rows = rows * factors.unsqueeze(1)
    if padding is None and input.ndim == 2 and input.shape[1] > 0:
        # Bags of one size: 128 of 20 rows of 64 numbers take 60 µs instead of 210.
        of_bags = rows.reshape(*input.shape, rows.shape[1])
        return of_bags.sum(dim=1) if mode == "sum" else of_bags.mean(dim=1)
    return apply(AddRows(count, None, mode == "mean"), rows, wrap(bags))


def _checked_factors(
    input: Tensor, weight: Tensor, factors: Tensor | None, mode: str
) -> Tensor | None:
    """`per_sample_weights` in one dimension."""
    if factors is None:
        return None
    if mode != "sum":
        raise NotImplementedError(
            f"embedding_bag: per_sample_weights are for mode='sum' only; got mode={mode!r}."
        )
    if factors.shape != input.shape:
        raise ValueError(
            f"embedding_bag: per_sample_weights have the shape of the input, {input.shape}; got "
            f"{factors.shape}."
        )
    if factors.dtype != weight.dtype:
        raise RuntimeError(
            f"embedding_bag: expected weight and per_sample_weights to have the same type; got "
            f"{weight.dtype} and {factors.dtype}."
        )
    return factors.reshape(-1)


def _bags(input: Tensor, offsets: Tensor | None, include_last_offset: bool) -> tuple[Array, int]:
    """The bag of each index, and how many bags there are."""
    if input.ndim == 2:
        if offsets is not None:
            raise ValueError(
                "embedding_bag: if the input is 2D, each row is a bag and offsets has to be None; "
                f"got offsets of shape {offsets.shape}."
            )
        count, length = input.shape
        return np.repeat(np.arange(count), length), count
    if input.ndim != 1:
        raise ValueError(
            f"embedding_bag: the input has to be a 1D or 2D tensor; got shape {input.shape}."
        )
    if not isinstance(offsets, TensorBase) or offsets.ndim != 1:
        got = f"shape {offsets.shape}" if isinstance(offsets, TensorBase) else repr(offsets)
        raise ValueError(
            "embedding_bag: for a 1D input, offsets has to be a 1D tensor with the start of each "
            f"bag; got {got}."
        )
    starts, size = offsets.array, len(input.array)
    if starts.dtype.kind not in "iu":
        raise RuntimeError(f"embedding_bag: offsets are integers; got {offsets.dtype}.")
    if include_last_offset and not len(starts):
        raise RuntimeError(
            "embedding_bag: with include_last_offset, offsets has at least one element, the end of "
            "the last bag."
        )
    count = len(starts) - include_last_offset
    if len(starts) and starts[0] != 0:
        raise RuntimeError(
            f"embedding_bag: offsets[0] has to be 0, the first bag starts there; got {starts[0]}."
        )
    ends = starts[1:] if include_last_offset else np.append(starts[1:], size)
    lengths = ends - starts[:count]
    if (lengths < 0).any() or (len(starts) and starts[-1] > size):
        raise RuntimeError(
            "embedding_bag: offsets ascend and are at most the number of indices, "
            f"{size}; got {starts.tolist()}."
        )
    return np.repeat(np.arange(count), lengths), count


def _largest(weight: Tensor, index: Array, bags: Array, count: int) -> Tensor:
    """The largest number of each column in each bag: picked from the table, so differentiable."""
    filled = np.bincount(bags, minlength=count) > 0
    rows = weight.array[index]
    starts = np.flatnonzero(np.diff(bags, prepend=-1))
    winners = np.zeros((count, rows.shape[1]), np.int64)
    if len(rows):
        order = np.cumsum(np.diff(bags, prepend=bags[0]) > 0)  # of the bags that are not empty
        maxima = np.maximum.reduceat(rows, starts, axis=0)[order]
        # The first place of the maximum; if that is NaN, of the first NaN.
        wins = (rows == maxima) | (rows != rows)
        places = np.where(wins, np.arange(len(rows))[:, None], len(rows))
        winners[filled] = index[np.minimum.reduceat(places, starts, axis=0)]
    picked = gathering.gather(weight, 0, wrap(winners))
    return gathering.masked_fill(picked, wrap(~filled[:, None]), 0.0)
