"""Graph pictures: frames of modules, what repeats, and names that try to be markup."""

import shutil
from functools import partial
from itertools import chain
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_text import arrows, box, boxes, edges, is_acyclic, labels, note, operations, outline

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
from tinygrad_edu.autograd.graph import Operation
from tinygrad_edu.course import models
from tinygrad_edu.viz import draw

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz's program dot")


class Block(nn.Module):
    """x + tanh(layer(x))"""

    def __init__(self, size=2):
        super().__init__()
        self.layer = nn.Linear(size, size)

    def forward(self, x):
        return x + tg.tanh(self.layer(x))


class Each(nn.Module):
    """The sum of what its parts make of the same input."""

    def __init__(self, *parts):
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, x):
        return tg.stack([part(x) for part in self.parts]).sum(0)


class Scaled(nn.Module):
    """Its parts one after the other, with an operation of its own after each."""

    def __init__(self, *parts):
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, x):
        for part in self.parts:
            x = part(x) * 2
        return x


class Steps(nn.Module):
    """One cell, several times."""

    def __init__(self, cell, steps):
        super().__init__()
        self.cell = cell
        self.steps = steps

    def forward(self, x):
        for _ in range(self.steps):
            x = self.cell(x)
        return x


def blocks(n):
    return nn.Sequential(*[Block() for _ in range(n)])


# The text of whole pictures.

HEAD = """\
digraph computation_graph {
	graph [color="#c9b07a" fillcolor="#b8913a14" fontname=Helvetica fontsize=11 labeljust=l \
nodesep=0.25 rankdir=LR ranksep=0.3 style="rounded,filled"]
	node [color="#8794a8" fillcolor="#eef2f7" fontname=Helvetica fontsize=11 height=0.3 \
margin="0.12,0.06" shape=box style="rounded,filled"]
	edge [arrowsize=0.6 color="#8794a8" fontname=Helvetica fontsize=9]
"""
LEAF = '[label="{}" color="#3f8f68" fillcolor="#dff0e6" style=filled]'
CLOSED = '[label="{}" color="#b8913a" fillcolor="#fdf3dc"]'
RESULT = '[label="{}" color="#2f6db3" fillcolor="#dbe9fb" style="filled,bold"]'


def test_the_dot_text_of_a_network_of_two_layers():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    for parameter in model.parameters():
        tg.nn.init.ones_(parameter)
    loss = F.mse_loss(model(tg.ones(4, 2)), tg.zeros(4, 1))
    before = draw(loss, direction="LR").source
    first = LEAF.format(r"0.weight 3×2\ngrad: not computed yet\n0.bias 3\ngrad: not computed yet")
    second = LEAF.format(r"2.weight 1×3\ngrad: not computed yet\n2.bias 1\ngrad: not computed yet")
    assert before == HEAD + "\n".join(
        [
            "\tsubgraph cluster_0 {",
            "\t\tlabel=Sequential",
            "\t\t{",
            "\t\t\trank=same",
            f"\t\t\tn0 {first}",
            r'			n1 [label="0: Linear\n4×3 float32"]',
            "\t\t}",
            r'		n2 [label="1: ReLU\n4×3 float32"]',
            "\t\t{",
            "\t\t\trank=same",
            f"\t\t\tn3 {second}",
            r'			n4 [label="2: Linear\n4×1 float32"]',
            "\t\t}",
            "\t}",
            r'	n5 [label="MSELoss\nscalar float32"]',
            "\tn6 " + RESULT.format(r"result\nscalar float32\n100"),
            *("\tn0 -> n1", "\tn3 -> n4"),
            *("\tn1 -> n2", "\tn2 -> n4", "\tn4 -> n5", "\tn5 -> n6"),
            "}\n",
        ]
    )
    loss.backward()
    assert draw(loss, direction="LR").source == before.replace(
        first, LEAF.format(r"0.weight 3×2\ngrad: norm 49\n0.bias 3\ngrad: norm 34.6")
    ).replace(second, LEAF.format(r"2.weight 1×3\ngrad: norm 104\n2.bias 1\ngrad: norm 20"))


