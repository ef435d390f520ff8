"""Convolution and its two gradients: three operations, each of which is a gradient of the others.

With y = conv2d(x, w): dx = conv2d_input(dy, w), dw = conv2d_weight(dy, x).  All three are linear in both arguments, so
their gradients are each other, to any order.  A transposed convolution is `conv2d_input`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from .. import buffers
from ..op import Sample, op
from .composed import as_operand, composed
from .convgeometry import SLACK, Planes, geometry
from .geometry import padding_pairs, pair
from .out import deliver
from .reduce import sum
from .shape import squeeze, unsqueeze

__all__ = ["conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d"]

PIECE = 2_000_000  # multiply-adds, some 20 µs


# -- the kernels ------------------------------------------------------------------------------------------------------


def _ready(x: Any, rank: int = 4) -> ndarray:
    """A contiguous array of float32 or float64 with a batch axis."""
    x = np.ascontiguousarray(x, dtype=x.dtype if x.dtype.itemsize >= 4 else np.float32)
    return x[None] if x.ndim == rank - 1 else x


def _empty(shape: tuple[int, ...], dtype: Any) -> ndarray:
    found = buffers.empty(shape, np.dtype(dtype))
    return np.empty(shape, dtype) if found is None else found


def _grouped(x: ndarray, groups: int) -> ndarray:
    return x.reshape(x.shape[0], groups, x.shape[1] // groups, *x.shape[2:])


def _correlate(
    x: ndarray, weight: ndarray, bias: ndarray | None, planes: Planes, shape: tuple[int, ...], forward: bool, groups: int
) -> ndarray:
    """Sums over the taps of ``planes``: a result of ``shape``."""
    from ..kernels import conv, microkernel, threads

    filters, channels, *window = weight.shape
    area, rows = window[0] * window[1], shape[1] // groups
    height = microkernel.rows_for(rows)
    panels = _empty((groups, -(-rows // height), len(planes.taps), height), x.dtype)
    steps = (channels * area, area) if forward else (area, channels * area)
    conv.pack(weight.reshape(-1), planes.taps, panels, (filters // groups * channels * area, *steps), rows)
    out = _empty(shape, x.dtype)
    start = np.zeros((groups, rows), x.dtype) if bias is None else bias.astype(x.dtype).reshape(groups, rows)
    count = threads.get_num_threads()
    threads.run(
        conv.correlate, x.shape[0] * groups, _grouped(x, groups), panels, planes.offsets, planes.outputs,
        planes.phases, planes.step, planes.before, planes.shape, start, _grouped(out, groups),
        _empty((count, planes.size), x.dtype), _empty((count, height * (planes.length + SLACK)), x.dtype),
        grain=max(1, PIECE // (rows * len(planes.taps) * planes.length)),
    )  # fmt: skip
    return out


CHUNK = 1 << 18  # bytes of sums that stay in the second cache


def _correlate_taps(g: ndarray, x: ndarray, planes: Planes, shape: tuple[int, ...], groups: int) -> ndarray:
    """Sums over the pixels of ``g`` for the taps of ``planes``: the gradient by a weight of ``shape``."""
    from ..kernels import conv, microkernel, threads

    filters, depth = shape[0] // groups, shape[1]
    area, count = len(planes.taps) // depth, threads.get_num_threads()
    room = -(-filters * x.itemsize // microkernel.VECTOR_BYTES) * microkernel.VECTOR_BYTES // x.itemsize
    chunks = next(c for c in range(1, depth + 1) if depth % c == 0 and (depth // c * area * room * x.itemsize <= CHUNK or c == depth))
    parts = max(1, min(len(x), -(-2 * count // (groups * chunks))))
    taps = depth // chunks * area
    offsets = np.zeros(-(-taps // microkernel.ROWS) * microkernel.ROWS, np.int64)
    offsets[:taps] = planes.offsets[:taps]
    partial = np.empty((parts, groups, chunks, filters, taps), x.dtype)
    cost = len(x) * filters * taps * len(planes.pixels) // parts
    threads.run(
        conv.correlate_taps, parts * groups * chunks, _grouped(x, groups),
        g.reshape(len(g), groups, filters, len(planes.pixels)), offsets, planes.pixels, planes.phases,
        planes.step, planes.before, planes.shape, partial, _empty((count, planes.size), x.dtype),
        _empty((count, len(planes.pixels) * room), x.dtype), _empty((count, len(offsets) * room), x.dtype),
        grain=max(1, PIECE // max(cost, 1)),
    )  # fmt: skip
    whole = partial[0] if parts == 1 else np.add.reduce(partial)
    return np.ascontiguousarray(whole.transpose(0, 2, 1, 3)).reshape(shape)


def _bias_gradient(g: Any) -> Any:
    """The sum over all but the channels."""
    if not isinstance(g, ndarray) or g.size < 1 << 14:
        return sum(g, (-2, -1) if g.ndim == 3 else (0, 2, 3))
    from ..kernels import conv, threads

    ready = _ready(g)
    out = np.empty(ready.shape[1], ready.dtype)
    rows = ready.reshape(*ready.shape[:2], -1)
    threads.run(conv.channel_sums, len(out), rows, out, grain=max(1, (1 << 16) // (rows[:, 0].size)))
    return out


# -- the operations ---------------------------------------------------------------------------------------------------


def _conv_samples(rng: np.random.Generator) -> list[Sample]:
    cases: tuple[tuple[Any, ...], ...] = (
        ((2, 1, 4, 5), (2, 1, 3, 2), True), ((1, 2, 5, 4), (3, 2, 2, 3), False, 2, 1), ((2, 5, 4), (1, 2, 2, 2), True),
        ((1, 4, 4, 5), (4, 2, 3, 1), True, (1, 2), (1, 0), 1, 2), ((1, 2, 5, 6), (2, 1, 2, 2), False, (2, 1), "valid", 2, 2),
        ((1, 1, 3, 4), (2, 1, 2, 3), True, 1, "same"), ((0, 1, 3, 3), (1, 1, 2, 2), True),
        ((1, 1, 2, 2), (1, 1, 1, 1), False, 3, 2),
    )  # fmt: skip
    samples = []
    for x, w, bias, *rest in cases:
        if len(x) == 3:
            w = (w[0], x[0], *w[2:])
        arrays = [rng.normal(size=x), rng.normal(size=w), rng.normal(size=w[0]) if bias else None]
        samples.append(Sample(*arrays, *rest))
    return samples


@op(
    vjps=(
        lambda g, out, x, weight, bias, stride, padding, dilation, groups:
            conv2d_input(g, weight, x.shape, stride, padding, dilation, groups),
        lambda g, out, x, weight, bias, stride, padding, dilation, groups:
            conv2d_weight(g, x, weight.shape, stride, padding, dilation, groups),
        lambda g, out, x, weight, bias, stride, padding, dilation, groups: _bias_gradient(g),
    ),
    symbol="conv2d", floating=True, samples=_conv_samples,
)  # fmt: skip
def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1, out=None):
    """Filters slide over images: ``(N, C, H, W), (K, C/groups, R, S), (K,) -> (N, K, P, Q)``  (cheat sheet 4.1).

    ``P = ⌊(H + 2p − R)/s⌋ + 1``, Q alike; with ``dilation`` d a filter covers ``d(R − 1) + 1`` elements.  ``stride``,
    ``padding`` and ``dilation`` are an integer or one for each axis; padding "same" keeps the size (stride 1), "valid"
    is 0.  ``groups`` parts of the channels have filters of their own.  ``(C, H, W)`` is one image.  Correlation, as
    everywhere in deep learning: the filter is not turned round.  Sums are taken in the images' dtype.
    Raises ValueError, with the whole calculation, for shapes that do not fit.

    >>> import autograd_lite as al
    >>> al.conv2d(al.ones(1, 1, 3, 3), al.ones(1, 1, 2, 2)).shape
    (1, 1, 2, 2)
    """
    plan = geometry(x.shape, weight.shape, stride, padding, dilation, groups)
    if bias is not None and np.shape(bias) != (weight.shape[0],):
        raise ValueError(f"{weight.shape[0]} filters need a bias of shape ({weight.shape[0]},), got {np.shape(bias)}")
    images = _ready(x)
    shape = (images.shape[0], weight.shape[0], *plan.size)
    result = _correlate(images, _ready(weight), bias, plan.forward, shape, True, groups)
    return _like(result, x, out)


def _like(result: ndarray, x: Any, out: ndarray | None) -> ndarray:
    """The result in the rank and the dtype of the operand."""
    if x.ndim == result.ndim - 1:
        result = result[0]
    return deliver(result if result.dtype == x.dtype else result.astype(x.dtype), out)


def _input_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample(np.asarray(conv2d(*s.args)), s.args[1], s.args[0].shape, *s.args[3:])
        for s in _conv_samples(rng)
        if s.args[0].size
    ]


@op(
    vjps=(
        lambda h, out, g, weight, size, stride, padding, dilation, groups:
            conv2d(h, weight, None, stride, padding, dilation, groups),
        lambda h, out, g, weight, size, stride, padding, dilation, groups:
            conv2d_weight(g, h, weight.shape, stride, padding, dilation, groups),
    ),
    symbol="conv2dᵀ", floating=True, samples=_input_samples,
)  # fmt: skip
def conv2d_input(g, weight, size, stride=1, padding=0, dilation=1, groups=1, out=None):
    """The gradient of `conv2d` by its images: ``(N, K, P, Q), (K, C/groups, R, S) -> size``.

    Raises ValueError for a ``size`` that the convolution does not take to the shape of g.
    """
    plan = geometry(size, weight.shape, stride, padding, dilation, groups)
    plan.check_result(g.shape, weight.shape[0])
    images = _ready(g)
    shape = (images.shape[0], *size[-3:])
    return _like(_correlate(images, _ready(weight), None, plan.backward, shape, False, groups), g, out)


def _weight_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample(np.asarray(conv2d(*s.args)), s.args[0], s.args[1].shape, *s.args[3:]) for s in _conv_samples(rng)
    ]  # fmt: skip


@op(
    vjps=(
        lambda h, out, g, x, size, stride, padding, dilation, groups:
            conv2d(x, h, None, stride, padding, dilation, groups),
        lambda h, out, g, x, size, stride, padding, dilation, groups:
            conv2d_input(g, h, x.shape, stride, padding, dilation, groups),
    ),
    symbol="conv2dʷ", floating=True, samples=_weight_samples,
)  # fmt: skip
def conv2d_weight(g, x, size, stride=1, padding=0, dilation=1, groups=1, out=None):
    """The gradient of `conv2d` by its filters: ``(N, K, P, Q), (N, C, H, W) -> size``, which is (K, C/groups, R, S).

    Raises ValueError for shapes that do not fit.
    """
    plan = geometry(x.shape, size, stride, padding, dilation, groups)
    plan.check_result(g.shape, size[0])
    result = _correlate_taps(_ready(g), _ready(x), plan.forward, tuple(size), groups)
    return deliver(result.astype(x.dtype, copy=False), out)


# -- the other convolutions -------------------------------------------------------------------------------------------


def _line_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample(rng.normal(size=(2, 2, 6)), rng.normal(size=(3, 2, 3)), rng.normal(size=3), 2, 1),
        Sample(rng.normal(size=(2, 6)), rng.normal(size=(2, 1, 2)), None, 1, "same", 2, 2),
    ]


@composed(_line_samples)
def conv1d(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """`conv2d` of images of one row: ``(N, C, L), (K, C/groups, S), (K,) -> (N, K, Q)``, Q = ⌊(L + 2p − S)/s⌋ + 1.

    Raises ValueError for shapes that do not fit.
    """
    weight = as_operand(weight)
    if x.ndim not in (2, 3) or weight.ndim != 3:
        raise ValueError(f"conv1d takes (N, C, L) or (C, L), and (K, C/groups, S); got {x.shape}, {weight.shape}")
    (stride,), (dilation,) = pair("stride", stride, 1), pair("dilation", dilation, 1)
    (pads,) = padding_pairs(padding, weight.shape[2:], (stride,), (dilation,))
    y = conv2d(
        unsqueeze(x, -2), unsqueeze(weight, -2), bias, (1, stride), ((0, 0), pads), (1, dilation), groups
    )  # fmt: skip
    return squeeze(y, -2)


def _transposed_samples(rng: np.random.Generator) -> list[Sample]:
    cases: tuple[tuple[Any, ...], ...] = (
        ((2, 2, 3, 2), (2, 3, 2, 3), True, 2), ((4, 2, 3), (4, 1, 2, 2), True, (2, 1), 1, (1, 0), 2),
        ((1, 1, 3, 3), (1, 2, 2, 2), False, 1, 0, 0, 1, 2),
    )  # fmt: skip
    return [
        Sample(rng.normal(size=x), rng.normal(size=w), rng.normal(size=w[1] * (rest[3] if len(rest) == 4 else 1))
               if bias else None, *rest)
        for x, w, bias, *rest in cases
    ]  # fmt: skip


@composed(_transposed_samples)
def conv_transpose2d(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0, groups: int = 1,
    dilation: Any = 1,
) -> Any:  # fmt: skip
    """The gradient of `conv2d` as a layer: ``(N, K, P, Q), (K, C/groups, R, S), (C,) -> (N, C, H, W)``.

    ``H = (P − 1)s − 2p + d(R − 1) + 1 + output_padding``, W alike (Dumoulin & Visin, 2016).
    Raises ValueError for shapes that do not fit, and for an output_padding that is not below stride or dilation.
    """
    weight = as_operand(weight)
    if x.ndim not in (3, 4) or weight.ndim != 4:
        raise ValueError(
            f"conv_transpose2d takes (N, K, P, Q) or (K, P, Q), and (K, C/groups, R, S); got {x.shape}, {weight.shape}"
        )
    if weight.shape[0] != x.shape[-3]:
        raise ValueError(f"conv_transpose2d: {x.shape[-3]} channels come in, the filters are for {weight.shape[0]}")
    stride, dilation = pair("stride", stride), pair("dilation", dilation)
    padding, more = pair("padding", padding, least=0), pair("output_padding", output_padding, least=0)
    if any(m >= max(s, d) for m, s, d in zip(more, stride, dilation, strict=True)):
        raise ValueError(f"output_padding must be below the stride or the dilation, got {more}, {stride}, {dilation}")
    size = [
        (n - 1) * s - 2 * p + d * (f - 1) + 1 + m
        for n, f, s, p, d, m in zip(x.shape[-2:], weight.shape[2:], stride, padding, dilation, more, strict=True)
    ]
    if min(size) < 1:
        raise ValueError(f"conv_transpose2d would give an image of {size[0]}×{size[1]}: {x.shape}, {weight.shape}")
    y = conv2d_input(x, weight, (*x.shape[:-3], weight.shape[1] * groups, *size), stride, padding, dilation, groups)
    return y if bias is None else y + as_operand(bias)[:, None, None]


def _transposed_line_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample(rng.normal(size=(2, 2, 4)), rng.normal(size=(2, 3, 3)), rng.normal(size=3), 2, 1, 1)]


@composed(_transposed_line_samples)
def conv_transpose1d(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0, groups: int = 1,
    dilation: Any = 1,
) -> Any:  # fmt: skip
    """`conv_transpose2d` of images of one row: ``(N, K, Q), (K, C/groups, S), (C,) -> (N, C, L)``.

    Raises ValueError for shapes that do not fit.
    """
    numbers = [(stride, 1), (padding, 0), (output_padding, 0), (dilation, 1)]
    (s, p, m, d) = ((quiet, *pair("an argument", value, 1, least=quiet)) for value, quiet in numbers)
    y = conv_transpose2d(unsqueeze(x, -2), unsqueeze(as_operand(weight), -2), bias, s, p, m, groups, d)
    return squeeze(y, -2)
