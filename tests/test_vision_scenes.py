"""Scenes of digits: boxes against the pixels, seeds, overlap, and which digits they are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autograd_lite import Tensor
from nn.data import DataLoader, Subset, TensorDataset, digits
from nn.vision import DetectionScenes, LocalizationScenes, Scenes, collate_detections

TRAIN, TEST = digits(flat=False)
PLAIN: dict[str, Any] = {"brightness": (1, 1), "gradient": 0, "noise": 0}  # nothing but ink on black


def _overlaps(boxes: np.ndarray) -> np.ndarray:
    """The IoU of all pairs, from the pixels that each box covers."""
    covered = np.zeros((len(boxes), 64, 64), bool)
    for i, (x0, y0, x1, y1) in enumerate(boxes.astype(int)):
        covered[i, y0:y1, x0:x1] = True
    pairs = [(a, b) for a in range(len(boxes)) for b in range(a)]
    return np.array([(covered[a] & covered[b]).sum() / (covered[a] | covered[b]).sum() for a, b in pairs])


# -- boxes and labels -------------------------------------------------------------------------------------------------


def test_the_box_of_one_digit_is_that_of_its_pixels() -> None:
    scenes = DetectionScenes(TRAIN, 200, count=(1, 1), **PLAIN)
    for image, target in scenes:
        pixels = image.numpy()[0]
        rows, columns = np.nonzero(pixels > 0.25 * pixels.max())
        assert target["boxes"].tolist() == [[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]]


def test_boxes_of_several_digits_hold_all_their_pixels_and_no_empty_edge() -> None:
    many = 0
    for image, target in DetectionScenes(TRAIN, 60, max_iou=0, threshold=0.001, **PLAIN):
        ink, covered = image.numpy()[0] > 0.001, np.zeros((64, 64), bool)
        for x0, y0, x1, y1 in target["boxes"].numpy().astype(int):
            covered[y0:y1, x0:x1] = True
            edges = ink[y0, x0:x1], ink[y1 - 1, x0:x1], ink[y0:y1, x0], ink[y0:y1, x1 - 1]
            assert all(edge.any() for edge in edges)
        assert not (ink & ~covered).any()
        many += len(target["boxes"]) > 1
    assert many > 20


def test_shapes_and_dtypes() -> None:
    image, target = DetectionScenes(TRAIN, 5, size=(48, 80))[-1]
    assert (image.shape, image.dtype) == ((1, 48, 80), np.float32)
    assert (target["boxes"].dtype, target["labels"].dtype) == (np.float32, np.int64)
    assert target["boxes"].shape == (*target["labels"].shape, 4)
    assert image.min() >= 0
    assert image.max() <= 1


def test_labels_are_those_of_the_digits_drawn() -> None:
    """One source image for each class, told apart by its width: the label is read off the box."""
    pictures = np.zeros((4, 1, 8, 8), np.float32)
    for label in range(4):
        pictures[label, :, :, : 2 * label + 2] = 1
    source = TensorDataset(Tensor(pictures), Tensor(np.arange(4)))
    for _, target in DetectionScenes(source, 50, heights=(16, 16)):
        widths = target["boxes"].numpy()[:, 2] - target["boxes"].numpy()[:, 0]
        assert [round(w / 4 - 1) for w in widths] == target["labels"].tolist()


def test_counts_and_heights_reach_their_bounds_and_stay_inside() -> None:
    targets = [target for _, target in DetectionScenes(TRAIN, 300, count=(0, 3), heights=(14, 16))]
    assert {len(t["labels"]) for t in targets} == {0, 1, 2, 3}
    heights = np.concatenate([t["boxes"].numpy()[:, 3] - t["boxes"].numpy()[:, 1] for t in targets])
    assert {14, 15, 16} <= set(heights.tolist())
    assert heights.max() == 16
    boxes = np.concatenate([t["boxes"].numpy() for t in targets])
    assert (boxes.min(), boxes.max()) == (0, 64)


@pytest.mark.parametrize("bound", [0.0, 0.05, 0.3])
def test_boxes_overlap_up_to_the_bound(bound: float) -> None:
    scenes = DetectionScenes(TRAIN, 60, count=(4, 4), max_iou=bound)
    overlaps = np.concatenate([_overlaps(target["boxes"].numpy()) for _, target in scenes])
    assert overlaps.max() <= bound
    assert bound * 0.8 <= overlaps.max()


def test_small_objects_lie_over_large_ones() -> None:
    """Of two squares the smaller is seen whole, in one grey, also where it lies within the larger."""
    covered = 0
    source = TensorDataset(np.ones((1, 1, 4, 4)), [0])
    options: dict[str, Any] = {**PLAIN, "brightness": (0.2, 0.9), "size": 44}
    for image, target in DetectionScenes(source, 100, count=(2, 2), heights=(4, 40), max_iou=1, **options):
        large, (x0, y0, x1, y1) = target["boxes"].tolist()[0], target["boxes"].numpy()[1].astype(int)
        inside = image.numpy()[0, y0:y1, x0:x1]
        assert inside.max() - inside.min() < 1e-6
        covered += large[0] <= x0 and large[1] <= y0 and large[2] >= x1 and large[3] >= y1
    assert covered > 10


def test_a_scene_without_room_is_an_error_that_says_which() -> None:
    scenes = DetectionScenes(TRAIN, 5, size=30, count=(6, 6), heights=(20, 20), max_iou=0)
    with pytest.raises(ValueError, match=r"scene 3: found no room for 6 objects of heights \(20, 20\)"):
        scenes[3]


# -- where they come from ---------------------------------------------------------------------------------------------


def test_a_scene_depends_on_its_seed_and_its_number_only() -> None:
    def same(a: Any, b: Any) -> bool:
        return a[0].tolist() == b[0].tolist() and a[1]["boxes"].tolist() == b[1]["boxes"].tolist()

    scenes = DetectionScenes(TRAIN, 10, seed=3)
    scenes[5]
    assert same(scenes[7], DetectionScenes(TRAIN, 1000, seed=3)[7])
    assert same(scenes[-3], scenes[7])
    assert not same(scenes[7], scenes[6])
    assert not same(scenes[7], DetectionScenes(TRAIN, 10, seed=4)[7])


def test_scenes_show_their_own_source_only() -> None:
    """Drawn at the digits' own size, each digit is found in the part that it comes from, and not in the other."""
    parts = [{image.tobytes() for image in part.tensors[0].numpy()} for part in (TRAIN, TEST)]
    assert not parts[0] & parts[1]
    for own, other, source in ((0, 1, TRAIN), (1, 0, TEST)):
        for image, _ in DetectionScenes(source, 40, size=8, heights=(8, 8), count=(1, 1), threshold=0, **PLAIN):
            ink = np.flatnonzero(image.numpy()[0].any(axis=0))
            found = [_shows(image.numpy()[0], ink, parts[part]) for part in (own, other)]
            assert found == [True, False]


