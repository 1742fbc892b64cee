"""Operations on two and more tensors: broadcasting, types, edges, in-place forms, errors."""

import numpy as np
import pytest
from cases import Case, pair, property_test, tuples
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.testing.strategies import arrays, broadcastable_shapes

inf, nan = np.inf, np.nan
POSITIVE = {"low": 0.0, "high": 3.0}
AWAY_FROM_ZERO = {"low": 0.5, "high": 3.0}

BINARY = {
    "add": (tg.add, np.add),
    "sub": (tg.sub, np.subtract),
    "mul": (tg.mul, np.multiply),
    "maximum": (tg.maximum, np.maximum),
    "minimum": (tg.minimum, np.minimum),
    "hypot": (tg.hypot, np.hypot),
    "logaddexp": (tg.logaddexp, np.logaddexp),
}
NUMBERS = st.sampled_from([-2, -0.5, 0.5, 1, 2, 3.0])


@st.composite
def quotients(draw):
    """x and y with x / y away from the integers, where remainders jump."""
    shapes = draw(broadcastable_shapes(2))
    x = draw(arrays(shapes[0], low=0.1, high=0.9))
    y = draw(arrays(shapes[1], low=1.1, high=1.4))
    return draw(st.sampled_from([1, -1])) * x, draw(st.sampled_from([1, -1])) * y


@st.composite
def conditions(draw):
    """A mask and two arrays, all broadcast together."""
    shapes = draw(broadcastable_shapes(3))
    mask = draw(arrays(shapes[0])) > 0
    return mask, draw(arrays(shapes[1])), draw(arrays(shapes[2]))


@st.composite
def between(draw):
    """x and two bounds, all broadcast together; none equal, in either order."""
    shapes = draw(broadcastable_shapes(3, max_dims=2, max_side=3))
    sizes = [int(np.prod(shape)) for shape in shapes]
    values = np.split(draw(arrays((sum(sizes),))), np.cumsum(sizes)[:-1])
    return tuple(value.reshape(shape) for value, shape in zip(values, shapes, strict=True))


def number_on_either_side(name, function, reference):
    def call(x, number, left):
        return function(number, x) if left else function(x, number)

    def expected(x, number, left):
        return reference(number, x) if left else reference(x, number)

    return Case(
        f"{name} of a number",
        call,
        arrays(low=0.6, high=2.9, kinks=(0.5, 1.0, 2.0, 3.0)),
        reference=expected,
        kwargs=st.fixed_dictionaries(
            {"number": st.sampled_from([0.5, 1, 2, 3.0]), "left": st.booleans()}
        ),
    )


def written(x, y):
    """Every kind of in-place change of a recorded result: directly, and through a view of it."""
    z = x * tg.tensor([1.0, 2.0, 3.0], dtype=x.dtype)
    z.mul_(y)
    z[1:].add_(y)
    z[0] = x * y
    return z.sub_(x, alpha=2)


