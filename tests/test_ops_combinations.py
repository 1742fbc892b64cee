"""Grids and combinations, stacking and cutting by rows and columns."""

import numpy as np
import pytest
from cases import Case, property_test, tuples
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.testing.strategies import arrays, shapes


def numpy_grid(x, y, indexing):
    return tuple(np.meshgrid(x, y, indexing=indexing))


def numpy_products(x, y):
    return np.stack([a.reshape(-1) for a in np.meshgrid(x, y, indexing="ij")], 1)


def numpy_combinations(x, r=2, with_replacement=False):
    import itertools

    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    return np.array([x[list(pick)] for pick in choose(range(len(x)), r)]).reshape(-1, r)


def numpy_block_diag(x, y, z):
    out = np.zeros((2 + 1 + 1, 3 + 1 + 2))
    out[:2, :3], out[2, 3], out[3, 4:] = x, y, z
    return out


@st.composite
def alike(draw, count=2, **sides):
    shape = draw(shapes(**sides))
    return tuple(draw(arrays(shape)) for _ in range(count))


def pieces(function):
    """A function that cuts, without the names of its arguments."""
    return lambda x, sections=None, indices=None: tuple(function(x, sections or indices or ()))


CUTS = st.one_of(
    st.fixed_dictionaries({"sections": st.sampled_from([1, 2, 4])}),
    st.fixed_dictionaries({"indices": st.sampled_from([(1,), (1, 3), (3, 1), ()])}),
)

CASES = [
    Case(
        "meshgrid",
        tg.meshgrid,
        tuples(arrays((3,)), arrays((2,))),
        numpy_grid,
        st.fixed_dictionaries({"indexing": st.sampled_from(["ij", "xy"])}),
    ),
    Case(
        "cartesian_prod",
        tg.cartesian_prod,
        tuples(arrays((3,)), arrays((2,))),
        numpy_products,
    ),
    Case(
        "combinations",
        tg.combinations,
        arrays((4,)),
        numpy_combinations,
        st.fixed_dictionaries(
            {}, optional={"r": st.integers(1, 5), "with_replacement": st.booleans()}
        ),
    ),
    Case(
        "block_diag",
        tg.block_diag,
        tuples(arrays((2, 3)), arrays(()), arrays((2,))),
        numpy_block_diag,
    ),
    Case(
        "rot90",
        tg.rot90,
        arrays(shapes(min_dims=2)),
        lambda x, k=1, dims=(0, 1): np.rot90(x, k, dims),
        st.fixed_dictionaries({}, optional={"k": st.integers(-3, 5), "dims": st.just((1, 0))}),
    ),
    Case(
        "vander",
        tg.vander,
        arrays((3,)),
        np.vander,
        st.fixed_dictionaries({"N": st.integers(1, 4), "increasing": st.booleans()}),
        options={"second_order": False},
    ),
    Case("diagflat", tg.diagflat, arrays(shapes(max_side=2)), np.diagflat),
    Case("column_stack", lambda *x: tg.column_stack(x), alike(), lambda *x: numpy_columns(x)),
    Case("row_stack", lambda *x: tg.row_stack(x), alike(), lambda *x: np.vstack(x)),
    Case("hsplit", tg.hsplit, arrays((2, 4)), pieces(np.hsplit), CUTS),
    Case("vsplit", tg.vsplit, arrays((4, 2)), pieces(np.vsplit), CUTS),
    Case("dsplit", tg.dsplit, arrays((1, 2, 4)), pieces(np.dsplit), CUTS),
    Case(
        "split_with_sizes",
        tg.split_with_sizes,
        arrays((4, 2)),
        lambda x, split_sizes: (x[:1], x[1:1], x[1:]),
        {"split_sizes": [1, 0, 3]},
    ),
    Case(
        "constant_pad_nd",
        tg.constant_pad_nd,
        arrays((2, 3)),
        lambda x, pad, value: np.pad(x, ((0, 0), (1, 2)), constant_values=value),
        {"pad": (1, 2), "value": 7.0},
    ),
]


def numpy_columns(parts):
    parts = [x.reshape(-1, 1) if x.ndim < 2 else x for x in parts]
    return np.hstack(parts)


test_grid_operations = property_test(CASES)


def test_meshgrid_warns_without_indexing():
    with pytest.warns(UserWarning, match="pass indexing='ij'"):
        rows, _columns = tg.meshgrid(tg.arange(2), tg.arange(3))
    assert rows.shape == (2, 3)


def test_meshgrid_of_numbers_lists_and_nothing():
    grid = tg.meshgrid([tg.arange(2), tg.tensor(5), tg.arange(0)], indexing="ij")
    assert [x.shape for x in grid] == [(2, 1, 0)] * 3
    (alone,) = tg.meshgrid(tg.arange(2), indexing="xy")
    assert alone.tolist() == [0, 1]


def test_one_vector_is_its_own_product():
    x = tg.arange(3)
    assert tg.cartesian_prod(x) is x
    assert tg.combinations(x, 0).shape == (0,)
    assert tg.combinations(x, 4).shape == (0, 4)


