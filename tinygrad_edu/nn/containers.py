"""Containers: modules and parameters in a sequence or under names."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, TypeVar, overload

from ..ops.dtypes import type_name
from ..tensor import Tensor
from .module import Module, _indented
from .parameter import Parameter

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]

T = TypeVar("T")


def _position(index: Any, length: int) -> int:
    """An index into a sequence, counted from its beginning."""
    position: int = operator.index(index)
    if not -length <= position < length:
        raise IndexError(f"index {position} is out of range: there are {length} elements")
    return position % length


def _pairs(values: Any, name: str) -> list[tuple[str, Any]]:
    """The items of a mapping or of an iterable of pairs."""
    if isinstance(values, (Mapping, ModuleDict, ParameterDict)):
        return list(values.items())
    if not isinstance(values, Iterable):
        raise TypeError(
            f"{name}.update takes a mapping or an iterable of key/value pairs, but got "
            f"{type(values).__name__}."
        )
    pairs = []
    for index, pair in enumerate(values):
        if not isinstance(pair, Iterable):
            raise TypeError(
                f"{name}.update: element {index} is a {type(pair).__name__}, not a pair."
            )
        key_and_value = tuple(pair)
        if len(key_and_value) != 2:
            raise ValueError(
                f"{name}.update: element {index} has length {len(key_and_value)}; a pair has 2."
            )
        pairs.append(key_and_value)
    return pairs


def _elements(values: Any, name: str) -> list[Any]:
    """The elements of an iterable that is not a tensor or a module by itself."""
    iterable = isinstance(values, (Iterable, ModuleList, Sequential, ParameterList))
    if not iterable or isinstance(values, Tensor):
        raise TypeError(
            f"{name} takes an iterable, but got {type(values).__name__}: put it in a list."
        )
    return list(values)


class _Chain(Module):
    """What Sequential and ModuleList share: modules in order, named by their numbers."""

    def _set(self, modules: Iterable[Module]) -> None:
        """Make these the modules, numbered anew."""
        modules = list(modules)
        self._modules.clear()
        for number, module in enumerate(modules):
            self.register_module(str(number), module)

    def _name(self, index: Any) -> str:
        return list(self._modules)[_position(index, len(self))]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._modules.values()))

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._name(index), module)

    def __delitem__(self, index: int | slice) -> None:
        modules = list(self)
        del modules[index if isinstance(index, slice) else _position(index, len(self))]
        self._set(modules)

    def append(self, module: Module) -> Self:
        """Add a module at the end; returns self."""
        number = len(self)
        while (
            str(number) in self._modules
        ):  # under a name that was given, as in Sequential(OrderedDict(...))
            number += 1
        self.register_module(str(number), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add modules at the end; returns self."""
        for module in _elements(modules, f"{self._get_name()}.extend"):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Put a module before the one at `index`, and number all anew; returns self."""
        if not isinstance(module, Module):
            raise TypeError(f"{type_name(module)} is not a Module subclass.")
        if not -len(self) <= index <= len(self):
            raise IndexError(f"index {index} is out of range: there are {len(self)} modules")
        modules = list(self)
        modules.insert(index, module)
        self._set(modules)
        return self

    def pop(self, index: int | slice = -1) -> Any:
        """Take out the module at `index` and return it; the others are numbered anew."""
        module = self[index]  # type: ignore[index]
        del self[index]
        return module


class Sequential(_Chain):
    """Modules called one after the other: the output of each is the input of the next.

    From modules, or from a dictionary that names them. Indexing gives a module, slicing a
    Sequential of the same modules. PyTorch: `torch.nn.Sequential`.

    >>> net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    >>> net(tg.ones(5, 2)).shape
    (5, 1)
    >>> net[0]
    Linear(in_features=2, out_features=3, bias=True)
    """

    @overload
    def __init__(self, *modules: Module) -> None: ...

    @overload
    def __init__(self, modules: Mapping[str, Module], /) -> None: ...

    def __init__(self, *modules: Any) -> None:
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], Mapping):
            for name, module in modules[0].items():
                self.register_module(name, module)
            return
        if len(modules) == 1 and isinstance(modules[0], (list, tuple)):
            raise TypeError(
                "Sequential takes modules, not a list of them: unpack it with "
                "nn.Sequential(*layers)."
            )
        self._set(modules)

    def forward(self, input: Any) -> Any:
        """Apply the modules in turn."""
        for module in self._modules.values():
            input = module(input)  # type: ignore[misc]
        return input

    @overload
    def __getitem__(self, index: int) -> Any: ...

    @overload
    def __getitem__(self, index: slice) -> Self: ...

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            part = type(self)()
            for name, module in list(self._modules.items())[index]:
                part.register_module(name, module)
            return part
        return self._modules[self._name(index)]

    def __add__(self, other: Sequential) -> Sequential:
        if not isinstance(other, Sequential):
            raise ValueError(
                f"Sequential + {type(other).__name__}: only another Sequential can be added; a "
                "single module is added by net.append(module)."
            )
        return Sequential(*self, *other)

    def __iadd__(self, other: Sequential) -> Self:
        if not isinstance(other, Sequential):
            raise ValueError(
                f"Sequential += {type(other).__name__}: only another Sequential can be added; use "
                "net.extend(modules)."
            )
        return self.extend(other)

    def __mul__(self, times: int) -> Sequential:
        if not isinstance(times, int):
            raise TypeError(
                f"A Sequential is repeated by a whole number; got {type(times).__name__}."
            )
        if times <= 0:
            raise ValueError(f"A Sequential is repeated 1 or more times; got {times}.")
        return Sequential(*list(self) * times)

    __rmul__ = __mul__

    def __imul__(self, times: int) -> Self:
        return self.extend(list(self * times)[len(self) :])


class ModuleList(_Chain):
    """A list of modules whose parameters are found. It has no `forward`.

    A plain Python list as an attribute hides its modules from `parameters()`, `state_dict()` and
    `to()`. PyTorch: `torch.nn.ModuleList`.

    >>> blocks = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
    >>> blocks
    ModuleList(
      (0-2): 3 x Linear(in_features=4, out_features=4, bias=True)
    )
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    @overload
    def __getitem__(self, index: int) -> Any: ...

    @overload
    def __getitem__(self, index: slice) -> Self: ...

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return self._modules[self._name(index)]

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *_elements(other, "ModuleList + ...")])

    def __iadd__(self, other: Iterable[Module]) -> Self:
        return self.extend(other)

    def _child_lines(self) -> list[str]:
        """Equal neighbours share a line."""
        runs: list[tuple[int, int, str]] = []  # first, last, text
        for number, module in enumerate(self):
            text = _indented(module)
            if runs and runs[-1][2] == text:
                runs[-1] = (runs[-1][0], number, text)
            else:
                runs.append((number, number, text))
        return [
            f"({first}): {text}"
            if first == last
            else f"({first}-{last}): {last - first + 1} x {text}"
            for first, last, text in runs
        ]


