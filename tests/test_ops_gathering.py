"""Gathering: elements by position or mask, read and written: gather, scatter, index_*, masked_*."""

import numpy as np
import pytest
from cases import Case, property_test, tuples
from hypothesis import strategies as st
from ops_cases import in_place, masks, numpy_assign, positions

import tinygrad_edu as tg
from tinygrad_edu.testing.strategies import arrays, shapes


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


CASES = [
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

test_gathering_operations = property_test(CASES)


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


def test_slices_of_a_number_are_those_of_a_vector_of_one():
    x, index, source = tg.tensor(1.0), tg.tensor([0]), tg.tensor(5.0)
    assert x.index_select(0, index).shape == ()
    assert x.index_add(0, index, source).item() == 6
    assert x.index_copy(0, index, source).item() == 5
    assert x.index_fill(0, index, 7).item() == 7
    y = x.clone()
    assert y.index_add_(0, index, source) is y
    assert y.index_copy_(0, index, y * 2).item() == 12
    assert y.index_fill_(0, index, 3).item() == 3


def test_index_fill_counts_negative_positions_from_the_end():
    assert tg.zeros(3).index_fill(0, tg.tensor([-1]), 1).tolist() == [0, 0, 1]
    assert tg.zeros(3).index_fill_(0, tg.tensor([0, -1]), 1).tolist() == [1, 0, 1]


def test_nonzero_static_fills_up_or_cuts_off():
    x = tg.tensor([[0, 1], [0, 2]])
    assert tg.nonzero_static(x, size=3, fill_value=9).tolist() == [[0, 1], [1, 1], [9, 9]]
    assert tg.nonzero_static(x, size=1).tolist() == [[0, 1]]


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
        lambda: tg.tensor(1.0).index_select(1, I),
        IndexError,
        r"out of range",
    ),
    "index_add above": (
        lambda: X.index_add(0, tg.tensor([2]), X[:1]),
        IndexError,
        r"index 2 is out of bounds for dimension 0 with size 2",
    ),
    "nonzero_static": (
        lambda: tg.nonzero_static(X, size=-1),
        RuntimeError,
        r"cannot be negative; got -1",
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
    "gather sparse": (
        lambda: tg.gather(X, 0, tg.tensor([[0]]), sparse_grad=True),
        RuntimeError,
        "no sparse tensors",
    ),
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
        r"None, 'add' or 'multiply'; got 'mean'",
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
