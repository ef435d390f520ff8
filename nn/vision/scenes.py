"""Scenes to find things in: real digits (or other small images) of known classes on a canvas, with exact boxes.

The digits are real, their arrangement is made up.  A scene sees only the dataset that it is given: make the scenes to
train on of the digits to train on, and those to test on of the digits held out.
"""

from __future__ import annotations

import math
import operator
from typing import Any, NamedTuple

import numpy as np

from autograd_lite import Tensor, stack

from ..data.loader import Dataset
from .canvas import DrawnDataset, background, finish
from .grid import BOX, CLASSES, OBJECT
from .images import resize

__all__ = ["DetectionScenes", "LocalizationScenes", "Scenes", "collate_detections"]

Box = tuple[int, int, int, int]  # x₀, y₀, x₁, y₁
LAYOUTS = 100  # how often a crowded scene is laid out anew before it is given up


class Piece(NamedTuple):
    """An object before it has its place: its position in the source, its scaled image, and the box of its ink there."""

    position: int
    patch: np.ndarray
    ink: Box

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of its box."""
        return self.ink[2] - self.ink[0], self.ink[3] - self.ink[1]


class Scenes(DrawnDataset):
    """What `DetectionScenes` and `LocalizationScenes` share: scene i, drawn from ``(seed, i)`` alone.

    ``source`` has the objects: images ``(N, 1, h, w)`` in [0, 1] and labels ``(N,)``, such as one part of
    ``digits(flat=False)`` or of ``mnist(folder)``.  A scene is ``size`` pixels large (a number or (H, W)) and has
    ``count`` = (fewest, most) objects; each is scaled to a height of ``heights`` = (least, greatest) pixels and drawn
    with a brightness from ``brightness``, the largest first, so that none is hidden behind a larger one.  Behind them
    is a ramp between two grey values of at most ``gradient``, over all normal noise of deviation ``noise``; the image
    is clipped to [0, 1].
    The box of an object is that of its pixels above ``threshold`` of its brightest; boxes lie inside the canvas and the
    IoU of two is at most ``max_iou``.  Give the scenes to test on another seed than those to train on.
    A scene is drawn anew each time it is asked for; ``list(scenes)`` keeps them.
    Raises ValueError for options that contradict each other or the source.
    """

    def __init__(
        self,
        source: Any,
        length: int = 1000,
        *,
        size: int | tuple[int, int] = 64,
        count: tuple[int, int] = (1, 6),
        heights: tuple[int, int] = (14, 28),
        max_iou: float = 0.1,
        brightness: tuple[float, float] = (0.6, 1.0),
        gradient: float = 0.3,
        noise: float = 0.05,
        threshold: float = 0.25,
        seed: int = 0,
    ) -> None:
        super().__init__(length, size, seed)
        self.images, self.labels = _images_and_labels(source)
        self.count, self.heights = (tuple(map(operator.index, bounds)) for bounds in (count, heights))
        self.max_iou, self.brightness, self.gradient = max_iou, brightness, gradient
        self.noise, self.threshold = noise, threshold
        self._check()
        self.num_classes = int(self.labels.max()) + 1

    def _check(self) -> None:
        """Raise ValueError for what no scene can be drawn from."""
        ranges = ("count", 0, np.inf), ("heights", 1, self.size[0]), ("brightness", 0, 1)
        for name, least, greatest in ranges:
            low, high = getattr(self, name)
            if not least <= low <= high <= greatest:
                raise ValueError(f"{name} must rise within [{least}, {greatest}], got {(low, high)}")
        for name in ("max_iou", "gradient", "threshold"):
            if not 0 <= getattr(self, name) <= 1 or (name == "threshold" and self.threshold == 1):
                raise ValueError(f"{name} must lie between 0 and 1, got {getattr(self, name)}")
        widest = self._width(self.heights[1])
        if widest > self.size[1]:
            raise ValueError(f"objects up to {self.heights[1]} × {widest} do not fit into a scene of size {self.size}")
        if not 0 <= self.noise < np.inf:
            raise ValueError(f"noise must be at least 0, got {self.noise}")

    def draw(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Scene ``index``: the image float32 ``(1, H, W)``, boxes xyxy in pixels float32 ``(n, 4)``, labels ``(n,)``.

        A box goes from the left edge of its first pixel to the right edge of its last, so a single pixel has width 1.
        Raises IndexError out of range, ValueError for a scene too crowded to lay out.
        """
        rng = self.generator(index)
        pieces, boxes = self._layout(rng, self._count(rng), index)
        canvas = background(rng, self.size, self.gradient)
        for piece, box in zip(pieces, boxes, strict=True):
            _lay(canvas, piece.patch, rng.uniform(*self.brightness), box[0] - piece.ink[0], box[1] - piece.ink[1])
        labels = np.array([self.labels[piece.position] for piece in pieces], np.int64)
        return finish(canvas, rng, self.noise), np.array(boxes, np.float32).reshape(-1, 4), labels

    def _count(self, rng: np.random.Generator) -> int:
        """How many objects a scene has."""
        return int(rng.integers(self.count[0], self.count[1] + 1))

    def _layout(self, rng: np.random.Generator, n: int, index: int) -> tuple[list[Piece], list[Box]]:
        """n objects, the largest first, and their boxes."""
        for _ in range(LAYOUTS):
            pieces = [self._piece(rng) for _ in range(n)]
            pieces.sort(key=lambda piece: math.prod(piece.size), reverse=True)
            boxes: list[Box] = []
            for width, height in [piece.size for piece in pieces]:
                place = self._place(rng, boxes, width, height)
                if place is None:
                    break
                boxes.append((place[0], place[1], place[0] + width, place[1] + height))
            else:
                return pieces, boxes
        raise ValueError(
            f"scene {index}: found no room for {n} objects of heights {self.heights} in {self.size} with max_iou="
            f"{self.max_iou}; ask for fewer or smaller objects, or for larger scenes"
        )

    def _piece(self, rng: np.random.Generator) -> Piece:
        """An image of the source, scaled to some height."""
        position = int(rng.integers(len(self.labels)))
        height = int(rng.integers(self.heights[0], self.heights[1] + 1))
        patch = resize(self.images[position, 0], (height, self._width(height)))
        return Piece(position, patch, _tight_box(patch > self.threshold * patch.max()))

    def _width(self, height: int) -> int:
        """The width of a source image scaled to ``height``."""
        return max(1, round(height * self.images.shape[3] / self.images.shape[2]))

    def _place(self, rng: np.random.Generator, boxes: list[Box], width: int, height: int) -> tuple[int, int] | None:
        """A corner (left, top) where a box overlaps no other by more than ``max_iou``, all as likely, or None."""
        left, top = np.arange(self.size[1] - width + 1), np.arange(self.size[0] - height + 1)
        free = np.ones((len(top), len(left)), bool)
        for x0, y0, x1, y1 in boxes:
            across = np.maximum(np.minimum(left + width, x1) - np.maximum(left, x0), 0)
            down = np.maximum(np.minimum(top + height, y1) - np.maximum(top, y0), 0)
            areas = width * height + (x1 - x0) * (y1 - y0)  # shared / (areas − shared) ≤ max_iou, solved for shared:
            free &= down[:, None] * across <= self.max_iou / (1 + self.max_iou) * areas
        places = np.flatnonzero(free)
        if not len(places):
            return None
        row, column = divmod(int(places[rng.integers(len(places))]), len(left))
        return column, row


