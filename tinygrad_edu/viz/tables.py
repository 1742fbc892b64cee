"""Tables of text: aligned for a terminal, as HTML for a notebook; names from users are text."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Sequence

__all__ = ["html_table", "one_line", "quantity", "size", "text_table"]

_LIMIT = 60  # characters of a name
_UNITS = ("", " k", " M", " G", " T", " P")


def one_line(text: str, limit: int = _LIMIT) -> str:
    r"""A name as one line of printable text, shortened in the middle if it is long.

    >>> from tinygrad_edu.viz.tables import one_line
    >>> one_line("two\nlines\x1b[31m"), one_line("x" * 100, limit=9)
    ('two lines�[31m', 'xxxx…xxxx')
    """
    text = " ".join(text.split())
    if not text.isprintable():
        text = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
    if len(text) > limit:
        head = limit // 2
        text = f"{text[:head]}…{text[len(text) - (limit - head - 1) :]}"
    return text


def quantity(number: float) -> str:
    """A number of operations in three or four digits.

    >>> from tinygrad_edu.viz.tables import quantity
    >>> [quantity(n) for n in (0, 784, 61706, 1_814_073_344)]
    ['0', '784', '61.7 k', '1.81 G']
    """
    power = 0
    while number >= 999.5 and power < len(_UNITS) - 1:
        number /= 1000
        power += 1
    return f"{number:.3g}{_UNITS[power]}"


def size(nbytes: int) -> str:
    """A size in memory: bytes, kB, MB... of 1000.

    >>> from tinygrad_edu.viz.tables import size
    >>> [size(n) for n in (0, 512, 313_600)]
    ['0', '512 B', '314 kB']
    """
    text = quantity(nbytes)
    return text if not nbytes else f"{text}B" if " " in text else f"{text} B"


def _width(text: str) -> int:
    """Columns on a terminal: two for a Chinese character, none for a combining accent."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(each) else 1 + (unicodedata.east_asian_width(each) in "WF")
        for each in text
    )


def text_table(heads: Sequence[str], rows: Sequence[Sequence[str]], aligned: str) -> str:
    """The rows under their heads, with lines between; `aligned` has "<" or ">" for each column.

    An empty row is a line across.

    >>> from tinygrad_edu.viz.tables import text_table
    >>> print(text_table(["layer", "size"], [["a", "10"], ["bb", "9"]], "<>"))
    layer  size
    ───────────
    a        10
    bb        9
    """
    widths = [
        max(_width(row[column]) for row in [heads, *rows] if row) for column in range(len(heads))
    ]
    rule = "─" * (sum(widths) + 2 * (len(widths) - 1))

    def line(row: Sequence[str]) -> str:
        cells = []
        for text, width, side in zip(row, widths, aligned, strict=True):
            blank = " " * (width - _width(text))
            cells.append(text + blank if side == "<" else blank + text)
        return "  ".join(cells).rstrip()

    return "\n".join([line(heads), rule, *(line(row) if row else rule for row in rows)])


def html_table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], aligned: str, below: Sequence[str] = ()
) -> str:
    """The same table for a notebook, with lines of text below it. Everything is escaped."""
    sides = ["left" if side == "<" else "right" for side in aligned]

    def line(row: Sequence[str], tag: str) -> str:
        # Spaces in front show how deep a layer is.
        cells = [
            f'<{tag} style="text-align:{side};white-space:pre">{html.escape(text)}</{tag}>'
            for text, side in zip(row, sides, strict=True)
        ]
        return f"<tr>{''.join(cells)}</tr>"

    body = "".join(line(row, "td") for row in rows if row)
    text = "".join(f"<div>{html.escape(each)}</div>" for each in below)
    return f"<table><thead>{line(heads, 'th')}</thead><tbody>{body}</tbody></table>{text}"
