"""Schedules joined: one after the other, or all at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from ..optimizer import Optimizer
from .plateau import ReduceLROnPlateau
from .scheduler import LRScheduler, check_milestones

__all__ = ["ChainedScheduler", "SequentialLR"]

J = TypeVar("J", bound="_Joined")


class _Joined(LRScheduler):
    """Schedules of one optimizer, ``schedulers``, and their state."""

    schedulers: list[LRScheduler]

    def check(self) -> None:
        _check_parts(self.schedulers)
        for i, schedule in enumerate(self.schedulers):
            if schedule.optimizer is not self.optimizer:
                raise ValueError(f"schedule {i}, a {type(schedule).__name__}, is of another optimizer")

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "schedulers": [schedule.state_dict() for schedule in self.schedulers]}

    def _with(self: J, state_dict: Mapping[str, Any]) -> J:
        own, states = self.schedulers, state_dict.get("schedulers", [])
        if len(states) != len(own):
            raise ValueError(f"the state has {len(states)} schedules, this {type(self).__name__} {len(own)}")
        loaded = [schedule._with(state) for schedule, state in zip(own, states, strict=True)]
        return super()._with({**state_dict, "schedulers": loaded})


class SequentialLR(_Joined):
    """One schedule after the other: the next begins, with its t = 0, at each of the ``milestones``.

    Raises ValueError for other than one milestone between each two schedules, milestones that do not increase, and a
    schedule of another optimizer; TypeError for what is not a schedule of t.

    >>> import autograd_lite as al
    >>> from nn.optim import SGD
    >>> optimizer = SGD([al.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> from nn.optim.lr_scheduler import CosineAnnealingLR, LinearLR
    >>> warm_up = LinearLR(optimizer, start_factor=0.25, total_iters=3)
    >>> schedule = SequentialLR(optimizer, [warm_up, CosineAnnealingLR(optimizer, T_max=4)], milestones=[3])
    >>> [schedule.changes(t, [1.0])[0]["lr"] for t in range(6)]
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
        super().check()

    def changes(self, t: int, bases: Sequence[float]) -> list[dict[str, Any]]:
        i = bisect_right(self.milestones, t)
        return self.schedulers[i].changes(t - ([0, *self.milestones][i]), bases)


class ChainedScheduler(_Joined):
    """All schedules at once: each begins with the rate that the one before it has at t, the first with α₀.

    Of schedules that are α₀ times a factor, such as `ConstantLR`, `ExponentialLR` and `PolynomialLR`, the factors
    multiply, as in PyTorch; a rate that does not fall to 0 (``eta_min``) is taken as it is, where PyTorch's depends on
    the steps before.  Their own times are that of the chain.  Raises ValueError for no schedules, a schedule of another
    optimizer, and schedules at different times; TypeError for what is not a schedule of t.

    >>> import autograd_lite as al
    >>> from nn.optim import SGD
    >>> optimizer = SGD([al.tensor([1.0], requires_grad=True)], lr=1.0)
    >>> from nn.optim.lr_scheduler import ConstantLR, ExponentialLR
    >>> schedule = ChainedScheduler([ConstantLR(optimizer, 0.25, total_iters=2), ExponentialLR(optimizer, 0.5)])
    >>> [schedule.changes(t, [1.0])[0]["lr"] for t in range(4)]
    [0.25, 0.125, 0.25, 0.125]
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        self.schedulers = list(schedulers)
        _check_parts(self.schedulers)
        first = self.schedulers[0]
        super().__init__(first.optimizer if optimizer is None else optimizer, first.last_epoch - 1)

    def check(self) -> None:
        super().check()
        times = [schedule.last_epoch for schedule in self.schedulers]
        if len(set(times)) > 1:
            raise ValueError(f"the schedules of a ChainedScheduler go together, but they are at the times {times}")

    def changes(self, t: int, bases: Sequence[float]) -> list[dict[str, Any]]:
        joined: list[dict[str, Any]] = [{"lr": base} for base in bases]
        for schedule in self.schedulers:
            changes = schedule.changes(t, [change["lr"] for change in joined])
            joined = [{**before, **change} for before, change in zip(joined, changes, strict=True)]
        return joined


def _check_parts(schedules: Sequence[Any]) -> None:
    """Raise for no schedules (ValueError), and for what is not a schedule of t (TypeError)."""
    if not schedules:
        raise ValueError("there are no schedules to join: the list is empty")
    for i, schedule in enumerate(schedules):
        if not isinstance(schedule, LRScheduler) or isinstance(schedule, ReduceLROnPlateau):
            raise TypeError(f"schedule {i} is a {type(schedule).__name__}, not a schedule of t")
