"""Indexing: reading and writing parts of a tensor.

An index has two steps, as in PyTorch. Integers, slices, None and `...` make a view (`Index`).
Boolean masks and integer arrays, if there are any, then pick elements of that view (`IndexArrays`).
Four operations know how arrays pick elements, each the other's rule; gather, scatter, index_select
and their kin are made of them.

    IndexArrays    z = x[key]                      AddArrays    z = x, with value added to z[key]
    PlaceArrays    z = 0, with x added to z[key]   SetArrays    z = x, but z[key] = value
"""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..autograd.graph import Array, Operation, TensorBase, Value, apply, run, wrap
from ..autograd.inplace import attach, check_writable, rebind
from ..autograd.leaving import note_write
from ..autograd.mode import MODE, switched
from .arguments import check_tensor
from .dtypes import quiet
from .unary import nothing

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["copy_", "fill", "fill_", "getitem", "setitem", "zero_"]

WHOLE = slice(None)


# Views: integers, slices, None, `...`.


class Index(Operation):
    """z = x[key], a view        grad_x = 0, but grad at key"""

    __slots__ = ("input_shape", "key")
    is_view = True

    def __init__(self, key: Any) -> None:
        self.key = key

    def forward(self, x: Array) -> Array:
        self.input_shape = x.shape
        return x[self.key]  # type: ignore[no-any-return]

    def grad_x(self, grad: Value) -> Value:
        return run(Place(self.key, self.input_shape), grad)


class Place(Operation):
    """z = 0, but z[key] = x        grad_x = grad[key]"""

    __slots__ = ("key", "to")

    def __init__(self, key: Any, to: tuple[int, ...]) -> None:
        self.key = key
        self.to = to

    def forward(self, x: Array) -> Array:
        out = np.zeros(self.to, x.dtype)
        out[self.key] = x
        return out

    def grad_x(self, grad: Value) -> Value:
        return run(Index(self.key), grad)


# Arrays: boolean masks and integers.