class DetectionScenes(Scenes):
    """Scenes of several objects: example i is ``(image (1, H, W), {"boxes": (n, 4), "labels": (n,)})``.

    Images and boxes (x₀, y₀, x₁, y₁ in pixels) are float32, labels int64.  Options and errors as in `Scenes`; batches
    need ``collate_fn=collate_detections``.

    >>> from nn.data import digits
    >>> train, test = digits(flat=False)
    >>> scenes, held_out = DetectionScenes(train, 2000), DetectionScenes(test, 500, seed=1)
    >>> image, target = scenes[0]
    >>> image.shape, target["boxes"].shape[1]
    ((1, 64, 64), 4)
    """

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        image, boxes, labels = self.draw(index)
        return Tensor._wrap(image), {"boxes": Tensor._wrap(boxes), "labels": Tensor._wrap(labels)}


class LocalizationScenes(Scenes):
    """Scenes of one object or none: example i is ``(image (1, H, W), y (5 + C,))``, both float32.

    y = [p_c, b_x, b_y, b_h, b_w, c_1 … c_C] (cheat sheet 5.2): p_c is 1 where there is an object, (b_x, b_y) its
    centre and b_h, b_w its height and width, all as parts of the image's; c is 1 for its class.  Without an object, in
    ``empty`` of the scenes, y is 0.  Other options and errors as in `Scenes`; TypeError for a ``count``.

    >>> from nn.data import digits
    >>> image, y = LocalizationScenes(digits(flat=False)[0], 100)[0]
    >>> y.shape
    (15,)
    """

    def __init__(self, source: Any, length: int = 1000, *, empty: float = 0.2, **options: Any) -> None:
        if not 0 <= empty <= 1:
            raise ValueError(f"empty must lie between 0 and 1, got {empty}")
        super().__init__(source, length, count=(0, 1), **{"heights": (16, 40), **options})
        self.empty = empty

    def _count(self, rng: np.random.Generator) -> int:
        return int(rng.random() >= self.empty)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image, boxes, labels = self.draw(index)
        y = np.zeros(CLASSES.start + self.num_classes, np.float32)
        if len(boxes):
            x0, y0, x1, y1 = boxes[0].tolist()
            height, width = self.size
            y[OBJECT] = y[CLASSES][labels[0]] = 1
            y[BOX] = (x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (y1 - y0) / height, (x1 - x0) / width
        return Tensor._wrap(image), Tensor._wrap(y)


def collate_detections(examples: list[Any]) -> tuple[Tensor, list[Any]]:
    """A batch of ``(image, target)``: the images as one Tensor ``(N, C, H, W)``, the targets as a list.

    Raises ValueError for images of different shapes.
    """
    images, targets = zip(*examples, strict=True)
    shapes = {image.shape for image in images}
    if len(shapes) > 1:
        raise ValueError(f"the images of a batch must have one shape, got {sorted(shapes)}; resize them first")
    return stack(images), list(targets)


def _images_and_labels(source: Any) -> tuple[np.ndarray, np.ndarray]:
    """The arrays of a dataset of images ``(N, 1, h, w)`` and labels ``(N,)``.  Raises ValueError for another."""
    parts = source[:] if isinstance(source, Dataset) else ()
    if len(parts) != 2:
        raise ValueError(f"source must be one dataset of images and labels, got {type(source).__name__}")
    images, labels = (np.asarray(part) for part in parts)
    if images.ndim != 4 or images.shape[1] != 1 or 0 in images.shape or labels.shape != images.shape[:1]:
        hint = " (digits have that shape with flat=False)" if images.ndim == 2 else ""
        raise ValueError(
            f"source must have images (N, 1, h, w) and labels (N,), got {images.shape} and {labels.shape}{hint}"
        )
    if not (images.min() >= 0 and images.max() <= 1):
        raise ValueError(f"the images of the source must lie in [0, 1], got {images.min()} to {images.max()}")
    if labels.dtype.kind not in "iu" or labels.min() < 0:
        raise ValueError(f"the labels of the source must be integers ≥ 0, got {labels.dtype} from {labels.min()}")
    dark = np.flatnonzero(images.reshape(len(images), -1).max(axis=1) == 0)
    if len(dark):
        raise ValueError(f"image {dark[0]} of the source is black: it has no box")
    return images, labels


def _tight_box(mask: np.ndarray) -> Box:
    """The smallest box x₀, y₀, x₁, y₁ around the true elements of ``(H, W)``, ends exclusive."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _lay(canvas: np.ndarray, patch: np.ndarray, brightness: float, left: int, top: int) -> None:
    """Lay a patch over the canvas, as opaque as it is bright; what hangs over the canvas's edges is cut off."""
    height, width = patch.shape
    y0, x0 = max(top, 0), max(left, 0)
    below = canvas[y0 : top + height, x0 : left + width]
    patch = patch[y0 - top :, x0 - left :][: below.shape[0], : below.shape[1]]
    below += (np.float32(brightness) - below) * patch
