"""Saving and loading state dicts in the safetensors format: names and arrays, no code."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from .autograd.graph import TensorBase, wrap
from .device import check_device
from .tensor import Tensor

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["load", "save", "write_whole"]


def save(obj: Mapping[str, Tensor], f: str | os.PathLike[str] | BinaryIO) -> None:
    """Write a state dict, such as `model.state_dict()`, to a safetensors file.

    The file appears complete or not at all. Shapes and types are kept; tensors that share memory
    are written each on its own. In PyTorch `safetensors.torch.load_file` reads the file. `f` is a
    path or a file that is open for binary writing. PyTorch: `torch.save`, which writes pickles.

    Raises TypeError for anything but a mapping from names to tensors, OSError if the file cannot
    be written.

    >>> tg.save({"weight": tg.ones(2)}, "model.safetensors")
    >>> tg.load("model.safetensors")
    {'weight': tensor([1., 1.])}
    """
    from safetensors.numpy import save as to_bytes

    if not isinstance(obj, Mapping):
        kind = type(obj).__name__
        hint = "tg.save(model.state_dict(), path)" if hasattr(obj, "state_dict") else '{"x": x}'
        raise TypeError(f"save writes mappings from names to tensors; got a {kind}. Write {hint}.")
    arrays: dict[str, Any] = {}
    for name, value in obj.items():
        if not isinstance(name, str) or not isinstance(value, TensorBase):
            raise TypeError(
                "save writes mappings from names to tensors; the entry "
                f"{name!r} is a {type(value).__name__}. Save each state dict in a file of its own, "
                "and numbers and settings as JSON."
            )
        # ascontiguousarray gives every array a dimension.
        arrays[name] = np.ascontiguousarray(value.array).reshape(value.shape)
    content: bytes = to_bytes(arrays)
    if isinstance(f, (str, os.PathLike)):
        write_whole(f, content)
    else:
        f.write(content)


def load(
    f: str | os.PathLike[str] | BinaryIO,
    map_location: Any = None,
    *,
    weights_only: bool | None = None,  # noqa: ARG001 - there is nothing else in these files
) -> dict[str, Tensor]:
    """Read a safetensors file into a dict of tensors by name, for `model.load_state_dict`.

    `f` is a path or a file that is open for binary reading. All tensors are on the CPU, whatever
    `map_location` says, and there are only tensors, whatever `weights_only` says.
    PyTorch: `torch.load`.

    Raises OSError if the file cannot be read, RuntimeError if it is not a complete safetensors
    file or holds a type that NumPy does not have, and for a `map_location` other than the CPU.

    >>> tg.load("no-such-file.safetensors")
    Traceback (most recent call last):
    ...
    FileNotFoundError: [Errno 2] No such file or directory: 'no-such-file.safetensors'
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    if isinstance(map_location, str):
        check_device(map_location)
    if isinstance(f, (str, os.PathLike)):
        name = os.fspath(f)
        with open(name, "rb") as file:
            content = file.read()
    else:
        content, name = f.read(), str(getattr(f, "name", "this file"))
    try:
        arrays = from_bytes(content)
    except SafetensorError as error:
        raise RuntimeError(f"{name} {_what_is_wrong(content)} ({error}).") from None
    except KeyError as error:
        raise RuntimeError(
            f"{name} holds tensors of type {error.args[0]}, which NumPy does not have. Convert "
            "them in PyTorch: safetensors.torch.save_file({k: v.float() for k, v in d.items()}, "
            "new_path)."
        ) from None
    # safetensors gives them in an order that changes from run to run.
    return {key: wrap(np.array(arrays[key])) for key in sorted(arrays)}


def _what_is_wrong(content: bytes) -> str:
    if not content:
        return "is empty: its writing was cut off"
    # torch.save writes a zip archive, or a bare pickle. A safetensors file begins with a small
    # number of eight bytes.
    if content.startswith((b"PK\x03\x04", b"\x80")) and any(content[3:8]):
        return (
            "is a pickle, as torch.save writes, not a safetensors file. Convert it in PyTorch: "
            "safetensors.torch.save_file(torch.load(path), new_path)"
        )
    return "is not a complete safetensors file"


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
