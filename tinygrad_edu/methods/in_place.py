"""Methods that write their result into the tensor itself."""

from ..autograd.graph import TensorBase
from ..ops import inplace

__all__ = ["InPlace"]


class InPlace(TensorBase):
    """Functions of `ops`, bound."""

    __slots__ = ()

    abs_ = absolute_ = inplace.abs_
    acos_ = arccos_ = inplace.acos_
    acosh_ = arccosh_ = inplace.acosh_
    add_ = inplace.add_
    addcdiv_ = inplace.addcdiv_
    addcmul_ = inplace.addcmul_
    asin_ = arcsin_ = inplace.asin_
    asinh_ = arcsinh_ = inplace.asinh_
    atan2_ = arctan2_ = inplace.atan2_
    atan_ = arctan_ = inplace.atan_
    atanh_ = arctanh_ = inplace.atanh_
    bitwise_and_ = inplace.bitwise_and_
    bitwise_left_shift_ = inplace.bitwise_left_shift_
    bitwise_not_ = inplace.bitwise_not_
    bitwise_or_ = inplace.bitwise_or_
    bitwise_right_shift_ = inplace.bitwise_right_shift_
    bitwise_xor_ = inplace.bitwise_xor_
    ceil_ = inplace.ceil_
    clamp_ = clip_ = inplace.clamp_
    clamp_max_ = inplace.clamp_max_
    clamp_min_ = inplace.clamp_min_
    copysign_ = inplace.copysign_
    cos_ = inplace.cos_
    cosh_ = inplace.cosh_
    cumprod_ = inplace.cumprod_
    cumsum_ = inplace.cumsum_
    deg2rad_ = inplace.deg2rad_
    digamma_ = inplace.digamma_
    div_ = divide_ = true_divide_ = inplace.div_
    eq_ = inplace.eq_
    erf_ = inplace.erf_
    erfc_ = inplace.erfc_
    erfinv_ = inplace.erfinv_
    exp2_ = inplace.exp2_
    exp_ = inplace.exp_
    expm1_ = inplace.expm1_
    float_power_ = inplace.float_power_
    floor_ = inplace.floor_
    floor_divide_ = inplace.floor_divide_
    fmod_ = inplace.fmod_
    frac_ = inplace.frac_
    gcd_ = inplace.gcd_
    ge_ = greater_equal_ = inplace.ge_
    gt_ = greater_ = inplace.gt_
    heaviside_ = inplace.heaviside_
    hypot_ = inplace.hypot_
    i0_ = inplace.i0_
    igamma_ = inplace.igamma_
    igammac_ = inplace.igammac_
    lcm_ = inplace.lcm_
    ldexp_ = inplace.ldexp_
    le_ = less_equal_ = inplace.le_
    lerp_ = inplace.lerp_
    lgamma_ = inplace.lgamma_
    log10_ = inplace.log10_
    log1p_ = inplace.log1p_
    log2_ = inplace.log2_
    log_ = inplace.log_
    logical_and_ = inplace.logical_and_
    logical_not_ = inplace.logical_not_
    logical_or_ = inplace.logical_or_
    logical_xor_ = inplace.logical_xor_
    logit_ = inplace.logit_
    lt_ = less_ = inplace.lt_
    mul_ = multiply_ = inplace.mul_
    mvlgamma_ = inplace.mvlgamma_
    nan_to_num_ = inplace.nan_to_num_
    ne_ = not_equal_ = inplace.ne_
    neg_ = negative_ = inplace.neg_
    nextafter_ = inplace.nextafter_
    polygamma_ = inplace.polygamma_
    pow_ = inplace.pow_
    rad2deg_ = inplace.rad2deg_
    reciprocal_ = inplace.reciprocal_
    remainder_ = inplace.remainder_
    renorm_ = inplace.renorm_
    round_ = inplace.round_
    rsqrt_ = inplace.rsqrt_
    sgn_ = inplace.sgn_
    sigmoid_ = inplace.sigmoid_
    sign_ = inplace.sign_
    sin_ = inplace.sin_
    sinc_ = inplace.sinc_
    sinh_ = inplace.sinh_
    sqrt_ = inplace.sqrt_
    square_ = inplace.square_
    sub_ = subtract_ = inplace.sub_
    tan_ = inplace.tan_
    tanh_ = inplace.tanh_
    trunc_ = fix_ = inplace.trunc_
    xlogy_ = inplace.xlogy_
