"""ReLU and its gradient in one pass, on all threads."""

from .jit import jit
from .work import begin, proceed, stretch

__all__ = ["relu", "relu_back"]


@jit
def relu(me, work, x, out):
    """``max(0, x)``; NaN stays NaN."""
    zero = x.dtype.type(0)
    piece = begin(me, work)
    while piece >= 0:
        start, stop = stretch(work, piece)
        source, target = x[start:stop], out[start:stop]
        for i in range(len(source)):
            target[i] = zero if source[i] <= zero else source[i]
        piece = proceed(me, work)


@jit
def relu_back(me, work, g, y, out):
    """``g`` where ``y > 0``, else 0."""
    zero = g.dtype.type(0)
    piece = begin(me, work)
    while piece >= 0:
        start, stop = stretch(work, piece)
        slope, source, target = g[start:stop], y[start:stop], out[start:stop]
        for i in range(len(source)):
            target[i] = slope[i] if source[i] > zero else zero
        piece = proceed(me, work)
