"""Summaries of models: what each column counts, what is left as it was, what a failure tells."""

import gc
import html
import re
import tracemalloc
import unicodedata

import numpy as np
import pytest

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
from tinygrad_edu.course.models import LeNet
from tinygrad_edu.viz import summary
from tinygrad_edu.viz.summary.multiply_adds import multiply_adds
from tinygrad_edu.viz.tables import one_line, quantity, size, text_table

FLOAT = 4  # bytes


def rows(found):
    """The rows by path."""
    return {row.path: row for row in found.rows}


def mlp():
    return nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3))


class Block(nn.Module):
    """A residual block: an operation of its own beside two layers."""

    def __init__(self):
        super().__init__()
        self.second = nn.Linear(4, 4)
        self.first = nn.Linear(4, 4)

    def forward(self, x):
        return x + self.second(tg.tanh(self.first(x)))


# What the columns say.


def test_shapes_parameters_and_multiply_adds_of_each_layer():
    found = summary(mlp(), (5, 6))
    table = rows(found)
    assert list(table) == ["", "0", "1", "2"]
    assert [row.output for row in found.rows] == ["(5, 3)", "(5, 4)", "(5, 4)", "(5, 3)"]
    assert [row.parameters for row in found.rows] == [0, 28, 0, 15]
    assert [row.multiply_adds for row in found.rows] == [0, 5 * 24, 0, 5 * 12]
    assert (found.parameters, found.trainable) == (43, 43)
    assert found.parameter_bytes == 43 * FLOAT


def test_each_column_adds_up_to_its_total():
    model = nn.Sequential(Block(), nn.BatchNorm1d(4), nn.Sequential(nn.Linear(4, 2), nn.Tanh()))
    found = summary(model, (5, 4))
    for name in ("parameters", "multiply_adds", "output_bytes", "saved_bytes"):
        assert sum(getattr(row, name) for row in found.rows) == getattr(found, name)
    for depth in (0, 1, 2):
        shallow = summary(model, (5, 4), depth=depth)
        assert shallow.parameters == found.parameters
        assert len(str(shallow).splitlines()) < len(str(found).splitlines()) or depth == 2


def test_outputs_count_memory_that_is_new():
    model = nn.Sequential(nn.Linear(6, 4), nn.Identity(), nn.Flatten(), nn.Unflatten(1, (2, 2)))
    table = rows(summary(model, (5, 6)))
    assert [row.output_bytes for row in table.values()] == [0, 5 * 4 * FLOAT, 0, 0, 0]
    assert rows(summary(nn.Identity(), (5, 6)))[""].output_bytes == 0


def test_saved_is_what_the_graph_keeps_each_array_once():
    table = rows(summary(mlp(), (5, 6)))
    # The first layer keeps its input, the ReLU its result; that is the input of the last one, too.
    assert [row.saved_bytes for row in table.values()] == [0, 5 * 6 * FLOAT, 5 * 4 * FLOAT, 0]


def test_saved_includes_what_kernels_keep_beside_inputs_and_results():
    model = nn.LSTM(3, 4)
    x = tg.rand(6, 2, 3)
    output, _ = model(x)
    node = output.node.parents[0]
    kept = [value for value, _, _ in node.saved.values() if isinstance(value, np.ndarray)]
    kept += [getattr(node, name) for name in node.scratch]
    own = {id(p.array) for p in model.parameters()}
    arrays = {id(a): a for a in kept if isinstance(a, np.ndarray) and id(a) not in own}
    found = summary(model, data=x)
    assert found.saved_bytes >= sum(a.nbytes for a in arrays.values() if a.base is None) > 0


def test_saved_is_the_memory_that_a_forward_pass_leaves_behind():
    model, x = LeNet(), tg.rand(64, 1, 28, 28)
    found = summary(model, data=x)
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    graph = model(x).node
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert graph is not None
    # The input was there before; the objects of the graph itself take some kilobytes.
    assert found.saved_bytes - x.array.nbytes == pytest.approx(held, rel=0.02)


def test_nothing_is_saved_for_a_frozen_model():
    model = mlp().requires_grad_(False)
    found = summary(model, (5, 6))
    assert (found.saved_bytes, found.trainable) == (0, 0)
    assert "0 trainable" in str(found)
    model[2].weight.requires_grad_(True)
    assert "partly" in str(summary(model, (5, 6)))


def test_a_graph_is_recorded_even_where_the_user_records_none():
    with tg.no_grad():
        assert summary(mlp(), (5, 6)).saved_bytes > 0
    with tg.inference_mode():
        assert summary(mlp(), (5, 6)).saved_bytes > 0