class Arrays(Operation):
    """What the operations on x[key] share when the key holds arrays.

    `layout` has one entry for each place of the key: True where the next array stands, False for a
    whole dimension. The arrays are the last inputs: so the engine notices if one is changed before
    the reverse pass. `unique` promises that no element is picked twice.
    """

    __slots__ = ("layout", "unique")
    values: ClassVar[int] = 1  # inputs before the index arrays

    def __init__(self, layout: tuple[bool, ...], unique: bool = False) -> None:
        self.layout = layout
        self.unique = unique

    def plan(self, mask: int) -> tuple[int, ...]:  # type: ignore[override]
        """Save the index arrays, however many there are."""
        return tuple(range(self.values, len(self.parents)))

    def differentiate(
        self, grad: Value, values: dict[int, Value], wanted: Callable[[Any], bool] | None
    ) -> Iterable[tuple[Operation | TensorBase, Value]]:
        """Each rule gets the index arrays."""
        indices = [values[slot] for slot in range(self.values, len(self.parents))]
        for parent, rule in zip(self.parents, (self.grad_x, self.grad_value), strict=False):
            if parent is not None and (wanted is None or wanted(parent)):
                yield parent, rule(grad, *indices)

    def grad_x(self, grad: Value, *indices: Value) -> Value:
        raise NotImplementedError

    def grad_value(self, grad: Value, *indices: Value) -> Value:
        raise NotImplementedError

    def key(self, indices: Sequence[Array]) -> tuple[Any, ...]:
        """The key in NumPy's form."""
        arrays = iter(indices)
        return tuple(next(arrays) if here else WHOLE for here in self.layout)

    def picks_once(self, indices: Sequence[Any]) -> bool:
        """Whether surely no element is picked twice; masks never do."""
        return self.unique or all(index.dtype == np.bool_ for index in indices)

    def offsets(
        self, shape: tuple[int, ...], indices: Sequence[Array]
    ) -> tuple[Array, list[bool], list[int]]:
        """What the arrays add to the position of an element in a flattened array of `shape`.

        Also which dimensions they pick from, and the step of each dimension.
        """
        arrays: list[Array] = []
        layout: list[bool] = []
        remaining = iter(indices)
        for here in self.layout:
            index = next(remaining) if here else None
            if index is None:
                layout.append(False)
            else:
                numbers = index.nonzero() if index.dtype == np.bool_ else (index,)
                arrays += numbers
                layout += [True] * len(numbers)
        layout += [False] * (len(shape) - len(layout))
        steps = [1] * len(shape)
        for dim in range(len(shape) - 1, 0, -1):
            steps[dim - 1] = steps[dim] * shape[dim]
        picked = [dim for dim, here in enumerate(layout) if here]
        total = np.zeros((), np.intp)
        for dim, array in zip(picked, arrays, strict=True):
            total = total + array.astype(np.intp) % shape[dim] * steps[dim]
        return total, layout, steps

    def positions(self, shape: tuple[int, ...], indices: Sequence[Array]) -> Array:
        """Where the elements of x[key] stand in a flattened array of `shape`, in its shape."""
        result, layout, steps = self.offsets(shape, indices)
        picked = [dim for dim, here in enumerate(layout) if here]
        whole = [dim for dim, here in enumerate(layout) if not here]
        width = result.ndim
        # The picked dimensions stand where the arrays stood if these are neighbours, else in front.
        lead = picked[0] if picked and picked[-1] - picked[0] == len(picked) - 1 else 0
        result = result.reshape(*result.shape, *[1] * (len(whole) - lead))
        for place, dim in enumerate(whole):
            after = len(whole) - 1 - place + (width if place < lead else 0)
            result = result + (np.arange(shape[dim]) * steps[dim]).reshape(-1, *[1] * after)
        return result

    def repeats(self, shape: tuple[int, ...], indices: Sequence[Array]) -> bool:
        """Whether some element of an array of `shape` is picked twice."""
        if self.picks_once(indices):
            return False
        offsets = np.sort(self.offsets(shape, indices)[0], axis=None)
        return bool((offsets[1:] == offsets[:-1]).any())

    def accumulate(self, out: Array, value: Value, indices: Sequence[Array]) -> None:
        """out[key] += value, adding up where an element is picked more than once."""
        if self.picks_once(indices):
            out[self.key(indices)] += value
        elif out.flags.c_contiguous:
            # `np.add.at` has a fast path for one dimension: 5 times as fast on rows of 64.
            where = self.positions(out.shape, indices)
            np.add.at(
                out.reshape(-1), where.reshape(-1), np.broadcast_to(value, where.shape).reshape(-1)
            )
        else:
            np.add.at(out, self.key(indices), value)


class IndexArrays(Arrays):
    """z = x[key]        grad_x = 0, with grad added at key"""

    __slots__ = ("input_shape",)

    def forward(self, x: Array, *indices: Array) -> Array:
        self.input_shape = x.shape
        if len(indices) == 1 and indices[0].dtype != np.bool_:
            return x.take(indices[0], axis=len(self.layout) - 1)  # Twice as fast as x[key].
        return x[self.key(indices)]  # type: ignore[no-any-return]

    def grad_x(self, grad: Value, *indices: Value) -> Value:
        return run(PlaceArrays(self.layout, self.input_shape, self.unique), grad, *indices)


class PlaceArrays(Arrays):
    """z = 0, with x added to z[key]        grad_x = grad[key]"""

    __slots__ = ("to",)

    def __init__(self, layout: tuple[bool, ...], to: tuple[int, ...], unique: bool = False) -> None:
        super().__init__(layout, unique)
        self.to = to

    def forward(self, x: Array, *indices: Array) -> Array:
        out = np.zeros(self.to, x.dtype)
        if self.picks_once(indices):
            out[self.key(indices)] = x
        else:
            self.accumulate(out, x, indices)
        return out

    def grad_x(self, grad: Value, *indices: Value) -> Value:
        return run(IndexArrays(self.layout, self.unique), grad, *indices)


