"""PyTorch's older names of tensor types: `tg.FloatTensor([1, 2])`, `x.type("torch.LongTensor")`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import TensorBase, wrap
from ..autograd.leaving import copied
from . import dtypes
from .dtypes import DType, set_default_dtype, to_dtype
from .from_data import to_array

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "BoolTensor",
    "ByteTensor",
    "CharTensor",
    "DoubleTensor",
    "FloatTensor",
    "HalfTensor",
    "IntTensor",
    "LongTensor",
    "ShortTensor",
    "new",
    "set_default_tensor_type",
]


class TensorType:
    """Tensors of one type of elements: makes them, and recognizes them by `isinstance`.

    `FloatTensor([1, 2])` copies data, `FloatTensor(2, 3)` is a tensor of that shape, full of zeros.
    PyTorch: `torch.FloatTensor` and its kin, whose elements are not initialized.

    >>> tg.LongTensor([1, 2])
    tensor([1, 2])
    >>> isinstance(tg.ones(1), tg.FloatTensor)
    True
    """

    __slots__ = ("__name__", "dtype")

    def __init__(self, name: str, dtype: DType) -> None:
        self.__name__ = name
        self.dtype = dtype

    def __call__(self, *data: Any) -> Tensor:
        return made(data, self.dtype, self.__name__)

    def __instancecheck__(self, instance: object) -> bool:
        return isinstance(instance, TensorBase) and instance.dtype == self.dtype

    def __repr__(self) -> str:
        return f"<tensor type torch.{self.__name__}>"


def made(data: tuple[Any, ...], dtype: DType, name: str) -> Tensor:
    """A tensor of data, or of a size."""
    if not data or all(hasattr(n, "__index__") and np.ndim(n) == 0 for n in data):
        sizes = tuple(int(n) for n in data) or (0,)
        if min(sizes) < 0:
            raise RuntimeError(f"{name}: a dimension cannot be negative; got {sizes}.")
        return wrap(np.zeros(sizes, dtype))
    if len(data) > 1:
        raise TypeError(f"{name}: one sequence of data, or integers as sizes; got {data}.")
    if isinstance(data[0], TensorBase):
        if data[0].dtype != dtype:
            raise TypeError(
                f"{name}: a tensor of {dtype} is expected; got {data[0].dtype}. Convert it with "
                f"x.to(tg.{dtype})."
            )
        return copied(f"tg.{name}(...)", wrap(data[0].array, None, data[0].version), data[0])
    if np.ndim(data[0]) == 0 and not isinstance(data[0], np.ndarray):
        raise TypeError(f"{name}: data must be a sequence; got {type(data[0]).__name__}.")
    return copied(f"tg.{name}(...)", wrap(to_array(data[0], dtype)), data[0])


HalfTensor = TensorType("HalfTensor", dtypes.float16)
FloatTensor = TensorType("FloatTensor", dtypes.float32)
DoubleTensor = TensorType("DoubleTensor", dtypes.float64)
ByteTensor = TensorType("ByteTensor", dtypes.uint8)
CharTensor = TensorType("CharTensor", dtypes.int8)
ShortTensor = TensorType("ShortTensor", dtypes.int16)
IntTensor = TensorType("IntTensor", dtypes.int32)
LongTensor = TensorType("LongTensor", dtypes.int64)
BoolTensor = TensorType("BoolTensor", dtypes.bool_)

_TYPES = (
    HalfTensor,
    FloatTensor,
    DoubleTensor,
    ByteTensor,
    CharTensor,
    ShortTensor,
    IntTensor,
    LongTensor,
    BoolTensor,
)


def name_of(dtype: DType) -> str:
    """PyTorch's name of tensors of this type, such as 'torch.FloatTensor'."""
    for kind in _TYPES:
        if kind.dtype == dtype:
            return f"torch.{kind.__name__}"
    return f"torch.{dtype}"


def dtype_of(kind: Any) -> DType:
    """The type of elements that is meant by a tensor type, its name, or a dtype."""
    if isinstance(kind, TensorType):
        return kind.dtype
    if isinstance(kind, str):
        if "cuda" in kind:
            raise RuntimeError(f"There is no {kind}: tinygrad_edu computes on the CPU.")
        for known in _TYPES:
            if kind == f"torch.{known.__name__}":
                return known.dtype
        if kind.startswith("torch."):
            kind = kind.removeprefix("torch.")
        try:
            return to_dtype(kind)
        except TypeError:
            raise ValueError(
                f"invalid type: {kind!r}. Names are those of PyTorch, such as 'torch.FloatTensor'."
            ) from None
    return to_dtype(kind)


def set_default_tensor_type(t: Any) -> None:
    """`set_default_dtype` by the name of a tensor type. PyTorch: `torch.set_default_tensor_type`.

    Raises TypeError for a type that is not floating.

    >>> tg.set_default_tensor_type(tg.DoubleTensor)
    >>> tg.tensor([1.0]).dtype
    dtype('float64')
    >>> tg.set_default_tensor_type("torch.FloatTensor")
    """
    set_default_dtype(dtype_of(t))


def new(input: Tensor, *data: Any) -> Tensor:
    """A tensor of this one's type, from data or of a size (then zeros). PyTorch: `Tensor.new`.

    >>> tg.ones(1).new([1, 2])
    tensor([1., 2.])
    """
    return made(data, input.dtype, "new")


def typename(obj: Any) -> str:
    """The name of an object's type; of a tensor, the one that `x.type()` answers.

    PyTorch: `torch.typename`.

    >>> tg.typename(tg.ones(1)), tg.typename(1)
    ('torch.FloatTensor', 'int')
    """
    if isinstance(obj, TensorBase):
        return name_of(obj.dtype)
    cls = type(obj)
    return cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__name__}"
