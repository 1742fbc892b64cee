"""Lints of the loss: what stands before it, whether output and target belong together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...autograd.graph import Array, Operation, TensorBase
from ...autograd.mode import switched
from ...tensor import Tensor
from .batches import Found
from .looking import Look, ancestors, quietly, tensors_in

__all__ = ["failure_lints", "loss_lints"]

#: Operations that only move or convert numbers, beside those that return views.
_MOVES = {"Cast", "Clone", "Alias"}
_SOFTMAX_INSIDE = {"CrossEntropy", "LogSoftmax"}
_SIGMOID_INSIDE = {"BCEWithLogitsLoss", "Logsigmoid"}
_CROSS_ENTROPY, _LOGITS = "cross_entropy", "binary_cross_entropy_with_logits"
_SQUASHING = {"Relu": "ReLU", "Sigmoid": "sigmoid", "Tanh": "tanh"}


def loss_lints(look: Look) -> Iterator[Found]:
    """What is wrong about a loss that could be computed."""
    yield from _value(look)
    yield from _before_loss(look)
    yield from _broadcast(look)


def _value(look: Look) -> Iterator[Found]:
    loss = look.loss
    if not isinstance(loss, Tensor):
        if look.error is None:
            yield "loss-without-gradient", {}
        return
    if loss.numel() != 1:
        yield "loss-not-a-number", {"shape": loss.shape}
    elif not np.isfinite(loss.array).all():
        yield "loss-not-finite", {"value": loss.item()}
    trainable = any(parameter.requires_grad for parameter in look.model.parameters())
    if trainable and not loss.requires_grad:
        yield "loss-without-gradient", {}


def _before_loss(look: Look) -> Iterator[Found]:
    """Walk from the loss to the operation that its numbers come from."""
    output = look.logits
    if output is None:
        return
    first = output.node.number if output.node is not None else -1
    said = set()
    for node in ancestors(look.loss_graph):
        if node.number <= first:
            break
        for code, values in _judged(look, node):
            if code not in said:
                said.add(code)
                yield code, values
    end = _source(output.node) if output.node is not None else None
    if isinstance(end, Operation):
        if end.name == "Dropout":
            yield "dropout-before-loss", {}
        yield from _over_batch(end)


def _judged(look: Look, node: Operation) -> Iterator[Found]:
    """An operation of the loss function: is it given what it expects?"""
    yield from _over_batch(node)
    if node.name not in _SOFTMAX_INSIDE | _SIGMOID_INSIDE | {"NLLLoss"}:
        return
    end = _source(node.parents[0])
    name = end.name if isinstance(end, Operation) else ""
    # What the loss takes directly from the network tells by its numbers what it is, also where
    # the learner's own operations made it.
    logits = look.logits
    array = logits.array if logits is not None and node.parents[0] is logits.edge else None
    totals = _totals(array)
    if node.name in _SOFTMAX_INSIDE:
        if name == "Softmax" or _are_probabilities(array):
            yield "softmax-before-cross-entropy", {}
        elif name == "LogSoftmax" or _are_ones(totals):
            yield "log-softmax-before-cross-entropy", {}
        elif name in _SQUASHING:
            yield "activation-before-loss", {"function": _SQUASHING[name], "loss": _CROSS_ENTROPY}
    elif node.name in _SIGMOID_INSIDE:
        if name in ("Sigmoid", "Softmax"):
            yield "sigmoid-before-bce-with-logits", {"function": name.lower()}
        elif name in ("Relu", "Tanh"):
            yield "activation-before-loss", {"function": _SQUASHING[name], "loss": _LOGITS}
        if node.name == "BCEWithLogitsLoss":
            yield from _binary_targets(look)
    elif totals is not None and not _are_ones(totals):
        worst = totals.flat[np.abs(totals - 1).argmax()]
        yield "nll-loss-without-log-softmax", {"total": f"{worst:.3g}"}


def _source(edge: Any) -> Any:
    """The operation that computed the numbers, or the leaf that holds them."""
    while isinstance(edge, Operation) and (edge.is_view or edge.name in _MOVES):
        edge = edge.parents[0]
    return edge


def _over_batch(node: Operation) -> Iterator[Found]:
    """A softmax that runs over dimension 0 of (samples, classes)."""
    function = {"Softmax": "softmax", "LogSoftmax": "log_softmax"}.get(node.name)
    if function is not None and len(node.shape) == 2 and node.shape[0] > 1:
        dim: int = getattr(node, "dim", 1)
        if dim % 2 == 0:
            yield "softmax-over-the-batch", {"function": function, "samples": node.shape[0]}


def _are_probabilities(array: Array | None) -> bool:
    """Whether each sample's numbers are positive and add up to 1."""
    if array is None or array.ndim < 2 or array.shape[1] < 2 or not array.size:
        return False
    return bool((array >= 0).all() and np.allclose(array.sum(axis=1), 1, atol=1e-4))


