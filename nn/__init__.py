"""nn: layers, losses, optimizers, data and training, on top of autograd_lite."""

from . import data, functional, init, optim
from .layers import (
    Conv1d,
    Conv2d,
    ConvTranspose1d,
    ConvTranspose2d,
    Flatten,
    Identity,
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
    "MLP", "Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d", "CrossEntropyLoss", "Flatten", "Identity",
    "L1Loss", "LazyConv1d", "LazyConv2d", "LazyConvTranspose2d", "LazyLinear", "LeakyReLU", "Linear", "MSELoss",
    "Module", "Neuron", "Parameter", "ReLU", "Sequential", "Sigmoid", "Softmax", "Tanh", "data", "functional", "init",
    "optim", "summary",
]  # fmt: skip
