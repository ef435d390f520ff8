"""Pictures of images with boxes, points, grid cells and anchors.  They need matplotlib (extra ``viz``).

The functions named ``show_…`` draw on matplotlib axes whose unit is a pixel of the image, `draw_scenes` makes a figure.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy import ndarray

from ..plot import FINE, WRONG, new_figure, write_figure
from .boxes import as_numpy
from .grid import Grid
from .metrics import Objects

__all__ = ["draw_scenes", "show_anchors", "show_boxes", "show_grid", "show_image", "show_points"]

FONT = 7  # of labels, in points
ROOM = 0.1  # of the image's height above or below a box, which a label needs

Layer = tuple[Sequence[Objects], str, str]  # the objects of all images, their colour, what they are


def draw_scenes(
    images: Sequence[Any],
    targets: Sequence[Objects] | None = None,
    predictions: Sequence[Objects] | None = None,
    *,
    names: Sequence[str] | None = None,
    grid: Grid | None = None,
    beside: bool = True,
    columns: int = 4,
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """A matplotlib Figure of images ``(C, H, W)`` with the objects in them, written to ``path`` if one is given.

    ``targets``, in blue with broken lines, and ``predictions``, in orange, are dicts of an image's ``boxes`` (n, 4)
    with ``labels`` and ``scores``, or ``points`` (P, 2) with ``visible``, or both.  If there are both, each image is
    drawn twice, or once with both on it if not ``beside``.  ``names`` are those of the classes, and ``grid`` draws its
    cells.  Raises ValueError for no images, for numbers of images and dicts that differ, for other shapes, and for a
    path with an ending that matplotlib does not write; ImportError without matplotlib.
    """
    layers: list[Layer] = []
    for objects, color, title in ((targets, FINE, "truth"), (predictions, WRONG, "prediction")):
        if objects is not None:
            if len(objects) != len(images):
                raise ValueError(f"there are {len(images)} images, and a {title} for each of {len(objects)}")
            layers.append((objects, color, title))
    if not len(images):
        raise ValueError("there are no images to draw")
    apart = beside and len(layers) == 2
    panels = [(i, part) for i in range(len(images)) for part in ([[layer] for layer in layers] if apart else [layers])]
    columns = min(len(panels), columns)
    rows = -(-len(panels) // columns)
    height, width = as_numpy(images[0]).shape[-2:]
    figure = new_figure(2.4 * columns, (2.4 * height / width + 0.2 * apart) * rows)
    for axes, panel in zip_longest(figure.subplots(rows, columns, squeeze=False).flat, panels):
        if panel is None:
            axes.axis("off")
            continue
        i, part = panel
        show_image(axes, images[i])
        if grid is not None:
            show_grid(axes, grid)
        for objects, color, title in part:
            if apart:
                axes.set_title(title, fontsize=FONT + 1, color=color, pad=3)
            _show_objects(axes, objects[i], names, color, title == "truth")
    write_figure(figure, path)
    return figure


def show_image(axes: Any, image: Any) -> None:
    """An image ``(C, H, W)`` of 1 or 3 channels, or ``(H, W)``, in [0, 1].  Raises ValueError for another shape."""
    array = as_numpy(image)
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[0] not in (1, 3)):
        raise ValueError(f"an image is (1, H, W), (3, H, W) or (H, W), got {array.shape}")
    height, width = array.shape[-2:]
    if array.ndim == 3:
        array = array[0] if len(array) == 1 else array.transpose(1, 2, 0)
    axes.imshow(
        np.clip(array, 0, 1), cmap="gray", vmin=0, vmax=1, extent=(0, width, height, 0), interpolation="nearest"
    )
    axes.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])


def show_boxes(
    axes: Any, boxes: Any, labels: Any = None, scores: Any = None, *, names: Sequence[str] | None = None,
    color: str = FINE, truth: bool = False,
) -> None:  # fmt: skip
    """Boxes ``(n, 4)`` with what is known of class and score above each, like "7 0.93".

    Those of the ``truth`` have broken lines and their classes below.  Raises ValueError for boxes, labels or scores
    that do not belong together, and for a label without a name.
    """
    from matplotlib.patches import Rectangle

    found = _objects("boxes", boxes, 4)
    tags = _tags(len(found), labels, scores, names)
    left, right = axes.get_xlim()
    bottom, top = axes.get_ylim()
    room = ROOM * (bottom - top)
    for (x1, y1, x2, y2), tag in zip(found.tolist(), tags, strict=True):
        style = "--" if truth else "-"
        axes.add_patch(
            Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor=color, linewidth=1.3, linestyle=style)
        )
        if not tag:
            continue
        if truth:
            y, va = (y2, "top") if bottom - y2 >= room else (y2, "bottom")
        else:
            y, va = (y1, "bottom") if y1 - top >= room else (y1, "top")
        around = {"facecolor": color, "edgecolor": "none", "pad": 0.8, "alpha": 0.85}
        x = min(max(x1, left), right)
        axes.text(x, y, tag, fontsize=FONT, color="white", va=va, clip_on=True, bbox=around)


def show_grid(axes: Any, grid: Grid) -> None:
    """The borders of a grid's cells  (cheat sheet 5.3)."""
    width, height = grid.cell
    for column in range(1, grid.size[1]):
        axes.axvline(column * width, color="white", linewidth=0.5, alpha=0.5)
    for row in range(1, grid.size[0]):
        axes.axhline(row * height, color="white", linewidth=0.5, alpha=0.5)


