"""Decompositions of matrices: Cholesky, QR, eigenvalues, singular values, LU, the pseudoinverse.

Every function takes batches: the matrices are the last two dimensions. The rules are compositions
of operations, so they can be differentiated again; each names its source.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np

from ..autograd.graph import Array, Operation, TensorBase, Value, apply, apply_multiple, run, wrap
from ..autograd.leaving import without_gradient
from . import elementwise, linalg, shape
from .contraction import same_types
from .diagonals import tril, triu
from .dtypes import quiet
from .joining import cat
from .solving import (
    LinAlgError,
    Solve,
    explain_failure,
    floating_matrices,
    floating_only,
    solve_triangular,
    square_matrices,
)

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "cholesky",
    "eigh",
    "eigvalsh",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_solve",
    "lu_unpack",
    "matrix_rank",
    "pinv",
    "qr",
    "svd",
    "svdvals",
]


Half: TypeAlias = Literal["L", "U"]


def _converged(kernel: Callable[..., Any], name: str, x: Array, **options: Any) -> Any:
    """A kernel of NumPy that works step by step, with an error that says why it failed."""
    # Of NaN and infinity LAPACK makes an error, NaN, or ordinary numbers, as it happens.
    if np.isfinite(x).all():
        with contextlib.suppress(np.linalg.LinAlgError):
            return kernel(x, **options)
    raise LinAlgError(
        f"{name}: the steps do not converge, which happens to matrices with NaN or infinity in "
        "them."
    )


def _divided(x: Value, triangle: Value) -> Value:
    """x triangle⁻ᵀ"""
    return run(Solve(), triangle, x.mT).mT


# Cholesky.


class Cholesky(Operation):
    """x = z zᵀ        grad_x = (s + sᵀ) / 2 with s = z⁻ᵀ Φ(zᵀ grad) z⁻¹

    Φ takes the lower triangle and halves its diagonal. Murray, "Differentiation of the Cholesky
    decomposition" (2016).
    """

    __slots__ = ()

    def forward(self, x: Array) -> Array:
        try:
            return np.linalg.cholesky(x)
        except np.linalg.LinAlgError:
            raise explain_failure(
                "linalg.cholesky",
                x,
                np.linalg.cholesky,
                "is not positive definite",
                "A covariance that should be may need a small multiple of the identity added.",
            ) from None

    def grad_x(self, grad: Value, out: Value) -> Value:
        product = out.mT @ grad
        half = (np.tril(product) + np.tril(product, -1)) * 0.5
        result = run(Solve(), out.mT, half)
        result = _divided(result, out.mT)
        return (result + result.mT) * 0.5


def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """The lower triangular L with x = L Lᵀ of a positive definite matrix; upper=True: Lᵀ.

    Only the lower triangle of x is looked at, but its gradient is that of a symmetric x. Raises
    LinAlgError if x is not positive definite. PyTorch: `torch.cholesky`, `torch.linalg.cholesky`.

    >>> tg.cholesky(tg.tensor([[4.0, 2.0], [2.0, 10.0]]))
    tensor([[2., 0.],
            [1., 3.]])
    """
    result = apply(Cholesky(), square_matrices(input, "linalg.cholesky"))
    return shape.transpose(result, -2, -1) if upper else result


# QR.


class QR(Operation):
    """x = q r        grad_x = (grad_q + q m) r⁻ᵀ; m: lower half of r grad_rᵀ - grad_qᵀ q, mirrored

    Seeger et al., "Auto-differentiating linear algebra" (2017). A wide x is [y w] = q [u v] with
    y = q u; v = qᵀ w adds its gradients to those of q, and q grad_v is that of w.
    """

    __slots__ = ("mode",)
    multiple = True

    def __init__(self, mode: str) -> None:
        self.mode = mode

    def forward(self, x: Array) -> tuple[Array, Array]:
        q, r = np.linalg.qr(x, mode=self.mode)  # type: ignore[call-overload]
        return q, r

    def backward(self, grads: dict[int, Value], x: Value, out0: Value, out1: Value) -> tuple[Value]:
        rows, columns = x.shape[-2:]
        if self.mode == "complete" and rows > columns:
            raise RuntimeError(
                "linalg.qr: mode='complete' has no gradient for a matrix with more rows than "
                "columns: the additional columns of Q are arbitrary. Use mode='reduced'."
            )
        grad_q, grad_r = grads.get(0), grads.get(1)
        if rows >= columns:
            return (_qr_gradient(grad_q, grad_r, out0, out1),)
        grad_u = None
        if grad_r is not None:
            grad_u, grad_v = grad_r[..., :rows], grad_r[..., rows:]
            through_v = x[..., rows:] @ grad_v.mT
            grad_q = through_v if grad_q is None else grad_q + through_v
        grad_y = _qr_gradient(grad_q, grad_u, out0, out1[..., :rows])
        grad_w = x[..., rows:] * 0 if grad_r is None else out0 @ grad_v
        return (np.concatenate([grad_y, grad_w], -1),)


def _qr_gradient(grad_q: Value, grad_r: Value, q: Value, r: Value) -> Value:
    m = 0
    if grad_r is not None:
        m = r @ grad_r.mT
    if grad_q is not None:
        m = m - grad_q.mT @ q
    mirrored = np.tril(m) + np.tril(m, -1).mT
    inner = q @ mirrored
    return _divided(inner if grad_q is None else grad_q + inner, r)


class QRResult(NamedTuple):
    """What `qr` returns."""

    Q: Tensor
    R: Tensor


def qr(A: Tensor, mode: str = "reduced") -> QRResult:
    """A = Q R with orthonormal columns in Q and an upper triangular R. PyTorch: `torch.linalg.qr`.

    mode="reduced": Q (m, k), R (k, n) with k = min(m, n); "complete": Q (m, m), R (m, n); "r": an
    empty Q, and R as for "reduced". Raises RuntimeError for another mode; backward does for
    "complete" if m > n, where Q is arbitrary in part.

    >>> Q, R = tg.linalg.qr(tg.tensor([[3.0, 1.0], [4.0, 2.0]]))
    >>> tg.allclose(Q @ R, tg.tensor([[3.0, 1.0], [4.0, 2.0]]), atol=1e-6)
    True
    """
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(f"linalg.qr: mode is 'reduced', 'complete' or 'r'; got {mode!r}.")
    A = floating_matrices(A, "linalg.qr")
    q, r = apply_multiple(QR("reduced" if mode == "r" else mode), A)
    return QRResult(wrap(np.empty(0, A.dtype)) if mode == "r" else q, r)


# Eigenvalues of symmetric matrices.


class Eigh(Operation):
    """x = v l vᵀ        grad_x = v (grad_l + (vᵀ grad_v) / E) vᵀ with E_ij = l_j - l_i

    Giles, "An extended collection of matrix derivative results" (2008). The gradient with respect
    to v is infinite where eigenvalues are equal.
    """

    __slots__ = ("half",)
    multiple = True

    def __init__(self, half: Half) -> None:
        self.half = half

    def forward(self, x: Array) -> tuple[Array, Array]:
        values, vectors = _converged(np.linalg.eigh, "linalg.eigh", x, UPLO=self.half)
        return values, vectors

    def backward(self, grads: dict[int, Value], out0: Value, out1: Value) -> tuple[Value]:
        grad_values: Value = grads.get(0)
        grad_vectors: Value = grads.get(1)
        if grad_vectors is None:
            return ((out1 * grad_values[..., None, :]) @ out1.mT,)
        unit = np.eye(out0.shape[-1], dtype=bool)
        apart = np.where(unit, 1, out0[..., None, :] - out0[..., :, None])
        diagonal = 0 if grad_values is None else grad_values[..., None, :]
        inner = np.where(unit, diagonal, (out1.mT @ grad_vectors) / apart)
        # Of a symmetric x: each element is there twice, and half of the gradient goes to each.
        return (out1 @ ((inner + inner.mT) * 0.5) @ out1.mT,)


class EighResult(NamedTuple):
    """What `eigh` returns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


