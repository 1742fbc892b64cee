"""Losses of texts and speech: CTC and the adaptive softmax."""

import itertools

import numpy as np
import pytest
from cases import Case, property_test
from hypothesis import strategies as st

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
from tinygrad_edu.testing.strategies import arrays


def read(path, blank):
    """What a path says: repetitions merged, then blanks removed."""
    return [label for label, _ in itertools.groupby(path) if label != blank]


def ctc_by_paths(x, targets, inputs, sizes, blank=0, reduction="mean", zero_infinity=False):
    """The definition: a sum over all paths through time."""
    losses = []
    for n, (length, size) in enumerate(zip(inputs, sizes, strict=True)):
        text = list(targets[n, :size])
        paths = itertools.product(range(x.shape[2]), repeat=int(length))
        total = sum(
            np.exp(sum(x[t, n, label] for t, label in enumerate(path)))
            for path in paths
            if read(path, blank) == text
        )
        losses.append(-np.log(total) if total else 0.0 if zero_infinity else np.inf)
    losses = np.array(losses)
    if reduction == "mean":
        return (losses / np.maximum(sizes, 1)).mean()
    return losses if reduction == "none" else losses.sum()


@st.composite
def speech(draw, blank=0):
    """Log-probabilities, labels and lengths: labels that fit into the time."""
    times, samples, size = draw(st.integers(3, 4)), draw(st.integers(1, 2)), draw(st.integers(0, 2))
    labels = st.sampled_from([label for label in range(3) if label != blank])
    targets = [[draw(labels) for _ in range(size)] for _ in range(samples)]
    inputs = [draw(st.integers(3, times)) for _ in range(samples)]
    sizes = [draw(st.integers(0, size)) for _ in range(samples)]
    x = draw(arrays((times, samples, 3)))
    index = np.array(targets, dtype=np.int64).reshape(samples, size)
    return x, index, np.array(inputs), np.array(sizes)


def ctc_options(*_):
    return st.fixed_dictionaries(
        {"reduction": st.sampled_from(["none", "mean", "sum"])},
        optional={"zero_infinity": st.booleans()},
    )


CASES = [
    Case("ctc_loss", F.ctc_loss, speech(), reference=ctc_by_paths, kwargs=ctc_options),
    Case(
        "ctc_loss with another blank",
        F.ctc_loss,
        speech(blank=2),
        reference=ctc_by_paths,
        kwargs={"blank": 2, "reduction": "none"},
    ),
]
test_losses_of_texts = property_test(CASES)


def test_ctc_reads_labels_in_one_piece_as_well_as_padded():
    x = tg.randn(6, 3, 4).log_softmax(2)
    sizes = [2, 0, 3]
    padded = tg.tensor([[1, 2, 9], [9, 9, 9], [3, 3, 1]])
    joined = tg.tensor([1, 2, 3, 3, 1])
    lengths = tg.tensor([6, 5, 6])
    found = F.ctc_loss(x, padded, lengths, sizes, reduction="none")
    assert tg.equal(found, F.ctc_loss(x, joined, lengths, sizes, reduction="none"))
    alone = F.ctc_loss(x[:, 2], tg.tensor([3, 3, 1]), tg.tensor(6), tg.tensor(3), reduction="none")
    assert alone.shape == ()
    assert alone.item() == pytest.approx(found[2].item(), rel=1e-6)


def test_labels_that_do_not_fit_into_the_time_cost_infinitely_much_or_nothing():
    x = tg.randn(2, 2, 3, requires_grad=True)
    # Two equal labels need a blank between them, three steps.
    arguments = (tg.tensor([[1, 1], [1, 2]]), tg.tensor([2, 2]), tg.tensor([2, 2]))
    losses = F.ctc_loss(x, *arguments, reduction="none")
    assert losses[0].item() == np.inf
    assert losses[1].isfinite()
    losses.sum().backward()
    assert x.grad[:, 0].isnan().any()
    x.grad = None
    F.ctc_loss(x, *arguments, reduction="sum", zero_infinity=True).backward()
    assert not x.grad[:, 0].any()
    assert x.grad[:, 1].isfinite().all()


