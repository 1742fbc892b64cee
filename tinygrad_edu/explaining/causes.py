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
    """An operation, its input that gets zeros, what it received and what it has saved, by slot."""

    node: Operation
    place: int
    grad: Array
    values: dict[int, Any]

    def passes(self, grad: Array, values: dict[int, Any]) -> bool:
        """Whether the input would get anything but zeros of another gradient, or other values."""
        parent, nodes = self.node.parents[self.place], self.node.parents
        found = list(self.node.differentiate(grad, values, lambda edge: edge is parent))
        part = found[sum(before is parent for before in nodes[: self.place])][1]
        return part is not None and bool(np.any(part))


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
    of_classes = node.name in ("Softmax", "LogSoftmax")
    if of_classes and isinstance(axis, int) and node.shape and node.shape[axis] == 1:
        how = f"it runs over dimension {axis} of shape {node.shape}, which has size 1: the "
        how += "result is the same whatever the input is"
        remedy = "Name the dimension of the classes; a single output takes a sigmoid."
        return Cause("saturated", how, remedy)
    if of_classes and out is not None:
        shares = out if node.name == "Softmax" else np.exp(out)
        if np.any((shares != 0) & (shares != 1)):
            return _balanced(stop)
    how = f"it is saturated: rounded to {node.dtype}, its derivative at these inputs is 0"
    if isinstance(out, np.ndarray) and out.size:
        how += f" (its results are from {out.min():.4g} to {out.max():.4g})"
    remedy = "Scale the inputs, use smaller initial weights, or a loss that takes logits."
    return Cause("saturated", how, remedy)


def _balanced(stop: Stop) -> Cause:
    if stop.node.name == "Softmax":
        how = (
            "in each group, all results that are not 0 get the same gradient, and they add up to 1 "
        )
        how += "whatever the input is"
        return Cause("cancelled", how, "Use them apart: their sum does not depend on the input.")
    how = "the gradients that arrive are in proportion to the probabilities, as at the minimum of "
    return Cause("zero_loss", how + "a cross-entropy", _zero_loss(stop).remedy)


def _product(stop: Stop) -> Cause:
    node, index, _, values = stop
    sizes = {slot: np.abs(x) if np.ndim(x) else x for slot, x in values.items()}
    if stop.passes(np.abs(stop.grad), sizes):
        return _cancelled(stop)
    binary = index < 2 <= len(node.parents)  # a Linear's bias is no factor
    other = values.get(1 - index) if binary else None
    parent = node.parents[1 - index] if binary else None
    what = "the other factor"
    if other is not None:
        what += f", of shape {np.shape(other)}," if np.ndim(other) else ""
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


def _chosen_rows(stop: Stop) -> Cause:
    padding = getattr(stop.node, "padding_idx", None)
    if padding is None:
        return _not_chosen(stop)
    how = f"its row padding_idx={padding} gets no gradient, and no other one was chosen"
    return Cause("not_chosen", f"{how} where a gradient arrives", "Look at the indices.")


def _clamped(stop: Stop) -> Cause:
    if stop.place:
        how = "no value was replaced by this limit where a gradient arrives"
        return Cause("not_chosen", how, _not_chosen(stop).remedy)
    how = "its inputs lie where its curve is flat, so the derivative is 0"
    return Cause("clamped", how, "Bring the inputs into the range in which it is not constant.")


_cancelled = _said(
    "cancelled",
    "gradients arrive from its result on several ways and add up to exactly 0",
    "Does the loss depend on this at all? x - x, or a mean subtracted, cancels.",
)
_kernel = _said(
    "zero",
    "nothing of the gradient gets through its kernel to this input: its gates or its softmax are "
    "saturated, what this input is multiplied with is 0, or the shares cancel",
    "Look at its inputs and states: large ones saturate it, zeros multiply by 0.",
)
_elsewhere = _said(
    "not_chosen",
    "the gradient that arrives concerns other inputs or elements than these alone",
    "Look at which part of its result the loss uses.",
)
_matched = _said(
    "saturated",
    "rounded to its type, the probabilities that it sees are the targets, wherever targets count: "
    "then the derivative is 0",
    "Look at the targets and the logits: very large ones saturate, and a single class always "
    "has probability 1.",
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
        "Elu", "Erf", "Erfc", "Exp", "Gelu", "GeluTanh", "LogSoftmax", "Logsigmoid", "Mish",
        "Sigmoid", "Silu", "Softmax", "Softplus", "Softsign", "Tanh",
    ),
    _kernel: ("Attention", "GRU", "LSTM", "RNN"),
    _matched: ("BCELoss", "BCEWithLogitsLoss", "CrossEntropy"),
    _product: (
        "BatchMatMul", "Dot", "Linear", "MatMul", "MatVec", "Mul", "Outer", "VecMat",
        "Convolution", "ConvolutionTranspose",
    ),
    _masked: ("Dropout", "MaskedFill", "NanToNum", "Tril", "Triu", "Where"),
    _chosen_rows: ("Embedding",),
    _not_chosen: (
        "Extremum", "Fmax", "Fmin", "MaxPool", "Maximum", "Median", "Minimum", "Pick",
        "PickWinners", "ReduceExtreme",
    ),
    _flat: ("Angle", "Ceil", "Floor", "Round", "RoundedDiv", "Sign", "Trunc"),
    _zero_loss: ("HuberLoss", "L1Loss", "MSELoss"),
    _overwritten: ("Assign", "SetArrays", "WriteArrays", "WriteView"),
    _own: ("_FunctionNode",),
}  # fmt: skip
_BY_NAME = {name: finder for finder, names in _FINDERS.items() for name in names}
#: They hand on parts of what they receive.
_PARTS = frozenset(("Cat", "Gather", "Index", "Pad", "Stack"))

#: The classes of operations of which a cause is known.
ABLE = frozenset(_BY_NAME)


def cause_of(node: Operation, place: int, grad: Array, values: dict[int, Any]) -> Cause:
    """Why input number `place` of a node gets zeros where the node itself receives `grad`."""
    name = type(node).__name__
    finder = _BY_NAME.get(name)
    parent: Any = node.parents[place]
    if 0 in parent.shape:
        how = f"this input, of shape {parent.shape}, has no elements"
        return Cause("zero", how, "An empty batch or slice: look where it comes from.")
    stop = Stop(node, place, grad, values)
    # A rule is linear in the gradient. (Of several results there are several; and what users wrote
    # is not called again and again.)
    largest = float(np.max(np.abs(grad), initial=0))
    if not node.multiple and finder is not _own and np.isfinite(largest):
        if stop.passes(grad / grad.dtype.type(largest), values):
            how = f"the gradient that arrives, at most {largest:.2g}, is so small that "
            return Cause(
                "underflow",
                f"{how}{parent.dtype} rounds its products to 0 (a vanishing gradient)",
                "Fewer saturating layers, ReLU, normalisation, another initialisation or a skip.",
            )
        if stop.passes(np.abs(grad), values):
            return _cancelled(stop)
    if finder is not None:
        return finder(stop)
    if name in _PARTS:
        return _elsewhere(stop)
    how = "a gradient arrives there, and what this input gets of it is exactly 0"
    return Cause("zero", how, "Look at its inputs.")