def _half(UPLO: str, name: str) -> Half:
    if UPLO not in ("L", "U", "l", "u"):
        raise RuntimeError(f"{name}: UPLO is 'L' or 'U', the half of A to use; got {UPLO!r}.")
    return "L" if UPLO in "Ll" else "U"


def eigh(A: Tensor, UPLO: str = "L") -> EighResult:
    """Eigenvalues (ascending) and eigenvectors (columns) of symmetric matrices: A = V l Vᵀ.

    Only the lower (UPLO="L") or upper ("U") triangle is looked at. The gradient of functions of the
    eigenvectors is defined where all eigenvalues differ, and if their signs do not matter. Raises
    RuntimeError for anything but square matrices of a floating type. PyTorch: `torch.linalg.eigh`.

    >>> tg.linalg.eigh(tg.tensor([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
    tensor([1., 2.])
    """
    half = _half(UPLO, "linalg.eigh")
    A = square_matrices(A, "linalg.eigh")
    return EighResult(*apply_multiple(Eigh(half), A))


def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """The eigenvalues of symmetric matrices, ascending. PyTorch: `torch.linalg.eigvalsh`.

    Their gradient is defined for equal eigenvalues, too. Raises as `eigh`.

    >>> tg.linalg.eigvalsh(tg.tensor([[2.0, 1.0], [1.0, 2.0]]))
    tensor([1., 3.])
    """
    half = _half(UPLO, "linalg.eigvalsh")
    return apply_multiple(Eigh(half), square_matrices(A, "linalg.eigvalsh"))[0]


