"""A model as a table: what each layer returns, holds, computes and leaves in memory."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...autograd import enable_grad
from ...autograd.graph import Operation, TensorBase, wrap
from ...autograd.reach import reachable
from ...autograd.trees import leaves
from ...nn import Module
from ...ops.dtypes import DTypeLike, to_dtype, type_name
from ...random import fork_rng
from ...tensor import Tensor
from ..tables import one_line
from ..watching import Known, ModuleHooks, owner, tensors
from .multiply_adds import multiply_adds
from .table import Row, Summary

__all__ = ["summary"]

Shape = tuple[int, ...]


def summary(
    model: Module,
    input_size: Sequence[int] | Sequence[Sequence[int]] | None = None,
    *,
    data: Any = None,
    dtypes: DTypeLike | Sequence[DTypeLike] = None,
    depth: int | None = None,
) -> Summary:
    """Run a model once and tell what each layer returns, holds, computes and leaves in memory.

    Args:
        input_size: the shape of the input, batch included; a list of shapes for several inputs.
            Floating inputs are random numbers from [0, 1), others zeros.
        data: the input itself instead: a tensor, a tuple of positional arguments, or a dict of
            keyword arguments.
        dtypes: of the inputs that `input_size` describes; one for all, or one for each.
        depth: how deep to look: 1 for the layers directly in the model, with all that is in them.

    Nothing is printed. The result shows itself as a table, in a notebook too, and has `rows` and
    the totals. The rows stand in the order of the first calls, indented by depth:

        output         the shape that the layer returned; ×6 if it was called six times
        parameters     its own, those of its parts in their rows; (in brackets) if they are shared
                       with a layer above and counted there
        trainable      whether they require a gradient
        multiply-adds  of all calls; `tinygrad_edu.viz.summary.multiply_adds` says what is counted
        outputs        memory of what it returned, unless that is a view of something else
        saved          memory of what its operations keep for the reverse pass: each array once,
                       where it is saved first; without parameters and buffers

    So each column adds up to its total. The model runs in the mode in which it is, recording a
    graph. Afterwards its buffers, its hooks and the random generator are as before.

    Where a layer fails, its error is raised with the table up to that layer in front of the
    message.

    Raises TypeError for what is no module, ValueError unless exactly one of input_size and data is
    given.

    >>> model = nn.Sequential(nn.Linear(784, 50), nn.ReLU(), nn.Linear(50, 10))
    >>> tg.viz.summary(model, (64, 784))
    layer  class       output    parameters  trainable  multiply-adds  outputs    saved
    ───────────────────────────────────────────────────────────────────────────────────
           Sequential  (64, 10)
      0    Linear      (64, 50)      39,250  yes               2.51 M  12.8 kB   201 kB
      1    ReLU        (64, 50)                                        12.8 kB  12.8 kB
      2    Linear      (64, 10)         510  yes                 32 k  2.56 kB
    ───────────────────────────────────────────────────────────────────────────────────
           total                     39,760                    2.54 M  28.2 kB   214 kB
    39,760 parameters (159 kB), all trainable; input (64, 784) (201 kB)
    """
    if not isinstance(model, Module):
        raise TypeError(f"summary takes a module, such as nn.Linear(2, 1); got {type_name(model)}.")
    if depth is not None and (isinstance(depth, bool) or depth < 0):
        raise ValueError(f"depth is 0 (the whole model), 1, 2...; got {depth!r}.")
    args, kwargs = _arguments(input_size, data, dtypes)
    look = _Look(model, depth)
    look.run(args, kwargs)
    return look.result()


def _arguments(input_size: Any, data: Any, dtypes: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What to call the model with."""
    if (input_size is None) == (data is None):
        raise ValueError(
            "summary takes either input_size, the shape of the input with the batch, such as "
            "(64, 784), or data=, the input itself."
        )
    if data is not None:
        if dtypes is not None:
            raise ValueError("dtypes belongs to input_size; data has its types already.")
        if isinstance(data, Mapping):
            return (), dict(data)
        return (tuple(data) if type(data) in (tuple, list) else (data,)), {}
    if isinstance(input_size, TensorBase):
        raise ValueError("summary takes the shape of the input; for the input itself: data=x.")
    if not isinstance(input_size, Iterable):
        raise ValueError(
            f"input_size is a shape with the batch, such as (64, 784); got {input_size!r}."
        )
    sizes: list[Any] = list(input_size)
    if all(isinstance(size, (int, np.integer)) for size in sizes):
        sizes = [sizes]
    types = list(dtypes) if isinstance(dtypes, (list, tuple)) else [dtypes] * len(sizes)
    if len(types) != len(sizes):
        raise ValueError(f"dtypes has {len(types)} types for {len(sizes)} inputs.")
    rng = np.random.default_rng(0)
    return tuple(_input(rng, *each) for each in zip(sizes, types, strict=True)), {}


