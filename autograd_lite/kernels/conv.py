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

from .blocks import block_count, columns, turn
from .jit import jit, part
from .microkernel import DOTS, ROWS, tile_dots, tile_planes, tile_taps, widest
from .places import COLUMN, COLUMN_COUNT, COLUMN_STEP, PLACE, ROW, ROW_COUNT, ROW_STEP, TAP_COUNT, TAP_START
from .vectors import lanes, move
from .work import shared

__all__ = ["channel_sums", "correlate", "correlate_alone", "correlate_taps", "pack"]


@jit
def pack(weight, taps, panels, group_step, row_step, rows):
    """Weights in the order in which `tile_planes` reads them: ``panels[group, block, t, m]``.

    That is the weight of row k = ``block·width + m`` (of ``rows``; 0 beyond) for tap t, which stands in the flat
    ``weight`` at ``group·group_step + k·row_step + taps[t]``.
    """
    groups, blocks, count, width = panels.shape
    flat = panels.reshape(panels.size)
    for panel in range(groups * blocks):
        group, first = panel // blocks, panel % blocks * width
        for m in range(width):
            start, at = group * group_step + (first + m) * row_step, panel * count * width + m
            for t in range(count):
                flat[at + t * width] = weight[start + taps[t]] if first + m < rows else weight.dtype.type(0)


@part
def _clear(planes):
    """Zeros, of which `_fill` leaves the margins: they are the same for all images."""
    for i in range(len(planes)):
        planes[i] = 0


