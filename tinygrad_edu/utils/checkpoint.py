"""Less memory for more time: what a part of a network saved is computed again when it is needed.

PyTorch: `torch.utils.checkpoint`.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView
from typing import Any
from weakref import ref

import numpy as np

from .. import random
from ..autograd.graph import Alias, Operation, TensorBase, apply, wrap
from ..autograd.mode import MODE, switched
from ..autograd.trees import leaves
from ..nn.containers import Sequential

__all__ = ["CheckpointError", "checkpoint", "checkpoint_sequential"]


class CheckpointError(RuntimeError):
    """The function did something else when it was called again."""


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,  # noqa: ARG001 - two ways in PyTorch, with one result
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """`function(*args, **kwargs)`, of which only the arguments are kept until the backward pass.

    The backward pass calls the function a second time, and takes from there what the rules need.
    Gradients are the same, also those of parameters that the function uses without taking them as
    arguments. Random numbers are drawn alike unless `preserve_rng_state=False`; what else the
    function changes, such as running averages, it changes twice. `use_reentrant` chooses one of two
    ways in PyTorch, and changes nothing here.

    Raises CheckpointError, a RuntimeError, in the backward pass if the second call records other
    operations than the first, or if an argument was changed in place since; ValueError for options
    of PyTorch that do not exist here. PyTorch: `torch.utils.checkpoint.checkpoint`.

    >>> from tinygrad_edu.utils.checkpoint import checkpoint
    >>> block = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2))
    >>> checkpoint(block, tg.ones(1, 2), use_reentrant=False).sum().backward()
    >>> block[0].weight.grad.shape
    (8, 2)
    """
    for name in ("context_fn", "determinism_check", "debug", "early_stop"):
        if name in kwargs:
            raise ValueError(f"checkpoint: {name} is not supported: leave it out.")
    if not MODE.get().grad:
        return function(*args, **kwargs)
    call = _Call(function, args, kwargs, preserve_rng_state)
    result, nodes = call.recorded()
    call.forget(nodes)
    return result


def checkpoint_sequential(
    functions: Any,
    segments: int,
    input: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
) -> Any:
    """The input led through modules in turn, in segments that are each a `checkpoint`.

    `functions` is a Sequential or a list; the last segment is not one, since it comes first in the
    backward pass. PyTorch: `torch.utils.checkpoint.checkpoint_sequential`.

    >>> from tinygrad_edu.utils.checkpoint import checkpoint_sequential
    >>> net = nn.Sequential(*[nn.Linear(2, 2) for _ in range(4)])
    >>> checkpoint_sequential(net, 2, tg.ones(1, 2)).shape
    (1, 2)
    """
    modules = list(functions.children() if isinstance(functions, Sequential) else functions)
    if not 1 <= segments <= len(modules):
        raise ValueError(
            f"checkpoint_sequential: {len(modules)} modules can be divided into 1 to "
            f"{len(modules)} segments; got {segments}."
        )
    size = len(modules) // segments
    for number in range(segments - 1):
        segment = modules[number * size : (number + 1) * size]
        input = checkpoint(
            _in_turn(segment),
            input,
            use_reentrant=use_reentrant,
            preserve_rng_state=preserve_rng_state,
        )
    return _in_turn(modules[(segments - 1) * size :])(input)


def _in_turn(modules: list[Any]) -> Callable[[Any], Any]:
    def run(x: Any) -> Any:
        for module in modules:
            x = module(x)
        return x

    return run


class _Forgotten(dict[int, Any]):
    """What stands for the saved arrays of a node, and has them computed when it is asked."""

    def __init__(self, call: _Call, index: int) -> None:
        super().__init__()
        self.call = call
        self.index = index  # of the node among those of the call

    def __bool__(self) -> bool:
        return True

    def items(self) -> ItemsView[int, Any]:  # type: ignore[override]
        self.call.restore()
        node = self.call.nodes[self.index]()
        assert node is not None
        assert node.saved is not None
        return node.saved.items()


class _Call:
    """One call of a function, which can be made again."""

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        preserve_rng_state: bool,
    ) -> None:
        self.function = function
        self.args = args
        self.kwargs = kwargs
        self.mode = MODE.get()
        self.random = random.get_rng_state() if preserve_rng_state else None
        self.versions = [
            (x, x.version[0]) for x in leaves([args, kwargs]) if isinstance(x, TensorBase)
        ]
        self.nodes: list[ref[Operation]] = []
        self.kinds: list[tuple[type[Operation], tuple[int, ...]]] = []

    def recorded(self) -> tuple[Any, list[Operation]]:
        """Call the function; its result, and the operations that led to it, in order."""
        mark = apply(Alias(), wrap(np.zeros(())).requires_grad_()).node
        assert mark is not None
        result = self.function(*self.args, **self.kwargs)
        found: set[Operation] = set()
        rest: list[Any] = [x.edge for x in leaves(result) if isinstance(x, TensorBase)]
        while rest:
            node = rest.pop()
            if isinstance(node, Operation) and node.number > mark.number and node not in found:
                found.add(node)
                rest.extend(node.parents)
        return result, sorted(found, key=lambda node: node.number)

    def forget(self, nodes: list[Operation]) -> None:
        """Drop what the nodes have saved."""
        for index, node in enumerate(nodes):
            self.nodes.append(ref(node))
            self.kinds.append((type(node), node.shape))
            held = [name for name in node.scratch if hasattr(node, name)]
            if node.saved or held:
                node.saved = _Forgotten(self, index)
            for name in held:
                delattr(node, name)

    def restore(self) -> None:
        """Call the function again, and give the nodes what it saves this time."""
        for tensor, version in self.versions:
            if tensor.version[0] != version:
                raise CheckpointError(
                    f"checkpoint: an argument of shape {tensor.shape} was changed by an in-place "
                    "operation, so the function cannot be called with it again. Change a "
                    "`.clone()`."
                )
        present = random.get_rng_state()
        try:
            if self.random is not None:
                random.set_rng_state(self.random)
            with switched(**self.mode._asdict()):
                _, nodes = self.recorded()
        finally:
            if self.random is not None:
                random.set_rng_state(present)
        kinds = [(type(node), node.shape) for node in nodes]
        if kinds != self.kinds:
            raise CheckpointError(
                f"checkpoint: the function recorded {_listed(self.kinds)} at first, and "
                f"{_listed(kinds)} when it was called again. It has to do the same each time."
            )
        for reference, again in zip(self.nodes, nodes, strict=True):
            node = reference()
            if node is not None and isinstance(node.saved, _Forgotten):
                node.saved = again.saved
                if isinstance(again.saved, _Forgotten):  # A checkpoint inside this one.
                    again.saved.call.nodes[again.saved.index] = reference
                for name in node.scratch:
                    if hasattr(again, name):
                        setattr(node, name, getattr(again, name))


def _listed(kinds: list[tuple[type[Operation], tuple[int, ...]]]) -> str:
    shown = ", ".join(f"{kind.__name__} {shape}" for kind, shape in kinds[:8])
    return f"{len(kinds)} operations ({shown}{', ...' if len(kinds) > 8 else ''})"
