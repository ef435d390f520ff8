"""The product of two matrices: NumPy's for small ones, `kernels.product` for large ones.

NumPy's BLAS works on several threads above some size.  With another process on one of the cores these wait for each
other: a product of 0.05 ms took 20 ms on a busy machine.  Our threads do not wait.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

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
    (rows, terms), columns, dtype = x.shape, y.shape[1], x.dtype
    if out is None and rows * columns > SMALL and dtype == y.dtype:
        out = empty((rows, columns), dtype)
    if rows * columns * terms <= ALONE or dtype != y.dtype or dtype.char not in "fd":
        return np.dot(x, y, out)
    if terms != y.shape[0]:
        raise ValueError(f"shapes {x.shape} and {y.shape} do not fit: {terms} columns, {y.shape[0]} rows")
    if out is None:
        out = np.empty((rows, columns), dtype)
    elif not out.flags.c_contiguous or np.may_share_memory(out, x) or np.may_share_memory(out, y):
        out[...] = product(x, y)
        return out
    _multiply(x, y, out)
    return out


def _multiply(x: ndarray, y: ndarray, out: ndarray) -> None:
    if x.flags.c_contiguous or not x.T.flags.c_contiguous:
        x, by_rows = np.ascontiguousarray(x), True
    else:
        x, by_rows = x.T, False
    turned = y.T.flags.c_contiguous
    given = y.T if turned else np.ascontiguousarray(y)
    count, dtype = threads.get_num_threads(), out.dtype
    plan = _plan(*out.shape, y.shape[0], by_rows, dtype.itemsize)
    if plan.in_place and not turned:
        right, pitch = given.reshape(-1), out.shape[1]
    else:
        right, pitch = fresh((plan.packed,), dtype), 0
        pack = kernels.product.pack_columns if turned else kernels.product.pack_rows
        threads.run(pack, plan.blocks, given, right, grain=plan.pack_grain)
    threads.run(
        kernels.product.multiply, plan.tiles, x.reshape(-1), plan.starts, plan.reached, right, pitch, out,
        fresh((count, plan.scratch), dtype), grain=plan.grain, threads=count,
    )  # fmt: skip


class _Plan(NamedTuple):
    """What depends on the shapes only."""

    in_place: bool  # whether the right-hand matrix, in rows, need not be copied
    blocks: int  # of columns
    packed: int  # elements of the copy
    pack_grain: int
    starts: ndarray  # where each row of the left-hand matrix begins, up to whole tiles
    reached: ndarray  # how far from there each term is
    tiles: int
    scratch: int  # elements of working memory for a thread
    grain: int


@functools.lru_cache(maxsize=256)
def _plan(rows: int, columns: int, terms: int, by_rows: bool, itemsize: int) -> _Plan:
    height, most = kernels.microkernel.ROWS, kernels.microkernel.VECTORS
    lanes = kernels.emitter.VECTOR_BYTES // itemsize
    vectors = -(-columns // lanes)
    blocks, room = -(-vectors // most), most * lanes
    step, reach = (terms, 1) if by_rows else (1, rows)
    tall = -(-rows // height)
    return _Plan(
        in_place=rows <= FEW and columns % lanes == 0,
        blocks=blocks,
        packed=terms * vectors * lanes,
        pack_grain=max(1, PIECE * blocks // (16 * terms * columns)),
        starts=np.minimum(np.arange(tall * height), rows - 1) * step,
        reached=np.arange(terms) * reach,
        tiles=blocks * tall,
        scratch=2 * height * room,
        grain=max(1, PIECE // (height * room * terms)),
    )
