"""Saving and loading: state dicts and checkpoints as data, never as code."""

from __future__ import annotations

import os
from typing import Any, BinaryIO

from ..device import check_device
from .files import write_whole

__all__ = ["load", "save", "write_whole"]


def save(obj: Any, f: str | os.PathLike[str] | BinaryIO) -> None:
    """Write tensors, and dicts and lists of tensors, numbers and strings, to a safetensors file.

    A state dict, such as `model.state_dict()`, or a checkpoint as people write them:
    {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}. Tensors,
    parameters and NumPy arrays keep shape, type, every bit of their values and `requires_grad`;
    around them there may be dicts (also OrderedDict and Counter) with any simple keys, lists,
    tuples, sets, numbers, strings, bytes, None, types of elements and devices. Tensors that share
    memory are written each on its own.

    The file appears complete or not at all. `f` is a path or a file that is open for binary
    writing. In PyTorch `safetensors.torch.load_file` reads the tensors, by names such as
    "model.0.weight". PyTorch: `torch.save`, which writes pickles.

    Raises TypeError for what is no data, such as a module or a function, with its place:
    obj["model"]; ValueError for what contains itself; OSError if the file cannot be written.

    Unlike PyTorch, the file is a safetensors file, from which no code can run.

    >>> tg.save({"weight": tg.ones(2), "epoch": 3}, "checkpoint.pt")
    >>> tg.load("checkpoint.pt")
    {'weight': tensor([1., 1.]), 'epoch': 3}
    """
    from .container import to_bytes

    if not isinstance(f, (str, os.PathLike)) and not hasattr(f, "write"):
        raise TypeError(
            f"save: f is a path or a file that is open for writing; got {type(f).__name__}. The "
            "order is save(content, path)."
        )
    content = to_bytes(obj)
    if isinstance(f, (str, os.PathLike)):
        write_whole(f, content)
    else:
        f.write(content)


def load(
    f: str | os.PathLike[str] | BinaryIO,
    map_location: Any = None,
    pickle_module: None = None,
    *,
    weights_only: bool | None = None,  # noqa: ARG001 - nothing else is ever read
    mmap: bool | None = None,
) -> Any:
    """Read what `save` wrote, a safetensors file, or a checkpoint of PyTorch's `torch.save`.

    The content decides, not the name of the file. A safetensors file that `save` did not write is
    a dict of its tensors. From PyTorch's files (since its version 1.6) tensors, numbers, strings
    and containers are read, and never anything run, whatever `weights_only` says; tensors on one
    storage share it here too. All tensors are on the CPU: `map_location` may be "cpu", a
    `tg.device`, a dict or a function, and changes nothing. `mmap=True` leaves the numbers of
    a file given by its path where they are until they are used, with their checksums unread.
    PyTorch: `torch.load`.

    Raises OSError if the file cannot be read, RuntimeError if it is not complete or in another
    format, or for a `map_location` other than the CPU, pickle.UnpicklingError if it holds
    anything but data.

    Unlike PyTorch, bfloat16 numbers become float32, with a warning.

    >>> tg.load("no-such-file.pt")
    Traceback (most recent call last):
    ...
    FileNotFoundError: [Errno 2] No such file or directory: 'no-such-file.pt'
    """
    _check_location(map_location)
    if pickle_module is not None:
        raise ValueError(
            "load: pickle_module is not supported, because no pickle is ever run: leave it out."
        )
    if isinstance(f, (str, os.PathLike)):
        name = os.fspath(f)
        with open(name, "rb") as file:
            return _read(file, name, name if mmap else None)
    if mmap:
        raise ValueError("load: mmap=True needs the path of a file, not an open file.")
    if not hasattr(f, "read"):
        raise TypeError(
            f"load: f is a path or a file that is open for reading; got {type(f).__name__}."
        )
    content = f.read()
    if not isinstance(content, bytes):
        raise TypeError('load: the file is open as text: open it in binary mode, open(path, "rb").')
    import io

    return _read(io.BytesIO(content), str(getattr(f, "name", "this file")), None)


def _check_location(location: Any) -> None:
    if isinstance(location, dict):
        for place in location.values():
            check_device(place)
    elif not callable(location):
        check_device(location)


def _read(file: BinaryIO, name: str, path: str | None) -> Any:
    head = file.read(262)
    file.seek(0)
    # A safetensors file begins with a small number of eight bytes.
    if head.startswith(b"PK\x03\x04") and any(head[4:8]):
        from .checkpoint import from_archive

        return from_archive(file, name, path)
    if (head.startswith(b"\x80") and any(head[3:8])) or head[257:] == b"ustar":
        raise RuntimeError(
            f"{name} is a pickle or a tar archive, as torch.save wrote before PyTorch 1.6. Write "
            "it anew in PyTorch, torch.save(torch.load(path), new_path), or as "
            "safetensors.torch.save_file(state_dict, new_path)."
        )
    from .container import from_file

    return from_file(file, name, path)
