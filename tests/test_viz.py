"""Pictures of graphs and figures of trainings: what is drawn, how it is named, without dot."""

import html
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import graphviz
import numpy as np
import pytest
from picture_text import arrows, box, boxes, edges, is_acyclic, labels

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
from tinygrad_edu.training import History
from tinygrad_edu.viz import draw, plot_history, plot_predictions

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz's program dot")


class Cell(nn.Module):
    """A recurrent cell that calls two layers."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(4, 4)
        self.outer = nn.Linear(3, 4)

    def forward(self, x, h):
        return tg.tanh(self.inner(h) + self.outer(x))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = Cell()
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        h = tg.zeros(5, 4)
        for step in x.unbind(1):
            h = self.cell(step, h)
        return self.head(h)


class Residual(nn.Module):
    """An operation of its own between and after the calls of its layers."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.second = nn.Linear(3, 3)

    def forward(self, x):
        return x + self.second(tg.tanh(self.first(x)))


def mlp():
    model = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3))
    return model, F.cross_entropy(model(tg.rand(5, 6)), tg.tensor([0, 1, 2, 0, 1]))


def test_the_package_brings_its_rooms_when_they_are_first_used():
    program = (
        "import sys, tinygrad_edu as tg\n"
        "assert tg.nn and tg.optim and not {'graphviz', 'tinygrad_edu.viz'} & set(sys.modules)\n"
        "assert {'viz', 'testing', 'training', 'datasets', 'utils'} <= set(dir(tg))\n"
        "tg.viz.draw, tg.training.Trainer, tg.datasets.MNIST, tg.utils.data, tg.testing\n"
        "assert 'graphviz' in sys.modules and 'matplotlib' not in sys.modules\n"
    )
    folder = Path(tg.__file__).parents[1]
    subprocess.run([sys.executable, "-c", program], check=True, cwd=folder, timeout=60)
    with pytest.raises(AttributeError, match="has no attribute 'vis'"):
        _ = tg.vis


def test_the_dot_text_of_a_small_graph():
    x = tg.tensor([[1.0, 2.0]], requires_grad=True, dtype=tg.float64)
    w = tg.tensor([3.0, 4.0], requires_grad=True, dtype=tg.float64)
    picture = draw((x * w).sum(), names={"x": x, "w": w})
    assert isinstance(picture, graphviz.Digraph)
    leaf = 'color="#3f8f68" fillcolor="#dff0e6" style=filled'
    result = 'color="#2f6db3" fillcolor="#dbe9fb" style="filled,bold"'
    assert picture.source.splitlines()[4:-1] == [
        f'\tn0 [label="x\\n1×2 float64\\ngrad: not computed yet" {leaf}]',
        f'\tn1 [label="w\\n2 float64\\ngrad: not computed yet" {leaf}]',
        '\tn2 [label="Mul\\n1×2 float64"]',
        '\tn3 [label="Sum\\nscalar float64"]',
        f'\tn4 [label="result\\nscalar float64\\n11" {result}]',
        "\tn0 -> n2",
        "\tn1 -> n2",
        "\tn2 -> n3",
        "\tn3 -> n4",
    ]


# Gradients and names.


def test_a_gradient_is_shown_once_it_is_computed_and_zero_only_if_it_is_zero():
    x = tg.tensor([3.0, 4.0], requires_grad=True)
    unused = tg.tensor([1.0], requires_grad=True)
    loss = (x * x).sum() / 2 + (unused * 0.0).sum()
    names = {"x": x, "unused": unused}
    before = draw(loss, names=names)
    assert box(before, "x")[2] == box(before, "unused")[2] == "grad: not computed yet"
    loss.backward()
    after = draw(loss, names=names)
    assert box(after, "x")[2] == "grad: norm 5"
    assert box(after, "unused")[2] == "grad: norm 0"
    assert len(after.body) == len(before.body)


def test_the_gradient_of_an_intermediate_result_that_retains_it():
    x = tg.tensor([3.0, 4.0], requires_grad=True)
    h = x * 2
    h.retain_grad()
    loss = h.sum()
    assert box(draw(loss), "Mul")[2] == "grad: not computed yet"
    loss.backward()
    assert box(draw(loss), "Mul")[2] == "grad: norm 1.41"


