"""How good detections are: average precision, as COCO computes it.

A prediction is a dict of an image's ``boxes`` (n, 4), in pixels (x₁, y₁, x₂, y₂), ``labels`` int (n,) and ``scores``
(n,); a target one of ``boxes`` and ``labels``, and possibly ``ignore`` bool (n,): objects that need not be found, such
as difficult ones.  Tensors, arrays or lists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from .boxes import as_numpy, box_iou

__all__ = ["COCO_THRESHOLDS", "Curve", "DetectionMetric", "Objects", "average_precision", "match"]

COCO_THRESHOLDS = tuple(n / 100 for n in range(50, 100, 5))
RECALLS = np.arange(101) / 100  # so that 7 of 10 objects reach 0.7, which np.linspace's is above

Objects = Mapping[str, Any]  # of one image


class Curve(NamedTuple):
    """Precision and recall of the detections down to each score, float64 ``(n,)`` each, by falling score."""

    precision: ndarray
    recall: ndarray
    scores: ndarray


def match(overlaps: Any, iou_threshold: float, ignore: Any = None) -> ndarray:
    """Which detections are hits, by their IoU with the objects, ``(n, m) -> int8 (n,)``: 1 a hit, 0 none, −1 ignored.

    Detections must be by falling score.  Each in turn takes, of the objects that none before has taken, the one with
    the highest IoU, of equal ones the first, if that is at least ``iou_threshold``: so each object is found once.  One
    that would find nothing else, but overlaps so much an object that is to be ignored (``ignore`` bool (m,)), does not
    count.  Source: the evaluation of COCO (Lin et al. 2014).

    >>> match([[0.9, 0.6], [0.8, 0.4], [0.7, 0.6]], 0.5)
    array([1, 0, 1], dtype=int8)
    """
    overlaps = np.asarray(overlaps)
    ignored = np.zeros(overlaps.shape[1], bool) if ignore is None else np.asarray(ignore, bool)
    found = np.zeros(len(overlaps), np.int8)
    free = ~ignored
    for i, row in enumerate(np.where(overlaps >= iou_threshold, overlaps, -1.0)):
        open_ones = np.where(free, row, -1.0)
        if len(row) and open_ones.max() >= 0:
            free[open_ones.argmax()] = False
            found[i] = 1
        elif (row[ignored] >= 0).any():
            found[i] = -1
    return found


def average_precision(precision: Any, recall: Any) -> float:
    """The mean precision at the recalls 0, 0.01, … 1: ``(n,), (n,) -> number``  (cheat sheet 5.3).

    The precision at a recall is the highest that is reached at it or a higher one, 0 if none is: COCO's interpolation
    at 101 points (Lin et al. 2014).  Both by rising recall.

    >>> round(average_precision([1, 1 / 2, 2 / 3], [1 / 2, 1 / 2, 1]) * 101, 6)  # 51 · 1 + 50 · 2/3
    84.333333
    """
    recall = np.asarray(recall, np.float64)
    highest = np.maximum.accumulate(np.asarray(precision, np.float64)[::-1])[::-1]
    at = np.searchsorted(recall, RECALLS)
    return float(np.append(highest, 0.0)[at].mean())


class DetectionMetric:
    """Average precision over many images, class by class  (cheat sheet 5.3).

    Call `update` for batches of images, then `value`.  ``classes`` is their number; ``iou_thresholds`` are the IoUs
    from which on a detection is a hit, by default COCO's 0.5, 0.55, … 0.95.  Of equal scores the first counts as the
    higher.  All detections of an image count, not only the best 100 as in COCO's own program.  Raises ValueError for
    less than one class, and for thresholds that are none or not above 0 and at most 1.

    >>> metric = DetectionMetric(classes=2)
    >>> metric.update([{"boxes": [[0, 0, 10, 10]], "labels": [1], "scores": [0.9]}],
    ...               [{"boxes": [[0, 0, 10, 8]], "labels": [1]}])
    >>> metric.value()
    {'map': 0.7, 'map_50': 1.0, 'map_75': 1.0}
    """

    def __init__(self, classes: int, iou_thresholds: Sequence[float] = COCO_THRESHOLDS) -> None:
        self.classes, self.iou_thresholds = classes, tuple(iou_thresholds)
        if classes < 1:
            raise ValueError(f"there must be at least one class, got {classes}")
        if not self.iou_thresholds or not all(0 < t <= 1 for t in self.iou_thresholds):
            raise ValueError(f"IoU thresholds must be above 0 and at most 1, got {self.iou_thresholds}")
        self.reset()

    def reset(self) -> None:
        """Forget all images."""
        self._truths = np.zeros(self.classes, np.int64)
        self._scores: list[list[ndarray]] = [[] for _ in range(self.classes)]
        self._found: list[list[ndarray]] = [[] for _ in range(self.classes)]  # (detections, thresholds) each

    def update(self, predictions: Sequence[Objects], targets: Sequence[Objects]) -> None:
        """Count images: their detections and what there was to detect.

        Raises ValueError for two numbers of images, for shapes that do not belong together, a label outside 0 to
        ``classes`` − 1, a score or a box that is NaN, and a target's box with x₂ < x₁ or y₂ < y₁; KeyError for a
        dict without one of the entries.  An error counts nothing.
        """
        if len(predictions) != len(targets):
            raise ValueError(f"there are predictions for {len(predictions)} images and targets for {len(targets)}")
        images = [
            (self._checked(f"prediction {i}", p, "scores", None), self._checked(f"target {i}", t, "ignore", False))
            for i, (p, t) in enumerate(zip(predictions, targets, strict=True))
        ]
        for prediction, target in images:
            self._count(prediction, target)

    def _count(self, prediction: tuple[ndarray, ...], target: tuple[ndarray, ...]) -> None:
        (boxes, labels, scores), (truths, classes, ignore) = prediction, target
        for label in np.union1d(labels, classes):
            own, its = labels == label, classes == label
            order = np.argsort(-scores[own], kind="stable")
            overlaps = box_iou(boxes[own][order], truths[its])
            found = [match(overlaps, threshold, ignore[its]) for threshold in self.iou_thresholds]
            self._truths[label] += np.count_nonzero(~ignore[its])
            self._scores[label].append(scores[own][order])
            self._found[label].append(np.stack(found, 1))

    def curve(self, label: int, iou_threshold: float = 0.5) -> Curve:
        """Precision and recall of a class.  Raises ValueError for an unknown class or threshold, and no objects."""
        if iou_threshold not in self.iou_thresholds:
            raise ValueError(f"the IoU threshold {iou_threshold} is none of {self.iou_thresholds}")
        if not 0 <= label < self.classes:
            raise ValueError(f"there is no class {label}, only 0 to {self.classes - 1}")
        if not self._truths[label]:
            raise ValueError(f"class {label} has no objects in the targets")
        return self._curves(label)[self.iou_thresholds.index(iou_threshold)]

    def per_class(self) -> ndarray:
        """The average precision of each class at each threshold, NaN without objects: ``(C, thresholds)``."""
        result = np.full((self.classes, len(self.iou_thresholds)), np.nan)
        for label in np.flatnonzero(self._truths).tolist():
            result[label] = [average_precision(c.precision, c.recall) for c in self._curves(label)]
        return result

    def value(self) -> dict[str, float]:
        """Means over the classes that have objects: "map" over all thresholds, "map_50" at 0.5, "map_75" at 0.75.

        Raises ValueError if no image has an object to find.
        """
        if not self._truths.any():
            raise ValueError("the targets have no object to be found: average precision is not defined")
        means = np.nanmean(self.per_class(), axis=0)
        figures = {"map": float(means.mean())}
        for threshold in (0.5, 0.75):
            if threshold in self.iou_thresholds:
                figures[f"map_{threshold * 100:.0f}"] = float(means[self.iou_thresholds.index(threshold)])
        return figures

    def _curves(self, label: int) -> list[Curve]:
        """One for each threshold."""
        scores = np.concatenate(self._scores[label])
        order = np.argsort(-scores, kind="stable")
        scores, columns = scores[order], np.concatenate(self._found[label])[order].T
        curves = []
        for found in columns:
            counted = found >= 0
            hits = np.cumsum(found[counted])
            curves.append(Curve(hits / np.arange(1, len(hits) + 1), hits / self._truths[label], scores[counted]))
        return curves

    def _checked(self, name: str, objects: Objects, third: str, default: Any) -> tuple[ndarray, ndarray, ndarray]:
        boxes, labels = as_numpy(objects["boxes"]).astype(np.float64), as_numpy(objects["labels"])
        boxes = boxes.reshape(0, 4) if not boxes.size else boxes
        n = len(boxes)
        more = as_numpy(objects[third] if default is None or third in objects else np.full(n, default))
        if boxes.shape != (n, 4) or labels.shape != (n,) or more.shape != (n,):
            raise ValueError(
                f"{name}: boxes (n, 4), labels (n,) and {third} (n,) are needed, got {boxes.shape}, {labels.shape} "
                f"and {more.shape}"
            )
        if n and labels.dtype.kind not in "iu":
            raise ValueError(f"{name}: labels must be whole numbers, got {labels.dtype}")
        strange = np.flatnonzero((labels < 0) | (labels >= self.classes))
        if len(strange):
            raise ValueError(f"{name}: label {strange[0]} is {labels[strange[0]]}, not from 0 to {self.classes - 1}")
        if np.isnan(boxes).any():
            raise ValueError(f"{name}: box {int(np.isnan(boxes).any(1).argmax())} has a coordinate that is NaN")
        reversed_ones = np.flatnonzero((boxes[:, 2:] < boxes[:, :2]).any(1))
        if third == "ignore" and len(reversed_ones):  # a network may err, the truth is then in another form
            i = int(reversed_ones[0])
            raise ValueError(f"{name}: box {i}, {boxes[i].tolist()}, ends before it begins: is it xyxy?")
        if np.isnan(more).any():
            raise ValueError(f"{name}: score {int(np.isnan(more).argmax())} is NaN, which has no order")
        return boxes, labels.astype(np.int64), more
