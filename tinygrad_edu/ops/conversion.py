"""Other types of elements: `x.to(tg.float64)`, `x.long()`; and what scripts say of devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import Array, TensorBase, apply, wrap
from ..autograd.inplace import check_writable
from ..autograd.leaving import without_gradient
from ..device import CPU, check_device, memory_format
from ..device import device as Device
from ..device import layout as Layout
from . import dtypes
from .arguments import check_tensor
from .dtypes import Cast, DType, DTypeLike, to_dtype
from .indexing import copy_
from .tensor_types import dtype_of, name_of

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "conj",
    "get_device",
    "is_complex",
    "is_conj",
    "is_inference",
    "is_neg",
    "is_nonzero",
    "is_same_size",
    "is_signed",
    "real",
]


def convert(input: Tensor, dtype: DType, copy: bool = False) -> Tensor:
    """`input` in another type, recorded if both are floating; `input` itself if nothing changes."""
    if input.array.dtype == dtype and not copy:
        return input
    with np.errstate(all="ignore"):
        if dtype.kind == "f" and input.array.dtype.kind == "f":
            return apply(Cast(dtype), input)
        return without_gradient(f"to({dtype})", input.array.astype(dtype), input)


def to(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """The tensor in another type: `x.to(tg.float64)`, `x.to(other)`, `x.to("cpu", tg.float64)`.

    Gradients flow through a change from one floating type to another. The tensor itself is returned
    where nothing changes, unless `copy=True`. Devices other than the CPU raise RuntimeError.
    PyTorch: `Tensor.to`.

    >>> tg.tensor([1.7, -1.7]).to(tg.int64)
    tensor([ 1, -1])
    """
    dtype = input.array.dtype
    options = dict(kwargs)
    switches = [arg for arg in args if isinstance(arg, bool)]  # PyTorch's non_blocking and copy
    copy = options.pop("copy", switches[1:] == [True])
    for name in ("non_blocking", "memory_format"):  # a matter of speed on other devices
        options.pop(name, None)
    other = options.pop("other", None)
    places = [options.pop("device", None)]
    wanted = [options.pop("dtype", None)]
    if options:
        raise TypeError(f"to: there is no keyword {next(iter(options))!r}.")
    for arg in (*args, other):
        if isinstance(arg, TensorBase):
            wanted.append(arg.dtype)
        elif isinstance(arg, Device) or (isinstance(arg, str) and not _names_type(arg)):
            places.append(arg)
        elif not isinstance(arg, bool):
            wanted.append(arg)
    for place in places:
        check_device(place)
    for kind in wanted:
        if kind is not None:
            dtype = to_dtype(kind)
    return convert(input, dtype, copy)


def _names_type(name: str) -> bool:
    try:
        np.dtype(name)
    except TypeError:
        return False
    return True


def astype(input: Tensor, dtype: DTypeLike, copy: bool = False) -> Tensor:
    """The tensor in another type, by NumPy's name. See `to`.

    >>> tg.tensor([1, 2]).astype(np.float32)
    tensor([1., 2.])
    """
    return convert(input, to_dtype(dtype), copy)


def type(input: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """PyTorch's name of this tensor's type, or the tensor in another type. PyTorch: `Tensor.type`.

    Types are dtypes, tensor types (`tg.LongTensor`) and their names. Raises ValueError for another
    name.

    >>> tg.ones(1).type()
    'torch.FloatTensor'
    >>> tg.ones(1).type("torch.LongTensor")
    tensor([1])
    """
    if dtype is None:
        return name_of(input.array.dtype)
    return convert(input, dtype_of(dtype))


def type_as(input: Tensor, other: Tensor) -> Tensor:
    """The tensor in the type of another one. PyTorch: `Tensor.type_as`.

    >>> tg.tensor([1, 2]).type_as(tg.ones(1))
    tensor([1., 2.])
    """
    return convert(input, other.dtype)


def half(input: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor in float16. PyTorch: `Tensor.half`."""
    return convert(input, dtypes.float16)


