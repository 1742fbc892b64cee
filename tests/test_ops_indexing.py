"""Indexing: reading, writing, gather and scatter; views, repeated indices, errors."""

import numpy as np
import pytest
from cases import Case, property_test, tuples
from hypothesis import given
from hypothesis import strategies as st

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


def masks(shape):
    size = int(np.prod(shape))
    return st.lists(st.booleans(), min_size=size, max_size=size).map(
        lambda bits: np.array(bits, dtype=bool).reshape(shape)
    )


def positions(shape, size):
    count = int(np.prod(shape))
    return st.lists(st.integers(0, size - 1), min_size=count, max_size=count).map(
        lambda flat: np.array(flat, dtype=np.int64).reshape(shape)
    )


@st.composite
def rows_to_pick(draw, repeats=True):
    """An array, positions along a dimension, an array with a slice for each, the dimension."""
    shape = draw(shapes(min_dims=1))
    dim = draw(st.integers(0, len(shape) - 1))
    if repeats:
        index = draw(positions((draw(st.integers(0, 5)),), shape[dim]))
    else:
        order = draw(st.permutations(range(shape[dim])))
        index = np.array(order[: draw(st.integers(0, len(order)))], dtype=np.int64)
    source = (*shape[:dim], len(index), *shape[dim + 1 :])
    return draw(arrays(shape)), index, draw(arrays(source)), np.array(dim)


@st.composite
def elements_to_pick(draw):
    """An array, an index of as many dimensions, a source for it, and the dimension."""
    shape = draw(shapes(min_dims=1))
    dim = draw(st.integers(0, len(shape) - 1))
    size = tuple(
        draw(st.integers(0, 4)) if at == dim else draw(st.integers(0, n))
        for at, n in enumerate(shape)
    )
    source = tuple(n + draw(st.integers(0, 1)) for n in size)
    return (
        draw(arrays(shape)),
        draw(positions(size, shape[dim])),
        draw(arrays(source)),
        np.array(dim),
    )


@st.composite
def masked(draw):
    shape = draw(shapes())
    where = tuple(draw(st.sampled_from([n, 1])) for n in shape)[draw(st.integers(0, len(shape))) :]
    return draw(arrays(shape)), draw(masks(where)), draw(arrays(()))


def along(index, dim):
    grids = list(np.indices(index.shape))
    grids[dim] = index
    return tuple(grids)


def numpy_gather(x, index, _source, dim):
    return x[along(index, int(dim))]


def numpy_scatter(x, index, source, dim):
    out = x.copy()
    out[along(index, int(dim))] = source[tuple(map(slice, index.shape))]
    return out


def numpy_scatter_add(x, index, source, dim):
    out = x.copy()
    np.add.at(out, along(index, int(dim)), source[tuple(map(slice, index.shape))])
    return out


def numpy_rows(write):
    """A NumPy function that writes `source` to the slices that `index` names along `dim`."""

    def reference(x, index, source, dim):
        out = x.copy()
        write(out, (slice(None),) * int(dim) + (index,), source)
        return out

    return reference


def numpy_masked_fill(x, mask, value):
    return np.where(mask, value, x)


# Writing in place, as functions: on a copy, because a leaf cannot be written to.


def in_place(change):
    def function(x, *others, **kwargs):
        out = x * 1
        change(out, *others, **kwargs)
        return out

    return function


def assign(x, value, index):
    x[index] = value


def numpy_assign(x, value, index):
    out = x.copy()
    out[index] = value
    return out


@st.composite
def written(draw, index):
    """An array, a value that can be written to its part at an index, and the index."""
    x = draw(arrays(shapes(min_dims=1)))
    where = draw(index(x.shape))
    part = x[where].shape
    size = tuple(draw(st.sampled_from([n, 1])) for n in part)[draw(st.integers(0, len(part))) :]
    return x, draw(arrays(size)), where


def case_of_writing(name, index):
    """The index is drawn together with the arrays, so it is passed as an object."""

    @st.composite
    def inputs(draw):
        x, value, where = draw(written(index))
        boxed = np.empty((), object)
        boxed[()] = where
        return x, value, boxed

    return name, inputs()


def write_transposed(x, value):
    """Through a view of a view."""
    x.T[0].unsqueeze(0).copy_(value)


