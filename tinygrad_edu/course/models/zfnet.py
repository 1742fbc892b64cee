"""ZFNet, of ILSVRC 2013."""

from __future__ import annotations

from ... import nn
from ...tensor import Tensor
from .scaling import scaled

__all__ = ["ZFNet"]


class ZFNet(nn.Module):
    """ZFNet: AlexNet with a finer first layer, 7×7 filters with stride 2 instead of 11×11 with 4.

    (N, in_channels, H, W) becomes (N, num_classes); H and W are at least 53, in the paper 224.
    After the first two poolings, the responses are normalised across neighbouring channels.

    Args:
        num_classes: the number of classes.
        dropout: the share of units that are dropped behind the first two affine layers.
        in_channels: 3 for coloured images.
        width: a factor of all channels and hidden units, for small versions.

    62,357,608 parameters. Source: Zeiler, Fergus, "Visualizing and understanding convolutional
    networks", 2013, figure 3.

    >>> from tinygrad_edu.course.models import ZFNet
    >>> ZFNet(10, in_channels=1, width=1 / 8).eval()(tg.ones(2, 1, 64, 64)).shape
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
        c1, c2, c3, units = scaled(width, 96, 256, 384, 4096)
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, c1, 7, stride=2, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
            nn.LocalResponseNorm(5),
            nn.Conv2d(c1, c2, 5, stride=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
            nn.LocalResponseNorm(5),
            nn.Conv2d(c2, c3, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(c3, c3, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(c3, c2, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
        )
        # Does nothing to images of 224×224, and lets others in.
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            nn.Linear(c2 * 6 * 6, units),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(units, units),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(units, num_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The logits."""
        logits: Tensor = self.classifier(self.avgpool(self.features(x)).flatten(1))
        return logits
