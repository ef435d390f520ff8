"""The functions that layers and losses are made of, under PyTorch's names: ``import nn.functional as F``."""

from autograd_lite.ops.activation import (
    celu,
    elu,
    gelu,
    glu,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    leaky_relu,
    logsigmoid,
    mish,
    prelu,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softplus,
    softshrink,
    softsign,
    tanhshrink,
)  # fmt: skip
from autograd_lite.ops.conv import conv1d, conv2d, conv_transpose1d, conv_transpose2d
from autograd_lite.ops.dropout import dropout, dropout2d
from autograd_lite.ops.elementwise import tanh
from autograd_lite.ops.embedding import embedding
from autograd_lite.ops.index import one_hot
from autograd_lite.ops.linalg import linear
from autograd_lite.ops.loss import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    categorical_cross_entropy,
    cross_entropy,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    nll_loss,
    smooth_l1_loss,
)  # fmt: skip
from autograd_lite.ops.norm import batch_norm, group_norm, instance_norm, layer_norm
from autograd_lite.ops.pad import pad
from autograd_lite.ops.pool import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    avg_pool1d,
    avg_pool2d,
    max_pool1d,
    max_pool2d,
)  # fmt: skip
from autograd_lite.ops.softmax import log_softmax, softmax
from autograd_lite.ops.unfold import fold, unfold

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_max_pool1d", "adaptive_max_pool2d", "avg_pool1d",
    "avg_pool2d", "batch_norm", "binary_cross_entropy", "binary_cross_entropy_with_logits", "categorical_cross_entropy",
    "celu", "conv1d", "conv2d", "conv_transpose1d", "conv_transpose2d", "cross_entropy", "dropout", "dropout2d", "elu",
    "embedding", "fold", "gelu", "glu", "group_norm", "hardshrink", "hardsigmoid", "hardswish", "hardtanh",
    "huber_loss", "instance_norm", "kl_div", "l1_loss", "layer_norm", "leaky_relu", "linear", "log_softmax",
    "logsigmoid", "max_pool1d", "max_pool2d", "mish", "mse_loss", "nll_loss", "one_hot", "pad", "prelu", "relu",
    "relu6", "selu", "sigmoid", "silu", "smooth_l1_loss", "softmax", "softplus", "softshrink", "softsign", "tanh",
    "tanhshrink", "unfold",
]  # fmt: skip
