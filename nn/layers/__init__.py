"""The layers, one file a kind."""

from .activation import LeakyReLU, ReLU, Sigmoid, Softmax, Tanh
from .container import Flatten, Identity, Sequential
from .lazy import Lazy, LazyLinear
from .linear import Linear, Neuron

__all__ = [
    "Flatten", "Identity", "Lazy", "LazyLinear", "LeakyReLU", "Linear", "Neuron", "ReLU", "Sequential", "Sigmoid",
    "Softmax", "Tanh",
]  # fmt: skip
