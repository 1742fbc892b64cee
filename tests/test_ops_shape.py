"""Shape, joining, splitting, diagonals: values and gradients, and which results are views."""

import math
import time

import numpy as np
import pytest
from cases import Case, pair, property_test, tuples
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.ops import joining, shape
from tinygrad_edu.testing.strategies import arrays, shapes

ANY = arrays()
EMPTY_TOO = arrays(shapes(min_side=0))
ROWS = arrays(shapes(min_dims=1))
MATRICES = arrays(shapes(min_dims=2))


def a_dim(x, *_, name="dim"):
    """One dimension, counted from the front or the back."""
    limit = max(x.ndim, 1)
    return st.fixed_dictionaries({name: st.integers(-limit, limit - 1)})


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
        lambda where, dim: {"indices_or_sections": where, "dim": dim},
        st.one_of(st.integers(1, 5), st.lists(st.integers(-5, 6), max_size=3)),
        st.integers(-x.ndim, x.ndim - 1),
    )


def by_position(function):
    """A function that gives our arguments other names."""
    return lambda *values, **kwargs: function(*values, *kwargs.values())


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
    Case(
        "several",
        lambda x, y: tg.cat([x.T, y.reshape(4, 3)]).unbind(1),
        tuples(arrays((3, 2)), arrays((2, 6))),
    ),
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


# Views.

VIEWS = {
    "reshape": lambda x: x.reshape(6),
    "view": lambda x: x.view(3, 2),
    "flatten": tg.flatten,
    "squeeze": tg.squeeze,
    "unsqueeze": lambda x: x.unsqueeze(1),
    "transpose": lambda x: x.transpose(0, 1),
    "permute": lambda x: x.permute(1, 0),
    "T": lambda x: x.T,
    "narrow": lambda x: x.narrow(1, 1, 2),
    "select": lambda x: x.select(1, 0),
    "diagonal": lambda x: x.diagonal(),
    "split": lambda x: x.split(1, dim=1)[1],
    "chunk": lambda x: x.chunk(2)[0],
    "tensor_split": lambda x: x.tensor_split(2, dim=1)[0],
    "unbind": lambda x: x.unbind(1)[0],
    "expand": lambda x: x[:1].expand(1, 3),
    "iteration": lambda x: next(iter(x)),
}


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_shares_memory_and_version(name):
    x = tg.zeros(2, 3)
    part = VIEWS[name](x)
    part.fill_(1)
    assert x.sum().item() == part.numel()
    assert x._version == part._version == 1


@pytest.mark.parametrize("name", VIEWS)
def test_writing_through_a_view_reaches_the_gradient_of_the_base(name):
    w = tg.tensor(3.0, requires_grad=True)
    x = tg.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    y = x * 1
    part = VIEWS[name](y)
    part.mul_(w)
    y.sum().backward()
    expected = np.ones((2, 3))
    region = tg.from_numpy(expected)
    VIEWS[name](region).mul_(3)
    np.testing.assert_array_equal(x.grad.numpy(), expected)
    assert w.grad.item() == VIEWS[name](x.detach()).sum().item()


COPIES = {
    "clone": tg.clone,
    "flip": lambda x: x.flip(0),
    "roll": lambda x: x.roll(1, 0),
    "repeat": lambda x: x.repeat(1, 1),
    "tril": tg.tril,
    "diag": tg.diag,
    "cat": lambda x: tg.cat([x]),
    "contiguous of a transpose": lambda x: x.T.contiguous(),
}


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_has_memory_of_its_own(name):
    x = tg.ones(3, 3)
    COPIES[name](x).zero_()
    assert x.sum().item() == 9
    assert x._version == 0


def test_view_refuses_what_reshape_would_copy():
    x = tg.zeros(2, 3).T
    with pytest.raises(RuntimeError, match=r"view: the shape \(6,\) would need a copy.*reshape"):
        x.view(6)
    assert x.reshape(6).shape == (6,)


def test_contiguous_is_the_tensor_itself_where_nothing_is_to_do():
    x = tg.zeros(2, 3)
    assert x.contiguous() is x