def test_a_gradient_that_is_not_finite_is_shown_as_it_is():
    x = tg.tensor([1e200, 1.0], dtype=tg.float64, requires_grad=True)
    x.grad = tg.tensor([float("nan"), 1.0], dtype=tg.float64)
    assert box(draw(x * 1), "leaf")[2] == "grad: norm nan"
    x.grad = tg.tensor([1e200, 1e200], dtype=tg.float64)
    assert box(draw(x * 1), "leaf")[2] == "grad: norm inf"


def test_parameters_are_named_by_the_modules_that_ran():
    _, loss = mlp()
    picture = draw(loss)
    assert labels(picture) == [
        *("0.weight 4×6", "0: Linear", "1: ReLU", "2.weight 3×4", "2: Linear"),
        *("CrossEntropy", "result"),
    ]
    assert box(picture, "0.weight 4×6")[2] == "0.bias 4"


def test_parameters_used_outside_of_their_modules_are_named_by_the_model():
    model = nn.Sequential(nn.Linear(2, 2))
    loss = (model[0].weight ** 2).sum()
    assert labels(draw(loss))[0] == "parameter 2×2"
    assert labels(draw(loss, model))[0] == "0.weight 2×2"
    assert labels(draw(model[0](tg.ones(1, 2)), model))[:2] == ["0.weight 2×2", "0: Linear"]


def test_several_models_are_told_apart():
    first, second, other = nn.Linear(2, 2), nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 1))
    out = other(second(first(tg.ones(1, 2))))
    parameters = [lines for lines in boxes(draw(out)).values() if "weight" in lines[0]]
    assert [(lines[0], lines[2]) for lines in parameters] == [
        ("Linear[0].weight 2×2", "Linear[0].bias 2"),
        ("Linear[1].weight 2×2", "Linear[1].bias 2"),
        ("Sequential.0.weight 1×2", "Sequential.0.bias 1"),
    ]
    assert labels(draw(out, depth="layers")) == [
        *("Linear[0]: Linear", "Linear[1]: Linear", "Sequential.0: Linear", "result"),
    ]


def test_intermediate_results_can_be_named():
    x = tg.ones(2, requires_grad=True)
    h = x * 2
    assert labels(draw(h.sum(), names={"h": h})) == ["leaf", "h: Mul", "Sum", "result"]


def test_data_appears_when_it_requires_a_gradient():
    model, images = nn.Linear(2, 1), tg.ones(3, 2)
    assert "images" not in labels(draw(model(images)))
    with pytest.raises(ValueError, match=r"'images', of shape \(3, 2\), is not in the graph"):
        draw(model(images), names={"images": images})
    images.requires_grad_()
    assert labels(draw(model(images), names={"images": images}))[0] == "images"


@pytest.mark.parametrize(
    "name",
    [
        'say "x"',
        "<b>bold</b>",
        "<>",
        "back\\slash\\",
        "\\N\\n\\l",
        "&lt;b&gt; &amp;",
        '\\" ',
        "重み",
        "{a|b}",
        "digraph",
        "a:b:c",
        "-1.5",
        "",
    ],
)
def test_a_name_is_shown_as_it_is(name):
    x = tg.ones(1, requires_grad=True)
    picture = draw(x * 1, names={name: x})
    assert boxes(picture)["n0"][:2] == [" ".join(name.split()), "1 float32"]


@needs_dot
def test_hostile_names_come_through_dot():
    names = ['say "x"', "<b>bold</b>", "back\\slash\\", "&lt;b&gt;", "重み", "\\N"]
    leaves = [tg.ones(1, requires_grad=True) for _ in names]
    picture = draw(tg.cat(leaves), names=dict(zip(names, leaves, strict=True)))
    svg = picture.pipe(format="svg", encoding="utf-8")
    texts = [html.unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]
    assert set(names) <= {text.replace("\N{NO-BREAK SPACE}", " ") for text in texts}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("two\nlines\tand a tab", "two lines and a tab"),
        ("nul \0 and a surrogate \ud800", "nul \ufffd and a surrogate \ufffd"),
        ("right \u202e to left", "right \ufffd to left"),
        ("x" * 1000, "x" * 50 + "…" + "x" * 29),
    ],
)
def test_a_name_takes_one_line_of_text(name, shown):
    x = tg.ones(1, requires_grad=True)
    picture = draw(x * 1, names={name: x})
    assert labels(picture)[0] == shown
    picture.source.encode()