def float(input: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor in float32. PyTorch: `Tensor.float`."""
    return convert(input, dtypes.float32)


def double(input: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor in float64. PyTorch: `Tensor.double`."""
    return convert(input, dtypes.float64)


def byte(input: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor in uint8. PyTorch: `Tensor.byte`."""
    return convert(input, dtypes.uint8)


def char(input: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor in int8. PyTorch: `Tensor.char`."""
    return convert(input, dtypes.int8)


def short(input: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor in int16. PyTorch: `Tensor.short`."""
    return convert(input, dtypes.int16)


def int(input: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor in int32, rounded towards 0. PyTorch: `Tensor.int`."""
    return convert(input, dtypes.int32)


def long(input: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor in int64, rounded towards 0. PyTorch: `Tensor.long`."""
    return convert(input, dtypes.int64)


def boolean(input: Tensor, memory_format: Any = None) -> Tensor:
    """Whether each element is not 0. PyTorch: `Tensor.bool`."""
    return convert(input, dtypes.bool_)


def device_of(input: Tensor) -> Device:
    """Where the tensor lives: `device(type='cpu')`. PyTorch: `Tensor.device`."""
    return CPU


def layout_of(input: Tensor) -> Layout:
    """How the elements lie in memory: `tg.strided`. PyTorch: `Tensor.layout`."""
    return Layout.strided


def is_cuda(input: Tensor) -> bool:
    """False: the tensor lives on the CPU. PyTorch: `Tensor.is_cuda`."""
    return False


def cpu(input: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor itself: it lives on the CPU. PyTorch: `Tensor.cpu`."""
    return input


def cuda(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Refused: tensors live on the CPU. Raises RuntimeError. PyTorch: `Tensor.cuda`."""
    raise RuntimeError(
        "cuda: tinygrad_edu computes on the CPU. Leave .cuda() out, or choose the device once with "
        'device = "cuda" if tg.cuda.is_available() else "cpu" and write .to(device).'
    )


def bfloat16(input: Tensor, memory_format: Any = None) -> Tensor:
    """Refused: NumPy has no bfloat16. Raises RuntimeError. PyTorch: `Tensor.bfloat16`."""
    raise RuntimeError("bfloat16: NumPy has no such type. Use x.float(), or x.half().")


def is_cpu(input: Tensor) -> bool:
    """True: the tensor lives on the CPU. PyTorch: `Tensor.is_cpu`."""
    return True


def never(input: Tensor) -> bool:
    """False: there are no such tensors here. PyTorch: `Tensor.is_meta`, `Tensor.is_sparse`, ..."""
    return False


def pin_memory(input: Tensor, device: Any = None) -> Tensor:
    """Refused: there is no accelerator to copy to. Raises RuntimeError.

    PyTorch: `Tensor.pin_memory`, which also raises it without an accelerator.
    """
    raise RuntimeError("pin_memory: there is no accelerator to copy to. Leave the call out.")


def is_pinned(input: Tensor, device: Any = None) -> bool:
    """False. PyTorch: `Tensor.is_pinned`."""
    return False


def share_memory_(input: Tensor) -> Tensor:
    """Refused: arrays are not moved to shared memory. Raises RuntimeError.

    PyTorch: `Tensor.share_memory_`.
    """
    raise RuntimeError(
        "share_memory_: a NumPy array stays where it is. Processes can share memory through "
        "multiprocessing.shared_memory and tg.from_numpy."
    )


def to_dense(input: Tensor, dtype: DTypeLike = None) -> Tensor:
    """The tensor itself: all tensors are dense; `dtype` converts. PyTorch: `Tensor.to_dense`."""
    return input if dtype is None else convert(input, to_dtype(dtype))


def get_device(input: Tensor) -> Any:
    """-1, the number of the CPU. PyTorch: `torch.get_device`.

    >>> tg.get_device(tg.ones(1))
    -1
    """
    return -1


def is_complex(input: Tensor) -> bool:
    """False: there are no complex tensors here. PyTorch: `torch.is_complex`.

    >>> tg.is_complex(tg.ones(1))
    False
    """
    return False


def conj(input: Tensor) -> Tensor:
    """The complex conjugate: of real numbers, and there are no others here, the tensor itself.

    PyTorch: `torch.conj`.

    >>> tg.conj(tg.tensor([1.0, -2.0]))
    tensor([ 1., -2.])
    """
    return input


def real(input: Tensor) -> Tensor:
    """The real part: of real numbers, and there are no others here, the tensor itself.

    PyTorch: `torch.real`.

    >>> tg.real(tg.tensor([1.0, -2.0]))
    tensor([ 1., -2.])
    """
    return input


is_conj = is_neg = is_complex


def is_inference(input: Tensor) -> bool:
    """False: tensors made in inference mode are ordinary ones here. PyTorch: `torch.is_inference`.

    >>> tg.is_inference(tg.ones(1))
    False
    """
    return False


def is_signed(input: Tensor) -> bool:
    """Whether the type has negative numbers. PyTorch: `torch.is_signed`.

    >>> tg.is_signed(tg.tensor([1], dtype=tg.uint8))
    False
    """
    check_tensor("is_signed", input)
    return input.array.dtype.kind in "if"


def is_nonzero(input: Tensor) -> bool:
    """Whether the only element is not 0; RuntimeError unless there is exactly one.

    PyTorch: `torch.is_nonzero`.

    >>> tg.is_nonzero(tg.tensor([0.0]))
    False
    """
    check_tensor("is_nonzero", input)
    return input.__bool__()


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether both have one shape. PyTorch: `torch.is_same_size`.

    >>> tg.is_same_size(tg.ones(2), tg.ones(2, 1))
    False
    """
    check_tensor("is_same_size", input)
    return input.shape == other.shape


def apply_(input: Tensor, callable: Any) -> Tensor:
    """Replace each element by what a Python function makes of it; slow. PyTorch: `Tensor.apply_`.

    Raises RuntimeError for a tensor that requires grad.

    >>> tg.tensor([1.0, 2.0]).apply_(lambda x: x * 10)
    tensor([10., 20.])
    """
    return map_(input, input, lambda x, _: callable(x), name="apply_")


def map_(input: Tensor, other: Tensor, callable: Any, *, name: str = "map_") -> Tensor:
    """Replace each element by a Python function of it and that of `other`, which is broadcast.

    Slow. Raises RuntimeError for tensors that require grad. PyTorch: `Tensor.map_`.

    >>> tg.tensor([1.0, 2.0]).map_(tg.tensor([10.0, 20.0]), lambda x, y: x + y)
    tensor([11., 22.])
    """
    if input.requires_grad or other.requires_grad:
        raise RuntimeError(
            f"{name}: autograd cannot see into a Python function of numbers. Use "
            f"x.detach().{name}(...)."
        )
    check_writable(input, name)
    values = np.broadcast_to(other.array, input.shape)
    pairs = zip(input.array.reshape(-1).tolist(), values.reshape(-1).tolist(), strict=True)
    found = np.array([callable(x, y) for x, y in pairs], input.dtype)
    return copy_(input, wrap(found.reshape(input.shape)))


def lies_in(array: Array, order: memory_format) -> bool:
    """Whether an array lies in memory in this order of dimensions."""
    if order in (memory_format.contiguous_format, memory_format.preserve_format):
        return array.flags.c_contiguous
    if array.ndim != (4 if order is memory_format.channels_last else 5):
        return False
    return np.moveaxis(array, 1, -1).flags.c_contiguous
