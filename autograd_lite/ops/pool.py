"""Pooling: the largest element or the mean of windows of a plane.

`max_pool` keeps of each window the place of its largest element, a byte where that is enough; its gradient is
`put_places`, whose own is `take_places`.  `avg_pool` and `spread` are each other's gradient.  PyTorch's functions are
these with one kind of `windows` or another.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy import ndarray

from .. import kernels
from ..kernels import threads
from ..op import Sample, op
from .composed import composed
from .out import deliver, fresh
from .samples import Samples, distinct
from .windows import Windows, adaptive, sliding

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_max_pool1d", "adaptive_max_pool2d", "avg_pool1d",
    "avg_pool2d", "max_pool1d", "max_pool2d",
]  # fmt: skip


# -- arrays for the kernels -------------------------------------------------------------------------------------------


def _planes(x: ndarray, *plane: int) -> ndarray:
    """``x`` as ``(planes, …)`` in C order; float16 as float32, since Numba has none."""
    dtype = np.float32 if x.dtype == np.float16 else x.dtype
    return np.ascontiguousarray(x, dtype).reshape(-1, *plane)


def _shape(x: ndarray, windows: Windows, plane: tuple[int, int]) -> tuple[int, ...]:
    """The shape of planes with the leading axes of ``x``."""
    return x.shape[: x.ndim - windows.axes] + plane[-windows.axes :]


def _result(planes: ndarray, x: ndarray, windows: Windows, plane: tuple[int, int]) -> tuple[ndarray, ndarray]:
    """Memory for a result with the leading axes of ``x``, and the same memory as planes."""
    result = fresh(_shape(x, windows, plane), planes.dtype)
    return result, result.reshape(-1, *plane)


def _given(result: ndarray, x: ndarray, out: ndarray | None) -> Any:
    """A result in the dtype of ``x``."""
    return deliver(result.astype(x.dtype, copy=False), out)


def _cases(rng: np.random.Generator) -> list[tuple[ndarray, Windows]]:
    """Windows side by side, overlapping and padded, of unequal sizes, without height, and with dilation."""
    shapes = ((2, 1, 4, 5), (1, 2, 4, 5), (2, 4, 3), (1, 2, 5), (1, 5, 6))
    windows = (
        sliding("cases", shapes[0], 2, 2, None, 0),
        sliding("cases", shapes[1], 2, 3, (2, 1), 1, count_include_pad=True),
        adaptive("cases", shapes[2], 2, (3, 2)),
        sliding("cases", shapes[3], 1, 3, 2, 1, ceil_mode=True),
        sliding("cases", shapes[4], 2, 2, 1, 1, (2, 3)),
    )
    return [(distinct(rng, shape), w) for shape, w in zip(shapes, windows, strict=True)]


def _mean_cases(rng: np.random.Generator) -> list[tuple[ndarray, Windows]]:
    return [(x, w) for x, w in _cases(rng) if w.dilation == (1, 1)]


# -- the largest element ----------------------------------------------------------------------------------------------


def _maxima(x: ndarray, windows: Windows) -> tuple[ndarray, ndarray]:
    """The largest element of each window ``(…, P, Q)``, and its place in the window ``(planes, P, Q)``."""
    planes = _planes(x, *windows.plane)
    height, width = windows.size
    result, maxima = _result(planes, x, windows, windows.counts)
    places = fresh(maxima.shape, np.uint8 if height * width <= 256 else np.uint32)
    if windows.halves:
        threads.run(kernels.pool.maxima_2x2, len(planes), planes, maxima, places, grain=windows.grain)
    else:
        threads.run(
            kernels.pool.maxima, len(planes), planes, windows.rows, windows.columns, *windows.dilation, width, maxima,
            places, grain=windows.grain,
        )  # fmt: skip
    return result, places


def _flat(planes: ndarray) -> ndarray:
    """``(planes, H, W) -> (planes, H·W)``."""
    return planes.reshape(-1, planes.shape[1] * planes.shape[2])


@op(
    vjps=(lambda g, out, places, x, windows: put_places(g, places, windows),), residuals=True, floating=True,
    symbol="max pool", samples=lambda rng: [Sample(*case) for case in _cases(rng)],
)  # fmt: skip
def max_pool(x, windows, out=None):
    """The largest element of each window, ``(…, H, W) -> (…, P, Q)``; see `max_pool2d`."""
    result, places = _maxima(x, windows)
    return _given(result, x, out), places


@op(arity=1, floating=True, samples=lambda rng: [Sample(*case) for case in _cases(rng)])
def max_pool_indices(x, windows, out=None):
    """Where in its flat plane the largest element of each window is, ``(…, H, W) -> int (…, P, Q)``."""
    indices = windows.corners + windows.offsets[_flat(_maxima(x, windows)[1])]
    return deliver(indices.reshape(_shape(x, windows, windows.counts)), out)


@op(
    vjps=(lambda g, out, g_, places, windows: take_places(g, places, windows), None),
    samples=lambda rng: [Sample(*_maxima(x, windows), windows) for x, windows in _cases(rng)],
)
def put_places(g, places, windows, out=None):
    """Each window's number added to the element at a place of it, ``(…, P, Q) -> (…, H, W)``: `max_pool`'s gradient."""
    planes = _planes(g, *windows.counts)
    result, into = _result(planes, g, windows, windows.plane)
    if windows.halves:
        threads.run(kernels.pool.put_2x2, len(planes), planes, places, into, grain=windows.grain)
    else:
        threads.run(
            kernels.pool.put, len(planes), _flat(planes), _flat(places), windows.corners, windows.offsets, _flat(into),
            grain=windows.grain,
        )  # fmt: skip
    return _given(result, g, out)


@op(
    vjps=(lambda g, out, x, places, windows: put_places(g, places, windows), None),
    samples=lambda rng: [Sample(x, _maxima(x, windows)[1], windows) for x, windows in _cases(rng)],
)
def take_places(x, places, windows, out=None):
    """The element at a place of each window, ``(…, H, W) -> (…, P, Q)``: the adjoint of `put_places`."""
    planes, indices = _flat(_planes(x, *windows.plane)), windows.corners + windows.offsets[_flat(places)]
    taken = np.take_along_axis(planes, indices, 1)
    return _given(taken.reshape(_shape(x, windows, windows.counts)), x, out)


def _max(x: Any, windows: Windows, return_indices: bool) -> Any:
    """The largest elements, and if wanted where they are."""
    return (max_pool(x, windows), max_pool_indices(x, windows)) if return_indices else max_pool(x, windows)


# -- the mean ---------------------------------------------------------------------------------------------------------


@op(
    vjps=(lambda g, out, x, windows: spread(g, windows),), floating=True,
    symbol="avg pool", samples=lambda rng: [Sample(*case) for case in _mean_cases(rng)],
)  # fmt: skip
def avg_pool(x, windows, out=None):
    """The sum of each window over the number it counts for, ``(…, H, W) -> (…, P, Q)``."""
    planes = _planes(x, *windows.plane)
    result, means = _result(planes, x, windows, windows.counts)
    kernel = kernels.pool.means_2x2 if windows.halves else kernels.pool.means
    threads.run(kernel, len(planes), planes, windows.rows, windows.columns, means, grain=windows.grain)
    return _given(result, x, out)


@op(
    vjps=(lambda g, out, g_, windows: avg_pool(g, windows),),
    floating=True,
    samples=lambda rng: [Sample(rng.normal(size=avg_pool(x, w).shape), w) for x, w in _mean_cases(rng)],
)
def spread(g, windows, out=None):
    """Each window's number, over what the window counts for, added to its elements: the adjoint of `avg_pool`."""
    planes = _planes(g, *windows.counts)
    result, into = _result(planes, g, windows, windows.plane)
    kernel = kernels.pool.spread_2x2 if windows.halves else kernels.pool.spread
    threads.run(kernel, len(planes), planes, windows.rows, windows.columns, into, grain=windows.grain)
    return _given(result, g, out)


