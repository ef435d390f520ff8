"""Vision: boxes and grids, data, networks that classify, locate and detect, and how good they are."""

from .anchors import best_anchor, kmeans_anchors
from .annotations import CocoDetection, VOCDetection
from .backbone import Backbone
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
from .faces import LANDMARKS, SyntheticFaces
from .folder import ImageFolder
from .grid import Grid
from .images import Resize, read_image, resize
from .landmarks import LandmarkLoss, LandmarkNet, landmark_target, normalized_mean_error, visibility_accuracy
from .localization import (
    LocalizationLoss,
    LocalizationNet,
    class_accuracy,
    localization_boxes,
    localization_iou,
    localization_vectors,
    presence_accuracy,
)
from .metrics import DetectionMetric
from .nms import batched_nms, nms, soft_nms
from .scenes import DetectionScenes, LocalizationScenes, Scenes, collate_detections
from .yolo import YOLO, YOLOLoss, find_objects, yolo_vectors

__all__ = [
    "LANDMARKS", "YOLO", "Backbone", "CocoDetection", "DetectionMetric", "DetectionScenes", "Grid", "ImageFolder",
    "LandmarkLoss", "LandmarkNet", "LocalizationLoss", "LocalizationNet", "LocalizationScenes", "Resize", "Scenes",
    "SyntheticFaces", "VOCDetection", "YOLOLoss", "batched_nms", "best_anchor", "box_area", "box_convert", "box_iou",
    "ciou", "class_accuracy", "clip_boxes_to_image", "collate_detections", "complete_box_iou", "complete_box_iou_loss",
    "diou", "distance_box_iou", "distance_box_iou_loss", "draw_scenes", "find_objects", "generalized_box_iou",
    "generalized_box_iou_loss", "giou", "iou", "kmeans_anchors", "landmark_target", "localization_boxes",
    "localization_iou", "localization_vectors", "nms", "normalized_mean_error", "presence_accuracy", "read_image",
    "remove_small_boxes", "resize", "show_anchors", "show_boxes", "show_grid", "show_image", "show_points", "soft_nms",
    "visibility_accuracy", "yolo_vectors",
]  # fmt: skip
