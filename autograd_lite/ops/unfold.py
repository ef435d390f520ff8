"""Windows as columns of a matrix, and back: `unfold` and `fold` are each other's gradient."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ..op import Sample, op
from .geometry import describe, output_length, pair
from .out import deliver, fresh

__all__ = ["fold", "unfold"]


class _Grid(NamedTuple):
    """Windows in an image of ``plane``: their size, and how many there are, down and across."""

    plane: tuple[int, ...]
    kernel: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: tuple[int, ...]
    stride: tuple[int, ...]
    counts: tuple[int, ...]

    def padded(self) -> tuple[int, ...]:
        return self.plane[0] + 2 * self.padding[0], self.plane[1] + 2 * self.padding[1]

    def inside(self) -> tuple[Any, slice, slice]:
        """The image in its padding."""
        (h, w), (p, q) = self.plane, self.padding
        return ..., slice(p, p + h), slice(q, q + w)

    def taps(self) -> Iterator[tuple[Any, Any]]:
        """For each element of a window: where it is in columns ``(…, R, S, P, Q)``, and where in a padded image."""
        (d, e), (s, t), (p, q) = self.dilation, self.stride, self.counts
        for i in range(self.kernel[0]):
            for j in range(self.kernel[1]):
                down, across = slice(i * d, i * d + s * (p - 1) + 1, s), slice(j * e, j * e + t * (q - 1) + 1, t)
                yield (..., i, j, slice(None), slice(None)), (..., down, across)


def _grid(plane: Any, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> _Grid:
    """Raises ValueError, with the calculation, where no window fits; TypeError for what are no integers."""
    kernel, dilations = pair("kernel_size", kernel_size), pair("dilation", dilation)
    margins, strides = pair("padding", padding, least=0), pair("stride", stride)
    lines = [(n, f, s, (p, p), d) for n, f, s, p, d in zip(plane, kernel, strides, margins, dilations, strict=True)]
    counts = tuple([output_length(*line) for line in lines])
    if min(counts) < 1:
        calculation = ", ".join(describe(axis, *line) for axis, line in zip(("height", "width"), lines, strict=True))
        raise ValueError(f"no window fits: {calculation}; take a smaller kernel_size or dilation, or more padding")
    return _Grid(plane, kernel, dilations, margins, strides, counts)


CASES = (  # the shape of an image and the rest of `unfold`'s arguments
    ((2, 1, 3, 4), 2), ((1, 2, 4, 5), (2, 3), 1, 1, 2), ((2, 5, 4), (3, 2), (2, 1), (0, 2), (1, 2)), ((0, 1, 2, 2), 2),
)  # fmt: skip


def _fold_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample(rng.normal(size=unfold(np.zeros(shape), *rest).shape), shape[-2:], *rest)
        for shape, *rest in CASES
        if all(shape)
    ]


@op(
    vjps=(
        lambda g, out, x, kernel_size, dilation, padding, stride: fold(
            g, x.shape[-2:], kernel_size, dilation, padding, stride
        ),
    ),
    symbol="unfold", samples=lambda rng: [Sample(rng.normal(size=shape), *rest) for shape, *rest in CASES],
)  # fmt: skip
def unfold(x, kernel_size, dilation=1, padding=0, stride=1, out=None):
    """Each window as a column, ``(N, C, H, W) -> (N, C·R·S, P·Q)`` for windows of R×S at P×Q places ("im2col").

    P is ``⌊(H + 2p − d(R − 1) − 1)/s⌋ + 1``.  Sizes are an integer or a pair.  Also ``(C, H, W) -> (C·R·S, P·Q)``.
    Raises ValueError where no window fits, and for another number of axes.

    >>> import autograd_lite as al
    >>> al.unfold(al.tensor([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]), 2)
    tensor([[1., 2.],
            [2., 3.],
            [4., 5.],
            [5., 6.]])
    """
    x = np.asarray(x)
    if x.ndim not in (3, 4):
        raise ValueError(f"unfold takes (N, C, H, W) or (C, H, W), got shape {x.shape}")
    grid = _grid(x.shape[-2:], kernel_size, dilation, padding, stride)
    image = x
    if any(grid.padding):
        image = np.zeros((*x.shape[:-2], *grid.padded()), x.dtype)
        image[grid.inside()] = x
    columns = fresh((*x.shape[:-2], *grid.kernel, *grid.counts), x.dtype)
    for tap, places in grid.taps():
        columns[tap] = image[places]
    return deliver(columns.reshape(*x.shape[:-3], math.prod(columns.shape[-5:-2]), math.prod(grid.counts)), out)


@op(
    vjps=(
        lambda g, out, x, output_size, kernel_size, dilation, padding, stride: unfold(
            g, kernel_size, dilation, padding, stride
        ),
    ),
    symbol="fold", samples=_fold_samples,
)  # fmt: skip
def fold(x, output_size, kernel_size, dilation=1, padding=0, stride=1, out=None):
    """Columns added up where their windows lie in an image, ``(N, C·R·S, P·Q) -> (N, C, H, W)``; see `unfold`.

    ``output_size`` is (H, W).  Elements of several windows are sums; `fold` of `unfold` is not the image.  Also
    ``(C·R·S, P·Q) -> (C, H, W)``.  Raises ValueError for a shape that does not fit the windows.
    """
    x = np.asarray(x)
    grid = _grid(pair("output_size", output_size), kernel_size, dilation, padding, stride)
    size, count = math.prod(grid.kernel), math.prod(grid.counts)
    if x.ndim not in (2, 3) or x.shape[-2] % size or x.shape[-1] != count:
        down, across = grid.counts
        raise ValueError(
            f"{down}·{across} windows of {grid.kernel[0]}·{grid.kernel[1]} elements need the shape "
            f"(N, C·{size}, {count}) or (C·{size}, {count})"
        )
    lead = (*x.shape[:-2], x.shape[-2] // size)
    columns = x.reshape(*lead, *grid.kernel, *grid.counts)
    image = np.zeros((*lead, *grid.padded()), x.dtype)
    for tap, places in grid.taps():
        image[places] += columns[tap]
    return deliver(np.ascontiguousarray(image[grid.inside()]), out)
