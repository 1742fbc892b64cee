"""Ctrl-C during a training: the first one asks it to stop, the second one is KeyboardInterrupt."""

from __future__ import annotations

import signal
import threading

__all__ = ["Interrupt", "Stopped"]


class Stopped(Exception):
    """Raised between two batches after Ctrl-C."""


class Interrupt:
    """A context manager in which the first Ctrl-C only takes note of itself.

    So no update of the parameters is cut in two. It does nothing outside of the main thread, which
    alone gets Ctrl-C, and where the program has its own way to handle it.
    """

    def __init__(self) -> None:
        self.requested = False
        self._active = False

    def __enter__(self) -> Interrupt:
        if (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        ):
            signal.signal(signal.SIGINT, self._take_note)
            self._active = True
        return self

    def __exit__(self, *exception: object) -> None:
        if self._active:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _take_note(self, *_: object) -> None:
        self.requested = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def check(self) -> None:
        """Raise `Stopped` if Ctrl-C was pressed."""
        if self.requested:
            raise Stopped
