"""What the boxes of a picture are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from ...autograd.graph import Operation, TensorBase
from ...nn import Module, Parameter
from ...tensor import Tensor

__all__ = ["Names", "checked"]


class Names:
    """Names of leaves, of modules, and of the results that the user named."""

    def __init__(
        self,
        roots: Iterable[Module],
        model: Module | None = None,
        names: Mapping[str, Tensor] | None = None,
    ) -> None:
        self._leaves: dict[int, str] = {}
        self._results: dict[int, str] = {}
        self._modules: dict[int, str] = {}
        named = checked(names)
        self.tensors = list(named.values())  # that the user has named
        roots = [*([] if model is None else [model]), *roots]
        for prefix, root in _prefixed(_outermost(roots)):
            for path, module in root.named_modules():
                where = f"{prefix}.{path}" if prefix and path else prefix or path
                self._modules.setdefault(id(module), where)
            for path, parameter in root.named_parameters():
                name = f"{prefix}.{path}" if prefix else path
                self._leaves.setdefault(id(parameter), name)
        for name, tensor in named.items():
            self._add(name, tensor)

    def _add(self, name: str, tensor: Tensor) -> None:
        edge = tensor.edge
        if edge is None:
            raise ValueError(
                f"{name!r}, of shape {tensor.shape}, is not in the graph: it does not require a "
                "gradient. Call its requires_grad_() before it is used, and it will be drawn."
            )
        (self._results if isinstance(edge, Operation) else self._leaves)[id(edge)] = name

    def leaf(self, leaf: TensorBase) -> str:
        """The name of a leaf, or what it is."""
        unnamed = "parameter" if isinstance(leaf, Parameter) else "leaf"
        return self._leaves.get(id(leaf), unnamed)

    def result(self, node: Operation) -> str | None:
        """The name that an operation's result was given."""
        return self._results.get(id(node))

    def path(self, module: Module) -> str:
        """The path of a module; empty for the outermost one, if there is just one."""
        return self._modules.get(id(module), "")

    def module(self, module: Module) -> str:
        """The path of a module and its class."""
        path = self.path(module)
        return f"{path}: {type(module).__name__}" if path else type(module).__name__


def checked(names: Mapping[str, Tensor] | None) -> dict[str, Tensor]:
    """The names that the user gave, if they are names and what they name are tensors."""
    if names is None:
        return {}
    if not isinstance(names, Mapping):
        raise TypeError(
            f'names maps names to tensors, as in names={{"x": x}}; got {type(names).__name__}.'
        )
    for name, tensor in names.items():
        if not isinstance(name, str):
            raise TypeError(f"names maps names to tensors; the name {name!r} is no text.")
        if not isinstance(tensor, TensorBase):
            raise TypeError(f"names maps names to tensors; {name!r} is a {type(tensor).__name__}.")
    return dict(names)


def _outermost(roots: Iterable[Module]) -> list[Module]:
    """Those of the modules that are not part of another one."""
    unique = list({id(root): root for root in roots}.values())
    inner = {id(part) for root in unique for part in root.modules() if part is not root}
    return [root for root in unique if id(root) not in inner]


def _prefixed(roots: list[Module]) -> Iterable[tuple[str, Module]]:
    """The modules, each with what tells it from the others; nothing if one alone has parameters."""
    owners = [root for root in roots if next(root.parameters(), None) is not None]
    if len(owners) < 2:
        yield from (("", root) for root in roots)
        return
    total = Counter(type(root).__name__ for root in owners)
    seen: Counter[str] = Counter()
    for root in roots:
        kind = type(root).__name__
        if root not in owners:
            yield "", root
        elif total[kind] == 1:
            yield kind, root
        else:
            yield f"{kind}[{seen[kind]}]", root
            seen[kind] += 1
