"""Recording: how a computation becomes a graph.

`apply(operation, x, y)` runs an operation's `forward` on the arrays behind `x` and `y`. If one of
them needs a gradient, the operation object itself becomes a node of the graph: it remembers its
parents and what its rules need, and the resulting tensor points to it.

    tensor ──node──▶ Operation ──parents──▶ Operation or leaf tensor

A parent is another operation or a leaf tensor, never an intermediate tensor, and no node knows the
tensor that points to it. So there is no reference cycle, and an activation that no rule needs dies
with its last user.
"""

from __future__ import annotations

import copy
import inspect
import itertools
import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from .mode import MODE, Scope, switched

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "Operation",
    "TensorBase",
    "Value",
    "apply",
    "apply_multiple",
    "register_tensor",
    "run",
    "wrap",
]

#: What a rule computes with: an ndarray in the ordinary pass, a Tensor under `create_graph=True`.
Value: TypeAlias = Any
Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Rule: TypeAlias = tuple[Callable[..., Any], tuple[int, ...]]

_numbers = itertools.count()
_new = object.__new__


class TensorBase:
    """The part of a tensor that recording and the reverse pass know: values, gradient, place in the
    graph.
    """

    __slots__ = (
        "__weakref__",
        "_grad",
        "array",  # the values; changing them directly is not noticed by autograd
        "hooks",  # functions on the gradient of a leaf, or None
        "needs_grad",  # a leaf's own wish; an intermediate result has a node instead
        "node",  # the operation that made this tensor, or None
        "version",  # [in-place changes, recorded ones], shared by all tensors on this memory
        "view_of",  # View, or None
    )

    array: Array
    node: Operation | None
    needs_grad: bool
    _grad: Tensor | None
    version: list[int]
    view_of: View | None
    hooks: dict[int, Callable[[Tensor], Tensor | None]] | None

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of each dimension, as a tuple."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the elements, a NumPy dtype (`tg.float32`, `tg.int64`, ...)."""
        return self.array.dtype

    @property
    def edge(self) -> Operation | TensorBase | None:
        """Where this tensor's gradient goes: its operation, the leaf itself, or nowhere."""
        if self.view_of is not None and self.view_of.seen != self.version[1]:
            renew(self)
        if self.node is not None:
            return self.node
        return self if self.needs_grad else None


_tensor_class: type[TensorBase] = TensorBase


def register_tensor(cls: type[TensorBase]) -> type[TensorBase]:
    """Name the class that results are made of; `tensor.py`, which imports this module, does so
    once.
    """
    global _tensor_class  # noqa: PLW0603 - the one line that lets imports flow one way
    _tensor_class = cls
    return cls


def wrap(array: Any, node: Operation | None = None, version: list[int] | None = None) -> Tensor:
    """A tensor around an array, without a copy."""
    tensor = _new(_tensor_class)
    # NumPy answers with a scalar where a result has no dimension.
    tensor.array = array if type(array) is np.ndarray else np.asarray(array)
    tensor.node = node
    tensor.needs_grad = False
    tensor._grad = None
    tensor.version = [0, 0] if version is None else version
    tensor.view_of = None
    tensor.hooks = None
    return tensor  # type: ignore[return-value]


class View:
    """How a tensor looks into another one's memory: the base and the view operations that lead from
    it.
    """

    __slots__ = ("base", "path", "seen")

    def __init__(self, base: TensorBase, path: tuple[Operation, ...]) -> None:
        self.base = base
        self.path = path
        self.seen = base.version[1]  # the recorded in-place changes that this view's node knows of


class Notes:
    """What only some nodes carry: hooks, a tensor that retains its gradient, the user's line."""

    __slots__ = ("hooks", "nonfinite", "retain", "trace")

    def __init__(self) -> None:
        self.hooks: dict[int, Callable[[Tensor], Tensor | None]] = {}
        self.retain: Any = None  # weak reference to a tensor
        self.trace: str | None = None
        self.nonfinite = False