def _input(rng: np.random.Generator, size: Any, dtype: DTypeLike) -> Tensor:
    try:
        shape = tuple(int(length) for length in size)
    except (TypeError, ValueError):
        shape = (-1,)
    if any(length < 0 for length in shape):
        raise ValueError(
            "input_size is a shape such as (64, 784), or a list of shapes, one for each input; got "
            f"{size!r} among them."
        )
    kind = np.dtype(np.float32) if dtype is None else to_dtype(dtype)
    return wrap(rng.random(shape).astype(kind) if kind.kind == "f" else np.zeros(shape, kind))


@dataclass
class _Running:
    """What is known of a module while the model runs."""

    row: Row
    module: Module
    first: float = float("inf")  # its place in the order of calls
    used: bool = False  # some of its parameters took part, called or not
    shapes: list[str] = field(default_factory=list)


class _Look:
    """One look at a model."""

    def __init__(self, model: Module, depth: int | None) -> None:
        self.model = model
        self.depth = depth
        self.found: dict[int, _Running] = {}  # by the identity of the module
        self.notes: list[str] = []
        self.inputs = ""
        self.input_bytes = 0
        self.known = Known()
        self.calls = 0
        self.own: set[int] = set()  # the memory of parameters and buffers
        self.outer = sys.exception()  # of an except clause around us
        self.failed: tuple[BaseException, _Running] | None = None
        self._find_modules()

    def _find_modules(self) -> None:
        owners: dict[int, str] = {}  # of parameters
        for path, module in self.model.named_modules():
            row = Row(path, module._get_name(), level=path.count(".") + bool(path))
            self.found[id(module)] = _Running(row, module)
            for parameter in module._parameters.values():
                if parameter is None:
                    continue
                if id(parameter) in owners:
                    row.shared += parameter.array.size
                    self.notes.append(
                        f"{_called(path)} shares a parameter with {_called(owners[id(parameter)])}"
                    )
                    continue
                owners[id(parameter)] = path
                row.parameters += parameter.array.size
                row.parameter_bytes += parameter.array.nbytes
                row.trainable += parameter.array.size * parameter.requires_grad
            for tensor in (*module._parameters.values(), *module._buffers.values()):
                if tensor is not None:
                    self.known.meet(tensor)
                    self.own.add(id(owner(tensor.array)))
        for state in list(self.found.values()):
            for name, child in state.module._modules.items():
                path = f"{state.row.path}.{name}" if state.row.path else name
                if child is not None and self.found[id(child)].row.path != path:
                    self.notes.append(
                        f"{path} is the same module as {_called(self.found[id(child)].row.path)}"
                    )

    # The pass.

    def run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Call the model, with everything put back afterwards."""
        given = tensors((args, kwargs))
        self.inputs = ", ".join(_describe(tensor) for tensor in given)
        self.input_bytes = sum(tensor.array.nbytes for tensor in given)
        for tensor in given:
            self.known.meet(tensor)
        hooks = ModuleHooks()
        with fork_rng(), _buffers_kept(self.model), enable_grad():
            hooks.add(self.model, self._leave, self._enter)
            try:
                output = self.model(*args, **kwargs)
            except Exception as error:
                self._explain(error)
                raise
            finally:
                hooks.remove()
            self._count_saved(output)

    def _enter(self, module: Module, _: Any) -> None:
        state = self.found[id(module)]
        self.calls += 1
        state.first = min(state.first, self.calls)

    def _leave(self, module: Module, args: Any, kwargs: Any, output: Any) -> None:
        state = self.found[id(module)]
        row = state.row
        row.calls += 1
        error = sys.exception()
        if output is None and error is not None and error is not self.outer:
            if self.failed is None or self.failed[0] is not error:
                self.failed = (error, state)  # The innermost one is the first to hear of it.
            return
        shape = ", ".join(map(_describe, tensors(output))) or type_name(output)
        if shape not in state.shapes:
            state.shapes.append(shape)
        row.output_shapes = [tensor.shape for tensor in tensors(output)]
        row.multiply_adds += multiply_adds(module, args, kwargs, output)
        for tensor in tensors(output):
            if not self.known.same_memory(tensor):
                self.known.meet(tensor)
                row.output_bytes += owner(tensor.array).nbytes

    def _count_saved(self, output: Any) -> None:
        """Who keeps which arrays for the reverse pass of this output, and who is used at all."""
        counted = set(self.own)
        used: set[int] = set()
        strangers: dict[int, Module] = {}
        for state in self.found.values():
            state.row.saved_bytes = 0
        for node in _graph(output):
            used.update(id(parent) for parent in node.parents if isinstance(parent, Tensor))
            row = self._row_of(node, strangers)
            for array in _kept(node):
                if id(owner(array)) not in counted:
                    counted.add(id(owner(array)))
                    row.saved_bytes = (row.saved_bytes or 0) + owner(array).nbytes
        for module in strangers.values():
            self.notes.append(
                f"a {module._get_name()} was called that is no part of the model: modules in a "
                "list belong into an nn.ModuleList"
            )
        for state in self.found.values():
            state.used = any(id(p) in used for p in state.module.parameters())

    def _row_of(self, node: Operation, strangers: dict[int, Module]) -> Row:
        scope = node.scope
        while scope is not None:
            if id(scope.module) in self.found:
                return self.found[id(scope.module)].row
            if next(scope.module.parameters(), None) is not None:
                strangers[id(scope.module)] = scope.module
            scope = scope.parent
        return self.found[id(self.model)].row

    # What is told.

    def result(self) -> Summary:
        """The rows in the order of the calls."""
        return self._table(list(self._ordered(self.model, set())), self.depth)

    def _table(self, states: list[_Running], depth: int | None) -> Summary:
        for state in states:
            state.row.output = self._output(state)
        rows = [state.row for state in states]
        notes = list(dict.fromkeys(self.notes))
        return Summary(rows, self.inputs, self.input_bytes, notes, depth)

    def _output(self, state: _Running) -> str:
        """What stands in the column of outputs."""
        if self.failed is not None and self.failed[1] is state:
            return "failed here"
        if state.row.calls or self._first(state.module) < float("inf"):
            # Of several shapes the first and the last; none for a list of layers.
            return " … ".join([*state.shapes[:1], *state.shapes[1:][-1:]])
        return "used, not called" if state.used else "not called"

    def _ordered(self, module: Module, done: set[int]) -> Iterator[_Running]:
        """A module, then its parts as they were first called, then those that were not."""
        done.add(id(module))
        yield self.found[id(module)]
        children = [child for child in module.children() if id(child) not in done]
        done.update(map(id, children))
        for child in sorted(children, key=self._first):
            yield from self._ordered(child, done)

    def _first(self, module: Module) -> float:
        """When the module, or a part of it, was first called."""
        return min(self.found[id(each)].first for each in module.modules())

    def _explain(self, error: Exception) -> None:
        """Put the table up to the layer that failed in front of the error's message."""
        place = "the model"
        if self.failed is not None and self.failed[0] is error:
            place = _called(self.failed[1].row.path)
        states = self._ordered(self.model, set())
        reached = [state for state in states if self._first(state.module) < float("inf")]
        text = f"The summary ends where {place} failed.\n\n{self._table(reached, None)}"
        if type(error).__str__ is BaseException.__str__ and len(error.args) == 1:
            error.args = (f"{text}\n\n{error.args[0]}",)
        else:
            # It has a text of its own making; Python prints notes below it.
            vars(error).setdefault("__notes__", []).append(text)


