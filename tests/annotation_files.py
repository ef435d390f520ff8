"""Small data sets in the layouts of COCO and PASCAL VOC: three pictures, two of them with boxes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIZES = {"a": (40, 60), "b": (30, 30), "c": (20, 50)}  # height, width


def write_pictures(folder: Path, ending: str) -> dict[str, np.ndarray]:
    """Pictures of random pixels, ``(H, W, 3)`` uint8."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    written = {name: rng.integers(0, 256, (*size, 3), np.uint8) for name, size in SIZES.items()}
    for name, pixels in written.items():
        Image.fromarray(pixels).save(folder / f"{name}.{ending}")
    return written


def coco() -> dict[str, Any]:
    """The content of an annotation file: ids with gaps, categories out of order, a crowd."""
    files = zip((7, 3, 12), SIZES.items())
    return {
        "info": {"year": 2026},
        "images": [{"id": i, "file_name": f"{name}.png", "height": h, "width": w} for i, (name, (h, w)) in files],
        "annotations": [
            {"id": 101, "image_id": 7, "category_id": 18, "bbox": [10, 5, 20.5, 30], "iscrowd": 0},
            {"id": 102, "image_id": 3, "category_id": 2, "bbox": [0, 0, 30, 30]},
            {"id": 103, "image_id": 7, "category_id": 2, "bbox": [0.25, 1, 2, 3], "iscrowd": 1},
        ],
        "categories": [{"id": 18, "name": "dog"}, {"id": 2, "name": "bicycle"}],
    }


def write_coco(folder: Path, content: Any = None) -> tuple[Path, Path]:
    """Pictures and an annotation file beside them: (folder of the pictures, file)."""
    write_pictures(folder / "images", "png")
    file = folder / "instances.json"
    file.write_text(content if isinstance(content, str) else json.dumps(coco() if content is None else content))
    return folder / "images", file


def voc(name: str, objects: str = "", width: int | None = None) -> str:
    """An annotation file of VOC."""
    size = f"<width>{width or SIZES[name][1]}</width><height>{SIZES[name][0]}</height><depth>3</depth>"
    return f"<annotation><filename>{name}.bmp</filename><size>{size}</size>{objects}</annotation>"


def voc_object(name: str, box: tuple[Any, ...], difficult: int | None = None) -> str:
    corners = "".join(f"<{key}>{value}</{key}>" for key, value in zip(("xmin", "ymin", "xmax", "ymax"), box))
    flag = "" if difficult is None else f"<difficult>{difficult}</difficult>"
    return f"<object><name>{name}</name>{flag}<bndbox>{corners}</bndbox></object>"


def write_voc(root: Path, **changed: str) -> Path:
    """The three folders, with lists "train" (a, b) and "val" (c); ``changed`` texts replace files of annotations."""
    write_pictures(root / "JPEGImages", "bmp")
    for folder in ("Annotations", "ImageSets/Main"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    objects = voc_object("dog", (11, 6, 30, 35), 0) + voc_object("person", ("1.0", 1, 60, 40), 1)
    texts = {"a": voc("a", objects), "b": voc("b", voc_object("cat", (5, 5, 5, 5))), "c": voc("c"), **changed}
    for name, text in texts.items():
        (root / "Annotations" / f"{name}.xml").write_text(text)
    (root / "ImageSets/Main/train.txt").write_text("a\nb\n")
    (root / "ImageSets/Main/val.txt").write_text("c\n")
    return root
