"""nn: layers, losses, optimizers, data and training, on top of autograd_lite."""

from . import data, functional, init, optim, utils, vision
from .layers import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AvgPool1d,
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    Conv1d,
    Conv2d,
    ConvTranspose1d,
    ConvTranspose2d,
    Dropout,
    Dropout2d,
    Flatten,
    Fold,
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
    MaxPool1d,
    MaxPool2d,
    Neuron,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
    Unfold,
)  # fmt: skip
from .losses import CrossEntropyLoss, L1Loss, MSELoss
from .models import MLP, LeNet5, ResNet8, SmallVGG
from .module import Module, Parameter
from .summary import summary

__all__ = [
    "MLP", "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AvgPool1d",
    "AvgPool2d", "BatchNorm1d", "BatchNorm2d", "Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d",
    "CrossEntropyLoss", "Dropout", "Dropout2d", "Flatten", "Fold", "GroupNorm", "Identity", "L1Loss", "LayerNorm",
    "LazyBatchNorm1d", "LazyBatchNorm2d", "LazyConv1d", "LazyConv2d", "LazyConvTranspose2d", "LazyLinear", "LeNet5",
    "LeakyReLU", "Linear", "MSELoss", "MaxPool1d", "MaxPool2d", "Module", "Neuron", "Parameter", "ReLU", "ResNet8",
    "Sequential", "Sigmoid", "SmallVGG", "Softmax", "Tanh", "Unfold", "data", "functional", "init", "optim", "summary",
    "utils", "vision",
]  # fmt: skip
