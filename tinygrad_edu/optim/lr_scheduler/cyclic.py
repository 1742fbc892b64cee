"""Schedules that go up and down within a run, and with them the momentum down and up."""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from math import cos, floor, pi
from typing import Any

from ..optimizer import Optimizer
from .base import LRScheduler, check_optimizer, one_per_group, put

__all__ = ["CyclicLR", "OneCycleLR"]


class _WithMomentum(LRScheduler):
    """A schedule that moves the momentum, too: `momentum`, or the first of the `betas`."""

    cycle_momentum: bool
    use_beta1: bool

    def _take_momentum(
        self, optimizer: Optimizer, base: Any, highest: Any, start: bool
    ) -> tuple[list[float], list[float]]:
        """Note in the groups between which values their momentum moves."""
        if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
            raise ValueError(
                "optimizer must support momentum or beta1 with `cycle_momentum` option enabled; "
                f"{type(optimizer).__name__} has neither: say cycle_momentum=False."
            )
        self.use_beta1 = "betas" in optimizer.defaults
        lows = one_per_group("base_momentum", base, optimizer)
        highs = one_per_group("max_momentum", highest, optimizer)
        if start:
            for group, low, high in zip(optimizer.param_groups, lows, highs, strict=True):
                self._put_momentum(group, high)
                group["max_momentum"] = high
                group["base_momentum"] = low
        return lows, highs

    def _put_momentum(self, group: dict[str, Any], momentum: float) -> None:
        if self.use_beta1:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum


