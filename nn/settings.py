"""What `train` can be told, and the training that is made of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograd_lite import CheckpointError, Generator

from . import functional as F
from . import metrics
from .callbacks import EarlyStopping
from .data import DataError, DataLoader, TensorDataset, random_split
from .module import Module
from .optim import SGD, Adam, Optimizer
from .optim import lr_scheduler as schedules
from .regularization import L2Penalty
from .tasks import NETS, TASKS, full_name, make_model
from .train import Trainer, read_checkpoint

__all__ = ["OPTIMIZERS", "SCHEDULES", "Settings", "Training"]

RATES = {"adam": 0.005, "sgd": 0.1}  # of an MLP, constant
NET_RATES = {"adam": 0.002, "sgd": 0.05}  # of a convolutional network, at the start of a cosine
OPTIMIZERS = tuple(RATES)
SCHEDULES = {  # what each does to the rate, of which λ is --decay-rate
    "none": "constant",
    "cosine": "down to 0 at the end along half a wave",
    "onecycle": "up to the rate and down again",
    "step": "halved every 10 epochs",
    "exp": "times e^-λ each epoch",
    "inverse": "divided by 1 + λ epochs",
}
BOUND = "cosine", "onecycle"  # schedules that end with the last epoch
HELD_OUT = 10  # with early stopping, one example in so many is held out
TEST_BATCH = 500


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
    decay_rate: float = 0.1  # λ of the schedules "exp" and "inverse"
    weight_decay: float = 0.0
    clip_norm: float | None = None
    patience: int | None = None  # epochs without a better loss on held-out examples
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
    def of(cls, path: Path) -> Settings:
        """The settings of a checkpoint.  Raises CheckpointError for one of something else."""
        stored = read_checkpoint(path)
        try:
            settings = cls(**stored["extra"]["settings"])
            full_name(settings.model, TASKS[settings.task])
            return settings
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"{path} is not a checkpoint of `train`: {error!r}") from error

    @property
    def bound(self) -> bool:
        """Whether the number of epochs is part of the schedule."""
        return self.schedule in BOUND

    def make_model(self, generator: Generator) -> Module:
        return make_model(self.model, TASKS[self.task], generator)

    def make_optimizer(self, model: Module) -> Optimizer:
        if self.optimizer == "sgd":
            return SGD(model.parameters(), lr=self.lr, momentum=0.9, weight_decay=self.weight_decay)
        return Adam(model.parameters(), lr=self.lr, weight_decay=self.weight_decay)

    def make_penalty(self, m: int) -> L2Penalty | None:
        """What weight decay adds to the cost of m examples, ``weight_decay/2 Σ ‖W‖²``; None if there is none."""
        return L2Penalty(self.weight_decay * m, all_parameters=True) if self.weight_decay else None

    def make_schedule(self, optimizer: Optimizer, batches: int) -> schedules.LRScheduler | None:
        """The schedule, for epochs of so many ``batches``: one that is `bound` steps after each batch."""
        if self.schedule == "cosine":
            return schedules.CosineAnnealingLR(optimizer, self.epochs * batches)
        if self.schedule == "onecycle":
            return schedules.OneCycleLR(optimizer, self.lr, self.epochs * batches)
        if self.schedule == "step":
            return schedules.StepDecay(optimizer, drop=0.5, k=10)
        if self.schedule == "exp":
            return schedules.ExponentialDecay(optimizer, self.decay_rate)
        if self.schedule == "inverse":
            return schedules.InverseTimeDecay(optimizer, self.decay_rate)
        return None


class Training:
    """A training of a classifier by `Settings`: the Trainer, the data that it learns from and is measured on.

    With ``patience`` a tenth of the examples is held out, for early stopping: the test examples must not decide it.
    Raises DataError for too few.
    """

    def __init__(self, settings: Settings, train: TensorDataset, test: TensorDataset) -> None:
        self.settings, self.train, self.test = settings, train, test
        generator = Generator(settings.seed)
        model = settings.make_model(generator)
        optimizer = settings.make_optimizer(model)
        learnt: Any = train
        self.early_stopping: EarlyStopping | None = None
        self.validation: dict[str, DataLoader] = {}
        if settings.patience is not None:
            if len(train) < 2:
                raise DataError(f"early stopping holds out examples to judge by, but there are only {len(train)}")
            held = max(1, len(train) // HELD_OUT)
            learnt, rest = random_split(train, [len(train) - held, held], Generator(settings.seed))
            self.early_stopping = EarlyStopping("val_loss", settings.patience)
            self.validation["val"] = DataLoader(rest, TEST_BATCH)
        self.validation["test"] = DataLoader(test, TEST_BATCH)
        self.loader = DataLoader(learnt, settings.batch_size, shuffle=True, generator=generator)
        self.trainer = Trainer(
            model, optimizer, F.cross_entropy, metrics=[metrics.accuracy], generator=generator,
            schedule=settings.make_schedule(optimizer, len(self.loader)),
            schedule_each="batch" if settings.bound else "epoch", clip_norm=settings.clip_norm,
        )  # fmt: skip

    def fit(self, epochs: int | None = None, **options: Any) -> list[dict[str, float]]:
        """Train until ``epochs`` (default: those of the settings) are complete; ``options`` of `Trainer.fit`."""
        epochs = self.settings.epochs if epochs is None else epochs
        return self.trainer.fit(
            self.loader, epochs, validation=self.validation, early_stopping=self.early_stopping, **options
        )

    @property
    def result(self) -> dict[str, float] | None:
        """The figures of the epoch whose weights the model has after `fit`, if one is complete."""
        history = self.trainer.history
        best = self.early_stopping.best_epoch(history) if self.early_stopping and not self.trainer.stopped else 0
        return history[(best or len(history)) - 1] if history else None

    def save(self, path: Path) -> None:
        """Write a checkpoint that holds the settings, too."""
        self.trainer.save(path, settings=vars(self.settings))
