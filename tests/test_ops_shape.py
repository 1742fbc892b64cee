"""Shape: reshaping, reordering, expanding, repeating, cutting out, and the errors."""

import numpy as np
import pytest
from cases import Case, pair, property_test
from hypothesis import strategies as st
from ops_cases import by_position

import tinygrad_edu as tg
from tinygrad_edu.ops import shape
from tinygrad_edu.testing.strategies import arrays, shapes

ANY = arrays()
EMPTY_TOO = arrays(shapes(min_side=0))
ROWS = arrays(shapes(min_dims=1))
MATRICES = arrays(shapes(min_dims=2))


def two_dims(x):
    limit = max(x.ndim, 1)
    dims = st.integers(-limit, limit - 1)
    return st.fixed_dictionaries({"dim0": dims, "dim1": dims})


def some_dims(x):
    """Different dimensions, none or more."""
    dims = st.lists(st.integers(-x.ndim, -1), unique=True) if x.ndim else st.just([])
    return st.fixed_dictionaries({"dims": dims})


def an_order(x):
    return st.fixed_dictionaries({"dims": st.permutations(range(x.ndim))})


def a_move(x):
    orders = st.permutations(range(x.ndim))
    return st.builds(
        lambda source, target, count: {"source": source[:count], "destination": target[:count]},
        orders,
        orders,
        st.integers(0, x.ndim),
    )


def a_shape(x):
    """Other shapes with as many elements, one of them perhaps -1."""
    choices = [(x.size,), (1, x.size), x.shape[::-1], (*x.shape, 1)]
    if x.size:
        choices += [(-1,), (1, -1, *x.shape[1:])]
    return st.fixed_dictionaries({"shape": st.sampled_from(choices)})


def a_span(x):
    limit = max(x.ndim, 1)
    dims = st.tuples(st.integers(0, limit - 1), st.integers(0, limit - 1)).map(sorted)
    return dims.map(lambda span: {"start_dim": span[0], "end_dim": span[1] - limit})


def numpy_flatten(x, start_dim, end_dim):
    x = x.reshape(1) if x.ndim == 0 else x
    end_dim %= x.ndim
    return x.reshape(*x.shape[:start_dim], -1, *x.shape[end_dim + 1 :])


def squeezable():
    return arrays(st.lists(st.sampled_from([1, 1, 2, 3]), max_size=4).map(tuple))


def numpy_squeeze(x, dims):
    return np.squeeze(x, tuple(dim for dim in dims if x.shape[dim] == 1))


def larger(x):
    front = st.lists(st.integers(0, 3), max_size=2)
    sizes = st.tuples(*(st.sampled_from([-1, 3] if size == 1 else [-1, size]) for size in x.shape))
    return st.builds(lambda new, old: {"size": (*new, *old)}, front, sizes)


def numpy_expand(x, size):
    new = len(size) - x.ndim
    kept = tuple(old if n == -1 else n for n, old in zip(size[new:], x.shape, strict=True))
    return np.broadcast_to(x, (*size[:new], *kept))


def counts(x, extra=2, fewer=0):
    return st.lists(
        st.integers(0, 3), min_size=max(0, x.ndim - fewer), max_size=x.ndim + extra
    ).map(lambda repeats: {"repeats": tuple(repeats)})


def shifts(x):
    dims = st.lists(st.integers(-x.ndim, x.ndim - 1), min_size=1, max_size=3)
    return dims.flatmap(
        lambda dims: st.lists(st.integers(-5, 5), min_size=len(dims), max_size=len(dims)).map(
            lambda steps: {"shifts": tuple(steps), "dims": tuple(dims)}
        )
    )


def a_part(x):
    dims = st.integers(-x.ndim, x.ndim - 1)

    def cut(dim):
        bounds = st.tuples(*[st.integers(0, x.shape[dim])] * 2).map(sorted)
        return bounds.map(lambda b: {"dim": dim, "start": b[0], "length": b[1] - b[0]})

    return dims.flatmap(cut)


def numpy_narrow(x, dim, start, length):
    return x.take(range(start, start + length), dim)


def a_slice(x):
    dims = st.integers(-x.ndim, x.ndim - 1)
    return dims.flatmap(
        lambda dim: st.integers(-x.shape[dim], x.shape[dim] - 1).map(
            lambda index: {"dim": dim, "index": index}
        )
    )


