"""Where the windows of a pooling lie in a plane."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy import ndarray

from .geometry import covered, describe, output_length, pair

__all__ = ["Windows", "adaptive", "sliding"]

AXES = {1: ("length",), 2: ("height", "width")}
LAYOUTS = {1: "(N, C, L) or (C, L)", 2: "(N, C, H, W) or (C, H, W)"}


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows in a plane ``(H, W)``: along each axis from where, to where, and how many elements each counts for.

    Within a window elements are ``dilation`` apart.  ``axes`` is 1 for tensors without height, of which H is 1.
    """

    plane: tuple[int, int]
    rows: ndarray
    columns: ndarray
    dilation: tuple[int, int]
    axes: int

    def __repr__(self) -> str:
        sizes = ["×".join(map(str, shape[-self.axes :])) for shape in (self.plane, self.counts)]
        return f"<{' → '.join(sizes)}>"

    @functools.cached_property
    def counts(self) -> tuple[int, int]:
        """How many windows there are along each axis."""
        return self.rows.shape[1], self.columns.shape[1]

    @functools.cached_property
    def size(self) -> tuple[int, int]:
        """How many elements the largest window has along each axis."""
        height, width = [int((stops - starts).max()) for starts, stops, _ in (self.rows, self.columns)]
        return -(-height // self.dilation[0]), -(-width // self.dilation[1])

    @functools.cached_property
    def corners(self) -> ndarray:
        """Where in the flat plane each window begins."""
        return np.ravel(self.rows[0][:, None] * self.plane[1] + self.columns[0])

    @functools.cached_property
    def offsets(self) -> ndarray:
        """How far from its corner each element of a window is in the flat plane."""
        down, right = [np.arange(n) * d for n, d in zip(self.size, self.dilation, strict=True)]
        return np.ravel(down[:, None] * self.plane[1] + right)

    @functools.cached_property
    def halves(self) -> bool:
        """Whether they are 2×2 elements side by side."""
        return self.dilation == (1, 1) and all(
            np.array_equal(starts, 2 * np.arange(len(starts))) and np.array_equal(stops, starts + 2)
            for starts, stops, _ in (self.rows, self.columns)
        )

    @functools.cached_property
    def grain(self) -> int:
        """How many planes are some 5 µs of work: 0.3 ns for an element of a plane in halves, else 1 ns of a window."""
        cost = 0.3 * self.plane[0] * self.plane[1] if self.halves else len(self.corners) * len(self.offsets)
        return max(1, int(5_000 / cost))


def _axis(starts: ndarray, stops: ndarray, sizes: ndarray) -> ndarray:
    """An axis as the kernels read it."""
    return np.array([starts, stops, sizes], np.int64)


WHOLE = _axis(*np.array([[0], [1], [1]]))  # the height of a tensor that has none


# -- windows of one size ----------------------------------------------------------------------------------------------


def sliding(
    name: str, shape: tuple[int, ...], axes: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any = 1,
    ceil_mode: bool = False, count_include_pad: bool = False, divisor: int | None = None,
) -> Windows:  # fmt: skip
    """Windows that slide over the last ``axes`` axes of a shape; ``stride`` None is the window's size.

    Raises ValueError, with the calculation, for a shape without batch and channel or channel, for padding of more than
    half a window, and where no window fits; TypeError for what are no integers.
    """
    kernel = pair("kernel_size", kernel_size, axes)
    steps = kernel if stride is None else pair("stride", stride, axes)
    margins, dilations = pair("padding", padding, axes, least=0), pair("dilation", dilation, axes)
    sizes = _sizes(name, shape, axes)
    return _sliding(name, sizes, kernel, steps, margins, dilations, bool(ceil_mode), bool(count_include_pad), divisor)


def _sizes(name: str, shape: tuple[int, ...], axes: int) -> tuple[int, ...]:
    """The sizes of the planes of a shape.  Raises ValueError for a shape of another number of axes."""
    if len(shape) not in (axes + 1, axes + 2):
        raise ValueError(f"{name} takes {LAYOUTS[axes]}, got shape {shape}")
    return shape[-axes:]


@functools.lru_cache(maxsize=256)
def _sliding(
    name: str, sizes: tuple[int, ...], kernel: tuple[int, ...], stride: tuple[int, ...], padding: tuple[int, ...],
    dilation: tuple[int, ...], ceil_mode: bool, count_include_pad: bool, divisor: int | None,
) -> Windows:  # fmt: skip
    lines = [WHOLE]
    calculation = ", ".join(
        describe(axis, n, f, s, (p, p), d, ceil_mode)
        for axis, n, f, s, p, d in zip(AXES[len(sizes)], sizes, kernel, stride, padding, dilation, strict=True)
    )
    for n, f, s, p, d in zip(sizes, kernel, stride, padding, dilation, strict=True):
        if p > f // 2:
            raise ValueError(f"{name}: padding {padding} is more than half of a window: {calculation}")
        first = np.arange(output_length(n, f, s, (p, p), d, ceil_mode)) * s - p
        last = first + covered(f, d)
        starts = np.where(first < 0, first % d, first)  # of the elements of a window, the first in the plane
        stops = np.minimum(last, n)
        if not len(first) or (starts >= stops).any():
            where = "no window fits" if not len(first) else "a window has no element inside"
            raise ValueError(f"{name}: {where}: {calculation}; take a smaller kernel_size or dilation")
        lines.append(_axis(starts, stops, np.minimum(last, n + p) - first if count_include_pad else stops - starts))
    rows, columns = lines[-2:]
    if divisor is not None:
        rows, columns = rows.copy(), columns.copy()
        rows[2], columns[2] = divisor, 1
    return Windows(_two(sizes), rows, columns, _two(dilation), len(sizes))


def _two(numbers: tuple[int, ...]) -> tuple[int, int]:
    """A number for height and width: 1 for the height of a tensor that has none."""
    *_, down, across = (1, *numbers)
    return down, across


# -- so many windows --------------------------------------------------------------------------------------------------


def adaptive(name: str, shape: tuple[int, ...], axes: int, output_size: Any) -> Windows:
    """So many windows along the last ``axes`` axes as ``output_size`` says; None for as many as there are elements.

    Window i of o goes from ⌊i·n/o⌋ to ⌈(i + 1)·n/o⌉.  Raises ValueError for a shape without batch and channel or
    channel, for an empty axis and for other sizes; TypeError for what are no integers.
    """
    sizes = _sizes(name, shape, axes)
    if not all(sizes):
        raise ValueError(f"{name}: there is nothing to pool in shape {shape}")
    given = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * axes
    if len(given) == axes:
        output_size = tuple([n if o is None else o for n, o in zip(sizes, given, strict=True)])
    counts = pair("output_size", output_size, axes)
    return _adaptive(sizes, counts)


@functools.lru_cache(maxsize=256)
def _adaptive(sizes: tuple[int, ...], counts: tuple[int, ...]) -> Windows:
    lines = [WHOLE]
    for n, o in zip(sizes, counts, strict=True):
        starts, stops = np.arange(o) * n // o, -(-np.arange(1, o + 1) * n // o)
        lines.append(_axis(starts, stops, stops - starts))
    rows, columns = lines[-2:]
    return Windows(_two(sizes), rows, columns, (1, 1), len(sizes))
