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
from autograd_lite.explain.gradcheck import GradcheckResult, gradcheck

from . import functional as F
from .checkpoint import Checkpoint, CheckpointError, save_checkpoint
from .data import DataLoader, TensorDataset
from .models import MLP
from .module import Module
from .optim import SGD, Adam, Optimizer

__all__ = ["Diverged", "Settings", "Trainer", "check_gradients", "scores"]

Row = dict[str, float]  # one line of metrics.csv

# Small enough that OpenBLAS works on one thread.  On several, a busy core stalls it: measured with one of two cores
# busy, a 64-256-128-10 net took 18 s instead of 1.7 s, unless OPENBLAS_NUM_THREADS=1 was set.
SIZES = {"linear": (64, 10), "mlp": (64, 128, 64, 10)}
RATES = {"adam": 0.005, "sgd": 0.1}


class Diverged(ArithmeticError):
    """The loss is no longer a number."""


@dataclass(frozen=True)
class Settings:
    """What decides a training.  The same settings give the same weights, bit for bit, on the same machine."""

    sizes: tuple[int, ...] = SIZES["mlp"]
    optimizer: str = "adam"
    lr: float = RATES["adam"]
    batch_size: int = 32
    seed: int = 0

    def make_model(self, generator: Generator) -> MLP:
        return MLP(self.sizes, generator=generator)

    def make_optimizer(self, model: Module) -> Optimizer:
        if self.optimizer == "sgd":
            return SGD(model.parameters(), lr=self.lr, momentum=0.9)
        return Adam(model.parameters(), lr=self.lr)


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
        epochs: int,
        *,
        after_batch: Callable[[float, float], None] | None = None,
        after_epoch: Callable[[Row], None] | None = None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Train until ``epochs`` are complete.  Returns False if ``should_stop()`` ended it before, after some batch.

        ``after_batch(loss, accuracy)`` is told the means since the epoch began.  Raises Diverged for a loss that is not
        finite.
        """
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
        for x, y in self.loader:
            if should_stop():
                return None
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
        try:
            stored = checkpoint.extra["settings"]
            settings = Settings(**{**stored, "sizes": tuple(stored["sizes"])})
            trainer = cls(settings, train, test)
            trainer.history = list(checkpoint.extra["history"])
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"{checkpoint.path} is not a checkpoint of `train`: {error!r}") from error
        checkpoint.restore(trainer.model, trainer.optimizer, trainer.generator)
        return trainer


@no_grad
def scores(model: Module, dataset: TensorDataset) -> tuple[float, float]:
    """Mean cross entropy and accuracy of a classifier on a dataset of inputs and classes, in evaluation mode."""
    was_training = model.training
    model.eval()
    x, y = dataset.tensors
    logits = model(x)
    model.train(was_training)
    return F.cross_entropy(logits, y).item(), _count_right(logits, y) / len(y)


def _count_right(logits: Tensor, y: Tensor) -> int:
    return int(np.count_nonzero(logits.numpy().argmax(1) == y.numpy()))


def check_gradients(model: Module, x: Tensor, y: Tensor) -> GradcheckResult:
    """Check the gradients of the cross entropy by every parameter, on a float64 copy of the model.

    At the kinks of ReLU, which real data may hit, there is nothing to compare; the result counts them.
    """
    checked = copy.deepcopy(model).double().name_parameters()
    inputs = Tensor(x.numpy().astype(np.float64))
    parameters = list(checked.parameters())
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "gradcheck: .* at a kink", UserWarning)
        return gradcheck(lambda *_: F.cross_entropy(checked(inputs), y), parameters, raise_exception=False)
