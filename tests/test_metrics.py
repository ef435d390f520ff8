"""Metrics against numbers computed by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
from nn.metrics import (
    accuracy,
    confusion_matrix,
    f1,
    mean_absolute_error,
    mean_squared_error,
    precision,
    r2,
    recall,
    top_k_accuracy,
)  # fmt: skip

# Three classes and one (3) that does not occur among the targets:
#            taken for 0  1  2  3
# of class 0           3  1  0  0
#          1           0  2  1  1
#          2           0  0  2  0
TARGET = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2])
PREDICTED = np.array([0, 0, 0, 1, 1, 1, 2, 3, 2, 2])
MATRIX = [[3, 1, 0, 0], [0, 2, 1, 1], [0, 0, 2, 0], [0, 0, 0, 0]]


def _scores(classes: np.ndarray, count: int = 4) -> np.ndarray:
    """Scores whose largest is at the given classes."""
    return np.eye(count, dtype=np.float32)[classes] * 3 - 1


@pytest.mark.parametrize("wrap", [np.asarray, al.as_tensor, np.ndarray.tolist])
def test_arrays_tensors_and_lists(wrap: Callable[[np.ndarray], Any]) -> None:
    assert confusion_matrix(wrap(PREDICTED), wrap(TARGET)).tolist() == MATRIX
    assert confusion_matrix(wrap(_scores(PREDICTED)), wrap(TARGET)).tolist() == MATRIX
    assert accuracy(wrap(_scores(PREDICTED)), wrap(TARGET)) == 0.7
    assert mean_absolute_error(wrap(PREDICTED), wrap(TARGET)) == 0.4  # 1 + 0 … + 1 + 2 of 10


def test_a_prediction_that_requires_a_gradient() -> None:
    scores = al.tensor([[0.0, 1.0]], requires_grad=True)
    assert accuracy(scores, al.tensor([1])) == 1
    assert mean_absolute_error(scores, al.zeros(1, 2)) == 0.5


def test_precision_recall_f1_of_each_class() -> None:
    assert precision(PREDICTED, TARGET, None).tolist() == pytest.approx([1, 2 / 3, 2 / 3, 0])
    assert recall(PREDICTED, TARGET, None).tolist() == pytest.approx([3 / 4, 2 / 4, 1, 0])
    assert f1(PREDICTED, TARGET, None).tolist() == pytest.approx([6 / 7, 4 / 7, 4 / 5, 0])  # 2·3/(3+4), 2·2/(3+4), …


def test_averages() -> None:
    shares = {precision: [1, 2 / 3, 2 / 3, 0], recall: [3 / 4, 2 / 4, 1, 0], f1: [6 / 7, 4 / 7, 4 / 5, 0]}
    for metric, (a, b, c, d) in shares.items():
        assert metric(PREDICTED, TARGET) == metric(PREDICTED, TARGET, "macro") == pytest.approx((a + b + c + d) / 4)
        assert metric(PREDICTED, TARGET, "weighted") == pytest.approx((4 * a + 4 * b + 2 * c) / 10)
        assert metric(PREDICTED, TARGET, "micro") == pytest.approx(0.7)


def test_zero_divisions_are_defined() -> None:
    """Class 3 is never a target, so that its recall is 0 / 0; a class 4 is neither, and does not count in a mean."""
    assert recall(PREDICTED, TARGET, None, zero_division=1.0)[3] == 1
    assert recall(PREDICTED, TARGET, zero_division=1.0) == pytest.approx((3 / 4 + 2 / 4 + 1 + 1) / 4)
    five = _scores(PREDICTED, 5)
    assert recall(five, TARGET, None, zero_division=0.5).tolist() == pytest.approx([3 / 4, 2 / 4, 1, 0.5, 0.5])
    assert f1(five, TARGET) == f1(PREDICTED, TARGET)
    assert precision([1, 1], [0, 0], None).tolist() == [0, 0]
    assert f1([1, 1], [0, 0], "weighted") == 0


def test_two_classes() -> None:
    predicted, target = np.array([True, True, False, False, True]), np.array([True, False, False, True, True])
    assert precision(predicted, target, "binary") == pytest.approx(2 / 3)
    assert recall(predicted, target, "binary") == pytest.approx(2 / 3)
    assert f1(predicted, target, "binary") == pytest.approx(2 / 3)
    assert recall([0, 0], [0, 0], "binary", zero_division=0.25) == 0.25
    probabilities = al.tensor([0.9, 0.2])
    assert accuracy(probabilities > 0.5, [1, 1]) == 0.5


def test_classes_of_pixels() -> None:
    """Scores (N, C, H, W), targets (N, H, W)."""
    target = np.array([[[0, 1], [2, 1]]])
    scores = np.moveaxis(_scores(np.array([[[0, 1], [2, 0]]]), 3), -1, 1)
    assert scores.shape == (1, 3, 2, 2)
    assert accuracy(scores, target) == 0.75
    assert confusion_matrix(scores, target).tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]
    assert top_k_accuracy(scores, target, 3) == 1


def test_the_number_of_classes_may_be_given() -> None:
    assert confusion_matrix([0, 1], [0, 0], classes=3).tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 0]]
    with pytest.raises(ValueError, match="predicted class 1 is not from 0 to 0"):
        confusion_matrix([0, 1], [0, 0], classes=1)


def test_top_k() -> None:
    scores, target = [[0.1, 0.5, 0.4], [0.3, 0.2, 0.5], [0.6, 0.3, 0.1]], [2, 1, 0]
    assert [top_k_accuracy(scores, target, k) for k in (1, 2, 3)] == pytest.approx([1 / 3, 2 / 3, 1])
    equal = np.zeros((4, 4))
    for k in (1, 2, 3):
        assert top_k_accuracy(equal, [0, 1, 2, 3], k) == k / 4, "equal scores are no merit"
    assert top_k_accuracy(equal, [0, 1, 2, 3], 1) == accuracy(equal, [0, 1, 2, 3])


def test_regression() -> None:
    # mean 2.5: squares 2.25 + 0.25 + 0.25 + 2.25 = 5, left over 0.25 + 0 + 0 + 1
    assert r2([1.5, 2, 3, 5], [1, 2, 3, 4]) == pytest.approx(1 - 1.25 / 5)
    assert r2([2.5] * 4, [1, 2, 3, 4]) == 0
    assert r2([0, 0], [3, 3]) == 0
    assert r2([3, 3], [3, 3]) == 1
    assert mean_absolute_error([[1.0], [2.0]], [[0.0], [5.0]]) == 2
    assert mean_squared_error([[1.0], [2.0]], [[0.0], [5.0]]) == 5


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: accuracy([[1.0], [2.0]], [0, 1]), ValueError, r"predictions \(2, 1\) do not belong to targets \(2,\)"),
        (lambda: accuracy([0, 1, 1], [0, 1]), ValueError, r"predictions \(3,\) do not belong to targets \(2,\)"),
        (lambda: accuracy([0.5, 0.9], [0, 1]), TypeError, r"class numbers, got float64; .*p > 0\.5"),
        (
            lambda: accuracy([[0.5, 0.9]], [[0.0, 1.0]]),
            TypeError,
            r"target must be class numbers, got float64 \(1, 2\)",
        ),
        (lambda: accuracy(np.zeros((0, 3)), np.zeros(0, int)), ValueError, r"no examples.*\(0,\)"),
        (lambda: accuracy(np.zeros((1, 3)), [3]), ValueError, "target class 3 is not from 0 to 2"),
        (lambda: accuracy([0], [-1]), ValueError, "target class -1 is not from 0 to 0"),
        (lambda: f1([0], [0], "mean"), ValueError, "average must be one of 'macro', .*, None, got 'mean'"),
        (lambda: f1([0], [2], "binary"), ValueError, "for two classes, got 3"),
        (lambda: top_k_accuracy(np.zeros((1, 3)), [0], 4), ValueError, "k must be from 1 to .* 3, got 4"),
        (lambda: top_k_accuracy([0], [0], 1), ValueError, r"needs scores \(N, C, …\), got shape \(1,\)"),
        (lambda: r2([1.0, 2.0], [[1.0, 2.0]]), ValueError, r"predictions \(2,\) and targets \(1, 2\)"),
        (lambda: mean_absolute_error([], []), ValueError, r"no examples.*\(0,\)"),
    ],
)
def test_refusals(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("metric", [accuracy, top_k_accuracy, f1])
def test_a_score_that_is_nan_is_not_a_class(metric: Any) -> None:
    """The largest of numbers with NaN would be NaN's place, and every row of NaN right among the k best."""
    with pytest.raises(ValueError, match=r"the score at \(1, 2\) is NaN"):
        metric(np.array([[0.1, 0.5, 0.4, 0, 0, 0], [0.3, 0.2, np.nan, 0, 0, 0]]), np.array([1, 2]))
