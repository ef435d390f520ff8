"""Reductions: sums, means, extremes, norms along axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..op import Sample, op

__all__ = ["sum"]


@op(vjps=(lambda g, out, x, axis, keepdims: spread(g, x.shape, axis, keepdims),), symbol="Σ", samples=lambda rng: [Sample(rng.normal(size=(2, 3)))])
def sum(x, axis=None, keepdims=False, out=None):
    """s"""
    return np.add.reduce(x, axis, None, out, keepdims)

def spread(g,shape,axis,keepdims):
    from .shape import broadcast_to
    return broadcast_to(g, shape)
