"""Convolution and its two gradients: three operations, each of which is a gradient of the others.

With y = conv2d(x, w): dx = conv2d_input(dy, w), dw = conv2d_weight(dy, x).  All three are linear in both arguments, so
their gradients are each other, to any order.  A transposed convolution is `conv2d_input`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from ..buffers import SMALL
from ..op import Sample, op
from .composed import as_operand, composed
from .convgeometry import geometry
from .convolve import channel_sums, correlate, correlate_taps, ready, winograd
from .geometry import check_output_padding, output_length, padding_pairs, pair
from .out import deliver
from .pad import constant_pad
from .reduce import sum
from .shape import squeeze, unsqueeze

__all__ = ["conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d"]

# -- the operations ---------------------------------------------------------------------------------------------------


def _bias_gradient(g: Any) -> Any:
    """The sum over all but the channels."""
    if isinstance(g, ndarray) and g.size > SMALL:
        return channel_sums(ready(g))
    return sum(g, (-2, -1) if g.ndim == 3 else (0, 2, 3))


def _gradients(needs, g, out, x, weight, bias, stride, padding, dilation, groups):
    """All gradients of `conv2d`; those by weight and bias in one pass over g."""
    places = stride, padding, dilation, groups
    by_x = conv2d_input(g, weight, x.shape, *places) if needs[0] else None
    if not (needs[1] and needs[2]):
        by_weight = conv2d_weight(g, x, weight.shape, *places) if needs[1] else None
        return by_x, by_weight, _bias_gradient(g) if needs[2] else None
    plan = geometry(x.shape, weight.shape, *places)
    sums = np.empty(weight.shape[0])
    return by_x, correlate_taps(ready(g), ready(x), plan.forward, weight.shape, groups, sums), sums


def _conv_samples(rng: np.random.Generator) -> list[Sample]:
    cases: tuple[tuple[Any, ...], ...] = (
        ((2, 1, 4, 5), (2, 1, 3, 2), True), ((1, 2, 5, 4), (3, 2, 2, 3), False, 2, 1), ((2, 5, 4), (1, 2, 2, 2), True),
        ((1, 4, 4, 5), (4, 2, 3, 1), True, (1, 2), (1, 0), 1, 2),
        ((1, 2, 5, 6), (2, 1, 2, 2), False, (2, 1), "valid", 2, 2),
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
    joint=_gradients, symbol="conv2d", floating=True, samples=_conv_samples,
)  # fmt: skip
def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1, out=None):
    """Filters slide over images: ``(N, C, H, W), (K, C/groups, R, S), (K,) -> (N, K, P, Q)``  (cheat sheet 4.1).

    ``P = ⌊(H + 2p − R)/s⌋ + 1``, Q alike; with ``dilation`` d a filter covers ``d(R − 1) + 1`` elements.  ``stride``,
    ``padding`` and ``dilation`` are an integer or one for each axis; padding "same" keeps the size (stride 1), "valid"
    is 0.  ``groups`` parts of the channels have filters of their own.  ``(C, H, W)`` is one image.  Correlation, as
    everywhere in deep learning: the filter is not turned round.  Sums are taken in the images' dtype; relative to the
    largest result the error in float32 is 1e-6 or less, with filters of 3×3 and 64 channels 3e-6, 256 channels 5e-6.
    Raises ValueError, with the whole calculation, for shapes that do not fit.

    >>> import autograd_lite as al
    >>> al.conv2d(al.ones(1, 1, 3, 3), al.ones(1, 1, 2, 2)).shape
    (1, 1, 2, 2)
    """
    plan = geometry(x.shape, weight.shape, stride, padding, dilation, groups)
    _check_bias(bias, weight.shape[0])
    images = ready(x)
    shape = (images.shape[0], weight.shape[0], *plan.size)
    filters = ready(weight)
    if plan.suits_winograd and images.dtype == np.float32:
        before = plan.padding[0][0], plan.padding[1][0]
        return _like(winograd(images, filters, bias, before, shape, True), x, out)
    return _like(correlate(images, filters, bias, plan.forward, shape, True, groups), x, out)


def _check_bias(bias: Any, channels: int) -> None:
    if bias is not None and np.shape(bias) != (channels,):
        raise ValueError(f"a result of {channels} channels needs a bias of shape ({channels},), got {np.shape(bias)}")


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
    images = ready(g)
    filters, shape = ready(weight), (images.shape[0], *size[-3:])
    if plan.suits_winograd and images.dtype == np.float32:
        before = 2 - plan.padding[0][0], 2 - plan.padding[1][0]
        return _like(winograd(images, filters, None, before, shape, False), g, out)
    return _like(correlate(images, filters, None, plan.backward, shape, False, groups), g, out)


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
    result = correlate_taps(ready(g), ready(x), plan.forward, tuple(size), groups)
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
    """`conv2d` of images of one row: ``(N, C, L), (K, C/groups, S), (K,) -> (N, K, Q)``.

    Q = ⌊(L + 2p − S)/s⌋ + 1 with padding p and stride s  (cheat sheet 4.1).
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
        ((1, 1, 3, 3), (1, 2, 2, 2), False, 1, 0, 1, 1, 2),
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
    _check_bias(bias, weight.shape[1] * groups)
    stride, dilation = pair("stride", stride), pair("dilation", dilation)
    padding, more = pair("padding", padding, least=0), pair("output_padding", output_padding, least=0)
    check_output_padding("conv_transpose2d", more, stride, dilation)
    size = [
        (n - 1) * s - 2 * p + d * (f - 1) + 1 + m
        for n, f, s, p, d, m in zip(x.shape[-2:], weight.shape[2:], stride, padding, dilation, more, strict=True)
    ]
    if min(size) < 1:
        raise ValueError(f"conv_transpose2d would give an image of {size[0]}×{size[1]}: {x.shape}, {weight.shape}")
    whole = [
        output_length(n, f, s, (p, p), d)
        for n, f, s, p, d in zip(size, weight.shape[2:], stride, padding, dilation, strict=True)
    ]
    below, right = (n - have for n, have in zip(whole, x.shape[-2:], strict=True))
    if below or right:  # an output_padding of a stride or more has room for outputs that are not there
        x = constant_pad(x, (0, right, 0, below))
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
    numbers = [("stride", stride, 1), ("padding", padding, 0), ("output_padding", output_padding, 0),
               ("dilation", dilation, 1)]  # fmt: skip
    (s, p, m, d) = ((quiet, *pair(name, value, 1, least=quiet)) for name, value, quiet in numbers)
    y = conv_transpose2d(unsqueeze(x, -2), unsqueeze(as_operand(weight), -2), bias, s, p, m, groups, d)
    return squeeze(y, -2)
