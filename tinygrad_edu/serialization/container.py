"""safetensors files: names and arrays, and the description of what they belong to."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np

from ..autograd.graph import wrap
from .elements import elements, note_bfloat16
from .structure import Damaged, describe, restore

__all__ = ["from_file", "to_bytes"]

_KEY = "tinygrad_edu"  # of the description in the file's metadata
_CODES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
}


def to_bytes(content: Any) -> bytes:
    """The file for `content`. Raises TypeError or ValueError for what is no data."""
    import json

    from safetensors.numpy import save

    description, arrays = describe(content)
    whole = {
        # ascontiguousarray gives every array a dimension.
        name: np.ascontiguousarray(array, array.dtype.newbyteorder("=")).reshape(array.shape)
        for name, array in arrays.items()
    }
    text = json.dumps({"format": 1, "content": description}, separators=(",", ":"))
    return save(whole, metadata={_KEY: text})


def from_file(file: BinaryIO, name: str, path: str | None) -> Any:
    """What a safetensors file holds; with `path`, the arrays stay in the file (mmap=True)."""
    import json

    from safetensors import SafetensorError

    try:
        header, parts = _mapped(file, path) if path is not None else _read(file)
    except SafetensorError as error:
        raise RuntimeError(f"{name} {_what_is_wrong(file)} ({error}).") from None
    entries: dict[str, Any] = json.loads(header)
    metadata = entries.pop("__metadata__", None) or {}
    arrays = {}
    # The library gives them in an order that changes from run to run.
    for key in sorted(entries):
        code = _CODES.get(entries[key]["dtype"])
        if code is None:
            raise RuntimeError(
                f"{name}: the tensor {key!r} is of type {entries[key]['dtype']}, which NumPy does "
                "not have. Convert it in PyTorch: safetensors.torch.save_file({k: v.float() for "
                "k, v in d.items()}, new_path)."
            )
        raw = parts[key] if path is None else parts[slice(*entries[key]["data_offsets"])]
        arrays[key] = elements(np.frombuffer(raw, np.uint8), code).reshape(entries[key]["shape"])
    if any(entry["dtype"] == "BF16" for entry in entries.values()):
        note_bfloat16(name, stacklevel=4)
    if _KEY not in metadata:
        return {key: wrap(array) for key, array in arrays.items()}
    try:
        return restore(json.loads(metadata[_KEY])["content"], arrays)
    except (Damaged, LookupError, RecursionError, TypeError, ValueError) as error:
        raise RuntimeError(
            f"{name}: the description of what its tensors belong to is damaged ({error}). The "
            "tensors themselves: safetensors.numpy.load_file(path)."
        ) from None


def _read(file: BinaryIO) -> tuple[bytes, Any]:
    """The header, and the bytes of each tensor by name."""
    from safetensors import deserialize

    content = file.read()
    read: Any = deserialize
    parts = {name: part["data"] for name, part in read(content)}
    return content[8 : 8 + int.from_bytes(content[:8], "little")], parts


def _mapped(file: BinaryIO, path: str) -> tuple[bytes, Any]:
    """The header, and the rest of the file as memory that is read when it is used."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy"):  # only to have the file checked
        size = int.from_bytes(file.read(8), "little")
        header = file.read(size)
    rest = np.memmap(path, np.uint8, "c", 8 + size) if file.read(1) else np.empty(0, np.uint8)
    return header, np.asarray(rest)


def _what_is_wrong(file: BinaryIO) -> str:
    file.seek(0)
    return (
        "is not a complete safetensors file"
        if file.read(1)
        else "is empty: its writing was cut off"
    )
