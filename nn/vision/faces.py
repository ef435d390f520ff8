"""Synthetic faces with landmarks: drawings, not photographs.

They set the same task as photographs (find points of a shape whose place, size, turn and proportions are unknown, some
of them hidden) without a data set of real faces; what is measured on them says nothing about real faces.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_lite import Tensor

from .canvas import DrawnDataset, background, ellipse, finish, paint, polyline, rectangle, window

__all__ = ["LANDMARKS", "SyntheticFaces"]

LANDMARKS = ("left eye", "right eye", "nose", "left mouth corner", "right mouth corner")  # left in the picture
WIDTH = 0.78  # of a head, as a part of its height


class SyntheticFaces(DrawnDataset):
    """Drawings of faces, synthetic throughout: example i is ``(image (1, H, W), {"points", "visible", "size"})``.

    ``points`` ``(5, 2)`` are x, y in pixels, float32, in the order of `LANDMARKS` (left as seen in the picture); pixel
    (row r, column c) covers [c, c + 1) × [r, r + 1).  ``visible`` ``(5,)``, bool, is False for a point under the bar
    that lies over a part ``occluded`` of the faces.  ``size`` is the height of the head in pixels, a float, in which
    errors can be measured.

    Images are float32 in [0, 1], ``size`` pixels large (a number or (H, W)).  Heads are ``heights`` = (least, greatest)
    pixels high, turned by up to ``turn`` degrees either way, and lie inside the image; proportions, greys and the
    direction of the look vary.  Behind them is a ramp of greys, over all normal noise of deviation ``noise``.  Face i
    is drawn from ``(seed, i)`` alone: give the faces to test on another seed.  A face is drawn anew each time it is
    asked for; ``list(faces)`` keeps them.  Raises ValueError for options out of range.

    >>> image, target = SyntheticFaces(100)[0]
    >>> image.shape, target["points"].shape, target["visible"].tolist()
    ((1, 64, 64), (5, 2), [True, True, True, True, True])
    """

    def __init__(
        self,
        length: int = 1000,
        *,
        size: int | tuple[int, int] = 64,
        heights: tuple[float, float] = (32, 52),
        turn: float = 30,
        occluded: float = 0.3,
        noise: float = 0.03,
        seed: int = 0,
    ) -> None:
        super().__init__(length, size, seed)
        self.heights, self.turn, self.occluded, self.noise = heights, turn, occluded, noise
        if not 16 <= heights[0] <= heights[1] <= min(self.size):
            raise ValueError(f"heights must rise from 16 or more to at most {min(self.size)}, got {heights}")
        for name, greatest in (("turn", 180), ("occluded", 1), ("noise", 1)):
            if not 0 <= getattr(self, name) <= greatest:
                raise ValueError(f"{name} must lie between 0 and {greatest}, got {getattr(self, name)}")

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Any]]:
        rng = self.generator(index)
        canvas = background(rng, self.size, 0.6)
        face = _Face(rng, self.size, rng.uniform(*self.heights), math.radians(rng.uniform(-self.turn, self.turn)))
        face.draw(canvas, rng)
        visible = np.ones(len(LANDMARKS), bool)
        if rng.random() < self.occluded:
            visible = face.draw_bar(canvas, rng)
        target = {
            "points": Tensor._wrap(face.points.astype(np.float32)),
            "visible": Tensor._wrap(visible),
            "size": 2 * face.half,
        }
        return Tensor._wrap(finish(canvas, rng, self.noise)), target


class _Face:
    """One face: its pose, its proportions, and where that puts its landmarks in the picture.

    Its own coordinates have the head's centre as origin and half its height as unit, u to the right, v down.
    """

    def __init__(self, rng: np.random.Generator, size: tuple[int, int], height: float, angle: float) -> None:
        self.half, self.angle = height / 2, angle
        reach = [
            math.hypot(math.cos(angle), math.sin(angle) * WIDTH),
            math.hypot(math.sin(angle), math.cos(angle) * WIDTH),
        ]
        y, x = (rng.uniform(self.half * r, n - self.half * r) for r, n in zip(reach, size, strict=True))
        self.centre = x, y
        look = rng.uniform(-0.14, 0.14)  # features move sideways when a head turns, the nose most
        eyes, brow = rng.uniform(0.26, 0.36), rng.uniform(-0.28, -0.1)
        self.mouth, self.smile = rng.uniform(0.18, 0.34), rng.uniform(-0.12, 0.16)
        nose, lips = rng.uniform(0.08, 0.22), rng.uniform(0.42, 0.58)
        self.own = np.array([
            (look - eyes, brow), (look + eyes, brow), (1.4 * look, nose),
            (look - self.mouth, lips), (look + self.mouth, lips),
        ])  # fmt: skip
        self.points = self.placed(self.own)

    def placed(self, own: np.ndarray) -> np.ndarray:
        """Points ``(n, 2)`` of the face's coordinates in the picture's."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        return np.array(self.centre) + self.half * own @ np.array([[cos, sin], [-sin, cos]])

    def draw(self, canvas: np.ndarray, rng: np.random.Generator) -> None:
        """Paint head, eyes, nose and mouth."""
        skin, dark = rng.uniform(0.55, 0.95), rng.uniform(0.0, 0.25)
        half, angle, line = self.half, self.angle, max(1.0, 0.06 * self.half)
        part, x, y = window(canvas, np.array([self.centre]), half + 1)
        head = ellipse(x, y, self.centre, (half * WIDTH, half), angle)
        paint(part, head, dark)
        paint(part, head + line, skin)
        open_by = rng.uniform(0.05, 0.09)
        for eye in self.points[:2]:
            part, x, y = window(canvas, eye[None], 0.13 * half + 1)
            paint(part, ellipse(x, y, (eye[0], eye[1]), (half * 0.13, half * open_by), angle), 1.0)
            paint(part, ellipse(x, y, (eye[0], eye[1]), (half * 0.055, half * 0.055), angle), dark)
        bridge, tip = self.own[:2].mean(axis=0), self.own[2]
        side = math.copysign(0.1, tip[0] or 1.0)
        nose = self.placed(np.array([bridge, tip, (tip[0] - side, tip[1])]))
        part, x, y = window(canvas, nose, line + 1)
        paint(part, polyline(x, y, nose, line), (skin + dark) / 2)
        t = np.linspace(-1, 1, 7)
        middle, sag = self.own[3:].mean(axis=0), self.smile * (1 - t**2)
        lips = self.placed(np.stack([middle[0] + self.mouth * t, middle[1] + sag], axis=1))
        part, x, y = window(canvas, lips, line + 1)
        paint(part, polyline(x, y, lips, 1.3 * line), dark)

    def draw_bar(self, canvas: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Paint a bar over some part of the face; which landmarks it leaves visible, bool ``(5,)``."""
        middle = self.points[rng.integers(len(self.points))] + self.half * rng.uniform(-0.3, 0.3, 2)
        centre, angle = (middle[0], middle[1]), rng.uniform(0, np.pi)
        half = self.half * rng.uniform(0.5, 1.0), self.half * rng.uniform(0.12, 0.3)
        part, x, y = window(canvas, middle[None], math.hypot(*half) + 1)
        paint(part, rectangle(x, y, centre, half, angle), rng.uniform(0, 1))
        return rectangle(self.points[:, 0], self.points[:, 1], centre, half, angle) > 0
