"""Experiments 16 to 18: penalties, dropout, and a search that can be stopped and goes on."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
import tinygrad_edu.nn.functional as F
from tinygrad_edu import cli, course, nn, optim
from tinygrad_edu.course import dropout, hyperparameters, weight_decay
from tinygrad_edu.course.data import images
from tinygrad_edu.course.experiment import Result, Setting
from tinygrad_edu.course.models import MultiLayerNet
from tinygrad_edu.course.runner import run
from tinygrad_edu.course.search import NUMBER, Search
from tinygrad_edu.runs import RunError, one_thread

QUICK = Setting(data="digits", quick=True)
PAGES = Path(__file__).resolve().parents[1] / "docs" / "course"

FIGURES = {
    "weight-decay": ["accuracy", "weights"],
    "dropout": ["accuracy"],
    "hyperparameters": ["best", "search"],
}


@pytest.fixture(autouse=True)
def as_the_runner_does():
    """On one thread: two that wait for each other take minutes where the machine is busy."""
    with one_thread():
        yield


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The result of a quick run and its folder, made once for each experiment."""
    out, done = tmp_path_factory.mktemp("course"), {}

    def get(name):
        if name not in done:
            setting = replace(QUICK, options={"out": out, "jobs": 1})
            done[name] = run(course.load(name), setting, out)
        return done[name]

    return get


def numbers_of(folder):
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))["numbers"]


@pytest.mark.parametrize("name", FIGURES)
def test_a_run_leaves_its_figures_and_its_numbers(ran, name):
    result, folder = ran(name)
    assert list(result.figures) == FIGURES[name]
    assert all((folder / f"{figure}.png").stat().st_size > 5000 for figure in FIGURES[name])
    assert numbers_of(folder).keys() == result.numbers.keys()
    assert result.passed is None  # the expected ranges are not for quick runs on digits
    assert all(len(row) == len(table.heads) for table in result.tables for row in table.rows)


@pytest.mark.parametrize(
    "page", [f"{folder}{name}.md" for folder in ("", "ja/") for name in FIGURES]
)
def test_the_page_of_an_experiment_names_its_command_and_its_figures(page):
    text = (PAGES / page).read_text(encoding="utf-8")
    name = Path(page).stem
    assert text.startswith(f"# {course.load(name).number}. ")
    assert f"tinygrad-edu course run {name}\n" in text
    assert [figure for figure in FIGURES[name] if f"`{figure}`" not in text] == []


# Experiment 16.


@pytest.mark.parametrize(
    ("p", "value", "gradient"),
    [
        (1, 0.3 * (3 + 4), [0.3, -0.3]),
        (2, 0.3 / 2 * (9 + 16), [0.3 * 3, -0.3 * 4]),
        (4, 0.3 / 4 * (81 + 256), [0.3 * 27, -0.3 * 64]),
    ],
)
def test_a_penalty_pulls_with_its_strength_times_the_weight_to_p_minus_1(p, value, gradient):
    w = tg.tensor([3.0, -4.0], dtype=tg.float64, requires_grad=True)
    loss = weight_decay.penalty([w[:1], w[1:]], p, 0.3)
    loss.backward()
    np.testing.assert_allclose(loss.item(), value)
    np.testing.assert_allclose(w.grad.numpy(), gradient)


def test_the_l2_penalty_is_the_weight_decay_of_the_optimizer():
    x, y = tg.rand(20, 6), tg.randint(0, 3, (20,))
    penalised, decayed = MultiLayerNet(6, [5, 4], 3), MultiLayerNet(6, [5, 4], 3)
    decayed.load_state_dict(penalised.state_dict())
    weights = [layer.weight for layer in penalised if isinstance(layer, nn.Linear)]
    by_hand = optim.SGD(penalised.parameters(), lr=0.1)
    built_in = optim.SGD(
        [
            {"params": [p for p in decayed.parameters() if p.ndim == 2], "weight_decay": 0.2},
            {"params": [p for p in decayed.parameters() if p.ndim == 1]},
        ],
        lr=0.1,
    )
    for _ in range(20):
        by_hand.zero_grad()
        loss = F.cross_entropy(penalised(x), y)
        (loss + weight_decay.penalty(weights, 2, 0.2)).backward()
        by_hand.step()
        built_in.zero_grad()
        F.cross_entropy(decayed(x), y).backward()
        built_in.step()
    for one, other in zip(penalised.parameters(), decayed.parameters(), strict=True):
        np.testing.assert_allclose(one.detach().numpy(), other.detach().numpy(), atol=1e-6)


