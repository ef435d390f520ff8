"""``autograd-lite train localize``, ``detect``, ``landmarks``, and ``autograd-lite detect IMAGE``."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from autograd_lite import CheckpointError, Tensor

from .plot import write_figure
from .report import write_loss_plot
from .runs import (
    CHECKPOINT,
    INTERRUPTED,
    Failure,
    complain,
    field_names,
    given_settings,
    how_to_resume,
    known_run,
    new_run,
    refuse_options,
    refuse_other_settings,
    refuse_wrong_gradients,
    save_results,
    train_in,
)
from .settings import Settings
from .summary import summary
from .table import text_table
from .train import check_gradients, read_checkpoint
from .vision.drawing import draw_scenes
from .vision.images import read_image
from .vision.training import TRAININGS, DetectionTraining, VisionSettings, VisionTraining
from .vision.yolo import YOLO

__all__ = ["detect", "train_vision"]

CHECKED = 1, 4  # before a training: images, and how many elements of a parameter one by one
PREDICTIONS = "predictions.png"
WIDTH = 6.0  # of the picture of detections, in inches
LONGEST = 10.0  # times as long as wide is a picture at most, of a longer image with margins


# -- train ------------------------------------------------------------------------------------------------------------


def train_vision(options: argparse.Namespace) -> int:
    """Train on a task of vision; returns the exit code.  Raises Failure, DataError, CheckpointError."""
    _refuse_strange(options)
    training, folder = _resumed(options) if options.resume else _begun(options)
    trainer, train = training.trainer, training.train
    print(f"{training.title}: {len(train):,} images to train on, {len(training.test):,} to test on\n")
    print(summary(trainer.model, train.tensors[0].shape[1:]).table(), end="\n\n")
    images, elements = CHECKED
    x, y = train[:images]
    refuse_wrong_gradients(check_gradients(trainer.model, x, y, elements, loss=trainer.loss))
    began, bar = time.perf_counter(), sys.stderr.isatty() and not options.no_progress
    written = train_in(folder, training, bar, lambda: _write_results(training, folder))
    if trainer.history:
        print("\n".join(["", *training.report(), ""]))
    print(f"{folder}: {', '.join(written)} ({time.perf_counter() - began:.1f} s)")
    return complain(how_to_resume(options, folder, training), INTERRUPTED) if trainer.stopped else 0


def _refuse_strange(options: argparse.Namespace) -> None:
    """Refuse the options that are of other tasks."""
    strange = [name for name in field_names(Settings) if name not in field_names(VisionSettings)]
    strange += ["objects"] if options.task != "detect" else []
    refuse_options(options, strange + (["data"] if options.task == "landmarks" else []))


def _begun(options: argparse.Namespace) -> tuple[VisionTraining, Path]:
    """A new training, and its folder with a first checkpoint."""
    source = {} if options.data is None else {"source": "files"}
    settings = VisionSettings.usual(**given_settings(options, VisionSettings), **source)
    training = TRAININGS[settings.task](settings, options.data)
    folder = new_run(Path(options.out), options.task, options.name)
    training.save(folder / CHECKPOINT)
    return training, folder


def _resumed(options: argparse.Namespace) -> tuple[VisionTraining, Path]:
    """The training to go on with, and its folder."""
    folder = known_run(Path(options.out), options.name)
    settings = VisionSettings.of(folder / CHECKPOINT)
    refuse_other_settings(options, settings, folder)
    if (settings.source == "files") != (options.data is not None):
        raise Failure(
            f"{folder} was begun with{'' if settings.source == 'files' else 'out'} --data; continue it in the same way"
        )
    training = TRAININGS[settings.task](settings, options.data)
    training.trainer.load(folder / CHECKPOINT)
    return training, folder


def _write_results(training: VisionTraining, folder: Path) -> list[str]:
    """Weights, figures and pictures; returns the names of the files.  What cannot be drawn is said on stderr."""
    trainer = training.trainer
    written = save_results(folder, trainer)
    if trainer.history:
        try:
            write_loss_plot(folder / "loss.svg", trainer.history, training.main)
            training.draw(folder / PREDICTIONS)
            written += ["loss.svg", PREDICTIONS]
        except ImportError as error:
            complain(f"loss.svg and {PREDICTIONS} left out: {error}")
    return written


# -- detect -----------------------------------------------------------------------------------------------------------


def detect(options: argparse.Namespace) -> int:
    """Find the objects in an image with the network of a run; print them, and draw them on the image.  Returns 0.

    Raises Failure, DataError, CheckpointError.
    """
    model = _trained(Path(options.model))
    try:
        image = read_image(options.image, "L")
        found = model.predict(image[None], options.threshold)[0]
    except (ImportError, ValueError) as error:
        raise Failure(f"{options.image}: {error}") from error
    height, width = image.shape[1:]
    print(f"{options.image}: {width}×{height} pixels, {len(found['labels'])} objects\n")
    print("\n".join(text_table([("class", "score", "x1", "y1", "x2", "y2"), *_rows(found)], 1)))
    path = Path(options.out or f"{options.image}.detections.png")
    try:
        figure = draw_scenes([image], predictions=[found])
        figure.set_size_inches(WIDTH, WIDTH * min(max(height / width, 1 / LONGEST), LONGEST))
        write_figure(figure, path)
    except ImportError as error:
        raise Failure(f"{path} was not drawn: {error}") from error
    except ValueError as error:  # an ending that is no picture's
        raise Failure(f"cannot draw {path}: {error}") from error
    print(f"\n{path}")
    return 0


def _rows(found: dict[str, Tensor]) -> list[tuple[str, ...]]:
    parts = [found[name].numpy().tolist() for name in ("labels", "scores", "boxes")]
    return [(str(label), f"{score:.1%}", *[f"{x:.1f}" for x in box]) for label, score, box in zip(*parts, strict=True)]


def _trained(path: Path) -> YOLO:
    """The detector of a run, by its folder or the checkpoint in it."""
    path = path / CHECKPOINT if path.is_dir() else path
    if not path.exists():
        raise Failure(f"{path}: there is no such file; `autograd-lite train detect` makes one")
    settings = VisionSettings.of(path)
    if settings.task != "detect":
        raise Failure(f"{path} is of a training on {settings.task}, not on detect")
    stored = read_checkpoint(path)["trainer"]["model"]
    model = DetectionTraining.untrained()
    try:
        model.load_state_dict(stored)
    except ValueError as error:
        raise CheckpointError(f"{path} does not fit: {error}") from error
    return model
