"""The backprop explorer shows the values and gradients of the computation itself, or none."""

import gc
import importlib
import json
import weakref
from pathlib import Path

import numpy as np
import pytest
from cases import _tensors
from explorer_cases import COMPUTATIONS, Doubling, array, mlp, named, read, users_function
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
from tinygrad_edu.autograd.engine import unbroadcast
from tinygrad_edu.autograd.graph import Operation, wrap
from tinygrad_edu.autograd.reach import reachable
from tinygrad_edu.course.models import LeNet
from tinygrad_edu.utils.checkpoint import checkpoint
from tinygrad_edu.viz import draw, explore, keep_values
from tinygrad_edu.viz.explorer.gradients import local_derivatives
from tinygrad_edu.viz.explorer.graph import Graph
from tinygrad_edu.viz.explorer.values import Known


@pytest.fixture(name="data")
def exploring(tmp_path):
    """What `explore` writes about a loss."""
    return lambda loss, *args, **kwargs: read(
        explore(loss, tmp_path / "page.html", *args, **kwargs)
    )


# Gradients are those of a real backward pass.


def graph_of(loss, model=None, names=None):
    return Graph(loss, reachable([loss.edge]), model, names)


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("compute", COMPUTATIONS)
def test_gradients_of_leaves_are_those_of_backward(compute, kept):
    tg.manual_seed(1)
    with keep_values() if kept else tg.enable_grad():
        loss, tensors = compute()
    graph = graph_of(loss)
    graph.data(None, "en", set())
    loss.backward()
    for tensor in tensors:
        np.testing.assert_array_equal(graph.gradients.of(tensor), tensor.grad.array)


@pytest.mark.parametrize("compute", COMPUTATIONS)
def test_with_kept_values_nothing_is_missing(compute, data):
    with keep_values():
        loss, _ = compute()
    page_data = data(loss)
    assert page_data["values_kept"]
    assert {node["missing"] for node in page_data["nodes"]} <= {None, "several"}
    missing = [
        (node["name"], entry["name"], entry["missing"])
        for node in page_data["nodes"]
        for entry in node["inputs"]
        if entry["missing"] not in (None, "several")
    ]
    # What stood in x before `x[...] = value` takes no part in anything.
    assert set(missing) <= {("Assign", "x", "changed")}


def test_the_gradients_of_a_step_are_shown_as_they_are(data):
    loss, model, names = mlp()
    shown = data(loss, model, names=names)
    loss.backward()
    for name, parameter in model.named_parameters():
        np.testing.assert_array_equal(
            array(shown, named(shown, name)["grad"]), parameter.grad.array
        )
    result = shown["nodes"][-1]
    assert result["result"]
    assert array(shown, result["grad"]) == 1
    assert array(shown, result["output"]) == np.float32(loss.item())


def test_lenet_is_shown_with_images_of_its_large_arrays(data):
    model = LeNet()
    with keep_values():
        loss = F.cross_entropy(model(tg.rand(4, 1, 28, 28)), tg.arange(4))
    shown = data(loss, model, names={})
    loss.backward()
    weight = named(shown, "features.0.weight")
    value = shown["values"][weight["grad"]]
    assert value["shape"] == [6, 1, 5, 5]
    assert value["numbers"] is None
    grad = model.features[0].weight.grad.array
    assert value["stats"]["norm"] == pytest.approx(np.linalg.norm(grad), rel=1e-6)
    assert value["image"]["high"] == pytest.approx(np.abs(grad).max(), rel=1e-6)


def test_contributions_add_up_where_a_value_is_used_twice(data):
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    shown = data((x * x + x).sum(), names={"x": x})
    node = named(shown, "x")
    parts = [array(shown, arrival["value"]) for arrival in node["arrivals"]]
    assert [arrival["input"] for arrival in node["arrivals"]] == [1, 0, 1]
    np.testing.assert_array_equal(parts, [[1, 1], [1, 2], [1, 2]])
    np.testing.assert_array_equal(array(shown, node["grad"]), [3, 5])


def test_what_flows_to_each_input_is_local_derivative_times_gradient(data):
    x = tg.tensor([0.5, -1.0], requires_grad=True)
    with keep_values():
        loss = (tg.tanh(x) * tg.tensor([3.0, 4.0])).sum()
    shown = data(loss)
    (entry,) = named(shown, "Tanh")["inputs"]
    slope = 1 - np.tanh(x.array) ** 2
    np.testing.assert_allclose(array(shown, entry["local"]), slope, rtol=1e-6)
    np.testing.assert_allclose(array(shown, entry["grad"]), slope * [3, 4], rtol=1e-6)


