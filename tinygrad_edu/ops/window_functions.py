"""Windows for the analysis of signals: hann_window and its kin."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import Array
from .creation import Options, finish
from .dtypes import DTypeLike, get_default_dtype, to_dtype

if TYPE_CHECKING:
    from typing import Unpack

    from ..tensor import Tensor

__all__ = [
    "bartlett_window",
    "blackman_window",
    "hamming_window",
    "hann_window",
    "kaiser_window",
]


def _window(
    name: str,
    length: int,
    periodic: bool,
    dtype: DTypeLike,
    options: Any,
    formula: Callable[[Array, int], Array],
) -> Tensor:
    """`formula(n, N)` for n = 0 ... length - 1, where N is the last n of the symmetric window."""
    wanted = get_default_dtype() if dtype is None else to_dtype(dtype)
    if wanted.kind != "f":
        raise RuntimeError(f"{name}: a floating type is needed; got {wanted}.")
    if length < 0:
        raise RuntimeError(f"{name}: the window length cannot be negative; got {length}.")
    if length < 2:
        return finish(np.ones(length, wanted), **options)
    values = formula(np.arange(length, dtype=np.float64), length if periodic else length - 1)
    return finish(values.astype(wanted), **options)


def _cosines(*weights: float) -> Callable[[Array, int], Array]:
    """Σ_k (-1)^k w_k cos(2π k n / N)"""

    def formula(n: Array, last: int) -> Array:
        total = np.zeros_like(n)
        for k, weight in enumerate(weights):
            total += (-1) ** k * weight * np.cos(2 * math.pi * k * n / last)
        return total

    return formula


def hann_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: DTypeLike = None,
    **options: Unpack[Options],
) -> Tensor:
    """sin²(π n / N): N is the length, or one less with periodic=False.

    PyTorch: `torch.hann_window`.

    >>> tg.hann_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    formula = _cosines(0.5, 0.5)
    return _window("hann_window", window_length, periodic, dtype, options, formula)


def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    *,
    dtype: DTypeLike = None,
    **options: Unpack[Options],
) -> Tensor:
    """alpha - beta cos(2π n / N): N is the length, or one less with periodic=False.

    PyTorch: `torch.hamming_window`.

    >>> tg.hamming_window(4)
    tensor([0.0800, 0.5400, 1.0000, 0.5400])
    """
    formula = _cosines(alpha, beta)
    return _window("hamming_window", window_length, periodic, dtype, options, formula)


def blackman_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: DTypeLike = None,
    **options: Unpack[Options],
) -> Tensor:
    """0.42 - 0.5 cos(2π n / N) + 0.08 cos(4π n / N): N is the length, or one less.

    PyTorch: `torch.blackman_window`.

    >>> tg.blackman_window(3, periodic=False).round(decimals=2).abs()
    tensor([0., 1., 0.])
    """
    formula = _cosines(0.42, 0.5, 0.08)
    return _window("blackman_window", window_length, periodic, dtype, options, formula)


def bartlett_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: DTypeLike = None,
    **options: Unpack[Options],
) -> Tensor:
    """1 - |2 n / N - 1|, a triangle: N is the length, or one less with periodic=False.

    PyTorch: `torch.bartlett_window`.

    >>> tg.bartlett_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return _window(
        "bartlett_window",
        window_length,
        periodic,
        dtype,
        options,
        lambda n, last: 1 - np.abs(2 * n / last - 1),
    )


def kaiser_window(
    window_length: int,
    periodic: bool = True,
    beta: float = 12.0,
    *,
    dtype: DTypeLike = None,
    **options: Unpack[Options],
) -> Tensor:
    """I0(beta sqrt(1 - (2 n / N - 1)²)) / I0(beta): N is the length, or one less.

    PyTorch: `torch.kaiser_window`.

    >>> tg.kaiser_window(3, periodic=False, beta=0.0)
    tensor([1., 1., 1.])
    """
    return _window(
        "kaiser_window",
        window_length,
        periodic,
        dtype,
        options,
        lambda n, last: (
            np.i0(beta * np.sqrt(np.maximum(1 - (2 * n / last - 1) ** 2, 0))) / np.i0(beta)
        ),
    )
