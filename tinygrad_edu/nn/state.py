"""Saving and loading the state of a module: its parameters and persistent buffers, by name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..autograd.graph import Array, wrap
from ..autograd.notes import Handle
from ..ops.dtypes import to_dtype
from ..tensor import Tensor
from .hooks import hooks_of
from .parameter import Parameter

if TYPE_CHECKING:
    from .module import Module

__all__ = [
    "IncompatibleKeys",
    "get_extra_state",
    "load_state_dict",
    "register_load_state_dict_post_hook",
    "register_load_state_dict_pre_hook",
    "register_state_dict_post_hook",
    "register_state_dict_pre_hook",
    "set_extra_state",
    "state_dict",
]


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict(strict=False)` did not find, and what it did not know."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return (
            f"IncompatibleKeys(missing_keys={self.missing_keys}, "
            f"unexpected_keys={self.unexpected_keys})"
        )


def own_state(module: Module) -> dict[str, Tensor]:
    """The module's own parameters and persistent buffers."""
    own: dict[str, Tensor] = {
        name: parameter for name, parameter in module._parameters.items() if parameter is not None
    }
    transient = module._non_persistent_buffers_set
    return own | {
        name: buffer
        for name, buffer in module._buffers.items()
        if buffer is not None and name not in transient
    }


def state_dict(
    self: Module,
    *,
    destination: Any = None,
    prefix: str = "",
    keep_vars: bool = False,
) -> OrderedDict[str, Tensor]:
    """All parameters and persistent buffers by their names, in order of registration.

    The tensors share the module's memory: copy them (`copy.deepcopy`) to keep a state while
    training goes on. They are detached unless `keep_vars=True`. `prefix` comes before every name;
    `destination` is a mapping to write into. PyTorch: `Module.state_dict`.

    >>> list(nn.Sequential(nn.Linear(2, 3), nn.ReLU()).state_dict())
    ['0.weight', '0.bias']
    """
    if destination is None:
        destination = OrderedDict()
        destination._metadata = OrderedDict()
    metadata = {"version": self._version}
    if hasattr(destination, "_metadata"):
        destination._metadata[prefix[:-1]] = metadata
    hooks = self._hooks
    for hook in list(hooks.state_dict_pre.values()) if hooks else ():
        hook(self, prefix, keep_vars)
    self._save_to_state_dict(destination, prefix, keep_vars)
    for name, child in self._modules.items():
        if child is not None:
            child.state_dict(
                destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars
            )
    for hook in list(hooks.state_dict_post.values()) if hooks else ():
        hook(self, destination, prefix, metadata)
    return destination  # type: ignore[no-any-return]


def save_to_state_dict(self: Module, destination: Any, prefix: str, keep_vars: bool) -> None:
    """Write this module's own tensors, not its submodules', into `destination`.

    Override it to save more.
    """
    for name, tensor in own_state(self).items():
        destination[prefix + name] = tensor if keep_vars else tensor.detach()
    if type(self).get_extra_state is not get_extra_state:
        destination[prefix + _EXTRA] = self.get_extra_state()


_EXTRA = "_extra_state"


def get_extra_state(self: Module) -> Any:
    """What the module saves beside its tensors, under the key `_extra_state`; for you to define.

    Whatever it returns is given to `set_extra_state` when the state is loaded.
    PyTorch: `Module.get_extra_state`.

    >>> class Counter(nn.Module):
    ...     count = 0
    ...     def get_extra_state(self):
    ...         return self.count
    ...     def set_extra_state(self, state):
    ...         self.count = state
    >>> dict(Counter().state_dict())
    {'_extra_state': 0}
    """
    raise RuntimeError(f"{self._get_name()} has no extra state: define get_extra_state to save it.")


def set_extra_state(self: Module, state: Any) -> None:
    """Take back what `get_extra_state` returned; for you to define.

    PyTorch: `Module.set_extra_state`.
    """
    del state
    raise RuntimeError(f"{self._get_name()} has no extra state: define set_extra_state to load it.")


def load_state_dict(
    self: Module, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
) -> IncompatibleKeys:
    """Copy tensors or arrays, by name, into the module's parameters and buffers.

    Memory and type of these stay as they are. `strict=True`: every name must be found, and
    known. `assign=True` puts the given tensors in place of the present ones instead of copying.
    Returns (missing_keys, unexpected_keys).

    Raises one RuntimeError that lists every missing and unexpected name and every shape that does
    not fit; shapes are checked also under `strict=False`. What fits has been copied by then.
    TypeError if `state_dict` is no mapping. PyTorch: `Module.load_state_dict`.

    >>> a, b = nn.Linear(2, 3), nn.Linear(2, 3)
    >>> b.load_state_dict(a.state_dict())
    <All keys matched successfully>
    >>> tg.equal(a.weight, b.weight)
    True
    """
    if not isinstance(state_dict, Mapping):
        raise TypeError(
            "load_state_dict expects a mapping from names to tensors, got "
            f"{type(state_dict).__name__}. The state of a module is `module.state_dict()`."
        )
    result = IncompatibleKeys([], [])
    errors: list[str] = []
    versions = getattr(state_dict, "_metadata", {})

    def load(module: Module, state: dict[str, Any], prefix: str) -> None:
        metadata = {**versions.get(prefix[:-1], {}), "assign_to_params_buffers": assign}
        module._load_from_state_dict(state, prefix, metadata, True, *result, errors)
        for name, child in module._modules.items():
            if child is not None:
                inner = f"{prefix}{name}."
                load(child, {k: v for k, v in state.items() if k.startswith(inner)}, inner)
        for hook in list(module._hooks.load_post.values()) if module._hooks else ():
            hook(module, result)

    load(self, dict(state_dict), "")
    if strict:
        found = {"Missing": result.missing_keys, "Unexpected": result.unexpected_keys}
        errors[:0] = [
            f"{title} key(s) in state_dict: {_quoted(keys)}. "
            for title, keys in found.items()
            if keys
        ]
    if errors:
        listing = "".join(f"\n\t{error}" for error in errors)
        raise RuntimeError(f"Error(s) in loading state_dict for {self._get_name()}:{listing}")
    return result