class Operation:
    """A differentiable operation; once recorded, a node of the graph.

    A subclass has `forward(self, x, ...)` on arrays and, for each differentiable input, one rule
    `grad_x(self, grad, ...)`. The further parameters of a rule name what it needs: inputs, or
    `out`, the result. The engine saves exactly those, and only for the inputs that need a gradient.
    Rules are written in NumPy syntax over values that are arrays in the ordinary pass and tensors
    under `create_graph=True`; so they save nothing else than inputs and output, except things
    without a derivative (shapes, axes, masks, indices), which live in attributes. Attributes listed
    in `scratch` are dropped together with the saved arrays.

    A kernel whose gradients share their work has `backward(self, grad, ...)`, which returns one
    gradient for each input (None where there is none); `self.needs(i)` tells what is asked for.
    """

    __slots__ = ("__weakref__", "dtype", "notes", "number", "parents", "saved", "scope", "shape")

    inputs: ClassVar[tuple[str, ...]] = ()
    rules: ClassVar[dict[int, Rule]] = {}
    joint: ClassVar[Rule | None] = None
    multiple: ClassVar[bool] = False  # several results, made by `apply_multiple`
    plans: ClassVar[dict[int, tuple[int, ...]]] = {}
    scratch: ClassVar[tuple[str, ...]] = ()
    is_view: ClassVar[bool] = (
        False  # with `multiple`, `part(i)` is the operation that makes result i alone
    )
    owns_results: ClassVar[bool] = True  # gradients it returns belong to nobody else

    parents: tuple[Operation | TensorBase | None, ...]
    number: int  # of creation: descending order is a topological order
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    saved: dict[int, tuple[Any, list[int] | None, int]] | None
    scope: Scope | None
    notes: Notes | None

    forward: Callable[..., Any]
    backward: Callable[..., Any]
    part: Callable[[int], Operation]

    def __init_subclass__(cls) -> None:
        """Read from the signatures which input each rule belongs to, and what it needs."""
        if "forward" in cls.__dict__ and "inputs" not in cls.__dict__:
            cls.inputs = tuple(list(inspect.signature(cls.forward).parameters)[1:])
        cls.plans = {}
        cls.rules = {}
        for index, name in enumerate(cls.inputs):
            rule = getattr(cls, f"grad_{name}", None)
            if rule is not None:
                cls.rules[index] = (rule, cls._slots_of(rule))
        if hasattr(cls, "backward"):
            cls.joint = (cls.backward, cls._slots_of(cls.backward))

    @classmethod
    def _slots_of(cls, rule: Callable[..., Any]) -> tuple[int, ...]:
        """Inputs are slots 0, 1, ...; `out` (or `out0`) is slot -1, `out1` is -2, ..."""
        slots = []
        for name in list(inspect.signature(rule).parameters)[2:]:
            if name in cls.inputs:
                slots.append(cls.inputs.index(name))
            elif name == "out" or (name.startswith("out") and name[3:].isdigit()):
                slots.append(-1 - int(name[3:] or 0))
            else:
                raise TypeError(
                    f"{cls.__name__}: a rule asks for {name!r}, which is neither an input "
                    f"{cls.inputs} nor 'out'."
                )
        return tuple(slots)

    @classmethod
    def plan(cls, mask: int) -> tuple[int, ...]:
        """What to save when the inputs whose bits are set in `mask` need a gradient."""
        plan = cls.plans.get(mask)
        if plan is None:
            slots = cls.always_saved() | set(cls.joint[1] if cls.joint else ())
            for index, rule in cls.rules.items():
                if mask >> index & 1:
                    slots.update(rule[1])
            plan = cls.plans[mask] = tuple(sorted(slots))
        return plan

    @classmethod
    def always_saved(cls) -> set[int]:
        """What is saved beside the needs of the rules."""
        return set()

    def needs(self, index: int) -> bool:
        """Whether the input with this index needs a gradient."""
        return self.parents[index] is not None

    @property
    def name(self) -> str:
        """The operation's name in pictures and messages."""
        return type(self).__name__

    def differentiate(
        self, grad: Value, values: dict[int, Value], wanted: Callable[[Any], bool] | None
    ) -> Iterable[tuple[Operation | TensorBase, Value]]:
        """Yield each parent with the gradient that flows into it; `wanted` leaves parents out."""
        if self.joint is not None:
            backward, slots = self.joint
            grads = backward(self, grad, *[values[slot] for slot in slots])
            for parent, grad_input in zip(self.parents, grads, strict=True):
                if parent is not None and (wanted is None or wanted(parent)):
                    yield parent, grad_input
            return
        rules = self.rules
        for index, parent in enumerate(self.parents):
            if parent is not None and (wanted is None or wanted(parent)):
                rule, slots = rules[index]
                yield parent, rule(self, grad, *[values[slot] for slot in slots])

    def release(self) -> None:
        """Drop the saved arrays; the node stays for pictures."""
        if self.saved:
            self.saved = None
        for name in self.scratch:
            self.saved = None
            if hasattr(self, name):
                delattr(self, name)

    # What PyTorch users know of a grad_fn.

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The operations that this one's gradients go to; leaves appear as `AccumulateGrad`."""
        return tuple(
            (AccumulateGrad(parent) if isinstance(parent, TensorBase) else parent, 0)
            for parent in self.parents
        )

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Handle:
        """Call `hook` with the gradient of this operation's result; what it returns replaces it."""
        return Handle(self.annotate().hooks, hook)

    def annotate(self) -> Notes:
        """The node's notes, made when first asked for."""
        if self.notes is None:
            self.notes = Notes()
        return self.notes

    def __repr__(self) -> str:
        return f"<{self.name}Backward0 object at {id(self):#x}>"


