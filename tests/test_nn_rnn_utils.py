"""nn.utils.rnn: sequences of several lengths, padded and packed, and recurrent layers on them."""

import numpy as np
import pytest
from cases import Case, property_test
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
from tinygrad_edu.nn.utils import rnn
from tinygrad_edu.testing.strategies import arrays

OPTIONS = {"batch_first": st.booleans(), "padding_value": st.sampled_from([0.0, -1.5])}


@st.composite
def several(draw):
    """Sequences of several lengths."""
    rest = draw(st.sampled_from([(), (2,), (2, 1)]))
    lengths = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    return tuple(draw(arrays((length, *rest))) for length in lengths)


@st.composite
def padded(draw):
    """A padded batch and the lengths in it."""
    steps, size = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    rest = draw(st.sampled_from([(), (2,)]))
    lengths = draw(st.lists(st.integers(1, steps), min_size=size, max_size=size))
    batch_first = draw(st.booleans())
    lead = (size, steps) if batch_first else (steps, size)
    return draw(arrays((*lead, *rest))), np.array(lengths), np.array(batch_first)


def pad(*sequences, **options):
    return nn.utils.rnn.pad_sequence(sequences, **options)


def pad_by_hand(*sequences, batch_first=False, padding_value=0.0, padding_side="right"):
    longest = max(len(x) for x in sequences)
    result = np.full((len(sequences), longest, *sequences[0].shape[1:]), padding_value)
    for row, x in zip(result, sequences, strict=True):
        row[slice(longest - len(x), None) if padding_side == "left" else slice(len(x))] = x
    return result if batch_first else result.swapaxes(0, 1)


def there_and_back(*sequences, **options):
    packed = nn.utils.rnn.pack_sequence(sequences, False)
    return nn.utils.rnn.pad_packed_sequence(packed, **options)[0]


def packed_data(x, lengths, batch_first):
    return nn.utils.rnn.pack_padded_sequence(x, lengths, bool(batch_first), False).data


def packed_by_hand(x, lengths, batch_first):
    batch = x if batch_first else x.swapaxes(0, 1)
    order = np.argsort(-lengths, kind="stable")
    return np.array([batch[n, t] for t in range(lengths.max()) for n in order if t < lengths[n]])


CASES = [
    Case(
        "pad_sequence",
        pad,
        several(),
        reference=pad_by_hand,
        kwargs=st.fixed_dictionaries(
            {}, optional=OPTIONS | {"padding_side": st.sampled_from(["left", "right"])}
        ),
        options={"layouts": False},
    ),
    Case("pack_padded_sequence", packed_data, padded(), reference=packed_by_hand),
    Case(
        "pad_packed_sequence",
        there_and_back,
        several(),
        reference=pad_by_hand,
        kwargs=st.fixed_dictionaries({}, optional=OPTIONS),
        options={"layouts": False},
    ),
]
test_padding_and_packing = property_test(CASES)


@given(several())
def test_unpacking_undoes_packing(sequences):
    packed = rnn.pack_sequence([tg.tensor(x) for x in sequences], enforce_sorted=False)
    for before, after in zip(sequences, rnn.unpack_sequence(packed), strict=True):
        np.testing.assert_array_equal(after.numpy(), before)


def test_a_packed_sequence_says_how_it_was_sorted():
    packed = rnn.pack_sequence([tg.tensor([1]), tg.tensor([2, 3, 4]), tg.tensor([5, 6])], False)
    assert packed.data.tolist() == [2, 5, 1, 3, 6, 4]
    assert packed.batch_sizes.tolist() == [3, 2, 1]
    assert packed.sorted_indices.tolist() == [1, 2, 0]
    assert packed.unsorted_indices.tolist() == [2, 0, 1]
    batch, lengths = rnn.pad_packed_sequence(packed, total_length=4)
    assert batch.T.tolist() == [[1, 0, 0, 0], [2, 3, 4, 0], [5, 6, 0, 0]]
    assert lengths.tolist() == [1, 3, 2]
    assert lengths.dtype == tg.int64
    data, sizes, *indices = rnn.pack_sequence([tg.tensor([2, 3]), tg.tensor([1])])
    assert indices == [None, None]
    assert rnn.PackedSequence((data, sizes)).batch_sizes is sizes
    with pytest.raises(AssertionError, match="made by pack_sequence"):
        rnn.PackedSequence(data)


