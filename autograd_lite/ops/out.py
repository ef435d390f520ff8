"""Where results go: new memory, and the ``out`` argument of forwards whose NumPy function has none."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import buffers

__all__ = ["deliver", "fresh"]


def fresh(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Memory for a result; a large one takes some that was used before."""
    memory = buffers.empty(shape, np.dtype(dtype))
    return np.empty(shape, dtype) if memory is None else memory


def deliver(result: Any, out: np.ndarray | None) -> Any:
    """``result``, copied into ``out`` if there is one."""
    if out is None:
        return result
    np.copyto(out, result)
    return out