def test_shared_parameters_count_once_and_are_marked():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(10, 4)
            self.head = nn.Linear(4, 10, bias=False)
            self.head.weight = self.embedding.weight

        def forward(self, x):
            return self.head(self.embedding(x))

    found = summary(Tied(), (5, 7), dtypes=tg.int64)
    assert found.parameters == 40
    assert (rows(found)["head"].parameters, rows(found)["head"].shared) == (0, 40)
    text = str(found)
    assert "(40)" in text
    assert "head shares a parameter with embedding" in text


def test_repeated_calls_are_one_row_with_their_number():
    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = nn.RNNCell(3, 4)

        def forward(self, x):
            h = tg.zeros(5, 4)
            for step in x.unbind(1):
                h = self.cell(step, h)
            return h

    found = summary(Loop(), (5, 6, 3))
    row = rows(found)["cell"]
    assert (row.calls, row.multiply_adds) == (6, 6 * 5 * (12 + 16))
    assert row.output_bytes == 6 * 5 * 4 * FLOAT
    assert "RNNCell ×6" in str(found)


def test_different_shapes_of_repeated_calls():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.act = nn.ReLU()

        def forward(self, x):
            return self.act(self.act(x)[:2])

    assert rows(summary(Twice(), (5, 3)))["act"].output == "(5, 3) … (2, 3)"


def test_the_same_module_in_two_places():
    act = nn.Tanh()
    found = summary(nn.Sequential(nn.Linear(3, 3), act, nn.Linear(3, 3), act), (5, 3))
    assert rows(found)["1"].calls == 2
    assert "3 is the same module as 1" in str(found)


def test_rows_stand_in_the_order_of_the_calls_and_then_those_not_called():
    block = Block()
    block.unused = nn.Linear(2, 2)
    found = summary(block, (5, 4))
    assert list(rows(found)) == ["", "first", "second", "unused"]
    assert rows(found)["unused"].output == "not called"
    assert "not called" in str(found)
    assert rows(found)["unused"].parameters == 6


def test_a_part_whose_parameters_are_used_without_calling_it():
    found = summary(nn.MultiheadAttention(4, 2), data=(tg.rand(3, 2, 4),) * 3)
    assert rows(found)["out_proj"].output == "used, not called"


def test_a_list_of_layers_is_no_layer_that_was_not_called():
    class Listed(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(2, 2)])

        def forward(self, x):
            return self.layers[0](x)

    assert rows(summary(Listed(), (5, 2)))["layers"].output == ""


def test_a_layer_that_the_model_does_not_own_is_pointed_out():
    class Forgotten(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = [nn.Linear(2, 2)]

        def forward(self, x):
            return self.layers[0](x)

    text = str(summary(Forgotten(), (5, 2)))
    assert "a Linear was called that is no part of the model" in text
    assert "nn.ModuleList" in text
    assert "no part" not in str(summary(mlp(), (5, 6)))


def test_outputs_in_dicts_and_tuples_and_of_other_types():
    class Several(nn.Module):
        def forward(self, x, y):
            return {"sum": x.sum(1), "pair": (x > 0, [y, 3])}

    found = summary(Several(), [(5, 2), (7,)], dtypes=[tg.float64, None])
    assert rows(found)[""].output == "(5,) float64, (5, 2) bool, (7,)"
    assert rows(found)[""].output_shapes == [(5,), (5, 2), (7,)]
    assert found.inputs == "(5, 2) float64, (7,)"


def test_a_module_that_returns_no_tensor():
    class Number(nn.Module):
        def forward(self, x):
            return 3

    assert rows(summary(Number(), (5, 2)))[""].output == "int"


@pytest.mark.parametrize(
    "options",
    [
        {"data": tg.ones(5, 6)},
        {"data": (tg.ones(5, 6),)},
        {"data": [tg.ones(5, 6)]},
        {"data": {"input": tg.ones(5, 6)}},
        {"input_size": [5, 6]},
        {"input_size": [(5, 6)]},
        {"input_size": (5, 6), "dtypes": tg.float32},
        {"input_size": (5, 6), "dtypes": [tg.float32]},
    ],
)
def test_ways_to_say_what_goes_in(options):
    assert rows(summary(mlp(), **options))[""].output_shapes == [(5, 3)]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, ValueError, "either input_size.*or data="),
        ({"input_size": (5, 6), "data": tg.ones(5, 6)}, ValueError, "either input_size"),
        ({"data": tg.ones(5, 6), "dtypes": tg.float32}, ValueError, "dtypes belongs to input_size"),
        ({"input_size": (5, 6), "dtypes": [tg.float32] * 2}, ValueError, "2 types for 1 inputs"),
        ({"input_size": (5, -1)}, ValueError, "input_size is a shape such as"),
        ({"input_size": tg.ones(5, 6)}, ValueError, "for the input itself: data=x"),
        ({"input_size": 5}, ValueError, r"a shape with the batch.*got 5"),
        ({"input_size": [(5, 6), "a"]}, ValueError, "got 'a' among them"),
        ({"input_size": (5, 6), "depth": -1}, ValueError, "got -1"),
        ({"input_size": (5, 6), "depth": True}, ValueError, "got True"),
    ],
)
def test_what_summary_refuses(options, error, message):
    with pytest.raises(error, match=message):
        summary(mlp(), **options)


