"""Sums, means, variances, products, norms and cumulative sums, over all or some dimensions."""

import numpy as np
import pytest
from cases import Case, numpy_axis, property_test, reduction
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.ops.reducing import spread
from tinygrad_edu.testing.strategies import arrays, axes, shapes

inf, nan = float("inf"), float("nan")


def grad_of(function, values, dtype=tg.float32):
    """The gradient of sum(function(x)) at x."""
    x = tg.tensor(values, dtype=dtype, requires_grad=True)
    function(x).sum().backward()
    return x.grad.tolist()


# Against NumPy and differences.


def one_dim(x):
    """`dim`, None or one integer, and `keepdim`."""
    return st.fixed_dictionaries(
        {}, optional={"dim": axes(x.ndim, several=False), "keepdim": st.booleans()}
    )


def along(x):
    """`dim`, one integer."""
    limit = max(x.ndim, 1)
    return st.fixed_dictionaries({"dim": st.integers(-limit, limit - 1)})


def along_some(x):
    return st.fixed_dictionaries({"dim": axes(x.ndim)}, optional={"keepdim": st.booleans()})


def dispersion(x):
    return st.fixed_dictionaries(
        {"correction": st.sampled_from([0, 1, 0.5])},
        optional={"dim": axes(x.ndim), "keepdim": st.booleans()},
    )


def orders(x):
    return st.fixed_dictionaries(
        {"p": st.sampled_from([2, "fro", 1, 3, 1.5, 0.5, -1, 0, inf, -inf])},
        optional={"dim": axes(x.ndim), "keepdim": st.booleans()},
    )


def with_zeros(shape=None):
    """Arrays in which about a third of the elements are zero."""

    @st.composite
    def build(draw):
        x = draw(arrays(shape))
        generator = np.random.default_rng(draw(st.integers(0, 1000)))
        return np.where(generator.random(x.shape) < 0.3, 0.0, x)

    return build()


def numpy_dispersion(function):
    def reference(x, dim=None, keepdim=False, correction=1):
        return function(x, axis=dim, keepdims=keepdim, ddof=correction)

    return reference


def numpy_with_mean(function):
    def reference(x, dim=None, keepdim=False, correction=1):
        spread = function(x, axis=dim, keepdims=keepdim, ddof=correction)
        return spread, np.mean(x, axis=dim, keepdims=keepdim)

    return reference


def numpy_norm(x, p, dim=None, keepdim=False):
    size = np.abs(x)
    if p in (inf, -inf):
        return (np.max if p > 0 else np.min)(size, axis=dim, keepdims=keepdim)
    if p == 0:
        return np.sum(size != 0, axis=dim, keepdims=keepdim).astype(x.dtype)
    p = 2 if p == "fro" else p
    return np.sum(size**p, axis=dim, keepdims=keepdim) ** (1 / p)


def numpy_logsumexp(x, dim, keepdim=False):
    return np.log(np.sum(np.exp(x), axis=dim, keepdims=keepdim))


def numpy_along(function):
    def reference(x, dim):
        return function(x, axis=dim) if x.ndim else x

    return reference


two_or_more = shapes(min_dims=1, min_side=2)

