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
from tinygrad_edu.testing.strategies import arrays, shapes

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
