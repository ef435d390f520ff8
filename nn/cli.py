"""The command line: ``autograd-lite train digits``, ``detect``, ``search``, ``check``, ``graph``, ``formulas``.

Here are only the commands and printing.
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from autograd_lite import CheckpointError, Generator, Tensor

from .data import DataError
from .data.idx import DEBIAN
from .formulas import ITEMS, list_items, select
from .models import MLP
from .options import make_parser
from .report import traced_loss, write_graph, write_loss_plot
from .runs import (
    CHECKPOINT,
    INTERRUPTED,
    Failure,
    complain,
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
from .search import SearchError
from .search_command import search
from .settings import Settings, Training
from .summary import summary
from .tasks import TASKS, full_name
from .train import Diverged, check_gradients
from .vision.training import TRAININGS
from .vision_command import detect, train_vision

__all__ = ["main"]

CHECKED = 2, 8  # before a training: images, and how many elements of a parameter one by one


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code: 0, 1 for a failure, 2 for bad options, 130 after Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a sign shows "?" in its place
    try:
        commands = {
            "train": _train, "detect": detect, "search": _search, "check": _check, "graph": _graph,
            "formulas": _formulas,
        }  # fmt: skip
        options = make_parser(commands).parse_args(argv)
        return int(options.run(options))
    except KeyboardInterrupt:
        return complain("interrupted", INTERRUPTED)
    except OSError as error:
        return complain(f"{error.filename or ''}: {error.strerror or error}".removeprefix(": "))
    except MemoryError as error:
        return complain(f"out of memory: {error}")
    except (Failure, DataError, CheckpointError, SearchError, Diverged) as error:
        return complain(str(error))


# -- train ------------------------------------------------------------------------------------------------------------


def _train(options: argparse.Namespace) -> int:
    if options.task in TRAININGS:
        return train_vision(options)
    refuse_options(options, ("scenes", "size", "objects"))
    task = TASKS[options.task]
    if options.model is not None:
        try:
            options.model = full_name(options.model, task)
        except ValueError as error:
            options.refuse(f"argument --model: {error}")
    _find_data(options)
    training, folder = _resumed(options) if options.resume else _begun(options)
    model, train, held_out = training.trainer.model, training.train, len(training.train) - len(training.loader.dataset)
    print(f"{task.title}: {len(train):,} images to train on, {len(training.test):,} to test on ({task.credit})")
    print(f"{held_out:,} of the images to train on are held out, for early stopping\n" if held_out else "")
    print(summary(model, train.tensors[0].shape[1:]).table(), end="\n\n")
    images, elements = CHECKED
    x, y = train[:images]
    refuse_wrong_gradients(check_gradients(model, x, y, elements, training.settings.make_penalty(len(y))))
    return _fit(training, folder, options)


def _find_data(options: argparse.Namespace) -> None:
    """Fill in where the task's files lie, or refuse the options."""
    task = TASKS[options.task]
    if task.built_in and options.data is not None:
        options.refuse(f"argument --data: {options.task} is built in")
    if not task.built_in and options.data is None:
        if task.folder is None or not task.folder.is_dir():
            hint = "; or install Debian's dataset-fashion-mnist" if task.folder == DEBIAN else ""
            options.refuse(f"argument --data: {options.task} needs the folder of its files{hint}")
        options.data = task.folder


def _begun(options: argparse.Namespace) -> tuple[Training, Path]:
    """A new training, and its folder with a first checkpoint."""
    settings = Settings.usual(**given_settings(options, Settings))
    training = Training(settings, *TASKS[settings.task].load(options.data, settings.model))
    folder = new_run(Path(options.out), options.task, options.name)
    training.save(folder / CHECKPOINT)
    return training, folder


