"""Views: which results share memory; gradients after bases and views are changed in place."""

import numpy as np
import pytest
from cases import Case, property_test, tuples
from hypothesis import given
from hypothesis import strategies as st
from ops_cases import assign, in_place

import tinygrad_edu as tg
from tinygrad_edu.testing.strategies import arrays

# Which results are views.

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


def test_an_element_of_a_vector_is_a_view():
    x = tg.zeros(3)
    x[1].fill_(7)
    assert x.tolist() == [0, 7, 0]


@pytest.mark.parametrize("index", [1, slice(1, 2), (0, None), ..., (slice(None), 1)], ids=str)
def test_basic_indices_make_views(index):
    x = tg.zeros(2, 2)
    part = x[index]
    part.fill_(1)
    assert x.sum().item() == part.numel()
    assert x._version == 1


@pytest.mark.parametrize("index", [[0], np.array([True, False]), True], ids=str)
def test_arrays_make_copies(index):
    x = tg.zeros(2, 2)
    x[index].fill_(1)
    assert x.sum().item() == 0


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


def test_view_of_a_result_with_the_channels_last_in_memory_shares_with_it():
    images = tg.ones(2, 3, 4, 4).permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    x = images * 2
    assert not x.is_contiguous()
    flat = x.view(2, -1)
    flat[0, 0] = 7
    assert x[0, 0, 0, 0] == 7
    assert x.is_contiguous()


def test_view_refuses_what_reshape_would_copy():
    x = tg.zeros(2, 3).T
    with pytest.raises(RuntimeError, match=r"view: the shape \(6,\) would need a copy.*reshape"):
        x.view(6)
    assert x.reshape(6).shape == (6,)


def test_contiguous_is_the_tensor_itself_where_nothing_is_to_do():
    x = tg.zeros(2, 3)
    assert x.contiguous() is x


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


# Writing through views.


def write_transposed(x, value):
    """Through a view of a view."""
    x.T[0].unsqueeze(0).copy_(value)


def numpy_write_transposed(x, value):
    out = x.copy()
    out.T[0] = value
    return out


CASES = [
    Case(
        "write through a view",
        in_place(write_transposed),
        tuples(arrays((3, 2)), arrays((1, 3))),
        numpy_write_transposed,
    ),
]

test_view_operations = property_test(CASES)


def test_an_expanded_tensor_refuses_to_be_written_to():
    x = tg.zeros(1, 3).expand(2, 3)
    for write in (lambda: x.fill_(1), lambda: x.add_(1), lambda: x.__setitem__(0, 1)):
        with pytest.raises(RuntimeError, match=r"cannot be written to.*clone"):
            write()
    x.clone().fill_(1)


def test_a_view_that_became_a_leaf_is_refused_as_well():
    x = tg.zeros(2)
    part = x[0].requires_grad_()
    with pytest.raises(RuntimeError, match=r"a leaf tensor that requires grad"):
        part.mul_(2)


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


def test_a_change_through_a_stale_view_is_recorded():
    w = tg.tensor(2.0, requires_grad=True)
    x = tg.zeros(2)
    whole = x[:]
    x[0] = w
    whole.mul_(10)
    x.sum().backward()
    assert w.grad.item() == 10


def test_a_change_through_a_view_made_under_no_grad_is_recorded():
    x = tg.ones(2, requires_grad=True)
    y = x * 1
    with tg.no_grad():
        part = y[0]
    part.mul_(10)
    y.sum().backward()
    assert x.grad.tolist() == [10, 1]


def test_a_detached_tensor_shares_memory_and_version_but_no_gradient():
    x = tg.ones(2, requires_grad=True)
    y = x * 1
    y.detach()[0] = 5
    assert y.tolist() == [5, 1]
    assert y._version == 1
    y.sum().backward()
    assert x.grad.tolist() == [1, 1]


# Views whose base changes.


def test_a_view_sees_later_writes_to_its_base_in_value_and_gradient():
    x = tg.ones(2, requires_grad=True)
    y = x * 1
    part = y[0]
    y.mul_(3)
    assert part.item() == 3
    part.backward()
    assert x.grad.tolist() == [3, 0]


def test_a_view_of_a_constant_that_becomes_part_of_a_graph():
    w = tg.tensor(2.0, requires_grad=True)
    x = tg.zeros(2)
    part = x[0]
    x[0] = w
    assert part.requires_grad
    assert part.grad_fn is not None
    part.backward()
    assert w.grad.item() == 1


def test_retain_grad_follows_a_change_of_the_base_of_a_view():
    base = tg.tensor([1.0, 2.0], requires_grad=True) * 1
    part = base[:1]
    part.retain_grad()
    base.mul_(2)
    (part * 5).sum().backward()
    assert part.grad.tolist() == [5]


def test_pieces_that_were_changed_together_with_their_base_are_renewed():
    x = tg.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    y = x * 1
    first, second = y.chunk(2)
    y.mul_(10)
    (first.sum() + 2 * second.sum()).backward()
    assert x.grad.tolist() == [10, 10, 20, 20]


# Random programs of views and writes, against the same program without either: there every tensor
# is P b, where b is the base and P picks, and a write is b + P (new - old).

