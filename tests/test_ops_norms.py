"""Norms, distances and products of vectors and matrices."""

import math

import numpy as np
import pytest
from cases import Case, property_test, tuples
from hypothesis import strategies as st
from matrices import matrices, square

import tinygrad_edu as tg
from tinygrad_edu.testing.strategies import arrays, axes, shapes

ORDERS = [0.5, 1, 2, 3, -1, math.inf, -math.inf]


def vector_norm(x):
    return st.fixed_dictionaries(
        {"ord": st.sampled_from(ORDERS)}, optional={"dim": axes(x.ndim), "keepdim": st.booleans()}
    )


def numpy_vector_norm(x, ord=2, dim=None, keepdim=False):
    axis = tuple(range(x.ndim)) if dim is None else dim
    x = np.abs(x)
    if math.isinf(ord):
        return (np.max if ord > 0 else np.min)(x, axis=axis, keepdims=keepdim)
    return np.sum(x**ord, axis=axis, keepdims=keepdim) ** (1 / ord)


def numpy_matrix_norm(x, ord="fro", dim=(-2, -1), keepdim=False):
    return np.linalg.norm(x, ord, axis=dim, keepdims=keepdim)


def numpy_cond(x, p=None):
    return np.linalg.cond(x, p)


@st.composite
def points(draw, most=3):
    """Two sets of points of one dimension, in batches that can be broadcast."""
    lead = draw(st.sampled_from([((), ()), ((2,), (2,)), ((2,), (1,)), ((), (2,))]))
    size = draw(st.integers(1, 3))
    counts = draw(st.integers(1, most)), draw(st.integers(1, most))
    both = draw(arrays((sum(math.prod((*b, c, size)) for b, c in zip(lead, counts, strict=True)),)))
    first = math.prod((*lead[0], counts[0], size))
    return (
        both[:first].reshape(*lead[0], counts[0], size),
        both[first:].reshape(*lead[1], counts[1], size),
    )


def numpy_cdist(x, y, p=2.0, compute_mode=None):
    return numpy_vector_norm(x[..., :, None, :] - y[..., None, :, :], p, -1)


def numpy_pdist(x, p=2.0):
    i, j = np.triu_indices(len(x), 1)
    return numpy_vector_norm(x[i] - x[j], p, -1)


def numpy_cross(x, y, dim=-1):
    return np.cross(x, y, axis=dim)


def threes(draw_shape, dim):
    shape = list(draw_shape)
    shape[dim] = 3
    return tuple(shape)


@st.composite
def vectors_of_three(draw):
    shape = threes(draw(shapes(min_dims=1)), -1)
    other = (*(draw(st.sampled_from([1, n])) for n in shape[:-1]), 3)
    return draw(arrays(shape)), draw(arrays(other))


def numpy_powers(x, N=None):
    return np.stack([x**k for k in range(x.shape[-1] if N is None else N)], -1)


POSITIVE = {"low": 0.2, "high": 3}

