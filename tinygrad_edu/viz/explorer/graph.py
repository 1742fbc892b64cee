"""The data of the page: every operation, leaf and constant of a loss, with values and gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from unicodedata import east_asian_width

import numpy as np

from ...autograd.graph import Array, Operation, Output, TensorBase
from ...nn import Module, Parameter
from ...tensor import Tensor
from ..graphs.names import Names, checked
from .calls import CallTree
from .encoding import Values
from .formulas import arguments, as_text, formula, input_names
from .gradients import Gradients, local_derivatives
from .layout import HEIGHT, lay_out
from .values import Given, Known

__all__ = ["Graph"]

# Larger graphs are never seen as a whole: the page lays out what is not collapsed.
_LAID_OUT = 1500


class Constant:
    """A tensor without gradient that an operation was given: images, labels, running statistics."""

    def __init__(self, array: Array, name: str) -> None:
        self.array = array
        self.name = name
        self.shape = array.shape
        self.dtype = array.dtype


class Graph:
    """Collects the nodes of a loss; `data` is what the page shows of them."""

    def __init__(
        self,
        loss: Tensor,
        nodes: list[Operation],
        model: Module | None,
        names: Mapping[str, Tensor] | None,
    ) -> None:
        self.loss = loss
        self.known = Known(nodes, loss)
        self.gradients = Gradients(loss.edge)  # type: ignore[arg-type]
        self.values = Values()
        self.calls = CallTree(node.scope for node in nodes)
        roots = [scope.module for scope in self.calls.scopes if scope.parent is None]
        self._name(roots, model, names)
        # Sources before their users: a leaf directly before the first operation that takes it.
        self.items: list[Operation | TensorBase | Constant] = []
        self.ids: dict[Any, int] = {}  # by item; of constants by the identity of their array
        self.users: list[list[Operation]] = []
        for node in nodes:
            for index, parent in enumerate(node.parents):
                self._source(node, index, parent)
            self._append(node, node)
        self.modules = [self._module(i) for i in range(len(self.items))]

    def _name(
        self, roots: list[Module], model: Module | None, names: Mapping[str, Tensor] | None
    ) -> None:
        # Tensors without gradient are not in the graph; only the page shows them.
        self.given_names: dict[int, str] = {}
        recorded: dict[str, Tensor] = {}
        for name, tensor in checked(names).items():
            if tensor.edge is None:
                self.given_names[id(tensor.array)] = name
            else:
                recorded[name] = tensor
        self.names = Names(roots, model, recorded)
        self.stored: dict[int, str] = {}  # parameters and buffers by the identity of their array
        self.frozen: set[int] = set()
        for root in [*([] if model is None else [model]), *roots]:
            for name, parameter in root.named_parameters():
                self.stored.setdefault(id(parameter.array), name)
                if parameter.edge is None:  # else this one was detached, for one use
                    self.frozen.add(id(parameter.array))
            for name, buffer in root.named_buffers():
                self.stored.setdefault(id(buffer.array), name)

    def _append(self, key: Any, item: Operation | TensorBase | Constant) -> None:
        self.ids[key] = len(self.items)
        self.items.append(item)
        self.users.append([])

    def _source(self, node: Operation, index: int, parent: Operation | TensorBase | None) -> None:
        if parent is None:
            array = self._constant(node, index)
            if array is None:
                return
            key: Any = id(array)
            if key not in self.ids:
                name = self.given_names.get(key) or self.stored.get(key)
                self._append(key, Constant(array, name or input_names(node)[index]))
        else:
            key = parent
            if isinstance(parent, TensorBase) and parent not in self.ids:
                self._append(parent, parent)
        self.users[self.ids[key]].append(node)

    def _constant(self, node: Operation, index: int) -> Array | None:
        """The array of an input without gradient; single numbers are written as text instead."""
        if index >= len(input_names(node)):
            return None  # what a user's rule saved beside its inputs
        value = self.known.given(node, index).value
        return value if isinstance(value, np.ndarray) and value.ndim else None

    def _module(self, place: int) -> int | None:
        """The call that an item belongs to; parameters to the one that contains all their users."""
        item = self.items[place]
        if isinstance(item, Operation):
            return self.calls.number(item.scope)
        array = item.array
        if not isinstance(item, Parameter) and id(array) not in self.stored:
            return None  # data: from outside of the model
        first, *others = (self.calls.number(user.scope) for user in self.users[place])
        for other in others:
            first = self.calls.common(first, other)
        return first

    # The page.

    def data(self, title: str | None, language: str, collapsed: set[int]) -> dict[str, Any]:
        """Nodes, edges and modules, as the page reads them."""
        nodes = [self._describe(place) for place in range(len(self.items))]
        edges = self._edges()
        width, height = self._lay_out(nodes, edges)
        labels = [self._label(scope.module) for scope in self.calls.scopes]
        if title is None:
            outer = [
                name
                for scope, (_, name) in zip(self.calls.scopes, labels, strict=True)
                if scope.parent is None
            ]
            title = max(outer, key=outer.count) if outer else nodes[-1]["name"]
        return {
            "title": title,
            "language": language,
            "nodes": nodes,
            "edges": edges,
            "modules": self.calls.describe(labels, self.modules, collapsed),
            "values": self.values.table,
            "width": width,
            "height": height,
            "values_kept": all(node["missing"] in (None, "several") for node in nodes),
        }

    def _lay_out(
        self, nodes: list[dict[str, Any]], edges: list[dict[str, Any]]
    ) -> tuple[float, float]:
        """Give nodes their places and edges their lines; return width and height of it all."""
        if len(nodes) > _LAID_OUT:
            for node in nodes:
                node["x"] = node["y"] = node["w"] = node["h"] = None
            for edge in edges:
                edge["points"] = []
            return 0.0, 0.0
        layout = lay_out(
            [node["w"] for node in nodes],
            [(edge["from"], edge["to"]) for edge in edges],
            [not isinstance(item, Operation) for item in self.items],
        )
        for node, (x, y) in zip(nodes, layout.centres, strict=True):
            node["x"], node["y"] = x, y
        for edge, line in zip(edges, layout.lines, strict=True):
            edge["points"] = line
        return layout.width, layout.height

    def _label(self, module: Module) -> tuple[str, str]:
        return self.names.path(module), type(module).__name__

    def _edges(self) -> list[dict[str, Any]]:
        edges = []
        for place, item in enumerate(self.items):
            if isinstance(item, Operation):
                for index in range(len(item.parents)):
                    source = self._place(item, index)
                    if source is not None:
                        edges.append({"from": source, "to": place, "input": index})
        return edges

    def _place(self, node: Operation, index: int) -> int | None:
        parent = node.parents[index]
        if parent is not None:
            return self.ids[parent]
        array = self._constant(node, index)
        return None if array is None else self.ids[id(array)]

    def _describe(self, place: int) -> dict[str, Any]:
        item = self.items[place]
        entry: dict[str, Any] = {
            "id": place,
            "module": self.modules[place],
            "shape": list(item.shape),
            "dtype": str(item.dtype),
            "formula": "",
            "rules": [],
            "inputs": [],
            "arrivals": [],
            "grad": None,
            "why": None,
            "missing": None,
            "h": HEIGHT,
            "result": item is self.loss.edge,
        }
        if isinstance(item, Constant):
            entry |= self._of_constant(item)
        else:
            entry |= self._of_recorded(item)
        entry["w"] = _width(entry["name"])
        return entry

    def _of_constant(self, item: Constant) -> dict[str, Any]:
        why = "frozen" if id(item.array) in self.frozen else "constant"
        return {
            "kind": "constant",
            "name": item.name,
            "output": self.values.add(item.array),
            "why": why if item.dtype.kind == "f" else "integers",
        }

    def _of_recorded(self, item: Operation | TensorBase) -> dict[str, Any]:
        value, grad = self.known.of(item), self.gradients.of(item)
        entry: dict[str, Any] = {
            "output": self.values.add(value),
            "grad": self.values.add(grad),
            "why": "unused" if grad is None else None,
            "missing": None if value is not None else self._reason(item),
            "arrivals": [
                {
                    "from": self.ids[arrival.source],
                    "input": arrival.input,
                    "value": self.values.add(arrival.grad),
                }
                for arrival in self.gradients.arrivals.get(item, [])
            ],
        }
        if isinstance(item, TensorBase):
            kind = "parameter" if isinstance(item, Parameter) else "leaf"
            return entry | {"kind": kind, "name": self.names.leaf(item)}
        entry["formula"], entry["rules"] = formula(item)
        entry["inputs"] = self._inputs(item)
        given = self.names.result(item)
        prefix = "" if given is None else f"{given}: "
        if isinstance(item, Output):
            return entry | {"kind": "output", "name": f"{prefix}{item.name}[{item.index}]"}
        if item.multiple:
            entry["missing"] = entry["why"] = "several"
            # Its gradients are those of its results, which the edges from them bring.
            entry["arrivals"] = [
                {"from": self.ids[user], "input": 0, "value": self.values.add(part)}
                for user in reversed(self.users[self.ids[item]])
                if (part := self.gradients.of(user)) is not None
            ]
        return entry | {"kind": "operation", "name": prefix + item.name}

    def _reason(self, item: Operation | TensorBase) -> str:
        return "changed" if self.known.was_changed(item) else "not kept"

    def _inputs(self, node: Operation) -> list[dict[str, Any]]:
        local = local_derivatives(node)
        entries = []
        for index, name in enumerate(input_names(node)):
            given = self.known.given(node, index)
            grad = self.gradients.contribution(node, index)
            place = self._place(node, index)
            as_array = isinstance(given.value, np.ndarray) and place is not None
            several = isinstance(node, Output)
            entries.append(
                {
                    "name": name,
                    "node": place,
                    "value": self.values.add(given.value) if as_array else None,
                    "grad": self.values.add(grad),
                    "local": self.values.add(local.get(index)),
                    "text": as_text(given.value) if given.known and not as_array else None,
                    "missing": None if given.known else "several" if several else _missing(given),
                    "why": self._why(node, index, grad),
                }
            )
        entries += [
            {
                "name": name,
                "node": None,
                "value": None,
                "grad": None,
                "local": None,
                "text": text,
                "missing": None,
                "why": "constant",
            }
            for name, text in arguments(node)
        ]
        return entries

    def _why(self, node: Operation, index: int, grad: Array | None) -> str | None:
        if grad is not None:
            return None
        if node.parents[index] is not None:
            return "no rule"
        value = self.known.given(node, index).value
        if isinstance(value, np.ndarray) and value.dtype.kind != "f":
            return "integers"
        return "frozen" if id(value) in self.frozen else "constant"


def _missing(given: Given) -> str:
    return "changed" if given.changed else "not kept"


def _width(name: str) -> float:
    """Of a box with this name; longer names are cut by the page."""
    wide = sum(16.0 if east_asian_width(character) in "WF" else 7.8 for character in name)
    return round(min(max(wide + 28, 132.0), 220.0), 1)
