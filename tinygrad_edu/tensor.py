"""Tensor: an array that remembers how it was computed.

What a tensor is stands in `TensorBase` (autograd/graph.py): the array, the gradient, the place in the graph. Here it
gets its behaviour. Most methods are functions of `ops`, bound in the class body by name, so that editors and
type checkers see them and each is documented once.
"""

from __future__ import annotations

import builtins
import copy
import warnings
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from . import printing
from .autograd import engine
from .autograd.graph import Array, Handle, Operation, TensorBase, View, register_tensor, wrap
from .ops import (
    activations,
    comparison,
    conversion,
    creation,
    cumulative,
    diagonals,
    dtypes,
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
from .ops.from_data import to_array

__all__ = ["Tensor"]


@register_tensor
class Tensor(TensorBase):
    """An array with a gradient and a place in the graph of its computation.

    `tg.tensor(data)` makes one from numbers; `tg.Tensor(data)` makes a float tensor, `tg.Tensor(2, 3)` one of that
    shape. PyTorch: `torch.Tensor`.

    >>> x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> loss = (x**2).sum()
    >>> loss.backward()
    >>> x.grad
    tensor([2., 4., 6.])
    """

    __slots__ = ()

    # In the annotations below, `builtins.int` is the type; `int` alone is the method `x.int()`.

    # NumPy operators hand over to ours instead of looping over elements.
    __array_priority__ = 1000

    def __new__(cls, *data: Any) -> Tensor:
        """`Tensor(array_like)` copies into the default float type; `Tensor(2, 3)` is zeros of that shape."""
        dtype = dtypes.get_default_dtype()
        if len(data) == 1 and not isinstance(data[0], int):
            array = to_array(data[0], dtype)
        else:
            array = np.zeros(data or (0,), dtype=dtype)
        plain = wrap(array)
        if cls is Tensor:
            return plain
        return become(cls, plain)  # type: ignore[no-any-return]

    # What a tensor is.

    @property
    def data(self) -> Tensor:
        """The same values without the graph: a tensor on the same memory.

        Unlike in PyTorch, changes through `.data` are counted, so that a stale saved value is noticed.
        """
        return wrap(self.array, None, self.version)

    @data.setter
    def data(self, value: Tensor | Array) -> None:
        array = value.array if isinstance(value, TensorBase) else np.asarray(value)
        if self.node is not None and array.shape != self.shape:
            raise RuntimeError(
                f"The data of an intermediate result keeps its shape {self.shape}; got {array.shape}."
            )
        if self.needs_grad and array.dtype.kind != "f":
            raise RuntimeError(f"A tensor that requires grad holds floating numbers; got {array.dtype}.")
        if array is not self.array:
            self.array = array
        self.version[0] += 1

    @property
    def grad(self) -> Tensor | None:
        """The gradient that `backward` has accumulated here, or None.

        Leaves that require grad have one, and intermediate results after `retain_grad()`.
        """
        if self._grad is None and self.node is not None and not self.retains_grad:
            warnings.warn(
                "The .grad of an intermediate result is not kept: it is not a leaf. Call .retain_grad() on it "
                "before backward() if you need it.",
                UserWarning,
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, TensorBase):
                raise TypeError(f"grad is a tensor or None; got {type(value).__name__}.")
            if value is self:
                raise RuntimeError("A tensor cannot be its own gradient.")
            if value.shape != self.shape or value.dtype != self.dtype:
                raise RuntimeError(
                    f"A gradient has the shape and type of its tensor, {self.shape} and {self.dtype}; got "
                    f"{value.shape} and {value.dtype}."
                )
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def requires_grad(self) -> builtins.bool:
        """Whether operations on this tensor are recorded. Settable on leaves of a floating type."""
        return self.edge is not None

    @requires_grad.setter
    def requires_grad(self, value: builtins.bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: builtins.bool = True) -> Tensor:
        """Ask for a gradient on this leaf, or no longer; returns the tensor.

        Raises RuntimeError for integers and booleans, and when an intermediate result is told not to.
        """
        if requires_grad and self.array.dtype.kind != "f":
            raise RuntimeError(
                f"Only tensors of a floating type can require gradients; this one is {self.dtype}. "
                "Convert it first: `x.float()`."
            )
        if not self.is_leaf:
            if not requires_grad:
                raise RuntimeError(
                    "Only leaf tensors can stop requiring grad; this one was computed. Use `x.detach()`."
                )
            return self
        self.needs_grad = bool(requires_grad)
        return self

    @property
    def grad_fn(self) -> Operation | None:
        """The operation that made this tensor; None for a leaf."""
        edge = self.edge  # Renews a view whose base was changed; `node` alone may be stale.
        return edge if isinstance(edge, Operation) else None

    @property
    def is_leaf(self) -> builtins.bool:
        """Whether this tensor was made by the user, not by a recorded operation."""
        return self.grad_fn is None

    @property
    def _version(self) -> builtins.int:
        """How often this memory was changed in place."""
        return self.version[0]

    # Backpropagation.

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: builtins.bool | None = None,
        create_graph: builtins.bool = False,
        inputs: Tensor | Sequence[Tensor] | None = None,
    ) -> None:
        """Add dL/dx to `x.grad` for every leaf x that this tensor was computed from.

        A single number is L itself; otherwise `gradient` is dL/d(this tensor). Saved arrays are freed on the way
        unless `retain_graph=True`; `create_graph=True` records the pass, for higher derivatives.
        Raises RuntimeError as `tg.autograd.backward`. PyTorch: `Tensor.backward`.

        >>> x = tg.tensor(3.0, requires_grad=True)
        >>> (x * x).backward()
        >>> x.grad
        tensor(6.)
        """
        engine.backward(self, gradient, retain_graph, create_graph, inputs)

    def detach(self) -> Tensor:
        """The same values, outside the graph; memory and version are shared. PyTorch: `Tensor.detach`."""
        return wrap(self.array, None, self.version)

    def detach_(self) -> Tensor:
        """Cut this tensor off from its graph: it becomes a leaf that does not require grad."""
        if self.view_of is not None and self.node is not None:
            raise RuntimeError("A view cannot be detached in place: use `x.detach()`.")
        self.node = None
        self.needs_grad = False
        return self

    def retain_grad(self) -> None:
        """Keep the gradient of this intermediate result in `.grad`; nothing to do for a leaf."""
        if not self.requires_grad:
            raise RuntimeError("retain_grad: this tensor does not require grad, so it will have no gradient.")
        if self.node is not None:
            self.node.annotate().retain = weakref.ref(self)

    @property
    def retains_grad(self) -> builtins.bool:
        """Whether `retain_grad` was called on this intermediate result."""
        notes = None if self.node is None else self.node.notes
        return notes is not None and notes.retain is not None and notes.retain() is self

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Handle:
        """Call `hook(gradient)` whenever this tensor's gradient is computed; what it returns replaces it.

        Returns a handle with `remove()`. PyTorch: `Tensor.register_hook`.

        >>> x = tg.tensor(1.0, requires_grad=True)
        >>> handle = x.register_hook(lambda grad: grad * 10)
        >>> (2 * x).backward()
        >>> x.grad
        tensor(20.)
        """
        if not self.requires_grad:
            raise RuntimeError("register_hook: this tensor does not require grad, so the hook would never run.")
        if self.node is not None:
            return self.node.register_hook(hook)
        if self.hooks is None:
            self.hooks = {}
        return Handle(self.hooks, hook)

    # Shape and type.

    @property
    def ndim(self) -> builtins.int:
        """The number of dimensions."""
        return self.array.ndim

    @property
    def itemsize(self) -> builtins.int:
        """The size of one element in bytes."""
        return self.array.itemsize

    @property
    def nbytes(self) -> builtins.int:
        """The size of all elements in bytes."""
        return self.array.nbytes

    def dim(self) -> builtins.int:
        """The number of dimensions."""
        return self.array.ndim

    def numel(self) -> builtins.int:
        """The number of elements."""
        return self.array.size

    def element_size(self) -> builtins.int:
        """The size of one element in bytes."""
        return self.array.itemsize

    def size(self, dim: builtins.int | None = None) -> Any:
        """The shape, or the size of one dimension."""
        if dim is None:
            return self.array.shape
        return self.array.shape[normalize_dim(dim, self.array.ndim)]

    def stride(self, dim: builtins.int | None = None) -> Any:
        """The steps between neighbours along each dimension, in elements."""
        strides = tuple(step // self.array.itemsize for step in self.array.strides)
        return strides if dim is None else strides[normalize_dim(dim, self.array.ndim)]

    def is_contiguous(self) -> builtins.bool:
        """Whether the elements lie in memory in row-major order."""
        return bool(self.array.flags.c_contiguous)

    def is_floating_point(self) -> builtins.bool:
        """Whether the elements are floating numbers."""
        return self.array.dtype.kind == "f"

    def is_complex(self) -> builtins.bool:
        """False: there are no complex tensors here."""
        return False

    def data_ptr(self) -> builtins.int:
        """The address of the first element."""
        return int(self.array.ctypes.data)

    # Leaving the graph: Python and NumPy.

    def numpy(self, *, force: builtins.bool = False) -> Array:
        """The array behind this tensor, not a copy; `force=True` detaches first. PyTorch: `Tensor.numpy`.

        Raises RuntimeError if the tensor requires grad. Changes to the array are not noticed by autograd.
        """
        if self.requires_grad and not force:
            raise RuntimeError(
                "Can't call numpy() on a tensor that requires grad: NumPy would leave the graph unseen. Use "
                "`x.detach().numpy()`."
            )
        return self.array

    def item(self) -> Any:
        """The only element as a Python number. Raises RuntimeError unless there is exactly one."""
        if self.array.size != 1:
            raise RuntimeError(f"item() needs a tensor with exactly one element; this one has shape {self.shape}.")
        return self.array.item()

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers; a number for a 0-dimensional tensor."""
        return self.array.tolist()

    def __array__(self, dtype: Any = None, copy: builtins.bool | None = None) -> Array:
        array = self.numpy()
        if dtype is not None and np.dtype(dtype) != array.dtype:
            if copy is False:
                raise ValueError(f"A tensor of {array.dtype} becomes {np.dtype(dtype)} only by copying.")
            return array.astype(dtype)
        return array.copy() if copy else array

    __array_ufunc__ = numpy_protocol.array_ufunc
    __array_function__ = numpy_protocol.array_function

    def __bool__(self) -> builtins.bool:
        if self.array.size != 1:
            raise RuntimeError(
                f"The truth of a tensor with {self.array.size} elements is ambiguous: say `x.any()` or `x.all()`."
            )
        return bool(self.array.item())

    def __int__(self) -> builtins.int:
        return int(self.item())

    def __float__(self) -> builtins.float:
        return float(self.item())

    def __index__(self) -> builtins.int:
        if self.array.dtype.kind not in "iub" or self.array.size != 1:
            raise TypeError("Only integer tensors of a single element can be used as an index.")
        return int(self.array.item())

    def __len__(self) -> builtins.int:
        if self.array.ndim == 0:
            raise TypeError("A 0-dimensional tensor has no length.")
        return len(self.array)

    def __iter__(self) -> Iterator[Tensor]:
        if self.array.ndim == 0:
            raise TypeError("A 0-dimensional tensor cannot be iterated over; its number is `x.item()`.")
        return iter(joining.unbind(self, 0))

    def __contains__(self, element: Any) -> builtins.bool:
        value = element.array if isinstance(element, TensorBase) else element
        return bool((self.array == value).any())

    def __format__(self, spec: str) -> str:
        # As in PyTorch, f"{loss:.4f}" formats the number, and f"{loss}" shows it.
        return object.__format__(self, spec) if self.array.ndim else format(self.item(), spec)

    def __repr__(self) -> str:
        return printing.tensor_repr(self)

    __hash__ = object.__hash__

    # Copies.

    def __copy__(self) -> Tensor:
        twin = wrap(self.array, self.node, self.version)
        twin.needs_grad, twin._grad = self.needs_grad, self._grad
        if self.view_of is not None:
            twin.view_of = View(self.view_of.base, self.view_of.path)
        if type(self) is Tensor:
            return twin
        result: Tensor = become(type(self), twin)
        for name, value in getattr(self, "__dict__", {}).items():
            setattr(result, name, value)
        return result

    def __deepcopy__(self, memo: dict[builtins.int, Any]) -> Tensor:
        self._refuse_unless_leaf("deepcopy")
        if id(self) in memo:
            return memo[id(self)]  # type: ignore[no-any-return]
        twin = wrap(self.array.copy())
        twin.needs_grad = self.needs_grad
        result = twin if type(self) is Tensor else become(type(self), twin)
        memo[id(self)] = result
        result._grad = copy.deepcopy(self._grad, memo)
        for name, value in getattr(self, "__dict__", {}).items():
            setattr(result, name, copy.deepcopy(value, memo))
        return result

    def __reduce_ex__(self, protocol: Any) -> Any:
        self._refuse_unless_leaf("pickle")
        # The gradient stays behind, as in PyTorch.
        return _rebuild, (type(self), np.ascontiguousarray(self.array), self.needs_grad, None)

    def _refuse_unless_leaf(self, what: str) -> None:
        if self.node is not None:
            raise RuntimeError(
                f"Only leaf tensors support {what}: this one is part of a graph. Use `x.detach()` first."
            )

    # Operators. Each is a function of `ops`; `__radd__` and its kin serve `2 + x`.

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
    __ipow__ = inplace.pow_
    __imod__ = inplace.remainder_
    __getitem__ = indexing.getitem
    __setitem__ = indexing.setitem

    def __pos__(self) -> Tensor:
        return self

    def __eq__(self, other: Any) -> Any:
        if not isinstance(other, (TensorBase, np.ndarray, np.generic, bool, int, float)):
            return NotImplemented
        return comparison.eq(self, other)  # type: ignore[arg-type]

    def __ne__(self, other: Any) -> Any:
        if not isinstance(other, (TensorBase, np.ndarray, np.generic, bool, int, float)):
            return NotImplemented
        return comparison.ne(self, other)  # type: ignore[arg-type]

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

    # Two and more tensors (ops/elementwise.py, ops/comparison.py, ops/inplace.py).

    add = elementwise.add
    add_ = inplace.add_
    abs_ = inplace.abs_
    allclose = comparison.allclose
    atan2 = arctan2 = elementwise.atan2
    bitwise_and = comparison.bitwise_and
    bitwise_not = comparison.bitwise_not
    bitwise_or = comparison.bitwise_or
    bitwise_xor = comparison.bitwise_xor
    clamp = clip = elementwise.clamp
    clamp_ = clip_ = inplace.clamp_
    div = divide = true_divide = elementwise.div
    div_ = inplace.div_
    eq = comparison.eq
    equal = comparison.equal
    exp_ = inplace.exp_
    floor_ = inplace.floor_
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
    log_ = inplace.log_
    logaddexp = elementwise.logaddexp
    logical_and = comparison.logical_and
    logical_not = comparison.logical_not
    logical_or = comparison.logical_or
    logical_xor = comparison.logical_xor
    lt = comparison.lt
    maximum = elementwise.maximum
    minimum = elementwise.minimum
    mul = multiply = elementwise.mul
    mul_ = inplace.mul_
    ne = comparison.ne
    neg_ = inplace.neg_
    pow = elementwise.pow
    pow_ = inplace.pow_
    reciprocal_ = inplace.reciprocal_
    remainder = elementwise.remainder
    remainder_ = inplace.remainder_
    round = elementwise.round
    sigmoid_ = inplace.sigmoid_
    sqrt_ = inplace.sqrt_
    sub = subtract = elementwise.sub
    sub_ = inplace.sub_
    tanh_ = inplace.tanh_
    where = elementwise.tensor_where

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

    # Types of elements, devices, and new tensors like this one (ops/conversion.py, ops/creation.py).

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


def become(cls: type[Any], tensor: Tensor) -> Any:
    """A tensor of a subclass with the values and the state of `tensor`."""
    result = object.__new__(cls)
    for name in TensorBase.__slots__:
        if name != "__weakref__":
            setattr(result, name, getattr(tensor, name))
    return result


def _rebuild(cls: type[Any], array: Array, needs_grad: bool, grad: Tensor | None) -> Any:
    tensor = wrap(array)
    tensor.needs_grad = needs_grad
    tensor._grad = grad
    return tensor if cls is Tensor else become(cls, tensor)
