"""Convolution as a product of matrices of which one is never built.

An image is copied once into planes with a margin of zeros, flat, with ``pitch`` elements to a row.  For the output at
flat place i, filter tap t = (channel, row, column) then reads ``planes[i + offset[t]]``: a convolution is a matrix
product whose right-hand side is read at a table of offsets.  Places that lie in the margin are computed, too, and
dropped.  With a stride s the image is split into s² planes (phases) of every s-th row and column, so that neighbours in
the output read neighbours in a plane.  Dilation and groups only change the table.

The gradient by the input is the same computation on the planes of g, with the weights turned round; with a stride, the
inputs of each phase are a computation of their own.  The gradient by the weights sums over the pixels instead of the
taps.
"""

from __future__ import annotations

from .jit import jit
from .microkernel import ROWS, VECTORS, lanes, tile_planes, tile_taps
from .work import begin, proceed, stretch

__all__ = ["TAP_COUNT", "TAP_START", "correlate", "correlate_taps", "pack"]

# Columns of the table of outputs: which taps make it, and which elements of the result it is (start, step, number).
TAP_START, TAP_COUNT, ROW, ROW_STEP, ROW_COUNT, COLUMN, COLUMN_STEP, COLUMN_COUNT = range(8)


@jit
def pack(weight, taps, panels, steps, rows):
    """Weights in the order in which `tile_planes` reads them: ``panels[group, block, t, m]``.

    That is the weight of row ``block·ROWS + m`` (of ``rows``; 0 beyond) for tap ``taps[t]`` = (channel, place in the
    window); ``steps`` from group to group, row to row, channel to channel say where it stands in the flat ``weight``.
    """
    groups, blocks, count, width = panels.shape
    for group in range(groups):
        for block in range(blocks):
            for m in range(width):
                row = block * width + m
                start = group * steps[0] + row * steps[1]
                for t in range(count):
                    if row < rows:
                        panels[group, block, t, m] = weight[start + taps[t, 0] * steps[2] + taps[t, 1]]
                    else:
                        panels[group, block, t, m] = 0


