"""Numba kernels: arrays in, arrays out.  Nothing here knows of Tensors.

Numba is imported when a kernel is first used.
"""
