"""Where a gradient arrives: hooks that see or replace it, and the `grad` that it is added to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from .graph import Operation, TensorBase, Value, wrap
from .mode import MODE
from .notes import Handle
from .passes import next_event

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "accumulate",
    "register_hook",
    "register_post_accumulate_grad_hook",
    "retain_grad",
    "run_node_hooks",
    "run_tensor_hooks",
]


class After:
    """Among the hooks of a leaf, one that is called when its `grad` is complete."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[[Tensor], None]) -> None:
        self.function = function


def register_hook(self: Tensor, hook: Callable[[Tensor], Tensor | None]) -> Handle:
    """Call `hook(gradient)` when this tensor's gradient is computed; its answer replaces it.

    Returns a handle with `remove()`. Raises RuntimeError for a tensor that does not require grad.
    PyTorch: `Tensor.register_hook`.

    >>> x = tg.tensor(1.0, requires_grad=True)
    >>> handle = x.register_hook(lambda grad: grad * 10)
    >>> (2 * x).backward()
    >>> x.grad
    tensor(20.)
    """
    if not self.requires_grad:
        raise RuntimeError(
            "register_hook: this tensor does not require grad, so the hook would never run. "
            "tg.explain_grad(x) says why."
        )
    if self.node is not None:
        return self.node.register_hook(hook)
    if self.hooks is None:
        self.hooks = {}
    return Handle(self.hooks, hook)


def register_post_accumulate_grad_hook(self: Tensor, hook: Callable[[Tensor], None]) -> Handle:
    """Call `hook(tensor)` each time `backward` has added to this leaf's `grad`.

    The hook may use and change the tensor and its gradient; it runs without recording, unless
    `create_graph=True`. Returns a handle with `remove()`. Raises RuntimeError for a tensor that was
    computed or does not require grad. PyTorch: `Tensor.register_post_accumulate_grad_hook`.

    >>> w = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> handle = w.register_post_accumulate_grad_hook(lambda w: w.sub_(0.5 * w.grad))
    >>> (w * w).sum().backward()
    >>> w
    tensor([0., 0.], requires_grad=True)
    """
    if self.node is not None or not self.needs_grad:
        state = "was computed" if self.node is not None else "does not require grad"
        raise RuntimeError(
            "register_post_accumulate_grad_hook: only leaf tensors that require grad accumulate a "
            f"gradient; this one {state}. For an intermediate result: `x.register_hook`."
        )
    if self.hooks is None:
        self.hooks = {}
    return Handle(self.hooks, After(hook))


def retain_grad(self: Tensor) -> None:
    """Keep the gradient of this intermediate result in `.grad`; nothing to do for a leaf.

    Raises RuntimeError for a tensor that does not require grad. PyTorch: `Tensor.retain_grad`.
    """
    if not self.requires_grad:
        raise RuntimeError(
            "retain_grad: this tensor does not require grad, so it will have no gradient. "
            "tg.explain_grad(x) says why."
        )
    if self.node is not None:
        notes = self.node.annotate()
        notes.retain, notes.since = ref(self), next_event()


def run_node_hooks(node: Operation, grad: Value, create_graph: bool) -> Value:
    """A node's hooks, in order of registration, then the tensor that retains its gradient."""
    notes = node.notes
    assert notes is not None
    if type(grad) is dict or not MODE.get().hooks:
        return grad
    grad = run_tensor_hooks(notes.hooks, grad, create_graph)
    tensor = None if notes.retain is None else notes.retain()
    if tensor is not None:
        accumulate(tensor, grad if create_graph else np.array(grad))
    return grad


def run_tensor_hooks(
    hooks: dict[int, Callable[..., Any]] | None, grad: Value, create_graph: bool
) -> Value:
    """Give the gradient to each hook; what a hook returns takes its place."""
    if not hooks:
        return grad
    for hook in list(hooks.values()):
        if isinstance(hook, After):
            continue
        given = grad if create_graph else wrap(np.array(grad))
        answer = hook(given)
        if answer is None:
            continue
        if not isinstance(answer, TensorBase) or answer.shape != grad.shape:
            got = (
                f"shape {answer.shape}" if isinstance(answer, TensorBase) else type(answer).__name__
            )
            raise RuntimeError(
                "A gradient hook must return None or a tensor of the gradient's shape "
                f"{grad.shape}; got {got}."
            )
        # A copy: the hook may return a tensor of its own, or the same one for two leaves.
        grad = (
            answer.to(grad.dtype, copy=True)  # type: ignore[attr-defined]
            if create_graph
            else np.array(answer.array, dtype=grad.dtype)
        )
    return grad


def accumulate(tensor: TensorBase, grad: Value) -> None:
    """Add a gradient, which nobody else owns, to `tensor.grad`."""
    before = tensor._grad
    if before is None:
        tensor._grad = grad if isinstance(grad, TensorBase) else wrap(grad)  # type: ignore[assignment]
    elif isinstance(grad, TensorBase):
        tensor._grad = before + grad  # type: ignore[arg-type]
    elif before.node is not None or not before.array.flags.writeable:
        tensor._grad = wrap(before.array + grad)
    else:
        np.add(before.array, grad, out=before.array)
        before.version[0] += 1
    for hook in list(tensor.hooks.values()) if tensor.hooks else ():
        if isinstance(hook, After):
            hook.function(tensor)
