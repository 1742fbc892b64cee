"""Arrays from numbers, nested lists, NumPy arrays and tensors, in the type that PyTorch infers."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..autograd.graph import Array, TensorBase
from .dtypes import DType, DTypeLike, bool_, get_default_dtype, int64, promote_types, to_dtype

__all__ = ["to_array"]

_NUMBERS = {bool, int, float}


def to_array(data: Any, dtype: DTypeLike = None) -> Array:
    """A new array of `data`, in `dtype` or the type that the data have.

    Python floats have the default type, integers int64, booleans bool; arrays and tensors keep
    theirs. Raises ValueError for lists of different lengths and integers out of range, TypeError
    and RuntimeError for what is no number.

    >>> from tinygrad_edu.ops.from_data import to_array
    >>> to_array([[1, 2.5]])
    array([[1. , 2.5]], dtype=float32)
    """
    wanted = None if dtype is None else to_dtype(dtype)
    if isinstance(data, TensorBase):
        return np.array(data.array, dtype=wanted)
    if hasattr(data, "__array__") and not isinstance(data, (np.ndarray, np.generic)):
        data = np.asarray(data)
    if isinstance(data, (np.ndarray, np.generic)):
        with np.errstate(all="ignore"):
            return np.array(data, dtype=wanted or to_dtype(data.dtype).newbyteorder("="))
    types = _types_of(data)
    if not types <= _NUMBERS:
        _warn_about_gradients(data)
        data = _without_tensors(data)
    try:
        with np.errstate(all="ignore"):
            return np.array(data, dtype=wanted or _common(types))
    except (ValueError, OverflowError) as error:
        if "inhomogeneous" not in str(error) and "sequence" not in str(error):
            # The numbers do not fit into the type: PyTorch's exceptions.
            raise (RuntimeError if wanted else ValueError)(f"tensor: {error}.") from None
        raise ValueError(
            "tensor: nested lists must form a box, with equal lengths at each depth; "
            f"{_where_ragged(data)}."
        ) from None


def _types_of(x: Any) -> set[Any]:
    """Python's types of numbers, and dtypes of arrays and tensors, in nested lists."""
    if _is_list(x):
        types = set(map(type, x))
        numbers = types & _NUMBERS
        if types == numbers:  # The usual end of the recursion, without a loop in Python.
            return types
        return numbers.union(*(_types_of(part) for part in x if type(part) not in numbers))
    if isinstance(x, (TensorBase, np.ndarray, np.generic)):
        return {x.dtype}
    for kind in (bool, int, float):
        if isinstance(x, kind):
            return {kind}
    raise (TypeError if isinstance(x, (str, bytes)) else RuntimeError)(
        f"tensor: the data are numbers or nested lists of numbers; {x!r} is of type "
        f"{type(x).__name__}."
    )


def _is_list(x: Any) -> bool:
    return isinstance(x, Sequence) and not isinstance(x, (str, bytes))


def _common(types: set[Any]) -> DType:
    if not types:
        return get_default_dtype()
    python = {bool: bool_, int: int64, float: get_default_dtype()}
    return to_dtype(functools.reduce(promote_types, (python.get(kind, kind) for kind in types)))


def _without_tensors(data: Any) -> Any:
    """Nested lists with numbers in place of the tensors, which have one element each."""
    if isinstance(data, TensorBase):
        if data.array.size != 1:
            raise ValueError(
                "tensor: only one element tensors can be converted to Python scalars, and a list "
                f"holds scalars; one in it has shape {data.shape}. tg.stack([...]) and "
                "tg.cat([...]) join tensors."
            )
        return data.array.reshape(())
    return [_without_tensors(part) for part in data] if _is_list(data) else data


def _tensors(data: Any) -> Iterator[TensorBase]:
    if isinstance(data, TensorBase):
        yield data
    elif _is_list(data):
        for part in data:
            yield from _tensors(part)


def _warn_about_gradients(data: Any) -> None:
    if any(x.edge is not None for x in _tensors(data)):
        warnings.warn(
            "A tensor made of a list of tensors copies their values and leaves their graph: no "
            "gradient flows back to them. tg.stack([...]) keeps it; x.detach() says you mean it.",
            UserWarning,
            stacklevel=4,
        )


def _where_ragged(data: Any) -> str:
    """Where nested lists differ in length, in words."""
    level = [data]
    for depth in range(1, 64):
        level = [part for parts in level for part in parts]
        lengths = {len(part) if _is_list(part) else 0 for part in level}
        if len(lengths) > 1:
            return f"at depth {depth} there are parts of {' and '.join(map(str, sorted(lengths)))}"
        if lengths == {0}:
            break
    return "the parts have different shapes"
