"""Writing at many places: scatter, index_put, put, masked_scatter, reductions, parts of a copy."""

import numpy as np
import pytest
from cases import Case, property_test, tuples
from hypothesis import strategies as st
from ops_cases import in_place, masks, positions

import tinygrad_edu as tg
from tinygrad_edu.testing import check_op
from tinygrad_edu.testing.strategies import arrays

SHAPE = (3, 4)


def along(index, dim):
    grids = list(np.indices(index.shape))
    grids[dim] = index
    return tuple(grids)


def elements(dim=0):
    """An array, positions along `dim`, and what is written there; all numbers are different."""
    size = (5, 3) if dim == 0 else (2, 6)
    both = arrays((12 + size[0] * size[1],))
    return st.tuples(both, positions(size, SHAPE[dim])).map(
        lambda pair: (pair[0][:12].reshape(SHAPE), pair[1], pair[0][12:].reshape(size))
    )


UFUNCS = {"sum": np.add, "prod": np.multiply, "amax": np.maximum, "amin": np.minimum}
START = {"sum": 0.0, "mean": 0.0, "prod": 1.0, "amax": -np.inf, "amin": np.inf}


def reduced(x, key, source, reduce, include_self):
    out = x.copy()
    if not include_self:
        out[key] = START[reduce]
    UFUNCS.get(reduce, np.add).at(out, key, source)
    if reduce == "mean":
        count = np.full(x.shape, float(include_self))
        np.add.at(count, key, 1)
        out = np.where(count > 0, out / np.maximum(count, 1), x)
    return out


def numpy_scatter_reduce(x, index, source, dim=0, reduce="sum", include_self=True):
    return reduced(x, along(index, dim), source, reduce, include_self)


def numpy_index_reduce(x, index, source, dim=0, reduce="prod", include_self=True):
    return reduced(x, (slice(None),) * dim + (index,), source, reduce, include_self)


def reductions(*names):
    return st.fixed_dictionaries(
        {"reduce": st.sampled_from(names)}, optional={"include_self": st.booleans()}
    )


def scatter_reduce(x, index, source, **kwargs):
    return tg.scatter_reduce(x, 0, index, source, **kwargs)


def scatter_reduce_in_place(x, index, source, **kwargs):
    return (x * 1).scatter_reduce_(0, index, source, **kwargs)


def index_reduce(x, index, source, **kwargs):
    return tg.index_reduce(x, 0, index, source, **kwargs)


def index_reduce_in_place(x, index, source, **kwargs):
    return (x * 1).index_reduce_(0, index, source, **kwargs)


def slices():
    return st.tuples(arrays((12 + 20,)), positions((5,), 3)).map(
        lambda pair: (pair[0][:12].reshape(SHAPE), pair[1], pair[0][12:].reshape(5, 4))
    )


@st.composite
def masked(draw):
    x, mask = draw(arrays(SHAPE)), draw(masks(draw(st.sampled_from([SHAPE, (4,), (3, 1)]))))
    return x, mask, draw(arrays((13,)))


def numpy_masked_scatter(x, mask, source):
    out = x.copy()
    mask = np.broadcast_to(mask, x.shape)
    out[mask] = source[: mask.sum()]
    return out


def distinct(size, count):
    return st.permutations(range(size)).map(lambda order: np.array(order[:count]))


def numpy_put(x, index, source, accumulate=False):
    out = x.copy()
    (np.add.at if accumulate else np.ndarray.__setitem__)(out.reshape(-1), index, source)
    return out


def numpy_index_put(x, i, j, values, accumulate=False):
    out = x.copy()
    (np.add.at if accumulate else np.ndarray.__setitem__)(out, (i, j), values)
    return out


def index_put(x, i, j, values, **kwargs):
    return tg.index_put(x, (i, j), values, **kwargs)


def written(key):
    """A NumPy function that writes into a part of a copy."""

    def reference(x, source, **_):
        out = x.copy()
        out[key] = source
        return out

    return reference


def numpy_diagonal_scatter(x, source, offset=0):
    out = x.copy()
    rows = np.arange(len(source)) + max(0, -offset)
    out[rows, rows + offset] = source
    return out


def numpy_strided_scatter(x, source, size, stride, storage_offset):
    out = np.ascontiguousarray(x).copy()
    i, j = np.indices(size)
    out.reshape(-1)[storage_offset + i * stride[0] + j * stride[1]] = source
    return out