# Singular values.


class SVD(Operation):
    """x = u s v        grad_x = u (skew(uᵀ grad_u) / E s + s skew(v grad_vᵀ) / E + grad_s) v + ...

    with E_ij = s_j² - s_i² and skew(a) = a - aᵀ; further terms where u or v are not square.
    Townsend, "Differentiating the singular value decomposition" (2016).
    """

    __slots__ = ("full",)
    multiple = True

    def __init__(self, full: bool) -> None:
        self.full = full

    def forward(self, x: Array) -> tuple[Array, Array, Array]:
        u, s, v = _converged(np.linalg.svd, "linalg.svd", x, full_matrices=self.full)
        return u, s, v

    def backward(
        self, grads: dict[int, Value], out0: Value, out1: Value, out2: Value
    ) -> tuple[Value]:
        s = out1
        k = s.shape[-1]
        # Of square matrices u and v, columns beyond the singular values are arbitrary.
        u, v = out0[..., :k], out2[..., :k, :]
        grad_u: Value = grads.get(0)
        grad_s: Value = grads.get(1)
        grad_v: Value = grads.get(2)
        if grad_u is None and grad_v is None:
            return ((u * grad_s[..., None, :]) @ v,)
        unit = np.eye(k, dtype=bool)
        columns, rows = s[..., None, :], s[..., :, None]
        apart = np.where(unit, 1, (columns - rows) * (columns + rows))
        inner = np.where(unit, 0 if grad_s is None else columns * 0 + grad_s[..., None, :], 0)
        outside: Value = 0
        if grad_u is not None:
            grad_u = grad_u[..., :k]
            ours = u.mT @ grad_u
            inner = inner + (ours - ours.mT) / apart * columns
            if u.shape[-2] > k:
                outside = ((grad_u - u @ ours) / columns) @ v
        if grad_v is not None:
            grad_v = grad_v[..., :k, :]
            ours = v @ grad_v.mT
            inner = inner + rows * ((ours - ours.mT) / apart)
            if v.shape[-1] > k:
                outside = outside + u @ ((grad_v - ours.mT @ v) / rows)
        return (u @ inner @ v + outside,)


class SVDResult(NamedTuple):
    """What `linalg.svd` returns."""

    U: Tensor
    S: Tensor
    Vh: Tensor


def svd(A: Tensor, full_matrices: bool = True) -> SVDResult:
    """A = U S Vh: orthonormal U and Vh, singular values S (descending).

    For A (m, n) and k = min(m, n): U (m, m) and Vh (n, n), or U (m, k) and Vh (k, n) with
    full_matrices=False. The gradient of functions of U and Vh is defined where all singular values
    differ, and if signs do not matter; of S alone, always. Raises RuntimeError for anything but
    matrices of a floating type. PyTorch: `torch.linalg.svd`.

    >>> tg.linalg.svd(tg.tensor([[3.0, 0.0], [0.0, 4.0]])).S
    tensor([4., 3.])
    """
    A = floating_matrices(A, "linalg.svd")
    return SVDResult(*apply_multiple(SVD(full_matrices), A))


