"""The page of the backprop explorer: names, calls of modules, layout, arrays, the file itself."""

import base64
import re
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from explorer_cases import lstm_step, mlp, named, read

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
from tinygrad_edu.course.models import LeNet, ResNet
from tinygrad_edu.viz import explore, keep_values
from tinygrad_edu.viz.explorer.encoding import Values, number
from tinygrad_edu.viz.explorer.exploring import page
from tinygrad_edu.viz.explorer.layout import lay_out


@pytest.fixture(name="data")
def exploring(tmp_path):
    """What `explore` writes about a loss."""
    return lambda loss, *args, **kwargs: read(
        explore(loss, tmp_path / "page.html", *args, **kwargs)
    )


# Names, calls of modules, arguments.


def test_names_are_those_of_the_model_and_of_the_user(data):
    loss, model, names = mlp()
    shown = data(loss, model, names=names)
    kinds = {node["name"]: node["kind"] for node in shown["nodes"]}
    assert kinds == {
        "x": "constant",
        "0.weight": "parameter",
        "0.bias": "parameter",
        "Linear": "operation",
        "Relu": "operation",
        "2.weight": "parameter",
        "2.bias": "parameter",
        "labels": "constant",
        "CrossEntropy": "operation",
    }
    assert shown["title"] == "Sequential"


def test_a_result_gets_its_name_before_that_of_its_operation(data):
    x = tg.ones(2, requires_grad=True)
    h = x.tanh()
    shown = data(h.sum(), names={"x": x, "h": h}, title="A step")
    assert [node["name"] for node in shown["nodes"]] == ["x", "h: Tanh", "Sum"]
    assert shown["nodes"][0]["kind"] == "leaf"
    assert shown["title"] == "A step"


def test_one_of_several_results_gets_its_name_too(data):
    first, second = tg.ones(2, 3, requires_grad=True).unbind()
    shown = data((first * second).sum(), names={"first": first})
    assert [node["name"] for node in shown["nodes"]][2:4] == ["first: Unbind[0]", "Unbind[1]"]


def test_tensors_that_a_users_forward_takes_by_a_star_are_numbered(data):
    class Total(tg.autograd.Function):
        @staticmethod
        def forward(ctx, scale, *tensors):
            return scale * sum(tensors)

        @staticmethod
        def backward(ctx, grad):
            return None, grad, grad

    x = tg.ones(2, requires_grad=True)
    assert (
        named(data(Total.apply(1.0, x, x).sum()), "Total")["formula"] == "z = Total(scale, x1, x2)"
    )


def test_numbers_are_arguments_and_tensors_are_nodes(data):
    x = tg.ones(2, 3, requires_grad=True)
    with keep_values():
        loss = (x * 0.1)[:, 1:3].sum(1).mean()
    shown = data(loss)
    texts = {
        node["name"]: {e["name"]: e["text"] for e in node["inputs"] if e["text"] is not None}
        for node in shown["nodes"]
    }
    assert texts["Mul"] == {"y": "0.1"}
    assert texts["Index"] == {"key": "[:, 1:3, ...]"}
    assert texts["Sum"] == {"axes": "(1,)", "keepdims": "False"}


def test_formulas_come_with_rules(data):
    x, w = tg.ones(2, 3, requires_grad=True), tg.ones(4, 3, requires_grad=True)
    loss = F.mse_loss(F.linear(x, w).sigmoid().log(), tg.zeros(2, 4))
    shown = data(loss)
    assert named(shown, "Linear")["formula"] == "z = x Wᵀ + b"
    assert named(shown, "Linear")["rules"][:2] == [
        ["input", "grad_x = grad W"],
        ["weight", "grad_W = gradᵀ x"],
    ]
    assert named(shown, "Sigmoid")["rules"] == [["x", "grad_x = grad z (1 - z)"]]
    assert named(shown, "MSELoss")["formula"] == "z = mean of (x - t)²"
    assert named(shown, "MSELoss")["rules"][0] == ["input", "grad_x = grad · 2(x - t) / N"]
    exponential = data(x.expm1().sum())
    assert named(exponential, "Expm1")["rules"] == [["x", "grad_x = grad f′(x), f′(x) = e^x"]]


