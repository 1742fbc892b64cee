"""Agreement of every layer and loss with PyTorch: names of weights, values, gradients, buffers.

A row is the constructor, written once for both libraries, and what the layer is called with: shapes
stand for normal numbers, the classes below for other things.
"""

import inspect
import re
import warnings
from dataclasses import dataclass

import numpy as np
import pytest
from both_libraries import as_array, flat

import tinygrad_edu as tg
import tinygrad_edu.nn as nn


@dataclass(frozen=True)
class Integers:
    """Integers from `low` to below `high`."""

    shape: tuple[int, ...]
    high: int
    low: int = 0


@dataclass(frozen=True)
class Chances:
    """Numbers between 0.1 and 0.9."""

    shape: tuple[int, ...]


@dataclass(frozen=True)
class Logarithms:
    """Logarithms of chances that sum to 1, as log_softmax makes them."""

    shape: tuple[int, ...]


@dataclass(frozen=True)
class Exactly:
    """These integers."""

    numbers: tuple[int, ...]


@dataclass(frozen=True)
class Signs:
    """1 and -1."""

    shape: tuple[int, ...]


@dataclass(frozen=True)
class Mask:
    """True above the diagonal."""

    size: int


ACTIVATIONS = [
    "ReLU()",
    "ReLU6()",
    "LeakyReLU(0.2)",
    "ELU(0.5)",
    "CELU(2.0)",
    "SELU()",
    "GELU()",
    'GELU("tanh")',
    "SiLU()",
    "Mish()",
    "Sigmoid()",
    "LogSigmoid()",
    "Tanh()",
    "Tanhshrink()",
    "Softsign()",
    "Softplus(2,5)",
    "Hardtanh(-2,0.5)",
    "Hardsigmoid()",
    "Hardswish()",
    "Hardshrink(0.3)",
    "Softshrink(0.3)",
    "Threshold(0.1,20)",
    "GLU(0)",
    "Softmax(1)",
    "Softmin(1)",
    "LogSoftmax(1)",
    "PReLU()",
    "PReLU(3)",
    "RReLU(0.2,0.2)",
    "ReLU(inplace=True)",
    "ELU(inplace=True)",
    "Hardtanh(inplace=True)",
    "SiLU(inplace=True)",
    "Dropout(0.0)",
    "Dropout(0.3,inplace=True)",
    "AlphaDropout(0.0)",
    "FeatureAlphaDropout(0.0)",
    "Identity()",
    "Flatten()",
    "Flatten(0)",
]
SENTENCE = (5, 2, 8)  # time, batch, features
ROWS = [
    *((layer, (4, 3)) for layer in ACTIVATIONS),
    ("Softmax2d()", (2, 3, 4, 4)),
    *((f"Dropout{d}d(0.0)", (2, 3, *[4] * d)) for d in (1, 2, 3)),
    ("Unflatten(1, (2, 3))", (4, 6)),
    ("Linear(3, 4)", (5, 3)),
    ("Linear(3, 4, bias=False)", (2, 5, 3)),
    ("Bilinear(2, 3, 4)", (5, 2), (5, 3)),
    ("Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))", (5, 3)),
    # Convolution.
    ("Conv1d(2, 4, 3)", (3, 2, 8)),
    ("Conv1d(2, 4, 3, stride=2, padding=2, dilation=2, groups=2)", (3, 2, 9)),
    ("Conv2d(2, 4, 3)", (3, 2, 6, 7)),
    ("Conv2d(2, 4, (3, 2), stride=(2, 1), padding=(1, 0), bias=False)", (2, 2, 6, 7)),
    ("Conv2d(4, 4, 3, padding='same', dilation=2, groups=4)", (2, 4, 6, 7)),
    *(
        (f"Conv{d}d(2, 3, 3, padding=1, padding_mode='{mode}')", (2, 2, *[5] * d))
        for d in (1, 2)
        for mode in ("reflect", "replicate", "circular")
    ),
    ("Conv2d(2, 3, 1)", (2, 5, 5)),
    ("ConvTranspose1d(2, 4, 3, stride=2)", (3, 2, 5)),
    ("ConvTranspose2d(2, 4, 3, stride=2, padding=1, output_padding=1)", (3, 2, 4, 5)),
    ("ConvTranspose2d(4, 6, 2, groups=2, dilation=2, bias=False)", (3, 4, 4, 5)),
    ("Unfold(2, padding=1, stride=2)", (2, 3, 5, 5)),
    ("Fold((4, 5), 2)", (2, 8, 12)),
    # Pooling and resampling.
    ("MaxPool1d(2)", (2, 3, 7)),
    ("MaxPool2d(2)", (2, 3, 6, 7)),
    ("MaxPool2d(3, 2, padding=1, ceil_mode=True)", (2, 3, 6, 7)),
    ("MaxPool2d(2, return_indices=True)", (2, 3, 6, 7)),
    ("AvgPool1d(2)", (2, 3, 7)),
    ("AvgPool2d(3, 2, padding=1, count_include_pad=False)", (2, 3, 6, 7)),
    ("LPPool1d(2, 3)", (2, 3, 7)),
    ("LPPool2d(2, 2)", (2, 3, 6, 6)),
    ("AdaptiveAvgPool1d(3)", (2, 3, 7)),
    ("AdaptiveAvgPool2d((2, None))", (2, 3, 5, 4)),
    ("AdaptiveMaxPool1d(3)", (2, 3, 7)),
    ("AdaptiveMaxPool2d(2)", (2, 3, 5, 4)),
    ("MaxUnpool1d(2)", (2, 3), Integers((2, 3), 1)),
    ("MaxUnpool2d(2)", (2, 3, 3), Integers((2, 3, 3), 1)),
    ("Upsample(scale_factor=2)", (2, 3, 3, 4)),
    ("Upsample(size=(5, 6), mode='bilinear', align_corners=True)", (2, 3, 3, 4)),
    ("UpsamplingNearest2d(scale_factor=2)", (2, 3, 3, 4)),
    ("UpsamplingBilinear2d(scale_factor=2)", (2, 3, 3, 4)),
    ("PixelShuffle(2)", (2, 8, 3, 4)),
    ("PixelUnshuffle(2)", (2, 2, 4, 6)),
    ("ChannelShuffle(2)", (2, 4, 3, 3)),
    *((f"ZeroPad{d}d(1)", (2, 3, *[4] * d)) for d in (1, 2)),
    *((f"ConstantPad{d}d(1, 3.5)", (2, 3, *[4] * d)) for d in (1, 2)),
    *(
        (f"{kind}Pad{d}d({tuple(range(1, 2 * d + 1))[: 2 * d]})", (2, 3, *[6] * d))
        for kind in ("Reflection", "Replication", "Circular")
        for d in (1, 2)
    ),
    # Normalisation.
    ("BatchNorm1d(4)", (5, 4)),
    ("BatchNorm1d(4, eps=1e-3, momentum=None)", (5, 4, 2)),
    ("BatchNorm1d(4, affine=False)", (5, 4)),
    ("BatchNorm1d(4, track_running_stats=False)", (5, 4)),
    ("BatchNorm2d(4)", (5, 4, 2, 3)),
    ("BatchNorm3d(2)", (5, 2, 2, 3, 2)),
    ("LayerNorm(4)", (5, 4)),
    ("LayerNorm((3, 4), bias=False)", (5, 3, 4)),
    ("LayerNorm(4, elementwise_affine=False)", (5, 4)),
    ("GroupNorm(2, 4)", (3, 4, 5)),
    ("GroupNorm(4, 4, affine=False)", (3, 4, 2, 2)),
    ("InstanceNorm1d(3)", (2, 3, 5)),
    ("InstanceNorm3d(2)", (2, 2, 3, 2, 2)),
    ("InstanceNorm2d(3, affine=True, track_running_stats=True)", (2, 3, 4, 4)),
    ("RMSNorm(4)", (5, 4)),
    ("RMSNorm((3, 4), eps=1e-3)", (5, 3, 4)),
    ("LocalResponseNorm(3)", (2, 5, 4, 4)),
    # Sequences.
    ("Embedding(7, 3)", Integers((4, 5), 7)),
    ("Embedding(7, 3, padding_idx=2)", Integers((4, 5), 7)),
    ("EmbeddingBag(7, 3, mode='sum')", Integers((4, 5), 7)),
    *(
        (f"{kind}(8, 6{options})", SENTENCE)
        for kind in ("RNN", "LSTM", "GRU")
        for options in (
            "",
            ", num_layers=2, bidirectional=True",
            ", bias=False",
            ", batch_first=True",
        )
    ),
    ("RNN(8, 6, nonlinearity='relu')", SENTENCE),
    ("LSTM(8, 6, proj_size=4)", SENTENCE),
    *((f"{kind}Cell(8, 6)", (2, 8)) for kind in ("RNN", "LSTM", "GRU")),
    ("MultiheadAttention(8, 2)", SENTENCE, SENTENCE, SENTENCE),
    ("MultiheadAttention(8, 2, batch_first=True, bias=False)", SENTENCE, SENTENCE, SENTENCE),
    ("MultiheadAttention(8, 2, kdim=8, vdim=6, add_bias_kv=True)", SENTENCE, SENTENCE, (5, 2, 6)),
    ("TransformerEncoderLayer(8, 2, 16, dropout=0.0)", SENTENCE),
    ("TransformerEncoderLayer(8, 2, 16, 0.0, 'gelu', norm_first=True, batch_first=True)", SENTENCE),
    ("TransformerDecoderLayer(8, 2, 16, dropout=0.0)", SENTENCE, SENTENCE),
    (
        "TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, 0.0), 2, nn.LayerNorm(8))",
        SENTENCE,
        Mask(5),
    ),
    (
        "TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16, 0.0), 2)",
        SENTENCE,
        SENTENCE,
        Mask(5),
    ),
    ("Transformer(8, 2, 1, 1, 16, 0.0)", SENTENCE, SENTENCE),
    # Losses and distances.
    *((f"{name}Loss()", (4, 3), (4, 3)) for name in ("MSE", "L1", "SmoothL1", "Huber")),
    ("CrossEntropyLoss(label_smoothing=0.1)", (4, 3), Integers((4,), 3)),
    ("NLLLoss(reduction='sum')", (4, 3), Integers((4,), 3)),
    ("BCELoss()", Chances((4, 3)), Chances((4, 3))),
    ("BCEWithLogitsLoss()", (4, 3), Chances((4, 3))),
    ("KLDivLoss(reduction='batchmean')", (4, 3), Chances((4, 3))),
    ("PoissonNLLLoss()", (4, 3), Chances((4, 3))),
    ("GaussianNLLLoss()", (4, 3), (4, 3), Chances((4, 3))),
    ("SoftMarginLoss()", (4, 3), Signs((4, 3))),
    ("HingeEmbeddingLoss()", (4, 3), Signs((4, 3))),
    ("MarginRankingLoss(0.1)", (4,), (4,), Signs((4,))),
    ("CosineEmbeddingLoss()", (4, 3), (4, 3), Signs((4,))),
    ("MultiMarginLoss()", (4, 3), Integers((4,), 3)),
    ("MultiLabelMarginLoss()", (4, 3), Integers((4, 3), 3, -1)),
    ("MultiLabelSoftMarginLoss()", (4, 3), Integers((4, 3), 2)),
    ("TripletMarginLoss()", (4, 3), (4, 3), (4, 3)),
    ("TripletMarginWithDistanceLoss()", (4, 3), (4, 3), (4, 3)),
    ("AdaptiveLogSoftmaxWithLoss(8, 10, [3, 6])", (4, 8), Integers((4,), 10)),
    *(
        (
            f"CTCLoss({options})",
            Logarithms((6, 2, 5)),
            Integers((2, 3), 5, 1),
            Exactly((6, 5)),
            Exactly((3, 2)),
        )
        for options in ("", "reduction='sum'", "reduction='none', zero_infinity=True")
    ),
    ("CosineSimilarity()", (4, 3), (4, 3)),
    ("PairwiseDistance()", (4, 3), (4, 3)),
]
# Containers and what has no PyTorch twin, and where they are tested.
ELSEWHERE = {
    "Module": "test_nn_module.py",
    "ModuleDict": "test_nn_containers.py",
    "ModuleList": "test_nn_containers.py",
    "ParameterDict": "test_nn_containers.py",
    "ParameterList": "test_nn_containers.py",
    "RNNBase": "test_nn_recurrent.py",
    "RNNCellBase": "test_nn_recurrent.py",
}