def test_each_penalty_leaves_its_signature_on_the_weights(ran):
    histograms = {label: each["weights"] for label, each in ran("weight-decay")[0].numbers.items()}
    counts = {label: each["counts"] for label, each in histograms.items()}
    without, l2, l1, l4 = counts.values()
    around_zero = len(without) // 2
    assert l1[around_zero] > 2 * max(each[around_zero] for each in (without, l2, l4))
    edges = histograms[weight_decay.L2]["edges"]
    large = np.abs(edges[:-1] + edges[1:]) / 2 > 0.3
    assert l4[large].sum() < l2[large].sum() < without[large].sum()


def test_weight_decay_is_a_function_of_its_seed(ran):
    label = weight_decay.L2
    data, kind = images("digits").first(300), weight_decay.PENALTIES[label]
    found = ran("weight-decay")[0].numbers[label]
    again = weight_decay.train(data, kind, QUICK, label)
    other = weight_decay.train(data, kind, replace(QUICK, seed=1), label)
    assert (again.train, again.test) == (found["train"], found["test"])
    assert other.test != again.test


# Experiment 17.


def test_dropout_is_a_function_of_its_seed(ran):
    data, kind = images("digits").first(300), dropout.KINDS[dropout.COURSE]
    again = dropout.train(data, kind, QUICK, "")
    assert again == ran("dropout")[0].numbers[dropout.COURSE]
    assert dropout.train(data, kind, replace(QUICK, seed=1), "") != again


def test_the_two_forms_of_dropout_are_different_networks_only_while_training(ran):
    numbers = ran("dropout")[0].numbers
    assert numbers[dropout.COURSE] != numbers[dropout.PYTORCH]
    assert [kind.scale_at for kind in dropout.KINDS.values()] == ["test", "test", "train"]
    # Dropped and scaled, both have learned less of the training images by now.
    for label in (dropout.COURSE, dropout.PYTORCH):
        assert numbers[label]["train"][-1] < numbers[dropout.WITHOUT]["train"][-1]


# Experiment 18: the search.


def stored_trials(path):
    """How many trials the file holds."""
    with contextlib.closing(sqlite3.connect(path, timeout=60)) as connection:
        (count,) = connection.execute("select count(*) from trials").fetchone()
    return count


@dataclass
class Planned:
    """A quick objective, which can be pickled; it stops at one of its trials."""

    stop_at: float = np.inf
    exit_at: float = np.inf
    storage: Path | None = None  # has a finished trial before the process exits

    def __call__(self, trial, seed):
        number = trial.user_attrs[NUMBER]
        if number == self.stop_at:
            raise KeyboardInterrupt
        if number == self.exit_at:
            while not stored_trials(self.storage):
                time.sleep(0.05)
            os._exit(1)
        lr = trial.suggest_float("lr", 1e-6, 1e-2, log=True)
        trial.set_user_attr("curve", [lr, seed / 7])
        return np.log(lr)


def never(trial, seed):
    raise AssertionError("a finished trial was run again")


def facts(trials):
    return [(each.params, each.value, each.user_attrs) for each in trials]


@pytest.fixture(params=["random", "tpe"])
def plan(request):
    return Search(Planned(), "a search", (0, 1), request.param)


def test_the_samplers_are_two():
    whole = [
        facts(Search(Planned(), "a search", (0, 1), name).run(25)[0]) for name in ("random", "tpe")
    ]
    # Both draw at random until TPE has something to learn from.
    assert whole[0][:10] == whole[1][:10]
    assert whole[0][10:] != whole[1][10:]


