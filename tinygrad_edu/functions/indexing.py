"""Reading and writing at an index."""

from ..ops.gathering import (
    argwhere,
    gather,
    index_add,
    index_copy,
    index_fill,
    index_select,
    masked_fill,
    masked_select,
    nonzero,
    nonzero_static,
    take,
    take_along_dim,
)
from ..ops.indexing import fill, fill_, zero_
from ..ops.scattering import (
    as_strided_scatter,
    diagonal_scatter,
    index_put,
    index_put_,
    index_reduce,
    masked_scatter,
    put,
    scatter,
    scatter_add,
    scatter_reduce,
    select_scatter,
    slice_scatter,
)

# fmt: off
__all__ = [
    "argwhere", "as_strided_scatter", "diagonal_scatter", "fill", "fill_", "gather", "index_add",
    "index_copy", "index_fill", "index_put", "index_put_", "index_reduce", "index_select",
    "masked_fill", "masked_scatter", "masked_select", "nonzero", "nonzero_static", "put", "scatter",
    "scatter_add", "scatter_reduce", "select_scatter", "slice_scatter", "take", "take_along_dim",
    "zero_",
]
# fmt: on
