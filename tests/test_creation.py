"""Making tensors: types, sizes, copies and shared memory."""

import math
import re

import numpy as np
import pytest

import tinygrad_edu as tg

# From data.


class Series:
    """Something that NumPy can read, such as a column of a table."""

    def __array__(self, dtype=None, copy=None):
        return np.array([1.0, 2.0])

    def __repr__(self):
        return "Series"


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (1.5, tg.float32),
        (2, tg.int64),
        (True, tg.bool),
        ([], tg.float32),
        ([[], []], tg.float32),
        ([1, 2], tg.int64),
        ([True, False], tg.bool),
        ([1, 2.5], tg.float32),
        ([True, 2], tg.int64),
        ([[True], [2.5]], tg.float32),
        (range(3), tg.int64),
        ((1.0, 2.0), tg.float32),
        ([(1, 2), [3, 4]], tg.int64),
        (np.float64(1), tg.float64),
        ([np.float64(1)], tg.float64),
        ([np.int32(1)], tg.int32),
        ([np.float32(1), 2], tg.float32),
        (np.array([1.0]), tg.float64),
        (np.array([1], np.int16), tg.int16),
        ([np.zeros(2), np.ones(2)], tg.float64),
        (np.array([1.0], ">f4"), tg.float32),
        ([tg.ones(1), tg.tensor(0.0)], tg.float32),
        ([tg.tensor(1), tg.tensor(2.5)], tg.float32),
        (Series(), tg.float64),
    ],
    ids=repr,
)
def test_type_that_tensor_infers(data, dtype):
    assert tg.tensor(data).dtype == dtype
    assert tg.tensor(data, dtype=tg.float64).dtype == tg.float64


def test_values_and_shape_of_nested_lists():
    x = tg.tensor([[[1, 2], [3, 4]]])
    assert x.shape == (1, 2, 2)
    assert x.tolist() == [[[1, 2], [3, 4]]]


def test_python_floats_become_the_default_type():
    tg.set_default_dtype(tg.float64)
    try:
        assert tg.tensor(1.5).dtype == tg.float64
        assert tg.zeros(1).dtype == tg.rand(1).dtype == tg.arange(1.0).dtype == tg.float64
    finally:
        tg.set_default_dtype(tg.float32)


@pytest.mark.parametrize("make", [tg.tensor, tg.Tensor], ids=["tensor", "Tensor"])
def test_tensor_copies_an_array(make):
    a = np.zeros(2, np.float32)
    x = make(a)
    a[0] = 1
    assert x.tolist() == [0.0, 0.0]


def test_tensor_of_a_tensor_warns_and_copies():
    x = tg.ones(2)
    with pytest.warns(UserWarning, match=r"x\.detach\(\)\.clone\(\)"):
        y = tg.tensor(x)
    y[0] = 5
    assert x.tolist() == [1.0, 1.0]


def test_a_tensor_in_a_list_is_a_number():
    x = tg.tensor([[tg.ones(1), 2.0], [tg.ones(1, 1, dtype=tg.float64), tg.tensor(4)]])
    assert x.tolist() == [[1, 2], [1, 4]]
    assert x.dtype == tg.float64
    for rows in ([tg.ones(2), tg.ones(2)], [tg.ones(0)]):
        with pytest.raises(ValueError, match=r"only one element tensors .* tg.stack"):
            tg.tensor(rows)


@pytest.mark.parametrize("end", [math.nan, math.inf])
@pytest.mark.parametrize("dtype", [None, tg.int64])
def test_a_range_has_an_end(end, dtype):
    with pytest.raises(RuntimeError, match=r"unsupported range: 0 -> (nan|inf)"):
        tg.arange(0, end, dtype=dtype)


def test_list_of_tensors_that_require_grad_warns():
    x = tg.tensor(1.0, requires_grad=True)
    with pytest.warns(UserWarning, match=r"tg\.stack"):
        y = tg.tensor([x, 2 * x])
    assert y.tolist() == [1.0, 2.0]
    assert not y.requires_grad


@pytest.mark.parametrize(
    ("data", "where"),
    [
        ([[1, 2], [3]], "at depth 1 there are parts of 1 and 2"),
        ([[1, 2], 3], "at depth 1 there are parts of 0 and 2"),
        ([[[1], [2]], [[3], [4, 5]]], "at depth 2 there are parts of 1 and 2"),
        ([np.zeros(2), np.zeros(3)], "different shapes"),
    ],
    ids=str,
)
def test_ragged_lists_are_refused(data, where):
    with pytest.raises(ValueError, match=where):
        tg.tensor(data)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ("one", TypeError),
        (["one"], TypeError),
        (b"1", TypeError),
        (np.array(["one"]), TypeError),
        (np.array([1j]), TypeError),
        (None, RuntimeError),
        ([1, None], RuntimeError),
        ({1, 2}, RuntimeError),
        (1j, RuntimeError),
    ],
    ids=repr,
)
def test_what_is_no_number_is_refused(data, error):
    with pytest.raises(error):
        tg.tensor(data)


