"""Comparisons, logic and bits: elementwise answers that have no gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ..autograd.graph import TensorBase
from ..autograd.leaving import without_gradient
from .arguments import check_tensor
from .dtypes import as_tensor_operand, operands, result_type, type_name

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "allclose",
    "bitwise_and",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "eq",
    "equal",
    "gcd",
    "ge",
    "greater",
    "greater_equal",
    "gt",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "isreal",
    "lcm",
    "le",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "lt",
    "ne",
    "not_equal",
    "signbit",
]

Function = TypeVar("Function", bound=Callable[..., Any])
Binary = Callable[["Tensor | float", "Tensor | float"], "Tensor"]


#: What most elementwise functions say of their type.
COMMON_TYPE = "The type is `tg.result_type(input, other)`."


def described(
    function: Function, name: str, formula: str, example: tuple[str, str], note: str
) -> Function:
    """Give a function that a table made its name and documentation."""
    call, result = example
    result = result.replace("\n", "\n    ")
    labelled: Any = function
    labelled.__name__ = labelled.__qualname__ = name
    labelled.__doc__ = f"""{formula}

    Elementwise, with broadcasting. {note}
    Raises RuntimeError if the shapes cannot be broadcast. PyTorch: `torch.{name}`.

    >>> {call}
    {result}
    """
    return function


def computed(name: str, function: Callable[..., Any], *operands: Any) -> Any:
    """A NumPy function of the values, without recording."""
    values = [x.array if isinstance(x, TensorBase) else x for x in operands]
    try:
        return function(*values)
    except OverflowError as error:
        raise RuntimeError(f"{name}: {error}.") from None
    except ValueError:
        shapes = " and ".join(str(np.shape(x)) for x in values)
        raise RuntimeError(f"{name}: the shapes {shapes} cannot be broadcast.") from None


def _compare(
    name: str, compare: Callable[..., Any], formula: str, example: tuple[str, str]
) -> Binary:
    """A public function whose result is boolean and has no gradient."""

    def function(input: Tensor | float, other: Tensor | float) -> Tensor:
        result = computed(name, compare, *operands(input, other, name))
        return without_gradient(name, result, input, other)

    note = "The result is boolean and has no gradient."
    return described(function, name, formula, example, note)


_EXAMPLE = "(tg.tensor([1, 2, 3]), 2)"
eq = _compare("eq", np.equal, "Where x = y.", (f"tg.eq{_EXAMPLE}", "tensor([False,  True, False])"))
ne = _compare(
    "ne", np.not_equal, "Where x ≠ y.", (f"tg.ne{_EXAMPLE}", "tensor([ True, False,  True])")
)
lt = _compare("lt", np.less, "Where x < y.", (f"tg.lt{_EXAMPLE}", "tensor([ True, False, False])"))
le = _compare(
    "le", np.less_equal, "Where x <= y.", (f"tg.le{_EXAMPLE}", "tensor([ True,  True, False])")
)
gt = _compare(
    "gt", np.greater, "Where x > y.", (f"tg.gt{_EXAMPLE}", "tensor([False, False,  True])")
)
ge = _compare(
    "ge", np.greater_equal, "Where x >= y.", (f"tg.ge{_EXAMPLE}", "tensor([False,  True,  True])")
)
# Second names, as in NumPy and PyTorch.
less, less_equal, greater, greater_equal, not_equal = lt, le, gt, ge, ne

_LOGIC = "(tg.tensor([True, False]), tg.tensor([True, True]))"
logical_and = _compare(
    "logical_and",
    np.logical_and,
    "Where both are nonzero.",
    (f"tg.logical_and{_LOGIC}", "tensor([ True, False])"),
)
logical_or = _compare(
    "logical_or",
    np.logical_or,
    "Where one is nonzero.",
    (f"tg.logical_or{_LOGIC}", "tensor([True, True])"),
)
logical_xor = _compare(
    "logical_xor",
    np.logical_xor,
    "Where exactly one is nonzero.",
    (f"tg.logical_xor{_LOGIC}", "tensor([False,  True])"),
)


_LOGICAL = (np.bitwise_and, np.bitwise_or, np.bitwise_xor)


def _bitwise(
    name: str, function: Callable[..., Any], formula: str, example: tuple[str, str]
) -> Binary:
    def bitwise(input: Tensor | float, other: Tensor | float) -> Tensor:
        kind = result_type(input, other).kind
        if kind == "f":
            raise RuntimeError(
                f"{name}: bits are defined for integers and booleans; got a floating tensor."
            )
        if kind == "b" and function not in _LOGICAL:
            raise RuntimeError(f"{name} is not defined for booleans. As numbers: `x.int()`.")
        result = computed(name, function, *operands(input, other, name))
        return without_gradient(name, result, input, other)

    return described(bitwise, name, formula, example, COMMON_TYPE)


bitwise_and = _bitwise(
    "bitwise_and",
    np.bitwise_and,
    "Bits set in both; of booleans, both.",
    ("tg.bitwise_and(tg.tensor([6]), 3)", "tensor([2])"),
)
bitwise_or = _bitwise(
    "bitwise_or",
    np.bitwise_or,
    "Bits set in one; of booleans, one.",
    ("tg.bitwise_or(tg.tensor([6]), 3)", "tensor([7])"),
)
bitwise_xor = _bitwise(
    "bitwise_xor",
    np.bitwise_xor,
    "Bits set in exactly one.",
    ("tg.bitwise_xor(tg.tensor([6]), 3)", "tensor([5])"),
)


bitwise_left_shift = _bitwise(
    "bitwise_left_shift",
    np.left_shift,
    "x · 2^y: the bits of x, y places higher; also `x << y`.",
    ("tg.bitwise_left_shift(tg.tensor([1, 3]), 2)", "tensor([ 4, 12])"),
)
bitwise_right_shift = _bitwise(
    "bitwise_right_shift",
    np.right_shift,
    "floor(x / 2^y): the bits of x, y places lower; also `x >> y`.",
    ("tg.bitwise_right_shift(tg.tensor([8, -3]), 1)", "tensor([ 4, -2])"),
)
gcd = _bitwise(
    "gcd",
    np.gcd,
    "The greatest common divisor, never negative; gcd(0, 0) is 0.",
    ("tg.gcd(tg.tensor([12, 5]), tg.tensor([8, 0]))", "tensor([4, 5])"),
)
lcm = _bitwise(
    "lcm",
    np.lcm,
    "The least common multiple, never negative; 0 if one of them is 0.",
    ("tg.lcm(tg.tensor([4, 5]), tg.tensor([6, 0]))", "tensor([12,  0])"),
)


def reversed_left_shift(input: Tensor, other: Tensor | float) -> Tensor:
    """bitwise_left_shift(other, input): the operator with this tensor on its right."""
    return bitwise_left_shift(other, input)


def reversed_right_shift(input: Tensor, other: Tensor | float) -> Tensor:
    """bitwise_right_shift(other, input): the operator with this tensor on its right."""
    return bitwise_right_shift(other, input)


def bitwise_not(input: Tensor) -> Tensor:
    """Every bit flipped; of booleans, the opposite. No gradient. PyTorch: `torch.bitwise_not`.

    Raises TypeError for a floating tensor.

    >>> tg.bitwise_not(tg.tensor([True, False]))
    tensor([False,  True])
    """
    check_tensor("bitwise_not", input)
    if input.dtype.kind == "f":
        raise TypeError(
            "bitwise_not: bits are defined for integers and booleans; got a floating tensor."
        )
    return without_gradient("bitwise_not", np.invert(input.array), input)


def _test(
    name: str, function: Callable[..., Any], formula: str, result: str
) -> Callable[[Tensor], Tensor]:
    def test(input: Tensor) -> Tensor:
        return without_gradient(name, function(as_tensor_operand(input, name).array), input)

    test.__name__ = test.__qualname__ = name
    test.__doc__ = f"""{formula} The result is boolean; it has no gradient. PyTorch: `torch.{name}`.

    >>> tg.{name}(tg.tensor([0.0, float("inf"), float("nan")]))
    tensor({result})
    """
    return test


isnan = _test("isnan", np.isnan, "Where x is NaN.", "[False, False,  True]")
isinf = _test("isinf", np.isinf, "Where x is infinite.", "[False,  True, False]")
isfinite = _test(
    "isfinite", np.isfinite, "Where x is neither NaN nor infinite.", "[ True, False, False]"
)
isposinf = _test("isposinf", lambda x: x == np.inf, "Where x is inf.", "[False,  True, False]")
isneginf = _test("isneginf", lambda x: x == -np.inf, "Where x is -inf.", "[False, False, False]")
isreal = _test(
    "isreal", np.isreal, "True everywhere: there are no complex tensors.", "[True, True, True]"
)
signbit = _test(
    "signbit",
    lambda x: np.signbit(x) if x.dtype.kind == "f" else x < 0,
    "Where x has a minus sign: negative numbers and -0.0.",
    "[False, False, False]",
)
logical_not = _test("logical_not", np.logical_not, "Where x is zero.", "[ True, False, False]")


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and the same elements. PyTorch: `torch.equal`.

    >>> tg.equal(tg.tensor([1, 2]), tg.tensor([1, 2]))
    True
    """
    for x in (input, other):
        if not isinstance(x, TensorBase):
            raise TypeError(f"equal: two tensors are compared; got {type_name(x)}.")
    return bool(np.array_equal(input.array, other.array))


def isclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Where |x - y| <= atol + rtol |y|. PyTorch: `torch.isclose`.

    >>> tg.isclose(tg.tensor([1.0, 2.0]), tg.tensor([1.0, 2.1]))
    tensor([ True, False])
    """
    close = computed("isclose", np.isclose, input, other, rtol, atol, equal_nan)
    return without_gradient("isclose", close, input, other)


def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:
    """Whether all elements are close: |x - y| <= atol + rtol |y|. PyTorch: `torch.allclose`.

    >>> tg.allclose(tg.tensor([1.0]), tg.tensor([1.0 + 1e-7]))
    True
    """
    return bool(computed("allclose", np.allclose, input, other, rtol, atol, equal_nan))