def test_blocks_of_nothing_and_of_several_types():
    assert tg.block_diag().shape == (1, 0)
    assert tg.block_diag(tg.zeros(0, 2), tg.ones(1, 1)).tolist() == [[0, 0, 1]]
    assert tg.block_diag(tg.tensor([[1]]), tg.ones(1, 1)).dtype == tg.float32


def test_powers_of_booleans_are_integers():
    assert tg.vander(tg.tensor([True, False])).tolist() == [[1, 1], [0, 1]]
    assert tg.vander(tg.tensor([1, 2]), 0).shape == (2, 0)


def test_broadcast_shapes_takes_numbers_and_sequences():
    assert tg.broadcast_shapes((2, 1), [3], 3) == (2, 3)
    assert tg.broadcast_shapes() == ()


def test_unravel_index_wraps_around():
    rows, columns = tg.unravel_index(tg.tensor([5, 7, -1]), (2, 3))
    assert rows.tolist() == [1, 0, 1]
    assert columns.tolist() == [2, 1, 2]
    assert tg.unravel_index(tg.tensor(3), 5)[0].item() == 3


def test_repeats_alone_are_positions():
    assert tg.repeat_interleave(tg.tensor([1, 0, 2])).tolist() == [0, 2, 2]
    assert tg.ones(2).repeat_interleave(2, output_size=4).shape == (4,)


def test_a_turned_tensor_is_a_copy():
    x = tg.zeros(2, 2)
    for k in range(4):
        tg.rot90(x, k).fill_(1)
    assert x.sum().item() == 0
    assert list(reversed(tg.arange(3))) == [2, 1, 0]


ERRORS = {
    "meshgrid": (lambda: tg.meshgrid(indexing="ij"), RuntimeError, r"at least one tensor"),
    "meshgrid, matrix": (
        lambda: tg.meshgrid(tg.ones(2, 2), indexing="ij"),
        RuntimeError,
        r"vectors are expected; got shape \(2, 2\)",
    ),
    "meshgrid, types": (
        lambda: tg.meshgrid(tg.ones(2), tg.arange(2), indexing="ij"),
        RuntimeError,
        r"float32 and int64",
    ),
    "meshgrid, indexing": (
        lambda: tg.meshgrid(tg.ones(2), indexing="yx"),
        RuntimeError,
        r"'ij' or 'xy'; got 'yx'",
    ),
    "cartesian_prod": (lambda: tg.cartesian_prod(tg.eye(2)), RuntimeError, r"vectors are expe"),
    "combinations": (lambda: tg.combinations(tg.eye(2)), RuntimeError, r"a vector is expected"),
    "combinations, r": (lambda: tg.combinations(tg.ones(2), -1), RuntimeError, r"got -1"),
    "block_diag": (lambda: tg.block_diag(tg.ones(1, 1, 1)), RuntimeError, r"element 0 has shape"),
    "block_diag, list": (lambda: tg.block_diag([1.0]), TypeError, r"is not a tensor but list"),
    "broadcast_shapes": (lambda: tg.broadcast_shapes((2,), (3,)), RuntimeError, r"cannot be br"),
    "broadcast_shapes, negative": (
        lambda: tg.broadcast_shapes((-1,)),
        ValueError,
        r"cannot be negative",
    ),
    "rot90": (lambda: tg.rot90(tg.ones(2)), RuntimeError, r"at least two are needed|that has at"),
    "rot90, dims": (lambda: tg.rot90(tg.eye(2), 1, (0, 0)), RuntimeError, r"are the same"),
    "vander": (lambda: tg.vander(tg.eye(2)), RuntimeError, r"a vector is expected"),
    "vander, N": (lambda: tg.vander(tg.ones(2), -1), RuntimeError, r"cannot be negative; got -1"),
    "unravel_index": (lambda: tg.unravel_index(tg.ones(2), (2,)), TypeError, r"of integers"),
    "unravel_index, shape": (
        lambda: tg.unravel_index(tg.arange(2), (-2,)),
        ValueError,
        r"cannot be negative",
    ),
    "hsplit": (lambda: tg.hsplit(tg.tensor(1.0), 1), RuntimeError, r"hsplit: at least 1"),
    "vsplit": (lambda: tg.vsplit(tg.ones(4), 2), RuntimeError, r"vsplit: at least 2"),
    "dsplit": (
        lambda: tg.dsplit(tg.ones(1, 1, 4), 3),
        RuntimeError,
        r"dimension 2, of size 4, cannot be divided into 3 equal parts",
    ),
    "repeats, negative": (
        lambda: tg.ones(2).repeat_interleave(-1),
        RuntimeError,
        r"not negative; got -1",
    ),
    "repeats, floats": (
        lambda: tg.ones(2).repeat_interleave(tg.ones(2)),
        RuntimeError,
        r"are integers.*float32",
    ),
    "repeats, matrix": (lambda: tg.repeat_interleave(tg.eye(2)), RuntimeError, r"are a vector"),
    "repeats, output_size": (
        lambda: tg.ones(2).repeat_interleave(2, output_size=5),
        RuntimeError,
        r"output_size=5, but the result has 4",
    ),
    "hsplit, nothing": (lambda: tg.hsplit(tg.ones(2)), TypeError, r"number of sections or the ind"),
    "column_stack": (lambda: tg.column_stack([]), RuntimeError, r"at least one tensor"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_impossible_grid_is_explained(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()