CASES = [
    Case("reshape", tg.reshape, ANY, np.reshape, a_shape),
    Case(
        "view",
        lambda x, shape: (x * 1).view(shape),
        ANY,
        np.reshape,
        a_shape,
        options={"layouts": False},
    ),
    Case("flatten", tg.flatten, ANY, numpy_flatten, a_span),
    Case("ravel", tg.ravel, EMPTY_TOO, np.ravel),
    Case(
        "unflatten",
        lambda x: tg.unflatten(x, 1, (-1, 2)),
        arrays((2, 6)),
        lambda x: x.reshape(2, 3, 2),
    ),
    Case("squeeze", tg.squeeze, squeezable(), np.squeeze),
    Case(
        "squeeze some",
        lambda x, dims: tg.squeeze(x, tuple(dims)),
        squeezable(),
        numpy_squeeze,
        some_dims,
    ),
    Case(
        "unsqueeze",
        tg.unsqueeze,
        ANY,
        by_position(np.expand_dims),
        lambda x: st.integers(-x.ndim - 1, x.ndim).map(lambda dim: {"dim": dim}),
    ),
    Case("atleast_1d", tg.atleast_1d, ANY, np.atleast_1d),
    Case("atleast_2d", tg.atleast_2d, ANY, np.atleast_2d),
    Case("atleast_3d", tg.atleast_3d, arrays(shapes(min_dims=2)), np.atleast_3d),
    Case("permute", tg.permute, EMPTY_TOO, by_position(np.transpose), an_order),
    Case("transpose", tg.transpose, ROWS, by_position(np.swapaxes), two_dims),
    Case("T", lambda x: x.T, ANY, np.transpose),
    Case("mT", lambda x: x.mT, MATRICES, np.matrix_transpose),
    Case("t", tg.t, arrays(shapes(max_dims=2)), np.transpose),
    Case("movedim", tg.movedim, ANY, np.moveaxis, a_move),
    Case("expand", shape.expand, arrays(shapes(max_side=2)), numpy_expand, larger),
    Case("broadcast_tensors", tg.broadcast_tensors, pair(), np.broadcast_arrays),
    Case("repeat", shape.repeat, ANY, by_position(np.tile), counts),
    Case(
        "tile",
        by_position(tg.tile),
        ANY,
        by_position(np.tile),
        lambda x: counts(x, extra=0, fewer=2),
    ),
    Case(
        "repeat_interleave",
        tg.repeat_interleave,
        ROWS,
        lambda x, repeats, dim: np.repeat(x, repeats, axis=dim),
        lambda x: st.fixed_dictionaries(
            {"repeats": st.integers(0, 3), "dim": st.integers(-x.ndim, x.ndim - 1)}
        ),
    ),
    Case(
        "repeat_interleave of single counts",
        lambda x: tg.repeat_interleave(x, tg.tensor([2, 0, 1])),
        arrays((3,)),
        lambda x: np.repeat(x, [2, 0, 1]),
    ),
    Case("narrow", tg.narrow, ROWS, numpy_narrow, a_part),
    Case("select", tg.select, ROWS, lambda x, dim, index: x.take(index, dim), a_slice),
    Case("flip", tg.flip, EMPTY_TOO, by_position(np.flip), some_dims),
    Case("fliplr", tg.fliplr, MATRICES, np.fliplr),
    Case("flipud", tg.flipud, ROWS, np.flipud),
    Case("roll", tg.roll, ROWS, by_position(np.roll), shifts),
    Case("roll the flattened", lambda x: tg.roll(x, -2), ANY, lambda x: np.roll(x, -2)),
    Case("clone", tg.clone, EMPTY_TOO, np.copy),
    Case("contiguous", lambda x: x.T.contiguous(), ANY, np.transpose),
]

test_shape_operations = property_test(CASES)


# Arguments in PyTorch's ways.

