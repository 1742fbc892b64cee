"""Finding and Findings: what a lint has to say, in English or Japanese."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .texts import LANGUAGES, NOTHING, TEXTS

__all__ = ["Finding", "Findings", "check_language", "shown"]

_LONGEST = 300  # characters of a name or message that is not ours


def check_language(language: str) -> str:
    """The language itself; ValueError for one in which there are no texts."""
    if language not in LANGUAGES:
        raise ValueError(f"language is {' or '.join(map(repr, LANGUAGES))}; got {language!r}.")
    return language


def shown(value: Any) -> str:
    """A name or message on one line, as text that no terminal takes for a command."""
    text = " ".join(str(value).split())
    text = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 100]} … {text[-97:]}"


@dataclass(frozen=True)
class Finding:
    """One thing that is probably wrong: a code, a sentence, and what to do about it.

    `code` names the lint and does not change with the language; `values` are the names and numbers
    in the texts. `str(finding)` is code, sentence and remedy.
    """

    code: str
    values: dict[str, Any] = field(default_factory=dict)
    language: str = "en"

    @property
    def sentence(self) -> str:
        """What was found."""
        return self._say(0)

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return self._say(1)

    def _say(self, part: int) -> str:
        template = TEXTS[self.code][self.language][part]
        return template.format_map({name: shown(value) for name, value in self.values.items()})

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence}\n    {self.remedy}"


class Findings(list[Finding]):
    """The findings of `lint`: a list that prints as text, and is true if something was found."""

    def __init__(self, findings: Iterable[Finding] = (), language: str = "en") -> None:
        super().__init__(findings)
        self.language = language

    @property
    def codes(self) -> list[str]:
        """The codes, in the order of the findings."""
        return [finding.code for finding in self]

    def __str__(self) -> str:
        return "\n".join(map(str, self)) if self else NOTHING[self.language]

    __repr__ = __str__
