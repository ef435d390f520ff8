"""The layers, one file a kind."""

from .activation import LeakyReLU, ReLU, Sigmoid, Softmax, Tanh
from .container import Flatten, Identity, Sequential
from .conv import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d, LazyConv1d, LazyConv2d, LazyConvTranspose2d
from .lazy import Lazy, LazyLinear
from .linear import Linear, Neuron

__all__ = [
    "Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d", "Flatten", "Identity", "Lazy", "LazyConv1d", "LazyConv2d",
    "LazyConvTranspose2d", "LazyLinear", "LeakyReLU", "Linear", "Neuron", "ReLU", "Sequential", "Sigmoid", "Softmax",
    "Tanh",
]  # fmt: skip