def _shows(pixels: np.ndarray, ink: np.ndarray, pictures: set[bytes]) -> bool:
    """Whether an image, moved sideways, is one of the pictures."""
    moves = range(-int(ink[0]), 8 - int(ink[-1]))
    return any(np.roll(pixels, move, axis=1).tobytes() in pictures for move in moves)


def test_a_part_of_a_dataset_is_a_source() -> None:
    sevens = Subset(TRAIN, np.flatnonzero(TRAIN.tensors[1].numpy() == 7))
    labels = [label for _, target in DetectionScenes(sevens, 20) for label in target["labels"].tolist()]
    assert set(labels) == {7}


def test_brightness() -> None:
    source = TensorDataset(np.ones((1, 1, 4, 4)), [0])
    options: dict[str, Any] = {"count": (1, 1), "gradient": 0, "noise": 0}
    greatest = [image.max().item() for image, _ in DetectionScenes(source, 100, brightness=(0.4, 0.6), **options)]
    assert 0.4 <= min(greatest) < 0.42
    assert 0.58 < max(greatest) <= 0.6


def test_noise_and_gradient() -> None:
    def deviation(**options: Any) -> float:
        image, _ = DetectionScenes(TRAIN, 5, count=(0, 0), **options)[2]
        return float(np.std(image.numpy()))

    assert deviation(noise=0, gradient=0) == 0
    assert deviation(noise=0, gradient=0.8) > 0.02
    flat, _ = DetectionScenes(TRAIN, 5, count=(0, 0), noise=0.1, gradient=0)[2]
    positive = flat.numpy()[flat.numpy() > 0]
    assert 0.45 < len(positive) / 64**2 < 0.55
    assert abs(np.sqrt((positive**2).mean()) - 0.1) < 0.01


