"""Connectionist temporal classification: labels for a sequence without knowing where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from ..autograd.fused import Fused
from ..autograd.graph import Array, TensorBase, apply, wrap
from .dtypes import quiet
from .elementwise import where
from .joining import cat, stack
from .losses import reduction_of
from .reductions import logsumexp

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["ctc_loss"]

_NEVER = -1e30  # the logarithm of 0 in the composition, where -infinity would make NaN


def _shifted(x: Array, by: int) -> Array:
    """x(s - by) at s, the logarithm of 0 where there is none."""
    result = np.full_like(x, -inf)
    result[:, by:] = x[:, : x.shape[1] - by]
    return result


class CTC(Fused):
    """z_n = -ln Σ p(path), over all paths through time that read as the labels of sample n

    A path has a blank or a label at each time; it reads as what is left when repetitions are
    merged and then blanks removed. With the labels between blanks, l = (-, l1, -, l2, ..., -), and
    α_t(s) the logarithm of the sum over all paths that are at l_s at time t:
    α_t(s) = ln(e^α_{t-1}(s) + e^α_{t-1}(s-1) + e^α_{t-1}(s-2)) + x_t(l_s), the last term only where
    l_s is no blank and differs from l_{s-2}.
    """

    __slots__ = ("alphas", "blank", "emitted")
    scratch = ("alphas", "emitted")

    def __init__(self, blank: int) -> None:
        self.blank = blank

    def between_blanks(self, targets: Array) -> tuple[Array, Array]:
        """The labels between blanks (N, 2S + 1), and where the step from s - 2 to s is allowed."""
        samples, size = targets.shape
        labels = np.full((samples, 2 * size + 1), self.blank)
        labels[:, 1::2] = targets
        skip = np.zeros(labels.shape, bool)
        skip[:, 3::2] = labels[:, 3::2] != labels[:, 1:-2:2]
        return labels, skip

    @quiet
    def forward(
        self, log_probs: Array, targets: Array, input_lengths: Array, target_lengths: Array
    ) -> Array:
        labels, skip = self.between_blanks(targets)
        emitted = np.take_along_axis(log_probs, labels[None], axis=2)
        alphas = np.empty_like(emitted)
        # A path begins at the first blank or at the first label.
        alphas[0] = np.where(np.arange(labels.shape[1]) < 2, emitted[0], -inf)
        for t in range(1, len(alphas)):
            before = alphas[t - 1]
            leap = np.where(skip, _shifted(before, 2), -inf)
            arrived = np.logaddexp(np.logaddexp(before, _shifted(before, 1)), leap)
            np.add(arrived, emitted[t], out=alphas[t])
        self.alphas, self.emitted = alphas, emitted
        return 0 - np.logaddexp(*self._ends(alphas, input_lengths, target_lengths))

    def _ends(
        self, alphas: Array, input_lengths: Array, target_lengths: Array
    ) -> tuple[Array, Array]:
        """α at the last time: at the last blank, and at the last label."""
        samples = np.arange(alphas.shape[1])
        last, end = np.maximum(input_lengths - 1, 0), 2 * target_lengths
        blank = alphas[last, samples, end]
        label = np.where(end > 0, alphas[last, samples, np.maximum(end - 1, 0)], -inf)
        # In no time only the empty text can be read.
        nothing = input_lengths == 0
        return (
            np.where(nothing, np.where(end > 0, -inf, 0), blank).astype(alphas.dtype),
            np.where(nothing, -inf, label).astype(alphas.dtype),
        )

    def grad_log_probs(
        self,
        grad: Array,
        log_probs: Array,
        targets: Array,
        input_lengths: Array,
        target_lengths: Array,
        out: Array,
    ) -> Array:
        labels, skip = self.between_blanks(targets)
        alphas, emitted = self.alphas, self.emitted
        samples = np.arange(len(labels))
        shares = np.zeros_like(alphas)  # dz/dα_t(s) = -p(the path is at l_s at time t)
        end = 2 * target_lengths
        # For a loss that is infinite, exp(...) is NaN, and so is its gradient.
        for place, alpha in zip(
            (end, np.maximum(end - 1, 0)),
            self._ends(alphas, input_lengths, target_lengths),
            strict=True,
        ):
            timed = input_lengths > 0
            share = np.where(grad == 0, 0, np.exp(alpha + out) * grad)[timed]
            shares[input_lengths[timed] - 1, samples[timed], place[timed]] -= share
        for t in range(len(alphas) - 1, 0, -1):
            before, share = alphas[t - 1], shares[t]
            total = alphas[t] - emitted[t]
            for by in range(min(3, total.shape[1])):
                source = _shifted(before, by)
                weight = np.where(np.isneginf(source), 0, np.exp(source - total))
                part = share * np.where(skip, weight, 0) if by == 2 else share * weight
                shares[t - 1][:, : part.shape[1] - by] += part[:, by:]
        result = np.zeros_like(log_probs)
        result[:, :, self.blank] = shares[:, :, ::2].sum(axis=2)
        for s in range(1, labels.shape[1], 2):  # One label at a time: a text may repeat them.
            result[:, samples, labels[:, s]] += shares[:, :, s]
        return result

    def plain(
        self, log_probs: Tensor, targets: Tensor, input_lengths: Tensor, target_lengths: Tensor
    ) -> Tensor:
        labels, skip = self.between_blanks(targets.array)
        samples, size = labels.shape
        rows = np.arange(samples)[:, None]
        never = wrap(np.full((samples, 2), _NEVER, log_probs.dtype))
        alpha = cat([wrap(np.zeros((samples, 1), log_probs.dtype)), never], 1)[:, :size]
        if size > 3:
            alpha = cat([alpha, wrap(np.full((samples, size - 3), _NEVER, log_probs.dtype))], 1)
        texts = []
        ends = np.minimum(2 * target_lengths.array, size - 1)
        for t in range(-1, log_probs.shape[0]):
            if t >= 0:
                padded = cat([never, alpha], 1)
                leap = where(wrap(skip), padded[:, :size], _NEVER)
                arrivals = [alpha, padded[:, 1 : size + 1], leap]
                if t == 0:
                    arrivals = arrivals[:2]
                alpha = logsumexp(stack(arrivals), 0) + log_probs[t][rows, labels]
            last = stack([alpha, cat([never, alpha], 1)[:, 1 : size + 1]])
            texts.append(logsumexp(last[:, rows[:, 0], ends], 0))
        losses = -stack(texts)[input_lengths.array, rows[:, 0]]
        return where(losses > -_NEVER / 2, inf, losses)  # type: ignore[no-any-return]


def _lengths(name: str, lengths: Tensor | Sequence[int], samples: int, at_most: int) -> Array:
    array = lengths.array if isinstance(lengths, TensorBase) else np.asarray(lengths)
    if array.dtype.kind not in "iu":
        raise RuntimeError(f"ctc_loss: {name} are integers; got {array.dtype}.")
    if array.size != samples:
        raise RuntimeError(
            f"ctc_loss: {name} must be of size batch_size, {samples}; got {array.size}."
        )
    array = array.reshape(-1)
    if array.size and array.min() < 0:
        raise RuntimeError(f"ctc_loss: {name} must be non-negative; got {array.min()}.")
    if array.size and array.max() > at_most:
        raise RuntimeError(
            f"ctc_loss: Expected {name} to have value at most {at_most}, but got value "
            f"{array.max()}."
        )
    return array.astype(np.int64)


def _padded(targets: Array, lengths: Array) -> Array:
    """Targets one after the other, as one row for each sample."""
    result = np.zeros((len(lengths), lengths.max(initial=0)), np.int64)
    result[np.arange(result.shape[1]) < lengths[:, None]] = targets
    return result


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor | Sequence[int],
    target_lengths: Tensor | Sequence[int],
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """-ln p(labels): how improbable a sequence of labels is, wherever its labels stand in time.

    Summed over all ways to stretch the labels over time with blanks between them. Shapes: log_probs
    (T, N, C), from `log_softmax`, or (T, C); targets (N, S), or all labels one after the other;
    both lengths (N). "mean" divides each loss by its number of labels first. Labels that do not
    fit into the time have an infinite loss; `zero_infinity=True` makes it and its gradient 0.

    Raises RuntimeError for lengths and shapes that do not fit, IndexError for a
    label that is no class. PyTorch: `F.ctc_loss`. Source: Graves et al., "Connectionist temporal
    classification", 2006.

    Unlike PyTorch, the gradient is that of the formula; PyTorch's contains part of that of
    `log_softmax`, and is right behind it alone.

    >>> log_probs = tg.tensor([[0.5, 0.5], [0.5, 0.5]]).log()
    >>> F.ctc_loss(log_probs, tg.tensor([1]), tg.tensor([2]), tg.tensor([1])).exp()  # 1/(3/4)
    tensor(1.3333)
    """
    reduction = reduction_of("ctc_loss", reduction)
    single = log_probs.ndim == 2
    if log_probs.ndim not in (2, 3) or log_probs.array.dtype.kind != "f":
        raise RuntimeError(
            "ctc_loss: log_probs are floating numbers of shape (T, N, C) or (T, C); got "
            f"{log_probs.shape} and {log_probs.dtype}."
        )
    x = log_probs.unsqueeze(1) if single else log_probs
    times, samples, classes = x.shape
    if not x.numel():
        raise RuntimeError(f"ctc_loss: log_probs must not be empty; got shape {log_probs.shape}.")
    if targets.array.dtype.kind not in "iu":
        raise RuntimeError(f"ctc_loss: targets are integers; got {targets.dtype}.")
    if not 0 <= blank < classes:
        raise RuntimeError(
            f"ctc_loss: blank must be in label range, 0 to {classes - 1}; got {blank}."
        )
    labels = targets.array
    inputs = _lengths("input_lengths", input_lengths, samples, times)
    longest = labels.shape[1] if labels.ndim == 2 else labels.size
    sizes = _lengths("target_lengths", target_lengths, samples, longest)
    if labels.ndim == 1:
        if sizes.sum() != labels.size:
            raise RuntimeError(
                f"ctc_loss: the target_lengths sum to {sizes.sum()}, but there are {labels.size} "
                "targets. One row for each sample, (N, S), may be padded."
            )
        labels = _padded(labels, sizes)
    elif labels.ndim != 2 or len(labels) != samples:
        raise RuntimeError(
            f"ctc_loss: targets of {samples} samples have shape ({samples}, S), or one dimension; "
            f"got {targets.shape}."
        )
    used = np.arange(labels.shape[1]) < sizes[:, None]
    if (wrong := used & ((labels < 0) | (labels >= classes))).any():
        raise IndexError(
            f"Target {labels[wrong][0]} is out of bounds: log_probs has {classes} classes, 0 to "
            f"{classes - 1}."
        )
    index = [wrap(np.where(used, labels, blank)), wrap(inputs), wrap(sizes)]
    losses = apply(CTC(blank), x, *index)
    if zero_infinity:
        losses = where(losses == inf, 0.0, losses)
    if reduction == "sum":
        return losses.sum()
    if reduction == "mean":
        return (losses / wrap(np.maximum(sizes, 1).astype(x.dtype))).mean()
    return losses[0] if single else losses
