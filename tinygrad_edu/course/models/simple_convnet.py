"""The course's convolutional network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ... import nn
from ...nn import init

__all__ = ["SimpleConvNet"]

_CONV = {"filter_num": 30, "filter_size": 5, "pad": 0, "stride": 1}


class SimpleConvNet(nn.Sequential):
    """conv - ReLU - max-pool 2×2 - affine - ReLU - affine: the course's SimpleConvNet.

    Images (N, C, H, W) become logits (N, output_size); softmax belongs to the loss.

    Args:
        input_dim: (C, H, W) of the images.
        conv_param: "filter_num", "filter_size", "pad" and "stride" of the convolution; those that
            are missing are 30, 5, 0 and 1.
        hidden_size, output_size: the numbers of units of the two affine layers.
        weight_init_std: the standard deviation of the initial weights. Biases start at 0.

    Raises ValueError for an unknown name in `conv_param`, and where filter or pooling do not fit
    the image. Source: the course's textbook, chapter 7.

    >>> from tinygrad_edu.course.models import SimpleConvNet
    >>> model = SimpleConvNet()
    >>> model(tg.ones(100, 1, 28, 28)).shape, model.conv1.weight.shape, model.affine1.weight.shape
    ((100, 10), (30, 1, 5, 5), (100, 4320))
    """

    def __init__(
        self,
        input_dim: Sequence[int] = (1, 28, 28),
        conv_param: Mapping[str, int] = _CONV,
        hidden_size: int = 100,
        output_size: int = 10,
        weight_init_std: float = 0.01,
    ) -> None:
        if unknown := set(conv_param) - set(_CONV):
            raise ValueError(f"conv_param has {', '.join(_CONV)}; got {', '.join(unknown)}.")
        conv = {**_CONV, **conv_param}
        channels, *size = input_dim
        filters, window, pad, stride = (conv[name] for name in _CONV)
        height, width = ((pixels + 2 * pad - window) // stride + 1 for pixels in size)
        if min(height, width) < 2:
            raise ValueError(
                f"A filter of {window}×{window} makes {height}×{width} of images of "
                f"{size[0]}×{size[1]} (pad {pad}, stride {stride}); the pooling needs at least "
                "2×2: choose a smaller filter or more pad."
            )
        pixels = (height // 2) * (width // 2)
        super().__init__(
            {
                "conv1": nn.Conv2d(channels, filters, window, stride=stride, padding=pad),
                "relu1": nn.ReLU(),
                "pool1": nn.MaxPool2d(2),
                "flatten": nn.Flatten(),
                "affine1": nn.Linear(filters * pixels, hidden_size),
                "relu2": nn.ReLU(),
                "affine2": nn.Linear(hidden_size, output_size),
            }
        )
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                init.zeros_(parameter)
            else:
                init.normal_(parameter, std=weight_init_std)