def test_something_else_than_a_module_is_refused():
    with pytest.raises(TypeError, match=r"summary takes a module.*got function"):
        summary(lambda x: x, (5, 6))


# Multiply-adds.


def packed():
    return nn.utils.rnn.pack_sequence([tg.rand(4, 3), tg.rand(2, 3)])


@pytest.mark.parametrize(
    ("layer", "args", "expected"),
    [
        (nn.Linear(6, 4), (tg.ones(5, 2, 6),), 5 * 2 * 6 * 4),
        (nn.Bilinear(3, 4, 2), (tg.ones(5, 3), tg.ones(5, 4)), 5 * 2 * (3 * 4 + 4)),
        (nn.Conv2d(4, 6, 3, stride=2), (tg.ones(5, 4, 9, 9),), 5 * 6 * 4 * 4 * (4 * 9)),
        (nn.Conv2d(4, 6, (3, 1), groups=2), (tg.ones(5, 4, 9, 9),), 5 * 6 * 7 * 9 * (2 * 3)),
        (nn.Conv1d(4, 6, 3, dilation=2), (tg.ones(5, 4, 9),), 5 * 6 * 5 * (4 * 3)),
        (nn.ConvTranspose2d(4, 6, 3, stride=2), (tg.ones(5, 4, 3, 3),), 5 * 9 * 4 * 6 * 9),
        (nn.ConvTranspose1d(4, 6, 3, groups=2), (tg.ones(5, 4, 7),), 5 * 7 * 4 * 3 * 3),
        (nn.RNN(3, 4), (tg.ones(6, 5, 3),), 6 * 5 * (3 + 4) * 4),
        (nn.LSTM(3, 4, 2), (tg.ones(6, 5, 3),), 6 * 5 * 4 * 4 * (3 + 4 + 4 + 4)),
        (nn.LSTM(3, 4, proj_size=2), (tg.ones(6, 5, 3),), 6 * 5 * (4 * 4 * (3 + 2) + 4 * 2)),
        (nn.GRU(3, 4, bidirectional=True), (tg.ones(6, 5, 3),), 2 * 6 * 5 * 3 * 4 * (3 + 4)),
        (nn.GRU(3, 4), (tg.ones(6, 3),), 6 * 3 * 4 * (3 + 4)),
        (nn.RNN(3, 4), (packed(),), 6 * (3 + 4) * 4),
        (nn.LSTMCell(3, 4), (tg.ones(5, 3),), 5 * 4 * 4 * (3 + 4)),
        (nn.BatchNorm1d(4), (tg.ones(5, 4),), 2 * 20),
        (nn.BatchNorm1d(4).eval(), (tg.ones(5, 4),), 20),
        (nn.LayerNorm(4), (tg.ones(5, 4),), 2 * 20),
        (nn.LayerNorm(4).eval(), (tg.ones(5, 4),), 2 * 20),
        (nn.GroupNorm(2, 4), (tg.ones(5, 4),), 2 * 20),
        (nn.ReLU(), (tg.ones(5, 4),), 0),
        (nn.Embedding(5, 4), (tg.zeros(5, dtype=tg.int64),), 0),
        # Four projections of 7 or 6 steps, scores and sum.
        (
            nn.MultiheadAttention(8, 2),
            (tg.ones(7, 5, 8), tg.ones(6, 5, 8), tg.ones(6, 5, 8)),
            5 * (2 * 7 + 2 * 6) * 64 + 2 * 5 * 7 * 6 * 8,
        ),
        (
            nn.MultiheadAttention(8, 2, kdim=3, vdim=4, batch_first=True, add_zero_attn=True),
            (tg.ones(5, 7, 8), tg.ones(5, 6, 3), tg.ones(5, 6, 4)),
            5 * (2 * 7 * 64 + 6 * 3 * 8 + 6 * 4 * 8) + 2 * 5 * 7 * 7 * 8,
        ),
        (nn.MultiheadAttention(8, 2), (tg.ones(7, 8),) * 3, 4 * 7 * 64 + 2 * 7 * 7 * 8),
    ],
    ids=lambda value: str(value) if isinstance(value, nn.Module) else "",
)
def test_multiply_adds_of_one_call(layer, args, expected):
    assert multiply_adds(layer, args, {}, layer(*args)) == expected


