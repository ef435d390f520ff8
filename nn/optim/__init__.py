"""Optimizers: what changes the parameters, given their gradients."""

from . import lr_scheduler
from .adaptive import Adam, RMSprop
from .optimizer import Optimizer
from .sgd import SGD

__all__ = ["SGD", "Adam", "Optimizer", "RMSprop", "lr_scheduler"]
