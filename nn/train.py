"""The training loop: one epoch after the other, measured, and continued exactly where it was stopped."""

from __future__ import annotations

import copy
import errno
import math
import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

import autograd_lite as al
from autograd_lite import CheckpointError, Generator, Tensor
from autograd_lite.explain.gradcheck import MAX_ELEMENTS, GradcheckResult, gradcheck
from autograd_lite.random import default_generator

from . import functional as F
from .callbacks import EarlyStopping, Row
from .checks import check_number, check_whole
from .module import Module
from .optim import Optimizer
from .optim.average import ExponentialMovingAverage
from .optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from .progress import progress_bar
from .utils import clip_grad_norm_, evaluating

__all__ = ["Diverged", "Trainer", "check_gradients", "read_checkpoint"]

Metric = Callable[[Any, Any], Any]  # of predictions and targets; a number

# A step that moves 100,000 weights at once passes some kinks of a network's ReLUs.  Measured on ResNet8 and SmallVGG:
# with 1e-6 wrong verdicts, with 1e-7 kinks, with 1e-8 neither, and the rounding error is still 1e-7.
EPS = 1e-8

FORMAT = "autograd_lite training 1"  # of a checkpoint


class Diverged(ArithmeticError):
    """The loss is no longer a number."""


class Trainer:
    """Trains a model epoch by epoch: ``Trainer(model, optimizer, loss).fit(loader, epochs=10)``.

    ``loss(prediction, target)`` gives the mean over a batch: any module or function.  ``metrics`` are functions
    ``(prediction, target) -> number`` such as `nn.metrics.accuracy`, a list of them or a dict by name; they see all
    predictions of an epoch together, so that a figure like F1 is exact.  ``schedule`` steps after each epoch, with
    ``schedule_each="batch"`` after each batch; ReduceLROnPlateau is given the figure that early stopping monitors, else
    the validation loss, else the loss.  ``clip_norm`` bounds the norm of the gradient by what the optimizer trains.
    ``ema`` averages the weights: `evaluate` and `predict` use the average, and ``ema.copy_to(model)`` gives it to the
    model.

    A Trainer is always at the end of an epoch.  Whatever ends an epoch early (an error, Ctrl-C, `stop`) takes model,
    optimizer and all else back to where the epoch began, and a training continued from there, or from a checkpoint on
    disk, gives the same bits as one that was never stopped.  For that it keeps a copy of weights and optimizer state,
    and of the generators that it draws from: the default one, those of the model's layers, and ``generator``, which is
    the loader's; what draws from others, such as NumPy's, is not taken back.  ``history`` has a row of figures for each
    complete epoch.

    Raises ValueError for an optimizer of parameters that are not the model's, a clip_norm that is not above 0, another
    ``schedule_each``, and metrics without names of their own; TypeError for a clip_norm that is no number.

    >>> import nn
    >>> x = al.linspace(-1, 1, 64).reshape(64, 1)
    >>> loader = nn.data.DataLoader(nn.data.TensorDataset(x, 3 * x), 16)
    >>> model = nn.Linear(1, 1)
    >>> trainer = Trainer(model, nn.optim.SGD(model.parameters(), lr=0.5), nn.MSELoss())
    >>> history = trainer.fit(loader, epochs=10)
    >>> len(history), history[-1]["loss"] < 0.01
    (10, True)
    """

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        loss: Callable[[Any, Any], Tensor],
        *,
        metrics: Iterable[Metric] | Mapping[str, Metric] = (),
        schedule: LRScheduler | None = None,
        schedule_each: str = "epoch",
        clip_norm: float | None = None,
        ema: ExponentialMovingAverage | None = None,
        generator: Generator | None = None,
    ) -> None:
        if clip_norm is not None:
            check_number("clip_norm", clip_norm)
            if not clip_norm > 0:
                raise ValueError(f"clip_norm must be above 0, got {clip_norm}")
        if schedule_each not in ("epoch", "batch"):
            raise ValueError(f"schedule_each must be 'epoch' or 'batch', got {schedule_each!r}")
        if schedule_each == "batch" and isinstance(schedule, ReduceLROnPlateau):
            raise ValueError("ReduceLROnPlateau looks at the figures of an epoch: schedule_each must be 'epoch'")
        known = {id(p) for p in model.parameters()}
        for i, p in enumerate([p for group in optimizer.param_groups for p in group["params"]]):
            if id(p) not in known:
                raise ValueError(
                    f"the optimizer's parameter {i}, of shape {p.shape}, is none of the model's: make the optimizer "
                    "from model.parameters(); what a loss has to learn must be a part of the model"
                )
        self.model, self.optimizer, self.loss = model, optimizer, loss
        self.metrics = _by_name(metrics)
        self.schedule, self.schedule_each = schedule, schedule_each
        self.clip_norm, self.ema, self.generator = clip_norm, ema, generator
        self.history: list[Row] = []
        self.stopped = False
        self._within_epoch = False
        self._best: dict[str, Any] | None = None  # weights of the best epoch, for early stopping

    @property
    def epoch(self) -> int:
        """The number of complete epochs."""
        return len(self.history)

    # -- training -----------------------------------------------------------------------------------------------------

    def fit(
        self,
        batches: Iterable[Any],
        epochs: int,
        *,
        validation: Iterable[Any] | Mapping[str, Iterable[Any]] | None = None,
        early_stopping: EarlyStopping | None = None,
        callbacks: Iterable[Callable[[Trainer], object]] = (),
        after_batch: Callable[[Trainer], object] | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        progress: bool | None = None,
    ) -> list[Row]:
        """Train until ``epochs`` are complete, those of earlier calls and of a checkpoint included; returns `history`.

        ``batches``, usually a DataLoader, gives ``(input, …, target)`` anew in each epoch.  After it the model is
        evaluated on ``validation``: batches, whose figures are called "val_loss" and so on, or a dict of batches by the
        word to use for "val".  Then ``callbacks`` are called with this trainer, and ``checkpoint`` is written, for
        `load`.  ``after_batch`` is called with this trainer after each step.  ``progress`` shows a bar: by default in
        terminals and notebooks.

        Raises Diverged for a loss that is not finite; ValueError for no batches, epochs below 0, an unknown figure to
        monitor, a loader whose generator the trainer does not know, and a checkpoint by the ending .npz; TypeError for
        epochs that are no whole number; OSError for a checkpoint in no folder.
        """
        check_whole("epochs", epochs, 0)
        sets = validation if isinstance(validation, Mapping) else {} if validation is None else {"val": validation}
        self._check(batches, sets, early_stopping)
        if checkpoint is not None:
            _check_place(Path(checkpoint))
        callbacks, self.stopped = list(callbacks), False
        length = len(batches) if isinstance(batches, Sized) else None
        with progress_bar(progress, length and length * epochs, (length or 0) * self.epoch) as tick:

            def after_step(tally: Tally) -> None:
                tick(f"epoch {self.epoch + 1}/{epochs}", tally.figures, tally.batches == length)
                if after_batch is not None:
                    after_batch(self)

            while self.epoch < epochs and not self.stopped:
                if early_stopping and early_stopping.is_over(self.history):
                    break
                if not self._run_epoch(batches, sets, early_stopping, after_step):
                    break
                for callback in callbacks:
                    callback(self)
                if checkpoint is not None:
                    self.save(checkpoint)
        if early_stopping and early_stopping.restore_best and not self.stopped:
            self._restore_best(early_stopping.best_epoch(self.history))
        return self.history

    def stop(self) -> None:
        """End `fit`: after the epoch if called by a callback, else after this batch, whose epoch then does not count.

        May be called from anywhere, also from a signal handler; ``stopped`` tells of it.
        """
        self.stopped = True

    def compute(self, batch: Any) -> tuple[Any, Any, Tensor]:
        """The prediction, the target and the loss of a batch ``(input, …, target)``.

        A subclass may define what another kind of batch or of training needs.  Raises TypeError for other batches.
        """
        if not isinstance(batch, (tuple, list)) or len(batch) < 2:
            raise TypeError(
                f"a batch must be (input, …, target), got {type(batch).__name__}; "
                "for others define compute(batch) in a subclass of Trainer"
            )
        *inputs, target = batch
        prediction = self.model(*inputs)
        return prediction, target, self.loss(prediction, target)

    def _check(
        self, batches: Iterable[Any], sets: Mapping[str, Iterable[Any]], early_stopping: EarlyStopping | None
    ) -> None:
        """Refuse before the first batch what would fail, or be wrong, after the last."""
        generator = getattr(batches, "generator", None)
        if generator is not None and not any(generator is known for known in self._generators()):
            raise ValueError(
                "the loader draws from a generator that this Trainer does not know, so that a checkpoint would not "
                "continue exactly; pass the same one as Trainer(…, generator=…)"
            )
        figures = ["loss", *self.metrics]
        columns = ["epoch", *figures, *[f"{word}_{name}" for word in sets for name in figures], "seconds"]
        monitor = early_stopping.monitor if early_stopping else "loss"
        if not all(monitor in row for row in [columns, *self.history]):
            raise ValueError(f"there is no figure {monitor!r} to monitor; there are {', '.join(columns)}")

    def _run_epoch(
        self, batches: Iterable[Any], sets: Mapping[str, Iterable[Any]], early_stopping: EarlyStopping | None,
        after_step: Callable[[Tally], None],
    ) -> bool:  # fmt: skip
        """Train for one epoch and measure; False, and nothing has happened, if `stop` came before its end."""
        before, began, complete = self.state_dict(), time.perf_counter(), False
        self._within_epoch = True
        try:
            with np.errstate(all="ignore"):  # an overflow is reported as Diverged
                figures = self._train(batches, after_step)
                if figures is not None:
                    measured = {f"{word}_{k}": v for word in sets for k, v in self.evaluate(sets[word]).items()}
                    seconds = round(time.perf_counter() - began, 4)
                    self.history.append({"epoch": self.epoch + 1, **figures, **measured, "seconds": seconds})
                    self._finish_epoch(next(iter(sets), None), early_stopping)
                    complete = True
        finally:
            self._within_epoch = False
            if not complete:
                self._take(before)
        return complete

    def _train(self, batches: Iterable[Any], after_step: Callable[[Tally], None]) -> Row | None:
        """One pass over the batches: the figures of what was learnt from; None if stopped."""
        self.model.train()
        tally = Tally(self.metrics)
        for batch in batches:
            if self.stopped:
                return None
            prediction, target, loss = self.compute(batch)
            if not math.isfinite(loss.item()):
                raise Diverged(f"the loss became {loss.item()} in epoch {self.epoch + 1}; try a smaller learning rate")
            self.model.zero_grad()  # also of what the optimizer does not train, or they would add up
            loss.backward()
            if self.clip_norm is not None:
                self._clip(self.clip_norm)
            self.optimizer.step()
            if self.ema is not None:
                self.ema.update(self.model)
            tally.add(batch, prediction, target, loss)
            after_step(tally)
            if self.schedule is not None and self.schedule_each == "batch":
                self.schedule.step()
        return tally.figures()

    def _clip(self, norm: float) -> None:
        try:
            trained = [p for group in self.optimizer.param_groups for p in group["params"]]
            clip_grad_norm_(trained, norm, error_if_nonfinite=True)
        except RuntimeError as error:
            raise Diverged(f"{error}, in epoch {self.epoch + 1}; try a smaller learning rate") from error

    def _finish_epoch(self, word: str | None, early_stopping: EarlyStopping | None) -> None:
        """Move the schedule on, and keep the weights if they are the best so far."""
        if isinstance(self.schedule, ReduceLROnPlateau):
            usual = "loss" if word is None else f"{word}_loss"
            self.schedule.step(self.history[-1][early_stopping.monitor if early_stopping else usual])
        elif self.schedule is not None and self.schedule_each == "epoch":
            self.schedule.step()
        if early_stopping and early_stopping.restore_best and early_stopping.best_epoch(self.history) == self.epoch:
            self._best = {"epoch": self.epoch, **self._weights()}

    def _restore_best(self, epoch: int) -> None:
        """Give the model the weights of the best epoch; there is none if no figure was a number."""
        if self._best is not None and self._best["epoch"] == epoch:
            self._take_weights(self._best)
        elif epoch not in (0, self.epoch):
            warnings.warn(f"epoch {epoch} was the best, but its weights were not kept: it ran without early stopping",
                          stacklevel=3)  # fmt: skip

    # -- use ----------------------------------------------------------------------------------------------------------

    def evaluate(self, batches: Iterable[Any]) -> Row:
        """Loss and metrics over all examples of ``batches``, in evaluation mode.  Raises ValueError for none."""
        tally = Tally(self.metrics)
        with self._evaluating():
            for batch in batches:
                tally.add(batch, *self.compute(batch))
        return tally.figures()

    def predict(self, *inputs: Any, batch_size: int = 500) -> Tensor:
        """What the model makes of ``inputs``, each ``(N, …)``, in evaluation mode: ``(N, …)``.

        Raises ValueError for no examples, and for a batch size below 1, TypeError for one that is no whole number.
        """
        check_whole("batch_size", batch_size, 1)
        tensors = [al.as_tensor(x) for x in inputs]
        starts = range(0, len(tensors[0]), batch_size)
        if not starts:
            raise ValueError(f"there are no examples to predict: the shape is {tensors[0].shape}")
        with self._evaluating():
            return al.cat([self.model(*[t[i : i + batch_size] for t in tensors]) for i in starts])

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """In evaluation mode, with averaged weights if there are any, and nothing recorded."""
        ema = self.ema if self.ema is not None and self.ema.steps else None
        with evaluating(self.model), nullcontext() if ema is None else ema.applied_to(self.model):
            yield

    # -- state --------------------------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str], **extra: Any) -> None:
        """Write a checkpoint, whole or not at all, with whatever ``extra`` `autograd_lite.save` can hold.

        Raises OSError if it cannot be written, RuntimeError within an epoch, where nothing could go on exactly.
        """
        self._refuse_within_epoch("save")
        al.save({"format": FORMAT, "trainer": self.state_dict(), "extra": extra}, path)

    def load(self, path: str | os.PathLike[str]) -> dict[str, Any]:
        """Go on where `save` was called, and return its ``extra``.

        Raises OSError for a file that cannot be read, CheckpointError for one that is damaged, of something else, or of
        another model, optimizer or schedule, RuntimeError within an epoch; then nothing was changed.
        """
        self._refuse_within_epoch("load")
        stored = read_checkpoint(path)
        try:
            self.load_state_dict(stored["trainer"])
        except ValueError as error:
            raise CheckpointError(f"{path} does not fit: {error}") from error
        extra: dict[str, Any] = stored["extra"]
        return extra

    def _refuse_within_epoch(self, name: str) -> None:
        if self._within_epoch:
            raise RuntimeError(
                f"{name}() was called within an epoch; call it in one of fit's callbacks, or after fit()"
            )

    def state_dict(self) -> dict[str, Any]:
        """A copy of all that decides how the training goes on."""
        return {
            **self._weights(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": None if self.schedule is None else self.schedule.state_dict(),
            "generators": [generator.get_state() for generator in self._generators()],
            "history": [dict(row) for row in self.history],
            "best": self._best,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over a state.  Raises ValueError if it does not fit; then nothing was changed."""
        before = self.state_dict()
        try:
            self._take(state)
        except (ValueError, TypeError, KeyError) as error:
            self._take(before)
            raise ValueError(f"the state is not of such a Trainer: {error}") from error

    def _take(self, state: Mapping[str, Any]) -> None:
        generators = self._generators()
        if len(state["generators"]) != len(generators):
            raise ValueError(f"it has {len(state['generators'])} generators, this Trainer {len(generators)}")
        self._take_weights(state)
        self.optimizer.load_state_dict(state["optimizer"])
        self.optimizer.zero_grad()
        if (state["schedule"] is None) != (self.schedule is None):
            raise ValueError(f"its schedule is {state['schedule']}, this Trainer's {self.schedule}")
        if self.schedule is not None:
            self.schedule.load_state_dict(state["schedule"])
        for generator, known in zip(generators, state["generators"], strict=True):
            generator.set_state(known)
        self.history = [dict(row) for row in state["history"]]
        self._best = state["best"]

    def _weights(self) -> dict[str, Any]:
        """A copy of the weights, and of their average."""
        model = {name: np.array(tensor.numpy()) for name, tensor in self.model.state_dict().items()}
        return {"model": model, "ema": None if self.ema is None else self.ema.state_dict()}

    def _take_weights(self, state: Mapping[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        if (state["ema"] is None) != (self.ema is None):
            raise ValueError(f"its average of weights is {state['ema']}, this Trainer's {self.ema}")
        if self.ema is not None:
            self.ema.load_state_dict(state["ema"])

    def _generators(self) -> list[Generator]:
        """Those that the training draws from: the default one, its own, and those of layers such as dropout."""
        layers = [vars(module).get("generator") for module in self.model.modules()]
        found = [g for g in (default_generator, self.generator, *layers) if isinstance(g, Generator)]
        return list({id(g): g for g in found}.values())


class Tally:
    """The figures of a pass over batches: the mean loss, and what the metrics say of all predictions together."""

    def __init__(self, metrics: Mapping[str, Metric]) -> None:
        self.metrics = metrics
        self.batches = self.examples = 0
        self.loss = 0.0  # summed over the examples
        self.predictions: list[Tensor] = []
        self.targets: list[Tensor] = []

    def add(self, batch: Any, prediction: Any, target: Any, loss: Tensor) -> None:
        """Count a batch with its loss; predictions and targets are kept only for metrics."""
        first = batch
        while isinstance(first, (tuple, list, Mapping)):
            first = next(iter(first.values() if isinstance(first, Mapping) else first))
        self.batches += 1
        self.examples += len(first)
        self.loss += loss.item() * len(first)
        if self.metrics:
            self.predictions.append(prediction.detach())
            self.targets.append(target.detach())

    def figures(self) -> Row:
        """The loss and the metrics so far.  Raises ValueError if there was no batch."""
        if not self.batches:
            raise ValueError("there were no batches: the data are empty, or an iterator that was used up before")
        if not self.metrics:
            return {"loss": self.loss / self.examples}
        prediction, target = al.cat(self.predictions), al.cat(self.targets)
        figures = {name: float(metric(prediction, target)) for name, metric in self.metrics.items()}
        return {"loss": self.loss / self.examples, **figures}


def read_checkpoint(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What `Trainer.save` wrote: the state of the trainer as "trainer", and "extra".

    Raises OSError for a file that cannot be read, CheckpointError for one that is damaged or of something else.
    """
    stored = al.load(path)
    if not isinstance(stored, dict) or not isinstance(stored.get("format"), str):
        raise CheckpointError(f"{path} holds weights, but is not a checkpoint of a Trainer")
    if stored["format"] != FORMAT:
        raise CheckpointError(f"{path} has the format {stored['format']!r}, this version reads {FORMAT!r}")
    return stored


def _check_place(path: Path) -> None:
    """Refuse before the first epoch what would fail after it."""
    if path.suffix == ".npz":
        raise ValueError(f"an .npz file holds tensors only, and no checkpoint: give {path} another ending")
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder for a checkpoint", str(path.parent))


def _by_name(metrics: Iterable[Metric] | Mapping[str, Metric]) -> dict[str, Metric]:
    """Metrics by name; functions have theirs."""
    given = metrics.items() if isinstance(metrics, Mapping) else [(getattr(m, "__name__", ""), m) for m in metrics]
    named: dict[str, Metric] = {}
    for name, metric in given:
        if name in ("", "<lambda>"):
            raise ValueError(f"the metric {metric!r} has no name; give a dict: metrics={{'name': …}}")
        if name in (*named, "epoch", "loss", "seconds"):
            raise ValueError(f"the name {name!r} of a metric is taken; give a dict: metrics={{'name': …}}")
        named[name] = metric
    return named


def check_gradients(
    model: Module, x: Tensor, y: Tensor, max_elements: int = MAX_ELEMENTS,
    penalty: Callable[[Module, int], Tensor] | None = None, loss: Callable[[Any, Any], Tensor] = F.cross_entropy,
) -> GradcheckResult:  # fmt: skip
    """Check the gradients of the loss by every parameter, on a float64 copy of the model.

    With a ``penalty``, such as `L2Penalty`, it is part of the cost, while dropout is off  (cheat sheet 2.2).
    Parameters of more than ``max_elements`` are checked along random directions.  At the kinks of ReLU, which real data
    may hit, there is nothing to compare; the result counts them.
    """
    checked = copy.deepcopy(model).double().name_parameters()
    inputs, target = (t.double() if t.dtype.kind == "f" else t for t in (x, y))
    parameters = list(checked.parameters())

    def cost(*_: Tensor) -> Tensor:
        value = loss(checked(inputs), target)
        return value if penalty is None else value + penalty(checked, len(y))

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "gradcheck: .* at a kink", UserWarning)
        return gradcheck(cost, parameters, eps=EPS, raise_exception=False, max_elements=max_elements)
