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
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from .cuts import Cuts, merged, note_cuts, unrecorded
from .mode import MODE, SCOPE, USUAL, Scope, switched
from .notes import AccumulateGrad, Handle, Notes, explained, hand_over, take_notes

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


def _parameters(function: Any) -> tuple[str, ...]:
    """Names of a function's parameters; `inspect.signature` takes 30 times as long, at import."""
    code = getattr(function, "__wrapped__", function).__code__
    return tuple(code.co_varnames[: code.co_argcount])


class TensorBase:
    """What recording and reverse pass know of a tensor: values, gradient, place in the graph."""

    __slots__ = (
        "__weakref__",
        "_grad",
        "array",  # the values; changing them directly is not noticed by autograd
        "cuts",  # where graphs ended that this tensor comes from, for `explain_grad`
        "hooks",  # functions on the gradient of a leaf, or None
        "needs_grad",  # a leaf's own wish; an intermediate result has a node instead
        "node",  # the operation that made this tensor, or None
        "version",  # [in-place changes, recorded ones], shared by all tensors on this memory
        "view_of",  # View, or None
    )

    array: Array
    cuts: Cuts
    node: Operation | None
    needs_grad: bool
    _grad: Tensor | None
    version: list[int]
    view_of: View | None
    hooks: dict[int, Callable[[Tensor], Tensor | None]] | None

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of each dimension, as a tuple."""
        return self.array.shape  # type: ignore[no-any-return]

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
    """Name the class that results are made of: `tensor.py`, which imports this module, does."""
    global _tensor_class  # noqa: PLW0603 - the one line that lets imports flow one way
    _tensor_class = cls
    return cls


def wrap(array: Any, node: Operation | None = None, version: list[int] | None = None) -> Tensor:
    """A tensor around an array, without a copy."""
    tensor = _new(_tensor_class)
    # NumPy answers with a scalar where a result has no dimension.
    tensor.array = array if type(array) is np.ndarray else np.asarray(array)
    tensor.cuts = ()
    tensor.node = node
    tensor.needs_grad = False
    tensor._grad = None
    tensor.version = [0, 0] if version is None else version
    tensor.view_of = None
    tensor.hooks = None
    return tensor  # type: ignore[return-value]


class View:
    """How a tensor looks into another one's memory: the base, and the operations from there."""

    __slots__ = ("base", "seen", "steps")

    def __init__(self, base: TensorBase, steps: tuple[Any, Operation]) -> None:
        self.base = base
        # The steps before (or None), and the last operation: a view of a view adds just one pair.
        self.steps = steps
        self.seen = base.version[1]  # the recorded in-place changes that this view's node knows of

    @property
    def path(self) -> tuple[Operation, ...]:
        """The operations that lead from the base to the view, in order."""
        found = []
        steps: tuple[Any, Operation] | None = self.steps
        while steps is not None:
            steps, operation = steps
            found.append(operation)
        return tuple(reversed(found))


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
    is_view: ClassVar[bool] = False  # its result looks into its input's memory
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
    part: Callable[[int], Operation]  # with `multiple`, if `is_view`: what makes result i alone

    def __init_subclass__(cls) -> None:
        """Read from the signatures which input each rule belongs to, and what it needs."""
        if "forward" in cls.__dict__ and "inputs" not in cls.__dict__:
            cls.inputs = _parameters(cls.forward)[1:]
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
        for name in _parameters(rule)[2:]:
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
    """Run an operation on tensors (and scalars or None, constants) and record it if need be."""
    arrays = []
    parents: list[Operation | TensorBase | None] = []
    mask = 0  # bit i: input i needs a gradient
    cuts: Cuts = ()
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
                if x.cuts:
                    cuts = merged(cuts, x.cuts) if cuts else x.cuts
        else:
            arrays.append(x)
            parents.append(None)
    try:
        result = wrap(operation.forward(*arrays))
    except (ValueError, OverflowError) as error:
        raise explained(operation.name, arrays, error) from None
    if operation.is_view:
        _mark_view(result, inputs[0], operation)
    if mask:
        mode = MODE.get()
        if mode.grad:
            record(operation, inputs, parents, mask, (result,))
            result.node = operation
            if cuts:
                operation.annotate().cuts = cuts
            if mode is not USUAL and (mode.anomaly or mode.values):
                take_notes(operation, mode, inputs, (result,))
        elif mode.cuts:
            result.cuts = unrecorded(mode.cuts, parents)
    elif cuts:
        result.cuts = cuts
    return result


def run(operation: Operation, *values: Value) -> Value:
    """Use an operation in a rule: on arrays, or recorded if `values[0]` is a tensor."""
    if isinstance(values[0], TensorBase):
        return apply(operation, *values)
    return operation.forward(*values)


def apply_multiple(operation: Operation, *inputs: Any) -> tuple[Tensor, ...]:
    """Like `apply`, for an operation whose `forward` returns several arrays."""
    arrays = [x.array if isinstance(x, TensorBase) else x for x in inputs]
    parents = [x.edge if isinstance(x, TensorBase) else None for x in inputs]
    mask = sum(1 << index for index, parent in enumerate(parents) if parent is not None)
    results = tuple(wrap(array) for array in operation.forward(*arrays))
    if operation.is_view:
        for index, result in enumerate(results):
            _mark_view(result, inputs[0], operation.part(index))
    mode = MODE.get()
    if mask and mode.grad:
        record(operation, inputs, parents, mask, results)
        if mode.anomaly or mode.values:
            take_notes(operation, mode, inputs, results)
        for index, result in enumerate(results):
            if result.dtype.kind == "f":
                result.node = output_node(operation, index, result)
    note_cuts(operation, inputs, parents, results, mode)
    return results


def output_node(operation: Operation, index: int, result: TensorBase) -> Output:
    """The node that leads from result number `index` to its operation."""
    node = Output(index)
    record(node, (), (operation,), 0, (result,))
    node.scope = operation.scope
    return node


def record(
    operation: Operation,
    inputs: Sequence[Any],
    parents: Sequence[Operation | TensorBase | None],
    mask: int,
    results: Sequence[TensorBase],
) -> None:
    """Make the operation a node: parents, number, and what its rules need, with versions."""
    operation.parents = tuple(parents)
    operation.number = next(_numbers)
    operation.shape = results[0].array.shape
    operation.dtype = results[0].array.dtype
    operation.scope = SCOPE.get()
    operation.notes = None
    saved: dict[int, tuple[Any, list[int] | None, int]] = {}
    for slot in operation.plan(mask):
        x = inputs[slot] if slot >= 0 else results[-1 - slot]
        if isinstance(x, TensorBase):
            saved[slot] = (x.array, x.version, x.version[0])
        else:
            saved[slot] = (x, None, 0)
    operation.saved = saved


# Views.


def _mark_view(result: TensorBase, x: TensorBase, operation: Operation) -> None:
    """Note that `result` looks into the memory of `x`, if it does (a reshape may have copied)."""
    base, owner = result.array.base, x.array
    if base is None or not (base is owner or base is owner.base):
        return
    result.version = x.version
    if x.view_of is None:
        result.view_of = View(x, (None, operation))
    else:
        result.view_of = View(x.view_of.base, (x.view_of.steps, operation))


def renew(view: TensorBase) -> None:
    """Derive a view's node again from its base, whose graph an in-place operation has changed."""
    link = view.view_of
    assert link is not None
    current: TensorBase = link.base
    with switched(grad=True):
        for operation in link.path:
            current = apply(copy.copy(operation), current)
    hand_over(view.node, current.node)
    view.node = current.node
    link.seen = view.version[1]
