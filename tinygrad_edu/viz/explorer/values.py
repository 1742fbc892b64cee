"""What the nodes of a graph had for values, as far as that is still known - never a guess.

Known are arrays that an operation saved or kept and that were not changed since (the engine's
version counters tell). What else follows from them is found by running operations again; but a
result may have been changed in place before it was used. So that is believed only where what
follows from it agrees with something known, such as the loss itself. The same holds for the present
value of a leaf that nobody saved, if it was ever changed.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ...autograd.function import Function
from ...autograd.graph import Array, Operation, Output, TensorBase
from ...autograd.inplace import WriteView
from ...autograd.mode import switched
from ...ops.indexing import Assign
from ...tensor import Tensor
from ..graphs.values import noted

__all__ = ["Given", "Known"]

Key: TypeAlias = Operation | TensorBase


class Given(NamedTuple):
    """An input without gradient: a tensor's array, or another argument."""

    known: bool
    changed: bool = False  # in place, since
    value: Any = None


class Known:
    """Values of nodes and leaves (`of`), and of the inputs of an operation (`given`)."""

    def __init__(self, nodes: Sequence[Operation], loss: Tensor) -> None:
        self._nodes = nodes  # oldest first
        self._outputs: dict[Operation, list[Output]] = {}
        for node in nodes:
            if isinstance(node, Output):
                self._outputs.setdefault(node.parents[0], []).append(node)  # type: ignore[arg-type]
        self._evidence: dict[Key, Array] = {}
        self._constants: dict[tuple[Operation, int], Given] = {}
        self._used: dict[tuple[Operation, int], Array] = {}  # inputs, as they were when used
        self._changed: set[Key] = set()
        self._note(loss.edge, (loss.array, loss.version, loss.version[0]))
        for node in nodes:
            self._collect(node)
        self._values = self._complete()

    def of(self, edge: Key) -> Array | None:
        """The value of a node's result or of a leaf, None if it is not known."""
        return self._values.get(edge)

    def was_changed(self, edge: Key) -> bool:
        """Whether a value is not known because an array was changed in place."""
        return edge in self._changed and edge not in self._values

    def given(self, node: Operation, index: int) -> Given:
        """What an operation was given as one of its inputs."""
        parent = node.parents[index]
        if parent is None:
            return self._constants.get((node, index), Given(False))
        value = self._used.get((node, index))
        if value is None:
            value = self._values.get(parent)
        return Given(value is not None, self.was_changed(parent), value)

    # Evidence: saved and kept arrays.

    def _collect(self, node: Operation) -> None:
        for slot, entry in noted(node):
            self._witness(node, slot, entry)
        if node.notes is not None and node.notes.kept is not None:
            for slot, given in enumerate(node.notes.kept[0][: len(node.parents)]):
                if given is None:
                    self._constants.setdefault((node, slot), Given(False, changed=True))

    def _witness(self, node: Operation, slot: int, entry: tuple[Any, Any, int]) -> None:
        if slot < 0:
            for target in self._targets(node):
                if target is node or target.index == -1 - slot:  # type: ignore[attr-defined]
                    self._note(target, entry, own=True)
        elif slot < getattr(node, "arguments", len(node.parents)):  # else: saved by a user's rule
            parent = node.parents[slot]
            if parent is not None:
                self._note(parent, entry)
                value, version, count = entry
                if version is None or version[0] == count:
                    self._used[node, slot] = value
            elif not self._constants.get((node, slot), Given(False)).known:
                value, version, count = entry
                intact = version is None or version[0] == count
                self._constants[node, slot] = Given(intact, not intact, value if intact else None)

    def _note(self, key: Any, entry: tuple[Any, Any, int], own: bool = False) -> None:
        """An array that was the value of `key`; `own`: noted when it was made, not when used."""
        value, version, count = entry
        intact = version is None or version[0] == count
        if isinstance(key, Operation) and not own:
            # What was changed before it was used is not what the operation made.
            intact = intact and count == 0
        if intact:
            self._evidence.setdefault(key, value)
        else:
            self._changed.add(key)

    def _targets(self, node: Operation) -> Sequence[Operation]:
        """The nodes that stand for results of an operation."""
        return self._outputs.get(node, []) if node.multiple else [node]

    # What follows from it.

    def _complete(self) -> dict[Key, Array]:
        """What is known, and what follows from it and agrees with it.

        Each value in doubt, a leaf's or a result computed again, is one bit. What depends on it
        carries that bit, up to a result that is known otherwise.
        """
        bits: dict[Key, int] = {}
        for node in self._nodes:
            for parent in node.parents:
                if isinstance(parent, TensorBase):
                    if parent in self._changed:
                        self._evidence.pop(parent, None)  # it had several values
                    elif parent not in self._evidence:
                        self._evidence[parent] = parent.array
                        if parent.version[0]:
                            bits[parent] = 1 << len(bits)
        values, doubts = dict(self._evidence), dict(bits)
        confirmed = refuted = 0
        for node in self._nodes:
            if isinstance(node, Output):
                continue
            doubt = 0
            for index, parent in enumerate(node.parents):
                if (node, index) not in self._used:
                    doubt |= doubts.get(parent, 0)  # type: ignore[arg-type]
            targets = self._targets(node)
            if not doubt and all(target in values for target in targets):
                continue
            results = self._again(node, values)
            if results is None:
                continue
            for target in targets:
                result = results[target.index if isinstance(target, Output) else 0]
                known = self._evidence.get(target)
                if known is None:
                    values[target] = result
                    bits[target] = 1 << len(bits)
                    doubts[target] = doubt | bits[target]
                elif _same(result, known):
                    confirmed |= doubt
                else:
                    refuted |= doubt
        for key, bit in bits.items():
            if not confirmed & ~refuted & bit:
                del values[key]
                if isinstance(key, TensorBase) or refuted & bit:
                    self._changed.add(key)
        return values

    def _again(self, node: Operation, values: dict[Key, Array]) -> Sequence[Array] | None:
        """The results of an operation, computed again; None if an input is not known."""
        if type(node).__module__ == Function.__module__:
            return None  # The user's forward may do anything.
        arrays = []
        for index, parent in enumerate(node.parents):
            if parent is None:
                given = self._constants.get((node, index))
                if given is None or not given.known:
                    return None
                arrays.append(given.value)
            elif (node, index) in self._used:
                arrays.append(self._used[node, index])
            elif parent in values:
                arrays.append(values[parent])
            else:
                return None
        if isinstance(node, WriteView):
            return [_written(node, *arrays)]
        # Those that write into their input get a copy, and no other can.
        in_place = isinstance(node, Assign) or getattr(node, "in_place", False)
        arrays = [np.array(x) if in_place else _locked(x) for x in arrays]
        try:
            with switched(grad=False), np.errstate(all="ignore"):
                answer = copy.copy(node).forward(*arrays)
        except (ValueError, TypeError, AttributeError):
            return None  # Something that it needs was dropped.
        results = answer if node.multiple else (answer,)
        return [np.asarray(result) for result in results]


def _locked(x: Any) -> Any:
    """The same memory, read-only."""
    if not isinstance(x, np.ndarray):
        return x
    view = x[...]
    view.flags.writeable = False
    return view


def _written(node: WriteView, base: Array, value: Array) -> Array:
    """The base after a write through a view."""
    result = np.array(base)
    region = result
    for operation in node.path:
        region = copy.copy(operation).forward(region)
    region[...] = value
    return result


def _same(x: Array, y: Array) -> bool:
    """Whether two runs of one operation agree: bit for bit, or nearly, where BLAS uses threads."""
    if x.shape != y.shape:
        return False
    if x.dtype.kind != "f":
        return bool(np.array_equal(x, y))
    scale = float(np.max(np.abs(y), where=np.isfinite(y), initial=0.0))
    slack = 8 * float(np.finfo(y.dtype).eps)
    with np.errstate(all="ignore"):
        return bool(np.allclose(x, y, rtol=slack, atol=slack * scale, equal_nan=True))
