"""Tensor: an array that remembers how it was computed.

What a tensor is stands in `TensorBase` (autograd/graph.py): the array, the gradient, the place in
the graph. Here it gets its behaviour in the graph; the long list of its other methods is in
`methods`, how it is copied in `copies.py`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import printing
from .autograd import differentiate, hooks, leaving
from .autograd.graph import Array, Operation, TensorBase, register_tensor, wrap
from .copies import Copies, become
from .methods import Methods
from .ops import dtypes
from .ops.from_data import to_array

__all__ = ["Tensor"]


@register_tensor
class Tensor(Copies, Methods):
    """An array with a gradient and a place in the graph of its computation.

    `tg.tensor(data)` makes one from numbers; `tg.Tensor(data)` makes a float tensor, and
    `tg.Tensor(2, 3)` one of that shape.

    PyTorch: `torch.Tensor`.

    >>> x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> loss = (x**2).sum()
    >>> loss.backward()
    >>> x.grad
    tensor([2., 4., 6.])
    """

    __slots__ = ()

    def __new__(cls, *data: Any) -> Tensor:
        """`Tensor(array_like)` copies into the default float type; `Tensor(2, 3)` is zeros."""
        dtype = dtypes.get_default_dtype()
        if len(data) == 1 and not isinstance(data[0], int):
            result = leaving.copied("tg.Tensor(...)", wrap(to_array(data[0], dtype)), data[0])
        else:
            result = wrap(np.zeros(data or (0,), dtype=dtype))
        return become(cls, result)  # type: ignore[no-any-return]

    # What a tensor is.

    @property
    def data(self) -> Tensor:
        """The same values without the graph: a tensor on the same memory.

        Unlike in PyTorch, changes through `.data` are counted, so that a stale saved value is
        noticed.
        """
        return leaving.data_of(self)

    @data.setter
    def data(self, value: Tensor | Array) -> None:
        array = value.array if isinstance(value, TensorBase) else np.asarray(value)
        if self.node is not None and array.shape != self.shape:
            raise RuntimeError(
                f"The data of an intermediate result keeps its shape {self.shape}; got "
                f"{array.shape}."
            )
        if self.needs_grad and array.dtype.kind != "f":
            raise RuntimeError(
                f"A tensor that requires grad holds floating numbers; got {array.dtype}."
            )
        self.array = array
        self.version[0] += 1

    @property
    def grad(self) -> Tensor | None:
        """The gradient that `backward` has accumulated here, or None.

        Leaves that require grad have one, and intermediate results after `retain_grad()`.
        """
        if self._grad is None and self.node is not None and not self.retains_grad:
            warnings.warn(
                "The .grad of an intermediate result is not kept: it is not a leaf. Call "
                ".retain_grad() on it before backward() if you need it; tg.explain_grad(x) says "
                "more.",
                UserWarning,
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, TensorBase):
                raise TypeError(f"grad is a tensor or None; got {type(value).__name__}.")
            if value is self:
                raise RuntimeError("A tensor cannot be its own gradient.")
            if value.shape != self.shape or value.dtype != self.dtype:
                raise RuntimeError(
                    f"A gradient has the shape and type of its tensor, {self.shape} and "
                    f"{self.dtype}; got {value.shape} and {value.dtype}."
                )
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded. Settable on leaves of a floating type."""
        return self.edge is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise RuntimeError(f"requires_grad must be a bool; got {value!r}.")
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for a gradient on this leaf, or no longer; returns the tensor.

        Raises RuntimeError for integers and booleans, and for an intermediate result that is to
        stop.
        """
        if requires_grad and self.array.dtype.kind != "f":
            raise RuntimeError(
                "Only tensors of a floating type can require gradients; this one is "
                f"{self.dtype}. Convert it first: `x.float()`."
            )
        if not self.is_leaf:
            if not requires_grad:
                raise RuntimeError(
                    "Only leaf tensors can stop requiring grad; this one was computed. Use "
                    "`x.detach()`."
                )
            return self
        self.needs_grad = bool(requires_grad)
        return self

    @property
    def grad_fn(self) -> Operation | None:
        """The operation that made this tensor; None for a leaf."""
        edge = self.edge  # Renews a view whose base was changed; `node` alone may be stale.
        return edge if isinstance(edge, Operation) else None

    @property
    def is_leaf(self) -> bool:
        """Whether this tensor was made by the user, not by a recorded operation."""
        return self.grad_fn is None

    @property
    def _version(self) -> int:
        """How often this memory was changed in place."""
        return self.version[0]

    # Backpropagation.

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Tensor | Sequence[Tensor] | None = None,
    ) -> None:
        """Add dL/dx to `x.grad` for every leaf x that this tensor was computed from.

        A single number is L itself; otherwise `gradient` is dL/d(this tensor). Saved arrays are
        freed on the way unless `retain_graph=True`; `create_graph=True` records the pass, for
        higher derivatives. Raises RuntimeError as `tg.autograd.backward`.

        PyTorch: `Tensor.backward`.

        >>> x = tg.tensor(3.0, requires_grad=True)
        >>> (x * x).backward()
        >>> x.grad
        tensor(6.)
        """
        differentiate.backward(self, gradient, retain_graph, create_graph, inputs)

    detach = leaving.detach
    detach_ = leaving.detach_
    retain_grad = hooks.retain_grad

    @property
    def retains_grad(self) -> bool:
        """Whether `retain_grad` was called on this intermediate result."""
        notes = None if self.node is None else self.node.notes
        return notes is not None and notes.retain is not None and notes.retain() is self

    register_hook = hooks.register_hook
    register_post_accumulate_grad_hook = hooks.register_post_accumulate_grad_hook

    def __repr__(self) -> str:
        return printing.tensor_repr(self)

    __hash__ = object.__hash__
