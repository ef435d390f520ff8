"""Boxes ``(…, 4)``: their forms, how much two of them overlap, and losses of that.

A box is given by two corners (x₁, y₁, x₂, y₂), "xyxy", in pixels from the image's top left corner, unless a function
says otherwise; x goes to the right, y down.  Where x₂ < x₁ or y₂ < y₁ it has no area.  Names are torchvision's.  All
functions take Tensors, with gradients, or arrays, which give arrays; whole numbers become the default floating dtype.

The two sets of a function without ``box`` in its name are compared element by element and broadcast: ``iou(a, b)``.
`box_iou` and its like compare each box of one set with each of the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_lite as al
from autograd_lite import Tensor

__all__ = [
    "as_numpy", "box_area", "box_convert", "box_iou", "ciou", "clip_boxes_to_image", "complete_box_iou",
    "complete_box_iou_loss", "diou", "distance_box_iou", "distance_box_iou_loss", "generalized_box_iou",
    "generalized_box_iou_loss", "giou", "iou", "remove_small_boxes",
]  # fmt: skip

TO_CORNERS: dict[str, Callable[..., tuple[Any, ...]]] = {
    "xyxy": lambda x1, y1, x2, y2: (x1, y1, x2, y2),
    "xywh": lambda x, y, w, h: (x, y, x + w, y + h),
    "cxcywh": lambda x, y, w, h: (x - w / 2, y - h / 2, x + w / 2, y + h / 2),
}
FROM_CORNERS: dict[str, Callable[..., tuple[Any, ...]]] = {
    "xyxy": lambda x1, y1, x2, y2: (x1, y1, x2, y2),
    "xywh": lambda x1, y1, x2, y2: (x1, y1, x2 - x1, y2 - y1),
    "cxcywh": lambda x1, y1, x2, y2: ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1),
}


# -- one set of boxes -------------------------------------------------------------------------------------------------


def box_convert(boxes: Any, in_fmt: str, out_fmt: str) -> Any:
    """The same boxes in another form: ``(…, 4) -> (…, 4)``.

    "xyxy" is two corners, "xywh" the corner at the top left, width and height, "cxcywh" the centre, width and height.
    Raises ValueError for another form or shape.

    >>> box_convert(al.tensor([[10.0, 20.0, 30.0, 60.0]]), "xyxy", "cxcywh")
    tensor([[20., 40., 20., 40.]])
    """
    for fmt in (in_fmt, out_fmt):
        if fmt not in TO_CORNERS:
            raise ValueError(f"the form of boxes is one of {', '.join(TO_CORNERS)}, got {fmt!r}")
    boxes = _checked(boxes)
    if in_fmt == out_fmt:
        return boxes
    return al.stack(FROM_CORNERS[out_fmt](*TO_CORNERS[in_fmt](*_columns(boxes))), -1)


def box_area(boxes: Any) -> Any:
    """Width times height: ``(…, 4) -> (…)``, in square pixels.  Raises ValueError for another shape.

    >>> box_area(al.tensor([[10.0, 20.0, 30.0, 60.0], [30.0, 0.0, 10.0, 10.0]]))
    tensor([800.,   0.])
    """
    return _area(*_columns(_checked(boxes)))


def clip_boxes_to_image(boxes: Any, size: tuple[int, int]) -> Any:
    """Boxes cut to an image of ``size`` (height, width): ``(…, 4) -> (…, 4)``.

    What lies outside becomes a box without area on the edge.  Raises ValueError for another shape.

    >>> clip_boxes_to_image(al.tensor([[-5.0, 2.0, 9.0, 70.0]]), (64, 48))
    tensor([[ 0.,  2.,  9., 64.]])
    """
    height, width = size
    x1, y1, x2, y2 = _columns(_checked(boxes))
    ends = (width, height, width, height)
    return al.stack([al.clamp(x, 0, end) for x, end in zip((x1, y1, x2, y2), ends, strict=True)], -1)


def remove_small_boxes(boxes: Any, min_size: float) -> Tensor:
    """The indices of boxes whose sides are both at least ``min_size`` pixels: ``(N, 4) -> int64 (M,)``.

    Raises ValueError for another shape.

    >>> remove_small_boxes(al.tensor([[0.0, 0.0, 9.0, 2.0], [0.0, 0.0, 5.0, 5.0]]), 4)
    tensor([1])
    """
    x1, y1, x2, y2 = _columns(as_numpy(_checked(boxes, 2)))
    return Tensor(np.flatnonzero((x2 - x1 >= min_size) & (y2 - y1 >= min_size)))


# -- two boxes --------------------------------------------------------------------------------------------------------


def iou(boxes1: Any, boxes2: Any) -> Any:
    """Intersection over union: ``(…, 4), (…, 4) -> (…)``, from 0 to 1  (cheat sheet 5.3).

    Two boxes without area have 0.  Raises ValueError for shapes other than ``(…, 4)``.

    >>> iou(al.tensor([0.0, 0.0, 2.0, 2.0]), al.tensor([1.0, 0.0, 3.0, 2.0]))
    tensor(0.3333)
    """
    return _ratio(*_intersection_and_union(*_pair(boxes1, boxes2)))


def giou(boxes1: Any, boxes2: Any) -> Any:
    """Generalized IoU, ``IoU − (C − U)/C``: ``(…, 4), (…, 4) -> (…)``, above −1, at most 1.

    C is the area of the smallest box around both, U that of their union: disjoint boxes come closer to −1 the farther
    they are apart.  The last term is 0 where C is.  Raises as `iou`.  Source: Rezatofighi et al. 2019.
    """
    boxes1, boxes2 = _pair(boxes1, boxes2)
    intersection, union = _intersection_and_union(boxes1, boxes2)
    around = _area(*_around(boxes1, boxes2))
    return _ratio(intersection, union) - _ratio(around - union, around)


def diou(boxes1: Any, boxes2: Any) -> Any:
    """Distance IoU, ``IoU − ρ²/c²``: ``(…, 4), (…, 4) -> (…)``, above −1, at most 1.

    ρ is the distance of the centres, c the diagonal of the smallest box around both.  The last term is 0 where c is.
    Raises as `iou`.  Source: Zheng et al. 2020.
    """
    boxes1, boxes2 = _pair(boxes1, boxes2)
    return iou(boxes1, boxes2) - _distance(boxes1, boxes2)


def ciou(boxes1: Any, boxes2: Any) -> Any:
    """Complete IoU, ``DIoU − αv``: ``(…, 4), (…, 4) -> (…)``, at most 1.

    ``v = 4/π² (arctan(w₁/h₁) − arctan(w₂/h₂))²`` compares the shapes, ``α = v / (1 − IoU + v)`` is its weight.
    Zheng et al. and torchvision hold α constant in the gradient.  Here it is differentiated as well, so that the
    gradient is that of the function and can be checked; CIoU still never falls where the IoU alone rises, since its
    slope is 1 − α².
    Raises as `iou`.  Source: Zheng et al. 2020.
    """
    boxes1, boxes2 = _pair(boxes1, boxes2)
    first, second = (al.atan2(x2 - x1, y2 - y1) for x1, y1, x2, y2 in (_columns(boxes1), _columns(boxes2)))
    v = al.square(first - second) * (4 / math.pi**2)
    overlap = iou(boxes1, boxes2)
    return overlap - _distance(boxes1, boxes2) - _ratio(al.square(v), 1 - overlap + v)


# -- each box with each -----------------------------------------------------------------------------------------------


def box_iou(boxes1: Any, boxes2: Any) -> Any:
    """`iou` of each box with each: ``(N, 4), (M, 4) -> (N, M)``  (cheat sheet 5.3).

    Raises ValueError for other shapes.

    >>> box_iou(al.tensor([[0.0, 0.0, 2.0, 2.0]]), al.tensor([[1.0, 0.0, 3.0, 2.0], [5.0, 5.0, 6.0, 6.0]]))
    tensor([[0.3333, 0.0000]])
    """
    return _of_each_pair(iou, boxes1, boxes2)


def generalized_box_iou(boxes1: Any, boxes2: Any) -> Any:
    """`giou` of each box with each: ``(N, 4), (M, 4) -> (N, M)``.  Raises ValueError for other shapes."""
    return _of_each_pair(giou, boxes1, boxes2)


def distance_box_iou(boxes1: Any, boxes2: Any) -> Any:
    """`diou` of each box with each: ``(N, 4), (M, 4) -> (N, M)``.  Raises ValueError for other shapes."""
    return _of_each_pair(diou, boxes1, boxes2)


def complete_box_iou(boxes1: Any, boxes2: Any) -> Any:
    """`ciou` of each box with each: ``(N, 4), (M, 4) -> (N, M)``.  Raises ValueError for other shapes."""
    return _of_each_pair(ciou, boxes1, boxes2)


# -- losses -----------------------------------------------------------------------------------------------------------


def generalized_box_iou_loss(boxes1: Any, boxes2: Any, reduction: str = "none") -> Any:
    """``1 − GIoU`` of boxes that belong together: ``(…, 4), (…, 4) -> (…)``, or a number by ``reduction``.

    "mean" of no boxes is 0: a scene may be empty.  Raises ValueError for two shapes and for a reduction other than
    "none" (the default, as in torchvision), "mean" and "sum".
    """
    return _loss(giou, boxes1, boxes2, reduction)


def distance_box_iou_loss(boxes1: Any, boxes2: Any, reduction: str = "none") -> Any:
    """``1 − DIoU``; otherwise `generalized_box_iou_loss`."""
    return _loss(diou, boxes1, boxes2, reduction)


def complete_box_iou_loss(boxes1: Any, boxes2: Any, reduction: str = "none") -> Any:
    """``1 − CIoU``; otherwise `generalized_box_iou_loss`.

    >>> complete_box_iou_loss(al.tensor([[0.0, 0.0, 2.0, 2.0]]), al.tensor([[0.0, 0.0, 2.0, 2.0]]), reduction="mean")
    tensor(0.)
    """
    return _loss(ciou, boxes1, boxes2, reduction)


# -- what they are made of --------------------------------------------------------------------------------------------


def _checked(boxes: Any, ndim: int | None = None) -> Any:
    """Boxes as a floating Tensor or array."""
    if not isinstance(boxes, (Tensor, np.ndarray)):
        boxes = np.asarray(boxes, al.get_default_dtype())
    if boxes.ndim == 0 or boxes.shape[-1] != 4 or ndim not in (None, boxes.ndim):
        raise ValueError(f"boxes have the shape {'(N, 4)' if ndim else '(…, 4)'}, got {tuple(boxes.shape)}")
    return boxes if boxes.dtype.kind == "f" else boxes.astype(al.get_default_dtype())


def _pair(boxes1: Any, boxes2: Any) -> tuple[Any, Any]:
    return _checked(boxes1), _checked(boxes2)


def as_numpy(x: Any) -> np.ndarray:
    """The numbers of a Tensor, an array or a list, without its gradient."""
    return x.detach().numpy() if isinstance(x, Tensor) else np.asarray(x)


def _columns(boxes: Any) -> tuple[Any, Any, Any, Any]:
    return boxes[..., 0], boxes[..., 1], boxes[..., 2], boxes[..., 3]


def _area(x1: Any, y1: Any, x2: Any, y2: Any) -> Any:
    return al.clamp(x2 - x1, min=0) * al.clamp(y2 - y1, min=0)


def _intersection_and_union(boxes1: Any, boxes2: Any) -> tuple[Any, Any]:
    first, second = _columns(boxes1), _columns(boxes2)
    intersection = _area(*map(al.maximum, first[:2], second[:2]), *map(al.minimum, first[2:], second[2:]))
    return intersection, _area(*first) + _area(*second) - intersection


def _around(boxes1: Any, boxes2: Any) -> tuple[Any, ...]:
    """The corners of the smallest box around two."""
    first, second = _columns(boxes1), _columns(boxes2)
    return (*map(al.minimum, first[:2], second[:2]), *map(al.maximum, first[2:], second[2:]))


def _distance(boxes1: Any, boxes2: Any) -> Any:
    """The squared distance of the centres over the squared diagonal of the smallest box around both."""
    (x1, y1, x2, y2), (u1, v1, u2, v2) = _columns(boxes1), _columns(boxes2)
    left, top, right, bottom = _around(boxes1, boxes2)
    apart = al.square(x1 + x2 - u1 - u2) + al.square(y1 + y2 - v1 - v2)
    return _ratio(apart / 4, al.square(right - left) + al.square(bottom - top))


def _ratio(x: Any, y: Any) -> Any:
    """``x / y``, and 0 where y is 0, with gradient 0: of areas of points and lines, whose x is 0, too."""
    nothing = y == 0
    return al.where(nothing, 0.0, x / al.where(nothing, 1.0, y))


def _of_each_pair(function: Callable[[Any, Any], Any], boxes1: Any, boxes2: Any) -> Any:
    return function(_checked(boxes1, 2)[:, None], _checked(boxes2, 2)[None])


def _loss(function: Callable[[Any, Any], Any], boxes1: Any, boxes2: Any, reduction: str) -> Any:
    boxes1, boxes2 = _pair(boxes1, boxes2)
    if boxes1.shape != boxes2.shape:
        raise ValueError(f"the boxes {tuple(boxes1.shape)} do not belong to those of {tuple(boxes2.shape)}")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"reduction must be 'none', 'mean' or 'sum', got {reduction!r}")
    loss = 1 - function(boxes1, boxes2)
    if reduction == "none":
        return loss
    return al.sum(loss) / (max(1, math.prod(loss.shape)) if reduction == "mean" else 1)
