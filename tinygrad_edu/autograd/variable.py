"""`Variable`, the name that tensors with a gradient once had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .graph import TensorBase

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["Variable"]


def Variable(data: Tensor, requires_grad: bool = False) -> Any:
    """A tensor on the memory of `data`; new code writes `tensor.requires_grad_()`.

    PyTorch: `torch.autograd.Variable`, which is a tensor since PyTorch 0.4.

    >>> x = tg.autograd.Variable(tg.tensor([1.0, 2.0]), requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """
    if not isinstance(data, TensorBase):
        raise TypeError(
            f"Variable is made from a tensor; got {type(data).__name__}. Write tg.tensor(...)."
        )
    return data.detach().requires_grad_(requires_grad)
