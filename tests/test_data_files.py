"""The readers of well-known data files: MNIST, Fashion-MNIST, CIFAR-10; whole, gzipped, missing, damaged."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from image_files import CODES, idx_bytes, write_cifar, write_mnist

from nn.data import DataError, cifar10, fashion_mnist, mnist, read_idx

RNG = np.random.default_rng(0)


# -- what is read -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("reader", [mnist, fashion_mnist])
def test_mnist(tmp_path: Path, reader: Callable, zipped: bool) -> None:
    written = write_mnist(tmp_path, zipped=zipped)
    parts = reader(tmp_path)
    for (x, y), name, n in zip([part.tensors for part in parts], ("train", "t10k"), (40, 20), strict=True):
        assert x.shape == (n, 1, 28, 28)
        assert (x.dtype, y.dtype) == (np.float32, np.int64)
        assert y.tolist() == written[f"{name}-labels-idx1-ubyte"].tolist()
        expected = written[f"{name}-images-idx3-ubyte"][:, None] / np.float32(255)
        np.testing.assert_array_equal(x.numpy(), expected)


def test_a_file_that_was_unpacked_under_its_old_name(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    for path in tmp_path.iterdir():
        path.rename(f"{path}.gz")
    assert len(mnist(str(tmp_path))[0]) == 40


def test_cifar10(tmp_path: Path) -> None:
    first = write_cifar(tmp_path)
    train, test = cifar10(tmp_path)
    assert (len(train), len(test)) == (30, 6)
    x, y = train.tensors
    assert x.shape == (30, 3, 32, 32)
    assert (x.dtype, y.dtype) == (np.float32, np.int64)
    assert y.tolist()[:6] == first[:, 0].tolist()
    green = first[2, 1 + 1024 : 1 + 2048].reshape(32, 32) / np.float32(255)
    np.testing.assert_array_equal(x.numpy()[2, 1], green)


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4), (0, 5)])
def test_idx_of_every_type(tmp_path: Path, kind: str, shape: tuple[int, ...]) -> None:
    array = np.array(RNG.integers(0, 100, shape)).astype(kind)
    (tmp_path / "a").write_bytes(idx_bytes(array))
    found = read_idx(tmp_path / "a")
    assert found.dtype == array.dtype.newbyteorder("=")
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, array)


# -- what is wrong with a file ----------------------------------------------------------------------------------------

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def _labels(*values: int) -> bytes:
    return idx_bytes(np.array(values, np.uint8))


@pytest.mark.parametrize(
    ("name", "spoil", "message"),
    [
        (IMAGES, lambda data: b"", "not an IDX file: it begins with nothing"),
        (IMAGES, lambda data: b"\0\0\7\3" + data[4:], "not an IDX file: it begins with 00 00 07 03"),
        (IMAGES, lambda data: b"<html>not found", "not an IDX file: it begins with 3c 68 74 6d"),
        (IMAGES, lambda data: data[:10], "truncated: 10 bytes instead of a head of 16"),
        (IMAGES, lambda data: data[:-1], r"truncated: 31,375 bytes instead of 31,376 for the shape \(40, 28, 28\)"),
        (IMAGES, lambda data: data + b"x", "too long: 31,377 bytes instead of 31,376"),
        (IMAGES, lambda data: data[:4] + b"\xff" * 12, r"truncated: 16 bytes.*\(4294967295, 4294967295"),
        (IMAGES, lambda data: _labels(1, 2), r"holds uint8 \(2,\) instead of uint8 \(N, 28, 28\)"),
        (IMAGES, lambda data: idx_bytes(np.zeros((40, 32, 32), np.uint8)), r"\(40, 32, 32\) instead of uint8 \(N, 28"),
        (IMAGES, lambda data: idx_bytes(np.zeros((40, 28, 28), ">i4")), r"holds int32 \(40, 28, 28\)"),
        (LABELS, lambda data: idx_bytes(np.zeros((40, 1), np.uint8)), r"holds uint8 \(40, 1\) instead of uint8 \(N,\)"),
        (LABELS, lambda data: _labels(), r"holds uint8 \(0,\) instead of uint8 \(N,\)"),
        (LABELS, lambda data: _labels(1, 2, 3), "holds 3 labels for the 40 images beside it"),
        (LABELS, lambda data: _labels(*[10] * 40), "holds the label 10; the classes are 0 to 9"),
        (LABELS, lambda data: gzip.compress(data)[:-9], "cannot be read: Compressed file ended"),
        (LABELS, lambda data: gzip.compress(data)[:10] + b"\xff" * 30, "cannot be read: Error -3"),
        (LABELS, lambda data: b"\x1f\x8b\0\0\0\0\0\0\0\0", "cannot be read: Unknown compression"),
    ],
)
def test_damaged_idx_files(tmp_path: Path, name: str, spoil: Callable[[bytes], bytes], message: str) -> None:
    write_mnist(tmp_path)
    path = tmp_path / name
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(DataError, match=f"^{path}: .*{message}") as caught:
        mnist(tmp_path)
    assert "\n" not in str(caught.value)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte: there is no such file \(nor one that ends in .gz\)$"):
        mnist(tmp_path)
    with pytest.raises(DataError, match=r"none/train-images-idx3-ubyte: there is no such folder$"):
        fashion_mnist(tmp_path / "none")
    with pytest.raises(DataError, match=r"data_batch_1.bin: there is no such file"):
        cifar10(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").mkdir()
    with pytest.raises(DataError, match="t10k-labels-idx1-ubyte: cannot be read: Is a directory"):
        mnist(tmp_path)


@pytest.mark.skipif(os.name == "nt" or os.getuid() == 0, reason="everything can be read")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    write_cifar(tmp_path)
    (tmp_path / "test_batch.bin").chmod(0)
    with pytest.raises(DataError, match=r"test_batch.bin: cannot be read: Permission denied"):
        cifar10(tmp_path)


def test_damaged_cifar_files(tmp_path: Path) -> None:
    write_cifar(tmp_path)
    path = tmp_path / "data_batch_4.bin"
    good = path.read_bytes()
    for bad, message in (
        (good[:-1], "18,437 bytes are not whole images of 3,073"), (b"", "0 bytes are not whole"),
        (bytes([11]) + good[1:], "the label 11"),
    ):  # fmt: skip
        path.write_bytes(bad)
        with pytest.raises(DataError, match=f"data_batch_4.bin: .*{message}"):
            cifar10(tmp_path)