class AccumulateGrad:
    """The end of a path in the graph: the leaf whose `grad` the gradient is added to."""

    __slots__ = ("variable",)

    def __init__(self, variable: TensorBase) -> None:
        self.variable = variable

    name = "AccumulateGrad"
    next_functions = ()

    def __repr__(self) -> str:
        return f"<AccumulateGrad of a leaf of shape {self.variable.shape}>"


class Handle:
    """Takes a hook away again with `remove()`; also a context manager."""

    _ids: ClassVar[itertools.count[int]] = itertools.count()

    def __init__(self, hooks: dict[int, Any], hook: Any) -> None:
        self._hooks = hooks
        self.id = next(self._ids)
        hooks[self.id] = hook

    def remove(self) -> None:
        """Remove the hook; a second call does nothing."""
        self._hooks.pop(self.id, None)

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


class Alias(Operation):
    """z = x, as a node of its own: a place to catch the gradient of one use of x."""

    __slots__ = ()
    is_view = True

    def forward(self, x: Value) -> Value:
        return x[...]

    def grad_x(self, grad: Value) -> Value:
        return grad


class Output(Operation):
    """Result number `index` of an operation with several results, which is its only parent."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index

    @property
    def name(self) -> str:
        """The name of the operation that it is a result of."""
        return self.parents[0].name  # type: ignore[union-attr]


def apply(operation: Operation, *inputs: Any) -> Tensor:
    """Run an operation on tensors (and scalars or None, which are constants) and record it if need
    be.
    """
    arrays = []
    parents: list[Operation | TensorBase | None] = []
    mask = 0  # bit i: input i needs a gradient
    for index, x in enumerate(inputs):
        if isinstance(x, TensorBase):
            arrays.append(x.array)
            if x.view_of is not None and x.view_of.seen != x.version[1]:
                renew(x)
            node = x.node
            if node is not None:
                parents.append(node)
                mask |= 1 << index
            elif x.needs_grad:
                parents.append(x)
                mask |= 1 << index
            else:
                parents.append(None)
        else:
            arrays.append(x)
            parents.append(None)
    try:
        result = wrap(operation.forward(*arrays))
    except ValueError as error:
        raise _explained(operation, arrays, error) from None
    if operation.is_view:
        _mark_view(result, inputs[0], operation)
    if mask:
        mode = MODE.get()
        if mode.grad:
            record(operation, inputs, parents, mask, (result,), mode.scope)
            result.node = operation
            if mode.anomaly:
                _note_origin(operation, arrays, result.array)
    return result


def run(operation: Operation, *values: Value) -> Value:
    """Use an operation inside a rule: on arrays in the ordinary pass, recorded if `values[0]` is a
    tensor.
    """
    if isinstance(values[0], TensorBase):
        return apply(operation, *values)
    return operation.forward(*values)


def _explained(operation: Operation, inputs: Sequence[Any], error: ValueError) -> RuntimeError:
    """NumPy's complaint, with the operation and the shapes it was about."""
    shapes = " and ".join(str(x.shape) for x in inputs if isinstance(x, np.ndarray))
    return RuntimeError(
        f"{operation.name.lower()}: {str(error).rstrip('. ')} (the inputs have shapes {shapes})."
    )