class ModuleDict(Module):
    """A dictionary of modules that are registered, in order of insertion. It has no `forward`.

    Keys are names as of attributes: no dots, and none that a module has already (KeyError).
    PyTorch: `torch.nn.ModuleDict`.

    >>> heads = nn.ModuleDict({"digit": nn.Linear(8, 10), "parity": nn.Linear(8, 2)})
    >>> heads["parity"](tg.ones(1, 8)).shape
    (1, 2)
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None):
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Any:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.register_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Remove all modules."""
        self._modules.clear()

    def pop(self, key: str) -> Any:
        """Take out the module of this name and return it; KeyError if there is none."""
        return self._modules.pop(key)

    def get(self, key: str, default: Any = None) -> Any:
        """The module of this name, or `default`."""
        return self._modules.get(key, default)

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._modules.keys()

    def values(self) -> Iterable[Any]:
        """The modules."""
        return self._modules.values()

    def items(self) -> Iterable[tuple[str, Any]]:
        """The names and modules."""
        return self._modules.items()

    def update(
        self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | ModuleDict
    ) -> None:
        """Add or replace modules from a mapping or from pairs."""
        for key, module in _pairs(modules, "ModuleDict"):
            self[key] = module


def _line(name: object, value: Any) -> str:
    """An element of a ParameterList or ParameterDict when printed."""
    if not isinstance(value, Tensor):
        return f"  ({name}): Object of type: {type(value).__name__}"
    size = "x".join(map(str, value.shape))
    kind = "Parameter" if isinstance(value, Parameter) else type(value).__name__
    return f"  ({name}): {kind} containing: [{value.dtype} of size {size}]"


def _parameter(value: Any) -> Any:
    """Tensors become parameters; anything else stays as it is."""
    if isinstance(value, Tensor) and not isinstance(value, Parameter):
        return Parameter(value)
    return value


