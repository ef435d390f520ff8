"""Images to classify, one folder a class."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..data.files import DataError
from ..data.loader import Dataset
from .images import EXTENSIONS, check_mode, image_size, read_image

__all__ = ["ImageFolder", "check_options", "skipping_bad", "warn_skipped"]


class ImageFolder(Dataset):
    """Images ``root/class/name.png``, also in folders below: example i is ``(image (C, H, W), label)``.

    Images are float32 in [0, 1], grey with ``mode="L"``, then given to ``transform`` if there is one, such as
    ``Resize((64, 64))``.  ``classes`` are the names of the folders in order, ``class_to_idx``
    gives a name's label, ``samples`` the (path, label) of each example.  Other files than pictures are passed over.
    The heads of all files are read at once: with ``bad="skip"`` those that are no pictures are left out with a warning,
    and ``skipped`` says which and why.  Raises DataError for a damaged picture, for a class without pictures and for a
    root without classes; ImportError without Pillow (extra ``vision``); ValueError for another ``mode`` or ``bad``.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        transform: Callable[[Any], Any] | None = None,
        *,
        mode: str = "RGB",
        bad: str = "raise",
    ) -> None:
        check_options(mode, bad)
        self.root, self.transform, self.mode = Path(root), transform, mode
        if not self.root.is_dir():
            raise DataError(f"{root}: there is no such folder")
        self.classes = sorted(folder.name for folder in self.root.iterdir() if folder.is_dir())
        if not self.classes:
            raise DataError(f"{root}: has no folders, one for each class")
        self.class_to_idx = {name: label for label, name in enumerate(self.classes)}
        self.samples: list[tuple[Path, int]] = []
        self.skipped: list[str] = []
        for name, label in self.class_to_idx.items():
            before = len(self.samples)
            for path in _pictures(self.root / name):
                with skipping_bad(bad, self.skipped):
                    image_size(path)
                    self.samples.append((path, label))
            if len(self.samples) == before:
                raise DataError(f"{self.root / name}: has no picture that can be read ({', '.join(EXTENSIONS)})")
        warn_skipped(self.skipped)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        path, label = self.samples[index]
        image = read_image(path, self.mode)
        return image if self.transform is None else self.transform(image), label

    def __len__(self) -> int:
        return len(self.samples)


def _pictures(folder: Path) -> list[Path]:
    """The files of a folder and those below it whose names end as those of pictures do, in order."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in EXTENSIONS and path.is_file())


def check_options(mode: str, bad: str) -> None:
    """Raise ValueError unless ``mode`` is one of `read_image` and ``bad`` says what to do with bad data."""
    check_mode(mode)
    if bad not in ("raise", "skip"):
        raise ValueError(f'bad must be "raise" or "skip", got {bad!r}')


@contextmanager
def skipping_bad(bad: str, skipped: list[str]) -> Iterator[None]:
    """With "skip", end the block at a DataError, note it in ``skipped``, and go on after it."""
    try:
        yield
    except DataError as error:
        if bad == "raise":
            raise
        skipped.append(str(error))


def warn_skipped(skipped: list[str]) -> None:
    """Warn of what a dataset, the caller's caller's, has left out."""
    if skipped:
        warnings.warn(f"{len(skipped)} left out as bad; the first: {skipped[0]}", stacklevel=3)