CASES = [
    *(Case(name, ours, pair(), reference=numpy) for name, (ours, numpy) in BINARY.items()),
    Case("div", tg.div, pair({}, AWAY_FROM_ZERO), reference=np.true_divide),
    Case("pow", tg.pow, pair(POSITIVE, {}), reference=np.power),
    Case("atan2", tg.atan2, pair(AWAY_FROM_ZERO, {}), reference=np.arctan2),
    Case("remainder", tg.remainder, quotients(), reference=np.remainder),
    Case("fmod", tg.fmod, quotients(), reference=np.fmod),
    Case("floor_divide", tg.floor_divide, quotients(), reference=np.floor_divide),
    Case(
        "div trunc",
        lambda x, y: tg.div(x, y, rounding_mode="trunc"),
        quotients(),
        reference=lambda x, y: np.trunc(x / y),
    ),
    *(number_on_either_side(name, ours, numpy) for name, (ours, numpy) in BINARY.items()),
    number_on_either_side("div", tg.div, np.true_divide),
    number_on_either_side("pow", tg.pow, np.power),
    number_on_either_side("atan2", tg.atan2, np.arctan2),
    Case(
        "pow of a negative number to an integer",
        tg.pow,
        arrays(kinks=(0.0,)),
        reference=lambda x, exponent: x**exponent,
        kwargs=st.fixed_dictionaries({"exponent": st.sampled_from([-2, -1, 0, 1, 2, 3, 4])}),
    ),
    Case(
        "add alpha",
        tg.add,
        pair(),
        reference=lambda x, y, alpha: x + alpha * y,
        kwargs=st.fixed_dictionaries({"alpha": NUMBERS}),
    ),
    Case(
        "sub alpha",
        tg.sub,
        pair(),
        reference=lambda x, y, alpha: x - alpha * y,
        kwargs=st.fixed_dictionaries({"alpha": NUMBERS}),
    ),
    Case(
        "rsub alpha",
        tg.rsub,
        pair(),
        reference=lambda x, y, alpha: y - alpha * x,
        kwargs=st.fixed_dictionaries({"alpha": NUMBERS}),
    ),
    Case("where", tg.where, conditions(), reference=np.where),
    Case(
        "where with a number",
        lambda mask, x: tg.where(mask, x, 0.5),
        tuples(arrays((3,)).map(lambda x: x > 0), arrays((2, 3))),
        reference=lambda mask, x: np.where(mask, x, 0.5),
    ),
    Case(
        "clamp",
        tg.clamp,
        arrays(kinks=(-1.0, 0.5, 1.0, 2.0)),
        reference=lambda x, min=None, max=None: np.clip(x, min, max),
        kwargs=st.sampled_from(
            [{"min": -1}, {"max": 1.0}, {"min": -1.0, "max": 0.5}, {"min": 2, "max": 1}]
        ),
    ),
    Case(
        "clamp between tensors",
        tg.clamp,
        between(),
        reference=lambda x, low, high: np.minimum(np.maximum(x, low), high),
    ),
    Case("clamp from a tensor", lambda x, low: tg.clamp(x, min=low), pair(), reference=np.maximum),
    Case("clamp to a tensor", lambda x, high: tg.clamp(x, max=high), pair(), reference=np.minimum),
    Case(
        "round",
        tg.round,
        arrays(kinks=(-2.5, -1.5, -0.5, 0.5, 1.5, 2.5)),
        reference=np.round,
    ),
    Case("x with itself", lambda x: x * x + x / x - x**x, arrays(**AWAY_FROM_ZERO)),
    Case("write through a view", written, pair(max_dims=0)),
]
test_value_gradient_and_second_gradient = property_test(CASES)


@given(broadcastable_shapes(2), st.sampled_from(sorted(BINARY)))
def test_shapes_are_broadcast_as_in_numpy(shapes, name):
    x, y = (np.ones(shape, dtype=np.float32) for shape in shapes)
    assert BINARY[name][0](tg.tensor(x), tg.tensor(y)).shape == np.broadcast_shapes(*shapes)


@pytest.mark.parametrize("name", BINARY)
def test_empty_tensors(name):
    x, y = tg.ones(0, 3, requires_grad=True), tg.ones(3, requires_grad=True)
    BINARY[name][0](x, y).sum().backward()
    assert x.grad.shape == (0, 3)
    np.testing.assert_array_equal(y.grad.numpy(), np.zeros(3))


# Types: what PyTorch 2 answers. The columns are in the order of the rows.

TYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float32", "float64"]
b, u1, i1, i2, i4, i8, f4, f8 = TYPES
TWO_TENSORS = [
    [b, u1, i1, i2, i4, i8, f4, f8],
    [u1, u1, i2, i2, i4, i8, f4, f8],
    [i1, i2, i1, i2, i4, i8, f4, f8],
    [i2, i2, i2, i2, i4, i8, f4, f8],
    [i4, i4, i4, i4, i4, i8, f4, f8],
    [i8, i8, i8, i8, i8, i8, f4, f8],
    [f4, f4, f4, f4, f4, f4, f4, f8],
    [f8, f8, f8, f8, f8, f8, f8, f8],
]
WITH_ZERO_DIMENSIONAL = [
    [b, u1, i1, i2, i4, i8, f4, f8],
    [u1, u1, u1, u1, u1, u1, f4, f8],
    [i1, i1, i1, i1, i1, i1, f4, f8],
    [i2, i2, i2, i2, i2, i2, f4, f8],
    [i4, i4, i4, i4, i4, i4, f4, f8],
    [i8, i8, i8, i8, i8, i8, f4, f8],
    [f4, f4, f4, f4, f4, f4, f4, f4],
    [f8, f8, f8, f8, f8, f8, f8, f8],
]
WITH_A_NUMBER = {  # True, 1, 1.0
    b: [b, i8, f4],
    u1: [u1, u1, f4],
    i1: [i1, i1, f4],
    i2: [i2, i2, f4],
    i4: [i4, i4, f4],
    i8: [i8, i8, f4],
    f4: [f4, f4, f4],
    f8: [f8, f8, f8],
}


