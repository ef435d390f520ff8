"""The layers, one file a kind."""

from .activation import LeakyReLU, ReLU, Sigmoid, Softmax, Tanh
from .container import Flatten, Identity, Sequential
from .conv import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d, LazyConv1d, LazyConv2d, LazyConvTranspose2d
from .dropout import Dropout, Dropout2d
from .lazy import Lazy, LazyLinear
from .linear import Linear, Neuron
from .norm import BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm, LazyBatchNorm1d, LazyBatchNorm2d

__all__ = [
    "BatchNorm1d", "BatchNorm2d", "Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d", "Dropout", "Dropout2d",
    "Flatten", "GroupNorm", "Identity", "LayerNorm", "Lazy", "LazyBatchNorm1d", "LazyBatchNorm2d", "LazyConv1d",
    "LazyConv2d", "LazyConvTranspose2d", "LazyLinear", "LeakyReLU", "Linear", "Neuron", "ReLU", "Sequential",
    "Sigmoid", "Softmax", "Tanh",
]  # fmt: skip
