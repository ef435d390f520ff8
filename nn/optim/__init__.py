"""Optimizers: what changes the parameters, given their gradients.  Schedules of their rates, averages of weights."""

from . import lr_scheduler
from .adaptive import Adadelta, Adagrad, Adam, AdamW, RMSprop
from .average import ExponentialMovingAverage
from .optimizer import Optimizer
from .sgd import SGD, Momentum

__all__ = [
    "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "ExponentialMovingAverage", "Momentum", "Optimizer", "RMSprop",
    "lr_scheduler",
]  # fmt: skip
