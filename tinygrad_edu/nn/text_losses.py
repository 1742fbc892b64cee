"""Losses of texts and speech: labels without times (CTC), very many classes (adaptive softmax)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..autograd.graph import wrap
from ..ops.creation import zeros
from ..ops.dtypes import DTypeLike
from ..ops.joining import cat
from ..tensor import Tensor
from . import functional as F
from .containers import ModuleList, Sequential
from .linear import Linear
from .module import Module

__all__ = ["AdaptiveLogSoftmaxWithLoss", "CTCLoss"]


class CTCLoss(Module):
    """-ln p(labels), wherever the labels stand in time. PyTorch: `torch.nn.CTCLoss`.

    `loss(log_probs, targets, input_lengths, target_lengths)`; shapes, formula and errors as for
    `F.ctc_loss`.

    >>> log_probs = tg.full((3, 1, 2), 0.5).log()
    >>> nn.CTCLoss()(log_probs, tg.tensor([[1]]), tg.tensor([3]), tg.tensor([1]))
    tensor(0.2877)
    """

    def __init__(
        self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False
    ) -> None:
        super().__init__()
        self.blank = blank
        self.reduction = reduction
        self.zero_infinity = zero_infinity

    def forward(
        self,
        log_probs: Tensor,
        targets: Tensor,
        input_lengths: Tensor | Sequence[int],
        target_lengths: Tensor | Sequence[int],
    ) -> Tensor:
        """The mean over the samples of the loss for each label."""
        return F.ctc_loss(
            log_probs,
            targets,
            input_lengths,
            target_lengths,
            self.blank,
            self.reduction,
            self.zero_infinity,
        )


class _Result(NamedTuple):
    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """ln softmax over very many classes, frequent ones first, and its loss, at a lower price.

    `cutoffs` divides the classes, ordered by falling frequency, into a short list and clusters. The
    head chooses between the classes of the short list and the clusters; cluster i is computed
    through in_features/div_value^(i+1) features, and only for the samples whose target is there.

    `layer(input, target)` returns (output, loss): the logarithm of the probability of each target,
    and minus its mean. Shapes: input (N, in_features) and target (N), or (in_features) and ().

    Raises ValueError for cutoffs that are not increasing numbers from 1 to n_classes - 1, and
    RuntimeError for inputs and targets that do not fit.
    PyTorch: `torch.nn.AdaptiveLogSoftmaxWithLoss`. Source: Grave et al., "Efficient softmax
    approximation for GPUs", 2016.

    >>> layer = nn.AdaptiveLogSoftmaxWithLoss(16, 1000, cutoffs=[10, 100])
    >>> output, loss = layer(tg.ones(2, 16), tg.tensor([3, 700]))
    >>> output.shape, layer.log_prob(tg.ones(2, 16)).shape
    ((2,), (2, 1000))
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: str | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__()
        limits = [0, *cutoffs, n_classes]
        if len(limits) == 2 or any(int(c) != c for c in limits) or (np.diff(limits) <= 0).any():
            raise ValueError(
                "AdaptiveLogSoftmaxWithLoss: cutoffs should be a sequence of unique, positive "
                "integers sorted in an increasing order, where each value is between 1 and "
                f"n_classes-1; got {list(cutoffs)} with n_classes={n_classes}."
            )
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = limits[1:]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, head_bias, device, dtype)
        self.tail = ModuleList()
        for index in range(self.n_clusters):
            width = int(in_features // div_value ** (index + 1))
            size = self.cutoffs[index + 1] - self.cutoffs[index]
            self.tail.append(
                Sequential(
                    Linear(in_features, width, False, device, dtype),
                    Linear(width, size, False, device, dtype),
                )
            )

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        self.head.reset_parameters()
        for cluster in self.tail:
            for layer in cluster:
                layer.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> _Result:
        """The logarithm of each target's probability, and minus the mean of these."""
        if target_.ndim > 1 or input_.ndim != target_.ndim + 1:
            raise RuntimeError(
                "AdaptiveLogSoftmaxWithLoss: an input (N, in_features) takes targets (N), an input "
                f"(in_features) one target (); got {input_.shape} and {target_.shape}."
            )
        single = target_.ndim == 0
        input, target = (input_[None], target_[None]) if single else (input_, target_)
        if len(input) != len(target):
            raise RuntimeError(
                "Input and target should have the same size in the batch dimension; got "
                f"{input.shape} and {target.shape}."
            )
        classes = target.array
        if classes.size and (classes.min() < 0 or classes.max() >= self.n_classes):
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                f"[{classes.min()}, {classes.max()}] were found."
            )
        # 0 for the short list, i + 1 for cluster i.
        part = np.searchsorted(np.array(self.cutoffs), classes, side="right")
        chosen = np.where(part == 0, classes, self.shortlist_size + part - 1)
        head = F.log_softmax(self.head(input), dim=1).gather(1, wrap(chosen[:, None])).squeeze(1)
        (rows,) = np.nonzero(part == 0)
        places, pieces = [rows], [zeros(len(rows), dtype=head.dtype)]
        for index, cluster in enumerate(self.tail):
            (rows,) = np.nonzero(part == index + 1)
            if len(rows):
                inner = wrap((classes[rows] - self.cutoffs[index])[:, None])
                scores = F.log_softmax(cluster(input[rows]), dim=1)
                places.append(rows)
                pieces.append(scores.gather(1, inner).squeeze(1))
        output = head + cat(pieces)[np.argsort(np.concatenate(places))]
        loss = (-output).mean()
        return _Result(output[0] if single else output, loss)

    def log_prob(self, input: Tensor) -> Tensor:
        """The logarithms of the probabilities of all classes: (N, n_classes)."""
        head = F.log_softmax(self.head(input), dim=1)
        size = self.shortlist_size
        pieces = [head[:, :size]]
        for index, cluster in enumerate(self.tail):
            place = size + index
            pieces.append(F.log_softmax(cluster(input), dim=1) + head[:, place : place + 1])
        return cat(pieces, 1)

    def predict(self, input: Tensor) -> Tensor:
        """The most probable class of each sample: (N)."""
        best: Tensor = self.head(input).argmax(dim=1)
        # Where the head is sure of a class of the short list, no class elsewhere is more probable.
        (rows,) = np.nonzero(best.array >= self.shortlist_size)
        if len(rows):
            best = wrap(best.array.copy())
            best.array[rows] = self.log_prob(input[rows]).argmax(dim=1).array
        return best
