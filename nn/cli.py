"""The command line: ``autograd-lite train digits``, ``check``, ``graph``.  Here are only options and printing."""

from __future__ import annotations

import argparse
import io
import math
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from tqdm import tqdm

from autograd_lite import Generator, Tensor, __version__

from .checkpoint import Checkpoint, CheckpointError, load_checkpoint, save
from .data import digits
from .models import MLP
from .report import traced_loss, write_graph, write_loss_plot, write_metrics
from .summary import summary
from .train import RATES, SIZES, Diverged, Settings, Trainer, check_gradients

__all__ = ["main"]

EPOCHS = 30
MAX_SIZE = 100_000  # of a layer
CREDIT = "E. Alpaydin & C. Kaynak, UCI Machine Learning Repository, CC BY 4.0"
INTERRUPTED = 130  # 128 + SIGINT, as shells have it


class Failure(Exception):
    """What the user can mend; the message says how."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code: 0, 1 for a failure, 2 for bad options, 130 after Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a sign shows "?" in its place
    try:
        options = _parser().parse_args(argv)
        return int(options.run(options))
    except KeyboardInterrupt:
        return _complain("interrupted", INTERRUPTED)
    except OSError as error:
        return _complain(f"{error.filename or ''}: {error.strerror or error}".removeprefix(": "))
    except MemoryError as error:
        return _complain(f"out of memory: {error}")
    except (Failure, CheckpointError, Diverged) as error:
        return _complain(str(error))


def _complain(message: str, code: int = 1) -> int:
    print(f"autograd-lite: {message}", file=sys.stderr)
    return code


# -- train ------------------------------------------------------------------------------------------------------------


def _train(options: argparse.Namespace) -> int:
    train, test = digits()
    out = Path(options.out)
    if options.resume:
        folder = _known_run(out, options.name)
        checkpoint = load_checkpoint(folder / "checkpoint.safetensors")
        trainer = Trainer.resume(checkpoint, train, test)
        _refuse_other_settings(options, trainer.settings, folder)
        epochs = options.epochs or _planned(checkpoint)
    else:
        optimizer = options.optimizer or "adam"
        given = {key: getattr(options, key) for key in vars(Settings()) if getattr(options, key) is not None}
        trainer = Trainer(Settings(**{"lr": RATES[optimizer], **given}), train, test)
        epochs = options.epochs or EPOCHS
        folder = _new_run(out, options.name)
        trainer.save(folder / "checkpoint.safetensors", epochs=epochs)
    print(f"UCI handwritten digits: {len(train):,} images to train on, {len(test)} to test on ({CREDIT})\n")
    print(summary(trainer.model, (64,)), end="\n\n")
    result = check_gradients(trainer.model, *train[:4])
    print(result if not result else str(result).partition("\n")[0])
    if not result:
        raise Failure("the gradients of this model are wrong; it was not trained")
    return _fit(trainer, epochs, folder, options)


def _fit(trainer: Trainer, epochs: int, folder: Path, options: argparse.Namespace) -> int:
    """Train, keeping a checkpoint of every epoch, and write the results."""
    began, path = time.perf_counter(), folder / "checkpoint.safetensors"

    def keep(row: dict[str, float]) -> None:
        trainer.save(path, epochs=epochs)
        write_metrics(folder / "metrics.csv", trainer.history)

    if trainer.epoch >= epochs:
        print(f"all {epochs} epochs are done; --epochs N trains on")
    with _ctrl_c() as pressed:
        with _progress(trainer, epochs, not options.no_progress) as (after_batch, after_epoch):

            def finish_epoch(row: dict[str, float]) -> None:
                keep(row)
                after_epoch(row)

            done = trainer.fit(epochs, after_batch=after_batch, after_epoch=finish_epoch, should_stop=pressed)
        if not done:  # back to the last complete epoch
            trainer = Trainer.resume(load_checkpoint(path), trainer.loader.dataset, trainer.test)
        written = _write_results(trainer, folder)
    if trainer.history:
        accuracy = trainer.history[-1]["test_accuracy"]
        right = round(accuracy * len(trainer.test))
        print(f"test accuracy {accuracy:.2%} ({right} of {len(trainer.test)} images) after epoch {trainer.epoch}, "
              f"{time.perf_counter() - began:.1f} s")  # fmt: skip
    print(f"{folder}: {', '.join(written)}")
    if not done:
        rest = f"autograd-lite train digits --out {options.out} --name {folder.name} --resume"
        return _complain(f"interrupted after {trainer.epoch} of {epochs} epochs; to go on: {rest}", INTERRUPTED)
    return 0


def _write_results(trainer: Trainer, folder: Path) -> list[str]:
    """Weights, figures and pictures; returns the names of the files.  What cannot be drawn is said on stderr."""
    save(trainer.model, folder / "model.safetensors")
    write_metrics(folder / "metrics.csv", trainer.history)
    written = ["checkpoint.safetensors", "model.safetensors", "metrics.csv"]
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
def _progress(trainer: Trainer, epochs: int, wanted: bool) -> Iterator[tuple[Callable[..., None], Callable[..., None]]]:
    """What to call after each batch and each epoch: a bar on a terminal, else a line an epoch."""
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


# -- the folder of a run ----------------------------------------------------------------------------------------------


def _new_run(out: Path, name: str | None) -> Path:
    """Make the folder of a new run: ``name``, or the first of digits, digits-2, … that is free."""
    out.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        folder = out / (name or ("digits" if number == 1 else f"digits-{number}"))
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            if name:
                raise Failure(f"{folder} exists already; --resume continues it, another --name begins anew") from None
        number += 1


def _known_run(out: Path, name: str | None) -> Path:
    """The folder of the run to resume: ``name``, or the one that was written last."""
    found = sorted(out.glob(f"{name or '*'}/checkpoint.safetensors"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise Failure(f"there is no checkpoint to resume in {out / name if name else out}")
    return found[-1].parent


def _refuse_other_settings(options: argparse.Namespace, settings: Settings, folder: Path) -> None:
    """A run is continued with the settings that it began with."""
    for key, value in vars(settings).items():
        given = getattr(options, key)
        if given is not None and given != value:
            option = "--model" if key == "sizes" else f"--{key.replace('_', '-')}"
            if key == "sizes":
                given, value = _dashed(given), _dashed(value)
            raise Failure(f"{folder} was begun with {option} {value}, not {given}; leave the option out, or start anew")


def _planned(checkpoint: Checkpoint) -> int:
    epochs = checkpoint.extra.get("epochs")
    if not isinstance(epochs, int):
        raise CheckpointError(f"{checkpoint.path} does not say how many epochs were planned; give --epochs")
    return epochs


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


# -- options ----------------------------------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """Errors take one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="autograd-lite", description="Train, check and draw small neural networks.")
    parser.add_argument("--version", action="version", version=f"autograd-lite {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="{train,check,graph}")

    train = commands.add_parser("train", help="train a network on real data", description=_train_text())
    train.add_argument("task", choices=["digits"], help="the data: the UCI handwritten digits, which are built in")
    train.add_argument("--model", dest="sizes", type=_digit_sizes, metavar="MODEL",
                       help="mlp (64-128-64-10, the default), linear (64-10), or sizes like 64-100-10")  # fmt: skip
    train.add_argument("--epochs", type=_count, help=f"passes over the data (default {EPOCHS})")
    train.add_argument("--optimizer", choices=sorted(RATES), help="adam (default), or sgd with momentum 0.9")
    train.add_argument("--lr", type=_rate, help=f"learning rate (default {RATES['adam']}, for sgd {RATES['sgd']})")
    train.add_argument("--batch-size", type=_count, help=f"examples a step (default {Settings().batch_size})")
    train.add_argument("--seed", type=_seed, help="of start weights and order (default 0)")
    train.add_argument("--out", default="runs", help="folder of all runs (default runs)")
    train.add_argument("--name", type=_name, help="folder of this run in it (default digits, digits-2, …)")
    train.add_argument("--resume", action="store_true", help="continue the run --name, or the latest, where it stopped")
    train.add_argument("--no-progress", action="store_true", help="a line an epoch instead of the bar")
    train.set_defaults(run=_train)

    for name, run, text in (("check", _check, "check the gradients of a small network against finite differences"),
                            ("graph", _graph, "draw the computation graph of a small network")):  # fmt: skip
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--model", dest="sizes", type=_sizes, metavar="SIZES", help="layer sizes (default 4-3-2)")
        command.add_argument("--seed", type=_seed, default=0, help="of weights and inputs (default 0)")
        if name == "graph":
            command.add_argument("--out", default="graph.svg", help=".svg, .png or .pdf (default graph.svg)")
        command.set_defaults(run=run)
    return parser


def _train_text() -> str:
    return f"Train a network on the UCI handwritten digits ({CREDIT})."


def _number(text: str, kind: type, what: str, fits: Callable[[Any], bool]) -> Any:
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not fits(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
    return value


def _count(text: str) -> int:
    return int(_number(text, int, "a whole number of at least 1", lambda n: n >= 1))


def _seed(text: str) -> int:
    return int(_number(text, int, "a whole number of at least 0", lambda n: n >= 0))


def _rate(text: str) -> float:
    return float(_number(text, float, "a number above 0", lambda x: 0 < x < math.inf))


def _name(text: str) -> str:
    if text in ("", ".", "..") or any(mark in text for mark in "/\\*?["):
        raise argparse.ArgumentTypeError(f"{text!r} is not the name of a folder")
    return text


def _sizes(text: str) -> tuple[int, ...]:
    sizes = tuple([_count(part) for part in text.split("-")])
    if max(sizes) > MAX_SIZE:
        raise argparse.ArgumentTypeError(f"{text!r} has a layer of more than {MAX_SIZE:,}")
    if len(sizes) < 2 or sizes[-1] < 2:
        raise argparse.ArgumentTypeError(f"{text!r} needs at least two sizes, like 4-3-2, and 2 classes last")
    return sizes


def _digit_sizes(text: str) -> tuple[int, ...]:
    if text in SIZES:
        return SIZES[text]
    if not text[:1].isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not {', '.join(SIZES)} or sizes like 64-100-10")
    sizes = _sizes(text)
    if sizes[0] != 64 or sizes[-1] != 10:
        raise argparse.ArgumentTypeError(f"{text!r} does not fit the digits: 64 pixels first and 10 classes last")
    return sizes


def _dashed(sizes: Sequence[int]) -> str:
    return "-".join(map(str, sizes))


if __name__ == "__main__":
    sys.exit(main())
