"""The attributes of a module: parameters, buffers and modules are registered when assigned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ..ops.dtypes import type_name
from ..tensor import Tensor
from .parameter import Buffer, Parameter

if TYPE_CHECKING:
    from .module import Module

__all__ = ["Attributes", "similar"]

_TABLES = ("_parameters", "_buffers", "_modules")
_NEW_PARAMETER = (
    "Wrap it, nn.Parameter(tensor), or change the values that are there: "
    "`with tg.no_grad(): parameter.copy_(tensor)`."
)


class Attributes:
    """Tables of parameters, buffers and modules by name, which are read and set as attributes."""

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _non_persistent_buffers_set: set[str]
    _modules: dict[str, Module | None]

    def __init__(self) -> None:
        self.__dict__.update(
            training=True,
            _parameters={},
            _buffers={},
            _non_persistent_buffers_set=set(),
            _modules={},
        )

    def _get_name(self) -> str:
        return self.__class__.__name__

    def __setattr__(self, name: str, value: Any) -> None:
        attributes = self.__dict__
        if "_parameters" not in attributes:
            if isinstance(value, (Parameter, Buffer, Attributes)):
                raise AttributeError(_uninitialized(self, f"assigning the {_kind(value)} {name!r}"))
            object.__setattr__(self, name, value)
        elif isinstance(value, Parameter):
            self._forget(name, self._parameters)
            self.register_parameter(name, value)
        elif name in self._parameters:
            _expect_none(value, f"parameter {name!r}", "nn.Parameter", _NEW_PARAMETER)
            self._parameters[name] = None
        elif isinstance(value, Attributes):
            self._forget(name, self._modules)
            self.register_module(name, cast("Module", value))
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
            message = f"{self._get_name()!r} object has no attribute {name!r}{similar(self, name)}"
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
        Attributes.__init__(self)
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
        if module is not None and not isinstance(module, Attributes):
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


def _type_name(value: Any) -> str:
    return value.__name__ if isinstance(value, type) else type_name(value)


def _kind(value: Any) -> str:
    return "module" if isinstance(value, Attributes) else type(value).__name__.lower()


def _expect_none(value: Any, place: str, wanted: str, hint: str = "") -> None:
    """Refuse a value where only something `wanted` or None may stand."""
    if value is not None:
        given = _type_name(value)
        message = f"cannot assign {given!r} as {place} ({wanted} or None expected). {hint}"
        raise TypeError(message.rstrip())


def _uninitialized(module: Attributes, doing: str) -> str:
    return (
        f"{module._get_name()}: call super().__init__() in __init__ before {doing}. It makes the "
        "tables that parameters, buffers and submodules are registered in."
    )


def similar(module: Attributes, name: str) -> str:
    """A hint at names that resemble a missing one."""
    if name.startswith("__"):
        return ""
    from difflib import get_close_matches

    names = get_close_matches(name, [*dir(module), *module._modules], n=3)
    return f". Did you mean {' or '.join(map(repr, names))}?" if names else ""
