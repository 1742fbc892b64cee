"""Systems of linear equations, inverses, determinants, powers, exponentials of matrices."""

import math

import numpy as np
import pytest
from cases import Case, property_test, tuples
from hypothesis import strategies as st
from matrices import matrices, numpy_of, square, squares_and

import tinygrad_edu as tg
from tinygrad_edu.testing import check_op
from tinygrad_edu.testing.strategies import arrays


def flags(*names):
    return st.fixed_dictionaries({name: st.booleans() for name in names})


def numpy_solve(a, b, left=True):
    if not left:
        return numpy_solve(a.mT, b.mT).mT
    vector = b.ndim == 1 or (a.ndim - 1 == b.ndim and b.shape == a.shape[:-1])
    return np.linalg.solve(a, b[..., None])[..., 0] if vector else np.linalg.solve(a, b)


def numpy_triangular(a, b, upper=False, left=True, unitriangular=False):
    a = np.triu(a) if upper else np.tril(a)
    if unitriangular:
        index = np.arange(a.shape[-1])
        a = a.copy()
        a[..., index, index] = 1
    return numpy_solve(a, b, left)


def numpy_exp(x):
    result, term = np.eye(x.shape[-1]) + 0 * x, np.eye(x.shape[-1]) + 0 * x
    for k in range(1, 60):
        term = term @ x / k
        result = result + term
    return result


def numpy_logdet(x):
    return np.linalg.slogdet(x)[1]


@st.composite
def triangles_and(draw):
    """A right-hand side, and matrices to be taken for triangular ones."""
    a, b = draw(squares_and())
    return b, a


CASES = [
    Case("linalg.inv", tg.linalg.inv, square(), np.linalg.inv),
    Case("det", tg.det, square(), np.linalg.det),
    Case("slogdet", lambda x: tg.slogdet(x)[1], square(), numpy_logdet),
    Case("logdet", tg.logdet, square(), numpy_logdet),
    Case("solve", tg.linalg.solve, squares_and(vectors=True), numpy_solve),
    Case(
        "solve from the right",
        tg.linalg.solve,
        squares_and(left=False),
        numpy_solve,
        {"left": False},
    ),
    Case(
        "solve_triangular",
        tg.linalg.solve_triangular,
        squares_and(),
        numpy_triangular,
        flags("upper", "unitriangular"),
    ),
    Case(
        "solve_triangular from the right",
        tg.linalg.solve_triangular,
        squares_and(left=False),
        numpy_triangular,
        st.fixed_dictionaries({"upper": st.booleans(), "left": st.just(False)}),
    ),
    Case(
        "triangular_solve",
        lambda b, a, **kw: tg.triangular_solve(b, a, **kw)[0],
        triangles_and(),
        lambda b, a, upper, transpose: numpy_solve(
            (np.triu(a) if upper else np.tril(a)).swapaxes(-1, -2 if transpose else -1), b
        ),
        flags("upper", "transpose"),
    ),
    Case(
        "cholesky_solve",
        lambda b, a, upper: tg.cholesky_solve(b, a.triu() if upper else a.tril(), upper),
        triangles_and(),
        lambda b, a, upper: np.linalg.solve(
            np.triu(a).mT @ np.triu(a) if upper else np.tril(a) @ np.tril(a).mT, b
        ),
        flags("upper"),
    ),
    Case(
        "cholesky_inverse",
        lambda a: tg.cholesky_inverse(a.tril()),
        square(),
        lambda a: np.linalg.inv(np.tril(a) @ np.tril(a).mT),
    ),
    Case(
        "tensorinv",
        tg.linalg.tensorinv,
        arrays((6,)).map(lambda x: np.diag(x + 5).reshape(2, 3, 6)),
        np.linalg.tensorinv,
        {"ind": 2},
    ),
    Case(
        "tensorsolve",
        tg.linalg.tensorsolve,
        tuples(arrays((6,)).map(lambda x: np.diag(x + 5).reshape(2, 3, 6)), arrays((2, 3))),
        np.linalg.tensorsolve,
    ),
    Case(
        "matrix_power",
        tg.matrix_power,
        square(),
        np.linalg.matrix_power,
        st.fixed_dictionaries({"n": st.sampled_from([-2, -1, 1, 2, 3, 5])}),
        options={"rtol": 1e-8},
    ),
    Case("matrix_exp", tg.matrix_exp, square().map(lambda x: x / 6), numpy_exp),
    Case(
        "multi_dot",
        lambda *x: tg.linalg.multi_dot(x),
        tuples(arrays((2,)), arrays((2, 3)), arrays((3, 1)), arrays((1, 2))),
        lambda *x: np.linalg.multi_dot(x),
    ),
    Case(
        "chain_matmul",
        tg.chain_matmul,
        tuples(arrays((1, 2)), arrays((2, 3)), arrays((3, 2))),
        lambda a, b, c: a @ b @ c,
    ),
    Case("linalg.inv_ex", lambda x: tg.linalg.inv_ex(x)[0], square(), np.linalg.inv),
    Case(
        "linalg.solve_ex",
        lambda a, b: tg.linalg.solve_ex(a, b)[0],
        squares_and(),
        numpy_of(np.linalg.solve),
    ),
]

