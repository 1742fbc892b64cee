"""The answer: a reason, sentences, the user's line, and the path through the graph."""

from __future__ import annotations

import html
import linecache
import os
from dataclasses import dataclass

from ..autograd.cuts import Place

__all__ = ["Explanation", "at", "visible"]


@dataclass(frozen=True, repr=False)
class Explanation:
    """Why a gradient is None or zero, or that nothing is wrong with it.

    `str()` and the prompt show the sentences. `reason` is a word for programs and tests: "present"
    if all is well. `place` is the user's line that the first sentence is about, a tuple (filename,
    line), or None. `path` leads from the loss to the tensor, as far as it is known.

    >>> w = tg.ones(2, requires_grad=True)
    >>> answer = tg.explain_grad(w, (3 * w).sum())
    >>> answer.reason
    'backward_not_called'
    """

    reason: str
    sentences: tuple[str, ...]
    place: Place | None = None
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join([*self.sentences, *(f"    {step}" for step in self.path)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """What a notebook shows: the same, with names as text."""
        lines = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in self.sentences)
        path = html.escape("\n".join(self.path))
        return f"<div>{lines}" + (f"<pre>{path}</pre>" if path else "") + "</div>"


def visible(text: str, limit: int = 80) -> str:
    """A name on one line: control characters spelled out, what is too long cut off."""
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[: limit + 1])
    return shown if len(text) <= limit and len(shown) <= 4 * limit else f"{shown[:limit]}…"


def at(place: Place | None) -> str:
    """` at script.py:12 (`h = h.detach()`)`, or nothing where the line is not known."""
    if place is None:
        return ""
    name = visible(os.path.basename(place.filename))
    source = visible(linecache.getline(place.filename, place.line).strip())
    return f" at {name}:{place.line}" + (f" (`{source}`)" if source else "")