# What is drawn.


def test_an_operand_used_twice_has_two_arrows():
    x = tg.ones(1, requires_grad=True)
    assert Counter(arrows(draw(x * x)))["leaf", "Mul"] == 2


def test_a_leaf_alone_and_several_results():
    x = tg.ones(2, requires_grad=True)
    assert labels(draw(x)) == ["leaf"]
    y = x * 2
    picture = draw([y, y.sum(), x, y])
    assert labels(picture) == ["leaf", "Mul", "Sum", "result 0", "result 1"]
    assert ("Mul", "result 0") in arrows(picture)


def test_results_of_an_operation_with_several_are_arrows_with_their_number_and_shape():
    x = tg.ones(5, 2, requires_grad=True)
    first, _, last = x.split(2)
    picture = draw([first * last.sum(), last])
    assert labels(picture) == ["leaf", "Split", "Sum", "Mul", "result 0", "result 1"]
    assert [match[3] for match in edges(picture)] == [
        None,
        "2: 1×2",
        "0: 2×2",
        None,
        None,
        "2: 1×2",
    ]


def test_the_direction():
    x = tg.ones(1, requires_grad=True)
    assert "rankdir=LR" in draw(x * 1, direction="LR").source


def test_a_graph_can_be_drawn_after_it_was_freed():
    _, loss = mlp()
    before = draw(loss)
    loss.backward()
    assert labels(draw(loss)) == labels(before)


@pytest.mark.parametrize(
    ("outputs", "options", "error", "message"),
    [
        (lambda: tg.ones(2), {}, ValueError, "shape .2,. has no graph"),
        (list, {}, ValueError, "at least one result"),
        (lambda: nn.Linear(2, 2), {}, TypeError, "draw takes a tensor"),
        (lambda: [np.ones(2)], {}, TypeError, "got ndarray"),
        (lambda: None, {}, TypeError, "got NoneType"),
        (lambda: LEAF, {"direction": "up"}, ValueError, "TB, LR, BT, RL; got 'up'"),
        (lambda: LEAF, {"depth": -1}, ValueError, "got -1"),
        (lambda: LEAF, {"depth": True}, ValueError, "got True"),
        (lambda: LEAF, {"depth": 1.0}, ValueError, "got 1.0"),
        (lambda: LEAF, {"depth": "all"}, ValueError, '"layers", "operations".*got \'all\''),
        (lambda: LEAF, {"repeats": "once"}, ValueError, "count, loop, all; got 'once'"),
        (lambda: LEAF, {"names": {"x": 3}}, TypeError, "'x' is a int"),
        (lambda: LEAF, {"names": {1: tg.ones(2)}}, TypeError, "the name 1 is no text"),
        (lambda: LEAF, {"names": tg.ones(2)}, TypeError, r'names=\{"x": x\}; got Tensor'),
        (
            lambda: LEAF,
            {"model": {"x": tg.ones(2)}},
            TypeError,
            r"module, .*got dict\. Other names",
        ),
    ],
)
def test_what_cannot_be_drawn(outputs, options, error, message):
    with pytest.raises(error, match=message):
        draw(outputs(), **options)


LEAF = tg.ones(2, requires_grad=True)


# Closed modules.


def test_a_closed_module_is_one_box_with_its_parameters():
    _, loss = mlp()
    loss.backward()
    picture = draw(loss, depth="layers")
    assert labels(picture) == ["0: Linear", "1: ReLU", "2: Linear", "CrossEntropy", "result"]
    lines = box(picture, "0: Linear")
    assert lines[1] == "5×4 float32"
    assert re.fullmatch(r"weight 4×6, grad: norm \d\S*", lines[2])
    assert re.fullmatch(r"bias 4, grad: norm \d\S*", lines[3])
    assert arrows(picture) == [
        ("0: Linear", "1: ReLU"),
        ("1: ReLU", "2: Linear"),
        ("2: Linear", "CrossEntropy"),
        ("CrossEntropy", "result"),
    ]


