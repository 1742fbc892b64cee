"""What was done to gradients last: a reverse pass, and forgetting them. For `explain_grad`."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any
from weakref import ref

from .cuts import Place, place_of, user_spot

__all__ = ["LAST_PASS", "LAST_RESET", "Pass", "Reset", "next_event", "note_pass", "note_reset"]

_events = itertools.count()


def next_event() -> int:
    """The number of something that happens to gradients: later events have higher numbers."""
    return next(_events)


class Pass:
    """One run of `backward` or `autograd.grad` that came to its end."""

    __slots__ = ("_spot", "inputs", "kind", "number", "roots", "zero")

    def __init__(
        self, kind: str, roots: Iterable[Any], inputs: Iterable[Any] | None, zero: bool
    ) -> None:
        self.kind = kind
        self.number = next_event()
        self._spot = user_spot(3)
        # Weak: the memory of a pass keeps no graph alive.
        self.roots = [ref(root) for root in roots]
        self.inputs = None if inputs is None else [ref(edge) for edge in inputs]
        self.zero = zero  # the gradients to begin with were given, and were zero

    @property
    def place(self) -> Place | None:
        """The user's line."""
        return place_of(self._spot)

    def asked_for(self, edge: Any) -> bool:
        """Whether the pass was to compute the gradient of this node or leaf."""
        return self.inputs is None or any(wanted() is edge for wanted in self.inputs)


class Reset:
    """One call of `zero_grad`."""

    __slots__ = ("_spot", "number", "owner")

    def __init__(self, owner: Any) -> None:
        self.number = next_event()
        self.owner = ref(owner)
        self._spot = user_spot(3)

    @property
    def place(self) -> Place | None:
        """The user's line."""
        return place_of(self._spot)


LAST_PASS: ContextVar[Pass | None] = ContextVar("tinygrad_edu_last_pass", default=None)
LAST_RESET: ContextVar[Reset | None] = ContextVar("tinygrad_edu_last_reset", default=None)


def note_pass(
    kind: str, roots: Iterable[Any], inputs: Iterable[Any] | None, zero: bool = False
) -> None:
    """Remember a pass that has ended: as the last one, and at the operations it began with."""
    roots = list(roots)
    done = Pass(kind, roots, inputs, zero)
    for root in roots:
        if hasattr(root, "annotate"):  # A leaf is no operation, and has no notes.
            root.annotate().passed = done
    LAST_PASS.set(done)


def note_reset(owner: Any) -> None:
    """Remember that an optimizer or a module has forgotten the gradients of its parameters."""
    LAST_RESET.set(Reset(owner))