CASES = [
    Case(
        "linalg.vector_norm",
        tg.linalg.vector_norm,
        arrays(**POSITIVE),
        numpy_vector_norm,
        vector_norm,
    ),
    Case(
        "matrix_norm",
        tg.linalg.matrix_norm,
        matrices((2, 3), (2, 3)),
        numpy_matrix_norm,
        st.fixed_dictionaries(
            {"ord": st.sampled_from(["fro", "nuc", 2, -2, 1, -1, math.inf, -math.inf])},
            optional={"dim": st.sampled_from([(-2, -1), (-1, -2)]), "keepdim": st.booleans()},
        ),
    ),
    Case("linalg.norm", tg.linalg.norm, matrices((2, 3), (2, 3)), lambda x: np.sqrt(np.sum(x**2))),
    Case(
        "linalg.norm of a matrix",
        tg.linalg.norm,
        arrays((2, 3)),
        np.linalg.norm,
        st.fixed_dictionaries({"ord": st.sampled_from(["fro", 1, -1, math.inf])}),
    ),
    Case(
        "linalg.norm along a dimension",
        tg.linalg.norm,
        arrays((2, 3), **POSITIVE),
        numpy_vector_norm,
        st.fixed_dictionaries({"ord": st.sampled_from(ORDERS), "dim": st.integers(-2, 1)}),
    ),
    Case(
        "norm_except_dim",
        tg.norm_except_dim,
        arrays(shapes(min_dims=2), **POSITIVE),
        lambda x, pow, dim: numpy_vector_norm(
            x, pow, tuple(d for d in range(x.ndim) if d != dim), True
        ),
        lambda x: st.fixed_dictionaries(
            {"pow": st.sampled_from([1, 2]), "dim": st.integers(0, x.ndim - 1)}
        ),
    ),
    Case(
        "cond",
        tg.linalg.cond,
        square((2, 3)),
        numpy_cond,
        st.fixed_dictionaries({"p": st.sampled_from([None, 2, -2, "fro", "nuc", 1, math.inf])}),
    ),
    Case(
        "linalg.cross",
        tg.linalg.cross,
        vectors_of_three(),
        numpy_cross,
        options={"atol": 1e-9},
    ),
    Case(
        "cross",
        tg.cross,
        tuples(arrays((3, 2)), arrays((3, 2))),
        numpy_cross,
        {"dim": 0},
    ),
    Case(
        "vecdot",
        tg.linalg.vecdot,
        tuples(arrays((2, 3)), arrays((3,))),
        lambda x, y, dim=-1: (x * y).sum(dim),
        st.fixed_dictionaries({}, optional={"dim": st.sampled_from([0, -1])}),
    ),
    Case(
        "linalg.diagonal",
        tg.linalg.diagonal,
        arrays(shapes(min_dims=2)),
        lambda x, offset=0: np.diagonal(x, offset, -2, -1),
        st.fixed_dictionaries({}, optional={"offset": st.integers(-2, 2)}),
    ),
    Case(
        "linalg.vander",
        tg.linalg.vander,
        arrays(shapes(min_dims=1, max_side=3)),
        numpy_powers,
        st.fixed_dictionaries({"N": st.integers(2, 4)}),
    ),
    Case(
        "cdist, Euclidean",
        tg.cdist,
        points(),
        numpy_cdist,
        st.fixed_dictionaries(
            {},
            optional={
                "compute_mode": st.sampled_from(
                    [
                        "use_mm_for_euclid_dist_if_necessary",
                        "use_mm_for_euclid_dist",
                        "donot_use_mm_for_euclid_dist",
                    ]
                )
            },
        ),
        options={"atol": 1e-7, "float32": False, "second_order": False},
    ),
    Case(
        "cdist",
        tg.cdist,
        points(),
        numpy_cdist,
        st.fixed_dictionaries({"p": st.sampled_from([1.0, 1.5, 3.0, math.inf])}),
        options={"second_order": False},
    ),
    Case(
        "pdist",
        tg.pdist,
        arrays(shapes(min_dims=2, max_dims=2, min_side=2)),
        numpy_pdist,
        st.fixed_dictionaries({}, optional={"p": st.sampled_from([1.0, 2.0, 3.0])}),
        options={"second_order": False},
    ),
]

test_vector_operations = property_test(CASES)


def test_distances_can_be_differentiated_twice():
    from tinygrad_edu.testing import check_op

    x, y = np.array([[0.0, 1.0], [2.0, -1.0]]), np.array([[0.5, 0.5], [3.0, 1.0], [-1.0, 2.0]])
    check_op(tg.cdist, x, y)
    check_op(tg.pdist, y)


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, math.inf])
def test_the_gradient_of_the_distance_zero_is_zero(p):
    x = tg.tensor([[1.0, 2.0], [1.0, 2.0]], requires_grad=True)
    distances = tg.cdist(x, x, p)
    distances.sum().backward()
    assert x.grad.tolist() == [[0, 0], [0, 0]]


def test_many_distances_come_from_a_product_of_matrices():
    x = tg.randn(30, 3, dtype=tg.float64)
    exact = tg.cdist(x, x + 1, compute_mode="donot_use_mm_for_euclid_dist")
    np.testing.assert_allclose(tg.cdist(x, x + 1), exact, rtol=1e-9)


def test_points_without_coordinates_are_all_one():
    assert tg.cdist(tg.zeros(2, 0), tg.zeros(3, 0), 1.0).tolist() == np.zeros((2, 3)).tolist()
    assert tg.cdist(tg.zeros(2, 0), tg.zeros(3, 0)).tolist() == np.zeros((2, 3)).tolist()
    assert tg.pdist(tg.zeros(3, 0)).tolist() == [0, 0, 0]


def test_norms_count_and_convert():
    x = tg.tensor([[3.0, 0.0], [0.0, -4.0]])
    assert tg.linalg.vector_norm(x, 0).item() == 2
    assert tg.linalg.vector_norm(x, dtype=tg.float64).dtype == tg.float64
    assert tg.linalg.matrix_norm(x, dtype=tg.float64).dtype == tg.float64
    assert tg.linalg.norm(x, 2, dim=(0, 1)).item() == 4
    assert tg.linalg.norm(tg.ones(2, 2, 2)).item() == pytest.approx(math.sqrt(8))
    assert tg.norm_except_dim(x, 2, -1).item() == 5
    assert tg.norm_except_dim(x[0]).tolist() == [3, 0]


