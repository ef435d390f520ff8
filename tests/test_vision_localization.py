"""Localization: the vector y, the hybrid loss by hand, the network, and its figures."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

import autograd_lite as al
import nn
from nn.vision import (
    LocalizationLoss,
    LocalizationNet,
    LocalizationScenes,
    class_accuracy,
    localization_boxes,
    localization_iou,
    localization_vectors,
    presence_accuracy,
)

Y = [[1, 0.5, 0.25, 0.5, 0.25, 0, 1], [0, 0, 0, 0, 0, 0, 0]]  # an object of the second class, and none


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def raw_outputs(p_c: list[float], box: list[float], logits: list[float]) -> np.ndarray:
    """Raw outputs of one image, which stand for this p_c and this box."""
    return np.array([*map(logit, p_c), *map(logit, box), *logits])


def test_the_hybrid_loss_by_hand() -> None:
    y = al.tensor(np.array(Y, np.float64))
    outputs = al.tensor(np.stack([
        raw_outputs([0.8], [0.6, 0.25, 0.4, 0.25], [math.log(1), math.log(3)]),
        raw_outputs([0.4], [0.9, 0.9, 0.9, 0.9], [5, -5]),
    ]))  # fmt: skip
    presence = (-math.log(0.8) - math.log(1 - 0.4)) / 2
    box = (0.1**2 + 0.1**2) / 2  # of the only object, divided by two images
    label = -math.log(3 / 4) / 2
    assert LocalizationLoss()(outputs, y).item() == pytest.approx(presence + 30 * box + label, rel=1e-12)
    assert LocalizationLoss(3, 5, 7)(outputs, y).item() == pytest.approx(3 * presence + 5 * box + 7 * label, rel=1e-12)


def test_without_an_object_box_and_class_do_not_count() -> None:
    outputs = al.tensor(np.random.default_rng(0).normal(size=(2, 7)), requires_grad=True)
    LocalizationLoss()(outputs, al.tensor(np.array(Y, np.float64))).backward()
    assert outputs.grad is not None
    gradient = outputs.grad.numpy()
    assert (gradient[0] != 0).all()
    assert gradient[1, 0] != 0
    assert (gradient[1, 1:] == 0).all()
    outputs.grad = None
    loss = LocalizationLoss()(outputs, al.zeros(2, 7, dtype=np.float64))
    loss.backward()
    assert (outputs.grad.numpy()[:, 1:] == 0).all()
    assert loss.item() == pytest.approx(np.log1p(np.exp(outputs.numpy()[:, 0])).mean())


def test_the_gradient_of_the_hybrid_loss() -> None:
    outputs = al.tensor(np.random.default_rng(1).normal(size=(2, 7)), requires_grad=True)
    assert al.gradcheck(lambda x: LocalizationLoss()(x, al.tensor(np.array(Y, np.float64))), outputs)


def test_float32_stays_float32() -> None:
    y = al.tensor(np.array(Y, np.float32))
    assert LocalizationLoss()(al.zeros(2, 7), y).dtype == np.float32
    assert localization_vectors(al.zeros(2, 7)).dtype == np.float32


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((2, 7), (2, 8)), r"must both be \(N, 5 \+ C\), got \(2, 7\) and \(2, 8\)"),
        (((7,), (7,)), r"got \(7,\)"),
        (((2, 5), (2, 5)), r"got \(2, 5\)"),
    ],
)
def test_shapes_that_the_loss_refuses(shapes: tuple[tuple[int, ...], ...], message: str) -> None:
    for use in (LocalizationLoss(), localization_iou, class_accuracy, presence_accuracy):
        with pytest.raises(ValueError, match=message):
            use(al.zeros(*shapes[0]), al.zeros(*shapes[1]))


def test_a_target_between_object_and_none_is_refused() -> None:
    y = al.zeros(3, 7)
    y[1, 0] = 0.5
    with pytest.raises(ValueError, match=re.escape("p_c of example 1 is 0.5")):
        LocalizationLoss()(al.zeros(3, 7), y)


@pytest.mark.parametrize("weight", [-1.0, math.nan, math.inf])
@pytest.mark.parametrize("name", ["object_weight", "box_weight", "class_weight"])
def test_weights_that_are_impossible(name: str, weight: float) -> None:
    with pytest.raises(ValueError, match=f"{name} must be at least 0 and finite, got {weight}"):
        LocalizationLoss(**{name: weight})


def test_vectors_and_boxes() -> None:
    outputs = raw_outputs([0.8], [0.6, 0.25, 0.4, 0.2], [math.log(1), math.log(3)])
    y = localization_vectors(al.tensor(outputs))
    assert y.numpy() == pytest.approx(np.array([0.8, 0.6, 0.25, 0.4, 0.2, 0.25, 0.75]))
    assert localization_boxes(y, (100, 200)).numpy() == pytest.approx(np.array([100, 5, 140, 45]))


def test_the_boxes_of_scenes_come_back() -> None:
    scenes = LocalizationScenes(nn.data.digits(flat=False)[0], 30, size=(32, 40), heights=(10, 24), empty=0)
    for i in range(len(scenes)):
        _, boxes, _ = scenes.draw(i)
        assert localization_boxes(scenes[i][1], (32, 40)).numpy() == pytest.approx(boxes[0], abs=1e-4)


def test_figures_by_hand() -> None:
    y = al.tensor(np.array([*Y, [1, 0.5, 0.5, 0.5, 0.5, 1, 0]], np.float64))
    outputs = al.tensor(np.stack([
        raw_outputs([0.8], [0.5, 0.25, 0.5, 0.25], [0, 1]),  # all right: IoU 1
        raw_outputs([0.6], [0.5] * 4, [0, 1]),  # an object where there is none
        raw_outputs([0.4], [0.5, 0.5, 0.5, 0.25], [0, 1]),  # half as wide, of the wrong class, and overlooked
    ]))  # fmt: skip
    assert localization_iou(outputs, y) == pytest.approx((1 + 0.5) / 2)
    assert class_accuracy(outputs, y) == 0.5
    assert presence_accuracy(outputs, y) == pytest.approx(1 / 3)


def test_figures_without_objects() -> None:
    nothing = al.zeros(2, 7)
    assert math.isnan(localization_iou(nothing, nothing))
    assert math.isnan(class_accuracy(nothing, nothing))
    assert presence_accuracy(nothing, nothing) == 1  # a raw p_c of 0 is not above ½


def test_the_network() -> None:
    model = LocalizationNet((3, 16, 24), 4, (8, 16), pools=2, generator=al.Generator(0))
    assert model(al.zeros(2, 3, 16, 24)).shape == (2, 9)
    with pytest.raises(ValueError, match=re.escape("multiples of 8, got (1, 30, 32)")):
        LocalizationNet((1, 30, 32))
    with pytest.raises(ValueError, match="at least 1 class, got 0"):
        LocalizationNet(classes=0)


def test_the_class_does_not_depend_on_the_place() -> None:
    model = LocalizationNet((1, 32, 32), 3, (8,), pools=1, generator=al.Generator(0)).eval()
    image = np.zeros((2, 1, 32, 32), np.float32)
    image[0, 0, 4:8, 4:8] = image[1, 0, 20:24, 22:26] = 1  # moved by whole windows of the pool
    one, other = model(al.tensor(image)).numpy()
    assert one[5:] == pytest.approx(other[5:], abs=1e-6)
    assert np.abs(one[:5] - other[:5]).max() > 1e-3


def test_it_learns_one_batch() -> None:
    scenes = LocalizationScenes(nn.data.digits(flat=False)[0], 8, size=32, heights=(12, 24), empty=0.25)
    images, ys = (al.stack(list(part)) for part in zip(*[scenes[i] for i in range(8)], strict=True))
    model = LocalizationNet(filters=(8, 16, 16), generator=al.Generator(0))
    optimizer = nn.optim.Adam(model.parameters(), 0.01)
    for _ in range(120):
        optimizer.zero_grad()
        loss = LocalizationLoss()(model(images), ys)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.02
    outputs = model(images)
    assert localization_iou(outputs, ys) > 0.8
    assert class_accuracy(outputs, ys) == presence_accuracy(outputs, ys) == 1
