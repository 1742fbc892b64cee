"""Losses of ranking, of distances and of counts: compositions of other operations."""

from __future__ import annotations

from collections.abc import Callable
from math import log, pi
from typing import TYPE_CHECKING

import numpy as np

from ..autograd.graph import TensorBase, wrap
from . import unary
from .arguments import check_tensor
from .cross_entropy import check_range
from .distances import pairwise_distance
from .elementwise import clamp, minimum, where
from .losses import reduced, reduction_of
from .smooth_activations import logsigmoid, softplus

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "cosine_embedding_loss",
    "gaussian_nll_loss",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "poisson_nll_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]


def _positive(x: Tensor) -> Tensor:
    return clamp(x, min=0)


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, -t (x1 - x2) + margin): with t = 1 the first is to rank higher, with -1 the second.

    Raises RuntimeError unless all have as many dimensions. PyTorch: `F.margin_ranking_loss`.

    >>> F.margin_ranking_loss(tg.tensor([1.0]), tg.tensor([3.0]), tg.tensor([1.0]))
    tensor(2.)
    """
    reduction = reduction_of("margin_ranking_loss", reduction, size_average, reduce)
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError(
            "margin_ranking_loss: the inputs and the target have as many dimensions as each "
            f"other; got shapes {input1.shape}, {input2.shape} and {target.shape}."
        )
    return reduced(_positive(-target * (input1 - input2) + margin), reduction)


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """x where t = 1, max(0, margin - x) where t = -1, for distances x.

    PyTorch: `F.hinge_embedding_loss`.

    >>> F.hinge_embedding_loss(tg.tensor([0.5, 0.25]), tg.tensor([1.0, -1.0]), reduction="none")
    tensor([0.5000, 0.7500])
    """
    reduction = reduction_of("hinge_embedding_loss", reduction, size_average, reduce)
    apart = where(target != 1, _positive(margin - input), 0.0)
    together = where(target != -1, input, 0.0)
    return reduced(apart + together, reduction)


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """ln(1 + e^(-t x)), for targets t of 1 and -1. PyTorch: `F.soft_margin_loss`.

    >>> F.soft_margin_loss(tg.tensor([0.0]), tg.tensor([1.0]))
    tensor(0.6931)
    """
    reduction = reduction_of("soft_margin_loss", reduction, size_average, reduce)
    return reduced(softplus(-target * input), reduction)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The binary cross-entropy of sigmoid(x), averaged over the C classes in the last dimension.

    PyTorch: `F.multilabel_soft_margin_loss`.

    >>> F.multilabel_soft_margin_loss(tg.tensor([[0.0, 0.0]]), tg.tensor([[1.0, 0.0]]))
    tensor(0.6931)
    """
    reduction = reduction_of("multilabel_soft_margin_loss", reduction, size_average, reduce)
    losses = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    return reduced((losses if weight is None else losses * weight).mean(dim=-1), reduction)


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """1 - cos(x1, x2) where t = 1, max(0, cos(x1, x2) - margin) where t = -1.

    Shapes: inputs (N, D) and target (N), or (D) and (). Raises RuntimeError for others.
    PyTorch: `F.cosine_embedding_loss`.

    >>> F.cosine_embedding_loss(tg.tensor([[1.0, 0.0]]), tg.tensor([[0.0, 1.0]]), tg.tensor([1.0]))
    tensor(1.)
    """
    reduction = reduction_of("cosine_embedding_loss", reduction, size_average, reduce)
    if (
        input1.shape != input2.shape
        or target.shape != input1.shape[:-1]
        or input1.ndim not in (1, 2)
    ):
        raise RuntimeError(
            "cosine_embedding_loss: inputs (N, D) and a target (N), or (D) and (), are needed; "
            f"got shapes {input1.shape}, {input2.shape} and {target.shape}."
        )
    # PyTorch's small number here stands under the root; it only keeps 0/0 away.
    squares = (((x * x).sum(dim=-1) + 1e-12) for x in (input1, input2))
    cosine = (input1 * input2).sum(dim=-1) / unary.sqrt(next(squares) * next(squares))
    together = where(target == 1, 1 - cosine, 0.0)
    apart = where(target == -1, _positive(cosine - margin), 0.0)
    return reduced(together + apart, reduction)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, d(anchor, positive) - d(anchor, negative) + margin), d the p-norm of a difference.

    `swap=True` takes the smaller of the negative's distances to anchor and positive. Raises
    ValueError unless margin > 0. PyTorch: `F.triplet_margin_loss`. Source: Balntas et al.,
    "Learning shallow convolutional feature descriptors with triplet losses", 2016.

    >>> F.triplet_margin_loss(tg.tensor([[0.0]]), tg.tensor([[1.0]]), tg.tensor([[1.5]]))
    tensor(0.5000)
    """
    reduction = reduction_of("triplet_margin_loss", reduction, size_average, reduce)

    def distance(x: Tensor, y: Tensor) -> Tensor:
        return pairwise_distance(x, y, p, eps)

    return triplet_margin_with_distance_loss(
        anchor,
        positive,
        negative,
        distance_function=distance,
        margin=margin,
        swap=swap,
        reduction=reduction,
    )


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """`triplet_margin_loss` with any function of two tensors as distance.

    Raises ValueError unless margin > 0, RuntimeError unless all have as many dimensions.
    PyTorch: `F.triplet_margin_with_distance_loss`.

    >>> F.triplet_margin_with_distance_loss(
    ...     tg.tensor([[0.0]]), tg.tensor([[1.0]]), tg.tensor([[1.5]]),
    ...     distance_function=lambda x, y: (x - y).abs().sum(dim=-1))
    tensor(0.5000)
    """
    reduction = reduction_of("triplet_margin_with_distance_loss", reduction)
    if margin <= 0:
        raise ValueError(f"triplet_margin_loss: margin must be greater than 0, got {margin}.")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            "triplet_margin_loss: anchor, positive and negative have as many dimensions as each "
            f"other; got shapes {anchor.shape}, {positive.shape} and {negative.shape}."
        )
    distance = pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = minimum(far, distance(positive, negative))
    return reduced(_positive(margin + near - far), reduction)


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """A hinge for many classes: Σ_c max(0, margin - x_t + x_c)^p / C over the wrong classes c.

    Times the weight of t, if there are weights.
    Shapes: input (N, C) or (C), target (N) or (). Raises ValueError unless p is 1 or 2, IndexError
    for a target that is no class, RuntimeError for shapes that do not fit.
    PyTorch: `F.multi_margin_loss`.

    >>> F.multi_margin_loss(tg.tensor([[0.1, 0.2, 0.4, 0.8]]), tg.tensor([3]))
    tensor(0.3250)
    """
    check_tensor("multi_margin_loss", input)
    reduction = reduction_of("multi_margin_loss", reduction, size_average, reduce)
    if p not in (1, 2):
        raise ValueError(f"multi_margin_loss: only p = 1 and p = 2 are supported; got {p}.")
    if input.ndim not in (1, 2) or target.shape != input.shape[:-1]:
        raise RuntimeError(
            "multi_margin_loss: an input (N, C) or (C) and a target (N) or () are needed; got "
            f"shapes {input.shape} and {target.shape}."
        )
    classes = input.shape[-1]
    check_range(target.array, classes)
    place = target.array[..., None]
    wrong = wrap(np.arange(classes) != place)
    right = input.gather(-1, wrap(place))
    excess = _positive(margin - right + input)
    losses = where(wrong, excess if p == 1 else excess * excess, 0.0).sum(dim=-1) / classes
    if weight is not None:
        if weight.shape != (classes,):
            raise ValueError(
                f"multi_margin_loss: the weight has one number for each of the {classes} classes; "
                f"got shape {weight.shape}."
            )
        losses = losses * wrap(weight.array[target.array])
    return reduced(losses, reduction)


def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Σ max(0, 1 - (x_j - x_i)) / C over the right classes j and the others i.

    Shapes: input and target (N, C) or (C); a row of the target lists the right classes, ended by
    -1. Raises RuntimeError for other shapes, IndexError for a class that does not exist.
    PyTorch: `F.multilabel_margin_loss`.

    >>> F.multilabel_margin_loss(tg.tensor([[0.1, 0.2, 0.4, 0.8]]), tg.tensor([[3, 0, -1, 1]]))
    tensor(0.8500)
    """
    check_tensor("multilabel_margin_loss", input)
    reduction = reduction_of("multilabel_margin_loss", reduction, size_average, reduce)
    if (
        input.ndim not in (1, 2)
        or input.shape != target.shape
        or not isinstance(target, TensorBase)
    ):
        raise RuntimeError(
            "multilabel_margin_loss: input and target have the shape (N, C) or (C); got "
            f"{input.shape} and {target.shape}."
        )
    classes = input.shape[-1]
    listed = np.minimum.accumulate(target.array >= 0, axis=-1)  # before the first negative number
    check_range(target.array[listed], classes)
    one_hot = (target.array[..., None] == np.arange(classes)) & listed[..., None]
    times = one_hot.sum(axis=-2)  # how often each class is listed
    pairs = times[..., :, None] * (times == 0)[..., None, :]
    excess = _positive(1 - (input.unsqueeze(-1) - input.unsqueeze(-2)))
    losses = (excess * wrap(pairs.astype(input.dtype))).sum(dim=(-2, -1)) / classes
    return reduced(losses, reduction)


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """e^x - t x for a count t and the logarithm x of its rate.

    With `log_input=False`, x - t ln(x + eps).
    `full=True` adds Stirling's approximation of ln t!, t ln t - t + ln(2πt)/2, where t > 1.
    PyTorch: `F.poisson_nll_loss`.

    >>> F.poisson_nll_loss(tg.tensor([0.0]), tg.tensor([2.0]))
    tensor(1.)
    """
    reduction = reduction_of("poisson_nll_loss", reduction, size_average, reduce)
    losses = (
        unary.exp(input) - target * input if log_input else input - target * unary.log(input + eps)
    )
    if full:
        count = where(target > 1, target, 1.0)
        stirling = count * unary.log(count) - count + 0.5 * unary.log(2 * pi * count)
        losses = losses + where(target > 1, stirling, 0.0)
    return reduced(losses, reduction)


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """(ln σ² + (x - t)²/σ²)/2 for a target t that is normal around x, with σ² = max(var, eps).

    `var` is a number, or has the input's shape, or that without its last dimension, or with one
    dimension of size 1. `full=True` adds ln(2π)/2. The lower bound eps passes the gradient on.
    Raises ValueError for a negative variance and for another shape. PyTorch: `F.gaussian_nll_loss`.

    >>> F.gaussian_nll_loss(tg.tensor([1.0]), tg.tensor([3.0]), 1.0)
    tensor(2.)
    """
    check_tensor("gaussian_nll_loss", input)
    reduction = reduction_of("gaussian_nll_loss", reduction)
    variance = var if isinstance(var, TensorBase) else wrap(np.full(input.shape, var, input.dtype))
    if (variance.array < 0).any():
        raise ValueError(
            f"gaussian_nll_loss: a variance is not negative; got {variance.array.min():.4g}."
        )
    if variance.shape != input.shape:
        if variance.shape == input.shape[:-1]:
            variance = variance.unsqueeze(-1)
        elif variance.ndim != input.ndim or [
            size
            for size, full_size in zip(variance.shape, input.shape, strict=True)
            if size != full_size
        ] != [1]:
            raise ValueError(
                f"gaussian_nll_loss: the variance has the input's shape {input.shape}, or that "
                "without the last dimension, or with one dimension of size 1; got "
                f"{variance.shape}."
            )
    # The bound changes the value but not the gradient, as in PyTorch.
    variance = variance + wrap(np.maximum(variance.array, eps) - variance.array)
    difference = input - target
    losses = 0.5 * (unary.log(variance) + difference * difference / variance)
    return reduced(losses + 0.5 * log(2 * pi) if full else losses, reduction)
