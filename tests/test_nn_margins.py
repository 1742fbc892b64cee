"""Losses of ranking, distances and counts, and what all losses refuse."""

import numpy as np
import pytest

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
from tinygrad_edu.testing import check_op


def reduced(losses, reduction):
    return {"none": lambda x: x, "mean": np.mean, "sum": np.sum}[reduction](losses)


def multilabel_margin(x, t, reduction="mean"):
    losses = []
    for row, classes in zip(x, t, strict=True):
        listed = [int(c) for c in classes[: int((np.append(classes, -1) < 0).argmax())]]
        others = [c for c in range(len(row)) if c not in listed]
        losses.append(sum(max(0.0, 1 - row[j] + row[i]) for j in listed for i in others) / len(row))
    return reduced(np.array(losses), reduction)


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
