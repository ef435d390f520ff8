"""The readers of COCO and PASCAL VOC annotations: what they read, and every kind of bad data one by one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from annotation_files import coco, voc, voc_object, write_coco, write_pictures, write_voc

from nn.data import DataError, DataLoader
from nn.vision import CocoDetection, Resize, VOCDetection, collate_detections

# -- COCO -------------------------------------------------------------------------------------------------------------


def test_coco(tmp_path: Path) -> None:
    data = CocoDetection(*write_coco(tmp_path))
    assert (len(data), data.classes, data.category_ids, data.skipped) == (3, ("bicycle", "dog"), [2, 18], [])
    image, target = data[0]
    pixels = write_pictures(tmp_path / "again", "png")["a"]
    np.testing.assert_array_equal(image.numpy(), pixels.transpose(2, 0, 1) / np.float32(255))
    assert (image.dtype, target["boxes"].dtype, target["labels"].dtype) == (np.float32, np.float32, np.int64)
    assert target["boxes"].tolist() == [[10, 5, 30.5, 35], [0.25, 1, 2.25, 4]]
    assert target["labels"].tolist() == [1, 0]
    assert target["ignore"].tolist() == [False, True]
    assert [data[i][1]["image_id"] for i in range(3)] == [7, 3, 12]
    assert "3 images, 2 classes" in repr(data)


def test_coco_image_without_boxes(tmp_path: Path) -> None:
    image, target = CocoDetection(*write_coco(tmp_path), mode="L")[2]
    assert image.shape == (1, 20, 50)
    assert target["boxes"].shape == (0, 4)
    assert (target["labels"].shape, target["labels"].dtype) == ((0,), np.int64)


def test_transforms_and_batches(tmp_path: Path) -> None:
    data = CocoDetection(*write_coco(tmp_path), Resize((32, 32)))
    images, targets = next(iter(DataLoader(data, 3, collate_fn=collate_detections)))
    assert images.shape == (3, 3, 32, 32)
    assert targets[1]["boxes"].tolist() == [[0, 0, 32, 32]]
    np.testing.assert_allclose(targets[0]["boxes"].numpy()[0], [16 / 3, 4, 30.5 * 32 / 60, 28], rtol=1e-6)
    assert targets[0]["boxes"].dtype == np.float32
    assert targets[0]["image_id"] == 7


def _coco_with(**changes: Any) -> dict[str, Any]:
    """COCO's content with annotation 102 changed; a value of None takes the entry away."""
    content = coco()
    _update(content["annotations"][1], changes)
    return content


def _update(record: dict[str, Any], changes: dict[str, Any]) -> None:
    record.update(changes)
    for key in [key for key, value in record.items() if value is None]:
        del record[key]


BAD_ANNOTATIONS = [
    ({"bbox": [5, 5, 30, 5]}, r"annotation 102: the box from \(5, 5\) to \(35, 10\) leaves .* 30 wide and 30 high"),
    ({"bbox": [5, -1, 3, 5]}, r"annotation 102: the box from \(5, -1\) to \(8, 4\) leaves its image"),
    ({"bbox": [5, 5, 0, 9]}, r"annotation 102: the box from \(5, 5\) to \(5, 14\) has no area"),
    ({"bbox": [5, 5, 9, -2]}, r"annotation 102: the box .* has no area"),
    ({"bbox": [30.1, 5, 0.2, 5]}, r"annotation 102: the box .* has no area"),
    ({"bbox": [29.99999999, 5, 0.4, 5]}, r"annotation 102: the box .* has no area"),  # cut off, in float32
    ({"iscrowd": "0"}, r"annotation 102: iscrowd is '0' instead of 0 or 1"),
    ({"bbox": [5, 5, float("nan"), 9]}, r"annotation 102: bbox is \[5, 5, nan, 9\] instead of four finite numbers"),
    ({"bbox": [5, 5, "9", 9]}, r"annotation 102: bbox is \[5, 5, '9', 9\]"),
    ({"bbox": [5, 5, 9]}, r"annotation 102: bbox is \[5, 5, 9\]"),
    ({"bbox": None}, r"annotation 102: bbox is None"),
    ({"category_id": 5}, r"annotation 102: there is no category 5; the file has \[2, 18\]"),
    ({"category_id": [2]}, r"annotation 102 has category_id \[2\]"),
    ({"image_id": 8}, r"annotation 102: there is no image 8"),
    ({"image_id": None}, r"annotation 102 has no image_id"),
    ({"id": None}, r"annotation \{'image_id': 3, .* has no id"),
]


