"""New tensors: of data, of a shape, on memory from elsewhere; window functions."""

from ..ops.creation import (
    arange,
    as_tensor,
    asarray,
    empty,
    empty_like,
    eye,
    from_numpy,
    full,
    full_like,
    linspace,
    logspace,
    ones,
    ones_like,
    scalar_tensor,
    tensor,
    tril_indices,
    triu_indices,
    zeros,
    zeros_like,
)
from ..ops.memory import (
    empty_permuted,
    empty_strided,
    from_dlpack,
    from_file,
    frombuffer,
    range,
    to_dlpack,
)
from ..ops.window_functions import (
    bartlett_window,
    blackman_window,
    hamming_window,
    hann_window,
    kaiser_window,
)

# fmt: off
__all__ = [
    "arange", "as_tensor", "asarray", "bartlett_window", "blackman_window", "empty", "empty_like",
    "empty_permuted", "empty_strided", "eye", "from_dlpack", "from_file", "from_numpy",
    "frombuffer", "full", "full_like", "hamming_window", "hann_window", "kaiser_window", "linspace",
    "logspace", "ones", "ones_like", "range", "scalar_tensor", "tensor", "to_dlpack",
    "tril_indices", "triu_indices", "zeros", "zeros_like",
]
# fmt: on
