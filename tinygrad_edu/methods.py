"""What a tensor can do, by family: the methods of Tensor.

Most are functions of `ops`, bound by name in a class body, so that editors and type checkers see
them and each is documented once. `Tensor` inherits from the classes here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from .autograd.graph import Array, TensorBase
from .ops import (
    activations,
    comparison,
    conversion,
    creation,
    cumulative,
    diagonals,
    elementwise,
    extrema,
    gathering,
    indexing,
    inplace,
    joining,
    linalg,
    numpy_protocol,
    random,
    reductions,
    shape,
    sorting,
    special,
    unary,
)
from .ops import softmax as softmax_family
from .ops.dims import normalize_dim

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = ["Functions", "Operators", "PythonAndNumPy", "ShapeAndType"]


class ShapeAndType(TensorBase):
    """Questions about shape, type and memory."""

    __slots__ = ()

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.array.ndim

    @property
    def itemsize(self) -> int:
        """The size of one element in bytes."""
        return self.array.itemsize

    @property
    def nbytes(self) -> int:
        """The size of all elements in bytes."""
        return self.array.nbytes

    def dim(self) -> int:
        """The number of dimensions."""
        return self.array.ndim

    def numel(self) -> int:
        """The number of elements."""
        return self.array.size

    def element_size(self) -> int:
        """The size of one element in bytes."""
        return self.array.itemsize

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension."""
        if dim is None:
            return self.array.shape
        return self.array.shape[normalize_dim(dim, self.array.ndim)]

    def stride(self, dim: int | None = None) -> Any:
        """The steps between neighbours along each dimension, in elements."""
        strides = tuple(step // self.array.itemsize for step in self.array.strides)
        return strides if dim is None else strides[normalize_dim(dim, self.array.ndim)]

    def is_contiguous(self) -> bool:
        """Whether the elements lie in memory in row-major order."""
        return bool(self.array.flags.c_contiguous)

    def is_floating_point(self) -> bool:
        """Whether the elements are floating numbers."""
        return self.array.dtype.kind == "f"

    def is_complex(self) -> bool:
        """False: there are no complex tensors here."""
        return False

    def data_ptr(self) -> int:
        """The address of the first element."""
        return int(self.array.ctypes.data)


class PythonAndNumPy(TensorBase):
    """Leaving the graph for Python and NumPy, and NumPy speaking Tensor."""

    __slots__ = ()

    # NumPy operators hand over to ours instead of looping over elements.
    __array_priority__ = 1000

    def numpy(self, *, force: bool = False) -> Array:
        """The array behind this tensor, not a copy; `force=True` detaches first.

        Raises RuntimeError if the tensor requires grad. Changes to the array are not noticed by
        autograd.

        PyTorch: `Tensor.numpy`.
        """
        if self.edge is not None and not force:
            raise RuntimeError(
                "Can't call numpy() on a tensor that requires grad: NumPy would leave the graph "
                "unseen. Use `x.detach().numpy()`."
            )
        return self.array

    def item(self) -> Any:
        """The only element as a Python number. Raises RuntimeError unless there is exactly one."""
        if self.array.size != 1:
            raise RuntimeError(
                f"item() needs a tensor with exactly one element; this one has shape {self.shape}."
            )
        return self.array.item()

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers; a number for a 0-dimensional tensor."""
        return self.array.tolist()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        array = self.numpy()
        if dtype is not None and np.dtype(dtype) != array.dtype:
            if copy is False:
                raise ValueError(
                    f"A tensor of {array.dtype} becomes {np.dtype(dtype)} only by copying."
                )
            return array.astype(dtype)
        return array.copy() if copy else array

    __array_ufunc__ = numpy_protocol.array_ufunc
    __array_function__ = numpy_protocol.array_function

    def __bool__(self) -> bool:
        if self.array.size != 1:
            raise RuntimeError(
                f"The truth of a tensor with {self.array.size} elements is ambiguous: say "
                "`x.any()` or `x.all()`."
            )
        return bool(self.array.item())

    def __int__(self) -> int:
        return int(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __index__(self) -> int:
        if self.array.dtype.kind not in "iub" or self.array.size != 1:
            raise TypeError("Only integer tensors of a single element can be used as an index.")
        return int(self.array.item())

    def __len__(self) -> int:
        if self.array.ndim == 0:
            raise TypeError("A 0-dimensional tensor has no length.")
        return len(self.array)

    def __iter__(self) -> Iterator[Tensor]:
        if self.array.ndim == 0:
            raise TypeError(
                "A 0-dimensional tensor cannot be iterated over; its number is `x.item()`."
            )
        return iter(joining.unbind(self, 0))  # type: ignore[arg-type]

    def __contains__(self, element: Any) -> bool:
        value = element.array if isinstance(element, TensorBase) else element
        return bool((self.array == value).any())

    def __format__(self, spec: str) -> str:
        # As in PyTorch, f"{loss:.4f}" formats the number, and f"{loss}" shows it.
        return object.__format__(self, spec) if self.array.ndim else format(self.item(), spec)


class Operators(TensorBase):
    """Operators. Each is a function of `ops`; `__radd__` and its kin serve `2 + x`."""

    __slots__ = ()

    __add__ = __radd__ = elementwise.add
    __sub__ = elementwise.sub
    __rsub__ = elementwise.rsub
    __mul__ = __rmul__ = elementwise.mul
    __truediv__ = elementwise.div
    __rtruediv__ = elementwise.rdiv
    __floordiv__ = elementwise.floor_divide
    __rfloordiv__ = elementwise.rfloor_divide
    __mod__ = elementwise.remainder
    __rmod__ = elementwise.rremainder
    __pow__ = elementwise.pow
    __rpow__ = elementwise.rpow
    __matmul__ = linalg.matmul
    __rmatmul__ = linalg.rmatmul
    __neg__ = unary.neg
    __abs__ = unary.abs
    __invert__ = comparison.bitwise_not
    __and__ = __rand__ = comparison.bitwise_and
    __or__ = __ror__ = comparison.bitwise_or
    __xor__ = __rxor__ = comparison.bitwise_xor
    __lt__ = comparison.lt
    __le__ = comparison.le
    __gt__ = comparison.gt
    __ge__ = comparison.ge
    __iadd__ = inplace.add_
    __isub__ = inplace.sub_
    __imul__ = inplace.mul_
    __itruediv__ = inplace.div_
    __ifloordiv__ = inplace.floor_divide_
    __ipow__ = inplace.pow_
    __imod__ = inplace.remainder_
    __iand__ = inplace.bitwise_and_
    __ior__ = inplace.bitwise_or_
    __ixor__ = inplace.bitwise_xor_
    __getitem__ = indexing.getitem
    __setitem__ = indexing.setitem

    def __pos__(self) -> Tensor:
        return self  # type: ignore[return-value]

    __hash__ = object.__hash__

    def __eq__(self, other: Any) -> Any:
        if not isinstance(other, (TensorBase, np.ndarray, np.generic, bool, int, float)):
            return NotImplemented
        return comparison.eq(self, other)  # type: ignore[arg-type]

    def __ne__(self, other: Any) -> Any:
        if not isinstance(other, (TensorBase, np.ndarray, np.generic, bool, int, float)):
            return NotImplemented
        return comparison.ne(self, other)  # type: ignore[arg-type]


class Functions(TensorBase):
    """The functions of `ops` that are methods too."""

    __slots__ = ()

    # Functions of one number (ops/unary.py).

    abs = absolute = unary.abs
    acos = arccos = unary.acos
    acosh = arccosh = unary.acosh
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
    rad2deg = unary.rad2deg
    reciprocal = unary.reciprocal
    rsqrt = unary.rsqrt
    sigmoid = unary.sigmoid
    sign = unary.sign
    sin = unary.sin
    sinh = unary.sinh
    sqrt = unary.sqrt
    square = unary.square
    tan = unary.tan
    tanh = unary.tanh
    trunc = fix = unary.trunc

    # Two and more tensors (ops/elementwise.py, ops/comparison.py).

    add = elementwise.add
    allclose = comparison.allclose
    atan2 = arctan2 = elementwise.atan2
    bitwise_and = comparison.bitwise_and
    bitwise_not = comparison.bitwise_not
    bitwise_or = comparison.bitwise_or
    bitwise_xor = comparison.bitwise_xor
    clamp = clip = elementwise.clamp
    div = divide = true_divide = elementwise.div
    eq = comparison.eq
    equal = comparison.equal
    floor_divide = elementwise.floor_divide
    fmod = elementwise.fmod
    ge = comparison.ge
    gt = comparison.gt
    hypot = elementwise.hypot
    isclose = comparison.isclose
    isfinite = comparison.isfinite
    isinf = comparison.isinf
    isnan = comparison.isnan
    le = comparison.le
    logaddexp = elementwise.logaddexp
    logical_and = comparison.logical_and
    logical_not = comparison.logical_not
    logical_or = comparison.logical_or
    logical_xor = comparison.logical_xor
    lt = comparison.lt
    maximum = elementwise.maximum
    minimum = elementwise.minimum
    mul = multiply = elementwise.mul
    ne = comparison.ne
    pow = elementwise.pow
    remainder = elementwise.remainder
    round = elementwise.round
    sub = subtract = elementwise.sub
    where = elementwise.tensor_where

    # In place (ops/inplace.py).

    abs_ = absolute_ = inplace.abs_
    acos_ = arccos_ = inplace.acos_
    acosh_ = arccosh_ = inplace.acosh_
    add_ = inplace.add_
    asin_ = arcsin_ = inplace.asin_
    asinh_ = arcsinh_ = inplace.asinh_
    atan_ = arctan_ = inplace.atan_
    atanh_ = arctanh_ = inplace.atanh_
    bitwise_and_ = inplace.bitwise_and_
    bitwise_or_ = inplace.bitwise_or_
    bitwise_xor_ = inplace.bitwise_xor_
    ceil_ = inplace.ceil_
    clamp_ = clip_ = inplace.clamp_
    cos_ = inplace.cos_
    cosh_ = inplace.cosh_
    deg2rad_ = inplace.deg2rad_
    div_ = divide_ = true_divide_ = inplace.div_
    exp2_ = inplace.exp2_
    exp_ = inplace.exp_
    expm1_ = inplace.expm1_
    floor_ = inplace.floor_
    floor_divide_ = inplace.floor_divide_
    fmod_ = inplace.fmod_
    frac_ = inplace.frac_
    log10_ = inplace.log10_
    log1p_ = inplace.log1p_
    log2_ = inplace.log2_
    log_ = inplace.log_
    mul_ = multiply_ = inplace.mul_
    neg_ = negative_ = inplace.neg_
    pow_ = inplace.pow_
    rad2deg_ = inplace.rad2deg_
    reciprocal_ = inplace.reciprocal_
    remainder_ = inplace.remainder_
    round_ = inplace.round_
    rsqrt_ = inplace.rsqrt_
    sigmoid_ = inplace.sigmoid_
    sign_ = inplace.sign_
    sin_ = inplace.sin_
    sinh_ = inplace.sinh_
    sqrt_ = inplace.sqrt_
    square_ = inplace.square_
    sub_ = subtract_ = inplace.sub_
    tan_ = inplace.tan_
    tanh_ = inplace.tanh_
    trunc_ = fix_ = inplace.trunc_

    # Reductions (ops/reductions.py, extrema.py, cumulative.py).

    all = reductions.all
    amax = extrema.amax
    amin = extrema.amin
    aminmax = extrema.aminmax
    any = reductions.any
    argmax = extrema.argmax
    argmin = extrema.argmin
    count_nonzero = reductions.count_nonzero
    cumprod = cumulative.cumprod
    cumsum = cumulative.cumsum
    logsumexp = reductions.logsumexp
    max = extrema.max
    mean = reductions.mean
    min = extrema.min
    nanmean = reductions.nanmean
    nansum = reductions.nansum
    norm = reductions.norm
    prod = reductions.prod
    std = reductions.std
    sum = reductions.sum
    var = reductions.var

    # Shape (ops/shape.py, ops/joining.py, ops/diagonals.py).

    broadcast_to = shape.broadcast_to
    chunk = joining.chunk
    clone = shape.clone
    contiguous = shape.contiguous
    diag = diagonals.diag
    diag_embed = diagonals.diag_embed
    diagonal = diagonals.diagonal
    expand = shape.expand
    expand_as = shape.expand_as
    flatten = shape.flatten
    flip = shape.flip
    fliplr = shape.fliplr
    flipud = shape.flipud
    movedim = moveaxis = shape.movedim
    mT = property(shape.matrix_transpose)
    narrow = shape.narrow
    permute = shape.permute
    ravel = shape.ravel
    repeat = shape.repeat
    repeat_interleave = shape.repeat_interleave
    reshape = shape.reshape
    reshape_as = shape.reshape_as
    roll = shape.roll
    select = shape.select
    split = joining.split
    squeeze = shape.squeeze
    swapaxes = swapdims = transpose = shape.transpose
    T = property(shape.reversed_dims)
    t = shape.t
    tensor_split = joining.tensor_split
    tile = shape.tile
    tril = diagonals.tril
    triu = diagonals.triu
    unbind = joining.unbind
    unflatten = shape.unflatten
    unsqueeze = shape.unsqueeze
    view = shape.view
    view_as = shape.view_as

    # Indexing (ops/indexing.py, ops/gathering.py).

    argwhere = gathering.argwhere
    copy_ = indexing.copy_
    fill_ = indexing.fill_
    gather = gathering.gather
    index_add = gathering.index_add
    index_add_ = gathering.index_add_
    index_copy = gathering.index_copy
    index_copy_ = gathering.index_copy_
    index_fill = gathering.index_fill
    index_fill_ = gathering.index_fill_
    index_select = gathering.index_select
    masked_fill = gathering.masked_fill
    masked_fill_ = gathering.masked_fill_
    masked_select = gathering.masked_select
    nonzero = gathering.nonzero
    scatter = gathering.scatter
    scatter_ = gathering.scatter_
    scatter_add = gathering.scatter_add
    scatter_add_ = gathering.scatter_add_
    take = gathering.take
    take_along_dim = gathering.take_along_dim
    zero_ = indexing.zero_

    # Linear algebra (ops/linalg.py).

    addmm = linalg.addmm
    addmv = linalg.addmv
    baddbmm = linalg.baddbmm
    bmm = linalg.bmm
    dot = linalg.dot
    ger = linalg.ger
    inner = linalg.inner
    kron = linalg.kron
    matmul = linalg.matmul
    mm = linalg.mm
    mv = linalg.mv
    outer = linalg.outer
    trace = linalg.trace
    vdot = linalg.vdot

    # Sorting (ops/sorting.py).

    argsort = sorting.argsort
    kthvalue = sorting.kthvalue
    msort = sorting.msort
    sort = sorting.sort
    topk = sorting.topk

    # Types of elements, devices, and new tensors like this one (ops/conversion.py,
    # ops/creation.py).

    astype = conversion.astype
    bool = conversion.boolean
    byte = conversion.byte
    char = conversion.char
    cpu = conversion.cpu
    cuda = conversion.cuda
    device = property(conversion.device_of)
    double = conversion.double
    float = conversion.float
    half = conversion.half
    int = conversion.int
    is_cuda = property(conversion.is_cuda)
    layout = property(conversion.layout_of)
    long = conversion.long
    new_empty = creation.new_empty
    new_full = creation.new_full
    new_ones = creation.new_ones
    new_tensor = creation.new_tensor
    new_zeros = creation.new_zeros
    short = conversion.short
    to = conversion.to
    type = conversion.type
    type_as = conversion.type_as

    # Neural networks (ops/activations.py, ops/softmax.py, ops/special.py).

    erf = special.erf
    erfc = special.erfc
    hardshrink = activations.hardshrink
    log_softmax = softmax_family.log_softmax
    prelu = activations.prelu
    relu = activations.relu
    relu_ = activations.relu_
    softmax = softmax_family.softmax

    # Random numbers (ops/random.py).

    bernoulli = random.bernoulli
    bernoulli_ = random.bernoulli_
    exponential_ = random.exponential_
    multinomial = random.multinomial
    normal_ = random.normal_
    random_ = random.random_
    uniform_ = random.uniform_
