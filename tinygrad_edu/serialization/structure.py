"""Nested content and its description in JSON: {"model": ..., "epoch": 3} and back.

Arrays go into the file by name; everything around them becomes JSON, in which a list stands for a
list, null, true, numbers and strings for themselves, and `{"kind": ...}` for the rest:

    {"dict": [["epoch", 3], ["weight", {"tensor": "weight"}]]}
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from math import isfinite
from typing import Any

import numpy as np

from ..autograd.graph import Array, TensorBase, wrap
from ..device import device
from ..ops.dtypes import to_dtype

__all__ = ["Damaged", "describe", "restore"]

_MOST_LEVELS = 100
_CONTAINERS = (list, tuple, set, frozenset, dict, OrderedDict, Counter)
_MAPPINGS: dict[str, Callable[[Any], Any]] = {
    "dict": dict,
    "OrderedDict": OrderedDict,
    # Not Counter(pairs), which would count the pairs.
    "Counter": lambda pairs: Counter(dict(pairs)),
}
_SEQUENCES: dict[str, Callable[[Any], Any]] = {"tuple": tuple, "set": set, "frozenset": frozenset}


class Damaged(Exception):
    """A description that `describe` cannot have written."""


def describe(content: Any) -> tuple[Any, dict[str, Array]]:
    """The description of `content`, and the arrays in it by name.

    Raises TypeError for what is no data, with its place: obj["optimizer"]["hook"].
    """
    writer = _Describer()
    return writer.describe(content, "obj", "", 0), writer.arrays


class _Describer:
    """One walk through nested content."""

    def __init__(self) -> None:
        self.arrays: dict[str, Array] = {}
        self.above: set[int] = set()  # ids of the containers around the present place

    def describe(self, value: Any, place: str, name: str, level: int) -> Any:
        """The description of `value` at `place`; `name` is its arrays' name in the file."""
        kind = type(value)
        if value is None or kind in (bool, int, str):
            return value
        if kind is float:
            return value if isfinite(value) else {"float": str(value)}
        if isinstance(value, TensorBase):
            return self._tensor(value, place, name)
        if kind in _CONTAINERS:
            return self._container(value, place, name, level)
        if kind is np.ndarray:
            return {"array": self._store(value, place, name)}
        if isinstance(value, np.generic):
            return {"scalar": self._store(np.asarray(value), place, name)}
        if isinstance(value, np.dtype):
            return {"dtype": value.name}
        if kind is device:
            return {"device": str(value)}
        if kind is bytes:
            return {"bytes": value.hex()}
        raise TypeError(f"save: {place} is {_refusal(value)}")

    def _container(self, value: Any, place: str, name: str, level: int) -> Any:
        if id(value) in self.above:
            raise ValueError(f"save: {place} contains itself.")
        if level == _MOST_LEVELS:
            raise ValueError(f"save: {place} lies more than {_MOST_LEVELS} levels deep.")
        self.above.add(id(value))
        try:
            if isinstance(value, dict):
                return self._mapping(value, place, name, level)
            if isinstance(value, (set, frozenset)):
                # Their order changes from run to run; the file should not.
                items = self._items(sorted(value, key=repr), place, name, level)
            else:
                items = self._items(value, place, name, level)
            return items if type(value) is list else {type(value).__name__: items}
        finally:
            self.above.discard(id(value))

    def _items(self, values: Any, place: str, name: str, level: int) -> list[Any]:
        return [
            self.describe(value, f"{place}[{index}]", _joined(name, index), level + 1)
            for index, value in enumerate(values)
        ]

    def _mapping(self, mapping: Any, place: str, name: str, level: int) -> dict[str, Any]:
        pairs = [
            (
                self._key(key, place),
                self.describe(value, f"{place}[{_quoted(key)}]", _joined(name, key), level + 1),
            )
            for key, value in mapping.items()
        ]
        result: dict[str, Any] = {type(mapping).__name__: pairs}
        # The versions of the modules in a state_dict.
        metadata = getattr(mapping, "_metadata", None)
        if metadata is not None:
            result["metadata"] = self.describe(metadata, f"{place}._metadata", name, level + 1)
        return result

    def _key(self, key: Any, place: str) -> Any:
        if isinstance(key, (TensorBase, np.ndarray)):
            raise TypeError(f"save: a key of {place} is a {type(key).__name__}; use its name.")
        return self.describe(key, f"the key {key!r} of {place}", "", _MOST_LEVELS - 10)

    def _tensor(self, tensor: Any, place: str, name: str) -> dict[str, Any]:
        kind = type(tensor).__name__
        if kind not in ("Tensor", "Parameter", "Buffer"):
            raise TypeError(
                f"save: {place} is a {kind}, a tensor of a class of its own. Save the plain "
                "tensor, `x.detach()`."
            )
        result: dict[str, Any] = {"tensor": self._store(tensor.array, place, name)}
        if tensor.requires_grad:
            result["requires_grad"] = True
        if kind == "Parameter":
            result["parameter"] = True
        return result

    def _store(self, array: Array, place: str, name: str) -> str:
        """Take an array into the file, under a name that no other has."""
        try:
            if to_dtype(array.dtype).itemsize > 8:
                raise TypeError(f"{array.dtype} has no place in a safetensors file.")
        except TypeError as error:
            raise TypeError(f"save: {place} cannot be saved. {error}") from None
        name = (name or "value").encode("utf-8", "replace").decode()
        unique, number = name, 1
        while unique in self.arrays or unique == "__metadata__":
            number += 1
            unique = f"{name}#{number}"
        self.arrays[unique] = array
        return unique


