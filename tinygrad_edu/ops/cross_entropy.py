"""Losses of classification: how improbable the right class is."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.fused import Fused
from ..autograd.graph import Array, Operation, TensorBase, Value, apply
from .dtypes import quiet, type_name
from .elementwise import where
from .losses import reduced, reduction_of
from .softmax import LogSoftmax, row_starts, row_sums, shifted

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["cross_entropy", "nll_loss"]


class NLLLoss(Operation):
    """-w_t x_t for the target t of each sample: each, or their sum, or that divided by Σ w_t

    The result is a linear function of x; its derivative is -w_t in the place of each target, else
    0.
    """

    __slots__ = ("ignore_index", "index", "reduction", "scale", "size")
    scratch = ("index", "scale")

    def __init__(self, ignore_index: int, reduction: str) -> None:
        self.ignore_index = ignore_index
        self.reduction = reduction

    @quiet
    def forward(self, input: Array, target: Array, weight: Array | None) -> Any:
        classes = input.shape[min(1, input.ndim - 1)]
        keep = target != self.ignore_index
        target = np.where(keep, target, 0)
        check_range(target, classes)
        self.size = input.shape
        self.index = _places(input.shape, target)
        scale = keep.astype(input.dtype)
        if weight is not None:
            scale *= weight[target]
        # 0 - x, because -x would show a loss of 0 as -0. An ignored sample counts 0, even if its
        # logarithm is infinite.
        losses = np.where(keep, (0 - input.reshape(-1)[self.index]) * scale, 0)
        self.scale = scale
        if self.reduction == "none":
            return losses
        total = np.add.reduce(losses, axis=None)
        if self.reduction == "mean":
            count = np.add.reduce(scale, axis=None)
            total /= count  # NaN if none is left; its gradient is 0, so that no weight becomes NaN
            self.scale = scale / count if keep.any() else scale
        return total

    def grad_input(self, grad: Value) -> Value:
        if not isinstance(grad, TensorBase):
            return self._scattered(grad * -self.scale)
        if self.reduction == "none":
            grad = np.expand_dims(grad, min(1, len(self.size) - 1))  # type: ignore[call-overload]
        return grad * self._scattered(-self.scale)

    def _scattered(self, values: Array) -> Array:
        """The values in the places of the targets, else 0."""
        result = np.zeros(self.size, values.dtype)
        result.reshape(-1)[self.index] = values
        return result


def _places(shape: tuple[int, ...], target: Array) -> Value:
    """Where in memory an array (N, C, ...) has the elements of the targets (N, ...)."""
    if len(shape) == 2:
        return row_starts(*shape) + target
    if len(shape) == 1:
        return target
    size = prod(shape[2:])
    starts = np.arange(shape[0])[:, None] * (shape[1] * size) + np.arange(size)
    return starts.reshape(target.shape) + target * size


class CrossEntropy(Fused):
    """z = mean over samples of ln Σ_j e^(x_j) - x_t        grad_x = (softmax(x) - onehot(t)) grad/N

    For logits (N, C) and targets that are all classes: the common case. Others are compositions.
    """

    __slots__ = ("exponentials", "index", "totals")
    scratch = ("exponentials", "index", "totals")

    @quiet
    def forward(self, logits: Array, target: Array) -> Any:
        z = np.ascontiguousarray(shifted(logits, 1))
        # One index into the flat array is found faster than a pair (0.9 instead of 1.2 µs for 128
        # samples).
        self.index = row_starts(*logits.shape) + target
        picked = z.reshape(-1)[self.index]
        np.exp(z, out=z)
        self.exponentials = z
        self.totals = row_sums(z)
        return (np.add.reduce(np.log(self.totals), axis=None) - np.add.reduce(picked)) / len(z)

    def grad_logits(self, grad: Array) -> Array:
        share = grad / len(self.index)
        result = self.exponentials * (share / self.totals)
        result.reshape(-1)[self.index] -= share
        return result

    def plain(self, logits: Tensor, target: Tensor) -> Tensor:
        return apply(NLLLoss(-100, "mean"), apply(LogSoftmax(1), logits), target, None)


def check_range(target: Array, classes: int) -> None:
    """Refuse a target that is no class."""
    if target.size and (target.min() < 0 or target.max() >= classes):
        wrong = target[(target < 0) | (target >= classes)].reshape(-1)[0]
        raise IndexError(
            f"Target {wrong} is out of bounds: the input has {classes} classes, "
            f"0 to {classes - 1}. Are the labels counted from 1, or is the last layer too small? "
            "Samples to be left out have the target ignore_index."
        )


def _check_shapes(name: str, input: Tensor, target: Tensor) -> None:
    """Refuse an input and targets (as indices) that do not belong together."""
    for x in (input, target):
        if not isinstance(x, TensorBase):
            raise TypeError(
                f"{name}: input and target are tensors; got {type_name(x)}. Use tg.tensor(...)."
            )
    if input.array.dtype.kind != "f":
        raise RuntimeError(
            f"{name}: the input holds floating numbers; got {input.dtype}. Use `x.float()`."
        )
    shape = input.array.shape
    if not shape:
        raise RuntimeError(
            f"{name}: the input has a dimension for the classes, (N, C) or (C,); got a single "
            "number."
        )
    if target.array.dtype.kind not in "iu":
        raise RuntimeError(
            f"{name}: targets that are classes are integers of shape (N,); got {target.dtype} of "
            f"shape {target.shape}. Convert them: `target.long()`. (Probabilities, which "
            f"cross_entropy takes too, have the input's shape, {input.shape}, and a floating type.)"
        )
    expected = shape[:1] + shape[2:] if len(shape) > 1 else ()
    if target.array.shape == expected:
        return
    text = (
        f"{name}: an input of shape {shape} has {shape[min(1, len(shape) - 1)]} classes and takes "
        f"targets of shape {expected}; got {target.shape}."
    )
    if target.array.shape == shape:
        raise RuntimeError(
            f"{text} One-hot targets are given as floating numbers, or as classes: "
            "target.argmax(1)."
        )
    raise ValueError(f"Expected input batch_size ({shape[0]}) to match target batch_size. {text}")


def _check_weight(name: str, weight: Tensor | None, input: Tensor) -> None:
    classes = input.shape[min(1, input.ndim - 1)]
    if weight is not None and (weight.shape != (classes,) or weight.dtype != input.dtype):
        raise RuntimeError(
            f"{name}: the weight has one number for each of the {classes} classes, shape "
            f"({classes},), of the input's type {input.dtype}; got shape {weight.shape} and "
            f"{weight.dtype}."
        )


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-x_t: minus the logarithm of the right class's probability, from log-probabilities x.

    Shapes: input (N, C), (C) or (N, C, d1, ...), target (N), () or (N, d1, ...) with integers 0 ≤ t
    < C. `weight` (C) weighs the classes; the mean divides by the sum of the weights of the targets.
    Targets equal to `ignore_index` do not count; if none is left, the mean is NaN. Raises
    IndexError for a target that is no class, ValueError or RuntimeError for shapes and types that
    do not fit. PyTorch: `F.nll_loss`.

    >>> F.nll_loss(tg.tensor([[0.25, 0.75]]).log(), tg.tensor([1]))
    tensor(0.2877)
    """
    reduction = reduction_of("nll_loss", reduction, size_average, reduce)
    _check_shapes("nll_loss", input, target)
    _check_weight("nll_loss", weight, input)
    return apply(NLLLoss(ignore_index, reduction), input, target, weight)


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-ln softmax(x)_t: how improbable the logits x make the right class t, averaged.

    Targets are classes, integers of shape (N), or probabilities, floating numbers of the input's
    shape: -Σ_c p_c ln softmax(x)_c. Shapes, `weight`, `ignore_index` and errors as for `nll_loss`.
    `label_smoothing` ε replaces the target distribution by (1 - ε) target + ε/C. Logits of any size
    are safe. No softmax belongs before it. PyTorch: `F.cross_entropy`. Source of smoothing: Szegedy
    et al., "Rethinking the Inception architecture", 2015.

    >>> logits = tg.tensor([[2.0, 0.0], [1000.0, 0.0]])
    >>> F.cross_entropy(logits, tg.tensor([0, 0]), reduction="none")
    tensor([0.1269, 0.0000])
    >>> F.cross_entropy(logits, tg.tensor([[1.0, 0.0], [1.0, 0.0]]))
    tensor(0.0635)
    """
    name = "cross_entropy"
    reduction = reduction_of(name, reduction, size_average, reduce)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"{name}: label_smoothing lies between 0 and 1; got {label_smoothing}.")
    probabilities = isinstance(target, TensorBase) and target.array.dtype.kind == "f"
    if probabilities and isinstance(input, TensorBase) and target.shape == input.shape != ():
        _check_weight(name, weight, input)
        return _with_probabilities(input, target, weight, reduction, label_smoothing)
    _check_shapes(name, input, target)
    _check_weight(name, weight, input)
    classes = target.array
    if (
        reduction == "mean"
        and weight is None
        and label_smoothing == 0
        and input.array.ndim == 2
        and classes.size
        and classes.dtype == np.int64
        # Read as unsigned, negative numbers are huge: one comparison instead of two, and one for
        # ignore_index.
        and np.maximum.reduce(classes.view(np.uint64)) < input.array.shape[1]
        and not (0 <= ignore_index < input.array.shape[1])
    ):
        return apply(CrossEntropy(), input, target)
    log_probabilities = apply(LogSoftmax(min(1, input.array.ndim - 1)), input)
    if label_smoothing == 0:
        return apply(NLLLoss(ignore_index, reduction), log_probabilities, target, weight)
    return _smoothed(log_probabilities, target, weight, ignore_index, reduction, label_smoothing)


def _smoothed(
    log_probabilities: Tensor,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    reduction: str,
    smoothing: float,
) -> Tensor:
    """(1 - ε) times the loss of the target plus ε/C times the sum of the losses of all classes."""
    dim = min(1, log_probabilities.ndim - 1)
    everything = -_per_class(log_probabilities, weight).sum(dim=dim)
    everything = where(target != ignore_index, everything, 0.0)
    right = apply(NLLLoss(ignore_index, "none"), log_probabilities, target, weight)
    losses = (1 - smoothing) * right + smoothing / log_probabilities.shape[dim] * everything
    if reduction != "mean":
        return reduced(losses, reduction)
    # As without smoothing, the mean divides by the sum of the weights of the targets.
    keep = target.array != ignore_index
    if not keep.any():
        return losses.sum() + np.nan  # type: ignore[no-any-return] # whose gradient is 0
    weights = keep if weight is None else keep * weight.array[np.where(keep, target.array, 0)]
    with np.errstate(all="ignore"):
        return losses.sum() / weights.sum(dtype=log_probabilities.dtype)  # type: ignore[no-any-return]


def _per_class(x: Tensor, weight: Tensor | None) -> Tensor:
    """x (N, C, ...) times the weights of the classes."""
    return x if weight is None else x * weight.detach().reshape(-1, *[1] * (x.ndim - 2))


def _with_probabilities(
    input: Tensor, target: Tensor, weight: Tensor | None, reduction: str, smoothing: float
) -> Tensor:
    """-Σ_c w_c p_c ln softmax(x)_c"""
    dim = min(1, input.ndim - 1)
    if smoothing > 0:
        target = target * (1 - smoothing) + smoothing / input.shape[dim]
    losses = -(_per_class(apply(LogSoftmax(dim), input), weight) * target).sum(dim=dim)
    return reduced(losses, reduction)
