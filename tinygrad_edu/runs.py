"""What the demo and the course share: a folder that can be written, one thread, one error."""

from __future__ import annotations

import contextlib
import errno
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["RunError", "check_folder", "one_thread", "png", "unwritable"]


class RunError(RuntimeError):
    """The work cannot be done here; the message says in one line what would help."""


def check_folder(out: Path) -> None:
    """Make the folder and see whether files can be written there, before the work begins."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out) as file:
            file.write(bytes(4096))
    except OSError as error:
        raise unwritable(out, error) from None


def unwritable(path: Path, error: OSError, instead: str = "another folder with --out") -> RunError:
    """What to say, and what helps: `instead`, or room where there is none."""
    full = error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None))
    advice = f"Make room, or choose {instead}." if full else f"Choose {instead}."
    return RunError(f"{path} cannot be written: {error.strerror or error}. {advice}")


def png(figure: Figure) -> bytes:
    """The figure as a PNG file; the same bytes for the same figure."""
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread, if threadpoolctl (which comes with scikit-learn) is there.

    A second one gains little on matrices this small, and where something else keeps the cores busy
    the two wait for each other: 0.8 seconds an epoch became 20. And the order of the sums, so each
    digit of the result, no longer depends on the number of cores.
    """
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        yield
        return
    with threadpool_limits(limits=1, user_api="blas"):
        yield
