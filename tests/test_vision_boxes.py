"""Boxes: forms, overlaps by hand and against torchvision, what has no area, gradients."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_lite as al
from nn import vision

GOLDEN = np.load(Path(__file__).parent / "golden" / "boxes.npz")
FIRST, SECOND = GOLDEN["first"], GOLDEN["second"]
FORMS = "xyxy", "xywh", "cxcywh"
OVERLAPS = vision.iou, vision.giou, vision.diou, vision.ciou
PAIRWISE = vision.box_iou, vision.generalized_box_iou, vision.distance_box_iou, vision.complete_box_iou
LOSSES = vision.generalized_box_iou_loss, vision.distance_box_iou_loss, vision.complete_box_iou_loss

# A square against: itself, its half, a disjoint one, a touching one, a point in it, a line, a point and a line outside.
SQUARE = [0.0, 0.0, 4.0, 4.0]
OTHERS = {
    "itself": SQUARE, "half": [0.0, 0.0, 4.0, 2.0], "disjoint": [8.0, 0.0, 12.0, 4.0], "touching": [4.0, 0.0, 8.0, 4.0],
    "point": [2.0, 2.0, 2.0, 2.0], "line": [0.0, 2.0, 4.0, 2.0], "far point": [8.0, 4.0, 8.0, 4.0],
    "inverted": [3.0, 3.0, 1.0, 1.0],
}  # fmt: skip

coordinates = st.integers(-8, 8).map(float)
any_box = st.tuples(coordinates, coordinates, coordinates, coordinates)


def exact(values: Any, requires_grad: bool = False) -> al.Tensor:
    return al.tensor(np.asarray(values, np.float64), requires_grad=requires_grad)


# -- forms ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", FORMS)
@pytest.mark.parametrize("end", FORMS)
def test_forms_there_and_back(start: str, end: str) -> None:
    boxes = np.random.default_rng(0).uniform(1, 50, (2, 3, 4))
    back = vision.box_convert(vision.box_convert(exact(boxes), start, end), end, start)
    np.testing.assert_allclose(back.numpy(), boxes, rtol=1e-13)


@pytest.mark.parametrize("fmt", FORMS[1:])
def test_forms_are_torchvisions(fmt: str) -> None:
    np.testing.assert_allclose(vision.box_convert(FIRST, "xyxy", fmt), GOLDEN[fmt], rtol=1e-14)


def test_other_forms_and_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="one of xyxy, xywh, cxcywh, got 'yxyx'"):
        vision.box_convert(FIRST, "xyxy", "yxyx")
    with pytest.raises(ValueError, match=r"\(…, 4\), got \(3,\)"):
        vision.box_convert([1.0, 2.0, 3.0], "xyxy", "xywh")
    with pytest.raises(ValueError, match=r"\(N, 4\), got \(4,\)"):
        vision.box_iou(SQUARE, [SQUARE])
    with pytest.raises(ValueError, match=r"\(N, 4\), got \(1, 1, 4\)"):
        vision.remove_small_boxes([[SQUARE]], 1)


def test_arrays_give_arrays_and_tensors_tensors() -> None:
    for kind in (np.float32, np.float64):
        array = FIRST.astype(kind)
        for function in (*OVERLAPS, *PAIRWISE, *LOSSES):
            found, tensor = function(array, array), function(al.tensor(array), array)
            assert isinstance(found, np.ndarray)
            assert isinstance(tensor, al.Tensor)
            assert found.dtype == tensor.dtype == kind
            np.testing.assert_array_equal(found, tensor.numpy())


def test_whole_numbers_become_floats() -> None:
    boxes = al.tensor([[0, 0, 4, 4]])
    assert vision.box_convert(boxes, "xyxy", "cxcywh").dtype == np.float32
    assert vision.box_area(np.array([[200, 0, 100, 10]], np.uint8)).tolist() == [0]  # 100 − 200 must not wrap around
    assert vision.box_iou(boxes, boxes).tolist() == [[1]]


# -- one set of boxes -------------------------------------------------------------------------------------------------


def test_area_and_clipping_and_small_ones_are_torchvisions() -> None:
    np.testing.assert_allclose(vision.box_area(FIRST), GOLDEN["area"], rtol=1e-14)
    np.testing.assert_array_equal(vision.clip_boxes_to_image(FIRST - 10, (50, 70)), GOLDEN["clipped"])
    assert vision.remove_small_boxes(FIRST, 25).tolist() == GOLDEN["large"].tolist()
    assert 0 < len(GOLDEN["large"]) < len(FIRST)


@given(box=any_box)
def test_area_is_never_negative(box: tuple[float, ...]) -> None:
    x1, y1, x2, y2 = box
    assert vision.box_area(exact(box)).item() == max(0, x2 - x1) * max(0, y2 - y1)


# -- overlaps ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("other", "expected"), [
    # IoU; GIoU = IoU − (C − U)/C; DIoU = IoU − ρ²/c²; v of CIoU
    ("itself", (1, 0, 0, 0)),
    ("half", (8 / 16, 0, 1 / 32, 4 / np.pi**2 * (np.pi / 4 - np.arctan(2)) ** 2)),
    ("disjoint", (0, (48 - 32) / 48, 64 / 160, 0)),
    ("touching", (0, 0, 16 / 80, 0)),
    ("point", (0, 0, 0, 4 / np.pi**2 * (np.pi / 4) ** 2)),
    ("line", (0, 0, 0, 4 / np.pi**2 * (np.pi / 4 - np.pi / 2) ** 2)),
    ("far point", (0, (32 - 16) / 32, (36 + 4) / 80, 1 / 4)),
])  # fmt: skip
def test_overlaps_by_hand(other: str, expected: tuple[float, ...]) -> None:
    overlap, empty, distance, v = expected
    wanted = [overlap, overlap - empty, overlap - distance]
    wanted.append(wanted[-1] - (v * v / (1 - overlap + v) if v else 0))
    for function, value in zip(OVERLAPS, wanted, strict=True):
        assert function(exact(SQUARE), exact(OTHERS[other])).item() == pytest.approx(value, abs=1e-15)
        assert function(exact(OTHERS[other]), exact(SQUARE)).item() == pytest.approx(value, abs=1e-15)


def test_two_points() -> None:
    """Nothing overlaps nothing; GIoU has no area around them to compare with, DIoU knows their distance."""
    here, there = exact([1.0, 1.0, 1.0, 1.0]), exact([4.0, 5.0, 4.0, 5.0])
    for function in OVERLAPS:
        assert function(here, here).item() == 0
    assert [function(here, there).item() for function in OVERLAPS] == [0, -1, -1, -1]
    line, further = exact([0.0, 0.0, 2.0, 0.0]), exact([5.0, 0.0, 6.0, 0.0])
    assert vision.giou(line, further).item() == 0


@pytest.mark.parametrize("function", PAIRWISE)
def test_overlaps_of_each_pair_are_torchvisions(function: Callable) -> None:
    found = function(exact(FIRST), exact(SECOND))
    np.testing.assert_allclose(found.numpy(), GOLDEN[function.__name__], atol=1e-7)  # its ε
    by_element = OVERLAPS[PAIRWISE.index(function)](exact(FIRST), exact(SECOND))
    np.testing.assert_array_equal(np.diag(found.numpy()), by_element.numpy())


@given(first=any_box, second=any_box)
def test_bounds(first: tuple[float, ...], second: tuple[float, ...]) -> None:
    overlap, g, d, c = (function(exact(first), exact(second)).item() for function in OVERLAPS)
    assert 0 <= overlap <= 1
    assert c <= d <= overlap
    assert g <= overlap
    if first[0] <= first[2] and first[1] <= first[3] and second[0] <= second[2] and second[1] <= second[3]:
        assert g >= -1
        assert d >= -1
        assert vision.iou(exact(second), exact(first)).item() == overlap


def test_what_is_not_a_number_shows() -> None:
    for function in OVERLAPS:
        assert np.isnan(function(exact(SQUARE), exact([0.0, 0.0, np.nan, 1.0])).item())


@pytest.mark.parametrize("n", [0, 3])
@pytest.mark.parametrize("function", PAIRWISE)
def test_no_boxes(function: Callable, n: int) -> None:
    assert function(al.zeros(0, 4), al.zeros(n, 4)).shape == (0, n)
    assert function(al.zeros(n, 4), al.zeros(0, 4)).shape == (n, 0)


# -- losses -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", LOSSES)
def test_losses_are_torchvisions(function: Callable) -> None:
    x = exact(FIRST, requires_grad=True)
    loss = function(x, exact(SECOND))
    np.testing.assert_allclose(loss.detach().numpy(), GOLDEN[function.__name__], atol=1e-7)  # its ε
    assert function(FIRST, SECOND, reduction="sum") == pytest.approx(loss.sum().item())
    assert function(FIRST, SECOND, reduction="mean") == pytest.approx(loss.mean().item())
    if function is not vision.complete_box_iou_loss:  # where torchvision holds α constant
        loss.sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), GOLDEN[f"{function.__name__}-grad"], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("function", LOSSES)
def test_losses_refuse_what_does_not_belong_together(function: Callable) -> None:
    with pytest.raises(ValueError, match=r"\(2, 4\) do not belong to those of \(1, 4\)"):
        function(FIRST[:2], FIRST[:1])
    with pytest.raises(ValueError, match="'none', 'mean' or 'sum', got 'batchmean'"):
        function(FIRST, FIRST, reduction="batchmean")


@pytest.mark.parametrize("function", LOSSES)
def test_the_mean_loss_of_no_boxes_is_0(function: Callable) -> None:
    x = al.zeros(0, 4, requires_grad=True)
    loss = function(x, al.zeros(0, 4), reduction="mean")
    assert loss.item() == 0
    loss.backward()
    assert x.grad.shape == (0, 4)


# -- gradients --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [*OVERLAPS, *PAIRWISE])
def test_gradients(function: Callable) -> None:
    inputs = [exact(FIRST[:3], requires_grad=True), exact(SECOND[:3], requires_grad=True)]
    result = al.gradcheck(function, inputs)
    assert not result.kinks
    assert al.gradgradcheck(function, inputs)


@pytest.mark.parametrize("other", ["half", "disjoint", "far point"])
@pytest.mark.parametrize("function", LOSSES)
def test_gradients_of_special_pairs(function: Callable, other: str) -> None:
    """Moved off the kinks, where sides coincide."""
    boxes = exact([OTHERS[other]]) + exact([0.1, -0.2, 0.3, 0.5])
    assert al.gradcheck(lambda x: function(x, exact([SQUARE])), [boxes.detach().requires_grad_()])


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("function", LOSSES)
def test_gradients_are_finite(function: Callable, other: str, dtype: Any) -> None:
    x = al.tensor(np.array([OTHERS[other], OTHERS[other]], dtype), requires_grad=True)
    function(x, al.tensor(np.array([SQUARE, OTHERS[other]], dtype)), reduction="sum").backward()
    assert x.grad.dtype == dtype
    assert np.isfinite(x.grad.numpy()).all()


@pytest.mark.parametrize("function", LOSSES)
def test_at_the_target_there_is_no_slope(function: Callable) -> None:
    x = exact([SQUARE], requires_grad=True)
    function(x, exact([SQUARE]), reduction="sum").backward()
    np.testing.assert_allclose(x.grad.numpy(), 0, atol=1e-15)


@pytest.mark.parametrize("function", LOSSES)
def test_descending_a_loss_moves_a_box_onto_another(function: Callable) -> None:
    """Though they do not overlap at first: what a plain IoU cannot do."""
    goal = exact([[20.0, 10.0, 30.0, 30.0]])
    x = exact([[1.0, 2.0, 6.0, 7.0]], requires_grad=True)
    start = function(x, goal).item()
    for step in range(200):
        (g,) = al.autograd.grad(function(x, goal).sum(), x)
        x = (x.detach() - g / (g.norm() + 1e-12) * (1.0 if step < 100 else 0.05)).requires_grad_()
    assert start > 1
    assert vision.iou(x, goal).item() > 0.9