CASES = [
    Case(
        "scatter_reduce",
        scatter_reduce,
        elements(),
        numpy_scatter_reduce,
        reductions(*START),
    ),
    Case(
        "scatter_reduce_",
        scatter_reduce_in_place,
        elements(),
        numpy_scatter_reduce,
        reductions(*START),
    ),
    Case(
        "scatter_reduce along columns",
        lambda x, i, s, **kw: tg.scatter_reduce(x, -1, i, s, **kw),
        elements(1),
        lambda x, i, s, **kw: numpy_scatter_reduce(x, i, s, 1, **kw),
        reductions("prod", "amax"),
    ),
    Case(
        "index_reduce",
        index_reduce,
        slices(),
        numpy_index_reduce,
        reductions("prod", "mean", "amax", "amin"),
    ),
    Case(
        "index_reduce_",
        index_reduce_in_place,
        slices(),
        numpy_index_reduce,
        reductions("prod", "amin"),
    ),
    Case(
        "scatter, multiplied",
        lambda x, i, s: tg.scatter(x, 0, i, s, reduce="multiply"),
        elements(),
        lambda x, i, s: numpy_scatter_reduce(x, i, s, 0, "prod"),
    ),
    Case(
        "scatter_, multiplied",
        in_place(lambda x, i: x.scatter_(0, i, 2.5, reduce="multiply")),
        tuples(arrays(SHAPE), positions((2, 3), 3)),
        lambda x, i: numpy_scatter_reduce(x, i, np.full(i.shape, 2.5), 0, "prod"),
    ),
    Case(
        "index_put",
        index_put,
        tuples(arrays(SHAPE), distinct(3, 2), positions((2,), 4), arrays((2,))),
        numpy_index_put,
    ),
    Case(
        "index_put, accumulated",
        index_put,
        tuples(arrays(SHAPE), positions((5,), 3), positions((5,), 4), arrays((5,))),
        numpy_index_put,
        {"accumulate": True},
    ),
    Case(
        "index_put_",
        in_place(lambda x, m, v: x.index_put_((m,), v)),
        tuples(arrays(SHAPE), masks((3,)), arrays((4,))),
        lambda x, m, v: np.where(m[:, None], v, x),
    ),
    Case(
        "put",
        tg.put,
        tuples(arrays(SHAPE), distinct(12, 4).map(lambda i: i - 6), arrays((4,))),
        numpy_put,
    ),
    Case(
        "put, accumulated",
        tg.put,
        tuples(arrays(SHAPE), positions((5,), 12), arrays((5,))),
        numpy_put,
        {"accumulate": True},
    ),
    Case(
        "put_",
        in_place(lambda x, i, v: x.put_(i, v)),
        tuples(arrays(SHAPE), distinct(12, 4), arrays((4,))),
        numpy_put,
    ),
    Case("masked_scatter", tg.masked_scatter, masked(), numpy_masked_scatter),
    Case(
        "masked_scatter_",
        in_place(lambda x, m, v: x.masked_scatter_(m, v)),
        masked(),
        numpy_masked_scatter,
    ),
    Case(
        "select_scatter",
        tg.select_scatter,
        tuples(arrays(SHAPE), arrays((3,))),
        written((slice(None), -2)),
        {"dim": 1, "index": -2},
    ),
    Case(
        "slice_scatter",
        tg.slice_scatter,
        tuples(arrays(SHAPE), arrays((3, 2))),
        written((slice(None), slice(1, None, 2))),
        {"dim": 1, "start": 1, "step": 2},
    ),
    Case(
        "diagonal_scatter",
        tg.diagonal_scatter,
        tuples(arrays(SHAPE), arrays((3,))),
        numpy_diagonal_scatter,
        {"offset": 1},
    ),
    Case(
        "as_strided_scatter",
        tg.as_strided_scatter,
        tuples(arrays(SHAPE), arrays((2, 2))),
        numpy_strided_scatter,
        {"size": (2, 2), "stride": (6, 2), "storage_offset": 1},
    ),
    Case(
        "fill_diagonal_",
        in_place(lambda x: x.fill_diagonal_(5.0)),
        arrays(SHAPE),
        lambda x: np.where(np.eye(3, 4) > 0, 5.0, x),
    ),
    Case("tril_", in_place(lambda x: x.tril_(1)), arrays(SHAPE), lambda x: np.tril(x, 1)),
    Case("triu_", in_place(lambda x: x.triu_(-1)), arrays(SHAPE), lambda x: np.triu(x, -1)),
    Case("fill", tg.fill, tuples(arrays(), arrays(())), np.full_like),
    Case(
        "addmm_",
        in_place(lambda x, a, b: x.addmm_(a, b, beta=2, alpha=0.5)),
        tuples(arrays((2, 3)), arrays((2, 2)), arrays((2, 3))),
        lambda x, a, b: 2 * x + 0.5 * (a @ b),
    ),
    Case(
        "addr",
        tg.addr,
        tuples(arrays((2, 3)), arrays((2,)), arrays((3,))),
        lambda x, v, w, beta=1, alpha=1: beta * x + alpha * np.outer(v, w),
        st.fixed_dictionaries({}, optional={"beta": st.just(2), "alpha": st.just(0.5)}),
    ),
    Case(
        "addbmm",
        tg.addbmm,
        tuples(arrays((2, 3)), arrays((4, 2, 2)), arrays((4, 2, 3))),
        lambda x, a, b, beta=1, alpha=1: beta * x + alpha * (a @ b).sum(0),
        st.fixed_dictionaries({}, optional={"beta": st.just(2), "alpha": st.just(0.5)}),
    ),
]

