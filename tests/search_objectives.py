"""Objectives that worker processes can import."""

from __future__ import annotations

import math
import os
from typing import Any

from autograd_lite.kernels import threads


def bowl(lr: float, other: float = 0.0, peak: float = 0.01) -> float:
    """1 where ``lr`` is ``peak``; ``other`` hardly matters."""
    return math.exp(-((math.log10(lr / peak) / 0.5) ** 2)) + 1e-3 * other


def choosy(n: int) -> float:
    """Fails in several ways."""
    if n == 1:
        raise ValueError("one is not liked")
    if n == 2:
        raise SystemExit(3)
    if n == 3:
        return math.nan
    if n == 4:
        raise Unsendable(lambda: 0)
    return float(n)


class Unsendable(Exception):
    """An error that holds what cannot go from process to process."""

    def __init__(self, what: Any) -> None:
        super().__init__("unsendable")
        self.what = what


def deadly(n: int) -> float:
    """Ends its process for some values."""
    if n % 5 == 2:
        os._exit(1)
    return float(n)


def number_of_threads(n: int) -> float:
    return float(threads.get_num_threads())
