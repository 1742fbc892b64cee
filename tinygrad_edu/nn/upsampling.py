"""Layers that resample planes, and that turn channels into space or back."""

from __future__ import annotations

from collections.abc import Sequence

from ..tensor import Tensor
from . import functional as F
from .module import Module

__all__ = [
    "ChannelShuffle",
    "PixelShuffle",
    "PixelUnshuffle",
    "Upsample",
    "UpsamplingBilinear2d",
    "UpsamplingNearest2d",
]


class Upsample(Module):
    """(N, C, L) or (N, C, H, W) in another size, by `size` or `scale_factor`: see `F.interpolate`.

    PyTorch: `torch.nn.Upsample`.

    >>> nn.Upsample(scale_factor=2)(tg.tensor([[[1.0, 3.0]]]))
    tensor([[[1., 1., 3., 3.]]])
    >>> nn.Upsample(size=(28, 28), mode="bilinear")(tg.ones(8, 3, 7, 7)).shape
    (8, 3, 28, 28)
    """

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.name = type(self).__name__
        self.size = size
        self.scale_factor: float | tuple[float, ...] | None
        if isinstance(scale_factor, (tuple, list)):
            self.scale_factor = tuple(float(factor) for factor in scale_factor)
        else:
            self.scale_factor = float(scale_factor) if scale_factor else None  # type: ignore[arg-type]
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        """The input in another size."""
        return F.interpolate(
            input,
            self.size,
            self.scale_factor,
            self.mode,
            self.align_corners,
            self.recompute_scale_factor,
        )

    def extra_repr(self) -> str:
        """The factor or the size, and the mode."""
        if self.scale_factor is not None:
            return f"scale_factor={self.scale_factor!r}, mode={self.mode!r}"
        return f"size={self.size!r}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """`Upsample` with mode "nearest". PyTorch: `torch.nn.UpsamplingNearest2d`.

    >>> nn.UpsamplingNearest2d(scale_factor=2)(tg.ones(8, 3, 7, 7)).shape
    (8, 3, 14, 14)
    """

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
    ) -> None:
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """`Upsample` with mode "bilinear" and aligned corners.

    PyTorch: `torch.nn.UpsamplingBilinear2d`.

    >>> nn.UpsamplingBilinear2d((1, 3))(tg.tensor([[[[1.0, 3.0]]]]))
    tensor([[[[1., 2., 3.]]]])
    """

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
    ) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)


class PixelShuffle(Module):
    """r² channels become r×r pixels: (..., C r², H, W) becomes (..., C, H r, W r).

    PyTorch: `torch.nn.PixelShuffle`.

    >>> nn.PixelShuffle(3)(tg.ones(1, 9, 4, 4)).shape
    (1, 1, 12, 12)
    """

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> Tensor:
        """The same elements, fewer channels, larger planes."""
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        """The factor r."""
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """r×r pixels become r² channels: (..., C, H r, W r) becomes (..., C r², H, W).

    PyTorch: `torch.nn.PixelUnshuffle`.

    >>> nn.PixelUnshuffle(3)(tg.ones(1, 1, 12, 12)).shape
    (1, 9, 4, 4)
    """

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Tensor) -> Tensor:
        """The same elements, more channels, smaller planes."""
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        """The factor r."""
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """The channels of (N, C, ...) dealt out: the first of each of `groups` groups, and so on.

    PyTorch: `torch.nn.ChannelShuffle`.

    >>> nn.ChannelShuffle(2)(tg.arange(4.0).reshape(1, 4, 1)).flatten()
    tensor([0., 2., 1., 3.])
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        """The same channels in another order."""
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        """The number of groups."""
        return f"groups={self.groups}"
