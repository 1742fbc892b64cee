"""Sorting, counting, looking up."""

from ..ops.counting import (
    bincount,
    bucketize,
    histc,
    histogram,
    histogramdd,
    isin,
    searchsorted,
    unique,
    unique_consecutive,
)
from ..ops.sorting import argsort, kthvalue, msort, sort, topk

# fmt: off
__all__ = [
    "argsort", "bincount", "bucketize", "histc", "histogram", "histogramdd", "isin", "kthvalue",
    "msort", "searchsorted", "sort", "topk", "unique", "unique_consecutive",
]
# fmt: on
