"""What a layer does, in numbers: the cheat sheet's formulas for shapes and parameters, and multiply-adds."""

from __future__ import annotations

import math
from typing import Any

from autograd_lite.ops.geometry import calculation, padding_pairs, pair

from .layers import (
    AvgPool1d,
    AvgPool2d,
    Conv1d,
    Conv2d,
    ConvTranspose1d,
    ConvTranspose2d,
    Flatten,
    Linear,
    MaxPool1d,
    MaxPool2d,
    Neuron,
    Softmax,
)
from .module import Module

__all__ = ["multiply_adds", "parameter_formula", "shape_formula"]

CONVS, TRANSPOSED = (Conv1d, Conv2d), (ConvTranspose1d, ConvTranspose2d)
POOLS = (MaxPool1d, MaxPool2d, AvgPool1d, AvgPool2d)
AXES = {1: ("length",), 2: ("height", "width")}

Shape = tuple[int, ...]


# -- the shape of the output ------------------------------------------------------------------------------------------


def shape_formula(layer: Module, shape: Shape) -> str:
    """The calculation of a layer's output size from the shape of its input  (cheat sheet 4.1, 6.1).

    For convolutions and pools, axis by axis where the axes differ; for `Flatten` the product; else "".

    >>> import nn
    >>> shape_formula(nn.Conv2d(1, 6, 5, padding=2), (1, 1, 28, 28))
    '⌊(28 + 2·2 − 5)/1⌋ + 1 = 28'
    """
    if isinstance(layer, Flatten):
        joined = shape[layer.start_dim :][: layer.end_dim % len(shape) - layer.start_dim % len(shape) + 1]
        return f"{'·'.join(map(str, joined))} = {math.prod(joined)}"
    if not isinstance(layer, (*CONVS, *TRANSPOSED, *POOLS)):
        return ""
    axes = layer.axes
    kernel, stride = pair("kernel_size", layer.kernel_size, axes), pair("stride", layer.stride, axes)
    dilation = pair("dilation", getattr(layer, "dilation", 1), axes)
    padding = padding_pairs(layer.padding, kernel, stride, dilation)
    lines = list(zip(shape[-axes:], kernel, stride, padding, dilation, strict=True))
    if isinstance(layer, TRANSPOSED):
        found = [_enlarged(n, f, s, p, d, o) for (n, f, s, p, d), o in zip(lines, layer.output_padding, strict=True)]
    else:
        ceil_mode = getattr(layer, "ceil_mode", False)
        found = [calculation(n, f, s, p, d, ceil_mode) for n, f, s, p, d in lines]
    return found[0] if len(set(found)) == 1 else ", ".join(map(" ".join, zip(AXES[axes], found, strict=True)))


def _enlarged(n: int, f: int, stride: int, padding: tuple[int, int], dilation: int, more: int) -> str:
    """The size that a transposed convolution puts out, ``(n − 1)s − 2p + d(f − 1) + 1 + output_padding``."""
    margins = f" − 2·{padding[0]}" if padding[0] else ""
    window = f"{f}" if dilation == 1 else f"{dilation}·({f} − 1) + 1"
    size = (n - 1) * stride - 2 * padding[0] + dilation * (f - 1) + 1 + more
    return f"({n} − 1)·{stride}{margins} + {window}{f' + {more}' if more else ''} = {size}"


# -- parameters -------------------------------------------------------------------------------------------------------


def parameter_formula(layer: Module, image: Shape | None = None) -> str:
    """The calculation of a layer's number of parameters  (cheat sheet 6.1).

    Convolution: ``K(C·f·f + 1)``, where the sheet's formula has a misprint; pool: 0; linear layer behind an ``image``
    (C, H, W): ``n_h·n_w·n_c·n_neu + n_neu``; behind another layer, as the sheet's softmax layer:
    ``n_prev·n_neu + n_neu``.  Without a bias the last summand is missing.  For other layers "".

    >>> import nn
    >>> parameter_formula(nn.Conv2d(1, 6, 5))
    'K(C·f·f + 1) = 6(1·5·5 + 1) = 156'
    >>> parameter_formula(nn.Linear(400, 120), image=(16, 5, 5))
    'n_h·n_w·n_c·n_neu + n_neu = 5·5·16·120 + 120 = 48,120'
    """
    if isinstance(layer, (*CONVS, *TRANSPOSED)):
        return _of_convolution(layer)
    if isinstance(layer, Linear):
        behind = image is not None and math.prod(image) == layer.in_features
        sizes = (*image[1:], image[0]) if behind and image is not None else (layer.in_features,)
        symbols = "n_h·n_w·n_c·n_neu" if behind else "n_prev·n_neu"
        numbers = "·".join(map(str, (*sizes, layer.out_features)))
        if layer.bias is not None:
            symbols, numbers = f"{symbols} + n_neu", f"{numbers} + {layer.out_features}"
        return f"{symbols} = {numbers} = {_count(layer):,}"
    if isinstance(layer, Neuron):
        return f"n_x + 1 = {layer.in_features} + 1 = {_count(layer):,}"
    return "0" if isinstance(layer, (*POOLS, Softmax)) else ""


def _of_convolution(layer: Any) -> str:
    square = len(set(layer.kernel_size)) == 1
    window = "f" if layer.axes == 1 else "f·f" if square else "f_h·f_w"
    symbols, numbers = f"C·{window}", f"{layer.in_channels}·{'·'.join(map(str, layer.kernel_size))}"
    if layer.groups > 1:
        symbols = f"C/groups·{window}"
        numbers = f"{layer.in_channels}/{layer.groups}·{'·'.join(map(str, layer.kernel_size))}"
    if layer.bias is None:
        return f"K·{symbols} = {layer.out_channels}·{numbers} = {_count(layer):,}"
    return f"K({symbols} + 1) = {layer.out_channels}({numbers} + 1) = {_count(layer):,}"


def _count(layer: Module) -> int:
    return sum(p.numel() for p in layer.parameters(recurse=False))


# -- work -------------------------------------------------------------------------------------------------------------


def multiply_adds(layer: Module, inputs: int, outputs: int) -> int:
    """How many products with a weight a layer adds up, for so many elements of its input and output.

    Each output element of a convolution is a sum of C/groups·f·f products, that of a linear layer or a neuron one of as
    many as it has inputs; each input element of a transposed convolution goes into K/groups·f·f products.  Products
    with padding count; biases, activations, norms and pools do not.

    >>> import nn
    >>> multiply_adds(nn.Conv2d(1, 6, 5, padding=2), 28 * 28, 6 * 28 * 28)
    117600
    """
    if isinstance(layer, CONVS):
        return outputs * (layer.weight.numel() // layer.out_channels)
    if isinstance(layer, TRANSPOSED):
        return inputs * (layer.weight.numel() // layer.in_channels)
    if isinstance(layer, (Linear, Neuron)):
        return outputs * layer.in_features
    return 0
