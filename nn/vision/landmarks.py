"""Landmarks: the places of key points of an object, such as the corners of a mouth  (cheat sheet 5.1).

A point is ``[v, x, y]``: 1 or 0 for visible or hidden, and its place in pixels.  A target has a fourth number, the size
of the object in pixels: an error of 2 pixels is large on a small face and small on a large one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

import autograd_lite as al
from autograd_lite import Tensor

from .. import functional as F
from ..checks import check_at_least_zero
from ..layers.conv import Conv2d
from ..layers.linear import Linear
from ..module import Module
from .backbone import Backbone

__all__ = [
    "LandmarkLoss", "LandmarkNet", "landmark_target", "normalized_mean_error", "visibility_accuracy",
]  # fmt: skip

VISIBLE, PLACE, SIZE = 0, slice(1, 3), 3  # where they are in a point of a target


class LandmarkNet(Module):
    """A network that finds key points: ``(N, C, H, W) -> (N, points, 3)``, of each ``[v, x, y]``  (cheat sheet 5.1).

    A `Backbone` of ``filters``, of which the first ``pools`` halve the image, gives features of every cell; from these
    a 1×1 convolution gives each point a score in every cell, whose softmax over the cells says where the point may be.
    x and y, in pixels, are the mean of the cells' centres, so weighted (Nibali et al. 2018), and v, whose sigmoid is
    the probability that the point is visible, is linear in the mean of the features.  Raises ValueError for no points
    and for images whose sides are not multiples of 2^pools.
    """

    def __init__(
        self, points: int = 5, channels: int = 1, filters: Sequence[int] = (16, 32, 64, 64, 64), pools: int = 2,
        *, generator: Any = None,
    ) -> None:  # fmt: skip
        if points < 1:
            raise ValueError(f"there must be at least 1 point, got {points}")
        self.points, self.stride = points, 2**pools
        self.backbone = Backbone(channels, filters, pools, generator=generator)
        self.where = Conv2d(filters[-1], points, 1, generator=generator)
        self.seen = Linear(filters[-1], 1, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim != 4 or x.shape[2] % self.stride or x.shape[3] % self.stride:
            raise ValueError(f"images must be (N, C, H, W), sides multiples of {self.stride}, got {x.shape}")
        features = self.backbone(x)
        chances = F.softmax(self.where(features).flatten(2), -1)  # (N, P, cells)
        rows, columns = np.indices(features.shape[2:]).reshape(2, -1)
        centres = (np.stack([columns, rows], 1) + 0.5) * self.stride
        v = self.seen(chances @ features.flatten(2).transpose(1, 2))
        return al.cat([v, chances @ centres.astype(x.dtype)], -1)


def landmark_target(points: Any, visible: Any, size: Any) -> Tensor:
    """A target ``[v, x, y, size]`` for every point: ``(P, 2), (P,), () -> float32 (P, 4)``, lengths in pixels.

    Raises ValueError for other shapes and for a size that is not above 0.

    >>> landmark_target([[3.0, 4.0], [5.0, 6.0]], [True, False], 10.0)
    tensor([[ 1.,  3.,  4., 10.],
            [ 0.,  5.,  6., 10.]])
    """
    places, seen = np.asarray(points, np.float32), np.asarray(visible, np.float32)
    if places.ndim != 2 or places.shape != (len(seen), 2):
        raise ValueError(f"points must be (P, 2) and visible (P,), got {places.shape} and {seen.shape}")
    if not 0 < float(size) < math.inf:
        raise ValueError(f"the size of an object must be above 0 and finite, got {size}")
    sizes = np.full((len(seen), 1), size, np.float32)
    return Tensor(np.concatenate([seen[:, None], places, sizes], 1))


class LandmarkLoss(Module):
    """``(1/NP) Σ [w_v BCE(v) + w_p v ‖p − p̂‖² / size²]`` over all points: ``(N, P, 3), (N, P, 4) -> ()``.

    The place of a hidden point is not known (any number, or NaN), so that it counts only where v = 1, like a box in
    the hybrid loss (cheat sheet 5.1, 5.2).  Errors are small parts of the size, and squares of these smaller still: w_p
    is 50.  Raises ValueError for shapes that do not belong together, a v of the target other than 0 and 1, a size that
    is not above 0, and a negative weight.

    >>> target = landmark_target([[3.0, 4.0]], [True], 10.0)[None]
    >>> LandmarkLoss()(al.tensor([[[100.0, 3.0, 5.0]]]), target)  # visible for sure, 1 pixel of 10 beside
    tensor(0.5)
    """

    def __init__(self, visible_weight: float = 1.0, point_weight: float = 50.0) -> None:
        weights = {"visible_weight": visible_weight, "point_weight": point_weight}
        check_at_least_zero(weights, *weights)
        self.visible_weight, self.point_weight = visible_weight, point_weight

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        visible, size = _checked(prediction, target)
        places = prediction[..., 1:]  # that of a hidden point is compared with itself: the target may say NaN
        true = al.where(visible[..., None], target[..., PLACE], places)
        squares = al.square((places - true) / size[..., None]).sum(-1)
        seen = F.binary_cross_entropy_with_logits(prediction[..., VISIBLE], target[..., VISIBLE])
        return self.visible_weight * seen + self.point_weight * squares.mean()

    def extra_repr(self) -> str:
        return f"visible_weight={self.visible_weight}, point_weight={self.point_weight}"


def normalized_mean_error(prediction: Tensor, target: Tensor) -> float:
    """The mean distance of visible points from the truth, by the object's size: ``(N, P, 3), (N, P, 4) -> number``.

    ``NME = mean ‖p − p̂‖ / size``; NaN if no point is visible.  Raises ValueError as `LandmarkLoss`.

    >>> target = landmark_target([[3.0, 4.0], [5.0, 6.0]], [True, False], 10.0)[None]
    >>> normalized_mean_error(al.tensor([[[0.0, 3.0, 5.0], [0.0, 99.0, 99.0]]]), target)
    0.1
    """
    visible, size = _checked(prediction, target)
    places, true = prediction.detach().numpy()[..., 1:], target.numpy()[..., PLACE]
    errors = np.hypot(*np.moveaxis(places.astype(np.float64) - true, -1, 0)) / size
    return float(errors[visible].mean()) if visible.any() else math.nan


def visibility_accuracy(prediction: Tensor, target: Tensor) -> float:
    """The share of points whose visibility was found.  Shapes and errors as of `normalized_mean_error`."""
    visible, _ = _checked(prediction, target)
    return float(((prediction.detach().numpy()[..., VISIBLE] > 0) == visible).mean())


def _checked(prediction: Tensor, target: Tensor) -> tuple[ndarray, ndarray]:
    """Which points are visible, and the sizes: both ``(N, P)``.  Raises ValueError for what is impossible."""
    if prediction.ndim != 3 or prediction.shape[2] != 3 or target.shape != (*prediction.shape[:2], 4):
        raise ValueError(f"(N, P, 3) is needed for a target (N, P, 4), got {prediction.shape} and {target.shape}")
    array = target.numpy()
    visible, size = array[..., VISIBLE], array[..., SIZE]
    if not np.isin(visible, (0, 1)).all():
        raise ValueError(f"the v of a target is 0 or 1, got {visible[~np.isin(visible, (0, 1))][0]}")
    if not (size > 0).all():
        raise ValueError(f"the size of an object must be above 0, got {size[~(size > 0)][0]}")
    return visible == 1, size
