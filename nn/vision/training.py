"""What `autograd-lite train localize`, `detect` and `landmarks` are made of: data, network, loss, figures."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

import autograd_lite as al
from autograd_lite import CheckpointError, Generator, Tensor

from ..callbacks import Row
from ..data import DataError, DataLoader, Dataset, TensorDataset, digits, mnist
from ..module import Module
from ..optim import Adam
from ..optim.lr_scheduler import CosineAnnealingLR
from ..table import text_table
from ..train import Diverged, Tally, Trainer, read_checkpoint
from .anchors import kmeans_anchors
from .drawing import draw_scenes
from .faces import LANDMARKS, SyntheticFaces
from .grid import CLASSES, OBJECT, Grid
from .landmarks import (
    PLACE,
    VISIBLE,
    LandmarkLoss,
    LandmarkNet,
    landmark_target,
    normalized_mean_error,
    visibility_accuracy,
)
from .localization import (
    LocalizationLoss,
    LocalizationNet,
    class_accuracy,
    localization_boxes,
    localization_iou,
    localization_vectors,
    presence_accuracy,
)
from .metrics import DetectionMetric, Objects
from .scenes import DetectionScenes, LocalizationScenes
from .yolo import YOLO, YOLOLoss, find_objects

__all__ = ["TRAININGS", "DetectionTrainer", "DetectionTraining", "LandmarkTraining", "LocalizationTraining",
           "VisionSettings", "VisionTraining"]  # fmt: skip

DIGITS = 10  # the classes
ANCHORS = 3
STRIDE = 8  # of all networks here: sizes of images are multiples of it
TEST_SCENES, TEST_SEED = 500, 0  # the same for all trainings; those to train on have the seeds from 1
TEST_BATCH = 50
LEAST_SCORE = 0.05  # of detections that average precision looks at
SHOWN = 8  # test images in the picture of predictions


@dataclass(frozen=True)
class VisionSettings:
    """What decides a training of vision: on one machine, with one number of threads, it gives the same bits again."""

    task: str
    source: str  # of the objects: "digits", those built in, "files" of digits like MNIST, or "drawn"
    scenes: int
    size: int  # of an image, in pixels
    objects: int  # the most in a scene
    batch_size: int
    lr: float  # at the start of a cosine
    epochs: int
    seed: int = 0

    bound: ClassVar[bool] = True  # the schedule ends with the last epoch
    schedule: ClassVar[str] = "cosine"

    @classmethod
    def usual(cls, task: str, **given: Any) -> VisionSettings:
        """The settings that are ``given``, and for the others what is usual for the task."""
        return cls(**{"task": task, **TRAININGS[task].usual, **given})

    @classmethod
    def of(cls, path: Path) -> VisionSettings:
        """The settings of a checkpoint.  Raises CheckpointError for one of something else."""
        stored = read_checkpoint(path)["extra"].get("settings", {})
        task = stored.get("task")
        if task not in TRAININGS:
            known = ", ".join(TRAININGS)
            raise CheckpointError(f"{path} is of a training on {task or 'something else'}, not on {known}")
        try:
            return cls(**stored)
        except TypeError as error:
            raise CheckpointError(f"{path} is not a checkpoint of `train {task}`: {error}") from error


class VisionTraining(ABC):
    """A training by `VisionSettings`: the Trainer, the scenes that it learns from, and those it is measured on.

    ``folder`` has the files of digits if the settings say so.  Raises DataError for files that are missing or damaged,
    and for scenes that cannot be made.
    """

    title: ClassVar[str]
    usual: ClassVar[dict[str, Any]]
    main: ClassVar[str]  # the figure that counts
    figures: ClassVar[dict[str, str]]  # what is said of each in the table at the end

    def __init__(self, settings: VisionSettings, folder: str | os.PathLike[str] | None = None) -> None:
        self.settings = settings
        if settings.size % STRIDE or settings.size < 2 * STRIDE:  # of one cell batch norm has no variance
            raise DataError(
                f"the size of images must be a multiple of {STRIDE}, at least {2 * STRIDE}, got {settings.size}"
            )
        try:
            self.train, self.test = self.make_data(folder)
        except ValueError as error:
            raise DataError(f"such scenes cannot be made: {error}") from error
        generator = Generator(settings.seed)
        self.loader = DataLoader(self.train, settings.batch_size, shuffle=True, generator=generator)
        self.validation = self.make_validation()
        model = self.make_model(generator)
        optimizer = Adam(model.parameters(), lr=settings.lr)
        self.trainer = self.make_trainer(
            model, optimizer, generator=generator, schedule_each="batch",
            schedule=CosineAnnealingLR(optimizer, settings.epochs * len(self.loader)),
        )  # fmt: skip

    @abstractmethod
    def make_data(self, folder: str | os.PathLike[str] | None) -> tuple[TensorDataset, TensorDataset]:
        """The images and targets to train on and to test on."""

    @abstractmethod
    def make_model(self, generator: Generator | None = None) -> Module:
        """The network."""

    @abstractmethod
    def make_trainer(self, model: Module, optimizer: Adam, **options: Any) -> Trainer:
        """The Trainer, with the loss of the task."""

    @abstractmethod
    def objects(self, images: Tensor, targets: Tensor) -> tuple[Sequence[Objects], Sequence[Objects]]:
        """What is in the first test images, and what the network finds there, as `draw_scenes` takes it."""

    def make_validation(self) -> DataLoader:
        return DataLoader(self.test, TEST_BATCH)

    def fit(self, **options: Any) -> list[Row]:
        """Train until all epochs are complete; ``options`` of `Trainer.fit`."""
        return self.trainer.fit(self.loader, self.settings.epochs, validation={"test": self.validation}, **options)

    def save(self, path: Path) -> None:
        """Write a checkpoint that holds the settings, too."""
        self.trainer.save(path, settings=vars(self.settings))

    def report(self) -> list[str]:
        """The lines of a table of the figures on the test images."""
        row = self.trainer.history[-1]
        cells = [(text, f"{row[f'test_{name}']:.2%}") for name, text in self.figures.items()]
        return text_table([(f"after epoch {self.trainer.epoch}", "test"), *cells], 1)

    def draw(self, path: Path) -> None:
        """Draw predictions for the first test images beside the truth.  Raises ImportError without matplotlib."""
        images, targets = self.test[:SHOWN]
        draw_scenes(list(images), *self.objects(images, targets), path=path)

    def _sources(self, folder: str | os.PathLike[str] | None) -> tuple[TensorDataset, TensorDataset]:
        """Digits to train on and digits to test on, which never mix."""
        return digits(flat=False) if folder is None else mnist(folder)

    def _seeds(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Length and seed of the scenes to train on and to test on."""
        train = {"length": self.settings.scenes, "seed": self.settings.seed + TEST_SEED + 1}
        return train, {"length": TEST_SCENES, "seed": TEST_SEED}


