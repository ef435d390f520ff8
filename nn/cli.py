"""The command line: ``autograd-lite train digits``, ``check``, ``graph``.  Here are only the commands and printing."""

from __future__ import annotations

import argparse
import dataclasses
import io
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from autograd_lite import Generator, Tensor, save

from .checkpoint import CheckpointError, load_checkpoint
from .data import DataError
from .data.idx import DEBIAN
from .models import MLP
from .options import make_parser
from .report import traced_loss, write_graph, write_loss_plot, write_metrics
from .runs import CHECKPOINT, Failure, known_run, new_run
from .summary import summary
from .tasks import TASKS, full_name
from .train import Diverged, Settings, Trainer, check_gradients

__all__ = ["main"]

INTERRUPTED = 130  # 128 + SIGINT, as shells have it
CHECKED = 2, 8  # before a training: images, and how many elements of a parameter one by one


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code: 0, 1 for a failure, 2 for bad options, 130 after Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a sign shows "?" in its place
    try:
        options = make_parser({"train": _train, "check": _check, "graph": _graph}).parse_args(argv)
        return int(options.run(options))
    except KeyboardInterrupt:
        return _complain("interrupted", INTERRUPTED)
    except OSError as error:
        return _complain(f"{error.filename or ''}: {error.strerror or error}".removeprefix(": "))
    except MemoryError as error:
        return _complain(f"out of memory: {error}")
    except (Failure, DataError, CheckpointError, Diverged) as error:
        return _complain(str(error))


def _complain(message: str, code: int = 1) -> int:
    print(f"autograd-lite: {message}", file=sys.stderr)
    return code


# -- train ------------------------------------------------------------------------------------------------------------


def _train(options: argparse.Namespace) -> int:
    task = TASKS[options.task]
    if options.model is not None:
        try:
            options.model = full_name(options.model, task)
        except ValueError as error:
            options.refuse(f"argument --model: {error}")
    _find_data(options)
    trainer, folder = _resumed(options) if options.resume else _begun(options)
    train, test = trainer.loader.dataset, trainer.test
    print(f"{task.title}: {len(train):,} images to train on, {len(test):,} to test on ({task.credit})\n")
    print(summary(trainer.model, train.tensors[0].shape[1:]), end="\n\n")
    images, elements = CHECKED
    x, y = train[:images]
    result = check_gradients(trainer.model, x, y, elements)
    print(result if not result else str(result).partition("\n")[0])
    if not result:
        raise Failure("the gradients of this model are wrong; it was not trained")
    return _fit(trainer, folder, options)


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


def _begun(options: argparse.Namespace) -> tuple[Trainer, Path]:
    """A new training, and its folder with a first checkpoint."""
    fields = [field.name for field in dataclasses.fields(Settings)]
    settings = Settings.usual(**{key: getattr(options, key) for key in fields if getattr(options, key) is not None})
    trainer = Trainer(settings, *TASKS[settings.task].load(options.data, settings.model))
    folder = new_run(Path(options.out), options.task, options.name)
    trainer.save(folder / CHECKPOINT)
    return trainer, folder


def _resumed(options: argparse.Namespace) -> tuple[Trainer, Path]:
    """The training to go on with, and its folder."""
    folder = known_run(Path(options.out), options.name)
    checkpoint = load_checkpoint(folder / CHECKPOINT)
    settings = Settings.of(checkpoint)
    _refuse_other_settings(options, settings, folder)
    trainer = Trainer.resume(checkpoint, *TASKS[settings.task].load(options.data, settings.model))
    trainer.settings = dataclasses.replace(settings, epochs=options.epochs or settings.epochs)
    return trainer, folder


def _refuse_other_settings(options: argparse.Namespace, settings: Settings, folder: Path) -> None:
    """A run is continued with the settings that it began with; the number of epochs is bound only by a schedule."""
    if options.task != settings.task:
        raise Failure(f"{folder} is a training on {settings.task}, not {options.task}; --name chooses another run")
    for key, value in vars(settings).items():
        given = getattr(options, key)
        if given is not None and given != value and not (key == "epochs" and settings.schedule == "none"):
            option = f"--{key.replace('_', '-')}"
            why = f", where its {settings.schedule} schedule ends" if key == "epochs" else ""
            raise Failure(
                f"{folder} was begun with {option} {value}{why}, not {given}; leave the option out, or start anew"
            )


