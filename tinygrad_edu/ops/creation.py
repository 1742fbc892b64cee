"""Making tensors: from data, filled with a number, as a sequence, like another tensor."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from ..autograd.graph import Array, TensorBase, wrap
from ..autograd.leaving import copied
from ..device import check_device
from ..device import layout as layout_type
from ..device import memory_format as memory_format_type
from .arguments import check_tensor
from .dtypes import DType, DTypeLike, cast, get_default_dtype, int64, to_dtype
from .from_data import to_array

if TYPE_CHECKING:
    from typing import Unpack

    from ..device import device as Device
    from ..tensor import Tensor

__all__ = [
    "arange",
    "as_tensor",
    "asarray",
    "empty",
    "empty_like",
    "eye",
    "from_numpy",
    "full",
    "full_like",
    "is_floating_point",
    "is_tensor",
    "linspace",
    "logspace",
    "ones",
    "ones_like",
    "scalar_tensor",
    "tensor",
    "tril_indices",
    "triu_indices",
    "zeros",
    "zeros_like",
]

Number = float | int | bool


class Options(TypedDict, total=False):
    """Keywords of every function here; all but `requires_grad` are there for PyTorch's sake."""

    requires_grad: bool
    device: Device | str | None
    layout: layout_type | None
    pin_memory: bool
    memory_format: memory_format_type


class SizeOptions(Options, total=False):
    """The same where a size may be given by keyword, too."""

    size: int | Sequence[int]


def finish(
    array: Array,
    requires_grad: bool = False,
    device: Device | str | None = None,
    layout: layout_type | None = None,
    pin_memory: bool = False,
    memory_format: memory_format_type | None = None,
) -> Tensor:
    """The tensor around a fresh array, with the common keywords seen to."""
    check_device(device)
    if layout not in (None, layout_type.strided):
        raise RuntimeError(f"Tensors are strided; there is no layout {layout!r}.")
    result = wrap(array)
    return result.requires_grad_() if requires_grad else result


def shape_of(size: tuple[Any, ...], name: str) -> tuple[int, ...]:
    """The shape meant by `f(2, 3)`, `f((2, 3))` or `f([2, 3])`.

    Raises TypeError for anything but integers, RuntimeError for negative ones.
    """
    if len(size) == 1 and isinstance(size[0], (tuple, list)):
        size = tuple(size[0])
    try:
        shape = tuple(n if type(n) is int else n.__index__() for n in size)
    except AttributeError:
        raise TypeError(
            f"{name}: the size is given as integers, such as (2, 3); got {size}."
        ) from None
    if any(n < 0 for n in shape):
        raise RuntimeError(f"{name}: a dimension cannot be negative; got the size {shape}.")
    return shape


# From data.


def tensor(data: Any, *, dtype: DTypeLike = None, **options: Unpack[Options]) -> Tensor:
    """A tensor with a copy of `data`: a number, nested lists, a NumPy array.

    Python floats become the default type (float32), integers int64, booleans bool; arrays keep
    their type, unless `dtype` is given. `requires_grad=True` makes a leaf whose gradient `backward`
    computes. Raises ValueError for ragged lists, TypeError for anything that holds no numbers,
    RuntimeError for an integer tensor that shall require grad or another device than the CPU.
    PyTorch: `torch.tensor`.

    >>> tg.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    >>> tg.tensor([0.5, 1], requires_grad=True)
    tensor([0.5000, 1.0000], requires_grad=True)
    """
    if isinstance(data, TensorBase):
        warnings.warn(
            "tensor(x) of a tensor copies the values and leaves the graph: say so with "
            "x.detach().clone(), or x.clone() to stay in the graph.",
            UserWarning,
            stacklevel=2,
        )
    return copied("tg.tensor(...)", finish(to_array(data, dtype), **options), data)


def as_tensor(data: Any, dtype: DTypeLike = None, device: Device | str | None = None) -> Tensor:
    """`data` as a tensor, without a copy if possible: a tensor as it is, an array by shared memory.

    A tensor of another type is cast, and stays in its graph. PyTorch: `torch.as_tensor`.

    >>> a = np.zeros(2)
    >>> tg.as_tensor(a)[0] = 1
    >>> a
    array([1., 0.])
    """
    check_device(device)
    if isinstance(data, TensorBase):
        return cast(data, data.dtype if dtype is None else to_dtype(dtype))
    if isinstance(data, np.ndarray) and data.dtype.isnative:
        wanted = to_dtype(data.dtype if dtype is None else dtype)
        return wrap(data.astype(wanted, copy=False))
    return copied("tg.as_tensor(...)", wrap(to_array(data, dtype)), data)


