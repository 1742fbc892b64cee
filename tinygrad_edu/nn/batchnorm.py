"""Batch normalisation layers."""

from __future__ import annotations

from typing import Any, ClassVar

from ..ops import creation
from ..ops.dtypes import DTypeLike, int64
from ..tensor import Tensor
from . import functional as F
from . import init
from .module import Module
from .parameter import Parameter

__all__ = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "ChannelNorm"]


class ChannelNorm(Module):
    """What batch and instance norm share: weight and bias, and running estimates of each channel.

    The layers differ in the shapes that they accept.
    """

    _version = 2  # since PyTorch's second form there is num_batches_tracked
    dims: ClassVar[tuple[int, ...]]
    shapes: ClassVar[str]
    weight: Parameter | None
    bias: Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: str | None = None,
        dtype: DTypeLike = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats

        def vector(value: float) -> Tensor:
            return creation.full((num_features,), value, device=device, dtype=dtype)

        self.register_parameter("weight", Parameter(vector(1.0)) if affine else None)
        self.register_parameter("bias", Parameter(vector(0.0)) if affine and bias else None)
        self.register_buffer("running_mean", vector(0.0) if track_running_stats else None)
        self.register_buffer("running_var", vector(1.0) if track_running_stats else None)
        batches = creation.tensor(0, dtype=int64) if track_running_stats else None
        self.register_buffer("num_batches_tracked", batches)

    def reset_running_stats(self) -> None:
        """Running mean 0, running variance 1, no batches seen."""
        for buffer, value in (
            (self.running_mean, 0),
            (self.running_var, 1),
            (self.num_batches_tracked, 0),
        ):
            if buffer is not None:
                init.constant_(buffer, value)

    def reset_parameters(self) -> None:
        """Weight 1, bias 0, and `reset_running_stats`."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def extra_repr(self) -> str:
        """The options."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        *lists: Any,
    ) -> None:
        key = prefix + "num_batches_tracked"
        batches = self.num_batches_tracked
        if (local_metadata.get("version") or 1) < 2 and batches is not None:
            # Saved before the batches were counted.
            state_dict.setdefault(key, creation.tensor(0, dtype=int64))
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *lists)

    def _check_dims(self, shape: tuple[int, ...]) -> None:
        if len(shape) not in self.dims:
            raise ValueError(
                f"{type(self).__name__}: expected {self.shapes} input (got {len(shape)}D input of "
                f"shape {shape})."
            )


class _BatchNorm(ChannelNorm):
    """Normalisation of each channel across the samples."""

    def forward(self, input: Tensor) -> Tensor:
        """Normalise each channel, by the batch's statistics or the running ones."""
        shape = input.array.shape
        self._check_dims(shape)
        if shape[1] != self.num_features:
            raise RuntimeError(
                f"{type(self).__name__}({self.num_features}): the input of shape {shape} has "
                f"{shape[1]} channels in dimension 1. Make the layer with num_features={shape[1]}."
            )
        # Read from the tables: as attributes, these five would take 3 µs, a tenth of the kernel.
        parameters, buffers = self._parameters, self._buffers
        mean, var = buffers["running_mean"], buffers["running_var"]
        batches = buffers["num_batches_tracked"]
        factor = self.momentum
        if self.training and batches is not None:
            batches.array += 1
            batches.version[0] += 1
            if factor is None:
                # The mean of all batches so far: each moves it by its share.
                factor = 1.0 / float(batches.array)
        return F.batch_norm(
            input,
            mean,
            var,
            parameters["weight"],
            parameters["bias"],
            self.training or mean is None or var is None,
            0.0 if factor is None else factor,
            self.eps,
        )


class BatchNorm1d(_BatchNorm):
    """w (x - μ)/√(σ² + eps) + b for each of the C = num_features channels of (N, C) or (N, C, L).

    While training, μ and σ² are the batch's mean and biased variance, and the running estimates
    move towards its mean and unbiased variance: running ← (1 - momentum) running + momentum new.
    `momentum=None` keeps the mean over all batches instead. In evaluation, μ and σ² are the running
    estimates; with `track_running_stats=False`, which keeps none, the batch's. Parameters (unless
    `affine=False`): weight, at first 1, and bias, at first 0. Buffers: running_mean, running_var,
    num_batches_tracked. Raises ValueError for another number of dimensions, and for training with
    one value per channel. PyTorch: `torch.nn.BatchNorm1d`. Source: Ioffe and Szegedy, "Batch
    normalization", 2015.

    >>> layer = nn.BatchNorm1d(1)
    >>> layer(tg.tensor([[1.0], [3.0]])).detach()
    tensor([[-1.0000],
            [ 1.0000]])
    >>> layer.running_mean
    tensor([0.2000])
    """

    dims = (2, 3)
    shapes = "2D or 3D"


class BatchNorm2d(_BatchNorm):
    """`BatchNorm1d` for images (N, C, H, W). PyTorch: `torch.nn.BatchNorm2d`.

    >>> nn.BatchNorm2d(3)(tg.randn(2, 3, 4, 4)).shape
    (2, 3, 4, 4)
    """

    dims = (4,)
    shapes = "4D"


class BatchNorm3d(_BatchNorm):
    """`BatchNorm1d` for volumes (N, C, D, H, W). PyTorch: `torch.nn.BatchNorm3d`.

    >>> nn.BatchNorm3d(3)(tg.randn(2, 3, 4, 4, 4)).shape
    (2, 3, 4, 4, 4)
    """

    dims = (5,)
    shapes = "5D"
