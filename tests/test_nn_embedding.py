"""Embedding and EmbeddingBag: functions and layers."""

import numpy as np
import pytest
from cases import Case, property_test
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
from tinygrad_edu.ops.embedding import _add_rows
from tinygrad_edu.testing.strategies import arrays, shapes


@st.composite
def lookups(draw):
    """Indices of any shape, and a table."""
    rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    index = np.random.default_rng(draw(st.integers(0, 99))).integers(
        0, rows, draw(shapes(min_dims=0, max_dims=2, min_side=0))
    )
    return index, draw(arrays((rows, columns)))


@st.composite
def bags(draw, weights=False, ragged=True):
    """Indices (N), offsets, a table and factors; or indices (B, L) and no offsets."""
    rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    if ragged:
        count = draw(st.integers(0, 8))
        offsets = np.sort(np.append(0, rng.integers(0, count + 1, draw(st.integers(0, 4)))))
        shape, more = (count,), [offsets]
    else:
        shape, more = (draw(st.integers(1, 3)), draw(st.integers(1, 4))), []
    factors = [draw(arrays(shape))] if weights else []
    return (rng.integers(0, rows, shape), draw(arrays((rows, columns))), *more, *factors)


def weighted_bag(index, weight, offsets, factors):
    return F.embedding_bag(index, weight, offsets, mode="sum", per_sample_weights=factors)


def weighted_bag_of_one_size(index, weight, factors):
    return F.embedding_bag(index, weight, mode="sum", per_sample_weights=factors)


def bag_reference(index, weight, offsets=None, factors=None, mode="sum", padding_idx=None):
    if offsets is None:
        offsets = np.arange(len(index)) * index.shape[1]
        index = index.reshape(-1)
    factors = np.ones(len(index)) if factors is None else factors.reshape(-1)
    result = np.zeros((len(offsets), weight.shape[1]))
    for bag, (start, end) in enumerate(zip(offsets, [*offsets[1:], len(index)], strict=True)):
        places = [i for i in range(start, end) if index[i] != padding_idx]
        if places:
            found = weight[index[places]] * factors[places][:, None]
            result[bag] = {"sum": np.sum, "mean": np.mean, "max": np.max}[mode](found, axis=0)
    return result


MODES = st.fixed_dictionaries(
    {"mode": st.sampled_from(["sum", "mean", "max"])}, optional={"padding_idx": st.just(0)}
)
CASES = [
    Case("embedding", F.embedding, lookups(), lambda index, weight: weight[index]),
    Case("embedding_bag", F.embedding_bag, bags(), bag_reference, MODES),
    Case("embedding_bag of one size", F.embedding_bag, bags(ragged=False), bag_reference, MODES),
    Case("embedding_bag with weights", weighted_bag, bags(weights=True), bag_reference),
    Case(
        "embedding_bag of one size with weights",
        weighted_bag_of_one_size,
        bags(weights=True, ragged=False),
        lambda index, weight, factors: bag_reference(index, weight, None, factors),
    ),
]

test_functions = property_test(CASES)


# The gradient.