CASES = [
    Case("sum", tg.sum, arrays(), kwargs=reduction, reference=numpy_axis(np.sum)),
    Case("mean", tg.mean, arrays(), kwargs=reduction, reference=numpy_axis(np.mean)),
    Case("prod", tg.prod, arrays(), kwargs=one_dim, reference=numpy_axis(np.prod)),
    Case("prod zeros", tg.prod, with_zeros(), kwargs=one_dim, reference=numpy_axis(np.prod)),
    Case(
        "var",
        tg.var,
        arrays(two_or_more),
        kwargs=dispersion,
        reference=numpy_dispersion(np.var),
    ),
    Case(
        "std",
        tg.std,
        arrays(two_or_more),
        kwargs=dispersion,
        reference=numpy_dispersion(np.std),
    ),
    Case(
        "var_mean",
        tg.var_mean,
        arrays(two_or_more),
        kwargs=dispersion,
        reference=numpy_with_mean(np.var),
    ),
    Case(
        "std_mean",
        tg.std_mean,
        arrays(two_or_more),
        kwargs=dispersion,
        reference=numpy_with_mean(np.std),
    ),
    Case("logsumexp", tg.logsumexp, arrays(), kwargs=along_some, reference=numpy_logsumexp),
    Case("norm", tg.norm, arrays(kinks=(0.0,)), kwargs=orders, reference=numpy_norm),
    Case("cumsum", tg.cumsum, arrays(), kwargs=along, reference=numpy_along(np.cumsum)),
    Case("cumprod", tg.cumprod, arrays(), kwargs=along, reference=numpy_along(np.cumprod)),
    Case(
        "cumprod zeros",
        tg.cumprod,
        with_zeros(),
        kwargs=along,
        reference=numpy_along(np.cumprod),
    ),
]
test_value_gradient_and_second_gradient = property_test(CASES)


# What all reductions have in common.

SEVERAL_DIMS = ["sum", "mean", "var", "std", "amax", "amin", "logsumexp", "norm", "any", "all"]
SEVERAL_DIMS += ["nansum", "nanmean", "var_mean", "std_mean", "count_nonzero"]
ONE_DIM = ["prod", "max", "min", "argmax", "argmin", "cumsum", "cumprod"]


@pytest.mark.parametrize("name", SEVERAL_DIMS + ONE_DIM)
@pytest.mark.parametrize("dim", [2, -3])
def test_a_dimension_out_of_range_is_an_index_error(name, dim):
    with pytest.raises(IndexError, match=r"range of \[-2, 1\], but got"):
        getattr(tg, name)(tg.ones(2, 3), dim=dim)


@pytest.mark.parametrize("name", SEVERAL_DIMS)
@pytest.mark.parametrize("dim", [(0, 0), (1, -1)])
def test_a_repeated_dimension_is_refused(name, dim):
    with pytest.raises(RuntimeError, match="more than once"):
        getattr(tg, name)(tg.ones(2, 3), dim=dim)


@pytest.mark.parametrize("name", ONE_DIM)
def test_several_dimensions_are_refused_where_only_one_makes_sense(name):
    with pytest.raises(TypeError, match="dim is one integer"):
        getattr(tg, name)(tg.ones(2, 3), dim=(0, 1))


@pytest.mark.parametrize(
    "name", ["sum", "mean", "var", "std", "amax", "amin", "any", "all", "prod"]
)
def test_numpys_names_of_arguments_are_accepted(name):
    x = tg.tensor([[1.0, 2.0], [3.0, 5.0]])
    function = getattr(tg, name)
    assert tg.equal(function(x, axis=1, keepdims=True), function(x, dim=1, keepdim=True))


@pytest.mark.parametrize("name", ["sum", "mean", "var", "amax", "logsumexp", "norm"])
def test_no_dimensions_mean_all_of_them(name):
    x = tg.tensor([[1.0, 2.0], [3.0, 5.0]])
    assert getattr(tg, name)(x, dim=()).shape == ()
    assert getattr(x, name)(dim=(), keepdim=True).shape == (1, 1)


@pytest.mark.parametrize("dim", [0, -1])
@pytest.mark.parametrize(
    "name", ["sum", "mean", "prod", "amax", "logsumexp", "norm", "cumsum", "cumprod"]
)
def test_a_number_counts_as_having_one_dimension(name, dim):
    x = tg.tensor(3.0, requires_grad=True)
    result = getattr(tg, name)(x, dim=dim)
    result.backward()
    assert result.shape == ()
    assert result.item() == pytest.approx(3.0)
    assert x.grad.item() == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["mean", "var", "std", "nanmean", "norm"])
