"""Operations that users write themselves: PyTorch's `autograd.Function`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .cuts import note_cuts
from .graph import Operation, TensorBase, Value, output_node, record, wrap
from .inplace import check_writable, rebind
from .mode import MODE, switched
from .notes import keep

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["Function", "FunctionCtx", "once_differentiable"]


class FunctionCtx:
    """What `forward` leaves for `backward`: saved tensors, and any attribute you set."""

    def __init__(self) -> None:
        self.needs_input_grad: tuple[bool, ...] = ()
        self.materialize_grads = True
        self.to_save: tuple[Any, ...] = ()
        self.dirty: tuple[Any, ...] = ()
        self.non_differentiable: tuple[Any, ...] = ()
        self._slots: list[int | None] = []
        self._values: dict[int, Value] | None = None

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep inputs or outputs (or None) for `backward`, protected against in-place changes."""
        for tensor in tensors:
            if tensor is not None and not isinstance(tensor, TensorBase):
                raise TypeError(
                    f"save_for_backward can only save tensors; got {type(tensor).__name__}. Set "
                    "anything else as an attribute: `ctx.size = ...`."
                )
        self.to_save = tensors

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What `save_for_backward` was given; available in `backward`."""
        if self._values is None:
            raise RuntimeError("ctx.saved_tensors is available in backward only.")
        values = self._values
        return tuple(None if slot is None else _as_tensor(values[slot]) for slot in self._slots)

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say that `forward` changed these inputs in place and returns them."""
        self.dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say that these results have no gradient."""
        self.non_differentiable = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether `backward` gets zeros (the default) or None for results that were not used."""
        self.materialize_grads = value


def _as_tensor(value: Value) -> Any:
    return value if isinstance(value, TensorBase) else wrap(value)


class _FunctionNode(Operation):
    """The node of a user's Function."""

    __slots__ = ("arguments", "ctx", "function", "multiple", "results")
    results: list[tuple[tuple[int, ...], np.dtype[Any]]]  # shapes and types
    owns_results = False  # A user's rule may return any array, such as one that it saved.

    def __init__(self, function: type[Function], ctx: FunctionCtx, arguments: int) -> None:
        self.function = function
        self.ctx = ctx
        self.arguments = arguments

    @property
    def name(self) -> str:
        """The name of the user's class."""
        return self.function.__name__

    def differentiate(
        self, grad: Value, values: dict[int, Value], wanted: Callable[[Any], bool] | None
    ) -> Iterable[tuple[Operation | TensorBase, Value]]:
        """Call the user's `backward` with tensors."""
        recording = MODE.get().grad
        given = grad if self.multiple else {0: grad}
        grads: list[Any] = []
        for index, (shape, dtype) in enumerate(self.results):
            part = given.get(index)
            if part is None and self.ctx.materialize_grads:
                part = np.zeros(shape, dtype)
            grads.append(
                part if part is None or isinstance(part, TensorBase) else wrap(np.array(part))
            )
        if recording:
            self._check_saved()
        self.ctx._values = values
        try:
            answer = self.function.backward(self.ctx, *grads)
        finally:
            self.ctx._values = None
        answers = answer if isinstance(answer, tuple) else (answer,)
        # As in PyTorch, arguments that the call left to their defaults may have a None, too.
        extra = answers[self.arguments :]
        if len(answers) < self.arguments or any(part is not None for part in extra):
            raise RuntimeError(
                f"{self.name}.backward returned {len(answers)} gradients, but forward took "
                f"{self.arguments} arguments: return one for each, None where there is none."
            )
        for index, (parent, part) in enumerate(zip(self.parents, answers, strict=False)):
            if parent is None or (wanted is not None and not wanted(parent)):
                continue
            if part is None:
                yield parent, None
                continue
            if not isinstance(part, TensorBase):
                raise TypeError(
                    f"{self.name}.backward must return tensors; gradient {index} is a "
                    f"{type(part).__name__}."
                )
            yield parent, part if recording else part.array

    def _check_saved(self) -> None:
        """Refuse saved tensors that have no place in the graph of a second derivative."""
        for slot, (value, _, _) in (self.saved or {}).items():
            if slot >= self.arguments and value.dtype.kind == "f":
                raise RuntimeError(
                    f"{self.name}: under create_graph=True, ctx.save_for_backward may hold inputs "
                    f"and outputs only; a saved tensor of shape {value.shape} is neither, so its "
                    "part of the second derivative would be missing. Save the inputs and compute "
                    "it again in backward, or mark backward with @once_differentiable."
                )