@given(seed=st.integers(0, 99), count=st.sampled_from([1, 100, 1500]), size=st.sampled_from([1, 9]))
def test_rows_with_equal_indices_are_added(seed, count, size):
    # Few and many numbers, short and long runs of equal indices: all ways through the kernel.
    rng = np.random.default_rng(seed)
    table = int(rng.integers(1, 300))
    index = rng.integers(0, table, count)
    index[rng.random(count) < 0.3] = 0
    rows = rng.normal(size=(count, size * 10))
    expected = np.zeros((table, size * 10))
    np.add.at(expected, index, rows)
    np.testing.assert_allclose(_add_rows(rows, index, table), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("padding_idx", [1, -2])
def test_the_padding_row_gets_no_gradient(padding_idx):
    weight = tg.ones(3, 2, requires_grad=True)
    F.embedding(tg.tensor([0, 1, 1, 2]), weight, padding_idx=padding_idx).sum().backward()
    assert weight.grad.tolist() == [[1, 1], [0, 0], [1, 1]]


def test_a_gradient_can_be_that_of_the_mean_use():
    weight = tg.ones(3, 2, requires_grad=True)
    y = F.embedding(tg.tensor([0, 1, 1, 1]), weight, scale_grad_by_freq=True)
    (y * tg.tensor([[1.0], [1.0], [2.0], [6.0]])).sum().backward()
    assert weight.grad.tolist() == [[1, 1], [3, 3], [0, 0]]
    weight.grad = None
    bag = F.embedding_bag(
        tg.tensor([0, 1, 1, 1]), weight, tg.tensor([0, 2]), scale_grad_by_freq=True, mode="sum"
    )
    (bag * tg.tensor([[1.0], [4.0]])).sum().backward()
    assert weight.grad.tolist() == [[1, 1], [3, 3], [0, 0]]


@pytest.mark.parametrize("options", [{"padding_idx": 1}, {"scale_grad_by_freq": True}])
def test_the_gradient_of_such_a_gradient_is_consistent(options):
    # The gradient of the weight is c G with c = 2, so d/dc of its square sum is 2 c Σ G².
    weight = tg.ones(3, 2, requires_grad=True)
    factor = tg.tensor(2.0, requires_grad=True)
    y = F.embedding(tg.tensor([0, 1, 1, 2]), weight, **options) * factor
    (grad,) = tg.autograd.grad(y.sum(), weight, create_graph=True)
    (slope,) = tg.autograd.grad((grad * grad).sum(), factor)
    assert slope.item() == pytest.approx((grad.detach() ** 2).sum().item())


def test_indices_that_change_before_backward_are_noticed():
    index = tg.tensor([0, 1])
    y = F.embedding(index, tg.ones(3, 2, requires_grad=True))
    index += 1
    with pytest.raises(RuntimeError, match="changed by an in-place operation"):
        y.sum().backward()


# max_norm.


def test_rows_that_are_used_and_too_long_are_shortened_in_place():
    weight = tg.tensor([[3.0, 4.0], [0.3, 0.4], [6.0, 8.0]], requires_grad=True)
    y = F.embedding(tg.tensor([0, 1, 0]), weight, max_norm=1.0)
    np.testing.assert_allclose(y.detach().numpy(), [[0.6, 0.8], [0.3, 0.4], [0.6, 0.8]], rtol=1e-6)
    np.testing.assert_allclose(weight.detach().numpy(), [[0.6, 0.8], [0.3, 0.4], [6, 8]], rtol=1e-6)
    assert weight._version == 1
    F.embedding(tg.tensor([2]), weight, max_norm=7.0, norm_type=1.0)
    np.testing.assert_allclose(weight.detach().numpy()[2], [3, 4], rtol=1e-6)


def test_max_norm_of_a_bag():
    weight = tg.tensor([[3.0, 4.0], [0.3, 0.4]])
    y = F.embedding_bag(tg.tensor([[0, 1]]), weight, max_norm=1.0, mode="sum")
    np.testing.assert_allclose(y.numpy(), [[0.9, 1.2]], rtol=1e-6)


# Bags.


def test_the_last_offset_may_be_included():
    weight = tg.tensor([[1.0], [10.0], [100.0]])
    index = tg.tensor([0, 1, 2])
    y = F.embedding_bag(index, weight, tg.tensor([0, 1, 3]), mode="sum", include_last_offset=True)
    assert y.tolist() == [[1], [110]]
    y = F.embedding_bag(index, weight, tg.tensor([0, 2]), mode="sum", include_last_offset=True)
    assert y.tolist() == [[11]], "what is behind the last offset belongs to no bag"


def test_the_largest_of_a_bag_with_nan_is_nan():
    weight = tg.tensor([[1.0], [np.nan], [2.0]], requires_grad=True)
    y = F.embedding_bag(tg.tensor([0, 1, 2, 2]), weight, tg.tensor([0, 3]), mode="max")
    np.testing.assert_array_equal(y.detach().numpy(), [[np.nan], [2]])
    y.sum().backward()
    assert weight.grad.tolist() == [[0], [1], [1]]


INDEX, TABLE = tg.tensor([0, 1, 1, 2]), tg.ones(4, 3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.embedding(INDEX + 2, TABLE), IndexError, "out of range: 4. The table has 4"),
        (lambda: F.embedding(INDEX - 1, TABLE), IndexError, "out of range: -1"),
        (lambda: F.embedding(INDEX.float(), TABLE), RuntimeError, "integers; got float32"),
        (lambda: F.embedding(TABLE, INDEX), RuntimeError, "The indices come first"),
        (lambda: F.embedding(INDEX, TABLE[0]), RuntimeError, r"a matrix .* got shape \(3,\)"),
        (lambda: F.embedding([0], TABLE), TypeError, "are tensors; got list and Tensor"),
        (lambda: F.embedding(INDEX, TABLE, 4), AssertionError, "within num_embeddings, -4 to 3"),
        (lambda: F.embedding(INDEX, TABLE, sparse=True), ValueError, "sparse=True is not support"),
        (lambda: F.embedding_bag(INDEX, TABLE), ValueError, "offsets has to be a 1D .* got None"),
        (lambda: F.embedding_bag(INDEX[None], TABLE, INDEX), ValueError, "each row is a bag"),
        (lambda: F.embedding_bag(INDEX[None, None], TABLE), ValueError, "a 1D or 2D tensor"),
        (lambda: F.embedding_bag(INDEX, TABLE, INDEX + 1), RuntimeError, r"offsets\[0\] has to"),
        (lambda: F.embedding_bag(INDEX, TABLE, tg.tensor([0, 5])), RuntimeError, "at most"),
        (lambda: F.embedding_bag(INDEX, TABLE, tg.tensor([0, 3, 2])), RuntimeError, "ascend"),
        (lambda: F.embedding_bag(INDEX, TABLE, tg.tensor([0.0])), RuntimeError, "offsets are int"),
        (
            lambda: F.embedding_bag(INDEX, TABLE, INDEX[:0], include_last_offset=True),
            RuntimeError,
            "offsets has at least one element",
        ),
        (lambda: F.embedding_bag(INDEX[None], TABLE, mode="min"), ValueError, "got 'min'"),
        (lambda: F.embedding_bag(INDEX[None] + 3, TABLE), RuntimeError, "out of range: 5"),
        (lambda: F.embedding_bag(INDEX[None], TABLE, padding_idx=4), RuntimeError, "padding_idx"),
        (
            lambda: F.embedding_bag(INDEX[None], TABLE, mode="max", scale_grad_by_freq=True),
            ValueError,
            "mode='max' does not support scale_grad_by_freq",
        ),
        (
            lambda: F.embedding_bag(INDEX[None], TABLE, per_sample_weights=tg.ones(1, 4)),
            NotImplementedError,
            "for mode='sum' only; got mode='mean'",
        ),
        (
            lambda: F.embedding_bag(INDEX[None], TABLE, mode="sum", per_sample_weights=tg.ones(4)),
            ValueError,
            r"the shape of the input, \(1, 4\); got \(4,\)",
        ),
        (
            lambda: F.embedding_bag(
                INDEX[None], TABLE, mode="sum", per_sample_weights=tg.ones(1, 4).double()
            ),
            RuntimeError,
            "same type; got float32 and float64",
        ),
        (lambda: F.embedding_bag(INDEX[None], TABLE, sparse=True), ValueError, "sparse=True"),
        (lambda: nn.Embedding(3, 4, padding_idx=3), AssertionError, "within num_embeddings, -3"),
        (lambda: nn.Embedding(3, 4, sparse=True), ValueError, "Embedding: sparse=True is not"),
        (lambda: nn.EmbeddingBag(3, 4, sparse=True), ValueError, "EmbeddingBag: sparse=True"),
        (lambda: nn.Embedding(3, 4, _weight=TABLE), AssertionError, r"\(3, 4\); got \(4, 3\)"),
        (lambda: nn.Embedding.from_pretrained(TABLE[0]), AssertionError, "embeddings is a matrix"),
    ],
)
def test_an_embedding_refuses_what_does_not_fit(call, error, message):
    with pytest.raises(error, match=message):
        call()


