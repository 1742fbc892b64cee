"""Nothing is forgotten: every operation has a property test, every public function an example."""

import contextlib
import importlib
import inspect
import re
from pathlib import Path

import numpy as np
import pytest
from cases import operations_of

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
from tinygrad_edu.autograd.fused import Fused
from tinygrad_edu.autograd.graph import Operation

HERE = Path(__file__).parent
# What differences cannot see or what is no function of tensors, and where it is tested instead.
ELSEWHERE = {
    "Alias": "test_engine.py",
    "Output": "test_engine.py",
    "_FunctionNode": "test_function.py",
    "Cast": "test_ops_elementwise.py",  # rounds to another type
    "BackwardHooks": "test_nn_hooks.py",
}
PATTERNS = ("test_ops_*.py", "test_nn_*.py")
MODULES = sorted(path.stem for pattern in PATTERNS for path in HERE.glob(pattern))


def package_operations(base=Operation):
    """All subclasses of Operation that the package defines."""
    for cls in base.__subclasses__():
        if cls.__module__.startswith("tinygrad_edu."):
            yield cls
        yield from package_operations(cls)


def test_every_operation_has_a_property_test():
    covered = set()
    for name in MODULES:
        for case in getattr(importlib.import_module(name), "CASES", ()):
            covered |= operations_of(case)
    # A class that others are derived from is reached through them.
    reached = {base for cls in covered for base in cls.__mro__}
    missing = {
        f"{cls.__module__}.{cls.__qualname__}"
        for cls in package_operations()
        if cls not in reached and cls.__name__ not in ELSEWHERE
    }
    assert not missing, f"no Case of a test_ops_*.py or test_nn_*.py reaches {sorted(missing)}"


def test_exceptions_exist_and_so_do_their_tests():
    names = {cls.__name__ for cls in package_operations()}
    assert ELSEWHERE.keys() <= names
    assert all((HERE / module).exists() for module in ELSEWHERE.values())


def test_every_operation_says_what_it_computes():
    for cls in package_operations():
        assert inspect.getdoc(cls) or cls is Fused, cls


def public_functions():
    for module in (tg, F):
        for name in module.__all__:
            value = getattr(module, name)
            # Types of elements and constants are NumPy's own.
            if callable(value) and getattr(value, "__module__", "").startswith("tinygrad_edu"):
                yield pytest.param(value, id=f"{module.__name__}.{name}")


@pytest.mark.parametrize("function", list(public_functions()))
def test_every_public_function_has_a_docstring_with_an_example(function):
    documentation = inspect.getdoc(function) or ""
    assert len(documentation.partition("\n")[0]) > 10
    assert ">>>" in documentation


def functions_of_an_input():
    """Functions whose first parameter is a tensor, each with a list in place of every tensor."""
    for module in (tg, F, tg.linalg, tg.special):
        for name in module.__all__:
            function = getattr(module, name)
            if not inspect.isfunction(function) or name in {"detach", "detach_", "to_dlpack"}:
                continue  # Methods that exist as functions, too.
            parameters = list(inspect.signature(function).parameters.values())
            if parameters and parameters[0].name in {"input", "x", "self", "A"}:
                needed = [
                    p for p in parameters if p.default is p.empty and p.kind < p.VAR_POSITIONAL
                ]
                lists = [[1.0, 2.0] for _ in needed]
                yield pytest.param(function, lists, id=f"{module.__name__}.{name}")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("function", "lists"), list(functions_of_an_input()))
def test_a_list_in_place_of_a_tensor_is_no_attribute_error(function, lists):
    # Some look at another argument first, or take numbers as well; none of them stumbles over an
    # attribute that a list does not have.
    with contextlib.suppress(TypeError, RuntimeError, ValueError, IndexError):
        function(*lists)


def test_what_the_package_exports_exists():
    for module in (tg, F):
        assert sorted(set(module.__all__)) == sorted(module.__all__)
        for name in module.__all__:
            assert hasattr(module, name), name
    assert np.ndarray not in vars(tg).values()


def test_every_layer_and_loss_is_named_in_a_test():
    text = "".join(path.read_text(encoding="utf-8") for path in HERE.glob("test_nn_*.py"))
    layers = {
        name
        for name in nn.__all__
        if inspect.isclass(getattr(nn, name)) and issubclass(getattr(nn, name), nn.Module)
    }
    assert {"Linear", "BatchNorm1d", "CrossEntropyLoss"} <= layers
    assert {name for name in layers if not re.search(rf"\b{name}\b", text)} == set()