def test_random_trials_cover_the_decades_evenly():
    trials, _ = Search(Planned(), "a search", (0, 1)).run(200)
    counts, _ = np.histogram([np.log10(each.params["lr"]) for each in trials], [-6, -5, -4, -3, -2])
    assert counts.sum() == 200
    assert counts.min() > 35


def test_tpe_looks_where_the_value_is_large():
    trials, _ = Search(Planned(), "a search", (0, 1), "tpe").run(60)
    assert np.mean([each.params["lr"] > 1e-3 for each in trials[20:]]) > 0.5


def test_another_seed_or_round_has_other_trials(plan):
    found = [facts(replace(plan, seed=seed).run(2)[0]) for seed in ((0, 1), (1, 1), (0, 2))]
    assert found[0] == facts(plan.run(2)[0])
    assert found[0] != found[1] != found[2] != found[0]


def test_a_trial_does_not_depend_on_how_many_there_are(plan):
    assert facts(plan.run(25)[0])[:13] == facts(plan.run(13)[0])


def test_a_stopped_search_keeps_its_trials_and_goes_on_to_the_same(plan, tmp_path):
    whole, _ = plan.run(25)
    stored = replace(plan, storage=tmp_path / "search.sqlite3")
    for stop in (3, 13, 17):
        with pytest.raises(KeyboardInterrupt):
            replace(stored, objective=Planned(stop_at=stop)).run(25)
        finished, reused = replace(stored, objective=never).run(stop)
        assert (facts(finished), reused) == (facts(whole[:stop]), stop)
    rest, reused = stored.run(25)
    assert (facts(rest), reused) == (facts(whole), 17)


def test_a_finished_search_is_not_repeated(plan, tmp_path):
    stored = replace(plan, storage=tmp_path / "new folder" / "50 % {a}? #1.sqlite3")
    first, reused = stored.run(12)
    assert reused == 0
    again, reused = replace(stored, objective=never).run(12)
    assert (facts(again), reused) == (facts(first), 12)


def test_searches_of_different_names_share_a_storage(plan, tmp_path):
    stored = replace(plan, storage=tmp_path / "search.sqlite3")
    stored.run(2)
    assert replace(stored, name="another").run(2)[1] == 0


def test_trials_that_two_commands_have_run_at_once_count_once(plan, tmp_path):
    stored = replace(plan, storage=tmp_path / "search.sqlite3")
    whole, _ = stored.run(12)
    two = sqlite3.connect(stored.storage)
    (trials,) = two.execute("select count(*) from trials").fetchone()
    two.close()
    assert trials == 12

    def other_command(numbers, _):
        for number in numbers:
            if number == 13:
                stored.run(16)
            yield number

    finished, reused = stored.run(16, 1, other_command)
    assert (facts(finished[:12]), len(finished), reused) == (facts(whole), 16, 12)
    assert facts(replace(stored, objective=never).run(16)[0]) == facts(finished)


def test_processes_share_the_work_and_make_the_same_trials(plan, tmp_path):
    stored = replace(plan, storage=tmp_path / "search.sqlite3")
    assert facts(stored.run(13, jobs=2)[0]) == facts(plan.run(13)[0])
    assert replace(stored, objective=never).run(13)[1] == 13


def test_a_killed_process_leaves_the_finished_trials(tmp_path):
    path = tmp_path / "search.sqlite3"
    plan = Search(Planned(exit_at=6, storage=path), "a search", (0, 1), storage=path)
    message = "A process of the search was killed. The finished trials are kept: run the same"
    with pytest.raises(RunError, match=message):
        plan.run(8, jobs=2)
    finished, reused = replace(plan, objective=Planned()).run(8)
    assert 0 < reused <= 6
    assert facts(finished) == facts(Search(Planned(), "a search", (0, 1)).run(8)[0])


def test_a_second_ctrl_c_does_not_leave_the_processes_behind(tmp_path):
    command = [sys.executable, "-m", "tinygrad_edu.cli", "course", "run", "hyperparameters"]
    options = ["--data", "digits", "--quick", "--jobs", "2", "--out", str(tmp_path)]
    storage = tmp_path / "hyperparameters.sqlite3"
    process = subprocess.Popen([*command, *options], stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 60
        while not storage.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1)  # in the middle of the first trials
        process.send_signal(signal.SIGINT)
        time.sleep(0.15)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert b"Traceback" not in error