def test_the_dot_text_of_a_block_that_repeats():
    x = tg.ones(1, 2, requires_grad=True)
    picture = draw(blocks(3)(x), names={"x": x}, direction="LR")
    missing = r"\ngrad: not computed yet"
    assert picture.source == HEAD + "\n".join(
        [
            "\tn0 " + LEAF.format(rf"x\n1×2 float32{missing}"),
            "\tsubgraph cluster_0 {",
            "\t\tlabel=Sequential",
            "\t\tsubgraph cluster_1 {",
            '\t\t\tlabel="0: Block"',
            "\t\t\t{",
            "\t\t\t\trank=same",
            "\t\t\t\tn1 " + LEAF.format(rf"0.layer.weight 2×2{missing}\n0.layer.bias 2{missing}"),
            r'				n2 [label="0.layer: Linear\n1×2 float32"]',
            "\t\t\t}",
            r'			n3 [label="Tanh\n1×2 float32"]',
            r'			n4 [label="Add\n1×2 float32"]',
            "\t\t}",
            "\t\tn5 "
            + CLOSED.format(
                r"1 to 2: 2 × Block\n1×2 float32\nlike 0: Block"
                rf"\n4 parameters, 12 numbers{missing}"
            ),
            "\t}",
            "\tn6 " + RESULT.format(r"result\n1×2 float32"),
            "\tn1 -> n2",
            *("\tn0 -> n2", "\tn2 -> n3", "\tn0 -> n4", "\tn3 -> n4", "\tn4 -> n5", "\tn5 -> n6"),
            "}\n",
        ]
    )


# Frames.


def test_modules_are_frames_inside_of_each_other_and_data_stands_outside():
    x = tg.ones(1, 2, requires_grad=True)
    model = nn.Sequential(Block(), nn.Sequential(nn.Tanh(), nn.Linear(2, 1)))
    assert outline(draw(model(x).sum(), names={"x": x})) == [
        "x",
        [
            "Sequential",
            ["0: Block", "0.layer.weight 2×2", "0.layer: Linear", "Tanh", "Add"],
            ["1: Sequential", "1.0: Tanh", "1.1.weight 1×2", "1.1: Linear"],
        ],
        *("Sum", "result"),
    ]


def test_a_layer_of_several_operations_is_a_frame_and_of_one_a_box():
    x = tg.ones(1, 1, 4, 4, requires_grad=True)
    model = nn.Sequential(nn.AvgPool2d(2), nn.MaxPool2d(2))
    assert outline(draw(model(x))) == [
        "leaf",
        ["Sequential", ["0: AvgPool2d", "WindowSum", "WindowSum", "Div"], "1: MaxPool2d"],
        "result",
    ]
    assert box(draw(model(x)), "1: MaxPool2d")[1:] == ["MaxPool", "1×1×1×1 float32"]


def test_a_parameter_that_several_operations_use_stands_in_the_frame_around_them():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = Block(), Block()
            self.two.layer.weight = self.one.layer.weight

        def forward(self, x):
            return self.two(self.one(x) + 1)

    picture = draw(Tied()(tg.ones(1, 2)))
    assert outline(picture) == [
        [
            "Tied",
            "one.layer.weight",
            ["one: Block", "one.layer.bias 2", "one.layer: Linear", "Tanh", "Add"],
            "Add",
            ["two: Block", "two.layer.bias 2", "two.layer: Linear", "Tanh", "Add"],
        ],
        "result",
    ]
    assert ("one.layer.weight", "one.layer: Linear") in arrows(picture)
    assert ("one.layer.weight", "two.layer: Linear") in arrows(picture)


def test_the_name_of_a_result_stands_beside_that_of_its_layer():
    x = tg.ones(2, 2, requires_grad=True)
    h = nn.Linear(2, 2)(x)
    first, second = h.chunk(2, 1)
    picture = draw(first * second, names={"h": h, "gate": second})
    assert box(picture, "Linear")[1] == "h: Linear"
    assert [match[3] for match in edges(picture) if match[3]] == ["0: 2×1", "1: gate 2×1"]


@pytest.mark.parametrize(("direction", "spaces"), [("TB", 25), ("BT", 25), ("LR", 0), ("RL", 0)])
def test_titles_have_room_beside_them_where_arrows_come_from_above(direction, spaces):
    source = draw(blocks(1)(tg.ones(1, 2)), direction=direction).source
    room = "\N{NO-BREAK SPACE}" * spaces
    assert f'label="Sequential{room}"' in source or (not spaces and "label=Sequential\n" in source)


