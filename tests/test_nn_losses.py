"""Losses: values by formula, two derivatives, reductions, edges, and what they refuse."""

import math
import warnings

import numpy as np
import pytest
from cases import Case, property_test
from hypothesis import strategies as st

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
from tinygrad_edu.testing import check_op, operations
from tinygrad_edu.testing.strategies import arrays, shapes, spread

REDUCTIONS = st.sampled_from(["none", "mean", "sum"])


def reduced(losses, reduction):
    return {"none": lambda x: x, "mean": np.mean, "sum": np.sum}[reduction](losses)


def of_pairs(term):
    """The reference of a loss with one term for each element."""
    return lambda x, t, reduction="mean", **options: reduced(term(x, t, **options), reduction)


def reductions(**values):
    """A reduction, and keywords drawn from their lists."""
    chosen = {name: st.sampled_from(choices) for name, choices in values.items()}
    return st.fixed_dictionaries({"reduction": REDUCTIONS}, optional=chosen)


@st.composite
def apart(draw, *kinks):
    """Input and target whose differences keep away from kinks."""
    shape = draw(shapes())
    x, difference = draw(arrays(shape)), draw(arrays(shape, kinks=kinks))
    return x, x - difference


@st.composite
def alike(draw, count=2, **options):
    """Several arrays of one shape."""
    return tuple(draw(arrays((count, *draw(shapes())), **options)))


@st.composite
def signed(draw, inputs, *shape, dims=None, **options):
    """Inputs and a target of 1 and -1, as integers: without a gradient."""
    found = draw(arrays((inputs, *shape), **options))
    seed = draw(st.integers(0, 1000))
    return (*found, np.random.default_rng(seed).choice([-1, 1], shape if dims is None else dims))


def log_softmax(x, dim=1):
    x = x - x.max(axis=dim, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=dim, keepdims=True))


def nll(x, target, weight=None, ignore_index=-100, reduction="mean"):
    """By the definition, sample by sample."""
    flat = np.moveaxis(x, min(1, x.ndim - 1), -1).reshape(-1, x.shape[min(1, x.ndim - 1)])
    weights = np.ones(flat.shape[1]) if weight is None else weight
    losses, scales = [], []
    for row, t in zip(flat, target.reshape(-1), strict=True):
        scales.append(0.0 if t == ignore_index else weights[t])
        losses.append(0.0 if t == ignore_index else -weights[t] * row[t])
    if reduction == "none":
        return np.reshape(losses, target.shape)
    return np.sum(losses) / (np.sum(scales) if reduction == "mean" else 1)