def show_anchors(axes: Any, grid: Grid, row: int, column: int, *, color: str = WRONG) -> None:
    """A cell of a grid, and its anchors around its centre  (cheat sheet 5.3).  Raises ValueError for no cell of it."""
    from matplotlib.patches import Rectangle

    if not (0 <= row < grid.size[0] and 0 <= column < grid.size[1]):
        raise ValueError(f"row {row}, column {column} is no cell of a grid of {grid.size}")
    corner = np.array([column, row]) * grid.cell
    axes.add_patch(Rectangle(corner, *grid.cell, facecolor=color, alpha=0.35, edgecolor="none"))
    for sides in grid.anchors:
        place = corner + (grid.cell - sides) / 2
        axes.add_patch(Rectangle(place, *sides, fill=False, edgecolor=color, linestyle=":", linewidth=1.3))


def show_points(axes: Any, points: Any, visible: Any = None, *, color: str = FINE, marker: str = "o") -> None:
    """Points ``(P, 2)``, such as landmarks; those that are not ``visible`` (bool, (P,)) are hollow.

    Raises ValueError for shapes that do not belong together.
    """
    found = _objects("points", points, 2)
    seen = np.ones(len(found), bool) if visible is None else as_numpy(visible).astype(bool)
    if seen.shape != (len(found),):
        raise ValueError(f"there are {len(found)} points, and visible of shape {seen.shape}")
    for part, face in ((seen, color), (~seen, "none")):
        axes.scatter(*found[part].T, s=16, marker=marker, facecolors=face, edgecolors=color, linewidths=1)


def _show_objects(axes: Any, objects: Objects, names: Sequence[str] | None, color: str, truth: bool) -> None:
    if "boxes" in objects:
        labels, scores = objects.get("labels"), objects.get("scores")
        show_boxes(axes, objects["boxes"], labels, scores, names=names, color=color, truth=truth)
    if "points" in objects:
        show_points(axes, objects["points"], objects.get("visible"), color=color, marker="o" if truth else "s")


def _objects(name: str, value: Any, length: int) -> ndarray:
    array = as_numpy(value)
    array = array.reshape(0, length) if not array.size else array
    if array.ndim != 2 or array.shape[1] != length:
        raise ValueError(f"{name} are (n, {length}), got {array.shape}")
    return array


def _tags(n: int, labels: Any, scores: Any, names: Sequence[str] | None) -> list[str]:
    """What is written beside each of n boxes."""
    parts: list[list[str]] = [[] for _ in range(n)]
    for what, values in (("labels", labels), ("scores", scores)):
        if values is None:
            continue
        array = as_numpy(values)
        if array.shape != (n,):
            raise ValueError(f"there are {n} boxes, and {what} of shape {array.shape}")
        for part, value in zip(parts, array.tolist(), strict=True):
            part.append(f"{value:.2f}" if what == "scores" else _name(value, names))
    return [" ".join(part) for part in parts]


def _name(label: int, names: Sequence[str] | None) -> str:
    if names is None:
        return str(label)
    if not 0 <= label < len(names):
        raise ValueError(f"label {label} has no name: there are {len(names)} names")
    return names[label]
