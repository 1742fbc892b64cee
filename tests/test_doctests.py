"""Every example in a docstring runs, one test for each object."""

import doctest
import importlib
import inspect
import pkgutil

import numpy as np
import pytest

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
import tinygrad_edu.optim as optim

NAMESPACE = {"tg": tg, "nn": nn, "F": F, "optim": optim, "np": np}


def modules():
    """All modules of the package but programs."""
    names = [info.name for info in pkgutil.walk_packages(tg.__path__, "tinygrad_edu.")]
    return [tg, *(importlib.import_module(name) for name in names if "__main__" not in name)]


def examples():
    """The docstrings with examples, by the name of the object that they document."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    for module in modules():
        for test in finder.find(module, module.__name__):
            if test.examples:
                yield test.name, test
        for name, value in vars(module).items():
            # doctest does not look behind a decorator from another module.
            if hasattr(value, "__wrapped__") and value.__module__ == module.__name__:
                full = f"{module.__name__}.{name}"
                for test in finder.find(inspect.unwrap(value), full, module=False):
                    if test.examples:
                        yield full, test


def made_elsewhere(found):
    """The same for exported functions that a function of another module has made."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    known = {test.docstring for test in found.values()}
    for module in modules():
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if inspect.isfunction(value) and value.__doc__ not in known:
                known.add(value.__doc__)
                full = f"{module.__name__}.{name}"
                yield from (
                    (full, test) for test in finder.find(value, full, False) if test.examples
                )


TESTS = dict(examples())
TESTS |= dict(made_elsewhere(TESTS))


@pytest.mark.parametrize("name", sorted(TESTS))
def test_example(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    test = TESTS[name]
    test.globs = {**test.globs, **NAMESPACE}
    report = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
    runner.run(test, out=report.append)
    assert runner.failures == 0, "".join(report)


def test_examples_were_found():
    assert len(TESTS) > 300
