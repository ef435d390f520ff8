"""What watches a training from outside: when to stop it, and its figures as a file."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .checks import check_at_least_zero, check_whole
from .table import write_csv

if TYPE_CHECKING:
    from .train import Trainer

__all__ = ["CSVLog", "EarlyStopping", "Row"]

Row = dict[str, float]  # the figures of one epoch


@dataclass(frozen=True)
class EarlyStopping:
    """Ends a training when ``patience`` epochs in a row have brought nothing better  (Prechelt 1998).

    ``monitor`` is the name of a figure, "val_loss" for the loss on the validation data; ``mode`` is "min" or "max".  A
    figure is better if it is so by more than ``min_delta``; NaN never is.  ``restore_best``: at the end of the training
    the model gets the weights of the best epoch.  It has no state: what it decides follows from the history alone, so
    that a training which was stopped goes on exactly.  Raises ValueError for another mode, a patience below 1 and a
    ``min_delta`` that is negative or not finite; TypeError for a patience that is no whole number, a ``min_delta`` that
    is no number.

    >>> stopping = EarlyStopping(patience=2)
    >>> history = [{"val_loss": loss} for loss in (0.9, 0.5, 0.6, 0.5)]
    >>> stopping.best_epoch(history), stopping.is_over(history[:3]), stopping.is_over(history)
    (2, False, True)
    """

    monitor: str = "val_loss"
    patience: int = 5
    mode: str = "min"
    min_delta: float = 0.0
    restore_best: bool = True

    def __post_init__(self) -> None:
        if self.mode not in ("min", "max"):
            raise ValueError(f"mode must be 'min' or 'max', got {self.mode!r}")
        check_whole("patience", self.patience, 1)
        check_at_least_zero(vars(self), "min_delta")

    def best_epoch(self, history: Sequence[Row]) -> int:
        """The number of the last epoch that was better than all before, from 1; 0 if there is none."""
        sign = 1 if self.mode == "min" else -1
        best, epoch = math.inf, 0
        for i, row in enumerate(history, 1):
            value = sign * row[self.monitor]
            if value < best - self.min_delta:
                best, epoch = value, i
        return epoch

    def is_over(self, history: Sequence[Row]) -> bool:
        """Whether the last ``patience`` epochs brought nothing better."""
        return len(history) - self.best_epoch(history) >= self.patience


class CSVLog:
    """Writes the figures of every epoch to a CSV file, one line each: ``trainer.fit(…, callbacks=[CSVLog("m.csv")])``.

    The file is written whole after every epoch, so that it always agrees with the history, also of a training that
    went on from a checkpoint.  Raises OSError if it cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path

    def __call__(self, trainer: Trainer) -> None:
        """Write the history of ``trainer``."""
        columns = list(dict.fromkeys(["epoch", *[name for row in trainer.history for name in row]]))
        write_csv(self.path, [columns, *[[row.get(name, "") for name in columns] for row in trainer.history]])