def test_numbers_out_of_range_are_refused():
    with pytest.raises(ValueError, match="too large"):
        tg.tensor(2**70)
    with pytest.raises(RuntimeError, match="out of bounds for uint8"):
        tg.tensor([300], dtype=tg.uint8)
    with pytest.raises(RuntimeError, match="cannot convert float NaN to integer"):
        tg.tensor(float("nan"), dtype=tg.int64)


def test_too_large_floats_become_infinite():
    assert tg.tensor(1e300).item() == float("inf")
    assert tg.tensor(np.array([1e300]), dtype=tg.float32).item() == float("inf")


def test_integers_cannot_require_grad():
    with pytest.raises(RuntimeError, match=r"x\.float\(\)"):
        tg.tensor([1, 2], requires_grad=True)


# Sharing memory.


def test_from_numpy_shares_memory_both_ways():
    a = np.zeros(2)
    x = tg.from_numpy(a)
    a[0] = 1
    x[1] = 2
    assert x.tolist() == a.tolist() == [1.0, 2.0]


def test_from_numpy_of_a_read_only_array_cannot_be_changed():
    a = np.zeros(2)
    a.flags.writeable = False
    x = tg.from_numpy(a)
    with pytest.raises(RuntimeError, match="read-only array"):
        x.add_(1)
    assert a.tolist() == [0.0, 0.0]


def test_from_numpy_takes_views_with_negative_steps():
    assert tg.from_numpy(np.arange(3)[::-1]).tolist() == [2, 1, 0]


def test_from_numpy_of_a_subclass_is_a_plain_array():
    assert type(tg.from_numpy(np.ma.array([1.0])).array) is np.ndarray


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ([1.0], TypeError),
        (np.float32(1), TypeError),
        (np.array(["a"]), TypeError),
        (np.zeros(2, np.dtype("f4").newbyteorder()), ValueError),
    ],
    ids=repr,
)
def test_from_numpy_refuses(data, error):
    with pytest.raises(error):
        tg.from_numpy(data)


def test_as_tensor_returns_a_tensor_itself():
    x = tg.ones(2, requires_grad=True)
    assert tg.as_tensor(x) is x
    assert tg.asarray(x) is x


def test_as_tensor_of_another_type_stays_in_the_graph():
    x = tg.ones(2, requires_grad=True)
    tg.as_tensor(x, dtype=tg.float64).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_as_tensor_shares_memory_with_an_array_of_the_type():
    a = np.zeros(2, np.float32)
    assert np.shares_memory(tg.as_tensor(a).array, a)
    assert np.shares_memory(tg.as_tensor(a, dtype=tg.float32).array, a)
    assert not np.shares_memory(tg.as_tensor(a, dtype=tg.float64).array, a)


@pytest.mark.parametrize("data", [[1.0, 2.0], 3.0, np.float32(3)], ids=repr)
def test_as_tensor_of_anything_else_is_tensor(data):
    assert tg.equal(tg.as_tensor(data), tg.tensor(data))


def test_asarray_copies_on_demand():
    a = np.zeros(2)
    assert np.shares_memory(tg.asarray(a).array, a)
    assert not np.shares_memory(tg.asarray(a, copy=True).array, a)
    assert tg.asarray([1.0], requires_grad=True).requires_grad
    with pytest.raises(ValueError, match="copy=False"):
        tg.asarray([1.0], copy=False)


# Filled.

MAKERS = [tg.zeros, tg.ones, tg.empty, tg.rand, tg.randn]


@pytest.mark.parametrize("make", MAKERS, ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    ("args", "shape"),
    [
        ((2, 3), (2, 3)),
        (((2, 3),), (2, 3)),
        (([2, 3],), (2, 3)),
        ((4,), (4,)),
        (((),), ()),
        ((0, 3), (0, 3)),
        ((np.int64(2), 3), (2, 3)),
    ],
    ids=str,
)
def test_sizes_are_given_in_every_way(make, args, shape):
    x = make(*args)
    assert x.shape == shape
    assert x.dtype == tg.float32


@pytest.mark.parametrize("make", MAKERS, ids=lambda f: f.__name__)
def test_size_is_a_keyword_too(make):
    assert make(size=(2, 3)).shape == (2, 3)


