"""Batches of sequences of several lengths: padded, or packed. PyTorch: `torch.nn.utils.rnn`.

Padded, a batch is an array (T, N, ...) in which short sequences are filled up. Packed, it is one
array with the rows of the first step of all sequences, then those of the second step of all that
are so long, and so on: nothing is computed for the filling.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from ...autograd.graph import Array, apply, wrap
from ...ops.joining import cat
from ...ops.packed_sequences import PackRows, PadRows
from ...tensor import Tensor

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class _Packed(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Packed):
    """Sequences of several lengths without filling, as recurrent layers take and return them.

    `data` has the rows of all sequences step by step, `batch_sizes` the number of sequences that
    take part in each step. The longest sequence comes first; `sorted_indices` says where each one
    stood before, `unsorted_indices` leads back. Made by `pack_sequence` or `pack_padded_sequence`,
    not by hand. PyTorch: `torch.nn.utils.rnn.PackedSequence`.

    >>> packed = nn.utils.rnn.pack_sequence([tg.tensor([1, 2, 3]), tg.tensor([4])])
    >>> packed.data, packed.batch_sizes
    (tensor([1, 4, 2, 3]), tensor([2, 1, 1]))
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Tensor,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> Self:
        if batch_sizes is None:
            if not isinstance(data, (tuple, list)) or len(data) != 2:
                raise AssertionError(
                    "A PackedSequence is made by pack_sequence or pack_padded_sequence. By hand, "
                    "it takes data and batch_sizes, or a pair of both."
                )
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """The data converted as by `Tensor.to`; itself if it has that type already."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        return type(self)(data, self.batch_sizes, self.sorted_indices, self.unsorted_indices)

    def cpu(self) -> Self:
        """This sequence: it is on the CPU already."""
        return self

    def double(self) -> Self:
        """The data as float64."""
        return self.to(np.float64)

    def float(self) -> Self:
        """The data as float32."""
        return self.to(np.float32)

    def half(self) -> Self:
        """The data as float16."""
        return self.to(np.float16)

    def long(self) -> Self:
        """The data as int64."""
        return self.to(np.int64)

    def int(self) -> Self:
        """The data as int32."""
        return self.to(np.int32)

    def short(self) -> Self:
        """The data as int16."""
        return self.to(np.int16)

    def char(self) -> Self:
        """The data as int8."""
        return self.to(np.int8)

    def byte(self) -> Self:
        """The data as uint8."""
        return self.to(np.uint8)

    @property
    def is_cuda(self) -> bool:
        """False: tensors are on the CPU."""
        return False

    def is_pinned(self) -> bool:
        """False: there is no memory of a device to copy to."""
        return False


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes this one; None for None.

    PyTorch: `torch.nn.utils.rnn.invert_permutation`.

    >>> nn.utils.rnn.invert_permutation(tg.tensor([2, 0, 1]))
    tensor([1, 2, 0])
    """
    if permutation is None:
        return None
    inverse = np.empty_like(permutation.array)
    inverse[permutation.array] = np.arange(len(inverse))
    return wrap(inverse)


def _lengths(lengths: Tensor | Sequence[int]) -> Array:
    """Lengths as an array of integers."""
    array = lengths.array if isinstance(lengths, Tensor) else np.asarray(lengths)
    if array.ndim != 1:
        raise RuntimeError(
            f"'lengths' has one number for each sequence, one dimension; got {array.ndim}."
        )
    if array.size and array.min() <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' "
            f"that is <= 0: {array.min()}. Leave empty sequences out."
        )
    return array.astype(np.int64)


def _order(lengths: Array, enforce_sorted: bool) -> Tensor | None:
    """The sequences by falling length, or None if they come so."""
    if not enforce_sorted:
        return wrap(np.argsort(-lengths, kind="stable"))
    if (np.diff(lengths) > 0).any():
        raise RuntimeError(
            "`lengths` must be sorted in decreasing order when `enforce_sorted` is True; got "
            f"{lengths.tolist()}. Pass enforce_sorted=False: then packing sorts the sequences, and "
            "unpacking brings back their order."
        )
    return None


