"""Functions of neural networks that PyTorch has here, too; the rest is in `nn.functional`."""

from ..ops.activations import hardshrink, prelu, relu, relu_, rrelu, threshold
from ..ops.convolution import conv1d, conv2d, conv_transpose1d, conv_transpose2d
from ..ops.distances import cosine_similarity, pairwise_distance
from ..ops.neural import alpha_dropout, bilinear, dropout
from ..ops.smooth_activations import celu, selu
from ..ops.softmax import log_softmax, softmax

# fmt: off
__all__ = [
    "alpha_dropout", "bilinear", "celu", "conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d",
    "cosine_similarity", "dropout", "hardshrink", "log_softmax", "pairwise_distance", "prelu",
    "relu", "relu_", "rrelu", "selu", "softmax", "threshold",
]
# fmt: on