def test_multiply_adds_of_a_call_by_name():
    layer, x = nn.ConvTranspose1d(4, 6, 3), tg.ones(5, 4, 7)
    output = layer(input=x)
    assert multiply_adds(layer, (), {"input": x}, output) == multiply_adds(layer, (x,), {}, output)


# What is left as it was.


def test_the_model_is_left_as_it_was():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5)).train()
    model[2].eval()
    model(tg.rand(5, 3)).sum().backward()
    kept = model[1].register_forward_hook(lambda *_: None)
    modes = [module.training for module in model.modules()]
    state = {name: (id(t), t.array.copy()) for name, t in model.state_dict(keep_vars=True).items()}
    grads = {name: (p.grad, p.grad.array.copy()) for name, p in model.named_parameters()}
    random = tg.get_rng_state()
    summary(model, (5, 3))
    assert [module.training for module in model.modules()] == modes
    assert tg.get_rng_state() == random
    for name, tensor in model.state_dict(keep_vars=True).items():
        assert state[name][0] == id(tensor)
        np.testing.assert_array_equal(state[name][1], tensor.array)
    for name, parameter in model.named_parameters():
        assert parameter.grad is grads[name][0]
        np.testing.assert_array_equal(parameter.grad.array, grads[name][1])
    assert model._hooks is None
    assert model[0]._hooks is None
    assert list(model[1]._hooks.forward) == [kept.id]


def test_the_model_is_left_as_it_was_when_it_fails():
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(), nn.Linear(4, 2))
    random = tg.get_rng_state()
    with pytest.raises(RuntimeError):
        summary(model, (5, 3))
    assert model[0].num_batches_tracked == 0
    assert tg.get_rng_state() == random
    assert all(module._hooks is None for module in model.modules())


def test_the_input_is_the_same_in_every_run():
    class Show(nn.Module):
        def forward(self, x):
            seen.append(x.array)
            return x

    seen = []
    summary(Show(), (5, 3))
    tg.rand(1)
    summary(Show(), (5, 3))
    np.testing.assert_array_equal(*seen)


# When a layer fails.


def test_an_error_comes_with_the_table_up_to_the_layer_that_failed():
    model = nn.Sequential(nn.Linear(4, 5), nn.Sequential(nn.ReLU(), nn.Linear(6, 3)), nn.Tanh())
    with pytest.raises(RuntimeError) as caught:
        summary(model, (2, 4))
    text = str(caught.value)
    assert text.startswith("The summary ends where 1.1 failed.\n\nlayer ")
    assert re.search(r"^ +1\.1 +Linear +failed here +21 ", text, re.MULTILINE)
    assert re.search(r"^ +0 +Linear +\(2, 5\)", text, re.MULTILINE)
    assert "Tanh" not in text
    assert "saved" not in text
    assert text.index("failed here") < text.index("linear: the input has 5 features")
    assert "in 1.1 (Linear 6→3) of Sequential" in text


class TwoParts(Exception):
    def __init__(self, first, second):
        super().__init__(first, second)


