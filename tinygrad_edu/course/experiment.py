"""What an experiment is: settings in; figures, numbers and checks out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Check", "Experiment", "Result", "Setting", "Table", "exactly", "within"]

T = TypeVar("T")


class Tracker(Protocol):
    """Shows how far a loop is."""

    def __call__(self, items: Sequence[Any], label: str, /) -> Iterable[Any]:
        """The items, one by one."""


def _untracked(items: Sequence[Any], _: str) -> Iterable[Any]:
    return items


@dataclass(frozen=True)
class Setting:
    """How an experiment is to be run.

    `data` is "mnist" or "digits"; `quick` asks for a run that shows the same in a few seconds;
    `variant` is one of the experiment's own, or None. A result is a function of these four.
    """

    data: str = "mnist"
    seed: int = 0
    quick: bool = False
    variant: str | None = None
    tracker: Tracker = _untracked
    options: dict[str, Any] = field(default_factory=dict)

    def track(self, items: Sequence[T], label: str) -> Iterator[T]:
        """The items, with a bar that shows how many are done."""
        yield from self.tracker(items, label)

    def steps(self, full: int, quick: int) -> int:
        """How often to do something: as often as the course does, or as a quick run does."""
        return quick if self.quick else full

    @property
    def is_the_courses(self) -> bool:
        """Whether it is the course's own setting, for which the expected ranges hold."""
        return self.data == "mnist" and not self.quick

    def __str__(self) -> str:
        parts = [{"mnist": "MNIST", "digits": "Digits"}.get(self.data, self.data)]
        parts += [f"seed {self.seed}", *(["quick"] if self.quick else [])]
        return ", ".join([*parts, *([self.variant] if self.variant else [])])


@dataclass(frozen=True)
class Check:
    """A number that the run is held to; `passed` is None where nothing is expected of it."""

    name: str
    value: str
    expected: str
    reported: str = ""
    passed: bool | None = None

    @property
    def verdict(self) -> str:
        """In a word."""
        return {True: "pass", False: "FAIL", None: "shown"}[self.passed]


def within(
    name: str,
    value: float,
    low: float,
    high: float,
    *,
    setting: Setting,
    reported: str = "",
    digits: int = 4,
    source: str = "",
) -> Check:
    """The value lies between `low` and `high`, as measured, widened by half the width on each side.

    In another setting than the course's it is only shown. `reported` is what the notes print;
    `source` says where the range is from, if not from the course's own measurement.

    >>> from tinygrad_edu.course.experiment import Setting, within
    >>> within("accuracy", 0.93, 0.90, 0.92, setting=Setting()).verdict
    'pass'
    """
    margin = (high - low) / 2
    passed = bool(low - margin <= value <= high + margin) if setting.is_the_courses else None
    expected = f"{low:.{digits}g} – {high:.{digits}g}"
    expected += f" ({source})" if source else ""
    return Check(name, f"{value:.{digits}f}", expected, reported, passed)


def exactly(name: str, value: object, expected: object, reported: str = "") -> Check:
    """The value is printed as expected, digit for digit; in every setting.

    >>> from tinygrad_edu.course.experiment import exactly
    >>> exactly("y", [1.56, 3.222], "[1.56, 3.222]").verdict
    'pass'
    """
    return Check(name, str(value), str(expected), reported, str(value) == str(expected))


@dataclass(frozen=True)
class Table:
    """Rows of text under heads."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass
class Result:
    """What an experiment has found.

    `figures` by file name without its ending; `numbers` become JSON; `remarks` are sentences for
    the report, such as an erratum of the notes; `attachments` are further files by name.
    """

    figures: dict[str, Figure]
    numbers: dict[str, Any] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    attachments: dict[str, bytes] = field(default_factory=dict)

    @property
    def passed(self) -> bool | None:
        """Whether every check that expects something passed; None if none does."""
        verdicts = [check.passed for check in self.checks if check.passed is not None]
        return all(verdicts) if verdicts else None


@dataclass(frozen=True)
class Experiment:
    """One of the course's experiments.

    `seconds` is about what it takes with MNIST and with `--data digits --quick`; `variants` are the
    values of `--variant`, with a line each on what they change; `needs_data` is False if it draws
    its own numbers.
    """

    number: int
    name: str
    title: str
    run: Callable[[Setting], Result]
    seconds: tuple[float, float]
    variants: dict[str, str] = field(default_factory=dict)
    needs_data: bool = True
    packages: tuple[str, ...] = ()  # beside those that every experiment needs
