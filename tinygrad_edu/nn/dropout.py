"""Dropout: elements or channels set to 0 at random while training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from ..random import Generator
from ..tensor import Tensor
from . import functional as F
from .module import Module

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]


class _Dropout(Module):
    """What all kinds share: the probability, and `training`, which `train()` and `eval()` set."""

    function: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        p: float = 0.5,
        inplace: bool = False,
        *,
        generator: Generator | np.random.Generator | None = None,
    ) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(
                f"{type(self).__name__}: dropout probability has to be between 0 and 1, but got "
                f"{p}."
            )
        self.p = p
        self.inplace = inplace
        self.generator = generator

    def forward(self, input: Tensor) -> Tensor:
        """The input with some of it dropped while training; itself otherwise."""
        function: Any = type(self).function
        return function(input, self.p, self.training, self.inplace, generator=self.generator)  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        """The probability, and whether the input is overwritten."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """Set each element to 0 with probability p while training; nothing otherwise.

    `scale_at="train"`, PyTorch's way, divides what stays by 1 - p while training, so that
    evaluation needs no change. `scale_at="test"`, the way of the original paper and of the course,
    leaves it as it is while training, and multiplies by 1 - p in evaluation. The expected value is
    the same in both. PyTorch: `torch.nn.Dropout`. Source: Srivastava et al., "Dropout: a simple way
    to prevent neural networks from overfitting", 2014.

    Raises ValueError unless 0 ≤ p ≤ 1, and for another word than "train" and "test".

    Unlike PyTorch, `scale_at` offers a choice; its default is PyTorch's way.

    >>> nn.Dropout(0.25).eval()(tg.ones(2))
    tensor([1., 1.])
    >>> nn.Dropout(0.25, scale_at="test").eval()(tg.ones(2))
    tensor([0.7500, 0.7500])
    """

    function = F.dropout

    def __init__(
        self,
        p: float = 0.5,
        inplace: bool = False,
        *,
        scale_at: str = "train",
        generator: Generator | np.random.Generator | None = None,
    ) -> None:
        super().__init__(p, inplace, generator=generator)
        if scale_at not in ("train", "test"):
            raise ValueError(f"Dropout: scale_at is 'train' or 'test'; got {scale_at!r}.")
        self.scale_at = scale_at

    def forward(self, input: Tensor) -> Tensor:
        """The input with some elements dropped while training."""
        return F.dropout(
            input,
            self.p,
            self.training,
            self.inplace,
            scale_at=self.scale_at,
            generator=self.generator,
        )

    def extra_repr(self) -> str:
        """The probability, in-place or not, and a `scale_at` that is not PyTorch's."""
        return super().extra_repr() + (
            "" if self.scale_at == "train" else f", scale_at={self.scale_at!r}"
        )


class Dropout1d(_Dropout):
    """Dropout of whole channels of (N, C, L). PyTorch: `torch.nn.Dropout1d`.

    >>> nn.Dropout1d(1.0)(tg.ones(1, 2, 3)).sum()
    tensor(0.)
    """

    function = F.dropout1d


class Dropout2d(_Dropout):
    """Dropout of whole channels of (N, C, H, W). PyTorch: `torch.nn.Dropout2d`.

    >>> nn.Dropout2d(1.0)(tg.ones(1, 2, 3, 3)).sum()
    tensor(0.)
    """

    function = F.dropout2d


class Dropout3d(_Dropout):
    """Dropout of whole channels of (N, C, D, H, W). PyTorch: `torch.nn.Dropout3d`.

    >>> nn.Dropout3d(1.0)(tg.ones(1, 2, 3, 3, 3)).sum()
    tensor(0.)
    """

    function = F.dropout3d


class AlphaDropout(_Dropout):
    """Dropout for networks with SELU: mean and variance stay. PyTorch: `torch.nn.AlphaDropout`.

    >>> nn.AlphaDropout().eval()(tg.ones(2))
    tensor([1., 1.])
    """

    function = F.alpha_dropout


class FeatureAlphaDropout(_Dropout):
    """AlphaDropout of whole channels of (N, C, ...). PyTorch: `torch.nn.FeatureAlphaDropout`.

    >>> nn.FeatureAlphaDropout().eval()(tg.ones(1, 2)).sum()
    tensor(2.)
    """

    function = F.feature_alpha_dropout
