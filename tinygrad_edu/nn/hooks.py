"""Hooks: functions that a module calls before and after its forward and backward pass."""

from __future__ import annotations

import copy
import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..autograd.graph import Alias, Operation, Value, apply, apply_multiple, wrap
from ..autograd.mode import MODE
from ..autograd.notes import Handle
from ..tensor import Tensor

if TYPE_CHECKING:
    from .module import Module

__all__ = [
    "Hooks",
    "call_with_hooks",
    "register_forward_hook",
    "register_forward_pre_hook",
    "register_full_backward_hook",
    "register_full_backward_pre_hook",
]


class ForwardHook(NamedTuple):
    """A function around `forward`, and how it is called."""

    function: Callable[..., Any]
    with_kwargs: bool
    always_call: bool = False


class Hooks:
    """The hooks of one module, by kind; made when the first one is registered."""

    def __init__(self) -> None:
        self.forward_pre: OrderedDict[int, ForwardHook] = OrderedDict()
        self.forward: OrderedDict[int, ForwardHook] = OrderedDict()
        self.backward_pre: OrderedDict[int, Callable[..., Any]] = OrderedDict()
        self.backward: OrderedDict[int, Callable[..., Any]] = OrderedDict()
        self.state_dict_pre: OrderedDict[int, Callable[..., None]] = OrderedDict()
        self.state_dict_post: OrderedDict[int, Callable[..., None]] = OrderedDict()
        self.load_pre: OrderedDict[int, Callable[..., None]] = OrderedDict()
        self.load_post: OrderedDict[int, Callable[..., None]] = OrderedDict()


def hooks_of(module: Module) -> Hooks:
    """The module's hooks, made when first asked for."""
    if module._hooks is None:
        module._hooks = Hooks()
    return module._hooks


def _register(table: OrderedDict[int, Any], hook: Any, prepend: bool) -> Handle:
    handle = Handle(table, hook)
    if prepend:
        table.move_to_end(handle.id, last=False)
    return handle


def register_forward_pre_hook(
    self: Module, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
) -> Handle:
    """Call `hook(module, args)` before every `forward`.

    What it returns, unless None, replaces `args`; a single value is taken as the only argument.
    `with_kwargs=True`: `hook(module, args, kwargs)` returns None or (args, kwargs), or RuntimeError
    is raised. `prepend=True`: before the hooks that are there. Returns a handle with `remove()`.
    PyTorch: `Module.register_forward_pre_hook`.

    >>> double = nn.Sequential()
    >>> handle = double.register_forward_pre_hook(lambda module, args: args[0] * 2)
    >>> double(tg.tensor(3.0))
    tensor(6.)
    """
    return _register(hooks_of(self).forward_pre, ForwardHook(hook, with_kwargs), prepend)


def register_forward_hook(
    self: Module,
    hook: Callable[..., Any],
    *,
    prepend: bool = False,
    with_kwargs: bool = False,
    always_call: bool = False,
) -> Handle:
    """Call `hook(module, args, output)` after every `forward`.

    What it returns, unless None, replaces the output. `with_kwargs=True`: `hook(module, args,
    kwargs, output)`. `prepend=True`: before the hooks that are there. `always_call=True`: also when
    `forward` raises, with the output None; an error of the hook is then a warning. Returns a handle
    with `remove()`. PyTorch: `Module.register_forward_hook`.

    >>> shapes = []
    >>> layer = nn.Linear(2, 3)
    >>> def note_shape(module, args, output):
    ...     shapes.append(output.shape)
    >>> handle = layer.register_forward_hook(note_shape)
    >>> _ = layer(tg.ones(5, 2))
    >>> shapes
    [(5, 3)]
    """
    return _register(hooks_of(self).forward, ForwardHook(hook, with_kwargs, always_call), prepend)


def register_full_backward_pre_hook(
    self: Module, hook: Callable[..., Any], prepend: bool = False
) -> Handle:
    """Call `hook(module, grad_output)` before gradients enter the module from behind.

    `grad_output` is a tuple with one gradient for each output, None where there is none. What the
    hook returns, unless None, replaces it. Returns a handle with `remove()`.
    PyTorch: `Module.register_full_backward_pre_hook`.
    """
    return _register(hooks_of(self).backward_pre, hook, prepend)


