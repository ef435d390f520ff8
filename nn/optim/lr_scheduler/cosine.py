"""Schedules along waves of the cosine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ...checks import check_at_least_zero
from ..optimizer import Optimizer
from .scheduler import LRScheduler, check_count, check_momentum, for_groups, momentum_change

__all__ = ["CosineAnnealingLR", "CosineAnnealingWarmRestarts", "OneCycleLR"]


class CosineAnnealingLR(LRScheduler):
    """``η + (α₀ − η) (1 + cos(π t/T)) / 2``: from α₀ down to η = ``eta_min`` at T = ``T_max``, then up again.

    Source: Loshchilov & Hutter 2017, without restarts.  Raises ValueError for a T_max below 1, a negative eta_min.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        check_count(self, "T_max", 1)
        check_at_least_zero(vars(self), "eta_min")

    def rate(self, base: float, t: int) -> float:
        return cosine(base, self.eta_min, t / self.T_max)


class CosineAnnealingWarmRestarts(LRScheduler):
    """`CosineAnnealingLR` again and again from α₀: down within T = ``T_0`` steps, then within ``T_mult`` times as many.

    Source: Loshchilov & Hutter 2017.  Raises ValueError for T_0 or T_mult below 1, a negative eta_min.
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        self.T_0, self.T_mult, self.eta_min = T_0, T_mult, eta_min
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        check_count(self, "T_0", 1)
        check_count(self, "T_mult", 1)
        check_at_least_zero(vars(self), "eta_min")

    def rate(self, base: float, t: int) -> float:
        length = self.T_0
        if self.T_mult == 1:
            t %= length
        while t >= length:
            t -= length
            length *= self.T_mult
        return cosine(base, self.eta_min, t / length)


def cosine(start: float, end: float, part: float) -> float:
    """From ``start`` to ``end`` along half a wave of the cosine, of which ``part`` is done: 0 … 1."""
    return end + (start - end) * (1 + math.cos(math.pi * part)) / 2


class OneCycleLR(LRScheduler):
    """Up from ``max_lr / div_factor`` to ``max_lr`` in the first ``pct_start`` of all steps, then down to nearly 0.

    The end is the start divided by ``final_div_factor``; ``three_phase`` goes down to the start as fast as up, then on
    to the end.  ``max_lr`` is a number, or a list of one for each group: the optimizer's own rates do not count.
    ``total_steps`` is given, or ``epochs`` and ``steps_per_epoch``; ``anneal_strategy`` is "cos" or "linear".  With
    ``cycle_momentum`` the momentum (``momentum``, ``beta``, or the first of ``betas``) goes from ``max_momentum`` down
    to ``base_momentum`` and back.  Source: Smith & Topin 2018; numbers as in PyTorch.

    Raises ValueError for a bad hyperparameter, for an optimizer without momentum, and for a step past the end.
    """

    def __init__(
        self, optimizer: Optimizer, max_lr: float | Sequence[float], total_steps: int | None = None,
        epochs: int | None = None, steps_per_epoch: int | None = None, pct_start: float = 0.3,
        anneal_strategy: str = "cos", cycle_momentum: bool = True, base_momentum: float = 0.85,
        max_momentum: float = 0.95, div_factor: float = 25.0, final_div_factor: float = 1e4,
        three_phase: bool = False, last_epoch: int = -1,
    ) -> None:  # fmt: skip
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ValueError("OneCycleLR needs total_steps, or epochs and steps_per_epoch")
            total_steps = epochs * steps_per_epoch
        self.max_lr = list(max_lr) if isinstance(max_lr, Sequence) else max_lr
        self.total_steps, self.pct_start, self.three_phase = total_steps, pct_start, three_phase
        self.anneal_strategy, self.cycle_momentum = anneal_strategy, cycle_momentum
        self.base_momentum, self.max_momentum = base_momentum, max_momentum
        self.div_factor, self.final_div_factor = div_factor, final_div_factor
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        check_count(self, "total_steps", 1)
        for_groups(self, "max_lr")
        check_at_least_zero(vars(self), "base_momentum", "max_momentum")
        if not 0 <= self.pct_start <= (0.5 if self.three_phase else 1):
            raise ValueError(f"pct_start must be in [0, 1], with three_phase in [0, 0.5], got {self.pct_start}")
        for name in ("div_factor", "final_div_factor"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be above 0 and finite, got {getattr(self, name)}")
        if self.anneal_strategy not in ANNEALING:
            raise ValueError(f"anneal_strategy must be 'cos' or 'linear', got {self.anneal_strategy!r}")
        if self.cycle_momentum:
            check_momentum(self)

    def changes(self, t: int, bases: Sequence[float]) -> list[dict[str, Any]]:
        if t > self.total_steps:
            raise ValueError(f"step {t} is past the end: this OneCycleLR has {self.total_steps} steps")
        phase, part = self._phase(t)
        anneal = ANNEALING[self.anneal_strategy]
        low, high = self.max_momentum, self.base_momentum  # where the rate is low and high
        ends = (low, high, low, low) if self.three_phase else (low, high, low)
        momentum = anneal(ends[phase], ends[phase + 1], part)
        changes = []
        for group, peak in zip(self.optimizer.param_groups, for_groups(self, "max_lr"), strict=True):
            start = peak / self.div_factor
            end = start / self.final_div_factor
            rates = (start, peak, start, end) if self.three_phase else (start, peak, end)
            change: dict[str, Any] = {"lr": anneal(rates[phase], rates[phase + 1], part)}
            if self.cycle_momentum:
                change |= momentum_change(self.optimizer, group, momentum)
            changes.append(change)
        return changes

    def _phase(self, t: int) -> tuple[int, float]:
        """In which phase t lies, and which part of it is done; after the last step the last one is."""
        up = self.pct_start * self.total_steps
        ends = [up - 1, 2 * up - 2, self.total_steps - 1] if self.three_phase else [up - 1, self.total_steps - 1]
        phase = next((i for i, end in enumerate(ends) if t <= end), len(ends) - 1)
        start, end = [0, *ends][phase], ends[phase]
        return phase, min(1.0, (t - start) / (end - start)) if end > start else 1.0


def linear(start: float, end: float, part: float) -> float:
    """From ``start`` to ``end`` in a straight line."""
    return start + (end - start) * part


ANNEALING = {"cos": cosine, "linear": linear}