def test_a_matrix_product_shows_no_local_derivative(data):
    w = tg.ones(2, 2, requires_grad=True)
    shown = data((w @ w).sum())
    assert [entry["local"] for entry in named(shown, "MatMul")["inputs"]] == [None, None]
    (entry,) = named(shown, "Sum")["inputs"][:1]
    np.testing.assert_array_equal(array(shown, entry["local"]), np.ones((2, 2)))


TABLES = sorted(
    file.stem for kind in ("ops", "nn") for file in Path(__file__).parent.glob(f"test_{kind}_*.py")
)


@pytest.mark.parametrize("table", TABLES)
def test_every_operation_can_be_explored(table):
    for case in getattr(importlib.import_module(table), "CASES", ()):
        exploring_test(case)()


def exploring_test(case):
    @settings(max_examples=2, phases=[Phase.generate])
    @given(data=st.data())
    def test(data):
        check_graph_of(case, data)

    return test


def check_graph_of(case, data):
    """Nothing is shown that is not so, whether or not values were kept."""
    drawn, kwargs = case.draw(data)
    tensors = [wrap(np.array(x)) for x in drawn]
    for tensor in tensors:
        tensor.needs_grad = tensor.dtype.kind == "f"
    with keep_values():
        results = _tensors(case.function(*tensors, **kwargs))
        parts = [(x * (i + 0.5)).sum() for i, x in enumerate(results) if x.edge is not None]
        loss = sum(parts[1:], parts[0]) if parts else tg.tensor(0.0)
    if not isinstance(loss.edge, Operation):
        return
    nodes = reachable([loss.edge])
    graph = Graph(loss, nodes, None, None)
    json.dumps(graph.data(None, "en", set()), allow_nan=False)
    for node in nodes:
        for index, slope in local_derivatives(node).items():
            with np.errstate(all="ignore"):
                flows = unbroadcast(
                    slope * graph.gradients.of(node), node.parents[index].shape, node
                )
            np.testing.assert_allclose(flows, graph.gradients.contribution(node, index), rtol=1e-7)
    values = {node: graph.known.of(node) for node in nodes if not node.multiple}
    assert all(value is not None for value in values.values())
    for node in nodes:
        if node.notes is not None:
            node.notes.kept = None
    without = Known(nodes, loss)
    for node, value in values.items():
        if without.of(node) is not None:
            np.testing.assert_array_equal(without.of(node), value)
    loss.backward()
    for tensor in tensors:
        grad = graph.gradients.of(tensor)
        if tensor.grad is None:
            assert grad is None
        else:
            np.testing.assert_array_equal(grad, tensor.grad.array)


# Values: known, computed again, or not shown.


def test_values_that_nobody_saved_are_computed_again(data):
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    x = tg.randn(5, 3)
    shown = data(F.cross_entropy(model(x), tg.tensor([0, 1, 1, 0, 1])), model)
    assert shown["values_kept"]
    linear = next(node for node in shown["nodes"] if node["name"] == "Linear")
    np.testing.assert_allclose(
        array(shown, linear["output"]), model[0](x).detach().array, rtol=1e-6
    )


def test_data_that_no_rule_needs_are_missing_unless_kept(data):
    x = tg.ones(2, requires_grad=True)
    shown = data((x + tg.tensor([1.0, 2.0])).square().sum())
    entry = named(shown, "Add")["inputs"][1]
    assert (entry["node"], entry["value"], entry["missing"]) == (None, None, "not kept")
    # Square has saved its input.
    np.testing.assert_array_equal(array(shown, named(shown, "Add")["output"]), [2, 3])


def test_a_constant_that_was_changed_since_is_not_shown(data):
    x, shift = tg.ones(2, requires_grad=True), tg.tensor([1.0, 2.0])
    with keep_values():
        loss = (x + shift).square().sum()
    shift.add_(1)
    entry = named(data(loss), "Add")["inputs"][1]
    assert (entry["value"], entry["missing"]) == (None, "changed")


def test_a_leaf_that_was_changed_since_is_not_shown(data):
    model = nn.Linear(2, 2)
    loss = model(tg.ones(1, 2)).tanh().sum()
    with tg.no_grad():
        model.bias.add_(1)
    node = named(data(loss, model), "bias")
    assert (node["output"], node["missing"]) == (None, "changed")


