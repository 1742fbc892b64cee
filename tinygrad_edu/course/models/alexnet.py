"""AlexNet, which won ILSVRC 2012."""

from __future__ import annotations

from ... import nn
from ...tensor import Tensor
from .scaling import scaled

__all__ = ["AlexNet"]


class AlexNet(nn.Module):
    """AlexNet: five convolutions with ReLU, three poolings, three affine layers with dropout.

    (N, in_channels, H, W) becomes (N, num_classes); H and W are at least 63, in the paper 224.

    Args:
        num_classes: the number of classes.
        dropout: the share of units that are dropped in front of the first two affine layers.
        in_channels: 3 for coloured images.
        width: a factor of all channels and hidden units, for small versions.

    Structure and parameter names are those of torchvision, which follows the version for one
    processor: 61,100,840 parameters. Sources: Krizhevsky, Sutskever, Hinton, "ImageNet
    classification with deep convolutional neural networks", 2012; Krizhevsky, "One weird trick for
    parallelizing convolutional neural networks", 2014. PyTorch: `torchvision.models.AlexNet`.

    >>> from tinygrad_edu.course.models import AlexNet
    >>> AlexNet(10, in_channels=1, width=1 / 8).eval()(tg.ones(2, 1, 64, 64)).shape
    (2, 10)
    """

    def __init__(
        self,
        num_classes: int = 1000,
        dropout: float = 0.5,
        *,
        in_channels: int = 3,
        width: float = 1.0,
    ) -> None:
        super().__init__()
        c1, c2, c3, c4, units = scaled(width, 64, 192, 384, 256, 4096)
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, c1, 11, stride=4, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(c1, c2, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(c2, c3, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(c3, c4, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(c4, c4, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
        )
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(c4 * 6 * 6, units),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(units, units),
            nn.ReLU(),
            nn.Linear(units, num_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The logits."""
        logits: Tensor = self.classifier(self.avgpool(self.features(x)).flatten(1))
        return logits
