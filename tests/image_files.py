"""Small files of images in the formats of MNIST and CIFAR-10."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np

RNG = np.random.default_rng(0)
CODES = {"u1": 8, "i1": 9, ">i2": 11, ">i4": 12, ">f4": 13, ">f8": 14}


def idx_bytes(array: np.ndarray) -> bytes:
    """An array as an IDX file."""
    kind = next(kind for kind in CODES if np.dtype(kind) == array.dtype.newbyteorder(">"))
    return bytes([0, 0, CODES[kind], array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_mnist(folder: Path, train: int = 40, test: int = 20, zipped: bool = False) -> dict[str, np.ndarray]:
    """The four files of MNIST, with few images: each class is a bright bar at a place of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for part, n in (("train", train), ("t10k", test)):
        labels = (np.arange(n) % 10).astype(np.uint8)
        images = RNG.integers(0, 60, (n, 28, 28), np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[4 + 2 * label : 6 + 2 * label, 4:24] += 180
        for name, array in ((f"{part}-images-idx3-ubyte", images), (f"{part}-labels-idx1-ubyte", labels)):
            data = idx_bytes(array)
            (folder / (name + ".gz" * zipped)).write_bytes(gzip.compress(data) if zipped else data)
            written[name] = array
    return written


def write_cifar(folder: Path, n: int = 6) -> np.ndarray:
    """The six files of CIFAR-10, with n images each; returns the bytes of the first file."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in [*[f"data_batch_{i}" for i in range(5, 0, -1)], "test_batch"]:
        records = RNG.integers(0, 256, (n, 3073), np.uint8)
        records[:, 0] %= 10
        (folder / f"{name}.bin").write_bytes(records.tobytes())
    return np.frombuffer((folder / "data_batch_1.bin").read_bytes(), np.uint8).reshape(n, 3073)