def _steps(lengths: Array) -> tuple[Array, Array]:
    """For falling lengths: which sequence each packed row belongs to, and to which step."""
    time, sequence = np.nonzero(np.arange(lengths.max(initial=0))[:, None] < lengths)
    return sequence, time


def _batch_sizes(steps: Array) -> Tensor:
    """How many rows each step has."""
    return wrap(np.bincount(steps).astype(np.int64))


def pack_padded_sequence(
    input: Tensor,
    lengths: Tensor | Sequence[int],
    batch_first: bool = False,
    enforce_sorted: bool = True,
) -> PackedSequence:
    """Pack the first `lengths[n]` steps of each sequence n of a padded batch.

    Shapes: input (T, N, ...), or (N, T, ...) with `batch_first=True`. `enforce_sorted=True` wants
    the longest sequence first, and raises RuntimeError otherwise; False sorts them. Raises
    RuntimeError for lengths that are not positive, beyond T, or not N in number.
    PyTorch: `torch.nn.utils.rnn.pack_padded_sequence`.

    Unlike PyTorch, lengths beyond T are refused; PyTorch packs steps that are not there.

    >>> batch = tg.tensor([[1, 2, 0], [3, 0, 0], [4, 5, 6]])
    >>> packed = nn.utils.rnn.pack_padded_sequence(
    ...     batch, [2, 1, 3], batch_first=True, enforce_sorted=False
    ... )
    >>> packed.data, packed.batch_sizes, packed.sorted_indices
    (tensor([4, 1, 3, 5, 2, 6]), tensor([3, 2, 1]), tensor([2, 0, 1]))
    """
    if input.ndim < 2:
        raise IndexError(
            "pack_padded_sequence: the input has dimensions for time and batch, "
            f"{'(N, T, ...)' if batch_first else '(T, N, ...)'}; got {input.shape}."
        )
    array = _lengths(lengths)
    size, longest = input.shape[:2] if batch_first else input.shape[1::-1]
    if len(array) != size:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(array)} "
            f"(batch_size={size}, from an input of shape {input.shape} with "
            f"batch_first={batch_first})."
        )
    order = _order(array, enforce_sorted)
    if array.max(initial=0) > longest:
        raise RuntimeError(
            f"pack_padded_sequence: a length is {array.max()}, but the input of shape "
            f"{input.shape} has {longest} steps with batch_first={batch_first}."
        )
    sequence, step = _steps(array if order is None else array[order.array])
    place = sequence if order is None else order.array[sequence]
    rows = place * longest + step if batch_first else step * size + place
    return PackedSequence(apply(PackRows(rows, 2), input), _batch_sizes(step), order)


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """The padded batch of a packed one, in its old order, and the lengths of the sequences.

    Returns (T, N, ...), or (N, T, ...) with `batch_first=True`, and N integers. T is the greatest
    length, or `total_length`; ValueError if that is smaller.
    PyTorch: `torch.nn.utils.rnn.pad_packed_sequence`.

    >>> packed = nn.utils.rnn.pack_sequence([tg.tensor([1, 2, 3]), tg.tensor([4])])
    >>> nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)
    (tensor([[1, 2, 3],
            [4, 0, 0]]), tensor([3, 1]))
    """
    sizes = sequence.batch_sizes.array
    longest = len(sizes)
    if total_length is not None:
        if total_length < longest:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in "
                f"input, but got total_length={total_length} and max sequence length being "
                f"{longest}."
            )
        longest = total_length
    size = int(sizes[0]) if len(sizes) else 0
    lengths = (sizes[:, None] > np.arange(size)).sum(axis=0)
    place, step = _steps(lengths)
    if sequence.sorted_indices is not None:
        order = sequence.sorted_indices.array
        place = order[place]
        lengths = lengths[np.argsort(order)]
    rows, shape = (
        (place * longest + step, (size, longest))
        if batch_first
        else (step * size + place, (longest, size))
    )
    return apply(PadRows(rows, shape, padding_value), sequence.data), wrap(lengths.astype(np.int64))


