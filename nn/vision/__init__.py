"""Images with objects in them: boxes, detection on a grid, and how good it is."""

from .anchors import best_anchor, kmeans_anchors
from .boxes import (
    box_area,
    box_convert,
    box_iou,
    ciou,
    clip_boxes_to_image,
    complete_box_iou,
    complete_box_iou_loss,
    diou,
    distance_box_iou,
    distance_box_iou_loss,
    generalized_box_iou,
    generalized_box_iou_loss,
    giou,
    iou,
    remove_small_boxes,
)
from .drawing import draw_scenes, show_anchors, show_boxes, show_grid, show_image, show_points
from .grid import Grid
from .metrics import DetectionMetric
from .nms import batched_nms, nms, soft_nms

__all__ = [
    "DetectionMetric", "Grid", "batched_nms", "best_anchor", "box_area", "box_convert", "box_iou", "ciou",
    "clip_boxes_to_image", "complete_box_iou", "complete_box_iou_loss", "diou", "distance_box_iou",
    "distance_box_iou_loss", "draw_scenes", "generalized_box_iou", "generalized_box_iou_loss", "giou", "iou",
    "kmeans_anchors", "nms", "remove_small_boxes", "show_anchors", "show_boxes", "show_grid", "show_image",
    "show_points", "soft_nms",
]  # fmt: skip
