"""Decompositions of matrices: their product, their gradients, what they refuse."""

import math

import numpy as np
import pytest
from cases import Case, property_test, tuples
from hypothesis import given
from hypothesis import strategies as st
from matrices import matrices, square, squares_and

import tinygrad_edu as tg
from tinygrad_edu.testing import check_op
from tinygrad_edu.testing.strategies import arrays

# Signs of vectors are arbitrary: what is compared does not depend on them.


def covariance(x):
    """A symmetric positive definite matrix."""
    return x @ x.mT


def symmetric(x):
    return x + x.mT


def spectrum(x, **kwargs):
    values, vectors = tg.linalg.eigh(symmetric(x), **kwargs)
    return values, vectors * vectors


def numpy_spectrum(x, **_):
    values, vectors = np.linalg.eigh(x + x.mT)
    return values, vectors**2


def singular(x, **kwargs):
    u, s, v = tg.linalg.svd(x, **kwargs)
    k = s.shape[-1]
    return u[..., :k] * u[..., :k], s, v[..., :k, :] * v[..., :k, :]


def numpy_singular(x, **_):
    u, s, v = np.linalg.svd(x, full_matrices=False)
    return u**2, s, v**2


def numpy_lu(x):
    """Of a matrix whose largest elements are on the diagonal: no rows are exchanged."""
    a = x.copy()
    k = min(a.shape[-2:])
    for i in range(k):
        a[..., i + 1 :, i] /= a[..., i, i, None]
        a[..., i + 1 :, i + 1 :] -= a[..., i + 1 :, i, None] * a[..., i, None, i + 1 :]
    lower = np.tril(a[..., :k], -1)
    lower[..., np.arange(k), np.arange(k)] = 1
    return lower, np.triu(a[..., :k, :])


def lu_factors(x, **kwargs):
    return tg.linalg.lu(x, **kwargs)[1:]


def numpy_packed(x):
    lower, upper = numpy_lu(x)
    out = np.zeros(x.shape)
    out[..., : lower.shape[-1]] += np.tril(lower, -1)
    out[..., : upper.shape[-2], :] += upper
    return out


def exchanged(x):
    """The same matrices with their rows in reverse order, so that rows are exchanged."""
    return x[..., ::-1, :].copy()


def factors_again(x):
    return tg.lu_unpack(*tg.linalg.lu_factor(x))[1:]


CASES = [
    Case(
        "linalg.cholesky",
        lambda x: tg.linalg.cholesky(covariance(x)),
        square(),
        lambda x: np.linalg.cholesky(x @ x.mT),
    ),
    Case(
        "cholesky, upper",
        lambda x: tg.cholesky(covariance(x), upper=True),
        square(),
        lambda x: np.linalg.cholesky(x @ x.mT).mT,
    ),
    Case(
        "linalg.cholesky_ex",
        lambda x: tg.linalg.cholesky_ex(covariance(x))[0],
        square(),
        lambda x: np.linalg.cholesky(x @ x.mT),
    ),
    Case("linalg.qr", tg.linalg.qr, matrices(), lambda x: tuple(np.linalg.qr(x))),
    Case("qr", tg.qr, matrices(), lambda x: tuple(np.linalg.qr(x))),
    Case("eigh", spectrum, square(), numpy_spectrum, st.sampled_from([{}, {"UPLO": "U"}])),
    Case(
        "eigvalsh",
        lambda x: tg.linalg.eigvalsh(symmetric(x)),
        square(),
        lambda x: np.linalg.eigvalsh(x + x.mT),
    ),
    Case("svd", singular, matrices(), numpy_singular, {"full_matrices": False}),
    Case(
        "svdvals",
        tg.linalg.svdvals,
        matrices(),
        lambda x: np.linalg.svd(x, compute_uv=False),
    ),
    Case("pinv", tg.linalg.pinv, matrices(), np.linalg.pinv),
    Case(
        "pinv, symmetric",
        lambda x: tg.linalg.pinv(covariance(x), hermitian=True),
        square(),
        lambda x: np.linalg.inv(x @ x.mT),
    ),
    Case("pinverse", tg.pinverse, matrices(), np.linalg.pinv),
    Case("lu", lu_factors, matrices(), numpy_lu),
    Case("lu, exchanged", lu_factors, matrices((2, 3), (2, 3)).map(exchanged)),
    Case(
        "linalg.lu_factor",
        lambda x: tg.linalg.lu_factor(x)[0],
        matrices(),
        numpy_packed,
    ),
    Case("lu_unpack", factors_again, matrices(), numpy_lu),
    Case(
        "lu_solve",
        lambda a, b: tg.linalg.lu_solve(*tg.linalg.lu_factor(a), b),
        squares_and(),
        np.linalg.solve,
    ),
    Case(
        "lu_solve, transposed",
        lambda a, b: tg.linalg.lu_solve(*tg.linalg.lu_factor(a), b, adjoint=True),
        squares_and(),
        lambda a, b: np.linalg.solve(a.mT, b),
    ),
    Case(
        "lstsq",
        lambda a, b: tg.linalg.lstsq(a, b)[0],
        tuples(arrays((4, 2), low=-1, high=1), arrays((4, 2))).map(
            lambda pair: (pair[0] + np.eye(4, 2) * 3, pair[1])
        ),
        lambda a, b: np.linalg.lstsq(a, b)[0],
    ),
]

