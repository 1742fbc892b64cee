"""Lengths, distances and angles of vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import Array, Operation, TensorBase, Value, apply
from . import elementwise, reductions, shape
from .contraction import same_types
from .dims import numpy_names
from .elementwise import clamp
from .indexing import index_along
from .reductions import norm
from .solving import floating_only

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["cdist", "cosine_similarity", "dist", "normalize", "pairwise_distance", "pdist"]


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


def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The p-norm of x - y, over all elements, broadcast. PyTorch: `torch.dist`.

    Raises RuntimeError for integers, and if the shapes cannot be broadcast.

    >>> tg.dist(tg.tensor([1.0, 2.0]), tg.tensor([4.0, 6.0]))
    tensor(5.)
    """
    return norm(elementwise.sub(input, other), p)


# Distances of all pairs.


class EuclideanDistances(Operation):
    """z_ij = ‖x_i - y_j‖        grad_x_i = Σ_j w_ij (x_i - y_j), w = grad / z, 0 where z is 0"""

    __slots__ = ("by_products",)

    def __init__(self, by_products: bool) -> None:
        self.by_products = by_products

    def forward(self, x: Array, y: Array) -> Any:
        if not self.by_products:
            return np.sqrt(np.square(x[..., :, None, :] - y[..., None, :, :]).sum(-1))
        # ‖x‖² + ‖y‖² - 2xy: much faster for many points; rounding may make it negative.
        squares = np.square(x).sum(-1)[..., :, None] + np.square(y).sum(-1)[..., None, :]
        squares = squares - 2 * (x @ y.mT)
        return np.sqrt(np.maximum(squares, 0))

    def backward(self, grad: Value, x: Value, y: Value, out: Value) -> tuple[Value, Value]:
        zero = out == 0
        weights = np.where(zero, 0, grad / np.where(zero, 1, out))
        grad_x = grad_y = None
        if self.needs(0):
            grad_x = x * np.sum(weights, -1)[..., None] - weights @ y
        if self.needs(1):
            grad_y = y * np.sum(weights, -2)[..., None] - weights.mT @ x
        return grad_x, grad_y


_MODES = {
    "use_mm_for_euclid_dist_if_necessary": None,
    "use_mm_for_euclid_dist": True,
    "donot_use_mm_for_euclid_dist": False,
}


def cdist(
    x1: Tensor,
    x2: Tensor,
    p: float = 2.0,
    compute_mode: str = "use_mm_for_euclid_dist_if_necessary",
) -> Tensor:
    """The p-norm distance of every row of x1 to every row of x2. PyTorch: `torch.cdist`.

    (*, P, M) and (*, R, M) to (*, P, R); batches are broadcast. p >= 0, also inf. The gradient of
    the distance 0 is 0. For p = 2 and more than 25 rows, `compute_mode` permits a fast product of
    matrices, which is less exact for points close together. Raises RuntimeError for shapes that do
    not fit and p < 0, ValueError for another mode.

    >>> tg.cdist(tg.tensor([[0.0, 0.0], [3.0, 4.0]]), tg.tensor([[0.0, 0.0]]))
    tensor([[0.],
            [5.]])
    """
    if compute_mode not in _MODES:
        raise ValueError(f"cdist: compute_mode is one of {list(_MODES)}; got {compute_mode!r}.")
    for place, x in enumerate((x1, x2), 1):
        if x.array.ndim < 2:
            raise RuntimeError(f"cdist: x{place} has rows of points; got shape {x.shape}.")
        floating_only(x, "cdist")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(
            f"cdist: points have equally many coordinates; got {x1.shape[-1]} and {x2.shape[-1]}."
        )
    if p < 0:
        raise RuntimeError(f"cdist: p cannot be negative; got {p}.")
    same_types((x1, x2), "cdist")
    if p == 2:
        mode = _MODES[compute_mode]
        many = x1.shape[-2] > 25 or x2.shape[-2] > 25
        return apply(EuclideanDistances(many if mode is None else mode), x1, x2)
    difference = elementwise.sub(shape.unsqueeze(x1, -2), shape.unsqueeze(x2, -3))
    if difference.shape[-1] == 0:
        return reductions.sum(difference, -1)
    return norm(difference, float(p), -1)


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """The p-norm distances of all pairs of rows i < j, as a vector. PyTorch: `F.pdist`.

    Raises RuntimeError for anything but a matrix, and for p < 0.

    >>> tg.pdist(tg.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]]))
    tensor([5.0000, 1.0000, 4.2426])
    """
    if not isinstance(input, TensorBase) or input.array.ndim != 2:
        raise RuntimeError("pdist: a matrix, whose rows are points, is needed.")
    if p < 0:
        raise RuntimeError(f"pdist: p cannot be negative; got {p}.")
    first, second = np.triu_indices(input.shape[0], 1)
    difference = elementwise.sub(index_along(input, 0, first), index_along(input, 0, second))
    if input.shape[1] == 0:
        return reductions.sum(difference, -1)
    return norm(difference, float(p), -1)