class ParameterList(Module):
    """A list of parameters; tensors become Parameters when they are put in.

    Other values may stand in it, too. PyTorch: `torch.nn.ParameterList`.

    >>> weights = nn.ParameterList([tg.ones(2), tg.zeros(2, 3)])
    >>> [name for name, _ in weights.named_parameters()]
    ['0', '1']
    """

    _size: int

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return iter([getattr(self, str(index)) for index in range(self._size)])

    @overload
    def __getitem__(self, index: int) -> Any: ...

    @overload
    def __getitem__(self, index: slice) -> Self: ...

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return getattr(self, str(_position(index, self._size)))

    def __setitem__(self, index: int, value: Any) -> None:
        setattr(self, str(_position(index, self._size)), _parameter(value))

    def append(self, value: Any) -> Self:
        """Add a value at the end; returns self."""
        setattr(self, str(self._size), _parameter(value))
        self._size += 1
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add values at the end; returns self."""
        for value in _elements(values, "ParameterList.extend"):
            self.append(value)
        return self

    def __iadd__(self, values: Iterable[Any]) -> Self:
        return self.extend(values)

    def extra_repr(self) -> str:
        """A line for each element."""
        return "\n".join(_line(index, value) for index, value in enumerate(self))


class ParameterDict(Module):
    """A dictionary of parameters; tensors become Parameters when they are put in.

    Keys are strings, as of attributes. Other values than tensors may stand in it, too.
    PyTorch: `torch.nn.ParameterDict`.

    >>> scales = nn.ParameterDict({"left": tg.ones(2)})
    >>> scales["right"] = tg.zeros(2)
    >>> sorted(scales.state_dict())
    ['left', 'right']
    """

    _keys: dict[str, None]

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._keys = {}
        if parameters is not None:
            self.update(parameters)

    def __getitem__(self, key: str) -> Any:
        self._check_key(key)
        if key not in self._keys:
            raise KeyError(key)
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        self._check_key(key)
        if key not in self._keys and hasattr(self, key):
            raise KeyError(f"attribute {key!r} already exists in {self._get_name()}")
        setattr(self, key, _parameter(value))
        self._keys[key] = None

    def __delitem__(self, key: str) -> None:
        self._check_key(key)
        del self._keys[key]
        delattr(self, key)

    @staticmethod
    def _check_key(key: object) -> None:
        if not isinstance(key, str):
            raise TypeError(f"Keys of a ParameterDict are strings; got {type(key).__name__}.")

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._keys))

    def __reversed__(self) -> Iterator[str]:
        return reversed(list(self._keys))

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def keys(self) -> Iterable[str]:
        """The keys, in order of insertion."""
        return self._keys.keys()

    def values(self) -> Iterable[Any]:
        """The values, in order of insertion."""
        return [self[key] for key in self._keys]

    def items(self) -> Iterable[tuple[str, Any]]:
        """The keys and values, in order of insertion."""
        return [(key, self[key]) for key in self._keys]

    def get(self, key: str, default: Any = None) -> Any:
        """The value of this key, or `default`."""
        if key not in self:
            return default
        return self[key]

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The value of this key; `default` is put in if there is none."""
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: str) -> Any:
        """Take out the value of this key and return it; KeyError if there is none."""
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, Any]:
        """Take out the last key and value and return them; KeyError if there are none."""
        if not self._keys:
            raise KeyError("popitem(): the ParameterDict is empty")
        key = next(reversed(self))
        return key, self.pop(key)

    def clear(self) -> None:
        """Remove everything."""
        for key in self:
            del self[key]

    def copy(self) -> ParameterDict:
        """A new dictionary with the same values."""
        return ParameterDict(self)

    @classmethod
    def fromkeys(cls, keys: Iterable[str], default: Any = None) -> Self:
        """A dictionary with the same value, on shared memory, for each key."""
        return cls((key, default) for key in keys)

    def update(self, values: Any) -> None:
        """Add or replace values from a mapping or from pairs."""
        for key, value in _pairs(values, "ParameterDict"):
            self[key] = value

    def __or__(self, other: Any) -> ParameterDict:
        merged = self.copy()
        merged.update(other)
        return merged

    def __ror__(self, other: Any) -> ParameterDict:
        merged = ParameterDict(other)
        merged.update(self)
        return merged

    def __ior__(self, other: Any) -> Self:
        self.update(other)
        return self

    def extra_repr(self) -> str:
        """A line for each element."""
        return "\n".join(_line(key, value) for key, value in self.items())