def sound(path):
    Search(Planned(), "a search", (0, 1), storage=path).run(3)
    return path.read_bytes()


def of_a_later_optuna(path):
    path.write_bytes(sound(path))
    with sqlite3.connect(path) as connection:
        connection.execute("update alembic_version set version_num = 'v99.0.0.a'")
    connection.close()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda path: path.write_bytes(b"not a database" * 100), "file is not a database"),
        (lambda path: path.write_bytes(sound(path)[:9000]), "database disk image is malformed"),
        (lambda path: path.mkdir(), "unable to open database file"),
        (of_a_later_optuna, "The runtime optuna version"),
    ],
    ids=["other file", "cut short", "folder", "later version"],
)
def test_a_storage_that_cannot_be_used_is_reported_in_one_line(tmp_path, spoil, reason):
    path = tmp_path / "search.sqlite3"
    spoil(path)
    with pytest.raises(RunError) as caught:
        Search(Planned(), "a search", (0, 1), storage=path).run(3)
    message = str(caught.value)
    assert message.startswith(f"{path} cannot be used for the search: {reason}")
    assert message.endswith("If the file is damaged, delete it to search anew.")
    assert "\n" not in message


def test_a_storage_that_fails_in_mid_search_is_reported_too(tmp_path):
    path = tmp_path / "search.sqlite3"

    def spoiling(numbers, _):
        for number in numbers:
            if number == 2:
                path.write_bytes(b"not a database" * 100)
            yield number

    with pytest.raises(RunError, match="cannot be used for the search: file is not a database"):
        Search(Planned(), "a search", (0, 1), storage=path).run(3, 1, spoiling)


def test_optuna_is_silent_and_speaks_again_afterwards(plan, tmp_path, capfd):
    import optuna

    before = optuna.logging.get_verbosity()
    replace(plan, storage=tmp_path / "search.sqlite3").run(12)
    assert capfd.readouterr() == ("", "")
    assert optuna.logging.get_verbosity() == before


def test_without_optuna_the_command_says_what_to_install(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "optuna", None)
    arguments = ["hyperparameters", "--data", "digits", "--quick", "--out", str(tmp_path)]
    with pytest.raises(SystemExit) as caught:
        cli.main(["course", "run", *arguments])
    assert caught.value.code == 2
    assert capsys.readouterr().err == (
        'tinygrad-edu: The experiments need optuna: pip install "tinygrad_edu[course]" or '
        "pip install optuna.\n"
    )


# Folders.


def test_a_folder_of_something_else_is_not_replaced(tmp_path):
    thesis = tmp_path / "dropout.digits.quick" / "thesis.txt"
    thesis.parent.mkdir()
    thesis.write_text("years of work")
    with pytest.raises(RunError, match="holds something else than results of dropout"):
        run(course.load("dropout"), QUICK, tmp_path)
    assert thesis.read_text() == "years of work"


def test_a_run_again_keeps_what_was_put_beside_its_results(tmp_path):
    experiment = replace(course.load("dropout"), run=lambda _: Result({}, {"a": 1}))
    _, folder = run(experiment, QUICK, tmp_path)
    (folder / "notes.txt").write_text("mine")
    (folder / "more").mkdir()
    (folder / "more" / "notes.txt").write_text("mine too")
    run(replace(experiment, run=lambda _: Result({}, {"a": 2})), QUICK, tmp_path)
    assert numbers_of(folder) == {"a": 2}
    assert (folder / "notes.txt").read_text() == "mine"
    assert (folder / "more" / "notes.txt").read_text() == "mine too"


