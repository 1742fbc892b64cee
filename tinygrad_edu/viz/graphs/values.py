"""Numbers in a picture: values as far as they are known, and gradients."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import sqrt
from typing import Any

import numpy as np

from ...autograd.graph import Array, Operation, Output, TensorBase

__all__ = ["Gradients", "Values", "labelled", "noted", "written"]

_IN_FULL = 16  # elements
_WIDTH = 60  # characters


class Values:
    """The values of results that are still in memory and not changed since.

    Those are the leaves, what a node has saved for its rule or notes (its inputs, which other nodes
    made, or its own result), and the tensors that the user holds.
    """

    def __init__(self, nodes: Iterable[Operation], held: Iterable[TensorBase]) -> None:
        self._known: dict[tuple[int, int], Array] = {}  # by operation and number of the result
        self._changed: set[int] = set()  # leaves, since they were used
        for node in nodes:
            for slot, (value, version, count) in noted(node):
                if version is None or version[0] == count:
                    self._note(node, slot, value, count)
                elif slot >= 0:
                    self._changed.add(id(node.parents[slot]))
            retained = None if node.notes is None or not node.notes.retain else node.notes.retain()
            if retained is not None:
                self._hold(retained)
        for tensor in held:
            self._hold(tensor)

    def _note(self, node: Operation, slot: int, value: Any, count: int) -> None:
        if slot < 0:
            self._add(node, -1 - slot, value)
        # What was changed in place before it was used is not what the operation had made.
        elif count == 0 and isinstance(parent := node.parents[slot], Operation):
            self._add(parent, 0, value)

    def _hold(self, tensor: TensorBase) -> None:
        edge = tensor.edge
        # A change in place, through whichever tensor on this memory, leaves it unknown.
        if isinstance(edge, Operation) and tensor.version[0] == 0:
            self._add(edge, 0, tensor.array)

    def _add(self, node: Operation, index: int, value: Any) -> None:
        if isinstance(node, Output):
            node, index = node.parents[0], node.index  # type: ignore[assignment]
        if isinstance(value, np.ndarray):
            self._known.setdefault((id(node), index), value)

    def of(self, edge: Operation | TensorBase) -> list[str]:
        """The value of a leaf or of a result, in lines of text."""
        if isinstance(edge, TensorBase):
            lines = labelled("value", edge.array)
            return [*lines, "changed since it was used"] if id(edge) in self._changed else lines
        index = 0
        if isinstance(edge, Output):
            edge, index = edge.parents[0], edge.index  # type: ignore[assignment]
        value = self._known.get((id(edge), index))
        return ["value: not kept"] if value is None else labelled("value", value)


def noted(node: Operation) -> Iterable[tuple[int, Any]]:
    """What an operation has saved, and what `viz.keep_values` has kept, numbered alike."""
    # Not node.saved.items(), which would compute a checkpointed part anew.
    yield from dict.items(node.saved or {})
    if node.notes is not None and node.notes.kept is not None:
        inputs, results = node.notes.kept
        yield from ((slot, entry) for slot, entry in enumerate(inputs) if entry is not None)
        yield from ((-1 - index, entry) for index, entry in enumerate(results))


class Gradients:
    """Gradients in lines of text; one that was not computed is never taken for zero."""

    def __init__(self, in_full: bool) -> None:
        self._in_full = in_full
        self._norms: dict[int, float | None] = {}

    def of(self, tensor: TensorBase) -> list[str]:
        """The gradient of a tensor: its norm, or small ones in full if so asked for."""
        grad = tensor._grad
        if self._in_full and grad is not None and grad.array.size <= _IN_FULL:
            return labelled("grad", grad.array)
        return [f"grad: {self.short(tensor)}"]

    def short(self, tensor: TensorBase) -> str:
        """The norm, or why there is none."""
        norm = self._norm(tensor)
        if norm is not None:
            return f"norm {norm:.3g}"
        return "not computed yet" if tensor.edge is not None else "none, frozen"

    def together(self, parameters: Sequence[TensorBase]) -> str:
        """The norm of the gradients of several parameters, as far as they are computed."""
        norms = [norm for parameter in parameters if (norm := self._norm(parameter)) is not None]
        if not norms:
            frozen = all(parameter.edge is None for parameter in parameters)
            return "grad: none, frozen" if frozen else "grad: not computed yet"
        part = "" if len(norms) == len(parameters) else f" ({len(norms)} of {len(parameters)})"
        return f"grad: norm {sqrt(sum(norm * norm for norm in norms)):.3g}{part}"

    def _norm(self, tensor: TensorBase) -> float | None:
        if id(tensor) not in self._norms:
            grad = tensor._grad
            with np.errstate(all="ignore"):
                self._norms[id(tensor)] = (
                    None if grad is None else float(np.linalg.norm(grad.array.astype(np.float64)))
                )
        return self._norms[id(tensor)]


def labelled(name: str, array: Array) -> list[str]:
    """The numbers after their name; statistics say themselves what they are."""
    first, *rest = written(array)
    return (
        [f"{name}: {first}", *rest] if array.size <= _IN_FULL or name == "grad" else [first, *rest]
    )


def written(array: Array) -> list[str]:
    """An array in lines of text: a small one in full, of a large one the statistics."""
    if not array.size:
        return ["empty"]
    if array.size <= _IN_FULL:
        text = np.array2string(
            array,
            max_line_width=_WIDTH,
            separator=", ",
            threshold=_IN_FULL,
            formatter={"all": "{:.4g}".format},
        )
        return [line.strip() for line in text.split("\n") if line.strip()]
    finite = array[np.isfinite(array)]
    lines = []
    if finite.size:
        with np.errstate(all="ignore"):
            mean, deviation = finite.mean(dtype=np.float64), finite.std(dtype=np.float64)
        lines.append(f"mean {mean:.3g}, std {deviation:.3g}")
        lines.append(f"min {finite.min():.3g}, max {finite.max():.3g}")
    if finite.size < array.size:
        lines.append(f"{array.size - finite.size:,} of {array.size:,} not finite")
    return lines
