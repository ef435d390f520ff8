"""Schedules that fall, or rise to warm up, by a formula of t."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ...checks import check_at_least_zero
from ..optimizer import Optimizer
from .scheduler import LRScheduler, check_count, check_milestones

__all__ = [
    "ConstantLR", "ExponentialDecay", "ExponentialLR", "InverseTimeDecay", "LambdaLR", "LinearLR", "MultiStepLR",
    "MultiplicativeLR", "PolynomialLR", "StepDecay", "StepLR",
]  # fmt: skip


class StepLR(LRScheduler):
    """``α₀ γ^⌊t/k⌋``, every k = ``step_size`` steps the rate times ``gamma``: PyTorch's names for `StepDecay`.

    Raises ValueError for a step_size below 1 and for a negative gamma.
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
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
        check_milestones(self.milestones)
        check_at_least_zero(vars(self), "gamma")

    def rate(self, base: float, t: int) -> float:
        return base * self.gamma ** sum(milestone <= t for milestone in self.milestones)


class ExponentialLR(LRScheduler):
    """``α₀ γ^t``, every step the rate times ``gamma``: `ExponentialDecay` with ``γ = e^(−λ)``.

    Raises ValueError for a negative gamma.
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        check_at_least_zero(vars(self), "gamma")

    def rate(self, base: float, t: int) -> float:
        return float(base * self.gamma**t)


class _Decay(LRScheduler):
    """What falls by a rate of its own, λ = ``decay_rate``."""

    def __init__(self, optimizer: Optimizer, decay_rate: float, last_epoch: int = -1) -> None:
        self.decay_rate = decay_rate
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        check_at_least_zero(vars(self), "decay_rate")


class ExponentialDecay(_Decay):
    """``α_t = α₀ · e^(−λt)``, with λ = ``decay_rate``  (cheat sheet 2.6).  PyTorch: `ExponentialLR`, ``γ = e^(−λ)``.

    Raises ValueError for a negative decay rate.
    """

    def rate(self, base: float, t: int) -> float:
        return base * math.exp(-self.decay_rate * t)


class InverseTimeDecay(_Decay):
    """``α_t = α₀ / (1 + λt)``, with λ = ``decay_rate``  (cheat sheet 2.6).  PyTorch has none by a name of its own.

    Raises ValueError for a negative decay rate.
    """

    def rate(self, base: float, t: int) -> float:
        return base / (1 + self.decay_rate * t)


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
        check_count(self, "total_iters", 0)
        if not 0 <= self.factor <= 1:
            raise ValueError(f"factor must be in [0, 1], got {self.factor}")

    def rate(self, base: float, t: int) -> float:
        return base * self.factor if t < self.total_iters else base


class PolynomialLR(LRScheduler):
    """``α₀ (1 − t/T)^p``, down to 0 at T = ``total_iters``, and 0 from then on; p = ``power``.

    Source: Liu et al. 2015 (ParseNet), where it is called poly.  Raises ValueError for total_iters below 1 and for a
    negative power.
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def check(self) -> None:
        check_count(self, "total_iters", 1)
        check_at_least_zero(vars(self), "power")

    def rate(self, base: float, t: int) -> float:
        return float(base * (1 - min(t, self.total_iters) / self.total_iters) ** self.power)


class LambdaLR(LRScheduler):
    """``α₀ · f(t)``, with a function f, or a list of one for each group.

    Raises ValueError for another number of functions than there are groups.
    """

    not_state = (*LRScheduler.not_state, "lr_lambda")

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        self.lr_lambda = lr_lambda
        super().__init__(optimizer, last_epoch)

    def changes(self, t: int, bases: Sequence[float]) -> list[dict[str, Any]]:
        given = self.lr_lambda
        functions = [given] * len(bases) if callable(given) else list(given)
        if len(functions) != len(bases):
            raise ValueError(f"{type(self).__name__} got {len(functions)} functions for {len(bases)} parameter groups")
        return [{"lr": base * self.factor(function, t)} for base, function in zip(bases, functions, strict=True)]

    def factor(self, function: Callable[[int], float], t: int) -> float:
        """What the initial rate is multiplied by at time t."""
        return function(t)


class MultiplicativeLR(LambdaLR):
    """``α_t = α_(t−1) · f(t)``, so ``α₀ · f(1) f(2) … f(t)``, with a function f, or a list of one for each group.

    f must depend on t alone.  Raises as `LambdaLR` does.
    """

    not_state = (*LambdaLR.not_state, "_products")

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        self._products: dict[int, list[float]] = {}  # of each function, by its id, at t = 0, 1, …: each computed once
        super().__init__(optimizer, lr_lambda, last_epoch)

    def factor(self, function: Callable[[int], float], t: int) -> float:
        products = self._products.setdefault(id(function), [1.0])
        while len(products) <= t:
            products.append(products[-1] * function(len(products)))
        return products[t]
