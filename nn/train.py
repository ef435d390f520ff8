"""The training loop: what a training is made of, and one epoch after the other."""

from __future__ import annotations

import copy
import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite import Generator, Tensor, no_grad
from autograd_lite.explain.gradcheck import MAX_ELEMENTS, GradcheckResult, gradcheck

from . import functional as F
from .checkpoint import Checkpoint, CheckpointError, save_checkpoint
from .data import DataLoader, TensorDataset
from .module import Module
from .optim import SGD, Adam, Optimizer
from .tasks import NETS, TASKS, full_name, make_model

__all__ = ["OPTIMIZERS", "SCHEDULES", "Diverged", "Settings", "Trainer", "check_gradients", "scores"]

Row = dict[str, float]  # one line of metrics.csv

RATES = {"adam": 0.005, "sgd": 0.1}  # of an MLP, constant
NET_RATES = {"adam": 0.002, "sgd": 0.05}  # of a convolutional network, at the start of a cosine
OPTIMIZERS = tuple(RATES)
SCHEDULES = "none", "cosine"

# A step that moves 100,000 weights at once passes some kinks of a network's ReLUs.  Measured on ResNet8 and SmallVGG:
# with 1e-6 wrong verdicts, with 1e-7 kinks, with 1e-8 neither, and the rounding error is still 1e-7.
EPS = 1e-8


class Diverged(ArithmeticError):
    """The loss is no longer a number."""


@dataclass(frozen=True)
class Settings:
    """What decides a training: on one machine, with one number of threads, the same settings give the same bits."""

    task: str = "digits"
    model: str = "64-128-64-10"  # a full name, see `tasks`
    optimizer: str = "adam"
    lr: float = 0.005
    batch_size: int = 32
    epochs: int = 30
    schedule: str = "none"
    weight_decay: float = 0.0
    seed: int = 0

    @classmethod
    def usual(cls, task: str, **given: Any) -> Settings:
        """The settings that are ``given``, and for the others what is usual for the task, the model, the optimizer."""
        usual = TASKS[task]
        model = given.get("model") or full_name(usual.model, usual)
        convolutional = model in NETS
        lr = (NET_RATES if convolutional else RATES)[given.get("optimizer", "adam")]
        schedule = "cosine" if convolutional else "none"
        return cls(task=task, **{"model": model, "lr": lr, "schedule": schedule, "epochs": usual.epochs, **given})

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Settings:
        """The settings of the training that a checkpoint is of.  Raises CheckpointError for one of something else."""
        try:
            settings = cls(**checkpoint.extra["settings"])
            full_name(settings.model, TASKS[settings.task])
            list(checkpoint.extra["history"])
            return settings
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"{checkpoint.path} is not a checkpoint of `train`: {error!r}") from error

    def make_model(self, generator: Generator) -> Module:
        return make_model(self.model, TASKS[self.task], generator)

    def make_optimizer(self, model: Module) -> Optimizer:
        if self.optimizer == "sgd":
            return SGD(model.parameters(), lr=self.lr, momentum=0.9, weight_decay=self.weight_decay)
        return Adam(model.parameters(), lr=self.lr, weight_decay=self.weight_decay)

    def rate(self, epoch: float) -> float:
        """The learning rate when so many epochs are done; "cosine": ``lr (1 + cos(π t/T)) / 2``, 0 at the end.

        Source: Loshchilov & Hutter 2017, without restarts.
        """
        if self.schedule == "none":
            return self.lr
        return self.lr * (1 + math.cos(math.pi * min(1.0, epoch / self.epochs))) / 2


