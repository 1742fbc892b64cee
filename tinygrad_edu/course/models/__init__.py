"""The networks of the course, built from the public layers only.

Those that torchvision has too have its structure and parameter names: its state_dicts fit.
"""

from .alexnet import AlexNet
from .googlenet import GoogLeNet
from .lenet import LeNet
from .multilayer import MultiLayerNet
from .resnet import ResNet
from .se_resnet import SEResNet
from .simple_convnet import SimpleConvNet
from .vgg import VGG
from .zfnet import ZFNet

__all__ = [
    "VGG",
    "AlexNet",
    "GoogLeNet",
    "LeNet",
    "MultiLayerNet",
    "ResNet",
    "SEResNet",
    "SimpleConvNet",
    "ZFNet",
]
