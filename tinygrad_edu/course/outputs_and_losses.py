"""Experiment 3: the output function and the loss that belong to each kind of problem."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import tinygrad_edu as tg

from ..nn import functional as F
from ..tensor import Tensor
from .experiment import Check, Experiment, Result, Setting, Table, exactly
from .figures import COLOURS, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["EXPERIMENT"]

Array = np.ndarray[Any, np.dtype[Any]]

LARGE = [1010.0, 1000.0, 990.0]


def identity(u: Tensor) -> Tensor:
    """Regression: the output is u itself."""
    return u


def squared_error(u: Tensor, t: Tensor) -> Tensor:
    """Regression: E = ½ Σ (y − t)²."""
    return ((identity(u) - t) ** 2).sum() / 2


def binary_cross_entropy(u: Tensor, t: Tensor) -> Tensor:
    """Two classes: E = −Σ (t log y + (1 − t) log(1 − y)), with y = sigmoid(u)."""
    return F.binary_cross_entropy_with_logits(u, t, reduction="sum")


def cross_entropy(u: Tensor, t: Tensor) -> Tensor:
    """Many classes: E = −Σ t log y, with y = softmax(u); `t` is one-hot or the index."""
    return F.cross_entropy(u, t, reduction="sum")


def softmax(u: Tensor) -> Tensor:
    """Many classes: y_k = exp(u_k) / Σ exp(u_j)."""
    return F.softmax(u, dim=-1)


def overflowing_softmax(u: Array) -> Array:
    """The formula as it stands: exp(1000) is more than the largest float64."""
    with np.errstate(over="ignore", invalid="ignore"):
        power = np.exp(u)
        return np.asarray(power / power.sum())


class Problem(NamedTuple):
    """A kind of problem, with the output and the loss that belong to it, and one sample."""

    name: str
    output: tuple[str, Callable[[Tensor], Tensor]]
    loss: tuple[str, Callable[[Tensor, Tensor], Tensor]]
    u: list[float]
    t: list[float]


PROBLEMS = (
    Problem(
        name="regression",
        output=("identity", identity),
        loss=("½ squared error", squared_error),
        u=[0.6, -1.2],
        t=[1.0, -1.0],
    ),
    Problem(
        name="two classes",
        output=("sigmoid", tg.sigmoid),
        loss=("cross-entropy", binary_cross_entropy),
        u=[1.5],
        t=[1.0],
    ),
    Problem(
        name="many classes",
        output=("softmax", softmax),
        loss=("cross-entropy", cross_entropy),
        u=[0.3, 2.9, 4.0],
        t=[0.0, 0.0, 1.0],
    ),
)


def run(_: Setting) -> Result:
    """Each problem once, with the gradient of its loss; nothing is drawn at random."""
    rows, numbers, worst = [], {}, 0.0
    for name, (output, function), (loss, criterion), logits, targets in PROBLEMS:
        u = tg.tensor(logits, dtype=tg.float64, requires_grad=True)
        t = tg.tensor(targets, dtype=tg.float64)
        y = function(u).detach()
        error = criterion(u, t)
        error.backward()
        assert u.grad is not None
        worst = max(worst, (u.grad - (y - t)).abs().max().item())
        values = [logits, y.tolist(), targets, [error.item()], u.grad.tolist()]
        rows.append((name, output, loss, *map(short, values)))
        numbers[name] = dict(zip((*"uytE", "gradient"), values, strict=True))

    u = tg.tensor([[0.3, 2.9, 4.0], [1.0, -2.0, 0.5]], dtype=tg.float64)
    index = tg.tensor([2, 0])
    one_hot = F.one_hot(index, 3).double()
    by_index, by_one_hot = cross_entropy(u, index).item(), cross_entropy(u, one_hot).item()
    large = tg.tensor(LARGE, dtype=tg.float64)
    stable, naive = softmax(large).tolist(), overflowing_softmax(np.array(LARGE))
    return Result(
        figures={"losses": draw()},
        numbers={**numbers, "softmax of " + short(LARGE): {"softmax": stable, "naive": naive}},
        checks=[
            Check(
                "gradient and y − t differ by at most",
                f"{worst:.1e}",
                "below 1e-12",
                passed=worst < 1e-12,
            ),
            exactly(f"softmax of {short(LARGE)}", short(stable), "[1, 4.54e-05, 2.061e-09]"),
            exactly("loss of one-hot targets", f"{by_one_hot:.12f}", f"{by_index:.12f}"),
        ],
        tables=[
            Table("Three problems", ("problem", "output", "loss", *"uytE", "∂E/∂u"), rows),
            Table(
                f"Softmax of {short(LARGE)}",
                ("how", "result"),
                [
                    ("exp(u) / Σ exp(u)", short(naive)),
                    ("exp(u − max u) / Σ exp(u − max u)", short(stable)),
                ],
            ),
            Table(
                "Cross-entropy of two samples, summed",
                ("targets", "loss"),
                [
                    (short(index.tolist()), f"{by_index:.12f}"),
                    (str(one_hot.int().tolist()), f"{by_one_hot:.12f}"),
                ],
            ),
        ],
    )


def short(values: Any) -> str:
    """Numbers with four digits."""
    return f"[{', '.join(f'{value:.4g}' for value in values)}]"


def losses(criterion: Callable[[Tensor, Tensor], Tensor], u: Array, target: float) -> list[float]:
    """The loss of one output at each u."""
    t = tg.tensor([target], dtype=tg.float64)
    return [criterion(tg.tensor([each], dtype=tg.float64), t).item() for each in u]


def draw() -> Figure:
    """The losses over what the last layer computes, and softmax at three scales."""
    figure, (left, middle, right) = new_figure("Outputs and losses", 1, 3, width=4.4, height=3.4)
    u = np.linspace(-4, 4, 161)
    left.plot(u, losses(squared_error, u, 1.0), color=COLOURS[0], label="target t = 1")
    left.set(title="regression", xlabel="u = y", ylabel="½ (y − t)²")
    for target, colour, style in ((1.0, COLOURS[0], "-"), (0.0, COLOURS[1], "--")):
        curve = losses(binary_cross_entropy, u, target)
        middle.plot(u, curve, color=colour, ls=style, label=f"class t = {target:.0f}")
    middle.set(title="two classes", xlabel="u, with y = sigmoid(u)", ylabel="cross-entropy")
    for offset, (scale, colour) in enumerate(zip((0.3, 1.0, 3.0), COLOURS, strict=False)):
        y = softmax(tg.tensor([0.3, 2.9, 4.0]) * scale).numpy()
        place = np.arange(3) + 0.27 * (offset - 1)
        right.bar(place, y, width=0.25, color=colour, label=f"softmax({scale:g}·u)")
    right.set(title="many classes", xlabel="class", ylabel="y", xticks=[0, 1, 2])
    right.set_xticklabels(["u = 0.3", "u = 2.9", "u = 4.0"])
    for each in (left, middle, right):
        each.legend()
    return figure


EXPERIMENT = Experiment(
    number=3,
    name="outputs-and-losses",
    title="Output functions and losses: regression, two classes, many classes",
    run=run,
    seconds=(1, 1),
    needs_data=False,
)
