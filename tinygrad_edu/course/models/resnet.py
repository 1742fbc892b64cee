"""ResNet, which won ILSVRC 2015: blocks that learn what to add to their input."""

from __future__ import annotations

from ... import nn
from ...nn import init
from ...tensor import Tensor
from .scaling import scaled

__all__ = ["BasicBlock", "Bottleneck", "ResNet"]


class BasicBlock(nn.Module):
    """y = ReLU(x + F(x)), where F is two 3×3 convolutions with batch normalisation.

    Where F changes the shape, a 1×1 convolution (`downsample`) changes that of x. The gradient
    reaches x through the sum, however deep the network is.

    >>> from tinygrad_edu.course.models.resnet import BasicBlock
    >>> BasicBlock(8, 16, stride=2)(tg.ones(2, 8, 6, 6)).shape
    (2, 16, 3, 3)
    """

    expansion = 1

    def __init__(self, in_channels: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = _shortcut(in_channels, channels, stride)

    def residual(self, x: Tensor) -> Tensor:
        """F(x)."""
        x = self.relu(self.bn1(self.conv1(x)))
        result: Tensor = self.bn2(self.conv2(x))
        return result

    def forward(self, x: Tensor) -> Tensor:
        """ReLU(x + F(x))."""
        shortcut = x if self.downsample is None else self.downsample(x)
        result: Tensor = self.relu(self.residual(x) + shortcut)
        return result


class Bottleneck(nn.Module):
    """y = ReLU(x + F(x)), where F is 1×1, 3×3 and 1×1 convolutions with batch normalisation.

    The first makes the channels a quarter of those of the result, the last makes them as many
    again: the 3×3 convolution between them is cheap. The stride is that of the 3×3 convolution, as
    in torchvision; the paper has it in the first.

    >>> from tinygrad_edu.course.models.resnet import Bottleneck
    >>> Bottleneck(8, 4, stride=2)(tg.ones(2, 8, 6, 6)).shape
    (2, 16, 3, 3)
    """

    expansion = 4

    def __init__(self, in_channels: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        out_channels = channels * self.expansion
        self.conv1 = nn.Conv2d(in_channels, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU()
        self.downsample = _shortcut(in_channels, out_channels, stride)

    def residual(self, x: Tensor) -> Tensor:
        """F(x)."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        result: Tensor = self.bn3(self.conv3(x))
        return result

    def forward(self, x: Tensor) -> Tensor:
        """ReLU(x + F(x))."""
        shortcut = x if self.downsample is None else self.downsample(x)
        result: Tensor = self.relu(self.residual(x) + shortcut)
        return result


def _shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Sequential | None:
    """What gives the input of a block the shape of its output; None if it has it."""
    if stride == 1 and in_channels == out_channels:
        return None
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
        nn.BatchNorm2d(out_channels),
    )


class ResNet(nn.Module):
    """ResNet-18, 34, 50, 101 or 152: a convolution, four stages of blocks, one affine layer.

    (N, in_channels, H, W) becomes (N, num_classes); in the paper H = W = 224. Up to 34 layers the
    blocks are BasicBlock, from 50 on Bottleneck.

    Args:
        depth: the number of layers with weights: 18, 34, 50, 101 or 152.
        num_classes: the number of classes.
        zero_init_residual: start each block as the identity: the weight of its last normalisation
            is 0.
        in_channels: 3 for coloured images.
        width: a factor of all channels, for small versions.

    Structure, initial weights and parameter names are those of torchvision: 11,689,512 parameters
    for ResNet-18, 25,557,032 for ResNet-50. Raises ValueError for another depth. Source: He et al.,
    "Deep residual learning for image recognition", 2015. PyTorch: `torchvision.models.resnet18` and
    its like.

    >>> from tinygrad_edu.course.models import ResNet
    >>> ResNet(18, 10, in_channels=1, width=1 / 8)(tg.ones(2, 1, 32, 32)).shape
    (2, 10)
    """

    basic: type[BasicBlock] = BasicBlock
    bottleneck: type[Bottleneck] = Bottleneck

    def __init__(
        self,
        depth: int = 18,
        num_classes: int = 1000,
        zero_init_residual: bool = False,
        *,
        in_channels: int = 3,
        width: float = 1.0,
    ) -> None:
        super().__init__()
        plans: dict[int, tuple[type[BasicBlock] | type[Bottleneck], tuple[int, ...]]] = {
            18: (self.basic, (2, 2, 2, 2)),
            34: (self.basic, (3, 4, 6, 3)),
            50: (self.bottleneck, (3, 4, 6, 3)),
            101: (self.bottleneck, (3, 4, 23, 3)),
            152: (self.bottleneck, (3, 8, 36, 3)),
        }
        if depth not in plans:
            known = ", ".join(map(str, plans))
            raise ValueError(f"{type(self).__name__} has a depth of {known}; got {depth!r}.")
        block, counts = plans[depth]
        c1, c2, c3, c4 = scaled(width, 64, 128, 256, 512)
        self.conv1 = nn.Conv2d(in_channels, c1, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(c1)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = _stage(block, c1, c1, counts[0], stride=1)
        self.layer2 = _stage(block, c1 * block.expansion, c2, counts[1], stride=2)
        self.layer3 = _stage(block, c2 * block.expansion, c3, counts[2], stride=2)
        self.layer4 = _stage(block, c3 * block.expansion, c4, counts[3], stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(c4 * block.expansion, num_classes)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        if zero_init_residual:
            last = "bn2.weight" if issubclass(block, BasicBlock) else "bn3.weight"
            for name, parameter in self.named_parameters():
                if name.startswith("layer") and name.endswith(last):
                    init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        """The logits."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        logits: Tensor = self.fc(self.avgpool(x).flatten(1))
        return logits


def _stage(
    block: type[BasicBlock] | type[Bottleneck],
    in_channels: int,
    channels: int,
    count: int,
    stride: int,
) -> nn.Sequential:
    """So many blocks in a row, the first of which changes the size."""
    first = block(in_channels, channels, stride)
    more = [block(channels * block.expansion, channels) for _ in range(count - 1)]
    return nn.Sequential(first, *more)
