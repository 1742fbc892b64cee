"""Attention with several heads: each looks at a part of the features of its own."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import Array, Operation, Value, apply_multiple, wrap
from ..random import AnyGenerator
from . import joining, shape
from .attention import scaled_dot_product_attention
from .neural import dropout, linear
from .softmax import softmax

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["multi_head_attention_forward"]


class SplitHeads(Operation):
    """z_i[n, h, l] = x[n, l, i, h], heads of x (N, L, P H E) or (L, N, P H E), for i = 1 ... P

    P is 3 where one product gave queries, keys and values. The gradient is put together again.
    """

    __slots__ = ("batch_first", "heads", "parts", "size")
    multiple = True

    def __init__(self, parts: int, heads: int, batch_first: bool) -> None:
        self.parts = parts
        self.heads = heads
        self.batch_first = batch_first

    def _views(self, x: Value) -> list[Value]:
        """The parts of x (A, B, P, H, E) as (N, H, L, E)."""
        order = (0, 2, 1, 3) if self.batch_first else (1, 2, 0, 3)
        return [x[:, :, i].transpose(order) for i in range(self.parts)]

    def forward(self, x: Array) -> tuple[Array, ...]:
        self.size = (*x.shape[:2], self.parts, self.heads, x.shape[2] // (self.parts * self.heads))
        return tuple(self._views(x.reshape(self.size)))

    def backward(self, grads: dict[int, Value]) -> tuple[Value]:
        one = next(iter(grads.values()))
        first, second, parts, heads, size = self.size
        flat = (first, second, parts * heads * size)
        if not isinstance(one, np.ndarray):
            order = (0, 2, 1, 3) if self.batch_first else (2, 0, 1, 3)
            zeros = wrap(np.zeros(one.shape, one.dtype))
            found = [shape.permute(grads.get(i, zeros), order) for i in range(parts)]
            return (joining.stack(found, 2).reshape(flat),)
        result = np.zeros(self.size, one.dtype)
        for i, part in enumerate(self._views(result)):
            if i in grads:
                part[...] = grads[i]
        return (result.reshape(flat),)


def _additive(
    name: str, mask: Tensor | None, dtype: np.dtype[Any], shape: Sequence[tuple[int, ...]]
) -> Tensor | None:
    """A mask as numbers to add: -inf where a boolean one is True, "does not take part"."""
    if mask is None:
        return None
    if mask.dtype.kind not in "bf":
        raise AssertionError(
            f"multi_head_attention_forward: only bool and floating types of {name} are supported; "
            f"got {mask.dtype}."
        )
    if mask.shape not in shape:
        raise RuntimeError(
            f"multi_head_attention_forward: {name} has shape {' or '.join(map(str, shape))}; got "
            f"{mask.shape}."
        )
    if mask.dtype.kind == "b":
        return wrap(np.where(mask.array, dtype.type(-inf), dtype.type(0)))
    if mask.dtype != dtype:
        raise RuntimeError(
            f"multi_head_attention_forward: {name} is boolean or of the query's type, {dtype}; got "
            f"{mask.dtype}. Convert it: `mask.to(tg.{dtype})`."
        )
    return mask


def _check(condition: Any, message: str) -> None:
    """PyTorch raises AssertionError for these, so we do, also under `python -O`."""
    if not condition:
        raise AssertionError("multi_head_attention_forward: " + message)


def _check_dims(
    query: Tensor, key: Tensor, value: Tensor, padding: Tensor | None, mask: Tensor | None
) -> None:
    """All batched or all not."""
    _check(
        query.ndim in (2, 3),
        "the query is (L, E), or a batch (L, N, E), with batch_first (N, L, E); got shape "
        f"{query.shape}.",
    )
    kind = f"for a query of {query.ndim} dimensions, "
    _check(
        key.ndim == value.ndim == query.ndim,
        kind + f"key and value have {query.ndim}, too; got shapes {key.shape} and {value.shape}.",
    )
    _check(
        padding is None or padding.ndim == query.ndim - 1,
        kind + f"key_padding_mask is {'(N, S)' if query.ndim == 3 else '(S)'}; got shape "
        f"{None if padding is None else padding.shape}.",
    )
    _check(
        mask is None or mask.ndim in (2, 3),
        "attn_mask is (L, S) or (N heads, L, S); got shape "
        f"{None if mask is None else mask.shape}.",
    )


def _projected(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    heads: int,
    batch_first: bool,
) -> tuple[Tensor, ...]:
    """Query, key and value times the rows of one weight (3 E, E) that belong to them, as heads."""
    size = query.shape[-1]

    def project(x: Tensor, first: int, parts: int) -> tuple[Tensor, ...]:
        w, b = weight, bias
        if parts < 3:
            w = shape.narrow(weight, 0, first * size, parts * size)
            b = None if bias is None else shape.narrow(bias, 0, first * size, parts * size)
        return apply_multiple(SplitHeads(parts, heads, batch_first), linear(x, w, b))

    if query is key and key is value:
        return project(query, 0, 3)
    if key is value:
        return project(query, 0, 1) + project(key, 1, 2)
    return project(query, 0, 1) + project(key, 1, 1) + project(value, 2, 1)


def _projected_separately(
    inputs: tuple[Tensor, ...],
    weights: tuple[Tensor | None, ...],
    bias: Tensor | None,
    heads: int,
    batch_first: bool,
) -> tuple[Tensor, ...]:
    """Query, key and value, each by its own weight, as heads."""
    found: tuple[Tensor, ...] = ()
    size = inputs[0].shape[-1]
    for i, (x, w, name) in enumerate(zip(inputs, weights, "qkv", strict=True)):
        _check(w is not None, f"use_separate_proj_weight is True, but {name}_proj_weight is None.")
        b = None if bias is None else shape.narrow(bias, 0, i * size, size)
        found += apply_multiple(SplitHeads(1, heads, batch_first), linear(x, w, b))  # type: ignore[arg-type]
    return found


def _static(name: str, x: Tensor, batch: int, heads: int, size: int) -> Tensor:
    """Keys or values that were projected before, (N heads, S, E)."""
    _check(
        x.ndim == 3 and (x.shape[0], x.shape[2]) == (batch * heads, size),
        f"{name} has shape (N heads, S, E / heads) = ({batch * heads}, S, {size}); got {x.shape}.",
    )
    return x.reshape(batch, heads, x.shape[1], size)


def _appended(x: Tensor, row: Tensor | None) -> Tensor:
    """One more key or value: `row` (1, 1, E), or zeros."""
    batch, heads, _, size = x.shape
    if row is None:
        more = wrap(np.zeros((batch, heads, 1, size), x.dtype))
    else:
        more = row.reshape(1, heads, 1, size).expand(batch, heads, 1, size)
    return joining.cat([x, more], 2)


def _weights(query: Tensor, key: Tensor, mask: Tensor | None) -> Tensor:
    scores = (query * (1 / sqrt(query.shape[-1]))) @ key.transpose(-2, -1)
    return softmax(scores if mask is None else scores + mask, -1)


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
    *,
    batch_first: bool = False,
    generator: AnyGenerator = None,
) -> tuple[Tensor, Tensor | None]:
    """Linear maps of query, key and value, attention of each head, a linear map of all heads.

    What `nn.MultiheadAttention` computes, with its parameters as arguments; see there for shapes
    and masks. `static_k`, `static_v` (N heads, S, E/heads) are keys and values that need no map
    any more. Returns the result, and with `need_weights` the weights, else None. `batch_first`, for
    (N, L, E) instead of (L, N, E), is ours. Raises AssertionError for shapes that do not fit,
    RuntimeError for masks that do not. PyTorch: `F.multi_head_attention_forward`.

    >>> x, eye = tg.ones(1, 1, 2), tg.eye(2)
    >>> result, weights = F.multi_head_attention_forward(
    ...     x, x, x, 2, 1, tg.cat([eye] * 3), None, None, None, False, 0.0, eye, None
    ... )
    >>> result
    tensor([[[1., 1.]]])
    """
    _check_dims(query, key, value, key_padding_mask, attn_mask)
    single = query.ndim == 2
    if single:
        at = 0 if batch_first else 1
        same, shared = query is key, key is value
        query = query.unsqueeze(at)
        key = query if same else key.unsqueeze(at)
        value = key if shared else value.unsqueeze(at)
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)
    size = query.shape[2]
    _check(size == embed_dim_to_check, f"expected {embed_dim_to_check} features; got {size}.")
    _check(
        num_heads > 0 and size % num_heads == 0,
        f"{size} features cannot be divided among {num_heads} heads.",
    )
    compared = 2 if use_separate_proj_weight else 3
    _check(
        key.shape[:compared] == value.shape[:compared],
        f"key and value do not fit: their shapes are {key.shape} and {value.shape}.",
    )
    if use_separate_proj_weight:
        weights = (q_proj_weight, k_proj_weight, v_proj_weight)
        inputs = (query, key, value)
        q, k, v = _projected_separately(inputs, weights, in_proj_bias, num_heads, batch_first)
    else:
        _check(in_proj_weight is not None, "in_proj_weight is None.")
        q, k, v = _projected(
            query,
            key,
            value,
            in_proj_weight,  # type: ignore[arg-type]
            in_proj_bias,
            num_heads,
            batch_first,
        )
    batch, _, _, head = q.shape
    if k.shape[0] != batch:
        raise RuntimeError(
            f"multi_head_attention_forward: the query has {batch} samples in its batch, key and "
            f"value {k.shape[0]} (shapes {query.shape} and {key.shape}, "
            f"batch_first={batch_first})."
        )
    if static_k is not None:
        k = _static("static_k", static_k, batch, num_heads, head)
    if static_v is not None:
        v = _static("static_v", static_v, batch, num_heads, head)
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "multi_head_attention_forward: is_causal=True is a hint about attn_mask, which is "
            "needed, too: nn.Transformer.generate_square_subsequent_mask makes it."
        )
    causal = is_causal and key_padding_mask is None and not need_weights
    mask = None if causal else _merged(attn_mask, key_padding_mask, q, k.shape[2])
    more = 0
    if bias_k is not None and bias_v is not None:
        _check(static_k is None and static_v is None, "bias_k and static_k exclude each other.")
        k, v, more = _appended(k, bias_k), _appended(v, bias_v), 1
    else:
        _check(bias_k is bias_v, "give bias_k and bias_v, or neither of them.")
    if add_zero_attn:
        k, v, more = _appended(k, None), _appended(v, None), more + 1
    if mask is not None and more:
        mask = joining.pad(mask, (0, more))
    dropped = dropout_p if training else 0.0
    found = None
    if need_weights:
        found = dropout(_weights(q, k, mask), dropped, generator=generator)
        result = found @ v
        if average_attn_weights:
            found = found.mean(dim=1)
        if single:
            found = found.squeeze(0)
    else:
        result = scaled_dot_product_attention(q, k, v, mask, dropped, causal, generator=generator)
    order = (0, 2, 1, 3) if batch_first else (2, 0, 1, 3)
    joined = shape.permute(result, order).reshape(*query.shape[:2], size)
    out = linear(joined, out_proj_weight, out_proj_bias)
    if single:
        out = out.squeeze(0 if batch_first else 1)
    return out, found


def _merged(mask: Tensor | None, padding: Tensor | None, query: Tensor, keys: int) -> Tensor | None:
    """Both masks as numbers that are added to scores (N, heads, L, S)."""
    batch, heads, length, _ = query.shape
    flat = (batch * heads, length, keys)
    total = _additive("attn_mask", mask, query.dtype, [flat[1:], flat])
    if total is not None and total.ndim == 3:
        total = total.reshape(batch, heads, length, keys)
    if padding is not None:
        _check(
            padding.shape == (batch, keys),
            f"key_padding_mask has shape (N, S) = {(batch, keys)}; got {padding.shape}.",
        )
        other = _additive("key_padding_mask", padding, query.dtype, [(batch, keys)])
        other = other.reshape(batch, 1, 1, keys)  # type: ignore[union-attr]
        total = other if total is None else total + other
    return total
