"""Figures of a training, by matplotlib: learning curves and predictions. No display is needed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..tensor import Tensor
from .tables import one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..training import History

__all__ = ["plot_history", "plot_predictions"]

# Okabe and Ito's colours, which the common forms of colour blindness tell apart.
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#999999"


def make_figure(width: float, height: float) -> Any:
    """An empty matplotlib figure of this size in inches; ImportError says what to install."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError(
            'Figures need matplotlib: pip install "tinygrad_edu[course]" or pip install matplotlib.'
        ) from None
    return Figure(figsize=(width, height), dpi=120, layout="constrained")


def plot_history(history: History, title: str = "Training") -> Figure:
    """Curves of a training: the loss, with that of every batch behind it, and each metric.

    Returns a matplotlib Figure: `.savefig("curves.png")`. Raises ValueError for an empty history,
    ImportError without matplotlib.

    >>> from tinygrad_edu.training import History
    >>> rows = [{"epoch": 1, "train_loss": 0.7, "train_accuracy": 0.8, "seconds": 0.1}]
    >>> figure = tg.viz.plot_history(History(rows, [0.9, 0.5]))
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['loss', 'accuracy']
    """
    if not len(history):
        raise ValueError("The history is empty: no epoch was finished, so there is no curve.")
    names = [key.removeprefix("train_") for key in history.epochs[0] if key.startswith("train_")]
    figure = titled(4.5 * len(names), 3.8, title)
    for axes, name in zip(np.atleast_1d(figure.subplots(1, len(names))), names, strict=True):
        for part, colour, marker in (("train", BLUE, "o"), ("test", ORANGE, "s")):
            points = [
                (row["epoch"], row[f"{part}_{name}"])
                for row in history.epochs
                if f"{part}_{name}" in row
            ]
            if points:
                axes.plot(*zip(*points, strict=True), color=colour, marker=marker, ms=4, label=part)
        if name == "loss" and history.batch_losses:
            _plot_batches(axes, history)
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_ylabel(name)
        axes.grid(alpha=0.3)
        axes.legend()
    return figure  # type: ignore[no-any-return]


