"""Experiments 8 to 15: quick runs of each on Digits, and what they must show even there."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import course
from tinygrad_edu.course import (
    activation_histograms,
    batch_norm,
    batch_norm_scales,
    optimizer_paths,
    optimizers,
    optimizers_sigmoid,
    vanishing_gradient,
    weight_init,
)
from tinygrad_edu.course.data import images
from tinygrad_edu.course.experiment import Setting
from tinygrad_edu.course.runner import run
from tinygrad_edu.runs import one_thread

QUICK = Setting(data="digits", quick=True)
PAGES = Path(__file__).resolve().parents[1] / "docs" / "course"

FIGURES = {
    "vanishing-gradient": ["accuracy", "gradients"],
    "activation-histograms": ["sigmoid", "tanh", "relu"],
    "weight-init": ["loss", "layers"],
    "batch-norm": ["accuracy", "activations"],
    "batch-norm-scales": ["scales"],
    "optimizer-paths": ["paths"],
    "optimizers": ["loss"],
    "optimizers-sigmoid": ["accuracy"],
}


@pytest.fixture(autouse=True)
def on_one_thread():
    """As the runner does it: short of work, threads only wait for each other."""
    with one_thread():
        yield


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


@dataclass(frozen=True)
class Brief(Setting):
    """Less than a quick run: enough to see whether two runs are the same."""

    def steps(self, full, quick):
        return 160 if quick > 160 else 1


@pytest.mark.parametrize("name", sorted(FIGURES.keys() - {"optimizer-paths"}))
def test_a_run_is_a_function_of_its_seed(name):
    def numbers(seed):
        # The random state is not set here: what a run draws depends on its setting alone.
        return course.load(name).run(Brief(data="digits", seed=seed)).numbers

    first = numbers(3)
    np.testing.assert_equal(numbers(3), first)
    with pytest.raises(AssertionError):
        np.testing.assert_equal(numbers(4), first)


@pytest.mark.parametrize("name", FIGURES)
def test_only_histograms_and_paths_need_no_images(name):
    own = ("activation-histograms", "optimizer-paths")
    assert course.load(name).needs_data == (name not in own)


@pytest.mark.parametrize(
    "page", [f"{folder}{name}.md" for folder in ("", "ja/") for name in FIGURES]
)
def test_the_page_of_an_experiment_names_its_command_and_its_figures(page):
    text = (PAGES / page).read_text(encoding="utf-8")
    name = Path(page).stem
    experiment = course.load(name)
    assert text.startswith(f"# {experiment.number}. ")
    assert f"tinygrad-edu course run {name}\n" in text
    assert all(f"{name} --variant {variant}\n" in text for variant in experiment.variants)
    assert [figure for figure in FIGURES[name] if f"`{figure}`" not in text] == []


# Experiment 8.


def first_and_last_gradient(curves):
    start = np.mean(curves["gradients"][:10], axis=0)
    return start[0], start[-1]


def test_small_weights_and_sigmoids_leave_nothing_of_the_gradient_in_the_first_layer(ran):
    numbers = ran("vanishing-gradient")[0].numbers
    first, last = first_and_last_gradient(numbers["sigmoid, std 0.01"])
    assert first < last / 1000
    for label in ("ReLU, std 0.01", "ReLU, He"):
        first, last = first_and_last_gradient(numbers[label])
        assert last / 5 < first < 5 * last


def test_the_networks_learn_in_the_order_of_the_notes(ran):
    numbers = ran("vanishing-gradient")[0].numbers
    end = {label: curves["test"][-1] for label, curves in numbers.items()}
    assert end.keys() == vanishing_gradient.ROWS.keys()
    assert end["sigmoid, std 0.01"] < 0.15
    assert 0.2 < end["sigmoid, Xavier"] < end["sigmoid, He"] < end["ReLU, He"]
    assert end["ReLU, He"] > 0.93


def test_the_variant_shows_both_rules_and_the_check_that_tells_them_apart(ran):
    result, folder = ran("vanishing-gradient", variant="wrong-derivative")
    right, wrong = vanishing_gradient.RULES
    assert (folder / "wrong-derivative.png").is_file()
    verdicts = [(check.name, check.value, check.verdict) for check in result.checks[2:]]
    assert verdicts == [
        (f"gradient check, {right}", "passes", "pass"),
        (f"gradient check, {wrong}", "fails", "pass"),
    ]
    assert any("is wrong in 25 of 25 elements" in remark for remark in result.remarks)
    numbers = numbers_of(folder)
    assert numbers[right]["test"] != numbers[wrong]["test"]
    truth = numbers["numerical derivative"]
    np.testing.assert_allclose(numbers["rules"][right], truth, atol=1e-8)
    assert np.min(numbers["rules"][wrong]) > 0.19 > 20 * np.min(truth)


# Experiment 9.


@pytest.mark.parametrize(
    ("name", "scale", "factor"),
    [
        ("ReLU", "std 1", 50),
        ("ReLU", "std 0.01", 0.005),
        ("ReLU", "Xavier", 0.5),
        ("ReLU", "He", 1),
        ("tanh", "std 0.01", 0.01),
    ],
)
def test_a_layer_multiplies_the_mean_square_by_what_theory_says(name, scale, factor):
    activation, std = (
        activation_histograms.ACTIVATIONS[name][0],
        activation_histograms.SCALES[scale],
    )
    squares = [
        [z.square().mean().item() for z in activation_histograms.activations(activation, std, seed)]
        for seed in range(8)
    ]
    growth = np.diff(np.log(squares), axis=1)
    assert np.exp(growth.mean()) == pytest.approx(factor, rel=0.1)


def test_all_activations_and_scales_start_from_the_same_numbers():
    first = {
        std: activation_histograms.activations(lambda u: u, std, 5)[0].numpy() for std in (1.0, 0.5)
    }
    np.testing.assert_array_equal(first[1.0], 2 * first[0.5])


# Experiment 10.


def test_the_scale_decides_whether_the_network_learns(ran):
    small, xavier, he = ran("weight-init")[0].numbers["mean loss of the last 100"].values()
    assert small == pytest.approx(math.log(10), abs=0.01)
    assert he < xavier < small


# Experiments 11 and 12.


def test_the_network_learns_with_batch_normalisation_only(ran):
    last = ran("batch-norm")[0].numbers["the last 100 iterations"]
    assert list(last) == list(batch_norm.RUNS)
    assert last["with, lr 0.1"] > 0.9 > last["with, lr 0.01"] > 0.6
    assert max(last["without, lr 0.1"], last["without, lr 0.01"]) < 0.12


def test_nearly_all_scales_learn_with_batch_normalisation_and_few_without(ran):
    result, _ = ran("batch-norm-scales")
    without, with_ = (float(check.value) for check in result.checks)
    assert without <= 4
    assert with_ >= 14
    for curves in result.numbers["accuracies"].values():
        assert np.shape(curves) == (16, 1 + QUICK.steps(20, 10))


def test_without_it_the_scales_that_learn_are_around_those_of_he(ran):
    accuracies = ran("batch-norm-scales")[0].numbers["accuracies"][batch_norm_scales.WITHOUT]
    best = batch_norm_scales.SCALES[np.argmax([each[-1] for each in accuracies])]
    assert 0.1 < best < 0.4


# Experiment 13.


def textbook(name, lr, gradient):
    """The updates as a textbook writes them, in NumPy."""
    p, v, h = np.array([-7.0, 2.0]), np.zeros(2), np.zeros(2)
    points = [p]
    for t in range(1, 31):
        g = gradient(p)
        if name == "SGD":
            p = p - lr * g
        elif name == "Momentum":
            v = 0.9 * v - lr * g
            p = p + v
        elif name == "AdaGrad":
            h = h + g * g
            p = p - lr * g / np.sqrt(h)
        elif name == "RMSprop":
            h = 0.99 * h + 0.01 * g * g
            p = p - lr * g / np.sqrt(h)
        elif name == "Adam":
            v, h = 0.9 * v + 0.1 * g, 0.999 * h + 0.001 * g * g
            p = p - lr * (v / (1 - 0.9**t)) / np.sqrt(h / (1 - 0.999**t))
        points.append(p)
    return points


@pytest.mark.parametrize("label", optimizer_paths.OPTIMIZERS)
def test_a_path_is_the_one_of_the_textbook(label):
    name, lr = label.split(", lr ")
    path = optimizer_paths.path(optimizer_paths.OPTIMIZERS[label])
    expected = textbook(name, float(lr), lambda p: p * np.array([0.1, 2.0]))
    np.testing.assert_allclose(path, expected, atol=1e-5)


def test_gradient_descent_crosses_the_valley_in_every_step():
    path = np.array(optimizer_paths.path(optimizer_paths.OPTIMIZERS["SGD, lr 0.95"]))
    np.testing.assert_allclose(path[1:, 1], -0.9 * path[:-1, 1], rtol=1e-5)
    np.testing.assert_allclose(path[1:, 0], 0.905 * path[:-1, 0], rtol=1e-5)


@pytest.mark.parametrize("point", [(-7.0, 2.0), (3.0, -1.0)])
def test_the_valley_is_twenty_times_as_steep_across_as_along(point):
    p = tg.tensor(point, requires_grad=True)
    optimizer_paths.f(p).backward()
    np.testing.assert_allclose(p.grad.numpy(), [point[0] / 10, 2 * point[1]])


# Experiments 14 and 15.


def test_all_optimizers_start_from_the_same_weights_and_batch(ran):
    losses = ran("optimizers")[0].numbers["losses"]
    assert losses.keys() == optimizers.RULES.keys()
    assert len({each[0] for each in losses.values()}) == 1


def test_adagrad_comes_down_first_and_gradient_descent_last(ran):
    early = ran("optimizers")[0].numbers["iterations 150-250"]
    assert min(early, key=early.__getitem__) == "AdaGrad, lr 0.01"
    assert max(early, key=early.__getitem__) == "SGD, lr 0.01"


def test_only_steps_of_equal_size_train_the_network_of_sigmoids(ran):
    last = ran("optimizers-sigmoid")[0].numbers["the last 100 iterations"]
    assert last.keys() == optimizers_sigmoid.RULES.keys()
    assert max(last["SGD"], last["Momentum"]) < 0.15
    assert last["AdaGrad"] < 0.5
    assert min(last["RMSprop"], last["Adam"]) > 0.9


# On MNIST, in a few seconds.


@pytest.mark.mnist
def test_on_mnist_he_learns_and_small_weights_do_not():
    setting = Brief(data="mnist")
    losses = {
        label: weight_init.train(images("mnist"), std, setting, label)[0]
        for label, (std, _) in weight_init.SCALES.items()
    }
    assert losses["std 0.01"][-1] == pytest.approx(math.log(10), abs=0.01)
    assert losses["He"][-1] < losses["He"][0] - 0.2


@pytest.mark.mnist
def test_on_mnist_relus_read_most_digits_after_few_iterations():
    row = vanishing_gradient.ROWS["ReLU, He"]
    curves = vanishing_gradient.train(row, images("mnist"), Brief(data="mnist"), "ReLU, He")
    assert curves["iteration"][-1] == 160
    assert curves["test"][-1] > 0.8