def test_integers_have_no_floating_statistics(name):
    with pytest.raises(RuntimeError, match=rf"{name}\(\).*x\.float\(\)\.{name}\(\)"):
        getattr(tg, name)(tg.tensor([1, 2]))


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (tg.sum, 0.0),
        (tg.mean, nan),
        (tg.prod, 1.0),
        (tg.norm, 0.0),
        (tg.nansum, 0.0),
        (tg.nanmean, nan),
        (tg.any, False),
        (tg.all, True),
        (tg.count_nonzero, 0),
        (lambda x: tg.logsumexp(x, (0, 1)), -inf),
    ],
)
def test_reductions_of_nothing(function, expected):
    np.testing.assert_equal(function(tg.ones(0, 3)).item(), expected)


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "logsumexp", "norm", "cumsum", "cumprod"])
def test_a_dimension_of_size_zero_gives_a_gradient_of_its_shape(name):
    x = tg.ones(2, 0, 3, requires_grad=True)
    getattr(tg, name)(x, dim=1).sum().backward()
    assert x.grad.shape == (2, 0, 3)


# Sum and mean.


@pytest.mark.parametrize("dtype", [tg.bool, tg.uint8, tg.int8, tg.int32, tg.int64])
@pytest.mark.parametrize("name", ["sum", "prod", "nansum"])
def test_sums_and_products_of_integers_are_int64(name, dtype):
    result = getattr(tg, name)(tg.tensor([1, 1, 0], dtype=dtype))
    assert result.dtype == tg.int64
    assert result.item() == (0 if name == "prod" else 2)


@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_cumulative_sums_of_integers_are_int64(name):
    result = getattr(tg, name)(tg.tensor([True, True]), 0)
    assert result.dtype == tg.int64
    assert result.tolist() == [1, 2 if name == "cumsum" else 1]


def test_dtype_converts_before_the_reduction():
    x = tg.tensor([0.6, 0.6], requires_grad=True)
    assert tg.sum(x, dtype=tg.int64).item() == 0
    total = x.sum(dtype=tg.float64)
    total.backward()
    assert total.dtype == tg.float64
    assert x.grad.dtype == tg.float32
    assert tg.tensor([1, 2]).mean(dtype=tg.float64).item() == 1.5
    assert tg.tensor([3, 4]).cumprod(0, dtype=tg.int32).dtype == tg.int32


def test_half_precision_is_added_in_single_precision():
    x = tg.full((4096,), 30.0, dtype=tg.float16)
    assert x.mean().item() == 30.0  # The sum, 122880, is infinite in half precision.
    assert tg.ones(4096, dtype=tg.float16).sum().item() == 4096.0
    assert tg.ones(4096, dtype=tg.float16).cumsum(0)[-1].item() == 4096.0
    assert x.mean().dtype == tg.float16


@pytest.mark.parametrize("size", [49_999, 50_000, 123_457])
@pytest.mark.parametrize("keepdim", [False, True])
def test_long_sums_are_as_exact_as_short_ones(size, keepdim):
    x = tg.rand(1, size)
    total = x.sum(keepdim=keepdim)
    assert total.shape == ((1, 1) if keepdim else ())
    assert total.item() == pytest.approx(x.numpy().astype(np.float64).sum(), rel=1e-6)
    assert x.mean().item() == pytest.approx(x.numpy().astype(np.float64).mean(), rel=1e-6)


@pytest.mark.parametrize("shape", [(5, 2000), (2000, 5), (1024, 1025)])
@pytest.mark.parametrize("dim", [0, 1])
def test_sums_of_matrices_along_short_and_long_dimensions(shape, dim):
    x = tg.rand(*shape)
    expected = x.numpy().astype(np.float64).sum(dim)
    np.testing.assert_allclose(x.sum(dim).numpy(), expected, rtol=2e-6)
    np.testing.assert_allclose(x.sum(dim, keepdim=True).numpy().squeeze(dim), expected, rtol=2e-6)


@pytest.mark.parametrize("dim", [None, 0, 1])
def test_nan_and_infinity_pass_through_a_sum(dim):
    x = tg.tensor([[1.0, inf], [nan, 2.0]])
    np.testing.assert_equal(x.sum(dim).numpy(), np.sum(x.numpy(), axis=dim))


