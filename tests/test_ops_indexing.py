"""Indexing: x[index] and x[index] = value, repeated indices, the graph of writes, errors."""

import numpy as np
import pytest
from cases import Case, property_test, tuples
from hypothesis import given
from hypothesis import strategies as st
from ops_cases import assign, in_place, masks, numpy_assign, positions

import tinygrad_edu as tg
from tinygrad_edu.autograd.graph import apply
from tinygrad_edu.ops.indexing import AddArrays, Place, PlaceArrays
from tinygrad_edu.testing.strategies import arrays, shapes

ROWS = arrays(shapes(min_dims=1))


# Strategies.


@st.composite
def basic_indices(draw, shape):
    """Integers, slices, None and `...` for a tensor of this shape."""
    items = []
    for size in shape[: draw(st.integers(0, len(shape)))]:
        if draw(st.booleans()):
            items.append(draw(st.integers(-size, size - 1)))
        else:
            bounds = st.one_of(st.none(), st.integers(-size - 1, size + 1))
            step = draw(st.sampled_from([None, 1, 2]))
            items.append(slice(draw(bounds), draw(bounds), step))
    if draw(st.booleans()):
        items.append(...)
    if draw(st.booleans()):
        items.insert(draw(st.integers(0, len(items))), None)
    return tuple(items)


@st.composite
def array_indices(draw, shape):
    """At least one mask or integer array, slices and None between; no integers."""
    common = draw(st.sampled_from([(3,), (2, 2), (1,), (0,)]))
    items = []
    dim = 0
    while dim < len(shape):
        kind = draw(st.sampled_from(["array", "mask", "slice", "none"]))
        if kind == "none":
            items.append(None)
            continue
        if kind == "slice":
            items.append(slice(draw(st.integers(0, 1)), None, draw(st.sampled_from([None, 2]))))
        elif kind == "array":
            size = draw(st.sampled_from([common, common[-1:], (1,)]))
            flat = draw(
                st.lists(
                    st.integers(-shape[dim], shape[dim] - 1),
                    min_size=int(np.prod(size)),
                    max_size=int(np.prod(size)),
                )
            )
            items.append(np.array(flat, dtype=np.int64).reshape(size))
        else:
            # As many true elements as broadcast with the integer arrays.
            count = min(common[-1], shape[dim])
            mask = np.zeros(shape[dim], bool)
            mask[
                draw(st.permutations(range(shape[dim])))[: count if count == common[-1] else 1]
            ] = True
            items.append(mask)
        dim += 1
        if draw(st.booleans()):
            break
    if not any(isinstance(item, np.ndarray) for item in items):
        items = [np.array([0, -1, 0]), *items[1:]]
        items = items[: len(shape)]
    return tuple(items)


def key(index):
    """An index as keyword argument of a case."""
    return lambda x, *_: index(x.shape).map(lambda items: {"index": items})


def get(x, index):
    return x[index]


@st.composite
def written(draw, index):
    """An array, a value that can be written to its part at an index, and the index."""
    x = draw(arrays(shapes(min_dims=1)))
    where = draw(index(x.shape))
    part = x[where].shape
    size = tuple(draw(st.sampled_from([n, 1])) for n in part)[draw(st.integers(0, len(part))) :]
    return x, draw(arrays(size)), where


