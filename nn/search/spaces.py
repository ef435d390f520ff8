"""Where a search looks: for each hyperparameter the values it may have, on the scale that suits it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = [
    "SHEET", "Choice", "Integer", "LogUniform", "OneMinusLogUniform", "Point", "PowerOfTwo", "Space", "Spaces",
    "Uniform", "grid_points", "random_point",
]  # fmt: skip

Point = dict[str, Any]  # a value for each hyperparameter


class Space:
    """The values of one hyperparameter, as the image of [0, 1]: `at` maps it so that equal parts are equally likely."""

    log = False  # whether a plot has a log axis

    def at(self, u: float) -> Any:
        """The value at ``u`` in [0, 1]."""
        raise NotImplementedError(f"{type(self).__name__} has no at()")

    def grid(self, steps: int) -> list[Any]:
        """At most ``steps`` different values, evenly spaced from end to end; one step is the middle."""
        spots = np.linspace(0, 1, steps) if steps > 1 else [0.5]
        return list(dict.fromkeys([self.at(float(u)) for u in spots]))

    def place(self, name: str, value: Any) -> tuple[str, Any]:
        """What a plot's axis is called, and where on it the value lies."""
        return name, value


def _check_ends(space: Any, lowest: float, highest: float = math.inf) -> None:
    """Raise ValueError unless ``lowest ≤ low ≤ high ≤ highest``."""
    for end in (space.low, space.high):
        if isinstance(end, bool) or not isinstance(end, (int, float)):
            raise TypeError(f"{type(space).__name__} needs numbers, got {end!r}")
    if not lowest <= space.low <= space.high <= highest or math.isinf(space.high):
        within = f" within [{lowest:g}, {highest:g}]" if math.isfinite(lowest) else " that are finite"
        raise ValueError(f"{type(space).__name__} needs low ≤ high{within}, got {space.low} and {space.high}")


