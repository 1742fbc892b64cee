"""Module: a part of a network that owns parameters, buffers and further modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Self, TypeVar

import numpy as np

from ..autograd.graph import wrap
from ..autograd.mode import SCOPE, Scope, no_grad
from ..ops import conversion
from ..ops.dtypes import DTypeLike
from ..tensor import Tensor
from . import hooks, state
from .parameter import Buffer, Parameter
from .scope import note_place

__all__ = ["Module"]

T = TypeVar("T")

_new = tuple.__new__


def _no_forward(self: Module, *inputs: Any) -> Any:
    """Compute the output. Every module that is called defines it."""
    raise NotImplementedError(
        f'Module [{self._get_name()}] is missing the required "forward" function: define '
        "forward(self, x), or call the modules inside it instead."
    )


class Module:
    """A part of a network: parameters, buffers, submodules, and `forward`, which uses them.

    Write a subclass: assign nn.Parameter, modules and buffers to attributes in `__init__`, after
    `super().__init__()`; define `forward`. Then `net(x)` computes, `net.parameters()` is what an
    optimizer changes, and `net.state_dict()` what is saved. PyTorch: `torch.nn.Module`.

    >>> class Line(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.slope = nn.Parameter(tg.tensor(2.0))
    ...
    ...     def forward(self, x):
    ...         return self.slope * x
    >>> line = Line()
    >>> line(3.0).backward()
    >>> line.slope.grad
    tensor(3.)
    """

    #: Raised by a class whose saved state changes its form; kept in the state_dict's metadata.
    _version: ClassVar[int] = 1

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _non_persistent_buffers_set: set[str]
    _modules: dict[str, Module | None]
    _hooks: hooks.Hooks | None = None

    forward: Callable[..., Any] = _no_forward

    def __init__(self) -> None:
        self.__dict__.update(
            training=True,
            _parameters={},
            _buffers={},
            _non_persistent_buffers_set=set(),
            _modules={},
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run `forward` and the hooks around it; operations recorded inside know this module."""
        outer = SCOPE.get()
        # Every layer of a small network pays this: without __new__ the tuple takes half as long.
        scope = _new(Scope, (self, outer))
        SCOPE.set(scope)
        try:
            if self._hooks is None:
                return self.forward(*args, **kwargs)
            return hooks.call_with_hooks(self, args, kwargs)
        except Exception as error:
            note_place(error, scope)
            raise
        finally:
            SCOPE.set(outer)

    # Attributes: parameters, buffers and modules are registered when they are assigned.

    def __setattr__(self, name: str, value: Any) -> None:
        attributes = self.__dict__
        if "_parameters" not in attributes:
            if isinstance(value, (Parameter, Buffer, Module)):
                raise AttributeError(_uninitialized(self, f"assigning the {_kind(value)} {name!r}"))
            object.__setattr__(self, name, value)
        elif isinstance(value, Parameter):
            self._forget(name, self._parameters)
            self.register_parameter(name, value)
        elif name in self._parameters:
            _expect_none(value, f"parameter {name!r}", "nn.Parameter", _NEW_PARAMETER)
            self._parameters[name] = None
        elif isinstance(value, Module):
            self._forget(name, self._modules)
            self.register_module(name, value)
        elif name in self._modules:
            _expect_none(value, f"child module {name!r}", "nn.Module")
            self._modules[name] = None
        elif isinstance(value, Buffer):
            self._forget(name, self._buffers)
            self.register_buffer(name, value, value.persistent)
        elif name in self._buffers:
            if not isinstance(value, Tensor):
                _expect_none(value, f"buffer {name!r}", "a tensor")
            self._buffers[name] = value
        else:
            object.__setattr__(self, name, value)

    def _forget(self, name: str, keep: dict[str, Any]) -> None:
        """Remove the attribute, except from `keep`, where its successor takes its place."""
        for table in (self.__dict__, self._parameters, self._buffers, self._modules):
            if table is not keep:
                table.pop(name, None)
        if keep is not self._buffers:
            self._non_persistent_buffers_set.discard(name)

    def __getattr__(self, name: str) -> Any:
        # Called only for what is no ordinary attribute.
        attributes = self.__dict__
        if "_parameters" in attributes:
            if name in (parameters := attributes["_parameters"]):
                return parameters[name]
            if name in (modules := attributes["_modules"]):
                return modules[name]
            if name in (buffers := attributes["_buffers"]):
                return buffers[name]
            if hasattr(type(self), name):
                # A property that raised AttributeError: once more, for its own message.
                return object.__getattribute__(self, name)
            message = f"{self._get_name()!r} object has no attribute {name!r}{_similar(self, name)}"
        else:
            message = _uninitialized(self, f"using {name!r}")
        raise AttributeError(message, name=name, obj=self)

    def __delattr__(self, name: str) -> None:
        for table in (self._parameters, self._buffers, self._modules):
            if name in table:
                del table[name]
                self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        own = (self.__dict__, *(self.__dict__.get(table, ()) for table in _TABLES))
        names = {*dir(type(self)), *(name for table in own for name in table)}
        return sorted(name for name in names if not name[:1].isdigit())

    def __setstate__(self, attributes: dict[str, Any]) -> None:
        """Take the state of a pickle or copy; what an older version did not have yet is empty."""
        Module.__init__(self)
        self.__dict__.update(attributes)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter; None reserves the name, for a part that is switched off (`bias=False`).

        Raises KeyError for a name that is empty, has a dot or is taken, TypeError for another value
        than a Parameter, ValueError for a tensor that was computed.
        """
        self._check_name(name, "parameter", self._parameters)
        if isinstance(param, Tensor) and param.node is not None:
            raise ValueError(
                f"Cannot assign the result of an operation to parameter {name!r}: parameters are "
                "leaves of the graph. Compute it in forward()."
            )
        if not isinstance(param, Parameter):
            _expect_none(param, f"parameter {name!r}", "nn.Parameter", _NEW_PARAMETER)
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is part of the state but not trained, such as a running mean.

        `persistent=False` leaves it out of the state_dict. Raises KeyError as `register_parameter`,
        TypeError for another value than a tensor or None.

        >>> module = nn.Module()
        >>> module.register_buffer("mean", tg.zeros(2))
        >>> module.mean
        tensor([0., 0.])
        """
        self._check_name(name, "buffer", self._buffers)
        if not isinstance(tensor, Tensor):
            _expect_none(tensor, f"buffer {name!r}", "a tensor", "Convert it: tg.tensor(...).")
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def register_module(self, name: str, module: Module | None) -> None:
        """Add a submodule.

        Raises KeyError as `register_parameter`, TypeError if it is no Module.
        """
        self._check_name(name, "module", self._modules)
        if module is not None and not isinstance(module, Module):
            hint = " Did you forget to call the class?" if isinstance(module, type) else ""
            raise TypeError(f"{_type_name(module)} is not a Module subclass.{hint}")
        self._modules[name] = module

    def add_module(self, name: str, module: Module | None) -> None:
        """Another name for `register_module`."""
        self.register_module(name, module)

    def _check_name(self, name: Any, kind: str, table: dict[str, Any]) -> None:
        if "_parameters" not in self.__dict__:
            raise AttributeError(_uninitialized(self, f"registering the {kind} {name!r}"))
        if not isinstance(name, str):
            raise TypeError(f"A {kind} name is a string; got {type(name).__name__}.")
        if "." in name:
            raise KeyError(f"a {kind} name must not contain a dot: {name} is a path")
        if name == "":
            raise KeyError(f"a {kind} name must not be empty")
        if name not in table and self._has(name):
            raise KeyError(f"attribute {name!r} already exists in {self._get_name()}")

    def _has(self, name: str) -> bool:
        """`hasattr`, without the search for similar names where there is no such attribute."""
        tables = (self.__dict__, self._parameters, self._buffers, self._modules)
        return hasattr(type(self), name) or any(name in table for table in tables)

    def get_submodule(self, target: str) -> Module:
        """The submodule at a path such as "encoder.0"; AttributeError if there is none."""
        module = self
        for name in target.split(".") if target else ():
            child = module._modules.get(name)
            if child is None:
                what = "is not a module" if module._has(name) else "does not exist"
                hint = _similar(module, name)
                raise AttributeError(
                    f"There is no submodule {target!r}: {name!r} {what} in "
                    f"{module._get_name()}{hint}"
                )
            module = child
        return module

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a path such as "encoder.0.weight"; AttributeError if there is none."""
        parameter = self._get_tensor(target, "parameter")
        assert isinstance(parameter, Parameter)
        return parameter

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a path such as "norm.running_mean"; AttributeError if there is none."""
        return self._get_tensor(target, "buffer")

    def _get_tensor(self, target: str, kind: str) -> Tensor:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        table: dict[str, Any] = module._parameters if kind == "parameter" else module._buffers
        tensor = table.get(name)
        if tensor is None:
            what = f"is not a {kind}" if module._has(name) else "does not exist"
            hint = _similar(module, name)
            raise AttributeError(
                f"There is no {kind} {target!r}: {name!r} {what} in {module._get_name()}{hint}"
            )
        return tensor  # type: ignore[no-any-return]

    # What there is.

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all below it with their paths, each once; its own path is `prefix`."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, child in self._modules.items():
            if child is not None:
                inner = f"{prefix}.{name}" if prefix else name
                yield from child.named_modules(memo, inner, remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """This module and all below it, each once."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below this one, each once, with their names."""
        seen: set[Module] = set()
        for name, child in self._modules.items():
            if child is not None and child not in seen:
                seen.add(child)
                yield name, child

    def children(self) -> Iterator[Module]:
        """The modules directly below this one, each once."""
        return (child for _, child in self.named_children())

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """The parameters with their paths, a shared one once.

        `recurse=False`: only this module's own.

        >>> [name for name, _ in nn.Sequential(nn.Linear(2, 3), nn.ReLU()).named_parameters()]
        ['0.weight', '0.bias']
        """
        return self._members(lambda module: module._parameters, prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters, a shared one once: what an optimizer is given."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """The buffers with their paths, a shared one once."""
        return self._members(lambda module: module._buffers, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers, a shared one once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def _members(
        self,
        table: Callable[[Module], dict[str, T | None]],
        prefix: str,
        recurse: bool,
        remove_duplicate: bool,
    ) -> Iterator[tuple[str, T]]:
        seen = set[int]()
        modules = (
            self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
            if recurse
            else [(prefix, self)]
        )
        for path, module in modules:
            for name, member in table(module).items():
                if member is None or id(member) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(member))
                yield f"{path}.{name}" if path else name, member

    # Saving and loading (state.py), hooks (hooks.py).

    state_dict = state.state_dict
    load_state_dict = state.load_state_dict
    _save_to_state_dict = state.save_to_state_dict
    _load_from_state_dict = state.load_from_state_dict
    register_state_dict_pre_hook = state.register_state_dict_pre_hook
    register_state_dict_post_hook = state.register_state_dict_post_hook
    register_load_state_dict_pre_hook = state.register_load_state_dict_pre_hook
    register_load_state_dict_post_hook = state.register_load_state_dict_post_hook
    register_forward_pre_hook = hooks.register_forward_pre_hook
    register_forward_hook = hooks.register_forward_hook
    register_full_backward_pre_hook = hooks.register_full_backward_pre_hook
    register_full_backward_hook = hooks.register_full_backward_hook

    # What can be done to all of it.

    def apply(self, fn: Callable[[Module], None]) -> Self:
        """Call `fn(module)` for every module below this one, and last for this one; returns self.

        >>> def zero_bias(module):
        ...     if isinstance(module, nn.Linear):
        ...         nn.init.zeros_(module.bias)
        >>> net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1)).apply(zero_bias)
        """
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Switch to training, or with False to evaluation; returns self.

        Dropout and batch normalization differ between the two. ValueError unless `mode` is a bool.
        """
        if not isinstance(mode, bool):
            raise ValueError(f"train(mode) takes True or False; got {type(mode).__name__}.")
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self) -> Self:
        """Switch to evaluation: `train(False)`. To record nothing: `with tg.no_grad():`."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Ask for gradients of all parameters, or with False freeze them. Returns self."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters; with `set_to_none=False` fill them with zeros."""
        for parameter in self.parameters():
            gradient = parameter.grad
            if set_to_none or gradient is None:
                parameter.grad = None
            elif gradient.requires_grad:  # made by create_graph=True; its graph needs the values
                parameter.grad = wrap(np.zeros_like(gradient.array))
            else:
                gradient.array.fill(0)
                gradient.version[0] += 1

    def _apply(self, fn: Callable[[Tensor], Tensor]) -> Self:
        """Replace the values of every parameter, gradient and buffer by `fn` of them.

        Parameters stay the same objects, so that an optimizer keeps working.
        """
        for child in self.children():
            child._apply(fn)
        with no_grad():
            for parameter in self._parameters.values():
                if parameter is None:
                    continue
                for tensor in (parameter, parameter.grad):
                    if tensor is not None and (new := fn(tensor.data)).array is not tensor.array:
                        tensor.data = new
            for name, buffer in self._buffers.items():
                self._buffers[name] = None if buffer is None else fn(buffer)
        return self

    def _convert(self, convert: Callable[[Tensor], Tensor]) -> Self:
        return self._apply(lambda tensor: convert(tensor) if tensor.is_floating_point() else tensor)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Convert floating parameters and buffers; returns self.

        `to(dtype)`, `to(tensor)` and `to("cpu")`, or a combination.

        Raises TypeError for a type that is not floating, RuntimeError for a device other than the
        CPU. PyTorch: `Module.to`.

        >>> nn.Linear(2, 3).to(tg.float64).weight.dtype
        dtype('float64')
        """
        dtype = conversion.to(Tensor(), *args, **kwargs).dtype
        if dtype.kind != "f":
            raise TypeError(
                "Module.to converts floating parameters and buffers to a floating type; got "
                f"{dtype}."
            )
        return self._convert(lambda tensor: conversion.to(tensor, *args, **kwargs))

    def type(self, dst_type: DTypeLike) -> Self:
        """Convert all parameters and buffers, also those that are not floating. Returns self."""
        return self._apply(lambda tensor: conversion.type(tensor, dst_type))

    def float(self) -> Self:
        """Convert floating parameters and buffers to float32. Returns self."""
        return self._convert(conversion.float)

    def double(self) -> Self:
        """Convert floating parameters and buffers to float64. Returns self."""
        return self._convert(conversion.double)

    def half(self) -> Self:
        """Convert floating parameters and buffers to float16. Returns self."""
        return self._convert(conversion.half)

    def cpu(self) -> Self:
        """This module: it is on the CPU already."""
        return self

    # How it is printed.

    def _get_name(self) -> str:
        return self.__class__.__name__

    def extra_repr(self) -> str:
        """What stands between the brackets when the module is printed; for layers to define."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        if len(lines) == 1 and not self._modules:
            return f"{self._get_name()}({extra})"
        lines += self._child_lines()
        if not lines:
            return f"{self._get_name()}()"
        return "\n  ".join([f"{self._get_name()}(", *lines]) + "\n)"

    def _child_lines(self) -> list[str]:
        return [f"({name}): {_indented(child)}" for name, child in self._modules.items()]


