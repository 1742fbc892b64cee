"""What all schedules share: the count of epochs, and how learning rates get into the optimizer."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from ...autograd import no_grad
from ...tensor import Tensor
from ..optimizer import Optimizer
from ..options import number

__all__ = ["LRScheduler", "check_optimizer", "current", "one_per_group", "put"]


class LRScheduler:
    """Base of all schedules of the learning rate. PyTorch: `torch.optim.lr_scheduler.LRScheduler`.

    A schedule sets the learning rate of each parameter group when it is made, and again in every
    `step()`, which is called after the optimizer's steps of an epoch (or of a batch: what an epoch
    is, is up to you). In the formulas t = 0, 1, 2, ... counts the epochs, lr(t) is the rate of a
    group in epoch t, and base its rate at the start (`initial_lr` in the group).

    Most schedules multiply the present rate from epoch to epoch: so several of them may be stepped
    side by side on one optimizer, and what you do to the rate by hand stays. `last_epoch` is for
    resuming, with an optimizer that was loaded: the epoch that was over.

    A schedule of your own defines `get_lr`, which returns a rate for each group from
    `self.last_epoch`, `self.base_lrs` and `self.optimizer`.

    Raises TypeError for something that is no optimizer, KeyError if `last_epoch` is given and the
    groups have no `initial_lr`.

    >>> class Half(optim.lr_scheduler.LRScheduler):
    ...     def get_lr(self):
    ...         return [base * 0.5**self.last_epoch for base in self.base_lrs]
    >>> opt = optim.SGD([tg.ones(1, requires_grad=True)], lr=0.8)
    >>> scheduler = Half(opt)
    >>> for _ in range(2):
    ...     opt.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.2]
    """

    _get_lr_called_within_step = False
    _is_initial = False  # the step that the constructor makes
    _last_lr: list[Any]

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        for index, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", number(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{index}] when resuming "
                    "scheduler with last_epoch >= 0: load the optimizer's state dict first, or "
                    "leave last_epoch out for a new run."
                )
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        if not hasattr(optimizer, "_opt_called"):
            optimizer._opt_called = False
        self._initial_step()

    def _initial_step(self) -> None:
        """Set the learning rates of the first epoch."""
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def _restart(self) -> None:
        """Set the learning rates of epoch 0: its turn in a `SequentialLR` begins."""
        self._update_lr(0)

    def step(self, epoch: int | None = None) -> None:
        """An epoch is over: set the learning rates of the next one.

        `epoch`, deprecated in PyTorch, jumps there, by the closed formula where there is one.
        """
        if self._step_count == 1 and not self.optimizer._opt_called:
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`: the first "
                "learning rate of the schedule is skipped. Call `optimizer.step()` first, then "
                "`lr_scheduler.step()`.",
                UserWarning,
                stacklevel=2,
            )
        self._step_count += 1
        if epoch is not None:
            warn_of_epoch()
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        compute = self.get_lr
        if epoch is None:
            self.last_epoch += 1
        else:
            self.last_epoch = epoch
            compute = getattr(self, "_get_closed_form_lr", compute)
        self._get_lr_called_within_step = True
        try:
            rates = compute()
        finally:
            self._get_lr_called_within_step = False
        groups = self.optimizer.param_groups
        if len(rates) != len(groups):
            raise ValueError(
                f"{type(self).__name__} has learning rates for {len(rates)} parameter groups, the "
                f"optimizer has {len(groups)}: add groups before you make the schedule."
            )
        for group, rate in zip(groups, rates, strict=True):
            put(group, rate)
        self._note_rates()

    def _note_rates(self) -> None:
        self._last_lr = [
            group["lr"].clone() if isinstance(group["lr"], Tensor) else group["lr"]
            for group in self.optimizer.param_groups
        ]

    def get_last_lr(self) -> list[Any]:
        """The learning rates that the last step has set, one for each parameter group."""
        return self._last_lr

    def get_lr(self) -> list[float]:
        """The learning rates of epoch `last_epoch`, from those before; `step` calls it.

        To see the present rates use `get_last_lr`.
        """
        if not self._get_lr_called_within_step:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, please use "
                "`get_last_lr()`.",
                UserWarning,
                stacklevel=2,
            )
        return self._next_lrs()

    def _next_lrs(self) -> list[float]:
        raise NotImplementedError(f"{type(self).__name__} does not define get_lr().")

    def state_dict(self) -> dict[str, Any]:
        """All that the schedule knows but its optimizer, whose state is saved on its own."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from `state_dict()`, this schedule's or PyTorch's.

        The optimizer keeps its rates until the next step: load its state dict, too.
        """
        self.__dict__.update(state_dict)


def check_optimizer(optimizer: Any) -> None:
    """Raise TypeError for something else than an optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"{type(optimizer).__name__} is not an Optimizer: the optimizer comes first."
        )


def warn_of_epoch() -> None:
    """Tell that `step(epoch)` is deprecated."""
    warnings.warn(
        "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where "
        "possible: call `scheduler.step()`. With it the closed form is used instead of the "
        "chainable one, where there is one.",
        UserWarning,
        stacklevel=3,
    )


def current(optimizer: Optimizer) -> list[float]:
    """The present learning rates, as numbers."""
    return [number(group["lr"]) for group in optimizer.param_groups]


def put(group: dict[str, Any], rate: Any) -> None:
    """Set the learning rate of a group; one that is a tensor is filled."""
    if isinstance(group["lr"], Tensor):
        with no_grad():
            group["lr"].fill_(number(rate))
    else:
        group["lr"] = number(rate)


def one_per_group(name: str, value: Any, optimizer: Optimizer) -> list[float]:
    """A number for each parameter group, from one number or from a list of them."""
    groups = len(optimizer.param_groups)
    if not isinstance(value, Sequence):
        return [number(value)] * groups
    if len(value) != groups:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. {name} has {len(value)} "
            f"values, param_groups has {groups}."
        )
    return [number(entry) for entry in value]
