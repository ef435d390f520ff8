"""Pictures as arrays: resizing."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

__all__ = ["resize"]


def resize(image: Any, size: tuple[int, int]) -> Any:
    """Resize pictures bilinearly, ``(…, H, W) -> (…, *size)``; when they shrink, over all pixels that a new one covers.

    Takes an array or a Tensor and returns the same, floating as it was (integers: float32).  A pixel is a square: new
    centre i lies at (i + ½) H/H' − ½ in old pixels, as with PyTorch's ``align_corners=False, antialias=True``.
    Raises ValueError for a size below 1 and for an image without pixels.

    >>> resize(np.array([[0.0, 1.0]]), (1, 4))
    array([[0.  , 0.25, 0.75, 1.  ]])
    """
    if len(image.shape) < 2 or 0 in image.shape[-2:] or min(size) < 1:
        raise ValueError(f"cannot resize an image of shape {tuple(image.shape)} to {tuple(size)}")
    dtype = np.dtype(image.dtype if np.dtype(image.dtype).kind == "f" else np.float32)
    rows, columns = (_weights(n, m, dtype) for n, m in zip(image.shape[-2:], size, strict=True))
    return rows @ (image if image.dtype == dtype else image.astype(dtype)) @ columns.T


@lru_cache(maxsize=1024)
def _weights(n: int, m: int, dtype: np.dtype) -> np.ndarray:
    """What each of m new pixels takes of n old ones, ``(m, n)``: a triangle around its centre, its sum 1."""
    centres = (np.arange(m) + 0.5) * (n / m) - 0.5
    reach = max(n / m, 1.0)
    weights = np.maximum(0, 1 - np.abs(centres[:, None] - np.arange(n)) / reach)
    weights /= weights.sum(axis=1, keepdims=True)
    weights.setflags(write=False)
    return weights.astype(dtype)
