"""Sums over products of tensors with named dimensions: einsum and its relatives.

Whatever is asked for becomes contractions of two tensors that have no label twice: diagonals are
taken, labels that nothing else needs are summed over, dimensions of size 1 that stand beside larger
ones are dropped. Such a contraction is one product of (batches of) matrices, and so are its
gradients: the same contraction with the operands in other places.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ..autograd.graph import Array, Operation, TensorBase, Value, apply, run
from . import reductions, shape
from .arguments import check_tensor
from .diagonals import diagonal
from .dims import normalize_dim

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["contract", "dense", "einsum", "same_types", "tensordot"]

Labels: TypeAlias = tuple[Hashable, ...]


def dense(x: Array) -> Array:
    """`x`, copied if it is a broadcast view: NumPy before 2.3 multiplies those 150 times slower."""
    return np.ascontiguousarray(x) if 0 in x.strides else x


class Einsum(Operation):
    """z = Σ x y over the labels that z does not have        grad_x = Σ grad y, grad_y = Σ grad x"""

    __slots__ = ("of_x", "of_y", "of_z")

    def __init__(self, of_x: Labels, of_y: Labels, of_z: Labels) -> None:
        self.of_x = of_x
        self.of_y = of_y
        self.of_z = of_z

    def forward(self, x: Array, y: Array) -> Array:
        left = [label for label in self.of_z if label not in self.of_y]
        right = [label for label in self.of_z if label not in self.of_x]
        if left and right and self.of_z.index(right[0]) < self.of_z.index(left[0]):
            # The other order saves transposing the result.
            return Einsum(self.of_y, self.of_x, self.of_z).forward(y, x)
        batch = [label for label in self.of_z if label in self.of_x and label in self.of_y]
        summed = [label for label in self.of_x if label not in self.of_z]
        size = dict(zip(self.of_x + self.of_y, x.shape + y.shape, strict=True))

        def matrices(array: Array, labels: Labels, rows: Labels, columns: Labels) -> Array:
            order = [labels.index(label) for label in (*batch, *rows, *columns)]
            sides = [math.prod(size[label] for label in side) for side in (rows, columns)]
            return array.transpose(order).reshape(*(size[label] for label in batch), *sides)

        first = matrices(x, self.of_x, tuple(left), tuple(summed))
        second = matrices(y, self.of_y, tuple(summed), tuple(right))
        product = dense(first) @ dense(second) if summed else first * second
        found = [*batch, *left, *right]
        product = product.reshape([size[label] for label in found])
        return product.transpose([found.index(label) for label in self.of_z])

    def grad_x(self, grad: Value, y: Value) -> Value:
        return run(Einsum(self.of_z, self.of_y, self.of_x), grad, y)

    def grad_y(self, grad: Value, x: Value) -> Value:
        return run(Einsum(self.of_z, self.of_x, self.of_y), grad, x)


def same_types(tensors: Sequence[TensorBase], name: str) -> None:
    """Raise RuntimeError unless all are of one type, a type of numbers."""
    dtype = tensors[0].array.dtype
    for other in tensors:
        if other.array.dtype != dtype:
            raise RuntimeError(
                f"{name}: expected both to have the same dtype, but got {dtype} and {other.dtype}. "
                f"Convert one of them, for example `y.to(tg.{dtype})`."
            )
    if dtype.kind == "b":
        raise RuntimeError(
            f"{name}: not implemented for booleans; convert them: `x.int()`, `x.float()`."
        )


def contract(terms: Sequence[Labels], operands: Sequence[Tensor], out: Labels) -> Tensor:
    """Σ of the products of the operands over the labels that are not in `out`.

    A label has one size, or size 1 in some operands.
    """
    sizes: dict[Hashable, int] = {}
    for term, x in zip(terms, operands, strict=True):
        for label, size in zip(term, x.shape, strict=True):
            if sizes.get(label, 1) == 1:
                sizes[label] = size
    simple = [_simplified(term, x, sizes) for term, x in zip(terms, operands, strict=True)]
    count: dict[Hashable, int] = {}
    for term, _ in simple:
        for label in term:
            count[label] = count.get(label, 0) + 1
    alone = {label for label in count if count[label] == 1 and label not in out}
    pending = [_summed(term, x, alone) for term, x in simple]
    for step in _path([term for term, _ in pending], sizes, out):
        chosen = [pending[index] for index in step]
        pending = [pair for index, pair in enumerate(pending) if index not in step]
        while len(chosen) > 1:
            (of_x, x), (of_y, y) = chosen[:2]
            needed = {label for term, _ in chosen[2:] + pending for label in term}
            needed |= set(out)
            of_z = tuple(label for label in dict.fromkeys(of_x + of_y) if label in needed)
            if set(of_z) == set(out):
                of_z = out
            chosen[:2] = [(of_z, apply(Einsum(of_x, of_y, of_z), x, y))]
        pending += chosen
    ((term, result),) = pending
    if term == out and len(operands) > 1:
        return result
    return shape.permute(result, tuple(term.index(label) for label in out))


def _summed(term: Labels, x: Tensor, alone: set[Hashable]) -> tuple[Labels, Tensor]:
    """Without the labels that occur in no other operand and not in the result."""
    places = [place for place, label in enumerate(term) if label in alone]
    if not places:
        return term, x
    return tuple(label for label in term if label not in alone), reductions.sum(x, places)


def _simplified(term: Labels, x: Tensor, sizes: dict[Hashable, int]) -> tuple[Labels, Tensor]:
    """The diagonal where a label is repeated, and no size 1 where the label is larger elsewhere."""
    for label in dict.fromkeys(term):
        while term.count(label) > 1:
            first = term.index(label)
            second = term.index(label, first + 1)
            x = diagonal(x, 0, first, second)
            rest = [other for i, other in enumerate(term) if i not in (first, second)]
            term = (*rest, label)
    stays = [i for i, label in enumerate(term) if x.shape[i] == sizes[label]]
    if len(stays) < len(term):
        x = shape.reshape(x, tuple(x.shape[i] for i in stays))
        term = tuple(term[i] for i in stays)
    return term, x


def _path(terms: list[Labels], sizes: dict[Hashable, int], out: Labels) -> list[tuple[int, ...]]:
    """Which operands to contract in each step; the result goes to the end of the list."""
    if len(terms) < 3:
        return [tuple(range(len(terms)))]
    number = {label: index for index, label in enumerate(sizes)}
    arguments: list[Any] = []
    for term in terms:
        arguments += [np.broadcast_to(np.float32(0), [sizes[label] for label in term])]
        arguments += [[number[label] for label in term]]
    path = np.einsum_path(*arguments, [number[label] for label in out], optimize="greedy")[0]
    return [tuple(sorted(step)) for step in path[1:]]


# Equations.

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _labels(text: str, ndim: int | None, covered: int, place: str) -> Labels:
    """The labels of one term; dimensions under an ellipsis are -1, -2, ... from the right."""
    if text.count("...") > 1 or "." in text.replace("...", "", 1):
        raise RuntimeError(f"einsum(): {place} is {text!r}; '.' stands only in one ellipsis '...'.")
    head, dots, tail = text.partition("...")
    for letter in head + tail:
        if letter not in _LETTERS:
            raise RuntimeError(
                f"einsum(): invalid subscript {letter!r} in {text!r} for {place}; subscripts must "
                "be in [a-zA-Z]."
            )
    if ndim is not None:
        covered = ndim - len(head + tail)
        if covered < 0 or (covered and not dots):
            hint = "" if dots else " and no ellipsis was given"
            raise RuntimeError(
                f"einsum(): the number of subscripts in {text!r} ({len(head + tail)}) does not "
                f"match the number of dimensions ({ndim}) for {place}{hint}."
            )
    return (*head, *(range(-covered, 0) if dots else ()), *tail)


def _parsed(equation: str, operands: Sequence[Tensor]) -> tuple[list[Labels], Labels]:
    """The labels of each operand and of the result."""
    inputs, arrow, output = equation.replace(" ", "").partition("->")
    texts = inputs.split(",")
    if len(texts) != len(operands):
        which = "more" if len(operands) > len(texts) else "fewer"
        raise RuntimeError(
            f"einsum(): {which} operands were provided than specified in the equation: "
            f"{len(operands)} for {len(texts)} terms in {equation!r}."
        )
    terms = [
        _labels(text, x.array.ndim, 0, f"operand {index}")
        for index, (text, x) in enumerate(zip(texts, operands, strict=True))
    ]
    _check_sizes(terms, operands)
    every = [label for term in terms for label in term]
    covered = sorted({label for label in every if isinstance(label, int)})
    if not arrow:
        once = {label for label in every if isinstance(label, str) and every.count(label) == 1}
        return terms, (*covered, *sorted(once))
    out = _labels(output, None, len(covered), "the output")
    for label in out:
        if label not in every:
            raise RuntimeError(
                f"einsum(): output subscript {label} does not appear in the equation for any input "
                f"operand: {equation!r}."
            )
        if out.count(label) > 1:
            raise RuntimeError(
                f"einsum(): output subscript {label} appears more than once in the output of "
                f"{equation!r}."
            )
    return terms, out


def _check_sizes(terms: Sequence[Labels], operands: Sequence[Tensor]) -> None:
    """A label has one size; between operands, size 1 fits any."""
    sizes: dict[Hashable, int] = {}
    for index, (term, x) in enumerate(zip(terms, operands, strict=True)):
        own: dict[Hashable, int] = {}
        for label, size in zip(term, x.shape, strict=True):
            if own.setdefault(label, size) != size:
                raise RuntimeError(
                    f"einsum(): subscript {label} is repeated for operand {index} but the sizes "
                    f"don't match, {size} != {own[label]}."
                )
            seen = sizes.get(label, 1)
            if seen not in (1, size) and size != 1:
                what = "ellipsis dimension" if isinstance(label, int) else "subscript"
                raise RuntimeError(
                    f"einsum(): {what} {label} has size {size} for operand {index} which does not "
                    f"broadcast with previously seen size {seen}."
                )
            sizes[label] = size if seen == 1 else seen


def _from_sublists(arguments: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """`x, [0, 1], y, [1, 2], [0, 2]` as an equation and its operands."""

    def text(labels: Any) -> str:
        try:
            return "".join("..." if label is ... else _LETTERS[label] for label in labels)
        except (TypeError, IndexError):
            raise RuntimeError(
                "einsum(): a list of subscripts holds integers from 0 to 51 and `...`; got "
                f"{labels}."
            ) from None

    count = len(arguments) // 2
    terms = ",".join(text(labels) for labels in arguments[1 : 2 * count : 2])
    out = "->" + text(arguments[-1]) if len(arguments) % 2 else ""
    return terms + out, arguments[: 2 * count : 2]


def einsum(equation: str | Any, *operands: Any) -> Tensor:
    """The sum over products that an equation describes: "ij,jk->ik" is a matrix product.

    Each operand has a letter for every dimension. Elements with the same letters are multiplied and
    summed over the letters that are not in the output. Without "->", the output has the letters
    that occur once, in alphabetical order. A letter twice in one term means the diagonal. "..."
    covers all further dimensions, which are broadcast, as are sizes of 1. The operands may be one
    list; lists of integers instead of letters work, too: `einsum(x, [0, 1], y, [1, 2], [0, 2])`.
    More than two operands are contracted in pairs, in a good order. PyTorch: `torch.einsum`.
    Raises RuntimeError for an equation that is wrong or does not fit the operands, and if their
    types differ; ValueError without operands; TypeError for an operand that is not a tensor.

    >>> x = tg.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> tg.einsum("ij,j->i", x, tg.tensor([1.0, 10.0]))
    tensor([21., 43.])
    >>> tg.einsum("ii", x), tg.einsum("ij->j", x)
    (tensor(5.), tensor([4., 6.]))
    """
    if not isinstance(equation, str):
        equation, operands = _from_sublists((equation, *operands))
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    if not operands:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand: "
            '`tg.einsum("ij,jk->ik", x, y)`.'
        )
    for index, x in enumerate(operands):
        if not isinstance(x, TensorBase):
            raise TypeError(f"einsum(): operand {index} is not a tensor, but {type(x).__name__}.")
    same_types(operands, "einsum()")
    terms, out = _parsed(equation, operands)
    return contract(terms, operands, out)


def tensordot(input: Tensor, other: Tensor, dims: Any = 2) -> Tensor:
    """The sum over products along pairs of dimensions. PyTorch: `torch.tensordot`.

    `dims` is a number n, for the last n dimensions of x and the first n of y in this order, or two
    lists of dimensions, one for each tensor. The result has the other dimensions of x, then of y.
    Raises RuntimeError if sizes or types differ or the lists do not fit, IndexError for a dimension
    out of range.

    >>> x = tg.ones(2, 3, 4)
    >>> tg.tensordot(x, tg.ones(3, 4, 5)).shape
    (2, 5)
    >>> tg.tensordot(x, tg.ones(5, 2), dims=([0], [1])).shape
    (3, 4, 5)
    """
    check_tensor("tensordot", input)
    left, right = input.array.ndim, other.array.ndim
    if isinstance(dims, TensorBase):
        dims = dims.array.tolist()
    if isinstance(dims, int):
        if not 0 <= dims <= left or dims > right:
            raise RuntimeError(
                f"tensordot expects 0 <= dims <= the numbers of dimensions, {left} and {right}; "
                f"got dims={dims}."
            )
        dims = (range(left - dims, left), range(dims))
    pairs = [[d] if isinstance(d, int) else list(d) for d in dims]
    of_x = [normalize_dim(d, left) for d in pairs[0]]
    of_y = [normalize_dim(d, right) for d in pairs[-1]]
    if len(pairs) != 2 or len(of_x) != len(of_y):
        raise RuntimeError(f"tensordot: both dimension lists should have same length; got {dims}.")
    if len(set(of_x)) < len(of_x) or len(set(of_y)) < len(of_y):
        raise RuntimeError(f"tensordot: a dim appears multiple times in {dims}.")
    for i, j in zip(of_x, of_y, strict=True):
        sizes = input.shape[i], other.shape[j]
        if sizes[0] != sizes[1] and 1 not in sizes:
            raise RuntimeError(
                f"tensordot: contracted dimensions need to match, but first has size {sizes[0]} in "
                f"dim {i} and second has size {sizes[1]} in dim {j}."
            )
    same_types((input, other), "tensordot")
    labels = [*range(left, left + right)]
    for i, j in zip(of_x, of_y, strict=True):
        labels[j] = i
    out = [i for i in range(left) if i not in of_x] + [i for i in labels if i >= left]
    return contract([tuple(range(left)), tuple(labels)], (input, other), tuple(out))
