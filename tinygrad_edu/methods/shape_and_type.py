"""Questions about shape, type and memory."""

from __future__ import annotations

from typing import Any

from ..autograd.graph import TensorBase
from ..device import contiguous_format
from ..ops import conversion
from ..ops.dims import normalize_dim

__all__ = ["ShapeAndType"]


class ShapeAndType(TensorBase):
    """Questions about shape, type and memory."""

    __slots__ = ()

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.array.ndim

    @property
    def itemsize(self) -> int:
        """The size of one element in bytes."""
        return self.array.itemsize

    @property
    def nbytes(self) -> int:
        """The size of all elements in bytes."""
        return self.array.nbytes

    def dim(self) -> int:
        """The number of dimensions."""
        return self.array.ndim

    def numel(self) -> int:
        """The number of elements."""
        return self.array.size

    def element_size(self) -> int:
        """The size of one element in bytes."""
        return self.array.itemsize

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension."""
        if dim is None:
            return self.array.shape
        return self.array.shape[normalize_dim(dim, self.array.ndim)]

    def stride(self, dim: int | None = None) -> Any:
        """The steps between neighbours along each dimension, in elements."""
        strides = tuple(step // self.array.itemsize for step in self.array.strides)
        return strides if dim is None else strides[normalize_dim(dim, self.array.ndim)]

    def is_contiguous(self, *, memory_format: Any = contiguous_format) -> bool:
        """Whether the elements lie in memory row by row, or with the channels last."""
        return bool(conversion.lies_in(self.array, memory_format))

    def is_floating_point(self) -> bool:
        """Whether the elements are floating numbers."""
        return self.array.dtype.kind == "f"

    def is_complex(self) -> bool:
        """False: there are no complex tensors here."""
        return False

    def data_ptr(self) -> int:
        """The address of the first element."""
        return int(self.array.ctypes.data)

    def ndimension(self) -> int:
        """The number of dimensions. PyTorch: `Tensor.ndimension`."""
        return self.array.ndim

    def nelement(self) -> int:
        """The number of elements. PyTorch: `Tensor.nelement`."""
        return self.array.size
