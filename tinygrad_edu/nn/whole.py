"""What is done to a module as a whole: its mode, its gradients, the type of its numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np

from ..autograd.graph import wrap
from ..autograd.mode import no_grad
from ..autograd.passes import note_reset
from ..ops import conversion
from ..ops.dtypes import DTypeLike
from ..tensor import Tensor
from .tree import Tree

__all__ = ["Whole"]


class Whole(Tree):
    """Changes that reach a module and all below it."""

    def train(self, mode: bool = True) -> Self:
        """Switch to training, or with False to evaluation; returns self.

        Dropout and batch normalization differ between the two. ValueError unless `mode` is a bool.
        """
        if not isinstance(mode, bool):
            raise ValueError(f"train(mode) takes True or False; got {type(mode).__name__}.")
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self) -> Self:
        """Switch to evaluation: `train(False)`. To record nothing: `with tg.no_grad():`."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Ask for gradients of all parameters, or with False freeze them. Returns self."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters; with `set_to_none=False` fill them with zeros."""
        note_reset(self)
        for parameter in self.parameters():
            gradient = parameter.grad
            if set_to_none or gradient is None:
                parameter.grad = None
            elif gradient.requires_grad:  # made by create_graph=True; its graph needs the values
                parameter.grad = wrap(np.zeros_like(gradient.array))
            else:
                gradient.array.fill(0)
                gradient.version[0] += 1

    def _apply(self, fn: Callable[[Tensor], Tensor]) -> Self:
        """Replace the values of every parameter, gradient and buffer by `fn` of them.

        Parameters stay the same objects, so that an optimizer keeps working.
        """
        for child in self.children():
            child._apply(fn)
        with no_grad():
            for parameter in self._parameters.values():
                if parameter is None:
                    continue
                for tensor in (parameter, parameter.grad):
                    if tensor is not None and (new := fn(tensor.data)).array is not tensor.array:
                        tensor.data = new
            for name, buffer in self._buffers.items():
                self._buffers[name] = None if buffer is None else fn(buffer)
        return self

    def _convert(self, convert: Callable[[Tensor], Tensor]) -> Self:
        return self._apply(lambda tensor: convert(tensor) if tensor.is_floating_point() else tensor)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Convert floating parameters and buffers; returns self.

        `to(dtype)`, `to(tensor)` and `to("cpu")`, or a combination.

        Raises TypeError for a type that is not floating, RuntimeError for a device other than the
        CPU. PyTorch: `Module.to`.

        >>> nn.Linear(2, 3).to(tg.float64).weight.dtype
        dtype('float64')
        """
        dtype = conversion.to(Tensor(), *args, **kwargs).dtype
        if dtype.kind != "f":
            raise TypeError(
                "Module.to converts floating parameters and buffers to a floating type; got "
                f"{dtype}."
            )
        return self._convert(lambda tensor: conversion.to(tensor, *args, **kwargs))

    def type(self, dst_type: DTypeLike) -> Self:
        """Convert all parameters and buffers, also those that are not floating. Returns self."""
        return self._apply(lambda tensor: conversion.type(tensor, dst_type))

    def float(self) -> Self:
        """Convert floating parameters and buffers to float32. Returns self."""
        return self._convert(conversion.float)

    def double(self) -> Self:
        """Convert floating parameters and buffers to float64. Returns self."""
        return self._convert(conversion.double)

    def half(self) -> Self:
        """Convert floating parameters and buffers to float16. Returns self."""
        return self._convert(conversion.half)

    def cpu(self) -> Self:
        """This module: it is on the CPU already."""
        return self

    def cuda(self, device: Any = None) -> Self:
        """Raise RuntimeError, as `Tensor.cuda` does, for a module with tensors: there is no GPU."""
        return self._apply(lambda tensor: conversion.cuda(tensor, device))

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing, whatever the arguments: there is nothing to translate a module into."""