@pytest.mark.parametrize(("changes", "message"), BAD_ANNOTATIONS)
def test_coco_bad_annotation(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    paths = write_coco(tmp_path, _coco_with(**changes))
    with pytest.raises(DataError, match=r"instances\.json: " + message):
        CocoDetection(*paths)
    with pytest.warns(UserWarning, match=r"1 left out as bad; the first: .*instances\.json: " + message):
        data = CocoDetection(*paths, bad="skip")
    assert len(data.skipped) == 1
    assert re.search(message, data.skipped[0])
    assert [len(data[i][1]["boxes"]) for i in range(3)] == [2, 0, 0]
    assert "1 left out as bad" in repr(data)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"file_name": "z.png"}, r"images/z\.png: there is no such file"),
        ({"height": 31}, r"b\.png: is 30 × 30 pixels, .*instances\.json: image 3 says 30 × 31"),
        ({"file_name": "../../b.png"}, r"instances\.json: image 3: the name '\.\./\.\./b\.png' leads out of .*images"),
        ({"file_name": "/etc/passwd"}, r"instances\.json: image 3: the name '/etc/passwd' leads out of"),
        ({"width": "30"}, r"instances\.json: image 3 has width '30'"),
        ({"file_name": None}, r"instances\.json: image 3 has no file_name"),
    ],
)
def test_coco_bad_image(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    content = coco()
    _update(content["images"][1], changes)
    paths = write_coco(tmp_path, content)
    with pytest.raises(DataError, match=message):
        CocoDetection(*paths)
    with pytest.warns(UserWarning, match="1 left out"):
        data = CocoDetection(*paths, bad="skip")
    assert [target["image_id"] for _, target in data] == [7, 12]


def test_coco_image_twice(tmp_path: Path) -> None:
    content = coco()
    content["images"].append({**content["images"][1], "width": 99})
    with pytest.raises(DataError, match=r"instances\.json: image 3 is there twice"):
        CocoDetection(*write_coco(tmp_path, content))
    with pytest.warns(UserWarning, match="1 left out"):
        data = CocoDetection(*write_coco(tmp_path, content), bad="skip")
    assert len(data[1][1]["boxes"]) == 1


def test_a_box_may_pass_the_edge_by_rounding(tmp_path: Path) -> None:
    data = CocoDetection(*write_coco(tmp_path, _coco_with(bbox=[-0.4, 0, 30.8, 30.25])))
    assert data[1][1]["boxes"].tolist() == [[0, 0, 30, 30]]
    with pytest.raises(DataError, match=r"\(0, 0\) to \(30\.6, 30\) leaves"):
        CocoDetection(*write_coco(tmp_path, _coco_with(bbox=[0, 0, 30.6, 30])))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"instances\.json: is not JSON: "),
        ("[" * 100_000, r"instances\.json: is not JSON: "),
        ("[]", r"instances\.json: is not an annotation file of COCO: it has no list of images"),
        ('{"images": [], "annotations": {}}', r"no list of annotations"),
        ('{"images": [], "annotations": [], "categories": [3]}', r"no list of categories"),
        ('{"images": [], "annotations": [], "categories": [{"id": 3}]}', r"category 3 has no name"),
        (json.dumps({**coco(), "categories": [{"id": 2, "name": "a"}] * 2}), r"two categories have .* \[2\]"),
    ],
)
@pytest.mark.parametrize("bad", ["raise", "skip"])
def test_coco_damaged_file(tmp_path: Path, text: str, message: str, bad: str) -> None:
    with pytest.raises(DataError, match=message):
        CocoDetection(*write_coco(tmp_path, text), bad=bad)