# Layers.


def test_an_embedding_starts_normal_with_zeros_for_the_padding():
    layer = nn.Embedding(1000, 20, padding_idx=-1)
    assert layer.padding_idx == 999
    assert not layer.weight[999].any()
    assert layer.weight.mean().item() == pytest.approx(0, abs=0.05)
    assert layer.weight.std().item() == pytest.approx(1, abs=0.05)
    assert list(layer.state_dict()) == ["weight"]
    layer.reset_parameters()
    assert not layer.weight[999].any()


def test_a_pretrained_table_is_shared_and_frozen():
    table = tg.ones(3, 2)
    for cls in (nn.Embedding, nn.EmbeddingBag):
        layer = cls.from_pretrained(table)
        assert not layer.weight.requires_grad
        assert cls.from_pretrained(table, freeze=False).weight.requires_grad
        assert np.shares_memory(layer.weight.numpy(), table.numpy())


def test_layers_pass_their_options_on():
    layer = nn.Embedding(4, 2, 0, 1.0, 1.0, True)
    assert repr(layer) == (
        "Embedding(4, 2, padding_idx=0, max_norm=1.0, norm_type=1.0, scale_grad_by_freq=True)"
    )
    y = layer(tg.tensor([1, 1, 2]))
    assert (y.abs().sum(1) <= 1.0001).all()
    y.sum().backward()
    assert layer.weight.grad.tolist() == [[0, 0], [1, 1], [1, 1], [0, 0]]
    bag = nn.EmbeddingBag(4, 2, 1.0, 1.0, False, "max", include_last_offset=True, padding_idx=1)
    assert repr(bag) == (
        "EmbeddingBag(4, 2, max_norm=1.0, norm_type=1.0, mode='max', padding_idx=1)"
    )
    y = bag(tg.tensor([0, 1, 1]), tg.tensor([0, 2, 3]))
    assert tg.equal(y[0], bag.weight[0])
    assert not y[1].any()


def test_a_bag_is_the_sum_of_its_rows():
    bag = nn.EmbeddingBag(5, 3, mode="sum")
    index, factors = tg.tensor([[1, 2], [4, 4]]), tg.tensor([[1.0, 2.0], [0.5, 3.0]])
    rows = F.embedding(index, bag.weight)
    assert tg.allclose(bag(index), rows.sum(1))
    assert tg.allclose(bag(index, per_sample_weights=factors), (rows * factors.unsqueeze(2)).sum(1))


def test_a_trained_padding_row_stays_zero():
    layer = nn.Embedding(5, 3, padding_idx=2)
    optimizer = tg.optim.SGD(layer.parameters(), lr=0.5)
    before = layer.weight.detach().clone()
    layer(tg.tensor([[2, 1], [2, 4]])).sum().backward()
    optimizer.step()
    assert not layer.weight[2].any()
    assert not tg.equal(layer.weight[1], before[1])
