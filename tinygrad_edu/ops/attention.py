"""Attention: mixtures of values, weighted by how well a query fits each key."""

from __future__ import annotations

from math import inf, prod, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.fused import Fused
from ..autograd.graph import Array, TensorBase, apply, wrap
from ..random import AnyGenerator, resolve
from . import gathering
from .dtypes import quiet, type_name
from .shape import repeat_interleave
from .softmax import ones, row_maxima, softmax

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["scaled_dot_product_attention"]


def _empty(batch: tuple[int, ...], like: Array, width: int) -> Array:
    """An array for results (*batch, rows of `like`, width), in the memory order of `like`.

    Heads are a transposed view of (N, L, H E). A result in that order becomes (N, L, H E) again
    without a copy.
    """
    shape = (*batch, like.shape[-2], width)
    if len(shape) == like.ndim:
        return np.empty_like(like, shape=shape)
    return np.empty(shape, like.dtype)


def _batch(*arrays: Array) -> tuple[int, ...]:
    """The dimensions before the last two, broadcast."""
    return np.broadcast_shapes(*(x.shape[:-2] for x in arrays))


def _additive(scores: Array, mask: Array | None, causal: bool) -> Array | None:
    """What is added to the scores: a mask of numbers, or -inf for keys that do not take part."""
    if causal:
        mask = np.tri(*scores.shape[-2:], dtype=bool)
    if mask is None or mask.dtype.kind == "f":
        return mask
    bias: Array = np.where(mask, scores.dtype.type(0), scores.dtype.type(-inf))
    return bias


