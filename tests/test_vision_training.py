"""What the trainings of vision are made of: settings, scenes, and how detections are measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import autograd_lite as al
import nn
from nn.vision import Grid, YOLOLoss
from nn.vision import training as parts
from nn.vision.training import TRAININGS, DetectionTrainer, DetectionTraining, VisionSettings


class Answering(nn.Module):
    """Gives the same raw outputs for every image."""

    def __init__(self, raw: np.ndarray) -> None:
        self.raw = nn.Parameter(raw)

    def forward(self, x: al.Tensor) -> al.Tensor:
        return self.raw.expand(len(x), *self.raw.shape)


def test_average_precision_counts_what_the_grid_has_no_room_for() -> None:
    grid = Grid((1, 1), (16, 16), [[8.0, 8.0]], 2)
    truth = {"boxes": al.tensor([[4.0, 4.0, 12.0, 12.0], [0.0, 2.0, 9.0, 10.0]]), "labels": al.tensor([1, 1])}
    encoded = grid.encode(truth["boxes"], truth["labels"])
    assert encoded.dropped == [1]
    raw = np.array([9, 0, 0, 0, 0, -9, 9], np.float32).reshape(grid.shape)  # finds the first one
    model = Answering(raw)
    trainer = DetectionTrainer(model, nn.optim.SGD(model.parameters()), YOLOLoss(grid))
    figures = trainer.evaluate([(al.zeros(1, 1, 16, 16), encoded.target[None], [truth])])
    assert figures["map_50"] == pytest.approx(51 / 101)  # right up to the recall ½
    assert figures["loss"] < 0.01, "the loss knows nothing of it"


def test_a_network_of_nan_has_no_average_precision() -> None:
    grid = Grid((1, 1), (16, 16), [[8.0, 8.0]], 2)
    truth = {"boxes": al.tensor([[4.0, 4.0, 12.0, 12.0]]), "labels": al.tensor([1])}
    target = grid.encode(truth["boxes"], truth["labels"]).target[None]
    model = Answering(np.full(grid.shape, np.nan, np.float32))
    trainer = DetectionTrainer(model, nn.optim.SGD(model.parameters()), YOLOLoss(grid))
    with np.errstate(all="ignore"), pytest.raises(nn.Diverged, match="are NaN"):  # as in `fit`
        trainer.evaluate([(al.zeros(1, 1, 16, 16), target, [truth])])


def test_the_report_counts_collisions_on_the_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "TEST_SCENES", 2)
    one_cell = Grid((1, 1), (32, 32), [[10.0, 10.0], [30.0, 30.0]], 10)
    monkeypatch.setattr(parts, "Grid", lambda *_: one_cell)  # 2 scenes to learn from and 2 to test on
    boxes = al.tensor([[4.0, 4.0, 14.0, 14.0], [4.0, 4.0, 15.0, 15.0], [4.0, 4.0, 16.0, 16.0]])
    scene = (al.zeros(1, 32, 32), {"boxes": boxes, "labels": al.tensor([0, 1, 2])})
    monkeypatch.setattr(parts, "_in_memory", lambda scenes: [scene] * len(scenes))
    training = DetectionTraining(VisionSettings.usual("detect", scenes=2, size=32))
    assert (training.moved, training.dropped) == (4, 4)
    monkeypatch.setattr(parts.VisionTraining, "report", lambda self: [])
    monkeypatch.setattr(training.trainer, "measure", lambda batches: ({}, Precisions()))
    assert "4 share a cell and have not their best anchor, 4 had none left" in training.report()[-1]


class Precisions:
    def per_class(self) -> np.ndarray:
        return np.ones((10, 1))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "TEST_SCENES", 5)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("task", TRAININGS)
def test_one_seed_one_training(task: str) -> None:
    one, same, other = (
        TRAININGS[task](VisionSettings.usual(task, scenes=4, size=32, seed=seed)) for seed in (0, 0, 1)
    )  # fmt: skip
    for a, b in ((one.train, same.train), (one.test, same.test), (one.test, other.test)):
        assert np.array_equal(a.tensors[0].numpy(), b.tensors[0].numpy())
    assert not np.array_equal(one.train.tensors[0].numpy(), other.train.tensors[0].numpy())
    states = [np.concatenate([p.numpy().ravel() for p in t.trainer.model.parameters()]) for t in (one, same, other)]
    assert np.array_equal(states[0], states[1])
    assert not np.array_equal(states[0], states[2])


@pytest.mark.usefixtures("small")
def test_the_digits_to_test_with_were_not_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    for name in ("LocalizationScenes", "DetectionScenes"):
        scenes = getattr(parts, name)
        monkeypatch.setattr(parts, name, lambda source, _of=scenes, **more: seen.append(source) or _of(source, **more))
    for task in ("localize", "detect"):
        TRAININGS[task](VisionSettings.usual(task, scenes=4, size=32))
    train, test = nn.data.digits(flat=False)
    for found, expected in zip(seen, [train, test] * 2, strict=True):
        assert np.array_equal(found.tensors[0].numpy(), expected.tensors[0].numpy())


@pytest.mark.usefixtures("small")
def test_weights_of_a_detector_bring_their_anchors(tmp_path: Path) -> None:
    made = DetectionTraining(VisionSettings.usual("detect", scenes=20, size=32))
    al.save(made.trainer.model.state_dict(), tmp_path / "w.safetensors")
    model = DetectionTraining.untrained()
    model.load_state_dict(al.load(tmp_path / "w.safetensors"))
    assert np.array_equal(model.anchors.numpy(), made.anchors.sizes.numpy())
    assert (model.anchors.numpy() > 3).all()


def test_settings_of_a_checkpoint(tmp_path: Path) -> None:
    model = nn.Linear(1, 1)
    trainer = nn.Trainer(model, nn.optim.SGD(model.parameters()), nn.MSELoss())
    settings = VisionSettings.usual("detect", objects=3)
    assert (settings.objects, settings.size, settings.seed) == (3, 64, 0)
    trainer.save(tmp_path / "c", settings=vars(settings))
    assert VisionSettings.of(tmp_path / "c") == settings
    for stored, message in (
        ({}, "of a training on something else, not on localize, detect, landmarks"),
        ({"task": "digits"}, "of a training on digits"),
        ({"task": "detect", "colour": "red"}, "not a checkpoint of `train detect`: .*colour"),
    ):
        trainer.save(tmp_path / "c", settings=stored)
        with pytest.raises(al.CheckpointError, match=message):
            VisionSettings.of(tmp_path / "c")
