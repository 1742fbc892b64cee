"""Products and decompositions of matrices."""

from ..autograd.graph import TensorBase
from ..ops import decompositions, linalg, linalg_legacy, solving

__all__ = ["LinearAlgebra"]


class LinearAlgebra(TensorBase):
    """Functions of `ops`, bound."""

    __slots__ = ()

    addbmm = linalg.addbmm
    addbmm_ = linalg.addbmm_
    addmm = linalg.addmm
    addmm_ = linalg.addmm_
    addmv = linalg.addmv
    addmv_ = linalg.addmv_
    addr = linalg.addr
    addr_ = linalg.addr_
    baddbmm = linalg.baddbmm
    baddbmm_ = linalg.baddbmm_
    bmm = linalg.bmm
    cholesky = decompositions.cholesky
    cholesky_inverse = solving.cholesky_inverse
    cholesky_solve = solving.cholesky_solve
    cross = linalg_legacy.cross
    det = solving.det
    dot = linalg.dot
    ger = linalg.ger
    inner = linalg.inner
    inverse = solving.inverse
    kron = linalg.kron
    logdet = solving.logdet
    lu = linalg_legacy.lu
    lu_solve = linalg_legacy.lu_solve
    matmul = linalg.matmul
    matrix_exp = solving.matrix_exp
    matrix_power = solving.matrix_power
    mm = linalg.mm
    mv = linalg.mv
    outer = linalg.outer
    pinverse = linalg_legacy.pinverse
    qr = linalg_legacy.qr
    slogdet = solving.slogdet
    svd = linalg_legacy.svd
    trace = linalg.trace
    triangular_solve = linalg_legacy.triangular_solve
    vdot = linalg.vdot