def test_an_expanded_tensor_refuses_to_be_written_to():
    x = tg.zeros(1, 3).expand(2, 3)
    for write in (lambda: x.fill_(1), lambda: x.add_(1), lambda: x.__setitem__(0, 1)):
        with pytest.raises(RuntimeError, match=r"cannot be written to.*clone"):
            write()
    x.clone().fill_(1)


def test_a_reshape_in_the_path_of_a_write_follows_the_memory_of_the_base():
    # The base lies column by column, so this reshape is a view of it, but it would be a copy of a
    # gradient that lies row by row.
    x = tg.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    y = x.T.contiguous().T * 1
    column = y.T.view(6)
    assert not y.is_contiguous()
    column[:3] = 0
    y.sum().backward()
    assert x.grad.tolist() == [[0, 0, 1], [0, 1, 1]]


# Pieces.


def test_one_operation_gathers_the_gradients_of_all_rows():
    x = tg.ones(50, 3, requires_grad=True)
    rows = list(x * 1)
    operations = {row.grad_fn.next_functions[0][0] for row in rows}
    assert len(operations) == 1
    sum(row.sum() for row in rows).backward()
    assert tg.equal(x.grad, tg.ones(50, 3))


def test_the_gradient_of_many_rows_is_linear_work():
    def seconds(rows):
        x = tg.zeros(rows, 2000, requires_grad=True)
        loss = tg.stack([row[0] for row in x * 1]).sum()
        start = time.perf_counter()
        loss.backward()
        return time.perf_counter() - start

    seconds(10)
    small = min(seconds(100) for _ in range(3))
    large = min(seconds(800) for _ in range(3))
    assert large < 40 * small  # linear: 8, quadratic: 64


def test_pieces_that_were_changed_together_with_their_base_are_renewed():
    x = tg.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    y = x * 1
    first, second = y.chunk(2)
    y.mul_(10)
    (first.sum() + 2 * second.sum()).backward()
    assert x.grad.tolist() == [10, 10, 20, 20]


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


def test_cat_promotes_types_and_passes_over_empty_vectors():
    result = tg.cat([tg.tensor([1, 2]), tg.tensor([]), tg.tensor([0.5])])
    assert result.dtype == tg.float32
    assert tg.cat([tg.zeros(0), tg.ones(2, 2)]).shape == (2, 2)


def test_gradients_of_cat_keep_the_type_of_each_part():
    x = tg.ones(2, dtype=tg.float64, requires_grad=True)
    y = tg.ones(2, dtype=tg.float32, requires_grad=True)
    tg.cat([x, y]).sum().backward()
    assert (x.grad.dtype, y.grad.dtype) == (tg.float64, tg.float32)


def test_a_chain_of_views_of_a_leaf_is_freed_with_its_last_tensor():
    import gc
    import weakref

    gc.disable()
    try:
        x = tg.ones(2, 3, requires_grad=True)
        y = x * 1
        gone = weakref.ref(y)
        part = y.T[0].unsqueeze(0)
        del y
        assert gone() is not None  # A view keeps its base, as in PyTorch.
        del part
        assert gone() is None
    finally:
        gc.enable()


# Errors.

X = tg.zeros(2, 3, 4)
ERRORS = {
    "reshape": (lambda: X.reshape(5, 5), RuntimeError, r"reshape: cannot reshape array of size 24"),
    "view": (lambda: X.view(5), RuntimeError, r"reshape: cannot reshape array of size 24"),
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
    "cat nothing": (lambda: tg.cat([]), RuntimeError, r"at least one tensor"),
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
    "pad mode": (lambda: joining.pad(X, (1, 1), "mirror"), ValueError, r"got 'mirror'"),
    "pad reflect": (
        lambda: joining.pad(X, (4, 0), "reflect"),
        RuntimeError,
        r"at most 3 on each side; got \(4, 0\)",
    ),
    "pad value": (lambda: joining.pad(X, (1, 1), "reflect", 3.0), ValueError, r"got value=3.0"),
    "pad cut": (
        lambda: joining.pad(X, (-3, -3)),
        RuntimeError,
        r"take more from dimension 2 than its size 4",
    ),
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
def test_an_impossible_shape_is_explained(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()
