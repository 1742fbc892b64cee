"""Joining and splitting: cat, stack, split, chunk, unbind, pad; the gradients of many pieces."""

import math

import numpy as np
import pytest
from cases import Case, property_test, tuples
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.autograd.graph import Operation
from tinygrad_edu.ops import joining
from tinygrad_edu.ops.indexing import Arrays
from tinygrad_edu.testing.strategies import arrays, shapes

ROWS = arrays(shapes(min_dims=1))


def a_dim(x, *_, name="dim"):
    """One dimension, counted from the front or the back."""
    limit = max(x.ndim, 1)
    return st.fixed_dictionaries({name: st.integers(-limit, limit - 1)})


def alike_but_along(count, min_side=0):
    """Arrays of one shape but for one dimension."""

    @st.composite
    def build(draw):
        base = draw(shapes(min_dims=1))
        dim = draw(st.integers(0, len(base) - 1))
        sizes = draw(st.lists(st.integers(min_side, 3), min_size=count, max_size=count))
        return tuple(draw(arrays((*base[:dim], n, *base[dim + 1 :]))) for n in sizes)

    return build()


def different_dim(*xs):
    ndim = xs[0].ndim
    dims = [dim for dim in range(ndim) if len({x.shape[dim] for x in xs}) > 1] or range(ndim)
    return st.fixed_dictionaries({"dim": st.sampled_from([d - n for d in dims for n in (0, ndim)])})


def equal_shapes(count):
    return shapes().flatmap(lambda size: st.tuples(*[arrays(size)] * count))


def of_parts(split):
    """A function of all pieces that tells them apart, so that each has its own gradient."""

    def function(x, **kwargs):
        return [piece * (number + 1) for number, piece in enumerate(split(x, **kwargs))]

    return function


def some_of_parts(split):
    """Only every other piece is used."""

    def function(x, **kwargs):
        return split(x, **kwargs)[::2]

    return function


def numpy_parts(split):
    return lambda x, **kwargs: [p * (i + 1) for i, p in enumerate(split(x, **kwargs))]


def numpy_split(x, split_size_or_sections, dim):
    cuts = split_size_or_sections
    if isinstance(cuts, int):
        return np.split(x, range(cuts, x.shape[dim], cuts), dim)
    return np.split(x, np.cumsum(cuts)[:-1], dim)


def pieces(x):
    dims = st.integers(-x.ndim, x.ndim - 1)

    def sizes(dim):
        n = x.shape[dim]
        cuts = st.lists(st.integers(0, n), max_size=3).map(sorted)
        lists = cuts.map(lambda c: [b - a for a, b in zip([0, *c], [*c, n], strict=True)])
        return st.one_of(st.integers(1, n + 1), lists).map(
            lambda size: {"split_size_or_sections": size, "dim": dim}
        )

    return dims.flatmap(sizes)


def cuts(x):
    return st.builds(
        lambda where, dim: {
            ("sections" if isinstance(where, int) else "indices"): where,
            "dim": dim,
        },
        st.one_of(st.integers(1, 5), st.lists(st.integers(-5, 6), max_size=3)),
        st.integers(-x.ndim, x.ndim - 1),
    )


