"""Boxes that others have drawn: the annotations of COCO (JSON) and of PASCAL VOC (XML).

COCO: T.-Y. Lin et al., arXiv:1405.0312, https://cocodataset.org/#format-data.  PASCAL VOC: M. Everingham et al., IJCV
88 (2010), http://host.robots.ox.ac.uk/pascal/VOC.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from autograd_lite import Tensor

from ..data.files import DataError, read_whole
from ..data.loader import Dataset
from .folder import check_options, skipping_bad, warn_skipped
from .images import image_size, read_image

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["VOC_CLASSES", "CocoDetection", "VOCDetection"]

VOC_CLASSES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
    "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
ROUNDING = 0.5  # by so many pixels a box may pass the edge of its image, and is cut off there


class Object(NamedTuple):
    """A box x₀, y₀, x₁, y₁ in pixels, its label, and whether metrics should pass over it."""

    box: tuple[float, float, float, float]
    label: int
    ignore: bool


class Example(NamedTuple):
    """An image before it is read."""

    id: int | str
    path: Path
    size: tuple[int, int]  # height, width
    objects: list[Object]


class _Annotated(Dataset):
    """What the two formats share: examples that are checked at once and read one by one."""

    def __init__(
        self, root: str | os.PathLike[str], transforms: Callable[[Any, Any], Any] | None, mode: str, bad: str
    ) -> None:
        check_options(mode, bad)
        self.root, self.transforms, self.mode, self.bad = Path(root), transforms, mode, bad
        self.classes: tuple[str, ...] = ()
        self.examples: list[Example] = []
        self.skipped: list[str] = []
        if not self.root.is_dir():
            raise DataError(f"{root}: there is no such folder")

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        example = self.examples[index]
        image = read_image(example.path, self.mode)
        _check_size(example.path, image.shape[1:], example.size, "annotated as")
        target = {
            "boxes": Tensor(np.array([o.box for o in example.objects], np.float32).reshape(-1, 4)),
            "labels": Tensor(np.array([o.label for o in example.objects], np.int64)),
            "ignore": Tensor(np.array([o.ignore for o in example.objects], bool)),
            "image_id": example.id,
        }
        return (image, target) if self.transforms is None else self.transforms(image, target)

    def __len__(self) -> int:
        return len(self.examples)

    def __repr__(self) -> str:
        left_out = f", {len(self.skipped)} left out as bad" * bool(self.skipped)
        return f"{type(self).__name__}({self.root}: {len(self)} images, {len(self.classes)} classes{left_out})"


class CocoDetection(_Annotated):
    """Images of ``root`` with the boxes of a COCO annotation file.

    Example i is ``(image (C, H, W), {"boxes": (n, 4), "labels": (n,), "ignore": (n,), "image_id": id})``, or what
    ``transforms(image, target)``, such as `Resize`, makes of it.  Images are float32 in [0, 1], grey with ``mode="L"``;
    boxes float32 x₀, y₀, x₁, y₁ in pixels (COCO stores x₀, y₀, width, height); labels int64, positions in ``classes``,
    which are in the order of ``category_ids``; ``ignore`` marks crowds.
    Annotations and the heads of images are checked at once.  Raises DataError, naming file and annotation, for a file
    that is missing or damaged, a box that is not finite, has no area or leaves its image by more than half a pixel (up
    to that it is cut off), a mark to ignore it that is not 0 or 1, an unknown category, and an image of another size
    than annotated.  With ``bad="skip"`` such a box or image is left out with a warning, and ``skipped`` says which and
    why; a damaged annotation file always raises.  ImportError without Pillow (extra ``vision``), ValueError for another
    ``mode`` or ``bad``.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        annotation_file: str | os.PathLike[str],
        transforms: Callable[[Any, Any], Any] | None = None,
        *,
        mode: str = "RGB",
        bad: str = "raise",
    ) -> None:
        super().__init__(root, transforms, mode, bad)
        self.path = Path(annotation_file)
        content = _read_json(self.path)
        names = {self._of(c, "id", "category"): self._of(c, "name", "category", str) for c in content["categories"]}
        if len(names) < len(content["categories"]):
            raise DataError(f"{self.path}: two categories have the same id; the ids are {list(names)}")
        self.category_ids = sorted(names, key=lambda i: (isinstance(i, str), i))
        self.classes = tuple(names[i] for i in self.category_ids)
        labels = {category: label for label, category in enumerate(self.category_ids)}
        found: dict[int | str, Example | None] = {}
        for record in content["images"]:
            with skipping_bad(self.bad, self.skipped):
                self._read_image_record(record, found)
        for record in content["annotations"]:
            with skipping_bad(self.bad, self.skipped):
                self._read_annotation(record, found, labels)
        self.examples = [example for example in found.values() if example is not None]
        warn_skipped(self.skipped)

    def _of(self, record: dict[str, Any], key: str, what: str, kind: Any = (int, str)) -> Any:
        """An entry of a record.  Raises DataError if it is missing or of another type."""
        value = record.get(key)
        if not isinstance(value, kind) or isinstance(value, bool):
            name = f"{what} {record.get('id')!r}" if key != "id" else f"{what} {str(record)[:80]}"
            raise DataError(f"{self.path}: {name} has " + (f"{key} {value!r}" if key in record else f"no {key}"))
        return value

    def _read_image_record(self, record: dict[str, Any], found: dict[int | str, Example | None]) -> None:
        """Enter an image under its id, None until it is known to be good."""
        image_id = self._of(record, "id", "image")
        if image_id in found:
            raise DataError(f"{self.path}: image {image_id!r} is there twice")
        found[image_id] = None
        where = f"{self.path}: image {image_id!r}"
        path = _inside(self.root, self._of(record, "file_name", "image", str), where)
        size = self._of(record, "height", "image", int), self._of(record, "width", "image", int)
        _check_size(path, image_size(path), size, f"{where} says")
        found[image_id] = Example(image_id, path, size, [])

    def _read_annotation(
        self, record: dict[str, Any], found: dict[int | str, Example | None], labels: dict[int | str, int]
    ) -> None:
        """Add an object to its image, unless that was left out."""
        where = f"{self.path}: annotation {self._of(record, 'id', 'annotation')!r}"
        image_id, category = (self._of(record, key, "annotation") for key in ("image_id", "category_id"))
        if image_id not in found:
            raise DataError(f"{where}: there is no image {image_id!r}")
        if category not in labels:
            raise DataError(f"{where}: there is no category {category!r}; the file has {self.category_ids}")
        example = found[image_id]
        if example is None:
            return
        x, y, width, height = _four_numbers(record.get("bbox"), where)
        box = _checked_box((x, y, x + width, y + height), example.size, where)
        example.objects.append(Object(box, labels[category], _flag(record.get("iscrowd") or 0, "iscrowd", where)))