def test_calls_of_modules_contain_their_nodes_and_parameters(data):
    model = LeNet()
    with keep_values():
        images = tg.rand(2, 1, 28, 28)
        loss = F.cross_entropy(model(images), tg.arange(2))
    shown = data(loss, model, names={"images": images})
    modules = {module["path"]: module for module in shown["modules"]}
    first = modules["features.0"]
    assert (first["class"], first["label"]) == ("Conv2d", "features.0: Conv2d")
    assert [shown["nodes"][i]["name"] for i in first["nodes"]] == [
        "features.0.weight",
        "features.0.bias",
        "Convolution",
    ]
    assert shown["modules"][first["parent"]]["path"] == "features"
    assert modules[""]["parent"] is None
    # The images come from outside, the loss is computed there.
    assert named(shown, "images")["module"] is None
    assert shown["nodes"][-1]["module"] is None
    for module in shown["modules"]:
        assert all(shown["nodes"][node]["module"] == module["id"] for node in module["nodes"])


class Loop(nn.Module):
    """One layer, used in every step."""

    def __init__(self):
        super().__init__()
        self.cell = nn.Linear(3, 3)

    def forward(self, x, steps):
        for _ in range(steps):
            x = self.cell(x).tanh()
        return x


def test_each_call_of_a_module_is_one_entry_and_shared_weights_are_outside(data):
    model = Loop()
    shown = data(model(tg.ones(1, 3), 3).sum(), model)
    calls = [module for module in shown["modules"] if module["path"] == "cell"]
    assert [(m["call"], m["calls"]) for m in calls] == [
        (1, 3),
        (2, 3),
        (3, 3),
    ]
    (outer,) = (module for module in shown["modules"] if module["path"] == "")
    assert named(shown, "cell.weight")["module"] == outer["id"]
    assert [len(module["nodes"]) for module in calls] == [1, 1, 1]


# Layout.


def overlapping(nodes):
    """Pairs of boxes that overlap."""
    found = []
    for i, a in enumerate(nodes):
        found += [
            (a["name"], b["name"])
            for b in nodes[i + 1 :]
            if abs(a["x"] - b["x"]) < (a["w"] + b["w"]) / 2
            and abs(a["y"] - b["y"]) < (a["h"] + b["h"]) / 2
        ]
    return found


def lstm_loss():
    return lstm_step()[0]


def resnet_loss():
    model = ResNet(18, 10, in_channels=1, width=1 / 16)
    return F.cross_entropy(model(tg.rand(2, 1, 32, 32)), tg.arange(2))


@pytest.mark.parametrize("compute", [lambda: mlp()[0], lstm_loss, resnet_loss])
def test_boxes_do_not_overlap_and_edges_lead_from_box_to_box(compute, data):
    shown = data(compute())
    nodes = shown["nodes"]
    assert overlapping(nodes) == []
    for edge in shown["edges"]:
        start, end = nodes[edge["from"]], nodes[edge["to"]]
        assert edge["points"][0] == [start["x"], start["y"] + start["h"] / 2]
        assert edge["points"][-1] == [end["x"], end["y"] - end["h"] / 2]
        assert all(y < below for (_, y), (_, below) in pairwise(edge["points"]))
    for node in nodes:
        assert node["w"] / 2 <= node["x"] <= shown["width"] - node["w"] / 2
        assert node["h"] / 2 <= node["y"] <= shown["height"] - node["h"] / 2


def test_edges_pass_between_boxes(data):
    shown = data(resnet_loss())
    for edge in shown["edges"]:
        for (x, top), (below, bottom) in pairwise(edge["points"]):
            if x != below:
                continue
            for node in shown["nodes"]:
                inside = top < node["y"] < bottom and abs(node["x"] - x) < node["w"] / 2
                assert not inside, (edge, node["name"])


def test_sources_stand_directly_above_their_first_user_and_numbers_follow_the_computation(data):
    shown = data(resnet_loss())
    nodes = shown["nodes"]
    users = {}
    for edge in shown["edges"]:
        assert edge["from"] < edge["to"]
        users.setdefault(edge["from"], []).append(nodes[edge["to"]]["y"])
    rows = sorted({node["y"] for node in nodes})
    for node in nodes:
        if node["kind"] != "operation":
            assert rows.index(min(users[node["id"]])) == rows.index(node["y"]) + 1


def test_a_chain_with_leaves_beside_it_runs_straight_down():
    # 0 is the data, then three layers of a parameter and an operation.
    edges = [(0, 2), (1, 2), (2, 4), (3, 4), (4, 6), (5, 6)]
    layout = lay_out([100.0] * 7, edges, [True, True, False, True, False, True, False])
    chain = [layout.centres[i][0] for i in (2, 4, 6)]
    assert max(chain) - min(chain) < 5


# Large graphs.


def chain(length):
    x = tg.ones(2, requires_grad=True)
    y = x
    for _ in range(length):
        y = y * 1.01
    return y.sum()


