"""Saving and loading state dicts in the safetensors format: names and arrays, no code."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .autograd.graph import TensorBase, wrap
from .tensor import Tensor

__all__ = ["load", "save"]


def save(state_dict: Mapping[str, Tensor], path: str | os.PathLike[str]) -> None:
    """Write a state dict, such as `model.state_dict()`, to a safetensors file.

    The file appears complete or not at all: it is written under a temporary name and renamed. PyTorch reads it with
    `safetensors.torch.load_file`. Raises TypeError for anything but a mapping from names to tensors.

    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/model.safetensors"
    >>> tg.save({"weight": tg.ones(2)}, path)
    >>> tg.load(path)
    {'weight': tensor([1., 1.])}
    """
    from safetensors.numpy import save as to_bytes

    if not isinstance(state_dict, Mapping):
        raise TypeError(
            f"save writes state dicts, mappings from names to tensors; got {type(state_dict).__name__}. "
            "For a model: tg.save(model.state_dict(), path)."
        )
    arrays: dict[str, Any] = {}
    for name, value in state_dict.items():
        if not isinstance(name, str) or not isinstance(value, TensorBase):
            raise TypeError(
                f"save writes names and tensors; entry {name!r} is a {type(value).__name__}. "
                "Keep other things in a file of their own."
            )
        arrays[name] = np.ascontiguousarray(value.array).reshape(value.shape)
    path = Path(path)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(to_bytes(arrays))
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def load(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Read a safetensors file into a dict of tensors, for `model.load_state_dict`.

    Raises FileNotFoundError if there is no such file, RuntimeError if it is not a safetensors file.

    >>> tg.load("no-such-file.safetensors")
    Traceback (most recent call last):
    ...
    FileNotFoundError: [Errno 2] No such file or directory: 'no-such-file.safetensors'
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    content = Path(path).read_bytes()
    try:
        arrays = from_bytes(content)
    except SafetensorError as error:
        raise RuntimeError(f"{path} is not a complete safetensors file ({error}).") from None
    return {name: wrap(np.array(array)) for name, array in arrays.items()}