test_decompositions = property_test(CASES)


# The product of the parts is the matrix.


@given(matrices((1, 4), (1, 4)))
def test_every_decomposition_multiplies_to_the_matrix(x):
    t = tg.tensor(x)
    for mode in ("reduced", "complete"):
        q, r = tg.linalg.qr(t, mode=mode)
        np.testing.assert_allclose(q @ r, x, atol=1e-12)
        np.testing.assert_allclose(q.mT @ q, np.eye(q.shape[-1]) + 0 * (q.mT @ q), atol=1e-12)
    u, s, vh = tg.linalg.svd(t)
    k = s.shape[-1]
    np.testing.assert_allclose((u[..., :k] * s[..., None, :]) @ vh[..., :k, :], x, atol=1e-12)
    u, s, v = tg.svd(t)
    np.testing.assert_allclose((u * s[..., None, :]) @ v.mT, x, atol=1e-12)
    p, lower, upper = tg.linalg.lu(tg.tensor(exchanged(x)))
    np.testing.assert_allclose(p @ lower @ upper, exchanged(x), atol=1e-12)
    p, lower, upper = tg.lu_unpack(*tg.lu(tg.tensor(exchanged(x))))
    np.testing.assert_allclose(p @ lower @ upper, exchanged(x), atol=1e-12)
    lower, upper = tg.linalg.lu(t, pivot=False)[1:]
    np.testing.assert_allclose(lower @ upper, x, atol=1e-12)


def test_qr_gives_r_alone():
    x = tg.tensor([[3.0, 1.0], [4.0, 2.0], [0.0, 1.0]], requires_grad=True)
    q, r = tg.linalg.qr(x, mode="r")
    assert q.shape == (0,)
    assert r.shape == (2, 2)
    r.sum().backward()
    assert x.grad.shape == (3, 2)


def test_singular_values_alone():
    u, s, v = tg.svd(tg.ones(3, 2), compute_uv=False)
    assert u.tolist() == np.zeros((3, 3)).tolist()
    assert v.tolist() == np.zeros((2, 2)).tolist()
    assert s.shape == (2,)


def test_equal_eigenvalues_and_singular_values_have_gradients():
    x = tg.eye(3, requires_grad=True)
    (tg.linalg.eigvalsh(x).sum() + tg.linalg.svdvals(x).sum()).backward()
    np.testing.assert_allclose(x.grad, 2 * np.eye(3), atol=1e-6)


