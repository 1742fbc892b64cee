"""Progress of a training: a live bar by rich on a terminal, a line for each epoch elsewhere."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["Progress", "rich_bars"]


class Progress:
    """Shows how far a training is, on the standard output. A context manager.

    `batches` is the length of an epoch if it is known. Silent unless `enabled`.
    """

    def __init__(self, batches: int | None, *, enabled: bool = True) -> None:
        self.batches = batches
        self.enabled = enabled
        self._label = ""
        self._task: Any = None
        self._bar = rich_bars("{task.description}", "{task.fields[loss]}") if enabled else None

    def __enter__(self) -> Progress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def start_epoch(self, epoch: int, last: int) -> None:
        """An epoch begins."""
        self._label = f"epoch {epoch:>{len(str(last))}}/{last}"
        if self._bar is not None:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task = self._bar.add_task(self._label, total=self.batches, loss="")

    def advance(self, loss: float) -> None:
        """One batch is done."""
        if self._bar is not None:
            self._bar.update(self._task, advance=1, loss=f"loss {loss:.4f}")

    def end_epoch(self, row: dict[str, float]) -> None:
        """An epoch is done: its figures stay on the screen."""
        figures = "  ".join(
            f"{name.replace('_', ' ')} {value:.4f}"
            for name, value in row.items()
            if name not in ("epoch", "seconds")
        )
        self.note(f"{self._label}  {figures}  ({row['seconds']:.1f} s)")

    def note(self, text: str) -> None:
        """A line that stays."""
        if not self.enabled:
            return
        if self._bar is not None:
            self._bar.console.print(text, highlight=False, markup=False, soft_wrap=True)
        else:
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()


def rich_bars(description: str, *after: str) -> Any:
    """Bars by rich; None without it, on no terminal, and on one that cannot move its cursor.

    `description` and `after` are rich's templates of the texts before and behind a bar, such as
    "{task.description}".
    """
    if not sys.stdout.isatty():
        return None
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress
    except ImportError:
        return None
    console = Console()
    if not console.is_terminal or console.is_dumb_terminal:
        return None
    return RichProgress(
        TextColumn(description),
        BarColumn(),
        MofNCompleteColumn(),
        *map(TextColumn, after),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