class LocalizationTraining(VisionTraining):
    """One digit in an image or none: is it there, where, and which?  (cheat sheet 5.1, 5.2)."""

    title = "localization of one digit"
    usual: ClassVar[dict[str, Any]] = {
        "source": "digits", "scenes": 4000, "size": 32, "objects": 1, "batch_size": 64, "lr": 0.003, "epochs": 20,
    }  # fmt: skip
    main = "iou"
    figures: ClassVar[dict[str, str]] = {
        "iou": "mean IoU of boxes", "class_accuracy": "right class", "presence_accuracy": "right about presence",
    }  # fmt: skip

    def make_data(self, folder: str | os.PathLike[str] | None) -> tuple[TensorDataset, TensorDataset]:
        size = self.settings.size
        options: dict[str, Any] = {"size": size, "heights": (round(0.3 * size), round(0.75 * size))}
        parts = zip(self._sources(folder), self._seeds(), strict=True)
        train, test = [_stacked(_in_memory(LocalizationScenes(source, **seeds, **options))) for source, seeds in parts]
        return train, test

    def make_model(self, generator: Generator | None = None) -> LocalizationNet:
        size = self.settings.size
        return LocalizationNet((1, size, size), DIGITS, generator=generator)

    def make_trainer(self, model: Module, optimizer: Adam, **options: Any) -> Trainer:
        metrics = {
            "iou": localization_iou, "class_accuracy": class_accuracy, "presence_accuracy": presence_accuracy
        }  # fmt: skip
        return Trainer(model, optimizer, LocalizationLoss(), metrics=metrics, **options)

    def objects(self, images: Tensor, targets: Tensor) -> tuple[Sequence[Objects], Sequence[Objects]]:
        size = self.settings.size, self.settings.size
        truths = [{"boxes": one["boxes"], "labels": one["labels"]} for one in _localized(targets, size)]
        return truths, _localized(localization_vectors(self.trainer.predict(images)), size)


