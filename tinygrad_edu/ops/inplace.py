"""In-place forms: `x.add_(y)` writes its result into x, as in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from ..autograd.graph import Operation, TensorBase
from ..autograd.inplace import overwrite
from . import (
    bessel,
    comparison,
    cumulative,
    elementwise,
    floating_point,
    gamma,
    logarithms,
    norms,
    special,
    ternary,
    unary,
)
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
from .writing_back import described_in_place, written_back

if TYPE_CHECKING:
    from ..tensor import Tensor

# fmt: off
__all__ = [
    "abs_", "acos_", "acosh_", "add_", "addcdiv_", "addcmul_", "asin_", "asinh_", "atan2_", "atan_",
    "atanh_", "bitwise_and_", "bitwise_left_shift_", "bitwise_not_", "bitwise_or_",
    "bitwise_right_shift_", "bitwise_xor_", "ceil_", "clamp_", "clamp_max_", "clamp_min_",
    "copysign_", "cos_", "cosh_", "cumprod_", "cumsum_", "deg2rad_", "digamma_", "div_", "eq_",
    "erf_", "erfc_", "erfinv_", "exp2_", "exp_", "expm1_", "float_power_", "floor_",
    "floor_divide_", "fmod_", "frac_", "gcd_", "ge_", "gt_", "heaviside_", "hypot_", "i0_",
    "igamma_", "igammac_", "lcm_", "ldexp_", "le_", "lerp_", "lgamma_", "log1p_", "log2_", "log10_",
    "log_", "logical_and_", "logical_not_", "logical_or_", "logical_xor_", "logit_", "lt_", "mul_",
    "mvlgamma_", "nan_to_num_", "ne_", "neg_", "nextafter_", "polygamma_", "pow_", "rad2deg_",
    "reciprocal_", "remainder_", "renorm_", "round_", "rsqrt_", "sgn_", "sigmoid_", "sign_", "sin_",
    "sinc_", "sinh_", "sqrt_", "square_", "sub_", "tan_", "tanh_", "trunc_", "xlogy_",
]
# fmt: on

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

    return described_in_place(scaled if operation in (Add, Sub) else function, f"{name}_")


def _unary_in_place(name: str) -> Callable[[Tensor], Tensor]:
    row = unary.TABLE[name]
    of_integers = written_back(row.function, f"{name}_")

    def function(input: Tensor) -> Tensor:
        if not isinstance(input, TensorBase) or input.dtype.kind != "f":
            return of_integers(input)
        overwrite(input, row.operation())
        return input

    # The example of the function itself: its last call and result.
    call, result = str(row.function.__doc__).strip().rpartition(">>> ")[2].split("\n")
    argument = call.removeprefix(f"tg.{name}(").removesuffix(")")
    return described_in_place(function, f"{name}_", (f"{argument}.{name}_()", result.strip()))


add_ = _in_place("add", Add)
sub_ = _in_place("sub", Sub)
mul_ = _in_place("mul", Mul)
remainder_ = _in_place("remainder", Remainder, whole=True)
fmod_ = _in_place("fmod", Fmod, whole=True)
floor_divide_ = _in_place("floor_divide", partial(RoundedDiv, "floor"), whole=True)
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
sinc_ = _unary_in_place("sinc")


_divide = _in_place("div", Div)
_power = _in_place("pow", Pow)
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


def pow_(input: Tensor, exponent: Tensor | float) -> Tensor:
    """`pow`, in place. PyTorch: `Tensor.pow_`. Raises RuntimeError as `add_`.

    >>> tg.tensor([1.0, 2.0]).pow_(3)
    tensor([1., 8.])
    """
    return _power(input, exponent)


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


# Forms of functions that are no single operation, or of a type of their own.

_AB = "tg.tensor([6, 3])"
_XY = "tg.tensor([1.0, 2.0])"
_BITS = "tg.tensor([True, False])"


def _form(
    function: Callable[..., Any], call: str, result: str, *, same_type: bool = False
) -> Callable[..., Tensor]:
    example = (call, f"tensor({result})")
    return written_back(function, f"{function.__name__}_", example, same_type=same_type)


# fmt: off
bitwise_and_ = _form(comparison.bitwise_and, f"{_AB}.bitwise_and_(2)", "[2, 2]")
bitwise_or_ = _form(comparison.bitwise_or, f"{_AB}.bitwise_or_(1)", "[7, 3]")
bitwise_xor_ = _form(comparison.bitwise_xor, f"{_AB}.bitwise_xor_(1)", "[7, 2]")
bitwise_not_ = _form(comparison.bitwise_not, f"{_AB}.bitwise_not_()", "[-7, -4]")
bitwise_left_shift_ = _form(comparison.bitwise_left_shift, f"{_AB}.bitwise_left_shift_(1)",
                            "[12,  6]")
bitwise_right_shift_ = _form(comparison.bitwise_right_shift, f"{_AB}.bitwise_right_shift_(1)",
                             "[3, 1]")
gcd_ = _form(comparison.gcd, f"tg.gcd_({_AB}, tg.tensor(4))", "[2, 1]")
lcm_ = _form(comparison.lcm, f"tg.lcm_({_AB}, tg.tensor(4))", "[12, 12]")
eq_ = _form(comparison.eq, f"{_XY}.eq_(2)", "[0., 1.]")
ne_ = _form(comparison.ne, f"{_XY}.ne_(2)", "[1., 0.]")
lt_ = _form(comparison.lt, f"{_XY}.lt_(2)", "[1., 0.]")
le_ = _form(comparison.le, f"{_XY}.le_(2)", "[1., 1.]")
gt_ = _form(comparison.gt, f"{_XY}.gt_(2)", "[0., 0.]")
ge_ = _form(comparison.ge, f"{_XY}.ge_(2)", "[0., 1.]")
logical_and_ = _form(comparison.logical_and, f"{_BITS}.logical_and_({_BITS})", "[ True, False]")
logical_or_ = _form(comparison.logical_or, f"{_BITS}.logical_or_({_BITS})", "[ True, False]")
logical_xor_ = _form(comparison.logical_xor, f"{_BITS}.logical_xor_({_BITS})", "[False, False]")
logical_not_ = _form(comparison.logical_not, f"{_BITS}.logical_not_()", "[False,  True]")
clamp_min_ = _form(elementwise.clamp_min, f"tg.clamp_min_({_XY}, 1.5)", "[1.5000, 2.0000]")
clamp_max_ = _form(elementwise.clamp_max, f"tg.clamp_max_({_XY}, 1.5)", "[1.0000, 1.5000]")
atan2_ = _form(elementwise.atan2, f"{_XY}.atan2_(tg.tensor(1.0))", "[0.7854, 1.1071]")
hypot_ = _form(elementwise.hypot, "tg.tensor([3.0]).hypot_(tg.tensor(4.0))", "[5.]")
lerp_ = _form(ternary.lerp, f"{_XY}.lerp_({_XY} * 3, 0.5)", "[2., 4.]")
addcmul_ = _form(ternary.addcmul, f"{_XY}.addcmul_({_XY}, {_XY})", "[2., 6.]")
addcdiv_ = _form(ternary.addcdiv, f"{_XY}.addcdiv_({_XY}, {_XY})", "[2., 3.]")
sgn_ = _form(floating_point.sgn, f"{_XY}.sgn_()", "[1., 1.]")
copysign_ = _form(floating_point.copysign, f"{_XY}.copysign_(-1)", "[-1., -2.]")
nextafter_ = _form(floating_point.nextafter, f"{_XY}.nextafter_({_XY})", "[1., 2.]")
ldexp_ = _form(floating_point.ldexp, f"tg.ldexp_({_XY}, tg.tensor(3))", "[ 8., 16.]")
float_power_ = _form(floating_point.float_power, f"{_XY}.double().float_power_(2)",
                     "[1., 4.], dtype=float64", same_type=True)
heaviside_ = _form(floating_point.heaviside, f"{_XY}.heaviside_({_XY})", "[1., 1.]")
nan_to_num_ = _form(floating_point.nan_to_num,
                    "tg.nan_to_num_(tg.tensor([float('nan')]), 1.0)", "[1.]")
xlogy_ = _form(logarithms.xlogy, f"tg.xlogy_({_XY}, tg.tensor(1.0))", "[0., 0.]")
logit_ = _form(logarithms.logit, "tg.logit_(tg.tensor([0.5]))", "[0.]")
erf_ = _form(special.erf, "tg.erf_(tg.tensor([0.5]))", "[0.5205]")
erfc_ = _form(special.erfc, "tg.erfc_(tg.tensor([0.5]))", "[0.4795]")
erfinv_ = _form(special.erfinv, "tg.tensor([0.5]).erfinv_()", "[0.4769]")
lgamma_ = _form(gamma.lgamma, "tg.tensor([3.0]).lgamma_()", "[0.6931]")
digamma_ = _form(gamma.digamma, "tg.tensor([1.0]).digamma_()", "[-0.5772]")
polygamma_ = written_back(gamma.polygamma_method, "polygamma_",
                          ("tg.tensor([1.0]).polygamma_(1)", "tensor([1.6449])"))
mvlgamma_ = _form(gamma.mvlgamma, "tg.tensor([2.0]).mvlgamma_(2)", "[0.4516]")
igamma_ = _form(gamma.igamma, "tg.tensor([1.0]).igamma_(tg.tensor(1.0))", "[0.6321]")
igammac_ = _form(gamma.igammac, "tg.tensor([1.0]).igammac_(tg.tensor(1.0))", "[0.3679]")
i0_ = _form(bessel.i0, "tg.i0_(tg.tensor([1.0]))", "[1.2661]")
cumsum_ = _form(cumulative.cumsum, f"{_XY}.cumsum_(0)", "[1., 3.]")
cumprod_ = _form(cumulative.cumprod, f"{_XY}.cumprod_(0)", "[1., 2.]")
renorm_ = _form(norms.renorm, "tg.tensor([[3.0, 4.0]]).renorm_(2, 0, 1)", "[[0.6000, 0.8000]]")
# fmt: on
