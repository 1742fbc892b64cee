"""All parameters as one vector, for methods that think of a network as one point in space."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ...ops.joining import cat
from ...tensor import Tensor

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """The elements of all parameters, one after the other; recorded, as `cat` is.

    PyTorch: `torch.nn.utils.parameters_to_vector`.

    >>> nn.utils.parameters_to_vector(nn.Linear(3, 2).parameters()).shape
    (8,)
    """
    return cat([parameter.reshape(-1) for parameter in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Write the elements of a vector into the parameters, in their order.

    Raises TypeError unless `vec` is a tensor, RuntimeError unless it
    has as many elements as the parameters. PyTorch: `torch.nn.utils.vector_to_parameters`.

    Unlike PyTorch, the parameters do not share memory with the vector: a later change of one does
    not change the other.

    >>> layer = nn.Linear(1, 2)
    >>> nn.utils.vector_to_parameters(tg.tensor([1.0, 2.0, 3.0, 4.0]), layer.parameters())
    >>> layer.bias.tolist()
    [3.0, 4.0]
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected a tensor as the vector, but got: {type(vec).__name__}.")
    listed = list(parameters)
    count = sum(parameter.numel() for parameter in listed)
    if vec.ndim != 1 or vec.numel() != count:
        raise RuntimeError(
            f"vector_to_parameters: the parameters have {count} elements; got a tensor of shape "
            f"{vec.shape}."
        )
    pieces = np.split(vec.array, np.cumsum([parameter.numel() for parameter in listed])[:-1])
    for parameter, piece in zip(listed, pieces, strict=True):
        parameter.array[...] = piece.reshape(parameter.shape)
        parameter.version[0] += 1
