"""Experiments 1 to 7: the lines of the notes to the last digit, and quick runs of each."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
import tinygrad_edu.nn.functional as F
from tinygrad_edu import course
from tinygrad_edu.course import figures, forward, gradient_descent, outputs_and_losses
from tinygrad_edu.course.activations import ACTIVATIONS
from tinygrad_edu.course.chain_rule import step_through
from tinygrad_edu.course.experiment import Setting
from tinygrad_edu.course.gradient_check import RELU, SIGMOID, WRONG, complaint
from tinygrad_edu.course.models import MultiLayerNet
from tinygrad_edu.course.runner import run
from tinygrad_edu.course.wrong_sigmoid import WrongSigmoid, WrongSigmoidLayer

QUICK = Setting(data="digits", quick=True)
PAGES = Path(__file__).resolve().parents[1] / "docs" / "course"

FIGURES = {
    "forward": ["one-layer", "three-layers"],
    "activations": ["activations"],
    "outputs-and-losses": ["losses"],
    "chain-rule": ["steps", "slope"],
    "gradient-descent": ["descent", "difference-errors"],
    "sgd-regression": ["online", "side-by-side"],
    "gradient-check": ["differences", "wrong-rule"],
}
DRAWN_AT_RANDOM = ["chain-rule", "sgd-regression", "gradient-check"]


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The result of a quick run and its folder, made once for each setting."""
    out, done = tmp_path_factory.mktemp("course"), {}

    def get(name, **changes):
        key = (name, *sorted(changes.items()))
        if key not in done:
            done[key] = run(course.load(name), replace(QUICK, **changes), out)
        return done[key]

    return get


def numbers_of(folder):
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))["numbers"]


@pytest.mark.parametrize("name", FIGURES)
def test_a_run_leaves_its_figures_and_its_numbers(ran, name):
    result, folder = ran(name)
    assert list(result.figures) == FIGURES[name]
    assert all((folder / f"{figure}.png").stat().st_size > 5000 for figure in FIGURES[name])
    assert numbers_of(folder).keys() == result.numbers.keys()
    assert [check.name for check in result.checks if check.passed is False] == []
    assert all(len(row) == len(table.heads) for table in result.tables for row in table.rows)


@pytest.mark.parametrize(
    ("name", "check", "value"),
    [
        ("forward", "one layer, u", "[1.4, 2.2, 3.0]"),
        ("forward", "three layers, y", "[1.56, 3.222]"),
        ("activations", "largest derivative of the sigmoid", "0.25 at 0"),
        ("outputs-and-losses", "softmax of [1010, 1000, 990]", "[1, 4.54e-05, 2.061e-09]"),
        ("chain-rule", "dz/dx at (3, 1)", "8.0"),
        ("chain-rule", "dz/dy at (3, 1)", "8.0"),
        (
            "gradient-descent",
            "numerical gradient, lr 0.1",
            "[-6.11110793e-10, 8.14814391e-10]",
        ),
        ("gradient-descent", "numerical gradient, lr 10", "[-2.58983747e+13, -1.29524862e+12]"),
        ("gradient-descent", "numerical gradient, lr 1e-10", "[-2.99999994, 3.99999992]"),
        ("gradient-descent", "exact gradient, lr 10: largest coordinate", "3e+128"),
        ("gradient-check", "testing.gradcheck of the wrong rule", "refused"),
    ],
)
def test_the_lines_of_the_notes_are_met_to_the_last_digit(ran, name, check, value):
    (found,) = (each for each in ran(name)[0].checks if each.name == check)
    assert (found.value, found.verdict) == (value, "pass")


@pytest.mark.parametrize("name", DRAWN_AT_RANDOM)
def test_a_run_is_a_function_of_its_seed(ran, tmp_path, name):
    first = numbers_of(ran(name)[1])
    assert numbers_of(run(course.load(name), QUICK, tmp_path)[1]) == first
    assert numbers_of(ran(name, seed=1)[1]) != first


@pytest.mark.parametrize("name", sorted(FIGURES.keys() - set(DRAWN_AT_RANDOM)))
def test_what_draws_nothing_at_random_is_the_same_for_every_seed(ran, name):
    assert numbers_of(ran(name)[1]) == numbers_of(ran(name, seed=1)[1])


@pytest.mark.parametrize("given", ["8", "08", " vanishing_gradient ", "Vanishing-Gradient"])
def test_an_experiment_is_found_by_its_name_or_number(given):
    assert course.find(given) == "vanishing-gradient"


