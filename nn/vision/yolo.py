"""YOLO: all objects of an image by one look at it  (cheat sheet 5.1, 5.3; Redmon et al. 2016, Redmon & Farhadi 2017).

A convolutional network reduces the image to a grid of cells.  For each anchor of each cell it gives one vector ``[p_c,
b_x, b_y, b_h, b_w, c_1 … c_C]``, see `Grid`, and what of these is probable and not suppressed by something more
probable is an object.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

import autograd_lite as al
from autograd_lite import Tensor, no_grad

from .. import functional as F
from ..checks import check_at_least_zero
from ..layers.conv import Conv2d
from ..module import Module
from ..utils import evaluating
from .backbone import Backbone
from .boxes import box_area, clip_boxes_to_image, complete_box_iou_loss
from .grid import CLASSES, OBJECT, Grid
from .nms import batched_nms

__all__ = ["YOLO", "YOLOLoss", "find_objects", "yolo_vectors"]

Detections = dict[str, Tensor]  # "boxes" (n, 4) xyxy in pixels, "labels" (n,), "scores" (n,), the highest first

RARE = 0.01  # how probable an object is to an untrained network, in one anchor of one cell


class YOLO(Module):
    """A small fully convolutional detector: ``(N, C, H, W) -> (N, H/s, W/s, A, 5 + classes)``  (cheat sheet 5.1, 5.3).

    ``anchors`` ``(A, 2)`` are widths and heights in pixels, from `kmeans_anchors`.  A `Backbone` of ``filters``, of
    which the first ``pools`` halve the image, so that a cell has s = 2^pools pixels, is followed by a 1×1 convolution.
    The output is raw, see `yolo_vectors`.  An untrained network takes every object for improbable: most cells are empty
    (Lin et al. 2017).  Raises ValueError for anchors of another shape or with a side that is not above 0, and for fewer
    than 1 class.

    >>> model = YOLO([[16.0, 24.0], [24.0, 24.0]], classes=10)
    >>> model(al.zeros(1, 1, 64, 48)).shape
    (1, 8, 6, 2, 15)
    """

    def __init__(
        self, anchors: Any, classes: int = 10, channels: int = 1, filters: Sequence[int] = (16, 32, 64, 64, 64),
        pools: int = 3, *, generator: Any = None,
    ) -> None:  # fmt: skip
        self.classes, self.stride = classes, 2**pools
        self.register_buffer("anchors", al.tensor(np.asarray(anchors, np.float32)))
        self.grid((self.stride, self.stride))  # refuses anchors and classes that are impossible
        self.body = Backbone(channels, filters, pools, generator=generator)
        outputs = CLASSES.start + classes
        self.head = Conv2d(filters[-1], len(self.anchors) * outputs, 1, generator=generator)
        with no_grad():
            self.head.get_parameter("bias").reshape(-1, outputs)[:, OBJECT] = math.log(RARE / (1 - RARE))

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != 4 or x.shape[2] % self.stride or x.shape[3] % self.stride:
            raise ValueError(f"images must be (N, C, H, W), sides multiples of {self.stride}, got {x.shape}")
        raw = self.head(self.body(x))
        n, _, rows, columns = raw.shape
        return raw.reshape(n, len(self.anchors), CLASSES.start + self.classes, rows, columns).permute(0, 3, 4, 1, 2)

    def grid(self, size: tuple[int, int]) -> Grid:
        """The grid over an image of ``size`` (H, W), which are multiples of the stride."""
        height, width = size
        return Grid((height // self.stride, width // self.stride), (height, width), self.anchors, self.classes)

    def predict(self, images: Any, threshold: float = 0.3, iou_threshold: float = 0.45) -> list[Detections]:
        """The objects in images of any size ``(N, C, H, W)``: for each a dict, see `find_objects`.

        The network being convolutional, images may be larger or smaller than those that it has learnt from; one whose
        sides are not multiples of the stride is continued to the right and below by its last pixels, and what is found
        there alone does not count.  Whatever mode the network is in, it predicts as in evaluation.  Raises ValueError
        for another shape, and TypeError for whole numbers: grey values are floating, in [0, 1].
        """
        x = al.as_tensor(images)
        if x.dtype.kind != "f":
            raise TypeError(f"images must be floating, in [0, 1], got {x.dtype}; divide bytes by 255")
        height, width = x.shape[-2:]
        right, below = -width % self.stride, -height % self.stride
        padded = F.pad(x, (0, right, 0, below), "replicate") if right or below else x
        with evaluating(self):
            raw = self(padded)
        found = []
        for one in find_objects(raw, self.grid((height + below, width + right)), threshold, iou_threshold):
            boxes = clip_boxes_to_image(one["boxes"], (height, width))
            inside = box_area(boxes) > 0  # what was found only in the continuation is not in the image
            found.append({name: values[inside] for name, values in {**one, "boxes": boxes}.items()})
        return found

    def extra_repr(self) -> str:
        anchors = ", ".join([f"{w:.3g}×{h:.3g}" for w, h in self.anchors.numpy().tolist()])
        return f"anchors={anchors}, classes={self.classes}"


def yolo_vectors(raw: Tensor) -> Tensor:
    """The vectors that raw outputs stand for: ``(…, 5 + C) -> (…, 5 + C)``  (cheat sheet 5.2, 5.3).

    p_c and the place within the cell, b_x and b_y, are sigmoids of the raw outputs, c_1 … c_C their softmax; b_h and
    b_w, logarithms of a size relative to the anchor's, are the raw outputs  (Redmon & Farhadi 2017).
    """
    return al.cat([F.sigmoid(raw[..., :3]), raw[..., 3:5], F.softmax(raw[..., CLASSES], -1)], -1)


def find_objects(raw: Tensor, grid: Grid, threshold: float = 0.3, iou_threshold: float = 0.45) -> list[Detections]:
    """The objects in raw outputs ``(N, rows, columns, A, 5 + C)``, for each image a dict  (cheat sheet 5.3).

    "boxes" are float32 ``(n, 4)``, xyxy in pixels, "labels" int64 ``(n,)``, "scores" float32 ``(n,)``: p_c times the
    probability of the class, from ``threshold`` on, the highest first.  Of boxes of one class with an IoU above
    ``iou_threshold`` the one with the highest score stays.  Raises ValueError for outputs that are NaN.
    """
    found = []
    with no_grad():
        for vectors in yolo_vectors(raw):
            one = grid.decode(vectors, threshold)
            kept = batched_nms(one["boxes"], one["scores"], one["labels"], iou_threshold)
            found.append({name: values[kept] for name, values in one.items()})
    return found


class YOLOLoss(Module):
    """The loss of raw outputs and targets ``(N, rows, columns, A, 5 + C)``: a sum over each image, the mean of all.

    Where the target says that an anchor is responsible for an object, ``object_weight BCE(p_c) + box_weight (1 − CIoU)
    + class_weight CE(c)`` of it; elsewhere ``empty_weight BCE(p_c)``: boxes and classes of empty cells do not count
    (cheat sheet 5.2, 5.3).  The idea, and ½ for the many empty anchors, are Redmon's (2016), who squares differences of
    centres and sizes; CIoU is what the detections are judged by.  Raises ValueError for shapes other than the grid's,
    a p_c of the target other than 0 and 1, and a negative weight.
    """

    def __init__(
        self, grid: Grid, object_weight: float = 1.0, empty_weight: float = 0.5, box_weight: float = 2.0,
        class_weight: float = 1.0,
    ) -> None:  # fmt: skip
        weights = {"object_weight": object_weight, "empty_weight": empty_weight, "box_weight": box_weight,
                   "class_weight": class_weight}  # fmt: skip
        check_at_least_zero(weights, *weights)
        self.grid, self.object_weight, self.empty_weight = grid, object_weight, empty_weight
        self.box_weight, self.class_weight = box_weight, class_weight

    def forward(self, raw: Tensor, target: Tensor) -> Tensor:
        if raw.shape != target.shape or raw.shape[1:] != self.grid.shape:
            shape = ", ".join(map(str, self.grid.shape))
            raise ValueError(f"outputs and targets must both be (N, {shape}), got {raw.shape} and {target.shape}")
        p_c = target.numpy()[..., OBJECT]
        wrong = p_c[(p_c != 0) & (p_c != 1)]
        if len(wrong):
            raise ValueError(f"a target's p_c is 0 or 1, got {wrong[0]}")
        weights = np.where(p_c == 1, self.object_weight, self.empty_weight).astype(p_c.dtype)
        loss = F.binary_cross_entropy_with_logits(raw[..., OBJECT], target[..., OBJECT], weights, reduction="sum")
        where = np.nonzero(p_c)
        if len(where[0]):
            found, true = raw[where], target[where]
            vectors = al.cat([F.sigmoid(raw[..., :3]), raw[..., 3:]], -1)
            vectors = al.where(p_c[..., None] == 1, vectors, target)  # a size that nobody asks for may overflow
            costs = complete_box_iou_loss(self.grid.boxes(vectors)[where], self.grid.boxes(target)[where], "sum")
            label = F.cross_entropy(found[:, CLASSES], true[:, CLASSES].argmax(1), reduction="sum")
            loss = loss + self.box_weight * costs + self.class_weight * label
        return loss / len(raw)

    def extra_repr(self) -> str:
        return (f"{self.grid}, object_weight={self.object_weight}, empty_weight={self.empty_weight}, "
                f"box_weight={self.box_weight}, class_weight={self.class_weight}")  # fmt: skip
