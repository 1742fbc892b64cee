"""LeNet, the first convolutional network in use."""

from __future__ import annotations

from ... import nn
from ...tensor import Tensor

__all__ = ["LeNet"]


class LeNet(nn.Module):
    """LeNet-5: two convolutions with pooling, then three affine layers; for images of 28×28.

    (N, in_channels, 28, 28) becomes (N, num_classes). A border of 2 makes the images the 32×32 of
    the paper. The pooling is a plain mean, the second convolution sees all six maps, and the last
    layer is affine, as in today's descriptions: 61,706 parameters. The activation is tanh: ReLU
    came later.

    Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998.

    >>> from tinygrad_edu.course.models import LeNet
    >>> model = LeNet()
    >>> model(tg.ones(2, 1, 28, 28)).shape, sum(p.numel() for p in model.parameters())
    ((2, 10), 61706)
    """

    def __init__(self, num_classes: int = 10, *, in_channels: int = 1) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, 6, 5, padding=2),
            nn.Tanh(),
            nn.AvgPool2d(2),
            nn.Conv2d(6, 16, 5),
            nn.Tanh(),
            nn.AvgPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Linear(16 * 5 * 5, 120),
            nn.Tanh(),
            nn.Linear(120, 84),
            nn.Tanh(),
            nn.Linear(84, num_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The logits."""
        logits: Tensor = self.classifier(self.features(x).flatten(1))
        return logits
