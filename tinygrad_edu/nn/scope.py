"""Where in a model something happens: the path of the running module, and errors that name it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from ..autograd.mode import Scope

if TYPE_CHECKING:
    from .module import Module

__all__ = ["describe", "module_path", "note_place"]


def describe(module: Module) -> str:
    """The module on one line; a module made of others is only named."""
    name = module._get_name()
    if module._modules:
        return name
    try:
        details = module.extra_repr()
    except Exception:  # noqa: BLE001 - on the way out with an error that matters more than this one
        details = "..."
    return f"{name}({' '.join(details.split())})"


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


def note_place(error: BaseException, scope: Scope) -> None:
    """Add to an error, once, where it was raised: `in net.2 (Linear(...)) of Classifier`."""
    if hasattr(error, "module_path"):
        return
    path, root = module_path(scope)
    error.module_path = path  # type: ignore[attr-defined]
    place = describe(scope.module)
    if path:
        place = f"{path} ({place}) of {root._get_name()}"
    error.add_note(f"in {place}")