def test_a_leaf_that_was_changed_before_is_shown(data):
    model = nn.Linear(2, 2)
    with tg.no_grad():
        model.bias.add_(1)
    shown = data(model(tg.ones(1, 2)).tanh().sum(), model)
    np.testing.assert_array_equal(
        array(shown, named(shown, "bias")["output"]), model.bias.detach().array
    )


def test_a_leaf_that_had_two_values_is_not_shown(data):
    w = tg.ones(2, requires_grad=True)
    with keep_values():
        y = w + 1
        with tg.no_grad():
            w.mul_(3)
        shown = data((y + w).sum(), names={"w": w})
    assert named(shown, "w")["missing"] == "changed"


def test_what_disagrees_with_the_loss_is_not_shown(data):
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    h = x * 2
    with tg.no_grad():
        h.add_(100)
    shown = data((-h).sum())
    for name in ("Mul", "Neg"):
        node = named(shown, name)
        assert node["output"] is None
        assert node["missing"] == "changed"


def test_a_result_changed_through_an_alias_is_not_shown_with_its_new_value(data):
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    w = tg.tensor([5.0, 5.0], requires_grad=True)
    y = x * 1
    y.detach().mul_(w)
    shown = data((y * y).sum())
    first, second = (node for node in shown["nodes"] if node["name"] == "Mul")
    assert first["output"] is None
    assert array(shown, second["inputs"][0]["value"]).tolist() == [5, 10]
    assert array(shown, second["output"]).tolist() == [25, 100]


@pytest.mark.parametrize("kept", [False, True])
def test_a_result_changed_under_no_grad_and_then_recorded_is_not_shown_as_it_was_then(kept, data):
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    w = tg.tensor([5.0, 7.0], requires_grad=True)
    with keep_values() if kept else tg.enable_grad():
        y = x * 3
        with tg.no_grad():
            y.add_(100)
        y.mul_(w)
        loss = y.sum()
    shown = data(loss)
    first, second = (node for node in shown["nodes"] if node["name"] == "Mul")
    assert (first["output"], first["missing"]) == (None, "changed")
    assert array(shown, second["inputs"][0]["value"]).tolist() == [103, 106]
    assert "103, 106" not in draw(loss, values=True).source


def test_a_checkpointed_part_is_not_computed_anew_to_be_shown(data):
    calls = []

    def function(x):
        calls.append(x)
        return x.exp() * x

    data(checkpoint(function, tg.ones(2, requires_grad=True), use_reentrant=False).sum())
    # Once for the loss, once for the gradients: the values cause no third time.
    assert len(calls) == 2


def test_values_before_and_after_a_change_in_place_are_told_apart(data):
    x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    with keep_values():
        z = x * 2
        z[0] = 7
        z[1] = 8
        shown = data(z.square().sum())
    values = [
        array(shown, node["output"]).tolist()
        for node in shown["nodes"]
        if node["name"] in ("Mul", "WriteView")
    ]
    assert values == [[2, 4, 6], [7, 4, 6], [7, 8, 6]]


def test_a_write_by_indices_keeps_its_own_result(data):
    x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    with keep_values():
        z = x * 2
        z[tg.tensor([0])] = 7.0
        z[tg.tensor([1])] = 8.0
        shown = data(z.square().sum())
    values = [
        array(shown, node["output"]).tolist()
        for node in shown["nodes"]
        if node["name"] == "SetArrays"
    ]
    assert values == [[7, 4, 6], [7, 8, 6]]


def test_kept_values_end_with_the_block_and_die_with_the_graph():
    x = tg.ones(2, requires_grad=True)

    @keep_values()
    def kept():
        return x.exp()

    y, z = kept(), x.exp()
    assert y.node.notes.kept is not None
    assert z.node.notes is None
    alive = weakref.ref(y.node)
    gc.disable()
    try:
        del y
        assert alive() is None
    finally:
        gc.enable()


def test_a_tensor_changes_its_shape_in_place_though_its_values_are_kept():
    x = tg.ones(3, requires_grad=True)
    with keep_values():
        y = x * 2
        y.unsqueeze_(0)
    assert y.shape == (1, 3)


# Reasons where there is no gradient.


