"""Numba kernels: arrays in, arrays out.  Nothing here knows of Tensors.

``kernels.conv``, ``kernels.pool`` and so on are imported, and Numba with them, when they are first used.
"""

from __future__ import annotations

import importlib
from types import ModuleType

__all__ = ["SMALL"]

SMALL = 1 << 13  # elements, up to which NumPy does as well: a small training need not wait for Numba


def __getattr__(name: str) -> ModuleType:
    """Reached once for each module: from then on it is an attribute."""
    try:
        return importlib.import_module(f".{name}", __name__)
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{name}":
            raise
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
