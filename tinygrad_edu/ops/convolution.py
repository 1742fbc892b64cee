"""Convolution and transposed convolution, in one and two dimensions.

A convolution in one dimension is one in two of images that are one pixel high. The kernels are in
convolution_kernels.py; the textbook definitions, by windows as columns, are `plain` below.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from ..autograd.fused import Fused
from ..autograd.graph import Array, TensorBase, Value, apply
from .arguments import LAYOUTS, Sizes, integers
from .columns import Pair, Window
from .convolution_kernels import bias_gradient, correlate, input_gradient, weight_gradient
from .dtypes import quiet, type_name
from .unfolding import Fold, Unfold

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d"]


def _images(x: Value, weight: Value) -> Value:
    """x (N, C, H, W), (C, H, W), (N, C, L) or (C, L) as (N, C, H, W); `weight` tells how many."""
    if x.ndim < weight.ndim:
        x = x[None]
    return x[:, :, None] if weight.ndim == 3 else x


def _kernels(weight: Value) -> Value:
    """Weights (O, C, KH, KW) or (O, C, K) as (O, C, KH, KW)."""
    return weight[:, :, None] if weight.ndim == 3 else weight


def _like(images: Value, x: Value, weight: Value) -> Value:
    """Images (N, C, H, W) with the dimensions of x."""
    if weight.ndim == 3:
        images = images[:, :, 0]
    return images[0] if x.ndim < weight.ndim else images


class Convolution(Fused):
    """z = Σ w x over each window of x, plus b

    grad_x = Σ w grad over the windows that see a pixel        grad_w = Σ x grad
    grad_b = Σ grad
    """

    __slots__ = ("window",)

    def __init__(self, window: Window) -> None:
        self.window = window

    @quiet
    def forward(self, input: Array, weight: Array, bias: Array | None) -> Array:
        out = correlate(_images(input, weight), _kernels(weight), bias, self.window)
        return _like(out, input, weight)  # type: ignore[no-any-return]

    def backward(
        self, grad: Array, input: Array, weight: Array, bias: Array | None
    ) -> tuple[Array | None, ...]:
        window, x, w, g = (
            self.window,
            _images(input, weight),
            _kernels(weight),
            _images(grad, weight),
        )
        grad_input = grad_weight = None
        if self.needs(0):
            size = x.shape[2], x.shape[3]
            grad_input = _like(input_gradient(g, w, window, size), input, weight)
        if self.needs(1):
            grad_weight = weight_gradient(x, g, w, window).reshape(weight.shape)
        return grad_input, grad_weight, bias_gradient(g) if self.needs(2) else None

    def plain(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """The windows of each group of channels as columns, multiplied by a matrix of weights."""
        x, w, groups = _images(input, weight), _kernels(weight), self.window.groups
        images, outputs, numbers = len(x), len(w), prod(w.shape[1:])
        places = self.window.places((x.shape[2], x.shape[3]))
        columns = apply(Unfold(self.window), x).reshape(images, groups, numbers, prod(places))
        matrices = w.reshape(groups, outputs // groups, numbers)
        out = (matrices @ columns).reshape(images, outputs, *places)
        return _like(out if bias is None else out + bias.reshape(-1, 1, 1), input, weight)  # type: ignore[no-any-return]


class ConvolutionTranspose(Fused):
    """z = Σ w x over the windows that see a pixel, plus b: grad_x of `Convolution`

    grad_x = Σ w grad over each window of grad        grad_w = Σ x grad
    grad_b = Σ grad
    """

    __slots__ = ("size", "window")

    def __init__(self, window: Window, size: Pair) -> None:
        self.window = window
        self.size = size  # of the result

    @quiet
    def forward(self, input: Array, weight: Array, bias: Array | None) -> Array:
        x, w = _images(input, weight), _kernels(weight)
        out = input_gradient(x, w, self.window, self.size)
        if bias is not None:
            out += bias[:, None, None]
        return _like(out, input, weight)  # type: ignore[no-any-return]

    def backward(
        self, grad: Array, input: Array, weight: Array, bias: Array | None
    ) -> tuple[Array | None, ...]:
        window, x, w, g = (
            self.window,
            _images(input, weight),
            _kernels(weight),
            _images(grad, weight),
        )
        grad_input = grad_weight = None
        if self.needs(0):
            grad_input = _like(correlate(g, w, None, window), input, weight)
        if self.needs(1):
            grad_weight = weight_gradient(g, x, w, window).reshape(weight.shape)
        return grad_input, grad_weight, bias_gradient(g) if self.needs(2) else None

    def plain(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Each pixel times a matrix of weights is a window as a column; the columns are folded."""
        x, w, groups = _images(input, weight), _kernels(weight), self.window.groups
        images, inputs, numbers = len(x), len(w), prod(w.shape[1:])
        places = prod(x.shape[2:])
        pixels = x.reshape(images, groups, inputs // groups, places)
        matrices = w.reshape(groups, inputs // groups, numbers)
        columns = (matrices.transpose(1, 2) @ pixels).reshape(images, groups * numbers, places)
        out = apply(Fold(self.window, self.size), columns)
        return _like(out if bias is None else out + bias.reshape(-1, 1, 1), input, weight)  # type: ignore[no-any-return]


# Arguments.


def _check_tensors(
    name: str, n: int, input: Any, weight: Any, bias: Any, groups: Any, transposed: bool
) -> None:
    """Refuse what does not fit together, for n spatial dimensions."""
    for label, tensor in (("input", input), ("weight", weight), ("bias", bias)):
        if not isinstance(tensor, TensorBase) and (label != "bias" or tensor is not None):
            raise TypeError(
                f"{name}: the {label} is a tensor{' or None' * (label == 'bias')}; got "
                f"{type_name(tensor)}. Use tg.tensor(...)."
            )
    shape, of_weight = input.array.shape, weight.array.shape
    if len(of_weight) != n + 2 or 0 in of_weight[2:] or not of_weight[0]:
        meant = "C, O/groups" if transposed else "O, C/groups"
        raise RuntimeError(
            f"{name}: the weight has the shape ({meant}, {'K' if n == 1 else 'KH, KW'}); got "
            f"{of_weight}."
        )
    if len(shape) not in (n + 1, n + 2) or 0 in shape[-n:]:
        hint = " A single channel is given one by `x.unsqueeze(0)`." if len(shape) == n else ""
        raise RuntimeError(
            f"{name}: the input has the shape {LAYOUTS[n]}, where N may be 0; got {shape}.{hint}"
        )
    if not hasattr(groups, "__index__"):
        raise TypeError(f"{name}: groups is an integer; got {type(groups).__name__}.")
    if groups < 1 or of_weight[0] % groups:
        raise RuntimeError(
            f"{name}: groups is positive and divides the number of "
            f"{'input' if transposed else 'output'} channels, which is {of_weight[0]} for the "
            f"weight of shape {of_weight}; got groups={groups}."
        )
    channels, outputs = of_weight[1] * groups, of_weight[0]
    if transposed:
        channels, outputs = outputs, channels
    if shape[-n - 1] != channels:
        hint = ""
        if len(shape) == n + 1 and channels == 1:
            hint = " Images of one channel are given it by `x.unsqueeze(1)`."
        elif shape[-1] == channels:
            hint = f" Channels come before pixels: `x.movedim(-1, {-n - 1})`."
        raise RuntimeError(
            f"{name}: the weight of shape {of_weight} with groups={groups} takes {channels} "
            f"channels, but the input of shape {shape} has {shape[-n - 1]}.{hint}"
        )
    if bias is not None and bias.array.shape != (outputs,):
        raise RuntimeError(
            f"{name}: the weight of shape {of_weight} with groups={groups} gives {outputs} "
            f"channels, so the bias has shape ({outputs},); got {bias.array.shape}."
        )
    types = [tensor.array.dtype for tensor in (input, weight, bias) if tensor is not None]
    if types[0].kind == "b" or any(dtype != types[0] for dtype in types):
        raise RuntimeError(
            f"{name}: input, weight and bias have one type, of numbers; got "
            f"{', '.join(map(str, types))}. Convert the input: `x.to(tg.{types[1]})`, or the "
            f"layer: `layer.to(tg.{types[0]})`."
        )


def _pair(name: str, argument: str, value: Sizes, n: int, least: int, unit: int) -> Pair:
    """The argument for height and width, where height is `unit` in one dimension."""
    numbers = integers(name, argument, value, n)
    if min(numbers) < least:
        raise RuntimeError(
            f"{name}: {argument} is {'positive' if least else 'not negative'}; got {value}."
        )
    return (unit, numbers[0]) if n == 1 else (numbers[0], numbers[1])


def _convolution(
    n: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sizes,
    padding: Sizes | str,
    dilation: Sizes,
    groups: int,
) -> Tensor:
    name = f"conv{n}d"
    _check_tensors(name, n, input, weight, bias, groups, False)
    kernel = (1, *weight.shape[2:])[-2:]
    strides = _pair(name, "stride", stride, n, 1, 1)
    dilations = _pair(name, "dilation", dilation, n, 1, 1)
    window = Window((kernel[0], kernel[1]), strides, dilation=dilations, groups=groups)
    if not isinstance(padding, str):
        high, wide = _pair(name, "padding", padding, n, 0, 0)
        window = window._replace(padding=((high, high), (wide, wide)))
    elif padding == "same":
        if strides != (1, 1):
            raise RuntimeError(
                f"{name}: padding='same' keeps the size, which a stride of {stride} does not. Give "
                "the padding in numbers."
            )
        down, across = window.reach
        same = (down // 2, down - down // 2), (across // 2, across - across // 2)
        window = window._replace(padding=same)
    elif padding != "valid":
        raise RuntimeError(
            f"{name}: padding is 'same', 'valid' (none), an integer or a tuple; got {padding!r}."
        )
    height, width = (1, *input.shape[-n:])[-2:]
    if min(window.places((height, width))) < 1:
        reach, padded = window.reach, window.padded((height, width))
        raise RuntimeError(
            f"{name}: the kernel is larger than the image: it reaches over "
            f"{(reach[0] + 1, reach[1] + 1)[-n:]} pixels (size {kernel[-n:]}, dilation "
            f"{dilations[-n:]}), the image with its padding has {padded[-n:]}. Add padding, or "
            "check the sizes of the layers before."
        )
    return apply(Convolution(window), input, weight, bias)


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """`conv2d` along one dimension: (N, C, L) or (C, L), weight (O, C/groups, K).

    PyTorch: `F.conv1d`.

    >>> series = tg.tensor([[1.0, 2.0, 4.0, 8.0]])
    >>> F.conv1d(series, tg.tensor([[[-1.0, 1.0]]]))
    tensor([[1., 2., 4.]])
    """
    return _convolution(1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """The sum of each window of the input times the weight, plus bias: a cross-correlation.

    z[n, o, y, x] = b[o] + Σ_cij w[o, c, i, j] x[n, c, y stride + i dilation - padding, ...]

    Shapes: input (N, C, H, W) or (C, H, W), weight (O, C/groups, KH, KW), bias (O); the result is
    (N, O, H', W') with H' = ⌊(H + 2 padding - dilation (KH - 1) - 1) / stride⌋ + 1. All have one
    type. Stride, padding and dilation are one integer or a pair; the padding is zeros, "valid" for
    none, "same" to keep the size (with a stride of 1). With groups, the first O/groups outputs see
    the first C/groups channels, and so on.
    Raises RuntimeError for shapes, types and numbers that do not fit, TypeError for arguments of
    other types. PyTorch: `F.conv2d`. Source: LeCun et al., "Backpropagation applied to handwritten
    zip code recognition", 1989.

    >>> image = tg.tensor([[[1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]])
    >>> edge = tg.tensor([[[[1.0, 1.0], [-1.0, -1.0]]]])
    >>> F.conv2d(image, edge)
    tensor([[[0., 0.],
             [2., 2.]]])
    >>> F.conv2d(image, edge, padding=1).shape
    (1, 4, 4)
    """
    return _convolution(2, input, weight, bias, stride, padding, dilation, groups)


def _transposed(
    n: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sizes,
    padding: Sizes,
    output_padding: Sizes,
    groups: int,
    dilation: Sizes,
) -> Tensor:
    name = f"conv_transpose{n}d"
    _check_tensors(name, n, input, weight, bias, groups, True)
    kernel = (1, *weight.shape[2:])[-2:]
    strides = _pair(name, "stride", stride, n, 1, 1)
    dilations = _pair(name, "dilation", dilation, n, 1, 1)
    border = _pair(name, "padding", padding, n, 0, 0)
    more = _pair(name, "output_padding", output_padding, n, 0, 0)
    if any(more[i] >= max(strides[i], dilations[i]) for i in (0, 1)):
        raise RuntimeError(
            f"{name}: output_padding is smaller than the stride or the dilation; got "
            f"output_padding={more[-n:]}, stride={strides[-n:]}, dilation={dilations[-n:]}."
        )
    # What is not cut off at the end is as if the padding there were smaller.
    ends = (border[0], border[0] - more[0]), (border[1], border[1] - more[1])
    window = Window((kernel[0], kernel[1]), strides, ends, dilations, groups)
    places = (1, *input.shape[-n:])[-2:]
    height, width = (
        (places[i] - 1) * strides[i] + window.reach[i] + 1 - sum(ends[i]) for i in (0, 1)
    )
    if min(height, width) < 1:
        raise RuntimeError(
            f"{name}: padding={border[-n:]} cuts off all of the result, whose size would be "
            f"{(height, width)[-n:]} for an input of shape {input.shape}."
        )
    return apply(ConvolutionTranspose(window, (height, width)), input, weight, bias)


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """`conv_transpose2d` along one dimension: (N, C, L) or (C, L), weight (C, O/groups, K).

    PyTorch: `F.conv_transpose1d`.

    >>> F.conv_transpose1d(tg.tensor([[1.0, 2.0]]), tg.tensor([[[1.0, 10.0, 100.0]]]))
    tensor([[  1.,  12., 120., 200.]])
    """
    return _transposed(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """Each pixel times the weight, added where the kernels overlap: conv2d's gradient, a function.

    It leads from the shape of a result of `conv2d` with these arguments back to that of its input,
    so a stride of 2 doubles the size.
    Shapes: input (N, C, H, W) or (C, H, W), weight (C, O/groups, KH, KW), bias (O); the result is
    (N, O, H', W') with H' = (H - 1) stride - 2 padding + dilation (KH - 1) + output_padding + 1.
    `padding` cuts off a border of the result; `output_padding` adds to its end, to choose among the
    sizes that a stride leads to one result. Raises RuntimeError for shapes, types and numbers that
    do not fit, TypeError for arguments of other types. PyTorch: `F.conv_transpose2d`. Source:
    Zeiler et al., "Deconvolutional networks", 2010.

    >>> F.conv_transpose2d(tg.ones(1, 2, 2), tg.ones(1, 1, 2, 2))
    tensor([[[1., 2., 1.],
             [2., 4., 2.],
             [1., 2., 1.]]])
    >>> F.conv_transpose2d(tg.ones(1, 5, 5), tg.ones(1, 3, 2, 2), stride=2).shape
    (3, 10, 10)
    """
    return _transposed(2, input, weight, bias, stride, padding, output_padding, groups, dilation)
