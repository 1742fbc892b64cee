"""NumPy speaks Tensor: its functions, its operators, and where it is refused."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.ops.numpy_functions import FUNCTIONS
from tinygrad_edu.ops.numpy_protocol import UFUNCS
from tinygrad_edu.testing import check_op

A = np.array([[0.3, -1.2, 2.1], [1.7, 0.6, -0.8]])
B = np.array([[1.1, 0.45, -0.73], [-1.9, 2.3, 0.97]])
SQUARE = np.array([[2.0, 0.3, -0.4], [0.1, 1.5, 0.7], [-0.6, 0.2, 1.8]])
UNIT = np.array([[0.3, -0.2, 0.9], [0.7, 0.6, -0.8]])
POSITIVE = np.array([[0.3, 1.2, 2.1], [1.7, 0.6, 0.8]])

# Each ufunc with arrays from its domain: values must be NumPy's, gradients the numerical ones.
DIFFERENTIABLE_UFUNCS = [
    (np.add, A, B),
    (np.subtract, A, B),
    (np.multiply, A, B),
    (np.divide, A, B),
    (np.remainder, A, B),
    (np.fmod, A, B),
    (np.power, POSITIVE, B),
    (np.maximum, A, B),
    (np.minimum, A, B),
    (np.arctan2, A, B),
    (np.hypot, A, B),
    (np.logaddexp, A, B),
    (np.matmul, A, SQUARE),
    (np.positive, A),
    (np.conjugate, A),
    (np.negative, A),
    (np.absolute, A),
    (np.fabs, A),
    (np.sign, A),
    (np.exp, A),
    (np.exp2, A),
    (np.expm1, A),
    (np.log, POSITIVE),
    (np.log2, POSITIVE),
    (np.log10, POSITIVE),
    (np.log1p, POSITIVE),
    (np.sqrt, POSITIVE),
    (np.square, A),
    (np.reciprocal, A),
    (np.sin, A),
    (np.cos, A),
    (np.tan, A),
    (np.arcsin, UNIT),
    (np.arccos, UNIT),
    (np.arctan, A),
    (np.sinh, A),
    (np.cosh, A),
    (np.tanh, A),
    (np.arcsinh, A),
    (np.arccosh, POSITIVE + 1),
    (np.arctanh, UNIT),
    (np.deg2rad, A),
    (np.radians, A),
    (np.rad2deg, A),
    (np.degrees, A),
    (np.floor, A),
    (np.ceil, A),
    (np.trunc, A),
    (np.rint, A),
]

BITS = np.array([5, 6, 3])
DISCRETE_UFUNCS = [
    (np.floor_divide, A, B),
    (np.divmod, A, B),
    (np.equal, A, A.round()),
    (np.not_equal, A, A.round()),
    (np.less, A, B),
    (np.less_equal, A, B),
    (np.greater, A, B),
    (np.greater_equal, A, B),
    (np.logical_and, A > 0, B > 0),
    (np.logical_or, A > 0, B > 0),
    (np.logical_xor, A > 0, B > 0),
    (np.logical_not, A > 0),
    (np.bitwise_and, BITS, BITS[::-1]),
    (np.bitwise_or, BITS, BITS[::-1]),
    (np.bitwise_xor, BITS, BITS[::-1]),
    (np.invert, BITS),
    (np.isnan, np.array([1.0, np.nan, np.inf])),
    (np.isinf, np.array([1.0, np.nan, np.inf])),
    (np.isfinite, np.array([1.0, np.nan, np.inf])),
]

# NumPy function, a call that uses it (twice where axis=None means something else), the arrays.
DIFFERENTIABLE = [
    (np.sum, np.sum, A),
    (np.sum, lambda x: np.sum(x, axis=(0, 1), keepdims=True), A),
    (np.sum, lambda x: np.sum(x, 1), A),
    (np.prod, np.prod, A),
    (np.prod, lambda x: np.prod(x, keepdims=True), A),
    (np.prod, lambda x: np.prod(x, axis=(0, -1)), A),
    (np.prod, lambda x: np.prod(x, axis=1, keepdims=True), A),
    (np.mean, lambda x: np.mean(x, axis=0), A),
    (np.nansum, lambda x: np.nansum(x, axis=0), A),
    (np.nanmean, lambda x: np.nanmean(x, axis=1, keepdims=True), A),
    (np.var, lambda x: np.var(x, axis=0), A),
    (np.var, lambda x: np.var(x, ddof=1, keepdims=True), A),
    (np.std, lambda x: np.std(x, axis=1), A),
    (np.std, lambda x: np.std(x, ddof=1), A),
    (np.max, np.max, A),
    (np.amax, lambda x: np.amax(x, axis=0, keepdims=True), A),
    (np.min, lambda x: np.min(x, axis=(0, 1)), A),
    (np.amin, lambda x: np.amin(x, axis=-1), A),
    (np.ptp, lambda x: np.ptp(x, axis=1), A),
    (np.cumsum, np.cumsum, A),
    (np.cumsum, lambda x: np.cumsum(x, axis=0), A),
    (np.cumprod, np.cumprod, A),
    (np.cumprod, lambda x: np.cumprod(x, axis=1), A),
    (np.diff, lambda x: np.diff(x, n=2), A),
    (np.diff, lambda x: np.diff(x, axis=0), A),
    (np.reshape, lambda x: np.reshape(x, (3, -1)), A),
    (np.reshape, lambda x: np.reshape(x, 6), A),
    (np.ravel, np.ravel, A),
    (np.transpose, np.transpose, A),
    (np.transpose, lambda x: np.transpose(x[None], (2, 0, 1)), A),
    (np.permute_dims, lambda x: np.permute_dims(x, (1, 0)), A),
    (np.matrix_transpose, np.matrix_transpose, A),
    (np.swapaxes, lambda x: np.swapaxes(x, 0, -1), A),
    (np.moveaxis, lambda x: np.moveaxis(x[None], (0, 1), (-1, 0)), A),
    (np.squeeze, lambda x: np.squeeze(x[None, :, None]), A),
    (np.squeeze, lambda x: np.squeeze(x[None, :, None], axis=(0, 2)), A),
    (np.expand_dims, lambda x: np.expand_dims(x, 1), A),
    (np.expand_dims, lambda x: np.expand_dims(x, (0, -1)), A),
    (np.broadcast_to, lambda x: np.broadcast_to(x, (4, 2, 3)) * 1, A),
    (np.broadcast_arrays, lambda x: np.broadcast_arrays(x[:, :1], x[0])[0] * 1, A),
    (np.atleast_1d, lambda x: np.atleast_1d(np.sum(x)), A),
    (np.atleast_2d, lambda x: np.atleast_2d(x[0]), A),
    (np.atleast_3d, np.atleast_3d, A),
    (
        np.concatenate,
        lambda x, y: np.concatenate([x, np.zeros((2, 1), np.float32), y], axis=1),
        A,
        B,
    ),
    (np.concatenate, lambda x, y: np.concatenate((x, y), axis=None), A, B),
    (np.concat, lambda x, y: np.concat([x, y]), A, B),
    (np.stack, lambda x, y: np.stack([x, np.float32(B), y], axis=-1), A, B),
    (np.vstack, lambda x, y: np.vstack([x, y[0]]), A, B),
    (np.hstack, lambda x, y: np.hstack([x, y]), A, B),
    (np.hstack, lambda x, y: np.hstack([x[0], y[1]]), A, B),
    (np.dstack, lambda x, y: np.dstack([x, y]), A, B),
    (np.column_stack, lambda x, y: np.column_stack([x[0], y.T]), A, B),
    (np.split, lambda x: np.split(x, 3, axis=1)[1] * 1, A),
    (np.split, lambda x: np.split(x, [1], axis=1)[1] * 1, A),
    (np.array_split, lambda x: np.array_split(x, 2, axis=1)[0] * 1, A),
    (np.flip, np.flip, A),
    (np.flip, lambda x: np.flip(x, 0), A),
    (np.fliplr, np.fliplr, A),
    (np.flipud, np.flipud, A),
    (np.roll, lambda x: np.roll(x, 2), A),
    (np.roll, lambda x: np.roll(x, (1, -1), axis=(0, 1)), A),
    *[(np.rot90, lambda x, k=k: np.rot90(x, k) * 1, A) for k in range(-1, 4)],
    (np.tile, lambda x: np.tile(x, 2), A),
    (np.tile, lambda x: np.tile(x, (2, 1, 3)), A),
    (np.repeat, lambda x: np.repeat(x, 2), A),
    (np.repeat, lambda x: np.repeat(x, [1, 0, 2], axis=1), A),
    (np.tril, lambda x: np.tril(x, -1), SQUARE),
    (np.triu, lambda x: np.triu(x, 1), SQUARE),
    (np.diag, lambda x: np.diag(x) * 1, SQUARE),
    (np.diag, lambda x: np.diag(x[0], 1), SQUARE),
    (np.diagonal, lambda x: np.diagonal(x, 1) * 1, SQUARE),
    (np.trace, np.trace, SQUARE),
    (np.trace, lambda x: np.trace(x, -1), SQUARE),
    (np.pad, lambda x: np.pad(x, 1), A),
    (np.pad, lambda x: np.pad(x, ((0, 1), (2, 0)), constant_values=7.0), A),
    (np.pad, lambda x: np.pad(x, ((1, 1), (2, 0)), mode="reflect"), A),
    (np.pad, lambda x: np.pad(x, (2, 1), mode="edge"), A),
    (np.copy, np.copy, A),
    (np.dot, np.dot, A, SQUARE),
    (np.dot, lambda x, y: np.dot(x[0], y[0]), A, B),
    (np.dot, lambda x, y: np.dot(x, y[0]), A, B),
    (np.dot, lambda x: np.dot(x, 2.0), A),
    (np.dot, lambda x, y: np.dot(x[None], y[None]), A, SQUARE),
    (np.inner, np.inner, A, B),
    (np.vdot, np.vdot, A, B),
    (np.outer, np.outer, A, B),
    (np.einsum, lambda x, y: np.einsum("ij,jk->ik", x, y), A, SQUARE),
    (np.tensordot, np.tensordot, A, B),
    (np.tensordot, lambda x, y: np.tensordot(x, y, axes=(1, 1)), A, B),
    (np.tensordot, lambda x, y: np.tensordot(x, y, axes=([0, 1], [0, 1])), A, B),
    (np.linalg.norm, np.linalg.norm, A),
    (np.kron, np.kron, A, B),
    (np.linalg.norm, lambda x: np.linalg.norm(x, axis=0), A),
    (np.linalg.norm, lambda x: np.linalg.norm(x[0], 3), A),
    *[
        (np.linalg.norm, lambda x, ord=ord: np.linalg.norm(x, ord), A)
        for ord in ("fro", 1, -1, np.inf, -np.inf)
    ],
    (np.linalg.norm, lambda x: np.linalg.norm(x[None], 1, axis=(2, 1), keepdims=True), A),
    (np.linalg.norm, lambda x: np.linalg.norm(x, 1, axis=1, keepdims=True), A),
    (np.sort, np.sort, A),
    (np.sort, lambda x: np.sort(x, axis=None), A),
    (np.take, lambda x: np.take(x, [0, 2, 2, 5]), A),
    (np.take, lambda x: np.take(x, np.array([[0, 2], [1, 1]]), axis=1), A),
    (np.take_along_axis, lambda x: np.take_along_axis(x, np.array([[1], [2]]), axis=1), A),
    (np.where, lambda x, y: np.where(A > 0, x, y), A, B),
    (np.where, lambda x: np.where(x > 0, x, 0), A),
    (np.clip, lambda x: np.clip(x, -1, 1), A),
    (np.clip, lambda x: np.clip(x, None, 0.5), A),
    (np.clip, lambda x: np.clip(x, min=0.5), A),
    (np.round, np.round, A),
    (np.around, lambda x: np.around(x, 1), A + 0.03),
    (np.nan_to_num, np.nan_to_num, A),
]

NUMBERS = np.array([3, 1, 1, 2])
WITHOUT_GRADIENT = [
    (np.argmax, np.argmax, A),
    (np.argmax, lambda x: np.argmax(x, axis=1, keepdims=True), A),
    (np.argmin, lambda x: np.argmin(x, axis=0), A),
    (np.any, lambda x: np.any(x > 1.5, axis=1), A),
    (np.all, lambda x: np.all(x > -1.5), A),
    (np.count_nonzero, lambda x: np.count_nonzero(x > 0, axis=0), A),
    (np.argsort, lambda x: np.argsort(x, axis=0), A),
    (np.argsort, lambda x: np.argsort(x, axis=None), A),
    (np.nonzero, lambda x: np.nonzero(x > 0), A),
    (np.where, lambda x: np.where(x > 0), A),
    (np.isclose, lambda x: np.isclose(x, B, atol=1.0), A),
    (np.zeros_like, np.zeros_like, A),
    (np.ones_like, lambda x: np.ones_like(x, dtype=np.int64), A),
    (np.empty_like, lambda x: np.empty_like(x) * 0, A),
    (np.full_like, lambda x: np.full_like(x, 2.5), A),
    (np.argwhere, lambda x: np.argwhere(x > 0), A),
    (np.flatnonzero, lambda x: np.flatnonzero(x > 0), A),
    (np.bincount, np.bincount, NUMBERS),
    (np.unique, np.unique, NUMBERS),
    (np.unique, lambda x: np.unique(x, return_counts=True), NUMBERS),
    (np.isin, lambda x: np.isin(x, [1, 2]), NUMBERS),
    (np.searchsorted, lambda x: np.searchsorted(x, 0.5), UNIT[0]),
    (np.digitize, lambda x: np.digitize(x, [0.0, 1.0]), A),
    (np.histogram, lambda x: np.histogram(x, bins=3), A),
    (np.lexsort, lambda x: np.lexsort((x,)), NUMBERS),
]

PLAIN_ANSWERS = [
    (np.allclose, lambda x: np.allclose(x, x + 1e-12), A),
    (np.array_equal, lambda x: np.array_equal(x, B), A),
    (np.array_equiv, lambda x: np.array_equiv(x, x), A),
    (np.shape, np.shape, A),
    (np.ndim, np.ndim, A),
    (np.size, lambda x: np.size(x, 1), A),
    (np.iscomplexobj, np.iscomplexobj, A),
    (np.isrealobj, np.isrealobj, A),
    (np.result_type, lambda x: np.result_type(x, np.float32), A),
    (np.can_cast, lambda x: np.can_cast(x, np.float32), A),
    (np.shares_memory, lambda x: np.shares_memory(x, x), A),
    (np.may_share_memory, lambda x: np.may_share_memory(x, x), A),
    (np.array_repr, np.array_repr, A),
    (np.array_str, np.array_str, A),
    (np.array2string, lambda x: np.array2string(x, precision=1), A),
]
WRITERS = {np.save, np.savez, np.savetxt}


def named(rows):
    """One test for each row, with the NumPy function's name."""
    return [pytest.param(row, id=f"{row[0].__name__}-{index}") for index, row in enumerate(rows)]


