"""Non-max suppression against its definition, written as plainly as it reads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as al
from nn import vision

BOX, FAR = [0.0, 0.0, 10.0, 10.0], [50.0, 50.0, 60.0, 60.0]


def naive_nms(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> list[int]:
    """Keep the best of the rest, drop what overlaps it, and again."""
    overlaps, rest, kept = vision.box_iou(boxes, boxes), list(np.argsort(-scores, kind="stable")), []
    while rest:
        best = rest.pop(0)
        kept.append(int(best))
        rest = [i for i in rest if not overlaps[best, i] > boxes.dtype.type(threshold)]
    return kept


def naive_soft_nms(
    boxes: np.ndarray, scores: np.ndarray, method: str, threshold: float, sigma: float, least: float
) -> tuple[list[int], list[float]]:
    overlaps, left, kept = vision.box_iou(boxes, boxes), {i: float(s) for i, s in enumerate(scores)}, {}
    while left and max(left.values()) >= least:
        best = max(left, key=lambda i: (left[i], -i))
        kept[best] = left.pop(best)
        for i in left:
            overlap = float(overlaps[best, i])
            if method == "gaussian":
                left[i] *= np.exp(-(overlap**2) / sigma)
            elif overlap >= threshold:
                left[i] *= 1 - overlap
    return list(kept), list(kept.values())


def make(n: int, seed: int, kind: str, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
    """Boxes and scores; "whole" numbers give exact ties of sides, overlaps and scores."""
    rng = np.random.default_rng(seed)
    if kind == "whole":
        corners = rng.integers(0, 12, (n, 2))
        boxes = np.concatenate([corners, corners + rng.integers(-1, 8, (n, 2))], 1)
        return boxes.astype(dtype), (rng.integers(0, 5, n) / 4).astype(dtype)
    spread, size = {"spread": (100, 30), "crowded": (5, 40), "wide": (1000, 300), "fine": (1e-3, 1e-3)}[kind]
    corners = rng.uniform(0, spread, (n, 2))
    sides = rng.uniform(0, size, (n, 2)) * rng.choice([0.02, 1, 3], (n, 2))
    return np.concatenate([corners, corners + sides], 1).astype(dtype), rng.random(n).astype(dtype)


CASES = {
    "n": st.integers(0, 50), "seed": st.integers(0, 10_000), "dtype": st.sampled_from([np.float32, np.float64]),
    "kind": st.sampled_from(["whole", "spread", "crowded", "wide", "fine"]),
    "threshold": st.sampled_from([0.0, 1e-6, 0.1, 0.25, 1 / 3, 0.5, 0.7, 0.9, 0.999999, 1.0]),
}  # fmt: skip


# -- nms --------------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=200)
@given(**CASES)
def test_nms_is_its_definition(n: int, seed: int, dtype: Any, kind: str, threshold: float) -> None:
    boxes, scores = make(n, seed, kind, dtype)
    found = vision.nms(al.tensor(boxes), al.tensor(scores), threshold)
    assert found.dtype == np.int64
    assert found.tolist() == naive_nms(boxes, scores, threshold)


@settings(deadline=None, max_examples=60)
@given(classes=st.integers(1, 4), **CASES)
def test_batched_nms_is_nms_class_by_class(
    n: int, seed: int, dtype: Any, kind: str, threshold: float, classes: int
) -> None:
    boxes, scores = make(n, seed, kind, dtype)
    labels = np.random.default_rng(seed).integers(0, classes, n) - 1
    kept = []
    for label in range(-1, classes - 1):
        members = np.flatnonzero(labels == label)
        kept += [members[i] for i in naive_nms(boxes[members], scores[members], threshold)]
    found = vision.batched_nms(boxes, scores, labels, threshold).tolist()
    assert found == sorted(kept, key=lambda i: (-scores[i], i))


def test_many_boxes() -> None:
    """So many that the search for near ones has something to leave out; one is as wide as the image."""
    boxes, scores = make(1500, 0, "wide", np.float32)
    boxes[7] = [0, 0, 1000, 1000]
    assert vision.nms(boxes, scores, 0.3).tolist() == naive_nms(boxes, scores, 0.3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_overlap_of_just_the_threshold_stays(dtype: Any) -> None:
    """For overlaps that cannot be written exactly, too: what counts is the IoU as `iou` gives it."""
    rng = np.random.default_rng(0)
    for _ in range(100):
        a, b = make(2, int(rng.integers(1 << 30)), "crowded", dtype)[0]
        overlap = vision.iou(a, b)
        if 0 < overlap < 1:
            below = np.nextafter(overlap, dtype(0))
            assert vision.nms([a, b], [2, 1], overlap).tolist() == [0, 1]
            assert vision.nms(np.array([a, b]), [2, 1], below).tolist() == [0]
            assert vision.nms(np.array([b, a]), [2, 1], below).tolist() == [0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_boxes_that_begin_as_far_apart_as_their_overlap_allows(dtype: Any) -> None:
    """One at the right end of the other: the search for near ones must reach just as far, whatever rounding does."""
    rng = np.random.default_rng(0)
    for _ in range(300):
        right, width, share = rng.uniform(100, 1000), rng.uniform(1, 100), rng.uniform(0.01, 1)
        pair = np.array([[right - width, 0, right, 9], [right - width * share, 0, right, 9]], dtype)
        overlap = vision.iou(*pair)
        for boxes in (pair, pair[::-1]):
            assert vision.nms(boxes, [2, 1], np.nextafter(overlap, dtype(0))).tolist() == [0]
            assert vision.nms(boxes, [2, 1], overlap).tolist() == [0, 1]


def test_ties_go_to_the_first() -> None:
    assert vision.nms([BOX, BOX, FAR, FAR], [0.5, 0.5, 0.5, 0.5], 0.5).tolist() == [0, 2]
    assert vision.nms([FAR, BOX], [-np.inf, np.inf], 0.5).tolist() == [1, 0]


def test_no_boxes() -> None:
    nothing = al.zeros(0, 4), al.zeros(0)
    assert vision.nms(*nothing, 0.5).tolist() == []
    assert vision.batched_nms(*nothing, al.zeros(0, dtype="int64"), 0.5).tolist() == []
    assert [x.tolist() for x in vision.soft_nms(*nothing)] == [[], []]


def test_one_stays_of_boxes_that_all_overlap() -> None:
    boxes, scores = np.tile(np.array(BOX, np.float32), (1000, 1)), np.linspace(0, 1, 1000, dtype=np.float32)
    assert vision.nms(boxes, scores, 0.99).tolist() == [999]
    assert vision.nms(boxes, scores, 1).tolist() == list(range(999, -1, -1))  # no IoU is above 1


def test_boxes_without_area_overlap_nothing() -> None:
    point, inverted = [5.0, 5.0, 5.0, 5.0], [9.0, 9.0, 1.0, 1.0]
    assert vision.nms([BOX, point, point, inverted, inverted], [5, 4, 3, 2, 1], 0).tolist() == [0, 1, 2, 3, 4]


def test_whole_numbers_and_halves() -> None:
    assert vision.nms(np.array([BOX, BOX, FAR], int), np.array([1, 2, 3]), 0.5).tolist() == [2, 1]
    assert vision.nms(np.array([BOX, BOX, FAR], np.float16), np.array([1, 2, 3], np.float16), 0.5).tolist() == [2, 1]


def test_gradients_are_no_obstacle() -> None:
    boxes = al.tensor([BOX, FAR], requires_grad=True)
    assert vision.nms(boxes * 1, boxes.sum(1), 0.5).tolist() == [1, 0]


# -- soft-NMS ---------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=100)
@given(
    method=st.sampled_from(["linear", "gaussian"]), sigma=st.sampled_from([0.05, 0.5, 2.0]),
    least=st.sampled_from([0.0, 0.001, 0.3]), **CASES,
)  # fmt: skip
def test_soft_nms_is_its_definition(
    n: int, seed: int, dtype: Any, kind: str, threshold: float, method: str, sigma: float, least: float
) -> None:
    boxes, scores = make(n, seed, kind, np.float64)
    scores = (np.random.default_rng(seed).permutation(n) + 1) / (n + 1)  # no ties, which rounding would decide
    found, lowered = vision.soft_nms(
        boxes, scores, method, iou_threshold=threshold, sigma=sigma, score_threshold=least
    )  # fmt: skip
    kept, expected = naive_soft_nms(boxes, scores, method, threshold, sigma, least)
    assert found.tolist() == kept
    np.testing.assert_allclose(lowered.numpy(), expected, rtol=1e-12)
    single, lowered = vision.soft_nms(boxes.astype(dtype), scores.astype(dtype), method, sigma=sigma)
    assert lowered.dtype == dtype
    assert (np.diff(lowered.numpy()) <= 0).all()
    assert len(set(single.tolist())) == len(single)


def test_soft_nms_ties_go_to_the_first_and_change_nothing() -> None:
    boxes, scores = np.array([FAR, FAR, BOX]), np.array([0.5, 0.5, 0.5])
    indices, lowered = vision.soft_nms(boxes, scores, "linear")
    assert indices.tolist() == [0, 2]
    assert lowered.tolist() == [0.5, 0.5]
    assert scores.tolist() == [0.5, 0.5, 0.5]
    indices, lowered = vision.soft_nms(boxes, scores, "linear", score_threshold=0)
    assert (indices.tolist(), lowered.tolist()) == ([0, 2, 1], [0.5, 0.5, 0])
    indices, lowered = vision.soft_nms(
        boxes.astype(np.float32), scores.astype(np.float32), sigma=1e-60, score_threshold=0
    )  # fmt: skip
    assert (indices.tolist(), lowered.tolist()) == ([0, 2, 1], [0.5, 0.5, 0])  # σ is 0 in float32


def test_soft_nms_orders_scores_as_they_were_given() -> None:
    scores = np.array([0.9, 0.9 + 1e-10])  # of which float32, the dtype of the boxes, makes equal ones
    indices, lowered = vision.soft_nms(np.array([BOX, FAR], np.float32), scores)
    assert indices.tolist() == [1, 0]
    assert lowered.tolist() == scores[::-1].tolist()


# -- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [
    vision.nms, lambda boxes, scores, t: vision.batched_nms(boxes, scores, np.zeros(len(scores), int), t),
    lambda boxes, scores, t: vision.soft_nms(boxes, scores, iou_threshold=t),
])  # fmt: skip
def test_what_cannot_be_compared_is_refused(function: Any) -> None:
    for threshold in (-0.1, 1.1, np.nan):
        with pytest.raises(ValueError, match=f"iou_threshold must be from 0 to 1, got {threshold}"):
            function([BOX], [0.5], threshold)
    with pytest.raises(ValueError, match="score 1 is nan"):
        function([BOX, BOX], [0.5, np.nan], 0.5)
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match=rf"box 1 is \[0.0, 0.0, {bad}, 10.0\]"):
            function([BOX, [0.0, 0.0, bad, 10.0]], [0.5, 0.5], 0.5)
    with pytest.raises(ValueError, match=r"got \(2, 4\) and \(1,\)"):
        function([BOX, BOX], [0.5], 0.5)
    with pytest.raises(ValueError, match=r"got \(4,\) and \(4,\)"):
        function(BOX, BOX, 0.5)


def test_classes_methods_and_scores_are_checked() -> None:
    with pytest.raises(ValueError, match=r"classes of shape \(1,\) for scores of shape \(2,\)"):
        vision.batched_nms([BOX, BOX], [0.5, 0.5], [0], 0.5)
    with pytest.raises(ValueError, match="'gaussian' or 'linear', got 'hard'"):
        vision.soft_nms([BOX], [0.5], "hard")
    with pytest.raises(ValueError, match="sigma must be above 0, got 0"):
        vision.soft_nms([BOX], [0.5], sigma=0)
    with pytest.raises(ValueError, match=r"score 1 is -0\.5"):
        vision.soft_nms([BOX, BOX], [0.5, -0.5])
    with pytest.raises(ValueError, match="score 0 is inf"):
        vision.soft_nms([BOX, BOX], [np.inf, 0.5])
