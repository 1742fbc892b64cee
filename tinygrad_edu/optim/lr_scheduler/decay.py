"""Schedules that multiply the learning rate by a factor: at steps, evenly, or by any function."""

from __future__ import annotations

import types
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..optimizer import Optimizer
from .base import LRScheduler, current

__all__ = [
    "ConstantLR",
    "ExponentialLR",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "PolynomialLR",
    "StepLR",
]


class StepLR(LRScheduler):
    """Multiply by gamma every `step_size` epochs. PyTorch: `StepLR`.

    lr(t) = base · gamma^floor(t / step_size)

    >>> opt = optim.SGD([tg.ones(1, requires_grad=True)], lr=0.5)
    >>> scheduler = optim.lr_scheduler.StepLR(opt, step_size=2)
    >>> for _ in range(4):
    ...     print(round(opt.param_groups[0]["lr"], 4))
    ...     opt.step()
    ...     scheduler.step()
    0.5
    0.5
    0.05
    0.05
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        if step_size < 1:
            raise ValueError(f"Expected step_size of 1 or more, but got {step_size}")
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _next_lrs(self) -> list[float]:
        if self.last_epoch == 0 or self.last_epoch % self.step_size:
            return current(self.optimizer)
        return [lr * self.gamma for lr in current(self.optimizer)]

    def _get_closed_form_lr(self) -> list[float]:
        factor = self.gamma ** (self.last_epoch // self.step_size)
        return [base * factor for base in self.base_lrs]


class MultiStepLR(LRScheduler):
    """Multiply by gamma at each of the `milestones`. PyTorch: `MultiStepLR`.

    lr(t) = base · gamma^(number of milestones <= t)

    >>> opt = optim.SGD([tg.ones(1, requires_grad=True)], lr=0.5)
    >>> scheduler = optim.lr_scheduler.MultiStepLR(opt, milestones=[1, 3])
    >>> for _ in range(4):
    ...     print(round(opt.param_groups[0]["lr"], 4))
    ...     opt.step()
    ...     scheduler.step()
    0.5
    0.05
    0.05
    0.005
    """

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _next_lrs(self) -> list[float]:
        if self.last_epoch not in self.milestones:
            return current(self.optimizer)
        factor = self.gamma ** self.milestones[self.last_epoch]
        return [lr * factor for lr in current(self.optimizer)]

    def _get_closed_form_lr(self) -> list[float]:
        passed = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [base * self.gamma**passed for base in self.base_lrs]


class ExponentialLR(LRScheduler):
    """Multiply by gamma in every epoch. PyTorch: `ExponentialLR`.

    lr(t) = base · gamma^t

    >>> opt = optim.SGD([tg.ones(1, requires_grad=True)], lr=0.8)
    >>> scheduler = optim.lr_scheduler.ExponentialLR(opt, gamma=0.5)
    >>> opt.step()
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.4]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _next_lrs(self) -> list[float]:
        factor = 1.0 if self._is_initial else self.gamma
        return [lr * factor for lr in current(self.optimizer)]

    def _get_closed_form_lr(self) -> list[float]:
        return [base * self.gamma**self.last_epoch for base in self.base_lrs]


class ConstantLR(LRScheduler):
    """A part of the learning rate, until epoch `total_iters`. PyTorch: `ConstantLR`.

    lr(t) = base · factor if t < total_iters, else base

    Raises ValueError for a factor outside [0, 1].

    >>> opt = optim.SGD([tg.ones(1, requires_grad=True)], lr=0.8)
    >>> optim.lr_scheduler.ConstantLR(opt, factor=0.5).get_last_lr()
    [0.4]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 1.0 / 3,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 <= factor <= 1:
            raise ValueError(
                f"Constant multiplicative factor expected to be between 0 and 1; got {factor}."
            )
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _next_lrs(self) -> list[float]:
        factor = 1.0
        if self.last_epoch == 0:
            factor = self.factor
        elif self.last_epoch == self.total_iters:
            factor = 1.0 / self.factor
        return [lr * factor for lr in current(self.optimizer)]

    def _get_closed_form_lr(self) -> list[float]:
        over = self.last_epoch >= self.total_iters
        return [base * (self.factor + over * (1 - self.factor)) for base in self.base_lrs]


class LinearLR(LRScheduler):
    """Along a straight line, such as to warm up. PyTorch: `LinearLR`.

    lr(t) = base · (start_factor + (end_factor - start_factor) · min(t / total_iters, 1))

    Raises ValueError for a start_factor outside (0, 1] or an end_factor outside [0, 1].

    >>> opt = optim.SGD([tg.ones(1, requires_grad=True)], lr=0.5)
    >>> scheduler = optim.lr_scheduler.LinearLR(opt, start_factor=0.25, total_iters=3)
    >>> for _ in range(4):
    ...     print(opt.param_groups[0]["lr"])
    ...     opt.step()
    ...     scheduler.step()
    0.125
    0.25
    0.375
    0.5
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0 < start_factor <= 1:
            raise ValueError(
                "Starting multiplicative factor expected to be greater than 0 and less or equal to "
                f"1; got {start_factor}."
            )
        if not 0 <= end_factor <= 1:
            raise ValueError(
                f"Ending multiplicative factor expected to be between 0 and 1; got {end_factor}."
            )
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _next_lrs(self) -> list[float]:
        rise = self.end_factor - self.start_factor
        if self.last_epoch == 0:
            factor = self.start_factor
        elif self._is_initial or self.last_epoch > self.total_iters:
            factor = 1.0
        else:
            before = self.total_iters * self.start_factor + (self.last_epoch - 1) * rise
            factor = 1.0 + rise / before
        return [lr * factor for lr in current(self.optimizer)]

    def _get_closed_form_lr(self) -> list[float]:
        rise = self.end_factor - self.start_factor
        t = min(self.total_iters, self.last_epoch)
        return [base * (self.start_factor + rise * t / self.total_iters) for base in self.base_lrs]


