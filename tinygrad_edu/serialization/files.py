"""Files that appear complete or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["write_whole"]


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file so that it appears complete or not at all.

    The bytes go to a temporary file in the same folder, to the disk, and then under their name: a
    full disk or Ctrl-C leaves what was there before. Raises OSError with the path that was asked
    for.
    """
    # These take 6 ms, which `import tinygrad_edu` need not.
    import tempfile
    from pathlib import Path

    # A link stays a link, and a device stays a device.
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if target.exists() and not target.is_file():
        target.write_bytes(content)
        return
    try:
        handle, temporary = tempfile.mkstemp(prefix=".part-", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, _mode(target))
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    except OSError as error:
        # Under the name that the user knows; OSError finds the class that belongs to the number.
        raise OSError(error.errno, os.strerror(error.errno or 0), os.fspath(path)) from None


def _mode(target: Path) -> int:
    """The permissions of the file that is replaced, or those of a new file."""
    if target.exists():
        return target.stat().st_mode & 0o777
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
