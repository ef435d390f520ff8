"""Numba kernels: arrays in, arrays out.  Nothing here knows of Tensors.

Numba is imported when a kernel is first used.
"""

__all__ = ["SMALL"]

SMALL = 1 << 13  # elements, up to which NumPy does as well: a small training need not wait for Numba