CASES = [
    Case("x[basic]", get, ROWS, lambda x, index: x[index], key(basic_indices)),
    Case("x[arrays]", get, ROWS, lambda x, index: x[index], key(array_indices)),
    Case(
        "x[index tensor]",
        lambda x, i: x[i],
        tuples(arrays((3, 4)), positions((2, 3), 3)),
        lambda x, i: x[i],
    ),
    Case("x[mask]", lambda x, m: x[m], tuples(arrays((3, 4)), masks((3, 4))), lambda x, m: x[m]),
    Case(
        "place",
        lambda x: apply(Place((slice(1, 3),), (4,)), x),
        arrays((2,)),
        lambda x: np.pad(x, 1),
    ),
    Case(
        "place arrays",
        lambda x, i: apply(PlaceArrays((True,), (3,)), x, i),
        tuples(arrays((4,)), positions((4,), 3)),
        lambda x, i: np.bincount(i, x, 3),
    ),
    Case(
        "add arrays",
        lambda x, y, i: apply(AddArrays((False, True)), x, y, i),
        tuples(arrays((2, 3)), arrays((2, 4)), positions((4,), 3)),
        lambda x, y, i: x + np.stack([np.bincount(i, row, 3) for row in y]),
    ),
    Case(
        "x[i:j] = y",
        in_place(lambda x, y: assign(x, y, slice(1, 3))),
        tuples(arrays((4, 2)), arrays((2,))),
        lambda x, y: numpy_assign(x, y, slice(1, 3)),
    ),
    Case(
        "x[mask] = number",
        in_place(lambda x, m, v: assign(x, v, m)),
        tuples(arrays((3, 2)), masks((3,)), arrays(())),
        lambda x, m, v: numpy_assign(x, v, m),
    ),
    Case(
        "x[i, :, j] = y",
        in_place(lambda x, y: assign(x, y, ([0, 1, 0], slice(None), [1, 1, 0]))),
        tuples(arrays((2, 3, 2)), arrays((3,))),
        lambda x, y: numpy_assign(x, y, ([0, 1, 0], slice(None), [1, 1, 0])),
    ),
    Case(
        "copy_",
        in_place(lambda x, y: x.copy_(y)),
        tuples(arrays((2, 3)), arrays((3,))),
        lambda x, y: np.broadcast_to(y, x.shape),
    ),
    Case("fill_", in_place(lambda x, v: x.fill_(v)), tuples(arrays(), arrays(())), np.full_like),
    Case("zero_", in_place(lambda x: x.zero_()), arrays(), np.zeros_like),
]

test_indexing_operations = property_test(CASES)


@given(st.data())
@pytest.mark.parametrize("index", [basic_indices, array_indices])
def test_written_values_and_gradients(index, data):
    array, value, where = data.draw(written(index))
    x, v = (tg.tensor(a, dtype=tg.float64, requires_grad=True) for a in (array, value))
    out = x * 1
    out[where] = v
    expected = array.copy()
    expected[where] = value
    np.testing.assert_array_equal(out.detach().numpy(), expected)
    weight = np.cos(np.arange(out.numel())).reshape(out.shape)
    (out * tg.from_numpy(weight)).sum().backward()

    # Which element of the value each element of the result was written from, if any.
    source = np.full(array.shape, -1)
    source[where] = np.arange(value.size).reshape(value.shape)
    came = source >= 0
    np.testing.assert_allclose(x.grad.numpy(), np.where(came, 0, weight))
    grad_v = np.bincount(source[came], weight[came], value.size).reshape(value.shape)
    np.testing.assert_allclose(v.grad.numpy(), grad_v, atol=1e-12)


# Where PyTorch's way is not NumPy's.


def test_an_integer_next_to_an_array_is_taken_first():
    x = tg.zeros(2, 3, 4)
    assert x[0, :, [0, 1]].shape == (3, 2)  # NumPy: (2, 3)
    assert x[tg.tensor(0), :, [0, 1]].shape == (3, 2)


def test_a_boolean_is_a_dimension_of_size_one_or_zero():
    x = tg.arange(3)
    assert x[True].shape == (1, 3)
    assert x[False].shape == (0, 3)
    assert tg.tensor(5)[tg.tensor(True)].tolist() == [5]


def test_a_list_is_an_array_and_a_tuple_is_several_indices():
    x = tg.arange(6).reshape(2, 3)
    assert x[[0, 1]].shape == (2, 3)
    assert x[0, 1].item() == 1
    assert x[[True, False]].tolist() == [[0, 1, 2]]
    assert x[[]].shape == (0, 3)
    assert x[range(2)].shape == (2, 3)


def test_an_index_of_bytes_is_a_mask_with_a_warning():
    with pytest.warns(UserWarning, match=r"uint8.*index\.bool\(\).*index\.long\(\)"):
        assert tg.arange(3)[tg.tensor([1, 0, 1], dtype=tg.uint8)].tolist() == [0, 2]


def test_tensors_are_bounds_of_slices():
    x = tg.arange(5)
    stop = tg.tensor(3)
    assert x[tg.tensor(1) : stop].tolist() == [1, 2]


def test_a_bound_that_changes_later_does_not_move_the_gradient():
    x = tg.zeros(4, requires_grad=True)
    stop = tg.tensor(2)
    y = x[:stop]
    stop.fill_(4)
    y.sum().backward()
    assert x.grad.tolist() == [1, 1, 0, 0]


# Repeated indices.


