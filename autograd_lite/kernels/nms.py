"""Non-max suppression: of boxes that overlap, the one with the highest score stays.

Boxes are four rows x₁, y₁, x₂, y₂ of one length and one floating dtype, which thresholds have, too; all are finite.
Arithmetic is exact: that an IoU is above a threshold holds here if and only if it does in NumPy.
"""

from math import exp

import numpy as np

from .jit import exact, part

__all__ = ["decay", "suppress"]

SLACK = 1e-4  # more than rounding can add to an IoU


@part
def _near(left, width, i, threshold):
    """From where to where boxes in the order of their left sides can have an IoU above the threshold with box i.

    An IoU above t needs a common width of more than t times each box's.  So box j begins at most (1/t − 1) widths of i
    before i, or at most (1 − t) widths of i after it.
    """
    least = threshold * (1 - SLACK)
    before, after = (1 / least - 1) * width[i] if least > 0 else np.inf, (1 - least) * width[i]
    start, high = 0, i
    while start < high:
        middle = (start + high) // 2
        if left[i] - left[middle] > before:
            start = middle + 1
        else:
            high = middle
    stop, high = i, len(left)
    while stop < high:
        middle = (stop + high) // 2
        if left[middle] - left[i] > after:
            high = middle
        else:
            stop = middle + 1
    return start, stop


@exact
def suppress(boxes, order, threshold, kept):
    """Mark in ``kept`` the boxes that have no IoU above the threshold with a kept box before them in ``order``.

    The boxes must be sorted by x₁.
    """
    x1, y1, x2, y2 = boxes[0], boxes[1], boxes[2], boxes[3]
    n, zero = len(x1), boxes.dtype.type(0)
    width, area = np.empty_like(x1), np.empty_like(x1)
    alive = np.ones_like(x1)  # a float, which fills the lanes that the coordinates fill
    for j in range(n):
        width[j] = max(x2[j] - x1[j], zero)
        area[j] = width[j] * max(y2[j] - y1[j], zero)
    for i in order:
        if alive[i] == zero:
            continue
        kept[i] = True
        left, top, right, bottom, own = x1[i], y1[i], x2[i], y2[i], area[i]
        start, stop = _near(x1, width, i, threshold)
        for j in range(np.uint64(start), np.uint64(stop)):
            w = min(right, x2[j]) - max(left, x1[j])
            h = min(bottom, y2[j]) - max(top, y1[j])
            both = max(w, zero) * max(h, zero)
            alive[j] = zero if both / (own + area[j] - both) > threshold else alive[j]


@exact
def decay(boxes, scores, threshold, sigma, least, kept):
    """Soft-NMS: how many boxes were kept, in falling order of the scores that they had then, which ``scores`` gets.

    The one with the highest score is kept, the first of equal ones, and the scores of those that overlap it fall; until
    the highest is below ``least``.  With σ > 0 by the Gaussian, otherwise linearly, from an IoU of ``threshold`` on.
    """
    x1, y1, x2, y2 = boxes[0], boxes[1], boxes[2], boxes[3]
    n, zero, one = len(x1), boxes.dtype.type(0), boxes.dtype.type(1)
    left_over = scores.copy()
    for count in range(n):
        i = np.argmax(left_over)
        if not left_over[i] >= least:
            return count
        kept[count], scores[count] = i, left_over[i]
        left_over[i] = -np.inf
        own = max(x2[i] - x1[i], zero) * max(y2[i] - y1[i], zero)
        for j in range(n):
            w, h = min(x2[i], x2[j]) - max(x1[i], x1[j]), min(y2[i], y2[j]) - max(y1[i], y1[j])
            if w > 0 and h > 0 and left_over[j] > 0:
                iou = w * h / (own + (x2[j] - x1[j]) * (y2[j] - y1[j]) - w * h)
                if sigma > 0:
                    left_over[j] *= exp(-iou * iou / sigma)
                elif iou >= threshold:
                    left_over[j] *= one - iou
    return n