def _plot_batches(axes: Any, history: History) -> None:
    """The loss of every batch; those of epoch e lie between e - 1 and e."""
    losses = np.asarray(history.batch_losses)
    where = np.arange(1, len(losses) + 1) * (len(history) / len(losses))
    axes.plot(where, losses, color=GREY, lw=0.5, alpha=0.6, zorder=1, label="every batch")
    finite = losses[np.isfinite(losses) & (losses > 0)]
    if len(finite) == len(losses) and finite.max() > 20 * np.median(finite[-len(finite) // 4 :]):
        axes.set_yscale("log")


def plot_predictions(
    images: Tensor,
    labels: Tensor,
    predicted: Tensor,
    columns: int = 8,
    title: str = "Predictions",
    *,
    probabilities: Tensor | None = None,
    classes: Sequence[object] | None = None,
) -> Figure:
    """A grid of images (N, H, W) or (N, 1, H, W), each with its predicted and its true label.

    Wrong predictions stand out in colour and type. With `probabilities` (N, C) those of both
    classes are written beside them; `classes` are names instead of numbers. Returns a matplotlib
    Figure. Raises ValueError unless there is one label and one prediction for each image,
    ImportError without matplotlib.

    >>> images = tg.rand(3, 8, 8)
    >>> figure = tg.viz.plot_predictions(images, tg.tensor([1, 2, 3]), tg.tensor([1, 2, 5]))
    >>> figure.axes[0].texts[2].get_text()
    'predicted 5\\ntrue 3'
    """
    pixels = images.array
    if pixels.ndim == 4 and pixels.shape[1] == 1:
        pixels = pixels[:, 0]
    if pixels.ndim != 3 or not len(pixels):
        raise ValueError(
            "plot_predictions takes at least one grey image, shape (N, H, W) or (N, 1, H, W); got "
            f"{images.shape}."
        )
    if not labels.shape == predicted.shape == (len(pixels),):
        raise ValueError(
            f"plot_predictions takes one label and one prediction for each of {len(pixels)} "
            f"images; got shapes {labels.shape} and {predicted.shape}."
        )
    if columns < 1:
        raise ValueError(f"columns is 1 or more; got {columns}.")
    check_probabilities("plot_predictions", probabilities, len(pixels))
    rows = -(-len(pixels) // columns)
    figure = titled(1.2 * columns, 1.6 * rows + 0.4, title)
    # All images in one pair of axes: forty pairs would take a second to lay out.
    axes = figure.subplots()
    axes.set_axis_off()
    samples = zip(pixels, labels.tolist(), predicted.tolist(), strict=True)
    for index, (image, label, guess) in enumerate(samples):
        row, column = divmod(index, columns)
        left, top = 1.2 * column, -1.6 * row
        axes.imshow(image, cmap="gray_r", extent=(left, left + 1, top - 1.5, top - 0.5))
        right = label == guess
        lines = []
        for kind, number in (("predicted", guess), ("true", label)):
            name = str(number if classes is None else class_name(classes, number))
            if probabilities is not None:
                # "predicted" would leave no room for the number.
                share = f"{probabilities.array[index, number]:.0%}"
                lines.append(f"{kind[:4]} {one_line(name, 9)}: {share}")
            else:
                lines.append(f"{kind} {one_line(name, 14)}")
        text = "\n".join(lines)
        axes.text(
            left + 0.5,
            top - 0.45,
            **written(text),
            ha="center",
            color="black" if right else ORANGE,
            fontsize=8 if max(map(len, lines)) <= 14 else 6.5,
            # Fonts for East Asia often have one weight alone.
            fontweight="normal" if right or not text.isascii() else "bold",
        )
    axes.set_xlim(-0.1, 1.2 * columns - 0.1)
    axes.set_ylim(-1.6 * rows, 0)
    return figure  # type: ignore[no-any-return]


def check_probabilities(name: str, probabilities: Tensor | None, count: int) -> None:
    """ValueError unless there is a row of probabilities for each sample, or None."""
    if probabilities is not None and (probabilities.ndim != 2 or len(probabilities) != count):
        raise ValueError(
            f"{name}: the probabilities have the shape ({count}, C), a row for each sample; got "
            f"{probabilities.shape}."
        )


def class_name(classes: Sequence[object], number: int) -> object:
    """The name of a class; ValueError says that there are not enough names."""
    if not 0 <= number < len(classes):
        raise ValueError(f"There is no name for class {number}: `classes` has {len(classes)}.")
    return classes[number]


def titled(width: float, height: float, title: str) -> Any:
    """An empty figure with a title over it."""
    figure = make_figure(width, height)
    title = "\n".join(one_line(line, 110) for line in title.splitlines())
    figure.suptitle(**written(title, "t"), fontsize=11)
    return figure


# Files of fonts with Japanese and Chinese characters, on Linux, macOS and Windows.
_FALLBACKS = re.compile(
    r"(ipag|ipagp|NotoSans(Mono)?CJK.*Regular.*|NotoSansJP.*|TakaoP?Gothic|Hiragino Sans GB|"
    r"ヒラギノ角ゴシック W3|YuGothM|meiryo|msgothic|wqy-.*)\.(tt|ot)[fc]",
    re.IGNORECASE,
)


@cache
def _fonts() -> dict[str, Any]:
    """matplotlib's own font and one for East Asia, if there is one, by the name of the family."""
    from matplotlib.font_manager import FontProperties, findSystemFonts, fontManager, get_font

    own = get_font(fontManager.findfont(FontProperties()))
    fonts = {own.family_name: own}
    for path in sorted(findSystemFonts()):
        if _FALLBACKS.fullmatch(os.path.basename(path)):
            font = get_font(path)
            # matplotlib's list of fonts may be older than this one.
            if font.family_name not in fontManager.get_font_names():
                fontManager.addfont(path)
            return {**fonts, font.family_name: font}
    return fonts


def written(text: str, name: str = "s") -> dict[str, Any]:
    """The arguments that write a text of the user's as it is: no formula, no missing characters.

    `name` is that of the argument which holds the text itself. What no font has is replaced.
    """
    options: dict[str, Any] = {name: text, "parse_math": False}
    if not text.isascii():
        fonts = _fonts()
        options["fontfamily"] = list(fonts)
        options[name] = "".join(
            each
            if each == "\n" or any(font.get_char_index(ord(each)) for font in fonts.values())
            else "\N{REPLACEMENT CHARACTER}"
            for each in text
        )
    return options


def name_ticks(set_labels: Callable[..., Any], names: Sequence[str], **options: Any) -> None:
    """Label an axis with texts of the user's; `set_labels` is its method, `set_xticklabels`."""
    texts = [written(name, "text") for name in names]
    # The axis keeps the texts that it is given here, and writes them again.
    for tick, text in zip(set_labels([each["text"] for each in texts]), texts, strict=True):
        tick.set(**text, **options)
