"""The largest and the smallest: of all elements or along dimensions, with or without indices."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..autograd.graph import Array, Operation, TensorBase, Value, apply
from ..autograd.leaving import without_gradient
from . import elementwise, reducing
from .dims import normalize_dim, normalize_dims, numpy_names
from .dtypes import constant, int64
from .reducing import Axes, Dims, Reduction, axes_of, kept, single

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["amax", "amin", "aminmax", "argmax", "argmin", "max", "min"]


class Extremum(Reduction):
    """z = max x (or min x)        grad_x = grad, shared evenly by the elements equal to z"""

    __slots__ = ("reduce",)

    def __init__(self, reduce: Callable[..., Any], axes: Axes, keepdims: bool) -> None:
        super().__init__(axes, keepdims)
        self.reduce = reduce

    @property
    def name(self) -> str:
        """Max or Min: which of the two this is."""
        return "Max" if self.reduce is reducing.maximum else "Min"

    def forward(self, x: Array) -> Any:
        return self.reduce(x, axis=self.axes, keepdims=self.keepdims)

    def grad_x(self, grad: Value, x: Value, out: Value) -> Value:
        x, out = constant(x), kept(constant(out), x.shape, self.axes)
        winners = (x == out) | (np.isnan(x) & np.isnan(out))
        ties = reducing.add(winners, axis=self.axes, keepdims=True, dtype=grad.dtype)
        return np.where(winners, kept(grad, x.shape, self.axes) / ties, 0)


class Pick(Operation):
    """z = x[index] along one axis        grad_x = grad where the index points, else 0"""

    __slots__ = ("axis", "input_shape", "keepdims")

    def __init__(self, axis: int, keepdims: bool) -> None:
        self.axis = axis
        self.keepdims = keepdims

    def forward(self, x: Array, index: Array) -> Array:
        self.input_shape = x.shape
        if not x.ndim:
            return x.copy()
        picked = np.take_along_axis(x, kept(index, x.shape, (self.axis,)), self.axis)
        return picked if self.keepdims else picked.squeeze(self.axis)

    def grad_x(self, grad: Value, index: Value) -> Value:
        shape, axes = self.input_shape, (self.axis,)
        if not shape:
            return grad
        places = np.arange(shape[self.axis])[(...,) + (None,) * (len(shape) - self.axis - 1)]
        chosen = places == kept(constant(index), shape, axes)
        return np.where(chosen, kept(grad, shape, axes), 0)


class ValuesIndices(NamedTuple):
    """What `max` and `min` find along a dimension: the values, and where they are."""

    values: Tensor
    indices: Tensor


class MinMax(NamedTuple):
    """The smallest and the largest elements."""

    min: Tensor
    max: Tensor


def _refuse_empty(x: Array, axes: Axes, name: str) -> None:
    """There is no extremum of nothing."""
    if axes is None and not x.size:
        raise RuntimeError(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0: there is no "
            f"{name} of nothing; the shape is {x.shape}."
        )
    for axis in axes or ():
        if not x.shape[axis]:
            raise IndexError(
                f"{name}(): Expected reduction dim {axis} to have non-zero size: there is no "
                f"{name} of nothing; the shape is {x.shape}."
            )


def _reduced(input: Tensor, name: str, dim: Dims, keepdim: bool) -> Tensor:
    """Of all elements or along dimensions, without indices."""
    x = input.array
    axes = axes_of(dim, x.ndim)
    _refuse_empty(x, normalize_dims(dim, x.ndim) if dim is not None and dim != () else None, name)
    reduce = reducing.maximum if name.endswith("max") else reducing.minimum
    return apply(Extremum(reduce, axes, keepdim), input)


def _extremum(input: Tensor, name: str, dim: Any, keepdim: bool, other: Any) -> Any:
    """max and min: of all elements, along a dimension with indices, or of two tensors."""
    if isinstance(dim, TensorBase):
        dim, other = None, dim
    if other is not None:
        return (elementwise.maximum if name == "max" else elementwise.minimum)(input, other)
    if dim is None:
        if keepdim:
            raise TypeError(
                f"{name}: keepdim is about the dimension that is reduced; name it, as in "
                f"`x.{name}(dim=0, keepdim=True)`, or use `tg.a{name}(x, keepdim=True)`."
            )
        return _reduced(input, name, None, False)
    if isinstance(dim, (tuple, list)):
        raise TypeError(
            f"{name}: dim is one integer, because the indices count along it; got {dim!r}. For "
            f"several dimensions use `tg.a{name}(x, dim)`."
        )
    indices = _arg(input, name, dim, keepdim)
    axis = normalize_dim(single(dim, name), input.array.ndim)
    return ValuesIndices(apply(Pick(axis, keepdim), input, indices), indices)


def _arg(input: Tensor, name: str, dim: int | None, keepdim: bool) -> Tensor:
    """Where the first extremum is, along a dimension or in the flattened tensor."""
    x = input.array
    axis = None if dim is None else normalize_dim(single(dim, name), x.ndim)
    if axis is None and not x.size:
        raise IndexError(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0; the shape "
            f"is {x.shape}."
        )
    if not x.ndim:
        return without_gradient(name, np.zeros((), dtype=int64), input)
    _refuse_empty(x, None if axis is None else (axis,), name)
    find = np.argmax if name.endswith("max") else np.argmin
    places = np.asarray(find(x, axis=axis, keepdims=keepdim), dtype=int64)
    return without_gradient(find.__name__, places, input)


@numpy_names
def max(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Tensor | None = None
) -> Any:
    """The largest element; along `dim`, the largest ones and their indices. PyTorch: `torch.max`.

    `max(x)` is a tensor of one number, `max(x, dim)` a named tuple (values, indices), `max(x, y)`
    the same as `maximum(x, y)`. NaN counts as the largest. The gradient of `max(x)` is shared
    evenly by equal elements; that of `max(x, dim)` goes to the element at the index, the first one.
    `amax` shares it along dimensions, too.
    Raises RuntimeError for the maximum of nothing, IndexError for a dimension out of range or of
    size 0, TypeError for several dimensions.

    >>> x = tg.tensor([[1.0, 5.0], [7.0, 2.0]])
    >>> x.max()
    tensor(7.)
    >>> values, indices = x.max(dim=1)
    >>> values, indices
    (tensor([5., 7.]), tensor([1, 0]))
    """
    return _extremum(input, "max", dim, keepdim, other)


@numpy_names
def min(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Tensor | None = None
) -> Any:
    """The smallest element; along `dim`, the smallest ones and their indices. PyTorch: `torch.min`.

    `min(x)` is a tensor of one number, `min(x, dim)` a named tuple (values, indices), `min(x, y)`
    the same as `minimum(x, y)`. NaN counts as the smallest. The gradient of `min(x)` is shared
    evenly by equal elements; that of `min(x, dim)` goes to the element at the index, the first one.
    `amin` shares it along dimensions, too.
    Raises RuntimeError for the minimum of nothing, IndexError for a dimension out of range or of
    size 0, TypeError for several dimensions.

    >>> x = tg.tensor([[1.0, 5.0], [7.0, 2.0]])
    >>> x.min()
    tensor(1.)
    >>> x.min(dim=0).indices
    tensor([0, 1])
    """
    return _extremum(input, "min", dim, keepdim, other)


@numpy_names
def amax(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The largest of all elements, or along one or more dimensions. PyTorch: `torch.amax`.

    Equal elements share the gradient evenly. NaN counts as the largest.
    Raises RuntimeError for the maximum of nothing, IndexError for a dimension out of range or of
    size 0.

    >>> tg.amax(tg.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=(0, 1))
    tensor(7.)
    """
    return _reduced(input, "amax", dim, keepdim)