def ones(dtype, *shape):
    return tg.ones(shape, dtype=getattr(tg, dtype))


@pytest.mark.parametrize("row", range(8), ids=TYPES.__getitem__)
def test_the_type_of_a_sum_of_two_tensors(row):
    x = ones(TYPES[row], 2)
    assert [(x + ones(other, 2)).dtype for other in TYPES] == TWO_TENSORS[row]
    assert [(ones(other, 2) + x).dtype for other in TYPES] == TWO_TENSORS[row]
    assert [tg.promote_types(x.dtype, other) for other in TYPES] == TWO_TENSORS[row]


@pytest.mark.parametrize("row", range(8), ids=TYPES.__getitem__)
def test_a_zero_dimensional_tensor_widens_only_to_a_higher_kind(row):
    x = ones(TYPES[row], 2)
    assert [(x * ones(other)).dtype for other in TYPES] == WITH_ZERO_DIMENSIONAL[row]
    assert [tg.result_type(ones(other), x) for other in TYPES] == WITH_ZERO_DIMENSIONAL[row]


@pytest.mark.parametrize("shape", [(2,), ()], ids=str)
@pytest.mark.parametrize("dtype", TYPES)
def test_a_python_number_never_widens_within_its_kind(dtype, shape):
    x = ones(dtype, *shape)
    assert [(x + number).dtype for number in (True, 1, 1.0)] == WITH_A_NUMBER[dtype]
    assert [(number * x).dtype for number in (True, 1, 1.0)] == WITH_A_NUMBER[dtype]


@pytest.mark.parametrize("scalar", [np.float64(0.5), np.float32(0.5), np.int64(2)], ids=repr)
def test_a_numpy_scalar_is_a_number(scalar):
    assert (tg.ones(2) * scalar).dtype == tg.float32
    assert (scalar * tg.ones(2)).dtype == tg.float32


def test_mixed_types_carry_gradients_in_the_types_of_their_inputs():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = tg.tensor([3.0, 4.0], dtype=tg.float64, requires_grad=True)
    (x * y * tg.tensor([1, 2])).sum().backward()
    assert (x.grad.dtype, y.grad.dtype) == (tg.float32, tg.float64)
    assert (x.grad.tolist(), y.grad.tolist()) == ([3.0, 8.0], [1.0, 4.0])


@pytest.mark.parametrize("function", [tg.div, tg.atan2, tg.hypot, tg.logaddexp])
def test_integers_become_floating_where_the_result_is_not_whole(function):
    result = function(tg.tensor([1, 2]), tg.tensor([3, 4]))
    assert result.dtype == tg.float32


def test_alpha_does_not_round_a_number_to_float32():
    x = tg.tensor([0.0], dtype=tg.float64)
    assert tg.add(x, 0.1, alpha=3).item() == 0.1 * 3


def test_an_array_operand_is_copied():
    x = tg.tensor([1.0, 2.0], dtype=tg.float64, requires_grad=True)
    other = np.array([3.0, 4.0])
    result = x * other
    other[:] = 0
    result.sum().backward()
    assert x.grad.tolist() == [3.0, 4.0]


# Gradients where differences cannot tell.


@pytest.mark.parametrize("function", [tg.maximum, tg.minimum])
def test_maximum_and_minimum_split_the_gradient_between_ties(function):
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = tg.tensor([1.0, 2.0], requires_grad=True)
    function(x, y).backward(tg.tensor([1.0, 10.0]))
    assert x.grad.tolist() == y.grad.tolist() == [0.5, 5.0]


