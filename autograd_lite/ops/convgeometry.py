"""What `kernels.conv` needs to know of a convolution: where its taps read, and where its results go."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from ..kernels.places import COLUMN_COUNT, ROW_COUNT
from .geometry import describe, output_length, padding_pairs, pair

__all__ = ["Geometry", "SLACK", "Planes", "geometry"]

WINOGRAD = 16  # channels and filters from which it pays (8: 2.5 times slower, 16: 1.4 times faster, 64: 2.3)
VECTOR, WORTH = 16, 0.9  # elements of a vector; what the cost of bands must be below, relative to that of one
SLACK = 64  # elements beyond the planes that the last vectors may read


class Planes(NamedTuple):
    """Images in planes with margins, and the taps that read them; see `kernels.conv`."""

    taps: ndarray  # (T,): where the weight of each tap stands in the memory of the filters, from the row's first on
    offsets: ndarray  # (T,)
    outputs: ndarray  # a row for each part of the result, see `kernels.places`
    phases: ndarray  # (phases, 2): first row and column of each
    step: tuple[int, int]
    before: tuple[int, int]  # the margin above and to the left
    shape: tuple[int, int]  # rows of a plane, pitch
    size: int  # elements of all planes
    span: int  # flat places from the first to the last output
    pixels: ndarray  # the flat place of each output


class Geometry:
    """One convolution: sizes, and the tables of its two directions, made when first asked for."""

    def __init__(
        self, channels: int, filters: int, image: tuple[int, ...], window: tuple[int, ...], stride: tuple[int, ...],
        padding: tuple[tuple[int, int], ...], dilation: tuple[int, ...], groups: int,
    ) -> None:  # fmt: skip
        self.channels, self.filters, self.groups = channels // groups, filters // groups, groups
        self.image, self.window = image, window
        self.stride, self.padding, self.dilation = stride, padding, dilation
        self.size = tuple([output_length(*axis) for axis in zip(image, window, stride, padding, dilation, strict=True)])

        if min(self.size) < 1:
            raise ValueError(f"the filter is larger than the image with its padding: {self}")

    @property
    def suits_winograd(self) -> bool:
        """Whether `kernels.winograd` can compute this convolution, and faster than `kernels.conv`."""
        return (
            self.window == (3, 3) and self.stride == self.dilation == (1, 1) and self.groups == 1
            and max(map(max, self.padding)) <= 2 and min(self.channels, self.filters) >= WINOGRAD
        )  # fmt: skip

    def __str__(self) -> str:
        axes = zip(("height", "width"), self.image, self.window, self.stride, self.padding, self.dilation, strict=True)
        return ", ".join([describe(*axis) for axis in axes])

    def check_result(self, shape: Sequence[int], filters: int) -> None:
        """Raise ValueError for gradients that are not of the shape which this convolution gives."""
        if tuple(shape[-3:]) != (filters, *self.size):
            raise ValueError(f"the result has shape {(filters, *self.size)}, not {tuple(shape[-3:])}: {self}")

    @functools.cached_property
    def forward(self) -> Planes:
        """The images' planes, one phase for each step of the stride, and where each tap reads them."""
        axes = [
            [divmod(i * d, s) for i in range(f)]
            for f, d, s in zip(self.window, self.dilation, self.stride, strict=True)
        ]
        phases = sorted({(a, b) for _, a in axes[0] for _, b in axes[1]})
        rows = self.size[0] + max(shift for shift, _ in axes[0])
        pitch = self.size[1] + max(shift for shift, _ in axes[1])
        if self.stride[1] == 1:
            pitch = self.image[1] + max(self.padding[1])  # the right margin of a row is the left one of the next
        area = rows * pitch
        places = [
            phases.index((a, b)) * area + y * pitch + x
            for y, a in axes[0]
            for x, b in axes[1]
        ]  # fmt: skip
        channels = np.arange(self.channels)
        offsets = (channels[:, None] * (len(phases) * area) + np.array(places, np.int64)).reshape(-1)
        taps = np.arange(len(offsets))
        output = [0, len(taps), 0, 1, self.size[0], 0, 1, self.size[1], 0]
        before = (self.padding[0][0], self.padding[1][0])
        return _planes(taps, offsets, [output], phases, self.stride, before, (rows, pitch), self.channels * len(phases))

    @functools.cached_property
    def backward(self) -> Planes:
        """The planes of the gradients, and where each tap reads them: one part of the result for each phase."""
        parts = [
            _phases(*axis)
            for axis in zip(self.image, self.window, self.stride, self.padding, self.dilation, strict=True)
        ]
        shifts = [[shift for part in axis for _, shift in part.taps] for axis in parts]
        reach = [max([part.number + shift for part in axis for _, shift in part.taps], default=1) for axis in parts]
        before = tuple([max(0, -min(axis, default=0)) for axis in shifts])
        rows = reach[0] + before[0]
        pitch = self.size[1] + max(before[1], reach[1] - self.size[1])
        filters, size = np.arange(self.filters)[:, None], self.channels * self.window[0] * self.window[1]
        taps, offsets, outputs = [], [], []
        start = 0
        for vertical in parts[0]:
            for horizontal in parts[1]:
                across = self.filters * len(horizontal.taps)
                for r, y in vertical.taps:
                    places = [r * self.window[1] + s for s, _ in horizontal.taps]
                    at = [(y + before[0]) * pitch + x + before[1] for _, x in horizontal.taps]
                    taps.append((filters * size + np.array(places, np.int64)).reshape(-1))
                    offsets.append((filters * (rows * pitch) + np.array(at, np.int64)).reshape(-1))
                for first, number, taps_from, taps_to in _bands(vertical, self.size[0], pitch):
                    outputs.append(
                        [start + taps_from * across, (taps_to - taps_from) * across,
                         vertical.first + first * self.stride[0], self.stride[0], number,
                         horizontal.first, self.stride[1], horizontal.number, first * pitch]
                    )  # fmt: skip
                start += len(vertical.taps) * across
        return _planes(
            np.concatenate([np.empty(0, np.int64), *taps]),
            np.concatenate([np.empty(0, np.int64), *offsets]),
            outputs,
            [(0, 0)],
            (1, 1),
            before,
            (rows, pitch),
            self.filters,
        )