def test_gradients_of_a_sum_are_not_views_of_each_other():
    x, y = (tg.ones(2, 2, requires_grad=True) for _ in range(2))
    (x.sum() + y.sum() + (x + y).mean(0).sum()).backward()
    x.grad[0, 0] = 7.0
    assert x.grad.tolist() == [[7.0, 1.5], [1.5, 1.5]]
    assert y.grad.tolist() == [[1.5, 1.5], [1.5, 1.5]]


def test_the_gradient_of_a_full_sum_is_repeated_without_copies():
    view = spread(np.float32(3.0), (1000, 1000), None)
    assert view.strides == (0, 0)
    assert not view.flags.writeable
    assert (view == 3.0).all()


def test_nan_takes_no_part_in_nansum_and_nanmean():
    assert tg.nansum(tg.tensor([[1.0, nan], [nan, 4.0]]), dim=0).tolist() == [1.0, 4.0]
    assert tg.nanmean(tg.tensor([1.0, nan, 3.0])).item() == 2.0
    assert grad_of(tg.nansum, [1.0, nan, 3.0]) == [1.0, 0.0, 1.0]
    assert grad_of(tg.nanmean, [1.0, nan, 3.0]) == [0.5, 0.0, 0.5]
    assert tg.isnan(tg.nanmean(tg.tensor([nan, nan])))


# Variance and standard deviation.

MATRIX = [[1.0, 2.0, 4.0], [3.0, 5.0, 9.0]]


@pytest.mark.parametrize(
    ("call", "correction", "dim"),
    [
        (lambda f, x: f(x), 1, None),
        (lambda f, x: f(x, False), 0, None),
        (lambda f, x: f(x, unbiased=False), 0, None),
        (lambda f, x: f(x, unbiased=True), 1, None),
        (lambda f, x: f(x, 0), 1, 0),
        (lambda f, x: f(x, 1, False), 0, 1),
        (lambda f, x: f(x, 1, True), 1, 1),
        (lambda f, x: f(x, (0, 1), False), 0, None),
        (lambda f, x: f(x, dim=1, unbiased=False), 0, 1),
        (lambda f, x: f(x, correction=2), 2, None),
        (lambda f, x: f(x, 1, correction=0), 0, 1),
    ],
)
@pytest.mark.parametrize("name", ["var", "std", "var_mean", "std_mean"])
def test_all_spellings_of_the_correction(name, call, correction, dim):
    result = call(getattr(tg, name), tg.tensor(MATRIX))
    numpy = np.var if name.startswith("var") else np.std
    if name.endswith("_mean"):
        result, mean = result
        np.testing.assert_allclose(mean.numpy(), np.mean(MATRIX, axis=dim), rtol=1e-6)
    np.testing.assert_allclose(result.numpy(), numpy(MATRIX, axis=dim, ddof=correction), rtol=1e-6)


def test_keepdim_is_the_fourth_argument_of_var():
    assert tg.tensor(MATRIX).var(1, False, True).shape == (2, 1)


def test_two_corrections_are_refused():
    with pytest.raises(TypeError, match="give one of them"):
        tg.var(tg.tensor(MATRIX), 0, unbiased=True, correction=0)


@pytest.mark.parametrize(
    ("values", "correction", "expected"), [([3.0], 1, nan), ([3.0, 4.0], 5, inf), ([], 1, nan)]
)
def test_too_few_elements_for_a_variance_are_warned_about(values, correction, expected):
    with pytest.warns(UserWarning, match="degrees of freedom") as record:
        result = tg.var(tg.tensor(values), correction=correction)
    np.testing.assert_equal(result.item(), expected)
    assert record[0].filename == __file__


def test_the_gradient_of_std_is_zero_where_the_deviation_is():
    assert grad_of(tg.std, [2.0, 2.0, 2.0]) == [0.0, 0.0, 0.0]
    assert grad_of(lambda x: x.std(1), [[2.0, 2.0], [1.0, 3.0]])[0] == [0.0, 0.0]


def test_the_mean_is_taken_off_before_squaring():
    x = tg.tensor([10_000.0, 10_001.0, 10_002.0])
    assert x.var().item() == 1.0


