"""What is asked of numbers that are given: a type, and a least value."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

__all__ = ["check_number", "check_whole"]


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
