"""Shape: views, joining, splitting, order in memory."""

from ..autograd.graph import TensorBase
from ..ops import combinations, diagonals, joining, scattering, shape, views

__all__ = ["Shape"]


class Shape(TensorBase):
    """Functions of `ops`, bound."""

    __slots__ = ()

    adjoint = views.adjoint
    as_strided = views.as_strided
    as_strided_ = views.as_strided_
    broadcast_to = shape.broadcast_to
    chunk = joining.chunk
    clone = shape.clone
    contiguous = shape.contiguous
    diag = diagonals.diag
    diag_embed = diagonals.diag_embed
    diagflat = diagonals.diagflat
    diagonal = diagonals.diagonal
    dim_order = views.dim_order
    dsplit = joining.dsplit
    expand = shape.expand
    expand_as = shape.expand_as
    flatten = shape.flatten
    flip = shape.flip
    fliplr = shape.fliplr
    flipud = shape.flipud
    H = property(views.hermitian)
    hsplit = joining.hsplit
    is_set_to = views.is_set_to
    mH = property(views.adjoint)
    movedim = moveaxis = shape.movedim
    mT = property(shape.matrix_transpose)
    narrow = shape.narrow
    narrow_copy = views.narrow_copy
    permute = shape.permute
    ravel = shape.ravel
    repeat = shape.repeat
    repeat_interleave = shape.repeat_interleave
    reshape = shape.reshape
    reshape_as = shape.reshape_as
    resize = views.resize
    resize_ = views.resize_
    resize_as = views.resize_as
    resize_as_ = views.resize_as_
    roll = shape.roll
    rot90 = combinations.rot90
    select = shape.select
    set_ = views.set_
    split = joining.split
    split_with_sizes = joining.split_with_sizes
    squeeze = shape.squeeze
    squeeze_ = views.squeeze_
    storage = views.storage
    storage_offset = views.storage_offset
    sum_to_size = views.sum_to_size
    swapaxes = swapdims = transpose = shape.transpose
    swapaxes_ = swapdims_ = transpose_ = views.transpose_
    T = property(shape.reversed_dims)
    t = shape.t
    t_ = views.t_
    tensor_split = joining.tensor_split
    tile = shape.tile
    tril = diagonals.tril
    tril_ = scattering.tril_
    triu = diagonals.triu
    triu_ = scattering.triu_
    unbind = joining.unbind
    unflatten = shape.unflatten
    unfold = views.unfold
    unsafe_chunk = joining.unsafe_chunk
    unsafe_split = joining.unsafe_split
    unsafe_split_with_sizes = joining.unsafe_split_with_sizes
    unsqueeze = shape.unsqueeze
    unsqueeze_ = views.unsqueeze_
    untyped_storage = views.untyped_storage
    view = shape.view
    view_as = shape.view_as
    vsplit = joining.vsplit
