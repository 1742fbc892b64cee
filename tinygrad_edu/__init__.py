"""tinygrad_edu: an autograd framework on NumPy that you can read, with PyTorch's names.

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.optim as optim
"""

# First, because importing a submodule binds its name: below, `tensor` becomes the function.
from .tensor import Tensor

# isort: split
from importlib import import_module
from math import e, inf, nan, pi
from typing import TYPE_CHECKING

import numpy as np

from . import autograd, cuda, nn, optim, random
from .autograd import (
    enable_grad,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from .autograd.mode import inference_mode, is_inference_mode_enabled
from .device import (
    channels_last,
    contiguous_format,
    device,
    layout,
    memory_format,
    preserve_format,
    strided,
)
from .ops.activations import hardshrink, prelu, relu, relu_, rrelu, threshold
from .ops.comparison import (
    allclose,
    bitwise_and,
    bitwise_not,
    bitwise_or,
    bitwise_xor,
    eq,
    equal,
    ge,
    gt,
    isclose,
    isfinite,
    isinf,
    isnan,
    le,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    lt,
    ne,
)
from .ops.contraction import einsum, tensordot
from .ops.creation import (
    arange,
    as_tensor,
    asarray,
    empty,
    empty_like,
    eye,
    from_numpy,
    full,
    full_like,
    is_floating_point,
    is_tensor,
    linspace,
    logspace,
    ones,
    ones_like,
    scalar_tensor,
    tensor,
    tril_indices,
    triu_indices,
    zeros,
    zeros_like,
)
from .ops.cumulative import cumprod, cumsum
from .ops.diagonals import (
    diag,
    diag_embed,
    diagonal,
    tril,
    triu,
)
from .ops.distances import cosine_similarity, pairwise_distance
from .ops.dtypes import (
    bool_ as bool,  # PyTorch's names of types; nothing below means the builtins
)
from .ops.dtypes import (
    float16,
    float32,
    float64,
    get_default_dtype,
    int8,
    int16,
    int32,
    int64,
    promote_types,
    result_type,
    set_default_dtype,
    uint8,
)
from .ops.elementwise import (
    add,
    arctan2,
    atan2,
    clamp,
    clip,
    div,
    divide,
    floor_divide,
    fmod,
    hypot,
    logaddexp,
    maximum,
    minimum,
    mul,
    multiply,
    pow,
    remainder,
    round,
    rsub,
    sub,
    subtract,
    true_divide,
    where,
)
from .ops.extrema import amax, amin, aminmax, argmax, argmin, max, min
from .ops.gathering import (
    argwhere,
    gather,
    index_add,
    index_copy,
    index_fill,
    index_select,
    masked_fill,
    masked_select,
    nonzero,
    scatter,
    scatter_add,
    take,
    take_along_dim,
)
from .ops.joining import (
    cat,
    chunk,
    concat,
    concatenate,
    dstack,
    hstack,
    split,
    stack,
    tensor_split,
    unbind,
    vstack,
)
from .ops.linalg import (
    addmm,
    addmv,
    baddbmm,
    bmm,
    dot,
    ger,
    inner,
    kron,
    matmul,
    mm,
    mv,
    outer,
    trace,
    vdot,
)
from .ops.neural import alpha_dropout, bilinear, dropout
from .ops.normalization import batch_norm
from .ops.random import (
    bernoulli,
    multinomial,
    normal,
    poisson,
    rand,
    rand_like,
    randint,
    randint_like,
    randn,
    randn_like,
    randperm,
)
from .ops.reductions import (
    all,
    any,
    count_nonzero,
    logsumexp,
    mean,
    nanmean,
    nansum,
    norm,
    prod,
    std,
    std_mean,
    sum,
    var,
    var_mean,
)
from .ops.shape import (
    atleast_1d,
    atleast_2d,
    atleast_3d,
    broadcast_tensors,
    broadcast_to,
    clone,
    flatten,
    flip,
    fliplr,
    flipud,
    moveaxis,
    movedim,
    narrow,
    numel,
    permute,
    ravel,
    repeat_interleave,
    reshape,
    roll,
    select,
    squeeze,
    swapaxes,
    swapdims,
    t,
    tile,
    transpose,
    unflatten,
    unsqueeze,
)
from .ops.smooth_activations import celu, selu
from .ops.softmax import log_softmax, softmax
from .ops.sorting import (
    argsort,
    kthvalue,
    msort,
    sort,
    topk,
)
from .ops.special import erf, erfc
from .ops.unary import (
    abs,
    absolute,
    acos,
    acosh,
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctanh,
    asin,
    asinh,
    atan,
    atanh,
    ceil,
    cos,
    cosh,
    deg2rad,
    exp,
    exp2,
    expm1,
    fix,
    floor,
    frac,
    log,
    log1p,
    log2,
    log10,
    neg,
    negative,
    rad2deg,
    reciprocal,
    rsqrt,
    sigmoid,
    sign,
    sin,
    sinh,
    sqrt,
    square,
    tan,
    tanh,
    trunc,
)
from .printing import get_printoptions, printoptions, set_printoptions
from .random import (
    Generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from .serialization import load, save

__version__ = "0.1.0"

# PyTorch's other names of types.
dtype = np.dtype
half, float, double = float16, float32, float64
short, int, long = int16, int32, int64
finfo, iinfo = np.finfo, np.iinfo
Size = tuple  # type: ignore[type-arg] # shapes are plain tuples

# Rooms that bring more than NumPy, or that few scripts need: imported when they are first used.
_ROOMS = ("datasets", "testing", "training", "utils", "viz")

if TYPE_CHECKING:
    from . import datasets as datasets
    from . import testing as testing
    from . import training as training
    from . import utils as utils
    from . import viz as viz


def __getattr__(name: str) -> object:
    if name in _ROOMS:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOMS})