test_scattering_operations = property_test(CASES)


# Products with zeros, ties, nothing written.


@pytest.mark.parametrize("include_self", [True, False])
def test_the_gradient_of_a_product_is_right_where_factors_are_zero(include_self):
    index = np.array([0, 1, 1, 2, 2, 2])
    x, source = np.array([0.0, 2.0, 3.0, 4.0]), np.array([2.0, 0.0, 3.0, 0.0, 0.0, 5.0])
    check_op(
        lambda x, i, s: tg.scatter_reduce(x, 0, i, s, "prod", include_self=include_self),
        x,
        index,
        source,
        layouts=False,
    )


def test_equal_extremes_share_the_gradient():
    x = tg.tensor([2.0, 2.0], requires_grad=True)
    source = tg.tensor([2.0, 2.0, 1.0], requires_grad=True)
    x.scatter_reduce(0, tg.tensor([0, 0, 1]), source, "amax").sum().backward()
    assert x.grad.tolist() == [pytest.approx(1 / 3), 1]
    assert source.grad.tolist() == [pytest.approx(1 / 3), pytest.approx(1 / 3), 0]


def test_nothing_written_changes_nothing():
    x, none = tg.tensor([1.0, 2.0], requires_grad=True), tg.tensor([], dtype=tg.int64)
    for reduce in START:
        y = tg.scatter_reduce(x, 0, none, tg.zeros(0), reduce, include_self=False)
        assert y.tolist() == [1, 2]
        assert tg.autograd.grad(y.sum(), x)[0].tolist() == [1, 1]


def test_integers_are_reduced_to_integers():
    x, index = tg.tensor([1, 2]), tg.tensor([0, 0])
    source = tg.tensor([5, 9])
    found = {r: x.scatter_reduce(0, index, source, r).tolist() for r in START}
    assert found == {
        "sum": [15, 2],
        "mean": [5, 2],
        "prod": [45, 2],
        "amax": [9, 2],
        "amin": [1, 2],
    }
    assert x.scatter_reduce(0, index, source, "amin", include_self=False).tolist() == [5, 2]
    flags = tg.tensor([False]).scatter_reduce(0, tg.tensor([0]), tg.tensor([True]), "amax")
    assert flags.tolist() == [True]


def test_a_source_larger_than_the_index_is_used_in_part():
    found = tg.zeros(2).scatter_reduce(0, tg.tensor([1]), tg.tensor([3.0, 9.0]), "sum")
    assert found.tolist() == [0, 3]


def test_masked_scatter_of_a_number():
    x, mask = tg.tensor(1.0), tg.tensor(True)
    assert tg.masked_scatter(x, mask, tg.tensor([5.0, 6.0])).item() == 5


def test_an_index_of_whole_dimensions():
    x = tg.index_put(tg.zeros(2, 3), (None, tg.tensor([1])), tg.tensor([[1.0], [2.0]]))
    assert x.tolist() == [[0, 1, 0], [0, 2, 0]]


