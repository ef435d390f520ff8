"""Pictures from files: values, kinds of files, folders of classes, damage."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from autograd_lite import Tensor
from nn.data import DataError, DataLoader
from nn.vision import ImageFolder, Resize, read_image, resize
from nn.vision.images import image_size

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (5, 7, 3), np.uint8)
GREY = RNG.integers(0, 256, (5, 7), np.uint8)


# -- reading ----------------------------------------------------------------------------------------------------------


def test_colour_and_grey(tmp_path: Path) -> None:
    Image.fromarray(COLOUR).save(tmp_path / "c.png")
    Image.fromarray(GREY).save(tmp_path / "g.png")
    image = read_image(tmp_path / "c.png")
    assert (image.shape, image.dtype) == ((3, 5, 7), np.float32)
    np.testing.assert_array_equal(image.numpy(), COLOUR.transpose(2, 0, 1) / np.float32(255))
    np.testing.assert_array_equal(read_image(tmp_path / "g.png").numpy(), np.stack([GREY / np.float32(255)] * 3))
    np.testing.assert_array_equal(read_image(tmp_path / "g.png", "L").numpy()[0], GREY / np.float32(255))
    grey = (COLOUR @ [0.299, 0.587, 0.114])[None] / 255
    np.testing.assert_allclose(read_image(tmp_path / "c.png", "L").numpy(), grey, atol=1.01 / 255)
    assert image_size(str(tmp_path / "c.png")) == (5, 7)


def test_palette_and_transparency(tmp_path: Path) -> None:
    Image.fromarray(COLOUR).convert("P", palette=Image.Palette.ADAPTIVE, colors=64).save(tmp_path / "p.png")
    np.testing.assert_allclose(read_image(tmp_path / "p.png").numpy() * 255, COLOUR.transpose(2, 0, 1), atol=3)
    Image.fromarray(np.dstack([COLOUR, GREY])).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").numpy() * 255, COLOUR.transpose(2, 0, 1))


def test_sixteen_bits(tmp_path: Path) -> None:
    Image.fromarray(GREY.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    np.testing.assert_allclose(read_image(tmp_path / "deep.png", "L").numpy()[0], GREY / 255, atol=1e-6)
    assert read_image(tmp_path / "deep.png").shape == (3, 5, 7)
    Image.fromarray(GREY.astype(np.float32)).save(tmp_path / "float.tiff")
    with pytest.raises(DataError, match=r"float\.tiff: .*32 bits, of unknown range"):
        read_image(tmp_path / "float.tiff")


@pytest.mark.parametrize("shape", [(5, 7), (1, 5, 7), (3, 5, 7)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_arrays(tmp_path: Path, shape: tuple[int, ...], dtype: Any) -> None:
    array = RNG.integers(0, 256, shape).astype(dtype) if dtype is np.uint8 else RNG.random(shape).astype(dtype)
    np.save(tmp_path / "x.npy", array)
    values = (array.astype(np.float32) / (255 if dtype is np.uint8 else 1)).reshape(-1, 5, 7)
    for mode, channels in (("RGB", 3), ("L", 1)):
        image = read_image(tmp_path / "x.npy", mode)
        assert (image.shape, image.dtype) == ((channels, 5, 7), np.float32)
        expected = np.tensordot([0.299, 0.587, 0.114], values, 1)[None] if len(values) > channels else values
        np.testing.assert_allclose(image.numpy(), np.broadcast_to(expected, image.shape), atol=1e-6)
    assert image_size(tmp_path / "x.npy") == (5, 7)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones((2, 5, 7)), r"holds an array \(2, 5, 7\) instead of \(H, W\)"),
        (np.ones(5), r"holds an array \(5,\)"),
        (np.ones((0, 7)), r"holds an array \(1, 0, 7\)"),
        (np.ones((5, 7), np.int64), r"holds int64 instead of uint8 or numbers in \[0, 1\]"),
        (np.full((5, 7), 1.5), r"holds float64 instead of"),
        (np.full((5, 7), np.nan), r"holds float64 instead of"),
        (np.array([[None]]), r"cannot be read as an array"),
    ],
)
def test_arrays_refused(tmp_path: Path, array: np.ndarray, message: str) -> None:
    np.save(tmp_path / "x.npy", array, allow_pickle=True)
    with pytest.raises(DataError, match=r"x\.npy: " + message):
        read_image(tmp_path / "x.npy")


@pytest.mark.parametrize("ending", ["png", "jpg", "npy"])
def test_missing_and_damaged(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"x.{ending}"
    with pytest.raises(DataError, match=rf"x\.{ending}: there is no such file"):
        read_image(path)
    with pytest.raises(DataError, match=rf"x\.{ending}: there is no such file"):
        image_size(path)
    if ending == "npy":
        np.save(path, RNG.random((50, 50)))
    else:
        Image.fromarray(RNG.integers(0, 256, (50, 50, 3), np.uint8)).save(path)
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"not a picture", b""):
        path.write_bytes(content)
        with pytest.raises(DataError, match=rf"x\.{ending}: cannot be read as an"):
            read_image(path)


def test_other_modes_and_no_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"mode must be one of L, RGB, got 'YUV'"):
        read_image(tmp_path / "x.png", "YUV")
    np.save(tmp_path / "x.npy", np.ones((2, 2)))
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r'pip install "autograd-lite\[vision\]"'):
        read_image(tmp_path / "x.png")
    assert read_image(tmp_path / "x.npy").shape == (3, 2, 2)


# -- resizing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(8, 8), (21, 13), (5, 3), (11, 17), (1, 40)])
def test_resize_is_what_pillow_makes(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).random((11, 17), dtype=np.float32)
    theirs = Image.fromarray(image).resize(shape[::-1], Image.Resampling.BILINEAR)
    np.testing.assert_allclose(resize(image, shape), np.asarray(theirs), atol=1e-6)


def test_resize_keeps_what_it_is_given() -> None:
    image = np.random.default_rng(0).random((2, 3, 4, 5))
    assert resize(image, (6, 7)).dtype == np.float64
    whole = resize((image * 255).astype(np.uint8), (4, 5))
    assert whole.dtype == np.float32
    np.testing.assert_array_equal(whole, np.floor(image * 255))
    tensor = resize(Tensor(image), (6, 7))
    assert isinstance(tensor, Tensor)
    np.testing.assert_allclose(tensor.numpy(), resize(image, (6, 7)), rtol=1e-12)


@pytest.mark.parametrize("make", [np.array, lambda boxes: Tensor(np.array(boxes))])
def test_boxes_of_whole_numbers_are_scaled(make: Any) -> None:
    _, target = Resize((2, 3))(np.ones((1, 4, 4)), {"boxes": make([[0, 1, 4, 3]])})
    assert target["boxes"].dtype == np.float32
    assert target["boxes"].tolist() == [[0, 0.5, 3, 1.5]]


@pytest.mark.parametrize(("shape", "size"), [((4,), (2, 2)), ((4, 4), (0, 2)), ((0, 4), (2, 2))])
def test_resize_refuses(shape: tuple[int, ...], size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"cannot resize an image of shape .* to "):
        resize(np.ones(shape), size)


# -- folders ----------------------------------------------------------------------------------------------------------


def _write_folder(root: Path) -> Path:
    """Two classes: cat with two pictures, one of them in a folder below, and dog with one; a file that is none."""
    for name, grey in (("dog/3.png", 30), ("cat/1.PNG", 10), ("cat/more/2.jpg", 20)):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((6, 6), grey, np.uint8)).save(root / name)
    (root / "cat" / "notes.txt").write_text("no picture")
    return root


def test_image_folder(tmp_path: Path) -> None:
    data = ImageFolder(_write_folder(tmp_path), mode="L")
    assert (data.classes, data.class_to_idx, data.skipped) == (["cat", "dog"], {"cat": 0, "dog": 1}, [])
    found = [(round(float(image[0, 0, 0].item() * 255)), label) for image, label in data]
    assert found == [(10, 0), (20, 0), (30, 1)]
    assert data.samples[2] == (tmp_path / "dog" / "3.png", 1)
    images, labels = next(iter(DataLoader(data, 3)))
    assert images.shape == (3, 1, 6, 6)
    assert labels.tolist() == [0, 0, 1]


def test_image_folder_transform(tmp_path: Path) -> None:
    data = ImageFolder(_write_folder(tmp_path), Resize((4, 5)))
    assert data[1][0].shape == (3, 4, 5)


def test_image_folder_with_a_damaged_picture(tmp_path: Path) -> None:
    (_write_folder(tmp_path) / "cat" / "1.PNG").write_bytes(b"no")
    with pytest.raises(DataError, match=r"cat/1\.PNG: cannot be read as an image"):
        ImageFolder(tmp_path)
    with pytest.warns(UserWarning, match=r"1 left out as bad; the first: .*cat/1\.PNG: cannot be read"):
        data = ImageFolder(tmp_path, bad="skip")
    assert [path.name for path, _ in data.samples] == ["2.jpg", "3.png"]
    assert len(data.skipped) == 1


def test_image_folder_refuses(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing: there is no such folder"):
        ImageFolder(tmp_path / "nothing")
    with pytest.raises(DataError, match=r"has no folders, one for each class"):
        ImageFolder(tmp_path)
    (_write_folder(tmp_path) / "bird").mkdir()
    with pytest.raises(DataError, match=r"bird: has no picture that can be read \(\.bmp, "):
        ImageFolder(tmp_path)
    with pytest.raises(ValueError, match=r"bad must be"):
        ImageFolder(tmp_path, bad="maybe")
    with pytest.raises(ValueError, match=r"mode must be"):
        ImageFolder(tmp_path, mode="grey")
