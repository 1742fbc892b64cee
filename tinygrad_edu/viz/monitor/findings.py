"""What a monitor complains of, and from where on.

Each limit is far outside of what networks that learn show, and far inside of what the failure that
it is named for shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isnan, log10
from typing import NamedTuple

import numpy as np

from ..tables import one_line
from .log import Layer

__all__ = ["find_warnings"]

#: Of the recorded steps so many of the last are looked at: one batch may be an exception.
WINDOW = 20
#: Half of the units: then the layer is as if it had half its width. With He's weights about 5 % of
#: ReLUs are dead; of the few channels of a first convolution sometimes a third.
DEAD = 0.5
#: Fewer samples say nothing: half of all ReLUs are 0 for a single one.
SAMPLES = 100
#: Half of the values of a layer inside the network, where less than 5 % of the gradient passes.
#: (The last layer of a network that decides between two classes does well to saturate.)
SATURATED = 0.5
#: Gradient norms of layers that learn together differ by ten, not by a hundred: with the same
#: learning rate one of the two stands still or leaps.
DEPTH = 1e-2
#: A gradient that grows by so much has not vanished for good.
GROWN = 10
#: A change of weights by 10⁻³ in each step is a rule of thumb. With a fifth, the network is another
#: one every few steps.
LARGE = 0.2
#: Below 10⁻⁵ in all steps, a hundred thousand would be needed to learn something else. (Networks
#: that have learnt also change little; but not from the beginning.)
SMALL = 1e-5
#: So many steps before anything is said on updates: at first they are large, or warmed up. And so
#: many of the first, in which gradients may vanish that later are all alike: a network that gives
#: one answer to everything has no gradient left to compare.
STEPS = 10


def find_warnings(steps: Sequence[int], layers: Sequence[Layer]) -> list[str]:
    """Sentences on what is wrong, the gravest first."""
    nonfinite = _nonfinite(steps, layers)
    if nonfinite:
        return nonfinite  # All else follows from it.
    return [*_depth(steps, layers), *_dead(layers), *_saturated(layers), *_updates(steps, layers)]


def _name(layer: Layer) -> str:
    if layer.is_input or not layer.path:
        return one_line(layer.path) or "the model"
    return f"layer {one_line(layer.path)}"


def _recent(figure: Sequence[float]) -> float:
    """The median of the last steps; nan if nothing was measured."""
    values = np.asarray(figure[-WINDOW:], float)
    values = values[~np.isnan(values)]
    return float(np.median(values)) if values.size else float("nan")


def _nonfinite(steps: Sequence[int], layers: Sequence[Layer]) -> list[str]:
    for at, step in enumerate(steps):
        for layer in layers:
            if layer.nonfinite[at] > 0:
                return [
                    f"{_name(layer)}: values are NaN or infinite, for the first time in step {step}"
                ]
        # Gradients come from the end.
        for layer in reversed(layers):
            if inf in (layer.grad[at], layer.output_grad[at]):
                return [
                    f"{_name(layer)}: the gradient is NaN or infinite, for the first time in step "
                    f"{step}"
                ]
    return []


class _Span(NamedTuple):
    """How far gradient norms differ between two layers."""

    ratio: float  # the earlier one's over the later one's
    early: Layer
    late: Layer

    def sentence(self, when: str) -> str:
        fate = "vanishing" if self.ratio < 1 else "exploding"
        change = (
            f"falls by {_power(self.ratio)}" if self.ratio < 1 else f"rises by {_power(self.ratio)}"
        )
        if not self.ratio:
            change = "falls to 0"
        return (
            f"gradient norm {change} from {one_line(self.late.path)} to "
            f"{one_line(self.early.path)}{when}: {fate}"
        )


def _depth(steps: Sequence[int], layers: Sequence[Layer]) -> list[str]:
    """The gradients of layers with weights: how they change from the last to the first."""
    weighty = [layer for layer in layers if layer.has_weights]
    found = _spans([(layer, _recent(layer.grad)) for layer in weighty])
    if found or len(steps) <= STEPS:
        return [span.sentence("") for span in found]
    early = _spans([(layer, _recent(layer.grad[:STEPS])) for layer in weighty])
    when = f" in the first {STEPS} recorded steps"
    return [span.sentence(when) for span in early if span.ratio > 1 or not _grew(span.early)]


def _grew(layer: Layer) -> bool:
    """Whether a gradient that was small at first came through later: then the network learns."""
    later = np.asarray(layer.grad[STEPS:], float)
    return bool((later > GROWN * _recent(layer.grad[:STEPS])).any())


def _spans(norms: list[tuple[Layer, float]]) -> list[_Span]:
    """The first layer against any later one: vanishing. Any layer against the last: exploding.

    Layers in between may have small gradients alone: a branch beside a skip connection that starts
    at 0, the queries and keys of an attention.
    """
    norms = [(layer, value) for layer, value in norms if not isnan(value)]
    if len(norms) < 2:
        return []
    first, last = norms[0], norms[-1]
    largest = max(norms[1:], key=lambda each: each[1])
    found = []
    if largest[1] and first[1] / largest[1] < DEPTH:
        found.append(_Span(first[1] / largest[1], first[0], largest[0]))
    largest = max(norms[:-1], key=lambda each: each[1])
    if last[1] and largest[1] / last[1] > 1 / DEPTH:
        found.append(_Span(largest[1] / last[1], largest[0], last[0]))
    return found


def _dead(layers: Sequence[Layer]) -> list[str]:
    found = []
    reported = False  # since the last layer with weights: what is 0 stays 0 in a pooling behind
    for layer in layers:
        reported = reported and not layer.has_weights
        share = layer.dead[-1]
        if layer.kind.startswith("Dropout") or layer.samples < SAMPLES or not share > DEAD:
            continue
        if not reported:
            found.append(f"{_name(layer)}: {100 * share:.0f} % of units are dead")
        reported = True
    return found


def _saturated(layers: Sequence[Layer]) -> list[str]:
    last = max((i for i, layer in enumerate(layers) if layer.has_weights), default=0)
    return [
        f"{_name(layer)}: {100 * share:.0f} % of values are saturated"
        for layer in layers[:last]
        if (share := _recent(layer.saturated)) > SATURATED
    ]


def _updates(steps: Sequence[int], layers: Sequence[Layer]) -> list[str]:
    if len(steps) < STEPS:
        return []
    found = []
    weighty = [layer for layer in layers if layer.has_weights]
    later = 3 * len(steps) // 4  # RMSprop begins with steps ten times as large.
    large = [
        (value, layer) for layer in weighty if (value := _recent(layer.update[later:])) > LARGE
    ]
    if large:
        worst = max(value for value, _ in large)
        found.append(
            f"updates of {_list([layer for _, layer in large])} are {100 * worst:.0f} % of the "
            "weights in a step: too large"
        )
    small = []
    for layer in weighty:
        known = [value for value in layer.update if not isnan(value)]
        if len(known) >= STEPS and max(known) < SMALL:
            small.append((max(known), layer))
    if small:
        most = max(value for value, _ in small)
        size = f"at most {_power(most)} of the weights" if most else "0"
        found.append(
            f"updates of {_list([layer for _, layer in small])} are {size} in a step: too small"
        )
    return found


def _list(layers: Sequence[Layer]) -> str:
    """Names of layers; of many, the first two."""
    names = [one_line(layer.path) or "the model" for layer in layers]
    if len(names) > 3:
        names = [*names[:2], f"{len(names) - 2} more layers"]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _power(value: float) -> str:
    """A power of ten, as one writes it."""
    digits = str(round(log10(value))) if 0 < value < inf else "∞"
    return "10" + digits.translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