def test_a_tensor_may_be_a_size():
    assert tg.zeros(tg.tensor(2), 3).shape == (2, 3)
    assert tg.zeros(tg.ones(2, 3).shape).shape == (2, 3)


@pytest.mark.parametrize("make", MAKERS, ids=lambda f: f.__name__)
def test_wrong_sizes_are_refused(make):
    with pytest.raises(TypeError, match=r"integers, such as \(2, 3\); got \(2, 3\.0\)"):
        make(2, 3.0)
    with pytest.raises(RuntimeError, match=r"negative; got the size \(-1,\)"):
        make(-1)
    with pytest.raises(TypeError, match="the size is missing"):
        make()


@pytest.mark.parametrize("make", MAKERS, ids=lambda f: f.__name__)
def test_common_keywords(make):
    x = make(
        2,
        dtype=tg.float64,
        device=tg.device("cpu"),
        layout=tg.strided,
        pin_memory=False,
        requires_grad=True,
    )
    assert x.dtype == tg.float64
    assert x.requires_grad
    assert x.is_leaf


@pytest.mark.parametrize("make", MAKERS, ids=lambda f: f.__name__)
def test_unknown_keywords_are_refused(make):
    with pytest.raises(TypeError, match="colour"):
        make(2, colour="red")


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "mps", "cpu:x", "nowhere"])
def test_other_devices_are_refused_by_name(device):
    for call in (
        lambda: tg.zeros(2, device=device),
        lambda: tg.tensor([1.0], device=device),
        lambda: tg.ones(1).to(device),
        lambda: tg.device(device),
        lambda: tg.Generator(device),
    ):
        with pytest.raises(RuntimeError, match=re.escape(repr(device))):
            call()


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: tg.zeros(2), [0.0, 0.0]),
        (lambda: tg.ones(2, dtype=tg.int64), [1, 1]),
        (lambda: tg.full((2,), 7), [7, 7]),
        (lambda: tg.full((2,), 7.5), [7.5, 7.5]),
        (lambda: tg.full((2,), True), [True, True]),
        (lambda: tg.full((1, 2), tg.tensor(1.5)), [[1.5, 1.5]]),
        (lambda: tg.full((), 3), 3),
        (lambda: tg.scalar_tensor(3), 3.0),
        (lambda: tg.eye(2), [[1.0, 0.0], [0.0, 1.0]]),
        (lambda: tg.eye(2, 3, dtype=tg.int64), [[1, 0, 0], [0, 1, 0]]),
        (lambda: tg.eye(0), []),
        (lambda: tg.arange(3), [0, 1, 2]),
        (lambda: tg.arange(3.0), [0.0, 1.0, 2.0]),
        (lambda: tg.arange(1, 2, 0.5), [1.0, 1.5]),
        (lambda: tg.arange(5, 1, -2), [5, 3]),
        (lambda: tg.arange(2, 2), []),
        (lambda: tg.arange(2.5, dtype=tg.int64), [0, 1]),
        (lambda: tg.arange(3, dtype=tg.float32), [0.0, 1.0, 2.0]),
        (lambda: tg.arange(tg.tensor(3), np.int64(5)), [3, 4]),
        (lambda: tg.linspace(0, 1, 3), [0.0, 0.5, 1.0]),
        (lambda: tg.linspace(2, 5, 1), [2.0]),
        (lambda: tg.linspace(0, 10, 5, dtype=tg.int64), [0, 2, 5, 7, 10]),
        (lambda: tg.linspace(0, 1, 0), []),
        (lambda: tg.logspace(0, 2, 3), [1.0, 10.0, 100.0]),
        (lambda: tg.logspace(0, 3, 4, base=2), [1.0, 2.0, 4.0, 8.0]),
        (lambda: tg.tril_indices(2, 2), [[0, 1, 1], [0, 0, 1]]),
        (lambda: tg.triu_indices(3, 2, 1), [[0], [1]]),
    ],
)
def test_values(call, expected):
    x = call()
    assert x.tolist() == expected
    assert isinstance(expected, list) or type(x.item()) is type(expected)


