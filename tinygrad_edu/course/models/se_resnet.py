"""SE-ResNet, of the family that won ILSVRC 2017: blocks that weigh their channels."""

from __future__ import annotations

from ... import nn
from ...nn import functional as F
from ...tensor import Tensor
from .resnet import BasicBlock, Bottleneck, ResNet

__all__ = ["SEBasicBlock", "SEBottleneck", "SEResNet", "SqueezeExcitation"]


class SqueezeExcitation(nn.Module):
    """s · x, with a factor s in (0, 1) for each channel that depends on the image.

    Squeeze: the mean z of each channel. Excitation: s = σ(W2 ReLU(W1 z + b1) + b2), with
    `squeeze_channels` hidden units. The matrices are 1×1 convolutions, as in torchvision, whose
    parameter names these are.

    Source: Hu, Shen, Sun, "Squeeze-and-excitation networks", 2017. PyTorch:
    `torchvision.ops.SqueezeExcitation`.

    >>> from tinygrad_edu.course.models.se_resnet import SqueezeExcitation
    >>> SqueezeExcitation(64, 4)(tg.ones(2, 64, 7, 7)).shape
    (2, 64, 7, 7)
    """

    def __init__(self, input_channels: int, squeeze_channels: int) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(input_channels, squeeze_channels, 1)
        self.fc2 = nn.Conv2d(squeeze_channels, input_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The channels, each times its factor."""
        hidden = F.relu(self.fc1(self.avgpool(x)))
        return F.sigmoid(self.fc2(hidden)) * x


def _squeeze_excitation(channels: int) -> SqueezeExcitation:
    return SqueezeExcitation(channels, max(1, channels // 16))


class SEBasicBlock(BasicBlock):
    """A BasicBlock whose F(x) passes through a SqueezeExcitation, with a sixteenth of its channels.

    >>> from tinygrad_edu.course.models.se_resnet import SEBasicBlock
    >>> SEBasicBlock(16, 32, stride=2)(tg.ones(2, 16, 6, 6)).shape
    (2, 32, 3, 3)
    """

    def __init__(self, in_channels: int, channels: int, stride: int = 1) -> None:
        super().__init__(in_channels, channels, stride)
        self.se = _squeeze_excitation(channels)

    def residual(self, x: Tensor) -> Tensor:
        """F(x), its channels weighed."""
        result: Tensor = self.se(super().residual(x))
        return result


class SEBottleneck(Bottleneck):
    """A Bottleneck whose F(x) passes through a SqueezeExcitation, with a sixteenth of its channels.

    >>> from tinygrad_edu.course.models.se_resnet import SEBottleneck
    >>> SEBottleneck(16, 8, stride=2)(tg.ones(2, 16, 6, 6)).shape
    (2, 32, 3, 3)
    """

    def __init__(self, in_channels: int, channels: int, stride: int = 1) -> None:
        super().__init__(in_channels, channels, stride)
        self.se = _squeeze_excitation(channels * self.expansion)

    def residual(self, x: Tensor) -> Tensor:
        """F(x), its channels weighed."""
        result: Tensor = self.se(super().residual(x))
        return result


class SEResNet(ResNet):
    """A ResNet of any depth with a SqueezeExcitation in each block; the arguments are ResNet's.

    SE-ResNet-18 has 11,778,592 parameters and SE-ResNet-50 28,088,024: the extra cost is small.

    Source: Hu, Shen, Sun, "Squeeze-and-excitation networks", 2017.

    >>> from tinygrad_edu.course.models import SEResNet
    >>> SEResNet(18, 10, in_channels=1, width=1 / 8)(tg.ones(2, 1, 32, 32)).shape
    (2, 10)
    """

    basic = SEBasicBlock
    bottleneck = SEBottleneck