def asarray(
    obj: Any,
    *,
    dtype: DTypeLike = None,
    device: Device | str | None = None,
    copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """`as_tensor` with `copy`: True always copies, False raises ValueError if that is needed.

    PyTorch: `torch.asarray`.

    >>> tg.asarray([1, 2], dtype=tg.float32)
    tensor([1., 2.])
    """
    check_device(device)
    if copy:
        result = copied("tg.asarray(..., copy=True)", wrap(to_array(obj, dtype)), obj)
    else:
        result = as_tensor(obj, dtype)
        source = obj.array if isinstance(obj, TensorBase) else obj
        if copy is False and not (
            isinstance(source, np.ndarray) and np.shares_memory(source, result.array)
        ):
            raise ValueError("asarray: this object and type need a copy, which copy=False forbids.")
    return result.requires_grad_() if requires_grad else result


def from_numpy(ndarray: Array) -> Tensor:
    """A tensor on the memory of a NumPy array: changes to one are seen in the other.

    A read-only array makes a tensor that NumPy will not let be changed in place. Changes made
    through the array are not noticed by autograd. Raises TypeError for anything but an array of
    numbers in native byte order. PyTorch: `torch.from_numpy`.

    >>> a = np.array([1.0, 2.0])
    >>> t = tg.from_numpy(a)
    >>> a[0] = 5
    >>> t
    tensor([5., 2.], dtype=float64)
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(
            f"from_numpy: expected a NumPy array, got {type(ndarray).__name__}. tg.tensor(...) "
            "takes anything."
        )
    to_dtype(ndarray.dtype)
    if not ndarray.dtype.isnative:
        raise ValueError(
            f"from_numpy: the array's byte order {ndarray.dtype.str!r} is not this machine's; "
            "tg.tensor(...) makes a converted copy."
        )
    return wrap(ndarray.view(np.ndarray))


def scalar_tensor(s: Number, *, dtype: DTypeLike = None, **options: Unpack[Options]) -> Tensor:
    """A 0-dimensional tensor of the default float type. PyTorch: `torch.scalar_tensor`.

    >>> tg.scalar_tensor(3)
    tensor(3.)
    """
    return finish(np.array(s, dtype=_type_or_default(dtype)), **options)


def _type_or_default(dtype: DTypeLike) -> DType:
    return get_default_dtype() if dtype is None else to_dtype(dtype)


# Filled.


def zeros(*sizes: Any, dtype: DTypeLike = None, **options: Unpack[SizeOptions]) -> Tensor:
    """A tensor full of 0, of the default float type. PyTorch: `torch.zeros`.

    The size is `zeros(2, 3)`, `zeros((2, 3))` or `zeros(size=(2, 3))`. Raises TypeError for sizes
    that are no integers, RuntimeError for negative ones.

    >>> tg.zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    shape, common = sized(sizes, options, "zeros")
    return finish(np.zeros(shape, dtype=_type_or_default(dtype)), **common)


def ones(*sizes: Any, dtype: DTypeLike = None, **options: Unpack[SizeOptions]) -> Tensor:
    """A tensor full of 1, of the default float type; sizes as for `zeros`. PyTorch: `torch.ones`.

    >>> tg.ones(3, dtype=tg.int64)
    tensor([1, 1, 1])
    """
    shape, common = sized(sizes, options, "ones")
    return finish(np.ones(shape, dtype=_type_or_default(dtype)), **common)


def empty(*sizes: Any, dtype: DTypeLike = None, **options: Unpack[SizeOptions]) -> Tensor:
    """A tensor to be filled: its values are whatever was in memory. Sizes as for `zeros`.

    PyTorch: `torch.empty`.

    >>> tg.empty(2, 3).shape
    (2, 3)
    """
    shape, common = sized(sizes, options, "empty")
    return finish(np.empty(shape, dtype=_type_or_default(dtype)), **common)


def sized(sizes: tuple[Any, ...], options: Any, name: str) -> tuple[tuple[int, ...], Options]:
    """The shape, from the positional sizes or the keyword `size`, and the other keywords."""
    if "size" in options:
        sizes = (*sizes, options.pop("size"))
    elif not sizes:
        raise TypeError(f"{name}: the size is missing; a 0-dimensional tensor is {name}(()).")
    return shape_of(sizes, name), options


def full(
    size: int | Sequence[int],
    fill_value: Any,
    *,
    dtype: DTypeLike = None,
    **options: Unpack[Options],
) -> Tensor:
    """A tensor full of one number; the type is that of the number, as in `tensor`.

    PyTorch: `torch.full`.

    >>> tg.full((2, 2), 7)
    tensor([[7, 7],
            [7, 7]])
    """
    number = fill_value.item() if isinstance(fill_value, np.generic) else fill_value
    value = to_array(number, dtype)
    if value.ndim:
        raise TypeError(f"full: fill_value is one number; got the shape {value.shape}.")
    return finish(np.full(shape_of((size,), "full"), value, dtype=value.dtype), **options)


def zeros_like(input: Tensor, *, dtype: DTypeLike = None, **options: Unpack[Options]) -> Tensor:
    """Zeros in the shape and type of `input`; not part of its graph. PyTorch: `torch.zeros_like`.

    >>> tg.zeros_like(tg.tensor([1, 2]))
    tensor([0, 0])
    """
    check_tensor("zeros_like", input)
    return finish(np.zeros_like(input.array, dtype=_type_like(input, dtype)), **options)


def ones_like(input: Tensor, *, dtype: DTypeLike = None, **options: Unpack[Options]) -> Tensor:
    """Ones in the shape and type of `input`. PyTorch: `torch.ones_like`.

    >>> tg.ones_like(tg.tensor([0.5, 2.0]))
    tensor([1., 1.])
    """
    check_tensor("ones_like", input)
    return finish(np.ones_like(input.array, dtype=_type_like(input, dtype)), **options)


def empty_like(input: Tensor, *, dtype: DTypeLike = None, **options: Unpack[Options]) -> Tensor:
    """A tensor to be filled, in the shape and type of `input`. PyTorch: `torch.empty_like`.

    >>> tg.empty_like(tg.zeros(2, 3)).shape
    (2, 3)
    """
    check_tensor("empty_like", input)
    return finish(np.empty_like(input.array, dtype=_type_like(input, dtype)), **options)


def full_like(
    input: Tensor, fill_value: Number, *, dtype: DTypeLike = None, **options: Unpack[Options]
) -> Tensor:
    """One number in the shape and type of `input`. PyTorch: `torch.full_like`.

    >>> tg.full_like(tg.zeros(2), 0.5)
    tensor([0.5000, 0.5000])
    """
    check_tensor("full_like", input)
    value = fill_value.item() if isinstance(fill_value, TensorBase) else fill_value
    return finish(np.full_like(input.array, value, dtype=_type_like(input, dtype)), **options)


def _type_like(input: Tensor, dtype: DTypeLike) -> DType:
    return input.array.dtype if dtype is None else to_dtype(dtype)


def new_zeros(
    input: Tensor, *sizes: Any, dtype: DTypeLike = None, **options: Unpack[SizeOptions]
) -> Tensor:
    """Zeros of a size, in the type of this tensor. PyTorch: `Tensor.new_zeros`.

    >>> tg.tensor([1, 2]).new_zeros(3)
    tensor([0, 0, 0])
    """
    return zeros(*sizes, dtype=_type_like(input, dtype), **options)


def new_ones(
    input: Tensor, *sizes: Any, dtype: DTypeLike = None, **options: Unpack[SizeOptions]
) -> Tensor:
    """Ones of a size, in the type of this tensor. PyTorch: `Tensor.new_ones`.

    >>> tg.tensor([1, 2]).new_ones(3)
    tensor([1, 1, 1])
    """
    return ones(*sizes, dtype=_type_like(input, dtype), **options)


def new_empty(
    input: Tensor, *sizes: Any, dtype: DTypeLike = None, **options: Unpack[SizeOptions]
) -> Tensor:
    """A tensor to be filled, of a size, in the type of this tensor. PyTorch: `Tensor.new_empty`.

    >>> tg.tensor([1, 2]).new_empty(3).dtype
    dtype('int64')
    """
    return empty(*sizes, dtype=_type_like(input, dtype), **options)


def new_full(
    input: Tensor,
    size: int | Sequence[int],
    fill_value: Number,
    *,
    dtype: DTypeLike = None,
    **options: Unpack[Options],
) -> Tensor:
    """One number, in a size, in the type of this tensor. PyTorch: `Tensor.new_full`.

    >>> tg.tensor([1.0]).new_full((2,), 7)
    tensor([7., 7.])
    """
    return full(size, fill_value, dtype=_type_like(input, dtype), **options)


def new_tensor(
    input: Tensor, data: Any, *, dtype: DTypeLike = None, **options: Unpack[Options]
) -> Tensor:
    """`tensor(data)` in the type of this tensor. PyTorch: `Tensor.new_tensor`.

    >>> tg.tensor([1.0]).new_tensor([1, 2])
    tensor([1., 2.])
    """
    return tensor(data, dtype=_type_like(input, dtype), **options)


# Sequences.


def arange(
    start: Number,
    end: Number | None = None,
    step: Number = 1,
    *,
    dtype: DTypeLike = None,
    **options: Unpack[Options],
) -> Tensor:
    """start, start + step, ... below `end`; `arange(end)` starts at 0. PyTorch: `torch.arange`.

    int64 if all arguments are integers, otherwise the default float type. Raises RuntimeError if
    `step` is 0 or leads away from `end`.

    >>> tg.arange(3)
    tensor([0, 1, 2])
    >>> tg.arange(1, 2, 0.5)
    tensor([1.0000, 1.5000])
    """
    if end is None:
        start, end = 0, start
    start, end, step = (
        x.item() if isinstance(x, (TensorBase, np.generic)) else x for x in (start, end, step)
    )
    floats = any(isinstance(x, float) for x in (start, end, step))
    kind = (get_default_dtype() if floats else int64) if dtype is None else to_dtype(dtype)
    if kind.kind != "f" and math.isfinite(start + end + step):
        start, end, step = int(start), int(end), int(step)
    if not math.isfinite(start + end + step):
        raise RuntimeError(f"arange: unsupported range: {start} -> {end} in steps of {step}.")
    if step == 0:
        raise RuntimeError(f"arange: the step must not be 0 (in {kind}).")
    if (end - start) * step < 0:
        raise RuntimeError(f"arange: a step of {step} does not lead from {start} to {end}.")
    count = math.ceil((end - start) / step)
    return finish((start + np.arange(count) * step).astype(kind), **options)


def linspace(
    start: Number, end: Number, steps: int, *, dtype: DTypeLike = None, **options: Unpack[Options]
) -> Tensor:
    """`steps` numbers at equal distances from `start` to `end`, both included.

    Raises RuntimeError if `steps` is negative. PyTorch: `torch.linspace`.

    >>> tg.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    if steps < 0:
        raise RuntimeError(f"linspace: the number of steps cannot be negative; got {steps}.")
    return finish(
        np.linspace(float(start), float(end), steps).astype(_type_or_default(dtype)), **options
    )


def logspace(
    start: Number,
    end: Number,
    steps: int,
    base: float = 10.0,
    *,
    dtype: DTypeLike = None,
    **options: Unpack[Options],
) -> Tensor:
    """`steps` numbers from base^start to base^end whose exponents are at equal distances.

    PyTorch: `torch.logspace`.

    >>> tg.logspace(0, 2, 3)
    tensor([  1.,  10., 100.])
    """
    if steps < 0:
        raise RuntimeError(f"logspace: the number of steps cannot be negative; got {steps}.")
    exponents = np.linspace(float(start), float(end), steps)
    return finish(np.power(base, exponents).astype(_type_or_default(dtype)), **options)


def eye(
    n: int, m: int | None = None, *, dtype: DTypeLike = None, **options: Unpack[Options]
) -> Tensor:
    """The n×m matrix with 1 on the diagonal and 0 elsewhere; m is n if not given.

    PyTorch: `torch.eye`.

    >>> tg.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    rows, columns = shape_of((n, n if m is None else m), "eye")
    return finish(np.eye(rows, columns, dtype=_type_or_default(dtype)), **options)


def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: DTypeLike = int64, **options: Unpack[Options]
) -> Tensor:
    """Where the lower triangle of a (row, col) matrix is: its rows and columns, shape (2, N).

    PyTorch: `torch.tril_indices`.

    >>> tg.tril_indices(2, 2)
    tensor([[0, 1, 1],
            [0, 0, 1]])
    """
    row, col = shape_of((row, col), "tril_indices")
    return finish(np.array(np.tril_indices(row, offset, col), dtype=to_dtype(dtype)), **options)


def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: DTypeLike = int64, **options: Unpack[Options]
) -> Tensor:
    """Where the upper triangle of a (row, col) matrix is: its rows and columns, shape (2, N).

    PyTorch: `torch.triu_indices`.

    >>> tg.triu_indices(2, 2)
    tensor([[0, 0, 1],
            [0, 1, 1]])
    """
    row, col = shape_of((row, col), "triu_indices")
    return finish(np.array(np.triu_indices(row, offset, col), dtype=to_dtype(dtype)), **options)


# Questions.


def is_tensor(obj: Any) -> bool:
    """Whether this is a tensor. PyTorch: `torch.is_tensor`.

    >>> tg.is_tensor(tg.ones(1)), tg.is_tensor([1.0])
    (True, False)
    """
    return isinstance(obj, TensorBase)


def is_floating_point(input: Tensor) -> bool:
    """Whether the elements are floating numbers. PyTorch: `torch.is_floating_point`.

    >>> tg.is_floating_point(tg.ones(1))
    True
    """
    return check_tensor("is_floating_point", input).array.dtype.kind == "f"
