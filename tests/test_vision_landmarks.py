"""Landmarks: the loss and the normalised mean error by hand, the network."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

import autograd_lite as al
import nn
from nn.vision import (
    LandmarkLoss,
    LandmarkNet,
    SyntheticFaces,
    landmark_target,
    normalized_mean_error,
    visibility_accuracy,
)


def two_faces() -> tuple[al.Tensor, al.Tensor]:
    """Predictions and targets of two points on a face of size 10 and on one of size 20, where one point is hidden."""
    target = al.stack([
        landmark_target([[3, 4], [8, 8]], [True, True], 10.0),
        landmark_target([[10, 10], [0, 0]], [True, False], 20.0),
    ])  # fmt: skip
    prediction = np.array([[[2, 3, 6], [1, 5, 4]], [[-1, 13, 14], [-1, 90, 90]]], np.float32)
    return al.tensor(prediction), target  # distances 2, 5; 5, hidden


def test_the_normalised_mean_error_by_hand() -> None:
    assert normalized_mean_error(*two_faces()) == pytest.approx((2 / 10 + 5 / 10 + 5 / 20) / 3)


def test_a_hidden_point_has_no_error() -> None:
    prediction, target = two_faces()
    before = normalized_mean_error(prediction, target)
    prediction[1, 1, 1:] = 1000
    assert normalized_mean_error(prediction, target) == before
    assert math.isnan(normalized_mean_error(al.zeros(1, 1, 3), landmark_target([[1, 1]], [False], 5.0)[None]))


def test_visibility_by_hand() -> None:
    assert visibility_accuracy(*two_faces()) == 0.75  # the first point of the second face was called hidden


def test_the_loss_by_hand() -> None:
    prediction, target = two_faces()
    seen = [-math.log(1 / (1 + math.exp(-z))) for z in (2, 1, -1, 1)]  # the last is hidden: −log(1 − σ(−1))
    squares = 0.2**2 + 0.5**2 + 0.25**2
    assert LandmarkLoss()(prediction, target).item() == pytest.approx(sum(seen) / 4 + 50 * squares / 4, rel=1e-5)
    assert LandmarkLoss(0, 1)(prediction, target).item() == pytest.approx(squares / 4, rel=1e-5)
    assert LandmarkLoss(1, 0)(prediction, target).item() == pytest.approx(sum(seen) / 4, rel=1e-5)


def test_the_place_of_a_hidden_point_may_be_unknown() -> None:
    prediction, target = two_faces()
    expected = LandmarkLoss()(prediction, target).item()
    target[1, 1, 1:3] = math.nan
    prediction.requires_grad_()
    loss = LandmarkLoss()(prediction, target)
    loss.backward()
    assert loss.item() == expected
    assert np.isfinite(prediction.grad.numpy()).all()
    assert (prediction.grad.numpy()[1, 1, 1:] == 0).all()


def test_the_gradient_of_the_loss() -> None:
    prediction, target = (t.double() for t in two_faces())
    prediction = prediction.detach().requires_grad_()
    assert al.gradcheck(lambda x: LandmarkLoss()(x, target), prediction)
    LandmarkLoss()(prediction, target).backward()
    assert (prediction.grad.numpy()[1, 1, 1:] == 0).all(), "a hidden point pulls nothing"
    assert (np.delete(prediction.grad.numpy().reshape(-1, 3), 3, 0)[:, 0] != 0).all()


@pytest.mark.parametrize("use", [LandmarkLoss(), normalized_mean_error, visibility_accuracy])
def test_what_does_not_belong_together(use: object) -> None:
    assert callable(use)
    for one, other in (((2, 5, 3), (2, 5, 3)), ((2, 5, 3), (2, 4, 4)), ((5, 3), (5, 4)), ((2, 5, 2), (2, 5, 4))):
        with pytest.raises(ValueError, match=re.escape(f"got {one} and {other}")):
            use(al.zeros(*one), al.ones(*other))
    target = al.ones(1, 1, 4)
    target[0, 0, 0] = 0.5
    with pytest.raises(ValueError, match=re.escape("the v of a target is 0 or 1, got 0.5")):
        use(al.zeros(1, 1, 3), target)
    with pytest.raises(ValueError, match=re.escape("the size of an object must be above 0, got 0.0")):
        use(al.zeros(1, 1, 3), al.zeros(1, 1, 4))


def test_targets_that_are_impossible() -> None:
    for points, visible in (([[1, 2, 3]], [True]), ([[1, 2]], [True, False]), ([1, 2], [True])):
        with pytest.raises(ValueError, match=re.escape("points must be (P, 2) and visible (P,)")):
            landmark_target(points, visible, 1.0)
    for size in (0, -1, math.nan, math.inf):
        with pytest.raises(ValueError, match=f"above 0 and finite, got {size}"):
            landmark_target([[1, 2]], [True], size)
    for name in ("visible_weight", "point_weight"):
        with pytest.raises(ValueError, match=f"{name} must be at least 0 and finite, got -1"):
            LandmarkLoss(**{name: -1})


def test_the_network() -> None:
    model = LandmarkNet(4, filters=(8, 16), generator=al.Generator(0))
    for size in ((16, 32), (20, 12)):
        prediction = model(al.zeros(2, 1, *size))
        assert prediction.shape == (2, 4, 3)
        assert prediction.dtype == np.float32
    assert model.double()(al.zeros(2, 1, 16, 32, dtype=np.float64)).dtype == np.float64
    with pytest.raises(ValueError, match=re.escape("sides multiples of 4, got (1, 1, 48, 50)")):
        model(al.zeros(1, 1, 48, 50))
    with pytest.raises(ValueError, match="at least 1 point, got 0"):
        LandmarkNet(points=0)


def test_a_place_is_the_mean_of_the_cells() -> None:
    model = LandmarkNet(2, filters=(8,), pools=1, generator=al.Generator(0)).eval()
    with al.no_grad():
        model.where.weight.zero_()
    assert (model(al.zeros(1, 1, 16, 32)).numpy()[0, :, 1:] == [16, 8]).all(), "the middle, if nothing is known"
    scores = np.full((1, 2, 8, 16), -1e9, np.float32)
    scores[0, 0, 1, 2] = scores[0, 1, 7, 15] = scores[0, 1, 7, 13] = 0
    model.where = nn.Identity()
    model.backbone = nn.Identity()
    model.seen = nn.Linear(2, 1)
    model.stride = 2
    places = model(al.tensor(scores)).numpy()[0, :, 1:]
    assert places == pytest.approx(np.array([[5, 3], [29, 15]]))


def test_it_learns_one_batch() -> None:
    faces = SyntheticFaces(8, size=32, heights=(18, 26), occluded=0.5)
    images = al.stack([faces[i][0] for i in range(8)])
    target = al.stack([landmark_target(**faces[i][1]) for i in range(8)])
    model = LandmarkNet(filters=(8, 16, 16), generator=al.Generator(0))
    optimizer = nn.optim.Adam(model.parameters(), 0.005)
    for _ in range(200):
        optimizer.zero_grad()
        loss = LandmarkLoss()(model(images), target)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05
    assert normalized_mean_error(model(images), target) < 0.03
    assert visibility_accuracy(model(images), target) == 1