# -- PyTorch's functions ----------------------------------------------------------------------------------------------


def _max_samples(*shapes: tuple[int, ...]) -> Samples:
    def make(rng: np.random.Generator) -> list[Sample]:
        cases: tuple[dict[str, Any], ...] = (
            {"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "padding": 1, "return_indices": True},
            {"kernel_size": 2, "stride": 3, "dilation": 2, "padding": 1}, {"kernel_size": 3, "ceil_mode": True},
        )  # fmt: skip
        return [Sample(distinct(rng, shape), **case) for shape in shapes for case in cases]

    return make


def _avg_samples(*shapes: tuple[int, ...], **params: Any) -> Samples:
    def make(rng: np.random.Generator) -> list[Sample]:
        cases: list[dict[str, Any]] = [
            {"kernel_size": 2}, {"kernel_size": 3, "stride": 2, "padding": 1},
            {"kernel_size": 3, "padding": 1, "ceil_mode": True},
            {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False},
        ]  # fmt: skip
        return [Sample(distinct(rng, s), **case) for s in shapes for case in cases + ([params] if params else [])]

    return make


def _adaptive_samples(shape: tuple[int, ...], *output_sizes: Any) -> Samples:
    return lambda rng: [Sample(distinct(rng, shape), output_size) for output_size in output_sizes]


@composed(_max_samples((1, 2, 4, 6), (2, 5, 5)))
def max_pool2d(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:  # fmt: skip
    """The largest element of each window, ``(N, C, H, W) -> (N, C, P, Q)`` with P = ⌊(H − f)/s⌋ + 1 (cheat sheet 4.1).

    With padding p and dilation d it is ``⌊(H + 2p − d(f − 1) − 1)/s⌋ + 1``.  All sizes are an integer or a pair;
    ``stride`` None is the window's size, so that windows lie side by side.  With ``ceil_mode`` a last window may hang
    over the end; what lies outside never is the largest.  The gradient goes to the first of equal elements; NaN is the
    largest.  ``return_indices`` also gives where in its flat plane each was found.  Also takes ``(C, H, W)``.
    Raises ValueError where no window fits or one lies in the padding, for padding of more than half a window, and for
    another number of axes.

    >>> import autograd_lite as al
    >>> al.max_pool2d(al.tensor([[[1.0, 2.0, 5.0, 6.0], [3.0, 4.0, 7.0, 8.0]]]), 2)
    tensor([[[4., 8.]]])
    """
    return _max(x, sliding("max_pool2d", x.shape, 2, kernel_size, stride, padding, dilation, ceil_mode), return_indices)


@composed(_max_samples((1, 2, 6), (2, 5)))
def max_pool1d(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:  # fmt: skip
    """`max_pool2d` of one axis, ``(N, C, L) -> (N, C, P)`` or ``(C, L) -> (C, P)``."""
    return _max(x, sliding("max_pool1d", x.shape, 1, kernel_size, stride, padding, dilation, ceil_mode), return_indices)


@composed(_avg_samples((1, 2, 4, 6), (2, 5, 5), kernel_size=2, divisor_override=3))
def avg_pool2d(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Any:  # fmt: skip
    """The mean of each window, ``(N, C, H, W) -> (N, C, P, Q)`` with P = ⌊(H − f)/s⌋ + 1  (cheat sheet 4.1).

    The arguments are those of `max_pool2d`.  Padding counts as zeros, or not at all if ``count_include_pad`` is False;
    what hangs over it in ``ceil_mode`` does not count.  ``divisor_override`` divides the sum instead.  Raises
    ValueError as `max_pool2d` and for a divisor 0.
    """
    if divisor_override is not None and (divisor_override := operator.index(divisor_override)) == 0:
        raise ValueError("avg_pool2d: divisor_override must not be 0")
    windows = sliding(
        "avg_pool2d", x.shape, 2, kernel_size, stride, padding, 1, ceil_mode, count_include_pad, divisor_override
    )
    return avg_pool(x, windows)


@composed(_avg_samples((1, 2, 6), (2, 5)))
def avg_pool1d(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:  # fmt: skip
    """`avg_pool2d` of one axis, ``(N, C, L) -> (N, C, P)`` or ``(C, L) -> (C, P)``."""
    return avg_pool(x, sliding("avg_pool1d", x.shape, 1, kernel_size, stride, padding, 1, ceil_mode, count_include_pad))


@composed(_adaptive_samples((2, 1, 4, 5), 2, (4, 2), (3, None), 1))
def adaptive_avg_pool2d(x: Any, output_size: Any) -> Any:
    """The means of P×Q windows that cover the plane, ``(N, C, H, W) -> (N, C, P, Q)`` or ``(C, H, W) -> (C, P, Q)``.

    ``output_size`` is (P, Q), one number for both, None for the input's size.  Window i goes from ⌊i·H/P⌋ to
    ⌈(i + 1)·H/P⌉.  Raises ValueError for an empty plane, sizes below 1, and another number of axes.
    """
    return avg_pool(x, adaptive("adaptive_avg_pool2d", x.shape, 2, output_size))


@composed(_adaptive_samples((2, 1, 5), 2, 3, 5))
def adaptive_avg_pool1d(x: Any, output_size: Any) -> Any:
    """`adaptive_avg_pool2d` of one axis, ``(N, C, L) -> (N, C, P)`` or ``(C, L) -> (C, P)``."""
    return avg_pool(x, adaptive("adaptive_avg_pool1d", x.shape, 1, output_size))


@composed(_adaptive_samples((2, 1, 4, 5), 2, (4, 2), (3, None), 1))
def adaptive_max_pool2d(x: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The largest elements of the windows of `adaptive_avg_pool2d`; ties, NaN and indices as in `max_pool2d`."""
    return _max(x, adaptive("adaptive_max_pool2d", x.shape, 2, output_size), return_indices)


@composed(_adaptive_samples((2, 1, 5), 2, 3, 5))
def adaptive_max_pool1d(x: Any, output_size: Any, return_indices: bool = False) -> Any:
    """`adaptive_max_pool2d` of one axis, ``(N, C, L) -> (N, C, P)`` or ``(C, L) -> (C, P)``."""
    return _max(x, adaptive("adaptive_max_pool1d", x.shape, 1, output_size), return_indices)