GRADIENTS = {  # function: (x, y) -> (gradient of x, gradient of y), as PyTorch 2 answers
    tg.maximum: {(nan, 1.0): (1.0, 1.0), (inf, 1.0): (1.0, 0.0), (-inf, -inf): (0.5, 0.5)},
    tg.minimum: {(1.0, nan): (1.0, 1.0), (inf, 1.0): (0.0, 1.0), (0.0, -0.0): (0.5, 0.5)},
    tg.atan2: {(0.0, 0.0): (0.0, 0.0), (0.0, -1.0): (-1.0, 0.0), (5.0, 0.0): (0.0, -0.2)},
    tg.hypot: {(0.0, -1.0): (0.0, -1.0), (5.0, 0.0): (1.0, 0.0)},
    tg.logaddexp: {(inf, 1.0): (1.0, 0.0), (-inf, 1.0): (0.0, 1.0), (800.0, 0.0): (1.0, 0.0)},
    tg.pow: {
        (0.0, 0.0): (0.0, 0.0),
        (0.0, 2.0): (0.0, 0.0),
        (0.0, -1.0): (-inf, -inf),
        (nan, 1.0): (1.0, nan),
        (-2.0, 3.0): (12.0, nan),
        (inf, 0.0): (0.0, inf),
    },
    tg.remainder: {(-7.0, 3.0): (1.0, 3.0), (7.0, -3.0): (1.0, 3.0), (1.0, 0.1): (1.0, -9.0)},
    tg.fmod: {(-7.0, 3.0): (1.0, 2.0), (7.0, -3.0): (1.0, 2.0)},
}


@pytest.mark.parametrize(
    ("function", "x", "y", "expected"),
    [
        pytest.param(function, *point, expected, id=f"{function.__name__}{point}")
        for function, points in GRADIENTS.items()
        for point, expected in points.items()
    ],
)
def test_gradient_at_a_special_point(function, x, y, expected):
    tensors = [tg.tensor(value, dtype=tg.float64, requires_grad=True) for value in (x, y)]
    function(*tensors).backward()
    np.testing.assert_allclose([float(t.grad) for t in tensors], expected, rtol=1e-15)


@pytest.mark.parametrize(
    ("x", "exponent", "slope"),
    [(0.0, 0, 0.0), (inf, 0, 0.0), (nan, 0, 0.0), (0.0, 1, 1.0), (0.0, 2, 0.0), (0.0, 0.5, inf)],
)
def test_gradient_of_a_power_at_zero(x, exponent, slope):
    tensor = tg.tensor(x, requires_grad=True)
    (tensor**exponent).backward()
    assert float(tensor.grad) == slope


@pytest.mark.parametrize(
    ("x", "grad_x", "grad_low", "grad_high"),
    [(0.0, 1, 0, 0), (1.0, 1, 0, 0), (-1.0, 0, 1, 0), (2.0, 0, 0, 1), (nan, 0, 0, 0)],
)
def test_clamp_passes_the_gradient_at_its_bounds(x, grad_x, grad_low, grad_high):
    tensors = [tg.tensor(value, requires_grad=True) for value in (x, 0.0, 1.0)]
    tg.clamp(*tensors).backward()
    assert [float(t.grad) for t in tensors] == [grad_x, grad_low, grad_high]
    number = tg.tensor(x, requires_grad=True)
    tg.clamp(number, 0, 1).backward()
    assert float(number.grad) == grad_x


def test_where_bounds_cross_the_upper_one_wins():
    tensors = [tg.tensor(value, requires_grad=True) for value in (0.5, 1.0, 0.0)]
    result = tg.clamp(*tensors)
    result.backward()
    assert float(result.detach()) == 0.0
    assert [float(t.grad) for t in tensors] == [0.0, 0.0, 1.0]


def test_where_keeps_an_infinite_gradient_out_of_the_branch_not_taken():
    x = tg.tensor([0.0, 4.0], requires_grad=True)
    safe = tg.where(x > 0, x, tg.ones_like(x))
    tg.where(x > 0, safe.sqrt(), 0.0).sum().backward()
    assert x.grad.tolist() == [0.0, 0.25]


