"""Files of images as they are handed out: gzipped or not, and not always whole."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import numpy as np

from autograd_lite import Tensor

from .loader import TensorDataset

__all__ = ["DataError", "check_labels", "image_dataset", "read_whole"]

CLASSES = 10


class DataError(Exception):
    """A file of data that is missing, damaged or not what its name says; the message names the file."""


def read_whole(path: str | os.PathLike[str]) -> bytes:
    """The contents of a file, or of the gzipped one whose name has ``.gz`` after it, unpacked.  Raises DataError."""
    import gzip

    path = Path(path)
    found = next((p for p in (path, path.with_name(path.name + ".gz")) if p.exists()), None)
    if found is None:
        missing = "file" if path.parent.is_dir() else "folder"
        raise DataError(f"{path}: there is no such {missing}" + (" (nor one that ends in .gz)" * (missing == "file")))
    try:
        data = found.read_bytes()
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data  # some programs unpack and keep the name
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{found}: cannot be read: {getattr(error, 'strerror', None) or error}") from error


def check_labels(labels: np.ndarray, source: Path) -> None:
    """Raise DataError for a label above 9."""
    if labels.max() >= CLASSES:
        raise DataError(f"{source}: holds the label {labels.max()}; the classes are 0 to {CLASSES - 1}")


def image_dataset(images: np.ndarray, labels: np.ndarray) -> TensorDataset:
    """Bytes as float32 in [0, 1], with their int64 labels."""
    pixels = images.astype(np.float32)
    pixels /= 255
    return TensorDataset(Tensor._wrap(pixels), Tensor._wrap(labels.astype(np.int64)))