def test_the_operations_of_a_module_that_calls_others_stay_outside_of_their_boxes():
    x = tg.ones(2, 3, requires_grad=True)
    picture = draw(Residual()(x).sum(), depth="layers")
    assert labels(picture) == [
        *("leaf", "first: Linear", "Tanh", "second: Linear", "Add", "Sum", "result"),
    ]
    assert is_acyclic(picture)


def test_depth_chooses_how_much_is_in_one_box():
    out = Recurrent()(tg.rand(5, 6, 3))
    whole = draw(out, depth=0)
    assert labels(whole) == ["Recurrent", "result"]
    assert box(whole, "Recurrent")[2:] == ["6 parameters, 46 numbers", "grad: not computed yet"]
    children = draw(out, depth=1, repeats="all")
    assert labels(children) == ["cell: Cell"] * 6 + ["head: Linear", "result"]
    assert is_acyclic(children)
    grandchildren = Counter(labels(draw(out, depth=2, repeats="all")))
    assert grandchildren["cell.inner: Linear"] == grandchildren["Tanh"] == 6
    assert labels(draw(out, depth=9)) == labels(draw(out, depth="layers"))


def test_a_loop_is_one_box_that_leads_back_to_itself():
    x = tg.rand(5, 6, 3).requires_grad_()
    picture = draw(Recurrent()(x), repeats="loop", names={"x": x})
    assert labels(picture) == [
        *("x", "Unbind", "cell: Cell", "head.weight 2×4", "head: Linear", "result"),
    ]
    assert box(picture, "cell: Cell")[1:4] == [
        "6 calls",
        "5×4 float32",
        "inner.weight 4×4, grad: not computed yet",
    ]
    assert set(arrows(picture)) == {
        ("x", "Unbind"),
        ("Unbind", "cell: Cell"),
        ("cell: Cell", "cell: Cell"),
        ("cell: Cell", "head: Linear"),
        ("head.weight 2×4", "head: Linear"),
        ("head: Linear", "result"),
    }
    assert len(edges(picture)) == 6


def test_a_module_called_once_does_not_lead_back_to_itself():
    out = Cell()(tg.ones(2, 3), tg.ones(2, 4))
    assert arrows(draw(out, depth=0, repeats="loop")) == [("Cell", "result")]
    assert is_acyclic(draw(out, repeats="loop"))


def test_gradients_of_a_closed_module_are_summed_up_as_far_as_they_are_computed():
    model = Recurrent()
    model(tg.rand(5, 2, 3)).sum().backward()
    for parameter in model.parameters():
        parameter.grad = tg.full_like(parameter, 2.0)
    out = model(tg.rand(5, 2, 3))
    assert box(draw(out, depth=0), "Recurrent")[3] == f"grad: norm {2 * 46**0.5:.3g}"
    model.cell.inner.weight.grad = None
    assert box(draw(out, depth=0), "Recurrent")[3] == f"grad: norm {2 * 30**0.5:.3g} (5 of 6)"


def test_closed_modules_whose_parameters_are_all_frozen():
    model = Recurrent().requires_grad_(False)
    out = model(tg.rand(5, 2, 3).requires_grad_())
    assert box(draw(out, depth=0), "Recurrent")[3] == "grad: none, frozen"


def test_frozen_and_shared_parameters_in_closed_modules():
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    second.weight = first.weight
    second.bias.requires_grad_(False)
    model = nn.Sequential(first, second)
    picture = draw(model(tg.ones(1, 2)).sum() + (first.weight**2).sum(), depth="layers")
    assert box(picture, "0: Linear")[2] == box(picture, "1: Linear")[2]
    assert box(picture, "1: Linear")[3] == "bias 2, grad: none, frozen"
    # Outside of the modules the same parameter is a leaf.
    assert ("0.weight", "Pow") in arrows(picture)