class CyclicLR(_WithMomentum):
    """Up and down between two rates, again and again. PyTorch: `CyclicLR`.

    lr(t) = base_lr + (max_lr - base_lr) · x · scale
    momentum(t) = max_momentum - (max_momentum - base_momentum) · x · scale

    x rises from 0 to 1 in step_size_up steps and falls to 0 in step_size_down. In cycle c = 1, 2,
    ... scale is 1 ("triangular"), 1 / 2^(c - 1) ("triangular2"), or gamma^t ("exp_range"); or
    `scale_fn` of c, or of t with `scale_mode="iterations"`. It is stepped after every batch.
    Source: Smith 2017.

    Raises ValueError for an unknown mode, and with `cycle_momentum` for optimizers without one.

    >>> opt = optim.SGD([tg.ones(1, requires_grad=True)], lr=0.1)
    >>> scheduler = optim.lr_scheduler.CyclicLR(opt, 0.25, 1.0, step_size_up=3)
    >>> for _ in range(5):
    ...     print(f"{opt.param_groups[0]['lr']:.2f}")
    ...     opt.step()
    ...     scheduler.step()
    0.25
    0.50
    0.75
    1.00
    0.75
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.8,
        max_momentum: float | Sequence[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        base_lrs = one_per_group("base_lr", base_lr, optimizer)
        if last_epoch == -1:
            for lr, group in zip(base_lrs, optimizer.param_groups, strict=True):
                put(group, lr)
        self.max_lrs = one_per_group("max_lr", max_lr, optimizer)
        up = float(step_size_up)
        self.total_size = up + (up if step_size_down is None else float(step_size_down))
        self.step_ratio = up / self.total_size
        if mode not in _SCALE_MODES and scale_fn is None:
            raise ValueError(
                f"mode is invalid and scale_fn is None: mode is one of {', '.join(_SCALE_MODES)}; "
                f"got {mode!r}."
            )
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = _SCALE_MODES[mode] if scale_fn is None else scale_mode
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.base_momentums, self.max_momentums = self._take_momentum(
                optimizer, base_momentum, max_momentum, last_epoch == -1
            )
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """The height of a cycle, by its number or by the number of steps."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular2":
            return float(1 / 2.0 ** (x - 1))
        return float(self.gamma**x) if self.mode == "exp_range" else 1.0

    def _next_lrs(self) -> list[float]:
        t = self.last_epoch
        cycle = floor(1 + t / self.total_size)
        x = 1.0 + t / self.total_size - cycle
        rising = x <= self.step_ratio
        x = x / self.step_ratio if rising else (x - 1) / (self.step_ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else t)
        if self.cycle_momentum:
            ranges = zip(self.base_momentums, self.max_momentums, strict=True)
            for group, (low, high) in zip(self.optimizer.param_groups, ranges, strict=False):
                self._put_momentum(group, high - (high - low) * x * scale)
        pairs = zip(self.base_lrs, self.max_lrs, strict=True)
        return [low + (high - low) * x * scale for low, high in pairs]

    def state_dict(self) -> dict[str, Any]:
        """All but the optimizer; of a `scale_fn` only its attributes, if it is an object."""
        state = super().state_dict()
        function = self._scale_fn_custom
        plain = function is None or isinstance(function, types.FunctionType)
        state["_scale_fn_custom"] = None if plain else dict(function.__dict__)
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from `state_dict()`; a `scale_fn` stays the present one."""
        attributes = state_dict["_scale_fn_custom"]
        super().load_state_dict({**state_dict, "_scale_fn_custom": self._scale_fn_custom})
        if attributes is not None and self._scale_fn_custom is not None:
            self._scale_fn_custom.__dict__.update(attributes)


#: The modes of a CyclicLR, and what its scale is a function of.
_SCALE_MODES = {"triangular": "cycle", "triangular2": "cycle", "exp_range": "iterations"}


class OneCycleLR(_WithMomentum):
    """Up to max_lr and far down again, once. PyTorch: `OneCycleLR`.

    The run has `total_steps` steps (or epochs · steps_per_epoch), one after every batch:

    1. to step pct_start · total_steps - 1: from max_lr / div_factor up to max_lr, while the
       momentum goes from max_momentum down to base_momentum
    2. to the last step: down to (max_lr / div_factor) / final_div_factor, and the momentum up again

    With three_phase it takes as long to come back to max_lr / div_factor as it took to get up, and
    goes to the end from there. Between a and b, at the part x of a phase:

    cos: b + (a - b) · (1 + cos(π x)) / 2      linear: a + (b - a) · x

    Source: Smith and Topin 2018. Raises ValueError for a step too many, and for senseless values.

    >>> opt = optim.SGD([tg.ones(1, requires_grad=True)], lr=0.1, momentum=0.9)
    >>> scheduler = optim.lr_scheduler.OneCycleLR(opt, max_lr=1.0, total_steps=10)
    >>> for _ in range(9):
    ...     opt.step()
    ...     scheduler.step()
    ...     print(f"{scheduler.get_last_lr()[0]:.6f}")
    0.520000
    1.000000
    0.950485
    0.811746
    0.611262
    0.388742
    0.188258
    0.049519
    0.000004
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        self.total_steps = _total_steps(total_steps, epochs, steps_per_epoch)
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        self._anneal_func_type = anneal_strategy
        self._schedule_phases = _phases(self.total_steps, pct_start, three_phase)
        highest = one_per_group("max_lr", max_lr, optimizer)
        if last_epoch == -1:
            for group, high in zip(optimizer.param_groups, highest, strict=True):
                group["initial_lr"] = high / div_factor
                group["max_lr"] = high
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._take_momentum(optimizer, base_momentum, max_momentum, last_epoch == -1)
        super().__init__(optimizer, last_epoch)

    def _next_lrs(self) -> list[float]:
        t = self.last_epoch
        if t > self.total_steps:
            raise ValueError(
                f"Tried to step {t} times. The specified number of total steps is "
                f"{self.total_steps}: is the scheduler stepped once for each batch?"
            )
        start = 0.0
        for phase in self._schedule_phases:
            end = phase["end_step"]
            if t <= end or phase is self._schedule_phases[-1]:
                break
            start = end
        x = (t - start) / (end - start)
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self._between(group[phase["start_lr"]], group[phase["end_lr"]], x))
            if self.cycle_momentum:
                from_, to = group[phase["start_momentum"]], group[phase["end_momentum"]]
                self._put_momentum(group, self._between(from_, to, x))
        return rates

    def _between(self, a: float, b: float, x: float) -> float:
        if self._anneal_func_type == "linear":
            return (b - a) * x + a
        return b + (a - b) / 2.0 * (cos(pi * x) + 1)


def _total_steps(total: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    if total is not None:
        counts = {"total_steps": total}
    elif epochs is not None and steps_per_epoch is not None:
        counts = {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
    else:
        raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    product = 1
    for name, value in counts.items():
        if not isinstance(value, int) or value <= 0:
            raise ValueError(f"Expected positive integer {name}, but got {value}")
        product *= value
    return product


def _phases(total: int, pct_start: float, three_phase: bool) -> list[dict[str, Any]]:
    """The phases of a OneCycleLR: where each ends, and the entries of a group it moves between."""
    first = float(pct_start * total) - 1
    lr = ["initial_lr", "max_lr", "min_lr"]
    momentum = ["max_momentum", "base_momentum", "max_momentum"]
    ends = [first, total - 1]
    if three_phase:
        lr.insert(2, "initial_lr")
        momentum.append("max_momentum")
        ends.insert(1, float(2 * pct_start * total) - 2)
    return [
        {
            "end_step": end,
            "start_lr": lr[i],
            "end_lr": lr[i + 1],
            "start_momentum": momentum[i],
            "end_momentum": momentum[i + 1],
        }
        for i, end in enumerate(ends)
    ]