def test_every_ufunc_of_the_table_is_tested():
    assert {row[0] for row in DIFFERENTIABLE_UFUNCS + DISCRETE_UFUNCS} == set(UFUNCS)


def test_every_function_of_the_table_is_tested():
    tested = {row[0] for row in DIFFERENTIABLE + WITHOUT_GRADIENT + PLAIN_ANSWERS}
    assert tested | WRITERS == set(FUNCTIONS)


@pytest.mark.parametrize("row", named(DIFFERENTIABLE_UFUNCS))
def test_ufunc_has_numpys_values_and_the_right_gradients(row):
    ufunc, *arrays = row
    check_op(ufunc, *arrays, reference=ufunc, layouts=False)


@pytest.mark.parametrize("row", named(DIFFERENTIABLE))
def test_function_has_numpys_values_and_the_right_gradients(row):
    _, call, *arrays = row
    check_op(call, *arrays, reference=call, layouts=False)


def equal(ours, theirs):
    if isinstance(theirs, tuple):
        return len(ours) == len(theirs) and all(map(equal, ours, theirs))
    ours = ours.numpy() if isinstance(ours, tg.Tensor) else ours
    return np.shape(ours) == np.shape(theirs) and np.array_equal(ours, theirs)


@pytest.mark.parametrize("row", named(DISCRETE_UFUNCS))
def test_discrete_ufunc_is_numpys_and_has_no_gradient(row):
    ufunc, *arrays = row
    results = ufunc(*map(tg.tensor, arrays))
    for result in results if isinstance(results, tuple) else [results]:
        assert isinstance(result, tg.Tensor)
    assert equal(results, ufunc(*arrays))


