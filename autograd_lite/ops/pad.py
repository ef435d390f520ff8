"""Margins and stretches: `pad` makes an axis longer, `narrow` and `select` take a part of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..op import Sample, op
from .composed import composed, position
from .index import index_select
from .out import deliver
from .samples import normal
from .shape import clone, reshape

__all__ = ["narrow", "pad", "select"]


# -- margins ----------------------------------------------------------------------------------------------------------


def _overlap(n: int, left: int, right: int) -> tuple[slice, slice]:
    """Where the old elements go, and which go there, when an axis of length n is padded (cropped: negative)."""
    size = max(0, n + min(left, 0) + min(right, 0))
    start, source = max(left, 0), max(-left, 0)
    return slice(start, start + size), slice(source, source + size)


def _pad_samples(rng: np.random.Generator) -> list[Sample]:
    cases = (
        ((3,), (1, 2)), ((3,), (-1, 2)), ((2, 3), (1, 0, 0, 2)), ((2, 3), (1, -1)), ((2, 3), (-1, -1, 0, 0)),
        ((), ()), ((0, 3), (0, 0, 1, 1)), ((2, 2), (1, 1), 0.5),
    )  # fmt: skip
    return [Sample(rng.normal(size=shape), *rest) for shape, *rest in cases]


@op(
    vjps=(lambda g, out, x, pad, value: constant_pad(g, tuple([-n for n in pad])),),
    symbol="pad", samples=_pad_samples,
)  # fmt: skip
def constant_pad(x, pad, value=0, out=None):
    """`pad` with a constant: ``pad = (left, right, …)`` begins with the last axis; negative numbers crop.

    Raises ValueError for an odd count, for more pairs than axes, and for an axis cropped to less than nothing.
    """
    pairs = _pairs(pad, np.shape(x))
    shape = tuple([n + left + right for n, (left, right) in zip(x.shape, pairs, strict=True)])
    if any(n < 0 for n in shape):
        raise ValueError(f"padding {tuple(pad)} leaves less than nothing of shape {x.shape}")
    if out is None:
        out = np.empty(shape, x.dtype)
    out[...] = value
    slices = [_overlap(n, left, right) for n, (left, right) in zip(x.shape, pairs, strict=True)]
    out[tuple([to for to, _ in slices])] = x[tuple([of for _, of in slices])]
    return out


def _pairs(pad: Any, shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """The padding of each axis, first axis first."""
    if len(pad) % 2 or len(pad) > 2 * len(shape):
        raise ValueError(f"pad is (left, right) for the last axis, then for the one before, …; got {pad} for {shape}")
    pairs = list(zip(pad[::2], pad[1::2], strict=True))
    return [(0, 0)] * (len(shape) - len(pairs)) + pairs[::-1]


def _mode_samples(rng: np.random.Generator) -> list[Sample]:
    cases = (
        ((2, 3), (1, 2)), ((2, 3), (1, -1, 0, 2), "constant", 0.5), ((2, 3, 2), (1, 1, 2, 0), "reflect"),
        ((2, 3, 2), (3, 1, -1, 2), "replicate"), ((2, 3, 2), (2, 1, 1, 0), "circular"),
    )  # fmt: skip
    return [Sample(rng.normal(size=shape), *rest) for shape, *rest in cases]


PAD_MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}  # NumPy's names


@composed(_mode_samples)
def pad(x: Any, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Any:
    """``x`` with a margin: ``pad = (left, right, top, bottom, …)`` begins with the last axis, as in PyTorch.

    Modes: "constant" (``value``, 0), "reflect" (mirrored without the edge), "replicate" (the edge), "circular".
    Negative margins crop.  Raises ValueError for another mode, an odd count, more pairs than axes, a value with a mode
    that takes none, and a margin that is wider than the axis allows ("reflect": less than the axis; "circular": the
    axis).

    >>> import autograd_lite as al
    >>> al.pad(al.Tensor([1.0, 2.0, 3.0]), (2, 1), mode="reflect")
    tensor([3., 2., 1., 2., 3., 2.])
    """
    if mode == "constant":
        return constant_pad(x, pad, 0 if value is None else value)
    if mode not in PAD_MODES:
        raise ValueError(f"mode must be one of constant, {', '.join(PAD_MODES)}, got {mode!r}")
    if value:
        raise ValueError(f"mode {mode!r} takes no value, got {value}")
    for axis, (n, margins) in enumerate(zip(x.shape, _pairs(pad, x.shape), strict=True)):
        if any(margins):
            x = index_select(x, axis, _places(n, margins, mode, x.shape))
    return x if any(map(any, _pairs(pad, x.shape))) else clone(x)


def _places(n: int, margins: tuple[int, int], mode: str, shape: tuple[int, ...]) -> np.ndarray:
    """Which elements of an axis of length ``n`` stand where after padding it; negative margins crop."""
    limit = {"reflect": n - 1, "circular": n, "replicate": math.inf if n else 0}[mode]
    left, right = margins
    if max(margins) > limit or n + left + right < 0:
        raise ValueError(f"{mode} padding of {margins} does not fit an axis of length {n} of shape {shape}")
    wide, crop = (max(left, 0), max(right, 0)), (max(-left, 0), max(-right, 0))
    places = np.arange(n)
    if mode == "circular":  # wraps what is left
        return np.pad(places[crop[0] : n - crop[1]], wide, "wrap")
    places = np.pad(places, wide, PAD_MODES[mode])  # type: ignore[call-overload]
    return places[crop[0] : len(places) - crop[1]]


# -- stretches --------------------------------------------------------------------------------------------------------


def _around(shape: tuple[int, ...], axis: int, start: int, length: int) -> tuple[int, ...]:
    """The padding that puts a stretch of an axis back to its place."""
    i = position(axis, shape)
    start += shape[i] if start < 0 else 0
    return (0, 0) * (len(shape) - 1 - i) + (start, shape[i] - start - length)


def _narrow_samples(rng: np.random.Generator) -> list[Sample]:
    cases = (((3,), 0, 1, 2), ((2, 3), -1, 0, 1), ((2, 3), 0, -1, 1), ((0, 3), 1, 1, 1), ((2, 3), 1, 3, 0))
    return [Sample(rng.normal(size=shape), *rest) for shape, *rest in cases]


@op(
    vjps=(lambda g, out, x, axis, start, length: constant_pad(g, _around(x.shape, axis, start, length)),),
    symbol="narrow", view=True, samples=_narrow_samples,
)  # fmt: skip
def narrow(x, axis, start, length, out=None):
    """The elements ``start`` to ``start + length`` along ``axis``.  Shares memory.

    Raises IndexError for an axis or a stretch out of range.
    """
    i = position(axis, x.shape)
    n = x.shape[i] if x.shape else -1
    begin = start + n if start < 0 else start
    if not 0 <= begin <= begin + length <= n:
        raise IndexError(f"start {start} and length {length} do not fit axis {axis} of shape {x.shape}")
    return deliver(x[(slice(None),) * i + (slice(begin, begin + length),)], out)


@composed(normal(((2, 3), 0, 1), ((2, 3, 2), 1, -1), ((3,), 0, 0)))
def select(x: Any, axis: int, index: int) -> Any:
    """The elements at ``index`` of ``axis``, which goes.  Raises IndexError for an axis or index out of range."""
    i = position(axis, x.shape)
    return reshape(narrow(x, i, index, 1), (*x.shape[:i], *x.shape[i + 1 :]))
