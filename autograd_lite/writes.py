"""In-place writes: which buffers were written, and when.

A tape entry keeps the arrays its gradient will read.  If such a buffer is written before the gradient is taken, the
gradient would be silently wrong.  Every in-place write is therefore logged here with its position in the same count
that orders the tape, so that ``backward`` can tell a write that came after an entry from one that came before.
Recording an operation costs nothing for this; a write costs one to two microseconds.
"""

from __future__ import annotations

import itertools
import os
import sys
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Write", "clock", "last_write", "log_write", "owner", "read_only", "source_line", "write_after"]

PACKAGE = os.path.dirname(os.path.abspath(__file__))
FLOORS = (PACKAGE + os.sep, os.path.join(os.path.dirname(PACKAGE), "nn") + os.sep)

clock = itertools.count(1).__next__  # the one count that orders tape entries and writes


class Write(NamedTuple):
    """The latest write to a buffer: its time on the clock, what wrote, where in the user's program."""

    time: int
    by: str
    where: str


_writes: dict[int, tuple[Write, weakref.ref[np.ndarray]]] = {}  # by id of the array that owns the memory
_last = 0


def owner(array: np.ndarray) -> np.ndarray:
    """The array that owns the memory which ``array`` is a view of."""
    base: Any = array.base
    while base is not None:
        if isinstance(base, np.ndarray):
            array = base
        base = base.obj if isinstance(base, memoryview) else getattr(base, "base", None)
    return array


def read_only(array: np.ndarray) -> np.ndarray:
    """A view that cannot be written, nor made writeable: it knows the memory only through a read-only buffer."""
    buffer: Any = array
    return np.asarray(memoryview(buffer).toreadonly())


def log_write(by: str, *arrays: np.ndarray) -> None:
    """Log that ``by`` (an operation's name) has written, or is writing, the memory of ``arrays``."""
    global _last
    _last = clock()
    write = Write(_last, by, source_line())
    for array in arrays:
        base = owner(array)
        key = id(base)
        known = _writes.get(key)
        alive = known[1] if known is not None else weakref.ref(base, _forget(key))
        _writes[key] = write, alive


def _forget(key: int) -> Callable[[object], None]:
    def forget(dead: object) -> None:
        _writes.pop(key, None)

    return forget


def last_write() -> int:
    """The time of the latest write to any buffer."""
    return _last


def write_after(array: object, time: int) -> Write | None:
    """The latest write to the memory of ``array`` if it came after ``time``, else None."""
    if not isinstance(array, np.ndarray):
        return None
    known = _writes.get(id(owner(array)))
    return known[0] if known is not None and known[0].time > time else None


def source_line() -> str:
    """The line of the user's program that is running, ``train.py:41``: the nearest frame outside this project."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(FLOORS):
        frame = frame.f_back
    return f"{_file_label(frame.f_code.co_filename, frame.f_globals)}:{frame.f_lineno}"


def _file_label(path: str, names: dict[str, Any]) -> str:
    """The name of a source file; for a notebook's cell, which runs from a temporary file, its number: ``In [3]``."""
    shell = names.get("get_ipython")
    compiler: Any = getattr(shell() if callable(shell) else None, "compile", None)
    label = compiler.format_code_name(path) if hasattr(compiler, "format_code_name") else None
    return label[1] if label else os.path.basename(path)