@jit
def _fill(planes, base, image, phases, step, before, shape):
    """Copy the channels of an image ``(C, H, W)`` into planes from ``base`` on, each phase a plane ``shape``."""
    channels, height, width = image.shape
    rows, pitch = shape
    step_y, step_x = step
    at = base
    for c in range(channels):
        for phase in range(len(phases)):
            shift_y, shift_x = phases[phase, 0] - before[0], phases[phase, 1] - before[1]
            first = max(0, -(shift_x // step_x))  # the first column that lies in the image
            last = max(first, min(pitch, (width - shift_x + step_x - 1) // step_x))
            for i in range(rows):
                y = i * step_y + shift_y
                row = planes[at : at + pitch]
                at += pitch
                if y < 0 or y >= height:
                    row[:] = 0
                    continue
                row[:first] = 0
                row[last:] = 0
                source = image[c, y]
                if step_x == 1:
                    row[first:last] = source[first + shift_x : last + shift_x]
                else:
                    for j in range(first, last):
                        row[j] = source[j * step_x + shift_x]
    planes[at : at + pitch] = 0  # the last row's right margin is the left one of a row that is not there


@jit
def correlate(me, work, x, panels, offsets, outputs, phases, step, before, shape, bias, out, planes, sums):
    """The sums over the taps: a convolution, or the gradient by its input.

    x (N, G, C, H, W) and out (N, G, K, P, Q); panels as `pack` makes them; offsets[t] of each tap in the planes;
    ``outputs``: for each part of the result the taps and the elements; ``phases``, ``step``, ``before`` and ``shape``
    of the planes, see `_fill`; bias (G, K); planes (threads, …) and sums (threads, …) are working memory.

    The items of the work are all the images of all the groups, each as often as ``work`` asks to share its filters.
    """
    images, groups, filters = out.shape[:3]
    blocks = panels.shape[1]
    own, scratch = planes[max(me, 0)], sums[max(me, 0)]
    piece = begin(me, work)
    while piece >= 0:
        start, stop = stretch(work, piece)
        for item in range(start, stop):
            n, group = item // groups, item % groups
            _fill(own, 0, x[n, group], phases, step, before, shape)
            for part in range(len(outputs)):
                for block in range(blocks):
                    _block(own, panels[group, block], offsets, outputs[part], shape[1], scratch)
                    for m in range(min(ROWS, filters - block * ROWS)):
                        k = block * ROWS + m
                        _deliver(scratch, m, shape[1], outputs[part], bias[group, k], out[n, group, k])
        piece = proceed(me, work)


@jit
def _block(planes, panel, offsets, output, pitch, sums):
    """The sums of ROWS filters over one image, margins included: sums[m·length + i]."""
    width = lanes(planes)
    length = _length(output, pitch)
    count = (length + width - 1) // width  # vectors
    flat = panel.reshape(panel.size)
    i = 0
    while i < count:
        take = min(VECTORS, count - i)
        tile_planes(
            take, flat, output[TAP_START] * ROWS, planes, i * width, offsets, output[TAP_START], output[TAP_COUNT],
            sums, i * width, count * width,
        )  # fmt: skip
        i += take


@jit
def _length(output, pitch):
    return (output[ROW_COUNT] - 1) * pitch + output[COLUMN_COUNT]


@jit
def _deliver(sums, m, pitch, output, bias, out):
    """Copy the sums of filter m to its places in the result, without the margins."""
    width = lanes(sums)
    length = (_length(output, pitch) + width - 1) // width * width
    step, columns = output[COLUMN_STEP], output[COLUMN_COUNT]
    for p in range(output[ROW_COUNT]):
        start = m * length + p * pitch
        source = sums[start : start + columns]
        row = out[output[ROW] + p * output[ROW_STEP]]
        if step == 1:
            target = row[output[COLUMN] : output[COLUMN] + columns]
            for q in range(columns):
                target[q] = source[q] + bias
        else:
            for q in range(columns):
                row[output[COLUMN] + q * step] = source[q] + bias


@jit
def correlate_taps(me, work, x, g, offsets, pixels, phases, step, before, shape, partial, planes, turned):
    """The sums over the pixels: the gradient by the weights, for each piece of the images by itself.

    x (N, G, C, H, W), g (N, G, K, P, Q); offsets[t] of each tap in the planes, filled up to a multiple of ROWS; pixels[i]
    of each output; ``partial`` (pieces, G, taps, filters in whole vectors) must be 0; planes (threads, …) and turned
    (threads, P·Q, filters in whole vectors) are working memory.
    """
    groups, filters = g.shape[1], g.shape[2]
    taps, room = partial.shape[2], partial.shape[3]
    vectors = room // lanes(x)
    parts = (vectors + VECTORS - 1) // VECTORS
    own, rows = planes[max(me, 0)], turned[max(me, 0)]
    piece = begin(me, work)
    while piece >= 0:
        start, stop = stretch(work, piece)
        for n in range(start, stop):
            for group in range(groups):
                _fill(own, 0, x[n, group], phases, step, before, shape)
                _turn(g[n, group], rows)
                flat, sums = rows.reshape(rows.size), partial[piece, group].reshape(taps * room)
                for part in range(parts):
                    first, last = part * vectors // parts, (part + 1) * vectors // parts
                    at = first * lanes(x)
                    for t in range(0, taps, ROWS):
                        tile_taps(
                            last - first, own, offsets, t, pixels, len(pixels), flat, at, room, sums, t * room + at, room
                        )  # fmt: skip
        piece = proceed(me, work)


@jit
def _turn(g, rows):
    """The gradients of an image (K, P, Q) pixel by pixel: rows[i, k], 0 beyond the last filter."""
    filters, height, width = g.shape
    room = rows.shape[1]
    for p in range(height):
        for k in range(filters):
            source = g[k, p]
            for q in range(width):
                rows[p * width + q, k] = source[q]
        for q in range(width):
            rows[p * width + q, filters:room] = 0
