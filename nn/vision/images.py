"""Pictures: reading them from files, and resizing.  Pillow (extra ``vision``) is imported only here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from autograd_lite import Tensor

from ..data.files import DataError

__all__ = ["EXTENSIONS", "Resize", "check_mode", "image_size", "read_image", "resize"]

EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".npy", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
CHANNELS = {"L": 1, "RGB": 3}
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # what red, green and blue add to brightness (ITU-R BT.601)


def read_image(path: str | os.PathLike[str], mode: str = "RGB") -> Tensor:
    """The picture in a file as float32 in [0, 1]: ``(3, H, W)``, or ``(1, H, W)`` with ``mode="L"`` (grey).

    Reads what Pillow reads, and arrays (.npy) ``(H, W)``, ``(1, H, W)`` or ``(3, H, W)``, uint8 or floating in [0, 1].
    Transparency is dropped.  Raises DataError for a file that is missing or damaged, ImportError without Pillow
    (extra ``vision``), ValueError for another mode.
    """
    check_mode(mode)
    if Path(path).suffix == ".npy":
        pixels = _array(path)
    else:
        with _opened(path) as image:
            if image.mode in ("I", "F"):
                raise ValueError("its pixels have 32 bits, of unknown range; store them as .npy")
            deep = image.mode.startswith("I;16")  # 16 bits, which Pillow would cut off at 255
            pixels = np.asarray(image if deep else image.convert(mode)).astype(np.float32) / (65535 if deep else 255)
        pixels = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    if len(pixels) > CHANNELS[mode]:
        pixels = np.tensordot(LUMA, pixels, 1)[None]
    elif len(pixels) < CHANNELS[mode]:
        pixels = np.repeat(pixels, 3, axis=0)
    return Tensor._wrap(np.ascontiguousarray(pixels))


def check_mode(mode: str) -> None:
    """Raise ValueError unless ``mode`` is one that `read_image` knows."""
    if mode not in CHANNELS:
        raise ValueError(f"mode must be one of {', '.join(CHANNELS)}, got {mode!r}")


def image_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """The (H, W) of the picture in a file, from its head alone (a .npy is read whole).  Raises as `read_image`."""
    if Path(path).suffix == ".npy":
        return _array(path).shape[1:]
    with _opened(path) as image:
        return image.height, image.width


def resize(image: Any, size: tuple[int, int]) -> Any:
    """Resize pictures bilinearly, ``(…, H, W) -> (…, *size)``; when they shrink, over all pixels that a new one covers.

    Takes an array or a Tensor and returns the same, floating as it was (integers: float32).  A pixel is a square: new
    centre i lies at (i + ½) H/H' − ½ in old pixels, as with PyTorch's ``align_corners=False, antialias=True``.
    Raises ValueError for a size below 1 and for an image without pixels.

    >>> resize(np.array([[0.0, 1.0]]), (1, 4))
    array([[0.  , 0.25, 0.75, 1.  ]])
    """
    if len(image.shape) < 2 or 0 in image.shape[-2:] or min(size) < 1:
        raise ValueError(f"cannot resize an image of shape {tuple(image.shape)} to {tuple(size)}")
    dtype = np.dtype(image.dtype if np.dtype(image.dtype).kind == "f" else np.float32)
    rows, columns = (_weights(n, m, dtype) for n, m in zip(image.shape[-2:], size, strict=True))
    return rows @ (image if image.dtype == dtype else image.astype(dtype)) @ columns.T


class Resize:
    """`resize` as the ``transform`` of a data set: of the image, and of the boxes in its target if it comes with one.

    Boxes stay floating as they were; whole numbers become float32.

    >>> image, target = Resize((2, 2))(np.ones((1, 4, 8)), {"boxes": np.array([[0.0, 0.0, 4.0, 4.0]])})
    >>> image.shape, target["boxes"].tolist()
    ((1, 2, 2), [[0.0, 0.0, 1.0, 2.0]])
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size

    def __call__(self, image: Any, target: dict[str, Any] | None = None) -> Any:
        resized = resize(image, self.size)
        if target is None:
            return resized
        down, across = (new / old for new, old in zip(self.size, image.shape[-2:], strict=True))
        boxes = target["boxes"]
        if np.dtype(boxes.dtype).kind != "f":  # a scale of whole numbers would be 0
            boxes = boxes.astype(np.float32)
        return resized, {**target, "boxes": boxes * np.array([across, down, across, down], boxes.dtype)}


@lru_cache(maxsize=1024)
def _weights(n: int, m: int, dtype: np.dtype) -> np.ndarray:
    """What each of m new pixels takes of n old ones, ``(m, n)``: a triangle around its centre, its sum 1."""
    centres = (np.arange(m) + 0.5) * (n / m) - 0.5
    reach = max(n / m, 1.0)
    weights = np.maximum(0, 1 - np.abs(centres[:, None] - np.arange(n)) / reach)
    weights = (weights / weights.sum(axis=1, keepdims=True)).astype(dtype)
    weights.setflags(write=False)
    return weights


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[Any]:
    """Pillow's image of a file; what Pillow raises for it becomes a DataError."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError('reading pictures needs Pillow: pip install "autograd-lite[vision]"') from error
    if not Path(path).is_file():
        raise DataError(f"{path}: there is no such file")
    try:
        with Image.open(path) as image:
            yield image
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: cannot be read as an image: {error}") from error


def _array(path: str | os.PathLike[str]) -> np.ndarray:
    """The array in a .npy file as float32 ``(C, H, W)`` in [0, 1], C being 1 or 3.  Raises DataError."""
    if not Path(path).is_file():
        raise DataError(f"{path}: there is no such file")
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: cannot be read as an array: {error}") from error
    if array.ndim == 2:
        array = array[None]
    if array.ndim != 3 or len(array) not in CHANNELS.values() or 0 in array.shape:
        raise DataError(f"{path}: holds an array {array.shape} instead of (H, W), (1, H, W) or (3, H, W)")
    if array.dtype == np.uint8:
        return array.astype(np.float32) / 255
    if array.dtype.kind != "f" or not (array.min() >= 0 and array.max() <= 1):
        raise DataError(f"{path}: holds {array.dtype} instead of uint8 or numbers in [0, 1]")
    return array.astype(np.float32)
