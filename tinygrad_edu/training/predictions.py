"""Predictions: what a model answers to a whole loader."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..autograd.graph import TensorBase
from ..ops.joining import cat
from ..tensor import Tensor

__all__ = ["Predictions"]


class Predictions(NamedTuple):
    """Inputs, targets and outputs of all samples, in the order of the loader.

    A tuple, and what the pictures take: `plot_confusion(p.targets, p.classes)`.

    >>> from tinygrad_edu.training import Predictions
    >>> p = Predictions(tg.zeros(2, 3), tg.tensor([1, 0]), tg.tensor([[0.0, 2.0], [0.0, 1.0]]))
    >>> p.classes
    tensor([1, 1])
    """

    inputs: Tensor
    targets: Tensor
    outputs: Tensor

    @property
    def classes(self) -> Tensor:
        """The class with the largest output, for each sample."""
        return self._outputs_of_classes("classes").argmax(1)

    @property
    def probabilities(self) -> Tensor:
        """The softmax of outputs that are logits, (N, C)."""
        return self._outputs_of_classes("probabilities").softmax(1)

    def _outputs_of_classes(self, name: str) -> Tensor:
        if self.outputs.ndim != 2:
            raise ValueError(
                f"{name} are those of outputs (N, C), one for each class; these have the shape "
                f"{self.outputs.shape}."
            )
        return self.outputs

    @classmethod
    def joined(cls, batches: Sequence[tuple[Tensor, Tensor, Tensor]]) -> Predictions:
        """The batches as one; ValueError for what are no tensors."""
        for name, part in zip(cls._fields, batches[0], strict=True):
            if not isinstance(part, TensorBase):
                raise ValueError(
                    f"predict joins the batches of a loader, whose {name} are tensors; got "
                    f"{type(part).__name__}."
                )
        inputs, targets, outputs = (cat(list(parts)) for parts in zip(*batches, strict=True))
        return cls(inputs, targets, outputs)
