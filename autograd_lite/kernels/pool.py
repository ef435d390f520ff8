"""Pooling: one number for each window of a plane, and back.

Planes are ``(planes, height, width)`` in C order.  ``rows`` and ``columns`` tell where the windows lie along each axis:
three rows of integers, from where, to where, and how many elements it counts for in a mean.  No window is empty.  A
place is the number of an element within its window.  Windows of 2×2 side by side have kernels of their own, which
write whole rows, so that LLVM makes them vector code.
"""

from math import isnan

import numpy as np

from .jit import jit
from .work import begin, proceed, stretch

__all__ = ["maxima", "maxima_2x2", "means", "means_2x2", "put", "put_2x2", "spread", "spread_2x2"]


# -- the largest element ----------------------------------------------------------------------------------------------


@jit
def maxima(me, work, x, rows, columns, down, right, width, out, places):
    """The largest element of each window and its place, ``width`` to a row: of equal ones the first, of NaNs the last.

    Within a window rows are ``down`` apart, columns ``right``.
    """
    piece = begin(me, work)
    while piece >= 0:
        start, stop = stretch(work, piece)
        for n in range(start, stop):
            for i in range(out.shape[1]):
                for j in range(out.shape[2]):
                    best, best_place, row_place = x[n, rows[0, i], columns[0, j]], 0, 0
                    for r in range(rows[0, i], rows[1, i], down):
                        place = row_place
                        for c in range(columns[0, j], columns[1, j], right):
                            value = x[n, r, c]
                            if value > best or isnan(value):
                                best, best_place = value, place
                            place += 1
                        row_place += width
                    out[n, i, j], places[n, i, j] = best, best_place
        piece = proceed(me, work)


@jit
def maxima_2x2(me, work, x, out, places):
    """`maxima` of windows of 2×2 side by side."""
    piece = begin(me, work)
    while piece >= 0:
        start, stop = stretch(work, piece)
        for n in range(start, stop):
            for i in range(out.shape[1]):
                top, bottom, best, place = x[n, 2 * i], x[n, 2 * i + 1], out[n, i], places[n, i]
                for j in range(len(best)):
                    a, b, c, d = top[2 * j], top[2 * j + 1], bottom[2 * j], bottom[2 * j + 1]
                    second = (b > a) | isnan(b)
                    fourth = (d > c) | isnan(d)
                    ab, cd = b if second else a, d if fourth else c
                    lower = (cd > ab) | isnan(cd)
                    best[j] = cd if lower else ab
                    place[j] = np.uint8(2 + fourth) if lower else np.uint8(second)
        piece = proceed(me, work)


@jit
def put(me, work, g, places, corners, offsets, out):
    """Add each window's number to the element at a place of it: of ``(planes, windows)`` to ``(planes, elements)``.

    A window begins at its corner, and its places lie at ``offsets`` from there.
    """
    piece = begin(me, work)
    while piece >= 0:
        start, stop = stretch(work, piece)
        for n in range(start, stop):
            out[n] = 0
            for k in range(len(corners)):
                out[n, corners[k] + offsets[places[n, k]]] += g[n, k]
        piece = proceed(me, work)


@jit
def put_2x2(me, work, g, places, out):
    """`put` for windows of 2×2 side by side, which writes every element once; nothing to what they leave out."""
    piece = begin(me, work)
    while piece >= 0:
        start, stop = stretch(work, piece)
        zero = g.dtype.type(0)
        for n in range(start, stop):
            for i in range(g.shape[1]):
                number, place = g[n, i], places[n, i]
                for r in range(2):  # a row at a time: LLVM does not get four stores in order
                    row = out[n, 2 * i + r]
                    for j in range(len(number)):
                        row[2 * j] = number[j] if place[j] == 2 * r else zero
                        row[2 * j + 1] = number[j] if place[j] == 2 * r + 1 else zero
            out[n, 2 * g.shape[1] :] = 0
            out[n, :, 2 * g.shape[2] :] = 0
        piece = proceed(me, work)


# -- the mean ---------------------------------------------------------------------------------------------------------


@jit
def means(me, work, x, rows, columns, out):
    """The sum of each window over what it counts for."""
    piece = begin(me, work)
    while piece >= 0:
        start, stop = stretch(work, piece)
        zero = x.dtype.type(0)
        for n in range(start, stop):
            for i in range(out.shape[1]):
                for j in range(out.shape[2]):
                    total = zero
                    for r in range(rows[0, i], rows[1, i]):
                        row_total = zero  # sums of sums: more exact for large windows
                        for c in range(columns[0, j], columns[1, j]):
                            row_total += x[n, r, c]
                        total += row_total
                    out[n, i, j] = total / x.dtype.type(rows[2, i] * columns[2, j])
        piece = proceed(me, work)


@jit
def means_2x2(me, work, x, rows, columns, out):
    """`means` of windows of 2×2 side by side."""
    piece = begin(me, work)
    while piece >= 0:
        start, stop = stretch(work, piece)
        size = x.dtype.type(rows[2, 0] * columns[2, 0])
        for n in range(start, stop):
            for i in range(out.shape[1]):
                top, bottom, mean = x[n, 2 * i], x[n, 2 * i + 1], out[n, i]
                for j in range(len(mean)):
                    mean[j] = (top[2 * j] + top[2 * j + 1] + bottom[2 * j] + bottom[2 * j + 1]) / size
        piece = proceed(me, work)


@jit
def spread(me, work, g, rows, columns, out):
    """Each window's number over what the window counts for, added to all its elements: the adjoint of `means`."""
    piece = begin(me, work)
    while piece >= 0:
        start, stop = stretch(work, piece)
        for n in range(start, stop):
            out[n] = 0
            for i in range(g.shape[1]):
                for j in range(g.shape[2]):
                    share = g[n, i, j] / g.dtype.type(rows[2, i] * columns[2, j])
                    for r in range(rows[0, i], rows[1, i]):
                        for c in range(columns[0, j], columns[1, j]):
                            out[n, r, c] += share
        piece = proceed(me, work)


@jit
def spread_2x2(me, work, g, rows, columns, out):
    """`spread` for windows of 2×2 side by side, which writes every element once; nothing to what they leave out."""
    piece = begin(me, work)
    while piece >= 0:
        start, stop = stretch(work, piece)
        size = g.dtype.type(rows[2, 0] * columns[2, 0])
        for n in range(start, stop):
            for i in range(g.shape[1]):
                number = g[n, i]
                for r in range(2):
                    row = out[n, 2 * i + r]
                    for j in range(len(number)):
                        row[2 * j] = row[2 * j + 1] = number[j] / size
            out[n, 2 * g.shape[1] :] = 0
            out[n, :, 2 * g.shape[2] :] = 0
        piece = proceed(me, work)