@pytest.mark.parametrize("given", ["", "0", "22", "-8", "8.0", "²", "٨", "⑧", "9" * 5000])
def test_what_is_no_number_of_an_experiment_is_not_found(given):
    assert course.find(given) is None
    with pytest.raises(KeyError, match="There is no experiment"):
        course.load(given)


def test_errata_are_variants_of_their_experiments():
    for name, variants in course.ERRATA.items():
        assert course.load(name).variants.keys() >= set(variants)


@pytest.mark.parametrize("name", FIGURES)
def test_only_the_gradient_check_needs_images(name):
    assert course.load(name).needs_data == (name == "gradient-check")


@pytest.mark.parametrize(
    "page", [f"{folder}{name}.md" for folder in ("", "ja/") for name in FIGURES]
)
def test_the_page_of_an_experiment_names_its_command_and_its_figures(page):
    text = (PAGES / page).read_text(encoding="utf-8")
    name = Path(page).stem
    assert text.startswith(f"# {course.load(name).number}. ")
    assert f"tinygrad-edu course run {name}\n" in text
    assert [figure for figure in FIGURES[name] if f"`{figure}`" not in text] == []


# Experiments 1 and 4: the picture of the graph.


@pytest.mark.parametrize(
    ("name", "file", "boxes"),
    [
        ("forward", "one-layer-graph.dot", ["x", "W", "b", "u: Add", "z: Sigmoid"]),
        ("forward", "three-layers-graph.dot", ["W3", "b3", "z1: Relu", "z2: Relu", "y: Add"]),
        ("chain-rule", "graph.dot", ["x", "y", "t: Add", "z: Pow"]),
    ],
)
def test_the_graph_is_written_with_the_names_of_the_notes(ran, name, file, boxes):
    text = (ran(name)[1] / file).read_text(encoding="utf-8")
    assert [box for box in boxes if f'label="{box}\\n' not in text] == []


@pytest.mark.parametrize("installed", [True, False])
def test_the_graph_is_laid_out_where_dot_is_installed(monkeypatch, installed):
    class Drawn:
        source = "digraph {}"

        def pipe(self, format):
            return f"laid out as {format}".encode()

    monkeypatch.setattr(figures.shutil, "which", lambda program: program if installed else None)
    files = figures.graph_files("graph", Drawn())
    svg = {"graph.svg": b"laid out as svg"} if installed else {}
    assert files == {"graph.dot": b"digraph {}", **svg}


def test_no_two_weights_are_written_over_each_other(monkeypatch):
    written = []
    monkeypatch.setattr(
        forward, "_write", lambda _, point, text, colour: written.append((point, text))
    )
    forward.run(QUICK)
    weights = [point for point, text in written if "=" not in text]
    assert len(weights) == 12 + 6 + 6 + 4
    apart = [np.abs(a - b) for a, b in combinations(weights[:12], 2)]
    apart += [np.abs(a - b) for a, b in combinations(weights[12:], 2)]
    # A label is about 0.2 wide and 0.13 high.
    assert all(x > 0.25 or y > 0.18 for x, y in apart)


# Experiment 2.


def test_activations_are_those_of_the_notes_and_the_usual_others():
    names = [name for name, _, _ in ACTIVATIONS]
    assert names[:4] == ["step", "sigmoid", "tanh", "ReLU"]
    assert len(names) == len(set(names)) == 9


def test_the_step_has_the_derivative_zero(ran):
    step = ran("activations")[0].numbers["step"]
    assert set(step["y"]) == {0, 1}
    assert not step["derivative"].any()


# Experiment 3.


@pytest.mark.parametrize("problem", outputs_and_losses.PROBLEMS, ids=lambda each: each.name)
def test_the_gradient_of_a_loss_with_its_own_output_is_y_minus_t(problem):
    u = tg.tensor(problem.u, dtype=tg.float64, requires_grad=True)
    t = tg.tensor(problem.t, dtype=tg.float64)
    problem.loss[1](u, t).backward()
    np.testing.assert_allclose(u.grad.numpy(), (problem.output[1](u.detach()) - t).numpy())


def test_softmax_as_its_formula_stands_overflows_and_ours_does_not():
    large = np.array(outputs_and_losses.LARGE)
    assert np.isnan(outputs_and_losses.overflowing_softmax(large)).all()
    result = F.softmax(tg.tensor(large), dim=0)
    np.testing.assert_allclose(result.numpy(), outputs_and_losses.overflowing_softmax(large - 1000))


# Experiment 4.


