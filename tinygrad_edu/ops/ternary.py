"""Three tensors in one step: interpolation, and products and quotients added to a tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import Array, Operation, TensorBase, Value, apply
from .dtypes import as_tensor_operand, cast, quiet, result_type

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["addcdiv", "addcmul", "lerp"]

Number = float | int | bool


class Lerp(Operation):
    """z = x + w (y - x)        grad_x = grad (1 - w)    grad_y = grad w    grad_w = grad (y - x)"""

    __slots__ = ()

    @quiet
    def forward(self, x: Array, y: Array, w: Any) -> Any:
        # From the nearer end, so that w = 1 gives y itself.
        distance = y - x
        return np.where(np.abs(w) < 0.5, x + w * distance, y - distance * (1 - w))

    def grad_x(self, grad: Value, w: Value) -> Value:
        return grad * (1 - w)

    def grad_y(self, grad: Value, w: Value) -> Value:
        return grad * w

    def grad_w(self, grad: Value, x: Value, y: Value) -> Value:
        return grad * (y - x)


class Addcmul(Operation):
    """z = x + c y t        grad_x = grad        grad_y = grad c t        grad_t = grad c y"""

    __slots__ = ("value",)

    def __init__(self, value: Number) -> None:
        self.value = value

    @quiet
    def forward(self, x: Array, y: Array, t: Array) -> Any:
        return x + self.value * (y * t)

    def grad_x(self, grad: Value) -> Value:
        return grad

    def grad_y(self, grad: Value, t: Value) -> Value:
        return grad * (t * self.value)

    def grad_t(self, grad: Value, y: Value) -> Value:
        return grad * (y * self.value)


class Addcdiv(Operation):
    """z = x + c y / t        grad_x = grad    grad_y = grad c / t    grad_t = -grad c y / t²"""

    __slots__ = ("value",)

    def __init__(self, value: Number) -> None:
        self.value = value

    @quiet
    def forward(self, x: Array, y: Array, t: Array) -> Any:
        return x + self.value * (y / t)

    def grad_x(self, grad: Value) -> Value:
        return grad

    def grad_y(self, grad: Value, t: Value) -> Value:
        return grad * self.value / t

    def grad_t(self, grad: Value, y: Value, t: Value) -> Value:
        return -grad * (y / t / t * self.value)


def lerp(input: Tensor, end: Tensor, weight: Tensor | float) -> Tensor:
    """x + weight (end - x): x at weight 0, `end` at 1, broadcast. PyTorch: `torch.lerp`.

    `weight` is a number or a tensor, and may lie outside 0 ... 1. Raises RuntimeError unless
    `input` and `end` have one floating type, and if the shapes cannot be broadcast.

    >>> tg.lerp(tg.tensor([0.0, 10.0]), tg.tensor([1.0, 20.0]), 0.5)
    tensor([ 0.5000, 15.0000])
    """
    x, end, weight = lerp_operands(input, end, weight, "lerp")
    return apply(Lerp(), x, end, weight)


def lerp_operands(input: Any, end: Any, weight: Any, name: str) -> tuple[Any, Any, Any]:
    """The operands of `lerp`, checked."""
    x, end, weight = (as_tensor_operand(value, name) for value in (input, end, weight))
    for label, value in (("input", x), ("end", end)):
        if not isinstance(value, TensorBase):
            raise TypeError(f"{name}: {label} is a tensor; got {type(value).__name__}.")
    if x.dtype != end.dtype:
        raise RuntimeError(
            f"{name}: input and end must have one type; got {x.dtype} and {end.dtype}. Convert "
            f"first: `end.to(tg.{x.dtype})`."
        )
    if x.dtype.kind != "f":
        raise RuntimeError(
            f"{name}: interpolates floating tensors; got {x.dtype}. Convert first: `x.float()`."
        )
    if isinstance(weight, TensorBase):
        if weight.dtype != x.dtype and weight.array.ndim:
            raise RuntimeError(
                f"{name}: the weights must have the type of input and end, {x.dtype}; got "
                f"{weight.dtype}. Convert first: `weight.to(tg.{x.dtype})`."
            )
        weight = cast(weight, x.dtype)
    return x, end, weight


def _three(input: Any, tensor1: Any, tensor2: Any, name: str) -> list[Any]:
    """The operands of `addcmul` and `addcdiv` in their common type."""
    values = [as_tensor_operand(value, name) for value in (input, tensor1, tensor2)]
    for label, value in zip(("input", "tensor1", "tensor2"), values, strict=True):
        if not isinstance(value, TensorBase):
            raise TypeError(f"{name}: {label} is a tensor; got {type(value).__name__}.")
    dtype = result_type(*values)
    if dtype.kind == "b":
        raise RuntimeError(f"{name} is not defined for booleans. Convert first: `x.int()`.")
    return [cast(value, dtype) for value in values]


def whole(value: Number, dtype: np.dtype[Any]) -> Number:
    """The factor `value` in the type of the tensors: integers are scaled by integers."""
    return value if dtype.kind == "f" else int(value)


def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """input + value tensor1 tensor2, elementwise, broadcast. PyTorch: `torch.addcmul`.

    The type is the tensors' common one. Raises RuntimeError for booleans, and if the shapes cannot
    be broadcast.

    >>> tg.addcmul(tg.tensor([1.0]), tg.tensor([2.0]), tg.tensor([3.0]), value=0.5)
    tensor([4.])
    """
    x, y, t = addcmul_operands(input, tensor1, tensor2)
    return apply(Addcmul(whole(value, x.dtype)), x, y, t)


def addcmul_operands(input: Any, tensor1: Any, tensor2: Any) -> list[Any]:
    """The operands of `addcmul`, in their common type."""
    return _three(input, tensor1, tensor2, "addcmul")


def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    """input + value tensor1 / tensor2, elementwise, broadcast. PyTorch: `torch.addcdiv`.

    The type is the tensors' common one. Raises RuntimeError if both parts of the quotient are
    integers, and if the shapes cannot be broadcast.

    >>> tg.addcdiv(tg.tensor([1.0]), tg.tensor([3.0]), tg.tensor([2.0]), value=2)
    tensor([4.])
    """
    x, y, t = addcdiv_operands(input, tensor1, tensor2)
    return apply(Addcdiv(value), x, y, t)


def addcdiv_operands(input: Any, tensor1: Any, tensor2: Any) -> list[Any]:
    """The operands of `addcdiv`, in their common type."""
    values = _three(input, tensor1, tensor2, "addcdiv")
    if result_type(tensor1, tensor2).kind != "f":
        raise RuntimeError(
            "addcdiv: two integer tensors have no quotient here. Convert one: `tensor1.float()`, "
            "or write input + value * tg.div(tensor1, tensor2, rounding_mode='trunc')."
        )
    return values