def _quoted(keys: list[str]) -> str:
    return ", ".join(f'"{key}"' for key in keys)


def load_from_state_dict(
    self: Module,
    state_dict: dict[str, Any],
    prefix: str,
    local_metadata: dict[str, Any],
    strict: bool,
    missing_keys: list[str],
    unexpected_keys: list[str],
    error_msgs: list[str],
) -> None:
    """Load this module's own tensors, not its submodules', and note in the lists what is wrong.

    Override it to read states of an earlier version of a module; `local_metadata["version"]` is the
    `_version` of the class that saved the state.
    """
    for hook in list(self._hooks.load_pre.values()) if self._hooks else ():
        hook(
            self,
            state_dict,
            prefix,
            local_metadata,
            strict,
            missing_keys,
            unexpected_keys,
            error_msgs,
        )
    own = own_state(self)
    assign = local_metadata.get("assign_to_params_buffers", False)
    for name, tensor in own.items():
        key = prefix + name
        if key in state_dict:
            try:
                _load_tensor(self, name, tensor, key, state_dict[key], assign)
            except _Unfit as error:
                error_msgs.append(str(error))
        elif strict:
            missing_keys.append(key)
    extra = type(self).set_extra_state is not set_extra_state
    if extra and prefix + _EXTRA in state_dict:
        self.set_extra_state(state_dict[prefix + _EXTRA])
    elif extra and strict:
        missing_keys.append(prefix + _EXTRA)
    if strict:
        names = {*own, _EXTRA} if extra else own.keys()
        for key in state_dict:
            name, dot, _ = key.removeprefix(prefix).partition(".")
            known = self._modules.get(name) is not None if dot else name in names
            if key.startswith(prefix) and not known:
                unexpected_keys.append(key)


class _Unfit(Exception):
    """A value that cannot be loaded; the message goes into the list of errors."""


def _load_tensor(
    module: Module, name: str, tensor: Tensor, key: str, value: Any, assign: bool
) -> None:
    array = _as_array(value, key)
    if array.shape != tensor.shape:
        raise _Unfit(
            f"size mismatch for {key}: copying a param with shape {array.shape} from checkpoint, "
            f"the shape in current model is {tensor.shape}."
        )
    if not assign:
        try:
            tensor.array[...] = array
        except ValueError as error:
            raise _Unfit(f'While copying the parameter named "{key}": {error}.') from None
        tensor.version[0] += 1
        return
    given = value if isinstance(value, Tensor) else wrap(array)
    if not isinstance(tensor, Parameter):
        given = given.detach()
    elif not isinstance(given, Parameter):
        given = Parameter(given, tensor.requires_grad)
    else:
        given.requires_grad_(tensor.requires_grad)
    setattr(module, name, given)


def _as_array(value: Any, key: str) -> Array:
    if isinstance(value, Tensor):
        return value.array
    if not hasattr(value, "__array__"):
        raise _Unfit(
            f'While copying the parameter named "{key}", expected a tensor or an array from '
            f"checkpoint but received {type(value).__name__}."
        )
    try:
        array = np.asarray(value)
        to_dtype(array.dtype)
    except (RuntimeError, TypeError, ValueError) as error:
        raise _Unfit(f'While copying the parameter named "{key}": {error}') from None
    return array


def register_state_dict_pre_hook(self: Module, hook: Callable[..., None]) -> Handle:
    """Call `hook(module, prefix, keep_vars)` before `state_dict`.

    PyTorch: `Module.register_state_dict_pre_hook`.
    """
    return Handle(hooks_of(self).state_dict_pre, hook)


def register_state_dict_post_hook(self: Module, hook: Callable[..., None]) -> Handle:
    """Call `hook(module, state_dict, prefix, local_metadata)` after `state_dict`.

    The hook changes the state in place.     PyTorch: `Module.register_state_dict_post_hook`.
    """
    return Handle(hooks_of(self).state_dict_post, hook)


def register_load_state_dict_pre_hook(self: Module, hook: Callable[..., None]) -> Handle:
    """Call `hook` before the module loads its tensors; it may rename what it finds in the state.

    Its arguments: module, state_dict, prefix, local_metadata, strict, missing_keys,
    unexpected_keys, error_msgs. PyTorch: `Module.register_load_state_dict_pre_hook`.
    """
    return Handle(hooks_of(self).load_pre, hook)


def register_load_state_dict_post_hook(self: Module, hook: Callable[..., None]) -> Handle:
    """Call `hook(module, incompatible_keys)` after the module has loaded.

    The hook may change the two lists in place.
    PyTorch: `Module.register_load_state_dict_post_hook`.
    """
    return Handle(hooks_of(self).load_post, hook)
