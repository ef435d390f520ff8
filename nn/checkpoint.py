"""Weights and checkpoints on disk: safetensors and .npz, never pickle; written whole or not at all.

A checkpoint is one safetensors file: the tensors of the model and of the optimizer, and in its metadata, as JSON, all
the rest, with a checksum over both.
"""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from autograd_lite import Tensor

from .module import Module
from .optim import Optimizer

__all__ = ["Checkpoint", "CheckpointError", "load", "load_checkpoint", "save", "save_checkpoint", "written_whole"]

FORMAT = "autograd_lite checkpoint 1"


class CheckpointError(Exception):
    """A file that is corrupt, or that does not fit what it is loaded into."""


@contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path beside ``path``, which takes its place when the block ends without an error."""
    target = Path(path)
    temporary = target.with_name(f".{os.getpid()}.{target.name}")
    try:
        yield temporary
        os.replace(temporary, target)
    except OSError as error:
        if error.filename is not None and Path(error.filename) == temporary:
            error.filename, error.filename2 = str(target), None  # the name that the user gave
        raise
    finally:
        temporary.unlink(missing_ok=True)


# -- weights ----------------------------------------------------------------------------------------------------------


def save(state: Module | Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a module's weights, or named tensors, to ``path``: .safetensors or .npz.

    Raises ValueError for another ending.
    """
    named = state.state_dict() if isinstance(state, Module) else state
    arrays = {name: _contiguous(value) for name, value in named.items()}
    suffix = _suffix(path)
    with written_whole(path) as temporary:
        if suffix == ".npz":
            with temporary.open("wb") as file:
                np.savez(file, allow_pickle=False, **arrays)
        else:
            from safetensors.numpy import save as serialized

            temporary.write_bytes(serialized(arrays))


def load(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """The named tensors of a file that `save` (or PyTorch, with safetensors) wrote, for `Module.load_state_dict`.

    Raises OSError for a file that cannot be read, CheckpointError for one that is damaged, ValueError for another
    ending.
    """
    if _suffix(path) == ".npz":
        arrays = _reading(path, _read_npz)
    else:
        arrays, _ = _reading(path, _read_safetensors)
    return {name: Tensor._wrap(array) for name, array in arrays.items()}


def _suffix(path: str | os.PathLike[str]) -> str:
    suffix = Path(path).suffix
    if suffix not in (".safetensors", ".npz"):
        raise ValueError(f"weights are kept in .safetensors or .npz files, not in {path}")
    return suffix


def _contiguous(value: Any) -> np.ndarray:
    return np.array(value._array if isinstance(value, Tensor) else value, order="C")


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as stored:
        return dict(stored)


def _read_safetensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        names = file.keys()  # a file is no mapping: it cannot be iterated over
        return {name: file.get_tensor(name) for name in names}, file.metadata() or {}


def _reading(path: str | os.PathLike[str], read: Callable[[Path], Any]) -> Any:
    from safetensors import SafetensorError

    Path(path).open("rb").close()  # a file that is missing or locked is an OSError that says so
    try:
        return read(Path(path))
    except (SafetensorError, ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise CheckpointError(f"{path} is damaged or not a file of weights: {error}") from error


# -- checkpoints ------------------------------------------------------------------------------------------------------


class Checkpoint(NamedTuple):
    """What a training needs to go on as if it had never stopped."""

    model: dict[str, np.ndarray]
    optimizer: dict[str, Any]
    generator: Any
    extra: dict[str, Any]  # of the caller: epoch, settings, …
    path: str = ""

    def restore(self, model: Module, optimizer: Optimizer, generator: Any) -> None:
        """Put the state into a model, an optimizer and a generator.  Raises CheckpointError if it does not fit."""
        before = {name: value.clone() for name, value in model.state_dict().items()}, optimizer.state_dict()
        try:
            model.load_state_dict(self.model)
            optimizer.load_state_dict(self.optimizer)
            generator.set_state(self.generator)
        except (ValueError, TypeError, KeyError) as error:
            model.load_state_dict(before[0])
            optimizer.load_state_dict(before[1])
            raise CheckpointError(f"{self.path} does not fit: {error}") from error


def save_checkpoint(
    path: str | os.PathLike[str], model: Module, optimizer: Optimizer, generator: Any, **extra: Any
) -> None:
    """Write all that a training needs to go on.  ``extra``: whatever else, as far as JSON can hold it."""
    from safetensors.numpy import save as serialized

    state = optimizer.state_dict()
    arrays = {f"model/{name}": _contiguous(value) for name, value in model.state_dict().items()}
    numbers: dict[str, dict[str, Any]] = {}
    for i, entries in state["state"].items():
        arrays.update({f"optimizer/{i}/{k}": _contiguous(v) for k, v in entries.items() if isinstance(v, np.ndarray)})
        numbers[str(i)] = {k: v for k, v in entries.items() if not isinstance(v, np.ndarray)}
    stored = {"format": FORMAT, "state": numbers, "groups": state["param_groups"], "extra": extra}
    text = json.dumps({**stored, "generator": generator.get_state()})
    with written_whole(path) as temporary:
        metadata = {"autograd_lite": text, "checksum": _checksum(arrays, text)}
        temporary.write_bytes(serialized(arrays, metadata))


def load_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a checkpoint.  Raises OSError if it cannot be read, CheckpointError if it is damaged or something else."""
    arrays, metadata = _reading(path, _read_safetensors)
    text = metadata.get("autograd_lite", "")
    if not text:
        raise CheckpointError(f"{path} holds weights, but is not a checkpoint")
    if metadata.get("checksum") != _checksum(arrays, text):
        raise CheckpointError(f"{path} is damaged: its checksum does not match its contents")
    stored = json.loads(text)
    if stored["format"] != FORMAT:
        raise CheckpointError(f"{path} has the format {stored['format']!r}, this version reads {FORMAT!r}")
    state: dict[int, dict[str, Any]] = {int(i): dict(entries) for i, entries in stored["state"].items()}
    model = {}
    for name, array in arrays.items():
        kind, _, rest = name.partition("/")
        if kind == "model":
            model[rest] = array
        else:
            i, _, key = rest.partition("/")
            state[int(i)][key] = array
    optimizer = {"state": state, "param_groups": stored["groups"]}
    return Checkpoint(model, optimizer, stored["generator"], stored["extra"], str(path))


def _checksum(arrays: Mapping[str, np.ndarray], text: str) -> str:
    total = zlib.crc32(text.encode())
    for name in sorted(arrays):
        total = zlib.crc32(name.encode() + str(arrays[name].dtype).encode() + arrays[name].tobytes(), total)
    return f"{total:08x}"
