"""What to write instead, when a layer was given what it cannot take."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from ..tensor import Tensor

if TYPE_CHECKING:
    from .module import Module

__all__ = ["advice"]


def advice(module: Module, args: tuple[Any, ...], message: str) -> str:
    """One sentence, where the shapes leave one obvious remedy that `message` does not name yet.

    Layers are known by their attributes, so that this holds for those of users too.
    """
    if not args or not isinstance(args[0], Tensor):
        return ""
    x = args[0]
    for attributes, remedy in _REMEDIES:
        values = [getattr(module, attribute, None) for attribute in attributes]
        if all(isinstance(value, (int, tuple)) for value in values):
            word, sentence = remedy(x, *values)
            return "" if word in message else sentence
    return ""


# Each gives a word that a message with the same advice contains, and the sentence.
_NOTHING = ("", "")


def _linear(x: Tensor, in_features: int) -> tuple[str, str]:
    shape = x.shape
    if len(shape) > 2 and prod(shape[1:]) == in_features:
        return "latten", "Flatten each sample first: `x.flatten(1)`, or nn.Flatten() before it."
    if len(shape) > 1 and shape[-1] != in_features and shape[-2] == in_features:
        return "transpose", "Are two dimensions the wrong way round? `x.transpose(-1, -2)`."
    return _NOTHING


def _convolution(x: Tensor, channels: int, kernel_size: Any) -> tuple[str, str]:
    dims = len(kernel_size) if isinstance(kernel_size, tuple) else 0
    shape = x.shape
    if len(shape) == dims + 2 and shape[1] != channels == shape[-1]:
        order = ", ".join(map(str, [0, dims + 1, *range(1, dims + 1)]))
        return "permute", f"The channels come before the pixels: `x.permute({order})`."
    if len(shape) == dims + 1 and shape[0] != channels:
        if shape[-1] == channels:
            order = ", ".join(map(str, [dims, *range(dims)]))
            return "permute", f"The channels come before the pixels: `x.permute({order})`."
        if channels == 1:
            return "unsqueeze", "The dimension of the channels is missing: `x.unsqueeze(1)`."
    if dims == 2 == len(shape):
        side = round((shape[1] / channels) ** 0.5)
        if shape[0] != shape[1] == channels * side * side:
            form = f"x.view(-1, {channels}, {side}, {side})"
            return "view", f"Flat images get their form back by `{form}`."
    if len(shape) == dims and channels == 1:
        return "unsqueeze", "The dimension of the channels is missing: `x.unsqueeze(0)`."
    return _NOTHING


def _channels(x: Tensor, num_features: int) -> tuple[str, str]:
    shape = x.shape
    if len(shape) > 2 and shape[1] != num_features == shape[-1]:
        order = ", ".join(map(str, [0, len(shape) - 1, *range(1, len(shape) - 1)]))
        return "permute", f"The channels are dimension 1: `x.permute({order})`."
    return _NOTHING


def _recurrent(x: Tensor, input_size: int, _hidden_size: int) -> tuple[str, str]:
    if len(x.shape) in (1, 2) and input_size == 1 and x.shape[-1] != 1:
        return "unsqueeze", "Each step is a vector, here of one feature: `x.unsqueeze(-1)`."
    return _NOTHING


def _embedding(x: Tensor, num_embeddings: int) -> tuple[str, str]:
    if x.array.dtype.kind == "f":
        return "long()", "Indices are integers: `x.long()`."
    if x.array.size and (x.array.max() >= num_embeddings or x.array.min() < 0):
        return (
            "num_embeddings",
            f"The indices reach from {x.array.min()} to {x.array.max()}, the rows from 0 to "
            f"{num_embeddings - 1}: num_embeddings is the size of the vocabulary.",
        )
    return _NOTHING


_REMEDIES: tuple[tuple[tuple[str, ...], Any], ...] = (
    (("in_features",), _linear),
    (("in_channels", "kernel_size"), _convolution),
    (("num_features",), _channels),
    (("input_size", "hidden_size"), _recurrent),
    (("num_embeddings",), _embedding),
)
