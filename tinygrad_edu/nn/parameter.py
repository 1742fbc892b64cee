"""The tensors of a module: Parameter, which is trained, and Buffer, which is only kept."""

from __future__ import annotations

import copy
from typing import Any

from ..autograd.graph import wrap
from ..autograd.leaving import copied
from ..copies import become
from ..ops.dtypes import type_name
from ..tensor import Tensor

__all__ = ["Buffer", "Parameter"]


def _leaf(data: Any, requires_grad: bool, name: str) -> Tensor:
    """A leaf tensor on the memory of `data`."""
    if data is None:
        return Tensor().requires_grad_(requires_grad)
    if not isinstance(data, Tensor):
        raise TypeError(
            f"{name} is made from a tensor, whose memory it shares; got {type_name(data)}. "
            f"Write nn.{name}(tg.tensor(...)), or nn.{name}(tg.from_numpy(array)) to share an "
            "array."
        )
    leaf = copied(f"nn.{name}(...)", wrap(data.array, None, data.version), data)
    return leaf.requires_grad_(requires_grad)


class Parameter(Tensor):
    """A tensor that becomes a parameter of the module it is assigned to.

    It shares the memory of `data`, is a leaf, and requires a gradient unless told otherwise.
    Results of operations on it are plain tensors. Unlike other tensors it takes attributes of your
    own (`p.tag = "frozen"`).

    Raises TypeError if `data` is not a tensor, RuntimeError if an integer tensor is asked to
    require a gradient. PyTorch: `torch.nn.Parameter`.

    >>> class Scale(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.factor = nn.Parameter(tg.ones(1))
    >>> [name for name, parameter in Scale().named_parameters()]
    ['factor']
    """

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Parameter:
        return become(cls, _leaf(data, requires_grad, cls.__name__))  # type: ignore[no-any-return]

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        """Only names the arguments: the work is done by `__new__`."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        # As in PyTorch, a copied model starts without gradients.
        if id(self) not in memo:
            twin = memo[id(self)] = become(type(self), wrap(self.array.copy()))
            twin.needs_grad = self.needs_grad
            twin.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return memo[id(self)]  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"{type(self).__name__} containing:\n{super().__repr__()}"


class Buffer(Tensor):
    """A tensor that becomes a buffer of the module it is assigned to: state without a gradient.

    The same as `module.register_buffer(name, data, persistent)`; a buffer that is not persistent is
    left out of the state_dict. PyTorch: `torch.nn.Buffer`.

    >>> class Mean(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.mean = nn.Buffer(tg.zeros(1))
    >>> list(Mean().state_dict())
    ['mean']
    """

    persistent = True

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Buffer:
        wish = isinstance(data, Tensor) and data.requires_grad
        buffer: Buffer = become(cls, _leaf(data, wish, cls.__name__))
        buffer.persistent = persistent
        return buffer

    def __init__(self, data: Tensor | None = None, *, persistent: bool = True) -> None:
        """Only names the arguments: the work is done by `__new__`."""
