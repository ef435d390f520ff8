"""Operations that rearrange: the numbers stay, their places change."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import Sample, op
from .out import deliver

__all__ = ["astype", "broadcast_to", "clone", "reshape", "sum_to"]


def _shape(shape: Any) -> tuple[int, ...]:
    return tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)


def _sum_to(x: Any, shape: tuple[int, ...]) -> Any:
    lead = x.ndim - len(shape)
    axes = tuple(range(lead)) + tuple([i + lead for i, n in enumerate(shape) if n == 1 and x.shape[i + lead] != 1])
    if len(axes) == lead:
        return np.add.reduce(x, axes)
    return np.add.reduce(x, axes, keepdims=True).reshape(shape)


def _sum_to_samples(rng: np.random.Generator) -> list[Sample]:
    cases = (((2, 3), (3,)), ((2, 3), (2, 1)), ((2, 3), ()), ((4, 2, 3), (1, 3)), ((0, 3), (3,)), ((2, 3), (2, 3)))
    return [Sample(rng.normal(size=before), after) for before, after in cases]


@op(vjps=(lambda g, out, x, shape: broadcast_to(g, x.shape),), symbol="Σ→", samples=_sum_to_samples)
def sum_to(x, shape, out=None):
    """Sum over the axes along which ``shape`` broadcasts to the shape of ``x``: undoes `broadcast_to`."""
    return deliver(_sum_to(x, shape), out)


def _broadcast_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample(rng.normal(size=before), after) for before, after in (((3,), (2, 3)), ((2, 1), (2, 3)), ((), (2,)))]


@op(
    vjps=(lambda g, out, x, shape: sum_to(g, x.shape),),
    symbol="→", numpy=(np.broadcast_to,), view=True, samples=_broadcast_samples,
)  # fmt: skip
def broadcast_to(x, shape, out=None):
    """``x`` repeated to ``shape``; -1 keeps an axis.  Raises ValueError where it does not broadcast."""
    shape = _shape(shape)
    if -1 in shape:
        lead = len(shape) - np.ndim(x)
        shape = tuple([np.shape(x)[i - lead] if n == -1 and i >= lead else n for i, n in enumerate(shape)])
    return deliver(np.broadcast_to(x, shape), out)
