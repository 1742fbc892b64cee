"""Sums and their like, extrema, statistics, sorting."""

from ..autograd.graph import TensorBase
from ..ops import (
    counting,
    cumulative,
    differences,
    distances,
    extrema,
    norms,
    reductions,
    sorting,
    statistics,
)

__all__ = ["Reductions"]


class Reductions(TensorBase):
    """Functions of `ops`, bound."""

    __slots__ = ()

    # Reductions.

    all = reductions.all
    amax = extrema.amax
    amin = extrema.amin
    aminmax = extrema.aminmax
    any = reductions.any
    argmax = extrema.argmax
    argmin = extrema.argmin
    count_nonzero = reductions.count_nonzero
    cummax = cumulative.cummax
    cummin = cumulative.cummin
    cumprod = cumulative.cumprod
    cumsum = cumulative.cumsum
    dist = distances.dist
    logcumsumexp = cumulative.logcumsumexp
    logsumexp = reductions.logsumexp
    max = extrema.max
    mean = reductions.mean
    min = extrema.min
    nanmean = reductions.nanmean
    nansum = reductions.nansum
    norm = reductions.norm
    prod = reductions.prod
    renorm = norms.renorm
    std = reductions.std
    sum = reductions.sum
    var = reductions.var

    # Statistics, counting, differences.

    bincount = counting.bincount
    corrcoef = statistics.corrcoef
    cov = statistics.cov
    diff = differences.diff
    histc = counting.histc
    histogram = counting.histogram
    median = statistics.median
    mode = statistics.mode
    nanmedian = statistics.nanmedian
    nanquantile = statistics.nanquantile
    quantile = statistics.quantile
    unique = counting.unique
    unique_consecutive = counting.unique_consecutive

    # Sorting.

    argsort = sorting.argsort
    kthvalue = sorting.kthvalue
    msort = sorting.msort
    sort = sorting.sort
    topk = sorting.topk