def test_the_gradient_of_full_singular_vectors_ignores_the_arbitrary_ones():
    x = np.array([[3.0, 0.5], [0.2, 1.0], [0.1, 0.4]])
    check_op(lambda x: singular(x, full_matrices=True), x, layouts=False)


# Rank, least squares, the pseudoinverse.


def test_small_singular_values_count_as_zero():
    x = tg.diag(tg.tensor([1.0, 1e-3, 1e-12], dtype=tg.float64))
    assert tg.linalg.matrix_rank(x).item() == 3
    assert tg.linalg.matrix_rank(x, rtol=1e-2).item() == 1
    assert tg.linalg.matrix_rank(x, atol=1e-6).item() == 2
    assert tg.linalg.matrix_rank(x, 1e-6).item() == 2
    assert tg.linalg.matrix_rank(x, hermitian=True, atol=tg.tensor(1e-6)).item() == 2
    assert tg.linalg.matrix_rank(tg.zeros(2, 0, 3)).tolist() == [0, 0]
    assert tg.linalg.pinv(x, atol=1e-2).diagonal().tolist() == [1, 0, 0]
    assert tg.linalg.pinv(x, hermitian=True, rtol=1e-2).diagonal().tolist() == [1, 0, 0]
    assert tg.linalg.pinv(tg.zeros(2, 0)).shape == (0, 2)


def test_the_gradient_of_a_pseudoinverse_keeps_the_rank():
    a, b = np.array([[1.0], [2.0], [0.5]]), np.array([[0.5, -1.0]])
    check_op(lambda a, b: tg.linalg.pinv(a @ b), a, b, atol=1e-9)


def test_least_squares_of_a_tall_matrix():
    a = tg.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]], dtype=tg.float64)
    b = tg.tensor([1.0, 3.0, 6.0], dtype=tg.float64)
    solution, residuals, rank, values = tg.linalg.lstsq(a, b, driver="gelsd")
    expected = np.linalg.lstsq(a.numpy(), b.numpy())
    np.testing.assert_allclose(solution, expected[0])
    np.testing.assert_allclose(residuals, expected[1])
    np.testing.assert_allclose(values, expected[3])
    assert rank.item() == 2
    assert tg.linalg.lstsq(a, b, driver="gels").rank.shape == (0,)
    assert tg.linalg.lstsq(a, b).singular_values.shape == (0,)
    assert tg.linalg.lstsq(a, b).residuals.shape == (0,)
    wide = tg.linalg.lstsq(a.mT, b[:2, None])
    assert wide.residuals.shape == (0,)
    np.testing.assert_allclose(a.mT @ wide.solution, b[:2, None])


def test_low_rank_approximation_keeps_the_largest_singular_values():
    x = tg.diag(tg.tensor([1.0, 3.0, 2.0]))
    assert tg.svd_lowrank(x, q=2).S.tolist() == [3, 2]
    assert tg.svd_lowrank(x, q=2, M=x).S.tolist() == [0, 0]
    u, s, v = tg.pca_lowrank(tg.tensor([[0.0, 1.0], [2.0, 1.0], [4.0, 1.0]]), center=True)
    assert u.shape == (3, 2)
    np.testing.assert_allclose(s, [math.sqrt(8), 0], atol=1e-6)
    np.testing.assert_allclose(v[:, 0].abs(), [1, 0], atol=1e-6)
    assert tg.pca_lowrank(x, q=1, center=False).S.tolist() == [3]


# Errors.

INDEFINITE = tg.diag(tg.tensor([1.0, -1.0]))


