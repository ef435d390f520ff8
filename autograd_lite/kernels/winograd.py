"""Convolution by 3×3 filters with a quarter of the multiplications: F(4×4, 3×3) of Winograd (Lavin & Gray, 2016).

Tiles of 4×4 outputs, each from 6×6 inputs d, with overlap; for a filter w

    y = Aᵀ [(G w Gᵀ) ⊙ (Bᵀ d B)] A

The sum over the channels can be taken before Aᵀ · A, place by place: 36 matrix products of (tiles × channels) by
(channels × filters).  Inside, channels and filters are the last axis, so that each step of a transform works on whole
vectors.  The matrices come from interpolation at the points 0, ±5/8, ±5/4, ∞; the usual 0, ±1, ±2, ∞ are three times
less exact.  Error in float32, of the largest output: 3e-6 for 64 channels, 5e-6 for 256 (measured; the direct sum has
1e-6 and 2e-6).
"""

from __future__ import annotations

import numpy as np

from .blocks import block_count, columns
from .jit import part
from .microkernel import ROWS, tile_taps
from .vectors import combine, lanes, move, transpose
from .work import shared

__all__ = ["PLACES", "REACH", "SIDE", "transform_weights", "winograd"]

SIDE, REACH = 4, 6  # of a tile: outputs, and inputs that they see
PLACES = REACH * REACH


def _matrices() -> tuple[list[list[float]], list[list[float]], list[list[float]]]:
    """Bᵀ (6×6), G (6×3), Aᵀ (4×6): products of the polynomials through the points, and ∞ for the highest power."""
    points = [0, 5 / 8, -5 / 8, 5 / 4, -5 / 4]
    others = [[q for q in points if q != p] for p in points]
    b = [[*np.poly(rest)[::-1], 0.0] for rest in others] + [list(np.poly(points)[::-1])]
    g = [[p**i / np.prod([p - q for q in rest]) for i in range(3)] for p, rest in zip(points, others, strict=True)]
    a = [[p**i for p in points] + [float(i == SIDE - 1)] for i in range(SIDE)]
    b = [[0.0 if abs(x) < 1e-12 else float(x) for x in row] for row in b]
    return b, [*g, [0.0, 0.0, 1.0]], a


_B, _G, _A = _matrices()
_by_b, _by_g, _by_a = combine(_B), combine(_G), combine(_A)


@shared
def transform_weights(me, start, stop, weight, filters, steps, turned, nine, half, transformed):
    """G w Gᵀ of every filter and channel: transformed (36, channels · filters), block by block of the filters.

    In a block that is ``[channel, filter]``.  The weight of filter k for channel c at place i of the window is
    ``weight[k·steps[0] + c·steps[1] + i]``; with ``turned`` the window is turned round.  nine (9, …) and half (18, …)
    of the width of ``transformed`` are working memory.  The items are the blocks.
    """
    width = lanes(weight)
    total = transformed.shape[1]
    channels = total // ((filters + width - 1) // width * width)
    for block in range(start, stop):
        first, last = columns(block, filters, width)
        at, room = first * channels, last - first
        for i in range(9):
            row, of = nine[i], 8 - i if turned else i
            for c in range(channels):
                for k in range(first, last):
                    known = weight[k * steps[0] + c * steps[1] + of] if k < filters else weight.dtype.type(0)
                    row[at + c * room + k - first] = known
        vectors = room * channels // width
        for s in range(3):  # (3, 3) -> (6, 3)
            _by_g(half, s * total + at, 3 * total, nine, s * total + at, 3 * total, vectors)
        for i in range(REACH):  # (6, 3) -> (6, 6)
            _by_g(transformed, i * REACH * total + at, total, half, i * 3 * total + at, total, vectors)