def cross_entropy(x, target, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    dim = min(1, x.ndim - 1)
    logs = log_softmax(x, dim)
    classes = x.shape[dim]
    weights = np.ones(classes) if weight is None else weight
    across = weights.reshape(-1, *[1] * (x.ndim - 2))
    if target.dtype.kind == "f":
        target = target * (1 - label_smoothing) + label_smoothing / classes
        return reduced(-(across * target * logs).sum(dim), reduction)
    right = nll(logs, target, weights, ignore_index, "none")
    keep = target != ignore_index
    smooth = np.where(keep, -(across * logs).sum(dim), 0)
    losses = (1 - label_smoothing) * right + label_smoothing / classes * smooth
    if reduction != "mean":
        return reduced(losses, reduction)
    return losses.sum() / weights[target[keep]].sum()


@st.composite
def classified(draw, more=None, ignored=False):
    """Scores (N, C, ...) and classes (N, ...), some of them -100 if asked for (never all)."""
    count, classes = draw(st.integers(2, 4)), draw(st.integers(1, 5))
    rest = draw(shapes(min_dims=0, max_dims=2, max_side=3)) if more is None else more
    x = draw(arrays((count, classes, *rest)))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    target = rng.integers(0, classes, (count, *rest))
    if ignored:
        target[rng.random(target.shape) < 0.4] = -100
        target[0] = 0
    return x, target


def class_weights(x, *_):
    """Optional weights of the classes, as a tensor."""
    return np.linspace(0.5, 2, x.shape[min(1, x.ndim - 1)])


def weighted(function):
    """The loss with weights that depend on the number of classes."""

    def call(x, target, **options):
        weight = tg.tensor(class_weights(x), dtype=x.dtype)
        return function(x, target, weight=weight, **options)

    return call


def weighted_reference(function):
    return lambda x, target, **options: function(x, target, weight=class_weights(x), **options)


def bce(x, t):
    return -t * np.log(x) - (1 - t) * np.log(1 - x)


def bce_logits(x, t, pos_weight=1.0):
    s = 1 / (1 + np.exp(-x))
    return -pos_weight * t * np.log(s) - (1 - t) * np.log(1 - s)


def huber(x, t, delta=1.0):
    d = np.abs(x - t)
    return np.where(d < delta, d * d / 2, delta * (d - delta / 2))


def smooth_l1(x, t, beta=1.0):
    d = np.abs(x - t)
    return np.where(d < beta, d * d / 2 / max(beta, 1e-300), d - beta / 2)


def distance(x, y):
    return np.sqrt(((x - y + 1e-6) ** 2).sum(-1))


def cosine(x, y):
    return (x * y).sum(-1) / np.sqrt((x * x).sum(-1) * (y * y).sum(-1))


def multi_margin(x, t, p=1, margin=1.0, reduction="mean"):
    right = np.take_along_axis(x, t[:, None], 1)
    excess = np.maximum(margin - right + x, 0) ** p
    np.put_along_axis(excess, t[:, None], 0, 1)
    return reduced(excess.sum(1) / x.shape[1], reduction)


def multilabel_margin(x, t, reduction="mean"):
    losses = []
    for row, classes in zip(x, t, strict=True):
        listed = [int(c) for c in classes[: int((np.append(classes, -1) < 0).argmax())]]
        others = [c for c in range(len(row)) if c not in listed]
        losses.append(sum(max(0.0, 1 - row[j] + row[i]) for j in listed for i in others) / len(row))
    return reduced(np.array(losses), reduction)


def gaussian(x, t, var, full=False, reduction="mean"):
    losses = (np.log(var) + (x - t) ** 2 / var + (math.log(2 * math.pi) if full else 0)) / 2
    return reduced(losses, reduction)


def poisson(x, t, log_input=True, full=False):
    losses = np.exp(x) - t * x if log_input else x - t * np.log(x + 1e-8)
    stirling = t * np.log(t) - t + np.log(2 * np.pi * t) / 2
    return losses + np.where(t > 1, stirling, 0) * full


CASES = [
    Case("mse_loss", F.mse_loss, alike(), of_pairs(lambda x, t: (x - t) ** 2), reductions()),
    Case("l1_loss", F.l1_loss, apart(0), of_pairs(lambda x, t: np.abs(x - t)), reductions()),
    Case(
        "smooth_l1_loss",
        F.smooth_l1_loss,
        apart(-1, -0.5, 0, 0.5, 1),
        of_pairs(smooth_l1),
        reductions(beta=[0.5, 0.0]),
    ),
    Case("huber_loss", F.huber_loss, apart(-2, -1, 1, 2), of_pairs(huber), reductions(delta=[2.0])),
    Case(
        "mse_loss, weighted",
        lambda x, t, w, **options: F.mse_loss(x, t, weight=w, **options),
        alike(3, low=0.1),
        lambda x, t, w, reduction: (
            np.sum(w * (x - t) ** 2) / np.sum(w)
            if reduction == "mean"
            else reduced(w * (x - t) ** 2, reduction)
        ),
        reductions(),
    ),
    Case(
        "huber_loss, weighted",
        lambda x, t, w, **options: F.huber_loss(x, t, weight=w, delta=20.0, **options),
        alike(3),
        lambda x, t, w, reduction: reduced(w * (x - t) ** 2 / 2, reduction),
        reductions(),
    ),
    Case(
        "kl_div",
        F.kl_div,
        alike(low=0.1),
        of_pairs(lambda x, t: t * (np.log(t) - x)),
        st.sampled_from([{"reduction": "sum"}, {"reduction": "none"}]),
    ),
    Case(
        "kl_div, log target",
        F.kl_div,
        alike(),
        of_pairs(lambda x, t, log_target: np.exp(t) * (t - x)),
        {"reduction": "sum", "log_target": True},
    ),
    Case(
        "kl_div, broadcast",
        lambda x, t: F.kl_div(x, t, reduction="batchmean"),
        st.tuples(arrays((3, 4)), arrays((4,), low=0.1)),
        lambda x, t: (t * (np.log(t) - x)).sum() / 3,
    ),
    Case(
        "binary_cross_entropy",
        F.binary_cross_entropy,
        alike(low=0, high=1),
        of_pairs(bce),
        reductions(),
    ),
    Case(
        "binary_cross_entropy_with_logits",
        F.binary_cross_entropy_with_logits,
        alike(),
        of_pairs(bce_logits),
        reductions(),
    ),
    Case(
        "binary_cross_entropy_with_logits, pos_weight",
        lambda x, t, w, **options: F.binary_cross_entropy_with_logits(
            x, t, pos_weight=w, **options
        ),
        st.tuples(arrays((3, 4)), arrays((3, 4)), arrays((4,), low=0.1)),
        lambda x, t, w, reduction: reduced(bce_logits(x, t, w), reduction),
        reductions(),
    ),
    Case(
        "binary_cross_entropy, weighted",
        F.binary_cross_entropy,
        alike(3, low=0, high=1),
        lambda x, t, w, reduction: reduced(w * bce(x, t), reduction),
        reductions(),
    ),
    # Classes.
    Case("nll_loss", F.nll_loss, classified(ignored=True), nll, reductions()),
    Case(
        "nll_loss, weighted",
        weighted(F.nll_loss),
        classified(ignored=True),
        weighted_reference(nll),
        reductions(),
    ),
    Case(
        "nll_loss of one sample",
        lambda x: F.nll_loss(x, tg.tensor(2)),
        arrays((4,)),
        lambda x: -x[2],
    ),
    Case(
        "cross_entropy", F.cross_entropy, classified(more=()), cross_entropy, {"reduction": "mean"}
    ),
    Case(
        "cross_entropy, general",
        F.cross_entropy,
        classified(ignored=True),
        cross_entropy,
        reductions(label_smoothing=[0.3]),
    ),
    Case(
        "cross_entropy, weighted",
        weighted(F.cross_entropy),
        classified(),
        weighted_reference(cross_entropy),
        reductions(label_smoothing=[0.3]),
    ),
    Case(
        "cross_entropy with probabilities",
        weighted(F.cross_entropy),
        alike(low=0.01, high=1).filter(lambda pair: pair[0].ndim),
        weighted_reference(cross_entropy),
        reductions(label_smoothing=[0.3]),
    ),
    Case(
        "cross_entropy of one sample",
        lambda x: F.cross_entropy(x, tg.tensor(1)),
        arrays((3,)),
        lambda x: -log_softmax(x, 0)[1],
    ),
    # Margins, distances, counts.
    Case(
        "margin_ranking_loss",
        F.margin_ranking_loss,
        signed(2, 5),
        lambda x, y, t, reduction, margin=0.0: reduced(
            np.maximum(0, -t * (x - y) + margin), reduction
        ),
        reductions(margin=[0.0]),
    ),
    Case(
        "hinge_embedding_loss",
        F.hinge_embedding_loss,
        signed(1, 6, kinks=(1,)),
        lambda x, t, reduction: reduced(np.where(t == 1, x, np.maximum(0, 1 - x)), reduction),
        reductions(),
    ),
    Case(
        "soft_margin_loss",
        F.soft_margin_loss,
        signed(1, 3, 2),
        of_pairs(lambda x, t: np.log(1 + np.exp(-t * x))),
        reductions(),
    ),
    Case(
        "multilabel_soft_margin_loss",
        F.multilabel_soft_margin_loss,
        arrays((2, 3, 4)).map(tuple),
        lambda x, t, reduction: reduced(bce_logits(x, t).mean(-1), reduction),
        reductions(),
    ),
    Case(
        "cosine_embedding_loss",
        F.cosine_embedding_loss,
        signed(2, 5, 3, dims=(5,)),
        lambda x, y, t, reduction, margin: reduced(
            np.where(t == 1, 1 - cosine(x, y), cosine(x, y) - margin), reduction
        ),
        st.builds(lambda reduction: {"reduction": reduction, "margin": -1.0}, REDUCTIONS),
        options={"atol": 1e-9},
    ),
    Case(
        "triplet_margin_loss",
        F.triplet_margin_loss,
        arrays((3, 4, 2)).map(tuple),
        lambda a, p, n, reduction, margin, swap=False: reduced(
            margin
            + distance(a, p)
            - (np.minimum(distance(a, n), distance(p, n)) if swap else distance(a, n)),
            reduction,
        ),
        st.builds(
            lambda reduction, swap: {"reduction": reduction, "margin": 20.0, "swap": swap},
            REDUCTIONS,
            st.booleans(),
        ),
    ),
    Case(
        "multi_margin_loss",
        F.multi_margin_loss,
        classified(more=()),
        multi_margin,
        st.builds(
            lambda reduction, p: {"reduction": reduction, "p": p, "margin": 20.0},
            REDUCTIONS,
            st.sampled_from([1, 2]),
        ),
    ),
    Case(
        "poisson_nll_loss",
        F.poisson_nll_loss,
        alike(low=0.1, kinks=(1,)),
        of_pairs(poisson),
        reductions(log_input=[False], full=[True]),
    ),
    Case(
        "gaussian_nll_loss",
        F.gaussian_nll_loss,
        alike(3, low=0.2),
        gaussian,
        reductions(full=[True]),
    ),
]
test_value_gradient_and_second_gradient = property_test(CASES)

# Fixed numbers, computed once with PyTorch 2.13 from these inputs.
X = np.cos(np.arange(12.0)).reshape(4, 3)
T = np.sin(np.arange(12.0)).reshape(4, 3)
P = np.abs(T)
CLASSES = [2, 0, 1, 2]
FIXED = [
    ("mse_loss", T, {}, 0.9468621346043534),
    ("l1_loss", T, {}, 0.8497954643584705),
    ("smooth_l1_loss", T, {"beta": 0.5}, 0.6332536387695346),
    ("huber_loss", T, {"delta": 0.5}, 0.3166268193847673),
    ("binary_cross_entropy_with_logits", P, {}, 0.7776927102632768),
    ("kl_div", P, {"reduction": "batchmean"}, -0.4011174217326406),
    ("poisson_nll_loss", P, {}, 1.2707298030816834),
    ("soft_margin_loss", np.sign(T), {}, 0.7822276765027963),
    ("cross_entropy", CLASSES, {}, 1.3513667541468104),
    ("cross_entropy", CLASSES, {"ignore_index": 2}, 1.378296167398433),
    ("cross_entropy", CLASSES, {"label_smoothing": 0.1}, 1.3386133200303034),
    ("cross_entropy", P, {"reduction": "sum"}, 9.334769454756067),
    ("nll_loss", CLASSES, {}, 0.16195284520405812),
    ("multi_margin_loss", CLASSES, {}, 0.7942010078317367),
]


@pytest.mark.parametrize(("name", "target", "options", "expected"), FIXED)
def test_loss_is_the_number_that_pytorch_computed(name, target, options, expected):
    result = getattr(F, name)(tg.tensor(X), tg.tensor(target), **options)
    assert result.item() == pytest.approx(expected, rel=1e-12)


# Squared error and its relatives.


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"])
def test_different_shapes_are_broadcast_with_a_warning_that_teaches(name):
    x, t = tg.randn(4, 1, requires_grad=True), tg.randn(4)
    with pytest.warns(
        UserWarning, match=r"the target has shape \(4,\), the input \(4, 1\)"
    ) as caught:
        loss = getattr(F, name)(x, t, reduction="none")
    assert caught[0].filename == __file__
    assert loss.shape == (4, 4)
    loss.sum().backward()
    assert x.grad.shape == (4, 1)


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"])
def test_the_mean_of_no_errors_is_nan(name):
    x = tg.ones(0, 3, requires_grad=True)
    loss = getattr(F, name)(x, tg.ones(0, 3))
    assert loss.isnan()
    loss.backward()
    assert x.grad.shape == (0, 3)


def test_integer_targets_are_compared_as_numbers():
    assert F.mse_loss(tg.tensor([1.0, 2.0]), tg.tensor([0, 0])).item() == 2.5
    with pytest.raises(RuntimeError, match="one of them must be of a floating type"):
        F.mse_loss(tg.tensor([1, 2]), tg.tensor([0, 0]))
    with pytest.raises(TypeError, match="input and target are tensors; got list"):
        F.mse_loss(tg.tensor([1.0]), [1.0])


@pytest.mark.parametrize(
    ("options", "reduction"),
    [
        ({"reduce": False}, "none"),
        ({"reduce": False, "size_average": True}, "none"),
        ({"size_average": False}, "sum"),
        ({"size_average": True}, "mean"),
        ({"reduce": True}, "mean"),
    ],
)
def test_arguments_of_old_are_translated_with_a_warning(options, reduction):
    x, t = tg.randn(3), tg.randn(3)
    with pytest.warns(UserWarning, match=f"write reduction='{reduction}'"):
        old = F.mse_loss(x, t, **options)
    assert tg.equal(old, F.mse_loss(x, t, reduction=reduction))
    with pytest.warns(UserWarning, match=f"MSELoss: .*write reduction='{reduction}'"):
        module = nn.MSELoss(**options)
    assert module.reduction == reduction


TWO = [
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
    "binary_cross_entropy",
    "kl_div",
    "soft_margin_loss",
]
TWO += [
    "binary_cross_entropy_with_logits",
    "poisson_nll_loss",
    "multilabel_soft_margin_loss",
    "hinge_embedding_loss",
]


@pytest.mark.parametrize("name", TWO)
def test_an_unknown_reduction_is_refused(name):
    with pytest.raises(
        ValueError, match=f"{name}: reduction is 'none', 'mean' or 'sum'; got 'average'"
    ):
        getattr(F, name)(tg.ones(2), tg.ones(2), reduction="average")


def test_loss_modules_compute_what_their_functions_do():
    x, t, w = tg.tensor(X), tg.tensor(P), tg.tensor([0.5, 1.0, 2.0], dtype=tg.float64)
    classes, var = tg.tensor(CLASSES), tg.tensor(P + 0.1)
    signs = tg.tensor([1.0, -1.0, 1.0, -1.0], dtype=tg.float64)
    pairs = [
        (nn.MSELoss(reduction="sum")(x, t), F.mse_loss(x, t, reduction="sum")),
        (nn.L1Loss()(x, t), F.l1_loss(x, t)),
        (nn.SmoothL1Loss(beta=0.3)(x, t), F.smooth_l1_loss(x, t, beta=0.3)),
        (nn.HuberLoss(delta=0.3)(x, t), F.huber_loss(x, t, delta=0.3)),
        (nn.CrossEntropyLoss(w)(x, classes), F.cross_entropy(x, classes, w)),
        (
            nn.CrossEntropyLoss(label_smoothing=0.2)(x, t),
            F.cross_entropy(x, t, label_smoothing=0.2),
        ),
        (nn.NLLLoss(w, ignore_index=2)(x, classes), F.nll_loss(x, classes, w, ignore_index=2)),
        (nn.BCELoss(w)(t, t), F.binary_cross_entropy(t, t, w)),
        (
            nn.BCEWithLogitsLoss(w, pos_weight=w)(x, t),
            F.binary_cross_entropy_with_logits(x, t, w, pos_weight=w),
        ),
        (nn.KLDivLoss(reduction="batchmean")(x, t), F.kl_div(x, t, reduction="batchmean")),
        (
            nn.KLDivLoss(reduction="sum", log_target=True)(x, x),
            F.kl_div(x, x, reduction="sum", log_target=True),
        ),
        (nn.PoissonNLLLoss(full=True)(x, t), F.poisson_nll_loss(x, t, full=True)),
        (nn.GaussianNLLLoss(full=True)(x, t, var), F.gaussian_nll_loss(x, t, var, full=True)),
        (nn.HingeEmbeddingLoss(0.5)(t, x.sign()), F.hinge_embedding_loss(t, x.sign(), 0.5)),
        (nn.SoftMarginLoss()(x, x.sign()), F.soft_margin_loss(x, x.sign())),
        (nn.MultiLabelSoftMarginLoss(w)(x, t), F.multilabel_soft_margin_loss(x, t, w)),
        (
            nn.MultiLabelMarginLoss()(x, classes[:, None] + tg.tensor([0, -9, 0])),
            F.multilabel_margin_loss(x, classes[:, None] + tg.tensor([0, -9, 0])),
        ),
        (nn.MultiMarginLoss(2, 0.5, w)(x, classes), F.multi_margin_loss(x, classes, 2, 0.5, w)),
        (nn.MarginRankingLoss(0.1)(x, t, x.sign()), F.margin_ranking_loss(x, t, x.sign(), 0.1)),
        (nn.CosineEmbeddingLoss(0.1)(x, t, signs), F.cosine_embedding_loss(x, t, signs, 0.1)),
        (nn.TripletMarginLoss(swap=True)(x, t, var), F.triplet_margin_loss(x, t, var, swap=True)),
        (nn.TripletMarginWithDistanceLoss()(x, t, var), F.triplet_margin_loss(x, t, var)),
        (nn.CosineSimilarity()(x, t), F.cosine_similarity(x, t)),
        (nn.PairwiseDistance(1.0)(x, t), F.pairwise_distance(x, t, 1.0)),
    ]
    for module, function in pairs:
        assert tg.equal(module, function)


def test_weights_of_a_loss_are_buffers():
    loss = nn.BCEWithLogitsLoss(tg.ones(2), pos_weight=tg.ones(2))
    assert list(loss.state_dict()) == ["weight", "pos_weight"]
    assert list(loss.parameters()) == []
    assert nn.CrossEntropyLoss().weight is None


# Cross-entropy.


def test_cross_entropy_from_logits_is_one_node_and_any_other_is_right_too():
    x = tg.randn(5, 3, requires_grad=True)
    target = tg.tensor([0, 2, 1, 1, 0])
    fused = F.cross_entropy(x, target)
    assert [node.name for node in operations(fused)] == ["CrossEntropy"]
    one_hot = F.one_hot(target).float()
    for same in (
        F.cross_entropy(x, one_hot),
        F.nll_loss(tg.log_softmax(x, 1), target),
        F.cross_entropy(x, target, reduction="none").mean(),
        F.cross_entropy(x, target, tg.ones(3)),
        F.cross_entropy(x, target.to(tg.int32)),
        F.cross_entropy(x, target, ignore_index=5),
    ):
        assert same.item() == pytest.approx(fused.item(), rel=1e-6)


def test_gradient_of_cross_entropy_is_the_error_of_the_probabilities():
    x = tg.tensor(spread((4, 3)), requires_grad=True)
    target = tg.tensor([0, 2, 1, 1])
    F.cross_entropy(x, target).backward()
    expected = (tg.softmax(x.detach(), 1) - F.one_hot(target)) / 4
    np.testing.assert_allclose(x.grad.numpy(), expected.numpy(), rtol=1e-12)


def test_cross_entropy_of_logits_of_1000():
    x = tg.tensor([[1000.0, 0.0], [-1000.0, 1000.0]], requires_grad=True)
    loss = F.cross_entropy(x, tg.tensor([1, 1]))
    loss.backward()
    assert loss.item() == 500
    assert x.grad.tolist() == [[0.5, -0.5], [0.0, 0.0]]


def test_cross_entropy_of_a_column_major_input():
    values = spread((4, 3))
    grads = []
    for array in (values, np.asfortranarray(values)):
        x = tg.from_numpy(array).requires_grad_()
        F.cross_entropy(x, tg.tensor([0, 1, 2, 0])).backward()
        grads.append(x.grad.numpy())
    np.testing.assert_allclose(*grads, rtol=1e-12)


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_cross_entropy_of_infinite_logits(reduction):
    x = tg.tensor([[-np.inf, 0.0], [0.0, -np.inf], [np.nan, 0.0]], requires_grad=True)
    target = tg.tensor([1, 1, 0])
    losses = F.cross_entropy(x, target, reduction="none").detach().numpy()
    np.testing.assert_array_equal(losses, [0, np.inf, np.nan])
    F.cross_entropy(x, target, reduction=reduction).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy()[0], [0, 0])


