"""The report on an exercise: what is right, what is wrong where, and what may have caused it.

Findings are codes with values; their sentences stand in sentences.py.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from .sentences import SENTENCES, WORDS, in_language

__all__ = ["Finding", "Report", "Verdict", "legible", "number"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]


def legible(text: str, length: int = 300) -> str:
    """Text of a user's as one that cannot act: control characters are spelt out, ends cut off."""
    shown = "".join(
        character if character.isprintable() else repr(character)[1:-1] for character in text
    )
    return shown if len(shown) <= length else f"{shown[: length - 1]}…"


def number(x: float) -> str:
    """A number as reports show it."""
    return f"{x:.6g}"


@dataclass(frozen=True)
class Finding:
    """Something to say: a code, and the values that its sentence names.

    >>> from tinygrad_edu.testing.report import Finding
    >>> Finding("swapped", {"other": "y"}).text("en")
    "This is the gradient of y: return the gradients in the order of forward's arguments."
    """

    code: str
    values: dict[str, Any]

    def text(self, language: str = "en") -> str:
        """The sentence, in "en" or "ja"."""
        values = {
            name: value.text(language) if isinstance(value, Finding) else value
            for name, value in self.values.items()
        }
        return in_language(SENTENCES[self.code], language).format(**values)


@dataclass(frozen=True)
class Verdict:
    """On the gradient of one input: right or not, where it is worst, likely causes."""

    name: str
    position: int
    shape: tuple[int, ...]
    status: str  # "right", "wrong", "unwritten" or "ungradable"
    expected: Array | None = None
    got: Array | None = None
    index: tuple[int, ...] | None = None  # where it is worst; None if shapes do not fit
    wrong: int = 0  # elements
    causes: tuple[Finding, ...] = ()

    @property
    def correct(self) -> bool:
        """Whether the gradient is right."""
        return self.status == "right"

    @property
    def misshapen(self) -> bool:
        """Whether what was returned has another shape than the input."""
        return self.got is not None and self.got.shape != self.shape

    def text(self, language: str = "en") -> str:
        """The verdict in a few words, without the causes."""
        values: dict[str, Any] = {"shape": self.shape}
        key = self.status
        if self.misshapen and self.got is not None:
            key = "misshapen"
            values["got"] = self.got.shape
        elif self.status == "wrong" and self.index is None:
            key = "amiss"
        elif self.index is not None and self.expected is not None and self.got is not None:
            one = in_language(WORDS["one"], language)
            values |= {
                "wrong": self.wrong,
                "elements": self.expected.size,
                "index": list(self.index) or one,
                "expected": number(float(self.expected[self.index])),
                "got": number(float(self.got[self.index])),
            }
        return in_language(WORDS[key], language).format(**values)


@dataclass(frozen=True)
class Report:
    """What `Exercise.check` found: text with `str`, a table in a notebook.

    `passed`; `forward`, the findings about it, and `compared`, whether there was a reference;
    `backward`, the findings about it as a whole; `verdicts`, one for each input; `notes`.
    `text(language)` writes it in "en" or "ja".

    >>> class Double(tg.testing.Exercise):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         return 2 * x
    ...
    ...     @staticmethod
    ...     def backward(ctx, grad):
    ...         return -2 * grad
    >>> report = Double.check(shapes=[(2, 3)])
    >>> report.passed, [cause.code for cause in report.verdicts[0].causes]
    (False, ['sign'])
    """

    name: str
    forward: tuple[Finding, ...] = ()
    backward: tuple[Finding, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    notes: tuple[Finding, ...] = ()
    compared: bool = False
    language: str = "en"

    @property
    def passed(self) -> bool:
        """Whether forward and every gradient are right."""
        graded = bool(self.verdicts) and all(verdict.correct for verdict in self.verdicts)
        return graded and not self.forward and not self.backward

    def _words(self, key: str, language: str) -> str:
        return in_language(WORDS[key], language)

    def _title(self, language: str) -> str:
        name = legible(self.name, 80)
        if not self.verdicts:
            return f"{name}: {self._words('ungraded', language)}"
        right = sum(verdict.correct for verdict in self.verdicts)
        title = self._words("gradients", language).format(right=right, all=len(self.verdicts))
        return f"{name}: {title}" + (f" — {self._words('solved', language)}" if self.passed else "")

    def _forward(self, language: str) -> list[str]:
        if self.forward:
            return [finding.text(language) for finding in self.forward]
        return [self._words("matches" if self.compared else "not_compared", language)]

    def text(self, language: str | None = None) -> str:
        """The report as lines of text, in this language or its own."""
        language = language or self.language
        cause, note = self._words("cause", language), self._words("note", language)
        lines = [self._title(language)]
        lines += [
            f"  {self._words('forward', language)}: {text}" for text in self._forward(language)
        ]
        lines += [f"  backward: {finding.text(language)}" for finding in self.backward]
        for verdict in self.verdicts:
            lines.append(f"  {verdict.name}: {verdict.text(language)}")
            lines += [f"    {cause} {finding.text(language)}" for finding in verdict.causes]
        lines += [f"  {note} {finding.text(language)}" for finding in self.notes]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        """The report for a notebook. Colours that are read on light and on dark pages."""
        language, escape = self.language, html.escape
        heads = self._words("head", language).split("|")
        colours = {"right": "#009E73", "wrong": "#D55E00"}
        rows = []

        def add(name: str, status: str, verdict: str, causes: list[str]) -> None:
            colour = colours.get(status, "#888888")
            rows.append(
                '<tr style="vertical-align:top">'
                f'<td style="text-align:left"><code>{escape(name)}</code></td>'
                f'<td style="text-align:left;border-left:4px solid {colour};padding-left:8px">'
                f"{escape(verdict)}</td>"
                f'<td style="text-align:left">{"<br>".join(escape(cause) for cause in causes)}'
                "</td></tr>"
            )

        status = "wrong" if self.forward else "right" if self.compared else ""
        add("forward", status, self._forward(language)[0], self._forward(language)[1:])
        for finding in self.backward:
            add("backward", "wrong", finding.text(language), [])
        for verdict in self.verdicts:
            causes = [finding.text(language) for finding in verdict.causes]
            add(verdict.name, verdict.status, verdict.text(language), causes)
        notes = "".join(
            f"<p>{escape(self._words('note', language))} {escape(finding.text(language))}</p>"
            for finding in self.notes
        )
        head = "".join(f'<th style="text-align:left">{escape(text)}</th>' for text in heads)
        return (
            f'<div lang="{language}"><p><b>{escape(self._title(language))}</b></p>'
            '<table style="white-space:normal;color:inherit;border-spacing:8px 2px">'
            f"<thead><tr>{head}</tr></thead>"
            f"<tbody>{''.join(rows)}</tbody></table>{notes}</div>"
        )