# fmt: off


# fmt: off
__all__ = [
    "Generator", "Size", "Tensor", "autograd", "cuda", "device", "e", "enable_grad", "finfo",
    "get_printoptions", "get_rng_state", "iinfo", "inf", "inference_mode", "initial_seed",
    "is_grad_enabled", "is_inference_mode_enabled", "load", "manual_seed", "nan", "nn", "no_grad",
    "optim", "pi", "printoptions", "random", "save", "seed", "set_grad_enabled", "set_printoptions",
    "set_rng_state",
]

# Types of elements, memory.
__all__ += [
    "bool", "channels_last", "contiguous_format", "double", "dtype", "float", "float16", "float32",
    "float64", "get_default_dtype", "half", "int", "int8", "int16", "int32", "int64", "layout",
    "long", "memory_format", "preserve_format", "promote_types", "result_type", "set_default_dtype",
    "short", "strided", "uint8",
]

# Creation.
__all__ += [
    "arange", "as_tensor", "asarray", "empty", "empty_like", "eye", "from_numpy", "full",
    "full_like", "is_floating_point", "is_tensor", "linspace", "logspace", "ones", "ones_like",
    "scalar_tensor", "tensor", "tril_indices", "triu_indices", "zeros", "zeros_like",
]

# Random.
__all__ += [
    "bernoulli", "multinomial", "normal", "poisson", "rand", "rand_like", "randint", "randint_like",
    "randn", "randn_like", "randperm",
]

# Elementwise.
__all__ += [
    "abs", "absolute", "acos", "acosh", "add", "allclose", "arccos", "arccosh", "arcsin", "arcsinh",
    "arctan", "arctan2", "arctanh", "asin", "asinh", "atan", "atan2", "atanh", "bitwise_and",
    "bitwise_not", "bitwise_or", "bitwise_xor", "ceil", "clamp", "clip", "cos", "cosh", "deg2rad",
    "div", "divide", "eq", "equal", "erf", "erfc", "exp", "exp2", "expm1", "fix", "floor",
    "floor_divide", "fmod", "frac", "ge", "gt", "hypot", "isclose", "isfinite", "isinf", "isnan",
    "le", "log", "log1p", "log2", "log10", "logaddexp", "logical_and", "logical_not", "logical_or",
    "logical_xor", "lt", "maximum", "minimum", "mul", "multiply", "ne", "neg", "negative", "pow",
    "rad2deg", "reciprocal", "remainder", "round", "rsqrt", "rsub", "sigmoid", "sign", "sin",
    "sinh", "sqrt", "square", "sub", "subtract", "tan", "tanh", "true_divide", "trunc", "where",
]

# Reductions.
__all__ += [
    "all", "amax", "amin", "aminmax", "any", "argmax", "argmin", "count_nonzero", "cumprod",
    "cumsum", "logsumexp", "max", "mean", "min", "nanmean", "nansum", "norm", "prod", "std",
    "std_mean", "sum", "var", "var_mean",
]

# Shape.
__all__ += [
    "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_tensors", "broadcast_to", "cat", "chunk",
    "clone", "concat", "concatenate", "diag", "diag_embed", "diagonal", "dstack", "flatten", "flip",
    "fliplr", "flipud", "hstack", "moveaxis", "movedim", "narrow", "numel", "permute", "ravel",
    "repeat_interleave", "reshape", "roll", "select", "split", "squeeze", "stack", "swapaxes",
    "swapdims", "t", "tensor_split", "tile", "transpose", "tril", "triu", "unbind", "unflatten",
    "unsqueeze", "vstack",
]

# Indexing.
__all__ += [
    "argwhere", "gather", "index_add", "index_copy", "index_fill", "index_select", "masked_fill",
    "masked_select", "nonzero", "scatter", "scatter_add", "take", "take_along_dim",
]

# Linear algebra.
__all__ += [
    "addmm", "addmv", "baddbmm", "bmm", "dot", "einsum", "ger", "inner", "kron", "matmul", "mm",
    "mv", "outer", "tensordot", "trace", "vdot",
]

# Sorting.
__all__ += [
    "argsort", "kthvalue", "msort", "sort", "topk",
]

# Neural networks; the rest is in nn.functional.
__all__ += [
    "alpha_dropout", "batch_norm", "bilinear", "celu", "cosine_similarity", "dropout", "hardshrink",
    "log_softmax", "pairwise_distance", "prelu", "relu", "relu_", "rrelu", "selu", "softmax",
    "threshold",
]
# fmt: on
