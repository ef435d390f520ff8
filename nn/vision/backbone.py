"""The convolutions that the networks of this package begin with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..layers.activation import LeakyReLU
from ..layers.container import Sequential
from ..layers.conv import Conv2d
from ..layers.norm import BatchNorm2d
from ..layers.pool import MaxPool2d
from ..module import Module

__all__ = ["Backbone"]


class Backbone(Sequential):
    """Blocks of a 3×3 convolution, batch norm, 2×2 max pool, leaky ReLU: ``(N, C, H, W) -> (N, K, H/s, W/s)``.

    ``filters`` are those of the blocks, K of the last; the first ``pools`` (default: all) halve the image, so s =
    2^pools.  The activation rises, so that it may follow the pool, where it has a quarter of the work. 16 filters and
    more are convolved by Winograd's algorithm.  Raises ValueError for no blocks, more pools than blocks and fewer than
    1 filter.

    >>> Backbone(1, [16, 32], pools=1)
    Backbone(
      (conv1): Conv2d(1, 16, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)
      (bn1): BatchNorm2d(num_features=16, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
      (pool1): MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)
      (act1): LeakyReLU(negative_slope=0.1)
      (conv2): Conv2d(16, 32, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)
      (bn2): BatchNorm2d(num_features=32, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
      (act2): LeakyReLU(negative_slope=0.1)
    )
    """

    def __init__(
        self, channels: int, filters: Sequence[int], pools: int | None = None, *, generator: Any = None
    ) -> None:
        pools = len(filters) if pools is None else pools
        if not filters or not 0 <= pools <= len(filters):
            raise ValueError(f"a backbone needs blocks and not more pools than these, got {list(filters)}, {pools}")
        layers: dict[str, Module] = {}
        for i, count in enumerate(filters, 1):
            layers[f"conv{i}"] = Conv2d(channels, count, 3, padding=1, bias=False, generator=generator)
            layers[f"bn{i}"] = BatchNorm2d(count)
            if i <= pools:
                layers[f"pool{i}"] = MaxPool2d(2)
            layers[f"act{i}"] = LeakyReLU()
            channels = count
        super().__init__(layers)
