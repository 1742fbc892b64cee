"""A schedule that looks at the results: reduce the learning rate when nothing gets better."""

from __future__ import annotations

from math import inf
from typing import Any

from ..optimizer import Optimizer
from ..options import number
from .base import LRScheduler, check_optimizer, current, put, warn_of_epoch

__all__ = ["ReduceLROnPlateau"]


class ReduceLROnPlateau(LRScheduler):
    """Multiply by `factor` when a figure stops getting better. PyTorch: `ReduceLROnPlateau`.

    `step(metrics)` gets the figure of the epoch, such as the loss on test data. After more than
    `patience` epochs in a row in which it was not better than the best so far,

    lr = max(lr · factor, min_lr), unless that changes it by eps or less

    and the next `cooldown` epochs are not counted. Better than the best b means

    mode     threshold_mode="rel"     "abs"
    "min"    < b · (1 - threshold)    < b - threshold
    "max"    > b · (1 + threshold)    > b + threshold

    Raises ValueError for an unknown mode, a factor of 1 or more, or a list `min_lr` of another
    length than the parameter groups.

    >>> opt = optim.SGD([tg.ones(1, requires_grad=True)], lr=0.5)
    >>> scheduler = optim.lr_scheduler.ReduceLROnPlateau(opt, factor=0.5, patience=1)
    >>> for loss in [1.0, 0.9, 0.9, 0.9]:
    ...     opt.step()
    ...     scheduler.step(loss)
    >>> scheduler.get_last_lr()
    [0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: list[float] | float = 0,
        eps: float = 1e-8,
    ) -> None:
        if not factor < 1:
            raise ValueError(f"Factor should be < 1.0; got {factor}.")
        check_optimizer(optimizer)
        if mode not in ("min", "max"):
            raise ValueError(f"mode {mode} is unknown! It is 'min' or 'max'.")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold mode {threshold_mode} is unknown! It is 'rel' or 'abs'.")
        groups = len(optimizer.param_groups)
        self.default_min_lr: float | None = None
        if isinstance(min_lr, (list, tuple)):
            if len(min_lr) != groups:
                raise ValueError(f"expected {groups} min_lrs, got {len(min_lr)}")
            self.min_lrs = list(min_lr)
        else:
            self.default_min_lr = min_lr
            self.min_lrs = [min_lr] * groups
        self.optimizer = optimizer
        self.mode = mode
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.cooldown = cooldown
        self.eps = eps
        self.last_epoch = 0
        self.best = self.mode_worse = inf if mode == "min" else -inf
        self.cooldown_counter = 0
        self.num_bad_epochs = 0
        self._note_rates()

    @property
    def in_cooldown(self) -> bool:
        """Whether epochs are not counted at present."""
        return self.cooldown_counter > 0

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """An epoch is over, and this is its figure."""
        value = float(number(metrics))
        if epoch is not None:
            warn_of_epoch()
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(value):
            self.best = value
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce_lr()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._note_rates()

    def _is_better(self, value: float) -> bool:
        relative = self.threshold_mode == "rel"
        if self.mode == "min":
            best = self.best * (1.0 - self.threshold) if relative else self.best - self.threshold
            return value < best
        return value > (
            self.best * (self.threshold + 1.0) if relative else self.best + self.threshold
        )

    def _reduce_lr(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise RuntimeError(
                    f"The number of param groups in the `optimizer` ({len(groups)}) differs from "
                    f"when `ReduceLROnPlateau` was initialized ({len(self.min_lrs)}): a group was "
                    "added since. Set `min_lrs` of the scheduler to a list of that length."
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        rates = current(self.optimizer)
        for group, old, lowest in zip(groups, rates, self.min_lrs, strict=True):
            new = max(old * self.factor, lowest)
            if old - new > self.eps:
                put(group, new)
