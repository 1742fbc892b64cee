"""How a tensor leaves its graph, and what it remembers of that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .cuts import Cut, Cuts, gathered, lost, merged, unrecorded
from .graph import TensorBase, wrap
from .mode import MODE

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["copied", "data_of", "detach", "detach_", "left", "note_write", "without_gradient"]


def left(kind: str, name: str, *inputs: Any) -> Cuts:
    """What a result remembers that has lost the graph of some of its inputs."""
    edges = [x.edge if isinstance(x, TensorBase) else None for x in inputs]
    return merged(gathered(inputs, edges), lost(kind, name, edges))


def note_write(tensor: TensorBase, *values: Any) -> None:
    """After a write that was not recorded: the tensor remembers no_grad, and the values' cuts."""
    edges = [x.edge if isinstance(x, TensorBase) else None for x in values]
    cuts = gathered(values, edges)
    if any(edge is not None for edge in edges):
        cuts = merged(cuts, unrecorded(MODE.get().cuts, edges))
    if cuts:
        for written in (tensor, tensor if tensor.view_of is None else tensor.view_of.base):
            if written.edge is None:
                written.cuts = merged(written.cuts, cuts)


def without_gradient(name: str, array: Any, *inputs: Any) -> Tensor:
    """The result of a function that has no derivative, such as argmax, of `inputs`."""
    result = wrap(array)
    for x in inputs:
        if isinstance(x, TensorBase) and (x.node is not None or x.needs_grad or x.cuts):
            result.cuts = left("no_derivative", name, *inputs)
            break
    return result


def copied(name: str, result: Tensor, data: Any) -> Tensor:
    """The result, made of the values of `data`: a tensor, a list of tensors, or anything else."""
    parts = data if type(data) in (list, tuple) else (data,)
    if parts and isinstance(parts[0], TensorBase):
        result.cuts = left("detached", name, *parts)
    return result


def _shared(tensor: TensorBase, name: str) -> Tensor:
    edge = tensor.edge
    result = wrap(tensor.array, None, tensor.version)
    if edge is None:
        result.cuts = tensor.cuts
    elif edge is tensor:
        result.cuts = (Cut("detached", name, (tensor,)),)
    else:
        result.cuts = lost("detached", name, (edge,))
    return result


def detach(self: Tensor) -> Tensor:
    """The same values, outside the graph; memory and version are shared.

    PyTorch: `Tensor.detach`.
    """
    return _shared(self, ".detach()")


def data_of(self: Tensor) -> Tensor:
    """The same values without the graph: a tensor on the same memory.

    Unlike in PyTorch, changes through `.data` are counted, so that a stale saved value is noticed.
    """
    return _shared(self, ".data")


def detach_(self: Tensor) -> Tensor:
    """Cut this tensor off from its graph: it becomes a leaf that does not require grad."""
    if self.view_of is not None and self.node is not None:
        raise RuntimeError("A view cannot be detached in place: use `x.detach()`.")
    if self.node is not None:
        self.cuts = left("detached", ".detach_()", self)
    self.node = None
    self.needs_grad = False
    return self
