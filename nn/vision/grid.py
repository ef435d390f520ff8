"""Objects on a grid, as a one-stage detector such as YOLO learns and predicts them.

The image is divided into cells.  The cell that holds an object's centre is responsible for it, by that of its anchors
whose shape is most like the object's.  Each anchor of each cell has one vector, in the cheat sheet's order:
``[p_c, b_x, b_y, b_h, b_w, c_1 … c_C]``, height before width.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

import autograd_lite as al
from autograd_lite import Tensor

from .anchors import anchor_iou, checked_sizes
from .boxes import as_numpy, box_convert

__all__ = ["BOX", "CLASSES", "OBJECT", "Encoded", "Grid"]

OBJECT, BOX, CLASSES = 0, slice(1, 5), slice(5, None)  # where they are in a vector

LARGEST = 10.0  # of b_h and b_w: e¹⁰ = 22,026 times the anchor
LAST = np.nextafter(np.float32(1), np.float32(0))  # the place within a cell that is nearest to its end


class Encoded(NamedTuple):
    """What `Grid.encode` makes of the objects of an image.

    ``target`` is float32 ``(rows, columns, A, 5 + C)``, 0 where there is no object.  ``moved`` are the indices of the
    objects that have not their best anchor, because another object had it before, ``dropped`` of those for which no
    anchor of their cell was free.
    """

    target: Tensor
    moved: list[int]
    dropped: list[int]


class Grid:
    """A grid of ``size`` (rows, columns) over an image of ``image_size`` (height, width)  (cheat sheet 5.2, 5.3).

    ``anchors`` ``(A, 2)`` are widths and heights in pixels, ``classes`` is the number of classes.  In a vector
    ``[p_c, b_x, b_y, b_h, b_w, c_1 … c_C]`` the centre ``b_x``, ``b_y`` is counted from the cell's top left corner in
    widths and heights of a cell, from 0 to below 1; ``b_h = ln(height / anchor's height)``, and ``b_w`` likewise
    (Redmon & Farhadi 2017).  Raises ValueError for a size or a number below 1, and for anchors of another shape or
    with a side that is not above 0.

    >>> grid = Grid((2, 2), (64, 64), [[16, 16]], classes=2)
    >>> grid.encode(al.tensor([[32.0, 8.0, 48.0, 24.0]]), al.tensor([1])).target[0, 1]
    tensor([[1.00, 0.25, 0.50, 0.00, 0.00, 0.00, 1.00]])
    """

    def __init__(self, size: tuple[int, int], image_size: tuple[int, int], anchors: Any, classes: int) -> None:
        self.size, self.image_size, self.classes = tuple(size), tuple(image_size), classes
        if min(*self.size, *self.image_size, classes) < 1:
            raise ValueError(f"a grid of {size} over an image of {image_size} with {classes} classes: all must be ≥ 1")
        self.anchors = checked_sizes("anchors", anchors)
        if not len(self.anchors):
            raise ValueError("a grid needs at least one anchor")

    def __repr__(self) -> str:
        return f"Grid({self.size}, {self.image_size}, {self.anchors.round(2).tolist()}, classes={self.classes})"

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the vectors: ``(rows, columns, A, 5 + C)``."""
        return (*self.size, len(self.anchors), 5 + self.classes)

    @property
    def cell(self) -> ndarray:
        """The width and the height of a cell in pixels: ``(2,)``."""
        return np.array(self.image_size[::-1]) / self.size[::-1]

    def encode(self, boxes: Any, labels: Any) -> Encoded:
        """The target of an image with objects in ``boxes`` (n, 4) of classes ``labels`` (n,)  (cheat sheet 5.2, 5.3).

        A centre on the border of two cells belongs to the right or lower one, on the right or lower edge of the image
        to the last one.  Of several objects in a cell the first has the first choice; the next ones get the most like
        of the anchors that are free.  Raises ValueError for a box that is without area or has its centre outside
        the image, for a label outside 0 to C − 1, and for shapes that do not belong together; TypeError for labels
        that are not whole numbers.
        """
        found, classes = self._checked(boxes, labels)
        centres = (found[:, :2] + found[:, 2:]) / 2 / self.cell
        sides = found[:, 2:] - found[:, :2]
        places = np.minimum(centres.astype(int), np.array(self.size[::-1]) - 1)
        choices = np.argsort(-anchor_iou(sides, self.anchors), axis=1, kind="stable")
        target = np.zeros(self.shape, np.float32)
        moved, dropped = [], []
        for i, (column, row) in enumerate(places):
            cell = target[row, column]
            free = [a for a in choices[i] if not cell[a, OBJECT]]
            if not free:
                dropped.append(i)
                continue
            if free[0] != choices[i, 0]:
                moved.append(i)
            b_x, b_y = np.minimum((centres[i] - places[i]).astype(np.float32), LAST)
            b_w, b_h = np.log(sides[i] / self.anchors[free[0]])
            cell[free[0], :5] = 1, b_x, b_y, b_h, b_w
            cell[free[0], 5 + classes[i]] = 1
        return Encoded(Tensor(target), moved, dropped)

    def boxes(self, vectors: Any) -> Any:
        """The boxes in pixels of vectors: ``(…, rows, columns, A, 5 + C) -> (…, rows, columns, A, 4)``.

        Differentiable: a loss of boxes can be taken through it.  A b_h or b_w above 10, some
        22,000 times the anchor, counts as 10: no prediction is infinite.  Raises ValueError for another shape.
        """
        self._check_shape(vectors)
        kind = vectors.dtype
        rows, columns = np.indices(self.size)
        corners = np.stack([columns, rows], -1)[:, :, None].astype(kind)
        centres = (vectors[..., 1:3] + corners) * self.cell.astype(kind)
        sides = al.exp(al.clamp(al.flip(vectors[..., 3:5], -1), max=LARGEST)) * self.anchors.astype(kind)
        return box_convert(al.cat([centres, sides], -1), "cxcywh", "xyxy")

    def decode(self, vectors: Any, threshold: float = 0.5) -> dict[str, Tensor]:
        """The objects in the vectors of an image, the inverse of `encode`: ``(rows, columns, A, 5 + C)`` -> a dict.

        ``boxes`` float32 ``(n, 4)``, ``labels`` int64 ``(n,)``: the most probable class, and ``scores`` ``(n,)``:
        ``p_c`` times its probability.  Objects with a score of at least ``threshold`` count, in the order of the
        cells.  A dropped object is not there.  Raises ValueError for another shape, and for a score that is NaN, which
        no threshold can judge  (cheat sheet 5.2, 5.3).
        """
        if vectors.ndim != 4:
            raise ValueError(f"vectors of one image are {self.shape}, got {tuple(vectors.shape)}")
        array = as_numpy(vectors)
        boxes, chances = self.boxes(array), array[..., CLASSES]
        scores = array[..., OBJECT] * chances.max(-1)
        if np.isnan(scores).any():
            place = tuple(np.argwhere(np.isnan(scores))[0].tolist())
            raise ValueError(f"the score at {place} (row, column, anchor) is NaN")
        chosen = scores >= threshold
        return {
            "boxes": Tensor(boxes[chosen].astype(np.float32)),
            "labels": Tensor(chances.argmax(-1)[chosen].astype(np.int64)),
            "scores": Tensor(scores[chosen].astype(np.float32)),
        }

    def _check_shape(self, vectors: Any) -> None:
        if tuple(vectors.shape[-4:]) != self.shape:
            raise ValueError(f"vectors of this grid end in the shape {self.shape}, got {tuple(vectors.shape)}")

    def _checked(self, boxes: Any, labels: Any) -> tuple[ndarray, ndarray]:
        found, classes = as_numpy(boxes).astype(np.float64), as_numpy(labels)
        if found.shape != (len(found), 4) or classes.shape != (len(found),):
            raise ValueError(f"boxes (n, 4) and labels (n,) are needed, got {found.shape} and {classes.shape}")
        if classes.dtype.kind not in "iu":
            raise TypeError(f"labels must be whole numbers, got {classes.dtype}")
        height, width = self.image_size
        centres = (found[:, :2] + found[:, 2:]) / 2
        for right, why in (
            (np.isfinite(found) & np.tile(found[:, 2:] > found[:, :2], 2), "has no area"),
            ((centres >= 0) & (centres <= (width, height)), f"has its centre outside the {width}×{height} image"),
        ):
            wrong = ~right.all(1)
            if wrong.any():
                i = int(wrong.argmax())
                raise ValueError(f"box {i}, {found[i].tolist()}, {why}")
        strange = np.flatnonzero((classes < 0) | (classes >= self.classes))
        if len(strange):
            raise ValueError(f"label {strange[0]} is {classes[strange[0]]}; there are {self.classes} classes from 0 on")
        return found, classes
