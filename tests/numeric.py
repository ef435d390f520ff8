"""Derivatives by central differences, for the tests: plain NumPy, knows nothing of the engine's own checker."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

STEP = 1e-6


def gradient(f: Callable[..., float], arrays: Sequence[np.ndarray], which: int) -> np.ndarray:
    """∂f/∂arrays[which], element by element: (f(x + h) − f(x − h)) / 2h in float64."""
    result = np.zeros(arrays[which].shape)
    for index in np.ndindex(*result.shape):
        ends = []
        for step in (STEP, -STEP):
            moved = [np.array(a) for a in arrays]
            moved[which][index] += step
            ends.append(f(*moved))
        result[index] = (ends[0] - ends[1]) / (2 * STEP)
    return result
