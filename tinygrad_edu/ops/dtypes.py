"""Types of elements, and which type the result of mixed operands has.

The rules are PyTorch's. Kinds are ordered bool < integer < floating; within the highest kind that
takes part, tensors with dimensions decide before 0-dimensional tensors, and these before Python
numbers. So a float32 tensor stays float32 next to a Python number or a 0-dimensional float64
tensor, and an integer tensor next to a Python float becomes the default float type.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ..autograd.graph import Array, Operation, TensorBase, Value, apply, wrap
from ..autograd.leaving import without_gradient

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "as_tensor_operand",
    "cast",
    "constant",
    "floating",
    "floating_operands",
    "get_default_dtype",
    "operands",
    "promote_types",
    "result_type",
    "set_default_dtype",
    "to_dtype",
    "type_name",
]

DType: TypeAlias = np.dtype[Any]
#: What may stand for a type: a NumPy dtype or scalar type, a Python type, a name such as "int64".
DTypeLike: TypeAlias = Any

float16: DType = np.dtype(np.float16)
float32: DType = np.dtype(np.float32)
float64: DType = np.dtype(np.float64)
uint8: DType = np.dtype(np.uint8)
int8: DType = np.dtype(np.int8)
int16: DType = np.dtype(np.int16)
int32: DType = np.dtype(np.int32)
int64: DType = np.dtype(np.int64)
bool_: DType = np.dtype(np.bool_)

_ORDER = "biuf"  # kinds, lowest first; signed and unsigned integers count as one kind
_PYTHON = {bool: bool_, int: int64}
_default = [float32]  # one for the process, as in PyTorch


def get_default_dtype() -> DType:
    """The type that Python floats become. PyTorch: `torch.get_default_dtype`.

    >>> tg.get_default_dtype()
    dtype('float32')
    """
    return _default[0]


def set_default_dtype(dtype: DTypeLike) -> None:
    """Set the type that Python floats become: float16, float32 or float64.

    Raises TypeError for a type that is not floating. PyTorch: `torch.set_default_dtype`.

    >>> tg.set_default_dtype(tg.float64)
    >>> tg.tensor([1.0]).dtype
    dtype('float64')
    >>> tg.set_default_dtype(tg.float32)
    """
    dtype = to_dtype(dtype)
    if dtype.kind != "f":
        raise TypeError(
            f"The default dtype must be floating (tg.float32 or tg.float64); got {dtype}."
        )
    _default[0] = dtype


def to_dtype(dtype: DTypeLike) -> DType:
    """The NumPy dtype meant by `dtype`; Python's `float` is float64, as in PyTorch and NumPy.

    >>> from tinygrad_edu.ops.dtypes import to_dtype
    >>> to_dtype(float), to_dtype("int64")
    (dtype('float64'), dtype('int64'))
    """
    try:
        result = np.dtype(dtype)
    except TypeError:
        raise TypeError(
            f"{dtype!r} ({type_name(dtype)}) is no type of elements: these are tg.float32, "
            "tg.int64, tg.bool and so on."
        ) from None
    if result.kind not in _ORDER:
        raise TypeError(
            f"Tensors hold booleans, integers or floating numbers; {result} is none of these."
        )
    return result


def type_name(x: Any) -> str:
    """The name of a value's type, for messages; in a script half moved, PyTorch's say so.

    >>> from tinygrad_edu.ops.dtypes import type_name
    >>> type_name(1.5)
    'float'
    """
    kind = type(x)
    return f"torch's {kind.__name__}" if kind.__module__.startswith("torch") else kind.__name__


def _level(dtype: DType) -> int:
    return (0, 1, 1, 2)[_ORDER.index(dtype.kind)]


def promote_types(first: DTypeLike, second: DTypeLike) -> DType:
    """The smallest type that holds both, where an integer never widens a floating type.

    PyTorch: `torch.promote_types`.

    >>> tg.promote_types(tg.int64, tg.float32)
    dtype('float32')
    """
    a, b = np.dtype(first), np.dtype(second)
    if _level(a) != _level(b):
        return a if _level(a) > _level(b) else b
    return np.promote_types(a, b)


def result_type(*tensors: Any) -> DType:
    """The type of an operation on these tensors and Python numbers. PyTorch: `torch.result_type`.

    >>> tg.result_type(tg.tensor([1, 2]), 0.5)
    dtype('float32')
    """
    with_dims: DType | None = None
    zero_dims: DType | None = None
    number: DType | None = None
    for x in tensors:
        if isinstance(x, TensorBase):
            if x.array.ndim:
                with_dims = x.dtype if with_dims is None else promote_types(with_dims, x.dtype)
            else:
                zero_dims = x.dtype if zero_dims is None else promote_types(zero_dims, x.dtype)
        else:
            kind = _PYTHON.get(type(x), get_default_dtype())
            number = kind if number is None else promote_types(number, kind)
    result = with_dims
    for weaker in (zero_dims, number):
        if weaker is not None and (result is None or _level(weaker) > _level(result)):
            result = weaker
    assert result is not None
    return result


class Cast(Operation):
    """z = x in another type; grad_x = grad in the type of x (the engine sees to that)."""

    __slots__ = ("to",)

    def __init__(self, to: DType) -> None:
        self.to = to

    def forward(self, x: Array) -> Array:
        with np.errstate(all="ignore"):  # What float16 cannot hold is infinite, as in PyTorch.
            return x.astype(self.to)

    def grad_x(self, grad: Value) -> Value:
        return grad


def cast(x: TensorBase, dtype: DType) -> Tensor:
    """`x` in the type `dtype`, recorded; `x` itself if it has that type."""
    if x.dtype == dtype:
        return x  # type: ignore[return-value]
    if dtype.kind != "f" or x.dtype.kind != "f":
        return without_gradient(f"to({dtype})", x.array.astype(dtype), x)
    return apply(Cast(dtype), x)


def as_tensor_operand(x: Any, name: str) -> Any:
    """An operand of an operation: a tensor or a Python number as it is, an ndarray as a copy."""
    if isinstance(x, TensorBase) or type(x) in (bool, int, float):
        return x
    if isinstance(x, np.generic):
        return x.item()
    if isinstance(x, np.ndarray):
        to_dtype(x.dtype)
        return wrap(x.copy())  # The user's array may change before backward reads it.
    if isinstance(x, (bool, int, float)):
        return float(x) if isinstance(x, float) else int(x)
    raise TypeError(
        f"{name}: operands are tensors, NumPy arrays and numbers; got {type_name(x)}. Make a "
        "tensor of it with tg.tensor(...)."
    )


def constant(value: Value) -> Any:
    """The array of a value, through which no gradient flows: what a rule uses as a constant."""
    return value.array if isinstance(value, TensorBase) else value


def operands(x: Any, y: Any, name: str) -> tuple[Any, Any]:
    """Two operands of an elementwise operation, in their common type. Numbers stay numbers."""
    if isinstance(x, TensorBase):
        if isinstance(y, TensorBase):
            if x.array.dtype is y.array.dtype:
                return x, y
        elif type(y) in (float, int) and x.array.dtype.kind == "f":
            return x, y
    x, y = as_tensor_operand(x, name), as_tensor_operand(y, name)
    if not isinstance(x, TensorBase) and not isinstance(y, TensorBase):
        x = wrap(np.asarray(x, dtype=_PYTHON.get(type(x), get_default_dtype())))
    dtype = result_type(x, y)
    if isinstance(x, TensorBase):
        x = cast(x, dtype)
    if isinstance(y, TensorBase):
        y = cast(y, dtype)
    return x, y


def floating_operands(x: Any, y: Any, name: str) -> tuple[Tensor, Tensor]:
    """Two operands as tensors in their common floating type; integers become the default type."""
    x, y = as_tensor_operand(x, name), as_tensor_operand(y, name)
    dtype = result_type(x, y)
    dtype = dtype if dtype.kind == "f" else get_default_dtype()
    x, y = (
        cast(z, dtype) if isinstance(z, TensorBase) else wrap(np.asarray(z, dtype)) for z in (x, y)
    )
    return x, y


def floating(x: Any, name: str) -> Tensor:
    """A tensor of a floating type: integers and booleans become the default type."""
    x = as_tensor_operand(x, name)
    if not isinstance(x, TensorBase):
        return wrap(np.asarray(x, dtype=get_default_dtype()))
    return cast(x, x.dtype if x.dtype.kind == "f" else get_default_dtype())


def _error_state() -> tuple[Any, Any]:
    """The variable that np.errstate sets, and its value for "ignore"; None if NumPy hides them."""
    try:
        from numpy._core import umath

        return umath._extobj_contextvar, umath._make_extobj(all="ignore")
    except (ImportError, AttributeError):
        return None, None


# Set directly, this takes 0.2 µs where np.errstate takes 1.1; it surrounds every small kernel.
_errors, _ignored = _error_state()


def quiet(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a kernel answer with NaN or infinity outside its domain without NumPy's warning."""

    if _errors is None:
        return np.errstate(all="ignore")(function)

    if isinstance(function, np.ufunc) and function.nin == 2:

        @functools.wraps(function)
        def silent_pair(x: Any, y: Any) -> Any:
            token = _errors.set(_ignored)
            try:
                return function(x, y)
            finally:
                _errors.reset(token)

        return silent_pair

    @functools.wraps(function)
    def silent(*args: Any, **kwargs: Any) -> Any:
        token = _errors.set(_ignored)
        try:
            return function(*args, **kwargs)
        finally:
            _errors.reset(token)

    return silent