def numpy_write_transposed(x, value):
    out = x.copy()
    out.T[0] = value
    return out


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
        "write through a view",
        in_place(write_transposed),
        tuples(arrays((3, 2)), arrays((1, 3))),
        numpy_write_transposed,
    ),
    Case(
        "copy_",
        in_place(lambda x, y: x.copy_(y)),
        tuples(arrays((2, 3)), arrays((3,))),
        lambda x, y: np.broadcast_to(y, x.shape),
    ),
    Case("fill_", in_place(lambda x, v: x.fill_(v)), tuples(arrays(), arrays(())), np.full_like),
    Case("zero_", in_place(lambda x: x.zero_()), arrays(), np.zeros_like),
    Case(
        "index_select",
        lambda x, i, _, d: tg.index_select(x, d.item(), i),
        rows_to_pick(),
        lambda x, i, _, d: x.take(i, int(d)),
    ),
    Case(
        "index_add",
        lambda x, i, y, d: tg.index_add(x, d.item(), i, y),
        rows_to_pick(),
        numpy_rows(np.add.at),
    ),
    Case(
        "index_add_",
        in_place(lambda x, i, y, d: x.index_add_(d.item(), i, y, alpha=-2)),
        rows_to_pick(),
        numpy_rows(lambda x, i, y: np.add.at(x, i, -2 * y)),
    ),
    Case(
        "index_copy",
        lambda x, i, y, d: tg.index_copy(x, d.item(), i, y),
        rows_to_pick(repeats=False),
        numpy_rows(np.ndarray.__setitem__),
    ),
    Case(
        "index_copy_",
        in_place(lambda x, i, y, d: x.index_copy_(d.item(), i, y)),
        rows_to_pick(),
        numpy_rows(np.ndarray.__setitem__),
    ),
    Case(
        "index_fill",
        lambda x, i, v: tg.index_fill(x, 1, i, v),
        tuples(arrays((2, 3)), positions((2,), 3), arrays(())),
        lambda x, i, v: numpy_assign(x, v, (slice(None), i)),
    ),
    Case(
        "index_fill_",
        in_place(lambda x, i, v: x.index_fill_(1, i, v)),
        tuples(arrays((2, 3)), positions((2,), 3), arrays(())),
        lambda x, i, v: numpy_assign(x, v, (slice(None), i)),
    ),
    Case("gather", lambda x, i, _, d: tg.gather(x, d.item(), i), elements_to_pick(), numpy_gather),
    Case(
        "scatter",
        lambda x, i, y, d: tg.scatter(x, d.item(), i, y),
        elements_to_pick(),
        numpy_scatter,
    ),
    Case(
        "scatter_",
        in_place(lambda x, i, y, d: x.scatter_(d.item(), i, y)),
        elements_to_pick(),
        numpy_scatter,
    ),
    Case(
        "scatter of a number",
        lambda x, i, _, d: tg.scatter(x, d.item(), i, 1.5),
        elements_to_pick(),
        lambda x, i, y, d: numpy_scatter(x, i, np.full_like(y, 1.5), d),
    ),
    Case(
        "scatter_add",
        lambda x, i, y, d: tg.scatter_add(x, d.item(), i, y),
        elements_to_pick(),
        numpy_scatter_add,
    ),
    Case(
        "scatter_add_",
        in_place(lambda x, i, y, d: x.scatter_add_(d.item(), i, y)),
        elements_to_pick(),
        numpy_scatter_add,
    ),
    Case("take", tg.take, tuples(arrays((2, 3)), positions((2, 2), 6)), np.take),
    Case(
        "take_along_dim",
        lambda x, i: tg.take_along_dim(x, i, 1),
        tuples(arrays((2, 3)), positions((1, 4), 3)),
        lambda x, i: np.take_along_axis(x, i, 1),
    ),
    Case("masked_fill", tg.masked_fill, masked(), numpy_masked_fill),
    Case(
        "masked_fill_", in_place(lambda x, m, v: x.masked_fill_(m, v)), masked(), numpy_masked_fill
    ),
    Case(
        "masked_select",
        lambda x, m, _: tg.masked_select(x, m),
        masked(),
        lambda x, m, _: x[np.broadcast_to(m, x.shape)],
    ),
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


def test_an_element_of_a_vector_is_a_view():
    x = tg.zeros(3)
    x[1].fill_(7)
    assert x.tolist() == [0, 7, 0]


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


@pytest.mark.parametrize("index", [1, slice(1, 2), (0, None), ..., (slice(None), 1)], ids=str)
def test_basic_indices_make_views(index):
    x = tg.zeros(2, 2)
    part = x[index]
    part.fill_(1)
    assert x.sum().item() == part.numel()
    assert x._version == 1


