"""Normalisation of channels to mean 0 and variance 1, forward and backward.

A thread takes some neighbouring channels: of ``(N, C, L)`` N times a run of rows, of ``(N, C)`` a strip of columns.  It
goes over them in the order in which they lie in memory, three times forward and twice backward; then they are in a
cache (channel by channel the pass that writes took three times as long: its rows are a page each).

Sums are carried in float64: a variance of 1 beside a mean of 1000 has then all the digits that float32 data has.  The
loops that write are in the data's precision, with ``centre``, the mean in that precision; what it was rounded by is put
back through the shift.  Inner loops start at 0, over slices: Numba vectorises no others.
"""

from math import sqrt

import numpy as np

from .jit import part
from .work import shared

__all__ = ["normalize", "normalize_back", "normalize_columns", "normalize_columns_back"]


# -- coefficients -----------------------------------------------------------------------------------------------------


@part
def _coefficients(mean, var, weight, bias, eps):
    """centre, a, b of ``y = a (x − centre) + b`` for every channel."""
    centre, scale, shift = np.empty_like(weight), np.empty_like(weight), np.empty_like(weight)
    for c in range(len(weight)):
        centre[c] = mean[c]
        factor = weight[c] / sqrt(var[c] + eps)
        scale[c] = factor
        shift[c] = bias[c] - (mean[c] - centre[c]) * factor
    return centre, scale, shift


@part
def _slopes(mean, var, weight, dweight, dbias, count, given, eps):
    """centre, a, b, d of ``dx = a g + b (x − centre) + d``; ``dweight`` comes as Σ g (x − mean).

    That is ``w/σ (g − mean g − x̂ mean(g x̂))``, or ``w/σ g`` where mean and variance do not depend on x.
    """
    centre, scale_g = np.empty_like(weight), np.empty_like(weight)
    scale_x, shift = np.zeros_like(weight), np.zeros_like(weight)
    for c in range(len(weight)):
        rstd = 1.0 / sqrt(var[c] + eps)
        dweight[c] *= rstd
        centre[c] = mean[c]
        a = weight[c] * rstd
        scale_g[c] = a
        if not given:
            b = -a * rstd * dweight[c] / count
            scale_x[c] = b
            shift[c] = -a * dbias[c] / count - b * (mean[c] - centre[c])
    return centre, scale_g, scale_x, shift


# -- (N, C, L) --------------------------------------------------------------------------------------------------------


@shared
def normalize(me, start, stop, x, weight, bias, mean, var, given, eps, out):
    """``(x − mean) / √(var + eps) · weight + bias`` of channels; mean and var are found here unless ``given``."""
    means, variances = mean[start:stop], var[start:stop]
    if not given:
        _moments(x, start, means, variances)
    centre, scale, shift = _coefficients(means, variances, weight[start:stop], bias[start:stop], eps)
    for n in range(len(x)):
        for c in range(stop - start):
            row, result = x[n, start + c], out[n, start + c]
            m, a, b = centre[c], scale[c], shift[c]
            for i in range(len(row)):
                result[i] = (row[i] - m) * a + b


@part
def _moments(x, start, mean, var):
    """Mean and variance of the channels from ``start`` on."""
    count = len(x) * x.shape[2]
    mean[:] = 0
    for n in range(len(x)):
        for c in range(len(mean)):
            row, total = x[n, start + c], 0.0
            for i in range(len(row)):
                total += row[i]
            mean[c] += total
    mean /= count
    var[:] = 0
    for n in range(len(x)):
        for c in range(len(mean)):
            row, m, total = x[n, start + c], mean[c], 0.0
            for i in range(len(row)):
                total += (row[i] - m) * (row[i] - m)
            var[c] += total
    var /= count


@shared
def normalize_back(me, start, stop, g, x, weight, mean, var, given, eps, dx, dweight, dbias):
    """The gradients of `normalize`; ``dx`` of no elements is not wanted."""
    means, with_x, alone = mean[start:stop], dweight[start:stop], dbias[start:stop]
    _products(g, x, start, means, with_x, alone)
    centre, scale_g, scale_x, shift = _slopes(
        means, var[start:stop], weight[start:stop], with_x, alone, len(x) * x.shape[2], given, eps
    )
    for n in range(len(dx)):
        for c in range(stop - start):
            row, slope, result = x[n, start + c], g[n, start + c], dx[n, start + c]
            m, a, b, d = centre[c], scale_g[c], scale_x[c], shift[c]
            for i in range(len(row)):
                result[i] = slope[i] * a + ((row[i] - m) * b + d)


@part
def _products(g, x, start, mean, with_x, alone):
    """``Σ g (x − mean)`` and ``Σ g`` of the channels from ``start`` on."""
    with_x[:] = 0
    alone[:] = 0
    for n in range(len(x)):
        for c in range(len(mean)):
            row, slope, m = x[n, start + c], g[n, start + c], mean[c]
            total_x, total = 0.0, 0.0
            for i in range(len(row)):
                total_x += slope[i] * (row[i] - m)
                total += slope[i]
            with_x[c] += total_x
            alone[c] += total


# -- (N, C) -----------------------------------------------------------------------------------------------------------


@shared
def normalize_columns(me, start, stop, x, weight, bias, mean, var, given, eps, out):
    """`normalize` of ``(N, C)``."""
    means, variances = mean[start:stop], var[start:stop]
    if not given:
        _column_moments(x, start, stop, means, variances)
    centre, scale, shift = _coefficients(means, variances, weight[start:stop], bias[start:stop], eps)
    for n in range(len(x)):
        row, result = x[n, start:stop], out[n, start:stop]
        for c in range(len(row)):
            result[c] = (row[c] - centre[c]) * scale[c] + shift[c]


@part
def _column_moments(x, start, stop, mean, var):
    mean[:] = 0
    for n in range(len(x)):
        row = x[n, start:stop]
        for c in range(len(row)):
            mean[c] += row[c]
    mean /= len(x)
    var[:] = 0
    for n in range(len(x)):
        row = x[n, start:stop]
        for c in range(len(row)):
            var[c] += (row[c] - mean[c]) * (row[c] - mean[c])
    var /= len(x)


@shared
def normalize_columns_back(me, start, stop, g, x, weight, mean, var, given, eps, dx, dweight, dbias):
    """The gradients of `normalize_columns`; ``dx`` of no elements is not wanted."""
    means, with_x, alone = mean[start:stop], dweight[start:stop], dbias[start:stop]
    _column_products(g, x, start, stop, means, with_x, alone)
    centre, scale_g, scale_x, shift = _slopes(
        means, var[start:stop], weight[start:stop], with_x, alone, len(x), given, eps
    )
    for n in range(len(dx)):
        row, slope, result = x[n, start:stop], g[n, start:stop], dx[n, start:stop]
        for c in range(len(row)):
            result[c] = slope[c] * scale_g[c] + ((row[c] - centre[c]) * scale_x[c] + shift[c])


@part
def _column_products(g, x, start, stop, mean, with_x, alone):
    with_x[:] = 0
    alone[:] = 0
    for n in range(len(x)):
        row, slope = x[n, start:stop], g[n, start:stop]
        for c in range(len(row)):
            with_x[c] += slope[c] * (row[c] - mean[c])
            alone[c] += slope[c]