class Attention(Fused):
    """z = p v, p = softmax(q kᵀ scale + mask)

    grad_v = pᵀ grad, and with s = q kᵀ scale + mask: grad_mask = grad_s = p (grad vᵀ - Σ grad z),
    grad_q = grad_s k scale, grad_k = grad_sᵀ q scale. A boolean mask says which keys take part;
    where there is none for a query, z = 0. Dropout keeps each p with probability 1 - `dropped` and
    divides it by that.
    """

    __slots__ = ("causal", "dropped", "exponentials", "keep", "scale", "total")
    scratch = ("exponentials", "keep", "total")
    exponentials: Array
    keep: Array | None
    total: Array

    def __init__(self, scale: float, causal: bool, keep: Array | None, dropped: float) -> None:
        self.scale = scale
        self.causal = causal
        self.keep = keep
        self.dropped = dropped

    @quiet
    def forward(self, query: Array, key: Array, value: Array, mask: Array | None) -> Array:
        # p = e / total is never computed: the small arrays are divided, and scaled, instead.
        scaled = query * query.dtype.type(self.scale)
        scores = np.matmul(scaled, key.swapaxes(-1, -2), order="C")  # so that `rows` is a view
        bias = _additive(scores, mask, self.causal)
        if bias is not None:
            scores += bias
        width = scores.shape[-1]
        rows = scores.reshape(prod(scores.shape[:-1]), width)
        if rows.size:
            maxima = row_maxima(rows)
            maxima[maxima == -inf] = 0  # No key takes part: e^(-inf) = 0 for all of them.
            rows -= maxima
        np.exp(rows, out=rows)
        total = (rows @ ones(width, rows.dtype)).reshape(*scores.shape[:-1], 1)
        total[total == 0] = 1
        self.exponentials, self.total = scores, total
        out = _empty(_batch(scores, value), query, value.shape[-1])
        np.matmul(self._kept(), value, out=out)
        out *= self._share() / total
        return out

    def _kept(self) -> Array:
        return self.exponentials if self.keep is None else self.exponentials * self.keep

    def _share(self) -> float:
        """What kept weights are multiplied by."""
        return 0.0 if self.dropped == 1 else 1 / (1 - self.dropped)

    def backward(
        self, grad: Array, query: Array, key: Array, value: Array, out: Array
    ) -> tuple[Array | None, ...]:
        batch, scale = grad.shape[:-2], query.dtype.type(self.scale)
        divided = grad * (self._share() / self.total)
        results: list[Array | None] = [None] * 4
        if self.needs(2):
            results[2] = _empty(batch, value, value.shape[-1])
            np.matmul(self._kept().swapaxes(-1, -2), divided, out=results[2])
        if self.needs(0) or self.needs(1) or self.needs(3):
            grad_scores = np.matmul(divided, value.swapaxes(-1, -2))
            if self.keep is not None:
                grad_scores *= self.keep
            # Σ p grad_p is also Σ grad z: E numbers in a row instead of S.
            grad_scores -= np.vecdot(grad, out)[..., None] / self.total
            grad_scores *= self.exponentials
            results[3] = grad_scores if self.needs(3) else None
            if self.needs(0):
                results[0] = _empty(batch, query, query.shape[-1])
                np.matmul(grad_scores, key, out=results[0])
                results[0] *= scale
            if self.needs(1):
                results[1] = _empty(batch, key, key.shape[-1])
                np.matmul(grad_scores.swapaxes(-1, -2), query * scale, out=results[1])
        return tuple(results)

    def plain(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        scores = query @ key.transpose(-2, -1) * self.scale
        bias = _additive(scores.array, None if mask is None else mask.array, self.causal)
        if mask is not None and mask.dtype.kind == "f":
            scores = scores + mask
        elif bias is not None:
            scores = scores + wrap(bias)
        nothing = wrap((scores.array == -inf).all(axis=-1, keepdims=True))
        weights = softmax(gathering.masked_fill(scores, nothing, 0.0), -1)
        weights = gathering.masked_fill(weights, nothing, 0.0)
        if self.keep is not None:
            weights = weights * wrap(self.keep.astype(scores.dtype) * self._share())
        return weights @ value


def _check_attention(query: Any, key: Any, value: Any, mask: Any, causal: bool) -> None:
    """Raise unless types and shapes fit together."""
    name = "scaled_dot_product_attention"
    tensors = (query, key, value)
    for x in tensors:
        if not isinstance(x, TensorBase):
            raise TypeError(f"{name}: query, key and value are tensors; got {type_name(x)}.")
    types = [x.dtype for x in tensors]
    shapes = [x.shape for x in tensors]
    if len(set(types)) > 1 or types[0].kind != "f":
        raise RuntimeError(
            f"{name}: expected query, key and value to have the same floating dtype, but got "
            f"{', '.join(map(str, types))}."
        )
    if min(map(len, shapes)) < 2:
        raise RuntimeError(
            f"{name}: expected query, key and value to be at least 2-dimensional, (..., L, E), "
            f"(..., S, E) and (..., S, Ev); got {shapes}."
        )
    if shapes[0][-1] != shapes[1][-1] or shapes[1][-2] != shapes[2][-2]:
        raise RuntimeError(
            f"{name}: query (..., L, E), key (..., S, E) and value (..., S, Ev) are needed; got "
            f"{shapes[0]}, {shapes[1]} and {shapes[2]}."
        )
    if mask is None:
        return
    if causal:
        raise RuntimeError(
            f"{name}: explicit attn_mask should not be set when is_causal=True. Put both into the "
            "mask."
        )
    if mask.dtype.kind != "b" and mask.dtype != types[0]:
        raise RuntimeError(
            f"{name}: attn_mask is boolean or of the query's type, {types[0]}; got {mask.dtype}."
        )


def _scores_shape(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None
) -> tuple[int, ...]:
    """(..., L, S), after a check that batches and mask can be broadcast."""
    shapes = [x.shape for x in (query, key, value)]
    try:
        shape = (*_batch(query.array, key.array), shapes[0][-2], shapes[1][-2])
        _batch(query.array, key.array, value.array)
    except ValueError:
        raise RuntimeError(
            "scaled_dot_product_attention: the dimensions before the last two of query, key and "
            f"value must be equal or 1; got {shapes[0]}, {shapes[1]} and {shapes[2]}. With fewer "
            "heads in key and value, pass enable_gqa=True."
        ) from None
    if mask is not None:
        fits = mask.ndim <= len(shape) and all(
            size in (1, wanted) for size, wanted in zip(mask.shape[::-1], shape[::-1], strict=False)
        )
        if not fits:
            raise RuntimeError(
                f"scaled_dot_product_attention: attn_mask of shape {mask.shape} cannot be "
                f"broadcast to the scores, {shape}."
            )
    return shape


def _repeated(x: Tensor, query: Tensor) -> Tensor:
    """Key or value with each head as often as queries share it."""
    if min(x.ndim, query.ndim) < 3 or not x.shape[-3] or query.shape[-3] % x.shape[-3]:
        raise RuntimeError(
            "scaled_dot_product_attention: with enable_gqa=True, the number of heads (dimension "
            "-3) of key and value must divide that of the query; got query "
            f"{query.shape} and {x.shape}."
        )
    times = query.shape[-3] // x.shape[-3]
    return x if times == 1 else repeat_interleave(x, times, dim=-3)


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    *,
    generator: AnyGenerator = None,
) -> Tensor:
    """softmax(q kᵀ scale + mask) v: for each query the mean of the values, weighted by its keys.

    Shapes: query (..., L, E), key (..., S, E), value (..., S, Ev); the result is (..., L, Ev).
    `attn_mask` is broadcast to (..., L, S): booleans say which keys take part, numbers are added to
    the scores. `is_causal`: query i sees the keys 0 ... i. A query that sees none gets 0. `scale`
    is 1/√E if not given. `dropout_p` drops weights, also in evaluation: pass 0 there. `enable_gqa`:
    query (..., H, L, E) has a multiple of the heads of key and value, and neighbours share one.
    Raises RuntimeError for shapes and types that do not fit, for a mask together with `is_causal`,
    and unless 0 ≤ dropout_p ≤ 1. PyTorch: `F.scaled_dot_product_attention`. Source: Vaswani et al.,
    "Attention is all you need", 2017.

    >>> keys = tg.tensor([[10.0, 0.0], [0.0, 10.0]])
    >>> values = tg.tensor([[1.0], [2.0]])
    >>> F.scaled_dot_product_attention(tg.tensor([[0.0, 10.0], [1.0, 1.0]]), keys, values)
    tensor([[2.0000],
            [1.5000]])
    """
    _check_attention(query, key, value, attn_mask, is_causal)
    if enable_gqa:
        key, value = (_repeated(x, query) for x in (key, value))
    if not 0.0 <= dropout_p <= 1.0:
        raise RuntimeError(
            "scaled_dot_product_attention: the dropout probability has to be between 0 and 1, but "
            f"got {dropout_p}."
        )
    shape = _scores_shape(query, key, value, attn_mask)
    keep = None
    if dropout_p > 0:
        keep = resolve(generator).random(shape, dtype=np.float32) >= dropout_p
    if scale is None:
        scale = 1 / sqrt(query.shape[-1]) if query.shape[-1] else 1.0
    return apply(Attention(scale, is_causal, keep, dropout_p), query, key, value, attn_mask)