def test_coco_missing(tmp_path: Path) -> None:
    folder, file = write_coco(tmp_path)
    with pytest.raises(DataError, match=r"nothing: there is no such folder"):
        CocoDetection(tmp_path / "nothing", file)
    with pytest.raises(DataError, match=r"nothing\.json: there is no such file"):
        CocoDetection(folder, tmp_path / "nothing.json")
    with pytest.raises(ValueError, match=r'bad must be "raise" or "skip", got \'ignore\''):
        CocoDetection(folder, file, bad="ignore")
    with pytest.raises(ValueError, match=r"mode must be one of L, RGB, got 'CMYK'"):
        CocoDetection(folder, file, mode="CMYK")


def test_a_picture_that_changes_later(tmp_path: Path) -> None:
    folder, file = write_coco(tmp_path)
    data = CocoDetection(folder, file)
    (folder / "a.png").write_bytes((folder / "b.png").read_bytes())
    with pytest.raises(DataError, match=r"a\.png: is 30 × 30 pixels, annotated as 60 × 40"):
        data[0]
    (folder / "b.png").unlink()
    with pytest.raises(DataError, match=r"b\.png: there is no such file"):
        data[1]


# -- PASCAL VOC -------------------------------------------------------------------------------------------------------


def test_voc(tmp_path: Path) -> None:
    data = VOCDetection(write_voc(tmp_path))
    assert (len(data), len(data.classes)) == (3, 20)
    image, target = data[0]
    assert image.shape == (3, 40, 60)
    assert target["boxes"].tolist() == [[10, 5, 30, 35], [0, 0, 60, 40]]
    assert [data.classes[label] for label in target["labels"].tolist()] == ["dog", "person"]
    assert target["ignore"].tolist() == [False, True]
    assert data[1][1]["boxes"].tolist() == [[4, 4, 5, 5]]  # one pixel
    assert data[2][1]["boxes"].shape == (0, 4)
    assert [target["image_id"] for _, target in data] == ["a", "b", "c"]


def test_voc_image_sets_and_classes(tmp_path: Path) -> None:
    root = write_voc(tmp_path)
    assert [target["image_id"] for _, target in VOCDetection(root, "train")] == ["a", "b"]
    assert [target["image_id"] for _, target in VOCDetection(root, "val")] == ["c"]
    assert VOCDetection(root, classes=["person", "cat", "dog"])[0][1]["labels"].tolist() == [2, 0]
    with pytest.raises(DataError, match=r"ImageSets/Main/test\.txt: there is no such file"):
        VOCDetection(root, "test")


@pytest.mark.parametrize(
    ("element", "message"),
    [
        (voc_object("dgo", (1, 1, 5, 5)), r"'dgo' is not one of the classes aeroplane, "),
        (
            voc_object("dog", (0, 1, 5, 5)),
            r"the box from \(-1, 0\) to \(5, 5\) leaves its image, .* 30 wide and 30 high",
        ),
        (voc_object("dog", (1, 1, 31, 5)), r"the box from \(0, 0\) to \(31, 5\) leaves"),
        (voc_object("dog", (6, 1, 5, 5)), r"the box from \(5, 0\) to \(5, 5\) has no area"),
        (voc_object("dog", (1, 1, "five", 5)), r"bndbox/xmax is 'five' instead of a finite number"),
        (voc_object("dog", (1, 1, "nan", 5)), r"bndbox/xmax is 'nan'"),
        (voc_object("dog", (1, 1, 5)), r"has no bndbox/ymax"),
        (voc_object("dog", (1, 1, 5, 5), 2), r"difficult is '2' instead of 0 or 1"),
        ("<object><bndbox/></object>", r"has no name"),
    ],
)
def test_voc_bad_object(tmp_path: Path, element: str, message: str) -> None:
    root = write_voc(tmp_path, b=voc("b", voc_object("cat", (1, 1, 4, 4)) + element))
    with pytest.raises(DataError, match=r"Annotations/b\.xml: object 2: " + message):
        VOCDetection(root)
    with pytest.warns(UserWarning, match=r"1 left out as bad; the first: .*b\.xml: object 2: " + message):
        data = VOCDetection(root, bad="skip")
    assert [len(target["boxes"]) for _, target in data] == [2, 1, 0]


