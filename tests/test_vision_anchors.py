"""Anchor boxes: the IoU of sizes, k-means with it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as al
from nn import vision
from nn.vision.anchors import anchor_iou

SHAPES = np.array([[10.0, 10.0], [40.0, 20.0], [20.0, 60.0]])


def around(shapes: np.ndarray, n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return shapes[rng.integers(0, len(shapes), n)] * rng.uniform(0.9, 1.1, (n, 2))


@given(seed=st.integers(0, 1000))
def test_the_iou_of_sizes_is_that_of_boxes_at_one_place(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes, anchors = rng.uniform(0.1, 5, (4, 2)), rng.uniform(0.1, 5, (3, 2))
    boxes = [np.concatenate([-s / 2, s / 2], 1) for s in (sizes, anchors)]
    np.testing.assert_allclose(anchor_iou(sizes, anchors), vision.box_iou(*boxes), rtol=1e-12)
    assert vision.best_anchor(sizes, anchors).tolist() == vision.box_iou(*boxes).argmax(1).tolist()


def test_of_equal_anchors_the_first_is_best() -> None:
    assert vision.best_anchor([[3, 3]], [[9, 9], [2, 2], [2, 2]]).tolist() == [1]


def test_kmeans_finds_the_shapes() -> None:
    found = vision.kmeans_anchors(al.tensor(around(SHAPES, 300)), 3)
    np.testing.assert_allclose(found.sizes.numpy(), SHAPES[[0, 1, 2]], rtol=0.02)
    assert found.sizes.dtype == np.float32
    assert found.mean_iou > 0.9


@settings(deadline=None, max_examples=60)
@given(n=st.integers(1, 30), k=st.integers(1, 6), seed=st.integers(0, 1000), whole=st.booleans())
def test_what_kmeans_returns(n: int, k: int, seed: int, whole: bool) -> None:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 4, (n, 2)).astype(float) if whole else rng.uniform(0.5, 30, (n, 2))
    different = len(np.unique(sizes, axis=0))
    if k > different:
        with pytest.raises(ValueError, match=f"from 1 to {different}, the number of different sizes, got {k}"):
            vision.kmeans_anchors(sizes, k)
        return
    found = vision.kmeans_anchors(sizes, k, generator=al.Generator(seed))
    anchors = found.sizes.numpy()
    assert anchors.shape == (k, 2)
    assert (np.diff(anchors.prod(1)) >= -1e-4).all()
    assert found.mean_iou == pytest.approx(anchor_iou(sizes, anchors).max(1).mean(), rel=1e-5)
    if k == different:
        assert found.mean_iou == pytest.approx(1)
        assert len(np.unique(anchors, axis=0)) == k


def test_more_anchors_serve_better() -> None:
    sizes = np.random.default_rng(0).uniform(5, 60, (200, 2))
    ious = [vision.kmeans_anchors(sizes, k).mean_iou for k in (1, 3, 9)]
    assert ious == sorted(ious)
    assert ious[2] > ious[0] + 0.2


def test_the_same_seed_gives_the_same_anchors() -> None:
    sizes = around(SHAPES, 100)
    first, again, other = (vision.kmeans_anchors(sizes, 5, generator=al.Generator(s)).sizes for s in (1, 1, 2))
    assert (first == again).all()
    assert not (first == other).all()
    assert (vision.kmeans_anchors(sizes, 5).sizes == vision.kmeans_anchors(sizes, 5).sizes).all()


def test_a_centre_without_objects_moves_to_one() -> None:
    from nn.vision.anchors import _means

    points = np.array([[1.0, 1.0], [1.0, 1.0], [8.0, 2.0]])
    nearest, own = np.array([0, 0, 0]), np.array([0.9, 0.9, 0.1])
    np.testing.assert_array_equal(_means(points, nearest, own, 2), [[10 / 3, 4 / 3], [8, 2]])


@pytest.mark.parametrize(("sizes", "message"), [
    ([[1.0, 2.0], [0.0, 2.0]], r"sizes\[1\] is \[0.0, 2.0\]: width and height must be numbers above 0"),
    ([[np.nan, 2.0]], r"sizes\[0\] is \[nan, 2.0\]"),
    ([[np.inf, 2.0]], r"sizes\[0\] is \[inf, 2.0\]"),
    ([1.0, 2.0], r"sizes must be \(N, 2\), each a width and a height, got \(2,\)"),
    ([[1.0, 2.0, 3.0, 4.0]], r"got \(1, 4\)"),
])  # fmt: skip
def test_sizes_that_are_none_are_refused(sizes: list, message: str) -> None:
    for call in (lambda: vision.kmeans_anchors(sizes, 1), lambda: vision.best_anchor(sizes, SHAPES)):
        with pytest.raises(ValueError, match=message):
            call()


def test_no_anchors() -> None:
    with pytest.raises(ValueError, match="there are no anchors"):
        vision.best_anchor(SHAPES, np.zeros((0, 2)))
    with pytest.raises(ValueError, match="from 1 to 3, the number of different sizes, got 0"):
        vision.kmeans_anchors(SHAPES, 0)
    with pytest.raises(ValueError, match="from 1 to 0"):
        vision.kmeans_anchors(np.zeros((0, 2)), 1)
