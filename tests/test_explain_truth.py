"""`tg.explain_grad` names no cause that is not the cause, and says where it cannot know."""

import numpy as np
import pytest

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
import tinygrad_edu.optim as optim


def _weights(*values):
    return tg.tensor(values, requires_grad=True)


def _cell():
    cell = nn.LSTMCell(2, 3)
    return cell.weight_hh, cell(tg.rand(1, 2))[0].sum()


def _linear(name):
    layer = nn.Linear(1, 1)
    out = layer(tg.ones(2, 1)) * tg.tensor([[1.0], [-1.0]])
    return getattr(layer, name), out.sum()


def _convolution():
    layer = nn.Conv2d(1, 1, 1)
    return layer.bias, (
        layer(tg.ones(2, 1, 1, 1)) * tg.tensor([1.0, -1.0])[:, None, None, None]
    ).sum()


def _looked_up(padding, index, factors):
    layer = nn.Embedding(3, 1, padding_idx=padding)
    return layer.weight, (layer(tg.tensor(index)) * tg.tensor(factors)[:, None]).sum()


def _of(function, *values):
    w = _weights(*values)
    return w, function(w)


def _limit():
    low = _weights(0.0, 0.0)
    return low, tg.clamp(tg.ones(2), min=low).sum()


def _used_in_part():
    w = _weights(1.0)
    return w, tg.cat([w * 2, _weights(1.0)])[1:].sum()


@pytest.mark.parametrize(
    ("make", "reason", "said"),
    [
        (lambda: _of(lambda w: w.softmax(0).sum(), 0.0, 0.0), "cancelled", "add up to 1"),
        (lambda: _of(lambda w: w.softmax(0)[0], 500.0, -500.0), "saturated", "rounded to float32"),
        (
            lambda: _of(lambda w: F.cross_entropy(w[None], tg.tensor([[0.5, 0.5]])), 0.0, 0.0),
            "zero_loss",
            "in proportion to the probabilities",
        ),
        (
            lambda: _of(
                lambda w: F.binary_cross_entropy_with_logits(w, tg.tensor([0.5])), 0.0
            ),
            "saturated",
            "are the targets",
        ),
        (lambda: _linear("weight"), "cancelled", "add up to exactly 0"),
        (lambda: _linear("bias"), "cancelled", "add up to exactly 0"),
        (_convolution, "cancelled", "add up to exactly 0"),
        (
            lambda: _of(lambda w: (tg.tensor([[1.0], [-1.0]]) @ w).sum(), 2.0),
            "cancelled",
            "add up to exactly 0",
        ),
        (_cell, "zero", "multiplied with is 0"),
        (lambda: _looked_up(None, [1, 1], [1.0, -1.0]), "cancelled", "add up to exactly 0"),
        (lambda: _looked_up(0, [0, 0], [1.0, 1.0]), "not_chosen", "padding_idx=0"),
        (_limit, "not_chosen", "replaced by this limit"),
        (_used_in_part, "not_chosen", "concerns other inputs or elements"),
        (lambda: _of(lambda w: F.softshrink(w).sum(), 0.1), "clamped", "curve is flat"),
        (lambda: _of(lambda w: (w.relu() * 1e-33).sum(), -1.0), "dead_relu", "dead ReLU"),
        (lambda: _of(lambda w: w * 1e-25 * 1e-25, 1.0), "underflow", "at most 1e-25"),
        (lambda: _of(lambda w: w.sigmoid() * 1e-30, -50.0), "underflow", "at most 1e-30"),
        (lambda: _of(lambda w: w[:0].sum(), 1.0), "zero", "of shape (0,), has no elements"),
        (lambda: _of(lambda w: F.layer_norm(w, (1,)).sum(), 2.0), "zero", "of it is exactly 0"),
        (lambda: _of(lambda w: (w * 0).sum(), 1.0), "multiplied_by_zero", "other factor is 0."),
    ],
)  # fmt: skip
def test_a_zero_has_the_cause_that_it_is_said_to_have(make, reason, said):
    tensor, loss = make()
    loss.sum().backward(retain_graph=True)
    found = tg.explain_grad(tensor, loss)
    assert not np.any(tensor.grad.numpy())
    assert found.reason == reason, str(found)
    assert said in str(found)


def test_a_way_that_is_blocked_beside_two_that_cancel_is_not_blamed():
    w = _weights(-1.0)
    loss = (w.relu() + w * 2 - w * 2).sum()
    loss.backward(retain_graph=True)
    assert tg.explain_grad(w, loss).reason == "cancelled"


def test_values_changed_since_are_told_from_a_freed_graph():
    layer, last = nn.Linear(2, 2), nn.Linear(2, 1)
    nn.init.zeros_(last.weight)
    loss = last(layer(tg.ones(1, 2))).sum()
    loss.backward(retain_graph=True)
    optim.SGD(last.parameters(), lr=0.1).step()
    assert "freed" not in str(tg.explain_grad(layer.weight, loss))
    assert "changed in place" in str(tg.explain_grad(layer.weight, loss))


def test_a_layer_that_was_frozen_when_it_was_called_may_have_been_called():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].requires_grad_(False)
    loss = model(tg.ones(1, 2)).sum()
    model[0].requires_grad_(True)
    loss.backward()
    assert "or was frozen when it was" in str(tg.explain_grad(model[0].weight, loss))


def test_a_frozen_parameter_that_was_made_of_a_result_is_frozen():
    layer = nn.Embedding.from_pretrained(tg.ones(2, 2, requires_grad=True) * 2)
    assert tg.explain_grad(layer.weight).reason == "frozen"


def test_zero_grad_is_not_said_to_have_taken_what_may_never_have_been_there():
    used, unused = nn.Linear(2, 2), nn.Linear(2, 2)
    optimizer = optim.SGD([*used.parameters(), *unused.parameters()], lr=0.1)
    used(tg.ones(1, 2)).sum().backward()
    optimizer.zero_grad()
    assert "forgot any that it had" in str(tg.explain_grad(unused.weight))
    loss = used(tg.ones(1, 2)).sum()
    tg.autograd.grad(loss, used.weight)
    optimizer.zero_grad()
    assert tg.explain_grad(used.weight, loss).reason == "grad_function"


def test_zero_grad_before_the_last_pass_is_not_blamed_for_another_loss():
    w = _weights(-1.0)
    optimizer = optim.SGD([w], lr=0.1)
    w.grad = tg.zeros(1)
    optimizer.zero_grad(set_to_none=False)
    w.relu().sum().backward()
    assert tg.explain_grad(w, (w.relu() * 2).sum()).reason == "dead_relu"


def test_a_block_without_recording_is_remembered_as_a_whole():
    teacher, other = nn.Linear(2, 2), nn.Linear(2, 2)
    with tg.no_grad():
        target = teacher(tg.ones(1, 2))
        other(tg.ones(1, 2))
    loss = F.mse_loss(nn.Linear(2, 2)(tg.ones(1, 2)), target)
    found = tg.explain_grad(other.weight, loss)
    assert "for this loss, or for something else" in str(found)


def test_a_tensor_that_began_to_require_grad_after_its_use_is_thought_of():
    w, v = tg.ones(2), _weights(1.0, 1.0)
    loss = (v * w).sum()
    w.requires_grad_()
    loss.backward()
    assert "requires_grad was set only after that" in str(tg.explain_grad(w, loss))