class WriteArrays(Arrays):
    """What writing operations share: they write into a copy of x, or `in_place`."""

    __slots__ = ("in_place", "value_ndim")
    values = 2

    def __init__(
        self, layout: tuple[bool, ...], in_place: bool = False, unique: bool = False
    ) -> None:
        super().__init__(layout, unique)
        self.in_place = in_place

    def target(self, x: Array, value: Value) -> Array:
        self.value_ndim = np.ndim(value)
        return x if self.in_place else np.array(x)

    def taken(self, grad: Value, indices: Sequence[Value]) -> Value:
        """The gradient of what was written: grad[key]."""
        return _with_ndim(
            run(IndexArrays(self.layout, self.unique), grad, *indices), self.value_ndim
        )


class AddArrays(WriteArrays):
    """z = x, with value added to z[key]        grad_x = grad        grad_value = grad[key]"""

    __slots__ = ()

    def forward(self, x: Array, value: Value, *indices: Array) -> Array:
        out = self.target(x, value)
        self.accumulate(out, value, indices)
        return out

    def grad_x(self, grad: Value, *indices: Value) -> Value:
        return grad

    def grad_value(self, grad: Value, *indices: Value) -> Value:
        return self.taken(grad, indices)


class SetArrays(WriteArrays):
    """z = x, but z[key] = value        grad_x = grad, but 0 at key        grad_value = grad[key]

    Of several values for one element the last one stays, and it alone has a gradient.
    """

    __slots__ = ()

    def forward(self, x: Array, value: Value, *indices: Array) -> Array:
        out = self.target(x, value)
        while np.ndim(value) > 1 and value.shape[0] == 1:
            value = value[0]  # A single mask takes no more dimensions than it picks elements from.
        if np.size(value) > 1 and self.repeats(out.shape, indices):
            # In one dimension the last is the last; in several NumPy's order follows the memory.
            where = self.positions(out.shape, indices)
            value = np.broadcast_to(value, where.shape).reshape(-1)
            out[np.unravel_index(where.reshape(-1), out.shape)] = value
        else:
            out[self.key(indices)] = value
        return out

    def grad_x(self, grad: Value, *indices: Value) -> Value:
        return run(SetArrays(self.layout), grad, 0, *indices)

    def grad_value(self, grad: Value, *indices: Value) -> Value:
        arrays = [index.array if isinstance(index, TensorBase) else index for index in indices]
        if self.repeats(grad.shape, arrays):
            where = self.positions(grad.shape, arrays)
            number = np.arange(where.size)
            owner = np.empty(math.prod(grad.shape), np.intp)
            owner[where.reshape(-1)] = number
            stays = (owner[where.reshape(-1)] == number).reshape(where.shape)
            taken = run(IndexArrays(self.layout), grad, *indices)
            return _with_ndim(np.where(stays, taken, 0), self.value_ndim)
        return self.taken(grad, indices)


def _with_ndim(grad: Value, ndim: int) -> Value:
    """Give a gradient the dimensions of size 1 that the written value has before its own."""
    missing = ndim - len(grad.shape)
    return grad.reshape((1,) * missing + grad.shape) if missing > 0 else grad


# From what stands between the brackets to the two steps.


def _as_index(item: Any) -> Any:
    """One item of an index: None, `...`, a bool, an int, a checked slice, positions or a mask."""
    kind = type(item)
    if item is None or item is Ellipsis or kind is int or kind is bool:
        return item
    if kind is slice:
        return _as_slice(item)
    if isinstance(item, np.bool_):
        return bool(item)
    array = item.array if isinstance(item, TensorBase) else item
    if not isinstance(array, np.ndarray):
        if hasattr(item, "__index__"):
            return operator.index(item)
        if not isinstance(item, (list, tuple, range)):
            raise IndexError(
                "Only integers, slices, `...`, None, and integer or boolean tensors, arrays and "
                "lists are "
                f"indices; got {kind.__name__}."
            )
        array = item = np.asarray(item)
        if array.size == 0:
            return array.astype(np.intp)
    dtype = array.dtype
    if dtype == np.uint8 and array.ndim:
        warnings.warn(
            "An index of type uint8 is taken for a mask, as in PyTorch, which deprecates it: write "
            "`index.bool()` for a mask or `index.long()` for positions.",
            UserWarning,
            stacklevel=4,
        )
        return array.astype(np.bool_)
    # PyTorch refuses int16 and int8 tensors; arrays and lists may be of any integer type.
    if dtype.kind not in "biu" or (isinstance(item, TensorBase) and dtype in (np.int8, np.int16)):
        raise IndexError(
            f"Tensors used as indices must be long, int, byte or bool tensors; got {dtype}. "
            "Convert first, for example `index.long()`."
        )
    if array.ndim == 0:
        return array.item()
    return item


