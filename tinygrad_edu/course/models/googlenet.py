"""GoogLeNet, which won ILSVRC 2014: modules that look at several sizes at once."""

from __future__ import annotations

from typing import Any, NamedTuple

from ... import cat, nn, stack
from ...nn import functional as F
from ...nn import init
from ...tensor import Tensor
from .scaling import scaled

__all__ = ["BasicConv2d", "GoogLeNet", "GoogLeNetOutputs", "Inception", "InceptionAux"]


class BasicConv2d(nn.Module):
    """Convolution without bias, batch normalisation, ReLU.

    >>> from tinygrad_edu.course.models.googlenet import BasicConv2d
    >>> BasicConv2d(3, 8, kernel_size=3, padding=1)(tg.ones(2, 3, 7, 7)).shape
    (2, 8, 7, 7)
    """

    def __init__(self, in_channels: int, out_channels: int, **options: Any) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, bias=False, **options)
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """The activations."""
        return F.relu(self.bn(self.conv(x)))


class Inception(nn.Module):
    """Four branches side by side, their channels joined: 1×1; 3×3; "5×5"; pooling.

    A 1×1 convolution in front of the larger filters reduces the channels, and with them the cost.
    `channels` is the number of channels of the result.

    >>> from tinygrad_edu.course.models.googlenet import Inception
    >>> module = Inception(192, 64, 96, 128, 16, 32, 32)
    >>> module(tg.ones(1, 192, 7, 7)).shape, module.channels
    ((1, 256, 7, 7), 256)
    """

    def __init__(
        self,
        in_channels: int,
        ch1x1: int,
        ch3x3red: int,
        ch3x3: int,
        ch5x5red: int,
        ch5x5: int,
        pool_proj: int,
    ) -> None:
        super().__init__()
        self.channels = ch1x1 + ch3x3 + ch5x5 + pool_proj
        self.branch1 = BasicConv2d(in_channels, ch1x1, kernel_size=1)
        self.branch2 = nn.Sequential(
            BasicConv2d(in_channels, ch3x3red, kernel_size=1),
            BasicConv2d(ch3x3red, ch3x3, kernel_size=3, padding=1),
        )
        self.branch3 = nn.Sequential(
            BasicConv2d(in_channels, ch5x5red, kernel_size=1),
            # 3×3, as torchvision has it: its weights would not fit otherwise.
            BasicConv2d(ch5x5red, ch5x5, kernel_size=3, padding=1),
        )
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1, ceil_mode=True),
            BasicConv2d(in_channels, pool_proj, kernel_size=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """What the four branches see."""
        branches = (self.branch1, self.branch2, self.branch3, self.branch4)
        return cat([branch(x) for branch in branches], dim=1)


class InceptionAux(nn.Module):
    """An auxiliary head: a classifier in the middle of the network, which brings gradient there.

    >>> from tinygrad_edu.course.models.googlenet import InceptionAux
    >>> InceptionAux(64, 10, width=1 / 8)(tg.ones(2, 64, 14, 14)).shape
    (2, 10)
    """

    def __init__(
        self, in_channels: int, num_classes: int, dropout: float = 0.7, width: float = 1.0
    ) -> None:
        super().__init__()
        channels, units = scaled(width, 128, 1024)
        self.conv = BasicConv2d(in_channels, channels, kernel_size=1)
        self.fc1 = nn.Linear(channels * 4 * 4, units)
        self.fc2 = nn.Linear(units, num_classes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """The logits."""
        x = self.conv(F.adaptive_avg_pool2d(x, (4, 4)))
        logits: Tensor = self.fc2(self.dropout(F.relu(self.fc1(x.flatten(1)))))
        return logits


class GoogLeNetOutputs(NamedTuple):
    """What a GoogLeNet with auxiliary heads gives in training."""

    logits: Tensor
    aux_logits2: Tensor
    aux_logits1: Tensor


class GoogLeNet(nn.Module):
    """GoogLeNet: nine Inception modules, then the mean of each channel and one affine layer.

    (N, in_channels, H, W) becomes (N, num_classes); in the paper H = W = 224. In training with
    `aux_logits=True` it becomes GoogLeNetOutputs(logits, aux_logits2, aux_logits1): the losses of
    the auxiliary heads are added with the factor 0.3.

    Args:
        num_classes: the number of classes.
        aux_logits: two auxiliary heads in the middle.
        transform_input: undo the normalisation that torchvision's other models want, and normalise
            to mean and deviation 0.5 instead, as its weights for this model want.
        init_weights: N(0, 0.01²), cut off at ±2; False leaves the layers' own.
        dropout, dropout_aux: the share of units that are dropped in front of the last layers.
        in_channels: 3 for coloured images.
        width: a factor of all channels and hidden units, for small versions.

    Structure, initial weights and parameter names are those of torchvision: 6,624,904 parameters
    without auxiliary heads, 13,004,888 with them. As there, batch normalisation follows each
    convolution, and the branch that the paper calls 5×5 has filters of 3×3. Source: Szegedy et al.,
    "Going deeper with convolutions", 2014. PyTorch: `torchvision.models.GoogLeNet`.

    >>> from tinygrad_edu.course.models import GoogLeNet
    >>> model = GoogLeNet(10, in_channels=1, width=1 / 8)
    >>> [logits.shape for logits in model(tg.ones(2, 1, 32, 32))]
    [(2, 10), (2, 10), (2, 10)]
    >>> model.eval()(tg.ones(2, 1, 32, 32)).shape
    (2, 10)
    """

    aux1: Any  # InceptionAux, or None
    aux2: Any

    def __init__(
        self,
        num_classes: int = 1000,
        aux_logits: bool = True,
        transform_input: bool = False,
        init_weights: bool = True,
        dropout: float = 0.2,
        dropout_aux: float = 0.7,
        *,
        in_channels: int = 3,
        width: float = 1.0,
    ) -> None:
        super().__init__()
        self.aux_logits = aux_logits
        self.transform_input = transform_input
        c1, c2 = scaled(width, 64, 192)
        self.conv1 = BasicConv2d(in_channels, c1, kernel_size=7, stride=2, padding=3)
        self.maxpool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.conv2 = BasicConv2d(c1, c1, kernel_size=1)
        self.conv3 = BasicConv2d(c1, c2, kernel_size=3, padding=1)
        self.maxpool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)

        def inception(inputs: int, *channels: int) -> Inception:
            return Inception(inputs, *scaled(width, *channels))

        self.inception3a = inception(c2, 64, 96, 128, 16, 32, 32)
        self.inception3b = inception(self.inception3a.channels, 128, 128, 192, 32, 96, 64)
        self.maxpool3 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception4a = inception(self.inception3b.channels, 192, 96, 208, 16, 48, 64)
        self.inception4b = inception(self.inception4a.channels, 160, 112, 224, 24, 64, 64)
        self.inception4c = inception(self.inception4b.channels, 128, 128, 256, 24, 64, 64)
        self.inception4d = inception(self.inception4c.channels, 112, 144, 288, 32, 64, 64)
        self.inception4e = inception(self.inception4d.channels, 256, 160, 320, 32, 128, 128)
        self.maxpool4 = nn.MaxPool2d(2, stride=2, ceil_mode=True)
        self.inception5a = inception(self.inception4e.channels, 256, 160, 320, 32, 128, 128)
        self.inception5b = inception(self.inception5a.channels, 384, 192, 384, 48, 128, 128)
        self.aux1 = self.aux2 = None
        if aux_logits:
            after_4a, after_4d = self.inception4a.channels, self.inception4d.channels
            self.aux1 = InceptionAux(after_4a, num_classes, dropout_aux, width)
            self.aux2 = InceptionAux(after_4d, num_classes, dropout_aux, width)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(self.inception5b.channels, num_classes)
        if init_weights:
            for layer in self.modules():
                if isinstance(layer, (nn.Conv2d, nn.Linear)):
                    init.trunc_normal_(layer.weight, std=0.01, a=-2, b=2)

    def forward(self, x: Tensor) -> Tensor | GoogLeNetOutputs:
        """The logits; in training, with those of the auxiliary heads if there are any."""
        if self.transform_input:
            x = _renormalised(x)
        x = self.maxpool1(self.conv1(x))
        x = self.maxpool2(self.conv3(self.conv2(x)))
        x = self.inception3b(self.inception3a(x))
        after_4a = self.inception4a(self.maxpool3(x))
        after_4d = self.inception4d(self.inception4c(self.inception4b(after_4a)))
        x = self.maxpool4(self.inception4e(after_4d))
        x = self.inception5b(self.inception5a(x))
        logits: Tensor = self.fc(self.dropout(self.avgpool(x).flatten(1)))
        if self.training and self.aux_logits:
            return GoogLeNetOutputs(logits, self.aux2(after_4d), self.aux1(after_4a))
        return logits


def _renormalised(x: Tensor) -> Tensor:
    """Colours normalised by ImageNet's means and deviations, normalised to 0.5 and 0.5 instead."""
    means, deviations = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    channels = [
        x[:, i] * (deviation / 0.5) + (mean - 0.5) / 0.5
        for i, (mean, deviation) in enumerate(zip(means, deviations, strict=True))
    ]
    return stack(channels, dim=1)
