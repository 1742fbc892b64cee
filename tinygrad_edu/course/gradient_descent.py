"""Experiment 5: gradient descent on a bowl, by numerical and by exact gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_edu as tg

from .experiment import Check, Experiment, Result, Setting, Table, exactly
from .figures import COLOURS, line, new_figure
from .tools import numerical_gradient

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["EXPERIMENT"]

Array = np.ndarray[Any, np.dtype[Any]]

START = (-3.0, 4.0)
STEPS = 100
# Learning rates, and where the notes end with the numerical gradient.
REPORTED = {
    0.1: "[-6.11110793e-10, 8.14814391e-10]",
    10: "[-2.58983747e+13, -1.29524862e+12]",
    1e-10: "[-2.99999994, 3.99999992]",
}


def f(x: Any) -> Any:
    """f = x0² + x1², of an array or a tensor."""
    return x[0] ** 2 + x[1] ** 2


def by_numerical_gradient(lr: float) -> Array:
    """The points from the start on, (101, 2): x ← x − lr (f(x + h) − f(x − h)) / 2h, h = 1e-4."""
    x = np.array(START)
    path = [x.copy()]
    for _ in range(STEPS):
        x -= lr * numerical_gradient(f, x, h=1e-4)
        path.append(x.copy())
    return np.array(path)


def by_backpropagation(lr: float) -> Array:
    """The same with the exact gradient: x ← x − lr ∇f(x)."""
    x = tg.tensor(START, dtype=tg.float64, requires_grad=True)
    path = [x.detach().numpy().copy()]
    for _ in range(STEPS):
        (gradient,) = tg.autograd.grad(f(x), x)
        with tg.no_grad():
            x -= lr * gradient
        path.append(x.detach().numpy().copy())
    return np.array(path)


def difference_errors() -> dict[str, Array]:
    """The relative errors of the difference quotients of eˣ over h, on average over [0, 2].

    (On x0² + x1² itself the central difference has no truncation error.)
    """
    h = 10.0 ** np.arange(-15, 0.01, 0.25)
    x = np.linspace(0, 2, 101)[:, None]
    exact = np.exp(x)
    forward = (np.exp(x + h) - np.exp(x)) / h
    central = (np.exp(x + h) - np.exp(x - h)) / (2 * h)
    return {
        "h": h,
        "forward": np.abs(forward / exact - 1).mean(axis=0),
        "central": np.abs(central / exact - 1).mean(axis=0),
    }


def run(_: Setting) -> Result:
    """Three learning rates, each with both gradients; nothing is drawn at random."""
    paths = {lr: (by_numerical_gradient(lr), by_backpropagation(lr)) for lr in REPORTED}
    errors = difference_errors()
    best = errors["h"][errors["central"].argmin()]
    exact_end = float(np.abs(paths[10][1][-1]).max())
    checks = [
        exactly(f"numerical gradient, lr {lr:g}", digits(paths[lr][0][-1]), reported, reported)
        for lr, reported in REPORTED.items()
    ]
    return Result(
        figures={"descent": draw_descent(paths), "difference-errors": draw_errors(errors)},
        numbers={
            "paths": {
                f"lr {lr:g}": {"numerical": numerical, "exact": exact}
                for lr, (numerical, exact) in paths.items()
            },
            "difference errors": errors,
        },
        checks=[
            *checks,
            Check(
                "exact gradient, lr 10: largest coordinate",
                f"{exact_end:.3g}",
                "4 · 19¹⁰⁰ = 3.01e+128",
                passed=f"{exact_end:.2g}" == f"{4 * 19.0**100:.2g}",
            ),
            Check(
                "h with the smallest error of the central difference",
                f"{best:.1e}",
                "between 1e-6 and 1e-4",
                passed=bool(1e-6 <= best <= 1e-4),
            ),
        ],
        tables=[
            Table(
                f"After {STEPS} steps from (−3, 4)",
                ("lr", "numerical gradient, h = 1e-4", "exact gradient"),
                [
                    (f"{lr:g}", digits(numerical[-1]), digits(exact[-1]))
                    for lr, (numerical, exact) in paths.items()
                ],
            )
        ],
        remarks=[
            "The numbers that the notes print for lr 10 are rounding error. Exactly, each step "
            "multiplies x by 1 − 2·10 = −19, and after 100 steps x is about 1e128. But above "
            "1.1e12, h = 1e-4 is less than half the distance between neighbouring float64 numbers: "
            "x + h is x, the numerical gradient is 0, and the descent stands still where it "
            "happens to be."
        ],
    )


def digits(x: Array) -> str:
    """A point with nine significant digits, as the notes print it."""
    return f"[{', '.join(f'{each:.9g}' for each in x)}]"


def draw_descent(paths: dict[float, tuple[Array, Array]]) -> Figure:
    """The way down the bowl, and how far from the lowest point each step is."""
    figure, (left, right) = new_figure(
        "Gradient descent on x0² + x1² from (−3, 4)", 1, 2, width=5.4
    )
    x0, x1 = np.meshgrid(np.linspace(-4, 4, 81), np.linspace(-1.5, 5, 81))
    left.contour(
        x0, x1, x0**2 + x1**2, levels=[0.25, 1, 4, 9, 16, 25], colors="#999999", linewidths=0.8
    )
    for index, (lr, (numerical, exact)) in enumerate(paths.items()):
        if lr == 10:
            left.plot([], [], **line(index, label="lr 10: leaves the picture"))
        else:
            left.plot(*numerical.T, **line(index, label=f"lr {lr:g}"))
        for path, ls, what in ((numerical, "-", "numerical"), (exact, "--", "exact")):
            distance = np.linalg.norm(path, axis=1)
            right.plot(distance, **line(index, markevery=10, ls=ls, label=f"lr {lr:g}, {what}"))
    left.set(xlabel="x0", ylabel="x1", xlim=(-4, 4), ylim=(-1.5, 5), aspect="equal")
    left.legend(loc="lower left", fontsize=8)
    right.set(xlabel="step", ylabel="distance from the lowest point", yscale="log")
    right.legend(fontsize=8)
    return figure


def draw_errors(errors: dict[str, Array]) -> Figure:
    """Truncation on the right, rounding on the left, and the best h between them."""
    title = "Numerical derivative of eˣ on [0, 2], float64: which h?"
    figure, axes = new_figure(title, width=7)
    h = errors["h"]
    for index, (name, label) in enumerate(
        (("forward", "(f(x + h) − f(x)) / h"), ("central", "(f(x + h) − f(x − h)) / 2h"))
    ):
        axes.plot(h, errors[name], **line(index, label=label))
    axes.plot(h, h / 2, color="#999999", ls="--", lw=1, label="truncation: h/2, h²/6")
    axes.plot(h, h**2 / 6, color="#999999", ls="--", lw=1)
    rounding = np.finfo(np.float64).eps / h
    axes.plot(h, rounding, color="#000000", ls=":", lw=1, label="rounding: ε/h")
    axes.axvline(1e-4, color=COLOURS[2], lw=1, label="h = 1e-4, the course's")
    axes.set(xscale="log", yscale="log", xlabel="h", ylabel="relative error", ylim=(1e-13, 2))
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


EXPERIMENT = Experiment(
    number=5,
    name="gradient-descent",
    title="Gradient descent: learning rates, numerical and exact gradients",
    run=run,
    seconds=(1, 1),
    needs_data=False,
)
