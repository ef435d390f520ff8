"""Memory for large results, used again when nobody holds it any more.

glibc gives a block of some hundred kilobytes back to the operating system as soon as it is freed, if the heap happens
to lie so, and the next result is paid for page by page: the SGD step of a 784-128-64-10 network then takes 0.95
instead of 0.6 ms.  `empty` keeps a few large arrays and hands one out when it holds the only reference to it.
"""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
from numpy import ndarray

__all__ = ["SMALL", "empty"]

SMALL = 1 << 14  # elements: up to so many it is not worth the call

LARGE = 1 << 17  # bytes: what is smaller comes from the heap anyway
LIMIT = 1 << 26  # bytes that are kept at most

_arrays: dict[tuple[Any, Any], list[ndarray]] = {}
_bytes = 0


def empty(shape: tuple[int, ...], dtype: np.dtype) -> ndarray | None:
    """Memory for a large result, used before if there is some; None for a small one, which NumPy may allocate itself.

    For NumPy's ``out`` argument: ``np.multiply(x, 2, buffers.empty(x.shape, x.dtype))``.
    """
    global _bytes
    size = math.prod(shape) * dtype.itemsize
    if size < LARGE or size > LIMIT or _UNHELD is None:
        return None
    known = _arrays.setdefault((shape, dtype), [])
    for array in known:
        if sys.getrefcount(array) == _UNHELD:
            return array
    if _bytes + size > LIMIT:  # other shapes are needed now; who uses one of these holds it
        _arrays.clear()
        known, _bytes = _arrays.setdefault((shape, dtype), []), 0
    array = np.empty(shape, dtype)
    known.append(array)
    _bytes += size
    return array


def _count_unheld() -> int | None:
    """What getrefcount says, in the loop above, of an array that only the list holds; None where it is not exact."""
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return None
    for array in [np.empty(1)]:
        return sys.getrefcount(array)
    return None


_UNHELD = _count_unheld()