def test_diagonals_of_tall_matrices_and_of_cubes():
    tall = tg.zeros(7, 3).fill_diagonal_(1, wrap=True)
    expected = np.zeros((7, 3))
    np.fill_diagonal(expected, 1, wrap=True)
    assert tall.tolist() == expected.tolist()
    assert tg.zeros(7, 3).fill_diagonal_(1).sum().item() == 3
    assert tg.zeros(2, 2, 2).fill_diagonal_(1).nonzero().tolist() == [[0, 0, 0], [1, 1, 1]]


# Errors.

X, I, V = tg.zeros(2, 3), tg.tensor([0]), tg.ones(1)  # noqa: E741
LEAF = tg.ones(2, 3, requires_grad=True)
ERRORS = {
    "leaf": (LEAF.tril_, RuntimeError, r"tril_: a leaf tensor that requires grad"),
    "does not fit": (
        lambda: tg.ones(3).addmm_(tg.ones(2, 2), tg.ones(2, 3)),
        RuntimeError,
        r"addmm_: the result, of shape \(2, 3\).*does not fit.*Use `addmm`",
    ),
    "index_put, tensor": (lambda: tg.index_put(X, I, V), TypeError, r"a tuple of tensors"),
    "index_put, number": (lambda: tg.index_put(X, (I,), 1.0), TypeError, r"got float"),
    "index_put, type": (lambda: tg.index_put(X, (I,), V.double()), RuntimeError, r"same type"),
    "index_put, range": (
        lambda: tg.index_put(X, (tg.tensor([2]),), V),
        IndexError,
        r"index_put: index 2 is out of bounds.*\(2, 3\)",
    ),
    "put": (lambda: X.put(tg.tensor([6]), V), IndexError, r"index 6 is out of range for 6"),
    "put, sizes": (lambda: X.put(I, tg.ones(2)), IndexError, r"got 1 and 2"),
    "masked_scatter, few": (
        lambda: X.masked_scatter(X == 0, V),
        RuntimeError,
        r"6 elements are to be written, but the source has only 1",
    ),
    "masked_scatter, shapes": (
        lambda: X.masked_scatter(tg.zeros(4) > 0, V),
        RuntimeError,
        r"cannot be broadcast",
    ),
    "scatter_reduce": (
        lambda: tg.zeros(2).scatter_reduce(0, I, V, "median"),
        RuntimeError,
        r"one of sum, prod, mean, amax, amin; got 'median'",
    ),
    "scatter_reduce, source": (
        lambda: tg.zeros(2).scatter_reduce(0, tg.tensor([0, 1]), V, "sum"),
        RuntimeError,
        r"\(2,\) must not be larger than the source of shape \(1,\)",
    ),
    "index_reduce": (
        lambda: tg.zeros(2).index_reduce(0, I, V, "sum"),
        RuntimeError,
        r"one of prod, mean",
    ),
    "select_scatter": (
        lambda: tg.select_scatter(X, tg.ones(3), 0, 2),
        IndexError,
        r"index 2 is out of range",
    ),
    "select_scatter, shape": (
        lambda: tg.select_scatter(X, V, 0, 1),
        RuntimeError,
        r"the part that it replaces, \(3,\); got \(1,\)",
    ),
    "slice_scatter": (lambda: tg.slice_scatter(X, X, step=0), RuntimeError, r"be positive; got 0"),
    "diagonal_scatter": (
        lambda: tg.diagonal_scatter(X, V, 0, 1, 1),
        RuntimeError,
        r"dim1=1 and dim2=1",
    ),
    "as_strided_scatter": (
        lambda: tg.as_strided_scatter(X, V, (2,), (0,)),
        RuntimeError,
        r"name some elements twice",
    ),
    "as_strided_scatter, shape": (
        lambda: tg.as_strided_scatter(X, V, (2,), (1,)),
        RuntimeError,
        r"must have shape \(2,\); got \(1,\)",
    ),
    "fill_diagonal_": (lambda: V.fill_diagonal_(1), RuntimeError, r"at least two dimensions"),
    "fill_diagonal_, sizes": (
        lambda: tg.zeros(2, 2, 3).fill_diagonal_(1),
        RuntimeError,
        r"all sizes need to be equal",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_what_cannot_be_written_is_explained(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()


def test_in_place_forms_are_noticed_by_autograd():
    x = tg.ones(2, 2, requires_grad=True) * 1
    y = x.exp()
    y.tril_()
    with pytest.raises(RuntimeError, match="changed by an in-place operation"):
        y.sum().backward()
