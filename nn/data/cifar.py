"""CIFAR-10: 60,000 photographs of 32×32 pixels in 10 classes.

A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009, https://www.cs.toronto.edu/~kriz/cifar.html
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from .files import DataError, check_labels, image_dataset, read_whole
from .loader import TensorDataset

__all__ = ["cifar10"]

SHAPE = (3, 32, 32)
RECORD = 1 + 3 * 32 * 32  # the label, then the red, the green and the blue pixels


def cifar10(folder: str | os.PathLike[str]) -> tuple[TensorDataset, TensorDataset]:
    """CIFAR-10 as ``(train, test)``: images ``(N, 3, 32, 32)`` in [0, 1], labels ``(N,)``.

    Images are float32, labels int64.  ``folder`` holds the "binary version": data_batch_1.bin to data_batch_5.bin and
    test_batch.bin.  The classes: airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck.  Raises
    DataError for a file that is missing, damaged or something else.
    """
    names = [f"data_batch_{i}.bin" for i in range(1, 6)], ["test_batch.bin"]
    train, test = (_part([Path(folder) / name for name in part]) for part in names)
    return train, test


def _part(paths: list[Path]) -> TensorDataset:
    records = np.concatenate([_records(path) for path in paths])
    return image_dataset(records[:, 1:].reshape(-1, *SHAPE), records[:, 0])


def _records(path: Path) -> np.ndarray:
    """The bytes of the images in a file, each after its label: ``(N, 3073)``."""
    data = read_whole(path)
    if not data or len(data) % RECORD:
        raise DataError(f"{path}: {len(data):,} bytes are not whole images of {RECORD:,} bytes each")
    records = np.frombuffer(data, np.uint8).reshape(-1, RECORD)
    check_labels(records[:, 0], path)
    return records
