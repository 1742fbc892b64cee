"""Functions of each element by itself."""

from ..autograd.graph import TensorBase
from ..ops import (
    bessel,
    comparison,
    elementwise,
    floating_point,
    gamma,
    logarithms,
    special,
    ternary,
    unary,
)

__all__ = ["Elementwise"]


class Elementwise(TensorBase):
    """Functions of `ops`, bound."""

    __slots__ = ()

    # Functions of one number.

    abs = absolute = unary.abs
    acos = arccos = unary.acos
    acosh = arccosh = unary.acosh
    angle = unary.angle
    asin = arcsin = unary.asin
    asinh = arcsinh = unary.asinh
    atan = arctan = unary.atan
    atanh = arctanh = unary.atanh
    ceil = unary.ceil
    cos = unary.cos
    cosh = unary.cosh
    deg2rad = unary.deg2rad
    exp = unary.exp
    exp2 = unary.exp2
    expm1 = unary.expm1
    floor = unary.floor
    frac = unary.frac
    log = unary.log
    log10 = unary.log10
    log1p = unary.log1p
    log2 = unary.log2
    neg = negative = unary.neg
    positive = floating_point.positive
    rad2deg = unary.rad2deg
    reciprocal = unary.reciprocal
    rsqrt = unary.rsqrt
    sgn = floating_point.sgn
    sigmoid = unary.sigmoid
    sign = unary.sign
    sin = unary.sin
    sinc = unary.sinc
    sinh = unary.sinh
    sqrt = unary.sqrt
    square = unary.square
    tan = unary.tan
    tanh = unary.tanh
    trunc = fix = unary.trunc

    # Functions of two and more tensors.

    add = elementwise.add
    addcdiv = ternary.addcdiv
    addcmul = ternary.addcmul
    allclose = comparison.allclose
    atan2 = arctan2 = elementwise.atan2
    bitwise_and = comparison.bitwise_and
    bitwise_left_shift = comparison.bitwise_left_shift
    bitwise_not = comparison.bitwise_not
    bitwise_or = comparison.bitwise_or
    bitwise_right_shift = comparison.bitwise_right_shift
    bitwise_xor = comparison.bitwise_xor
    clamp = clip = elementwise.clamp
    clamp_max = elementwise.clamp_max
    clamp_min = elementwise.clamp_min
    copysign = floating_point.copysign
    div = divide = true_divide = elementwise.div
    eq = comparison.eq
    equal = comparison.equal
    float_power = floating_point.float_power
    floor_divide = elementwise.floor_divide
    fmax = elementwise.fmax
    fmin = elementwise.fmin
    fmod = elementwise.fmod
    frexp = floating_point.frexp
    gcd = comparison.gcd
    ge = greater_equal = comparison.ge
    gt = greater = comparison.gt
    heaviside = floating_point.heaviside
    hypot = elementwise.hypot
    isclose = comparison.isclose
    isfinite = comparison.isfinite
    isinf = comparison.isinf
    isnan = comparison.isnan
    isneginf = comparison.isneginf
    isposinf = comparison.isposinf
    isreal = comparison.isreal
    lcm = comparison.lcm
    ldexp = floating_point.ldexp
    le = less_equal = comparison.le
    lerp = ternary.lerp
    logaddexp = elementwise.logaddexp
    logaddexp2 = logarithms.logaddexp2
    logical_and = comparison.logical_and
    logical_not = comparison.logical_not
    logical_or = comparison.logical_or
    logical_xor = comparison.logical_xor
    lt = less = comparison.lt
    maximum = elementwise.maximum
    minimum = elementwise.minimum
    mul = multiply = elementwise.mul
    nan_to_num = floating_point.nan_to_num
    ne = not_equal = comparison.ne
    nextafter = floating_point.nextafter
    pow = elementwise.pow
    remainder = elementwise.remainder
    round = elementwise.round
    signbit = comparison.signbit
    sub = subtract = elementwise.sub
    where = elementwise.tensor_where
    xlogy = logarithms.xlogy

    # Special functions.

    digamma = gamma.digamma
    erf = special.erf
    erfc = special.erfc
    erfinv = special.erfinv
    i0 = bessel.i0
    igamma = gamma.igamma
    igammac = gamma.igammac
    lgamma = gamma.lgamma
    logit = logarithms.logit
    mvlgamma = gamma.mvlgamma
    polygamma = gamma.polygamma_method
