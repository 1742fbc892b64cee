"""Automatic differentiation: recording, the reverse pass, grad modes, user-defined functions.

Read in this order: `graph.py` (how a computation becomes a graph), `engine.py` (how gradients flow
back), `differentiate.py` (the functions that start it), `mode.py` (what is recorded), `inplace.py`
(what changing values does to a graph), then `fused.py`, `function.py` and `gradcheck.py`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from . import function
from .anomaly import detect_anomaly, set_detect_anomaly
from .differentiate import backward, grad
from .function import Function
from .gradcheck import gradcheck, gradgradcheck
from .mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from .variable import Variable

if TYPE_CHECKING:
    from . import functional as functional


def __getattr__(name: str) -> object:
    if name == "functional":
        return import_module(".functional", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "Function",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "function",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "is_grad_enabled",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]