def test_the_mean_of_nothing_is_nan():
    x = tg.randn(3, 4, requires_grad=True)
    ignored = tg.full((3,), -100)
    for loss in (
        F.cross_entropy(x, ignored),
        F.cross_entropy(x, ignored, label_smoothing=0.1),
        F.nll_loss(x, ignored),
        F.cross_entropy(x[:0], ignored[:0]),
    ):
        assert loss.isnan()
    assert F.cross_entropy(x, ignored, reduction="sum").item() == 0
    assert F.cross_entropy(x, ignored, reduction="none").tolist() == [0.0, 0.0, 0.0]


def test_an_ignored_sample_has_no_gradient_even_where_its_logarithm_is_infinite():
    x = tg.tensor([[-np.inf, 0.0], [0.5, 0.25]], requires_grad=True)
    loss = F.nll_loss(x, tg.tensor([0, 1]), ignore_index=0)
    loss.backward()
    assert loss.item() == -0.25
    assert x.grad.tolist() == [[0.0, 0.0], [0.0, -1.0]]


def test_ignore_index_may_be_a_class():
    x = tg.randn(4, 3)
    target = tg.tensor([0, 1, 0, 2])
    expected = F.cross_entropy(x[[1, 3]], target[[1, 3]])
    assert F.cross_entropy(x, target, ignore_index=0).item() == pytest.approx(
        expected.item(), rel=1e-6
    )


