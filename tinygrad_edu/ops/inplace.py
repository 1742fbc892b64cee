"""In-place forms: `x.add_(y)` writes its result into x, as in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from ..autograd.graph import Operation, TensorBase
from ..autograd.inplace import overwrite
from . import comparison, unary
from .dtypes import as_tensor_operand, cast
from .elementwise import (
    Add,
    Clamp,
    ClampBetween,
    Div,
    Fmod,
    Mul,
    Pow,
    Remainder,
    Round,
    RoundedDiv,
    Sub,
    refuse_zero,
    times,
)
from .indexing import copy_

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "abs_",
    "acos_",
    "acosh_",
    "add_",
    "asin_",
    "asinh_",
    "atan_",
    "atanh_",
    "bitwise_and_",
    "bitwise_or_",
    "bitwise_xor_",
    "ceil_",
    "clamp_",
    "cos_",
    "cosh_",
    "deg2rad_",
    "div_",
    "exp2_",
    "exp_",
    "expm1_",
    "floor_",
    "floor_divide_",
    "fmod_",
    "frac_",
    "log1p_",
    "log2_",
    "log10_",
    "log_",
    "mul_",
    "neg_",
    "pow_",
    "rad2deg_",
    "reciprocal_",
    "remainder_",
    "round_",
    "rsqrt_",
    "sigmoid_",
    "sign_",
    "sin_",
    "sinh_",
    "sqrt_",
    "square_",
    "sub_",
    "tan_",
    "tanh_",
    "trunc_",
]

Function = TypeVar("Function", bound=Callable[..., Any])
Number = float | int | bool


def _in_place(
    name: str, operation: Callable[[], Operation], *, whole: bool = False
) -> Callable[..., Tensor]:
    """The in-place form of a function of two tensors; `whole` division is for integers too."""

    def function(input: Tensor, other: Tensor | float) -> Tensor:
        other = as_tensor_operand(other, name)
        if whole:
            refuse_zero(input, other, f"{name}_")
        if isinstance(other, TensorBase) and other.dtype != input.dtype and input.dtype.kind == "f":
            other = cast(other, input.dtype)
        overwrite(input, operation(), other)
        return input

    def scaled(input: Tensor, other: Tensor | float, *, alpha: Number = 1) -> Tensor:
        return function(input, other if alpha == 1 else times(other, alpha))

    return _described_in_place(scaled if operation in (Add, Sub) else function, name)


def _bitwise_in_place(name: str) -> Callable[[Tensor, Tensor | float], Tensor]:
    """The in-place form of a function of bits, which has no gradient."""
    outside = getattr(comparison, name)

    def function(input: Tensor, other: Tensor | float) -> Tensor:
        result = outside(input, other)
        if result.shape != input.shape or result.dtype != input.dtype:
            raise RuntimeError(
                f"{name}_: the result, of shape {result.shape} and type {result.dtype}, does not "
                f"fit a tensor of shape {input.shape} and type {input.dtype}. Use `{name}`, which "
                "makes a new tensor."
            )
        return copy_(input, result)

    return _described_in_place(function, name)


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
pow_ = _in_place("pow", Pow)
remainder_ = _in_place("remainder", Remainder, whole=True)
fmod_ = _in_place("fmod", Fmod, whole=True)
floor_divide_ = _in_place("floor_divide", partial(RoundedDiv, "floor"), whole=True)
bitwise_and_ = _bitwise_in_place("bitwise_and")
bitwise_or_ = _bitwise_in_place("bitwise_or")
bitwise_xor_ = _bitwise_in_place("bitwise_xor")
exp_ = _unary_in_place("exp")
exp2_ = _unary_in_place("exp2")
expm1_ = _unary_in_place("expm1")
log_ = _unary_in_place("log")
log2_ = _unary_in_place("log2")
log10_ = _unary_in_place("log10")
log1p_ = _unary_in_place("log1p")
sqrt_ = _unary_in_place("sqrt")
rsqrt_ = _unary_in_place("rsqrt")
square_ = _unary_in_place("square")
reciprocal_ = _unary_in_place("reciprocal")
neg_ = _unary_in_place("neg")
abs_ = _unary_in_place("abs")
sin_ = _unary_in_place("sin")
cos_ = _unary_in_place("cos")
tan_ = _unary_in_place("tan")
asin_ = _unary_in_place("asin")
acos_ = _unary_in_place("acos")
atan_ = _unary_in_place("atan")
sinh_ = _unary_in_place("sinh")
cosh_ = _unary_in_place("cosh")
tanh_ = _unary_in_place("tanh")
asinh_ = _unary_in_place("asinh")
acosh_ = _unary_in_place("acosh")
atanh_ = _unary_in_place("atanh")
sigmoid_ = _unary_in_place("sigmoid")
deg2rad_ = _unary_in_place("deg2rad")
rad2deg_ = _unary_in_place("rad2deg")
floor_ = _unary_in_place("floor")
ceil_ = _unary_in_place("ceil")
trunc_ = _unary_in_place("trunc")
frac_ = _unary_in_place("frac")
sign_ = _unary_in_place("sign")


_divide = _in_place("div", Div)
_truncate = _in_place("div", partial(RoundedDiv, "trunc"), whole=True)


def div_(input: Tensor, other: Tensor | float, *, rounding_mode: str | None = None) -> Tensor:
    """`div`, in place. PyTorch: `Tensor.div_`.

    Raises RuntimeError as `add_`, and for another rounding mode than "trunc" or "floor".

    >>> tg.tensor([-7.0, 7.0]).div_(2, rounding_mode="trunc")
    tensor([-3.,  3.])
    """
    forms = {None: _divide, "floor": floor_divide_, "trunc": _truncate}
    if rounding_mode not in forms:
        raise RuntimeError(
            f"div_: rounding_mode is None, 'trunc' or 'floor'; got {rounding_mode!r}."
        )
    return forms[rounding_mode](input, other)


def round_(input: Tensor, *, decimals: int = 0) -> Tensor:
    """`round`, in place. PyTorch: `Tensor.round_`.

    >>> tg.tensor([0.5, 1.5, 2.6]).round_()
    tensor([0., 2., 3.])
    """
    overwrite(input, Round(decimals))
    return input


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
