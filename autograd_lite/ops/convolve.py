"""Convolution of arrays: prepares the kernels' tables and working memory, and calls them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from .. import kernels
from ..kernels import threads
from .convgeometry import SLACK, Planes
from .out import fresh

__all__ = ["channel_sums", "correlate", "correlate_taps", "ready", "winograd"]

PIECE = 250_000  # multiply-adds, some 5 µs


def ready(x: Any) -> ndarray:
    """A contiguous array of float32 or float64 with a batch axis."""
    x = np.ascontiguousarray(x, dtype=x.dtype if x.dtype.itemsize >= 4 else np.float32)
    return x[None] if x.ndim == 3 else x


def _grouped(x: ndarray, groups: int) -> ndarray:
    return x.reshape(x.shape[0], groups, x.shape[1] // groups, *x.shape[2:])


def correlate(
    x: ndarray,
    weight: ndarray,
    bias: ndarray | None,
    planes: Planes,
    shape: tuple[int, ...],
    forward: bool,
    groups: int,
) -> ndarray:
    """Sums over the taps of ``planes``: a result of ``shape``."""
    filters, channels, *window = weight.shape
    area, rows = window[0] * window[1], shape[1] // groups
    height = kernels.microkernel.rows_for(rows)
    panels = fresh((groups, -(-rows // height), len(planes.taps), height), x.dtype)
    step = channels * area if forward else area
    kernels.conv.pack(weight.reshape(-1), planes.taps, panels, filters // groups * channels * area, step, rows)
    out = fresh(shape, x.dtype)
    start = np.zeros((groups, rows), x.dtype) if bias is None else bias.astype(x.dtype).reshape(groups, rows)
    count = threads.get_num_threads()
    threads.run(
        kernels.conv.correlate, x.shape[0] * groups, _grouped(x, groups), panels, planes.offsets, planes.outputs,
        planes.phases, planes.step, planes.before, planes.shape, start, _grouped(out, groups),
        fresh((count, planes.size), x.dtype), fresh((count, height * (planes.span + SLACK)), x.dtype),
        grain=PIECE // max(1, rows * len(planes.taps) * planes.span) or 1, threads=count,
    )  # fmt: skip
    return out


def winograd(
    x: ndarray, weight: ndarray, bias: ndarray | None, before: tuple[int, int], shape: tuple[int, ...], forward: bool
) -> ndarray:
    """The same as `correlate` for filters of 3×3 at stride 1, with a quarter of the multiplications."""
    ours, micro = kernels.winograd, kernels.microkernel
    lanes = kernels.emitter.VECTOR_BYTES // x.itemsize
    filters, depth = shape[1], x.shape[1]
    channels, known = -(-depth // lanes) * lanes, -(-filters // lanes) * lanes
    steps = (weight.shape[1] * 9, 9) if forward else (9, weight.shape[1] * 9)
    count = threads.get_num_threads()
    transformed = fresh((ours.PLACES, depth * known), x.dtype)
    threads.run(
        ours.transform_weights, -(-known // (lanes * micro.VECTORS)), weight.reshape(-1), filters, steps,
        not forward, fresh((9, depth * known), x.dtype), fresh((18, depth * known), x.dtype), transformed,
        grain=max(1, PIECE // (depth * known * 162)),
    )  # fmt: skip
    out = fresh(shape, x.dtype)
    start = np.zeros(filters, x.dtype) if bias is None else bias.astype(x.dtype)
    down, across = -(-shape[2] // ours.SIDE), -(-shape[3] // ours.SIDE)
    rows = max(1, min(-(-TILES // across), -(-shape[0] * down // (2 * count))))
    tiles = -(-rows * across // micro.ROWS) * micro.ROWS
    width, wide = x.shape[3], max(channels, known)
    view = (2 * ours.REACH) * max(ours.SIDE * across + 2, width) * wide + 2 * lanes * (4 * across + lanes)
    tables = np.arange(micro.ROWS) * channels, np.arange(depth)
    flat = x.reshape(*x.shape[:2], x.shape[2] * x.shape[3])
    threads.run(
        ours.winograd, -(-shape[0] * down // rows), flat, transformed, tables,
        (*x.shape[2:], *before), rows, start, out, fresh((count, view), x.dtype),
        fresh((count, ours.PLACES * tiles * channels), x.dtype),
        fresh((count, ours.PLACES * tiles * known), x.dtype), threads=count,
    )  # fmt: skip
    return out


TILES = 32  # whose inputs and products stay in the second cache
CHUNK = 1 << 18  # bytes of sums that stay in the second cache


def correlate_taps(
    g: ndarray, x: ndarray, planes: Planes, shape: tuple[int, ...], groups: int, sums: ndarray | None = None
) -> ndarray:
    """Sums over the pixels of ``g`` for the taps of ``planes``: the gradient by a weight of ``shape``.

    With ``sums`` (K,), that of g itself, too: the gradient by a bias.
    """
    filters, depth = shape[0] // groups, shape[1]
    area, count = len(planes.taps) // depth, threads.get_num_threads()
    if filters == 1:
        alone = np.empty((groups, len(planes.taps)), x.dtype)
        threads.run(
            kernels.conv.correlate_alone, groups, _grouped(x, groups), g, planes.offsets, planes.phases, planes.step,
            planes.before, planes.shape, alone, fresh((count, planes.size), x.dtype),
            grain=PIECE // max(1, len(x) * alone.shape[1] * len(planes.pixels)) or 1, threads=count,
        )  # fmt: skip
        if sums is not None:
            sums[:] = channel_sums(g)
        return alone.reshape(shape)
    vector = kernels.emitter.VECTOR_BYTES // x.itemsize
    columns = _up(filters, vector)
    most = max(1, CHUNK // (area * columns * x.itemsize))  # channels
    chunks = next(c for c in range(1, depth + 1) if depth % c == 0 and depth // c <= most)
    parts = max(1, min(len(x), -(-2 * count // (groups * chunks))))
    taps = depth // chunks * area
    room = _row_of_dots(planes, g.shape[3], filters, taps, vector)
    if room:
        columns = _up(filters, kernels.microkernel.DOTS[0])
    offsets = np.zeros(_up(taps, kernels.microkernel.ROWS), np.int64)
    offsets[:taps] = planes.offsets[:taps]
    partial = np.empty((parts, groups, chunks, filters, taps), x.dtype)
    totals = np.zeros((0 if sums is None else parts, groups, filters))
    cost = len(x) * filters * taps * len(planes.pixels) // parts
    threads.run(
        kernels.conv.correlate_taps, parts * groups * chunks, _grouped(x, groups), _grouped(g, groups), offsets,
        planes.pixels, planes.phases, planes.step, planes.before, planes.shape, partial, totals,
        fresh((count, planes.size), x.dtype), fresh((count, (room or len(planes.pixels)) * columns), x.dtype),
        fresh((count, 2 * len(offsets) * columns), x.dtype), room,
        grain=max(1, PIECE // max(cost, 1)), threads=count,
    )  # fmt: skip
    if sums is not None:
        sums[:] = np.add.reduce(totals).reshape(-1)
    whole = partial[0] if parts == 1 else np.add.reduce(partial)
    return (whole if chunks == 1 else np.ascontiguousarray(whole.transpose(0, 2, 1, 3))).reshape(shape)


def _row_of_dots(planes: Planes, width: int, filters: int, taps: int, vector: int) -> int:
    """The elements of a row for `tile_dots`, where that takes fewer multiply-adds than `tile_taps`; else 0."""
    row, (height, across) = _up(planes.span, vector), kernels.microkernel.DOTS
    dots = row * _up(filters, height) * _up(taps, across)
    others = len(planes.pixels) * _up(taps, kernels.microkernel.ROWS) * _up(filters, vector)
    return row if dots < others and width <= planes.shape[1] else 0


def _up(n: int, step: int) -> int:
    """``n``, or the next multiple of ``step``."""
    return -(-n // step) * step


def channel_sums(g: ndarray) -> ndarray:
    """``(N, K, P, Q) -> float64 (K,)``: the sum over all but the channels."""
    out = np.empty(g.shape[1])
    rows = g.reshape(*g.shape[:2], g.shape[2] * g.shape[3])
    threads.run(kernels.conv.channel_sums, len(out), rows, out, grain=1 + (1 << 14) // (1 + rows[:, 0].size))
    return out
