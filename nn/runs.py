"""The folders of runs: a new one, or the one to go on with."""

from __future__ import annotations

from pathlib import Path

__all__ = ["CHECKPOINT", "Failure", "known_run", "new_run"]

CHECKPOINT = "checkpoint.safetensors"


class Failure(Exception):
    """What the user can mend; the message says how."""


def new_run(out: Path, task: str, name: str | None) -> Path:
    """Make the folder of a new run: ``name``, or the first of digits, digits-2, … that is free.  Raises Failure."""
    out.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        folder = out / (name or (task if number == 1 else f"{task}-{number}"))
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            if name:
                raise Failure(f"{folder} exists already; --resume continues it, another --name begins anew") from None
        number += 1


def known_run(out: Path, name: str | None, file: str = CHECKPOINT, what: str = "checkpoint") -> Path:
    """The folder of the run to resume, which has ``file``: ``name``, or the one that was written last.

    Raises Failure if there is none.
    """
    found = sorted(out.glob(f"{name or '*'}/{file}"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise Failure(f"there is no {what} to resume in {out / name if name else out}")
    return found[-1].parent
