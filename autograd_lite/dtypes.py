"""The dtypes under PyTorch's names, for ``import autograd_lite as torch``: they are NumPy's."""

from __future__ import annotations

import numpy as np

__all__ = [
    "bool", "double", "float", "float16", "float32", "float64", "half", "int", "int16", "int32", "int64", "int8",
    "long", "short", "uint8",
]  # fmt: skip

float16 = half = np.dtype(np.float16)
float32 = float = np.dtype(np.float32)
float64 = double = np.dtype(np.float64)
int8 = np.dtype(np.int8)
int16 = short = np.dtype(np.int16)
int32 = int = np.dtype(np.int32)
int64 = long = np.dtype(np.int64)
uint8 = np.dtype(np.uint8)
bool = np.dtype(np.bool_)
