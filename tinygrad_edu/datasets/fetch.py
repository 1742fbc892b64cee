"""Where datasets are looked for, how they are downloaded, and how the cache is kept whole."""

from __future__ import annotations

import hashlib
import http.client
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from .. import serialization
from .idx import DatasetError

__all__ = ["DATA_VARIABLE", "cache_folder", "data_folders", "download"]

DATA_VARIABLE = "TINYGRAD_EDU_DATA"
_TIMEOUT = 30.0  # seconds without a single byte, after which the next mirror is asked
_LARGEST = 1 << 28  # no file of ours comes near; a server that never ends is not our mirror
_CHUNK = 1 << 18


def cache_folder() -> Path:
    """The user's cache: ``$XDG_CACHE_HOME/tinygrad_edu``, else ``~/.cache/tinygrad_edu``."""
    configured = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification asks to ignore a relative path.
    base = Path(configured) if os.path.isabs(configured) else Path.home() / ".cache"
    return base / "tinygrad_edu"


def data_folders(root: str | os.PathLike[str] | None, *layouts: str) -> list[Path]:
    """The folders in which a dataset is looked for, in this order.

    `root` if it is given, then the folder that the environment variable TINYGRAD_EDU_DATA names,
    each with its sub-folders `layouts` before itself; then the first layout in the user's cache.
    """
    bases = [Path(base).expanduser() for base in (root, os.environ.get(DATA_VARIABLE)) if base]
    folders = [base / layout for base in bases for layout in (*layouts, ".")]
    return [*folders, cache_folder() / layouts[0]]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def download(
    name: str,
    mirrors: Sequence[str],
    target: Path,
    accept: Callable[[bytes, str], bytes],
    *,
    timeout: float = _TIMEOUT,
) -> None:
    """Get the file `name` from the first of `mirrors` that has it, and keep it as `target`.

    Args:
        name: what is appended to a mirror's address.
        mirrors: addresses that end in a slash.
        target: the file to write. It is there whole or not at all, whatever happens meanwhile.
        accept: called with what was downloaded and its address; returns the bytes to keep, or
            raises :class:`DatasetError` if they are not the right ones.
        timeout: seconds to wait for an answer or for more of it.

    Raises:
        DatasetError: if no mirror has the right file (each one's failure is listed), or if
            `target` cannot be written.
    """
    failures = []
    for mirror in mirrors:
        url = mirror + name
        try:
            content = accept(_get(url, timeout), url)
        except (OSError, http.client.HTTPException, ValueError, DatasetError) as error:
            failures.append(f"{url}: {_reason(error)}")
            continue
        write_whole(target, content)
        return
    raise DatasetError(
        f"{name} could not be downloaded:\n"
        + "".join(f"  {line}\n" for line in failures)
        + "Check the connection and try again. Without one, put the file where it is looked for: "
        f"into {target.parent}, or into a folder that the environment variable {DATA_VARIABLE} "
        "names."
    )


def write_whole(target: Path, content: bytes) -> None:
    """Write a file so that no one ever sees a part of it.

    The bytes go to a temporary file beside it, to the disk, and only then under their name:
    Ctrl-C, a full disk or another process doing the same leave the old file or the new one.

    Raises:
        DatasetError: if the disk is full, or the folder cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        serialization.write_whole(target, content)
    except OSError as error:
        raise DatasetError(
            f"{target} ({len(content):,} bytes) cannot be written: {error.strerror or error}. "
            "Make room, or choose another folder: root=..., or XDG_CACHE_HOME for the cache."
        ) from error


def _get(url: str, timeout: float) -> bytes:
    request = urllib.request.Request(url, headers={"User-Agent": "tinygrad_edu"})
    try:
        answer = urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()  # it holds the connection
        raise
    with answer as response:
        stated = response.headers.get("Content-Length")
        total = int(stated) if stated is not None else None
        content = bytearray()
        with _Progress(url, total) as progress:
            while chunk := response.read(_CHUNK):
                content += chunk
                if len(content) > _LARGEST:
                    raise DatasetError(f"more than {_LARGEST:,} bytes: this is another file")
                progress.show(len(content))
    # http.client reports a connection cut in the middle only to those who read without a size.
    if total is not None and len(content) != total:
        raise DatasetError(f"the connection ended after {len(content):,} of {total:,} bytes")
    return bytes(content)


class _Progress:
    """One line on stderr that counts up on a terminal, and is written once elsewhere."""

    def __init__(self, url: str, total: int | None) -> None:
        size = "" if total is None else f" ({total / 1e6:.1f} MB)"
        self._line = f"Downloading {url}{size}"
        self._total = total
        self._live = sys.stderr.isatty()

    def __enter__(self) -> _Progress:
        sys.stderr.write(self._line if self._live else self._line + "\n")
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            sys.stderr.write("\n")

    def show(self, done: int) -> None:
        if self._live:
            part = f"{done / self._total:4.0%}" if self._total else f"{done / 1e6:.1f} MB"
            sys.stderr.write(f"\r{self._line} {part}")
            sys.stderr.flush()


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answers {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    return str(error) or type(error).__name__