class Trainer:
    """Trains a classifier on one dataset and tests it on another, epoch by epoch.

    ``history`` has a row of figures for each complete epoch.  The generator orders the examples; its state is part of
    every checkpoint, so that a training which was stopped goes on exactly as if it had not been.
    """

    def __init__(self, settings: Settings, train: TensorDataset, test: TensorDataset) -> None:
        self.settings = settings
        self.generator = Generator(settings.seed)
        self.model = settings.make_model(self.generator)
        self.optimizer = settings.make_optimizer(self.model)
        self.loader = DataLoader(train, settings.batch_size, shuffle=True, generator=self.generator)
        self.test = test
        self.history: list[Row] = []

    @property
    def epoch(self) -> int:
        """The number of complete epochs."""
        return len(self.history)

    def fit(
        self,
        epochs: int | None = None,
        *,
        after_batch: Callable[[float, float], None] | None = None,
        after_epoch: Callable[[Row], None] | None = None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Train until ``epochs`` (default: those of the settings) are complete.

        Returns False if ``should_stop()`` ended it before, after some batch.
        ``after_batch(loss, accuracy)`` is told the means since the epoch began.  Raises Diverged for a loss that is not
        finite.
        """
        epochs = self.settings.epochs if epochs is None else epochs
        while self.epoch < epochs:
            began = time.perf_counter()
            with np.errstate(all="ignore"):  # an overflow is reported as Diverged
                figures = self._run_epoch(after_batch, should_stop)
            if figures is None:
                return False
            test_loss, test_accuracy = scores(self.model, self.test)
            row = {"epoch": self.epoch + 1, "loss": figures[0], "accuracy": figures[1], "test_loss": test_loss,
                   "test_accuracy": test_accuracy, "seconds": round(time.perf_counter() - began, 4)}  # fmt: skip
            self.history.append(row)
            if after_epoch is not None:
                after_epoch(row)
        return True

    def _run_epoch(
        self, after_batch: Callable[[float, float], None] | None, should_stop: Callable[[], bool]
    ) -> tuple[float, float] | None:
        """One pass over the examples: mean loss and accuracy while they were learnt from; None if stopped."""
        self.model.train()
        total, right, seen = 0.0, 0, 0
        for i, (x, y) in enumerate(self.loader):
            if should_stop():
                return None
            for group in self.optimizer.param_groups:
                group["lr"] = self.settings.rate(self.epoch + i / len(self.loader))
            logits = self.model(x)
            loss = F.cross_entropy(logits, y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            seen += len(x)
            total += loss.item() * len(x)
            right += _count_right(logits, y)
            if not math.isfinite(total):
                raise Diverged(f"the loss became {loss.item()} in epoch {self.epoch + 1}; try a smaller learning rate")
            if after_batch is not None:
                after_batch(total / seen, right / seen)
        return total / seen, right / seen

    def save(self, path: Any, **extra: Any) -> None:
        """Write a checkpoint, with whatever ``extra`` JSON can hold; call it between epochs."""
        extra = {**extra, "settings": vars(self.settings), "history": self.history}
        save_checkpoint(path, self.model, self.optimizer, self.generator, **extra)

    @classmethod
    def resume(cls, checkpoint: Checkpoint, train: TensorDataset, test: TensorDataset) -> Trainer:
        """The training as it was when the checkpoint was saved.  Raises CheckpointError for one of something else."""
        trainer = cls(Settings.of(checkpoint), train, test)
        checkpoint.restore(trainer.model, trainer.optimizer, trainer.generator)
        trainer.history = checkpoint.extra["history"]
        return trainer


@no_grad
def scores(model: Module, dataset: TensorDataset, batch_size: int = 500) -> tuple[float, float]:
    """Mean cross entropy and accuracy of a classifier on a dataset of inputs and classes, in evaluation mode."""
    was_training = model.training
    model.eval()
    total, right = 0.0, 0
    for x, y in DataLoader(dataset, batch_size):
        logits = model(x)
        total += F.cross_entropy(logits, y).item() * len(y)
        right += _count_right(logits, y)
    model.train(was_training)
    return total / len(dataset), right / len(dataset)


def _count_right(logits: Tensor, y: Tensor) -> int:
    return int(np.count_nonzero(logits.numpy().argmax(1) == y.numpy()))


def check_gradients(model: Module, x: Tensor, y: Tensor, max_elements: int = MAX_ELEMENTS) -> GradcheckResult:
    """Check the gradients of the cross entropy by every parameter, on a float64 copy of the model.

    Parameters of more than ``max_elements`` are checked along random directions.  At the kinks of ReLU, which real data
    may hit, there is nothing to compare; the result counts them.
    """
    checked = copy.deepcopy(model).double().name_parameters()
    inputs = Tensor(x.numpy().astype(np.float64))
    parameters = list(checked.parameters())

    def loss(*_: Tensor) -> Tensor:
        return F.cross_entropy(checked(inputs), y)

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "gradcheck: .* at a kink", UserWarning)
        return gradcheck(loss, parameters, eps=EPS, raise_exception=False, max_elements=max_elements)
