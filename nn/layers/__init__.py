"""The layers, one file a kind."""

from .activation import LeakyReLU, ReLU, Sigmoid, Softmax, Tanh
from .container import Flatten, Identity, Sequential
from .linear import Linear, Neuron
from .pool import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AvgPool1d,
    AvgPool2d,
    Fold,
    MaxPool1d,
    MaxPool2d,
    Unfold,
)  # fmt: skip

__all__ = [
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AvgPool1d", "AvgPool2d",
    "Flatten", "Fold", "Identity", "LeakyReLU", "Linear", "MaxPool1d", "MaxPool2d", "Neuron", "ReLU", "Sequential",
    "Sigmoid", "Softmax", "Tanh", "Unfold",
]  # fmt: skip
