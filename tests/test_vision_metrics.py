"""Average precision, worked by hand and against COCO's own program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as al
from nn import vision
from nn.vision.metrics import COCO_THRESHOLDS, average_precision, match

GOLDEN = np.load(Path(__file__).parent / "golden" / "detections.npz")
A, B, C = [0.0, 0.0, 10.0, 10.0], [20.0, 0.0, 30.0, 10.0], [40.0, 0.0, 50.0, 10.0]
NOTHING: dict[str, Any] = {"boxes": [], "labels": [], "scores": []}


def image(*boxes: list[float], labels: Any = None, **more: Any) -> dict[str, Any]:
    return {"boxes": list(boxes), "labels": [0] * len(boxes) if labels is None else labels, **more}


def metric_of(*pairs: tuple[dict, dict], classes: int = 1, **more: Any) -> vision.DetectionMetric:
    metric = vision.DetectionMetric(classes, **more)
    metric.update([p for p, _ in pairs], [t for _, t in pairs])
    return metric


# -- which detections are hits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("overlaps", "ignore", "expected"), [
    ([[0.9], [0.8]], None, [1, 0]),  # the same object twice
    ([[0.6, 0.9], [0.0, 0.8]], None, [1, 0]),  # the second's only object is taken
    ([[0.6, 0.9], [0.6, 0.8]], None, [1, 1]),  # but it may take the next best
    ([[0.5], [0.4999]], None, [1, 0]), ([[0.4999], [0.5]], None, [0, 1]),
    ([[0.7, 0.7], [0.7, 0.0]], None, [1, 0]),  # of equal ones the first is taken
    ([[0.7], [0.7]], [True], [-1, -1]), ([[0.4]], [True], [0]),
    ([[0.6, 0.9]], [False, True], [1]), ([[0.4, 0.9]], [False, True], [-1]),
    (np.zeros((2, 0)), None, [0, 0]), (np.zeros((0, 2)), None, []),
])  # fmt: skip
def test_match(overlaps: Any, ignore: Any, expected: list[int]) -> None:
    assert match(overlaps, 0.5, ignore).tolist() == expected


# -- by hand ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("precision", "recall", "points"), [
    ([1.0], [1.0], 101), ([1.0], [0.5], 51), ([0.5], [1.0], 50.5), ([], [], 0), ([0.0], [0.0], 0),
    ([1, 1 / 2, 2 / 3], [1 / 2, 1 / 2, 1], 51 + 50 * 2 / 3),
    ([0, 1 / 2, 2 / 3], [0, 1 / 2, 1], 101 * 2 / 3),  # the best at a higher recall counts
    ([1.0], [7 / 10], 71), ([1.0], [0.69999], 70),
])  # fmt: skip
def test_average_precision_by_hand(precision: list[float], recall: list[float], points: float) -> None:
    assert average_precision(precision, recall) == pytest.approx(points / 101, rel=1e-12, abs=1e-12)


def test_three_detections_of_two_objects() -> None:
    """Of scores 0.9, 0.8, 0.7 the second is wrong: precision 1, 1/2, 2/3 at recall 1/2, 1/2, 1."""
    metric = metric_of((image(C, A, B, scores=[0.8, 0.9, 0.7]), image(A, B)))
    assert metric.value() == {name: pytest.approx((51 + 50 * 2 / 3) / 101) for name in ("map", "map_50", "map_75")}
    curve = metric.curve(0)
    np.testing.assert_allclose(curve.precision, [1, 1 / 2, 2 / 3])
    np.testing.assert_allclose(curve.recall, [1 / 2, 1 / 2, 1])
    assert curve.scores.tolist() == [0.9, 0.8, 0.7]


def test_the_iou_of_a_hit() -> None:
    """An IoU of 0.8 is a hit at 7 of COCO's 10 thresholds."""
    metric = metric_of((image([0.0, 0.0, 10.0, 8.0], scores=[0.3]), image(A)))
    assert metric.value() == {"map": pytest.approx(0.7), "map_50": 1, "map_75": 1}
    assert metric.per_class().tolist() == [[1.0] * 7 + [0.0] * 3]
    assert metric.curve(0, 0.85).precision.tolist() == [0]