@pytest.mark.parametrize("row", named(WITHOUT_GRADIENT))
def test_function_without_gradient_is_numpys_and_answers_tensors(row):
    _, call, array = row
    x = tg.tensor(array)
    results = call(x.requires_grad_() if array.dtype.kind == "f" else x)
    for result in results if isinstance(results, tuple) else [results]:
        assert isinstance(result, tg.Tensor)
        assert not result.requires_grad
    assert equal(results, call(array))


@pytest.mark.parametrize("row", named(PLAIN_ANSWERS))
def test_questions_are_answered_as_for_arrays(row):
    _, call, array = row
    assert call(tg.tensor(array)) == call(array)


def test_tensors_are_saved_as_arrays(tmp_path):
    np.save(tmp_path / "x.npy", tg.tensor(A))
    np.savez(tmp_path / "x.npz", x=tg.tensor(A))
    np.savetxt(tmp_path / "x.txt", tg.tensor(A))
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), A)
    np.testing.assert_array_equal(np.load(tmp_path / "x.npz")["x"], A)
    np.testing.assert_allclose(np.loadtxt(tmp_path / "x.txt"), A)


# Operators with an array or a NumPy number on the left.

OPERATORS = [
    ("+", lambda a, b: a + b),
    ("-", lambda a, b: a - b),
    ("*", lambda a, b: a * b),
    ("/", lambda a, b: a / b),
    ("**", lambda a, b: a**b),
    ("%", lambda a, b: a % b),
]


