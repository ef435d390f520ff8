"""nn: layers, losses, optimizers, data and training, on top of autograd_lite."""

from . import data, functional, init, metrics, optim, search, utils
from .callbacks import CSVLog, EarlyStopping
from .doctor import diagnose
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
    ModuleDict,
    ModuleList,
    Neuron,
    ParameterDict,
    ParameterList,
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
from .train import Diverged, Trainer

__all__ = [
    "MLP", "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AvgPool1d",
    "AvgPool2d", "BatchNorm1d", "BatchNorm2d", "Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d",
    "CrossEntropyLoss", "Dropout", "Dropout2d", "Flatten", "Fold", "GroupNorm", "Identity", "L1Loss", "LayerNorm",
    "LazyBatchNorm1d", "LazyBatchNorm2d", "LazyConv1d", "LazyConv2d", "LazyConvTranspose2d", "LazyLinear", "LeNet5",
    "LeakyReLU", "Linear", "MSELoss", "MaxPool1d", "MaxPool2d", "Module", "ModuleDict", "ModuleList", "Neuron",
    "Parameter", "ParameterDict", "ParameterList", "ReLU", "ResNet8", "Sequential", "Sigmoid", "SmallVGG",
    "Softmax", "Tanh", "Unfold", "data", "functional", "init", "optim", "summary",
    "CSVLog", "Diverged", "EarlyStopping", "Trainer", "diagnose", "metrics", "search", "utils",
]  # fmt: skip