@pytest.mark.parametrize("index", [[0], np.array([True, False]), True], ids=str)
def test_arrays_make_copies(index):
    x = tg.zeros(2, 2)
    x[index].fill_(1)
    assert x.sum().item() == 0


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


def test_a_view_that_became_a_leaf_is_refused_as_well():
    x = tg.zeros(2)
    part = x[0].requires_grad_()
    with pytest.raises(RuntimeError, match=r"a leaf tensor that requires grad"):
        part.mul_(2)


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


# Views whose base changes.


def test_a_view_sees_later_writes_to_its_base_in_value_and_gradient():
    x = tg.ones(2, requires_grad=True)
    y = x * 1
    part = y[0]
    y.mul_(3)
    assert part.item() == 3
    part.backward()
    assert x.grad.tolist() == [3, 0]


def test_a_view_of_a_constant_that_becomes_part_of_a_graph():
    w = tg.tensor(2.0, requires_grad=True)
    x = tg.zeros(2)
    part = x[0]
    x[0] = w
    assert part.requires_grad
    assert part.grad_fn is not None
    part.backward()
    assert w.grad.item() == 1


def test_a_change_through_a_stale_view_is_recorded():
    w = tg.tensor(2.0, requires_grad=True)
    x = tg.zeros(2)
    whole = x[:]
    x[0] = w
    whole.mul_(10)
    x.sum().backward()
    assert w.grad.item() == 10


def test_a_change_through_a_view_made_under_no_grad_is_recorded():
    x = tg.ones(2, requires_grad=True)
    y = x * 1
    with tg.no_grad():
        part = y[0]
    part.mul_(10)
    y.sum().backward()
    assert x.grad.tolist() == [10, 1]


def test_a_detached_tensor_shares_memory_and_version_but_no_gradient():
    x = tg.ones(2, requires_grad=True)
    y = x * 1
    y.detach()[0] = 5
    assert y.tolist() == [5, 1]
    assert y._version == 1
    y.sum().backward()
    assert x.grad.tolist() == [1, 1]


# Random programs of views and writes, against the same program without either: there every tensor
# is P b, where b is the base and P picks, and a write is b + P (new - old).

VIEW_STEPS = {
    "T": lambda x: x.T,
    "first": lambda x: x[0],
    "last": lambda x: x[..., -1],
    "every other": lambda x: x[::2],
    "column": lambda x: x[..., :1],
    "unsqueeze": lambda x: x[None],
    "flat": lambda x: x.reshape(-1),
    "unbind": lambda x: x.unbind(-1)[-1],
    "chunk": lambda x: x.chunk(2)[0],
    "diagonal": lambda x: x.diagonal(),
}
WRITES = {
    "mul_": (lambda x, w: x.mul_(w), lambda old, w: old * w),
    "add_": (lambda x, w: x.add_(w * w), lambda old, w: old + w * w),
    "fill_": (lambda x, w: x.fill_(w), lambda old, w: old * 0 + w),
    "zero_": (lambda x, w: x.zero_(), lambda old, w: old * 0),
    "exp_": (lambda x, w: x.mul_(0.1).exp_(), lambda old, w: (old * 0.1).exp()),
    "set": (lambda x, w: assign(x, w, ...), lambda old, w: old * 0 + w),
    "set by index": (
        lambda x, w: assign(x[None] if x.ndim == 0 else x, w, [0]),
        lambda old, w: old * (1 - first_rows(old.shape)) + w * first_rows(old.shape),
    ),
    "masked_fill_": (
        lambda x, w: x.masked_fill_(checkers(x.shape) > 0, w),
        lambda old, w: old * (1 - checkers(old.shape)) + w * checkers(old.shape),
    ),
}


def first_rows(shape):
    """1 in the first row, 0 in the others."""
    rows = np.arange(shape[0]) == 0 if shape else np.array(True)
    return tg.tensor(
        np.broadcast_to(rows.reshape(-1, *[1] * (len(shape) - 1)) if shape else rows, shape) * 1.0
    )


def checkers(shape):
    """0 and 1 by turns."""
    return tg.tensor((np.arange(np.prod(shape, dtype=int)) % 2.0).reshape(shape))


class Pure:
    """The program without views and writes."""

    def __init__(self, base):
        self.base = base.reshape(-1)

    def read(self, where):
        picks = np.eye(self.base.numel())[where.reshape(-1)]
        return (tg.from_numpy(picks) @ self.base).reshape(where.shape)

    def write(self, where, new):
        picks = tg.from_numpy(np.eye(self.base.numel())[where.reshape(-1)])
        self.base = self.base + (new - self.read(where)).reshape(-1) @ picks


