"""Where in a model something happens: the path of the running module, and errors that name it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextvars import ContextVar
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import ref

from ..autograd.graph import Operation
from ..autograd.mode import MODE, Scope
from ..ops.dtypes import type_name
from ..tensor import Tensor
from .advice import advice

if TYPE_CHECKING:
    from .module import Module

__all__ = ["describe", "explain", "module_path", "note_result"]

_PACKAGE = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")
_SIZES = (("in_features", "out_features"), ("in_channels", "out_channels"))


def describe(module: Module) -> str:
    """The module on one line: `Linear 100→10`, `ReLU()`; one made of others is only named."""
    name = module._get_name()
    if module._modules:
        return name
    try:
        details = " ".join(module.extra_repr().split())
    except Exception:  # noqa: BLE001 - on the way out with an error that matters more than this one
        return f"{name}(...)"
    for sizes in _SIZES:
        numbers = [getattr(module, size, None) for size in sizes]
        if all(isinstance(number, int) for number in numbers):
            # What is left of `1, 6, kernel_size=(5, 5)` or `in_features=1, out_features=6, ...`.
            _, _, rest = [*details.split(", ", 2), "", "", ""][:3]
            rest = rest.removesuffix("bias=True").removesuffix(", ")
            return f"{name} {numbers[0]}→{numbers[1]}" + (f", {rest}" if rest else "")
    return f"{name}({details})"


def _chain(scope: Scope) -> list[Module]:
    """The modules that are running, outermost first."""
    modules = []
    current: Scope | None = scope
    while current is not None:
        modules.append(current.module)
        current = current.parent
    return modules[::-1]


def _name_in(parent: Module, child: Module) -> str | None:
    """The child's path inside the parent, through containers that are never called themselves."""
    return next((name for name, module in parent.named_modules() if module is child), None)


def module_path(scope: Scope) -> tuple[str, Module]:
    """The path of the running module, and the outermost module that it starts from.

    A module that its caller does not hold as a submodule starts a path of its own.
    """
    chain = _chain(scope)
    root, names = chain[0], list[str]()
    for parent, child in pairwise(chain):
        name = _name_in(parent, child)
        if name is None:
            root, names = child, []
        elif name:
            names.append(name)
    return ".".join(names), root


# The last call that returned a tensor without a graph; tensors with one know where they are from.


# Weak references to the tensor and to the module; whether the forward pass is over. A plain tuple:
# layers that record nothing make one in each call.
_Returned: TypeAlias = tuple[Callable[[], Any], Callable[[], Any], bool]
_LAST: ContextVar[_Returned | None] = ContextVar("tinygrad_edu_last", default=None)


def note_result(module: Module, result: Any, outermost: bool) -> None:
    """Remember, without keeping it alive, which module made a tensor that has no graph."""
    if type(result) is tuple and result:  # Recurrent layers and attention.
        result = result[0]
    if not isinstance(result, Tensor) or result.node is not None:
        if outermost:
            _LAST.set(None)
        return
    last = _LAST.get()
    if last is None or last[0]() is not result:
        _LAST.set((ref(result), ref(module), outermost))
    elif outermost:  # A module inside this one returned the same tensor.
        _LAST.set((*last[:2], True))


# Errors.


def explain(error: Exception, scope: Scope, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Add to an error, once, in which layer it was raised, what that was given, and from where.

        in net.2 (Linear 100→10) of Classifier
        input: (32, 784) float32, from net.1 (Flatten(start_dim=1, end_dim=-1))

    Errors of this package say it in their message. Those of others get it as a note, which Python
    prints below the message.
    """
    last = _LAST.get()
    if scope.parent is None:
        _LAST.set(None)
    if "module_path" in vars(error):
        return
    path, root = module_path(scope)
    vars(error)["module_path"] = path
    module: Module = scope.module
    explained = _say_what_is_no_tensor(error, module, args)
    place = describe(module)
    lines = [f"in {path} ({place}) of {root._get_name()}" if path else f"in {place}"]
    lines += _inputs(scope, root, last, args, kwargs)
    hint = advice(module, args, str(error))
    text = "\n".join([*lines, hint] if hint else lines)
    own = type(error) in _OWN and len(error.args) == 1 and _raised_here(error)
    if own or explained:
        error.args = (f"{error.args[0]}\n{text}",)
    else:
        # Not add_note, which sets an attribute: an exception may refuse that.
        vars(error).setdefault("__notes__", []).append(text)


_OWN = (RuntimeError, ValueError, TypeError, IndexError)


def _say_what_is_no_tensor(error: Exception, module: Module, args: tuple[Any, ...]) -> bool:
    """Reword `'NoneType' object has no attribute 'ndim'`, which a layer's own code raised."""
    if not (
        isinstance(error, AttributeError)
        and args
        and not isinstance(args[0], Tensor)
        and type(module).__module__.startswith(f"{__package__}.")
        and _raised_here(error)
    ):
        return False
    hint = "Use tg.tensor(...)."
    if args[0] is None:
        hint = "Does the forward() that made it return its result?"
    error.args = (f"{module._get_name()}: the input is a tensor; got {type_name(args[0])}. {hint}",)
    error.name = error.obj = None
    return True


def _raised_here(error: Exception) -> bool:
    """Whether a line of this package raised the error, not one of the user or of another one."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code.co_filename.startswith(_PACKAGE)


def _inputs(
    scope: Scope,
    root: Module,
    last: _Returned | None,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> list[str]:
    """One line for each tensor that the module was given: name, shape, type, where it is from."""
    code = getattr(type(scope.module).forward, "__code__", None)
    names = code.co_varnames[1 : code.co_argcount] if code is not None else ()
    given = {names[i] if i < len(names) else f"argument {i}": x for i, x in enumerate(args)}
    lines = []
    for name, x in {**given, **kwargs}.items():
        if isinstance(x, Tensor):
            source = _origin(x, scope, root, last)
            lines.append(f"{name}: {x.shape} {x.dtype}" + (f", {source}" if source else ""))
    return lines


def _origin(x: Tensor, scope: Scope, root: Module, last: _Returned | None) -> str:
    """Which layer made a tensor, if that is known."""
    node = x.node
    caller = None if scope.parent is None else scope.parent.module
    if node is not None and node.scope is not None:
        if node.scope.module is not caller:
            return f"from {_place(node.scope, root)}"
        before = _layer_before(node, caller)
        after = f", after {_place(before, root)}" if before is not None else ""
        return f"from {node.name} in {caller._get_name()}.forward{after}"
    if last is None:
        return ""
    tensor, module, outermost = last[0](), last[1](), last[2]
    if module is None or _name_in(scope.module, module) is not None:
        return ""  # A part of the module that failed: it ran after the input had been made.
    name = _name_in(root, module)
    place = f"{name} ({describe(module)})" if name else describe(module)
    if tensor is x:
        return f"from {place}"
    if node is None and not MODE.get().grad and not outermost and name:
        return f"after {place}"
    return ""


def _place(scope: Scope, root: Module) -> str:
    path, other = module_path(scope)
    place = describe(scope.module)
    if not path:
        return place
    return f"{path} ({place})" + ("" if other is root else f" of {other._get_name()}")


def _layer_before(node: Operation, caller: Any) -> Scope | None:
    """The layer whose result the caller's own operations made `node`'s tensor from."""
    current: Any = node
    while isinstance(current, Operation):
        if current.scope is not None and current.scope.module is not caller:
            return current.scope
        current = next((p for p in current.parents if isinstance(p, Operation)), None)
    return None
