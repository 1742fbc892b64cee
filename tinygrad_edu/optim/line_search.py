"""Line search: how far to go along a direction in which the loss falls."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan, nan, sqrt
from typing import NamedTuple

import numpy as np

from ..autograd.graph import Array

__all__ = ["Trial", "strong_wolfe"]


class Trial(NamedTuple):
    """A step t along d: the loss f and the gradient g at x + t d, and the slope g·d there."""

    t: float
    f: float
    g: Array
    slope: float


def strong_wolfe(
    at: Callable[[float], tuple[float, Array]],
    d: Array,
    start: Trial,
    t: float,
    max_iter: int,
    tolerance_change: float,
    c1: float = 1e-4,
    c2: float = 0.9,
) -> tuple[Trial, int]:
    """A step that satisfies the strong Wolfe conditions, and the number of evaluations it took.

    f(t) <= f(0) + c1 t f'(0)   the loss has fallen enough
    |f'(t)| <= c2 |f'(0)|       and it is nearly flat here

    First the step grows until it has gone too far; then the interval is narrowed, both by cubic
    interpolation. After `max_iter` trials the best so far is returned. Source: Nocedal and Wright
    2006, algorithms 3.5 and 3.6.
    """

    def trial(t: float) -> Trial:
        f, g = at(t)
        return Trial(t, f, g, float(g @ d))

    def too_high(new: Trial) -> bool:
        return new.f > start.f + c1 * new.t * start.slope

    def flat(new: Trial) -> bool:
        return abs(new.slope) <= -c2 * start.slope

    previous, new = start, trial(t)
    count = 0
    while count < max_iter:
        if too_high(new) or (count > 1 and new.f >= previous.f):
            break
        if flat(new):
            return new, count + 1
        if new.slope >= 0:
            break
        low = new.t + 0.01 * (new.t - previous.t)
        previous, new = new, trial(cubic_minimum(previous, new, low, new.t * 10))
        count += 1
    else:
        return min(start, new, key=lambda trial: trial.f), count + 1

    ends = [previous, new]
    best = _lower(ends)
    largest = float(np.abs(d).max(initial=0))
    stalled = False  # the last minimum lay near an end; a second time the step is moved inwards
    while count < max_iter:
        left, right = sorted(end.t for end in ends)
        if (right - left) * largest < tolerance_change or left == right:
            break
        t = cubic_minimum(ends[0], ends[1], left, right)
        margin = 0.1 * (right - left)
        near_end = min(right - t, t - left) < margin
        if near_end and (stalled or t >= right or t <= left):
            t = right - margin if right - t < t - left else left + margin
            near_end = False
        stalled = near_end
        new = trial(t)
        count += 1
        if too_high(new) or new.f >= ends[best].f:
            ends[1 - best] = new
            best = _lower(ends)
            continue
        if flat(new):
            return new, count + 1
        if new.slope * (ends[1 - best].t - ends[best].t) >= 0:
            ends[1 - best] = ends[best]
        ends[best] = new
    return ends[best], count + 1


def _lower(ends: list[Trial]) -> int:
    return 0 if ends[0].f <= ends[1].f else 1


def cubic_minimum(a: Trial, b: Trial, low: float, high: float) -> float:
    """The minimum in [low, high] of the cubic with the values and slopes of f at a.t and b.t.

    The middle of the interval where the cubic has none. Source: Nocedal and Wright 2006, (3.59).
    """
    if a.t > b.t:
        a, b = b, a
    d1 = a.slope + b.slope - 3 * (a.f - b.f) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    d2 = sqrt(square) if square >= 0 else nan
    below = b.slope - a.slope + 2 * d2
    t = b.t - (b.t - a.t) * (b.slope + d2 - d1) / below if below else nan
    return (low + high) / 2 if isnan(t) else min(max(t, low), high)
