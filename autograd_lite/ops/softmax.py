"""Softmax, its logarithm, and the logarithm of a sum of powers: without overflow, and defined where all is −inf."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..op import Sample, op
from .elementwise import exp, where
from .out import deliver
from .reduce import _axes, _floats, _kept, _reductions, sum

__all__ = ["log_softmax", "logsumexp", "softmax"]


def _shifted(x: np.ndarray, axis: Any) -> tuple[Any, Any]:
    """``x`` less its maximum, and the maximum: 0 where there is nothing or only −inf, from which nothing is taken."""
    top: Any = np.maximum.reduce(x, axis, keepdims=True, initial=-np.inf)
    top = np.where(top == -np.inf, x.dtype.type(0), top)
    return x - top, top


def _powers(x: np.ndarray, axis: int) -> tuple[Any, Any, Any]:
    """``x`` less its maximum along an axis, e to the power of that, and its sum, which is 1 instead of 0."""
    along = _axes(axis, x.shape)
    shifted, _ = _shifted(x, along)
    powers = np.exp(shifted)
    total = np.add.reduce(powers, along, keepdims=True)
    return shifted, powers, np.where(total == 0, x.dtype.type(1), total)


def _along(rng: np.random.Generator) -> list[Sample]:
    cases = (((), 0), ((3,), 0), ((2, 3), 1), ((2, 3), 0), ((2, 3, 2), -2), ((0, 3), 1), ((0, 3), 0))
    return [Sample(rng.normal(size=shape), axis) for shape, axis in cases]


@op(
    vjps=(lambda g, out, x, axis, keepdims: _kept(g, x.shape, axis, keepdims)
          * exp(x - _kept(where(out == -math.inf, 0.0, out), x.shape, axis, keepdims)),),
    symbol="logsumexp", floating=True, samples=_reductions(),
)  # fmt: skip
def logsumexp(x, axis=None, keepdims=False, out=None):
    """``ln Σ eˣ`` without overflow; −inf of nothing and where all is −inf, with gradient 0.

    Raises IndexError for an axis out of range.
    """
    x = _floats(x)
    axes = _axes(axis, x.shape)
    with np.errstate(divide="ignore", invalid="ignore"):  # ln 0 is −inf; inf − inf is replaced below
        shifted, top = _shifted(x, axes)
        total = np.log(np.add.reduce(np.exp(shifted), axes, keepdims=True)) + top
    total = np.where(top == np.inf, top, total)
    return deliver(total if keepdims else np.squeeze(total, axes), out)


@op(
    vjps=(lambda g, out, x, axis, dtype: out * (g - sum(g * out, axis, True)),),
    symbol="softmax", floating=True, samples=_along,
)  # fmt: skip
def softmax(x, axis=-1, dtype=None, out=None):
    """``eˣ / Σ eˣ`` along an axis, in the open interval (0, 1), without overflow (cheat sheet 1.2).

    Where all is −inf (everything masked) it is 0 with gradient 0, where PyTorch gives NaN.
    Raises IndexError for an axis out of range.

    >>> import autograd_lite as al
    >>> al.softmax(al.Tensor([0.0, 0.0]), axis=0)
    tensor([0.5, 0.5])
    """
    _, powers, total = _powers(_floats(x, dtype), axis)
    return np.true_divide(powers, total, out)


def _log_softmax_vjp(g, out, x, axis, dtype):
    powers: Any = exp(out)
    total: Any = sum(powers, axis, True)  # 1, or 0 where everything is −inf
    return where(total > 0, g, 0.0) - powers * sum(g, axis, True)


@op(vjps=(_log_softmax_vjp,), symbol="log softmax", floating=True, samples=_along)
def log_softmax(x, axis=-1, dtype=None, out=None):
    """``x − ln Σ eˣ`` along an axis: the logarithm of `softmax`, accurate where that is near 0.

    Where all is −inf it is −inf with gradient 0, where PyTorch gives NaN.  Raises IndexError for an axis out of range.
    """
    shifted, _, total = _powers(_floats(x, dtype), axis)
    return np.subtract(shifted, np.log(total), out)
