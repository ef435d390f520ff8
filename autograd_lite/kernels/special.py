"""Special functions that NumPy lacks."""

import math

from numba import vectorize

__all__ = ["erf"]


@vectorize(nopython=True)
def erf(x):
    """The error function, in the precision of its argument."""
    return math.erf(x)