def test_each_node_multiplies_what_comes_in_by_its_own_derivative():
    values, gradients, rows = step_through()
    assert {name: each.item() for name, each in values.items()} == {"x": 3, "y": 1, "t": 4, "z": 16}
    assert gradients == {"x": 8, "y": 8, "t": 8, "z": 1}
    assert [row[-1] for row in rows[:3]] == [
        "1 · 8 = 8, to t",
        "8 · 1 = 8, to x",
        "8 · 1 = 8, to y",
    ]


# Experiment 5.


def test_a_large_learning_rate_stands_still_by_rounding_error_alone():
    numerical = gradient_descent.by_numerical_gradient(10)
    exact = gradient_descent.by_backpropagation(10)
    assert numerical.shape == exact.shape == (101, 2)
    assert (numerical[10:] == numerical[10]).all()
    np.testing.assert_allclose(exact[1:], -19 * exact[:-1])


def test_the_best_h_lies_between_rounding_and_truncation():
    errors = gradient_descent.difference_errors()
    best = {name: errors["h"][errors[name].argmin()] for name in ("forward", "central")}
    assert 1e-9 < best["forward"] < 1e-7 < best["central"] < 1e-4
    assert errors["central"].min() < errors["forward"].min() / 100


# Experiment 6.


def test_each_way_learns_and_larger_batches_scatter_less(ran):
    numbers = ran("sgd-regression")[0].numbers
    assert all(end < 0.005 for end in numbers["loss on all samples at the end"].values())
    spreads = [np.std(losses[-100:]) for losses in numbers["losses"].values()]
    assert spreads[0] > 2 * spreads[1] > 4 * spreads[2]
    assert numbers["samples seen"] == {"online": 300, "mini-batch": 30_000, "full batch": 3_000_000}


def test_the_variant_takes_the_sigmoid_and_learns_more_slowly(ran):
    relu, sigmoid = (
        ran("sgd-regression", variant=variant)[0].numbers["loss on all samples at the end"]
        for variant in (None, "sigmoid")
    )
    assert all(sigmoid[way] > 10 * relu[way] for way in relu)


# Experiment 7, and the erratum that it shares with experiment 8.


def test_the_check_finds_the_wrong_rule_and_the_parameters_below_it(ran):
    differences = ran("gradient-check")[0].numbers["differences"]
    largest = {
        label: {name: each["largest"] for name, each in parameters.items()}
        for label, parameters in differences.items()
    }
    names = ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert {label: list(each) for label, each in largest.items()} == dict.fromkeys(
        [RELU, SIGMOID, WRONG], names
    )
    assert max(*largest[RELU].values(), *largest[SIGMOID].values()) < 1e-7
    assert [name for name in names if largest[WRONG][name] > 1e-4] == ["0.weight", "0.bias"]


@pytest.mark.mnist
def test_the_check_passes_on_images_of_mnist(ran):
    result, _ = ran("gradient-check", data="mnist")
    assert result.passed


def test_gradcheck_accepts_the_right_rule_and_says_what_is_wrong_with_the_other():
    assert complaint(tg.sigmoid) is None
    assert "is wrong in 4 of 4 elements" in complaint(WrongSigmoid.apply)


def test_the_wrong_rule_applies_the_sigmoid_to_what_is_activated_already():
    u = tg.linspace(-8, 8, 33, dtype=tg.float64).requires_grad_()
    z = WrongSigmoid.apply(u)
    np.testing.assert_array_equal(z.detach().numpy(), tg.sigmoid(u.detach()).numpy())
    z.sum().backward()
    twice = tg.sigmoid(z.detach())
    np.testing.assert_allclose(u.grad.numpy(), ((1 - twice) * twice).numpy())
    assert 0.1966 < u.grad.min() < u.grad.max() <= 0.25


def test_a_net_takes_the_wrong_sigmoid_as_its_activation():
    right = MultiLayerNet(6, [5, 4], 3, "sigmoid")
    wrong = MultiLayerNet(6, [5, 4], 3, WrongSigmoidLayer)
    wrong.load_state_dict(right.state_dict())
    x = tg.rand(2, 6)
    assert tg.equal(wrong(x), right(x))
    assert [type(layer).__name__ for layer in list(wrong)[1::2]] == ["WrongSigmoidLayer"] * 2
    assert wrong[1] is not wrong[3]


def test_a_net_refuses_an_activation_that_it_does_not_know():
    message = r"activation is one of \['relu', 'sigmoid', 'tanh'\]; got 'step'"
    with pytest.raises(ValueError, match=message):
        MultiLayerNet(6, [5], 3, "step")
