"""Functions of neural networks; the rest is in `nn.functional`."""

from ..autograd.graph import TensorBase
from ..ops import activations, softmax

__all__ = ["Neural"]


class Neural(TensorBase):
    """Functions of `ops`, bound."""

    __slots__ = ()

    hardshrink = activations.hardshrink
    log_softmax = softmax.log_softmax
    prelu = activations.prelu
    relu = activations.relu
    relu_ = activations.relu_
    softmax = softmax.softmax
