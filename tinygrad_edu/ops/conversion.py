"""Other types of elements: `x.to(tg.float64)`, `x.long()`; and what scripts say of devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import TensorBase, apply, wrap
from ..device import CPU, check_device
from ..device import device as Device
from ..device import layout as Layout
from . import dtypes
from .dtypes import Cast, DType, DTypeLike, to_dtype

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__: list[str] = []  # methods only

_NAMES = {  # PyTorch's legacy names of tensor types
    "torch.HalfTensor": dtypes.float16,
    "torch.FloatTensor": dtypes.float32,
    "torch.DoubleTensor": dtypes.float64,
    "torch.ByteTensor": dtypes.uint8,
    "torch.CharTensor": dtypes.int8,
    "torch.ShortTensor": dtypes.int16,
    "torch.IntTensor": dtypes.int32,
    "torch.LongTensor": dtypes.int64,
    "torch.BoolTensor": dtypes.bool_,
}


def convert(input: Tensor, dtype: DType, copy: bool = False) -> Tensor:
    """`input` in another type, recorded if both are floating; `input` itself if nothing changes."""
    if input.array.dtype == dtype and not copy:
        return input
    with np.errstate(all="ignore"):
        if dtype.kind == "f" and input.array.dtype.kind == "f":
            return apply(Cast(dtype), input)
        return wrap(input.array.astype(dtype))


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


def type(input: Tensor, dtype: DTypeLike = None) -> Any:
    """PyTorch's name of this tensor's type, or the tensor in another type. PyTorch: `Tensor.type`.

    >>> tg.ones(1).type()
    'torch.FloatTensor'
    >>> tg.ones(1).type("torch.LongTensor")
    tensor([1])
    """
    if dtype is None:
        for name, kind in _NAMES.items():
            if kind == input.array.dtype:
                return name
        return f"torch.{input.array.dtype}"
    return convert(input, _NAMES[dtype] if dtype in _NAMES else to_dtype(dtype))


def type_as(input: Tensor, other: Tensor) -> Tensor:
    """The tensor in the type of another one. PyTorch: `Tensor.type_as`.

    >>> tg.tensor([1, 2]).type_as(tg.ones(1))
    tensor([1., 2.])
    """
    return convert(input, other.dtype)


def half(input: Tensor) -> Tensor:
    """The tensor in float16. PyTorch: `Tensor.half`."""
    return convert(input, dtypes.float16)


def float(input: Tensor) -> Tensor:
    """The tensor in float32. PyTorch: `Tensor.float`."""
    return convert(input, dtypes.float32)


def double(input: Tensor) -> Tensor:
    """The tensor in float64. PyTorch: `Tensor.double`."""
    return convert(input, dtypes.float64)


def byte(input: Tensor) -> Tensor:
    """The tensor in uint8. PyTorch: `Tensor.byte`."""
    return convert(input, dtypes.uint8)


def char(input: Tensor) -> Tensor:
    """The tensor in int8. PyTorch: `Tensor.char`."""
    return convert(input, dtypes.int8)


def short(input: Tensor) -> Tensor:
    """The tensor in int16. PyTorch: `Tensor.short`."""
    return convert(input, dtypes.int16)


def int(input: Tensor) -> Tensor:
    """The tensor in int32, rounded towards 0. PyTorch: `Tensor.int`."""
    return convert(input, dtypes.int32)


def long(input: Tensor) -> Tensor:
    """The tensor in int64, rounded towards 0. PyTorch: `Tensor.long`."""
    return convert(input, dtypes.int64)


def boolean(input: Tensor) -> Tensor:
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


def cpu(input: Tensor) -> Tensor:
    """The tensor itself: it lives on the CPU. PyTorch: `Tensor.cpu`."""
    return input


def cuda(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Refused: tensors live on the CPU. Raises RuntimeError. PyTorch: `Tensor.cuda`."""
    raise RuntimeError(
        "cuda: tinygrad_edu computes on the CPU. Leave .cuda() out, or choose the device once with "
        'device = "cuda" if tg.cuda.is_available() else "cpu" and write .to(device).'
    )