@pytest.mark.parametrize("operator", [pytest.param(f, id=name) for name, f in OPERATORS])
@pytest.mark.parametrize(
    "left", [POSITIVE, np.float64(1.7), np.array(1.7)], ids=["array", "number", "0-d"]
)
def test_operator_with_numpy_on_the_left_records(operator, left):
    check_op(
        lambda t: operator(left, t),
        B,
        reference=lambda t: operator(left, t),
        layouts=False,
        float32=False,
    )


def test_array_times_tensor_is_a_tensor():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = np.array([3.0, 4.0], dtype=np.float32) * x
    assert isinstance(y, tg.Tensor)
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 4.0]


def test_numpy_number_does_not_widen():
    assert (np.float64(2) * tg.ones(2)).dtype == tg.float32
    assert (tg.ones(2) * np.float64(2)).dtype == tg.float32


def test_float64_array_widens_like_a_float64_tensor():
    assert (np.ones(2) * tg.ones(2)).dtype == tg.float64


def test_array_matmul_tensor_records():
    x = tg.ones(3, requires_grad=True)
    y = np.arange(6, dtype=np.float32).reshape(2, 3) @ x
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 5.0, 7.0]


def test_comparison_with_an_array_on_the_left_is_a_tensor():
    result = np.array([1.0, 3.0]) > tg.tensor([2.0, 2.0])
    assert isinstance(result, tg.Tensor)
    assert result.tolist() == [False, True]


