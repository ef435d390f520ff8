"""Non-max suppression: one detection for each object, where a detector has found it several times.

All functions take the boxes (x₁, y₁, x₂, y₂) and scores of one image, Tensors or arrays, without gradients.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

import autograd_lite as al
from autograd_lite import Tensor, kernels

from .boxes import as_numpy

__all__ = ["batched_nms", "nms", "soft_nms"]


def nms(boxes: Any, scores: Any, iou_threshold: float) -> Tensor:
    """The boxes that stay, by falling score, as indices: ``(N, 4), (N,) -> int64 (M,)``  (cheat sheet 5.3).

    The box with the highest score stays, of equal ones the first; those whose IoU with it is above ``iou_threshold``
    go; then the next of the rest.  A box without area overlaps none.  Raises ValueError for a threshold outside
    [0, 1], for other shapes, for a score that is NaN, and for a coordinate that is not finite.

    >>> boxes = al.tensor([[0.0, 0.0, 10.0, 10.0], [1.0, 0.0, 10.0, 10.0], [20.0, 0.0, 30.0, 10.0]])
    >>> nms(boxes, al.tensor([0.7, 0.9, 0.8]), 0.5)
    tensor([1, 2])
    """
    found, given = _checked(boxes, scores)
    return Tensor(_greedy(found, given, _checked_threshold(iou_threshold)))


def batched_nms(boxes: Any, scores: Any, idxs: Any, iou_threshold: float) -> Tensor:
    """`nms` of each class by itself: ``(N, 4), (N,), int (N,) -> int64 (M,)``, by falling score.

    ``idxs`` are the boxes' classes.  Raises as `nms`, and for classes of another shape  (cheat sheet 5.3).

    >>> box = [0.0, 0.0, 10.0, 10.0]
    >>> batched_nms(al.tensor([box, box, box]), al.tensor([0.7, 0.9, 0.8]), al.tensor([0, 1, 0]), 0.5)
    tensor([1, 2])
    """
    found, given = _checked(boxes, scores)
    threshold, classes = _checked_threshold(iou_threshold), as_numpy(idxs)
    if classes.shape != given.shape:
        raise ValueError(f"there are classes of shape {classes.shape} for scores of shape {given.shape}")
    kept = np.zeros(len(given), bool)
    for one in np.unique(classes):
        members = np.flatnonzero(classes == one)
        kept[members[_greedy(found[members], given[members], threshold)]] = True
    order = _by_score(given)
    return Tensor(order[kept[order]])


def soft_nms(
    boxes: Any,
    scores: Any,
    method: str = "gaussian",
    *,
    iou_threshold: float = 0.3,
    sigma: float = 0.5,
    score_threshold: float = 0.001,
) -> tuple[Tensor, Tensor]:
    """`nms` that lowers scores instead of dropping boxes: ``(N, 4), (N,) -> int64 (M,), (M,)``  (cheat sheet 5.3).

    The box with the highest score is kept with it, of equal ones the first, and the score of each other box becomes,
    by "gaussian", ``s e^(−IoU²/σ)``, by "linear", ``s (1 − IoU)`` if the IoU is at least ``iou_threshold``; then the
    next of the rest, as long as its score is at least ``score_threshold``.  Returns indices and the lowered scores.
    Raises ValueError for another method, σ ≤ 0, a score that is negative or infinite, and as `nms`.
    Source: Bodla et al. 2017.

    >>> boxes = al.tensor([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 5.0]])
    >>> soft_nms(boxes, al.tensor([0.9, 0.8]), "linear")
    (tensor([0, 1]), tensor([0.9, 0.4]))
    """
    if method not in ("gaussian", "linear"):
        raise ValueError(f"method must be 'gaussian' or 'linear', got {method!r}")
    if not sigma > 0:
        raise ValueError(f"sigma must be above 0, got {sigma}")
    found, given = _checked(boxes, scores)
    threshold = _checked_threshold(iou_threshold)
    wrong = (given < 0) | np.isinf(given)
    if wrong.any():
        i = int(wrong.argmax())
        raise ValueError(f"score {i} is {given[i]}: soft-NMS multiplies scores, which must be finite and not negative")
    found = found.astype(np.result_type(found, given), copy=False)  # scores keep their order
    kind = found.dtype.type
    kept, lowered = np.empty(len(given), np.int64), given.astype(kind)
    count = kernels.nms.decay(
        np.ascontiguousarray(found.T), lowered, kind(threshold), float(sigma if method == "gaussian" else 0),
        kind(score_threshold), kept,
    )  # fmt: skip
    return Tensor(kept[:count]), Tensor(lowered[:count])


def _greedy(boxes: ndarray, scores: ndarray, threshold: float) -> ndarray:
    """The indices of the boxes that stay, by falling score: ``(N, 4), (N,) -> (M,)``."""
    by_left = np.argsort(boxes[:, 0])
    place = np.empty_like(by_left)
    place[by_left] = np.arange(len(boxes))
    order = _by_score(scores)
    kept = np.zeros(len(boxes), bool)
    kernels.nms.suppress(np.ascontiguousarray(boxes[by_left].T), place[order], boxes.dtype.type(threshold), kept)
    return order[kept[place[order]]]


def _by_score(scores: ndarray) -> ndarray:
    """The indices by falling score, of equal ones the first first."""
    return np.argsort(-scores, kind="stable")


def _checked_threshold(iou_threshold: float) -> float:
    if not 0 <= iou_threshold <= 1:
        raise ValueError(f"iou_threshold must be from 0 to 1, got {iou_threshold}")
    return iou_threshold


def _checked(boxes: Any, scores: Any) -> tuple[ndarray, ndarray]:
    """Boxes as float32 or float64, and scores as floats."""
    found, given = as_numpy(boxes), as_numpy(scores)
    if found.ndim != 2 or found.shape[1] != 4 or given.shape != found.shape[:1]:
        raise ValueError(f"boxes (N, 4) and scores (N,) are needed, got {found.shape} and {given.shape}")
    if found.dtype not in (np.float32, np.float64):
        found = found.astype(np.float32 if found.dtype == np.float16 else al.get_default_dtype())
    if given.dtype.kind != "f":
        given = given.astype(al.get_default_dtype())
    for name, wrong, values in (
        ("score", np.isnan(given), given), ("box", ~np.isfinite(found).all(1), found),
    ):  # fmt: skip
        if wrong.any():
            i = int(wrong.argmax())
            raise ValueError(f"{name} {i} is {values[i].tolist()}, which is not a number to compare")
    return found, given
