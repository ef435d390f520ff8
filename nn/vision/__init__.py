"""Vision: data with boxes and landmarks."""

from .images import resize
from .scenes import DetectionScenes, LocalizationScenes, Scenes, collate_detections

__all__ = ["DetectionScenes", "LocalizationScenes", "Scenes", "collate_detections", "resize"]