class VOCDetection(_Annotated):
    """Images with boxes as PASCAL VOC lays them out: ``root/JPEGImages``, ``root/Annotations`` with a file an image.

    ``image_set`` names a list of images, such as "train" for ``root/ImageSets/Main/train.txt``; without it all files of
    Annotations are read.  Examples, options and errors are those of `CocoDetection`, but that a damaged XML file is
    left out, too, by ``bad="skip"``; labels are positions in ``classes``, ``ignore`` marks objects called difficult,
    image_id is the file's name without its ending.  VOC counts pixels from 1 and stores the last one of an object: x₀
    is xmin − 1, x₁ is xmax.  XML with a DOCTYPE, which can define entities that read files or grow without bound, is
    refused.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        image_set: str | None = None,
        transforms: Callable[[Any, Any], Any] | None = None,
        *,
        classes: Sequence[str] = VOC_CLASSES,
        mode: str = "RGB",
        bad: str = "raise",
    ) -> None:
        super().__init__(root, transforms, mode, bad)
        self.classes = tuple(classes)
        for name in self._names(image_set):
            with skipping_bad(self.bad, self.skipped):
                self._read_file(name)
        warn_skipped(self.skipped)

    def _names(self, image_set: str | None) -> Iterable[str]:
        """The names of the images, without their endings."""
        if image_set is not None:
            listed = read_whole(self.root / "ImageSets" / "Main" / f"{image_set}.txt").decode("utf-8", "replace")
            return [line.strip() for line in listed.splitlines() if line.strip()]
        names = sorted(path.stem for path in (self.root / "Annotations").glob("*.xml"))
        if not names:
            raise DataError(f"{self.root / 'Annotations'}: has no annotations (.xml)")
        return names

    def _read_file(self, name: str) -> None:
        path = _inside(self.root / "Annotations", f"{name}.xml", f"image set: {name!r}")
        tree = _read_xml(path)
        picture = _inside(self.root / "JPEGImages", _text(tree, "filename", str(path)), str(path))
        height, width = (_number(tree, f"size/{side}", str(path)) for side in ("height", "width"))
        size = int(height), int(width)
        _check_size(picture, image_size(picture), size, f"{path} says")
        example = Example(name, picture, size, [])
        for number, element in enumerate(tree.findall("object"), 1):
            with skipping_bad(self.bad, self.skipped):
                example.objects.append(self._object(element, size, f"{path}: object {number}"))
        self.examples.append(example)

    def _object(self, element: Element, size: tuple[int, int], where: str) -> Object:
        name = _text(element, "name", where)
        if name not in self.classes:
            raise DataError(f"{where}: {name!r} is not one of the classes {', '.join(self.classes)}")
        x0, y0, x1, y1 = (_number(element, f"bndbox/{key}", where) for key in ("xmin", "ymin", "xmax", "ymax"))
        box = _checked_box((x0 - 1, y0 - 1, x1, y1), size, where)
        difficult = (element.findtext("difficult") or "").strip() or "0"
        ignore = _flag(int(difficult) if difficult in ("0", "1") else difficult, "difficult", where)
        return Object(box, self.classes.index(name), ignore)


# -- what is checked --------------------------------------------------------------------------------------------------


def _checked_box(
    box: tuple[float, float, float, float], size: tuple[int, int], where: str
) -> tuple[float, float, float, float]:
    """A box cut off at the edges of its image.  Raises DataError if it is not inside or has no area."""
    (x0, y0, x1, y1), (height, width) = box, size
    if min(x0, y0) < -ROUNDING or x1 > width + ROUNDING or y1 > height + ROUNDING:
        raise DataError(f"{where}: the box {_show(box)} leaves its image, which is {width} wide and {height} high")
    clipped = max(x0, 0.0), max(y0, 0.0), min(x1, float(width)), min(y1, float(height))
    stored = np.array(clipped, np.float32)  # so that what has an area here has one in the target
    if stored[0] >= stored[2] or stored[1] >= stored[3]:
        raise DataError(f"{where}: the box {_show(box)} has no area")
    return clipped


def _show(box: tuple[float, float, float, float]) -> str:
    return "from ({:g}, {:g}) to ({:g}, {:g})".format(*box)


def _check_size(path: Path, size: tuple[int, ...], annotated: tuple[int, int], source: str) -> None:
    """Raise DataError for an image of another size than annotated; both (H, W)."""
    if tuple(size) != annotated:
        raise DataError(f"{path}: is {size[1]} × {size[0]} pixels, {source} {annotated[1]} × {annotated[0]}")


def _inside(root: Path, name: str, where: str) -> Path:
    """``root/name``.  Raises DataError for a name that leads out of the folder."""
    if PurePath(name).is_absolute() or ".." in PurePath(name).parts:
        raise DataError(f"{where}: the name {name!r} leads out of {root}")
    return root / name


def _read_json(path: Path) -> dict[str, list[dict[str, Any]]]:
    """The lists of a COCO file.  Raises DataError for what is missing, damaged or something else."""
    try:
        content = json.loads(read_whole(path))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: is not JSON: {error}") from error
    for key in ("images", "annotations", "categories"):
        records = content.get(key) if isinstance(content, dict) else None
        if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
            raise DataError(f"{path}: is not an annotation file of COCO: it has no list of {key}")
    return content


def _four_numbers(values: Any, where: str) -> tuple[float, ...]:
    """The four finite numbers of a box in JSON.  Raises DataError."""
    if not isinstance(values, list) or len(values) != 4 or not all(_is_finite(value) for value in values):
        raise DataError(f"{where}: bbox is {str(values)[:80]} instead of four finite numbers")
    return tuple(float(value) for value in values)


def _flag(value: Any, name: str, where: str) -> bool:
    """Whether an object is to be passed over.  Raises DataError for what is neither 0 nor 1, such as "0" in JSON."""
    if value not in (0, 1):
        raise DataError(f"{where}: {name} is {str(value)[:40]!r} instead of 0 or 1")
    return bool(value)


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9


def _read_xml(path: Path) -> Element:
    """The root of an annotation file of VOC.  Raises DataError for what is missing, damaged or something else."""
    from xml.etree import ElementTree

    try:
        text = read_whole(path).decode("utf-8-sig")  # as text, so that no other encoding can hide a DOCTYPE
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not UTF-8: {error}") from error
    if "<!DOCTYPE" in text:
        raise DataError(f"{path}: has a DOCTYPE, which annotations do not need and which can do harm; take it out")
    try:
        tree = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise DataError(f"{path}: is not XML: {error}") from error
    if tree.tag != "annotation":
        raise DataError(f"{path}: is not an annotation of VOC: it begins with <{tree.tag}>")
    return tree


def _text(element: Element, key: str, where: str) -> str:
    """What an element below says.  Raises DataError if it is missing or empty."""
    text = (element.findtext(key) or "").strip()
    if not text:
        raise DataError(f"{where}: has no {key}")
    return text


def _number(element: Element, key: str, where: str) -> float:
    """The finite number that an element below says.  Raises DataError."""
    text = _text(element, key, where)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not _is_finite(value):
        raise DataError(f"{where}: {key} is {text[:40]!r} instead of a finite number")
    return value