def test_a_target_that_changes_before_backward_is_noticed_where_it_matters():
    x = tg.randn(2, 3, requires_grad=True)
    target = tg.tensor([0, 1])
    loss = F.cross_entropy(x, target)
    target[0] = 2
    with pytest.raises(RuntimeError, match="changed by an in-place operation"):
        loss.backward()


@pytest.mark.parametrize("wrong", [3, -1, 99])
@pytest.mark.parametrize("function", [F.cross_entropy, F.nll_loss, F.multi_margin_loss])
def test_a_target_out_of_range_is_an_index_error_that_names_the_classes(function, wrong):
    message = f"Target {wrong} is out of bounds: the input has 3 classes, 0 to 2"
    with pytest.raises(IndexError, match=message):
        function(tg.randn(2, 3), tg.tensor([0, wrong]))


@pytest.mark.parametrize(
    ("x", "target", "error", "message"),
    [
        (
            tg.ones(3, 5),
            tg.tensor([1, 2]),
            ValueError,
            r"input batch_size \(3\) to match .* takes targets of shape \(3,\); got \(2,\)",
        ),
        (
            tg.ones(3, 5),
            tg.ones(3, 5, dtype=tg.int64),
            RuntimeError,
            "One-hot targets are given as floating numbers",
        ),
        (
            tg.ones(3, 5),
            tg.ones(3),
            RuntimeError,
            r"integers of shape \(N,\); got float32 of shape \(3,\)",
        ),
        (tg.ones(3, 5), tg.ones(3, dtype=tg.bool), RuntimeError, "got bool"),
        (
            tg.ones(3, 5, dtype=tg.int64),
            tg.tensor([1, 2, 3]),
            RuntimeError,
            "the input holds floating numbers; got int64",
        ),
        (tg.ones(3, 5, 2), tg.tensor([1, 2, 3]), ValueError, r"targets of shape \(3, 2\)"),
        (tg.tensor(1.0), tg.tensor(1), RuntimeError, "a dimension for the classes"),
        (tg.tensor(1.0), tg.tensor(1.0), RuntimeError, "a dimension for the classes"),
        (tg.ones(3, 5), [1, 2, 3], TypeError, "tensors; got list"),
    ],
)
def test_cross_entropy_refuses_targets_that_do_not_fit(x, target, error, message):
    with pytest.raises(error, match=message):
        F.cross_entropy(x, target)


