"""The IDX file format: an array of any number of axes behind a short header.

    byte 0, 1    zero
    byte 2       type of the numbers: 08 uint8, 09 int8, 0B int16, 0C int32, 0D float32, 0E float64
    byte 3       number of axes
    then         the length of each axis as a 4-byte integer
    then         the numbers, last axis fastest; everything is big-endian

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", 1998.
"""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["DatasetError", "decode_idx", "encode_idx", "read_idx", "write_idx"]

_DTYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype(">u1"),
    0x09: np.dtype(">i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
_CODES = {dtype.newbyteorder("="): code for code, dtype in _DTYPES.items()}
_GZIP_MAGIC = b"\x1f\x8b"


class DatasetError(RuntimeError):
    """A dataset that was not found, could not be downloaded, or is damaged.

    The message names the file, what was expected, what was found, and what to do.
    """


def decode_idx(content: bytes, source: str = "these bytes") -> NDArray[Any]:
    """The array that an IDX file holds, in the machine's byte order and free to be written to.

    Args:
        content: the whole file, decompressed.
        source: the name for it in error messages.

    Raises:
        DatasetError: if the header is not an IDX header, or promises more or fewer bytes.

    >>> from tinygrad_edu.datasets import decode_idx
    >>> decode_idx(bytes([0, 0, 8, 1, 0, 0, 0, 3, 5, 6, 7]))
    array([5, 6, 7], dtype=uint8)
    """
    start = content[:4]
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in _DTYPES:
        raise DatasetError(
            f"{source} is not an IDX file: expected it to start with 00 00, a type and a number "
            f"of axes (00 00 08 03 for images); found {_describe(content)}"
        )
    dtype, ndim = _DTYPES[start[2]], start[3]
    header = 4 + 4 * ndim
    if len(content) < header:
        raise DatasetError(
            f"{source} is cut off in its header: expected {header} bytes for {ndim} axes; "
            f"found {len(content)}"
        )
    shape = struct.unpack(f">{ndim}I", content[4:header])
    # Python's integers: a damaged header can promise more than 64 bits can count.
    expected = header + math.prod(shape) * dtype.itemsize
    if len(content) != expected:
        raise DatasetError(
            f"{source} is {'cut off' if len(content) < expected else 'too long'}: expected "
            f"{expected:,} bytes for its shape {shape}; found {len(content):,}"
        )
    array = np.frombuffer(content, dtype, offset=header).reshape(shape)
    return array.astype(dtype.newbyteorder("="))


def encode_idx(array: NDArray[Any]) -> bytes:
    """The IDX file that holds `array`: the inverse of :func:`decode_idx`.

    Raises:
        TypeError: for a dtype that IDX has no code for.
    """
    code = _CODES.get(array.dtype.newbyteorder("="))
    if code is None:
        names = ", ".join(str(dtype) for dtype in _CODES)
        raise TypeError(f"IDX cannot hold {array.dtype}; convert the array to one of {names}")
    header = struct.pack(f">2x2B{array.ndim}I", code, array.ndim, *array.shape)
    return header + array.astype(_DTYPES[code]).tobytes()


def read_idx(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Read an IDX file, compressed with gzip or not.

    Raises:
        DatasetError: if the file cannot be read, is damaged, or is something else.
    """
    return decode_idx(decompress(read_bytes(path), str(path)), str(path))


def write_idx(path: str | os.PathLike[str], array: NDArray[Any]) -> None:
    """Write `array` as an IDX file, compressed if the name ends in ``.gz``."""
    content = encode_idx(array)
    Path(path).write_bytes(gzip.compress(content) if str(path).endswith(".gz") else content)


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """The content of a file; a file that cannot be read is a :class:`DatasetError`."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror or error}") from error


def decompress(content: bytes, source: str) -> bytes:
    """Undo gzip where there is any.

    The content decides, not the name: some browsers decompress a download and leave ``.gz`` on it.
    """
    if not content.startswith(_GZIP_MAGIC):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, OSError, zlib.error) as error:
        raise DatasetError(
            f"{source} is a damaged gzip file of {len(content):,} bytes: {error}"
        ) from error


def _describe(content: bytes) -> str:
    """What a file is that should have been something else."""
    if not content:
        return "an empty file"
    if content[:256].isascii() and content[:256].decode().replace("\n", "").isprintable():
        return f"text: {content[:60].decode()!r}"
    return f"the bytes {content[:4].hex(' ')}"
