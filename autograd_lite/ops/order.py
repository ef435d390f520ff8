"""Sorting: what is in which place.  The gradient goes where the element came from."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import Sample, op
from .composed import Located, composed, position
from .index import take_along_axis
from .out import deliver
from .pad import narrow
from .samples import distinct
from .shape import reshape

__all__ = ["argsort", "sort", "topk"]


def _order_samples(rng: np.random.Generator) -> list[Sample]:
    cases = (((3,), 0, False), ((2, 3), -1, True), ((3, 2), 0, False), ((0, 3), 1, False), ((), -1, False))
    return [Sample(distinct(rng, shape), axis, descending) for shape, axis, descending in cases]


@op(arity=1, samples=_order_samples)
def argsort(x, axis=-1, descending=False, stable=True, out=None):
    """The indices that sort ``x`` along an axis; equal elements keep their order, NaN counts as the largest.

    Raises IndexError for an axis out of range.

    >>> import autograd_lite as al
    >>> al.argsort(al.tensor([3.0, 1.0, 2.0]))
    tensor([1, 2, 0])
    """
    x = np.asarray(x)
    axis = position(axis, x.shape)
    if not x.ndim:
        return deliver(np.zeros((), np.int64), out)
    if not descending:
        return deliver(np.argsort(x, axis, kind="stable"), out)
    # Sorting from the back and turning the result around keeps the order of equals.
    backwards = np.argsort(np.flip(x, axis), axis, kind="stable")
    return deliver(np.flip(x.shape[axis] - 1 - backwards, axis), out)


@composed(_order_samples)
def sort(x: Any, axis: int = -1, descending: bool = False, stable: bool = True) -> Located:
    """``x`` in order along an axis, and where the elements were: ``(…, N, …) -> values, int indices (…, N, …)``.

    Equal elements keep their order; NaN counts as the largest.  Raises IndexError for an axis out of range.

    >>> import autograd_lite as al
    >>> al.sort(al.tensor([3.0, 1.0, 2.0])).values
    tensor([1., 2., 3.])
    """
    indices = argsort(x, axis, descending)
    return Located(take_along_axis(x, indices, axis), indices)


def _topk_samples(rng: np.random.Generator) -> list[Sample]:
    cases = (((4,), 2, -1, True), ((2, 3), 2, 0, False), ((2, 3), 3, 1, True))
    return [Sample(distinct(rng, shape), *rest) for shape, *rest in cases]


@composed(_topk_samples)
def topk(x: Any, k: int, axis: int = -1, largest: bool = True, sorted: bool = True) -> Located:
    """The ``k`` largest (or smallest) elements along an axis, in order, and where they were.

    ``(…, N, …) -> values, int indices (…, k, …)``.  Of equal elements the first come first; NaN counts as the largest.
    Raises IndexError for an axis out of range, ValueError for ``k`` below 0 or above N.
    """
    length = x.shape[position(axis, x.shape)] if x.ndim else 1
    if not 0 <= k <= length:
        raise ValueError(f"topk: k must be between 0 and {length} for axis {axis} of shape {x.shape}, got {k}")
    if not x.ndim:
        values, indices = topk(reshape(x, (1,)), k)
        return Located(reshape(values, ()), reshape(indices, ())) if k else Located(values, indices)
    indices = narrow(argsort(x, axis, largest), axis, 0, k)
    return Located(take_along_axis(x, indices, axis), indices)
