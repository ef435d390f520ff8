"""Figures of merit of predictions: functions of a prediction and a target, tensors or arrays.

Classes are predicted by scores ``(N, C, …)``, of which the largest along axis 1 counts, or by class numbers ``(N, …)``;
the target has class numbers ``(N, …)``.  Zero divisions are defined: a class that was never predicted has precision
``zero_division``, and so on.

>>> target = [0, 0, 1, 2]
>>> confusion_matrix([0, 1, 1, 1], target)
array([[1, 1, 0],
       [0, 1, 0],
       [0, 1, 0]])
>>> accuracy([0, 1, 1, 1], target)
0.5
>>> recall([0, 1, 1, 1], target, average=None)
array([0.5, 1. , 0. ])
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy import ndarray

from autograd_lite import Tensor

__all__ = [
    "accuracy", "confusion_matrix", "f1", "mean_absolute_error", "mean_squared_error", "precision", "r2", "recall",
    "top_k_accuracy",
]  # fmt: skip

AVERAGES = "macro", "micro", "weighted", "binary", None


# -- classification ---------------------------------------------------------------------------------------------------


def accuracy(prediction: Any, target: Any) -> float:
    """The share of right predictions: ``(N, C, …) or int (N, …), int (N, …) -> number``.

    Raises as `confusion_matrix`.

    >>> accuracy([[0.1, 0.9], [0.8, 0.2]], [1, 1])
    0.5
    """
    predicted, classes, _ = _classes(prediction, target)
    return float(np.mean(predicted == classes))


def top_k_accuracy(prediction: Any, target: Any, k: int = 5) -> float:
    """The share of examples whose class is among the k highest scores: ``(N, C, …), int (N, …) -> number``.

    Of equal scores the first counts as the higher, so that ``k=1`` is `accuracy`.  Raises ValueError for a k outside 1
    to C, and as `confusion_matrix`.
    """
    scores = _array(prediction)
    _, classes, count = _classes(scores, target)
    if scores.ndim != _array(target).ndim + 1:
        raise ValueError(f"top_k_accuracy needs scores (N, C, …), got shape {scores.shape}")
    if not 1 <= operator.index(k) <= count:
        raise ValueError(f"k must be from 1 to the number of classes, {count}, got {k}")
    rows = np.moveaxis(scores, 1, -1).reshape(-1, count)
    own = np.take_along_axis(rows, classes[:, None], 1)
    before = np.arange(count) < classes[:, None]
    ahead = (rows > own) | ((rows == own) & before)
    return float(np.mean(ahead.sum(1) < k))


def confusion_matrix(prediction: Any, target: Any, classes: int | None = None) -> ndarray:
    """How often class i was taken for class j, at ``[i, j]``: ``(N, C, …) or int (N, …), int (N, …) -> int64 (C, C)``.

    C is ``classes``, else the number of scores, else the largest class and one.  Raises ValueError for shapes that do
    not belong together, no examples, a score that is NaN, and a class below 0 or not below C; TypeError for targets
    that are not whole numbers.
    """
    predicted, true, count = _classes(prediction, target, classes)
    return np.bincount(true * count + predicted, minlength=count * count).reshape(count, count)


def precision(
    prediction: Any, target: Any, average: str | None = "macro", zero_division: float = 0.0
) -> float | ndarray:
    """Of the examples that were taken for a class, the share that is of it: ``TP / (TP + FP)``.

    ``average``: None gives an array ``(C,)`` with the figure of every class.  "macro" is its mean over the classes that
    occur among targets or predictions, "weighted" the mean weighted by how often each is the target, "micro" counts
    all classes together, and "binary" is the figure of class 1 of two.  As in scikit-learn, where "binary" is the
    default.  Raises ValueError for another ``average``, and as `confusion_matrix`.
    """
    matrix = _matrix(prediction, target, average)
    return _averaged(np.diag(matrix), matrix.sum(0), matrix, average, zero_division)


def recall(prediction: Any, target: Any, average: str | None = "macro", zero_division: float = 0.0) -> float | ndarray:
    """Of the examples of a class, the share that was found: ``TP / (TP + FN)``.  Arguments as for `precision`."""
    matrix = _matrix(prediction, target, average)
    return _averaged(np.diag(matrix), matrix.sum(1), matrix, average, zero_division)


def f1(prediction: Any, target: Any, average: str | None = "macro", zero_division: float = 0.0) -> float | ndarray:
    """The harmonic mean of precision and recall: ``2 TP / (2 TP + FP + FN)``.  Arguments as for `precision`."""
    matrix = _matrix(prediction, target, average)
    return _averaged(2 * np.diag(matrix), matrix.sum(0) + matrix.sum(1), matrix, average, zero_division)


def _matrix(prediction: Any, target: Any, average: str | None) -> ndarray:
    if average not in AVERAGES:
        raise ValueError(f"average must be one of {', '.join(map(repr, AVERAGES))}, got {average!r}")
    matrix = confusion_matrix(prediction, target)
    if average == "binary":
        if len(matrix) > 2:
            raise ValueError(f"average='binary' is for two classes, got {len(matrix)}")
        matrix = np.pad(matrix, (0, 2 - len(matrix)))  # only class 0 occurs
    return matrix


def _averaged(
    hits: ndarray, of: ndarray, matrix: ndarray, average: str | None, zero_division: float
) -> float | ndarray:
    """``hits / of`` by class, brought together as ``average`` says."""
    if average == "micro":
        hits, of = hits.sum(keepdims=True), of.sum(keepdims=True)
    shares = np.divide(hits, of, out=np.full(len(of), float(zero_division)), where=of > 0)
    if average is None:
        return shares
    if average == "binary":
        return float(shares[1])
    if average == "micro":
        return float(shares[0])
    support = matrix.sum(1)
    weights = support if average == "weighted" else (support + matrix.sum(0) > 0).astype(np.float64)
    return float(np.average(shares, weights=weights))


def _classes(prediction: Any, target: Any, classes: int | None = None) -> tuple[ndarray, ndarray, int]:
    """Predicted and true classes, flat, and their number."""
    predicted, true = _array(prediction), _array(target)
    if true.dtype.kind not in "iub":
        raise TypeError(f"the target must be class numbers, got {true.dtype} {true.shape}")
    count = classes
    if predicted.ndim == true.ndim + 1 and predicted.shape[1] > 1:
        count = predicted.shape[1] if classes is None else classes
        if np.isnan(predicted).any():
            example = tuple(int(i) for i in np.argwhere(np.isnan(predicted))[0])
            raise ValueError(f"the score at {example} is NaN: no class has the largest one")
        predicted = predicted.argmax(1)
    elif predicted.dtype.kind not in "iub" and predicted.shape == true.shape:
        raise TypeError(
            f"predictions of the target's shape {true.shape} must be class numbers, got {predicted.dtype}; "
            "compare probabilities with a threshold first: p > 0.5"
        )
    if predicted.shape != true.shape:
        raise ValueError(
            f"predictions {_array(prediction).shape} do not belong to targets {true.shape}: "
            "give scores (N, C, …) or classes (N, …) for classes (N, …)"
        )
    if not true.size:
        raise ValueError(f"there are no examples: the shape of the targets is {true.shape}")
    predicted, true = predicted.reshape(-1).astype(np.int64), true.reshape(-1).astype(np.int64)
    if count is None:
        count = int(max(predicted.max(), true.max())) + 1
    for name, found in (("predicted", predicted), ("target", true)):
        wrong = found[(found < 0) | (found >= count)]
        if len(wrong):
            raise ValueError(f"{name} class {wrong[0]} is not from 0 to {count - 1}")
    return predicted, true, count


def _array(value: Any) -> ndarray:
    return value.detach().numpy() if isinstance(value, Tensor) else np.asarray(value)


# -- regression -------------------------------------------------------------------------------------------------------


def mean_absolute_error(prediction: Any, target: Any) -> float:
    """``(1/N) Σ |y − ŷ|`` over all elements  (cheat sheet 2.1).  Raises ValueError for two shapes and for no elements.

    >>> mean_absolute_error([1.0, 2.0], [1.0, 4.0])
    1.0
    """
    predicted, true = _same_shape(prediction, target)
    return float(np.abs(true - predicted).mean())


def mean_squared_error(prediction: Any, target: Any) -> float:
    """``(1/N) Σ (y − ŷ)²`` over all elements  (cheat sheet 2.1).  Raises ValueError for two shapes and for no elements.

    >>> mean_squared_error([1.0, 2.0], [1.0, 4.0])
    2.0
    """
    predicted, true = _same_shape(prediction, target)
    return float(((true - predicted) ** 2).mean())


def r2(prediction: Any, target: Any) -> float:
    """The share of the variance that is explained: ``1 − Σ (y − ŷ)² / Σ (y − ȳ)²``, ȳ the mean of all elements.

    For a constant target 1 if the prediction is exact, else 0.  Raises ValueError for two shapes and for no elements.

    >>> r2([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    0.7857142857142857
    """
    predicted, true = _same_shape(prediction, target)
    left, whole = float(((true - predicted) ** 2).sum()), float(((true - true.mean()) ** 2).sum())
    if whole == 0:
        return float(left == 0)
    return 1 - left / whole


def _same_shape(prediction: Any, target: Any) -> tuple[ndarray, ndarray]:
    predicted, true = _array(prediction).astype(np.float64), _array(target).astype(np.float64)
    if predicted.shape != true.shape:
        raise ValueError(f"predictions {predicted.shape} and targets {true.shape} must have one shape")
    if not true.size:
        raise ValueError(f"there are no examples: the shape of the targets is {true.shape}")
    return predicted, true
