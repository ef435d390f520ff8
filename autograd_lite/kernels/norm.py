"""Normalisation of channels to mean 0 and variance 1, forward and backward.

A channel of ``(N, C, L)`` is N pieces of L elements.  It is read several times, by one thread, while it is in that
core's cache.  A channel of ``(N, C)`` is a column: there the loops run over all channels of a row.

Sums are carried in float64: a variance of 1 beside a mean of 1000 has then all the digits that float32 data has.  The
loops that write are in the data's precision, with ``centre``, the mean in that precision; what it was rounded by is put
back through the shift.
"""

from math import sqrt

import numpy as np

from .jit import jit
from .work import begin, proceed, stretch

__all__ = ["normalize", "normalize_back", "normalize_columns", "normalize_columns_back"]


# -- (N, C, L) --------------------------------------------------------------------------------------------------------


@jit
def normalize(me, work, x, weight, bias, mean, var, given, eps, out):
    """``(x − mean) / √(var + eps) · weight + bias`` of channels; mean and var are found here unless ``given``."""
    piece = begin(me, work)
    while piece >= 0:
        start, stop = stretch(work, piece)
        for c in range(start, stop):
            if not given:
                mean[c], var[c] = _moments(x, c)
            centre = x.dtype.type(mean[c])
            factor = weight[c] / sqrt(var[c] + eps)
            shift = x.dtype.type(bias[c] - (mean[c] - centre) * factor)
            scale = x.dtype.type(factor)
            for n in range(len(x)):
                row, result = x[n, c], out[n, c]
                for i in range(len(row)):
                    result[i] = (row[i] - centre) * scale + shift
        piece = proceed(me, work)


@jit
def _moments(x, c):
    """Mean and variance of channel c."""
    count = len(x) * x.shape[2]
    total = 0.0
    for n in range(len(x)):
        row = x[n, c]
        for i in range(len(row)):
            total += row[i]
    mean = total / count
    total = 0.0
    for n in range(len(x)):
        row = x[n, c]
        for i in range(len(row)):
            total += (row[i] - mean) * (row[i] - mean)
    return mean, total / count


@jit
def _products(g, x, c, mean):
    """``Σ g (x − mean)`` and ``Σ g`` of channel c."""
    with_x, alone = 0.0, 0.0
    for n in range(len(x)):
        row, slope = x[n, c], g[n, c]
        for i in range(len(row)):
            with_x += slope[i] * (row[i] - mean)
            alone += slope[i]
    return with_x, alone


@jit
def normalize_back(me, work, g, x, weight, mean, var, given, eps, dx, dweight, dbias):
    """The gradients of `normalize`; ``dx`` of no elements is not wanted."""
    piece = begin(me, work)
    while piece >= 0:
        start, stop = stretch(work, piece)
        for c in range(start, stop):
            centre, rstd = x.dtype.type(mean[c]), 1.0 / sqrt(var[c] + eps)
            with_x, dbias[c] = _products(g, x, c, mean[c])
            dweight[c] = with_x * rstd
            count = len(x) * x.shape[2]
            a, b, shift = _slopes(weight[c], rstd, mean[c] - centre, dweight[c], dbias[c], count, given)
            scale_g, scale_x, lift = x.dtype.type(a), x.dtype.type(b), x.dtype.type(shift)
            for n in range(len(dx)):
                row, slope, result = x[n, c], g[n, c], dx[n, c]
                for i in range(len(row)):
                    result[i] = slope[i] * scale_g + ((row[i] - centre) * scale_x + lift)
        piece = proceed(me, work)


@jit
def _slopes(weight, rstd, rounded, dweight, dbias, count, given):
    """a, b, c of ``dx = a g + b (x − centre) + c``, that is ``w/σ (g − mean g − x̂ mean(g x̂))``, or ``w/σ g``."""
    a = weight * rstd
    if given:  # mean and variance do not depend on x
        return a, 0.0, 0.0
    b = -a * rstd * dweight / count
    return a, b, -a * dbias / count - b * rounded


# -- (N, C) -----------------------------------------------------------------------------------------------------------


@jit
def normalize_columns(me, work, x, weight, bias, mean, var, given, eps, out):
    """`normalize` of ``(N, C)``."""
    piece = begin(me, work)
    while piece >= 0:
        # From here on all vectors begin at the piece's first channel: loops from 0 are those that are vectorised.
        start, stop = stretch(work, piece)
        means, variances = mean[start:stop], var[start:stop]
        weights, biases = weight[start:stop], bias[start:stop]
        if not given:
            _column_moments(x, start, stop, means, variances)
        centre, scale, shift = np.empty_like(weights), np.empty_like(weights), np.empty_like(weights)
        for c in range(len(weights)):
            centre[c] = means[c]
            factor = weights[c] / sqrt(variances[c] + eps)
            scale[c] = factor
            shift[c] = biases[c] - (means[c] - centre[c]) * factor
        for n in range(len(x)):
            row, result = x[n, start:stop], out[n, start:stop]
            for c in range(len(row)):
                result[c] = (row[c] - centre[c]) * scale[c] + shift[c]
        piece = proceed(me, work)


@jit
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


@jit
def normalize_columns_back(me, work, g, x, weight, mean, var, given, eps, dx, dweight, dbias):
    """The gradients of `normalize_columns`; ``dx`` of no elements is not wanted."""
    piece = begin(me, work)
    while piece >= 0:
        start, stop = stretch(work, piece)
        means, variances, weights = mean[start:stop], var[start:stop], weight[start:stop]
        with_x, alone = dweight[start:stop], dbias[start:stop]
        with_x[:] = 0
        alone[:] = 0
        for n in range(len(x)):
            row, slope = x[n, start:stop], g[n, start:stop]
            for c in range(len(row)):
                with_x[c] += slope[c] * (row[c] - means[c])
                alone[c] += slope[c]
        scale_g, scale_x = np.empty_like(weights), np.empty_like(weights)
        centre, shift = np.empty_like(weights), np.empty_like(weights)
        for c in range(len(weights)):
            rstd = 1.0 / sqrt(variances[c] + eps)
            with_x[c] *= rstd
            centre[c] = means[c]
            rounded = means[c] - centre[c]
            scale_g[c], scale_x[c], shift[c] = _slopes(weights[c], rstd, rounded, with_x[c], alone[c], len(x), given)
        for n in range(len(dx)):
            row, slope, result = x[n, start:stop], g[n, start:stop], dx[n, start:stop]
            for c in range(len(row)):
                result[c] = slope[c] * scale_g[c] + ((row[c] - centre[c]) * scale_x[c] + shift[c])
        piece = proceed(me, work)
