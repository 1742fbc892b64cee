"""Pooling layers: the maximum, mean or norm of windows, and the way back from maxima."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..ops.adaptive_pooling import OutputSize
from ..ops.arguments import Sizes
from ..tensor import Tensor
from . import functional as F
from .module import Module

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AvgPool1d",
    "AvgPool2d",
    "LPPool1d",
    "LPPool2d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxUnpool1d",
    "MaxUnpool2d",
]


def _tuple(value: Any, n: int) -> tuple[Any, ...]:
    """One value for each dimension."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * n


class _MaxPool(Module):
    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def extra_repr(self) -> str:
        """The windows."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """The largest element of each window of (N, C, L) or (C, L): see `F.max_pool1d`.

    With `return_indices=True`, also their positions. PyTorch: `torch.nn.MaxPool1d`.

    >>> nn.MaxPool1d(2)(tg.tensor([[1.0, 3.0, 2.0, 5.0]]))
    tensor([[3., 5.]])
    """

    def forward(self, input: Tensor) -> Any:
        """The maxima, or (maxima, positions)."""
        return F.max_pool1d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            self.ceil_mode,
            self.return_indices,
        )


class MaxPool2d(_MaxPool):
    """The largest element of each window of (N, C, H, W) or (C, H, W): see `F.max_pool2d`.

    With `return_indices=True`, also their positions. PyTorch: `torch.nn.MaxPool2d`.

    >>> layer = nn.MaxPool2d(2)
    >>> layer(tg.ones(8, 3, 28, 28)).shape
    (8, 3, 14, 14)
    >>> layer
    MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)
    """

    def forward(self, input: Tensor) -> Any:
        """The maxima, or (maxima, positions)."""
        return F.max_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            self.ceil_mode,
            self.return_indices,
        )


class _MaxUnpool(Module):
    dims: int

    def __init__(self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0) -> None:
        super().__init__()
        self.kernel_size = _tuple(kernel_size, self.dims)
        self.stride = _tuple(kernel_size if stride is None else stride, self.dims)
        self.padding = _tuple(padding, self.dims)

    def extra_repr(self) -> str:
        """The windows."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """Put the maxima of `MaxPool1d` back to where they were, among zeros: see `F.max_unpool1d`.

    PyTorch: `torch.nn.MaxUnpool1d`.

    >>> pooled, indices = nn.MaxPool1d(2, return_indices=True)(tg.tensor([[1.0, 3.0, 2.0, 5.0]]))
    >>> nn.MaxUnpool1d(2)(pooled, indices)
    tensor([[0., 3., 0., 5.]])
    """

    dims = 1

    def forward(
        self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None
    ) -> Tensor:
        """The maxima among zeros."""
        return F.max_unpool1d(
            input, indices, self.kernel_size, self.stride, self.padding, output_size
        )


class MaxUnpool2d(_MaxUnpool):
    """Put the maxima of `MaxPool2d` back to where they were, among zeros: see `F.max_unpool2d`.

    `output_size` names the shape that was pooled, where several come into question.
    PyTorch: `torch.nn.MaxUnpool2d`.

    >>> pooled, indices = nn.MaxPool2d(2, return_indices=True)(tg.ones(1, 5, 5))
    >>> nn.MaxUnpool2d(2)(pooled, indices).shape
    (1, 4, 4)
    >>> nn.MaxUnpool2d(2)(pooled, indices, output_size=(5, 5)).shape
    (1, 5, 5)
    """

    dims = 2

    def forward(
        self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None
    ) -> Tensor:
        """The maxima among zeros."""
        return F.max_unpool2d(
            input, indices, self.kernel_size, self.stride, self.padding, output_size
        )


class _AvgPool(Module):
    kernel_size: Any
    stride: Any
    padding: Any

    def extra_repr(self) -> str:
        """The windows."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPool):
    """The mean of each window of (N, C, L) or (C, L): see `F.avg_pool1d`.

    PyTorch: `torch.nn.AvgPool1d`.

    >>> nn.AvgPool1d(2)(tg.tensor([[1.0, 3.0, 2.0, 5.0]]))
    tensor([[2.0000, 3.5000]])
    """

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = _tuple(kernel_size, 1)
        self.stride = _tuple(kernel_size if stride is None else stride, 1)
        self.padding = _tuple(padding, 1)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        """The means."""
        return F.avg_pool1d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
        )


