"""Nothing is left out of the comparison with PyTorch; this needs no PyTorch itself."""

import importlib
import re
import types
from pathlib import Path

import pytest
import torch_expressions
import torch_expressions_arrays
import torch_expressions_numbers

import tinygrad_edu as tg
import tinygrad_edu.nn.functional as F

HERE = Path(__file__).parent
TEXT = "\n".join(
    text
    for module in (torch_expressions, torch_expressions_arrays, torch_expressions_numbers)
    for family, text in vars(module).items()
    if family.isupper()
)
TABLES = sorted(path.stem for kind in ("ops", "nn") for path in HERE.glob(f"test_{kind}_*.py"))
ROOMS = {"torch": tg, "torch.nn.functional": F}
ROOMS |= {f"torch.{name}": getattr(tg, name) for name in ("linalg", "special")}
# What no expression can compare: the test that does, or why there is nothing to compare.
ELSEWHERE = {
    # What has no value to compare: settings, random numbers, files, modes.
    **dict.fromkeys(
        [
            "set_default_device",
            "set_float32_matmul_precision",
            "set_num_interop_threads",
            "set_num_threads",
            "use_deterministic_algorithms",
        ],
        "test_settings.py",
    ),
    **dict.fromkeys(["get_printoptions", "printoptions", "set_printoptions"], "test_printing.py"),
    **dict.fromkeys(["initial_seed", "set_rng_state"], "test_random.py"),
    **dict.fromkeys(["load", "save"], "test_serialization_torch.py"),
    **dict.fromkeys(["from_file", "pin_memory", "set_default_tensor_type"], "test_types.py"),
    **dict.fromkeys(["inference_mode", "no_grad", "set_grad_enabled"], "test_engine.py"),
    "LinAlgError": "test_ops_solving.py",
    "set_default_dtype": "test_scripts.py",
    # Rooms.
    "cuda": "test_conversion.py",
    "optim": "test_optim_torch.py",
    # Methods of gradients and hooks, and what PyTorch has no twin of.
    **dict.fromkeys(["backward", "register_hook", "retain_grad"], "test_engine.py"),
    "astype": "test_conversion.py",
    "bfloat16": "test_types.py",
    "data": "test_tensor.py",
    "data_ptr": "test_tensor.py",
    "register_post_accumulate_grad_hook": "test_nn_module_extras.py",
    **dict.fromkeys(["col2im", "im2col"], "test_nn_unfold.py"),
    **dict.fromkeys(
        ["array", "cuts", "edge", "hooks", "needs_grad", "node", "version", "view_of"],
        "of the engine, and no PyTorch name",
    ),
}


def in_cases():
    """The names of functions that the property tests call; test_torch_cases.py compares them."""
    for name in TABLES:
        for case in getattr(importlib.import_module(name), "CASES", ()):
            function = getattr(case.function, "func", case.function)
            yield function.__name__
            if isinstance(function, types.FunctionType) and function.__module__ == name:
                yield from function.__code__.co_names


def in_rows():
    """The names of functions that test_torch_nn.py and test_torch_layers.py compare."""
    for name in ("test_torch_nn.py", "test_torch_layers.py"):
        yield from re.findall(r'"(\w+)[("]', (HERE / name).read_text(encoding="utf-8"))


COMPARED = {*in_cases(), *in_rows()}


@pytest.mark.parametrize("room", ROOMS)
def test_every_function_is_compared(room):
    prefix = re.escape(room)
    written = set(re.findall(rf"\b{prefix}\.(\w+)", TEXT))
    names = set(ROOMS[room].__all__) - written - COMPARED - ELSEWHERE.keys()
    assert sorted(names) == []


def test_every_method_is_compared():
    written = set(re.findall(r"(?<!torch)\.(\w+)", TEXT))
    functions = {name for name in tg.__all__ if getattr(tg.Tensor, name, None) is getattr(tg, name)}
    methods = {name for name in dir(tg.Tensor) if not name.startswith("_")}
    assert sorted(methods - written - functions - ELSEWHERE.keys()) == []


def test_functions_of_networks_that_pytorch_has_in_its_root_are_there():
    for name in tg._OF_NETWORKS:
        assert getattr(tg, name) is getattr(F, name)
        assert name in dir(tg)


@pytest.mark.parametrize("name", ELSEWHERE)
def test_exceptions_are_needed_and_their_tests_exist(name):
    known = any(name in room.__all__ for room in ROOMS.values()) or hasattr(tg.Tensor, name)
    assert known, name
    where = ELSEWHERE[name]
    if where.endswith(".py"):
        assert re.search(rf"\b{name}\b", (HERE / where).read_text(encoding="utf-8"))
