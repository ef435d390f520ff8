"""What commands share: the folders of runs, a training in one, which Ctrl-C may end, and what the user is told."""

from __future__ import annotations

import argparse
import dataclasses
import shlex
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from autograd_lite import save
from autograd_lite.explain.gradcheck import GradcheckResult

from .callbacks import CSVLog
from .progress import figures_shown
from .train import Trainer

__all__ = [
    "CHECKPOINT", "INTERRUPTED", "Failure", "Run", "complain", "field_names", "given_settings", "how_to_resume",
    "known_run", "new_run", "refuse_options", "refuse_other_settings", "refuse_wrong_gradients", "save_results",
    "train_in",
]  # fmt: skip

CHECKPOINT = "checkpoint.safetensors"
METRICS = "metrics.csv"
WEIGHTS = "model.safetensors"
INTERRUPTED = 130  # 128 + SIGINT, as shells have it


class Run(Protocol):
    """A training that a command can run; ``settings`` has the ``task`` and ``epochs`` of it."""

    settings: Any
    trainer: Trainer

    def fit(self, **options: Any) -> object:
        """Train until all epochs are complete; ``options`` of `Trainer.fit`."""

    def save(self, path: Path) -> None:
        """Write a checkpoint that holds the settings, too."""


class Failure(Exception):
    """What the user can mend; the message says how."""


def complain(message: str, code: int = 1) -> int:
    """Say on stderr what is wrong; returns the exit code."""
    print(f"autograd-lite: {message}", file=sys.stderr)
    return code


def field_names(settings: type) -> list[str]:
    """The names of the fields of a class of settings."""
    return [field.name for field in dataclasses.fields(settings)]


def given_settings(options: argparse.Namespace, settings: type) -> dict[str, Any]:
    """Of the fields of a class of settings, those that were given as options."""
    given = {name: getattr(options, name, None) for name in field_names(settings)}
    return {name: value for name, value in given.items() if value is not None}


def refuse_options(options: argparse.Namespace, names: Iterable[str]) -> None:
    """End with exit code 2 if one of the options ``names``, which belong to other tasks, was given."""
    for name in names:
        if getattr(options, name, None) is not None:
            options.refuse(f"argument --{name.replace('_', '-')}: `train {options.task}` has no such option")


def refuse_wrong_gradients(result: GradcheckResult) -> None:
    """Print the result of the check before a training, in one line if it passed.  Raises Failure if not."""
    print(str(result).partition("\n")[0] if result else result)
    if not result:
        raise Failure("the gradients of this model are wrong; it was not trained")


def new_run(out: Path, task: str, name: str | None) -> Path:
    """Make the folder of a new run: ``name``, or the first of digits, digits-2, … that is free.  Raises Failure."""
    out.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        folder = out / (name or (task if number == 1 else f"{task}-{number}"))
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            if name:
                raise Failure(f"{folder} exists already; --resume continues it, another --name begins anew") from None
        number += 1


def known_run(out: Path, name: str | None, file: str = CHECKPOINT, what: str = "checkpoint") -> Path:
    """The folder of the run to resume, which has ``file``: ``name``, or the one that was written last.

    Raises Failure if there is none.
    """
    found = sorted(out.glob(f"{name or '*'}/{file}"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise Failure(f"there is no {what} to resume in {out / name if name else out}")
    return found[-1].parent


def refuse_other_settings(options: argparse.Namespace, settings: Any, folder: Path) -> None:
    """A run is continued with the settings that it began with; the number of epochs is bound only by a schedule.

    Raises Failure for others.
    """
    if options.task != settings.task:
        raise Failure(f"{folder} is a training on {settings.task}, not {options.task}; --name chooses another run")
    for key, value in vars(settings).items():
        given = getattr(options, key, None)
        if given is not None and given != value and not (key == "epochs" and not settings.bound):
            option = f"--{key.replace('_', '-')}"
            why = f", where its {settings.schedule} schedule ends" if key == "epochs" else ""
            raise Failure(
                f"{folder} was begun with {option} {value}{why}, not {given}; leave the option out, or start anew"
            )


def train_in(folder: Path, training: Run, bar: bool, write_results: Callable[[], list[str]]) -> list[str]:
    """Train, keeping checkpoint and figures of every epoch, then ``write_results()``, and return what that does.

    Ctrl-C ends the training after a batch, whose epoch then does not count; a second one interrupts at once.  Without
    ``bar`` a line is printed for each epoch.
    """
    trainer, epochs = training.trainer, training.settings.epochs
    if trainer.epoch >= epochs:
        print(f"all {epochs} epochs are done" + "; --epochs N trains on" * (not training.settings.bound))
    with _ctrl_c() as pressed:

        def after_batch(trainer: Trainer) -> None:
            if pressed():
                trainer.stop()

        def after_epoch(trainer: Trainer) -> None:
            training.save(folder / CHECKPOINT)
            if not bar:
                print(_line(trainer.history[-1], epochs), flush=True)

        training.fit(callbacks=[after_epoch, CSVLog(folder / METRICS)], after_batch=after_batch, progress=bar)
        return write_results()


def save_results(folder: Path, trainer: Trainer) -> list[str]:
    """Write the weights and the figures of all epochs; returns the names of the files so far."""
    save(trainer.model.state_dict(), folder / WEIGHTS)
    CSVLog(folder / METRICS)(trainer)
    return [CHECKPOINT, WEIGHTS, METRICS]


def how_to_resume(options: argparse.Namespace, folder: Path, training: Run) -> str:
    """What to say of a training that Ctrl-C has ended."""
    data = [] if options.data is None else ["--data", str(options.data)]
    rest = shlex.join(["autograd-lite", "train", options.task, *data, "--out", options.out, "--name", folder.name])
    return f"interrupted after {training.trainer.epoch} of {training.settings.epochs} epochs; to go on: {rest} --resume"


def _line(row: dict[str, float], epochs: int) -> str:
    figures = {name: value for name, value in row.items() if name not in ("epoch", "seconds")}
    return f"epoch {row['epoch']:3.0f}/{epochs}   {figures_shown(figures, separator='   ')}"


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