def test_info_says_where_a_decomposition_fails():
    x = tg.stack([tg.eye(2), INDEFINITE])
    found, info = tg.linalg.cholesky_ex(x)
    assert info.tolist() == [0, 2]
    assert found[0].tolist() == [[1, 0], [0, 1]]
    assert found[1].isnan().all()
    with pytest.raises(tg.linalg.LinAlgError, match="number 1 of the batch"):
        tg.linalg.cholesky_ex(x, check_errors=True)
    assert tg.linalg.cholesky_ex(tg.zeros(0, 0)).info.item() == 0
    packed, _pivots, info = tg.linalg.lu_factor_ex(tg.zeros(2, 2))
    assert packed.tolist() == [[0, 0], [0, 0]]
    assert info.item() == 1
    with pytest.raises(tg.linalg.LinAlgError, match="pivot number 1 of U is 0"):
        tg.linalg.lu_factor_ex(tg.zeros(2, 2), check_errors=True)


def backward_through_complete_qr():
    tg.linalg.qr(tg.ones(3, 2, requires_grad=True), mode="complete").R.sum().backward()


ERRORS = {
    "cholesky": (
        lambda: tg.cholesky(INDEFINITE),
        tg.linalg.LinAlgError,
        r"linalg.cholesky: the 2×2 matrix is not positive definite",
    ),
    "qr": (lambda: tg.linalg.qr(tg.eye(2), mode="full"), RuntimeError, r"'r'; got 'full'"),
    "qr, complete": (backward_through_complete_qr, RuntimeError, r"mode='complete' has no grad"),
    "eigh": (lambda: tg.linalg.eigh(tg.eye(2), UPLO="X"), RuntimeError, r"'L' or 'U'.*got 'X'"),
    "eigvalsh": (lambda: tg.linalg.eigvalsh(tg.ones(2, 3)), RuntimeError, r"square"),
    "svd": (lambda: tg.linalg.svd(tg.ones(2)), RuntimeError, r"linalg.svd: a matrix"),
    "pinv": (lambda: tg.linalg.pinv(tg.ones(2, 3), hermitian=True), RuntimeError, r"square"),
    "lstsq": (
        lambda: tg.linalg.lstsq(tg.ones(3, 2), tg.ones(2, 1)),
        RuntimeError,
        r"equally many rows",
    ),
    "lstsq, driver": (
        lambda: tg.linalg.lstsq(tg.ones(3, 2), tg.ones(3, 1), driver="x"),
        RuntimeError,
        r"driver is one of.*got 'x'",
    ),
    "pca, q": (lambda: tg.pca_lowrank(tg.ones(3, 2), q=3), ValueError, r"between 0 and"),
    "pca, niter": (lambda: tg.pca_lowrank(tg.ones(3, 2), niter=-1), ValueError, r"negative"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_impossible_decomposition_is_explained(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("number", [math.inf, math.nan])
@pytest.mark.parametrize(
    "function", [tg.linalg.svd, tg.linalg.eigh, tg.linalg.pinv, tg.linalg.matrix_rank]
)
def test_matrices_with_infinity_or_nan_are_refused(function, number):
    x = tg.eye(3)
    x[0, 0] = number
    with pytest.raises(tg.linalg.LinAlgError, match="do not converge"):
        function(x)


@pytest.mark.parametrize("shape", [(0, 4), (4, 0), (2, 0, 3), (0, 3, 3)])
def test_matrices_without_elements_have_factors(shape):
    x = tg.zeros(shape)
    P, L, U = tg.linalg.lu(x)
    assert (P @ L @ U).shape == x.shape
    assert tg.linalg.lu_factor(x).pivots.shape == (*shape[:-2], min(shape[-2:]))


def test_results_have_names():
    x = tg.eye(2)
    assert tg.linalg.svd(x)._fields == ("U", "S", "Vh")
    assert tg.svd(x)._fields == ("U", "S", "V")
    assert tg.linalg.qr(x)._fields == ("Q", "R")
    assert tg.linalg.eigh(x)._fields == ("eigenvalues", "eigenvectors")
    assert tg.linalg.lu(x)._fields == ("P", "L", "U")
    assert len(tg.lu(x, get_infos=True)) == 3
