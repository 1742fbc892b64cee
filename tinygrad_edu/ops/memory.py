"""Tensors on memory from elsewhere, or in an order of memory that the caller chooses."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import Array, TensorBase, wrap
from ..device import check_device
from . import creation
from .creation import Number, Options, finish
from .dims import normalize_dims
from .dtypes import DTypeLike, get_default_dtype, to_dtype

if TYPE_CHECKING:
    from typing import Unpack

    from ..tensor import Tensor

__all__ = [
    "empty_permuted",
    "empty_strided",
    "from_dlpack",
    "from_file",
    "frombuffer",
    "range",
    "to_dlpack",
]


def frombuffer(
    buffer: Any,
    *,
    dtype: DTypeLike,
    count: int = -1,
    offset: int = 0,
    requires_grad: bool = False,
) -> Tensor:
    """A vector on the memory of a bytes-like object: `count` elements (-1: all) from byte `offset`.

    Of read-only memory the tensor cannot be written to. Raises ValueError if the elements do not
    fit into the buffer. PyTorch: `torch.frombuffer`.

    >>> tg.frombuffer(bytearray([1, 2, 3]), dtype=tg.uint8, offset=1)
    tensor([2, 3], dtype=uint8)
    """
    wanted = to_dtype(dtype)
    length = memoryview(buffer).nbytes
    if length == 0 or count == 0:
        raise ValueError(
            f"frombuffer: both buffer length ({length}) and count ({count}) must not be 0."
        )
    if not 0 <= offset < length:
        raise ValueError(
            f"frombuffer: offset ({offset} bytes) must be non-negative and no greater than buffer "
            f"length ({length} bytes) minus 1."
        )
    if count < 0 and (length - offset) % wanted.itemsize:
        raise ValueError(
            f"frombuffer: the buffer length ({length} bytes) after offset ({offset} bytes) must be "
            f"a multiple of the element size ({wanted.itemsize})."
        )
    if count > 0 and offset + count * wanted.itemsize > length:
        raise ValueError(
            f"frombuffer: {count} elements of {wanted.itemsize} bytes do not fit into a buffer of "
            f"{length} bytes after offset {offset}."
        )
    return finish(np.frombuffer(buffer, wanted, count, offset), requires_grad)


def from_file(
    filename: Any,
    shared: bool | None = None,
    size: int = 0,
    *,
    dtype: DTypeLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """A vector of `size` numbers on a file: read as needed; shared=True writes changes back.

    The file holds the bare numbers. PyTorch: `torch.from_file`.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "numbers")
    ...     _ = path.write_bytes(np.arange(3, dtype=np.int64).tobytes())
    ...     tg.from_file(path, size=3, dtype=tg.int64).clone()
    tensor([0, 1, 2])
    """
    wanted = get_default_dtype() if dtype is None else to_dtype(dtype)
    mapped = np.memmap(filename, wanted, "r+" if shared else "c", shape=(size,))
    return finish(np.asarray(mapped), requires_grad)


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor on the memory of another library's array, handed over by the DLPack protocol.

    Raises RuntimeError for an array on another device than the CPU. PyTorch: `torch.from_dlpack`.

    >>> tg.from_dlpack(np.arange(3))
    tensor([0, 1, 2])
    """
    check_device(device)
    if type(ext_tensor).__name__ == "PyCapsule":
        ext_tensor = _Capsule(ext_tensor)
    try:
        array = np.from_dlpack(ext_tensor)
    except (BufferError, ValueError, RuntimeError) as error:
        raise RuntimeError(f"from_dlpack: {error}.") from None
    if isinstance(ext_tensor, TensorBase):
        # NumPy marks what it is handed as read-only; the memory is ours.
        array = ext_tensor.array
    to_dtype(array.dtype)
    return wrap(array.copy() if copy else array)


