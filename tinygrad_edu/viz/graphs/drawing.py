"""Writing the boxes, frames and arrows of an arrangement as a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import graphviz

from ...autograd.graph import Operation, Output, TensorBase
from ...nn import Parameter
from ...tensor import Tensor
from .arrangement import Arrangement, Box, Frame
from .labels import Labels
from .picture import Picture, plain

__all__ = ["Drawing"]

_GRAPH = {
    "nodesep": "0.25",
    "ranksep": "0.3",
    "fontname": "Helvetica",
    "fontsize": "11",
    # Of frames; as the fill is transparent, inner ones are darker.
    "style": "rounded,filled",
    "color": "#c9b07a",
    "fillcolor": "#b8913a14",
    "labeljust": "l",
}
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
_EDGE = {"color": "#8794a8", "arrowsize": "0.6", "fontname": "Helvetica", "fontsize": "9"}
_LEAF = {"style": "filled", "fillcolor": "#dff0e6", "color": "#3f8f68"}
_MODULE = {"fillcolor": "#fdf3dc", "color": "#b8913a"}
_RESULT = {"style": "filled,bold", "fillcolor": "#dbe9fb", "color": "#2f6db3"}


class Drawing:
    """Collects leaves and arrows, then writes everything."""

    def __init__(self, arrangement: Arrangement, labels: Labels, direction: str) -> None:
        self.arrangement = arrangement
        self.labels = labels
        self._is_sideways = direction in ("LR", "RL")
        self.picture = Picture(
            "computation_graph",
            graph_attr={"rankdir": direction, **_GRAPH},
            node_attr=_NODE,
            edge_attr=_EDGE,
        )
        self._uses: Counter[int] = Counter()  # by leaf
        self._leaves: dict[int, TensorBase] = {}  # that have a box of their own
        self._homes: dict[int, Frame | None] = {}  # the frames those stand in
        # From and to which box or tensor, the lines of text; as keys, for those drawn but once.
        self._arrows: list[tuple[int, int, Sequence[str]]] = []
        self._once: set[tuple[int, int, str]] = set()
        self._names: dict[int, str] = {}  # by the identity of box, leaf or result
        self._frames = 0

    def collect(self, nodes: Iterable[Operation], results: Iterable[TensorBase]) -> None:
        """Find out which leaves have a box of their own, and what leads where."""
        nodes = [node for node in nodes if not isinstance(node, Output)]
        for node in nodes:
            self._uses.update(id(parent) for parent in node.parents)
        self._uses.update(id(result) for result in results)
        for node in nodes:
            box = self.arrangement.box_of[id(node)]
            for parent in node.parents:
                if isinstance(parent, Operation):
                    self._follow(parent, node, box)
                elif parent is not None and id(parent) not in box.inside:
                    self._use(parent, box)
        for result in results:
            edge = result.edge
            if isinstance(edge, Operation):
                self._follow(edge, None, result)
            elif edge is not None:
                self._leaves[id(edge)], self._homes[id(edge)] = edge, None

    def _use(self, leaf: TensorBase, box: Box) -> None:
        """An arrow from a leaf; the parameters that one operation alone uses share a box."""
        if isinstance(leaf, Parameter) and box.node is not None and self._uses[id(leaf)] == 1:
            box.leaves.append(leaf)
            return
        home = box.frame if isinstance(leaf, Parameter) else None
        if id(leaf) in self._homes:
            home = _common(self._homes[id(leaf)], home)
        self._leaves[id(leaf)], self._homes[id(leaf)] = leaf, home
        self._arrow(id(leaf), id(box), (), once=box.node is None)

    def _follow(self, source: Operation, target: Operation | None, tip: Box | TensorBase) -> None:
        """An arrow from the box of an operation, unless it stays inside of a closed module."""
        output, source = source, _operation(source)
        start = self.arrangement.box_of[id(source)]
        if start.node is None and start is not tip:
            start.exits[id(output)] = output
        calls = self.arrangement.call_of
        if start is tip:  # inside of a closed module, or from one of its calls to the next
            again = calls[id(source)] is not calls.get(id(target))
            if not (again and self.arrangement.loops):
                return
        text: Sequence[str] = ()
        if isinstance(output, Output) and start.node is not None:
            # Into several calls lead several results.
            several = isinstance(tip, Box) and tip.node is None and len(tip.calls) > 1
            text = () if several else self.labels.arrow(output)
        once = start.node is None or (isinstance(tip, Box) and tip.node is None)
        self._arrow(id(start), id(tip), text, once)

    def _arrow(self, start: int, tip: int, text: Sequence[str], once: bool) -> None:
        if once:
            key = (start, tip, "\n".join(text))
            if key in self._once:
                return
            self._once.add(key)
        self._arrows.append((start, tip, text))

    def write(self, results: Sequence[Tensor]) -> Picture:
        """The picture: boxes in their frames, then the results, then the arrows."""
        homes: dict[Frame | None, list[TensorBase]] = {}
        for key, leaf in self._leaves.items():
            homes.setdefault(self._homes[key], []).append(leaf)
        self._write(self.arrangement.items, homes.get(None, []), homes, self.picture)
        for index, result in enumerate(results):
            if isinstance(result.edge, Operation):
                name = "result" if len(results) == 1 else f"result {index}"
                self._box(self.picture, id(result), self.labels.result(result, name), _RESULT)
        for box in self.arrangement.boxes:
            if box.leaves:
                self._edge(id(box.leaves), id(box))
        for start, tip, text in self._arrows:
            self._edge(start, tip, text)
        return self.picture

    def _write(
        self,
        items: Iterable[Box | Frame],
        leaves: Iterable[TensorBase],
        homes: Mapping[Frame | None, Sequence[TensorBase]],
        into: graphviz.Digraph,
    ) -> None:
        for leaf in leaves:
            self._box(into, id(leaf), self.labels.leaf(leaf), _LEAF)
        for item in items:
            if isinstance(item, Frame):
                inner = graphviz.Digraph(f"cluster_{self._frames}")
                self._frames += 1
                inner.attr(label=_label([self.labels.frame(item.call)]) + self._room(item))
                self._write(item.items, homes.get(item, ()), homes, inner)
                into.subgraph(inner)
            elif item.node is None:
                self._box(into, id(item), self.labels.closed(item), _MODULE)
            else:
                lines = self.labels.operation(item.node, item.calls[0] if item.calls else None)
                if item.leaves:
                    rank = graphviz.Digraph()
                    rank.attr(rank="same")  # The parameters stand beside their operation.
                    self._box(rank, id(item.leaves), self.labels.parameters(item.leaves), _LEAF)
                    self._box(rank, id(item), lines, {})
                    into.subgraph(rank)
                else:
                    self._box(into, id(item), lines, {})

    def _edge(self, start: int, tip: int, text: Sequence[str] = ()) -> None:
        if text:
            self.picture.edge(self._names[start], self._names[tip], label=_label(text))
        else:  # What picture.edge() writes, in a tenth of the time.
            self.picture.body.append(f"\t{self._names[start]} -> {self._names[tip]}\n")

    def _room(self, frame: Frame) -> str:
        """Space after the title of a frame, so that no arrow from above runs through the title."""
        if self._is_sideways:
            return ""
        return "\N{NO-BREAK SPACE}" * min(int(2.5 * len(self.labels.frame(frame.call))), 60)

    def _box(
        self, into: graphviz.Digraph, key: int, lines: Sequence[str], style: Mapping[str, str]
    ) -> None:
        name = self._names[key] = f"n{len(self._names)}"
        into.node(name, _label(lines), **style)


def _operation(node: Operation) -> Operation:
    """The operation itself, where a node is one of its several results."""
    return node.parents[0] if isinstance(node, Output) else node  # type: ignore[return-value]


def _common(one: Frame | None, other: Frame | None) -> Frame | None:
    """The innermost frame around both."""
    while one is not other:
        if one is None or other is None:
            return None
        if one.level >= other.level:
            one = one.parent
        else:
            other = other.parent
    return one


def _label(lines: Iterable[str]) -> str:
    return str(graphviz.nohtml("\\n".join(map(plain, lines))))