# Products.


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([2.0, 3.0, 4.0], [12.0, 8.0, 6.0]),
        ([2.0, 0.0, 4.0], [0.0, 8.0, 0.0]),
        ([2.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
        ([0.0], [1.0]),
        ([[2.0, 0.0], [3.0, 5.0]], [[0.0, 0.0], [0.0, 0.0]]),
    ],
)
def test_the_gradient_of_a_product_is_the_product_of_the_others(values, expected):
    if np.ndim(values) == 2:
        expected = [[0.0, 30.0], [0.0, 0.0]]
    assert grad_of(tg.prod, values) == expected


def test_the_second_derivative_of_a_product_with_two_zeros():
    x = tg.tensor([0.0, 5.0, 0.0], requires_grad=True)
    (first,) = tg.autograd.grad(x.prod(), x, create_graph=True)
    assert first.tolist() == [0.0, 0.0, 0.0]
    (second,) = tg.autograd.grad(first[0], x)
    assert second.tolist() == [0.0, 0.0, 5.0]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
def test_the_third_derivative_of_a_product(size):
    x = tg.arange(1.0, size + 1, dtype=tg.float64).requires_grad_()
    derivative = x.prod()
    for order in range(min(size, 3)):
        (gradient,) = tg.autograd.grad(derivative, x, create_graph=True)
        derivative = gradient[order]
    expected = np.prod(np.arange(4.0, size + 1)) if size > 2 else 1.0
    assert derivative.item() == pytest.approx(expected)


@pytest.mark.parametrize(
    "values", [[2.0, 0.0, 3.0], [0.0, 0.0, 3.0], [2.0, 3.0, 0.0], [4.0, 0.0, 0.0]]
)
def test_the_gradient_of_cumprod_with_zeros_is_that_of_the_products(values):
    def products(x):
        return tg.stack([x[0], x[0] * x[1], x[0] * x[1] * x[2]])

    weights = tg.tensor([1.0, 10.0, 100.0])
    assert grad_of(lambda x: x.cumprod(0) * weights, values) == grad_of(
        lambda x: products(x) * weights, values
    )


def test_cumsum_runs_along_its_dimension():
    x = tg.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert x.cumsum(0).tolist() == [[1.0, 2.0], [4.0, 6.0]]
    assert x.cumsum(-1).tolist() == [[1.0, 3.0], [3.0, 7.0]]
    assert grad_of(lambda x: x.cumsum(0), [1.0, 1.0, 1.0]) == [3.0, 2.0, 1.0]


# Logarithm of a sum of exponentials, norms.


def test_logsumexp_does_not_overflow():
    x = tg.tensor([[1000.0, 1000.0], [-1000.0, -1000.0], [inf, 0.0], [-inf, -inf]])
    expected = [1000 + np.log(2), -1000 + np.log(2), inf, -inf]
    np.testing.assert_allclose(tg.logsumexp(x, 1).numpy(), expected, rtol=1e-6)
    assert grad_of(lambda x: x.logsumexp(0), [512.0, 512.0]) == pytest.approx([0.5, 0.5], abs=1e-4)
    assert grad_of(lambda x: x.logsumexp(0), [-inf, 2.0]) == [0.0, 1.0]


def test_logsumexp_of_integers_is_floating():
    result = tg.logsumexp(tg.tensor([0, 0]), 0)
    assert result.dtype == tg.float32
    assert result.item() == pytest.approx(np.log(2))


@pytest.mark.parametrize("p", [0, 0.5, 1, 1.5, 2, 3, "fro", inf, -inf, -1])
def test_the_gradient_of_a_norm_is_zero_at_zero(p):
    assert grad_of(lambda x: x.norm(p), [0.0, 0.0]) == [0.0, 0.0]