# -- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": (3, 2)}, r"count must rise within \[0, inf\], got \(3, 2\)"),
        ({"count": (-1, 2)}, r"count .* got \(-1, 2\)"),
        ({"heights": (0, 9)}, r"heights must rise within \[1, 64\], got \(0, 9\)"),
        ({"heights": (9, 65)}, r"heights .* got \(9, 65\)"),
        ({"brightness": (0.5, 1.5)}, r"brightness .* got \(0.5, 1.5\)"),
        ({"size": (64, 20), "heights": (9, 30)}, r"up to 30 × 30 do not fit .* \(64, 20\)"),
        ({"max_iou": 1.1}, r"max_iou .* got 1.1"),
        ({"gradient": float("nan")}, r"gradient .* got nan"),
        ({"threshold": 1}, r"threshold .* got 1"),
        ({"noise": -0.1}, r"noise must be at least 0, got -0.1"),
        ({"seed": -1}, r"seed must be at least 0, got -1"),
        ({"length": -1}, r"length must be at least 0, got -1"),
        ({"size": (64, 0)}, r"size must be at least 1, got 0"),
    ],
)
def test_options_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DetectionScenes(TRAIN, **options)


def test_sources_refused() -> None:
    dark = TensorDataset(Tensor(np.stack([np.ones((1, 2, 2)), np.zeros((1, 2, 2))])), Tensor([0, 1]))
    for source, message in (
        (digits(flat=False), "one dataset of images and labels, got tuple"),
        (digits()[0], r"got \(1437, 64\) and \(1437,\) \(digits have that shape with flat=False\)"),
        (TensorDataset(np.ones((2, 3, 8, 8)), [0, 1]), r"got \(2, 3, 8, 8\)"),
        (dark, "image 1 of the source is black"),
        (TensorDataset(np.full((2, 1, 8, 8), 1.5), [0, 1]), r"must lie in \[0, 1\], got 1.5 to 1.5"),
        (TensorDataset(np.full((2, 1, 8, 8), np.nan), [0, 1]), r"must lie in \[0, 1\], got nan"),
        (TensorDataset(np.ones((2, 1, 8, 8)), [0, -1]), r"integers ≥ 0, got int64 from -1"),
        (TensorDataset(np.ones((2, 1, 8, 8)), [0.0, 1.0]), r"integers ≥ 0, got float"),
    ):
        with pytest.raises(ValueError, match=message):
            Scenes(source)


@pytest.mark.parametrize("index", [10, -11])
def test_out_of_range(index: int) -> None:
    with pytest.raises(IndexError, match=f"picture {index} is out of range for 10 pictures"):
        DetectionScenes(TRAIN, 10)[index]


# -- one object or none -----------------------------------------------------------------------------------------------


def test_localization_gives_the_vector_of_the_sheet() -> None:
    scenes, empty = LocalizationScenes(TRAIN, 200, size=(60, 80), empty=0.25), 0
    for index, (image, y) in enumerate(scenes):
        assert image.shape == (1, 60, 80)
        assert (y.shape, y.dtype) == ((15,), np.float32)
        _, boxes, labels = scenes.draw(index)
        p, x, y_, h, w, *classes = y.tolist()
        if p == 0:
            empty += 1
            assert len(boxes) == 0
            assert not y.numpy().any()
        else:
            box = [(x - w / 2) * 80, (y_ - h / 2) * 60, (x + w / 2) * 80, (y_ + h / 2) * 60]
            np.testing.assert_allclose(box, boxes[0], atol=1e-4)
            assert classes == np.eye(10)[labels[0]].tolist()
    assert 30 < empty < 70


def test_localization_refuses() -> None:
    with pytest.raises(ValueError, match=r"empty must lie between 0 and 1, got 2"):
        LocalizationScenes(TRAIN, empty=2)
    with pytest.raises(TypeError, match="count"):
        LocalizationScenes(TRAIN, count=(1, 3))
    assert all(y[0].item() == 1 for _, y in LocalizationScenes(TRAIN, 30, empty=0))


# -- batches ----------------------------------------------------------------------------------------------------------


def test_batches() -> None:
    scenes = DetectionScenes(TRAIN, 5)
    batches = list(DataLoader(scenes, 2, collate_fn=collate_detections))
    assert [images.shape for images, _ in batches] == [(2, 1, 64, 64), (2, 1, 64, 64), (1, 1, 64, 64)]
    for i in range(5):
        images, targets = batches[i // 2]
        assert images[i % 2].tolist() == scenes[i][0].tolist()
        assert targets[i % 2]["boxes"].tolist() == scenes[i][1]["boxes"].tolist()
    with pytest.raises(ValueError, match=r"\(1, 32, 32\), \(1, 64, 64\)\]; resize"):
        collate_detections([scenes[0], DetectionScenes(TRAIN, 1, size=32, count=(1, 1))[0]])
