"""Cross entropy of the softmax of rows, block by block: a block stays in the cache from one pass to the next."""

import numpy as np

from .jit import part
from .special import exp, maximum
from .work import shared

__all__ = ["slope", "sums"]

BLOCK = 2048  # elements


@shared
def sums(me, start, stop, x, target, tops, totals, chosen):
    """Of every row its maximum, the sum of its ``e^(x − maximum)``, and ``x − maximum`` at its class.

    A row of −inf has the sum ∞, which makes its probabilities 0 and its loss ∞.
    """
    powers = np.empty((max(1, BLOCK // x.shape[1]), x.shape[1]), x.dtype)
    for first in range(start, stop, len(powers)):
        last = min(first + len(powers), stop)
        for i in range(first, last):
            tops[i] = top(x[i])
            chosen[i] = x[i, target[i]] - tops[i]
        raise_e(x[first:last], tops[first:last], powers[: last - first])
        for i in range(first, last):
            total = add_up(powers[i - first])
            totals[i] = total if total != 0 else np.inf


@shared
def slope(me, start, stop, x, target, tops, totals, scale, y):
    """``scale · (softmax − one-hot)`` into ``y``, by what `sums` found; ``scale`` is an array of one number."""
    rows = max(1, BLOCK // x.shape[1])
    for first in range(start, stop, rows):
        last = min(first + rows, stop)
        raise_e(x[first:last], tops[first:last], y[first:last])
        for i in range(first, last):
            multiply(y[i], scale[0] / totals[i])
            if totals[i] != np.inf:
                y[i, target[i]] -= scale[0]


@part
def top(row):
    """The largest number of a row; the lowest number there is, for a row of −inf."""
    largest = np.finfo(row.dtype).min
    for j in range(len(row)):
        largest = maximum(largest, row[j])
    return largest


@part
def raise_e(x, tops, y):
    """``e^(x − top)`` of rows into ``y``."""
    for i in range(len(x)):
        row, to, most = x[i], y[i], tops[i]
        for j in range(len(row)):
            to[j] = row[j] - most
    flat = y.reshape(-1)
    for j in range(len(flat)):
        flat[j] = exp(flat[j])


@part
def add_up(row):
    total = row[0]
    for j in range(1, len(row)):
        total += row[j]
    return total


@part
def multiply(row, factor):
    for j in range(len(row)):
        row[j] *= factor