@given(st.data())
def test_programs_of_views_and_writes_have_the_gradients_of_programs_without(data):
    shape = data.draw(st.sampled_from([(4,), (2, 3), (3, 2, 2)]))
    values = np.linspace(-1, 1, int(np.prod(shape))).reshape(shape)
    xs = [tg.tensor(values, dtype=tg.float64, requires_grad=True) for _ in range(2)]
    ws = [tg.tensor(1.5, dtype=tg.float64, requires_grad=True) for _ in range(2)]
    constant = data.draw(st.booleans(), label="base is a constant at first")
    base, pure = (tg.tensor(values, dtype=tg.float64) if constant else x * 1 for x in xs)
    if data.draw(st.booleans(), label="the memory of the base is column by column"):
        base = base.T.contiguous().T.clone()
    pure = Pure(pure)
    places = np.arange(values.size).reshape(shape)
    tensors = [(base, places, True)]
    losses = [xs[0].sum() + ws[0], xs[1].sum() + ws[1]]
    for number in range(data.draw(st.integers(1, 8), label="steps")):
        tensor, where, readable = data.draw(st.sampled_from(tensors), label="tensor")
        action = data.draw(st.sampled_from(["view", "write", "read"]), label="action")
        if action == "view":
            name = data.draw(st.sampled_from(list(VIEW_STEPS)), label="view")
            recorded = data.draw(st.booleans(), label="recorded")
            try:
                new_places = VIEW_STEPS[name](tg.from_numpy(where)).numpy()
            except (IndexError, RuntimeError):
                continue
            with tg.set_grad_enabled(recorded):
                view = VIEW_STEPS[name](tensor)
            if view._version == tensor._version and np.shares_memory(view.array, base.array):
                tensors.append((view, new_places, readable and recorded))
        elif action == "write":
            name = data.draw(st.sampled_from(list(WRITES)), label="write")
            write, compute = WRITES[name]
            if where.size == 0:
                continue
            pure.write(where, compute(pure.read(where), ws[1]))
            write(tensor, ws[0])
        elif readable:
            # exp saves its result, not the tensor, which may be written to later.
            losses[0] = losses[0] + (number + 1) * tensor.exp().sum()
            losses[1] = losses[1] + (number + 1) * pure.read(where).exp().sum()
    losses[0] = losses[0] + (base * tg.from_numpy(np.cos(places))).sum()
    losses[1] = losses[1] + (pure.read(places) * tg.from_numpy(np.cos(places))).sum()
    for loss in losses:
        loss.backward()
    np.testing.assert_allclose(losses[0].item(), losses[1].item())
    np.testing.assert_allclose(xs[0].grad.numpy(), xs[1].grad.numpy(), atol=1e-9)
    np.testing.assert_allclose(ws[0].grad.numpy(), ws[1].grad.numpy(), rtol=1e-7, atol=1e-9)


# Empty tensors.


def test_empty_tensors_can_be_indexed_and_written():
    x = tg.zeros(0, 3, requires_grad=True)
    y = x * 1
    y[tg.zeros(0, dtype=tg.int64)] = 5
    y[:, 1] = tg.zeros(0)
    assert y[y > 0].shape == (0,)
    (y[[]].sum() + y[:, :2].sum()).backward()
    assert x.grad.shape == (0, 3)


def test_nonzero_is_an_index():
    x = tg.tensor([[0, 5], [7, 0]])
    assert x[x.nonzero(as_tuple=True)].tolist() == [5, 7]
    assert x.nonzero().tolist() == x.argwhere().tolist() == [[0, 1], [1, 0]]
    assert tg.tensor(3).nonzero().shape == (1, 0)


def test_take_along_dim_undoes_argsort_and_counts_from_the_end():
    x = tg.tensor([[3.0, 1.0, 2.0]])
    assert tg.take_along_dim(x, x.argsort(dim=1), dim=1).tolist() == [[1, 2, 3]]
    assert tg.take_along_dim(x, tg.tensor([[-1]]), dim=1).tolist() == [[2]]
    assert tg.take_along_dim(x, tg.tensor([0, -1])).tolist() == [3, 2]


def test_a_float32_tensor_stays_float32():
    x = tg.ones(2, 2)
    for y in (
        x.masked_fill(x > 0, 0.5),
        x.index_fill(0, tg.tensor([0]), 2),
        x.scatter(0, tg.tensor([[0]]), 2.5),
        tg.tensor([1.0])[[0]],
    ):
        assert y.dtype == tg.float32