def _totals(array: Array | None) -> Array | None:
    """Σ e^x over the classes: 1 if x are logarithms of probabilities."""
    if array is None or array.ndim < 2 or array.shape[1] < 2 or not array.size:
        return None
    if np.isnan(array).any():
        return None
    return np.asarray(np.exp(array.astype(np.float64)).sum(axis=1))


def _are_ones(totals: Array | None) -> bool:
    return totals is not None and bool((np.abs(totals - 1) < 1e-3).all())


def _binary_targets(look: Look) -> Iterator[Found]:
    for targets in tensors_in(look.target):
        if targets.size and (targets.min() < 0 or targets.max() > 1):
            low, high = f"{targets.min():.4g}", f"{targets.max():.4g}"
            yield "targets-out-of-range", {"low": low, "high": high}


def _broadcast(look: Look) -> Iterator[Found]:
    """Output and target of different shapes, which became one that is larger than the output."""
    output, target = look.output, look.target
    if not (isinstance(output, TensorBase) and isinstance(target, TensorBase)):
        return
    if output.shape == target.shape or look.loss is None:
        return
    warned = any("They are broadcast" in message for message in look.messages)
    try:
        common = np.broadcast_shapes(output.shape, target.shape)
    except ValueError:
        return
    grown = common != output.shape and any(
        node.shape == common and node.number > getattr(output.node, "number", -1)
        for node in ancestors(look.loss_graph)
    )
    if warned or grown:
        yield "targets-broadcast", {"output": output.shape, "target": target.shape}


# What raised an error, and whether something simple makes it work.


def failure_lints(look: Look) -> Iterator[Found]:
    """An error of the model or of the loss, with the remedy that is seen to work."""
    if look.error is None:
        return
    stage, error = look.error
    look.snapshot.rewind()
    if stage == "forward":
        if (found := _integers(look)) is not None:
            yield found
            return
    elif stage == "loss":
        found = _labels(look, error) or _fitting(look)
        if found is not None:
            yield found
            return
    stage = {"graph_of_loss": "loss"}.get(stage, stage)
    yield f"{stage}-fails", {"error": f"{type(error).__name__}: {error}"}


def _works(function: Callable[[], Any]) -> bool:
    try:
        with switched(grad=False), quietly() as caught:
            function()
    except Exception:  # noqa: BLE001 - it does not work, whatever the reason
        return False
    return not any("They are broadcast" in str(each.message) for each in caught)


def _integers(look: Look) -> Found | None:
    x = look.input
    whole = isinstance(x, Tensor) and x.array.dtype.kind in "iub"
    if whole and _works(lambda: look.model(x.float())):
        return "inputs-are-integers", {"dtype": x.dtype}
    return None


def _labels(look: Look, error: Exception) -> Found | None:
    output, target = look.output, look.target
    if isinstance(error, IndexError) and isinstance(output, TensorBase) and output.shape[1:]:
        classes = output.shape[1]
        labels = target.array[target.array != -100] if isinstance(target, TensorBase) else None
        if labels is not None and labels.dtype.kind in "iu" and labels.size:
            low, high = labels.min(), labels.max()
            if low < 0 or high >= classes:
                return (
                    "labels-out-of-range",
                    {"low": low, "high": high, "classes": classes, "last": classes - 1},
                )
    return None


def _fitting(look: Look) -> Found | None:
    """The first form of the target, of those that one forgets, that the loss takes."""
    output, target = look.output, look.target
    if not (isinstance(output, Tensor) and isinstance(target, Tensor)):
        return None
    whole = target.array.dtype.kind == "f" and bool((target.array == np.rint(target.array)).all())
    kind, same = output.dtype, output.numel() == target.numel()
    attempts: list[tuple[bool, str, Callable[[], Tensor]]] = [
        (whole, "target.long()", target.long),
        (True, "target.to(output.dtype)", lambda: target.to(kind)),
        (target.shape[1:] == (1,), "target.squeeze(1)", lambda: target.squeeze(1)),
        (
            whole and target.shape[1:] == (1,),
            "target.squeeze(1).long()",
            lambda: target.squeeze(1).long(),
        ),
        (same, "target.reshape(output.shape)", lambda: target.reshape(output.shape)),
        (
            same,
            "target.reshape(output.shape).to(output.dtype)",
            lambda: target.reshape(output.shape).to(kind),
        ),
    ]
    for possible, fix, convert in attempts:
        if possible and _works(lambda convert=convert: look.loss_fn(output, convert())):  # type: ignore[misc]
            if fix == "target.long()":
                return "labels-are-floats", {"dtype": target.dtype}
            values = {"shape": target.shape, "dtype": target.dtype, "output": output.shape}
            return "targets-do-not-fit", values | {"fix": fix}
    return None
