"""What can be given on the command line, and what is said of it when it is wrong."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from autograd_lite import __version__

from .settings import NET_RATES, OPTIMIZERS, RATES, SCHEDULES, Settings
from .tasks import NAMES, TASKS, parse_sizes
from .vision.training import TRAININGS

__all__ = ["make_parser"]

Command = Callable[[argparse.Namespace], int]

_ABOUT_SEARCH = (
    "Train networks of linear layers at random points of the cheat sheet's space of hyperparameters, and compare them "
    "on a fifth of the training images. The test images are not looked at."
)


class _Parser(argparse.ArgumentParser):
    """Errors take one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def make_parser(commands: Mapping[str, Command]) -> argparse.ArgumentParser:
    """The parser of all options; its result has the command as ``run``, and ``refuse(message)`` for errors found later.

    ``commands`` are the functions of train, detect, search, check, graph and formulas.
    """
    parser = _Parser(prog="autograd-lite", description="Train, check and draw small neural networks.")
    parser.add_argument("--version", action="version", version=f"autograd-lite {__version__}")
    parsers = parser.add_subparsers(dest="command", required=True, metavar="{train,detect,search,check,graph,formulas}")
    train = parsers.add_parser("train", help="train a network on real data", description=_about_tasks())
    _add_training(train)
    train.set_defaults(run=commands["train"], refuse=train.error)
    text = "find the objects in an image"
    detect = parsers.add_parser("detect", help=text, description=f"Let a network of `train detect` {text}.")
    _add_detection(detect)
    detect.set_defaults(run=commands["detect"], refuse=detect.error)
    search = parsers.add_parser("search", help="search for hyperparameters at random", description=_ABOUT_SEARCH)
    _add_search(search)
    search.set_defaults(run=commands["search"], refuse=search.error)
    for name, text in (("check", "check the gradients of a small network against finite differences"),
                       ("graph", "draw the computation graph of a small network")):  # fmt: skip
        command = parsers.add_parser(name, help=text, description=f"{text.capitalize()}.")
        command.add_argument("--model", dest="sizes", type=_sizes, metavar="SIZES", help="layer sizes (default 4-3-2)")
        command.add_argument("--seed", type=_seed, default=0, help="of weights and inputs (default 0)")
        if name == "graph":
            command.add_argument("--out", default="graph.svg", help=".svg, .png or .pdf (default graph.svg)")
        command.set_defaults(run=commands[name])
    text = "list the formulas of the cheat sheet, with what implements each"
    formulas = parsers.add_parser("formulas", help=text, description=f"{text.capitalize()}.")
    formulas.add_argument(
        "item", nargs="?", help="a section like 2.6, a chapter like 2, or a name like adam or mae: in detail"
    )
    formulas.set_defaults(run=commands["formulas"], refuse=formulas.error)
    return parser


def _add_training(train: argparse.ArgumentParser) -> None:
    usual = Settings()
    train.add_argument(
        "task", choices=[*TASKS, *TRAININGS],
        help="images to classify (the UCI digits are built in), or localize, detect, landmarks: see below",
    )  # fmt: skip
    train.add_argument("--data", metavar="FOLDER", help="folder of the task's files, gzipped or not")
    train.add_argument(
        "--model", help=f"{', '.join(NAMES)}, or layer sizes like 784-300-10 (default: {_each('model')})"
    )
    train.add_argument("--epochs", type=_count, help=f"passes over the data (default: {_each('epochs')})")
    train.add_argument("--optimizer", choices=OPTIMIZERS, help="adam (default), or sgd with momentum 0.9")
    train.add_argument("--lr", type=_rate, help=f"learning rate (default: {_rates()})")
    train.add_argument(
        "--schedule",
        choices=SCHEDULES,
        help=f"of the learning rate: {_schedules()} (default: cosine for lenet, vgg, resnet8, else none)",
    )
    train.add_argument("--decay-rate", type=_decay, help=f"λ of exp and inverse (default {usual.decay_rate:g})")
    train.add_argument(
        "--weight-decay", type=_decay, help=f"times the weights, is added to gradients (default {usual.weight_decay:g})"
    )
    train.add_argument("--clip-norm", type=_rate, help="longest gradient; a longer one is shortened (default: none)")
    train.add_argument(
        "--patience",
        type=_count,
        help="end after so many epochs without a better loss on held-out images; keep the best",
    )
    train.add_argument("--batch-size", type=_count, help=f"examples a step (default {usual.batch_size})")
    train.add_argument("--seed", type=_seed, help="of start weights and order (default 0)")
    train.add_argument("--out", default="runs", help="folder of all runs (default runs)")
    train.add_argument("--name", type=_name, help="folder of this run in it (default: the task, task-2, …)")
    train.add_argument("--resume", action="store_true", help="continue the run --name, or the latest, where it stopped")
    train.add_argument("--no-progress", action="store_true", help="a line an epoch instead of the bar")
    _add_vision(train)


