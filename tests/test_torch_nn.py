"""Agreement of nn.functional and the layers with PyTorch: values and two derivatives."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F

pytestmark = pytest.mark.torch


@dataclass(frozen=True)
class Row:
    """A function of both libraries, with a maker of arguments: arrays and keywords.

    Arguments of a floating type are differentiated, but those named in `constant` (by position).
    """

    name: str
    arguments: Callable[[np.random.Generator], tuple[list[Any], dict[str, Any]]]
    constant: tuple[int, ...] = ()
    second: bool = True
    warns: bool = False
    tensors: tuple[str, ...] = field(default=())  # keywords that are tensors

    def __str__(self) -> str:
        return self.name


def rows(*shape: int, scale: float = 2.0, **choices: Any) -> Callable[[np.random.Generator], Any]:
    """One array of this shape; keywords drawn from lists."""
    return lambda rng: (
        [rng.normal(size=shape) * scale],
        {name: values[rng.integers(len(values))] for name, values in choices.items()},
    )


def pairs(*shape: int, low: float | None = None, **choices: Any) -> Callable[..., Any]:
    """Two arrays of this shape, normal or uniform on [low, 1); keywords drawn from lists."""

    def make(rng: np.random.Generator) -> Any:
        draw = rng.normal if low is None else rng.random
        arrays = [draw(size=shape) * (1 - (low or 0)) + (low or 0) for _ in range(2)]
        return arrays, {name: values[rng.integers(len(values))] for name, values in choices.items()}

    return make


REDUCTIONS = ["none", "mean", "sum"]


def labelled(
    classes: int, *more: int, weighted: bool = True, **choices: Any
) -> Callable[[np.random.Generator], Any]:
    """Scores (N, C, ...) and classes (N, ...), some ignored; weights of the classes, or not."""

    def make(rng: np.random.Generator) -> Any:
        target = rng.integers(0, classes, (6, *more))
        options = {name: values[rng.integers(len(values))] for name, values in choices.items()}
        options["reduction"] = REDUCTIONS[rng.integers(3)]
        if rng.random() < 0.5:
            options["ignore_index"] = int(rng.choice([-100, 1]))
            target[rng.random(target.shape) < 0.3] = options["ignore_index"]
        if weighted and rng.random() < 0.5:
            options["weight"] = rng.random(classes) + 0.1
        return [rng.normal(size=(6, classes, *more)), target], options

    return make


def signs(*shape: int, inputs: int = 1, target: tuple[int, ...] | None = None, **choices: Any):
    """Inputs of this shape and a target of 1 and -1."""

    def make(rng: np.random.Generator) -> Any:
        sides = rng.choice([-1.0, 1.0], shape if target is None else target)
        options = {name: values[rng.integers(len(values))] for name, values in choices.items()}
        return [*(rng.normal(size=shape) for _ in range(inputs)), sides], options

    return make


def probabilities(rng: np.random.Generator) -> Any:
    scores = np.exp(rng.normal(size=(6, 5)))
    options = {"reduction": REDUCTIONS[rng.integers(3)], "label_smoothing": rng.choice([0.0, 0.3])}
    if rng.random() < 0.5:
        options["weight"] = rng.random(5) + 0.1
    return [rng.normal(size=(6, 5)), scores / scores.sum(1, keepdims=True)], options


def linear_arguments(rng: np.random.Generator) -> Any:
    lead = tuple(rng.integers(1, 4, rng.integers(0, 4)))
    weight = rng.normal(size=(4, 3))
    bias = [rng.normal(size=4)] if rng.random() < 0.7 else []
    return [rng.normal(size=(*lead, 3)), weight, *bias], {}


def bilinear_arguments(rng: np.random.Generator) -> Any:
    lead = tuple(rng.integers(1, 4, rng.integers(1, 3)))
    arrays = [rng.normal(size=shape) for shape in ((*lead, 2), (*lead, 3), (4, 2, 3), (4,))]
    return arrays, {}


def batch_norm_arguments(rng: np.random.Generator) -> Any:
    shape = (5, 3, *rng.integers(1, 4, rng.integers(0, 3)))
    training = bool(rng.integers(2))
    stats = [rng.normal(size=3), rng.random(3) + 0.5]
    affine = [rng.normal(size=3), rng.normal(size=3)] if rng.random() < 0.7 else [None, None]
    return [rng.normal(size=shape), *stats, *affine], {
        "training": training,
        "momentum": float(rng.random()),
        "eps": float(rng.choice([1e-5, 0.1])),
    }


def gaussian(rng: np.random.Generator) -> Any:
    shape = [(4, 3), (4, 1), (4,)][rng.integers(3)]
    options = {"full": bool(rng.integers(2)), "reduction": REDUCTIONS[rng.integers(3)]}
    return [rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), rng.random(shape) + 0.2], options


def binary(rng: np.random.Generator, logits: bool) -> Any:
    options: dict[str, Any] = {"reduction": REDUCTIONS[rng.integers(3)]}
    if rng.random() < 0.5:
        options["weight"] = rng.random(3)
    if logits and rng.random() < 0.5:
        options["pos_weight"] = rng.random(3) + 0.5
    x = rng.normal(size=(4, 3)) * 3 if logits else rng.random((4, 3)) * 0.98 + 0.01
    return [x, rng.random((4, 3))], options


def logarithms(rng: np.random.Generator) -> Any:
    x, t = (rng.normal(size=(4, 3)) for _ in range(2))
    log_target = bool(rng.integers(2))
    options = {"log_target": log_target, "reduction": ["none", "sum", "batchmean"][rng.integers(3)]}
    return [x, t if log_target else np.exp(t)], options


def multilabel(rng: np.random.Generator) -> Any:
    target = np.stack([rng.permutation(5) for _ in range(4)])
    target[np.arange(5) >= rng.integers(0, 6, (4, 1))] = -1
    return [rng.normal(size=(4, 5)), target], {"reduction": REDUCTIONS[rng.integers(3)]}


def triplets(rng: np.random.Generator) -> Any:
    options = {
        "margin": 1.5,
        "p": float(rng.choice([1.0, 2.0, 3.0])),
        "swap": bool(rng.integers(2)),
        "reduction": REDUCTIONS[rng.integers(3)],
    }
    return [rng.normal(size=(6, 3)) for _ in range(3)], options


R = {"reduction": REDUCTIONS}
WITHOUT_ARGUMENTS = ["relu", "relu6", "selu", "silu", "mish", "logsigmoid", "softsign"]
WITHOUT_ARGUMENTS += ["tanhshrink", "sigmoid", "tanh"]
WEIGHT = ("weight",)
ROWS = [
    # Activations.
    *(Row(name, rows(3, 4)) for name in WITHOUT_ARGUMENTS),
    Row("leaky_relu", rows(3, 4, negative_slope=[0.01, 0.0, -0.5, 1.5])),
    Row("rrelu", rows(3, 4, lower=[0.1, 0.2], upper=[0.3, 0.4])),
    Row("elu", rows(3, 4, alpha=[1.0, 0.5, 2.0])),
    Row("celu", rows(3, 4, alpha=[1.0, 0.5, -2.0])),
    Row("gelu", rows(3, 4, approximate=["none", "tanh"])),
    Row("softplus", rows(3, 4, scale=8, beta=[1.0, 2.0, 0.5], threshold=[20.0, 5.0])),
    Row("hardtanh", rows(3, 4, min_val=[-1.0, -2.0], max_val=[1.0, 0.5])),
    Row("hardsigmoid", rows(3, 4), second=False),
    Row("hardswish", rows(3, 4)),
    Row("hardshrink", rows(3, 4, lambd=[0.5, 1.0])),
    Row("softshrink", rows(3, 4, lambd=[0.5, 0.0])),
    Row("threshold", rows(3, 4, threshold=[0.1, -1.0], value=[3.0, 0.0])),
    Row("glu", rows(2, 4, 6, dim=[-1, 1, 0])),
    Row(
        "prelu",
        lambda rng: ([rng.normal(size=(4, 3, 2)), rng.normal(size=[1, 3][rng.integers(2)])], {}),
    ),
    *(Row(name, rows(3, 4, 2, dim=[0, 1, -1])) for name in ("softmax", "log_softmax", "softmin")),
    # Layers.
    Row("linear", linear_arguments),
    Row("bilinear", bilinear_arguments),
    Row("batch_norm", batch_norm_arguments, constant=(1, 2)),
    Row("normalize", rows(3, 4, p=[1.0, 2.0, 3.0], dim=[0, 1])),
    Row("cosine_similarity", pairs(3, 4, dim=[0, 1])),
    Row("pairwise_distance", pairs(3, 4, p=[1.0, 2.0, 3.0], keepdim=[True, False])),
    # Losses.
    Row("mse_loss", pairs(3, 4, **R)),
    Row("l1_loss", pairs(3, 4, **R)),
    Row("smooth_l1_loss", pairs(3, 4, beta=[1.0, 0.5, 0.0], **R)),
    Row("huber_loss", pairs(3, 4, delta=[1.0, 0.5], **R)),
    Row("kl_div", logarithms),
    Row("binary_cross_entropy", lambda rng: binary(rng, False), tensors=WEIGHT),
    Row(
        "binary_cross_entropy_with_logits",
        lambda rng: binary(rng, True),
        tensors=("weight", "pos_weight"),
    ),
    Row("nll_loss", labelled(5), tensors=WEIGHT),
    Row("nll_loss", labelled(5, 2, 3), tensors=WEIGHT),
    Row("cross_entropy", labelled(5, label_smoothing=[0.0, 0.2]), tensors=WEIGHT),
    Row("cross_entropy", labelled(4, 2, 3, label_smoothing=[0.0, 0.2]), tensors=WEIGHT),
    Row("cross_entropy", probabilities, tensors=WEIGHT),
    Row("poisson_nll_loss", pairs(3, 4, low=0.1, log_input=[True, False], full=[True, False], **R)),
    Row("gaussian_nll_loss", gaussian),
    Row("margin_ranking_loss", signs(6, inputs=2, margin=[0.0, 0.5], **R), constant=(2,)),
    Row("hinge_embedding_loss", signs(3, 4, margin=[1.0, 0.5], **R), constant=(1,)),
    Row("soft_margin_loss", signs(3, 4, **R), constant=(1,)),
    Row(
        "cosine_embedding_loss",
        signs(5, 3, inputs=2, target=(5,), margin=[0.0, 0.3], **R),
        constant=(2,),
    ),
    Row("multilabel_soft_margin_loss", pairs(3, 4, low=0.0, **R)),
    Row("multi_margin_loss", labelled(5), tensors=WEIGHT, second=False),
    Row("multilabel_margin_loss", multilabel, second=False),
    Row("triplet_margin_loss", triplets),
]
IDS = [
    f"{row.name}-{sum(other.name == row.name for other in ROWS[:i])}" for i, row in enumerate(ROWS)
]


def evaluate(library, function, row, arrays, options):
    """Result, gradients of a weighted sum of it, and gradients of the sum of squares of those."""
    tensor = tg.tensor if library is tg else library.tensor
    values = []
    for place, array in enumerate(arrays):
        x = None if array is None else tensor(np.array(array))
        if x is not None and np.asarray(array).dtype.kind == "f" and place not in row.constant:
            x.requires_grad_()
        values.append(x)
    options = {
        name: tensor(np.array(v)) if name in row.tensors else v for name, v in options.items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = function(*values, **options)
    leaves = [x for x in values if x is not None and x.requires_grad]
    weights = np.cos(np.arange(max(result.numel(), 1), dtype=float))[: result.numel()]
    total = (result * tensor(weights.reshape(tuple(result.shape)))).sum()
    first = library.autograd.grad(total, leaves, create_graph=row.second, allow_unused=True)
    found = [result, *first]
    if row.second:
        squares = [(g * g).sum() for g in first if g is not None and g.requires_grad]
        unused = [None] * len(leaves)
        found += (
            library.autograd.grad(sum(squares), leaves, allow_unused=True) if squares else unused
        )
    buffers = [x for place, x in enumerate(values) if place in row.constant]
    return [
        None if x is None else np.array(x.detach().numpy(force=True)) for x in (*found, *buffers)
    ]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_function_agrees_with_pytorch(row, seed):
    import torch

    rng = np.random.default_rng(seed)
    arrays, options = row.arguments(rng)
    if row.name == "multi_margin_loss":
        options.pop("ignore_index", None)
        arrays[1] = np.where(arrays[1] < 0, 0, arrays[1])
        options["p"] = int(rng.integers(1, 3))
    ours = evaluate(tg, getattr(F, row.name), row, arrays, options)
    theirs = evaluate(torch, getattr(torch.nn.functional, row.name), row, arrays, options)
    for place, (x, y) in enumerate(zip(ours, theirs, strict=True)):
        # An unused input has no gradient in one library, and one of zeros in the other. PyTorch's
        # hardsigmoid has a slope of 1/6 in float32, for all types.
        np.testing.assert_allclose(
            0.0 if x is None else x,
            0.0 if y is None else y,
            rtol=1e-7,
            atol=1e-10,
            err_msg=f"{options}, output {place}",
        )


SPECIAL = [0.0, -0.0, 1e-30, 1.0, -1.0, 3.0, -3.0, 30.0, -30.0, 1000.0, -1000.0]
SPECIAL += [np.inf, -np.inf, np.nan]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "name",
    [
        *WITHOUT_ARGUMENTS,
        "elu",
        "celu",
        "gelu",
        "hardswish",
        "hardtanh",
        "hardshrink",
        "softshrink",
        "softplus",
        "leaky_relu",
        "hardsigmoid",
    ],
)
def test_activation_agrees_at_special_values(name, dtype):
    import torch

    x = tg.tensor(SPECIAL, dtype=dtype)
    y = torch.tensor(SPECIAL, dtype=getattr(torch, dtype))
    ours, theirs = getattr(F, name)(x), getattr(torch.nn.functional, name)(y)
    # PyTorch's float32 gelu answers NaN at infinity and has 4 digits at -3.
    wrong = name == "gelu" and dtype == "float32"
    keep = np.isfinite(x.numpy()) if wrong else np.full(len(SPECIAL), True)
    np.testing.assert_allclose(
        ours.numpy()[keep], theirs.numpy()[keep], rtol=1e-5, atol=1e-6 if wrong else 1e-7
    )


@pytest.mark.parametrize("name", ["erf", "erfc"])
def test_error_functions_agree(name):
    import torch

    x = np.linspace(-6, 6, 2001)
    ours = getattr(tg, name)(tg.tensor(x)).numpy()
    np.testing.assert_allclose(ours, getattr(torch, name)(torch.tensor(x)).numpy(), rtol=1e-13)


LAYERS = [
    ("Linear", (4, 3), (5, 4)),
    ("Linear", (4, 3, False), (2, 5, 4)),
    ("PReLU", (3,), (5, 3)),
    ("BatchNorm1d", (4,), (5, 4)),
    ("BatchNorm1d", (4, 1e-3, None), (5, 4, 2)),
    ("BatchNorm1d", (4, 1e-5, 0.1, False), (5, 4)),
    ("BatchNorm1d", (4, 1e-5, 0.1, True, False), (5, 4)),
    ("BatchNorm2d", (4,), (5, 4, 2, 3)),
]


@pytest.mark.parametrize(("name", "arguments", "shape"), LAYERS)
def test_layer_agrees_over_three_steps_and_in_evaluation(name, arguments, shape):
    import torch

    rng = np.random.default_rng(0)
    theirs = getattr(torch.nn, name)(*arguments)
    ours = getattr(nn, name)(*arguments)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(
        {key: tg.tensor(value.numpy()) for key, value in theirs.state_dict().items()}
    )
    for _ in range(3):
        array = rng.normal(size=shape).astype(np.float32)
        x, y = tg.tensor(array, requires_grad=True), torch.tensor(array, requires_grad=True)
        a, b = ours(x), theirs(y)
        (a**3).sum().backward()
        (b**3).sum().backward()
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), rtol=1e-3, atol=1e-4)
    for (key, x), y in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(
            x.grad.numpy(), y.grad.numpy(), rtol=1e-3, atol=1e-4, err_msg=key
        )
    for (key, x), y in zip(ours.named_buffers(), theirs.buffers(), strict=True):
        np.testing.assert_allclose(x.numpy(), y.numpy(), rtol=1e-5, atol=1e-6, err_msg=key)
    x = rng.normal(size=shape).astype(np.float32)
    a, b = ours.eval()(tg.tensor(x)), theirs.eval()(torch.tensor(x))
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-4, atol=1e-5)


PLAIN = [
    ("Threshold", (0.1, 20)),
    ("Unflatten", (1, (2, 3))),
    ("Bilinear", (2, 3, 4)),
    *((name, (1,)) for name in ("Softmax", "Softmin", "LogSoftmax")),
    *(
        (name, ())
        for name in [
            "ReLU",
            "ReLU6",
            "LeakyReLU",
            "RReLU",
            "ELU",
            "CELU",
            "SELU",
            "GELU",
            "SiLU",
            "Mish",
            "Sigmoid",
            "LogSigmoid",
            "Tanh",
            "Tanhshrink",
            "Softsign",
            "Softplus",
            "Hardtanh",
            "Hardsigmoid",
            "Hardswish",
            "Hardshrink",
            "Softshrink",
            "GLU",
            "Softmax2d",
            "Flatten",
            "Identity",
            "Dropout",
            "Dropout1d",
            "Dropout2d",
            "Dropout3d",
            "AlphaDropout",
            "FeatureAlphaDropout",
            "MSELoss",
            "CrossEntropyLoss",
            "CosineSimilarity",
            "PairwiseDistance",
        ]
    ),
]


@pytest.mark.parametrize(("name", "arguments"), PLAIN)
def test_layers_are_shown_as_in_pytorch(name, arguments):
    import torch

    assert repr(getattr(nn, name)(*arguments)) == repr(getattr(torch.nn, name)(*arguments))


@pytest.mark.parametrize("name", ["ReLU", "ELU", "Hardtanh", "Dropout", "SiLU", "RReLU"])
def test_in_place_layers_are_shown_as_in_pytorch(name):
    import torch

    ours = getattr(nn, name)(inplace=True)
    assert repr(ours) == repr(getattr(torch.nn, name)(inplace=True))


@pytest.mark.parametrize("name", ["alpha_dropout", "dropout"])
def test_dropped_and_kept_elements_have_the_values_of_pytorch(name):
    import torch

    ours = getattr(F, name)(tg.ones(2000), 0.3, training=True).numpy()
    theirs = getattr(torch.nn.functional, name)(torch.ones(2000), 0.3, training=True).numpy()
    np.testing.assert_allclose(np.unique(ours), np.unique(theirs), rtol=1e-6)
