"""Anchor boxes: the usual shapes of objects, as ``(width, height)``, from which a detector predicts the difference."""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from autograd_lite import Generator, Tensor

from .boxes import as_numpy

__all__ = ["Anchors", "anchor_iou", "best_anchor", "checked_sizes", "kmeans_anchors"]


class Anchors(NamedTuple):
    """What `kmeans_anchors` found: ``sizes`` float32 ``(k, 2)``, and the mean IoU of an object with its best anchor."""

    sizes: Tensor
    mean_iou: float


def anchor_iou(sizes: Any, anchors: Any) -> ndarray:
    """The IoU of boxes that share their centre, by ``(width, height)``: ``(N, 2), (A, 2) -> float64 (N, A)``.

    Raises ValueError for other shapes and for a side that is not a number above 0  (cheat sheet 5.3).

    >>> anchor_iou([[4, 2]], [[2, 4], [4, 4]])
    array([[0.33333333, 0.5       ]])
    """
    sizes, anchors = checked_sizes("sizes", sizes), checked_sizes("anchors", anchors)
    both = np.minimum(sizes[:, None], anchors).prod(2)
    return both / (sizes.prod(1)[:, None] + anchors.prod(1) - both)


def best_anchor(sizes: Any, anchors: Any) -> ndarray:
    """The anchor of the highest `anchor_iou`, of equal ones the first: ``(N, 2), (A, 2) -> int64 (N,)``.

    Raises ValueError as `anchor_iou`, and without anchors  (cheat sheet 5.3).

    >>> best_anchor([[4, 2], [1, 3]], [[2, 4], [4, 4]])
    array([1, 0])
    """
    overlaps = anchor_iou(sizes, anchors)
    if not overlaps.shape[1]:
        raise ValueError("there are no anchors")
    return overlaps.argmax(1)


def kmeans_anchors(sizes: Any, k: int, *, generator: Generator | None = None, max_iterations: int = 300) -> Anchors:
    """k anchor boxes for objects of ``sizes``, by k-means with the distance 1 − IoU: ``(N, 2) -> (k, 2)``.

    Centres start as in k-means++ (Arthur & Vassilvitskii 2007) and move to the mean width and height of the objects
    that are nearest to them; one that no object is nearest to moves to the object that is served worst.  A mean does
    not minimise this distance, so a round can make things worse: the best round counts.  The anchors are sorted by
    area.  The default generator has the seed 0.  Raises ValueError as `anchor_iou`, and for a k that is not from 1 to
    the number of different sizes.  Source: Redmon & Farhadi 2017  (cheat sheet 5.3).

    >>> kmeans_anchors([[2, 2], [2, 2], [9, 3], [9, 3]], 2).sizes
    tensor([[2., 2.],
            [9., 3.]])
    """
    points = checked_sizes("sizes", sizes)
    different = len(np.unique(points, axis=0))
    if not 1 <= operator.index(k) <= different:
        raise ValueError(f"k must be from 1 to {different}, the number of different sizes, got {k}")
    rng = (generator or Generator(0))._rng
    centres = _spread_out(points, k, rng)
    best, best_iou = centres, -1.0
    nearest = np.full(len(points), -1)
    for _ in range(max_iterations):
        overlaps = anchor_iou(points, centres)
        own = overlaps.max(1)
        if own.mean() > best_iou:
            best, best_iou = centres, float(own.mean())
        before, nearest = nearest, overlaps.argmax(1)
        if (nearest == before).all():
            break
        centres = _means(points, nearest, own, k)
    best = best[np.lexsort((best[:, 0], best.prod(1)))]
    return Anchors(Tensor(best.astype(np.float32)), best_iou)


def _spread_out(points: ndarray, k: int, rng: np.random.Generator) -> ndarray:
    """k-means++: each next centre is an object drawn with a chance that grows with its squared distance."""
    centres = points[[rng.integers(len(points))]]
    while len(centres) < k:
        distance = 1 - anchor_iou(points, centres).max(1)
        distance[(points[:, None] == centres).all(2).any(1)] = 0  # of itself, which rounding leaves above 0
        chances = np.maximum(distance, 0) ** 2
        centres = np.concatenate([centres, points[[rng.choice(len(points), p=chances / chances.sum())]]])
    return centres


def _means(points: ndarray, nearest: ndarray, own: ndarray, k: int) -> ndarray:
    """The mean size of the objects of each centre; those without objects take the worst served ones."""
    counts = np.bincount(nearest, minlength=k)
    sums = np.stack([np.bincount(nearest, column, minlength=k) for column in points.T], 1)
    empty = counts == 0
    centres = sums / np.maximum(counts, 1)[:, None]
    centres[empty] = points[np.argsort(own, kind="stable")[: empty.sum()]]
    return centres


def checked_sizes(name: str, value: Any) -> ndarray:
    """Widths and heights as float64 ``(N, 2)``.  Raises ValueError for another shape, and for a side not above 0."""
    array = as_numpy(value).astype(np.float64)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ValueError(f"{name} must be (N, 2), each a width and a height, got {array.shape}")
    wrong = np.flatnonzero(~((array > 0) & np.isfinite(array)).all(1))
    if len(wrong):
        raise ValueError(f"{name}[{wrong[0]}] is {array[wrong[0]].tolist()}: width and height must be numbers above 0")
    return array
