"""Likely causes of a wrong gradient: each is named only if it explains the numbers.

A cause is a claim about what was returned: "the expected gradient, transposed", "the derivative at
the output". It has to hold within the tolerance for all inputs and all incoming gradients that were
tried.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from ..autograd.gradcheck import Tolerance
from ..autograd.graph import TensorBase
from .replays import Answer, Replay, is_float
from .report import Finding, number

__all__ = ["TOLERANCE", "Sample", "as_array", "explain"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

#: Central differences are right to about 1e-9; an error of 0.1 % in a rule is found.
TOLERANCE = Tolerance(atol=1e-6, rtol=1e-5, scaled=True)


class Sample:
    """One set of arguments: results, numerical slopes, and what backward answered, twice."""

    def __init__(self, replay: Replay, results: Sequence[Array], chosen: Sequence[int]) -> None:
        self.replay = replay
        self.arguments = replay.arguments
        self.results = results
        self.chosen = list(chosen)
        self.floats = [place for place, x in enumerate(self.arguments) if is_float(x)]
        self.weights = [self._weights(seed) for seed in (20, 21)]
        self._slopes: dict[int, tuple[Array, Array, Array]] = {}
        self.got: list[list[Array | None]] = []  # by pass and argument

    def _weights(self, seed: int) -> dict[int, Array]:
        generator = np.random.default_rng(seed)
        weights = {}
        for place in self.chosen:
            shape = self.results[place].shape
            sign = generator.choice(np.array([-1.0, 1.0]), shape)
            weights[place] = np.asarray(generator.uniform(0.5, 1.5, shape) * sign)
        return weights

    def flat_weights(self, turn: int) -> Array:
        """The incoming gradients of one pass, one after the other."""
        return np.concatenate([self.weights[turn][place].reshape(-1) for place in self.chosen])

    def slopes(self, place: int) -> tuple[Array, Array, Array]:
        """The Jacobians of `Replay.slopes`."""
        if place not in self._slopes:
            self._slopes[place] = self.replay.slopes(place, self.chosen)
        return self._slopes[place]

    def expected(self, place: int, turn: int) -> Array:
        """The numerical gradient of one argument in one pass."""
        return self._product(self.slopes(place)[0], place, self.flat_weights(turn))

    def _product(self, jacobian: Array, place: int, weights: Array) -> Array:
        gradient: Array = (weights @ jacobian).reshape(self.arguments[place].shape)
        return gradient

    def accepts(self, place: int, turn: int, gradient: Array) -> Array:
        """Which elements are right: at a kink, all between the slopes on either side."""
        expected, weights = self.expected(place, turn), self.flat_weights(turn)
        _, left, right = (self._product(each, place, weights) for each in self.slopes(place))
        limit = TOLERANCE.limit(expected)
        near = np.abs(gradient - expected) <= limit
        low, high = np.minimum(left, right) - limit, np.maximum(left, right) + limit
        return np.asarray(near | ((low <= gradient) & (gradient <= high)))

    def kinks(self, place: int) -> int:
        """How many elements of an argument are at a kink of the function."""
        _, left, right = self.slopes(place)
        # Curvature makes the two differ by a step of 6e-6 times it.
        jump = np.abs(left - right) > 1e-2 * np.maximum(1, np.abs(left) + np.abs(right))
        return int(jump.any(axis=0).sum())

    def elsewhere(self, place: int, value: Array, turned: int) -> Callable[[int], Array | None]:
        """The numerical gradient of argument `place` where argument `turned` is `value`."""
        arguments = list(self.arguments)
        arguments[turned] = value
        replay = Replay(self.replay.function, arguments, self.replay.state)
        try:
            jacobian = replay.slopes(place, self.chosen)[0]
        except Exception:  # noqa: BLE001 - a learner's forward that cannot be asked there
            return lambda _: None
        if jacobian.shape != self.slopes(place)[0].shape:
            return lambda _: None
        return lambda turn: self._product(jacobian, place, self.flat_weights(turn))

    def own_shape(self, place: int) -> bool:
        """Whether there is one result, of the shape of this argument."""
        alone = len(self.chosen) == 1
        return alone and self.results[self.chosen[0]].shape == self.arguments[place].shape


def as_array(answer: Any, place: int) -> Array | None:
    """The gradient of one argument among what backward returned, as an array if it is a number."""
    parts = answer if isinstance(answer, (tuple, list)) else (answer,)
    part = parts[place] if place < len(parts) else None
    if isinstance(part, TensorBase):
        part = part.array
    if isinstance(part, (np.ndarray, np.generic, float, int)):
        array = np.asarray(part)
        return array.astype(np.float64) if array.dtype.kind in "fiub" else None
    return None


def _close(x: Array, y: Array) -> bool:
    """Whether x is y, within the tolerance."""
    if x.shape != y.shape or not np.isfinite(x).all():
        return False
    return bool((np.abs(x - y) <= 2 * TOLERANCE.limit(y)).all())


def explain(samples: Sequence[Sample], place: int, names: Sequence[str]) -> list[Finding]:
    """The causes that explain the gradients returned for one argument, which are wrong."""
    return _Explanation(samples, place, names).causes()


class _Explanation:
    def __init__(self, samples: Sequence[Sample], place: int, names: Sequence[str]) -> None:
        self.samples = samples
        self.place = place
        self.names = names
        self.name = names[place]
        self.turns = [(sample, turn) for sample in samples for turn in range(2)]

    def got(self, sample: Sample, turn: int) -> Array:
        gradient = sample.got[turn][self.place]
        assert gradient is not None
        return gradient

    def expected(self, sample: Sample, turn: int) -> Array:
        return sample.expected(self.place, turn)

    def is_always(self, claim: Callable[[Sample, int], Array | None]) -> bool:
        """Whether the claimed gradient is what was returned, every time, and not always zero."""
        some = False
        for sample, turn in self.turns:
            claimed = claim(sample, turn)
            if claimed is None or not _close(claimed, self.got(sample, turn)):
                return False
            some = some or bool(claimed.any())
        return some

    def becomes_right(self, mend: Callable[[Array, Array], Array | None]) -> bool:
        """Whether `mend(returned, expected)` is the expected gradient, every time."""
        some = False
        for sample, turn in self.turns:
            expected = self.expected(sample, turn)
            mended = mend(self.got(sample, turn), expected)
            if mended is None or not _close(mended, expected):
                return False
            some = some or bool(expected.any())
        return some

    def causes(self) -> list[Finding]:
        if not all(np.isfinite(self.got(*each)).all() for each in self.turns):
            return [Finding("not_finite", {})]
        found = [*self.exchanged(), *self.without_upstream(), *self.transposed()]
        if all(self.got(*each).shape == self.expected(*each).shape for each in self.turns):
            found += self.multiples()
            found += [] if found else self.elsewhere()
        else:
            found += [] if found else self.of_shape()
        return found or self.of_another()[:1]

    def of_another(self) -> list[Finding]:
        """Returned in another argument's place."""
        return [
            Finding("swapped", {"other": self.names[other]})
            for other in self.samples[0].floats
            if other != self.place and self.is_of(other)
        ]

    def is_of(self, other: int) -> bool:
        return self.is_always(lambda sample, turn: sample.expected(other, turn))

    def exchanged(self) -> list[Finding]:
        """Another argument got this one's in exchange: stronger than that some two are alike."""
        return [
            Finding("swapped", {"other": self.names[other]})
            for other in self.samples[0].floats
            if other != self.place
            and self.is_of(other)
            and all(sample.got[turn][other] is not None for sample, turn in self.turns)
            and _Explanation(self.samples, other, self.names).is_of(self.place)
        ]

    def without_upstream(self) -> list[Finding]:
        """Two passes with different incoming gradients gave the same."""
        for sample in self.samples:
            first, second = self.got(sample, 0), self.got(sample, 1)
            moved = not _close(self.expected(sample, 0), self.expected(sample, 1))
            if not (moved and first.any() and _close(first, second)):
                return []
        return [Finding("upstream", {})]

    def transposed(self) -> list[Finding]:
        dims = self.samples[0].arguments[self.place].ndim
        if not 2 <= dims <= 4:
            return []
        orders = list(itertools.permutations(range(dims)))[1:]
        return [
            Finding("transposed", {"order": order})
            for order in orders
            if self.is_always(
                lambda sample, turn, order=order: self.expected(sample, turn).transpose(order)  # type: ignore[misc]
            )
        ][:1]

    def of_shape(self) -> list[Finding]:
        """The numbers may be right in another shape."""
        sample = self.samples[0]
        got, expected = self.got(sample, 0), self.expected(sample, 0)
        if self.becomes_right(_reshaped):
            sizes = ", ".join(map(str, expected.shape)) if expected.ndim else "()"
            return [Finding("reshape", {"sizes": sizes})]
        for count in range(1, got.ndim + 1):
            for dims in itertools.combinations(range(got.ndim), count):
                if self.becomes_right(partial(_summed, dims=dims)):
                    call = _sum_call(got, expected, dims)
                    values = {"name": self.name, "dims": ", ".join(map(str, dims)), "call": call}
                    return [Finding("sum", values)]
        if self.becomes_right(_expanded):
            return [Finding("expand", {"name": self.name, "shape": expected.shape})]
        return []

    def multiples(self) -> list[Finding]:
        """The expected gradient, times something."""
        if not any(self.got(*each).any() for each in self.turns):
            return [Finding("zero", {})]
        if not any(self.expected(*each).any() for each in self.turns):
            return [Finding("independent", {"name": self.name})]
        factors = [self._factor(sample) for sample in self.samples]
        if any(factor is None for factor in factors):
            return []
        ratios = [factor for factor in factors if factor is not None]
        found = [Finding("sign", {})] if all(ratio < 0 for ratio in ratios) else []
        sizes = [abs(ratio) for ratio in ratios]
        if all(abs(size - 1) < 1e-4 for size in sizes):
            return found
        return found + self._named(sizes)

    def _factor(self, sample: Sample) -> float | None:
        got = np.concatenate([self.got(sample, turn).reshape(-1) for turn in range(2)])
        expected = np.concatenate([self.expected(sample, turn).reshape(-1) for turn in range(2)])
        square = float(expected @ expected)
        if not square:
            return None
        factor = float(got @ expected) / square
        close = np.abs(got - factor * expected) <= 2 * TOLERANCE.limit(expected)
        return factor if close.all() else None

    def _named(self, sizes: Sequence[float]) -> list[Finding]:
        """What a factor may be: a size of some dimension, or a constant."""
        found = []
        tables = [_sizes(sample, self.names) for sample in self.samples]
        for what in tables[0]:
            lengths = [table.get(what, 1) for table in tables]
            over = all(_is(size, length) for size, length in zip(sizes, lengths, strict=True))
            under = all(_is(size, 1 / length) for size, length in zip(sizes, lengths, strict=True))
            if min(lengths) > 1 and (over or under):
                values = {"factor": _written(sizes[0]), "size": lengths[0], "what": what}
                found.append(Finding("size", values))
                break
        constant = all(_is(size, sizes[0]) for size in sizes)
        # As a size it is better explained, unless it is as small as the constants of formulas.
        if found and not any(_is(sizes[0], n) or _is(sizes[0], 1 / n) for n in (2, 3, 4)):
            return found
        # One element alone is some multiple of anything.
        several = any(np.count_nonzero(self.expected(*each)) > 1 for each in self.turns)
        usual = _is(sizes[0], 2) or _is(sizes[0], 0.5)
        if constant and (several or usual):
            found.append(Finding("factor", {"factor": _written(sizes[0])}))
        return found

    def elsewhere(self) -> list[Finding]:
        """The derivative of something else, or taken at another place."""
        found = []
        if all(sample.own_shape(self.place) for sample in self.samples):
            size = self.samples[0].arguments[self.place].size
            if size > 1 and self.is_always(self._diagonal):
                found.append(Finding("diagonal", {"name": self.name}))
            at_output = {
                id(sample): sample.elsewhere(
                    self.place, sample.results[sample.chosen[0]], self.place
                )
                for sample in self.samples
            }
            if self.is_always(lambda sample, turn: at_output[id(sample)](turn)):
                found.append(Finding("at_output", {"name": self.name}))
            if not found and self._right_at_output():
                found.append(Finding("at_input", {"name": self.name}))
        return found or self._with_transposed_operand()

    def _diagonal(self, sample: Sample, turn: int) -> Array:
        shape = sample.arguments[self.place].shape
        own = np.diagonal(sample.slopes(self.place)[0]).reshape(shape)
        return np.asarray(own * sample.weights[turn][sample.chosen[0]])

    def _right_at_output(self) -> bool:
        """Whether the rule, given the result for its input, answers what is expected here."""
        for sample, turn in self.turns:
            arguments = list(sample.arguments)
            arguments[self.place] = sample.results[sample.chosen[0]]
            try:
                answer: Answer = sample.replay.backward(sample.weights[turn], arguments)
            except Exception:  # noqa: BLE001 - a learner's forward that cannot be asked there
                return False
            found = None if answer.error else as_array(answer.returned, self.place)
            if found is None or not _close(found, self.expected(sample, turn)):
                return False
        return True

    def _with_transposed_operand(self) -> list[Finding]:
        for other in self.samples[0].floats:
            shapes = [sample.arguments[other].shape for sample in self.samples]
            square = all(len(shape) == 2 and shape[0] == shape[1] > 1 for shape in shapes)
            if other == self.place or not square:
                continue
            claims = {
                id(sample): sample.elsewhere(self.place, sample.arguments[other].T, other)
                for sample in self.samples
            }
            if self.is_always(lambda sample, turn, claims=claims: claims[id(sample)](turn)):  # type: ignore[misc]
                return [Finding("operand", {"name": self.names[other]})]
        return []


