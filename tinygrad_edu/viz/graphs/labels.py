"""The text in the boxes of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING

from ...autograd.graph import Operation, Output, TensorBase
from .values import Gradients, Values, labelled

if TYPE_CHECKING:
    from ...nn import Module
    from ...tensor import Tensor
    from .arrangement import Box
    from .calls import Call
    from .names import Names

__all__ = ["Labels"]

_ON_ARROW = 4  # elements
_LISTED = 4  # parameters of a closed module; more of them are summed up


class Labels:
    """Lines of text for boxes, frames and arrows. `values` is None if none are to be shown."""

    def __init__(self, names: Names, values: Values | None) -> None:
        self.names = names
        self.values = values
        self.gradients = Gradients(in_full=values is not None)

    def frame(self, call: Call) -> str:
        """The title of what a call of a module did."""
        return self.names.module(call.module)

    def leaf(self, leaf: TensorBase) -> list[str]:
        """A leaf with a box of its own."""
        return [self.names.leaf(leaf), _describe(leaf), *self._numbers(leaf)]

    def parameters(self, leaves: Sequence[TensorBase]) -> list[str]:
        """The parameters beside the operation that uses them."""
        return [
            line
            for leaf in leaves
            for line in (f"{self.names.leaf(leaf)} {_shape(leaf)}", *self._numbers(leaf))
        ]

    def result(self, tensor: Tensor, name: str) -> list[str]:
        """A tensor that was asked for."""
        lines = [name, _describe(tensor)]
        if tensor.array.size == 1:
            return [*lines, f"{tensor.array.item():.6g}"]
        return lines if self.values is None else [*lines, *labelled("value", tensor.array)]

    def arrow(self, output: Output) -> list[str]:
        """One result of an operation that has several."""
        given = self.names.result(output)
        name = "" if given is None else f"{given} "
        lines = [f"{output.index}: {name}{_shape(output)}"]
        if self.values is not None and prod(output.shape) <= _ON_ARROW:
            lines += self.values.of(output)
        return lines + self._retained(output)

    def operation(self, node: Operation, call: Call | None) -> list[str]:
        """An operation; `call` is what it was the whole work of."""
        given = self.names.result(node)
        name = node.name if given is None else f"{given}: {node.name}"
        if call is None:
            lines = [name]
        else:
            # Linear and Linear, ReLU and Relu: once is enough.
            said = given is None and node.name.lower() == type(call.module).__name__.lower()
            lines = [self.names.module(call.module), *([] if said else [name])]
        if node.multiple:
            return lines  # its results have shapes of their own
        lines.append(_describe(node))
        if self.values is not None:
            lines += self.values.of(node)
        return lines + self._retained(node)

    def closed(self, box: Box) -> list[str]:
        """A closed module, or several calls that are drawn as one."""
        modules = list({id(call.module): call.module for call in box.calls}.values())
        first, last = modules[0], modules[-1]
        count, where = len(box.calls), ", side by side" if box.parallel else ""
        again = box.like is not None and box.like.module is first
        if first is not last:
            paths = [path for end in (first, last) if (path := self.names.path(end))]
            span = f"{' to '.join(paths)}: " if len(paths) == 2 else ""
            lines = [f"{span}{count} × {type(first).__name__}{where}"]
        else:
            more = "more " if again else ""
            calls = f"{count} {more}call{'s' if count > 1 else ''}{where}"
            lines = [self.names.module(first), *([calls] if count > 1 or again else [])]
        lines += dict.fromkeys(_describe(node) for node in box.exits.values())
        if self.values is not None and len(box.exits) == 1:
            lines += self.values.of(*box.exits.values())
        if again:
            return lines if next(first.parameters(), None) is None else [*lines, "same parameters"]
        if box.like is not None:
            lines.append(f"like {self.names.module(box.like.module)}")
        return lines + self._parameters_of(modules)

    def _parameters_of(self, modules: Sequence[Module]) -> list[str]:
        """The parameters of closed modules with their gradients; many of them summed up."""
        named = list(modules[0].named_parameters())
        if len(modules) == 1 and len(named) <= _LISTED:
            return [
                f"{name} {_shape(parameter)}, grad: {self.gradients.short(parameter)}"
                for name, parameter in named
            ]
        parameters = list({id(p): p for module in modules for p in module.parameters()}.values())
        if not parameters:
            return []
        total = sum(parameter.array.size for parameter in parameters)
        return [
            f"{len(parameters)} parameters, {total:,} numbers",
            self.gradients.together(parameters),
        ]

    def _retained(self, node: Operation) -> list[str]:
        """The gradient of a result that retains it."""
        tensor = node.notes.retain() if node.notes is not None and node.notes.retain else None
        return [] if tensor is None else self.gradients.of(tensor)

    def _numbers(self, leaf: TensorBase) -> list[str]:
        value = [] if self.values is None else self.values.of(leaf)
        return [*value, *self.gradients.of(leaf)]


def _shape(value: Operation | TensorBase) -> str:
    return "×".join(map(str, value.shape)) or "scalar"


def _describe(value: Operation | TensorBase) -> str:
    return f"{_shape(value)} {value.dtype}"