class _Phase(NamedTuple):
    """The inputs first, first + s, …: how many, and which taps meet them where: input j reads output j + shift."""

    first: int
    number: int
    taps: list[tuple[int, int]]


def _phases(n: int, f: int, stride: int, padding: tuple[int, int], dilation: int) -> list[_Phase]:
    """Input y meets tap r at output (y + p − r·d)/s, where that is a whole number."""
    found = []
    for first in range(min(stride, n)):
        reached = [(r, first + padding[0] - r * dilation) for r in range(f)]
        taps = [(r, at // stride) for r, at in reached if at % stride == 0]
        found.append(_Phase(first, -(-(n - first) // stride), taps))
    return found


def _bands(phase: _Phase, size: int, pitch: int) -> list[tuple[int, int, int, int]]:
    """The rows of a phase in bands which the same taps meet: first row, how many, from which tap, to which.

    Near the upper and the lower edge only some taps lie in the ``size`` rows of the outputs.  All rows are one band if
    that costs hardly more: a band is computed in whole vectors.
    """
    bands: list[tuple[int, int, int, int]] = []
    for y in range(phase.number):
        met = [i for i, (_, shift) in enumerate(phase.taps) if 0 <= y + shift < size] or [0]
        ends = (met[0], met[-1] + 1) if phase.taps else (0, 0)
        if bands and bands[-1][2:] == ends:
            bands[-1] = (bands[-1][0], bands[-1][1] + 1, *ends)
        else:
            bands.append((y, 1, *ends))
    cost = sum([-(-number * pitch // VECTOR) * VECTOR * (last - first) for _, number, first, last in bands])
    whole = phase.number * pitch * len(phase.taps)
    return bands if cost < WORTH * whole else [(0, phase.number, 0, len(phase.taps))]


def _planes(
    taps: ndarray, offsets: ndarray, outputs: list[list[int]], phases: list[tuple[int, int]], step: Any, before: Any,
    shape: tuple[int, int], count: int,
) -> Planes:  # fmt: skip
    table = np.array(outputs, np.int64)
    longest = max([(row[ROW_COUNT] - 1) * shape[1] + row[COLUMN_COUNT] for row in outputs])
    pixels = (np.arange(outputs[0][ROW_COUNT])[:, None] * shape[1] + np.arange(outputs[0][COLUMN_COUNT])).reshape(-1)
    size = count * shape[0] * shape[1] + shape[1] + SLACK
    return Planes(
        taps, offsets, table, np.array(phases, np.int64), tuple(step), tuple(before), shape, size, longest, pixels
    )


def geometry(
    shape: Sequence[int], weight: Sequence[int], stride: Any, padding: Any, dilation: Any, groups: int
) -> Geometry:
    """The geometry of images ``(N, C, H, W)`` or ``(C, H, W)`` under filters ``(K, C/groups, R, S)``.

    Raises ValueError for shapes that do not fit, with the calculation.
    """
    given = [tuple(a) if isinstance(a, (list, np.ndarray)) else a for a in (shape, weight, stride, padding, dilation)]
    return _checked(*given, groups)


@functools.lru_cache(maxsize=512)
def _checked(
    shape: tuple[int, ...], weight: tuple[int, ...], stride: Any, padding: Any, dilation: Any, groups: int
) -> Geometry:
    if len(shape) not in (3, 4) or len(weight) != 4:
        raise ValueError(
            f"images must be (N, C, H, W) or (C, H, W), filters (K, C/groups, R, S); got {shape}, {weight}"
        )
    channels, *image = shape[-3:]
    filters, depth, *window = weight
    (groups,) = pair("groups", groups, 1)
    if filters % groups or channels % groups:
        raise ValueError(f"groups = {groups} must divide the channels, {channels}, and the filters, {filters}")
    if depth * groups != channels:
        raise ValueError(
            f"the images have {channels} channels, the filters are for {depth * groups}"
            + (f" ({depth} in each of {groups} groups)" if groups > 1 else "")
            + f": images {shape}, filters {weight}"
        )
    if min(weight) < 1:
        raise ValueError(f"there must be filters, of at least one channel and 1×1 elements; got {weight}")
    stride, dilation = pair("stride", stride), pair("dilation", dilation)
    pads = padding_pairs(padding, tuple(window), stride, dilation)
    return _known(channels, filters, tuple(image), tuple(window), stride, pads, dilation, groups)


@functools.lru_cache(maxsize=256)
def _known(*sizes: Any) -> Geometry:
    return Geometry(*sizes)