SPELLINGS = {
    "reshape": (
        lambda x: x.reshape(3, 2),
        lambda x: x.reshape((3, 2)),
        lambda x: tg.reshape(x, shape=[3, 2]),
    ),
    "view": (
        lambda x: x.view(3, -1),
        lambda x: x.view([3, 2]),
        lambda x: x.view_as(tg.zeros(3, 2)),
    ),
    "permute": (
        lambda x: x.permute(1, 0),
        lambda x: x.permute([1, 0]),
        lambda x: x.t(),
        lambda x: x.T,
    ),
    "transpose": (
        lambda x: x.transpose(0, 1),
        lambda x: x.swapaxes(0, 1),
        lambda x: x.swapdims(-1, 0),
    ),
    "flip": (lambda x: x.flip(0, 1), lambda x: x.flip((0, 1)), lambda x: tg.flip(x, dims=[0, 1])),
    "expand": (
        lambda x: x.expand(2, 2, 3),
        lambda x: x.expand((2, -1, 3)),
        lambda x: tg.broadcast_to(x, (2, 2, 3)),
    ),
    "repeat": (lambda x: x.repeat(2, 1), lambda x: x.repeat([2, 1]), lambda x: x.tile(2, 1)),
    "squeeze": (
        lambda x: x[:1].squeeze(0),
        lambda x: x[:1].squeeze((0, 1)),
        lambda x: x[:1].squeeze(axis=0),
    ),
    "cat": (
        lambda x: tg.cat([x, x], dim=1),
        lambda x: tg.concat((x, x), axis=1),
        lambda x: tg.hstack([x, x]),
    ),
    "flatten": (lambda x: x.flatten(), lambda x: x.ravel(), lambda x: x.reshape(-1)),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_one_thing_can_be_said_in_several_ways(name):
    x = tg.arange(6).reshape(2, 3)
    first, *others = (spelling(x) for spelling in SPELLINGS[name])
    for other in others:
        assert tg.equal(first, other)


# Errors.

X = tg.zeros(2, 3, 4)
ERRORS = {
    "reshape": (lambda: X.reshape(5, 5), RuntimeError, r"reshape: cannot reshape array of size 24"),
    "view": (lambda: X.view(5), RuntimeError, r"reshape: cannot reshape array of size 24"),
    "unflatten a number": (
        lambda: X.sum().unflatten(0, (1, 1)),
        RuntimeError,
        "no dimension to divide",
    ),
    "unflatten": (lambda: X.unflatten(1, (2, 2)), RuntimeError, r"\(2, 2\) do not multiply to 3"),
    "flatten": (lambda: X.flatten(2, 1), RuntimeError, r"start_dim=2 cannot come after end_dim=1"),
    "squeeze": (lambda: X.squeeze(3), IndexError, r"range of \[-3, 2\], but got 3"),
    "unsqueeze": (lambda: X.unsqueeze(4), IndexError, r"range of \[-4, 3\], but got 4"),
    "permute too few": (
        lambda: X.permute(0, 1),
        RuntimeError,
        r"3 dimensions needs 3 of them; got \(0, 1\)",
    ),
    "permute twice": (lambda: X.permute(0, 1, 1), RuntimeError, r"appears more than once"),
    "t": (X.t, RuntimeError, r"at most 2 dimensions.*mT"),
    "mT": (lambda: tg.zeros(2).mT, RuntimeError, r"at least two dimensions"),
    "movedim": (lambda: X.movedim((0, 1), 2), RuntimeError, r"equally many dimensions"),
    "expand": (
        lambda: X.expand(3, 3, 4),
        RuntimeError,
        r"size 3 of dimension 0 must match the existing size 2",
    ),
    "expand too few": (lambda: X.expand(3, 4), RuntimeError, r"2 sizes are too few"),
    "expand -1": (lambda: X.expand(-1, 2, 3, 4), RuntimeError, r"-1 keeps the size"),
    "broadcast_tensors": (
        lambda: tg.broadcast_tensors(X, tg.zeros(5)),
        RuntimeError,
        r"cannot be broadcast",
    ),
    "repeat": (lambda: X.repeat(2), RuntimeError, r"1 numbers are too few.*tile"),
    "repeat negative": (lambda: X.repeat(1, 1, -1), RuntimeError, r"cannot be negative"),
    "repeat_interleave": (
        lambda: X.repeat_interleave(tg.tensor([1, 2]), 1),
        RuntimeError,
        r"each of the 3 slices",
    ),
    "roll": (lambda: X.roll((1, 2), 0), RuntimeError, r"equally many; got 2 and 1"),
    "roll flat": (lambda: X.roll((1, 2)), RuntimeError, r"2 shifts need as many dims"),
    "narrow start": (
        lambda: X.narrow(0, 5, 1),
        IndexError,
        r"start 5 is out of range for dimension 0 with size 2",
    ),
    "narrow": (lambda: X.narrow(0, 1, 5), RuntimeError, r"start \(1\) \+ length \(5\) exceeds"),
    "narrow number": (lambda: tg.tensor(1.0).narrow(0, 0, 1), RuntimeError, r"no dimension to cut"),
    "select": (
        lambda: X.select(1, 3),
        IndexError,
        r"index 3 is out of range for dimension 1 with size 3",
    ),
    "fliplr": (lambda: tg.zeros(2).fliplr(), RuntimeError, r"at least two dimensions"),
    "flipud": (lambda: tg.tensor(1.0).flipud(), RuntimeError, r"at least one dimension"),
    "flip": (lambda: X.flip(0, 0), RuntimeError, r"appears more than once"),
    "not a size": (lambda: X.reshape("a"), (TypeError, AttributeError), r"__index__|integer"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_impossible_shape_is_explained(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()