_TABLES = ("_parameters", "_buffers", "_modules")
_NEW_PARAMETER = (
    "Wrap it, nn.Parameter(tensor), or change the values that are there: "
    "`with tg.no_grad(): parameter.copy_(tensor)`."
)


def _indented(module: Module | None) -> str:
    return repr(module).replace("\n", "\n  ")


def _type_name(value: Any) -> str:
    return value.__name__ if isinstance(value, type) else type(value).__name__


def _kind(value: Any) -> str:
    return "module" if isinstance(value, Module) else type(value).__name__.lower()


def _expect_none(value: Any, place: str, wanted: str, hint: str = "") -> None:
    """Refuse a value where only something `wanted` or None may stand."""
    if value is not None:
        given = _type_name(value)
        message = f"cannot assign {given!r} as {place} ({wanted} or None expected). {hint}"
        raise TypeError(message.rstrip())


def _uninitialized(module: Module, doing: str) -> str:
    return (
        f"{module._get_name()}: call super().__init__() in __init__ before {doing}. It makes the "
        "tables that parameters, buffers and submodules are registered in."
    )


def _similar(module: Module, name: str) -> str:
    """A hint at names that resemble a missing one."""
    if name.startswith("__"):
        return ""
    from difflib import get_close_matches

    names = get_close_matches(name, [*dir(module), *module._modules], n=3)
    return f". Did you mean {' or '.join(map(repr, names))}?" if names else ""
