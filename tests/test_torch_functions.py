"""Agreement with PyTorch, expression by expression: values, types, two derivatives, errors.

The same text (torch_expressions*.py) is evaluated with both libraries, on ordinary values, on NaN
and infinities, on empty tensors and on numbers. What differs stands in torch_differences.py, with
a reason, and differs still.
"""

import ast
import builtins
import warnings

import numpy as np
import pytest
import torch_expressions
import torch_expressions_arrays
import torch_expressions_numbers
from both_libraries import as_array, derivatives, flat
from torch_differences import DIFFERENT, DIFFERENT_ERRORS, DIFFERENT_ON_UNUSUAL_VALUES
from torch_errors import ERRORS

import tinygrad_edu as tg

pytestmark = pytest.mark.torch

MODULES = [torch_expressions, torch_expressions_numbers, torch_expressions_arrays]
LINES = [
    pytest.param(line, id=f"{family.lower()}-{line[:60]}")
    for module in MODULES
    for family, text in vars(module).items()
    if family.isupper()
    for line in text.strip().splitlines()
]
SPECIAL = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-300, 1e300, -2.5, 0.5, 3.0]


def ordinary():
    """Arrays by the names that the expressions use."""
    rng = np.random.default_rng(0)
    square = rng.normal(size=(4, 4))
    return {
        **{name: rng.normal(size=(3, 4)) for name in "xy"},
        **{name: rng.normal(size=4) for name in "vw"},
        "p": rng.uniform(0.1, 0.9, (3, 4)),
        "m": square,
        "s": square @ square.T + np.eye(4),
        "t": rng.normal(size=(2, 3, 4)),
        "i": rng.integers(-5, 6, (3, 4)),
        "k": rng.choice([-5, -3, -2, -1, 1, 2, 3, 4], (3, 4)),
        "j": np.array([1, 3, 0]),
        "b": rng.random((3, 4)) < 0.5,
        "c": rng.random((3, 4)) < 0.5,
    }


def special():
    """NaN, infinities, zeros and large values in every place of x, y and p."""
    rng = np.random.default_rng(1)
    return ordinary() | {name: rng.permutation(SPECIAL).reshape(3, 4) for name in "xyp"}


def resized(shape):
    """The arrays of shape (3, 4) have this one instead."""
    return {
        name: np.resize(array, shape) if array.shape == (3, 4) else array
        for name, array in ordinary().items()
    }


UNUSUAL = {"special": special(), "empty": resized((0, 4)), "a number": resized(())}


def pieces(line):
    """The expressions of a line, which may be several with commas between them."""
    tree = ast.parse(line, mode="eval").body
    parts = tree.elts if isinstance(tree, ast.Tuple) else [tree]
    return [ast.get_source_segment(line, part) for part in parts]


def evaluate(library, text, arrays, order):
    """The results and their derivatives to this order; the error, if there is one."""
    names = {name: library.tensor(array) for name, array in arrays.items()}
    leaves = [x.requires_grad_() for x in names.values() if order and x.is_floating_point()]
    # They share storage or lose the gradient.
    if "numpy()" in text or "tolist()" in text:
        leaves = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = eval(text, {"torch": library, "np": np, **names})
            found = flat(result)
            grads = derivatives(library, found, leaves, order)
            found += [0.0 if grad is None else grad for grad in grads]
        except Exception as error:  # noqa: BLE001 - which one is the result
            return error
    return [plain(x) for x in found]


def plain(x):
    """An array for a tensor, PyTorch's name for a type or a layout, anything else as it is."""
    if hasattr(x, "detach"):
        return as_array(x)
    named = type(x).__name__.lower().endswith(("dtype", "layout", "memory_format"))
    return str(x).rpartition(".")[2] if named else x


def assert_alike(found, expected, text):
    """The same values, types and shapes, or an error in both."""
    if isinstance(expected, Exception):
        assert isinstance(found, Exception), f"{text}: PyTorch raises {expected!r}"
        return
    assert not isinstance(found, Exception), f"{text} raises {found!r}"
    for place, (x, y) in enumerate(zip(found, expected, strict=True)):
        message = f"{text}, output {place}"
        if isinstance(y, np.ndarray):
            # A gradient of zeros may be the number 0.0.
            if isinstance(x, np.ndarray):
                assert (x.dtype, x.shape) == (y.dtype, y.shape), message
            single = y.dtype in (np.float16, np.float32)
            ours, theirs = np.asarray(x, float), y.astype(float)
            np.testing.assert_allclose(ours, theirs, 1e-6, 1e-7 if single else 1e-8, True, message)
        elif isinstance(y, float):
            np.testing.assert_allclose(np.asarray(x, float), y, 1e-6, err_msg=message)
        else:
            assert x == y, message


def agrees(text, arrays, order):
    """Whether both libraries answer alike."""
    import torch

    results = [evaluate(library, text, arrays, order) for library in (tg, torch)]
    try:
        assert_alike(*results, text)
    except AssertionError:
        return False
    return not order or not isinstance(results[1], Exception)


@pytest.mark.parametrize("line", LINES)
def test_expression_agrees(line):
    import torch

    arrays = ordinary()
    for text in pieces(line):
        theirs = evaluate(torch, text, arrays, 2)
        if text not in DIFFERENT:
            if isinstance(theirs, Exception):
                raise theirs
            assert_alike(evaluate(tg, text, arrays, 2), theirs, text)


@pytest.mark.parametrize("values", UNUSUAL)
@pytest.mark.parametrize("line", LINES)
def test_expression_agrees_on_unusual_values(line, values):
    import torch

    arrays = UNUSUAL[values]
    for text in pieces(line):
        if text not in DIFFERENT | DIFFERENT_ON_UNUSUAL_VALUES:
            ours, theirs = (evaluate(library, text, arrays, 0) for library in (tg, torch))
            assert_alike(ours, theirs, text)


@pytest.mark.parametrize("text", DIFFERENT)
def test_documented_difference_is_there(text):
    assert not agrees(text, ordinary(), 2)


@pytest.mark.parametrize("text", DIFFERENT_ON_UNUSUAL_VALUES)
def test_documented_difference_on_unusual_values_is_there(text):
    assert agrees(text, ordinary(), 2)
    assert not all(agrees(text, arrays, 0) for arrays in UNUSUAL.values())


@pytest.mark.parametrize("text", ERRORS.strip().splitlines())
def test_both_raise_the_same_built_in_error(text):
    import torch

    ours, theirs = (evaluate(library, text, ordinary(), 1) for library in (tg, torch))
    assert isinstance(theirs, Exception), "PyTorch does not raise"
    assert isinstance(ours, Exception), f"PyTorch raises {theirs!r}"
    same = isinstance(ours, built_in(theirs))
    assert same == (text not in DIFFERENT_ERRORS), f"{ours!r} instead of {theirs!r}"


def built_in(error):
    """The class that Python itself has for an error."""
    classes = (cls for cls in type(error).__mro__ if cls.__module__ == builtins.__name__)
    found = next(classes)
    return RuntimeError if found is NotImplementedError else found