def test_an_array_is_copied_before_it_is_saved():
    scale = np.ones(2, dtype=np.float32)
    x = tg.ones(2, requires_grad=True)
    y = (scale * x).sum()
    scale[:] = 100
    y.backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_tensor_plus_equals_array():
    x = tg.ones(2)
    before = x
    x += np.ones(2, dtype=np.float32)
    assert x is before
    assert x.tolist() == [2.0, 2.0]


def test_array_plus_equals_tensor_without_grad():
    a = np.ones(2)
    before = a
    a += tg.ones(2)
    assert a is before
    assert a.tolist() == [2.0, 2.0]


def test_array_plus_equals_tensor_that_requires_grad_raises():
    a = np.ones(2)
    with pytest.raises(RuntimeError, match=r"np.add: .*`z = array \+ x`"):
        a += tg.ones(2, requires_grad=True)
    assert a.tolist() == [1.0, 1.0]


def test_out_may_be_an_array_or_a_tensor():
    a, t = np.empty(2, dtype=np.float32), tg.empty(2)
    assert np.add(tg.ones(2), 1, out=a) is a
    assert np.add(tg.ones(2), 1, out=t) is t
    assert a.tolist() == t.tolist() == [2.0, 2.0]
    assert np.sum(tg.ones(3, 2), axis=0, out=a) is a
    assert a.tolist() == [3.0, 3.0]


def test_out_tensor_is_recorded():
    x, out = tg.ones(2, requires_grad=True), tg.empty(2)
    np.multiply(x, 3, out=out)
    out.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_out_of_another_shape_raises():
    with pytest.raises(ValueError, match=r"\(2,\), but out has \(3,\)"):
        np.add(tg.ones(2), 1, out=tg.ones(3))


def test_out_array_of_a_function_refuses_a_gradient():
    with pytest.raises(RuntimeError, match=r"np\.sum"):
        np.sum(tg.ones(2, requires_grad=True), out=np.empty(()))


# Methods and keywords of ufuncs.