LAUGHS = '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;">]>' + voc("b", voc_object("&c;", (1, 1, 4, 4)))
READS = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]>' + voc("b", voc_object("&b;", (1, 1, 4, 4)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<annotation>", r"Annotations/b\.xml: is not XML: no element found"),
        (b"", r"Annotations/b\.xml: is not XML: "),
        (b"<html/>", r"Annotations/b\.xml: is not an annotation of VOC: it begins with <html>"),
        (LAUGHS.encode(), r"Annotations/b\.xml: has a DOCTYPE"),
        (READS.encode(), r"Annotations/b\.xml: has a DOCTYPE"),
        (LAUGHS.encode("utf-16"), r"Annotations/b\.xml: is not UTF-8"),
        (('<?xml version="1.0" encoding="cp037"?>' + LAUGHS).encode("cp037"), r"Annotations/b\.xml: is not"),
        (voc("b", voc_object("&b;", (1, 1, 4, 4))).encode(), r"Annotations/b\.xml: is not XML: undefined entity"),
        (voc("b", width=31).encode(), r"b\.bmp: is 30 × 30 pixels, .*b\.xml says 31 × 30"),
        (voc("b").replace("<width>30", "<width>x").encode(), r"b\.xml: size/width is 'x' instead of a finite number"),
        (voc("b").replace("size>", "sz>").encode(), r"b\.xml: has no size/height"),
        (voc("b").replace("b.bmp", "z.bmp").encode(), r"JPEGImages/z\.bmp: there is no such file"),
        (voc("b").replace("b.bmp", "../b.bmp").encode(), r"b\.xml: the name '\.\./b\.bmp' leads out of"),
    ],
)
def test_voc_bad_file(tmp_path: Path, content: bytes, message: str) -> None:
    root = write_voc(tmp_path)
    (root / "Annotations" / "b.xml").write_bytes(content)
    with pytest.raises(DataError, match=message):
        VOCDetection(root)
    with pytest.warns(UserWarning, match=r"1 left out as bad; the first: "):
        data = VOCDetection(root, bad="skip")
    assert re.search(message, data.skipped[0])
    assert [target["image_id"] for _, target in data] == ["a", "c"]


def test_voc_with_a_byte_order_mark(tmp_path: Path) -> None:
    root = write_voc(tmp_path)
    (root / "Annotations" / "b.xml").write_bytes(b"\xef\xbb\xbf" + voc("b").encode())
    assert len(VOCDetection(root)) == 3


def test_voc_missing(tmp_path: Path) -> None:
    root = write_voc(tmp_path / "voc")
    (root / "ImageSets/Main/train.txt").write_text("a\nnothing\n")
    with pytest.raises(DataError, match=r"Annotations/nothing\.xml: there is no such file"):
        VOCDetection(root, "train")
    (root / "ImageSets/Main/train.txt").write_text("../a\n")
    with pytest.raises(DataError, match=r"leads out of .*Annotations"):
        VOCDetection(root, "train")
    with pytest.raises(DataError, match=r"nothing: there is no such folder"):
        VOCDetection(tmp_path / "nothing")
    with pytest.raises(DataError, match=r"Annotations: has no annotations \(\.xml\)"):
        VOCDetection(tmp_path)


# -- both -------------------------------------------------------------------------------------------------------------


def _open_coco(folder: Path, bad: str) -> CocoDetection:
    content = coco()
    content["annotations"][0]["bbox"] = [0, 0, 0, 0]
    content["annotations"][1]["category_id"] = 99
    return CocoDetection(*write_coco(folder, json.loads(json.dumps(content))), bad=bad)


def _open_voc(folder: Path, bad: str) -> VOCDetection:
    objects = voc_object("dog", (9, 9, 1, 1)), voc_object("dgo", (1, 1, 9, 9))
    return VOCDetection(write_voc(folder, a=voc("a", objects[0]), b=voc("b", objects[1])), bad=bad)


@pytest.mark.parametrize("opened", [_open_coco, _open_voc])
def test_all_that_is_left_out_is_counted(tmp_path: Path, opened: Callable[[Path, str], Any]) -> None:
    with pytest.warns(UserWarning, match=r"2 left out as bad; the first: .*has no area"):
        data = opened(tmp_path, "skip")
    assert len(data.skipped) == 2
    with pytest.raises(DataError):
        opened(tmp_path, "raise")
