"""What is asked of numbers that are given: a type, and a least value."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["check_at_least_zero", "check_below_one", "check_number", "check_whole"]


def check_number(name: str, value: Any) -> None:
    """Raise TypeError for what is not a real number; True and False are none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise TypeError(f"{name} must be a number, got {value!r:.60}")


def check_whole(name: str, value: Any, least: int) -> None:
    """Raise TypeError for what is not a whole number, ValueError for one below ``least``."""
    try:
        number = None if isinstance(value, (bool, np.bool_)) else operator.index(value)
    except TypeError:
        number = None
    if number is None:
        raise TypeError(f"{name} must be a whole number, got {value!r:.60}")
    if number < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")


def check_at_least_zero(group: Mapping[str, Any], *names: str) -> None:
    """Raise ValueError for a hyperparameter that is negative, NaN or infinite, TypeError for what is no number."""
    for name in names:
        value = group[name]
        check_number(name, value)
        if not 0 <= value < float("inf"):
            raise ValueError(f"{name} must be at least 0 and finite, got {value}")


def check_below_one(group: Mapping[str, Any], *names: str) -> None:
    """Raise ValueError for a weight of an average, β, that is not in [0, 1)."""
    check_at_least_zero(group, *names)
    for name in names:
        if group[name] >= 1:
            raise ValueError(f"{name} must be in [0, 1), got {group[name]}")
