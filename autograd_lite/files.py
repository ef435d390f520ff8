"""Files: `save` and `load` for tensors and what holds them, `written_whole` for files of any kind.

A file is in the safetensors format, whatever its name: the tensors, and in its metadata, as JSON, the rest of what was
saved, with a checksum over both.  Nothing is ever pickled: to read a pickle can run any program that is hidden in it.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from .creation import check_device
from .device import Device
from .tensor import Tensor

__all__ = ["CheckpointError", "load", "save", "written_whole"]

FilePath = str | os.PathLike[str]

HOLDS = "tensors, arrays, numbers, strings, None, and lists, tuples and dictionaries of them"
PICKLED = (
    "{path} is a pickle, as torch.save writes them. To read one can run any program that is hidden in it, so it is not "
    "read here. Where PyTorch is installed, convert a state_dict once: "
    'safetensors.torch.save_file(torch.load("{name}", weights_only=True), "{stem}.safetensors")'
)


class CheckpointError(ValueError):
    """A file that is damaged, that is of another kind, or that does not fit what it is loaded into."""


def save(obj: Any, path: FilePath) -> None:
    """Write a state_dict, or anything made of tensors, arrays, numbers, strings, None, lists, tuples and dicts.

    The file takes the place of an older one when it is complete.  Its format is safetensors, whatever the ending of its
    name (.pt, .pth, .safetensors); only .npz is NumPy's, and holds just named tensors.  Raises TypeError for what a
    file cannot hold, such as a Module, whose ``state_dict()`` it can.

    >>> import tempfile
    >>> from autograd_lite import load, tensor
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save({"model": {"w": tensor([1.0, 2.0])}, "epoch": 3}, f"{folder}/net.pt")
    ...     load(f"{folder}/net.pt")
    {'model': {'w': tensor([1., 2.])}, 'epoch': 3}
    """
    if Path(path).suffix == ".npz":
        _save_npz(obj, path)
        return
    from safetensors.numpy import save as serialized

    arrays: dict[str, ndarray] = {}
    try:
        text = json.dumps(_packed(obj, (), arrays))
    except RecursionError:
        raise ValueError(f"save: a {type(obj).__name__} that holds itself, or is nested too deep for a file") from None
    metadata = {"autograd_lite": text, "checksum": _checksum(arrays, text)}
    with written_whole(path) as temporary:
        temporary.write_bytes(serialized(arrays, metadata))


def load(path: FilePath, map_location: Any = None, weights_only: bool = True) -> Any:
    """What `save` wrote; of other safetensors files, PyTorch's among them, and of .npz files the tensors by name.

    ``map_location`` may be the CPU, or a function or dict as in PyTorch, which changes nothing; nor does
    ``weights_only``: nothing but values is ever read.  Raises OSError for a file that cannot be read, CheckpointError,
    which is a ValueError, for one that is damaged, of another kind, or a pickle; ValueError for another device.
    """
    if isinstance(map_location, (str, Device)):
        check_device(map_location)
    with Path(path).open("rb") as file:  # a file that is missing or locked is an OSError that says so
        start = file.read(9)
    if start[:4] == b"PK\x03\x04":
        return _named(_read_npz(Path(path)))
    if start[8:] == b"{":  # after the length of its header
        return _read_safetensors(Path(path))
    if start[:1] == b"\x80":
        raise _pickled(Path(path))
    raise _damaged(path, "it does not begin as one")


@contextmanager
def written_whole(path: FilePath) -> Iterator[Path]:
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


# -- what JSON can hold -----------------------------------------------------------------------------------------------
#
# As they are: None, bool, int, float, str, lists, dicts whose keys are strings.  Others are dicts whose one key begins
# with "$": {"$tensor": name}, {"$array": name}, {"$tuple": [...]}, and {"$dict": [[key, value], ...]}.


def _packed(value: Any, path: tuple[str, ...], arrays: dict[str, ndarray]) -> Any:
    """A value in terms of JSON; its tensors and arrays are put into ``arrays``.  Raises TypeError."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return _packed(value.item(), path, arrays)
    if isinstance(value, Tensor):
        name = _put(value._array, path, arrays)
        return {"$tensor": name, "requires_grad": True} if value.requires_grad else {"$tensor": name}
    if isinstance(value, ndarray):
        return {"$array": _put(value, path, arrays)}
    if isinstance(value, (list, tuple)):
        items = [_packed(item, (*path, str(i)), arrays) for i, item in enumerate(value)]
        return {"$tuple": items} if isinstance(value, tuple) else items
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and not key.startswith("$") for key in value):
            return {key: _packed(item, (*path, key), arrays) for key, item in value.items()}
        pairs = [(_packed(key, path, arrays), _packed(v, (*path, str(key)), arrays)) for key, v in value.items()]
        return {"$dict": pairs}
    raise _cannot_hold(value, path)