def test_a_packed_sequence_can_be_converted():
    packed = rnn.pack_sequence([tg.tensor([2, 3]), tg.tensor([1])], False)
    assert packed.long() is packed
    assert packed.cpu() is packed
    types = {"double": tg.float64, "float": tg.float32, "half": tg.float16, "int": tg.int32}
    types |= {"short": tg.int16, "char": tg.int8, "byte": tg.uint8}
    for name, dtype in types.items():
        assert getattr(packed, name)().data.dtype == dtype
    assert packed.double().batch_sizes is packed.batch_sizes
    assert not packed.is_cuda
    assert not packed.is_pinned()


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_packed_batch_is_computed_as_its_sequences_one_by_one(kind, bidirectional):
    network = getattr(nn, kind)(2, 3, 2, bidirectional=bidirectional).double()
    sequences = [tg.randn(length, 2, dtype=tg.float64) for length in (2, 4, 1, 4)]
    packed = rnn.pack_sequence(sequences, enforce_sorted=False)
    first = tg.randn(4 if bidirectional else 2, 4, 3, dtype=tg.float64)
    output, last = network(packed, (first, first) if kind == "LSTM" else first)
    assert isinstance(output, rnn.PackedSequence)
    assert output.sorted_indices is packed.sorted_indices
    states = last if kind == "LSTM" else (last,)
    for index, (x, found) in enumerate(zip(sequences, rnn.unpack_sequence(output), strict=True)):
        h = first[:, index]
        expected, alone = network(x, (h, h) if kind == "LSTM" else h)
        np.testing.assert_allclose(found.detach().numpy(), expected.detach().numpy(), rtol=1e-10)
        for state, other in zip(states, alone if kind == "LSTM" else (alone,), strict=True):
            np.testing.assert_allclose(
                state[:, index].detach().numpy(), other.detach().numpy(), rtol=1e-10
            )


def test_what_stands_beyond_a_length_gets_no_gradient():
    x = tg.randn(4, 2, 3, requires_grad=True)
    packed = rnn.pack_padded_sequence(x, [4, 2])
    output, _ = rnn.pad_packed_sequence(nn.GRU(3, 2)(packed)[0])
    output.sum().backward()
    assert not x.grad[2:, 1].any()
    assert x.grad[:, 0].all()


def test_a_permutation_is_inverted():
    assert rnn.invert_permutation(tg.tensor([2, 0, 1])).tolist() == [1, 2, 0]
    assert rnn.invert_permutation(None) is None


def x():
    return tg.ones(4, 3, 2)


def packed():
    return rnn.pack_sequence([tg.ones(3), tg.ones(1)])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: rnn.pack_padded_sequence(x(), [4, 3]), RuntimeError, r"batch_size, but got 2"),
        (lambda: rnn.pack_padded_sequence(x(), [4, 3, 0]), RuntimeError, "<= 0: 0"),
        (lambda: rnn.pack_padded_sequence(x(), [2, 3, 4]), RuntimeError, "sorted in decreasing"),
        (lambda: rnn.pack_padded_sequence(x(), [[2, 3, 4]]), RuntimeError, "one dimension; got 2"),
        (lambda: rnn.pack_padded_sequence(x(), [5, 3, 1]), RuntimeError, "a length is 5, but"),
        (lambda: rnn.pack_padded_sequence(x()[:, 0, 0], [4]), IndexError, r"got \(4,\)"),
        (lambda: rnn.pack_sequence([tg.ones(1), tg.ones(2)]), RuntimeError, "enforce_sorted=False"),
        (lambda: rnn.pad_sequence([]), RuntimeError, "empty list of sequences"),
        (lambda: rnn.pad_sequence(3), RuntimeError, "got arg of type: int"),
        (lambda: rnn.pad_sequence([[1.0]]), TypeError, "number 0 is list"),
        (
            lambda: rnn.pad_sequence([tg.ones(2, 3), tg.ones(2, 4)]),
            RuntimeError,
            r"number 1 has \(2, 4\)",
        ),
        (lambda: rnn.pad_sequence([tg.tensor(1.0)]), RuntimeError, r"shapes \(length, ...\)"),
        (lambda: rnn.pad_sequence([tg.ones(2)], padding_side="top"), RuntimeError, "got 'top'"),
        (lambda: rnn.pad_packed_sequence(packed(), total_length=2), ValueError, "total_length=2"),
        (lambda: rnn.unpad_sequence(tg.ones(3, 2), [3]), ValueError, "1 lengths for 2 sequences"),
        (
            lambda: nn.RNN(2, 3)(packed()),
            RuntimeError,
            "must have 2 dimensions, got 1: the data of a packed sequence",
        ),
        (
            lambda: nn.RNN(2, 3)(rnn.pack_sequence([tg.ones(3, 4)])),
            RuntimeError,
            "Expected 2, got 4",
        ),
    ],
)
def test_sequences_that_do_not_fit_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