def test_classes_do_not_mix_and_absent_ones_do_not_count() -> None:
    metric = metric_of((image(A, B, labels=[1, 0], scores=[0.9, 0.8]), image(A, B, labels=[1, 1])), classes=3)
    np.testing.assert_allclose(metric.per_class()[:, 0], [np.nan, 51 / 101, np.nan])
    assert metric.value()["map_50"] == pytest.approx(51 / 101)


def test_scores_are_ordered_over_all_images() -> None:
    """Hit, miss, hit of two objects, though image by image it is miss, hit, hit."""
    metric = metric_of((image(C, B, scores=[0.8, 0.7]), image(B)), (image(A, scores=[0.9]), image(A)))
    np.testing.assert_allclose(metric.curve(0).precision, [1, 1 / 2, 2 / 3])


def test_of_equal_scores_the_first_is_the_higher() -> None:
    hit, miss = (image(A, scores=[0.5]), image(A)), (image(C, scores=[0.5]), image())
    assert metric_of(hit, miss).value()["map_50"] == 1
    assert metric_of(miss, hit).value()["map_50"] == pytest.approx(0.5)


def test_images_one_by_one_or_together() -> None:
    pairs = [(image(A, C, scores=[0.8, 0.7]), image(A, B)), (image(B, scores=[0.9]), image(B, C)), (NOTHING, image())]
    together, single = metric_of(*pairs), vision.DetectionMetric(1)
    for prediction, target in pairs:
        single.update([prediction], [target])
    assert together.value() == single.value()
    single.reset()
    single.update([image(A, scores=[1.0])], [image(A)])
    assert single.value()["map"] == 1


def test_what_is_to_be_ignored() -> None:
    found = image(A, B, B, scores=[0.7, 0.9, 0.8])
    assert metric_of((found, image(A, B, ignore=[False, True]))).value()["map_50"] == 1
    assert metric_of((found, image(A, B, ignore=[True, True])), (found, image(B))).curve(0).recall.max() == 1
    with pytest.raises(ValueError, match="no object to be found"):
        metric_of((found, image(A, B, ignore=[True, True]))).value()


def test_empty_scenes() -> None:
    assert metric_of((NOTHING, image(A))).value() == {"map": 0, "map_50": 0, "map_75": 0}
    assert metric_of((NOTHING, image(A))).curve(0).recall.tolist() == []
    assert metric_of((NOTHING, image()), (image(A, scores=[0.5]), image(A))).value()["map"] == 1
    assert metric_of((image(C, scores=[0.9]), image()), (image(A, scores=[0.5]), image(A))).value()["map"] < 0.51
    for metric in (metric_of((image(A, scores=[0.5]), image())), vision.DetectionMetric(3)):
        with pytest.raises(ValueError, match="no object to be found"):
            metric.value()
        with pytest.raises(ValueError, match="class 0 has no objects"):
            metric.curve(0)


# -- COCO's own program -----------------------------------------------------------------------------------------------


def test_agrees_with_coco() -> None:
    metric = vision.DetectionMetric(3)
    for i in range(12):
        its, own = GOLDEN["images"] == i, GOLDEN["found_images"] == i
        prediction = {
            "boxes": al.tensor(GOLDEN["found"][own]), "labels": GOLDEN["found_labels"][own],
            "scores": GOLDEN["scores"][own],
        }  # fmt: skip
        metric.update([prediction], [{"boxes": GOLDEN["boxes"][its], "labels": al.tensor(GOLDEN["labels"][its])}])
    expected = GOLDEN["average_precision"]
    np.testing.assert_allclose(metric.per_class(), expected, rtol=1e-12)
    assert metric.value()["map"] == pytest.approx(expected.mean())
    assert metric.value()["map_75"] == pytest.approx(expected[:, 5].mean())
    assert 0.05 < expected.min() < expected.max() < 0.9


