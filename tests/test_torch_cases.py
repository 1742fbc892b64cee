"""Agreement with PyTorch of every property-test case: the same call in both libraries.

The modules of the tables CASES are loaded a second time, with every name of the package bound to
PyTorch's: a case that is a public function becomes PyTorch's function of that name, and one that is
a helper of its module runs the same source on PyTorch's tensors.
"""

import functools
import importlib.util
import sys
import types
import warnings
from pathlib import Path

import numpy as np
import pytest
from both_libraries import as_array, derivatives, flat
from cases import Case
from hypothesis import assume, given
from hypothesis import strategies as st
from torch_case_tables import CONSTANT, FIRST_ORDER, OURS_ALONE, VALUE_ALONE

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F

pytestmark = pytest.mark.torch

HERE = Path(__file__).parent
MODULES = sorted(path.stem for kind in ("ops", "nn") for path in HERE.glob(f"test_{kind}_*.py"))


def tables():
    """Every case, as (module, case)."""
    for name in MODULES:
        for case in getattr(importlib.import_module(name), "CASES", ()):
            if case.name not in OURS_ALONE:
                yield pytest.param(name, case, id=f"{name.removeprefix('test_')}: {case}")


class Twins:
    """A module of the package, as PyTorch would have it."""

    def __init__(self, module):
        self.module = module

    def __getattr__(self, name):
        return twin(getattr(self.module, name))


@functools.cache
def rebound(name):
    """The cases of a test module in which every name of the package means PyTorch's, by name."""
    import torch

    spec = importlib.util.spec_from_file_location(f"{name}_with_torch", HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    rooms = {tg: torch, F: torch.nn.functional, nn: torch.nn}
    for alias, value in list(vars(module).items()):
        if isinstance(value, types.ModuleType) and value.__name__.startswith("tinygrad_edu"):
            setattr(module, alias, rooms[value] if value in rooms else Twins(value))
        elif isinstance(value, types.FunctionType) and is_ours(value):
            setattr(module, alias, twin(value))
    return {case.name: case for case in module.CASES}


def is_ours(value):
    """Whether the package defines it."""
    return getattr(value, "__module__", "").startswith("tinygrad_edu.")


def homes():
    """Where public functions live in both libraries."""
    import torch

    yield tg, torch
    yield F, torch.nn.functional
    for name in ("linalg", "special"):
        if hasattr(tg, name):
            yield getattr(tg, name), getattr(torch, name)
    yield tg.Tensor, torch.Tensor


def twin(function):
    """PyTorch's function for one of ours; what a test module defines works on the twins."""
    if isinstance(function, functools.partial):
        return functools.partial(twin(function.func), *function.args, **function.keywords)
    if not is_ours(function):
        return closed_over_twins(function)
    for ours, theirs in homes():
        if getattr(ours, function.__name__, None) is function:
            return getattr(theirs, function.__name__, None)
    return None


def closed_over_twins(function):
    """The same function, in whose closure the package's functions are PyTorch's."""
    if not isinstance(function, types.FunctionType) or not function.__closure__:
        return function
    cells = [cell.cell_contents for cell in function.__closure__]
    cells = [twin(value) if isinstance(value, types.FunctionType) else value for value in cells]
    copy = types.FunctionType(
        function.__code__,
        function.__globals__,
        closure=tuple(types.CellType(value) for value in cells),
    )
    copy.__defaults__, copy.__kwdefaults__ = function.__defaults__, function.__kwdefaults__
    return copy


def evaluate(library, function, arrays, kwargs, order, constant):
    """Results, gradients of a weighted sum of them, and gradients of the squares of those."""
    tensors = [library.tensor(np.array(x)) for x in arrays]
    leaves = [
        x.requires_grad_()
        for place, x in enumerate(tensors)
        if order and x.dtype == library.float64 and place not in constant
    ]
    kwargs = {k: translated(library, v) for k, v in kwargs.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = flat(function(*tensors, **kwargs))
        found += [
            library.zeros(()) if grad is None else grad
            for grad in derivatives(library, found, leaves, order)
        ]
    return [as_array(x) for x in found]


def translated(library, value):
    """A keyword argument in the words of the library: types of elements, arrays as tensors."""
    if isinstance(value, np.dtype):
        return value if library is tg else getattr(library, str(value))
    return library.tensor(value) if isinstance(value, np.ndarray) else value


@pytest.mark.parametrize(("module", "case"), list(tables()))
def test_case_agrees_with_pytorch(module: str, case: Case):
    import torch

    theirs = twin(rebound(module)[case.name].function)
    assert theirs is not None, f"PyTorch has no {case.function}; say so in OURS_ALONE"
    order = 2 if case.options.get("second_order", True) and case.name not in FIRST_ORDER else 1
    order = 0 if case.name in VALUE_ALONE else order
    constant = CONSTANT.get(case.name, ())

    @given(data=st.data())
    def compare(data):
        arrays, kwargs = case.draw(data)
        # All dimensions at once are spelt differently there.
        assume("dim" not in kwargs or kwargs["dim"] is not None)
        assume("keepdim" not in kwargs or "dim" in kwargs)
        expected = evaluate(torch, theirs, arrays, kwargs, order, constant)
        found = evaluate(tg, case.function, arrays, kwargs, order, constant)
        results = len(found) - order * sum(x.dtype == float for x in arrays)
        for place, (x, y) in enumerate(zip(found, expected, strict=True)):
            message = f"{kwargs}, output {place}"
            assert place >= results or (x.dtype, x.shape) == (y.dtype, y.shape), message
            np.testing.assert_allclose(x, y, rtol=1e-7, atol=1e-9, err_msg=message)

    compare()


def test_exceptions_name_cases():
    names = {
        case.name
        for module in MODULES
        for case in getattr(importlib.import_module(module), "CASES", ())
    }
    assert {*OURS_ALONE, *VALUE_ALONE, *FIRST_ORDER, *CONSTANT} <= names
