"""Look: what can be seen of a model, a loss and a batch in one pass forward and one back."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...autograd.graph import Array, Operation, TensorBase, wrap
from ...autograd.mode import switched
from ...autograd.reach import reachable
from ...nn import Module
from ...nn.scope import describe
from ...tensor import Tensor
from .snapshot import Snapshot

__all__ = ["Call", "Look", "ancestors", "differ", "is_constant", "look_at", "quietly", "tensors_in"]

_SAME = 2e-6  # relative to the largest: a few roundings of float32


@dataclass
class Call:
    """A call of a layer, a module without modules inside, in evaluation."""

    name: str  # "net.2 (Linear 100→10)"
    module: Module
    input: Array | None
    constant: bool  # the same output for every sample


@dataclass
class Look:
    """What was seen. What could not be seen is None, and `error` tells at which stage and why."""

    model: Module
    loss_fn: Callable[..., Any]
    input: Any
    target: Any
    snapshot: Snapshot
    output: Any = None
    loss: Any = None
    backward: bool = False  # ran to its end
    gradients: dict[int, Array | None] = field(default_factory=dict)  # by the parameter's id
    messages: list[str] = field(default_factory=list)  # warnings of the loss function
    loss_graph: Operation | None = None  # from the loss to the network's output and beyond
    logits: TensorBase | None = None  # the leaf that stands for the output in `loss_graph`
    evaluations: list[Any] = field(default_factory=list)  # outputs of passes in evaluation mode
    calls: list[Call] = field(default_factory=list)
    error: tuple[str, Exception] | None = None

    @property
    def samples(self) -> int:
        """The number of samples in the batch, 0 if it is not known."""
        arrays = tensors_in(self.input)
        return arrays[0].shape[0] if arrays and arrays[0].ndim else 0

    @property
    def mode_matters(self) -> bool:
        """Whether training and evaluation mode give different outputs."""
        return bool(self.evaluations) and differ(self.output, self.evaluations[0])


def tensors_in(value: Any) -> list[Array]:
    """The arrays of the tensors in a value: a tensor, or a list, tuple or dict of such."""
    if isinstance(value, TensorBase):
        return [value.array]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [array for part in value for array in tensors_in(part)]
    return []


def differ(a: Any, b: Any) -> bool:
    """Whether two outputs differ by more than rounding."""
    pairs = list(zip(tensors_in(a), tensors_in(b), strict=False))
    return any(
        x.shape != y.shape or not np.allclose(x, y, rtol=1e-5, atol=1e-7, equal_nan=True)
        for x, y in pairs
    )


def is_constant(array: Array) -> bool:
    """Whether all entries along the first dimension are the same, but for rounding."""
    if array.dtype.kind != "f":
        return bool((array == array[:1]).all())
    if not np.isfinite(array).all():
        return False
    return bool(np.abs(array - array[:1]).max(initial=0) <= _SAME * np.abs(array).max(initial=0))


def ancestors(node: Operation | None) -> Iterator[Operation]:
    """The operations that a result was computed by, the youngest first."""
    yield from reversed(reachable([node]))


@contextmanager
def quietly() -> Iterator[list[warnings.WarningMessage]]:
    """In here warnings are caught: a trial run has none of its own to show."""
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        yield caught


def look_at(
    model: Module, loss_fn: Callable[..., Any], input: Any, target: Any, snapshot: Snapshot
) -> Look:
    """Run the training pass and two passes in evaluation mode, as far as they work."""
    look = Look(model, loss_fn, input, target, snapshot)
    _to_training(model)
    with switched(grad=True, inference=False):
        for stage in (_forward, _loss, _graph_of_loss, _backward):
            try:
                stage(look)
            except Exception as error:  # noqa: BLE001 - whatever the user's code raises is a finding
                look.error = stage.__name__.strip("_"), error
                break
    if look.output is not None:
        snapshot.rewind()
        try:
            _evaluate(look)
        except Exception as error:  # noqa: BLE001 - as above
            look.error = look.error or ("evaluation", error)
    snapshot.rewind()
    _to_training(model)
    return look


def _to_training(model: Module) -> None:
    """Training mode, unless it is on: then layers that are kept in evaluation stay there."""
    if not model.training:
        model.train()


def _forward(look: Look) -> None:
    look.output = look.model(look.input)


def _loss(look: Look) -> None:
    with quietly() as caught:
        look.loss = look.loss_fn(look.output, look.target)
    look.messages = [str(each.message) for each in caught]


def _graph_of_loss(look: Look) -> None:
    """The loss once more, from an output that requires a gradient even where the model has none."""
    if isinstance(look.output, TensorBase) and look.output.array.dtype.kind == "f":
        if look.output.edge is None:
            leaf = wrap(look.output.array)
            leaf.needs_grad = True
            loss = look.loss_fn(leaf, look.target)
            look.logits = leaf
        else:
            loss = look.loss
            look.logits = look.output
        look.loss_graph = getattr(loss, "node", None)


def _backward(look: Look) -> None:
    if getattr(look.loss, "requires_grad", False) and look.loss.numel() == 1:
        look.loss.backward(retain_graph=True)
        look.backward = True
        for tensor, _ in look.snapshot.values():
            grad = tensor._grad
            look.gradients[id(tensor)] = None if grad is None else grad.array


def _evaluate(look: Look) -> None:
    paths = {id(module): path for path, module in look.model.named_modules()}

    def note(module: Module, args: tuple[Any, ...], output: Any) -> None:
        array = args[0].array if args and isinstance(args[0], TensorBase) else None
        constant = False
        if isinstance(output, Tensor) and output.ndim and output.shape[0] == look.samples > 1:
            constant = is_constant(output.array)
        path, kind = paths[id(module)], describe(module)
        name = f"{path} ({kind})" if path else kind
        look.calls.append(Call(name, module, array, constant))

    look.model.eval()
    with switched(grad=False):
        handles = [
            module.register_forward_hook(note)
            for module in look.model.modules()
            if not module._modules
        ]
        try:
            look.evaluations = [look.model(look.input)]
        finally:
            for handle in handles:
                handle.remove()
        look.evaluations.append(look.model(look.input))
