"""The grid of a detector: which cell and anchor is responsible, there and back again, what does not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as al
from nn import vision

SQUARE, TALL = (16.0, 16.0), (8.0, 32.0)


def box(x: float, y: float, w: float, h: float) -> list[float]:
    """By its centre."""
    return [x - w / 2, y - h / 2, x + w / 2, y + h / 2]


def encode(grid: vision.Grid, boxes: Any, labels: Any = None) -> tuple[np.ndarray, list[int], list[int]]:
    boxes = np.asarray(boxes, float).reshape(-1, 4)
    target, moved, dropped = grid.encode(boxes, np.zeros(len(boxes), int) if labels is None else labels)
    assert target.dtype == np.float32
    assert target.shape == grid.shape
    return target.numpy(), moved, dropped


def in_order(found: dict[str, al.Tensor]) -> list[tuple[Any, ...]]:
    rows = zip(found["labels"].tolist(), found["boxes"].tolist(), strict=True)
    return sorted([(label, *row) for label, row in rows], key=lambda row: [round(x, 1) for x in row])


# -- there ------------------------------------------------------------------------------------------------------------


def test_the_vector_of_the_sheet() -> None:
    """Two rows of three cells, 20 wide and 30 high; the height comes before the width."""
    grid = vision.Grid((2, 3), (60, 60), [SQUARE, TALL], classes=3)
    target, moved, dropped = encode(grid, [box(25, 45, 12, 32)], [2])
    assert grid.shape == (2, 3, 2, 8)
    assert (moved, dropped) == ([], [])
    np.testing.assert_allclose(target[1, 1, 1], [1, 0.25, 0.5, 0, np.log(1.5), 0, 0, 1], atol=1e-6)
    assert target.sum() == pytest.approx(target[1, 1, 1].sum())
    assert np.count_nonzero(target) == 5


@pytest.mark.parametrize(("x", "y", "row", "column", "b_x", "b_y"), [
    (0, 0, 0, 0, 0, 0), (20, 30, 1, 1, 0, 0), (19.99, 30, 1, 0, 0.9995, 0), (60, 60, 1, 2, 1, 1),
    (60, 15, 0, 2, 1, 0.5),
])  # fmt: skip
def test_borders_and_edges(x: float, y: float, row: int, column: int, b_x: float, b_y: float) -> None:
    grid = vision.Grid((2, 3), (60, 60), [SQUARE], classes=1)
    target, *_ = encode(grid, [box(x, y, 10, 10)])
    assert np.argwhere(target[..., 0]).tolist() == [[row, column, 0]]
    found = target[row, column, 0, 1:3]
    np.testing.assert_allclose(found, [b_x, b_y], atol=1e-6)
    assert (found < 1).all()
    np.testing.assert_allclose(grid.decode(target)["boxes"].numpy(), [box(x, y, 10, 10)], atol=1e-4)


def test_a_centre_just_left_of_a_border_is_below_1() -> None:
    grid = vision.Grid((1, 2), (10, 20), [SQUARE], classes=1)
    target, *_ = encode(grid, [box(np.nextafter(10, 0), 5, 4, 4)])
    assert target[0, 0, 0, 0] == 1
    assert target[0, 0, 0, 1] < 1


def test_objects_of_one_cell_share_its_anchors() -> None:
    """The first has the first choice, the second the next best, the third nothing."""
    grid = vision.Grid((1, 1), (64, 64), [SQUARE, TALL], classes=4)
    boxes = [box(30, 30, 16, 16), box(31, 31, 17, 17), box(32, 32, 8, 32)]
    target, moved, dropped = encode(grid, boxes, [1, 2, 3])
    assert (moved, dropped) == ([1], [2])
    assert target[0, 0, :, 5:].argmax(1).tolist() == [1, 2]
    assert in_order(grid.decode(target))[0][0] == 1
    boxes = [boxes[2], boxes[0], boxes[1]]
    target, moved, dropped = encode(grid, boxes)
    assert (moved, dropped) == ([], [2])


def test_an_empty_scene() -> None:
    grid = vision.Grid((2, 2), (32, 32), [SQUARE], classes=2)
    target, moved, dropped = grid.encode(al.zeros(0, 4), al.zeros(0, dtype="int64"))
    assert not target.numpy().any()
    assert moved == dropped == []
    found = grid.decode(target)
    assert {name: (x.shape, str(x.dtype)) for name, x in found.items()} == {
        "boxes": ((0, 4), "float32"), "labels": ((0,), "int64"), "scores": ((0,), "float32"),
    }  # fmt: skip


# -- and back ---------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=150)
@given(
    rows=st.integers(1, 5), columns=st.integers(1, 5), height=st.integers(8, 200), width=st.integers(8, 200),
    anchors=st.integers(1, 4), classes=st.integers(1, 5), n=st.integers(0, 12), seed=st.integers(0, 10_000),
    whole=st.booleans(),
)  # fmt: skip
def test_decode_is_the_inverse(
    rows: int, columns: int, height: int, width: int, anchors: int, classes: int, n: int, seed: int, whole: bool
) -> None:
    rng = np.random.default_rng(seed)
    grid = vision.Grid((rows, columns), (height, width), rng.uniform(1, 100, (anchors, 2)), classes)
    centres = rng.uniform(0, 1, (n, 2)) * (width, height)
    if whole:  # on borders and edges
        centres = centres.round()
    sides = rng.uniform(0.5, 150, (n, 2))
    boxes = np.concatenate([centres - sides / 2, centres + sides / 2], 1)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    boxes, labels = boxes[((centres >= 0) & (centres <= (width, height))).all(1)], rng.integers(0, classes, n)
    labels = labels[: len(boxes)]
    target, moved, dropped = encode(grid, boxes, labels)
    assert target[..., 0].sum() == len(boxes) - len(dropped)
    assert not set(moved) & set(dropped)
    kept = [i for i in range(len(boxes)) if i not in dropped]
    found = grid.decode(al.tensor(target), threshold=1)
    assert found["scores"].tolist() == [1] * len(kept)
    wanted = {"boxes": al.tensor(boxes[kept]), "labels": al.tensor(labels[kept])}
    np.testing.assert_allclose(in_order(found), in_order(wanted), atol=2e-4, rtol=1e-5)
    if not whole:
        again = grid.encode(found["boxes"], found["labels"])
        assert again.target[..., 0].sum() == len(kept)
        assert not again.dropped


def test_scores_and_the_threshold() -> None:
    grid = vision.Grid((1, 3), (16, 48), [SQUARE], classes=2)
    vectors = np.zeros(grid.shape, np.float32)
    vectors[0, :, 0, 0] = [1, 0.5, 0.8]
    vectors[0, :, 0, 5:] = [[0.25, 0.75], [1, 0], [0.5, 0.5]]
    found = grid.decode(al.tensor(vectors), threshold=0.4)
    np.testing.assert_allclose(found["scores"].numpy(), [0.75, 0.5, 0.4])
    assert found["labels"].tolist() == [1, 0, 0]
    assert len(grid.decode(vectors, threshold=0.6)["labels"]) == 1
    assert len(grid.decode(vectors)["labels"]) == 2


def test_a_score_that_is_nan_is_not_taken_for_no_object() -> None:
    grid = vision.Grid((1, 3), (16, 48), [SQUARE], classes=2)
    vectors = np.zeros(grid.shape, np.float32)
    vectors[0, 1, 0, 5] = np.nan
    with pytest.raises(ValueError, match=r"the score at \(0, 1, 0\) .* is NaN"):
        grid.decode(vectors)


def test_the_boxes_of_a_batch_of_vectors_have_gradients() -> None:
    grid = vision.Grid((2, 1), (30, 20), [SQUARE, TALL], classes=1)
    x = al.tensor(np.random.default_rng(0).normal(size=(3, *grid.shape)), requires_grad=True)
    assert grid.boxes(x).shape == (3, 2, 1, 2, 4)
    assert al.gradcheck(grid.boxes, [x])
    single = grid.boxes(x[1])
    np.testing.assert_array_equal(single.detach().numpy(), grid.boxes(x).detach().numpy()[1])
    assert grid.boxes(x.float()).dtype == np.float32


def test_no_prediction_is_infinite() -> None:
    grid = vision.Grid((1, 1), (16, 16), [SQUARE], classes=1)
    x = al.tensor(np.full(grid.shape, 1e4, np.float32), requires_grad=True)
    boxes = grid.boxes(x)
    boxes.sum().backward()
    assert np.isfinite(boxes.detach().numpy()).all()
    assert np.isfinite(x.grad.numpy()).all()
    assert np.isfinite(grid.decode(x)["boxes"].numpy()).all()


# -- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("boxes", "labels", "error", "message"), [
    ([box(5, 5, 2, 2), box(5, 5, 0, 2)], [0, 0], ValueError, r"box 1, \[5.0, 4.0, 5.0, 6.0\], has no area"),
    ([[9.0, 1.0, 2.0, 3.0]], [0], ValueError, "box 0, .* has no area"),
    ([[0.0, 0.0, np.nan, 3.0]], [0], ValueError, "box 0, .* has no area"),
    ([[0.0, 0.0, 3.0, np.inf]], [0], ValueError, "box 0, .* has no area"),
    ([box(5, 31, 2, 2)], [0], ValueError, r"box 0, .* has its centre outside the 20×30 image"),
    ([box(-0.1, 5, 2, 2)], [0], ValueError, r"has its centre outside"),
    ([box(5, 5, 2, 2)], [2], ValueError, "label 0 is 2; there are 2 classes"),
    ([box(5, 5, 2, 2)], [-1], ValueError, "label 0 is -1"),
    ([box(5, 5, 2, 2)], [0.0], TypeError, "labels must be whole numbers, got float64"),
    ([box(5, 5, 2, 2)], [0, 1], ValueError, r"got \(1, 4\) and \(2,\)"),
    ([[5, 5, 2]], [0], ValueError, r"got \(1, 3\)"),
])  # fmt: skip
def test_objects_that_do_not_fit_are_refused(boxes: Any, labels: Any, error: type, message: str) -> None:
    grid = vision.Grid((3, 2), (30, 20), [SQUARE], classes=2)
    with pytest.raises(error, match=message):
        grid.encode(np.array(boxes), np.array(labels))


def test_vectors_of_another_grid_are_refused() -> None:
    grid = vision.Grid((3, 2), (30, 20), [SQUARE], classes=2)
    with pytest.raises(ValueError, match=r"end in the shape \(3, 2, 1, 7\), got \(2, 3, 1, 7\)"):
        grid.decode(al.zeros(2, 3, 1, 7))
    with pytest.raises(ValueError, match=r"of one image are \(3, 2, 1, 7\), got \(1, 3, 2, 1, 7\)"):
        grid.decode(al.zeros(1, 3, 2, 1, 7))
    with pytest.raises(ValueError, match=r"end in the shape"):
        grid.boxes(al.zeros(7))


@pytest.mark.parametrize(("arguments", "message"), [
    (((0, 2), (30, 20), [SQUARE], 2), r"a grid of \(0, 2\) over"), (((3, 2), (30, 20), [SQUARE], 0), "0 classes"),
    (((3, 2), (30, 20), np.zeros((0, 2)), 2), "at least one anchor"),
    (((3, 2), (30, 20), [[0, 5]], 2), r"anchors\[0\] is \[0.0, 5.0\]"), (((3, 2), (30, 20), SQUARE, 2), r"\(2,\)"),
])  # fmt: skip
def test_grids_that_are_none_are_refused(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        vision.Grid(*arguments)


def test_how_a_grid_prints() -> None:
    assert repr(vision.Grid((3, 2), (30, 20), [SQUARE], 2)) == "Grid((3, 2), (30, 20), [[16.0, 16.0]], classes=2)"
