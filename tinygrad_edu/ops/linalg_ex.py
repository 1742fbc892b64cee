"""Linear algebra that reports a failure in `info` instead of raising: `inv_ex` and its kin."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..autograd.graph import Array, wrap
from . import decompositions, elementwise
from .decompositions import cholesky, factorized
from .solving import LinAlgError, inverse, solve, square_matrices

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["cholesky_ex", "inv_ex", "lu_factor_ex", "solve_ex"]


class InverseInfo(NamedTuple):
    """What `inv_ex` returns."""

    inverse: Tensor
    info: Tensor


class SolutionInfo(NamedTuple):
    """What `solve_ex` returns."""

    result: Tensor
    info: Tensor


class CholeskyInfo(NamedTuple):
    """What `cholesky_ex` returns."""

    L: Tensor
    info: Tensor


class LUInfo(NamedTuple):
    """What `lu_factor_ex` returns."""

    LU: Tensor
    pivots: Tensor
    info: Tensor


def _first_zero_pivot(x: Array) -> Array:
    """Number (from 1) of the first pivot that is 0, for each matrix; 0 for regular ones."""
    pivots = np.diagonal(factorized(x, True)[0], axis1=-2, axis2=-1)
    return _first(pivots == 0)


def _first(bad: Array) -> Array:
    """Number (from 1) of the first True of each row, 0 if there is none."""
    if bad.shape[-1] == 0:
        return np.zeros(bad.shape[:-1], np.int32)
    return np.where(bad.any(-1), bad.argmax(-1) + 1, 0).astype(np.int32)


def _replaced(A: Tensor, info: Array) -> Tensor:
    """The matrices, with the identity in place of those that fail."""
    unit = wrap(np.eye(A.shape[-1], dtype=A.dtype))
    return elementwise.where(wrap(info == 0)[..., None, None], A, unit)  # type: ignore[no-any-return]


def _marked(result: Tensor, info: Array) -> Tensor:
    """NaN where there is no result."""
    good = wrap((info == 0).reshape(*info.shape, *[1] * (result.array.ndim - info.ndim)))
    return elementwise.where(good, result, math.nan)  # type: ignore[no-any-return]


def inv_ex(A: Tensor, *, check_errors: bool = False) -> InverseInfo:
    """`linalg.inv` without an error: NaN for a singular matrix, and in `info` which pivot is 0.

    PyTorch: `torch.linalg.inv_ex`.

    >>> tg.linalg.inv_ex(tg.tensor([[1.0, 0.0], [0.0, 0.0]])).info
    tensor(2, dtype=int32)
    """
    try:
        return InverseInfo(inverse(A), wrap(np.zeros(A.shape[:-2], np.int32)))
    except LinAlgError:
        if check_errors:
            raise
    info = _first_zero_pivot(A.array)
    return InverseInfo(_marked(inverse(_replaced(A, info)), info), wrap(info))


def solve_ex(
    A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False
) -> SolutionInfo:
    """`linalg.solve` without an error: NaN for a singular matrix, and in `info` which pivot is 0.

    PyTorch: `torch.linalg.solve_ex`.

    >>> tg.linalg.solve_ex(tg.tensor([[0.0]]), tg.tensor([1.0]))
    SolutionInfo(result=tensor([nan]), info=tensor(1, dtype=int32))
    """
    try:
        return SolutionInfo(solve(A, B, left=left), wrap(np.zeros(A.shape[:-2], np.int32)))
    except LinAlgError:
        if check_errors:
            raise
    info = _first_zero_pivot(A.array)
    return SolutionInfo(_marked(solve(_replaced(A, info), B, left=left), info), wrap(info))


def cholesky_ex(A: Tensor, *, upper: bool = False, check_errors: bool = False) -> CholeskyInfo:
    """`linalg.cholesky` without an error: NaN if it fails, and in `info` at which leading minor.

    PyTorch: `torch.linalg.cholesky_ex`.

    >>> tg.linalg.cholesky_ex(tg.tensor([[1.0, 0.0], [0.0, -1.0]])).info
    tensor(2, dtype=int32)
    """
    A = square_matrices(A, "linalg.cholesky_ex")
    try:
        return CholeskyInfo(cholesky(A, upper=upper), wrap(np.zeros(A.shape[:-2], np.int32)))
    except LinAlgError:
        if check_errors:
            raise
    # The pivots without exchanges are ratios of leading minors; all are positive, or it fails.
    lower = np.tril(A.array)
    symmetric = lower + np.tril(A.array, -1).mT
    pivots = np.diagonal(factorized(symmetric, False)[0], axis1=-2, axis2=-1)
    info = _first(~(pivots > 0))
    return CholeskyInfo(_marked(cholesky(_replaced(A, info), upper=upper), info), wrap(info))


def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False) -> LUInfo:
    """`linalg.lu_factor`, and in `info` which pivot is 0. PyTorch: `torch.linalg.lu_factor_ex`.

    >>> tg.linalg.lu_factor_ex(tg.tensor([[1.0, 0.0], [0.0, 0.0]])).info
    tensor(2, dtype=int32)
    """
    packed, pivots = decompositions.lu_factor(A, pivot=pivot)
    info = _first(np.diagonal(packed.array, axis1=-2, axis2=-1) == 0)
    if check_errors and info.any():
        raise LinAlgError(f"linalg.lu_factor_ex: pivot number {info.max()} of U is 0.")
    return LUInfo(packed, pivots, wrap(info))