def test_in_no_time_only_nothing_is_read():
    x = tg.zeros(2, 2, 3, requires_grad=True)
    losses = F.ctc_loss(x, tg.tensor([[1], [1]]), [0, 0], [0, 1], reduction="none")
    assert losses.tolist() == [0.0, np.inf]


def test_the_gradient_of_ctc_behind_log_softmax_sums_to_zero_at_each_time():
    logits = tg.randn(5, 2, 4, requires_grad=True)
    loss = nn.CTCLoss(reduction="sum")
    loss(logits.log_softmax(2), tg.tensor([[1, 2], [3, 3]]), [5, 5], [2, 2]).backward()
    np.testing.assert_allclose(logits.grad.sum(2).numpy(), 0, atol=1e-6)


def test_ctc_teaches_where_the_labels_stand():
    logits = nn.Parameter(tg.zeros(4, 1, 3))
    loss = nn.CTCLoss()
    optimizer = tg.optim.Adam([logits], lr=0.2)
    for _ in range(60):
        optimizer.zero_grad()
        value = loss(logits.log_softmax(2), tg.tensor([[1, 2]]), [4], [2])
        value.backward()
        optimizer.step()
    assert read(logits.argmax(2)[:, 0].tolist(), 0) == [1, 2]
    assert value.item() < 0.1


@pytest.mark.torch
@pytest.mark.parametrize("seed", range(8))
def test_ctc_agrees_with_pytorch_behind_log_softmax(seed):
    import torch

    rng = np.random.default_rng(seed)
    times, samples, size = (int(n) for n in rng.integers(1, 6, 3))
    logits, targets = rng.normal(size=(times, samples, 4)), rng.integers(1, 4, (samples, size))
    lengths = rng.integers(0, times + 1, samples), rng.integers(0, size + 1, samples)
    reduction, zero = ["none", "mean", "sum"][rng.integers(3)], bool(rng.integers(2))

    def run(library, module):
        x = library.tensor(logits, requires_grad=True)
        index = [library.tensor(array) for array in (targets, *lengths)]
        loss = module(x.log_softmax(2), *index)
        loss.sum().backward()
        return loss.detach().numpy(), x.grad.numpy()

    options = {"reduction": reduction, "zero_infinity": zero}
    ours, theirs = (run(tg, nn.CTCLoss(**options)), run(torch, torch.nn.CTCLoss(**options)))
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-9)
    if np.isfinite(theirs[0]).all():
        np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-7, atol=1e-10)


def ctc(x=None, targets=None, inputs=(3,), sizes=(2,), **options):
    x = tg.zeros(3, 1, 4) if x is None else x
    targets = tg.tensor([[1, 2]]) if targets is None else targets
    return F.ctc_loss(x, targets, inputs, sizes, **options)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ctc(tg.zeros(3)), RuntimeError, r"shape \(T, N, C\) or \(T, C\); got \(3,\)"),
        (lambda: ctc(tg.zeros(3, 1, 4).long()), RuntimeError, r"got \(3, 1, 4\) and int64"),
        (lambda: ctc(tg.zeros(0, 1, 4)), RuntimeError, r"not be empty; got shape \(0, 1, 4\)"),
        (lambda: ctc(targets=tg.ones(1, 2)), RuntimeError, "targets are integers; got float32"),
        (lambda: ctc(blank=4), RuntimeError, "blank must be in label range, 0 to 3; got 4"),
        (lambda: ctc(inputs=[4]), RuntimeError, "input_lengths to have value at most 3, .* 4"),
        (lambda: ctc(inputs=[3, 3]), RuntimeError, "input_lengths must be of size batch_size, 1"),
        (lambda: ctc(inputs=[-1]), RuntimeError, "input_lengths must be non-negative; got -1"),
        (lambda: ctc(inputs=[1.0]), RuntimeError, "input_lengths are integers; got float64"),
        (lambda: ctc(sizes=[3]), RuntimeError, "target_lengths to have value at most 2, .* 3"),
        (lambda: ctc(targets=tg.tensor([1, 2, 3])), RuntimeError, "sum to 2, but there are 3"),
        (lambda: ctc(targets=tg.ones(2, 2).long()), RuntimeError, r"\(1, S\), .* got \(2, 2\)"),
        (lambda: ctc(targets=tg.tensor([[1, 4]])), IndexError, "Target 4 is out of bounds"),
        (lambda: ctc(reduction="all"), ValueError, "all"),
    ],
)
def test_what_does_not_fit_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