ZERO = tg.zeros(1)
CONSTANT_BELOW_ZERO = {
    "clamp": lambda x: x.clamp(min=0),
    "clamp between tensors": lambda x: x.clamp(ZERO, ZERO + 1),
    "maximum": lambda x: tg.maximum(x, ZERO),
    "minimum": lambda x: tg.minimum(-x, ZERO),
    "floor": lambda x: x.floor() + 1,
    "round": lambda x: x.round(),
    "floor_divide": lambda x: x // 2 + 1,
    "power": lambda x: x**0 - 1,
    "power of a tensor": lambda x: x**ZERO - 1,
    "zero_": lambda x: (x * 1).zero_(),
}


@pytest.mark.parametrize("name", CONSTANT_BELOW_ZERO)
def test_an_infinite_gradient_does_not_pass_where_the_function_is_constant(name):
    x = tg.tensor([-0.25], requires_grad=True)
    y = CONSTANT_BELOW_ZERO[name](x)
    assert y.item() == 0
    y.sqrt().sum().backward()  # The derivative of the square root is infinite at 0.
    assert x.grad.tolist() == [0]


def test_a_quotient_may_be_changed_in_place():
    x, y = tg.tensor([3.0], requires_grad=True), tg.tensor([2.0], requires_grad=True)
    quotient = x / y
    quotient += 1
    quotient.sum().backward()
    assert (x.grad.item(), y.grad.item()) == (0.5, -0.75)


def test_integers_that_a_type_cannot_hold_are_refused():
    x = tg.tensor([1], dtype=tg.int8)
    for change in (lambda: x + 300, lambda: x.add_(300), lambda: x.fill_(300)):
        with pytest.raises(RuntimeError, match="300 out of bounds for int8"):
            change()
    with pytest.raises(RuntimeError, match="300 out of bounds for int8"):
        x[0] = 300
    assert x.tolist() == [1]


def test_what_a_smaller_type_cannot_hold_becomes_infinite_without_a_warning():
    large = tg.tensor([1e200], dtype=tg.float64)
    assert large.sum(dtype=tg.float32).item() == inf


def test_where_with_a_condition_alone_gives_indices():
    rows, columns = tg.where(tg.tensor([[True, False], [False, True]]))
    assert (rows.tolist(), columns.tolist()) == ([0, 1], [0, 1])


# Division of integers.