@settings(deadline=None, max_examples=50)
@given(n=st.integers(0, 8), m=st.integers(1, 8), seed=st.integers(0, 1000))
def test_what_always_holds(n: int, m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, 20, (n + m, 2))
    boxes = np.concatenate([corners, corners + rng.integers(1, 20, (n + m, 2))], 1).astype(float)
    labels, scores = rng.integers(0, 2, n + m), rng.random(n)
    found, truth = {"boxes": boxes[:n], "labels": labels[:n], "scores": scores}, boxes[n:]
    metric = metric_of((found, {"boxes": truth, "labels": labels[n:]}), classes=2)
    values = metric.per_class()
    there = ~np.isnan(values[:, 0])
    assert there.tolist() == [(labels[n:] == c).any() for c in (0, 1)]
    assert (np.diff(values[there], axis=1) <= 1e-12).all()  # the stricter the threshold, the fewer hits
    perfect = {"boxes": truth, "labels": labels[n:], "scores": rng.random(m)}
    assert metric_of((perfect, perfect), classes=2).value()["map"] == 1


# -- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("prediction", "target", "message"), [
    (image(A, scores=[0.5, 0.5]), image(A), r"prediction 1: .* got \(1, 4\), \(1,\) and \(2,\)"),
    (image(A, scores=[0.5]), image(A, labels=[0, 0]), r"target 1: .* got \(1, 4\), \(2,\) and \(1,\)"),
    (image(A[:3], scores=[0.5]), image(A), r"prediction 1: .* got \(1, 3\)"),
    (image(A, scores=[np.nan]), image(A), "prediction 1: score 0 is NaN"),
    (image(A, [0, 0, np.nan, 9], scores=[1, 1]), image(A), "prediction 1: box 1 has a coordinate that is NaN"),
    (image(A, scores=[1]), image(A, [20, 5, 10, 10]), r"target 1: box 1, \[20.* ends before .* xyxy"),
    (image(A, scores=[1]), image([np.nan, 0, 9, 9]), "target 1: box 0 has a coordinate that is NaN"),
    (image(A, scores=[0.5]), image(A, labels=[2]), "target 1: label 0 is 2, not from 0 to 0"),
    (image(A, scores=[0.5], labels=[-1]), image(A), "prediction 1: label 0 is -1"),
    (image(A, scores=[0.5], labels=[0.5]), image(A), "prediction 1: labels must be whole numbers, got float64"),
])  # fmt: skip
def test_what_does_not_belong_together_counts_nothing(prediction: dict, target: dict, message: str) -> None:
    metric = metric_of((image(A, scores=[0.5]), image(A)))
    with pytest.raises(ValueError, match=message):
        metric.update([image(B, scores=[0.5]), prediction], [image(A), target])
    assert metric.value()["map"] == 1
    assert metric.curve(0).scores.tolist() == [0.5]


def test_other_mistakes() -> None:
    with pytest.raises(ValueError, match="predictions for 1 images and targets for 0"):
        vision.DetectionMetric(1).update([NOTHING], [])
    with pytest.raises(KeyError, match="scores"):
        vision.DetectionMetric(1).update([image(A)], [image(A)])
    with pytest.raises(ValueError, match="at least one class, got 0"):
        vision.DetectionMetric(0)
    for thresholds in ((), (0.5, 1.5), (0.0,), (np.nan,)):
        with pytest.raises(ValueError, match="above 0 and at most 1"):
            vision.DetectionMetric(1, thresholds)
    with pytest.raises(ValueError, match=r"the IoU threshold 0.52 is none of \(0.5,"):
        metric_of((NOTHING, image(A))).curve(0, 0.52)
    for label in (-1, 1):
        with pytest.raises(ValueError, match=f"there is no class {label}, only 0 to 0"):
            metric_of((NOTHING, image(A))).curve(label)
    assert metric_of((NOTHING, image(A)), iou_thresholds=(0.5,)).value() == {"map": 0, "map_50": 0}
    assert COCO_THRESHOLDS == (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
