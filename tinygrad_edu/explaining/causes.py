"""Why an operation passes a gradient of exactly zero on: one sentence, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ..autograd.graph import Array, Operation, TensorBase

__all__ = ["ABLE", "Cause", "cause_of"]


class Cause(NamedTuple):
    """A reason, a sentence on the operation, and a remedy."""

    reason: str
    sentence: str
    remedy: str


class Stop(NamedTuple):
    """An operation, its input that gets zeros, and what it has saved, by slot."""

    node: Operation
    place: int
    values: dict[int, Any]


Finder: TypeAlias = Callable[[Stop], Cause]

_SMALLER = (
    "A smaller learning rate, He initialisation (nn.init.kaiming_normal_), scaled inputs or a "
    "LeakyReLU keep units alive."
)


def _dead(stop: Stop) -> Cause:
    out = stop.values.get(-1)
    if out is not None and not np.any(out > 0):
        how = f"all {np.size(out)} of its inputs are 0 or negative (a dead ReLU)"
    else:
        how = "its input is 0 or negative wherever a gradient arrives (dead units)"
    return Cause("dead_relu", f"{how}, where the derivative of ReLU is 0", _SMALLER)


def _saturated(stop: Stop) -> Cause:
    out = stop.values.get(-1)
    node = stop.node
    axis: Any = getattr(node, "axis", getattr(node, "dim", None))
    of_classes = node.name in ("Softmax", "LogSoftmax") and isinstance(axis, int)
    if of_classes and node.shape and node.shape[axis] == 1:
        how = f"it runs over dimension {axis} of shape {node.shape}, which has size 1: the "
        how += "result is the same whatever the input is"
        remedy = "Name the dimension of the classes; a single output takes a sigmoid."
        return Cause("saturated", how, remedy)
    how = f"it is saturated: rounded to {node.dtype}, its derivative at these inputs is 0"
    if isinstance(out, np.ndarray) and out.size:
        how += f" (its results are from {out.min():.4g} to {out.max():.4g})"
    remedy = "Scale the inputs, use smaller initial weights, or a loss that takes logits."
    return Cause("saturated", how, remedy)


def _product(stop: Stop) -> Cause:
    node, index, values = stop
    binary = index < 2 <= len(node.parents)  # a Linear's bias is no factor
    other = values.get(1 - index) if binary else None
    parent = node.parents[1 - index] if binary else None
    what = "the other factor"
    if other is not None:
        what += f", of shape {np.shape(other)}," if np.ndim(other) else ","
    if other is not None and np.any(other):
        how = f"{what} is 0 at every place that a gradient arrives at"
    else:
        how = f"{what} is 0" + (
            " everywhere" if isinstance(other, np.ndarray) and other.ndim else ""
        )
    remedy = "Look for the zeros where that factor comes from."
    if isinstance(parent, TensorBase):
        remedy = (
            "A weight that begins as all zeros blocks the gradient: initialise it at random "
            "(nn.init)."
        )
    return Cause("multiplied_by_zero", how, remedy)


def _said(reason: str, sentence: str, remedy: str) -> Finder:
    return lambda _: Cause(reason, sentence, remedy)


_clamped = _said(
    "clamped",
    "its inputs lie where its curve is flat, outside of its limits, and the derivative is 0",
    "Bring the inputs into the range in which it is not constant.",
)
_masked = _said(
    "masked",
    "its mask leaves none of this input's elements over that a gradient arrives at",
    "Look at the condition, the mask or the dropout probability.",
)
_not_chosen = _said(
    "not_chosen",
    "it takes other elements: none of this input's was chosen, and only those get a gradient",
    "Look at what it chooses from; a mean or logsumexp gives every element a share.",
)
_flat = _said(
    "flat",
    "its result is piecewise constant, so its derivative is 0 everywhere",
    "Leave it out of the loss, or let the gradient pass it: x + (f(x) - x).detach().",
)
_zero_loss = _said(
    "zero_loss",
    "predictions and targets are equal, so the loss is at its minimum",
    "Nothing is left to learn here; if that is a surprise, look at the targets.",
)
_overwritten = _said(
    "overwritten",
    "these values were overwritten in place, and those that took their place get the gradient",
    "Write into another tensor, or put the result together with tg.where or tg.cat.",
)
_own = _said(
    "zero",
    "its backward, which you wrote, returned zeros",
    "Check it with tg.autograd.gradcheck.",
)

_FINDERS: dict[Finder, tuple[str, ...]] = {
    _dead: ("Relu",),
    _clamped: (
        "Clamp", "ClampBetween", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "Softshrink",
        "Threshold",
    ),
    _saturated: (
        "Attention", "BCELoss", "BCEWithLogitsLoss", "CrossEntropy", "Elu", "Erf", "Erfc", "Exp",
        "GRU", "Gelu", "GeluTanh", "LSTM", "LogSoftmax", "Logsigmoid", "Mish", "RNN", "Sigmoid",
        "Silu", "Softmax", "Softplus", "Softsign", "Tanh",
    ),
    _product: (
        "BatchMatMul", "Dot", "Linear", "MatMul", "MatVec", "Mul", "Outer", "VecMat",
        "Convolution", "ConvolutionTranspose",
    ),
    _masked: ("Dropout", "MaskedFill", "NanToNum", "Tril", "Triu", "Where"),
    _not_chosen: (
        "Embedding", "Extremum", "Fmax", "Fmin", "MaxPool", "Maximum", "Median", "Minimum", "Pick",
        "PickWinners", "ReduceExtreme",
    ),
    _flat: ("Angle", "Ceil", "Floor", "Round", "RoundedDiv", "Sign", "Trunc"),
    _zero_loss: ("HuberLoss", "L1Loss", "MSELoss"),
    _overwritten: ("Assign", "SetArrays", "WriteArrays", "WriteView"),
    _own: ("_FunctionNode",),
}  # fmt: skip
_BY_NAME = {name: finder for finder, names in _FINDERS.items() for name in names}

#: The classes of operations of which a cause is known.
ABLE = frozenset(_BY_NAME)


def cause_of(node: Operation, place: int, grad: Array, values: dict[int, Any]) -> Cause:
    """Why input number `place` of a node gets zeros where the node itself receives `grad`."""
    largest = float(np.max(np.abs(grad), initial=0))
    if largest < np.finfo(grad.dtype).tiny / np.finfo(grad.dtype).eps:
        how = f"the gradient that arrives, at most {largest:.2g}, is so small that {grad.dtype}"
        return Cause(
            "underflow",
            f"{how} rounds its products to 0 (a vanishing gradient)",
            "Fewer saturating layers, ReLU, normalisation, another initialisation or a skip.",
        )
    finder = _BY_NAME.get(type(node).__name__)
    if finder is not None:
        return finder(Stop(node, place, values))
    return Cause("zero", "its derivative at these values is exactly 0", "Look at its inputs.")
