"""Parameters computed from others: symmetric, normed, masked. PyTorch: `nn.utils.parametrize`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ...autograd.mode import no_grad
from ...tensor import Tensor
from ..containers import ModuleDict, ModuleList
from ..module import Module
from ..parameter import Parameter

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "type_before_parametrizations",
]

#: Inside `cached()`, what was computed; None outside.
_cache: ContextVar[dict[tuple[int, str], Tensor] | None] = ContextVar("cache", default=None)


@contextmanager
def cached() -> Iterator[None]:
    """Inside, compute each parametrized tensor once instead of whenever it is asked for.

    PyTorch: `torch.nn.utils.parametrize.cached`.

    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 3))
    >>> layer.weight is layer.weight
    False
    >>> with nn.utils.parametrize.cached():
    ...     layer.weight is layer.weight
    True
    """
    outer = _cache.get()
    token = _cache.set({} if outer is None else outer)
    try:
        yield
    finally:
        _cache.reset(token)


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, applied one after the other to what it is made from.

    That is `original`, or `original0`, `original1`, ... if the `right_inverse` of the first one
    returns several tensors. Made by `register_parametrization`.
    PyTorch: `torch.nn.utils.parametrize.ParametrizationList`.
    """

    original: Tensor

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        shape, dtype = original.shape, original.dtype
        new: Any = original
        with no_grad():
            for module in reversed(list(self)):
                inverse = _right_inverse(module)
                if inverse is not None:
                    new = inverse(new)
        self.is_tensor = isinstance(new, Tensor)
        if self.is_tensor:
            if new.dtype != dtype:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the dtype: the "
                    f"original is {dtype}, right_inverse(original) {new.dtype}."
                )
            self.ntensors = 1
            # The tensor itself stays, so that an optimizer that knows it goes on.
            if new is not original:
                original.data = new.detach().clone()
            _register(self, "original", original)
        else:
            parts = _sequence(new)
            self.ntensors = len(parts)
            for index, part in enumerate(parts):
                value = part.detach().clone()
                if isinstance(original, Parameter):
                    value = Parameter(value, original.requires_grad)
                _register(self, f"original{index}", value)
        if not unsafe:
            _check_alike("Registering a parametrization", self(), shape, dtype)

    def right_inverse(self, value: Tensor) -> None:
        """Make the originals such that the parametrized tensor becomes `value`.

        Raises RuntimeError if a parametrization has no `right_inverse`.
        """
        new: Any = value
        with no_grad():
            for module in reversed(list(self)):
                inverse = _right_inverse(module)
                if inverse is None:
                    raise RuntimeError(
                        f"parametrization {type(module).__name__} does not implement "
                        "right_inverse, so the tensor cannot be assigned to. Change its original: "
                        "`module.parametrizations.<name>.original`."
                    )
                new = inverse(new)
            parts = [new] if self.is_tensor else _sequence(new)
            if len(parts) != self.ntensors or not isinstance(parts[0], Tensor):
                raise ValueError(
                    f"'right_inverse' must return {self.ntensors} tensors; got {len(parts)} of "
                    f"{type(parts[0]).__name__}."
                )
            for original, part in zip(self._originals(), parts, strict=True):
                if part.dtype != original.dtype:
                    raise ValueError(
                        f"A tensor returned by `right_inverse` has dtype {part.dtype}, while the "
                        f"original has dtype {original.dtype}."
                    )
                original.data = part.detach().clone()

    def _originals(self) -> list[Tensor]:
        if self.is_tensor:
            return [self.original]
        return [getattr(self, f"original{index}") for index in range(self.ntensors)]

    def forward(self) -> Tensor:
        """The parametrized tensor."""
        first, *others = self
        x = first(*self._originals())
        for module in others:
            x = module(x)
        return x  # type: ignore[no-any-return]


def _right_inverse(module: Module) -> Callable[[Any], Any] | None:
    return getattr(module, "right_inverse", None)


def _sequence(value: Any) -> list[Tensor]:
    if not isinstance(value, Sequence) or not all(isinstance(part, Tensor) for part in value):
        raise ValueError(
            "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). Got "
            f"{type(value).__name__}."
        )
    return list(value)


def _check_alike(what: str, new: Any, shape: tuple[int, ...], dtype: Any) -> None:
    if not isinstance(new, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(new).__name__}.")
    if new.dtype != dtype or new.shape != shape:
        raise ValueError(
            f"{what} may not change the dtype or shape of the tensor, unless the `unsafe` flag is "
            f"enabled: {dtype} of shape {shape} became {new.dtype} of shape {new.shape}."
        )


def _register(module: Module, name: str, tensor: Tensor) -> None:
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


class _Parametrized(Module):
    """Beside a layer's class, what makes its parametrized tensors appear as attributes."""

    def __getattr__(self, name: str) -> Any:
        lists = self.__dict__.get("_modules", {}).get("parametrizations", ())
        if name not in lists:
            return super().__getattr__(name)
        cache = _cache.get()
        if cache is None:
            return lists[name]()
        key = (id(self), name)
        if key not in cache:
            cache[key] = lists[name]()
        return cache[key]

    def __setattr__(self, name: str, value: Any) -> None:
        lists = self.__dict__.get("_modules", {}).get("parametrizations", ())
        if name in lists:
            lists[name].right_inverse(value)
        else:
            super().__setattr__(name, value)

    def __reduce_ex__(self, protocol: Any) -> Any:
        # Copies and pickles: the class is made anew from the layer's own.
        return _empty, (type_before_parametrizations(self),), self.__dict__


