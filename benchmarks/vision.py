"""Non-max suppression, against the same in vectorised NumPy."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from nn import vision

from .harness import OURS, Case, Step

BOXES, THRESHOLD = 10_000, 0.5


def _detections(objects: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Boxes and scores in an image of 1,000 × 1,000 pixels: scattered, or as a detector has them, around objects."""
    rng = np.random.default_rng(0)
    if objects is None:
        centres, sides = rng.uniform(0, 1000, (BOXES, 2)), rng.uniform(20, 120, (BOXES, 2))
    else:
        own = rng.integers(0, objects, BOXES)
        centres = rng.uniform(0, 1000, (objects, 2))[own] + rng.normal(scale=5, size=(BOXES, 2))
        sides = rng.uniform(30, 100, (objects, 2))[own] * rng.uniform(0.8, 1.25, (BOXES, 2))
    boxes = np.concatenate([centres - sides / 2, centres + sides / 2], 1).astype(np.float32)
    return boxes, rng.random(BOXES, np.float32)


def nms_in_numpy(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> np.ndarray:
    """The usual program: the best box against all that are left, in one go."""
    x1, y1, x2, y2 = boxes.T
    area = (x2 - x1) * (y2 - y1)
    order = np.argsort(-scores, kind="stable")
    kept = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        width = np.minimum(x2[best], x2[order]) - np.maximum(x1[best], x1[order])
        height = np.minimum(y2[best], y2[order]) - np.maximum(y1[best], y1[order])
        both = np.maximum(width, 0) * np.maximum(height, 0)
        order = order[both / (area[best] + area[order] - both) <= threshold]
    return np.array(kept)


def _nms(name: str, objects: int | None) -> Step:
    boxes, scores = _detections(objects)
    if name == OURS:
        return lambda: vision.nms(boxes, scores, THRESHOLD)
    return lambda: nms_in_numpy(boxes, scores, THRESHOLD)


def cases() -> list[Case]:
    """The cases of this subject."""
    rows = []
    for objects, where in ((100, "around 100 objects"), (None, "scattered")):
        makers: dict[str, Callable[[], Step]] = {name: partial(_nms, name, objects) for name in (OURS, "numpy")}
        rows.append(Case(f"nms of {BOXES:,} boxes, {where}", "ms", makers, goal=0.5, against="numpy"))
    return rows
