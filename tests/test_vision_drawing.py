"""Pictures of scenes: that what was asked for is on them, at its place."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex

import autograd_lite as al
from nn import vision
from nn.plot import FINE, WRONG

IMAGE = np.linspace(0, 1, 20 * 30, dtype=np.float32).reshape(1, 20, 30)
TRUTH = {"boxes": al.tensor([[2.0, 4.0, 12.0, 10.0]]), "labels": al.tensor([1])}
FOUND = {"boxes": [[3, 4, 12, 11], [-2, 15, 8, 20]], "labels": [1, 0], "scores": [0.934, 0.5]}
NOTHING = {"boxes": [], "labels": []}


def frames(axes: Any) -> list[tuple[Any, ...]]:
    return [(*p.get_xy(), p.get_width(), p.get_height(), to_hex(p.get_edgecolor())) for p in axes.patches]


def texts(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.texts]


def axes_of(image: Any = IMAGE) -> Any:
    return vision.draw_scenes([image]).axes[0]


def test_truth_beside_prediction() -> None:
    figure = vision.draw_scenes([IMAGE, IMAGE], [TRUTH, NOTHING], [FOUND, NOTHING], names=["zero", "one"])
    truth, prediction, *others = figure.axes
    assert [axes.get_title() for axes in figure.axes] == ["truth", "prediction"] * 2
    assert frames(truth) == [(2, 4, 10, 6, FINE)]
    assert frames(prediction) == [(3, 4, 9, 7, WRONG), (-2, 15, 10, 5, WRONG)]
    assert (texts(truth), texts(prediction)) == (["one"], ["one 0.93", "zero 0.50"])
    assert truth.patches[0].get_linestyle() != prediction.patches[0].get_linestyle()
    assert all(text.get_position()[0] >= 0 for text in prediction.texts)  # that of the second is not cut off
    assert [frames(axes) for axes in others] == [[], []]


def test_both_on_one_image() -> None:
    (axes,) = vision.draw_scenes([IMAGE], [TRUTH], [FOUND], beside=False).axes
    assert [frame[4] for frame in frames(axes)] == [FINE, WRONG, WRONG]
    assert texts(axes) == ["1", "1 0.93", "0 0.50"]


def test_panels_without_images_are_empty() -> None:
    figure = vision.draw_scenes([IMAGE] * 5, columns=3)
    assert [axes.axison for axes in figure.axes] == [True] * 5 + [False]


@pytest.mark.parametrize("shape", [(20, 30), (1, 20, 30), (3, 20, 30)])
def test_pixels_lie_at_their_coordinates(shape: tuple[int, ...]) -> None:
    axes = axes_of(np.random.default_rng(0).random(shape) * 1.5 - 0.2)
    (image,) = axes.images
    assert list(image.get_extent()) == [0, 30, 20, 0]
    assert (axes.get_xlim(), axes.get_ylim()) == ((0, 30), (20, 0))
    assert image.get_array().shape[:2] == (20, 30)
    assert 0 <= image.get_array().min() < image.get_array().max() <= 1


def test_cells_and_anchors() -> None:
    grid = vision.Grid((2, 3), (20, 30), [[4, 8], [6, 2]], classes=1)
    (axes,) = vision.draw_scenes([IMAGE], grid=grid).axes
    assert sorted(line.get_xdata()[0] for line in axes.lines) == [0, 10, 20]  # two upright ones, one across
    vision.show_anchors(axes, grid, 1, 2)
    assert [frame[:4] for frame in frames(axes)] == [(20, 10, 10, 10), (23, 11, 4, 8), (22, 14, 6, 2)]
    for row, column in ((2, 0), (0, 3), (-1, 0)):
        with pytest.raises(ValueError, match=rf"row {row}, column {column} is no cell of a grid of \(2, 3\)"):
            vision.show_anchors(axes, grid, row, column)


def test_points() -> None:
    points = {"points": [[1, 2], [3, 4], [5, 6]], "visible": [True, False, True]}
    (axes,) = vision.draw_scenes([IMAGE], [points], [{"points": [[1, 1]]}], beside=False).axes
    seen, hidden, found, none = axes.collections
    assert seen.get_offsets().tolist() == [[1, 2], [5, 6]]
    assert hidden.get_offsets().tolist() == [[3, 4]]
    assert (len(seen.get_facecolors()), len(hidden.get_facecolors())) == (1, 0)
    assert (len(found.get_offsets()), len(none.get_offsets())) == (1, 0)


@pytest.mark.parametrize(("ending", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml")])
def test_files(ending: str, start: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"scene{ending}"
    figure = vision.draw_scenes([IMAGE], [TRUTH], path=path)
    assert path.read_bytes().startswith(start)
    assert figure._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="xyz"):
        vision.draw_scenes([IMAGE], path=tmp_path / "scene.xyz")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_mistakes() -> None:
    with pytest.raises(ValueError, match="there are no images"):
        vision.draw_scenes([])
    with pytest.raises(ValueError, match="1 images, and a prediction for each of 2"):
        vision.draw_scenes([IMAGE], predictions=[FOUND, FOUND])
    with pytest.raises(ValueError, match=r"\(1, H, W\), \(3, H, W\) or \(H, W\), got \(2, 20, 30\)"):
        vision.draw_scenes([np.zeros((2, 20, 30))])
    with pytest.raises(ValueError, match="label 1 has no name: there are 1 names"):
        vision.draw_scenes([IMAGE], [TRUTH], names=["zero"])
    axes = axes_of()
    with pytest.raises(ValueError, match=r"boxes are \(n, 4\), got \(4,\)"):
        vision.show_boxes(axes, [1, 2, 3, 4])
    with pytest.raises(ValueError, match=r"there are 2 boxes, and scores of shape \(1,\)"):
        vision.show_boxes(axes, FOUND["boxes"], scores=[0.5])
    with pytest.raises(ValueError, match=r"there are 1 points, and visible of shape \(2,\)"):
        vision.show_points(axes, [[1, 2]], [True, False])


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"autograd-lite\[viz\]"):
        vision.draw_scenes([IMAGE])
