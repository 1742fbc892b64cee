"""Sums and their like, extrema, statistics, differences."""

from ..ops.cumulative import cummax, cummin, cumprod, cumsum, logcumsumexp
from ..ops.differences import cumulative_trapezoid, diff, gradient, trapezoid, trapz
from ..ops.distances import dist
from ..ops.extrema import amax, amin, aminmax, argmax, argmin, max, min
from ..ops.norms import renorm
from ..ops.reductions import (
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
from ..ops.statistics import corrcoef, cov, median, mode, nanmedian, nanquantile, quantile

# fmt: off
__all__ = [
    "all", "amax", "amin", "aminmax", "any", "argmax", "argmin", "corrcoef", "count_nonzero", "cov",
    "cummax", "cummin", "cumprod", "cumsum", "cumulative_trapezoid", "diff", "dist", "gradient",
    "logcumsumexp", "logsumexp", "max", "mean", "median", "min", "mode", "nanmean", "nanmedian",
    "nanquantile", "nansum", "norm", "prod", "quantile", "renorm", "std", "std_mean", "sum",
    "trapezoid", "trapz", "var", "var_mean",
]
# fmt: on
