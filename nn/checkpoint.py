"""Checkpoints: all that a training needs to go on, in one file that `autograd_lite.save` writes."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from autograd_lite import CheckpointError, load, save

from .module import Module
from .optim import Optimizer

__all__ = ["Checkpoint", "CheckpointError", "load_checkpoint", "save_checkpoint"]

FORMAT = "autograd_lite checkpoint 2"


class Checkpoint(NamedTuple):
    """What a training needs to go on as if it had never stopped."""

    model: dict[str, Any]
    optimizer: dict[str, Any]
    generator: Any
    extra: dict[str, Any]  # of the caller: epoch, settings, …
    path: str = ""

    def restore(self, model: Module, optimizer: Optimizer, generator: Any) -> None:
        """Put the state into a model, an optimizer and a generator.  Raises CheckpointError if it does not fit."""
        before = {name: value.clone() for name, value in model.state_dict().items()}, optimizer.state_dict()
        try:
            model.load_state_dict(self.model)
            optimizer.load_state_dict(self.optimizer)
            generator.set_state(self.generator)
        except (ValueError, TypeError, KeyError) as error:
            model.load_state_dict(before[0])
            optimizer.load_state_dict(before[1])
            raise CheckpointError(f"{self.path} does not fit: {error}") from error


def save_checkpoint(
    path: str | os.PathLike[str], model: Module, optimizer: Optimizer, generator: Any, **extra: Any
) -> None:
    """Write all that a training needs to go on.  ``extra``: whatever else `autograd_lite.save` can hold."""
    parts = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "generator": generator.get_state()}
    save({"format": FORMAT, **parts, "extra": extra}, path)


def load_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a checkpoint.  Raises OSError if it cannot be read, CheckpointError if it is damaged or something else."""
    stored = load(path)
    if not isinstance(stored, dict) or not isinstance(stored.get("format"), str):
        raise CheckpointError(f"{path} holds weights, but is not a checkpoint")
    if stored.pop("format") != FORMAT:
        raise CheckpointError(f"{path} is a checkpoint of another version; this one reads {FORMAT!r}")
    try:
        return Checkpoint(**stored, path=str(path))
    except TypeError as error:
        raise CheckpointError(f"{path} is not a checkpoint: {error}") from error