def _fit(trainer: Trainer, folder: Path, options: argparse.Namespace) -> int:
    """Train, keeping a checkpoint of every epoch, and write the results."""
    began, path, epochs = time.perf_counter(), folder / CHECKPOINT, trainer.settings.epochs
    if trainer.epoch >= epochs:
        print(f"all {epochs} epochs are done" + "; --epochs N trains on" * (trainer.settings.schedule == "none"))
    with _ctrl_c() as pressed:
        with _progress(trainer, not options.no_progress) as (after_batch, after_epoch):

            def finish_epoch(row: dict[str, float]) -> None:
                trainer.save(path)
                write_metrics(folder / "metrics.csv", trainer.history)
                after_epoch(row)

            done = trainer.fit(after_batch=after_batch, after_epoch=finish_epoch, should_stop=pressed)
        if not done:  # back to the last complete epoch
            trainer = Trainer.resume(load_checkpoint(path), trainer.loader.dataset, trainer.test)
        written = _write_results(trainer, folder)
    if trainer.history:
        accuracy = trainer.history[-1]["test_accuracy"]
        right = round(accuracy * len(trainer.test))
        print(f"test accuracy {accuracy:.2%} ({right:,} of {len(trainer.test):,} images) after epoch {trainer.epoch}, "
              f"{time.perf_counter() - began:.1f} s")  # fmt: skip
    print(f"{folder}: {', '.join(written)}")
    if not done:
        data = [] if options.data is None else ["--data", str(options.data)]
        rest = shlex.join(["autograd-lite", "train", options.task, *data, "--out", options.out, "--name", folder.name])
        rest += " --resume"
        return _complain(f"interrupted after {trainer.epoch} of {epochs} epochs; to go on: {rest}", INTERRUPTED)
    return 0


def _write_results(trainer: Trainer, folder: Path) -> list[str]:
    """Weights, figures and pictures; returns the names of the files.  What cannot be drawn is said on stderr."""
    save(trainer.model.state_dict(), folder / "model.safetensors")
    write_metrics(folder / "metrics.csv", trainer.history)
    written = [CHECKPOINT, "model.safetensors", "metrics.csv"]
    if trainer.history:
        try:
            write_loss_plot(folder / "loss.svg", trainer.history)
            written.append("loss.svg")
        except ImportError:
            _complain('loss.svg left out: it needs matplotlib; pip install "autograd-lite[viz]"')
    batch = trainer.loader.dataset[:4]
    try:
        return [*written, _draw(traced_loss(trainer.model, *batch), folder / "graph.svg").name]
    except ValueError as error:
        _complain(f"graph.svg left out: {error}")
        return written


def _draw(loss: Tensor, path: Path) -> Path:
    """Draw the graph of ``loss``, or list it where no renderer is."""
    written = write_graph(path, loss)
    if written != path:
        _complain(f'{path.name} left out: it needs a renderer; pip install "autograd-lite[viz]"; see {written.name}')
    return written


@contextmanager
def _progress(trainer: Trainer, wanted: bool) -> Iterator[tuple[Callable[..., None], Callable[..., None]]]:
    """What to call after each batch and each epoch: a bar on a terminal, else a line an epoch."""
    epochs = trainer.settings.epochs
    if not (wanted and sys.stderr.isatty()):
        yield lambda *_: None, lambda row: print(_line(row, epochs), flush=True)
        return
    batches = len(trainer.loader)
    with tqdm(total=epochs * batches, initial=trainer.epoch * batches, unit="batch", dynamic_ncols=True) as bar:

        def after_batch(loss: float, accuracy: float) -> None:
            bar.set_description(f"epoch {min(trainer.epoch + 1, epochs)}/{epochs}", refresh=False)
            bar.set_postfix_str(f"loss {loss:.4f}, accuracy {accuracy:.1%}", refresh=False)
            bar.update()

        yield after_batch, lambda row: None


def _line(row: dict[str, float], epochs: int) -> str:
    return (
        f"epoch {row['epoch']:3.0f}/{epochs}   loss {row['loss']:.4f}   accuracy {row['accuracy']:.2%}   "
        f"test loss {row['test_loss']:.4f}   test accuracy {row['test_accuracy']:.2%}"
    )


@contextmanager
def _ctrl_c() -> Iterator[Callable[[], bool]]:
    """Inside, the first Ctrl-C only sets what the yielded function tells; a second one interrupts at once."""
    pressed = False

    def note(number: int, frame: Any) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)


# -- check, graph -----------------------------------------------------------------------------------------------------


def _small_loss(options: argparse.Namespace) -> tuple[MLP, Tensor, Tensor]:
    """A small model, and a batch of inputs and classes for it."""
    sizes = options.sizes or (4, 3, 2)
    rng = np.random.default_rng(options.seed)
    model = MLP(sizes, activation="tanh", generator=Generator(options.seed))
    return model, Tensor(rng.normal(size=(5, sizes[0])).astype(np.float32)), Tensor(np.arange(5) % sizes[-1])


def _check(options: argparse.Namespace) -> int:
    model, x, y = _small_loss(options)
    print(summary(model, x.shape[1:]), end="\n\n")
    result = check_gradients(model, x, y)
    print(result)
    return 0 if result else _complain("the gradient check failed")


def _graph(options: argparse.Namespace) -> int:
    path = Path(options.out)
    if path.suffix not in (".svg", ".png", ".pdf"):
        raise Failure(f"a graph is drawn as .svg, .png or .pdf, not {path}")
    try:
        print(_draw(traced_loss(*_small_loss(options)), path))
    except (ValueError, RuntimeError) as error:  # too many layers to be read, or no way to make a PDF
        raise Failure(f"cannot draw {path}: {error}") from error
    return 0


if __name__ == "__main__":
    sys.exit(main())
