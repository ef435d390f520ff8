"""The layers, one file a kind."""

from .activation import LeakyReLU, ReLU, Sigmoid, Softmax, Tanh
from .container import Flatten, Identity, ModuleDict, ModuleList, ParameterDict, ParameterList, Sequential
from .conv import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d, LazyConv1d, LazyConv2d, LazyConvTranspose2d
from .dropout import Dropout, Dropout2d
from .lazy import Lazy, LazyLinear
from .linear import Linear, Neuron
from .norm import BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm, LazyBatchNorm1d, LazyBatchNorm2d
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
    "BatchNorm1d", "BatchNorm2d", "Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d", "Dropout", "Dropout2d",
    "Flatten", "Fold", "GroupNorm", "Identity", "LayerNorm", "Lazy", "LazyBatchNorm1d", "LazyBatchNorm2d",
    "LazyConv1d", "LazyConv2d", "LazyConvTranspose2d", "LazyLinear", "LeakyReLU", "Linear", "MaxPool1d",
    "MaxPool2d", "ModuleDict", "ModuleList", "Neuron", "ParameterDict", "ParameterList", "ReLU", "Sequential",
    "Sigmoid", "Softmax", "Tanh", "Unfold",
]  # fmt: skip
