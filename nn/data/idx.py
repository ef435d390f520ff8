"""MNIST and Fashion-MNIST, and the IDX files that they come in.

MNIST: Y. LeCun, C. Cortes, C. Burges, http://yann.lecun.com/exdb/mnist.  Fashion-MNIST: H. Xiao, K. Rasul, R. Vollgraf,
arXiv:1708.07747, MIT licence.  Each has 60,000 images to train on and 10,000 to test on.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np

from .files import DataError, check_labels, image_dataset, read_whole
from .loader import TensorDataset

__all__ = ["DEBIAN", "fashion_mnist", "mnist", "read_idx"]

DEBIAN = Path("/usr/share/datasets/fashion-mnist")  # of Debian's package dataset-fashion-mnist
CODES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
TYPES = {code: np.dtype(name) for code, name in CODES.items()}
SIDE = 28


def mnist(folder: str | os.PathLike[str]) -> tuple[TensorDataset, TensorDataset]:
    """The handwritten digits of MNIST as ``(train, test)``: images ``(N, 1, 28, 28)`` in [0, 1], labels ``(N,)``.

    Images are float32, labels int64.  ``folder`` holds train-images-idx3-ubyte, train-labels-idx1-ubyte and the same
    with t10k, gzipped (.gz) or not.  Raises DataError for a file that is missing, damaged or something else.
    """
    return _part(Path(folder), "train"), _part(Path(folder), "t10k")


def fashion_mnist(folder: str | os.PathLike[str] = DEBIAN) -> tuple[TensorDataset, TensorDataset]:
    """Images of clothes, with the files and shapes of `mnist`; by default from Debian's dataset-fashion-mnist.

    The classes: T-shirt, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle boot.  Raises DataError.
    """
    return mnist(folder)


def _part(folder: Path, name: str) -> TensorDataset:
    paths = folder / f"{name}-images-idx3-ubyte", folder / f"{name}-labels-idx1-ubyte"
    images, labels = map(read_idx, paths)
    for path, array, shape in ((paths[0], images, (SIDE, SIDE)), (paths[1], labels, ())):
        if array.dtype != np.uint8 or array.ndim != 1 + len(shape) or array.shape[1:] != shape or not len(array):
            wanted = f"(N, {SIDE}, {SIDE})" if shape else "(N,)"
            raise DataError(f"{path}: holds {array.dtype} {array.shape} instead of uint8 {wanted}")
    if len(images) != len(labels):
        raise DataError(f"{paths[1]}: holds {len(labels):,} labels for the {len(images):,} images beside it")
    check_labels(labels, paths[1])
    return image_dataset(images[:, None], labels)


def read_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """The array in an IDX file, gzipped or not: two zero bytes, its type, its number of axes, their lengths, the data.

    Raises DataError for a file that is missing, too short, too long or something else.
    """
    data = read_whole(path)
    kind = TYPES.get(data[2]) if len(data) >= 4 and data[:2] == b"\0\0" else None
    if kind is None:
        raise DataError(f"{path}: is not an IDX file: it begins with {data[:4].hex(' ') or 'nothing'}")
    start = 4 + 4 * data[3]
    if len(data) < start:
        raise DataError(f"{path}: is truncated: {len(data)} bytes instead of a head of {start}")
    shape = tuple(np.frombuffer(data[4:start], ">u4").tolist())
    expected = start + math.prod(shape) * kind.itemsize
    if len(data) != expected:
        problem = "truncated" if len(data) < expected else "too long"
        raise DataError(f"{path}: is {problem}: {len(data):,} bytes instead of {expected:,} for the shape {shape}")
    return np.frombuffer(data, kind, offset=start).reshape(shape).astype(kind.newbyteorder("="), copy=False)
