"""Schedules along a cosine: once, or again and again."""

from __future__ import annotations

from math import cos, floor, log, pi

from ..optimizer import Optimizer
from .base import LRScheduler, current

__all__ = ["CosineAnnealingLR", "CosineAnnealingWarmRestarts"]


class CosineAnnealingLR(LRScheduler):
    """Down to eta_min along half a cosine in `T_max` epochs. PyTorch: `CosineAnnealingLR`.

    lr(t) = eta_min + (base - eta_min) · (1 + cos(π t / T_max)) / 2

    After T_max it rises again. Source: Loshchilov and Hutter 2017, without the restarts.

    >>> opt = optim.SGD([tg.ones(1, requires_grad=True)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.CosineAnnealingLR(opt, T_max=4)
    >>> for _ in range(4):
    ...     opt.step()
    ...     scheduler.step()
    ...     print(f"{scheduler.get_last_lr()[0]:.4f}")
    0.8536
    0.5000
    0.1464
    0.0000
    """

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        if T_max <= 0:
            raise ValueError(f"Expected positive T_max, but got {T_max}")
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def _next_lrs(self) -> list[float]:
        t, half, low = self.last_epoch, self.T_max, self.eta_min
        rates = current(self.optimizer)
        if self._is_initial:
            return rates
        if (t - 1 - half) % (2 * half) == 0:
            # From the bottom there is no factor that leads up again.
            rise = (1 - cos(pi / half)) / 2
            pairs = zip(rates, self.base_lrs, strict=False)
            return [lr + (base - low) * rise for lr, base in pairs]
        ratio = (1 + cos(pi * t / half)) / (1 + cos(pi * (t - 1) / half))
        return [ratio * (lr - low) + low for lr in rates]

    def _get_closed_form_lr(self) -> list[float]:
        t, low = self.last_epoch, self.eta_min
        return [low + (base - low) * (1 + cos(pi * t / self.T_max)) / 2 for base in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """Down along half a cosine, and up again at once. PyTorch: `CosineAnnealingWarmRestarts`.

    lr(t) = eta_min + (base - eta_min) · (1 + cos(π T_cur / T_i)) / 2

    T_cur counts the epochs since the last restart, and T_i is the length of this run: T_0 at first,
    then T_mult times the one before. `step(epoch)` with a fraction, such as `epoch + i / batches`,
    sets the rate for each batch. Source: Loshchilov and Hutter 2017.

    Raises ValueError unless T_0 and T_mult are positive integers and eta_min a number.

    >>> opt = optim.SGD([tg.ones(1, requires_grad=True)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.CosineAnnealingWarmRestarts(opt, T_0=2)
    >>> for _ in range(4):
    ...     print(f"{opt.param_groups[0]['lr']:.4f}")
    ...     opt.step()
    ...     scheduler.step()
    1.0000
    0.5000
    1.0000
    0.5000
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        if not isinstance(T_0, int) or T_0 <= 0:
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if not isinstance(T_mult, int) or T_mult < 1:
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, (float, int)):
            raise ValueError(
                f"Expected float or int eta_min, but got {eta_min} of type {type(eta_min)}"
            )
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def _next_lrs(self) -> list[float]:
        factor = 1 + cos(pi * self.T_cur / self.T_i)
        return [self.eta_min + (base - self.eta_min) * factor / 2 for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """An epoch is over, or, with `epoch`, so much of the training, also in fractions."""
        if epoch is None and self.last_epoch >= 0:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        else:
            epoch = 0 if epoch is None else epoch
            if epoch < 0:
                raise ValueError(f"Expected non-negative epoch, but got {epoch}")
            self._find_run(epoch)
        # `epoch` sets T_cur; what is left for the base is its whole part.
        self._update_lr(floor(epoch))

    def _find_run(self, epoch: float) -> None:
        """Set T_cur and T_i of any epoch: run n begins at T_0 (T_mult^n - 1) / (T_mult - 1)."""
        if epoch < self.T_0:
            self.T_i = self.T_0
            self.T_cur = epoch
        elif self.T_mult == 1:
            self.T_cur = epoch % self.T_0
        else:
            n = int(log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
            self.T_cur = epoch - self.T_0 * (self.T_mult**n - 1) / (self.T_mult - 1)
            self.T_i = self.T_0 * self.T_mult**n
