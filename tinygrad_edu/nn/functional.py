"""Functions of neural networks. PyTorch: `torch.nn.functional`, usually imported as F.

Each is defined and documented in the file of its family below `ops`; this is the list of them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd.graph import wrap
from ..ops import softmax as _softmax
from ..ops.activations import (
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    leaky_relu,
    leaky_relu_,
    prelu,
    relu,
    relu6,
    relu_,
    rrelu,
    softshrink,
    threshold,
)
from ..ops.adaptive_pooling import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_max_pool1d,
    adaptive_max_pool1d_with_indices,
    adaptive_max_pool2d,
    adaptive_max_pool2d_with_indices,
)
from ..ops.arguments import check_tensor
from ..ops.attention import scaled_dot_product_attention
from ..ops.average_pooling import avg_pool1d, avg_pool2d, lp_pool1d, lp_pool2d
from ..ops.batch_normalization import batch_norm
from ..ops.convolution import conv1d, conv2d, conv_transpose1d, conv_transpose2d
from ..ops.cross_entropy import cross_entropy, nll_loss
from ..ops.ctc import ctc_loss
from ..ops.distances import cosine_similarity, normalize, pairwise_distance, pdist
from ..ops.dtypes import DTypeLike
from ..ops.embedding import embedding, embedding_bag
from ..ops.grid_sampling import affine_grid, grid_sample
from ..ops.group_normalization import group_norm, instance_norm, local_response_norm
from ..ops.joining import pad
from ..ops.layer_normalization import layer_norm, rms_norm
from ..ops.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    smooth_l1_loss,
)
from ..ops.margin_losses import (
    cosine_embedding_loss,
    gaussian_nll_loss,
    hinge_embedding_loss,
    margin_ranking_loss,
    multi_margin_loss,
    multilabel_margin_loss,
    multilabel_soft_margin_loss,
    poisson_nll_loss,
    soft_margin_loss,
    triplet_margin_loss,
    triplet_margin_with_distance_loss,
)
from ..ops.multi_head_attention import multi_head_attention_forward
from ..ops.neural import (
    alpha_dropout,
    bilinear,
    dropout,
    dropout1d,
    dropout2d,
    dropout3d,
    feature_alpha_dropout,
    glu,
    linear,
    one_hot,
)
from ..ops.pooling import (
    max_pool1d,
    max_pool1d_with_indices,
    max_pool2d,
    max_pool2d_with_indices,
    max_unpool1d,
    max_unpool2d,
)
from ..ops.resampling import (
    channel_shuffle,
    interpolate,
    pixel_shuffle,
    pixel_unshuffle,
    upsample,
    upsample_bilinear,
    upsample_nearest,
)
from ..ops.smooth_activations import (
    celu,
    elu,
    gelu,
    logsigmoid,
    mish,
    selu,
    silu,
    softplus,
    softsign,
    tanhshrink,
)
from ..ops.unary import sigmoid, tanh
from ..ops.unfolding import col2im, fold, im2col, unfold
from ..random import Generator, resolve

if TYPE_CHECKING:
    from ..tensor import Tensor

# Linear, dropout, normalisation.
__all__ = [
    "alpha_dropout",
    "batch_norm",
    "bilinear",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "feature_alpha_dropout",
    "linear",
    "one_hot",
]

# Convolution.
__all__ += [
    "col2im",
    "conv1d",
    "conv2d",
    "conv_transpose1d",
    "conv_transpose2d",
    "fold",
    "im2col",
    "unfold",
]

# Pooling.
__all__ += [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices",
    "avg_pool1d",
    "avg_pool2d",
    "lp_pool1d",
    "lp_pool2d",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool2d_with_indices",
    "max_unpool1d",
    "max_unpool2d",
]

# Normalisation within a sample, embeddings, attention.
__all__ += [
    "embedding",
    "embedding_bag",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "local_response_norm",
    "multi_head_attention_forward",
    "rms_norm",
    "scaled_dot_product_attention",
]

# Shape.
__all__ += [
    "affine_grid",
    "channel_shuffle",
    "grid_sample",
    "interpolate",
    "pad",
    "pixel_shuffle",
    "pixel_unshuffle",
    "upsample",
    "upsample_bilinear",
    "upsample_nearest",
]

# Activations.
__all__ += [
    "celu",
    "celu_",
    "elu",
    "elu_",
    "gelu",
    "glu",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hardtanh_",
    "leaky_relu",
    "leaky_relu_",
    "log_softmax",
    "logsigmoid",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "relu_",
    "rrelu",
    "rrelu_",
    "selu",
    "selu_",
    "sigmoid",
    "silu",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
    "threshold_",
]

# Losses and distances.
__all__ += [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "ctc_loss",
    "gaussian_nll_loss",
    "hinge_embedding_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "margin_ranking_loss",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "normalize",
    "pairwise_distance",
    "pdist",
    "poisson_nll_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]


def _in_place(
    function: Callable[..., Tensor], arguments: str, result: str
) -> Callable[..., Tensor]:
    """The form of an activation that writes its result into its input."""
    name = function.__name__

    def in_place(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return function(input, *args, **kwargs, inplace=True)

    in_place.__name__ = in_place.__qualname__ = f"{name}_"
    in_place.__doc__ = f"""`{name}`, in place, with the same arguments. PyTorch: `F.{name}_`.

    >>> F.{name}_(tg.tensor([2.0]){arguments})
    tensor([{result}])
    """
    return in_place


celu_ = _in_place(celu, "", "2.")
elu_ = _in_place(elu, "", "2.")
hardtanh_ = _in_place(hardtanh, "", "1.")
rrelu_ = _in_place(rrelu, "", "2.")
selu_ = _in_place(selu, "", "2.1014")
threshold_ = _in_place(threshold, ", 5, 0", "0.")


def _implicit_dim(name: str, dim: int | None, input: Tensor, stacklevel: int) -> int:
    """The dimension that PyTorch takes where none is given."""
    if dim is not None:
        return dim
    ndim = check_tensor(name, input).array.ndim
    chosen = 0 if ndim in (0, 1, 3) else 1
    warnings.warn(
        f"{name}: without dim, dimension {chosen} is taken for {ndim} dimensions, a choice of old "
        f"versions. Say which: dim={chosen}.",
        UserWarning,
        stacklevel=stacklevel,
    )
    return chosen


def softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DTypeLike = None
) -> Tensor:
    """`tg.softmax`, e^x / Σ e^x along `dim`; without `dim`, a warning and PyTorch's old choice.

    PyTorch: `F.softmax`.

    >>> F.softmax(tg.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    return _softmax.softmax(input, _implicit_dim("softmax", dim, input, _stacklevel), dtype)


def softmin(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DTypeLike = None
) -> Tensor:
    """softmax(-x) along `dim`; without `dim`, a warning and PyTorch's old choice.

    PyTorch: `F.softmin`.

    >>> F.softmin(tg.tensor([0.0, 1000.0]), dim=0)
    tensor([1., 0.])
    """
    return _softmax.softmin(input, _implicit_dim("softmin", dim, input, _stacklevel), dtype)


def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DTypeLike = None
) -> Tensor:
    """`tg.log_softmax` along `dim`; without `dim`, a warning and PyTorch's old choice.

    PyTorch: `F.log_softmax`.

    >>> F.log_softmax(tg.tensor([0.0, 0.0]), dim=0)
    tensor([-0.6931, -0.6931])
    """
    return _softmax.log_softmax(input, _implicit_dim("log_softmax", dim, input, _stacklevel), dtype)


def gumbel_softmax(
    logits: Tensor,
    tau: float = 1,
    hard: bool = False,
    eps: float = 1e-10,
    dim: int = -1,
    *,
    generator: Generator | np.random.Generator | None = None,
) -> Tensor:
    """softmax((logits + g)/tau), g from the Gumbel distribution: nearly one-hot samples.

    `hard=True` gives one-hot samples and keeps the gradient of the soft ones. `eps` has no effect,
    as in PyTorch. PyTorch: `F.gumbel_softmax`. Source: Jang et al., "Categorical reparameterization
    with Gumbel-softmax", 2016.

    >>> F.gumbel_softmax(tg.zeros(4), hard=True).sum()
    tensor(1.)
    """
    del eps
    noise = resolve(generator).gumbel(size=logits.shape).astype(logits.dtype)
    soft = _softmax.softmax((logits + wrap(noise)) / tau, dim)
    if not hard:
        return soft
    values = np.atleast_1d(soft.array)
    chosen = np.zeros_like(values)
    np.put_along_axis(chosen, np.expand_dims(values.argmax(axis=dim), dim), 1, axis=dim)
    # Value chosen, gradient of soft.
    return wrap((chosen - values).reshape(soft.shape)) + soft