class Deep(nn.Module):
    """Blocks of ten operations each."""

    def __init__(self, blocks):
        super().__init__()
        self.blocks = nn.ModuleList(Block() for _ in range(blocks))

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


class Block(nn.Module):
    """Ten operations."""

    def forward(self, x):
        for _ in range(10):
            x = x * 1.01
        return x


def test_modules_of_a_large_graph_are_collapsed_at_first(data):
    model, x = Deep(40), tg.ones(2, requires_grad=True)
    loss = model(x).sum()

    def collapsed(limit):
        shown = data(loss, model, max_nodes=limit)
        return [module["path"] for module in shown["modules"] if module["collapsed"]]

    assert collapsed(1000) == []
    assert collapsed(300) == [f"blocks.{i}" for i in range(40)]
    assert collapsed(30) == [""]


def test_a_graph_of_thousands_is_left_to_the_page_to_lay_out(data):
    model, x = Deep(200), tg.ones(2, requires_grad=True)
    shown = data(model(x).sum(), model)
    assert len(shown["nodes"]) == 2002
    assert {node["x"] for node in shown["nodes"]} == {None}
    assert sum(module["collapsed"] for module in shown["modules"]) == 200


def test_a_large_graph_without_modules_is_refused_with_a_remedy(data):
    with pytest.raises(
        ValueError, match=r"402 of the 402 nodes .* max_nodes is 300\. Explore less"
    ):
        data(chain(400))
    with pytest.raises(ValueError, match=r"this graph has 6,001 operations; .* fewer time steps"):
        data(chain(6000), max_nodes=100_000)


# How arrays are written.


def described(x):
    values = Values()
    assert values.add(x) == values.add(x) == 0
    (entry,) = values.table
    return entry


def pixels(image):
    flat = np.frombuffer(base64.b64decode(image["values"]), np.uint8)
    return flat.reshape(image["rows"], image["columns"])


@pytest.mark.parametrize(
    ("x", "shown"),
    [
        (np.float32(0.1), 0.1),
        (np.float64(1 / 3), 1 / 3),
        (np.float32("nan"), "nan"),
        (-np.inf, "-inf"),
        (np.int64(2**62), 2**62),
        (np.True_, True),
    ],
)
def test_numbers_have_the_digits_of_their_type(x, shown):
    assert number(x) == shown
    assert type(number(x)) is type(shown)


def test_a_small_array_is_written_in_full():
    entry = described(np.array([[1.0, np.nan], [np.inf, 0.0]], np.float32))
    assert entry["numbers"] == [1.0, "nan", "inf", 0.0]
    assert entry["image"] is None
    assert entry["stats"]["nonfinite"] == 2
    assert entry["stats"]["zeros"] == 1
    assert entry["stats"]["mean"] == "nan"


def test_an_empty_array_has_no_statistics():
    entry = described(np.zeros((0, 3)))
    assert entry["numbers"] == []
    assert entry["stats"]["min"] == "nan"


def test_an_image_has_0_in_the_middle_of_its_scale():
    x = np.zeros((20, 10))
    x[0, 0], x[1, 0], x[2, 0] = 4, -2, np.nan
    image = described(x)["image"]
    assert (image["low"], image["high"], image["note"]) == (-4, 4, None)
    assert pixels(image)[:4, 0].tolist() == [255, 128 - 64, 0, 128]


@pytest.mark.parametrize("size", [1e-310, 1e300])
def test_an_image_of_the_smallest_and_largest_numbers_has_all_its_shades(size):
    table = Values()
    place = table.add(np.linspace(-size, size, 127))
    pixels = np.frombuffer(base64.b64decode(table.table[place]["image"]["values"]), np.uint8)
    assert (pixels[0], pixels[63], pixels[-1]) == (1, 128, 255)


