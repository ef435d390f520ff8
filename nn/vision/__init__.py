"""Vision: data with boxes and landmarks."""

from .annotations import CocoDetection, VOCDetection
from .faces import LANDMARKS, SyntheticFaces
from .folder import ImageFolder
from .images import Resize, read_image, resize
from .scenes import DetectionScenes, LocalizationScenes, Scenes, collate_detections

__all__ = [
    "LANDMARKS", "CocoDetection", "DetectionScenes", "ImageFolder", "LocalizationScenes", "Resize", "Scenes",
    "SyntheticFaces", "VOCDetection", "collate_detections", "read_image", "resize",
]  # fmt: skip
