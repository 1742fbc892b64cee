"""Running a learner's Function again and again: its values, its slopes, its backward.

Arguments are arrays (they become fresh tensors for every run, so that no run can spoil the next) or
anything else, which is passed on. Random numbers are the same in every run.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from ..autograd import differentiate
from ..autograd.function import Function, FunctionCtx
from ..autograd.graph import TensorBase, wrap
from ..autograd.mode import switched
from ..random import fork_rng, get_rng_state, set_rng_state

__all__ = ["Answer", "Replay", "is_float", "run_forward"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

# Balances the rounding error of a central difference in float64 against its truncation error.
_STEP = 6e-6


def is_float(x: object) -> bool:
    """Whether an argument is an array that can be differentiated."""
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


@dataclass
class Answer:
    """What a learner's backward did, once."""

    called: bool = False
    returned: Any = None
    error: Exception | None = None
    printed: str = ""
    saved: int = 0  # tensors that forward kept with ctx.save_for_backward
    spoilt: list[int] = field(default_factory=list)  # arguments changed; -1 a result, -2 a gradient


class Replay:
    """A Function on some arguments, with the random numbers that its first run drew."""

    def __init__(
        self, function: type[Function], arguments: Sequence[Any], state: dict[str, Any] | None
    ) -> None:
        self.function = function
        self.arguments = list(arguments)
        self.state = get_rng_state() if state is None else state

    def _tensors(self, arguments: Sequence[Any]) -> list[Any]:
        return [wrap(np.array(x)) if isinstance(x, np.ndarray) else x for x in arguments]

    def _leaves(self, arguments: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """Leaves for the floating arguments, and copies of them, which forward may change."""
        leaves = self._tensors(arguments)
        for tensor, x in zip(leaves, arguments, strict=True):
            if is_float(x):
                tensor.needs_grad = True
        copies = [x.clone() if isinstance(x, TensorBase) else x for x in leaves]  # type: ignore[attr-defined]
        return [x for x, y in zip(leaves, arguments, strict=True) if is_float(y)], copies

    @contextlib.contextmanager
    def _same_randomness(self) -> Iterator[None]:
        with fork_rng(), np.errstate(all="ignore"):
            set_rng_state(self.state)
            yield

    def values(self, arguments: Sequence[Any] | None = None) -> list[Any]:
        """The results of forward, nothing recorded: arrays for tensors."""
        tensors = self._tensors(self.arguments if arguments is None else arguments)
        ctx = FunctionCtx()
        ctx.needs_input_grad = tuple(is_float(x) for x in self.arguments)
        with self._same_randomness(), switched(grad=False):
            answer = run_forward(self.function, ctx, tensors)
        results = answer if isinstance(answer, (tuple, list)) else [answer]
        return [x.array if isinstance(x, TensorBase) else x for x in results]

    def moved(self, place: int) -> Iterator[tuple[int, float, list[Any], list[Any]]]:
        """For each element of one argument: its number, a step, and the results one step on and
        one step back.
        """
        x = self.arguments[place]
        for number, value in enumerate(x.reshape(-1)):
            step = _STEP * max(1.0, abs(float(value)))
            found = []
            for way in (step, -step):
                arguments = list(self.arguments)
                arguments[place] = np.array(x, order="C")
                arguments[place].reshape(-1)[number] += way
                found.append(self.values(arguments))
            yield number, step, found[0], found[1]

    def vector_product(self, place: int, weights: Sequence[Array | None]) -> Array:
        """Σ weights · ∂results/∂argument, by central differences."""
        x = self.arguments[place]
        gradient = np.zeros(x.size)
        for number, step, high, low in self.moved(place):
            gradient[number] = sum(
                float(np.sum(weight * (up.astype(np.float64) - down))) / (2 * step)
                for weight, up, down in zip(weights, high, low, strict=True)
                if weight is not None and is_float(up)
            )
        return gradient.reshape(x.shape)

    def slopes(self, place: int, chosen: Sequence[int]) -> tuple[Array, Array, Array]:
        """Jacobians (elements of the chosen results, elements of the argument): by central
        differences, by those to the left, by those to the right.
        """
        here = flatten(self.values(), chosen)
        shape = (here.size, self.arguments[place].size)
        central, left, right = np.empty(shape), np.empty(shape), np.empty(shape)
        with np.errstate(all="ignore"):
            for number, step, up, down in self.moved(place):
                high, low = flatten(up, chosen), flatten(down, chosen)
                central[:, number] = (high - low) / (2 * step)
                left[:, number] = (here - low) / step
                right[:, number] = (high - here) / step
        return central, left, right

    def recorded(self) -> tuple[list[int], list[int], list[str]]:
        """Which of the results lead to backward, which arguments forward changed unsaid, and the
        types of results that are no tensors.

        Raises what the learner's forward raises.
        """
        probe = self._with_backward(lambda _, *grads: grads)
        with self._same_randomness(), switched(grad=True):
            _, tensors = self._leaves(self.arguments)
            answer = probe.apply(*tensors)
        results = answer if isinstance(answer, tuple) else (answer,)
        live = [
            place
            for place, x in enumerate(results)
            if isinstance(x, TensorBase) and x.edge is not None
        ]
        spoilt = [
            place
            for place, (x, before) in enumerate(zip(tensors, self.arguments, strict=True))
            if isinstance(before, np.ndarray)
            and not any(result is x for result in results)
            and not _same(x.array, before)
        ]
        strange = [type(x).__name__ for x in results if not isinstance(x, TensorBase)]
        return live, spoilt, strange

    def _with_backward(self, backward: Callable[..., Any]) -> type[Function]:
        name = self.function.__name__
        return type(name, (self.function,), {"backward": staticmethod(backward)})

    def backward(self, weights: dict[int, Array], arguments: Sequence[Any] | None = None) -> Answer:
        """Call the learner's backward, through the engine, with these gradients of the results."""
        answer = Answer()
        function = self.function

        def watched(ctx: Any, *grads: Any) -> Any:
            answer.called = True
            answer.saved = len(ctx.saved_tensors)
            before = [None if x is None else x.array.copy() for x in grads]
            printed = io.StringIO()
            try:
                with contextlib.redirect_stdout(printed):
                    answer.returned = function.backward(ctx, *grads)
            except Exception as error:  # noqa: BLE001 - whatever a learner's code raises is shown
                answer.error = error
            answer.printed = printed.getvalue()
            pairs = zip(grads, before, strict=True)
            if any(x is not None and not _same(x.array, y) for x, y in pairs):
                answer.spoilt.append(-2)
            return (None,) * len(given)

        probe = self._with_backward(watched)
        given = self.arguments if arguments is None else arguments
        with self._same_randomness(), switched(grad=True):
            leaves, tensors = self._leaves(given)
            with contextlib.redirect_stdout(io.StringIO()):
                found = probe.apply(*tensors)
            results = found if isinstance(found, tuple) else (found,)
            before = {place: results[place].array.copy() for place in weights}
            after_forward = [
                tensor.array.copy() if isinstance(x, np.ndarray) else None
                for tensor, x in zip(tensors, given, strict=True)
            ]
            try:
                differentiate.grad(
                    [results[place] for place in weights],
                    leaves,
                    [wrap(weight.copy()) for weight in weights.values()],
                    allow_unused=True,
                )
            except RuntimeError as error:  # of the engine, about what was saved
                answer.error = error
        # What forward itself did to its inputs is reported by `recorded`.
        answer.spoilt += [
            place
            for place, (tensor, x) in enumerate(zip(tensors, after_forward, strict=True))
            if x is not None and not _same(tensor.array, x)
        ]
        if any(not _same(results[place].array, x) for place, x in before.items()):
            answer.spoilt.append(-1)
        return answer


def run_forward(function: type[Function], ctx: FunctionCtx, arguments: Sequence[Any]) -> Any:
    """Forward in either of its two forms."""
    if function.setup_context is None:
        return function.forward(ctx, *arguments)
    answer = function.forward(*arguments)
    function.setup_context(ctx, tuple(arguments), answer)
    return answer


def flatten(results: Sequence[Any], chosen: Sequence[int]) -> Array:
    """The elements of some results, one after the other."""
    parts = [np.asarray(results[place], dtype=np.float64).reshape(-1) for place in chosen]
    return np.concatenate(parts) if parts else np.empty(0)


def _same(x: Array, y: Array | None) -> bool:
    return y is not None and np.array_equal(x, y, equal_nan=x.dtype.kind == "f")
