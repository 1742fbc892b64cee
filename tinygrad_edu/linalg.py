"""Linear algebra: `torch.linalg` on NumPy's LAPACK, with gradients.

All functions take batches of matrices, in the last two dimensions, and can be differentiated twice.
Complex numbers do not exist here; so the eigenvalues of matrices that are not symmetric do not.

>>> A = tg.tensor([[2.0, 0.0], [0.0, 4.0]], requires_grad=True)
>>> tg.linalg.det(A).backward()
>>> A.grad
tensor([[4., 0.],
        [0., 2.]])
"""

from __future__ import annotations

from .ops.decompositions import (
    cholesky,
    eigh,
    eigvalsh,
    lstsq,
    lu,
    lu_factor,
    lu_solve,
    matrix_rank,
    pinv,
    qr,
    svd,
    svdvals,
)
from .ops.linalg import matmul
from .ops.linalg_ex import cholesky_ex, inv_ex, lu_factor_ex, solve_ex
from .ops.norms import cond, matrix_norm, norm, vector_norm
from .ops.solving import (
    LinAlgError,
    det,
    matrix_exp,
    matrix_power,
    multi_dot,
    slogdet,
    solve,
    solve_triangular,
    tensorinv,
    tensorsolve,
)
from .ops.solving import inverse as inv
from .ops.vectors import cross, diagonal, vander, vecdot

__all__ = [
    "LinAlgError",
    "cholesky",
    "cholesky_ex",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "inv",
    "inv_ex",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_factor_ex",
    "lu_solve",
    "matmul",
    "matrix_exp",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_ex",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensorinv",
    "tensorsolve",
    "vander",
    "vecdot",
    "vector_norm",
]

_REFUSED = {
    "eig": "the eigenvalues of a matrix that is not symmetric may be complex, and there are no "
    "complex tensors here. For symmetric matrices: tg.linalg.eigh.",
    "eigvals": "the eigenvalues of a matrix that is not symmetric may be complex, and there are no "
    "complex tensors here. For symmetric matrices: tg.linalg.eigvalsh.",
    "householder_product": "NumPy does not give out the reflections of LAPACK's QR. tg.linalg.qr "
    "computes Q itself.",
    "ldl_factor": "NumPy has no LDL decomposition. For positive definite matrices: "
    "tg.linalg.cholesky; for others: tg.linalg.lu_factor.",
}


def __getattr__(name: str) -> object:
    if name in _REFUSED:
        raise AttributeError(f"linalg.{name} is not available: {_REFUSED[name]}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
