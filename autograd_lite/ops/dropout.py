"""Dropout: some elements become 0 by chance, the others grow so that the expectation stays  (cheat sheet 3.2)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..buffers import empty
from ..modes import mode
from ..op import Sample, op
from ..random import Generator, draw_mask
from ..tensor import Tensor
from .composed import composed
from .shape import clone

__all__ = ["drop", "dropout", "dropout2d"]


def _drop_samples(rng: np.random.Generator) -> list[Sample]:
    shapes = (((), ()), ((2, 3), (2, 3)), ((2, 3, 2), (2, 3, 1)), ((0, 3), (0, 3)))
    return [
        *[Sample(rng.normal(size=shape), np.asarray(rng.random(mask) < 0.5), 2.0) for shape, mask in shapes],
        Sample(rng.normal(size=3), np.zeros(3, bool), 0.0),
    ]


@op(
    vjps=(lambda g, out, x, mask, scale: drop(g, mask, scale), None),
    symbol="dropout", floating=True, samples=_drop_samples,
)  # fmt: skip
def drop(x, mask, scale=1.0, out=None):
    """``scale·x`` where the mask is true, else 0: `dropout` with the choice already made.  The mask broadcasts to x.

    Raises ValueError for a mask that does not.
    """
    if np.broadcast_shapes(x.shape, mask.shape) != x.shape:
        raise ValueError(f"the mask {mask.shape} does not broadcast to {x.shape}")
    factors = np.multiply(mask, x.dtype.type(scale))  # of the mask's shape: few where whole channels are dropped
    with np.errstate(invalid="ignore"):
        y = np.asarray(np.multiply(x, factors, empty(x.shape, x.dtype) if out is None else out))
    if not math.isfinite(np.vdot(y, y)):  # ∞·0
        np.copyto(y, 0, where=~mask)
    return y


def _samples(rng: np.random.Generator) -> list[Sample]:
    x = rng.normal(size=(2, 3, 2))
    return [Sample(x, 0.0), Sample(x, 0.5, False), Sample(x, 1.0)]


@composed(_samples)
def dropout(
    x: Any, p: float | None = None, training: bool = True, inplace: bool = False, *, keep_prob: float | None = None,
    generator: Generator | None = None,
) -> Any:  # fmt: skip
    """While training each element becomes 0 with chance p, the others are divided by 1 − p; else a copy of ``x``.

    p is the chance of dropping, by default 0.5; ``keep_prob`` the chance of staying, 1 − p (cheat sheet 3.2, Srivastava
    et al., 2014).  A gradient check (`gradcheck`) switches dropout off (cheat sheet 2.2).  ``inplace`` is accepted for
    PyTorch's sake and changes nothing.  Raises ValueError for a chance outside [0, 1], TypeError for both chances.

    >>> import autograd_lite as al
    >>> al.dropout(al.ones(4), p=0.5, training=False)
    tensor([1., 1., 1., 1.])
    """
    return _dropped(x, x.shape, chance_of_staying(p, keep_prob), training, generator)


@composed(_samples)
def dropout2d(
    x: Any, p: float | None = None, training: bool = True, inplace: bool = False, *, keep_prob: float | None = None,
    generator: Generator | None = None,
) -> Any:  # fmt: skip
    """`dropout` of whole channels of ``(N, C, …)``  (Tompson et al., 2015).

    Raises ValueError for fewer than 3 axes, too.
    """
    if x.ndim < 3:
        raise ValueError(f"dropout2d: the shape must be (N, C, …) with the axes of an image, got {x.shape}")
    channels = (*x.shape[:2], *[1] * (x.ndim - 2))
    return _dropped(x, channels, chance_of_staying(p, keep_prob), training, generator)


def chance_of_staying(p: float | None, keep_prob: float | None) -> float:
    """1 − p, or ``keep_prob``; 0.5 without either.

    Raises ValueError for a chance outside [0, 1], TypeError for both.
    """
    if p is not None and keep_prob is not None:
        raise TypeError(
            f"dropout takes p, the chance of dropping, or keep_prob = 1 − p, got p={p}, keep_prob={keep_prob}"
        )
    for name, chance in (("p", p), ("keep_prob", keep_prob)):
        if chance is not None and not 0 <= chance <= 1:
            raise ValueError(f"dropout: {name} must be in [0, 1], got {chance}")
    if keep_prob is not None:
        return keep_prob
    return 0.5 if p is None else 1 - p


def _dropped(x: Any, shape: tuple[int, ...], keep: float, training: bool, generator: Generator | None) -> Any:
    """``x`` with a mask of ``shape`` drawn for it."""
    if not training or mode.checking or keep == 1:
        return clone(x)
    mask = draw_mask(generator, shape, keep)
    return drop(x, Tensor._wrap(mask) if isinstance(x, Tensor) else mask, 1 / keep if keep else 0.0)