@functools.cache
def _parametrized(cls: Any) -> type[Module]:
    return type(f"Parametrized{cls.__name__}", (_Parametrized, cls), {"__module__": cls.__module__})


def _empty(cls: Any) -> Module:
    return object.__new__(_parametrized(cls))


def type_before_parametrizations(module: Module) -> type[Module]:
    """The layer's class as it was before a tensor of it was parametrized.

    PyTorch: `torch.nn.utils.parametrize.type_before_parametrizations`.

    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 3))
    >>> type(layer).__name__, nn.utils.parametrize.type_before_parametrizations(layer).__name__
    ('ParametrizedLinear', 'Linear')
    """
    cls = type(module)
    return cls.__bases__[1] if isinstance(module, _Parametrized) else cls


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether the tensor of this name, or any of the module, is parametrized.

    PyTorch: `torch.nn.utils.parametrize.is_parametrized`.

    >>> nn.utils.parametrize.is_parametrized(nn.Linear(2, 3))
    False
    """
    lists = module._modules.get("parametrizations")
    if not isinstance(lists, ModuleDict):
        return False
    return len(lists) > 0 if tensor_name is None else tensor_name in lists


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Let `module.<tensor_name>` be `parametrization(original)`, computed when it is asked for.

    The parameter (or buffer) itself becomes `module.parametrizations.<tensor_name>.original`; it is
    what an optimizer trains and `state_dict` saves. If the parametrization has a method
    `right_inverse`, the original begins as `right_inverse(parameter)`, and the tensor can be
    assigned to. Several parametrizations of one tensor are applied in order of registration.

    Raises ValueError if there is no such tensor, or if the parametrization changes type or shape
    and `unsafe` is False. PyTorch: `torch.nn.utils.parametrize.register_parametrization`.

    >>> class Symmetric(nn.Module):
    ...     def forward(self, x):
    ...         return (x + x.T) / 2
    >>> layer = nn.Linear(3, 3)
    >>> _ = nn.utils.parametrize.register_parametrization(layer, "weight", Symmetric())
    >>> tg.equal(layer.weight, layer.weight.T)
    True
    >>> [name for name, _ in layer.named_parameters()]
    ['bias', 'parametrizations.weight.original']
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        if not unsafe:
            before = getattr(module, tensor_name)
            after = parametrization(before)
            what = "Registering a parametrization"
            _check_alike(what, after, before.shape, before.dtype)
            inverse = _right_inverse(parametrization)
            if inverse is not None:
                what = "The right_inverse of a second parametrization"
                _check_alike(what, inverse(after), before.shape, before.dtype)
        lists: Any = module._modules["parametrizations"]
        lists[tensor_name].append(parametrization)
        lists[tensor_name].unsafe |= unsafe
        return module
    table: dict[str, Any] = (
        module._parameters if tensor_name in module._parameters else module._buffers
    )
    original = table.get(tensor_name)
    if original is None:
        raise ValueError(
            f"{type(module).__name__} does not have a parameter, a buffer, or a parametrized "
            f"element with name {tensor_name!r}."
        )
    found = ParametrizationList([parametrization], original, unsafe=unsafe)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        cls: Any = type(module)
        module.__class__ = _parametrized(cls)
        module.parametrizations = ModuleDict()
    lists = module._modules["parametrizations"]
    lists[tensor_name] = found
    return module


def remove_parametrizations(
    module: Module, tensor_name: str, leave_parametrized: bool = True
) -> Module:
    """Make the tensor an ordinary parameter (or buffer) again.

    It keeps its present value, or with `leave_parametrized=False` becomes the original. Raises
    ValueError if it is not parametrized, or made from several originals of which it cannot become
    one. PyTorch: `torch.nn.utils.parametrize.remove_parametrizations`.

    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 3))
    >>> nn.utils.parametrize.remove_parametrizations(layer, "weight")
    Linear(in_features=2, out_features=3, bias=True)
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(
            f"{type(module).__name__} does not have a parametrization on {tensor_name!r}."
        )
    lists: Any = module._modules["parametrizations"]
    found: ParametrizationList = lists[tensor_name]
    if not found.is_tensor and not leave_parametrized:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is "
            "parametrized in terms of a sequence of tensors."
        )
    with no_grad():
        value = found().detach().clone() if leave_parametrized else None
    tensor = found._originals()[0]
    if not found.is_tensor:
        assert value is not None
        needs = any(original.requires_grad for original in found._originals())
        tensor = Parameter(value) if isinstance(tensor, Parameter) else value
        tensor.requires_grad_(needs)
    elif value is not None:
        tensor.data = value
    del lists[tensor_name]
    if not lists:
        del module.parametrizations
        module.__class__ = type_before_parametrizations(module)
    _register(module, tensor_name, tensor)
    return module