class Function:
    """An operation with a rule of your own.

    Subclass it with two static methods: `forward(ctx, *args)` computes the result (nothing inside
    is recorded), `backward(ctx, *grads)` returns one gradient for each argument of forward, None
    for those without. Use it through `apply`. What backward needs is kept with
    `ctx.save_for_backward(...)` and read from `ctx.saved_tensors`. Check the rule with
    `tinygrad_edu.testing.gradcheck`. As in PyTorch, `forward(*args)` and `setup_context(ctx,
    inputs, output)` may be written apart.

    PyTorch: `torch.autograd.Function`.

    >>> class Square(tg.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x
    ...
    ...     @staticmethod
    ...     def backward(ctx, grad):
    ...         (x,) = ctx.saved_tensors
    ...         return 2 * x * grad
    >>> x = tg.tensor(3.0, requires_grad=True)
    >>> Square.apply(x).backward()
    >>> x.grad
    tensor(6.)
    """

    setup_context: ClassVar[Callable[..., None] | None] = None

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the result."""
        raise NotImplementedError("A Function needs a static method forward(ctx, *args).")

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Compute the gradients of the arguments from those of the results."""
        raise NotImplementedError(
            "This Function has no static method backward(ctx, *grads), so it has no gradient."
        )

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Compute the result and record this operation."""
        ctx = FunctionCtx()
        edges = [x.edge if isinstance(x, TensorBase) else None for x in args]
        recording = MODE.get().grad and any(edge is not None for edge in edges)
        ctx.needs_input_grad = tuple(edge is not None for edge in edges)
        with switched(grad=False):
            if cls.setup_context is None:
                answer = cls.forward(ctx, *args)
            else:
                answer = cls.forward(*args)
                cls.setup_context(ctx, args, answer)
        results = list(answer) if isinstance(answer, (tuple, list)) else [answer]
        for index, result in enumerate(results):
            if not isinstance(result, TensorBase) or any(result is x for x in ctx.dirty):
                continue
            shared = any(isinstance(x, TensorBase) and x.version is result.version for x in args)
            if shared or result.node is not None or result.needs_grad:
                # An input as it came in, or a view of one: it needs memory and a place in the graph
                # of its own. In-place changes would derive it from its base, past this backward.
                results[index] = wrap(result.array.copy())
            result.view_of = None  # of a tensor that was made in forward, where nothing is recorded
        for tensor in ctx.dirty:
            if recording:
                check_writable(tensor, cls.__name__)
            tensor.version[0] += 1
        if recording:
            _record(cls, ctx, args, edges, results, answer)
        return tuple(results) if isinstance(answer, (tuple, list)) else results[0]


def _record(
    function: type[Function],
    ctx: FunctionCtx,
    args: Any,
    edges: list[Any],
    results: list[Any],
    answer: Any,
) -> None:
    node = _FunctionNode(function, ctx, len(args))
    node.multiple = len(results) != 1  # type: ignore[misc]
    tensors = [x if isinstance(x, TensorBase) else wrap(np.empty(0)) for x in results]
    node.results = [(x.shape, x.dtype) for x in tensors]
    returned = list(answer) if isinstance(answer, (tuple, list)) else [answer]
    saved: dict[int, tuple[Any, list[int] | None, int]] = {}
    for tensor in ctx.to_save:
        if tensor is None:
            ctx._slots.append(None)
            continue
        places = [
            i for i, x in enumerate(args) if x is tensor and not any(x is d for d in ctx.dirty)
        ]
        places += [-1 - i for i, x in enumerate(returned) if x is tensor]
        slot = places[0] if places else len(args) + len(saved)
        ctx._slots.append(slot)
        saved[slot] = (tensor.array, tensor.version, tensor.version[0])
    extra = max([slot + 1 - len(args) for slot in saved] + [0])
    record(node, (), [*edges, *[None] * extra], 0, tensors)
    node.saved = saved
    if MODE.get().values:
        keep(node.annotate(), args, tensors)
    # Kept above by value; holding the tensors too would tie a result to its own node.
    ctx.to_save = ()
    dirty, ctx.dirty = ctx.dirty, ()
    without, ctx.non_differentiable = ctx.non_differentiable, ()
    for index, result in enumerate(results):
        if not isinstance(result, TensorBase) or result.dtype.kind != "f":
            continue
        if any(result is x for x in without):
            continue
        target: Operation = output_node(node, index, result) if node.multiple else node
        if any(result is x for x in dirty):
            rebind(result, target)
        else:
            result.node = target
    note_cuts(node, args, edges, [x for x in results if isinstance(x, TensorBase)], MODE.get())


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a Function's `backward` as not differentiable: `create_graph=True` is refused.

    PyTorch: `torch.autograd.function.once_differentiable`.

    >>> class Twice(tg.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         return 2 * x
    ...
    ...     @staticmethod
    ...     @tg.autograd.function.once_differentiable
    ...     def backward(ctx, grad):
    ...         return 2 * grad
    """

    @functools.wraps(backward)
    def wrapper(ctx: Any, *grads: Any) -> Any:
        if MODE.get().grad:
            raise RuntimeError(
                "This Function's backward is marked @once_differentiable: it cannot be used with "
                "create_graph=True. Write backward with tensor operations and remove the mark."
            )
        return backward(ctx, *grads)

    return wrapper