def widths(low=-1):
    def build(x):
        amounts = st.integers(low, 3)
        return st.integers(0, x.ndim).flatmap(
            lambda n: st.lists(amounts, min_size=2 * n, max_size=2 * n).map(
                lambda pad: {
                    "pad": [max(p, 0) if x.shape[-1 - i // 2] < 2 else p for i, p in enumerate(pad)]
                }
            )
        )

    return build


def numpy_pad(x, pad, mode="constant", **kwargs):
    pairs = [(0, 0)] * (x.ndim - len(pad) // 2)
    pairs += [tuple(pad[i : i + 2]) for i in range(len(pad) - 2, -1, -2)]
    kept = tuple(
        slice(max(0, -before), size - max(0, -after))
        for (before, after), size in zip(pairs, x.shape, strict=True)
    )
    return np.pad(x[kept], [(max(0, b), max(0, a)) for b, a in pairs], mode, **kwargs)


def inner_widths(room):
    """Widths that a mode can fill: below `room(size)` for each dimension."""

    def build(x):
        dims = st.integers(0, x.ndim)
        return dims.flatmap(
            lambda n: st.tuples(
                *(st.integers(0, room(x.shape[-1 - i // 2])) for i in range(2 * n))
            ).map(lambda pad: {"pad": pad})
        )

    return build


CASES = [
    Case(
        "cat",
        lambda *xs, dim: tg.cat(xs, dim),
        alike_but_along(3),
        lambda *xs, dim: np.concatenate(xs, dim),
        different_dim,
    ),
    Case("cat twice the same", lambda x: tg.cat([x, x]), ROWS, lambda x: np.concatenate([x, x])),
    Case(
        "stack",
        lambda *xs, dim: tg.stack(xs, dim),
        equal_shapes(3),
        lambda *xs, dim: np.stack(xs, dim),
        lambda x, *_: st.integers(-x.ndim - 1, x.ndim).map(lambda dim: {"dim": dim}),
    ),
    Case("hstack", lambda *xs: tg.hstack(xs), equal_shapes(2), lambda *xs: np.hstack(xs)),
    Case("vstack", lambda *xs: tg.vstack(xs), equal_shapes(2), lambda *xs: np.vstack(xs)),
    Case("dstack", lambda *xs: tg.dstack(xs), equal_shapes(2), lambda *xs: np.dstack(xs)),
    Case("split", of_parts(tg.split), ROWS, numpy_parts(numpy_split), pieces),
    Case("split, some pieces", some_of_parts(tg.split), ROWS, None, pieces),
    Case(
        "chunk",
        of_parts(tg.chunk),
        ROWS,
        kwargs=lambda x: st.fixed_dictionaries(
            {"chunks": st.integers(1, 5), "dim": st.integers(-x.ndim, x.ndim - 1)}
        ),
    ),
    Case("tensor_split", of_parts(tg.tensor_split), ROWS, kwargs=cuts),
    Case("unbind", of_parts(tg.unbind), ROWS, kwargs=a_dim),
    Case("unbind, some slices", some_of_parts(tg.unbind), ROWS, kwargs=a_dim),
    Case("pad", joining.pad, ROWS, numpy_pad, widths()),
    Case(
        "pad with reflection",
        lambda x, pad: joining.pad(x, pad, "reflect"),
        ROWS,
        lambda x, pad: numpy_pad(x, pad, "reflect"),
        inner_widths(lambda size: size - 1),
    ),
    Case(
        "pad with replication",
        lambda x, pad: joining.pad(x, pad, "replicate"),
        ROWS,
        lambda x, pad: numpy_pad(x, pad, "edge"),
        inner_widths(lambda size: 4),
    ),
    Case(
        "pad in a circle",
        lambda x, pad: joining.pad(x, pad, "circular"),
        ROWS,
        lambda x, pad: numpy_pad(x, pad, "wrap"),
        inner_widths(lambda size: size),
    ),
    Case(
        "several",
        lambda x, y: tg.cat([x.T, y.reshape(4, 3)]).unbind(1),
        tuples(arrays((3, 2)), arrays((2, 6))),
    ),
]

test_joining_operations = property_test(CASES)


# Pieces.


def test_one_operation_gathers_the_gradients_of_all_rows():
    x = tg.ones(50, 3, requires_grad=True)
    rows = list(x * 1)
    operations = {row.grad_fn.next_functions[0][0] for row in rows}
    assert len(operations) == 1
    sum(row.sum() for row in rows).backward()
    assert tg.equal(x.grad, tg.ones(50, 3))


def test_the_gradient_of_many_rows_is_linear_work(monkeypatch):
    yielded = 0

    def counting(differentiate):
        def counted(self, *arguments):
            nonlocal yielded
            for edge, grad in differentiate(self, *arguments):
                yielded += np.size(grad)
                yield edge, grad

        return counted

    # Indexing by arrays has a `differentiate` of its own.
    for cls in (Operation, Arrays):
        monkeypatch.setattr(cls, "differentiate", counting(cls.differentiate))

    def work(rows):
        nonlocal yielded
        x = tg.zeros(rows, 20, requires_grad=True)
        loss = tg.stack([row[0] for row in x * 1]).sum()
        yielded = 0
        loss.backward()
        return yielded

    small = work(10)
    assert small >= 10 * 20
    assert work(80) <= 10 * small  # linear: 8, quadratic: 64


def test_an_integer_tensor_is_split_without_a_graph():
    pieces = tg.arange(4).split(3)
    assert [piece.tolist() for piece in pieces] == [[0, 1, 2], [3]]
    assert all(piece.grad_fn is None for piece in pieces)


@given(st.integers(0, 7), st.integers(1, 9))
def test_chunk_makes_as_few_pieces_as_pytorch(size, chunks):
    lengths = [len(piece) for piece in tg.arange(size).chunk(chunks)]
    if size:
        each = math.ceil(size / chunks)
        assert lengths[:-1] == [each] * (len(lengths) - 1)
        assert sum(lengths) == size
    else:
        assert lengths == [0] * chunks


# Types.


def test_cat_promotes_types_and_passes_over_empty_vectors():
    result = tg.cat([tg.tensor([1, 2]), tg.tensor([]), tg.tensor([0.5])])
    assert result.dtype == tg.float32
    assert tg.cat([tg.zeros(0), tg.ones(2, 2)]).shape == (2, 2)


def test_gradients_of_cat_keep_the_type_of_each_part():
    x = tg.ones(2, dtype=tg.float64, requires_grad=True)
    y = tg.ones(2, dtype=tg.float32, requires_grad=True)
    tg.cat([x, y]).sum().backward()
    assert (x.grad.dtype, y.grad.dtype) == (tg.float64, tg.float32)


# Errors.

X = tg.zeros(2, 3, 4)
ERRORS = {
    "cat shapes": (
        lambda: tg.cat([X, tg.zeros(2, 2, 4)]),
        RuntimeError,
        r"expected \(\*, 3, 4\) but got \(2, 2, 4\)",
    ),
    "cat dims": (
        lambda: tg.cat([X, tg.zeros(2, 2)]),
        RuntimeError,
        r"got \(2, 2\) for tensor number 1",
    ),
    "cat numbers": (lambda: tg.cat([tg.tensor(1.0)]), RuntimeError, r"0-dimensional.*stack"),
    "cat nothing": (lambda: tg.cat([]), ValueError, r"at least one tensor"),
    "cat one": (lambda: tg.cat(X), TypeError, r"list or tuple of tensors"),
    "cat arrays": (
        lambda: tg.cat([X, np.zeros(2)]),
        TypeError,
        r"element 1 is not a tensor but ndarray",
    ),
    "stack": (
        lambda: tg.stack([X, X[0]]),
        RuntimeError,
        r"first has \(2, 3, 4\) and number 1 has \(3, 4\)",
    ),
    "split sizes": (
        lambda: X.split([1, 1], 1),
        RuntimeError,
        r"must add up to 3.*got \[1, 1\], which gives 2",
    ),
    "split 0": (lambda: X.split(0), RuntimeError, r"must be positive; got 0"),
    "chunk": (lambda: X.chunk(0), RuntimeError, r"greater than 0; got 0"),
    "tensor_split": (lambda: X.tensor_split(0), RuntimeError, r"larger than 0; got 0"),
    "unbind": (lambda: tg.tensor(1.0).unbind(), IndexError, r"no dimension to split"),
    "iterate": (lambda: list(tg.tensor(1.0)), TypeError, r"cannot be iterated"),
    "pad odd": (lambda: joining.pad(X, (1,)), RuntimeError, r"even number"),
    "pad many": (lambda: joining.pad(X, (1,) * 8), RuntimeError, r"8 widths are too many"),
    "pad mode": (lambda: joining.pad(X, (1, 1), "mirror"), NotImplementedError, "'mirror'"),
    "pad reflect": (
        lambda: joining.pad(X, (4, 0), "reflect"),
        RuntimeError,
        r"at most 3 on each side; got \(4, 0\)",
    ),
    "pad value": (lambda: joining.pad(X, (1, 1), "reflect", 3.0), RuntimeError, r"value=3.0"),
    "pad cut": (
        lambda: joining.pad(X, (-3, -3)),
        RuntimeError,
        r"take more from dimension 2 than its size 4",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_impossible_parts_are_explained(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()
