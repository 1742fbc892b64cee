"""The functions of tensors that the package exports, by family.

Each is defined and documented in the file of its family below `ops`; this is the list of them.
"""

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

# fmt: off
# Creation.
__all__ = [
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