def test_repeated_indices_add_up_their_gradients():
    x = tg.zeros(3, requires_grad=True)
    x[tg.tensor([1, 1, 0, 1])].sum().backward()
    assert x.grad.tolist() == [1, 3, 0]


def test_an_embedding_of_many_repeated_rows():
    generator = np.random.default_rng(0)
    words = generator.integers(0, 50, (30, 40))
    weight = generator.standard_normal((30, 40, 8))
    table = tg.zeros(50, 8, dtype=tg.float64, requires_grad=True)
    (table[tg.from_numpy(words)] * tg.from_numpy(weight)).sum().backward()
    expected = np.zeros((50, 8))
    np.add.at(expected, words, weight)
    np.testing.assert_allclose(table.grad.numpy(), expected)


def test_of_repeated_writes_only_the_last_has_a_gradient():
    value = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    x = tg.zeros(2)
    x[[0, 0, 1]] = value
    assert x.tolist() == [2, 3]
    x.sum().backward()
    assert value.grad.tolist() == [0, 1, 1]


# Writing in place and the graph.


def test_a_write_makes_a_constant_part_of_the_graph():
    w = tg.tensor([1.0, 2.0], requires_grad=True)
    x = tg.zeros(3)
    x[1:] = w * w
    assert x.requires_grad
    x.sum().backward()
    assert w.grad.tolist() == [2, 4]


def test_a_table_filled_row_by_row():
    w = tg.tensor(2.0, requires_grad=True)
    powers = tg.ones(5)
    for i in range(1, 5):
        powers[i] = powers[i - 1].clone() * w
    powers.sum().backward()
    assert w.grad.item() == 1 + 2 * 2 + 3 * 4 + 4 * 8


def test_a_number_cuts_the_gradient_of_what_it_replaces():
    x = tg.ones(3, requires_grad=True)
    y = x * 2
    y[1] = 5
    y.sum().backward()
    assert x.grad.tolist() == [2, 0, 2]


def test_an_integer_tensor_takes_rounded_values_and_no_gradient():
    x = tg.zeros(2, dtype=tg.int64)
    x[0] = tg.tensor(1.9, requires_grad=True)
    x[1] = 2.5
    assert x.tolist() == [1, 2]
    assert not x.requires_grad


def test_arrays_and_lists_can_be_written():
    x = tg.zeros(2, 2)
    x[0] = np.array([1, 2])
    x[1] = [3, 4]
    assert x.tolist() == [[1, 2], [3, 4]]


def test_overlapping_parts_are_written_as_if_read_before():
    x = tg.arange(4)
    x[1:] = x[:-1]
    assert x.tolist() == [0, 0, 1, 2]


LEAF_WRITES = {
    "x[0] = 1": lambda x: assign(x, 1, 0),
    "x[[0]] = 1": lambda x: assign(x, 1, [0]),
    "x[0].fill_": lambda x: x[0].fill_(1),
    "unbind": lambda x: x.unbind()[0].fill_(1),
    "zero_": lambda x: x.zero_(),
    "copy_": lambda x: x.copy_(tg.zeros(2)),
    "masked_fill_": lambda x: x.masked_fill_(x > 0, 1),
    "scatter_": lambda x: x.scatter_(0, tg.tensor([0]), 1.0),
    "index_add_": lambda x: x.index_add_(0, tg.tensor([0]), tg.ones(1)),
}


@pytest.mark.parametrize("name", LEAF_WRITES)
def test_a_leaf_that_requires_grad_is_written_to_only_under_no_grad(name):
    x = tg.zeros(2, requires_grad=True)
    with pytest.raises(
        RuntimeError, match=r"leaf tensor that requires grad cannot be changed in place"
    ):
        LEAF_WRITES[name](x)
    assert x._version == 0
    with tg.no_grad():
        LEAF_WRITES[name](x)
    assert x.is_leaf
    assert x._version == 1


SAVING = {
    "Mul": lambda x: x * x,
    "Sin": lambda x: x.sin(),
    "Exp": lambda x: x.exp(),
}


@pytest.mark.parametrize("name", SAVING)
def test_a_saved_array_that_was_written_to_is_refused_by_name(name):
    x = tg.ones(3, requires_grad=True) * 1
    y = SAVING[name](x)
    (y if name == "Exp" else x)[0] = 5
    with pytest.raises(
        RuntimeError, match=rf"gradient of {name} was changed by an in-place operation"
    ):
        y.sum().backward()