class PolynomialLR(LRScheduler):
    """Down to zero along a polynomial. PyTorch: `PolynomialLR`.

    lr(t) = base · (1 - min(t, total_iters) / total_iters)^power

    >>> opt = optim.SGD([tg.ones(1, requires_grad=True)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.PolynomialLR(opt, total_iters=4, power=2)
    >>> for _ in range(3):
    ...     print(opt.param_groups[0]["lr"])
    ...     opt.step()
    ...     scheduler.step()
    1.0
    0.5625
    0.25
    """

    def __init__(
        self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1
    ) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def _next_lrs(self) -> list[float]:
        t, total = self.last_epoch, self.total_iters
        if self._is_initial or t > total:
            return current(self.optimizer)
        factor = ((1.0 - t / total) / (1.0 - (t - 1) / total)) ** self.power
        return [lr * factor for lr in current(self.optimizer)]

    def _get_closed_form_lr(self) -> list[float]:
        left = 1.0 - min(self.total_iters, self.last_epoch) / self.total_iters
        return [base * left**self.power for base in self.base_lrs]


Factor = Callable[[int], float]


class _ByFunction(LRScheduler):
    """A function of the epoch for each group; of objects the state holds the attributes."""

    lr_lambdas: list[Factor]

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Factor | Sequence[Factor], last_epoch: int = -1
    ) -> None:
        if isinstance(lr_lambda, (list, tuple)):
            functions = list(lr_lambda)
        else:
            functions = [lr_lambda] * len(optimizer.param_groups)
        if len(functions) != len(optimizer.param_groups):
            raise ValueError(
                f"Expected {len(optimizer.param_groups)} lr_lambdas, one for each parameter group, "
                f"but got {len(functions)}"
            )
        for function in functions:
            if not callable(function):
                raise TypeError(
                    f"lr_lambda should be a function, but got {type(function).__name__}"
                )
        self.lr_lambdas = functions
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> dict[str, Any]:
        state: dict[str, Any] = super().state_dict()
        state["lr_lambdas"] = [
            None if isinstance(function, types.FunctionType) else dict(function.__dict__)
            for function in self.lr_lambdas
        ]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        attributes = state_dict["lr_lambdas"]
        super().load_state_dict({**state_dict, "lr_lambdas": self.lr_lambdas})
        for function, kept in zip(self.lr_lambdas, attributes, strict=True):
            if kept is not None:
                function.__dict__.update(kept)


class LambdaLR(_ByFunction):
    """The learning rate of the start times any function of the epoch. PyTorch: `LambdaLR`.

    lr(t) = base · lr_lambda(t), with one function or one for each parameter group

    `state_dict` does not hold functions; of callable objects it holds the attributes.

    >>> opt = optim.SGD([tg.ones(1, requires_grad=True)], lr=0.5)
    >>> scheduler = optim.lr_scheduler.LambdaLR(opt, lambda epoch: 1 / (1 + epoch))
    >>> opt.step()
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.25]
    """

    def _next_lrs(self) -> list[float]:
        pairs = zip(self.base_lrs, self.lr_lambdas, strict=True)
        return [base * function(self.last_epoch) for base, function in pairs]


class MultiplicativeLR(_ByFunction):
    """Multiply by a function of the epoch in every epoch. PyTorch: `MultiplicativeLR`.

    lr(t) = lr(t - 1) · lr_lambda(t), with one function or one for each parameter group

    >>> opt = optim.SGD([tg.ones(1, requires_grad=True)], lr=0.5)
    >>> scheduler = optim.lr_scheduler.MultiplicativeLR(opt, lambda epoch: 0.5)
    >>> opt.step()
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.25]
    """

    def _next_lrs(self) -> list[float]:
        rates = current(self.optimizer)
        if self._is_initial:
            return rates
        pairs = zip(rates, self.lr_lambdas, strict=False)
        return [lr * function(self.last_epoch) for lr, function in pairs]
