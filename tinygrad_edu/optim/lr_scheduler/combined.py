"""Schedules made of schedules: one after the other, or side by side."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any

from ..optimizer import Optimizer
from .base import LRScheduler, put
from .plateau import ReduceLROnPlateau

__all__ = ["ChainedScheduler", "SequentialLR"]


class _Combined(LRScheduler):
    """What is common: the checks, and a state dict with those of the parts."""

    _schedulers: Sequence[LRScheduler]

    def _take(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None) -> None:
        """Keep the schedules, after a look at them."""
        name = type(self).__name__
        if not len(schedulers):
            raise ValueError(f"{name} expects at least one scheduler, but got no scheduler.")
        for index, scheduler in enumerate(schedulers):
            if not hasattr(scheduler, "optimizer"):
                raise TypeError(
                    f"{name} at index {index} should have `optimizer` as its attribute."
                )
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(
                    f"{name} does not support `ReduceLROnPlateau` scheduler, whose `step` needs "
                    f"the figure of the epoch, but got one at index {index}. Step it on its own."
                )
            optimizer = optimizer or scheduler.optimizer
            if optimizer is not scheduler.optimizer:
                raise ValueError(
                    f"{name} expects all schedulers to belong to the same optimizer, but that of "
                    f"the {type(scheduler).__name__} at index {index} is another one."
                )
        self.optimizer = schedulers[0].optimizer
        self._schedulers = schedulers

    def _back_to_start(self) -> None:
        for group in self.optimizer.param_groups:
            put(group, group["initial_lr"])

    def _restart(self) -> None:
        self._back_to_start()
        for part in _parts(self):
            part.last_epoch = -1
        self._initial_step()

    def state_dict(self) -> dict[str, Any]:
        """The state dicts of all parts, and what is known beside them."""
        parts = [scheduler.state_dict() for scheduler in self._schedulers]
        return {**super().state_dict(), "_schedulers": parts}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from `state_dict()`, with the same schedules in the same order."""
        parts = state_dict["_schedulers"]
        if len(parts) != len(self._schedulers):
            raise ValueError(
                f"The state dict is that of {len(parts)} schedules; {type(self).__name__} has "
                f"{len(self._schedulers)} here."
            )
        super().load_state_dict({**state_dict, "_schedulers": self._schedulers})
        for scheduler, part in zip(self._schedulers, parts, strict=True):
            scheduler.load_state_dict(part)


def _parts(scheduler: LRScheduler) -> Iterator[LRScheduler]:
    """The schedules that a combined one is made of in the end."""
    if isinstance(scheduler, _Combined):
        for part in scheduler._schedulers:
            yield from _parts(part)
    else:
        yield scheduler


class SequentialLR(_Combined):
    """One schedule after the other, each from its own beginning. PyTorch: `SequentialLR`.

    lr(t) = that of schedule i at its epoch t - milestones[i - 1], where milestones[i - 1] <= t

    A schedule whose turn comes is started by its closed formula, from the learning rates of the
    start. A `ReduceLROnPlateau` cannot be among them.

    Raises ValueError unless there is one milestone less than schedules, and for schedules of
    another optimizer.

    >>> opt = optim.SGD([tg.ones(1, requires_grad=True)], lr=0.5)
    >>> warm_up = optim.lr_scheduler.LinearLR(opt, start_factor=0.5, total_iters=2)
    >>> decay = optim.lr_scheduler.ExponentialLR(opt, gamma=0.5)
    >>> scheduler = optim.lr_scheduler.SequentialLR(opt, [warm_up, decay], milestones=[2])
    >>> for _ in range(5):
    ...     print(opt.param_groups[0]["lr"])
    ...     opt.step()
    ...     scheduler.step()
    0.25
    0.375
    0.5
    0.25
    0.125
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: list[LRScheduler],
        milestones: list[int],
        last_epoch: int = -1,
    ) -> None:
        self._take(schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "Sequential Schedulers expects number of schedulers provided to be one more than "
                f"the number of milestone points, but got {len(schedulers)} schedulers and "
                f"{len(milestones)} milestones."
            )
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        # Each schedule has made its first step when it was made; only the first one's counts.
        self._back_to_start()
        for part in _parts(self):
            part.last_epoch -= 1
        self._initial_step()

    def _initial_step(self) -> None:
        first = self._schedulers[bisect_right(self._milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def _restart(self) -> None:
        self.last_epoch = 0
        super()._restart()

    def step(self) -> None:  # type: ignore[override]
        """An epoch is over: step the schedule whose turn it is."""
        self.last_epoch += 1
        index = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[index]
        if index > 0 and self._milestones[index - 1] == self.last_epoch:
            scheduler._restart()
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(_Combined):
    """Several schedules side by side, as one. PyTorch: `ChainedScheduler`.

    lr(t) = lr(t - 1), changed by each of the schedules in turn

    Raises ValueError for schedules of different optimizers, and for a `ReduceLROnPlateau`.

    >>> opt = optim.SGD([tg.ones(1, requires_grad=True)], lr=0.8)
    >>> first = optim.lr_scheduler.ConstantLR(opt, factor=0.5, total_iters=2)
    >>> second = optim.lr_scheduler.ExponentialLR(opt, gamma=0.5)
    >>> scheduler = optim.lr_scheduler.ChainedScheduler([first, second])
    >>> for _ in range(3):
    ...     print(opt.param_groups[0]["lr"])
    ...     opt.step()
    ...     scheduler.step()
    0.4
    0.2
    0.2
    """

    def __init__(
        self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None
    ) -> None:
        self._take(schedulers, optimizer)
        self._note_rates()

    def _initial_step(self) -> None:
        for scheduler in self._schedulers:
            scheduler._initial_step()
        self._note_rates()

    def step(self) -> None:  # type: ignore[override]
        """An epoch is over: step all schedules."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._note_rates()