def test_division_with_rounding_is_exact_for_large_integers():
    x = tg.tensor([2**60 + 1, -(2**60) - 1])
    assert tg.div(x, 2, rounding_mode="floor").tolist() == [2**59, -(2**59) - 1]
    assert tg.div(x, 2, rounding_mode="trunc").tolist() == [2**59, -(2**59)]
    assert (x // 2).tolist() == [2**59, -(2**59) - 1]
    assert tg.div(x, 2, rounding_mode="trunc").dtype == tg.int64


def test_floating_floor_division_agrees_with_python():
    assert (tg.tensor(1.0, dtype=tg.float64) // 0.1).item() == 1.0 // 0.1 == 9.0


@pytest.mark.parametrize(
    "divide",
    [
        lambda x: x // 0,
        lambda x: x % 0,
        lambda x: tg.fmod(x, 0),
        lambda x: tg.div(x, tg.tensor([1, 0]), rounding_mode="trunc"),
    ],
)
def test_integer_division_by_zero_is_an_error(divide):
    with pytest.raises(RuntimeError, match="integer division by zero"):
        divide(tg.tensor([1, 2]))


def test_true_division_by_zero_is_infinite():
    assert (tg.tensor([1, -1]) / 0).tolist() == [inf, -inf]
    assert (tg.tensor([1.0, -1.0]) // 0).tolist() == [inf, -inf]


# Operators.


@pytest.mark.parametrize("left", [2.0, np.array([1.0, 2.0, 4.0])], ids=["number", "array"])
def test_reflected_operators(left):
    values = np.array([0.5, 1.0, 3.0])
    x = tg.tensor(values)
    for ours, theirs in [
        (left + x, left + values),
        (left - x, left - values),
        (left * x, left * values),
        (left / x, left / values),
        (left // x, left // values),
        (left % x, left % values),
        (left**x, left**values),
    ]:
        assert isinstance(ours, tg.Tensor)
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-15)


@pytest.mark.parametrize(
    ("second", "first"),
    [
        ("subtract", "sub"),
        ("multiply", "mul"),
        ("divide", "div"),
        ("true_divide", "div"),
        ("clip", "clamp"),
        ("arctan2", "atan2"),
    ],
)
def test_second_names_are_the_same_functions(second, first):
    assert getattr(tg, second) is getattr(tg, first)
    assert getattr(tg.Tensor, second) is getattr(tg.Tensor, first)


# Errors.


@pytest.mark.parametrize("function", [tg.add, tg.pow, tg.maximum, tg.eq, tg.lt, tg.div])
def test_shapes_that_do_not_fit_are_named(function):
    with pytest.raises(RuntimeError, match=r"\(3,\) and \(2,\)"):
        function(tg.ones(3), tg.ones(2))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tg.ones(2) + "a", TypeError, r"add: operands are tensors.*got str"),
        (lambda: tg.add(tg.ones(2), [1, 2]), TypeError, r"add: operands.*got list.*tg\.tensor"),
        (lambda: tg.ones(2) + None, TypeError, r"got NoneType"),
        (lambda: tg.tensor([True]) - tg.tensor([True]), RuntimeError, r"booleans.*\^"),
        (lambda: -tg.tensor([True]), RuntimeError, r"neg is not defined for booleans.*~x"),
        (lambda: tg.tensor([2]) ** -1, RuntimeError, r"negative integer powers"),
        (lambda: tg.clamp(tg.ones(2)), RuntimeError, r"clamp: at least one of min and max"),
        (lambda: tg.ones(2).clamp_(), RuntimeError, r"clamp_: at least one of min and max"),
        (lambda: tg.where(tg.ones(2), 1, 2), RuntimeError, r"boolean tensor, for example `x > 0`"),
        (lambda: tg.where(tg.ones(2) > 0, 1), TypeError, r"where\(condition, input, other\)"),
        (lambda: tg.div(tg.ones(2), 2, rounding_mode="up"), RuntimeError, r"got 'up'"),
    ],
)
def test_errors_say_what_to_write(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_the_factor_alpha_of_integers_is_an_integer():
    assert tg.add(tg.tensor([1], dtype=tg.uint8), tg.tensor([True]), alpha=2).dtype == tg.uint8
    with pytest.raises(RuntimeError, match=r"add: for integers, alpha is an integer, too; got 0.5"):
        tg.add(tg.tensor([1]), tg.tensor([2]), alpha=0.5)


def test_integers_of_two_types_are_divided_in_floating_numbers():
    result = tg.div(tg.tensor([2, 1], dtype=tg.uint8), tg.tensor(-4))
    assert result.tolist() == [-0.5, -0.25]
    np.testing.assert_allclose(
        tg.atan2(tg.tensor([0], dtype=tg.uint8), tg.tensor(-3)).numpy(), [np.pi], rtol=1e-6
    )


def test_division_of_nothing_by_zero_is_nothing():
    assert tg.remainder(tg.zeros(0).int(), 0).shape == (0,)


@pytest.mark.parametrize("name", ["abs", "floor", "ceil", "trunc", "round", "neg"])
def test_rounding_and_sizes_are_not_defined_for_booleans(name):
    with pytest.raises(RuntimeError, match=f"{name} is not defined for booleans"):
        getattr(tg, name)(tg.tensor([True]))


def test_squares_of_booleans_are_integers():
    assert tg.square(tg.tensor([True, False])).dtype == tg.int64


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "hypot"])
def test_overflow_is_infinite_without_a_warning_and_numpy_keeps_its_state(name):
    before = np.geterr()
    x, y = tg.tensor([3e38, inf]), tg.tensor([-3e38 if name == "sub" else 3e38, inf])
    with np.errstate(all="raise"):
        result = getattr(tg, name)(x, y / 1e38 if name == "mul" else y)
        assert np.geterr()["over"] == "raise"
    assert np.geterr() == before
    if name != "div":
        assert result[0].item() == inf
    with pytest.raises(RuntimeError, match="shapes"):
        getattr(tg, name)(tg.ones(2), tg.ones(3))
    assert np.geterr() == before


def test_sums_of_infinities_are_not_numbers_without_a_warning():
    x = tg.tensor([[inf, -inf], [3e38, 3e38]])
    np.testing.assert_array_equal(x.sum(1).numpy(), [nan, inf])
    np.testing.assert_array_equal(x.mean(1).numpy(), [nan, inf])
    assert np.isnan(x.sum().item())
