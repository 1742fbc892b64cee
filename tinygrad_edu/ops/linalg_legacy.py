"""Linear algebra under the names that PyTorch had before `torch.linalg`, with their arguments."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..autograd.graph import TensorBase, wrap
from . import decompositions, shape, vectors
from .arguments import check_tensor
from .solving import floating_matrices, multi_dot, solve_triangular

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "chain_matmul",
    "cross",
    "lu",
    "lu_solve",
    "pca_lowrank",
    "pinverse",
    "qr",
    "svd",
    "svd_lowrank",
    "triangular_solve",
]


class TriangularSolution(NamedTuple):
    """What `triangular_solve` returns."""

    solution: Tensor
    cloned_coefficient: Tensor


def triangular_solve(
    b: Tensor,
    A: Tensor,
    upper: bool = True,
    transpose: bool = False,
    unitriangular: bool = False,
) -> TriangularSolution:
    """`linalg.solve_triangular` under its older name: (solution, A).

    PyTorch: `torch.triangular_solve`.

    >>> A = tg.tensor([[2.0, 0.0], [1.0, 1.0]])
    >>> tg.triangular_solve(tg.tensor([[2.0], [3.0]]), A, upper=False).solution
    tensor([[1.],
            [2.]])
    """
    matrix, upper_now = (A.mT, not upper) if transpose else (A, upper)
    solution = solve_triangular(matrix, b, upper=upper_now, unitriangular=unitriangular)
    return TriangularSolution(solution, shape.clone(A))


def qr(input: Tensor, some: bool = True) -> decompositions.QRResult:
    """`linalg.qr`, reduced or (some=False) complete. PyTorch: `torch.qr`.

    >>> Q, R = tg.qr(tg.ones(3, 2))
    >>> Q.shape, R.shape
    ((3, 2), (2, 2))
    """
    return decompositions.qr(input, "reduced" if some else "complete")


class LegacySVDResult(NamedTuple):
    """What `svd` returns."""

    U: Tensor
    S: Tensor
    V: Tensor


def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> LegacySVDResult:
    """x = U S Vᵀ, reduced (some=True) or full; compute_uv=False: U and V are 0.

    Unlike `linalg.svd` it returns V, not its transpose. PyTorch: `torch.svd`.

    >>> U, S, V = tg.svd(tg.ones(3, 2))
    >>> U.shape, S.shape, V.shape
    ((3, 2), (2,), (2, 2))
    """
    if not compute_uv:
        x = floating_matrices(input, "svd")
        batch, (m, n) = x.shape[:-2], x.shape[-2:]
        zeros = (wrap(np.zeros((*batch, size, size), x.dtype)) for size in (m, n))
        return LegacySVDResult(next(zeros), decompositions.svdvals(x), next(zeros))
    U, S, Vh = decompositions.svd(input, not some)
    return LegacySVDResult(U, S, shape.transpose(Vh, -2, -1))


def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """`linalg.pinv` with rtol=1e-15. PyTorch: `torch.pinverse`.

    >>> tg.pinverse(tg.tensor([[2.0], [0.0]]))
    tensor([[0.5000, 0.0000]])
    """
    return decompositions.pinv(input, rcond)


def lu(A: Tensor, pivot: bool = True, get_infos: bool = False) -> Any:
    """`linalg.lu_factor`; get_infos=True adds zeros. PyTorch: `torch.lu`.

    >>> tg.lu(tg.tensor([[4.0, 0.0], [2.0, 1.0]]))[0]
    tensor([[4.0000, 0.0000],
            [0.5000, 1.0000]])
    """
    packed, pivots = decompositions.lu_factor(A, pivot=pivot)
    if get_infos:
        return packed, pivots, wrap(np.zeros(A.shape[:-2], np.int32))
    return packed, pivots


def lu_solve(b: Tensor, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
    """`linalg.lu_solve` with its arguments in another order. PyTorch: `torch.lu_solve`.

    >>> tg.lu_solve(tg.tensor([[2.0], [4.0]]), *tg.lu(tg.tensor([[0.0, 2.0], [4.0, 0.0]])))
    tensor([[1.],
            [1.]])
    """
    return decompositions.lu_solve(LU_data, LU_pivots, b)


def chain_matmul(*matrices: Any) -> Tensor:
    """`linalg.multi_dot` of matrices given one by one. PyTorch: `torch.chain_matmul`.

    >>> tg.chain_matmul(tg.ones(2, 9), tg.ones(9, 1), tg.ones(1, 3)).shape
    (2, 3)
    """
    parts = (
        matrices[0] if len(matrices) == 1 and not isinstance(matrices[0], TensorBase) else matrices
    )
    return parts[0] if len(parts) == 1 else multi_dot(parts)


def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """The vector product along a dimension of size 3; without `dim`, the first such one.

    `linalg.cross` takes the last one instead. Raises RuntimeError if there is none.
    PyTorch: `torch.cross`.

    >>> tg.cross(tg.tensor([1.0, 0.0, 0.0]), tg.tensor([0.0, 1.0, 0.0]), dim=0)
    tensor([0., 0., 1.])
    """
    check_tensor("cross", input)
    if dim is None:
        warnings.warn(
            "cross: pass dim; without it, the first dimension of size 3 is taken, not the last.",
            UserWarning,
            stacklevel=2,
        )
        if 3 not in input.shape:
            raise RuntimeError(f"cross: no dimension of size 3 in the shape {input.shape}.")
        dim = input.shape.index(3)
    return vectors.cross(input, other, dim=dim)


def svd_lowrank(
    A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None
) -> LegacySVDResult:
    """The `q` largest singular values of A - M with their vectors: U, S, V.

    PyTorch approximates them by `niter` random projections; here they are exact, from a whole SVD.
    PyTorch: `torch.svd_lowrank`.

    Unlike PyTorch, the values are exact, from a whole decomposition.

    >>> tg.svd_lowrank(tg.diag(tg.tensor([3.0, 2.0, 1.0])), q=2).S
    tensor([3., 2.])
    """
    if M is not None:
        A = A - M
    U, S, V = svd(A)
    count = 6 if q is None else q
    return LegacySVDResult(U[..., :count], S[..., :count], V[..., :count])


def pca_lowrank(
    A: Tensor, q: int | None = None, center: bool = True, niter: int = 2
) -> LegacySVDResult:
    """Principal components: `svd_lowrank` of A with the mean of each column taken off.

    The columns of V are the directions; q is min(6, m, n) if not given. Raises ValueError for a q
    that is out of range or a negative `niter`. PyTorch: `torch.pca_lowrank`.

    Unlike PyTorch, the values are exact, from a whole decomposition.

    >>> A = tg.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    >>> tg.pca_lowrank(A, 1).V.abs()
    tensor([[0.7071],
            [0.7071]])
    """
    check_tensor("pca_lowrank", A)
    m, n = A.shape[-2:]
    q = min(6, m, n) if q is None else q
    if not 0 <= q <= min(m, n):
        raise ValueError(f"pca_lowrank: q must be between 0 and min{(m, n)}; got {q}.")
    if niter < 0:
        raise ValueError(f"pca_lowrank: niter cannot be negative; got {niter}.")
    return svd_lowrank(A - A.mean(dim=-2, keepdim=True) if center else A, q, niter)