class DetectionTraining(VisionTraining):
    """Several digits in an image, found by a `YOLO`  (cheat sheet 5.1, 5.3)."""

    title = "detection of digits"
    usual: ClassVar[dict[str, Any]] = {
        "source": "digits", "scenes": 6000, "size": 64, "objects": 6, "batch_size": 32, "lr": 0.003, "epochs": 12,
    }  # fmt: skip
    trainer: DetectionTrainer
    main = "map_50"
    figures: ClassVar[dict[str, str]] = {
        "map_50": "mAP at IoU 0.5", "map_75": "mAP at IoU 0.75", "map": "mAP at IoU 0.5, 0.55 … 0.95"
    }  # fmt: skip

    def make_data(self, folder: str | os.PathLike[str] | None) -> tuple[TensorDataset, TensorDataset]:
        size = self.settings.size
        options: dict[str, Any] = {
            "size": size, "count": (1, self.settings.objects), "heights": (round(0.22 * size), round(0.44 * size))
        }  # fmt: skip
        parts = zip(self._sources(folder), self._seeds(), strict=True)
        train, test = [_in_memory(DetectionScenes(source, **seeds, **options)) for source, seeds in parts]
        sides = np.concatenate([t["boxes"].numpy()[:, 2:] - t["boxes"].numpy()[:, :2] for _, t in train])
        self.anchors = kmeans_anchors(sides, ANCHORS, generator=Generator(self.settings.seed))
        self.grid = Grid((size // STRIDE, size // STRIDE), (size, size), self.anchors.sizes, DIGITS)
        self.truths = [target for _, target in test]
        self.moved = self.dropped = 0  # objects that collide on the grid
        return self._encoded(train), self._encoded(test)

    def _encoded(self, scenes: Sequence[tuple[Tensor, dict[str, Tensor]]]) -> TensorDataset:
        examples = []
        for image, truth in scenes:
            encoded = self.grid.encode(truth["boxes"], truth["labels"])
            self.moved, self.dropped = self.moved + len(encoded.moved), self.dropped + len(encoded.dropped)
            examples.append((image, encoded.target))
        return _stacked(examples)

    def make_model(self, generator: Generator | None = None) -> YOLO:
        return YOLO(self.anchors.sizes, DIGITS, generator=generator)

    @staticmethod
    def untrained() -> YOLO:
        """A network that takes over the weights of a training, and with them its anchors."""
        return YOLO(np.ones((ANCHORS, 2)), DIGITS)

    def make_trainer(self, model: Module, optimizer: Adam, **options: Any) -> Trainer:
        return DetectionTrainer(model, optimizer, YOLOLoss(self.grid), **options)

    def make_validation(self) -> DataLoader:
        examples = [(*self.test[i], truth) for i, truth in enumerate(self.truths)]
        return DataLoader(examples, TEST_BATCH, collate_fn=_with_truths)

    def report(self) -> list[str]:
        """The same, the average precision of each digit, and how many objects collided on the grid."""
        precisions = self.trainer.measure(self.validation)[1].per_class()[:, 0]
        cells = [("digit", *map(str, range(DIGITS))), ("AP at IoU 0.5", *[f"{p:.1%}" for p in precisions])]
        collisions = (
            f"Of all objects {self.moved} share a cell and have not their best anchor, {self.dropped} had none left."
        )
        return [*super().report(), "", *text_table(cells, 1), "", collisions]

    def objects(self, images: Tensor, targets: Tensor) -> tuple[Sequence[Objects], Sequence[Objects]]:
        return self.truths[: len(images)], find_objects(self.trainer.predict(images), self.grid)


class DetectionTrainer(Trainer):
    """A Trainer of a `YOLO`, with a `YOLOLoss`, whose `evaluate` tells mean average precision, too.

    A batch is ``(images, vectors)``, to be evaluated ``(images, vectors, targets)``: ``targets`` is a list of dicts
    with "boxes" and "labels", which have what the grid has no room for, as well.
    """

    loss: YOLOLoss

    def compute(self, batch: Any) -> tuple[Tensor, Tensor, Tensor]:
        images, vectors, *_ = batch
        raw = self.model(images)
        return raw, vectors, self.loss(raw, vectors)

    def measure(self, batches: Any) -> tuple[Row, DetectionMetric]:
        """The usual figures, and how good the detections are, over all examples of ``batches``.

        Raises Diverged for outputs that are NaN.
        """
        tally, metric = Tally(self.metrics), DetectionMetric(self.loss.grid.classes)
        with self._evaluating():
            for batch in batches:
                raw, vectors, loss = self.compute(batch)
                tally.add(batch, raw, vectors, loss)
                if np.isnan(raw.numpy()).any():
                    raise Diverged("the outputs for images to test on are NaN; try a smaller learning rate")
                metric.update(find_objects(raw, self.loss.grid, LEAST_SCORE), batch[2])
        return tally.figures(), metric

    def evaluate(self, batches: Any) -> Row:
        figures, metric = self.measure(batches)
        return {**figures, **metric.value()}


class LandmarkTraining(VisionTraining):
    """Five points of a drawn face, some of them hidden  (cheat sheet 5.1)."""

    title = "landmarks of drawn (synthetic) faces"
    usual: ClassVar[dict[str, Any]] = {
        "source": "drawn", "scenes": 3000, "size": 48, "objects": 1, "batch_size": 32, "lr": 0.003, "epochs": 10,
    }  # fmt: skip
    main = "nme"
    figures: ClassVar[dict[str, str]] = {
        "nme": "mean error of a visible point, by the size of the face", "visible_accuracy": "right about visibility",
    }  # fmt: skip

    def make_data(self, folder: str | os.PathLike[str] | None) -> tuple[TensorDataset, TensorDataset]:
        size = self.settings.size
        heights = size // 2, round(0.8 * size)
        train, test = [_in_memory(SyntheticFaces(size=size, heights=heights, **seeds)) for seeds in self._seeds()]
        return self._with_targets(train), self._with_targets(test)

    def _with_targets(self, faces: list[Any]) -> TensorDataset:
        return _stacked([(image, landmark_target(**target)) for image, target in faces])

    def make_model(self, generator: Generator | None = None) -> LandmarkNet:
        return LandmarkNet(len(LANDMARKS), generator=generator)

    def make_trainer(self, model: Module, optimizer: Adam, **options: Any) -> Trainer:
        metrics = {"nme": normalized_mean_error, "visible_accuracy": visibility_accuracy}
        return Trainer(model, optimizer, LandmarkLoss(), metrics=metrics, **options)

    def objects(self, images: Tensor, targets: Tensor) -> tuple[Sequence[Objects], Sequence[Objects]]:
        truths = [{"points": one[:, PLACE], "visible": one[:, VISIBLE] == 1} for one in targets]
        found = [{"points": one[:, PLACE], "visible": one[:, VISIBLE] > 0} for one in self.trainer.predict(images)]
        return truths, found


TRAININGS: dict[str, type[VisionTraining]] = {
    "localize": LocalizationTraining, "detect": DetectionTraining, "landmarks": LandmarkTraining
}  # fmt: skip


def _localized(y: Tensor, size: tuple[int, int]) -> list[Objects]:
    """The objects that vectors y ``(N, 5 + C)`` say are there, where p_c is above ½, with p_c as their score."""
    boxes, labels = localization_boxes(y, size), y[:, CLASSES].argmax(1)
    rows = [slice(i, i + (y[i, OBJECT].item() > 0.5)) for i in range(len(y))]
    return [{"boxes": boxes[row], "labels": labels[row], "scores": y[row, OBJECT]} for row in rows]


def _in_memory(scenes: Dataset) -> list[Any]:
    """All examples, drawn once."""
    return [scenes[i] for i in range(len(scenes))]


def _stacked(examples: Sequence[tuple[Tensor, Tensor]]) -> TensorDataset:
    images, targets = zip(*examples, strict=True)
    return TensorDataset(al.stack(images), al.stack(targets))


def _with_truths(examples: list[Any]) -> tuple[Tensor, Tensor, list[dict[str, Tensor]]]:
    images, vectors, truths = zip(*examples, strict=True)
    return al.stack(images), al.stack(vectors), list(truths)