@dataclass(frozen=True)
class Uniform(Space):
    """A number between ``low`` and ``high``.  Raises ValueError for ``low > high``."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _check_ends(self, -math.inf)

    def at(self, u: float) -> float:
        return min(max(self.low + (self.high - self.low) * u, self.low), self.high)


@dataclass(frozen=True)
class LogUniform(Space):
    """A number above 0, of which each order of magnitude is equally likely: ``α = 10⁻ⁿ`` (cheat sheet 3.4).

    Raises ValueError for ``low > high`` and ends not above 0.

    >>> [f"{rate:g}" for rate in LogUniform(1e-5, 1.0).grid(6)]
    ['1e-05', '0.0001', '0.001', '0.01', '0.1', '1']
    """

    low: float
    high: float
    log = True

    def __post_init__(self) -> None:
        _check_ends(self, math.ulp(0.0))

    def at(self, u: float) -> float:
        return float(min(max(self.low ** (1 - u) * self.high**u, self.low), self.high))


@dataclass(frozen=True)
class OneMinusLogUniform(Space):
    """A number β below 1 whose distance to 1 is log-uniform: ``β = 1 − 10⁻ⁿ`` (cheat sheet 3.4).

    So 0.9 to 0.99 is as likely as 0.99 to 0.999, as the number of averaged steps, 1/(1 − β), demands.  Raises
    ValueError for ``low > high`` and ends outside [0, 1).

    >>> [f"{beta:g}" for beta in OneMinusLogUniform(0.0, 0.999).grid(4)]
    ['0', '0.9', '0.99', '0.999']
    """

    low: float
    high: float
    log = True

    def __post_init__(self) -> None:
        _check_ends(self, 0.0, math.nextafter(1.0, 0.0))

    def at(self, u: float) -> float:
        longest, shortest = 1 - self.low, 1 - self.high
        return float(min(max(1 - longest ** (1 - u) * shortest**u, self.low), self.high))

    def place(self, name: str, value: Any) -> tuple[str, Any]:
        return f"1 − {name}", 1 - value


@dataclass(frozen=True)
class Integer(Space):
    """A whole number from ``low`` to ``high``, both included, as of layers or neurons  (cheat sheet 3.4).

    With ``log`` each order of magnitude is equally likely.  Raises TypeError for ends that are not integers, ValueError
    for ``low > high`` and with ``log`` for ends below 1.
    """

    low: int
    high: int
    log: bool = False

    def __post_init__(self) -> None:
        _check_whole(self)
        _check_ends(self, 1 if self.log else -math.inf)

    def at(self, u: float) -> int:
        count = self.high + 1 - self.low
        raw = self.low * ((self.high + 1) / self.low) ** u if self.log else self.low + count * u
        return min(max(math.floor(raw), self.low), self.high)


def _check_whole(space: Any) -> None:
    if not (isinstance(space.low, int) and isinstance(space.high, int)):
        raise TypeError(f"{type(space).__name__} needs whole numbers, got {space.low!r} and {space.high!r}")


@dataclass(frozen=True)
class PowerOfTwo(Space):
    """A power of 2 from ``low`` to ``high``, both powers of 2, as for mini-batches (cheat sheet 3.4).

    Raises TypeError for ends that are not integers, ValueError for ``low > high`` and ends that are no powers of 2.

    >>> PowerOfTwo(16, 128).grid(4)
    [16, 32, 64, 128]
    """

    low: int
    high: int
    log = True

    def __post_init__(self) -> None:
        _check_whole(self)
        _check_ends(self, 1)
        for end in (self.low, self.high):
            if end & (end - 1):
                raise ValueError(f"PowerOfTwo needs powers of 2, got {end}")

    def at(self, u: float) -> int:
        return 1 << Integer(self.low.bit_length() - 1, self.high.bit_length() - 1).at(u)


@dataclass(frozen=True, init=False)
class Choice(Space):
    """One of several values: numbers, strings, True, False or None, which a file of results can hold.

    Raises ValueError for no values, TypeError for others (give a name, and look the object up by it).
    """

    values: tuple[Any, ...]

    def __init__(self, *values: Any) -> None:
        if not values:
            raise ValueError("Choice needs at least one value")
        for value in values:
            if not (value is None or isinstance(value, (bool, int, float, str))):
                raise TypeError(f"Choice takes numbers, strings, True, False and None, not {value!r:.60}")
        object.__setattr__(self, "values", values)

    def at(self, u: float) -> Any:
        return self.values[Integer(0, len(self.values) - 1).at(u)]

    def place(self, name: str, value: Any) -> tuple[str, Any]:
        return name, str(value)


Spaces = Mapping[str, Space]

SHEET: Spaces = {
    "lr": LogUniform(1e-5, 1.0),
    "momentum": OneMinusLogUniform(0.0, 0.9999999),
    "hidden": Integer(8, 256, log=True),
    "batch_size": PowerOfTwo(8, 256),
    "layers": Integer(1, 4),
    "decay": LogUniform(1e-4, 1.0),
    "beta1": OneMinusLogUniform(0.0, 0.99),
    "beta2": OneMinusLogUniform(0.9, 0.9999),
    "eps": LogUniform(1e-10, 1e-4),
}  # fmt: skip
"""Every hyperparameter of the cheat sheet's list, in its order of importance  (cheat sheet 3.4).

The ranges of the rate and the momentum are the sheet's own, the others are usual ones.  Take what your model has:
``{name: SHEET[name] for name in ("lr", "hidden")}``.
"""


def random_point(spaces: Spaces, seed: int, number: int) -> Point:
    """The point of a trial; it depends on nothing but the spaces, the seed and the trial's number."""
    rng = np.random.Generator(np.random.PCG64([seed, number]))
    return {name: space.at(float(rng.random())) for name, space in spaces.items()}


def grid_points(spaces: Spaces, steps: int) -> list[Point]:
    """Every combination of at most ``steps`` values of each space, the last space changing fastest."""
    points: list[Point] = [{}]
    for name, space in spaces.items():
        points = [{**point, name: value} for point in points for value in space.grid(steps)]
    return points