VIEW_STEPS = {
    "T": lambda x: x.T,
    "first": lambda x: x[0],
    "last": lambda x: x[..., -1],
    "every other": lambda x: x[::2],
    "column": lambda x: x[..., :1],
    "unsqueeze": lambda x: x[None],
    "flat": lambda x: x.reshape(-1),
    "unbind": lambda x: x.unbind(-1)[-1],
    "chunk": lambda x: x.chunk(2)[0],
    "diagonal": lambda x: x.diagonal(),
}
WRITES = {
    "mul_": (lambda x, w: x.mul_(w), lambda old, w: old * w),
    "add_": (lambda x, w: x.add_(w * w), lambda old, w: old + w * w),
    "fill_": (lambda x, w: x.fill_(w), lambda old, w: old * 0 + w),
    "zero_": (lambda x, w: x.zero_(), lambda old, w: old * 0),
    "exp_": (lambda x, w: x.mul_(0.1).exp_(), lambda old, w: (old * 0.1).exp()),
    "set": (lambda x, w: assign(x, w, ...), lambda old, w: old * 0 + w),
    "set by index": (
        lambda x, w: assign(x[None] if x.ndim == 0 else x, w, [0]),
        lambda old, w: old * (1 - first_rows(old.shape)) + w * first_rows(old.shape),
    ),
    "masked_fill_": (
        lambda x, w: x.masked_fill_(checkers(x.shape) > 0, w),
        lambda old, w: old * (1 - checkers(old.shape)) + w * checkers(old.shape),
    ),
}


def first_rows(shape):
    """1 in the first row, 0 in the others."""
    rows = np.arange(shape[0]) == 0 if shape else np.array(True)
    return tg.tensor(
        np.broadcast_to(rows.reshape(-1, *[1] * (len(shape) - 1)) if shape else rows, shape) * 1.0
    )


def checkers(shape):
    """0 and 1 by turns."""
    return tg.tensor((np.arange(np.prod(shape, dtype=int)) % 2.0).reshape(shape))


class Pure:
    """The program without views and writes."""

    def __init__(self, base):
        self.base = base.reshape(-1)

    def read(self, where):
        picks = np.eye(self.base.numel())[where.reshape(-1)]
        return (tg.from_numpy(picks) @ self.base).reshape(where.shape)

    def write(self, where, new):
        picks = tg.from_numpy(np.eye(self.base.numel())[where.reshape(-1)])
        self.base = self.base + (new - self.read(where)).reshape(-1) @ picks


@given(st.data())
def test_programs_of_views_and_writes_have_the_gradients_of_programs_without(data):
    shape = data.draw(st.sampled_from([(4,), (2, 3), (3, 2, 2)]))
    values = np.linspace(-1, 1, int(np.prod(shape))).reshape(shape)
    xs = [tg.tensor(values, dtype=tg.float64, requires_grad=True) for _ in range(2)]
    ws = [tg.tensor(1.5, dtype=tg.float64, requires_grad=True) for _ in range(2)]
    constant = data.draw(st.booleans(), label="base is a constant at first")
    base, pure = (tg.tensor(values, dtype=tg.float64) if constant else x * 1 for x in xs)
    if data.draw(st.booleans(), label="the memory of the base is column by column"):
        base = base.T.contiguous().T.clone()
    pure = Pure(pure)
    places = np.arange(values.size).reshape(shape)
    tensors = [(base, places, True)]
    losses = [xs[0].sum() + ws[0], xs[1].sum() + ws[1]]
    for number in range(data.draw(st.integers(1, 8), label="steps")):
        tensor, where, readable = data.draw(st.sampled_from(tensors), label="tensor")
        action = data.draw(st.sampled_from(["view", "write", "read"]), label="action")
        if action == "view":
            name = data.draw(st.sampled_from(list(VIEW_STEPS)), label="view")
            recorded = data.draw(st.booleans(), label="recorded")
            try:
                new_places = VIEW_STEPS[name](tg.from_numpy(where)).numpy()
            except (IndexError, RuntimeError):
                continue
            with tg.set_grad_enabled(recorded):
                view = VIEW_STEPS[name](tensor)
            if view._version == tensor._version and np.shares_memory(view.array, base.array):
                tensors.append((view, new_places, readable and recorded))
        elif action == "write":
            name = data.draw(st.sampled_from(list(WRITES)), label="write")
            write, compute = WRITES[name]
            if where.size == 0:
                continue
            pure.write(where, compute(pure.read(where), ws[1]))
            write(tensor, ws[0])
        elif readable:
            # exp saves its result, not the tensor, which may be written to later.
            losses[0] = losses[0] + (number + 1) * tensor.exp().sum()
            losses[1] = losses[1] + (number + 1) * pure.read(where).exp().sum()
    losses[0] = losses[0] + (base * tg.from_numpy(np.cos(places))).sum()
    losses[1] = losses[1] + (pure.read(places) * tg.from_numpy(np.cos(places))).sum()
    for loss in losses:
        loss.backward()
    np.testing.assert_allclose(losses[0].item(), losses[1].item())
    np.testing.assert_allclose(xs[0].grad.numpy(), xs[1].grad.numpy(), atol=1e-9)
    np.testing.assert_allclose(ws[0].grad.numpy(), ws[1].grad.numpy(), rtol=1e-7, atol=1e-9)
