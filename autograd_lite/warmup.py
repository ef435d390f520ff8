"""Compile the kernels ahead of their first use."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from . import kernels
from .kernels import SMALL, threads
from .modes import enable_grad
from .ops.activation import relu
from .ops.conv import conv2d
from .ops.linalg import linear
from .ops.loss import cross_entropy
from .ops.norm import batch_norm
from .ops.pool import adaptive_avg_pool2d, avg_pool2d, max_pool2d
from .tensor import Tensor, get_default_dtype

__all__ = ["warmup"]


@enable_grad
def warmup(dtype: Any = None) -> float:
    """Compile the usual kernels for one dtype, by default the default one, and return how many seconds it took.

    Convolution, 2×2 and adaptive average pooling, batch norm, large products, ReLU, cross entropy and the optimizers'
    updates.  The compiled code is kept on disk, so that this takes seconds once on a machine and then a fraction of
    one.  Without it each kernel is compiled when it is first used.  Raises TypeError for other than float32 and
    float64.
    """
    kind = np.dtype(get_default_dtype() if dtype is None else dtype)
    if kind.name not in ("float32", "float64"):
        raise TypeError(f"there are kernels for float32 and float64, not for {kind}")
    began = time.perf_counter()

    def ones(*shape: int) -> Tensor:
        return Tensor(np.ones(shape, kind), requires_grad=True)

    x = conv2d(ones(2, 16, 40, 40), ones(16, 16, 3, 3), ones(16), padding=1)
    x = conv2d(x, ones(6, 16, 5, 5), ones(6), padding=2)  # so large that a kernel adds up its bias's gradient
    x = batch_norm(x, Tensor(np.zeros(6, kind)), Tensor(np.ones(6, kind)), ones(6), ones(6), training=True)
    x = adaptive_avg_pool2d(avg_pool2d(max_pool2d(x, 2), 2), 1)
    side = 192  # so large that neither NumPy nor OpenBLAS does it
    y = relu(linear(ones(side, side), ones(side, side), ones(side)))
    cross_entropy(y, np.zeros(side, np.int64)).backward()
    (x * x).sum().backward()
    _compile_updates(kind)
    return time.perf_counter() - began


def _compile_updates(kind: np.dtype) -> None:
    w, g, v, s = (np.ones(SMALL, kind) for _ in range(4))
    for rule, *state in (
        (kernels.update.sgd, None),
        (kernels.update.sgd, v),
        (kernels.update.rmsprop, s, None, None),
        (kernels.update.adam, v, s, None),
    ):
        table = np.array([[0, len(w), *map(id, (w, g, *state))]])
        given = tuple([None if a is None else True for a in state])
        threads.run(rule, len(w), table, np.full((1, 8), 0.5, kind), given, False, True)