# AdaptiveLogSoftmaxWithLoss.


def adaptive(**options):
    return nn.AdaptiveLogSoftmaxWithLoss(8, 10, [3, 6], div_value=2.0, dtype=tg.float64, **options)


def test_the_adaptive_softmax_is_a_distribution_and_forward_looks_up_in_it():
    layer = adaptive(head_bias=True)
    x, target = tg.randn(10, 8, dtype=tg.float64), tg.arange(10)
    everything = layer.log_prob(x)
    np.testing.assert_allclose(everything.exp().sum(1).detach().numpy(), 1, rtol=1e-12)
    output, loss = layer(x, target)
    expected = everything.detach().numpy()[np.arange(10), np.arange(10)]
    np.testing.assert_allclose(output.detach().numpy(), expected, rtol=1e-12)
    assert loss.item() == pytest.approx(-expected.mean())
    single = layer(x[7], target[7])
    assert single.output.shape == ()
    assert single.output.item() == pytest.approx(expected[7])
    loss.backward()
    assert all(parameter.grad is not None for parameter in layer.parameters())


def test_the_adaptive_softmax_predicts_the_most_probable_class():
    layer, x = adaptive(), tg.randn(50, 8, dtype=tg.float64) * 5
    found = layer.predict(x)
    assert tg.equal(found, layer.log_prob(x).argmax(dim=1))
    assert found.max().item() >= 3, "no sample of this test is in a cluster"
    assert found.min().item() < 3, "no sample of this test is in the short list"


def test_only_the_clusters_of_the_targets_are_computed():
    layer = adaptive()
    layer(tg.randn(4, 8, dtype=tg.float64), tg.tensor([0, 1, 2, 4])).loss.backward()
    assert layer.tail[0][0].weight.grad is not None
    assert layer.tail[1][0].weight.grad is None


def test_the_adaptive_softmax_has_the_parameters_of_pytorch():
    shapes = {name: parameter.shape for name, parameter in adaptive().named_parameters()}
    assert shapes == {
        "head.weight": (5, 8),
        "tail.0.0.weight": (4, 8),
        "tail.0.1.weight": (3, 4),
        "tail.1.0.weight": (2, 8),
        "tail.1.1.weight": (4, 2),
    }
    layer = adaptive()
    before = layer.tail[1][1].weight.detach().clone()
    layer.reset_parameters()
    assert not tg.equal(before, layer.tail[1][1].weight)


@pytest.mark.parametrize("cutoffs", [[], [0, 3], [3, 3], [5, 3], [10], [2.5]])
def test_cutoffs_increase_within_the_classes(cutoffs):
    with pytest.raises(ValueError, match="unique, positive integers sorted in an increasing order"):
        nn.AdaptiveLogSoftmaxWithLoss(8, 10, cutoffs)


@pytest.mark.parametrize(
    ("x", "target", "message"),
    [
        (tg.ones(2, 8), tg.tensor([0, 10]), r"in \[0, 9\], but values in range \[0, 10\]"),
        (tg.ones(2, 8), tg.tensor([-1, 0]), r"range \[-1, 0\]"),
        (tg.ones(2, 8), tg.tensor([0, 1, 2]), "the same size in the batch dimension"),
        (tg.ones(8), tg.tensor([0]), r"got \(8,\) and \(1,\)"),
        (tg.ones(2, 8), tg.tensor([[0], [1]]), r"got \(2, 8\) and \(2, 1\)"),
    ],
)
def test_the_adaptive_softmax_refuses_targets_that_do_not_fit(x, target, message):
    with pytest.raises(RuntimeError, match=message):
        nn.AdaptiveLogSoftmaxWithLoss(8, 10, [3])(x, target)
