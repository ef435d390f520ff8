"""Schedules: the learning rate as a function of the time t, counted in epochs or in batches.

A schedule is made with its optimizer, which then has the rate of t = 0; each `step` adds one to t.  By the cheat sheet:
`StepDecay`, `ExponentialDecay`, `InverseTimeDecay`; by PyTorch's names all the rest.

>>> import autograd_lite as al
>>> from nn.optim import SGD
>>> optimizer = SGD([al.tensor([1.0], requires_grad=True)], lr=0.8)
>>> schedule = InverseTimeDecay(optimizer, 1.0)
>>> for epoch in range(3):
...     print(optimizer.param_groups[0]["lr"])
...     schedule.step()
0.8
0.4
0.26666666666666666
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .optimizer import Optimizer, check_at_least_zero

__all__ = [
    "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "ExponentialDecay", "ExponentialLR",
    "InverseTimeDecay", "LRScheduler", "LambdaLR", "LinearLR", "MultiStepLR", "StepDecay", "StepLR",
]  # fmt: skip


class LRScheduler:
    """The base of all schedules: a subclass writes `rate`, the rate at a time t, and `check`.

    Where a group starts is its ``"initial_lr"``, kept in ``optimizer.param_groups`` and with the optimizer's state;
    of its own a schedule has only t, called ``last_epoch``, and its hyperparameters.  Every rate is computed from t
    alone, so that a training goes on exactly from a state, and a second schedule of one optimizer overrides the first
    (`SequentialLR` joins them).  ``last_epoch`` of the constructor is the last t that is over, −1 at first.  Raises
    TypeError for other than an optimizer; ValueError for a bad hyperparameter, and for a ``last_epoch`` where a group
    has no initial_lr.
    """

    not_state: tuple[str, ...] = ("optimizer",)  # the attributes that a file cannot hold

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(self).__name__} takes an optimizer first, not a {type(optimizer).__name__}")
        self.optimizer = optimizer
        self.last_epoch = last_epoch + 1
        self.check()
        if last_epoch != -1 and not all("initial_lr" in group for group in optimizer.param_groups):
            raise ValueError(f"last_epoch {last_epoch} goes on with a schedule, but a group has no initial_lr")
        self._go_to(self.last_epoch)

    # -- what a subclass writes ---------------------------------------------------------------------------------------

    def check(self) -> None:
        """Raise ValueError for a hyperparameter out of range.  A subclass goes on with ``super().check()``."""
        check_count(self, "last_epoch", 0)

    def rate(self, base: float, t: int) -> float:
        """The learning rate at time t of a group whose initial rate is ``base``."""
        raise NotImplementedError(f"{type(self).__name__} has no rate()")

    def changes(self, t: int) -> list[dict[str, Any]]:
        """What each group's hyperparameters are at time t: the rate, and for some schedules more."""
        return [{"lr": self.rate(base, t)} for base in self.base_lrs]

    # -- use ----------------------------------------------------------------------------------------------------------

    @property
    def base_lrs(self) -> list[float]:
        """The initial rate of each group; a group that was added later starts with the rate that it has."""
        return [group.setdefault("initial_lr", group["lr"]) for group in self.optimizer.param_groups]

    def step(self) -> None:
        """One epoch or batch is over: set the rates of the next.  Raises ValueError for a rate that is below 0."""
        self._go_to(self.last_epoch + 1)

    def get_last_lr(self) -> list[float]:
        """The learning rate of each group."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def _go_to(self, t: int) -> None:
        groups, changes = self.optimizer.param_groups, self.changes(t)
        for group, change in zip(groups, changes, strict=True):
            self.optimizer.check({**group, **change})
        for group, change in zip(groups, changes, strict=True):
            group.update(change)
        self.last_epoch = t

    # -- state --------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """The time and the hyperparameters, but for functions; JSON can hold it."""
        return {name: copy.copy(value) for name, value in vars(self).items() if name not in self.not_state}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over a state, and set the rates of its time; load the optimizer's state first.

        Raises ValueError for a state of another schedule and for bad values; then nothing was changed.
        """
        unknown = set(state_dict) ^ set(self.state_dict())
        if unknown:
            names = ", ".join(sorted(unknown))
            raise ValueError(f"the state is not of {type(self).__name__}: {names} do not match")
        loaded = copy.copy(self)
        vars(loaded).update({name: copy.copy(value) for name, value in state_dict.items()})
        loaded.check()
        loaded._go_to(loaded.last_epoch)
        vars(self).update(vars(loaded))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v}' for k, v in self.state_dict().items())})"