def test_cross_entropy_refuses_wrong_weights_and_smoothing():
    x, target = tg.randn(2, 3), tg.tensor([0, 1])
    with pytest.raises(
        RuntimeError, match=r"each of the 3 classes, shape \(3,\), .* got shape \(2,\)"
    ):
        F.cross_entropy(x, target, tg.ones(2))
    with pytest.raises(RuntimeError, match=r"the input's type float32; .* float64"):
        F.nll_loss(x, target, tg.ones(3, dtype=tg.float64))
    with pytest.raises(RuntimeError, match=r"label_smoothing lies between 0 and 1; got 1\.5"):
        F.cross_entropy(x, target, label_smoothing=1.5)


def test_hessian_of_cross_entropy_is_that_of_the_composition():
    x = spread((3, 4))
    target = tg.tensor([1, 0, 3])
    hessians = []
    for loss in (
        lambda x: F.cross_entropy(x, target),
        lambda x: -tg.log_softmax(x, 1)[[0, 1, 2], target].mean(),
    ):
        leaf = tg.tensor(x, requires_grad=True)
        (first,) = tg.autograd.grad(loss(leaf), leaf, create_graph=True)
        rows = [tg.autograd.grad(g, leaf, retain_graph=True)[0].numpy() for g in first.flatten()]
        hessians.append(np.array(rows))
    np.testing.assert_allclose(*hessians, atol=1e-14)