@pytest.mark.parametrize(
    "call",
    [
        np.add.reduce,
        lambda x: np.add.reduce(x, axis=1, keepdims=True),
        lambda x: np.multiply.reduce(x, axis=1),
        np.maximum.reduce,
        lambda x: np.minimum.reduce(x, axis=None),
        np.add.accumulate,
        lambda x: np.multiply.accumulate(x, axis=1),
        lambda x: np.multiply.outer(x, x),
        lambda x: np.subtract.outer(np.arange(2.0), x),
    ],
)
def test_methods_of_ufuncs_record(call):
    check_op(call, A, reference=call, layouts=False, float32=False)


def test_dtype_converts_before_the_computation():
    assert np.add(tg.tensor([1, 2]), 1, dtype=np.float64).dtype == tg.float64
    assert np.sum(tg.tensor([1, 2]), dtype=np.float32).dtype == tg.float32
    assert np.mean(tg.tensor([1, 2]), dtype=np.float64).dtype == tg.float64


def test_mean_of_integers_is_floating():
    assert np.mean(tg.tensor([1, 2])).item() == 1.5


def test_where_takes_a_condition_of_numbers():
    assert np.where(tg.tensor([0, 2]), 1.0, tg.zeros(2)).tolist() == [0.0, 1.0]


# What is refused.


@pytest.mark.parametrize("call", [np.cbrt, np.linalg.eigvals, np.add.at, np.gcd.reduce])
def test_unknown_function_raises_and_tells_the_way_out(call):
    with pytest.raises(TypeError, match=r"np\.\S+ has no counterpart.*x\.detach\(\)\.numpy\(\)"):
        call(tg.ones(2, 2), *([0, 1.0] if call == np.add.at else []))


def test_unknown_keyword_raises_and_tells_the_way_out():
    with pytest.raises(
        TypeError, match=r"np\.sum of a tensor does not take 'initial'.*x\.detach\(\)\.numpy\(\)"
    ):
        np.sum(tg.ones(2), initial=1)
    with pytest.raises(TypeError, match=r"np\.exp of a tensor does not take 'where'"):
        np.exp(tg.ones(2), where=np.array([True, False]))


def test_type_error_of_ours_is_not_mistaken_for_an_unknown_keyword():
    with pytest.raises(TypeError, match="dimension"):
        np.sum(tg.ones(2), axis="rows")


def test_squeeze_refuses_larger_dimensions_as_numpy_does():
    with pytest.raises(ValueError, match=r"shape is \(2, 3\)"):
        np.squeeze(tg.ones(2, 3), axis=0)


def test_split_refuses_unequal_parts_as_numpy_does():
    with pytest.raises(ValueError, match="3 elements do not make 2"):
        np.split(tg.ones(3), 2)


def test_column_major_order_is_refused():
    with pytest.raises(TypeError, match="order='F'"):
        np.reshape(tg.ones(2, 3), (3, 2), order="F")


def test_norms_of_matrices_that_need_singular_values_are_refused():
    with pytest.raises(TypeError, match="ord=2 for 2 dimensions"):
        np.linalg.norm(tg.ones(2, 2), 2)


def test_keywords_of_clip_are_not_swallowed():
    with pytest.raises(TypeError, match=r"np\.clip of a tensor does not take 'where'"):
        np.clip(tg.ones(2), 0, 1, where=np.array([True, False]))


def test_unknown_padding_is_refused():
    with pytest.raises(TypeError, match="'mean'"):
        np.pad(tg.ones(3), 1, mode="mean")


# np.asarray.


def test_asarray_shares_memory():
    x = tg.ones(2)
    a = np.asarray(x)
    a[0] = 5
    assert x.tolist() == [5.0, 1.0]


def test_array_copies():
    x = tg.ones(2)
    np.array(x)[0] = 5
    assert x.tolist() == [1.0, 1.0]


def test_asarray_of_a_tensor_that_requires_grad_raises():
    with pytest.raises(RuntimeError, match=r"x\.detach\(\)\.numpy\(\)"):
        np.asarray(tg.ones(2, requires_grad=True))


def test_asarray_converts_the_type():
    assert np.asarray(tg.ones(2), dtype=np.float64).dtype == np.float64
    with pytest.raises(ValueError, match="only by copying"):
        np.asarray(tg.ones(2), dtype=np.float64, copy=False)


def test_numpys_assertions_take_tensors():
    np.testing.assert_allclose(tg.ones(2), np.ones(2))
    np.testing.assert_array_equal(tg.arange(3), [0, 1, 2])