@pytest.mark.parametrize(
    ("error", "in_message"),
    [
        (ZeroDivisionError("nought"), True),
        (KeyError("name"), False),
        (TwoParts("one", "two"), False),
        (OSError(2, "missing"), False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_the_error_keeps_its_type_and_what_it_said(error, in_message):
    class Failing(nn.Module):
        def forward(self, x):
            raise error

    before = str(error)
    with pytest.raises(type(error)) as caught:
        summary(nn.Sequential(nn.Linear(3, 2), Failing()), (5, 3))
    assert caught.value is error
    assert before in str(error)
    text = str(error) if in_message else "\n".join(error.__notes__)
    assert "The summary ends where 1 failed." in text
    assert "(5, 2)" in text


def test_a_failure_in_the_models_own_forward():
    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 2)

        def forward(self, x):
            return self.layer(x).reshape(7)

    with pytest.raises(RuntimeError, match="The summary ends where the model failed"):
        summary(Outer(), (5, 3))


def test_an_error_that_the_model_catches_is_no_failure():
    class Lenient(nn.Module):
        def __init__(self):
            super().__init__()
            self.wrong, self.right = nn.Linear(4, 2), nn.Linear(3, 2)

        def forward(self, x):
            try:
                return self.wrong(x)
            except RuntimeError:
                return self.right(x)

    found = rows(summary(Lenient(), (5, 3)))
    assert found["right"].output == "(5, 2)"
    assert found["right"].multiply_adds == 30


def test_a_summary_inside_of_an_except_clause():
    try:
        raise ValueError
    except ValueError:
        assert rows(summary(mlp(), (5, 6)))["0"].multiply_adds == 120


# How it is shown.


def test_depth_sums_up_what_it_does_not_show():
    model = nn.Sequential(Block(), nn.Sequential(nn.Linear(4, 2), nn.Tanh()))
    lines = str(summary(model, (5, 4), depth=1)).splitlines()
    assert [line.split()[0] for line in lines[3:5]] == ["0", "1"]
    assert re.search(r"0 +Block +\(5, 4\) +40 +yes +160 ", lines[3])
    assert re.search(r"1 +Sequential +\(5, 2\) +10 +yes +40 ", lines[4])
    (only,) = [line for line in str(summary(model, (5, 4), depth=0)).splitlines() if "Sequ" in line]
    assert re.search(r"Sequential +\(5, 2\) +50 +yes +200 ", only)


def test_columns_are_aligned_with_wide_and_combining_characters():
    text = text_table(["名前", "n"], [["重み", "1"], ["e\u0301", "10"], [], ["w", "2"]], "<>")

    def width(line):
        return sum(
            0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
            for c in line
        )

    lines = text.splitlines()
    assert {width(line) for line in lines} == {width(lines[1])}
    assert lines[1] == lines[4]


HOSTILE = [
    'say "x"',
    "<b>bold</b>",
    "<script>alert(1)</script>",
    "&lt;b&gt; &amp;",
    "重み",
    "{a|b}",
    "$x$",
    "-15",
    " ",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_appears_as_text(name):
    model = nn.Sequential()
    model.add_module(name, nn.Linear(3, 2))
    found = summary(model, (5, 3))
    assert name.strip() in str(found)
    page = found._repr_html_()
    tags = set(re.findall(r"<(\w+)", page))
    assert tags <= {"table", "thead", "tbody", "tr", "th", "td", "div"}
    cells = [html.unescape(text) for text in re.findall(r"<td[^>]*>(.*?)</td>", page)]
    assert name.strip() in {cell.strip() for cell in cells}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("two\nlines\tand a tab", "two lines and a tab"),
        ("red \x1b[31m", "red \ufffd[31m"),
        ("right \u202e to left", "right \ufffd to left"),
        ("x" * 1000, "x" * 30 + "…" + "x" * 29),
    ],
)
def test_a_name_takes_one_line_of_text(name, expected):
    model = nn.Sequential()
    model.add_module(name, nn.Linear(3, 2))
    text = str(summary(model, (5, 3)))
    assert re.search(rf"^  {re.escape(expected)} +Linear", text, re.MULTILINE)
    assert one_line(name) == expected


def test_a_hostile_class_name_appears_as_text():
    Odd = type("<i>\n\x1b", (nn.Identity,), {})
    found = summary(Odd(), (2, 2))
    assert "<i> \ufffd" in str(found)
    assert "<i>" not in found._repr_html_()


def test_a_hostile_name_in_the_message_of_a_failure():
    model = nn.Sequential()
    model.add_module("a\x1b[2J", nn.Linear(3, 2))
    with pytest.raises(RuntimeError, match=r"The summary ends where a\ufffd.2J failed"):
        summary(model, (5, 4))


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (999.6, "1 k"), (1e6, "1 M"), (1.5e18, "1.5e+03 P")],
)
def test_quantities(number, text):
    assert quantity(number) == text


def test_sizes():
    assert [size(n) for n in (0, 1, 1000, 2_500_000)] == ["0", "1 B", "1 kB", "2.5 MB"]


def test_the_result_prints_itself():
    found = summary(mlp(), (5, 6))
    assert repr(found) == str(found)
    assert str(found).splitlines()[-1] == (
        "43 parameters (172 B), all trainable; input (5, 6) (120 B)"
    )
    assert str(summary(nn.ReLU(), (5, 6))).splitlines()[-1] == (
        "0 parameters, nothing to train; input (5, 6) (120 B)"
    )
