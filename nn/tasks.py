"""What `train` knows by name: the tasks, with their data, and the models."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from autograd_lite import Generator

from .data import TensorDataset, cifar10, digits, fashion_mnist, mnist
from .data.idx import DEBIAN
from .models import MLP, LeNet5, ResNet8, Shape, SmallVGG
from .module import Module

__all__ = ["NAMES", "NETS", "TASKS", "Task", "full_name", "make_model", "parse_sizes"]

CLASSES = 10
MAX_SIZE = 100_000  # of a layer
NETS: dict[str, Callable[..., Module]] = {"lenet": LeNet5, "vgg": SmallVGG, "resnet8": ResNet8}  # for images

HIDDEN = {"linear": (), "mlp": (128, 64)}  # the sizes of the hidden layers
NAMES = (*HIDDEN, *NETS)

Datasets = tuple[TensorDataset, TensorDataset]


class Task(NamedTuple):
    """Images of 10 classes to learn from, and what a training on them is unless it is told otherwise."""

    title: str
    credit: str
    shape: Shape
    reader: Callable[..., Datasets]
    model: str
    epochs: int
    built_in: bool = False
    folder: Path | None = None  # where its files lie if nothing is said

    @property
    def pixels(self) -> int:
        channels, height, width = self.shape
        return channels * height * width

    def load(self, folder: str | os.PathLike[str] | None, model: str) -> Datasets:
        """The images to train on and to test on, as the model takes them.  Raises DataError."""
        train, test = self.reader(flat=False) if self.built_in else self.reader(folder)
        return (train, test) if model in NETS else (_flat(train), _flat(test))


def _flat(dataset: TensorDataset) -> TensorDataset:
    images, labels = dataset.tensors
    return TensorDataset(images.flatten(1), labels)


TASKS = {
    "digits": Task("UCI handwritten digits", "E. Alpaydin & C. Kaynak, UCI Machine Learning Repository, CC BY 4.0",
                   (1, 8, 8), digits, "mlp", epochs=30, built_in=True),
    "mnist": Task("MNIST", "Y. LeCun, C. Cortes & C. Burges", (1, 28, 28), mnist, "lenet", epochs=20),
    "fashion-mnist": Task("Fashion-MNIST", "H. Xiao, K. Rasul & R. Vollgraf, MIT licence", (1, 28, 28), fashion_mnist,
                          "lenet", epochs=10, folder=DEBIAN),
    "cifar10": Task("CIFAR-10", "A. Krizhevsky", (3, 32, 32), cifar10, "resnet8", epochs=20),
}  # fmt: skip


# -- models by name ---------------------------------------------------------------------------------------------------


def full_name(text: str, task: Task) -> str:
    """The name of a model without abbreviation: "lenet", "vgg", "resnet8", or the sizes of an MLP like "64-128-10".

    Raises ValueError for an unknown name, and for sizes that do not fit the task.
    """
    if text in NETS:
        return text
    if text in HIDDEN:
        return _dashed(task.pixels, *HIDDEN[text], CLASSES)
    if not text[:1].isdigit():
        raise ValueError(f"{text!r} is not {', '.join(NAMES)} or sizes like {task.pixels}-100-{CLASSES}")
    sizes = parse_sizes(text)
    if sizes[0] != task.pixels or sizes[-1] != CLASSES:
        raise ValueError(f"{text!r} does not fit {task.title}: {task.pixels} pixels first and {CLASSES} classes last")
    return _dashed(*sizes)


def make_model(name: str, task: Task, generator: Generator | None) -> Module:
    """A model from its full name."""
    if name in NETS:
        return NETS[name](task.shape, CLASSES, generator=generator)
    return MLP(parse_sizes(name), generator=generator)


def parse_sizes(text: str) -> tuple[int, ...]:
    """The layer sizes in a text like "64-100-10".  Raises ValueError for others, and for less than two classes."""
    sizes = []
    for part in text.split("-"):
        if not (part.isascii() and part.isdigit() and int(part)):
            raise ValueError(f"{part!r} is not a whole number of at least 1")
        sizes.append(int(part))
    if max(sizes) > MAX_SIZE:
        raise ValueError(f"{text!r} has a layer of more than {MAX_SIZE:,}")
    if len(sizes) < 2 or sizes[-1] < 2:
        raise ValueError(f"{text!r} needs at least two sizes, like 4-3-2, and 2 classes last")
    return tuple(sizes)


def _dashed(*sizes: int) -> str:
    return "-".join(map(str, sizes))