@shared
def winograd(me, start, stop, x, transformed, tables, before, rows, bias, out, seen, inputs, sums):
    """``x (N, C, H·W) -> out (N, K, P, Q)`` with the weights of `transform_weights`.

    ``tables``: where the ROWS tiles of a product begin, and 0, 1, 2, …; ``before``: height and width of x, and its
    margin above and to the left; seen, inputs and sums (threads, …) are working memory.
    The items are stretches of ``rows`` rows of tiles, counted through all images.
    """
    filters, height, width = out.shape[1:]
    down, across = (height + SIDE - 1) // SIDE, (width + SIDE - 1) // SIDE
    total = len(x) * down
    channels = (x.shape[1] + lanes(x) - 1) // lanes(x) * lanes(x)
    known = (filters + lanes(x) - 1) // lanes(x) * lanes(x)
    tiles = (rows * across + ROWS - 1) // ROWS * ROWS
    view, own, products = seen[me], inputs[me], sums[me]
    for item in range(start, stop):
        first, last = item * rows, min(item * rows + rows, total)
        for row in range(first, last):
            _see(x[row // down], row % down * SIDE, before, channels, across, view)
            _transform(view, channels, across, own, (row - first) * across, tiles)
        _multiply(own, transformed, x.shape[1], channels, filters, known, tables, tiles, products)
        for row in range(first, last):
            _transform_back(products, (row - first) * across, tiles, known, across, view)
            _put(view, known, across, row % down * SIDE, bias, out[row // down])


@part
def _see(x, top, before, channels, across, view):
    """The six rows that a row of tiles sees, channels last, combined down the columns: view[i, column, channel].

    Row i is Σ_r Bᵀ[i, r] d[r], with a margin of zeros to the left and the right.
    """
    height, width = before[0], before[1]
    room = (SIDE * across + 2) * channels
    pixels = view[REACH * room :]
    low, high = max(0, before[2] - top), min(REACH, height - top + before[2])  # the rows that lie in the image
    begin_at, count = (top - before[2] + low) * width, (high - low) * width
    pixels[: low * width * channels] = 0
    pixels[max(0, high) * width * channels : REACH * width * channels] = 0
    for c in range(0, channels, lanes(x)):
        last = min(lanes(x), x.shape[0] - c) - 1
        if count >= lanes(x):
            for i in range(0, count + lanes(x) - 1, lanes(x)):
                near = min(i, count - lanes(x))
                transpose(
                    pixels, (low * width + near) * channels + c, channels,
                    x, c * height * width + begin_at + near, height * width, last,
                )  # fmt: skip
        else:
            for i in range(count):
                for m in range(last + 1):
                    pixels[(low * width + i) * channels + c + m] = x[c + m, begin_at + i]
    left = before[3] * channels
    inside = min(width * channels, room - left)
    for i in range(REACH):
        view[i * room : i * room + left] = 0
        view[i * room + left + inside : (i + 1) * room] = 0
    _by_b(view, left, room, pixels, 0, width * channels, inside // lanes(x))


@part
def _transform(view, channels, across, out, first, tiles):
    """Combine along the rows, too: out[place, tile, channel]."""
    room = (SIDE * across + 2) * channels
    for i in range(REACH):
        for t in range(across):
            _by_b(
                out, (i * REACH * tiles + first + t) * channels, tiles * channels,
                view, i * room + t * SIDE * channels, channels, channels // lanes(view),
            )  # fmt: skip


@part
def _multiply(inputs, transformed, depth, channels, filters, known, tables, tiles, products):
    """At each place the tiles' inputs (tiles, channels) by the weights (channels, filters)."""
    width = lanes(inputs)
    starts, counting = tables
    flat = transformed.reshape(transformed.size)
    for place in range(PLACES):
        for block in range(block_count(filters, width)):
            first, last = columns(block, filters, width)
            weights = place * transformed.shape[1] + first * depth
            for tile in range(0, tiles, ROWS):
                at = place * tiles + tile
                tile_taps(
                    inputs[at * channels :], starts, 0, counting, 0, depth, flat, weights,
                    last - first, products, at * known + first, known, True, (last - first) // width,
                )  # fmt: skip


@part
def _transform_back(products, first, tiles, known, across, view):
    """Aᵀ m A: view[row, column, filter] of a row of tiles."""
    vectors = known // lanes(view)
    room = SIDE * across * known
    for i in range(REACH):
        for t in range(across):
            _by_a(
                view, i * room + t * SIDE * known, known,
                products, (i * REACH * tiles + first + t) * known, tiles * known, vectors,
            )  # fmt: skip
    _by_a(view, REACH * room, room, view, 0, room, SIDE * across * vectors)


@part
def _put(view, known, across, top, bias, out):
    """A row of tiles to its places in the image, filters first."""
    filters, height, width = out.shape
    lane = lanes(view)
    room = SIDE * across * known
    turned = view[(REACH + SIDE) * room :]
    pitch = (SIDE * across + lane - 1) // lane * lane
    for p in range(min(SIDE, height - top)):
        for k in range(0, filters, lane):
            for q in range(0, SIDE * across, lane):
                last = min(lane, SIDE * across - q) - 1
                transpose(turned, q, pitch, view, (REACH + p) * room + q * known + k, known, last)
            for m in range(min(lane, filters - k)):
                move(out[k + m, top + p], 0, turned, m * pitch, width, bias[k + m])
