"""Matrices that the property tests of linear algebra draw: far from singular ones."""

import numpy as np
from hypothesis import strategies as st

from tinygrad_edu.testing.strategies import arrays

__all__ = ["batches", "matrices", "numpy_of", "square", "squares_and"]


@st.composite
def batches(draw):
    """Dimensions before those of a matrix."""
    return draw(st.sampled_from([(), (2,), (2, 1)]))


@st.composite
def matrices(draw, rows=(1, 3), columns=(1, 3)):
    """Batches of matrices with singular values that are far from each other and from 0."""
    shape = (*draw(batches()), draw(st.integers(*rows)), draw(st.integers(*columns)))
    return (
        draw(arrays(shape, low=-0.4, high=0.4))
        + np.diag([3.0, 6.0, 9.0, 12.0])[: shape[-2], : shape[-1]]
    )


@st.composite
def square(draw, sides=(1, 3)):
    """Batches of square matrices, as `matrices`."""
    side = draw(st.integers(*sides))
    return draw(matrices((side, side), (side, side)))


@st.composite
def squares_and(draw, left=True, vectors=False):
    """Square matrices, and a right-hand side for them."""
    a = draw(square())
    n = a.shape[-1]
    count = draw(st.integers(1, 3))
    if vectors and draw(st.booleans()):
        return a, draw(arrays((*a.shape[:-2], n) if draw(st.booleans()) else (n,)))
    # Without batch dimensions, a matrix could be taken for a batch of vectors.
    lead = a.shape[:-2] if draw(st.booleans()) else (1,) * (a.ndim - 2)
    return a, draw(arrays((*lead, n, count) if left else (*lead, count, n)))


def numpy_of(function):
    """A reference that ignores keyword arguments."""
    return lambda *arrays, **_: function(*arrays)
