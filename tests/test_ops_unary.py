"""The table of unary functions: each row against NumPy, differences, and special values."""

import numpy as np
import pytest
from cases import Case, property_test

import tinygrad_edu as tg
from tinygrad_edu.ops.unary import TABLE
from tinygrad_edu.testing.strategies import arrays

# NumPy's functions under our names, and textbook formulas where it has none.
REFERENCE = {
    "angle": lambda x: np.where(np.isnan(x), x, np.where(x < 0, np.pi, 0)),
    "acos": np.arccos,
    "acosh": np.arccosh,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atanh": np.arctanh,
    "frac": lambda x: np.modf(x)[0],
    "neg": np.negative,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "sigmoid": lambda x: 0.5 * (1 + np.tanh(x / 2)),
    "sign": lambda x: np.where(np.isnan(x), 0, np.sign(x)),  # PyTorch answers 0 for NaN.
}
KEEPS_INTEGERS = {"abs", "ceil", "floor", "neg", "sign", "square", "trunc"}


def reference(name):
    return REFERENCE.get(name) or getattr(np, name)


CASES = [
    Case(
        row.name,
        row.function,
        arrays(low=row.domain[0], high=row.domain[1], kinks=row.kinks),
        reference=reference(row.name),
    )
    for row in TABLE.values()
]
test_value_gradient_and_second_gradient = property_test(CASES)


@pytest.mark.parametrize("name", TABLE)
def test_empty_and_zero_dimensional_tensors(name):
    function = TABLE[name].function
    empty = tg.ones(0, 3, requires_grad=True)
    function(empty).sum().backward()
    assert empty.grad.shape == (0, 3)
    number = tg.tensor(1.5 if name == "acosh" else 0.5, requires_grad=True)
    result = function(number)
    result.backward()
    assert result.shape == number.grad.shape == ()


SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, 2.0, np.inf, -np.inf, np.nan, 1e30, -1e30, 1e-30])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", TABLE)
def test_special_values_answer_as_numpy_without_a_warning(name, dtype):
    x = SPECIAL.astype(dtype)
    with np.errstate(all="ignore"):
        # The textbook formula of frac is undefined at infinity, and there PyTorch answers NaN.
        expected = x - np.trunc(x) if name == "frac" else reference(name)(x)
    result = TABLE[name].function(tg.from_numpy(x))
    assert result.dtype == dtype
    np.testing.assert_allclose(result.numpy(), expected, rtol=3e-6, atol=1e-30)


@pytest.mark.parametrize(
    ("name", "x", "slope"),
    [
        ("sqrt", 0.0, np.inf),
        ("log", 0.0, np.inf),
        ("log", -1.0, -1.0),
        ("abs", 0.0, 0.0),
        ("abs", -0.0, 0.0),
        ("sign", 0.0, 0.0),
        ("floor", 2.0, 0.0),
        ("reciprocal", 0.0, -np.inf),
        ("sigmoid", 200.0, 0.0),
        ("sigmoid", -200.0, 0.0),
        ("tanh", 200.0, 0.0),
        ("exp", -200.0, 0.0),
        ("exp", 200.0, np.inf),
        ("asin", 1.0, np.inf),
        ("acos", 1.0, -np.inf),
        ("exp", np.nan, np.nan),
        ("square", np.inf, np.inf),
        ("atan", np.inf, 0.0),
        ("tanh", np.nan, np.nan),
        ("rsqrt", 0.0, -np.inf),
        ("log1p", -1.0, np.inf),
    ],
)
def test_gradient_at_the_edge_of_the_domain(name, x, slope):
    tensor = tg.tensor(x, requires_grad=True)
    TABLE[name].function(tensor).backward()
    np.testing.assert_equal(float(tensor.grad), slope)


@pytest.mark.parametrize("name", TABLE)
def test_integers_keep_their_type_or_become_floating(name):
    integers = tg.tensor([1, 1])
    result = TABLE[name].function(integers)
    assert result.dtype == (tg.int64 if name in KEEPS_INTEGERS else tg.float32)
    with np.errstate(all="ignore"):
        expected = reference(name)(np.array([1.0, 1.0]))
        np.testing.assert_allclose(result.numpy(), expected, rtol=1e-6, atol=1e-7)
    assert not result.requires_grad


@pytest.mark.parametrize("name", TABLE)
def test_every_row_is_a_method_and_a_function_of_the_package(name):
    x = tg.tensor([1.5])
    assert tg.equal(getattr(x, name)().isnan(), getattr(tg, name)(x).isnan())
    assert getattr(tg.Tensor, name) is getattr(tg, name) is TABLE[name].function


@pytest.mark.parametrize(
    ("second", "first"),
    [
        ("absolute", "abs"),
        ("negative", "neg"),
        ("fix", "trunc"),
        ("arcsin", "asin"),
        ("arccos", "acos"),
        ("arctan", "atan"),
        ("arcsinh", "asinh"),
        ("arccosh", "acosh"),
        ("arctanh", "atanh"),
    ],
)
def test_second_names_are_the_same_functions(second, first):
    assert getattr(tg, second) is getattr(tg, first)


def test_sigmoid_is_accurate_at_both_ends():
    x = tg.tensor([-40.0, 40.0], dtype=tg.float64)
    np.testing.assert_allclose(tg.sigmoid(x).numpy(), [np.exp(-40.0), 1.0], rtol=1e-15)


def test_expm1_and_log1p_are_exact_near_zero():
    x = tg.tensor([1e-12], dtype=tg.float64)
    np.testing.assert_allclose(tg.expm1(x).numpy(), [1e-12], rtol=1e-11)
    np.testing.assert_allclose(tg.log1p(x).numpy(), [1e-12], rtol=1e-11)


def test_a_number_is_accepted_and_a_list_is_refused():
    assert tg.exp(0.0).item() == 1.0
    with pytest.raises(TypeError, match=r"exp: operands are tensors.*tg\.tensor"):
        tg.exp([1.0])


def test_the_docstring_names_formula_and_source():
    for name, row in TABLE.items():
        assert f"torch.{name}" in row.function.__doc__
        assert "erivative" in row.function.__doc__
