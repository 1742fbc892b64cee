"""How many multiply-adds one call of a layer takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from ... import nn
from ...nn import Module
from ...nn.batchnorm import ChannelNorm
from ...nn.utils.rnn import PackedSequence

__all__ = ["multiply_adds"]

Given = dict[str | int, Any]  # the arguments of a call, by place and by name


def multiply_adds(
    module: Module, args: Sequence[Any], kwargs: Mapping[str, Any], output: Any
) -> int:
    """The multiply-adds of one call of a layer; 0 for what is not listed here.

    A number in a weight matrix or kernel counts once for every place where it is applied:

        Linear, recurrent layers, cells   each sample and each step
        convolutions                      each position of the output (transposed: of the input)
        Bilinear                          each sample, and x1ᵀA times x2
        MultiheadAttention                each step; and the scores q·k, and the sum over values
        batch, layer, group... norms      2 for each element: variance, and scale with shift; 1 if
                                          the running statistics are used

    Biases, activations, pooling, embeddings, and what a `forward` computes without layers are not
    counted.

    >>> from tinygrad_edu.viz.summary.multiply_adds import multiply_adds
    >>> layer, x = nn.Linear(784, 10), tg.ones(64, 784)
    >>> multiply_adds(layer, [x], {}, layer(x)) == 64 * 784 * 10
    True
    """
    given: Given = dict(enumerate(args))
    given.update(kwargs)
    for classes, count in _COUNTS:
        if isinstance(module, classes):
            return int(count(module, given, output))
    return 0


def _input(given: Given, place: int = 0, name: str = "input") -> Any:
    return given[place] if place in given else given.get(name)


def _numel(value: Any) -> int:
    """Elements of a tensor, or of the data of a packed sequence."""
    return prod(value.data.shape if isinstance(value, PackedSequence) else value.shape)


def _linear(module: Any, given: Given, output: Any) -> Any:  # noqa: ARG001
    return _numel(output) * module.in_features


def _bilinear(module: Any, given: Given, output: Any) -> Any:  # noqa: ARG001
    return _numel(output) * (module.in1_features + 1) * module.in2_features


def _convolution(module: Any, given: Given, output: Any) -> Any:  # noqa: ARG001
    return _numel(output) * (module.in_channels // module.groups) * prod(module.kernel_size)


def _transposed(module: Any, given: Given, output: Any) -> Any:  # noqa: ARG001
    positions = _numel(_input(given))
    return positions * (module.out_channels // module.groups) * prod(module.kernel_size)


def _recurrent(module: Any, given: Given, output: Any) -> Any:  # noqa: ARG001
    steps = _numel(_input(given)) // module.input_size
    matrices = (w for weights in module.all_weights for w in weights if w.ndim == 2)
    return steps * sum(_numel(weight) for weight in matrices)


def _cell(module: Any, given: Given, output: Any) -> Any:  # noqa: ARG001
    samples = _numel(_input(given)) // module.input_size
    return samples * (_numel(module.weight_ih) + _numel(module.weight_hh))


def _attention(module: Any, given: Given, output: Any) -> Any:  # noqa: ARG001
    query, key, value = (_input(given, i, name) for i, name in enumerate(("query", "key", "value")))
    size = module.embed_dim
    batch = 1
    if query.ndim == 3:
        batch = query.shape[0 if module.batch_first else 1]
    queries, keys = _numel(query) // size, _numel(key) // module.kdim  # of the whole batch
    projected = 2 * queries * size * size + keys * module.kdim * size
    projected += _numel(value) // module.vdim * module.vdim * size
    seen = keys // batch + (module.bias_k is not None) + bool(module.add_zero_attn)
    return projected + 2 * queries * seen * size


def _norm(module: Any, given: Given, output: Any) -> Any:  # noqa: ARG001
    tracked = isinstance(module, ChannelNorm) and module.running_mean is not None
    return _numel(output) * (1 if tracked and not module.training else 2)


Count = Callable[[Any, Given, Any], Any]
_COUNTS: tuple[tuple[type | tuple[type, ...], Count], ...] = (
    (nn.Linear, _linear),
    (nn.Bilinear, _bilinear),
    ((nn.Conv1d, nn.Conv2d), _convolution),
    ((nn.ConvTranspose1d, nn.ConvTranspose2d), _transposed),
    (nn.RNNBase, _recurrent),
    (nn.RNNCellBase, _cell),
    (nn.MultiheadAttention, _attention),
    ((ChannelNorm, nn.LayerNorm, nn.RMSNorm, nn.GroupNorm), _norm),
)
