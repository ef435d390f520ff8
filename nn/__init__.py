"""nn: layers, losses, optimizers, data and training, on top of autograd_lite."""

from . import data, functional, init, optim
from .layers import (
    BatchNorm1d,
    BatchNorm2d,
    Conv1d,
    Conv2d,
    ConvTranspose1d,
    ConvTranspose2d,
    Dropout,
    Dropout2d,
    Flatten,
    GroupNorm,
    Identity,
    LayerNorm,
    LazyBatchNorm1d,
    LazyBatchNorm2d,
    LazyConv1d,
    LazyConv2d,
    LazyConvTranspose2d,
    LazyLinear,
    LeakyReLU,
    Linear,
    Neuron,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
)  # fmt: skip
from .losses import CrossEntropyLoss, L1Loss, MSELoss
from .models import MLP
from .module import Module, Parameter
from .summary import summary

__all__ = [
    "MLP", "BatchNorm1d", "BatchNorm2d", "Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d", "CrossEntropyLoss",
    "Dropout", "Dropout2d", "Flatten", "GroupNorm", "Identity", "L1Loss", "LayerNorm", "LazyBatchNorm1d",
    "LazyBatchNorm2d", "LazyConv1d", "LazyConv2d", "LazyConvTranspose2d", "LazyLinear", "LeakyReLU", "Linear",
    "MSELoss", "Module", "Neuron", "Parameter", "ReLU", "Sequential", "Sigmoid", "Softmax", "Tanh", "data",
    "functional", "init", "optim", "summary",
]  # fmt: skip
