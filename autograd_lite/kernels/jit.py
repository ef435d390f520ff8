"""How the kernels are compiled: without the GIL, and kept on disk, so that a machine compiles each of them once."""

from __future__ import annotations

import functools
import hashlib
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core.caching import FunctionCache, IndexDataCacheFile

__all__ = ["cache_folder", "exact", "jit", "part"]

F = TypeVar("F", bound=Callable[..., Any])

# "nnan" and "ninf" are left out of fast arithmetic, since isnan() would be false with them.  Of the two wrappers that
# Numba compiles around each function, one for Python and one for C, kernels need the first and parts none.
OPTIONS: dict[str, Any] = {
    "nogil": True, "error_model": "numpy", "fastmath": {"contract", "reassoc", "nsz"}, "no_cfunc_wrapper": True,
}  # fmt: skip


def jit(function: F, known_as: Callable[..., Any] | None = None, **options: Any) -> F:
    """Compile a kernel at its first call.  The machine code is kept in `cache_folder`, if that can be written.

    There it has the name and the place of ``known_as``, for a function that is written by another.
    """
    kernel = numba.njit(**{**OPTIONS, **options})(function)
    if folder := cache_folder():
        before = numba.config.CACHE_DIR
        numba.config.CACHE_DIR = folder
        try:
            kernel._cache = _Cache(known_as or function)
        finally:
            numba.config.CACHE_DIR = before
    return kernel


def exact(function: F) -> F:
    """`jit` for a kernel whose results are those of NumPy to the last bit: nothing is regrouped or contracted."""
    return jit(function, fastmath=False)


def part(function: F) -> F:
    """Compile a function that only kernels call, as a part of each of them."""
    return numba.njit(**OPTIONS, no_cpython_wrapper=True)(function)


class _Files(IndexDataCacheFile):
    """Files of machine code, each named after its types, and written before the index names it.

    Numba itself numbers them: two processes that compile a kernel at once for two dtypes may take the same number, and
    from then on the code for one dtype is called with the other.
    """

    def save(self, key: Any, data: Any) -> None:
        name = self._data_name(int(hashlib.sha256(repr(key).encode()).hexdigest()[:16], 16))
        self._save_data(name, data)
        self._save_index({**self._load_index(), key: name})


class _Cache(FunctionCache):
    """Numba's cache of a function, with `_Files`."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        base, stamp = self._impl.filename_base, self._impl.locator.get_source_stamp()
        self._cache_file = _Files(self.cache_path, base, stamp)


@functools.cache
def cache_folder() -> str | None:
    """The folder of the compiled kernels; None, with one warning, where no folder can be written.

    It lies in NUMBA_CACHE_DIR or else the user's cache folder, and is named after the kernels' source: Numba itself
    looks only at the file of a function, not at those that the function calls.
    """
    folder = _user_cache() / f"autograd_lite-{_source_hash()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except (OSError, RuntimeError) as error:
        warnings.warn(
            f"compiled kernels cannot be kept in {folder} ({error}): every process compiles them anew, which takes "
            "seconds; set NUMBA_CACHE_DIR to a folder that can be written",
            RuntimeWarning,
            stacklevel=2,
        )
        return None
    return str(folder)


def _user_cache() -> Path:
    if given := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(given)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home())
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _source_hash() -> str:
    sources = [path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))]
    return hashlib.sha256(b"".join(sources)).hexdigest()[:12]
