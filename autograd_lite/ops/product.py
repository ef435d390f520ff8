"""The product of two matrices: NumPy's for small ones, `kernels.product` for large ones.

NumPy's BLAS works on several threads above some size.  With another process on one of the cores these wait for each
other: a product of 0.05 ms took 20 ms on a busy machine.  Our threads do not wait.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy import ndarray

from .. import kernels
from ..buffers import SMALL, empty
from ..kernels import threads
from .out import fresh

__all__ = ["product"]

ALONE = 1 << 18  # multiply-adds up to which OpenBLAS works on one thread
FEW = 128  # rows on the left for which copying the right-hand matrix does not pay
PIECE = 250_000  # multiply-adds, some 5 µs


def product(x: ndarray, y: ndarray, out: ndarray | None = None) -> ndarray:
    """``(M, T), (T, N) -> (M, N)``, in memory that was used before if it is large."""
    rows, columns = x.shape[0], y.shape[1]
    if out is None and rows * columns > SMALL and x.dtype == y.dtype:
        out = empty((rows, columns), x.dtype)
    if rows * columns * x.shape[1] <= ALONE or x.dtype != y.dtype or x.dtype.name not in ("float32", "float64"):
        return np.dot(x, y, out)
    if x.shape[1] != y.shape[0]:
        raise ValueError(f"shapes {x.shape} and {y.shape} do not fit: {x.shape[1]} columns, {y.shape[0]} rows")
    if out is None:
        out = np.empty((rows, columns), x.dtype)
    if not out.flags.c_contiguous or np.may_share_memory(out, x) or np.may_share_memory(out, y):
        out[...] = product(x, y)
        return out
    _multiply(x, y, out)
    return out


def _multiply(x: ndarray, y: ndarray, out: ndarray) -> None:
    (rows, terms), columns = x.shape, y.shape[1]
    lanes = kernels.emitter.VECTOR_BYTES // x.itemsize
    vectors = -(-columns // lanes)
    blocks = -(-vectors // kernels.microkernel.VECTORS)
    turned = y.T.flags.c_contiguous
    given = y.T if turned else np.ascontiguousarray(y)
    if not turned and rows <= FEW and columns % lanes == 0:
        right, pitch = given.reshape(-1), columns
    else:
        right, pitch = fresh((terms * vectors * lanes,), x.dtype), 0
        pack = kernels.product.pack_columns if turned else kernels.product.pack_rows
        threads.run(pack, blocks, given, right, grain=max(1, PIECE * blocks // (16 * y.size)))
    if not x.T.flags.c_contiguous:
        x = np.ascontiguousarray(x)
    flat, steps = (x.reshape(-1), (terms, 1)) if x.flags.c_contiguous else (x.T.reshape(-1), (1, rows))
    starts, reached = _places(rows, kernels.microkernel.ROWS, steps[0]), _places(terms, 1, steps[1])
    room, count = kernels.microkernel.VECTORS * lanes, threads.get_num_threads()
    tiles = blocks * (len(starts) // kernels.microkernel.ROWS)
    threads.run(
        kernels.product.multiply, tiles, flat, starts, reached, right, pitch, out,
        fresh((count, 2 * kernels.microkernel.ROWS * room), x.dtype),
        grain=max(1, PIECE // (kernels.microkernel.ROWS * room * terms)), threads=count,
    )  # fmt: skip


@functools.lru_cache(maxsize=256)
def _places(count: int, multiple: int, step: int) -> ndarray:
    """Where rows (or terms) begin, the last one again until there is a ``multiple`` of them."""
    return np.minimum(np.arange(-(-count // multiple) * multiple), count - 1) * step