test_solving_operations = property_test(CASES)


# Determinants of singular matrices.


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_the_gradient_of_a_determinant_is_right_for_singular_matrices(rank):
    x = np.zeros((3, 3))
    for k in range(rank):
        x += np.outer([1.0, 2.0, -1.0 + k], [0.5, k - 1.0, 2.0])
    check_op(tg.det, x, layouts=False)
    check_op(tg.det, np.stack([x, np.eye(3)]), layouts=False)


def test_the_gradient_of_a_determinant_of_a_large_singular_matrix_comes_from_its_cofactors():
    x = tg.diag(tg.tensor([0.0] + [2.0] * 9)).double().requires_grad_()
    tg.det(x).backward()
    expected = np.zeros((10, 10))
    expected[0, 0] = 2.0**9
    np.testing.assert_allclose(x.grad, expected, atol=1e-9)


def test_logarithms_of_determinants_of_any_sign():
    x = tg.tensor([[[2.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]]])
    sign, logabs = tg.slogdet(x)
    assert sign.tolist() == [1, -1, 0]
    assert logabs.tolist() == [pytest.approx(math.log(2)), 0, -math.inf]
    found = tg.logdet(x).tolist()
    assert math.isnan(found[1])
    assert found[2] == -math.inf


def test_empty_matrices():
    x = tg.zeros(2, 0, 0)
    assert tg.det(x).tolist() == [1, 1]
    assert tg.inverse(x).shape == tg.matrix_exp(x).shape == (2, 0, 0)
    assert tg.linalg.solve(x, tg.zeros(2, 0, 3)).shape == (2, 0, 3)
    assert tg.linalg.inv(tg.zeros(0, 2, 2)).shape == (0, 2, 2)


# Exponentials and powers.


def test_the_exponential_of_large_and_small_matrices_of_one_batch():
    x = np.array([[[0.0, 40.0], [-40.0, 0.0]], [[1e-9, 0.0], [0.0, 0.0]]])
    c, s = math.cos(40), math.sin(40)
    found = tg.matrix_exp(tg.tensor(x)).numpy()
    np.testing.assert_allclose(found[0], [[c, s], [-s, c]], atol=1e-12)
    np.testing.assert_allclose(found[1], [[1 + 1e-9, 0], [0, 1]], rtol=1e-15)


def test_the_exponential_of_what_is_not_finite_is_undefined():
    assert tg.matrix_exp(tg.tensor([[math.inf]])).isnan().all()


def test_a_matrix_to_the_power_0_is_the_identity():
    x = tg.ones(2, 3, 3, requires_grad=True)
    assert tg.matrix_power(x, 0).tolist() == np.broadcast_to(np.eye(3), (2, 3, 3)).tolist()
    assert tg.matrix_power(tg.tensor([[1, 1], [0, 1]]), 3).tolist() == [[1, 3], [0, 1]]


def test_multi_dot_chooses_the_order_of_least_work():
    from tinygrad_edu.testing import operations

    x, y, z = (tg.ones(*shape, requires_grad=True) for shape in ((50, 1), (1, 50), (50, 1)))
    shapes = [node.shape for node in operations(tg.linalg.multi_dot([x, y, z]))]
    assert shapes == [(1, 1), (50, 1)]


# Where there is no solution.


def test_a_zero_on_the_diagonal_of_a_triangle_spoils_only_what_depends_on_it():
    a = tg.tensor([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 2.0]])
    found = tg.linalg.solve_triangular(a, tg.tensor([[1.0], [2.0], [4.0]]), upper=False)
    assert found[0].item() == 1
    assert found[1].item() == math.inf
    right = tg.linalg.solve_triangular(a.mT, tg.tensor([[1.0, 2.0, 4.0]]), upper=True, left=False)
    assert right[0, 0].item() == 1
    assert right[0, 1].item() == math.inf


def test_a_zero_on_the_diagonal_of_a_triangle_makes_infinite_gradients_not_none():
    a = tg.tensor([[2.0, 0.0], [1.0, 0.0]], requires_grad=True)
    b = tg.tensor([[1.0], [2.0]], requires_grad=True)
    tg.linalg.solve_triangular(a, b, upper=False).sum().backward()
    assert a.grad.tolist() == [[math.inf, 0.0], [-math.inf, -math.inf]]
    assert b.grad.tolist() == [[-math.inf], [math.inf]]


