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


@op(
    vjps=(lambda g, out, x, dtype: astype(g, x.dtype),),
    symbol="dtype", samples=lambda rng: [Sample(rng.normal(size=3), np.float64)],
)  # fmt: skip
def astype(x, dtype, out=None):
    """A copy of ``x`` with another dtype; the gradient returns in the first one."""
    return deliver(np.array(x, dtype=dtype), out)


@op(vjps=(lambda g, out, x: g,), symbol="clone", numpy=(np.copy,), samples=lambda rng: [Sample(rng.normal(size=(2, 3)))])
def clone(x, out=None):
    """A copy of ``x`` in memory of its own; the gradient passes through."""
    return deliver(np.array(x), out)


@op(
    vjps=(lambda g, out, x, shape: reshape(g, x.shape),),
    symbol="reshape", view=True,
    samples=lambda rng: [Sample(rng.normal(size=(2, 3)), (3, 2)), Sample(rng.normal(size=(2, 3)).T, (-1,))],
)  # fmt: skip
def reshape(x, shape, out=None):
    """The elements of ``x`` in their order in another ``shape``; one -1 is filled in.  Shares memory where it can."""
    return deliver(np.reshape(x, shape), out)
