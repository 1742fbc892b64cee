"""Products and decompositions of matrices; more are in `tinygrad_edu.linalg`."""

from ..ops.contraction import einsum, tensordot
from ..ops.decompositions import cholesky, lu_unpack
from ..ops.distances import cdist, pdist
from ..ops.linalg import (
    addbmm,
    addmm,
    addmv,
    addmv_,
    addr,
    baddbmm,
    bmm,
    dot,
    ger,
    inner,
    kron,
    matmul,
    mm,
    mv,
    outer,
    trace,
    vdot,
)
from ..ops.linalg_legacy import (
    chain_matmul,
    cross,
    lu,
    lu_solve,
    pca_lowrank,
    pinverse,
    qr,
    svd,
    svd_lowrank,
    triangular_solve,
)
from ..ops.norms import norm_except_dim
from ..ops.solving import (
    cholesky_inverse,
    cholesky_solve,
    det,
    inverse,
    logdet,
    matrix_exp,
    matrix_power,
    slogdet,
)

# fmt: off
__all__ = [
    "addbmm", "addmm", "addmv", "addmv_", "addr", "baddbmm", "bmm", "cdist", "chain_matmul",
    "cholesky", "cholesky_inverse", "cholesky_solve", "cross", "det", "dot", "einsum", "ger",
    "inner", "inverse", "kron", "logdet", "lu", "lu_solve", "lu_unpack", "matmul", "matrix_exp",
    "matrix_power", "mm", "mv", "norm_except_dim", "outer", "pca_lowrank", "pdist", "pinverse",
    "qr", "slogdet", "svd", "svd_lowrank", "tensordot", "trace", "triangular_solve", "vdot",
]
# fmt: on
