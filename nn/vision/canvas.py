"""Grey pictures that are computed, and data sets of them: a background, shapes with smooth edges, noise.

Positions are pixels: x to the right, y down, pixel (row r, column c) covers [c, c + 1) × [r, r + 1).  A shape is the
signed distance of points to it, in pixels, negative inside.
"""

from __future__ import annotations

import math
import operator

import numpy as np

from ..data.loader import Dataset

__all__ = [
    "DrawnDataset",
    "background",
    "ellipse",
    "finish",
    "paint",
    "pixel_centres",
    "polyline",
    "rectangle",
    "turned",
    "window",
]

Pair = tuple[float, float]


class DrawnDataset(Dataset):
    """Pictures of one size (a number or (H, W)), drawn anew when asked for: picture i from ``(seed, i)`` alone.

    Raises ValueError for a negative length or seed and a size below 1.
    """

    def __init__(self, length: int, size: int | tuple[int, int], seed: int) -> None:
        height, width = size if isinstance(size, tuple | list) else (size, size)
        self.length, self.seed = operator.index(length), operator.index(seed)
        self.size = operator.index(height), operator.index(width)
        for name, value, least in (("length", self.length, 0), ("seed", self.seed, 0), ("size", min(self.size), 1)):
            if value < least:
                raise ValueError(f"{name} must be at least {least}, got {value}")

    def __len__(self) -> int:
        return self.length

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.length} of {self.size[0]}×{self.size[1]}, seed={self.seed})"

    def generator(self, index: int) -> np.random.Generator:
        """What picture ``index`` is drawn from.  Raises IndexError out of range."""
        position = operator.index(index)
        position += self.length * (position < 0)
        if not 0 <= position < self.length:
            raise IndexError(f"picture {index} is out of range for {self.length} pictures")
        return np.random.default_rng((self.seed, position))


def background(rng: np.random.Generator, size: tuple[int, int], greatest: float) -> np.ndarray:
    """A ramp between two grey values of at most ``greatest``, in some direction: float32 ``(H, W)``."""
    angle = rng.uniform(0, 2 * np.pi)
    first, last = rng.uniform(0, greatest, 2)
    down, across = math.sin(angle), math.cos(angle)
    slope = (last - first) / 2 / (abs(down) + abs(across))
    rows = (first + last) / 2 + slope * down * np.linspace(-1, 1, size[0])
    columns = slope * across * np.linspace(-1, 1, size[1])
    return rows.astype(np.float32)[:, None] + columns.astype(np.float32)


def finish(canvas: np.ndarray, rng: np.random.Generator, noise: float) -> np.ndarray:
    """The picture ``(H, W)`` under normal noise, cut off at 0 and 1, as ``(1, H, W)``; the canvas is used for it."""
    if noise:
        canvas += np.float32(noise) * rng.standard_normal(canvas.shape, np.float32)
    np.minimum(np.maximum(canvas, 0, out=canvas), 1, out=canvas)
    return canvas[None]


def pixel_centres(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The x ``(W,)`` and the y ``(H, 1)`` of all pixels' centres."""
    return np.arange(size[1], dtype=np.float32) + 0.5, np.arange(size[0], dtype=np.float32)[:, None] + 0.5


def window(canvas: np.ndarray, points: np.ndarray, margin: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The part of a canvas that holds points ``(n, 2)`` and a margin around them: a view, and its pixels' x and y."""
    x0, y0 = np.maximum(np.floor(points.min(axis=0) - margin), 0).astype(int).tolist()
    x1, y1 = np.maximum(np.ceil(points.max(axis=0) + margin), 0).astype(int).tolist()
    part = canvas[y0:y1, x0:x1]
    x, y = pixel_centres((part.shape[0], part.shape[1]))
    return part, x + x0, y + y0


def paint(canvas: np.ndarray, distance: np.ndarray, grey: float) -> None:
    """Fill a shape; a pixel whose centre is within half a pixel of its edge is covered in part."""
    cover = np.minimum(np.maximum(0.5 - distance, 0), 1)
    canvas += (np.float32(grey) - canvas) * cover


def turned(x: np.ndarray, y: np.ndarray, centre: Pair, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Points as seen from a centre by one who is turned by ``angle`` (radians, clockwise in the picture)."""
    dx, dy = x - centre[0], y - centre[1]
    cos, sin = math.cos(angle), math.sin(angle)
    return dx * cos + dy * sin, dy * cos - dx * sin


def ellipse(x: np.ndarray, y: np.ndarray, centre: Pair, axes: Pair, angle: float) -> np.ndarray:
    """Distance to an ellipse of half axes ``axes``: to first order, (f − 1) / ‖∇f‖ for f = ‖(u/a, v/b)‖."""
    u, v = turned(x, y, centre, angle)
    a, b = axes
    f = np.sqrt((u / a) ** 2 + (v / b) ** 2)
    return f * (f - 1) / np.maximum(np.sqrt((u / a**2) ** 2 + (v / b**2) ** 2), 1e-6)


def rectangle(x: np.ndarray, y: np.ndarray, centre: Pair, half: Pair, angle: float) -> np.ndarray:
    """Distance to a rectangle of half sides ``half``."""
    u, v = turned(x, y, centre, angle)
    u, v = np.abs(u) - half[0], np.abs(v) - half[1]
    return np.hypot(np.maximum(u, 0), np.maximum(v, 0)) + np.minimum(np.maximum(u, v), 0)


def polyline(x: np.ndarray, y: np.ndarray, corners: np.ndarray, width: float) -> np.ndarray:
    """Distance to a line of some width along ``corners`` ``(n, 2)``, its ends round."""
    nearest = np.full(np.broadcast_shapes(x.shape, y.shape), np.inf, np.float32)
    for (x0, y0), (x1, y1) in zip(corners[:-1].tolist(), corners[1:].tolist(), strict=True):
        dx, dy = x1 - x0, y1 - y0
        along = ((x - x0) * dx + (y - y0) * dy) / max(dx * dx + dy * dy, 1e-12)
        along = np.minimum(np.maximum(along, 0), 1)
        np.minimum(nearest, (x - x0 - along * dx) ** 2 + (y - y0 - along * dy) ** 2, out=nearest)
    return np.sqrt(nearest) - np.float32(width / 2)
