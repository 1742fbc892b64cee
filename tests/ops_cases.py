"""Inputs, references and writes that several tables of operations share."""

import numpy as np
from hypothesis import strategies as st


def masks(shape):
    size = int(np.prod(shape))
    return st.lists(st.booleans(), min_size=size, max_size=size).map(
        lambda bits: np.array(bits, dtype=bool).reshape(shape)
    )


def positions(shape, size):
    count = int(np.prod(shape))
    return st.lists(st.integers(0, size - 1), min_size=count, max_size=count).map(
        lambda flat: np.array(flat, dtype=np.int64).reshape(shape)
    )


def by_position(function):
    """A function that gives our arguments other names."""
    return lambda *values, **kwargs: function(*values, *kwargs.values())


# Writing in place, as functions: on a copy, because a leaf cannot be written to.


def in_place(change):
    def function(x, *others, **kwargs):
        out = x * 1
        change(out, *others, **kwargs)
        return out

    return function


def assign(x, value, index):
    x[index] = value


def numpy_assign(x, value, index):
    out = x.copy()
    out[index] = value
    return out