def test_a_parameter_of_another_module_leads_into_the_box():
    class Tied(nn.Module):
        def __init__(self, other):
            super().__init__()
            self.others = [other]

        def forward(self, x):
            return F.linear(x, self.others[0].weight)

    other = nn.Linear(2, 2)
    picture = draw(Tied(other)(other(tg.ones(1, 2))), depth="layers")
    assert ("weight", "Tied") in arrows(picture)


# Size.


def chain(n):
    x = tg.ones(1, requires_grad=True)
    for _ in range(n):
        x = x * 1.0
    return x


def doubling(n):
    """2ⁿ paths through n operations."""
    x = tg.zeros(1, requires_grad=True)
    for _ in range(n):
        x = x + x
    return x


def layers(n):
    return nn.Sequential(*[nn.Linear(1, 1) for _ in range(n)])(tg.ones(1, 1))


def calls_of(function):
    """The number of Python and C functions that are called."""
    count = 0

    def note(_, event, __):
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (chain, {}),
        (doubling, {}),
        (layers, {}),
        (layers, {"depth": "operations", "repeats": "all"}),
        (layers, {"depth": "layers"}),
        (layers, {"depth": 0}),
        (layers, {"repeats": "loop"}),
        (layers, {"depth": "operations", "repeats": "all", "values": True}),
        (chain, {"values": True}),
    ],
)
def test_the_work_grows_with_the_number_of_operations(make, options):
    small, large = make(200), make(800)
    draw(small, **options)  # what is done only once
    assert calls_of(lambda: draw(large, **options)) < 4.3 * calls_of(lambda: draw(small, **options))


def test_a_long_chain_is_drawn_without_recursion():
    picture = draw(chain(20_000))
    assert len(picture.body) == 2 * 20_001 + 1
    assert picture.source.endswith("}\n")


# dot, present or not.


@pytest.fixture
def no_dot(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))


@pytest.fixture
def picture():
    return draw(tg.ones(1, requires_grad=True) * 2)


def test_without_dot_render_writes_the_text_and_says_what_to_install(no_dot, picture, tmp_path):
    with pytest.raises(RuntimeError, match=r"apt install graphviz.*The DOT text is in .*loss\."):
        picture.render("loss", directory=tmp_path / "new", format="png")
    assert (tmp_path / "new" / "loss").read_text() == picture.source
    with pytest.raises(RuntimeError, match="apt install graphviz"):
        picture.render(outfile=tmp_path / "loss.svg")
    assert (tmp_path / "loss.gv").read_text() == picture.source


def test_without_dot_pipe_and_view_say_what_to_install(no_dot, picture, tmp_path):
    with pytest.raises(RuntimeError, match=r"brew install graphviz.*`.source`"):
        picture.pipe(format="svg")
    with pytest.raises(RuntimeError, match="apt install graphviz"):
        picture.view(tmp_path / "picture.gv")


def test_without_dot_a_notebook_shows_the_text(no_dot, picture):
    bundle = picture._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    assert "apt install graphviz" in bundle["text/plain"]
    assert picture.source in bundle["text/plain"]


def test_save_needs_no_dot(no_dot, picture, tmp_path):
    picture.save(tmp_path / "graph.dot")
    assert (tmp_path / "graph.dot").read_text() == picture.source


