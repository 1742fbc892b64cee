"""What a monitor keeps: figures of each layer at each recorded step, and how they are computed."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import gcd, inf, isfinite, nan, sqrt
from typing import NamedTuple

import numpy as np

from ...autograd.graph import Array, wrap
from ...ops import reductions
from ...tensor import Tensor

__all__ = ["Histogram", "Layer", "ParameterLog", "Tally", "norm"]

#: A unit is dead that was 0 for every one of so many samples, ten batches of a hundred.
DEAD_SAMPLES = 1000

# Where the slope of a sigmoid is below 5 % of its steepest: this share of the interval (0, 1) at
# either end. tanh(x) = 2 σ(2x) - 1 has the same share of (-1, 1).
_NEAR = (1 - sqrt(0.95)) / 2
#: The intervals of bounded activations, by the names of their modules and operations.
INTERVALS = {"Sigmoid": (0.0, 1.0), "Hardsigmoid": (0.0, 1.0), "Tanh": (-1.0, 1.0)}
INTERVALS["Hardtanh"] = INTERVALS["Tanh"]


class Histogram(NamedTuple):
    """How the values of one step are spread: counts in bins of equal width from low to high."""

    step: int
    counts: Array
    low: float
    high: float

    @property
    def edges(self) -> Array:
        """The ends of the bins: one more than there are bins."""
        return np.linspace(self.low, self.high, len(self.counts) + 1)


@dataclass
class ParameterLog:
    """A parameter at each recorded step.

    `grad` is the norm of its gradient: nan where there was none, inf if it was not finite. `update`
    is the norm of its change in this step over its norm before.
    """

    grad: list[float] = field(default_factory=list)
    update: list[float] = field(default_factory=list)


@dataclass
class Layer:
    """A layer at each recorded step; all lists have one entry for each of `Monitor.steps`.

    What was not measured is nan: the saturation of a layer without limits, say.
    """

    path: str
    kind: str  # the name of its class, or of the operation if no module stands for it
    has_weights: bool = False  # parameters with two or more dimensions
    is_input: bool = False  # what the next layer takes, computed without a layer
    mean: list[float] = field(default_factory=list)  # of the values that it returned
    std: list[float] = field(default_factory=list)
    dead: list[float] = field(default_factory=list)  # the share of units that are always 0
    saturated: list[float] = field(default_factory=list)  # the share of values near a limit
    nonfinite: list[float] = field(default_factory=list)  # the number of NaN and infinite values
    output_grad: list[float] = field(default_factory=list)  # norm of the gradient of the output
    grad: list[float] = field(default_factory=list)  # of all parameters of the layer together
    update: list[float] = field(default_factory=list)  # their change over their size
    histograms: list[Histogram] = field(default_factory=list)
    samples: int = 0  # how many were seen
    zero_for: Array | None = None  # samples since each unit was last different from 0

    def record(self, tally: Tally | None) -> None:
        """Add the figures of one step's activations."""
        if tally is None:
            values = [nan] * 6
        else:
            spread = sqrt(tally.squares / (tally.count - 1)) if tally.count > 1 else nan
            values = [
                tally.mean if tally.count else nan,
                spread,
                self._dead(tally),
                tally.saturated / tally.count if tally.count and tally.bounded else nan,
                float(tally.nonfinite),
                sqrt(sum(each * each for each in tally.grads)) if tally.grads else nan,
            ]
        figures = (self.mean, self.std, self.dead, self.saturated, self.nonfinite, self.output_grad)
        for figure, value in zip(figures, values, strict=True):
            figure.append(value)

    def _dead(self, tally: Tally) -> float:
        if tally.alive is None:
            return nan
        if self.zero_for is None or self.zero_for.shape != tally.alive.shape:
            self.zero_for = np.zeros(tally.alive.shape, int)
            self.samples = 0
        self.zero_for = np.where(tally.alive, 0, self.zero_for + tally.samples)
        self.samples += tally.samples
        return float(np.mean(self.zero_for >= min(self.samples, DEAD_SAMPLES)))


class Tally:
    """The values that one layer returns in one step, possibly in several calls."""

    def __init__(self) -> None:
        self.count = 0
        self.mean = 0.0
        self.squares = 0.0  # of the deviations from the mean, summed
        self.nonfinite = 0
        self.saturated = 0
        self.bounded = False
        self.samples = 0
        self.alive: Array | None = None  # for each unit, whether it was ever different from 0
        self.grads: list[float] = []
        self.histogram: tuple[Array, float, float] | None = None

    def add(self, values: Array, unit: int | None, interval: tuple[float, float] | None) -> Array:
        """Count values whose units lie along one dimension; returns those that are finite, flat."""
        flat = values.ravel("K")
        if not flat.size:
            return flat
        self._add_units(values, unit)
        with np.errstate(all="ignore"):
            mean = float(flat.mean(dtype=np.float64))
            if not isfinite(mean):
                flat = flat[np.isfinite(flat)]
                self.nonfinite += values.size - flat.size
                mean = float(flat.mean(dtype=np.float64)) if flat.size else 0.0
            deviation = flat - flat.dtype.type(mean)
            squares = float(np.dot(deviation, deviation))
        # The means and sums of squares of two parts make those of the whole (Chan et al. 1979).
        total = self.count + flat.size
        if total:
            difference = mean - self.mean
            self.squares += squares + difference**2 * self.count * flat.size / total
            self.mean += difference * flat.size / total
            self.count = total
        if interval is not None:
            low, high = interval
            near = _NEAR * (high - low)
            self.bounded = True
            self.saturated += int(
                np.count_nonzero(np.abs(flat - (low + high) / 2) > (high - low) / 2 - near)
            )
        return flat

    def _add_units(self, values: Array, unit: int | None) -> None:
        self.samples += len(values) if values.ndim else 1
        others = tuple(i for i in range(values.ndim) if i != unit)
        alive = np.asarray(values.any(axis=others))
        if self.alive is not None and self.alive.shape == alive.shape:
            alive = alive | self.alive
        self.alive = alive

    def add_grad(self, grad: Tensor) -> None:
        """A hook for the output: note the norm of its gradient."""
        self.grads.append(norm(grad.array))

    def take_histogram(
        self, flat: Array, bins: int, limits: tuple[float, float] | None, most: int
    ) -> None:
        """How the values are spread; of many, a sample of at most so many."""
        if not flat.size:
            return
        stride = -(-flat.size // most)
        # Not a divisor of the size: it would pick the same units of every sample.
        while stride > 1 and gcd(stride, flat.size) > 1:
            stride += 1
        sample = flat[::stride].astype(np.float64)  # in which no difference overflows
        low, high = limits or (float(sample.min()), float(sample.max()))
        if not low < high:
            low, high = low - 0.5, high + 0.5
        if limits:
            sample = sample[(low <= sample) & (sample <= high)]
        # np.histogram, which also takes bins of unequal width, needs three times as long.
        places = ((sample - low) * (bins / (high - low))).astype(np.intp)
        counts = np.bincount(np.minimum(places, bins - 1), minlength=bins)
        self.histogram = (counts, low, high)


def norm(array: Array) -> float:
    """The square root of the sum of squares, as `Tensor.norm` has it; inf if it is not finite."""
    value = float(reductions.norm(wrap(array)).array)
    if not 1e-15 < value < inf:
        # Squares of float32 leave their range where the numbers themselves do not.
        with np.errstate(all="ignore"):
            value = float(np.linalg.norm(array.astype(np.float64)))
    return value if isfinite(value) else inf
