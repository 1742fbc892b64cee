"""Lengths, distances and angles of vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .dims import numpy_names
from .elementwise import clamp
from .reductions import norm

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["cosine_similarity", "normalize", "pairwise_distance"]


@numpy_names
def normalize(
    input: Tensor, p: float = 2.0, dim: int | tuple[int, ...] = 1, eps: float = 1e-12
) -> Tensor:
    """x / max(‖x‖_p, eps): vectors along `dim` of length 1. PyTorch: `F.normalize`.

    >>> F.normalize(tg.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    return input / clamp(norm(input, p, dim, keepdim=True), min=eps)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """x1 · x2 / (max(‖x1‖, eps) max(‖x2‖, eps)) along `dim`; shapes are broadcast.

    PyTorch: `F.cosine_similarity`.

    >>> F.cosine_similarity(tg.tensor([[3.0, 4.0]]), tg.tensor([[1.0, 0.0]]))
    tensor([0.6000])
    """
    # Divided before they are multiplied, so that the product of two long vectors does not overflow.
    lengths = (clamp(norm(x, 2, dim, keepdim=True), min=eps) for x in (x1, x2))
    first, second = (x / length for x, length in zip((x1, x2), lengths, strict=True))
    return (first * second).sum(dim=dim)


def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """‖x1 - x2 + eps‖_p along the last dimension; shapes are broadcast.

    PyTorch: `F.pairwise_distance`.

    >>> F.pairwise_distance(tg.tensor([[3.0, 4.0]]), tg.tensor([[0.0, 0.0]]))
    tensor([5.0000])
    """
    return norm(x1 - x2 + eps, p, -1, keepdim=keepdim)