def _summed(got: Array, expected: Array, dims: tuple[int, ...]) -> Array | None:
    summed = np.asarray(got.sum(axis=dims)) if max(dims) < got.ndim else got
    return summed.reshape(expected.shape) if summed.size == expected.size else None


def _sum_call(got: Array, expected: Array, dims: tuple[int, ...]) -> str:
    """How to write the sum that is missing."""
    written = dims[0] if len(dims) == 1 else dims
    if got.sum(axis=dims).shape == expected.shape:
        return f".sum(dim={written})"
    if got.sum(axis=dims, keepdims=True).shape == expected.shape:
        return f".sum(dim={written}, keepdim=True)"
    return f".sum(dim={written}).reshape({expected.shape})"


def _reshaped(got: Array, expected: Array) -> Array | None:
    return got.reshape(expected.shape) if got.size == expected.size else None


def _expanded(got: Array, expected: Array) -> Array | None:
    try:
        return np.broadcast_to(got, expected.shape)
    except ValueError:
        return None


def _sizes(sample: Sample, names: Sequence[str]) -> dict[str, int]:
    """The sizes that a mean may have divided by, as they are written; a batch comes first."""
    arrays = [(names[place], sample.arguments[place]) for place in sample.floats]
    arrays += [("result", sample.results[place]) for place in sample.chosen]
    sizes = {f"{name}.shape[0]": array.shape[0] for name, array in arrays if array.ndim}
    for name, array in arrays:
        sizes |= {f"{name}.shape[{dim}]": size for dim, size in enumerate(array.shape)}
        sizes[f"{name}.numel()"] = array.size
    return sizes


def _is(x: float, y: float) -> bool:
    return abs(x - y) <= 1e-4 * abs(y)


def _written(factor: float) -> str:
    """A factor as people write it: 3, 1/4, 0.7071."""
    if _is(factor, max(1, round(factor))):
        return str(round(factor))
    if _is(1 / factor, round(1 / factor)):
        return f"1/{round(1 / factor)}"
    return number(round(factor, 6))
