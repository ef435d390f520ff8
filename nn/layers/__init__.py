"""The layers, one file a kind."""

from .activation import LeakyReLU, ReLU, Sigmoid, Softmax, Tanh
from .container import Flatten, Identity, Sequential
from .linear import Linear, Neuron

__all__ = [
    "Flatten", "Identity", "LeakyReLU", "Linear", "Neuron", "ReLU", "Sequential", "Sigmoid", "Softmax", "Tanh",
]  # fmt: skip