def test_a_large_matrix_is_averaged_in_blocks():
    image = described(np.arange(100_000.0).reshape(500, 200))["image"]
    assert image["note"] == "mean over blocks"
    down, right = image["block"]
    assert (image["rows"], image["columns"]) == (-(-500 // down), -(-200 // right))
    assert image["rows"] * image["columns"] <= 4096
    assert image["high"] < 99_999


def test_of_many_channels_the_first_are_shown_side_by_side():
    x = np.ones((10, 10, 3, 4), np.float32)
    image = described(x)["image"]
    assert (image["note"], image["shown"], image["of"]) == ("first of several", 32, 100)
    seen = pixels(image)
    assert np.count_nonzero(seen == 255) == 32 * 12
    assert set(seen[3, :]) == {128}  # between two rows of them


# The file.


HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!-- <script>",
    "/*JS*/ /*DATA*/",
    'say "x" \\ back',
    "<img src=x onerror=alert(1)>",
    "重み",
    "two\nlines \u2028 \0",
    "x" * 1000,
]


def test_hostile_names_are_text_and_end_no_element(data, tmp_path):
    tensors = [tg.ones(1, requires_grad=True) for _ in HOSTILE]
    names = dict(zip(HOSTILE, tensors, strict=True))
    shown = data(tg.cat(tensors).sum(), names=names, title="</script>")
    assert [node["name"] for node in shown["nodes"][: len(HOSTILE)]] == HOSTILE
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    plain = Path(explore(tg.cat(tensors).sum(), tmp_path / "plain.html")).read_text("utf-8")
    assert len(re.findall("</?script|<!--", text)) == len(re.findall("</?script|<!--", plain))


def test_hostile_names_of_classes_and_modules_are_text(data):
    odd = type("<b>Odd</b>", (nn.Sequential,), {})(nn.Linear(2, 1))
    model = nn.Sequential()
    model.add_module("</script>", odd)
    shown = data(model(tg.ones(1, 2)).sum(), model)
    assert [m["label"] for m in shown["modules"]][1] == "</script>: <b>Odd</b>"
    assert named(shown, "</script>.0.weight")["kind"] == "parameter"


def test_a_lone_surrogate_does_not_stop_the_file(data):
    x = tg.ones(1, requires_grad=True)
    assert named(data(x.sum(), names={"\ud800": x}), "?")["kind"] == "leaf"


def test_the_page_has_its_parts():
    text = page({"nodes": []})
    assert not re.search(r"/\*(CSS|JS|DATA)\*/", text)
    assert '{"nodes":[]}' in text


def test_the_path_is_returned_and_an_old_file_replaced(tmp_path):
    file = tmp_path / "step.html"
    file.write_text("old")
    assert explore(mlp()[0], file) == str(file)
    assert read(file)["language"] == "en"
    assert read(explore(mlp()[0], str(file), language="ja"))["language"] == "ja"
    assert [entry.name for entry in tmp_path.iterdir()] == ["step.html"]


def test_a_path_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        explore(mlp()[0], tmp_path / "nowhere" / "step.html")


# Refusals.


def freed():
    loss = mlp()[0]
    loss.backward()
    return loss


def changed():
    loss, model, _ = mlp()
    with tg.no_grad():
        model[2].weight.mul_(2)
    return loss


@pytest.mark.parametrize(
    ("loss", "options", "error", "message"),
    [
        (
            lambda: nn.Linear(1, 1),
            {},
            TypeError,
            r"takes a loss, a tensor; got Linear\. To explore",
        ),
        (lambda: 3.0, {}, TypeError, "got float"),
        (lambda: tg.ones(()), {}, ValueError, "this loss has no graph"),
        (lambda: tg.ones((), requires_grad=True), {}, ValueError, "this loss has no graph"),
        (lambda: tg.ones(2, requires_grad=True) * 2, {}, ValueError, r"shape \(2,\)\. Explore its"),
        (freed, {}, RuntimeError, r"freed by backward\(\)\. Call explore\(loss, path\) before"),
        (changed, {}, RuntimeError, r"Linear needs was changed in place: its input weight"),
        (chain, {"model": "net"}, TypeError, r"the model is a module, .* got str\. The second"),
        (chain, {"names": {"x": [1]}}, TypeError, "'x' is a list"),
        (chain, {"names": {1: tg.ones(2)}}, TypeError, "the name 1 is no text"),
        (chain, {"names": [tg.ones(2)]}, TypeError, r'names=\{"x": x\}; got list'),
        (chain, {"title": 3}, TypeError, "the title is text; got int"),
        (chain, {"language": "fr"}, ValueError, "'en' or 'ja'; got 'fr'"),
        (chain, {"max_nodes": 0}, ValueError, "max_nodes is 1 or more; got 0"),
        (chain, {"max_nodes": True}, ValueError, "max_nodes is 1 or more; got True"),
    ],
)
def test_refusals_say_what_to_do(loss, options, error, message, tmp_path):
    with pytest.raises(error, match=message):
        explore(loss(2) if loss is chain else loss(), tmp_path / "page.html", **options)
    assert list(tmp_path.iterdir()) == []


def test_without_igraph_the_error_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "igraph", None)
    with pytest.raises(ImportError, match="pip install igraph"):
        explore(mlp()[0], tmp_path / "page.html")