@contextmanager
def _buffers_kept(model: Module) -> Iterator[None]:
    """Afterwards the buffers are the same tensors with the same values."""
    kept = [
        (
            module,
            dict(module._buffers),
            [(b, b.array.copy()) for b in module._buffers.values() if b is not None],
        )
        for module in model.modules()
    ]
    try:
        yield
    finally:
        for module, buffers, values in kept:
            module._buffers.clear()
            module._buffers.update(buffers)
            for buffer, array in values:
                if not np.array_equal(buffer.array, array, equal_nan=array.dtype.kind == "f"):
                    buffer.array[...] = array
                    buffer.version[0] += 1


def _graph(output: Any) -> list[Operation]:
    """All operations that lead to what the model returned, oldest first."""
    return reachable(tensor.edge for tensor in tensors(output))


def _kept(node: Operation) -> Iterator[np.ndarray[Any, Any]]:
    """The arrays that a recorded operation holds for its rules."""
    held = [value for value, _, _ in (node.saved or {}).values()]
    held += [getattr(node, name, None) for name in node.scratch]
    for value in leaves(held):
        if isinstance(value, np.ndarray):
            yield value


def _describe(tensor: Tensor) -> str:
    """Shape, and type unless it is the usual one."""
    dtype = "" if tensor.dtype == np.float32 else f" {tensor.dtype}"
    return f"{tensor.shape}{dtype}"


def _called(path: str) -> str:
    return one_line(path) if path else "the model"