def _put(array: ndarray, path: tuple[str, ...], arrays: dict[str, ndarray]) -> str:
    """Add an array under a name that tells where it belongs.  Raises TypeError for what is no array of numbers."""
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        raise TypeError(
            f"save: {_where(path)} is an array of {array.dtype}; a file holds real numbers of 8 bytes at most"
        )
    name = "/".join(path) or "tensor"
    while name in arrays or name == "__metadata__":
        name += "'"
    arrays[name] = np.array(array, dtype=array.dtype.newbyteorder("="), order="C")
    return name


def _cannot_hold(value: Any, path: tuple[str, ...]) -> TypeError:
    kind, where = type(value).__name__, _where(path)
    if hasattr(value, "state_dict"):
        return TypeError(
            f"save: {where} is a {kind}; save its state_dict(), which another {kind} takes over by load_state_dict"
        )
    return TypeError(f"save: {where} is a {kind}, {value!r:.60}; a file holds {HOLDS}")


def _where(path: tuple[str, ...]) -> str:
    return "".join([f"[{part!r}]" for part in path]) or "it"


def _unpacked(value: Any, arrays: Mapping[str, ndarray]) -> Any:
    """What `_packed` was given."""
    if isinstance(value, list):
        return [_unpacked(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if "$tensor" in value:
        tensor = Tensor._wrap(arrays[value["$tensor"]])
        tensor.requires_grad = value.get("requires_grad", False)
        return tensor
    if "$array" in value:
        return arrays[value["$array"]]
    if "$tuple" in value:
        return tuple(_unpacked(value["$tuple"], arrays))
    if "$dict" in value:
        return {_unpacked(key, arrays): _unpacked(item, arrays) for key, item in value["$dict"]}
    return {key: _unpacked(item, arrays) for key, item in value.items()}


def _checksum(arrays: Mapping[str, ndarray], text: str) -> str:
    total = zlib.crc32(text.encode())
    for name in sorted(arrays):
        array = arrays[name]
        total = zlib.crc32(f"{name}{array.dtype}".encode(), total)
        total = zlib.crc32(np.ravel(array).view(np.uint8).data, total)
    return f"{total:08x}"


# -- reading ----------------------------------------------------------------------------------------------------------


def _read_safetensors(path: Path) -> Any:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            names = file.keys()  # a file is no mapping: it cannot be iterated over
            arrays, metadata = {name: file.get_tensor(name) for name in names}, file.metadata() or {}
    except TypeError as error:
        raise CheckpointError(f"{path} holds numbers that NumPy does not have: {error}") from error
    except (SafetensorError, ValueError, KeyError, OSError) as error:
        raise _damaged(path, error) from error
    if metadata.keys().isdisjoint({"autograd_lite", "checksum"}):
        return _named(arrays)
    text = metadata.get("autograd_lite", "")
    if metadata.get("checksum") != _checksum(arrays, text):
        raise _damaged(path, "its checksum does not match its contents")
    try:
        return _unpacked(json.loads(text), arrays)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(path, error) from error


def _save_npz(obj: Any, path: FilePath) -> None:
    arrays: dict[str, ndarray] = {}
    if not isinstance(obj, Mapping):
        raise _cannot_hold(obj, ())
    for name, value in obj.items():
        if not (isinstance(name, str) and isinstance(value, (Tensor, ndarray))):
            raise TypeError(
                f"save: an .npz file holds tensors by name, not {name!r}: {type(value).__name__}; a file with another "
                f"ending holds {HOLDS}"
            )
        _put(value._array if isinstance(value, Tensor) else value, (name,), arrays)
    with written_whole(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _read_npz(path: Path) -> dict[str, ndarray]:
    import zipfile

    try:
        with zipfile.ZipFile(path) as parts:
            if any(name.endswith("data.pkl") for name in parts.namelist()):
                raise _pickled(path)
        with np.load(path, allow_pickle=False) as stored:
            arrays = dict(stored)
    except CheckpointError:
        raise
    except (ValueError, KeyError, EOFError, OSError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise _damaged(path, error) from error
    for name, array in arrays.items():
        if not isinstance(array, ndarray) or array.dtype.kind not in "fiub":
            raise CheckpointError(f"{path} holds {name!r}, which is no array of real numbers")
    return arrays


def _named(arrays: Mapping[str, ndarray]) -> dict[str, Tensor]:
    return {name: Tensor._wrap(array) for name, array in arrays.items()}


def _pickled(path: Path) -> CheckpointError:
    return CheckpointError(PICKLED.format(path=path, name=path.name, stem=path.stem))


def _damaged(path: FilePath, why: object) -> CheckpointError:
    return CheckpointError(f"{path} is damaged, or not a file of tensors: {why}")