def check_count(schedule: LRScheduler, name: str, least: int) -> None:
    """Raise for an attribute that is not an integer (TypeError), or below ``least`` (ValueError)."""
    value = getattr(schedule, name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")


# -- decay ------------------------------------------------------------------------------------------------------------


class StepLR(LRScheduler):
    """``α₀ γ^⌊t/k⌋``, every k = ``step_size`` steps the rate times ``gamma``: PyTorch's names for `StepDecay`.

    Raises ValueError for a step_size below 1 and for a negative gamma.
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        super().check()
        check_count(self, "step_size", 1)
        check_at_least_zero(vars(self), "gamma")

    def rate(self, base: float, t: int) -> float:
        return base * self.gamma ** (t // self.step_size)


class StepDecay(LRScheduler):
    """``α_t = α₀ · drop^⌊t/k⌋``: every ``k`` epochs the rate times ``drop``  (cheat sheet 2.6).

    PyTorch's name is `StepLR`, with ``step_size`` and ``gamma``.  Raises ValueError for a k below 1 and for a negative
    drop.
    """

    def __init__(self, optimizer: Optimizer, drop: float, k: int, last_epoch: int = -1) -> None:
        self.drop, self.k = drop, k
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        super().check()
        check_count(self, "k", 1)
        check_at_least_zero(vars(self), "drop")

    def rate(self, base: float, t: int) -> float:
        return base * self.drop ** (t // self.k)


class MultiStepLR(LRScheduler):
    """``α₀ γ^n``, where n of the ``milestones`` are reached: t is at least as large.

    Raises ValueError for milestones that do not increase and for a negative gamma.
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones, self.gamma = list(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        super().check()
        check_milestones(self.milestones)
        check_at_least_zero(vars(self), "gamma")

    def rate(self, base: float, t: int) -> float:
        return base * self.gamma ** sum(milestone <= t for milestone in self.milestones)


def check_milestones(milestones: Sequence[int]) -> None:
    """Raise ValueError for times that do not increase, or are below 0."""
    if any(a > b for a, b in zip([0, *milestones], milestones)):
        raise ValueError(f"milestones must be at least 0 and increase, got {milestones}")


class ExponentialLR(LRScheduler):
    """``α₀ γ^t``, every step the rate times ``gamma``: `ExponentialDecay` with ``γ = e^(−λ)``.

    Raises ValueError for a negative gamma.
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        super().check()
        check_at_least_zero(vars(self), "gamma")

    def rate(self, base: float, t: int) -> float:
        return float(base * self.gamma**t)


class ExponentialDecay(LRScheduler):
    """``α_t = α₀ · e^(−λt)``, with λ = ``decay_rate``  (cheat sheet 2.6).  PyTorch: `ExponentialLR`, ``γ = e^(−λ)``.

    Raises ValueError for a negative decay rate.
    """

    def __init__(self, optimizer: Optimizer, decay_rate: float, last_epoch: int = -1) -> None:
        self.decay_rate = decay_rate
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        super().check()
        check_at_least_zero(vars(self), "decay_rate")

    def rate(self, base: float, t: int) -> float:
        return base * math.exp(-self.decay_rate * t)


class InverseTimeDecay(LRScheduler):
    """``α_t = α₀ / (1 + λt)``, with λ = ``decay_rate``  (cheat sheet 2.6).  PyTorch has none by a name of its own.

    Raises ValueError for a negative decay rate.
    """

    def __init__(self, optimizer: Optimizer, decay_rate: float, last_epoch: int = -1) -> None:
        self.decay_rate = decay_rate
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        super().check()
        check_at_least_zero(vars(self), "decay_rate")

    def rate(self, base: float, t: int) -> float:
        return base / (1 + self.decay_rate * t)


# -- cosine -----------------------------------------------------------------------------------------------------------


class CosineAnnealingLR(LRScheduler):
    """``η + (α₀ − η) (1 + cos(π t/T)) / 2``: from α₀ down to η = ``eta_min`` at T = ``T_max``, then up again.

    Source: Loshchilov & Hutter 2017, without restarts.  Raises ValueError for a T_max below 1, a negative eta_min.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        super().check()
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
        super().check()
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


# -- warm-up and forms of the user's own ------------------------------------------------------------------------------


class LinearLR(LRScheduler):
    """``α₀`` times a factor that goes from ``start_factor`` to ``end_factor`` in ``total_iters`` steps: a warm-up.

    Raises ValueError for a start_factor outside (0, 1], an end_factor outside [0, 1], and total_iters below 1.
    """

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        super().check()
        check_count(self, "total_iters", 1)
        if not 0 < self.start_factor <= 1:
            raise ValueError(f"start_factor must be in (0, 1], got {self.start_factor}")
        if not 0 <= self.end_factor <= 1:
            raise ValueError(f"end_factor must be in [0, 1], got {self.end_factor}")

    def rate(self, base: float, t: int) -> float:
        done = min(t, self.total_iters) / self.total_iters
        return base * (self.start_factor + (self.end_factor - self.start_factor) * done)


class ConstantLR(LRScheduler):
    """``α₀`` times ``factor`` for ``total_iters`` steps, and then ``α₀``.

    Raises ValueError for a factor outside [0, 1] and for total_iters below 0.
    """

    def __init__(self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5, last_epoch: int = -1) -> None:
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        super().check()
        check_count(self, "total_iters", 0)
        if not 0 <= self.factor <= 1:
            raise ValueError(f"factor must be in [0, 1], got {self.factor}")

    def rate(self, base: float, t: int) -> float:
        return base * self.factor if t < self.total_iters else base


class LambdaLR(LRScheduler):
    """``α₀ · f(t)``, with a function f, or a list of one for each group.

    Raises ValueError for another number of functions than there are groups.
    """

    not_state = ("optimizer", "lr_lambda")

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        self.lr_lambda = lr_lambda
        super().__init__(optimizer, last_epoch)

    def changes(self, t: int) -> list[dict[str, Any]]:
        given, bases = self.lr_lambda, self.base_lrs
        functions = [given] * len(bases) if callable(given) else list(given)
        if len(functions) != len(bases):
            raise ValueError(f"LambdaLR got {len(functions)} functions for {len(bases)} parameter groups")
        return [{"lr": base * function(t)} for base, function in zip(bases, functions, strict=True)]
