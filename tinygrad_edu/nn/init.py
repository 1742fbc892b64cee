"""Initial weights: functions that fill a tensor in place and return it. PyTorch: `torch.nn.init`.

Why the scale matters: a layer y = W x with n independent inputs of variance v and weights of
variance s² gives y the
variance n s² v. Unless n s² is about 1 (or what the nonlinearity after it
asks for), signals and gradients grow or vanish exponentially with the depth. n is `fan_in` on the
way forward and `fan_out` on the way back.

Nothing is recorded. Everything random follows `tg.manual_seed`, or `generator=`.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ..autograd.graph import Array
from ..autograd.mode import no_grad
from ..ops import random
from ..random import AnyGenerator, resolve
from ..tensor import Tensor

__all__ = [
    "calculate_gain",
    "constant_",
    "dirac_",
    "eye_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "sparse_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]


def _check(tensor: Any, name: str, dims: tuple[int, ...] | None = None) -> None:
    if not isinstance(tensor, Tensor):
        raise TypeError(
            f"nn.init.{name} fills a tensor in place; got {type(tensor).__name__}. For a layer, "
            "pass its weight: `layer.weight`."
        )
    if dims is not None and tensor.array.ndim not in dims:
        wanted = ", ".join(map(str, dims[:-1])) + f" or {dims[-1]}" if dims[1:] else str(dims[0])
        raise ValueError(
            f"nn.init.{name}: only tensors with {wanted} dimensions are supported; this one has "
            f"shape {tensor.shape}."
        )


def _write(tensor: Tensor, values: Any) -> Tensor:
    tensor.array[...] = values
    tensor.version[0] += 1
    return tensor


def uniform_(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: AnyGenerator = None
) -> Tensor:
    """Fill with numbers uniform on [a, b). RuntimeError if a > b.

    PyTorch: `torch.nn.init.uniform_`.

    >>> weight = nn.init.uniform_(tg.empty(3, 5), -1, 1)
    """
    _check(tensor, "uniform_")
    with no_grad():
        return random.uniform_(tensor, a, b, generator=generator)


def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: AnyGenerator = None
) -> Tensor:
    """Fill with numbers from N(mean, std²). RuntimeError if std < 0.

    PyTorch: `torch.nn.init.normal_`.

    >>> weight = nn.init.normal_(tg.empty(3, 5), std=0.01)
    """
    _check(tensor, "normal_")
    with no_grad():
        return random.normal_(tensor, mean, std, generator=generator)


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: AnyGenerator = None,
) -> Tensor:
    """Fill with numbers from N(mean, std²), each drawn again until it lies within [a, b].

    `a` and `b` are values, not multiples of `std`. RuntimeError if a > b or std <= 0.
    PyTorch: `torch.nn.init.trunc_normal_`.

    >>> weight = nn.init.trunc_normal_(tg.empty(3, 5), std=0.02, a=-0.04, b=0.04)
    """
    _check(tensor, "trunc_normal_")
    if a > b or std <= 0:
        raise RuntimeError(f"trunc_normal_: needs a <= b and std > 0; got a={a}, b={b}, std={std}.")
    low, high = (a - mean) / std, (b - mean) / std
    drawn = _truncated_normal(low, high, tensor.array.size, resolve(generator))
    # Rounding to float32 may step over a bound.
    return _write(tensor, np.clip(mean + std * drawn.reshape(tensor.shape), a, b))


def _truncated_normal(low: float, high: float, count: int, rng: np.random.Generator) -> Array:
    """Standard normal numbers within [low, high], by rejection."""
    peak = min(max(low, 0.0), high)  # the most likely point
    # Beyond the reach the density is e^-40 of that at the peak, far below what a draw can meet.
    reach = math.sqrt(peak * peak + 80)
    low, high = max(low, -reach), min(high, reach)
    usual = math.erf(high / math.sqrt(2)) - math.erf(low / math.sqrt(2)) > 0.5
    result = np.empty(count)
    filled = 0
    while filled < count:
        missing = count - filled
        if usual:
            drawn = rng.standard_normal(missing)
            drawn = drawn[(low <= drawn) & (drawn <= high)]
        else:
            # Normal numbers rarely fall in a tail or a narrow window: propose evenly, accept by
            # density.
            drawn = rng.uniform(low, high, missing)
            drawn = drawn[rng.random(missing) < np.exp((peak * peak - drawn * drawn) / 2)]
        result[filled : filled + len(drawn)] = drawn
        filled += len(drawn)
    return result


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with one value. PyTorch: `torch.nn.init.constant_`.

    >>> nn.init.constant_(tg.empty(2), 0.5)
    tensor([0.5000, 0.5000])
    """
    _check(tensor, "constant_")
    return _write(tensor, val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with 1. PyTorch: `torch.nn.init.ones_`.

    >>> nn.init.ones_(tg.empty(2))
    tensor([1., 1.])
    """
    _check(tensor, "ones_")
    return _write(tensor, 1)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with 0: for biases; equal weights would leave all units of a layer equal for ever.

    PyTorch: `torch.nn.init.zeros_`.

    >>> nn.init.zeros_(tg.empty(2))
    tensor([0., 0.])
    """
    _check(tensor, "zeros_")
    return _write(tensor, 0)


def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with the identity: 1 on the diagonal. ValueError unless 2-dimensional.

    PyTorch: `torch.nn.init.eye_`.

    >>> nn.init.eye_(tg.empty(2, 3))
    tensor([[1., 0., 0.],
            [0., 1., 0.]])
    """
    _check(tensor, "eye_", (2,))
    return _write(tensor, np.eye(tensor.shape[0], tensor.shape[1]))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill a convolution's weight so that it passes as many channels on unchanged as it can.

    Within each of the `groups`, output channel c has a 1 in the middle of the kernel of input
    channel c. ValueError unless the weight has 3, 4 or 5 dimensions, and its first size is a
    multiple of `groups`. PyTorch: `torch.nn.init.dirac_`.

    >>> nn.init.dirac_(tg.empty(1, 1, 3, 3))
    tensor([[[[0., 0., 0.],
              [0., 1., 0.],
              [0., 0., 0.]]]])
    """
    _check(tensor, "dirac_", (3, 4, 5))
    outputs, inputs, *kernel = tensor.shape
    if groups < 1 or outputs % groups:
        raise ValueError(
            f"nn.init.dirac_: the {outputs} output channels cannot be divided among {groups} "
            "groups."
        )
    values = np.zeros(tensor.shape)
    middle = tuple(size // 2 for size in kernel)
    for output in range(outputs):
        channel = output % (outputs // groups)
        if channel < inputs:
            values[(output, channel, *middle)] = 1
    return _write(tensor, values)


_GAINS = {
    "linear": 1.0,
    "conv1d": 1.0,
    "conv2d": 1.0,
    "conv3d": 1.0,
    "conv_transpose1d": 1.0,
    "conv_transpose2d": 1.0,
    "conv_transpose3d": 1.0,
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "selu": 3 / 4,
}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """How much larger weights before a nonlinearity must be for it to keep the signal's scale.

    linear, convolutions, sigmoid: 1; tanh: 5/3; relu: √2; leaky_relu of slope a (`param`, 0.01):
    √(2 / (1 + a²)); selu: 3/4. ReLU halves the mean square of a symmetric signal, hence √2.
    ValueError for another name. PyTorch: `torch.nn.init.calculate_gain`.

    >>> nn.init.calculate_gain("leaky_relu", 0.2)
    1.3867504905630728
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"calculate_gain: the slope {slope!r} of leaky_relu is not a number.")
        return math.sqrt(2 / (1 + slope**2))
    if nonlinearity not in _GAINS:
        raise ValueError(
            f"Unsupported nonlinearity {nonlinearity!r}; known are "
            f"{', '.join([*_GAINS, 'leaky_relu'])}."
        )
    return _GAINS[nonlinearity]


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """How many inputs meet in one output, and how many outputs one input reaches.

    A weight of shape (O, C, K...) has fan_in = C · K... and fan_out = O · K...
    """
    if tensor.array.ndim < 2:
        raise ValueError(
            "Fan in and fan out cannot be computed for a tensor with fewer than 2 dimensions; "
            f"this one has shape {tensor.shape}. Biases are usually filled with zeros_ or uniform_."
        )
    outputs, inputs, *kernel = tensor.shape
    size = math.prod(kernel)
    return inputs * size, outputs * size


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode!r} is not supported: use 'fan_in' or 'fan_out'.")
    return _calculate_fan_in_and_fan_out(tensor)[mode == "fan_out"]


def _is_empty(tensor: Tensor) -> bool:
    if tensor.array.size == 0:
        warnings.warn("Initializing zero-element tensors is a no-op.", UserWarning, stacklevel=3)
        return True
    return False


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: AnyGenerator = None) -> Tensor:
    """Glorot: uniform on (-a, a) with a = gain √(6 / (fan_in + fan_out)), of variance a² / 3.

    The mean of fan_in and fan_out is a compromise between keeping the scale of signals and that of
    gradients; for nonlinearities that are linear around 0 (tanh). ValueError for fewer than 2
    dimensions. Source: Glorot and Bengio, "Understanding the difficulty of training deep
    feedforward neural networks", 2010. PyTorch: `torch.nn.init.xavier_uniform_`.

    >>> weight = nn.init.xavier_uniform_(tg.empty(3, 5), gain=nn.init.calculate_gain("tanh"))
    """
    _check(tensor, "xavier_uniform_")
    bound = math.sqrt(3) * _xavier_std(tensor, gain)
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: AnyGenerator = None) -> Tensor:
    """Glorot: N(0, std²) with std = gain √(2 / (fan_in + fan_out)). See `xavier_uniform_`.

    PyTorch: `torch.nn.init.xavier_normal_`.

    >>> weight = nn.init.xavier_normal_(tg.empty(3, 5))
    """
    _check(tensor, "xavier_normal_")
    return normal_(tensor, 0.0, _xavier_std(tensor, gain), generator)


def _xavier_std(tensor: Tensor, gain: float) -> float:
    # A weight without elements may have no fan at all.
    return gain * math.sqrt(2 / max(1, sum(_calculate_fan_in_and_fan_out(tensor))))


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: AnyGenerator = None,
) -> Tensor:
    """He: uniform on (-b, b) with b = gain √(3 / fan), of variance gain² / fan.

    fan is fan_in (`mode="fan_in"`: signals keep their scale) or fan_out ("fan_out": gradients do),
    the gain is `calculate_gain(nonlinearity, a)`. ValueError for an unknown mode or nonlinearity,
    or fewer than 2 dimensions. Source: He et al., "Delving deep into rectifiers", 2015.
    PyTorch: `torch.nn.init.kaiming_uniform_`.

    >>> weight = nn.init.kaiming_uniform_(tg.empty(3, 5), nonlinearity="relu")
    """
    _check(tensor, "kaiming_uniform_")
    if _is_empty(tensor):
        return tensor
    bound = math.sqrt(3) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: AnyGenerator = None,
) -> Tensor:
    """He: N(0, std²) with std = gain / √fan; for ReLU that is √(2 / fan).

    The scale √(2 / n) is the root of the whole fraction: 2 / √n, which some lectures print, is √2
    times too large, and doubles the signal's variance at every layer. See `kaiming_uniform_`.
    PyTorch: `torch.nn.init.kaiming_normal_`.

    >>> weight = nn.init.kaiming_normal_(tg.empty(3, 5), mode="fan_out", nonlinearity="relu")
    """
    _check(tensor, "kaiming_normal_")
    if _is_empty(tensor):
        return tensor
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    fan = _calculate_correct_fan(tensor, mode)
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: AnyGenerator = None) -> Tensor:
    """Fill with an orthogonal matrix, drawn evenly from all of them, times `gain`.

    More dimensions than 2 are flattened into the columns. The shorter of rows and columns are
    orthonormal, so the layer keeps lengths, and products of many such layers do not vanish.
    ValueError for fewer than 2 dimensions. Source: Saxe et al., "Exact solutions to the nonlinear
    dynamics of learning in deep linear neural networks", 2013.
    PyTorch: `torch.nn.init.orthogonal_`.

    >>> weight = nn.init.orthogonal_(tg.empty(3, 3))
    >>> tg.allclose(weight @ weight.T, tg.eye(3), atol=1e-6)
    True
    """
    _check(tensor, "orthogonal_")
    if tensor.array.ndim < 2:
        raise ValueError(
            "nn.init.orthogonal_: only tensors with 2 or more dimensions are supported; this one "
            f"has shape {tensor.shape}."
        )
    if tensor.array.size == 0:
        return tensor
    rows = tensor.shape[0]
    columns = tensor.array.size // rows
    drawn = resolve(generator).standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(drawn)
    # Which of the two signs QR chose for a column must not depend on the draw.
    q *= np.sign(np.diagonal(r))
    if rows < columns:
        q = q.T
    return _write(tensor, gain * q.reshape(tensor.shape))


def sparse_(
    tensor: Tensor, sparsity: float, std: float = 0.01, generator: AnyGenerator = None
) -> Tensor:
    """Fill a matrix from N(0, std²), but a fraction `sparsity` of each column, rounded up, with 0.

    ValueError unless 2-dimensional, and unless 0 <= sparsity <= 1. Source: Martens, "Deep learning
    via Hessian-free optimization", 2010. PyTorch: `torch.nn.init.sparse_`.

    >>> weight = nn.init.sparse_(tg.empty(10, 3), sparsity=0.25)
    >>> (weight == 0).sum(0)
    tensor([3, 3, 3])
    """
    _check(tensor, "sparse_", (2,))
    if not 0 <= sparsity <= 1:
        raise ValueError(f"nn.init.sparse_: sparsity is a fraction from 0 to 1; got {sparsity}.")
    rng = resolve(generator)
    normal_(tensor, 0.0, std, rng)
    count = math.ceil(sparsity * tensor.shape[0])
    order = np.argsort(rng.random(tensor.shape), axis=0)
    np.put_along_axis(tensor.array, order[:count], 0, axis=0)
    return tensor