def _resumed(options: argparse.Namespace) -> tuple[Training, Path]:
    """The training to go on with, and its folder."""
    folder = known_run(Path(options.out), options.name)
    path = folder / CHECKPOINT
    settings = Settings.of(path)
    refuse_other_settings(options, settings, folder)
    settings = dataclasses.replace(settings, epochs=options.epochs or settings.epochs)
    training = Training(settings, *TASKS[settings.task].load(options.data, settings.model))
    training.trainer.load(path)
    return training, folder


def _fit(training: Training, folder: Path, options: argparse.Namespace) -> int:
    """Train, keeping a checkpoint of every epoch, and write the results."""
    trainer, began = training.trainer, time.perf_counter()
    bar = sys.stderr.isatty() and not options.no_progress
    written = train_in(folder, training, bar, lambda: _write_results(training, folder))
    row = training.result
    if row is not None:
        right = round(row["test_accuracy"] * len(training.test))
        best = f", the best of {trainer.epoch}" if row["epoch"] < trainer.epoch else ""
        print(f"test accuracy {row['test_accuracy']:.2%} ({right:,} of {len(training.test):,} images) "
              f"after epoch {row['epoch']}{best}, {time.perf_counter() - began:.1f} s")  # fmt: skip
    print(f"{folder}: {', '.join(written)}")
    return complain(how_to_resume(options, folder, training), INTERRUPTED) if trainer.stopped else 0


def _write_results(training: Training, folder: Path) -> list[str]:
    """Weights, figures and pictures; returns the names of the files.  What cannot be drawn is said on stderr."""
    trainer = training.trainer
    written = save_results(folder, trainer)
    if trainer.history:
        try:
            write_loss_plot(folder / "loss.svg", trainer.history)
            written.append("loss.svg")
        except ImportError as error:
            complain(f"loss.svg left out: {error}")
    try:
        return [*written, _draw(traced_loss(trainer.model, *training.train[:4]), folder / "graph.svg").name]
    except ValueError as error:
        complain(f"graph.svg left out: {error}")
        return written


def _draw(loss: Tensor, path: Path) -> Path:
    """Draw the graph of ``loss``, or list it where no renderer is."""
    written = write_graph(path, loss)
    if written != path:
        complain(f'{path.name} left out: it needs a renderer; pip install "autograd-lite[viz]"; see {written.name}')
    return written


# -- search, check, graph ---------------------------------------------------------------------------------------------


def _search(options: argparse.Namespace) -> int:
    _find_data(options)
    return search(options)


def _small_model(options: argparse.Namespace) -> tuple[MLP, Tensor, Tensor]:
    """A small model, and a batch of inputs and classes for it."""
    sizes = options.sizes or (4, 3, 2)
    rng = np.random.default_rng(options.seed)
    model = MLP(sizes, activation="tanh", generator=Generator(options.seed))
    return model, Tensor(rng.normal(size=(5, sizes[0])).astype(np.float32)), Tensor(np.arange(5) % sizes[-1])


def _check(options: argparse.Namespace) -> int:
    model, x, y = _small_model(options)
    print(summary(model, x.shape[1:]).table(), end="\n\n")
    result = check_gradients(model, x, y)
    print(result)
    return 0 if result else complain("the gradient check failed")


def _graph(options: argparse.Namespace) -> int:
    path = Path(options.out)
    if path.suffix not in (".svg", ".png", ".pdf"):
        raise Failure(f"a graph is drawn as .svg, .png or .pdf, not {path}")
    try:
        print(_draw(traced_loss(*_small_model(options)), path))
    except (ValueError, RuntimeError) as error:  # too many layers to be read, or no way to make a PDF
        raise Failure(f"cannot draw {path}: {error}") from error
    return 0


# -- formulas ---------------------------------------------------------------------------------------------------------


def _formulas(options: argparse.Namespace) -> int:
    try:
        items = ITEMS if options.item is None else select(options.item)
    except ValueError as error:
        options.refuse(f"argument item: {error}")
    print(list_items(items, detailed=options.item is not None))
    return 0
