"""Values in graph pictures: small ones in full, large ones summed up, and never a wrong one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_text import box, edges

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
from tinygrad_edu.autograd.graph import Operation
from tinygrad_edu.utils.checkpoint import checkpoint
from tinygrad_edu.viz import draw, keep_values
from tinygrad_edu.viz.graphs.values import Values, labelled, written


def test_small_values_and_gradients_are_shown_in_full():
    x = tg.tensor([[1.0, -2.0], [0.5, 3.0]], requires_grad=True)
    loss = (x.exp() * 2).sum()
    loss.backward(retain_graph=True)
    picture = draw(loss, names={"x": x}, values=True)
    assert box(picture, "x") == [
        *("x", "2×2 float32", "value: [[1, -2],", "[0.5, 3]]"),
        *("grad: [[5.437, 0.2707],", "[3.297, 40.17]]"),
    ]
    assert box(picture, "Exp")[2:] == ["value: [[2.718, 0.1353],", "[1.649, 20.09]]"]
    assert box(picture, "Mul")[2:] == ["value: not kept"]
    assert box(picture, "Sum")[2:] == ["value: 49.18"]
    assert box(picture, "result") == ["result", "scalar float32", "49.1758"]


def test_large_values_are_shown_as_statistics():
    x = tg.tensor(np.arange(100.0), requires_grad=True)
    y = x * 1
    assert box(draw(y, values=True), "leaf")[2:] == [
        *("mean 49.5, std 28.9", "min 0, max 99", "grad: not computed yet"),
    ]
    assert box(draw(y, values=True), "result")[2:] == ["mean 49.5, std 28.9", "min 0, max 99"]


@pytest.mark.parametrize(
    ("array", "lines"),
    [
        (np.float64(-1.23456), ["-1.235"]),
        (np.zeros((0, 3)), ["empty"]),
        (np.array([True, False]), ["1, 0"]),
        (np.array([np.nan, np.inf, -np.inf, 1e-30]), ["nan, inf, -inf, 1e-30"]),
        (np.full(20, np.nan), ["20 of 20 not finite"]),
        (
            np.append(np.ones(1000), [np.inf, np.nan]),
            ["mean 1, std 0", "min 1, max 1", "2 of 1,002 not finite"],
        ),
    ],
)
def test_numbers_as_they_are_written(array, lines):
    array = np.asarray(array)
    found = written(array)
    assert [line.strip("[]") for line in found] == lines


def test_sixteen_numbers_are_shown_in_full_and_one_more_is_not():
    assert "".join(written(np.full(16, -1.23456e-10))).count("e-10") == 16
    assert written(np.zeros(17))[0].startswith("mean")


def test_a_value_that_was_changed_in_place_is_not_shown():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = x * 1
    loss = (y * y).sum()
    with tg.no_grad():
        y.add_(10)
    assert box(draw(loss, names={"y": y}, values=True), "y: Mul")[2:] == ["value: not kept"]
    # Nor where the change came before the use that saved it.
    assert box(draw((y * y).sum(), names={"y": y}, values=True), "y: Mul")[2:] == [
        "value: not kept"
    ]


def test_a_leaf_shows_its_present_value_and_that_another_one_was_used():
    w = tg.tensor([1.0, 2.0], requires_grad=True)
    loss = (w * w).sum()
    with tg.no_grad():
        w.mul_(2)
    assert box(draw(loss, names={"w": w}, values=True), "w")[2:] == [
        *("value: [2, 4]", "changed since it was used", "grad: not computed yet"),
    ]


def test_what_the_user_holds_or_the_graph_keeps_is_known_after_it_was_freed():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    h = x.exp()
    (h * 3).sum().backward()
    picture = draw([h, h * 3], values=True)
    assert box(picture, "Exp")[2:] == ["value: [2.718, 7.389]"]
    with keep_values():
        out = (x * 3).exp().sum()
    out.backward()
    picture = draw(out, values=True)
    assert box(picture, "Mul")[2:] == ["value: [3, 6]"]
    assert box(picture, "Exp")[2:] == ["value: [20.09, 403.4]"]


def test_values_and_gradients_of_several_results_stand_on_their_arrows():
    x = tg.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    first, second, third = x.unbind(1)
    second.retain_grad()
    loss = (first * second * third).sum()
    loss.backward(retain_graph=True)
    picture = draw(loss, values=True)
    assert [match[3] for match in edges(picture) if match[3]] == [
        r"0: 1\nvalue: [1]",
        r"1: 1\nvalue: [2]\ngrad: [3]",
        r"2: 1\nvalue: [3]",
    ]
    assert "grad: norm 3" in [match[3] for match in edges(draw(loss)) if match[3]][1]


def test_the_value_that_leaves_a_closed_module():
    layer = nn.Linear(2, 1)
    nn.init.ones_(layer.weight)
    nn.init.ones_(layer.bias)
    out = layer(tg.ones(1, 2)) * 2
    assert box(draw(out, depth=0, values=True), "Linear")[1:] == [
        *("1×1 float32", "value: not kept"),
        *("weight 1×2, grad: not computed yet", "bias 1, grad: not computed yet"),
    ]
    out = layer(tg.ones(1, 2)).exp().exp()
    assert box(draw(out, depth=0, values=True), "Linear")[2] == "value: not kept"
    out = layer(tg.ones(1, 2)) ** 2
    assert box(draw(out, depth=0, values=True), "Linear")[2] == "value: [[3]]"


def test_a_checkpointed_part_is_not_computed_anew_for_its_picture():
    calls = []

    def function(x):
        calls.append(x)
        return x.exp() * x

    x = tg.ones(2, requires_grad=True)
    out = checkpoint(function, x, use_reentrant=False).sum()
    assert box(draw(out, values=True), "Exp")[2:] == ["value: not kept"]
    assert len(calls) == 1


def test_drawing_changes_nothing():
    x = tg.ones(3, requires_grad=True)
    h = x.exp()
    loss = (h * h).sum()
    draw(loss, values=True, names={"h": h})
    assert x.grad is None
    loss.backward()
    assert x.grad.array == pytest.approx(2 * np.exp(2))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["exp", "tanh", "mul", "add", "view", "in place", "change", "change alias"]
            ),
            st.integers(0, 9),
        ),
        min_size=5,
        max_size=15,
    )
)
def test_a_value_that_is_shown_is_the_one_that_was_computed(steps):
    x = tg.tensor([0.1, 0.2, 0.3], requires_grad=True)
    made = {}  # by operation: what it computed
    tensors = [x * 1]

    def note(tensor):
        if isinstance(tensor.edge, Operation):
            made.setdefault(tensor.edge, tensor.array.copy())

    note(tensors[0])
    for step, number in steps:
        a, b = tensors[number % len(tensors)], tensors[-1]
        if step in ("exp", "tanh"):
            tensors.append(getattr(a, step)())
        elif step in ("mul", "add"):
            tensors.append(getattr(a, step)(b) * 0.5)
        elif step == "view":
            tensors.append(a.view(3))
        elif step == "in place":
            a.mul_(0.5)
        elif step == "change":
            with tg.no_grad():
                a.add_(1)
        else:
            a.detach().sub_(0.25)
        for tensor in tensors:
            note(tensor)
    nodes, stack = [], [tensor.edge for tensor in tensors]
    while stack:
        node = stack.pop()
        if isinstance(node, Operation) and node not in nodes:
            nodes.append(node)
            stack.extend(node.parents)
    values = Values(nodes, tensors)
    for node, array in made.items():
        assert values.of(node) in (["value: not kept"], labelled("value", array))
