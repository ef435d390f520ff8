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
    """0 where ``y ≤ 0``, else ``g``, also where y is NaN."""
    zero = g.dtype.type(0)
    piece = begin(me, work)
    while piece >= 0:
        start, stop = stretch(work, piece)
        slope, source, target = g[start:stop], y[start:stop], out[start:stop]
        for i in range(len(source)):
            passed = slope[i]  # read in any case: a read that depends on y would not become vector code
            target[i] = zero if source[i] <= zero else passed
        piece = proceed(me, work)