@part
def _fill(planes, x, at, image, phases, step, before, shape):
    """Copy an image of ``image`` = channels, height, width from place ``at`` of the flat ``x`` into planes.

    Each phase of a channel is a plane of ``shape``, between margins ``before`` it and after it.
    """
    channels, height, width = image
    rows, pitch = shape
    step_y, step_x = step
    zero = planes.dtype.type(0)
    target = 0
    for c in range(channels):
        for phase in range(len(phases)):
            shift_y, shift_x = phases[phase, 0] - before[0], phases[phase, 1] - before[1]
            first = max(0, -(shift_x // step_x))  # the first column that lies in the image
            last = max(first, min(pitch, (width - shift_x + step_x - 1) // step_x))
            for i in range(rows):
                y = i * step_y + shift_y
                if 0 <= y < height:
                    source = at + (c * height + y) * width + first * step_x + shift_x
                    if step_x == 1:
                        move(planes, target + first, x, source, last - first, zero)
                    else:
                        for j in range(last - first):
                            planes[target + first + j] = x[source + j * step_x]
                target += pitch


@shared
def correlate(me, start, stop, x, panels, offsets, outputs, phases, step, before, shape, bias, out, planes, sums):
    """The sums over the taps: a convolution, or the gradient by its input.

    x (N, G, C, H, W) and out (N, G, K, P, Q); panels as `pack` makes them; offsets[t] of each tap in the planes;
    ``outputs``: for each part of the result the taps and the elements; ``phases``, ``step``, ``before`` and ``shape``
    of the planes, see `_fill`; bias (G, K); planes (threads, …) and sums (threads, …) are working memory.
    The items of the work are all images of all groups.
    """
    groups, filters = out.shape[1], out.shape[2]
    blocks, rows = panels.shape[1], panels.shape[3]
    own, scratch = planes[me], sums[me]
    panel, results, images = panels.reshape(panels.size), out.reshape(out.size), x.reshape(x.size)
    image = x.shape[2], x.shape[3], x.shape[4]
    _clear(own)
    for item in range(start, stop):
        group = item % groups
        _fill(own, images, item * image[0] * image[1] * image[2], image, phases, step, before, shape)
        for i in range(len(outputs)):
            for block in range(blocks):
                first = (group * blocks + block) * rows * panels.shape[2]
                length = _sum_block(own, panel, first, rows, offsets, outputs, i, shape[1], scratch)
                for m in range(min(rows, filters - block * rows)):
                    k = block * rows + m
                    plane = (item * filters + k) * out.shape[3] * out.shape[4]
                    _deliver(
                        scratch, m * length, shape[1], outputs, i, bias[group, k], results, plane, out.shape[4]
                    )  # fmt: skip


# The two parts below take whole arrays and places in them: a view for every row would cost more than the row.


@part
def _sum_block(planes, panel, first, rows, offsets, outputs, i, pitch, sums):
    """The sums of ``rows`` filters over one image, margins included, each filter in whole vectors; returns how long."""
    width, most = lanes(planes), widest(rows)
    count = ((outputs[i, ROW_COUNT] - 1) * pitch + outputs[i, COLUMN_COUNT] + width - 1) // width
    tap, place = outputs[i, TAP_START], outputs[i, PLACE]
    at = 0
    while at < count:
        vectors = min(most, count - at)
        tile_planes(
            panel, first + tap * rows, planes, place + at * width, offsets, tap, outputs[i, TAP_COUNT],
            sums, at * width, count * width, rows, vectors,
        )  # fmt: skip
        at += vectors
    return count * width


@part
def _deliver(sums, start, pitch, outputs, i, bias, out, plane, width):
    """Copy the sums of a filter to their places in a plane of the result, without the margins."""
    step, columns = outputs[i, COLUMN_STEP], outputs[i, COLUMN_COUNT]
    for p in range(outputs[i, ROW_COUNT]):
        target = plane + (outputs[i, ROW] + p * outputs[i, ROW_STEP]) * width + outputs[i, COLUMN]
        if step == 1:
            move(out, target, sums, start + p * pitch, columns, bias)
        else:
            for q in range(columns):
                out[target + q * step] = sums[start + p * pitch + q] + bias


@shared
def correlate_taps(
    me, start, stop, x, g, offsets, pixels, phases, step, before, shape, partial, totals, planes, turned, sums, room
):
    """The sums over the pixels: the gradient by the weights, for each part of the images by itself.

    x (N, G, C, H, W), g (N, G, K, P, Q), partial (parts, G, chunks, K, T): a chunk is a stretch of the channels that
    has T taps, of which offsets[t] are the places in its planes (filled up to a multiple of ROWS); pixels[i] the place
    of each output.  totals (parts, G, K) gets the sums of g itself, unless it is empty.  planes, turned and sums
    (threads, …) are working memory.  Few filters have ``room`` for one of them in ``turned``, for others it is 0.
    The items of the work are the parts, groups and chunks.
    """
    parts, groups, chunks, filters, taps = partial.shape
    image = x.shape[2] // chunks, x.shape[3], x.shape[4]  # what a chunk has of an image
    images, size, found = x.reshape(x.size), image[0] * image[1] * image[2], partial.reshape(partial.size)
    own, rows = planes[me], turned[me]
    half = sums.shape[1] // 2
    kept, one = sums[me, :half], sums[me, half:]
    _clear(own)
    if room:
        _clear(rows)
    for item in range(start, stop):
        share, group, chunk = item // (groups * chunks), item // chunks % groups, item % chunks
        kept[:] = 0
        for n in range(share * len(x) // parts, (share + 1) * len(x) // parts):
            _fill(own, images, ((n * groups + group) * chunks + chunk) * size, image, phases, step, before, shape)
            slopes = g[n, group].reshape(filters, len(pixels))
            if chunk == 0 and len(totals):
                _add_rows(slopes, totals[share, group])
            if room:
                _lay(g[n, group], shape[1], rows, room)
                _sum_dots(own, offsets, taps, rows, room, filters, kept)
            else:
                for block in range(block_count(filters, lanes(rows))):
                    turn(slopes, block, rows)
                _sum_taps(own, offsets, pixels, rows, filters, one)
                for i in range(half):  # image by image: one long chain of additions would lose digits
                    kept[i] += one[i]
        _gather(kept, len(offsets), room != 0, found, item * filters * taps, filters, taps)


@shared
def correlate_alone(me, start, stop, x, g, offsets, phases, step, before, shape, out, planes):
    """`correlate_taps` for groups of one filter (depthwise): ``out (G, T)``, row by row, without tiles.

    x (N, G, C, H, W), g (N, G, P, Q); the items of the work are the groups.
    """
    own, images = planes[me], x.reshape(x.size)
    image, size = (x.shape[2], x.shape[3], x.shape[4]), x.shape[2] * x.shape[3] * x.shape[4]
    _clear(own)
    for group in range(start, stop):
        sums = out[group]
        for t in range(len(offsets)):
            sums[t] = 0
        for n in range(len(x)):
            _fill(own, images, (n * len(out) + group) * size, image, phases, step, before, shape)
            for t in range(len(offsets)):
                for p in range(g.shape[2]):
                    slope, seen, total = g[n, group, p], own[offsets[t] + p * shape[1] :], g.dtype.type(0)
                    for q in range(len(slope)):
                        total += slope[q] * seen[q]
                    sums[t] += total


@part
def _add_rows(rows, totals):
    """Add the sum of each row, in its own precision, to a total."""
    for k in range(len(rows)):
        row, one = rows[k], rows.dtype.type(0)
        for i in range(len(row)):
            one += row[i]
        totals[k] += one


PIXELS = 128  # in a block whose gradients stay in the nearest cache


@part
def _sum_taps(planes, offsets, pixels, turned, filters, sums):
    """What one image gives, for blocks of pixels, of filters, of taps."""
    width = lanes(planes)
    for pixel in range(0, len(pixels), PIXELS):
        count = min(PIXELS, len(pixels) - pixel)
        for block in range(block_count(filters, width)):
            first, last = columns(block, filters, width)
            vectors = 0 if filters <= width // 2 else (last - first) // width
            for tap in range(0, len(offsets), ROWS):
                tile_taps(
                    planes, offsets, tap, pixels, pixel, count,
                    turned, first * len(pixels) + pixel * (last - first), last - first,
                    sums, first * len(offsets) + tap * (last - first), last - first, pixel == 0,
                    vectors,
                )  # fmt: skip


@part
def _lay(g, pitch, rows, room):
    """The gradients ``(K, P, Q)`` in rows as long as those of the planes, with zeros where these have their margins."""
    filters, height, width = g.shape
    for k in range(filters):
        for p in range(height):
            move(rows, k * room + p * pitch, g, (k * height + p) * width, width, g.dtype.type(0))


STRETCH = 256  # vectors of a row, which stay in the nearest cache


@part
def _sum_dots(planes, offsets, taps, rows, room, filters, sums):
    """What one image gives, as dot products of rows: of the gradients of a filter, and of what a tap sees."""
    vectors = room // lanes(rows)
    for first in range(0, vectors, STRETCH):
        at, count = first * lanes(rows), min(STRETCH, vectors - first)
        for k in range(0, filters, DOTS[0]):
            for tap in range(0, taps, DOTS[1]):
                tile_dots(
                    rows, k * room + at, room, planes, offsets, tap, at, count, sums, k * len(offsets) + tap,
                    len(offsets),
                )  # fmt: skip


@part
def _gather(sums, pitch, by_rows, out, start, filters, taps):
    """The sums of a chunk in the order (K, T), from place ``start`` of ``out`` on.

    Those of `_sum_dots` are in rows of ``pitch``, those of `_sum_taps` in blocks of filters, each (T, filter).
    """
    width = lanes(sums)
    for block in range(block_count(filters, width)):
        first, last = columns(block, filters, width)
        for k in range(first, min(last, filters)):
            for t in range(taps):
                place = k * pitch + t if by_rows else first * pitch + t * (last - first) + k - first
                out[start + k * taps + t] = sums[place]


@shared
def channel_sums(me, start, stop, g, out):
    """``(N, K, P·Q) -> (K,)``: the gradient by a bias; rows in the precision of g, their sum in float64."""
    out[start:stop] = 0
    for n in range(len(g)):
        _add_rows(g[n, start:stop], out[start:stop])
