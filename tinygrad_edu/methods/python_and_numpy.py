"""Leaving the graph for Python and NumPy, and NumPy speaking Tensor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import Array, TensorBase, wrap
from ..ops import joining, numpy_protocol, shape

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["PythonAndNumPy"]


class PythonAndNumPy(TensorBase):
    """Leaving the graph for Python and NumPy, and NumPy speaking Tensor."""

    __slots__ = ()

    # NumPy operators hand over to ours instead of looping over elements.
    __array_priority__ = 1000

    def numpy(self, *, force: bool = False) -> Array:
        """The array behind this tensor, not a copy; `force=True` detaches first.

        Raises RuntimeError if the tensor requires grad. Changes to the array are not noticed by
        autograd.

        PyTorch: `Tensor.numpy`.
        """
        if self.edge is not None and not force:
            raise RuntimeError(
                "Can't call numpy() on a tensor that requires grad: NumPy would leave the graph "
                "unseen. Use `x.detach().numpy()`."
            )
        return self.array

    def item(self) -> Any:
        """The only element as a Python number. Raises RuntimeError unless there is exactly one."""
        if self.array.size != 1:
            raise RuntimeError(
                f"item() needs a tensor with exactly one element; this one has shape {self.shape}."
            )
        return self.array.item()

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers; a number for a 0-dimensional tensor."""
        return self.array.tolist()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        array = self.numpy()
        if dtype is not None and np.dtype(dtype) != array.dtype:
            if copy is False:
                raise ValueError(
                    f"A tensor of {array.dtype} becomes {np.dtype(dtype)} only by copying."
                )
            return array.astype(dtype)
        return array.copy() if copy else array

    __array_ufunc__ = numpy_protocol.array_ufunc
    __array_function__ = numpy_protocol.array_function

    def __bool__(self) -> bool:
        if self.array.size != 1:
            raise RuntimeError(
                f"The truth of a tensor with {self.array.size} elements is ambiguous: say "
                "`x.any()` or `x.all()`."
            )
        return bool(self.array.item())

    def __int__(self) -> int:
        return int(self._number())

    def __float__(self) -> float:
        return float(self._number())

    def _number(self) -> Any:
        if self.array.size != 1:
            raise ValueError(
                "Only a tensor of one element becomes a Python number; this one has shape "
                f"{self.shape}."
            )
        return self.array.item()

    def __index__(self) -> int:
        if self.array.dtype.kind not in "iub" or self.array.size != 1:
            raise TypeError("Only integer tensors of a single element can be used as an index.")
        return int(self.array.item())

    def __len__(self) -> int:
        if self.array.ndim == 0:
            raise TypeError("A 0-dimensional tensor has no length.")
        return len(self.array)

    def __iter__(self) -> Iterator[Tensor]:
        if self.array.ndim == 0:
            raise TypeError(
                "A 0-dimensional tensor cannot be iterated over; its number is `x.item()`."
            )
        return iter(joining.unbind(self, 0))  # type: ignore[arg-type]

    def __contains__(self, element: Any) -> bool:
        value = element.array if isinstance(element, TensorBase) else element
        if not isinstance(value, (np.ndarray, np.generic, int, float)):
            raise RuntimeError(
                f"`in` asks a tensor for a number or a tensor; got {type(element).__name__}."
            )
        return bool((self.array == value).any())

    def __format__(self, spec: str) -> str:
        # As in PyTorch, f"{loss:.4f}" formats the number, and f"{loss}" shows it.
        return object.__format__(self, spec) if self.array.ndim else format(self.item(), spec)

    def __reversed__(self) -> Any:
        return shape.flip(self, 0) if self.array.ndim else self  # type: ignore[arg-type]

    def __dlpack__(self, **options: Any) -> Any:
        return self.numpy().__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.array.__dlpack_device__()

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        return wrap(array)
