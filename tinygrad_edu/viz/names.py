"""What the boxes of a picture are called, and which of them belong to one call of a module."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from ..autograd.graph import Operation, TensorBase
from ..autograd.mode import Scope
from ..nn import Module, Parameter
from ..tensor import Tensor

__all__ = ["Calls", "Names"]


class Calls:
    """The calls of modules in which operations were recorded.

    `chain(scope)` leads from the outermost module that was running to the innermost one.
    """

    def __init__(self, nodes: Iterable[Operation]) -> None:
        self._chains: dict[int, tuple[Scope, ...]] = {}
        self._callers: set[int] = set()  # scopes in which another module was called
        for node in nodes:
            if node.scope is not None and id(node.scope) not in self._chains:
                self._add(node.scope)

    def _add(self, scope: Scope) -> None:
        known: list[Scope] = []
        current: Scope | None = scope
        while current is not None:
            known.append(current)
            current = current.parent
        self._chains[id(scope)] = tuple(reversed(known))
        self._callers.update(id(caller) for caller in known[1:])

    def roots(self) -> list[Module]:
        """The modules that no other module called, each once."""
        return list(
            {id(chain[0].module): chain[0].module for chain in self._chains.values()}.values()
        )

    def enclosing(self, scope: Scope | None, depth: int | None) -> Scope | None:
        """The call that stands for an operation in `scope`: at `depth`, or else the innermost one.

        None if the operation stands for itself: outside of modules, or in the `forward` of a module
        that calls others. (As part of that module's box, it would lead out of the others and in
        again.)
        """
        if scope is None:
            return None
        chain = self._chains[id(scope)]
        if depth is not None and len(chain) > depth:
            return chain[depth]
        return None if id(scope) in self._callers else scope


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
        roots = [*([] if model is None else [model]), *roots]
        for prefix, root in _prefixed(_outermost(roots)):
            for path, module in root.named_modules():
                where = f"{prefix}.{path}" if prefix and path else prefix or path
                self._modules.setdefault(id(module), where)
            for path, parameter in root.named_parameters():
                name = f"{prefix}.{path}" if prefix else path
                self._leaves.setdefault(id(parameter), name)
        for name, tensor in (names or {}).items():
            self._add(name, tensor)

    def _add(self, name: str, tensor: Tensor) -> None:
        if not isinstance(tensor, TensorBase):
            raise TypeError(f"names maps names to tensors; {name!r} is a {type(tensor).__name__}.")
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

    def operation(self, node: Operation) -> str:
        """The name of an operation, after that of its result if it was given one."""
        given = self._results.get(id(node))
        return node.name if given is None else f"{given}: {node.name}"

    def module(self, module: Module) -> str:
        """The path of a module and its class."""
        path = self._modules.get(id(module), "")
        return f"{path}: {type(module).__name__}" if path else type(module).__name__


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
