"""What the norms are, in slow and plain NumPy: float64, one channel at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray


def standardize(x: ndarray, weight: Any = None, bias: Any = None, known: Any = None, eps: float = 1e-5) -> ndarray:
    """Every channel of ``(N, C, …)`` less its mean, over the root of its variance, times weight, plus bias."""
    y = np.empty(x.shape)
    for c in range(x.shape[1]):
        channel = x[:, c].astype(np.float64)
        mean, var = (channel.mean(), channel.var()) if known is None else known[:, c]
        y[:, c] = (channel - mean) / np.sqrt(var + eps)
        y[:, c] = y[:, c] * (1 if weight is None else weight[c]) + (0 if bias is None else bias[c])
    return y


def standardize_gradients(
    g: ndarray, x: ndarray, weight: ndarray, known: Any = None, eps: float = 1e-5
) -> tuple[ndarray, ndarray, ndarray]:
    """The gradients by x, weight and bias."""
    dx, dweight, dbias = np.empty(x.shape), np.empty(x.shape[1]), np.empty(x.shape[1])
    for c in range(x.shape[1]):
        channel, slope = x[:, c].astype(np.float64), g[:, c].astype(np.float64)
        mean, var = (channel.mean(), channel.var()) if known is None else known[:, c]
        sigma = np.sqrt(var + eps)
        normal = (channel - mean) / sigma
        dweight[c], dbias[c] = (slope * normal).sum(), slope.sum()
        dx[:, c] = weight[c] / sigma * slope
        if known is None:
            dx[:, c] -= weight[c] / sigma * (slope.mean() + normal * (slope * normal).mean())
    return dx, dweight, dbias


def layer_norm(x: ndarray, axes: int, weight: ndarray, bias: ndarray, eps: float = 1e-5) -> ndarray:
    """Every example over its last axes."""
    y = np.empty(x.shape)
    for index in np.ndindex(*x.shape[:-axes]):
        row = x[index].astype(np.float64)
        y[index] = (row - row.mean()) / np.sqrt(row.var() + eps) * weight + bias
    return y


def group_norm(x: ndarray, groups: int, weight: ndarray, bias: ndarray, eps: float = 1e-5) -> ndarray:
    """Groups of channels of every example."""
    y, size = np.empty(x.shape), x.shape[1] // groups
    for n, k in np.ndindex(len(x), groups):
        group = x[n, k * size : (k + 1) * size].astype(np.float64)
        y[n, k * size : (k + 1) * size] = (group - group.mean()) / np.sqrt(group.var() + eps)
    for c in range(x.shape[1]):
        y[:, c] = y[:, c] * weight[c] + bias[c]
    return y


def running(before: ndarray, batch: ndarray, momentum: float) -> ndarray:
    """A running statistic after a batch."""
    return np.array((1 - momentum) * before + momentum * batch)