def _add_vision(train: argparse.ArgumentParser) -> None:
    vision = train.add_argument_group(
        "localize, detect and landmarks",
        "Where is a digit in a scene, where are several, where are eyes, nose and mouth of a drawn face? Of the "
        "options above these take --epochs, --lr, --batch-size, --seed, --out, --name, --resume, --no-progress, and "
        "the first two --data, a folder like MNIST's, instead of the built-in digits. "
        f"Defaults: --epochs {_of_vision('epochs')}; --lr {_of_vision('lr')}; --batch-size {_of_vision('batch_size')}.",
    )
    vision.add_argument("--scenes", type=_count, help=f"to train on (default: {_of_vision('scenes')})")
    vision.add_argument("--size", type=_count, help=f"of an image, in pixels (default: {_of_vision('size')})")
    objects = TRAININGS["detect"].usual["objects"]
    vision.add_argument("--objects", type=_count, help=f"the most in a scene, for detect (default {objects})")


def _add_detection(detect: argparse.ArgumentParser) -> None:
    detect.add_argument("image", metavar="IMAGE", help="a picture (needs Pillow), or grey values as .npy")
    detect.add_argument("--model", metavar="RUN", required=True, help="folder of a run of `train detect`")
    detect.add_argument("--threshold", type=_share, default=0.3, help="least score of an object (default 0.3)")
    detect.add_argument("--out", help="the picture with the boxes (default: IMAGE.detections.png)")


def _add_search(search: argparse.ArgumentParser) -> None:
    search.add_argument("task", choices=list(TASKS), help="the data; the UCI handwritten digits are built in")
    search.add_argument("--data", metavar="FOLDER", help="folder of the task's files, gzipped or not")
    search.add_argument("--trials", type=_count, default=20, help="how many points to try (default 20)")
    search.add_argument("--epochs", type=_count, help="of each trial (default 10)")
    search.add_argument("--optimizer", choices=OPTIMIZERS, help="adam (default), or sgd with the sheet's momentum")
    search.add_argument("--seed", type=_seed, help="of the points, of start weights and order (default 0)")
    search.add_argument("--workers", type=_count, help="processes (default: one a core)")
    search.add_argument("--out", default="runs", help="folder of all runs (default runs)")
    search.add_argument("--name", type=_name, help="folder of this search in it (default: digits-search, …)")
    search.add_argument("--resume", action="store_true", help="continue the search --name, or the latest")
    search.add_argument("--no-progress", action="store_true", help="a line a trial instead of the bar")


def _each(key: str) -> str:
    """A default of every task."""
    return ", ".join([f"{name} {getattr(task, key)}" for name, task in TASKS.items()])


def _of_vision(key: str) -> str:
    return ", ".join([f"{name} {training.usual[key]}" for name, training in TRAININGS.items()])


def _schedules() -> str:
    return "; ".join([f"{name}, {what}" for name, what in SCHEDULES.items()])


def _rates() -> str:
    """The learning rates of every optimizer."""
    return "; ".join([f"{name} {rate:g}, for lenet, vgg, resnet8 {NET_RATES[name]:g}" for name, rate in RATES.items()])


def _about_tasks() -> str:
    known = "; ".join([f"{task.title} ({task.credit})" for task in TASKS.values()])
    return f"Train a network on images of 10 classes: {known}; or one that finds things in scenes made of them."


# -- the values of options --------------------------------------------------------------------------------------------


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


def _share(text: str) -> float:
    return float(_number(text, float, "a number from 0 to 1", lambda x: 0 <= x <= 1))


def _decay(text: str) -> float:
    return float(_number(text, float, "a number of at least 0", lambda x: 0 <= x < math.inf))


def _name(text: str) -> str:
    if text in ("", ".", "..") or any(mark in text for mark in "/\\*?["):
        raise argparse.ArgumentTypeError(f"{text!r} is not the name of a folder")
    return text


def _sizes(text: str) -> tuple[int, ...]:
    try:
        return parse_sizes(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