def test_modules_in_modules_a_hundred_times():
    model = nn.Linear(2, 2)
    for _ in range(100):
        model = nn.Sequential(model, nn.Tanh())
    picture = draw(model(tg.ones(1, 2)), depth="operations", repeats="all")
    assert sum("subgraph cluster" in line for line in picture.body) == 100
    assert len(labels(picture)) == 103
    assert labels(draw(model(tg.ones(1, 2))))[0].count(".") < 100


# What repeats.


def test_repeated_blocks_are_drawn_once_with_the_number_of_the_others():
    picture = draw(blocks(4)(tg.ones(1, 2)))
    assert outline(picture)[0][2:] == ["1 to 3: 3 × Block"]
    assert box(picture, "1 to 3: 3 × Block")[1:] == [
        *("1×2 float32", "like 0: Block", "6 parameters, 18 numbers", "grad: not computed yet"),
    ]


def test_closed_blocks_that_repeat_are_one_box():
    model = blocks(3)
    model(tg.ones(1, 2)).sum().backward()
    for parameter in model.parameters():
        parameter.grad = tg.ones_like(parameter)
    picture = draw(model(tg.ones(1, 2)), depth=1)
    assert outline(picture) == [["Sequential", "0 to 2: 3 × Block"], "result"]
    assert box(picture, "0 to 2: 3 × Block")[2:] == [
        "6 parameters, 18 numbers",
        f"grad: norm {18**0.5:.3g}",
    ]


def test_calls_of_one_module_are_counted_and_its_parameters_named_once():
    picture = draw(Steps(Block(), 5)(tg.ones(1, 2)))
    assert box(picture, "cell: Block")[1:] == ["4 more calls", "1×2 float32", "same parameters"]
    assert box(picture, "cell.layer.weight")[1] == "2×2 float32"
    closed = draw(Steps(Block(), 5)(tg.ones(1, 2)), depth=1)
    assert box(closed, "cell: Block")[1:3] == ["5 calls", "1×2 float32"]
    twice = draw(Steps(nn.Sequential(nn.Tanh()), 2)(tg.ones(1, 2, requires_grad=True)))
    assert box(twice, "cell: Sequential")[1:] == ["1 more call", "1×2 float32"]


def test_calls_side_by_side_are_called_so():
    x = tg.ones(1, 2, requires_grad=True)
    picture = draw(Each(*[Block() for _ in range(4)])(x), names={"x": x})
    rest = "parts.1 to parts.3: 3 × Block, side by side"
    assert labels(picture)[-4:] == [rest, "Stack", "Sum", "result"]
    assert ("x", rest) in arrows(picture)
    assert ("Add", rest) not in arrows(picture)
    assert [pair for pair in arrows(picture) if pair[1] == "Stack"] == [
        *(("Add", "Stack"), (rest, "Stack")),
    ]
    shared = Block()
    picture = draw(Each(shared, shared)(x), depth=1)
    assert box(picture, "parts.0: Block")[1] == "2 calls, side by side"


@pytest.mark.parametrize(
    ("model", "operations_drawn", "closed"),
    [
        (partial(nn.Sequential, nn.Tanh(), nn.Tanh()), 2, 0),  # layers: from three on
        (partial(nn.Sequential, nn.Tanh(), nn.Tanh(), nn.Tanh()), 1, 1),
        (partial(nn.Sequential, Block(), Block()), 3, 1),
        (partial(nn.Sequential, Block(), nn.Tanh(), Block()), 7, 0),
        (partial(Scaled, Block(), Block(), Block()), 12, 0),  # an operation between them
        (partial(nn.Sequential, nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 1)), 3, 0),
        (partial(nn.Sequential, nn.Linear(2, 2), nn.Linear(2, 2, bias=False), nn.Tanh()), 3, 0),
    ],
)
def test_what_repeats(model, operations_drawn, closed):
    picture = draw(model()(tg.ones(1, 2, requires_grad=True)))
    assert len(operations(picture)) == operations_drawn
    assert sum("#fdf3dc" in line for line in picture.body) == closed
    assert is_acyclic(picture)


