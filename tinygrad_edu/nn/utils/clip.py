"""Gradients that became too long: clipped by their norm or element by element."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from types import GeneratorType
from typing import TypeAlias

import numpy as np

from ...autograd.graph import wrap
from ...autograd.mode import no_grad
from ...ops.dtypes import get_default_dtype
from ...ops.reductions import norm
from ...tensor import Tensor

__all__ = ["clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]

Tensors: TypeAlias = Tensor | Iterable[Tensor]


def _listed(tensors: Tensors) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _gradients(parameters: Tensors) -> list[Tensor]:
    return [x.grad for x in _listed(parameters) if x.grad is not None]


def get_total_norm(
    tensors: Tensors,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The p-norm of all elements of all tensors together; p = `norm_type`, a number or infinity.

    `error_if_nonfinite=True` raises RuntimeError if it is NaN or infinite. `foreach`, a choice of
    PyTorch's implementation, has no effect. PyTorch: `torch.nn.utils.get_total_norm`.

    >>> nn.utils.get_total_norm([tg.tensor([3.0]), tg.tensor([0.0, 4.0])])
    tensor(5.)
    """
    del foreach
    listed = _listed(tensors)
    order = float(norm_type)
    if not listed:
        return wrap(np.zeros((), get_default_dtype()))
    with no_grad():
        norms = [norm(x, order).array for x in listed]
        total = norm(wrap(np.array(norms, listed[0].dtype)), order)
    if error_if_nonfinite and not np.isfinite(total.array):
        raise RuntimeError(
            f"The total norm of order {order} for gradients from `parameters` is non-finite "
            f"({total.item()}), so it cannot be clipped. To disable this error and scale the "
            "gradients by the non-finite norm anyway, set `error_if_nonfinite=False`."
        )
    return total


def clip_grads_with_norm_(
    parameters: Tensors, max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Multiply the gradients by max_norm/(total_norm + 1e-6), in place, if that is less than 1.

    `foreach` has no effect. PyTorch: `torch.nn.utils.clip_grads_with_norm_`.
    """
    del foreach
    with np.errstate(all="ignore"):  # The norm, and so the factor, may be NaN or infinite.
        factor = np.minimum(float(max_norm) / (total_norm.array + 1e-6), 1.0)
        for grad in _gradients(parameters):
            np.multiply(grad.array, factor, out=grad.array, casting="same_kind")
            grad.version[0] += 1


def clip_grad_norm_(
    parameters: Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Shorten all gradients together, in place, so that their norm is at most `max_norm`.

    Returns the norm from before. Between `loss.backward()` and `optimizer.step()`, it keeps one
    steep batch from throwing a recurrent network far away. Arguments and errors as for
    `get_total_norm`. PyTorch: `torch.nn.utils.clip_grad_norm_`. Source: Pascanu et al., "On the
    difficulty of training recurrent neural networks", 2013.

    >>> w = nn.Parameter(tg.zeros(2))
    >>> (w * tg.tensor([3.0, 4.0])).sum().backward()
    >>> nn.utils.clip_grad_norm_([w], max_norm=1.0)
    tensor(5.)
    >>> w.grad
    tensor([0.6000, 0.8000])
    """
    listed = _listed(parameters)
    if not listed and isinstance(parameters, GeneratorType):
        warnings.warn(
            "clip_grad_norm_: `parameters` is an empty generator, so no gradient is clipped. A "
            "generator can be used once: pass model.parameters() anew, or a list.",
            stacklevel=2,
        )
    total = get_total_norm(_gradients(listed), norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(listed, max_norm, total, foreach)
    return total


def clip_grad_value_(parameters: Tensors, clip_value: float, foreach: bool | None = None) -> None:
    """Bring each element of the gradients between -clip_value and clip_value, in place.

    `foreach` has no effect. PyTorch: `torch.nn.utils.clip_grad_value_`.

    >>> w = nn.Parameter(tg.zeros(2))
    >>> (w * tg.tensor([3.0, -0.5])).sum().backward()
    >>> nn.utils.clip_grad_value_([w], 1.0)
    >>> w.grad
    tensor([ 1.0000, -0.5000])
    """
    del foreach
    bound = float(clip_value)
    for grad in _gradients(parameters):
        np.clip(grad.array, -bound, bound, out=grad.array)
        grad.version[0] += 1