def _joined(name: str, key: Any) -> str:
    return f"{name}.{key}" if name else str(key)


def _quoted(key: Any) -> str:
    return f'"{key}"' if isinstance(key, str) else repr(key)


def _refusal(value: Any) -> str:
    """What a value is that cannot be saved, and what to save instead."""
    kind = type(value)
    if isinstance(value, type) or (callable(value) and not hasattr(value, "state_dict")):
        name = getattr(value, "__qualname__", kind.__name__)
        return (
            f"{name}, and functions and classes are code, not data. Save its name, and the "
            "arguments to make it again."
        )
    hint = "Save what it consists of: tensors, numbers, strings, lists and dicts."
    for attribute, instead in (
        ("state_dict", "Save its state: `x.state_dict()`."),
        ("get_state", "Save its state: `x.get_state()`."),
        ("default_factory", "Save `dict(x)`."),
        ("_asdict", "Save `x._asdict()`."),
        ("__dataclass_fields__", "Save `dataclasses.asdict(x)`."),
        ("__fspath__", "Save `str(x)`."),
        ("_value_", "Save `x.value`."),
    ):
        if hasattr(value, attribute):
            hint = instead
            break
    article = "an" if kind.__name__[0] in "AEIOUaeiou" else "a"
    return f"{article} {kind.__name__}, which is not plain data. {hint}"


# Of Python, when a description is not what it should be; RecursionError is a RuntimeError.
_ERRORS = (AttributeError, LookupError, RuntimeError, StopIteration, TypeError, ValueError)


def restore(description: Any, arrays: dict[str, Array]) -> Any:
    """What `describe` described. Raises Damaged if it did not."""
    try:
        return _restore(description, arrays)
    except _ERRORS as error:
        raise Damaged(f"{type(error).__name__}: {error}") from None


def _restore(description: Any, arrays: dict[str, Array]) -> Any:
    if isinstance(description, list):
        return [_restore(item, arrays) for item in description]
    if not isinstance(description, dict):
        return description
    kind, value = next(iter(description.items()))
    if kind in _MAPPINGS:
        pairs = [(_restore(key, arrays), _restore(item, arrays)) for key, item in value]
        mapping = _MAPPINGS[kind](pairs)
        if "metadata" in description:
            mapping._metadata = _restore(description["metadata"], arrays)
        return mapping
    if kind in _SEQUENCES:
        return _SEQUENCES[kind]([_restore(item, arrays) for item in value])
    if kind == "tensor":
        return _restore_tensor(arrays[value], description)
    if kind == "array":
        return arrays[value]
    if kind == "scalar":
        return arrays[value][()]
    if kind in _SIMPLE:
        return _SIMPLE[kind](value)
    raise Damaged(f"it holds {kind!r}, which this version does not know")


_SIMPLE: dict[str, Callable[[Any], Any]] = {
    "float": float,
    "bytes": bytes.fromhex,
    "dtype": to_dtype,
    "device": device,
}


def _restore_tensor(array: Array, description: dict[str, Any]) -> Any:
    requires_grad = description.get("requires_grad", False)
    tensor = wrap(array)
    if description.get("parameter"):
        from ..nn.parameter import Parameter

        return Parameter(tensor, requires_grad)
    return tensor.requires_grad_(requires_grad)
