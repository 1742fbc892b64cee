"""The tree of a module: its submodules, and everything that belongs to them, with their paths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from ..tensor import Tensor
from .attributes import Attributes, similar
from .parameter import Parameter

if TYPE_CHECKING:
    from .module import Module

__all__ = ["Tree"]

T = TypeVar("T")


class Tree(Attributes):
    """Walks over a module and all below it."""

    def get_submodule(self, target: str) -> Module:
        """The submodule at a path such as "encoder.0"; AttributeError if there is none."""
        module = cast("Module", self)
        for name in target.split(".") if target else ():
            child = module._modules.get(name)
            if child is None:
                what = "is not a module" if module._has(name) else "does not exist"
                hint = similar(module, name)
                raise AttributeError(
                    f"There is no submodule {target!r}: {name!r} {what} in "
                    f"{module._get_name()}{hint}"
                )
            module = child
        return module

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module at a path such as "encoder.0", in place of the one that may be there.

        Raises ValueError for an empty path or what is no module, AttributeError if there is no
        module to put it into; with `strict=True`, also if none is there yet.
        PyTorch: `Module.set_submodule`.

        >>> net = nn.Sequential(nn.Linear(2, 3), nn.Tanh())
        >>> net.set_submodule("1", nn.ReLU())
        >>> net[1]
        ReLU()
        """
        path, _, name = target.rpartition(".")
        if not name:
            raise ValueError("set_submodule: the path of the module must not be empty.")
        if not isinstance(module, Tree):
            raise ValueError(
                f"set_submodule: expected a module for {target!r}, got {type(module).__name__}."
            )
        parent = self.get_submodule(path)
        if parent._modules.get(name) is None and (strict or parent._has(name)):
            parent.get_submodule(name)  # for its message
        setattr(parent, name, module)

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
            hint = similar(module, name)
            raise AttributeError(
                f"There is no {kind} {target!r}: {name!r} {what} in {module._get_name()}{hint}"
            )
        return tensor  # type: ignore[no-any-return]

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all below it with their paths, each once; its own path is `prefix`."""
        memo = set() if memo is None else memo
        module = cast("Module", self)
        if module in memo:
            return
        if remove_duplicate:
            memo.add(module)
        yield prefix, module
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
            else [(prefix, cast("Module", self))]
        )
        for path, module in modules:
            for name, member in table(module).items():
                if member is None or id(member) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(member))
                yield f"{path}.{name}" if path else name, member

    def apply(self, fn: Callable[[Module], None]) -> Self:
        """Call `fn(module)` for every module below this one, and last for this one; returns self.

        >>> def zero_bias(module):
        ...     if isinstance(module, nn.Linear):
        ...         nn.init.zeros_(module.bias)
        >>> net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1)).apply(zero_bias)
        """
        for child in self.children():
            child.apply(fn)
        fn(cast("Module", self))
        return self