def svdvals(A: Tensor) -> Tensor:
    """The singular values, descending. PyTorch: `torch.linalg.svdvals`.

    >>> tg.linalg.svdvals(tg.tensor([[3.0, 0.0], [0.0, 4.0]]))
    tensor([4., 3.])
    """
    return apply_multiple(SVD(False), floating_matrices(A, "linalg.svdvals"))[1]


# The pseudoinverse, rank, least squares.


def _limit(values: Array, sizes: tuple[int, ...], atol: Any, rtol: Any) -> Any:
    """Below which a singular value counts as 0: max(atol, rtol · the largest)."""
    atol, rtol = (x.array if isinstance(x, TensorBase) else x for x in (atol, rtol))
    if rtol is None:
        eps = max(sizes) * np.finfo(values.dtype).eps
        rtol = eps if atol is None else np.where(np.asarray(atol) > 0, 0, eps)
    largest = values.max(axis=-1, initial=0)
    return np.maximum(0 if atol is None else atol, rtol * largest)


class Pinv(Operation):
    """z = x⁺        grad_x = -(z gᵀ z)ᵀ + (gᵀ - x z gᵀ) z zᵀ + zᵀ z (gᵀ - gᵀ z x), g = grad

    For changes of x that keep its rank.

    Golub and Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems
    whose variables separate" (1973).
    """

    __slots__ = ("atol", "hermitian", "rtol")

    def __init__(self, atol: Any, rtol: Any, hermitian: bool) -> None:
        self.atol = atol
        self.rtol = rtol
        self.hermitian = hermitian

    @quiet
    def forward(self, x: Array) -> Any:
        if self.hermitian:
            values, vectors = _converged(np.linalg.eigh, "linalg.pinv", x)
            small = (
                np.abs(values)
                <= _limit(np.abs(values), x.shape[-2:], self.atol, self.rtol)[..., None]
            )
            inverted = np.where(small, 0, 1 / values)
            return (vectors * inverted[..., None, :]) @ vectors.mT
        u, s, v = _converged(np.linalg.svd, "linalg.pinv", x, full_matrices=False)
        small = s <= _limit(s, x.shape[-2:], self.atol, self.rtol)[..., None]
        inverted = np.where(small, 0, 1 / s)
        return (v.mT * inverted[..., None, :]) @ u.mT

    def grad_x(self, grad: Value, x: Value, out: Value) -> Value:
        # dz = -z dx z + z zᵀ dxᵀ (1 - x z) + (1 - z x) dxᵀ zᵀ z
        left, right = grad.mT @ out, out @ grad.mT
        result = -(out @ grad.mT @ out).mT
        result = result + (grad.mT - x @ right) @ (out @ out.mT)
        return result + (out.mT @ out) @ (grad.mT - left @ x)


def pinv(
    A: Tensor, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None
) -> Tensor:
    """The pseudoinverse (Moore-Penrose) of each matrix. PyTorch: `torch.linalg.pinv`.

    Singular values up to max(atol, rtol · the largest) count as 0; `rtol` (older name: `rcond`) is
    max(m, n) eps if neither is given. hermitian=True: A is symmetric, which is faster. The gradient
    is that of matrices of the same rank.

    >>> tg.linalg.pinv(tg.tensor([[2.0, 0.0], [0.0, 0.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.0000]])
    """
    check = square_matrices if hermitian else floating_matrices
    A = check(A, "linalg.pinv")
    if A.array.size == 0:
        return shape.transpose(A, -2, -1)
    return apply(Pinv(atol, rcond if rtol is None else rtol, hermitian), A)