def test_the_condition_of_a_singular_matrix_is_infinite():
    assert tg.linalg.cond(tg.zeros(2, 2), 1).item() == math.inf
    batch = tg.stack([tg.zeros(2, 2), tg.eye(2)])
    assert tg.linalg.cond(batch, 1).tolist() == [math.inf, 1]


def test_the_largest_of_nothing_is_zero():
    for order in ("nuc", 2, 1, math.inf):
        assert tg.linalg.matrix_norm(tg.zeros(2, 0), order).item() == 0
    assert tg.linalg.cond(tg.zeros(3, 0, 0)).tolist() == [0, 0, 0]


def test_cross_without_a_dimension_takes_the_first_of_size_three():
    x, y = tg.eye(3)[:, :2], tg.eye(3)[:, 1:]
    with pytest.warns(UserWarning, match="pass dim"):
        found = tg.cross(x, y)
    assert found.tolist() == tg.cross(x, y, dim=0).tolist()
    with (
        pytest.warns(UserWarning, match="pass dim"),
        pytest.raises(RuntimeError, match=r"no dimension of size 3 in the shape \(2, 2\)"),
    ):
        tg.cross(tg.eye(2), tg.eye(2))


X = tg.ones(2, 3)
ERRORS = {
    "vector_norm": (lambda: tg.linalg.vector_norm(X, "fro"), TypeError, r"got 'fro'"),
    "vector_norm of integers": (
        lambda: tg.linalg.vector_norm(X.long()),
        RuntimeError,
        r"a floating type is needed; got int64",
    ),
    "vector_norm of a number": (
        lambda: tg.linalg.vector_norm(tg.tensor(1.0), dim=1),
        IndexError,
        r"out of range",
    ),
    "matrix_norm": (lambda: tg.linalg.matrix_norm(X, 3), RuntimeError, r"-inf; got 3"),
    "matrix_norm of a vector": (
        lambda: tg.linalg.matrix_norm(X[0]),
        RuntimeError,
        r"got shape \(3,\)",
    ),
    "matrix_norm, one dim": (
        lambda: tg.linalg.matrix_norm(X, dim=0),
        RuntimeError,
        r"two dimensions; got 0",
    ),
    "matrix_norm, same dims": (
        lambda: tg.linalg.matrix_norm(X, dim=(0, -2)),
        RuntimeError,
        r"are the same",
    ),
    "norm, dims": (
        lambda: tg.linalg.norm(X[None], 2, dim=(0, 1, 2)),
        RuntimeError,
        r"one or two dimensions",
    ),
    "norm, ord of a cube": (
        lambda: tg.linalg.norm(X[None], 2),
        RuntimeError,
        r"a vector or a matrix is needed",
    ),
    "norm, name of a vector": (
        lambda: tg.linalg.norm(X[0], "nuc"),
        RuntimeError,
        r"one of matrices",
    ),
    "cond": (lambda: tg.linalg.cond(X[0]), RuntimeError, r"a matrix is needed"),
    "vecdot": (
        lambda: tg.linalg.vecdot(X, X.double()),
        RuntimeError,
        r"float32 and float64",
    ),
    "cdist, types": (lambda: tg.cdist(X, X.double()), RuntimeError, r"float32 and float64"),
    "cross, size": (lambda: tg.linalg.cross(X, X, dim=0), RuntimeError, r"must have size 3"),
    "cross, dims": (lambda: tg.linalg.cross(X, X[0]), RuntimeError, r"same number of dim"),
    "vander": (lambda: tg.linalg.vander(X, N=1), RuntimeError, r"greater than 1; got 1"),
    "vander of a number": (lambda: tg.linalg.vander(X[0, 0]), RuntimeError, r"got shape \(\)"),
    "cdist, mode": (lambda: tg.cdist(X, X, compute_mode="fast"), ValueError, r"got 'fast'"),
    "cdist of a vector": (lambda: tg.cdist(X, X[0]), RuntimeError, r"x2 has rows of points"),
    "cdist, coordinates": (lambda: tg.cdist(X, X[:, :2]), RuntimeError, r"got 3 and 2"),
    "cdist, p": (lambda: tg.cdist(X, X, -1.0), RuntimeError, r"cannot be negative; got -1"),
    "pdist": (lambda: tg.pdist(X[0]), RuntimeError, r"a matrix"),
    "pdist, p": (lambda: tg.pdist(X, -1.0), RuntimeError, r"cannot be negative"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_impossible_norm_is_explained(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()
