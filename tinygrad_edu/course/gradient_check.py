"""Experiment 7: backpropagation against numerical differentiation, which finds a wrong rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_edu as tg

from .. import nn
from ..nn import functional as F
from ..tensor import Tensor
from ..testing import GradcheckError, gradcheck
from .data import images
from .experiment import Check, Experiment, Result, Setting, Table
from .figures import COLOURS, MARKERS, line, new_figure
from .models import MultiLayerNet
from .tools import numerical_gradient
from .wrong_sigmoid import WrongSigmoid, WrongSigmoidLayer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["EXPERIMENT"]

Array = np.ndarray[Any, np.dtype[Any]]
Gradients = dict[str, Array]  # by the name of the parameter

# Smaller than the usual 1e-4, which in two seeds of a hundred carries a ReLU across its kink.
H = 1e-6
LIMIT = 1e-7
RELU, SIGMOID, WRONG = "ReLU", "sigmoid", "sigmoid, wrong rule"


def by_backpropagation(model: nn.Module, x: Tensor, t: Tensor) -> Gradients:
    """The gradient of the loss in one pass backwards."""
    model.zero_grad()
    F.cross_entropy(model(x), t).backward()
    return {
        name: each.grad.numpy() for name, each in model.named_parameters() if each.grad is not None
    }


def by_differences(
    model: nn.Module, x: Tensor, t: Tensor, setting: Setting, label: str
) -> Gradients:
    """The same by (L(w + h) − L(w − h)) / 2h: two passes forward for every single weight."""

    def loss(_: Array) -> float:
        return float(F.cross_entropy(model(x), t).item())

    with tg.no_grad():
        return {
            # The array shares its memory with the parameter.
            name: numerical_gradient(loss, each.detach().numpy(), h=H)
            for name, each in setting.track(list(model.named_parameters()), label)
        }


def run(setting: Setting) -> Result:
    """784-50-10 on three images, in float64: ReLU, sigmoid, and the sigmoid with a wrong rule."""
    data = images(setting.data).first(3)
    x, t = data.x.double(), data.y
    hidden = setting.steps(50, 10)
    relu = MultiLayerNet(data.size, [hidden], 10, "relu", "he").double()
    sigmoid = MultiLayerNet(data.size, [hidden], 10, "sigmoid", "xavier").double()
    wrong = MultiLayerNet(data.size, [hidden], 10, WrongSigmoidLayer).double()
    wrong.load_state_dict(sigmoid.state_dict())
    numerical = {
        RELU: by_differences(relu, x, t, setting, RELU),
        SIGMOID: by_differences(sigmoid, x, t, setting, SIGMOID),
    }
    numerical[WRONG] = numerical[SIGMOID]  # forwards, the two networks are the same function
    exact = {
        label: by_backpropagation(model, x, t)
        for label, model in ((RELU, relu), (SIGMOID, sigmoid), (WRONG, wrong))
    }
    differences = {
        label: {name: np.abs(each - numerical[label][name]) for name, each in gradients.items()}
        for label, gradients in exact.items()
    }
    worst = {
        label: max(float(d.max()) for d in each.values()) for label, each in differences.items()
    }
    message = complaint(WrongSigmoid.apply)
    title = f"Gradient check: {data.size}-{hidden}-10, three images ({setting})"
    return Result(
        figures={
            "differences": draw_differences(title, differences),
            "wrong-rule": draw_wrong_rule(title, numerical[SIGMOID], exact),
        },
        numbers={
            "differences": {
                label: {name: {"mean": d.mean(), "largest": d.max()} for name, d in each.items()}
                for label, each in differences.items()
            },
            "gradcheck of the wrong rule": message,
        },
        checks=[
            *(
                Check(
                    f"{label}: largest difference",
                    f"{worst[label]:.1e}",
                    f"below {LIMIT:.0e}",
                    passed=worst[label] < LIMIT,
                )
                for label in (RELU, SIGMOID)
            ),
            Check(
                f"{WRONG}: largest difference",
                f"{worst[WRONG]:.1e}",
                f"above {LIMIT:.0e}: found",
                passed=worst[WRONG] > LIMIT,
            ),
            Check(
                "testing.gradcheck of the wrong rule",
                "accepted" if message is None else "refused",
                "refused",
                passed=message is not None,
            ),
        ],
        tables=[
            Table(
                f"Backpropagation against numerical differentiation, h = {H:.0e}",
                (
                    "network",
                    "parameter",
                    "weights",
                    "mean difference",
                    "largest",
                    "largest gradient",
                ),
                [
                    (
                        label,
                        name,
                        f"{d.size:,}",
                        f"{d.mean():.1e}",
                        f"{d.max():.1e}",
                        f"{np.abs(exact[label][name]).max():.1e}",
                    )
                    for label, each in differences.items()
                    for name, d in each.items()
                ],
            )
        ],
        remarks=[
            "Erratum: the notes' derivative of the sigmoid is (1 − σ(x))·σ(x), which is right for "
            "x = u, but it is given the activated z = σ(u), so that σ is applied twice. The right "
            "rule is (1 − z)·z. Only the parameters below the sigmoid get a wrong gradient; those "
            "of the output layer are right."
        ],
    )


def complaint(function: Any) -> str | None:
    """What `gradcheck` says against a rule, or None if it accepts it."""
    u = tg.tensor([-4.0, -1.0, 0.0, 2.0], dtype=tg.float64, requires_grad=True)
    try:
        gradcheck(function, (u,))
    except GradcheckError as error:
        return str(error)
    return None


def draw_differences(title: str, differences: dict[str, Gradients]) -> Figure:
    """The largest difference in each parameter, beside the limit."""
    figure, axes = new_figure(title, width=7.5)
    names = list(differences[RELU])
    for index, (label, each) in enumerate(differences.items()):
        place = np.arange(len(names)) + 0.2 * (index - 1)
        largest = [each[name].max() for name in names]
        axes.plot(place, largest, **line(index, ls="none", ms=9, label=label))
    axes.axhline(LIMIT, color="black", ls="--", lw=1, label=f"limit {LIMIT:.0e}")
    axes.set(yscale="log", ylabel="largest |backpropagation − numerical|", xlabel="parameter")
    axes.set_xticks(range(len(names)), names)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def draw_wrong_rule(title: str, numerical: Gradients, exact: dict[str, Gradients]) -> Figure:
    """The derivative by either rule, and the gradients that come of it."""
    figure, (left, right) = new_figure(title, 1, 2, width=5.4)
    u = np.linspace(-10, 10, 201)
    for index, (label, function) in enumerate(
        (("right: (1 − z) z", tg.sigmoid), ("wrong: (1 − σ(z)) σ(z)", WrongSigmoid.apply))
    ):
        points = tg.tensor(u, requires_grad=True)
        (slope,) = tg.autograd.grad(function(points).sum(), points)
        style = {"color": COLOURS[index + 1], "ls": "-" if index == 0 else "--"}
        left.plot(u, slope.numpy(), **style, label=label)
    left.set(xlabel="u, with z = σ(u)", ylabel="derivative of the sigmoid", ylim=(0, 0.33))
    left.legend(loc="upper left")
    name = next(iter(numerical))
    for index, label in enumerate((SIGMOID, WRONG), 1):
        dots = {"s": 9, "color": COLOURS[index], "marker": MARKERS[index], "zorder": 3 - index}
        difference = exact[label][name] - numerical[name]
        right.scatter(numerical[name], difference, **dots, label=label)
    right.set(xlabel=f"numerical gradient of {name}", ylabel="backpropagation − numerical")
    right.legend()
    return figure


EXPERIMENT = Experiment(
    number=7,
    name="gradient-check",
    title="Gradient check: backpropagation against numerical differentiation",
    run=run,
    seconds=(15, 1),
)