class AvgPool2d(_AvgPool):
    """The mean of each window of (N, C, H, W) or (C, H, W): see `F.avg_pool2d`.

    PyTorch: `torch.nn.AvgPool2d`.

    >>> nn.AvgPool2d(2)(tg.ones(8, 3, 28, 28)).shape
    (8, 3, 14, 14)
    """

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        """The means."""
        return F.avg_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class _LPPool(Module):
    def __init__(
        self,
        norm_type: float,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def extra_repr(self) -> str:
        """The power and the windows."""
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """(Σ x^p)^(1/p) of each window of (N, C, L) or (C, L): see `F.lp_pool1d`.

    PyTorch: `torch.nn.LPPool1d`.

    >>> nn.LPPool1d(2, 2)(tg.tensor([[3.0, 4.0, 0.0, 0.0]]))
    tensor([[5., 0.]])
    """

    def forward(self, input: Tensor) -> Tensor:
        """The norms."""
        return F.lp_pool1d(
            input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode
        )


class LPPool2d(_LPPool):
    """(Σ x^p)^(1/p) of each window of (N, C, H, W) or (C, H, W): see `F.lp_pool2d`.

    PyTorch: `torch.nn.LPPool2d`.

    >>> nn.LPPool2d(2, 2)(tg.tensor([[[3.0, 0.0], [0.0, 4.0]]]))
    tensor([[[5.]]])
    """

    def forward(self, input: Tensor) -> Tensor:
        """The norms."""
        return F.lp_pool2d(
            input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode
        )


class _AdaptiveMaxPool(Module):
    def __init__(self, output_size: OutputSize, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size: Any = output_size
        self.return_indices = return_indices

    def extra_repr(self) -> str:
        """The size of the output."""
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The maxima of `output_size` windows of (N, C, L) or (C, L): see `F.adaptive_max_pool1d`.

    PyTorch: `torch.nn.AdaptiveMaxPool1d`.

    >>> nn.AdaptiveMaxPool1d(2)(tg.tensor([[1.0, 3.0, 5.0]]))
    tensor([[3., 5.]])
    """

    def forward(self, input: Tensor) -> Any:
        """The maxima, or (maxima, positions)."""
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The maxima of H'×W' windows of (N, C, H, W) or (C, H, W): see `F.adaptive_max_pool2d`.

    PyTorch: `torch.nn.AdaptiveMaxPool2d`.

    >>> nn.AdaptiveMaxPool2d((3, None))(tg.ones(8, 3, 7, 5)).shape
    (8, 3, 3, 5)
    """

    def forward(self, input: Tensor) -> Any:
        """The maxima, or (maxima, positions)."""
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class _AdaptiveAvgPool(Module):
    def __init__(self, output_size: OutputSize) -> None:
        super().__init__()
        self.output_size: Any = output_size

    def extra_repr(self) -> str:
        """The size of the output."""
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """The means of `output_size` windows of (N, C, L) or (C, L): see `F.adaptive_avg_pool1d`.

    PyTorch: `torch.nn.AdaptiveAvgPool1d`.

    >>> nn.AdaptiveAvgPool1d(2)(tg.tensor([[1.0, 3.0, 5.0]]))
    tensor([[2., 4.]])
    """

    def forward(self, input: Tensor) -> Tensor:
        """The means."""
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """The means of H'×W' windows of (N, C, H, W) or (C, H, W): see `F.adaptive_avg_pool2d`.

    `output_size=1` is global average pooling. PyTorch: `torch.nn.AdaptiveAvgPool2d`.

    >>> nn.AdaptiveAvgPool2d(1)(tg.ones(8, 3, 7, 5)).shape
    (8, 3, 1, 1)
    """

    def forward(self, input: Tensor) -> Tensor:
        """The means."""
        return F.adaptive_avg_pool2d(input, self.output_size)