def matrix_rank(
    A: Tensor,
    tol: Any = None,
    hermitian: bool = False,
    *,
    atol: Any = None,
    rtol: Any = None,
) -> Tensor:
    """How many singular values of each matrix are larger than max(atol, rtol · the largest).

    `rtol` is max(m, n) eps if neither is given; `tol` is an older name of atol. No gradient.
    PyTorch: `torch.linalg.matrix_rank`.

    >>> tg.linalg.matrix_rank(tg.tensor([[1.0, 2.0], [2.0, 4.0]]))
    tensor(1)
    """
    check = square_matrices if hermitian else floating_matrices
    A = check(A, "linalg.matrix_rank")
    if tol is not None:
        atol, rtol = tol, 0.0
    if hermitian:
        values = np.abs(_converged(np.linalg.eigvalsh, "linalg.matrix_rank", A.array))
    else:
        values = _converged(np.linalg.svd, "linalg.matrix_rank", A.array, compute_uv=False)
    if A.array.size == 0:
        return wrap(np.zeros(A.shape[:-2], np.int64))
    limit = _limit(values, A.shape[-2:], atol, rtol)
    return without_gradient("linalg.matrix_rank", (values > limit[..., None]).sum(-1), A)


class LeastSquares(NamedTuple):
    """What `lstsq` returns."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


_DRIVERS = ("gelsy", "gels", "gelsd", "gelss")


def lstsq(
    A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None
) -> LeastSquares:
    """The X for which A X is closest to B, of several the shortest. PyTorch: `torch.linalg.lstsq`.

    A is (*, m, n), B (*, m, k) or (*, m). Singular values of A up to rcond · the largest count as
    0. Returns the solution, the sums of squared residuals (empty unless m > n, the rank is n and a
    driver other than "gelsy", the default, is named), the rank (empty for driver="gels") and the
    singular values (for "gelsd" and "gelss"). All drivers compute the same, by singular values.
    Differentiable: the solution and the residuals.

    >>> A = tg.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    >>> tg.linalg.lstsq(A, tg.tensor([[1.0], [3.0], [5.0]])).solution.round()
    tensor([[1.],
            [2.]])
    """
    if driver is not None and driver not in _DRIVERS:
        raise RuntimeError(f"linalg.lstsq: driver is one of {_DRIVERS}; got {driver!r}.")
    A, B = floating_matrices(A, "linalg.lstsq"), floating_only(B, "linalg.lstsq")
    same_types((A, B), "linalg.lstsq")
    vector = A.array.ndim - 1 == B.array.ndim and B.shape == A.shape[:-1]
    if vector:
        B = shape.unsqueeze(B, -1)
    if B.array.ndim < 2 or B.shape[-2] != A.shape[-2]:
        raise RuntimeError(
            f"linalg.lstsq: A of shape {A.shape} and B of shape {B.shape} need equally many rows."
        )
    rtol = max(A.shape[-2:]) * float(np.finfo(A.dtype).eps) if rcond is None else rcond
    solution = linalg.matmul(pinv(A, rtol=rtol), B)
    rank = matrix_rank(A, rtol=rtol)
    residuals = wrap(np.empty(0, A.dtype))
    tall = A.shape[-2] > A.shape[-1]
    if tall and driver not in (None, "gelsy") and bool((rank.array == A.shape[-1]).all()):
        difference = elementwise.sub(linalg.matmul(A, solution), B)
        residuals = elementwise.mul(difference, difference).sum(dim=-2)
    if vector:
        solution = shape.squeeze(solution, -1)
    values = svdvals(A.detach()) if driver in ("gelsd", "gelss") else wrap(np.empty(0, A.dtype))
    if driver == "gels":
        rank = wrap(np.empty(0, np.int64))
    return LeastSquares(solution, residuals, rank, values)


# LU.


class LU(Operation):
    """x = p l u        grad_x = p l⁻ᵀ (tril(lᵀ grad_l, -1) + triu(grad_u uᵀ)) u⁻ᵀ

    De Hoog, Anderssen, Lukas, "Differentiation of matrix functionals using triangular
    factorization" (2011). The rows or columns beyond the square part bring their own terms.
    """

    __slots__ = ("permutation", "pivot", "pivots")
    multiple = True

    def __init__(self, pivot: bool) -> None:
        self.pivot = pivot

    def forward(self, x: Array) -> tuple[Array, Array]:
        packed, rows, self.pivots = factorized(x, self.pivot)
        k = min(x.shape[-2:])
        # p[rows[i], i] = 1: row i of l u is row rows[i] of x.
        self.permutation = (np.arange(x.shape[-2])[:, None] == rows[..., None, :]).astype(x.dtype)
        lower = np.tril(packed[..., :k], -1)
        index = np.arange(k)
        lower[..., index, index] = 1
        return lower, np.triu(packed[..., :k, :])

    def backward(self, grads: dict[int, Value], out0: Value, out1: Value) -> tuple[Value]:
        k = out0.shape[-1]
        rows, columns = out0.shape[-2], out1.shape[-1]
        lower, upper = out0[..., :k, :], out1[..., :k]
        grad_l, grad_u = grads.get(0), grads.get(1)
        below: Value = 0
        above: Value = 0
        if grad_l is not None:
            below = lower.mT @ grad_l[..., :k, :]
            if rows > k:
                above = above - out0[..., k:, :].mT @ grad_l[..., k:, :]
        if grad_u is not None:
            above = above + grad_u[..., :k] @ upper.mT
            if columns > k:
                below = below - grad_u[..., k:] @ out1[..., k:].mT
        inner = (out0[..., :k, :] * 0 + np.tril(below, -1)) if np.ndim(below) else 0
        inner = inner + np.triu(above) if np.ndim(above) else inner
        result = _divided(run(Solve(), lower.mT, inner), upper)
        if rows > k:
            rest = out0[..., k:, :] * 0 if grad_l is None else _divided(grad_l[..., k:, :], upper)
            result = np.concatenate([result, rest], -2)
        elif columns > k:
            rest = out1[..., k:] * 0 if grad_u is None else run(Solve(), lower.mT, grad_u[..., k:])
            result = np.concatenate([result, rest], -1)
        permutation = self.permutation
        return ((wrap(permutation) if isinstance(result, TensorBase) else permutation) @ result,)


@quiet
def factorized(x: Array, pivot: bool) -> tuple[Array, Array, Array]:
    """l and u in one matrix, the order of the rows, and with which row each was exchanged."""
    batch, (m, n) = x.shape[:-2], x.shape[-2:]
    count = math.prod(batch)
    a = np.array(x).reshape(count, m, n)
    order = np.tile(np.arange(m), (count, 1))
    pivots = np.tile(np.arange(min(m, n)), (count, 1))
    every = np.arange(count)
    for i in range(min(m, n)):
        if pivot:
            largest = np.abs(a[:, i:, i]).argmax(1) + i
            pivots[:, i] = largest
            for array in (a, order):
                row = array[every, i].copy()
                array[every, i] = array[every, largest]
                array[every, largest] = row
        head = a[:, i, i, None]
        # Below a pivot of 0 there are zeros only: nothing to divide.
        a[:, i + 1 :, i] = np.divide(
            a[:, i + 1 :, i], head, out=a[:, i + 1 :, i].copy(), where=(head != 0) | (not pivot)
        )
        a[:, i + 1 :, i + 1 :] -= a[:, i + 1 :, i, None] * a[:, i, None, i + 1 :]
    return (
        a.reshape(x.shape),
        order.reshape(*batch, m),
        (pivots + 1).astype(np.int32).reshape(*batch, min(m, n)),
    )


class LUResult(NamedTuple):
    """What `lu` returns."""

    P: Tensor
    L: Tensor
    U: Tensor


class LUFactors(NamedTuple):
    """What `lu_factor` returns."""

    LU: Tensor
    pivots: Tensor


def _lu(A: Tensor, pivot: bool, name: str) -> tuple[LU, Tensor, Tensor]:
    operation = LU(pivot)
    lower, upper = apply_multiple(operation, floating_matrices(A, name))
    return operation, lower, upper


def lu(A: Tensor, *, pivot: bool = True) -> LUResult:
    """A = P L U: a permutation, a lower triangle with ones on its diagonal, an upper triangle.

    pivot=False exchanges no rows, and P is empty. PyTorch: `torch.linalg.lu`.

    >>> tg.linalg.lu(tg.tensor([[0.0, 2.0], [4.0, 0.0]])).U
    tensor([[4., 0.],
            [0., 2.]])
    """
    operation, lower, upper = _lu(A, pivot, "linalg.lu")
    P = operation.permutation.copy() if pivot else np.empty(0, A.dtype)
    return LUResult(wrap(P), lower, upper)


def lu_factor(A: Tensor, *, pivot: bool = True) -> LUFactors:
    """L and U of `lu` in one matrix, and the exchanges of rows: row i with row pivots[i], from 1.

    PyTorch: `torch.linalg.lu_factor`.

    >>> tg.linalg.lu_factor(tg.tensor([[0.0, 2.0], [4.0, 0.0]])).pivots
    tensor([2, 2], dtype=int32)
    """
    operation, lower, upper = _lu(A, pivot, "linalg.lu_factor")
    m, n = A.shape[-2:]
    if m > n:
        below = shape.narrow(lower, -2, n, m - n)
        top = elementwise.add(tril(shape.narrow(lower, -2, 0, n), -1), upper)
        packed = cat([top, below], -2)
    elif n > m:
        right = shape.narrow(upper, -1, m, n - m)
        left = elementwise.add(tril(lower, -1), shape.narrow(upper, -1, 0, m))
        packed = cat([left, right], -1)
    else:
        packed = elementwise.add(tril(lower, -1), upper)
    return LUFactors(packed, wrap(operation.pivots))


def lu_unpack(
    LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True
) -> LUResult:
    """P, L and U from what `lu_factor` returns. PyTorch: `torch.lu_unpack`.

    What is not asked for is empty.

    >>> P, L, U = tg.lu_unpack(*tg.linalg.lu_factor(tg.tensor([[0.0, 2.0], [4.0, 0.0]])))
    >>> P @ L @ U
    tensor([[0., 2.],
            [4., 0.]])
    """
    LU_data = floating_matrices(LU_data, "lu_unpack")
    m, n = LU_data.shape[-2:]
    k = min(m, n)
    nothing = wrap(np.empty(0, LU_data.dtype))
    P = L = U = nothing
    if unpack_pivots:
        order = _order(LU_pivots.array, m)
        P = wrap((np.arange(m)[:, None] == order[..., None, :]).astype(LU_data.dtype))
    if unpack_data:
        unit = wrap(np.eye(m, k, dtype=LU_data.dtype))
        L = elementwise.add(tril(shape.narrow(LU_data, -1, 0, k), -1), unit)
        U = triu(shape.narrow(LU_data, -2, 0, k))
    return LUResult(P, L, U)


def _order(pivots: Array, rows: int) -> Array:
    """The order of the rows after all exchanges."""
    batch = pivots.shape[:-1]
    flat = pivots.reshape(-1, pivots.shape[-1]).astype(np.intp) - 1
    order = np.tile(np.arange(rows), (len(flat), 1))
    every = np.arange(len(flat))
    for i in range(flat.shape[1]):
        row = order[:, i].copy()
        order[:, i] = order[every, flat[:, i]]
        order[every, flat[:, i]] = row
    return order.reshape(*batch, rows)


def lu_solve(
    LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False
) -> Tensor:
    """The solution of A X = B for an A given by `lu_factor`; left=False: X A = B; adjoint: Aᵀ.

    PyTorch: `torch.linalg.lu_solve`.

    >>> factors = tg.linalg.lu_factor(tg.tensor([[0.0, 2.0], [4.0, 0.0]]))
    >>> tg.linalg.lu_solve(*factors, tg.tensor([[2.0], [4.0]]))
    tensor([[1.],
            [1.]])
    """
    if not left:
        return shape.transpose(lu_solve(LU, pivots, B.mT, adjoint=not adjoint), -2, -1)
    P, L, U = lu_unpack(square_matrices(LU, "linalg.lu_solve"), pivots)
    if adjoint:
        half = solve_triangular(U.mT, B, upper=False)
        return linalg.matmul(P, solve_triangular(L.mT, half, upper=True, unitriangular=True))
    half = solve_triangular(L, linalg.matmul(P.mT, B), upper=False, unitriangular=True)
    return solve_triangular(U, half, upper=True)