# Errors.

X = tg.zeros(2, 3)
I = tg.tensor([0])  # noqa: E741
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
    "index_select": (
        lambda: X.index_select(0, tg.tensor([2])),
        IndexError,
        r"index 2 is out of bounds for dimension 0 with size 2",
    ),
    "index_select below": (
        lambda: X.index_select(0, tg.tensor([-1])),
        IndexError,
        r"index -1 is out of bounds",
    ),
    "index_select dims": (
        lambda: X.index_select(0, tg.tensor([[1]])),
        IndexError,
        r"one dimension; got shape \(1, 1\)",
    ),
    "index_select type": (
        lambda: X.index_select(0, tg.tensor([0.0])),
        RuntimeError,
        r"integer type; got float32",
    ),
    "index_select number": (
        lambda: tg.tensor(1.0).index_select(0, I),
        IndexError,
        r"0-dimensional",
    ),
    "index_add": (lambda: X.index_add(0, I, X), RuntimeError, r"shape \(1, 3\); got \(2, 3\)"),
    "index_add type": (
        lambda: X.index_add(0, I, X[:1].double()),
        RuntimeError,
        r"float32.*float64.*same type",
    ),
    "index_add number": (
        lambda: X.index_add(0, I, 1.0),
        TypeError,
        r"the source is a tensor; got float",
    ),
    "index_fill": (
        lambda: X.index_fill(0, I, X),
        RuntimeError,
        r"0-dimensional tensor; this tensor has shape \(2, 3\)",
    ),
    "index_fill type": (lambda: X.index_fill(0, I, "a"), TypeError, r"got str"),
    "gather": (
        lambda: X.gather(1, tg.tensor([[3]])),
        RuntimeError,
        r"index 3 is out of bounds for dimension 1 with size 3",
    ),
    "gather dims": (
        lambda: X.gather(1, I),
        RuntimeError,
        r"same number of dimensions.*\(1,\).*\(2, 3\)",
    ),
    "gather size": (
        lambda: X.gather(1, tg.zeros(5, 1).long()),
        RuntimeError,
        r"\(5, 1\) must not be larger.*\(2, 3\)",
    ),
    "scatter": (
        lambda: X.scatter(1, tg.tensor([[-1]]), 1.0),
        RuntimeError,
        r"scatter: index -1 is out of bounds",
    ),
    "scatter size": (
        lambda: X.scatter(1, tg.tensor([[0, 1]]), tg.zeros(1, 1)),
        RuntimeError,
        r"not be larger than the source",
    ),
    "scatter type": (
        lambda: X.scatter(1, tg.tensor([[0]]), tg.zeros(1, 1).double()),
        RuntimeError,
        r"same type",
    ),
    "scatter reduce": (
        lambda: X.scatter(1, tg.tensor([[0]]), 1.0, reduce="mean"),
        RuntimeError,
        r"None or 'add'; got 'mean'",
    ),
    "scatter nothing": (
        lambda: X.scatter(1, tg.tensor([[0]])),
        TypeError,
        r"one of src \(a tensor\) and value",
    ),
    "take": (
        lambda: X.take(tg.tensor([6])),
        IndexError,
        r"index 6 is out of range for a tensor of 6 elements",
    ),
    "take_along_dim": (
        lambda: X.take_along_dim(tg.tensor([[3]]), 1),
        IndexError,
        r"index 3 is out of bounds for dimension 1",
    ),
    "take_along_dim dims": (
        lambda: X.take_along_dim(I, 1),
        RuntimeError,
        r"same number of dimensions",
    ),
    "take_along_dim shapes": (
        lambda: X.take_along_dim(tg.zeros(5, 1).long(), 1),
        RuntimeError,
        r"cannot be broadcast apart from dimension 1",
    ),
    "masked_fill": (
        lambda: X.masked_fill(tg.tensor([1]), 0),
        RuntimeError,
        r"boolean tensor.*got int64",
    ),
    "masked_fill_ grows": (
        lambda: X.masked_fill_(tg.zeros(4, 2, 3) > 0, 1),
        RuntimeError,
        r"broadcast",
    ),
    "masked_select": (
        lambda: X.masked_select(tg.zeros(4) > 0),
        RuntimeError,
        r"\(2, 3\) and \(4,\) \(of the mask\) cannot be broadcast",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_impossible_index_is_explained(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()