def values(spec, rng):
    """An array for the description of an input."""
    if isinstance(spec, Integers):
        return rng.integers(spec.low, spec.high, spec.shape)
    if isinstance(spec, Exactly):
        return np.array(spec.numbers)
    if isinstance(spec, Logarithms):
        return rng.normal(size=spec.shape)
    if isinstance(spec, Chances):
        return rng.uniform(0.1, 0.9, spec.shape)
    if isinstance(spec, Signs):
        return rng.choice([-1.0, 1.0], spec.shape)
    if isinstance(spec, Mask):
        return np.triu(np.ones((spec.size, spec.size), bool), 1)
    return rng.normal(size=spec)


def built(library, row):
    """The layer of a row."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return eval(f"nn.{row[0]}", {"nn": library.nn})


def passed(x, spec):
    """What a layer is called with; one that works in place must not be given a leaf."""
    if isinstance(spec, Logarithms):
        return x.log_softmax(-1)
    return x * 1 if x.requires_grad else x


def outcome(library, layer, specs, arrays):
    """Results of a call, and the gradients of the inputs."""
    inputs = [library.tensor(array) for array in arrays]
    for x, spec in zip(inputs, specs, strict=True):
        x.requires_grad_(x.is_floating_point() and not isinstance(spec, Signs))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answer = layer(*(passed(x, spec) for x, spec in zip(inputs, specs, strict=True)))
    results = [x for x in flat(answer) if x is not None]
    total = sum((x**3).sum() for x in results if x.requires_grad)
    if isinstance(total, library.Tensor):
        total.backward()
    grads = [x.grad for x in inputs if x.grad is not None]
    return [as_array(x) for x in (*results, *grads)]


IDS = [f"{i}: {row[0][:50]}" for i, row in enumerate(ROWS)]


@pytest.mark.torch
@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_layer_agrees_in_two_steps_and_in_evaluation(row):
    import torch

    rng = np.random.default_rng(0)
    theirs, ours = built(torch, row).double(), built(tg, row).double()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    weights = {key: tg.tensor(value.numpy()) for key, value in theirs.state_dict().items()}
    ours.load_state_dict(weights)
    for training in (True, True, False):
        arrays = [values(spec, rng) for spec in row[1:]]
        random = "Dropout(0.3" in row[0] and training
        expected = outcome(torch, theirs.train(training), row[1:], arrays)
        found = outcome(tg, ours.train(training), row[1:], arrays)
        if random:
            continue
        for place, (x, y) in enumerate(zip(found, expected, strict=True)):
            np.testing.assert_allclose(x, y, rtol=1e-7, atol=1e-10, err_msg=f"output {place}")
    for (key, x), y in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        ours_grad = 0.0 if x.grad is None else x.grad.numpy()
        theirs_grad = 0.0 if y.grad is None else y.grad.numpy()
        np.testing.assert_allclose(ours_grad, theirs_grad, rtol=1e-7, atol=1e-10, err_msg=key)
    for (key, x), y in zip(ours.named_buffers(), theirs.buffers(), strict=True):
        np.testing.assert_allclose(x.numpy(), y.numpy(), rtol=1e-9, atol=1e-12, err_msg=key)


@pytest.mark.torch
@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_layer_is_shown_as_in_pytorch(row):
    import torch

    theirs = repr(built(torch, row))
    assert repr(built(tg, row)) == theirs.replace("NonDynamicallyQuantizableLinear", "Linear")


@pytest.mark.torch
@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_initial_weights_have_the_types_shapes_and_spread_of_pytorch(row):
    import torch

    ours, theirs = built(tg, row), built(torch, row)
    for (key, x), (name, y) in zip(
        ours.state_dict().items(), theirs.state_dict().items(), strict=True
    ):
        assert (key, tuple(x.shape), str(x.dtype)) == (
            name,
            tuple(y.shape),
            str(y.dtype).removeprefix("torch."),
        )
        if x.numel() > 30 and y.std() > 0:
            assert 0.6 < x.std().item() / y.std().item() < 1.6, key


def test_every_layer_has_a_row():
    named = set(re.findall(r"(\w+)\(", " ".join(row[0] for row in ROWS)))
    layers = {
        name
        for name in nn.__all__
        if inspect.isclass(getattr(nn, name)) and issubclass(getattr(nn, name), nn.Module)
    }
    assert layers - named - ELSEWHERE.keys() == set()


@pytest.mark.torch
@pytest.mark.parametrize("name", [*(n for n in nn.__all__ if isinstance(getattr(nn, n), type))])
def test_constructor_takes_the_arguments_of_pytorch(name):
    import torch

    if not hasattr(torch.nn, name):
        pytest.skip("of this library alone")
    ours, theirs = arguments(getattr(nn, name)), arguments(getattr(torch.nn, name))
    assert theirs.keys() - ours.keys() - DEPRECATED == set()
    common = [each for each in ours if each in theirs]
    assert common == [each for each in theirs if each in ours]
    for each in common:
        assert ours[each] == theirs[each] or callable(theirs[each]), each


DEPRECATED = {"min_value", "max_value"}  # of Hardtanh


def arguments(cls):
    """The named arguments of a constructor and their defaults."""
    parameters = inspect.signature(cls.__init__).parameters.values()
    return {
        p.name: p.default for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    }
