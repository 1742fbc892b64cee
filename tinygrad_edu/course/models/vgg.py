"""VGG: 3×3 convolutions only, and more of them."""

from __future__ import annotations

from ... import nn
from ...nn import init
from ...tensor import Tensor
from .scaling import scaled

__all__ = ["VGG"]

# How many convolutions there are in front of each of the five poolings.
_BLOCKS = {
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
    19: (2, 2, 4, 4, 4),
}


class VGG(nn.Module):
    """VGG-11, 13, 16 or 19: 3×3 convolutions, five poolings, three affine layers with dropout.

    (N, in_channels, H, W) becomes (N, num_classes); H and W are at least 32, in the paper 224.

    Args:
        depth: the number of layers with weights: 11, 13, 16 or 19.
        batch_norm: a batch normalisation behind each convolution.
        num_classes: the number of classes.
        init_weights: He's initial weights for the convolutions and N(0, 0.01²) for the affine
            layers; False leaves the layers' own.
        dropout: the share of units that are dropped behind the first two affine layers.
        in_channels: 3 for coloured images.
        width: a factor of all channels and hidden units, for small versions.

    Structure, initial weights and parameter names are those of torchvision; VGG-16 has 138,357,544
    parameters, nine tenths of them in the affine layers. Raises ValueError for another depth.
    Source: Simonyan, Zisserman, "Very deep convolutional networks for large-scale image
    recognition", 2014. PyTorch: `torchvision.models.vgg16` and its like.

    >>> from tinygrad_edu.course.models import VGG
    >>> VGG(11, num_classes=10, in_channels=1, width=1 / 8).eval()(tg.ones(2, 1, 32, 32)).shape
    (2, 10)
    """

    def __init__(
        self,
        depth: int = 16,
        batch_norm: bool = False,
        num_classes: int = 1000,
        init_weights: bool = True,
        dropout: float = 0.5,
        *,
        in_channels: int = 3,
        width: float = 1.0,
    ) -> None:
        if depth not in _BLOCKS:
            raise ValueError(f"VGG has a depth of {', '.join(map(str, _BLOCKS))}; got {depth!r}.")
        super().__init__()
        *channels, units = scaled(width, 64, 128, 256, 512, 512, 4096)
        layers: list[nn.Module] = []
        inputs = in_channels
        for outputs, count in zip(channels, _BLOCKS[depth], strict=True):
            for _ in range(count):
                layers.append(nn.Conv2d(inputs, outputs, 3, padding=1))
                if batch_norm:
                    layers.append(nn.BatchNorm2d(outputs))
                layers.append(nn.ReLU())
                inputs = outputs
            layers.append(nn.MaxPool2d(2, stride=2))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(inputs * 7 * 7, units),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(units, units),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(units, num_classes),
        )
        if init_weights:
            self._initialise()

    def _initialise(self) -> None:
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(layer, nn.Linear):
                init.normal_(layer.weight, std=0.01)
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        """The logits."""
        logits: Tensor = self.classifier(self.avgpool(self.features(x)).flatten(1))
        return logits