def test_an_index_that_was_changed_is_refused_by_name():
    x = tg.zeros(3, requires_grad=True)
    index = tg.tensor([0, 1])
    y = x[index]
    index.fill_(2)
    with pytest.raises(RuntimeError, match=r"gradient of IndexArrays was changed"):
        y.sum().backward()


def test_one_of_several_indices_that_was_changed_is_refused():
    x = tg.zeros(3, 3, requires_grad=True)
    first, second = tg.tensor([0, 1]), tg.tensor([0, 1])
    y = x[first, second]
    second.fill_(2)
    with pytest.raises(RuntimeError, match=r"gradient of IndexArrays was changed"):
        y.sum().backward()


def test_an_array_of_the_user_may_change_after_it_was_an_index():
    x = tg.zeros(3, requires_grad=True)
    index = np.array([0, 1])
    y = x[index]
    index[:] = 2
    y.sum().backward()
    assert x.grad.tolist() == [1, 1, 0]


# Empty tensors.


def test_empty_tensors_can_be_indexed_and_written():
    x = tg.zeros(0, 3, requires_grad=True)
    y = x * 1
    y[tg.zeros(0, dtype=tg.int64)] = 5
    y[:, 1] = tg.zeros(0)
    assert y[y > 0].shape == (0,)
    (y[[]].sum() + y[:, :2].sum()).backward()
    assert x.grad.shape == (0, 3)


# Errors.

X = tg.zeros(2, 3)
ERRORS = {
    "int": (
        lambda: X[5],
        IndexError,
        r"index 5 is out of bounds for dimension 0 with size 2.*\(2, 3\)",
    ),
    "second int": (
        lambda: X[:, -4],
        IndexError,
        r"index -4 is out of bounds for dimension 1 with size 3",
    ),
    "array": (lambda: X[[2]], IndexError, r"index 2 is out of bounds for dimension 0 with size 2"),
    "many": (lambda: X[0, 0, 0], IndexError, r"too many indices.*2-dimensional, but 3"),
    "many arrays": (
        lambda: X[[0], 0, 0],
        IndexError,
        r"too many indices for a tensor of dimension 2: got 3",
    ),
    "number": (lambda: tg.tensor(1.0)[0], IndexError, r"0-dimensional tensor.*x\.item\(\)"),
    "float": (lambda: X[1.5], IndexError, r"Only integers, slices.*got float"),
    "string": (lambda: X["a"], IndexError, r"got str"),
    "float tensor": (
        lambda: X[tg.tensor([0.5])],
        IndexError,
        r"long, int, byte or bool tensors; got float32",
    ),
    "int16 tensor": (
        lambda: X[tg.tensor([0], dtype=tg.int16)],
        IndexError,
        r"got int16.*index\.long\(\)",
    ),
    "mask": (
        lambda: X[tg.tensor([True] * 3)],
        IndexError,
        r"boolean index did not match.*dimension 0",
    ),
    "broadcast": (
        lambda: X[[0, 1], [0, 1, 2]],
        IndexError,
        r"could not be broadcast together with shapes \(2,\) \(3,\)",
    ),
    "two dots": (lambda: X[..., ...], IndexError, r"an index can only have a single ellipsis"),
    "two dots and array": (lambda: X[..., ..., [0]], IndexError, r"only one `\.\.\.`"),
    "step": (lambda: X[::-1], ValueError, r"greater than zero; got -1\. Use `x\.flip\(dim\)`"),
    "set step": (lambda: assign(X, 1, slice(None, None, -1)), ValueError, r"greater than zero"),
    "set range": (lambda: assign(X, 1, 7), IndexError, r"index 7 is out of bounds for dimension 0"),
    "set shape": (
        lambda: assign(X, tg.zeros(2), 0),
        RuntimeError,
        r"x\[\.\.\.\] = value: could not broadcast.*\(2,\).*\(3,\)",
    ),
    "set mask": (
        lambda: assign(X, tg.zeros(2), X == 0),
        RuntimeError,
        r"cannot assign 2 input values to the 6",
    ),
    "set type": (lambda: assign(X, "a", 0), TypeError, r"A str cannot be written"),
    "copy_": (lambda: X.copy_(tg.zeros(5)), RuntimeError, r"could not broadcast.*\(5,\).*\(2,3\)"),
    "fill_": (
        lambda: X.fill_(tg.zeros(2)),
        RuntimeError,
        r"0-dimensional tensor; got shape \(2,\).*copy_",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_impossible_index_is_explained(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()
