"""Views that step through memory: as_strided, unfold, other types; shapes changed in place."""

import numpy as np
import pytest
from cases import Case, property_test
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.testing import check_op
from tinygrad_edu.testing.strategies import arrays, shapes


def numpy_strided(x, size, stride, storage_offset=0):
    flat = np.ascontiguousarray(x).reshape(-1)
    places = np.full(size, storage_offset)
    for dim, step in enumerate(stride):
        places = places + np.indices(size)[dim] * step
    return flat[places]


WALKS = [
    {"size": (3, 3), "stride": (1, 1)},
    {"size": (2, 2), "stride": (3, 2), "storage_offset": 1},
    {"size": (4,), "stride": (0,), "storage_offset": 2},
    {"size": (), "stride": (), "storage_offset": 5},
    {"size": (2, 3), "stride": (6, 2)},
]


def of_dense(x, size, stride, storage_offset=0):
    """Of a copy that lies in memory row by row, whatever the layout of x."""
    return (x * 1).contiguous().as_strided(size, stride, storage_offset)


def numpy_unfold(x, dimension, size, step):
    dim = dimension % x.ndim
    view = np.lib.stride_tricks.sliding_window_view(x, size, dim)
    return view[(slice(None),) * dim + (slice(None, None, step),)]


def window(x):
    """The arguments of `unfold`."""
    return (
        st.integers(-x.ndim, x.ndim - 1)
        .flatmap(lambda dim: st.tuples(st.just(dim), st.integers(1, x.shape[dim])))
        .flatmap(
            lambda pair: st.fixed_dictionaries(
                {
                    "dimension": st.just(pair[0]),
                    "size": st.just(pair[1]),
                    "step": st.integers(1, 3),
                }
            )
        )
    )


CASES = [
    Case("as_strided", of_dense, arrays((3, 4)), numpy_strided, st.sampled_from(WALKS)),
    Case("unfold", tg.Tensor.unfold, arrays(shapes(min_dims=1)), numpy_unfold, window),
    Case("adjoint", tg.adjoint, arrays(shapes(min_dims=2)), lambda x: x.mT),
    Case(
        "narrow_copy",
        tg.narrow_copy,
        arrays((3, 4)),
        lambda x, dim, start, length: x[:, start : start + length],
        {"dim": 1, "start": 1, "length": 2},
    ),
    Case(
        "sum_to_size",
        lambda x: x.sum_to_size(1, 3),
        arrays((2, 4, 3)),
        lambda x: x.sum((0, 1))[None],
    ),
    Case(
        "unsqueeze_",
        lambda x: (x * 1).unsqueeze_(0) * x,
        arrays((2, 3)),
        lambda x: x[None] ** 2,
    ),
]

test_strided_operations = property_test(CASES)


# Views of views, and what they are views of.


def test_a_walk_that_leaves_a_view_is_one_of_its_base():
    x = np.arange(12.0).reshape(3, 4)
    check_op(lambda x: (x * 1).contiguous()[:, 1:3].as_strided((3, 3), (1, 1)), x)
    check_op(lambda x: (x * 1).contiguous()[:, 1:3].as_strided((2, 2), (4, 1)), x)


def test_elements_that_are_one_place_share_their_gradient():
    x = tg.tensor([[1.0, 2.0]], requires_grad=True)
    x.expand(3, 2).as_strided((2,), (1,)).sum().backward()
    assert x.grad.tolist() == [[1, 1]]


def test_as_strided_shares_memory_and_version():
    x = tg.zeros(4)
    y = x.as_strided((2,), (2,), 1)
    y.fill_(1)
    assert x.tolist() == [0, 1, 0, 1]
    assert x._version == 1
    assert x.as_strided((2, 0), (1, 1)).shape == (2, 0)


def test_writing_through_a_walk_reaches_the_gradient_of_the_base():
    w = tg.tensor(3.0, requires_grad=True)
    x = tg.ones(4, requires_grad=True)
    y = x * 1
    y.as_strided((2,), (2,)).mul_(w)
    y.unfold(0, 1, 3).mul_(2)
    y.sum().backward()
    assert x.grad.tolist() == [6, 1, 3, 2]
    assert w.grad.item() == 3


def test_windows_that_overlap_cannot_be_written_to():
    x = tg.zeros(4)
    x.unfold(0, 2, 2).fill_(1)
    assert x.tolist() == [1, 1, 1, 1]
    for view in (x.unfold(0, 3, 1), x.as_strided((3, 3), (1, 0))):
        with pytest.raises(RuntimeError, match="cannot be written to"):
            view.fill_(1)


def test_where_a_view_begins():
    x = tg.zeros(3, 4)
    assert x.storage_offset() == 0
    assert x[1, 2:].storage_offset() == 6
    assert x[1:].as_strided((2,), (1,)).storage_offset() == 4
    assert x[1:].as_strided((2,), (1,), 0).storage_offset() == 0
    assert x.t().dim_order() == (1, 0)
    assert x.is_set_to(x.detach())
    assert not x.is_set_to(x.t())


def test_windows_of_a_number_and_of_nothing():
    assert tg.tensor(3.0).unfold(0, 1, 1).tolist() == [3]
    assert tg.tensor(3.0).unfold(0, 0, 1).shape == (0,)
    assert tg.ones(4).unfold(0, 0, 1).shape == (5, 0)


# Other types of the same bytes.


