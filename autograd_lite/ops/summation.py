"""Sums that stay accurate: NumPy adds pairwise along the last axis, but row by row along the others."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .out import deliver

__all__ = ["add_up"]

reduce: Any = np.add.reduce

MANY = 1024  # rows, added one after the other, after which float32 has lost three of its seven digits at worst


def add_up(
    x: Any, axes: tuple[int, ...] | None, dtype: Any = None, out: np.ndarray | None = None, keepdims: bool = False
) -> Any:
    """``np.add.reduce``, in higher precision where many rows are added.

    ``axes`` count from the front.  Relative error of the sum of a million float32 rows: 1e-2 by NumPy, 1e-7 here.
    """
    if dtype is not None or np.size(x) < MANY or x.dtype.itemsize > 4 or x.dtype.kind != "f":
        return reduce(x, axes, dtype, out, keepdims)
    if x.dtype == np.float16:
        wide: Any = np.float32
    elif axes is not None and math.prod([n for i, n in enumerate(x.shape[:-1]) if i in axes]) >= MANY:
        wide = np.float64
    else:
        return reduce(x, axes, None, out, keepdims)
    return deliver(reduce(x, axes, wide, None, keepdims).astype(x.dtype), out)