def test_reasons_for_missing_gradients_are_given(data):
    model = nn.Linear(2, 2)
    model.weight.requires_grad_(False)
    with keep_values():
        loss = F.cross_entropy(model(tg.ones(1, 2)), tg.tensor([1]))
    shown = data(loss, model)
    reasons = {node["name"]: node["why"] for node in shown["nodes"] if node["grad"] is None}
    assert reasons == {"input": "constant", "weight": "frozen", "target": "integers"}
    assert [entry["why"] for entry in named(shown, "Linear")["inputs"]] == [
        "constant",
        "frozen",
        None,
    ]


def test_a_rule_that_returns_no_gradient_is_told_from_one_that_returns_zero(data):
    class Nothing(tg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, grad):
            return None

    x = tg.ones(2, requires_grad=True)
    shown = data(Nothing.apply(x).sum() + x.sign().sum(), names={"x": x})
    assert named(shown, "Nothing")["inputs"][0]["why"] == "no rule"
    assert named(shown, "Nothing")["formula"] == "z = Nothing(x)"
    np.testing.assert_array_equal(array(shown, named(shown, "x")["grad"]), [0, 0])


def test_a_result_that_gets_no_gradient_says_that_none_arrives(data):
    class Nothing(tg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, grad):
            return None

    x = tg.ones(2, requires_grad=True)
    shown = data(Nothing.apply(x * 2).sum() + x.sum())
    assert named(shown, "Mul")["why"] == "unused"


def test_a_parameter_that_is_detached_for_one_use_is_not_called_frozen(data):
    model = nn.Linear(2, 2)
    with keep_values():
        loss = (model(tg.ones(1, 2)) + model.bias.detach()).sum()
    node = next(n for n in data(loss, model)["nodes"] if n["kind"] == "constant" and n["id"] > 2)
    assert (node["name"], node["why"]) == ("bias", "constant")


def test_an_operation_with_several_results_refers_to_them(data):
    x = tg.ones(2, 3, requires_grad=True)
    first, second = x.unbind()
    shown = data((first * second).sum())
    node = named(shown, "Unbind")
    assert (node["output"], node["missing"], node["why"]) == (None, "several", "several")
    outputs = [named(shown, f"Unbind[{i}]") for i in (0, 1)]
    assert [output["kind"] for output in outputs] == ["output", "output"]
    assert {a["from"] for a in node["arrivals"]} == {output["id"] for output in outputs}
    assert all(output["inputs"][0]["node"] == node["id"] for output in outputs)


# Nothing else happens.


def test_exploring_changes_nothing(data):
    model = nn.Sequential(nn.Linear(3, 2), nn.Dropout())
    calls = []
    hidden = tg.ones(2, requires_grad=True)
    twice = hidden * 2
    twice.retain_grad()
    twice.register_hook(lambda grad: calls.append("tensor"))
    model.register_full_backward_hook(lambda *args: calls.append("module"))
    total = model(tg.ones(1, 3)).sum() + twice.sum()
    state = tg.get_rng_state()
    shown = data(total)
    assert calls == []
    assert twice.grad is None
    assert all(parameter.grad is None for parameter in model.parameters())
    assert tg.get_rng_state() == state
    total.backward()
    assert sorted(calls) == ["module", "tensor"]
    assert {node["name"] for node in shown["nodes"]} >= {"BackwardHooks"}


def test_a_users_rule_runs_once(data):
    loss, _ = users_function()
    Doubling.calls = 0
    data(loss)
    assert Doubling.calls == 1


def test_explored_twice_before_and_after_backward_it_is_the_same_page(tmp_path):
    loss, model, names = mlp()
    pages = [
        Path(explore(loss, tmp_path / f"{i}.html", model, names=names)).read_bytes()
        for i in range(2)
    ]
    loss.backward(retain_graph=True)
    pages.append(Path(explore(loss, tmp_path / "2.html", model, names=names)).read_bytes())
    tg.manual_seed(0)
    loss, model, names = mlp()
    pages.append(Path(explore(loss, tmp_path / "3.html", model, names=names)).read_bytes())
    assert len(set(pages)) == 1


def test_a_checkpointed_part_is_computed_again_and_shown(data):
    layer, x = nn.Linear(3, 3), tg.randn(2, 3).requires_grad_()
    loss = checkpoint(lambda x: layer(x).tanh(), x, use_reentrant=False).sum()
    shown = data(loss, layer)
    loss.backward()
    np.testing.assert_array_equal(
        array(shown, named(shown, "weight")["grad"]), layer.weight.grad.array
    )
