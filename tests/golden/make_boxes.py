"""Make boxes.npz: what torchvision gives for boxes: areas, overlaps, losses with gradients.

Run where torchvision is installed, from the project's root: ``python tests/golden/make_boxes.py``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torchvision import ops


def make_boxes(rng: np.random.Generator, n: int) -> np.ndarray:
    """Overlapping boxes in an image of 100×100 pixels."""
    corners = rng.uniform(0, 60, (n, 2))
    return np.concatenate([corners, corners + rng.uniform(10, 40, (n, 2))], 1)


def main() -> None:
    """Write the file."""
    rng = np.random.default_rng(0)
    first, second = make_boxes(rng, 12), make_boxes(rng, 12)
    stored = {"first": first, "second": second}
    a, b = torch.tensor(first), torch.tensor(second)
    for name in ("box_iou", "generalized_box_iou", "distance_box_iou", "complete_box_iou"):
        stored[name] = getattr(ops, name)(a, b).numpy()
    for name in ("generalized_box_iou_loss", "distance_box_iou_loss", "complete_box_iou_loss"):
        x = a.clone().requires_grad_()
        loss = getattr(ops, name)(x, b)
        loss.sum().backward()
        stored[name], stored[f"{name}-grad"] = loss.detach().numpy(), x.grad.numpy()
    for fmt in ("xywh", "cxcywh"):
        stored[fmt] = ops.box_convert(a, "xyxy", fmt).numpy()
    stored["area"] = ops.box_area(a).numpy()
    stored["clipped"] = ops.clip_boxes_to_image(a - 10, (50, 70)).numpy()
    stored["large"] = ops.remove_small_boxes(a, 25).numpy()
    np.savez_compressed(Path(__file__).parent / "boxes.npz", **stored)


if __name__ == "__main__":
    main()
