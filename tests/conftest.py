"""What all tests share: reproducible randomness, hypothesis profiles, when optional tests run."""

import importlib.util
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "quick",
    max_examples=25,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=300)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture(autouse=True)
def seeded():
    """Every test starts from the same random state."""
    import tinygrad_edu as tg

    tg.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002 - libraries that still draw from the global state


def pytest_collection_modifyitems(items):
    """Skip what needs data or a library that is not there, and say so."""
    no_torch = pytest.mark.skip(reason="PyTorch is not installed")
    no_mnist = pytest.mark.skip(reason="TINYGRAD_EDU_DATA does not name a folder with MNIST")
    for item in items:
        if item.get_closest_marker("torch") and importlib.util.find_spec("torch") is None:
            item.add_marker(no_torch)
        if item.get_closest_marker("mnist") and not os.environ.get("TINYGRAD_EDU_DATA"):
            item.add_marker(no_mnist)
