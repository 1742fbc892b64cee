"""Pictures of recorded graphs.

`draw` walks from the results back to the leaves, visits every operation once, and writes the boxes
of a graphviz picture: the operations with the shapes and types of their results, the leaves with
their names and gradients, or whole calls of modules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from typing import Any, TypeAlias

import graphviz
import numpy as np

from ..autograd.graph import Operation, Output, TensorBase
from ..autograd.mode import Scope
from ..nn import Module
from ..tensor import Tensor
from .names import Calls, Names
from .picture import Picture, plain

__all__ = ["draw"]

_DIRECTIONS = ("TB", "LR", "BT", "RL")
_LISTED = 4  # parameters of a collapsed module; more of them are summed up

# Operations have the default style of a node.
_NODE = {
    "shape": "box",
    "style": "rounded,filled",
    "fillcolor": "#eef2f7",
    "color": "#8794a8",
    "fontname": "Helvetica",
    "fontsize": "11",
    "margin": "0.12,0.06",
    "height": "0.3",
}
_LEAF = {"style": "filled", "fillcolor": "#dff0e6", "color": "#3f8f68"}
_MODULE = {"fillcolor": "#fdf3dc", "color": "#b8913a"}
_RESULT = {"style": "filled,bold", "fillcolor": "#dbe9fb", "color": "#2f6db3"}

Key: TypeAlias = (
    int  # the identity of what a box stands for: an operation, a leaf, a call, a module
)


def draw(
    outputs: Tensor | Sequence[Tensor],
    model: Module | None = None,
    *,
    names: Mapping[str, Tensor] | None = None,
    collapse: bool = False,
    depth: int | None = None,
    merge_calls: bool = False,
    direction: str = "TB",
) -> Picture:
    """Draw the recorded graph of one result or several: a `graphviz.Digraph`.

    Every operation is a box with the shape and type of its result; every leaf has its name, shape,
    type, and the norm of its gradient once that is computed. Arrows follow the values. Only what
    leads to a gradient is recorded, so data and targets appear where they require one:
    `draw(loss, names={"x": x.requires_grad_()})`, set before the computation.

    Args:
        model: names the parameters. Without it the modules that ran name them.
        names: further names, of leaves or of intermediate results.
        collapse: draw each call of a module that calls no other as one box, with its parameters.
        depth: collapse the calls below the outermost module: 1 for its children, 2 for theirs.
        merge_calls: draw all calls of one module as one box. With `depth=1` this is the picture of
            a recurrent network that is not unrolled.
        direction: of the arrows; "TB" (top to bottom), "LR", "BT" or "RL".

    Linear in the number of operations, without recursion. Works before and after `backward()`.

    Raises:
        TypeError: for outputs or names that are not tensors.
        ValueError: for a tensor without a graph, a wrong `depth` or `direction`.

    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> picture = tg.viz.draw((x * x).sum(), names={"x": x})
    >>> print("".join(picture.body))  # doctest: +NORMALIZE_WHITESPACE, +ELLIPSIS
    n0 [label="x\\n2 float32\\ngrad: not computed yet" ...]
    n1 [label="Mul\\n2 float32"]
    n0 -> n1
    n0 -> n1
    n2 [label="Sum\\nscalar float32"]
    n1 -> n2
    n3 [label="result\\nscalar float32\\n5" ...]
    n2 -> n3
    """
    tensors = _checked(outputs)
    if direction not in _DIRECTIONS:
        raise ValueError(f"direction is one of {', '.join(_DIRECTIONS)}; got {direction!r}.")
    if depth is not None and (isinstance(depth, bool) or depth < 0):
        raise ValueError(f"depth is 0 (the whole model), 1, 2...; got {depth!r}.")
    nodes = _reachable(tensors)
    calls = Calls(nodes)
    call_of: dict[int, Scope] = {}  # by operation
    if collapse or merge_calls or depth is not None:
        for node in nodes:
            call = calls.enclosing(node.scope, depth)
            if call is not None:
                call_of[id(node)] = call
    picture = Picture(
        "computation_graph",
        graph_attr={"rankdir": direction, "nodesep": "0.25", "ranksep": "0.3"},
        node_attr=_NODE,
        edge_attr={
            "color": "#8794a8",
            "arrowsize": "0.6",
            "fontname": "Helvetica",
            "fontsize": "9",
        },
    )
    drawing = _Drawing(picture, Names(calls.roots(), model, names), call_of, merge_calls)
    drawing.find_exits(nodes, tensors)
    for node in nodes:
        drawing.add_operation(node)
    for index, tensor in enumerate(tensors):
        drawing.add_result(tensor, "result" if len(tensors) == 1 else f"result {index}")
    return picture


def _checked(outputs: Tensor | Sequence[Tensor]) -> list[Tensor]:
    """The results to draw, each once."""
    tensors: list[Any] = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    if not tensors:
        raise ValueError("draw needs at least one result, such as the loss; got none.")
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"draw takes a tensor or a sequence of tensors; got {type(tensor).__name__}. To "
                "draw a model, draw what it computes: draw(model(x))."
            )
        if tensor.edge is None:
            raise ValueError(
                f"This tensor of shape {tensor.shape} has no graph: nothing it was computed from "
                "requires a gradient, or it was computed under no_grad() or detached."
            )
    return list({id(tensor): tensor for tensor in tensors}.values())


def _reachable(tensors: Iterable[TensorBase]) -> list[Operation]:
    """All operations that lead to the results, oldest first."""
    stack = [edge for tensor in tensors if isinstance(edge := tensor.edge, Operation)]
    seen = set(stack)
    while stack:
        for parent in stack.pop().parents:
            if isinstance(parent, Operation) and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return sorted(seen, key=lambda node: node.number)


class _Drawing:
    """Writes boxes and arrows into a picture."""

    def __init__(
        self, picture: Picture, names: Names, call_of: dict[int, Scope], merge_calls: bool
    ) -> None:
        self.picture = picture
        self.names = names
        self.call_of = call_of
        self.merge_calls = merge_calls
        self.boxes: dict[Key, str] = {}
        self.exits: dict[Key, dict[str, None]] = {}  # shapes of what leaves a collapsed module
        self.merged: dict[Key, set[int]] = {}  # calls in one box
        self.inside: dict[Key, set[int]] = {}  # parameters in the box of a module
        self.arrows: set[tuple[Key, Key, str]] = set()  # from or to collapsed modules
        self.gradients: dict[int, float | None] = {}

    def key(self, edge: Operation | TensorBase) -> Key:
        """What the box of an operation or leaf stands for."""
        call = self.call_of.get(id(edge))
        if call is None:
            return id(edge)
        return id(call.module) if self.merge_calls else id(call)

    def find_exits(self, nodes: Iterable[Operation], results: Iterable[TensorBase]) -> None:
        """Note what other boxes take from collapsed modules, and how often those were called."""
        if not self.call_of:
            return
        for node in nodes:
            key = self.key(node)
            if id(node) in self.call_of:
                self.merged.setdefault(key, set()).add(id(self.call_of[id(node)]))
            for parent in node.parents:
                if id(parent) in self.call_of and self.key(parent) != key:  # type: ignore[arg-type]
                    self._note_exit(parent)  # type: ignore[arg-type]
        for tensor in results:
            if id(tensor.edge) in self.call_of:
                self._note_exit(tensor.edge)  # type: ignore[arg-type]

    def _note_exit(self, node: Operation) -> None:
        self.exits.setdefault(self.key(node), {})[_describe(node)] = None

    def add_operation(self, node: Operation) -> None:
        """An operation, and the arrows into it."""
        call = self.call_of.get(id(node))
        key = self.key(node)
        if call is None and isinstance(node, Output):
            return  # the arrow out of its operation says which result it is
        if call is not None and key not in self.inside:
            self.inside[key] = {id(parameter) for parameter in call.module.parameters()}
        inside = self.inside.get(key, set())
        parents = [
            parent for parent in node.parents if parent is not None and id(parent) not in inside
        ]
        for parent in parents:
            if isinstance(parent, TensorBase):
                self._leaf(parent)
        if call is None:
            self._box(key, self._operation_lines(node), {})
        elif key not in self.boxes:
            self._box(key, self._module_lines(call, key), _MODULE)
        for parent in parents:
            self._arrow(parent, node)

    def add_result(self, tensor: Tensor, name: str) -> None:
        """A tensor that was asked for."""
        edge = tensor.edge
        assert edge is not None
        if edge is tensor:  # a leaf
            self._leaf(tensor)
            return
        lines = [name, _describe(tensor)]
        if tensor.array.size == 1:
            lines.append(f"{tensor.array.item():.6g}")
        self._box(id(tensor), lines, _RESULT)
        self._arrow(edge, tensor)

    def _arrow(self, source: Operation | TensorBase, target: Operation | TensorBase) -> None:
        tip = self.key(target)
        label = ""
        if isinstance(source, Output) and id(source) not in self.call_of:
            if not self.merge_calls:
                label = f"{source.index}: {_shape(source)}"
            source = source.parents[0]  # type: ignore[assignment]
        start = self.key(source)
        if id(source) in self.call_of or id(target) in self.call_of:
            again = start == tip and not self._is_recurrent(source, target)
            if again or (start, tip, label) in self.arrows:
                return
            self.arrows.add((start, tip, label))
        options = {"label": plain(label)} if label else {}
        self.picture.edge(self.boxes[start], self.boxes[tip], **options)

    def _is_recurrent(self, source: Operation | TensorBase, target: Operation | TensorBase) -> bool:
        """Whether one call of a module takes what another call of it computed."""
        return self.call_of[id(source)] is not self.call_of[id(target)]

    def _leaf(self, leaf: TensorBase) -> None:
        if id(leaf) not in self.boxes:
            lines = [self.names.leaf(leaf), _describe(leaf), f"grad: {self._gradient(leaf)}"]
            self._box(id(leaf), lines, _LEAF)

    def _box(self, key: Key, lines: Sequence[str], style: Mapping[str, str]) -> None:
        box = self.boxes[key] = f"n{len(self.boxes)}"
        self.picture.node(box, graphviz.nohtml("\\n".join(map(plain, lines))), **style)

    def _operation_lines(self, node: Operation) -> list[str]:
        if node.multiple:
            return [self.names.operation(node)]  # its results have shapes of their own
        lines = [self.names.operation(node), _describe(node)]
        if node.notes is not None and node.notes.retain is not None:
            tensor = node.notes.retain()
            if tensor is not None:
                lines.append(f"grad: {self._gradient(tensor)}")
        return lines

    def _module_lines(self, call: Scope, key: Key) -> list[str]:
        module: Module = call.module
        parameters = list(module.named_parameters())
        lines = [self.names.module(module), *self.exits.get(key, {})]
        if len(self.merged[key]) > 1:
            lines.append(f"{len(self.merged[key])} calls")
        if len(parameters) <= _LISTED:
            lines += [
                f"{name} {_shape(parameter)}, grad: {self._gradient(parameter)}"
                for name, parameter in parameters
            ]
        else:
            total = sum(parameter.array.size for _, parameter in parameters)
            lines.append(f"{len(parameters)} parameters, {total:,} numbers")
            lines.append(self._gradients_of([parameter for _, parameter in parameters]))
        return lines

    def _gradients_of(self, parameters: Sequence[TensorBase]) -> str:
        norms = [norm for parameter in parameters if (norm := self._norm(parameter)) is not None]
        if not norms:
            return "grad: not computed yet"
        part = "" if len(norms) == len(parameters) else f" ({len(norms)} of {len(parameters)})"
        return f"grad: norm {sqrt(sum(norm * norm for norm in norms)):.3g}{part}"

    def _gradient(self, tensor: TensorBase) -> str:
        norm = self._norm(tensor)
        if norm is not None:
            return f"norm {norm:.3g}"
        return "not computed yet" if tensor.edge is not None else "none, frozen"

    def _norm(self, tensor: TensorBase) -> float | None:
        if id(tensor) not in self.gradients:
            grad = tensor._grad
            with np.errstate(all="ignore"):
                self.gradients[id(tensor)] = (
                    None if grad is None else float(np.linalg.norm(grad.array.astype(np.float64)))
                )
        return self.gradients[id(tensor)]


def _shape(value: Operation | TensorBase) -> str:
    return "×".join(map(str, value.shape)) or "scalar"


def _describe(value: Operation | TensorBase) -> str:
    return f"{_shape(value)} {value.dtype}"