def apply_multiple(operation: Operation, *inputs: Any) -> tuple[Tensor, ...]:
    """Like `apply`, for an operation whose `forward` returns several arrays."""
    arrays = [x.array if isinstance(x, TensorBase) else x for x in inputs]
    for x in inputs:
        if isinstance(x, TensorBase) and x.view_of is not None and x.view_of.seen != x.version[1]:
            renew(x)
    parents = [x.edge if isinstance(x, TensorBase) else None for x in inputs]
    mask = sum(1 << index for index, parent in enumerate(parents) if parent is not None)
    results = tuple(wrap(array) for array in operation.forward(*arrays))
    if operation.is_view:
        for index, result in enumerate(results):
            _mark_view(result, inputs[0], operation.part(index))
    mode = MODE.get()
    if mask and mode.grad:
        record(operation, inputs, parents, mask, results, mode.scope)
        if mode.anomaly:
            _note_origin(operation, arrays, *(result.array for result in results))
        for index, result in enumerate(results):
            if result.dtype.kind == "f":
                result.node = output_node(operation, index, result)
    return results


def output_node(operation: Operation, index: int, result: TensorBase) -> Output:
    """The node that leads from result number `index` to its operation."""
    node = Output(index)
    record(node, (), (operation,), 0, (result,), operation.scope)
    node.notes = None
    return node


def record(
    operation: Operation,
    inputs: Sequence[Any],
    parents: Sequence[Operation | TensorBase | None],
    mask: int,
    results: Sequence[TensorBase],
    scope: Scope | None,
) -> None:
    """Make the operation a node: parents, number, and what its rules need, with versions."""
    operation.parents = tuple(parents)
    operation.number = next(_numbers)
    operation.shape = results[0].array.shape
    operation.dtype = results[0].array.dtype
    operation.scope = scope
    operation.notes = None
    saved: dict[int, tuple[Any, list[int] | None, int]] = {}
    for slot in operation.plan(mask):
        x = inputs[slot] if slot >= 0 else results[-1 - slot]
        if isinstance(x, TensorBase):
            saved[slot] = (x.array, x.version, x.version[0])
        else:
            saved[slot] = (x, None, 0)
    operation.saved = saved


def _note_origin(operation: Operation, inputs: Sequence[Any], *outputs: Array) -> None:
    """Under `detect_anomaly`: the user's line, and whether NaN or infinity first appeared here."""
    notes = operation.annotate()
    package = __name__.partition(".")[0]
    frames = [
        frame
        for frame in traceback.extract_stack()
        if f"/{package}/" not in frame.filename.replace("\\", "/")
    ]
    notes.trace = "".join(traceback.format_list(frames[-1:])).rstrip() or None
    notes.nonfinite = not all(map(_finite, outputs)) and all(map(_finite, inputs))


def _finite(x: Any) -> bool:
    return not isinstance(x, np.ndarray) or x.dtype.kind != "f" or bool(np.isfinite(x).all())


# Views and in-place changes.


def _mark_view(result: TensorBase, x: TensorBase, operation: Operation) -> None:
    """Note that `result` looks into the memory of `x`, if it does (a reshape may have copied)."""
    base, owner = result.array.base, x.array
    if base is None or not (base is owner or base is owner.base):
        return
    result.version = x.version
    if x.view_of is None:
        result.view_of = View(x, (operation,))
    else:
        result.view_of = View(x.view_of.base, (*x.view_of.path, operation))


def renew(view: TensorBase) -> None:
    """Derive a view's node again from its base, whose graph an in-place operation has changed."""
    link = view.view_of
    assert link is not None
    current: TensorBase = link.base
    with switched(grad=True):
        for operation in link.path:
            current = apply(copy.copy(operation), current)
    view.node = current.node
    link.seen = view.version[1]


def attach(view: TensorBase) -> None:
    """Before a recorded change through a view: its node, also if the view was made while nothing
    was recorded.
    """
    link = view.view_of
    if (
        link is not None
        and (view.node is None or link.seen != view.version[1])
        and link.base.edge is not None
    ):
        renew(view)


