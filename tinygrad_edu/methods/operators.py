"""Operators: `x + y`, `x @ y`, `x[i]`, `x += y`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import TensorBase
from ..ops import comparison, elementwise, indexing, inplace, linalg, unary

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["Operators"]


class Operators(TensorBase):
    """Operators. Each is a function of `ops`; `__radd__` and its kin serve `2 + x`."""

    __slots__ = ()

    __add__ = __radd__ = elementwise.add
    __sub__ = elementwise.sub
    __rsub__ = elementwise.rsub
    __mul__ = __rmul__ = elementwise.mul
    __truediv__ = elementwise.div
    __rtruediv__ = elementwise.rdiv
    __floordiv__ = elementwise.floor_divide
    __rfloordiv__ = elementwise.rfloor_divide
    __mod__ = elementwise.remainder
    __rmod__ = elementwise.rremainder
    __pow__ = elementwise.pow
    __rpow__ = elementwise.rpow
    __matmul__ = linalg.matmul
    __rmatmul__ = linalg.rmatmul
    __neg__ = unary.neg
    __abs__ = unary.abs
    __invert__ = comparison.bitwise_not
    __and__ = __rand__ = comparison.bitwise_and
    __or__ = __ror__ = comparison.bitwise_or
    __xor__ = __rxor__ = comparison.bitwise_xor
    __lshift__ = comparison.bitwise_left_shift
    __rlshift__ = comparison.reversed_left_shift
    __rshift__ = comparison.bitwise_right_shift
    __rrshift__ = comparison.reversed_right_shift
    __lt__ = comparison.lt
    __le__ = comparison.le
    __gt__ = comparison.gt
    __ge__ = comparison.ge
    __iadd__ = inplace.add_
    __isub__ = inplace.sub_
    __imul__ = inplace.mul_
    __itruediv__ = inplace.div_
    __ifloordiv__ = inplace.floor_divide_
    __ipow__ = inplace.pow_
    __imod__ = inplace.remainder_
    __iand__ = inplace.bitwise_and_
    __ior__ = inplace.bitwise_or_
    __ixor__ = inplace.bitwise_xor_
    __ilshift__ = inplace.bitwise_left_shift_
    __irshift__ = inplace.bitwise_right_shift_
    __getitem__ = indexing.getitem
    __setitem__ = indexing.setitem

    def __pos__(self) -> Tensor:
        return self  # type: ignore[return-value]

    __hash__ = object.__hash__

    def __eq__(self, other: Any) -> Any:
        if not isinstance(other, (TensorBase, np.ndarray, np.generic, bool, int, float)):
            return NotImplemented
        return comparison.eq(self, other)  # type: ignore[arg-type]

    def __ne__(self, other: Any) -> Any:
        if not isinstance(other, (TensorBase, np.ndarray, np.generic, bool, int, float)):
            return NotImplemented
        return comparison.ne(self, other)  # type: ignore[arg-type]
