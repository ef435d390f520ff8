"""Schedules that rise and fall again and again."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ...checks import check_at_least_zero
from ..optimizer import Optimizer
from .scheduler import LRScheduler, check_momentum, for_groups, momentum_change

__all__ = ["CyclicLR"]


class CyclicLR(LRScheduler):
    """Up from ``base_lr`` to ``max_lr`` in a straight line, within ``step_size_up`` steps, and down again; and so on.

    Down takes ``step_size_down`` steps, if given, else as many as up.  The height of a cycle is ``max_lr − base_lr``
    with ``mode`` "triangular", half of the height before with "triangular2", and ``gamma^t`` of it with "exp_range";
    or a ``scale_fn`` is given, of the number of the cycle, from 1, or with ``scale_mode`` "iterations" of t.  With
    ``cycle_momentum`` the momentum (``momentum``, ``beta``, or the first of ``betas``) goes from ``max_momentum`` down
    to ``base_momentum`` and back.  Rates and momenta are a number, or a list of one for each group: the optimizer's own
    rates do not count.  Source: Smith 2017; all as in PyTorch.

    Raises ValueError for a bad hyperparameter, and for an optimizer without momentum; TypeError for a ``scale_fn`` that
    is no function.
    """

    not_state = (*LRScheduler.not_state, "scale_fn")

    def __init__(
        self, optimizer: Optimizer, base_lr: float | Sequence[float], max_lr: float | Sequence[float],
        step_size_up: float = 2000, step_size_down: float | None = None, mode: str = "triangular", gamma: float = 1.0,
        scale_fn: Callable[[int], float] | None = None, scale_mode: str = "cycle", cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.8, max_momentum: float | Sequence[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        self.base_lr, self.max_lr = _listed(base_lr), _listed(max_lr)
        self.step_size_up = step_size_up
        self.step_size_down = step_size_up if step_size_down is None else step_size_down
        self.mode, self.gamma, self.scale_fn, self.scale_mode = mode, gamma, scale_fn, scale_mode
        self.cycle_momentum = cycle_momentum
        self.base_momentum, self.max_momentum = _listed(base_momentum), _listed(max_momentum)
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        for name in ("base_lr", "max_lr", "base_momentum", "max_momentum"):
            for_groups(self, name)
        check_at_least_zero(vars(self), "step_size_up", "step_size_down", "gamma")
        if self.step_size_up == 0:
            raise ValueError(f"step_size_up must be above 0, got {self.step_size_up}")
        if self.mode not in ("triangular", "triangular2", "exp_range"):
            raise ValueError(f"mode must be 'triangular', 'triangular2' or 'exp_range', got {self.mode!r}")
        if self.scale_mode not in ("cycle", "iterations"):
            raise ValueError(f"scale_mode must be 'cycle' or 'iterations', got {self.scale_mode!r}")
        if not (self.scale_fn is None or callable(self.scale_fn)):
            raise TypeError(f"scale_fn must be a function of a number, got {self.scale_fn!r}")
        if self.cycle_momentum:
            check_momentum(self)

    def changes(self, t: int, bases: Sequence[float]) -> list[dict[str, Any]]:
        up, down = self.step_size_up, self.step_size_down
        cycle, place = divmod(t, up + down)
        height = (place / up if place <= up else (up + down - place) / down) * self._scale(t, math.floor(cycle) + 1)
        ends = [for_groups(self, name) for name in ("base_lr", "max_lr", "base_momentum", "max_momentum")]
        changes = []
        for group, low, high, least, most in zip(self.optimizer.param_groups, *ends, strict=True):
            change: dict[str, Any] = {"lr": low + (high - low) * height}
            if self.cycle_momentum:
                change |= momentum_change(self.optimizer, group, most - (most - least) * height)
            changes.append(change)
        return changes

    def _scale(self, t: int, cycle: int) -> float:
        """What the height of a cycle, counted from 1, is multiplied by at time t."""
        if self.scale_fn is not None:
            return self.scale_fn(cycle if self.scale_mode == "cycle" else t)
        if self.mode == "triangular2":
            return 0.5 ** (cycle - 1)
        return self.gamma**t if self.mode == "exp_range" else 1.0


def _listed(given: float | Sequence[float]) -> float | list[float]:
    """A number as it is, a sequence as a list of its own."""
    return list(given) if isinstance(given, Sequence) else given