def test_info_says_which_pivot_is_zero():
    x = tg.stack([tg.eye(2), tg.zeros(2, 2), tg.diag(tg.tensor([1.0, 0.0]))])
    found, info = tg.linalg.inv_ex(x)
    assert info.tolist() == [0, 1, 2]
    assert info.dtype == tg.int32
    assert found[0].tolist() == [[1, 0], [0, 1]]
    assert found[1:].isnan().all()
    assert tg.linalg.solve_ex(x, tg.ones(3, 2, 1)).info.tolist() == [0, 1, 2]
    with pytest.raises(tg.linalg.LinAlgError, match="number 1 of the batch"):
        tg.linalg.inv_ex(x, check_errors=True)
    with pytest.raises(tg.linalg.LinAlgError, match="singular"):
        tg.linalg.solve_ex(x, tg.ones(3, 2, 1), check_errors=True)


SINGULAR = tg.zeros(2, 2)
ERRORS = {
    "inverse": (SINGULAR.inverse, tg.linalg.LinAlgError, r"2×2 matrix is singular"),
    "batch": (
        lambda: tg.stack([tg.eye(2), SINGULAR]).inverse(),
        tg.linalg.LinAlgError,
        r"number 1 of the batch",
    ),
    "batches": (
        tg.stack([tg.eye(2), SINGULAR])[None].inverse,
        tg.linalg.LinAlgError,
        r"number \(0, 1\) of the batch",
    ),
    "solve": (
        lambda: tg.linalg.solve(SINGULAR, tg.ones(2)),
        tg.linalg.LinAlgError,
        r"linalg.solve: .* singular.*lstsq",
    ),
    "integers": (lambda: tg.eye(2).long().inverse(), RuntimeError, r"float64 is needed; got int64"),
    "half": (lambda: tg.eye(2).half().inverse(), RuntimeError, r"got float16"),
    "vector": (lambda: tg.ones(2).det(), RuntimeError, r"a batch of matrices, is needed.*\(2,\)"),
    "not square": (lambda: tg.ones(2, 3).det(), RuntimeError, r"square matrices.* 2 by 3"),
    "not a tensor": (lambda: tg.linalg.det(1.0), TypeError, r"a tensor is needed; got float"),
    "solve shapes": (
        lambda: tg.linalg.solve(tg.eye(2), tg.ones(3, 1)),
        RuntimeError,
        r"A X = B: dimension -2 of B must be 2",
    ),
    "solve right": (
        lambda: tg.linalg.solve(tg.eye(2), tg.ones(2, 3), left=False),
        RuntimeError,
        r"X A = B: dimension -1 of B must be 2",
    ),
    "solve right vector": (
        lambda: tg.linalg.solve(tg.eye(2), tg.ones(2), left=False),
        RuntimeError,
        r"needs a matrix B",
    ),
    "solve types": (
        lambda: tg.linalg.solve(tg.eye(2), tg.ones(2).double()),
        RuntimeError,
        r"float32 and float64",
    ),
    "tensorinv": (
        lambda: tg.linalg.tensorinv(tg.ones(2, 3), ind=1),
        RuntimeError,
        r"equally many elements",
    ),
    "tensorinv ind": (lambda: tg.linalg.tensorinv(tg.eye(2), ind=0), RuntimeError, r"got 0"),
    "tensorsolve": (
        lambda: tg.linalg.tensorsolve(tg.ones(2, 3), tg.ones(2)),
        RuntimeError,
        r"does not map tensors of shape \(3,\) onto the shape \(2,\)",
    ),
    "power": (lambda: tg.ones(2, 3).matrix_power(2), RuntimeError, r"square matrices are needed"),
    "multi_dot one": (lambda: tg.linalg.multi_dot([tg.eye(2)]), RuntimeError, r"got 1"),
    "multi_dot dims": (
        lambda: tg.linalg.multi_dot([tg.eye(2), tg.ones(2), tg.eye(2)]),
        RuntimeError,
        r"tensor 1 has 1 dimensions",
    ),
    "multi_dot sizes": (
        lambda: tg.linalg.multi_dot([tg.eye(2), tg.eye(3)]),
        RuntimeError,
        r"tensors 0 and 1 with shapes \(2, 2\) and \(3, 3\)",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_what_cannot_be_solved_is_explained(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()


def test_backward_through_the_logarithm_of_a_singular_determinant_is_refused():
    x = tg.zeros(2, 2, requires_grad=True)
    with pytest.raises(tg.linalg.LinAlgError, match="singular"):
        tg.slogdet(x).logabsdet.backward()


@pytest.mark.parametrize("name", ["eig", "eigvals", "householder_product", "ldl_factor"])
def test_what_linalg_does_not_have_says_why(name):
    with pytest.raises(AttributeError, match=f"linalg.{name} is not available: "):
        getattr(tg.linalg, name)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        tg.linalg.nonsense  # noqa: B018


def test_linalg_exports_what_exists():
    assert sorted(set(tg.linalg.__all__)) == sorted(tg.linalg.__all__)
    for name in tg.linalg.__all__:
        assert getattr(tg.linalg, name).__doc__


def test_matrices_are_drawn_far_from_singular_ones():
    from hypothesis import find

    x = find(matrices((3, 3), (3, 3)), lambda x: x.ndim == 2)
    assert np.linalg.cond(x) < 10
