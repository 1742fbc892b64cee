"""tinygrad_edu: an autograd framework on NumPy that you can read, with PyTorch's names.

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.optim as optim
"""

# First, because importing a submodule binds its name: below, `tensor` becomes the function.
from .tensor import Tensor

# isort: split
from importlib import import_module
from math import e, inf, nan, pi
from typing import TYPE_CHECKING

import numpy as np

from . import autograd, cuda, functions, random
from .autograd import (
    enable_grad,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from .autograd.mode import inference_mode, is_inference_mode_enabled
from .device import (
    channels_last,
    contiguous_format,
    device,
    layout,
    memory_format,
    preserve_format,
    strided,
)
from .functions import *  # noqa: F403 - a list too long for this file, with its own __all__
from .ops.dtypes import (
    bool_ as bool,  # PyTorch's names of types; nothing below means the builtins
)
from .ops.dtypes import (
    float16,
    float32,
    float64,
    get_default_dtype,
    int8,
    int16,
    int32,
    int64,
    promote_types,
    result_type,
    set_default_dtype,
    uint8,
)
from .printing import get_printoptions, printoptions, set_printoptions
from .random import (
    Generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from .serialization import load, save

__version__ = "0.1.0"

# PyTorch's other names of types.
dtype = np.dtype
half, float, double = float16, float32, float64
short, int, long = int16, int32, int64
finfo, iinfo = np.finfo, np.iinfo
Size = tuple  # type: ignore[type-arg] # shapes are plain tuples

# Rooms that not every script needs: imported when they are first used.
_ROOMS = ("datasets", "nn", "optim", "testing", "training", "utils", "viz")

if TYPE_CHECKING:
    from . import datasets as datasets
    from . import nn as nn
    from . import optim as optim
    from . import testing as testing
    from . import training as training
    from . import utils as utils
    from . import viz as viz


def __getattr__(name: str) -> object:
    if name in _ROOMS:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOMS})


# fmt: off
__all__ = [
    "Generator", "Size", "Tensor", "autograd", "cuda", "device", "e", "enable_grad", "finfo",
    "get_printoptions", "get_rng_state", "iinfo", "inf", "inference_mode", "initial_seed",
    "is_grad_enabled", "is_inference_mode_enabled", "load", "manual_seed", "nan", "nn", "no_grad",
    "optim", "pi", "printoptions", "random", "save", "seed", "set_grad_enabled", "set_printoptions",
    "set_rng_state",
]

# Types of elements, memory.
__all__ += [
    "bool", "channels_last", "contiguous_format", "double", "dtype", "float", "float16", "float32",
    "float64", "get_default_dtype", "half", "int", "int8", "int16", "int32", "int64", "layout",
    "long", "memory_format", "preserve_format", "promote_types", "result_type", "set_default_dtype",
    "short", "strided", "uint8",
]

__all__ += functions.__all__
# fmt: on