@pytest.mark.parametrize(
    ("call", "dtype"),
    [
        (lambda: tg.arange(3), tg.int64),
        (lambda: tg.arange(3.0), tg.float32),
        (lambda: tg.arange(0, 1, 0.5), tg.float32),
        (lambda: tg.linspace(0, 1, 2), tg.float32),
        (lambda: tg.logspace(0, 1, 2, dtype=tg.float64), tg.float64),
        (lambda: tg.full((1,), 1), tg.int64),
        (lambda: tg.full((1,), 1, dtype=tg.float16), tg.float16),
        (lambda: tg.full((1,), np.float64(1)), tg.float32),
        (lambda: tg.scalar_tensor(True), tg.float32),
        (lambda: tg.eye(1), tg.float32),
        (lambda: tg.tril_indices(1, 1), tg.int64),
        (lambda: tg.randint(3, (1,)), tg.int64),
        (lambda: tg.randint(3, (1,), dtype=tg.float32), tg.float32),
        (lambda: tg.randperm(3), tg.int64),
        (lambda: tg.rand(1, dtype=tg.float16), tg.float16),
        (lambda: tg.randn(1, dtype=tg.float64), tg.float64),
        (lambda: tg.normal(tg.zeros(1, dtype=tg.float64), 1.0), tg.float64),
        (lambda: tg.bernoulli(tg.zeros(1, dtype=tg.float64)), tg.float64),
        (lambda: tg.multinomial(tg.ones(1), 1), tg.int64),
        (lambda: tg.poisson(tg.ones(1, dtype=tg.float64)), tg.float64),
    ],
)
def test_types(call, dtype):
    assert call().dtype == dtype


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tg.arange(0, 1, 0), "step must not be 0"),
        (lambda: tg.arange(0, 1, 0.1, dtype=tg.int64), "step must not be 0"),
        (lambda: tg.arange(5, 1), "a step of 1 does not lead from 5 to 1"),
        (lambda: tg.linspace(0, 1, -1), "cannot be negative; got -1"),
        (lambda: tg.logspace(0, 1, -1), "cannot be negative; got -1"),
        (lambda: tg.eye(-1), "negative"),
        (lambda: tg.zeros(2, layout="sparse"), "no layout 'sparse'"),
    ],
)
def test_impossible_sequences_are_refused(call, message):
    with pytest.raises(RuntimeError, match=message):
        call()


def test_full_takes_one_number():
    with pytest.raises(TypeError, match=r"one number; got the shape \(2,\)"):
        tg.full((2,), [1, 2])


def test_arange_does_not_accumulate_errors():
    assert tg.arange(0, 1000, 0.1, dtype=tg.float64)[-1].item() == pytest.approx(999.9, abs=1e-12)


# Like another tensor.


@pytest.mark.parametrize(
    ("make", "values"),
    [
        (tg.zeros_like, [0, 0]),
        (tg.ones_like, [1, 1]),
        (lambda x, **options: tg.full_like(x, 7, **options), [7, 7]),
        (lambda x, **options: tg.randint_like(x, 3, 4, **options), [3, 3]),
        (lambda x, **options: x.new_zeros(2, **options), [0, 0]),
        (lambda x, **options: x.new_ones((2,), **options), [1, 1]),
        (lambda x, **options: x.new_full((2,), 7, **options), [7, 7]),
        (lambda x, **options: x.new_tensor([3, 4], **options), [3, 4]),
    ],
)
@pytest.mark.parametrize("dtype", [tg.float64, tg.int32], ids=str)
def test_like_another_tensor(make, values, dtype):
    x = tg.tensor([5, 6], dtype=dtype)
    assert make(x).dtype == dtype
    assert make(x).tolist() == values
    assert make(x, dtype=tg.float32).dtype == tg.float32
    assert make(x, dtype=tg.float32, requires_grad=True).requires_grad


@pytest.mark.parametrize(
    "make", [tg.empty_like, tg.rand_like, tg.randn_like, lambda x, **o: x.new_empty(2, **o)]
)
def test_like_another_tensor_with_any_values(make):
    x = tg.zeros(2, dtype=tg.float64)
    assert make(x).dtype == tg.float64
    assert make(x).shape == (2,)
    assert make(x, dtype=tg.float32).dtype == tg.float32
    assert make(x, requires_grad=True).requires_grad


def test_like_is_no_part_of_the_graph():
    x = tg.ones(2, requires_grad=True)
    assert not tg.zeros_like(x).requires_grad
    assert not tg.rand_like(x * 2).requires_grad


def test_like_keeps_the_memory_layout():
    x = tg.zeros(2, 3).T
    assert tg.zeros_like(x, memory_format=tg.preserve_format).stride() == x.stride()


def test_questions():
    assert tg.is_tensor(tg.ones(1))
    assert not tg.is_tensor(np.ones(1))
    assert tg.is_floating_point(tg.ones(1))
    assert not tg.is_floating_point(tg.tensor([1]))


@pytest.mark.parametrize("function", [tg.tril_indices, tg.triu_indices])
def test_indices_of_a_triangle_of_negative_size_are_refused(function):
    with pytest.raises(
        RuntimeError, match=r"a dimension cannot be negative; got the size \(-1, 2\)"
    ):
        function(-1, 2)
