"""A schedule that answers to a figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, SupportsFloat

from ...checks import check_at_least_zero
from ..optimizer import Optimizer
from .scheduler import LRScheduler, check_count, for_groups

__all__ = ["ReduceLROnPlateau"]


class ReduceLROnPlateau(LRScheduler):
    """Multiplies the rates by ``factor`` when a figure, given to each `step`, has stopped getting better.

    It has when more than ``patience`` steps in a row were no better; those of a ``cooldown`` after that do not count.
    ``mode`` "min": smaller is better; "max": larger.  Better means by more than ``threshold``, as a part of the best
    figure so far (``threshold_mode`` "rel") or as it is ("abs"); NaN never is.  No rate goes below ``min_lr``, a number
    or a list of one for each group; changes of at most ``eps`` are not made.  All as in PyTorch.  The rates themselves
    are in the optimizer's state.  Raises ValueError for a bad hyperparameter.
    """

    def __init__(
        self, optimizer: Optimizer, mode: str = "min", factor: float = 0.1, patience: int = 10,
        threshold: float = 1e-4, threshold_mode: str = "rel", cooldown: int = 0,
        min_lr: float | Sequence[float] = 0.0, eps: float = 1e-8,
    ) -> None:  # fmt: skip
        self.mode, self.factor, self.patience, self.cooldown, self.eps = mode, factor, patience, cooldown, eps
        self.threshold, self.threshold_mode = threshold, threshold_mode
        self.min_lr = list(min_lr) if isinstance(min_lr, Sequence) else min_lr
        self.best: float | None = None
        self.num_bad_epochs = self.cooldown_counter = 0
        super().__init__(optimizer)

    def check(self) -> None:
        if self.mode not in ("min", "max"):
            raise ValueError(f"mode must be 'min' or 'max', got {self.mode!r}")
        if self.threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold_mode must be 'rel' or 'abs', got {self.threshold_mode!r}")
        if not 0 <= self.factor < 1:
            raise ValueError(f"factor must be in [0, 1), got {self.factor}")
        for name in ("patience", "cooldown", "num_bad_epochs", "cooldown_counter"):
            check_count(self, name, 0)
        check_at_least_zero(vars(self), "threshold", "eps")
        for_groups(self, "min_lr")

    def changes(self, t: int, bases: Sequence[float]) -> list[dict[str, Any]]:
        """Nothing: t alone decides nothing here."""
        return [{} for _ in self.optimizer.param_groups]

    def step(self, metrics: SupportsFloat) -> None:  # type: ignore[override]
        """One epoch is over, with the figure ``metrics``: a number, or a Tensor of one."""
        figure = float(metrics)
        if self._is_better(figure):
            self.best, self.num_bad_epochs = figure, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
            for group, least in zip(self.optimizer.param_groups, for_groups(self, "min_lr"), strict=True):
                rate = max(group["lr"] * self.factor, least)
                if group["lr"] - rate > self.eps:
                    group["lr"] = rate
        self.last_epoch += 1

    def _is_better(self, figure: float) -> bool:
        if self.best is None:
            return not math.isnan(figure)
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "rel":
            return sign * figure > sign * self.best * (1 + sign * self.threshold)
        return sign * figure > sign * self.best + self.threshold
