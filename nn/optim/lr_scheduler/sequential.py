"""Schedules joined."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from ..optimizer import Optimizer
from .plateau import ReduceLROnPlateau
from .scheduler import LRScheduler, check_milestones

__all__ = ["SequentialLR"]


class SequentialLR(LRScheduler):
    """One schedule after the other: the next begins, with its t = 0, at each of the ``milestones``.

    Raises ValueError for other than one milestone between each two schedules, milestones that do not increase, and a
    schedule of another optimizer; TypeError for what is not a schedule of t.

    >>> import autograd_lite as al
    >>> from nn.optim import SGD
    >>> optimizer = SGD([al.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> from nn.optim.lr_scheduler import CosineAnnealingLR, LinearLR
    >>> warm_up = LinearLR(optimizer, start_factor=0.25, total_iters=3)
    >>> schedule = SequentialLR(optimizer, [warm_up, CosineAnnealingLR(optimizer, T_max=4)], milestones=[3])
    >>> [schedule.changes(t)[0]["lr"] for t in range(6)]
    [0.25, 0.5, 0.75, 1.0, 0.8535533905932737, 0.5]
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int], last_epoch: int = -1
    ) -> None:
        self.schedulers, self.milestones = list(schedulers), list(milestones)
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        check_milestones(self.milestones)
        if len(self.schedulers) != len(self.milestones) + 1:
            raise ValueError(f"{len(self.schedulers)} schedules need one milestone fewer, got {self.milestones}")
        for i, schedule in enumerate(self.schedulers):
            if not isinstance(schedule, LRScheduler) or isinstance(schedule, ReduceLROnPlateau):
                raise TypeError(f"schedule {i} is a {type(schedule).__name__}, not a schedule of t")
            if schedule.optimizer is not self.optimizer:
                raise ValueError(f"schedule {i}, a {type(schedule).__name__}, is of another optimizer")

    def changes(self, t: int) -> list[dict[str, Any]]:
        i = bisect_right(self.milestones, t)
        return self.schedulers[i].changes(t - ([0, *self.milestones][i]))

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "schedulers": [schedule.state_dict() for schedule in self.schedulers]}

    def _with(self, state_dict: Mapping[str, Any]) -> SequentialLR:
        own, states = self.schedulers, state_dict.get("schedulers", [])
        if len(states) != len(own):
            raise ValueError(f"the state has {len(states)} schedules, this {type(self).__name__} {len(own)}")
        loaded = [schedule._with(state) for schedule, state in zip(own, states, strict=True)]
        return super()._with({**state_dict, "schedulers": loaded})
