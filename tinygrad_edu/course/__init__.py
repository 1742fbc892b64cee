"""The course: twenty-one experiments, each a module of this package, a command and a page.

tinygrad-edu course list                      what there is
tinygrad-edu course run vanishing-gradient    one of them
tinygrad-edu course run --all                 all of them
tinygrad-edu course report                    a page of all results
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .experiment import Experiment

__all__ = ["ERRATA", "NAMES", "find", "load"]

# In the order of the course; the module of an experiment has its name, with underscores.
NAMES = (
    "forward",
    "activations",
    "outputs-and-losses",
    "chain-rule",
    "gradient-descent",
    "sgd-regression",
    "gradient-check",
    "vanishing-gradient",
    "activation-histograms",
    "weight-init",
    "batch-norm",
    "batch-norm-scales",
    "optimizer-paths",
    "optimizers",
    "optimizers-sigmoid",
    "weight-decay",
    "dropout",
    "hyperparameters",
    "convolution",
    "convnet",
    "architectures",
)

# Variants that belong to the course, since they show an error of the notes: `course run --all` runs
# them too, and the pages show their figures.
ERRATA = {"vanishing-gradient": ("wrong-derivative",)}

_BY_NUMBER = {str(number): name for number, name in enumerate(NAMES, 1)}


def load(name: str) -> Experiment:
    """The experiment of this name. Raises KeyError, with the nearest names, if there is none.

    >>> from tinygrad_edu import course
    >>> course.load("chain-rule").number
    4
    """
    found = find(name)
    if found is None:
        from difflib import get_close_matches

        near = get_close_matches(name, NAMES, n=3, cutoff=0.4)
        hint = f"Did you mean {' or '.join(near)}?" if near else "`course list` shows them all."
        raise KeyError(f"There is no experiment {name!r}. {hint}")
    experiment: Experiment = import_module(f".{found.replace('-', '_')}", __name__).EXPERIMENT
    return experiment


def find(name: str) -> str | None:
    """The experiment's name, from a name or a number as the notes count them; or None.

    >>> from tinygrad_edu import course
    >>> course.find("8"), course.find("chain_rule"), course.find("nothing")
    ('vanishing-gradient', 'chain-rule', None)
    """
    plain = name.strip().lower().replace("_", "-")
    return plain if plain in NAMES else _BY_NUMBER.get(plain.lstrip("0"))