def test_a_dropout_that_drops_nothing_fails(monkeypatch):
    nothing = {label: kind._replace(ratio=0.0) for label, kind in dropout.KINDS.items()}
    monkeypatch.setattr(dropout, "KINDS", nothing)
    monkeypatch.setattr(Setting, "is_the_courses", True)
    result = dropout.run(QUICK)
    verdicts = {check.name: check.passed for check in result.checks}
    assert verdicts["training accuracy with, after 101 epochs"] is False
    assert verdicts["test accuracy with"] is False


# Experiment 18: what is searched.


def test_the_second_round_lies_between_the_best_five_of_the_first(ran):
    numbers = ran("hyperparameters")[0].numbers
    best = numbers["round 1"][:5]
    for name, (low, high) in numbers["range of round 2"].items():
        assert (low, high) == (min(each[name] for each in best), max(each[name] for each in best))
        assert all(low <= each[name] <= high for each in numbers["round 2"])


def test_every_trial_is_in_the_results_the_best_first(ran):
    numbers = ran("hyperparameters")[0].numbers
    for label, count in (("round 1", 24), ("round 2", 12)):
        accuracies = [each["validation accuracy"] for each in numbers[label]]
        assert accuracies == sorted(accuracies, reverse=True)
        assert sorted(each["trial"] for each in numbers[label]) == list(range(count))
    curves = numbers["curves of the best 20"]
    assert [each["validation"][-1] for each in curves] == [
        each["validation accuracy"] for each in numbers["round 1"][:20]
    ]
    assert {len(each) for curve in curves for each in curve.values()} == {20}


def test_the_grid_shows_the_best_twenty_in_four_rows_of_five(ran):
    figure = ran("hyperparameters")[0].figures["best"]
    assert figure.axes[0].get_gridspec().get_geometry() == (4, 5)
    ranks = [int(axes.get_title().partition(":")[0]) for axes in figure.axes]
    assert ranks == list(range(1, 21))


def test_a_run_again_gives_the_same_numbers_from_the_storage(ran):
    result, folder = ran("hyperparameters")
    first = numbers_of(folder)
    setting = replace(QUICK, options={"out": folder.parent, "jobs": 2})
    again, folder = run(course.load("hyperparameters"), setting, folder.parent)
    assert numbers_of(folder) == first
    assert again.checks == result.checks
    assert again.remarks[:-1] == result.remarks
    assert again.remarks[-1] == (
        "36 of 36 trials were finished earlier, in hyperparameters.sqlite3; delete that file to "
        "search anew."
    )


def test_a_search_is_a_function_of_its_seed(ran):
    found = {each["trial"]: each for each in ran("hyperparameters")[0].numbers["round 1"]}
    for seed in (0, 1):
        trials, _ = hyperparameters.search(
            replace(QUICK, seed=seed), 1, hyperparameters.RANGES, trials=2
        )
        again = [hyperparameters.numbers(each) for each in trials]
        assert all((each == found[each["trial"]]) == (seed == 0) for each in again)


def test_the_seed_of_a_trial_makes_its_network_once_more():
    (trial,), _ = hyperparameters.search(QUICK, 1, hyperparameters.RANGES, trials=1)
    _, curves = hyperparameters.train(**trial.params, seed=trial.user_attrs["seed"], setting=QUICK)
    assert curves["validation"][-1] == trial.value
    assert curves["train"] == trial.user_attrs["train"]


def test_the_variant_is_optunas_tpe():
    assert list(course.load("hyperparameters").variants) == ["tpe"]
    ranges = hyperparameters.RANGES
    random, _ = hyperparameters.search(QUICK, 1, ranges, trials=11)
    tpe, _ = hyperparameters.search(replace(QUICK, variant="tpe"), 1, ranges, trials=11)
    by_number = [
        {each.user_attrs[NUMBER]: hyperparameters.numbers(each) for each in trials}
        for trials in (random, tpe)
    ]
    assert [number for number in range(11) if by_number[0][number] != by_number[1][number]] == [10]


@pytest.mark.mnist
def test_a_trial_on_mnist_with_a_good_learning_rate_learns():
    _, curves = hyperparameters.train(0.008, 1e-6, seed=0, setting=Setting())
    assert len(curves["validation"]) == 50
    assert curves["validation"][-1] > 0.55
