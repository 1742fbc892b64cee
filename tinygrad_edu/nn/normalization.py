"""Layers that normalise within each sample; batch norm is in `batchnorm.py`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from ..ops import creation
from ..ops.dtypes import DTypeLike
from ..tensor import Tensor
from . import functional as F
from . import init
from .batchnorm import ChannelNorm
from .module import Module
from .parameter import Parameter

__all__ = [
    "GroupNorm",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "LayerNorm",
    "LocalResponseNorm",
    "RMSNorm",
]


class _Affine(Module):
    """Weight, at first 1, and bias, at first 0; either may be left out."""

    weight: Parameter | None
    bias: Parameter | None

    def _make(
        self,
        shape: tuple[int, ...],
        weight: bool,
        bias: bool | None,
        device: str | None,
        dtype: DTypeLike,
    ) -> None:
        """`bias=None`: the layer knows no bias."""

        def parameter() -> Parameter:
            return Parameter(creation.empty(shape, device=device, dtype=dtype))

        self.register_parameter("weight", parameter() if weight else None)
        if bias is not None:
            self.register_parameter("bias", parameter() if weight and bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Weight 1, bias 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        bias = self._parameters.get("bias")
        if bias is not None:
            init.zeros_(bias)


def _as_shape(shape: int | Sequence[int]) -> tuple[int, ...]:
    return (shape,) if isinstance(shape, int) else tuple(shape)


class LayerNorm(_Affine):
    """w (x - μ)/√(σ² + eps) + b, with μ and σ² over the last dimensions of each sample.

    `normalized_shape` is the shape of these dimensions, or the size of the last one; (..., D)
    becomes (..., D). Parameters (unless `elementwise_affine=False`), of that shape: weight, at
    first 1, and bias, at first 0 (none with `bias=False`). Training and evaluation are the same.
    Raises RuntimeError for an input whose shape ends otherwise. PyTorch: `torch.nn.LayerNorm`.
    Source: Ba, Kiros and Hinton, "Layer normalization", 2016.

    >>> layer = nn.LayerNorm(2)
    >>> layer(tg.tensor([[1.0, 3.0], [10.0, 30.0]])).detach()
    tensor([[-1.0000,  1.0000],
            [-1.0000,  1.0000]])
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: str | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _as_shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self._make(self.normalized_shape, elementwise_affine, bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        """Normalise each sample."""
        # Read from the table: as attributes the two would take 2 µs, a tenth of a small kernel.
        own = self._parameters
        return F.layer_norm(input, self.normalized_shape, own["weight"], own["bias"], self.eps)

    def extra_repr(self) -> str:
        """The shape and the options."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        )


class RMSNorm(_Affine):
    """w x/√(m + eps), with the mean m of x² over the last dimensions of each sample.

    `normalized_shape` as for `LayerNorm`. `eps=None` is the spacing of the numbers after 1 in the
    input's type. Parameter (unless `elementwise_affine=False`): weight, at first 1. PyTorch:
    `torch.nn.RMSNorm`. Source: Zhang and Sennrich, "Root mean square layer normalization", 2019.

    >>> nn.RMSNorm(2)(tg.tensor([[3.0, 4.0]])).detach()
    tensor([[0.8485, 1.1314]])
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: str | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _as_shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self._make(self.normalized_shape, elementwise_affine, None, device, dtype)

    def forward(self, x: Tensor) -> Tensor:
        """Divide each sample by its root mean square."""
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """The shape and the options."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        )


class GroupNorm(_Affine):
    """w (x - μ)/√(σ² + eps) + b, with μ and σ² over each group of channels of each sample.

    The channels of (N, C, ...) with C = num_channels form `num_groups` groups of neighbours.
    Parameters (unless `affine=False`) for each channel: weight, at first 1, and bias, at first 0.
    Training and evaluation are the same. Raises ValueError if num_channels is not a multiple of
    num_groups. PyTorch: `torch.nn.GroupNorm`. Source: Wu and He, "Group normalization", 2018.

    >>> nn.GroupNorm(2, 6)(tg.randn(5, 6, 4, 4)).shape
    (5, 6, 4, 4)
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: str | None = None,
        dtype: DTypeLike = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_groups < 1 or num_channels % num_groups:
            raise ValueError(
                f"GroupNorm: num_channels ({num_channels}) must be divisible by num_groups "
                f"({num_groups})."
            )
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        self._make((num_channels,), affine, bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        """Normalise each group of channels of each sample."""
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The numbers of groups and channels, and the options."""
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class _InstanceNorm(ChannelNorm):
    """Normalisation of each channel of each sample."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: str | None = None,
        dtype: DTypeLike = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias
        )

    def forward(self, input: Tensor) -> Tensor:
        """Normalise each channel of each sample, or of one sample without a batch."""
        shape = input.array.shape
        self._check_dims(shape)
        batched = len(shape) == self.dims[1]
        channels = shape[int(batched)]
        if channels != self.num_features:
            message = (
                f"{type(self).__name__}({self.num_features}): expected input's size at "
                f"dim={int(batched)} to match num_features ({self.num_features}), but got "
                f"{channels}, from shape {shape}."
            )
            if self.affine:
                raise ValueError(message)
            warnings.warn(
                message + " Without affine and track_running_stats the number is not used.",
                UserWarning,
                stacklevel=3,
            )
        result = F.instance_norm(
            input if batched else input.unsqueeze(0),
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )
        return result if batched else result.squeeze(0)


class InstanceNorm1d(_InstanceNorm):
    """w (x - μ)/√(σ² + eps) + b, with μ and σ² over each channel of each sample.

    The input is (N, C, L), or (C, L) without a batch, with C = num_features. By default there are
    neither parameters nor estimates. `affine=True`: weight, at first 1, and bias, at first 0, for
    each channel. `track_running_stats=True`: while training, running_mean and running_var move as
    in `BatchNorm1d`, by the mean over the samples; in evaluation they are used. Raises ValueError
    for other numbers of dimensions, for one number in a channel, and for another C with
    `affine=True`; otherwise another C gives a warning. PyTorch: `torch.nn.InstanceNorm1d`. Source:
    Ulyanov et al., "Instance normalization", 2016.

    >>> nn.InstanceNorm1d(1)(tg.tensor([[[1.0, 3.0]]]))
    tensor([[[-1.0000,  1.0000]]])
    """

    dims = (2, 3)
    shapes = "2D or 3D"


class InstanceNorm2d(_InstanceNorm):
    """`InstanceNorm1d` for images, (N, C, H, W) or (C, H, W). PyTorch: `torch.nn.InstanceNorm2d`.

    >>> nn.InstanceNorm2d(3)(tg.randn(2, 3, 4, 4)).shape
    (2, 3, 4, 4)
    """

    dims = (3, 4)
    shapes = "3D or 4D"


class InstanceNorm3d(_InstanceNorm):
    """`InstanceNorm1d` for volumes, (N, C, D, H, W) or (C, D, H, W).

    PyTorch: `torch.nn.InstanceNorm3d`.

    >>> nn.InstanceNorm3d(3)(tg.randn(3, 2, 4, 4)).shape
    (3, 2, 4, 4)
    """

    dims = (4, 5)
    shapes = "4D or 5D"


class LocalResponseNorm(Module):
    """x / (k + alpha/size Σ x²)^beta, with the sum over `size` neighbouring channels.

    The input is (N, C, L), (N, C, H, W), ... . Raises ValueError for fewer than 3 dimensions.
    PyTorch: `torch.nn.LocalResponseNorm`. Source: Krizhevsky, Sutskever and Hinton, "ImageNet
    classification with deep convolutional neural networks", 2012.

    >>> nn.LocalResponseNorm(2)(tg.randn(2, 5, 4, 4)).shape
    (2, 5, 4, 4)
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        """Divide each number by what its neighbours say."""
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """The options."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