@pytest.mark.parametrize(
    ("p", "norm", "gradient"),
    [
        (2, 5.0, [0.6, 0.0, -0.8]),
        ("fro", 5.0, [0.6, 0.0, -0.8]),
        (None, 5.0, [0.6, 0.0, -0.8]),
        (1, 7.0, [1.0, 0.0, -1.0]),
        (0, 2.0, [0.0, 0.0, 0.0]),
        (inf, 4.0, [0.0, 0.0, -1.0]),
        (-inf, 0.0, [0.0, 0.0, 0.0]),
        (-1, 0.0, [0.0, 0.0, 0.0]),
        (3, 91.0 ** (1 / 3), [9 / 91 ** (2 / 3), 0.0, -16 / 91 ** (2 / 3)]),
    ],
)
def test_norms_of_a_vector_with_a_zero(p, norm, gradient):
    assert tg.tensor([3.0, 0.0, -4.0]).norm(p).item() == pytest.approx(norm)
    assert grad_of(lambda x: tg.norm(x, p), [3.0, 0.0, -4.0]) == pytest.approx(gradient)


def test_ties_share_the_gradient_of_the_infinity_norm():
    assert grad_of(lambda x: x.norm(inf), [3.0, -3.0, 1.0]) == [0.5, -0.5, 0.0]


def test_norm_converts_to_dtype_first():
    assert tg.norm(tg.tensor([3, 4]), dtype=tg.float64).item() == 5.0


def test_the_nuclear_norm_is_that_of_linalg():
    x = tg.randn(2, 3, 4)
    assert tg.allclose(tg.norm(x, "nuc"), tg.linalg.matrix_norm(x, "nuc"))
    assert x.norm("nuc", dim=(0, 1), keepdim=True).shape == (1, 1, 4)


def test_a_list_is_no_tensor():
    with pytest.raises(TypeError, match=r"sum: a tensor is needed; got list\. .*tg\.tensor"):
        tg.sum([1.0, 2.0])


@pytest.mark.parametrize("p", ["nothing", "inf"])
def test_other_names_of_norms_are_refused(p):
    with pytest.raises(RuntimeError, match=r"order .* is not supported"):
        tg.norm(tg.ones(2, 2), p)


@pytest.mark.parametrize("p", [inf, -inf, -1])
def test_some_norms_of_nothing_do_not_exist(p):
    with pytest.raises(RuntimeError, match="of nothing"):
        tg.norm(tg.ones(0, 3), p)
    assert tg.norm(tg.ones(0, 3), p, dim=1).shape == (0,)


def test_overflow_is_infinite_without_a_warning():
    x = tg.full((3,), 1e30)
    assert x.prod().item() == x.norm().item() == x.cumprod(0)[-1].item() == inf


# Truth and counting.


@pytest.mark.parametrize("dtype", [tg.bool, tg.int64, tg.float32])
@pytest.mark.parametrize("name", ["any", "all"])
def test_truth_is_boolean(name, dtype):
    x = tg.tensor([[0, 1], [1, 1]], dtype=dtype)
    expected = getattr(np, name)(x.numpy(), axis=1, keepdims=True)
    result = getattr(x, name)(1, keepdim=True)
    assert result.dtype == tg.bool
    np.testing.assert_array_equal(result.numpy(), expected)
    assert getattr(x, name)((0, 1)).item() is (name == "any")


def test_truth_of_uint8_is_uint8():
    assert tg.tensor([0, 1], dtype=tg.uint8).any().dtype == tg.uint8


def test_truth_over_no_dimensions_is_that_of_each_element():
    assert tg.tensor([0.0, 2.0, nan]).any(dim=()).tolist() == [False, True, True]


@pytest.mark.parametrize(("dim", "expected"), [(None, 3), (0, [1, 2]), ((0, 1), 3), (-1, [1, 2])])
def test_counting_nonzero_elements(dim, expected):
    result = tg.count_nonzero(tg.tensor([[0.0, nan], [2.0, -1.0]]), dim)
    assert result.dtype == tg.int64
    assert result.tolist() == expected


def test_nanmean_has_a_floating_type():
    assert tg.nanmean(tg.tensor([1.0, nan]), dtype=tg.float64).dtype == tg.float64
    with pytest.raises(RuntimeError, match=r"nanmean\(\): the result is floating; got dtype=int64"):
        tg.nanmean(tg.tensor([1.0]), dtype=tg.int64)
