"""Reading and writing at an index; `x[...]` is in `Operators`."""

from ..autograd.graph import TensorBase
from ..ops import gathering, indexing, scattering

__all__ = ["Indexing"]


class Indexing(TensorBase):
    """Functions of `ops`, bound."""

    __slots__ = ()

    argwhere = gathering.argwhere
    as_strided_scatter = scattering.as_strided_scatter
    copy_ = indexing.copy_
    diagonal_scatter = scattering.diagonal_scatter
    fill = indexing.fill
    fill_ = indexing.fill_
    fill_diagonal_ = scattering.fill_diagonal_
    gather = gathering.gather
    index_add = gathering.index_add
    index_add_ = gathering.index_add_
    index_copy = gathering.index_copy
    index_copy_ = gathering.index_copy_
    index_fill = gathering.index_fill
    index_fill_ = gathering.index_fill_
    index_put = scattering.index_put
    index_put_ = scattering.index_put_
    index_reduce = scattering.index_reduce
    index_reduce_ = scattering.index_reduce_
    index_select = gathering.index_select
    masked_fill = gathering.masked_fill
    masked_fill_ = gathering.masked_fill_
    masked_scatter = scattering.masked_scatter
    masked_scatter_ = scattering.masked_scatter_
    masked_select = gathering.masked_select
    nonzero = gathering.nonzero
    nonzero_static = gathering.nonzero_static
    put = scattering.put
    put_ = scattering.put_
    scatter = scattering.scatter
    scatter_ = scattering.scatter_
    scatter_add = scattering.scatter_add
    scatter_add_ = scattering.scatter_add_
    scatter_reduce = scattering.scatter_reduce
    scatter_reduce_ = scattering.scatter_reduce_
    select_scatter = scattering.select_scatter
    slice_scatter = scattering.slice_scatter
    take = gathering.take
    take_along_dim = gathering.take_along_dim
    zero_ = indexing.zero_
