"""The machine's own limit: multiply-adds a second, on all threads."""

from __future__ import annotations

import time

import numpy as np

from autograd_lite.kernels import emitter, microkernel, threads
from autograd_lite.kernels.work import shared

__all__ = ["peak_gflops"]

TERMS, ROUNDS = 64, 2000
ROWS, VECTORS = microkernel.CHOICES[0], microkernel.MOST  # the largest tile


@shared
def _spin(me, start, stop, panel, planes, offsets, out):  # type: ignore[no-untyped-def]
    """Tiles over data that never leave the nearest cache."""
    for _ in range(start, stop):
        for _ in range(ROUNDS):
            microkernel.tile_planes(panel, 0, planes, 0, offsets, 0, TERMS, out[me], 0, 64, ROWS, VECTORS)


def peak_gflops() -> float:
    """Billions of float32 operations a second, the best of 200 tries: some seconds, for threads to start in."""
    width = VECTORS * emitter.VECTOR_BYTES // 4
    panel, planes = np.ones(TERMS * ROWS, np.float32), np.ones(256, np.float32)
    out, items = np.zeros((threads.get_num_threads(), 64 * ROWS), np.float32), 8
    best = 0.0
    for _ in range(200):
        start = time.perf_counter()
        threads.run(_spin, items, panel, planes, np.arange(TERMS), out)
        rate = 2.0 * items * ROUNDS * TERMS * ROWS * width / (time.perf_counter() - start)
        best = max(best, rate / 1e9)
    return best