def _joined(sequences: Any, name: str) -> tuple[Tensor, Array]:
    """The sequences one after the other, and their lengths."""
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"{name}: Expected iterable for input sequences, but got arg of type: "
            f"{type(sequences).__name__}."
        )
    tensors = tuple(sequences)
    if not tensors:
        raise RuntimeError(f"{name}: received an empty list of sequences.")
    for index, x in enumerate(tensors):
        if not isinstance(x, Tensor):
            raise TypeError(
                f"{name}: sequences are tensors; number {index} is {type(x).__name__}. Use "
                "tg.tensor(...)."
            )
        if x.ndim == 0 or x.shape[1:] != tensors[0].shape[1:]:
            raise RuntimeError(
                f"{name}: sequences have shapes (length, ...) that agree behind the length; number "
                f"0 has {tensors[0].shape}, number {index} has {x.shape}."
            )
    return cat(tensors), np.array([len(x) for x in tensors])


def pad_sequence(
    sequences: Tensor | Iterable[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Sequences (L_n, ...) as one padded batch (T, N, ...), T the greatest length.

    `batch_first=True` gives (N, T, ...); `padding_side="left"` fills up in front. Raises
    RuntimeError for no sequences, shapes that do not agree, or another side.
    PyTorch: `torch.nn.utils.rnn.pad_sequence`.

    >>> nn.utils.rnn.pad_sequence([tg.tensor([1, 2, 3]), tg.tensor([4])], batch_first=True)
    tensor([[1, 2, 3],
            [4, 0, 0]])
    """
    joined, lengths = _joined(sequences, "pad_sequence")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"padding_side is 'left' or 'right'; got {padding_side!r}.")
    longest, size = int(lengths.max()), len(lengths)
    sequence, step = np.nonzero(np.arange(longest) < lengths[:, None])
    if padding_side == "left":
        step = step + (longest - lengths)[sequence]
    if batch_first:
        return apply(PadRows(sequence * longest + step, (size, longest), padding_value), joined)
    return apply(PadRows(step * size + sequence, (longest, size), padding_value), joined)


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor | Sequence[int], batch_first: bool = False
) -> list[Tensor]:
    """The sequences of a padded batch, without the filling, as a list.

    PyTorch: `torch.nn.utils.rnn.unpad_sequence`.

    >>> nn.utils.rnn.unpad_sequence(tg.tensor([[1, 2, 3], [4, 0, 0]]), [3, 1], batch_first=True)
    [tensor([1, 2, 3]), tensor([4])]
    """
    batch = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    sizes = lengths.array if isinstance(lengths, Tensor) else lengths
    if len(sizes) != len(batch):
        raise ValueError(
            f"unpad_sequence: {len(sizes)} lengths for {len(batch)} sequences, in a batch of shape "
            f"{padded_sequences.shape} with batch_first={batch_first}."
        )
    return [sequence[: int(length)] for sequence, length in zip(batch, sizes, strict=True)]


def pack_sequence(sequences: Iterable[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences (L_n, ...) of several lengths.

    `enforce_sorted` and errors as in `pack_padded_sequence`.
    PyTorch: `torch.nn.utils.rnn.pack_sequence`.

    >>> nn.utils.rnn.pack_sequence([tg.tensor([1, 2, 3]), tg.tensor([4, 5])]).data
    tensor([1, 4, 2, 5, 3])
    """
    joined, found = _joined(sequences, "pack_sequence")
    lengths = _lengths(found.tolist())
    order = _order(lengths, enforce_sorted)
    starts = np.cumsum(lengths) - lengths
    if order is not None:
        lengths, starts = lengths[order.array], starts[order.array]
    sequence, step = _steps(lengths)
    data = apply(PackRows(starts[sequence] + step, 1), joined)
    return PackedSequence(data, _batch_sizes(step), order)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences of a packed batch as a list, in their old order.

    PyTorch: `torch.nn.utils.rnn.unpack_sequence`.

    >>> packed = nn.utils.rnn.pack_sequence([tg.tensor([1, 2, 3]), tg.tensor([4, 5])])
    >>> nn.utils.rnn.unpack_sequence(packed)
    [tensor([1, 2, 3]), tensor([4, 5])]
    """
    return unpad_sequence(*pad_packed_sequence(packed_sequences, batch_first=True), True)
