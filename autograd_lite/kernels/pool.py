"""Pooling: one number for each window of a plane, and back.

Planes are ``(planes, height, width)`` in C order.  ``rows`` and ``columns`` tell where the windows lie along each axis:
three rows of integers, from where, to where, and how many elements it counts for in a mean.  No window is empty.  A
place is the number of an element within its window.

Rows of windows are reduced to one row first, element by element, which is vector code; then along that row.  Windows of
2×2 side by side have kernels of their own, those of the largest element by `vectors`.
"""

from math import isnan

import numpy as np

from .vectors import lanes, largest_of_squares, put_into_squares
from .work import shared

__all__ = ["maxima", "maxima_2x2", "means", "means_2x2", "put", "put_2x2", "spread", "spread_2x2"]


# -- the largest element ----------------------------------------------------------------------------------------------


@shared
def maxima(me, start, stop, x, rows, columns, down, right, width, out, places):
    """The largest element of each window and its place, ``width`` to a row: of equal ones the first.

    Within a window rows are ``down`` apart, columns ``right``.  NaN is the largest.
    """
    tallest, heights = np.empty(x.shape[2], x.dtype), np.empty(x.shape[2], np.int32)
    for n in range(start, stop):
        for i in range(out.shape[1]):
            row = x[n, rows[0, i]]
            for c in range(len(row)):  # `tallest[:] = row` takes Numba 2 s to compile
                tallest[c], heights[c] = row[c], 0
            height = 0
            for r in range(rows[0, i] + down, rows[1, i], down):
                height += width
                row = x[n, r]
                for c in range(len(row)):
                    higher = (row[c] > tallest[c]) | isnan(row[c])
                    tallest[c] = row[c] if higher else tallest[c]
                    heights[c] = height if higher else heights[c]
            for j in range(out.shape[2]):
                c, k = columns[0, j], 0
                best, place = tallest[c], heights[c]
                while c + right < columns[1, j]:
                    c, k = c + right, k + 1
                    value, its = tallest[c], heights[c] + k
                    if (value > best) | isnan(value) | ((value == best) & (its < place)):
                        best, place = value, its
                out[n, i, j], places[n, i, j] = best, place


@shared
def maxima_2x2(me, start, stop, x, out, places):
    """`maxima` of windows of 2×2 side by side.

    The last vector of a row spills into the rows after it, which are written later; but not where the piece ends.
    """
    count, width = out.shape[2], lanes(x)
    room = (count + width - 1) // width * width
    end = stop * out.shape[1] * count
    for n in range(start, stop):
        for i in range(out.shape[1]):
            top, row = (n * x.shape[1] + 2 * i) * x.shape[2], (n * out.shape[1] + i) * count
            largest_of_squares(x, top, top + x.shape[2], out, places, row, count, row + room <= end)


@shared
def put(me, start, stop, g, places, corners, offsets, out):
    """Add each window's number to the element at a place of it: of ``(planes, windows)`` to ``(planes, elements)``.

    A window begins at its corner, and its places lie at ``offsets`` from there.
    """
    for n in range(start, stop):
        out[n] = 0
        for k in range(len(corners)):
            out[n, corners[k] + offsets[places[n, k]]] += g[n, k]


@shared
def put_2x2(me, start, stop, g, places, out):
    """`put` for windows of 2×2 side by side, row by row as in `maxima_2x2`; nothing to what they leave out."""
    count, width = g.shape[2], lanes(g)
    room = (count + width - 1) // width * width
    end = stop * g.shape[1] * count
    for n in range(start, stop):
        for i in range(g.shape[1]):
            row = (n * g.shape[1] + i) * count
            for side in range(2):
                into = (n * out.shape[1] + 2 * i + side) * out.shape[2]
                put_into_squares(out, into, side, g, places, row, count, row + room <= end)
        out[n, 2 * g.shape[1] :] = 0
        out[n, :, 2 * g.shape[2] :] = 0


# -- the mean ---------------------------------------------------------------------------------------------------------


@shared
def means(me, start, stop, x, rows, columns, out):
    """The sum of each window over what it counts for."""
    sums = np.empty(x.shape[2], x.dtype)
    for n in range(start, stop):
        for i in range(out.shape[1]):
            sums[:] = 0
            for r in range(rows[0, i], rows[1, i]):
                row = x[n, r]
                for c in range(len(row)):
                    sums[c] += row[c]
            for j in range(out.shape[2]):
                total = x.dtype.type(0)
                for c in range(columns[0, j], columns[1, j]):
                    total += sums[c]
                out[n, i, j] = total / x.dtype.type(rows[2, i] * columns[2, j])


@shared
def means_2x2(me, start, stop, x, rows, columns, out):
    """`means` of windows of 2×2 side by side."""
    size = x.dtype.type(rows[2, 0] * columns[2, 0])
    for n in range(start, stop):
        for i in range(out.shape[1]):
            top, bottom, mean = x[n, 2 * i], x[n, 2 * i + 1], out[n, i]
            for j in range(len(mean)):
                mean[j] = (top[2 * j] + top[2 * j + 1] + bottom[2 * j] + bottom[2 * j + 1]) / size


@shared
def spread(me, start, stop, g, rows, columns, out):
    """Each window's number over what the window counts for, added to all its elements: the adjoint of `means`."""
    shares = np.empty(out.shape[2], g.dtype)
    for n in range(start, stop):
        out[n] = 0
        for i in range(g.shape[1]):
            shares[:] = 0
            for j in range(g.shape[2]):
                share = g[n, i, j] / g.dtype.type(rows[2, i] * columns[2, j])
                for c in range(columns[0, j], columns[1, j]):
                    shares[c] += share
            for r in range(rows[0, i], rows[1, i]):
                row = out[n, r]
                for c in range(len(row)):
                    row[c] += shares[c]


@shared
def spread_2x2(me, start, stop, g, rows, columns, out):
    """`spread` for windows of 2×2 side by side, which writes every element once; nothing to what they leave out."""
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