class _Capsule:
    """A capsule of `to_dlpack`, with the methods that the protocol asks for today."""

    __slots__ = ("capsule",)

    def __init__(self, capsule: Any) -> None:
        self.capsule = capsule

    def __dlpack__(self, **options: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0  # the CPU


def to_dlpack(input: Tensor) -> Any:
    """The tensor's memory as a DLPack capsule, for libraries that ask for one.

    Most take the tensor itself. Raises RuntimeError for a tensor that requires grad.
    PyTorch: `torch.to_dlpack`.

    >>> type(tg.to_dlpack(tg.ones(2))).__name__
    'PyCapsule'
    """
    return input.numpy().__dlpack__()


def _strided(size: tuple[int, ...], stride: tuple[int, ...], dtype: DTypeLike) -> Array:
    """An array of its own memory, with the given strides in elements."""
    wanted = get_default_dtype() if dtype is None else to_dtype(dtype)
    if len(size) != len(stride):
        raise RuntimeError(
            f"empty_strided: sizes and strides are equally many; got {size} and {stride}."
        )
    if min(size + stride, default=0) < 0:
        raise RuntimeError(
            f"empty_strided: sizes and strides cannot be negative; got {size} and {stride}."
        )
    last = sum(step * (n - 1) for step, n in zip(stride, size, strict=True))
    memory = np.empty(0 if 0 in size else last + 1, wanted)
    bytes_ = tuple(step * wanted.itemsize for step in stride)
    return np.ndarray(size, wanted, memory, 0, (0,) * len(size) if 0 in size else bytes_)


def empty_strided(
    size: Sequence[int],
    stride: Sequence[int],
    *,
    dtype: DTypeLike = None,
    **options: Unpack[Options],
) -> Tensor:
    """A tensor to be filled, with these steps in memory along its dimensions, in elements.

    PyTorch: `torch.empty_strided`.

    >>> tg.empty_strided((2, 3), (1, 2)).stride()
    (1, 2)
    """
    array = _strided(creation.shape_of((size,), "empty_strided"), tuple(stride), dtype)
    return finish(array, **options)


def new_empty_strided(
    input: Tensor,
    size: Sequence[int],
    stride: Sequence[int],
    *,
    dtype: DTypeLike = None,
    **options: Unpack[Options],
) -> Tensor:
    """`empty_strided` in the type of this tensor. PyTorch: `Tensor.new_empty_strided`.

    >>> tg.tensor([1]).new_empty_strided((2, 3), (1, 2)).dtype
    dtype('int64')
    """
    kind = input.dtype if dtype is None else dtype
    return empty_strided(size, stride, dtype=kind, **options)


def empty_permuted(
    size: Sequence[int],
    physical_layout: Sequence[int],
    *,
    dtype: DTypeLike = None,
    **options: Unpack[Options],
) -> Tensor:
    """A tensor to be filled whose dimensions lie in memory in the order `physical_layout`.

    PyTorch: `torch.empty_permuted`.

    >>> tg.empty_permuted((2, 3), (1, 0)).stride()
    (1, 2)
    """
    sizes = creation.shape_of((size,), "empty_permuted")
    order = tuple(physical_layout)
    if len(order) != len(sizes) or len(set(normalize_dims(order, len(sizes)))) != len(sizes):
        raise RuntimeError(
            f"empty_permuted: the layout names each of {len(sizes)} dimensions once; got {order}."
        )
    strides = [1] * len(sizes)
    step = 1
    for dim in reversed(order):
        strides[dim] = step
        step *= max(sizes[dim], 1)
    return finish(_strided(sizes, tuple(strides), dtype), **options)


def range(
    start: Number,
    end: Number | None = None,
    step: Number = 1,
    *,
    dtype: DTypeLike = None,
    **options: Unpack[Options],
) -> Tensor:
    """start, start + step, ... up to `end`, which is included. Use `arange` or `linspace`.

    Of the default float type. A UserWarning says that it is deprecated, as in PyTorch. Raises
    RuntimeError if `step` is 0 or leads away from `end`. PyTorch: `torch.range`.

    >>> import warnings
    >>> with warnings.catch_warnings(action="ignore"):
    ...     tg.range(0, 3)
    tensor([0., 1., 2., 3.])
    """
    warnings.warn(
        "range includes its end, unlike Python's range, and is deprecated: use tg.arange.",
        UserWarning,
        stacklevel=2,
    )
    if end is None:
        start, end = 0, start
    if step == 0 or (end - start) * step < 0:
        raise RuntimeError(f"range: a step of {step} does not lead from {start} to {end}.")
    count = math.floor((end - start) / step) + 1
    kind = get_default_dtype() if dtype is None else to_dtype(dtype)
    return finish((start + np.arange(count) * step).astype(kind), **options)
