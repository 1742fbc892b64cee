"""The course's fully connected network."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ... import nn
from ...nn import init

__all__ = ["MultiLayerNet", "initialise"]

_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
}


class MultiLayerNet(nn.Sequential):
    """Linear layers with an activation between them: the course's MultiLayerNet.

    Args:
        input_size, hidden_size_list, output_size: the numbers of units.
        activation: "relu", "sigmoid" or "tanh"; or a class of modules of your own.
        weight_init_std: the standard deviation of the initial weights: a number, "he" (or
            "relu") for √(2/n), "xavier" (or "sigmoid") for 1/√n, where n is the number of inputs of
            a layer. Biases start at 0.
        use_batchnorm: a batch normalisation before each activation.
        dropout_ration: the share of units dropped after each activation; the course's spelling.

    Source: the course's textbook, chapter 6. The layers are those of `nn`, in this order: Linear,
    BatchNorm1d, activation, Dropout.

    >>> from tinygrad_edu.course.models import MultiLayerNet
    >>> MultiLayerNet(784, [40, 20], 10, activation="sigmoid", weight_init_std=0.01)
    MultiLayerNet(
      (0): Linear(in_features=784, out_features=40, bias=True)
      (1): Sigmoid()
      (2): Linear(in_features=40, out_features=20, bias=True)
      (3): Sigmoid()
      (4): Linear(in_features=20, out_features=10, bias=True)
    )
    """

    def __init__(
        self,
        input_size: int,
        hidden_size_list: Sequence[int],
        output_size: int,
        activation: str | Callable[[], nn.Module] = "relu",
        weight_init_std: str | float = "relu",
        use_batchnorm: bool = False,
        dropout_ration: float = 0.0,
    ) -> None:
        if isinstance(activation, str) and activation not in _ACTIVATIONS:
            raise ValueError(f"activation is one of {sorted(_ACTIVATIONS)}; got {activation!r}.")
        new_activation = _ACTIVATIONS[activation] if isinstance(activation, str) else activation
        layers: list[nn.Module] = []
        inputs = input_size
        for outputs in hidden_size_list:
            layers.append(nn.Linear(inputs, outputs))
            if use_batchnorm:
                layers.append(nn.BatchNorm1d(outputs))
            layers.append(new_activation())
            if dropout_ration:
                layers.append(nn.Dropout(dropout_ration))
            inputs = outputs
        super().__init__(*layers, nn.Linear(inputs, output_size))
        initialise(self, weight_init_std)


def initialise(model: nn.Module, std: str | float) -> None:
    """Draw the weights of all linear layers from N(0, std²), and set their biases to 0.

    "he" or "relu" is √(2/n), "xavier" or "sigmoid" is 1/√n, of n inputs. (The notes once print
    2/√n for He; √(2/n) is right.)
    """
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            init.normal_(layer.weight, std=_deviation(std, layer.in_features))
            if layer.bias is not None:
                init.zeros_(layer.bias)


def _deviation(std: str | float, inputs: int) -> float:
    if isinstance(std, str):
        scales = {"he": 2.0, "relu": 2.0, "xavier": 1.0, "sigmoid": 1.0}
        if std.lower() not in scales:
            raise ValueError(f"weight_init_std is a number, 'he' or 'xavier'; got {std!r}.")
        return float((scales[std.lower()] / inputs) ** 0.5)
    return std