def test_everything_is_drawn_if_asked_for():
    picture = draw(blocks(3)(tg.ones(1, 2)), repeats="all")
    assert [title for title, *_ in outline(picture)[0][1:]] == ["0: Block", "1: Block", "2: Block"]
    assert labels(picture).count("Tanh") == 3


def model_trees(depth=3):
    """Models of modules in modules; some have the same parts again."""
    layer = st.sampled_from([nn.Tanh, partial(nn.Linear, 2, 2), Block]).map(lambda make: make())
    if depth == 0:
        return layer
    parts = st.lists(model_trees(depth - 1), min_size=1, max_size=3)
    return st.one_of(
        layer,
        st.builds(
            lambda kind, parts, again: kind(*parts * again),
            st.sampled_from([nn.Sequential, Each, Scaled]),
            parts,
            st.integers(1, 3),
        ),
    )


@given(model_trees(), st.sampled_from(["operations", "layers", 0, 1, 2, None]), st.booleans())
def test_pictures_have_no_cycles_and_every_operation_once(model, depth, count):
    out = model(tg.ones(1, 2, requires_grad=True))
    picture = draw(out, depth=depth, repeats="count" if count else "all")
    assert is_acyclic(picture)
    drawn = {name for match in edges(picture) for name in match.group(1, 2)}
    assert drawn == set(boxes(picture))  # nothing stands alone
    whole = draw(out, depth="operations", repeats="all")
    recorded, stack = set(), [out.edge]
    while stack:
        node = stack.pop()
        if isinstance(node, Operation) and node not in recorded:
            recorded.add(node)
            stack.extend(node.parents)
    assert len(operations(whole)) == len(recorded)
    assert len(boxes(picture)) <= len(boxes(whole))


# As much as can be read.


@pytest.mark.parametrize(
    ("model", "size", "depth"),
    [
        (models.LeNet, (2, 1, 28, 28), "operations"),
        (partial(models.MultiLayerNet, 784, [100] * 4, 10), (2, 784), "operations"),
        (partial(models.VGG, width=1 / 16), (1, 3, 32, 32), "operations"),
        (partial(models.ResNet, 18, width=1 / 16), (2, 3, 32, 32), 2),
        (partial(models.ResNet, 50, width=1 / 16), (2, 3, 32, 32), 2),
    ],
)
def test_a_large_model_is_closed_as_far_as_is_needed_to_read_it(model, size, depth):
    out = model()(tg.rand(*size))
    picture = draw(out)
    assert picture.source.splitlines()[4:] == (
        draw(out, depth=depth).source.splitlines()[4:]
        if depth == "operations"
        else [*draw(out, depth=depth).source.splitlines()[4:-1], picture.body[-1].rstrip("\n"), "}"]
    )
    assert len([name for name in labels(picture) if "weight" not in name]) <= 52
    assert is_acyclic(picture)


def test_the_default_picture_of_a_residual_network_says_how_to_open_it():
    out = models.ResNet(18, width=1 / 16)(tg.rand(2, 3, 32, 32).requires_grad_())
    picture = draw(out)
    assert note(picture) == (
        'Drawn with depth=2; depth=3 opens more, depth="layers" all blocks, depth="operations" '
        "everything."
    )
    assert ["layer2: Sequential", "layer2.0: BasicBlock", "layer2.1: BasicBlock"] in outline(
        picture
    )[1]
    assert ["layer1: Sequential", "layer1.0 to layer1.1: 2 × BasicBlock"] in outline(picture)[1]
    assert note(draw(out, depth=2)) is None


def test_layers_are_closed_where_their_operations_are_too_many():
    pools = nn.Sequential(*[nn.AvgPool2d(n, 1, 0) for n in (2, 3) * 15])
    picture = draw(pools(tg.ones(1, 1, 60, 60, requires_grad=True)))
    assert labels(picture).count("1: AvgPool2d") == 1
    assert note(picture) == (
        'Drawn with depth="layers"; depth="operations" shows what the layers do.'
    )


def test_what_cannot_be_made_small_is_drawn_as_small_as_it_can():
    x = tg.ones(1, requires_grad=True)
    for _ in range(100):
        x = x * 2
    assert labels(draw(x)).count("Mul") == 100
    assert note(draw(x)) is None


# Names that try to be markup.

