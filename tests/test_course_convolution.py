"""Experiments 19 to 21: exact lines, what the pictures hold, and quick runs on Digits."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
from tinygrad_edu import course
from tinygrad_edu.course import architectures
from tinygrad_edu.course.architectures import examine
from tinygrad_edu.course.convolution import GEOMETRIES, HORIZONTAL_EDGE, output_size
from tinygrad_edu.course.experiment import Setting
from tinygrad_edu.course.models import GoogLeNet, ResNet, SimpleConvNet
from tinygrad_edu.course.runner import run

QUICK = Setting(data="digits", quick=True)
PAGES = Path(__file__).resolve().parents[1] / "docs" / "course"


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The result of a quick run and its folder, made once for each experiment."""
    out, done = tmp_path_factory.mktemp("course"), {}

    def get(name):
        if name not in done:
            done[name] = run(course.load(name), QUICK, out)
        return done[name]

    return get


FIGURES = {
    "convolution": ["im2col", "padding-and-stride", "channels", "edges-and-pooling", "series"],
    "convnet": ["learning", "filters", "maps"],
    "architectures": ["ilsvrc", "networks", "small-versions"],
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_run_leaves_its_figures_and_numbers(ran, name):
    result, folder = ran(name)
    record = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    assert list(result.figures) == FIGURES[name]
    assert all((folder / file).stat().st_size > 5000 for file in record["figures"])
    assert record["numbers"].keys() == result.numbers.keys()
    assert not any(check.passed is False for check in result.checks)


def test_the_lines_of_the_notes_about_im2col_are_met(ran):
    result, _ = ran("convolution")
    lines = {check.name: (check.value, check.verdict) for check in result.checks}
    assert lines["im2col of (1, 3, 7, 7) by 5×5"] == ("(9, 75)", "pass")
    assert lines["im2col of (10, 3, 7, 7) by 5×5"] == ("(90, 75)", "pass")
    assert lines["6×6 by 2×2, stride 1, pad 1"] == ("(7, 7)", "pass")


@pytest.mark.parametrize(
    ("size", "window", "stride", "pad"), [*GEOMETRIES, (7, 3, 2, 0), (8, 3, 2, 0)]
)
def test_the_formula_of_the_output_size_is_that_of_conv2d(size, window, stride, pad):
    images, filters = tg.ones(1, 1, size, size), tg.ones(1, 1, window, window)
    result = F.conv2d(images, filters, stride=stride, padding=pad)
    assert result.shape[2:] == (output_size(size, window, stride, pad),) * 2


def test_the_edge_filter_answers_to_horizontal_edges_only():
    filters = tg.tensor(HORIZONTAL_EDGE).reshape(1, 1, 3, 3)
    image = tg.zeros(1, 1, 6, 6)
    image[:, :, 3:] = 1.0
    edge = F.conv2d(image, filters)[0, 0]
    assert edge[:, 0].tolist() == [0, 3, 3, 0]
    assert not F.conv2d(image.transpose(2, 3), filters).any()


def test_the_maps_of_the_edge_filter_show_what_relu_and_pooling_leave(ran):
    maps = {name: np.array(each) for name, each in ran("convolution")[0].numbers["maps"].items()}
    edges, positive = maps["horizontal edges"], maps["ReLU"]
    assert maps["the digit"].shape == edges.shape == (8, 8)
    assert edges.min() < 0 < edges.max()
    assert np.array_equal(positive, edges.clip(min=0))
    blocks = positive.reshape(4, 2, 4, 2)
    assert np.array_equal(maps["max pooling 2×2"], blocks.max(axis=(1, 3)))
    assert np.allclose(maps["average pooling 2×2"], blocks.mean(axis=(1, 3)))


def test_filters_find_the_mean_and_the_step_of_a_series(ran):
    series = {
        name: np.array(each) for name, each in ran("convolution")[0].numbers["series"].items()
    }
    noisy, mean, step = series.values()
    assert np.allclose(mean[7:-7], np.convolve(noisy, np.full(15, 1 / 15), mode="valid"))
    assert abs(int(step.argmax()) - 150) <= 2


def test_the_convolutional_network_learns_and_its_filters_change(ran):
    numbers = ran("convnet")[0].numbers
    assert numbers["test accuracy"][-1] > 0.8
    assert np.mean(numbers["losses"][-10:]) < 0.6 < 2.2 < np.mean(numbers["losses"][:10])
    before, after = np.array(numbers["filters before"]), np.array(numbers["filters after"])
    assert before.shape == after.shape == (30, 1, 5, 5)
    assert before.std() == pytest.approx(0.01, rel=0.1)
    assert after.std() > 3 * before.std()


def test_the_counts_of_the_architectures_are_exact(ran):
    result, folder = ran("architectures")
    verdicts = {check.name: check.verdict for check in result.checks}
    counts = {name: verdicts[f"{name}, parameters"] for name in architectures.NETWORKS}
    assert set(counts.values()) == {"pass"}
    assert verdicts["a forward pass of each"] == "pass"
    numbers = result.numbers["networks"]
    assert numbers["VGG-16"]["parameters"] == 138_357_544
    assert numbers["AlexNet"]["multiplications"] == 714_188_480
    assert {path.name for path in folder.glob("*.dot")} == {
        "inception-block.dot",
        "residual-block.dot",
        "squeeze-and-excitation-block.dot",
    }


def test_parts_of_a_network_are_listed_with_the_shapes_of_their_results(ran):
    tables = {table.title: table.rows for table in ran("architectures")[0].tables}
    assert tables["AlexNet"][0] == ("features.0", "convolution", "64×55×55")
    assert tables["GoogLeNet"][5] == ("inception3a", "blocks", "256×28×28")
    assert [row[2] for row in tables["ResNet-18"]] == [
        "64×112×112",
        "64×56×56",
        "64×56×56",
        "128×28×28",
        "256×14×14",
        "512×7×7",
        "512×1×1",
        "1000",
    ]
    assert [row[1:] for row in tables["ILSVRC, top-5 error"]] == [
        ("2012", "0.16"),
        ("2013", "0.12"),
        ("2014", "0.07"),
        ("2014", "0.07"),
        ("2015", "0.036"),
        ("2016", "0.03"),
        ("2017", "0.023"),
    ]


def test_multiplications_are_counted_layer_by_layer():
    # 30 filters of 25 weights at 24×24 places; 30·12·12 inputs for 100 units; 100 for 10.
    _, costs = examine(SimpleConvNet(), tg.rand(1, 1, 28, 28))
    assert costs["multiplications"] == 30 * 25 * 24 * 24 + 4320 * 100 + 100 * 10
    assert costs["affine parameters"] == 4320 * 100 + 100 + 100 * 10 + 10


def test_googlenet_with_filters_of_5x5_would_have_what_the_remark_says(ran):
    model = GoogLeNet(aux_logits=False)
    more = sum(
        (25 - 9) * layer.in_channels * layer.out_channels
        for name, layer in model.named_modules()
        if name.endswith("branch3.1.conv")
    )
    total = sum(parameter.numel() for parameter in model.parameters()) + more
    assert f"{total:,}" in ran("architectures")[0].remarks[0]


@pytest.mark.parametrize("name", ["convolution", "convnet"])
def test_a_run_is_a_function_of_its_seed(ran, name, tmp_path):
    first = ran(name)[0].numbers
    again = run(course.load(name), QUICK, tmp_path)[0].numbers
    other = run(course.load(name), replace(QUICK, seed=1), tmp_path)[0].numbers
    assert first == again
    assert first != other


def test_the_training_of_small_versions_is_a_function_of_its_seed(monkeypatch):
    monkeypatch.setattr(architectures, "SMALL", {"LeNet": architectures.SMALL["LeNet"]})
    first, again, other = (
        architectures.train_small(replace(QUICK, seed=seed))["LeNet"] for seed in (0, 0, 1)
    )
    assert first == again
    assert first["losses"] != other["losses"]
    assert first["test accuracy"][-1] > 0.4


def test_small_versions_have_the_structure_of_the_large_ones():
    small = architectures.SMALL["ResNet-18"][0]()
    large = ResNet(18)
    assert [name for name, _ in small.named_modules()] == [
        name for name, _ in large.named_modules()
    ]
    assert [type(module) for module in small.modules()] == [type(m) for m in large.modules()]
    assert isinstance(small.fc, nn.Linear)


@pytest.mark.mnist
def test_the_digit_of_the_pictures_is_the_first_five_of_mnist(tmp_path):
    result, _ = run(course.load("convolution"), Setting(), tmp_path)
    assert result.passed
    digit = np.array(result.numbers["maps"]["the digit"])
    assert digit.shape == (28, 28)
    assert np.count_nonzero(digit) == 166


@pytest.mark.parametrize("name", FIGURES)
def test_the_pages_name_the_command_and_every_figure(name):
    for page in (PAGES / f"{name}.md", PAGES / "ja" / f"{name}.md"):
        text = page.read_text(encoding="utf-8")
        assert f"tinygrad-edu course run {name}\n" in text
        missing = [figure for figure in FIGURES[name] if f"`{figure}`" not in text]
        assert missing == []
        assert text.startswith(f"# {course.load(name).number}. ")
