"""Localization: is there an object in the image, where, and of which class?  (cheat sheet 5.1, 5.2).

The answer is one vector ``y = [p_c, b_x, b_y, b_h, b_w, c_1 … c_C]`` for an image: whether there is an object, the
centre of its box, height before width, all as parts of the image's width and height, and a probability for each class.
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
from ..layers.activation import LeakyReLU
from ..layers.container import Flatten, Sequential
from ..layers.linear import Linear
from ..layers.pool import AdaptiveMaxPool2d
from ..models import Shape
from ..module import Module
from .backbone import Backbone
from .boxes import box_convert, iou
from .grid import BOX, CLASSES, OBJECT

__all__ = [
    "LocalizationLoss", "LocalizationNet", "class_accuracy", "localization_boxes", "localization_iou",
    "localization_vectors", "presence_accuracy",
]  # fmt: skip


class LocalizationNet(Module):
    """A network that classifies and locates one object: ``(N, C, H, W) -> (N, 5 + classes)``  (cheat sheet 5.1, 5.2).

    After a `Backbone` of ``filters``, of which the first ``pools`` halve the image, two heads share the work:
    ``where``, two linear layers on all features of all places, gives p_c and the box; ``what``, one linear layer on the
    largest value of each feature, wherever it is, gives the classes.  The output is raw, see `localization_vectors`.
    Raises ValueError for an image whose sides are not multiples of 2^pools, and for fewer than 1 class.
    """

    def __init__(
        self, shape: Shape = (1, 32, 32), classes: int = 10, filters: Sequence[int] = (16, 32, 64, 64), pools: int = 3,
        hidden: int = 128, *, generator: Any = None,
    ) -> None:  # fmt: skip
        channels, height, width = shape
        stride = 2**pools
        if classes < 1:
            raise ValueError(f"there must be at least 1 class, got {classes}")
        if min(height, width) < 1 or height % stride or width % stride:
            raise ValueError(f"the sides of the image must be multiples of {stride}, got {shape}")
        self.backbone = Backbone(channels, filters, pools, generator=generator)
        self.where = Sequential({
            "flatten": Flatten(),
            "fc1": Linear(filters[-1] * (height // stride) * (width // stride), hidden, generator=generator),
            "act": LeakyReLU(),
            "fc2": Linear(hidden, CLASSES.start, generator=generator),
        })  # fmt: skip
        self.what = Sequential({
            "pool": AdaptiveMaxPool2d(1), "flatten": Flatten(),
            "fc": Linear(filters[-1], classes, generator=generator),
        })  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        features = self.backbone(x)
        return al.cat([self.where(features), self.what(features)], 1)


def localization_vectors(raw: Tensor) -> Tensor:
    """The vectors y that raw outputs stand for: ``(…, 5 + C) -> (…, 5 + C)``  (cheat sheet 5.2).

    p_c and the box are sigmoids of the raw outputs, c_1 … c_C their softmax.

    >>> localization_vectors(al.zeros(1, 7))
    tensor([[0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]])
    """
    return al.cat([F.sigmoid(raw[..., : CLASSES.start]), F.softmax(raw[..., CLASSES], -1)], -1)


def localization_boxes(y: Any, size: tuple[int, int]) -> Any:
    """The boxes of vectors y in pixels of an image of ``size`` (H, W): ``(…, 5 + C) -> (…, 4)``, xyxy.

    >>> localization_boxes(al.tensor([[1.0, 0.5, 0.5, 0.5, 0.25, 1.0]]), (64, 32))
    tensor([[12., 16., 20., 48.]])
    """
    height, width = size
    b_x, b_y, b_h, b_w = [y[..., i] for i in range(BOX.start, BOX.stop)]
    return box_convert(al.stack([b_x * width, b_y * height, b_w * width, b_h * height], -1), "cxcywh", "xyxy")


# -- loss -------------------------------------------------------------------------------------------------------------


class LocalizationLoss(Module):
    """The hybrid loss of raw outputs and vectors y: ``(N, 5 + C), (N, 5 + C) -> ()``  (cheat sheet 5.2).

    ``(1/N) Σ [w_p BCE(p_c) + p_c (w_b ‖b − b̂‖² + w_c CE(c, ĉ))]``: a box and a class count only where there is an
    object, p_c = 1.  BCE is the binary cross entropy of the sigmoid, CE the cross entropy of the softmax.  The sheet
    leaves the weights open; parts of an image are small numbers, therefore w_b is 30.  Raises ValueError for two
    shapes, for vectors of fewer than 6 elements, a p_c of the target other than 0 and 1, and a negative weight.

    >>> y = al.tensor([[1.0, 0.5, 0.5, 0.5, 0.5, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]])
    >>> LocalizationLoss()(al.zeros(2, 7), y)  # ln 2 for p_c of both, ln 2 for the class of one
    tensor(1.0397)
    """

    def __init__(self, object_weight: float = 1.0, box_weight: float = 30.0, class_weight: float = 1.0) -> None:
        weights = {"object_weight": object_weight, "box_weight": box_weight, "class_weight": class_weight}
        check_at_least_zero(weights, *weights)
        self.object_weight, self.box_weight, self.class_weight = object_weight, box_weight, class_weight

    def forward(self, raw: Tensor, y: Tensor) -> Tensor:
        present = _checked(raw, y)
        loss = self.object_weight * F.binary_cross_entropy_with_logits(raw[:, OBJECT], y[:, OBJECT])
        if not present.any():
            return loss
        found, true = raw[present], y[present]
        share = len(found) / len(raw)  # means over the objects become sums over them, divided by N
        box = 4 * F.mse_loss(F.sigmoid(found[:, BOX]), true[:, BOX])
        label = F.cross_entropy(found[:, CLASSES], true[:, CLASSES].argmax(1))
        return loss + share * (self.box_weight * box + self.class_weight * label)

    def extra_repr(self) -> str:
        return f"object_weight={self.object_weight}, box_weight={self.box_weight}, class_weight={self.class_weight}"


def _checked(raw: Tensor, y: Tensor) -> ndarray:
    """Where there is an object.  Raises ValueError for shapes and a p_c that are impossible."""
    if raw.shape != y.shape or raw.ndim != 2 or raw.shape[1] <= CLASSES.start:
        raise ValueError(f"outputs and vectors must both be (N, 5 + C), got {raw.shape} and {y.shape}")
    p_c = y.numpy()[:, OBJECT]
    wrong = np.flatnonzero((p_c != 0) & (p_c != 1))
    if len(wrong):
        raise ValueError(f"p_c of example {wrong[0]} is {p_c[wrong[0]]}; a target has 0 or 1")
    return p_c == 1


# -- metrics ----------------------------------------------------------------------------------------------------------


def localization_iou(raw: Tensor, y: Tensor) -> float:
    """The mean IoU of predicted and true boxes, over the images with an object: ``(N, 5 + C), (N, 5 + C) -> number``.

    NaN without objects.  Raises ValueError as `LocalizationLoss`.
    """
    present = _checked(raw, y)
    found, true = localization_vectors(raw.detach()[present]), y[present]
    return _mean(iou(localization_boxes(found, (1, 1)), localization_boxes(true, (1, 1))).numpy())


def class_accuracy(raw: Tensor, y: Tensor) -> float:
    """The share of objects whose class was found.  Shapes, NaN and errors as of `localization_iou`."""
    present = _checked(raw, y)
    found, true = raw.detach().numpy()[present], y.numpy()[present]
    return _mean(found[:, CLASSES].argmax(1) == true[:, CLASSES].argmax(1))


def presence_accuracy(raw: Tensor, y: Tensor) -> float:
    """The share of images for which p_c is on the right side of ½.  Shapes and errors as of `localization_iou`."""
    present = _checked(raw, y)
    return _mean((raw.detach().numpy()[:, OBJECT] > 0) == present)


def _mean(values: ndarray) -> float:
    return float(values.mean()) if len(values) else math.nan
