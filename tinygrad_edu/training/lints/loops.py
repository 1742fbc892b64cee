"""Lints of the loop: what a training step and an evaluation do with model and gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...autograd.graph import Array, wrap
from ...autograd.mode import switched
from ...optim import Optimizer
from ...tensor import Tensor
from .batches import Found
from .looking import Look, quietly

__all__ = ["evaluation_lints", "own_step", "step_lints"]

STEPS = 10
_PLANTED = 1000.0  # times the size of the gradients that the step leaves behind
_DIRECTION = 50  # numbers that have a direction which is not met by chance


def own_step(look: Look, optimizer: Optimizer) -> Callable[[Any, Any], object]:
    """A training step as it should be, for an optimizer whose loop is not known."""

    def step(input: Any, target: Any) -> None:
        def closure() -> Tensor:
            optimizer.zero_grad()
            loss: Tensor = look.loss_fn(look.model(input), target)
            loss.backward()
            return loss

        look.model.train()
        optimizer.step(closure)

    return step


def step_lints(look: Look, step: Callable[[Any, Any], object]) -> Iterator[Found]:
    """Take the step, take it with gradients left over, take it many times."""
    trial = _Trial(look, step)
    try:
        modes, changed = trial.once()
    except Exception as error:  # noqa: BLE001 - whatever the user's code raises is a finding
        yield "step-fails", {"error": f"{type(error).__name__}: {error}"}
        return
    if modes and not any(modes) and look.mode_matters:
        yield "training-in-eval-mode", {}
    if trial.accumulates():
        yield "missing-zero-grad", {}
    if not changed:
        yield "step-changes-nothing", {}
    else:
        yield from trial.growth()


class _Trial:
    """Training steps on one batch, all from the same beginning."""

    def __init__(self, look: Look, step: Callable[[Any, Any], object]) -> None:
        self.look = look
        self.step = step
        # Parameters that the step has changed, with the gradients that it has left.
        self.left: list[tuple[Tensor, Array]] = []

    def _take(self) -> None:
        with switched(grad=True, inference=False), quietly():
            self.step(self.look.input, self.look.target)

    def once(self) -> tuple[list[bool], bool]:
        """The modes in which the step called the model, and whether a parameter changed."""
        self.look.snapshot.rewind()
        modes: list[bool] = []
        handle = self.look.model.register_forward_pre_hook(
            lambda module, _: modes.append(module.training)
        )
        try:
            self._take()
        finally:
            handle.remove()
        trainable = {id(p) for p in self.look.model.parameters() if p.requires_grad}
        changed = [
            tensor
            for tensor, values in self.look.snapshot.values()
            if id(tensor) in trainable and not np.array_equal(tensor.array, values)
        ]
        self.left = [(p, p._grad.array.copy()) for p in changed if p._grad is not None]
        return modes, bool(changed)

    def accumulates(self) -> bool:
        """Whether gradients that are there before the step are still in those after it.

        They are made so large that they are recognised however the step goes on: clipped gradients
        keep their direction. Parameters that are not updated do not count: theirs may well add up.
        """
        if not any(left.any() for _, left in self.left):
            return False  # nothing is left over to be added to
        self.look.snapshot.rewind()
        every = np.concatenate([left.ravel() for _, left in self.left])
        size = _PLANTED * float(np.sqrt(np.mean(np.square(every))))
        draw = np.random.default_rng(0)
        before, after = [], []
        for parameter, left in self.left:
            plant = np.asarray(size * draw.standard_normal(left.shape), left.dtype)
            before.append(plant.ravel())
            parameter._grad = wrap(plant.copy())
        try:
            self._take()
        except Exception:  # noqa: BLE001 - gradients of this size may well be refused
            return False
        for parameter, left in self.left:
            grad = parameter._grad
            after.append((np.zeros_like(left) if grad is None else grad.array).ravel())
        return _is_in(np.concatenate(before), np.concatenate(after))

    def growth(self) -> Iterator[Found]:
        """Whether the loss of the batch grows while the model learns that batch alone."""
        look = self.look
        look.snapshot.rewind()
        before, chance = self._losses()
        try:
            for _ in range(STEPS):
                self._take()
            after, _ = self._losses()
        except Exception:  # noqa: BLE001 - the first step worked, a later one met what it made
            return
        if not np.isfinite(before) or before < 0:
            return
        # A model that has learnt starts near 0, where any step looks large: what counts is the
        # loss of answers that have nothing to do with the targets.
        if not np.isfinite(after) or after > 2 * max(before, chance):
            values = {"before": f"{before:.4g}", "after": f"{after:.4g}", "steps": STEPS}
            yield "loss-grows", values

    def _losses(self) -> tuple[float, float]:
        """The loss of the batch as it is, and with the targets moved on by one sample."""
        look = self.look
        look.snapshot.rewind_random()
        modes = [(module, module.training) for module in look.model.modules()]
        look.model.train()
        with switched(grad=False), quietly():
            output = look.model(look.input)
            loss = float(look.loss_fn(output, look.target))
            moved = loss
            if isinstance(look.target, Tensor) and look.target.ndim:
                moved = float(look.loss_fn(output, look.target.roll(1, 0)))
        for module, training in modes:
            module.training = training
        return loss, moved


def _is_in(plant: Array, gradient: Array) -> bool:
    """Whether a gradient is the planted one with something small added, or points the same way."""
    p, g = plant.astype(np.float64), gradient.astype(np.float64)
    if np.linalg.norm(g - p) <= 0.1 * np.linalg.norm(p):
        return True
    length = np.linalg.norm(g) * np.linalg.norm(p)
    return p.size >= _DIRECTION and bool(length > 0 and g @ p > 0.7 * length)


def evaluation_lints(look: Look, evaluate: Callable[[Any, Any], object]) -> Iterator[Found]:
    """Call the user's evaluation, and look at how it calls the model."""
    look.snapshot.rewind()
    look.model.train()  # as it is between two epochs
    modes: list[bool] = []
    records: list[bool] = []

    def note(module: Any, _: Any, output: Any) -> None:
        modes.append(module.training)
        records.append(getattr(output, "requires_grad", False))

    handle = look.model.register_forward_hook(note)
    try:
        with switched(grad=True, inference=False), quietly():
            evaluate(look.input, look.target)
    except Exception as error:  # noqa: BLE001 - whatever the user's code raises is a finding
        yield "evaluation-fails", {"error": f"{type(error).__name__}: {error}"}
        return
    finally:
        handle.remove()
    if any(modes) and look.mode_matters:
        yield "evaluation-in-train-mode", {}
    if any(records):
        yield "evaluation-records-a-graph", {}
