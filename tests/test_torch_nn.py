"""Agreement with PyTorch of what the property-test cases leave out.

Losses with weights and ignored classes, running statistics; activations at special values.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from both_libraries import as_array, derivatives

import tinygrad_edu as tg
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
    tensors: tuple[str, ...] = field(default=())  # keywords that are tensors

    def __str__(self) -> str:
        return self.name


REDUCTIONS = ["none", "mean", "sum"]


def labelled(classes: int, *more: int, **choices: Any) -> Callable[[np.random.Generator], Any]:
    """Scores (N, C, ...) and classes (N, ...), some ignored; weights of the classes, or not."""

    def make(rng: np.random.Generator) -> Any:
        target = rng.integers(0, classes, (6, *more))
        options = {name: values[rng.integers(len(values))] for name, values in choices.items()}
        options["reduction"] = REDUCTIONS[rng.integers(3)]
        if rng.random() < 0.5:
            options["ignore_index"] = int(rng.choice([-100, 1]))
            target[rng.random(target.shape) < 0.3] = options["ignore_index"]
        if rng.random() < 0.5:
            options["weight"] = rng.random(classes) + 0.1
        return [rng.normal(size=(6, classes, *more)), target], options

    return make


def signs(rng: np.random.Generator) -> Any:
    options = {"margin": rng.choice([1.0, 0.5]), "reduction": REDUCTIONS[rng.integers(3)]}
    return [rng.normal(size=(3, 4)), rng.choice([-1.0, 1.0], (3, 4))], options


def probabilities(rng: np.random.Generator) -> Any:
    scores = np.exp(rng.normal(size=(6, 5)))
    options = {"reduction": REDUCTIONS[rng.integers(3)], "label_smoothing": rng.choice([0.0, 0.3])}
    if rng.random() < 0.5:
        options["weight"] = rng.random(5) + 0.1
    return [rng.normal(size=(6, 5)), scores / scores.sum(1, keepdims=True)], options


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


def binary(rng: np.random.Generator, logits: bool) -> Any:
    options: dict[str, Any] = {"reduction": REDUCTIONS[rng.integers(3)]}
    if rng.random() < 0.5:
        options["weight"] = rng.random(3)
    if logits and rng.random() < 0.5:
        options["pos_weight"] = rng.random(3) + 0.5
    x = rng.normal(size=(4, 3)) * 3 if logits else rng.random((4, 3)) * 0.98 + 0.01
    return [x, rng.random((4, 3))], options


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


WEIGHT = ("weight",)
ROWS = [
    Row("batch_norm", batch_norm_arguments, constant=(1, 2)),
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
    Row("hinge_embedding_loss", signs, constant=(1,)),
    Row("multi_margin_loss", labelled(5), tensors=WEIGHT, second=False),
    Row("multilabel_margin_loss", multilabel, second=False),
    Row("triplet_margin_loss", triplets),
]
IDS = [
    f"{row.name}-{sum(other.name == row.name for other in ROWS[:i])}" for i, row in enumerate(ROWS)
]


def evaluate(library, function, row, arrays, options):
    """Result, gradients of a weighted sum of it, and gradients of the sum of squares of those."""
    tensor = library.tensor
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
    order = 2 if row.second else 1
    grads = derivatives(library, [result], leaves, order, record_last=False)
    buffers = [x for place, x in enumerate(values) if place in row.constant]
    return [None if x is None else as_array(x) for x in (result, *grads, *buffers)]


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
        # An unused input has no gradient in one library, and one of zeros in the other.
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
        "relu",
        "relu6",
        "selu",
        "silu",
        "mish",
        "logsigmoid",
        "softsign",
        "tanhshrink",
        "sigmoid",
        "tanh",
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


@pytest.mark.parametrize("name", ["alpha_dropout", "dropout"])
def test_dropped_and_kept_elements_have_the_values_of_pytorch(name):
    import torch

    ours = getattr(F, name)(tg.ones(2000), 0.3, training=True).numpy()
    theirs = getattr(torch.nn.functional, name)(torch.ones(2000), 0.3, training=True).numpy()
    np.testing.assert_allclose(np.unique(ours), np.unique(theirs), rtol=1e-6)