def register_full_backward_hook(
    self: Module, hook: Callable[..., Any], prepend: bool = False
) -> Handle:
    """Call `hook(module, grad_input, grad_output)` when the inputs' gradients are known.

    Both are tuples: one gradient for each positional argument and for each output, None where there
    is none. What the hook returns, unless None, replaces `grad_input`. If no input requires grad (a
    first layer), the hook runs as soon as `grad_output` is known, and cannot replace anything.
    Returns a handle with `remove()`. PyTorch: `Module.register_full_backward_hook`.

    >>> layer = nn.Linear(2, 3)
    >>> def clip(module, grad_input, grad_output):
    ...     return (grad_input[0].clamp(-1, 1),)
    >>> handle = layer.register_full_backward_hook(clip)
    """
    return _register(hooks_of(self).backward, hook, prepend)


def call_with_hooks(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`forward` with everything that was registered around it."""
    hooks = hooks_of(module)
    args, kwargs = _before_forward(module, hooks, args, kwargs)
    crossing = None
    if (hooks.backward or hooks.backward_pre) and MODE.get().grad:
        crossing = Crossing(module, hooks)
        args = crossing.enter(args)
    waiting = {id: hook for id, hook in hooks.forward.items() if hook.always_call}
    result = None
    try:
        result = module.forward(*args, **kwargs)
        for id, hook in list(hooks.forward.items()):
            waiting.pop(id, None)
            answer = _after_forward(module, hook, args, kwargs, result)
            if answer is not None:
                result = answer
    except Exception:
        for hook in waiting.values():
            try:
                _after_forward(module, hook, args, kwargs, result)
            except Exception as error:  # noqa: BLE001 - the first error is the one to report
                warnings.warn(
                    f"A forward hook of {module._get_name()} with always_call=True raised "
                    f"{type(error).__name__} ({error}) after forward had failed.",
                    stacklevel=2,
                )
        raise
    return result if crossing is None else crossing.leave(result)


def _before_forward(
    module: Module, hooks: Hooks, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    for hook in list(hooks.forward_pre.values()):
        if not hook.with_kwargs:
            answer = hook.function(module, args)
            if answer is not None:
                args = answer if isinstance(answer, tuple) else (answer,)
            continue
        answer = hook.function(module, args, kwargs)
        if answer is not None:
            if not isinstance(answer, tuple) or len(answer) != 2:
                raise RuntimeError(
                    "A forward pre-hook with with_kwargs=True must return None or a tuple of "
                    f"(new_args, new_kwargs), but got {answer!r}."
                )
            args, kwargs = answer
    return args, kwargs


def _after_forward(
    module: Module, hook: ForwardHook, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
) -> Any:
    if hook.with_kwargs:
        return hook.function(module, args, kwargs, result)
    return hook.function(module, args, result)


# Backward hooks: the tensors that enter and leave a module pass through identities in the graph.

Grads = tuple[Tensor | None, ...]


class BackwardHooks(Operation):
    """y1, ..., yn = x1, ..., xn        all gradients at once go through `function`"""

    __slots__ = ("function",)
    inputs = ()
    multiple = True
    owns_results = False  # They are what flows elsewhere too, or what a hook returned.

    def __init__(self, function: Callable[[dict[int, Value]], Sequence[Value]]) -> None:
        self.function = function

    def forward(self, *arrays: Value) -> tuple[Value, ...]:
        return arrays

    def backward(self, grads: dict[int, Value]) -> Sequence[Value]:
        if not MODE.get().hooks:
            return [grads.get(index) for index in range(len(self.parents))]
        return self.function(grads)


def _pass_through(
    values: tuple[Any, ...], function: Callable[[dict[int, Value]], Sequence[Value]]
) -> tuple[tuple[Any, ...], list[int]]:
    """Lead the tensors that need a gradient through one BackwardHooks node; also their places."""
    places = [i for i, x in enumerate(values) if isinstance(x, Tensor) and x.edge is not None]
    if not places:
        return values, places
    # Aliases, because in-place operations on what passed also change what came: the engine has
    # to know.
    aliases = [apply(Alias(), values[i]) for i in places]
    passed = list(values)
    results = apply_multiple(BackwardHooks(function), *aliases)
    for place, alias, result in zip(places, aliases, results, strict=True):
        alias.node = result.node
        passed[place] = alias
    return tuple(passed), places


class Crossing:
    """One call of a module: where the gradients of its outputs and of its inputs meet the hooks."""

    def __init__(self, module: Module, hooks: Hooks) -> None:
        self.module = module
        self.before = list(hooks.backward_pre.values())
        self.after = list(hooks.backward.values())
        self.inputs = self.outputs = 0  # how many, tensors or not
        self.input_places: list[int] = []  # of those that need a gradient
        self.output_places: list[int] = []
        self.grad_output: Grads | None = None

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Put the identity in front of the module."""
        self.inputs = len(args)
        args, self.input_places = _pass_through(args, self._at_inputs)
        return args

    def leave(self, result: Any) -> Any:
        """Put the identity behind the module, whatever it packs its outputs in."""
        if isinstance(result, Tensor):
            return self._leave((result,))[0]
        if isinstance(result, (tuple, list)):
            parts = self._leave(tuple(result))
            return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
        if isinstance(result, dict):
            parts = self._leave(tuple(result.values()))
            result = copy.copy(result)
            result.update(zip(result, parts, strict=True))
            return result
        raise TypeError(
            f"{self.module._get_name()} has backward hooks, so its forward must return a tensor, "
            f"or tensors in a tuple, list or dict; it returned {type(result).__name__}."
        )

    def _leave(self, outputs: tuple[Any, ...]) -> tuple[Any, ...]:
        self.outputs = len(outputs)
        outputs, self.output_places = _pass_through(outputs, self._at_outputs)
        return outputs

    def _at_outputs(self, grads: dict[int, Value]) -> Sequence[Value]:
        """The gradients of all outputs have arrived: the module's backward pass begins."""
        grad_output = _unfold(grads, self.output_places, self.outputs)
        replaced = False
        for hook in self.before:
            answer = hook(self.module, grad_output)
            if answer is not None:
                grad_output = _checked(answer, grad_output, "pre-hook", "grad_output")
                replaced = True
        self.grad_output = grad_output
        if not self.input_places:
            self._finish((None,) * self.inputs)
        return _fold(grad_output if replaced else None, grads, self.output_places)

    def _at_inputs(self, grads: dict[int, Value]) -> Sequence[Value]:
        """The gradients of all inputs have arrived: the module's backward pass is over."""
        if self.grad_output is None:  # They came past the outputs, by a tensor kept elsewhere.
            return _fold(None, grads, self.input_places)
        answer = self._finish(_unfold(grads, self.input_places, self.inputs))
        return _fold(answer, grads, self.input_places)

    def _finish(self, grad_input: Grads) -> Grads | None:
        """Run the hooks; the gradients that they put in place of `grad_input`, if they do."""
        grad_output, self.grad_output = self.grad_output, None
        replaced = None
        for hook in self.after:
            answer = hook(self.module, grad_input, grad_output)
            if answer is not None:
                grad_input = replaced = _checked(answer, grad_input, "hook", "grad_input")
        return replaced


def _unfold(grads: dict[int, Value], places: list[int], count: int) -> Grads:
    """Gradients as a hook sees them: tensors of its own, one for each input or output, or None."""
    seen: list[Tensor | None] = [None] * count
    for index, grad in grads.items():
        tensor: Any = grad if isinstance(grad, Tensor) else wrap(np.array(grad))
        seen[places[index]] = tensor
    return tuple(seen)


def _fold(replaced: Grads | None, grads: dict[int, Value], places: list[int]) -> Sequence[Value]:
    """Gradients as the engine wants them; those that arrived, unless hooks replaced them."""
    if replaced is None:
        return [grads.get(index) for index in range(len(places))]
    # Under create_graph=True all values are tensors.
    recording = any(isinstance(grad, Tensor) for grad in grads.values())
    chosen = [replaced[place] for place in places]
    return [grad if grad is None or recording else grad.array for grad in chosen]


def _checked(answer: Any, grads: Grads, kind: str, what: str) -> Grads:
    """What a hook returned in place of `grads`, as a tuple of the same length and shapes."""
    answers = answer if isinstance(answer, (tuple, list)) else (answer,)
    if len(answers) != len(grads):
        raise RuntimeError(
            f"A backward {kind} returned an invalid number of {what}: got {len(answers)}, but "
            f"expected {len(grads)}. Return None, or a tuple with one gradient (or None) for each."
        )
    for index, (new, old) in enumerate(zip(answers, grads, strict=True)):
        if new is None:
            continue
        if old is None:
            raise RuntimeError(
                f"A backward {kind} returned a gradient in {what}[{index}], where none is asked "
                "for: return None there."
            )
        if not isinstance(new, Tensor) or new.shape != old.shape:
            got = f"shape {new.shape}" if isinstance(new, Tensor) else type(new).__name__
            raise RuntimeError(
                f"A backward {kind} must return tensors of the gradients' shapes: {what}[{index}] "
                f"has shape {old.shape}; got {got}."
            )
    return tuple(answers)
