"""Synthetic faces: landmarks against the drawing, visibility, seeds; the shapes they are painted of."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from nn.data import DataLoader
from nn.vision import LANDMARKS, SyntheticFaces
from nn.vision.canvas import background, ellipse, finish, paint, pixel_centres, polyline, rectangle, window

SIZE = 40, 50
X, Y = pixel_centres(SIZE)


# -- shapes -----------------------------------------------------------------------------------------------------------


def _area(distance: np.ndarray) -> float:
    canvas = np.zeros(SIZE, np.float32)
    paint(canvas, distance, 1.0)
    return float(canvas.sum())


@pytest.mark.parametrize("angle", [0.0, 0.4, 2.0])
def test_painted_areas(angle: float) -> None:
    """Smooth edges leave the area what it is, wherever between pixels the shape lies."""
    centre = 24.3, 19.8
    assert _area(ellipse(X, Y, centre, (12, 7), angle)) == pytest.approx(math.pi * 12 * 7, rel=0.01)
    assert _area(rectangle(X, Y, centre, (9, 6), angle)) == pytest.approx(18 * 12, rel=0.01)
    end = centre[0] + 15 * math.cos(angle), centre[1] + 15 * math.sin(angle)
    line = polyline(X, Y, np.array([centre, end]), 4.0)
    assert _area(line) == pytest.approx(15 * 4 + math.pi * 2**2, rel=0.02)


def test_distances() -> None:
    def at(shape: Any, x: float, y: float, *arguments: Any) -> float:
        return float(shape(np.float32([x]), np.float32([y]), *arguments).item())

    assert at(rectangle, 13, 14, (0, 0), (10, 10), 0.0) == pytest.approx(5)
    assert at(rectangle, 0, 8, (0, 0), (10, 10), 0.0) == pytest.approx(-2)
    assert at(rectangle, 0, 8, (0, 0), (10, 4), np.pi / 2) == pytest.approx(-2)
    assert at(ellipse, 13, 5, (10, 5), (3, 3), 0.0) == pytest.approx(0)
    assert at(ellipse, 10, 9, (10, 5), (9, 3), 0.0) == pytest.approx(1)  # exact on the axes
    assert at(ellipse, 18, 5, (10, 5), (4, 4), 0.0) == pytest.approx(4)
    assert at(polyline, 5, 3, np.array([(0, 0), (10, 0), (10, 10)]), 2.0) == pytest.approx(2)
    assert at(polyline, 13, 5, np.array([(0, 0), (10, 0), (10, 10)]), 2.0) == pytest.approx(2)


def test_a_window_shows_the_same_as_the_whole() -> None:
    centre, axes = np.array([[3.2, 36.9]]), (5, 4)  # hangs over two edges
    whole, other = np.zeros(SIZE, np.float32), np.zeros(SIZE, np.float32)
    paint(whole, ellipse(X, Y, (3.2, 36.9), axes, 0.3), 1.0)
    part, x, y = window(other, centre, 6)
    paint(part, ellipse(x, y, (3.2, 36.9), axes, 0.3), 1.0)
    assert 20 < part.size < 150
    np.testing.assert_array_equal(whole, other)
    part, x, y = window(other, np.array([[-20.0, -20.0]]), 3)
    paint(part, ellipse(x, y, (-20, -20), axes, 0.3), 1.0)
    np.testing.assert_array_equal(whole, other)


def test_background_and_noise() -> None:
    ramp = background(np.random.default_rng(0), (30, 20), 0.8)
    assert ramp.dtype == np.float32
    assert 0 <= ramp.min() < ramp.max() <= 0.8
    np.testing.assert_allclose(np.diff(ramp, 2, axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(np.diff(ramp, 2, axis=1), 0, atol=1e-6)
    assert not background(np.random.default_rng(0), (30, 20), 0).any()
    image = finish(np.full((30, 20), 0.5, np.float32), np.random.default_rng(0), 0.1)
    assert image.shape == (1, 30, 20)
    assert image.std() == pytest.approx(0.1, rel=0.1)
    assert finish(np.array([[-1.0, 2.0]]), np.random.default_rng(0), 0).tolist() == [[[0, 1]]]


# -- faces ------------------------------------------------------------------------------------------------------------


def test_shapes_and_dtypes() -> None:
    image, target = SyntheticFaces(3, size=(60, 72))[-1]
    assert (image.shape, image.dtype) == ((1, 60, 72), np.float32)
    assert (target["points"].shape, target["points"].dtype) == ((len(LANDMARKS), 2), np.float32)
    assert (target["visible"].shape, target["visible"].dtype) == ((len(LANDMARKS),), np.bool_)
    assert isinstance(target["size"], float)
    images, targets = next(iter(DataLoader(SyntheticFaces(3), 2)))
    assert images.shape == (2, 1, 64, 64)
    assert {name: tuple(part.shape) for name, part in targets.items()} == {
        "points": (2, 5, 2), "visible": (2, 5), "size": (2,),
    }  # fmt: skip


def _grey(image: np.ndarray, point: np.ndarray) -> float:
    """The picture at the pixel that holds a point."""
    return float(image[0, int(point[1]), int(point[0])])


def test_landmarks_lie_on_what_is_drawn() -> None:
    """Pupils and the ends of the mouth are darker than the skin beside them, at any turn."""
    for image, target in SyntheticFaces(60, size=128, heights=(90, 110), turn=90, occluded=0, noise=0):
        pixels, points = image.numpy(), target["points"].numpy().astype(float)
        across = (points[1] - points[0]) / np.linalg.norm(points[1] - points[0])
        forehead = points[:2].mean(axis=0) + 0.2 * target["size"] * np.array([across[1], -across[0]])
        skin = _grey(pixels, forehead)
        assert skin >= 0.54
        assert all(_grey(pixels, points[i]) <= 0.26 for i in (0, 1))
        for corner, outward in ((3, -1), (4, 1)):
            assert _grey(pixels, points[corner] - outward * across) < skin - 0.2
            assert _grey(pixels, points[corner] + outward * 0.06 * target["size"] * across) > skin - 0.05
        assert _grey(pixels, points[2]) < skin - 0.1


def test_size_is_the_height_of_the_head() -> None:
    for image, target in SyntheticFaces(20, turn=0, occluded=0, noise=0):
        ramp = image.numpy()[0]
        rows = np.flatnonzero(np.abs(np.diff(ramp, 2, axis=1)).max(axis=1) > 0.03)
        assert rows[-1] + 1 - rows[0] == pytest.approx(target["size"], abs=2)


def test_points_lie_inside_and_heads_have_the_heights_asked_for() -> None:
    targets = [target for _, target in SyntheticFaces(200, heights=(40, 50), turn=180)]
    points = np.stack([target["points"].numpy() for target in targets])
    assert points.min() > 0
    assert points.max() < 64
    sizes = [target["size"] for target in targets]
    assert 40 <= min(sizes) < 42
    assert 48 < max(sizes) <= 50
    turns = np.degrees(np.arctan2(*(points[:, 1] - points[:, 0]).T[::-1]))
    assert turns.min() < -150
    assert turns.max() > 150


def test_a_point_is_visible_where_the_bar_leaves_the_drawing_as_it_was() -> None:
    """The same faces with a bar and without: pixels that differ are the bar's, up to half a pixel at its edge."""
    options: dict[str, Any] = {"size": 128, "heights": (90, 110), "noise": 0}
    counts = {True: 0, False: 0}
    for (barred, target), (bare, _) in zip(
        SyntheticFaces(100, occluded=1, **options), SyntheticFaces(100, occluded=0, **options)
    ):
        changed = np.abs(barred.numpy() - bare.numpy())[0] > 1e-3
        for (x, y), visible in zip(target["points"].numpy().astype(int), target["visible"].tolist(), strict=True):
            near = changed[y - 1 : y + 2, x - 1 : x + 2]
            assert near.any() if not visible else not near.all()
            counts[visible] += 1
    assert min(counts.values()) > 100