def _as_slice(item: slice) -> slice:
    """The slice, with plain integers (a tensor in it may change later), and a positive step."""
    start, stop, step = (
        bound if bound is None or type(bound) is int else operator.index(bound)
        for bound in (item.start, item.stop, item.step)
    )
    if step is not None and step <= 0:
        raise ValueError(
            f"The step of a slice must be greater than zero; got {step}. Use `x.flip(dim)`."
        )
    return slice(start, stop, step)


def _plain_key(items: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """The fast path: the key of a view, if there are but plain integers, slices, None, `...`."""
    dots = False
    for item in items:
        kind = type(item)
        if kind is slice:
            start, stop, step = item.start, item.stop, item.step
            if not (
                step is None
                and (start is None or type(start) is int)
                and (stop is None or type(stop) is int)
            ):
                return None
        elif item is Ellipsis:
            dots = True
        elif kind is not int and item is not None:
            return None
    # With `...`, NumPy answers with an array, a view, where it would answer with a number.
    return items if dots else (*items, ...)


def _steps(
    index: tuple[Any, ...], ndim: int
) -> tuple[tuple[Any, ...] | None, tuple[bool, ...], list[Any]]:
    """The key of a view, None for the whole tensor; then the layout and the arrays that pick."""
    items = [_as_index(item) for item in index]
    used = 0  # dimensions
    for item in items:
        if isinstance(item, (np.ndarray, TensorBase)):
            used += len(item.shape) if item.dtype == np.bool_ else 1
        elif item is not None and item is not Ellipsis and type(item) is not bool:
            used += 1
    if used > ndim:
        raise IndexError(f"too many indices for a tensor of dimension {ndim}: got {used}")
    if sum(item is Ellipsis for item in items) > 1:
        raise IndexError("an index can have only one `...`")
    basic: list[Any] = []
    layout: list[bool] = []
    arrays: list[Any] = []
    for item in items:
        if isinstance(item, (np.ndarray, TensorBase)):
            basic += [WHOLE] * (len(item.shape) if item.dtype == np.bool_ else 1)
            layout.append(True)
            arrays.append(item)
        elif type(item) is bool:
            basic.append(None)
            layout.append(True)
            arrays.append(np.zeros(int(item), np.intp))
        elif item is Ellipsis:
            basic += [WHOLE] * (ndim - used)
            layout += [False] * (ndim - used)
        else:
            basic.append(item)
            if type(item) is not int:
                layout.append(False)
    while layout and not layout[-1]:
        layout.pop()
    if arrays and all(type(item) is slice and item == WHOLE for item in basic):
        return None, tuple(layout), arrays
    return (*basic, ...), tuple(layout), arrays


def plan_index(input: TensorBase, items: tuple[Any, ...]) -> tuple[tuple[bool, ...], list[Any]]:
    """Layout and arrays of an index that consists of arrays and whole dimensions."""
    _, layout, arrays = _steps(items, input.array.ndim)
    return layout, _protected(arrays, True)


def _protected(arrays: list[Any], recording: bool) -> list[Any]:
    """Index arrays that nobody else can change; tensors have a version for that."""
    return [
        index.copy() if recording and isinstance(index, np.ndarray) else index for index in arrays
    ]


def _explained(error: IndexError, input: TensorBase) -> IndexError:
    """NumPy's complaint in PyTorch's words, with the shape."""
    if not input.shape:
        return IndexError("A 0-dimensional tensor has nothing to index; its number is `x.item()`.")
    text = (
        str(error)
        .replace("axis", "dimension")
        .replace("for array: array is", "for a tensor that is")
    )
    return IndexError(f"{text.rstrip('.')} (the tensor has shape {input.shape}).")


def getitem(input: Tensor, index: Any) -> Tensor:
    """x[index]: a part of a tensor. PyTorch: `Tensor.__getitem__`.

    Integers, slices with positive steps, None and `...` make a view, which shares memory with x.
    Boolean masks, integer tensors, arrays and lists pick elements into a new tensor; where one is
    picked more than once, its gradients add up. Raises IndexError for indices out of range, too
    many of them, or of another type; ValueError for a negative step.

    >>> x = tg.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    >>> x[:, 1]
    tensor([2., 5.])
    >>> x[x > 2.5]
    tensor([3., 4., 5., 6.])
    >>> x[0, [2, 2, 0]]
    tensor([3., 3., 1.])
    """
    items = index if type(index) is tuple else (index,)
    try:
        key = _plain_key(items)
        if key is not None:
            return apply(Index(key), input)
        key, layout, arrays = _steps(items, input.array.ndim)
        part = input if key is None else apply(Index(key), input)
        if not arrays:
            return part
        recording = part.edge is not None and MODE.get().grad
        return apply(IndexArrays(layout), part, *_protected(arrays, recording))
    except IndexError as error:
        raise _explained(error, input) from None


# Writing.


class Assign(Operation):
    """x = value, in place        grad_x = 0        grad_value = grad"""

    __slots__ = ("value_ndim",)

    def forward(self, x: Array, value: Value) -> Array:
        self.value_ndim = np.ndim(value)
        x[...] = value
        return x

    def grad_x(self, grad: Value) -> Value:
        return nothing(grad)

    def grad_value(self, grad: Value) -> Value:
        return _with_ndim(grad, self.value_ndim)


def _is_recorded(tensor: TensorBase, others: Iterable[Any]) -> bool:
    """Whether the graph has to know of a change of this tensor."""
    if not MODE.get().grad:
        return False
    base = tensor if tensor.view_of is None else tensor.view_of.base
    if base.edge is not None:
        return True
    return tensor.dtype.kind == "f" and any(
        isinstance(other, TensorBase) and other.edge is not None for other in others
    )


@quiet
def write(tensor: TensorBase, operation: Operation, *others: Any, name: str) -> None:
    """Run an operation that writes into its first input, and make that its result."""
    check_writable(tensor, name)
    recorded = _is_recorded(tensor, others)
    target: Any = tensor
    given = others
    if not recorded:
        target = wrap(tensor.array)
        others = tuple(
            wrap(other.array) if isinstance(other, TensorBase) else other for other in others
        )
    elif tensor.view_of is not None:
        if type(operation) is Assign:
            target = wrap(
                tensor.array
            )  # The base knows by itself that its old values have no gradient.
        else:
            attach(tensor)
    result = apply(operation, target, *others)
    tensor.version[0] += 1
    if recorded:
        rebind(tensor, result.node)
    else:
        note_write(tensor, *given)


def _as_value(value: Any) -> Any:
    """What may be written: tensors, numbers, arrays, and sequences of numbers."""
    if isinstance(value, (TensorBase, np.ndarray, bool, int, float, np.generic)):
        return value
    if isinstance(value, (list, tuple)):
        return np.asarray(value)
    raise TypeError(
        f"A {type(value).__name__} cannot be written into a tensor: use a tensor or a number."
    )


def setitem(input: Tensor, index: Any, value: Tensor | float) -> None:
    """x[index] = value, in place; the value is broadcast and cast to x's type.

    Recorded: the replaced elements have no gradient, the value gets that of its elements. Where an
    index names an element several times, the last value stays. Raises RuntimeError for a leaf that
    requires grad while operations are recorded and for shapes that do not fit, and what `getitem`
    raises. PyTorch: `Tensor.__setitem__`.

    >>> x = tg.zeros(2, 3)
    >>> x[:, 1] = tg.tensor([5.0, 6.0])
    >>> x[x == 0] = -1
    >>> x
    tensor([[-1.,  5., -1.],
            [-1.,  6., -1.]])
    """
    value = _as_value(value)
    items = index if type(index) is tuple else (index,)
    arrays: list[Any] = []
    try:
        key = _plain_key(items)
        if key is None:
            key, layout, arrays = _steps(items, input.array.ndim)
        if arrays:
            part = input if key is None else apply(Index(key), input)
            write(
                part,
                SetArrays(layout, in_place=True),
                value,
                *_protected(arrays, True),
                name=_SETITEM,
            )
        elif _is_recorded(input, (value,)):
            with switched(grad=False):  # Assign does not look at what the view was before.
                part = apply(Index(key), input)
            write(part, Assign(), value, name=_SETITEM)
        else:
            check_writable(input, _SETITEM)
            _store(input.array[key], value)
            input.version[0] += 1
            if isinstance(value, TensorBase) and (value.cuts or value.edge is not None):
                note_write(input, value)
    except IndexError as error:
        raise _explained(error, input) from None


_SETITEM = "x[...] = value"


@quiet
def _store(part: Array, value: Any) -> None:
    """`part[...] = value` in nobody's graph: twice as fast as by an operation."""
    try:
        part[...] = value.array if isinstance(value, TensorBase) else value
    except (ValueError, OverflowError) as error:
        raise RuntimeError(f"{_SETITEM}: {error}.") from None


def index_along(input: Tensor, dim: int, positions: Array) -> Tensor:
    """The slices of x along `dim` at positions that an operation has made itself."""
    return apply(IndexArrays((False,) * dim + (True,)), input, positions)


def zero_(input: Tensor) -> Tensor:
    """Set every element to 0. PyTorch: `Tensor.zero_`.

    Raises RuntimeError for a leaf that requires grad while operations are recorded.

    >>> tg.ones(2).zero_()
    tensor([0., 0.])
    """
    check_tensor("zero_", input)
    write(input, Assign(), 0, name="zero_")
    return input


def fill_(input: Tensor, value: Tensor | float) -> Tensor:
    """Set every element to one number, or to a 0-dimensional tensor, which then gets a gradient.

    Raises RuntimeError for a tensor with dimensions, and for a leaf that requires grad while
    operations are recorded. PyTorch: `Tensor.fill_`.

    >>> tg.zeros(2).fill_(7)
    tensor([7., 7.])
    """
    number = _as_value(value)
    if np.ndim(number.array if isinstance(number, TensorBase) else number):
        raise RuntimeError(
            f"fill_: the value is a number or a 0-dimensional tensor; got shape {number.shape}. "
            "`x.copy_(...)` takes other shapes."
        )
    write(input, Assign(), number, name="fill_")
    return input


def fill(input: Tensor, value: Tensor | float) -> Tensor:
    """A tensor like x with one number everywhere; a 0-dimensional tensor gets a gradient.

    PyTorch: `torch.fill`.

    >>> tg.fill(tg.zeros(2), 7)
    tensor([7., 7.])
    """
    check_tensor("fill", input)
    return fill_(wrap(np.empty_like(input.array)), value)


def copy_(input: Tensor, src: Tensor, non_blocking: bool = False) -> Tensor:
    """Write the values of `src`, broadcast and cast, into this tensor; gradients flow to `src`.

    Raises RuntimeError if the shapes do not fit, and for a leaf that requires grad while operations
    are recorded. PyTorch: `Tensor.copy_`.

    >>> tg.zeros(2, 2).copy_(tg.tensor([1, 2]))
    tensor([[1., 2.],
            [1., 2.]])
    """
    write(input, Assign(), _as_value(src), name="copy_")
    return input