def fake_dot(folder, monkeypatch, program):
    script = folder / "dot"
    script.write_text(f"#!/bin/sh\n{program}\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_a_notebook_shows_what_dot_makes(picture, tmp_path, monkeypatch):
    fake_dot(tmp_path, monkeypatch, "echo '<svg/>'")
    assert picture._repr_mimebundle_() == {"image/svg+xml": "<svg/>\n"}
    assert picture._repr_mimebundle_(include=["text/html"]) == {}


def test_an_error_of_dot_is_not_taken_for_its_absence(picture, tmp_path, monkeypatch):
    fake_dot(tmp_path, monkeypatch, "exit 1")
    with pytest.raises(graphviz.CalledProcessError):
        picture.pipe(format="svg")
    with pytest.raises(graphviz.CalledProcessError):
        picture._repr_mimebundle_()


def test_a_notebook_does_not_wait_for_a_picture_of_thousands_of_boxes(tmp_path, monkeypatch):
    fake_dot(tmp_path, monkeypatch, "echo '<svg/>'")
    bundle = draw(chain(2000))._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    assert "draw(..., depth=)" in bundle["text/plain"]


@needs_dot
def test_dot_renders_the_picture(picture, tmp_path):
    path = picture.render("loss", directory=tmp_path, format="svg")
    assert path == str(tmp_path / "loss.svg")
    assert "Mul" in (tmp_path / "loss.svg").read_text()
    assert set(picture._repr_mimebundle_()) == {"image/svg+xml"}


# Figures.


def row(epoch, **figures):
    return {"epoch": epoch, "train_loss": 1.0 / epoch, **figures, "seconds": 0.1}


def test_curves_of_loss_and_metric_for_both_sets():
    rows = [row(e, train_accuracy=0.5, test_loss=0.9, test_accuracy=e / 4) for e in (1, 2)]
    loss, accuracy = plot_history(History(rows, [1.0, 0.8, 0.6, 0.4]), "Costs $5 or $6").axes
    drawn = {line.get_label(): line.get_xydata().tolist() for line in loss.lines}
    assert drawn["train"] == [[1, 1.0], [2, 0.5]]
    assert drawn["test"] == [[1, 0.9], [2, 0.9]]
    assert drawn["every batch"] == [[0.5, 1.0], [1.0, 0.8], [1.5, 0.6], [2.0, 0.4]]
    assert accuracy.lines[1].get_ydata().tolist() == [0.25, 0.5]
    assert (loss.get_ylabel(), accuracy.get_ylabel()) == ("loss", "accuracy")
    assert loss.get_yscale() == "linear"


def test_a_history_without_metric_is_one_curve_and_a_large_range_is_logarithmic():
    losses = [1000.0, 10.0, 0.1, 0.1]
    (loss,) = plot_history(History([row(1), row(2)], losses)).axes
    assert loss.get_yscale() == "log"
    (loss,) = plot_history(History([row(1), row(2)], [*losses[:3], 0.0])).axes
    assert loss.get_yscale() == "linear"


def test_a_history_of_losses_that_are_not_finite_is_drawn():
    history = History([row(1), row(2) | {"train_loss": float("nan")}], [1.0, float("nan")])
    plot_history(history).canvas.draw()


def test_an_empty_history_has_no_curve():
    with pytest.raises(ValueError, match="history is empty"):
        plot_history(History())


@pytest.mark.parametrize("shape", [(3, 8, 8), (3, 1, 8, 8)])
def test_predictions_show_both_labels_and_wrong_ones_stand_out(shape):
    figure = plot_predictions(
        tg.rand(*shape), tg.tensor([1, 2, 3]), tg.tensor([1, 2, 5]), columns=2
    )
    (axes,) = figure.axes
    assert len(axes.images) == 3
    assert [text.get_text() for text in axes.texts] == [
        *("predicted 1\ntrue 1", "predicted 2\ntrue 2", "predicted 5\ntrue 3"),
    ]
    assert [text.get_color() for text in axes.texts] == ["black", "black", "#D55E00"]
    figure.canvas.draw()


@pytest.mark.parametrize(
    ("images", "count", "options", "message"),
    [
        ((0, 8, 8), 0, {}, "at least one grey image"),
        ((2, 3, 8, 8), 2, {}, r"got \(2, 3, 8, 8\)"),
        ((2, 8, 8), 3, {}, r"each of 2 images; got shapes \(3,\)"),
        ((2, 8, 8), 2, {"columns": 0}, "columns is 1 or more"),
    ],
)
def test_predictions_that_do_not_fit(images, count, options, message):
    numbers = tg.zeros(count, dtype=tg.int64)
    with pytest.raises(ValueError, match=message):
        plot_predictions(tg.zeros(*images), numbers, numbers, **options)


def test_without_matplotlib_a_figure_says_what_to_install(monkeypatch):
    for name in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        plot_history(History([row(1)]))