HOSTILE = [
    "say \"x\" & 'y'",
    "<b>bold</b>",
    "<img src=x onerror=alert(1)>",
    "</text><script>alert(1)</script>",
    "back\\slash\\",
    "\\N\\n\\l",
    "&lt;b&gt; &amp; &#60;",
    "重み・バイアス",
    "{a|<b>c}",
    "]; evil [label=x",
    "%s %(x)s {0}",
]


def hostile_picture(name, **options):
    cls = type(name, (Block,), {})
    model = nn.Sequential()
    model.add_module(name, cls())
    model.add_module("other", nn.Sequential(cls(), cls(), cls()))
    x = tg.ones(1, 2, requires_grad=True)
    h = model(x)
    return draw(h.sum(), names={name: x, f"{name}!": h}, **options)


@needs_dot
@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("options", [{"depth": "operations"}, {"depth": 2}, {"values": True}])
def test_hostile_names_are_text_in_svg(name, options):
    picture = hostile_picture(name, **options)
    root = ElementTree.fromstring(picture.pipe(format="svg"))
    space = "{http://www.w3.org/2000/svg}"
    kinds = {element.tag.removeprefix(space) for element in root.iter()}
    assert kinds <= {"svg", "g", "title", "polygon", "path", "text"}
    attributes = set(chain.from_iterable(element.attrib for element in root.iter()))
    assert not {key for key in attributes if key.startswith("on") or "href" in key}
    texts = {" ".join("".join(element.itertext()).split()) for element in root.iter(f"{space}text")}
    assert name in texts  # the leaf
    assert f"{name}: {name}" in texts  # the title of a frame, or of a closed module
    if options.get("depth") != 2:
        assert f"{name}.layer.weight 2×2" in texts


@pytest.mark.parametrize("name", ["x" * 1000, "two\nlines", "\x1b[31m", "\u202ereversed"])
def test_names_that_do_not_fit_on_a_line_are_made_to(name):
    for lines in boxes(hostile_picture(name)).values():
        assert all(len(line) <= 80 and line.isprintable() for line in lines)
    for title in outline(hostile_picture(name))[1]:
        assert not isinstance(title, str) or (len(title) <= 80 and title.isprintable())


def test_a_name_that_is_a_word_of_dot_is_a_name():
    picture = hostile_picture("subgraph")
    assert 'label="subgraph"' not in picture.source.replace("subgraph: subgraph", "")
    assert outline(picture)[1][1][0] == "subgraph: subgraph"


# Formats.


@needs_dot
@pytest.mark.parametrize(
    ("format", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("dot", b"di")]
)
def test_pictures_can_be_written_in_the_common_formats(tmp_path, format, start):
    picture = draw(blocks(3)(tg.ones(1, 2)))
    path = picture.render(outfile=tmp_path / f"blocks.{format}")
    with open(path, "rb") as file:
        assert file.read(len(start)) == start


@needs_dot
@pytest.mark.parametrize("direction", ["TB", "LR"])
@pytest.mark.parametrize("name", ["mlp", "lenet", "lstm", "resnet"])
def test_frames_hold_their_boxes_when_laid_out(name, direction):
    """What dot makes of frames and ranks: no complaint, and parameters beside their operation."""
    model, x = {
        "mlp": lambda: (models.MultiLayerNet(20, [10, 10], 3), tg.rand(2, 20)),
        "lenet": lambda: (models.LeNet(), tg.rand(1, 1, 28, 28)),
        "lstm": lambda: (nn.LSTM(3, 4, 2), tg.rand(5, 1, 3)),
        "resnet": lambda: (models.ResNet(18, width=1 / 16), tg.rand(2, 3, 32, 32)),
    }[name]()
    out = model(x)
    picture = draw(out[0] if isinstance(out, tuple) else out, direction=direction)
    plain = picture.pipe(format="plain", encoding="utf-8")
    rows = [line.split(" ") for line in plain.splitlines() if line.startswith("node ")]
    places = {row[1]: (float(row[2]), float(row[3])) for row in rows}
    assert places.keys() == boxes(picture).keys()
    across = 0 if direction == "LR" else 1
    for start, tip in (match.group(1, 2) for match in edges(picture)):
        beside = ".weight " in boxes(picture)[start][0] or boxes(picture)[start][0][:6] == "weight"
        if beside:
            assert places[start][across] == pytest.approx(places[tip][across], abs=1e-3)
