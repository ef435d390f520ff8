"""YOLO: the network, its loss by hand, the way from raw outputs to objects and back."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

import autograd_lite as al
import nn
from nn.vision import YOLO, DetectionScenes, Grid, YOLOLoss, find_objects, yolo_vectors

ANCHORS = [[8.0, 8.0], [8.0, 16.0]]
SURE = 30.0  # a raw output whose sigmoid is 1


def raw_of(target: al.Tensor) -> al.Tensor:
    """The raw outputs that stand for the vectors of a target, as sure of them as float64 allows."""
    vectors = target.numpy().astype(np.float64)
    raw = np.where(vectors > 0.5, SURE, -SURE)
    raw[..., 1:3] = np.log(np.clip(vectors[..., 1:3], 1e-9, None) / (1 - vectors[..., 1:3]))
    raw[..., 3:5] = vectors[..., 3:5]
    return al.tensor(raw)


def scene(grid: Grid, n: int = 5) -> dict[str, al.Tensor]:
    """Objects in cells of their own."""
    rng = np.random.default_rng(0)
    rows, columns = grid.size
    cells = rng.permutation(rows * columns)[:n]
    centres = (np.stack([cells % columns, cells // columns], 1) + rng.uniform(0.05, 0.95, (n, 2))) * grid.cell
    sides = rng.uniform(6, 20, (n, 2))
    boxes = np.concatenate([centres - sides / 2, centres + sides / 2], 1).astype(np.float32)
    return {"boxes": al.tensor(boxes), "labels": al.tensor(np.arange(n) % grid.classes)}


# -- outputs ----------------------------------------------------------------------------------------------------------


def test_vectors_by_hand() -> None:
    raw = al.tensor([[math.log(4), math.log(3), -math.log(3), 0.7, -0.7, math.log(1), math.log(3)]])
    assert yolo_vectors(raw).numpy() == pytest.approx(np.array([[0.8, 0.75, 0.25, 0.7, -0.7, 0.25, 0.75]]))


@pytest.mark.parametrize(("size", "image"), [((4, 4), (64, 64)), ((3, 5), (24, 60))])
def test_objects_that_were_encoded_are_found_again(size: tuple[int, int], image: tuple[int, int]) -> None:
    grid = Grid(size, image, ANCHORS, 3)
    truth = scene(grid)
    encoded = grid.encode(truth["boxes"], truth["labels"])
    assert not encoded.dropped
    (found,) = find_objects(raw_of(encoded.target)[None], grid, 0.9, 1.0)
    order = np.lexsort(found["boxes"].numpy().T)
    expected = np.lexsort(truth["boxes"].numpy().T)
    assert found["boxes"].numpy()[order] == pytest.approx(truth["boxes"].numpy()[expected], abs=1e-3)
    assert (found["labels"].numpy()[order] == truth["labels"].numpy()[expected]).all()
    assert found["scores"].numpy() == pytest.approx(1)


def test_of_overlapping_boxes_of_a_class_the_surest_stays() -> None:
    grid = Grid((1, 2), (16, 32), [[16.0, 16.0]], 2)
    raw = np.zeros((1, 1, 2, 1, 7))
    raw[..., 5] = SURE
    raw[0, 0, 0, 0, :3] = 2, SURE, 0  # at the border of the two cells, the first sees it at its right edge,
    raw[0, 0, 1, 0, :3] = 3, -SURE, 0  # the second at its left one
    (found,) = find_objects(al.tensor(raw), grid)
    assert found["boxes"].numpy() == pytest.approx(np.array([[8, 0, 24, 16]]))
    assert found["scores"].item() == pytest.approx(1 / (1 + math.exp(-3)))
    assert len(find_objects(al.tensor(raw), grid, threshold=0.99)[0]["scores"]) == 0
    assert len(find_objects(al.tensor(raw), grid, iou_threshold=1.0)[0]["scores"]) == 2
    raw[0, 0, 1, 0, 5:] = -SURE, SURE  # of another class
    assert find_objects(al.tensor(raw), grid)[0]["labels"].tolist() == [1, 0]


# -- loss -------------------------------------------------------------------------------------------------------------


def test_the_loss_of_a_perfect_prediction_is_nothing() -> None:
    grid = Grid((4, 4), (64, 64), ANCHORS, 3)
    targets = [grid.encode(truth["boxes"], truth["labels"]).target for truth in (scene(grid), scene(grid, 2))]
    targets.append(grid.encode(np.zeros((0, 4)), np.zeros(0, int)).target)
    target = al.stack(targets).double()
    assert 0 <= YOLOLoss(grid)(raw_of(target), target).item() < 1e-6
    assert YOLOLoss(grid)(-raw_of(target), target).item() > 10


def test_the_loss_by_hand() -> None:
    grid = Grid((1, 2), (8, 16), [[8.0, 8.0]], 2)
    target = al.stack([grid.encode([[0, 0, 8, 8]], np.array([1])).target, al.zeros(*grid.shape)]).double()
    raw = np.zeros(target.shape)
    raw[0, 0, 0, 0] = [math.log(4), 0, 0, math.log(0.5), 0, 0, math.log(3)]  # half as high: IoU ½, centres together
    v = 4 / math.pi**2 * (math.atan(1) - math.atan(2)) ** 2
    ciou = 0.5 - v * v / (0.5 + v)
    parts = np.array([-math.log(0.8), 3 * math.log(2), 1 - ciou, -math.log(0.75)]) / 2  # two images
    assert YOLOLoss(grid)(al.tensor(raw), target).item() == pytest.approx(parts @ [1, 0.5, 2, 1], rel=1e-6)
    assert YOLOLoss(grid, 3, 5, 7, 11)(al.tensor(raw), target).item() == pytest.approx(parts @ [3, 5, 7, 11], rel=1e-6)


def test_empty_cells_learn_only_that_they_are_empty() -> None:
    grid = Grid((2, 2), (16, 16), [[8.0, 8.0]], 2)
    target = grid.encode([[0, 0, 7, 6]], np.array([1])).target[None].double()
    raw = al.tensor(np.random.default_rng(0).normal(size=target.shape), requires_grad=True)
    YOLOLoss(grid)(raw, target).backward()
    assert raw.grad is not None
    gradient = raw.grad.numpy()[0, :, :, 0]
    assert (gradient[0, 0] != 0).all()
    empty = np.delete(gradient.reshape(4, -1), 0, 0)
    assert (empty[:, 0] > 0).all()
    assert (empty[:, 1:] == 0).all()


def test_an_absurd_size_in_an_empty_cell_does_no_harm() -> None:
    grid = Grid((2, 2), (16, 16), [[8.0, 8.0]], 2)
    target = grid.encode([[0, 0, 7, 6]], np.array([1])).target[None]
    raw = np.zeros(target.shape, np.float32)
    raw[0, 1, 1, 0, 3:5] = 1000
    outputs = al.tensor(raw, requires_grad=True)
    loss = YOLOLoss(grid)(outputs, target)
    loss.backward()
    assert math.isfinite(loss.item())
    assert outputs.grad is not None
    assert np.isfinite(outputs.grad.numpy()).all()


def test_the_gradient_of_the_loss() -> None:
    grid = Grid((2, 2), (16, 16), ANCHORS, 2)
    target = grid.encode([[0, 0, 7, 6], [9, 3, 15, 14]], np.array([1, 0])).target[None].double()
    raw = al.tensor(np.random.default_rng(3).normal(size=target.shape) / 2, requires_grad=True)
    assert al.gradcheck(lambda x: YOLOLoss(grid)(x, target), raw)


def test_what_the_loss_refuses() -> None:
    grid = Grid((2, 2), (16, 16), ANCHORS, 2)
    for shape in ((1, 2, 2, 2, 8), (1, 2, 3, 2, 7), (2, 2, 2, 7)):
        with pytest.raises(ValueError, match=re.escape(f"must both be (N, 2, 2, 2, 7), got {shape}")):
            YOLOLoss(grid)(al.zeros(*shape), al.zeros(*shape))
    for name in ("object_weight", "empty_weight", "box_weight", "class_weight"):
        for weight in (-1.0, math.nan, math.inf):
            with pytest.raises(ValueError, match=f"{name} must be at least 0 and finite, got {weight}"):
                YOLOLoss(grid, **{name: weight})
    half = np.zeros((1, *grid.shape), np.float32)
    half[0, 1, 0, 1, 0] = 0.5
    with pytest.raises(ValueError, match=r"p_c is 0 or 1, got 0\.5"):
        YOLOLoss(grid)(al.zeros(*half.shape), al.tensor(half))


# -- the network ------------------------------------------------------------------------------------------------------


def small(**options: object) -> YOLO:
    return YOLO(ANCHORS, 3, filters=(8, 8), pools=2, generator=al.Generator(0), **options)


def test_shapes() -> None:
    model = small()
    assert model.stride == 4
    assert model(al.zeros(2, 1, 16, 24)).shape == (2, 4, 6, 2, 8)
    assert model.grid((16, 24)).shape == (4, 6, 2, 8)
    assert model.grid((16, 24)).image_size == (16, 24)
    with pytest.raises(ValueError, match=re.escape("sides multiples of 4, got (1, 1, 16, 26)")):
        model(al.zeros(1, 1, 16, 26))
    with pytest.raises(ValueError, match=re.escape("(N, C, H, W)")):
        model(al.zeros(1, 16, 24))


def test_impossible_networks() -> None:
    for anchors, classes in ((np.zeros((0, 2)), 3), ([[0.0, 1.0]], 3), ([1.0, 2.0], 3), (ANCHORS, 0)):
        with pytest.raises(ValueError, match=r"anchor|classes|width"):
            YOLO(anchors, classes)


def test_an_untrained_network_finds_nothing() -> None:
    model = small().eval()
    raw = model(al.tensor(np.random.default_rng(0).random((2, 1, 32, 32), np.float32)))
    assert yolo_vectors(raw).numpy()[..., 0].mean() == pytest.approx(0.01, abs=0.005)


def test_the_anchors_are_in_the_file_of_weights(tmp_path: object) -> None:
    model, other = small(), YOLO(np.ones((2, 2)), 3, filters=(8, 8), pools=2)
    other.load_state_dict(model.state_dict())
    assert other.anchors.tolist() == ANCHORS


def test_predictions_for_an_image_of_any_size() -> None:
    model, image = small(), np.random.default_rng(0).random((1, 1, 30, 45), np.float32)
    with al.no_grad():
        model.head.bias.zero_()
    (found,) = model.predict(image, threshold=0.05)
    boxes = found["boxes"].numpy()
    assert len(boxes) > 10
    assert (boxes >= 0).all()
    assert (boxes <= np.array([45, 30, 45, 30])).all()
    assert (np.diff(found["scores"].numpy()) <= 0).all()
    padded = np.pad(image, ((0, 0), (0, 0), (0, 2), (0, 3)), "edge")
    (whole,) = model.predict(padded, threshold=0.05)
    assert whole["scores"].numpy() == pytest.approx(found["scores"].numpy())
    assert np.minimum(whole["boxes"].numpy(), [45, 30, 45, 30]) == pytest.approx(boxes)


def test_what_is_found_beside_the_image_alone_does_not_count() -> None:
    model = YOLO([[2.0, 2.0]], 1, filters=(4, 4), pools=2)
    with al.no_grad():
        model.head.weight.zero_()
        model.head.bias[:] = [9.0, 3.0, 0.0, 0.0, 0.0, 0.0]  # near the right edge of each cell of 4 pixels
    (found,) = model.predict(np.zeros((1, 1, 4, 5), np.float32))
    assert found["boxes"].tolist() == [pytest.approx([2.81, 1, 4.81, 3], abs=0.01)]
    assert len(found["labels"]) == len(found["scores"]) == 1


def test_what_predict_refuses() -> None:
    model = small()
    with pytest.raises(TypeError, match=r"floating, in \[0, 1\], got uint8; divide"):
        model.predict(np.zeros((1, 1, 16, 16), np.uint8))
    with pytest.raises(ValueError, match="is NaN"):
        model.predict(np.full((1, 1, 16, 16), np.nan, np.float32))
    assert model.predict(np.zeros((0, 1, 16, 16), np.float32)) == []


def test_predict_is_evaluation_and_leaves_the_mode_as_it_was() -> None:
    model = small()
    image = np.random.default_rng(0).random((1, 1, 16, 16), np.float32)
    first = model.predict(image, 0.0)
    assert model.training
    assert model.body.bn1.training
    assert model.body.bn1.running_mean.tolist() == [0] * 8, "predicting is not training"
    again = model.eval().predict(image, 0.0)
    assert not model.training
    assert (first[0]["scores"].numpy() == again[0]["scores"].numpy()).all()


def test_it_learns_one_batch_and_finds_its_objects_in_a_larger_image() -> None:
    scenes = DetectionScenes(nn.data.digits(flat=False)[0], 4, size=32, count=(1, 2), heights=(12, 16), noise=0.02)
    images = al.stack([scenes[i][0] for i in range(4)])
    truths = [scenes[i][1] for i in range(4)]
    model = YOLO([[10.0, 14.0]], 10, filters=(16, 16, 32), pools=2, generator=al.Generator(0))
    grid = model.grid((32, 32))
    target = al.stack([grid.encode(truth["boxes"], truth["labels"]).target for truth in truths])
    optimizer = nn.optim.Adam(model.parameters(), 0.01)
    for _ in range(150):
        optimizer.zero_grad()
        loss = YOLOLoss(grid)(model(images), target)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.5
    for image, truth in zip(images, truths, strict=True):
        check_found(model.predict(image[None], 0.5)[0], truth["boxes"].numpy(), truth["labels"].numpy())
    larger = np.full((1, 1, 40, 56), images[0].numpy().mean(), np.float32)
    larger[0, 0, 8:, :32] = images[0, 0].numpy()
    found = model.predict(larger, 0.5)[0]
    expected = {*truths[0]["labels"].tolist()}
    assert expected <= {*found["labels"].tolist()}


def check_found(found: dict[str, al.Tensor], boxes: np.ndarray, labels: np.ndarray) -> None:
    """Each object was found, well placed, and nothing else."""
    assert sorted(found["labels"].tolist()) == sorted(labels.tolist())
    overlaps = nn.vision.box_iou(al.tensor(boxes), found["boxes"]).numpy()
    overlaps = np.where(labels[:, None] == found["labels"].numpy(), overlaps, 0)
    assert overlaps.max(1).min() > 0.6
