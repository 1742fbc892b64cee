"""Layers of convolution, and of windows as columns."""

from __future__ import annotations

from math import sqrt
from typing import Any, ClassVar

from ..ops import creation
from ..ops.arguments import Sizes, integers
from ..ops.dtypes import DTypeLike
from ..tensor import Tensor
from . import functional as F
from . import init
from .module import Module
from .parameter import Parameter

__all__ = ["Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d", "Fold", "Unfold"]

_MODES = {
    "zeros": "constant",
    "reflect": "reflect",
    "replicate": "replicate",
    "circular": "circular",
}


class _Conv(Module):
    """What the four layers share: arguments, parameters, their first values, and how they print."""

    dims: ClassVar[int]
    transposed: ClassVar[bool] = False

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes,
        padding: Sizes | str,
        dilation: Sizes,
        output_padding: Sizes,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: str | None,
        dtype: DTypeLike,
    ) -> None:
        super().__init__()
        name, n = type(self).__name__, self.dims
        if groups <= 0:
            raise ValueError(f"{name}: groups must be a positive integer; got {groups}.")
        if in_channels % groups or out_channels % groups:
            raise ValueError(
                f"{name}: in_channels and out_channels must be divisible by groups; got "
                f"{in_channels}, {out_channels} and groups={groups}."
            )
        if padding_mode not in _MODES:
            raise ValueError(
                f"{name}: padding_mode must be one of {', '.join(_MODES)}, but got "
                f"padding_mode={padding_mode!r}."
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = integers(name, "kernel_size", kernel_size, n)
        self.stride = integers(name, "stride", stride, n)
        self.dilation = integers(name, "dilation", dilation, n)
        self.output_padding = integers(name, "output_padding", output_padding, n)
        self.groups = groups
        self.padding_mode = padding_mode
        self.padding: tuple[int, ...] | str
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ValueError(
                    f"{name}: invalid padding string {padding!r}; it is 'same' or 'valid'."
                )
            if padding == "same" and self.stride != (1,) * n:
                raise ValueError(
                    f"{name}: padding='same' is not supported for strided convolutions; the stride "
                    f"is {stride}."
                )
            self.padding = padding
        else:
            self.padding = integers(name, "padding", padding, n)
        first, second = (
            (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        )
        self.weight = Parameter(
            creation.empty((first, second // groups, *self.kernel_size), device=device, dtype=dtype)
        )
        self.register_parameter("bias", None)
        if bias:
            self.bias = Parameter(creation.empty(out_channels, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew, uniform on ±1/√fan_in."""
        # For a = √5 the bound √(6/((1 + a²) fan_in)) is 1/√fan_in.
        init.kaiming_uniform_(self.weight, a=sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            if fan_in:
                init.uniform_(self.bias, -1 / sqrt(fan_in), 1 / sqrt(fan_in))

    def extra_repr(self) -> str:
        """Channels and kernel, and whatever is not the default."""
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}"
        )
        zeros, ones = (0,) * self.dims, (1,) * self.dims
        if self.padding != zeros:
            text += f", padding={self.padding}"
        if self.dilation != ones:
            text += f", dilation={self.dilation}"
        if self.output_padding != zeros:
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        return text + f", padding_mode={self.padding_mode}" * (self.padding_mode != "zeros")

    def _border(self) -> tuple[int, ...]:
        """The widths of padding for `F.pad`, the last dimension first."""
        widths: list[int] = []
        for i in reversed(range(self.dims)):
            if isinstance(self.padding, str):
                total = self.dilation[i] * (self.kernel_size[i] - 1) * (self.padding == "same")
                widths += [total // 2, total - total // 2]
            else:
                widths += [self.padding[i]] * 2
        return tuple(widths)


class _Forward(_Conv):
    """The two ordinary layers."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: str | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            0,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input: Tensor) -> Tensor:
        """The convolution of the input with the weight."""
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            input = F.pad(input, self._border(), _MODES[self.padding_mode])
            padding = 0
        convolve = F.conv1d if self.dims == 1 else F.conv2d
        return convolve(
            input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )


class Conv1d(_Forward):
    """Convolution along series: (N, C, L) or (C, L) becomes (N, O, L') or (O, L'), as `F.conv1d`.

    As `nn.Conv2d`, in one dimension: weight (out_channels, in_channels/groups, K).
    PyTorch: `torch.nn.Conv1d`.

    >>> nn.Conv1d(4, 8, 3, padding="same")(tg.ones(2, 4, 10)).shape
    (2, 8, 10)
    """

    dims = 1


class Conv2d(_Forward):
    """Convolution of images: (N, C, H, W) or (C, H, W) becomes (N, O, H', W'), as `F.conv2d`.

    Parameters: weight (out_channels, in_channels/groups, KH, KW) and bias (out_channels), both
    uniform on ±1/√(in_channels/groups KH KW) at first. `bias=False` leaves the bias out. The border
    is what `padding_mode` says: "zeros", "reflect", "replicate" or "circular" (see `F.pad`).
    Raises ValueError for groups that do not divide the channels, and for an unknown padding.
    PyTorch: `torch.nn.Conv2d`.

    >>> layer = nn.Conv2d(1, 30, 5)
    >>> layer(tg.ones(100, 1, 28, 28)).shape
    (100, 30, 24, 24)
    >>> nn.Conv2d(3, 8, 3, stride=2, padding=1)
    Conv2d(3, 8, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1))
    """

    dims = 2


class _Transposed(_Conv):
    """The two transposed layers."""

    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        padding_mode: str = "zeros",
        device: str | None = None,
        dtype: DTypeLike = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(
                f'{type(self).__name__}: only "zeros" padding mode is supported; got '
                f"{padding_mode!r}."
            )
        if isinstance(padding, str):
            raise ValueError(
                f"{type(self).__name__}: padding is an integer or a tuple; got {padding!r}."
            )
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            output_padding,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        """The transposed convolution of the input with the weight.

        `output_size`, with or without batch and channels, chooses the size of the result instead of
        `output_padding`; ValueError if it is out of reach.
        """
        more = self.output_padding if output_size is None else self._more(input, output_size)
        convolve = F.conv_transpose1d if self.dims == 1 else F.conv_transpose2d
        padding: Any = self.padding
        return convolve(
            input, self.weight, self.bias, self.stride, padding, more, self.groups, self.dilation
        )

    def _more(self, input: Tensor, output_size: Any) -> tuple[int, ...]:
        """The output padding that leads to this size."""
        n, sizes = self.dims, tuple(int(size) for size in output_size)
        if len(sizes) == input.ndim:
            sizes = sizes[-n:]
        if len(sizes) != n:
            raise ValueError(
                f"{type(self).__name__}: for an input of {input.ndim} dimensions, output_size has "
                f"{n} or {input.ndim} numbers; got {len(sizes)}."
            )
        padding: Any = self.padding
        least = tuple(
            (input.shape[i - n] - 1) * self.stride[i]
            - 2 * padding[i]
            + self.dilation[i] * (self.kernel_size[i] - 1)
            + 1
            for i in range(n)
        )
        most = tuple(size + stride - 1 for size, stride in zip(least, self.stride, strict=True))
        if any(not a <= size <= b for a, size, b in zip(least, sizes, most, strict=True)):
            raise ValueError(
                f"{type(self).__name__}: an output size of {sizes} was requested, but an input of "
                f"shape {input.shape} leads to sizes from {least} to {most}."
            )
        return tuple(size - a for size, a in zip(sizes, least, strict=True))


class ConvTranspose1d(_Transposed):
    """Transposed convolution of series (N, C, L) or (C, L), as `F.conv_transpose1d`.

    As `nn.ConvTranspose2d`, in one dimension: weight (in_channels, out_channels/groups, K).
    PyTorch: `torch.nn.ConvTranspose1d`.

    >>> nn.ConvTranspose1d(8, 4, 2, stride=2)(tg.ones(2, 8, 10)).shape
    (2, 4, 20)
    """

    dims = 1


class ConvTranspose2d(_Transposed):
    """Transposed convolution of images (N, C, H, W) or (C, H, W), as `F.conv_transpose2d`.

    Parameters: weight (in_channels, out_channels/groups, KH, KW) and bias (out_channels), both
    uniform on ±1/√(out_channels/groups KH KW) at first. Called with `output_size`, it chooses the
    output padding that leads to this size. Raises ValueError for groups that do not divide the
    channels, and for another padding_mode than "zeros". PyTorch: `torch.nn.ConvTranspose2d`.

    >>> layer = nn.ConvTranspose2d(8, 4, 3, stride=2, padding=1)
    >>> x = tg.ones(2, 8, 5, 5)
    >>> layer(x).shape, layer(x, output_size=(10, 10)).shape
    ((2, 4, 9, 9), (2, 4, 10, 10))
    """

    dims = 2


class Unfold(Module):
    """The windows of images as columns, as `F.unfold`. PyTorch: `torch.nn.Unfold`.

    >>> nn.Unfold(2)(tg.ones(1, 3, 4, 4)).shape
    (1, 12, 9)
    """

    def __init__(
        self, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        """The columns."""
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        """The arguments."""
        return (
            f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, "
            f"stride={self.stride}"
        )


class Fold(Module):
    """Images from windows as columns, overlapping values added, as `F.fold`.

    PyTorch: `torch.nn.Fold`.

    >>> nn.Fold(4, 2)(tg.ones(1, 12, 9)).shape
    (1, 3, 4, 4)
    """

    def __init__(
        self,
        output_size: Sizes,
        kernel_size: Sizes,
        dilation: Sizes = 1,
        padding: Sizes = 0,
        stride: Sizes = 1,
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        """The images."""
        return F.fold(
            input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride
        )

    def extra_repr(self) -> str:
        """The arguments."""
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, "
            f"dilation={self.dilation}, padding={self.padding}, stride={self.stride}"
        )
