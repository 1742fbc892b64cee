"""The scripts in examples/ run on this library, and on PyTorch after their imports are changed.

Both start from the same weights and see the same data; then the losses of twenty steps agree.
"""

import importlib
import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg

EXAMPLES = Path(__file__).parent.parent / "examples"
SCRIPTS = sorted(path.stem for path in EXAMPLES.glob("*.py") if "def train(" in path.read_text())
OURS = re.compile(r"^(import|from) tinygrad_edu\b", re.MULTILINE)


def loaded(name, library):
    """The script as a module; its imports, and they alone, name the library."""
    source = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    changed = OURS.sub(rf"\1 {library}", source)
    body = re.sub(r"^(import|from) .*$", "", changed, flags=re.MULTILINE)
    assert library == "tinygrad_edu" or "tinygrad_edu" not in body
    module = types.ModuleType(name)
    exec(compile(changed, f"{name} with {library}", "exec"), vars(module))
    return module


@pytest.fixture
def shared_module(monkeypatch):
    """Gives the module that the scripts have in common, for one of the libraries."""
    return lambda library: monkeypatch.setitem(sys.modules, "digits", loaded("digits", library))


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    """The default type of both libraries."""
    before = tg.get_default_dtype()
    tg.set_default_dtype(getattr(tg, request.param))
    yield request.param
    tg.set_default_dtype(before)


def test_there_are_nine_scripts():
    assert len(SCRIPTS) == 9


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_learns(name, dtype, shared_module):
    shared_module("tinygrad_edu")
    script = loaded(name, "tinygrad_edu")
    model = script.build()
    losses = script.train(model, steps=20)
    assert len(losses) == 20
    assert np.isfinite(losses).all()
    assert np.mean(losses[-4:]) < np.mean(losses[:4])
    assert {str(p.dtype) for p in model.parameters()} == {dtype}


@pytest.mark.torch
@pytest.mark.parametrize("name", SCRIPTS)
def test_script_gives_the_losses_of_pytorch(name, dtype, shared_module):
    import torch

    torch.set_default_dtype(getattr(torch, dtype))
    try:
        shared_module("torch")
        theirs = loaded(name, "torch")
        torch.manual_seed(0)
        model = theirs.build()
        start = {key: tg.tensor(value.numpy()) for key, value in model.state_dict().items()}
        expected = theirs.train(model, steps=20)
    finally:
        torch.set_default_dtype(torch.float32)
    shared_module("tinygrad_edu")
    ours = loaded(name, "tinygrad_edu")
    copy = ours.build()
    copy.load_state_dict(start)
    found = ours.train(copy, steps=20)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 if dtype == "float32" else 1e-9)


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_runs_from_the_command_line(name, monkeypatch, capsys):
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.delitem(sys.modules, "digits", raising=False)
    script = importlib.import_module(name)
    monkeypatch.setattr(script, "train", lambda model, steps: [2.0, 1.0])
    script.main()
    monkeypatch.delitem(sys.modules, name)
    assert capsys.readouterr().out
