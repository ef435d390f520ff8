"""ReLU and its gradient in one pass, on all threads."""

from .work import shared

__all__ = ["relu", "relu_back"]


@shared
def relu(me, start, stop, x, out):
    """``max(0, x)``; NaN stays NaN."""
    zero = x.dtype.type(0)
    source, target = x[start:stop], out[start:stop]
    for i in range(len(source)):
        target[i] = zero if source[i] <= zero else source[i]


@shared
def relu_back(me, start, stop, g, y, out):
    """0 where ``y ≤ 0``, else ``g``, also where y is NaN."""
    zero = g.dtype.type(0)
    slope, source, target = g[start:stop], y[start:stop], out[start:stop]
    for i in range(len(source)):
        passed = slope[i]  # read in any case: a read that depends on y would not become vector code
        target[i] = zero if source[i] <= zero else passed