# Binary cross-entropy.


def test_binary_cross_entropy_is_finite_at_0_and_1():
    x = tg.tensor([0.0, 1.0, 0.0, 1.0], requires_grad=True)
    loss = F.binary_cross_entropy(x, tg.tensor([1.0, 0.0, 0.0, 1.0]), reduction="none")
    loss.sum().backward()
    assert loss.tolist() == [100.0, 100.0, 0.0, 0.0]
    np.testing.assert_allclose(x.grad.numpy(), [-1e12, 1e12, 0, 0])


def test_binary_cross_entropy_with_logits_of_1000():
    x = tg.tensor([1000.0, -1000.0, 1000.0, -1000.0], requires_grad=True)
    loss = F.binary_cross_entropy_with_logits(x, tg.tensor([1.0, 0.0, 0.0, 1.0]), reduction="none")
    loss.sum().backward()
    assert loss.tolist() == [0.0, 0.0, 1000.0, 1000.0]
    assert x.grad.tolist() == [0.0, 0.0, 1.0, -1.0]


@pytest.mark.parametrize("name", ["binary_cross_entropy", "binary_cross_entropy_with_logits"])
def test_binary_cross_entropy_refuses_different_shapes(name):
    with pytest.raises(
        ValueError, match=r"the target has shape \(4,\), the input \(4, 1\); they must be the same"
    ):
        getattr(F, name)(tg.ones(4, 1), tg.ones(4))


