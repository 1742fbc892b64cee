"""Picture: a graphviz graph that works, as far as it can, without the program that lays it out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import graphviz

__all__ = ["Picture", "plain"]

_INSTALL = (
    "The program `dot`, which lays pictures out, was not found. Install Graphviz: "
    "`apt install graphviz`, `brew install graphviz`, or from https://graphviz.org/download/. "
)
_SHOWN = 3000  # statements that dot lays out in seconds; ten times as many would take minutes
_LINE = 80  # characters


class Picture(graphviz.Digraph):  # type: ignore[misc] # graphviz ships no type information
    """A `graphviz.Digraph` that needs the program `dot` only to be laid out.

    `source` is the DOT text and `save("graph.dot")` writes it; `render("graph", format="svg")`,
    also "png" or "pdf", writes it laid out, and `pipe(format="svg")` returns that, with
    RuntimeError where `dot` is missing. At the end of a notebook cell a picture shows itself.

    >>> x = tg.tensor(2.0, requires_grad=True)
    >>> tg.viz.draw(x * x).save("square.dot")
    'square.dot'
    """

    def render(self, *arguments: Any, **options: Any) -> str:
        """Write the DOT text, lay it out as SVG, PNG, PDF..., and return the name of that file.

        The arguments are those of `graphviz.Digraph.render`. Without `dot` the DOT text is written
        all the same, and RuntimeError says where.
        """
        try:
            return str(super().render(*arguments, **options))
        except graphviz.ExecutableNotFound:
            raise RuntimeError(f"{_INSTALL}The DOT text is in {self.filepath}.") from None

    def pipe(self, *arguments: Any, **options: Any) -> Any:
        """The picture as bytes, or as text with `encoding="utf-8"`: see `graphviz.Digraph.pipe`."""
        try:
            return super().pipe(*arguments, **options)
        except graphviz.ExecutableNotFound:
            raise RuntimeError(f"{_INSTALL}The DOT text is in `.source`.") from None

    def _repr_mimebundle_(
        self,
        include: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """What a notebook shows: the picture, or text where it cannot be laid out."""
        if len(self.body) > _SHOWN:
            text = (
                f"A picture of {len(self.body):,} boxes and arrows, which `dot` would need long "
                "for. Draw less of it, with a smaller draw(..., depth=) or from an earlier result, "
                "or lay it out into a file with .render()."
            )
            return {"text/plain": text}
        try:
            return dict(super()._repr_mimebundle_(include, exclude, **options))
        except RuntimeError as error:
            if not str(error).startswith(_INSTALL):
                raise
            return {"text/plain": f"{_INSTALL}The DOT text:\n\n{self.source}"}


def plain(text: str) -> str:
    """One line of a label that graphviz shows as it is: no markup, no escapes, no entities."""
    text = " ".join(text.split())
    if not text.isprintable():
        text = "".join(
            character if character.isprintable() else "\N{REPLACEMENT CHARACTER}"
            for character in text
        )
    if len(text) > _LINE:
        text = f"{text[: _LINE - 30]}…{text[-29:]}"
    return text.replace("\\", "\\\\").replace("&", "&amp;")