class WriteView(Operation):
    """The base after a write through one of its views: `base[region] = value`."""

    __slots__ = ("order", "path")

    def __init__(self, base: Array, path: tuple[Operation, ...]) -> None:
        self.path = path  # of view operations that lead to the region
        # Of the dimensions in memory: in another one, a reshape in the path might copy.
        self.order = tuple(sorted(range(base.ndim), key=lambda dim: -abs(base.strides[dim])))

    def forward(self, base: Value, value: Value) -> Value:
        return base  # The write has happened already.

    def grad_base(self, grad: Value) -> Value:
        if isinstance(grad, TensorBase):
            keep = np.ones_like(grad.array)
            return grad * self.grad_base(keep)
        kept = np.empty([self.shape[dim] for dim in self.order], self.dtype).transpose(
            np.argsort(self.order)
        )
        kept[...] = grad
        region = kept
        for operation in self.path:
            region = operation.forward(region)
        region[...] = 0
        return kept

    def grad_value(self, grad: Value) -> Value:
        for operation in self.path:
            grad = run(copy.copy(operation), grad)
        return grad


def check_writable(tensor: TensorBase, name: str) -> None:
    """Refuse an in-place operation that would destroy a value which gradients are asked for."""
    if not tensor.array.flags.writeable:
        raise RuntimeError(
            f"{name}: this tensor cannot be written to. Several of its elements are one place in "
            "memory (expand), "
            "or it was made from a read-only array. Use a `.clone()` of it."
        )
    if not MODE.get().grad:
        return
    target = tensor if tensor.view_of is None or tensor.needs_grad else tensor.view_of.base
    if target.node is None and target.needs_grad:
        what = "a leaf tensor" if target is tensor else "a view of a leaf tensor"
        raise RuntimeError(
            f"{name}: {what} that requires grad cannot be changed in place while operations are "
            "recorded; "
            "the value that its gradient belongs to would be lost. Update parameters inside "
            "`with tg.no_grad():`, or compute a new tensor (`x = x + 1` instead of `x += 1`)."
        )


def rebind(tensor: TensorBase, node: Operation | None) -> None:
    """After a recorded in-place change: `node` made the new values of `tensor`, and of its base."""
    link = tensor.view_of
    if node is not None and tensor.node is not None and tensor.node.notes is not None:
        # A retained gradient is that of the tensor's present values.
        node.annotate().retain, tensor.node.notes.retain = tensor.node.notes.retain, None
    if link is not None:
        base = link.base
        write = WriteView(base.array, link.path)
        record(write, (), (base.edge, node), 0, (base,), MODE.get().scope)
        base.node = write
    tensor.version[1] += 1
    tensor.node = node
    if link is not None:
        link.seen = tensor.version[1]


def overwrite(tensor: TensorBase, operation: Operation, *others: Any) -> None:
    """`tensor.operation_(others)`: the result takes the place of the first input."""
    name = f"{operation.name.lower()}_"
    check_writable(tensor, name)
    if MODE.get().grad:
        attach(tensor)
    needs = [tensor.edge, *(x.edge for x in others if isinstance(x, TensorBase))]
    recording = MODE.get().grad and any(edge is not None for edge in needs)
    before: TensorBase = tensor
    if recording:
        # Rules save the values from before the change: let them have their own copy.
        before = wrap(tensor.array.copy(), tensor.node)
        others = tuple(
            wrap(x.array.copy(), x.node)
            if isinstance(x, TensorBase) and x.version is tensor.version
            else x
            for x in others
        )
    result = apply(operation, before, *others)
    if result.shape != tensor.shape:
        raise RuntimeError(
            f"{name}: the result has shape {result.shape}, but a tensor of shape {tensor.shape} "
            "cannot grow in place. Use the operation that makes a new tensor."
        )
    if not np.can_cast(result.dtype, tensor.dtype, "same_kind"):
        raise RuntimeError(
            f"{name}: result type {result.dtype} can't be cast to the tensor's {tensor.dtype}. "
            f"Convert first, for example `x = x.to(tg.{result.dtype})`."
        )
    tensor.array[...] = result.array
    tensor.version[0] += 1
    if recording:
        rebind(tensor, result.node)