@pytest.mark.parametrize(
    ("dtype", "shape"),
    [("int32", (2, 4)), ("float64", (2, 2)), ("int16", (2, 8)), ("bool", (2, 16))],
)
def test_bytes_are_read_as_another_type(dtype, shape):
    x = tg.zeros(2, 4)
    y = x.view(getattr(tg, dtype))
    assert y.shape == shape
    x.fill_(1)
    assert y.any().item()
    assert y._version == 1
    assert not tg.ones(2, 4, requires_grad=True).view(getattr(tg, dtype)).requires_grad


def test_a_view_of_the_same_type_stays_in_the_graph():
    x = tg.ones(2, requires_grad=True)
    x.view(tg.float32).sum().backward()
    assert x.grad.tolist() == [1, 1]
    assert x.view(np.float32).shape == (2,)


# A tensor's own shape.


@pytest.mark.parametrize(
    ("change", "shape"),
    [
        (lambda x: x.squeeze_(), (3,)),
        (lambda x: x.unsqueeze_(-1), (1, 3, 1)),
        (lambda x: x.t_(), (3, 1)),
        (lambda x: x.transpose_(0, 1), (3, 1)),
        (lambda x: x.swapaxes_(0, 1), (3, 1)),
        (lambda x: x.as_strided_((2,), (2,)), (2,)),
    ],
)
def test_a_tensor_takes_another_shape_in_place(change, shape):
    x = tg.ones(1, 3)
    assert change(x) is x
    assert x.shape == shape
    part = tg.ones(2, 3)[1:]
    assert change(part).shape == shape
    w = tg.tensor(2.0, requires_grad=True)
    product = tg.ones(1, 3) * w
    change(product).sum().backward()
    assert w.grad.item() == product.numel()


def test_a_view_of_another_shape_still_writes_to_its_base():
    w = tg.tensor(2.0, requires_grad=True)
    base = tg.ones(2, 3) * 1
    part = base[1]
    part.unsqueeze_(0)
    part.mul_(w)
    base.sum().backward()
    assert w.grad.item() == 3
    assert base[1].tolist() == [2, 2, 2]


def test_a_shape_changed_without_recording_keeps_the_graph():
    x = tg.ones(3, requires_grad=True)
    y = x * 2
    with tg.no_grad():
        y.unsqueeze_(0)
    y.sum().backward()
    assert x.grad.tolist() == [2, 2, 2]


def test_a_shape_that_others_know_is_not_changed():
    x = tg.ones(1, 3)
    part = x[0]
    with pytest.raises(RuntimeError, match=r"squeeze_: other tensors.*x = x\.squeeze\(\.\.\.\)"):
        x.squeeze_()
    del part
    assert x.squeeze_().shape == (3,)
    leaf = tg.ones(1, 3, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf tensor that requires grad"):
        leaf.squeeze_()
    with tg.no_grad(), pytest.raises(RuntimeError, match="squeeze_: other tensors"):
        leaf.squeeze_()


@pytest.mark.parametrize(
    "name", ["resize_", "resize_as_", "resize", "resize_as", "set_", "storage", "untyped_storage"]
)
def test_what_a_numpy_array_cannot_do_is_refused_by_name(name):
    with pytest.raises(RuntimeError, match=f"^{name}: "):
        getattr(tg.ones(2), name)(3)


# Errors.

X = tg.zeros(3, 4)
ERRORS = {
    "as_strided": (
        lambda: X.as_strided((3, 3), (4, 2)),
        RuntimeError,
        r"reach element 12, but the memory of this tensor ends with element 11",
    ),
    "as_strided, lengths": (lambda: X.as_strided((3,), (1, 1)), RuntimeError, r"equally many"),
    "as_strided, negative": (lambda: X.as_strided((3,), (-1,)), RuntimeError, r"be negative"),
    "unfold, size": (
        lambda: X.unfold(0, 4, 1),
        RuntimeError,
        r"a window of 4 is larger than dimension 0, of size 3",
    ),
    "unfold, step": (lambda: X.unfold(0, 1, 0), RuntimeError, r"the step at least 1; got 1 and 0"),
    "view, type": (
        lambda: tg.zeros(2, 3).view(tg.float64),
        RuntimeError,
        r"rows of 3 elements of float32 \(4 bytes each\) cannot be divided",
    ),
    "view, transposed": (
        lambda: X.t().view(tg.float64),
        RuntimeError,
        r"a last dimension that is contiguous",
    ),
    "view, number": (lambda: tg.tensor(1.0).view(tg.float64), RuntimeError, r"has shape \(\)"),
    "H": (lambda: tg.zeros(2, 2, 2).H, RuntimeError, r"Use `x.mH`"),
    "mH": (lambda: tg.zeros(2).mH, RuntimeError, r"at least two dimensions"),
    "sum_to_size": (lambda: X.sum_to_size(2), RuntimeError, r"cannot be expanded"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_impossible_view_is_explained(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()


def test_other_names_of_the_transpose():
    assert X.H.shape == X.mH.shape == X.adjoint().shape == (4, 3)
    assert tg.tensor(1.0).adjoint().item() == tg.tensor(1.0).H.item() == 1


def test_detach_as_a_function():
    x = tg.ones(2, requires_grad=True) * 2
    assert not tg.detach(x).requires_grad
    assert tg.detach_(x) is x
    assert not x.requires_grad
