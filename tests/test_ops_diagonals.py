"""Diagonals: tril, triu, diagonal, diag_embed, diag."""

import numpy as np
import pytest
from cases import Case, property_test
from hypothesis import strategies as st
from ops_cases import by_position

import tinygrad_edu as tg
from tinygrad_edu.testing.strategies import arrays, shapes

ROWS = arrays(shapes(min_dims=1))
MATRICES = arrays(shapes(min_dims=2))


def offset(x, name="diagonal"):
    return st.fixed_dictionaries({name: st.integers(-4, 4)})


def a_plane(x):
    dims = st.lists(
        st.integers(-x.ndim, x.ndim - 1), min_size=2, max_size=2, unique_by=lambda d: d % x.ndim
    )
    return st.builds(
        lambda o, d: {"offset": o, "dim1": d[0], "dim2": d[1]}, st.integers(-4, 4), dims
    )


def numpy_diag_embed(x, offset, dim1, dim2):
    n = x.shape[-1] + abs(offset)
    out = np.zeros((*x.shape[:-1], n, n))
    rows = np.arange(x.shape[-1]) + max(0, -offset)
    out[..., rows, rows + offset] = x
    return np.moveaxis(out, (-2, -1), (dim1, dim2))


def plane_of_result(x):
    ndim = x.ndim + 1
    dims = st.lists(
        st.integers(-ndim, ndim - 1), min_size=2, max_size=2, unique_by=lambda d: d % ndim
    )
    return st.builds(
        lambda o, d: {"offset": o, "dim1": d[0], "dim2": d[1]}, st.integers(-2, 2), dims
    )


CASES = [
    Case("tril", tg.tril, MATRICES, by_position(np.tril), offset),
    Case("triu", tg.triu, MATRICES, by_position(np.triu), offset),
    Case(
        "diagonal",
        tg.diagonal,
        MATRICES,
        by_position(np.diagonal),
        a_plane,
    ),
    Case("diag_embed", tg.diag_embed, ROWS, numpy_diag_embed, plane_of_result),
    Case(
        "diag",
        tg.diag,
        arrays(shapes(min_dims=1, max_dims=2)),
        by_position(np.diag),
        offset,
    ),
]

test_diagonal_operations = property_test(CASES)


# Errors.

X = tg.zeros(2, 3, 4)
ERRORS = {
    "tril": (lambda: tg.zeros(2).tril(), RuntimeError, r"tril: at least two dimensions"),
    "diagonal": (lambda: X.diagonal(0, 1, 1), RuntimeError, r"dim1=1 and dim2=1 are the same"),
    "diag_embed": (lambda: X.diag_embed(0, 1, 1), RuntimeError, r"are the same"),
    "diag_embed number": (
        lambda: tg.tensor(1.0).diag_embed(),
        RuntimeError,
        r"at least one dimension",
    ),
    "diag": (X.diag, RuntimeError, r"a vector or a matrix"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_impossible_diagonal_is_explained(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()
