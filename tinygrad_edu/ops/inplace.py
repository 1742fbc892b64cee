"""In-place forms: `x.add_(y)` writes its result into x, as in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ..autograd.graph import Operation, TensorBase
from ..autograd.inplace import overwrite
from . import unary
from .dtypes import as_tensor_operand, cast
from .elementwise import Add, Clamp, ClampBetween, Div, Mul, Pow, Remainder, Sub, times

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "abs_",
    "add_",
    "clamp_",
    "div_",
    "exp_",
    "floor_",
    "log_",
    "mul_",
    "neg_",
    "pow_",
    "reciprocal_",
    "remainder_",
    "sigmoid_",
    "sqrt_",
    "sub_",
    "tanh_",
]

Function = TypeVar("Function", bound=Callable[..., Any])
Number = float | int | bool


def _in_place(name: str, operation: type[Operation]) -> Callable[..., Tensor]:
    """The in-place form of a function of two tensors."""

    def function(input: Tensor, other: Tensor | float) -> Tensor:
        other = as_tensor_operand(other, name)
        if isinstance(other, TensorBase) and other.dtype != input.dtype and input.dtype.kind == "f":
            other = cast(other, input.dtype)
        overwrite(input, operation(), other)
        return input

    def scaled(input: Tensor, other: Tensor | float, *, alpha: Number = 1) -> Tensor:
        return function(input, other if alpha == 1 else times(other, alpha))

    return _described_in_place(scaled if operation in (Add, Sub) else function, name)


def _unary_in_place(name: str) -> Callable[[Tensor], Tensor]:
    operation = unary.TABLE[name].operation

    def function(input: Tensor) -> Tensor:
        overwrite(input, operation())
        return input

    return _described_in_place(function, name)


def _described_in_place(function: Function, name: str) -> Function:
    labelled: Any = function
    labelled.__name__ = labelled.__qualname__ = f"{name}_"
    labelled.__doc__ = f"""`{name}`, in place: the result replaces this tensor's values.

    PyTorch: `Tensor.{name}_`. Raises RuntimeError for a leaf that requires grad while operations
    are recorded, and if the result does not fit the tensor's shape and type.
    """
    return function


add_ = _in_place("add", Add)
sub_ = _in_place("sub", Sub)
mul_ = _in_place("mul", Mul)
div_ = _in_place("div", Div)
pow_ = _in_place("pow", Pow)
remainder_ = _in_place("remainder", Remainder)
exp_ = _unary_in_place("exp")
log_ = _unary_in_place("log")
sqrt_ = _unary_in_place("sqrt")
abs_ = _unary_in_place("abs")
neg_ = _unary_in_place("neg")
sigmoid_ = _unary_in_place("sigmoid")
tanh_ = _unary_in_place("tanh")
floor_ = _unary_in_place("floor")
reciprocal_ = _unary_in_place("reciprocal")


def clamp_(
    input: Tensor, min: Tensor | float | None = None, max: Tensor | float | None = None
) -> Tensor:
    """`clamp`, in place. PyTorch: `Tensor.clamp_`.

    >>> tg.tensor([-2.0, 3.0]).clamp_(0, 1)
    tensor([0., 1.])
    """
    if min is None and max is None:
        raise RuntimeError("clamp_: at least one of min and max is needed.")
    if isinstance(min, TensorBase) or isinstance(max, TensorBase):
        overwrite(input, ClampBetween(), min, max)
    else:
        overwrite(input, Clamp(min, max))
    return input