@pytest.mark.parametrize("value", [1.5, -0.5, np.nan])
def test_binary_cross_entropy_refuses_what_is_no_probability(value):
    with pytest.raises(RuntimeError, match=r"between 0 and 1; got .* Apply a sigmoid first"):
        F.binary_cross_entropy(tg.tensor([0.5, value]), tg.ones(2))


def test_binary_cross_entropy_refuses_integer_targets_and_weights_that_do_not_fit():
    with pytest.raises(RuntimeError, match="the input is float32, the target int64"):
        F.binary_cross_entropy(tg.tensor([0.5]), tg.tensor([1]))
    with pytest.raises(
        RuntimeError, match=r"the weight of shape \(3,\) does not fit the input's \(2,\)"
    ):
        F.binary_cross_entropy(tg.tensor([0.5, 0.5]), tg.ones(2), tg.ones(3))
    with pytest.raises(RuntimeError, match="does not fit"):
        F.binary_cross_entropy_with_logits(tg.ones(2), tg.ones(2), pos_weight=tg.ones(2, 2))


# The others.


def test_kl_div_warns_about_the_mean_and_is_0_for_equal_distributions():
    p = tg.tensor([[0.25, 0.75], [1.0, 0.0]])
    logs = (p + 1e-30).log()
    assert F.kl_div(logs, p, reduction="sum").item() == pytest.approx(0, abs=1e-6)
    with pytest.warns(UserWarning, match="reduction='batchmean'"):
        F.kl_div(logs, p)


