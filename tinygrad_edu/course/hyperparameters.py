"""Experiment 18: learning rate and weight decay found by a search, in two rounds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from .. import manual_seed, nn, optim
from ..nn import functional as F
from .data import images
from .experiment import Check, Experiment, Result, Setting, Table, within
from .figures import COLOURS, line, new_figure
from .models import MultiLayerNet
from .search import NUMBER, Search
from .tools import accuracy, shuffle_dataset

if TYPE_CHECKING:
    import optuna
    from matplotlib.figure import Figure
    from optuna.trial import FrozenTrial

__all__ = ["EXPERIMENT"]

Ranges: TypeAlias = dict[str, tuple[float, float]]

# Drawn as 10^U: from 0.001 to 0.01 is as far as from 0.01 to 0.1.
RANGES: Ranges = {"lr": (1e-6, 1e-2), "weight_decay": (1e-8, 1e-4)}
STORAGE = "hyperparameters.sqlite3"


def train(
    lr: float, weight_decay: float, seed: int, setting: Setting
) -> tuple[MultiLayerNet, dict[str, list[float]]]:
    """784-100×6-10 on 400 images, with 100 for validation; SGD, batch 100, 50 epochs."""
    data = images(setting.data).first(500)
    x, y = shuffle_dataset(data.x, data.y, np.random.default_rng(setting.seed))
    validation_x, validation_y, x, y = x[:100], y[:100], x[100:], y[100:]

    manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = MultiLayerNet(data.size, [100] * 6, 10)
    layers = [layer for layer in model if isinstance(layer, nn.Linear)]
    groups: list[dict[str, Any]] = [
        {"params": [layer.weight for layer in layers], "weight_decay": weight_decay},
        {"params": [layer.bias for layer in layers]},
    ]
    optimizer = optim.SGD(groups, lr=lr)
    curves: dict[str, list[float]] = {"train": [], "validation": []}
    for _ in range(setting.steps(50, 20)):
        for chosen in np.split(rng.permutation(len(x)), len(x) // 100):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x[chosen]), y[chosen])
            loss.backward()
            optimizer.step()
        curves["train"].append(accuracy(model, x, y))
        curves["validation"].append(accuracy(model, validation_x, validation_y))
    return model, curves


def objective(setting: Setting, ranges: Ranges, trial: optuna.Trial, seed: int) -> float:
    """What Optuna maximises: the validation accuracy after the last epoch."""
    lr = trial.suggest_float("lr", *ranges["lr"], log=True)
    weight_decay = trial.suggest_float("weight_decay", *ranges["weight_decay"], log=True)
    _, curves = train(lr, weight_decay, seed, setting)
    trial.set_user_attr("seed", seed)
    trial.set_user_attr("train", curves["train"])
    trial.set_user_attr("validation", curves["validation"])
    return curves["validation"][-1]


def search(setting: Setting, number: int, ranges: Ranges, trials: int) -> tuple[list[Any], int]:
    """The trials of a round, the best first, and how many of them were in the storage."""
    spans = ", ".join(f"{name} {low:.4g} – {high:.4g}" for name, (low, high) in ranges.items())
    out = setting.options.get("out")
    found = Search(
        # In other processes there is no progress bar.
        partial(objective, Setting(setting.data, setting.seed, setting.quick), ranges),
        name=f"{setting}: round {number}, {spans}, {setting.steps(50, 20)} epochs",
        seed=(setting.seed, number),
        sampler=setting.variant or "random",
        storage=None if out is None else Path(out) / STORAGE,
    )
    jobs = setting.options.get("jobs", 1)
    finished, stored = found.run(trials, jobs, setting.track, f"round {number}")
    return sorted(finished, key=lambda trial: -trial.value), stored


def narrowed(best: Sequence[FrozenTrial]) -> Ranges:
    """From the smallest to the largest value that a hyperparameter has in these trials."""
    return {
        name: (
            min(trial.params[name] for trial in best),
            max(trial.params[name] for trial in best),
        )
        for name in RANGES
    }


def run(setting: Setting) -> Result:
    """A hundred trials, and a hundred more between the best five."""
    first, stored = search(setting, 1, RANGES, setting.steps(100, 24))
    ranges = narrowed(first[:5])
    second, stored_again = search(setting, 2, ranges, setting.steps(100, 12))
    best = max(first[0], second[0], key=lambda trial: trial.value)
    # The seed makes the best network once more.
    model, _ = train(**best.params, seed=best.user_attrs["seed"], setting=setting)
    data = images(setting.data)
    test = accuracy(model, data.test_x, data.test_y)

    rounds = {"round 1": first, "round 2": second}
    lr = first[0].params["lr"]
    remarks = [
        f"The learning rate decides: the best five of round 1 have {ranges['lr'][0]:.2g} to "
        f"{ranges['lr'][1]:.2g}. The weight decay does not: in {setting.steps(50, 20) * 4} steps "
        "the strongest takes less than 0.02 % off a weight.",
        f"The best network reads {best.value:.0%} of the 100 validation images and {test:.1%} of "
        "the test images. The validation images have chosen it, so theirs is not a fair figure.",
    ]
    if stored + stored_again:
        remarks.append(
            f"{stored + stored_again} of {len(first) + len(second)} trials were finished earlier, "
            f"in {STORAGE}; delete that file to search anew."
        )
    return Result(
        figures={
            "best": draw_curves(first[:20], setting),
            "search": draw_search(rounds, ranges, setting),
        },
        numbers={
            **{label: [numbers(trial) for trial in trials] for label, trials in rounds.items()},
            "range of round 2": ranges,
            "curves of the best 20": [
                {name: trial.user_attrs[name] for name in ("train", "validation")}
                for trial in first[:20]
            ],
            "test accuracy of the best": test,
        },
        checks=[
            within("best validation accuracy", first[0].value, 0.6, 0.8, setting=setting),
            Check(
                "learning rate of the best",
                f"{lr:.4f}",
                "above 0.004",
                passed=lr > 0.004 if setting.is_the_courses else None,
            ),
            Check("best validation accuracy, round 2", f"{second[0].value:.4f}", "–"),
            Check("test accuracy of the best", f"{test:.4f}", "–"),
        ],
        tables=[
            table(f"The best 20 of {len(first)} trials, round 1", first[:20]),
            table(f"The best 5 of {len(second)} trials, round 2", second[:5]),
        ],
        remarks=remarks,
    )


def numbers(trial: FrozenTrial) -> dict[str, Any]:
    """A trial in the results."""
    return {"trial": trial.user_attrs[NUMBER], **trial.params, "validation accuracy": trial.value}


def table(title: str, trials: Sequence[FrozenTrial]) -> Table:
    """Trials, the best first."""
    return Table(
        title,
        ["rank", "trial", "validation accuracy", "learning rate", "weight decay"],
        [
            [
                str(rank),
                str(trial.user_attrs[NUMBER]),
                f"{trial.value:.2f}",
                f"{trial.params['lr']:.3g}",
                f"{trial.params['weight_decay']:.3g}",
            ]
            for rank, trial in enumerate(trials, 1)
        ],
    )


def draw_curves(best: Sequence[FrozenTrial], setting: Setting) -> Figure:
    """A panel for each of the best twenty, as in the notes."""
    figure, axes = new_figure(
        f"Hyperparameters: the best 20 of round 1 ({setting})",
        4, 5, width=2.4, height=2.0, sharex=True, sharey=True,
    )  # fmt: skip
    for rank, (each, trial) in enumerate(zip(axes.flat, best, strict=True), 1):
        for index, name in enumerate(("train", "validation")):
            values = trial.user_attrs[name]
            style = line(index, ms=3, markevery=max(1, len(values) // 5), label=name)
            each.plot(range(1, len(values) + 1), values, **style)
        each.set_title(
            f"{rank}: {trial.value:.2f}, lr {trial.params['lr']:.1e}\n"
            f"weight decay {trial.params['weight_decay']:.1e}",
            fontsize=9,
        )
        each.set(ylim=(0, 1))
    figure.supxlabel("epoch", fontsize=10)
    figure.supylabel("accuracy", fontsize=10)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower right", ncols=2)
    return figure


def draw_search(rounds: dict[str, list[FrozenTrial]], ranges: Ranges, setting: Setting) -> Figure:
    """All trials over each hyperparameter, and the range to which it is narrowed."""
    figure, axes = new_figure(f"Hyperparameters: all trials ({setting})", 1, 2, sharey=True)
    labels = {"lr": "learning rate", "weight_decay": "weight decay"}
    for each, (name, span) in zip(axes, ranges.items(), strict=True):
        each.axvspan(*span, color=COLOURS[7], alpha=0.25, lw=0, label="range of round 2")
        for index, (label, trials) in enumerate(rounds.items()):
            each.plot(
                [trial.params[name] for trial in trials],
                [trial.value for trial in trials],
                **line(index, ls="none", ms=5, alpha=0.6, mew=0, label=label),
            )
        each.set(xlabel=labels[name], xscale="log", ylim=(0, 1))
    axes[0].set_ylabel("validation accuracy")
    axes[0].legend(loc="upper left")
    return figure


EXPERIMENT = Experiment(
    number=18,
    name="hyperparameters",
    title="Hyperparameters: a search in two rounds",
    run=run,
    seconds=(60, 4),
    variants={"tpe": "Optuna's TPE sampler, which learns from the trials before"},
    packages=("optuna",),
)
