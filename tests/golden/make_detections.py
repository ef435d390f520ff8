"""Make detections.npz: random detections, and the average precision that COCO's own program gives them.

Run where pycocotools is installed, from the project's root: ``python tests/golden/make_detections.py``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

# Objects of the classes.  Where a recall is a hundredth, COCO's program compares rounded numbers: 7 / 10 is below its
# 0.7.  With these a recall is a hundredth only at 0 and 1.
OBJECTS = 31, 37, 29
IMAGES = 12


def make_objects(rng: np.random.Generator) -> list[np.ndarray]:
    """Image, class and box of each object; image, class, score and box of each detection."""
    labels = np.repeat(np.arange(3), OBJECTS)
    images = rng.integers(0, IMAGES, len(labels))
    corners = rng.uniform(0, 60, (len(labels), 2))
    boxes = np.concatenate([corners, corners + rng.uniform(10, 40, (len(labels), 2))], 1)
    near = rng.integers(0, len(labels), 2 * len(labels))  # some objects are detected several times, some never
    moved = boxes[near] + rng.normal(size=(len(near), 4)) * rng.choice([0.3, 2, 15], (len(near), 1))
    moved[:, 2:] = np.maximum(moved[:, 2:], moved[:, :2] + 1)
    wrong = rng.random(len(near)) < 0.1
    found_labels = np.where(wrong, rng.integers(0, 3, len(near)), labels[near])
    return [images, labels, boxes, images[near], found_labels, (rng.random(len(near)) * 20).round() / 20, moved]


def entries(images: np.ndarray, labels: np.ndarray, boxes: np.ndarray, **more: np.ndarray) -> list[dict]:
    rows = []
    for i, (image, label, (x1, y1, x2, y2)) in enumerate(zip(images, labels, boxes.tolist(), strict=True)):
        width, height = x2 - x1, y2 - y1
        row = {"id": i + 1, "image_id": int(image) + 1, "category_id": int(label) + 1, "iscrowd": 0}
        row |= {"bbox": [x1, y1, width, height], "area": width * height}
        rows.append(row | {name: float(values[i]) for name, values in more.items()})
    return rows


def main() -> None:
    """Write the file."""
    images, labels, boxes, found_images, found_labels, scores, found = make_objects(np.random.default_rng(0))
    truth = COCO()
    truth.dataset = {
        "images": [{"id": i + 1} for i in range(IMAGES)], "annotations": entries(images, labels, boxes),
        "categories": [{"id": i + 1} for i in range(3)],
    }  # fmt: skip
    truth.createIndex()
    evaluation = COCOeval(truth, truth.loadRes(entries(found_images, found_labels, found, score=scores)), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, :, 0, -1]  # thresholds, recalls, classes
    np.savez_compressed(
        Path(__file__).parent / "detections.npz", images=images, labels=labels, boxes=boxes, found_images=found_images,
        found_labels=found_labels, scores=scores, found=found, average_precision=precision.mean(1).T,
    )  # fmt: skip


if __name__ == "__main__":
    main()