@numpy_names
def amin(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The smallest of all elements, or along one or more dimensions. PyTorch: `torch.amin`.

    Equal elements share the gradient evenly. NaN counts as the smallest.
    Raises RuntimeError for the minimum of nothing, IndexError for a dimension out of range or of
    size 0.

    >>> tg.amin(tg.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1)
    tensor([1., 2.])
    """
    return _reduced(input, "amin", dim, keepdim)


@numpy_names
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> MinMax:
    """The smallest and the largest, as a named tuple (min, max). PyTorch: `torch.aminmax`.

    Errors and gradients are those of `amin` and `amax`.

    >>> smallest, largest = tg.aminmax(tg.tensor([3.0, 1.0, 2.0]))
    >>> smallest, largest
    (tensor(1.), tensor(3.))
    """
    axis = None if dim is None else single(dim, "aminmax")
    return MinMax(amin(input, axis, keepdim), amax(input, axis, keepdim))


@numpy_names
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the largest element, the first one. PyTorch: `torch.argmax`.

    Along a dimension, or in the flattened tensor; int64, without gradient. NaN counts as the
    largest. Raises RuntimeError for booleans, IndexError for a dimension out of range, or if there
    are no elements.

    >>> x = tg.tensor([[1.0, 5.0], [7.0, 2.0]])
    >>> tg.argmax(x), x.argmax(dim=1)
    (tensor(2), tensor([1, 0]))
    """
    _refuse_booleans(input, "argmax")
    return _arg(input, "argmax", dim, keepdim)


@numpy_names
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the smallest element, the first one. PyTorch: `torch.argmin`.

    Along a dimension, or in the flattened tensor; int64, without gradient. NaN counts as the
    smallest. Raises RuntimeError for booleans, IndexError for a dimension out of range, or if there
    are no elements.

    >>> x = tg.tensor([[1.0, 5.0], [7.0, 2.0]])
    >>> tg.argmin(x), x.argmin(dim=1)
    (tensor(0), tensor([0, 1]))
    """
    _refuse_booleans(input, "argmin")
    return _arg(input, "argmin", dim, keepdim)


def _refuse_booleans(input: TensorBase, name: str) -> None:
    if input.array.dtype.kind == "b":
        raise RuntimeError(
            f"{name}(): does not support bool input. Convert first: `x.int().{name}()`."
        )