def test_a_face_depends_on_its_seed_and_its_number_only() -> None:
    def pixels(*arguments: Any, **options: Any) -> list:
        return SyntheticFaces(*arguments, **options)[7][0].tolist()

    assert pixels(10, seed=3) == pixels(1000, seed=3)
    assert pixels(10, seed=3) != pixels(10, seed=4)
    faces = SyntheticFaces(10, seed=3)
    assert faces[-3][0].tolist() == pixels(10, seed=3)
    assert faces[6][0].tolist() != faces[7][0].tolist()
    assert len(list(faces)) == 10


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heights": (10, 30)}, r"heights must rise from 16 or more to at most 64, got \(10, 30\)"),
        ({"heights": (40, 30)}, r"heights .* got \(40, 30\)"),
        ({"size": (64, 40), "heights": (20, 50)}, r"heights .* at most 40, got \(20, 50\)"),
        ({"turn": 200}, r"turn must lie between 0 and 180, got 200"),
        ({"occluded": 1.5}, r"occluded must lie between 0 and 1, got 1.5"),
        ({"noise": float("nan")}, r"noise .* got nan"),
        ({"seed": -1}, r"seed .* got -1"),
        ({"length": -1}, r"length .* got -1"),
    ],
)
def test_options_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SyntheticFaces(**options)


@pytest.mark.parametrize("index", [10, -11])
def test_out_of_range(index: int) -> None:
    with pytest.raises(IndexError, match=f"picture {index} is out of range for 10 pictures"):
        SyntheticFaces(10)[index]