def test_multilabel_margin_loss_by_its_definition():
    rng = np.random.default_rng(0)
    for _ in range(20):
        x, target = rng.normal(size=(3, 5)), np.stack([rng.permutation(5) for _ in range(3)])
        target[np.arange(5) >= rng.integers(0, 6, (3, 1))] = -1
        for reduction in ("none", "mean", "sum"):
            check_op(
                lambda x, t=target, r=reduction: F.multilabel_margin_loss(
                    x, tg.tensor(t), reduction=r
                ),
                x,
                reference=lambda x, t=target, r=reduction: multilabel_margin(x, t, r),
                layouts=False,
            )


def test_a_mined_triplet_takes_the_nearer_negative():
    a, p, n = tg.tensor([[0.0]]), tg.tensor([[2.0]]), tg.tensor([[3.0]])
    assert F.triplet_margin_loss(a, p, n).item() == pytest.approx(0, abs=1e-5)
    assert F.triplet_margin_loss(a, p, n, swap=True).item() == pytest.approx(2, abs=1e-5)


def test_gaussian_nll_takes_variances_of_several_shapes():
    x, t = tg.randn(4, 3), tg.randn(4, 3)
    expected = F.gaussian_nll_loss(x, t, tg.full((4, 3), 2.0))
    for var in (2.0, tg.full((4, 1), 2.0), tg.full((4,), 2.0)):
        assert F.gaussian_nll_loss(x, t, var).item() == pytest.approx(expected.item(), rel=1e-6)
    var = tg.zeros(4, 3, requires_grad=True)
    F.gaussian_nll_loss(x, t, var).backward()
    assert (var.grad != 0).all(), "the lower bound of the variance passes the gradient on"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: F.smooth_l1_loss(x, x, beta=-1), RuntimeError, "beta must not be negative"),
        (lambda x: F.huber_loss(x, x, delta=0), RuntimeError, "delta must be positive"),
        (
            lambda x: F.mse_loss(x, x, weight=tg.ones(3)),
            ValueError,
            r"the weight has shape \(3,\), the losses have \(2, 3\)",
        ),
        (lambda x: F.gaussian_nll_loss(x, x, -x), ValueError, "a variance is not negative; got -1"),
        (lambda x: F.gaussian_nll_loss(x, x, tg.ones(3)), ValueError, r"got \(3,\)"),
        (lambda x: F.margin_ranking_loss(x, x, tg.ones(3)), RuntimeError, "as many dimensions"),
        (
            lambda x: F.cosine_embedding_loss(x, x, tg.ones(3)),
            RuntimeError,
            r"\(2, 3\), \(2, 3\) and \(3,\)",
        ),
        (
            lambda x: F.triplet_margin_loss(x, x, x, margin=0),
            ValueError,
            "margin must be greater than 0, got 0",
        ),
        (lambda x: F.triplet_margin_loss(x, x, x[0]), RuntimeError, "as many dimensions"),
        (
            lambda x: F.multi_margin_loss(x, tg.tensor([0, 1]), p=3),
            ValueError,
            "only p = 1 and p = 2",
        ),
        (lambda x: F.multi_margin_loss(x, tg.tensor([0])), RuntimeError, r"\(2, 3\) and \(1,\)"),
        (
            lambda x: F.multi_margin_loss(x, tg.tensor([0, 1]), weight=tg.ones(2)),
            ValueError,
            "each of the 3 classes",
        ),
        (
            lambda x: F.multilabel_margin_loss(x, tg.tensor([0, 1])),
            RuntimeError,
            r"got \(2, 3\) and \(2,\)",
        ),
        (lambda x: nn.MultiMarginLoss(p=3), ValueError, "only p = 1 and p = 2"),
        (lambda x: nn.TripletMarginLoss(margin=0), ValueError, "greater than 0"),
        (lambda x: nn.TripletMarginWithDistanceLoss(margin=0), ValueError, "greater than 0"),
    ],
)
def test_losses_refuse_what_they_cannot_compute(call, error, message):
    with pytest.raises(error, match=message):
        call(tg.ones(2, 3))


def test_losses_of_float32_stay_float32():
    x = tg.randn(4, 3, requires_grad=True)
    target = tg.tensor(CLASSES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        losses = [getattr(F, name)(x.sigmoid(), tg.rand(4, 3)) for name in TWO]
    losses += [F.cross_entropy(x, target), F.nll_loss(x, target), F.multi_margin_loss(x, target)]
    losses += [F.cross_entropy(x, target, label_smoothing=0.1), F.gaussian_nll_loss(x, x, 1.0)]
    for loss in losses:
        loss.backward()
        assert loss.dtype == x.grad.dtype == tg.float32
