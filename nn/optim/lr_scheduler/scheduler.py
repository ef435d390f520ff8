"""The base of all schedules: the time, the base rates, state.  A subclass writes only `rate` and `check`."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from ...checks import check_at_least_zero
from ..optimizer import Optimizer

__all__ = [
    "LRScheduler", "check_count", "check_milestones", "check_momentum", "for_groups", "momentum_change",
]  # fmt: skip

S = TypeVar("S", bound="LRScheduler")


class LRScheduler:
    """The base of all schedules: a subclass writes `rate`, the rate at a time t, and `check`.

    Where a group starts is its ``"initial_lr"``, kept in ``optimizer.param_groups`` and with the optimizer's state;
    of its own a schedule has only t, called ``last_epoch``, and its hyperparameters.  Every rate is computed from t
    alone, so that a training goes on exactly from a state.  In PyTorch most schedules change the rate that they find;
    here one would undo what another schedule, or the program, has done to it, and its `step` raises instead
    (`SequentialLR` and `ChainedScheduler` join schedules; ``group["initial_lr"]`` is what a program may change).
    ``last_epoch`` of the constructor is the last t that is over, −1 at first.  Raises TypeError for other than an
    optimizer; ValueError for a bad hyperparameter, and for a ``last_epoch`` where a group has no initial_lr.
    """

    not_state: tuple[str, ...] = ("optimizer", "_rates")  # the attributes that are not in a file
    _rates: Sequence[float] = ()  # what the groups' rates were set to

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(self).__name__} takes an optimizer first, not a {type(optimizer).__name__}")
        self.optimizer = optimizer
        self.last_epoch = last_epoch + 1
        self._check()
        if last_epoch != -1 and not all("initial_lr" in group for group in optimizer.param_groups):
            raise ValueError(f"last_epoch {last_epoch} goes on with a schedule, but a group has no initial_lr")
        self._go_to(self.last_epoch)

    # -- what a subclass writes ---------------------------------------------------------------------------------------

    def check(self) -> None:
        """Raise ValueError for a hyperparameter out of range."""

    def rate(self, base: float, t: int) -> float:
        """The learning rate at time t of a group whose initial rate is ``base``."""
        raise NotImplementedError(f"{type(self).__name__} has no rate()")

    def changes(self, t: int, bases: Sequence[float]) -> list[dict[str, Any]]:
        """What each group has at time t, given the initial rates: the rate, and with some schedules more."""
        return [{"lr": self.rate(base, t)} for base in bases]

    # -- use ----------------------------------------------------------------------------------------------------------

    @property
    def base_lrs(self) -> list[float]:
        """The initial rate of each group; of one that was added later, the rate that it has."""
        return [group.get("initial_lr", group["lr"]) for group in self.optimizer.param_groups]

    def step(self) -> None:
        """One epoch or batch is over: set the rates of the next.

        Raises ValueError for a rate that is below 0, RuntimeError for a rate that something else has changed since this
        schedule set it; then nothing was changed.
        """
        for i, (group, rate) in enumerate(zip(self.optimizer.param_groups, self._rates, strict=False)):
            if group["lr"] != rate:
                raise RuntimeError(
                    f"{type(self).__name__} set the rate of group {i} to {rate}, now it is {group['lr']}, which this "
                    "step would undo: join schedules by SequentialLR, or by ChainedScheduler if they go together; "
                    "to change the rate by hand, change group['initial_lr'] instead"
                )
        self._go_to(self.last_epoch + 1)

    def get_last_lr(self) -> list[float]:
        """The learning rate of each group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def _check(self) -> None:
        """Check the time, and what a subclass has."""
        check_count(self, "last_epoch", 0)
        self.check()

    def _go_to(self, t: int) -> None:
        """Set what the groups are at time t; or raise, and leave them as they are."""
        groups, changes = self.optimizer.param_groups, self.changes(t, self.base_lrs)
        for group, change in zip(groups, changes, strict=True):
            self.optimizer.check({**group, **change})
        for group, change in zip(groups, changes, strict=True):
            group.setdefault("initial_lr", group["lr"])
            group.update(change)
        self._rates = [group["lr"] for group in groups]
        self.last_epoch = t

    # -- state --------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """The time and the hyperparameters, but for functions; JSON can hold it."""
        return {name: copy.copy(value) for name, value in vars(self).items() if name not in self.not_state}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over a state, and set the rates of its time; load the optimizer's state first.

        Raises ValueError for a state of another schedule and for bad values; then nothing was changed.
        """
        loaded = self._with(state_dict)
        loaded._go_to(loaded.last_epoch)
        vars(self).update(vars(loaded))

    def _with(self: S, state_dict: Mapping[str, Any]) -> S:
        """A copy in another state."""
        unknown = set(state_dict) ^ set(self.state_dict())
        if unknown:
            names = ", ".join(sorted(unknown))
            raise ValueError(f"the state is not of {type(self).__name__}: {names} do not match")
        loaded = copy.copy(self)
        vars(loaded).update({name: copy.copy(value) for name, value in state_dict.items()})
        loaded._check()
        return loaded

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value}" for name, value in vars(self).items() if name not in self.not_state)
        return f"{type(self).__name__}({shown})"


def check_count(schedule: LRScheduler, name: str, least: int) -> None:
    """Raise for an attribute that is not an integer (TypeError), or below ``least`` (ValueError)."""
    value = getattr(schedule, name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")


def check_milestones(milestones: Sequence[int]) -> None:
    """Raise ValueError for times that do not increase, or are below 0."""
    if any(a > b for a, b in zip([0, *milestones], milestones)):
        raise ValueError(f"milestones must be at least 0 and increase, got {milestones}")


def for_groups(schedule: LRScheduler, name: str) -> list[float]:
    """An attribute that is a number, or a list of one for each group, as that list.  Raises as `check` does."""
    given, n = getattr(schedule, name), len(schedule.optimizer.param_groups)
    numbers = list(given) if isinstance(given, Sequence) else [given] * n
    if len(numbers) != n:
        raise ValueError(f"{name} has {len(numbers)} numbers, the optimizer {n} parameter groups")
    for number in numbers:
        check_at_least_zero({name: number}, name)
    return numbers


def check_momentum(schedule: LRScheduler) -> None:
    """Raise ValueError for a schedule of an optimizer without momentum."""
    if not _momentum(schedule.optimizer):
        raise ValueError(f"{type(schedule.optimizer).__name__} has no momentum; give cycle_momentum=False")


def momentum_change(optimizer: Optimizer, group: Mapping[str, Any], momentum: float) -> dict[str, Any]:
    """What a group's momentum becomes, under the optimizer's name for it."""
    name = _momentum(optimizer)
    return {name: (momentum, *group[name][1:]) if name == "betas" else momentum}


def _momentum(optimizer: Optimizer) -> str:
    """What the optimizer calls its momentum; "" if it has none."""
    return next((name for name in ("momentum", "beta", "betas") if name in optimizer.defaults), "")
