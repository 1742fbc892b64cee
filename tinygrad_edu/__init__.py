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
    channels_last_3d,
    contiguous_format,
    device,
    layout,
    memory_format,
    preserve_format,
    strided,
)
from .functions.creation import *  # noqa: F403 - lists with their own __all__
from .functions.elementwise import *  # noqa: F403 - lists with their own __all__
from .functions.in_place import *  # noqa: F403 - lists with their own __all__
from .functions.indexing import *  # noqa: F403 - lists with their own __all__
from .functions.linalg import *  # noqa: F403 - lists with their own __all__
from .functions.neural import *  # noqa: F403 - lists with their own __all__
from .functions.random import *  # noqa: F403 - lists with their own __all__
from .functions.reductions import *  # noqa: F403 - lists with their own __all__
from .functions.settings import *  # noqa: F403 - lists with their own __all__
from .functions.shape import *  # noqa: F403 - lists with their own __all__
from .functions.sorting import *  # noqa: F403 - lists with their own __all__
from .functions.special import *  # noqa: F403 - lists with their own __all__
from .functions.types import *  # noqa: F403 - lists with their own __all__
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
newaxis = None
Size = tuple  # type: ignore[type-arg] # shapes are plain tuples

# Rooms that not every script needs: imported when they are first used.
_ROOMS = (
    "accelerator", "amp", "backends", "datasets", "func", "linalg", "nn", "optim",
    "special", "testing", "training", "utils", "viz",
)  # fmt: skip

# Functions of such rooms.
_ELSEWHERE = {
    "GradScaler": ".amp", "autocast": ".amp", "compile": ".compiling",
    "explain_grad": ".explaining", "vmap": ".func",
}  # fmt: skip

# Functions of nn.functional that PyTorch has here too, with the same arguments.
_OF_NETWORKS = frozenset({
    "adaptive_avg_pool1d", "avg_pool1d", "celu_", "channel_shuffle", "group_norm", "layer_norm",
    "max_pool1d", "max_pool1d_with_indices", "max_pool2d", "pixel_shuffle", "pixel_unshuffle",
    "rms_norm", "rrelu_", "selu_", "threshold_",
})  # fmt: skip

# Types of elements that PyTorch has and NumPy, or this package, has not.
_COMPLEX = "there are no complex tensors here."
_REFUSED = {
    "bfloat16": "NumPy has no such type; float16 and float32 are there.",
    "BFloat16Tensor": "NumPy has no such type; FloatTensor and HalfTensor are there.",
    "complex32": _COMPLEX,
    "complex64": _COMPLEX,
    "complex128": _COMPLEX,
    "cfloat": _COMPLEX,
    "cdouble": _COMPLEX,
    "distributions": (
        "draw with multinomial, bernoulli or normal; the logarithm of a probability is "
        "log_softmax(logits, -1).gather(-1, action[..., None])."
    ),
    "jit": "there is no compiler here; functions run as they are written.",
}

if TYPE_CHECKING:
    from . import accelerator as accelerator
    from . import backends as backends
    from . import datasets as datasets
    from . import func as func
    from . import linalg as linalg
    from . import nn as nn
    from . import optim as optim
    from . import special as special
    from . import testing as testing
    from . import training as training
    from . import utils as utils
    from . import viz as viz


def __getattr__(name: str) -> object:
    if name in _ROOMS:
        return import_module(f".{name}", __name__)
    if name in _ELSEWHERE:
        return getattr(import_module(_ELSEWHERE[name], __name__), name)
    if name in _OF_NETWORKS:
        return getattr(import_module(".nn.functional", __name__), name)
    if name in _REFUSED:
        raise AttributeError(f"tinygrad_edu has no {name}: {_REFUSED[name]}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOMS, *_ELSEWHERE, *_OF_NETWORKS})


# fmt: off
__all__ = [
    "Generator", "Size", "Tensor", "autograd", "cuda", "device", "e", "enable_grad",
    "get_printoptions", "get_rng_state", "inf", "inference_mode", "initial_seed",
    "is_grad_enabled", "is_inference_mode_enabled", "load", "manual_seed", "nan", "newaxis",
    "nn", "no_grad", "optim", "pi", "printoptions", "random", "save", "seed",
    "set_grad_enabled", "set_printoptions", "set_rng_state",
]

# Types of elements, memory.
__all__ += [
    "bool", "channels_last", "channels_last_3d", "contiguous_format", "double", "dtype",
    "float", "float16", "float32", "float64", "get_default_dtype", "half", "int", "int8",
    "int16", "int32", "int64", "layout", "long", "memory_format", "preserve_format",
    "promote_types", "result_type", "set_default_dtype", "short", "strided", "uint8",
]

__all__ += [name for family in functions.FAMILIES for name in family.__all__]
# fmt: on
